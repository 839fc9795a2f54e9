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
        json!({keys::CLIENT_ID: ""}),
    ] {
        let case = applied("CREATE", json!({}), annotations);
        case.unchanged();
        case.asked(&[]);
    }
}

#[test]
fn every_malformed_value_is_refused_at_once() {
    let annotations = json!({
        keys::CLIENT_ID: "my-app", keys::TENANT_ID: "common", keys::TOKEN_EXPIRATION: "1h",
    });
    for operation in ["CREATE", "UPDATE"] {
        let case = applied(operation, json!({}), annotations.clone());
        case.refuses(concat!(
            r#"ServiceAccount default/fed-sa: annotation azure.workload.identity/client-id: expected the client ID of an Entra application or managed identity, a UUID, found "my-app"; "#,
            r#"ServiceAccount default/fed-sa: annotation azure.workload.identity/tenant-id: expected a tenant ID, a UUID or a verified domain name, found "common"; "#,
            r#"ServiceAccount default/fed-sa: annotation azure.workload.identity/service-account-token-expiration: expected a whole number of seconds from 3600 to 86400, found "1h""#,
        ));
        let expected = [("service-account", "default/fed-sa")];
        assert_eq!(case.review().audit_annotations, owned(&expected));
    }
}

#[test]
fn malformed_ids_are_warnings_where_the_setting_says_so() {
    applied("CREATE", json!({}), json!({keys::CLIENT_ID: "my-app"}))
        .set("onMalformed", "Warn")
        .warns(&[r#"ServiceAccount default/fed-sa: annotation azure.workload.identity/client-id: expected the client ID of an Entra application or managed identity, a UUID, found "my-app""#]);
}

#[test]
fn an_update_that_leaves_ours_alone_is_accepted() {
    let annotations = json!({keys::CLIENT_ID: "my-app", "other": "new"});
    let mut case = applied("UPDATE", json!({}), annotations);
    let old = json!({keys::CLIENT_ID: "my-app", "other": "old"});
    case.request["oldObject"] = service_account(json!({}), old);
    case.unchanged();
    case.request["oldObject"] = service_account(json!({}), json!({keys::CLIENT_ID: CLIENT_ID}));
    assert!(case.review().is_refusal());
}

#[test]
fn one_that_is_being_deleted_is_accepted() {
    let mut case = applied("UPDATE", json!({}), json!({keys::CLIENT_ID: "my-app"}));
    case.object()["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z".into();
    case.unchanged();
}

#[test]
fn stray_keys_are_warned_about() {
    applied(
        "CREATE",
        json!({keys::USE: "true", keys::CLIENT_ID: CLIENT_ID}),
        json!({"azure.workload.identity/clientid": CLIENT_ID, keys::SKIP_CONTAINERS: "app"}),
    )
    .warns(&[
        "ServiceAccount default/fed-sa: label azure.workload.identity/client-id has no effect; make it an annotation",
        "ServiceAccount default/fed-sa: label azure.workload.identity/use has no effect here; make it a label of the pod",
        "ServiceAccount default/fed-sa: annotation azure.workload.identity/clientid is unknown; did you mean client-id?",
        "ServiceAccount default/fed-sa: annotation azure.workload.identity/skip-containers has no effect here; make it an annotation of the pod",
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
                r#"ServiceAccount default/fed-sa: label azure.workload.identity/use opts its pods in whatever its value: found "false"; remove it"#,
            ],
        ),
    ] {
        applied("CREATE", json!({keys::USE: value}), json!({}))
            .set("optIn", "Either")
            .warns(warnings);
    }
}

#[test]
fn what_is_none_is_refused_with_the_path() {
    let mut case = applied("CREATE", json!({}), json!({}));
    case.object()["metadata"] = json!(5);
    case.refuses("request.object.metadata: expected an object, found a number");
}
