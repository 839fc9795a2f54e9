//! What a pod lacks of its identity: the plan, and its application.

use crate::additions::{self, NewEnvVar};
use crate::env_conflicts;
use crate::findings::Findings;
use crate::identity::Identity;
use crate::keys;
use crate::layout::Layout;
use crate::lens::{self, Edits, End, Fields};
use crate::message::ObjectName;
use crate::metadata::Metadata;
use crate::pod::{self, Container, ContainerPath, PodSpec, ProjectedToken, Volume};
use crate::proxy::{Proxy, Share};
use crate::skip_containers::{self, Skip};
use crate::token_endpoint::CA_PATH;

/// What is to be added to a pod so that its containers have the identity.
#[derive(Clone, Debug)]
pub struct Plan<'p, 'a> {
    spec: &'p PodSpec<'a>,
    identity: &'p Identity<'p>,
    layout: Layout,
    volume: TokenVolume<'p, 'a>,
    env: Vec<NewEnvVar<'p>>,
    volume_mount: String,
    additions: Vec<Addition<'p, 'a>>,
    proxy: Option<Proxy<'p>>,
    skip: &'p Skip<'p>,
}

/// The pod's token volume.
#[derive(Clone, Debug)]
enum TokenVolume<'p, 'a> {
    /// It is to be added under this name.
    Missing(String),
    /// It is there.
    Present(&'p Volume<'a>),
    /// It is there and ours, but says something else than the identity.
    Outdated(&'p Volume<'a>, &'p ProjectedToken<'a>),
}

/// What one container lacks.
#[derive(Clone, Debug)]
struct Addition<'p, 'a> {
    container: &'p Container<'a>,
    /// All that it should have, where that is not what the others should, because it has the token elsewhere.
    own_env: Option<Vec<NewEnvVar<'p>>>,
    lacks_volume_mount: bool,
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
    /// The containers to leave alone.
    pub skip: &'p Skip<'p>,
    /// The proxy that it asks for.
    pub proxy: Option<Proxy<'p>>,
}

impl<'p, 'a> Plan<'p, 'a> {
    /// Finds out what the pod lacks; what is in the way of it is added to `findings`.
    ///
    /// # Errors
    /// Where an addition cannot be written as JSON, which strings, numbers and booleans always can.
    pub fn new(
        target: Target<'p, 'a>,
        layout: Layout,
        identity: &'p Identity<'p>,
        findings: &mut Findings,
    ) -> serde_json::Result<Self> {
        let volume = TokenVolume::find(target, layout, identity, findings);
        let mount_path = layout.mount_path(volume.name());
        let usual_env = additions::env(identity, layout, &mount_path);
        let mut additions = Vec::new();
        for (path, container) in target.spec.all_containers() {
            if target.skip.contains(&container.name) {
                continue;
            }
            let mut mounts = container.volume_mounts.items.iter();
            let mounted = mounts.find(|mount| mount.name == volume.name() && !mount.is_part);
            let own_env = mounted
                .filter(|mount| mount.mount_path != mount_path)
                .map(|mount| additions::env(identity, layout, &mount.mount_path));
            let env = own_env.as_ref().unwrap_or(&usual_env);
            if mounted.is_none() {
                refuse_mounts_in_the_way(target.object, container, path, &mount_path, findings);
            }
            env_conflicts::warn(target.object, container, env, identity, findings);
            additions.push(Addition {
                container,
                own_env,
                lacks_volume_mount: mounted.is_none(),
            });
        }
        Ok(Self {
            spec: target.spec,
            identity,
            layout,
            volume_mount: additions::volume_mount(volume.name(), &mount_path)?,
            volume,
            env: usual_env,
            additions,
            proxy: target.proxy,
            skip: target.skip,
        })
    }

    /// Whether some container gets or has no client ID: the identity has none, and the container none of its own.
    pub fn lacks_client_id(&self) -> bool {
        let mut new = self.proxy.iter().flat_map(Proxy::new_containers);
        self.identity.client_id.is_none()
            && (new.any(|name| !self.skip.contains(name))
                || self
                    .additions
                    .iter()
                    .any(|addition| !addition.container.has_env(keys::AZURE_CLIENT_ID)))
    }

    /// The names of the containers that get something.
    pub fn injected_containers(&self) -> Vec<&str> {
        let new = self.proxy.iter().flat_map(Proxy::new_containers);
        let mut names: Vec<&str> = Vec::new();
        for name in new.filter(|name| !self.skip.contains(name)) {
            names.push(name);
        }
        names.extend(
            self.additions
                .iter()
                .filter(|addition| {
                    addition.lacks_volume_mount || self.lacking_env(addition).next().is_some()
                })
                .map(|addition| &*addition.container.name),
        );
        names
    }

    /// The names of the containers that are left alone because the pod says so.
    pub fn skipped_containers(&self) -> Vec<&str> {
        let names = self.skip.names();
        if names.is_empty() {
            return Vec::new();
        }
        let known = skip_containers::container_names(self.spec, self.proxy.as_ref());
        let known = skip_containers::set_of(&known);
        names
            .iter()
            .copied()
            .filter(|name| known.contains(name))
            .collect()
    }

    /// What the pod lacks, for people; empty where it lacks nothing.
    pub fn missing(&self) -> Vec<String> {
        let volume = self.volume.name();
        let mut missing = Vec::new();
        for addition in &self.additions {
            let mut parts: Vec<_> = self
                .lacking_env(addition)
                .map(|env| env.name.to_owned())
                .collect();
            if addition.lacks_volume_mount {
                parts.push(format!("the mount of volume {volume}"));
            }
            if !parts.is_empty() {
                let name = &addition.container.name;
                missing.push(format!("container {name} lacks {}", parts.join(", ")));
            }
        }
        for name in self.proxy.iter().flat_map(Proxy::new_containers) {
            missing.push(format!("container {name} is missing"));
        }
        match &self.volume {
            TokenVolume::Missing(name) => missing.push(format!("volume {name} is missing")),
            TokenVolume::Outdated(volume, _) => {
                missing.push(format!("volume {} is out of date", volume.name));
            }
            TokenVolume::Present(_) => {}
        }
        missing
    }

    /// The changes that give the pod all that it lacks; none where it lacks nothing.
    ///
    /// # Errors
    /// Where an addition cannot be written as JSON, which strings, numbers and booleans always can.
    pub fn edits(&self) -> serde_json::Result<Edits> {
        let mut edits = Edits::default();
        for addition in &self.additions {
            self.add(addition, &mut edits);
        }
        let mut new_fields = Fields::default();
        if let Some(proxy) = &self.proxy {
            let share = Share {
                env: &self.env,
                volume_mount: &self.volume_mount,
            };
            let share_of = |name: &str| (!self.skip.contains(name)).then_some(share);
            proxy.add(self.spec, share_of, &mut edits, &mut new_fields);
        }
        match &self.volume {
            TokenVolume::Missing(name) => {
                let volume = additions::volume(name, self.identity, self.layout)?;
                let place = self.spec.volumes.place;
                edits.add_items(place, "volumes", End::Back, &[&volume], &mut new_fields);
            }
            TokenVolume::Outdated(volume, token) => {
                update_volume(volume, token, self.identity, &mut edits);
            }
            TokenVolume::Present(_) => {}
        }
        edits.add_fields(self.spec.object, new_fields);
        Ok(edits)
    }

    fn lacking_env<'s>(
        &'s self,
        addition: &'s Addition<'p, 'a>,
    ) -> impl Iterator<Item = &'s NewEnvVar<'p>> {
        let env = addition.own_env.as_ref().unwrap_or(&self.env);
        env.iter()
            .filter(|new| !addition.container.has_env(new.name))
    }

    fn add(&self, addition: &Addition<'p, 'a>, edits: &mut Edits) {
        let Container {
            object,
            env,
            volume_mounts,
            ..
        } = addition.container;
        let mut new_fields = Fields::default();
        let items: Vec<_> = self.lacking_env(addition).map(|env| &*env.json).collect();
        edits.add_items(env.place, "env", End::Back, &items, &mut new_fields);
        if addition.lacks_volume_mount {
            let place = volume_mounts.place;
            let items = [&*self.volume_mount];
            edits.add_items(place, "volumeMounts", End::Back, &items, &mut new_fields);
        }
        edits.add_fields(*object, new_fields);
    }
}

impl<'p, 'a> TokenVolume<'p, 'a> {
    fn find(
        target: Target<'p, 'a>,
        layout: Layout,
        identity: &Identity<'_>,
        findings: &mut Findings,
    ) -> Self {
        let Metadata {
            name,
            generate_name,
            ..
        } = target.metadata;
        let usual_name = layout.volume_name(name, generate_name);
        let volumes = &target.spec.volumes.items;
        let Some((index, volume, token)) = existing_volume(volumes, layout, &usual_name) else {
            refuse_other_volume(target, &usual_name, findings);
            return Self::Missing(usual_name);
        };
        let lacks_endpoint = lacks_endpoint(volume, token, identity);
        // What was made by this policy has an audience.
        let is_ours = layout.reserves(&volume.name) && token.audience.is_some();
        if is_ours && (lacks_endpoint || is_outdated(token, identity)) {
            return Self::Outdated(volume, token);
        }
        if let Some(endpoint) = identity.token_endpoint.filter(|_| lacks_endpoint) {
            findings.refuse(
                target.object,
                format!(
                    "{}.volumes[{index}]: expected a token for the audience of the custom token endpoint and its certificates, as annotation {} asks for, found another token; remove this volume, and the policy adds its own",
                    target.spec.path, endpoint.annotation
                ),
            );
        }
        if identity.token_endpoint.is_none() && !has_audience(token, identity) {
            findings.warn(
                target.object,
                format!(
                    "{}.volumes[{index}]: keeps a token for another audience than {}; remove this volume, and the policy adds its own",
                    target.spec.path, identity.audience
                ),
            );
        }
        Self::Present(volume)
    }

    fn name(&self) -> &str {
        match self {
            Self::Missing(name) => name,
            Self::Present(volume) | Self::Outdated(volume, _) => &volume.name,
        }
    }
}

/// Whether a token volume is not fit for the custom token endpoint, where the pod asks for that.
fn lacks_endpoint(
    volume: &Volume<'_>,
    token: &ProjectedToken<'_>,
    identity: &Identity<'_>,
) -> bool {
    identity.token_endpoint.is_some_and(|endpoint| {
        !has_audience(token, identity) || endpoint.has_volume_source() && !has_certificates(volume)
    })
}

fn has_certificates(volume: &Volume<'_>) -> bool {
    volume.other_paths.iter().any(|path| path == CA_PATH)
}

fn has_audience(token: &ProjectedToken<'_>, identity: &Identity<'_>) -> bool {
    token
        .audience
        .as_ref()
        .is_some_and(|(audience, _)| audience == identity.audience)
}

/// Makes a token volume of ours say what the identity says by now.
fn update_volume(
    volume: &Volume<'_>,
    token: &ProjectedToken<'_>,
    identity: &Identity<'_>,
    edits: &mut Edits,
) {
    if let Some((_, span)) = token
        .audience
        .as_ref()
        .filter(|_| !has_audience(token, identity))
    {
        edits.replace(*span, lens::string(identity.audience));
    }
    if let Some((_, span)) = token
        .expiration_seconds
        .filter(|_| !has_expiration(token, identity))
    {
        edits.replace(span, identity.token_expiration_seconds.to_string());
    }
    let endpoint = identity
        .token_endpoint
        .filter(|_| !has_certificates(volume));
    if let Some(source) = endpoint.and_then(|endpoint| endpoint.volume_source()) {
        let place = volume.sources;
        edits.add_items(
            place,
            "sources",
            End::Back,
            &[&source],
            &mut Fields::default(),
        );
    }
}

/// The pod's token volume and its token: in the layouts that reserve names for it the first of such a name, since the
/// usual one changes with the pod's name; in the others the one of the usual name, else any that projects a token to the
/// usual path.
fn existing_volume<'p, 'a>(
    volumes: &'p [Volume<'a>],
    layout: Layout,
    usual_name: &str,
) -> Option<(usize, &'p Volume<'a>, &'p ProjectedToken<'a>)> {
    let mut candidates = volumes.iter().enumerate().filter_map(|(index, volume)| {
        let mut tokens = volume.tokens.iter();
        let token = tokens.find(|token| token.path == layout.token_path())?;
        Some((index, volume, token))
    });
    if layout.reserves(usual_name) {
        return candidates.find(|(_, volume, _)| layout.reserves(&volume.name));
    }
    let usual = candidates
        .clone()
        .find(|(_, volume, _)| volume.name == usual_name);
    usual.or_else(|| candidates.next())
}

/// Whether a token of ours says something else than the identity does by now.
fn is_outdated(token: &ProjectedToken<'_>, identity: &Identity<'_>) -> bool {
    let audience = !has_audience(token, identity);
    let expiration = token.expiration_seconds.is_some() && !has_expiration(token, identity);
    audience || expiration
}

fn has_expiration(token: &ProjectedToken<'_>, identity: &Identity<'_>) -> bool {
    token
        .expiration_seconds
        .is_some_and(|(seconds, _)| seconds.parse() == Ok(identity.token_expiration_seconds))
}

fn refuse_other_volume(target: Target<'_, '_>, usual_name: &str, findings: &mut Findings) {
    let mut volumes = target.spec.volumes.items.iter();
    if let Some(index) = volumes.position(|volume| volume.name == usual_name) {
        findings.refuse(
            target.object,
            format!(
                "{}.volumes[{index}]: expected the token volume under the name {usual_name}, found another volume; rename that one",
                target.spec.path
            ),
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
    let in_the_way = |mount: &&pod::VolumeMount<'_>| is_within(&mount.mount_path, mount_path);
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
    if path.len().saturating_add(1) < directory.len() {
        // As most paths are: shorter than the directory without its leading slash.
        return false;
    }
    let mut steps = path
        .split('/')
        .filter(|step| !step.is_empty() && *step != ".");
    directory
        .split('/')
        .filter(|step| !step.is_empty())
        .all(|step| steps.next() == Some(step))
}
