//! The custom token endpoint: which pods ask for it, and what they get for it.

use std::borrow::Cow;

use crate::findings::Findings;
use crate::identity::malformed_annotation;
use crate::json::Fields;
use crate::keys;
use crate::objects::Annotated;
use crate::settings::Settings;
use crate::settings::token_endpoint::{CertificateAuthority, TokenEndpoint};
use crate::values;

/// Path of the endpoint's certificates within the token volume.
pub const CA_PATH: &str = "ca-cert/ca.crt";

/// The endpoint, if one is configured and the pod's annotation turns it on.
#[inline(never)]
pub fn asked_for<'s>(
    settings: &'s Settings,
    pod: Annotated<'_>,
    findings: &mut Findings,
) -> Option<&'s TokenEndpoint> {
    let endpoint = settings.token_endpoint.as_ref()?;
    let text = pod.metadata.annotation(&endpoint.annotation)?;
    match values::boolean(&text.to_ascii_lowercase()) {
        Ok(on) => on.then_some(endpoint),
        Err(malformed) => {
            let problem = malformed_annotation(endpoint.annotation.clone(), text, malformed);
            findings.add(pod.about, settings.on_malformed, problem);
            None
        }
    }
}

/// The environment variables for it, in a container that has the token volume at `directory`.
pub fn env<'e>(
    endpoint: &'e TokenEndpoint,
    directory: &str,
) -> [(&'static str, Option<Cow<'e, str>>); 4] {
    let data = match &endpoint.ca {
        Some(CertificateAuthority::Data(data)) => Some(Cow::Borrowed(&**data)),
        _ => None,
    };
    [
        (
            keys::AZURE_KUBERNETES_TOKEN_PROXY,
            endpoint.token_proxy.as_deref().map(Cow::Borrowed),
        ),
        (
            keys::AZURE_KUBERNETES_SNI_NAME,
            endpoint.sni_name.as_deref().map(Cow::Borrowed),
        ),
        (
            keys::AZURE_KUBERNETES_CA_FILE,
            // The Azure SDKs reject a file beside the data, and a file that does not exist.
            has_volume_source(endpoint).then(|| Cow::Owned(format!("{directory}/{CA_PATH}"))),
        ),
        (keys::AZURE_KUBERNETES_CA_DATA, data),
    ]
}

/// The source of the token volume, as JSON, that projects the endpoint's certificates.
pub fn volume_source(endpoint: &TokenEndpoint) -> Option<String> {
    let mut projection = Fields::default();
    let kind = match &endpoint.ca {
        None | Some(CertificateAuthority::Data(_)) => return None,
        Some(CertificateAuthority::ConfigMap(name)) => {
            let mut item = Fields::default();
            item.set_string("key", "ca.crt");
            item.set_string("path", CA_PATH);
            projection.set_string("name", name);
            projection.set_list("items", &[&item.into_object()]);
            "configMap"
        }
        Some(CertificateAuthority::ClusterTrustBundle {
            signer_name,
            label_selector,
        }) => {
            projection.set_string("signerName", signer_name);
            if let Some(label_selector) = label_selector {
                projection.set_json("labelSelector", label_selector);
            }
            projection.set_string("path", CA_PATH);
            "clusterTrustBundle"
        }
    };
    projection.set_bool("optional", false);
    let mut source = Fields::default();
    source.set_object(kind, projection);
    Some(source.into_object())
}

/// Whether the token volume projects certificates for it.
pub fn has_volume_source(endpoint: &TokenEndpoint) -> bool {
    !matches!(endpoint.ca, None | Some(CertificateAuthority::Data(_)))
}
