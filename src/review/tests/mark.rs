//! The mark of an injected pod.

use super::*;

/// How many bytes the keys and values of all annotations may have in Kubernetes.
const LARGEST: usize = 262_144;

#[test]
fn annotations_never_become_larger_than_kubernetes_allows() {
    let own = json!([
        {"name": "AZURE_TENANT_ID", "value": "contoso.com"},
        {"name": "AZURE_FEDERATED_TOKEN_FILE", "value": V1_5_TOKEN_FILE},
        {"name": "AZURE_AUTHORITY_HOST", "value": "https://login.example/"},
    ]);
    let container = |index| json!({"name": format!("{index:063}"), "env": own});
    let containers: Vec<_> = (0..260).map(container).collect();
    let mut found = Vec::new();
    for filler in (205_000..LARGEST).step_by(400) {
        let case = case()
            .set("mark", true)
            .set("handOver", json!(["Dapr"]))
            .spec("containers", containers.clone().into())
            .annotate("dapr.io/enabled", "true")
            .annotate("example.com/filler", &"x".repeat(filler));
        let (pod, _) = case.mutates();
        let annotations = pod["metadata"]["annotations"]
            .as_object()
            .expect("annotations");
        let sizes = annotations
            .iter()
            .map(|(key, value)| key.len() + value.as_str().expect("a string").len());
        let size: usize = sizes.sum();
        assert!(size <= LARGEST, "{filler}: {size}");
        let has = |key| annotations.contains_key(key);
        found.push((has("dapr.io/env"), has(keys::MARK)));
    }
    found.dedup();
    assert_eq!(found, [(true, true), (true, false), (false, false)]);
}
