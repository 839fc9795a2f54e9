//! A container's own environment variables that conflict with the pod's identity.

use super::items::NewEnvVar;
use crate::findings::{About, Findings, Place, Problem};
use crate::identity::{Identity, Source};
use crate::keys;
use crate::messages::Excerpt;
use crate::objects::Container;

/// Warns about each of a container's own values that differs from the pod's identity, and about each that refers to a
/// variable which is injected.
///
/// A value may be secret, so it is not shown; one from `valueFrom` cannot be compared. `env` is what the container should
/// have, `lacking` the names of what it lacks of that.
pub fn warn(
    about: impl Fn() -> About,
    container: &Container<'_>,
    env: &[NewEnvVar<'_>],
    lacking: &[&str],
    identity: &Identity<'_>,
    findings: &mut Findings,
) {
    if container.env.items.is_empty() {
        return;
    }
    // With its place in the list: a variable that was injected by an earlier call is in it.
    let mut injected = Vec::new();
    for new in env {
        if lacking.contains(&new.name) {
            injected.push((new.name, usize::MAX));
            continue;
        }
        let mut variables = container.env.items.iter().enumerate().rev();
        let Some((at, own)) = variables.find(|(_, own)| own.name == new.name) else {
            continue;
        };
        let own_value = own.value();
        let differs = own_value.as_ref().is_some_and(|value| !is_same(new, value));
        if own_value.is_some() && !differs {
            injected.push((new.name, at));
        }
        if let Some(source) = source(new, identity).filter(|_| differs) {
            let problem = Problem::KeepsOwn {
                env: new.name,
                source,
            };
            findings.warn(&about(), problem);
        }
    }
    let variables = container.env.items.iter().enumerate();
    for (at, own) in variables.filter(|(_, own)| own.may_refer()) {
        let value = own.value().unwrap_or_default();
        let later = injected.iter().filter(|(_, place)| *place > at);
        for (name, _) in later.filter(|(name, _)| refers(&value, name)) {
            let problem = Problem::RefersToLater {
                env: Excerpt::new(&own.name),
                injected: name,
            };
            findings.warn(&about(), problem);
        }
    }
}

/// Whether a container's own value says the same as the injected one: client IDs are the same in any case.
fn is_same(new: &NewEnvVar<'_>, own: &str) -> bool {
    match new.name {
        keys::AZURE_CLIENT_ID | keys::AZURE_TENANT_ID => own.eq_ignore_ascii_case(&new.value),
        _ => own == new.value,
    }
}

/// Where a variable's value would come from; `None` for those that users set for good reasons.
fn source(new: &NewEnvVar<'_>, identity: &Identity<'_>) -> Option<Place> {
    match new.name {
        keys::AZURE_CLIENT_ID => Some(Place::ServiceAccount),
        keys::AZURE_TENANT_ID => Some(match identity.tenant_id.source {
            Source::Setting => Place::TenantSetting,
            Source::Pod | Source::ServiceAccount => Place::ServiceAccount,
        }),
        keys::AZURE_FEDERATED_TOKEN_FILE => Some(Place::TokenMount),
        _ => None,
    }
}

/// Whether Kubernetes would expand `$(name)` in a value: `$$` stands for a `$` of its own.
fn refers(value: &str, name: &str) -> bool {
    let mut rest = value;
    while let Some((_, tail)) = rest.split_once('$') {
        if let Some(tail) = tail.strip_prefix('$') {
            rest = tail;
            continue;
        }
        let reference = tail.strip_prefix('(').and_then(|tail| tail.split_once(')'));
        if reference.is_some_and(|(found, _)| found == name) {
            return true;
        }
        rest = tail;
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_are_those_that_kubernetes_expands() {
        for (value, expected) in [
            ("$(A)", true),
            ("x$(B)$(A)y", true),
            ("$$$(A)", true),
            ("$$(A)", false),
            ("$(A", false),
            ("$(AB)", false),
            ("$A", false),
            ("$", false),
            ("", false),
        ] {
            assert_eq!(refers(value, "A"), expected, "{value}");
        }
    }
}
