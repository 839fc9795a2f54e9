//! The code, the form, the schema and the documentation have the same settings with the same defaults.

use std::collections::{BTreeMap, BTreeSet};

use azure_workload_identity_policy::layout::Layout;
use azure_workload_identity_policy::settings::{
    self, Mode, OnMalformed, OptIn, Settings, proxy, token_endpoint,
};
use serde_json::{Value, json};

use super::{document, text};

const TENANT: &str = "72f988bf-86f1-41af-91ab-2d7cd011db47";

/// Every setting with its default, null where it has none, as the code has it.
fn of_the_code() -> BTreeMap<String, Value> {
    let Settings {
        azure_tenant_id: _,
        azure_authority_host,
        audience,
        mode,
        opt_in,
        layout,
        default_token_expiration_seconds,
        on_malformed,
        require_client_id,
        proxy,
        token_endpoint,
    } = *Settings::read(&json!({"azureTenantID": TENANT}).to_string()).expect("settings");
    let public = json!({"azureTenantID": TENANT, "azureEnvironment": "AzurePublicCloud"});
    let public = Settings::read(&public.to_string()).expect("settings");
    assert_eq!(azure_authority_host, public.azure_authority_host);
    assert_eq!(token_endpoint, None);
    let mut defaults = BTreeMap::from([
        ("azureEnvironment", json!("AzurePublicCloud")),
        ("audience", json!(audience)),
        (
            "optIn",
            json!(match opt_in {
                OptIn::PodLabel => "PodLabel",
                OptIn::ServiceAccountLabel => "ServiceAccountLabel",
                OptIn::Either => "Either",
            }),
        ),
        (
            "layout",
            json!(match layout {
                Layout::V0_7 => "v0.7",
                Layout::V1_5 => "v1.5",
                Layout::V1_6_0 => "v1.6.0",
                Layout::V1_6_1 => "v1.6.1",
            }),
        ),
        (
            "defaultTokenExpirationSeconds",
            json!(default_token_expiration_seconds),
        ),
        (
            "onMalformed",
            json!(match on_malformed {
                OnMalformed::Reject => "Reject",
                OnMalformed::Warn => "Warn",
            }),
        ),
        ("requireClientID", json!(require_client_id)),
        (
            "mode",
            json!(match mode {
                Mode::Inject => "Inject",
                Mode::Verify => "Verify",
            }),
        ),
        ("proxy.image", json!(proxy.image)),
        ("proxy.initImage", json!(proxy.init_image)),
        ("proxy.logLevel", json!(proxy.log_level)),
        ("proxy.nativeSidecar", json!(proxy.native_sidecar)),
        ("proxy.resources", json!(proxy.resources)),
        ("proxy.initResources", json!(proxy.init_resources)),
        ("proxy.securityContext", json!(proxy.security_context)),
        (
            "proxy.initSecurityContext",
            json!(proxy.init_security_context),
        ),
    ]);
    let names = settings::NAMES
        .iter()
        .flat_map(|name| match *name {
            "proxy" => within(name, &proxy::NAMES),
            "customTokenEndpoint" => within(name, &token_endpoint::NAMES),
            name => vec![name.to_owned()],
        })
        .map(|name| {
            let default = defaults.remove(name.as_str()).unwrap_or_default();
            (name, default)
        })
        .collect();
    assert_eq!(defaults, BTreeMap::new(), "defaults of no setting");
    names
}

fn within(object: &str, names: &[&str]) -> Vec<String> {
    names
        .iter()
        .map(|name| format!("{object}.{name}"))
        .collect()
}

/// Every setting with its default in the properties of the schema.
fn of_the_schema(properties: &Value, prefix: &str) -> BTreeMap<String, Value> {
    let mut found = BTreeMap::new();
    for (name, property) in properties.as_object().expect("an object") {
        if property["properties"].is_object() {
            found.extend(of_the_schema(
                &property["properties"],
                &format!("{prefix}{name}."),
            ));
        } else {
            let default = property["default"].clone();
            found.insert(format!("{prefix}{name}"), default);
            let description = property["description"].as_str();
            assert!(
                description.is_some_and(|text| text.ends_with('.')),
                "{name}"
            );
        }
    }
    found
}

#[test]
fn the_schema_has_the_settings_and_defaults_of_the_code() {
    let schema = document("docs/settings.schema.json");
    assert_eq!(of_the_schema(&schema["properties"], ""), of_the_code());
}

#[test]
fn the_form_has_the_settings_and_defaults_of_the_code() {
    let expected = of_the_code();
    let mut found = BTreeMap::new();
    for question in document("questions-ui.yml")["questions"]
        .as_array()
        .expect("a list")
    {
        let variable = question["variable"].as_str().expect("a name");
        for field in ["label", "tooltip", "group", "type"] {
            assert!(question[field].is_string(), "{variable}: {field}");
        }
        // The form knows no objects of several levels: their parts are questions.
        let name = variable
            .splitn(3, '.')
            .take(2)
            .collect::<Vec<_>>()
            .join(".");
        found.insert(name, question["default"].clone());
    }
    assert_eq!(found, expected);
}

#[test]
fn what_the_form_offers_is_what_the_code_takes() {
    for question in document("questions-ui.yml")["questions"]
        .as_array()
        .expect("a list")
    {
        let variable = question["variable"].as_str().expect("a name");
        let mut given: Vec<_> = question["options"].as_array().cloned().unwrap_or_default();
        given.extend(
            ["default", "min", "max"]
                .iter()
                .filter_map(|key| question.get(key).cloned()),
        );
        for value in given {
            let nested = variable
                .rsplit('.')
                .fold(value.clone(), |inner, key| json!({key: inner}));
            let mut settings = json!({"azureTenantID": TENANT});
            settings
                .as_object_mut()
                .expect("an object")
                .extend(nested.as_object().expect("an object").clone());
            let read = Settings::read(&settings.to_string());
            assert!(read.is_ok(), "{variable}: {value}: {read:?}");
        }
    }
}

#[test]
fn each_condition_of_the_form_names_a_question() {
    let form = document("questions-ui.yml");
    let questions = form["questions"].as_array().expect("a list");
    let names: BTreeSet<_> = questions
        .iter()
        .map(|question| question["variable"].as_str().expect("a name"))
        .collect();
    for question in questions {
        if let Some(condition) = question["show_if"].as_str() {
            assert!(names.contains(condition), "{condition}");
        }
    }
}

/// The rows of a file's tables with a setting in the first cell and its default in the second.
fn of_the_documentation(file: &str) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    for line in text(file).lines() {
        let cells: Vec<_> = line.split(" | ").collect();
        if let [name, default, _, ..] = cells[..]
            && let Some(name) = name
                .strip_prefix("| `")
                .and_then(|name| name.strip_suffix('`'))
        {
            let before = found.insert(name.to_owned(), default.to_owned());
            assert_eq!(before, None, "{name} stands there twice");
        }
    }
    found
}

/// A default as the documentation writes it.
fn written(name: &str, default: Value) -> String {
    match (name, default) {
        ("azureTenantID", _) => "required".to_owned(),
        ("azureAuthorityHost", _) => "that of the cloud".to_owned(),
        ("proxy.securityContext" | "proxy.initSecurityContext", _) => {
            "[the webhook's](#security-contexts)".to_owned()
        }
        (_, Value::Null) => "none".to_owned(),
        (_, Value::String(text)) => format!("`{text}`"),
        (_, value) => format!("`{value}`"),
    }
}

#[test]
fn the_documentation_has_the_settings_and_defaults_of_the_code() {
    let expected: BTreeMap<_, _> = of_the_code()
        .into_iter()
        .map(|(name, default)| (name.clone(), written(&name, default)))
        .collect();
    assert_eq!(of_the_documentation("docs/settings.md"), expected);
}

#[test]
fn the_readme_has_the_settings_and_defaults_of_the_code() {
    let of_the_code = of_the_code();
    let expected: BTreeMap<_, _> = settings::NAMES
        .iter()
        .map(|name| {
            let default = match *name {
                "proxy" => "that of the webhook".to_owned(),
                "customTokenEndpoint" => "none".to_owned(),
                name => written(name, of_the_code[name].clone()),
            };
            ((*name).to_owned(), default)
        })
        .collect();
    let mut found = of_the_documentation("README.md");
    // Other tables of the README have other things in their first cell.
    found.retain(|name, _| settings::NAMES.contains(&name.as_str()));
    assert_eq!(found, expected);
}

/// The schema and the code agree on each of these, given beside a valid tenant or in its place.
#[test]
fn the_schema_takes_what_the_code_takes() {
    let schema = document("docs/settings.schema.json");
    let validator = jsonschema::draft7::new(&schema).expect("a schema");
    let pem = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n";
    let endpoint = |member: Value| {
        let mut endpoint = json!({"annotationSuffix": "a", "audience": "b"});
        endpoint
            .as_object_mut()
            .expect("an object")
            .extend(member.as_object().expect("an object").clone());
        json!({"customTokenEndpoint": endpoint})
    };
    let good = [
        json!({}),
        json!({"azureTenantID": "contoso.com"}),
        json!({"azureTenantID": "Contoso-1.onmicrosoft.COM"}),
        json!({"azureTenantID": TENANT.to_uppercase()}),
        json!({"azureEnvironment": "azureusgovernmentcloud"}),
        json!({"azureEnvironment": null, "audience": null, "optIn": null, "proxy": null, "customTokenEndpoint": null}),
        json!({"azureAuthorityHost": "https://adfs.local.azurestack.external:8443/adfs"}),
        json!({"azureAuthorityHost": "https://localhost"}),
        json!({"audience": "api://other"}),
        json!({"optIn": "Either", "layout": "v1.6.1", "mode": "Verify", "onMalformed": "Warn", "requireClientID": true}),
        json!({"defaultTokenExpirationSeconds": 86400}),
        json!({"proxy": {}}),
        json!({"proxy": {"image": "registry.example:5000/proxy@sha256:00", "logLevel": "all", "nativeSidecar": false}}),
        json!({"proxy": {"resources": {"limits": {"memory": "64Mi", "cpu": 0.1}, "requests": null}}}),
        json!({"proxy": {"initResources": {"requests": {"cpu": "1e3", "memory": "1.5Gi", "a": ".5", "b": "5."}}}}),
        json!({"proxy": {"securityContext": {"runAsUser": 1000}, "initSecurityContext": {}}}),
        json!({"customTokenEndpoint": {}}),
        json!({"customTokenEndpoint": {"annotationSuffix": "", "audience": null, "azureKubernetesCaData": ""}}),
        endpoint(json!({})),
        endpoint(
            json!({"azureKubernetesTokenProxy": "https://a.example:6443", "azureKubernetesSniName": "a.ests.aks"}),
        ),
        endpoint(json!({"azureKubernetesTokenProxy": "", "azureKubernetesSniName": ""})),
        endpoint(json!({"azureKubernetesCaData": pem, "azureKubernetesCAConfigMapName": ""})),
        endpoint(json!({"azureKubernetesCAConfigMapName": "ib-ca.v1"})),
        endpoint(json!({"azureKubernetesCACTBSignerName": "example.com/signer/a"})),
        endpoint(
            json!({"azureKubernetesCACTBSignerName": "a.b/c", "azureKubernetesCACTBLabelSelector": {"matchLabels": {"a": "b"}}}),
        ),
        endpoint(json!({"azureKubernetesCACTBLabelSelector": ""})),
    ];
    let bad = [
        json!({"azureTenantID": null}),
        json!({"azureTenantID": "common"}),
        json!({"azureTenantID": " contoso.com"}),
        json!({"azureTenantID": "contoso.com."}),
        json!({"azureTenantID": ["a"]}),
        json!({"azureTenantId": TENANT}),
        json!({"azureEnvironment": "AzureStackCloud"}),
        json!({"azureAuthorityHost": "http://login.example/"}),
        json!({"azureAuthorityHost": "https://login.example/?a"}),
        json!({"azureAuthorityHost": "https://user@login.example/"}),
        json!({"azureAuthorityHost": ""}),
        json!({"audience": ""}),
        json!({"audience": "a b"}),
        json!({"optIn": "podlabel"}),
        json!({"layout": 1.5}),
        json!({"layout": "v2"}),
        json!({"mode": "Audit"}),
        json!({"onMalformed": "Ignore"}),
        json!({"requireClientID": "true"}),
        json!({"defaultTokenExpirationSeconds": 3599}),
        json!({"defaultTokenExpirationSeconds": 86401}),
        json!({"defaultTokenExpirationSeconds": "3600"}),
        json!({"proxy": true}),
        json!({"proxy": {"port": 8000}}),
        json!({"proxy": {"image": "a b"}}),
        json!({"proxy": {"image": ""}}),
        json!({"proxy": {"initImage": 5}}),
        json!({"proxy": {"logLevel": "warn"}}),
        json!({"proxy": {"nativeSidecar": "yes"}}),
        json!({"proxy": {"resources": []}}),
        json!({"proxy": {"resources": {"limit": {}}}}),
        json!({"proxy": {"resources": {"limits": {"memory": "64mb"}}}}),
        json!({"proxy": {"resources": {"limits": {"memory": "."}}}}),
        json!({"proxy": {"resources": {"limits": {"memory": -1}}}}),
        json!({"proxy": {"initResources": {"requests": 5}}}),
        json!({"proxy": {"securityContext": {"runAsUsr": 0}}}),
        json!({"proxy": {"initSecurityContext": true}}),
        json!({"customTokenEndpoint": "on"}),
        json!({"customTokenEndpoint": {"audience": "a"}}),
        json!({"customTokenEndpoint": {"annotationSuffix": "a"}}),
        json!({"customTokenEndpoint": {"annotationSuffix": "a", "audience": ""}}),
        json!({"customTokenEndpoint": {"annotationSuffix": "", "audience": "a"}}),
        json!({"customTokenEndpoint": {"annotationSuffix": null, "audience": "a"}}),
        json!({"customTokenEndpoint": {"azureKubernetesSniName": "a"}}),
        json!({"customTokenEndpoint": {"anotationSuffix": "a", "audience": "b"}}),
        endpoint(json!({"audience": "API://azureadtokenexchange"})),
        endpoint(json!({"annotationSuffix": "a/b"})),
        endpoint(json!({"annotationSuffix": "a".repeat(60)})),
        endpoint(json!({"annotationSuffix": "a-"})),
        endpoint(json!({"azureKubernetesTokenProxy": "http://a"})),
        endpoint(json!({"azureKubernetesSniName": "a_b"})),
        endpoint(json!({"azureKubernetesCaData": "MIIB"})),
        endpoint(json!({"azureKubernetesCAConfigMapName": "A"})),
        endpoint(json!({"azureKubernetesCaData": pem, "azureKubernetesCAConfigMapName": "a"})),
        endpoint(json!({"azureKubernetesCaData": pem, "azureKubernetesCACTBSignerName": "a.b/c"})),
        endpoint(
            json!({"azureKubernetesCAConfigMapName": "a", "azureKubernetesCACTBSignerName": "a.b/c"}),
        ),
        endpoint(json!({"azureKubernetesCACTBSignerName": "signer"})),
        endpoint(json!({"azureKubernetesCACTBSignerName": "a/b"})),
        endpoint(json!({"azureKubernetesCACTBLabelSelector": {"matchLabels": {}}})),
        endpoint(
            json!({"azureKubernetesCACTBSignerName": "a.b/c", "azureKubernetesCACTBLabelSelector": {"matchLabel": {}}}),
        ),
    ];
    let cases = good
        .into_iter()
        .map(|case| (case, true))
        .chain(bad.into_iter().map(|case| (case, false)));
    for (members, is_good) in cases {
        let mut settings = json!({"azureTenantID": TENANT});
        settings
            .as_object_mut()
            .expect("an object")
            .extend(members.as_object().expect("an object").clone());
        if members.get("azureTenantId").is_some() {
            settings = members;
        }
        let read = Settings::read(&settings.to_string());
        let faults: Vec<_> = validator
            .iter_errors(&settings)
            .map(|error| error.to_string())
            .collect();
        assert_eq!(read.is_ok(), is_good, "the code: {settings}: {read:?}");
        assert_eq!(
            faults.is_empty(),
            is_good,
            "the schema: {settings}: {faults:?}"
        );
    }
    for other in [json!([]), json!("a"), json!(5)] {
        assert!(Settings::read(&other.to_string()).is_err());
        assert!(!validator.is_valid(&other));
    }
}
