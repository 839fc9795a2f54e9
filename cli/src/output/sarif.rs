//! Problems as a log in SARIF 2.1.0, which code scanners write and GitHub, GitLab and editors read.

use std::collections::BTreeMap;
use std::io::{self, Write};

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Serialize;

use crate::commands::preview::{Kind, Preview};
use crate::text::printable;

/// The schema that the log follows.
const SCHEMA: &str =
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json";

/// The repository of this program.
const REPOSITORY: &str = env!("CARGO_PKG_REPOSITORY");

/// What a path in a URI holds as it is. A colon in its first part would end the name of a scheme.
const IN_PATH: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'/')
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// What is written at the end, when it is known which rules there are.
#[derive(Debug, Default)]
pub struct Sarif {
    /// The gravest kind of problem of each rule.
    rules: BTreeMap<String, Kind>,
    results: Vec<SarifResult>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Log<'s> {
    #[serde(rename = "$schema")]
    schema: &'static str,
    version: &'static str,
    runs: [Run<'s>; 1],
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Run<'s> {
    tool: Tool<'s>,
    invocations: [Invocation; 1],
    results: &'s [SarifResult],
}

#[derive(Serialize)]
struct Tool<'s> {
    driver: Driver<'s>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Driver<'s> {
    name: &'static str,
    version: &'static str,
    semantic_version: &'static str,
    information_uri: &'static str,
    rules: Vec<Rule<'s>>,
}

/// A sort of problem.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Rule<'s> {
    id: &'s str,
    short_description: Text,
    help_uri: String,
}

/// Whether all manifests could be read.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Invocation {
    execution_successful: bool,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tool_execution_notifications: Vec<Notification>,
}

#[derive(Serialize)]
struct Notification {
    level: &'static str,
    message: Text,
}

#[derive(Debug, Serialize)]
struct Text {
    text: String,
}

impl Text {
    fn new(text: &str) -> Self {
        Self {
            text: printable(text),
        }
    }
}

/// A problem.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct SarifResult {
    rule_id: String,
    level: &'static str,
    message: Text,
    locations: [Location; 1],
    #[serde(skip_serializing_if = "Option::is_none")]
    properties: Option<Properties>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Location {
    physical_location: PhysicalLocation,
    logical_locations: [LogicalLocation; 1],
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct PhysicalLocation {
    artifact_location: ArtifactLocation,
    region: Region,
}

#[derive(Debug, Serialize)]
struct ArtifactLocation {
    uri: String,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Region {
    start_line: usize,
}

/// The object that a problem is about.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct LogicalLocation {
    name: String,
    fully_qualified_name: String,
    kind: &'static str,
}

/// What SARIF has no field for.
#[derive(Debug, Serialize)]
struct Properties {
    /// Who says it, if there are several.
    policy: String,
}

impl Sarif {
    /// Adds the problems of an object.
    pub fn add(&mut self, preview: &Preview) {
        for problem in &preview.problems {
            let rule = printable(&problem.rule);
            let kind = self.rules.entry(rule.clone()).or_insert(problem.kind);
            *kind = problem.kind.min(*kind);
            let place = &problem.place;
            self.results.push(SarifResult {
                rule_id: rule,
                level: match problem.kind {
                    Kind::Rejection => "error",
                    Kind::Monitor | Kind::Warning => "warning",
                    Kind::Hint => "note",
                },
                message: Text::new(&problem.text),
                locations: [Location {
                    physical_location: PhysicalLocation {
                        artifact_location: ArtifactLocation {
                            uri: uri(&place.file),
                        },
                        region: Region {
                            start_line: place.line.max(1),
                        },
                    },
                    logical_locations: [LogicalLocation {
                        name: printable(&preview.name),
                        fully_qualified_name: printable(&preview.title()),
                        kind: "object",
                    }],
                }],
                properties: problem.policy.as_ref().map(|policy| Properties {
                    policy: printable(policy),
                }),
            });
        }
    }

    /// Writes the log. `errors` are what kept manifests from being read.
    pub fn write(&self, output: &mut impl Write, errors: &[String]) -> io::Result<()> {
        let rules = self.rules.iter().map(|(id, kind)| Rule {
            id,
            short_description: Text {
                text: description(id),
            },
            help_uri: format!("{REPOSITORY}/blob/main/docs/{}", page(id, *kind)),
        });
        let notifications = errors.iter().map(|error| Notification {
            level: "error",
            message: Text::new(error),
        });
        let log = Log {
            schema: SCHEMA,
            version: "2.1.0",
            runs: [Run {
                tool: Tool {
                    driver: Driver {
                        name: env!("CARGO_PKG_NAME"),
                        version: env!("CARGO_PKG_VERSION"),
                        semantic_version: env!("CARGO_PKG_VERSION"),
                        information_uri: REPOSITORY,
                        rules: rules.collect(),
                    },
                },
                invocations: [Invocation {
                    execution_successful: errors.is_empty(),
                    tool_execution_notifications: notifications.collect(),
                }],
                results: &self.results,
            }],
        };
        serde_json::to_writer_pretty(&mut *output, &log)?;
        writeln!(output)
    }
}

/// The page that tells of a rule, and of problems of this kind.
fn page(rule: &str, kind: Kind) -> &'static str {
    match kind {
        Kind::Hint => "preview.md#hints",
        Kind::Monitor if rule == "mode-monitor" => "preview.md#what-would-happen",
        Kind::Rejection | Kind::Monitor | Kind::Warning => "messages.md",
    }
}

/// The name of a rule as words: `port-taken` is `Port taken`.
fn description(rule: &str) -> String {
    let words = rule.replace('-', " ");
    let mut letters = words.chars();
    let first = letters.next().map(|first| first.to_ascii_uppercase());
    first.into_iter().chain(letters).collect()
}

/// A file as a URI: relative if its path is.
fn uri(file: &str) -> String {
    let path = file.strip_prefix("./").unwrap_or(file);
    let scheme = if path.starts_with('/') { "file://" } else { "" };
    format!("{scheme}{}", utf8_percent_encode(path, IN_PATH))
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
    use crate::output::samples::{HOSTILE, preview, problem};

    fn written(sarif: &Sarif, errors: &[String]) -> Value {
        let mut output = Vec::new();
        sarif.write(&mut output, errors).unwrap();
        assert_eq!(output.last(), Some(&b'\n'));
        serde_json::from_slice(&output).unwrap()
    }

    #[test]
    fn each_problem_is_a_result_and_each_rule_is_there_once() {
        let mut sarif = Sarif::default();
        let mut rejected = problem(Kind::Rejection, "port-taken", "port", "a b.yaml", 4);
        rejected.policy = Some("inject".into());
        let problems = vec![
            rejected,
            problem(Kind::Warning, "port-taken", "other port", "a b.yaml", 5),
            problem(Kind::Hint, "idle-identity", "idle", "a b.yaml", 6),
        ];
        let hint = problem(Kind::Hint, "port-taken", "port", "a b.yaml", 7);
        sarif.add(&preview("a b.yaml", "app", vec![hint]));
        sarif.add(&preview("a b.yaml", "app", problems));
        let log = written(&sarif, &[]);
        let run = &log["runs"][0];
        let docs = format!("{REPOSITORY}/blob/main/docs");
        assert_eq!(
            run["tool"]["driver"]["rules"],
            json!([
                {
                    "id": "idle-identity",
                    "shortDescription": {"text": "Idle identity"},
                    "helpUri": format!("{docs}/preview.md#hints"),
                },
                {
                    "id": "port-taken",
                    "shortDescription": {"text": "Port taken"},
                    "helpUri": format!("{docs}/messages.md"),
                },
            ])
        );
        let result = |rule: &str, level: &str, text: &str, line: usize| {
            json!({
                "ruleId": rule,
                "level": level,
                "message": {"text": text},
                "locations": [{
                    "physicalLocation": {
                        "artifactLocation": {"uri": "a%20b.yaml"},
                        "region": {"startLine": line},
                    },
                    "logicalLocations": [{
                        "name": "app",
                        "fullyQualifiedName": "Pod web/app",
                        "kind": "object",
                    }],
                }],
            })
        };
        let mut first = result("port-taken", "error", "port", 4);
        first["properties"] = json!({"policy": "inject"});
        assert_eq!(
            run["results"],
            json!([
                result("port-taken", "note", "port", 7),
                first,
                result("port-taken", "warning", "other port", 5),
                result("idle-identity", "note", "idle", 6),
            ])
        );
        assert_eq!(run["invocations"], json!([{"executionSuccessful": true}]));
    }

    #[test]
    fn a_run_that_could_not_read_everything_says_so() {
        let log = written(&Sarif::default(), &["a.yaml: no\u{1b}".to_owned()]);
        assert_eq!(log["runs"][0]["results"], json!([]));
        assert_eq!(
            log["runs"][0]["invocations"],
            json!([{
                "executionSuccessful": false,
                "toolExecutionNotifications": [
                    {"level": "error", "message": {"text": "a.yaml: no\\u{1b}"}}
                ],
            }])
        );
    }

    #[test]
    fn rules_have_the_page_that_tells_of_them() {
        for (rule, kind, expected) in [
            ("port-taken", Kind::Rejection, "messages.md"),
            ("port-taken", Kind::Monitor, "messages.md"),
            (
                "mode-monitor",
                Kind::Monitor,
                "preview.md#what-would-happen",
            ),
            ("idle-identity", Kind::Hint, "preview.md#hints"),
        ] {
            assert_eq!(page(rule, kind), expected);
        }
    }

    #[test]
    fn files_become_uris() {
        for (file, expected) in [
            ("a/b.yaml", "a/b.yaml"),
            ("./a.yaml", "a.yaml"),
            ("../a.yaml", "../a.yaml"),
            ("/tmp/a b.yaml", "file:///tmp/a%20b.yaml"),
            ("http://x", "http%3A//x"),
            ("50%,ü?#.yaml", "50%25%2C%C3%BC%3F%23.yaml"),
            ("standard input", "standard%20input"),
        ] {
            assert_eq!(uri(file), expected);
        }
    }

    #[test]
    fn no_text_breaks_the_log() {
        let mut sarif = Sarif::default();
        let problems = vec![problem(Kind::Hint, HOSTILE, HOSTILE, HOSTILE, 0)];
        sarif.add(&preview(HOSTILE, HOSTILE, problems));
        let log = written(&sarif, &[HOSTILE.to_owned()]);
        let result = &log["runs"][0]["results"][0];
        assert_eq!(result["message"]["text"], json!(printable(HOSTILE)));
        let place = &result["locations"][0]["physicalLocation"];
        assert_eq!(place["region"]["startLine"], json!(1));
        let uri = place["artifactLocation"]["uri"].as_str().unwrap();
        assert!(uri.bytes().all(|byte| byte.is_ascii_graphic()), "{uri}");
        let rule = &log["runs"][0]["tool"]["driver"]["rules"][0]["id"];
        assert_eq!(rule, &result["ruleId"]);
    }
}
