//! Rows in columns, for people.

use std::io::{self, Write};

use anstyle::Style;
use textwrap::core::display_width;

use super::colours::BOLD;
use crate::text::printable;

/// How a column is cut if the terminal is too narrow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cut {
    /// Not at all.
    Never,
    /// Both ends tell names apart.
    Middle,
    /// At its end.
    End,
}

/// A column.
#[derive(Clone, Copy, Debug)]
pub struct Column {
    /// Its heading.
    pub head: &'static str,
    /// Whether it holds numbers.
    pub is_number: bool,
    /// How it is cut.
    pub cut: Cut,
}

impl Column {
    /// One of texts.
    pub const fn text(head: &'static str, cut: Cut) -> Self {
        Self {
            head,
            is_number: false,
            cut,
        }
    }

    /// One of numbers.
    pub const fn number(head: &'static str) -> Self {
        Self {
            head,
            is_number: true,
            cut: Cut::Never,
        }
    }
}

/// The width that one long cell gives to its whole column at most.
const WIDEST: usize = 60;

/// The width down to which a column is cut.
const NARROWEST: usize = 16;

/// The space between columns.
const GAP: &str = "  ";

/// A text and its colours.
pub type Cell = (Style, String);

/// What is written at the end, when the widths are known.
#[derive(Debug)]
pub struct Columns {
    columns: Vec<Column>,
    rows: Vec<Vec<Cell>>,
}

impl Columns {
    /// These columns, without rows.
    pub fn new(columns: Vec<Column>) -> Self {
        Self {
            columns,
            rows: Vec::new(),
        }
    }

    /// Adds a row, with a cell for each column.
    pub fn add(&mut self, cells: impl IntoIterator<Item = Cell>) {
        let cells = cells.into_iter();
        let cells = cells.map(|(style, text)| (style, printable(&text).replace('\n', " ")));
        self.rows.push(cells.collect());
    }

    /// Writes the rows for a terminal of this width, or for anything else; nothing if there are none.
    pub fn write(&self, output: &mut impl Write, width: Option<usize>) -> io::Result<()> {
        if self.rows.is_empty() {
            return Ok(());
        }
        let heads = self
            .columns
            .iter()
            .map(|column| (BOLD, column.head.to_owned()));
        let heads: Vec<Cell> = heads.collect();
        let widths = self.widths(&heads, width);
        for row in [&heads].into_iter().chain(&self.rows) {
            self.write_row(output, row, &widths, width)?;
        }
        Ok(())
    }

    /// The width of each column.
    fn widths(&self, heads: &[Cell], width: Option<usize>) -> Vec<usize> {
        let mut widths = vec![0; self.columns.len()];
        for cells in self.rows.iter().map(Vec::as_slice).chain([heads]) {
            for (width, (_, cell)) in widths.iter_mut().zip(cells) {
                *width = display_width(cell).min(WIDEST).max(*width);
            }
        }
        let Some(terminal) = width else {
            return widths;
        };
        let gaps = GAP.len().saturating_mul(widths.len().saturating_sub(1));
        loop {
            let taken = widths.iter().sum::<usize>().saturating_add(gaps);
            let flexible = widths.iter_mut().zip(&self.columns);
            let flexible =
                flexible.filter(|(width, column)| column.cut != Cut::Never && **width > NARROWEST);
            let widest = flexible.map(|(width, _)| width).max();
            match widest {
                Some(widest) if taken > terminal => *widest = widest.saturating_sub(1),
                _ => return widths,
            }
        }
    }

    fn write_row(
        &self,
        output: &mut impl Write,
        row: &[Cell],
        widths: &[usize],
        terminal: Option<usize>,
    ) -> io::Result<()> {
        let mut spaces = 0_usize;
        for (((style, cell), width), column) in row.iter().zip(widths).zip(&self.columns) {
            let cell = match column.cut {
                Cut::Middle if terminal.is_some() => middle_cut(cell, *width),
                Cut::End if terminal.is_some() => end_cut(cell, *width),
                _ => cell.clone(),
            };
            let padding = width.saturating_sub(display_width(&cell));
            if column.is_number {
                spaces = spaces.saturating_add(padding);
            }
            if !cell.is_empty() {
                write!(output, "{}{style}{cell}{style:#}", " ".repeat(spaces))?;
                spaces = 0;
            }
            if !column.is_number {
                spaces = spaces.saturating_add(padding);
            }
            spaces = spaces.saturating_add(GAP.len());
        }
        writeln!(output)
    }
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
mod tests {
    use super::*;

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
