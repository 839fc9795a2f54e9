//! Previews as output: for people, and for programs.

pub mod cases;
pub(crate) mod colours;
mod columns;
mod complaint;
pub mod credentials;
pub mod diagnosis;
mod failure;
mod github;
pub mod inventory;
mod junit;
mod machine;
mod openreports;
#[cfg(test)]
mod samples;
mod sarif;
mod table;
mod text;

use std::io::{self, Write};

use crate::commands::preview::args::{Format, PreviewArgs};
use crate::commands::preview::{Kind, Preview, PreviewOutcome};
use failure::FailOn;
use junit::Junit;
use openreports::OpenReports;
use sarif::Sarif;
use table::Table;

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

    fn count(&mut self, preview: &Preview, fail_on: FailOn) {
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
    fn line(&self) -> String {
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
fn warnings(preview: &Preview) -> usize {
    // What mode monitor holds back is something to be warned about.
    let held_back = preview.of_kind(Kind::Monitor).count().min(1);
    let warnings = preview.of_kind(Kind::Warning).count();
    warnings.saturating_add(held_back)
}

/// What is written, with what is kept of it until the end.
enum Body {
    Text,
    Table(Table),
    Json,
    Yaml,
    Patch,
    GitHub,
    Junit(Junit),
    Sarif(Sarif),
    OpenReports(OpenReports),
}

impl Body {
    fn new(format: Format, fail_on: FailOn) -> Self {
        match format {
            Format::Text => Self::Text,
            Format::Table => Self::Table(Table::default()),
            Format::Json => Self::Json,
            Format::Yaml => Self::Yaml,
            Format::Patch => Self::Patch,
            Format::Github => Self::GitHub,
            Format::Junit => Self::Junit(Junit::new(fail_on)),
            Format::Sarif => Self::Sarif(Sarif::default()),
            Format::Openreports => Self::OpenReports(OpenReports::default()),
        }
    }
}

/// Writes previews as they come, or at the end if what is asked for is one document. There are colours in it; a writer
/// without colours must drop them.
pub struct Report<O: Write, P: Write> {
    /// Receives what was asked for.
    output: O,
    /// Receives rejections, warnings and hints if the output's format has no place for them.
    problems: P,
    body: Body,
    /// Whether to leave out what has no problems.
    quiet: bool,
    /// The columns of the terminal; `None` if the output is not a terminal.
    width: Option<usize>,
    fail_on: FailOn,
    summary: Summary,
}

impl<O: Write, P: Write> Report<O, P> {
    /// A report as `args` ask for it. `width` is the number of columns of the terminal, if the output is one.
    pub fn new(output: O, problems: P, args: &PreviewArgs, width: Option<usize>) -> Self {
        let fail_on = FailOn::new(args);
        Self {
            output,
            problems,
            body: Body::new(args.output, fail_on),
            quiet: args.quiet,
            width,
            fail_on,
            summary: Summary::default(),
        }
    }

    /// Adds one preview.
    ///
    /// # Errors
    ///
    /// What the output reports, and an object that is not representable in YAML.
    pub fn add(&mut self, preview: &Preview) -> io::Result<()> {
        self.summary.count(preview, self.fail_on);
        if self.quiet && preview.problems.is_empty() {
            return Ok(());
        }
        let output = &mut self.output;
        match &mut self.body {
            Body::Text => text::write(output, preview, self.quiet, self.width)?,
            Body::Table(table) => table.add(preview, warnings(preview)),
            Body::Json => machine::write_json(output, preview)?,
            Body::Yaml => {
                machine::write_problems(&mut self.problems, preview)?;
                machine::write_unshown(&mut self.problems, preview)?;
                machine::write_yaml(output, preview)?;
            }
            Body::Patch => {
                machine::write_problems(&mut self.problems, preview)?;
                machine::write_unshown(&mut self.problems, preview)?;
                machine::write_patch(output, preview)?;
            }
            Body::GitHub => github::write(output, preview)?,
            Body::Junit(junit) => junit.add(preview),
            Body::Sarif(sarif) => sarif.add(preview),
            Body::OpenReports(reports) => reports.write(output, preview)?,
        }
        Ok(())
    }

    /// Writes what comes at the end, with the `errors` that kept something from being read if the format has a place for
    /// them, and gives the summary back.
    ///
    /// # Errors
    ///
    /// What the output reports.
    pub fn finish(mut self, errors: &[String]) -> io::Result<Summary> {
        let output = &mut self.output;
        let has_line = match &self.body {
            Body::Text => true,
            Body::Table(table) => {
                table.write(output, self.width)?;
                true
            }
            Body::GitHub => {
                github::write_errors(output, errors)?;
                true
            }
            Body::Junit(junit) => {
                junit.write(output, errors)?;
                false
            }
            Body::Sarif(sarif) => {
                sarif.write(output, errors)?;
                false
            }
            Body::Json | Body::Yaml | Body::Patch | Body::OpenReports(_) => false,
        };
        if has_line && !self.quiet && self.summary.objects > 0 {
            writeln!(output, "{}", self.summary.line())?;
        }
        output.flush()?;
        Ok(self.summary)
    }
}

fn add(count: &mut usize, more: usize) {
    *count = count.saturating_add(more);
}

pub(crate) fn count(number: usize, noun: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{number} {noun}{plural}")
}
