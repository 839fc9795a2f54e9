//! How many objects met which outcome.

use super::failure::FailOn;
use super::{add, count};
use crate::commands::preview::{Kind, Preview, PreviewOutcome};

/// How many objects met which outcome.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Summary {
    objects: usize,
    mutated: usize,
    unchanged: usize,
    rejected: usize,
    warnings: usize,
    hints: usize,
    failures: usize,
}

impl Summary {
    /// Whether an object is rejected, or has a problem that counts as much.
    pub fn any_failed(&self) -> bool {
        self.failures > 0
    }

    /// Whether there is an object.
    pub fn has_any(&self) -> bool {
        self.objects > 0
    }

    /// Counts one more object.
    pub fn count(&mut self, preview: &Preview, fail_on: FailOn) {
        add(&mut self.objects, 1);
        match preview.outcome() {
            PreviewOutcome::Mutated => add(&mut self.mutated, 1),
            PreviewOutcome::Unchanged => add(&mut self.unchanged, 1),
            PreviewOutcome::Rejected { .. } => add(&mut self.rejected, 1),
        }
        add(&mut self.warnings, warnings(preview));
        add(&mut self.hints, preview.of_kind(Kind::Hint).count());
        add(&mut self.failures, usize::from(fail_on.fails(preview)));
    }

    /// The line at the end of a report.
    pub fn line(&self) -> String {
        let hints = match self.hints {
            0 => String::new(),
            hints => format!(", {}", count(hints, "hint")),
        };
        format!(
            "{}: {} mutated, {} unchanged, {} rejected; {}{hints}",
            count(self.objects, "object"),
            self.mutated,
            self.unchanged,
            self.rejected,
            count(self.warnings, "warning"),
        )
    }
}

/// How many warnings an object gets.
pub fn warnings(preview: &Preview) -> usize {
    // What mode monitor holds back is something to be warned about.
    let held_back = preview.of_kind(Kind::Monitor).count().min(1);
    let warnings = preview.of_kind(Kind::Warning).count();
    warnings.saturating_add(held_back)
}
