//! Client IDs and containers in words.

use crate::commands::inventory::Row;
use crate::commands::preview::{ContainerIdentity, Variable};

/// The client ID of a row for people: that of its ServiceAccount, or why there is none.
pub fn client_id(row: &Row) -> String {
    match (row.client_id(), &row.resolved) {
        (Some(client_id), _) => client_id.to_lowercase(),
        (None, Some(identity)) if !identity.is_account_known => "not known".to_owned(),
        _ => "none".to_owned(),
    }
}

/// Containers of a row for people.
pub fn containers<'r>(
    row: &Row,
    containers: impl Iterator<Item = &'r ContainerIdentity>,
) -> Vec<String> {
    containers.map(|one| container(row, one)).collect()
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
            format!("{name} ({own})")
        }
        _ => name.clone(),
    }
}
