//! Puts the policy's module into release builds, so that the program works anywhere.

use std::env;
use std::path::Path;

fn main() {
    println!("cargo::rustc-check-cfg=cfg(has_module)");
    println!("cargo::rerun-if-changed=../annotated-policy.wasm");
    let is_release = env::var("PROFILE").is_ok_and(|profile| profile == "release");
    let root = env::var("CARGO_MANIFEST_DIR").unwrap_or_default();
    let module = Path::new(&root).join("../annotated-policy.wasm");
    if !is_release {
        return;
    }
    if module.exists() {
        println!("cargo::rustc-cfg=has_module");
        println!("cargo::rustc-env=MODULE={}", module.display());
    } else {
        println!(
            "cargo::warning=built without the policy's module: run make annotated-policy.wasm first to put it inside"
        );
    }
}
