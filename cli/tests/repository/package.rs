//! What Cargo.toml, the module's metadata, the Artifact Hub package and the changelog say of the policy is the same.

use serde_json::{Value, json};

use super::{document, files, text};

fn annotation(metadata: &Value, name: &str) -> String {
    metadata["annotations"][name]
        .as_str()
        .unwrap_or_else(|| panic!("policy-metadata.yml: expected annotation {name}"))
        .to_owned()
}

/// The value of a key of the package in Cargo.toml.
pub fn of_cargo(key: &str) -> String {
    let manifest = text("Cargo.toml");
    let line = manifest
        .lines()
        .take_while(|line| *line != "[workspace]")
        .find_map(|line| line.strip_prefix(&format!("{key} = ")))
        .unwrap_or_else(|| panic!("Cargo.toml: expected {key}"));
    line.trim_matches('"').to_owned()
}

/// Text with single spaces between its words, however it is wrapped.
fn unwrapped(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn version_and_description_are_the_same_everywhere() {
    let metadata = document("policy-metadata.yml");
    let package = document("artifacthub-pkg.yml");
    let version = of_cargo("version");
    let url = annotation(&metadata, "io.kubewarden.policy.url");
    let oci = annotation(&metadata, "io.kubewarden.policy.ociUrl");
    assert_eq!(
        json!({
            "name": annotation(&metadata, "io.kubewarden.policy.title"),
            "version": annotation(&metadata, "io.kubewarden.policy.version"),
            "description": annotation(&metadata, "io.kubewarden.policy.description"),
            "license": annotation(&metadata, "io.kubewarden.policy.license"),
            "repository": annotation(&metadata, "io.kubewarden.policy.source"),
        }),
        json!({
            "name": of_cargo("name"),
            "version": version,
            "description": of_cargo("description"),
            "license": of_cargo("license"),
            "repository": of_cargo("repository"),
        })
    );
    let image = format!("{oci}:v{version}");
    let keywords: Vec<_> = annotation(&metadata, "io.artifacthub.keywords")
        .split(", ")
        .map(str::to_owned)
        .collect();
    let fields = [
        "name",
        "version",
        "displayName",
        "description",
        "license",
        "homeURL",
        "containersImages",
        "keywords",
    ];
    assert_eq!(
        Value::from_iter(fields.map(|field| (field, package[field].clone()))),
        json!({
            "name": of_cargo("name"),
            "version": version,
            "displayName": annotation(&metadata, "io.artifacthub.displayName"),
            "description": of_cargo("description"),
            "license": of_cargo("license"),
            "homeURL": url,
            "containersImages": [{"name": "policy", "image": image}],
            "keywords": keywords,
        })
    );
    assert_eq!(
        package["links"][0],
        json!({"name": "policy", "url": format!("{url}/releases/download/v{version}/policy.wasm")})
    );
    let author = annotation(&metadata, "io.kubewarden.policy.author");
    let maintainer = &package["maintainers"][0];
    assert_eq!(
        author,
        format!(
            "{} <{}>",
            maintainer["name"].as_str().expect("a name"),
            maintainer["email"].as_str().expect("an address")
        )
    );
    assert_eq!(
        document("artifacthub-repo.yml")["owners"],
        package["maintainers"]
    );
}

#[test]
fn no_file_names_another_tag_of_the_module() {
    let version = of_cargo("version");
    let module = "ghcr.io/azure-workload-identity-policy/azure-workload-identity-policy:";
    let mut faults = Vec::new();
    for file in ["", "examples"]
        .iter()
        .zip([".md", ".yaml"])
        .flat_map(|(directory, extension)| files(directory, extension))
        .chain(["artifacthub-pkg.yml".to_owned()])
    {
        let tags = text(&file)
            .split(module)
            .skip(1)
            .map(|after| {
                after
                    .split(|c: char| c.is_whitespace() || "\"'`)".contains(c))
                    .next()
            })
            .map(|tag| tag.unwrap_or_default().to_owned())
            .filter(|tag| *tag != format!("v{version}"))
            .collect::<Vec<_>>();
        faults.extend(tags.iter().map(|tag| format!("{file}: {tag}")));
    }
    assert_eq!(faults, Vec::<String>::new());
}

#[test]
fn the_package_has_the_rules_and_rights_of_the_module() {
    let metadata = document("policy-metadata.yml");
    let package = document("artifacthub-pkg.yml");
    let yaml = |name: &str| -> Value {
        let text = package["annotations"][name].as_str().expect("a text");
        yaml_serde::from_str(text).unwrap_or_else(|error| panic!("{name}: {error}"))
    };
    assert_eq!(yaml("kubewarden/rules"), metadata["rules"]);
    assert_eq!(
        yaml("kubewarden/contextAwareResources"),
        metadata["contextAwareResources"]
    );
    assert_eq!(
        package["annotations"]["kubewarden/mutation"],
        json!(metadata["mutating"].to_string())
    );
    assert_eq!(
        package["annotations"]["kubewarden/resources"],
        json!(annotation(&metadata, "io.artifacthub.resources"))
    );
    assert_eq!(
        yaml("kubewarden/questions-ui"),
        document("questions-ui.yml")
    );
}

#[test]
fn the_changes_are_of_kinds_that_artifact_hub_knows() {
    let package = document("artifacthub-pkg.yml");
    let changes = package["changes"].as_array().expect("a list");
    assert_ne!(changes.len(), 0);
    for change in changes {
        let kind = change["kind"].as_str().expect("a kind");
        assert!(
            [
                "added",
                "changed",
                "deprecated",
                "removed",
                "fixed",
                "security"
            ]
            .contains(&kind),
            "{kind}"
        );
        assert_ne!(change["description"].as_str().expect("a description"), "");
    }
}

#[test]
fn the_changelog_is_at_this_version_or_before_its_release() {
    let changelog = text("CHANGELOG.md");
    let headings: Vec<_> = changelog
        .lines()
        .filter_map(|line| line.strip_prefix("## ["))
        .map(|line| line.split(']').next().unwrap_or_default())
        .collect();
    let newest = headings.iter().find(|heading| **heading != "Unreleased");
    match newest {
        Some(newest) => assert_eq!(*newest, of_cargo("version")),
        None => {
            assert_eq!(headings, ["Unreleased"]);
            let (_, unreleased) = changelog.split_once("## [Unreleased]").expect("a section");
            assert!(
                unwrapped(unreleased).contains("- "),
                "nothing is unreleased"
            );
        }
    }
}

#[test]
fn the_program_names_the_repository_of_the_policy() {
    let line = format!("repository = \"{}\"", of_cargo("repository"));
    let manifest = text("cli/Cargo.toml");
    assert!(manifest.lines().any(|other| other == line), "{line}");
}
