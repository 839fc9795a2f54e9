//! A line for each credential, for people.

use std::io::{self, Write};

use crate::commands::credentials::Credentials;
use crate::entra::comparison::{Difference, Status, Surplus};
use crate::output::colours::{FAINT, GREEN, PLAIN, RED, YELLOW};
use crate::output::columns::{Cell, Column, Columns, Cut};
use crate::output::count;

/// Writes the table and a summary.
pub fn write(
    output: &mut impl Write,
    credentials: &Credentials,
    width: Option<usize>,
) -> io::Result<()> {
    let mut columns = Vec::new();
    if credentials.compares {
        columns.push(Column::text("STATUS", Cut::Never));
    }
    columns.extend([
        Column::text("CLIENT ID", Cut::Never),
        Column::text("SERVICEACCOUNT", Cut::Middle),
        Column::text("AUDIENCE", Cut::Middle),
        Column::text("CREDENTIAL", Cut::Middle),
        Column::text("USED BY", Cut::End),
    ]);
    let mut table = Columns::new(columns);
    let mut add = |status: Cell, cells: [String; 5]| {
        let [client_id, account, audience, name, users] = cells;
        let status = credentials.compares.then_some(status);
        let cells = [
            (PLAIN, client_id),
            (PLAIN, account),
            (FAINT, audience),
            (PLAIN, name),
            (FAINT, users),
        ];
        table.add(status.into_iter().chain(cells));
    };
    for comparison in &credentials.comparisons {
        for (credential, name, status) in credentials.named(comparison) {
            let (style, word) = match status {
                Status::Unknown => (YELLOW, "unknown"),
                Status::Exists(_) => (GREEN, "exists"),
                Status::Missing => (RED, "missing"),
                Status::Differs { difference, .. } => (RED, word(difference)),
            };
            let users = credentials.uses.get(credential);
            let users = users.map(|users| users.objects.iter().cloned().collect::<Vec<_>>());
            let subject = &credential.subject;
            add(
                (style, word.to_owned()),
                [
                    credential.client_id.clone(),
                    format!("{}/{}", subject.namespace, subject.name),
                    credential.audience.clone(),
                    name,
                    users.unwrap_or_default().join(", "),
                ],
            );
        }
        for (existing, surplus) in &comparison.surplus {
            let word = match surplus {
                Surplus::Superfluous => "superfluous",
                Surplus::Duplicate(_) => "duplicate",
            };
            add(
                (RED, word.to_owned()),
                [
                    comparison.client_id.clone(),
                    existing.subject.clone().unwrap_or_default(),
                    existing.audiences.join(", "),
                    existing.name.clone(),
                    String::new(),
                ],
            );
        }
    }
    table.write(output, width)?;
    let wanted = credentials.comparisons.iter();
    let identities = wanted.clone().filter(|one| !one.wanted.is_empty()).count();
    let wanted = wanted.map(|comparison| comparison.wanted.len()).sum();
    let identities = match identities {
        1 => "1 identity".to_owned(),
        identities => format!("{identities} identities"),
    };
    writeln!(output, "{} on {identities}", count(wanted, "credential"))
}

/// What is wrong with a credential, in short.
fn word(difference: &Difference) -> &'static str {
    match difference {
        Difference::Audience(_) => "wrong audience",
        Difference::IssuerNearly(_) | Difference::IssuerInCluster(_) => "wrong issuer",
        Difference::Issuer(_) => "other issuer",
        Difference::Namespace(_) => "wrong namespace",
        Difference::SubjectNearly(_) => "wrong subject",
    }
}
