//! Who has which identity, as output: for people, for programs, and as graphs.

mod graph;
mod machine;
mod page;
mod spreadsheet;
mod table;
mod words;

use std::io::Write;

use anyhow::Result;

use crate::commands::inventory::{Format, Inventory};

/// Writes an inventory in a format.
///
/// # Errors
///
/// What the output reports.
pub fn write(
    output: &mut impl Write,
    inventory: &Inventory,
    format: Format,
    width: Option<usize>,
) -> Result<()> {
    match format {
        Format::Table => table::write(output, inventory, width)?,
        Format::Json => machine::write(output, inventory)?,
        Format::Csv => spreadsheet::write(output, inventory)?,
        Format::Mermaid => output.write_all(graph::mermaid(inventory).as_bytes())?,
        Format::Dot => output.write_all(graph::dot(inventory).as_bytes())?,
        Format::Html => output.write_all(page::page(inventory)?.as_bytes())?,
    }
    output.flush()?;
    Ok(())
}
