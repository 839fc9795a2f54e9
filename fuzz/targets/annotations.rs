//! Any annotations and labels, of a pod and of its ServiceAccount: no panic, a second run changes nothing, and Verify
//! accepts what was injected.
//!
//! Each line is one of them: `p` or `s` for the pod or the ServiceAccount, `a` or `l` for annotation or label, then key, `=`
//! and value.

#![no_main]

use libfuzzer_sys::fuzz_target;
use serde_json::{Map, Value, json};

use azure_workload_identity_policy_fuzz::cluster::Cluster;
use azure_workload_identity_policy_fuzz::generators::Decision;

const ENDPOINT: &str = "azure.workload.identity/use-identity-binding";

fuzz_target!(|text: &str| {
    let mut of_pod = json!({"annotations": {}, "labels": {"azure.workload.identity/use": "true"}});
    let mut of_service_account = json!({"annotations": {}, "labels": {}});
    for line in text.lines() {
        let (entry, value) = line.split_once('=').unwrap_or((line, ""));
        let Some((kind, key)) = entry.split_at_checked(2) else {
            continue;
        };
        let metadata = if kind.starts_with('s') {
            &mut of_service_account
        } else {
            &mut of_pod
        };
        let field = if kind.ends_with('l') {
            "labels"
        } else {
            "annotations"
        };
        if let Some(entries) = metadata.get_mut(field).and_then(Value::as_object_mut) {
            // Short names for the known keys, so that mutations hit them.
            let key = match key.strip_prefix('/') {
                Some(name) => format!("azure.workload.identity/{name}"),
                None => key.to_owned(),
            };
            entries.insert(key, value.into());
        }
    }
    for on_malformed in ["Reject", "Warn"] {
        let settings = json!({
            "azureTenantID": "contoso.com",
            "onMalformed": on_malformed,
            "layout": "v1.6.1",
            "optIn": "Either",
            "customTokenEndpoint": {
                "annotationSuffix": ENDPOINT.strip_prefix("azure.workload.identity/use-"),
                "audience": "api://AKSIdentityBinding",
                "azureKubernetesCAConfigMapName": "ib-ca",
            },
        });
        decide(settings, &of_pod, &of_service_account);
    }
});

fn decide(mut settings: Value, of_pod: &Value, of_service_account: &Value) {
    let service_account = json!({"kind": "ServiceAccount", "metadata": of_service_account});
    let cluster = Cluster(of_service_account.as_object().cloned().unwrap_or_default());
    let mut kind = Map::new();
    let mut decide = |settings: &Value, name: &str, object: &Value| {
        kind.insert("kind".to_owned(), name.into());
        let request =
            json!({"kind": kind, "operation": "CREATE", "namespace": "default", "object": object});
        let payload = json!({"settings": settings, "request": request}).to_string();
        let decision = Decision::on(payload.as_bytes(), &cluster);
        serde_json::from_slice::<Value>(&decision.answer).expect("JSON");
        decision
    };
    decide(&settings, "ServiceAccount", &service_account);
    let pod =
        json!({"metadata": of_pod, "spec": {"containers": [{"name": "app"}, {"name": "sidecar"}]}});
    if let Some(pod) = decide(&settings, "Pod", &pod).mutated {
        let pod = serde_json::from_str(&pod).expect("JSON");
        assert!(decide(&settings, "Pod", &pod).is_unchanged(), "{pod}");
        settings["mode"] = "Verify".into();
        assert!(decide(&settings, "Pod", &pod).is_unchanged(), "{pod}");
    }
}
