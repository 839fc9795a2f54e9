//! Every vector of `test_data/vectors`, natively. The program's test of that name tests the same on the built module.

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

mod vector_files;

use std::fs;
use std::path::Path;

use azure_workload_identity_policy::identity::kubernetes_api::KubernetesApi;
use azure_workload_identity_policy::review::review;
use azure_workload_identity_policy::settings::Freshness;
use azure_workload_identity_policy::verdict::Outcome as Decided;
use regex::Regex;
use serde_json::{Value, json};

use vector_files::{Outcome, Response, Vector};

/// The cluster around a vector.
struct Cluster<'a>(&'a Vector);

impl KubernetesApi for Cluster<'_> {
    fn service_account(
        &self,
        namespace: &str,
        name: &str,
        _: Freshness,
    ) -> Result<Vec<u8>, String> {
        let metadata = &self.0.service_account["metadata"];
        if metadata["name"] == name && metadata["namespace"] == namespace {
            Ok(self.0.service_account.to_string().into_bytes())
        } else {
            Err(format!(
                "Cannot find v1/ServiceAccount named '{name}' inside of namespace 'Some({namespace:?})'"
            ))
        }
    }

    fn can_i(&self, _: &str) -> Result<Vec<u8>, String> {
        self.0.permission()
    }
}

fn response(vector: &Vector, request: &Value) -> Response {
    let payload = json!({"request": request, "settings": vector.settings}).to_string();
    let cluster = Cluster(vector);
    let verdict = review(payload.as_bytes(), &cluster, &mut ());
    let outcome = match (&verdict.outcome, verdict.message()) {
        (Decided::Unchanged, None) => Outcome::Unchanged,
        (Decided::Mutated(edited), None) => {
            let mut json = Vec::new();
            edited.write_to(&mut json);
            Outcome::Mutated(serde_json::from_slice(&json).expect("JSON"))
        }
        (Decided::Rejected, Some(message)) => Outcome::Rejected {
            code: verdict.code(),
            message,
        },
        (outcome, message) => panic!("{outcome:?} with the message {message:?}"),
    };
    let annotations = verdict.audit_annotations.iter();
    Response {
        outcome,
        warnings: verdict.warnings(),
        audit: Some(
            annotations
                .map(|(key, text)| ((*key).to_owned(), text.to_string()))
                .collect(),
        ),
    }
}

#[test]
fn every_vector_comes_out_as_expected() {
    vector_files::check(response);
}

/// Whoever looks for a message in docs/messages.md finds a heading that has its words, with anything for each `…`.
#[test]
fn every_message_has_a_heading_in_the_page_of_messages() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/messages.md");
    let page = fs::read_to_string(page).expect("docs/messages.md");
    let headings: Vec<_> = page
        .lines()
        .filter_map(|line| line.strip_prefix("### `")?.strip_suffix('`'))
        .map(|words| Regex::new(&regex::escape(words).replace(" … ", ".*")).expect("a pattern"))
        .collect();
    let mut lines = 0;
    for vector in vector_files::all() {
        let mut messages = vector.expected.warnings;
        if let Outcome::Rejected { message, .. } = vector.expected.outcome {
            messages.push(message);
        }
        for line in messages.iter().flat_map(|message| message.lines()) {
            // The top of the page is about these.
            if line.ends_with("left out") {
                continue;
            }
            lines += 1;
            let is_found = headings.iter().any(|words| words.is_match(line));
            assert!(is_found, "{}: {line}", vector.name);
        }
    }
    assert!(lines > 50, "{lines} lines");
}

#[test]
fn the_examples_of_the_readme_are_vectors() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("test_data/vectors");
    let read = |file: &str| fs::read_to_string(root.join(file)).expect(file);
    let readme = read("README.md");
    let mut examples = readme.split("```yaml\n").skip(1);
    let files = ["validation/workloads.yaml", "layouts/v1.5.yaml"];
    for file in files {
        let (example, _) = examples
            .next()
            .and_then(|rest| rest.split_once("```"))
            .expect("an example");
        assert!(read(file).contains(example), "{file} has another vector");
    }
    assert_eq!(examples.next(), None);
}
