//! Previews as text for people.

use std::io::{self, Write};

use anstyle::{AnsiColor, Style};
use serde_json::Value;
use similar::{ChangeTag, TextDiff};

use crate::preview::{Outcome, Preview};

const BOLD: Style = Style::new().bold();
const FAINT: Style = Style::new().dimmed();
const RED: Style = AnsiColor::Red.on_default();
const GREEN: Style = AnsiColor::Green.on_default();
const YELLOW: Style = AnsiColor::Yellow.on_default();
const CYAN: Style = AnsiColor::Cyan.on_default();

/// The lines around a change that a diff shows.
const CONTEXT: usize = 3;

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
pub struct Report<W: Write> {
    output: W,
    summary: Summary,
}

impl<W: Write> Report<W> {
    /// A report to `output`.
    pub fn new(output: W) -> Self {
        Self {
            output,
            summary: Summary::default(),
        }
    }

    /// Writes one preview.
    ///
    /// # Errors
    ///
    /// What the output reports, and a pod that is not representable in YAML.
    pub fn add(&mut self, preview: &Preview) -> io::Result<()> {
        let Preview {
            title,
            origin,
            outcome,
            warnings,
        } = preview;
        let origin = printable(&origin.to_string());
        writeln!(
            self.output,
            "{BOLD}{}{BOLD:#} {FAINT}({origin}){FAINT:#}",
            printable(title)
        )?;
        match outcome {
            Outcome::Mutated { .. } => {
                self.summary.mutated += 1;
                writeln!(self.output, "  {GREEN}mutated{GREEN:#}")?;
            }
            Outcome::Unchanged => {
                self.summary.unchanged += 1;
                writeln!(self.output, "  unchanged")?;
            }
            Outcome::Refused { message } => {
                self.summary.refused += 1;
                writeln!(self.output, "  {RED}refused{RED:#}: {}", printable(message))?;
            }
        }
        for warning in warnings {
            self.summary.warnings += 1;
            writeln!(
                self.output,
                "  {YELLOW}warning{YELLOW:#}: {}",
                printable(warning)
            )?;
        }
        if let Outcome::Mutated { before, after } = outcome {
            self.diff(&yaml(before)?, &yaml(after)?)?;
        }
        writeln!(self.output)
    }

    /// Writes the summary and gives it back.
    ///
    /// # Errors
    ///
    /// What the output reports.
    pub fn finish(mut self) -> io::Result<Summary> {
        writeln!(self.output, "{}", self.summary.line())?;
        self.output.flush()?;
        Ok(self.summary)
    }

    fn diff(&mut self, before: &str, after: &str) -> io::Result<()> {
        let diff = TextDiff::from_lines(before, after);
        for hunk in diff.unified_diff().context_radius(CONTEXT).iter_hunks() {
            writeln!(self.output, "  {CYAN}{}{CYAN:#}", hunk.header())?;
            for change in hunk.iter_changes() {
                let line = change.value().trim_end_matches('\n');
                match change.tag() {
                    ChangeTag::Equal => writeln!(self.output, "   {line}")?,
                    ChangeTag::Delete => writeln!(self.output, "  {RED}-{line}{RED:#}")?,
                    ChangeTag::Insert => writeln!(self.output, "  {GREEN}+{line}{GREEN:#}")?,
                }
            }
        }
        Ok(())
    }
}

fn yaml(value: &Value) -> io::Result<String> {
    yaml_serde::to_string(value).map_err(io::Error::other)
}

fn count(number: usize, noun: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{number} {noun}{plural}")
}

/// `text` with control characters spelt out, so that it cannot steer a terminal, and further lines indented.
fn printable(text: &str) -> String {
    let mut printable = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '\n' => printable.push_str("\n    "),
            control if control.is_control() => printable.extend(control.escape_default()),
            other => printable.push(other),
        }
    }
    printable
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::manifests::Origin;

    fn preview(outcome: Outcome, warnings: &[&str]) -> Preview {
        Preview {
            title: "Pod default/a".to_owned(),
            origin: Origin {
                file: "f.yaml".to_owned(),
                document: 1,
                item: None,
            },
            outcome,
            warnings: warnings
                .iter()
                .map(|warning| (*warning).to_owned())
                .collect(),
        }
    }

    fn report(previews: &[Preview]) -> String {
        let mut output = Vec::new();
        let mut report = Report::new(anstream::StripStream::new(&mut output));
        previews
            .iter()
            .for_each(|preview| report.add(preview).unwrap());
        report.finish().unwrap();
        String::from_utf8(output).unwrap()
    }

    #[test]
    fn shows_outcomes_and_warnings() {
        let refused = Outcome::Refused {
            message: "one\ntwo \u{1b}[31m".to_owned(),
        };
        assert_eq!(
            report(&[preview(Outcome::Unchanged, &["w"]), preview(refused, &[])]),
            "Pod default/a (f.yaml, document 1)\n  unchanged\n  warning: w\n\n\
             Pod default/a (f.yaml, document 1)\n  refused: one\n    two \\u{1b}[31m\n\n\
             2 objects: 0 mutated, 1 unchanged, 1 refused; 1 warning\n"
        );
    }

    #[test]
    fn shows_changes_in_the_order_people_write() {
        let before = json!({"kind": "Pod", "apiVersion": "v1", "spec": {"z": 1, "b": ["x"]}});
        let after =
            json!({"kind": "Pod", "apiVersion": "v1", "spec": {"z": 1, "b": ["x", "y"], "a": "1"}});
        assert_eq!(
            report(&[preview(Outcome::Mutated { before, after }, &[])]),
            "Pod default/a (f.yaml, document 1)\n  mutated\n  @@ -4,3 +4,5 @@\n     z: 1\n     b:\n     - x\n  \
             +  - y\n  +  a: '1'\n\n1 object: 1 mutated, 0 unchanged, 0 refused; 0 warnings\n"
        );
    }
}
