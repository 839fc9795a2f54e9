//! The vectors that were recorded with the reference webhook. If this policy differs, `differences.yaml` has what is
//! expected of it, and why.

use serde::Deserialize;
use serde_json::{Value, json};

use super::yaml::Differences;
use super::{Outcome, Response, Vector, directory, read};

const FILE: &str = "webhook-v1.6.0.jsonl";

/// One line of the file.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Line {
    name: String,
    config: Config,
    request: Value,
    service_account: Value,
    expected: Expected,
    /// A note on a difference from when the vector was recorded; `differences.yaml` is what counts.
    #[serde(rename = "differs")]
    _differs: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Expected {
    allowed: bool,
    object: Option<Value>,
    code: Option<u16>,
    message: Option<String>,
}

/// The webhook's installation.
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

impl Config {
    /// The equivalent settings of this policy; null counts as unset.
    fn settings(&self) -> Value {
        let endpoint = self.custom_token_endpoint.as_ref();
        json!({
            "azureTenantID": self.tenant_id,
            "azureEnvironment": self.cloud,
            "layout": "v1.6.0",
            "audience": self.audience,
            "proxy": {
                "nativeSidecar": self.use_native_sidecar,
                "image": self.proxy_image,
                "initImage": self.proxy_init_image,
                // As the webhook has it; ours adds the image's user.
                "securityContext": {
                    "allowPrivilegeEscalation": false,
                    "capabilities": {"drop": ["ALL"]},
                    "privileged": false,
                    "readOnlyRootFilesystem": true,
                    "runAsNonRoot": true,
                },
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
}

impl Expected {
    fn response(self, object: &Value) -> Response {
        let outcome = match self {
            Self {
                allowed: true,
                object: Some(after),
                code: None,
                message: None,
            } => {
                if after == *object {
                    Outcome::Unchanged
                } else {
                    Outcome::Mutated(after)
                }
            }
            Self {
                allowed: false,
                object: None,
                code: Some(code),
                message: Some(message),
            } => Outcome::Rejected { code, message },
            _ => panic!("expected an object, or a code and a message"),
        };
        Response {
            outcome,
            warnings: Vec::new(),
            audit: None,
        }
    }
}

/// The webhook's vectors, with what is expected of this policy.
pub fn vectors() -> Vec<Vector> {
    let mut differences = Differences::read();
    let mut vectors = Vec::new();
    for (index, line) in read(&directory().join(FILE)).lines().enumerate() {
        let line: Line = serde_json::from_str(line)
            .unwrap_or_else(|error| panic!("{FILE}: line {}: {error}", index + 1));
        let object = &line.request["object"];
        let expected = differences
            .take(&line.name, object)
            .unwrap_or_else(|| line.expected.response(object));
        vectors.push(Vector {
            file: FILE.to_owned(),
            settings: line.config.settings(),
            name: line.name,
            service_account: line.service_account,
            permission: json!({"allowed": true}),
            request: line.request,
            expected,
        });
    }
    let unknown = differences.names();
    assert!(
        unknown.is_empty(),
        "differences.yaml: there are no vectors {unknown:?}"
    );
    vectors
}
