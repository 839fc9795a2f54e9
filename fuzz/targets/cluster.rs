//! A cluster whose every ServiceAccount is the same.

use azure_workload_identity_policy::service_account::{Freshness, ServiceAccounts};

/// The ServiceAccount that there is, as JSON.
pub struct Cluster(pub String);

impl Default for Cluster {
    fn default() -> Self {
        let annotations =
            r#"{"azure.workload.identity/client-id":"8f1c2a7e-5d3b-4c59-9a57-0b6f4f0f9d11"}"#;
        let labels = r#"{"azure.workload.identity/use":"true"}"#;
        Self(format!(
            r#"{{"kind":"ServiceAccount","metadata":{{"annotations":{annotations},"labels":{labels}}}}}"#
        ))
    }
}

impl ServiceAccounts for Cluster {
    fn get(&self, _: &str, _: &str, _: Freshness) -> Result<Vec<u8>, String> {
        Ok(self.0.clone().into_bytes())
    }
}
