//! What goes into a pod, in Kubernetes' form.
//!
//! The types of k8s-openapi are used where they are small. Its `Volume`, `EnvVar` and `Container` would bring every kind
//! of volume and every source of a value along, in code.

use std::borrow::Cow;

use k8s_openapi::api::core::v1::{ServiceAccountTokenProjection, VolumeMount};

use crate::identity::Identity;
use crate::keys;
use crate::layout::Layout;
use crate::lens::Fields;

/// An environment variable with a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewEnvVar<'i> {
    /// Its name.
    pub name: &'static str,
    /// Its value.
    pub value: Cow<'i, str>,
    /// Its JSON.
    pub json: String,
}

impl<'i> NewEnvVar<'i> {
    /// The variable of this name and value.
    pub fn new(name: &'static str, value: impl Into<Cow<'i, str>>) -> Self {
        let value = value.into();
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
        for (name, value) in endpoint.env(directory) {
            env.extend(value.map(|value| NewEnvVar::new(name, value)));
        }
    }
    env
}

/// The mount of the token volume, as JSON.
///
/// # Errors
/// Where it cannot be written as JSON.
pub fn volume_mount(volume_name: &str, mount_path: &str) -> serde_json::Result<String> {
    serde_json::to_string(&VolumeMount {
        name: volume_name.to_owned(),
        mount_path: mount_path.to_owned(),
        read_only: Some(true),
        ..VolumeMount::default()
    })
}

/// The token volume, as JSON.
///
/// # Errors
/// Where it cannot be written as JSON.
pub fn volume(name: &str, identity: &Identity<'_>, layout: Layout) -> serde_json::Result<String> {
    let mut source = Fields::default();
    let token = ServiceAccountTokenProjection {
        audience: Some(identity.audience.to_owned()),
        expiration_seconds: Some(i64::from(identity.token_expiration_seconds)),
        path: layout.token_path().to_owned(),
    };
    source.set("serviceAccountToken", &token)?;
    let source = source.into_object();
    let of_endpoint = identity
        .token_endpoint
        .and_then(|endpoint| endpoint.volume_source());
    let sources = [&source].into_iter().chain(&of_endpoint);
    let sources: Vec<_> = sources.map(String::as_str).collect();
    let mut projected = Fields::default();
    projected.set_list("sources", &sources);
    let mut volume = Fields::default();
    volume.set_string("name", name);
    volume.set_object("projected", projected);
    Ok(volume.into_object())
}
