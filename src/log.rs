//! What PolicyServer's log says of a mutated or refused request.

use serde::Serialize;

use crate::audit;
use crate::verdict::{Outcome, Verdict};

/// A log line, as the host takes it: level and message, and whatever else there is as data.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Line<'a> {
    level: &'static str,
    message: &'a str,
    verdict: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    kind: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    namespace: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    generate_name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    service_account: Option<&'a str>,
}

/// The log line for a verdict, as JSON; `None` where the object stays as it is.
///
/// # Errors
/// Where it cannot be written as JSON, which strings always can.
pub fn line(verdict: &Verdict<'_>) -> serde_json::Result<Option<Vec<u8>>> {
    let (level, message, outcome) = match &verdict.outcome {
        Outcome::Unchanged => return Ok(None),
        Outcome::Mutated(_) => ("info", "identity injected", "mutated"),
        Outcome::Refused { message, code: 500 } => ("error", &**message, "refused"),
        Outcome::Refused { message, .. } => ("warning", &**message, "refused"),
    };
    let subject = verdict.subject.as_ref();
    let name = |is_generated| {
        let subject = subject.filter(|subject| subject.is_generated == is_generated);
        subject.map(|subject| &*subject.name)
    };
    let service_account = verdict
        .audit_annotations
        .iter()
        .find(|(key, _)| *key == audit::SERVICE_ACCOUNT);
    serde_json::to_vec(&Line {
        level,
        message,
        verdict: outcome,
        kind: subject.map(|subject| subject.kind),
        namespace: subject.map(|subject| &*subject.namespace),
        name: name(false),
        generate_name: name(true),
        service_account: service_account.map(|(_, name)| &**name),
    })
    .map(Some)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lens::{Edited, Edits, Span};
    use crate::message::ObjectName;

    #[track_caller]
    fn logs(verdict: &Verdict<'_>, expected: &str) {
        let line = line(verdict).expect("JSON").expect("a line");
        assert_eq!(String::from_utf8(line).expect("text"), expected);
    }

    #[test]
    fn what_stays_as_it_is_is_not_logged() {
        assert_eq!(line(&Verdict::unchanged()).expect("JSON"), None);
    }

    #[test]
    fn a_mutation_is_information() {
        let span = Span { start: 0, end: 0 };
        let verdict = Verdict {
            subject: Some(ObjectName::generated("Pod", "default", "", "demo-")),
            audit_annotations: vec![(audit::SERVICE_ACCOUNT, "default/fed-sa".to_owned())],
            ..Verdict::new(Outcome::Mutated(Edited::new("", span, Edits::default())))
        };
        logs(
            &verdict,
            r#"{"level":"info","message":"identity injected","verdict":"mutated","kind":"Pod","namespace":"default","generateName":"demo-","serviceAccount":"default/fed-sa"}"#,
        );
    }

    #[test]
    fn a_refusal_is_a_warning_and_bad_settings_are_an_error() {
        let verdict = Verdict {
            subject: Some(ObjectName::new("ServiceAccount", "default", "fed-sa")),
            ..Verdict::reject("no")
        };
        logs(
            &verdict,
            r#"{"level":"warning","message":"no","verdict":"refused","kind":"ServiceAccount","namespace":"default","name":"fed-sa"}"#,
        );
        let message = "bad settings".to_owned();
        logs(
            &Verdict::new(Outcome::Refused { message, code: 500 }),
            r#"{"level":"error","message":"bad settings","verdict":"refused"}"#,
        );
    }
}
