//! The settings of the proxy containers.

use std::borrow::Cow;

use super::faults::{Faults, Setting};
use super::{resources, security_context};
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
    /// `SecurityContext` of `azwi-proxy` as JSON, if it is not the webhook's.
    pub security_context: Option<String>,
    /// `SecurityContext` of `azwi-proxy-init` as JSON, if it is not the webhook's.
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

/// A setting under `proxy`.
#[derive(Clone, Copy, Debug)]
enum Name {
    Image,
    InitImage,
    LogLevel,
    NativeSidecar,
    Resources,
    InitResources,
    SecurityContext,
    InitSecurityContext,
}

const NAMES: [(&str, Name); 8] = [
    ("image", Name::Image),
    ("initImage", Name::InitImage),
    ("logLevel", Name::LogLevel),
    ("nativeSidecar", Name::NativeSidecar),
    ("resources", Name::Resources),
    ("initResources", Name::InitResources),
    ("securityContext", Name::SecurityContext),
    ("initSecurityContext", Name::InitSecurityContext),
];

/// The names of the settings under `proxy`.
pub fn names() -> impl Iterator<Item = &'static str> {
    NAMES.iter().map(|(name, _)| *name)
}

const LOG_LEVELS: [(&str, &str); 5] = [
    ("warning", "warning"),
    ("info", "info"),
    ("debug", "debug"),
    ("trace", "trace"),
    ("all", "all"),
];

/// Reads the settings under `proxy`.
pub fn read(faults: &mut Faults, setting: Setting<'_>) -> ProxySettings {
    let mut proxy = ProxySettings::default();
    let object = Setting {
        prefix: "proxy.",
        ..setting
    };
    faults.fields(object, &NAMES, |faults, name, setting| match name {
        Name::Image => set(&mut proxy.image, image(faults, setting)),
        Name::InitImage => set(&mut proxy.init_image, image(faults, setting)),
        Name::LogLevel => set(&mut proxy.log_level, faults.one_of(setting, &LOG_LEVELS)),
        Name::NativeSidecar => set(&mut proxy.native_sidecar, faults.boolean(setting)),
        Name::Resources => proxy.resources = faults.handed_on(setting, &resources::SHAPE),
        Name::InitResources => proxy.init_resources = faults.handed_on(setting, &resources::SHAPE),
        Name::SecurityContext => {
            proxy.security_context = faults.handed_on(setting, &security_context::SHAPE);
        }
        Name::InitSecurityContext => {
            proxy.init_security_context = faults.handed_on(setting, &security_context::SHAPE);
        }
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
