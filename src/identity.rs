//! The Azure identity of one pod: what its ServiceAccount, its annotations and the settings say together.

use crate::findings::Findings;
use crate::keys;
use crate::message::ObjectName;
use crate::metadata::Metadata;
use crate::settings::{OnMalformed, Settings};
use crate::values::{self, Malformed};

/// What a pod is to be told about its identity.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// Client ID of the Entra application or managed identity; `None` where the ServiceAccount names none.
    pub client_id: Option<String>,
    /// The tenant, by ID or domain name.
    pub tenant_id: String,
    /// URL of the cloud's Entra endpoint.
    pub authority_host: String,
    /// Audience of the projected token.
    pub audience: String,
    /// How long the projected token is valid, in seconds.
    pub token_expiration_seconds: u32,
}

/// An object and its metadata: a pod, or its ServiceAccount.
#[derive(Clone, Copy, Debug)]
pub struct Named<'m> {
    /// Its name for messages.
    pub object: &'m ObjectName,
    /// Its metadata.
    pub metadata: &'m Metadata<'m>,
}

impl Identity {
    /// Resolves a pod's identity and adds what is wrong with it to `findings`.
    pub fn resolve(
        settings: &Settings,
        pod: Named<'_>,
        service_account: Named<'_>,
        findings: &mut Findings,
    ) -> Self {
        let mut of_service_account = Findings::default();
        let severity = settings.on_malformed;
        let token_expiration_seconds = token_expiration(pod, findings)
            .or_else(|| token_expiration(service_account, &mut of_service_account))
            .unwrap_or(settings.default_token_expiration_seconds);
        let client_id = id(
            service_account,
            keys::CLIENT_ID,
            values::client_id,
            severity,
            &mut of_service_account,
        );
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
        let tenant_id = id(
            service_account,
            keys::TENANT_ID,
            values::tenant_id,
            severity,
            &mut of_service_account,
        );
        findings.take_from_service_account(of_service_account);
        Self {
            client_id,
            tenant_id: tenant_id.unwrap_or_else(|| settings.azure_tenant_id.clone()),
            authority_host: settings.azure_authority_host.clone(),
            audience: settings.audience.clone(),
            token_expiration_seconds,
        }
    }
}

/// The ID that an annotation gives, malformed or not; `None` where there is no such annotation.
fn id(
    from: Named<'_>,
    annotation: &str,
    parse: impl Fn(&str) -> Result<&str, Malformed>,
    severity: OnMalformed,
    findings: &mut Findings,
) -> Option<String> {
    let text = from.metadata.annotation(annotation)?;
    if let Err(malformed) = parse(text) {
        findings.malformed(severity, from.object, annotation, text, &malformed);
    }
    Some(text.to_owned())
}

/// The expiration that an annotation gives; refused where malformed, since Kubernetes would refuse the pod.
fn token_expiration(from: Named<'_>, findings: &mut Findings) -> Option<u32> {
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
