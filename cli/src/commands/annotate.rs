//! `azwi-policy annotate`: writes a policy's metadata into its module, as `kwctl annotate` does.

use std::collections::BTreeSet;
use std::path::PathBuf;

use anyhow::{Context, Result};
use clap::Args;

use crate::kubewarden::engine::{Engine, Module};
use crate::kubewarden::host_calls::{Answers, HostCalls};
use crate::kubewarden::policy;
use crate::kubewarden::policy_metadata::{self, PolicyMetadata};
use crate::kubewarden::sections;

/// The arguments of `azwi-policy annotate`.
#[derive(Debug, Args)]
#[command(after_help = "Example:
  azwi-policy annotate -m policy-metadata.yml -u README.md -o annotated-policy.wasm policy.wasm")]
pub struct AnnotateArgs {
    /// The YAML file with the metadata.
    #[arg(short, long, value_name = "FILE")]
    pub metadata_path: PathBuf,
    /// The file that says how the policy is used, usually its README.
    #[arg(short, long, value_name = "FILE")]
    pub usage_path: Option<PathBuf>,
    /// The file to write the annotated module to.
    #[arg(short, long, value_name = "FILE")]
    pub output_path: PathBuf,
    /// The module to annotate.
    #[arg(value_name = "MODULE")]
    pub module: PathBuf,
}

/// Writes the annotated module, and gives the warnings back that the user should see.
///
/// # Errors
///
/// Files that cannot be read or written, metadata that Kubewarden would not accept, a module that is not a policy.
pub fn annotate(args: &AnnotateArgs) -> Result<Vec<String>> {
    let file = |path: &PathBuf| path.display().to_string();
    let text = |path: &PathBuf| {
        std::fs::read_to_string(path).with_context(|| format!("cannot read {}", file(path)))
    };
    let module = std::fs::read(&args.module)
        .with_context(|| format!("cannot read the module {}", file(&args.module)))?;
    let mut metadata = PolicyMetadata::from_yaml(&text(&args.metadata_path)?)
        .with_context(|| file(&args.metadata_path))?;
    let usage = args.usage_path.as_ref().map(text).transpose()?;

    metadata
        .validate()
        .with_context(|| file(&args.metadata_path))?;
    metadata.protocol_version =
        Some(protocol_version(&module).with_context(|| file(&args.module))?);
    let annotations = metadata.annotations.get_or_insert_default();
    annotations.insert(
        policy_metadata::TOOL_VERSION.to_owned(),
        env!("CARGO_PKG_VERSION").to_owned(),
    );
    if let Some(usage) = usage {
        annotations.insert(policy_metadata::USAGE.to_owned(), usage);
    }

    let used = policy_metadata::used_capabilities(&module)?;
    let annotated = sections::with_custom_section(
        &module,
        policy_metadata::SECTION,
        &serde_json::to_vec(&metadata)?,
    )?;
    std::fs::write(&args.output_path, annotated)
        .with_context(|| format!("cannot write {}", file(&args.output_path)))?;
    Ok(capability_warnings(
        &used,
        &metadata.host_capabilities.unwrap_or_default(),
    ))
}

fn protocol_version(module: &[u8]) -> Result<String> {
    let module = Module::from_bytes(&Engine::new()?, module)?;
    Ok(policy::protocol_version(
        &module,
        HostCalls::new(Answers::NoCluster),
    )?)
}

fn capability_warnings(used: &BTreeSet<String>, declared: &BTreeSet<String>) -> Vec<String> {
    let listed = |some: &BTreeSet<String>, others: &BTreeSet<String>| {
        some.difference(others)
            .cloned()
            .collect::<Vec<_>>()
            .join(", ")
    };
    [
        (
            listed(used, declared),
            "used by the module and not listed in hostCapabilities",
        ),
        (
            listed(declared, used),
            "listed in hostCapabilities and not found in the module",
        ),
    ]
    .into_iter()
    .filter(|(capabilities, _)| !capabilities.is_empty())
    .map(|(capabilities, problem)| format!("{problem}: {capabilities}"))
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn warns_of_capabilities_that_differ() {
        let set = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        for (used, declared, expected) in [
            (&["a"][..], &["a"][..], &[][..]),
            (
                &["a", "b"],
                &[],
                &["used by the module and not listed in hostCapabilities: a, b"],
            ),
            (
                &["a"],
                &["b"],
                &[
                    "used by the module and not listed in hostCapabilities: a",
                    "listed in hostCapabilities and not found in the module: b",
                ],
            ),
        ] {
            assert_eq!(capability_warnings(&set(used), &set(declared)), expected);
        }
    }
}
