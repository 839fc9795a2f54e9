//! The GitHub action, the hooks for pre-commit and docs/ci.md are right about the program and its releases.

use std::collections::BTreeSet;
use std::fs;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use azwi_policy::command_line::Cli;
use clap::CommandFactory;
use serde_json::Value;

use super::{document, release, text};

const PAGE: &str = "docs/ci.md";

/// The file with the checksums of a release.
pub const CHECKSUMS: &str = "azwi-policy-checksums.txt";

/// The steps of the action.
fn steps() -> Vec<Value> {
    let action = document("action.yml");
    assert_eq!(action["runs"]["using"], "composite");
    action["runs"]["steps"].as_array().expect("steps").clone()
}

/// The script of a step of the action.
fn script(name: &str) -> String {
    let step = steps().into_iter().find(|step| step["name"] == name);
    let step = step.unwrap_or_else(|| panic!("action.yml: expected step {name}"));
    assert_eq!(step["shell"], "bash");
    step["run"].as_str().expect("a script").to_owned()
}

/// The blocks of code in a page, by language.
fn blocks(page: &str, language: &str) -> Vec<String> {
    let parts = page.split("```").skip(1).step_by(2);
    let blocks = parts.filter_map(|block| block.strip_prefix(language)?.strip_prefix('\n'));
    blocks.map(str::to_owned).collect()
}

/// Asserts that the program knows a subcommand and the flags among words.
#[track_caller]
fn assert_known(place: &str, subcommand: &str, words: impl IntoIterator<Item = String>) {
    let program = Cli::command();
    let command = program
        .find_subcommand(subcommand)
        .unwrap_or_else(|| panic!("{place}: there is no azwi-policy {subcommand}"));
    let mut flags = BTreeSet::new();
    for argument in command.get_arguments().chain(program.get_arguments()) {
        flags.extend(argument.get_long().map(|long| format!("--{long}")));
        flags.extend(argument.get_short().map(|short| format!("-{short}")));
    }
    for word in words {
        let flag = word.split('=').next().expect("a word");
        if flag.starts_with('-') && flag != "-" {
            assert!(
                flags.contains(flag),
                "{place}: azwi-policy {subcommand} has no {flag}"
            );
        }
    }
}

/// The commands in a text that run the program, each as its words.
fn commands(text: &str) -> Vec<Vec<String>> {
    let text = text.replace("\\\n", " ");
    let mut commands = Vec::new();
    for line in text.lines() {
        let words: Vec<_> = line.split_whitespace().collect();
        for (index, word) in words.iter().enumerate() {
            if *word == "azwi-policy" {
                let rest = words[index + 1..].iter();
                let ends = ["|", ">", "&&", ";"];
                let command = rest.take_while(|word| !ends.contains(word));
                commands.push(command.map(|word| (*word).to_owned()).collect());
            }
        }
    }
    commands
}

#[track_caller]
fn words(value: &Value) -> Vec<String> {
    match value {
        Value::Null => Vec::new(),
        Value::String(text) => text.split_whitespace().map(str::to_owned).collect(),
        Value::Array(items) => items.iter().flat_map(words).collect(),
        other => panic!("expected words, found {other}"),
    }
}

#[test]
fn the_page_gives_the_program_flags_that_it_has() {
    let page = text(PAGE);
    let mut subcommands = BTreeSet::new();
    let code = blocks(&page, "yaml").into_iter().chain(blocks(&page, "sh"));
    for command in code.flat_map(|code| commands(&code)) {
        let [subcommand, arguments @ ..] = command.as_slice() else {
            continue;
        };
        // What is not the program but its file or job.
        if subcommand.starts_with(['#', '$', '/']) {
            continue;
        }
        assert_known(PAGE, subcommand, arguments.iter().cloned());
        subcommands.insert(subcommand.clone());
    }
    let subcommands: Vec<_> = subcommands.into_iter().collect();
    assert_eq!(subcommands, ["preview", "test"]);
}

/// The steps in `value` that use something.
fn uses(value: &Value) -> Vec<&Value> {
    match value {
        Value::Object(fields) if fields.contains_key("uses") => vec![value],
        Value::Object(fields) => fields.values().flat_map(uses).collect(),
        Value::Array(items) => items.iter().flat_map(uses).collect(),
        _ => Vec::new(),
    }
}

#[test]
fn the_page_uses_the_action_as_it_is() {
    const REPOSITORY: &str = "azure-workload-identity-policy/azure-workload-identity-policy";
    let action = document("action.yml");
    let version = action["inputs"]["version"]["default"].clone();
    assert_eq!(version, format!("v{}", env!("CARGO_PKG_VERSION")));
    let page = text(PAGE);
    let mut used = 0;
    for block in blocks(&page, "yaml") {
        let block: Value = yaml_serde::from_str(&block).expect("YAML");
        for step in uses(&block) {
            let Some((repository, tag)) = step["uses"].as_str().expect("a text").split_once('@')
            else {
                continue;
            };
            if repository != REPOSITORY {
                continue;
            }
            used += 1;
            assert_eq!(version, tag);
            let inputs = step["with"].as_object().expect("inputs");
            for input in inputs.keys() {
                assert!(action["inputs"][input].is_object(), "{input}");
            }
            assert_known(PAGE, "preview", words(&step["with"]["args"]));
        }
        for hooks in block["repos"].as_array().into_iter().flatten() {
            assert_eq!(version, hooks["rev"]);
            assert!(
                hooks["repo"]
                    .as_str()
                    .expect("a text")
                    .ends_with(REPOSITORY)
            );
        }
        for key in ["VERSION", "version"] {
            let variables = [&block["azwi-policy"]["variables"], &block["variables"]];
            for variables in variables {
                assert!(variables[key].is_null() || variables[key] == version);
            }
        }
    }
    assert_eq!(used, 2);
    let table: BTreeSet<_> = page
        .lines()
        .filter_map(|line| line.strip_prefix("| `")?.split_once("` | "))
        .map(|(name, _)| name)
        .filter(|name| !name.starts_with("azwi-policy"))
        .collect();
    let inputs = action["inputs"].as_object().expect("inputs");
    assert_eq!(table, inputs.keys().map(String::as_str).collect());
}

#[test]
fn the_hooks_run_the_program_on_everything() {
    let hooks = document(".pre-commit-hooks.yaml");
    let hooks = hooks.as_array().expect("hooks");
    let page = text(PAGE);
    let mut documented = Vec::new();
    for block in blocks(&page, "yaml") {
        let block: Value = yaml_serde::from_str(&block).expect("YAML");
        for repository in block["repos"].as_array().into_iter().flatten() {
            documented.extend(repository["hooks"].as_array().expect("hooks").clone());
        }
    }
    let ids =
        |hooks: &[Value]| -> Vec<Value> { hooks.iter().map(|hook| hook["id"].clone()).collect() };
    assert_eq!(ids(hooks), ids(&documented));
    for (hook, documented) in hooks.iter().zip(documented) {
        let id = hook["id"].as_str().expect("an ID");
        let entry = words(&hook["entry"]);
        assert_eq!(entry[0], "azwi-policy", "{id}");
        let arguments = [words(&hook["args"]), words(&documented["args"])].concat();
        let arguments = entry[2..].iter().cloned().chain(arguments);
        assert_known(id, &entry[1], arguments);
        assert_eq!(hook["language"], "system", "{id}");
        assert_eq!(hook["pass_filenames"], false, "{id}");
    }
}

#[test]
fn the_action_gives_the_program_flags_that_it_has() {
    let script = script("Preview");
    let flags = script
        .split(|c: char| c.is_whitespace() || "()\"".contains(c))
        .filter(|word| word.starts_with("--"))
        .map(str::to_owned);
    let flags: Vec<_> = flags.collect();
    assert_eq!(
        flags,
        ["--output", "--settings-path", "--policy", "--filename"]
    );
    assert_known("action.yml", "preview", flags);
}

#[test]
fn the_scripts_of_the_action_are_shell() {
    for step in steps() {
        let script = step["run"].as_str().expect("a script");
        // An expression in a script would be code that whoever gives the input writes.
        assert!(!script.contains("${{"), "{script}");
        let mut bash = Command::new("bash")
            .args(["-n", "-"])
            .stdin(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("bash");
        let mut input = bash.stdin.take().expect("its input");
        input.write_all(script.as_bytes()).expect("written");
        drop(input);
        let output = bash.wait_with_output().expect("its end");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success() && said.is_empty(), "{said}");
    }
}

/// The names of archives in a text.
fn named(text: &str) -> BTreeSet<String> {
    let is_part = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    let words = text.split(|c| !is_part(c));
    let words = words.map(|word| word.trim_end_matches('.').to_owned());
    words
        .filter(|word| {
            let systems = ["linux-", "macos-", "windows-"];
            let rest = word.strip_prefix("azwi-policy-");
            rest.is_some_and(|rest| systems.iter().any(|system| rest.starts_with(system)))
        })
        .collect()
}

#[test]
fn the_names_of_the_archives_are_those_of_the_release() {
    let released: BTreeSet<_> = release::rows().into_iter().map(|row| row.archive).collect();
    assert_eq!(named(&script("Install azwi-policy")), released);
    assert_eq!(named(&text("docs/install.md")), released);
    let page = named(&text(PAGE));
    assert!(!page.is_empty() && page.is_subset(&released), "{page:?}");
    let workflow = text(".github/workflows/release.yml");
    for text in [&workflow, &script("Install azwi-policy"), &text(PAGE)] {
        assert!(text.contains(CHECKSUMS));
    }
}

/// Writes a program.
pub fn program(path: &Path, script: &str) {
    fs::write(path, script).expect("written");
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).expect("executable");
}

/// Runs a script of the action in `directory`, whose `bin` is first on PATH.
fn run(script: &str, directory: &Path, variables: &[(&str, &str)]) -> Output {
    let path = format!(
        "{}:{}",
        directory.join("bin").display(),
        std::env::var("PATH").expect("PATH")
    );
    Command::new("bash")
        .args(["-c", script])
        .current_dir(directory)
        .env("PATH", path)
        .env("RUNNER_TEMP", directory)
        .env("GITHUB_PATH", directory.join("path"))
        .envs(variables.iter().copied())
        .output()
        .expect("bash")
}

#[test]
fn the_action_installs_what_has_the_right_checksum() {
    let script = script("Install azwi-policy");
    let right = "ee6b9ecde26ef8be2a93ca9b3a0ddb0f6f0ff7af0a9d52b1c4b8a5f3f7e4a4d3";
    for (case, version, os, arch, expected) in [
        (
            "right",
            "v1.2.3",
            "Linux",
            "X64",
            "azwi-policy-linux-x86_64.tar.gz: OK\n",
        ),
        (
            "right",
            "v1.2.3",
            "macOS",
            "ARM64",
            "azwi-policy-macos-aarch64.tar.gz: OK\n",
        ),
        (
            "right",
            "v1.2.3",
            "Windows",
            "X64",
            "azwi-policy-windows-x86_64.zip: OK\n",
        ),
        (
            "wrong",
            "v1.2.3",
            "Linux",
            "X64",
            "azwi-policy-linux-x86_64.tar.gz: FAILED\n",
        ),
        (
            "missing",
            "v1.2.3",
            "Linux",
            "ARM64",
            "::error::expected a checksum of azwi-policy-linux-aarch64.tar.gz in azwi-policy-checksums.txt of v1.2.3, found none\n",
        ),
        ("unreachable", "v1.2.3", "Linux", "X64", ""),
        (
            "right",
            "latest",
            "Linux",
            "X64",
            "::error::version: expected a release such as v0.1.0, found \"latest\"\n",
        ),
        (
            "right",
            "v1.2.3",
            "Linux",
            "ARM",
            "::error::there is no azwi-policy for Linux on ARM; help: use a runner with Linux, macOS or Windows\n",
        ),
    ] {
        let directory = tempfile::tempdir().expect("a directory");
        let directory = directory.path();
        let bin = directory.join("bin");
        fs::create_dir(&bin).expect("a directory");
        // The last argument is the address, the one after --output the file.
        let curl = format!(
            r#"#!/usr/bin/env bash
            while [ $# -gt 1 ]; do
              if [ "$1" = --output ]; then file=$2; fi
              shift
            done
            echo "$1" >> "$RUNNER_TEMP/asked"
            if [ "$CASE" = unreachable ]; then exit 22; fi
            case $file in
              {CHECKSUMS})
                cd "$RUNNER_TEMP/azwi-policy-$VERSION"
                case $CASE in
                  right) sha256sum azwi-policy-[lmw]* > {CHECKSUMS} ;;
                  wrong) echo "{right}  azwi-policy-linux-x86_64.tar.gz" > {CHECKSUMS} ;;
                  missing) echo "{right}  azwi-policy-linux-x86_64.tar.gz" > {CHECKSUMS} ;;
                esac ;;
              *.zip) echo azwi-policy.exe > "$file" ;;
              *) touch "$RUNNER_TEMP/azwi-policy" && tar -czf "$file" -C "$RUNNER_TEMP" azwi-policy ;;
            esac"#
        );
        program(&bin.join("curl"), &curl);
        // An archive of which only the name of what is in it matters.
        program(
            &bin.join("unzip"),
            "#!/bin/sh\n[ \"$1 $2\" = '-q -o' ] && touch \"$(cat \"$3\")\"\n",
        );
        let variables = [
            ("CASE", case),
            ("VERSION", version),
            ("RUNNER_OS", os),
            ("RUNNER_ARCH", arch),
        ];
        let output = run(&script, directory, &variables);
        let printed = String::from_utf8_lossy(&output.stdout);
        assert_eq!(printed, expected, "{case} {version} {os} {arch}");
        let is_good = expected.ends_with(": OK\n");
        assert_eq!(
            output.status.success(),
            is_good,
            "{case} {version} {os} {arch}"
        );
        let installed = directory.join("azwi-policy-v1.2.3");
        let name = if os == "Windows" {
            "azwi-policy.exe"
        } else {
            "azwi-policy"
        };
        assert_eq!(installed.join(name).exists(), is_good);
        let path = fs::read_to_string(directory.join("path")).unwrap_or_default();
        let expected_path = if is_good {
            format!("{}\n", installed.display())
        } else {
            String::new()
        };
        assert_eq!(path, expected_path);
        if is_good {
            let asked = fs::read_to_string(directory.join("asked")).expect("addresses");
            let base = "https://github.com/azure-workload-identity-policy/azure-workload-identity-policy/releases/download/v1.2.3";
            let asset = expected.trim_end_matches(": OK\n");
            assert_eq!(asked, format!("{base}/{asset}\n{base}/{CHECKSUMS}\n"));
        }
    }
}

#[test]
fn the_action_hands_its_inputs_to_the_program() {
    let script = script("Preview");
    let directory = tempfile::tempdir().expect("a directory");
    let directory = directory.path();
    fs::create_dir(directory.join("bin")).expect("a directory");
    program(
        &directory.join("bin/azwi-policy"),
        "#!/bin/sh\nprintf '[%s]' \"$@\"\nexit 1\n",
    );
    for ([paths, policy, settings, args], expected) in [
        (
            [".", "", "", ""],
            "[preview][--output][github][--filename][.]",
        ),
        (
            [
                "my manifests\ncharts/$(echo)\n",
                "a b.yaml\nc.yaml",
                "",
                "--quiet  --ignore\n*.md",
            ],
            "[preview][--output][github][--policy][a b.yaml][--policy][c.yaml][--quiet][--ignore][*.md]\
             [--filename][my manifests][--filename][charts/$(echo)]",
        ),
        (
            ["a", "", "my settings.yaml", "-v"],
            "[preview][--output][github][--settings-path][my settings.yaml][-v][--filename][a]",
        ),
    ] {
        let variables = [
            ("PATHS", paths),
            ("POLICY", policy),
            ("SETTINGS", settings),
            ("OUTPUT", "github"),
            ("ARGS", args),
        ];
        let output = run(&script, directory, &variables);
        assert_eq!(String::from_utf8_lossy(&output.stdout), expected);
        assert_eq!(output.status.code(), Some(1));
    }
}
