//! The boundary of the policy: the guest of a host that speaks waPC. Bytes in, bytes out.

use wapc_guest::{CallResult, host_call, register_function};

use crate::identity::kubernetes_api::KubernetesApi;
use crate::identity::lookup;
use crate::review;
use crate::settings::Freshness;
use crate::verdict;

/// Registers what the host calls.
#[allow(unsafe_code, reason = "the host finds this function by its name")]
#[unsafe(no_mangle)]
pub extern "C" fn wapc_init() {
    register_function("validate", validate);
    register_function("validate_settings", validate_settings);
    register_function(
        "protocol_version",
        kubewarden_policy_sdk::protocol_version_guest,
    );
}

fn validate(payload: &[u8]) -> CallResult {
    let verdict = review::review(payload, &Host, &mut ());
    if let Some(line) = verdict::log::line(&verdict) {
        // The verdict does not depend on whether it can be logged.
        let _ = host_call("kubewarden", "tracing", "log", &line);
    }
    Ok(verdict.to_json())
}

fn validate_settings(payload: &[u8]) -> CallResult {
    Ok(verdict::settings_answer(payload))
}

/// The Kubernetes API, asked by way of the host.
struct Host;

impl Host {
    fn ask(operation: &str, request: &str) -> Result<Vec<u8>, String> {
        host_call("kubewarden", "kubernetes", operation, request.as_bytes())
            .map_err(|error| error.to_string())
    }
}

impl KubernetesApi for Host {
    fn service_account(
        &self,
        namespace: &str,
        name: &str,
        freshness: Freshness,
    ) -> Result<Vec<u8>, String> {
        Self::ask("get_resource", &lookup::request(namespace, name, freshness))
    }

    fn can_i(&self, request: &str) -> Result<Vec<u8>, String> {
        Self::ask("can_i", request)
    }
}
