//! The annotation that names containers to leave alone.

use crate::findings::Findings;
use crate::identity::Named;
use crate::keys::SKIP_CONTAINERS;
use crate::message::quote;
use crate::nearest::nearest;
use crate::pod::PodSpec;
use crate::proxy::Proxy;
use crate::settings::OnMalformed;
use crate::values;

/// The names of the containers that the pod's annotation says to leave alone.
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
    let mut names = Vec::new();
    for name in values::container_names(annotation) {
        let mut known: Vec<&str> = Vec::new();
        known.extend(spec.all_containers().map(|(_, container)| &*container.name));
        for container in proxy.into_iter().flat_map(Proxy::new_containers) {
            known.push(container);
        }
        if let Err(malformed) = values::container_name(name) {
            findings.malformed(severity, pod.object, SKIP_CONTAINERS, name, &malformed);
        } else if names.contains(&name) {
            findings.warn(
                pod.object.metadata(),
                format!(
                    "annotation {SKIP_CONTAINERS}: {} stands in it twice",
                    quote(name)
                ),
            );
        } else if !known.contains(&name) {
            let hint = nearest(name, known)
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
        names.push(name);
    }
    names
}
