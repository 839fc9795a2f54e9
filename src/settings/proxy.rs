//! The settings of the proxy containers.

use std::borrow::Cow;

use super::faults::{Faults, Setting};
use crate::values;

/// The settings of the proxy containers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProxySettings {
    /// Image of the container `azwi-proxy`.
    pub image: Cow<'static, str>,
    /// Image of the init container `azwi-proxy-init`.
    pub init_image: Cow<'static, str>,
    /// How much the proxy logs.
    pub log_level: &'static str,
    /// Whether the proxy is an init container that keeps running, which needs Kubernetes 1.29.
    pub native_sidecar: bool,
    /// `ResourceRequirements` of `azwi-proxy` as JSON, if any.
    pub resources: Option<String>,
    /// `ResourceRequirements` of `azwi-proxy-init` as JSON, if any.
    pub init_resources: Option<String>,
    /// `SecurityContext` of `azwi-proxy` as JSON, where it is not the webhook's.
    pub security_context: Option<String>,
    /// `SecurityContext` of `azwi-proxy-init` as JSON, where it is not the webhook's.
    pub init_security_context: Option<String>,
}

impl Default for ProxySettings {
    fn default() -> Self {
        Self {
            image: "mcr.microsoft.com/oss/azure/workload-identity/proxy:v1.6.0".into(),
            init_image: "mcr.microsoft.com/oss/azure/workload-identity/proxy-init:v1.6.0".into(),
            log_level: "info",
            native_sidecar: true,
            resources: None,
            init_resources: None,
            security_context: None,
            init_security_context: None,
        }
    }
}

/// The names of the settings under `proxy`.
pub const NAMES: [&str; 8] = [
    "image",
    "initImage",
    "logLevel",
    "nativeSidecar",
    "resources",
    "initResources",
    "securityContext",
    "initSecurityContext",
];

const LOG_LEVELS: [(&str, &str); 5] = [
    ("warning", "warning"),
    ("info", "info"),
    ("debug", "debug"),
    ("trace", "trace"),
    ("all", "all"),
];

/// The fields of a container's `SecurityContext`.
const SECURITY_CONTEXT: [&str; 12] = [
    "allowPrivilegeEscalation",
    "appArmorProfile",
    "capabilities",
    "privileged",
    "procMount",
    "readOnlyRootFilesystem",
    "runAsGroup",
    "runAsNonRoot",
    "runAsUser",
    "seLinuxOptions",
    "seccompProfile",
    "windowsOptions",
];

/// Reads the settings under `proxy`.
pub fn read(faults: &mut Faults, setting: Setting<'_>) -> ProxySettings {
    let mut proxy = ProxySettings::default();
    let object = Setting {
        prefix: "proxy.",
        ..setting
    };
    faults.fields(object, &NAMES, &mut |faults, setting| match setting.key {
        "image" => set(&mut proxy.image, image(faults, setting)),
        "initImage" => set(&mut proxy.init_image, image(faults, setting)),
        "logLevel" => set(
            &mut proxy.log_level,
            faults.one_of(setting, &LOG_LEVELS, |one, other| one == other),
        ),
        "nativeSidecar" => set(&mut proxy.native_sidecar, faults.boolean(setting)),
        "resources" => proxy.resources = resources(faults, setting),
        "initResources" => proxy.init_resources = resources(faults, setting),
        "securityContext" => proxy.security_context = security_context(faults, setting),
        _ => proxy.init_security_context = security_context(faults, setting),
    });
    proxy
}

fn set<T>(field: &mut T, value: Option<T>) {
    if let Some(value) = value {
        *field = value;
    }
}

fn image(faults: &mut Faults, setting: Setting<'_>) -> Option<Cow<'static, str>> {
    faults.text(setting, values::image).map(Cow::Owned)
}

fn security_context(faults: &mut Faults, setting: Setting<'_>) -> Option<String> {
    faults.object(setting, &SECURITY_CONTEXT, &mut |_, _| {})
}

fn resources(faults: &mut Faults, setting: Setting<'_>) -> Option<String> {
    faults.object(setting, &["limits", "requests"], &mut |faults, amounts| {
        let mut reader = crate::lens::Reader::new(amounts.value);
        let read = reader.object("an object of quantities", |key, reader| {
            let value = reader.raw()?;
            // A quantity may be a number too.
            let amount = crate::lens::Reader::new(value).string("a quantity");
            if values::quantity(amount.as_deref().unwrap_or(value)).is_err() {
                let prefix = &format!("{}{}.", amounts.prefix, amounts.key);
                let setting = Setting { prefix, key, value };
                faults.expected(setting, "a quantity such as 100m or 64Mi", None);
            }
            Ok(())
        });
        if read.is_err() {
            faults.expected(amounts, "an object of quantities", None);
        }
    })
}
