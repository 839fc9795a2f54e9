//! A container's own environment variables that conflict with the pod's identity.

use std::iter;

use super::items::{EnvSet, NewEnvVar};
use crate::findings::{About, Findings, Place, Problem, Severity};
use crate::identity::{Identity, Source};
use crate::messages::Excerpt;
use crate::objects::Container;
use crate::settings::extra_env::IdentityPart;
use crate::values::is_same;

/// What a container has of its own.
#[derive(Clone, Copy)]
pub struct OwnEnv<'o> {
    /// The container.
    pub container: &'o Container<'o>,
    /// The variables that it lacks.
    pub lacking: EnvSet,
    /// Those that are not its own, but were injected, and no longer agree with the identity.
    pub ours: &'o [&'o str],
    /// Whether a path leads to a token for the identity.
    pub reaches_token: &'o dyn Fn(&str) -> bool,
}

/// Warns about each of a container's own values that differs from the pod's identity, and about each that refers to a
/// variable which is injected.
///
/// A value may be secret, so it is not shown; one from `valueFrom` cannot be compared. `env` is what the container should
/// have.
pub fn warn(
    about: impl Fn() -> About,
    own: OwnEnv<'_>,
    env: &[NewEnvVar<'_>],
    identity: &Identity<'_>,
    findings: &mut Findings,
) {
    let OwnEnv {
        container,
        lacking,
        ours,
        reaches_token,
    } = own;
    // With its place in the list: a variable that was injected by an earlier call is in it.
    let mut injected = Vec::new();
    for (index, new) in env.iter().enumerate() {
        if lacking.has(index) {
            injected.push((new.name, usize::MAX));
            continue;
        }
        let mut variables = container.env.items.iter().enumerate().rev();
        let Some((at, own)) = variables.find(|(_, own)| is_same(&own.name, new.name)) else {
            continue;
        };
        let own_value = own.value();
        let is_said = |value: &str| {
            new.is_said_by(value)
                || ours.contains(&new.name)
                || new.part == Some(IdentityPart::TokenFile) && reaches_token(value)
        };
        let differs = own_value.as_deref().is_some_and(|value| !is_said(value));
        if own_value.is_some() && !differs {
            injected.push((new.name, at));
        }
        if let Some(source) = source(new, identity).filter(|_| differs) {
            let problem = Problem::KeepsOwn {
                env: Excerpt::new(new.name),
                source,
            };
            findings.warn(&about(), problem);
        }
    }
    let variables = container.env.items.iter().enumerate();
    for (at, own) in variables.filter(|(_, own)| own.may_refer) {
        let value = own.value().unwrap_or_default();
        let mut later: Vec<_> = injected.iter().filter(|(_, place)| *place > at).collect();
        for reference in references(&value) {
            if let Some(index) = later.iter().position(|(name, _)| *name == reference) {
                let (injected, _) = later.swap_remove(index);
                let problem = || Problem::RefersToLater {
                    env: Excerpt::new(&own.name),
                    injected: Excerpt::new(injected),
                };
                findings.add_with(&about(), Severity::Warn, problem);
            }
        }
    }
}

/// Where a variable's value would come from; `None` for those that users set for good reasons.
fn source(new: &NewEnvVar<'_>, identity: &Identity<'_>) -> Option<Place> {
    match new.part? {
        IdentityPart::ClientId => Some(match identity.client_id?.source {
            Source::IdentityMap(_) => Place::IdentityMap,
            Source::Pod | Source::ServiceAccount | Source::Setting => Place::ServiceAccount,
        }),
        IdentityPart::TenantId => Some(match identity.tenant_id.source {
            Source::Setting => Place::TenantSetting,
            Source::IdentityMap(_) => Place::IdentityMap,
            Source::Pod | Source::ServiceAccount => Place::ServiceAccount,
        }),
        IdentityPart::TokenFile => Some(Place::TokenMount),
        IdentityPart::AuthorityHost | IdentityPart::Audience => None,
    }
}

/// The names that Kubernetes would expand in a value: those in `$(NAME)`, where `$$` stands for a `$` of its own.
fn references(value: &str) -> impl Iterator<Item = &str> {
    let mut rest = value;
    iter::from_fn(move || {
        loop {
            let (_, tail) = rest.split_once('$')?;
            if let Some(reference) = tail.strip_prefix('(') {
                let (name, tail) = reference.split_once(')')?;
                rest = tail;
                return Some(name);
            }
            rest = tail.strip_prefix('$').unwrap_or(tail);
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_are_those_that_kubernetes_expands() {
        let none: &[&str] = &[];
        for (value, expected) in [
            ("$(A)", &["A"][..]),
            ("x$(B)$(A)y", &["B", "A"]),
            ("$$$(A)", &["A"]),
            ("$(A$(B)", &["A$(B"]),
            ("$A$(B)", &["B"]),
            ("$$(A)", none),
            ("$(A", none),
            ("$", none),
            ("", none),
        ] {
            let found: Vec<_> = references(value).collect();
            assert_eq!(found, expected, "{value}");
        }
    }
}
