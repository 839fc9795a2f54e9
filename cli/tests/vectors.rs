//! Every vector of `test_data/vectors`, on the built policy: a new vector needs no code.

#![allow(
    clippy::arithmetic_side_effects,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::string_slice,
    clippy::unreachable,
    clippy::unwrap_used,
    reason = "a test fails by panicking"
)]

mod module;

#[path = "../../tests/vector_files/mod.rs"]
mod vector_files;

use azwi_policy::input::settings::SettingsValue;
use azwi_policy::kubewarden::host_calls::{Answers, HostCalls};
use azwi_policy::kubewarden::policy::Policy;
use azwi_policy::kubewarden::question::Question;
use azwi_policy::kubewarden::request::AdmissionRequest;
use azwi_policy::kubewarden::service_accounts::ServiceAccounts;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use module::MODULE;
use vector_files::{Outcome, Response, Vector};

fn response(vector: &Vector, request: &Value) -> Response {
    let mut object = request["object"].clone();
    let settings = vector.settings.clone();
    let settings = SettingsValue::from_value(&vector.name, settings).expect("an object");
    let accounts = Some(vector.service_account.clone()).filter(|account| !account.is_null());
    let accounts = ServiceAccounts::new(accounts);
    let permission = vector.permission();
    let source = move |question: &Question| match question {
        Question::Object(wanted) => accounts.get(wanted),
        Question::Permission(_) => permission.clone(),
    };
    let host = HostCalls::new(Answers::Source(Box::new(source))).grant("v1", "ServiceAccount");
    let policy = Policy::new(&*MODULE, settings, host);
    policy.check_settings().expect(&vector.name);
    let request = AdmissionRequest::from_value(request.clone()).expect("a request");
    let response = policy.review(&request).response;
    let outcome = match (response.allowed, response.patch, response.status) {
        (true, None, None) => Outcome::Unchanged,
        (true, Some(patch), None) => {
            let patch = STANDARD.decode(patch).expect("base64");
            let patch: json_patch::Patch = serde_json::from_slice(&patch).expect("a patch");
            json_patch::patch(&mut object, &patch).expect("a patch that applies");
            Outcome::Mutated(object)
        }
        (false, None, Some(status)) => Outcome::Rejected {
            code: status.code.expect("a code"),
            message: status.message.expect("a message"),
        },
        (allowed, patch, status) => panic!("allowed: {allowed}, {patch:?}, {status:?}"),
    };
    Response {
        outcome,
        warnings: response.warnings.unwrap_or_default(),
        audit: Some(response.audit_annotations.unwrap_or_default()),
    }
}

#[test]
fn every_vector_comes_out_as_expected() {
    vector_files::check(response);
}
