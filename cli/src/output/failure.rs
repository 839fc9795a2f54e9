//! What makes a preview fail: one rule for the exit status and for reports.

use crate::commands::preview::args::PreviewArgs;
use crate::commands::preview::{Kind, Preview, PreviewOutcome};

/// What counts as much as a rejection.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct FailOn {
    /// Warnings.
    pub warnings: bool,
    /// Hints.
    pub hints: bool,
}

impl FailOn {
    /// What `args` say.
    pub fn new(args: &PreviewArgs) -> Self {
        Self {
            warnings: args.fail_on_warning || args.fail_on_hint,
            hints: args.fail_on_hint,
        }
    }

    /// Whether problems of this kind count.
    pub fn counts(self, kind: Kind) -> bool {
        match kind {
            Kind::Rejection => true,
            Kind::Monitor | Kind::Warning => self.warnings,
            Kind::Hint => self.hints,
        }
    }

    /// Whether the object is rejected, or has a problem that counts.
    pub fn fails(self, preview: &Preview) -> bool {
        self.reason(preview).is_some()
    }

    /// The kind and the message of what makes an object fail, if something does.
    pub fn reason(self, preview: &Preview) -> Option<(Kind, &str)> {
        if let PreviewOutcome::Rejected { message, .. } = preview.outcome() {
            return Some((Kind::Rejection, message));
        }
        let mut problems = preview.problems.iter();
        let first = problems.find(|problem| self.counts(problem.kind))?;
        Some((first.kind, &first.text))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hints_bring_warnings_with_them_in_the_arguments_only() {
        let kinds = [Kind::Rejection, Kind::Monitor, Kind::Warning, Kind::Hint];
        let counting = |warnings, hints| {
            let fail_on = FailOn { warnings, hints };
            kinds.map(|kind| fail_on.counts(kind))
        };
        assert_eq!(counting(false, false), [true, false, false, false]);
        assert_eq!(counting(true, false), [true, true, true, false]);
        assert_eq!(counting(true, true), [true, true, true, true]);
    }
}
