//! The policy's answer, and its form on the wire.

pub mod audit;
pub mod log;
mod settings_answer;

use crate::findings::{About, Finding, Findings, Problem, Severity, fitted};
use crate::json::{Edited, Fault, Fields};
use crate::messages::ObjectName;
use audit::Annotation;

pub use settings_answer::settings_answer;

/// The answer to an admission request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict<'a> {
    /// What happens to the object.
    pub outcome: Outcome<'a>,
    /// What was found.
    pub findings: Findings,
    /// What the API server's audit log says, by key; empty if the object is accepted as it is.
    pub audit_annotations: Vec<Annotation>,
    /// The object, if its name is known.
    pub object: Option<ObjectName>,
}

/// What happens to an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome<'a> {
    /// It is accepted as it is.
    Unchanged,
    /// It is accepted with these edits.
    Mutated(Edited<'a>),
    /// It is rejected.
    Rejected,
}

/// The length of the longest warning that Kubernetes is sure to pass on, in bytes.
const WARNING_LENGTH: usize = 256;

/// The length of the longest message, in bytes.
const MESSAGE_LENGTH: usize = 4096;

/// The length of the longest reason in a message, in bytes.
const REASON_LENGTH: usize = 1024;

/// What the sentence about reasons that are left out takes at most, in bytes.
const LEFT_OUT_LENGTH: usize = 64;

impl<'a> Verdict<'a> {
    /// Acceptance of an object as it is, with nothing to say.
    pub fn unchanged() -> Self {
        Self::of(Findings::default())
    }

    /// Rejection of a request that does not have the shape of one.
    pub fn malformed(fault: Fault) -> Self {
        let mut findings = Findings::default();
        findings.reject(&About::Request, Problem::Shape(fault));
        Self::of(findings)
    }

    /// The verdict on an object with these findings that is not mutated.
    pub fn of(findings: Findings) -> Self {
        let outcome = if findings.reject_request() {
            Outcome::Rejected
        } else {
            Outcome::Unchanged
        };
        Self {
            outcome,
            findings,
            audit_annotations: Vec::new(),
            object: None,
        }
    }

    /// Whether the object is rejected.
    pub fn is_rejection(&self) -> bool {
        self.outcome == Outcome::Rejected
    }

    /// Why the object is rejected, one reason a line; `None` if it is not.
    pub fn message(&self) -> Option<String> {
        self.is_rejection().then(|| message(&self.findings, "\n"))
    }

    /// The HTTP status of a rejection: 400 if the object is at fault, 500 if the policy's own settings are.
    pub fn code(&self) -> u16 {
        let (mut reasons, _) = self.findings.of(Severity::Reject);
        if reasons.any(|finding| finding.about.is_settings()) {
            500
        } else {
            400
        }
    }

    /// The warnings as Kubernetes passes them on: not too many, none too long.
    pub fn warnings(&self) -> Vec<String> {
        let (warnings, count) = self.findings.of(Severity::Warn);
        let mut shown: Vec<_> = warnings
            .map(|finding| fitted(finding, WARNING_LENGTH))
            .collect();
        let left_out = count.saturating_sub(shown.len());
        if left_out > 0 {
            shown.push(format!(
                "{left_out} more warnings of this policy are left out"
            ));
        }
        shown
    }

    /// The JSON that the host takes, a `ValidationResponse` of the policy SDK.
    pub fn to_json(&self) -> Vec<u8> {
        // Room for what most verdicts say.
        let mut response = Fields::with_capacity(512);
        response.set_bool("accepted", !self.is_rejection());
        if let Some(message) = self.message() {
            response.set_string("message", &message);
            response.set_json("code", &self.code().to_string());
        }
        if !self.audit_annotations.is_empty() {
            let texts = self.audit_annotations.iter();
            response.set_texts(
                "audit_annotations",
                texts.map(|(key, text)| (*key, &**text)),
            );
        }
        if !self.findings.is_empty() {
            let warnings = self.warnings();
            if !warnings.is_empty() {
                response.set_strings("warnings", &warnings);
            }
        }
        match &self.outcome {
            Outcome::Mutated(object) => {
                let length = object.length_at_most();
                response.into_object_with("mutated_object", length, |out| object.write_to(out))
            }
            Outcome::Unchanged | Outcome::Rejected => response.into_object().into_bytes(),
        }
    }
}

/// The reasons to reject a request, with `separator` between them, in at most [`MESSAGE_LENGTH`] bytes.
///
/// What several reasons in a row say to do is said once, after the last of them.
pub fn message(findings: &Findings, separator: &str) -> String {
    let (reasons, count) = findings.of(Severity::Reject);
    let mut reasons = reasons.peekable();
    let mut message = String::new();
    let mut shown = 0_usize;
    while let Some(reason) = reasons.next() {
        let is_last_of_its_help = reasons
            .peek()
            .is_none_or(|next| next.help(REASON_LENGTH) != reason.help(REASON_LENGTH));
        let text = if is_last_of_its_help {
            fitted(reason, REASON_LENGTH)
        } else {
            fitted(&reason.reason(), REASON_LENGTH)
        };
        let length = message.len().saturating_add(text.len());
        if length.saturating_add(LEFT_OUT_LENGTH) > MESSAGE_LENGTH {
            break;
        }
        if shown > 0 {
            message.push_str(separator);
        }
        message.push_str(&text);
        shown = shown.saturating_add(1);
    }
    let left_out = count.saturating_sub(shown);
    if left_out > 0 {
        message.push_str(separator);
        message.push_str(&left_out.to_string());
        message.push_str(if left_out == 1 {
            " more reason is left out"
        } else {
            " more reasons are left out"
        });
    }
    message
}

/// A finding alone, as a line of a rejection has it.
pub fn line(finding: &Finding) -> String {
    fitted(finding, REASON_LENGTH)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::findings::PodName;
    use crate::json::{Edits, Span};
    use crate::messages::Excerpt;

    fn about(name: &str) -> About {
        About::Pod(PodName {
            object: ObjectName::new("Pod", "default", name),
            template: None,
        })
    }

    fn verdict(
        severity: Severity,
        findings: impl IntoIterator<Item = (About, Problem)>,
    ) -> Verdict<'static> {
        let mut all = Findings::default();
        for (about, problem) in findings {
            all.add(&about, severity, problem);
        }
        Verdict::of(all)
    }

    #[track_caller]
    fn wire(verdict: &Verdict, expected: &str) {
        let json = verdict.to_json();
        assert_eq!(String::from_utf8(json).expect("text"), expected);
        serde_json::from_str::<kubewarden_policy_sdk::response::ValidationResponse>(expected)
            .expect("a response of the SDK");
    }

    #[test]
    fn absent_parts_are_left_out() {
        wire(&Verdict::unchanged(), r#"{"accepted":true}"#);
        wire(
            &Verdict::malformed(Fault::new("x", "y")),
            r#"{"accepted":false,"message":"expected x, found y","code":400}"#,
        );
    }

    #[test]
    fn the_object_goes_out_as_it_is() {
        let text = r#"{ "a" :1.0}"#;
        let span = Span {
            start: 0,
            end: text.len(),
        };
        let edited = Edited::new(text, span, Edits::default());
        let verdict = Verdict {
            outcome: Outcome::Mutated(edited),
            audit_annotations: vec![("client-id", "a".into()), ("injected", "b".into())],
            ..verdict(Severity::Warn, [(about("a"), Problem::HostNetwork)])
        };
        wire(
            &verdict,
            r#"{"accepted":true,"audit_annotations":{"client-id":"a","injected":"b"},"warnings":["Pod default/a: spec.hostNetwork: expected false, found true: the proxy would redirect the node's own traffic; help: set it to false, or remove annotation azure.workload.identity/inject-proxy-sidecar"],"mutated_object":{ "a" :1.0}}"#,
        );
    }

    #[test]
    fn faults_of_the_settings_are_not_the_users() {
        for (about, code) in [
            (about("a"), 400),
            (About::Settings, 500),
            (About::Setting(Excerpt::new("mode")), 500),
        ] {
            let problem = Problem::Shape(Fault::new("x", "y"));
            assert_eq!(verdict(Severity::Reject, [(about, problem)]).code(), code);
        }
    }

    #[test]
    fn warnings_keep_their_advice_when_they_are_cut() {
        let long = "n".repeat(200);
        let problem = Problem::NoSuchContainer {
            name: Excerpt::new(&long),
            meant: Some(Excerpt::new(&long)),
        };
        let warnings = verdict(Severity::Warn, [(about(&long), problem)]).warnings();
        assert_eq!(
            warnings,
            [
                "Pod default/nnnnnnnnnnnnnnnnnnn...nnnnnnnnnnnnnnnnnn: annotation azure.workload.identity/skip-containers: the pod has no container \"nnnnnnnnnnnnnnnnnnn...nnnnnnnnnnnnnnnnnn\"; help: did you mean \"nnnnnnnnnnnnnnnnnnn...nnnnnnnnnnnnnnnnnn\"?"
            ]
        );
    }

    #[test]
    fn warnings_are_counted() {
        let problems = (0..13).map(|port| (about("a"), Problem::PortTaken { port }));
        let warnings = verdict(Severity::Warn, problems).warnings();
        assert_eq!(warnings.len(), 11);
        assert_eq!(warnings[10], "3 more warnings of this policy are left out");
    }

    #[test]
    fn reasons_stand_in_lines_and_share_their_help() {
        let lacks = |name| Problem::VolumeMissing {
            name: Excerpt::new(name),
        };
        let verdict = verdict(
            Severity::Reject,
            [
                (about("a"), lacks("x")),
                (about("a"), lacks("y\n")),
                (about("a"), Problem::Windows { field: "os.name" }),
            ],
        );
        let lines = [
            "Pod default/a: volume \"x\" is missing",
            "Pod default/a: volume \"y\\n\" is missing; help: re-create the pod while the policy that injects is in place",
            "Pod default/a: spec.os.name: expected linux, found windows: the proxy's images run on Linux only; help: remove annotation azure.workload.identity/inject-proxy-sidecar, and use the Azure SDK's workload identity credential",
        ];
        assert_eq!(verdict.message(), Some(lines.join("\n")));
        assert_eq!(message(&verdict.findings, "; "), lines.join("; "));
    }

    #[test]
    fn a_message_is_at_most_4_kb_long() {
        let long = "\u{1b}".repeat(250);
        for count in [1, 2, 20, 21, 2000] {
            let problems = (0..count).map(|_| {
                let problem = Problem::MountInTheWay {
                    volume: Excerpt::new(&long),
                    path: Excerpt::new(&long),
                    token_directory: Excerpt::new(&long),
                };
                (about(&long), problem)
            });
            let message = verdict(Severity::Reject, problems)
                .message()
                .expect("a message");
            assert!(message.len() <= MESSAGE_LENGTH, "{}", message.len());
            let shown = message.matches("is mounted at").count();
            let left_out = match count - shown {
                0 => String::new(),
                1 => "\n1 more reason is left out".to_owned(),
                more => format!("\n{more} more reasons are left out"),
            };
            assert!(shown > 0 && message.ends_with(&left_out), "{message}");
        }
    }
}
