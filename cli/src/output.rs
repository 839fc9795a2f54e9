//! Previews as output: for people, and for programs.

pub(crate) mod colours;
mod machine;
mod text;

use std::io::{self, Write};

use crate::commands::preview::args::Format;
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
}

impl Summary {
    /// Whether the policy has rejected an object.
    pub fn any_rejected(&self) -> bool {
        self.rejected > 0
    }

    /// Whether the policy has warned of an object.
    pub fn any_warned(&self) -> bool {
        self.warnings > 0
    }

    /// Whether there is a hint.
    pub fn any_hinted(&self) -> bool {
        self.hints > 0
    }

    fn count(&mut self, preview: &Preview) {
        add(&mut self.objects, 1);
        match preview.outcome() {
            PreviewOutcome::Mutated => add(&mut self.mutated, 1),
            PreviewOutcome::Unchanged => add(&mut self.unchanged, 1),
            PreviewOutcome::Rejected { .. } => add(&mut self.rejected, 1),
        }
        // What mode monitor holds back is something to be warned about.
        let held_back = preview.of_kind(Kind::Monitor).count().min(1);
        add(&mut self.warnings, preview.of_kind(Kind::Warning).count());
        add(&mut self.warnings, held_back);
        add(&mut self.hints, preview.of_kind(Kind::Hint).count());
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

/// Writes previews as they come, with colours; a writer without colours must drop them.
pub struct Report<O: Write, P: Write> {
    /// Receives what was asked for.
    pub output: O,
    /// Receives rejections, warnings and hints if the output's format has no place for them.
    pub problems: P,
    /// What was asked for.
    pub format: Format,
    /// Whether to leave out what has no problems.
    pub quiet: bool,
    /// The columns of the terminal; `None` if the output is not a terminal.
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
        if self.quiet && preview.problems.is_empty() {
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

    /// Writes what comes at the end, and gives the summary back.
    ///
    /// # Errors
    ///
    /// What the output reports.
    pub fn finish(mut self) -> io::Result<Summary> {
        if self.format == Format::Text && !self.quiet && self.summary.objects > 0 {
            writeln!(self.output, "{}", self.summary.line())?;
        }
        self.output.flush()?;
        Ok(self.summary)
    }
}

fn add(count: &mut usize, more: usize) {
    *count = count.saturating_add(more);
}

fn count(number: usize, noun: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{number} {noun}{plural}")
}
