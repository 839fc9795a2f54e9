//! What is wrong with a value.

use std::borrow::Cow;
use std::fmt;

use crate::messages::Excerpt;

/// A value that is not what was expected.
///
/// It has the kind of the value that was found and never its content, which may be secret.
///
/// It is one pointer wide, so that results which are hardly ever one stay small.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault(Box<Parts>);

#[derive(Clone, Debug, PartialEq, Eq)]
struct Parts {
    path: String,
    expected: Cow<'static, str>,
    found: &'static str,
}

/// What is found where there is no value.
const NOTHING: &str = "nothing";

/// The length of the longest key that a path holds as it is.
const PLAIN_KEY: usize = 63;

impl Fault {
    /// A fault at the value itself, without a path yet.
    pub fn new(expected: impl Into<Cow<'static, str>>, found: &'static str) -> Self {
        Self(Box::new(Parts {
            path: String::new(),
            expected: expected.into(),
            found,
        }))
    }

    /// A fault where there is no value.
    pub fn missing(expected: &'static str) -> Self {
        Self::new(expected, NOTHING)
    }

    /// The same fault as seen from the object that holds the value as its field `key`.
    #[must_use]
    #[cold]
    pub fn in_field(mut self, key: &str) -> Self {
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
        let step = if key.len() <= PLAIN_KEY && key.bytes().all(is_plain) {
            key.to_owned()
        } else {
            format!("[{:.100}]", Excerpt::new(key))
        };
        self.prepend(step);
        self
    }

    /// The same fault as seen from the list that holds the value as its item `index`.
    #[must_use]
    #[cold]
    pub fn in_item(mut self, index: usize) -> Self {
        self.prepend(format!("[{index}]"));
        self
    }

    /// The same fault as seen from the object that holds the value at a path of plain keys.
    #[must_use]
    pub fn in_path(mut self, path: &str) -> Self {
        if !path.is_empty() {
            self.prepend(path.to_owned());
        }
        self
    }

    /// The path of the value, as in `metadata.labels["a/b"]`.
    pub fn path(&self) -> &str {
        &self.0.path
    }

    /// Whether there is no value where one was expected.
    pub fn is_missing(&self) -> bool {
        matches!(self.0.found, NOTHING | "null")
    }

    /// The kind of the value that was found.
    pub fn found(&self) -> &'static str {
        self.0.found
    }

    /// Whether a string was expected and a number or boolean was found, so that quotes are all it lacks.
    pub fn lacks_quotes(&self) -> bool {
        self.0.expected == "a string" && matches!(self.0.found, "a number" | "a boolean")
    }

    fn prepend(&mut self, mut step: String) {
        if !self.0.path.is_empty() && !self.0.path.starts_with('[') {
            step.push('.');
        }
        step.push_str(&self.0.path);
        self.0.path = step;
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.0.path.is_empty() {
            write!(f, "{}: ", self.0.path)?;
        }
        write!(f, "expected {}, found {}", self.0.expected, self.0.found)
    }
}
