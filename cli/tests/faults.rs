//! What the built module makes of every error of the one host call that it needs: the documented message, and a pod that
//! is rejected as a whole.

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

use std::str;
use std::sync::{Arc, Mutex};

use azwi_policy::input::settings::SettingsValue;
use azwi_policy::kubewarden::capabilities::Capabilities;
use azwi_policy::kubewarden::host_calls::{Answers, HostCalls};
use azwi_policy::kubewarden::policy::{Policy, Review};
use azwi_policy::kubewarden::question::Question;
use azwi_policy::kubewarden::request::AdmissionRequest;
use azwi_policy::kubewarden::response::ValidationResponse;
use azwi_policy::kubewarden::service_accounts::ServiceAccounts;
use serde_json::{Value, json};

use module::MODULE;

const CLIENT_ID: &str = "8f1c2a7e-5d3b-4c59-9a57-0b6f4f0f9d11";
const TENANT_ID: &str = "aaaabbbb-0000-cccc-1111-dddd2222eeee";

/// A ServiceAccount with a client ID.
fn service_account() -> Value {
    json!({
        "apiVersion": "v1",
        "kind": "ServiceAccount",
        "metadata": {
            "name": "fed-sa",
            "namespace": "default",
            "annotations": {"azure.workload.identity/client-id": CLIENT_ID},
        },
    })
}

/// The review of a pod that opts in.
fn review(host: HostCalls) -> Review {
    let settings = json!({"azureTenantID": TENANT_ID});
    let settings = SettingsValue::from_value("settings", settings).expect("an object");
    let pod = json!({
        "metadata": {"name": "demo", "labels": {"azure.workload.identity/use": "true"}},
        "spec": {"serviceAccountName": "fed-sa", "containers": [{"name": "app"}]},
    });
    Policy::new(&*MODULE, settings, host).review(&AdmissionRequest::pod_creation("default", pod))
}

/// A host that gives the answers in turn, and the order in which it was asked: whether an answer could be an old one.
fn answers<const N: usize>(
    answers: [Result<Vec<u8>, String>; N],
) -> (HostCalls, Arc<Mutex<Vec<bool>>>) {
    let asked = Arc::new(Mutex::new(Vec::new()));
    let calls = Arc::clone(&asked);
    let source = Answers::Source(Box::new(move |question| {
        let Question::Object(wanted) = question else {
            return Err(format!("expected a lookup, found {question:?}"));
        };
        let mut calls = calls.lock().expect("calls");
        calls.push(!wanted.disable_cache);
        answers[calls.len() - 1].clone()
    }));
    (HostCalls::new(source).grant("v1", "ServiceAccount"), asked)
}

fn answer(answer: impl Into<Vec<u8>>) -> HostCalls {
    answers([Ok(answer.into())]).0
}

fn error(text: &str) -> HostCalls {
    answers([Err(text.to_owned())]).0
}

/// The pod is rejected, nothing about it is changed, and the log says the same.
#[track_caller]
fn rejects(host: HostCalls, message: &str, code: u16) {
    let lines = Arc::new(Mutex::new(Vec::new()));
    let sink = Arc::clone(&lines);
    let host = host.with_log(Box::new(move |line| {
        sink.lock().expect("lines").push(line.to_owned());
    }));
    let Review {
        response, answer, ..
    } = review(host);
    assert_eq!((response.allowed, response.patch), (false, None));
    let status = response.status.expect("a status");
    assert_eq!(
        (status.message.as_deref(), status.code),
        (Some(message), Some(code))
    );
    assert_eq!(response.warnings, None);
    let answer = answer.expect("an answer of the module");
    let verdict: ValidationResponse = serde_json::from_slice(&answer).expect("an answer");
    assert_eq!(verdict.mutated_object, None);
    let lines = lines.lock().expect("lines");
    assert_eq!(lines.len(), 1);
    assert!(
        lines[0].starts_with(&format!("warning: {message}")),
        "{lines:?}"
    );
}

#[track_caller]
fn cannot_read(host: HostCalls, why: &str) {
    let message = format!("ServiceAccount default/fed-sa: cannot be read: {why}");
    rejects(host, &message, 400);
}

#[track_caller]
fn is_not_a_service_account(host: HostCalls, why: &str) {
    cannot_read(
        host,
        &format!("the host's answer is not a ServiceAccount: {why}; help: see PolicyServer's log"),
    );
}

/// The pod gets its whole identity, without a warning.
#[track_caller]
fn injects(host: HostCalls) {
    let Review {
        response, answer, ..
    } = review(host);
    assert!(response.allowed, "{response:?}");
    assert_eq!(response.warnings, None);
    let answer = answer.expect("an answer of the module");
    let verdict: ValidationResponse = serde_json::from_slice(&answer).expect("an answer");
    let pod = verdict.mutated_object.expect("a pod");
    let app = &pod["spec"]["containers"][0];
    assert_eq!(
        app["env"][0],
        json!({"name": "AZURE_CLIENT_ID", "value": CLIENT_ID})
    );
    assert_eq!(app["env"].as_array().map(Vec::len), Some(4));
    assert_eq!(app["volumeMounts"].as_array().map(Vec::len), Some(1));
    assert_eq!(pod["spec"]["volumes"].as_array().map(Vec::len), Some(1));
}

#[test]
fn a_service_account_that_does_not_exist() {
    let nobody = Answers::Cluster(Arc::default());
    rejects(
        HostCalls::new(nobody).grant("v1", "ServiceAccount"),
        "ServiceAccount default/fed-sa: does not exist; help: create it, or correct spec.serviceAccountName",
        400,
    );
}

#[test]
fn no_permission_in_the_cluster() {
    cannot_read(
        error(
            r#"ApiError: serviceaccounts "fed-sa" is forbidden: User "system:serviceaccount:kubewarden:policy-server" cannot get resource "serviceaccounts" in API group "" in the namespace "default": Forbidden (ErrorResponse { status: "Failure", reason: "Forbidden", code: 403 })"#,
        ),
        "PolicyServer is not allowed to read ServiceAccounts; help: let its ServiceAccount get, list and watch serviceaccounts, with a ClusterRole and a ClusterRoleBinding",
    );
}

#[test]
fn access_that_the_policy_was_not_granted() {
    cannot_read(
        HostCalls::new(Answers::Cluster(
            ServiceAccounts::new([service_account()]).into(),
        )),
        "the policy has no access to ServiceAccounts; help: list v1 ServiceAccount under spec.contextAwareResources of a ClusterAdmissionPolicy (kwctl: --allow-context-aware)",
    );
}

#[test]
fn a_host_capability_that_the_policy_was_not_granted() {
    let none = Capabilities::new::<&str>(&[]).expect("no capabilities");
    cannot_read(
        answer(service_account().to_string()).with_capabilities(none),
        "the policy has no access to the host capability kubernetes/get_resource; help: grant it where PolicyServer or kwctl restricts host capabilities",
    );
}

#[test]
fn no_cluster_at_all() {
    cannot_read(
        HostCalls::new(Answers::NoCluster).grant("v1", "ServiceAccount"),
        "the host has no connection to a cluster; help: see PolicyServer's log (kwctl: give a kubeconfig or --replay-host-capabilities-interactions)",
    );
}

#[test]
fn an_error_that_nobody_has_seen_before() {
    cannot_read(
        error("client error (Connect): deadline has elapsed\n\nStack backtrace:\n   0: anyhow"),
        r#"the host says "client error (Connect): deadline has elapsed"; help: check PolicyServer's permissions and its connection to the API server"#,
    );
    let long = format!("\"{}...{}\"", "é".repeat(29), "é".repeat(28));
    cannot_read(
        error(&"é".repeat(100_000)),
        &format!(
            "the host says {long}; help: check PolicyServer's permissions and its connection to the API server"
        ),
    );
}

#[test]
fn garbage() {
    for (garbage, why) in [
        (
            &b""[..],
            "expected JSON with a value at byte 0, found the end of the input",
        ),
        (b"\xff\xfe\x00", "expected JSON, found invalid UTF-8"),
        (
            b"<html>",
            "expected JSON with a value at byte 0, found something else",
        ),
        (b"null", "expected an object, found null"),
        (b"\"fed-sa\"", "expected an object, found a string"),
        (b"[{}]", "expected an object, found a list"),
    ] {
        is_not_a_service_account(answer(garbage), why);
    }
    let nested = format!("{{\"metadata\":{}", r#"{"annotations":"#.repeat(100_000));
    is_not_a_service_account(
        answer(nested),
        "metadata: expected JSON with a closing bracket at byte 1500012, found the end of the input",
    );
}

#[test]
fn a_service_account_that_is_cut_off_anywhere() {
    let whole = service_account().to_string();
    for length in 0..whole.len() {
        let response = review(answer(&whole[..length])).response;
        assert_eq!(
            (response.allowed, response.patch),
            (false, None),
            "{length}"
        );
        let message = response
            .status
            .and_then(|status| status.message)
            .expect("a message");
        let why = message
            .strip_prefix("ServiceAccount default/fed-sa: cannot be read: the host's answer is not a ServiceAccount: ")
            .and_then(|rest| rest.strip_suffix("; help: see PolicyServer's log"))
            .expect("the documented message");
        let (_, found) = why.rsplit_once(", found ").expect("what was found");
        assert!(
            ["the end of the input", "nothing", "null"].contains(&found),
            "{length}: {why}"
        );
        assert!(!why.contains(CLIENT_ID), "{length}: {why}");
    }
}

#[test]
fn a_service_account_of_the_wrong_shape() {
    for (field, value, why) in [
        (
            "/kind",
            json!("Secret"),
            "kind: expected ServiceAccount, found another kind",
        ),
        (
            "/kind",
            json!(5),
            "kind: expected ServiceAccount, found a number",
        ),
        (
            "/metadata",
            json!([]),
            "metadata: expected an object, found a list",
        ),
        (
            "/metadata/annotations",
            json!("x"),
            "metadata.annotations: expected an object of strings, found a string",
        ),
        (
            "/metadata/annotations/azure.workload.identity~1client-id",
            json!({"secret": "x"}),
            r#"metadata.annotations["azure.workload.identity/client-id"]: expected a string, found an object"#,
        ),
    ] {
        let mut object = service_account();
        *object.pointer_mut(field).expect("a field") = value;
        is_not_a_service_account(answer(object.to_string()), why);
    }
    is_not_a_service_account(
        answer(json!({"kind": "ServiceAccountList", "items": [service_account()]}).to_string()),
        "kind: expected ServiceAccount, found another kind",
    );
}

#[test]
fn a_huge_service_account() {
    let mut object = service_account();
    object["metadata"]["annotations"]["example.com/huge"] = "x".repeat(8 << 20).into();
    object["secrets"] = (0..100_000)
        .map(|number| json!({"name": format!("s-{number}")}))
        .collect();
    injects(answer(object.to_string()));
}

#[test]
fn the_service_account_is_asked_for_once_past_the_cache() {
    for client_id in [CLIENT_ID, "my-app", ""] {
        let mut object = service_account();
        object["metadata"]["annotations"]["azure.workload.identity/client-id"] = client_id.into();
        let (host, asked) = answers([Ok(object.to_string().into_bytes())]);
        assert_eq!(review(host).response.allowed, client_id != "my-app");
        assert_eq!(*asked.lock().expect("calls"), [false]);
    }
}

#[test]
fn another_service_account_than_the_one_that_was_asked_for() {
    for (field, value, found) in [
        ("name", json!("other"), "default/other"),
        ("namespace", json!("kube-system"), "kube-system/fed-sa"),
    ] {
        let mut object = service_account();
        object["metadata"][field] = value;
        cannot_read(
            answer(object.to_string()),
            &format!("the host's answer is ServiceAccount {found}; help: see PolicyServer's log"),
        );
    }
}
