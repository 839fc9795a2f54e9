//! Previews as a table, for people with many objects.

use std::io::{self, Write};

use anstyle::Style;
use textwrap::core::display_width;

use super::colours::{BOLD, CYAN, FAINT, GREEN, PLAIN, RED, YELLOW};
use crate::commands::preview::{Kind, Preview, PreviewOutcome};
use crate::text::printable;

/// The columns, in their order.
const HEADS: [&str; 6] = [
    "OUTCOME",
    "OBJECT",
    "WARNINGS",
    "HINTS",
    "FILE:LINE",
    "RULES",
];

/// Those that hold numbers.
const NUMBERS: [bool; 6] = [false, false, true, true, false, false];

/// How a column is cut if the terminal is too narrow.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Cut {
    Never,
    /// Both ends tell names apart.
    Middle,
    End,
}

/// How each column is cut.
const CUTS: [Cut; 6] = [
    Cut::Never,
    Cut::Middle,
    Cut::Never,
    Cut::Never,
    Cut::Middle,
    Cut::End,
];

/// The width that one long cell gives to its whole column at most.
const WIDEST: usize = 60;

/// The width down to which a column is cut.
const NARROWEST: usize = 16;

/// The space between columns.
const GAP: &str = "  ";

/// The rules that are named for one object.
const NAMED: usize = 3;

type Cells = [String; 6];

/// What is written at the end, when the widths are known.
#[derive(Debug, Default)]
pub struct Table {
    rows: Vec<Row>,
}

#[derive(Debug)]
struct Row {
    style: Style,
    cells: Cells,
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
        let cells = [
            outcome.to_owned(),
            preview.title(),
            warnings.to_string(),
            hints.to_string(),
            format!("{}:{}", place.0, place.1),
            rules(preview),
        ];
        let cells = cells.map(|cell| printable(&cell).replace('\n', " "));
        self.rows.push(Row { style, cells });
    }

    /// Writes the table for a terminal of this width, or for anything else.
    pub fn write(&self, output: &mut impl Write, width: Option<usize>) -> io::Result<()> {
        if self.rows.is_empty() {
            return Ok(());
        }
        let heads = HEADS.map(str::to_owned);
        let widths = self.widths(&heads, width);
        let heading = Row {
            style: PLAIN,
            cells: heads,
        };
        write_row(output, &heading, widths, width, |_| BOLD)?;
        for row in &self.rows {
            write_row(output, row, widths, width, |column| match column {
                0 => row.style,
                2 if is_some(&row.cells[2]) => YELLOW,
                3 if is_some(&row.cells[3]) => CYAN,
                2..=4 => FAINT,
                _ => PLAIN,
            })?;
        }
        Ok(())
    }

    /// The width of each column.
    fn widths(&self, heads: &Cells, width: Option<usize>) -> [usize; 6] {
        let mut widths = [0; 6];
        let rows = self.rows.iter().map(|row| &row.cells);
        for cells in rows.chain([heads]) {
            for (width, cell) in widths.iter_mut().zip(cells) {
                *width = display_width(cell).min(WIDEST).max(*width);
            }
        }
        let Some(terminal) = width else {
            return widths;
        };
        let gaps = GAP.len().saturating_mul(HEADS.len().saturating_sub(1));
        loop {
            let taken = widths.iter().sum::<usize>().saturating_add(gaps);
            let flexible = widths.iter_mut().zip(CUTS);
            let flexible =
                flexible.filter(|(width, cut)| *cut != Cut::Never && **width > NARROWEST);
            let widest = flexible.map(|(width, _)| width).max();
            match widest {
                Some(widest) if taken > terminal => *widest = widest.saturating_sub(1),
                _ => return widths,
            }
        }
    }
}

/// Whether a number is not 0.
fn is_some(number: &str) -> bool {
    number != "0"
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

fn write_row(
    output: &mut impl Write,
    row: &Row,
    widths: [usize; 6],
    terminal: Option<usize>,
    style: impl Fn(usize) -> Style,
) -> io::Result<()> {
    let mut spaces = 0_usize;
    let columns = row.cells.iter().zip(widths).zip(NUMBERS).zip(CUTS);
    for (column, (((cell, width), is_number), cut)) in columns.enumerate() {
        let cell = match cut {
            Cut::Middle if terminal.is_some() => middle_cut(cell, width),
            Cut::End if terminal.is_some() => end_cut(cell, width),
            _ => cell.clone(),
        };
        let style = style(column);
        let padding = width.saturating_sub(display_width(&cell));
        if is_number {
            spaces = spaces.saturating_add(padding);
        }
        if !cell.is_empty() {
            write!(output, "{}{style}{cell}{style:#}", " ".repeat(spaces))?;
            spaces = 0;
        }
        if !is_number {
            spaces = spaces.saturating_add(padding);
        }
        spaces = spaces.saturating_add(GAP.len());
    }
    writeln!(output)
}

/// `text` in at most `width` columns, without its middle if it has more.
fn middle_cut(text: &str, width: usize) -> String {
    if display_width(text) <= width {
        return text.to_owned();
    }
    let kept = width.saturating_sub(1);
    let tail = kept.div_ceil(2);
    let head = fitting(text.chars(), kept.saturating_sub(tail));
    let tail: Vec<char> = fitting(text.chars().rev(), tail).chars().collect();
    let tail: String = tail.into_iter().rev().collect();
    format!("{head}…{tail}")
}

/// `text` in at most `width` columns, without its end if it has more.
fn end_cut(text: &str, width: usize) -> String {
    if display_width(text) <= width {
        return text.to_owned();
    }
    format!("{}…", fitting(text.chars(), width.saturating_sub(1)))
}

/// As many of the first characters as fit into `width` columns.
fn fitting(characters: impl Iterator<Item = char>, width: usize) -> String {
    let mut fitting = String::new();
    let mut taken = 0_usize;
    for character in characters {
        taken = taken.saturating_add(display_width(character.encode_utf8(&mut [0; 4])));
        if taken > width {
            break;
        }
        fitting.push(character);
    }
    fitting
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
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

    #[test]
    fn text_is_cut_by_columns() {
        assert_eq!(middle_cut("abcdefgh", 8), "abcdefgh");
        assert_eq!(middle_cut("abcdefgh", 7), "abc…fgh");
        assert_eq!(middle_cut("abcdefgh", 6), "ab…fgh");
        assert_eq!(middle_cut("名名名名", 6), "名…名");
        assert_eq!(end_cut("abcdefgh", 8), "abcdefgh");
        assert_eq!(end_cut("名名名名", 6), "名名…");
    }
}
