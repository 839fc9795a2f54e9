//! What `azwi-policy preview` writes in each format holds to the format's schema, and to the exit status.

#![allow(
    clippy::arithmetic_side_effects,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test fails by panicking"
)]

mod sandbox;

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use jsonschema::Validator;
use roxmltree::{Document, Node};
use serde::Deserialize;
use serde_json::Value;

/// The repository.
fn root() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
}

fn schema(path: &str) -> Value {
    serde_json::from_str(&fs::read_to_string(root().join(path)).unwrap()).unwrap()
}

/// Asserts that `value` holds to `schema`.
#[track_caller]
fn assert_valid(schema: &Validator, value: &Value, context: &str) {
    let errors = schema.iter_errors(value);
    let errors: Vec<_> = errors
        .map(|error| format!("{}: {error}", error.instance_path))
        .collect();
    assert_eq!(errors, Vec::<String>::new(), "{context}: {value}");
}

/// Names that spell trouble in one format or another.
const ODD: [&str; 3] = [
    "50% of, a:b ü名 #?.yaml",
    "new\nline\u{1b}<&\">.yaml",
    "http:x.yaml",
];

/// A name and a label for [`ODD`] files.
const ODD_POD: &str = r#"
apiVersion: v1
kind: Pod
metadata:
  name: "a\e[31m<b>&\"]]>\uFFFE%0A,:\r\nx"
  labels: {azure.workload.identity/use: "yes::error::"}
"#;

/// The arguments after `preview`: objects of all outcomes and problems of all kinds, errors, and nothing at all. Each of
/// them takes a second.
const CASES: [&[&str]; 7] = [
    &["-s", "settings.yaml", "odd", "../NAME/manifests", "-"],
    &[
        "-s",
        "settings.yaml",
        "manifests/list.yaml",
        "odd",
        "--fail-on-hint",
        "--quiet",
    ],
    &["--policy", "policies/monitor.yaml", "reasons"],
    &[
        "--policy",
        "examples/policies",
        "findings/54-docs-manual-migration-pod.yaml",
        "findings/06-azuredocs-108526-resource-id.yaml",
    ],
    &[
        "-s",
        "settings.yaml",
        "broken/twice.yaml",
        "manifests/job.yaml",
    ],
    &["-s", "settings.yaml", "none.yaml", "--quiet"],
    &["--module", "trap.wasm", "manifests/job.yaml"],
];

/// What the program makes of a case.
struct Run {
    case: String,
    status: i32,
    errors: String,
    output: String,
}

/// What the program makes of each case in a format.
fn runs(format: &str) -> Vec<Run> {
    let sandbox = sandbox::create();
    let odd = sandbox.path().join("odd");
    fs::create_dir(&odd).unwrap();
    for name in ODD {
        fs::write(odd.join(name), ODD_POD).unwrap();
    }
    let name = sandbox.path().file_name().unwrap().to_str().unwrap();
    let runs = CASES.iter().map(|arguments| {
        let case = format!("-o {format} {}", arguments.join(" "));
        let arguments = arguments
            .iter()
            .map(|argument| argument.replace("NAME", name));
        let output = Command::new(env!("CARGO_BIN_EXE_azwi-policy"))
            .args(["preview", "-o", format])
            .args(arguments)
            .current_dir(sandbox.path())
            .stdin(Stdio::from(
                File::open(sandbox.path().join("manifests/pod.yaml")).unwrap(),
            ))
            .output()
            .unwrap();
        Run {
            case,
            status: output.status.code().unwrap(),
            errors: String::from_utf8(output.stderr).unwrap(),
            output: String::from_utf8(output.stdout).unwrap(),
        }
    });
    runs.collect()
}

/// Those of `-o json`, to compare others with.
fn runs_of_json() -> &'static [Run] {
    static RUNS: OnceLock<Vec<Run>> = OnceLock::new();
    RUNS.get_or_init(|| runs("json"))
}

/// Asserts that no character in `text` controls a terminal.
#[track_caller]
fn assert_printable(text: &str) {
    let mut characters = text.chars();
    let found = characters.find(|character| character.is_control() && *character != '\n');
    assert_eq!(found, None, "{text:?}");
}

#[test]
fn sarif_is_valid_whatever_there_is_to_say() {
    let schema = jsonschema::validator_for(&schema("test_data/schemas/sarif.schema.json")).unwrap();
    let mut levels = BTreeSet::new();
    for run in runs("sarif") {
        let log: Value = serde_json::from_str(&run.output).unwrap();
        assert_valid(&schema, &log, &run.case);
        let of_run = &log["runs"][0];
        let results = of_run["results"].as_array().unwrap();
        let ids = |values: &Value, key: &str| -> BTreeSet<String> {
            let values = values.as_array().unwrap().iter();
            let ids = values.map(|value| value[key].as_str().unwrap().to_owned());
            ids.collect()
        };
        let rules = &of_run["tool"]["driver"]["rules"];
        assert_eq!(ids(rules, "id"), ids(&of_run["results"], "ruleId"));
        assert_eq!(ids(rules, "id").len(), rules.as_array().unwrap().len());
        let is_successful = of_run["invocations"][0]["executionSuccessful"] == true;
        assert_eq!(is_successful, run.status != 2, "{}", run.case);
        let is_error = |result: &&Value| result["level"] == "error";
        assert!(run.status != 0 || !results.iter().any(|result| is_error(&result)));
        levels.extend(ids(&of_run["results"], "level"));
    }
    assert_eq!(Vec::from_iter(levels), ["error", "note", "warning"]);
}

/// The elements of a report, their attributes, and which elements are in them, by what Jenkins reads.
const ELEMENTS: [(&str, &[&str], &[&str]); 6] = [
    (
        "testsuites",
        &["name", "tests", "failures", "errors"],
        &["testsuite"],
    ),
    (
        "testsuite",
        &["name", "tests", "failures", "errors"],
        &["testcase"],
    ),
    (
        "testcase",
        &["name", "classname"],
        &["failure", "error", "system-out"],
    ),
    ("failure", &["message", "type"], &[]),
    ("error", &["message", "type"], &[]),
    ("system-out", &[], &[]),
];

/// Asserts that an element and all in it are as in [`ELEMENTS`].
fn assert_elements(node: Node<'_, '_>) {
    let name = node.tag_name().name();
    let (_, attributes, children) = ELEMENTS
        .iter()
        .find(|(known, ..)| *known == name)
        .unwrap_or_else(|| panic!("<{name}>"));
    let found: Vec<_> = node
        .attributes()
        .map(|attribute| attribute.name())
        .collect();
    assert_eq!(&found, attributes, "<{name}>");
    let mut met = BTreeSet::new();
    for child in node.children().filter(Node::is_element) {
        let child_name = child.tag_name().name();
        assert!(children.contains(&child_name), "<{child_name}> in <{name}>");
        // A case fails once, and says what it says at once.
        assert!(name != "testcase" || met.insert(child_name), "{child_name}");
        assert_elements(child);
    }
}

#[test]
fn junit_is_well_formed_and_agrees_with_the_exit_status() {
    let mut statuses = BTreeSet::new();
    for run in runs("junit") {
        let document = Document::parse(&run.output).unwrap();
        let root = document.root_element();
        assert!(root.has_tag_name("testsuites"), "{}", run.case);
        assert_elements(root);
        let below = |node: Node<'_, '_>, name: &str| {
            let nodes = node.descendants();
            nodes.filter(|node| node.has_tag_name(name)).count()
        };
        let suites = document.descendants();
        for suite in suites.filter(|node| node.has_attribute("tests")) {
            let attributes = [
                ("tests", "testcase"),
                ("failures", "failure"),
                ("errors", "error"),
            ];
            for (attribute, element) in attributes {
                let number = suite.attribute(attribute).unwrap();
                let expected = below(suite, element).to_string();
                assert_eq!(number, expected, "{}: {attribute}", run.case);
            }
        }
        let status = match (below(root, "error"), below(root, "failure")) {
            (1.., _) => 2,
            (0, 1..) => 1,
            (0, 0) => 0,
        };
        assert_eq!(status, run.status, "{}", run.case);
        let printed = run
            .errors
            .lines()
            .filter(|line| line.starts_with("error: "));
        assert_eq!(below(root, "error"), printed.count(), "{}", run.case);
        assert_printable(&run.output);
        statuses.insert(status);
    }
    assert_eq!(Vec::from_iter(statuses), [0, 1, 2]);
}

#[test]
fn reports_are_valid_and_their_numbers_add_up() {
    let schema = schema("test_data/schemas/report.schema.json");
    let schema = jsonschema::validator_for(&schema).unwrap();
    let mut found = BTreeSet::new();
    for run in runs("openreports") {
        let mut names = BTreeSet::new();
        for document in yaml_serde::Deserializer::from_str(&run.output) {
            let report = Value::deserialize(document).unwrap();
            if report.is_null() && run.output.is_empty() {
                continue;
            }
            assert_valid(&schema, &report, &run.case);
            let results = report["results"].as_array().unwrap();
            for (result, count) in report["summary"].as_object().unwrap() {
                let counted = results.iter().filter(|other| other["result"] == **result);
                assert_eq!(*count, counted.count(), "{}: {result}", run.case);
            }
            found.extend(results.iter().map(|result| result["result"].to_string()));
            let metadata = &report["metadata"];
            let name = format!("{}/{}", metadata["namespace"], metadata["name"]);
            assert!(names.insert(name.clone()), "{}: {name} twice", run.case);
        }
        assert_printable(&run.output);
    }
    assert_eq!(
        Vec::from_iter(found),
        ["\"error\"", "\"fail\"", "\"pass\"", "\"warn\""]
    );
}

#[test]
fn github_gets_a_command_for_each_problem_and_error() {
    let mut commands = BTreeSet::new();
    for (run, of_json) in runs("github").iter().zip(runs_of_json()) {
        assert_eq!(run.status, of_json.status, "{}", run.case);
        assert_printable(&run.output);
        let (lines, others): (Vec<_>, Vec<_>) =
            run.output.lines().partition(|line| line.starts_with("::"));
        let problems: usize = of_json
            .output
            .lines()
            .map(|line| {
                let line: Value = serde_json::from_str(line).unwrap();
                line["problems"].as_array().unwrap().len()
            })
            .sum();
        let errors = run
            .errors
            .lines()
            .filter(|line| line.starts_with("error: "));
        assert_eq!(lines.len(), problems + errors.count(), "{}", run.case);
        let is_quiet = run.case.contains("--quiet");
        let has_objects = !of_json.output.is_empty();
        assert_eq!(
            others.len(),
            usize::from(!is_quiet && has_objects),
            "{others:?}"
        );
        for line in lines {
            let (command, properties_and_message) =
                line.trim_start_matches(':').split_once(' ').unwrap();
            commands.insert(command.to_owned());
            let (properties, _) = properties_and_message.split_once("::").unwrap();
            let names: Vec<_> = properties
                .split(',')
                .map(|property| property.split_once('=').unwrap().0)
                .collect();
            let expected: &[&str] = match names.len() {
                1 => &["title"],
                _ => &["file", "line", "title"],
            };
            assert_eq!(names, expected, "{line}");
        }
    }
    assert_eq!(Vec::from_iter(commands), ["error", "notice", "warning"]);
}

#[test]
fn a_table_has_a_row_for_each_object() {
    for (run, of_json) in runs("table").iter().zip(runs_of_json()) {
        assert_eq!(run.status, of_json.status, "{}", run.case);
        assert_printable(&run.output);
        let objects = of_json.output.lines().count();
        let is_quiet = run.case.contains("--quiet");
        let expected = match (objects, is_quiet) {
            (0, _) => 0,
            (objects, true) => objects + 1,
            (objects, false) => objects + 2,
        };
        assert_eq!(run.output.lines().count(), expected, "{}", run.case);
    }
}

/// The lines that transcripts show of `-o json`.
fn lines_of_json() -> Vec<Value> {
    let documents = fs::read_dir(root().join("cli/tests/transcripts")).unwrap();
    let documents = documents.map(|entry| entry.unwrap().path());
    let documents = documents.chain([root().join("docs/preview.md")]);
    let documents = documents.filter(|path| path.extension().is_some_and(|ending| ending == "md"));
    let texts = documents.map(|path| fs::read_to_string(path).unwrap());
    let mut lines = Vec::new();
    for text in texts {
        let starts = text
            .lines()
            .filter(|line| line.starts_with("{\"apiVersion\""));
        lines.extend(starts.map(|line| serde_json::from_str::<Value>(line).unwrap()));
    }
    lines
}

/// The way to each field in a value, without keys that are data.
fn fields(value: &Value, path: &str, found: &mut BTreeSet<String>) {
    match value {
        Value::Object(fields_of) if !path.ends_with("/value") && path != "/auditAnnotations" => {
            for (key, value) in fields_of {
                let path = format!("{path}/{key}");
                fields(value, &path, found);
                found.insert(path);
            }
        }
        Value::Array(items) if !path.ends_with("/value") => {
            items.iter().for_each(|item| fields(item, path, found));
        }
        _ => {}
    }
}

/// The way to each property that a schema describes.
fn described(schema: &Value, whole: &Value, path: &str, found: &mut BTreeSet<String>) {
    if let Some(reference) = schema["$ref"].as_str() {
        let target = whole.pointer(reference.strip_prefix('#').unwrap());
        described(target.unwrap(), whole, path, found);
    }
    let properties = schema["properties"].as_object();
    for (key, schema) in properties.into_iter().flatten() {
        let path = format!("{path}/{key}");
        described(schema, whole, &path, found);
        found.insert(path);
    }
    if schema["items"].is_object() {
        described(&schema["items"], whole, path, found);
    }
}

/// Operations of RFC 6902 that a policy may come to need.
const OPERATIONS: [&str; 3] = ["/patch/from", "/monitor/patch/from", "/pods/patch/from"];

#[test]
fn the_schema_of_json_describes_what_is_printed_and_nothing_else() {
    let schema = schema("docs/preview.schema.json");
    let validator = jsonschema::validator_for(&schema).unwrap();
    let lines = lines_of_json();
    assert!(lines.len() > 20);
    let mut printed = BTreeSet::new();
    for line in &lines {
        assert_valid(&validator, line, "a line of -o json");
        fields(line, "", &mut printed);
    }
    printed.extend(OPERATIONS.map(str::to_owned));
    let mut known = BTreeSet::new();
    described(&schema, &schema, "", &mut known);
    assert_eq!(printed, known);
}

#[test]
fn the_schema_of_json_finds_what_is_missing_or_contradicts_itself() {
    let validator = jsonschema::validator_for(&schema("docs/preview.schema.json")).unwrap();
    let lines = lines_of_json();
    let with = |outcome: &str| {
        let mut lines = lines.iter();
        let line = lines.find(|line| line["outcome"] == outcome);
        line.unwrap().clone()
    };
    let required = schema("docs/preview.schema.json")["required"].clone();
    for key in required.as_array().unwrap() {
        let mut line = with("unchanged");
        line.as_object_mut().unwrap().remove(key.as_str().unwrap());
        assert!(!validator.is_valid(&line), "without {key}");
    }
    let changes: [(&str, &str, Value); 8] = [
        ("unchanged", "allowed", false.into()),
        ("rejected", "allowed", true.into()),
        ("mutated", "outcome", "unchanged".into()),
        ("unchanged", "outcome", "mutated".into()),
        ("mutated", "outcome", "changed".into()),
        ("unchanged", "line", 0.into()),
        ("unchanged", "warnings", "w".into()),
        ("unchanged", "problems", Value::from(vec![Value::Null])),
    ];
    for (outcome, key, value) in changes {
        let mut line = with(outcome);
        assert!(validator.is_valid(&line));
        line[key] = value;
        assert!(!validator.is_valid(&line), "{key} of {outcome}");
    }
    let mut line = with("unchanged");
    line["more"] = "fields may be added".into();
    assert!(validator.is_valid(&line));
}
