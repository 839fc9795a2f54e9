//! What goes into a pod, in Kubernetes' form.

use std::borrow::Cow;

use super::token_endpoint;
use crate::identity::Identity;
use crate::json::Fields;
use crate::keys;
use crate::layout::Layout;

/// An environment variable with a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewEnvVar<'i> {
    /// Its name.
    pub name: &'static str,
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
    pub fn new(name: &'static str, value: impl Into<Cow<'i, str>>) -> Self {
        let mut value = value.into();
        if value.contains('$') {
            value = value.replace('$', "$$").into();
        }
        let length = name.len().saturating_add(value.len());
        let mut json = Fields::with_capacity(length.saturating_add(32));
        json.set_string("name", name);
        json.set_string("value", &value);
        let json = json.into_object();
        Self { name, value, json }
    }
}

/// The environment variables of an identity, in the webhook's order; one without a value is not set at all.
///
/// `directory` is where the container has the token volume.
pub fn env<'i>(identity: &Identity<'i>, layout: Layout, directory: &str) -> Vec<NewEnvVar<'i>> {
    let directory = directory.trim_end_matches('/');
    let token_file = format!("{directory}/{}", layout.token_path());
    let mut env = Vec::with_capacity(8);
    if let Some(client_id) = identity.client_id {
        env.push(NewEnvVar::new(keys::AZURE_CLIENT_ID, client_id.value));
    }
    let tenant_id = identity.tenant_id.value;
    env.push(NewEnvVar::new(keys::AZURE_TENANT_ID, tenant_id));
    env.push(NewEnvVar::new(keys::AZURE_FEDERATED_TOKEN_FILE, token_file));
    let authority_host = identity.authority_host;
    env.push(NewEnvVar::new(keys::AZURE_AUTHORITY_HOST, authority_host));
    if let Some(endpoint) = identity.token_endpoint {
        for (name, value) in token_endpoint::env(endpoint, directory) {
            env.extend(value.map(|value| NewEnvVar::new(name, value)));
        }
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
        let env = NewEnvVar::new("A", "b\"c");
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
