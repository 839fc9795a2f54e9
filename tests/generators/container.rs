//! Containers, init containers and ephemeral containers.

use arbitrary::{Result, Unstructured};
use serde_json::{Value, json};

use super::metadata::{CLIENT_ID, TENANT_ID};
use super::pod::unknown;
use super::text::{list, maybe, name, one_in, one_of, private};
use super::volume::BLOCK;

/// The kinds of containers.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Ordinary,
    Init,
    Ephemeral,
}

/// Directories where the token volume goes in one of the layouts, directories that they are in, and some that look alike.
const DIRECTORIES: [&str; 14] = [
    "/var/run/secrets/azure/tokens",
    "/run/secrets/azure/tokens",
    "/var/run/secrets/tokens",
    "/var/run/secrets/azure/wi",
    "/var/run/secrets/azure/wi/2a97516c354b68848cdbd8f54a226a",
    "/var/run/secrets/azure/tokens-2",
    "/Var/RUN/secrets/Azure/tokens",
    "/var/run/../run/./secrets//azure/tokens",
    "/var/run/secrets/azure",
    "/var/run/secrets",
    "/var/run",
    "/run",
    "/var",
    "/",
];

/// What a path may have in front of the directory.
const BEFORE: [&str; 8] = ["", "", "", "", "/", "/etc/..", "C:", "c:"];

/// What a path may have behind the directory.
const BEHIND: [&str; 16] = [
    "",
    "",
    "",
    "/",
    "//",
    "/.",
    "/..",
    "/x/..",
    "/x",
    "/azure-identity-token",
    "/token",
    "/token/azure-identity-token",
    "/ca-cert",
    "/ca-cert/ca.crt",
    "/$(HOME)",
    "/\n",
];

/// The parts of the token volume that a container may mount alone.
const PARTS: [&str; 5] = [
    "",
    "part",
    "azure-identity-token",
    "token",
    "token/azure-identity-token",
];

/// The variables of an identity, and one that only looks like them.
const VARIABLES: [&str; 9] = [
    "AZURE_CLIENT_ID",
    "AZURE_TENANT_ID",
    "AZURE_FEDERATED_TOKEN_FILE",
    "AZURE_AUTHORITY_HOST",
    "AZURE_KUBERNETES_TOKEN_PROXY",
    "AZURE_KUBERNETES_SNI_NAME",
    "AZURE_KUBERNETES_CA_FILE",
    "AZURE_KUBERNETES_CA_DATA",
    "azure_client_id",
];

/// Values of variables that are not private: those of an identity, in any case, and references to variables.
const VALUES: [&str; 12] = [
    CLIENT_ID,
    "8F1C2A7E-5D3B-4C59-9A57-0B6F4F0F9D11",
    TENANT_ID,
    "contoso.com",
    "https://login.microsoftonline.com/",
    "/var/run/secrets/azure/tokens/azure-identity-token",
    "",
    "$(AZURE_CLIENT_ID)",
    "$(AZURE_TENANT_ID)/$(AZURE_TENANT_ID)$(AZURE_FEDERATED_TOKEN_FILE)",
    "$$(AZURE_CLIENT_ID)",
    "$$$(AZURE_CLIENT_ID)$(VARIABLE_0)",
    "$(AZURE_CLIENT_ID $(",
];

/// A container, as item `index` of its list, that mounts some of `volumes`.
pub fn container(
    u: &mut Unstructured<'_>,
    kind: Kind,
    index: usize,
    volumes: &Value,
) -> Result<Value> {
    let usual_name = match kind {
        Kind::Ordinary => format!("app-{index}"),
        Kind::Init => format!("init-{index}"),
        Kind::Ephemeral => format!("debug-{index}"),
    };
    let mut container = json!({"name": name(u, &[&usual_name])?, "image": private(u)?});
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
            maybe(u, 3, &mut port, "containerPort", |u| {
                Ok((*u.choose(&[8000, 8080, 1, 65_535])?).into())
            })?;
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
    maybe(u, 6, &mut container, "startupProbe", |u| {
        let probes = [
            json!({"grpc": {"port": 9000, "service": ""}}),
            json!({"tcpSocket": {"port": 1}}),
        ];
        Ok(u.choose(&probes)?.clone())
    })?;
    maybe(u, 6, &mut container, "lifecycle", |u| {
        Ok(
            json!({"preStop": {"sleep": {"seconds": 5}}, "postStart": {"exec": {"command": [private(u)?]}}}),
        )
    })?;
    maybe(u, 4, &mut container, "resources", |u| {
        let mut resources = resources(u)?;
        maybe(u, 4, &mut resources, "claims", |_| {
            Ok(json!([{"name": "gpu"}]))
        })?;
        Ok(resources)
    })?;
    maybe(u, 6, &mut container, "securityContext", |_| {
        Ok(
            json!({"readOnlyRootFilesystem": true, "capabilities": {"drop": ["ALL"]}, "runAsUser": 1}),
        )
    })?;
    let mut volumes = volumes.as_array().into_iter().flatten();
    let has_block = volumes.any(|volume| volume["name"] == BLOCK);
    let many = if has_block { 2 } else { 32 };
    maybe(u, many, &mut container, "volumeDevices", |u| {
        let path = match one_in(u, 2)? {
            true => path_of_ours(u)?,
            false => "/dev/block".to_owned(),
        };
        Ok(json!([{"name": BLOCK, "devicePath": path}]))
    })?;
    let many = if kind == Kind::Init { 3 } else { 24 };
    maybe(u, many, &mut container, "restartPolicy", |_| {
        Ok("Always".into())
    })?;
    maybe(u, 8, &mut container, "futureField", unknown)?;
    Ok(container)
}

/// The resources of a container or of a whole pod.
pub fn resources(u: &mut Unstructured<'_>) -> Result<Value> {
    let all = [
        json!({"requests": {"cpu": "100m"}}),
        json!({"requests": {"cpu": "0.1", "memory": "64Mi"}, "limits": {"cpu": 1, "memory": "1e8"}}),
        json!({"limits": {"cpu": "1.50", "memory": "1e3"}}),
        json!({"limits": {"memory": "128Mi"}}),
        json!({"limits": {"hugepages-2Mi": "4Mi", "cpu": "1"}}),
        json!({"limits": {}, "requests": null}),
    ];
    Ok(u.choose(&all)?.clone())
}

/// Environment variables: others' and ours, with `value` and `valueFrom`, sometimes the same one twice.
fn env(u: &mut Unstructured<'_>) -> Result<Value> {
    if one_in(u, 10)? {
        return Ok(u.choose(&[Value::Null, json!([])])?.clone());
    }
    list(u, 0..=4, |u, index| {
        let name = match one_in(u, 3)? {
            true => one_of(u, &VARIABLES)?,
            false => format!("VARIABLE_{index}"),
        };
        let mut variable = json!({"name": name});
        match u.int_in_range(0..=9)? {
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
            5..=7 => variable["value"] = one_of(u, &VALUES)?.into(),
            _ => variable["value"] = private(u)?.into(),
        }
        Ok(variable)
    })
}

/// A path where the token volume goes, or near it, in one of its spellings.
fn path_of_ours(u: &mut Unstructured<'_>) -> Result<String> {
    let path = [
        one_of(u, &BEFORE)?,
        one_of(u, &DIRECTORIES)?,
        one_of(u, &BEHIND)?,
    ]
    .concat();
    Ok(match one_in(u, 12)? {
        true => path.replace('/', "\\"),
        false => path,
    })
}

/// Mounts of some volumes, each at its own path.
fn volume_mounts(u: &mut Unstructured<'_>, volumes: &Value) -> Result<Value> {
    let mut mounts = Vec::new();
    let volumes = volumes.as_array().map_or(&[][..], Vec::as_slice);
    let mut mounted: Vec<_> = volumes
        .iter()
        .filter(|volume| volume["name"] != BLOCK)
        .collect();
    if one_in(u, 4)? {
        mounted.extend_from_within(..);
    }
    for (index, volume) in mounted.into_iter().enumerate() {
        if one_in(u, 3)? {
            continue;
        }
        let mut mount = json!({"name": volume["name"], "mountPath": format!("/mnt/{index}")});
        if one_in(u, 8)? {
            let path = path_of_ours(u)?;
            if !mounts
                .iter()
                .any(|mount: &Value| mount["mountPath"] == *path)
            {
                mount["mountPath"] = path.into();
            }
        }
        maybe(u, 3, &mut mount, "readOnly", |u| {
            Ok(u.arbitrary::<bool>()?.into())
        })?;
        let (field, parts) = match one_in(u, 4)? {
            true => ("subPathExpr", &["", "$(POD)"][..]),
            false => ("subPath", &PARTS[..]),
        };
        maybe(u, 6, &mut mount, field, |u| Ok(one_of(u, parts)?.into()))?;
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
