//! This project's module, which release builds have inside.

use std::path::Path;

use crate::kubewarden::engine::{Engine, EngineError, Module};

/// The module; `None` if this build has none.
#[cfg(has_module)]
const BYTES: Option<&[u8]> = Some(include_bytes!(env!("MODULE")));
#[cfg(not(has_module))]
const BYTES: Option<&[u8]> = None;

/// The file that has it where it was built.
const FILE: &str = "annotated-policy.wasm";

/// That file beside the sources, for a build without it that runs elsewhere.
#[cfg(not(has_module))]
const BESIDE_THE_SOURCES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../annotated-policy.wasm");
#[cfg(has_module)]
const BESIDE_THE_SOURCES: &str = FILE;

/// The module in the file `path`; without one, this project's: the one inside, or the one in the current directory, or where
/// this program was built.
///
/// # Errors
///
/// As [`Module::from_file`].
pub fn module(engine: &Engine, path: Option<&Path>) -> Result<Module, EngineError> {
    match (path, BYTES) {
        (Some(path), _) => Module::from_file(engine, path),
        (None, Some(bytes)) => Module::from_bytes(engine, bytes),
        (None, None) => {
            let elsewhere = Path::new(BESIDE_THE_SOURCES);
            let is_elsewhere = !Path::new(FILE).exists() && elsewhere.exists();
            let path = if is_elsewhere {
                elsewhere
            } else {
                FILE.as_ref()
            };
            Module::from_file(engine, path)
        }
    }
}

/// The name of that module in messages.
pub fn name(path: Option<&Path>) -> String {
    match (path, BYTES) {
        (Some(path), _) => path.display().to_string(),
        (None, Some(_)) => "inside".to_owned(),
        (None, None) => FILE.to_owned(),
    }
}
