//! The Azure identity of one pod: what its ServiceAccount, its annotations and the settings say together.

use crate::findings::Findings;
use crate::keys;
use crate::message::ObjectName;
use crate::metadata::Metadata;
use crate::settings::token_endpoint::TokenEndpoint;
use crate::settings::{OnMalformed, Settings};
use crate::values::{self, Malformed};

/// What a pod is to be told about its identity.
#[derive(Clone, Debug)]
pub struct Identity<'i> {
    /// Client ID of the Entra application or managed identity; `None` where the ServiceAccount names none.
    pub client_id: Option<Sourced<'i>>,
    /// The tenant, by ID or domain name.
    pub tenant_id: Sourced<'i>,
    /// URL of the cloud's Entra endpoint.
    pub authority_host: &'i str,
    /// Audience of the projected token.
    pub audience: &'i str,
    /// How long the projected token is valid, in seconds.
    pub token_expiration_seconds: u32,
    /// The custom token endpoint, where the pod asks for it.
    pub token_endpoint: Option<&'i TokenEndpoint>,
}

/// A value and where it comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sourced<'i> {
    /// The value.
    pub value: &'i str,
    /// Where it comes from.
    pub source: Source,
}

/// Where a value comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// An annotation of the pod's ServiceAccount.
    ServiceAccount,
    /// A setting of the policy.
    Setting,
}

/// An object and its metadata: a pod, or its ServiceAccount.
#[derive(Clone, Copy, Debug)]
pub struct Named<'m> {
    /// Its name for messages.
    pub object: &'m ObjectName,
    /// Its metadata.
    pub metadata: &'m Metadata<'m>,
}

impl<'i> Identity<'i> {
    /// Resolves a pod's identity and adds what is wrong with it to the findings about each of the two.
    ///
    /// `token_endpoint` is the custom token endpoint, where the pod asks for it.
    pub fn resolve(
        settings: &'i Settings,
        pod: Named<'_>,
        service_account: Named<'i>,
        token_endpoint: Option<&'i TokenEndpoint>,
        of_pod: &mut Findings,
        of_service_account: &mut Findings,
    ) -> Self {
        let severity = settings.on_malformed;
        let token_expiration_seconds = token_expiration(pod, of_pod)
            .or_else(|| token_expiration(service_account, of_service_account))
            .unwrap_or(settings.default_token_expiration_seconds);
        let client_id = client_id(service_account, severity, of_service_account);
        if client_id.is_none() && settings.require_client_id {
            of_service_account.refuse(
                service_account.object,
                format!(
                    "annotation {}: required: expected {}, found nothing",
                    keys::CLIENT_ID,
                    values::CLIENT_ID
                ),
            );
        }
        let tenant_id = tenant_id(service_account, severity, of_service_account);
        let from_annotation = |value| Sourced {
            value,
            source: Source::ServiceAccount,
        };
        let default_tenant = Sourced {
            value: &settings.azure_tenant_id,
            source: Source::Setting,
        };
        Self {
            client_id: client_id.map(from_annotation),
            tenant_id: tenant_id.map_or(default_tenant, from_annotation),
            authority_host: &settings.azure_authority_host,
            audience: token_endpoint.map_or(&*settings.audience, |endpoint| &endpoint.audience),
            token_expiration_seconds,
            token_endpoint,
        }
    }
}

/// The client ID that a ServiceAccount names, malformed or not; `None` where it names none.
pub fn client_id<'m>(
    service_account: Named<'m>,
    severity: OnMalformed,
    findings: &mut Findings,
) -> Option<&'m str> {
    id(
        service_account,
        keys::CLIENT_ID,
        values::client_id,
        severity,
        findings,
    )
}

/// The tenant that a ServiceAccount names, malformed or not; `None` where it names none.
pub fn tenant_id<'m>(
    service_account: Named<'m>,
    severity: OnMalformed,
    findings: &mut Findings,
) -> Option<&'m str> {
    id(
        service_account,
        keys::TENANT_ID,
        values::tenant_id,
        severity,
        findings,
    )
}

fn id<'m>(
    from: Named<'m>,
    annotation: &str,
    parse: impl Fn(&str) -> Result<&str, Malformed>,
    severity: OnMalformed,
    findings: &mut Findings,
) -> Option<&'m str> {
    let text = from.metadata.annotation(annotation)?;
    if let Err(malformed) = parse(text) {
        findings.malformed(severity, from.object, annotation, text, &malformed);
    }
    Some(text)
}

/// The expiration that an annotation gives; refused where malformed, since Kubernetes would refuse the pod.
pub fn token_expiration(from: Named<'_>, findings: &mut Findings) -> Option<u32> {
    let text = from.metadata.annotation(keys::TOKEN_EXPIRATION)?;
    let parsed = values::token_expiration(text);
    if let Err(malformed) = &parsed {
        findings.malformed(
            OnMalformed::Reject,
            from.object,
            keys::TOKEN_EXPIRATION,
            text,
            malformed,
        );
    }
    // What is refused has no expiration, but no other one is looked for either.
    Some(parsed.unwrap_or(*values::TOKEN_EXPIRATION_SECONDS.start()))
}
