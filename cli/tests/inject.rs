//! `azwi-policy inject` on manifests that are written in all sorts of ways.

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

#[path = "../../tests/generators/mod.rs"]
mod generators;
mod hand;
#[path = "../../tests/strategies/mod.rs"]
mod strategies;

use std::fs;
use std::path::Path;

use arbitrary::Unstructured;
use azure_workload_identity_policy::settings::Settings;
use azwi_policy::commands::inject::{self, InjectArgs, Injected};
use azwi_policy::commands::preview::args::{Detail, ReviewArgs};
use azwi_policy::commands::preview::{self, PreviewOutcome};
use azwi_policy::input::manifests;
use proptest::{collection::vec, prelude::*};
use serde_json::{Value, json};

use generators::Case;

/// Cases of each property, unless `PROPTEST_CASES` says otherwise.
const CASES: u32 = 24;

/// The arguments that review a file with settings.
fn arguments(file: &Path, settings: &Value) -> InjectArgs {
    let module = concat!(env!("CARGO_MANIFEST_DIR"), "/../annotated-policy.wasm");
    let mut review = ReviewArgs {
        module: Some(module.into()),
        paths: vec![file.to_owned()],
        ..ReviewArgs::default()
    };
    review.settings.settings_json = Some(settings.to_string());
    InjectArgs {
        in_place: false,
        check: false,
        diff: false,
        review,
    }
}

fn inject(file: &Path, settings: &Value) -> Injected {
    let injected = inject::inject(&arguments(file, settings), None).unwrap();
    assert_eq!(injected.remarks.errors, Vec::<String>::new());
    injected
}

/// The objects that would be changed.
fn mutated(file: &Path, settings: &Value) -> Vec<String> {
    let review = arguments(file, settings).review;
    let mut mutated = Vec::new();
    preview::preview(
        &review,
        &Detail::default(),
        &preview::module(review.module.as_deref()),
        None,
        |preview| {
            if preview.outcome() == PreviewOutcome::Mutated {
                mutated.push(format!("{} ({})", preview.title(), preview.origin));
            }
            Ok(())
        },
    )
    .unwrap();
    mutated
}

/// Asserts that nothing was taken away or came to be another value; lists only get longer.
fn only_adds(before: &Value, after: &Value, path: &str) {
    match (before, after) {
        (Value::Object(before), Value::Object(after)) => {
            for (key, value) in before {
                let found = after.get(key);
                let found = found.unwrap_or_else(|| panic!("{path}.{key} is gone"));
                only_adds(value, found, &format!("{path}.{key}"));
            }
        }
        (Value::Array(before), Value::Array(after)) if before.len() == after.len() => {
            for (index, (before, after)) in before.iter().zip(after).enumerate() {
                only_adds(before, after, &format!("{path}[{index}]"));
            }
        }
        (Value::Array(before), Value::Array(after)) => {
            let mut after = after.iter();
            for (index, item) in before.iter().enumerate() {
                let is_same = |other: &&Value| match item.get("name") {
                    Some(name) => {
                        other.get("name") == Some(name)
                            && other.get("mountPath") == item.get("mountPath")
                    }
                    None => *other == item,
                };
                let found = after.find(is_same);
                let found = found.unwrap_or_else(|| panic!("{path}[{index}] is gone"));
                only_adds(item, found, &format!("{path}[{index}]"));
            }
        }
        (Value::Null, _) => {}
        _ => assert_eq!(before, after, "{path}"),
    }
}

/// The values of the documents in a text.
fn values(text: &str) -> Vec<Value> {
    let documents = manifests::documents_of("f.yaml", &text.into()).unwrap();
    documents.into_iter().map(|written| written.value).collect()
}

/// Asserts of an injection into a text that it is right, and gives back what it is then, and which objects were changed.
fn injected(text: &str, settings: &Value) -> (String, Vec<String>) {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("f.yaml");
    fs::write(&file, text).unwrap();
    let expected = mutated(&file, settings);
    let first = inject(&file, settings);
    let after = first.stream().unwrap();
    assert_eq!(first.objects, expected, "{:?}\n{text}", first.refused);
    let (old, new) = (values(text), values(&after));
    assert_eq!(old.len(), new.len());
    for (index, (old, new)) in old.iter().zip(&new).enumerate() {
        only_adds(old, new, &format!("document {index}"));
    }
    fs::write(&file, &after).unwrap();
    assert_eq!(mutated(&file, settings), Vec::<String>::new(), "{after}");
    assert_eq!(inject(&file, settings).stream().unwrap(), after);
    (after, expected)
}

/// Asserts that each line is still there, in this order, but for those whose value is nothing, which goes for something.
fn keeps_lines(before: &str, after: &str) {
    let mut lines = after.lines();
    let is_nothing = |line: &&str| {
        let value = line.split(" #").next().unwrap_or_default();
        [": null", ": []", ": {}"]
            .iter()
            .any(|nothing| value.ends_with(nothing))
    };
    for line in before.lines().filter(|line| !is_nothing(line)) {
        assert!(lines.any(|other| other == line), "{line}\n{after}");
    }
}

/// Objects with the pod of a case in them.
fn objects(case: &Case) -> Vec<Value> {
    let pod = case.object();
    let mut metadata = pod["metadata"].clone();
    let fields = metadata.as_object_mut().unwrap();
    fields.retain(|field, _| ["labels", "annotations"].contains(&field.as_str()));
    let template = match fields.is_empty() {
        true => json!({"spec": pod["spec"]}),
        false => json!({"metadata": metadata, "spec": pod["spec"]}),
    };
    let named = |name: &str| json!({"name": name, "namespace": "default"});
    let deployment = json!({
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": named("a"), "spec": {"template": template},
    });
    let cron_job = json!({
        "apiVersion": "batch/v1", "kind": "CronJob", "metadata": named("b"),
        "spec": {"jobTemplate": {"spec": {"template": template}}, "schedule": "* * * * *"},
    });
    let mut account = case.service_account.clone().unwrap();
    account["apiVersion"] = "v1".into();
    account["kind"] = "ServiceAccount".into();
    account["metadata"]["namespace"] = "default".into();
    let list = json!({"apiVersion": "v1", "kind": "List", "items": [cron_job, account]});
    vec![
        deployment,
        list,
        json!({"values": [1, {"kind": "no object"}]}),
    ]
}

/// Settings without those that ask the cluster, and whose names depend on pods, which are refused.
fn settings(case: &Case) -> Value {
    let mut settings = case.settings.clone();
    let fields = settings.as_object_mut().unwrap();
    fields.remove("allowedIdentities");
    fields.remove("authorization");
    fields.remove("handOver");
    fields.remove("mode");
    if fields
        .get("layout")
        .is_some_and(|layout| layout.as_str().unwrap_or_default() > "v1.5")
    {
        fields.remove("layout");
    }
    settings
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..strategies::config(CASES) })]

    #[test]
    fn whatever_the_style_only_what_lacks_is_added(case in strategies::pods(), bytes in vec(any::<u8>(), 0..600)) {
        prop_assume!(Settings::validate(&settings(&case).to_string()).is_ok());
        let mut u = Unstructured::new(&bytes);
        let text = hand::written(&objects(&case), &mut u).unwrap();
        // YAML has an end for what may be a key.
        prop_assume!(manifests::documents_of("f.yaml", &text.as_str().into()).is_ok());
        prop_assert_eq!(values(&text), objects(&case), "{}", text);
        let (after, _) = injected(&text, &settings(&case));
        if !text.contains(hand::BRACKETS) {
            keeps_lines(&text, &after);
        }
    }
}

#[test]
fn the_examples_only_get_lines_and_comments_stay() {
    let root = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."));
    let settings = json!({"azureTenantID": "contoso.com"});
    let mut count = 0;
    for file in [
        "examples/quick-start/workload.yaml",
        "examples/january-2022/workload.yaml",
        "examples/identities/workloads.yaml",
        "test_data/preview/manifests/deployment.yaml",
        "test_data/preview/manifests/statefulset.yaml",
        "test_data/preview/yaml/comments.yaml",
        "test_data/preview/yaml/anchors.yaml",
    ] {
        let path = root.join(file);
        if !path.exists() {
            panic!("{file}");
        }
        let mut text = fs::read_to_string(path).unwrap();
        if file.contains("/manifests/") {
            let accounts = root.join("test_data/preview/manifests/accounts.yaml");
            text = format!("{}---\n{text}", fs::read_to_string(accounts).unwrap());
        }
        let (after, objects) = injected(&text, &settings);
        keeps_lines(&text, &after);
        count += objects.len();
    }
    assert_eq!(count, 5);
}
