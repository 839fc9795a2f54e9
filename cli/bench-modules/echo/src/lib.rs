//! Answers with the object as it came: the least that a mutating policy costs.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use wapc_guest::{CallResult, register_function};

#[derive(Deserialize)]
struct Payload<'a> {
    #[serde(borrow)]
    request: Request<'a>,
}

#[derive(Deserialize)]
struct Request<'a> {
    #[serde(borrow)]
    object: &'a RawValue,
}

#[derive(Serialize)]
struct Response<'a> {
    accepted: bool,
    mutated_object: &'a RawValue,
}

/// Registers what the host calls.
#[unsafe(no_mangle)]
pub extern "C" fn wapc_init() {
    register_function("validate", validate);
}

fn validate(payload: &[u8]) -> CallResult {
    let payload: Payload<'_> = serde_json::from_slice(payload)?;
    Ok(serde_json::to_vec(&Response {
        accepted: true,
        mutated_object: payload.request.object,
    })?)
}
