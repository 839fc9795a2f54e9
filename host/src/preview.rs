//! `policy-host preview`: what the policy does to the objects in plain Kubernetes manifests.

pub mod args;
pub mod explain;
mod progress;

use std::{borrow::Cow, collections::BTreeMap};

use anyhow::{Context, Result, anyhow, bail};
use serde_json::Value;

use crate::{
    engine::{Engine, EngineError, Module},
    host_calls::{Answers, HostCalls, LogSink},
    manifests::{self, Manifest, Origin},
    policy::{Policy, Review, SettingsCheckError},
    policy_manifest::PolicyManifest,
    request::AdmissionRequest,
    response::AdmissionResponse,
    scope::{Exclusion, Namespaces},
    sections::one_line,
    service_accounts::ServiceAccounts,
    settings::Settings,
    workload,
};
use args::{Format, PreviewArgs};
use explain::{Account, Explainer, Pod, Step};
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
    /// Its name; where the API server makes one up, how that starts and a `*`.
    pub name: String,
    /// Where it stands.
    pub origin: Origin,
    /// What the policy was asked and answered: on the object, then on the pod that a workload would create.
    ///
    /// Ends at the first refusal, because what follows would not come to be.
    pub reviews: Vec<Reviewed>,
}

/// One object that the policy was asked about, and its answer.
#[derive(Debug, Clone, PartialEq)]
pub struct Reviewed {
    /// The object as messages name it, as `Pod default/app`.
    pub title: String,
    /// The object as it comes.
    pub object: Value,
    /// The object as the policy wants it, where it changes it.
    pub mutated: Option<Value>,
    /// What the API server would get.
    pub response: AdmissionResponse,
    /// Why it is so; empty where nobody asked.
    pub steps: Vec<Step>,
    /// What the policy would say of an object that a deployed policy does not get to see; empty where it is not shown.
    pub hints: Vec<String>,
}

/// What happens to an object.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Outcome<'p> {
    /// It or the pod that it creates is changed.
    Mutated,
    /// It is accepted as it is.
    Unchanged,
    /// It or the pod that it creates is refused.
    Refused {
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
    pub fn outcome(&self) -> Outcome<'_> {
        for reviewed in &self.reviews {
            if !reviewed.response.allowed {
                let status = reviewed.response.status.as_ref();
                let message = status.and_then(|status| status.message.as_deref());
                return Outcome::Refused {
                    reviewed,
                    message: message.unwrap_or("the policy gives no reason"),
                };
            }
        }
        match self.mutated() {
            Some(_) => Outcome::Mutated,
            None => Outcome::Unchanged,
        }
    }

    /// The review that changes something.
    pub fn mutated(&self) -> Option<&Reviewed> {
        self.reviews
            .iter()
            .find(|reviewed| reviewed.mutated.is_some())
    }

    /// What the user is warned of; what a workload says of its template and then its pod of itself, once, and nothing that
    /// the refusal says.
    pub fn warnings(&self) -> Vec<&str> {
        let mut told = self.told_by_refusal();
        self.untold(&mut told, |reviewed| reviewed.warnings())
    }

    /// What the policy would say of what it does not get to see, once, and nothing that it says anyway.
    pub fn hints(&self) -> Vec<&str> {
        let mut told = self.told_by_refusal();
        self.untold(&mut told, |reviewed| reviewed.warnings());
        self.untold(&mut told, |reviewed| &reviewed.hints)
    }

    fn told_by_refusal(&self) -> Vec<Cow<'_, str>> {
        match self.outcome() {
            Outcome::Refused { reviewed, message } => vec![reviewed.gist(message)],
            Outcome::Mutated | Outcome::Unchanged => Vec::new(),
        }
    }

    /// Those of the messages that are not told yet; from then on, they are.
    fn untold<'p>(
        &'p self,
        told: &mut Vec<Cow<'p, str>>,
        messages: impl Fn(&'p Reviewed) -> &'p [String],
    ) -> Vec<&'p str> {
        let mut untold = Vec::new();
        for reviewed in &self.reviews {
            for message in messages(reviewed) {
                let gist = reviewed.gist(message);
                if !told.contains(&gist) {
                    told.push(gist);
                    untold.push(message.as_str());
                }
            }
        }
        untold
    }

    /// The steps that led to the outcome.
    pub fn steps(&self) -> impl Iterator<Item = &Step> {
        self.reviews.iter().flat_map(|reviewed| &reviewed.steps)
    }
}

impl Reviewed {
    fn warnings(&self) -> &[String] {
        self.response.warnings.as_deref().unwrap_or_default()
    }

    /// What `message` says, whether about a workload's template or about its pod.
    fn gist<'m>(&self, message: &'m str) -> Cow<'m, str> {
        let own_name = format!("{}: ", self.title);
        workload::without_template_path(message.strip_prefix(&own_name).unwrap_or(message))
    }
}

/// Previews the objects in the manifests, and hands each to `show` as it comes.
///
/// # Errors
///
/// Manifests that cannot be read or hold nothing to review, a module that does not run, settings that the policy
/// refuses, and what `show` reports.
pub fn preview(
    args: &PreviewArgs,
    log: Option<LogSink>,
    mut show: impl FnMut(Preview) -> Result<()>,
) -> Result<()> {
    let manifests = manifests::read(&args.paths)?;
    let accounts = accounts(&manifests, &args.namespace)?;
    let reviewable = reviewable(&manifests)?;
    if reviewable.is_empty() {
        bail!("expected a pod, a workload or a ServiceAccount in the manifests, found none");
    }
    let deployed = args
        .policy
        .as_ref()
        .map(|path| PolicyManifest::one_in(path))
        .transpose()?;
    let settings = settings(args, deployed.as_ref())?;
    let explainer = args
        .explain
        .then(|| Explainer::new(&settings, accounts.clone()))
        .transpose()?;
    let module = Module::from_file(&Engine::new()?, &args.module).map_err(|error| match error {
        EngineError::Read { .. } => {
            anyhow!("{error}; build it with make annotated-policy.wasm, or name another with --module FILE")
        }
        other => other.into(),
    })?;
    let mut progress = Progress::new(reviewable.len());
    let log = log.map(|log| progress.beside(log));
    let host = host(&accounts, &args.namespace, deployed.as_ref(), log);
    let policy = Policy::new(&module, settings, host);
    let module = args.module.display();
    match policy.check_settings() {
        Ok(()) => {}
        Err(SettingsCheckError::Invalid(message)) => {
            bail!("the policy does not accept the settings: {message}")
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
        policy,
        deployed,
        namespaces: Namespaces::among(&manifests),
        explainer,
        shows_hints: args.output == Format::Text && !args.quiet,
        default_namespace: &args.namespace,
    };
    for object in reviewable {
        let preview = run.preview(object);
        progress.suspend(|| show(preview))?;
        progress.step();
    }
    Ok(())
}

/// An object that the policy has a say in.
struct Reviewable<'m> {
    manifest: &'m Manifest,
    /// The pod that it would create, where it is a workload.
    pod: Option<Value>,
}

/// What an object is reviewed for.
#[derive(Clone, Copy)]
enum Purpose<'p> {
    /// Itself.
    Itself,
    /// The pod that it would create.
    Creates(&'p Value),
    /// Itself, as the pod that this workload would create.
    CreatedBy(&'p Value),
}

/// All that stays the same from object to object.
struct Run<'r> {
    policy: Policy,
    deployed: Option<PolicyManifest>,
    namespaces: Namespaces,
    explainer: Option<Explainer<'r>>,
    /// Whether hints are shown: each takes a review.
    shows_hints: bool,
    default_namespace: &'r str,
}

impl Run<'_> {
    fn preview(&self, Reviewable { manifest, pod }: Reviewable<'_>) -> Preview {
        let namespace = manifest.namespace().unwrap_or(self.default_namespace);
        let object = &manifest.object;
        let reviews = match &pod {
            None => vec![self.review(namespace, object, Purpose::Itself)],
            Some(pod) => {
                let mut reviews = vec![self.review(namespace, object, Purpose::Creates(pod))];
                if reviews.iter().all(|reviewed| reviewed.response.allowed) {
                    reviews.push(self.review(namespace, pod, Purpose::CreatedBy(object)));
                }
                reviews
            }
        };
        Preview {
            api_version: manifest.api_version.clone(),
            kind: manifest.kind.clone(),
            namespace: namespace.to_owned(),
            name: name(&manifest.object),
            origin: manifest.origin.clone(),
            reviews,
        }
    }

    /// Asks the policy about `object`.
    fn review(&self, namespace: &str, object: &Value, purpose: Purpose<'_>) -> Reviewed {
        let request = AdmissionRequest::creation(namespace, object.clone());
        let title = title(&request.kind.kind, namespace, &name(object));
        let out_of_scope = self
            .deployed
            .as_ref()
            .and_then(|deployed| deployed.scope.excludes(&request, &self.namespaces));
        if let Some(exclusion) = out_of_scope {
            let not_asked = Step::new(
                &request.kind.kind,
                format!("not sent to the policy, {exclusion}"),
            );
            let explained = self.explainer.is_some();
            return Reviewed {
                title,
                object: object.clone(),
                mutated: None,
                response: AdmissionResponse::acceptance(&request.uid),
                steps: Vec::from_iter(explained.then_some(not_asked)),
                hints: match exclusion {
                    Exclusion::Object(_) if self.shows_hints => self.hints(&request),
                    Exclusion::Object(_) | Exclusion::Namespace(_) => Vec::new(),
                },
            };
        }
        let Review { response, verdict } = self.policy.review_as_written(&request);
        let lookups = self.policy.host().take_lookups();
        let response = match &self.deployed {
            Some(deployed) => deployed.constrain(response),
            None => response,
        };
        // The policy's own answer has the keys in people's order.
        let mutated = match response.patch {
            Some(_) => verdict.and_then(|verdict| verdict.mutated_object),
            None => None,
        };
        let pod = match purpose {
            Purpose::Itself if request.kind.kind == "Pod" => Some((object, None)),
            Purpose::CreatedBy(workload) => Some((object, Some(workload))),
            // Of a workload that is accepted, the review of its pod tells all.
            Purpose::Creates(pod) if !response.allowed => Some((pod, Some(object))),
            Purpose::Itself | Purpose::Creates(_) => None,
        };
        let steps = match (&self.explainer, pod) {
            (Some(explainer), Some((before, workload))) => explainer.pod(&Pod {
                title: &title,
                before,
                after: mutated.as_ref(),
                workload,
                response: &response,
                lookups: &lookups,
            }),
            _ => Vec::new(),
        };
        Reviewed {
            title,
            object: object.clone(),
            mutated,
            response,
            steps,
            hints: Vec::new(),
        }
    }

    /// What the policy would say of an object that it does not get to see.
    fn hints(&self, request: &AdmissionRequest) -> Vec<String> {
        let Review { response, .. } = self.policy.review_as_written(request);
        self.policy.host().take_lookups();
        let refusal = response.status.and_then(|status| status.message);
        let mut hints = Vec::from_iter(refusal);
        hints.extend(response.warnings.into_iter().flatten());
        hints
    }
}

/// The objects among `manifests` that the policy has a say in.
fn reviewable(manifests: &[Manifest]) -> Result<Vec<Reviewable<'_>>> {
    let mut reviewable = Vec::new();
    for manifest in manifests {
        let pod = workload::pod(manifest).with_context(|| manifest.origin.to_string())?;
        let is_itself = manifest.is("v1", "ServiceAccount") || manifest.is("v1", "Pod");
        if is_itself || pod.is_some() {
            let pod = pod.filter(|_| !is_itself);
            reviewable.push(Reviewable { manifest, pod });
        }
    }
    Ok(reviewable)
}

/// The ServiceAccounts among `manifests` by namespace and name.
fn accounts<'m>(
    manifests: &'m [Manifest],
    default_namespace: &str,
) -> Result<BTreeMap<(String, String), Account<'m>>> {
    let mut accounts: BTreeMap<_, Account<'m>> = BTreeMap::new();
    let found = manifests
        .iter()
        .filter(|manifest| manifest.is("v1", "ServiceAccount"));
    for manifest in found {
        let namespace = manifest.namespace().unwrap_or(default_namespace).to_owned();
        let name = manifest.name().unwrap_or_default().to_owned();
        let title = title(&manifest.kind, &namespace, &name);
        let account = Account {
            object: &manifest.object,
            origin: &manifest.origin,
        };
        if let Some(other) = accounts.insert((namespace, name), account) {
            bail!(
                "{title}: expected one, found two, in {} and in {}; leave one out",
                other.origin,
                manifest.origin
            );
        }
    }
    Ok(accounts)
}

/// The settings of the deployed policy or of the flags, with what `--set` changes.
fn settings(args: &PreviewArgs, deployed: Option<&PolicyManifest>) -> Result<Settings> {
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

/// A host that answers from `accounts`.
fn host(
    accounts: &BTreeMap<(String, String), Account<'_>>,
    default_namespace: &str,
    deployed: Option<&PolicyManifest>,
    log: Option<LogSink>,
) -> HostCalls {
    let mut answers = ServiceAccounts::default().with_default_in_each_namespace();
    for account in accounts.values() {
        answers.insert(account.object.clone(), default_namespace);
    }
    let host = HostCalls::new(Answers::ServiceAccounts(answers));
    let host = match deployed {
        Some(deployed) => deployed
            .context_aware_resources
            .iter()
            .fold(host, |host, resource| {
                host.grant(&resource.api_version, &resource.kind)
            }),
        None => host.grant("v1", "ServiceAccount"),
    };
    match log {
        Some(log) => host.with_log(log),
        None => host,
    }
}

/// An object as messages name it.
fn title(kind: &str, namespace: &str, name: &str) -> String {
    format!("{kind} {namespace}/{name}")
}

/// The name of `object`; where the API server makes one up, how that starts and a `*`.
fn name(object: &Value) -> String {
    let metadata = &object["metadata"];
    match (&metadata["name"], &metadata["generateName"]) {
        (Value::String(name), _) => name.clone(),
        (_, Value::String(prefix)) => format!("{prefix}*"),
        _ => "*".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reviewed(title: &str, warnings: &[&str]) -> Reviewed {
        let warnings = warnings.iter().map(|warning| (*warning).to_owned());
        Reviewed {
            title: title.to_owned(),
            object: Value::Null,
            mutated: None,
            response: AdmissionResponse {
                warnings: Some(warnings.collect()),
                ..AdmissionResponse::acceptance("")
            },
            steps: Vec::new(),
            hints: Vec::new(),
        }
    }

    #[test]
    fn what_a_workload_and_its_pod_have_in_common_is_told_once() {
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
                    &[
                        "Deployment web/a: one",
                        "ServiceAccount web/b: two",
                        "Deployment web/a: spec.template: four",
                        "Deployment web/a: spec.template.spec.containers[0]: five",
                        "Deployment web/a: metadata: six",
                    ],
                ),
                reviewed(
                    "Pod web/a-*",
                    &[
                        "Pod web/a-*: one",
                        "ServiceAccount web/b: two",
                        "ServiceAccount web/b: one",
                        "Pod web/a-*: three",
                        "Pod web/a-*: four",
                        "Pod web/a-*: spec.containers[0]: five",
                        "Pod web/a-*: six",
                    ],
                ),
            ],
        };
        assert_eq!(
            preview.warnings(),
            [
                "Deployment web/a: one",
                "ServiceAccount web/b: two",
                "Deployment web/a: spec.template: four",
                "Deployment web/a: spec.template.spec.containers[0]: five",
                "Deployment web/a: metadata: six",
                "ServiceAccount web/b: one",
                "Pod web/a-*: three",
                "Pod web/a-*: six",
            ]
        );
    }
}
