//! The policy's answer, and its form on the wire.

use crate::audit::Annotation;
use crate::lens::{Edited, Fields};
use crate::message::ObjectName;

/// The answer to an admission request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict<'a> {
    /// What becomes of the object.
    pub outcome: Outcome<'a>,
    /// Texts for the user who sent the request.
    pub warnings: Vec<String>,
    /// Texts for the API server's audit log, by key; empty where the object stays as it is.
    pub audit_annotations: Vec<Annotation>,
    /// The object, once it is known.
    pub subject: Option<ObjectName>,
}

/// What becomes of an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome<'a> {
    /// It is accepted as it is.
    Unchanged,
    /// It is accepted with these changes.
    Mutated(Edited<'a>),
    /// It is refused.
    Refused {
        /// Why, and what to do about it.
        message: String,
        /// HTTP status for the user: 400 where the object is at fault, 500 where the policy's own settings are.
        code: u16,
    },
}

/// Longest warning that Kubernetes is sure to pass on, in bytes.
const WARNING_LENGTH: usize = 256;

/// Most warnings in one answer; more are counted.
pub const WARNINGS: usize = 10;

impl<'a> Verdict<'a> {
    /// Acceptance of an object that stays as it is, with nothing to say.
    pub fn unchanged() -> Self {
        Self::new(Outcome::Unchanged)
    }

    /// Refusal of an object that is at fault.
    pub fn reject(message: impl Into<String>) -> Self {
        Self::new(Outcome::Refused {
            message: message.into(),
            code: 400,
        })
    }

    /// An outcome with nothing beside it.
    pub fn new(outcome: Outcome<'a>) -> Self {
        Self {
            outcome,
            warnings: Vec::new(),
            audit_annotations: Vec::new(),
            subject: None,
        }
    }

    /// Whether the object is refused.
    pub fn is_refusal(&self) -> bool {
        matches!(self.outcome, Outcome::Refused { .. })
    }

    /// The JSON that the host takes, a `ValidationResponse` of the policy SDK.
    pub fn to_json(&self) -> Vec<u8> {
        // Room for what most verdicts say.
        let mut response = Fields::with_capacity(512);
        response.set_bool("accepted", !self.is_refusal());
        if let Outcome::Refused { message, code } = &self.outcome {
            response.set_string("message", message);
            response.set_json("code", &code.to_string());
        }
        if !self.audit_annotations.is_empty() {
            let texts = self.audit_annotations.iter();
            response.set_texts(
                "audit_annotations",
                texts.map(|(key, text)| (*key, &**text)),
            );
        }
        if !self.warnings.is_empty() {
            response.set_strings("warnings", &within_limits(&self.warnings));
        }
        match &self.outcome {
            Outcome::Mutated(object) => response.into_object_with("mutated_object", object),
            Outcome::Unchanged | Outcome::Refused { .. } => response.into_object().into_bytes(),
        }
    }
}

/// The warnings as Kubernetes passes them on: not too many, none too long.
fn within_limits(warnings: &[String]) -> Vec<String> {
    let mut kept: Vec<_> = warnings
        .iter()
        .take(WARNINGS)
        .map(|warning| cut(warning))
        .collect();
    let more = warnings.len().saturating_sub(WARNINGS);
    if more > 0 {
        kept.push(format!("{more} more warnings of this policy are left out"));
    }
    kept
}

fn cut(warning: &str) -> String {
    if warning.len() <= WARNING_LENGTH {
        return warning.to_owned();
    }
    let end = warning.floor_char_boundary(WARNING_LENGTH.saturating_sub(3));
    format!("{}...", warning.get(..end).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lens::{Edits, Span};

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
            &Verdict::reject("no \"x\""),
            r#"{"accepted":false,"message":"no \"x\"","code":400}"#,
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
            warnings: vec!["w".to_owned()],
            audit_annotations: vec![("client-id", "a".into()), ("injected", "b".into())],
            ..Verdict::new(Outcome::Mutated(edited))
        };
        wire(
            &verdict,
            r#"{"accepted":true,"audit_annotations":{"client-id":"a","injected":"b"},"warnings":["w"],"mutated_object":{ "a" :1.0}}"#,
        );
    }

    #[test]
    fn warnings_are_cut_and_counted() {
        let mut warnings = vec!["é".repeat(200)];
        warnings.extend((0..12).map(|number| number.to_string()));
        let kept = within_limits(&warnings);
        assert_eq!(kept.len(), 11);
        assert_eq!(kept[0], format!("{}...", "é".repeat(126)));
        assert_eq!(kept[9], "8");
        assert_eq!(kept[10], "3 more warnings of this policy are left out");
        assert_eq!(within_limits(&["x".repeat(256)]), ["x".repeat(256)]);
    }
}
