//! The decision as a whole, natively: each test is a claim about what comes out for what goes in.

use std::cell::RefCell;

use serde_json::{Value, json};

use super::*;
use crate::keys;
use crate::lens::Edited;
use crate::service_account::Freshness;

mod proxy;
mod service_accounts;
mod stray_keys;
mod token_endpoint;
mod verify;
mod workloads;

const CLIENT_ID: &str = "8f1c2a7e-5d3b-4c59-9a57-0b6f4f0f9d11";
const TENANT_ID: &str = "72f988bf-86f1-41af-91ab-2d7cd011db47";
const OTHER_ID: &str = "3b9d6f0a-1c2e-4d7b-8a90-5e4f3a2b1c0d";

/// A cluster whose host may answer from its cache, and which notes what it is asked.
struct Cluster {
    cached: Result<Value, String>,
    fresh: Result<Value, String>,
    asked: RefCell<Vec<(String, String, Freshness)>>,
}

impl ServiceAccounts for Cluster {
    fn get(&self, namespace: &str, name: &str, freshness: Freshness) -> Result<Vec<u8>, String> {
        let asked = (namespace.to_owned(), name.to_owned(), freshness);
        self.asked.borrow_mut().push(asked);
        let answer = match freshness {
            Freshness::Cached => &self.cached,
            Freshness::Fresh => &self.fresh,
        };
        answer.clone().map(|object| object.to_string().into_bytes())
    }
}

/// One admission request and the cluster around it.
struct Case {
    settings: Value,
    request: Value,
    cluster: Cluster,
}

/// A pod that opts in by label and has one container, its ServiceAccount with a client ID, and default settings.
fn case() -> Case {
    let service_account = service_account(json!({}), json!({keys::CLIENT_ID: CLIENT_ID}));
    Case {
        settings: json!({"azureTenantID": TENANT_ID}),
        request: json!({
            "uid": "u",
            "kind": {"group": "", "version": "v1", "kind": "Pod"},
            "operation": "CREATE",
            "namespace": "default",
            "object": {
                "apiVersion": "v1",
                "kind": "Pod",
                "metadata": {"name": "demo", "labels": {keys::USE: "true"}},
                "spec": {"serviceAccountName": "fed-sa", "containers": [{"name": "app"}]},
            },
        }),
        cluster: Cluster {
            cached: Ok(service_account.clone()),
            fresh: Ok(service_account),
            asked: RefCell::default(),
        },
    }
}

fn service_account(labels: Value, annotations: Value) -> Value {
    json!({
        "apiVersion": "v1",
        "kind": "ServiceAccount",
        "metadata": {"name": "fed-sa", "namespace": "default", "labels": labels, "annotations": annotations},
    })
}

fn env(token_file: &str) -> Value {
    json!([
        {"name": "AZURE_CLIENT_ID", "value": CLIENT_ID},
        {"name": "AZURE_TENANT_ID", "value": TENANT_ID},
        {"name": "AZURE_FEDERATED_TOKEN_FILE", "value": token_file},
        {"name": "AZURE_AUTHORITY_HOST", "value": "https://login.microsoftonline.com/"},
    ])
}

fn volume(name: &str, path: &str, expiration: u32) -> Value {
    let token = json!({
        "audience": "api://AzureADTokenExchange",
        "expirationSeconds": expiration,
        "path": path,
    });
    json!({"name": name, "projected": {"sources": [{"serviceAccountToken": token}]}})
}

const V1_5_TOKEN_FILE: &str = "/var/run/secrets/azure/tokens/azure-identity-token";

fn v1_5_mount() -> Value {
    json!({"name": "azure-identity-token", "mountPath": "/var/run/secrets/azure/tokens", "readOnly": true})
}

fn v1_5_volume() -> Value {
    volume("azure-identity-token", "azure-identity-token", 3600)
}

fn edited_text(edited: &Edited<'_>) -> String {
    let mut text = Vec::new();
    edited.write_to(&mut text);
    String::from_utf8(text).expect("text")
}

impl Case {
    fn set(mut self, setting: &str, value: impl Into<Value>) -> Self {
        self.settings[setting] = value.into();
        self
    }

    fn object(&mut self) -> &mut Value {
        &mut self.request["object"]
    }

    fn spec(mut self, field: &str, value: Value) -> Self {
        self.object()["spec"][field] = value;
        self
    }

    fn app(mut self, field: &str, value: Value) -> Self {
        self.object()["spec"]["containers"][0][field] = value;
        self
    }

    fn annotate(mut self, annotation: &str, value: &str) -> Self {
        self.object()["metadata"]["annotations"][annotation] = value.into();
        self
    }

    fn service_account(mut self, labels: Value, annotations: Value) -> Self {
        let service_account = service_account(labels, annotations);
        self.cluster.cached = Ok(service_account.clone());
        self.cluster.fresh = Ok(service_account);
        self
    }

    fn review(&self) -> Verdict<'static> {
        let mut payload = json!({"request": self.request, "settings": self.settings});
        // As the host does.
        payload.sort_all_objects();
        let payload = payload.to_string().into_bytes().leak();
        review(payload, &self.cluster)
    }

    /// The pod as it shall be, and the warnings.
    #[track_caller]
    fn mutates(&self) -> (Value, Vec<String>) {
        let verdict = self.review();
        match &verdict.outcome {
            Outcome::Mutated(pod) => (
                serde_json::from_str(&edited_text(pod)).expect("JSON"),
                verdict.warnings,
            ),
            _ => panic!("expected a mutation, found {verdict:?}"),
        }
    }

    /// The pod as it shall be, when there is nothing to warn about.
    #[track_caller]
    fn mutates_silently(&self) -> Value {
        let (pod, warnings) = self.mutates();
        assert_eq!(warnings, [""; 0]);
        pod
    }

    #[track_caller]
    fn unchanged(&self) {
        self.warns(&[]);
    }

    /// The object stays as it is, with these warnings.
    #[track_caller]
    fn warns(&self, warnings: &[&str]) {
        let verdict = self.review();
        assert_eq!(verdict.outcome, Outcome::Unchanged);
        assert_eq!(verdict.warnings, warnings);
        assert_eq!(verdict.audit_annotations, []);
    }

    #[track_caller]
    fn refuses(&self, message: &str) {
        self.refuses_and_warns(message, &[]);
    }

    #[track_caller]
    fn refuses_and_warns(&self, message: &str, warnings: &[&str]) {
        let verdict = self.review();
        let message = message.to_owned();
        assert_eq!(verdict.outcome, Outcome::Refused { message, code: 400 });
        assert_eq!(verdict.warnings, warnings);
    }

    #[track_caller]
    fn asked(&self, expected: &[(&str, Freshness)]) {
        let asked = self.cluster.asked.borrow();
        let asked: Vec<_> = asked
            .iter()
            .map(|(namespace, name, freshness)| {
                assert_eq!(namespace, "default");
                (name.as_str(), *freshness)
            })
            .collect();
        assert_eq!(asked, expected);
    }
}

#[test]
fn a_pod_that_opts_in_gets_env_mount_and_volume() {
    let mut case = case();
    let mut expected = case.object().clone();
    expected["spec"]["containers"][0]["env"] = env(V1_5_TOKEN_FILE);
    expected["spec"]["containers"][0]["volumeMounts"] = json!([v1_5_mount()]);
    expected["spec"]["volumes"] = json!([v1_5_volume()]);
    assert_eq!(case.mutates_silently(), expected);
    case.asked(&[("fed-sa", Freshness::Cached)]);
}

#[test]
fn each_layout_has_its_volume_mount_and_token_file() {
    const RESERVED: &str = "azure-workload-identity-reserved-2a97516c354b68848cdbd8f54a226a";
    for (layout, name, directory, path) in [
        (
            "v0.7",
            "azure-identity-token",
            "/var/run/secrets/tokens",
            "azure-identity-token",
        ),
        (
            "v1.5",
            "azure-identity-token",
            "/var/run/secrets/azure/tokens",
            "azure-identity-token",
        ),
        (
            "v1.6.0",
            RESERVED,
            "/var/run/secrets/azure/wi",
            "token/azure-identity-token",
        ),
        (
            "v1.6.1",
            RESERVED,
            "/var/run/secrets/azure/wi/2a97516c354b68848cdbd8f54a226a",
            "token/azure-identity-token",
        ),
    ] {
        let spec = &case().set("layout", layout).mutates_silently()["spec"];
        assert_eq!(
            spec["volumes"],
            json!([volume(name, path, 3600)]),
            "{layout}"
        );
        let app = &spec["containers"][0];
        let mount = json!({"name": name, "mountPath": directory, "readOnly": true});
        assert_eq!(app["volumeMounts"], json!([mount]), "{layout}");
        assert_eq!(app["env"], env(&format!("{directory}/{path}")), "{layout}");
    }
}

#[test]
fn opting_in_is_by_the_label_that_the_setting_says() {
    // Setting, label of the pod, label and annotation of the ServiceAccount; is the pod injected, is the host asked.
    for (opt_in, pod, label, annotation, injected, asked) in [
        ("PodLabel", Some("true"), None, None, true, true),
        ("PodLabel", Some("True"), Some("true"), None, false, false),
        ("PodLabel", Some(""), None, None, false, false),
        ("PodLabel", None, Some("true"), None, false, false),
        ("ServiceAccountLabel", None, Some("true"), None, true, true),
        ("ServiceAccountLabel", None, Some("false"), None, true, true),
        ("ServiceAccountLabel", None, Some(""), None, true, true),
        ("ServiceAccountLabel", None, None, Some(""), true, true),
        ("ServiceAccountLabel", Some("true"), None, None, false, true),
        ("Either", Some("true"), None, None, true, true),
        ("Either", Some("yes"), None, None, false, true),
        ("Either", None, Some("x"), None, true, true),
        ("Either", None, None, Some("true"), true, true),
        ("Either", None, None, None, false, true),
    ] {
        let mut labels = json!({});
        let mut annotations = json!({keys::CLIENT_ID: CLIENT_ID});
        if let Some(value) = label {
            labels[keys::USE] = value.into();
        }
        if let Some(value) = annotation {
            annotations[keys::USE] = value.into();
        }
        let mut case = case()
            .set("optIn", opt_in)
            .service_account(labels, annotations);
        case.object()["metadata"]["labels"] = match pod {
            Some(value) => json!({keys::USE: value}),
            None => Value::Null,
        };
        let claim = format!("{opt_in} {pod:?} {label:?} {annotation:?}");
        let is_injected = matches!(case.review().outcome, Outcome::Mutated(_));
        assert_eq!(is_injected, injected, "{claim}");
        assert_eq!(!case.cluster.asked.borrow().is_empty(), asked, "{claim}");
    }
}

#[test]
fn what_is_not_the_policys_business_is_accepted_without_a_look() {
    for (group, kind, operation) in [
        ("", "Pod", "UPDATE"),
        ("", "Pod", "DELETE"),
        ("", "Binding", "CREATE"),
        ("", "ServiceAccount", "DELETE"),
        ("apps", "Deployment", "DELETE"),
        ("apps", "Scale", "UPDATE"),
        ("example.com", "Pod", "CREATE"),
    ] {
        let mut case = case().set("azureTenantID", 5);
        case.request["kind"] = json!({"group": group, "version": "v1", "kind": kind});
        case.request["operation"] = operation.into();
        *case.object() = Value::Null;
        case.unchanged();
        case.asked(&[]);
    }
}

#[test]
fn a_pod_without_service_account_name_has_the_default_one() {
    for name in [Value::Null, json!("")] {
        let case = case().spec("serviceAccountName", name);
        case.mutates_silently();
        case.asked(&[("default", Freshness::Cached)]);
    }
    let mut case = case().spec("serviceAccount", json!("old-sa"));
    case.mutates_silently();
    case.asked(&[("fed-sa", Freshness::Cached)]);
    case.object()["spec"]["serviceAccountName"].take();
    case.mutates_silently();
    case.asked(&[("fed-sa", Freshness::Cached), ("old-sa", Freshness::Cached)]);
}

#[test]
fn init_containers_and_containers_are_injected_unless_skipped() {
    let case = case()
        .annotate(keys::SKIP_CONTAINERS, " sidecar ;setup;")
        .spec(
            "initContainers",
            json!([{"name": "setup"}, {"name": "migrate", "env": []}]),
        )
        .spec(
            "containers",
            json!([{"name": "app", "volumeMounts": []}, {"name": "sidecar"}]),
        );
    let spec = &case.mutates_silently()["spec"];
    let mounts = json!([v1_5_mount()]);
    assert_eq!(
        spec["initContainers"],
        json!([{"name": "setup"}, {"name": "migrate", "env": env(V1_5_TOKEN_FILE), "volumeMounts": mounts}])
    );
    assert_eq!(
        spec["containers"],
        json!([{"name": "app", "env": env(V1_5_TOKEN_FILE), "volumeMounts": mounts}, {"name": "sidecar"}])
    );
}

#[test]
fn the_volume_comes_even_where_all_containers_are_skipped() {
    let spec = &case()
        .annotate(keys::SKIP_CONTAINERS, "app")
        .mutates_silently()["spec"];
    assert_eq!(spec["containers"], json!([{"name": "app"}]));
    assert_eq!(spec["volumes"], json!([v1_5_volume()]));
}

#[test]
fn the_users_entries_stay_and_stay_first() {
    let data = json!({"name": "data", "emptyDir": {}});
    let data_mount = json!({"name": "data", "mountPath": "/var/run/secrets/azure"});
    let client_id = json!({"name": "AZURE_CLIENT_ID", "valueFrom": {"secretKeyRef": {"name": "s", "key": "k"}}});
    let host = json!({"name": "AZURE_AUTHORITY_HOST", "value": ""});
    let case = case()
        .spec("volumes", json!([data]))
        .app("volumeMounts", json!([data_mount]))
        .app("env", json!([client_id, host]));
    let spec = &case.mutates_silently()["spec"];
    assert_eq!(spec["volumes"], json!([data, v1_5_volume()]));
    let app = &spec["containers"][0];
    assert_eq!(app["volumeMounts"], json!([data_mount, v1_5_mount()]));
    let ours = env(V1_5_TOKEN_FILE);
    assert_eq!(app["env"], json!([client_id, host, ours[1], ours[2]]));
}

#[test]
fn null_lists_count_as_absent() {
    let case = case()
        .spec("volumes", Value::Null)
        .spec("initContainers", Value::Null)
        .app("env", Value::Null)
        .app("volumeMounts", Value::Null);
    let spec = &case.mutates_silently()["spec"];
    assert_eq!(spec["initContainers"], Value::Null);
    assert_eq!(spec["volumes"], json!([v1_5_volume()]));
    assert_eq!(spec["containers"][0]["env"], env(V1_5_TOKEN_FILE));
    assert_eq!(spec["containers"][0]["volumeMounts"], json!([v1_5_mount()]));
}

#[test]
fn what_the_policy_does_not_know_comes_out_to_the_letter() {
    let text = r#"{"metadata":{"name":"demo","labels":{"azure.workload.identity/use":"true"},"new":{"x":[null]}} , "spec":{
        "containers":[{"name":"app", "resources":{"limits":{"cpu":1.50e0,"big":123456789012345678901234567890}},"caf\u00e9":"\u0041"}],
        "serviceAccountName":"fed-sa","resources":{ }},"future":true}"#;
    let payload = format!(
        r#"{{"settings":{{"azureTenantID":"{TENANT_ID}"}},"request":{{"namespace":"default","kind":{{"kind":"Pod"}},"operation":"CREATE","object":{text}}}}}"#
    );
    let added = format!(
        r#","env":{},"volumeMounts":[{{"mountPath":"/var/run/secrets/azure/tokens","name":"azure-identity-token","readOnly":true}}]"#,
        env(V1_5_TOKEN_FILE)
    );
    let volumes = r#","volumes":[{"name":"azure-identity-token","projected":{"sources":[{"serviceAccountToken":{"audience":"api://AzureADTokenExchange","expirationSeconds":3600,"path":"azure-identity-token"}}]}}]"#;
    let expected = text
        .replace(r#""\u0041"}"#, &format!(r#""\u0041"{added}}}"#))
        .replace(
            r#""resources":{ }}"#,
            &format!(r#""resources":{{ }}{volumes}}}"#),
        );
    match review(payload.as_bytes(), &case().cluster).outcome {
        Outcome::Mutated(pod) => assert_eq!(edited_text(&pod), expected),
        other => panic!("expected a mutation, found {other:?}"),
    }
}

#[test]
fn a_second_run_changes_nothing_whatever_the_pods_name_is_by_then() {
    for layout in ["v0.7", "v1.5", "v1.6.0", "v1.6.1"] {
        let mut case = case().set("layout", layout);
        *case.object() = case.mutates_silently();
        case.unchanged();
        case.object()["metadata"]["name"] = "renamed".into();
        case.unchanged();
        case.object()["metadata"]["name"].take();
        case.object()["metadata"]["generateName"] = "renamed-".into();
        case.unchanged();
    }
}

#[test]
fn a_container_that_came_later_shares_the_volume() {
    for layout in ["v0.7", "v1.5", "v1.6.0", "v1.6.1"] {
        let mut case = case().set("layout", layout);
        let first = case.mutates_silently();
        *case.object() = first.clone();
        case.object()["metadata"]["name"] = "renamed".into();
        let containers = case.object()["spec"]["containers"].as_array_mut();
        containers
            .expect("containers")
            .push(json!({"name": "late"}));
        let mut late = first["spec"]["containers"][0].clone();
        late["name"] = "late".into();
        let second = case.mutates_silently();
        assert_eq!(
            second["spec"]["containers"],
            json!([first["spec"]["containers"][0], late])
        );
        assert_eq!(
            second["spec"]["volumes"], first["spec"]["volumes"],
            "{layout}"
        );
    }
}

#[test]
fn a_mounted_token_volume_is_used_where_it_is_mounted() {
    let mount = json!({"name": "azure-identity-token", "mountPath": "/tokens/"});
    let app = &case()
        .app("volumeMounts", json!([mount]))
        .mutates_silently()["spec"]["containers"][0];
    assert_eq!(app["volumeMounts"], json!([mount]));
    assert_eq!(app["env"], env("/tokens/azure-identity-token"));
}

#[test]
fn a_part_of_the_token_volume_is_not_the_token_volume() {
    let part = json!({"name": "azure-identity-token", "mountPath": "/token", "subPath": "azure-identity-token"});
    let app =
        &case().app("volumeMounts", json!([part])).mutates_silently()["spec"]["containers"][0];
    assert_eq!(app["volumeMounts"], json!([part, v1_5_mount()]));
    assert_eq!(app["env"], env(V1_5_TOKEN_FILE));
}

#[test]
fn a_token_volume_under_a_name_of_the_users_is_used_up_to_v1_5() {
    let own = json!({"name": "own", "projected": {"sources": [
        {"configMap": {"name": "x"}},
        {"serviceAccountToken": {"path": "azure-identity-token", "audience": "api://AzureADTokenExchange"}},
    ]}});
    let spec = &case().spec("volumes", json!([own])).mutates_silently()["spec"];
    assert_eq!(spec["volumes"], json!([own]));
    let mount =
        json!({"name": "own", "mountPath": "/var/run/secrets/azure/tokens", "readOnly": true});
    assert_eq!(spec["containers"][0]["volumeMounts"], json!([mount]));
}

#[test]
fn from_v1_6_on_only_a_reserved_volume_is_the_token_volume_and_it_is_kept_up_to_date() {
    let path = "token/azure-identity-token";
    let own = volume("own", path, 3600);
    let spec = &case()
        .set("layout", "v1.6.0")
        .spec("volumes", json!([own]))
        .mutates_silently()["spec"];
    assert_eq!(spec["volumes"].as_array().map(Vec::len), Some(2));

    let name = "azure-workload-identity-reserved-0123456789abcdef0123456789abcd";
    let mut case = case()
        .set("layout", "v1.6.0")
        .set("audience", "api://other")
        .annotate(keys::TOKEN_EXPIRATION, "7200")
        .spec("volumes", json!([volume(name, path, 3600)]));
    let pod = case.mutates_silently();
    let mut expected = volume(name, path, 7200);
    expected["projected"]["sources"][0]["serviceAccountToken"]["audience"] = "api://other".into();
    assert_eq!(pod["spec"]["volumes"], json!([expected]));
    *case.object() = pod;
    case.unchanged();
}

#[test]
fn refuses_another_volume_of_the_token_volumes_name() {
    for other in [
        json!({"name": "azure-identity-token", "emptyDir": {}}),
        volume("azure-identity-token", "token", 3600),
    ] {
        case().spec("volumes", json!([{"name": "data"}, other])).refuses(
            "Pod default/demo: spec.volumes[1]: expected the token volume under the name azure-identity-token, found another volume; rename that one",
        );
    }
}

#[test]
fn refuses_a_mount_where_the_token_volume_goes() {
    for (path, layout, directory) in [
        (
            "/var/run/secrets/azure/tokens",
            "v1.5",
            "/var/run/secrets/azure/tokens",
        ),
        (
            "/var/run//secrets/azure/./tokens/",
            "v1.5",
            "/var/run/secrets/azure/tokens",
        ),
        (
            "/var/run/secrets/azure/tokens/more",
            "v1.5",
            "/var/run/secrets/azure/tokens",
        ),
        (
            "var/run/secrets/azure/tokens",
            "v1.5",
            "/var/run/secrets/azure/tokens",
        ),
        ("/var/run/secrets/tokens", "v0.7", "/var/run/secrets/tokens"),
    ] {
        case()
            .set("layout", layout)
            .spec("initContainers", json!([{"name": "setup"}]))
            .app("volumeMounts", json!([{"name": "data", "mountPath": path}]))
            .refuses(&format!(
                "Pod default/demo: container app: spec.containers[0].volumeMounts: volume data is mounted at {path}, where the token volume goes ({directory}); mount it elsewhere, or list the container in annotation azure.workload.identity/skip-containers"
            ));
    }
    for path in [
        "/var/run/secrets/azure",
        "/var/run/secrets/azure/tokens2",
        "/",
    ] {
        case()
            .app("volumeMounts", json!([{"name": "data", "mountPath": path}]))
            .mutates_silently();
    }
}

#[test]
fn the_service_account_says_client_and_tenant() {
    for (tenant, expected) in [
        (OTHER_ID, OTHER_ID),
        ("contoso.com", "contoso.com"),
        ("", TENANT_ID),
    ] {
        let annotations = json!({keys::CLIENT_ID: CLIENT_ID, keys::TENANT_ID: tenant});
        let pod = case()
            .service_account(json!({}), annotations)
            .mutates_silently();
        assert_eq!(pod["spec"]["containers"][0]["env"][1]["value"], expected);
    }
}

#[test]
fn the_expiration_is_the_pods_else_the_service_accounts_else_the_settings() {
    for (pod, service_account, expected) in [
        (Some("3600"), Some("7200"), 3600),
        (Some(""), Some("7200"), 7200),
        (None, Some("86400"), 86400),
        (None, Some(""), 5400),
        (None, None, 5400),
    ] {
        let mut case = case().set("defaultTokenExpirationSeconds", 5400);
        if let Some(value) = service_account {
            let annotations = json!({keys::CLIENT_ID: CLIENT_ID, keys::TOKEN_EXPIRATION: value});
            case = case.service_account(json!({}), annotations);
        }
        if let Some(value) = pod {
            case = case.annotate(keys::TOKEN_EXPIRATION, value);
        }
        let volumes = &case.mutates_silently()["spec"]["volumes"];
        let expected = volume("azure-identity-token", "azure-identity-token", expected);
        assert_eq!(*volumes, json!([expected]), "{pod:?} {service_account:?}");
    }
}

#[test]
fn an_expiration_that_is_none_is_refused_whatever_the_setting() {
    for value in [
        "3599",
        "86401",
        "1h",
        "-1",
        "3600.5",
        " 3600",
        "9223372036854775808",
    ] {
        let message = format!(
            "annotation azure.workload.identity/service-account-token-expiration: expected a whole number of seconds from 3600 to 86400, found {value:?}{}",
            if value == " 3600" {
                "; remove the white space around it"
            } else {
                ""
            }
        );
        for on_malformed in ["Reject", "Warn"] {
            case()
                .set("onMalformed", on_malformed)
                .annotate(keys::TOKEN_EXPIRATION, value)
                .refuses(&format!("Pod default/demo: {message}"));
            case()
                .set("onMalformed", on_malformed)
                .service_account(
                    json!({}),
                    json!({keys::CLIENT_ID: CLIENT_ID, keys::TOKEN_EXPIRATION: value}),
                )
                .refuses(&format!("ServiceAccount default/fed-sa: {message}"));
        }
    }
}

#[test]
fn malformed_values_are_refused_all_at_once() {
    case()
        .annotate(keys::SKIP_CONTAINERS, "app,sidecar")
        .annotate(keys::TOKEN_EXPIRATION, "1h")
        .service_account(json!({}), json!({keys::CLIENT_ID: "my-app", keys::TENANT_ID: "common"}))
        .refuses(concat!(
            r#"Pod default/demo: annotation azure.workload.identity/skip-containers: expected a container name: at most 63 lower-case letters, digits and inner hyphens, found "app,sidecar"; separate names with ";"; "#,
            r#"Pod default/demo: annotation azure.workload.identity/service-account-token-expiration: expected a whole number of seconds from 3600 to 86400, found "1h"; "#,
            r#"ServiceAccount default/fed-sa: annotation azure.workload.identity/client-id: expected the client ID of an Entra application or managed identity, a UUID, found "my-app"; "#,
            r#"ServiceAccount default/fed-sa: annotation azure.workload.identity/tenant-id: expected a tenant ID, a UUID or a verified domain name, found "common""#,
        ));
}

#[test]
fn malformed_values_are_used_as_written_with_warnings_where_the_setting_says_so() {
    let (pod, warnings) = case()
        .set("onMalformed", "Warn")
        .annotate(keys::SKIP_CONTAINERS, "App")
        .service_account(
            json!({}),
            json!({keys::CLIENT_ID: "my-app", keys::TENANT_ID: "common"}),
        )
        .mutates();
    let env = &pod["spec"]["containers"][0]["env"];
    assert_eq!(env[0]["value"], "my-app");
    assert_eq!(env[1]["value"], "common");
    assert_eq!(
        warnings,
        [
            r#"Pod default/demo: annotation azure.workload.identity/skip-containers: expected a container name: at most 63 lower-case letters, digits and inner hyphens, found "App""#,
            r#"ServiceAccount default/fed-sa: annotation azure.workload.identity/client-id: expected the client ID of an Entra application or managed identity, a UUID, found "my-app""#,
            r#"ServiceAccount default/fed-sa: annotation azure.workload.identity/tenant-id: expected a tenant ID, a UUID or a verified domain name, found "common""#,
        ]
    );
}

#[test]
fn names_in_skip_containers_that_no_container_has_are_warned_about() {
    let (_, warnings) = case()
        .annotate(keys::SKIP_CONTAINERS, "sidecr; envoy; sidecar; sidecar")
        .spec("containers", json!([{"name": "app"}, {"name": "sidecar"}]))
        .mutates();
    assert_eq!(
        warnings,
        [
            r#"Pod default/demo: annotation azure.workload.identity/skip-containers: the pod has no container "sidecr"; did you mean sidecar?"#,
            r#"Pod default/demo: annotation azure.workload.identity/skip-containers: the pod has no container "envoy""#,
            r#"Pod default/demo: annotation azure.workload.identity/skip-containers: "sidecar" stands in it twice"#,
        ]
    );
}

#[test]
fn a_name_that_stands_twice_in_skip_containers_is_one_name() {
    let verdict = case()
        .annotate(keys::SKIP_CONTAINERS, "sidecar;app;sidecar")
        .spec("containers", json!([{"name": "app"}, {"name": "sidecar"}]))
        .review();
    assert_eq!(
        verdict.audit_annotations.last(),
        Some(&("skipped", "sidecar,app".into()))
    );
}

#[test]
fn a_refusal_tells_twenty_reasons_at_most() {
    let names: Vec<_> = (0..25).map(|number| format!("A{number}")).collect();
    let reasons: Vec<_> = names[..20]
        .iter()
        .map(|name| format!(r#"Pod default/demo: annotation azure.workload.identity/skip-containers: expected a container name: at most 63 lower-case letters, digits and inner hyphens, found "{name}""#))
        .collect();
    case()
        .annotate(keys::SKIP_CONTAINERS, &names.join(";"))
        .refuses(&format!(
            "{}; 5 more reasons are left out",
            reasons.join("; ")
        ));
}

#[test]
fn a_missing_client_id_is_a_warning_after_a_second_look() {
    for annotations in [json!({}), json!({keys::CLIENT_ID: ""})] {
        let case = case().service_account(json!({}), annotations);
        let (pod, warnings) = case.mutates();
        let mut expected = env(V1_5_TOKEN_FILE);
        expected.as_array_mut().expect("a list").remove(0);
        assert_eq!(pod["spec"]["containers"][0]["env"], expected);
        let warning = "ServiceAccount default/fed-sa: annotation azure.workload.identity/client-id is not set, so AZURE_CLIENT_ID is not injected";
        assert_eq!(warnings, [warning]);
        case.asked(&[("fed-sa", Freshness::Cached), ("fed-sa", Freshness::Fresh)]);
    }
}

#[test]
fn a_missing_client_id_is_no_trouble_where_every_container_has_its_own() {
    let own = json!([{"name": "AZURE_CLIENT_ID", "value": OTHER_ID}]);
    let case = case().service_account(json!({}), json!({})).app("env", own);
    case.mutates_silently();
    case.asked(&[("fed-sa", Freshness::Cached)]);
}

#[test]
fn a_missing_client_id_is_refused_where_the_setting_says_so() {
    let case = case()
        .set("requireClientID", true)
        .service_account(json!({}), json!({}));
    case.refuses("ServiceAccount default/fed-sa: annotation azure.workload.identity/client-id: required: expected the client ID of an Entra application or managed identity, a UUID, found nothing");
    case.asked(&[("fed-sa", Freshness::Cached), ("fed-sa", Freshness::Fresh)]);
}

#[test]
fn a_stale_answer_is_not_held_against_the_service_account() {
    for stale in [
        json!({}),
        json!({keys::CLIENT_ID: "my-app"}),
        json!({keys::TENANT_ID: "common"}),
    ] {
        let mut case = case();
        case.cluster.cached = Ok(service_account(json!({}), stale));
        let pod = case.mutates_silently();
        assert_eq!(pod["spec"]["containers"][0]["env"], env(V1_5_TOKEN_FILE));
        case.asked(&[("fed-sa", Freshness::Cached), ("fed-sa", Freshness::Fresh)]);
    }
}

#[test]
fn what_is_wrong_with_the_pod_alone_takes_no_second_look() {
    let case = case().annotate(keys::TOKEN_EXPIRATION, "1h");
    assert!(case.review().is_refusal());
    case.asked(&[("fed-sa", Freshness::Cached)]);
}

#[test]
fn a_service_account_that_cannot_be_read_is_a_refusal() {
    let missing =
        r#"Cannot find v1/ServiceAccount named 'fed-sa' inside of namespace 'Some("default")'"#;
    let message = "ServiceAccount default/fed-sa: does not exist; create it, or correct spec.serviceAccountName";
    let mut first = case();
    first.cluster.cached = Err(missing.to_owned());
    first.refuses(message);
    first.asked(&[("fed-sa", Freshness::Cached)]);

    let mut second = case().service_account(json!({}), json!({}));
    second.cluster.fresh = Err(missing.to_owned());
    second.refuses(message);
}

#[test]
fn settings_that_are_not_valid_refuse_with_every_fault() {
    let case = case().set("layuot", "v1.5").set("optIn", 5);
    let verdict = Verdict::new(Outcome::Refused {
        message: "the policy's settings are not valid: layuot: unknown setting: did you mean layout?; optIn: expected one of PodLabel, ServiceAccountLabel, Either, found 5".to_owned(),
        code: 500,
    });
    assert_eq!(case.review(), verdict);
}

#[test]
fn a_pod_that_is_no_pod_is_refused_with_the_path() {
    for (object, message) in [
        (Value::Null, "request.object: expected a Pod, found null"),
        (json!([]), "request.object: expected a Pod, found a list"),
        (
            json!({"metadata": {"labels": {keys::USE: true}}}),
            r#"request.object.metadata.labels["azure.workload.identity/use"]: expected a string, found a boolean"#,
        ),
    ] {
        let mut case = case();
        *case.object() = object;
        case.refuses(message);
    }
    for (field, value, message) in [
        (
            "containers",
            json!(null),
            "spec.containers: expected a list of containers, found null",
        ),
        (
            "containers",
            json!({}),
            "spec.containers: expected a list of containers, found an object",
        ),
        (
            "containers",
            json!([5]),
            "spec.containers[0]: expected a container, found a number",
        ),
        (
            "containers",
            json!([null]),
            "spec.containers[0]: expected a container, found null",
        ),
        (
            "containers",
            json!([{}]),
            "spec.containers[0].name: expected a name, found nothing",
        ),
        (
            "initContainers",
            json!([{"name": "a", "env": [{"name": "SECRET"}, {"value": "secret"}]}]),
            "spec.initContainers[0].env[1].name: expected a name, found nothing",
        ),
        (
            "initContainers",
            json!([{"name": "a", "volumeMounts": [{"name": "b"}]}]),
            "spec.initContainers[0].volumeMounts[0].mountPath: expected a path, found nothing",
        ),
        (
            "volumes",
            json!([{}]),
            "spec.volumes[0].name: expected a name, found nothing",
        ),
        (
            "volumes",
            json!([{"name": "a", "projected": {"sources": [{"serviceAccountToken": {}}]}}]),
            "spec.volumes[0].projected.sources[0].serviceAccountToken.path: expected a path, found nothing",
        ),
        (
            "serviceAccountName",
            json!(5),
            "spec.serviceAccountName: expected a name, found a number",
        ),
    ] {
        case()
            .spec(field, value)
            .refuses(&format!("Pod default/demo: {message}"));
    }
    let mut case = case();
    case.object()["spec"].take();
    case.refuses("Pod default/demo: spec: expected an object, found null");
    case.object().as_object_mut().expect("a pod").remove("spec");
    case.refuses("Pod default/demo: spec: expected an object, found nothing");
}

#[test]
fn a_request_that_is_none_is_refused() {
    let cluster = case().cluster;
    for (payload, message) in [
        (
            &b"\xff"[..],
            "expected an admission request, found bytes that are no UTF-8",
        ),
        (b"", "expected an object, found nothing"),
        (
            b"{}",
            "request: expected an admission request with kind and operation, found none",
        ),
    ] {
        assert_eq!(review(payload, &cluster), Verdict::reject(message));
    }
    let mut case = case();
    case.request["namespace"].take();
    case.refuses("request.namespace: expected the pod's namespace, found nothing");
}

#[test]
fn an_own_value_that_keeps_the_identity_out_is_warned_about_after_a_second_look() {
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
            "Pod default/demo: container app: env AZURE_CLIENT_ID keeps the value that the container sets, not that of the ServiceAccount",
            "Pod default/demo: container app: env AZURE_TENANT_ID keeps the value that the container sets, not that of setting azureTenantID",
            "Pod default/demo: container app: env AZURE_FEDERATED_TOKEN_FILE keeps the value that the container sets, not that of the token volume's mount",
        ]
    );
    case.asked(&[("fed-sa", Freshness::Cached), ("fed-sa", Freshness::Fresh)]);
}

#[test]
fn an_own_value_that_is_the_same_or_cannot_be_compared_is_no_warning() {
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
                "Pod default/demo: container app: env AZURE_CLIENT_ID keeps the value that the container sets, not that of the ServiceAccount"
            ]
        );
    }
}

#[test]
fn a_mirror_pod_is_left_alone() {
    // Kubernetes lets no mirror pod have a ServiceAccount token.
    let case = case().annotate("kubernetes.io/config.mirror", "0123");
    case.unchanged();
    case.asked(&[]);
}

#[test]
fn a_token_volume_for_another_audience_is_kept_and_told() {
    for token in [
        json!({"path": "azure-identity-token", "expirationSeconds": 3600}),
        json!({"path": "azure-identity-token", "audience": "https://vault.example"}),
    ] {
        let volumes =
            json!([{"name": "mine", "projected": {"sources": [{"serviceAccountToken": token}]}}]);
        let (pod, warnings) = case().spec("volumes", volumes.clone()).mutates();
        assert_eq!(pod["spec"]["volumes"], volumes);
        assert_eq!(
            warnings,
            [
                "Pod default/demo: spec.volumes[0]: keeps a token for another audience than api://AzureADTokenExchange; remove this volume, and the policy adds its own"
            ]
        );
    }
}

#[test]
fn the_audit_log_tells_the_identity_and_the_containers() {
    let verdict = case()
        .spec("containers", json!([{"name": "app"}, {"name": "sidecar"}]))
        .spec("initContainers", json!([{"name": "init"}]))
        .annotate(keys::SKIP_CONTAINERS, "sidecar;envoy")
        .review();
    let expected = [
        ("service-account", "default/fed-sa"),
        ("client-id", CLIENT_ID),
        ("client-id-source", "ServiceAccount annotation"),
        ("tenant-id", TENANT_ID),
        ("tenant-id-source", "setting"),
        ("injected", "init,app"),
        ("skipped", "sidecar"),
    ];
    assert_eq!(verdict.audit_annotations, owned(&expected));
}

fn owned(annotations: &[(&'static str, &str)]) -> Vec<crate::audit::Annotation> {
    annotations
        .iter()
        .map(|(key, value)| (*key, (*value).to_owned().into()))
        .collect()
}

#[test]
fn the_audit_log_tells_the_identity_of_a_refusal_as_far_as_it_is_known() {
    let annotations = json!({keys::CLIENT_ID: "my-app", keys::TENANT_ID: "contoso.com"});
    let known = case().service_account(json!({}), annotations).review();
    let expected = [
        ("service-account", "default/fed-sa"),
        ("client-id", "my-app"),
        ("client-id-source", "ServiceAccount annotation"),
        ("tenant-id", "contoso.com"),
        ("tenant-id-source", "ServiceAccount annotation"),
    ];
    assert_eq!(known.audit_annotations, owned(&expected));
    let mut unknown = case();
    unknown.cluster.cached = Err("no connection".to_owned());
    let expected = [("service-account", "default/fed-sa")];
    assert_eq!(unknown.review().audit_annotations, owned(&expected));
    assert_eq!(
        case()
            .spec("containers", json!(5))
            .review()
            .audit_annotations,
        []
    );
}

#[test]
fn the_subject_is_known_for_the_log() {
    let subject = case().review().subject;
    assert_eq!(subject, Some(ObjectName::new("Pod", "default", "demo")));
}

#[test]
fn of_two_reserved_volumes_the_first_counts_whatever_the_pods_name() {
    const FIRST: &str = "azure-workload-identity-reserved-000000000000000000000000000000";
    const USUAL: &str = "azure-workload-identity-reserved-2a97516c354b68848cdbd8f54a226a";
    let path = "token/azure-identity-token";
    let volumes = json!([volume(FIRST, path, 3600), volume(USUAL, path, 3600)]);
    let mut case = case()
        .set("layout", "v1.6.1")
        .spec("volumes", volumes.clone());
    let mut pod = case.mutates_silently();
    assert_eq!(pod["spec"]["volumes"], volumes);
    let directory = "/var/run/secrets/azure/wi/000000000000000000000000000000";
    assert_eq!(
        pod["spec"]["containers"][0]["volumeMounts"],
        json!([{"name": FIRST, "mountPath": directory, "readOnly": true}])
    );
    pod["metadata"]["name"] = "named-by-now".into();
    *case.object() = pod;
    case.unchanged();
}
