//! The plan: what a pod lacks of its identity. It is made once, then read by injection, mode Verify, the audit annotations
//! and explanations alike.

use std::borrow::Cow;
use std::cell::OnceCell;

use super::injected_pod::InjectedPod;
use super::items::{self, NewEnvVar};
use super::paths::{Directory, Relation, covers};
use super::places::{Places, places};
use super::proxy::Injected;
use super::token_endpoint::{self, CA_PATH};
use super::token_volume::TokenVolume;
use super::{TokenVolumeState, env_conflicts};
use crate::findings::{Findings, LARGEST_GROWTH, LARGEST_POD, Problem};
use crate::identity::Identity;
use crate::json::{Edits, End, Fields};
use crate::keys;
use crate::layout::Layout;
use crate::messages::Excerpt;
use crate::objects::{Container, ContainerPlace, VolumeMount};

/// What is to be added to a pod so that its containers have the identity.
#[derive(Clone, Debug)]
pub struct Plan<'p, 'a> {
    pod: InjectedPod<'p, 'a>,
    identity: &'p Identity<'p>,
    layout: Layout,
    volume: TokenVolume<'p, 'a>,
    mount_path: String,
    env: Vec<NewEnvVar<'p>>,
    volume_mount: String,
    containers: Vec<ContainerNeeds<'p, 'a>>,
    /// How many bytes are to be added, rounded up.
    growth: usize,
}

/// What one container should have, and lacks.
#[derive(Clone, Debug)]
struct ContainerNeeds<'p, 'a> {
    place: ContainerPlace,
    container: &'p Container<'a>,
    /// Where it has the token volume, if that is not where the others have it: its variables say so.
    own_directory: Option<&'p str>,
    lacks_volume_mount: bool,
    /// The variables that it lacks, by name: their names are the same, wherever the token is.
    lacks_env: Vec<&'static str>,
}

/// Brackets, commas and keys around what a container gets, in bytes.
const AROUND: usize = 64;

/// Whether a pod that grows by so many bytes becomes too large.
fn is_excess(pod: InjectedPod<'_, '_>, growth: usize) -> bool {
    let total = pod.bytes.saturating_add(growth);
    growth > LARGEST_GROWTH || growth > 0 && total > LARGEST_POD
}

/// The length of the JSON of variables.
fn length<'n>(env: impl IntoIterator<Item = &'n NewEnvVar<'n>>) -> usize {
    let lengths = env.into_iter().map(|new| new.json.len());
    lengths.fold(0, usize::saturating_add)
}

impl ContainerNeeds<'_, '_> {
    /// How many bytes the container gets, rounded up.
    fn growth(&self, env: &[NewEnvVar<'_>], volume_mount: &str) -> usize {
        let env = length(env.iter().filter(|new| self.lacks(new)));
        let mount = if self.lacks_volume_mount {
            volume_mount.len()
        } else {
            0
        };
        match env.saturating_add(mount) {
            0 => 0,
            growth => growth.saturating_add(AROUND),
        }
    }

    fn lacks(&self, new: &NewEnvVar<'_>) -> bool {
        self.lacks_env.contains(&new.name)
    }
}

/// What a container of the pod gets and has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContainerOutcome {
    /// Its name.
    pub name: String,
    /// Whether it is an init container.
    pub is_init: bool,
    /// Whether it is added by the policy.
    pub is_added: bool,
    /// Whether annotation `skip-containers` lists it.
    pub is_skipped: bool,
    /// The variables that it gets.
    pub gets_env: Vec<&'static str>,
    /// Where it gets the token volume.
    pub gets_mount: Option<String>,
    /// The variables of an identity that it sets itself.
    pub keeps_env: Vec<&'static str>,
}

impl<'p, 'a> Plan<'p, 'a> {
    /// Finds out what the pod lacks; what is in the way of it is added to `findings`.
    pub fn new(
        pod: InjectedPod<'p, 'a>,
        layout: Layout,
        identity: &'p Identity<'p>,
        findings: &mut Findings,
    ) -> Self {
        let volume = TokenVolume::of(pod, layout, identity, findings);
        let mount_path = layout.mount_path(volume.name());
        let usual_env = items::env(identity, layout, &mount_path);
        let way = Way::new(pod, &volume, &mount_path, layout, identity);
        let volume_mount = items::volume_mount(volume.name(), &mount_path);
        let mut growth = volume.growth();
        for name in pod.new_containers() {
            let proxy = pod.proxy.map_or(0, |proxy| proxy.length(name));
            growth = growth
                .saturating_add(proxy)
                .saturating_add(length(&usual_env))
                .saturating_add(volume_mount.len());
        }
        let mut containers = Vec::new();
        for (place, container) in pod.spec.all_containers() {
            if is_excess(pod, growth) {
                // The pod is rejected, whatever the other containers lack.
                break;
            }
            if pod.skip.contains(&container.name) {
                continue;
            }
            let mut mounts = container.volume_mounts.items.iter();
            let mounted = mounts.find(|mount| mount.name == volume.name() && !mount.is_part);
            let own_directory = mounted
                .map(|mount| &*mount.mount_path)
                .filter(|path| *path != mount_path);
            if mounted.is_none() {
                way.check(place, container, findings);
            }
            let needs = ContainerNeeds {
                place,
                container,
                own_directory,
                lacks_volume_mount: mounted.is_none(),
                lacks_env: usual_env
                    .iter()
                    .map(|new| new.name)
                    .filter(|name| !container.has_env(name))
                    .collect(),
            };
            let env = env_of(&needs, &usual_env, identity, layout);
            let about = || pod.container(place, container);
            env_conflicts::warn(about, container, &env, &needs.lacks_env, identity, findings);
            growth = growth.saturating_add(needs.growth(&env, &volume_mount));
            containers.push(needs);
        }
        Self {
            pod,
            identity,
            layout,
            volume_mount,
            mount_path,
            volume,
            env: usual_env,
            containers,
            growth,
        }
    }

    /// Whether some container gets or has no client ID: the identity has none, and the container has no value of its own.
    pub fn lacks_client_id(&self) -> bool {
        let mut new = self.pod.new_containers();
        self.identity.client_id.is_none()
            && (!self.pod.spec.knows_containers
                || new.any(|name| !self.pod.skip.contains(name))
                || self.containers.iter().any(|needs| {
                    let own = needs.container.env_var(keys::AZURE_CLIENT_ID);
                    own.is_none_or(|own| own.is_empty())
                }))
    }

    /// Adds to the findings if the pod would become too large, and says whether. Nothing has been written by then.
    pub fn reject_excess(&self, findings: &mut Findings) -> bool {
        let Self { pod, growth, .. } = self;
        let is_excess = is_excess(*pod, *growth);
        if is_excess {
            let problem = Problem::TooLarge {
                bytes: pod.bytes.saturating_add(*growth),
                added: *growth,
            };
            findings.reject(pod.about, problem);
        }
        is_excess
    }

    /// The names of the containers that get something.
    pub fn injected_containers(&self) -> Vec<&str> {
        let mut names: Vec<&str> = Vec::new();
        for name in self.pod.new_containers() {
            if !self.pod.skip.contains(name) {
                names.push(name);
            }
        }
        names.extend(
            self.containers
                .iter()
                .filter(|needs| needs.lacks_volume_mount || !needs.lacks_env.is_empty())
                .map(|needs| &*needs.container.name),
        );
        names
    }

    /// The names of the containers that are left alone because the pod says so.
    pub fn skipped_containers(&self) -> Vec<&str> {
        self.pod.skip.known()
    }

    /// Adds what the pod lacks to the findings, one for each container.
    pub fn reject_missing(&self, findings: &mut Findings) {
        let about = self.pod.about;
        for needs in &self.containers {
            let env = needs.lacks_env.clone();
            let mount_of = needs
                .lacks_volume_mount
                .then(|| Excerpt::new(self.volume.name()));
            if !env.is_empty() || mount_of.is_some() {
                let about = self.pod.container(needs.place, needs.container);
                findings.reject(&about, Problem::Lacks { env, mount_of });
            }
        }
        for name in self.pod.new_containers() {
            findings.reject(about, Problem::ContainerMissing { name });
        }
        let name = Excerpt::new(self.volume.name());
        match &self.volume {
            TokenVolume::Missing { .. } => findings.reject(about, Problem::VolumeMissing { name }),
            TokenVolume::Outdated(..) => findings.reject(about, Problem::VolumeOutdated { name }),
            TokenVolume::Present(_) => {}
        }
    }

    /// The edits that give the pod all that it lacks; none if it lacks nothing.
    pub fn edits(&self) -> Edits {
        let mut edits = Edits::default();
        // In the order of the text: the host sorts keys, so `containers` comes before `initContainers`.
        let is_init = |needs: &&ContainerNeeds<'_, '_>| needs.place.list == "initContainers";
        for needs in self.containers.iter().filter(|needs| !is_init(needs)) {
            self.add(needs, &mut edits);
        }
        for needs in self.containers.iter().filter(is_init) {
            self.add(needs, &mut edits);
        }
        let mut new_fields = Fields::default();
        if let Some(proxy) = &self.pod.proxy {
            let injected = Injected {
                env: &self.env,
                volume_mount: &self.volume_mount,
            };
            let injected_into = |name: &str| (!self.pod.skip.contains(name)).then_some(injected);
            proxy.add(self.pod.spec, injected_into, &mut edits, &mut new_fields);
        }
        self.volume
            .add(self.pod.spec, self.identity, &mut edits, &mut new_fields);
        edits.add_fields(self.pod.spec.object, new_fields);
        edits
    }

    /// The token volume: its name, and whether it was there.
    pub fn token_volume(&self) -> (&str, TokenVolumeState) {
        (self.volume.name(), self.volume.state())
    }

    /// What each container gets and has, those of the proxy first.
    pub fn container_outcomes(&self) -> Vec<ContainerOutcome> {
        let mut outcomes = Vec::new();
        for name in self.pod.new_containers() {
            let is_skipped = self.pod.skip.contains(name);
            outcomes.push(ContainerOutcome {
                name: name.to_owned(),
                is_init: self.pod.proxy.is_some_and(|proxy| proxy.is_init(name)),
                is_added: true,
                is_skipped,
                gets_env: Vec::new(),
                gets_mount: None,
                keeps_env: Vec::new(),
            });
        }
        let mut needed = self.containers.iter().peekable();
        for (place, container) in self.pod.spec.all_containers() {
            let needs = needed.next_if(|needs| needs.place == place);
            let is_skipped = self.pod.skip.contains(&container.name);
            if needs.is_none() && !is_skipped {
                // The pod is too large, and nobody looked further.
                break;
            }
            let keeps = |new: &&NewEnvVar<'_>| match needs {
                Some(needs) => !needs.lacks(new),
                None => container.has_env(new.name),
            };
            outcomes.push(ContainerOutcome {
                name: container.name.to_string(),
                is_init: place.list == "initContainers",
                is_added: false,
                is_skipped,
                gets_env: needs.map_or_else(Vec::new, |needs| needs.lacks_env.clone()),
                gets_mount: needs
                    .filter(|needs| needs.lacks_volume_mount)
                    .map(|_| self.mount_path.clone()),
                keeps_env: self.env.iter().filter(keeps).map(|new| new.name).collect(),
            });
        }
        outcomes
    }

    /// The variables that a container should have.
    fn env_of(&self, needs: &ContainerNeeds<'p, 'a>) -> Cow<'_, [NewEnvVar<'p>]> {
        env_of(needs, &self.env, self.identity, self.layout)
    }

    fn add(&self, needs: &ContainerNeeds<'p, 'a>, edits: &mut Edits) {
        let Container {
            object,
            env,
            volume_mounts,
            ..
        } = needs.container;
        let mut new_fields = Fields::default();
        let all = self.env_of(needs);
        let lacking = all.iter().filter(|new| needs.lacks(new));
        let items: Vec<_> = lacking.map(|new| &*new.json).collect();
        edits.add_items(env.place, "env", End::Back, &items, &mut new_fields);
        if needs.lacks_volume_mount {
            let place = volume_mounts.place;
            let items = [&*self.volume_mount];
            edits.add_items(place, "volumeMounts", End::Back, &items, &mut new_fields);
        }
        edits.add_fields(*object, new_fields);
    }
}

/// The variables that a container should have: the usual ones, unless it has the token elsewhere.
fn env_of<'e, 'p>(
    needs: &ContainerNeeds<'p, '_>,
    usual: &'e [NewEnvVar<'p>],
    identity: &'p Identity<'p>,
    layout: Layout,
) -> Cow<'e, [NewEnvVar<'p>]> {
    match needs.own_directory {
        Some(directory) => Cow::Owned(items::env(identity, layout, directory)),
        None => Cow::Borrowed(usual),
    }
}

/// Where the token volume goes in a container, and what it must not meet there.
struct Way<'w, 'p, 'a> {
    pod: InjectedPod<'p, 'a>,
    volume: &'w str,
    mount_path: &'w str,
    directory: Directory<'w>,
    token_path: &'static str,
    has_certificates: bool,
    /// The places of the pod's volumes; few pods need them.
    volumes: OnceCell<Places<'p>>,
}

impl<'w, 'p, 'a> Way<'w, 'p, 'a> {
    fn new(
        pod: InjectedPod<'p, 'a>,
        volume: &'w TokenVolume<'p, 'a>,
        mount_path: &'w str,
        layout: Layout,
        identity: &Identity<'_>,
    ) -> Self {
        Self {
            pod,
            volume: volume.name(),
            mount_path,
            directory: Directory::new(mount_path, pod.is_windows),
            token_path: layout.token_path(),
            has_certificates: identity
                .token_endpoint
                .is_some_and(token_endpoint::has_volume_source),
            volumes: OnceCell::new(),
        }
    }

    /// Adds to the findings what is in the way in a container.
    fn check(&self, place: ContainerPlace, container: &Container<'_>, findings: &mut Findings) {
        let mut found = None;
        for mount in &container.volume_mounts.items {
            let is_in_the_way = match self.directory.relation(&mount.mount_path) {
                Relation::Apart => continue,
                Relation::Same => true,
                Relation::Within(path) => {
                    // The volume's own file at its own place does no harm.
                    mount.name != self.volume
                        && (covers(&path, self.token_path)
                            || self.has_certificates && covers(&path, CA_PATH))
                }
                Relation::Parent => self.is_closed(mount),
            };
            if is_in_the_way {
                found = Some(mount);
                break;
            }
        }
        if let Some(mount) = found {
            let volume = Excerpt::new(&mount.name);
            let path = Excerpt::new(&mount.mount_path);
            let token_directory = Excerpt::new(self.mount_path);
            let is_parent = self.directory.relation(&mount.mount_path) == Relation::Parent;
            let problem = if is_parent {
                Problem::ReadOnlyParent {
                    volume,
                    path,
                    token_directory,
                }
            } else {
                Problem::MountInTheWay {
                    volume,
                    path,
                    token_directory,
                }
            };
            findings.reject(&self.pod.container(place, container), problem);
        }
        match container.device_paths() {
            Ok(paths) => {
                let mut paths = paths.iter();
                if let Some(path) =
                    paths.find(|path| self.directory.relation(path) == Relation::Same)
                {
                    let path = Excerpt::new(path);
                    let about = self.pod.container(place, container);
                    findings.reject(&about, Problem::DeviceInTheWay { path });
                }
            }
            Err(fault) => {
                let about = self.pod.container(place, container);
                findings.reject(&about, Problem::Shape(fault));
            }
        }
    }

    /// Whether no mount point can be made in what is mounted there: it is read-only, and the kubelet makes none.
    fn is_closed(&self, mount: &VolumeMount<'_>) -> bool {
        let volumes = &self.pod.spec.volumes.items;
        let places = self
            .volumes
            .get_or_init(|| places(&mut volumes.iter().map(|volume| &*volume.name)));
        let place = places.get(&*mount.name);
        place
            .and_then(|place| volumes.get(*place))
            .is_some_and(|volume| {
                !volume.can_hold_mounts && (mount.is_read_only || volume.is_read_only)
            })
    }
}
