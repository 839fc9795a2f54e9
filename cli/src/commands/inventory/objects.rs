//! What is kept of each object: its pods' identities, and whose it is.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::commands::complaints::Complaint;
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
    /// Whether it is a ReplicaSet that is to have no pods.
    pub is_idle: bool,
    /// The identities of the pods that it is or would create.
    pub pods: Vec<PodIdentity>,
}

/// A ServiceAccount by namespace and name.
type AccountName<'o> = (&'o str, &'o str);

/// All objects.
#[derive(Debug, Default)]
pub struct Objects {
    /// Workloads and pods. Of several of one name the last counts, as if applied in this order.
    pub all: BTreeMap<Key, Object>,
    /// Those that are there several times.
    pub doubled: BTreeSet<Key>,
    /// What is said of those whose pods get no identity.
    pub complaints: Vec<Complaint>,
}

impl Objects {
    /// Adds what there is to know of an object.
    pub fn add(&mut self, preview: &Preview) {
        let object = preview.object();
        let namespace = preview.namespace.clone();
        let pods: Vec<_> = preview.pod_identities().collect();
        self.complaints.extend(preview.complaints_if_without(&pods));
        let kept = Object {
            file: preview.origin.file.clone(),
            line: preview.line,
            owner: preview.owner(),
            runs: preview.runs(),
            is_idle: preview.kind == "ReplicaSet"
                && object.pointer("/spec/replicas") == Some(&Value::from(0)),
            pods,
        };
        let key = (preview.kind.clone(), namespace, preview.name.clone());
        if self.all.insert(key.clone(), kept).is_some() {
            self.doubled.insert(key);
        }
    }

    /// The ServiceAccounts of pods that opt in, and those of others with a workload or pod that uses them, by namespace and name.
    pub fn users(&self) -> (BTreeSet<AccountName<'_>>, BTreeMap<AccountName<'_>, &Key>) {
        let mut used = BTreeSet::new();
        let mut others = BTreeMap::new();
        for (key, object) in &self.all {
            for pod in &object.pods {
                let account = (key.1.as_str(), pod.service_account.as_str());
                if pod.opts_in {
                    used.insert(account);
                } else {
                    others.entry(account).or_insert_with(|| self.top(key));
                }
            }
        }
        (used, others)
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
