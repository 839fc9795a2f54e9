//! The annotation that names containers to leave alone.

use super::places::{Places, places};
use super::proxy::Proxy;
use crate::findings::{Findings, Problem, Severity};
use crate::identity::malformed_annotation;
use crate::injectors;
use crate::keys::SKIP_CONTAINERS;
use crate::messages::{Excerpt, nearest};
use crate::objects::{Annotated, PodSpec};
use crate::settings::{ReinvocationPolicy, Settings};
use crate::values;

/// The names of the containers that a pod says to leave alone; there may be as many as containers.
#[derive(Clone, Debug, Default)]
pub struct Skip<'m> {
    /// In the pod's order, and whether it is the name of a container; only the first time that it is listed.
    names: Vec<(&'m str, bool)>,
    /// Where each name is; `None` if there are none, since a map takes its keys from the host.
    places: Option<Places<'m>>,
}

impl<'m> Skip<'m> {
    /// Whether the container of this name is left alone.
    pub fn contains(&self, name: &str) -> bool {
        self.places
            .as_ref()
            .is_some_and(|places| places.contains_key(name))
    }

    /// The names that containers have, in the pod's order, each once.
    pub fn known(&self) -> Vec<&'m str> {
        let known = self.names.iter().filter(|(_, is_known)| *is_known);
        known.map(|(name, _)| *name).collect()
    }
}

/// Reads the annotation.
///
/// Text that cannot be a container's name is malformed. A name that no container has is only warned about: another webhook
/// may add that container later. If one is known to do so, there is no warning. A name that is listed twice is warned about.
#[inline(never)]
pub fn read<'m>(
    pod: Annotated<'m>,
    spec: &PodSpec<'_>,
    proxy: Option<&Proxy<'_>>,
    settings: &Settings<'_>,
    findings: &mut Findings,
) -> Skip<'m> {
    let mut skip = Skip::default();
    let Some(annotation) = pod.metadata.annotation(SKIP_CONTAINERS) else {
        return skip;
    };
    if let Err(malformed) = values::container_list(annotation) {
        let problem = malformed_annotation(SKIP_CONTAINERS, annotation, malformed);
        findings.reject(pod.about, problem);
        return skip;
    }
    let names = values::container_names(annotation).map(|name| (name, false));
    skip.names.extend(names);
    let places = places(&mut skip.names.iter().map(|(name, _)| *name));
    for name in container_names(spec, proxy) {
        let place = places.get(name);
        if let Some((_, is_known)) = place.and_then(|place| skip.names.get_mut(*place)) {
            *is_known = true;
        }
    }
    let is_each_once = places.len() == skip.names.len();
    for (index, (name, is_known)) in skip.names.iter().enumerate() {
        if !is_each_once && places.get(name) != Some(&index) {
            findings.add_with(pod.about, Severity::Warn, || Problem::ListedTwice {
                name: Excerpt::new(name),
            });
            continue;
        }
        if let Err(malformed) = values::container_name(name) {
            let problem = || malformed_annotation(SKIP_CONTAINERS, name, malformed);
            findings.add_with(pod.about, settings.on_malformed, problem);
        } else if !is_known && spec.knows_containers && !comes_later(name, pod, settings) {
            findings.add_with(pod.about, Severity::Warn, || Problem::NoSuchContainer {
                name: Excerpt::new(name),
                meant: nearest(name, container_names(spec, proxy)).map(Excerpt::new),
            });
        }
    }
    skip.places = Some(places);
    skip
}

/// Whether another webhook adds a container of this name later.
fn comes_later(name: &str, pod: Annotated<'_>, settings: &Settings<'_>) -> bool {
    injectors::adding(name).is_some_and(|injector| {
        pod.metadata.injectors().has(injector)
            || settings.reinvocation_policy == ReinvocationPolicy::IfNeeded
    })
}

/// The names of the pod's containers, and of those of the proxy that are to be added.
fn container_names<'p>(
    spec: &'p PodSpec<'p>,
    proxy: Option<&'p Proxy<'p>>,
) -> impl Iterator<Item = &'p str> {
    let own = spec.all_containers().map(|(_, container)| &*container.name);
    let new = proxy.into_iter().flat_map(Proxy::new_containers);
    own.chain(new.map(|name| -> &'p str { name }))
}
