//! The identity for a container that Dapr adds later, by the annotations with which Dapr takes variables and mounts for it.
//!
//! What these annotations have stays, and comes first. Dapr splits `dapr.io/env` at each comma that a name and an equals sign
//! follow, and each entry at its first equals sign; releases before 1.16.2 leave out an entry with two of them.

use std::borrow::Cow;

use super::injected_pod::{InjectedPod, Purpose};
use super::items::NewEnvVar;
use super::later;
use super::mark::Mark;
use super::wanted::{Wanted, WantedMount};
use crate::findings::{Findings, Problem};
use crate::injectors::DAPR;
use crate::messages::Excerpt;
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
pub fn is_asked_for(pod: InjectedPod<'_, '_>, settings: &Settings<'_>) -> bool {
    settings.hand_over.contains(&setting::HandOver::Dapr)
        && !matches!(pod.review.purpose, Purpose::Verify { .. })
        && pod.metadata.injectors().has(DAPR)
        && !pod.skip.contains(CONTAINER)
        && !later::has_container(pod, CONTAINER)
}

/// A variable of the annotation.
struct Entry<'e> {
    text: &'e str,
    name: &'e str,
    value: &'e str,
}

impl HandOver {
    /// Makes the annotations say the identity; `None` if they cannot, which is added to the findings. `ours` is the pod's mark,
    /// and the place of Dapr's container in it.
    #[inline(never)]
    pub fn new(
        pod: InjectedPod<'_, '_>,
        wanted: &Wanted<'_>,
        ours: Option<(&Mark<'_>, usize)>,
        findings: &mut Findings,
    ) -> Option<Self> {
        let read = |key| {
            let annotations = pod.review.places?;
            annotations.annotation(key)
        };
        let read = |key| read(key).unwrap_or_default();
        let (old_env, old_mounts) = (read(ENV), read(MOUNTS));
        let known: Vec<_> = mounts_of(old_mounts)
            .chain(mounts_of(read(WRITABLE_MOUNTS)))
            .collect();
        let mut directory = None;
        let mut new_mounts = Vec::new();
        for (index, mount) in wanted.mounts().enumerate() {
            let WantedMount { path, volume, .. } = mount;
            let own = known.iter().find(|(known, _)| known == volume);
            if index == 0 && own.is_some() {
                directory = own.map(|(_, path)| *path);
            } else if let Some((other, _)) = known.iter().find(|(_, known)| same(known, path)) {
                if other != volume {
                    let path = Excerpt::new(path);
                    findings.warn(pod.about, Problem::HandOverMount { path });
                    return None;
                }
            } else {
                new_mounts.push(format!("{volume}:{path}"));
            }
        }
        let new = wanted.env_at(directory.unwrap_or(&wanted.mount.path));
        let mut kept = Vec::new();
        let mut entries: Vec<Cow<'_, str>> = Vec::new();
        for entry in entries_of(old_env) {
            let Entry { text, name, value } = entry;
            let is_ours = ours.is_some_and(|(mark, at)| mark.gave(at, name, Some(value)));
            match new.iter().find(|new| new.name == name) {
                known if !is_ours => {
                    kept.extend(known.map(|_| name.to_owned()));
                    entries.push(Cow::Borrowed(text));
                }
                Some(new) => entries.push([name, "=", &new.value].concat().into()),
                // It is not in the identity any more.
                None => {}
            }
        }
        for NewEnvVar { name, value, .. } in &new {
            let is_there = entries_of(old_env).any(|entry| entry.name == *name);
            if is_there {
                continue;
            }
            if value.contains([',', '=']) || value.trim() != value {
                let env = Excerpt::new(name);
                findings.warn(pod.about, Problem::HandOverValue { env });
                continue;
            }
            entries.push([name, "=", value].concat().into());
        }
        let env = entries.join(",");
        let old = Some(old_mounts).filter(|old| !old.trim().is_empty());
        let all = old.into_iter().chain(new_mounts.iter().map(String::as_str));
        let mounts = all.collect::<Vec<_>>().join(",");
        let old_length = old_env.len().saturating_add(old_mounts.len());
        let length = env.len().saturating_add(mounts.len());
        Some(Self {
            growth: length.saturating_sub(old_length),
            env,
            mounts,
            kept,
        })
    }

    /// The annotations that say something.
    pub fn annotations(&self) -> impl Iterator<Item = (&'static str, &str)> {
        let both = [(ENV, &*self.env), (MOUNTS, &*self.mounts)];
        both.into_iter().filter(|(_, text)| !text.is_empty())
    }
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

/// Whether a text starts with a variable's name and an equals sign.
fn starts_with_name(text: &str) -> bool {
    let is_first = |byte: u8| byte.is_ascii_alphabetic() || byte == b'_';
    let mut bytes = text.bytes();
    let end = bytes.find(|byte| !is_first(*byte) && !byte.is_ascii_digit());
    end == Some(b'=') && text.bytes().next().is_some_and(is_first)
}

/// The volumes of an annotation with mounts, each with its path, as Dapr splits it.
fn mounts_of(annotation: &str) -> impl Iterator<Item = (&str, &str)> {
    let entries = annotation.split(',').map(str::trim);
    entries.filter_map(|entry| {
        let (volume, path) = entry.split_once(':')?;
        (!path.contains(':')).then_some((volume, path))
    })
}

/// Whether two paths are the same but for a final slash.
fn same(one: &str, other: &str) -> bool {
    one.trim_end_matches('/') == other.trim_end_matches('/')
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
        for (annotation, expected) in [
            ("", &[][..]),
            ("a:/b", &[("a", "/b")]),
            (" a:/b , c:/d", &[("a", "/b"), ("c", "/d")]),
            ("a,b:/c:rw,d:/e", &[("d", "/e")]),
        ] {
            let found: Vec<_> = mounts_of(annotation).collect();
            assert_eq!(found, expected, "{annotation}");
        }
    }
}
