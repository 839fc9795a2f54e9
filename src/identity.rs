//! The Azure identity of one pod: what its ServiceAccount, its annotations and the settings say together.

pub mod kubernetes_api;
pub mod lookup;
pub mod permission;

use std::borrow::Cow;

use crate::findings::{Findings, Problem, Severity};
use crate::keys;
use crate::messages::Excerpt;
use crate::objects::Annotated;
use crate::settings::Settings;
use crate::settings::extra_env::{ExtraEnv, ExtraVar};
use crate::settings::identity_map::MapEntry;
use crate::settings::token_endpoint::TokenEndpoint;
use crate::values::{self, Malformed};

/// What a pod is to know of its identity.
#[derive(Clone, Debug)]
pub struct Identity<'i> {
    /// Client ID of the Entra application or managed identity; `None` if the ServiceAccount names none.
    pub client_id: Option<Sourced<&'i str>>,
    /// The tenant, by ID or domain name.
    pub tenant_id: Sourced<&'i str>,
    /// URL of the cloud's Entra endpoint.
    pub authority_host: &'i str,
    /// Audience of the projected token.
    pub audience: &'i str,
    /// How long the projected token is valid, in seconds.
    pub token_expiration_seconds: Sourced<u32>,
    /// The custom token endpoint, if the pod asks for it.
    pub token_endpoint: Option<&'i TokenEndpoint>,
    /// Further environment variables that tell of it.
    pub extra_env: Vec<ExtraVar<'i>>,
}

/// A value and where it comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sourced<T> {
    /// The value.
    pub value: T,
    /// Where it comes from.
    pub source: Source,
}

/// Where a value comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// An annotation of the pod.
    Pod,
    /// An annotation of the pod's ServiceAccount.
    ServiceAccount,
    /// The entry of setting `identityMap` with this index.
    IdentityMap(usize),
    /// Another setting of the policy.
    Setting,
}

impl<'i> Identity<'i> {
    /// Resolves a pod's identity, and adds what is wrong with it to the findings about each of the two.
    ///
    /// `token_endpoint` is the custom token endpoint, if the pod asks for it; `entry` is that of setting `identityMap` for the
    /// ServiceAccount.
    // With a frame of its own: see `review::decide`.
    #[inline(never)]
    pub fn resolve(
        settings: &'i Settings,
        pod: Annotated<'_>,
        service_account: Annotated<'i>,
        token_endpoint: Option<&'i TokenEndpoint>,
        entry: Option<&'i MapEntry<'i>>,
        of_pod: &mut Findings,
        of_service_account: &mut Findings,
    ) -> Self {
        let severity = settings.on_malformed;
        let sourced = |source| move |value| Sourced { value, source };
        let of_entry = entry.and_then(|entry| {
            let value = entry.token_expiration_seconds?;
            let source = Source::IdentityMap(entry.index);
            Some((Sourced { value, source }, entry.overrides))
        });
        let token_expiration_seconds = token_expiration(pod, of_pod)
            .map(sourced(Source::Pod))
            .or_else(|| match of_entry {
                Some((overriding, true)) => Some(overriding),
                _ => token_expiration(service_account, of_service_account)
                    .map(sourced(Source::ServiceAccount)),
            })
            .or(of_entry.map(|(value, _)| value))
            .unwrap_or(Sourced {
                value: settings.default_token_expiration_seconds,
                source: Source::Setting,
            });
        let client_id = client_id(service_account, entry, severity, of_service_account);
        if client_id.is_none() && settings.require_client_id {
            of_service_account.reject(service_account.about, Problem::ClientIdRequired);
        }
        Self {
            client_id,
            tenant_id: tenant_id(service_account, entry, settings, of_service_account),
            authority_host: &settings.azure_authority_host,
            audience: token_endpoint.map_or(&*settings.audience, |endpoint| &endpoint.audience),
            token_expiration_seconds,
            token_endpoint,
            extra_env: settings
                .extra_env
                .map(ExtraEnv::variables)
                .unwrap_or_default(),
        }
    }
}

/// The client ID of a ServiceAccount, malformed or not; `None` if nothing names one.
pub fn client_id<'m>(
    service_account: Annotated<'m>,
    entry: Option<&'m MapEntry<'m>>,
    severity: Severity,
    findings: &mut Findings,
) -> Option<Sourced<&'m str>> {
    let of_entry = entry.map(|entry| (entry, entry.client_id.as_deref()));
    let (key, parse) = (keys::CLIENT_ID, values::client_id);
    id(service_account, key, parse, of_entry, severity, findings)
}

/// The tenant of a ServiceAccount, malformed or not.
pub fn tenant_id<'m>(
    service_account: Annotated<'m>,
    entry: Option<&'m MapEntry<'m>>,
    settings: &'m Settings<'_>,
    findings: &mut Findings,
) -> Sourced<&'m str> {
    let of_entry = entry.map(|entry| (entry, entry.tenant_id.as_deref()));
    let (key, parse) = (keys::TENANT_ID, values::tenant_id);
    let severity = settings.on_malformed;
    let own = id(service_account, key, parse, of_entry, severity, findings);
    own.unwrap_or(Sourced {
        value: &settings.azure_tenant_id,
        source: Source::Setting,
    })
}

/// An ID that an annotation of the ServiceAccount gives, or an entry of setting `identityMap`.
fn id<'m>(
    from: Annotated<'m>,
    key: &'static str,
    parse: fn(&str) -> Result<&str, Malformed>,
    of_entry: Option<(&MapEntry<'m>, Option<&'m str>)>,
    severity: Severity,
    findings: &mut Findings,
) -> Option<Sourced<&'m str>> {
    let mut mapped = None;
    if let Some((entry, value)) = of_entry {
        let is_overridden = !entry.looks_up || entry.overrides && value.is_some();
        let differs = |written: &str| match value {
            Some(value) => !written.eq_ignore_ascii_case(value),
            None => is_overridden,
        };
        if from.metadata.annotation(key).is_some_and(differs) {
            let problem = Problem::DiffersFromMap {
                annotation: key,
                entry: entry.index,
                is_overridden,
            };
            findings.warn(from.about, problem);
        }
        mapped = value.map(|value| Sourced {
            value,
            source: Source::IdentityMap(entry.index),
        });
        if is_overridden {
            return mapped;
        }
    }
    let own = annotation(from, key, parse, severity, findings).map(|value| Sourced {
        value,
        source: Source::ServiceAccount,
    });
    own.or(mapped)
}

fn annotation<'m>(
    from: Annotated<'m>,
    key: &'static str,
    parse: fn(&str) -> Result<&str, Malformed>,
    severity: Severity,
    findings: &mut Findings,
) -> Option<&'m str> {
    let text = from.metadata.annotation(key)?;
    if let Err(malformed) = parse(text) {
        let problem = malformed_annotation(key, text, malformed);
        // It is copied into each container, however long.
        let severity = if text.len() > values::LONGEST {
            Severity::Reject
        } else {
            severity
        };
        findings.add(from.about, severity, problem);
    }
    Some(text)
}

/// The expiration that an annotation gives. A malformed one is always rejected, since Kubernetes would reject the pod.
pub fn token_expiration(from: Annotated<'_>, findings: &mut Findings) -> Option<u32> {
    let text = from.metadata.annotation(keys::TOKEN_EXPIRATION)?;
    let parsed = values::token_expiration(text).map_err(|malformed| {
        let problem = malformed_annotation(keys::TOKEN_EXPIRATION, text, malformed);
        findings.reject(from.about, problem);
    });
    // A rejected pod has no expiration, but no other one is looked for either.
    Some(parsed.unwrap_or(*values::TOKEN_EXPIRATION_SECONDS.start()))
}

/// An annotation whose value cannot be used.
pub fn malformed_annotation(
    annotation: impl Into<Cow<'static, str>>,
    text: &str,
    malformed: Malformed,
) -> Problem {
    Problem::Malformed {
        annotation: annotation.into(),
        expected: malformed.expected,
        found: Excerpt::new(text),
        hint: malformed.hint,
    }
}
