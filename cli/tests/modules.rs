//! What the host makes of modules, good and broken.

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

use std::sync::Arc;
use std::time::{Duration, Instant};

use azwi_policy::input::manifests;
use azwi_policy::input::settings::SettingsValue;
use azwi_policy::kubewarden::cluster::Cluster;
use azwi_policy::kubewarden::engine::{Engine, Module};
use azwi_policy::kubewarden::host_calls::{Answers, HostCalls};
use azwi_policy::kubewarden::policy::{Policy, Review};
use azwi_policy::kubewarden::rbac::Rbac;
use azwi_policy::kubewarden::request::AdmissionRequest;
use azwi_policy::kubewarden::response::patched;
use azwi_policy::kubewarden::service_accounts::ServiceAccounts;
use azwi_policy::kubewarden::session::Session;
use serde_json::{Value, json};

/// A policy that looks a ServiceAccount up.
const ANSWERS: &str = include_str!("modules/answers.wat");

/// A policy that asks for a permission, and fails with the answer.
const ASKS: &str = include_str!("modules/asks.wat");

/// A module with waPC's entry point, which does `body`.
fn with_body(body: &str) -> String {
    format!(
        r#"(module
            (import "wapc" "__guest_response" (func $respond (param i32 i32)))
            (memory (export "memory") 1)
            (data (i32.const 0) "no JSON")
            (func (export "__guest_call") (param i32 i32) (result i32) {body}))"#
    )
}

fn module(wat: &str) -> Module {
    Module::from_bytes(&Engine::new().unwrap(), &wat::parse_str(wat).unwrap()).unwrap()
}

fn review(wat: &str, host: HostCalls) -> Review {
    let request = AdmissionRequest::pod_creation("web", json!({"kind": "Pod"}));
    Policy::new(&module(wat), SettingsValue::default(), host).review(&request)
}

fn nothing() -> HostCalls {
    HostCalls::new(Answers::NoCluster)
}

/// The message and code with which the host rejects for the policy.
#[track_caller]
fn failure(wat: &str, host: HostCalls) -> (String, Option<u16>) {
    let Review { response, .. } = review(wat, host);
    assert_eq!((response.allowed, response.patch), (false, None));
    let status = response.status.unwrap();
    (status.message.unwrap(), status.code)
}

#[track_caller]
fn fails(wat: &str, expected: &str) {
    assert_eq!(failure(wat, nothing()), (expected.to_owned(), Some(500)));
}

#[test]
fn an_endless_loop_is_interrupted_after_two_seconds() {
    let start = Instant::now();
    fails(
        &with_body("(loop (br 0)) (i32.const 1)"),
        "Policy execution interrupted because it exceeded the allowed execution time",
    );
    let took = start.elapsed();
    assert!(took >= Duration::from_millis(1900), "{took:?}");
    assert!(took < Duration::from_secs(5), "{took:?}");
}

#[test]
fn an_endless_initialisation_is_interrupted() {
    let wat = r#"(module
        (memory (export "memory") 1)
        (func (export "wapc_init") (loop (br 0)))
        (func (export "__guest_call") (param i32 i32) (result i32) (i32.const 1)))"#;
    fails(
        wat,
        "Policy execution interrupted because it exceeded the allowed execution time",
    );
}

#[test]
fn a_trap_is_an_internal_server_error() {
    let (message, code) = failure(&with_body("unreachable"), nothing());
    assert!(
        message.starts_with(
            "internal server error: Guest call failure: error while executing at wasm backtrace:"
        ),
        "{message}"
    );
    assert_eq!(code, Some(500));
}

#[test]
fn endless_recursion_is_an_internal_server_error() {
    let wat = r#"(module
        (memory (export "memory") 1)
        (func $call (export "__guest_call") (param i32 i32) (result i32)
          (i32.add (call $call (i32.const 1) (i32.const 1)) (i32.const 1))))"#;
    let (message, code) = failure(wat, nothing());
    assert!(
        message.starts_with("internal server error: Guest call failure: "),
        "{message}"
    );
    assert_eq!(code, Some(500));
}

#[test]
fn an_address_outside_of_memory_does_not_stop_the_host() {
    for body in [
        "(call $respond (i32.const -1) (i32.const 9))",
        "(call $respond (i32.const 65530) (i32.const 90))",
    ] {
        let (message, code) = failure(&with_body(&format!("{body} (i32.const 1)")), nothing());
        assert!(
            message.starts_with(
                "internal server error: the module broke the waPC calling convention: "
            ),
            "{message}"
        );
        assert_eq!(code, Some(500));
    }
}

#[test]
fn an_answer_that_is_no_validation_response_is_an_internal_server_error() {
    fails(
        &with_body("(call $respond (i32.const 0) (i32.const 7)) (i32.const 1)"),
        "internal server error: invalid response from policy: expected ident at line 1 column 2",
    );
    fails(
        &with_body("(i32.const 1)"),
        "internal server error: Guest call failure: No error message OR response set for call success",
    );
    fails(
        &with_body("(i32.const 0)"),
        "internal server error: Guest call failure: No error message set for call failure",
    );
}

#[test]
fn a_module_that_is_no_policy_does_not_start() {
    fails(
        "(module)",
        "internal server error: cannot build Wapc host: Initialization failed: \
         Guest call function (__guest_call) not exported by wasm module.",
    );
    let error = Policy::new(&module("(module)"), SettingsValue::default(), nothing())
        .check_settings()
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "cannot build Wapc host: Initialization failed: \
         Guest call function (__guest_call) not exported by wasm module."
    );
}

#[test]
fn what_is_no_module_does_not_compile() {
    let engine = Engine::new().unwrap();
    let unknown_import = wat::parse_str(r#"(module (import "env" "f" (func)))"#).unwrap();
    for (bytes, expected) in [
        (
            b"hello, world".as_slice(),
            "expected a waPC policy module: ",
        ),
        (b"(module)", "expected a waPC policy module: "),
        (
            &unknown_import,
            "expected a waPC policy module: unknown import: `env::f` has not been defined",
        ),
    ] {
        let error = Module::from_bytes(&engine, bytes)
            .err()
            .unwrap()
            .to_string();
        assert!(error.starts_with(expected), "{error}");
    }
    let error = Module::from_file(&engine, "/no/such/policy.wasm".as_ref())
        .err()
        .unwrap()
        .to_string();
    assert_eq!(
        error,
        "cannot read the module /no/such/policy.wasm: No such file or directory (os error 2)"
    );
}

#[test]
fn a_failing_module_refuses_its_settings() {
    let policy = Policy::new(
        &module(&with_body("(i32.const 0)")),
        SettingsValue::default(),
        nothing(),
    );
    assert_eq!(
        policy.check_settings().unwrap_err().to_string(),
        "Error invoking settings validation callback: \
         GuestCallFailure(\"No error message set for call failure\")"
    );
    Policy::new(&module(ANSWERS), SettingsValue::default(), nothing())
        .check_settings()
        .unwrap();
}

#[test]
fn a_policy_gets_the_service_account_and_the_patch_is_made() {
    let accounts = ServiceAccounts::new([json!({"metadata": {"name": "app", "namespace": "web"}})]);
    let host = HostCalls::new(Answers::Cluster(accounts.into())).grant("v1", "ServiceAccount");
    let Review { response, .. } = review(ANSWERS, host);
    assert_eq!(
        serde_json::to_value(&response).unwrap(),
        json!({
            "uid": "00000000-0000-0000-0000-000000000000",
            "allowed": true,
            "patchType": "JSONPatch",
            "patch": "W3sib3AiOiJhZGQiLCJwYXRoIjoiL2FkZGVkIiwidmFsdWUiOjF9XQ==",
            "auditAnnotations": Value::Null,
            "warnings": ["w"],
        })
    );
    assert_eq!(
        patched(&json!({"kind": "Pod"}), &response),
        Some(json!({"kind": "Pod", "added": 1}))
    );
}

#[test]
fn a_policy_sees_the_hosts_errors() {
    let session = |text: &str| Answers::Session(Session::from_text("s.yml", text).unwrap());
    for (host, expected) in [
        (
            nothing(),
            "Policy has not been granted access to Kubernetes v1/ServiceAccount resources. \
             The violation has been reported.",
        ),
        (
            nothing().grant("v1", "ServiceAccount"),
            "Callback evaluation failure: kube::Client was not initialized properly",
        ),
        (
            HostCalls::new(Answers::Cluster(Arc::default())).grant("v1", "ServiceAccount"),
            "Callback evaluation failure: \
             Cannot find v1/ServiceAccount named 'app' inside of namespace 'Some(\"web\")'",
        ),
        (
            HostCalls::new(session("[]")).grant("v1", "ServiceAccount"),
            "Callback evaluation failure: the list of recorded responses is empty",
        ),
    ] {
        let message = format!("internal server error: Guest call failure: {expected}");
        assert_eq!(failure(ANSWERS, host), (message, Some(500)));
    }
}

/// What permits what `ASKS` asks for.
const GRANT: &str = r#"
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: identity}
rules:
- {verbs: [use-managed-identity], apiGroups: [cid.wi.aks.azure.com], resources: [8f1c2a7e-5d3b-4c59-9a57-0b6f4f0f9d11]}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: identity}
roleRef: {kind: ClusterRole, name: identity}
subjects: [{kind: ServiceAccount, name: api, namespace: web}]
"#;

#[test]
fn a_policy_gets_permissions_without_a_grant_of_resources() {
    let cluster = |manifests: &str| {
        let manifests = manifests::read_text("f", manifests).unwrap();
        Answers::Cluster(Arc::new(Cluster {
            service_accounts: ServiceAccounts::default(),
            rbac: Rbac::among(&manifests, "default"),
        }))
    };
    for (answers, expected) in [
        (
            cluster(GRANT),
            r#"{"allowed":true,"reason":"RBAC: allowed by ClusterRoleBinding \"identity\" of ClusterRole \"identity\" to ServiceAccount \"api/web\""}"#,
        ),
        (
            cluster(&GRANT.replace("name: api", "name: other")),
            r#"{"allowed":false}"#,
        ),
        (
            cluster(""),
            "Callback evaluation failure: no ClusterRoleBinding is among the manifests",
        ),
        (
            Answers::NoCluster,
            "Callback evaluation failure: kube::Client was not initialized properly",
        ),
    ] {
        let message = format!("internal server error: Guest call failure: {expected}");
        assert_eq!(failure(ASKS, HostCalls::new(answers)), (message, Some(500)));
    }
}
