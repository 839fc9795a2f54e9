//! What a pod-level `resources` leaves for the containers of the proxy.
//!
//! Kubernetes rejects a pod whose containers request more than the pod does, or of which one has a higher limit.

use super::proxy::{PROXY, PROXY_INIT, Proxy};
use crate::findings::{About, Findings, Problem};
use crate::json::Reader;
use crate::messages::Excerpt;
use crate::objects::PodSpec;
use crate::settings;

/// Adds to the findings each resource of which the pod has too little for the containers that are to be added.
pub fn reject_shortage(
    proxy: Proxy<'_>,
    about: &About,
    spec: &PodSpec<'_>,
    findings: &mut Findings,
) {
    if spec.resources.is_none() {
        return;
    }
    // By the settings, not by the pod: what others write may have tens of thousands of names.
    let mut names: Vec<String> = Vec::new();
    for container in [PROXY, PROXY_INIT] {
        each(proxy.resources(container), &mut |_, name, _| {
            if is_for_pods(name) && !names.iter().any(|known| known == name) {
                names.push(name.to_owned());
            }
        });
    }
    for name in names {
        if is_short(&proxy, spec, &name) {
            let resource = Excerpt::new(&name);
            findings.reject(about, Problem::PodResources { resource });
        }
    }
}

/// Whether a pod itself, and not only a container, can have this resource.
fn is_for_pods(name: &str) -> bool {
    matches!(name, "cpu" | "memory") || name.starts_with("hugepages-")
}

fn is_short(proxy: &Proxy<'_>, spec: &PodSpec<'_>, name: &str) -> bool {
    let of_pod = Amounts::of(spec.resources, name);
    let Some(most) = of_pod.requested() else {
        return false;
    };
    let of_new = |container| {
        let is_new = proxy.new_containers().any(|new| new == container);
        Amounts::of(proxy.resources(container).filter(|_| is_new), name)
    };
    let of_init = of_new(PROXY_INIT).requested().unwrap_or(0);
    let proxy_amounts = of_new(PROXY);
    let of_proxy = proxy_amounts.requested().unwrap_or(0);
    // As Kubernetes sums up: an init container runs beside the sidecars before it, the containers beside all of them.
    let is_first = proxy.is_init(PROXY);
    let (mut sidecars, mut together) = if is_first {
        (of_proxy, 0)
    } else {
        (0, of_proxy)
    };
    let mut needed = if is_first { of_init } else { 0 };
    for (place, container) in spec.all_containers() {
        let of_container = Amounts::of(container.resources, name);
        let request = of_container.requested().unwrap_or(0);
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
    let its_limit = proxy_amounts.limit.filter(|_| !is_first);
    let limits = of_pod.limit.zip(its_limit);
    let has_higher_limit = limits.is_some_and(|(limit, its)| its > limit);
    let is_added = of_init > 0 || of_proxy > 0;
    has_higher_limit || is_added && needed > most
}

/// How much of a resource is requested, and the limit.
#[derive(Default)]
struct Amounts {
    request: Option<u128>,
    limit: Option<u128>,
}

impl Amounts {
    #[inline(never)]
    fn of(resources: Option<&str>, name: &str) -> Self {
        let mut amounts = Self::default();
        each(resources, &mut |list, key, json| {
            if key == name {
                let amount = settings::json_amount(json).ok();
                if list == "limits" {
                    amounts.limit = amount;
                } else {
                    amounts.request = amount;
                }
            }
        });
        amounts
    }

    /// What counts as requested: as much as the limit, if nothing else is said.
    fn requested(&self) -> Option<u128> {
        self.request.or(self.limit)
    }
}

/// Calls `each` with every resource: the list that has it, its name, and its quantity as JSON. What is malformed is left to
/// Kubernetes.
fn each(resources: Option<&str>, each: &mut dyn FnMut(&str, &str, &str)) {
    let _ = Reader::new(resources.unwrap_or("null")).object("an object", |list, reader| {
        if !matches!(list, "limits" | "requests") {
            return reader.skip().map(|_| ());
        }
        reader.object("an object", |name, reader| {
            each(list, name, reader.raw()?);
            Ok(())
        })?;
        Ok(())
    });
}
