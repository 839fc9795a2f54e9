//! What goes into a pod, in Kubernetes' form.
//!
//! The types of k8s-openapi are used where they are small. Its `Volume`, `EnvVar` and `Container` would bring every kind
//! of volume and every source of a value along, in code.

use k8s_openapi::api::core::v1::{ServiceAccountTokenProjection, VolumeMount};

use crate::identity::Identity;
use crate::keys;
use crate::layout::Layout;
use crate::lens::Fields;

/// An environment variable with a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewEnvVar {
    /// Its name.
    pub name: &'static str,
    /// Its value.
    pub value: String,
    /// Its JSON.
    pub json: String,
}

impl NewEnvVar {
    /// The variable of this name and value.
    pub fn new(name: &'static str, value: String) -> Self {
        let mut json = Fields::default();
        json.set_string("name", name);
        json.set_string("value", &value);
        let json = json.into_object();
        Self { name, value, json }
    }
}

/// The environment variables of an identity, in the webhook's order; one without a value is not set at all.
///
/// `directory` is where the container has the token volume.
pub fn env(identity: &Identity<'_>, layout: Layout, directory: &str) -> Vec<NewEnvVar> {
    let directory = directory.trim_end_matches('/');
    let token_file = format!("{directory}/{}", layout.token_path());
    let client_id = identity.client_id.map(|client_id| client_id.value);
    let of_endpoint = identity
        .token_endpoint
        .map(|endpoint| endpoint.env(directory));
    [
        (keys::AZURE_CLIENT_ID, client_id.map(str::to_owned)),
        (
            keys::AZURE_TENANT_ID,
            Some(identity.tenant_id.value.to_owned()),
        ),
        (keys::AZURE_FEDERATED_TOKEN_FILE, Some(token_file)),
        (
            keys::AZURE_AUTHORITY_HOST,
            Some(identity.authority_host.to_owned()),
        ),
    ]
    .into_iter()
    .chain(of_endpoint.into_iter().flatten())
    .filter_map(|(name, value)| Some(NewEnvVar::new(name, value?)))
    .collect()
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
    let mut sources = source.into_object();
    let of_endpoint = identity
        .token_endpoint
        .and_then(|endpoint| endpoint.volume_source());
    if let Some(source) = of_endpoint {
        sources.push(',');
        sources.push_str(&source);
    }
    let mut projected = Fields::default();
    projected.set_list("sources", [&*sources]);
    let mut volume = Fields::default();
    volume.set_string("name", name);
    volume.set_object("projected", &projected);
    Ok(volume.into_object())
}
