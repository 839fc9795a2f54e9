//! The review of one object by all policies, as the API server has it reviewed.

use std::collections::BTreeSet;

use azure_workload_identity_policy::findings::{About, Finding, Problem as Wrong};
use azure_workload_identity_policy::keys;
use azure_workload_identity_policy::objects::WorkloadKind;
use azure_workload_identity_policy::settings::pod_templates::{self, PodTemplates};
use serde_json::{Map, Value};

use super::api_server;
use super::decision::{Decision, Message};
use super::explain::{Explainer, Result as Ending, Step};
use super::hints::{self, IDLE_IDENTITY, Ignored, Subject};
use super::names::{name, title};
use super::other_kinds;
use super::outcome::{Answer, Preview, Problem, Reviewed};
use super::places::{Places, target};
use super::policies::{Deployed, Policies};
use crate::input::lines::ValuePath;
use crate::input::manifests::Manifest;
use crate::input::pod_templates::{DescribedPod, DescribedPods, Descriptions};
use crate::input::settings::SettingsValue;
use crate::input::workload;
use crate::kubewarden::policy::Policy;
use crate::kubewarden::policy_manifest::Enforcement;
use crate::kubewarden::request::{AdmissionRequest, UserInfo};
use crate::kubewarden::response::{self, AdmissionResponse};
use crate::kubewarden::scope::{Exclusion, Namespaces};

/// The setting by which a ServiceAccount must name a client ID.
const REQUIRE_CLIENT_ID: &str = "requireClientID";

/// An object that the policy has a say in.
pub struct Reviewable<'m> {
    /// Its manifest.
    pub manifest: &'m Manifest,
    /// What it is in a version of its API that is still served, if its own is not.
    renewed: Option<Manifest>,
    /// The pods that it would create, if it is a workload.
    pods: Vec<DescribedPod>,
    /// Whether its kind is not one of the policy's own.
    is_described: bool,
    /// What is said of its kind or version.
    hint: Option<Message>,
}

impl<'m> Reviewable<'m> {
    /// The object in a manifest, if the policy has a say in it.
    ///
    /// # Errors
    ///
    /// A workload without a pod template, or an object that does not have the shape that a description of its kind says.
    pub fn of(
        manifest: &'m Manifest,
        namespace: &str,
        descriptions: &Descriptions,
    ) -> Result<Option<Self>, String> {
        let (renewed, hint) = other_kinds::renewed(manifest, namespace).unzip();
        let mut reviewable = Self {
            manifest,
            renewed,
            pods: Vec::new(),
            is_described: false,
            hint,
        };
        if manifest.is("v1", "ServiceAccount") || manifest.is("v1", "Pod") {
            return Ok(Some(reviewable));
        }
        let served = reviewable.as_served();
        let pod = workload::pod(served).map_err(|error| error.to_string())?;
        if let Some(pod) = pod {
            let path = WorkloadKind::find(served.group(), &manifest.kind);
            let path = path.map_or("", |kind| kind.template).to_owned();
            reviewable.pods.push(DescribedPod {
                pod,
                labels: path.clone(),
                service_account: None,
                path,
                is_whole: true,
            });
            return Ok(Some(reviewable));
        }
        if let Some(DescribedPods { pods, has_any }) = descriptions.pods(manifest)? {
            reviewable.hint = other_kinds::without_pods(manifest, has_any);
            reviewable.pods = pods;
            reviewable.is_described = true;
            return Ok(Some(reviewable));
        }
        reviewable.hint = other_kinds::wrong_kind(manifest, descriptions);
        Ok(reviewable.hint.is_some().then_some(reviewable))
    }

    /// Whether Kubernetes would not know its kind.
    fn is_unknown(&self) -> bool {
        let is_itself = ["Pod", "ServiceAccount"].contains(&&*self.manifest.kind);
        !is_itself && !self.is_described && self.pods.is_empty()
    }

    /// The object as Kubernetes would take it.
    fn as_served(&self) -> &Manifest {
        self.renewed.as_ref().unwrap_or(self.manifest)
    }

    /// The path of its first pod template, if it has one.
    fn template(&self) -> Option<&str> {
        self.pods.first().map(|pod| pod.path.as_str())
    }

    /// Why a policy has nothing to say of the object, if it does not know its kind.
    fn is_overlooked(&self, settings: &SettingsValue) -> Option<Exclusion> {
        if self.is_unknown() {
            let reason = "Kubernetes has no such kind".to_owned();
            return Some(Exclusion::Kind(reason));
        }
        if !self.is_described {
            return None;
        }
        let Manifest { kind, .. } = self.manifest;
        let own = settings.get(pod_templates::NAME).map(Value::to_string);
        let own = own.unwrap_or_default();
        let paths = PodTemplates::new(&own).paths_of(self.manifest.group(), kind);
        let reason = || format!("its setting {} does not name {kind}", pod_templates::NAME);
        paths.is_empty().then(|| Exclusion::Object(reason()))
    }
}

/// What the policy, which sees only the type of a value, says of one that lacks quotes.
const QUOTES: &str = "put the value in quotes";

/// All that stays the same from object to object.
pub struct Run<'r> {
    /// The policies.
    pub policies: Policies<'r>,
    /// The namespaces among the manifests.
    pub namespaces: Namespaces,
    /// What explains the decisions of each policy, if that is wanted.
    pub explainers: Option<Vec<Explainer<'r>>>,
    /// The namespace of objects that name none.
    pub default_namespace: &'r str,
    /// Who applies the manifests, if that is known.
    pub user: Option<UserInfo>,
    /// Which hints are not wanted.
    pub ignored: Ignored,
}

impl Run<'_> {
    /// What the policies do with an object. The problems are without their places: see [`Run::place`].
    pub fn preview(&self, object: &Reviewable<'_>) -> Preview {
        let manifest = object.manifest;
        let namespace = manifest.namespace().unwrap_or(self.default_namespace);
        let mut reviews = vec![self.review(object, namespace, None)];
        let is_accepted = reviews
            .iter()
            .all(|reviewed| reviewed.rejection().is_none());
        for pod in object.pods.iter().filter(|_| is_accepted) {
            if let Some(first) = reviews.first_mut() {
                // The review of the pods explains all of a workload that is accepted.
                let sent = first.answers.iter_mut().filter(|answer| answer.was_sent);
                sent.for_each(|answer| answer.steps.clear());
            }
            let mut reviewed = self.review(object, namespace, Some(pod));
            if object.pods.len() > 1 {
                reviewed.title = format!("{} of {}", reviewed.title, pod.path);
            }
            reviews.push(reviewed);
        }
        Preview {
            api_version: manifest.api_version.clone(),
            kind: manifest.kind.clone(),
            namespace: namespace.to_owned(),
            name: name(&manifest.object),
            origin: manifest.origin.clone(),
            line: manifest.document.first_line(),
            reviews,
            problems: Vec::new(),
        }
    }

    /// Finds the places of the problems of an object.
    pub fn place(
        &self,
        object: &Reviewable<'_>,
        mut preview: Preview,
        places: &mut Places,
    ) -> Preview {
        let manifest = object.manifest;
        let title = preview.title();
        if !manifest.path.is_empty() {
            preview.line = places.at(manifest, ValuePath::default()).line;
        }
        let mut problems: Vec<Problem> = Vec::new();
        for unplaced in preview.unplaced() {
            let finding = unplaced.finding();
            // A workload's template says the same of a wrong type as its pod, in other words.
            let is_shape =
                finding.is_some_and(|finding| matches!(finding.problem, Wrong::Shape(_)));
            let (at, path) = match finding {
                Some(finding) => {
                    let template = unplaced.template().or(object.template());
                    let accounts = self.policies.accounts();
                    target(finding, manifest, template, &preview.namespace, accounts)
                }
                None => (manifest, unplaced.path().clone()),
            };
            let template = unplaced.template().map(str::to_owned);
            let value = path.value(&at.object).cloned();
            let mut problem = unplaced.at(places.at(at, path));
            if let (Some(text), Some(value)) = (problem.text.strip_suffix(QUOTES), value) {
                problem.text = format!("{text}quote it: \"{value}\"");
            }
            let is_known = is_shape
                && problems
                    .iter()
                    .any(|known| (&known.rule, &known.place) == (&problem.rule, &problem.place));
            if !is_known
                && !self
                    .ignored
                    .covers(&problem, manifest, template.as_deref(), &title)
            {
                problems.push(problem);
            }
        }
        let names_label =
            |problem: &Problem| problem.rule != IDLE_IDENTITY && problem.text.contains(keys::USE);
        if problems.iter().any(names_label) {
            // Whoever puts that right opts the pod in.
            problems.retain(|problem| problem.rule != IDLE_IDENTITY);
        }
        preview.problems = problems;
        preview
    }

    /// Asks the policies about an object, or about a pod that it would create.
    fn review(&self, of: &Reviewable<'_>, namespace: &str, pod: Option<&DescribedPod>) -> Reviewed {
        let served = of.as_served();
        let object = pod.map_or(&served.object, |pod| &pod.pod);
        let mut request = AdmissionRequest::creation(namespace, object.clone());
        if pod.is_none() {
            with_labels(&mut request, of);
        }
        if let Some(user) = &self.user {
            request.user_info = user.clone();
        }
        let subject = Subject {
            manifest: of.manifest,
            pod,
            namespace,
            object,
        };
        let mut reviewed = Reviewed {
            title: title(&request.kind.kind, namespace, &name(object)),
            template: pod.map(|pod| pod.path.clone()),
            is_whole: pod.is_none_or(|pod| pod.is_whole),
            object: object.clone(),
            answers: Vec::new(),
            hints: hints::of_keys(subject),
        };
        if pod.is_none() {
            reviewed.hints.extend(of.hint.clone());
            let pod = of.template().filter(|_| !of.is_described);
            let hints = api_server::rejections(of.manifest, pod);
            reviewed.hints.extend(hints);
        }
        let mut unseen = None;
        let mut unsaid = None;
        let mut exclusions = Vec::new();
        let mut reaches_injector = false;
        let file = &of.manifest.origin.file;
        let policies = self.policies.of(file);
        let deployed = self.policies.deployed().iter();
        for (index, (deployed, policy)) in deployed.zip(policies.iter()).enumerate() {
            // What such a pod lacks is not known.
            if deployed.verifies && !reviewed.is_whole {
                continue;
            }
            let scope = deployed.manifest.as_ref().map(|manifest| &manifest.scope);
            // The pods of a workload are created by its controller.
            let knows_user = self.user.is_some() && pod.is_none();
            let exclusion =
                scope.and_then(|scope| scope.excludes(&request, &self.namespaces, knows_user));
            let exclusion = exclusion.or_else(|| match pod {
                Some(_) => None,
                None => of.is_overlooked(&deployed.settings),
            });
            reaches_injector |= exclusion.is_none() && deployed.injects();
            let answer = match &exclusion {
                Some(exclusion) => {
                    let may_be_meant = matches!(exclusion, Exclusion::Object(_));
                    if may_be_meant && !deployed.verifies {
                        unseen.get_or_insert(index);
                    }
                    if deployed.injects() {
                        exclusions.push((index, exclusion.to_string()));
                    }
                    self.not_sent(deployed, &request, exclusion)
                }
                None => self.answer(
                    index,
                    subject,
                    deployed,
                    policy,
                    &request,
                    &mut reviewed.hints,
                ),
            };
            let is_for_real = answer.monitored.is_none();
            if let Some(mutated) = answer.mutated.as_ref().filter(|_| is_for_real) {
                request.object = Some(mutated.clone());
            }
            let is_over = deployed.mutates() && !answer.response.allowed;
            reviewed.answers.push(answer);
            // What a mutating policy rejects comes no further; the validating ones are asked at once.
            if is_over {
                break;
            }
        }
        if !reviewed.answers.iter().any(|answer| answer.was_sent)
            && let Some(index) = unseen
        {
            let describing = of.is_described.then(|| self.policies.describing(file));
            let policies = describing.as_ref().unwrap_or(&policies);
            if let Some(policy) = policies.get(index) {
                let (_, decision, hints) = self.ask(subject, policy, &request);
                reviewed.hints.extend(decision.rejections.iter().cloned());
                reviewed.hints.extend(decision.warnings.iter().cloned());
                reviewed.hints.extend(hints);
                unsaid = Some((index, decision));
            }
        }
        let is_pod = request.kind.kind == "Pod";
        if is_pod && !reaches_injector && reviewed.rejection().is_none() {
            // The first that excludes the pod for what it is, else the first.
            let mut exclusions = exclusions.iter();
            let first = exclusions.clone().find(|(index, _)| Some(*index) == unseen);
            if let Some((index, exclusion)) = first.or(exclusions.next())
                && let Some(policy) = policies.get(*index)
            {
                let decision = match unsaid {
                    Some((asked, decision)) if asked == *index => decision,
                    _ => self.ask(subject, policy, &request).1,
                };
                let hint = hints::not_sent(subject, &decision, exclusion);
                reviewed.hints.extend(hint);
            }
        }
        reviewed
    }

    /// The answer of a policy that is sent the request.
    fn answer(
        &self,
        index: usize,
        subject: Subject<'_>,
        deployed: &Deployed,
        policy: &Policy,
        request: &AdmissionRequest,
        hints: &mut Vec<Message>,
    ) -> Answer {
        let (response, decision, own_hints) = self.ask(subject, policy, request);
        hints.extend(own_hints);
        let manifest = deployed.manifest.as_ref();
        let constrained = match manifest {
            Some(manifest) => manifest.constrain(&manifest.webhook(), response.clone()),
            None => response.clone(),
        };
        let is_monitored =
            manifest.is_some_and(|manifest| manifest.enforcement == Enforcement::Monitor);
        // What it would be without mode monitor.
        let enforced = match manifest {
            Some(manifest) => manifest.enforce(&manifest.webhook(), response),
            None => response,
        };
        let own = if is_monitored {
            &enforced
        } else {
            &constrained
        };
        let object = request.object.as_ref().unwrap_or(subject.object);
        let mutated = response::patched(object, own);
        let ending = match (own.allowed, &mutated) {
            (false, _) => Ending::Rejected,
            (true, Some(_)) => Ending::Mutated,
            (true, None) => Ending::Unchanged,
        };
        let explains = request.kind.kind != "ServiceAccount";
        let explainers = self.explainers.as_ref().filter(|_| explains);
        let explainer = explainers.and_then(|explainers| explainers.get(index));
        let steps = explainer.map(|explainer| {
            let file = &subject.manifest.origin.file;
            explainer.steps(&decision, ending, is_monitored, file)
        });
        Answer {
            policy: deployed.name.clone(),
            response: constrained,
            monitored: is_monitored.then_some(enforced),
            mutated,
            steps: steps.unwrap_or_default(),
            was_sent: true,
            decision,
        }
    }

    /// The answer of a policy that is not sent the request.
    fn not_sent(
        &self,
        deployed: &Deployed,
        request: &AdmissionRequest,
        exclusion: &Exclusion,
    ) -> Answer {
        let response = match exclusion {
            Exclusion::Failure(reason) => {
                let reason = reason.replacen("its", "the policy's", 1);
                let message = format!(
                    "{reason}; help: correct the condition, or set failurePolicy to Ignore"
                );
                AdmissionResponse::rejection(&request.uid, message, Some(403))
            }
            _ => AdmissionResponse::acceptance(&request.uid),
        };
        let kind = &request.kind.kind;
        let step = Step::new(kind, format!("not sent to the policy, {exclusion}"));
        Answer {
            policy: deployed.name.clone(),
            response,
            monitored: None,
            mutated: None,
            steps: Vec::from_iter(self.explainers.is_some().then_some(step)),
            was_sent: false,
            decision: Decision::default(),
        }
    }

    /// What a policy answers, what is behind it, and what it leaves unsaid.
    fn ask(
        &self,
        subject: Subject<'_>,
        policy: &Policy,
        request: &AdmissionRequest,
    ) -> (AdmissionResponse, Decision, Vec<Message>) {
        let mut review = policy.review(request);
        let mut decision = Decision::behind(&review);
        let accounts = self.policies.accounts();
        let hints = hints::of(subject, &decision, accounts);
        let assumed: BTreeSet<String> = hints::assumed(subject, &decision, accounts)
            .map(|(_, name)| name.to_owned())
            .collect();
        let is_known = |message: &Message| {
            let Some(Finding { about, problem, .. }) = &message.finding else {
                return true;
            };
            // Nobody knows whether one that is not among the manifests names a client ID.
            match (about, problem) {
                (
                    About::ServiceAccount(account),
                    Wrong::ClientIdNotSet { .. } | Wrong::ClientIdRequired,
                ) => !assumed.contains(&*account.name.text()),
                _ => true,
            }
        };
        if !decision.rejections.iter().all(is_known) {
            // The pod is shown with what is known.
            review = policy.review_if(REQUIRE_CLIENT_ID, false.into(), request);
            decision = Decision::behind(&review);
        }
        decision.is_account_assumed = !assumed.is_empty();
        decision.warnings.retain(is_known);
        (review.response, decision, hints)
    }
}

/// Gives a Job or ReplicationController without labels those of its pods, as the API server does.
fn with_labels(request: &mut AdmissionRequest, of: &Reviewable<'_>) {
    let gets_labels = ["Job", "ReplicationController"].contains(&&*request.kind.kind);
    let labels = of
        .pods
        .first()
        .and_then(|pod| pod.pod.pointer("/metadata/labels"));
    let object = request.object.as_mut().and_then(Value::as_object_mut);
    let (Some(labels), Some(object)) = (labels.filter(|_| gets_labels), object) else {
        return;
    };
    let metadata = object
        .entry("metadata")
        .or_insert_with(|| Value::Object(Map::new()));
    if let Some(metadata) = metadata.as_object_mut() {
        let own = metadata.entry("labels").or_insert(Value::Null);
        if own.is_null() || own.as_object().is_some_and(Map::is_empty) {
            own.clone_from(labels);
        }
    }
}
