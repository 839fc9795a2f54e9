//! ServiceAccounts on CREATE and UPDATE.

use super::*;

fn applied(operation: &str, labels: Value, annotations: Value) -> Case {
    let mut case = case();
    let object = service_account(labels, annotations);
    case.request["kind"] = json!({"group": "", "version": "v1", "kind": "ServiceAccount"});
    case.request["operation"] = operation.into();
    case.request["object"] = object;
    case
}

#[test]
fn good_ones_are_accepted_without_a_lookup() {
    for annotations in [
        json!({}),
        json!({keys::CLIENT_ID: CLIENT_ID, keys::TENANT_ID: "contoso.com", keys::TOKEN_EXPIRATION: "86400"}),
    ] {
        let case = applied("CREATE", json!({}), annotations);
        case.unchanged();
        case.asked(&[]);
    }
}

#[test]
fn a_client_id_that_pods_will_lack_is_warned_about() {
    const EMPTY: &str = "ServiceAccount default/fed-sa: annotation azure.workload.identity/client-id is empty, so AZURE_CLIENT_ID is not injected; help: set the annotation, or set the variable in the containers that need it";
    const REQUIRED: &str = "ServiceAccount default/fed-sa: annotation azure.workload.identity/client-id: required: expected the client ID of an Entra application or managed identity, a UUID, found nothing; help: add the annotation";
    let labelled = json!({keys::USE: "true"});
    for (opt_in, required, labels, annotations, warnings) in [
        (
            "PodLabel",
            false,
            json!({}),
            json!({keys::CLIENT_ID: ""}),
            &[EMPTY][..],
        ),
        (
            "PodLabel",
            false,
            json!({}),
            json!({keys::CLIENT_ID: null}),
            &[EMPTY],
        ),
        (
            "PodLabel",
            true,
            json!({}),
            json!({keys::CLIENT_ID: ""}),
            &[REQUIRED],
        ),
        (
            "PodLabel",
            true,
            json!({}),
            json!({keys::TENANT_ID: "contoso.com"}),
            &[],
        ),
        ("Either", true, labelled.clone(), json!({}), &[REQUIRED]),
        ("Either", false, labelled.clone(), json!({}), &[]),
        (
            "Either",
            true,
            labelled,
            json!({keys::CLIENT_ID: CLIENT_ID}),
            &[],
        ),
    ] {
        applied("CREATE", labels, annotations)
            .set("optIn", opt_in)
            .set("requireClientID", required)
            .warns(warnings);
    }
}

#[test]
fn every_malformed_value_is_rejected_at_once() {
    let annotations = json!({
        keys::CLIENT_ID: "my-app", keys::TENANT_ID: "common", keys::TOKEN_EXPIRATION: "1h",
    });
    for operation in ["CREATE", "UPDATE"] {
        let case = applied(operation, json!({}), annotations.clone());
        case.rejects(concat!(
            r#"ServiceAccount default/fed-sa: annotation azure.workload.identity/client-id: expected the client ID of an Entra application or managed identity, a UUID, found "my-app"; help: use the clientId that az identity show prints, not a name"#,
"\n",
            r#"ServiceAccount default/fed-sa: annotation azure.workload.identity/tenant-id: expected a tenant ID, a UUID or a verified domain name, found "common""#,
"\n",
            r#"ServiceAccount default/fed-sa: annotation azure.workload.identity/service-account-token-expiration: expected a whole number of seconds from 3600 to 86400, found "1h""#,
        ));
        let expected = [("service-account", "default/fed-sa")];
        assert_eq!(case.review().audit_annotations, owned(&expected));
    }
}

#[test]
fn malformed_ids_are_warnings_if_the_setting_says_so() {
    applied("CREATE", json!({}), json!({keys::CLIENT_ID: "my-app"}))
        .set("onMalformed", "Warn")
        .warns(&[r#"ServiceAccount default/fed-sa: annotation azure.workload.identity/client-id: expected the client ID of an Entra application or managed identity, a UUID, found "my-app"; help: use the clientId that az identity show prints, not a name"#]);
}

#[test]
fn an_update_that_leaves_ours_alone_is_accepted() {
    let annotations = json!({keys::CLIENT_ID: "my-app", "other": "new"});
    let mut case = applied("UPDATE", json!({}), annotations);
    let old = json!({keys::CLIENT_ID: "my-app", "other": "old"});
    case.request["oldObject"] = service_account(json!({}), old);
    case.unchanged();
    case.request["oldObject"] = service_account(json!({}), json!({keys::CLIENT_ID: CLIENT_ID}));
    assert!(case.review().is_rejection());
}

#[test]
fn one_that_is_being_deleted_is_accepted() {
    let mut case = applied("UPDATE", json!({}), json!({keys::CLIENT_ID: "my-app"}));
    case.object()["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z".into();
    case.object()["metadata"]["labels"] = json!({keys::USE: "true"});
    case.request["oldObject"] = service_account(json!({}), json!({keys::CLIENT_ID: "my-app"}));
    case.unchanged();
    // Pods can still be made for it.
    case.request["oldObject"] = service_account(json!({}), json!({keys::CLIENT_ID: CLIENT_ID}));
    assert!(case.review().is_rejection());
}

#[test]
fn stray_keys_are_warned_about() {
    applied(
        "CREATE",
        json!({keys::USE: "true", keys::CLIENT_ID: CLIENT_ID}),
        json!({"azure.workload.identity/clientid": CLIENT_ID, keys::SKIP_CONTAINERS: "app"}),
    )
    .warns(&[
        "ServiceAccount default/fed-sa: label azure.workload.identity/client-id has no effect; help: make it an annotation",
        "ServiceAccount default/fed-sa: label azure.workload.identity/use has no effect here; help: make it a label of the pods, or set optIn to ServiceAccountLabel",
        "ServiceAccount default/fed-sa: annotation azure.workload.identity/clientid is unknown; help: did you mean azure.workload.identity/client-id?",
        "ServiceAccount default/fed-sa: annotation azure.workload.identity/skip-containers has no effect here; help: make it an annotation of the pod",
    ]);
}

#[test]
fn the_label_is_at_home_where_it_opts_in_whatever_its_value() {
    for (value, warnings) in [
        ("true", &[][..]),
        ("", &[]),
        (
            "false",
            &[
                r#"ServiceAccount default/fed-sa: label azure.workload.identity/use opts its pods in whatever its value is, here "false"; help: remove it to stop opting them in"#,
            ],
        ),
    ] {
        applied("CREATE", json!({keys::USE: value}), json!({}))
            .set("optIn", "Either")
            .warns(warnings);
    }
}

#[test]
fn a_service_account_of_the_wrong_shape_is_rejected_with_the_path() {
    let mut case = applied("CREATE", json!({}), json!({}));
    case.object()["metadata"] = json!(5);
    case.rejects("ServiceAccount default/*: metadata: expected an object, found a number");
}
