//! The alerts and the dashboard use metrics that exist, and do what they should.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Write};
use std::process::Command;

use serde_json::{Value, json};

use super::links::anchors;
use super::{document, files, text};

const RULES: &str = "examples/monitoring/prometheus-rule.yaml";
const DASHBOARD: &str = "examples/monitoring/dashboard.json";

/// What is said of the metrics, and of their parts as Prometheus stores them, by name.
fn metrics() -> BTreeMap<String, Value> {
    let mut metrics = BTreeMap::new();
    for metric in list(&document("test_data/monitoring/metrics.yaml")) {
        let name = string(&metric["name"]);
        if metric["type"] == "histogram" {
            let mut bucket = metric.clone();
            let labels = bucket["labels"].as_array_mut().expect("a list");
            labels.push(json!("le"));
            metrics.insert(format!("{name}_bucket"), bucket);
            metrics.insert(format!("{name}_count"), metric.clone());
            metrics.insert(format!("{name}_sum"), metric.clone());
        } else {
            metrics.insert(name.to_owned(), metric.clone());
        }
    }
    metrics
}

fn list(value: &Value) -> &Vec<Value> {
    value.as_array().unwrap_or_else(|| panic!("{value}"))
}

fn string(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("{value}"))
}

/// The alerts of the rule.
fn alerts() -> Vec<Value> {
    let groups = &document(RULES)["spec"]["groups"];
    let alerts: Vec<_> = list(groups)
        .iter()
        .flat_map(|group| list(&group["rules"]).clone())
        .collect();
    assert!(!alerts.is_empty());
    alerts
}

/// The expressions of the dashboard, with values for Grafana's variables, by the titles of their panels.
fn queries() -> Vec<(String, String)> {
    let dashboard = document(DASHBOARD);
    let panels = list(&dashboard["panels"]).iter();
    panels
        .filter(|panel| panel["type"] != "row")
        .flat_map(|panel| {
            list(&panel["targets"])
                .iter()
                .map(move |target| (panel, target))
        })
        .map(|(panel, target)| {
            let expression = string(&target["expr"])
                .replace("$__rate_interval", "5m")
                .replace("$__range", "6h")
                .replace("$policy", "clusterwide-azure-workload-identity");
            assert!(!expression.contains('$'), "{expression}");
            (string(&panel["title"]).to_owned(), expression)
        })
        .collect()
}

/// The words of an expression that are neither in quotes nor durations.
fn words(expression: &str) -> Vec<String> {
    expression
        .split('"')
        .step_by(2)
        .flat_map(|code| code.split(|c: char| !c.is_ascii_alphanumeric() && c != '_'))
        .filter(|word| word.starts_with(|c: char| c.is_ascii_alphabetic()))
        .map(str::to_owned)
        .collect()
}

/// What is wrong with the names in an expression: each is a metric, a label of one of its metrics, or PromQL.
fn unknown(expression: &str, metrics: &BTreeMap<String, Value>) -> Vec<String> {
    const PROMQL: [&str; 11] = [
        "by",
        "count",
        "count_over_time",
        "histogram_quantile",
        "increase",
        "on",
        "or",
        "rate",
        "sum",
        "unless",
        "without",
    ];
    let words = words(expression);
    let used: Vec<_> = words.iter().filter_map(|word| metrics.get(word)).collect();
    assert!(!used.is_empty(), "no metric in {expression}");
    words
        .iter()
        .filter(|word| !PROMQL.contains(&word.as_str()) && !metrics.contains_key(*word))
        .filter(|word| {
            !used
                .iter()
                .any(|metric| list(&metric["labels"]).contains(&json!(word)))
        })
        .cloned()
        .collect()
}

#[test]
fn alerts_and_dashboard_use_metrics_and_labels_that_exist() {
    let metrics = metrics();
    let alerts = alerts().into_iter().map(|alert| {
        let name = string(&alert["alert"]).to_owned();
        (name, string(&alert["expr"]).to_owned())
    });
    let expressions: Vec<_> = alerts.chain(queries()).collect();
    for (place, expression) in &expressions {
        assert_eq!(
            unknown(expression, &metrics),
            [""; 0],
            "{place}: {expression}"
        );
    }
    let all: String = expressions
        .iter()
        .map(|(_, expression)| expression.as_str())
        .collect();
    for metric in list(&document("test_data/monitoring/metrics.yaml")) {
        let name = string(&metric["name"]);
        assert!(all.contains(name), "{name} is not used");
    }
    // Summaries and descriptions name labels that the expression leaves.
    for alert in self::alerts() {
        let said = alert["annotations"].to_string();
        for label in said.split("$labels.").skip(1) {
            let label = label
                .split(|c: char| !c.is_ascii_alphanumeric() && c != '_')
                .next();
            let label = label.expect("a label").to_owned();
            let expression = string(&alert["expr"]);
            let (_, left) = expression.split_once("sum by (").expect("sum by");
            let (left, _) = left.split_once(')').expect("its end");
            assert!(
                left.split(", ").any(|name| name == label),
                "{label}: {expression}"
            );
        }
    }
}

#[test]
fn a_name_that_is_wrong_is_found() {
    let metrics = metrics();
    let known =
        r#"sum by (name) (rate(apiserver_admission_webhook_fail_open_count{type="admit"}[5m]))"#;
    assert_eq!(unknown(known, &metrics), [""; 0]);
    let wrong = r#"sum by (policy_name) (rate(apiserver_admission_webhook_fail_open_count{kind="x"}[5m])) / kubewarden_x"#;
    assert_eq!(
        unknown(wrong, &metrics),
        ["policy_name", "kind", "kubewarden_x"]
    );
}

#[test]
fn the_pages_tell_of_each_metric_and_alert_and_of_no_others() {
    let page = text("docs/operating.md");
    let metrics = document("test_data/monitoring/metrics.yaml");
    for metric in list(&metrics) {
        let labels: Vec<_> = list(&metric["labels"])
            .iter()
            .map(|label| format!("`{}`", string(label)))
            .collect();
        let row = format!(
            "\n| `{}` | {} | {} |\n",
            string(&metric["name"]),
            string(&metric["type"]),
            labels.join(", ")
        );
        assert!(page.contains(&row), "docs/operating.md: expected{row}");
        assert!(
            string(&metric["source"]).starts_with("https://github.com/"),
            "{metric}"
        );
    }
    let alerts = alerts();
    for alert in &alerts {
        let name = string(&alert["alert"]);
        let row = format!("\n| `{name}` | {} | ", string(&alert["labels"]["severity"]));
        assert!(page.contains(&row), "docs/operating.md: expected{row}");
    }
    for file in files("docs", ".md") {
        for word in text(&file).split(|c: char| !c.is_ascii_alphanumeric() && c != '_') {
            let is_metric = word.starts_with("kubewarden_") || word.starts_with("apiserver_");
            let is_alert = word.starts_with("AzureWorkloadIdentity");
            let known_metric = list(&metrics).iter().any(|metric| metric["name"] == word);
            let known_alert = alerts.iter().any(|alert| alert["alert"] == word);
            assert!(!is_metric || known_metric, "{file}: {word}");
            assert!(!is_alert || known_alert, "{file}: {word}");
        }
    }
}

#[test]
fn each_alert_leads_to_a_heading_that_helps() {
    const PAGES: &str = "https://github.com/azure-workload-identity-policy/azure-workload-identity-policy/blob/main/";
    let dashboard = document(DASHBOARD);
    let links = list(&dashboard["links"])
        .iter()
        .map(|link| string(&link["url"]).to_owned());
    let runbooks = alerts().into_iter().map(|alert| {
        let annotations = &alert["annotations"];
        assert!(string(&annotations["summary"]).len() > 20, "{alert}");
        assert!(string(&annotations["description"]).len() > 40, "{alert}");
        string(&annotations["runbook_url"]).to_owned()
    });
    for url in runbooks.chain(links) {
        let target = url.strip_prefix(PAGES).unwrap_or_else(|| panic!("{url}"));
        let (file, anchor) = target.split_once('#').expect("a heading");
        assert!(anchors(&text(file)).contains(&anchor.to_owned()), "{url}");
    }
}

/// A dashboard that Grafana imports, or loads from a ConfigMap, into whichever data source there is.
#[test]
fn the_dashboard_is_whole_and_works_with_any_data_source() {
    let dashboard = document(DASHBOARD);
    assert_eq!(
        (&dashboard["id"], &dashboard["uid"]),
        (&Value::Null, &Value::Null)
    );
    let variables = list(&dashboard["templating"]["list"]);
    let names: Vec<_> = variables
        .iter()
        .map(|variable| string(&variable["name"]))
        .collect();
    assert_eq!(names, ["datasource", "policy"]);
    let source = json!({"type": "prometheus", "uid": "${datasource}"});
    assert_eq!(variables[1]["datasource"], source);
    // The rows of a grid of 24 columns, by the vertical position of each panel.
    let mut taken = BTreeMap::<(u64, u64), String>::new();
    for (index, panel) in list(&dashboard["panels"]).iter().enumerate() {
        let title = string(&panel["title"]);
        assert_eq!(panel["id"], json!(index + 1), "{title}");
        let [x, y, w, h] =
            ["x", "y", "w", "h"].map(|side| panel["gridPos"][side].as_u64().unwrap());
        assert!(x + w <= 24, "{title}");
        for place in (x..x + w).flat_map(|x| (y..y + h).map(move |y| (x, y))) {
            let other = taken.insert(place, title.to_owned());
            assert_eq!(other, None, "{title}");
        }
        if panel["type"] == "row" {
            continue;
        }
        assert!(string(&panel["description"]).len() > 20, "{title}");
        assert!(
            panel["fieldConfig"]["defaults"]["unit"].is_string(),
            "{title}"
        );
        assert_eq!(panel["datasource"], source, "{title}");
        for target in list(&panel["targets"]) {
            assert_eq!(target["datasource"], source, "{title}");
        }
    }
    assert_eq!(
        text(DASHBOARD).matches("\"uid\"").count(),
        text(DASHBOARD)
            .matches("\"uid\": \"${datasource}\"")
            .count()
            + 1
    );
}

/// Whether promtool is there; if not, people are told, even if the output of tests is kept from them.
pub fn has_promtool() -> bool {
    let found = Command::new("promtool").arg("--version").output().is_ok();
    if !found {
        let _ = writeln!(
            io::stderr(),
            "note: the alerts and the dashboard are not run: promtool, a program of Prometheus, is not on PATH"
        );
    }
    found
}

/// Runs promtool on files that are written into a directory of its own.
pub fn promtool(arguments: &[&str], inputs: &[(&str, String)]) {
    let directory = tempfile::tempdir().expect("a directory");
    for (name, content) in inputs {
        fs::write(directory.path().join(name), content).expect("written");
    }
    let output = Command::new("promtool")
        .args(arguments)
        .current_dir(&directory)
        .output()
        .expect("promtool");
    let said = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "promtool {arguments:?}: {said}");
}

#[test]
fn the_alerts_fire_and_are_silent_as_they_should() {
    let tests = document("test_data/monitoring/alerts.yaml");
    // Each alert fires in one test at least, and is silent in another.
    for alert in alerts() {
        let cases: Vec<_> = list(&tests["tests"])
            .iter()
            .flat_map(|test| list(&test["alert_rule_test"]))
            .filter(|case| case["alertname"] == alert["alert"])
            .collect();
        let fires = |case: &&&Value| case["exp_alerts"].is_array();
        let count = cases.iter().filter(fires).count();
        assert!(0 < count && count < cases.len(), "{}", alert["alert"]);
    }
    if !has_promtool() {
        return;
    }
    let rules = document(RULES)["spec"].to_string();
    let inputs = [
        ("rules.yaml", rules),
        ("alerts.yaml", text("test_data/monitoring/alerts.yaml")),
    ];
    promtool(&["check", "rules", "rules.yaml"], &inputs);
    promtool(&["test", "rules", "alerts.yaml"], &inputs);
}

#[test]
fn the_queries_of_the_dashboard_are_promql() {
    let queries = queries();
    assert!(queries.len() > 10);
    if !has_promtool() {
        return;
    }
    // promtool reads expressions in rules.
    let rules: Vec<_> = queries
        .iter()
        .enumerate()
        .map(|(index, (_, expression))| json!({"record": format!("query:{index}"), "expr": expression}))
        .collect();
    let rules = json!({"groups": [{"name": "dashboard", "rules": rules}]}).to_string();
    promtool(&["check", "rules", "rules.yaml"], &[("rules.yaml", rules)]);
}
