//! What the policy may do to a pod, and Kubernetes' own rules for pods, as far as they concern what the policy adds.

#![allow(
    dead_code,
    reason = "each crate that includes this needs another part of it"
)]

use std::collections::BTreeSet;

use serde_json::Value;

/// The names of the proxy containers.
const PROXY: [&str; 2] = ["azwi-proxy", "azwi-proxy-init"];

/// The environment variables that the policy sets.
const ENV: [&str; 8] = [
    "AZURE_CLIENT_ID",
    "AZURE_TENANT_ID",
    "AZURE_FEDERATED_TOKEN_FILE",
    "AZURE_AUTHORITY_HOST",
    "AZURE_KUBERNETES_TOKEN_PROXY",
    "AZURE_KUBERNETES_SNI_NAME",
    "AZURE_KUBERNETES_CA_FILE",
    "AZURE_KUBERNETES_CA_DATA",
];

/// Those that setting `extraEnv` adds in test cases.
const EXTRA_ENV: [&str; 5] = [
    "ARM_USE_OIDC",
    "ARM_CLIENT_ID",
    "ARM_TENANT_ID",
    "ARM_OIDC_TOKEN_FILE_PATH",
    "AZURE_TOKEN_CREDENTIALS",
];

/// The labels and annotations that the policy sets.
const METADATA: [&str; 4] = [
    "/metadata/labels/azure-workload-identity-policy.github.io/client-id",
    "/metadata/annotations/azure-workload-identity-policy.github.io/injected",
    "/metadata/annotations/dapr.io/env",
    "/metadata/annotations/dapr.io/volume-mounts",
];

/// The lists that the policy adds items to.
const LISTS: [&str; 6] = [
    "containers",
    "env",
    "initContainers",
    "sources",
    "volumeMounts",
    "volumes",
];

fn items<'v>(object: &'v Value, list: &str) -> impl Iterator<Item = &'v Value> {
    object[list].as_array().into_iter().flatten()
}

fn containers(pod: &Value) -> impl Iterator<Item = &Value> {
    items(&pod["spec"], "initContainers").chain(items(&pod["spec"], "containers"))
}

fn text<'v>(object: &'v Value, field: &str) -> &'v str {
    object[field].as_str().unwrap_or_default()
}

/// The names of all init containers and containers.
pub fn container_names(pod: &Value) -> Vec<String> {
    containers(pod)
        .map(|container| text(container, "name").to_owned())
        .collect()
}

/// The pod `after` without the proxy containers that `before` lacks.
pub fn without_new_proxy(before: &Value, mut after: Value) -> Value {
    let known = container_names(before);
    let is_new = |container: &Value| {
        let name = text(container, "name");
        PROXY.contains(&name) && !known.iter().any(|known| known == name)
    };
    for list in ["initContainers", "containers"] {
        let place = after["spec"].get_mut(list).and_then(Value::as_array_mut);
        let Some(items) = place else { continue };
        let count = items.len();
        items.retain(|container| !is_new(container));
        if items.is_empty() && count > 0 {
            match before["spec"].get(list) {
                Some(list_before) => after["spec"][list] = list_before.clone(),
                None => {
                    let spec = after["spec"].as_object_mut().expect("a spec");
                    spec.remove(list);
                }
            }
        }
    }
    after
}

/// Whether the value at `path` of the pod belongs to a token volume whose name is reserved for the policy.
pub fn is_of_our_token(pod: &Value, path: &str) -> bool {
    let steps: Vec<_> = path.split('/').collect();
    let [
        "",
        "spec",
        "volumes",
        index,
        "projected",
        "sources",
        _,
        "serviceAccountToken",
        field,
    ] = *steps
    else {
        return false;
    };
    let volume = &pod["spec"]["volumes"][index.parse::<usize>().expect("an index")];
    ["audience", "expirationSeconds"].contains(&field) && is_reserved(text(volume, "name"))
}

fn is_reserved(volume_name: &str) -> bool {
    let hash = volume_name.strip_prefix("azure-workload-identity-reserved-");
    hash.is_some_and(|hash| hash.len() == 30 && hash.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

/// Whether `old` is null in place of a list that the policy adds to, which Kubernetes reads as an empty list.
pub fn is_missing_list(path: &str, old: &Value) -> bool {
    let field = path.rsplit('/').next().unwrap_or_default();
    old.is_null() && LISTS.contains(&field)
}

/// What differs between two pods, except our additions and changes of our own token.
pub fn differences(before: &Value, after: &Value) -> Vec<String> {
    let mut differences = Vec::new();
    compare(before, "", before, after, &mut differences);
    differences
}

fn compare(pod: &Value, path: &str, before: &Value, after: &Value, found: &mut Vec<String>) {
    match (before, after) {
        (Value::Object(old), Value::Object(new)) => {
            for (key, old) in old {
                let path = format!("{path}/{key}");
                match new.get(key) {
                    Some(new) => compare(pod, &path, old, new, found),
                    None => found.push(format!("{path} is gone")),
                }
            }
            for (key, new) in new {
                let path = format!("{path}/{key}");
                if old.contains_key(key) || is_of_our_token(pod, &path) {
                    continue;
                }
                if is_our_metadata(&path, new) {
                    continue;
                }
                for item in new.as_array().unwrap_or(&vec![Value::Null]) {
                    if !is_ours(&path, item) {
                        found.push(format!("{path} is new"));
                    }
                }
            }
        }
        (Value::Array(old), Value::Array(new)) => {
            for (index, old) in old.iter().enumerate() {
                let path = format!("{path}/{index}");
                match new.get(index) {
                    Some(new) => compare(pod, &path, old, new, found),
                    None => found.push(format!("{path} is gone")),
                }
            }
            for item in new.iter().skip(old.len()) {
                if !is_ours(path, item) {
                    found.push(format!("{path} has a new item"));
                }
            }
        }
        (Value::Null, Value::Array(new)) if is_missing_list(path, before) => {
            if !new.iter().all(|item| is_ours(path, item)) {
                found.push(format!("{path} has a new item"));
            }
        }
        (Value::Null, new) if is_our_metadata(path, new) => {}
        (Value::String(old), Value::String(new)) if is_longer_for_dapr(path, old, new) => {}
        _ if before == after || is_of_our_token(pod, path) => {}
        _ => found.push(format!("{path} was {before} and is {after}")),
    }
}

/// Whether new labels or annotations, or one of them, are ours.
fn is_our_metadata(path: &str, new: &Value) -> bool {
    match new {
        Value::Object(entries) => {
            path.starts_with("/metadata/")
                && entries
                    .iter()
                    .all(|(key, _)| METADATA.contains(&&*format!("{path}/{key}")))
        }
        _ => METADATA.contains(&path),
    }
}

/// Whether an annotation of Dapr's has the same as before, and more behind it. White space alone says nothing.
pub fn is_longer_for_dapr(path: &str, old: &str, new: &str) -> bool {
    let path = path.replace("~1", "/");
    path.starts_with("/metadata/annotations/dapr.io/")
        && METADATA.contains(&&*path)
        && (new
            .strip_prefix(old)
            .is_some_and(|more| old.is_empty() || more.starts_with(','))
            || old.trim().is_empty())
}

/// Whether a new item of the list at `path` is one that the policy adds.
fn is_ours(path: &str, item: &Value) -> bool {
    let steps: Vec<_> = path.split('/').collect();
    match *steps {
        ["", "spec", "volumes"] => {
            let token = item.pointer("/projected/sources/0/serviceAccountToken/path");
            token.is_some()
        }
        ["", "spec", "volumes", _, "projected", "sources"] => {
            item.get("configMap").is_some() || item.get("clusterTrustBundle").is_some()
        }
        ["", "spec", "containers" | "initContainers", _, "env"] => {
            let name = text(item, "name");
            let is_known = ENV.contains(&name) || EXTRA_ENV.contains(&name);
            // Settings are damaged, too: a name is another one then.
            let is_extra = name.starts_with("EXTRA") || name == "broken";
            (is_known || is_extra) && item["value"].is_string()
        }
        [
            "",
            "spec",
            "containers" | "initContainers",
            _,
            "volumeMounts",
        ] => text(item, "mountPath").starts_with("/var/run/secrets/") && item["readOnly"] == true,
        _ => false,
    }
}

/// The rules of Kubernetes that a pod breaks, each with what breaks it.
pub fn broken(pod: &Value) -> BTreeSet<String> {
    let mut broken = BTreeSet::new();
    let mut volumes = BTreeSet::new();
    for volume in items(&pod["spec"], "volumes") {
        let name = text(volume, "name");
        if !volumes.insert(name) {
            broken.insert(format!("two volumes have the name {name:?}"));
        }
        if !is_dns_label(name) {
            broken.insert(format!("{name:?} is no name of a volume"));
        }
    }
    let mut names = BTreeSet::new();
    for container in containers(pod) {
        let name = text(container, "name");
        if !names.insert(name) {
            broken.insert(format!("two containers have the name {name:?}"));
        }
        if !is_dns_label(name) {
            broken.insert(format!("{name:?} is no name of a container"));
        }
        let mut paths = BTreeSet::new();
        for mount in items(container, "volumeMounts") {
            let path = text(mount, "mountPath");
            if !paths.insert(path) {
                broken.insert(format!("container {name:?} mounts two volumes at {path:?}"));
            }
            let volume = text(mount, "name");
            if !volumes.contains(volume) {
                broken.insert(format!("container {name:?} mounts no volume {volume:?}"));
            }
        }
        let mut ours = BTreeSet::new();
        for variable in items(container, "env") {
            let variable = text(variable, "name");
            if ENV.contains(&variable) && !ours.insert(variable) {
                broken.insert(format!("container {name:?} sets {variable} twice"));
            }
        }
    }
    broken
}

/// Whether Kubernetes accepts a string as the name of a container or of a volume.
fn is_dns_label(text: &str) -> bool {
    let inner = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    text.len() <= 63
        && text.bytes().next().is_some_and(inner)
        && text.bytes().last().is_some_and(inner)
        && text.bytes().all(|byte| inner(byte) || byte == b'-')
}

/// The annotation that is the mark.
pub const MARK: &str = "azure-workload-identity-policy.github.io/injected";

/// Whether the token of an injected pod is not in a volume of ours alone: the pod has one itself, Dapr's annotations mount one, or
/// by the mark a container keeps a variable that it did not have before.
pub fn has_token_elsewhere(before: &Value, after: &Value) -> bool {
    let mut volumes = items(&before["spec"], "volumes");
    if volumes.any(|volume| volume.to_string().contains("serviceAccountToken")) {
        return true;
    }
    let annotations = &before["metadata"]["annotations"];
    let dapr = ["dapr.io/volume-mounts", "dapr.io/volume-mounts-rw"];
    if dapr
        .iter()
        .any(|key| text(annotations, key).contains("azure-"))
    {
        return true;
    }
    let mark = text(&after["metadata"]["annotations"], MARK);
    let mark: Value = serde_json::from_str(mark).unwrap_or_default();
    let kept = mark["containers"].as_object().into_iter().flatten();
    kept.into_iter().any(|(name, kept)| {
        let old = containers(before).find(|container| container["name"] == **name);
        let dapr = text(&before["metadata"]["annotations"], "dapr.io/env");
        kept.as_array().into_iter().flatten().any(|kept| {
            let is_own = match old {
                Some(old) => items(old, "env").any(|own| own["name"] == *kept),
                None => dapr.contains(kept.as_str().unwrap_or_default()),
            };
            !is_own
        })
    })
}

/// A pod whose volumes, mounts and variables are in the order of their names: with the same ones, it says the same.
pub fn in_order(pod: &Value) -> Value {
    let mut pod = pod.clone();
    let sort = |list: &mut Value, field: &str| {
        if let Some(items) = list.as_array_mut() {
            items.sort_by_key(|item| text(item, field).to_owned());
        }
    };
    sort(&mut pod["spec"]["volumes"], "name");
    for key in ["dapr.io/env", "dapr.io/volume-mounts"] {
        if let Some(annotation) = pod["metadata"]["annotations"].get_mut(key) {
            let mut entries: Vec<_> = annotation.as_str().unwrap_or_default().split(',').collect();
            entries.sort_unstable();
            *annotation = entries.join(",").into();
        }
        let is_empty = pod["metadata"]["annotations"][key] == "";
        if let Some(annotations) = pod["metadata"]["annotations"]
            .as_object_mut()
            .filter(|_| is_empty)
        {
            annotations.remove(key);
        }
    }
    for list in ["initContainers", "containers"] {
        let containers = pod["spec"].get_mut(list).and_then(Value::as_array_mut);
        for container in containers.into_iter().flatten() {
            for (list, field) in [("env", "name"), ("volumeMounts", "mountPath")] {
                if let Some(list) = container.get_mut(list) {
                    sort(list, field);
                }
            }
        }
    }
    pod
}

/// The variables with a value that a pod's containers have lost or that have another value, each with the old one.
pub fn lost_env(before: &Value, after: &Value) -> Vec<(String, String)> {
    let mut lost = Vec::new();
    for old in containers(before) {
        for variable in items(old, "env").filter(|variable| variable["value"].is_string()) {
            let is_kept = same_containers(old, after)
                .any(|new| items(new, "env").any(|kept| kept == variable));
            if !is_kept {
                lost.push((
                    text(variable, "name").to_owned(),
                    text(variable, "value").to_owned(),
                ));
            }
        }
    }
    lost
}

/// The paths of the mounts that a pod's containers have lost.
pub fn lost_mounts(before: &Value, after: &Value) -> Vec<String> {
    let mut lost = Vec::new();
    for old in containers(before) {
        for mount in items(old, "volumeMounts") {
            let is_kept = same_containers(old, after)
                .any(|new| items(new, "volumeMounts").any(|kept| kept == mount));
            if !is_kept {
                lost.push(text(mount, "mountPath").to_owned());
            }
        }
    }
    lost
}

/// The containers of a pod with the name of this one, which are several in a broken pod.
fn same_containers<'p>(old: &Value, pod: &'p Value) -> impl Iterator<Item = &'p Value> {
    containers(pod).filter(|new| new["name"] == old["name"])
}

/// Adds the container that Dapr's webhook adds, with what its annotations say.
pub fn add_daprd(pod: &mut Value) {
    if containers(pod).any(|container| container["name"] == "daprd") {
        return;
    }
    let annotations = &pod["metadata"]["annotations"];
    let is_name = |text: &str| {
        let first = text.chars().next();
        let is_word = |char: char| char.is_ascii_alphanumeric() || char == '_';
        first.is_some_and(|first| is_word(first) && !first.is_ascii_digit())
            && text.chars().all(is_word)
    };
    // A comma separates entries only if a name and an equals sign follow it.
    let mut entries: Vec<String> = Vec::new();
    for piece in text(annotations, "dapr.io/env").split(',') {
        let name = piece.trim_start().split_once('=').map(|(name, _)| name);
        match entries.last_mut() {
            Some(last) if !name.is_some_and(is_name) => last.push_str(&format!(",{piece}")),
            _ => entries.push(piece.to_owned()),
        }
    }
    let env = entries
        .iter()
        .filter_map(|entry| entry.trim().split_once('='));
    let env: Vec<_> = env
        .map(|(name, value)| serde_json::json!({"name": name, "value": value}))
        .collect();
    let mut mounts = Vec::new();
    for (key, is_read_only) in [
        ("dapr.io/volume-mounts", true),
        ("dapr.io/volume-mounts-rw", false),
    ] {
        for entry in text(annotations, key).split(',') {
            let parts: Vec<_> = entry.trim().split(':').collect();
            if let [volume, path] = *parts
                && items(&pod["spec"], "volumes").any(|known| known["name"] == *volume)
            {
                mounts.push(serde_json::json!({"name": volume, "mountPath": path, "readOnly": is_read_only}));
            }
        }
    }
    let daprd = serde_json::json!({"name": "daprd", "image": "registry.example/daprd:1", "env": env, "volumeMounts": mounts});
    pod["spec"]["containers"]
        .as_array_mut()
        .expect("containers")
        .push(daprd);
}
