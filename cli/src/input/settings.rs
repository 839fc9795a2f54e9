//! A policy's settings.

use std::path::Path;

use serde::Serialize;
use serde_json::{Map, Value};
use thiserror::Error;

use crate::input::manifests;

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
    /// The text is not valid in its format.
    #[error("{origin}: {error}")]
    Syntax {
        /// The file, or the flag.
        origin: String,
        /// What the parser says, with the place.
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
    /// The value of `--set` assigns nothing.
    #[error("--set: expected key=value, found {0:?}")]
    Assignment(String),
    /// The key of `--set` leads into a setting that is not an object.
    #[error("--set {key}: expected the setting {parent} to be an object, found {found}")]
    NoObject {
        /// The key, as it was given.
        key: String,
        /// The part of it that is not an object.
        parent: String,
        /// What stands there.
        found: &'static str,
    },
}

/// The settings of a policy: an object whose content only the policy itself can judge.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[serde(transparent)]
pub struct SettingsValue(Map<String, Value>);

impl SettingsValue {
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
            Ok(text) => Self::from_text(&file, &text),
        }
    }

    /// Reads the settings `text`, which is YAML or JSON. `origin` is the name of their place in errors.
    ///
    /// # Errors
    ///
    /// [`SettingsError::Syntax`] and [`SettingsError::Shape`].
    pub fn from_text(origin: &str, text: &str) -> Result<Self, SettingsError> {
        match yaml_serde::from_str(text) {
            Ok(value) => Self::from_value(origin, value),
            Err(error) => Err(SettingsError::Syntax {
                origin: origin.to_owned(),
                error: error.to_string(),
            }),
        }
    }

    /// The value of the setting `key`, if it is set.
    pub fn get(&self, key: &str) -> Option<&Value> {
        self.0.get(key).filter(|value| !value.is_null())
    }

    /// These settings with one more, or another value of it.
    #[must_use]
    pub fn with_value(mut self, key: &str, value: Value) -> Self {
        self.0.insert(key.to_owned(), value);
        self
    }

    /// These settings with one more, or another value of it: `key=value`, the value of the flag `--set`.
    ///
    /// Dots in the key lead into settings that are objects; the value is YAML.
    ///
    /// # Errors
    ///
    /// [`SettingsError::Assignment`], [`SettingsError::Syntax`], and [`SettingsError::NoObject`].
    pub fn with(mut self, assignment: &str) -> Result<Self, SettingsError> {
        let (key, value) = assignment
            .split_once('=')
            .filter(|(key, _)| key.split('.').all(|part| !part.is_empty()))
            .ok_or_else(|| SettingsError::Assignment(assignment.to_owned()))?;
        let value = yaml_serde::from_str(value).map_err(|error| SettingsError::Syntax {
            origin: format!("--set {key}"),
            error: error.to_string(),
        })?;
        let (parents, last) = match key.rsplit_once('.') {
            Some((parents, last)) => (Some(parents), last),
            None => (None, key),
        };
        let mut object = &mut self.0;
        for parent in parents.into_iter().flat_map(|parents| parents.split('.')) {
            let inner = object.entry(parent).or_insert(Value::Null);
            if inner.is_null() {
                *inner = Value::Object(Map::new());
            }
            let found = manifests::name_of_type(inner);
            object = inner
                .as_object_mut()
                .ok_or_else(|| SettingsError::NoObject {
                    key: key.to_owned(),
                    parent: parent.to_owned(),
                    found,
                })?;
        }
        object.insert(last.to_owned(), value);
        Ok(self)
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
            let settings = SettingsValue::from_json(text).unwrap();
            assert_eq!(
                serde_json::to_string(&settings).unwrap(),
                expected.to_string()
            );
        }
    }

    #[test]
    fn sets_single_settings() {
        let settings = SettingsValue::from_json(r#"{"a": 1, "proxy": {"image": "i"}}"#).unwrap();
        let settings = [
            "a=2",
            "proxy.logLevel=debug",
            "b.c.d=",
            "e=x=y",
            "f={g: [true]}",
        ]
        .iter()
        .try_fold(settings, |settings, assignment| settings.with(assignment))
        .unwrap();
        assert_eq!(
            serde_json::to_value(settings).unwrap(),
            json!({
                "a": 2, "proxy": {"image": "i", "logLevel": "debug"}, "b": {"c": {"d": null}}, "e": "x=y",
                "f": {"g": [true]},
            })
        );
    }

    #[test]
    fn refuses_assignments_that_set_nothing() {
        for (assignment, expected) in [
            ("a", "--set: expected key=value, found \"a\""),
            ("=a", "--set: expected key=value, found \"=a\""),
            ("a..b=c", "--set: expected key=value, found \"a..b=c\""),
            (
                "a.b=c",
                "--set a.b: expected the setting a to be an object, found a number",
            ),
            (
                "a=[",
                "--set a: did not find expected node content at line 2 column 1, while parsing a flow node",
            ),
        ] {
            let settings = SettingsValue::from_json(r#"{"a": 1}"#).unwrap();
            let error = settings.with(assignment).unwrap_err();
            assert_eq!(error.to_string(), expected);
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
            assert_eq!(
                SettingsValue::from_json(text).unwrap_err().to_string(),
                expected
            );
        }
    }
}
