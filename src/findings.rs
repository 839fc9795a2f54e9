//! What is wrong with a pod and its ServiceAccount, collected so that all of it is told at once.

use std::fmt;

use crate::message::{ObjectName, quote};
use crate::settings::OnMalformed;
use crate::values::Malformed;
use crate::verdict::Verdict;

/// Most reasons in one refusal; more are counted. Each annotation may hold thousands of faults.
const REASONS: usize = 20;

/// What was found wrong so far.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Findings {
    /// Reasons to refuse the request, in the order they were found.
    pub refusals: Vec<String>,
    /// What is legitimate but probably a mistake.
    pub warnings: Vec<String>,
    /// Whether something in here turns on what the ServiceAccount says, which may be some seconds old.
    pub blames_service_account: bool,
}

impl Findings {
    /// Adds a reason to refuse the request.
    pub fn refuse(&mut self, object: impl fmt::Display, reason: impl AsRef<str>) {
        self.refusals.push(format!("{object}: {}", reason.as_ref()));
    }

    /// Adds a warning.
    pub fn warn(&mut self, object: impl fmt::Display, text: impl AsRef<str>) {
        self.warnings.push(format!("{object}: {}", text.as_ref()));
    }

    /// Adds what was found wrong with the ServiceAccount.
    pub fn take_from_service_account(&mut self, other: Findings) {
        self.blames_service_account |= !other.refusals.is_empty() || !other.warnings.is_empty();
        self.refusals.extend(other.refusals);
        self.warnings.extend(other.warnings);
    }

    /// The verdict on an object that is left as it is or refused.
    pub fn into_verdict<'a>(self) -> Verdict<'a> {
        let mut verdict = if self.refusals.is_empty() {
            Verdict::unchanged()
        } else {
            Verdict::reject(message(&self.refusals))
        };
        verdict.warnings = self.warnings;
        verdict
    }

    /// Adds an annotation with a value that cannot be used.
    pub fn malformed(
        &mut self,
        severity: OnMalformed,
        object: &ObjectName,
        annotation: &str,
        value: &str,
        malformed: &Malformed,
    ) {
        let mut text = format!(
            "annotation {annotation}: expected {}, found {}",
            malformed.expected,
            quote(value)
        );
        if let Some(hint) = &malformed.hint {
            text.push_str("; ");
            text.push_str(hint);
        }
        match severity {
            OnMalformed::Reject => self.refuse(object.metadata(), text),
            OnMalformed::Warn => self.warn(object.metadata(), text),
        }
    }
}

fn message(refusals: &[String]) -> String {
    let (told, more) = refusals.split_at(refusals.len().min(REASONS));
    let mut message = told.join("; ");
    if !more.is_empty() {
        message.push_str(&format!("; {} more reasons are left out", more.len()));
    }
    message
}
