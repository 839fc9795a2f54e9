//! The settings of the custom token endpoint.

use super::faults::{Faults, Setting};
use super::label_selector;
use crate::findings::Problem;
use crate::keys;
use crate::messages::Excerpt;
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

/// A setting under `customTokenEndpoint`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Name {
    AnnotationSuffix,
    Audience,
    TokenProxy,
    Sni,
    CaData,
    CaConfigMap,
    CaBundleSigner,
    CaBundleLabelSelector,
}

const NAMES: [(&str, Name); 8] = [
    ("annotationSuffix", Name::AnnotationSuffix),
    ("audience", Name::Audience),
    ("azureKubernetesTokenProxy", Name::TokenProxy),
    ("azureKubernetesSniName", Name::Sni),
    ("azureKubernetesCaData", Name::CaData),
    ("azureKubernetesCAConfigMapName", Name::CaConfigMap),
    ("azureKubernetesCACTBSignerName", Name::CaBundleSigner),
    (
        "azureKubernetesCACTBLabelSelector",
        Name::CaBundleLabelSelector,
    ),
];

/// The names of the settings under `customTokenEndpoint`.
pub fn names() -> impl Iterator<Item = &'static str> {
    NAMES.iter().map(|(name, _)| *name)
}

const PREFIX: &str = "customTokenEndpoint.";

/// Reads the settings under `customTokenEndpoint`; an empty string counts as unset, as in the webhook's chart.
///
/// `None` if it is not configured, or if something is wrong with it. `default_audience` is that of other pods.
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
    let faults_before = faults.count();
    faults.fields(object, &NAMES, |faults, name, setting| {
        if setting.value == "\"\"" {
            return;
        }
        given.push(name);
        match name {
            Name::AnnotationSuffix => suffix = faults.text(setting, values::annotation_suffix),
            Name::Audience => audience = faults.text(setting, values::audience),
            Name::TokenProxy => token_proxy = faults.text(setting, values::https_url),
            Name::Sni => sni_name = faults.text(setting, values::host_name),
            Name::CaData => data = faults.text(setting, values::certificates),
            Name::CaConfigMap => config_map = faults.text(setting, values::object_name),
            Name::CaBundleSigner => signer_name = faults.text(setting, values::signer_name),
            Name::CaBundleLabelSelector => {
                label_selector = faults.handed_on(setting, &label_selector::SHAPE);
            }
        }
    });
    check_together(faults, &given);
    if let Some(audience) = &audience
        && [default_audience, values::DEFAULT_AUDIENCE]
            .iter()
            .any(|other| audience.eq_ignore_ascii_case(other))
    {
        let found = Excerpt::new(audience);
        faults.add_at(PREFIX, "audience", Problem::SameAudience { found });
    }
    if faults.count() > faults_before {
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
fn check_together(faults: &mut Faults, given: &[Name]) {
    let is_given = |name| given.contains(&name);
    let mut in_order = NAMES.iter().filter(|(_, name)| is_given(*name));
    let first = in_order.next().map(|(name, _)| *name);
    for (name, text, expected) in [
        (
            Name::AnnotationSuffix,
            "annotationSuffix",
            values::ANNOTATION_SUFFIX,
        ),
        (Name::Audience, "audience", values::AUDIENCE),
    ] {
        if first.is_some() && !is_given(name) {
            faults.missing(PREFIX, text, expected, first);
        }
    }
    let is_source = |name| {
        matches!(
            name,
            Name::CaData | Name::CaConfigMap | Name::CaBundleSigner
        )
    };
    let mut sources = NAMES
        .iter()
        .filter(|(_, name)| is_source(*name) && is_given(*name));
    if let (Some((other, _)), Some((second, _))) = (sources.next(), sources.next()) {
        faults.add_at(PREFIX, second, Problem::TwoSources { other });
    }
    if is_given(Name::CaBundleLabelSelector) && !is_given(Name::CaBundleSigner) {
        faults.add_at(
            PREFIX,
            "azureKubernetesCACTBLabelSelector",
            Problem::NeedsSetting {
                other: "azureKubernetesCACTBSignerName",
            },
        );
    }
}
