//! What PolicyServer's log says of a mutated or rejected request.

use super::{Outcome, Verdict, audit, message};
use crate::json::Fields;

/// The log line for a verdict, as the host takes it: JSON with level and message, and the rest as data; `None` if the
/// object is accepted as it is.
///
/// The message is one line: PolicyServer's log format `text` writes line feeds as they are.
pub fn line(verdict: &Verdict<'_>) -> Option<Vec<u8>> {
    let (level, outcome) = match &verdict.outcome {
        Outcome::Unchanged => return None,
        Outcome::Mutated(_) => ("info", "mutated"),
        Outcome::Rejected if verdict.code() == 500 => ("error", "rejected"),
        Outcome::Rejected => ("warning", "rejected"),
    };
    let mut line = Fields::with_capacity(256);
    line.set_string("level", level);
    if verdict.is_rejection() {
        line.set_string("message", &message(&verdict.findings, "; "));
    } else {
        line.set_string("message", "identity injected");
    }
    line.set_string("verdict", outcome);
    if let Some(object) = &verdict.object {
        let name_key = if object.is_generated {
            "generateName"
        } else {
            "name"
        };
        line.set_string("kind", &object.kind);
        line.set_string("namespace", &object.namespace.text());
        line.set_string(name_key, &object.name.text());
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
    use crate::findings::{About, Findings, PodName, Problem};
    use crate::json::{Edited, Edits, Fault, Span};
    use crate::messages::ObjectName;

    #[track_caller]
    fn logs(verdict: &Verdict<'_>, expected: &str) {
        let line = line(verdict).expect("a line");
        assert_eq!(String::from_utf8(line).expect("text"), expected);
    }

    fn rejection(about: About, count: usize) -> Verdict<'static> {
        let mut findings = Findings::default();
        for _ in 0..count {
            findings.reject(&about, Problem::Shape(Fault::new("x", "y")));
        }
        Verdict {
            object: about.object().cloned(),
            ..Verdict::of(findings)
        }
    }

    #[test]
    fn what_stays_as_it_is_is_not_logged() {
        assert_eq!(line(&Verdict::unchanged()), None);
    }

    #[test]
    fn a_mutation_is_information() {
        let span = Span { start: 0, end: 0 };
        let verdict = Verdict {
            outcome: Outcome::Mutated(Edited::new("", span, Edits::default())),
            object: Some(ObjectName::generated("Pod", "default", "", "demo-")),
            audit_annotations: vec![(audit::SERVICE_ACCOUNT, "default/fed-sa".into())],
            ..Verdict::unchanged()
        };
        logs(
            &verdict,
            r#"{"level":"info","message":"identity injected","verdict":"mutated","kind":"Pod","namespace":"default","generateName":"demo-","serviceAccount":"default/fed-sa"}"#,
        );
    }

    #[test]
    fn a_rejection_is_a_warning_and_bad_settings_are_an_error() {
        let object = ObjectName::new("ServiceAccount", "default", "fed-sa");
        logs(
            &rejection(About::ServiceAccount(object), 1),
            r#"{"level":"warning","message":"ServiceAccount default/fed-sa: expected x, found y","verdict":"rejected","kind":"ServiceAccount","namespace":"default","name":"fed-sa"}"#,
        );
        logs(
            &rejection(About::Settings, 1),
            r#"{"level":"error","message":"settings: expected x, found y","verdict":"rejected"}"#,
        );
    }

    #[test]
    fn a_line_has_no_line_feed_whoever_wants_one() {
        let pod = PodName {
            object: ObjectName::new("Pod", "default", "x\n2026-11-25 INFO forged"),
            template: None,
        };
        let name = r#"Pod default/\"x\\n2026-11-25 INFO forged\": spec: expected x, found y"#;
        let expected = [
            r#"{"level":"warning","message":""#,
            name,
            "; ",
            name,
            r#"","verdict":"rejected","kind":"Pod","namespace":"default","name":"x\\n2026-11-25 INFO forged"}"#,
        ];
        logs(&rejection(About::Pod(pod), 2), &expected.concat());
    }
}
