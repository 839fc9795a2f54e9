//! A Terraform configuration for the providers azurerm and azuread.

use anyhow::Result;
use hcl::expr::{Expression, FuncCall, Traversal, Variable};
use hcl::{Block, Body};

use crate::commands::credentials::Credentials;
use crate::entra::comparison::{Comparison, Status};

/// The resource of a managed identity's credential.
const OF_IDENTITY: &str = "azurerm_federated_identity_credential";

/// The resource of an application's credential.
const OF_APPLICATION: &str = "azuread_application_federated_identity_credential";

/// The configuration.
pub fn configuration(credentials: &Credentials) -> Result<String> {
    let comparisons = credentials.comparisons.iter();
    let comparisons = comparisons.filter(|comparison| !comparison.wanted.is_empty());
    let (applications, identities): (Vec<_>, Vec<_>) = comparisons
        .partition(|comparison| credentials.holder(&comparison.client_id).is_application);
    let mut blocks = vec![providers(!identities.is_empty(), !applications.is_empty())];
    if identities
        .iter()
        .any(|one| resource_id(credentials, one).is_none())
    {
        blocks.push(
            Block::builder("variable")
                .add_label("identity_ids")
                .add_attribute((
                    "description",
                    "The resource ID of each managed identity, by its client ID.",
                ))
                .add_attribute((
                    "type",
                    FuncCall::builder("map")
                        .arg(Variable::new("string")?)
                        .build(),
                ))
                .build(),
        );
    }
    for comparison in identities {
        let id = match resource_id(credentials, comparison) {
            Some(id) => Expression::from(id),
            None => Traversal::builder(Variable::new("var")?)
                .attr("identity_ids")
                .index(comparison.client_id.as_str())
                .build()
                .into(),
        };
        for (credential, name, status) in credentials.named(comparison) {
            let label = label(&credential.identifier());
            if let Some(id) = resource_id(credentials, comparison).filter(|_| is_there(status)) {
                let to = Traversal::builder(Variable::new(OF_IDENTITY)?).attr(label.as_str());
                let id = format!("{id}/federatedIdentityCredentials/{name}");
                blocks.push(
                    Block::builder("import")
                        .add_attribute(("to", to.build()))
                        .add_attribute(("id", id))
                        .build(),
                );
            }
            blocks.push(
                Block::builder("resource")
                    .add_label(OF_IDENTITY)
                    .add_label(label)
                    .add_attribute(("name", name))
                    .add_attribute(("user_assigned_identity_id", id.clone()))
                    .add_attribute(("issuer", credential.issuer.as_str()))
                    .add_attribute(("subject", credential.subject.to_string()))
                    .add_attribute(("audience", vec![credential.audience.as_str()]))
                    .build(),
            );
        }
    }
    for comparison in applications {
        let application = format!("application_{}", comparison.client_id);
        blocks.push(
            Block::builder("data")
                .add_label("azuread_application")
                .add_label(application.as_str())
                .add_attribute(("client_id", comparison.client_id.as_str()))
                .build(),
        );
        let id = Traversal::builder(Variable::new("data")?)
            .attr("azuread_application")
            .attr(application.as_str())
            .attr("id")
            .build();
        for (credential, name, status) in credentials.named(comparison) {
            // To import one of an application, its ID would have to be known.
            if is_there(status) {
                continue;
            }
            blocks.push(
                Block::builder("resource")
                    .add_label(OF_APPLICATION)
                    .add_label(label(&credential.identifier()))
                    .add_attribute(("application_id", id.clone()))
                    .add_attribute(("display_name", name))
                    .add_attribute(("issuer", credential.issuer.as_str()))
                    .add_attribute(("subject", credential.subject.to_string()))
                    .add_attribute(("audiences", vec![credential.audience.as_str()]))
                    .build(),
            );
        }
    }
    Ok(hcl::to_string(&Body::from_iter(blocks))?)
}

/// Whether there is such a credential, although it may differ.
fn is_there(status: &Status) -> bool {
    match status {
        Status::Exists(_) => true,
        Status::Differs { difference, .. } => difference.is_mended_by_update(),
        Status::Missing | Status::Unknown => false,
    }
}

/// The resource ID of a managed identity, if it is known.
fn resource_id(credentials: &Credentials, comparison: &Comparison) -> Option<String> {
    credentials.holder(&comparison.client_id).resource_id
}

/// The providers, in the first versions with these arguments.
fn providers(has_identities: bool, has_applications: bool) -> Block {
    let provider = |name: &str, version: &str| {
        let source = format!("hashicorp/{name}");
        let provider = hcl::value!({ source = source, version = version });
        (name.to_owned(), provider)
    };
    let mut required = Block::builder("required_providers");
    if has_identities {
        required = required.add_attribute(provider("azurerm", ">= 4.66"));
    }
    if has_applications {
        required = required.add_attribute(provider("azuread", ">= 3.0"));
    }
    Block::builder("terraform")
        .add_block(required.build())
        .build()
}

/// A name within the configuration.
fn label(identifier: &str) -> String {
    // It begins with a letter or underscore.
    format!("credential_{identifier}")
}
