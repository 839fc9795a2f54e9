//! Runs the built policy on every vector of `test_data/vectors`: a new vector is a new line there and needs no code.
//!
//! A vector is one JSON object on a line of a `.jsonl` file: `name`, `request`, `serviceAccount` (null: there is none),
//! `settings`, and `expected`: `allowed`, then `object` (the pod after the patch) or `code` and `message`, and `warnings`
//! (none where absent). `webhook-v1.6.0.jsonl` was made with the reference webhook and has its install settings as
//! `config` in place of `settings`; where this policy differs, `differences.json` has the reason and its own `expected`.

mod module;

use std::{collections::BTreeMap, fs, path::Path};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use policy_host::{
    host_calls::{Answers, HostCalls},
    policy::Policy,
    request::AdmissionRequest,
    response::AdmissionResponse,
    service_accounts::ServiceAccounts,
    settings::Settings,
};
use serde::Deserialize;
use serde_json::{Value, json};

use module::MODULE;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Vector {
    name: String,
    /// The settings of this policy.
    settings: Option<Value>,
    /// The reference webhook's install settings.
    config: Option<Config>,
    request: Value,
    service_account: Option<Value>,
    expected: Expected,
    /// What the vectors' makers say of a difference; `differences.json` is what counts.
    #[serde(rename = "differs")]
    _differs: Option<String>,
}

#[derive(Clone, Debug, Default, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
struct Expected {
    allowed: bool,
    object: Option<Value>,
    code: Option<u16>,
    message: Option<String>,
    #[serde(default)]
    warnings: Vec<String>,
}

/// What the reference webhook was installed with.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Config {
    tenant_id: String,
    cloud: String,
    audience: Option<String>,
    use_native_sidecar: bool,
    proxy_image: Option<String>,
    proxy_init_image: Option<String>,
    custom_token_endpoint: Option<CustomTokenEndpoint>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct CustomTokenEndpoint {
    annotation_suffix: String,
    audience: String,
    token_proxy: Option<String>,
    sni_name: Option<String>,
    ca_data: Option<String>,
    ca_config_map_name: Option<String>,
    ca_ctb_signer_name: Option<String>,
    ca_ctb_label_selector: Option<Value>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Difference {
    #[serde(rename = "reason")]
    _reason: String,
    expected: Expected,
}

/// The settings of this policy that stand for the webhook's install settings; null counts as not set.
fn settings(config: &Config) -> Value {
    let endpoint = config.custom_token_endpoint.as_ref();
    json!({
        "azureTenantID": config.tenant_id,
        "azureEnvironment": config.cloud,
        "layout": "v1.6.0",
        "audience": config.audience,
        "proxy": {
            "nativeSidecar": config.use_native_sidecar,
            "image": config.proxy_image,
            "initImage": config.proxy_init_image,
        },
        "customTokenEndpoint": endpoint.map(|endpoint| json!({
            "annotationSuffix": endpoint.annotation_suffix,
            "audience": endpoint.audience,
            "azureKubernetesTokenProxy": endpoint.token_proxy,
            "azureKubernetesSniName": endpoint.sni_name,
            "azureKubernetesCaData": endpoint.ca_data,
            "azureKubernetesCAConfigMapName": endpoint.ca_config_map_name,
            "azureKubernetesCACTBSignerName": endpoint.ca_ctb_signer_name,
            "azureKubernetesCACTBLabelSelector": endpoint.ca_ctb_label_selector,
        })),
    })
}

fn vectors(file: &Path) -> Vec<Vector> {
    let text = fs::read_to_string(file).expect("a file of vectors");
    let name = file.display();
    text.lines()
        .enumerate()
        .map(|(index, line)| {
            serde_json::from_str(line)
                .unwrap_or_else(|error| panic!("{name}, line {}: {error}", index + 1))
        })
        .collect()
}

/// What came out, in the form of what was expected.
fn outcome(request: &Value, response: &AdmissionResponse) -> Expected {
    let status = response.status.as_ref();
    let mut object = request["object"].clone();
    if let Some(patch) = &response.patch {
        let patch = STANDARD.decode(patch).expect("base64");
        let patch: json_patch::Patch = serde_json::from_slice(&patch).expect("a patch");
        json_patch::patch(&mut object, &patch).expect("a patch that applies");
    }
    Expected {
        allowed: response.allowed,
        object: response.allowed.then_some(object),
        code: status.and_then(|status| status.code),
        message: status.and_then(|status| status.message.clone()),
        warnings: response.warnings.clone().unwrap_or_default(),
    }
}

#[test]
fn every_vector_comes_out_as_expected() {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("../test_data/vectors");
    let differences = fs::read_to_string(directory.join("differences.json")).expect("differences");
    let mut differences: BTreeMap<String, Difference> =
        serde_json::from_str(&differences).expect("differences");
    let mut files: Vec<_> = fs::read_dir(&directory)
        .expect("a directory of vectors")
        .map(|entry| entry.expect("a directory entry").path())
        .filter(|file| {
            file.extension()
                .is_some_and(|extension| extension == "jsonl")
        })
        .collect();
    files.sort();

    let mut failures = Vec::new();
    for file in &files {
        let mut count = 0;
        for vector in vectors(file) {
            let settings = match (&vector.settings, &vector.config) {
                (Some(settings), None) => settings.clone(),
                (None, Some(config)) => settings(config),
                _ => panic!("{}: expected either settings or config", vector.name),
            };
            let settings = Settings::from_value(&vector.name, settings).expect("an object");
            let accounts = ServiceAccounts::new(vector.service_account.clone());
            let host =
                HostCalls::new(Answers::ServiceAccounts(accounts)).grant("v1", "ServiceAccount");
            let policy = Policy::new(&MODULE, settings, host);
            if let Err(error) = policy.check_settings() {
                failures.push(format!("{}: {error}", vector.name));
            }

            let review = |request: &Value| {
                let request = AdmissionRequest::from_value(request.clone()).expect("a request");
                policy.review(&request).response
            };
            let found = outcome(&vector.request, &review(&vector.request));
            let expected = match differences.remove(&vector.name) {
                Some(difference) => difference.expected,
                None => vector.expected,
            };
            count += 1;
            if found != expected {
                failures.push(format!(
                    "{}:\n  expected {expected:?}\n  found    {found:?}",
                    vector.name
                ));
            } else if let Some(object) = found.object {
                let mut again = vector.request.clone();
                again["object"] = object;
                if review(&again).patch.is_some() {
                    failures.push(format!("{}: a second run changes the pod", vector.name));
                }
            }
        }
        println!("{}: {count} vectors", file.display());
    }
    for name in differences.keys() {
        failures.push(format!("differences.json: there is no vector {name:?}"));
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}
