//! The playground says of texts what the program says of the same files.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test fails by panicking"
)]

mod module;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use azwi_policy::kubewarden::guest::Guest;
use azwi_policy::playground;
use serde_json::{Value, json};

const ISSUER: &str = "https://issuer.example.com/cluster/";

fn root() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
}

/// What the playground answers.
fn answer(input: &Value) -> Value {
    let module: Arc<dyn Guest> = Arc::new(module::MODULE.clone());
    let answer = playground::answer(&module, &input.to_string());
    serde_json::from_str(&answer).unwrap()
}

/// What the program prints on standard output, and on standard error behind `label: `.
fn program(arguments: &[&str]) -> (String, impl Fn(&str) -> Vec<String>) {
    let output = Command::new(env!("CARGO_BIN_EXE_azwi-policy"))
        .args(arguments)
        .args(["--module", &module::file()])
        .current_dir(root())
        .env("XDG_CACHE_HOME", env!("CARGO_TARGET_TMPDIR"))
        .output()
        .unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    let behind = move |label: &str| {
        let label = format!("{label}: ");
        let lines = said.lines().filter_map(|line| line.strip_prefix(&label));
        lines.map(str::to_owned).collect()
    };
    (String::from_utf8(output.stdout).unwrap(), behind)
}

/// The files in a directory, from the root, but for those that are no manifests, or no text.
fn files(directory: &str) -> Vec<String> {
    let entries = fs::read_dir(root().join(directory)).unwrap();
    let mut files: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let is_manifest = |path: &PathBuf| {
        path.extension()
            .is_some_and(|ending| ending == "yaml" || ending == "json")
            && fs::read_to_string(path).is_ok()
    };
    files.retain(is_manifest);
    let names = files.iter().map(|file| file.file_name().unwrap());
    let names = names.map(|name| format!("{directory}/{}", name.to_str().unwrap()));
    names
        .filter(|name| !name.contains("settings.") && !name.contains("azwi-test"))
        .collect()
}

/// Fails unless both say the same of `files`, with the program's `flags` and the playground's `options`.
#[track_caller]
fn agree(files: &[String], flags: &[&str], options: Value) {
    let texts = files.iter().map(|name| {
        let text = fs::read_to_string(root().join(name)).unwrap();
        json!({"name": name, "text": text})
    });
    let mut input = options;
    input["files"] = texts.collect();
    input["issuer"] = json!(ISSUER);
    let found = answer(&input);
    let files: Vec<_> = files.iter().map(String::as_str).collect();
    let arguments = [&["preview", "-o", "json", "--explain"], flags, &files].concat();
    let (printed, said) = program(&arguments);
    let lines: Vec<Value> = printed
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert!(!lines.is_empty(), "{arguments:?}: {:?}", said("error"));
    assert_eq!(found["lines"], json!(lines), "{arguments:?}");
    assert_eq!(found["notes"], json!(said("note")), "{arguments:?}");
    let errors = found["errors"].as_array().unwrap().iter();
    let errors: Vec<_> = errors
        .map(|error| error["message"].as_str().unwrap())
        .collect();
    assert_eq!(errors, said("error"), "{arguments:?}");
    let objects = found["objects"].as_array().unwrap();
    assert_eq!(objects.len(), lines.len());
    for (object, line) in objects.iter().zip(&lines) {
        for key in ["file", "line", "outcome"] {
            assert_eq!(object[key], line[key]);
        }
    }
    let arguments = [&["preview"], flags, &files].concat();
    let (text, _) = program(&arguments);
    assert_eq!(found["summary"].as_str(), text.lines().last());
    let arguments = [
        &["credentials", "-o", "json", "--issuer", ISSUER],
        flags,
        &files,
    ]
    .concat();
    let (document, said) = program(&arguments);
    let document: Value = serde_json::from_str(&document)
        .unwrap_or_else(|error| panic!("{arguments:?}: {error}: {:?}", said("error")));
    assert_eq!(found["credentials"], document, "{arguments:?}");
}

#[test]
fn says_what_the_program_says_with_settings() {
    let path = "test_data/preview/settings.yaml";
    let settings = fs::read_to_string(root().join(path)).unwrap();
    for directory in [
        "examples/january-2022",
        "examples/quick-start",
        "test_data/preview/findings",
        "test_data/preview/manifests",
        "test_data/preview/broken",
        "test_data/preview/other-kinds",
        "test_data/preview/whole-pod",
        "test_data/preview/yaml",
    ] {
        agree(
            &files(directory),
            &["-s", path],
            json!({"settings": settings}),
        );
    }
}

#[test]
fn says_what_the_program_says_with_policies() {
    let workload = ["examples/quick-start/workload.yaml".to_owned()];
    let path = "examples/quick-start/policy.yaml";
    let policy = fs::read_to_string(root().join(path)).unwrap();
    let tenant = "azureTenantID=contoso.com";
    agree(
        &workload,
        &["--policy", path, "--set", tenant],
        json!({"settings": policy, "set": [tenant]}),
    );
    let flags = ["--set", tenant];
    agree(
        &files("examples/quick-start"),
        &flags,
        json!({"set": [tenant]}),
    );
    agree(
        &files("examples/january-2022"),
        &flags,
        json!({"settings": " \n", "set": [tenant]}),
    );
}

#[test]
fn says_what_the_program_says_with_flags() {
    agree(
        &files("test_data/preview/manifests"),
        &[
            "--set",
            "azureTenantID=contoso.com",
            "--set",
            "mode=Verify",
            "--strict",
            "-n",
            "web",
            "--as",
            "jane",
            "--as-group",
            "team",
        ],
        json!({
            "set": ["azureTenantID=contoso.com", "mode=Verify"], "strict": true, "namespace": "web", "as": "jane",
            "asGroup": ["team"],
        }),
    );
}

#[test]
fn shows_the_pod_before_and_after() {
    let text = fs::read_to_string(root().join("examples/quick-start/workload.yaml")).unwrap();
    let found = answer(&json!({
        "files": [{"name": "a.yaml", "text": text}], "set": ["azureTenantID=contoso.com"],
    }));
    let objects = found["objects"].as_array().unwrap().iter();
    let changed: Vec<_> = objects
        .filter(|object| object["outcome"] == "mutated")
        .collect();
    assert!(!changed.is_empty());
    for object in changed {
        let (before, after) = (
            object["before"].as_str().unwrap(),
            object["after"].as_str().unwrap(),
        );
        assert!(!before.contains("AZURE_CLIENT_ID"), "{before}");
        assert!(after.contains("AZURE_CLIENT_ID"), "{after}");
    }
    assert_eq!(found["credentials"]["issuer"], playground::NO_ISSUER);
}

#[test]
fn a_wrong_issuer_takes_only_the_credentials_away() {
    let text = fs::read_to_string(root().join("examples/quick-start/workload.yaml")).unwrap();
    let settings = "azureTenantID: contoso.com";
    let of = |issuer: &str| {
        let files = json!([{"name": "a.yaml", "text": text}]);
        answer(&json!({"files": files, "settings": settings, "issuer": issuer}))
    };
    let (right, wrong) = (of(ISSUER), of("https://"));
    assert!(!right["credentials"].is_null());
    assert!(wrong["credentials"].is_null());
    for key in ["lines", "objects", "summary", "notes"] {
        assert_eq!(wrong[key], right[key], "{key}");
    }
    assert_eq!(
        wrong["errors"],
        json!([{
            "source": "settings",
            "message": "issuer: expected https://HOST or https://HOST/PATH, the --service-account-issuer of the API server, found \"https://\": no host",
        }])
    );
}

#[test]
fn says_where_something_is_wrong() {
    let pod = "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec: {containers: []}\n";
    let of = |text: &str, settings: &str| {
        answer(&json!({"files": [{"name": "a.yaml", "text": text}], "settings": settings}))
    };
    let tenant = "azureTenantID: contoso.com\n";
    let policy = "apiVersion: policies.kubewarden.io/v1\nkind: ClusterAdmissionPolicy\nmetadata: {name: a}\nspec:\n  modul: x\n";
    for (found, expected) in [
        (
            of(&format!("{pod}---\na: [\n"), tenant),
            json!(["manifests", "a.yaml", 7]),
        ),
        (
            of(&format!("{pod}---\n\na: b\n"), tenant),
            json!(["manifests", "a.yaml", 5]),
        ),
        (of("", tenant), json!(["manifests", "a.yaml", null])),
        (of(pod, "azureTenantID: [\n"), json!(["settings", null, 2])),
        (of(pod, "- a\n"), json!(["settings", null, null])),
        (of(pod, "azureTenant: a\n"), json!(["settings", null, null])),
        (of(pod, policy), json!(["settings", null, 5])),
        (
            of(pod, "kind: Pod\napiVersion: v1\n"),
            json!(["settings", null, null]),
        ),
        (of(pod, ""), json!(["settings", null, null])),
        (
            answer(&json!({"files": 1})),
            json!(["settings", null, null]),
        ),
        (
            answer(&json!({"files": [], "issuer": "http://a"})),
            json!(["settings", null, null]),
        ),
        (
            answer(&json!({"files": [], "asGroup": ["a"]})),
            json!(["settings", null, null]),
        ),
    ] {
        let errors = found["errors"].as_array().unwrap();
        assert_eq!(errors.len(), 1, "{found}");
        let error = &errors[0];
        let place = json!([error["source"], error["file"], error["line"]]);
        assert_eq!(place, expected, "{error}");
    }
}
