//! What the repository publishes beside the code says the same as the code: examples, forms, schema, package, links.

#![allow(
    clippy::arithmetic_side_effects,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::string_slice,
    clippy::unreachable,
    clippy::unwrap_used,
    reason = "a test fails by panicking"
)]

#[path = "repository/chart.rs"]
mod chart;
#[cfg(unix)]
#[path = "repository/ci.rs"]
mod ci;
#[path = "repository/errors.rs"]
mod errors;
#[path = "repository/examples.rs"]
mod examples;
#[path = "repository/links.rs"]
mod links;
mod module;
#[path = "repository/monitoring.rs"]
mod monitoring;
#[path = "repository/package.rs"]
mod package;
#[cfg(unix)]
#[path = "repository/release.rs"]
mod release;
#[path = "repository/settings.rs"]
mod settings;
#[path = "repository/site.rs"]
mod site;

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

/// The directory of the repository.
fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// The text of a file of the repository.
#[track_caller]
fn text(file: &str) -> String {
    fs::read_to_string(root().join(file)).unwrap_or_else(|error| panic!("{file}: {error}"))
}

/// A YAML or JSON file of the repository.
#[track_caller]
fn document(file: &str) -> Value {
    yaml_serde::from_str(&text(file)).unwrap_or_else(|error| panic!("{file}: {error}"))
}

/// The files of the repository below `directory` whose name ends with `extension`, relative to the root.
fn files(directory: &str, extension: &str) -> Vec<String> {
    // What is built or downloaded is not part of the repository.
    const OTHERS: [&str; 3] = ["target", ".git", "node_modules"];
    let mut found = Vec::new();
    let mut directories = vec![PathBuf::from(directory)];
    while let Some(directory) = directories.pop() {
        for entry in fs::read_dir(root().join(&directory)).expect("a directory") {
            let entry = entry.expect("a directory entry");
            let name = entry.file_name().into_string().expect("a name in UTF-8");
            let path = directory.join(&name);
            if entry.file_type().expect("a type").is_dir() {
                if !OTHERS.contains(&name.as_str()) {
                    directories.push(path);
                }
            } else if name.ends_with(extension) {
                found.push(path.to_str().expect("a path in UTF-8").to_owned());
            }
        }
    }
    found.sort();
    found
}
