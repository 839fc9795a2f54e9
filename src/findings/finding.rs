//! One finding and its text.

use std::fmt;

use super::{About, Problem};

/// Something that is wrong with a request or with the settings.
///
/// Its `Display` is the whole message: what it is about, what is wrong, and what to do. The formatter's precision says how
/// many characters of each name are shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// What it is about.
    pub about: About,
    /// What is done about it.
    pub severity: Severity,
    /// What is wrong.
    pub problem: Problem,
}

/// What is done about a finding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Severity {
    /// The request is rejected.
    Reject,
    /// The user is warned.
    Warn,
}

/// The limits on names that are tried until a text fits.
const NAME_LENGTHS: [usize; 6] = [253, 60, 40, 24, 12, 6];

impl Finding {
    /// What it is about and what is wrong, without what to do.
    pub fn reason(&self) -> impl fmt::Display {
        fmt::from_fn(|f| self.problem.write_reason(&self.about, names(f), f))
    }

    /// What to do about it, if the reason does not say; `names` is how many characters of each name are shown.
    pub fn help(&self, names: usize) -> Option<String> {
        self.problem.help(names)
    }

    /// Whether the other says the same of the same thing, a pod template and the pod made of it being the same.
    pub fn repeats(&self, other: &Self) -> bool {
        self.problem.is_same(&other.problem) && self.about.is_same(&other.about)
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.problem.write_reason(&self.about, names(f), f)?;
        match self.help(names(f)) {
            Some(help) => write!(f, "; help: {help}"),
            None => Ok(()),
        }
    }
}

/// How many characters of each name are shown.
fn names(f: &fmt::Formatter<'_>) -> usize {
    f.precision().unwrap_or(NAME_LENGTHS[0])
}

/// The text in at most `bytes`, names shortened as far as that takes.
pub fn fitted(text: &dyn fmt::Display, bytes: usize) -> String {
    let mut fitted = String::new();
    for names in NAME_LENGTHS {
        fitted = format!("{text:.names$}");
        if fitted.len() <= bytes {
            return fitted;
        }
    }
    fitted.truncate(fitted.floor_char_boundary(bytes.saturating_sub(3)));
    fitted.push_str("...");
    fitted
}
