//! Metadata of pods, of workloads and of ServiceAccounts.

use arbitrary::{Result, Unstructured};
use serde_json::{Value, json};

use super::text::{maybe, name, one_in, one_of, private, private_value};

pub const CLIENT_ID: &str = "8f1c2a7e-5d3b-4c59-9a57-0b6f4f0f9d11";
pub const TENANT_ID: &str = "aaaabbbb-0000-cccc-1111-dddd2222eeee";

/// The names of ServiceAccounts.
pub const NAMES: [&str; 3] = ["fed-sa", "default", "a.b-c"];

/// Usually one that Kubernetes accepts.
const EXPIRATIONS: [&str; 12] = [
    "3600",
    "86400",
    "7200",
    "3600",
    "86400",
    "7200",
    "3601",
    "",
    "3599",
    "1h",
    " 3600",
    "\u{664}\u{0}",
];

/// Keys that look like ours.
const STRAYS: [&str; 8] = [
    "azure.workload.identity/clientid",
    "azure.workload.identity/client-id",
    "azure.workload.identity/use",
    "azure.workload.identity/Use",
    "azure.workload.identity/use-other",
    "azure.workload.identity/username",
    "azure.workload.identity/",
    "azure-workload-identity/use",
];

/// A ServiceAccount, usually with a client ID, sometimes with an invalid one.
pub fn service_account(u: &mut Unstructured<'_>) -> Result<Value> {
    let mut annotations = json!({});
    if !one_in(u, 6)? {
        annotations["azure.workload.identity/client-id"] = match one_in(u, 3)? {
            true => malformed(u)?.into(),
            false => CLIENT_ID.into(),
        };
    }
    maybe(
        u,
        4,
        &mut annotations,
        "azure.workload.identity/tenant-id",
        |u| {
            Ok(match one_in(u, 3)? {
                true => malformed(u)?.into(),
                false => one_of(u, &[TENANT_ID, "contoso.com"])?.into(),
            })
        },
    )?;
    maybe(u, 5, &mut annotations, EXPIRATION, |u| {
        Ok(one_of(u, &EXPIRATIONS)?.into())
    })?;
    maybe(
        u,
        8,
        &mut annotations,
        "azure.workload.identity/use",
        |_| Ok("true".into()),
    )?;
    stray(u, &mut annotations, CLIENT_ID)?;
    strangers(u, &mut annotations)?;
    let mut labels = json!({});
    maybe(u, 2, &mut labels, "azure.workload.identity/use", |u| {
        Ok(one_of(u, &["true", "", "false"])?.into())
    })?;
    strangers(u, &mut labels)?;
    let mut object = json!({
        "apiVersion": "v1",
        "kind": "ServiceAccount",
        "metadata": {"name": one_of(u, &NAMES)?, "namespace": "default"},
    });
    if !one_in(u, 12)? {
        object["metadata"]["annotations"] = annotations;
    }
    match u.int_in_range(0..=7)? {
        6 => {}
        7 => object["metadata"]["labels"] = Value::Null,
        _ => object["metadata"]["labels"] = labels,
    }
    maybe(u, 4, &mut object, "secrets", |u| {
        Ok(json!([{"name": private(u)?}]))
    })?;
    maybe(u, 4, &mut object, "imagePullSecrets", |u| {
        Ok(json!([{"name": private(u)?}]))
    })?;
    Ok(object)
}

/// What is no client ID, and usually no tenant either.
fn malformed(u: &mut Unstructured<'_>) -> Result<String> {
    const MALFORMED: [&str; 9] = [
        "my-app",
        "",
        " ",
        "common",
        "é.example",
        "$(SECRET)$(AZURE_CLIENT_ID)",
        "8F1C2A7E-5D3B-4C59-9A57-0B6F4F0F9D11\n",
        "{8f1c2a7e-5d3b-4c59-9a57-0b6f4f0f9d11}",
        "\"\\\u{0}\u{1b}",
    ];
    match one_in(u, 8)? {
        true => Ok("c".repeat(*u.choose(&[253, 254, 20_000])?)),
        false => one_of(u, &MALFORMED),
    }
}

pub const EXPIRATION: &str = "azure.workload.identity/service-account-token-expiration";

/// The metadata of a pod, which usually opts in; `containers` are names that its annotations may mention.
pub fn of_pod(u: &mut Unstructured<'_>, containers: &[String]) -> Result<Value> {
    let mut metadata = json!({});
    match u.int_in_range(0..=5)? {
        0..=2 => metadata["name"] = name(u, &["demo", "a", "web-0.x"])?.into(),
        3 | 4 => metadata["generateName"] = name(u, &["demo-7d9c6b9c5d-", "é-"])?.into(),
        _ => {
            metadata["name"] = "demo-1".into();
            metadata["generateName"] = "demo-".into();
        }
    }
    maybe(u, 16, &mut metadata, "namespace", |u| {
        Ok(one_of(u, &["default", "kube-system"])?.into())
    })?;
    let mut labels = json!({});
    if !one_in(u, 10)? {
        labels["azure.workload.identity/use"] = match one_in(u, 6)? {
            true => one_of(u, &["false", "True", "", " true", "1"])?.into(),
            false => "true".into(),
        };
    }
    stray(u, &mut labels, "true")?;
    strangers(u, &mut labels)?;
    match u.int_in_range(0..=31)? {
        30 => {}
        31 => metadata["labels"] = Value::Null,
        _ => metadata["labels"] = labels,
    }
    let mut annotations = json!({});
    maybe(
        u,
        4,
        &mut annotations,
        "azure.workload.identity/skip-containers",
        |u| {
            let mut names = String::new();
            for _ in 0..u.int_in_range(1..=4)? {
                let name = match u.int_in_range(0..=9)? {
                    8 => name(u, &["azwi-proxy", "azwi-proxy-init", "ap-0", "c"])?,
                    9 => "n".repeat(63),
                    _ => u.choose(containers)?.clone(),
                };
                names.push_str(&name);
                names.push_str(&one_of(u, &[";", " ; ", ",", ";;"])?);
            }
            Ok(names.into())
        },
    )?;
    maybe(u, 5, &mut annotations, EXPIRATION, |u| {
        Ok(one_of(u, &EXPIRATIONS)?.into())
    })?;
    maybe(
        u,
        4,
        &mut annotations,
        "azure.workload.identity/inject-proxy-sidecar",
        |u| Ok(one_of(u, &["true", "true", "true", "false", "", "yes"])?.into()),
    )?;
    maybe(
        u,
        8,
        &mut annotations,
        "azure.workload.identity/proxy-sidecar-port",
        |u| Ok(one_of(u, &["8080", "1", "65535", "0", "http", "", "+80", "08000"])?.into()),
    )?;
    maybe(
        u,
        3,
        &mut annotations,
        "azure.workload.identity/use-identity-binding",
        |u| Ok(one_of(u, &["true", "true", "TRUE", "false", "", "1", "0", "no"])?.into()),
    )?;
    if one_in(u, 3)? {
        injectors(u, &mut annotations)?;
    }
    stray(u, &mut annotations, CLIENT_ID)?;
    maybe(
        u,
        48,
        &mut annotations,
        "kubernetes.io/config.mirror",
        |_| Ok("mirror".into()),
    )?;
    strangers(u, &mut annotations)?;
    match u.int_in_range(0..=11)? {
        10 => metadata["annotations"] = Value::Null,
        11 => {}
        _ => metadata["annotations"] = annotations,
    }
    maybe(u, 4, &mut metadata, "ownerReferences", |u| {
        Ok(json!([{
            "apiVersion": "apps/v1", "kind": "ReplicaSet", "name": private(u)?, "uid": private(u)?,
            "controller": true,
        }]))
    })?;
    maybe(u, 6, &mut metadata, "finalizers", |u| {
        Ok(json!([private(u)?]))
    })?;
    maybe(u, 8, &mut metadata, "managedFields", |u| {
        Ok(json!([{"manager": private(u)?, "fieldsV1": {"f:metadata": {"f:labels": {}}}}]))
    })?;
    maybe(u, 12, &mut metadata, "deletionTimestamp", |_| {
        Ok(Value::Null)
    })?;
    Ok(metadata)
}

/// Asks other webhooks for containers, Dapr most of all.
fn injectors(u: &mut Unstructured<'_>, annotations: &mut Value) -> Result<()> {
    annotations["dapr.io/enabled"] = one_of(u, &["true", "True", "yes", "false"])?.into();
    maybe(u, 2, annotations, "dapr.io/env", |u| {
        let all = [
            "A=1",
            "A=1,AZURE_CLIENT_ID=mine, B=2",
            "",
            " ",
            "a,,b",
            "=x,EXTRA_0=",
        ];
        Ok(one_of(u, &all)?.into())
    })?;
    for key in ["dapr.io/volume-mounts", "dapr.io/volume-mounts-rw"] {
        maybe(u, 3, annotations, key, |u| {
            let all = [
                "volume-0:/data",
                "azure-identity-token:/t",
                "x:/var/run/secrets/azure/tokens",
                "a,b:/c:d",
                "",
            ];
            Ok(one_of(u, &all)?.into())
        })?;
    }
    maybe(u, 3, annotations, "linkerd.io/inject", |u| {
        Ok(one_of(u, &["enabled", "disabled"])?.into())
    })?;
    maybe(u, 3, annotations, "vault.hashicorp.com/agent-inject", |u| {
        private_value(u)
    })
}

/// The metadata of a workload.
pub fn of_workload(u: &mut Unstructured<'_>) -> Result<Value> {
    let mut metadata = json!({"namespace": "default"});
    let field = one_of(u, &["name", "name", "generateName"])?;
    metadata[field] = name(u, &["web"])?.into();
    maybe(u, 3, &mut metadata, "labels", |u| {
        let mut labels = json!({});
        maybe(u, 2, &mut labels, "azure.workload.identity/use", |_| {
            Ok("true".into())
        })?;
        strangers(u, &mut labels)?;
        Ok(labels)
    })?;
    maybe(u, 3, &mut metadata, "annotations", |u| {
        let mut annotations = json!({});
        strangers(u, &mut annotations)?;
        Ok(annotations)
    })?;
    Ok(metadata)
}

/// Sometimes a key that looks like ours.
fn stray(u: &mut Unstructured<'_>, entries: &mut Value, value: &str) -> Result<()> {
    if one_in(u, 12)? {
        entries[one_of(u, &STRAYS)?] = value.into();
    }
    Ok(())
}

/// Labels or annotations of others.
fn strangers(u: &mut Unstructured<'_>, entries: &mut Value) -> Result<()> {
    for _ in 0..u.int_in_range(0..=2)? {
        let key = one_of(u, &["app.kubernetes.io/name", "example.com/checksum", ""])?;
        let key = if key.is_empty() { private(u)? } else { key };
        // A key of our prefix is ours, whoever wrote it.
        entries[key] = private_value(u)?;
    }
    Ok(())
}
