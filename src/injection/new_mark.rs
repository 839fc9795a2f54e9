//! The mark that an injected pod gets.

use super::items::NewEnvVar;
use super::mark::{AUDIENCE, CONTAINERS, ENV, EXPIRATION, MOUNTS, VOLUMES};
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
    /// A mark without containers. `volumes` are those that were added.
    pub fn new(wanted: &Wanted<'_>, volumes: &[&str]) -> Self {
        let Wanted {
            identity,
            layout,
            env,
            ..
        } = wanted;
        let mut fields = Fields::with_capacity(512);
        fields.set_string(LAYOUT, layout.name());
        let env = env.iter().filter(|new| tells(new));
        fields.set_texts(ENV, env.map(|new| (new.name, &*new.value)));
        let mounts = wanted.mounts();
        fields.set_texts(MOUNTS, mounts.map(|mount| (&*mount.path, &*mount.volume)));
        fields.set_json(VOLUMES, &json::strings(volumes));
        fields.set_string(AUDIENCE, identity.audience);
        let seconds = identity.token_expiration_seconds.value.to_string();
        fields.set_json(EXPIRATION, &seconds);
        Self {
            json: fields,
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
