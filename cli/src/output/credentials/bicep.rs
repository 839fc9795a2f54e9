//! A Bicep file.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use anyhow::{Result, bail};
use serde_json::{Map, Value};

use crate::commands::credentials::Credentials;
use crate::entra::comparison::Comparison;

/// The API version of managed identities, and of their credentials.
const MANAGED_IDENTITY: &str = "Microsoft.ManagedIdentity/userAssignedIdentities";

/// The version of that API.
const VERSION: &str = "2023-01-31";

/// The file, which is for the resource group of the managed identities.
///
/// # Errors
///
/// Identities of several resource groups, which one file cannot be for.
pub fn file(credentials: &Credentials) -> Result<String> {
    let comparisons = credentials.comparisons.iter();
    let comparisons = comparisons.filter(|comparison| !comparison.wanted.is_empty());
    let (applications, identities): (Vec<_>, Vec<_>) = comparisons
        .partition(|comparison| credentials.holder(&comparison.client_id).is_application);
    let groups = identities.iter().filter_map(|comparison| {
        let holder = credentials.holder(&comparison.client_id);
        let (subscription, group) = (holder.subscription()?, holder.resource_group()?);
        Some(format!("{subscription}/{group}").to_lowercase())
    });
    let groups: BTreeSet<String> = groups.collect();
    if groups.len() > 1 {
        let groups: Vec<_> = groups.into_iter().collect();
        bail!(
            "a Bicep file is for one resource group, and the identities are in several: {}; help: use -o az or -o terraform",
            groups.join(", ")
        );
    }
    let mut file = String::new();
    if !applications.is_empty() {
        file.push_str("// Needs microsoftGraphV1 among the extensions of bicepconfig.json.\nextension microsoftGraphV1\n\n");
    }
    if !identities.is_empty() {
        let names = identities.iter().map(|comparison| {
            let holder = credentials.holder(&comparison.client_id);
            (
                comparison.client_id.as_str(),
                holder.name().map(str::to_owned),
            )
        });
        let what = "The name of each managed identity, by its client ID.";
        file.push_str(&parameter("identityNames", what, names));
    }
    if !applications.is_empty() {
        let names = applications.iter();
        let names = names.map(|comparison| (comparison.client_id.as_str(), None));
        let what = "The uniqueName of each application, by its client ID.";
        file.push_str(&parameter("applicationNames", what, names));
    }
    for comparison in identities {
        file.push_str(&of_managed_identity(credentials, comparison));
    }
    for comparison in applications {
        file.push_str(&of_application(credentials, comparison));
    }
    Ok(file)
}

/// A parameter that is an object of names, with a default if all are known.
fn parameter<'n>(
    name: &str,
    what: &str,
    names: impl Iterator<Item = (&'n str, Option<String>)>,
) -> String {
    let names: Vec<_> = names.collect();
    let known: Option<Map<String, Value>> = names
        .iter()
        .map(|(client_id, name)| Some(((*client_id).to_owned(), name.clone()?.into())))
        .collect();
    let mut text = format!("@description({})\nparam {name} object", string(what));
    if let Some(known) = known {
        text.push_str(" = {\n");
        for (client_id, name) in known {
            let name = name.as_str().unwrap_or_default();
            _ = writeln!(text, "  {}: {}", string(&client_id), string(name));
        }
        text.push('}');
    }
    text.push_str("\n\n");
    text
}

/// A managed identity and its credentials, one after the other: it takes no two at once.
fn of_managed_identity(credentials: &Credentials, comparison: &Comparison) -> String {
    let client_id = &comparison.client_id;
    let holder = credentials.holder(client_id);
    let parent = format!("identity_{}", client_id.replace('-', ""));
    let group = holder.resource_group();
    let group = group.map_or_else(String::new, |group| {
        format!(" in resource group {}", string(group))
    });
    let mut text = format!(
        "// Managed identity {client_id}{group}\nresource {parent} '{MANAGED_IDENTITY}@{VERSION}' existing = {{\n  name: identityNames[{}]\n}}\n\n",
        string(client_id)
    );
    let mut before: Option<String> = None;
    for (credential, name, _) in credentials.named(comparison) {
        let symbol = symbol(&credential.identifier());
        let depends = before.map_or_else(String::new, |before| {
            format!("  dependsOn: [\n    {before}\n  ]\n")
        });
        _ = write!(
            text,
            "resource {symbol} '{MANAGED_IDENTITY}/federatedIdentityCredentials@{VERSION}' = {{\n  parent: {parent}\n  name: {}\n  \
             properties: {{\n    issuer: {}\n    subject: {}\n    audiences: [\n      {}\n    ]\n  }}\n{depends}}}\n\n",
            string(&name),
            string(&credential.issuer),
            string(&credential.subject.to_string()),
            string(&credential.audience),
        );
        before = Some(symbol);
    }
    text
}

/// The credentials of an application.
fn of_application(credentials: &Credentials, comparison: &Comparison) -> String {
    let client_id = &comparison.client_id;
    let parent = format!("application_{}", client_id.replace('-', ""));
    let mut text = format!(
        "// Application {client_id}\nresource {parent} 'Microsoft.Graph/applications@v1.0' existing = {{\n  uniqueName: applicationNames[{}]\n}}\n\n",
        string(client_id)
    );
    for (credential, name, _) in credentials.named(comparison) {
        let symbol = symbol(&credential.identifier());
        let name = string(&name);
        let name = name.trim_matches('\'');
        _ = write!(
            text,
            "resource {symbol} 'Microsoft.Graph/applications/federatedIdentityCredentials@v1.0' = {{\n  \
             name: '${{{parent}.uniqueName}}/{name}'\n  issuer: {}\n  subject: {}\n  audiences: [\n    {}\n  ]\n}}\n\n",
            string(&credential.issuer),
            string(&credential.subject.to_string()),
            string(&credential.audience),
        );
    }
    text
}

/// A name within the file.
fn symbol(identifier: &str) -> String {
    format!("credential_{}", identifier.replace('-', "_"))
}

/// A string of Bicep.
fn string(text: &str) -> String {
    let mut string = "'".to_owned();
    for character in text.chars() {
        match character {
            '\\' | '\'' => string.extend(['\\', character]),
            '$' => string.push_str("\\$"),
            '\n' => string.push_str("\\n"),
            '\r' => string.push_str("\\r"),
            '\t' => string.push_str("\\t"),
            control if control.is_control() => {
                _ = write!(string, "\\u{{{:x}}}", u32::from(control));
            }
            other => string.push(other),
        }
    }
    string.push('\'');
    string
}
