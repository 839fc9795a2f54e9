//! What a pod lacks of its identity: the plan, and its application.

use k8s_openapi::api::core::v1::{self as core, ServiceAccountTokenProjection};
use serde::Serialize;

use crate::findings::Findings;
use crate::identity::Identity;
use crate::keys;
use crate::layout::Layout;
use crate::lens::Edits;
use crate::message::ObjectName;
use crate::metadata::Metadata;
use crate::pod::{Container, ContainerPath, PodSpec, ProjectedToken, Volume, VolumeMount};

/// What is to be added to a pod so that its containers have the identity.
#[derive(Clone, Debug)]
pub struct Plan<'p, 'a> {
    spec: &'p PodSpec<'a>,
    volume: TokenVolume<'p, 'a>,
    additions: Vec<Addition<'p, 'a>>,
}

/// The pod's token volume.
#[derive(Clone, Debug)]
enum TokenVolume<'p, 'a> {
    /// It is there. `outdated` is its token where that is ours and says something else than the identity.
    Present {
        outdated: Option<&'p ProjectedToken<'a>>,
        identity: &'p Identity,
    },
    /// It is to be added.
    Missing(NewVolume),
}

/// What one container lacks.
#[derive(Clone, Debug)]
struct Addition<'p, 'a> {
    container: &'p Container<'a>,
    env: Vec<NewEnvVar>,
    volume_mount: Option<core::VolumeMount>,
}

/// An `EnvVar` of Kubernetes with a value. The typed one would bring every source of a value along, in code.
#[derive(Clone, Debug, Serialize)]
struct NewEnvVar {
    name: &'static str,
    value: String,
}

/// A `Volume` of Kubernetes that is projected. The typed one would bring every kind of volume along, in code.
#[derive(Clone, Debug, Serialize)]
struct NewVolume {
    name: String,
    projected: Projected,
}

#[derive(Clone, Debug, Serialize)]
struct Projected {
    sources: [Source; 1],
}

#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Source {
    service_account_token: ServiceAccountTokenProjection,
}

impl NewVolume {
    fn new(name: &str, layout: Layout, identity: &Identity) -> Self {
        let service_account_token = ServiceAccountTokenProjection {
            audience: Some(identity.audience.clone()),
            expiration_seconds: Some(i64::from(identity.token_expiration_seconds)),
            path: layout.token_path().to_owned(),
        };
        Self {
            name: name.to_owned(),
            projected: Projected {
                sources: [Source {
                    service_account_token,
                }],
            },
        }
    }
}

/// A pod, as the injection needs to know it.
#[derive(Clone, Copy, Debug)]
pub struct Target<'p, 'a> {
    /// Its name for messages.
    pub object: &'p ObjectName,
    /// Its metadata.
    pub metadata: &'p Metadata<'a>,
    /// Its spec.
    pub spec: &'p PodSpec<'a>,
    /// Names of the containers to leave alone.
    pub skip: &'p [&'p str],
}

impl<'p, 'a> Plan<'p, 'a> {
    /// Finds out what the pod lacks; what is in the way of it is added to `findings`.
    pub fn new(
        target: Target<'p, 'a>,
        layout: Layout,
        identity: &'p Identity,
        findings: &mut Findings,
    ) -> Self {
        let Metadata {
            name,
            generate_name,
            ..
        } = target.metadata;
        let usual_name = layout.volume_name(name, generate_name);
        let volumes = &target.spec.volumes.items;
        let existing = existing_volume(volumes, layout, &usual_name);
        if existing.is_none() {
            refuse_other_volume(target.object, volumes, &usual_name, findings);
        }
        let volume_name = existing.map_or(usual_name.as_str(), |(volume, _)| &volume.name);
        let mount_path = layout.mount_path(volume_name);
        let volume = match existing {
            Some((volume, token)) => TokenVolume::Present {
                outdated: Some(token)
                    .filter(|token| layout.reserves(&volume.name) && is_outdated(token, identity)),
                identity,
            },
            None => TokenVolume::Missing(NewVolume::new(volume_name, layout, identity)),
        };
        let mut additions = Vec::new();
        for (path, container) in target.spec.all_containers() {
            if target.skip.contains(&&*container.name) {
                continue;
            }
            let mounted = container
                .volume_mounts
                .items
                .iter()
                .find(|mount| mount.name == volume_name && !mount.is_part);
            if mounted.is_none() {
                refuse_mounts_in_the_way(target.object, container, path, &mount_path, findings);
            }
            let directory = mounted.map_or(mount_path.as_str(), |mount| mount.mount_path.as_ref());
            additions.push(Addition {
                container,
                env: missing_env(container, directory, layout, identity),
                volume_mount: mounted.is_none().then(|| core::VolumeMount {
                    name: volume_name.to_owned(),
                    mount_path: mount_path.clone(),
                    read_only: Some(true),
                    ..core::VolumeMount::default()
                }),
            });
        }
        Self {
            spec: target.spec,
            volume,
            additions,
        }
    }

    /// Whether some container gets or has no client ID: the identity has none, and the container none of its own.
    pub fn lacks_client_id(&self, identity: &Identity) -> bool {
        identity.client_id.is_none()
            && self
                .additions
                .iter()
                .any(|addition| !has_env(addition.container, keys::AZURE_CLIENT_ID))
    }

    /// The pod's text with all that it lacks; `None` where it lacks nothing.
    ///
    /// # Errors
    /// Where an addition cannot be written as JSON, which strings, numbers and booleans always can.
    pub fn apply(&self, text: &str) -> serde_json::Result<Option<String>> {
        let mut edits = Edits::default();
        for addition in &self.additions {
            addition.apply(&mut edits)?;
        }
        match &self.volume {
            TokenVolume::Missing(volume) => {
                let mut new_fields = String::new();
                let volume = serde_json::to_string(volume)?;
                edits.append_items(self.spec.volumes.place, "volumes", volume, &mut new_fields);
                append_fields(&mut edits, self.spec.object, new_fields);
            }
            TokenVolume::Present { outdated, identity } => {
                let audience = outdated.and_then(|token| token.audience.as_ref());
                if let Some((_, span)) = audience {
                    edits.replace(*span, serde_json::to_string(&identity.audience)?);
                }
                if let Some((_, span)) = outdated.and_then(|token| token.expiration_seconds) {
                    edits.replace(span, identity.token_expiration_seconds.to_string());
                }
            }
        }
        Ok((!edits.is_empty()).then(|| edits.apply(text)))
    }
}

impl Addition<'_, '_> {
    fn apply(&self, edits: &mut Edits) -> serde_json::Result<()> {
        let mut new_fields = String::new();
        if !self.env.is_empty() {
            let env = items(&self.env)?;
            edits.append_items(self.container.env.place, "env", env, &mut new_fields);
        }
        if let Some(mount) = &self.volume_mount {
            let place = self.container.volume_mounts.place;
            edits.append_items(
                place,
                "volumeMounts",
                serde_json::to_string(mount)?,
                &mut new_fields,
            );
        }
        append_fields(edits, self.container.object, new_fields);
        Ok(())
    }
}

fn append_fields(edits: &mut Edits, object: crate::lens::Collection, fields: String) {
    if !fields.is_empty() {
        edits.append(object, fields);
    }
}

/// Items of a list as JSON, without its brackets.
fn items(items: &[impl Serialize]) -> serde_json::Result<String> {
    let items: Vec<_> = items
        .iter()
        .map(serde_json::to_string)
        .collect::<Result<_, _>>()?;
    Ok(items.join(","))
}

/// The pod's token volume and its token: the one of the usual name, else one that is reserved for the token, else, in the
/// layouts that reserve no names, any that projects a token to the usual path.
fn existing_volume<'p, 'a>(
    volumes: &'p [Volume<'a>],
    layout: Layout,
    usual_name: &str,
) -> Option<(&'p Volume<'a>, &'p ProjectedToken<'a>)> {
    let mut candidates = volumes.iter().filter_map(|volume| {
        let token = volume
            .tokens
            .iter()
            .find(|token| token.path == layout.token_path())?;
        Some((volume, token))
    });
    candidates
        .clone()
        .find(|(volume, _)| volume.name == usual_name)
        .or_else(|| {
            candidates
                .find(|(volume, _)| !layout.reserves(usual_name) || layout.reserves(&volume.name))
        })
}

/// Whether a token of ours says something else than the identity does by now.
fn is_outdated(token: &ProjectedToken<'_>, identity: &Identity) -> bool {
    let same_audience = token
        .audience
        .as_ref()
        .is_some_and(|(audience, _)| *audience == identity.audience);
    let same_expiration = token
        .expiration_seconds
        .is_some_and(|(seconds, _)| seconds.parse() == Ok(identity.token_expiration_seconds));
    !(same_audience && same_expiration)
}

/// The environment variables that the container lacks; one without a value is not set at all.
fn missing_env(
    container: &Container<'_>,
    directory: &str,
    layout: Layout,
    identity: &Identity,
) -> Vec<NewEnvVar> {
    let token_file = format!(
        "{}/{}",
        directory.trim_end_matches('/'),
        layout.token_path()
    );
    [
        (keys::AZURE_CLIENT_ID, identity.client_id.as_deref()),
        (keys::AZURE_TENANT_ID, Some(&*identity.tenant_id)),
        (keys::AZURE_FEDERATED_TOKEN_FILE, Some(&*token_file)),
        (keys::AZURE_AUTHORITY_HOST, Some(&*identity.authority_host)),
    ]
    .into_iter()
    .filter_map(|(name, value)| {
        let value = value.filter(|_| !has_env(container, name))?;
        let value = value.to_owned();
        Some(NewEnvVar { name, value })
    })
    .collect()
}

fn has_env(container: &Container<'_>, name: &str) -> bool {
    container.env.items.iter().any(|existing| existing == name)
}

fn refuse_other_volume(
    pod: &ObjectName,
    volumes: &[Volume<'_>],
    usual_name: &str,
    findings: &mut Findings,
) {
    if let Some(index) = volumes.iter().position(|volume| volume.name == usual_name) {
        findings.refuse(
            pod,
            format!("spec.volumes[{index}]: expected the token volume under the name {usual_name}, found another volume; rename that one"),
        );
    }
}

fn refuse_mounts_in_the_way(
    pod: &ObjectName,
    container: &Container<'_>,
    path: ContainerPath,
    mount_path: &str,
    findings: &mut Findings,
) {
    let in_the_way = |mount: &&VolumeMount<'_>| is_within(&mount.mount_path, mount_path);
    if let Some(mount) = container.volume_mounts.items.iter().find(in_the_way) {
        findings.refuse(
            pod,
            format!(
                "container {}: {path}.volumeMounts: volume {} is mounted at {}, where the token volume goes ({mount_path}); mount it elsewhere, or list the container in annotation {}",
                container.name,
                mount.name,
                mount.mount_path,
                keys::SKIP_CONTAINERS,
            ),
        );
    }
}

/// Whether `path` is `directory` or lies in it: a read-only volume there leaves no room for another mount.
fn is_within(path: &str, directory: &str) -> bool {
    let mut steps = path
        .split('/')
        .filter(|step| !step.is_empty() && *step != ".");
    directory
        .split('/')
        .filter(|step| !step.is_empty())
        .all(|step| steps.next() == Some(step))
}
