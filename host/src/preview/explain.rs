//! Why a pod gets its identity or not, step by step.
//!
//! What happened is read from the module's answer, its audit annotations among it, and from the lookups that it made.
//! Where these do not say where a value comes from, the place that has that value does, so that nothing is claimed that
//! the module did not do.

use std::{collections::BTreeMap, fmt};

use anyhow::{Result, anyhow};
use azure_workload_identity_policy::{
    audit, keys,
    settings::{OptIn, Settings as PolicySettings},
    values,
};
use serde_json::Value;

use crate::{
    host_calls::Lookup, manifests::Origin, response::AdmissionResponse,
    service_accounts::DEFAULT_ACCOUNT, settings::Settings,
};

/// One step: what it is about, and what was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    subject: String,
    finding: String,
}

impl Step {
    /// A step.
    pub fn new(subject: impl Into<String>, finding: impl Into<String>) -> Self {
        Self {
            subject: subject.into(),
            finding: finding.into(),
        }
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.subject, self.finding)
    }
}

/// A ServiceAccount among the manifests.
#[derive(Debug, Clone, Copy)]
pub struct Account<'m> {
    /// The ServiceAccount.
    pub object: &'m Value,
    /// Where it stands.
    pub origin: &'m Origin,
}

/// A pod that the policy has reviewed.
#[derive(Debug, Clone, Copy)]
pub struct Pod<'p> {
    /// The pod as messages name it.
    pub title: &'p str,
    /// The pod as it comes.
    pub before: &'p Value,
    /// The pod as the policy wants it, where it changes it.
    pub after: Option<&'p Value>,
    /// The workload that creates it.
    pub workload: Option<&'p Value>,
    /// What the API server gets.
    pub response: &'p AdmissionResponse,
    /// The lookups that the policy made for it.
    pub lookups: &'p [Lookup],
}

/// What explanations of all pods have in common.
pub struct Explainer<'m> {
    settings: PolicySettings,
    given: Settings,
    accounts: BTreeMap<(String, String), Account<'m>>,
}

/// A place that can give a value.
struct Place {
    /// The place in the words of audit annotations.
    kind: &'static str,
    /// The place in words.
    name: String,
    value: String,
}

/// The places of values in the words of audit annotations.
const ON_POD: &str = "Pod annotation";
const ON_SERVICE_ACCOUNT: &str = "ServiceAccount annotation";
const IN_SETTINGS: &str = "setting";

/// The audit annotations whose content the steps have anyway.
const TOLD: [&str; 7] = [
    audit::SERVICE_ACCOUNT,
    audit::CLIENT_ID,
    audit::CLIENT_ID_SOURCE,
    audit::TENANT_ID,
    audit::TENANT_ID_SOURCE,
    audit::INJECTED,
    audit::SKIPPED,
];

impl<'m> Explainer<'m> {
    /// Explains the policy under the settings `given`, with the ServiceAccounts `accounts` by namespace and name.
    ///
    /// # Errors
    ///
    /// Settings that are not those of this policy.
    pub fn new(
        given: &Settings,
        accounts: BTreeMap<(String, String), Account<'m>>,
    ) -> Result<Self> {
        let settings = PolicySettings::read(&serde_json::to_string(given)?).map_err(|faults| {
            anyhow!(
                "the policy does not accept the settings: {}",
                faults.join("; ")
            )
        })?;
        Ok(Self {
            settings: *settings,
            given: given.clone(),
            accounts,
        })
    }

    /// The steps that led to what the policy did with `pod`, or with the workload whose pod it would be.
    pub fn pod(&self, pod: &Pod<'_>) -> Vec<Step> {
        let account = pod.lookups.last();
        let (opted_in, step) = self.opt_in(pod, account);
        let mut steps = vec![step];
        steps.extend(account.map(|lookup| self.service_account(pod, lookup)));
        if opted_in {
            steps.extend(self.identity(pod, account));
        }
        if opted_in && pod.response.allowed {
            steps.extend(containers(pod));
        }
        steps.extend(other_audit_annotations(pod.response));
        steps.push(result(pod, opted_in));
        steps
    }

    /// Whether the pod opts in, and by which rule.
    fn opt_in(&self, pod: &Pod<'_>, account: Option<&Lookup>) -> (bool, Step) {
        let on_pod = text(pod.before, "labels", keys::USE);
        let by_pod = on_pod == Some(keys::OPTED_IN);
        let on_account = account.and_then(|lookup| {
            let account = lookup.answer.as_ref().ok()?;
            let label = text(account, "labels", keys::USE).map(|value| ("label", value));
            let annotation =
                || text(account, "annotations", keys::USE).map(|value| ("annotation", value));
            let (what, value) = label.or_else(annotation)?;
            Some(format!(
                "{} has {what} {}: {value:?}",
                title_of(lookup),
                keys::USE
            ))
        });
        let pod_says = match on_pod {
            Some(value) if by_pod => format!("the pod has label {}: {value:?}", keys::USE),
            Some(value) => format!(
                "the pod has label {}: {value:?}, expected {:?}",
                keys::USE,
                keys::OPTED_IN
            ),
            None => format!("the pod has no label {}", keys::USE),
        };
        let account_says = on_account.clone().unwrap_or_else(|| match account {
            Some(lookup) if lookup.answer.is_err() => {
                format!("{} was not found", title_of(lookup))
            }
            Some(lookup) => format!("{} has no label {}", title_of(lookup), keys::USE),
            None => "no ServiceAccount was looked up".to_owned(),
        });
        let (opted_in, rule, finding) = match self.settings.opt_in {
            OptIn::PodLabel => (
                by_pod,
                "PodLabel",
                pod_says + &self.misplaced_label(pod, on_pod),
            ),
            OptIn::ServiceAccountLabel => {
                (on_account.is_some(), "ServiceAccountLabel", account_says)
            }
            OptIn::Either if by_pod => (true, "Either", pod_says),
            OptIn::Either => (
                on_account.is_some(),
                "Either",
                format!("{pod_says}; {account_says}"),
            ),
        };
        let source = self.source("optIn", "optIn");
        (
            opted_in,
            Step::new("opt-in", format!("{finding} ({source}: {rule})")),
        )
    }

    /// Where the label is that the pod itself lacks.
    fn misplaced_label(&self, pod: &Pod<'_>, on_pod: Option<&str>) -> String {
        let on = |object: &Value| text(object, "labels", keys::USE).is_some();
        if on_pod.is_some() {
            return String::new();
        }
        if let Some(workload) = pod.workload.filter(|workload| on(workload)) {
            let kind = workload["kind"].as_str().unwrap_or_default();
            return format!("; the {kind} has it, move it to the labels of its pod template");
        }
        let namespace = pod.title.split([' ', '/']).nth(1).unwrap_or_default();
        let name = account_name(pod.before);
        let key = (namespace.to_owned(), name.to_owned());
        match self.accounts.get(&key) {
            Some(account) if on(account.object) => format!(
                "; ServiceAccount {namespace}/{name} has it, which counts with optIn ServiceAccountLabel or Either only"
            ),
            _ => String::new(),
        }
    }

    fn service_account(&self, pod: &Pod<'_>, lookup: &Lookup) -> Step {
        let Lookup {
            namespace,
            name,
            answer,
        } = lookup;
        let key = (namespace.clone(), name.clone());
        let found = match (answer, self.accounts.get(&key)) {
            (Ok(_), Some(account)) => format!("found in {}", account.origin),
            (Ok(_), None) => "the one that each namespace has".to_owned(),
            (Err(_), None) => "not among the manifests".to_owned(),
            (Err(error), Some(_)) => error.clone(),
        };
        let named = match pod.before["spec"]["serviceAccountName"].as_str() {
            Some(_) => "spec.serviceAccountName",
            None => "the pod names none",
        };
        Step::new(
            "ServiceAccount",
            format!("{namespace}/{name} ({named}), {found}"),
        )
    }

    /// Each value of the identity, and where it comes from.
    fn identity(&self, pod: &Pod<'_>, account: Option<&Lookup>) -> Vec<Step> {
        let settings = &self.settings;
        let (before, after) = (pod.before, pod.after.unwrap_or(pod.before));
        let account_title = account.map(title_of).unwrap_or_default();
        let annotated = account.and_then(|account| account.answer.as_ref().ok());
        let of_account = |key: &str| {
            let value = text(annotated?, "annotations", key)?.to_owned();
            let name = format!("annotation {key} of {account_title}");
            let kind = ON_SERVICE_ACCOUNT;
            Some(Place { kind, name, value })
        };
        let of_pod = |key: &str| {
            let value = text(before, "annotations", key)?.to_owned();
            let name = format!("annotation {key} of the pod");
            let kind = ON_POD;
            Some(Place { kind, name, value })
        };
        let setting = |keys: [&str; 2], value: &str| {
            Some(Place {
                kind: IN_SETTINGS,
                name: self.source(keys[0], keys[1]),
                value: value.to_owned(),
            })
        };

        let mut steps = Vec::new();
        let mut step = |subject: &str, value: Option<String>, kind, places: &[Option<Place>]| {
            if let Some(value) = value {
                let from = place_of(&value, kind, places);
                steps.push(Step::new(subject, format!("{value}, from {from}")));
            }
        };
        let annotation = |key: &str| {
            let annotations = pod.response.audit_annotations.as_ref()?;
            annotations.get(key).map(String::as_str)
        };
        let value = |key: &str, variable| {
            let named = annotation(key).map(str::to_owned);
            named.or_else(|| added_value(before, after, variable))
        };
        step(
            "client ID",
            value(audit::CLIENT_ID, keys::AZURE_CLIENT_ID),
            annotation(audit::CLIENT_ID_SOURCE),
            &[of_account(keys::CLIENT_ID)],
        );
        step(
            "tenant",
            value(audit::TENANT_ID, keys::AZURE_TENANT_ID),
            annotation(audit::TENANT_ID_SOURCE),
            &[
                of_account(keys::TENANT_ID),
                setting(["azureTenantID"; 2], &settings.azure_tenant_id),
            ],
        );
        step(
            "authority host",
            added_value(before, after, keys::AZURE_AUTHORITY_HOST),
            None,
            &[setting(
                ["azureAuthorityHost", "azureEnvironment"],
                &settings.azure_authority_host,
            )],
        );
        let token = |field: &str| {
            let value = &added_token(before, after)?.1[field];
            let text = value.as_str().map(str::to_owned);
            Some(text.unwrap_or_else(|| value.to_string()))
        };
        let endpoint = settings.token_endpoint.as_ref();
        step(
            "audience",
            token("audience"),
            None,
            &[
                setting(["audience"; 2], &settings.audience),
                endpoint
                    .and_then(|endpoint| setting(["customTokenEndpoint"; 2], &endpoint.audience)),
            ],
        );
        let default_expiration = settings.default_token_expiration_seconds.to_string();
        step(
            "token expiration",
            token("expirationSeconds"),
            None,
            &[
                of_pod(keys::TOKEN_EXPIRATION),
                of_account(keys::TOKEN_EXPIRATION),
                setting(["defaultTokenExpirationSeconds"; 2], &default_expiration),
            ],
        );
        if let Some((volume, _)) = added_token(before, after) {
            let layout = self.source("layout", "layout");
            steps.push(Step::new("token volume", format!("{volume} ({layout})")));
        }
        if annotated.is_some() && of_account(keys::CLIENT_ID).is_none() {
            let finding = format!(
                "none, {account_title} has no annotation {}",
                keys::CLIENT_ID
            );
            steps.insert(0, Step::new("client ID", finding));
        }
        steps
    }

    /// The setting that gives a value: the one of `keys` that is set, else the first one's default.
    fn source(&self, key: &str, other: &str) -> String {
        let set = [key, other]
            .into_iter()
            .find(|key| self.given.get(key).is_some());
        match set {
            Some(key) => format!("setting {key}"),
            None => format!("the default of setting {key}"),
        }
    }
}

/// What became of the pod.
fn result(pod: &Pod<'_>, opted_in: bool) -> Step {
    let finding = match (pod.response.allowed, opted_in, pod.after) {
        (false, _, _) => "refused",
        (true, _, Some(_)) => "injected",
        (true, true, None) => "unchanged, nothing is missing",
        (true, false, None) => "unchanged, the pod does not opt in",
    };
    Step::new("result", finding)
}

/// What audit annotations say that the steps do not know of.
fn other_audit_annotations(response: &AdmissionResponse) -> impl Iterator<Item = Step> {
    let annotations = response.audit_annotations.iter().flatten();
    annotations
        .filter(|(key, _)| !TOLD.contains(&key.as_str()))
        .map(|(key, value)| Step::new(format!("audit annotation {key}"), value))
}

/// What each container got, in the order of the pod.
fn containers(pod: &Pod<'_>) -> Vec<Step> {
    let (before, after) = (pod.before, pod.after.unwrap_or(pod.before));
    let skipped: Vec<&str> = text(before, "annotations", keys::SKIP_CONTAINERS)
        .map(|names| values::container_names(names).collect())
        .unwrap_or_default();
    let tokens: Vec<&str> = list(after, "volumes")
        .filter(|volume| token_of(volume).is_some())
        .filter_map(|volume| volume["name"].as_str())
        .collect();
    let mut steps = Vec::new();
    for (list, container) in all_containers(after) {
        let name = container["name"].as_str().unwrap_or_default();
        let subject = match list {
            "initContainers" => format!("init container {name}"),
            _ => format!("container {name}"),
        };
        let previous = all_containers(before).find(|(_, previous)| previous["name"] == name);
        let finding = match previous {
            None => "added by the policy".to_owned(),
            Some((_, previous)) => {
                let gets = gains(previous, container, &tokens);
                let keeps = kept(previous);
                let is_skipped = skipped.contains(&name);
                match (gets.is_empty(), keeps.is_empty()) {
                    (true, _) if is_skipped => {
                        format!("skipped, annotation {} lists it", keys::SKIP_CONTAINERS)
                    }
                    (true, _) => "has all already".to_owned(),
                    (false, true) => format!("gets {}", gets.join(", ")),
                    (false, false) => {
                        format!(
                            "gets {}; keeps its own {}",
                            gets.join(", "),
                            keeps.join(", ")
                        )
                    }
                }
            }
        };
        steps.push(Step::new(subject, finding));
    }
    steps
}

/// What `container` has and `previous` had not: environment variables and mounts, of which those of `tokens` are the
/// token's.
fn gains(previous: &Value, container: &Value, tokens: &[&str]) -> Vec<String> {
    let mut gains: Vec<String> = names(container)
        .filter(|name| !names(previous).any(|other| other == *name))
        .map(str::to_owned)
        .collect();
    let mounts = |container: &Value| container["volumeMounts"].as_array().cloned();
    let had = mounts(previous).unwrap_or_default();
    let has = mounts(container).unwrap_or_default();
    let added = has.iter().filter(|mount| !had.contains(mount));
    gains.extend(added.filter_map(|mount| {
        let path = mount["mountPath"].as_str()?;
        let volume = mount["name"].as_str()?;
        Some(match tokens.contains(&volume) {
            true => format!("the token at {path}"),
            false => format!("volume {volume} at {path}"),
        })
    }));
    gains
}

/// The environment variables of an identity that `container` has of its own.
fn kept(container: &Value) -> Vec<&str> {
    let ours = [
        keys::AZURE_CLIENT_ID,
        keys::AZURE_TENANT_ID,
        keys::AZURE_FEDERATED_TOKEN_FILE,
        keys::AZURE_AUTHORITY_HOST,
        keys::AZURE_KUBERNETES_TOKEN_PROXY,
        keys::AZURE_KUBERNETES_SNI_NAME,
        keys::AZURE_KUBERNETES_CA_FILE,
        keys::AZURE_KUBERNETES_CA_DATA,
    ];
    names(container)
        .filter(|name| ours.contains(name))
        .collect()
}

/// The value of the environment variable `name` in the first container that got it.
fn added_value(before: &Value, after: &Value, name: &str) -> Option<String> {
    all_containers(after).find_map(|(_, container)| {
        let previous = all_containers(before)
            .find(|(_, previous)| previous["name"] == container["name"])
            .map(|(_, previous)| previous);
        if previous.is_some_and(|previous| names(previous).any(|other| other == name)) {
            return None;
        }
        let variable = env(container).find(|variable| variable["name"] == name)?;
        variable["value"].as_str().map(str::to_owned)
    })
}

/// The first token volume that was added: its name, and its `serviceAccountToken`.
fn added_token<'v>(before: &Value, after: &'v Value) -> Option<(&'v str, &'v Value)> {
    let had = list(before, "volumes");
    list(after, "volumes")
        .filter(|volume| had.clone().all(|other| other["name"] != volume["name"]))
        .find_map(|volume| Some((volume["name"].as_str()?, token_of(volume)?)))
}

/// The first `serviceAccountToken` that a volume projects.
fn token_of(volume: &Value) -> Option<&Value> {
    let sources = volume["projected"]["sources"].as_array()?;
    sources
        .iter()
        .map(|source| &source["serviceAccountToken"])
        .find(|token| token.is_object())
}

/// The name of the first of `places` that is of this kind, where it is known, and that gives `value`.
fn place_of<'s>(value: &str, kind: Option<&str>, places: &'s [Option<Place>]) -> &'s str {
    places
        .iter()
        .flatten()
        .find(|place| place.value == value && kind.is_none_or(|kind| kind == place.kind))
        .map_or("the policy itself", |place| &place.name)
}

fn title_of(lookup: &Lookup) -> String {
    format!("ServiceAccount {}/{}", lookup.namespace, lookup.name)
}

fn account_name(pod: &Value) -> &str {
    let name = pod["spec"]["serviceAccountName"].as_str();
    name.filter(|name| !name.is_empty())
        .unwrap_or(DEFAULT_ACCOUNT)
}

/// The label or annotation `key` of `object`.
fn text<'v>(object: &'v Value, field: &str, key: &str) -> Option<&'v str> {
    object["metadata"][field][key].as_str()
}

fn list<'v>(pod: &'v Value, field: &str) -> impl Iterator<Item = &'v Value> + Clone {
    pod["spec"][field].as_array().into_iter().flatten()
}

/// All containers of a pod, each with the field that it is in.
fn all_containers(pod: &Value) -> impl Iterator<Item = (&'static str, &Value)> {
    ["initContainers", "containers"]
        .into_iter()
        .flat_map(move |field| list(pod, field).map(move |container| (field, container)))
}

fn env(container: &Value) -> impl Iterator<Item = &Value> {
    container["env"].as_array().into_iter().flatten()
}

/// The names of a container's environment variables.
fn names(container: &Value) -> impl Iterator<Item = &str> {
    env(container).filter_map(|variable| variable["name"].as_str())
}
