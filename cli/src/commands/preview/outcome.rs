//! What the policies do with one object.

use std::sync::Arc;

use azure_workload_identity_policy::findings::Finding;
use json_patch::Patch;
use serde_json::Value;

use super::decision::{Decision, Message};
use super::explain::Step;
use super::names::title;
use super::places::Place;
use crate::input::lines::ValuePath;
use crate::input::manifests::Origin;
use crate::kubewarden::response::{self, AdmissionResponse};

/// What the policies do with one object.
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
    /// The line that it begins on.
    pub line: usize,
    /// What was asked and answered: about the object, then about the pod that a workload would create.
    ///
    /// Without pods if the object is rejected, because they would not come to be.
    pub reviews: Vec<Reviewed>,
    /// What people should know, in the order of [`Kind`].
    pub problems: Vec<Problem>,
}

/// One object that policies were asked about.
#[derive(Debug, Clone, PartialEq)]
pub struct Reviewed {
    /// The object as messages name it, as `Pod default/app`.
    pub title: String,
    /// The path of the pod's template in the manifest; `None` if it is the object itself.
    pub template: Option<String>,
    /// Whether the object is all there is to know of it; else its containers are not known.
    pub is_whole: bool,
    /// The object as it comes.
    pub object: Value,
    /// The answers, in the order in which the API server asks.
    pub answers: Vec<Answer>,
    /// What no policy says.
    pub(super) hints: Vec<Message>,
}

/// What one policy makes of an object.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    /// The name of the policy, if there are several.
    pub policy: Option<Arc<str>>,
    /// What the API server would get.
    pub response: AdmissionResponse,
    /// What the policy itself answered, if mode `monitor` lets the object through whatever it is.
    pub monitored: Option<AdmissionResponse>,
    /// The object as the policy wants it, if it changes it.
    pub mutated: Option<Value>,
    /// Why it is so; empty unless it was asked for.
    pub steps: Vec<Step>,
    /// Whether the policy gets to see the object.
    pub was_sent: bool,
    pub(super) decision: Decision,
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
        /// The answer that the API server reports: the first.
        answer: &'p Answer,
        /// Why.
        message: &'p str,
    },
}

/// Something that people should know.
#[derive(Debug, Clone, PartialEq)]
pub struct Problem {
    /// What it is.
    pub kind: Kind,
    /// The name of the policy that says it, if there are several.
    pub policy: Option<Arc<str>>,
    /// Its words.
    pub text: String,
    /// Where the fault is.
    pub place: Place,
    /// The name of what is wrong, the same for all problems of this sort.
    pub rule: String,
}

/// What a problem is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// A reason why an object is rejected.
    Rejection,
    /// What mode `monitor` keeps from happening.
    Monitor,
    /// A warning of the policy.
    Warning,
    /// What the policy does not say: because it is not sent the object, or because it does not look that far.
    Hint,
}

impl Kind {
    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Rejection => "rejected",
            Self::Monitor => "monitor",
            Self::Warning => "warning",
            Self::Hint => "hint",
        }
    }
}

/// A problem whose place is not known yet.
pub(super) struct Unplaced<'p> {
    kind: Kind,
    policy: Option<Arc<str>>,
    text: String,
    message: Message,
    /// The object that was reviewed.
    reviewed: &'p Reviewed,
}

impl Unplaced<'_> {
    /// What is wrong, if it is known.
    pub(super) fn finding(&self) -> Option<&Finding> {
        self.message.finding.as_ref()
    }

    /// The way to it in the manifest, if a preview says it.
    pub(super) fn path(&self) -> &ValuePath {
        &self.message.path
    }

    /// The path of the pod's template in the manifest; `None` if it is about the object itself.
    pub(super) fn template(&self) -> Option<&str> {
        self.reviewed.template.as_deref()
    }

    /// The problem, with its place.
    pub(super) fn at(self, place: Place) -> Problem {
        Problem {
            kind: self.kind,
            policy: self.policy,
            text: self.text,
            place,
            rule: self.message.rule(),
        }
    }
}

impl Preview {
    /// The object as messages name it: kind, namespace and name.
    pub fn title(&self) -> String {
        title(&self.kind, &self.namespace, &self.name)
    }

    /// What happens to the object.
    pub fn outcome(&self) -> PreviewOutcome<'_> {
        self.outcome_by(|answer| Some(&answer.response))
    }

    /// What would happen to the object if no policy's mode were `monitor`, if one's is.
    pub fn monitored(&self) -> Option<PreviewOutcome<'_>> {
        let is_monitored = self.answers().any(|answer| answer.monitored.is_some());
        is_monitored.then(|| self.outcome_by(|answer| answer.monitored.as_ref()))
    }

    fn outcome_by<'p>(
        &'p self,
        response: impl Fn(&'p Answer) -> Option<&'p AdmissionResponse>,
    ) -> PreviewOutcome<'p> {
        let mut is_mutated = false;
        for answer in self.answers() {
            let Some(response) = response(answer) else {
                continue;
            };
            if !response.allowed {
                let message = response.message().unwrap_or(NO_REASON);
                return PreviewOutcome::Rejected { answer, message };
            }
            is_mutated |= response.patch.is_some();
        }
        if is_mutated {
            PreviewOutcome::Mutated
        } else {
            PreviewOutcome::Unchanged
        }
    }

    /// All answers, in the order in which they come.
    pub fn answers(&self) -> impl Iterator<Item = &Answer> {
        self.reviews.iter().flat_map(|reviewed| &reviewed.answers)
    }

    /// The review that changes something, or would do so if no policy's mode were `monitor`, and the object after it.
    pub fn mutated(&self) -> Option<(&Reviewed, &Value)> {
        self.reviews
            .iter()
            .find_map(|reviewed| Some((reviewed, reviewed.mutated()?)))
    }

    /// The pods that changes are in, by their titles, if they are not the object itself.
    pub fn created_pods(&self) -> Option<String> {
        let pods = self.pods().iter();
        let pods = pods.filter(|reviewed| reviewed.mutated().is_some());
        let titles: Vec<_> = pods.map(Reviewed::shown_title).collect();
        (!titles.is_empty()).then(|| titles.join(", "))
    }

    /// The reviews of the pods that the object would create.
    fn pods(&self) -> &[Reviewed] {
        self.reviews.get(1..).unwrap_or_default()
    }

    /// The reviews of the pods that the object would create, if there are several.
    pub fn several_pods(&self) -> &[Reviewed] {
        match self.pods() {
            [] | [_] => &[],
            several => several,
        }
    }

    /// The patch of the object or of the first pod that is changed, if one is and all of it is known.
    pub fn patch(&self) -> Option<Patch> {
        let (reviewed, _) = self.mutated()?;
        reviewed.patch()
    }

    /// The problems of this kind.
    pub fn of_kind(&self, kind: Kind) -> impl Iterator<Item = &Problem> {
        self.problems
            .iter()
            .filter(move |problem| problem.kind == kind)
    }

    /// What there is to know. What a workload's pod template and its pod have in common comes once, and nothing comes as a
    /// warning that is a reason of a rejection, or as a hint that a policy says.
    pub(super) fn unplaced(&self) -> Vec<Unplaced<'_>> {
        let mut list = List {
            preview: self,
            problems: Vec::new(),
        };
        let reviewed_answers: Vec<(&Reviewed, &Answer)> = self
            .reviews
            .iter()
            .flat_map(|reviewed| {
                let answers = reviewed.answers.iter();
                answers.map(move |answer| (reviewed, answer))
            })
            .collect();
        for (reviewed, answer) in &reviewed_answers {
            if !answer.response.allowed {
                let reasons = answer.reasons(&answer.response);
                list.add(Kind::Rejection, reviewed, answer.policy.as_ref(), reasons);
            }
        }
        let is_rejected = !list.problems.is_empty();
        for (reviewed, answer) in &reviewed_answers {
            let Some(monitored) = &answer.monitored else {
                continue;
            };
            let reasons = if !monitored.allowed {
                answer.reasons(monitored)
            } else if monitored.patch.is_some() && !is_rejected {
                let title = reviewed.template.as_ref().map(|_| reviewed.shown_title());
                let title = title.map_or_else(String::new, |title| format!(": {title}"));
                let text = format!("would be mutated, and is let through as it is{title}");
                let path = ValuePath::default();
                vec![Message::of_preview(MODE_MONITOR, path, text)]
            } else {
                continue;
            };
            list.add(Kind::Monitor, reviewed, answer.policy.as_ref(), reasons);
        }
        for (reviewed, answer) in &reviewed_answers {
            let warnings = answer.decision.warnings.clone();
            list.add(Kind::Warning, reviewed, answer.policy.as_ref(), warnings);
        }
        for reviewed in &self.reviews {
            list.add(Kind::Hint, reviewed, None, reviewed.hints.clone());
        }
        list.problems
    }

    /// The words of a message: of one about the pod of a workload, those about the workload, if they are known.
    fn words_of<'m>(&'m self, message: &'m Message) -> &'m str {
        let about_object = self.reviews.first().into_iter();
        let mut hints = about_object.flat_map(|first| &first.hints);
        let same = hints.find(|hint| hint.finding.is_some() && hint.repeats(message));
        same.map_or(&message.text, |same| &same.text)
    }

    /// The steps that led to the outcome, by policy.
    pub fn explanations(&self) -> impl Iterator<Item = (Option<&str>, &[Step])> {
        let answers = self.answers().filter(|answer| !answer.steps.is_empty());
        answers.map(|answer| (answer.policy.as_deref(), answer.steps.as_slice()))
    }
}

/// The rule of a mutation that mode `monitor` holds back.
const MODE_MONITOR: &str = "mode-monitor";

/// Problems, each of them once.
struct List<'p> {
    preview: &'p Preview,
    problems: Vec<Unplaced<'p>>,
}

impl<'p> List<'p> {
    fn add(
        &mut self,
        kind: Kind,
        reviewed: &'p Reviewed,
        policy: Option<&Arc<str>>,
        messages: Vec<Message>,
    ) {
        for message in messages {
            let mut seen = self.problems.iter();
            if seen.any(|other| other.message.repeats(&message)) {
                continue;
            }
            let words = self.preview.words_of(&message);
            let text = match (kind, message.rule) {
                (Kind::Monitor, None) => format!("would be rejected, and is let through: {words}"),
                _ => words.to_owned(),
            };
            self.problems.push(Unplaced {
                kind,
                policy: policy.cloned(),
                text,
                message,
                reviewed,
            });
        }
    }
}

impl Reviewed {
    /// The title, and whether there is more of the object than is known.
    fn shown_title(&self) -> String {
        let unknown = if self.is_whole {
            ""
        } else {
            " (containers not known)"
        };
        format!("{}{unknown}", self.title)
    }

    /// The first answer that rejects the object.
    pub fn rejection(&self) -> Option<&Answer> {
        self.answers.iter().find(|answer| !answer.response.allowed)
    }

    /// The patch, if it is changed and all of it is known.
    fn patch(&self) -> Option<Patch> {
        let mutated = self.mutated().filter(|_| self.is_whole)?;
        Some(response::diff(&self.object, mutated))
    }

    /// The patch, if it is accepted with it.
    pub fn accepted_patch(&self) -> Option<Patch> {
        self.patch().filter(|_| self.is_mutated())
    }

    /// The pod as it would be created, if it is one, is accepted, and all of it is known.
    pub fn accepted_pod(&self) -> Option<&Value> {
        let is_pod = self.object.get("kind").is_some_and(|kind| kind == "Pod");
        let mutated = self.mutated().filter(|_| self.is_mutated());
        let is_accepted = self.rejection().is_none();
        (is_pod && self.is_whole && is_accepted).then(|| mutated.unwrap_or(&self.object))
    }

    /// Whether it is accepted and changed.
    pub fn is_mutated(&self) -> bool {
        let mut answers = self.answers.iter();
        self.rejection().is_none() && answers.any(|answer| answer.response.patch.is_some())
    }

    /// The object as all policies together want it, if they change it; if only policies in mode `monitor` would, as these
    /// want it.
    pub fn mutated(&self) -> Option<&Value> {
        let by = |is_monitored: bool| {
            let answers = self.answers.iter().rev();
            let mut answers = answers.filter(|answer| answer.monitored.is_some() == is_monitored);
            answers.find_map(|answer| answer.mutated.as_ref())
        };
        by(false).or_else(|| by(true))
    }
}

/// What is said of a rejection without a message.
const NO_REASON: &str = "the policy gives no reason";

impl Answer {
    /// The reasons of a rejection: the policy's own, or those of Kubewarden.
    fn reasons(&self, rejection: &AdmissionResponse) -> Vec<Message> {
        if self.decision.rejections.is_empty() {
            let status = rejection.status.as_ref();
            let details = status.and_then(|status| status.details.as_ref());
            let causes = details.into_iter().flat_map(|details| &details.causes);
            let mut causes = causes.filter_map(|cause| cause.message.as_deref());
            // What users get in place of the message says nothing of the reason.
            let message = causes.next().or(rejection.message()).unwrap_or(NO_REASON);
            return vec![Message::unknown(message)];
        }
        self.decision.rejections.clone()
    }

    /// The message of the policy's manifest, if users get that one in place of the policy's own.
    pub fn message_of_manifest(&self) -> Option<&str> {
        self.response.status.as_ref()?.details.as_ref()?;
        self.response.message()
    }
}

#[cfg(test)]
impl Reviewed {
    /// A review that came to these answers, for the tests of what is printed.
    pub fn sample(answers: Vec<Answer>) -> Self {
        Self {
            title: String::new(),
            template: None,
            is_whole: true,
            object: Value::Null,
            answers,
            hints: Vec::new(),
        }
    }
}

#[cfg(test)]
impl Answer {
    /// An acceptance, for the tests of what is printed.
    pub fn sample() -> Self {
        Self {
            policy: None,
            response: AdmissionResponse::acceptance(""),
            monitored: None,
            mutated: None,
            steps: Vec::new(),
            was_sent: true,
            decision: Decision::default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use azure_workload_identity_policy::findings::{About, PodName, Problem as Wrong, Severity};
    use azure_workload_identity_policy::messages::ObjectName;

    use super::*;

    fn message(about: About, problem: Wrong) -> Message {
        let finding = Finding {
            about,
            severity: Severity::Warn,
            problem,
        };
        Message::of_finding(finding.to_string(), finding)
    }

    fn reviewed(title: &str, warnings: Vec<Message>) -> Reviewed {
        Reviewed {
            title: title.to_owned(),
            template: title.starts_with("Pod").then(|| "spec.template".to_owned()),
            ..Reviewed::sample(vec![Answer {
                decision: Decision {
                    warnings,
                    ..Decision::default()
                },
                ..Answer::sample()
            }])
        }
    }

    #[test]
    fn what_a_workload_and_its_pod_have_in_common_comes_once() {
        let workload = ObjectName::new("Deployment", "web", "a");
        let template = About::Pod(PodName {
            object: workload.clone(),
            template: Some("spec.template".into()),
        });
        let pod = About::Pod(PodName {
            object: ObjectName::generated("Pod", "web", "", "a-"),
            template: None,
        });
        let port = |port| Wrong::PortTaken { port };
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
            line: 1,
            reviews: vec![
                reviewed(
                    "Deployment web/a",
                    vec![
                        message(About::Object(workload), Wrong::HostNetwork),
                        message(template.clone(), Wrong::HostNetwork),
                        message(template.container("containers", 0, "app"), port(80)),
                        message(template.container("containers", 1, "app"), port(80)),
                    ],
                ),
                reviewed(
                    "Pod web/a-*",
                    vec![
                        message(pod.clone(), Wrong::HostNetwork),
                        message(pod.container("containers", 0, "app"), port(80)),
                        message(pod.container("containers", 0, "app"), port(81)),
                        message(pod.container("initContainers", 0, "app"), port(80)),
                    ],
                ),
            ],
            problems: Vec::new(),
        };
        let problems = preview.unplaced();
        let starts: Vec<_> = problems
            .iter()
            .map(|problem| problem.text.split(" is already").next().unwrap_or_default())
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
        let rules: Vec<_> = problems
            .iter()
            .map(|problem| problem.message.rule())
            .collect();
        assert_eq!(rules[..3], ["host-network", "host-network", "port-taken"]);
    }
}
