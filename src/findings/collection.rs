//! All findings of a request.

use super::{About, Finding, Problem, Severity};

/// The maximum number of reasons in a rejection; the rest are counted.
pub const REASONS: usize = 20;

/// The maximum number of warnings in an answer; the rest are counted.
pub const WARNINGS: usize = 10;

/// All that was found, in the order it was found, as far as an answer has room for it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Findings {
    list: Vec<Finding>,
    reasons: usize,
    warnings: usize,
}

impl Findings {
    /// Adds a reason to reject the request.
    pub fn reject(&mut self, about: &About, problem: Problem) {
        self.add(about, Severity::Reject, problem);
    }

    /// Adds a warning.
    pub fn warn(&mut self, about: &About, problem: Problem) {
        self.add(about, Severity::Warn, problem);
    }

    /// Adds a finding.
    #[cold]
    pub fn add(&mut self, about: &About, severity: Severity, problem: Problem) {
        if self.has_room_for(severity) {
            self.list.push(Finding {
                about: about.clone(),
                severity,
                problem,
            });
        }
        let count = self.count_of(severity);
        *count = count.saturating_add(1);
    }

    /// Adds a finding; it is made only if an answer has room for it.
    pub fn add_with(
        &mut self,
        about: &About,
        severity: Severity,
        problem: impl FnOnce() -> Problem,
    ) {
        if self.has_room_for(severity) {
            self.add(about, severity, problem());
        } else {
            let count = self.count_of(severity);
            *count = count.saturating_add(1);
        }
    }

    /// Adds all findings of another collection.
    #[cold]
    pub fn append(&mut self, other: Self) {
        let reasons = self.reasons.saturating_add(other.reasons);
        let warnings = self.warnings.saturating_add(other.warnings);
        for finding in other.list {
            if self.has_room_for(finding.severity) {
                let count = self.count_of(finding.severity);
                *count = count.saturating_add(1);
                self.list.push(finding);
            }
        }
        self.reasons = reasons;
        self.warnings = warnings;
    }

    /// Adds the findings of another collection that are not in this one, by their words.
    #[cold]
    pub fn append_new(&mut self, mut other: Self) {
        let known: Vec<_> = self.list.iter().map(ToString::to_string).collect();
        for finding in std::mem::take(&mut other.list) {
            if known.contains(&finding.to_string()) {
                let count = other.count_of(finding.severity);
                *count = count.saturating_sub(1);
            } else {
                other.list.push(finding);
            }
        }
        self.append(other);
    }

    /// Whether one more finding would be shown. A hint takes time, and nobody would read it after so many findings.
    pub fn has_room_for(&self, severity: Severity) -> bool {
        match severity {
            Severity::Reject => self.reasons < REASONS,
            Severity::Warn => self.warnings < WARNINGS,
        }
    }

    fn count_of(&mut self, severity: Severity) -> &mut usize {
        match severity {
            Severity::Reject => &mut self.reasons,
            Severity::Warn => &mut self.warnings,
        }
    }

    /// Whether nothing was found.
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// Whether the request is to be rejected.
    pub fn reject_request(&self) -> bool {
        self.reasons > 0
    }

    /// The findings that an answer has room for.
    pub fn shown(&self) -> &[Finding] {
        &self.list
    }

    /// The findings of this severity that an answer has room for, and how many there are in all.
    pub fn of(&self, severity: Severity) -> (impl Iterator<Item = &Finding>, usize) {
        let count = match severity {
            Severity::Reject => self.reasons,
            Severity::Warn => self.warnings,
        };
        let list = self.list.iter();
        (
            list.filter(move |finding| finding.severity == severity),
            count,
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbered(numbers: std::ops::Range<u16>, severity: Severity) -> Findings {
        let mut findings = Findings::default();
        for port in numbers {
            findings.add(&About::Request, severity, Problem::PortTaken { port });
        }
        findings
    }

    #[test]
    fn what_is_there_already_comes_once() {
        let mut findings = numbered(0..3, Severity::Warn);
        findings.append_new(numbered(1..5, Severity::Warn));
        findings.append_new(numbered(2..30, Severity::Warn));
        let (shown, count) = findings.of(Severity::Warn);
        let expected = numbered(0..WARNINGS as u16, Severity::Warn);
        assert_eq!((count, shown.count()), (30, WARNINGS));
        assert_eq!(findings.shown(), expected.shown());
    }

    #[test]
    fn what_an_answer_has_no_room_for_is_counted() {
        for (severity, most) in [(Severity::Reject, REASONS), (Severity::Warn, WARNINGS)] {
            let mut findings = numbered(0..8, severity);
            assert!(findings.has_room_for(Severity::Warn));
            findings.append(numbered(8..100, severity));
            let (shown, count) = findings.of(severity);
            assert_eq!((shown.count(), count), (most, 100));
            assert_eq!(findings.reject_request(), severity == Severity::Reject);
            assert_eq!(
                findings.has_room_for(Severity::Warn),
                severity == Severity::Reject
            );
        }
    }
}
