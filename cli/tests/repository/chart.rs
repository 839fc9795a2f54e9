//! The Helm chart says the same as the rest of the repository: package, schema, form, README.
//!
//! `CHART=overwrite` rewrites what is made of other files: values.schema.json, questions.yaml, the table of the README, and copies.

#[cfg(unix)]
#[path = "chart/release.rs"]
mod release;
#[path = "chart/rendered.rs"]
mod rendered;
#[path = "chart/values.rs"]
mod values;

use std::collections::BTreeSet;
use std::{env, fs};

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::package::of_cargo;
use super::{document, files, root, text};
use values::Entry;

const CHART: &str = "charts/azure-workload-identity-policy";

/// Settings that the chart has other values for, each with that value; `None` if the policies differ in it.
const REPLACED: [(&str, Option<&str>); 3] = [
    ("mode", None),
    ("onDrift", Some("verify.onDrift")),
    ("reinvocationPolicy", Some("laterContainers.enabled")),
];

/// Values for which Rancher's form has no type of question, or that Rancher sets itself.
const NOT_IN_THE_FORM: [&str; 17] = [
    "ownPolicyServer.spec.maxUnavailable",
    "ownPolicyServer.spec.requests",
    "ownPolicyServer.spec.limits",
    "ownPolicyServer.spec.affinity",
    "ownPolicyServer.spec.env",
    "inject.objectSelector",
    "check.objectSelector",
    "check.additionalRules",
    "verify.objectSelector",
    "namespaceSelector",
    "monitoring.prometheusRule.labels",
    "monitoring.serviceMonitor.labels",
    "monitoring.dashboard.labels",
    "commonLabels",
    "commonAnnotations",
    "global.cattle.systemDefaultRegistry",
    // The form of the policy has it.
    "settings.azureTenantID",
];

fn of_the_chart(file: &str) -> String {
    format!("{CHART}/{file}")
}

/// Asserts that a file of the chart is as it is made of others, or makes it so.
fn assert_made(file: &str, made: &str) {
    let path = of_the_chart(file);
    if env::var_os("CHART").is_some_and(|what| what == "overwrite") {
        fs::write(root().join(&path), made).unwrap_or_else(|error| panic!("{path}: {error}"));
    }
    assert!(
        text(&path) == made,
        "{path} is out of date: run `make chart` and review the difference"
    );
}

fn pretty(value: &Value) -> String {
    serde_json::to_string_pretty(value).expect("JSON") + "\n"
}

/// The keys that lead to a value.
fn pointer(path: &str) -> String {
    format!("/{}", path.replace('.', "/"))
}

/// A pattern as Helm's regular expressions can say it: without assertions about what comes next, so that it matches all that the
/// pattern matches, and more; and with another way to write numbers of characters.
fn for_helm(pattern: &str) -> String {
    let mut kept = String::new();
    let mut rest = pattern;
    while let Some(c) = rest.chars().next() {
        // Whether in a class or not.
        if let Some(after) = rest.strip_prefix("\\u") {
            let number = after[..4].strip_prefix("00").expect("a small number");
            kept += &format!("\\x{number}");
            rest = &after[4..];
            continue;
        }
        if rest.starts_with("(?=") || rest.starts_with("(?!") {
            rest = &rest[end_of_group(rest)..];
            continue;
        }
        let length = match c {
            '\\' => 2,
            '[' if !rest.contains("\\u") => end_of_class(rest),
            c => c.len_utf8(),
        };
        kept.push_str(&rest[..length]);
        rest = &rest[length..];
    }
    kept
}

/// Where the class of characters that a pattern starts with ends.
fn end_of_class(pattern: &str) -> usize {
    let mut characters = pattern.char_indices().skip(1);
    while let Some((index, c)) = characters.next() {
        match c {
            '\\' => _ = characters.next(),
            ']' => return index + 1,
            _ => {}
        }
    }
    panic!("expected the end of a class: {pattern}")
}

/// Where the group that a pattern starts with ends.
fn end_of_group(pattern: &str) -> usize {
    let mut depth = 0;
    let mut index = 0;
    loop {
        let rest = &pattern[index..];
        index += match rest.chars().next().expect("the end of a group") {
            '\\' => 2,
            '[' => end_of_class(rest),
            '(' => {
                depth += 1;
                1
            }
            ')' => {
                depth -= 1;
                1
            }
            c => c.len_utf8(),
        };
        if depth == 0 {
            return index;
        }
    }
}

#[test]
fn patterns_are_made_for_helm() {
    for (pattern, expected) in [
        ("^[^\\u0000-\\u001f]*$", "^[^\\x00-\\x1f]*$"),
        ("^a(?=b)b$", "^ab$"),
        (
            "^(?!/)(?![ ]|.*[)]$)(?!(?:.*/)?\\.\\)$)[(?=-~]+$",
            "^[(?=-~]+$",
        ),
        ("^(?:(?=x)[a-z]|\\(?=y)$", "^(?:[a-z]|\\(?=y)$"),
    ] {
        assert_eq!(for_helm(pattern), expected);
    }
}

/// Makes all patterns of a schema fit for Helm. What is within a `not` must have no assertions: it would refuse more.
fn adapt_patterns(schema: &mut Value, is_negated: bool) {
    match schema {
        Value::Object(fields) => {
            for (key, field) in fields {
                match field {
                    Value::String(pattern) if key == "pattern" => {
                        let adapted = for_helm(pattern);
                        assert!(!is_negated || adapted == *pattern, "{pattern}");
                        *pattern = adapted;
                    }
                    field => adapt_patterns(field, is_negated || key == "not"),
                }
            }
        }
        Value::Array(items) => {
            for item in items {
                adapt_patterns(item, is_negated);
            }
        }
        _ => {}
    }
}

/// The schema of the settings in the values, and the definitions that it needs.
fn schema_of_settings() -> (Value, Map<String, Value>) {
    let mut schema = document("docs/settings.schema.json");
    adapt_patterns(&mut schema, false);
    let fields = schema.as_object_mut().expect("an object");
    for of_the_file in ["$schema", "$id", "title"] {
        fields.shift_remove(of_the_file).expect("a field");
    }
    // A template says more clearly than a schema what is to be done about the tenant.
    let required = fields.shift_remove("required").expect("a field");
    assert_eq!(required, json!(["azureTenantID"]));
    let properties = fields["properties"].as_object_mut().expect("properties");
    for (name, _) in REPLACED {
        properties.shift_remove(name).expect("a setting");
    }
    let tenant = &mut properties["azureTenantID"];
    let [of_a_tenant] = tenant["allOf"].as_array().expect("a list").as_slice() else {
        panic!("expected one schema of a tenant");
    };
    let of_a_tenant = of_a_tenant.clone();
    let tenant = tenant.as_object_mut().expect("an object");
    tenant.shift_remove("allOf");
    tenant.insert("if".to_owned(), json!({"enum": ["", "YOUR-TENANT-ID"]}));
    tenant.insert("else".to_owned(), of_a_tenant);
    let Some(Value::Object(definitions)) = fields.shift_remove("definitions") else {
        panic!("expected definitions");
    };
    fields.insert(
        "description".to_owned(),
        json!("Settings of the policies, except those that the chart has other values for."),
    );
    (schema, definitions)
}

/// The node of a schema that is about the value at a path.
fn node<'s>(schema: &'s mut Value, path: &str) -> &'s mut Value {
    path.split('.').fold(schema, |node, key| {
        let properties = node["properties"].as_object_mut();
        let properties = properties.unwrap_or_else(|| panic!("values.schema.json: {path}"));
        properties
            .get_mut(key)
            .unwrap_or_else(|| panic!("values.schema.json: there is no {path}"))
    })
}

#[test]
fn the_schema_of_the_values_is_made_of_that_of_the_settings_and_the_comments() {
    let mut schema = document(&of_the_chart("values.schema.json"));
    let (settings, definitions) = schema_of_settings();
    schema["properties"]["settings"] = settings;
    let own = schema["definitions"].as_object_mut().expect("definitions");
    own.retain(|name, _| name.starts_with("chart."));
    own.extend(definitions);
    for Entry { path, comment, .. } in values::entries() {
        if path != "settings" && !path.starts_with("settings.") && !comment.is_empty() {
            let node = node(&mut schema, &path).as_object_mut().expect("an object");
            node.shift_remove("description");
            node.shift_insert(0, "description".to_owned(), comment.into());
        }
    }
    assert_made("values.schema.json", &pretty(&schema));
}

#[test]
fn the_values_hold_to_their_schema_which_knows_no_others() {
    let schema = document(&of_the_chart("values.schema.json"));
    let validator = jsonschema::draft7::new(&schema).expect("a schema");
    let values = document(&of_the_chart("values.yaml"));
    let faults: Vec<_> = validator
        .iter_errors(&values)
        .map(|error| error.to_string())
        .collect();
    assert_eq!(faults, Vec::<String>::new());
    // Each value of the chart's own is there, so that people see it; only the settings and a PolicyServer's spec have more.
    let mut known = BTreeSet::new();
    known_to(&schema, "", &mut known);
    let present: BTreeSet<_> = values::entries()
        .into_iter()
        .map(|entry| entry.path)
        .collect();
    let missing: Vec<_> = known
        .difference(&present)
        .filter(|path| !path.starts_with("settings.") && !path.starts_with("ownPolicyServer.spec."))
        .filter(|path| !path.contains("elector.match"))
        .collect();
    assert_eq!(missing, Vec::<&String>::new());
}

/// The paths of the properties of a schema.
fn known_to(schema: &Value, prefix: &str, known: &mut BTreeSet<String>) {
    for (name, property) in schema["properties"].as_object().into_iter().flatten() {
        let path = format!("{prefix}{name}");
        known_to(property, &format!("{path}."), known);
        known.insert(path);
    }
}

#[test]
fn every_value_is_described_and_stands_in_the_readme() {
    assert_eq!(values::undescribed(), Vec::<String>::new());
    let rows: BTreeSet<_> = values::rows().into_iter().map(|row| row.path).collect();
    let mut table = "| value | default | meaning |\n|---|---|---|\n".to_owned();
    for entry in values::entries() {
        let Entry {
            path,
            comment,
            value,
        } = entry;
        if comment.is_empty() {
            continue;
        }
        let default = match value {
            // What is around other values that are described.
            _ if !rows.contains(&path) => String::new(),
            Value::Null => "none".to_owned(),
            Value::String(text) if text.is_empty() => "empty".to_owned(),
            Value::String(text) => format!("`{text}`"),
            value => format!("`{value}`"),
        };
        table += &format!("| `{path}` | {default} | {comment} |\n");
    }
    let readme = text(&of_the_chart("README.md"));
    let before = readme.split("| value |").next().expect("a text");
    assert_made("README.md", &format!("{before}{table}"));
}

/// The questions of the form for the policy, as they are for the values of the chart.
fn questions_about_settings() -> Vec<Value> {
    let values = document(&of_the_chart("values.yaml"));
    let form = document("questions-ui.yml");
    let mut questions = Vec::new();
    for question in form["questions"].as_array().expect("a list") {
        let mut question = question.as_object().expect("a question").clone();
        let variable = question["variable"].as_str().expect("a name").to_owned();
        if REPLACED.iter().any(|(name, _)| *name == variable) {
            continue;
        }
        let variable = format!("settings.{variable}");
        if let Some(default) = values.pointer(&pointer(&variable)) {
            match default {
                Value::String(text) if text.is_empty() => _ = question.shift_remove("default"),
                default => _ = question.insert("default".to_owned(), default.clone()),
            }
        }
        if let Some(Value::String(condition)) = question.get_mut("show_if") {
            *condition = format!("settings.{condition}");
        }
        question.insert("variable".to_owned(), variable.into());
        questions.push(Value::Object(question));
    }
    questions
}

#[test]
fn the_form_has_the_questions_of_the_policy_and_one_for_each_value() {
    let form = document(&of_the_chart("questions.yaml"));
    let entries = values::rows();
    let mut questions = questions_about_settings();
    for question in form["questions"].as_array().expect("a list") {
        let variable = question["variable"].as_str().expect("a name");
        if variable.starts_with("settings.") {
            continue;
        }
        let entry = entries.iter().find(|entry| entry.path == variable);
        let entry = entry.unwrap_or_else(|| panic!("questions.yaml: there is no value {variable}"));
        let mut question = question.as_object().expect("a question").clone();
        question.insert("tooltip".to_owned(), entry.comment.replace('`', "").into());
        match &entry.value {
            Value::Null => _ = question.shift_remove("default"),
            Value::String(text) if text.is_empty() => _ = question.shift_remove("default"),
            value => _ = question.insert("default".to_owned(), value.clone()),
        }
        questions.push(Value::Object(question));
    }
    let asked: BTreeSet<_> = questions
        .iter()
        .map(|question| question["variable"].as_str().expect("a name"))
        .collect();
    let not_asked: BTreeSet<_> = entries
        .iter()
        .map(|entry| entry.path.as_str())
        .filter(|path| !asked.contains(path))
        .collect();
    let expected = NOT_IN_THE_FORM
        .into_iter()
        .filter(|path| !asked.contains(path));
    assert_eq!(not_asked, expected.collect());
    for (name, replacement) in REPLACED {
        assert!(
            !asked.contains(format!("settings.{name}").as_str()),
            "{name}"
        );
        assert!(
            replacement.is_none_or(|value| asked.contains(value)),
            "{name}"
        );
    }
    for question in &questions {
        for field in ["label", "tooltip", "group", "type"] {
            assert!(question[field].is_string(), "{question}: {field}");
        }
        if let Some(condition) = question["show_if"].as_str() {
            let name = condition.split('=').next().expect("a name");
            assert!(asked.contains(name), "{condition}");
        }
    }
    let yaml = yaml_serde::to_string(&json!({"questions": questions})).expect("YAML");
    let head = "# Made of questions-ui.yml and the comments in values.yaml by `make chart`; the chart's own questions are edited here.\n\
        # Lists of objects have no type of question: edit them as YAML.\n";
    assert_made("questions.yaml", &format!("{head}{yaml}"));
}

#[test]
fn copies_in_the_chart_are_equal() {
    assert_made("LICENSE", &text("LICENSE"));
    let copies = files(&of_the_chart("files"), "");
    let monitoring = [
        "dashboard.json",
        "prometheus-rule.yaml",
        "service-monitor.yaml",
    ];
    assert_eq!(
        copies,
        monitoring.map(|file| of_the_chart(&format!("files/{file}")))
    );
    for file in monitoring {
        assert_made(
            &format!("files/{file}"),
            &text(&format!("examples/monitoring/{file}")),
        );
    }
}

#[test]
fn the_chart_says_of_itself_what_the_package_says() {
    let chart = document(&of_the_chart("Chart.yaml"));
    let package = document("artifacthub-pkg.yml");
    let version = of_cargo("version");
    for key in ["name", "version", "description", "keywords", "maintainers"] {
        assert_eq!(chart[key], package[key], "{key}");
    }
    assert_eq!(chart["appVersion"], json!(version));
    assert_eq!(chart["home"], package["homeURL"]);
    assert_eq!(
        chart["annotations"]["artifacthub.io/license"],
        package["license"]
    );
    let recommendations = chart["annotations"]["artifacthub.io/recommendations"].as_str();
    let recommendations: Value =
        yaml_serde::from_str(recommendations.expect("a text")).expect("YAML");
    assert_eq!(recommendations, package["recommendations"]);
    let links = chart["annotations"]["artifacthub.io/links"]
        .as_str()
        .expect("a text");
    let links: Value = yaml_serde::from_str(links).expect("YAML");
    let home = chart["home"].as_str().expect("a URL");
    for link in links.as_array().expect("a list") {
        let url = link["url"].as_str().expect("a URL");
        let page = url.strip_prefix(home).expect("a page of the repository");
        if let Some(file) = page.strip_prefix(&format!("/blob/v{version}/")) {
            text(file);
        } else {
            assert_eq!(page, "/issues");
        }
    }
    // The module of the values is that of the examples.
    let values = document(&of_the_chart("values.yaml"));
    let module = &values["module"];
    let image = format!(
        "{}/{}:v{version}",
        part(&module["registry"]),
        part(&module["repository"])
    );
    assert_eq!(package["containersImages"][0]["image"], json!(image));
}

fn part(value: &Value) -> &str {
    value.as_str().expect("a text")
}

/// The values in the documents of a block of YAML: those of a file of values, of Argo CD and of Flux.
fn values_in(block: &str) -> Vec<Value> {
    let documents = yaml_serde::Deserializer::from_str(block);
    let documents = documents.map(|document| Value::deserialize(document).expect("YAML"));
    let values = documents.filter_map(|document| {
        let places = ["/spec/values", "/spec/source/helm/valuesObject"];
        let mut found = places.iter().filter_map(|place| document.pointer(place));
        let found = found
            .next()
            .or(document.get("settings").and(Some(&document)));
        found.cloned()
    });
    values.collect()
}

#[test]
fn values_that_are_shown_hold_to_the_schema() {
    let schema = document(&of_the_chart("values.schema.json"));
    let validator = jsonschema::draft7::new(&schema).expect("a schema");
    let page = text("docs/helm.md");
    let blocks = page.split("```yaml\n").skip(1);
    let blocks = blocks.map(|block| block.split("```").next().expect("a block"));
    let shown: Vec<_> = blocks.flat_map(values_in).collect();
    assert_eq!(shown.len(), 4);
    for values in shown {
        let faults: Vec<_> = validator
            .iter_errors(&values::over_defaults(&values))
            .map(|error| error.to_string())
            .collect();
        assert_eq!(faults, Vec::<String>::new(), "{values}");
    }
}

#[test]
fn documents_install_this_version_of_the_chart() {
    let version = of_cargo("version");
    let repository = "ghcr.io/azure-workload-identity-policy/charts";
    for file in ["docs/helm.md".to_owned(), of_the_chart("README.md")] {
        let text = text(&file);
        assert!(
            text.contains(&format!("{repository}/azure-workload-identity-policy")),
            "{file}"
        );
        for before in [
            "--version ",
            "targetRevision: ",
            "tag: ",
            "release.yml@refs/tags/v",
            "charts/azure-workload-identity-policy:",
        ] {
            for after in text.split(before).skip(1) {
                let found = after.split_whitespace().next().expect("a version");
                assert_eq!(found.trim_matches('"'), version, "{file}");
            }
        }
    }
}
