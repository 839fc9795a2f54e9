//! The annotation that names containers to leave alone.

use std::collections::HashSet;

use super::proxy::Proxy;
use crate::findings::{Findings, Problem, Severity};
use crate::identity::malformed_annotation;
use crate::keys::SKIP_CONTAINERS;
use crate::messages::{Excerpt, nearest};
use crate::objects::{Annotated, PodSpec};
use crate::values;

/// The names of the containers that a pod says to leave alone, in a set, since there may be as many as containers.
#[derive(Clone, Debug, Default)]
pub struct Skip<'m> {
    in_order: Vec<&'m str>,
    names: HashSet<&'m str>,
}

impl<'m> Skip<'m> {
    /// Whether the container of this name is left alone.
    pub fn contains(&self, name: &str) -> bool {
        self.names.contains(name)
    }

    /// The names as the pod has them, each once.
    pub fn names(&self) -> &[&'m str] {
        &self.in_order
    }
}

/// Reads the annotation.
///
/// Text that cannot be a container's name is malformed. A name that no container has is only warned about: another webhook
/// may add that container later. So is a name that is listed twice.
pub fn read<'m>(
    pod: Annotated<'m>,
    spec: &PodSpec<'_>,
    proxy: Option<&Proxy<'_>>,
    severity: Severity,
    findings: &mut Findings,
) -> Skip<'m> {
    let mut skip = Skip::default();
    let Some(annotation) = pod.metadata.annotation(SKIP_CONTAINERS) else {
        return skip;
    };
    if let Err(malformed) = values::annotation(annotation) {
        let problem = malformed_annotation(SKIP_CONTAINERS, annotation, malformed);
        findings.reject(pod.about, problem);
        return skip;
    }
    let in_order = container_names(spec, proxy);
    let known = set_of(&in_order);
    for name in values::container_names(annotation) {
        if !skip.names.insert(name) {
            let name = Excerpt::new(name);
            findings.warn(pod.about, Problem::ListedTwice { name });
            continue;
        }
        skip.in_order.push(name);
        if let Err(malformed) = values::container_name(name) {
            let problem = malformed_annotation(SKIP_CONTAINERS, name, malformed);
            findings.add(pod.about, severity, problem);
        } else if !known.contains(name) {
            let has_room = findings.has_room_for_warning();
            let meant = has_room.then(|| nearest(name, in_order.iter().copied()));
            let problem = Problem::NoSuchContainer {
                name: Excerpt::new(name),
                meant: meant.flatten().map(Excerpt::new),
            };
            findings.warn(pod.about, problem);
        }
    }
    skip
}

/// A set of the names. `collect` would sort them first, which is 8 KB of module.
pub fn set_of<'p>(names: &[&'p str]) -> HashSet<&'p str> {
    let mut set = HashSet::new();
    set.extend(names);
    set
}

/// The names of the pod's containers, and of those of the proxy that are to be added.
pub fn container_names<'p>(spec: &'p PodSpec<'_>, proxy: Option<&Proxy<'_>>) -> Vec<&'p str> {
    let mut names: Vec<&str> = Vec::new();
    names.extend(spec.all_containers().map(|(_, container)| &*container.name));
    for name in proxy.into_iter().flat_map(Proxy::new_containers) {
        names.push(name);
    }
    names
}
