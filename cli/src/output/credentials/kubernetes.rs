//! Objects of operators that make credentials: Azure Service Operator and Crossplane.

use anyhow::{Result, bail};
use serde_json::{Value, json};

use crate::commands::credentials::Credentials;
use crate::entra::credential::Credential;

/// What makes an object of a credential: the credential, its name, and the resource or object ID of whose it is.
type Object = fn(&Credential, &str, &str) -> Value;

/// Objects of Azure Service Operator, each in the namespace of its ServiceAccount.
pub fn service_operator(credentials: &Credentials) -> Result<String> {
    let of_identity = |credential: &Credential, name: &str, id: &str| {
        json!({
            "apiVersion": "managedidentity.azure.com/v1api20230131",
            "kind": "FederatedIdentityCredential",
            "metadata": {
                "name": object_name(credential),
                "namespace": credential.subject.namespace,
            },
            "spec": {
                "azureName": name,
                "owner": {"armId": id},
                "issuer": credential.issuer,
                "subject": credential.subject.to_string(),
                "audiences": [credential.audience],
            },
        })
    };
    objects(credentials, of_identity, None)
}

/// Objects of Crossplane's providers for Azure and for Entra.
pub fn crossplane(credentials: &Credentials) -> Result<String> {
    let of_identity = |credential: &Credential, name: &str, id: &str| {
        json!({
            "apiVersion": "managedidentity.azure.upbound.io/v1beta1",
            "kind": "FederatedIdentityCredential",
            "metadata": {
                "name": object_name(credential),
                "annotations": {"crossplane.io/external-name": name},
            },
            "spec": {"forProvider": {
                "parentId": id,
                "resourceGroupName": id.split('/').nth(4).unwrap_or_default(),
                "issuer": credential.issuer,
                "subject": credential.subject.to_string(),
                "audience": [credential.audience],
            }},
        })
    };
    let of_application = |credential: &Credential, name: &str, id: &str| {
        json!({
            "apiVersion": "applications.azuread.upbound.io/v1beta1",
            "kind": "FederatedIdentityCredential",
            "metadata": {"name": object_name(credential)},
            "spec": {"forProvider": {
                "applicationId": format!("/applications/{id}"),
                "displayName": name,
                "issuer": credential.issuer,
                "subject": credential.subject.to_string(),
                "audiences": [credential.audience],
            }},
        })
    };
    objects(credentials, of_identity, Some(of_application))
}

/// The objects as YAML, each after a line `---`.
fn objects(
    credentials: &Credentials,
    of_identity: Object,
    of_application: Option<Object>,
) -> Result<String> {
    let mut text = String::new();
    for comparison in &credentials.comparisons {
        if comparison.wanted.is_empty() {
            continue;
        }
        let client_id = &comparison.client_id;
        let holder = credentials.holder(client_id);
        let (object, id, list) = if holder.is_application {
            let Some(object) = of_application else {
                bail!(
                    "{client_id}: Azure Service Operator makes no credentials of applications; help: use another format, such as -o az"
                );
            };
            (object, &holder.object_id, "az ad app list")
        } else {
            (of_identity, &holder.resource_id, "az identity list")
        };
        let Some(id) = id else {
            bail!(
                "{client_id}: its resource ID is not known; help: give --existing FILE with what {list} prints"
            );
        };
        for (credential, name, _) in credentials.named(comparison) {
            text.push_str("---\n");
            text.push_str(&yaml_serde::to_string(&object(credential, &name, id))?);
        }
    }
    Ok(text)
}

/// The name of an object.
fn object_name(credential: &Credential) -> String {
    credential.identifier().to_lowercase().replace('_', "-")
}
