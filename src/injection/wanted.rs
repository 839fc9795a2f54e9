//! What every container of a pod should have.

use std::borrow::Cow;

use super::injected_pod::InjectedPod;
use super::items::{self, NewEnvVar};
use super::token_volume::TokenVolume;
use super::way::Way;
use crate::identity::Identity;
use crate::layout::Layout;

/// What every container of a pod should have.
#[derive(Clone, Debug)]
pub struct Wanted<'p> {
    /// The identity.
    pub identity: &'p Identity<'p>,
    /// The layout.
    pub layout: Layout,
    /// The environment variables.
    pub env: Vec<NewEnvVar<'p>>,
    /// The mount of the layout.
    pub mount: WantedMount<'p>,
    /// Those of older layouts.
    pub older_mounts: Vec<WantedMount<'p>>,
}

/// A mount of a token volume.
#[derive(Clone, Debug)]
pub struct WantedMount<'p> {
    /// The name of the volume.
    pub volume: Cow<'p, str>,
    /// Where it is mounted.
    pub path: Cow<'static, str>,
    /// The layout that has the token there.
    pub layout: Layout,
    /// Its JSON.
    pub json: String,
}

impl<'p> WantedMount<'p> {
    fn new(volume: &TokenVolume<'p, '_>, layout: Layout) -> Self {
        let volume = volume.shared_name();
        let path = layout.mount_path(&volume);
        Self {
            json: items::volume_mount(&volume, &path),
            volume,
            path,
            layout,
        }
    }

    /// Whether the token is in this file.
    pub fn has_token(&self, file: &str) -> bool {
        self.layout.is_token_file(file, &self.path)
    }
}

impl<'p> Wanted<'p> {
    /// What containers should have with these volumes: that of the layout, and that which has the token for older ones.
    pub fn new(
        identity: &'p Identity<'p>,
        (layout, volume): (Layout, &TokenVolume<'p, '_>),
        (older_layouts, older_volume): (&[Layout], &TokenVolume<'p, '_>),
    ) -> Self {
        let mount = WantedMount::new(volume, layout);
        let env = items::env(identity, layout, &mount.path);
        let older = older_layouts.iter();
        let older = older.map(|layout| WantedMount::new(older_volume, *layout));
        Self {
            identity,
            layout,
            env,
            mount,
            older_mounts: older.collect(),
        }
    }

    /// All mounts: first that of the layout.
    pub fn mounts(&self) -> impl Iterator<Item = &WantedMount<'p>> {
        [&self.mount].into_iter().chain(&self.older_mounts)
    }

    /// The variables of a container that has the token volume elsewhere.
    pub fn env_at(&self, directory: &str) -> Vec<NewEnvVar<'p>> {
        items::env(self.identity, self.layout, directory)
    }

    /// Whether a mount is one of those.
    pub fn has_mount(&self, volume: &str, path: &str) -> bool {
        self.mounts()
            .any(|mount| mount.volume == volume && mount.path == path)
    }

    /// The way to a mount.
    pub fn way<'w, 'a>(
        &self,
        pod: InjectedPod<'p, 'a>,
        mount: &'w WantedMount<'p>,
    ) -> Way<'w, 'p, 'a> {
        Way::new(pod, &mount.volume, &mount.path, mount.layout, self.identity)
    }

    /// How many bytes a container gets that has nothing of it.
    pub fn length(&self) -> usize {
        let env = self.env.iter().map(|new| new.json.len());
        let mounts = self.mounts().map(|mount| mount.json.len());
        env.chain(mounts).fold(0, usize::saturating_add)
    }
}
