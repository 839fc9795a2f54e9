//! Containers that other webhooks add after the policy was called.

use super::injected_pod::{InjectedPod, Purpose};
use crate::findings::{Findings, Problem};
use crate::injectors::{DAPR, Injector};
use crate::settings::{ReinvocationPolicy, Settings};

/// A container that a webhook adds later, which the pod asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LaterContainer {
    /// The webhook.
    pub injector: &'static str,
    /// The container.
    pub name: &'static str,
    /// What becomes of it.
    pub fate: Fate,
}

/// What becomes of a container that comes later.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// Annotation `skip-containers` lists it.
    Skipped,
    /// Annotations of the pod give it the identity.
    HandedOver,
    /// The policy is called again, and gives it the identity.
    CalledAgain,
    /// It will not have the identity.
    LeftOut,
}

/// What becomes of the containers that come later; those that will not have the identity are added to the findings.
///
/// `hands_over` is whether the identity is handed over to Dapr; `None` if that is not asked for.
#[inline(never)]
pub fn containers(
    pod: InjectedPod<'_, '_>,
    settings: &Settings<'_>,
    hands_over: Option<bool>,
    findings: &mut Findings,
) -> Vec<LaterContainer> {
    let mut later = Vec::new();
    if matches!(pod.review.purpose, Purpose::Verify { .. }) {
        return later;
    }
    for injector in pod.metadata.injectors().iter() {
        let Injector {
            name, container, ..
        } = injector;
        if has_container(pod, container) {
            continue;
        }
        let fate = if pod.skip.contains(container) {
            Fate::Skipped
        } else if let Some(hands_over) = hands_over.filter(|_| *container == DAPR.container) {
            // Why it is not was reported.
            if hands_over {
                Fate::HandedOver
            } else {
                Fate::LeftOut
            }
        } else if settings.reinvocation_policy == ReinvocationPolicy::IfNeeded {
            Fate::CalledAgain
        } else {
            let problem = Problem::AddedLater {
                injector: name,
                container,
                cannot_be_handed_over: !settings.hand_over.is_empty(),
            };
            findings.warn(pod.about, problem);
            Fate::LeftOut
        };
        later.push(LaterContainer {
            injector: name,
            name: container,
            fate,
        });
    }
    later
}

/// Whether a pod has a container of this name.
pub fn has_container(pod: InjectedPod<'_, '_>, name: &str) -> bool {
    let mut containers = pod.spec.all_containers();
    containers.any(|(_, container)| container.name == name)
}
