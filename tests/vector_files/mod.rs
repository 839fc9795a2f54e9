//! The vectors of `test_data/vectors`: requests and their expected responses. The README there describes how they are
//! written.

#![allow(
    dead_code,
    reason = "each crate that includes this needs another part of it"
)]

mod webhook;
mod yaml;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

/// A request, everything that its response depends on, and the response.
#[derive(Clone, Debug)]
pub struct Vector {
    /// The file that it is from, relative to `test_data/vectors`.
    pub file: String,
    /// Its name, which no other vector has.
    pub name: String,
    /// The policy's settings.
    pub settings: Value,
    /// The only ServiceAccount of the cluster; null if there is none.
    pub service_account: Value,
    /// The answer to each question for a permission: a SubjectAccessReviewStatus, or the text of an error.
    pub permission: Value,
    /// The AdmissionRequest.
    pub request: Value,
    /// What is expected.
    pub expected: Response,
}

/// The outcome of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Response {
    /// What happens to the object.
    pub outcome: Outcome,
    /// The warnings.
    pub warnings: Vec<String>,
    /// The audit annotations. The webhook has none, so `None` is equal to any.
    pub audit: Option<BTreeMap<String, String>>,
}

/// What happens to the object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It is accepted as it is.
    Unchanged,
    /// It is accepted like this.
    Mutated(Value),
    /// It is rejected.
    Rejected {
        /// The HTTP status.
        code: u16,
        /// Why.
        message: String,
    },
}

impl Response {
    fn is_as_expected(&self, expected: &Self) -> bool {
        let has_audit = expected.audit.is_none() || self.audit == expected.audit;
        has_audit && self.outcome == expected.outcome && self.warnings == expected.warnings
    }
}

impl Vector {
    /// The host's answer to a question for a permission.
    pub fn permission(&self) -> Result<Vec<u8>, String> {
        match &self.permission {
            Value::String(error) => Err(error.clone()),
            status => Ok(status.to_string().into_bytes()),
        }
    }
}

/// The vectors of all files.
pub fn all() -> Vec<Vector> {
    let mut vectors = yaml::vectors();
    vectors.extend(webhook::vectors());
    let mut names = BTreeSet::new();
    for Vector { name, .. } in &vectors {
        assert!(names.insert(name), "{name}: two vectors have this name");
    }
    vectors
}

/// Compares the outcome of `review` for each vector's request with the expected one. Reviewed again, a mutated object must
/// stay as it is.
pub fn check(review: impl Fn(&Vector, &Value) -> Response) {
    let mut failures = Vec::new();
    for vector in all() {
        let found = review(&vector, &vector.request);
        if !found.is_as_expected(&vector.expected) {
            failures.push(format!(
                "{}: {}:\n  expected {:?}\n  found    {found:?}",
                vector.file, vector.name, vector.expected
            ));
        } else if let Outcome::Mutated(object) = found.outcome {
            let mut again = vector.request.clone();
            again["object"] = object;
            let found = review(&vector, &again);
            if found.outcome != Outcome::Unchanged {
                failures.push(format!(
                    "{}: {}: a second run is not without changes: {found:?}",
                    vector.file, vector.name
                ));
            }
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

fn directory() -> PathBuf {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut roots = package.ancestors();
    roots
        .find_map(|root| Some(root.join("test_data/vectors")).filter(|path| path.is_dir()))
        .expect("test_data/vectors")
}

fn read(file: &Path) -> String {
    fs::read_to_string(file).unwrap_or_else(|error| panic!("{}: {error}", file.display()))
}
