//! What the policies would do to what runs in a cluster.

use std::path::PathBuf;

use anyhow::{Result, bail};
use json_patch::PatchOperation;
use serde_json::Value;

use super::remarks::MigrationRemarks;
use crate::commands::preview::args::{Detail, ReviewArgs};
use crate::commands::preview::{self, Preview, PreviewOutcome};
use crate::input::manifests::Manifest;
use crate::kubewarden::host_calls::LogSink;

/// The pods in the files `dump`, and that `policies` would change or reject, each with what would happen. Nothing else is
/// ever changed, and pods that are over are left out.
///
/// # Errors
///
/// Files that cannot be read or hold nothing to review, and policies that do not run.
pub fn differences(
    policies: Vec<Manifest>,
    dump: &[PathBuf],
    module: Option<PathBuf>,
    log: Option<LogSink>,
    remarks: &mut MigrationRemarks,
) -> Result<Vec<String>> {
    let args = ReviewArgs {
        made_policies: policies,
        paths: dump.to_vec(),
        ..ReviewArgs::default()
    };
    let mut differences = Vec::new();
    let mut count = 0_usize;
    let said = preview::preview(
        &args,
        &Detail::default(),
        &preview::module(module.as_deref()),
        log,
        |preview| {
            if preview.kind == "Pod" && !preview.is_over() {
                count = count.saturating_add(1);
                differences.extend(difference(&preview));
            }
            Ok(())
        },
    )?;
    if let [first, ..] = said.errors.as_slice() {
        bail!("--dump: {first}");
    }
    let notes = said.notes.into_iter();
    remarks
        .notes
        .extend(notes.map(|note| format!("--dump: {note}")));
    let pods = match count {
        0 => bail!(
            "--dump: expected pods, found none; help: kubectl get pods,serviceaccounts -A -o yaml"
        ),
        1 => "1 pod".to_owned(),
        count => format!("{count} pods"),
    };
    let differing = match differences.len() {
        0 => "all would stay as they are".to_owned(),
        1 => "1 would not stay as it is".to_owned(),
        differing => format!("{differing} would not stay as they are"),
    };
    remarks.notes.push(format!("--dump: {pods}: {differing}"));
    Ok(differences)
}

/// What would happen to an object that would not stay as it is.
fn difference(preview: &Preview) -> Option<String> {
    let title = preview.title();
    match preview.outcome() {
        PreviewOutcome::Unchanged => None,
        PreviewOutcome::Rejected { message, .. } => {
            Some(format!("{title} would be rejected: {message}"))
        }
        PreviewOutcome::Mutated => {
            let patch = preview.patch().unwrap_or_default();
            let changes: Vec<_> = patch.0.iter().map(change).collect();
            Some(format!("{title} would change: {}", changes.join(", ")))
        }
    }
}

/// Where something changes, without values: they may be secret.
fn change(operation: &PatchOperation) -> String {
    let named = |value: &Value| {
        let name = value.get("name").and_then(Value::as_str);
        name.map_or_else(String::new, |name| format!(" ({name})"))
    };
    match operation {
        PatchOperation::Add(add) => format!("add {}{}", add.path, named(&add.value)),
        PatchOperation::Replace(replace) => {
            format!("replace {}{}", replace.path, named(&replace.value))
        }
        other => format!("change {}", other.path()),
    }
}
