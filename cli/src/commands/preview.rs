//! `azwi-policy preview`: what the policy does to the objects in plain Kubernetes manifests.

mod accounts;
pub mod args;
mod decision;
mod explain;
mod progress;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::io::{self, IsTerminal};
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::result::Result as StdResult;
use std::sync::Arc;

use anyhow::{Result, anyhow, bail};
use azure_workload_identity_policy::keys;
use azure_workload_identity_policy::objects::WorkloadKind;
use azure_workload_identity_policy::review::Reason;
use azure_workload_identity_policy::settings::{Mode, OptIn, Settings};
use serde_json::Value;

use crate::input::files;
use crate::input::manifests::{Manifest, ManifestError, Origin};
use crate::input::settings::SettingsValue;
use crate::input::workload::{self, WorkloadError};
use crate::kubewarden::cluster::Cluster;
use crate::kubewarden::engine::{Engine, EngineError, Module};
use crate::kubewarden::host_calls::{Answers, HostCalls, LogSink};
use crate::kubewarden::policy::{Policy, SettingsCheckError};
use crate::kubewarden::policy_manifest::{Enforcement, PolicyManifest};
use crate::kubewarden::rbac::Rbac;
use crate::kubewarden::request::{AdmissionRequest, UserInfo};
use crate::kubewarden::response::{self, AdmissionResponse};
use crate::kubewarden::scope::{Exclusion, Namespaces};
use crate::kubewarden::service_accounts::{DEFAULT_ACCOUNT, ServiceAccounts};
use crate::text::one_line;
use accounts::Accounts;
use args::PreviewArgs;
use decision::{Decision, Message};
pub use explain::Step;
use explain::{Explainer, Result as Ending};
use progress::Progress;

/// What the policy does with one object.
#[derive(Debug, Clone, PartialEq)]
pub struct Preview {
    /// The object's `apiVersion`.
    pub api_version: String,
    /// Its `kind`.
    pub kind: String,
    /// Its namespace, by its metadata or by `--namespace`.
    pub namespace: String,
    /// Its name; if the API server generates it, how it starts and a `*`.
    pub name: String,
    /// Where it is.
    pub origin: Origin,
    /// What the policy was asked and answered: on the object, then on the pod that a workload would create.
    ///
    /// Ends at the first rejection, because what follows would not come to be.
    pub reviews: Vec<Reviewed>,
}

/// One object that the policy was asked about, and its answer.
#[derive(Debug, Clone, PartialEq)]
pub struct Reviewed {
    /// The object as messages name it, as `Pod default/app`.
    pub title: String,
    /// The object as it comes.
    pub object: Value,
    /// The object as the policy wants it, if it changes it.
    pub mutated: Option<Value>,
    /// What the API server would get.
    pub response: AdmissionResponse,
    /// What the policy itself answered, if mode `monitor` lets the object through whatever it is.
    pub monitored: Option<AdmissionResponse>,
    /// Why it is so; empty unless it was asked for.
    pub steps: Vec<Step>,
    /// Whether the policy gets to see the object.
    was_sent: bool,
    decision: Decision,
    hints: Vec<Message>,
}

/// What happens to an object.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum PreviewOutcome<'p> {
    /// It or the pod that it creates is changed.
    Mutated,
    /// It is accepted as it is.
    Unchanged,
    /// It or the pod that it creates is rejected.
    Rejected {
        /// Which of the two.
        reviewed: &'p Reviewed,
        /// Why.
        message: &'p str,
    },
}

impl Preview {
    /// The object as messages name it: kind, namespace and name.
    pub fn title(&self) -> String {
        title(&self.kind, &self.namespace, &self.name)
    }

    /// What happens to the object.
    pub fn outcome(&self) -> PreviewOutcome<'_> {
        self.outcome_by(|reviewed| Some(&reviewed.response))
    }

    /// What would happen to the object if the policy's mode were not `monitor`, if it is.
    pub fn monitored(&self) -> Option<PreviewOutcome<'_>> {
        let is_monitored = self
            .reviews
            .iter()
            .any(|reviewed| reviewed.monitored.is_some());
        is_monitored.then(|| self.outcome_by(|reviewed| reviewed.monitored.as_ref()))
    }

    fn outcome_by<'p>(
        &'p self,
        response: impl Fn(&'p Reviewed) -> Option<&'p AdmissionResponse>,
    ) -> PreviewOutcome<'p> {
        let mut is_mutated = false;
        for reviewed in &self.reviews {
            let Some(response) = response(reviewed) else {
                continue;
            };
            if !response.allowed {
                let status = response.status.as_ref();
                let message = status.and_then(|status| status.message.as_deref());
                return PreviewOutcome::Rejected {
                    reviewed,
                    message: message.unwrap_or("the policy gives no reason"),
                };
            }
            is_mutated |= response.patch.is_some();
        }
        if is_mutated {
            PreviewOutcome::Mutated
        } else {
            PreviewOutcome::Unchanged
        }
    }

    /// The review that changes something, or would do so if the policy's mode were not `monitor`.
    pub fn mutated(&self) -> Option<&Reviewed> {
        self.reviews
            .iter()
            .find(|reviewed| reviewed.mutated.is_some())
    }

    /// The pod that the change is in, by its title, if it is not the object itself.
    pub fn created_pod(&self) -> Option<&str> {
        let Reviewed { title, .. } = self.mutated()?;
        (*title != self.title()).then_some(title)
    }

    /// What mode `monitor` keeps from happening, a line each, so that nobody believes that the pod gets its identity.
    pub fn held_back(&self) -> Vec<String> {
        match self.monitored() {
            None | Some(PreviewOutcome::Unchanged) => Vec::new(),
            Some(PreviewOutcome::Mutated) => {
                let pod = self.created_pod();
                let pod = pod.map_or_else(String::new, |pod| format!(": {pod}"));
                vec![format!(
                    "would be mutated, and is let through as it is{pod}"
                )]
            }
            Some(PreviewOutcome::Rejected { message, .. }) => message
                .lines()
                .map(|reason| format!("would be rejected, and is let through: {reason}"))
                .collect(),
        }
    }

    /// What the user is warned about. What a workload's pod template and its pod have in common comes once, and nothing
    /// comes that is a reason of the rejection.
    pub fn warnings(&self) -> Vec<&str> {
        let mut seen = self.reasons();
        self.unseen(&mut seen, |reviewed| &reviewed.decision.warnings)
    }

    /// What the policy does not say: because it is not sent the object, or because it does not look that far. Each comes once,
    /// and nothing that the policy says anyway.
    pub fn hints(&self) -> Vec<&str> {
        let mut seen = self.reasons();
        self.unseen(&mut seen, |reviewed| &reviewed.decision.warnings);
        self.unseen(&mut seen, |reviewed| &reviewed.hints)
    }

    /// The reasons of the rejection, if there is one.
    fn reasons(&self) -> Vec<&Message> {
        let rejected = self.monitored().unwrap_or_else(|| self.outcome());
        match rejected {
            PreviewOutcome::Rejected { reviewed, .. } => {
                reviewed.decision.rejections.iter().collect()
            }
            PreviewOutcome::Mutated | PreviewOutcome::Unchanged => Vec::new(),
        }
    }

    /// The messages that are not in `seen`, which they are added to.
    fn unseen<'p>(
        &'p self,
        seen: &mut Vec<&'p Message>,
        messages: impl Fn(&'p Reviewed) -> &'p [Message],
    ) -> Vec<&'p str> {
        let mut unseen = Vec::new();
        for message in self.reviews.iter().flat_map(messages) {
            if !seen.iter().any(|other| other.repeats(message)) {
                seen.push(message);
                unseen.push(message.text.as_str());
            }
        }
        unseen
    }

    /// The steps that led to the outcome.
    pub fn steps(&self) -> impl Iterator<Item = &Step> {
        self.reviews.iter().flat_map(|reviewed| &reviewed.steps)
    }
}

/// What there is to say beside the previews.
#[derive(Debug, Default)]
pub struct Remarks {
    /// What is wrong with files that were named.
    pub errors: Vec<String>,
    /// What is good to know.
    pub notes: Vec<String>,
}

/// Previews the objects in the manifests, and hands each to `show` as it comes.
///
/// # Errors
///
/// Manifests with nothing to review, a module that does not run, settings that the policy rejects, and what `show` reports.
pub fn preview(
    args: &PreviewArgs,
    log: Option<LogSink>,
    mut show: impl FnMut(Preview) -> Result<()>,
) -> Result<Remarks> {
    let is_piped = !io::stdin().is_terminal();
    let found = files::find(&args.paths(is_piped)?, &args.ignore)?;
    let manifests = &found.manifests;
    let accounts = Accounts::among(manifests, &args.namespace);
    let mut remarks = Remarks {
        errors: found.errors.iter().map(ToString::to_string).collect(),
        notes: accounts.doubled().collect(),
    };
    let mut passed_over: Vec<_> = found.passed_over.iter().map(brief).collect();
    let mut reviewable = Vec::new();
    for manifest in manifests {
        let Manifest { origin, kind, .. } = manifest;
        match Reviewable::of(manifest) {
            Ok(object) => reviewable.extend(object),
            Err(error) if found.is_named(&origin.file) => {
                remarks.errors.push(format!("{origin}: {error}"));
            }
            Err(error) => {
                passed_over.push(format!("{} (a part of a {kind}: {error})", origin.file))
            }
        }
    }
    remarks.notes.extend(note_of(&passed_over));
    if reviewable.is_empty() {
        if remarks.errors.is_empty() {
            let expected =
                "expected a pod, a workload or a ServiceAccount in the manifests, found none";
            remarks.errors.push(expected.to_owned());
        }
        return Ok(remarks);
    }
    let deployed = args
        .policy
        .as_ref()
        .map(|path| PolicyManifest::one_in(path))
        .transpose()?;
    let settings = settings(args, deployed.as_ref())?;
    let explainer = args
        .explain
        .then(|| explainer(&settings, &accounts))
        .transpose()?;
    let module = Module::from_file(&Engine::new()?, &args.module).map_err(|error| match error {
        EngineError::Read { .. } => {
            anyhow!("{error}; build it with make annotated-policy.wasm, or name another with --module FILE")
        }
        other => other.into(),
    })?;
    let mut progress = Progress::new(reviewable.len());
    let log = log.map(|log| progress.beside(log));
    let policies = Policies {
        module: &module,
        settings,
        accounts: &accounts,
        by_directory: accounts.are_doubled(),
        rbac: Rbac::among(manifests, &args.namespace),
        deployed: deployed.as_ref(),
        log: log.map(Arc::from),
        of_directories: RefCell::default(),
    };
    let module = args.module.display();
    match policies.of("").check_settings() {
        Ok(()) => {}
        Err(SettingsCheckError::Invalid(message)) => {
            let help = if args.has_settings() { "" } else { NO_SETTINGS };
            bail!("the policy does not accept the settings: {message}{help}")
        }
        Err(SettingsCheckError::Failed(error)) => {
            bail!(
                "cannot run the module {module}: {}",
                one_line(&error.to_string())
            )
        }
        Err(SettingsCheckError::Engine(error)) => {
            bail!("cannot run the module {module}: {error}")
        }
    }
    let run = Run {
        policies,
        namespaces: Namespaces::among(manifests),
        explainer,
        default_namespace: &args.namespace,
        user: args.user(),
    };
    for object in reviewable {
        let preview = run.preview(object);
        progress.suspend(|| show(preview))?;
        progress.step();
    }
    Ok(remarks)
}

/// A file that is passed over, and why.
fn brief(error: &ManifestError) -> String {
    let (file, why) = error.in_brief();
    format!("{file} ({why})")
}

/// What is said if the policy needs settings and none are given.
const NO_SETTINGS: &str =
    "; help: give settings with --policy FILE, --settings-path FILE or --set azureTenantID=TENANT";

/// How many of the files that are passed over a note names.
const NAMED: usize = 20;

/// A note on files that are passed over, if there are any.
fn note_of(passed_over: &[String]) -> Option<String> {
    let count = passed_over.len();
    let named: Vec<_> = passed_over.iter().take(NAMED).map(String::as_str).collect();
    let named = named.join(", ");
    match count {
        0 => None,
        1 => Some(format!("passed over 1 file: {named}")),
        2..=NAMED => Some(format!("passed over {count} files: {named}")),
        _ => {
            let more = count.saturating_sub(NAMED);
            Some(format!(
                "passed over {count} files: {named} and {more} more"
            ))
        }
    }
}

/// An object that the policy has a say in.
struct Reviewable<'m> {
    manifest: &'m Manifest,
    /// The pod that it would create, if it is a workload.
    pod: Option<Value>,
}

impl<'m> Reviewable<'m> {
    /// The object in a manifest, if the policy has a say in it.
    fn of(manifest: &'m Manifest) -> StdResult<Option<Self>, WorkloadError> {
        let pod = workload::pod(manifest)?;
        let is_itself = manifest.is("v1", "ServiceAccount") || manifest.is("v1", "Pod");
        let is_reviewable = is_itself || pod.is_some();
        let pod = pod.filter(|_| !is_itself);
        Ok(is_reviewable.then_some(Self { manifest, pod }))
    }
}

/// What the policy writes to its log goes there.
type Log = Arc<dyn Fn(&str) + Send + Sync>;

/// The policy, with the ServiceAccounts that are nearest to each directory.
struct Policies<'r> {
    module: &'r Module,
    settings: SettingsValue,
    accounts: &'r Accounts<'r>,
    /// Whether it depends on the directory which ServiceAccounts count.
    by_directory: bool,
    rbac: Rbac,
    deployed: Option<&'r PolicyManifest>,
    log: Option<Log>,
    of_directories: RefCell<BTreeMap<PathBuf, Rc<Policy>>>,
}

impl Policies<'_> {
    /// The policy for the objects in `file`.
    fn of(&self, file: &str) -> Rc<Policy> {
        let directory = if self.by_directory {
            accounts::directory(file)
        } else {
            Path::new("")
        };
        let mut of_directories = self.of_directories.borrow_mut();
        let policy = of_directories.entry(directory.to_owned());
        Rc::clone(policy.or_insert_with(|| Rc::new(self.create(directory))))
    }

    fn create(&self, directory: &Path) -> Policy {
        let mut service_accounts = ServiceAccounts::default().with_default_in_each_namespace();
        for ((namespace, _), account) in self.accounts.nearest(directory) {
            service_accounts.insert(account.object.clone(), namespace);
        }
        let cluster = Cluster {
            service_accounts,
            rbac: self.rbac.clone(),
        };
        let host = HostCalls::new(Answers::Cluster(cluster));
        let host = match self.deployed {
            Some(deployed) => deployed
                .context_aware_resources
                .iter()
                .fold(host, |host, resource| {
                    host.grant(&resource.api_version, &resource.kind)
                }),
            None => host.grant("v1", "ServiceAccount"),
        };
        let host = match self.log.clone() {
            Some(log) => host.with_log(Box::new(move |line| log(line))),
            None => host,
        };
        Policy::new(self.module, self.settings.clone(), host)
    }
}

/// All that stays the same from object to object.
struct Run<'r> {
    policies: Policies<'r>,
    namespaces: Namespaces,
    explainer: Option<Explainer<'r>>,
    default_namespace: &'r str,
    /// Who applies the manifests, if that is known.
    user: Option<UserInfo>,
}

impl Run<'_> {
    fn preview(&self, Reviewable { manifest, pod }: Reviewable<'_>) -> Preview {
        let namespace = manifest.namespace().unwrap_or(self.default_namespace);
        let mut reviews = vec![self.review(manifest, namespace, &manifest.object)];
        let accepted = reviews.iter().all(|reviewed| reviewed.response.allowed);
        if let Some(pod) = pod.as_ref().filter(|_| accepted) {
            // The review of the pod explains all of a workload that is accepted.
            for reviewed in reviews.iter_mut().filter(|reviewed| reviewed.was_sent) {
                reviewed.steps.clear();
            }
            reviews.push(self.review(manifest, namespace, pod));
        }
        Preview {
            api_version: manifest.api_version.clone(),
            kind: manifest.kind.clone(),
            namespace: namespace.to_owned(),
            name: name(&manifest.object),
            origin: manifest.origin.clone(),
            reviews,
        }
    }

    /// Asks the policy about `object`: the manifest's, or the pod that it would create.
    fn review(&self, manifest: &Manifest, namespace: &str, object: &Value) -> Reviewed {
        let mut request = AdmissionRequest::creation(namespace, object.clone());
        if let Some(user) = &self.user {
            request.user_info = user.clone();
        }
        let kind = &request.kind.kind;
        let title = title(kind, namespace, &name(object));
        let deployed = self.policies.deployed;
        let excluded =
            deployed.and_then(|deployed| deployed.scope.excludes(&request, &self.namespaces));
        if let Some(exclusion) = excluded {
            let step = Step::new(kind, format!("not sent to the policy, {exclusion}"));
            let is_hint = matches!(exclusion, Exclusion::Object(_));
            return Reviewed {
                title,
                object: object.clone(),
                mutated: None,
                response: AdmissionResponse::acceptance(&request.uid),
                monitored: None,
                steps: Vec::from_iter(self.explainer.is_some().then_some(step)),
                was_sent: false,
                decision: Decision::default(),
                hints: if is_hint {
                    self.hints(manifest, namespace, &request)
                } else {
                    Vec::new()
                },
            };
        }
        let (response, decision) = self.ask(manifest, &request);
        let constrained = match deployed {
            Some(deployed) => deployed.constrain(response.clone()),
            None => response.clone(),
        };
        let is_monitored =
            deployed.is_some_and(|deployed| deployed.enforcement == Enforcement::Monitor);
        let own = if is_monitored {
            &response
        } else {
            &constrained
        };
        let mutated = response::patched(object, own);
        let ending = match (own.allowed, &mutated) {
            (false, _) => Ending::Rejected,
            (true, Some(_)) => Ending::Mutated,
            (true, None) => Ending::Unchanged,
        };
        let explains = *kind != "ServiceAccount";
        let explainer = self.explainer.as_ref().filter(|_| explains);
        let steps = explainer.map(|explainer| {
            let file = &manifest.origin.file;
            explainer.steps(&decision, ending, is_monitored, file)
        });
        Reviewed {
            title,
            object: object.clone(),
            mutated,
            response: constrained,
            monitored: is_monitored.then_some(response),
            steps: steps.unwrap_or_default(),
            was_sent: true,
            hints: Vec::from_iter(self.idle_identity(manifest, namespace, object, &decision)),
            decision,
        }
    }

    fn ask(
        &self,
        manifest: &Manifest,
        request: &AdmissionRequest,
    ) -> (AdmissionResponse, Decision) {
        let policy = self.policies.of(&manifest.origin.file);
        let review = policy.review(request);
        let exchanges = policy.host().take_exchanges();
        let decision = Decision::behind(&review, &exchanges);
        (review.response, decision)
    }

    /// What the policy would say of an object that it is not sent.
    fn hints(
        &self,
        manifest: &Manifest,
        namespace: &str,
        request: &AdmissionRequest,
    ) -> Vec<Message> {
        let (_, decision) = self.ask(manifest, request);
        let object = request.object.as_ref();
        let idle =
            object.and_then(|object| self.idle_identity(manifest, namespace, object, &decision));
        let mut hints = decision.rejections;
        hints.extend(decision.warnings);
        hints.extend(idle);
        hints
    }

    /// A hint that a pod does not opt in, although its ServiceAccount names an identity.
    ///
    /// The policy does not look the ServiceAccount of such a pod up. Some pods are right: External Secrets and the CSI
    /// driver read such ServiceAccounts for others. A label `use: "false"` says that it is on purpose.
    fn idle_identity(
        &self,
        manifest: &Manifest,
        namespace: &str,
        object: &Value,
        decision: &Decision,
    ) -> Option<Message> {
        let says_nothing = |reason: &Reason| {
            matches!(
                reason,
                Reason::OptIn {
                    rule: OptIn::PodLabel,
                    pod_label: None,
                    by: None,
                    ..
                }
            )
        };
        if object.get("kind")? != "Pod" || !decision.reasons.iter().any(says_nothing) {
            return None;
        }
        let fields = ["serviceAccountName", "serviceAccount"].into_iter();
        let mut named = fields.filter_map(|field| object.get("spec")?.get(field)?.as_str());
        let name = named
            .find(|name| !name.is_empty())
            .unwrap_or(DEFAULT_ACCOUNT);
        let directory = accounts::directory(&manifest.origin.file);
        let account = self.policies.accounts.get(namespace, name, directory)?;
        let annotations = account.object.pointer("/metadata/annotations")?;
        let client_id = annotations.get(keys::CLIENT_ID)?.as_str()?;
        let group = manifest.api_version.split_once('/');
        let group = group.map_or("", |(group, _)| group);
        let place = WorkloadKind::find(group, &manifest.kind);
        let place = place.map_or("the pod", |kind| kind.template);
        let text = format!(
            "ServiceAccount {namespace}/{name} names a client ID, but the pod does not opt in; help: add label {}: {:?} to \
             {place}, or \"false\" if the pod is to have no identity",
            keys::USE,
            keys::OPTED_IN
        );
        (!client_id.is_empty()).then_some(Message {
            text,
            finding: None,
        })
    }
}

/// What explains decisions under these settings.
fn explainer<'m>(settings: &SettingsValue, accounts: &'m Accounts<'m>) -> Result<Explainer<'m>> {
    let text = serde_json::to_string(settings)?;
    let verifies = Settings::read(&text).is_ok_and(|settings| settings.mode == Mode::Verify);
    Ok(Explainer {
        given: settings.clone(),
        accounts,
        verifies,
    })
}

/// The settings of the deployed policy or of the flags, with what `--set` changes.
fn settings(args: &PreviewArgs, deployed: Option<&PolicyManifest>) -> Result<SettingsValue> {
    let settings = match deployed {
        Some(deployed) => deployed.settings.clone(),
        None => args.settings.read()?,
    };
    let settings = args
        .set
        .iter()
        .try_fold(settings, |settings, assignment| settings.with(assignment))?;
    Ok(settings)
}

/// An object as messages name it.
fn title(kind: &str, namespace: &str, name: &str) -> String {
    format!("{kind} {namespace}/{name}")
}

/// The name of `object`; if the API server generates it, how it starts and a `*`.
fn name(object: &Value) -> String {
    let text = |path| object.pointer(path).and_then(Value::as_str);
    match (text("/metadata/name"), text("/metadata/generateName")) {
        (Some(name), _) => name.to_owned(),
        (None, prefix) => format!("{}*", prefix.unwrap_or_default()),
    }
}

#[cfg(test)]
mod tests {
    use azure_workload_identity_policy::findings::{About, Finding, PodName, Problem, Severity};
    use azure_workload_identity_policy::messages::ObjectName;

    use super::*;

    fn message(about: About, problem: Problem) -> Message {
        let finding = Finding {
            about,
            severity: Severity::Warn,
            problem,
        };
        Message {
            text: finding.to_string(),
            finding: Some(finding),
        }
    }

    fn reviewed(title: &str, warnings: Vec<Message>) -> Reviewed {
        Reviewed {
            title: title.to_owned(),
            object: Value::Null,
            mutated: None,
            response: AdmissionResponse::acceptance(""),
            monitored: None,
            steps: Vec::new(),
            was_sent: true,
            decision: Decision {
                warnings,
                ..Decision::default()
            },
            hints: Vec::new(),
        }
    }

    #[test]
    fn what_a_workload_and_its_pod_have_in_common_comes_once() {
        let workload = ObjectName::new("Deployment", "web", "a");
        let template = About::Pod(PodName {
            object: workload.clone(),
            template: Some("spec.template"),
        });
        let pod = About::Pod(PodName {
            object: ObjectName::generated("Pod", "web", "", "a-"),
            template: None,
        });
        let port = |port| Problem::PortTaken { port };
        let preview = Preview {
            api_version: "apps/v1".to_owned(),
            kind: "Deployment".to_owned(),
            namespace: "web".to_owned(),
            name: "a".to_owned(),
            origin: Origin {
                file: "f".to_owned(),
                document: 1,
                item: None,
            },
            reviews: vec![
                reviewed(
                    "Deployment web/a",
                    vec![
                        message(About::Object(workload), Problem::HostNetwork),
                        message(template.clone(), Problem::HostNetwork),
                        message(template.container("containers", 0, "app"), port(80)),
                        message(template.container("containers", 1, "app"), port(80)),
                    ],
                ),
                reviewed(
                    "Pod web/a-*",
                    vec![
                        message(pod.clone(), Problem::HostNetwork),
                        message(pod.container("containers", 0, "app"), port(80)),
                        message(pod.container("containers", 0, "app"), port(81)),
                        message(pod.container("initContainers", 0, "app"), port(80)),
                    ],
                ),
            ],
        };
        let starts: Vec<_> = preview
            .warnings()
            .iter()
            .map(|warning| warning.split(" is already").next().unwrap_or_default())
            .collect();
        assert_eq!(starts.len(), 6);
        assert_eq!(
            starts.get(2..),
            Some(
                &[
                    "Deployment web/a: container \"app\": spec.template.spec.containers[0].ports: port 80",
                    "Deployment web/a: container \"app\": spec.template.spec.containers[1].ports: port 80",
                    "Pod web/a-*: container \"app\": spec.containers[0].ports: port 81",
                    "Pod web/a-*: container \"app\": spec.initContainers[0].ports: port 80",
                ][..]
            )
        );
    }
}
