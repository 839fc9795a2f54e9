//! Previews as output: for people, and for programs.

mod machine;
mod text;

use std::io::{self, Write};

use crate::preview::{Outcome, Preview, args::Format};

/// How many objects met which outcome.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Summary {
    mutated: usize,
    unchanged: usize,
    refused: usize,
    warnings: usize,
}

impl Summary {
    /// Whether the policy has refused an object.
    pub fn any_refused(&self) -> bool {
        self.refused > 0
    }

    /// Whether the policy has warned of an object.
    pub fn any_warned(&self) -> bool {
        self.warnings > 0
    }

    fn count(&mut self, preview: &Preview) {
        match preview.outcome() {
            Outcome::Mutated => self.mutated += 1,
            Outcome::Unchanged => self.unchanged += 1,
            Outcome::Refused { .. } => self.refused += 1,
        }
        self.warnings += preview.warnings().len();
    }

    /// The line at the end of a report.
    fn line(&self) -> String {
        format!(
            "{}: {} mutated, {} unchanged, {} refused; {}",
            count(self.mutated + self.unchanged + self.refused, "object"),
            self.mutated,
            self.unchanged,
            self.refused,
            count(self.warnings, "warning"),
        )
    }
}

/// Writes previews as they come, with colours; a writer that takes none must drop them.
pub struct Report<O: Write, P: Write> {
    /// Receives what was asked for.
    pub output: O,
    /// Receives refusals and warnings where the output's format has no place for them.
    pub problems: P,
    /// What was asked for.
    pub format: Format,
    /// Whether to leave out what has no problems.
    pub quiet: bool,
    /// The columns of the terminal; none where the output is no terminal.
    pub width: Option<usize>,
    /// What has been written so far.
    pub summary: Summary,
}

impl<O: Write, P: Write> Report<O, P> {
    /// Writes one preview.
    ///
    /// # Errors
    ///
    /// What the output reports, and an object that is not representable in YAML.
    pub fn add(&mut self, preview: &Preview) -> io::Result<()> {
        self.summary.count(preview);
        let refused = matches!(preview.outcome(), Outcome::Refused { .. });
        if self.quiet && !refused && preview.warnings().is_empty() {
            return Ok(());
        }
        match self.format {
            Format::Text => text::write(&mut self.output, preview, self.quiet, self.width),
            Format::Json => machine::write_json(&mut self.output, preview),
            Format::Yaml => {
                machine::write_problems(&mut self.problems, preview)?;
                machine::write_yaml(&mut self.output, preview)
            }
            Format::Patch => {
                machine::write_problems(&mut self.problems, preview)?;
                machine::write_patch(&mut self.output, preview)
            }
        }
    }

    /// Writes what stands at the end, and gives the summary back.
    ///
    /// # Errors
    ///
    /// What the output reports.
    pub fn finish(mut self) -> io::Result<Summary> {
        if self.format == Format::Text && !self.quiet {
            writeln!(self.output, "{}", self.summary.line())?;
        }
        self.output.flush()?;
        Ok(self.summary)
    }
}

fn count(number: usize, noun: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{number} {noun}{plural}")
}

/// `text` with control characters spelt out, so that it cannot steer a terminal; line breaks stay.
fn printable(text: &str) -> String {
    let mut printable = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            control if control.is_control() && control != '\n' => {
                printable.extend(control.escape_default());
            }
            other => printable.push(other),
        }
    }
    printable
}
