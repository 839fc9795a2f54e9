//! Whether setting `allowedIdentities` allows the identities of a pod or a ServiceAccount.

use std::borrow::Cow;
use std::slice;

use super::reasons::{Observer, Reason};
use crate::findings::{About, Findings, Found, IDENTITIES_OF_A_POD, IdSource, Problem, Severity};
use crate::identity::{Source, Sourced};
use crate::keys;
use crate::messages::Excerpt;
use crate::objects::{Container, ContainerPlace, PodSpec};
use crate::settings::Settings;
use crate::settings::allowed_identities::{AllowedIdentities, Claim, Claims, Part};
use crate::values;

/// The check of one ServiceAccount's identities.
#[derive(Clone, Copy)]
pub struct Check<'c> {
    allowed: AllowedIdentities<'c>,
    severity: Severity,
    namespace: &'c str,
    service_account: &'c str,
}

/// An identity and where its parts come from.
#[derive(Clone, Copy)]
pub struct Ids<'i> {
    /// The client ID; `None` if it is not known.
    pub client_id: Option<Sourced<&'i str>>,
    /// The tenant; `None` if it is not known.
    pub tenant_id: Option<Sourced<&'i str>>,
}

impl<'c> Check<'c> {
    /// The check, if there is anything to check.
    pub fn new(
        settings: &'c Settings<'_>,
        namespace: &'c str,
        service_account: &'c str,
    ) -> Option<Self> {
        Some(Self {
            allowed: settings.allowed_identities?,
            severity: settings.on_disallowed,
            namespace,
            service_account,
        })
    }

    /// Adds to the findings about a ServiceAccount if its identity is not allowed. If nothing but a setting names a part of it,
    /// it has none.
    pub fn service_account(
        self,
        about: &About,
        ids: Ids<'_>,
        findings: &mut Findings,
        observer: &mut impl Observer,
    ) {
        let of_setting = |id: Sourced<&str>| id.source == Source::Setting;
        if ids.client_id.is_none() && ids.tenant_id.is_none_or(of_setting) {
            return;
        }
        let claim = Claim {
            client_id: value(ids.client_id),
            tenant_id: value(ids.tenant_id),
        };
        let claims = self.claims(slice::from_ref(&claim));
        let allowance = self.allowed.allowance(claims);
        observer.note(|| Reason::Allowed {
            entry: allowance.entry,
        });
        if allowance.entry.is_some() {
            return;
        }
        let part = disallowed_part(claim, allowance.client_allowed != 0);
        let source = match part {
            Part::Client => id_source(ids.client_id, keys::CLIENT_ID, "clientID"),
            Part::Tenant => id_source(ids.tenant_id, keys::TENANT_ID, "tenantID"),
        };
        self.report(about, source, part, claims, findings);
    }

    /// Adds to the findings about a pod for each identity that its containers set themselves and that is not allowed.
    ///
    /// `ids` are what they have otherwise. Only values that are in the pod itself are known; one that `renews` knows is going
    /// to be replaced.
    pub fn containers(
        self,
        about: &About,
        spec: &PodSpec<'_>,
        ids: Ids<'_>,
        renews: &dyn Fn(ContainerPlace, &str) -> bool,
        findings: &mut Findings,
    ) {
        let mut owns = Vec::new();
        for (place, container) in spec.all_containers() {
            let own = |name, id| {
                let own = own(container, name, value(id))?;
                (!renews(place, name)).then_some(own)
            };
            let own = Own {
                client_id: own(keys::AZURE_CLIENT_ID, ids.client_id),
                tenant_id: own(keys::AZURE_TENANT_ID, ids.tenant_id),
            };
            let is_known = |(_, _, known): &(_, _, Own<'_>)| *known == own;
            if own == Own::default() || owns.iter().any(is_known) {
                continue;
            }
            if owns.len() >= IDENTITIES_OF_A_POD {
                // The work must not grow with containers times entries.
                findings.add(about, self.severity, Problem::TooManyIdentities);
                break;
            }
            owns.push((place, container, own));
        }
        if owns.is_empty() {
            return;
        }
        let identities: Vec<_> = owns
            .iter()
            .map(|(_, _, own)| Claim {
                client_id: own.client_id.as_deref().or(value(ids.client_id)),
                tenant_id: own.tenant_id.as_deref().or(value(ids.tenant_id)),
            })
            .collect();
        let claims = self.claims(&identities);
        let allowance = self.allowed.allowance(claims);
        let disallowed = identities.iter().zip(&owns).enumerate();
        for (index, (claim, (place, container, own))) in
            disallowed.filter(|(index, _)| !is_set(allowance.allowed, *index))
        {
            let part = disallowed_part(*claim, is_set(allowance.client_allowed, index));
            let (name, part) = match part {
                Part::Tenant if own.tenant_id.is_some() => (keys::AZURE_TENANT_ID, part),
                // With this client ID, the tenant is not allowed.
                _ if own.client_id.is_some() => (keys::AZURE_CLIENT_ID, Part::Client),
                // The ServiceAccount's own client ID was reported.
                _ => continue,
            };
            let about = about.container(place.list, place.index, &container.name);
            let source = IdSource::Env(name);
            let claims = self.claims(slice::from_ref(claim));
            self.report(&about, source, part, claims, findings);
        }
    }

    fn claims<'i>(self, identities: &'i [Claim<'i>]) -> Claims<'i>
    where
        'c: 'i,
    {
        Claims {
            namespace: self.namespace,
            service_account: self.service_account,
            identities,
        }
    }

    #[cold]
    fn report(
        self,
        about: &About,
        source: IdSource,
        part: Part,
        claims: Claims<'_>,
        findings: &mut Findings,
    ) {
        let Some(claim) = claims.identities.first() else {
            return;
        };
        let (id, expected) = match part {
            Part::Client => (claim.client_id, "a client ID"),
            Part::Tenant => (claim.tenant_id, "a tenant"),
        };
        let id = id.unwrap_or_default();
        // What a container has in the variable may be secret.
        let is_shown = match (&source, part) {
            (IdSource::Env(_), Part::Client) => values::client_id(id).is_ok(),
            (IdSource::Env(_), Part::Tenant) => values::tenant_id(id).is_ok(),
            _ => true,
        };
        let problem = Problem::Disallowed {
            found: if is_shown {
                Found::Text(Excerpt::new(id))
            } else {
                Found::Kind("another value")
            },
            source,
            expected,
            allowed: self.allowed.alternatives(claims, part),
        };
        findings.add(about, self.severity, problem);
    }
}

// Each has a bit in `Allowance`.
const _: () = assert!(IDENTITIES_OF_A_POD < 32);

/// What a container sets itself.
#[derive(Default, PartialEq)]
struct Own<'p> {
    client_id: Option<Cow<'p, str>>,
    tenant_id: Option<Cow<'p, str>>,
}

/// The part of an identity that is not allowed: the tenant, if the client ID is allowed with another one.
fn disallowed_part(claim: Claim<'_>, is_client_allowed: bool) -> Part {
    if claim.client_id.is_none() || claim.tenant_id.is_some() && is_client_allowed {
        Part::Tenant
    } else {
        Part::Client
    }
}

/// Whether the bit of the claim with this index is set.
fn is_set(claims: u32, index: usize) -> bool {
    let shift = u32::try_from(index).unwrap_or(u32::MAX);
    claims.checked_shr(shift).unwrap_or(0) & 1 == 1
}

fn value(id: Option<Sourced<&str>>) -> Option<&str> {
    id.map(|id| id.value)
}

/// Where an ID comes from, for messages.
fn id_source(id: Option<Sourced<&str>>, annotation: &'static str, field: &'static str) -> IdSource {
    match id.map(|id| id.source) {
        Some(Source::IdentityMap(index)) => {
            IdSource::Setting(Excerpt::new(&format!("identityMap[{index}].{field}")))
        }
        Some(Source::Setting) => IdSource::DefaultTenant,
        Some(Source::Pod | Source::ServiceAccount) | None => IdSource::Annotation(annotation),
    }
}

/// What a container sets itself; an empty value counts as unset, and so does what it would get, in which each `$` is doubled.
fn own<'p>(container: &'p Container<'_>, name: &str, given: Option<&str>) -> Option<Cow<'p, str>> {
    let own = container.env_var(name)?.value()?;
    let is_given = given.is_some_and(|given| {
        given.eq_ignore_ascii_case(&own)
            || own.contains('$') && given.replace('$', "$$").eq_ignore_ascii_case(&own)
    });
    (!own.is_empty() && !is_given).then_some(own)
}
