//! The mark that an injected pod gets.

use super::items::NewEnvVar;
use super::mark::{AUDIENCE, CONTAINERS, ENV, EXPIRATION, MOUNTS};
use super::wanted::Wanted;
use crate::json::{self, Fields};
use crate::values;

const LAYOUT: &str = "layout";

/// The mark of a pod, as it is made.
#[derive(Clone, Debug)]
pub struct NewMark {
    json: Fields,
    containers: Fields,
}

impl NewMark {
    /// A mark without containers.
    pub fn new(wanted: &Wanted<'_>) -> Self {
        let Wanted {
            identity,
            layout,
            env,
            ..
        } = wanted;
        let mut json = Fields::with_capacity(512);
        json.set_string(LAYOUT, layout.name());
        let env = env.iter().filter(|new| tells(new));
        json.set_texts(ENV, env.map(|new| (new.name, &*new.value)));
        let mounts = wanted.mounts();
        json.set_texts(MOUNTS, mounts.map(|mount| (&*mount.path, &*mount.volume)));
        json.set_string(AUDIENCE, identity.audience);
        let seconds = identity.token_expiration_seconds.value.to_string();
        json.set_json(EXPIRATION, &seconds);
        Self {
            json,
            containers: Fields::default(),
        }
    }

    /// Adds a container and the variables that it keeps of its own.
    pub fn add(&mut self, container: &str, kept: &[&str]) {
        self.containers.set_any(container, &json::strings(kept));
    }

    /// Whether it has no containers.
    pub fn is_empty(&self) -> bool {
        self.containers.is_empty()
    }

    /// Its text.
    pub fn into_text(self) -> String {
        let Self {
            mut json,
            containers,
        } = self;
        json.set_object(CONTAINERS, containers);
        json.into_object()
    }
}

/// Whether a mark tells of a variable: not of whole certificates.
pub fn tells(new: &NewEnvVar<'_>) -> bool {
    new.value.len() <= values::LONGEST
}
