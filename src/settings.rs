//! The policy's settings: their names, defaults and rules.

mod faults;
pub mod proxy;
pub mod token_endpoint;

use std::borrow::Cow;

use crate::layout::Layout;
use crate::values::{self, TOKEN_EXPIRATION_SECONDS};
use faults::{Faults, Setting};
use proxy::ProxySettings;
use token_endpoint::TokenEndpoint;

/// The policy's settings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Tenant of the pods whose ServiceAccount names none.
    pub azure_tenant_id: String,
    /// URL of the cloud's Entra endpoint.
    pub azure_authority_host: Cow<'static, str>,
    /// Audience of the projected token.
    pub audience: Cow<'static, str>,
    /// What is done about a pod that lacks something.
    pub mode: Mode,
    /// What makes a pod get its identity.
    pub opt_in: OptIn,
    /// Name and paths of the token volume.
    pub layout: Layout,
    /// How long a token is valid where no annotation says so, in seconds.
    pub default_token_expiration_seconds: u32,
    /// What becomes of values that nobody can use.
    pub on_malformed: OnMalformed,
    /// Whether a pod is refused whose ServiceAccount names no client ID.
    pub require_client_id: bool,
    /// The proxy containers.
    pub proxy: ProxySettings,
    /// The custom token endpoint, where one is configured.
    pub token_endpoint: Option<TokenEndpoint>,
}

/// What is done about a pod that opts in and lacks something of its identity.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// It gets what it lacks.
    Inject,
    /// It is refused, with what it lacks.
    Verify,
}

/// What makes a pod get its identity.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OptIn {
    /// The pod's label with the value `true`, as for the webhook from v1.0 on.
    PodLabel,
    /// The ServiceAccount's label, whatever its value, as for the webhook before v1.0.
    ServiceAccountLabel,
    /// One of the two.
    Either,
}

/// What becomes of values that nobody can use, such as a client ID that is no UUID.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnMalformed {
    /// The request is refused.
    Reject,
    /// The value is used as it is written, and the user is warned.
    Warn,
}

/// The names of all settings.
pub const NAMES: [&str; 12] = [
    "azureTenantID",
    "azureEnvironment",
    "azureAuthorityHost",
    "audience",
    "optIn",
    "layout",
    "defaultTokenExpirationSeconds",
    "onMalformed",
    "requireClientID",
    "mode",
    "proxy",
    "customTokenEndpoint",
];

const MODES: [(&str, Mode); 2] = [("Inject", Mode::Inject), ("Verify", Mode::Verify)];

const OPT_INS: [(&str, OptIn); 3] = [
    ("PodLabel", OptIn::PodLabel),
    ("ServiceAccountLabel", OptIn::ServiceAccountLabel),
    ("Either", OptIn::Either),
];

const LAYOUTS: [(&str, Layout); 4] = [
    ("v0.7", Layout::V0_7),
    ("v1.5", Layout::V1_5),
    ("v1.6.0", Layout::V1_6_0),
    ("v1.6.1", Layout::V1_6_1),
];

const ON_MALFORMED: [(&str, OnMalformed); 2] =
    [("Reject", OnMalformed::Reject), ("Warn", OnMalformed::Warn)];

/// The clouds and the URL of each one's Entra endpoint.
const CLOUDS: [(&str, &str); 6] = [
    ("AzurePublicCloud", PUBLIC_CLOUD),
    ("AzureCloud", PUBLIC_CLOUD),
    ("AzureUSGovernment", "https://login.microsoftonline.us/"),
    (
        "AzureUSGovernmentCloud",
        "https://login.microsoftonline.us/",
    ),
    ("AzureChinaCloud", "https://login.chinacloudapi.cn/"),
    ("AzureGermanCloud", "https://login.microsoftonline.de/"),
];

const PUBLIC_CLOUD: &str = "https://login.microsoftonline.com/";

impl Settings {
    /// Reads settings from JSON; null for one counts as not set.
    ///
    /// # Errors
    /// Every fault, each with key, value and what was expected.
    #[inline(never)]
    pub fn read(json: &str) -> Result<Box<Self>, Vec<String>> {
        let mut faults = Faults::default();
        let mut tenant = None;
        let mut cloud = None;
        let mut authority_host = None;
        let mut audience = None;
        let mut mode = None;
        let mut opt_in = None;
        let mut layout = None;
        let mut expiration = None;
        let mut on_malformed = None;
        let mut require_client_id = None;
        let mut proxy = None;
        let mut token_endpoint = None;
        let object = Setting {
            prefix: "",
            key: "settings",
            value: json,
        };
        faults.fields(object, &NAMES, &mut |faults, setting| match setting.key {
            "azureTenantID" => tenant = Some(faults.text(setting, values::tenant_id)),
            "azureEnvironment" => {
                cloud = faults.one_of(setting, &CLOUDS, |one, other| {
                    one.eq_ignore_ascii_case(other)
                });
            }
            "azureAuthorityHost" => authority_host = faults.text(setting, values::https_url),
            "audience" => audience = faults.text(setting, values::audience),
            "mode" => mode = faults.one_of(setting, &MODES, |one, other| one == other),
            "optIn" => opt_in = faults.one_of(setting, &OPT_INS, |one, other| one == other),
            "layout" => layout = faults.one_of(setting, &LAYOUTS, |one, other| one == other),
            "defaultTokenExpirationSeconds" => expiration = faults.expiration(setting),
            "onMalformed" => {
                on_malformed = faults.one_of(setting, &ON_MALFORMED, |one, other| one == other)
            }
            "requireClientID" => require_client_id = faults.boolean(setting),
            "proxy" => proxy = Some(proxy::read(faults, setting)),
            // Read last, because it must not have the same audience.
            _ => token_endpoint = Some(setting),
        });
        if tenant.is_none() && !faults.is_unreadable() {
            faults.missing("", "azureTenantID", values::TENANT_ID);
        }
        let audience = audience.map_or(Cow::Borrowed(values::DEFAULT_AUDIENCE), Cow::Owned);
        let token_endpoint = token_endpoint
            .and_then(|setting| token_endpoint::read(&mut faults, setting, &audience));
        match tenant.flatten() {
            Some(azure_tenant_id) if faults.list.is_empty() => Ok(Box::new(Self {
                azure_tenant_id,
                azure_authority_host: authority_host
                    .map_or(Cow::Borrowed(cloud.unwrap_or(PUBLIC_CLOUD)), Cow::Owned),
                audience,
                mode: mode.unwrap_or(Mode::Inject),
                opt_in: opt_in.unwrap_or(OptIn::PodLabel),
                layout: layout.unwrap_or(Layout::V1_5),
                default_token_expiration_seconds: expiration
                    .unwrap_or(*TOKEN_EXPIRATION_SECONDS.start()),
                on_malformed: on_malformed.unwrap_or(OnMalformed::Reject),
                require_client_id: require_client_id.unwrap_or(false),
                proxy: proxy.unwrap_or_default(),
                token_endpoint,
            })),
            _ => Err(faults.list),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::token_endpoint::CertificateAuthority;
    use super::*;

    const TENANT: &str = "72f988bf-86f1-41af-91ab-2d7cd011db47";

    #[track_caller]
    fn accepts(json: &str) -> Settings {
        *Settings::read(json).expect("settings")
    }

    #[track_caller]
    fn rejects(json: &str, faults: &[&str]) {
        assert_eq!(Settings::read(json).expect_err("faults"), faults);
    }

    /// The faults of valid settings with one more.
    #[track_caller]
    fn rejects_one(member: &str, fault: &str) {
        rejects(
            &format!(r#"{{"azureTenantID":"{TENANT}",{member}}}"#),
            &[fault],
        );
    }

    fn defaults() -> Settings {
        Settings {
            azure_tenant_id: TENANT.to_owned(),
            azure_authority_host: "https://login.microsoftonline.com/".into(),
            audience: "api://AzureADTokenExchange".into(),
            mode: Mode::Inject,
            opt_in: OptIn::PodLabel,
            layout: Layout::V1_5,
            default_token_expiration_seconds: 3600,
            on_malformed: OnMalformed::Reject,
            require_client_id: false,
            proxy: ProxySettings::default(),
            token_endpoint: None,
        }
    }

    #[test]
    fn only_the_tenant_is_required() {
        assert_eq!(
            accepts(&format!(r#"{{"azureTenantID":"{TENANT}"}}"#)),
            defaults()
        );
    }

    #[test]
    fn null_counts_as_not_set() {
        let nulls: Vec<_> = NAMES
            .iter()
            .filter(|name| **name != "azureTenantID")
            .map(|name| format!("\"{name}\":null"))
            .collect();
        let json = format!(r#"{{"azureTenantID":"{TENANT}",{}}}"#, nulls.join(","));
        assert_eq!(accepts(&json), defaults());
        let missing = "azureTenantID: required: expected a tenant ID, a UUID or a verified domain name, found nothing";
        rejects(r#"{"azureTenantID":null}"#, &[missing]);
        rejects("{}", &[missing]);
        rejects("null", &[missing]);
    }

    #[test]
    fn every_setting_is_read() {
        let json = r#"{
            "azureTenantID": "contoso.com",
            "azureEnvironment": "AzureChinaCloud",
            "azureAuthorityHost": "https://login.example/",
            "audience": "api://other",
            "optIn": "Either",
            "layout": "v1.6.1",
            "defaultTokenExpirationSeconds": 86400,
            "onMalformed": "Warn",
            "requireClientID": true,
            "mode": "Verify",
            "proxy": {
                "image": "registry.example/proxy:2",
                "initImage": "registry.example/proxy-init:2",
                "logLevel": "debug",
                "nativeSidecar": false,
                "resources": {"limits":{"memory":"64Mi"},"requests":{"cpu":0.1}},
                "initResources": {"requests":{"cpu":"10m"}},
                "securityContext": {"runAsUser":1000},
                "initSecurityContext": {"privileged":false}
            },
            "customTokenEndpoint": {
                "annotationSuffix": "identity-binding",
                "audience": "api://AKSIdentityBinding",
                "azureKubernetesTokenProxy": "https://token-proxy.example:6443",
                "azureKubernetesSniName": "abc.ests.aks",
                "azureKubernetesCaData": "",
                "azureKubernetesCAConfigMapName": "",
                "azureKubernetesCACTBSignerName": "example.com/signer",
                "azureKubernetesCACTBLabelSelector": {"matchLabels":{"a":"b"}}
            }
        }"#;
        let json_text = |text: &str| Some(text.to_owned());
        let expected = Settings {
            azure_tenant_id: "contoso.com".to_owned(),
            azure_authority_host: "https://login.example/".into(),
            audience: "api://other".into(),
            mode: Mode::Verify,
            opt_in: OptIn::Either,
            layout: Layout::V1_6_1,
            default_token_expiration_seconds: 86400,
            on_malformed: OnMalformed::Warn,
            require_client_id: true,
            proxy: ProxySettings {
                image: "registry.example/proxy:2".into(),
                init_image: "registry.example/proxy-init:2".into(),
                log_level: "debug",
                native_sidecar: false,
                resources: json_text(r#"{"limits":{"memory":"64Mi"},"requests":{"cpu":0.1}}"#),
                init_resources: json_text(r#"{"requests":{"cpu":"10m"}}"#),
                security_context: json_text(r#"{"runAsUser":1000}"#),
                init_security_context: json_text(r#"{"privileged":false}"#),
            },
            token_endpoint: Some(TokenEndpoint {
                annotation: "azure.workload.identity/use-identity-binding".to_owned(),
                audience: "api://AKSIdentityBinding".to_owned(),
                token_proxy: Some("https://token-proxy.example:6443".to_owned()),
                sni_name: Some("abc.ests.aks".to_owned()),
                ca: Some(CertificateAuthority::ClusterTrustBundle {
                    signer_name: "example.com/signer".to_owned(),
                    label_selector: json_text(r#"{"matchLabels":{"a":"b"}}"#),
                }),
            }),
        };
        assert_eq!(accepts(json), expected);
    }

    #[test]
    fn each_cloud_has_its_authority_whatever_the_case() {
        for (name, authority) in [
            ("AzurePublicCloud", "https://login.microsoftonline.com/"),
            ("azurecloud", "https://login.microsoftonline.com/"),
            ("AZUREUSGOVERNMENT", "https://login.microsoftonline.us/"),
            (
                "AzureUSGovernmentCloud",
                "https://login.microsoftonline.us/",
            ),
            ("azureChinaCloud", "https://login.chinacloudapi.cn/"),
            ("AzureGermanCloud", "https://login.microsoftonline.de/"),
        ] {
            let json = format!(r#"{{"azureTenantID":"{TENANT}","azureEnvironment":"{name}"}}"#);
            assert_eq!(accepts(&json).azure_authority_host, authority, "{name}");
        }
    }

    #[test]
    fn every_name_of_a_choice_is_read() {
        for (name, opt_in) in OPT_INS {
            let json = format!(r#"{{"azureTenantID":"{TENANT}","optIn":"{name}"}}"#);
            assert_eq!(accepts(&json).opt_in, opt_in);
        }
        for (name, layout) in LAYOUTS {
            let json = format!(r#"{{"azureTenantID":"{TENANT}","layout":"{name}"}}"#);
            assert_eq!(accepts(&json).layout, layout);
        }
    }

    #[test]
    fn rejects_each_wrong_value_with_what_was_expected() {
        for (member, fault) in [
            (
                r#""azureEnvironment":"AzureStackCloud""#,
                r#"azureEnvironment: expected one of AzurePublicCloud, AzureCloud, AzureUSGovernment, AzureUSGovernmentCloud, AzureChinaCloud, AzureGermanCloud, found "AzureStackCloud""#,
            ),
            (
                r#""azureAuthorityHost":"http://login.example/""#,
                r#"azureAuthorityHost: expected an https URL, found "http://login.example/""#,
            ),
            (
                r#""audience":"""#,
                r#"audience: expected an audience without white space, found """#,
            ),
            (
                r#""optIn":"podlabel""#,
                r#"optIn: expected one of PodLabel, ServiceAccountLabel, Either, found "podlabel""#,
            ),
            (
                r#""layout":1.5"#,
                "layout: expected one of v0.7, v1.5, v1.6.0, v1.6.1, found 1.5",
            ),
            (
                r#""defaultTokenExpirationSeconds":3599"#,
                "defaultTokenExpirationSeconds: expected a whole number of seconds from 3600 to 86400, found 3599",
            ),
            (
                r#""defaultTokenExpirationSeconds":"3600""#,
                r#"defaultTokenExpirationSeconds: expected a whole number of seconds from 3600 to 86400, found "3600""#,
            ),
            (
                r#""onMalformed":"Ignore""#,
                r#"onMalformed: expected one of Reject, Warn, found "Ignore""#,
            ),
            (
                r#""mode":"Audit""#,
                r#"mode: expected one of Inject, Verify, found "Audit""#,
            ),
            (
                r#""requireClientID":"true""#,
                r#"requireClientID: expected true or false, found "true""#,
            ),
            (
                r#""azureTenantID":["a"]"#,
                r#"azureTenantID: expected a tenant ID, a UUID or a verified domain name, found ["a"]"#,
            ),
            (
                r#""azureTenantID":" contoso.com""#,
                r#"azureTenantID: expected a tenant ID, a UUID or a verified domain name, found " contoso.com"; remove the white space around it"#,
            ),
        ] {
            rejects_one(member, fault);
        }
    }

    #[test]
    fn an_unknown_setting_gets_the_nearest_name() {
        rejects_one(
            r#""requireClientId":true"#,
            "requireClientId: unknown setting: did you mean requireClientID?",
        );
        rejects_one(
            r#""proxyImage":"x""#,
            "proxyImage: unknown setting: expected one of azureTenantID, azureEnvironment, azureAuthorityHost, audience, optIn, layout, defaultTokenExpirationSeconds, onMalformed, requireClientID, mode, proxy, customTokenEndpoint",
        );
    }

    #[test]
    fn a_misspelt_required_setting_is_one_fault() {
        rejects(
            r#"{"azureTenantId":"contoso.com"}"#,
            &["azureTenantId: unknown setting: did you mean azureTenantID?"],
        );
    }

    #[test]
    fn every_fault_is_told_at_once() {
        rejects(
            r#"{"optin":"PodLabel","layout":"v2","requireClientID":0}"#,
            &[
                "optin: unknown setting: did you mean optIn?",
                r#"layout: expected one of v0.7, v1.5, v1.6.0, v1.6.1, found "v2""#,
                "requireClientID: expected true or false, found 0",
                "azureTenantID: required: expected a tenant ID, a UUID or a verified domain name, found nothing",
            ],
        );
    }

    #[test]
    fn settings_that_are_no_object_are_one_fault() {
        rejects("[]", &["settings: expected an object, found a list"]);
        rejects("", &["settings: expected an object, found nothing"]);
    }

    #[test]
    fn the_certificates_come_from_one_place() {
        let ca = |member: &str| {
            let endpoint = format!(r#""annotationSuffix":"a","audience":"b",{member}"#);
            let json =
                format!(r#"{{"azureTenantID":"{TENANT}","customTokenEndpoint":{{{endpoint}}}}}"#);
            accepts(&json).token_endpoint.expect("an endpoint").ca
        };
        let pem = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n";
        assert_eq!(
            ca(&format!(r#""azureKubernetesCaData":{pem:?}"#)),
            Some(CertificateAuthority::Data(pem.to_owned()))
        );
        assert_eq!(
            ca(r#""azureKubernetesCAConfigMapName":"ib-ca""#),
            Some(CertificateAuthority::ConfigMap("ib-ca".to_owned()))
        );
        assert_eq!(ca(r#""azureKubernetesCaData":"""#), None);
    }

    #[test]
    fn an_empty_custom_token_endpoint_is_none() {
        for endpoint in ["{}", r#"{"annotationSuffix":"","audience":null}"#] {
            let json =
                format!(r#"{{"azureTenantID":"{TENANT}","customTokenEndpoint":{endpoint}}}"#);
            assert_eq!(accepts(&json), defaults());
        }
    }

    #[test]
    fn rejects_wrong_settings_of_the_proxy() {
        for (member, fault) in [
            (
                r#""image":"a b""#,
                r#"proxy.image: expected an image reference such as registry.example/proxy:v1, found "a b""#,
            ),
            (
                r#""initImage":5"#,
                "proxy.initImage: expected an image reference such as registry.example/proxy:v1, found 5",
            ),
            (
                r#""logLevel":"warn""#,
                r#"proxy.logLevel: expected one of warning, info, debug, trace, all, found "warn""#,
            ),
            (
                r#""nativeSidecar":"yes""#,
                r#"proxy.nativeSidecar: expected true or false, found "yes""#,
            ),
            (
                r#""resources":[]"#,
                "proxy.resources: expected an object, found a list",
            ),
            (
                r#""resources":{"limit":{}}"#,
                "proxy.resources.limit: unknown setting: did you mean proxy.resources.limits?",
            ),
            (
                r#""resources":{"limits":{"memory":"64mb"}}"#,
                r#"proxy.resources.limits.memory: expected a quantity such as 100m or 64Mi, found "64mb""#,
            ),
            (
                r#""initResources":{"requests":5}"#,
                "proxy.initResources.requests: expected an object of quantities, found 5",
            ),
            (
                r#""securityContext":{"runAsUsr":0}"#,
                "proxy.securityContext.runAsUsr: unknown setting: did you mean proxy.securityContext.runAsUser?",
            ),
            (
                r#""initSecurityContext":true"#,
                "proxy.initSecurityContext: expected an object, found a boolean",
            ),
            (
                r#""port":8000"#,
                "proxy.port: unknown setting: expected one of image, initImage, logLevel, nativeSidecar, resources, initResources, securityContext, initSecurityContext",
            ),
        ] {
            rejects_one(&format!(r#""proxy":{{{member}}}"#), fault);
        }
        rejects_one(
            r#""proxy":true"#,
            "proxy: expected an object, found a boolean",
        );
    }

    #[test]
    fn rejects_wrong_settings_of_the_custom_token_endpoint() {
        for (members, fault) in [
            (
                r#""audience":"a""#,
                "customTokenEndpoint.annotationSuffix: required: expected a suffix of at most 59 letters, digits, and inner hyphens, dots and underscores, because audience is set, found nothing",
            ),
            (
                r#""annotationSuffix":"a""#,
                "customTokenEndpoint.audience: required: expected an audience without white space, because annotationSuffix is set, found nothing",
            ),
            (
                r#""annotationSuffix":"a","audience":"API://azureadtokenexchange""#,
                r#"customTokenEndpoint.audience: expected another audience than that of pods without the endpoint, found "API://azureadtokenexchange""#,
            ),
            (
                r#""annotationSuffix":"a/b","audience":"a""#,
                r#"customTokenEndpoint.annotationSuffix: expected a suffix of at most 59 letters, digits, and inner hyphens, dots and underscores, found "a/b""#,
            ),
            (
                r#""annotationSuffix":"a","audience":"b","azureKubernetesTokenProxy":"http://a""#,
                r#"customTokenEndpoint.azureKubernetesTokenProxy: expected an https URL, found "http://a""#,
            ),
            (
                r#""annotationSuffix":"a","audience":"b","azureKubernetesSniName":"a_b""#,
                r#"customTokenEndpoint.azureKubernetesSniName: expected a host name, found "a_b""#,
            ),
            (
                r#""annotationSuffix":"a","audience":"b","azureKubernetesCaData":"MIIB""#,
                r#"customTokenEndpoint.azureKubernetesCaData: expected certificates in PEM, from BEGIN CERTIFICATE to END CERTIFICATE, found "MIIB""#,
            ),
            (
                r#""annotationSuffix":"a","audience":"b","azureKubernetesCAConfigMapName":"A","azureKubernetesCACTBSignerName":"" "#,
                r#"customTokenEndpoint.azureKubernetesCAConfigMapName: expected an object name: lower-case letters, digits, and inner hyphens and dots, found "A""#,
            ),
            (
                r#""annotationSuffix":"a","audience":"b","azureKubernetesCAConfigMapName":"a","azureKubernetesCACTBSignerName":"a.b/c""#,
                "customTokenEndpoint.azureKubernetesCACTBSignerName: expected one source of certificates at most, found azureKubernetesCAConfigMapName too; remove one of them",
            ),
            (
                r#""annotationSuffix":"a","audience":"b","azureKubernetesCACTBSignerName":"signer""#,
                r#"customTokenEndpoint.azureKubernetesCACTBSignerName: expected a signer name such as example.com/signer, found "signer""#,
            ),
            (
                r#""annotationSuffix":"a","audience":"b","azureKubernetesCACTBLabelSelector":{"matchLabels":{}}"#,
                "customTokenEndpoint.azureKubernetesCACTBLabelSelector: expected azureKubernetesCACTBSignerName beside it, found nothing",
            ),
            (
                r#""annotationSuffix":"a","audience":"b","azureKubernetesCACTBSignerName":"a.b/c","azureKubernetesCACTBLabelSelector":{"matchLabel":{}}"#,
                "customTokenEndpoint.azureKubernetesCACTBLabelSelector.matchLabel: unknown setting: did you mean customTokenEndpoint.azureKubernetesCACTBLabelSelector.matchLabels?",
            ),
            (
                r#""anotationSuffix":"a","audience":"b""#,
                "customTokenEndpoint.anotationSuffix: unknown setting: did you mean customTokenEndpoint.annotationSuffix?",
            ),
        ] {
            rejects_one(&format!(r#""customTokenEndpoint":{{{members}}}"#), fault);
        }
        rejects_one(
            r#""audience":"a","customTokenEndpoint":{"annotationSuffix":"a","audience":"A"}"#,
            r#"customTokenEndpoint.audience: expected another audience than that of pods without the endpoint, found "A""#,
        );
        rejects_one(
            r#""customTokenEndpoint":"on""#,
            "customTokenEndpoint: expected an object, found a string",
        );
    }
}
