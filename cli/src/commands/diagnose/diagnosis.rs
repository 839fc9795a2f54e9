//! What comes out.

use azure_workload_identity_policy::messages::Excerpt;

/// Something that was presented, or that there should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fact {
    /// What it is.
    pub label: &'static str,
    /// Its value.
    pub value: String,
    /// Where it comes from, if that is not plain.
    pub source: Option<String>,
}

impl Fact {
    /// A fact, whose value is cut if it is longer than any should be.
    pub fn new(label: &'static str, value: &str) -> Self {
        Self {
            label,
            value: Excerpt::new(value).text().into_owned(),
            source: None,
        }
    }

    /// The same, with where it comes from.
    pub fn from(self, source: impl Into<String>) -> Self {
        Self {
            source: Some(source.into()),
            ..self
        }
    }
}

/// Why it went wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cause {
    /// The name of this cause, the same each time.
    pub rule: &'static str,
    /// What it is.
    pub text: String,
}

/// What the evidence says: the cause and what to do, or what to look at next.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Judgement {
    /// The cause, if there is one.
    pub cause: Option<Cause>,
    /// What to do against it; without a cause, what to look at next.
    pub help: Vec<String>,
}

impl Judgement {
    /// A cause and what to do.
    pub fn cause(rule: &'static str, text: impl Into<String>, help: &[&str]) -> Self {
        Self {
            cause: Some(Cause {
                rule,
                text: text.into(),
            }),
            help: help.iter().map(|help| (*help).to_owned()).collect(),
        }
    }

    /// No cause; what to look at next.
    pub fn unknown(help: &[&str]) -> Self {
        Self {
            cause: None,
            help: help.iter().map(|help| (*help).to_owned()).collect(),
        }
    }

    /// The same, with one thing more to do.
    pub fn and(mut self, help: impl Into<String>) -> Self {
        self.help.push(help.into());
        self
    }
}

/// An error, and what is behind it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnosis {
    /// The error, by its code if it has one.
    pub error: String,
    /// What it means.
    pub meaning: String,
    /// What was presented.
    pub presented: Vec<Fact>,
    /// What there should be, as far as that is known.
    pub expected: Vec<Fact>,
    /// What is behind it.
    pub judgement: Judgement,
    /// The other errors in the text.
    pub others: Vec<String>,
}

/// The longest argument that a command is shown with, in bytes.
const LONGEST_ARGUMENT: usize = 600;

/// An argument of a command for a shell; `otherwise` if it cannot be one, or is longer than any should be.
pub fn quoted(argument: &str, otherwise: &str) -> String {
    let quoted = shlex::try_quote(argument).ok();
    let quoted = quoted.filter(|quoted| quoted.len() <= LONGEST_ARGUMENT);
    quoted.map_or_else(|| otherwise.to_owned(), Into::into)
}
