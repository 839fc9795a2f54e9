//! The annotation that names containers to leave alone.

use std::collections::BTreeSet;

use crate::findings::Findings;
use crate::identity::Named;
use crate::keys::SKIP_CONTAINERS;
use crate::message::quote;
use crate::nearest::nearest;
use crate::pod::PodSpec;
use crate::proxy::Proxy;
use crate::settings::OnMalformed;
use crate::values;
use crate::verdict::WARNINGS;

/// The names of the containers that a pod says to leave alone. There may be as many as there are containers, so they are
/// looked up and not searched.
#[derive(Clone, Debug, Default)]
pub struct Skip<'m> {
    in_order: Vec<&'m str>,
    names: BTreeSet<&'m str>,
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
/// What is no container's name is malformed. A name that no container has is a warning only: another webhook may add
/// that container later. So is a name that stands twice.
pub fn read<'m>(
    pod: Named<'m>,
    spec: &PodSpec<'_>,
    proxy: Option<&Proxy<'_>>,
    severity: OnMalformed,
    findings: &mut Findings,
) -> Skip<'m> {
    let mut skip = Skip::default();
    let Some(annotation) = pod.metadata.annotation(SKIP_CONTAINERS) else {
        return skip;
    };
    let in_order = container_names(spec, proxy);
    let known = set_of(&in_order);
    for name in values::container_names(annotation) {
        if !skip.names.insert(name) {
            findings.warn(
                pod.object.metadata(),
                format!(
                    "annotation {SKIP_CONTAINERS}: {} stands in it twice",
                    quote(name)
                ),
            );
            continue;
        }
        skip.in_order.push(name);
        if let Err(malformed) = values::container_name(name) {
            findings.malformed(severity, pod.object, SKIP_CONTAINERS, name, &malformed);
        } else if !known.contains(name) {
            // A hint takes time, and nobody would get to read it behind so many warnings.
            let is_told = findings.warnings.len() < WARNINGS;
            let hint = is_told
                .then(|| nearest(name, in_order.iter().copied()))
                .flatten()
                .map(|container| format!("; did you mean {container}?"))
                .unwrap_or_default();
            findings.warn(
                pod.object.metadata(),
                format!(
                    "annotation {SKIP_CONTAINERS}: the pod has no container {}{hint}",
                    quote(name)
                ),
            );
        }
    }
    skip
}

/// The names for looking up. Collected instead of extended, they would be sorted first, which is 8 KB of module.
pub fn set_of<'p>(names: &[&'p str]) -> BTreeSet<&'p str> {
    let mut set = BTreeSet::new();
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
