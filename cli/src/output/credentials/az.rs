//! Commands of the Azure CLI, for sh.

use anyhow::{Result, bail};
use azure_workload_identity_policy::messages::Excerpt;
use serde_json::json;

use crate::commands::credentials::Credentials;
use crate::entra::comparison::{Comparison, Status};
use crate::entra::credential::Credential;
use crate::entra::existing::Holder;

/// The commands that make what there should be of what there is. What exists stays: nothing is deleted.
pub fn script(credentials: &Credentials) -> Result<String> {
    let mut script = "#!/bin/sh\n# Makes federated identity credentials. To be run by sh, after az login.\nset -eu\n".to_owned();
    let start = script.len();
    for comparison in &credentials.comparisons {
        script.push_str(&commands(credentials, comparison)?);
    }
    if script.len() == start {
        // Pods that were warned about may need one.
        script.push_str(
            "echo 'Nothing to make: of the credentials that azwi-policy could work out, none is missing.'\n",
        );
    }
    Ok(script)
}

/// The commands of one identity.
fn commands(credentials: &Credentials, comparison: &Comparison) -> Result<String> {
    let client_id = &comparison.client_id;
    let holder = credentials.holder(client_id);
    let mut commands = String::new();
    for (credential, name, status) in credentials.named(comparison) {
        let verb = match status {
            Status::Exists(_) => continue,
            Status::Differs { difference, .. } if difference.is_mended_by_update() => "update",
            _ => "create",
        };
        commands.push_str(&if holder.is_application {
            of_application(client_id, verb, credential, &name)?
        } else {
            let subscription = holder.subscription().map(argument).transpose()?;
            let subscription =
                subscription.map(|subscription| format!(" --subscription {subscription}"));
            of_managed_identity(verb, credential, &name, &subscription.unwrap_or_default())?
        });
    }
    if commands.is_empty() {
        return Ok(commands);
    }
    Ok(if holder.is_application {
        format!("\n# Application {client_id}\n{commands}")
    } else {
        let start = find(client_id, &holder)?;
        format!("\n# Managed identity {client_id}\n{start}{commands}")
    })
}

/// Sets the variables `identity` and `group` to where a managed identity is.
fn find(client_id: &str, holder: &Holder) -> Result<String> {
    if let (Some(name), Some(group)) = (holder.name(), holder.resource_group()) {
        return Ok(format!(
            "identity={}\ngroup={}\n",
            quoted(name)?,
            quoted(group)?
        ));
    }
    let query = |field: &str| {
        format!("$(az identity list --query \"[?clientId=='{client_id}'].{field}\" --output tsv)")
    };
    Ok(format!(
        "identity={}\ngroup={}\n[ -n \"$identity\" ] || {{ echo \"error: no managed identity with client ID {client_id} in this subscription; \
         help: if it is an application, give --application {client_id}\" >&2; exit 1; }}\n",
        query("name"),
        query("resourceGroup"),
    ))
}

fn of_managed_identity(
    verb: &str,
    credential: &Credential,
    name: &str,
    subscription: &str,
) -> Result<String> {
    Ok(format!(
        "az identity federated-credential {verb}{subscription} --identity-name \"$identity\" --resource-group \"$group\" \\\n  \
         --name {} \\\n  --issuer {} \\\n  --subject {} \\\n  --audiences {}\n",
        argument(name)?,
        argument(&credential.issuer)?,
        argument(&credential.subject.to_string())?,
        argument(&credential.audience)?,
    ))
}

fn of_application(
    client_id: &str,
    verb: &str,
    credential: &Credential,
    name: &str,
) -> Result<String> {
    let parameters = json!({
        "name": name,
        "issuer": credential.issuer,
        "subject": credential.subject.to_string(),
        "audiences": [credential.audience],
    });
    let which = match verb {
        "update" => format!(" --federated-credential-id {}", argument(name)?),
        _ => String::new(),
    };
    Ok(format!(
        "az ad app federated-credential {verb} --id {client_id}{which} \\\n  --parameters {}\n",
        argument(&parameters.to_string())?,
    ))
}

/// A text that az takes as the value of a flag.
fn argument(text: &str) -> Result<String> {
    if text.starts_with(['@', '-']) {
        bail!(
            "az takes {} for a file or a flag; help: use another format, such as -o bicep",
            Excerpt::new(text)
        );
    }
    quoted(text)
}

/// A text that sh takes as it is.
fn quoted(text: &str) -> Result<String> {
    let Ok(quoted) = shlex::try_quote(text) else {
        bail!("a shell cannot have {} in a command", Excerpt::new(text));
    };
    Ok(quoted.into_owned())
}
