//! Pods as they are in clusters.

use arbitrary::{Result, Unstructured};
use serde_json::{Value, json};

use super::container::{self, Kind};
use super::text::{list, maybe, name, one_in, one_of, private};
use super::{metadata, volume};

/// The lists of containers in which the policy finds those of the proxy.
const LISTS: [&str; 2] = ["containers", "initContainers"];

/// Labels of nodes.
const NODE_LABELS: [&str; 3] = ["kubernetes.io/os", "beta.kubernetes.io/os", "zone"];

/// A pod with every kind of container and volume, and fields that no version of Kubernetes has yet.
pub fn pod(u: &mut Unstructured<'_>, service_account: &Value) -> Result<Value> {
    let volumes = volume::volumes(u)?;
    let mut spec = json!({});
    spec["containers"] = list(u, 1..=3, |u, index| {
        container::container(u, Kind::Ordinary, index, &volumes)
    })?;
    maybe(u, 2, &mut spec, "initContainers", |u| {
        if one_in(u, 10)? {
            return Ok(Value::Null);
        }
        list(u, 0..=2, |u, index| {
            container::container(u, Kind::Init, index, &volumes)
        })
    })?;
    for name in ["azwi-proxy-init", "azwi-proxy"] {
        if one_in(u, 16)? {
            rename_one(u, &mut spec, name)?;
        }
    }
    if one_in(u, 64)? {
        multiply(u, &mut spec["containers"])?;
    }
    let names: Vec<_> = LISTS
        .into_iter()
        .filter_map(|list| spec[list].as_array())
        .flatten()
        .filter_map(|container| container["name"].as_str().map(str::to_owned))
        .collect();
    // Without volumes, the list is missing, empty or null.
    if volumes.as_array().is_some_and(Vec::is_empty) {
        maybe(u, 2, &mut spec, "volumes", |u| {
            Ok(u.choose(&[Value::Null, json!([])])?.clone())
        })?;
    } else {
        spec["volumes"] = volumes.clone();
    }
    let service_account = service_account["metadata"]["name"]
        .as_str()
        .unwrap_or_default();
    let service_account = name(u, &[service_account])?;
    match u.int_in_range(0..=15)? {
        11 => {}
        12 => spec["serviceAccount"] = service_account.into(),
        13 => {
            spec["serviceAccountName"] = "default".into();
            spec["serviceAccount"] = service_account.into();
        }
        14 => {
            spec["serviceAccountName"] = u.choose(&["".into(), Value::Null])?.clone();
            spec["serviceAccount"] = service_account.into();
        }
        15 => spec["serviceAccountName"] = "".into(),
        _ => spec["serviceAccountName"] = service_account.into(),
    }
    maybe(u, 8, &mut spec, "ephemeralContainers", |u| {
        list(u, 1..=2, |u, index| {
            container::container(u, Kind::Ephemeral, index, &volumes)
        })
    })?;
    maybe(u, 6, &mut spec, "imagePullSecrets", |u| {
        Ok(json!([{"name": private(u)?}]))
    })?;
    maybe(u, 24, &mut spec, "hostNetwork", |u| {
        Ok(u.arbitrary::<bool>()?.into())
    })?;
    maybe(u, 12, &mut spec, "os", |u| {
        Ok(json!({"name": one_of(u, &["linux", "windows", ""])?}))
    })?;
    maybe(u, 6, &mut spec, "nodeSelector", |u| {
        Ok(json!({one_of(u, &NODE_LABELS)?: system(u)?}))
    })?;
    maybe(u, 6, &mut spec, "tolerations", |_| {
        Ok(
            json!([{"key": "node", "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 300}]),
        )
    })?;
    maybe(u, 6, &mut spec, "affinity", |u| {
        Ok(
            json!({"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [
                {"matchExpressions": [{"key": one_of(u, &NODE_LABELS)?, "operator": one_of(u, &["In", "NotIn"])?, "values": [system(u)?]}]},
            ]}}}),
        )
    })?;
    maybe(u, 6, &mut spec, "securityContext", |_| {
        Ok(json!({"fsGroup": 65534, "runAsNonRoot": true, "sysctls": []}))
    })?;
    maybe(u, 6, &mut spec, "hostAliases", |u| {
        Ok(json!([{"ip": "127.0.0.1", "hostnames": [private(u)?]}]))
    })?;
    maybe(u, 6, &mut spec, "dnsConfig", |_| {
        Ok(json!({"options": [{"name": "ndots", "value": "2"}], "searches": []}))
    })?;
    maybe(u, 6, &mut spec, "topologySpreadConstraints", |_| {
        Ok(json!([{"maxSkew": 1, "topologyKey": "zone", "whenUnsatisfiable": "ScheduleAnyway"}]))
    })?;
    maybe(u, 6, &mut spec, "resources", container::resources)?;
    maybe(u, 8, &mut spec, "resourceClaims", |u| {
        Ok(json!([{"name": "gpu", "resourceClaimName": private(u)?}]))
    })?;
    maybe(u, 6, &mut spec, "futureField", unknown)?;
    let mut pod = json!({"metadata": metadata::of_pod(u, &names)?, "spec": spec});
    if !one_in(u, 10)? {
        pod["apiVersion"] = "v1".into();
        pod["kind"] = "Pod".into();
    }
    maybe(u, 6, &mut pod, "status", |_| {
        Ok(json!({"phase": "Pending", "conditions": []}))
    })?;
    maybe(u, 6, &mut pod, "futureField", unknown)?;
    Ok(pod)
}

/// Gives a container the name of one of the proxy's: the author added it himself.
fn rename_one(u: &mut Unstructured<'_>, spec: &mut Value, name: &str) -> Result<()> {
    let list = spec[one_of(u, &LISTS)?].as_array_mut();
    if let Some(list) = list.filter(|list| !list.is_empty()) {
        let index = u.choose_index(list.len())?;
        list[index]["name"] = name.into();
    }
    Ok(())
}

/// Adds many plain containers with long names.
fn multiply(u: &mut Unstructured<'_>, containers: &mut Value) -> Result<()> {
    let containers = containers.as_array_mut().expect("containers");
    for index in 0..*u.choose(&[20, 250])? {
        containers.push(json!({"name": format!("{}-{index}", "n".repeat(59)), "image": "many"}));
    }
    Ok(())
}

/// The value of a node's label.
fn system(u: &mut Unstructured<'_>) -> Result<String> {
    match u.int_in_range(0..=5)? {
        0..=2 => Ok("linux".to_owned()),
        3 | 4 => one_of(u, &["windows", "Windows"]),
        _ => private(u),
    }
}

/// What a later version of Kubernetes may add.
pub fn unknown(u: &mut Unstructured<'_>) -> Result<Value> {
    Ok(match u.int_in_range(0..=5)? {
        0 => Value::Null,
        1 => json!({"spec": {"containers": [{"name": private(u)?}]}, "": [[], {}, null, true]}),
        2 => json!([
            1.5e300,
            -0.0,
            18_446_744_073_709_551_615_u64,
            i64::MIN,
            1e-7
        ]),
        3 => json!({"metadata": {"annotations": {"azure.workload.identity/use": private(u)?}}}),
        4 => private(u)?.into(),
        _ => json!({"volumes": [], "env": [{"name": "AZURE_CLIENT_ID", "value": private(u)?}]}),
    })
}
