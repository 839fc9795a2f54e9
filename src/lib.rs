//! A Kubewarden policy that gives pods their Azure identity.
//!
//! [`review`](review::review) decides, from nothing but the request, the settings and the ServiceAccount. This file is the
//! boundary around it, and the only one that knows waPC and the host: bytes in, bytes out.
//!
//! The rooms, from the ground up; a room knows only those before it:
//!
//! - [`keys`], [`layout`], [`injectors`], [`values`], [`messages`] and [`json`] know nothing of the policy;
//! - [`pod_paths`] is where objects of other kinds say what their pods are;
//! - [`findings`] is all that can be wrong, [`settings`] and [`objects`] are what is read;
//! - [`identity`] is whose identity a pod gets, [`injection`] what it lacks of it;
//! - [`verdict`] is the answer, and [`review`] comes to it.

#![cfg_attr(
    test,
    allow(
        clippy::arithmetic_side_effects,
        clippy::expect_used,
        clippy::indexing_slicing,
        clippy::panic,
        clippy::string_slice,
        clippy::unreachable,
        reason = "a test fails by panicking"
    )
)]

pub mod keys;
pub mod layout;
pub mod injectors;
pub mod values;
pub mod messages;
mod json;
pub mod pod_paths;
pub mod findings;
pub mod settings;
pub mod objects;
pub mod identity;
pub mod injection;
pub mod verdict;
pub mod review;

use wapc_guest::{CallResult, host_call, register_function};

use identity::kubernetes_api::KubernetesApi;
use identity::lookup;
use settings::Freshness;

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
