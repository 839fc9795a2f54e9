//! A Kubewarden policy that gives pods their Azure identity.
//!
//! [`review`](review::review) decides, on nothing but the request, the settings and the ServiceAccount. This file is the
//! waPC boundary around it: bytes in, bytes out.

#![deny(missing_docs)]
#![deny(
    clippy::arithmetic_side_effects,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::string_slice,
    clippy::todo,
    clippy::unreachable,
    clippy::unwrap_used
)]
#![cfg_attr(
    test,
    allow(
        clippy::arithmetic_side_effects,
        clippy::expect_used,
        clippy::indexing_slicing,
        clippy::panic,
        clippy::unreachable,
        reason = "a test fails by panicking"
    )
)]

pub mod additions;
pub mod audit;
pub mod env_conflicts;
pub mod findings;
pub mod identity;
pub mod inject;
pub mod keys;
pub mod layout;
pub mod lens;
pub mod log;
pub mod message;
pub mod metadata;
pub mod nearest;
pub mod object;
pub mod pod;
pub mod proxy;
pub mod request;
pub mod review;
pub mod service_account;
pub mod settings;
pub mod skip_containers;
pub mod stray_keys;
pub mod token_endpoint;
pub mod values;
pub mod verdict;
pub mod workload;

use kubewarden_policy_sdk::settings::SettingsValidationResponse;
use wapc_guest::{CallResult, host_call, register_function};

use crate::service_account::Host;
use crate::settings::Settings;

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
    let verdict = review::review(payload, &Host);
    if let Some(line) = log::line(&verdict) {
        // The verdict does not turn on whether it can be logged.
        let _ = host_call("kubewarden", "tracing", "log", &line);
    }
    Ok(verdict.to_json())
}

fn validate_settings(payload: &[u8]) -> CallResult {
    let faults = match std::str::from_utf8(payload) {
        Ok(settings) => Settings::read(settings).err(),
        Err(_) => Some(vec![
            "settings: expected an object, found bytes that are no UTF-8".to_owned(),
        ]),
    };
    Ok(serde_json::to_vec(&SettingsValidationResponse {
        valid: faults.is_none(),
        message: faults.map(|faults| faults.join("; ")),
    })?)
}
