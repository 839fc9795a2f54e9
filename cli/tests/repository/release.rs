//! The scripts of a release, as far as they need no program, and what the workflow and the documents say of them. The rest is in
//! release/release.bats.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use serde_json::{Value, json};

use super::ci::CHECKSUMS;
use super::{document, root, text};

const WORKFLOW: &str = ".github/workflows/release.yml";

/// A row of release/targets.
pub struct Row {
    target: String,
    pub archive: String,
    system: String,
    architecture: String,
}

/// What a release is built for.
pub fn rows() -> Vec<Row> {
    let table = text("release/targets");
    let rows = table.lines().filter(|line| !line.starts_with('#'));
    rows.map(|row| {
        let columns: Vec<_> = row.split_whitespace().map(str::to_owned).collect();
        let [target, archive, system, architecture] =
            columns.try_into().expect("a row of four columns");
        Row {
            target,
            archive,
            system,
            architecture,
        }
    })
    .collect()
}

/// Runs a script of the repository in `directory`.
fn run(directory: &Path, script: &str, arguments: &[&str]) -> Output {
    Command::new("bash")
        .arg(directory.join(script))
        .args(arguments)
        .output()
        .expect("bash")
}

#[track_caller]
fn assert_prints(output: &Output, expected: &str) {
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}");
    assert_eq!(String::from_utf8_lossy(&output.stdout), expected);
}

#[track_caller]
fn assert_fails(output: &Output, expected: &str) {
    assert_eq!(String::from_utf8_lossy(&output.stderr), expected);
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(String::from_utf8_lossy(&output.stdout), "");
}

#[test]
fn the_workflow_builds_for_every_target() {
    let workflow = document(WORKFLOW);
    let matrix = &workflow["jobs"]["program"]["strategy"]["matrix"]["include"];
    let matrix = matrix.as_array().expect("a list");
    let targets: Vec<_> = matrix.iter().map(|entry| &entry["target"]).collect();
    let rows = rows();
    assert_eq!(rows.len(), 5);
    let expected: Vec<_> = rows.iter().map(|row| json!(row.target)).collect();
    assert_eq!(targets, expected.iter().collect::<Vec<_>>());
}

/// The scripts of the directory `release` that a text names.
fn scripts(text: &str) -> BTreeSet<String> {
    let words = text.split(|c: char| c.is_whitespace() || "\"$(`;".contains(c));
    let scripts = words.filter(|word| word.starts_with("release/") && word.ends_with(".sh"));
    scripts.map(str::to_owned).collect()
}

#[test]
fn the_workflow_runs_every_script() {
    let makefile = text("Makefile");
    let run = scripts(&(text(WORKFLOW) + &makefile + &text("release/build.sh")));
    let all = super::files("release", ".sh").into_iter();
    let all: BTreeSet<_> = all.filter(|name| name != "release/common.sh").collect();
    assert_eq!(run, all);
}

#[test]
fn the_manifest_for_krew_names_what_the_workflow_uploads() {
    let directory = tempfile::tempdir().expect("a directory");
    let files = directory.path().to_str().expect("a path in UTF-8");
    for row in rows() {
        fs::write(directory.path().join(&row.archive), row.target).expect("written");
    }
    assert_prints(&run(&root(), "release/checksums.sh", &[files]), "");
    let checksums = fs::read_to_string(directory.path().join(CHECKSUMS)).expect("checksums");
    let checksums: BTreeMap<_, _> = checksums
        .lines()
        .map(|line| line.split_once("  ").expect("a checksum and a name"))
        .map(|(checksum, name)| (name, checksum))
        .collect();
    assert_eq!(checksums.len(), rows().len());

    let output = run(&root(), "release/krew.sh", &[files]);
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    let manifest: Value = yaml_serde::from_slice(&output.stdout).expect("YAML");
    // What Krew asks of a manifest: https://krew.sigs.k8s.io/docs/developer-guide/plugin-manifest/
    assert_eq!(
        manifest["apiVersion"],
        "krew.googlecontainertools.github.com/v1alpha2"
    );
    assert_eq!(manifest["kind"], "Plugin");
    assert_eq!(manifest["metadata"], json!({"name": "azwi-policy"}));
    let spec = manifest["spec"].as_object().expect("an object");
    let keys: Vec<_> = spec.keys().collect();
    assert_eq!(
        keys,
        [
            "version",
            "homepage",
            "shortDescription",
            "description",
            "platforms"
        ]
    );
    let version = concat!("v", env!("CARGO_PKG_VERSION"));
    let home = env!("CARGO_PKG_REPOSITORY");
    assert_eq!(spec["version"], version);
    assert_eq!(spec["homepage"], home);
    // The columns of `kubectl krew search` have room for this much.
    let short = spec["shortDescription"].as_str().expect("a text");
    assert!(short.len() <= 50 && !short.contains('\n'), "{short}");
    let platforms: Vec<_> = rows()
        .iter()
        .map(|row| {
            let extension = if row.system == "windows" { ".exe" } else { "" };
            json!({
                "selector": {"matchLabels": {"os": row.system, "arch": row.architecture}},
                "uri": format!("{home}/releases/download/{version}/{}", row.archive),
                "sha256": checksums[row.archive.as_str()],
                "bin": format!("azwi-policy{extension}"),
            })
        })
        .collect();
    assert_eq!(spec["platforms"], json!(platforms));
    // Where these addresses lead.
    assert!(text(WORKFLOW).contains(" dist/*\n"));

    // Files that are not those of the checksums are no release.
    let changed = &rows()[0].archive;
    fs::write(directory.path().join(changed), "changed").expect("written");
    let output = run(&root(), "release/krew.sh", &[files]);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(
        errors.ends_with(&format!(
            "error: {files}/{CHECKSUMS}: the files differ from it\n"
        )),
        "{errors}"
    );
    assert_eq!(output.status.code(), Some(1));
}

#[test]
fn a_release_without_checksums_has_no_manifest() {
    let directory = tempfile::tempdir().expect("a directory");
    let files = directory.path().to_str().expect("a path in UTF-8");
    assert_fails(
        &run(&root(), "release/krew.sh", &[files]),
        &format!(
            "error: expected {files}/{CHECKSUMS}, found none; help: release/checksums.sh {files}\n"
        ),
    );
    assert_fails(
        &run(&root(), "release/checksums.sh", &[files]),
        &format!("error: {files}: expected files, found none\n"),
    );
}

#[test]
fn the_notes_are_the_section_of_the_version() {
    let directory = tempfile::tempdir().expect("a directory");
    let directory = directory.path();
    fs::create_dir(directory.join("release")).expect("a directory");
    for file in ["Cargo.toml", "release/common.sh", "release/notes.sh"] {
        fs::copy(root().join(file), directory.join(file)).expect("copied");
    }
    let version = env!("CARGO_PKG_VERSION");
    let tag = format!("v{version}");
    let changelog = |text: &str| fs::write(directory.join("CHANGELOG.md"), text).expect("written");
    let notes = |tag: &str| run(directory, "release/notes.sh", &[tag]);
    let none = format!(
        "error: CHANGELOG.md: expected a section \"## [{version}]\" with text, found none\n"
    );

    changelog(&format!(
        "# Changelog\n\n## [Unreleased]\n\n- later\n\n## [{version}] - 2026-12-01\n\n### Added\n\n- this\n\n\
         ## [0.0.1] - 2026-01-01\n\n- before\n"
    ));
    assert_prints(&notes(&tag), "\n### Added\n\n- this\n");
    assert_fails(
        &notes("v9.9.9"),
        &format!(
            "error: expected the tag {tag}, which is the version in Cargo.toml, found v9.9.9\n"
        ),
    );
    changelog("# Changelog\n\n## [Unreleased]\n\n- later\n");
    assert_fails(&notes(&tag), &none);
    changelog(&format!("# Changelog\n\n## [{version}] - 2026-12-01\n\n"));
    assert_fails(&notes(&tag), &none);
}

#[test]
fn the_documents_have_the_files_and_the_compiler_of_the_release() {
    let toolchain = document(WORKFLOW)["env"]["RUSTUP_TOOLCHAIN"].clone();
    let toolchain = toolchain.as_str().expect("a text");
    let security = text("docs/security.md");
    let words: Vec<_> = security.split([' ', '\n']).collect();
    let installed = words.windows(3).find_map(|words| match words {
        ["toolchain", "install", version] => Some(*version),
        _ => None,
    });
    assert_eq!(installed, Some(toolchain));
    assert!(security.contains(&format!("RUSTUP_TOOLCHAIN={toolchain} make policy.wasm")));
    let page = text("docs/install.md");
    let version = env!("CARGO_PKG_VERSION");
    let image = format!("ghcr.io/azure-workload-identity-policy/azwi-policy:v{version}");
    for name in [CHECKSUMS, "azwi-policy-sbom.spdx.json", &image] {
        assert!(page.contains(name), "{name}");
    }
    // Nor another version.
    assert_eq!(
        page.matches("azwi-policy:v").count(),
        page.matches(&image).count()
    );
}

/// The texts in the list that follows `key = [` in a file.
fn list(file: &str, key: &str) -> BTreeSet<String> {
    let text = text(file);
    let (_, list) = text.split_once(&format!("\n{key} = [")).expect(key);
    let (list, _) = list.split_once(']').expect("the end of the list");
    list.split('"')
        .skip(1)
        .step_by(2)
        .map(str::to_owned)
        .collect()
}

#[test]
fn the_crates_of_each_target_are_checked_for_their_licences() {
    let released: BTreeSet<_> = rows().into_iter().map(|row| row.target).collect();
    assert!(list("deny.toml", "targets").is_superset(&released));
    assert_eq!(list("release/about.toml", "targets"), released);
}

#[test]
fn the_licences_that_are_allowed_are_given_out_with_the_program() {
    let allowed = list("deny.toml", "allow");
    assert!(allowed.contains("MIT"));
    assert_eq!(list("release/about.toml", "accepted"), allowed);
}
