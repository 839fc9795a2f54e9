//! A preview as JSON, YAML and patches, for programs.

use std::collections::BTreeMap;
use std::io::{self, Write};

use json_patch::Patch;
use serde::Serialize;
use serde_json::Value;

use super::colours::{ERROR, HINT, WARNING};
use crate::commands::preview::{Preview, PreviewOutcome, Reviewed};
use crate::kubewarden::response::{self, Status};
use crate::text::printable;

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
    #[serde(skip_serializing_if = "Vec::is_empty")]
    explanation: Vec<String>,
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

/// An outcome by its name, and what was rejected and why, if it is a rejection.
type Named<'p> = (&'static str, Option<(&'p Reviewed, &'p str)>);

fn named(outcome: PreviewOutcome<'_>) -> Named<'_> {
    match outcome {
        PreviewOutcome::Mutated => ("mutated", None),
        PreviewOutcome::Unchanged => ("unchanged", None),
        PreviewOutcome::Rejected { reviewed, message } => ("rejected", Some((reviewed, message))),
    }
}

/// Writes `preview` as a line of JSON.
pub fn write_json(output: &mut impl Write, preview: &Preview) -> io::Result<()> {
    let (outcome, rejected) = named(preview.outcome());
    let rejected = rejected.map(|(reviewed, _)| reviewed);
    let patch = if outcome == "mutated" {
        patch(preview)
    } else {
        None
    };
    let monitor = preview.monitored().map(|monitored| {
        let (outcome, rejected) = named(monitored);
        Monitor {
            outcome,
            message: rejected.map(|(_, message)| message),
            patch: if outcome == "mutated" {
                self::patch(preview)
            } else {
                None
            },
        }
    });
    let annotations = preview
        .reviews
        .iter()
        .flat_map(|reviewed| reviewed.response.audit_annotations.iter().flatten());
    let line = Line {
        api_version: &preview.api_version,
        kind: &preview.kind,
        namespace: &preview.namespace,
        name: &preview.name,
        file: &preview.origin.file,
        document: preview.origin.document,
        item: preview.origin.item,
        outcome,
        monitor,
        allowed: rejected.is_none(),
        status: rejected.and_then(|reviewed| reviewed.response.status.as_ref()),
        patch_type: patch.is_some().then_some("JSONPatch"),
        patch,
        audit_annotations: annotations
            .map(|(key, value)| (key.as_str(), value.as_str()))
            .collect(),
        warnings: preview.warnings(),
        hints: preview.hints(),
        explanation: preview.steps().map(ToString::to_string).collect(),
    };
    let line = serde_json::to_string(&line)?;
    writeln!(output, "{line}")
}

/// Writes the pod that `preview` is about, as it would be created, as a YAML document; nothing if it would not be.
pub fn write_yaml(output: &mut impl Write, preview: &Preview) -> io::Result<()> {
    let Some(pod) = accepted_pod(preview) else {
        return Ok(());
    };
    let pod = yaml_serde::to_string(pod).map_err(io::Error::other)?;
    let title = printable(&preview.title()).replace('\n', " ");
    let origin = printable(&preview.origin.to_string()).replace('\n', " ");
    write!(output, "---\n# {title} ({origin})\n{pod}")
}

/// Writes the patch of the pod that `preview` is about, as a line of JSON; an empty one if nothing is changed.
pub fn write_patch(output: &mut impl Write, preview: &Preview) -> io::Result<()> {
    let patch = if preview.outcome() == PreviewOutcome::Mutated {
        patch(preview)
    } else {
        None
    };
    let line = serde_json::to_string(&patch.unwrap_or_default())?;
    writeln!(output, "{line}")
}

/// Writes the reasons of the rejection, the warnings and the hints, a line each.
pub fn write_problems(problems: &mut impl Write, preview: &Preview) -> io::Result<()> {
    let place = printable(&format!("{} ({})", preview.title(), preview.origin));
    if let PreviewOutcome::Rejected { message, .. } = preview.outcome() {
        for reason in printable(message).lines() {
            writeln!(problems, "{ERROR}rejected{ERROR:#}: {place}: {reason}")?;
        }
    }
    for line in preview.held_back() {
        let line = printable(&line);
        writeln!(problems, "{WARNING}monitor{WARNING:#}: {place}: {line}")?;
    }
    for warning in preview.warnings() {
        let warning = printable(warning);
        writeln!(problems, "{WARNING}warning{WARNING:#}: {place}: {warning}")?;
    }
    for hint in preview.hints() {
        let hint = printable(hint);
        writeln!(problems, "{HINT}hint{HINT:#}: {place}: {hint}")?;
    }
    Ok(())
}

fn patch(preview: &Preview) -> Option<Patch> {
    let reviewed = preview.mutated()?;
    let mutated = reviewed.mutated.as_ref()?;
    Some(response::diff(&reviewed.object, mutated))
}

fn accepted_pod(preview: &Preview) -> Option<&Value> {
    let last = preview.reviews.last()?;
    let is_pod = last.object.get("kind").is_some_and(|kind| kind == "Pod");
    let is_mutated = preview.outcome() == PreviewOutcome::Mutated;
    let mutated = last.mutated.as_ref().filter(|_| is_mutated);
    (is_pod && last.response.allowed).then(|| mutated.unwrap_or(&last.object))
}
