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

/// The names of the containers that the pod's annotation says to leave alone, each once.
///
/// What is no container's name is malformed. A name that no container has is a warning only: another webhook may add
/// that container later. So is a name that stands twice.
pub fn read<'m>(
    pod: Named<'m>,
    spec: &PodSpec<'_>,
    proxy: Option<&Proxy<'_>>,
    severity: OnMalformed,
    findings: &mut Findings,
) -> Vec<&'m str> {
    let annotation = pod.metadata.annotation(SKIP_CONTAINERS).unwrap_or_default();
    let mut known: Vec<&str> = Vec::new();
    known.extend(spec.all_containers().map(|(_, container)| &*container.name));
    for container in proxy.into_iter().flat_map(Proxy::new_containers) {
        known.push(container);
    }
    let mut seen = BTreeSet::new();
    let mut names = Vec::new();
    for name in values::container_names(annotation) {
        if !seen.insert(name) {
            findings.warn(
                pod.object.metadata(),
                format!(
                    "annotation {SKIP_CONTAINERS}: {} stands in it twice",
                    quote(name)
                ),
            );
            continue;
        }
        names.push(name);
        if let Err(malformed) = values::container_name(name) {
            findings.malformed(severity, pod.object, SKIP_CONTAINERS, name, &malformed);
        } else if !known.contains(&name) {
            // A hint takes time, and nobody would get to read it behind so many warnings.
            let is_told = findings.warnings.len() < WARNINGS;
            let hint = is_told
                .then(|| nearest(name, known.iter().copied()))
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
    names
}
