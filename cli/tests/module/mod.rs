//! The built module; a test that needs it fails if it is missing.

use std::env;
use std::sync::LazyLock;

use azwi_policy::kubewarden::engine::{Engine, Module};

/// The file of the built module, or the one that `POLICY_WASM` names.
pub fn file() -> String {
    let default = concat!(env!("CARGO_MANIFEST_DIR"), "/../policy.wasm");
    env::var("POLICY_WASM").unwrap_or_else(|_| default.to_owned())
}

/// The module, compiled.
#[allow(
    dead_code,
    reason = "not every crate that includes this runs it itself"
)]
pub static MODULE: LazyLock<Module> = LazyLock::new(|| {
    Module::from_file(&Engine::new().expect("an engine"), file().as_ref())
        .unwrap_or_else(|error| panic!("{error}; build the module with `make policy.wasm`"))
});
