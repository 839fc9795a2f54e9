//! `azwi-policy inventory`: who has which identity.

mod complain;
mod objects;
mod outdated;
mod rows;
mod users;

use std::collections::BTreeMap;

use anyhow::Result;
use clap::{Args, ValueEnum};

use crate::commands::complaints::Complaint;
use crate::commands::preview::args::ReviewArgs;
use crate::commands::preview::names::{shortened, title};
use crate::commands::preview::{self, Remarks};
use crate::kubewarden::host_calls::LogSink;
use objects::Objects;
pub use outdated::Outdated;
pub use rows::{Row, State};
pub use users::{Account, Users};

const AFTER_HELP: &str = "Objects are manifests, or what a cluster has now. A pod of a workload that is among them counts for the \
workload. A pod that runs is out of date if it lacks the identity that it would get today, or has another one.

Exit status: 0; 1 if an object is rejected, or with --fail-on-warning if there is a warning; 2 if arguments, settings, module or \
manifests are wrong.

Examples:
  The identities in a directory of manifests:
    azwi-policy inventory --policy policy.yaml manifests/
  Those of a cluster, as a page for the browser:
    kubectl get pods,serviceaccounts,deployments,statefulsets,daemonsets,replicasets,jobs,cronjobs -A -o yaml > cluster.yaml
    azwi-policy inventory --policy policy.yaml -o html cluster.yaml > inventory.html
  The ServiceAccounts that one application is for:
    azwi-policy inventory --policy policy.yaml -o json manifests/ |
        jq -r '.identities[] | select(.clientID == \"8f1c2a7e-5d3b-4c59-9a57-0b6f4f0f9d11\") | .serviceAccounts[]'";

/// The arguments of `azwi-policy inventory`.
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub struct InventoryArgs {
    /// What to print.
    #[arg(short, long, value_name = "FORMAT", value_enum, default_value_t)]
    pub output: Format,
    /// Exit with status 1 also if there is a warning.
    #[arg(long)]
    pub fail_on_warning: bool,
    /// What is reviewed.
    #[command(flatten)]
    pub review: ReviewArgs,
}

/// What to print.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// A line for each workload, for people.
    #[default]
    Table,
    /// One JSON object with all that is known.
    Json,
    /// A line of comma-separated values for each workload.
    Csv,
    /// A graph for Mermaid, which many sites show in Markdown.
    Mermaid,
    /// A graph for Graphviz.
    Dot,
    /// One page with a picture, which a browser shows without a network.
    Html,
}

/// Who has which identity.
#[derive(Debug)]
pub struct Inventory {
    /// The workloads and pods that have an identity or are meant to, in the order of their names.
    pub rows: Vec<Row>,
    /// The identities, by client ID.
    pub identities: BTreeMap<String, Users>,
    /// The ServiceAccounts that name a client ID, by namespace and name.
    pub accounts: BTreeMap<(String, String), Account>,
    /// How many workloads and pods have no identity, and are not meant to.
    pub others: usize,
    /// What is wrong.
    pub complaints: Vec<Complaint>,
    /// What else there is to say.
    pub remarks: Remarks,
}

impl Inventory {
    /// How many identities several ServiceAccounts use.
    pub fn shared(&self) -> usize {
        let identities = self.identities.values();
        identities.filter(|users| users.accounts.len() > 1).count()
    }

    /// How many ServiceAccounts name an identity that nothing uses.
    pub fn unused(&self) -> usize {
        let accounts = self.accounts.values();
        accounts.filter(|account| !account.is_used).count()
    }

    /// How many pods are out of date.
    pub fn outdated(&self) -> usize {
        let outdated = self.rows.iter().map(|row| row.outdated.len());
        outdated.sum()
    }
}

/// Takes stock.
///
/// # Errors
///
/// What [`preview::preview`] reports.
pub fn inventory(args: &InventoryArgs, log: Option<LogSink>) -> Result<Inventory> {
    let mut objects = Objects::default();
    let (input, mut remarks) = preview::pods(&args.review, log, |preview| objects.add(preview))?;
    let doubled = objects.doubled.iter();
    let doubled: Vec<_> = doubled
        .map(|(kind, namespace, name)| title(kind, namespace, name))
        .collect();
    if !doubled.is_empty() {
        remarks.notes.push(format!(
            "there several times, so that the last one counts: {}",
            shortened(&doubled)
        ));
    }
    let (rows, others) = rows::of(&objects);
    let mut identities: BTreeMap<String, Users> = BTreeMap::new();
    for row in &rows {
        for client_id in row.client_ids() {
            let users = identities.entry(client_id).or_default();
            let account = (row.namespace.clone(), row.service_account.clone());
            users.accounts.insert(account);
            users.workloads = users.workloads.saturating_add(1);
        }
    }
    let accounts = input.accounts_with_identity(&args.review.namespace);
    let (used, others_of) = objects.users();
    let accounts: BTreeMap<_, _> = accounts
        .map(|((namespace, name), client_id)| {
            let account = (namespace.as_str(), name.as_str());
            let other = others_of.get(&account);
            let account = Account {
                client_id,
                is_used: used.contains(&account),
                other_user: other.map(|(kind, namespace, name)| title(kind, namespace, name)),
            };
            ((namespace, name), account)
        })
        .collect();
    let mut complaints = objects.complaints;
    complaints.extend(complain::of(&rows, &identities, &accounts));
    complaints.dedup();
    Ok(Inventory {
        rows,
        identities,
        accounts,
        others,
        complaints,
        remarks,
    })
}
