//! Verify mode: nothing is mutated, and what lacks something is rejected.

use super::*;

fn verified() -> Case {
    case().set("mode", "Verify")
}

#[test]
fn what_is_injected_is_accepted() {
    for layout in ["v0.7", "v1.5", "v1.6.0", "v1.6.1"] {
        let mut case = case()
            .set("layout", layout)
            .annotate(keys::INJECT_PROXY_SIDECAR, "true");
        *case.object() = case.mutates_silently();
        case.set("mode", "Verify").unchanged();
    }
}

#[test]
fn what_lacks_everything_is_rejected_with_all_of_it() {
    let case = verified();
    case.rejects("Pod default/demo: container \"app\" lacks AZURE_CLIENT_ID, AZURE_TENANT_ID, AZURE_FEDERATED_TOKEN_FILE, AZURE_AUTHORITY_HOST and the mount of volume \"azure-identity-token\"\nPod default/demo: volume \"azure-identity-token\" is missing; help: re-create the pod while the policy that injects is in place");
    let annotations = case.review().audit_annotations;
    let identity = [
        ("service-account", "default/fed-sa"),
        ("client-id", CLIENT_ID),
        ("client-id-source", "ServiceAccount annotation"),
        ("tenant-id", TENANT_ID),
        ("tenant-id-source", "setting"),
    ];
    assert_eq!(annotations, owned(&identity));
}

#[test]
fn what_lacks_a_part_is_rejected_with_that_part() {
    let mut case = case();
    *case.object() = case.mutates_silently();
    let mut env = env(V1_5_TOKEN_FILE);
    env.as_array_mut().expect("a list").remove(0);
    let case = case.set("mode", "Verify").app("env", env);
    case.rejects("Pod default/demo: container \"app\" lacks AZURE_CLIENT_ID; help: re-create the pod while the policy that injects is in place");
}

#[test]
fn a_missing_proxy_and_an_outdated_volume_are_reasons() {
    let mut case = case()
        .set("layout", "v1.6.0")
        .service_account(json!({}), json!({keys::CLIENT_ID: CLIENT_ID}));
    *case.object() = case.mutates_silently();
    case.set("mode", "Verify")
        .set("audience", "api://other")
        .annotate(keys::INJECT_PROXY_SIDECAR, "true")
        .rejects("Pod default/demo: container azwi-proxy-init is missing\nPod default/demo: container azwi-proxy is missing\nPod default/demo: volume \"azure-workload-identity-reserved-2a97516c354b68848cdbd8f54a226a\" is out of date; help: re-create the pod while the policy that injects is in place");
}

#[test]
fn what_does_not_opt_in_is_accepted() {
    let mut case = verified();
    case.object()["metadata"]["labels"] = json!({});
    case.unchanged();
}

#[test]
fn skipped_containers_need_nothing() {
    let mut case = case().annotate(keys::SKIP_CONTAINERS, "app");
    *case.object() = case.mutates_silently();
    case.set("mode", "Verify").unchanged();
}

#[test]
fn other_reasons_come_first() {
    verified()
        .annotate(keys::TOKEN_EXPIRATION, "1h")
        .app("env", env(V1_5_TOKEN_FILE))
        .app("volumeMounts", json!([v1_5_mount()]))
        .spec("volumes", json!([v1_5_volume()]))
        .rejects(r#"Pod default/demo: annotation azure.workload.identity/service-account-token-expiration: expected a whole number of seconds from 3600 to 86400, found "1h""#);
}
