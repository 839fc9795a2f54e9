//! A directory for the transcripts to run in.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use tempfile::TempDir;

use crate::root;

/// The tenant of the examples in the sandbox.
const TENANT: &str = "aaaabbbb-0000-cccc-1111-dddd2222eeee";

/// A policy that takes any settings and does `validate` on each request.
fn policy(validate: &str) -> Vec<u8> {
    policy_with(
        "(call $respond (i32.const 0) (i32.const 14)) (i32.const 1)",
        validate,
    )
}

/// A policy that does `validate_settings` on its settings and `validate` on each request.
fn policy_with(validate_settings: &str, validate: &str) -> Vec<u8> {
    let module = format!(
        r#"(module
            (import "wapc" "__guest_response" (func $respond (param i32 i32)))
            (memory (export "memory") 1)
            (data (i32.const 0) "{{\"valid\":true}}")
            (data (i32.const 100) "{{\"accepted\":true,\"warnings\":[\"w\"],\"audit_annotations\":{{\"a\":\"b\"}}}}")
            (data (i32.const 200) "{{\"accepted\":false}}")
            ;; The operations differ in length: validate 8, validate_settings 17.
            (func (export "__guest_call") (param $operation i32) (param i32) (result i32)
                (if (i32.eq (local.get $operation) (i32.const 17))
                    (then {validate_settings} (return)))
                {validate}))"#
    );
    wat::parse_str(module).unwrap()
}

/// Fails if the policy has not been built.
pub fn require_module() {
    let module = root().join("annotated-policy.wasm");
    assert!(
        module.exists(),
        "expected {}: build it with make annotated-policy.wasm",
        module.display()
    );
}

/// Copies the examples as a user does: with a tenant in place of `YOUR-TENANT-ID`.
fn copy_examples(from: &Path, to: &Path) {
    fs::create_dir(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let (path, to) = {
            let entry = entry.unwrap();
            (entry.path(), to.join(entry.file_name()))
        };
        if path.is_dir() {
            copy_examples(&path, &to);
        } else {
            let text = fs::read_to_string(&path).unwrap();
            fs::write(to, text.replace("YOUR-TENANT-ID", TENANT)).unwrap();
        }
    }
}

/// A directory with the policy, broken modules, and what `test_data/preview` holds.
pub fn create() -> TempDir {
    require_module();
    let directory = tempfile::tempdir().unwrap();
    let at = |name: &str| directory.path().join(name);
    let link = |target: &str, name: &str| {
        let target = fs::canonicalize(root().join(target)).unwrap();
        symlink(target, at(name)).unwrap();
    };
    link("annotated-policy.wasm", "annotated-policy.wasm");
    copy_examples(&root().join("examples"), &at("examples"));
    link("test_data/issuer", "issuer");
    link("test_data/migrate", "migrate");
    link("test_data/preview/manifests", "manifests");
    link("test_data/preview/broken", "broken");
    link("test_data/preview/entra", "entra");
    link("test_data/preview/findings", "findings");
    link("test_data/preview/other-kinds", "other-kinds");
    link("test_data/preview/pod-templates", "pod-templates");
    link("test_data/preview/policies", "policies");
    link("test_data/preview/reasons", "reasons");
    link("test_data/preview/repository", "repository");
    link("test_data/preview/requests", "requests");
    link("test_data/preview/review", "review");
    link("test_data/preview/settings.yaml", "settings.yaml");
    link("test_data/preview/yaml", "yaml");
    link("test_data/preview/whole-pod", "whole-pod");
    let modules = [
        ("text.wasm", b"hello".to_vec()),
        ("empty.wasm", wat::parse_str("(module)").unwrap()),
        ("endless.wasm", policy("(loop (br 0)) (i32.const 1)")),
        ("trap.wasm", policy("unreachable")),
        (
            "endless-settings.wasm",
            policy_with("(loop (br 0)) (i32.const 1)", "unreachable"),
        ),
        (
            "trap-settings.wasm",
            policy_with("unreachable", "unreachable"),
        ),
        (
            "warns.wasm",
            policy("(call $respond (i32.const 100) (i32.const 64)) (i32.const 1)"),
        ),
        (
            "silent.wasm",
            policy("(call $respond (i32.const 200) (i32.const 18)) (i32.const 1)"),
        ),
    ];
    for (name, module) in modules {
        fs::write(at(name), module).unwrap();
    }
    fs::create_dir(at("circle")).unwrap();
    symlink("../circle", at("circle/back")).unwrap();
    fs::create_dir(at("itself")).unwrap();
    symlink("a.yaml", at("itself/a.yaml")).unwrap();
    fs::create_dir(at("nothing")).unwrap();
    directory
}
