//! What the built module makes of every fault of the one host call that it needs: the documented message, and a pod that
//! is refused as a whole.

mod module;

use std::{
    str,
    sync::{Arc, Mutex},
    thread,
    time::{Duration, Instant},
};

use policy_host::{
    capabilities::Capabilities,
    host_calls::{Answers, HostCalls},
    policy::{Policy, Review},
    request::AdmissionRequest,
    service_accounts::ServiceAccounts,
    settings::Settings,
};
use serde_json::{Value, json};

use module::MODULE;

const CLIENT_ID: &str = "8f1c2a7e-5d3b-4c59-9a57-0b6f4f0f9d11";
const TENANT_ID: &str = "72f988bf-86f1-41af-91ab-2d7cd011db47";

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
    let settings = Settings::from_value("settings", settings).expect("an object");
    let pod = json!({
        "metadata": {"name": "demo", "labels": {"azure.workload.identity/use": "true"}},
        "spec": {"serviceAccountName": "fed-sa", "containers": [{"name": "app"}]},
    });
    Policy::new(&MODULE, settings, host).review(&AdmissionRequest::pod_creation("default", pod))
}

/// A host that gives the answers in turn, and the order in which it was asked: whether an answer could be an old one.
fn answers<const N: usize>(
    answers: [Result<Vec<u8>, String>; N],
) -> (HostCalls, Arc<Mutex<Vec<bool>>>) {
    let asked = Arc::new(Mutex::new(Vec::new()));
    let calls = Arc::clone(&asked);
    let source = Answers::Source(Box::new(move |wanted| {
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

/// The pod is refused, nothing about it is changed, and the log says the same.
#[track_caller]
fn refuses(host: HostCalls, message: &str, code: u16) {
    let lines = Arc::new(Mutex::new(Vec::new()));
    let sink = Arc::clone(&lines);
    let host = host.with_log(Box::new(move |line| {
        sink.lock().expect("lines").push(line.to_owned());
    }));
    let Review { response, verdict } = review(host);
    assert_eq!((response.allowed, response.patch), (false, None));
    let status = response.status.expect("a status");
    assert_eq!(
        (status.message.as_deref(), status.code),
        (Some(message), Some(code))
    );
    assert_eq!(response.warnings, None);
    // A module that was interrupted says nothing of its own.
    if let Some(verdict) = verdict {
        assert_eq!(verdict.mutated_object, None);
        let lines = lines.lock().expect("lines");
        assert_eq!(lines.len(), 1);
        assert!(
            lines[0].starts_with(&format!("warning: {message}")),
            "{lines:?}"
        );
    }
}

#[track_caller]
fn cannot_read(host: HostCalls, why: &str) {
    let message = format!("ServiceAccount default/fed-sa: cannot be read: {why}");
    refuses(host, &message, 400);
}

#[track_caller]
fn is_no_service_account(host: HostCalls, why: &str) {
    cannot_read(
        host,
        &format!("the host's answer is no ServiceAccount: {why}; look at the log of PolicyServer"),
    );
}

/// The pod gets its whole identity, without a warning.
#[track_caller]
fn injects(host: HostCalls) {
    let Review { response, verdict } = review(host);
    assert!(response.allowed, "{response:?}");
    assert_eq!(response.warnings, None);
    let pod = verdict.expect("an answer").mutated_object.expect("a pod");
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
    let nobody = Answers::ServiceAccounts(ServiceAccounts::default());
    refuses(
        HostCalls::new(nobody).grant("v1", "ServiceAccount"),
        "ServiceAccount default/fed-sa: does not exist; create it, or correct spec.serviceAccountName",
        400,
    );
}

#[test]
fn no_permission_in_the_cluster() {
    cannot_read(
        error(
            r#"ApiError: serviceaccounts "fed-sa" is forbidden: User "system:serviceaccount:kubewarden:policy-server" cannot get resource "serviceaccounts" in API group "" in the namespace "default": Forbidden (ErrorResponse { status: "Failure", reason: "Forbidden", code: 403 })"#,
        ),
        "PolicyServer may not read ServiceAccounts; let the ServiceAccount of PolicyServer get, list and watch serviceaccounts, by a ClusterRole and a ClusterRoleBinding",
    );
}

#[test]
fn access_that_the_policy_was_not_granted() {
    cannot_read(
        HostCalls::new(Answers::ServiceAccounts(ServiceAccounts::new([
            service_account(),
        ]))),
        "the policy has no access to ServiceAccounts; list apiVersion v1, kind ServiceAccount under spec.contextAwareResources of the policy (kwctl: --allow-context-aware)",
    );
}

#[test]
fn a_host_capability_that_the_policy_was_not_granted() {
    let none = Capabilities::new::<&str>(&[]).expect("no capabilities");
    cannot_read(
        answer(service_account().to_string()).with_capabilities(none),
        "the policy has no access to the host capability kubernetes/get_resource; grant it where PolicyServer or kwctl restricts host capabilities",
    );
}

#[test]
fn no_cluster_at_all() {
    cannot_read(
        HostCalls::new(Answers::NoCluster).grant("v1", "ServiceAccount"),
        "the host has no connection to a cluster; look at the log of PolicyServer (kwctl: give a kubeconfig or --replay-host-capabilities-interactions)",
    );
}

#[test]
fn an_error_that_nobody_has_seen_before() {
    cannot_read(
        error("client error (Connect): deadline has elapsed\n\nStack backtrace:\n   0: anyhow"),
        r#"the host says "client error (Connect): deadline has elapsed"; check that it exists, that PolicyServer may get, list and watch serviceaccounts, and that spec.contextAwareResources of the policy lists apiVersion v1, kind ServiceAccount"#,
    );
    let long = format!("{:?}", format!("{}...", "é".repeat(60)));
    cannot_read(
        error(&"é".repeat(100_000)),
        &format!(
            "the host says {long}; check that it exists, that PolicyServer may get, list and watch serviceaccounts, and that spec.contextAwareResources of the policy lists apiVersion v1, kind ServiceAccount"
        ),
    );
}

#[test]
fn garbage() {
    for (garbage, why) in [
        (
            &b""[..],
            "expected JSON with a value at byte 0, found its end",
        ),
        (b"\xff\xfe\x00", "expected UTF-8 text"),
        (
            b"<html>",
            "expected JSON with a value at byte 0, found something else",
        ),
        (b"null", "expected an object, found null"),
        (b"\"fed-sa\"", "expected an object, found a string"),
        (b"[{}]", "expected an object, found a list"),
    ] {
        is_no_service_account(answer(garbage), why);
    }
    let nested = format!("{{\"metadata\":{}", r#"{"annotations":"#.repeat(100_000));
    is_no_service_account(
        answer(nested),
        "metadata: expected JSON with a closing bracket at byte 1500012, found its end",
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
            .strip_prefix("ServiceAccount default/fed-sa: cannot be read: the host's answer is no ServiceAccount: ")
            .and_then(|rest| rest.strip_suffix("; look at the log of PolicyServer"))
            .expect("the documented message");
        let (_, found) = why.rsplit_once(", found ").expect("what was found");
        assert!(
            ["its end", "nothing", "null"].contains(&found),
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
        (
            "/metadata/annotations/azure.workload.identity~1client-id",
            Value::Null,
            r#"metadata.annotations["azure.workload.identity/client-id"]: expected a string, found null"#,
        ),
    ] {
        let mut object = service_account();
        *object.pointer_mut(field).expect("a field") = value;
        is_no_service_account(answer(object.to_string()), why);
    }
    is_no_service_account(
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
fn a_slow_answer_is_waited_for_as_long_as_the_host_lets_a_policy_run() {
    let after = |pause| {
        let answer = service_account().to_string();
        let source = Answers::Source(Box::new(move |_| {
            thread::sleep(pause);
            Ok(answer.clone().into_bytes())
        }));
        HostCalls::new(source).grant("v1", "ServiceAccount")
    };
    injects(after(Duration::from_millis(500)));
    let start = Instant::now();
    refuses(
        after(Duration::from_millis(2500)),
        "Policy execution interrupted because it exceeded the allowed execution time",
        500,
    );
    assert!(start.elapsed() < Duration::from_secs(10));
}

/// ServiceAccounts that something is held against.
fn stale() -> [Value; 3] {
    ["my-app", "", "8f1c2a7e"].map(|client_id| {
        let mut object = service_account();
        object["metadata"]["annotations"]["azure.workload.identity/client-id"] = client_id.into();
        object
    })
}

#[test]
fn a_stale_answer_is_asked_for_again_and_the_fresh_one_counts() {
    for stale in stale() {
        let fresh = service_account().to_string().into_bytes();
        let (host, asked) = answers([Ok(stale.to_string().into_bytes()), Ok(fresh)]);
        injects(host);
        assert_eq!(*asked.lock().expect("calls"), [true, false]);
    }
}

#[test]
fn a_fault_of_the_second_look_counts_too() {
    for stale in stale() {
        let stale = stale.to_string().into_bytes();
        let gone = Err(
            "Cannot find v1/ServiceAccount named 'fed-sa' inside of namespace 'Some(\"default\")'"
                .to_owned(),
        );
        refuses(
            answers([Ok(stale.clone()), gone]).0,
            "ServiceAccount default/fed-sa: does not exist; create it, or correct spec.serviceAccountName",
            400,
        );
        is_no_service_account(
            answers([Ok(stale), Ok(b"{}".to_vec())]).0,
            "metadata: expected an object, found nothing",
        );
    }
}

#[test]
fn an_answer_without_fault_is_asked_for_once() {
    let (host, asked) = answers([Ok(service_account().to_string().into_bytes())]);
    injects(host);
    assert_eq!(*asked.lock().expect("calls"), [true]);
}
