//! What goes into a pod, in Kubernetes' form.

use std::borrow::Cow;

use super::token_endpoint;
use crate::identity::Identity;
use crate::json::Fields;
use crate::keys;
use crate::layout::Layout;
use crate::settings::extra_env::{ExtraValue, ExtraVar, IdentityPart};
use crate::values::is_same;

/// An environment variable with a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewEnvVar<'i> {
    /// Its name.
    pub name: &'i str,
    /// The part of the identity that it tells, if it tells one.
    pub part: Option<IdentityPart>,
    /// Its value, as the pod has it.
    pub value: Cow<'i, str>,
    /// Its JSON.
    pub json: String,
}

impl<'i> NewEnvVar<'i> {
    /// The variable of this name and value.
    ///
    /// Kubernetes expands `$(NAME)` in values, and takes `$$` for a `$`: a value never refers to another variable, which may
    /// be secret.
    pub fn new(name: &'i str, part: Option<IdentityPart>, value: impl Into<Cow<'i, str>>) -> Self {
        let mut value = value.into();
        if value.contains('$') {
            value = value.replace('$', "$$").into();
        }
        let length = name.len().saturating_add(value.len());
        let mut json = Fields::with_capacity(length.saturating_add(32));
        json.set_string("name", name);
        json.set_string("value", &value);
        let json = json.into_object();
        Self {
            name,
            part,
            value,
            json,
        }
    }
}

/// Some of the variables that a container should have, by their indexes, of which there are fewer than 64.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct EnvSet(u64);

impl EnvSet {
    /// Those for which this is true.
    pub fn of(env: &[NewEnvVar<'_>], is_in: impl Fn(&NewEnvVar<'_>) -> bool) -> Self {
        let mut set = 0;
        for new in env.iter().rev() {
            set = (set << 1) | u64::from(is_in(new));
        }
        Self(set)
    }

    /// Adds the variable of this index.
    pub fn insert(&mut self, index: usize) {
        let index = u32::try_from(index).unwrap_or(u32::MAX);
        self.0 |= 1_u64.checked_shl(index).unwrap_or_default();
    }

    /// Whether it has the variable of this index.
    pub fn has(self, index: usize) -> bool {
        let index = u32::try_from(index).unwrap_or(u32::MAX);
        self.0.checked_shr(index).is_some_and(|rest| rest & 1 == 1)
    }

    /// Whether it has none.
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Those of the variables that are in it.
    pub fn in_env<'e, 'i>(
        self,
        env: &'e [NewEnvVar<'i>],
    ) -> impl Iterator<Item = &'e NewEnvVar<'i>> {
        let env = env.iter().enumerate();
        env.filter_map(move |(index, new)| self.has(index).then_some(new))
    }
}

impl NewEnvVar<'_> {
    /// Whether a container's own value says the same: IDs are the same in any case.
    pub fn is_said_by(&self, own: &str) -> bool {
        let is_id = matches!(
            self.part,
            Some(IdentityPart::ClientId | IdentityPart::TenantId)
        );
        is_same(own, &self.value) || is_id && own.eq_ignore_ascii_case(&self.value)
    }
}

/// The environment variables of an identity, in the webhook's order, and the further ones of the settings; one without a value
/// is not set at all.
///
/// `directory` is where the container has the token volume.
pub fn env<'i>(identity: &'i Identity<'i>, layout: Layout, directory: &str) -> Vec<NewEnvVar<'i>> {
    let directory = directory.trim_end_matches('/');
    let value = |part| {
        Some(match part {
            IdentityPart::ClientId => Cow::Borrowed(identity.client_id?.value),
            IdentityPart::TenantId => Cow::Borrowed(identity.tenant_id.value),
            IdentityPart::TokenFile => Cow::Owned([directory, "/", layout.token_path()].concat()),
            IdentityPart::AuthorityHost => Cow::Borrowed(identity.authority_host),
            IdentityPart::Audience => Cow::Borrowed(identity.audience),
        })
    };
    let of_part = |name, part| Some(NewEnvVar::new(name, Some(part), value(part)?));
    let mut env = Vec::with_capacity(identity.extra_env.len().saturating_add(8));
    for (name, part) in [
        (keys::AZURE_CLIENT_ID, IdentityPart::ClientId),
        (keys::AZURE_TENANT_ID, IdentityPart::TenantId),
        (keys::AZURE_FEDERATED_TOKEN_FILE, IdentityPart::TokenFile),
        (keys::AZURE_AUTHORITY_HOST, IdentityPart::AuthorityHost),
    ] {
        env.extend(of_part(name, part));
    }
    if let Some(endpoint) = identity.token_endpoint {
        for (name, value) in token_endpoint::env(endpoint, directory) {
            env.extend(value.map(|value| NewEnvVar::new(name, None, value)));
        }
    }
    for ExtraVar { name, value } in &identity.extra_env {
        env.extend(match value {
            ExtraValue::Text(text) => Some(NewEnvVar::new(name, None, &**text)),
            ExtraValue::Of(part) => of_part(name, *part),
        });
    }
    env
}

/// The mount of the token volume, as JSON.
pub fn volume_mount(volume_name: &str, mount_path: &str) -> String {
    let mut mount = Fields::with_capacity(160);
    mount.set_string("mountPath", mount_path);
    mount.set_string("name", volume_name);
    mount.set_bool("readOnly", true);
    mount.into_object()
}

/// The token volume, as JSON.
pub fn volume(name: &str, identity: &Identity<'_>, layout: Layout) -> String {
    let mut token = Fields::with_capacity(160);
    token.set_string("audience", identity.audience);
    let seconds = identity.token_expiration_seconds.value.to_string();
    token.set_json("expirationSeconds", &seconds);
    token.set_string("path", layout.token_path());
    let mut source = Fields::default();
    source.set_object("serviceAccountToken", token);
    let source = source.into_object();
    let of_endpoint = identity
        .token_endpoint
        .and_then(token_endpoint::volume_source);
    let sources = [&source].into_iter().chain(&of_endpoint);
    let sources: Vec<_> = sources.map(String::as_str).collect();
    let mut projected = Fields::default();
    projected.set_list("sources", &sources);
    let mut volume = Fields::default();
    volume.set_string("name", name);
    volume.set_object("projected", projected);
    volume.into_object()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identity::{Source, Sourced};
    use k8s_openapi::api::core::v1::{
        EnvVar, ProjectedVolumeSource, ServiceAccountTokenProjection, Volume, VolumeMount,
        VolumeProjection,
    };

    #[test]
    fn items_are_those_of_kubernetes_types() {
        let env = NewEnvVar::new("A", None, "b\"c");
        let typed = EnvVar {
            name: "A".to_owned(),
            value: Some("b\"c".to_owned()),
            ..EnvVar::default()
        };
        assert_eq!(env.json, serde_json::to_string(&typed).expect("JSON"));

        let typed = VolumeMount {
            name: "v".to_owned(),
            mount_path: "/m".to_owned(),
            read_only: Some(true),
            ..VolumeMount::default()
        };
        let mount = volume_mount("v", "/m");
        assert_eq!(mount, serde_json::to_string(&typed).expect("JSON"));

        let setting = Source::Setting;
        let identity = Identity {
            client_id: None,
            tenant_id: Sourced {
                value: "t",
                source: setting,
            },
            authority_host: "h",
            audience: "a",
            token_expiration_seconds: Sourced {
                value: 3600,
                source: setting,
            },
            token_endpoint: None,
            extra_env: Vec::new(),
        };
        let token = ServiceAccountTokenProjection {
            audience: Some("a".to_owned()),
            expiration_seconds: Some(3600),
            path: "azure-identity-token".to_owned(),
        };
        let source = VolumeProjection {
            service_account_token: Some(token),
            ..VolumeProjection::default()
        };
        let projected = ProjectedVolumeSource {
            sources: Some(vec![source]),
            ..ProjectedVolumeSource::default()
        };
        let typed = Volume {
            name: "v".to_owned(),
            projected: Some(projected),
            ..Volume::default()
        };
        let volume = volume("v", &identity, Layout::V1_5);
        assert_eq!(volume, serde_json::to_string(&typed).expect("JSON"));
    }
}
