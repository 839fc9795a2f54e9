//! A policy's settings.

use std::path::Path;

use serde::Serialize;
use serde_json::{Map, Value};
use thiserror::Error;

use crate::manifests;

/// Settings that cannot be given to a policy at all.
#[derive(Debug, Error)]
pub enum SettingsError {
    /// The file cannot be read.
    #[error("cannot read the settings {file}: {error}")]
    Read {
        /// The file, as it was named.
        file: String,
        /// What the operating system says.
        error: std::io::Error,
    },
    /// The text is not of its format.
    #[error("{origin}: {error}")]
    Syntax {
        /// The file, or the flag.
        origin: String,
        /// What the parser says, and where.
        error: String,
    },
    /// The settings are something else than an object.
    #[error("{origin}: expected the settings to be an object or nothing, found {found}")]
    Shape {
        /// The file, or the flag.
        origin: String,
        /// What stands there.
        found: &'static str,
    },
}

/// The settings of a policy: an object whose content only the policy itself can judge.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[serde(transparent)]
pub struct Settings(Map<String, Value>);

impl Settings {
    /// The settings `value`; null is empty settings. `origin` is the name of their place in errors.
    ///
    /// # Errors
    ///
    /// [`SettingsError::Shape`] for a list or a scalar.
    pub fn from_value(origin: &str, mut value: Value) -> Result<Self, SettingsError> {
        // The order in which a PolicyServer hands them over.
        value.sort_all_objects();
        match value {
            Value::Null => Ok(Self::default()),
            Value::Object(settings) => Ok(Self(settings)),
            other => Err(SettingsError::Shape {
                origin: origin.to_owned(),
                found: manifests::name_of_type(&other),
            }),
        }
    }

    /// Reads the YAML or JSON file `path`.
    ///
    /// # Errors
    ///
    /// [`SettingsError`]; each names the file.
    pub fn from_file(path: &Path) -> Result<Self, SettingsError> {
        let file = path.display().to_string();
        match std::fs::read_to_string(path) {
            Err(error) => Err(SettingsError::Read { file, error }),
            Ok(text) => match yaml_serde::from_str(&text) {
                Ok(value) => Self::from_value(&file, value),
                Err(error) => Err(SettingsError::Syntax {
                    origin: file,
                    error: error.to_string(),
                }),
            },
        }
    }

    /// Reads `text`, the value of the flag `--settings-json`.
    ///
    /// # Errors
    ///
    /// [`SettingsError::Syntax`] and [`SettingsError::Shape`].
    pub fn from_json(text: &str) -> Result<Self, SettingsError> {
        let origin = "--settings-json";
        match serde_json::from_str(text) {
            Ok(value) => Self::from_value(origin, value),
            Err(error) => Err(SettingsError::Syntax {
                origin: origin.to_owned(),
                error: error.to_string(),
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn reads_objects_and_nothing() {
        for (text, expected) in [
            ("null", json!({})),
            ("{}", json!({})),
            (
                r#"{"b": {"d": 1, "c": 2}, "a": 3}"#,
                json!({"a": 3, "b": {"c": 2, "d": 1}}),
            ),
        ] {
            let settings = Settings::from_json(text).unwrap();
            assert_eq!(
                serde_json::to_string(&settings).unwrap(),
                expected.to_string()
            );
        }
    }

    #[test]
    fn refuses_other_shapes() {
        for (text, expected) in [
            (
                "[]",
                "--settings-json: expected the settings to be an object or nothing, found a list",
            ),
            (
                "1",
                "--settings-json: expected the settings to be an object or nothing, found a number",
            ),
            (
                "{",
                "--settings-json: EOF while parsing an object at line 1 column 1",
            ),
        ] {
            assert_eq!(Settings::from_json(text).unwrap_err().to_string(), expected);
        }
    }
}
