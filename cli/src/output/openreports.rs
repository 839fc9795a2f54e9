//! Previews as Reports of openreports.io, in the form in which Kubewarden's audit scanner writes them.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Write};

use serde::Serialize;

use crate::commands::preview::{Answer, Kind, Preview, Problem};
use crate::text::printable;

/// The policy engine that results are of.
const SOURCE: &str = "kubewarden";

/// What a policy without a manifest of its own is called.
const UNNAMED: &str = "azure-workload-identity-policy";

/// The longest name of a Report; Kubernetes allows 253 characters.
const LONGEST: usize = 240;

/// Writes a Report for each object as it comes.
#[derive(Debug, Default)]
pub struct OpenReports {
    /// The namespaces and names that are taken.
    names: BTreeSet<(String, String)>,
    /// How often each was wanted.
    wanted: BTreeMap<(String, String), usize>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Report {
    api_version: &'static str,
    kind: &'static str,
    metadata: Metadata,
    source: &'static str,
    scope: Scope,
    summary: Summary,
    results: Vec<ReportResult>,
}

#[derive(Serialize)]
struct Metadata {
    name: String,
    namespace: String,
    labels: BTreeMap<&'static str, &'static str>,
}

/// The object.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Scope {
    api_version: String,
    kind: String,
    namespace: String,
    name: String,
}

#[derive(Default, Serialize)]
struct Summary {
    pass: usize,
    fail: usize,
    warn: usize,
    error: usize,
    skip: usize,
}

#[derive(Serialize)]
struct ReportResult {
    source: &'static str,
    policy: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    rule: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    severity: Option<&'static str>,
    result: &'static str,
    scored: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<String>,
    properties: BTreeMap<&'static str, String>,
}

impl OpenReports {
    /// Writes the Report of an object as a YAML document.
    pub fn write(&mut self, output: &mut impl Write, preview: &Preview) -> io::Result<()> {
        let results = results(preview);
        let mut summary = Summary::default();
        for result in &results {
            let count = match result.result {
                "pass" => &mut summary.pass,
                "fail" => &mut summary.fail,
                "warn" => &mut summary.warn,
                _ => &mut summary.error,
            };
            *count = count.saturating_add(1);
        }
        let report = Report {
            api_version: "openreports.io/v1alpha1",
            kind: "Report",
            metadata: Metadata {
                name: self.name(preview),
                namespace: printable(&preview.namespace),
                labels: BTreeMap::from([
                    // The audit scanner deletes those of others with its own name.
                    ("app.kubernetes.io/managed-by", "azwi-policy"),
                    ("kubewarden.io/policyreport-version", "v2"),
                ]),
            },
            source: SOURCE,
            scope: Scope {
                api_version: printable(&preview.api_version),
                kind: printable(&preview.kind),
                namespace: printable(&preview.namespace),
                name: printable(&preview.name),
            },
            summary,
            results,
        };
        let report = yaml_serde::to_string(&report).map_err(io::Error::other)?;
        write!(output, "---\n{report}")
    }

    /// A name for the Report of an object, which no other has. The audit scanner's is the object's `uid`.
    fn name(&mut self, preview: &Preview) -> String {
        let name = format!("{}-{}", preview.kind, preview.name).to_lowercase();
        let name = name.replace(|letter: char| !letter.is_ascii_alphanumeric(), "-");
        let name: String = name.chars().take(LONGEST).collect();
        let name = name.trim_matches('-');
        let namespace = &preview.namespace;
        let wanted = (namespace.clone(), name.to_owned());
        let number = self.wanted.entry(wanted).or_default();
        loop {
            *number = number.saturating_add(1);
            let name = match *number {
                1 => name.to_owned(),
                number => format!("{name}-{number}"),
            };
            if self.names.insert((namespace.clone(), name.clone())) {
                return name;
            }
        }
    }
}

/// What each policy that gets to see the object makes of it, and after that what people should know beside.
fn results(preview: &Preview) -> Vec<ReportResult> {
    let mut policies: Vec<Policy> = Vec::new();
    for answer in preview.answers() {
        if !answer.was_sent && answer.response.allowed {
            continue;
        }
        let name = answer.policy.as_deref();
        let known = policies.iter_mut().find(|policy| policy.name == name);
        match known {
            // The answer about a workload's pod counts if that about the workload rejects nothing.
            Some(policy) if rejection(policy.answer).is_none() => policy.answer = answer,
            Some(policy) => policy.others.push(answer),
            None => policies.push(Policy {
                name,
                answer,
                others: Vec::new(),
            }),
        }
    }
    let mut results: Vec<_> = policies
        .iter()
        .map(|policy| policy.result(preview))
        .collect();
    for problem in &preview.problems {
        let is_of_result = match problem.kind {
            Kind::Rejection => true,
            // If it is a rejection that is held back, the audit scanner reports it as one.
            Kind::Monitor => policies.iter().any(|policy| {
                policy.name == problem.policy.as_deref() && rejection(policy.answer).is_some()
            }),
            Kind::Warning | Kind::Hint => false,
        };
        if !is_of_result {
            results.push(beside(problem));
        }
    }
    results
}

/// What a policy makes of an object.
struct Policy<'p> {
    name: Option<&'p str>,
    answer: &'p Answer,
    /// What came after an answer that rejects the object: about its other pods.
    others: Vec<&'p Answer>,
}

/// The message and the HTTP status of a rejection, whatever the policy's mode.
fn rejection(answer: &Answer) -> Option<(Option<&str>, Option<u16>)> {
    let response = answer.monitored.as_ref().unwrap_or(&answer.response);
    let code = response.status.as_ref().and_then(|status| status.code);
    (!response.allowed).then(|| (response.message(), code))
}

impl Policy<'_> {
    /// The messages of all rejections, each once.
    fn message(&self) -> Option<String> {
        let others = self.others.iter().copied();
        let answers = std::iter::once(self.answer).chain(others);
        let mut messages = Vec::new();
        for (message, _) in answers.filter_map(rejection) {
            messages.extend(message.filter(|message| !messages.contains(message)));
        }
        (!messages.is_empty()).then(|| messages.join("\n"))
    }

    fn result(&self, preview: &Preview) -> ReportResult {
        let is_monitored = self.answer.monitored.is_some();
        let kind = if is_monitored {
            Kind::Monitor
        } else {
            Kind::Rejection
        };
        let rejection = rejection(self.answer);
        let mut reasons = preview.of_kind(kind);
        let reason = reasons.find(|reason| reason.policy.as_deref() == self.name);
        let reason = reason.filter(|_| rejection.is_some());
        ReportResult {
            source: SOURCE,
            policy: printable(self.name.unwrap_or(UNNAMED)),
            rule: reason.map(|reason| printable(&reason.rule)),
            severity: is_monitored.then_some("info"),
            result: match rejection {
                None => "pass",
                // As the audit scanner tells a failure of the policy.
                Some((_, Some(500))) => "error",
                Some(_) => "fail",
            },
            scored: true,
            message: self.message().as_deref().map(printable),
            properties: reason.map(place).unwrap_or_default(),
        }
    }
}

/// A warning or a hint, for which the audit scanner has no results.
fn beside(problem: &Problem) -> ReportResult {
    let is_hint = problem.kind == Kind::Hint;
    ReportResult {
        source: SOURCE,
        policy: printable(problem.policy.as_deref().unwrap_or(UNNAMED)),
        rule: Some(printable(&problem.rule)),
        severity: Some(if is_hint { "info" } else { "low" }),
        result: "warn",
        scored: false,
        message: Some(printable(&problem.text)),
        properties: place(problem),
    }
}

/// Where the fault is.
fn place(problem: &Problem) -> BTreeMap<&'static str, String> {
    let place = &problem.place;
    BTreeMap::from([
        ("file", printable(&place.file)),
        ("line", place.line.to_string()),
    ])
}

#[cfg(test)]
#[allow(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a test fails by panicking"
)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::kubewarden::response::AdmissionResponse;
    use crate::output::samples::{HOSTILE, answered, preview, problem};

    fn written(reports: &mut OpenReports, preview: &Preview) -> String {
        let mut output = Vec::new();
        reports.write(&mut output, preview).unwrap();
        String::from_utf8(output).unwrap()
    }

    fn read(preview: &Preview) -> Value {
        yaml_serde::from_str(&written(&mut OpenReports::default(), preview)).unwrap()
    }

    #[test]
    fn an_accepted_object_passes() {
        let preview = answered(preview("a.yaml", "app", Vec::new()), &[(None, None, false)]);
        assert_eq!(
            written(&mut OpenReports::default(), &preview),
            "\
---
apiVersion: openreports.io/v1alpha1
kind: Report
metadata:
  name: pod-app
  namespace: web
  labels:
    app.kubernetes.io/managed-by: azwi-policy
    kubewarden.io/policyreport-version: v2
source: kubewarden
scope:
  apiVersion: v1
  kind: Pod
  namespace: web
  name: app
summary:
  pass: 1
  fail: 0
  warn: 0
  error: 0
  skip: 0
results:
- source: kubewarden
  policy: azure-workload-identity-policy
  result: pass
  scored: true
  properties: {}
"
        );
    }

    /// The results of an object with these answers, as policy, result, severity, rule, message and line.
    fn results_of(answers: &[(Option<&str>, Option<u16>, bool)], problems: Vec<Problem>) -> Value {
        let report = read(&answered(preview("a.yaml", "app", problems), answers));
        let results = report["results"].as_array().unwrap().iter();
        let results = results.map(|result| {
            let fields = ["policy", "result", "severity", "rule", "message"];
            let mut values = fields.map(|field| result[field].clone()).to_vec();
            values.push(result["properties"]["line"].clone());
            Value::from(values)
        });
        json!({"summary": report["summary"], "results": results.collect::<Vec<_>>()})
    }

    #[test]
    fn a_policy_that_rejects_several_pods_says_why_for_each() {
        let rejected = (Some("a"), Some(400), false);
        let mut preview = answered(preview("a.yaml", "app", vec![]), &[rejected; 3]);
        let answers = preview.reviews[0].answers.iter_mut();
        for (answer, reason) in answers.zip(["head", "worker", "head"]) {
            answer.response = AdmissionResponse::rejection("", reason.to_owned(), Some(400));
        }
        let results = read(&preview)["results"].clone();
        let messages: Vec<_> = results
            .as_array()
            .unwrap()
            .iter()
            .map(|one| &one["message"])
            .collect();
        assert_eq!(messages, ["head\nworker"]);
    }

    #[test]
    fn rejections_fail_and_failures_of_the_policy_are_errors() {
        let of = |policy: &str, line| {
            let mut problem = problem(Kind::Rejection, "port-taken", "no", "a.yaml", line);
            problem.policy = Some(policy.into());
            problem
        };
        assert_eq!(
            results_of(
                &[
                    (Some("a"), None, false),
                    (Some("b"), Some(400), false),
                    (Some("c"), Some(500), false),
                    // About the pod of a workload.
                    (Some("a"), Some(400), false),
                ],
                vec![of("b", 1), of("c", 2), of("a", 3)],
            ),
            json!({
                "summary": {"pass": 0, "fail": 2, "warn": 0, "error": 1, "skip": 0},
                "results": [
                    ["a", "fail", null, "port-taken", "no", "3"],
                    ["b", "fail", null, "port-taken", "no", "1"],
                    ["c", "error", null, "port-taken", "no", "2"],
                ],
            })
        );
    }

    #[test]
    fn what_mode_monitor_holds_back_fails_for_information() {
        let held_back = problem(Kind::Monitor, "port-taken", "would be", "a.yaml", 1);
        assert_eq!(
            results_of(&[(None, Some(400), true)], vec![held_back.clone()]),
            json!({
                "summary": {"pass": 0, "fail": 1, "warn": 0, "error": 0, "skip": 0},
                "results": [[UNNAMED, "fail", "info", "port-taken", "no", "1"]],
            })
        );
        assert_eq!(
            results_of(&[(None, None, true)], vec![held_back]),
            json!({
                "summary": {"pass": 1, "fail": 0, "warn": 1, "error": 0, "skip": 0},
                "results": [
                    [UNNAMED, "pass", "info", null, null, null],
                    [UNNAMED, "warn", "low", "port-taken", "would be", "1"],
                ],
            })
        );
    }

    #[test]
    fn warnings_and_hints_are_results_beside() {
        let problems = vec![
            problem(Kind::Warning, "host-network", "w", "a.yaml", 2),
            problem(Kind::Hint, "idle-identity", "h", "a.yaml", 3),
        ];
        assert_eq!(
            results_of(&[], problems),
            json!({
                "summary": {"pass": 0, "fail": 0, "warn": 2, "error": 0, "skip": 0},
                "results": [
                    [UNNAMED, "warn", "low", "host-network", "w", "2"],
                    [UNNAMED, "warn", "info", "idle-identity", "h", "3"],
                ],
            })
        );
    }

    #[test]
    fn names_are_valid_and_different() {
        let mut reports = OpenReports::default();
        let long = "n".repeat(500);
        let names = ["a", "a", "A*", "a-2", "ü.-", HOSTILE, &long, &long].map(|name| {
            let report = written(&mut reports, &preview("a.yaml", name, Vec::new()));
            let report: Value = yaml_serde::from_str(&report).unwrap();
            report["metadata"]["name"].as_str().unwrap().to_owned()
        });
        assert_eq!(
            names[..5],
            ["pod-a", "pod-a-2", "pod-a-3", "pod-a-2-2", "pod"]
        );
        for name in &names {
            let is_fine = |letter: char| letter.is_ascii_lowercase() || letter.is_ascii_digit();
            assert!(name.len() <= 253);
            assert!(
                name.starts_with(is_fine) && name.ends_with(is_fine),
                "{name}"
            );
            assert!(name.chars().all(|letter| is_fine(letter) || letter == '-'));
        }
        assert_eq!(BTreeSet::from(names).len(), 8);
    }

    #[test]
    fn no_text_breaks_the_document() {
        let problems = vec![problem(Kind::Hint, HOSTILE, HOSTILE, HOSTILE, 1)];
        let report = read(&preview(HOSTILE, HOSTILE, problems));
        let shown = json!(printable(HOSTILE));
        assert_eq!(report["scope"]["name"], shown);
        assert_eq!(report["results"][0]["message"], shown);
        assert_eq!(report["results"][0]["properties"]["file"], shown);
    }
}
