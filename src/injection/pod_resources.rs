//! What a pod-level `resources` leaves for the containers of the proxy.
//!
//! Kubernetes rejects a pod whose containers request more than the pod does, or of which one has a higher limit.

use super::proxy::{PROXY, PROXY_INIT, Proxy};
use crate::findings::{Findings, Problem};
use crate::json::Reader;
use crate::messages::Excerpt;
use crate::objects::{Annotated, PodSpec};
use crate::settings;

/// Adds to the findings each resource of which the pod has too little for the containers that are to be added.
pub fn reject_shortage(
    proxy: &Proxy<'_>,
    pod: Annotated<'_>,
    spec: &PodSpec<'_>,
    findings: &mut Findings,
) {
    if spec.resources.is_none()
        || proxy
            .resources(PROXY)
            .or(proxy.resources(PROXY_INIT))
            .is_none()
    {
        return;
    }
    let mut names: Vec<String> = Vec::new();
    for list in ["limits", "requests"] {
        each(spec.resources, list, &mut |name, _| {
            if !names.iter().any(|known| known == name) {
                names.push(name.to_owned());
            }
        });
    }
    for name in names {
        if is_short(proxy, spec, &name) {
            let resource = Excerpt::new(&name);
            findings.reject(pod.about, Problem::PodResources { resource });
        }
    }
}

fn is_short(proxy: &Proxy<'_>, spec: &PodSpec<'_>, name: &str) -> bool {
    let limit = amount(spec.resources, "limits", name);
    // What the pod does not request is as much as its limit.
    let most = amount(spec.resources, "requests", name).or(limit);
    let of_new = |container| {
        let is_new = proxy.new_containers().any(|new| new == container);
        let resources = proxy.resources(container).filter(|_| is_new);
        (resources, request(resources, name))
    };
    let (_, of_init) = of_new(PROXY_INIT);
    let (resources, of_proxy) = of_new(PROXY);
    // As Kubernetes sums up: an init container runs beside the sidecars before it, the containers beside all of them.
    let is_first = proxy.is_init(PROXY);
    let (mut sidecars, mut together) = if is_first {
        (of_proxy, 0)
    } else {
        (0, of_proxy)
    };
    let mut needed = if is_first { of_init } else { 0 };
    for (place, container) in spec.all_containers() {
        let request = request(container.resources, name);
        if place.list != "initContainers" {
            together = together.saturating_add(request);
        } else if container.is_native_sidecar() {
            sidecars = sidecars.saturating_add(request);
        } else {
            needed = needed.max(sidecars.saturating_add(request));
        }
    }
    if !is_first {
        together = together.max(of_init);
    }
    needed = needed.max(sidecars.saturating_add(together));
    // Kubernetes compares the limits of ordinary containers only.
    let its_limit = amount(resources, "limits", name).filter(|_| !is_first);
    let has_higher_limit = limit.zip(its_limit).is_some_and(|(limit, its)| its > limit);
    let is_added = of_init > 0 || of_proxy > 0;
    has_higher_limit || is_added && most.is_some_and(|most| needed > most)
}

/// What a container requests: as much as its limit, if it says no more.
#[inline(never)]
fn request(resources: Option<&str>, name: &str) -> u128 {
    let request = amount(resources, "requests", name);
    request.or(amount(resources, "limits", name)).unwrap_or(0)
}

#[inline(never)]
fn amount(resources: Option<&str>, list: &str, name: &str) -> Option<u128> {
    let mut found = None;
    each(resources, list, &mut |key, json| {
        if key == name {
            found = settings::amount(json).ok();
        }
    });
    found
}

/// Calls `each` with every resource of a list, and its quantity as JSON. What is malformed is left to Kubernetes.
fn each(resources: Option<&str>, list: &str, each: &mut dyn FnMut(&str, &str)) {
    let _ = Reader::new(resources.unwrap_or("null")).object("an object", |key, reader| {
        if key != list {
            return reader.skip().map(|_| ());
        }
        reader.object("an object", |name, reader| {
            each(name, reader.raw()?);
            Ok(())
        })?;
        Ok(())
    });
}
