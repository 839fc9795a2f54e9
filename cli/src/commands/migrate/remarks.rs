//! What is said beside the result of a migration.

use std::fmt;

/// Why the settings of a Deployment become nothing.
pub const OF_SERVER: &str = "not needed: PolicyServer has its own";

/// Why those of logs do.
pub const OF_LOG: &str = "not needed: the policy logs through PolicyServer";

/// Why those of metrics do.
pub const OF_METRICS: &str = "not needed: PolicyServer has metrics of all policies";

/// Why those of a webhook configuration do.
pub const OF_WEBHOOK: &str = "not needed: Kubewarden makes the webhook configuration";

/// What became of each part of the input.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct MigrationRemarks {
    /// What is good to know.
    pub notes: Vec<String>,
    /// What somebody has to look at.
    pub warnings: Vec<String>,
    /// Parts of the same whole that have the same reason to become nothing.
    unneeded: Vec<Unneeded>,
}

#[derive(Debug, PartialEq, Eq)]
struct Unneeded {
    whole: String,
    reason: String,
    parts: Vec<String>,
}

impl MigrationRemarks {
    /// Says what became of `place`.
    pub fn note(&mut self, place: &Place<'_>, text: &str) {
        self.notes.push(format!("{place}: {text}"));
    }

    /// Says what is to be done about `place`.
    pub fn warn(&mut self, place: &Place<'_>, text: &str) {
        self.warnings.push(format!("{place}: {text}"));
    }

    /// Says why `place` becomes nothing, together with what has the same reason.
    pub fn leave(&mut self, place: &Place<'_>, reason: &str) {
        let part = place.part.to_owned();
        let mut all = self.unneeded.iter_mut();
        match all.find(|other| other.whole == place.whole && other.reason == reason) {
            Some(found) => found.parts.push(part),
            None => self.unneeded.push(Unneeded {
                whole: place.whole.to_owned(),
                reason: reason.to_owned(),
                parts: vec![part],
            }),
        }
    }

    /// Says what becomes nothing, at the end of the notes.
    pub fn finish(&mut self) {
        for Unneeded {
            whole,
            reason,
            parts,
        } in self.unneeded.drain(..)
        {
            let parts = parts.join(", ");
            self.notes.push(format!("{whole}: {parts}: {reason}"));
        }
    }
}

/// A part of the input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place<'p> {
    /// What it is in.
    pub whole: &'p str,
    /// Its name there; empty if it is the whole.
    pub part: &'p str,
}

impl<'p> Place<'p> {
    /// A part of something.
    pub fn new(whole: &'p str, part: &'p str) -> Self {
        Self { whole, part }
    }

    /// Something as a whole.
    pub fn whole(whole: &'p str) -> Self {
        Self { whole, part: "" }
    }
}

impl fmt::Display for Place<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.part {
            "" => f.write_str(self.whole),
            part => write!(f, "{}: {part}", self.whole),
        }
    }
}
