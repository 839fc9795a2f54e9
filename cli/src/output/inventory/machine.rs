//! All that is known of the identities, as JSON.

use std::io::{self, Write};

use azure_workload_identity_policy::identity::Source;
use serde::Serialize;

use crate::commands::inventory::{Inventory, Row, State};
use crate::commands::preview::{ContainerIdentity, Variable};
use crate::output::complaint::Problem;
use crate::output::json::escaped;

/// What `-o json` prints. Programs rely on it: fields may be added, not changed.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Document<'i> {
    workloads: Vec<Workload<'i>>,
    identities: Vec<Identity<'i>>,
    service_accounts: Vec<Account<'i>>,
    /// How many workloads and pods have no identity, and are not meant to.
    others: usize,
    problems: Vec<Problem<'i>>,
    notes: &'i [String],
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Workload<'i> {
    kind: &'i str,
    namespace: &'i str,
    name: &'i str,
    #[serde(skip_serializing_if = "Option::is_none")]
    part: Option<&'i str>,
    file: &'i str,
    line: usize,
    /// How many of its pods are among the objects.
    pods: usize,
    service_account: &'i str,
    opts_in: bool,
    outcome: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<&'i str>,
    #[serde(rename = "clientID", skip_serializing_if = "Option::is_none")]
    client_id: Option<String>,
    #[serde(rename = "clientIDSource", skip_serializing_if = "Option::is_none")]
    source: Option<String>,
    #[serde(rename = "tenantID", skip_serializing_if = "Option::is_none")]
    tenant_id: Option<&'i str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    audience: Option<&'i str>,
    containers: Vec<Container<'i>>,
    outdated: Vec<OutdatedPod<'i>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Container<'i> {
    name: &'i str,
    is_init: bool,
    has_identity: bool,
    #[serde(rename = "clientID", skip_serializing_if = "Option::is_none")]
    client_id: Option<&'i str>,
    /// Whether the value comes from elsewhere, such as a Secret.
    #[serde(
        rename = "clientIDFromElsewhere",
        skip_serializing_if = "std::ops::Not::not"
    )]
    is_from_elsewhere: bool,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct OutdatedPod<'i> {
    pod: &'i str,
    reasons: &'i [String],
    help: &'i str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Identity<'i> {
    #[serde(rename = "clientID")]
    client_id: &'i str,
    service_accounts: Vec<String>,
    namespaces: Vec<&'i str>,
    workloads: usize,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Account<'i> {
    namespace: &'i str,
    name: &'i str,
    #[serde(rename = "clientID")]
    client_id: &'i str,
    is_used: bool,
}

/// Writes the document.
pub fn write(output: &mut impl Write, inventory: &Inventory) -> io::Result<()> {
    let accounts = inventory.accounts.iter();
    let accounts = accounts.map(|((namespace, name), account)| Account {
        namespace,
        name,
        client_id: &account.client_id,
        is_used: account.is_used,
    });
    let identities = inventory.identities.iter();
    let identities = identities.map(|(client_id, users)| Identity {
        client_id,
        service_accounts: users
            .accounts
            .iter()
            .map(|(namespace, name)| format!("{namespace}/{name}"))
            .collect(),
        namespaces: users.namespaces().into_iter().collect(),
        workloads: users.workloads,
    });
    let document = Document {
        workloads: inventory.rows.iter().map(workload).collect(),
        identities: identities.collect(),
        service_accounts: accounts.collect(),
        others: inventory.others,
        problems: inventory.complaints.iter().map(Problem::new).collect(),
        notes: &inventory.remarks.notes,
    };
    let json = serde_json::to_string_pretty(&document)?;
    writeln!(output, "{}", escaped(&json))
}

fn workload(row: &Row) -> Workload<'_> {
    Workload {
        kind: &row.kind,
        namespace: &row.namespace,
        name: &row.name,
        part: row.part.as_deref(),
        file: &row.file,
        line: row.line,
        pods: row.pods,
        service_account: &row.service_account,
        opts_in: row.opts_in,
        outcome: row.state.name(),
        message: match &row.state {
            State::Rejected(reason) => Some(reason),
            _ => None,
        },
        client_id: row.client_id().map(str::to_lowercase),
        source: row.source().map(source),
        tenant_id: row.tenant_id(),
        audience: row.audience(),
        containers: row.containers.iter().map(of_container).collect(),
        outdated: row
            .outdated
            .iter()
            .map(|outdated| OutdatedPod {
                pod: &outdated.pod,
                reasons: &outdated.reasons,
                help: &row.mend,
            })
            .collect(),
    }
}

fn of_container(container: &ContainerIdentity) -> Container<'_> {
    Container {
        name: &container.name,
        is_init: container.is_init,
        has_identity: container.has_identity(),
        client_id: match &container.client_id {
            Some(Variable::Value(value)) => Some(value),
            _ => None,
        },
        is_from_elsewhere: container.client_id == Some(Variable::FromElsewhere),
    }
}

/// Where a client ID comes from, for programs.
pub fn source(source: Source) -> String {
    match source {
        Source::Pod => "pod".to_owned(),
        Source::ServiceAccount => "serviceAccount".to_owned(),
        Source::IdentityMap(index) => format!("identityMap[{index}]"),
        Source::Setting => "setting".to_owned(),
    }
}
