//! What is wrong or risky with who has which identity.

use std::collections::BTreeMap;

use azure_workload_identity_policy::keys;
use azure_workload_identity_policy::messages::Excerpt;

use super::rows::{Row, State};
use super::users::{Account, Users};
use crate::commands::complaints::Complaint;
use crate::commands::preview::names::shortened;
use crate::kubewarden::service_accounts::DEFAULT_ACCOUNT;

/// All of it.
pub fn of(
    rows: &[Row],
    identities: &BTreeMap<String, Users>,
    accounts: &BTreeMap<(String, String), Account>,
) -> Vec<Complaint> {
    let mut complaints = Vec::new();
    for row in rows {
        let title = row.title();
        let account = account((&row.namespace, &row.service_account));
        let is_rejected = matches!(row.state, State::Rejected(_));
        if let Some(identity) = row
            .resolved
            .as_ref()
            .filter(|identity| identity.client_id.is_none() && !is_rejected)
        {
            let has_own = row
                .containers
                .iter()
                .any(|container| container.client_id.is_some());
            if !identity.is_account_known {
                complaints.push(Complaint::warning(format!(
                    "{title}: ServiceAccount {account} is not among the manifests, so that its client ID is not known; help: add its manifest"
                )));
            } else if !has_own {
                complaints.push(Complaint::warning(format!(
                    "{title} opts in, but ServiceAccount {account} names no client ID; help: annotate it with \
                     {}",
                    keys::CLIENT_ID
                )));
            }
        }
        complaints.extend(outdated(row));
    }
    for ((namespace, name), of) in accounts {
        let account = account((namespace, name));
        let client_id = Excerpt::new(&of.client_id);
        if name == DEFAULT_ACCOUNT {
            complaints.push(Complaint::warning(format!(
                "ServiceAccount {account} names client ID {client_id}, which each pod of the namespace can have that names no \
                 ServiceAccount; help: give the identity to a ServiceAccount of its own"
            )));
        }
        match &of.other_user {
            _ if of.is_used => {}
            None => complaints.push(Complaint::warning(format!(
                "ServiceAccount {account} names client ID {client_id}, and no pod among the manifests uses it; help: remove it if these are \
                 all manifests"
            ))),
            Some(user) => complaints.push(Complaint::warning(format!(
                "ServiceAccount {account} names client ID {client_id}, and no pod that uses it opts in, as of {user}; help: opt in those that \
                 are meant to have the identity: azwi-policy preview --explain says what is missing"
            ))),
        }
    }
    for (client_id, users) in identities {
        if users.namespaces().len() > 1 {
            let accounts = users.accounts.iter();
            let accounts: Vec<_> = accounts
                .map(|(namespace, name)| account((namespace, name)))
                .collect();
            complaints.push(Complaint::warning(format!(
                "client ID {} is used in {} namespaces, by ServiceAccounts {}; help: give each namespace an identity of its own, unless \
                 they are to have the same rights",
                Excerpt::new(client_id).bare(),
                users.namespaces().len(),
                shortened(&accounts)
            )));
        }
    }
    complaints
}

/// A ServiceAccount as messages name it.
fn account((namespace, name): (&str, &str)) -> String {
    Excerpt::new(&format!("{namespace}/{name}"))
        .bare()
        .to_string()
}

/// Pods that are out of date, and what mends them.
fn outdated(row: &Row) -> Option<Complaint> {
    let first = row.outdated.first()?;
    let pods = match (row.outdated.len(), row.pods) {
        (1, 1) if row.kind == "Pod" => "it is".to_owned(),
        (1, 1) => "its pod is".to_owned(),
        (1, all) => format!("1 of {all} pods is"),
        (some, all) => format!("{some} of {all} pods are"),
    };
    let of_pod = match row.kind.as_str() {
        "Pod" => String::new(),
        _ => format!("Pod {}: ", Excerpt::new(&first.pod).bare()),
    };
    Some(Complaint::warning(format!(
        "{}: {pods} out of date: {of_pod}{}; help: {}",
        row.title(),
        first.reasons.join(", "),
        row.mend
    )))
}
