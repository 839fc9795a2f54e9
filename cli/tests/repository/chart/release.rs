//! The release of the chart, with stand-ins for helm and cosign.

use std::fs;
use std::process::{Command, Output};

use super::of_cargo;
use crate::ci::program;
use crate::{document, root};

const DIGEST: &str = "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

/// What the script does for this version, and the calls that it makes.
fn release(version: &str, said_by_push: &str) -> (Output, String) {
    let place = tempfile::tempdir().expect("a directory");
    let calls = place.path().join("calls");
    // Passwords come on the standard input and stay out of the arguments.
    let stand_in = r#"#!/usr/bin/env bash
echo "$(basename "$0") $*" | sed "s#$TMPDIR/[^/ ]*#DIRECTORY#" >> "$CALLS"
case $* in
  *login*) echo "password: $(cat)" >> "$CALLS" ;;
  push*) echo "$SAID" >&2 ;;
esac
"#;
    for name in ["helm", "cosign"] {
        program(&place.path().join(name), stand_in);
    }
    let path = std::env::var("PATH").expect("PATH");
    let output = Command::new("bash")
        .arg(root().join("release/chart.sh"))
        .args([version, "ghcr.io/contoso/charts"])
        .env("PATH", format!("{}:{path}", place.path().display()))
        .env("TMPDIR", place.path())
        .env("CALLS", &calls)
        .env("SAID", said_by_push)
        .env("REGISTRY_USER", "jane")
        .env("REGISTRY_PASSWORD", "secret")
        .output()
        .expect("bash");
    let calls = fs::read_to_string(calls).unwrap_or_default();
    (output, calls)
}

#[test]
fn the_chart_is_packaged_pushed_and_signed_by_its_digest() {
    let version = of_cargo("version");
    let said = format!(
        "Pushed: ghcr.io/contoso/charts/azure-workload-identity-policy:{version}\nDigest: {DIGEST}"
    );
    let (output, calls) = release(&version, &said);
    let chart = "ghcr.io/contoso/charts/azure-workload-identity-policy";
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{complaint}");
    assert_eq!(
        calls,
        format!(
            "helm package charts/azure-workload-identity-policy --destination DIRECTORY\n\
             helm registry login ghcr.io --username jane --password-stdin\npassword: secret\n\
             cosign login ghcr.io --username jane --password-stdin\npassword: secret\n\
             helm push DIRECTORY/azure-workload-identity-policy-{version}.tgz oci://ghcr.io/contoso/charts\n\
             cosign sign --yes --new-bundle-format=false --use-signing-config=false {chart}@{DIGEST}\n\
             cosign sign --yes --new-bundle-format=true --use-signing-config=true {chart}@{DIGEST}\n"
        )
    );
}

#[test]
fn a_chart_of_another_version_is_not_released() {
    let (output, calls) = release("9.9.9", "");
    assert!(!output.status.success());
    assert_eq!(
        String::from_utf8_lossy(&output.stderr),
        format!(
            "error: charts/azure-workload-identity-policy/Chart.yaml: version: expected 9.9.9, found {}\n",
            of_cargo("version")
        )
    );
    assert_eq!(calls, "");
}

#[test]
fn nothing_is_signed_without_a_digest() {
    let (output, calls) = release(&of_cargo("version"), "Pushed");
    assert!(!output.status.success());
    assert_eq!(
        String::from_utf8_lossy(&output.stderr),
        "error: expected helm push to say the digest of the chart\n"
    );
    assert!(!calls.contains("cosign sign"), "{calls}");
}

#[test]
fn the_workflow_releases_the_chart_where_documents_look_for_it() {
    let workflow = document(".github/workflows/release.yml");
    let steps = workflow["jobs"]["chart"]["steps"]
        .as_array()
        .expect("steps");
    let script = steps.last().expect("a step")["run"].as_str();
    assert_eq!(
        script,
        Some(r#"release/chart.sh "$VERSION" "ghcr.io/$GITHUB_REPOSITORY_OWNER/charts""#)
    );
}
