//! Variables that containers set themselves.

use super::*;

#[test]
fn an_own_value_that_differs_from_the_identity_is_warned_about() {
    let own = json!([
        {"name": "AZURE_CLIENT_ID", "value": OTHER_ID},
        {"name": "AZURE_TENANT_ID", "value": "contoso.com"},
        {"name": "AZURE_FEDERATED_TOKEN_FILE", "value": "/token"},
        {"name": "AZURE_AUTHORITY_HOST", "value": "https://login.example/"},
    ]);
    let case = case().app("env", own.clone());
    let (pod, warnings) = case.mutates();
    assert_eq!(pod["spec"]["containers"][0]["env"], own);
    assert_eq!(
        warnings,
        [
            "Pod default/demo: container \"app\": env AZURE_CLIENT_ID: the container keeps its own value, which differs from that of the ServiceAccount; help: remove the variable from the container to use the pod's identity",
            "Pod default/demo: container \"app\": env AZURE_TENANT_ID: the container keeps its own value, which differs from that of setting azureTenantID; help: remove the variable from the container to use the pod's identity",
            "Pod default/demo: container \"app\": env AZURE_FEDERATED_TOKEN_FILE: the container keeps its own value, which differs from that of the token volume's mount; help: remove the variable from the container to use the pod's identity",
        ]
    );
    case.asked(&[("fed-sa", Freshness::Fresh)]);
}

#[test]
fn an_own_value_that_is_the_same_or_cannot_be_compared_is_not_warned_about() {
    let from = json!({"secretKeyRef": {"name": "s", "key": "k"}});
    let own = json!([
        {"name": "AZURE_CLIENT_ID", "value": CLIENT_ID},
        {"name": "AZURE_TENANT_ID", "valueFrom": from},
    ]);
    case().app("env", own).mutates_silently();
}

#[test]
fn an_own_value_that_is_empty_is_one_however_it_is_written() {
    for own in [
        json!({"name": "AZURE_CLIENT_ID"}),
        json!({"name": "AZURE_CLIENT_ID", "value": ""}),
        json!({"name": "AZURE_CLIENT_ID", "value": null, "valueFrom": null}),
    ] {
        let (_, warnings) = case().app("env", json!([own])).mutates();
        assert_eq!(
            warnings,
            [
                "Pod default/demo: container \"app\": env AZURE_CLIENT_ID: the container keeps its own value, which differs from that of the ServiceAccount; help: remove the variable from the container to use the pod's identity"
            ]
        );
    }
}

#[test]
fn ids_are_the_same_in_any_case() {
    let own = json!([
        {"name": "AZURE_CLIENT_ID", "value": CLIENT_ID.to_uppercase()},
        {"name": "AZURE_TENANT_ID", "value": TENANT_ID.to_uppercase()},
    ]);
    case().app("env", own).mutates_silently();
}

#[test]
fn of_two_values_the_last_counts() {
    let own = |first: &str, last: &str| {
        json!([
            {"name": "AZURE_CLIENT_ID", "value": first},
            {"name": "AZURE_CLIENT_ID", "value": last},
        ])
    };
    case()
        .app("env", own(OTHER_ID, CLIENT_ID))
        .mutates_silently();
    let (_, warnings) = case().app("env", own(CLIENT_ID, OTHER_ID)).mutates();
    assert_eq!(
        warnings,
        [
            "Pod default/demo: container \"app\": env AZURE_CLIENT_ID: the container keeps its own value, which differs from that of the ServiceAccount; help: remove the variable from the container to use the pod's identity"
        ]
    );
}

#[test]
fn an_empty_own_client_id_is_as_good_as_none() {
    let (_, warnings) = case()
        .service_account(json!({}), json!({}))
        .app("env", json!([{"name": "AZURE_CLIENT_ID", "value": ""}]))
        .mutates();
    assert_eq!(
        warnings,
        [
            "ServiceAccount default/fed-sa: annotation azure.workload.identity/client-id is not set, so AZURE_CLIENT_ID is not injected; help: set the annotation, or set the variable in the containers that need it"
        ]
    );
}

#[test]
fn a_reference_to_an_injected_variable_is_warned_about() {
    let own = json!([
        {"name": "ARM_CLIENT_ID", "value": "$(AZURE_CLIENT_ID)"},
        {"name": "ESCAPED", "value": "$$(AZURE_TENANT_ID)"},
        {"name": "AZURE_AUTHORITY_HOST", "value": "https://login.microsoftonline.com/"},
        {"name": "HOST", "value": "$(AZURE_AUTHORITY_HOST)"},
    ]);
    let (_, warnings) = case().app("env", own).mutates();
    assert_eq!(
        warnings,
        [
            "Pod default/demo: container \"app\": env \"ARM_CLIENT_ID\" refers to $(AZURE_CLIENT_ID), which is injected after it, so the reference stays as it is; help: use the injected variable itself, or refer to it in command or args"
        ]
    );
}

#[test]
fn a_value_never_refers_to_another_variable() {
    let (pod, _) = case()
        .set("onMalformed", "Warn")
        .service_account(json!({}), json!({keys::CLIENT_ID: "$(SECRET)$$x"}))
        .mutates();
    let env = &pod["spec"]["containers"][0]["env"];
    assert_eq!(env[0]["value"], "$$(SECRET)$$$$x");
    let mount = json!({"name": "azure-identity-token", "mountPath": "/t/$(HOME)"});
    let mut case = case()
        .spec("volumes", json!([v1_5_volume()]))
        .app("volumeMounts", json!([mount]));
    let pod = case.mutates_silently();
    let env = &pod["spec"]["containers"][0]["env"];
    assert_eq!(env[2]["value"], "/t/$$(HOME)/azure-identity-token");
    *case.object() = pod;
    case.unchanged();
}
