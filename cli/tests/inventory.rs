//! The rows of `azwi-policy inventory` agree with what `azwi-policy preview` says of the same objects.

#![allow(
    clippy::arithmetic_side_effects,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test fails by panicking"
)]

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;

use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Value, json};

const IDS: [&str; 3] = [
    "8f1c2a7e-5d3b-4c59-9a57-0b6f4f0f9d11",
    "1B4E28BA-2FA1-11D2-883F-0016D3CCA427",
    "not-an-id",
];

const MODULE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../annotated-policy.wasm");

/// What the program prints with these arguments about the objects.
fn printed(directory: &Path, arguments: &[&str]) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_azwi-policy"))
        .args(arguments)
        .args(["--module", MODULE, "--set", "azureTenantID=contoso.com"])
        .arg("objects.json")
        .current_dir(directory)
        .env("XDG_CACHE_HOME", env!("CARGO_TARGET_TMPDIR"))
        .output()
        .unwrap();
    assert!(matches!(output.status.code(), Some(0 | 1)), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

fn container() -> impl Strategy<Value = Value> {
    let own = prop::option::weighted(0.3, select(&IDS));
    (select(&["app", "proxy", "job"]), own).prop_map(|(name, own)| {
        let mut container = json!({"name": name, "image": "example.com/app"});
        if let Some(own) = own {
            container["env"] = json!([{"name": "AZURE_CLIENT_ID", "value": own}]);
        }
        container
    })
}

/// A pod template.
fn template() -> impl Strategy<Value = Value> {
    let label = prop::option::weighted(0.8, select(&["true", "false"]));
    let skipped = prop::option::weighted(0.3, select(&["app", "proxy;job", "none"]));
    let expiration = prop::option::weighted(0.1, select(&["5", "7200"]));
    let account = prop::option::weighted(0.8, select(&["a", "b", "c", "elsewhere"]));
    let containers = prop::collection::vec(container(), 1..4);
    let init_containers = prop::collection::vec(container(), 0..2);
    (label, skipped, expiration, account, containers, init_containers).prop_map(
        |(label, skipped, expiration, account, mut containers, init_containers)| {
            // Names are unique.
            for (index, container) in containers.iter_mut().enumerate().skip(1) {
                container["name"] = format!("{}-{index}", container["name"].as_str().unwrap()).into();
            }
            let mut template = json!({"metadata": {"labels": {}, "annotations": {}}, "spec": {"containers": containers}});
            if !init_containers.is_empty() {
                let mut init_containers = init_containers;
                init_containers[0]["name"] = "init".into();
                template["spec"]["initContainers"] = init_containers.into();
            }
            if let Some(label) = label {
                template["metadata"]["labels"]["azure.workload.identity/use"] = label.into();
            }
            for (key, value) in [("skip-containers", skipped), ("service-account-token-expiration", expiration)] {
                if let Some(value) = value {
                    template["metadata"]["annotations"][format!("azure.workload.identity/{key}")] = value.into();
                }
            }
            if let Some(account) = account {
                template["spec"]["serviceAccountName"] = account.into();
            }
            template
        },
    )
}

/// A workload or pod with this name.
fn object(kind: &str, name: &str, template: &Value) -> Value {
    let metadata = json!({"name": name, "namespace": "web"});
    match kind {
        "Pod" => {
            let mut pod = json!({"apiVersion": "v1", "kind": "Pod", "metadata": template["metadata"], "spec": template["spec"]});
            pod["metadata"]["name"] = name.into();
            pod["metadata"]["namespace"] = "web".into();
            pod
        }
        "CronJob" => json!({
            "apiVersion": "batch/v1", "kind": kind, "metadata": metadata,
            "spec": {"schedule": "@daily", "jobTemplate": {"spec": {"template": template}}},
        }),
        _ => json!({
            "apiVersion": "apps/v1", "kind": kind, "metadata": metadata,
            "spec": {"selector": {"matchLabels": {}}, "template": template},
        }),
    }
}

fn account(name: &str, client_id: Option<&str>) -> Value {
    let mut account = json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": name, "namespace": "web"}});
    if let Some(client_id) = client_id {
        account["metadata"]["annotations"] =
            json!({"azure.workload.identity/client-id": client_id});
    }
    account
}

/// The value of a container's variable.
fn variable<'c>(container: &'c Value, name: &str) -> Option<&'c str> {
    let env = container["env"].as_array()?;
    env.iter().find(|own| own["name"] == name)?["value"].as_str()
}

/// What a row is to say: outcome and the containers, each with whether it has the identity and its client ID.
type Said = (String, Vec<(String, bool, Option<String>)>);

/// What the rows are to say, from the answers of a preview and the templates.
fn expected(lines: &str, templates: &BTreeMap<String, Value>) -> BTreeMap<String, Said> {
    let mut rows = BTreeMap::new();
    for line in lines.lines() {
        let line: Value = serde_json::from_str(line).unwrap();
        let name = line["name"].as_str().unwrap();
        let Some(template) = templates
            .get(name)
            .filter(|_| line["kind"] != "ServiceAccount")
        else {
            continue;
        };
        let mut pod = template.clone();
        if let Some(patch) = line.get("patch") {
            let patch: json_patch::Patch = serde_json::from_value(patch.clone()).unwrap();
            json_patch::patch(&mut pod, &patch).unwrap();
        }
        let is_rejected_workload = line["outcome"] == "rejected" && line["kind"] != "Pod";
        let lists = ["initContainers", "containers"];
        let containers = lists
            .iter()
            .flat_map(|list| pod["spec"][list].as_array().cloned().unwrap_or_default());
        let containers: Vec<_> = containers
            .filter(|_| !is_rejected_workload)
            .map(|container| {
                let client_id = variable(&container, "AZURE_CLIENT_ID").map(str::to_owned);
                let has_identity = variable(&container, "AZURE_FEDERATED_TOKEN_FILE").is_some();
                (
                    container["name"].as_str().unwrap().to_owned(),
                    has_identity,
                    client_id,
                )
            })
            .collect();
        let opts_in = template["metadata"]["labels"]["azure.workload.identity/use"] == "true";
        let has_own = containers
            .iter()
            .any(|(_, _, client_id)| client_id.is_some());
        if opts_in || has_own {
            let outcome = line["outcome"].as_str().unwrap().to_owned();
            rows.insert(name.to_owned(), (outcome, containers));
        }
    }
    rows
}

/// What the rows say.
fn found(inventory: &Value) -> BTreeMap<String, Said> {
    let rows = inventory["workloads"].as_array().unwrap().iter();
    rows.map(|row| {
        let containers = row["containers"].as_array().unwrap().iter();
        let containers = containers.map(|container| {
            let text = |key: &str| container[key].as_str().map(str::to_owned);
            let has_identity = container["hasIdentity"].as_bool().unwrap();
            (text("name").unwrap(), has_identity, text("clientID"))
        });
        let outcome = row["outcome"].as_str().unwrap().to_owned();
        (
            row["name"].as_str().unwrap().to_owned(),
            (outcome, containers.collect()),
        )
    })
    .collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn rows_say_what_a_preview_says(
        accounts in prop::collection::vec(prop::option::of(select(&IDS)), 3),
        objects in prop::collection::vec((select(&["Pod", "Deployment", "StatefulSet", "DaemonSet", "CronJob"]), template()), 1..24),
    ) {
        let mut all: Vec<Value> = ["a", "b", "c"].iter().zip(&accounts).map(|(name, id)| account(name, *id)).collect();
        let mut templates = BTreeMap::new();
        for (index, (kind, template)) in objects.iter().enumerate() {
            let name = format!("o{index}");
            all.push(object(kind, &name, template));
            templates.insert(name, template.clone());
        }
        let directory = tempfile::tempdir().unwrap();
        let list = json!({"apiVersion": "v1", "kind": "List", "items": all});
        fs::write(directory.path().join("objects.json"), list.to_string()).unwrap();
        let preview = printed(directory.path(), &["preview", "-o", "json"]);
        let inventory = printed(directory.path(), &["inventory", "-o", "json"]);
        let inventory: Value = serde_json::from_str(&inventory).unwrap();
        prop_assert_eq!(found(&inventory), expected(&preview, &templates));
        let with_row = inventory["workloads"].as_array().unwrap().len() as u64;
        prop_assert_eq!(inventory["others"].as_u64().unwrap() + with_row, objects.len() as u64);
        if let Err(error) = schema().validate(&inventory) {
            panic!("{error} in {inventory}");
        }
        // Of the formats with a line for each workload.
        let csv = printed(directory.path(), &["inventory", "-o", "csv"]);
        prop_assert_eq!(csv.lines().count() as u64, with_row + 1);
    }
}

fn schema() -> jsonschema::Validator {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/inventory.schema.json");
    let schema: Value = serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap();
    jsonschema::validator_for(&schema).unwrap()
}
