//! Whether setting `allowedIdentities` allows the identities of a pod or a ServiceAccount.

use std::borrow::Cow;

use super::reasons::{Observer, Reason};
use crate::findings::{About, Findings, Found, IDENTITIES_OF_A_POD, IdSource, Problem, Severity};
use crate::identity::{Source, Sourced};
use crate::keys;
use crate::messages::Excerpt;
use crate::objects::{Container, PodSpec};
use crate::settings::Settings;
use crate::settings::allowed_identities::{AllowedIdentities, Claim, Part};
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
        let claim = self.claim(value(ids.client_id), value(ids.tenant_id));
        let entry = self.allowed.entry_that_allows(claim);
        observer.note(|| Reason::Allowed { entry });
        if entry.is_some() {
            return;
        }
        let part = self.disallowed(claim);
        let source = match part {
            Part::Client => id_source(ids.client_id, keys::CLIENT_ID, "clientID"),
            Part::Tenant => id_source(ids.tenant_id, keys::TENANT_ID, "tenantID"),
        };
        self.report(about, source, part, claim, findings);
    }

    /// Adds to the findings about a pod for each identity that its containers set themselves and that is not allowed.
    ///
    /// `ids` are what they have otherwise. Only values that are in the pod itself are known.
    pub fn containers(
        self,
        about: &About,
        spec: &PodSpec<'_>,
        ids: Ids<'_>,
        findings: &mut Findings,
    ) {
        // The work must not grow with containers times entries.
        let mut seen = Vec::new();
        for (place, container) in spec.all_containers() {
            let own_client = own(container, keys::AZURE_CLIENT_ID, value(ids.client_id));
            let own_tenant = own(container, keys::AZURE_TENANT_ID, value(ids.tenant_id));
            let ids_of_container = (own_client, own_tenant);
            if ids_of_container == (None, None) || seen.contains(&ids_of_container) {
                continue;
            }
            if seen.len() >= IDENTITIES_OF_A_POD {
                findings.add(about, self.severity, Problem::TooManyIdentities);
                return;
            }
            let (own_client, own_tenant) = &ids_of_container;
            let client_id = own_client.as_deref().or(value(ids.client_id));
            let claim = self.claim(client_id, own_tenant.as_deref().or(value(ids.tenant_id)));
            let is_allowed = self.allowed.entry_that_allows(claim).is_some();
            let part = if is_allowed {
                None
            } else {
                Some(self.disallowed(claim))
            };
            let name = match part {
                Some(Part::Client) if own_client.is_some() => Some(keys::AZURE_CLIENT_ID),
                Some(Part::Tenant) if own_tenant.is_some() => Some(keys::AZURE_TENANT_ID),
                // The other part is what is new: with it, an identity that is allowed elsewhere is not.
                Some(Part::Tenant) if own_client.is_some() => Some(keys::AZURE_CLIENT_ID),
                // The ServiceAccount's own identity was reported.
                _ => None,
            };
            if let (Some(name), Some(part)) = (name, part) {
                let about = about.container(place.list, place.index, &container.name);
                let part = if name == keys::AZURE_CLIENT_ID {
                    Part::Client
                } else {
                    part
                };
                self.report(&about, IdSource::Env(name), part, claim, findings);
            }
            seen.push(ids_of_container);
        }
    }

    fn claim<'i>(self, client_id: Option<&'i str>, tenant_id: Option<&'i str>) -> Claim<'i>
    where
        'c: 'i,
    {
        Claim {
            namespace: self.namespace,
            service_account: self.service_account,
            client_id,
            tenant_id,
        }
    }

    /// The part of an identity that is not allowed: the tenant, if the client ID is allowed with another one.
    #[cold]
    fn disallowed(self, claim: Claim<'_>) -> Part {
        let of_any_tenant = Claim {
            tenant_id: None,
            ..claim
        };
        let is_client_allowed =
            claim.tenant_id.is_some() && self.allowed.entry_that_allows(of_any_tenant).is_some();
        if claim.client_id.is_none() || is_client_allowed {
            Part::Tenant
        } else {
            Part::Client
        }
    }

    #[cold]
    fn report(
        self,
        about: &About,
        source: IdSource,
        part: Part,
        claim: Claim<'_>,
        findings: &mut Findings,
    ) {
        let (id, expected, is_id) = match part {
            Part::Client => (
                claim.client_id,
                "a client ID",
                values::client_id(claim.client_id.unwrap_or_default()).is_ok(),
            ),
            Part::Tenant => (
                claim.tenant_id,
                "a tenant",
                values::tenant_id(claim.tenant_id.unwrap_or_default()).is_ok(),
            ),
        };
        findings.add_with(about, self.severity, || Problem::Disallowed {
            // What a container has in the variable may be secret.
            found: match (&source, id) {
                (IdSource::Env(_), _) if !is_id => Found::Kind("another value"),
                (_, id) => Found::Text(Excerpt::new(id.unwrap_or_default())),
            },
            source,
            expected,
            allowed: self.allowed.allowed_to(claim, part),
        });
    }
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
        Some(Source::Setting) => IdSource::Setting(Excerpt::new("azureTenantID")),
        Some(Source::Pod | Source::ServiceAccount) | None => IdSource::Annotation(annotation),
    }
}

/// What a container sets itself; an empty value counts as unset, and so does what it would get.
fn own<'p>(container: &'p Container<'_>, name: &str, given: Option<&str>) -> Option<Cow<'p, str>> {
    let own = container.env_var(name)?.value()?;
    let is_given = given.is_some_and(|given| given.eq_ignore_ascii_case(&own));
    (!own.is_empty() && !is_given).then_some(own)
}
