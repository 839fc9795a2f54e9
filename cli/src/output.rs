//! Previews as output: for people, and for programs.

#[cfg(feature = "native")]
pub mod cases;
#[cfg(feature = "native")]
pub(crate) mod colours;
#[cfg(feature = "native")]
mod columns;
mod complaint;
pub mod credentials;
#[cfg(feature = "native")]
pub mod diagnosis;
pub mod failure;
#[cfg(feature = "native")]
mod github;
#[cfg(feature = "native")]
pub mod inventory;
pub mod json;
#[cfg(feature = "native")]
mod junit;
#[cfg(feature = "native")]
mod machine;
#[cfg(feature = "native")]
mod openreports;
#[cfg(feature = "native")]
mod report;
#[cfg(test)]
mod samples;
#[cfg(feature = "native")]
mod sarif;
mod summary;
#[cfg(feature = "native")]
mod table;
#[cfg(feature = "native")]
mod text;

#[cfg(feature = "native")]
pub use report::Report;
pub use summary::Summary;

use std::io;

use serde_json::Value;

fn add(count: &mut usize, more: usize) {
    *count = count.saturating_add(more);
}

pub(crate) fn count(number: usize, noun: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{number} {noun}{plural}")
}

/// An object as a YAML document.
///
/// # Errors
///
/// An object that is not representable in YAML.
pub fn yaml(object: &Value) -> io::Result<String> {
    yaml_serde::to_string(object).map_err(io::Error::other)
}
