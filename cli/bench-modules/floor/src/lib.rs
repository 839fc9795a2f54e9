//! Accepts each request without a look at it, as the policy SDK does: the least that any policy costs.
//!
//! It has the three functions that a PolicyServer asks each policy for.

use kubewarden_policy_sdk::{
    accept_request, protocol_version_guest, settings::SettingsValidationResponse,
};
use wapc_guest::{CallResult, register_function};

/// Registers what the host calls.
#[unsafe(no_mangle)]
pub extern "C" fn wapc_init() {
    register_function("validate", validate);
    register_function("validate_settings", validate_settings);
    register_function("protocol_version", protocol_version_guest);
}

fn validate(_: &[u8]) -> CallResult {
    accept_request()
}

fn validate_settings(_: &[u8]) -> CallResult {
    let response = SettingsValidationResponse {
        valid: true,
        message: None,
    };
    Ok(serde_json::to_vec(&response)?)
}
