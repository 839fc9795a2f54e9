//! The review of one object by all policies, as the API server has it reviewed.

use azure_workload_identity_policy::findings::Problem as Wrong;
use azure_workload_identity_policy::keys;
use serde_json::Value;

use super::api_server;
use super::decision::{Decision, Message};
use super::explain::{Explainer, Result as Ending, Step};
use super::hints::{self, IDLE_IDENTITY, Ignored, Subject};
use super::outcome::{Answer, Preview, Problem, Reviewed, name, title};
use super::places::{Places, target};
use super::policies::{Deployed, Policies};
use crate::input::lines::ValuePath;
use crate::input::manifests::Manifest;
use crate::input::workload::{self, WorkloadError};
use crate::kubewarden::policy::Policy;
use crate::kubewarden::policy_manifest::Enforcement;
use crate::kubewarden::request::{AdmissionRequest, UserInfo};
use crate::kubewarden::response::{self, AdmissionResponse};
use crate::kubewarden::scope::{Exclusion, Namespaces};

/// An object that the policy has a say in.
pub struct Reviewable<'m> {
    /// Its manifest.
    pub manifest: &'m Manifest,
    /// The pod that it would create, if it is a workload.
    pod: Option<Value>,
    /// The path of its pod template, if it has one.
    template: Option<&'static str>,
}

impl<'m> Reviewable<'m> {
    /// The object in a manifest, if the policy has a say in it.
    ///
    /// # Errors
    ///
    /// A workload without a pod template.
    pub fn of(manifest: &'m Manifest) -> Result<Option<Self>, WorkloadError> {
        let pod = workload::pod(manifest)?;
        let is_itself = manifest.is("v1", "ServiceAccount") || manifest.is("v1", "Pod");
        let is_reviewable = is_itself || pod.is_some();
        let pod = pod.filter(|_| !is_itself);
        Ok(is_reviewable.then(|| Self {
            manifest,
            pod,
            template: workload::template(manifest),
        }))
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
        let Reviewable { manifest, pod, .. } = object;
        let namespace = manifest.namespace().unwrap_or(self.default_namespace);
        let mut reviews = vec![self.review(object, namespace, &manifest.object)];
        let accepted = reviews.iter().all(Reviewed::is_accepted);
        if let Some(pod) = pod.as_ref().filter(|_| accepted) {
            // The review of the pod explains all of a workload that is accepted.
            let answers = reviews
                .iter_mut()
                .flat_map(|reviewed| &mut reviewed.answers);
            answers
                .filter(|answer| answer.was_sent)
                .for_each(|answer| answer.steps.clear());
            reviews.push(self.review(object, namespace, pod));
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
        let Reviewable {
            manifest, template, ..
        } = object;
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
                    let accounts = self.policies.accounts();
                    target(finding, manifest, *template, &preview.namespace, accounts)
                }
                None => (*manifest, unplaced.path().clone()),
            };
            let value = path.value(&at.object).cloned();
            let mut problem = unplaced.at(places.at(at, path));
            if let (Some(text), Some(value)) = (problem.text.strip_suffix(QUOTES), value) {
                problem.text = format!("{text}quote it: \"{value}\"");
            }
            let is_known = is_shape
                && problems
                    .iter()
                    .any(|known| (&known.rule, &known.place) == (&problem.rule, &problem.place));
            if !is_known && !self.ignored.covers(&problem, manifest, *template, &title) {
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

    /// Asks the policies about `object`: the manifest's, or the pod that it would create.
    fn review(&self, of: &Reviewable<'_>, namespace: &str, object: &Value) -> Reviewed {
        let mut request = AdmissionRequest::creation(namespace, object.clone());
        if let Some(user) = &self.user {
            request.user_info = user.clone();
        }
        let subject = Subject {
            manifest: of.manifest,
            template: of.template,
            namespace,
            object,
        };
        let mut reviewed = Reviewed {
            title: title(&request.kind.kind, namespace, &name(object)),
            object: object.clone(),
            answers: Vec::new(),
            hints: hints::of_keys(subject),
        };
        if std::ptr::eq(object, &of.manifest.object) {
            reviewed
                .hints
                .extend(api_server::rejections(of.manifest, of.template));
        }
        let mut unseen = None;
        let policies = self.policies.of(&of.manifest.origin.file);
        let deployed = self.policies.deployed().iter();
        for (index, (deployed, policy)) in deployed.zip(policies.iter()).enumerate() {
            let scope = deployed.manifest.as_ref().map(|manifest| &manifest.scope);
            let exclusion = scope.and_then(|scope| scope.excludes(&request, &self.namespaces));
            let answer = match &exclusion {
                Some(exclusion) => {
                    let may_be_meant = matches!(exclusion, Exclusion::Object(_));
                    if may_be_meant && !deployed.verifies {
                        unseen.get_or_insert(policy);
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
            && let Some(policy) = unseen
        {
            self.add_unsaid(subject, policy, &request, &mut reviewed.hints);
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
            Some(manifest) => manifest.constrain(response.clone()),
            None => response.clone(),
        };
        let is_monitored =
            manifest.is_some_and(|manifest| manifest.enforcement == Enforcement::Monitor);
        let own = if is_monitored {
            &response
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
            monitored: is_monitored.then_some(response),
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
        let review = policy.review(request);
        let mut decision = Decision::behind(&review);
        let mut response = review.response;
        let accounts = self.policies.accounts();
        let hints = hints::of(subject, &decision, accounts);
        if hints::assumed_account(subject, &decision, accounts).is_some() {
            // Nobody knows whether the ServiceAccount names a client ID.
            let is_other = |message: &Message| {
                let problem = message.finding.as_ref().map(|finding| &finding.problem);
                !matches!(
                    problem,
                    Some(Wrong::ClientIdNotSet { .. } | Wrong::ClientIdRequired)
                )
            };
            decision.warnings.retain(is_other);
            let is_rejected = !response.allowed && !decision.rejections.is_empty();
            decision.rejections.retain(is_other);
            if is_rejected && decision.rejections.is_empty() {
                response = AdmissionResponse::acceptance(&request.uid);
            }
        }
        (response, decision, hints)
    }

    /// Adds what the policy would say of an object that it is not sent.
    fn add_unsaid(
        &self,
        subject: Subject<'_>,
        policy: &Policy,
        request: &AdmissionRequest,
        hints: &mut Vec<Message>,
    ) {
        let (_, decision, unsaid) = self.ask(subject, policy, request);
        hints.extend(decision.rejections);
        hints.extend(decision.warnings);
        hints.extend(unsaid);
    }
}
