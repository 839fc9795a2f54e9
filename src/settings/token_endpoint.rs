//! The settings of the custom token endpoint.

use super::faults::{Faults, Setting};
use crate::keys;
use crate::values;

/// The custom token endpoint, for pods that ask for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenEndpoint {
    /// The pod annotation that turns it on.
    pub annotation: String,
    /// Audience of the projected token.
    pub audience: String,
    /// URL of the endpoint.
    pub token_proxy: Option<String>,
    /// Server name for the TLS connection to it.
    pub sni_name: Option<String>,
    /// The certificate authority of the endpoint.
    pub ca: Option<CertificateAuthority>,
}

/// Where the certificates come from that the endpoint is verified with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CertificateAuthority {
    /// They are in the settings, as PEM.
    Data(String),
    /// They are in the key `ca.crt` of a ConfigMap of this name, in the pod's namespace.
    ConfigMap(String),
    /// They are in ClusterTrustBundles.
    ClusterTrustBundle {
        /// The bundles' signer.
        signer_name: String,
        /// A `LabelSelector` for them, as JSON.
        label_selector: Option<String>,
    },
}

/// The names of the settings under `customTokenEndpoint`.
pub const NAMES: [&str; 8] = [
    "annotationSuffix",
    "audience",
    "azureKubernetesTokenProxy",
    "azureKubernetesSniName",
    "azureKubernetesCaData",
    "azureKubernetesCAConfigMapName",
    "azureKubernetesCACTBSignerName",
    "azureKubernetesCACTBLabelSelector",
];

const PREFIX: &str = "customTokenEndpoint.";

/// Reads the settings under `customTokenEndpoint`; an empty text counts as not set, as in the webhook's chart.
///
/// `None` where it is not configured, and where something is wrong with it. `default_audience` is that of other pods.
pub fn read(
    faults: &mut Faults,
    setting: Setting<'_>,
    default_audience: &str,
) -> Option<TokenEndpoint> {
    let mut given = Vec::new();
    let mut suffix = None;
    let mut audience = None;
    let mut token_proxy = None;
    let mut sni_name = None;
    let mut data = None;
    let mut config_map = None;
    let mut signer_name = None;
    let mut label_selector = None;
    let object = Setting {
        prefix: PREFIX,
        ..setting
    };
    let faults_before = faults.list.len();
    faults.fields(object, &NAMES, &mut |faults, setting| {
        if setting.value == "\"\"" {
            return;
        }
        given.push(setting.key.to_owned());
        match setting.key {
            "annotationSuffix" => suffix = faults.text(setting, values::annotation_suffix),
            "audience" => audience = faults.text(setting, values::audience),
            "azureKubernetesTokenProxy" => token_proxy = faults.text(setting, values::https_url),
            "azureKubernetesSniName" => sni_name = faults.text(setting, values::host_name),
            "azureKubernetesCaData" => data = faults.text(setting, values::certificates),
            "azureKubernetesCAConfigMapName" => {
                config_map = faults.text(setting, values::object_name);
            }
            "azureKubernetesCACTBSignerName" => {
                signer_name = faults.text(setting, values::signer_name);
            }
            _ => {
                let names = ["matchLabels", "matchExpressions"];
                label_selector = faults.object(setting, &names, &mut |_, _| {});
            }
        }
    });
    let is_given = |name: &str| given.iter().any(|given| given == name);
    check_together(faults, &is_given);
    if let Some(audience) = &audience
        && [default_audience, values::DEFAULT_AUDIENCE]
            .iter()
            .any(|other| audience.eq_ignore_ascii_case(other))
    {
        faults.list.push(format!(
            "{PREFIX}audience: expected another audience than that of pods without the endpoint, found {audience:?}"
        ));
    }
    if faults.list.len() > faults_before {
        return None;
    }
    let signer = |signer_name| CertificateAuthority::ClusterTrustBundle {
        signer_name,
        label_selector,
    };
    Some(TokenEndpoint {
        annotation: format!("{}-{}", keys::USE, suffix?),
        audience: audience?,
        token_proxy,
        sni_name,
        ca: data
            .map(CertificateAuthority::Data)
            .or(config_map.map(CertificateAuthority::ConfigMap))
            .or(signer_name.map(signer)),
    })
}

/// The rules among the settings: which need one another, and which exclude one another.
fn check_together(faults: &mut Faults, is_given: &dyn Fn(&str) -> bool) {
    let given: Vec<_> = NAMES.into_iter().filter(|name| is_given(name)).collect();
    for (name, expected) in [
        ("annotationSuffix", values::ANNOTATION_SUFFIX),
        ("audience", values::AUDIENCE),
    ] {
        if let Some(other) = given.first().filter(|_| !is_given(name)) {
            let expected = format!("{expected}, because {other} is set");
            faults.missing(PREFIX, name, &expected);
        }
    }
    let mut sources = [
        "azureKubernetesCaData",
        "azureKubernetesCAConfigMapName",
        "azureKubernetesCACTBSignerName",
    ]
    .into_iter()
    .filter(|name| is_given(name));
    if let (Some(first), Some(second)) = (sources.next(), sources.next()) {
        faults.list.push(format!(
            "{PREFIX}{second}: expected one source of certificates at most, found {first} too; remove one of them"
        ));
    }
    let selector = "azureKubernetesCACTBLabelSelector";
    if is_given(selector) && !is_given("azureKubernetesCACTBSignerName") {
        faults.list.push(format!(
            "{PREFIX}{selector}: expected azureKubernetesCACTBSignerName beside it, found nothing"
        ));
    }
}
