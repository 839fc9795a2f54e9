//! A cluster in which every ServiceAccount is the same.

use azure_workload_identity_policy::identity::kubernetes_api::KubernetesApi;
use azure_workload_identity_policy::settings::Freshness;
use serde_json::{Map, Value, json};

/// The labels and annotations of every ServiceAccount, as metadata.
pub struct Cluster(pub Map<String, Value>);

impl Default for Cluster {
    fn default() -> Self {
        let metadata = json!({
            "annotations": {"azure.workload.identity/client-id": "8f1c2a7e-5d3b-4c59-9a57-0b6f4f0f9d11"},
            "labels": {"azure.workload.identity/use": "true"},
        });
        Self(metadata.as_object().cloned().unwrap_or_default())
    }
}

impl KubernetesApi for Cluster {
    fn service_account(
        &self,
        namespace: &str,
        name: &str,
        _: Freshness,
    ) -> Result<Vec<u8>, String> {
        let mut metadata = self.0.clone();
        metadata.insert("name".to_owned(), name.into());
        metadata.insert("namespace".to_owned(), namespace.into());
        let object = json!({"kind": "ServiceAccount", "metadata": metadata});
        Ok(object.to_string().into_bytes())
    }

    fn can_i(&self, _: &str) -> Result<Vec<u8>, String> {
        Ok(br#"{"allowed":true}"#.to_vec())
    }
}
