//! Puts the policy's module into release builds, so that the program works anywhere.

use std::env;
use std::path::Path;

fn main() {
    println!("cargo::rustc-check-cfg=cfg(has_module)");
    println!("cargo::rerun-if-changed=../annotated-policy.wasm");
    let is_release = env::var("PROFILE").is_ok_and(|profile| profile == "release");
    // What a browser gets has its module beside it.
    let is_program = env::var("CARGO_FEATURE_NATIVE").is_ok();
    if !is_release || !is_program {
        return;
    }
    let root = env::var("CARGO_MANIFEST_DIR").unwrap_or_default();
    let module = Path::new(&root).join("../annotated-policy.wasm");
    if module.exists() {
        println!("cargo::rustc-cfg=has_module");
        println!("cargo::rustc-env=MODULE={}", module.display());
    } else {
        println!(
            "cargo::error=expected the policy's module in annotated-policy.wasm, found none; help: make annotated-policy.wasm, or make install"
        );
    }
}
