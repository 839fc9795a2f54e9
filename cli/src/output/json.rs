//! A preview as JSON, for programs.

use std::collections::BTreeMap;
use std::io::{self, Write};

use json_patch::Patch;
use serde::Serialize;

use crate::commands::preview::{Answer, Kind, Preview, PreviewOutcome, Problem, Reviewed};
use crate::kubewarden::response::Status;

/// What `-o json` prints of one object. Programs rely on it: fields may be added, not changed.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Line<'p> {
    api_version: &'p str,
    kind: &'p str,
    namespace: &'p str,
    name: &'p str,
    file: &'p str,
    document: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    item: Option<usize>,
    line: usize,
    outcome: &'static str,
    /// What would happen if the policy's mode were not `monitor`.
    #[serde(skip_serializing_if = "Option::is_none")]
    monitor: Option<Monitor<'p>>,
    allowed: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<&'p Status>,
    #[serde(skip_serializing_if = "Option::is_none")]
    patch_type: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    patch: Option<Patch>,
    audit_annotations: BTreeMap<&'p str, &'p str>,
    warnings: Vec<&'p str>,
    /// What the policy does not say.
    hints: Vec<&'p str>,
    /// All that there is to know, with places.
    problems: Vec<Placed<'p>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    explanation: Vec<String>,
    /// What happens to each pod, if the object would create several.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pods: Vec<PodOf<'p>>,
}

/// What happens to one of several pods.
#[derive(Serialize)]
struct PodOf<'p> {
    title: &'p str,
    outcome: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<&'p str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    patch: Option<Patch>,
}

impl<'p> PodOf<'p> {
    fn new(reviewed: &'p Reviewed) -> Self {
        let rejection = reviewed.rejection();
        Self {
            title: &reviewed.title,
            outcome: match (rejection, reviewed.is_mutated()) {
                (Some(_), _) => "rejected",
                (None, true) => "mutated",
                (None, false) => "unchanged",
            },
            message: rejection.and_then(|answer| answer.response.message()),
            patch: reviewed.accepted_patch(),
        }
    }
}

/// A problem and its place.
#[derive(Serialize)]
struct Placed<'p> {
    kind: &'static str,
    rule: &'p str,
    #[serde(skip_serializing_if = "Option::is_none")]
    policy: Option<&'p str>,
    file: &'p str,
    line: usize,
    message: &'p str,
}

impl<'p> Placed<'p> {
    fn new(problem: &'p Problem) -> Self {
        Self {
            kind: problem.kind.name(),
            rule: &problem.rule,
            policy: problem.policy.as_deref(),
            file: &problem.place.file,
            line: problem.place.line,
            message: &problem.text,
        }
    }
}

/// What would happen to an object if the policy's mode were not `monitor`.
#[derive(Serialize)]
struct Monitor<'p> {
    outcome: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<&'p str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    patch: Option<Patch>,
}

/// An outcome by its name, and the answer that rejects and why, if it is a rejection.
type Named<'p> = (&'static str, Option<(&'p Answer, &'p str)>);

fn named(outcome: PreviewOutcome<'_>) -> Named<'_> {
    match outcome {
        PreviewOutcome::Mutated => ("mutated", None),
        PreviewOutcome::Unchanged => ("unchanged", None),
        PreviewOutcome::Rejected { answer, message } => ("rejected", Some((answer, message))),
    }
}

/// Writes `preview` as a line of JSON.
///
/// # Errors
///
/// What the output reports.
pub fn write(output: &mut impl Write, preview: &Preview) -> io::Result<()> {
    let (outcome, rejected) = named(preview.outcome());
    let rejected = rejected.map(|(answer, _)| answer);
    let patch = if outcome == "mutated" {
        preview.patch()
    } else {
        None
    };
    let monitor = preview.monitored().map(|monitored| {
        let (outcome, rejected) = named(monitored);
        Monitor {
            outcome,
            message: rejected.map(|(_, message)| message),
            patch: if outcome == "mutated" {
                preview.patch()
            } else {
                None
            },
        }
    });
    let answers = preview.answers();
    let annotations = answers.flat_map(|answer| answer.response.audit_annotations.iter().flatten());
    let texts = |kind| {
        let problems = preview.of_kind(kind);
        problems.map(|problem| problem.text.as_str()).collect()
    };
    let explanations = preview.explanations();
    let explanation = explanations.flat_map(|(policy, steps)| {
        let policy = policy.map_or_else(String::new, |policy| format!("{policy}: "));
        steps.iter().map(move |step| format!("{policy}{step}"))
    });
    let line = Line {
        api_version: &preview.api_version,
        kind: &preview.kind,
        namespace: &preview.namespace,
        name: &preview.name,
        file: &preview.origin.file,
        document: preview.origin.document,
        item: preview.origin.item,
        line: preview.line,
        outcome,
        monitor,
        allowed: rejected.is_none(),
        status: rejected.and_then(|answer| answer.response.status.as_ref()),
        patch_type: patch.is_some().then_some("JSONPatch"),
        patch,
        audit_annotations: annotations
            .map(|(key, value)| (key.as_str(), value.as_str()))
            .collect(),
        warnings: texts(Kind::Warning),
        hints: texts(Kind::Hint),
        problems: preview.problems.iter().map(Placed::new).collect(),
        explanation: explanation.collect(),
        pods: preview.several_pods().iter().map(PodOf::new).collect(),
    };
    let line = escaped(&serde_json::to_string(&line)?);
    writeln!(output, "{line}")
}

/// JSON without the control characters that JSON allows in strings, which a terminal would obey.
pub fn escaped(json: &str) -> String {
    let mut escaped = String::with_capacity(json.len());
    for character in json.chars() {
        // No string has a line break as it is.
        if character.is_control() && character != '\n' {
            escaped.push_str(&format!("\\u{:04x}", u32::from(character)));
        } else {
            escaped.push(character);
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_has_no_control_characters() {
        let text = "a\u{1b}\u{7f}\u{9b}ü\u{1f600}";
        let json = escaped(&serde_json::to_string(text).unwrap());
        assert_eq!(json, "\"a\\u001b\\u007f\\u009bü\u{1f600}\"");
        assert_eq!(serde_json::from_str::<String>(&json).unwrap(), text);
    }
}
