//! The policies that objects are previewed with.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Result, bail};
use azure_workload_identity_policy::objects::KINDS;
use azure_workload_identity_policy::settings::pod_templates;
use azure_workload_identity_policy::settings::{Mode, Settings};
use serde_json::Value;

use super::accounts::{Accounts, directory};
use super::args::ReviewArgs;
use super::explain::Explainer;
use crate::input::found::{Found, Text};
use crate::input::lines::ValuePath;
use crate::input::manifests::Manifest;
use crate::input::pod_templates::Descriptions;
use crate::input::settings::SettingsValue;
use crate::kubewarden::cluster::Cluster;
use crate::kubewarden::guest::{CallError, Guest};
use crate::kubewarden::host_calls::{Answers, HostCalls};
use crate::kubewarden::policy::{Policy, SettingsCheckError};
use crate::kubewarden::policy_manifest::PolicyManifest;
use crate::kubewarden::rbac::Rbac;
use crate::kubewarden::service_accounts::{Others, ServiceAccounts};
use crate::text::one_line;

/// The name of this policy's module in registries.
const MODULE: &str = "azure-workload-identity-policy";

/// A setting that each policy with it has, and hardly another one.
const REQUIRED: &str = "azureTenantID";

/// What a policy writes to its log goes there.
pub type Log = Arc<dyn Fn(&str) + Send + Sync>;

/// A policy with these settings.
#[derive(Debug)]
pub struct Deployed {
    /// Its manifest, if it has one.
    pub manifest: Option<PolicyManifest>,
    /// Its name, if there are several.
    pub name: Option<Arc<str>>,
    /// Its settings.
    pub settings: SettingsValue,
    /// Whether the mode in them is Verify: nothing is injected.
    pub verifies: bool,
}

impl Deployed {
    fn new(
        manifest: Option<PolicyManifest>,
        name: Option<Arc<str>>,
        settings: SettingsValue,
    ) -> Self {
        let text = serde_json::to_string(&settings).unwrap_or_default();
        let verifies = Settings::read(&text).is_ok_and(|settings| settings.mode == Mode::Verify);
        Self {
            manifest,
            name,
            settings,
            verifies,
        }
    }

    /// Whether it gives pods their identity.
    pub fn injects(&self) -> bool {
        self.mutates() && !self.verifies
    }

    /// Whether it may change objects.
    pub fn mutates(&self) -> bool {
        self.manifest
            .as_ref()
            .is_none_or(|manifest| manifest.mutating)
    }
}

/// What is given beside the manifests that are reviewed.
#[derive(Debug, Default)]
pub struct Given {
    /// Manifests of policies, in place of those among the manifests.
    pub policies: Option<Found>,
    /// Settings of one policy, if there are no manifests of policies.
    pub settings: Option<SettingsValue>,
    /// Descriptions of other kinds of objects: entries of the setting podTemplates.
    pub pod_templates: Option<Text>,
}

/// The policies that are given, or that are among `manifests` if no settings are, in the order in which the API server asks
/// them: first those that mutate. What else there is to say is added to `notes`.
///
/// # Errors
///
/// Files and policies that cannot be read.
pub fn deployed(
    args: &ReviewArgs,
    given: &Given,
    manifests: &[Manifest],
    notes: &mut Vec<String>,
) -> Result<Vec<Deployed>> {
    let mut found = Vec::new();
    if let Some(files) = &given.policies {
        if let Some(error) = files.errors.first() {
            bail!("{error}");
        }
        found = read(&files.manifests, &args.namespace)?;
        let passed_over = files.passed_over.iter();
        notes.extend(passed_over.map(|error| format!("--policy: passed over {}", error.brief())));
        if found.is_empty() {
            bail!(
                "{}: expected a ClusterAdmissionPolicy or AdmissionPolicy, found none",
                args.named_policies()
            );
        }
        // Whoever keeps the module elsewhere may call it otherwise.
        if found.iter().any(is_ours) {
            only_ours(&mut found, notes);
        }
    } else if given.settings.is_none() && args.set.is_empty() {
        found = read(manifests, &args.namespace)?;
        only_ours(&mut found, notes);
        if !found.is_empty() {
            let names: BTreeSet<_> = found.iter().map(|policy| policy.name.as_str()).collect();
            let names: Vec<_> = names.into_iter().collect();
            notes.push(format!(
                "applied the policies among the manifests: {}",
                names.join(", ")
            ));
        }
    }
    let settings = |settings: SettingsValue| {
        let assignments = args.set.iter();
        let mut assignments = assignments.map(String::as_str);
        assignments.try_fold(settings, SettingsValue::with)
    };
    if found.is_empty() {
        let given = given.settings.clone().unwrap_or_default();
        if is_policy(&given) {
            bail!("expected the settings of a policy, found a policy; help: give it with --policy");
        }
        return Ok(vec![Deployed::new(None, None, settings(given)?)]);
    }
    let mut last = Vec::<PolicyManifest>::new();
    for policy in found {
        let webhook = policy.webhook();
        if let Some(index) = last.iter().position(|other| other.webhook() == webhook) {
            last.remove(index);
            notes.push(format!(
                "policy {} is there several times: the last one counts, in {}",
                policy.name, policy.place
            ));
        }
        last.push(policy);
    }
    let mut found = last;
    for policy in &found {
        notes.extend(notes_on(policy, args.as_user.is_some()));
    }
    found.sort_by_cached_key(|policy| (!policy.mutating, policy.webhook()));
    let names: Vec<_> = found.iter().map(|policy| policy.name.clone()).collect();
    let deployed = found.into_iter().map(|policy| {
        let alike = names.iter().filter(|name| **name == policy.name).count();
        let name = match &policy.scope.namespace {
            Some(namespace) if alike > 1 => format!("{namespace}/{}", policy.name),
            _ => policy.name.clone(),
        };
        let name = (names.len() > 1).then(|| Arc::from(name));
        let settings = settings(policy.settings.clone())?;
        Ok(Deployed::new(Some(policy), name, settings))
    });
    deployed.collect()
}

/// The policies among `manifests`, which must be able to match something.
fn read(manifests: &[Manifest], default_namespace: &str) -> Result<Vec<PolicyManifest>> {
    let mut policies = Vec::new();
    for manifest in manifests
        .iter()
        .filter(|manifest| PolicyManifest::is_in(manifest))
    {
        let policy = PolicyManifest::from_manifest(manifest, default_namespace)?;
        if !matches_something(&policy) {
            bail!(
                "{}, line {}: spec.rules: match the creation of no pod, workload or ServiceAccount; help: for pods, apiGroups is \
                 [\"\"], apiVersions [\"v1\"], resources [\"pods\"] and operations [\"CREATE\"]",
                manifest.origin,
                manifest.line(ValuePath::new("spec.rules")),
            );
        }
        policies.push(policy);
    }
    Ok(policies)
}

/// Whether the rules cover anything that the policy has a say in.
fn matches_something(policy: &PolicyManifest) -> bool {
    let scope = &policy.scope;
    let has_other_kinds = policy.settings.get(pod_templates::NAME).is_some();
    let own = ["pods", "serviceaccounts"];
    has_other_kinds
        || own.iter().any(|resource| scope.covers("", "v1", resource))
        || KINDS.iter().any(|kind| {
            let resource = format!("{}s", kind.name.to_lowercase());
            scope.covers(kind.group, "v1", &resource)
        })
}

/// Whether it is a whole policy, and not its settings.
fn is_policy(settings: &SettingsValue) -> bool {
    let kind = settings.get("kind").and_then(Value::as_str);
    kind.is_some_and(|kind| kind.ends_with("AdmissionPolicy"))
}

/// Whether a policy has this project's module: by the module's name, or if that was changed, by the required setting.
fn is_ours(policy: &PolicyManifest) -> bool {
    policy.module.contains(MODULE) || policy.settings.get(REQUIRED).is_some()
}

/// Leaves policies with other modules out.
fn only_ours(policies: &mut Vec<PolicyManifest>, notes: &mut Vec<String>) {
    let others = policies.iter().filter(|policy| !is_ours(policy));
    notes.extend(others.map(|policy| {
        let PolicyManifest { name, module, .. } = policy;
        format!("policy {name} is left out: its module is {module}")
    }));
    policies.retain(is_ours);
}

/// What a preview cannot do as a cluster does.
fn notes_on(policy: &PolicyManifest, knows_user: bool) -> impl Iterator<Item = String> {
    let conditions = &policy.scope.match_conditions;
    let of_user = conditions.of_user().filter(move |_| !knows_user);
    let of_user = of_user.map(|name| {
        format!(
            "policy {}: matchCondition {name:?} counts as true, because who applies the manifests is not known; help: give --as USER",
            policy.name
        )
    });
    let skipped = conditions.skipped().iter();
    let skipped = skipped.map(|(name, why)| {
        format!(
            "policy {}: matchCondition {name:?} is not evaluated, and counts as true: {why}",
            policy.name
        )
    });
    let labels = policy.has_ignored_labels.then(|| {
        format!(
            "policy {}: Kubewarden ignores matchLabels of namespaceSelector; help: use matchExpressions",
            policy.name
        )
    });
    of_user.chain(skipped).chain(labels)
}

/// The policies, with the ServiceAccounts that are nearest to each directory.
pub struct Policies<'r> {
    module: &'r Arc<dyn Guest>,
    accounts: &'r Accounts<'r>,
    /// Whether it depends on the directory which ServiceAccounts count.
    by_directory: bool,
    rbac: Rbac,
    deployed: &'r [Deployed],
    log: Option<Log>,
    others: Others,
    /// The kinds of objects that the program knows.
    descriptions: &'r Descriptions,
    of_directories: Mutex<BTreeMap<PathBuf, Arc<[Policy]>>>,
    /// Policies that know all these kinds.
    describing: Mutex<BTreeMap<PathBuf, Arc<[Policy]>>>,
}

impl<'r> Policies<'r> {
    /// The policies that are deployed, in a cluster with these ServiceAccounts and permissions.
    pub fn new(
        module: &'r Arc<dyn Guest>,
        deployed: &'r [Deployed],
        accounts: &'r Accounts<'r>,
        rbac: Rbac,
        others: Others,
        descriptions: &'r Descriptions,
        log: Option<Log>,
    ) -> Self {
        Self {
            module,
            accounts,
            by_directory: accounts.are_doubled(),
            rbac,
            deployed,
            log,
            others,
            descriptions,
            of_directories: Mutex::default(),
            describing: Mutex::default(),
        }
    }

    /// How they are deployed, in the order of [`Policies::of`].
    pub fn deployed(&self) -> &'r [Deployed] {
        self.deployed
    }

    /// The ServiceAccounts among the manifests.
    pub fn accounts(&self) -> &'r Accounts<'r> {
        self.accounts
    }

    /// The policies for the objects in `file`.
    pub fn of(&self, file: &str) -> Arc<[Policy]> {
        self.kept(&self.of_directories, file, |deployed, cluster| {
            self.policy(deployed, deployed.settings.clone(), cluster)
        })
    }

    /// The policies for the objects in `file`, as they would be if they knew all kinds that the program knows. One that does
    /// not take the descriptions, because it is older, is as it is.
    pub fn describing(&self, file: &str) -> Arc<[Policy]> {
        self.kept(&self.describing, file, |deployed, cluster| {
            let own = &deployed.settings;
            let descriptions = self.descriptions.clone().with(own.get(pod_templates::NAME));
            let described = own
                .clone()
                .with_value(pod_templates::NAME, descriptions.as_setting());
            let policy = self.policy(deployed, described, cluster);
            match policy.check_settings() {
                Ok(()) => policy,
                Err(_) => self.policy(deployed, own.clone(), cluster),
            }
        })
    }

    /// The policies for the objects in `file`, which are made once for each directory.
    fn kept(
        &self,
        kept: &Mutex<BTreeMap<PathBuf, Arc<[Policy]>>>,
        file: &str,
        policy: impl Fn(&Deployed, &Arc<Cluster>) -> Policy,
    ) -> Arc<[Policy]> {
        let directory = if self.by_directory {
            directory(file)
        } else {
            Path::new("")
        };
        // Nothing leaves the map half changed, not even a panic.
        let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
        let policies = kept.entry(directory.to_owned()).or_insert_with(|| {
            let cluster = self.cluster(directory);
            let deployed = self.deployed.iter();
            deployed
                .map(|deployed| policy(deployed, &cluster))
                .collect()
        });
        Arc::clone(policies)
    }

    /// Asks each policy whether its settings are valid.
    ///
    /// # Errors
    ///
    /// Settings that are not, with `help`, and a module that does not run, with its name.
    pub fn check_settings(&self, module: &str, help: &str) -> Result<()> {
        for (deployed, policy) in self.deployed.iter().zip(self.of("").iter()) {
            let name = deployed.name.as_ref();
            let name = name.map_or_else(String::new, |name| format!(" {name}"));
            match policy.check_settings() {
                Ok(()) => {}
                Err(SettingsCheckError::Invalid(message)) => {
                    let place = deployed.manifest.as_ref();
                    let place =
                        place.map_or_else(String::new, |policy| format!("{}: ", policy.place));
                    bail!("{place}the policy{name} does not accept the settings: {message}{help}")
                }
                Err(SettingsCheckError::Failed(error)) => {
                    let error = one_line(&CallError::Failed(error).to_string());
                    bail!("cannot run the module {module}: {error}")
                }
                Err(SettingsCheckError::Call(error)) => {
                    bail!("cannot run the module {module}: {error}")
                }
            }
        }
        Ok(())
    }

    fn cluster(&self, directory: &Path) -> Arc<Cluster> {
        let mut service_accounts = ServiceAccounts::default().with_others(self.others);
        for ((namespace, _), account) in self.accounts.nearest(directory) {
            service_accounts.insert(Arc::clone(account.object()), namespace);
        }
        Arc::new(Cluster {
            service_accounts,
            rbac: self.rbac.clone(),
        })
    }

    fn policy(
        &self,
        deployed: &Deployed,
        settings: SettingsValue,
        cluster: &Arc<Cluster>,
    ) -> Policy {
        let host = HostCalls::new(Answers::Cluster(Arc::clone(cluster)));
        let host = match &deployed.manifest {
            Some(manifest) => {
                let resources = manifest.context_aware_resources.iter();
                resources.fold(host, |host, resource| {
                    host.grant(&resource.api_version, &resource.kind)
                })
            }
            None => host.grant("v1", "ServiceAccount"),
        };
        let host = match self.log.clone() {
            Some(log) => host.with_log(Box::new(move |line| log(line))),
            None => host,
        };
        Policy::new(self.module, settings, host)
    }

    /// What explains the decisions of each policy.
    pub fn explainers(&self) -> Vec<Explainer<'r>> {
        let deployed = self.deployed.iter();
        deployed
            .map(|deployed| Explainer {
                given: deployed.settings.clone(),
                accounts: self.accounts,
                verifies: deployed.verifies,
            })
            .collect()
    }
}
