//! `azwi-policy grant`: the objects that permit ServiceAccounts and people to use an identity.

use anyhow::{Result, bail};
use azure_workload_identity_policy::messages::Excerpt;
use azure_workload_identity_policy::settings::authorization::Authorization;
use azure_workload_identity_policy::values;
use clap::Args;
use serde_json::{Value, json};

use crate::commands::arguments::checked;
use crate::kubewarden::rbac;

const AFTER_HELP: &str = "The output is a ClusterRole and a ClusterRoleBinding; a RoleBinding would not do, because \
identities are not in a namespace. To apply the output takes the identity from all others whom a binding of the same name \
gave it: name them too, or give it another --name.

Exit status: 0; 2 if arguments are wrong.

Examples:
  Let a ServiceAccount use an identity:
    azwi-policy grant 8f1c2a7e-5d3b-4c59-9a57-0b6f4f0f9d11 team-a/api | kubectl apply -f -
  All ServiceAccounts of a namespace:
    azwi-policy grant 8f1c2a7e-5d3b-4c59-9a57-0b6f4f0f9d11 'team-a/*'
  Those who may give the identity to ServiceAccounts, if the policy asks for that:
    azwi-policy grant 8f1c2a7e-5d3b-4c59-9a57-0b6f4f0f9d11 --group admins";

/// The arguments of `azwi-policy grant`.
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub struct GrantArgs {
    /// The client ID of the identity.
    #[arg(value_name = "CLIENT_ID")]
    pub client_id: String,
    /// The ServiceAccounts, as namespace/name; namespace/* for all of a namespace.
    #[arg(value_name = "NAMESPACE/SERVICEACCOUNT")]
    pub accounts: Vec<String>,
    /// A user; may be given several times.
    #[arg(long, value_name = "NAME")]
    pub user: Vec<String>,
    /// A group of users; may be given several times.
    #[arg(long, value_name = "NAME")]
    pub group: Vec<String>,
    /// What the two objects are called; the verb, a hyphen and the client ID unless it is given.
    #[arg(long, value_name = "NAME")]
    pub name: Option<String>,
    /// The verb, as in the policy's setting authorization.verb.
    #[arg(long, value_name = "VERB", default_value_t = Authorization::default().verb.into_owned())]
    pub verb: String,
    /// The API group, as in the policy's setting authorization.group.
    #[arg(long, value_name = "GROUP", default_value_t = Authorization::default().group.into_owned())]
    pub api_group: String,
}

/// The two objects as YAML, each after a line `---`, so that several outputs in a row are YAML too.
///
/// # Errors
///
/// Arguments that are not what they should be.
pub fn grant(args: &GrantArgs) -> Result<String> {
    let client_id = &args.client_id;
    let client_id = checked("CLIENT_ID", client_id, values::client_id)?.to_lowercase();
    let verb = checked("--verb", &args.verb, values::verb)?;
    let api_group = checked("--api-group", &args.api_group, values::api_group)?;
    let name = match &args.name {
        Some(name) if rbac::is_name(name) => name.clone(),
        Some(name) => bail!(
            "--name: expected a name without \"/\" and \"%\", found {}",
            Excerpt::new(name)
        ),
        None => format!("{verb}-{client_id}"),
    };
    let role = json!({
        "apiVersion": rbac::API_VERSION,
        "kind": "ClusterRole",
        "metadata": {"name": name},
        "rules": [{"apiGroups": [api_group], "resources": [client_id], "verbs": [verb]}],
    });
    let binding = json!({
        "apiVersion": rbac::API_VERSION,
        "kind": "ClusterRoleBinding",
        "metadata": {"name": name},
        "roleRef": {"apiGroup": rbac::GROUP, "kind": "ClusterRole", "name": name},
        "subjects": subjects(args)?,
    });
    Ok(format!(
        "---\n{}---\n{}",
        yaml_serde::to_string(&role)?,
        yaml_serde::to_string(&binding)?
    ))
}

/// Who gets the identity, in the order of the arguments, each once.
fn subjects(args: &GrantArgs) -> Result<Vec<Value>> {
    let mut subjects: Vec<Value> = Vec::new();
    let mut add = |subject| {
        if !subjects.contains(&subject) {
            subjects.push(subject);
        }
    };
    for account in &args.accounts {
        add(accounts(account)?);
    }
    for (flag, kind, names) in [
        ("--user", "User", &args.user),
        ("--group", "Group", &args.group),
    ] {
        for name in names {
            if name.is_empty() {
                bail!("{flag}: expected a name, found \"\"");
            }
            add(named(kind, name));
        }
    }
    if subjects.is_empty() {
        bail!("expected a ServiceAccount, --user or --group, found none");
    }
    Ok(subjects)
}

/// One ServiceAccount or all of a namespace.
fn accounts(argument: &str) -> Result<Value> {
    const EXPECTED: &str = "expected NAMESPACE/SERVICEACCOUNT or NAMESPACE/*";
    let found = Excerpt::new(argument);
    let Some((namespace, name)) = argument.split_once('/') else {
        bail!("{found}: {EXPECTED}");
    };
    if namespace == "*" {
        bail!(
            "{found}: {EXPECTED}; help: for the ServiceAccounts of all namespaces, \
             give --group system:serviceaccounts"
        );
    }
    // Both are DNS labels.
    if values::container_name(namespace).is_err() {
        bail!(
            "{found}: expected a namespace: at most 63 lower-case letters, digits and inner hyphens, found {}",
            Excerpt::new(namespace)
        );
    }
    if name == "*" {
        return Ok(named(
            "Group",
            &format!("system:serviceaccounts:{namespace}"),
        ));
    }
    let name = checked(&found.to_string(), name, values::object_name)?;
    Ok(json!({"kind": "ServiceAccount", "name": name, "namespace": namespace}))
}

fn named(kind: &str, name: &str) -> Value {
    json!({"apiGroup": rbac::GROUP, "kind": kind, "name": name})
}

#[cfg(test)]
mod tests {
    use crate::input::manifests;
    use crate::kubewarden::rbac::{Rbac, Status};

    use super::*;

    const CLIENT_ID: &str = "8F1C2A7E-5D3B-4C59-9A57-0B6F4F0F9D11";

    fn args(accounts: &[&str], users: &[&str], groups: &[&str]) -> GrantArgs {
        let owned = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        GrantArgs {
            client_id: CLIENT_ID.to_owned(),
            accounts: owned(accounts),
            user: owned(users),
            group: owned(groups),
            name: None,
            verb: "use-managed-identity".to_owned(),
            api_group: "cid.wi.aks.azure.com".to_owned(),
        }
    }

    /// Whether `granted` permits a user, who is in the group `ops` or is a ServiceAccount, to use an identity.
    fn permits(granted: &str, user: &str, attributes: &Value) -> bool {
        let mut groups = vec!["system:authenticated".to_owned()];
        match user.split(':').nth(2) {
            Some(namespace) => groups.push(format!("system:serviceaccounts:{namespace}")),
            None if user == "operator" => groups.push("ops".to_owned()),
            None => {}
        }
        let manifests = manifests::read_text("f", granted).unwrap();
        let question = json!({"user": user, "groups": groups, "resource_attributes": attributes});
        let status = Rbac::among(&manifests, "default")
            .review(&serde_json::from_value(question).unwrap())
            .unwrap();
        if !status.allowed {
            assert_eq!(
                status,
                Status {
                    allowed: false,
                    reason: None
                }
            );
        }
        status.allowed
    }

    /// Kind and name of each object.
    fn names(granted: &str) -> Vec<String> {
        manifests::read_text("f", granted)
            .unwrap()
            .iter()
            .map(|manifest| format!("{} {}", manifest.kind, manifest.name().unwrap()))
            .collect()
    }

    #[test]
    fn grants_that_and_nothing_else() {
        let identity = json!({
            "group": "cid.wi.aks.azure.com",
            "resource": CLIENT_ID.to_lowercase(),
            "verb": "use-managed-identity",
        });
        let users = [
            "system:serviceaccount:team-a:api",
            "system:serviceaccount:team-a:job",
            "system:serviceaccount:team-b:api",
            "jane",
            "operator",
        ];
        for (accounts, named, groups, expected) in [
            (&["team-a/api"][..], &[][..], &[][..], &users[..1]),
            (
                &["team-a/api", "team-b/api"],
                &[],
                &[],
                &[users[0], users[2]],
            ),
            (&["team-a/*"], &[], &[], &users[..2]),
            (&[], &["jane"], &[], &[users[3]]),
            (&["team-b/api"], &["jane"], &["ops"], &users[2..]),
            (&[], &["system:serviceaccount:team-a:job"], &[], &[users[1]]),
        ] {
            let granted = grant(&args(accounts, named, groups)).unwrap();
            let permitted: Vec<_> = users
                .into_iter()
                .filter(|user| permits(&granted, user, &identity))
                .collect();
            assert_eq!(permitted, expected, "{granted}");
            for (field, other) in [
                ("group", "example.com"),
                ("resource", "1b4e28ba-2fa1-11d2-883f-0016d3cca427"),
                ("verb", "get"),
                ("subresource", "x"),
            ] {
                let mut attributes = identity.clone();
                attributes[field] = other.into();
                for user in users {
                    assert!(!permits(&granted, user, &attributes), "{user} {attributes}");
                }
            }
        }
    }

    #[test]
    fn verb_and_group_are_those_of_the_arguments() {
        let granted = grant(&GrantArgs {
            verb: "use".to_owned(),
            api_group: "example.com".to_owned(),
            name: Some("team:a".to_owned()),
            ..args(&["team-a/api"], &[], &[])
        })
        .unwrap();
        let attributes =
            json!({"group": "example.com", "resource": CLIENT_ID.to_lowercase(), "verb": "use"});
        assert!(permits(
            &granted,
            "system:serviceaccount:team-a:api",
            &attributes
        ));
        assert_eq!(
            names(&granted),
            ["ClusterRole team:a", "ClusterRoleBinding team:a"]
        );
    }

    #[test]
    fn two_outputs_in_a_row_are_four_objects() {
        let granted: String = ["team-a", "team-b"]
            .map(|team| {
                let args = GrantArgs {
                    name: Some(team.to_owned()),
                    ..args(&[&format!("{team}/api")], &[], &[])
                };
                grant(&args).unwrap()
            })
            .concat();
        assert_eq!(
            names(&granted),
            [
                "ClusterRole team-a",
                "ClusterRoleBinding team-a",
                "ClusterRole team-b",
                "ClusterRoleBinding team-b",
            ]
        );
    }
}
