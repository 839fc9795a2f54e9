//! Containers, init containers and ephemeral containers.

use arbitrary::{Result, Unstructured};
use serde_json::{Value, json};

use super::metadata::{CLIENT_ID, TENANT_ID};
use super::pod::unknown;
use super::text::{list, maybe, one_in, one_of, private};

/// The kinds of containers.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Ordinary,
    Init,
    Ephemeral,
}

/// Paths where the token volume goes in one of the layouts, and paths near it.
const PATHS_OF_OURS: [&str; 10] = [
    "/var/run/secrets/tokens",
    "/var/run/secrets/azure/tokens",
    "/var/run/secrets/azure/wi",
    "/var/run/secrets/azure/tokens/",
    "//var/run/./secrets/azure/tokens/x",
    "/var/run/secrets/azure",
    "/var/run/secrets/azure/tokens-2",
    "/var/run/secrets/azure/wi/2a97516c354b68848cdbd8f54a226a",
    "/var/run/secrets",
    "/",
];

/// A container, as item `index` of its list, that mounts some of `volumes`.
pub fn container(
    u: &mut Unstructured<'_>,
    kind: Kind,
    index: usize,
    volumes: &Value,
) -> Result<Value> {
    let (prefix, special) = match kind {
        Kind::Ordinary => ("app", "azwi-proxy"),
        Kind::Init => ("init", "azwi-proxy-init"),
        Kind::Ephemeral => ("debug", "debug"),
    };
    let name = match one_in(u, 24)? && index == 0 {
        true => special.to_owned(),
        false => format!("{prefix}-{index}"),
    };
    let mut container = json!({"name": name, "image": private(u)?});
    maybe(u, 2, &mut container, "env", env)?;
    maybe(u, 2, &mut container, "volumeMounts", |u| {
        volume_mounts(u, volumes)
    })?;
    maybe(u, 6, &mut container, "envFrom", |u| {
        Ok(json!([
            {"prefix": "AZURE_", "secretRef": {"name": private(u)?, "optional": true}},
            {"configMapRef": {"name": private(u)?}},
        ]))
    })?;
    maybe(u, 6, &mut container, "command", |u| {
        Ok(json!([private(u)?]))
    })?;
    maybe(u, 6, &mut container, "args", |u| {
        Ok(json!([private(u)?, ""]))
    })?;
    maybe(u, 6, &mut container, "ports", |u| {
        list(u, 0..=2, |u, index| {
            let mut port = json!({"containerPort": 80 + index});
            maybe(u, 4, &mut port, "containerPort", |_| Ok(8000.into()))?;
            maybe(u, 2, &mut port, "protocol", |u| {
                Ok(one_of(u, &["TCP", "UDP"])?.into())
            })?;
            maybe(u, 3, &mut port, "name", |u| Ok(private(u)?.into()))?;
            Ok(port)
        })
    })?;
    maybe(u, 6, &mut container, "livenessProbe", |u| {
        Ok(
            json!({"httpGet": {"path": private(u)?, "port": "http", "httpHeaders": [
            {"name": "Authorization", "value": private(u)?},
        ]}, "periodSeconds": 10}),
        )
    })?;
    maybe(u, 6, &mut container, "readinessProbe", |u| {
        Ok(json!({"exec": {"command": [private(u)?]}, "failureThreshold": 3}))
    })?;
    maybe(u, 6, &mut container, "startupProbe", |_| {
        Ok(json!({"grpc": {"port": 9000, "service": ""}, "tcpSocket": {"port": 1}}))
    })?;
    maybe(u, 6, &mut container, "lifecycle", |u| {
        Ok(
            json!({"preStop": {"sleep": {"seconds": 5}}, "postStart": {"exec": {"command": [private(u)?]}}}),
        )
    })?;
    maybe(u, 6, &mut container, "resources", |_| {
        Ok(json!({"limits": {"cpu": "1.50", "memory": "1e3"}, "claims": [{"name": "gpu"}]}))
    })?;
    maybe(u, 6, &mut container, "securityContext", |_| {
        Ok(
            json!({"readOnlyRootFilesystem": true, "capabilities": {"drop": ["ALL"]}, "runAsUser": 1}),
        )
    })?;
    maybe(u, 8, &mut container, "volumeDevices", |_| {
        Ok(json!([{"name": "block", "devicePath": "/dev/block"}]))
    })?;
    maybe(u, 8, &mut container, "restartPolicy", |_| {
        Ok("Always".into())
    })?;
    maybe(u, 8, &mut container, "futureField", unknown)?;
    Ok(container)
}

/// Environment variables: others' and ours, with `value` and `valueFrom`.
fn env(u: &mut Unstructured<'_>) -> Result<Value> {
    if one_in(u, 10)? {
        return Ok(u.choose(&[Value::Null, json!([])])?.clone());
    }
    let mut left = vec![
        "AZURE_AUTHORITY_HOST",
        "AZURE_FEDERATED_TOKEN_FILE",
        "AZURE_TENANT_ID",
        "AZURE_CLIENT_ID",
        "AZURE_KUBERNETES_TOKEN_PROXY",
    ];
    list(u, 0..=3, |u, index| {
        let name = match one_in(u, 3)? {
            true => left.remove(u.choose_index(left.len())?).to_owned(),
            false => format!("VARIABLE_{index}"),
        };
        let mut variable = json!({"name": name});
        match u.int_in_range(0..=8)? {
            0 => {}
            1 => {
                variable["valueFrom"] =
                    json!({"secretKeyRef": {"name": private(u)?, "key": private(u)?}})
            }
            2 => {
                variable["valueFrom"] =
                    json!({"configMapKeyRef": {"name": private(u)?, "key": "k", "optional": true}})
            }
            3 => variable["valueFrom"] = json!({"fieldRef": {"fieldPath": "metadata.name"}}),
            4 => {
                variable["valueFrom"] =
                    json!({"resourceFieldRef": {"resource": "limits.cpu", "divisor": "1m"}})
            }
            5 => variable["value"] = one_of(u, &[CLIENT_ID, TENANT_ID, "", "contoso.com"])?.into(),
            _ => variable["value"] = private(u)?.into(),
        }
        Ok(variable)
    })
}

/// Mounts of some volumes, each at its own path.
fn volume_mounts(u: &mut Unstructured<'_>, volumes: &Value) -> Result<Value> {
    let mut mounts = Vec::new();
    for (index, volume) in volumes.as_array().into_iter().flatten().enumerate() {
        if one_in(u, 3)? {
            continue;
        }
        let mut mount = json!({"name": volume["name"], "mountPath": format!("/mnt/{index}")});
        if one_in(u, 16)? {
            let path = format!("{}/{index}", u.choose(&PATHS_OF_OURS)?);
            mount["mountPath"] = path.into();
        } else if mounts.is_empty() && one_in(u, 16)? {
            mount["mountPath"] = one_of(u, &PATHS_OF_OURS)?.into();
        }
        maybe(u, 4, &mut mount, "readOnly", |u| {
            Ok(u.arbitrary::<bool>()?.into())
        })?;
        maybe(u, 8, &mut mount, "subPath", |u| {
            Ok(one_of(u, &["", "part"])?.into())
        })?;
        maybe(u, 8, &mut mount, "subPathExpr", |u| {
            Ok(one_of(u, &["", "$(POD)"])?.into())
        })?;
        maybe(u, 8, &mut mount, "mountPropagation", |_| Ok("None".into()))?;
        maybe(u, 8, &mut mount, "recursiveReadOnly", |_| {
            Ok("Disabled".into())
        })?;
        maybe(u, 12, &mut mount, "futureField", unknown)?;
        mounts.push(mount);
    }
    if mounts.is_empty() && one_in(u, 10)? {
        return Ok(Value::Null);
    }
    Ok(Value::Array(mounts))
}
