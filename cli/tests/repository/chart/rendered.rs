//! What Helm makes of the chart. Without helm on PATH, people are told that this is not tested.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{self, Write};
use std::path::Path;
use std::process::{Command, Output, Stdio};

use azwi_policy::input::manifests::{Contents, contents_from};
use azwi_policy::input::rendered;
use regex::{Captures, Regex};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::{CHART, of_cargo, of_the_chart, pointer, values};
use crate::monitoring::{has_promtool, promtool};
use crate::{document, root, text};

const TENANT: &str = "contoso.com";

/// Whether all of these programs are on PATH; if not, people are told, even if the output of tests is kept from them.
fn are_installed(programs: &[(&str, &str)]) -> bool {
    let missing = programs
        .iter()
        .find(|(program, argument)| Command::new(program).arg(argument).output().is_err());
    if let Some((program, _)) = missing {
        let _ = writeln!(
            io::stderr(),
            "note: what Helm makes of the chart is not tested: {program} is not on PATH"
        );
    }
    missing.is_none()
}

const HELM: (&str, &str) = ("helm", "version");
const KUBECTL: (&str, &str) = ("kubectl", "version");

/// An object's kind and name.
type Id = (String, String);

/// Objects by kind and name.
type Objects = BTreeMap<Id, Value>;

#[track_caller]
fn objects(contents: Contents) -> Objects {
    assert_eq!(contents.errors.len(), 0, "{:?}", contents.errors);
    let mut objects = Objects::new();
    for manifest in contents.manifests {
        let name = manifest.object["metadata"]["name"]
            .as_str()
            .expect("a name");
        let id = (manifest.kind.clone(), name.to_owned());
        let before = objects.insert(id, manifest.object);
        assert_eq!(before, None);
    }
    objects
}

/// Helm with these arguments, and values on its standard input.
fn helm(arguments: &[&str], values: &Value) -> Output {
    let home = tempfile::tempdir().expect("a directory");
    let mut helm = Command::new("helm")
        .args(arguments)
        .args(["--values", "-"])
        .current_dir(root())
        .env("HELM_CACHE_HOME", home.path())
        .env("HELM_CONFIG_HOME", home.path())
        .env("HELM_DATA_HOME", home.path())
        // No cluster.
        .env("KUBECONFIG", home.path().join("none"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("helm");
    let mut stdin = helm.stdin.take().expect("standard input");
    stdin
        .write_all(values.to_string().as_bytes())
        .expect("values are written");
    drop(stdin);
    helm.wait_with_output().expect("an end")
}

/// What `helm template` prints.
#[track_caller]
fn template(values: &Value) -> String {
    let output = helm(
        &["template", "azwi", CHART, "--namespace", "kubewarden"],
        values,
    );
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{values}: {said}");
    String::from_utf8(output.stdout).expect("UTF-8")
}

/// The objects that the chart makes of values.
#[track_caller]
fn made_of(values: &Value) -> Objects {
    let text = template(values);
    objects(contents_from("helm", text.as_bytes()))
}

/// Why the chart refuses values.
#[track_caller]
fn refusal(values: &Value) -> String {
    let output = helm(&["template", "azwi", CHART], values);
    assert!(!output.status.success(), "{values}");
    String::from_utf8(output.stderr).expect("UTF-8")
}

/// Values with further ones.
fn with(mut values: Value, path: &str, value: Value) -> Value {
    let mut place = &mut values;
    for key in path.split('.') {
        if place.is_null() {
            *place = json!({});
        }
        place = &mut place[key];
    }
    *place = value;
    values
}

fn with_a_tenant() -> Value {
    json!({"settings": {"azureTenantID": TENANT}})
}

/// Everything that can be switched on.
fn with_everything() -> Value {
    let mut values = with_a_tenant();
    for path in [
        "ownPolicyServer.enabled",
        "laterContainers.enabled",
        "monitoring.prometheusRule.enabled",
        "monitoring.serviceMonitor.enabled",
        "monitoring.dashboard.enabled",
    ] {
        values = with(values, path, json!(true));
    }
    values
}

/// Takes away the labels that Helm's charts give their objects; each object must have them.
#[track_caller]
fn without_labels_of_helm(mut objects: Objects) -> Objects {
    let version = of_cargo("version");
    let name = "azure-workload-identity-policy";
    for (id, object) in &mut objects {
        let metadata = object["metadata"].as_object_mut().expect("an object");
        let labels = metadata["labels"].as_object_mut().expect("labels");
        for (label, value) in [
            ("helm.sh/chart", &*format!("{name}-{version}")),
            ("app.kubernetes.io/name", name),
            ("app.kubernetes.io/instance", "azwi"),
            ("app.kubernetes.io/version", &version),
            ("app.kubernetes.io/managed-by", "Helm"),
        ] {
            assert_eq!(labels.remove(label), Some(json!(value)), "{id:?}: {label}");
        }
        if labels.is_empty() {
            metadata.remove("labels");
        }
    }
    objects
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a directory");
    for entry in fs::read_dir(from).expect("a directory") {
        let entry = entry.expect("an entry");
        let to = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &to);
        } else {
            fs::copy(entry.path(), to).expect("a copy");
        }
    }
}

/// What kustomize makes of the examples: of a directory of theirs, or of an overlay beside them.
fn kustomized(directory: &str, overlay: Option<&str>) -> Objects {
    let place: TempDir = tempfile::tempdir().expect("a directory");
    copy(&root().join("examples"), &place.path().join("examples"));
    if let Some(overlay) = overlay {
        fs::create_dir(place.path().join(directory)).expect("a directory");
        fs::write(
            place.path().join(directory).join("kustomization.yaml"),
            overlay,
        )
        .expect("a file");
    }
    let made = rendered::kustomize(&place.path().join(directory));
    objects(made.unwrap_or_else(|error| panic!("{error}")).contents)
}

/// The same objects, each the same.
#[track_caller]
fn assert_same(made: Objects, expected: &Objects) {
    let made = without_labels_of_helm(made);
    let ids = |objects: &Objects| objects.keys().cloned().collect::<Vec<_>>();
    assert_eq!(ids(&made), ids(expected));
    for (id, object) in made {
        assert_eq!(
            unwrapped(object),
            unwrapped(expected[&id].clone()),
            "{id:?}"
        );
    }
}

/// An object with single spaces in its expressions: kustomize wraps their lines anew, and that of kubectl 1.36 adds empty ones.
fn unwrapped(mut object: Value) -> Value {
    let expression = object.pointer_mut("/spec/mutations/0/applyConfiguration/expression");
    if let Some(Value::String(expression)) = expression {
        *expression = expression.split_whitespace().collect::<Vec<_>>().join(" ");
    }
    object
}

/// The overlay that docs/operating.md shows.
fn documented_overlay() -> String {
    let page = text("docs/operating.md");
    let start = page
        .find("# my-cluster/kustomization.yaml")
        .expect("an overlay");
    let overlay = page[start..].split("```").next().expect("a block");
    overlay.to_owned()
}

#[test]
fn the_chart_makes_what_the_examples_are() {
    if !are_installed(&[HELM, KUBECTL]) {
        return;
    }
    // Kustomize takes the tenant as it stands there, Helm does not.
    let mut expected = kustomized("examples", None);
    for object in expected.values_mut() {
        if let Some(tenant) = object.pointer_mut("/spec/settings/azureTenantID") {
            *tenant = json!(TENANT);
        }
    }
    assert_same(made_of(&with_a_tenant()), &expected);
}

#[test]
fn the_chart_makes_what_the_documented_overlay_makes() {
    if !are_installed(&[HELM, KUBECTL]) {
        return;
    }
    let overlay = documented_overlay();
    let values = json!({
        "settings": {"azureTenantID": TENANT},
        "module": {"registry": "registry.example", "repository": "azure-workload-identity-policy"},
        "ownPolicyServer": {"enabled": true},
    });
    assert_same(made_of(&values), &kustomized("my-cluster", Some(&overlay)));

    let component = "  - ../examples/policy-server\n";
    assert!(overlay.contains(component));
    let overlay = overlay.replace(
        component,
        &format!("{component}  - ../examples/later-containers\n"),
    );
    let values = with(values, "laterContainers.enabled", json!(true));
    assert_same(made_of(&values), &kustomized("my-cluster", Some(&overlay)));
}

#[test]
fn the_chart_makes_what_the_example_of_monitoring_is() {
    if !are_installed(&[HELM, KUBECTL]) {
        return;
    }
    let expected = kustomized("examples/monitoring", None);
    let mut made = made_of(&with_everything());
    made.retain(|id, _| expected.contains_key(id));
    assert_same(made, &expected);
}

/// Whether a pattern matches all of a text, as it must in PromQL.
fn matches(pattern: &str, text: &str) -> bool {
    let pattern = Regex::new(&format!("^(?s:{pattern})$")).expect("a pattern");
    pattern.is_match(text)
}

/// The patterns that a text has for labels of metrics, with the names of the labels.
fn matchers(text: &str) -> Vec<(String, String)> {
    let matcher = Regex::new(r#"\b(policy_name|name)=~"([^"]+)""#).expect("a pattern");
    let found = matcher.captures_iter(text);
    found
        .map(|found| (found[1].to_owned(), found[2].to_owned()))
        .collect()
}

#[test]
fn alerts_and_dashboard_are_about_policies_with_other_names_too() {
    if !are_installed(&[HELM]) {
        return;
    }
    let usual = [
        "azure-workload-identity",
        "azure-workload-identity-check",
        "azure-workload-identity-verify",
    ];
    // The last ones begin as others do that are none of them.
    for names in [usual, ["id", "azure-workload-identity-check", "oth"]] {
        let mut values = with_everything();
        for (key, name) in ["inject", "check", "verify"].into_iter().zip(names) {
            values = with(values, &format!("{key}.name"), json!(name));
        }
        let made = made_of(&values);
        let object = |kind: &str| {
            let mut of_kind = made.iter().filter(|((found, _), _)| found == kind);
            of_kind.next().expect("an object").1
        };

        let spec = &object("PrometheusRule")["spec"];
        let groups = spec["groups"].as_array().expect("groups");
        let rules = groups
            .iter()
            .flat_map(|group| group["rules"].as_array().expect("rules"));
        let found: Vec<_> = rules
            .flat_map(|rule| matchers(rule["expr"].as_str().expect("an expression")))
            .collect();
        for label in ["name", "policy_name"] {
            assert!(found.iter().any(|(of, _)| of == label), "{label}");
        }
        let of_the_label = |label: &str, name: &str| match label {
            "name" => format!("clusterwide-{name}.kubewarden.admission"),
            _ => format!("clusterwide-{name}"),
        };
        for (label, pattern) in &found {
            for name in names {
                let value = of_the_label(label, name);
                assert!(matches(pattern, &value), "{pattern}: {value}");
            }
            for name in ["other", "azure", "an-id"] {
                let value = of_the_label(label, name);
                assert!(!matches(pattern, &value), "{pattern}: {value}");
            }
        }

        let dashboard = object("ConfigMap")["data"]["dashboard.json"].as_str();
        let dashboard: Value = serde_json::from_str(dashboard.expect("a text")).expect("JSON");
        let variables = dashboard["templating"]["list"].as_array().expect("a list");
        let variable = variables
            .iter()
            .find(|variable| variable["name"] == "policy");
        let variable = variable.expect("a variable");
        let offered = variable["regex"].as_str().expect("a text");
        let offered = offered
            .strip_prefix('/')
            .and_then(|rest| rest.strip_suffix('/'));
        let offered = Regex::new(offered.expect("a pattern")).expect("a pattern");
        // Of a group, Grafana would offer what it captures.
        assert_eq!(offered.captures_len(), 1);
        let all = variable["allValue"].as_str().expect("a text");
        let of_the_dashboard = matchers(&dashboard.to_string().replace("\\\"", "\""));
        assert!(!of_the_dashboard.is_empty());
        for name in names {
            assert!(
                offered.is_match(&of_the_label("policy_name", name)),
                "{name}"
            );
        }
        for name in ["other", "azure", "an-id"] {
            assert!(
                !offered.is_match(&of_the_label("policy_name", name)),
                "{name}"
            );
        }
        for (label, pattern) in of_the_dashboard {
            let pattern = pattern.replace("$policy", all);
            for name in names {
                let value = of_the_label(&label, name);
                assert!(matches(&pattern, &value), "{pattern}: {value}");
            }
            let value = of_the_label(&label, "other");
            assert!(!matches(&pattern, &value), "{pattern}: {value}");
        }

        if !has_promtool() {
            continue;
        }
        // What is tested of the alerts of the example, with these names.
        let before = Regex::new(&format!("clusterwide-{}(-check|-verify)?", usual[0]));
        let tests = text("test_data/monitoring/alerts.yaml");
        let tests = before
            .expect("a pattern")
            .replace_all(&tests, |found: &Captures| {
                let name = match found.get(1).map(|suffix| suffix.as_str()) {
                    Some("-check") => names[1],
                    Some(_) => names[2],
                    None => names[0],
                };
                format!("clusterwide-{name}")
            });
        let inputs = [
            ("rules.yaml", spec.to_string()),
            ("alerts.yaml", tests.into_owned()),
        ];
        promtool(&["test", "rules", "alerts.yaml"], &inputs);
    }
}

/// The policy of this name.
fn policy<'o>(objects: &'o Objects, name: &str) -> &'o Value {
    let name = match name {
        "inject" => "azure-workload-identity".to_owned(),
        name => format!("azure-workload-identity-{name}"),
    };
    &objects[&("ClusterAdmissionPolicy".to_owned(), name)]["spec"]
}

#[test]
fn selectors_and_conditions_are_left_out_if_they_would_hide_what_is_opted_in() {
    if !are_installed(&[HELM]) {
        return;
    }
    let label = json!({"matchLabels": {"azure.workload.identity/use": "true"}});
    let client_id = "8f1c2a7e-5d3b-4c59-9a57-0b6f4f0f9d11";
    let entry =
        |opt_in: bool| json!([{"namespaces": ["shop"], "clientID": client_id, "optIn": opt_in}]);
    for (path, value, selects, has_condition) in [
        ("settings.optIn", json!("PodLabel"), true, true),
        ("settings.optIn", json!("ServiceAccountLabel"), false, false),
        ("settings.optIn", json!("Either"), false, false),
        ("settings.identityMap", entry(false), true, true),
        ("settings.identityMap", entry(true), false, false),
        (
            "settings.podTemplates",
            json!([{"apiGroup": "argoproj.io", "kind": "Rollout", "template": "spec.template"}]),
            true,
            true,
        ),
        (
            "settings.podTemplates",
            json!([{"apiGroup": "sparkoperator.k8s.io", "kind": "SparkApplication", "labels": "spec.driver.labels"}]),
            true,
            false,
        ),
    ] {
        let made = made_of(&with(with_a_tenant(), path, value.clone()));
        for name in ["inject", "verify"] {
            let expected = if selects { label.clone() } else { Value::Null };
            assert_eq!(
                policy(&made, name)["objectSelector"],
                expected,
                "{value} {name}"
            );
        }
        let conditions = &policy(&made, "check")["matchConditions"];
        assert_eq!(conditions.is_array(), has_condition, "{value}");
    }
    // What users select is added, and stays.
    let own = json!({"matchLabels": {"team": "on"}, "matchExpressions": [{"key": "a", "operator": "Exists"}]});
    let values = with(with_a_tenant(), "inject.objectSelector", own.clone());
    let mut both = own.clone();
    both["matchLabels"]["azure.workload.identity/use"] = json!("true");
    assert_eq!(policy(&made_of(&values), "inject")["objectSelector"], both);
    let values = with(values, "settings.optIn", json!("Either"));
    assert_eq!(policy(&made_of(&values), "inject")["objectSelector"], own);
}

#[test]
fn values_come_out_as_they_went_in() {
    if !are_installed(&[HELM]) {
        return;
    }
    let settings = json!({
        "azureTenantID": "0123e456-0000-0000-0000-000000000000",
        "audience": "on",
        "azureEnvironment": "AzureCloud",
        "defaultTokenExpirationSeconds": 86400,
        "handOver": ["Dapr"],
        "mark": false,
        "identityMap": [{"namespaces": ["0x1f", "1e3", "null", "yes"], "clientID": "8f1c2a7e-5d3b-4c59-9a57-0b6f4f0f9d11"}],
        "extraEnv": [
            {"name": "A", "value": "{{ .Values }} # \"quoted\" 'twice': \\n"},
            {"name": "B", "value": "  two words "},
            {"name": "C", "value": "0777"},
            {"name": "D", "value": "1_000"},
        ],
        "proxy": {
            "securityContext": {"runAsUser": 1_000_650_000},
            "resources": {"limits": {"memory": "64Mi", "cpu": "1"}},
        },
    });
    let labels = json!({"on": "off", "number": "1.0", "empty": "", "time": "12:30:45"});
    let mut values = json!({
        "settings": settings,
        "commonLabels": labels,
        "commonAnnotations": {"example.com/a: b": "{{ x }}: # no comment\nsecond line"},
        "kubewardenNamespace": "0123",
        "timeoutSeconds": 5,
        "timeoutEvalSeconds": 3,
        "inject": {"name": "1e3"},
        "namespaceSelector": {"matchExpressions": [{"key": "kubernetes.io/metadata.name", "operator": "NotIn", "values": ["on", "1"]}]},
        "module": {"registry": "registry.example:5000", "digest": format!("sha256:{}", "0".repeat(64))},
    });
    values["policyServer"] = json!({"name": "0x10", "serviceAccountName": "no"});
    let made = made_of(&values);
    for id in made
        .keys()
        .filter(|(kind, _)| kind == "ClusterAdmissionPolicy")
    {
        let policy = &made[id];
        let mut expected = settings.clone();
        if id.1.ends_with("verify") {
            expected["mode"] = json!("Verify");
            expected["onDrift"] = json!("Reject");
        }
        let spec = &policy["spec"];
        assert_eq!(spec["settings"], expected, "{id:?}");
        assert_eq!(spec["policyServer"], json!("0x10"));
        assert_eq!(
            (&spec["timeoutSeconds"], &spec["timeoutEvalSeconds"]),
            (&json!(5), &json!(3))
        );
        assert_eq!(spec["namespaceSelector"], values["namespaceSelector"]);
        let module = format!(
            "registry://registry.example:5000/azure-workload-identity-policy/azure-workload-identity-policy@sha256:{}",
            "0".repeat(64)
        );
        assert_eq!(spec["module"], json!(module));
        for (label, value) in labels.as_object().expect("labels") {
            assert_eq!(&policy["metadata"]["labels"][label], value);
        }
        let annotations = &policy["metadata"]["annotations"];
        assert_eq!(
            annotations["example.com/a: b"],
            values["commonAnnotations"]["example.com/a: b"]
        );
    }
    assert!(made.contains_key(&("ClusterAdmissionPolicy".to_owned(), "1e3".to_owned())));
    let binding = made
        .iter()
        .find(|((kind, _), _)| kind == "ClusterRoleBinding");
    let subject = &binding.expect("a binding").1["subjects"][0];
    assert_eq!(
        *subject,
        json!({"kind": "ServiceAccount", "name": "no", "namespace": "0123"})
    );
}

#[test]
fn the_schema_takes_all_settings_that_documents_and_examples_show() {
    let schema = document(&of_the_chart("values.schema.json"));
    let validator = jsonschema::draft7::new(&schema).expect("a schema");
    let shown = crate::settings::of_the_documents();
    assert_ne!(shown.len(), 0);
    for (file, mut settings) in shown {
        let fields = settings.as_object_mut().expect("settings");
        for (replaced, _) in super::REPLACED {
            fields.remove(replaced);
        }
        let values = json!({"settings": settings});
        let faults: Vec<_> = validator
            .iter_errors(&values::over_defaults(&values))
            .map(|fault| fault.to_string())
            .collect();
        assert_eq!(faults, Vec::<String>::new(), "{file}: {values}");
    }
}

#[test]
fn values_that_cannot_be_right_are_refused() {
    if !are_installed(&[HELM]) {
        return;
    }
    let tenant = |found: &str| {
        format!(
            "settings.azureTenantID: expected your tenant, a UUID or a verified domain name, found {found}; help: \
             --set settings.azureTenantID=TENANT, or put it into your values"
        )
    };
    for (path, value, expected) in [
        ("settings.azureTenantID", json!(""), &*tenant("nothing")),
        ("settings.azureTenantID", Value::Null, &*tenant("nothing")),
        (
            "settings.azureTenantID",
            json!("YOUR-TENANT-ID"),
            &*tenant("\"YOUR-TENANT-ID\""),
        ),
        (
            "settings.azureTenantID",
            json!("common"),
            "settings.azureTenantID",
        ),
        (
            "settings.azureTenantId",
            json!(TENANT),
            "unknown azureTenantId",
        ),
        ("settings.layout", json!("v2"), "settings.layout"),
        (
            "settings.defaultTokenExpirationSeconds",
            json!("3600"),
            "settings.defaultTokenExpirationSeconds",
        ),
        ("settings.mode", json!("Verify"), "unknown mode"),
        ("settings.onDrift", json!("Warn"), "unknown onDrift"),
        (
            "settings.reinvocationPolicy",
            json!("IfNeeded"),
            "unknown reinvocationPolicy",
        ),
        ("setings", json!({}), "unknown setings"),
        ("inject.enable", json!(true), "unknown enable"),
        (
            "inject.failurePolicy",
            json!("fail"),
            "inject.failurePolicy",
        ),
        ("verify.mode", json!("Protect"), "verify.mode"),
        ("policyServer.name", json!("My_Server"), "policyServer.name"),
        ("policyServer.name", json!(""), "policyServer.name"),
        (
            "policyServer.name",
            json!("a".repeat(64)),
            "policyServer.name",
        ),
        (
            "ownPolicyServer.name",
            json!("default"),
            "ownPolicyServer.name",
        ),
        (
            "ownPolicyServer.spec.minAvailable",
            json!(1),
            "ownPolicyServer.spec",
        ),
        ("ownPolicyServer.spec.replica", json!(3), "unknown replica"),
        ("ownPolicyServer.spec.image", Value::Null, "image"),
        (
            "namespaceSelector.matchLabels",
            json!({"a": "b"}),
            "unknown matchLabels",
        ),
        ("timeoutSeconds", json!(60), "timeoutSeconds"),
        (
            "timeoutEvalSeconds",
            json!(11),
            "timeoutEvalSeconds: expected at most the 10 of timeoutSeconds, Kubewarden's default, found 11; help: a smaller one, or \
             --set timeoutSeconds=11",
        ),
        (
            "check.name",
            json!("azure-workload-identity"),
            "check.name: expected another name than inject.name, found \"azure-workload-identity\" for both; help: --set \
             check.name=NAME, or put it into your values",
        ),
        (
            "verify.name",
            json!("azure-workload-identity-check"),
            "verify.name: expected another name than check.name, found \"azure-workload-identity-check\" for both",
        ),
        // It would be special in the patterns of alerts and dashboard.
        ("inject.name", json!("azure.identity"), "inject.name"),
        ("module.digest", json!("latest"), "module.digest"),
        ("commonLabels.a", json!(true), "commonLabels.a"),
    ] {
        let said = refusal(&with(with_a_tenant(), path, value.clone()));
        // How it is said depends on Helm's release.
        let said = said.replace('/', ".");
        let is_as_expected = match expected.strip_prefix("unknown ") {
            Some(name) => said.contains(name) && said.contains("not allowed"),
            None => said.contains(&expected.replace('/', ".")),
        };
        assert!(is_as_expected, "{path}: {value}: {said}");
    }
    let timeouts = |of_evaluation: u8, timeout: u8| {
        let values = with(with_a_tenant(), "timeoutSeconds", json!(timeout));
        with(values, "timeoutEvalSeconds", json!(of_evaluation))
    };
    let expected = "timeoutEvalSeconds: expected at most the 5 of timeoutSeconds, found 6; help: a smaller one, or --set timeoutSeconds=6";
    let said = refusal(&timeouts(6, 5));
    assert!(said.contains(expected), "{said}");
    let made = made_of(&timeouts(5, 5));
    assert_eq!(policy(&made, "inject")["timeoutEvalSeconds"], json!(5));
    // A policy that there is not needs no name of its own.
    let same = with(
        with_a_tenant(),
        "check.name",
        json!("azure-workload-identity"),
    );
    let made = made_of(&with(same, "inject.enabled", json!(false)));
    assert_eq!(policy(&made, "inject")["mutating"], json!(false));
}

/// Values that must be there: Helm takes those away that are null.
const NEEDED: [&str; 29] = [
    "check",
    "check.enabled",
    "check.failurePolicy",
    "check.name",
    "inject",
    "inject.enabled",
    "inject.failurePolicy",
    "inject.name",
    "module",
    "module.registry",
    "module.repository",
    "ownPolicyServer.name",
    "ownPolicyServer.serviceAccountName",
    "ownPolicyServer.spec",
    "ownPolicyServer.spec.image",
    "ownPolicyServer.spec.replicas",
    "policyServer",
    "policyServer.name",
    "policyServer.serviceAccountName",
    "rbac",
    "rbac.create",
    "rbac.name",
    "settings",
    "settings.azureTenantID",
    "verify",
    "verify.enabled",
    "verify.failurePolicy",
    "verify.mode",
    "verify.name",
];

/// The paths that lead to nulls, those of settings aside: the module takes them.
fn nulls(value: &Value, path: &str, found: &mut Vec<String>) {
    match value {
        Value::Null => found.push(path.to_owned()),
        Value::Object(fields) => {
            for (name, value) in fields {
                if path != "/spec" || name != "settings" {
                    nulls(value, &format!("{path}/{name}"), found);
                }
            }
        }
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                nulls(item, &format!("{path}/{index}"), found);
            }
        }
        _ => {}
    }
}

#[test]
fn a_null_takes_a_default_away_or_is_refused_where_something_must_be() {
    if !are_installed(&[HELM]) {
        return;
    }
    let schema = document(&of_the_chart("values.schema.json"));
    let mut paths = BTreeSet::new();
    super::known_to(&schema, "", &mut paths);
    paths.retain(|path| !path.starts_with("settings."));
    let defaults: BTreeSet<_> = values::entries()
        .into_iter()
        .map(|entry| entry.path)
        .collect();
    paths.extend(defaults.iter().cloned());
    let mut refused = BTreeSet::new();
    for path in &paths {
        for context in [with_a_tenant(), with_everything()] {
            let values = with(context, path, Value::Null);
            let output = helm(
                &["template", "azwi", CHART, "--namespace", "kubewarden"],
                &values,
            );
            if output.status.success() {
                for (id, object) in objects(contents_from("helm", &*output.stdout)) {
                    let mut found = Vec::new();
                    nulls(&object, "", &mut found);
                    assert_eq!(found, Vec::<String>::new(), "{path}: {id:?}");
                }
                continue;
            }
            let said = String::from_utf8_lossy(&output.stderr);
            let name = path.split('.').next_back().expect("a name");
            let is_ours = said.contains("the schema(s)") || said.contains("; help: ");
            assert!(is_ours && said.contains(name), "{path}: {said}");
            // Without a default there is nothing to take away, and what Helm makes of the null depends on its release.
            if defaults.contains(path) {
                refused.insert(path.as_str());
            }
        }
    }
    assert_eq!(refused, BTreeSet::from(NEEDED));
    // As docs/helm.md shows.
    let values = with(
        with_everything(),
        "ownPolicyServer.spec",
        json!({"maxUnavailable": null, "minAvailable": 2}),
    );
    let made = made_of(&values);
    let server = &made[&(
        "PolicyServer".to_owned(),
        "azure-workload-identity".to_owned(),
    )]["spec"];
    assert_eq!(server["minAvailable"], json!(2));
    assert_eq!(server.get("maxUnavailable"), None);
}

#[test]
fn what_would_come_from_ghcr_io_comes_from_the_registry_of_rancher() {
    if !are_installed(&[HELM]) {
        return;
    }
    let module = "azure-workload-identity-policy/azure-workload-identity-policy:v";
    let module = format!("{module}{}", of_cargo("version"));
    let defaults = document(&of_the_chart("values.yaml"));
    let server = defaults["ownPolicyServer"]["spec"]["image"]
        .as_str()
        .expect("an image");
    let server = server
        .strip_prefix("ghcr.io/")
        .expect("the registry of the module");
    let of_rancher = "registry.example:5000";
    for (system, registry, image, expected_registry, expected_image) in [
        (
            of_rancher,
            "ghcr.io",
            &*format!("ghcr.io/{server}"),
            of_rancher,
            format!("{of_rancher}/{server}"),
        ),
        ("", "ghcr.io", server, "ghcr.io", server.to_owned()),
        (
            of_rancher,
            "ghcr.io",
            server,
            of_rancher,
            format!("{of_rancher}/{server}"),
        ),
        (
            of_rancher,
            "ghcr.io",
            "policy-server:v1",
            of_rancher,
            format!("{of_rancher}/policy-server:v1"),
        ),
        (
            of_rancher,
            "own.example",
            "own.example/policy-server:v1",
            "own.example",
            "own.example/policy-server:v1".to_owned(),
        ),
        (
            of_rancher,
            "own:5000",
            "own:5000/policy-server",
            "own:5000",
            "own:5000/policy-server".to_owned(),
        ),
        (
            of_rancher,
            "ghcr.io.example",
            "localhost/policy-server",
            "ghcr.io.example",
            "localhost/policy-server".to_owned(),
        ),
    ] {
        let mut values = with_everything();
        for (path, value) in [
            ("global.cattle.systemDefaultRegistry", system),
            ("module.registry", registry),
            ("ownPolicyServer.spec.image", image),
        ] {
            values = with(values, path, json!(value));
        }
        let made = made_of(&values);
        let id = (
            "PolicyServer".to_owned(),
            "azure-workload-identity".to_owned(),
        );
        assert_eq!(made[&id]["spec"]["image"], json!(expected_image), "{image}");
        for name in ["inject", "check", "verify"] {
            let expected = format!("registry://{expected_registry}/{module}");
            assert_eq!(
                policy(&made, name)["module"],
                json!(expected),
                "{system} {registry}"
            );
        }
    }
}

/// Another value than this one, of the same kind.
fn another(path: &str, value: &Value) -> Value {
    match (path, value) {
        ("settings.azureTenantID", _) => json!("fabrikam.com"),
        ("settings.handOver", _) => json!([]),
        ("module.digest", _) => json!(format!("sha256:{}", "1".repeat(64))),
        ("ownPolicyServer.spec.requests", _) => json!({"cpu": "1"}),
        ("ownPolicyServer.spec.affinity", _) => json!({"nodeAffinity": {}}),
        ("ownPolicyServer.spec.env", _) => json!([]),
        ("check.additionalRules", _) => {
            json!([{"apiGroups": ["argoproj.io"], "apiVersions": ["*"], "resources": ["rollouts"], "operations": ["CREATE"]}])
        }
        ("timeoutSeconds" | "timeoutEvalSeconds", _) => json!(7),
        ("inject.objectSelector" | "check.objectSelector" | "verify.objectSelector", _) => {
            json!({"matchLabels": {"a": "b"}})
        }
        ("namespaceSelector", _) => {
            json!({"matchExpressions": [{"key": "a", "operator": "Exists"}]})
        }
        (_, Value::Bool(is)) => json!(!is),
        (_, Value::Number(number)) => json!(number.as_i64().expect("a number") + 1),
        (_, Value::String(text)) => match text.as_str() {
            "Fail" => json!("Ignore"),
            "Ignore" => json!("Fail"),
            "monitor" => json!("protect"),
            "Reject" => json!("Warn"),
            text => json!(format!("{text}2")),
        },
        (_, Value::Object(_)) => json!({"another": "one"}),
        (path, value) => panic!("{path}: {value}"),
    }
}

#[test]
fn every_value_makes_a_difference() {
    if !are_installed(&[HELM]) {
        return;
    }
    let contexts = [with_everything(), with_a_tenant()].map(|values| (template(&values), values));
    let mut idle = BTreeSet::new();
    for values::Entry { path, value, .. } in values::rows() {
        let makes_a_difference = contexts.iter().any(|(before, context)| {
            let now = context.pointer(&pointer(&path)).unwrap_or(&value);
            template(&with(context.clone(), &path, another(&path, now))) != *before
        });
        if !makes_a_difference {
            idle.insert(path);
        }
    }
    assert_eq!(idle, BTreeSet::new());
}

/// What people read after installing. `helm template` makes no notes, so they are a text in an object here.
#[track_caller]
fn notes(values: &Value) -> String {
    let place = tempfile::tempdir().expect("a directory");
    copy(&root().join(CHART), place.path());
    let templates = place.path().join("templates");
    let notes = fs::read_to_string(templates.join("NOTES.txt")).expect("notes");
    fs::write(place.path().join("files/notes"), notes).expect("a file");
    let object = "kind: Notes\ntext: {{ tpl (.Files.Get \"files/notes\") . | quote }}\n";
    fs::write(templates.join("notes.yaml"), object).expect("a file");
    let chart = place.path().to_str().expect("a path");
    let show = ["--show-only", "templates/notes.yaml"];
    let output = helm(
        &[
            &["template", "azwi", chart, "--namespace", "kubewarden"],
            &show[..],
        ]
        .concat(),
        values,
    );
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{values}: {said}");
    let made: Value = yaml_serde::from_slice(&output.stdout).expect("YAML");
    made["text"].as_str().expect("a text").to_owned()
}

#[test]
fn the_notes_say_what_to_look_at_and_warn_of_what_the_values_imply() {
    if !are_installed(&[HELM]) {
        return;
    }
    let usual = notes(&with_a_tenant());
    for name in ["", "-check", "-verify"] {
        let wait = format!(
            "kubectl wait --for=condition=PolicyActive clusteradmissionpolicy/azure-workload-identity{name} --timeout=5m\n"
        );
        assert!(usual.contains(&wait), "{usual}");
    }
    // The account that may read ServiceAccounts must be that of PolicyServer.
    for line in [
        "whether the PolicyServer exists and runs as policy-server,",
        "kubectl get policyserver default --output jsonpath='{.spec.serviceAccountName}'\n",
        "--as system:serviceaccount:kubewarden:policy-server\n",
    ] {
        assert!(usual.contains(line), "{usual}");
    }
    let log = "kubectl logs --namespace kubewarden --selector kubewarden/policy-server=default --tail 100\n";
    assert!(usual.contains(log), "{usual}");
    assert!(!usual.contains("WARNING"), "{usual}");
    assert!(!usual.contains("protect"), "{usual}");
    for (path, value, warning) in [
        (
            "settings.optIn",
            json!("Either"),
            "WARNING: by settings.optIn, pods without the label",
        ),
        (
            "settings.optIn",
            json!("Either"),
            "no pod is created while PolicyServer does not answer",
        ),
        (
            "inject.failurePolicy",
            json!("Ignore"),
            "WARNING: with inject.failurePolicy Ignore",
        ),
        ("verify.mode", json!("protect"), "With verify.mode protect"),
        (
            "settings.podTemplates",
            json!([{"apiGroup": "argoproj.io", "kind": "Rollout", "template": "spec.template"}]),
            "WARNING: settings.podTemplates describes further kinds",
        ),
    ] {
        let notes = notes(&with(with_a_tenant(), path, value));
        assert!(notes.contains(warning), "{path}: {notes}");
    }
    let of_its_own = with(with_a_tenant(), "ownPolicyServer.enabled", json!(true));
    let of_its_own = notes(&of_its_own);
    let selector = "kubewarden/policy-server=azure-workload-identity ";
    assert!(of_its_own.contains(selector), "{of_its_own}");
    assert!(!of_its_own.contains("WARNING"), "{of_its_own}");
}

#[test]
fn the_chart_asks_the_cluster_for_nothing() {
    // Helm's `lookup` fails if its user may not read the object, or if there is no such kind, and the installation with it.
    let calls = Regex::new(r"\{\{[^}]*\blookup\b").expect("a pattern");
    let mut templates = 0;
    for entry in fs::read_dir(root().join(CHART).join("templates")).expect("a directory") {
        let path = entry.expect("an entry").path();
        let template = fs::read_to_string(&path).expect("a template");
        assert!(!calls.is_match(&template), "{}", path.display());
        templates += 1;
    }
    assert!(templates > 1);
}

#[test]
fn helm_finds_nothing_wrong_with_the_chart() {
    if !are_installed(&[HELM]) {
        return;
    }
    for values in [with_a_tenant(), with_everything()] {
        let output = helm(&["lint", "--strict", CHART], &values);
        let said = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success(), "{said}");
        assert!(
            !said.contains("[WARNING]") && !said.contains("[ERROR]"),
            "{said}"
        );
    }
}

#[test]
fn the_policies_of_the_chart_do_to_the_quick_start_what_those_of_the_examples_do() {
    if !are_installed(&[HELM]) {
        return;
    }
    let place = tempfile::tempdir().expect("a directory");
    let preview = |policies: &Path, name: &str| -> Vec<Value> {
        let program = Command::new(env!("CARGO_BIN_EXE_azwi-policy"))
            .args([
                "preview",
                "--output",
                "json",
                "--set",
                "azureTenantID=contoso.com",
                "--policy",
            ])
            .arg(policies)
            .arg("examples/quick-start/workload.yaml")
            .current_dir(root())
            .output()
            .expect("the program");
        let said = String::from_utf8_lossy(&program.stderr);
        assert!(program.status.success(), "{name}: {said}");
        let lines = String::from_utf8(program.stdout).expect("UTF-8");
        let lines: Vec<Value> = lines
            .lines()
            .map(|line| serde_json::from_str(line).expect("JSON"))
            .collect();
        assert_ne!(lines.len(), 0);
        lines
    };
    let of_the_examples = preview(&root().join("examples/policies"), "examples");
    for values in [with_a_tenant(), with_everything()] {
        let file = place.path().join("policies.yaml");
        fs::write(&file, template(&values)).expect("a file");
        let of_the_chart = preview(&file, "chart");
        let outcomes = |lines: &[Value]| {
            lines
                .iter()
                .map(|line| {
                    (
                        line["kind"].clone(),
                        line["outcome"].clone(),
                        line["pod"].clone(),
                    )
                })
                .collect::<Vec<_>>()
        };
        assert_eq!(outcomes(&of_the_chart), outcomes(&of_the_examples));
    }
    // As others put the chart beside their own manifests.
    let values = place.path().join("values.yaml");
    fs::write(&values, with_a_tenant().to_string()).expect("a file");
    let program = Command::new(env!("CARGO_BIN_EXE_azwi-policy"))
        .args([
            "preview",
            "--settings-json",
            r#"{"azureTenantID": "contoso.com"}"#,
            "--helm",
            CHART,
            "--values",
        ])
        .arg(&values)
        .arg("examples/quick-start/workload.yaml")
        .current_dir(root())
        .output()
        .expect("the program");
    let said = String::from_utf8_lossy(&program.stderr);
    assert!(program.status.success(), "{said}");
}
