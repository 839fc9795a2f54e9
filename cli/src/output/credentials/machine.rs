//! All that is known of the credentials, as JSON.

use std::collections::BTreeSet;
use std::io::{self, Write};

use serde::Serialize;

use crate::commands::credentials::{Credentials, Use};
use crate::entra::comparison::{Difference, Status, Surplus};
use crate::output::complaint::Problem;
use crate::output::json::escaped;

/// What `-o json` prints. Programs rely on it: fields may be added, not changed.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Document<'c> {
    issuer: &'c str,
    identities: Vec<Identity<'c>>,
    problems: Vec<Problem<'c>>,
    notes: &'c [String],
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Identity<'c> {
    #[serde(rename = "clientID")]
    client_id: &'c str,
    /// `application` or `managedIdentity`.
    kind: &'static str,
    #[serde(rename = "resourceID", skip_serializing_if = "Option::is_none")]
    resource_id: Option<String>,
    /// How many credentials it would hold.
    total: usize,
    credentials: Vec<Wanted<'c>>,
    /// Those that exist and should not.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    superfluous: Vec<Superfluous<'c>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Wanted<'c> {
    name: String,
    issuer: &'c str,
    subject: String,
    audiences: [&'c str; 1],
    namespace: &'c str,
    service_account: &'c str,
    #[serde(rename = "tenantIDs")]
    tenant_ids: Vec<&'c str>,
    /// Where the client ID comes from.
    sources: Vec<&'c str>,
    used_by: Vec<&'c str>,
    /// What is known of it, if there is something to compare with.
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<&'static str>,
    /// What the one that exists has instead.
    #[serde(skip_serializing_if = "Option::is_none")]
    found: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Superfluous<'c> {
    name: &'c str,
    issuer: Option<&'c str>,
    subject: Option<&'c str>,
    audiences: &'c [String],
    reason: &'static str,
}

/// Writes the document.
///
/// # Errors
///
/// What the output reports.
pub fn write(output: &mut impl Write, credentials: &Credentials) -> io::Result<()> {
    let identities = credentials.comparisons.iter().map(|comparison| {
        let holder = credentials.holder(&comparison.client_id);
        let wanted = credentials.named(comparison);
        let wanted = wanted.map(|(credential, name, status)| {
            let users = credentials.uses.get(credential);
            let listed = |set: fn(&Use) -> &BTreeSet<String>| {
                let texts = users.into_iter().flat_map(set);
                texts.map(String::as_str).collect()
            };
            let (status, found) = status_of(status);
            Wanted {
                name,
                issuer: &credential.issuer,
                subject: credential.subject.to_string(),
                audiences: [&credential.audience],
                namespace: &credential.subject.namespace,
                service_account: &credential.subject.name,
                tenant_ids: listed(|users| &users.tenant_ids),
                sources: listed(|users| &users.sources),
                used_by: listed(|users| &users.objects),
                status: credentials.compares.then_some(status),
                found,
            }
        });
        let superfluous = comparison
            .surplus
            .iter()
            .map(|(existing, surplus)| Superfluous {
                name: &existing.name,
                issuer: existing.issuer.as_deref(),
                subject: existing.subject.as_deref(),
                audiences: &existing.audiences,
                reason: match surplus {
                    Surplus::Superfluous => "unused",
                    Surplus::Duplicate(_) => "duplicate",
                },
            });
        Identity {
            client_id: &comparison.client_id,
            kind: if holder.is_application {
                "application"
            } else {
                "managedIdentity"
            },
            resource_id: holder.resource_id,
            total: comparison.total(),
            credentials: wanted.collect(),
            superfluous: superfluous.collect(),
        }
    });
    let document = Document {
        issuer: &credentials.issuer,
        identities: identities.collect(),
        problems: credentials.complaints.iter().map(Problem::new).collect(),
        notes: &credentials.remarks.notes,
    };
    writeln!(
        output,
        "{}",
        escaped(&serde_json::to_string_pretty(&document)?)
    )
}

/// A status by its name, and what was found instead.
fn status_of(status: &Status) -> (&'static str, Option<String>) {
    match status {
        Status::Unknown => ("unknown", None),
        Status::Exists(_) => ("exists", None),
        Status::Missing => ("missing", None),
        Status::Differs { difference, .. } => match difference {
            Difference::Audience(found) => ("wrongAudience", Some(found.join(", "))),
            Difference::IssuerNearly(found) | Difference::IssuerInCluster(found) => {
                ("wrongIssuer", Some(found.clone()))
            }
            Difference::Issuer(found) => ("otherIssuer", Some(found.clone())),
            Difference::Namespace(found) => ("wrongNamespace", Some(found.clone())),
            Difference::SubjectNearly(found) => ("wrongSubject", Some(found.clone())),
        },
    }
}
