//! The mark of an injected pod: what was injected, so that it can be told from what its users set.
//!
//! A value counts as ours only if the mark says it and the container has it: a forged mark lets nothing else be changed.

use std::borrow::Cow;
use std::mem;

use crate::json::{Reader, each_field, each_item, field};
use crate::objects::{EnvVar, Volume, VolumeMount};

/// What a pod's mark says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Mark<'m> {
    /// The variables, by name, each with its value.
    env: Vec<Pair<'m>>,
    /// The mounts, by path, each with its volume.
    mounts: Vec<Pair<'m>>,
    /// The volumes that were added.
    volumes: Vec<Cow<'m, str>>,
    audience: Cow<'m, str>,
    expiration_seconds: &'m str,
    /// The containers that got something, each with the variables that it keeps of its own.
    containers: Vec<(String, Vec<Cow<'m, str>>)>,
}

type Pair<'m> = (String, Cow<'m, str>);

/// The maximum number of variables or mounts that are read: more than the policy injects.
const PAIRS: usize = 64;

/// A field of the mark.
pub const ENV: &str = "env";
/// A field of the mark.
pub const MOUNTS: &str = "mounts";
/// A field of the mark.
pub const VOLUMES: &str = "volumes";
/// A field of the mark.
pub const AUDIENCE: &str = "audience";
/// A field of the mark.
pub const EXPIRATION: &str = "expirationSeconds";
/// A field of the mark.
pub const CONTAINERS: &str = "containers";

impl<'m> Mark<'m> {
    /// What an annotation says; `None` if it is not a mark.
    #[inline(never)]
    pub fn parse(text: &'m str) -> Option<Self> {
        let part = |name: &str| field(text, name).ok().flatten();
        let string = |name: &str| part(name).map(|value| Reader::new(value).string("a string"));
        let mut mark = Self {
            env: pairs(part(ENV))?,
            mounts: pairs(part(MOUNTS))?,
            volumes: names(part(VOLUMES).unwrap_or("null"))?,
            audience: string(AUDIENCE).transpose().ok()?.unwrap_or_default(),
            expiration_seconds: part(EXPIRATION).unwrap_or_default(),
            containers: Vec::new(),
        };
        let mut is_valid = Reader::new(text).is_object() && field(text, "").is_ok();
        let containers = each_field(part(CONTAINERS).unwrap_or("null"), &mut |name, value| {
            let kept = names(value);
            is_valid &= kept.is_some();
            mark.containers
                .push((name.to_owned(), kept.unwrap_or_default()));
        });
        (is_valid && containers.is_ok()).then_some(mark)
    }

    /// The names of the containers, in order.
    pub fn containers(&self) -> impl Iterator<Item = &str> {
        self.containers.iter().map(|(name, _)| &**name)
    }

    /// The value of a variable.
    pub fn value(&self, name: &str) -> Option<&str> {
        value(&self.env, name)
    }

    /// Whether a variable is one that the container with this index got, and still has the value that it got.
    pub fn gave_env(&self, container: usize, own: &EnvVar<'_>) -> bool {
        // Few variables are ours, and reading a value takes time.
        self.value(&own.name).is_some() && self.gave(container, &own.name, own.value().as_deref())
    }

    /// As [`gave_env`](Self::gave_env), by name and value.
    pub fn gave(&self, container: usize, name: &str, own: Option<&str>) -> bool {
        let (Some(given), Some((_, kept))) = (self.value(name), self.containers.get(container))
        else {
            return false;
        };
        own == Some(given) && !kept.iter().any(|kept| kept == name)
    }

    /// Whether a mount is one that containers got.
    pub fn gave_mount(&self, own: &VolumeMount<'_>) -> bool {
        own.is_read_only && !own.is_part && self.mounts(&own.name, &own.mount_path)
    }

    /// Whether it tells of a mount of this volume at this path.
    pub fn mounts(&self, volume: &str, path: &str) -> bool {
        value(&self.mounts, path) == Some(volume)
    }

    /// Forgets the volumes that are in the pod, but not as they were added.
    pub fn forget_others_of(&mut self, volumes: &[Volume<'_>]) {
        let mut told = mem::take(&mut self.volumes);
        told.truncate(PAIRS);
        self.volumes.clone_from(&told);
        told.retain(|name| {
            let own = volumes.iter().find(|own| own.name == *name);
            own.is_none_or(|own| self.gave_volume(own))
        });
        self.volumes = told;
    }

    /// Whether it tells of a volume of this name.
    pub fn has_volume(&self, name: &str) -> bool {
        self.volumes().any(|volume| volume == name)
    }

    /// The volumes that were added.
    pub fn volumes(&self) -> impl Iterator<Item = &str> {
        self.volumes.iter().map(|name| &**name)
    }

    /// Whether a volume is as the pod got it.
    pub fn gave_volume(&self, own: &Volume<'_>) -> bool {
        let [token] = &*own.tokens else {
            return false;
        };
        let audience = token.audience.as_ref().map(|(audience, _)| &**audience);
        let expiration = token.expiration_seconds.map(|(seconds, _)| seconds);
        self.volumes.contains(&own.name)
            && audience == Some(&*self.audience)
            && expiration == Some(self.expiration_seconds)
            && !own.has_other_sources
    }
}

fn value<'p>(pairs: &'p [Pair<'_>], name: &str) -> Option<&'p str> {
    let (_, value) = pairs.iter().find(|(known, _)| known == name)?;
    Some(value)
}

/// The fields of an object of strings; `None` if it is none.
#[inline(never)]
fn pairs(object: Option<&str>) -> Option<Vec<Pair<'_>>> {
    let mut pairs = Vec::new();
    let mut is_valid = true;
    let read = each_field(object.unwrap_or("null"), &mut |key, value| {
        let value = Reader::new(value).string("a string");
        is_valid &= value.is_ok();
        if let Some(value) = value.ok().filter(|_| pairs.len() < PAIRS) {
            pairs.push((key.to_owned(), value));
        }
    });
    (is_valid && read.is_ok()).then_some(pairs)
}

/// The items of a list of strings; `None` if it is none.
fn names(list: &str) -> Option<Vec<Cow<'_, str>>> {
    let mut names = Vec::new();
    let read = each_item(&mut Reader::new(list), &mut |_, reader| {
        let name = reader.string("a string")?;
        if names.len() < PAIRS {
            names.push(name);
        }
        Ok(true)
    });
    read.ok().map(|()| names)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::objects::PodSpec;

    #[test]
    fn a_mark_says_what_was_injected() {
        let text = r#"{"layout":"v1.5","env":{"A":"1","B":"2"},"mounts":{"/m":"v"},"volumes":["v"],"audience":"x","expirationSeconds":3600,"containers":{"app":[],"b":["B"]},"more":[{}]}"#;
        let mark = Mark::parse(text).expect("a mark");
        assert_eq!(mark.containers().collect::<Vec<_>>(), ["app", "b"]);
        for (container, name, value, expected) in [
            (0, "A", Some("1"), true),
            (0, "A", Some("2"), false),
            (0, "A", None, false),
            (0, "C", Some("1"), false),
            (1, "B", Some("2"), false),
            (1, "A", Some("1"), true),
            (2, "A", Some("1"), false),
        ] {
            let found = mark.gave(container, name, value);
            assert_eq!(found, expected, "{container} {name} {value:?}");
        }
    }

    #[test]
    fn what_is_not_a_mark_says_nothing() {
        for text in [
            "",
            "null",
            "[]",
            "{",
            "true",
            r#"{"env":[]}"#,
            r#"{"volumes":[1]}"#,
            r#"{"env":{"A":1}}"#,
            r#"{"containers":["a"]}"#,
            r#"{"containers":{"a":{}}}"#,
            r#"{"audience":1}"#,
        ] {
            assert_eq!(Mark::parse(text), None, "{text}");
        }
        assert_eq!(Mark::parse("{}"), Some(Mark::default()));
    }

    #[test]
    fn volumes_of_others_are_forgotten() {
        let spec = r#"{"containers":[],"volumes":[
            {"name":"data","emptyDir":{}},
            {"name":"token","projected":{"sources":[{"serviceAccountToken":{"audience":"x","expirationSeconds":3600,"path":"t"}}]}}]}"#;
        let spec = PodSpec::read(&mut Reader::new(spec), "spec").expect("a spec");
        let text = r#"{"volumes":["data","token","gone"],"audience":"x","expirationSeconds":3600}"#;
        let mut mark = Mark::parse(text).expect("a mark");
        mark.forget_others_of(&spec.volumes.items);
        assert_eq!(mark.volumes().collect::<Vec<_>>(), ["token", "gone"]);
    }

    #[test]
    fn no_mark_has_too_many_variables() {
        let env: Vec<_> = (0..100).map(|index| format!(r#""A{index}":"a""#)).collect();
        let text = format!(r#"{{"env":{{{}}}}}"#, env.join(","));
        let mark = Mark::parse(&text).expect("a mark");
        assert_eq!(mark.value("A63"), Some("a"));
        assert_eq!(mark.value("A64"), None);
    }
}
