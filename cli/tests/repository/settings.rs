//! The code, the form, the schema and the documentation have the same settings with the same defaults.

use std::collections::{BTreeMap, BTreeSet};

use azure_workload_identity_policy::findings::Severity;
use azure_workload_identity_policy::layout::Layout;
use azure_workload_identity_policy::settings::authorization::Authorization;
use azure_workload_identity_policy::settings::{
    self, Freshness, Mode, OptIn, ReinvocationPolicy, Settings, authorization, proxy,
    token_endpoint,
};
use serde_json::{Value, json};

use super::{document, files, text};

const TENANT: &str = "aaaabbbb-0000-cccc-1111-dddd2222eeee";

/// Every setting with its default, null if it has none, as the code has it.
fn of_the_code() -> BTreeMap<String, Value> {
    let json = json!({"azureTenantID": TENANT}).to_string();
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
        service_account_lookup,
        proxy,
        token_endpoint,
        identity_map,
        allowed_identities,
        on_disallowed,
        authorization,
        on_authorization_error,
        pod_templates,
        extra_env,
        also_mount_as,
        reinvocation_policy,
        hand_over,
        mark,
        on_drift,
    } = *Settings::validate(&json).expect("settings");
    let public = json!({"azureTenantID": TENANT, "azureEnvironment": "AzurePublicCloud"});
    let public = public.to_string();
    let public = Settings::validate(&public).expect("settings");
    assert_eq!(azure_authority_host, public.azure_authority_host);
    assert_eq!(token_endpoint, None);
    assert_eq!((identity_map, allowed_identities), (None, None));
    assert_eq!((pod_templates, extra_env, on_drift), (None, None, None));
    assert_eq!((also_mount_as, hand_over), (Vec::new(), Vec::new()));
    let severity = |severity| {
        json!(match severity {
            Severity::Reject => "Reject",
            Severity::Warn => "Warn",
        })
    };
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
        ("onMalformed", severity(on_malformed)),
        ("requireClientID", json!(require_client_id)),
        (
            "serviceAccountLookup",
            json!(match service_account_lookup {
                Freshness::Fresh => "Fresh",
                Freshness::Cached => "Cached",
            }),
        ),
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
        ("onDisallowed", severity(on_disallowed)),
        ("authorization.verb", json!(authorization.verb)),
        ("authorization.group", json!(authorization.group)),
        ("authorization.exemptUsers", exempt_users(&authorization)),
        ("onAuthorizationError", severity(on_authorization_error)),
        (
            "reinvocationPolicy",
            json!(match reinvocation_policy {
                ReinvocationPolicy::Never => "Never",
                ReinvocationPolicy::IfNeeded => "IfNeeded",
            }),
        ),
        ("mark", json!(mark)),
    ]);
    assert_eq!(authorization.mode, None);
    let names = settings::names()
        .flat_map(|name| match name {
            "proxy" => within(name, proxy::names()),
            "customTokenEndpoint" => within(name, token_endpoint::names()),
            "authorization" => within(name, authorization::names()),
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

/// The users who are exempt by default, which the code has as patterns that it keeps to itself.
fn exempt_users(authorization: &Authorization<'_>) -> Value {
    for (user, is_exempt) in [
        ("system:serviceaccount:kube-system:", true),
        ("system:serviceaccount:kube-system:job-controller", true),
        ("system:serviceaccount:kube-system-2:job-controller", false),
        (
            "system:serviceaccount:argocd:argocd-application-controller",
            false,
        ),
        ("system:node:a", false),
        ("jane", false),
    ] {
        assert_eq!(authorization.exempts(user), is_exempt, "{user}");
    }
    json!(["system:serviceaccount:kube-system:*"])
}

fn within(object: &str, names: impl Iterator<Item = &'static str>) -> Vec<String> {
    names.map(|name| format!("{object}.{name}")).collect()
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

/// Lists of objects, for which the form has no type of question.
const NOT_IN_THE_FORM: [&str; 4] = [
    "allowedIdentities",
    "extraEnv",
    "identityMap",
    "podTemplates",
];

#[test]
fn the_form_has_the_settings_and_defaults_of_the_code() {
    let mut expected = of_the_code();
    for name in NOT_IN_THE_FORM {
        expected.remove(name).expect("a setting");
    }
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
            let settings = settings.to_string();
            let read = Settings::validate(&settings);
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
        ("authorization.mode", _) => "[warnings only](identities.md#permissions)".to_owned(),
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

/// The settings that documents show, each with its document.
pub fn of_the_documents() -> Vec<(String, Value)> {
    let mut found = Vec::new();
    for file in files("docs", ".md") {
        let text = text(&file);
        let blocks = text.split("```yaml\n").skip(1);
        for block in blocks.filter(|block| block.starts_with("  settings:\n")) {
            let (block, _) = block.split_once("```").expect("the end of a block");
            let block: Value = yaml_serde::from_str(block).expect("YAML");
            found.push((file.clone(), block["settings"].clone()));
        }
    }
    found
}

#[test]
fn settings_that_are_shown_are_valid() {
    let shown = of_the_documents();
    let documents: BTreeSet<_> = shown.iter().map(|(file, _)| file.as_str()).collect();
    assert!(documents.is_superset(&BTreeSet::from(["docs/identities.md", "docs/settings.md"])));
    for (file, settings) in shown {
        // What is to be copied has no tenant yet.
        let settings = settings.to_string().replace("YOUR-TENANT-ID", TENANT);
        let faults = Settings::validate(&settings).err();
        assert_eq!(faults, None, "{file}: {settings}");
    }
}
