//! What is kept of each object: its pods' identities, and whose it is.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::commands::preview::{PodIdentity, Preview};

/// A workload or pod by kind, namespace and name.
pub type Key = (String, String, String);

/// A workload or pod.
#[derive(Debug)]
pub struct Object {
    /// Its file.
    pub file: String,
    /// The line that it begins on.
    pub line: usize,
    /// The object that controls it.
    pub owner: Option<Key>,
    /// Whether it is a pod that runs or is about to.
    pub runs: bool,
    /// The identities of the pods that it is or would create.
    pub pods: Vec<PodIdentity>,
}

/// All objects.
#[derive(Debug, Default)]
pub struct Objects {
    /// Workloads and pods. Of several of one name the last counts, as if applied in this order.
    pub all: BTreeMap<Key, Object>,
    /// Those that are there several times.
    pub doubled: BTreeSet<Key>,
}

impl Objects {
    /// Adds what there is to know of an object.
    pub fn add(&mut self, preview: &Preview) {
        let object = preview.object();
        let text = |path: &str| object.pointer(path).and_then(Value::as_str);
        let namespace = preview.namespace.clone();
        let is_over = matches!(text("/status/phase"), Some("Succeeded" | "Failed"));
        let has_come = text("/spec/nodeName").is_some() || text("/status/phase").is_some();
        let is_going = text("/metadata/deletionTimestamp").is_some();
        let kept = Object {
            file: preview.origin.file.clone(),
            line: preview.line,
            owner: owner(object, &namespace),
            runs: preview.kind == "Pod" && has_come && !is_over && !is_going,
            pods: preview.pod_identities().collect(),
        };
        let key = (preview.kind.clone(), namespace, preview.name.clone());
        if self.all.insert(key.clone(), kept).is_some() {
            self.doubled.insert(key);
        }
    }

    /// The objects that control others.
    pub fn owners(&self) -> BTreeSet<&Key> {
        let owners = self.all.values().filter_map(|object| object.owner.as_ref());
        owners.collect()
    }

    /// The object at the top of those that control one: it or one of those, whether it is among the objects or not.
    pub fn top<'o>(&'o self, key: &'o Key) -> &'o Key {
        let mut top = key;
        let mut seen = 0_usize;
        while let Some(owner) = self.all.get(top).and_then(|object| object.owner.as_ref()) {
            seen = seen.saturating_add(1);
            if seen > self.all.len() {
                // They control each other.
                return key;
            }
            top = owner;
        }
        top
    }
}

/// The object that controls an object. A Deployment is known by the ReplicaSet of its pods.
fn owner(object: &Value, namespace: &str) -> Option<Key> {
    let owners = object.pointer("/metadata/ownerReferences")?.as_array()?;
    let owner = owners
        .iter()
        .find(|owner| owner.get("controller").and_then(Value::as_bool) == Some(true))?;
    let kind = owner.get("kind")?.as_str()?;
    let name = owner.get("name")?.as_str()?;
    let labels = object.pointer("/metadata/labels");
    let hash = labels.and_then(|labels| labels.get("pod-template-hash"));
    let deployment = hash.and_then(Value::as_str).and_then(|hash| {
        let name = name.strip_suffix(hash)?.strip_suffix('-')?;
        (kind == "ReplicaSet").then_some(name)
    });
    let (kind, name) = match deployment {
        Some(name) => ("Deployment", name),
        None => (kind, name),
    };
    Some((kind.to_owned(), namespace.to_owned(), name.to_owned()))
}
