//! Pods as they are in clusters.

use arbitrary::{Result, Unstructured};
use serde_json::{Value, json};

use super::container::{self, Kind};
use super::text::{list, maybe, one_in, one_of, private};
use super::{metadata, volume};

/// A pod with every kind of container and volume, and fields that no version of Kubernetes has yet.
pub fn pod(u: &mut Unstructured<'_>, service_account: &Value) -> Result<Value> {
    let volumes = volume::volumes(u)?;
    let mut spec = json!({});
    let containers = list(u, 1..=3, |u, index| {
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
    let names: Vec<_> = [&containers, &spec["initContainers"]]
        .into_iter()
        .filter_map(Value::as_array)
        .flatten()
        .filter_map(|container| container["name"].as_str().map(str::to_owned))
        .collect();
    spec["containers"] = containers;
    // Without volumes, the list is missing, empty or null.
    if volumes.as_array().is_some_and(Vec::is_empty) {
        maybe(u, 2, &mut spec, "volumes", |u| {
            Ok(u.choose(&[Value::Null, json!([])])?.clone())
        })?;
    } else {
        spec["volumes"] = volumes.clone();
    }
    match u.int_in_range(0..=7)? {
        6 => spec["serviceAccount"] = service_account["metadata"]["name"].clone(),
        7 => {}
        _ => spec["serviceAccountName"] = service_account["metadata"]["name"].clone(),
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
        Ok(json!({"name": one_of(u, &["linux", "linux", "windows"])?}))
    })?;
    maybe(u, 6, &mut spec, "nodeSelector", |u| {
        Ok(json!({"kubernetes.io/os": private(u)?}))
    })?;
    maybe(u, 6, &mut spec, "tolerations", |_| {
        Ok(json!([{"key": "node", "operator": "Exists", "tolerationSeconds": 300}]))
    })?;
    maybe(u, 6, &mut spec, "affinity", |u| {
        Ok(
            json!({"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [
                {"matchExpressions": [{"key": "a", "operator": "In", "values": [private(u)?]}]},
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
    maybe(u, 6, &mut spec, "resources", |_| {
        Ok(json!({"requests": {"cpu": "1"}}))
    })?;
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
