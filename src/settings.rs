//! The policy's settings: their names, defaults and rules.

pub mod proxy;
pub mod token_endpoint;
pub mod allowed_identities;
pub mod authorization;
pub mod identity_map;
pub mod pod_templates;
pub mod extra_env;
mod entries;
mod resources;
mod security_context;
mod label_selector;
mod shape;
mod faults;

use std::borrow::Cow;

use crate::findings::{Findings, Found, Problem, Severity};
use crate::layout::Layout;
use crate::messages::Excerpt;
use crate::values::{self, TOKEN_EXPIRATION_SECONDS};
use allowed_identities::AllowedIdentities;
use authorization::Authorization;
use extra_env::ExtraEnv;
use faults::{Faults, Setting};
use identity_map::IdentityMap;
use pod_templates::PodTemplates;
use proxy::ProxySettings;
use token_endpoint::TokenEndpoint;

pub use shape::json_amount;

/// The policy's settings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings<'s> {
    /// Tenant of the pods whose ServiceAccount does not name one.
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
    /// How long a token is valid if no annotation says so, in seconds.
    pub default_token_expiration_seconds: u32,
    /// What is done about values that cannot be used, such as a client ID that is not a UUID.
    pub on_malformed: Severity,
    /// Whether a pod is rejected if its ServiceAccount names no client ID.
    pub require_client_id: bool,
    /// How old the ServiceAccount that a lookup gives may be.
    pub service_account_lookup: Freshness,
    /// The proxy containers.
    pub proxy: ProxySettings,
    /// The custom token endpoint, if one is configured.
    pub token_endpoint: Option<TokenEndpoint>,
    /// Identities that are given to ServiceAccounts centrally, if there are any.
    pub identity_map: Option<IdentityMap<'s>>,
    /// The identities that are allowed; `None` if all are.
    pub allowed_identities: Option<AllowedIdentities<'s>>,
    /// What is done about an identity that is not allowed.
    pub on_disallowed: Severity,
    /// Whether Kubernetes' RBAC is asked who may use an identity.
    pub authorization: Authorization<'s>,
    /// What is done if it does not answer.
    pub on_authorization_error: Severity,
    /// Other kinds whose pods are reviewed, if there are any.
    pub pod_templates: Option<PodTemplates<'s>>,
    /// Further environment variables with the identity, if there are any.
    pub extra_env: Option<ExtraEnv<'s>>,
    /// The older layouts under whose paths containers have the token, too.
    pub also_mount_as: Vec<Layout>,
    /// Whether the API server calls the policy again for a pod that a later webhook has changed.
    pub reinvocation_policy: ReinvocationPolicy,
    /// The webhooks that get the identity for the containers which they add.
    pub hand_over: Vec<HandOver>,
    /// Whether an injected pod says what was injected.
    pub mark: bool,
    /// What mode Verify does about a marked pod whose identity is another one now; `None` if it does not look.
    pub on_drift: Option<Severity>,
}

/// What is done about a pod that opts in and lacks something of its identity.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// It gets what it lacks.
    Inject,
    /// It is rejected, with what it lacks.
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

impl OptIn {
    /// Its name.
    pub fn name(self) -> &'static str {
        let found = OPT_INS.iter().find(|(_, opt_in)| *opt_in == self);
        found.map_or("", |(name, _)| name)
    }
}

/// How old the ServiceAccount that a lookup gives may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Freshness {
    /// It is as the API server has it now.
    Fresh,
    /// Up to 5 seconds: the host caches what it found.
    Cached,
}

/// Whether the API server calls the policy again, as the webhook that Kubewarden makes for it says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReinvocationPolicy {
    /// It is called once for a pod.
    Never,
    /// It is called again if a later webhook has changed the pod.
    IfNeeded,
}

/// A webhook to which a pod's annotations can hand over the identity.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HandOver {
    /// Dapr.
    Dapr,
}

/// A setting.
#[derive(Clone, Copy, Debug)]
enum Name {
    AzureTenantId,
    AzureEnvironment,
    AzureAuthorityHost,
    Audience,
    OptIn,
    Layout,
    DefaultTokenExpirationSeconds,
    OnMalformed,
    RequireClientId,
    ServiceAccountLookup,
    Mode,
    Proxy,
    CustomTokenEndpoint,
    IdentityMap,
    AllowedIdentities,
    OnDisallowed,
    Authorization,
    OnAuthorizationError,
    PodTemplates,
    ExtraEnv,
    AlsoMountAs,
    ReinvocationPolicy,
    HandOver,
    Mark,
    OnDrift,
}

const NAMES: [(&str, Name); 25] = [
    ("azureTenantID", Name::AzureTenantId),
    ("azureEnvironment", Name::AzureEnvironment),
    ("azureAuthorityHost", Name::AzureAuthorityHost),
    ("audience", Name::Audience),
    ("optIn", Name::OptIn),
    ("layout", Name::Layout),
    (
        "defaultTokenExpirationSeconds",
        Name::DefaultTokenExpirationSeconds,
    ),
    ("onMalformed", Name::OnMalformed),
    ("requireClientID", Name::RequireClientId),
    ("serviceAccountLookup", Name::ServiceAccountLookup),
    ("mode", Name::Mode),
    ("proxy", Name::Proxy),
    ("customTokenEndpoint", Name::CustomTokenEndpoint),
    ("identityMap", Name::IdentityMap),
    ("allowedIdentities", Name::AllowedIdentities),
    ("onDisallowed", Name::OnDisallowed),
    ("authorization", Name::Authorization),
    ("onAuthorizationError", Name::OnAuthorizationError),
    (pod_templates::NAME, Name::PodTemplates),
    (extra_env::NAME, Name::ExtraEnv),
    ("alsoMountAs", Name::AlsoMountAs),
    ("reinvocationPolicy", Name::ReinvocationPolicy),
    ("handOver", Name::HandOver),
    ("mark", Name::Mark),
    ("onDrift", Name::OnDrift),
];

/// The names of all settings.
pub fn names() -> impl Iterator<Item = &'static str> {
    NAMES.iter().map(|(name, _)| *name)
}

const MODES: [(&str, Mode); 2] = [("Inject", Mode::Inject), ("Verify", Mode::Verify)];

const OPT_INS: [(&str, OptIn); 3] = [
    ("PodLabel", OptIn::PodLabel),
    ("ServiceAccountLabel", OptIn::ServiceAccountLabel),
    ("Either", OptIn::Either),
];

/// The layouts whose paths software has built in.
const OLDER_LAYOUTS: [(&str, Layout); 2] = [("v0.7", Layout::V0_7), ("v1.5", Layout::V1_5)];

const REINVOCATION_POLICIES: [(&str, ReinvocationPolicy); 2] = [
    ("Never", ReinvocationPolicy::Never),
    ("IfNeeded", ReinvocationPolicy::IfNeeded),
];

const HAND_OVERS: [(&str, HandOver); 1] = [("Dapr", HandOver::Dapr)];

const SEVERITIES: [(&str, Severity); 2] = [("Reject", Severity::Reject), ("Warn", Severity::Warn)];

const SERVICE_ACCOUNT_LOOKUPS: [(&str, Freshness); 2] =
    [("Fresh", Freshness::Fresh), ("Cached", Freshness::Cached)];

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

/// Clouds without an authority host of their own, each with what to do instead: their names are near those of the others.
const OTHER_CLOUDS: [(&str, &str); 1] = [("AzureStackCloud", "set azureAuthorityHost instead")];

const PUBLIC_CLOUD: &str = "https://login.microsoftonline.com/";

impl<'s> Settings<'s> {
    /// Reads settings from JSON; null for one counts as unset.
    ///
    /// Lists of identities can be long, so their entries are left to [`validate`](Self::validate).
    ///
    /// # Errors
    ///
    /// Everything that is wrong, each with its setting, what was found and what was expected.
    pub fn read(json: &'s str) -> Result<Box<Self>, Findings> {
        Self::read_and(json, |_, _, _| {})
    }

    /// As [`read`](Self::read), and checks every entry of every list: once, when the policy is loaded.
    ///
    /// # Errors
    ///
    /// As [`read`](Self::read).
    pub fn validate(json: &'s str) -> Result<Box<Self>, Findings> {
        Self::read_and(json, |faults, name, setting| match name {
            Name::IdentityMap => identity_map::check(faults, setting),
            Name::AllowedIdentities => allowed_identities::check(faults, setting),
            Name::Authorization => authorization::check(faults, setting),
            Name::PodTemplates => pod_templates::check(faults, setting),
            Name::ExtraEnv => extra_env::check(faults, setting),
            _ => {}
        })
    }

    fn read_and(
        json: &'s str,
        check: fn(&mut Faults, Name, Setting<'_>),
    ) -> Result<Box<Self>, Findings> {
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
        let mut lookup = None;
        let mut proxy = None;
        let mut token_endpoint = None;
        let mut identity_map = None;
        let mut allowed_identities = None;
        let mut on_disallowed = None;
        let mut authorization = None;
        let mut on_authorization_error = None;
        let mut pod_templates = None;
        let mut extra_env = None;
        let mut also_mount_as = None;
        let mut reinvocation_policy = None;
        let mut hand_over = Vec::new();
        let mut mark = None;
        let mut on_drift = None;
        let object = Setting {
            prefix: "",
            key: "",
            value: json,
        };
        faults.fields(object, &NAMES, |faults, name, setting| match name {
            Name::AzureTenantId => tenant = Some(faults.text(setting, values::tenant_id)),
            // As for the webhook.
            Name::AzureEnvironment if setting.value == "\"\"" => {}
            Name::AzureEnvironment => {
                cloud = faults.one_of_any_case(setting, &CLOUDS, &OTHER_CLOUDS)
            }
            Name::AzureAuthorityHost => authority_host = faults.text(setting, values::https_url),
            Name::Audience => audience = faults.text(setting, values::audience),
            Name::OptIn => opt_in = faults.one_of(setting, &OPT_INS),
            Name::Layout => layout = faults.one_of(setting, &Layout::ALL),
            Name::DefaultTokenExpirationSeconds => expiration = faults.expiration(setting),
            Name::OnMalformed => on_malformed = faults.one_of(setting, &SEVERITIES),
            Name::RequireClientId => require_client_id = faults.boolean(setting),
            Name::ServiceAccountLookup => {
                lookup = faults.one_of(setting, &SERVICE_ACCOUNT_LOOKUPS);
            }
            Name::Mode => mode = faults.one_of(setting, &MODES),
            Name::Proxy => proxy = Some(proxy::read(faults, setting)),
            // Read last, because it must not have the same audience.
            Name::CustomTokenEndpoint => token_endpoint = Some(setting),
            Name::IdentityMap => {
                identity_map = identity_map::read(faults, setting);
                if identity_map.is_some() {
                    check(faults, name, setting);
                }
            }
            Name::AllowedIdentities => {
                allowed_identities = allowed_identities::read(faults, setting);
                if allowed_identities.is_some() {
                    check(faults, name, setting);
                }
            }
            Name::OnDisallowed => on_disallowed = faults.one_of(setting, &SEVERITIES),
            Name::Authorization => {
                authorization = Some(authorization::read(faults, setting));
                check(faults, name, setting);
            }
            Name::OnAuthorizationError => {
                on_authorization_error = faults.one_of(setting, &SEVERITIES);
            }
            Name::PodTemplates => {
                pod_templates = pod_templates::read(faults, setting);
                if pod_templates.is_some() {
                    check(faults, name, setting);
                }
            }
            Name::ExtraEnv => {
                extra_env = extra_env::read(faults, setting);
                if extra_env.is_some() {
                    check(faults, name, setting);
                }
            }
            // Read last, because it must not have the layout itself.
            Name::AlsoMountAs => also_mount_as = Some(setting),
            Name::ReinvocationPolicy => {
                reinvocation_policy = faults.one_of(setting, &REINVOCATION_POLICIES);
            }
            Name::HandOver => hand_over = faults.some_of(setting, &HAND_OVERS),
            Name::Mark => mark = faults.boolean(setting),
            Name::OnDrift => on_drift = faults.one_of(setting, &SEVERITIES),
        });
        if tenant.is_none() && !faults.is_unreadable {
            faults.missing("", "azureTenantID", values::TENANT_ID, None);
        }
        let audience = audience.map_or(Cow::Borrowed(values::DEFAULT_AUDIENCE), Cow::Owned);
        let token_endpoint = token_endpoint
            .and_then(|setting| token_endpoint::read(&mut faults, setting, &audience));
        let layout = layout.unwrap_or(Layout::V1_5);
        let also_mount_as = also_mount_as
            .map(|setting| also_mount_as_of(&mut faults, setting, layout))
            .unwrap_or_default();
        match tenant.flatten() {
            Some(azure_tenant_id) if faults.count() == 0 => Ok(Box::new(Self {
                azure_tenant_id,
                azure_authority_host: authority_host
                    .map_or(Cow::Borrowed(cloud.unwrap_or(PUBLIC_CLOUD)), Cow::Owned),
                audience,
                mode: mode.unwrap_or(Mode::Inject),
                opt_in: opt_in.unwrap_or(OptIn::PodLabel),
                layout,
                default_token_expiration_seconds: expiration
                    .unwrap_or(*TOKEN_EXPIRATION_SECONDS.start()),
                on_malformed: on_malformed.unwrap_or(Severity::Reject),
                require_client_id: require_client_id.unwrap_or(false),
                service_account_lookup: lookup.unwrap_or(Freshness::Fresh),
                proxy: proxy.unwrap_or_default(),
                token_endpoint,
                identity_map,
                allowed_identities,
                on_disallowed: on_disallowed.unwrap_or(Severity::Reject),
                authorization: authorization.unwrap_or_default(),
                on_authorization_error: on_authorization_error.unwrap_or(Severity::Reject),
                pod_templates,
                extra_env,
                also_mount_as,
                reinvocation_policy: reinvocation_policy.unwrap_or(ReinvocationPolicy::Never),
                hand_over,
                mark: mark.unwrap_or(false),
                on_drift,
            })),
            _ => Err(faults.into_findings()),
        }
    }
}

/// Older layouts beside the layout.
#[inline(never)]
fn also_mount_as_of(faults: &mut Faults, setting: Setting<'_>, layout: Layout) -> Vec<Layout> {
    let also = faults.some_of(setting, &OLDER_LAYOUTS);
    if let Some(index) = also.iter().position(|also| *also == layout) {
        let problem = || Problem::SettingMalformed {
            expected: "another layout than that of setting layout".into(),
            found: Found::Text(Excerpt::new(layout.name())),
            hint: None,
        };
        faults.add_item(&setting.path(), index, problem);
    }
    also
}

#[cfg(test)]
mod tests {
    use super::authorization::AuthorizationMode;
    use super::token_endpoint::CertificateAuthority;
    use super::*;

    const TENANT: &str = "aaaabbbb-0000-cccc-1111-dddd2222eeee";

    #[track_caller]
    fn accepts(json: &str) -> Settings<'_> {
        *Settings::validate(json).expect("settings")
    }

    /// Valid settings stay valid with this member.
    #[track_caller]
    pub(super) fn accepts_one(member: &str) {
        let json = format!(r#"{{"azureTenantID":"{TENANT}",{member}}}"#);
        let faults = Settings::validate(&json).err();
        assert_eq!(faults, None, "{member}");
    }

    #[track_caller]
    fn rejects(json: &str, faults: &[impl AsRef<str>]) {
        let findings = Settings::validate(json).expect_err(json);
        let found: Vec<_> = findings.shown().iter().map(ToString::to_string).collect();
        let faults: Vec<_> = faults.iter().map(AsRef::as_ref).collect();
        assert_eq!(found, faults);
    }

    /// The faults of valid settings with these members.
    #[track_caller]
    pub(super) fn rejects_members(members: &str, faults: &[String]) {
        rejects(
            &format!(r#"{{"azureTenantID":"{TENANT}",{members}}}"#),
            faults,
        );
    }

    /// The faults of valid settings with one more.
    #[track_caller]
    fn rejects_one(member: &str, fault: &str) {
        rejects(
            &format!(r#"{{"azureTenantID":"{TENANT}",{member}}}"#),
            &[fault],
        );
    }

    fn defaults() -> Settings<'static> {
        Settings {
            azure_tenant_id: TENANT.to_owned(),
            azure_authority_host: "https://login.microsoftonline.com/".into(),
            audience: "api://AzureADTokenExchange".into(),
            mode: Mode::Inject,
            opt_in: OptIn::PodLabel,
            layout: Layout::V1_5,
            default_token_expiration_seconds: 3600,
            on_malformed: Severity::Reject,
            require_client_id: false,
            service_account_lookup: Freshness::Fresh,
            proxy: ProxySettings::default(),
            token_endpoint: None,
            identity_map: None,
            allowed_identities: None,
            on_disallowed: Severity::Reject,
            authorization: Authorization::default(),
            on_authorization_error: Severity::Reject,
            pod_templates: None,
            extra_env: None,
            also_mount_as: Vec::new(),
            reinvocation_policy: ReinvocationPolicy::Never,
            hand_over: Vec::new(),
            mark: false,
            on_drift: None,
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
        let nulls: Vec<_> = names()
            .filter(|name| *name != "azureTenantID")
            .map(|name| format!("\"{name}\":null"))
            .collect();
        let json = format!(r#"{{"azureTenantID":"{TENANT}",{}}}"#, nulls.join(","));
        assert_eq!(accepts(&json), defaults());
        let missing = "setting azureTenantID: required: expected a tenant ID, a UUID or a verified domain name, found nothing";
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
            "serviceAccountLookup": "Cached",
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
            },
            "identityMap": [{"optIn":true}],
            "allowedIdentities": [{"namespaces":["a"]}],
            "onDisallowed": "Warn",
            "authorization": {"mode":"Off","verb":"use","group":"example.com","exemptUsers":[]},
            "onAuthorizationError": "Warn",
            "podTemplates": [{"apiGroup":"a.b","kind":"K","template":"t"}],
            "extraEnv": [{"preset":"Terraform"}],
            "alsoMountAs": ["v1.5", "v0.7"],
            "reinvocationPolicy": "IfNeeded",
            "handOver": ["Dapr"],
            "mark": true,
            "onDrift": "Reject"
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
            on_malformed: Severity::Warn,
            require_client_id: true,
            service_account_lookup: Freshness::Cached,
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
            identity_map: Some(IdentityMap::new(r#"[{"optIn":true}]"#)),
            allowed_identities: Some(AllowedIdentities::new(r#"[{"namespaces":["a"]}]"#)),
            on_disallowed: Severity::Warn,
            authorization: Authorization {
                mode: Some(AuthorizationMode::Off),
                verb: "use".into(),
                group: "example.com".into(),
                exempt_users: Some("[]"),
            },
            on_authorization_error: Severity::Warn,
            pod_templates: Some(PodTemplates::new(
                r#"[{"apiGroup":"a.b","kind":"K","template":"t"}]"#,
            )),
            extra_env: Some(ExtraEnv::new(r#"[{"preset":"Terraform"}]"#)),
            also_mount_as: vec![Layout::V1_5, Layout::V0_7],
            reinvocation_policy: ReinvocationPolicy::IfNeeded,
            hand_over: vec![HandOver::Dapr],
            mark: true,
            on_drift: Some(Severity::Reject),
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
        for (name, layout) in Layout::ALL {
            let json = format!(r#"{{"azureTenantID":"{TENANT}","layout":"{name}"}}"#);
            assert_eq!(accepts(&json).layout, layout);
        }
    }

    #[test]
    fn rejects_each_wrong_value_with_what_was_expected() {
        for (member, fault) in [
            (
                r#""azureEnvironment":"AzureStackCloud""#,
                r#"setting azureEnvironment: expected one of AzurePublicCloud, AzureCloud, AzureUSGovernment, AzureUSGovernmentCloud, AzureChinaCloud, AzureGermanCloud, found "AzureStackCloud"; help: set azureAuthorityHost instead"#,
            ),
            (
                r#""azureAuthorityHost":"http://login.example/""#,
                r#"setting azureAuthorityHost: expected an https URL, found "http://login.example/""#,
            ),
            (
                r#""azureAuthorityHost":"HTTPS://login.example/""#,
                r#"setting azureAuthorityHost: expected an https URL, found "HTTPS://login.example/"; help: write https:// in lower case"#,
            ),
            (
                r#""azureTenantID":"YOUR-TENANT-ID""#,
                r#"setting azureTenantID: expected a tenant ID, a UUID or a verified domain name, found "YOUR-TENANT-ID"; help: put your tenant ID here"#,
            ),
            (
                r#""azureTenantID":"00000000-0000-0000-0000-000000000000""#,
                r#"setting azureTenantID: expected a tenant ID, a UUID or a verified domain name, found "00000000-0000-0000-0000-000000000000"; help: put your tenant ID here"#,
            ),
            (
                r#""audience":"https://kubernetes.default.svc""#,
                r#"setting audience: expected another audience than that of the Kubernetes API, whose tokens must not leave the cluster, found "https://kubernetes.default.svc""#,
            ),
            (
                r#""audience":"\u200b""#,
                r#"setting audience: expected an audience of at most 253 visible ASCII characters, found "\u{200b}""#,
            ),
            (
                r#""audience":"""#,
                r#"setting audience: expected an audience of at most 253 visible ASCII characters, found """#,
            ),
            (
                r#""optIn":"podlabel""#,
                r#"setting optIn: expected one of PodLabel, ServiceAccountLabel, Either, found "podlabel"; help: did you mean PodLabel?"#,
            ),
            (
                r#""layout":1.5"#,
                "setting layout: expected one of v0.7, v1.5, v1.6.0, v1.6.1, found 1.5; help: did you mean v1.5?",
            ),
            (
                r#""defaultTokenExpirationSeconds":3599"#,
                "setting defaultTokenExpirationSeconds: expected a whole number of seconds from 3600 to 86400, found 3599",
            ),
            (
                r#""defaultTokenExpirationSeconds":"3600""#,
                r#"setting defaultTokenExpirationSeconds: expected a whole number of seconds from 3600 to 86400, found "3600""#,
            ),
            (
                r#""onMalformed":"Ignore""#,
                r#"setting onMalformed: expected one of Reject, Warn, found "Ignore""#,
            ),
            (
                r#""mode":"Audit""#,
                r#"setting mode: expected one of Inject, Verify, found "Audit""#,
            ),
            (
                r#""requireClientID":"true""#,
                r#"setting requireClientID: expected true or false, found "true""#,
            ),
            (
                r#""azureTenantID":["a"]"#,
                r#"setting azureTenantID: expected a tenant ID, a UUID or a verified domain name, found a list"#,
            ),
            (
                r#""azureTenantID":" contoso.com""#,
                r#"setting azureTenantID: expected a tenant ID, a UUID or a verified domain name, found " contoso.com"; help: remove the white space around it"#,
            ),
        ] {
            rejects_one(member, fault);
        }
    }

    #[test]
    fn names_of_choices_get_the_nearest_one_whatever_their_case() {
        for (setting, value, choices, meant) in [
            (
                "optIn",
                "either",
                "PodLabel, ServiceAccountLabel, Either",
                "Either",
            ),
            ("layout", "V1.5", "v0.7, v1.5, v1.6.0, v1.6.1", "v1.5"),
            ("onMalformed", "WARN", "Reject, Warn", "Warn"),
            ("serviceAccountLookup", "cache", "Fresh, Cached", "Cached"),
            ("mode", "inject", "Inject, Verify", "Inject"),
            (
                "azureEnvironment",
                "AzurePublicClod",
                "AzurePublicCloud, AzureCloud, AzureUSGovernment, AzureUSGovernmentCloud, AzureChinaCloud, AzureGermanCloud",
                "AzurePublicCloud",
            ),
        ] {
            rejects_one(
                &format!(r#""{setting}":"{value}""#),
                &format!(
                    r#"setting {setting}: expected one of {choices}, found "{value}"; help: did you mean {meant}?"#
                ),
            );
        }
        rejects_one(
            r#""proxy":{"logLevel":"Debug"}"#,
            r#"setting proxy.logLevel: expected one of warning, info, debug, trace, all, found "Debug"; help: did you mean debug?"#,
        );
    }

    #[test]
    fn an_empty_cloud_counts_as_not_set() {
        let json = format!(r#"{{"azureTenantID":"{TENANT}","azureEnvironment":""}}"#);
        assert_eq!(accepts(&json), defaults());
    }

    #[test]
    fn an_unknown_setting_gets_the_nearest_name() {
        rejects_one(
            r#""requireClientId":true"#,
            "setting requireClientId: there is no such setting; help: did you mean requireClientID?",
        );
        rejects_one(
            r#""proxyImage":"x""#,
            "setting proxyImage: there is no such setting; help: use one of azureTenantID, azureEnvironment, azureAuthorityHost, audience, optIn, layout, defaultTokenExpirationSeconds, onMalformed, requireClientID, serviceAccountLookup, mode, proxy, customTokenEndpoint, identityMap, allowedIdentities, onDisallowed, authorization, onAuthorizationError, podTemplates, extraEnv, alsoMountAs, reinvocationPolicy, handOver, mark, onDrift",
        );
    }

    #[test]
    fn a_misspelt_required_setting_is_one_fault() {
        rejects(
            r#"{"azureTenantId":"contoso.com"}"#,
            &["setting azureTenantId: there is no such setting; help: did you mean azureTenantID?"],
        );
    }

    #[test]
    fn everything_wrong_is_reported_at_once() {
        rejects(
            r#"{"optin":"PodLabel","layout":"v2","requireClientID":0}"#,
            &[
                "setting optin: there is no such setting; help: did you mean optIn?",
                r#"setting layout: expected one of v0.7, v1.5, v1.6.0, v1.6.1, found "v2""#,
                "setting requireClientID: expected true or false, found 0",
                "setting azureTenantID: required: expected a tenant ID, a UUID or a verified domain name, found nothing",
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
            let endpoint = accepts(&json).token_endpoint;
            endpoint.expect("an endpoint").ca
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
    fn an_empty_custom_token_endpoint_counts_as_unset() {
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
                r#"setting proxy.image: expected an image reference such as registry.example/proxy:v1, found "a b""#,
            ),
            (
                r#""image":"http://a/b""#,
                r#"setting proxy.image: expected an image reference such as registry.example/proxy:v1, found "http://a/b""#,
            ),
            (
                r#""initImage":5"#,
                "setting proxy.initImage: expected an image reference such as registry.example/proxy:v1, found 5",
            ),
            (
                r#""logLevel":"warn""#,
                r#"setting proxy.logLevel: expected one of warning, info, debug, trace, all, found "warn""#,
            ),
            (
                r#""nativeSidecar":"yes""#,
                r#"setting proxy.nativeSidecar: expected true or false, found "yes""#,
            ),
            (
                r#""resources":[]"#,
                "setting proxy.resources: expected an object, found a list",
            ),
            (
                r#""resources":{"limit":{}}"#,
                "setting proxy.resources.limit: there is no such setting; help: did you mean proxy.resources.limits?",
            ),
            (
                r#""resources":{"limits":{"memory":"64mb"}}"#,
                r#"setting proxy.resources.limits.memory: expected a quantity such as 100m or 64Mi, found "64mb""#,
            ),
            (
                r#""initResources":{"requests":5}"#,
                "setting proxy.initResources.requests: expected an object, found 5",
            ),
            (
                r#""securityContext":{"runAsUsr":0}"#,
                "setting proxy.securityContext.runAsUsr: there is no such setting; help: did you mean proxy.securityContext.runAsUser?",
            ),
            (
                r#""initSecurityContext":true"#,
                "setting proxy.initSecurityContext: expected an object, found a boolean",
            ),
            (
                r#""port":8000"#,
                "setting proxy.port: there is no such setting; help: use one of image, initImage, logLevel, nativeSidecar, resources, initResources, securityContext, initSecurityContext",
            ),
        ] {
            rejects_one(&format!(r#""proxy":{{{member}}}"#), fault);
        }
        rejects_one(
            r#""proxy":true"#,
            "setting proxy: expected an object, found a boolean",
        );
    }

    #[test]
    fn rejects_wrong_settings_of_the_custom_token_endpoint() {
        for (members, fault) in [
            (
                r#""audience":"a""#,
                "setting customTokenEndpoint.annotationSuffix: required: expected a suffix of at most 59 letters, digits, and inner hyphens, dots and underscores, because audience is set, found nothing",
            ),
            (
                r#""annotationSuffix":"a""#,
                "setting customTokenEndpoint.audience: required: expected an audience of at most 253 visible ASCII characters, because annotationSuffix is set, found nothing",
            ),
            (
                r#""annotationSuffix":"a","audience":"API://azureadtokenexchange""#,
                r#"setting customTokenEndpoint.audience: expected another audience than that of pods without the endpoint, found "API://azureadtokenexchange""#,
            ),
            (
                r#""annotationSuffix":"a/b","audience":"a""#,
                r#"setting customTokenEndpoint.annotationSuffix: expected a suffix of at most 59 letters, digits, and inner hyphens, dots and underscores, found "a/b""#,
            ),
            (
                r#""annotationSuffix":"a","audience":"b","azureKubernetesTokenProxy":"http://a""#,
                r#"setting customTokenEndpoint.azureKubernetesTokenProxy: expected an https URL, found "http://a""#,
            ),
            (
                r#""annotationSuffix":"a","audience":"b","azureKubernetesSniName":"a_b""#,
                r#"setting customTokenEndpoint.azureKubernetesSniName: expected a host name, found "a_b""#,
            ),
            (
                r#""annotationSuffix":"a","audience":"b","azureKubernetesCaData":"MIIB""#,
                r#"setting customTokenEndpoint.azureKubernetesCaData: expected certificates in PEM and nothing else, from BEGIN CERTIFICATE to END CERTIFICATE, at most 65536 bytes, found "MIIB""#,
            ),
            (
                r#""annotationSuffix":"a","audience":"b","azureKubernetesCaData":"-----BEGIN PRIVATE KEY-----\nMIIB\n-----END PRIVATE KEY-----\n""#,
                "setting customTokenEndpoint.azureKubernetesCaData: expected certificates in PEM and nothing else, from BEGIN CERTIFICATE to END CERTIFICATE, at most 65536 bytes, found a PRIVATE KEY block; help: remove it, and treat the key as known to others",
            ),
            (
                r#""annotationSuffix":"a","audience":"b","azureKubernetesCACTBSignerName":"a.b/c/d""#,
                r#"setting customTokenEndpoint.azureKubernetesCACTBSignerName: expected a signer name such as example.com/signer, found "a.b/c/d""#,
            ),
            (
                r#""annotationSuffix":"a","audience":"b","azureKubernetesCAConfigMapName":"A","azureKubernetesCACTBSignerName":"" "#,
                r#"setting customTokenEndpoint.azureKubernetesCAConfigMapName: expected an object name: lower-case letters, digits, and inner hyphens and dots, found "A""#,
            ),
            (
                r#""annotationSuffix":"a","audience":"b","azureKubernetesCAConfigMapName":"a","azureKubernetesCACTBSignerName":"a.b/c""#,
                "setting customTokenEndpoint.azureKubernetesCACTBSignerName: expected one source of certificates at most, found azureKubernetesCAConfigMapName too; help: remove one of them",
            ),
            (
                r#""annotationSuffix":"a","audience":"b","azureKubernetesCACTBSignerName":"signer""#,
                r#"setting customTokenEndpoint.azureKubernetesCACTBSignerName: expected a signer name such as example.com/signer, found "signer""#,
            ),
            (
                r#""annotationSuffix":"a","audience":"b","azureKubernetesCACTBLabelSelector":{"matchLabels":{}}"#,
                "setting customTokenEndpoint.azureKubernetesCACTBLabelSelector: expected azureKubernetesCACTBSignerName beside it, found nothing",
            ),
            (
                r#""annotationSuffix":"a","audience":"b","azureKubernetesCACTBSignerName":"a.b/c","azureKubernetesCACTBLabelSelector":{"matchLabel":{}}"#,
                "setting customTokenEndpoint.azureKubernetesCACTBLabelSelector.matchLabel: there is no such setting; help: did you mean customTokenEndpoint.azureKubernetesCACTBLabelSelector.matchLabels?",
            ),
            (
                r#""anotationSuffix":"a","audience":"b""#,
                "setting customTokenEndpoint.anotationSuffix: there is no such setting; help: did you mean customTokenEndpoint.annotationSuffix?",
            ),
        ] {
            rejects_one(&format!(r#""customTokenEndpoint":{{{members}}}"#), fault);
        }
        rejects_one(
            r#""audience":"a","customTokenEndpoint":{"annotationSuffix":"a","audience":"A"}"#,
            r#"setting customTokenEndpoint.audience: expected another audience than that of pods without the endpoint, found "A""#,
        );
        rejects_one(
            r#""customTokenEndpoint":"on""#,
            "setting customTokenEndpoint: expected an object, found a string",
        );
    }

    #[test]
    fn lists_of_names_have_each_once_and_only_known_ones() {
        accepts_one(r#""alsoMountAs":[],"handOver":[]"#);
        accepts_one(r#""alsoMountAs":["v0.7"],"layout":"v1.6.1""#);
        for (members, fault) in [
            (
                r#""alsoMountAs":["v1.6.0"]"#,
                r#"setting alsoMountAs[0]: expected one of v0.7, v1.5, found "v1.6.0""#,
            ),
            (
                r#""alsoMountAs":"v0.7""#,
                r#"setting alsoMountAs: expected a list, found "v0.7""#,
            ),
            (
                r#""alsoMountAs":["v0.7","v0.7"]"#,
                "setting alsoMountAs[1]: is the same as alsoMountAs[0]; help: remove one of them",
            ),
            (
                r#""alsoMountAs":["v0.7","v1.5"]"#,
                r#"setting alsoMountAs[1]: expected another layout than that of setting layout, found "v1.5""#,
            ),
            (
                r#""handOver":["dapr"]"#,
                r#"setting handOver[0]: expected Dapr, found "dapr"; help: did you mean Dapr?"#,
            ),
            (
                r#""reinvocationPolicy":"Always""#,
                r#"setting reinvocationPolicy: expected one of Never, IfNeeded, found "Always""#,
            ),
        ] {
            rejects_one(members, fault);
        }
    }
}
