//! The identity for a container that Dapr adds later, by the annotations with which Dapr takes variables and mounts for it.
//!
//! What these annotations have stays, and comes first. Dapr splits `dapr.io/env` at each comma that a name and an equals sign
//! follow, and each entry at its first equals sign; releases before 1.16.2 leave out an entry with two of them.

use std::borrow::Cow;

use super::injected_pod::{InjectedPod, Purpose};
use super::items::{EnvSet, NewEnvVar};
use super::later;
use super::mark::Mark;
use super::paths::{Directory, Relation, covers};
use super::places::places;
use super::wanted::{Wanted, WantedMount};
use crate::findings::{Findings, Problem};
use crate::injectors::DAPR;
use crate::messages::Excerpt;
use crate::settings::extra_env::IdentityPart;
use crate::settings::{self as setting, Settings};

/// Annotation: variables of Dapr's container.
const ENV: &str = "dapr.io/env";

/// Annotation: volumes that it mounts read-only.
const MOUNTS: &str = "dapr.io/volume-mounts";

/// Annotation: volumes that it mounts otherwise.
const WRITABLE_MOUNTS: &str = "dapr.io/volume-mounts-rw";

/// What Dapr's annotations are to say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HandOver {
    env: String,
    mounts: String,
    /// Whether they give the container the identity: else they lose what was handed over earlier.
    pub is_whole: bool,
    /// The variables that were there, and are not ours.
    pub kept: Vec<String>,
    /// How many bytes longer they are than they were.
    pub growth: usize,
}

/// The container that Dapr adds.
pub const CONTAINER: &str = DAPR.container;

/// The annotations that are read.
pub const ANNOTATIONS: [&str; 3] = [ENV, MOUNTS, WRITABLE_MOUNTS];

/// Whether the identity is to be handed over: Dapr adds its container later.
pub fn is_asked_for(
    pod: InjectedPod<'_, '_>,
    wanted: &Wanted<'_>,
    settings: &Settings<'_>,
) -> bool {
    // Kubernetes refuses a pod with a volume of another name.
    let is_name = |mount: &WantedMount<'_>| !mount.volume.contains([',', ':']);
    settings.hand_over.contains(&setting::HandOver::Dapr)
        && !matches!(pod.review.purpose, Purpose::Verify { .. })
        && pod.metadata.injectors().has(DAPR)
        && !pod.skip.contains(CONTAINER)
        && !later::has_container(pod, CONTAINER)
        && wanted.mounts().all(is_name)
        && pod
            .review
            .places
            .is_none_or(|places| places.can_grow_by(ROOM))
}

/// Whether what was handed over earlier is taken back: the setting is off by now, and Dapr's container not there yet.
pub fn is_taken_back(pod: InjectedPod<'_, '_>, settings: &Settings<'_>) -> bool {
    settings.hand_over.is_empty()
        && pod.metadata.injectors().has(DAPR)
        && !later::has_container(pod, CONTAINER)
        && pod
            .review
            .places
            .is_some_and(|places| places.can_grow_by(0))
}

/// More than the annotations grow by, in bytes.
const ROOM: usize = 32_768;

/// A variable of the annotation.
struct Entry<'e> {
    text: &'e str,
    name: &'e str,
    value: &'e str,
}

impl Entry<'_> {
    /// Whether it is what the mark tells. `mark` is the pod's, and the place of Dapr's container in it.
    fn is_ours(&self, mark: Option<(&Mark<'_>, usize)>) -> bool {
        mark.is_some_and(|(mark, at)| mark.gave(at, self.name, Some(self.value)))
    }
}

impl HandOver {
    /// The annotations without what was handed over earlier. `ours` is the pod's mark, and the place of Dapr's container in it.
    #[cold]
    #[inline(never)]
    pub fn taken_back(pod: InjectedPod<'_, '_>, ours: Option<(&Mark<'_>, usize)>) -> Self {
        let mark = ours.map(|(mark, _)| mark);
        let (env, mounts) = (read(pod, ENV), read(pod, MOUNTS));
        let own_env = entries_of(&env).filter(|entry| !entry.is_ours(ours));
        let own_mounts = entries_of_mounts(&mounts).filter(|entry| !is_ours(entry, mark));
        Self {
            env: own_env
                .map(|entry| entry.text)
                .collect::<Vec<_>>()
                .join(","),
            mounts: own_mounts.collect::<Vec<_>>().join(","),
            is_whole: false,
            kept: Vec::new(),
            growth: 0,
        }
    }

    /// Makes the annotations say the identity; if they cannot, that is added to the findings. `ours` is the pod's mark, and the
    /// place of Dapr's container in it.
    #[inline(never)]
    pub fn new(
        pod: InjectedPod<'_, '_>,
        wanted: &Wanted<'_>,
        ours: Option<(&Mark<'_>, usize)>,
        findings: &mut Findings,
    ) -> Self {
        let (old_env, old_mounts) = (read(pod, ENV), read(pod, MOUNTS));
        let writable = read(pod, WRITABLE_MOUNTS);
        let (old_env, old_mounts) = (&*old_env, &*old_mounts);
        let mark = ours.map(|(mark, _)| mark);
        let is_wanted = |entry: &str| {
            mount_of(entry).is_some_and(|(volume, path)| wanted.has_mount(volume, path))
        };
        let own = entries_of_mounts(old_mounts);
        let own = own.filter(|entry| !is_ours(entry, mark) || is_wanted(entry));
        let own: Vec<_> = own.collect();
        let writable = writable.split(',').filter_map(mount_of);
        let mut known: Vec<_> = own.iter().copied().filter_map(mount_of).collect();
        let read_only = known.len();
        known.extend(writable);
        let volumes = &pod.spec.volumes.items;
        let volumes_at = places(&mut volumes.iter().map(|volume| &*volume.name));
        // No mount point can be made in it.
        let is_closed = |name: &str, is_read_only: bool| {
            let volume = volumes_at.get(name).and_then(|index| volumes.get(*index));
            volume.is_some_and(|volume| {
                !volume.can_hold_mounts && (is_read_only || volume.is_read_only)
            })
        };
        let mut directory = None;
        let mut new_mounts = Vec::new();
        for (index, mount) in wanted.mounts().enumerate() {
            let WantedMount { path, volume, .. } = mount;
            let is_older = |path: &str| wanted.older_mounts.iter().any(|older| older.path == path);
            let mut entries = known.iter();
            let own = entries.find(|(known, path)| known == volume && !is_older(path));
            let own = own.filter(|_| index == 0).map(|(_, path)| *path);
            directory = directory.or(own);
            let path = own.unwrap_or(path);
            let place = Directory::new(path, pod.is_windows);
            let mut is_there = own.is_some();
            let mut known = known.iter().enumerate();
            let in_the_way = known.find(|(index, (other, known))| match place.relation(known) {
                Relation::Same => {
                    is_there |= other == volume;
                    other != volume
                }
                Relation::Within(path) => covers(&path, mount.layout.token_path()),
                Relation::Parent => is_closed(other, *index < read_only),
                Relation::Apart => false,
            });
            if in_the_way.is_some() {
                let path = Excerpt::new(path);
                findings.warn(pod.about, Problem::HandOverMount { path });
                return Self::taken_back(pod, ours);
            }
            if !is_there {
                new_mounts.push(format!("{volume}:{path}"));
            }
        }
        let new = wanted.env_at(directory.unwrap_or(&wanted.mount.path));
        let mut there = EnvSet::default();
        let mut kept = EnvSet::default();
        let mut entries: Vec<Cow<'_, str>> = Vec::new();
        for entry in entries_of(old_env) {
            let is_ours = entry.is_ours(ours);
            let Entry { text, name, value } = entry;
            let index = new.iter().position(|new| new.name == name);
            match index.and_then(|index| Some((index, new.get(index)?))) {
                known if !is_ours => {
                    if let Some((index, new)) = known {
                        there.insert(index);
                        kept.insert(index);
                        let mut older = wanted.older_mounts.iter();
                        let is_said = new.is_said_by(value)
                            || new.part == Some(IdentityPart::TokenFile)
                                && older.any(|mount| mount.has_token(value));
                        if new.part.is_some() && !is_said {
                            let env = Excerpt::new(name);
                            findings.warn(pod.about, Problem::HandOverKeeps { env });
                        }
                    }
                    entries.push(Cow::Borrowed(text));
                }
                Some((index, new)) if fits(name, &new.value) => {
                    there.insert(index);
                    entries.push([name, "=", &new.value].concat().into());
                }
                // It is not in the identity any more, or Dapr would read it otherwise.
                _ => {}
            }
        }
        for (index, (new, usual)) in new.iter().zip(&wanted.env).enumerate() {
            let NewEnvVar { name, value, .. } = new;
            // What a variable says of another directory is not what the mark says.
            if usual.value != *value {
                kept.insert(index);
            }
            if there.has(index) {
                continue;
            }
            if !fits(name, value) {
                let env = Excerpt::new(name);
                findings.warn(pod.about, Problem::HandOverValue { env });
                continue;
            }
            entries.push([name, "=", value].concat().into());
        }
        let env = entries.join(",");
        let mounts = own.into_iter().chain(new_mounts.iter().map(String::as_str));
        let mounts = mounts.collect::<Vec<_>>().join(",");
        let kept = kept.in_env(&new).map(|new| new.name.to_owned()).collect();
        let old_length = old_env.len().saturating_add(old_mounts.len());
        let length = env.len().saturating_add(mounts.len());
        Self {
            is_whole: true,
            growth: length.saturating_sub(old_length),
            env,
            mounts,
            kept,
        }
    }

    /// The annotations; an empty one need not be there.
    pub fn annotations(&self) -> [(&'static str, &str); 2] {
        [(ENV, &self.env), (MOUNTS, &self.mounts)]
    }
}

/// An annotation of the pod.
fn read<'a>(pod: InjectedPod<'_, 'a>, key: &str) -> Cow<'a, str> {
    let annotation = pod.review.places.and_then(|places| places.annotation(key));
    annotation.unwrap_or_default()
}

/// Whether Dapr's container is going to mount this volume, also by what is handed over.
pub fn mounts(pod: InjectedPod<'_, '_>, hand_over: Option<&HandOver>, volume: &str) -> bool {
    if !pod.metadata.injectors().has(DAPR) {
        return false;
    }
    let read_only = match hand_over {
        Some(hand_over) => Cow::Borrowed(&*hand_over.mounts),
        None => read(pod, MOUNTS),
    };
    let mounts = |mounts: &str| {
        let mut mounts = mounts.split(',').filter_map(mount_of);
        mounts.any(|(own, _)| own == volume)
    };
    mounts(&read_only) || mounts(&read(pod, WRITABLE_MOUNTS))
}

/// The entries of the annotation with mounts.
fn entries_of_mounts(annotation: &str) -> impl Iterator<Item = &str> {
    let annotation = Some(annotation).filter(|annotation| !annotation.trim().is_empty());
    annotation
        .into_iter()
        .flat_map(|annotation| annotation.split(','))
}

/// Whether an entry with a mount is what the mark tells.
fn is_ours(entry: &str, mark: Option<&Mark<'_>>) -> bool {
    let mount = mount_of(entry).zip(mark);
    mount.is_some_and(|((volume, path), mark)| mark.mounts(volume, path) && mark.has_volume(volume))
}

/// The entries of the annotation with variables, as Dapr splits it.
fn entries_of(annotation: &str) -> impl Iterator<Item = Entry<'_>> {
    let mut rest = Some(annotation).filter(|annotation| !annotation.trim().is_empty());
    std::iter::from_fn(move || {
        let text = rest?;
        let starts = text.match_indices(',').map(|(at, _)| at);
        let end = starts.into_iter().find(|at| {
            let next = text.get(at.saturating_add(1)..).unwrap_or_default();
            starts_with_name(next.trim_start())
        });
        let (entry, tail) = match end {
            Some(end) => (text.get(..end)?, text.get(end.saturating_add(1)..)),
            None => (text, None),
        };
        rest = tail;
        let (name, value) = entry.trim().split_once('=').unwrap_or_default();
        Some(Entry {
            text: entry,
            name,
            value,
        })
    })
}

/// Whether Dapr reads a variable as it is written.
fn fits(name: &str, value: &str) -> bool {
    let is_name = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    name.bytes().all(is_name) && !value.contains([',', '=']) && value.trim() == value
}

/// Whether a text starts with a variable's name and an equals sign.
fn starts_with_name(text: &str) -> bool {
    let is_first = |byte: u8| byte.is_ascii_alphabetic() || byte == b'_';
    let mut bytes = text.bytes();
    let end = bytes.find(|byte| !is_first(*byte) && !byte.is_ascii_digit());
    end == Some(b'=') && text.bytes().next().is_some_and(is_first)
}

/// The volume of an entry of an annotation with mounts, and its path, as Dapr splits it.
fn mount_of(entry: &str) -> Option<(&str, &str)> {
    let (volume, path) = entry.trim().split_once(':')?;
    (!path.contains(':')).then_some((volume, path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_are_split_as_dapr_does() {
        for (annotation, expected) in [
            ("", &[][..]),
            (" ", &[]),
            ("A=1", &[("A", "1")]),
            ("A=1,B=2", &[("A", "1"), ("B", "2")]),
            (" A=1 , B=2=3", &[("A", "1"), ("B", "2=3")]),
            ("A=1,2,_b3=4,", &[("A", "1,2"), ("_b3", "4,")]),
            ("A=1,B.C=2", &[("A", "1,B.C=2")]),
            ("A=1,B =2", &[("A", "1,B =2")]),
            ("a,B=1", &[("", ""), ("B", "1")]),
        ] {
            let found: Vec<_> = entries_of(annotation)
                .map(|entry| (entry.name, entry.value))
                .collect();
            assert_eq!(found, expected, "{annotation}");
        }
    }

    #[test]
    fn mounts_are_split_as_dapr_does() {
        for (entry, expected) in [
            ("", None),
            ("a", None),
            ("a:/b", Some(("a", "/b"))),
            (" a:/b ", Some(("a", "/b"))),
            ("a:/b:rw", None),
        ] {
            assert_eq!(mount_of(entry), expected, "{entry}");
        }
    }
}
