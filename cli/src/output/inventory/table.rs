//! A line for each workload, for people.

use std::io::{self, Write};

use super::words;
use crate::commands::inventory::{Inventory, State};
use crate::output::colours::{FAINT, GREEN, PLAIN, RED, YELLOW};
use crate::output::columns::{Column, Columns, Cut};
use crate::output::count;

/// Writes the table and a summary.
pub fn write(
    output: &mut impl Write,
    inventory: &Inventory,
    width: Option<usize>,
) -> io::Result<()> {
    let mut table = Columns::new(vec![
        Column::text("OUTCOME", Cut::Never),
        Column::text("WORKLOAD", Cut::Middle),
        Column::number("PODS"),
        Column::number("OUTDATED"),
        Column::text("SERVICEACCOUNT", Cut::Middle),
        Column::text("CLIENT ID", Cut::Never),
        Column::text("TENANT", Cut::Middle),
        Column::text("WITH", Cut::End),
        Column::text("WITHOUT", Cut::End),
    ]);
    for row in &inventory.rows {
        let style = match row.state {
            State::Injected => GREEN,
            State::Unchanged => PLAIN,
            State::Rejected(_) => RED,
        };
        let outdated = row.outdated.len();
        let with = words::containers(row, row.with());
        let without = words::containers(row, row.without());
        table.add([
            (style, row.state.name().to_owned()),
            (PLAIN, row.title()),
            (FAINT, row.pods.to_string()),
            (
                if outdated == 0 { FAINT } else { YELLOW },
                outdated.to_string(),
            ),
            (PLAIN, row.service_account.clone()),
            (PLAIN, words::client_id(row)),
            (FAINT, row.tenant_id().unwrap_or_default().to_owned()),
            (PLAIN, with.join(", ")),
            (FAINT, without.join(", ")),
        ]);
    }
    table.write(output, width)?;
    let identities = match inventory.identities.len() {
        1 => "1 identity".to_owned(),
        identities => format!("{identities} identities"),
    };
    writeln!(
        output,
        "{} with {identities}, {} of them shared; {} without; {} unused; {} out of date",
        count(inventory.rows.len(), "workload"),
        inventory.shared(),
        inventory.others,
        count(inventory.unused(), "ServiceAccount"),
        count(inventory.outdated(), "pod"),
    )
}
