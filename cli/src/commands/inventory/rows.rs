//! A row for each workload, and for each pod that no workload is among the objects of.

use std::collections::{BTreeMap, BTreeSet};

use azure_workload_identity_policy::identity::Source;

use super::objects::{Key, Object, Objects};
use super::outdated::{self, Outdated};
use crate::commands::preview::{ContainerIdentity, PodIdentity, ResolvedIdentity};

/// A workload or pod with its identity.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// The kind of the workload; `Pod` if it is none's.
    pub kind: String,
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// Where the pod is in it, if it would create several; as `spec.templates[1]`.
    pub part: Option<String>,
    /// Its file, or that of one of its pods.
    pub file: String,
    /// The line that it begins on.
    pub line: usize,
    /// How many of its pods are among the objects.
    pub pods: usize,
    /// The name of its ServiceAccount.
    pub service_account: String,
    /// Whether it opts in.
    pub opts_in: bool,
    /// What becomes of it.
    pub state: State,
    /// The identity that the policy resolves.
    pub resolved: Option<ResolvedIdentity>,
    /// The containers as they would be.
    pub containers: Vec<ContainerIdentity>,
    /// Its pods that are out of date.
    pub outdated: Vec<Outdated>,
    /// What brings them up to date.
    pub mend: String,
}

/// What becomes of a workload or pod.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum State {
    /// It gets an identity.
    Injected,
    /// It has what it needs, or does not opt in.
    Unchanged,
    /// It is rejected, for this reason.
    Rejected(String),
}

impl State {
    /// Its name.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Injected => "mutated",
            Self::Unchanged => "unchanged",
            Self::Rejected(_) => "rejected",
        }
    }
}

impl Row {
    fn new((kind, namespace, name): &Key, object: &Object, pod: &PodIdentity) -> Self {
        Self {
            kind: kind.clone(),
            namespace: namespace.clone(),
            name: name.clone(),
            part: None,
            file: object.file.clone(),
            line: object.line,
            pods: 0,
            service_account: pod.service_account.clone(),
            opts_in: pod.opts_in,
            state: match &pod.rejection {
                Some(reason) => State::Rejected(reason.clone()),
                None if pod.is_mutated => State::Injected,
                None => State::Unchanged,
            },
            resolved: pod.resolved.clone(),
            containers: pod.containers.clone(),
            outdated: Vec::new(),
            mend: String::new(),
        }
    }

    /// The workload as messages name it.
    pub fn title(&self) -> String {
        let part = self.part.as_ref();
        let part = part.map_or_else(String::new, |part| format!(" ({part})"));
        format!("{} {}/{}{part}", self.kind, self.namespace, self.name)
    }

    /// The client ID that its ServiceAccount or the policy gives it.
    pub fn client_id(&self) -> Option<&str> {
        let client_id = self.resolved.as_ref()?.client_id.as_ref()?;
        Some(&client_id.value)
    }

    /// Where that one comes from.
    pub fn source(&self) -> Option<Source> {
        Some(self.resolved.as_ref()?.client_id.as_ref()?.source)
    }

    /// The tenant that the policy gives it.
    pub fn tenant_id(&self) -> Option<&str> {
        Some(&self.resolved.as_ref()?.tenant_id.value)
    }

    /// The audience of its token.
    pub fn audience(&self) -> Option<&str> {
        Some(&self.resolved.as_ref()?.audience)
    }

    /// All client IDs that its containers have, in lower case, each once; none if it is rejected.
    pub fn client_ids(&self) -> BTreeSet<String> {
        if matches!(self.state, State::Rejected(_)) {
            return BTreeSet::new();
        }
        let containers = self.containers.iter();
        let named = containers.filter_map(ContainerIdentity::own_client_id);
        let resolved = self.client_id().filter(|_| self.containers.is_empty());
        named.chain(resolved.map(str::to_lowercase)).collect()
    }

    /// The containers that have an identity.
    pub fn with(&self) -> impl Iterator<Item = &ContainerIdentity> {
        self.containers
            .iter()
            .filter(|container| container.has_identity())
    }

    /// The containers that have none.
    pub fn without(&self) -> impl Iterator<Item = &ContainerIdentity> {
        self.containers
            .iter()
            .filter(|container| !container.has_identity())
    }
}

/// Whether a pod has an identity, or is meant to.
fn is_meant(pod: &PodIdentity) -> bool {
    let has_own =
        |container: &ContainerIdentity| container.client_id.is_some() || container.has_token_file;
    pod.opts_in || pod.containers.iter().any(has_own)
}

/// The rows, and how many workloads and pods have no identity and are not meant to.
pub fn of(objects: &Objects) -> (Vec<Row>, usize) {
    let mut rows: BTreeMap<(&Key, String), Row> = BTreeMap::new();
    let mut others = 0_usize;
    let mut children = Vec::new();
    let owners = objects.owners();
    for (key, object) in &objects.all {
        let top = objects.top(key);
        if top != key {
            children.push((top, key, object));
            continue;
        }
        let is_one = object.pods.len() == 1;
        let mut is_any_meant = false;
        for pod in object.pods.iter().filter(|pod| is_meant(pod)) {
            is_any_meant = true;
            let part = pod
                .title
                .rsplit_once(" of ")
                .map(|(_, part)| part.to_owned());
            let part = part.filter(|_| !is_one);
            let mut row = Row::new(key, object, pod);
            row.part.clone_from(&part);
            if object.runs {
                row.pods = 1;
                add_outdated(&mut row, key, pod, None);
            }
            rows.insert((key, part.unwrap_or_default()), row);
        }
        if !is_any_meant {
            others = others.saturating_add(1);
        }
    }
    for (top, key, object) in children {
        if key.0 != "Pod" {
            // What a workload creates for its pods, such as a ReplicaSet, is no workload of its own, unless that one is unknown.
            if !objects.all.contains_key(top) && !owners.contains(key) && !object.is_idle {
                for pod in object.pods.iter().filter(|pod| is_meant(pod)) {
                    let row = Row::new(top, object, pod);
                    let name = part_of(objects, top, pod);
                    rows.entry((top, name)).or_insert(row);
                }
            }
            continue;
        }
        let template = objects
            .all
            .get(top)
            .and_then(|top| match top.pods.as_slice() {
                [only] => Some(only),
                _ => None,
            });
        for pod in object.pods.iter().filter(|pod| is_meant(pod)) {
            let row = rows.entry((top, part_of(objects, top, pod)));
            let row = row.or_insert_with(|| Row::new(top, object, pod));
            row.pods = row.pods.saturating_add(usize::from(object.runs));
            if object.runs {
                add_outdated(row, key, pod, template);
            }
        }
    }
    (rows.into_values().collect(), others)
}

/// What tells rows of one workload apart: nothing if it is among the objects, else the ServiceAccount.
fn part_of(objects: &Objects, top: &Key, pod: &PodIdentity) -> String {
    if objects.all.contains_key(top) {
        String::new()
    } else {
        pod.service_account.clone()
    }
}

fn add_outdated(row: &mut Row, key: &Key, pod: &PodIdentity, template: Option<&PodIdentity>) {
    let reasons = outdated::reasons(pod, template);
    if !reasons.is_empty() {
        let (_, _, name) = key;
        row.outdated.push(Outdated {
            pod: name.clone(),
            reasons,
        });
        let top = (row.kind.clone(), row.namespace.clone(), row.name.clone());
        row.mend = outdated::mend(&top);
    }
}
