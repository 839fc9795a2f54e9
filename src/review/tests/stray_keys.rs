//! Keys of ours that are misspelt or misplaced, on pods and on their ServiceAccounts.

use super::*;

impl Case {
    fn labels(mut self, labels: Value) -> Self {
        self.object()["metadata"]["labels"] = labels;
        self
    }
}

#[test]
fn an_opt_in_that_does_not_opt_in_is_warned_about() {
    for value in ["True", "yes", ""] {
        let case = case().labels(json!({keys::USE: value}));
        case.warns(&[&format!(
            r#"Pod default/demo: label azure.workload.identity/use has no effect: expected "true", found {value:?}; help: set it to "true" to opt in, or to "false" to opt out"#
        )]);
        case.asked(&[]);
    }
    case().labels(json!({keys::USE: "false"})).unchanged();
}

#[test]
fn an_opt_in_by_annotation_is_warned_about() {
    case()
        .labels(json!({}))
        .annotate(keys::USE, "true")
        .warns(&["Pod default/demo: annotation azure.workload.identity/use has no effect; help: make it a label"]);
}

#[test]
fn annotations_of_a_pod_that_does_not_opt_in_are_warned_about_once() {
    case()
        .labels(json!({}))
        .annotate(keys::SKIP_CONTAINERS, "app")
        .annotate(keys::TOKEN_EXPIRATION, "7200")
        .warns(&[r#"Pod default/demo: annotation azure.workload.identity/service-account-token-expiration has no effect without label azure.workload.identity/use: "true"; help: add the label, or remove the annotation"#]);
    case()
        .labels(json!({keys::USE: "false"}))
        .annotate(keys::SKIP_CONTAINERS, "app")
        .unchanged();
}

#[test]
fn unknown_and_misplaced_keys_of_a_pod_are_warned_about() {
    let (_, warnings) = case()
        .labels(json!({keys::USE: "true", keys::SKIP_CONTAINERS: "app"}))
        .annotate("azure.workload.identity/client_id", CLIENT_ID)
        .annotate("azure.workload.identity/client-id", CLIENT_ID)
        .annotate("azure.workload.identity/inject-proxy", "true")
        .annotate("azure.workload.identity/skip-container", "app")
        .annotate("azure.workload.identity/use-identity-binding", "true")
        .annotate("azure.workload.identity/something", "")
        .mutates();
    assert_eq!(
        warnings,
        [
            "Pod default/demo: label azure.workload.identity/skip-containers has no effect; help: make it an annotation",
            "Pod default/demo: annotation azure.workload.identity/client-id has no effect here; help: make it an annotation of the ServiceAccount",
            "Pod default/demo: annotation azure.workload.identity/client_id is unknown; help: did you mean azure.workload.identity/client-id, as an annotation of the ServiceAccount?",
            "Pod default/demo: annotation azure.workload.identity/inject-proxy is unknown; help: known are use, client-id, tenant-id, service-account-token-expiration, skip-containers, inject-proxy-sidecar, proxy-sidecar-port",
            "Pod default/demo: annotation azure.workload.identity/skip-container is unknown; help: did you mean azure.workload.identity/skip-containers?",
            "Pod default/demo: annotation azure.workload.identity/something is unknown; help: known are use, client-id, tenant-id, service-account-token-expiration, skip-containers, inject-proxy-sidecar, proxy-sidecar-port",
            "Pod default/demo: annotation azure.workload.identity/use-identity-binding is unknown: no custom token endpoint is configured under that suffix",
        ]
    );
}

#[test]
fn a_misspelt_client_id_is_one_warning() {
    let misspelt = json!({"azure.workload.identity/clientID": CLIENT_ID});
    let case = case().service_account(json!({}), misspelt);
    let (_, warnings) = case.mutates();
    assert_eq!(
        warnings,
        [
            "ServiceAccount default/fed-sa: annotation azure.workload.identity/clientID is unknown; help: did you mean azure.workload.identity/client-id?"
        ]
    );
    case.asked(&[("fed-sa", Freshness::Fresh)]);
}

#[test]
fn the_label_that_older_releases_wanted_on_the_service_account_is_not_warned_about_on_every_pod() {
    let labels = json!({keys::USE: "true"});
    case()
        .service_account(labels, json!({keys::CLIENT_ID: CLIENT_ID}))
        .mutates_silently();
}

#[test]
fn a_label_on_the_pod_is_warned_about_if_only_the_service_account_could_opt_in_and_does_not() {
    let case = case().set("optIn", "ServiceAccountLabel");
    case.warns(&["Pod default/demo: label azure.workload.identity/use has no effect because of setting optIn; help: label ServiceAccount default/fed-sa with it"]);
    case.asked(&[("fed-sa", Freshness::Fresh)]);
    case.service_account(
        json!({keys::USE: "true"}),
        json!({keys::CLIENT_ID: CLIENT_ID}),
    )
    .mutates_silently();
}

#[test]
fn an_identity_that_nobody_opts_in_to_is_warned_about() {
    for (opt_in, warning) in [
        (
            "ServiceAccountLabel",
            "Pod default/demo: gets no identity: ServiceAccount default/fed-sa has no label azure.workload.identity/use; help: add label azure.workload.identity/use: \"true\" to the ServiceAccount",
        ),
        (
            "Either",
            "Pod default/demo: gets no identity: neither it nor ServiceAccount default/fed-sa has label azure.workload.identity/use; help: add label azure.workload.identity/use: \"true\" to one of them",
        ),
    ] {
        let case = case().set("optIn", opt_in).labels(json!({}));
        case.warns(&[warning]);
        case.labels(json!({keys::USE: "false"})).unchanged();
    }
    case()
        .set("optIn", "Either")
        .labels(json!({}))
        .service_account(json!({}), json!({}))
        .unchanged();
}

#[test]
fn warnings_keep_to_what_kubernetes_passes_on() {
    let long = "x".repeat(300);
    let mut case = case();
    for number in 0..20 {
        let key = format!("azure.workload.identity/{long}{number:02}");
        case = case.annotate(&key, "");
    }
    let verdict = case.review();
    let json: Value = serde_json::from_slice(&verdict.to_json()).expect("JSON");
    let warnings = json["warnings"].as_array().expect("a list");
    assert_eq!(warnings.len(), 11);
    assert_eq!(warnings[10], "10 more warnings of this policy are left out");
    assert!(
        warnings
            .iter()
            .all(|warning| { warning.as_str().expect("a string").len() <= 256 })
    );
}

#[test]
fn false_on_the_pod_does_not_opt_out_what_its_service_account_opts_in() {
    let (_, warnings) = case()
        .set("optIn", "Either")
        .labels(json!({keys::USE: "false"}))
        .service_account(
            json!({keys::USE: "true"}),
            json!({keys::CLIENT_ID: CLIENT_ID}),
        )
        .mutates();
    assert_eq!(
        warnings,
        [
            r#"Pod default/demo: label azure.workload.identity/use: "false" does not opt out, because ServiceAccount default/fed-sa opts its pods in; help: use another ServiceAccount for this pod"#
        ]
    );
}

#[test]
fn null_is_an_empty_label_or_annotation() {
    case().labels(json!({keys::USE: null})).warns(&[
        r#"Pod default/demo: label azure.workload.identity/use has no effect: expected "true", found ""; help: set it to "true" to opt in, or to "false" to opt out"#,
    ]);
    let mut case = case();
    case.object()["metadata"]["annotations"] = json!({keys::TOKEN_EXPIRATION: null});
    case.mutates_silently();
}

#[test]
fn only_use_and_a_suffix_asks_for_a_token_endpoint() {
    let (_, warnings) = case()
        .annotate("azure.workload.identity/username", "x")
        .mutates();
    assert_eq!(
        warnings,
        [
            "Pod default/demo: annotation azure.workload.identity/username is unknown; help: known are use, client-id, tenant-id, service-account-token-expiration, skip-containers, inject-proxy-sidecar, proxy-sidecar-port"
        ]
    );
}
