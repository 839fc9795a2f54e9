//! The program itself: arguments in; output, errors and exit status out.

#![allow(
    clippy::arithmetic_side_effects,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::string_slice,
    clippy::unreachable,
    clippy::unwrap_used,
    reason = "a test fails by panicking"
)]

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::{Value, json};
use tempfile::TempDir;

const METADATA: &str = r#"
rules:
- {apiGroups: [""], apiVersions: [v1], resources: [pods], operations: [CREATE]}
mutating: true
executionMode: kubewarden-wapc
contextAwareResources: [{apiVersion: v1, kind: ServiceAccount}]
hostCapabilities: [kubernetes/get_resource]
"#;

const ACCOUNT: &str =
    "apiVersion: v1\nkind: ServiceAccount\nmetadata: {name: app, namespace: web}\n";

const POD: &str = "kind: Pod\napiVersion: v1\nmetadata: {name: p}\n";

const SESSION: &str = r#"
- request: |
    !KubernetesGetResource
    {api_version: v1, kind: ServiceAccount, name: app, namespace: web, disable_cache: false}
  response: {type: Success, payload: '{}'}
- request: |
    !KubernetesGetResource
    {api_version: v1, kind: ServiceAccount, name: left, namespace: web, disable_cache: false}
  response: {type: Error, message: left}
"#;

/// Standard output, standard error and exit status.
#[derive(Debug, PartialEq)]
struct Outcome {
    output: String,
    errors: String,
    status: Option<i32>,
}

impl Outcome {
    fn new(output: &str, errors: &str, status: i32) -> Self {
        Self {
            output: output.to_owned(),
            errors: errors.to_owned(),
            status: Some(status),
        }
    }
}

/// Runs the program in `directory`.
fn run(directory: &Path, arguments: &[&str], input: &str) -> Outcome {
    let mut child = Command::new(env!("CARGO_BIN_EXE_azwi-policy"))
        .args(arguments)
        .current_dir(directory)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // A program that does not read its input closes it, which is not a failure here.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    let output = child.wait_with_output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Outcome {
        output: text(output.stdout),
        errors: text(output.stderr),
        status: output.status.code(),
    }
}

/// A directory with `policy.wasm`, its annotated twin, and what the tests name.
fn directory() -> TempDir {
    let directory = tempfile::tempdir().unwrap();
    let write =
        |file: &str, content: &[u8]| fs::write(directory.path().join(file), content).unwrap();
    write(
        "policy.wasm",
        &wat::parse_str(include_str!("modules/answers.wat")).unwrap(),
    );
    write("metadata.yml", METADATA.as_bytes());
    write("usage.md", b"Use it");
    write("account.yaml", ACCOUNT.as_bytes());
    write("pod.yaml", POD.as_bytes());
    write("session.yml", SESSION.as_bytes());
    write("request.json", request().to_string().as_bytes());
    let annotate = [
        "annotate",
        "-m",
        "metadata.yml",
        "-u",
        "usage.md",
        "-o",
        "annotated-policy.wasm",
        "policy.wasm",
    ];
    assert_eq!(
        run(directory.path(), &annotate, ""),
        Outcome::new("", "", 0)
    );
    directory
}

fn request() -> Value {
    json!({
        "uid": "1",
        "kind": {"group": "", "version": "v1", "kind": "Pod"},
        "resource": {"group": "", "version": "v1", "resource": "pods"},
        "operation": "CREATE",
        "namespace": "web",
        "userInfo": {"username": "u"},
        "object": {"kind": "Pod"},
    })
}

const ALLOWED: &str = concat!(
    r#"{"uid":"1","allowed":true,"patchType":"JSONPatch","#,
    r#""patch":"W3sib3AiOiJhZGQiLCJwYXRoIjoiL2FkZGVkIiwidmFsdWUiOjF9XQ==","#,
    r#""auditAnnotations":null,"warnings":["w"]}"#,
    "\n"
);

/// The response of a policy that fails with `error`.
fn failed(error: &str) -> String {
    format!(
        "{{\"uid\":\"1\",\"allowed\":false,\"status\":{{\"message\":\"internal server error: \
         Guest call failure: {error}\",\"code\":500}},\"auditAnnotations\":null,\"warnings\":null}}\n"
    )
}

#[test]
fn annotate_adds_the_metadata() {
    let directory = directory();
    let plain = fs::read(directory.path().join("policy.wasm")).unwrap();
    let annotated = fs::read(directory.path().join("annotated-policy.wasm")).unwrap();
    assert_eq!(annotated[..plain.len()], plain);
    let section =
        azwi_policy::kubewarden::sections::custom_section(&annotated, "io.kubewarden.metadata")
            .unwrap()
            .unwrap();
    assert_eq!(
        serde_json::from_slice::<Value>(section).unwrap(),
        json!({
            "protocolVersion": "v1",
            "rules": [{"apiGroups": [""], "apiVersions": ["v1"], "resources": ["pods"], "operations": ["CREATE"]}],
            "annotations": {
                "io.kubewarden.kwctl": env!("CARGO_PKG_VERSION"),
                "io.kubewarden.policy.usage": "Use it",
            },
            "mutating": true,
            "backgroundAudit": true,
            "executionMode": "kubewarden-wapc",
            "policyType": "kubernetes",
            "contextAwareResources": [{"apiVersion": "v1", "kind": "ServiceAccount"}],
            "hostCapabilities": ["kubernetes/get_resource"],
        })
    );
}

#[test]
fn annotate_warns_and_refuses() {
    let directory = directory();
    let annotate = |metadata: &str, module: &str| {
        fs::write(directory.path().join("other.yml"), metadata).unwrap();
        run(
            directory.path(),
            &["annotate", "-m", "other.yml", "-o", "out.wasm", module],
            "",
        )
    };
    assert_eq!(
        annotate(&METADATA.replace("get_resource", "can_i"), "policy.wasm"),
        Outcome::new(
            "",
            "warning: used by the module and not listed in hostCapabilities: kubernetes/get_resource\n\
             warning: listed in hostCapabilities and not found in the module: kubernetes/can_i\n",
            0
        )
    );
    fs::write(
        directory.path().join("empty.wasm"),
        wat::parse_str("(module)").unwrap(),
    )
    .unwrap();
    for (metadata, module, expected) in [
        (
            "rules: []",
            "policy.wasm",
            "error: other.yml: missing field `mutating`\n",
        ),
        (
            &METADATA.replace("[CREATE]", "[]"),
            "policy.wasm",
            "error: other.yml: rules[0].operations: expected at least one, found none\n",
        ),
        (
            METADATA,
            "none.wasm",
            "error: cannot read the module none.wasm: No such file or directory (os error 2)\n",
        ),
        (
            METADATA,
            "empty.wasm",
            "error: empty.wasm: cannot ask the module for its protocol version: cannot build Wapc host: \
             Initialization failed: Guest call function (__guest_call) not exported by wasm module.\n",
        ),
    ] {
        assert_eq!(annotate(metadata, module), Outcome::new("", expected, 1));
    }
}

#[test]
fn run_replays_a_session() {
    let directory = directory();
    let replay = "--replay-host-capabilities-interactions=session.yml";
    let left = "warning: exchanges of the session that have not been replayed: 1\n";
    let arguments = [
        "run",
        "-r",
        "request.json",
        "--allow-context-aware",
        replay,
        "annotated-policy.wasm",
    ];
    assert_eq!(
        run(directory.path(), &arguments, ""),
        Outcome::new(ALLOWED, left, 0)
    );
    let arguments = [
        "run",
        "-r",
        "-",
        "--allow-context-aware",
        replay,
        "annotated-policy.wasm",
    ];
    let review = json!({"kind": "AdmissionReview", "request": request()}).to_string();
    assert_eq!(
        run(directory.path(), &arguments, &review),
        Outcome::new(ALLOWED, left, 0)
    );
}

#[test]
fn run_grants_what_it_is_told_to() {
    let directory = directory();
    let not_granted = failed(
        "Policy has not been granted access to Kubernetes v1/ServiceAccount resources. \
         The violation has been reported.",
    );
    let wants = "warning: the policy wants to read v1/ServiceAccount, which only --allow-context-aware grants\n";
    for (arguments, expected) in [
        (
            &["annotated-policy.wasm"][..],
            Outcome::new(&not_granted, wants, 0),
        ),
        (
            &["policy.wasm", "--allow-context-aware"],
            Outcome::new(&not_granted, "", 0),
        ),
        (
            &["annotated-policy.wasm", "--allow-context-aware"],
            Outcome::new(
                &failed("Callback evaluation failure: kube::Client was not initialized properly"),
                "",
                0,
            ),
        ),
        (
            &[
                "annotated-policy.wasm",
                "--allow-context-aware",
                "--allowed-host-capabilities",
                "oci/*",
            ],
            Outcome::new(
                &failed(
                    "Policy has not been granted access to the 'kubernetes/get_resource' host capability. \
                     The violation has been reported.",
                ),
                "",
                0,
            ),
        ),
        (
            &[
                "annotated-policy.wasm",
                "--allowed-host-capabilities",
                "other",
            ],
            Outcome::new(
                "",
                "error: --allowed-host-capabilities: expected a host capability such as \
                 'kubernetes/get_resource', 'oci/*' or '*', found 'other'\n",
                1,
            ),
        ),
    ] {
        let arguments = [&["run", "-r", "request.json"], arguments].concat();
        assert_eq!(
            run(directory.path(), &arguments, ""),
            expected,
            "{arguments:?}"
        );
    }
}

#[test]
fn run_takes_a_policy_manifest() {
    let directory = directory();
    let module = directory.path().join("annotated-policy.wasm");
    let manifest = |spec: &str| {
        format!(
            "apiVersion: policies.kubewarden.io/v1\nkind: ClusterAdmissionPolicy\nmetadata: {{name: p}}\n\
             spec: {{module: 'file://{}', {spec}}}\n",
            module.display()
        )
    };
    let aware = "contextAwareResources: [{apiVersion: v1, kind: ServiceAccount}]";
    let rejected = "{\"uid\":\"1\",\"allowed\":false,\"status\":{\"message\":\"Request rejected by policy p. \
                    The policy attempted to mutate the request, but it is currently configured to not allow \
                    mutations.\"},\"auditAnnotations\":null,\"warnings\":[\"w\"]}\n";
    let policies = [
        format!("mutating: true, {aware}"),
        format!("mutating: false, {aware}"),
    ]
    .map(|spec| manifest(&spec));
    fs::write(
        directory.path().join("policies.yaml"),
        policies.join("---\n"),
    )
    .unwrap();
    let replay = "--replay-host-capabilities-interactions=session.yml";
    let left = "warning: exchanges of the session that have not been replayed: 1\n";
    assert_eq!(
        run(
            directory.path(),
            &["run", "-r", "request.json", replay, "policies.yaml"],
            ""
        ),
        Outcome::new(&format!("{ALLOWED}{rejected}"), &left.repeat(2), 0)
    );
    assert_eq!(
        run(
            directory.path(),
            &["run", "-r", "request.json", "account.yaml"],
            ""
        ),
        Outcome::new(
            "",
            "error: account.yaml, document 1: expected a ClusterAdmissionPolicy or AdmissionPolicy \
             of policies.kubewarden.io/v1, found v1 ServiceAccount\n",
            1
        )
    );
}

#[test]
fn run_names_what_it_cannot_read() {
    let directory = directory();
    for (arguments, expected) in [
        (
            &["-r", "none.json", "policy.wasm"][..],
            "error: cannot read the request none.json: No such file or directory (os error 2)\n",
        ),
        (
            &["-r", "pod.yaml", "policy.wasm"],
            "error: pod.yaml: expected an AdmissionRequest in JSON: expected value at line 1 column 1\n",
        ),
        (
            &["-r", "-", "policy.wasm"],
            "error: standard input: expected an AdmissionRequest: missing field `uid`\n",
        ),
        (
            &["-r", "request.json", "--settings-json", "[]", "policy.wasm"],
            "error: --settings-json: expected the settings to be an object or nothing, found a list\n",
        ),
        (
            &["-r", "request.json", "-s", "none.yml", "policy.wasm"],
            "error: cannot read the settings none.yml: No such file or directory (os error 2)\n",
        ),
        (
            &["-r", "request.json", "none.wasm"],
            "error: cannot read the module none.wasm: No such file or directory (os error 2)\n",
        ),
        (
            &[
                "-r",
                "request.json",
                "--replay-host-capabilities-interactions",
                "none.yml",
                "policy.wasm",
            ],
            "error: cannot read the session none.yml: No such file or directory (os error 2)\n",
        ),
    ] {
        let arguments = [&["run"], arguments].concat();
        assert_eq!(
            run(directory.path(), &arguments, "{}"),
            Outcome::new("", expected, 1),
            "{arguments:?}"
        );
    }
}

#[cfg(unix)]
#[test]
fn the_usage_has_the_name_that_was_typed() {
    let directory = tempfile::tempdir().unwrap();
    for (file, name) in [
        ("azwi-policy", "azwi-policy"),
        ("kubectl-azwi_policy", "kubectl azwi-policy"),
    ] {
        let link = directory.path().join(file);
        std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_azwi-policy"), &link).unwrap();
        let said = |arguments: &[&str]| {
            let output = Command::new(&link).args(arguments).output().unwrap();
            String::from_utf8([output.stdout, output.stderr].concat()).unwrap()
        };
        let usage = format!("Usage: {name} test [OPTIONS] <PATH>...\n");
        let help = said(&["test", "--help"]);
        assert!(help.contains(&usage), "{help}");
        let refused = said(&["test", "--none"]);
        assert!(refused.contains(&usage), "{refused}");
        assert_eq!(
            said(&["--version"]),
            concat!("azwi-policy ", env!("CARGO_PKG_VERSION"), "\n")
        );
    }
}
