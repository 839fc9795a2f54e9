//! What the pod templates of an object lack, by its preview.

use azure_workload_identity_policy::layout::Layout;
use azure_workload_identity_policy::messages::Excerpt;
use serde_json::Value;

use super::change::Change;
use crate::commands::preview::{PodIdentity, Preview, Reviewed};
use crate::input::lines::ValuePath;

/// What the object lacks, by where in it that is.
///
/// # Errors
///
/// Why that cannot be written into the object.
pub fn changes(preview: &Preview) -> Result<Vec<(ValuePath, Change)>, String> {
    let mutated = preview.reviews.iter().filter(|review| review.is_mutated());
    let lacks_account = |pod: &PodIdentity| {
        let resolved = pod.resolved.as_ref();
        resolved.is_some_and(|identity| !identity.is_account_known)
    };
    let mut pods = preview.pod_identities();
    if let Some(pod) = pods.find(|pod| pod.is_mutated && lacks_account(pod)) {
        let account = format!("{}/{}", preview.namespace, pod.service_account);
        return Err(format!(
            "ServiceAccount {} is not among the manifests, so that its client ID is not known; help: add its manifest",
            Excerpt::new(&account).bare()
        ));
    }
    mutated
        .filter_map(|reviewed| Some(change(reviewed, reviewed.mutated()?)))
        .collect()
}

fn change(reviewed: &Reviewed, mutated: &Value) -> Result<(ValuePath, Change), String> {
    let template = reviewed.template.as_deref();
    let path = ValuePath::new(template.unwrap_or_default());
    if !reviewed.is_whole {
        return Err(format!(
            "{path}: expected a pod template with the containers, found parts of one; help: another program makes the \
             containers, so let the policy inject into its pods"
        ));
    }
    if let Some(layout) = layout_by_name(reviewed, mutated)
        && !has_own_name(reviewed)
    {
        return Err(format!(
            "layout {}: the name of the token volume depends on the name of each pod, so a template cannot have it; help: use \
             --set layout={}",
            layout.name(),
            Layout::V1_5.name()
        ));
    }
    let change = Change::between(&reviewed.object, mutated);
    let change = change.map_err(|gone| {
        let whole = path.clone().join(gone);
        format!("{whole}: the policy would take it away, and a template only gets what it lacks")
    })?;
    Ok((path, change))
}

/// Whether it is a pod that has a name of its own, and not one of many.
fn has_own_name(reviewed: &Reviewed) -> bool {
    let name = reviewed.object.pointer("/metadata/name");
    let is_named = name
        .and_then(Value::as_str)
        .is_some_and(|name| !name.is_empty());
    reviewed.template.is_none() && is_named
}

/// The layout of a new token volume whose name depends on the pod's.
fn layout_by_name(reviewed: &Reviewed, mutated: &Value) -> Option<Layout> {
    let names = |pod: &Value| -> Vec<String> {
        let volumes = pod.pointer("/spec/volumes").and_then(Value::as_array);
        let names = volumes.into_iter().flatten();
        let names = names.filter_map(|volume| volume.get("name")?.as_str());
        names.map(str::to_owned).collect()
    };
    let old = names(&reviewed.object);
    let mut new = names(mutated).into_iter();
    let reserved = new.find(|name| {
        let mut layouts = Layout::ALL.iter();
        !old.contains(name) && layouts.any(|(_, layout)| layout.reserves(name))
    })?;
    let mounts = |containers: &str| {
        let containers = mutated.pointer(containers).and_then(Value::as_array);
        let containers = containers.into_iter().flatten();
        let mounts = containers.filter_map(|container| container.get("volumeMounts")?.as_array());
        mounts.flatten().collect::<Vec<_>>()
    };
    let mut mounts = mounts("/spec/containers")
        .into_iter()
        .chain(mounts("/spec/initContainers"));
    let layout = mounts.find_map(|mount| {
        let name = mount.get("name")?.as_str()?;
        let path = mount.get("mountPath")?.as_str()?;
        Layout::of_mount(name, path).filter(|_| name == reserved)
    });
    Some(layout.unwrap_or(Layout::V1_6_1))
}
