//! The decision as a whole, natively: each test is a claim about what comes out for what goes in.

use std::cell::RefCell;

use serde_json::{Value, json};

use super::*;
use crate::json::Edited;
use crate::keys;
use crate::settings::Freshness;
use crate::verdict::Outcome;

mod environment;
mod mark;
mod mounts;
mod other_kinds;
mod proxy;
mod service_accounts;
mod stray_keys;
mod token_endpoint;
mod token_volume;
mod verify;
mod workloads;

const CLIENT_ID: &str = "8f1c2a7e-5d3b-4c59-9a57-0b6f4f0f9d11";
const TENANT_ID: &str = "aaaabbbb-0000-cccc-1111-dddd2222eeee";
const OTHER_ID: &str = "3b9d6f0a-1c2e-4d7b-8a90-5e4f3a2b1c0d";

/// A cluster with one answer, which notes what it is asked.
struct Cluster {
    answer: Result<Value, String>,
    asked: RefCell<Vec<(String, String, Freshness)>>,
}

impl KubernetesApi for Cluster {
    fn service_account(
        &self,
        namespace: &str,
        name: &str,
        freshness: Freshness,
    ) -> Result<Vec<u8>, String> {
        let asked = (namespace.to_owned(), name.to_owned(), freshness);
        self.asked.borrow_mut().push(asked);
        let mut answer = self.answer.clone()?;
        if answer["metadata"]["name"] == "fed-sa" {
            answer["metadata"]["name"] = name.into();
        }
        Ok(answer.to_string().into_bytes())
    }

    fn can_i(&self, _: &str) -> Result<Vec<u8>, String> {
        Ok(br#"{"allowed":true}"#.to_vec())
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
            answer: Ok(service_account),
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
        self.cluster.answer = Ok(service_account(labels, annotations));
        self
    }

    fn review(&self) -> Verdict<'static> {
        self.review_with(&mut ())
    }

    fn review_with(&self, observer: &mut impl Observer) -> Verdict<'static> {
        let mut payload = json!({"request": self.request, "settings": self.settings});
        // As the host does.
        payload.sort_all_objects();
        let payload = payload.to_string().into_bytes().leak();
        review(payload, &self.cluster, observer)
    }

    /// The pod as it shall be, and the warnings.
    #[track_caller]
    fn mutates(&self) -> (Value, Vec<String>) {
        let verdict = self.review();
        match &verdict.outcome {
            Outcome::Mutated(pod) => (
                serde_json::from_str(&edited_text(pod)).expect("JSON"),
                verdict.warnings(),
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
        assert_eq!(verdict.warnings(), warnings);
        assert_eq!(verdict.audit_annotations, []);
    }

    #[track_caller]
    fn rejects(&self, message: &str) {
        self.rejects_and_warns(message, &[]);
    }

    #[track_caller]
    fn rejects_and_warns(&self, message: &str, warnings: &[&str]) {
        let verdict = self.review();
        assert_eq!(verdict.message().as_deref(), Some(message));
        assert_eq!(verdict.code(), 400);
        assert_eq!(verdict.warnings(), warnings);
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
    case.asked(&[("fed-sa", Freshness::Fresh)]);
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
fn a_payload_that_ends_early_is_rejected_whatever_it_is_about() {
    for kind in ["Pod", "ConfigMap"] {
        let mut case = case();
        case.request["kind"] = json!({"group": "", "version": "v1", "kind": kind});
        let payload = json!({"request": case.request, "settings": case.settings}).to_string();
        let is_rejected = |length: usize| {
            let payload = payload.as_bytes().get(..length).expect("a length");
            review(payload, &case.cluster, &mut ()).is_rejection()
        };
        assert!(!is_rejected(payload.len()), "{kind}");
        for length in 0..payload.len() {
            assert!(is_rejected(length), "{kind}: {length} bytes");
        }
    }
}

#[test]
fn a_pod_without_service_account_name_has_the_default_one() {
    for name in [Value::Null, json!("")] {
        let case = case().spec("serviceAccountName", name);
        case.mutates_silently();
        case.asked(&[("default", Freshness::Fresh)]);
    }
    let mut case = case().spec("serviceAccount", json!("old-sa"));
    case.mutates_silently();
    case.asked(&[("fed-sa", Freshness::Fresh)]);
    case.object()["spec"]["serviceAccountName"].take();
    case.mutates_silently();
    case.asked(&[("fed-sa", Freshness::Fresh), ("old-sa", Freshness::Fresh)]);
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
fn the_volume_is_added_even_if_all_containers_are_skipped() {
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
    match review(payload.as_bytes(), &case().cluster, &mut ()).outcome {
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
fn an_invalid_expiration_is_rejected_whatever_the_setting() {
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
                "; help: remove the white space around it"
            } else {
                ""
            }
        );
        for on_malformed in ["Reject", "Warn"] {
            case()
                .set("onMalformed", on_malformed)
                .annotate(keys::TOKEN_EXPIRATION, value)
                .rejects(&format!("Pod default/demo: {message}"));
            case()
                .set("onMalformed", on_malformed)
                .service_account(
                    json!({}),
                    json!({keys::CLIENT_ID: CLIENT_ID, keys::TOKEN_EXPIRATION: value}),
                )
                .rejects(&format!("ServiceAccount default/fed-sa: {message}"));
        }
    }
}

#[test]
fn malformed_values_are_rejected_all_at_once() {
    case()
        .annotate(keys::SKIP_CONTAINERS, "app,sidecar")
        .annotate(keys::TOKEN_EXPIRATION, "1h")
        .service_account(json!({}), json!({keys::CLIENT_ID: "my-app", keys::TENANT_ID: "common"}))
        .rejects(concat!(
            r#"Pod default/demo: annotation azure.workload.identity/skip-containers: expected a container name: at most 63 lower-case letters, digits and inner hyphens, found "app,sidecar"; help: separate names with ";""#,
"\n",
            r#"Pod default/demo: annotation azure.workload.identity/service-account-token-expiration: expected a whole number of seconds from 3600 to 86400, found "1h""#,
"\n",
            r#"ServiceAccount default/fed-sa: annotation azure.workload.identity/client-id: expected the client ID of an Entra application or managed identity, a UUID, found "my-app"; help: use the clientId that az identity show prints, not a name"#,
"\n",
            r#"ServiceAccount default/fed-sa: annotation azure.workload.identity/tenant-id: expected a tenant ID, a UUID or a verified domain name, found "common""#,
        ));
}

#[test]
fn malformed_values_are_used_as_written_with_warnings_if_the_setting_says_so() {
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
            r#"ServiceAccount default/fed-sa: annotation azure.workload.identity/client-id: expected the client ID of an Entra application or managed identity, a UUID, found "my-app"; help: use the clientId that az identity show prints, not a name"#,
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
            r#"Pod default/demo: annotation azure.workload.identity/skip-containers: the pod has no container "sidecr"; help: did you mean "sidecar"?"#,
            r#"Pod default/demo: annotation azure.workload.identity/skip-containers: the pod has no container "envoy""#,
            r#"Pod default/demo: annotation azure.workload.identity/skip-containers lists "sidecar" twice"#,
        ]
    );
}

#[test]
fn a_name_that_skip_containers_lists_twice_counts_once() {
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
fn a_rejection_has_twenty_reasons_at_most() {
    let names: Vec<_> = (0..25).map(|number| format!("A{number}")).collect();
    let reasons: Vec<_> = names[..20]
        .iter()
        .map(|name| format!(r#"Pod default/demo: annotation azure.workload.identity/skip-containers: expected a container name: at most 63 lower-case letters, digits and inner hyphens, found "{name}""#))
        .collect();
    case()
        .annotate(keys::SKIP_CONTAINERS, &names.join(";"))
        .rejects(&format!(
            "{}\n5 more reasons are left out",
            reasons.join("\n")
        ));
}

#[test]
fn a_missing_client_id_is_a_warning() {
    for (annotations, state) in [
        (json!({}), "not set"),
        (json!({keys::CLIENT_ID: ""}), "empty"),
        (json!({keys::CLIENT_ID: null}), "empty"),
    ] {
        let case = case().service_account(json!({}), annotations);
        let (pod, warnings) = case.mutates();
        let mut expected = env(V1_5_TOKEN_FILE);
        expected.as_array_mut().expect("a list").remove(0);
        assert_eq!(pod["spec"]["containers"][0]["env"], expected);
        let warning = format!(
            "ServiceAccount default/fed-sa: annotation azure.workload.identity/client-id is {state}, so AZURE_CLIENT_ID is not injected; help: set the annotation, or set the variable in the containers that need it"
        );
        assert_eq!(warnings, [warning]);
        case.asked(&[("fed-sa", Freshness::Fresh)]);
    }
}

#[test]
fn a_missing_service_account_name_is_the_advice_if_the_default_one_has_no_client_id() {
    let (_, warnings) = case()
        .spec("serviceAccountName", Value::Null)
        .service_account(json!({}), json!({}))
        .mutates();
    assert_eq!(
        warnings,
        [
            "ServiceAccount default/default: annotation azure.workload.identity/client-id is not set, so AZURE_CLIENT_ID is not injected; the pod names no ServiceAccount; help: set spec.serviceAccountName"
        ]
    );
}

#[test]
fn a_value_that_nobody_can_have_is_rejected_whatever_the_setting() {
    for key in [keys::CLIENT_ID, keys::TENANT_ID] {
        for (length, is_rejected) in [(253, false), (254, true)] {
            let mut annotations = json!({keys::CLIENT_ID: CLIENT_ID});
            annotations[key] = "x".repeat(length).into();
            let case = case()
                .set("onMalformed", "Warn")
                .service_account(json!({}), annotations);
            assert_eq!(case.review().is_rejection(), is_rejected, "{key} {length}");
        }
    }
}

#[test]
fn a_pod_that_would_become_too_large_is_rejected_with_its_size() {
    let containers = |count: usize, padding: usize| {
        let containers: Vec<_> = (0..count)
            .map(|index| json!({"name": format!("c{index}")}))
            .collect();
        case()
            .spec("containers", json!(containers))
            .annotate("padding", &"x".repeat(padding))
    };
    containers(1500, 0).mutates_silently();
    let many = containers(5000, 0);
    let message = many.review().message().expect("a message");
    assert_eq!(
        message,
        "Pod default/demo: would have 1084133 bytes or more, 1000053 of them added: expected at most 1500000 and 1000000; help: list containers that need no identity in annotation azure.workload.identity/skip-containers"
    );
    assert!(many.review().to_json().len() < 1000);
    assert!(containers(1, 1_499_500).review().is_rejection());
    containers(1, 1_499_000).mutates_silently();
    // A pod that lacks nothing is none of the policy's business, however large.
    let names: Vec<_> = (0..5000).map(|index| format!("c{index}")).collect();
    let mut skipped = containers(5000, 0).annotate(keys::SKIP_CONTAINERS, &names.join(";"));
    skipped.mutates_silently();
    *skipped.object() = skipped.mutates_silently();
    skipped.unchanged();
}

#[test]
fn a_missing_client_id_is_fine_if_every_container_has_its_own() {
    let own = json!([{"name": "AZURE_CLIENT_ID", "value": OTHER_ID}]);
    let case = case().service_account(json!({}), json!({})).app("env", own);
    case.mutates_silently();
    case.asked(&[("fed-sa", Freshness::Fresh)]);
}

#[test]
fn a_missing_client_id_is_rejected_if_the_setting_says_so() {
    let case = case()
        .set("requireClientID", true)
        .service_account(json!({}), json!({}));
    case.rejects("ServiceAccount default/fed-sa: annotation azure.workload.identity/client-id: required: expected the client ID of an Entra application or managed identity, a UUID, found nothing; help: add the annotation");
    case.asked(&[("fed-sa", Freshness::Fresh)]);
}

#[test]
fn a_service_account_that_does_not_exist_is_a_rejection() {
    let error =
        r#"Cannot find v1/ServiceAccount named 'fed-sa' inside of namespace 'Some("default")'"#;
    for (field, path) in [
        (None, "spec.serviceAccountName"),
        (Some("serviceAccount"), "spec.serviceAccount"),
    ] {
        let mut case = case();
        if let Some(field) = field {
            case.object()["spec"]["serviceAccountName"].take();
            case.object()["spec"][field] = "fed-sa".into();
        }
        case.cluster.answer = Err(error.to_owned());
        case.rejects(&format!(
            "ServiceAccount default/fed-sa: does not exist; help: create it, or correct {path}"
        ));
        case.asked(&[("fed-sa", Freshness::Fresh)]);
    }
}

#[test]
fn the_setting_says_how_old_an_answer_may_be() {
    for (setting, freshness) in [("Fresh", Freshness::Fresh), ("Cached", Freshness::Cached)] {
        let case = case().set("serviceAccountLookup", setting);
        case.mutates_silently();
        case.asked(&[("fed-sa", freshness)]);
    }
}

#[test]
fn a_name_that_no_service_account_can_have_is_not_looked_up() {
    for name in [
        "a b",
        "../../kube-system/secrets/x",
        "fed-sa/token",
        "fed-sa?x=y",
        "Fed-sa",
    ] {
        let case = case().spec("serviceAccountName", json!(name));
        case.rejects(&format!(
            "Pod default/demo: spec.serviceAccountName: expected an object name: lower-case letters, digits, and inner hyphens and dots, found {name:?}"
        ));
        case.asked(&[]);
    }
}

#[test]
fn an_answer_that_is_another_service_account_is_a_rejection() {
    for (field, value, found) in [
        ("name", json!("other"), "default/other"),
        ("name", Value::Null, "default/"),
        ("namespace", json!("kube-system"), "kube-system/fed-sa"),
        ("namespace", Value::Null, "/fed-sa"),
    ] {
        let mut case = case();
        if let Ok(answer) = &mut case.cluster.answer {
            answer["metadata"][field] = value;
        }
        case.rejects(&format!(
            "ServiceAccount default/fed-sa: cannot be read: the host's answer is ServiceAccount {found}; help: see PolicyServer's log"
        ));
    }
}

#[test]
fn settings_that_are_not_valid_are_the_reasons_of_a_rejection() {
    let verdict = case().set("layuot", "v1.5").set("optIn", 5).review();
    let message = "setting layuot: there is no such setting; help: did you mean layout?\nsetting optIn: expected one of PodLabel, ServiceAccountLabel, Either, found 5";
    assert_eq!(verdict.message().as_deref(), Some(message));
    assert_eq!(verdict.code(), 500);
    assert_eq!(verdict.object, None);
}

#[test]
fn a_pod_of_the_wrong_shape_is_rejected_with_the_path() {
    for (object, message) in [
        (Value::Null, "Pod default/*: expected a Pod, found null"),
        (json!([]), "Pod default/*: expected a Pod, found a list"),
        (
            json!({"metadata": {"name": "demo", "labels": {keys::USE: true}}}),
            r#"Pod default/demo: metadata.labels["azure.workload.identity/use"]: expected a string, found a boolean; help: put the value in quotes"#,
        ),
    ] {
        let mut case = case();
        *case.object() = object;
        case.rejects(message);
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
            .rejects(&format!("Pod default/demo: {message}"));
    }
    let mut case = case();
    case.object()["spec"].take();
    case.rejects("Pod default/demo: spec: expected an object, found null");
    case.object().as_object_mut().expect("a pod").remove("spec");
    case.rejects("Pod default/demo: spec: expected an object, found nothing");
}

#[test]
fn a_payload_that_is_not_a_request_is_rejected() {
    let cluster = case().cluster;
    for (payload, message) in [
        (
            &b"\xff"[..],
            "expected an admission request, found invalid UTF-8",
        ),
        (b"", "expected an object, found nothing"),
        (
            b"{}",
            "request: expected an admission request with kind and operation, found one without",
        ),
    ] {
        assert_eq!(
            review(payload, &cluster, &mut ()).message().as_deref(),
            Some(message)
        );
    }
    let mut case = case();
    case.request["namespace"].take();
    case.rejects("request.namespace: expected the pod's namespace, found nothing");
}

#[test]
fn a_mirror_pod_is_left_alone() {
    // Kubernetes lets no mirror pod have a ServiceAccount token.
    let case = case().annotate("kubernetes.io/config.mirror", "0123");
    case.unchanged();
    case.asked(&[]);
}

#[test]
fn the_audit_log_has_the_identity_and_the_containers() {
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

fn owned(annotations: &[(&'static str, &str)]) -> Vec<crate::verdict::audit::Annotation> {
    annotations
        .iter()
        .map(|(key, value)| (*key, (*value).to_owned().into()))
        .collect()
}

#[test]
fn the_audit_log_has_the_identity_of_a_rejection_as_far_as_it_is_known() {
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
    unknown.cluster.answer = Err("no connection".to_owned());
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
fn a_list_of_skipped_containers_has_a_length_that_it_can_have() {
    let list = |bytes: usize| "app;".repeat(bytes / 4);
    let annotate = |bytes| {
        case()
            .annotate(keys::SKIP_CONTAINERS, &list(bytes))
            .review()
    };
    assert!(!annotate(65536).is_rejection());
    let message = annotate(65540).message().expect("a message");
    assert_eq!(
        message,
        "Pod default/demo: annotation azure.workload.identity/skip-containers: expected container names of at most 65536 bytes, found \"app;app;app;app;app;app;app;a...app;app;app;app;app;app;app;\""
    );
}

#[test]
fn the_token_volume_counts_towards_the_size_of_a_pod_whose_containers_are_skipped() {
    let skipped = |padding: usize| {
        case()
            .annotate(keys::SKIP_CONTAINERS, "app")
            .annotate("padding", &"x".repeat(padding))
            .review()
    };
    assert!(!skipped(1_490_000).is_rejection());
    assert!(skipped(1_499_700).is_rejection());
}

#[test]
fn containers_beyond_the_size_of_a_pod_are_not_said_to_be_skipped() {
    let containers: Vec<_> = (0..5000)
        .map(|index| json!({"name": format!("c{index}")}))
        .collect();
    let mut reasons: Vec<Reason> = Vec::new();
    let case = case().spec("containers", json!(containers));
    let verdict = case
        .annotate(keys::SKIP_CONTAINERS, "c1")
        .review_with(&mut reasons);
    assert!(verdict.is_rejection());
    let found = reasons.into_iter().find_map(|reason| match reason {
        Reason::Containers(containers) => Some(containers),
        _ => None,
    });
    let found = found.expect("the containers");
    let skipped: Vec<_> = found
        .iter()
        .filter(|container| container.is_skipped)
        .collect();
    assert_eq!(skipped.len(), 1);
    assert_eq!(skipped[0].name, "c1");
    assert!(found.len() < 5000, "{}", found.len());
}
