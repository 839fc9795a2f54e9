//! Comma-separated values, a line for each workload.

use std::io::{self, Write};

use super::{machine, words};
use crate::commands::inventory::Inventory;

/// The columns.
const COLUMNS: [&str; 14] = [
    "kind",
    "namespace",
    "name",
    "serviceAccount",
    "clientID",
    "clientIDSource",
    "tenantID",
    "audience",
    "outcome",
    "pods",
    "outdatedPods",
    "containersWith",
    "containersWithout",
    "file",
];

/// Writes the lines.
pub fn write(output: &mut impl Write, inventory: &Inventory) -> io::Result<()> {
    let mut writer = csv::Writer::from_writer(output);
    writer.write_record(COLUMNS)?;
    for row in &inventory.rows {
        let name = match &row.part {
            Some(part) => format!("{} ({part})", row.name),
            None => row.name.clone(),
        };
        let with = words::containers(row, row.with());
        let without = words::containers(row, row.without());
        let fields = [
            row.kind.clone(),
            row.namespace.clone(),
            name,
            row.service_account.clone(),
            row.client_id().unwrap_or_default().to_lowercase(),
            row.source().map(machine::source).unwrap_or_default(),
            row.tenant_id().unwrap_or_default().to_owned(),
            row.audience().unwrap_or_default().to_owned(),
            row.state.name().to_owned(),
            row.pods.to_string(),
            row.outdated.len().to_string(),
            with.join(" "),
            without.join(" "),
            row.file.clone(),
        ];
        writer.write_record(fields.map(|field| harmless(&field)))?;
    }
    writer.flush()
}

/// A field that no spreadsheet takes for a formula.
fn harmless(field: &str) -> String {
    let starts_formula = field.starts_with(['=', '+', '-', '@', '\t', '\r']);
    let apostrophe = if starts_formula { "'" } else { "" };
    format!("{apostrophe}{field}")
}
