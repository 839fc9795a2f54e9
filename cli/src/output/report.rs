//! A report of previews, in the format that is asked for.

use std::io::{self, Write};

use super::failure::FailOn;
use super::junit::Junit;
use super::openreports::OpenReports;
use super::sarif::Sarif;
use super::summary::{Summary, warnings};
use super::table::Table;
use super::{github, json, machine, text};
use crate::commands::preview::Preview;
use crate::commands::preview::args::{Format, PreviewArgs};

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
            Body::Json => json::write(output, preview)?,
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
        if has_line && !self.quiet && self.summary.has_any() {
            writeln!(output, "{}", self.summary.line())?;
        }
        output.flush()?;
        Ok(self.summary)
    }
}
