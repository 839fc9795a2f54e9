//! What is wrong with the credentials of an identity, in words.

use std::collections::{BTreeMap, BTreeSet};

use azure_workload_identity_policy::messages::Excerpt;

use crate::commands::complaints::Complaint;
use crate::commands::preview::names::shortened_to;
use crate::entra::comparison::{Comparison, Difference, Room, Status, Surplus};
use crate::entra::credential::{Credential, MOST, Subject};

/// How many ServiceAccounts one line names.
const NAMED: usize = 100;

/// What is wrong, in the order of identities; `compares` says whether there is something to compare with.
pub fn of(comparisons: &[Comparison], compares: bool, issuer: &str) -> Vec<Complaint> {
    let mut complaints = Vec::new();
    for comparison in comparisons {
        complaints.extend(audiences(comparison));
        complaints.extend(room(comparison));
        if compares {
            differences(comparison, issuer, &mut complaints);
        }
    }
    complaints
}

/// A ServiceAccount as messages name it.
fn account(subject: &Subject) -> String {
    Excerpt::new(&format!("{}/{}", subject.namespace, subject.name))
        .bare()
        .to_string()
}

/// ServiceAccounts whose pods have tokens for several audiences: Entra takes one credential for issuer and subject.
fn audiences(comparison: &Comparison) -> impl Iterator<Item = Complaint> {
    let mut by_subject: BTreeMap<&Subject, BTreeSet<&str>> = BTreeMap::new();
    for (credential, _) in &comparison.wanted {
        let audiences = by_subject.entry(&credential.subject).or_default();
        audiences.insert(&credential.audience);
    }
    let client_id = &comparison.client_id;
    let several = by_subject
        .into_iter()
        .filter(|(_, audiences)| audiences.len() > 1);
    several.map(move |(subject, audiences)| {
        let audiences: Vec<_> = audiences.iter().map(|audience| Excerpt::new(audience).to_string()).collect();
        Complaint::error(format!(
            "{client_id}: ServiceAccount {}: expected one audience, because an identity can hold one credential for an issuer and \
             a subject, found {}; help: give the pods with another audience another ServiceAccount",
            account(subject),
            audiences.join(" and ")
        ))
    })
}

/// Whether the identity has room for the credentials.
fn room(comparison: &Comparison) -> Option<Complaint> {
    let Comparison {
        client_id, others, ..
    } = comparison;
    let wanted = comparison.wanted.iter();
    let names: Vec<_> = wanted
        .map(|(credential, _)| account(&credential.subject))
        .collect();
    let names = shortened_to(NAMED, &names);
    let others = match others {
        0 => String::new(),
        1 => ", and 1 of another issuer".to_owned(),
        others => format!(", and {others} of other issuers"),
    };
    let total = comparison.total();
    match comparison.room() {
        Room::Enough => None,
        Room::Little => Some(Complaint::warning(format!(
            "{client_id}: {total} of the {MOST} federated identity credentials that an identity can hold: {names}{others}"
        ))),
        Room::TooMany => Some(Complaint::error(format!(
            "{client_id}: expected at most {MOST} federated identity credentials, as many as an identity can hold, found {total}: \
             {names}{others}; help: give some of them another identity, or use an identity binding of AKS"
        ))),
    }
}

/// What is missing, wrong or superfluous.
fn differences(comparison: &Comparison, issuer: &str, complaints: &mut Vec<Complaint>) {
    let client_id = &comparison.client_id;
    if !comparison.is_known {
        complaints.push(Complaint::error(format!(
            "{client_id}: no file of --existing tells of its credentials; help: add --existing {client_id}=FILE with what \
             az identity federated-credential list or az ad app federated-credential list prints"
        )));
    }
    for (credential, status) in &comparison.wanted {
        let fault = match status {
            Status::Unknown | Status::Exists(_) => continue,
            Status::Missing => "no credential; help: create it".to_owned(),
            Status::Differs { name, difference } => differs(credential, name, difference, issuer),
        };
        let account = account(&credential.subject);
        complaints.push(Complaint::error(format!(
            "{client_id}: ServiceAccount {account}: {fault}"
        )));
    }
    for (existing, surplus) in &comparison.surplus {
        let name = Excerpt::new(&existing.name);
        let subject = Excerpt::new(existing.subject.as_deref().unwrap_or_default());
        let text = match surplus {
            Surplus::Superfluous => format!(
                "credential {name} is superfluous: no pod among the manifests uses it for subject {subject}; help: delete it if \
                 these are all manifests of the cluster"
            ),
            Surplus::Duplicate(other) => format!(
                "credential {name} has the same issuer and subject as {}; help: delete one of them",
                Excerpt::new(other)
            ),
        };
        complaints.push(Complaint::error(format!("{client_id}: {text}")));
    }
}

/// What is wrong with a credential that is nearly the one that there should be.
fn differs(credential: &Credential, name: &str, difference: &Difference, issuer: &str) -> String {
    let name = Excerpt::new(name);
    let issuer = Excerpt::new(issuer);
    match difference {
        Difference::Audience(found) => {
            let found: Vec<_> = found
                .iter()
                .map(|found| Excerpt::new(found).to_string())
                .collect();
            format!(
                "credential {name}: expected audience {}, found {}; help: update it",
                Excerpt::new(&credential.audience),
                found.join(", ")
            )
        }
        Difference::IssuerNearly(found) => format!(
            "credential {name}: expected issuer {issuer} to the letter, found {}; help: update it",
            Excerpt::new(found)
        ),
        Difference::IssuerInCluster(found) => format!(
            "credential {name}: expected issuer {issuer}, found {}, the Kubernetes API within the cluster, which Microsoft Entra ID \
             cannot reach; help: update it",
            Excerpt::new(found)
        ),
        Difference::Namespace(found) => format!(
            "no credential; help: create it; credential {name} is for the ServiceAccount of this name in namespace {}",
            Excerpt::new(found)
        ),
        Difference::Issuer(found) => format!(
            "no credential; help: create it; credential {name} is for the same ServiceAccount in the cluster with issuer {}",
            Excerpt::new(found)
        ),
        Difference::SubjectNearly(found) => format!(
            "credential {name}: expected subject {} to the letter, found {}; help: update it",
            Excerpt::new(&credential.subject.to_string()),
            Excerpt::new(found)
        ),
    }
}
