//! Previews as a table, for people with many objects.

use std::io::{self, Write};

use super::colours::{CYAN, FAINT, GREEN, PLAIN, RED, YELLOW};
use super::columns::{Column, Columns, Cut};
use crate::commands::preview::{Kind, Preview, PreviewOutcome};

/// The columns, in their order.
const COLUMNS: [Column; 6] = [
    Column::text("OUTCOME", Cut::Never),
    Column::text("OBJECT", Cut::Middle),
    Column::number("WARNINGS"),
    Column::number("HINTS"),
    Column::text("FILE:LINE", Cut::Middle),
    Column::text("RULES", Cut::End),
];

/// The rules that are named for one object.
const NAMED: usize = 3;

/// What is written at the end, when the widths are known.
#[derive(Debug)]
pub struct Table(Columns);

impl Default for Table {
    fn default() -> Self {
        Self(Columns::new(COLUMNS.to_vec()))
    }
}

impl Table {
    /// Adds the row of an object with this number of warnings.
    pub fn add(&mut self, preview: &Preview, warnings: usize) {
        let is_held_back = preview.of_kind(Kind::Monitor).next().is_some();
        let (style, outcome) = match preview.outcome() {
            PreviewOutcome::Rejected { .. } => (RED, "rejected"),
            PreviewOutcome::Mutated => (GREEN, "mutated"),
            PreviewOutcome::Unchanged if is_held_back => (YELLOW, "monitor"),
            PreviewOutcome::Unchanged => (PLAIN, "unchanged"),
        };
        let place = match preview.problems.first() {
            Some(problem) => (&problem.place.file, problem.place.line),
            None => (&preview.origin.file, preview.line),
        };
        let hints = preview.of_kind(Kind::Hint).count();
        let of_number = |number, style| if number == 0 { FAINT } else { style };
        self.0.add([
            (style, outcome.to_owned()),
            (PLAIN, preview.title()),
            (of_number(warnings, YELLOW), warnings.to_string()),
            (of_number(hints, CYAN), hints.to_string()),
            (FAINT, format!("{}:{}", place.0, place.1)),
            (PLAIN, rules(preview)),
        ]);
    }

    /// Writes the table for a terminal of this width, or for anything else.
    pub fn write(&self, output: &mut impl Write, width: Option<usize>) -> io::Result<()> {
        self.0.write(output, width)
    }
}

/// The names of what is wrong with an object, each of them once, and how many more there are.
fn rules(preview: &Preview) -> String {
    let mut rules = Vec::new();
    for problem in &preview.problems {
        if !rules.contains(&problem.rule.as_str()) {
            rules.push(problem.rule.as_str());
        }
    }
    let more = rules.len().saturating_sub(NAMED);
    rules.truncate(NAMED);
    let rules = rules.join(", ");
    match more {
        0 => rules,
        more => format!("{rules}, {more} more"),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use textwrap::core::display_width;

    use super::*;
    use crate::output::samples::{HOSTILE, preview, problem};

    fn table() -> Table {
        let mut table = Table::default();
        table.add(&preview("a.yaml", "app", Vec::new()), 0);
        let problems = vec![
            problem(Kind::Warning, "host-network", "w", "./b/c.yaml", 12),
            problem(Kind::Warning, "host-network", "w", "a.yaml", 13),
            problem(Kind::Hint, "idle-identity", "h", "a.yaml", 14),
            problem(Kind::Hint, "secret", "h", "a.yaml", 15),
            problem(Kind::Hint, "other", "h", "a.yaml", 16),
        ];
        table.add(&preview("a.yaml", "名前", problems), 2);
        table
    }

    fn written(table: &Table, width: Option<usize>) -> String {
        let mut output = anstream::StripStream::new(Vec::new());
        table.write(&mut output, width).unwrap();
        String::from_utf8(output.into_inner()).unwrap()
    }

    #[test]
    fn columns_are_as_wide_as_what_is_in_them() {
        assert_eq!(
            written(&table(), None),
            "\
OUTCOME    OBJECT        WARNINGS  HINTS  FILE:LINE      RULES
unchanged  Pod web/app          0      0  a.yaml:1
unchanged  Pod web/名前         2      3  ./b/c.yaml:12  host-network, idle-identity, secret, 1 more
"
        );
    }

    #[test]
    fn nothing_is_written_of_no_objects() {
        assert_eq!(written(&Table::default(), None), "");
    }

    #[test]
    fn one_long_name_does_not_widen_the_whole_table() {
        let mut table = table();
        table.add(&preview("a.yaml", &"n".repeat(500), Vec::new()), 0);
        let written = written(&table, None);
        let lines: Vec<_> = written.lines().map(str::len).collect();
        assert_eq!(lines.len(), 4);
        assert!(lines[..2].iter().all(|length| *length < 120), "{written}");
        assert!(written.contains(&"n".repeat(500)));
    }

    #[test]
    fn a_terminal_gets_lines_that_fit_and_keep_both_ends_of_names() {
        let mut table = Table::default();
        let file = "manifests/overlays/production/deployment.yaml";
        let problems = vec![
            problem(Kind::Hint, "service-account-not-found", "h", file, 7),
            problem(Kind::Hint, "secret-beside-identity", "h", file, 8),
        ];
        table.add(&preview(file, &"名".repeat(20), problems), 0);
        let fitting = [
            (
                120,
                "unchanged  Pod web/名名名…名名名名名名名          0      2  manifests/over…loyment.yaml:7  service-account-not-found, s…",
            ),
            (
                80,
                "unchanged  Pod web…名名名名         0      2  manifes…t.yaml:7  service-account…",
            ),
        ];
        for (width, expected) in fitting {
            let written = written(&table, Some(width));
            assert!(
                written.lines().all(|line| display_width(line) <= width),
                "{written}"
            );
            assert_eq!(written.lines().nth(1), Some(expected));
        }
    }

    #[test]
    fn text_cannot_control_the_terminal_or_begin_a_line() {
        let mut table = Table::default();
        let problems = vec![problem(Kind::Hint, HOSTILE, HOSTILE, HOSTILE, 1)];
        table.add(&preview(HOSTILE, HOSTILE, problems), 0);
        for width in [None, Some(40)] {
            let written = written(&table, width);
            assert_eq!(written.lines().count(), 2);
            let mut characters = written.chars().filter(|character| *character != '\n');
            assert!(!characters.any(char::is_control), "{written:?}");
        }
    }
}
