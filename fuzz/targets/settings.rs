//! Any string as settings: no panic, a reason for each rejection, and with accepted settings a pod gets its identity, once.

#![no_main]

use azure_workload_identity_policy::settings::{Mode, Settings};
use libfuzzer_sys::fuzz_target;
use serde_json::{Value, json};

use azure_workload_identity_policy_fuzz::cluster::Cluster;
use azure_workload_identity_policy_fuzz::generators::Decision;

fuzz_target!(|text: &str| {
    let settings = match Settings::validate(text) {
        Ok(settings) => settings,
        Err(faults) => {
            assert!(!faults.is_empty());
            return;
        }
    };
    // The host passes on what it has parsed, so only JSON without duplicate keys arrives.
    let Ok(given) = serde_json::from_str::<Value>(text) else {
        return;
    };
    let text = given.to_string();
    let Ok(read_again) = Settings::validate(&text) else {
        return;
    };
    let suffix = given.pointer("/customTokenEndpoint/annotationSuffix");
    let suffix = suffix.and_then(Value::as_str).unwrap_or_default();
    let mut pod = json!({
        "metadata": {
            "name": "demo",
            "labels": {"azure.workload.identity/use": "true"},
            "annotations": {
                "azure.workload.identity/inject-proxy-sidecar": "true",
                format!("azure.workload.identity/use-{suffix}"): "true",
            },
        },
        "spec": {"containers": [{"name": "app"}]},
    });
    let decide = |pod: &Value| {
        let request = json!({"kind": {"kind": "Pod"}, "operation": "CREATE", "namespace": "default", "object": pod});
        let payload = format!(r#"{{"settings":{text},"request":{request}}}"#);
        Decision::on(payload.as_bytes(), &Cluster::default())
    };
    let decision = decide(&pod);
    match &decision.mutated {
        Some(mutated) => pod = serde_json::from_str(mutated).expect("JSON"),
        None if decision.is_rejected
            && (read_again.mode == Mode::Verify || read_again.allowed_identities.is_some()) =>
        {
            return;
        }
        None => panic!("{decision:?} with {settings:?}"),
    }
    assert!(decide(&pod).is_unchanged(), "{pod}");
});
