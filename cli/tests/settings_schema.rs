//! `docs/settings.schema.json` and the policy accept the same settings, and what the policy hands on is what Kubernetes
//! reads.
//!
//! `PROPTEST_CASES` says how many cases.

#![allow(
    clippy::arithmetic_side_effects,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test fails by panicking"
)]

use std::collections::BTreeMap;
use std::path::Path;
use std::{env, fs};

use azure_workload_identity_policy::settings::Settings;
use jsonschema::Validator;
use k8s_openapi::api::core::v1::{ResourceRequirements, SecurityContext};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

const TENANT: &str = "aaaabbbb-0000-cccc-1111-dddd2222eeee";
const CLIENT_ID: &str = "8f1c2a7e-5d3b-4c59-9a57-0b6f4f0f9d11";
const PEM: &str = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n";
const KEY: &str = "-----BEGIN PRIVATE KEY-----\nMIIB\n-----END PRIVATE KEY-----\n";
const DIGEST: &str = "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

/// Cases of each property, unless `PROPTEST_CASES` says otherwise.
const CASES: u32 = 2000;

/// The rules that JSON Schema has no words for: what messages about them say, and why the schema cannot.
const NOT_IN_THE_SCHEMA: [(&str, &str); 14] = [
    ("expected the limit, ", "it compares two values"),
    ("expected at most the limit, ", "it compares two values"),
    (
        "expected a limit of the same amount beside it, ",
        "the names of such resources are not known, and a schema cannot ask for the same name in another object",
    ),
    (
        "expected a whole number, found ",
        "it needs arithmetic: 0.5Ki is whole, 0.3Ki is not",
    ),
    (
        "expected a whole number of at most 19 digits, found ",
        "it needs arithmetic: 1e3 has four of them",
    ),
    (
        "expected whole thousandths of a CPU, found ",
        "it needs arithmetic: 0.5k is whole, 0.5m is not",
    ),
    (
        "expected a multiple of the page size, found ",
        "it needs arithmetic",
    ),
    (
        "expected another audience than that of pods without the endpoint, found \"api://other",
        "it compares two values; the schema knows the default only",
    ),
    (
        ": is the same as ",
        "it compares IDs whatever their case; the schema knows items that are the same to the letter",
    ),
    (
        ": never counts, because ",
        "it compares the patterns of entries; the schema knows entries that are the same",
    ),
    (
        "expected a path through the same lists as that of the labels",
        "it compares two values",
    ),
    (
        "expected at most 8 entries of one kind",
        "it compares entries",
    ),
    (
        "expected each variable once, found ",
        "it compares the names of entries, and those of presets",
    ),
    (
        "expected at most 32 variables, found ",
        "a preset is several variables",
    ),
];

struct Schema(Validator);

impl Schema {
    fn read() -> Self {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/settings.schema.json");
        let text = fs::read_to_string(path).expect("the schema");
        let schema = serde_json::from_str(&text).expect("JSON");
        Self(jsonschema::draft7::new(&schema).expect("a schema"))
    }

    /// Both say the same; what the policy says, if it rejects the settings.
    #[track_caller]
    fn agrees(&self, settings: &Value) -> Option<Vec<String>> {
        let json = settings.to_string();
        let faults = Settings::validate(&json).err().map(|findings| {
            let shown = findings.shown().iter();
            shown.map(ToString::to_string).collect::<Vec<_>>()
        });
        let is_known_to_the_schema = |fault: &String| {
            let mut rules = NOT_IN_THE_SCHEMA.iter();
            !rules.any(|(words, _)| fault.contains(words))
        };
        let repeats = has_repeats(settings);
        assert!(!repeats || faults.is_some(), "{settings:#}");
        let rejected = repeats || faults.iter().flatten().any(is_known_to_the_schema);
        assert_eq!(
            self.0.is_valid(settings),
            !rejected,
            "{settings:#}\n{faults:#?}\n{:?}",
            self.0
                .iter_errors(settings)
                .map(|error| format!("{}: {error}", error.instance_path))
                .collect::<Vec<_>>()
        );
        faults
    }
}

/// Whether a list of which the items differ has one twice, to the letter.
fn has_repeats(settings: &Value) -> bool {
    let items = |list: &Value| list.as_array().cloned().unwrap_or_default();
    let mut lists = Vec::new();
    for name in ["identityMap", "allowedIdentities"] {
        let entries = items(&settings[name]);
        for name in ["namespaces", "serviceAccounts", "clientIDs", "tenantIDs"] {
            lists.extend(entries.iter().map(|entry| items(&entry[name])));
        }
        lists.push(entries);
    }
    for name in ["podTemplates", "extraEnv", "alsoMountAs", "handOver"] {
        lists.push(items(&settings[name]));
    }
    lists.iter().any(|list| {
        let mut items = list.iter().enumerate();
        items.any(|(index, item)| list[..index].contains(item))
    })
}

/// Settings with a value at a path; objects and lists on the way are made.
fn set(settings: &mut Value, path: &str, value: Value) {
    let mut place = settings;
    for name in path.split(' ') {
        if name == "0" {
            if place.as_array().is_none_or(Vec::is_empty) {
                *place = json!([{}]);
            }
            place = &mut place[0];
            continue;
        }
        if !place.is_object() {
            *place = json!({});
        }
        place = &mut place[name];
    }
    *place = value;
}

/// Valid settings with the values at these paths.
fn with(values: &[(impl AsRef<str>, Value)]) -> Value {
    let mut settings = json!({"azureTenantID": TENANT});
    for (path, value) in values {
        let path = path.as_ref();
        if path.starts_with("customTokenEndpoint ") && settings.get("customTokenEndpoint").is_none()
        {
            settings["customTokenEndpoint"] = json!({"annotationSuffix": "a", "audience": "b"});
        }
        if path.starts_with("identityMap 0 ") && settings.get("identityMap").is_none() {
            settings["identityMap"] = json!([{"clientID": CLIENT_ID}]);
        }
        if path.starts_with("extraEnv 0 ") && settings.get("extraEnv").is_none() {
            settings["extraEnv"] = match path {
                "extraEnv 0 name" => json!([{"from": "TenantID"}]),
                "extraEnv 0 preset" => json!([{}]),
                _ => json!([{"name": "A"}]),
            };
        }
        if path.starts_with("podTemplates 0 ") && settings.get("podTemplates").is_none() {
            let form = if path.ends_with(" template") {
                "template"
            } else {
                "labels"
            };
            settings["podTemplates"] =
                json!([{"apiGroup": "argoproj.io", "kind": "Rollout", form: "spec.template"}]);
        }
        set(&mut settings, path, value.clone());
    }
    settings
}

const SIGNER: &str = "customTokenEndpoint azureKubernetesCACTBSignerName";
const SELECTOR: &str = "customTokenEndpoint azureKubernetesCACTBLabelSelector";

const FIELDS: &[&str] = &[
    "spec.driver.labels",
    "labels",
    "spec.templates[].metadata.labels",
    "a.b.c.d.e.f.g.h.i.j.k.l",
];
const NAMESPACES: &[&str] = &["*", "?", "web", "team-*", "*-dev", "a?-0"];
const NAMES: &[&str] = &["*", "?", "api", "api.v1-*", "*.a", "a?-0"];
const CLIENT_IDS: &[&str] = &[
    CLIENT_ID,
    "8F1C2A7E-5D3B-4C59-9A57-0B6F4F0F9D11",
    "00000000-0000-0000-0000-000000000001",
];
const TENANTS: &[&str] = &[TENANT, "contoso.com", "Contoso-1.onmicrosoft.COM"];

/// Settings, by path, with strings that are valid there.
const STRINGS: [(&str, &[&str]); 76] = [
    (
        "azureTenantID",
        &[TENANT, "contoso.com", "Contoso-1.onmicrosoft.COM", "1.2.x"],
    ),
    (
        "azureEnvironment",
        &[
            "AzurePublicCloud",
            "azurecloud",
            "AZUREUSGOVERNMENTCLOUD",
            "",
        ],
    ),
    (
        "azureAuthorityHost",
        &[
            "https://adfs.local.azurestack.external:8443/adfs",
            "https://a",
            "https://192.0.2.1:1/",
            "https://[2001:db8::1]:443/a%2Fb",
            "https://[::]/",
        ],
    ),
    (
        "audience",
        &["api://other", "a", "https://kubernetes.default.sv"],
    ),
    ("optIn", &["Either", "PodLabel", "ServiceAccountLabel"]),
    ("layout", &["v0.7", "v1.5", "v1.6.0", "v1.6.1"]),
    ("onMalformed", &["Reject", "Warn"]),
    ("serviceAccountLookup", &["Fresh", "Cached"]),
    ("mode", &["Inject", "Verify"]),
    (
        "proxy image",
        &[
            "proxy",
            "localhost:5000/a/b:v1",
            "Reg.example/a_b__c.d--e:V_1.2-3",
            "[::1]:5000/a",
        ],
    ),
    (
        "proxy initImage",
        &["a.b/c@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"],
    ),
    (
        "proxy logLevel",
        &["warning", "info", "debug", "trace", "all"],
    ),
    ("proxy resources limits cpu", &["100m", "1", "0.1", "1e3"]),
    (
        "proxy resources limits memory",
        &["64Mi", "1.5Gi", "+1G", "1E+2"],
    ),
    ("proxy resources requests memory", &["64Mi", "1k"]),
    ("proxy resources limits hugepages-2Mi", &["4Mi"]),
    ("proxy resources requests nvidia.com/gpu", &["1"]),
    ("proxy resources limits nvidia.com/gpu", &["1"]),
    ("proxy securityContext procMount", &["Default"]),
    (
        "proxy securityContext seLinuxOptions level",
        &["s0:c1,c2", "", "é"],
    ),
    (
        "proxy securityContext seccompProfile type",
        &["RuntimeDefault", "Localhost", "Unconfined"],
    ),
    (
        "proxy securityContext seccompProfile localhostProfile",
        &["a/b.json", "a b", "..a"],
    ),
    (
        "proxy initSecurityContext appArmorProfile type",
        &["RuntimeDefault", "Localhost"],
    ),
    (
        "proxy initSecurityContext appArmorProfile localhostProfile",
        &["/usr/../bin/a", "a b"],
    ),
    (
        "customTokenEndpoint annotationSuffix",
        &["identity-binding", "A.b_c", ""],
    ),
    (
        "customTokenEndpoint audience",
        &["api://AKSIdentityBinding", "api://other", ""],
    ),
    (
        "customTokenEndpoint azureKubernetesTokenProxy",
        &["https://a.example:6443", ""],
    ),
    (
        "customTokenEndpoint azureKubernetesSniName",
        &["abc.ests.aks", "A-1", ""],
    ),
    ("customTokenEndpoint azureKubernetesCaData", &[PEM, ""]),
    (
        "customTokenEndpoint azureKubernetesCAConfigMapName",
        &["ib-ca.v1", ""],
    ),
    (SIGNER, &["example.com/signer", "a.b/c.d-e.1", ""]),
    (
        "customTokenEndpoint azureKubernetesCACTBLabelSelector matchLabels a.b/c",
        &["", "A_b.c-9"],
    ),
    ("identityMap 0 namespaces 0", NAMESPACES),
    ("identityMap 0 serviceAccounts 0", NAMES),
    ("identityMap 0 clientID", CLIENT_IDS),
    ("identityMap 0 tenantID", TENANTS),
    ("allowedIdentities 0 namespaces 0", NAMESPACES),
    ("allowedIdentities 0 serviceAccounts 0", NAMES),
    ("allowedIdentities 0 clientIDs 0", CLIENT_IDS),
    ("allowedIdentities 0 tenantIDs 0", TENANTS),
    ("onDisallowed", &["Reject", "Warn"]),
    (
        "authorization mode",
        &["Off", "ServiceAccount", "ServiceAccountAndUser"],
    ),
    ("authorization verb", &["use-managed-identity", "a", "0-9"]),
    (
        "authorization group",
        &["cid.wi.aks.azure.com", "a", "1.a-b"],
    ),
    (
        "authorization exemptUsers 0",
        &[
            "system:serviceaccount:kube-system:*",
            "jane@example.com",
            "*",
            "~!",
        ],
    ),
    ("onAuthorizationError", &["Reject", "Warn"]),
    (
        "podTemplates 0 apiGroup",
        &["argoproj.io", "", "a", "1.a-b"],
    ),
    ("podTemplates 0 kind", &["Rollout", "K", "K8s-Thing", "aB"]),
    (
        "podTemplates 0 template",
        &[
            "spec.template",
            "template",
            "spec.groups[].template",
            "a_b[].c-9[]",
            "a.b.c.d.e.f.g.h.i.j.k.l",
        ],
    ),
    ("podTemplates 0 labels", FIELDS),
    ("podTemplates 0 annotations", &["spec.annotations", "a"]),
    (
        "podTemplates 0 serviceAccountName",
        &["spec.serviceAccount", "a"],
    ),
    (
        "extraEnv 0 name",
        &["ARM_CLIENT_ID", "a.b-c_1", "-", "AZURE_CLIENT_I"],
    ),
    ("extraEnv 0 value", &["true", "$(A)", "é", " "]),
    (
        "extraEnv 0 from",
        &[
            "ClientID",
            "TenantID",
            "AuthorityHost",
            "TokenFile",
            "Audience",
        ],
    ),
    (
        "extraEnv 0 preset",
        &["Terraform", "Ansible", "AzureSDK", "AzCopy", "Kubelogin"],
    ),
    ("extraEnv", &[]),
    ("extraEnv 0", &[]),
    ("alsoMountAs 0", &["v0.7"]),
    ("alsoMountAs", &[]),
    ("reinvocationPolicy", &["Never", "IfNeeded"]),
    ("handOver 0", &["Dapr"]),
    ("handOver", &[]),
    ("onDrift", &["Reject", "Warn"]),
    ("podTemplates", &[]),
    ("podTemplates 0", &[]),
    ("identityMap", &[]),
    ("identityMap 0", &[]),
    ("allowedIdentities", &[]),
    ("allowedIdentities 0 clientIDs", &[]),
    ("authorization", &[]),
    ("proxy resources limits", &[]),
    ("proxy resources", &[]),
    ("proxy securityContext", &[]),
    ("proxy", &[]),
    ("customTokenEndpoint", &[]),
];

/// Settings, by path, with values of other types that are valid there, or nearly.
fn others() -> Vec<(String, Value)> {
    let mut others = Vec::new();
    for name in [
        "allowPrivilegeEscalation",
        "privileged",
        "readOnlyRootFilesystem",
        "runAsNonRoot",
    ] {
        for value in [json!(true), json!(false), json!("true")] {
            others.push((name, value));
        }
    }
    for name in ["runAsUser", "runAsGroup"] {
        for value in [
            json!(0),
            json!(2147483647),
            json!(2147483648_u32),
            json!(-1),
            json!(1.0),
            json!(1.5),
            json!("0"),
        ] {
            others.push((name, value));
        }
    }
    for value in [
        json!({"add": ["NET_ADMIN"], "drop": ["ALL"]}),
        json!({"add": ["CAP_SYS_ADMIN"]}),
        json!({"add": "ALL"}),
        json!({"add": [5]}),
        json!({"ad": []}),
        json!({"add": [""], "drop": null}),
    ] {
        others.push(("capabilities", value));
    }
    for value in [json!(null), json!({})] {
        others.push(("windowsOptions", value.clone()));
        others.push(("seccompProfile", value.clone()));
        others.push(("seLinuxOptions", value));
    }
    let mut others: Vec<_> = others
        .into_iter()
        .map(|(name, value)| (format!("proxy securityContext {name}"), value))
        .collect();
    for path in [
        "requireClientID",
        "mark",
        "proxy nativeSidecar",
        "identityMap 0 optIn",
        "identityMap 0 override",
        "identityMap 0 lookup",
    ] {
        for value in [json!(true), json!(false), json!(0), json!(null)] {
            others.push((path.to_owned(), value));
        }
    }
    for value in [json!(false), json!(true), json!(null)] {
        others.push(("authorization mode".to_owned(), value));
    }
    for path in [
        "defaultTokenExpirationSeconds",
        "identityMap 0 tokenExpirationSeconds",
    ] {
        for value in [
            json!(3600),
            json!(86400),
            json!(3599),
            json!(3600.0),
            json!("3600"),
            json!(1e9),
        ] {
            others.push((path.to_owned(), value));
        }
    }
    for path in [
        "proxy resources limits cpu",
        "proxy resources requests cpu",
        "proxy resources limits memory",
        "proxy resources limits ephemeral-storage",
        "proxy initResources limits example.com/device",
    ] {
        for value in [
            json!(1),
            json!(0.1),
            json!(1e127),
            json!(-1),
            json!(null),
            json!([]),
        ] {
            others.push((path.to_owned(), value));
        }
    }
    for expressions in [
        json!([]),
        json!({}),
        json!([null]),
        json!([{"key": "a", "operator": "In", "values": ["b"]}]),
        json!([{"key": "a", "operator": "In", "values": []}]),
        json!([{"key": "a", "operator": "NotIn"}]),
        json!([{"key": "a.b/c", "operator": "Exists", "values": null}]),
        json!([{"key": "a", "operator": "DoesNotExist", "values": ["b"]}]),
        json!([{"key": "a", "operator": "Exists", "values": "b"}]),
        json!([{"key": "a b", "operator": "Exists"}]),
        json!([{"key": "a", "operator": "exists"}]),
        json!([{"key": "a", "operator": "In", "values": ["a b"]}]),
        json!([{"operator": "Exists"}]),
        json!([{"key": "a", "operator": null}]),
        json!([{"key": "a", "operator": "Exists", "value": []}]),
    ] {
        others.push((
            "customTokenEndpoint azureKubernetesCACTBLabelSelector matchExpressions".to_owned(),
            expressions,
        ));
    }
    others
}

/// A string near a valid one: a character is put in, taken away or replaced, or the string is doubled.
fn near(valid: &str, at: Index, character: char, change: u8) -> String {
    let mut characters: Vec<_> = valid.chars().collect();
    let at = at.index(characters.len() + 1);
    match change {
        0 => characters.insert(at, character),
        1 if at < characters.len() => drop(characters.remove(at)),
        2 if at < characters.len() => characters[at] = character,
        3 => characters.extend(valid.chars()),
        _ => {}
    }
    characters.into_iter().collect()
}

fn string() -> impl Strategy<Value = (String, Value)> {
    let characters: Vec<_> =
        "aZ09.:/@_-[]%$(){}'\"\\<>?#=+ ,;~^|`!&*é\u{200b}\u{feff}\u{a0}\n\t\0MiEeu"
            .chars()
            .collect();
    (
        select(&STRINGS[..]),
        any::<Index>(),
        any::<Index>(),
        select(characters),
        0..8_u8,
    )
        .prop_map(|((path, valid), which, at, character, change)| {
            let value = if valid.is_empty() {
                json!({})
            } else {
                near(valid[which.index(valid.len())], at, character, change).into()
            };
            (path.to_owned(), value)
        })
}

/// A value of any type at a path of any depth.
fn anything() -> impl Strategy<Value = (String, Value)> {
    let values = [
        json!(null),
        json!(true),
        json!(0),
        json!(1),
        json!(-5),
        json!(2.5),
        json!(""),
        json!("a"),
        json!([]),
        json!(["a"]),
        json!([1]),
        json!({}),
        json!({"a": 1}),
        json!({"type": "Localhost"}),
    ];
    (select(&STRINGS[..]), select(values.to_vec()))
        .prop_map(|((path, _), value)| (path.to_owned(), value))
}

/// A list of up to three entries, each with some of these fields.
fn entries(
    setting: &'static str,
    fields: Vec<(&'static str, Value)>,
) -> impl Strategy<Value = (String, Value)> {
    // Keys are sorted, as PolicyServer writes them.
    let entry = vec(select(fields), 0..5)
        .prop_map(|fields| json!(fields.into_iter().collect::<BTreeMap<_, _>>()));
    vec(entry, 0..4).prop_map(move |entries| (setting.to_owned(), entries.into()))
}

/// Lists whose entries repeat or shadow others, or nearly.
fn lists() -> impl Strategy<Value = (String, Value)> {
    let mut patterns = Vec::new();
    for name in ["namespaces", "serviceAccounts"] {
        for list in [
            json!(["a"]),
            json!(["a", "b"]),
            json!(["*"]),
            json!(["team-*"]),
            json!(["team-?", "a"]),
            json!(["*", "team-*"]),
            json!(["a", "a"]),
            json!([]),
            json!(null),
            json!("a"),
            json!([null]),
        ] {
            patterns.push((name, list));
        }
    }
    let mut map = patterns.clone();
    map.extend([
        ("clientID", json!(CLIENT_ID)),
        ("clientID", json!(CLIENT_IDS[1])),
        ("clientID", json!(null)),
        ("tenantID", json!(TENANT)),
        ("tenantID", json!(null)),
        ("tokenExpirationSeconds", json!(7200)),
        ("tokenExpirationSeconds", json!(null)),
        ("optIn", json!(true)),
        ("optIn", json!(null)),
        ("override", json!(true)),
        ("lookup", json!(true)),
        ("lookup", json!(false)),
        ("lookUp", json!(false)),
    ]);
    let mut allowed = patterns;
    for name in ["clientIDs", "tenantIDs"] {
        for list in [
            json!([CLIENT_ID]),
            json!([CLIENT_IDS[1]]),
            json!([CLIENT_ID, CLIENT_IDS[1]]),
            json!([CLIENT_ID, TENANT]),
            json!([CLIENT_ID, CLIENT_ID]),
            json!([]),
            json!(null),
            json!([null]),
            json!({}),
        ] {
            allowed.push((name, list));
        }
    }
    allowed.push(("clientID", json!(CLIENT_ID)));
    let texts = [
        "A",
        "AZURE_CLIENT_ID",
        "ClientID",
        "Terraform",
        "ARM_TENANT_ID",
        "",
    ];
    let mut variables = Vec::new();
    for name in ["name", "value", "from", "preset"] {
        let texts = texts.map(|text| (name, json!(text)));
        variables.extend(texts);
        variables.extend([(name, json!(null)), (name, json!(1))]);
    }
    let older = vec(
        select(vec![
            json!("v0.7"),
            json!("v1.5"),
            json!("v1.6.0"),
            json!(null),
        ]),
        0..4,
    );
    let layouts = older.prop_map(|older| ("alsoMountAs".to_owned(), older.into()));
    let mut templates = Vec::new();
    for name in [
        "apiGroup",
        "kind",
        "template",
        "labels",
        "annotations",
        "serviceAccountName",
    ] {
        templates.extend([(name, json!(null)), (name, json!("")), (name, json!("Job"))]);
        for path in ["a.labels", "a[].b", "a[].c", "a[].b[]"] {
            templates.push((name, json!(path)));
        }
    }
    // Often enough for an entry without a fault.
    for _ in 0..8 {
        templates.extend([
            ("apiGroup", json!("batch")),
            ("apiGroup", json!("a.b")),
            ("kind", json!("K")),
            ("kind", json!("Job")),
        ]);
    }
    prop_oneof![
        entries("identityMap", map),
        entries("allowedIdentities", allowed),
        entries("podTemplates", templates),
        entries("extraEnv", variables),
        layouts,
    ]
}

fn settings() -> impl Strategy<Value = Value> {
    let value = prop_oneof![
        6 => string(),
        3 => select(others()),
        3 => lists(),
        1 => anything(),
    ];
    vec(value, 0..6).prop_map(|values| with(&values))
}

fn configuration() -> ProptestConfig {
    let cases = env::var("PROPTEST_CASES").ok();
    ProptestConfig {
        cases: cases.and_then(|cases| cases.parse().ok()).unwrap_or(CASES),
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}

#[track_caller]
fn reads<T: DeserializeOwned>(value: &Value, settings: &Value) {
    if !matches!(value, Value::Null | Value::String(_)) {
        let read = serde_json::from_value::<T>(value.clone());
        assert!(read.is_ok(), "{settings:#}\n{:?}", read.err());
    }
}

/// Quantities as strings: Kubernetes reads numbers too, its types here do not.
fn without_numbers(resources: &Value) -> Value {
    let mut resources = resources.clone();
    for list in ["limits", "requests"] {
        let quantities = resources.get_mut(list).and_then(Value::as_object_mut);
        for quantity in quantities
            .into_iter()
            .flat_map(|quantities| quantities.values_mut())
        {
            if quantity.is_number() {
                *quantity = quantity.to_string().into();
            }
        }
    }
    resources
}

proptest! {
    #![proptest_config(configuration())]

    #[test]
    fn the_schema_and_the_policy_accept_the_same(settings in settings()) {
        thread_local!(static SCHEMA: Schema = Schema::read());
        SCHEMA.with(|schema| schema.agrees(&settings));
    }

    #[test]
    fn what_is_accepted_has_kubernetes_types(settings in settings()) {
        if Settings::validate(&settings.to_string()).is_ok() {
            let proxy = &settings["proxy"];
            reads::<SecurityContext>(&proxy["securityContext"], &settings);
            reads::<SecurityContext>(&proxy["initSecurityContext"], &settings);
            reads::<ResourceRequirements>(&without_numbers(&proxy["resources"]), &settings);
            reads::<ResourceRequirements>(&without_numbers(&proxy["initResources"]), &settings);
            let selector = &settings["customTokenEndpoint"]["azureKubernetesCACTBLabelSelector"];
            reads::<LabelSelector>(selector, &settings);
        }
    }
}

/// Each with one value that Kubernetes or Azure would not accept, or that could not work.
fn bad() -> Vec<(&'static str, Value)> {
    let mut bad = Vec::new();
    let mut add = |path: &'static str, values: &[Value]| {
        bad.extend(values.iter().map(|value| (path, value.clone())));
    };
    let strings = |texts: &[&str]| texts.iter().map(|text| json!(text)).collect::<Vec<_>>();
    add("azureTenantId", &[json!(TENANT)]);
    add(
        "azureTenantID",
        &strings(&[
            "",
            "common",
            " contoso.com",
            "contoso.com.",
            "1.2",
            "10.0.0.1",
            "a.1",
            "YOUR-TENANT-ID",
            "contoso_.com",
            "00000000-0000-0000-0000-000000000000",
        ]),
    );
    add("azureTenantID", &[json!(null), json!(["a"]), json!(5)]);
    add(
        "azureEnvironment",
        &strings(&["AzureStackCloud", " ", "AzureCloud "]),
    );
    for path in [
        "azureAuthorityHost",
        "customTokenEndpoint azureKubernetesTokenProxy",
    ] {
        add(
            path,
            &strings(&[
                "http://login.example/",
                "HTTPS://login.example/",
                "https://login.example/?a",
                "https://a/#b",
                "https://user@login.example/",
                "https://host:+443/",
                "https://host:65536/",
                "https://host:0/",
                "https://host/\"",
                "https://host/\\",
                "https://host/<script>",
                "https://host/$(X)",
                "https://host/'",
                "https://host./",
                "https://1.2.3/",
                "https://1.2.3.256/",
                "https://[:1:2]/",
                "https://[]/",
                "https://[::1",
                "https://[1::2::3]/",
                "https://host/%4",
                "https://a b/",
                "https://\u{200b}/",
            ]),
        );
        let label = "a".repeat(63);
        let host = format!("{label}.{label}.{label}.{}", "a".repeat(62));
        add(path, &[json!(format!("https://{host}/"))]);
        add(path, &[json!(format!("https://a/{}", "a".repeat(503)))]);
    }
    add("azureAuthorityHost", &[json!("")]);
    for path in ["audience", "customTokenEndpoint audience"] {
        add(
            path,
            &strings(&[
                "a b",
                "\u{200b}",
                "\u{feff}api://x",
                "é",
                "a\n",
                "https://kubernetes.default.svc",
                "https://kubernetes.default.svc.cluster.local",
                "kubernetes.default.svc",
                "https://kubernetes.default/",
            ]),
        );
        add(path, &[json!("a".repeat(254)), json!(5)]);
    }
    add("audience", &[json!("")]);
    add(
        "customTokenEndpoint audience",
        &[json!("API://azureadtokenexchange"), json!(""), json!(null)],
    );
    add("optIn", &strings(&["podlabel", ""]));
    add("layout", &[json!(1.5), json!("v2")]);
    add("mode", &strings(&["Audit", "inject"]));
    add("onMalformed", &[json!("Ignore")]);
    add("serviceAccountLookup", &[json!("fresh")]);
    add("requireClientID", &[json!("true")]);
    add(
        "defaultTokenExpirationSeconds",
        &[json!(3599), json!(86401), json!("3600"), json!(3600.5)],
    );
    add("proxy", &[json!(true), json!({"port": 8000})]);
    for path in ["proxy image", "proxy initImage"] {
        add(
            path,
            &strings(&[
                "",
                "a b",
                "a:b:c",
                "a//b",
                "a@sha256:zz",
                "http://a/b",
                "A",
                "Org/a",
                "a.b/C",
                "a/",
                "/a",
                "a:",
                "a@",
                "a.b/c._d",
                "a___b",
                "a:65536/b",
                "a:-b",
            ]),
        );
        add(
            path,
            &[
                json!(5),
                json!("a".repeat(256)),
                json!(format!("a:{}", "a".repeat(129))),
            ],
        );
        add(
            path,
            &[
                json!(format!("a@{}", DIGEST.to_uppercase())),
                json!(format!("a@{DIGEST}0")),
            ],
        );
    }
    add("proxy logLevel", &[json!("warn")]);
    add("proxy nativeSidecar", &[json!("yes")]);
    for path in ["proxy resources", "proxy initResources"] {
        add(
            path,
            &[
                json!([]),
                json!({"limit": {}}),
                json!({"claims": []}),
                json!({"requests": 5}),
                json!({"limits": {"memory": "64mb"}}),
                json!({"limits": {"memory": "."}}),
                json!({"limits": {"memory": -1}}),
                json!({"limits": {"memory": "-1"}}),
                json!({"limits": {"memory": null}}),
                json!({"limits": {"memory": "100000000000000000000"}}),
                json!({"limits": {"memory": "0.0100000000000000000001Ei"}}),
                json!({"limits": {"memory": "1e1000"}}),
                json!({"limits": {"": "1"}}),
                json!({"limits": {"a b": "1"}}),
                json!({"limits": {"gpu": "1"}}),
                json!({"limits": {"requests.a/b": "1"}}),
                json!({"limits": {"hugepages-0": "1", "cpu": 1}}),
                json!({"limits": {"hugepages-2Mi": "2Mi"}}),
                json!({"limits": {"hugepages-2Mi": "3Mi", "cpu": 1}}),
                json!({"limits": {"hugepages-2Mi": "2Mi", "cpu": 1}, "requests": {"hugepages-2Mi": "4Mi"}}),
                json!({"limits": {"nvidia.com/gpu": 1.5}}),
                json!({"requests": {"nvidia.com/gpu": 1}}),
                json!({"limits": {"nvidia.com/gpu": 2}, "requests": {"nvidia.com/gpu": 1}}),
                json!({"limits": {"memory": "64Mi"}, "requests": {"memory": "128Mi"}}),
                json!({"limits": {"cpu": "0.5m"}}),
                json!({"limits": {"memory": "100m"}}),
            ],
        );
    }
    for path in ["proxy securityContext", "proxy initSecurityContext"] {
        add(
            path,
            &[
                json!(true),
                json!({"runAsUsr": 0}),
                json!({"runAsUser": "0"}),
                json!({"runAsUser": -1}),
                json!({"runAsUser": 1000.0}),
                json!({"runAsUser": 2147483648_u32}),
                json!({"privileged": "yes"}),
                json!({"capabilities": "ALL"}),
                json!({"capabilities": {"ad": ["X"]}}),
                json!({"capabilities": {"add": [""]}}),
                json!({"procMount": "x"}),
                json!({"procMount": "Unmasked"}),
                json!({"privileged": true, "allowPrivilegeEscalation": false}),
                json!({"capabilities": {"add": ["CAP_SYS_ADMIN"]}, "allowPrivilegeEscalation": false}),
                json!({"runAsNonRoot": true, "runAsUser": 0}),
                json!({"seccompProfile": {}}),
                json!({"seccompProfile": {"type": "localhost"}}),
                json!({"seccompProfile": {"type": "Localhost"}}),
                json!({"seccompProfile": {"type": "Localhost", "localhostProfile": "../a"}}),
                json!({"seccompProfile": {"type": "Localhost", "localhostProfile": "/a"}}),
                json!({"seccompProfile": {"type": "Localhost", "localhostProfile": ""}}),
                json!({"seccompProfile": {"type": "Unconfined", "localhostProfile": "a"}}),
                json!({"appArmorProfile": {"type": "Localhost", "localhostProfile": " a"}}),
                json!({"appArmorProfile": {"type": "Localhost", "localhostProfile": "a".repeat(4096)}}),
                json!({"seLinuxOptions": {"level": 5}}),
                json!({"windowsOptions": {}}),
            ],
        );
    }
    add(
        "customTokenEndpoint",
        &[
            json!("on"),
            json!({"audience": "a"}),
            json!({"annotationSuffix": "a"}),
            json!({"annotationSuffix": "", "audience": "a"}),
            json!({"azureKubernetesSniName": "a"}),
            json!({"anotationSuffix": "a", "audience": "b"}),
        ],
    );
    add(
        "customTokenEndpoint annotationSuffix",
        &strings(&["a/b", "a-", ""]),
    );
    add(
        "customTokenEndpoint annotationSuffix",
        &[json!("a".repeat(60))],
    );
    add(
        "customTokenEndpoint azureKubernetesSniName",
        &strings(&["a_b", "1.2.3.4"]),
    );
    add(
        "customTokenEndpoint azureKubernetesCaData",
        &strings(&[
            "MIIB",
            KEY,
            " ",
            "\n",
            "-----BEGIN CERTIFICATE-----MIIB-----END CERTIFICATE-----",
        ]),
    );
    add(
        "customTokenEndpoint azureKubernetesCaData",
        &[
            json!([PEM, KEY].concat()),
            json!([KEY, PEM].concat()),
            json!([PEM, "x"].concat()),
            json!(PEM.replace("MIIB", "MII")),
            json!(PEM.replace("MIIB", "M===")),
            json!(PEM.replace("MIIB", "")),
            json!(PEM.replace("MIIB\n", "MIIB")),
            json!(PEM.repeat(1200)),
        ],
    );
    add(
        "customTokenEndpoint azureKubernetesCAConfigMapName",
        &strings(&["A", "a/b", "-a"]),
    );
    add(
        "customTokenEndpoint azureKubernetesCAConfigMapName",
        &[json!("a".repeat(254))],
    );
    add(
        SIGNER,
        &strings(&["signer", "a/b", "a.b/c/d", "a.b/C", "a.b/", "a.b/c..d"]),
    );
    add(SIGNER, &[json!(format!("a.b/{}", "a".repeat(254)))]);
    add(SELECTOR, &[json!({}), json!({"matchLabels": 5})]);
    for path in ["identityMap 0 namespaces", "allowedIdentities 0 namespaces"] {
        add(path, &[json!(["a.b"]), json!(["a".repeat(64)])]);
    }
    for path in [
        "identityMap 0 namespaces",
        "identityMap 0 serviceAccounts",
        "allowedIdentities 0 namespaces",
        "allowedIdentities 0 serviceAccounts",
    ] {
        for text in ["", "A", "-a", "a-", "a_b", "a b", "a/b", "[ab]", "é"] {
            add(path, &[json!([text])]);
        }
        add(
            path,
            &[
                json!("a"),
                json!({}),
                json!([null]),
                json!([5]),
                json!(["a", "a"]),
                json!(["a".repeat(254)]),
            ],
        );
    }
    for path in ["identityMap 0 namespaces", "identityMap 0 serviceAccounts"] {
        add(path, &[json!([])]);
    }
    for path in ["identityMap 0 clientID", "allowedIdentities 0 clientIDs 0"] {
        add(
            path,
            &strings(&[
                "",
                "contoso.com",
                " 8f1c2a7e-5d3b-4c59-9a57-0b6f4f0f9d11",
                "*",
            ]),
        );
    }
    for path in ["identityMap 0 tenantID", "allowedIdentities 0 tenantIDs 0"] {
        add(path, &strings(&["", "common", "*.com", "contoso"]));
    }
    add(
        "identityMap 0 tokenExpirationSeconds",
        &[json!(3599), json!(86401), json!("3600")],
    );
    for name in ["optIn", "override", "lookup"] {
        let entry = json!({"clientID": CLIENT_ID, name: "true"});
        add("identityMap 0", &[entry]);
    }
    add(
        "identityMap 0",
        &[
            json!(null),
            json!("a"),
            json!({}),
            json!({"namespaces": ["a"], "override": true, "lookup": true}),
            json!({"clientID": null, "tenantID": null, "tokenExpirationSeconds": null, "optIn": null}),
            json!({"optIn": true, "lookup": false}),
            json!({"clientID": CLIENT_ID, "lookup": false}),
            json!({"clientID": null, "optIn": true, "lookup": false}),
            json!({"clientId": CLIENT_ID, "lookup": false}),
            json!({"clientID": CLIENT_ID, "namespace": ["a"]}),
        ],
    );
    add(
        "extraEnv 0",
        &[
            json!(null),
            json!("A"),
            json!({}),
            json!({"name": "A"}),
            json!({"value": "a"}),
            json!({"name": "A", "value": "a", "from": "ClientID"}),
            json!({"name": "A", "preset": "Terraform"}),
            json!({"name": "A", "valueFrom": "a"}),
            json!({"preset": "terraform"}),
            json!({"name": "AZURE_CLIENT_ID", "from": "ClientID"}),
            json!({"name": "A", "value": "a".repeat(254)}),
            json!({"name": "a".repeat(254), "value": "a"}),
        ],
    );
    add("extraEnv 0 name", &strings(&["", "1A", "A B", "A=B", "é"]));
    add(
        "extraEnv 0 value",
        &strings(&["", "\n", "a\u{7f}", "\u{9f}"]),
    );
    add(
        "alsoMountAs",
        &[
            json!("v0.7"),
            json!(["v1.5"]),
            json!(["v1.6.0"]),
            json!(["v0.7", "v0.7"]),
            json!([null]),
        ],
    );
    add(
        "handOver",
        &[json!("Dapr"), json!(["dapr"]), json!(["Dapr", "Dapr"])],
    );
    add(
        "podTemplates 0 apiGroup",
        &strings(&["A", "a..b", "a b", "-a", "a/b"]),
    );
    add(
        "podTemplates 0 apiGroup",
        &[json!(null), json!(5), json!("a".repeat(254))],
    );
    add(
        "podTemplates 0 kind",
        &strings(&["", "rollout", "Roll out", "A-", "a/B"]),
    );
    add("podTemplates 0 kind", &[json!(null), json!("A".repeat(64))]);
    for path in ["podTemplates 0 template", "podTemplates 0 labels"] {
        add(
            path,
            &strings(&[
                "", ".", "a.", ".a", "a..b", "[]", "a.[]", "a[0]", "a[]b", "a[][]", "a b", "$.a",
            ]),
        );
        add(
            path,
            &[json!(["a"; 13].join(".")), json!("a".repeat(254)), json!(5)],
        );
    }
    for name in ["labels", "annotations", "serviceAccountName"] {
        let entry = json!({"apiGroup": "a.b", "kind": "K", "template": "a", name: "b"});
        add("podTemplates 0", &[entry]);
    }
    add(
        "podTemplates 0",
        &[
            json!(null),
            json!("a"),
            json!({}),
            json!({"apiGroup": "a.b", "kind": "K"}),
            json!({"apiGroup": "a.b", "kind": "K", "labels": "a[]"}),
            json!({"apiGroup": "a.b", "kind": "K", "labels": null, "template": null}),
            json!({"apiGroup": "a.b", "kind": "K", "annotations": "a"}),
            json!({"apiGroup": "a.b", "template": "a"}),
            json!({"kind": "K", "template": "a"}),
            json!({"apiGroup": "a.b", "kind": "K", "templates": "a"}),
            json!({"apiGroup": "apps", "kind": "Deployment", "template": "a"}),
            json!({"apiGroup": "", "kind": "Pod", "template": "a"}),
        ],
    );
    add(
        "podTemplates",
        &[
            json!({}),
            json!([
                {"apiGroup": "a.b", "kind": "K", "template": "a"},
                {"apiGroup": "a.b", "kind": "K", "template": "a"},
            ]),
            json!([{"apiGroup": "a.b", "kind": "K", "labels": "a[].b", "annotations": "c[].d"}]),
        ],
    );
    add(
        "identityMap",
        &[
            json!({}),
            json!("a"),
            json!([{"optIn": true}, {"optIn": true}]),
            json!([{"optIn": true}, {"namespaces": ["a"], "optIn": false}]),
            json!([
                {"namespaces": ["a", "team-*"], "optIn": true},
                {"namespaces": ["team-a"], "serviceAccounts": ["b"], "clientID": CLIENT_ID},
            ]),
        ],
    );
    add(
        "allowedIdentities",
        &[
            json!({}),
            json!("a"),
            json!([null]),
            json!(["a"]),
            json!([{"clientID": CLIENT_ID}]),
            json!([{}, {}]),
            json!([{"clientIDs": [CLIENT_ID, CLIENT_ID]}]),
            json!([{"clientIDs": [CLIENT_ID, CLIENT_IDS[1]]}]),
            json!([{"tenantIDs": ["contoso.com", "Contoso.com"]}]),
            json!([{"clientIDs": [CLIENT_ID]}, {"clientIDs": [CLIENT_IDS[1]]}]),
        ],
    );
    add("onDisallowed", &strings(&["Ignore", "reject", ""]));
    add("onAuthorizationError", &strings(&["Ignore", "warn", ""]));
    add("authorization", &[json!(true), json!({"modes": "Off"})]);
    add("authorization mode", &strings(&["off", "User", ""]));
    add("authorization mode", &[json!(true)]);
    add(
        "authorization verb",
        &strings(&["", "*", "Use", "a b", "-a", "a."]),
    );
    add("authorization verb", &[json!("a".repeat(64)), json!(5)]);
    add(
        "authorization group",
        &strings(&["", "*", "A", "a b", "a..b", ".a", "a-"]),
    );
    add("authorization group", &[json!("a".repeat(254)), json!(5)]);
    add(
        "authorization exemptUsers",
        &[
            json!("a"),
            json!([null]),
            json!([""]),
            json!(["a b"]),
            json!(["é"]),
            json!(["a".repeat(254)]),
        ],
    );
    bad
}

#[test]
fn both_reject_what_could_not_work() {
    let schema = Schema::read();
    for (path, value) in bad() {
        let settings = with(&[(path, value)]);
        assert!(schema.agrees(&settings).is_some(), "{settings:#}");
    }
    for selector in [
        json!({"matchLabel": {}}),
        json!({"matchLabels": {"a": 1}}),
        json!({"matchLabels": {"a b": ""}}),
        json!({"matchLabels": {"a": "b c"}}),
        json!({"matchExpressions": {}}),
        json!({"matchExpressions": [{"key": "a", "operator": "Bogus"}]}),
        json!({"matchExpressions": [{"key": "a", "operator": "In"}]}),
        json!({"matchExpressions": [{"key": "a", "operator": "Exists", "values": ["b"]}]}),
    ] {
        let settings = with(&[(SIGNER, json!("a.b/c")), (SELECTOR, selector)]);
        assert!(schema.agrees(&settings).is_some(), "{settings:#}");
    }
    for sources in [
        ["azureKubernetesCaData", "azureKubernetesCAConfigMapName"],
        ["azureKubernetesCaData", "azureKubernetesCACTBSignerName"],
        [
            "azureKubernetesCAConfigMapName",
            "azureKubernetesCACTBSignerName",
        ],
    ] {
        let mut settings = with(&[("customTokenEndpoint audience", json!("b"))]);
        for source in sources {
            settings["customTokenEndpoint"][source] = match source {
                "azureKubernetesCaData" => PEM.into(),
                "azureKubernetesCAConfigMapName" => "a".into(),
                _ => "a.b/c".into(),
            };
        }
        assert!(schema.agrees(&settings).is_some(), "{settings:#}");
    }
    for settings in [json!({}), json!([]), json!(null), json!("a")] {
        assert!(schema.agrees(&settings).is_some(), "{settings:#}");
    }
}

#[test]
fn both_accept_the_settings_of_the_example() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/identities/settings.yaml");
    let text = fs::read_to_string(&path).expect("the settings");
    let mut settings = yaml_serde::from_str::<Value>(&text).expect("YAML");
    // The placeholder.
    assert!(Schema::read().agrees(&settings).is_some());
    settings["azureTenantID"] = TENANT.into();
    assert_eq!(Schema::read().agrees(&settings), None);
}

#[test]
fn both_accept_what_works() {
    let schema = Schema::read();
    let label = "a".repeat(63);
    let host = format!("{label}.{label}.{label}.{}", "a".repeat(61));
    let mut good = vec![
        vec![],
        vec![(
            "azureAuthorityHost",
            json!(format!("https://{host}/{}", "a".repeat(250))),
        )],
        vec![("audience", json!("a".repeat(253)))],
        vec![(
            "proxy image",
            json!(format!(
                "{label}.{label}/{}:{}",
                "a".repeat(127),
                "a".repeat(128)
            )),
        )],
        vec![(
            "proxy resources limits memory",
            json!("12345678901234567890"),
        )],
        vec![("proxy resources limits memory", json!("00.5e2"))],
        vec![("customTokenEndpoint", json!({}))],
        vec![(
            "customTokenEndpoint",
            json!({"annotationSuffix": "", "audience": null, "azureKubernetesCaData": ""}),
        )],
        vec![
            ("customTokenEndpoint azureKubernetesCaData", json!(PEM)),
            (
                "customTokenEndpoint azureKubernetesCAConfigMapName",
                json!(""),
            ),
        ],
        vec![(
            "customTokenEndpoint azureKubernetesCaData",
            json!(PEM.repeat(1000).replace('\n', "\r\n")),
        )],
        vec![(
            "proxy image",
            json!(format!("{}:v1@{DIGEST}", "a".repeat(255))),
        )],
        vec![
            (SIGNER, json!("a.b/c")),
            (SELECTOR, json!({"matchLabels": {"a.b/c": "d"}})),
        ],
        vec![
            (SIGNER, json!("a.b/c")),
            (
                SELECTOR,
                json!({"matchExpressions": [{"key": "a", "operator": "NotIn", "values": [""]}]}),
            ),
        ],
        vec![(SELECTOR, json!(""))],
        vec![(
            "proxy resources",
            json!({"limits": {"memory": "64Mi", "cpu": 0.1}, "requests": null}),
        )],
        vec![(
            "proxy resources",
            json!({"limits": {"hugepages-2Mi": "4Mi"}, "requests": {"memory": "1.5Gi"}}),
        )],
        vec![(
            "proxy resources",
            json!({"limits": {"nvidia.com/gpu": 1}, "requests": {"nvidia.com/gpu": "1"}}),
        )],
        vec![(
            "proxy initSecurityContext",
            json!({"privileged": false, "runAsNonRoot": false, "runAsUser": 0, "capabilities": {"add": ["NET_ADMIN"], "drop": ["ALL"]}}),
        )],
        vec![(
            "proxy securityContext",
            json!({"seccompProfile": {"type": "Localhost", "localhostProfile": "a/b"}, "windowsOptions": null}),
        )],
    ];
    let patterns = json!(["a".repeat(63), "*"]);
    let entry = json!({
        "namespaces": patterns,
        "serviceAccounts": ["a".repeat(253)],
        "clientIDs": [CLIENT_ID, TENANT],
        "tenantIDs": [],
    });
    good.extend([
        vec![("extraEnv", json!([]))],
        vec![(
            "extraEnv",
            json!([
                {"preset": "Terraform", "name": null, "value": null, "from": null},
                {"name": "a".repeat(253), "value": "é".repeat(253)},
                {"name": "B", "from": "Audience", "preset": null},
            ]),
        )],
        vec![("layout", json!("v1.6.1")), ("alsoMountAs", json!(["v1.5", "v0.7"]))],
        vec![("layout", json!("v0.7")), ("alsoMountAs", json!(["v1.5"]))],
        vec![("alsoMountAs", json!([])), ("handOver", json!([]))],
        vec![("allowedIdentities", json!([]))],
        vec![("allowedIdentities", json!([{}]))],
        vec![(
            "allowedIdentities",
            json!([entry, {"namespaces": null, "serviceAccounts": [], "clientIDs": null}]),
        )],
        vec![("identityMap", json!([]))],
        vec![(
            "identityMap",
            json!([
                {"namespaces": patterns, "serviceAccounts": ["a"], "optIn": true},
                {"namespaces": ["b"], "clientID": CLIENT_ID, "optIn": false, "lookup": false},
                {"serviceAccounts": null, "tokenExpirationSeconds": 86400, "override": true},
            ]),
        )],
        vec![(
            "identityMap",
            json!([{"tenantID": "contoso.com", "lookup": null}]),
        )],
        vec![("podTemplates", json!([]))],
        vec![(
            "podTemplates",
            json!([
                {"apiGroup": "apps", "kind": "Job", "template": "a", "labels": null},
                {"apiGroup": "", "kind": "PodTemplate", "template": "template"},
                {"apiGroup": "a.b", "kind": "K", "template": "a[].b"},
                {"apiGroup": "a.b", "kind": "K", "labels": "a[].b", "annotations": "a[].c", "serviceAccountName": "d"},
            ]),
        )],
        vec![("authorization", json!({}))],
        // What kubectl makes of Off without quotes.
        vec![("authorization mode", json!(false))],
        vec![
            ("authorization verb", json!("a".repeat(63))),
            ("authorization group", json!("a".repeat(253))),
            (
                "authorization exemptUsers",
                json!(["a".repeat(253), "*", "*"]),
            ),
        ],
        vec![("authorization exemptUsers", json!([]))],
    ]);
    // Those that need another setting are above.
    let others = [
        "Profile",
        "nvidia.com/gpu",
        "hugepages",
        "SignerName",
        "LabelSelector",
        "annotationSuffix",
    ];
    for (path, valid) in STRINGS {
        if !others.iter().any(|other| path.contains(other))
            && path != "customTokenEndpoint audience"
        {
            good.extend(valid.iter().map(|text| vec![(path, json!(text))]));
        }
    }
    for path in [
        "azureEnvironment",
        "audience",
        "optIn",
        "layout",
        "mode",
        "proxy",
        "customTokenEndpoint",
        "identityMap",
        "allowedIdentities",
        "onDisallowed",
        "authorization",
        "authorization mode",
        "authorization exemptUsers",
        "onAuthorizationError",
        "podTemplates",
    ] {
        good.push(vec![(path, json!(null))]);
    }
    for values in good {
        let settings = with(&values);
        assert_eq!(schema.agrees(&settings), None, "{settings:#}");
    }
}
