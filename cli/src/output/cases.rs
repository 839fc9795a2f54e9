//! Test cases as output.

use std::io::{self, Write};

use super::colours::{FAINT, GREEN, PLAIN, RED};
use super::text::Page;
use super::yaml;
use super::{add, count};
use crate::commands::test::{Failure, Tested};
use crate::text::printable;

/// How many cases ended how.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Score {
    passed: usize,
    failed: usize,
    errors: usize,
}

impl Score {
    /// Whether something was not as expected.
    pub fn any_failed(&self) -> bool {
        self.failed > 0
    }

    /// Whether a case could not be tested.
    pub fn any_errors(&self) -> bool {
        self.errors > 0
    }

    /// Writes one case.
    ///
    /// # Errors
    ///
    /// What the output reports.
    pub fn add(
        &mut self,
        output: &mut impl Write,
        width: Option<usize>,
        tested: &Tested,
    ) -> io::Result<()> {
        let title = printable(&tested.title);
        let failures = match &tested.result {
            Ok(failures) if failures.is_empty() => {
                add(&mut self.passed, 1);
                writeln!(output, "{title}: {GREEN}ok{GREEN:#}")?;
                failures
            }
            Ok(failures) => {
                add(&mut self.failed, 1);
                writeln!(output, "{title}: {RED}FAILED{RED:#}")?;
                failures
            }
            Err(_) => {
                add(&mut self.errors, 1);
                return writeln!(output, "{title}: {RED}error{RED:#}");
            }
        };
        let mut page = Page { output, width };
        for failure in failures {
            write_failure(&mut page, failure)?;
        }
        for note in &tested.notes {
            page.item("  ", FAINT, "note", Some(note))?;
        }
        Ok(())
    }

    /// Writes what comes at the end.
    ///
    /// # Errors
    ///
    /// What the output reports.
    pub fn finish(&self, output: &mut impl Write) -> io::Result<()> {
        let Self {
            passed,
            failed,
            errors,
        } = *self;
        let cases = passed.saturating_add(failed).saturating_add(errors);
        let errors = match errors {
            0 => String::new(),
            errors => format!(", {}", count(errors, "error")),
        };
        let cases = count(cases, "case");
        writeln!(output, "{cases}: {passed} ok, {failed} failed{errors}")?;
        output.flush()
    }
}

fn write_failure<W: Write>(page: &mut Page<'_, W>, failure: &Failure) -> io::Result<()> {
    let Failure {
        line,
        text,
        found,
        difference,
    } = failure;
    let colon = if found.is_empty() && difference.is_none() {
        ""
    } else {
        ":"
    };
    page.item(
        "  ",
        RED,
        &format!("line {line}"),
        Some(&format!("{text}{colon}")),
    )?;
    for text in found {
        page.item("    ", PLAIN, "", Some(text))?;
    }
    if let Some((expected, found)) = difference {
        page.diff(&yaml(expected)?, &yaml(found)?)?;
    }
    Ok(())
}
