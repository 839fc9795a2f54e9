//! What is in the way of a mount of the token volume.

use std::cell::OnceCell;

use super::injected_pod::InjectedPod;
use super::paths::{Directory, Relation, covers};
use super::places::{Places, places};
use super::token_endpoint::{self, CA_PATH};
use super::token_volume;
use crate::findings::{Findings, Problem};
use crate::identity::Identity;
use crate::layout::Layout;
use crate::messages::Excerpt;
use crate::objects::{Container, ContainerPlace, Volume, VolumeMount};

/// Where the token volume goes in a container, and what it must not meet there.
pub struct Way<'w, 'p, 'a> {
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
    /// The way to this path, where a volume goes that has the token as a layout says.
    pub fn new(
        pod: InjectedPod<'p, 'a>,
        volume: &'w str,
        mount_path: &'w str,
        layout: Layout,
        identity: &Identity<'_>,
    ) -> Self {
        Self {
            pod,
            volume,
            mount_path,
            directory: Directory::new(mount_path, pod.is_windows),
            token_path: layout.token_path(),
            has_certificates: identity
                .token_endpoint
                .is_some_and(token_endpoint::has_volume_source),
            volumes: OnceCell::new(),
        }
    }

    /// Adds to the findings what is in the way in a container, but for mounts that are going to be removed.
    #[inline(never)]
    pub fn check(
        &self,
        place: ContainerPlace,
        container: &Container<'_>,
        removed: &[usize],
        findings: &mut Findings,
    ) {
        let mut found = None;
        for (index, mount) in container.volume_mounts.items.iter().enumerate() {
            if removed.contains(&index) {
                continue;
            }
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

    /// Whether a mount has the token where it goes.
    #[inline(never)]
    pub fn is_reached_by(&self, mount: &VolumeMount<'_>, identity: &Identity<'_>) -> bool {
        !mount.is_part
            && self.directory.relation(&mount.mount_path) == Relation::Same
            && (mount.name == self.volume
                || self.volume_of(mount).is_some_and(|volume| {
                    token_volume::serves_at(volume, self.token_path, identity)
                }))
    }

    /// Whether a path in a container leads to a token for the identity, where some layout has it.
    #[inline(never)]
    pub fn has_token(
        &self,
        container: &Container<'_>,
        file: &str,
        identity: &Identity<'_>,
    ) -> bool {
        let mut mounts = container.volume_mounts.items.iter();
        mounts.any(|mount| {
            let layout = Layout::of_mount(&mount.name, &mount.mount_path);
            layout.is_some_and(|layout| {
                let volume = self.volume_of(mount).filter(|_| !mount.is_part);
                layout.is_token_file(file, &mount.mount_path)
                    && volume.is_some_and(|volume| {
                        token_volume::serves_at(volume, layout.token_path(), identity)
                    })
            })
        })
    }

    /// Whether no mount point can be made in what is mounted there: it is read-only, and the kubelet makes none.
    fn is_closed(&self, mount: &VolumeMount<'_>) -> bool {
        self.volume_of(mount).is_some_and(|volume| {
            !volume.can_hold_mounts && (mount.is_read_only || volume.is_read_only)
        })
    }

    /// The volume that is mounted.
    fn volume_of(&self, mount: &VolumeMount<'_>) -> Option<&'p Volume<'a>> {
        let volumes = &self.pod.spec.volumes.items;
        let places = self
            .volumes
            .get_or_init(|| places(&mut volumes.iter().map(|volume| &*volume.name)));
        volumes.get(*places.get(&*mount.name)?)
    }
}
