//! What PolicyServer's log says of a mutated or refused request.

use crate::audit;
use crate::lens::Fields;
use crate::verdict::{Outcome, Verdict};

/// The log line for a verdict, as the host takes it: JSON with level and message, and whatever else there is as data;
/// `None` where the object stays as it is.
pub fn line(verdict: &Verdict<'_>) -> Option<Vec<u8>> {
    let (level, message, outcome) = match &verdict.outcome {
        Outcome::Unchanged => return None,
        Outcome::Mutated(_) => ("info", "identity injected", "mutated"),
        Outcome::Refused { message, code: 500 } => ("error", &**message, "refused"),
        Outcome::Refused { message, .. } => ("warning", &**message, "refused"),
    };
    let mut line = Fields::with_capacity(256);
    line.set_string("level", level);
    line.set_string("message", message);
    line.set_string("verdict", outcome);
    if let Some(subject) = &verdict.subject {
        let name_key = if subject.is_generated {
            "generateName"
        } else {
            "name"
        };
        line.set_string("kind", subject.kind);
        line.set_string("namespace", &subject.namespace);
        line.set_string(name_key, &subject.name);
    }
    let mut annotations = verdict.audit_annotations.iter();
    if let Some((_, name)) = annotations.find(|(key, _)| *key == audit::SERVICE_ACCOUNT) {
        line.set_string("serviceAccount", name);
    }
    Some(line.into_object().into_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lens::{Edited, Edits, Span};
    use crate::message::ObjectName;

    #[track_caller]
    fn logs(verdict: &Verdict<'_>, expected: &str) {
        let line = line(verdict).expect("a line");
        assert_eq!(String::from_utf8(line).expect("text"), expected);
    }

    #[test]
    fn what_stays_as_it_is_is_not_logged() {
        assert_eq!(line(&Verdict::unchanged()), None);
    }

    #[test]
    fn a_mutation_is_information() {
        let span = Span { start: 0, end: 0 };
        let verdict = Verdict {
            subject: Some(ObjectName::generated("Pod", "default", "", "demo-")),
            audit_annotations: vec![(audit::SERVICE_ACCOUNT, "default/fed-sa".into())],
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
