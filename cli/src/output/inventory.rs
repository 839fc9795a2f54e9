//! Who has which identity, as output: for people, for programs, and as graphs.

mod graph;
mod machine;
mod page;
mod spreadsheet;
mod table;

use std::io::Write;

use anyhow::Result;

use crate::commands::inventory::{Format, Inventory, Row};
use crate::commands::preview::{ContainerIdentity, Variable};

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

/// The client ID of a row for people: that of its ServiceAccount, or why there is none.
fn client_id(row: &Row) -> String {
    match (row.client_id(), &row.resolved) {
        (Some(client_id), _) => client_id.to_lowercase(),
        (None, Some(identity)) if !identity.is_account_known => "not known".to_owned(),
        _ => "none".to_owned(),
    }
}

/// A container for people: its name, and its client ID if that is not the one of the row.
fn container(row: &Row, container: &ContainerIdentity) -> String {
    let name = &container.name;
    match &container.client_id {
        Some(Variable::FromElsewhere) => format!("{name} (client ID from elsewhere)"),
        Some(Variable::Value(own))
            if !row
                .client_id()
                .is_some_and(|of_row| of_row.eq_ignore_ascii_case(own)) =>
        {
            format!("{name} ({})", own.to_lowercase())
        }
        _ => name.clone(),
    }
}
