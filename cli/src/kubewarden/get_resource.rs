//! The question for an object of the cluster.

use std::collections::BTreeSet;
use std::fmt;

use serde::Deserialize;

/// The payload of `kubernetes/get_resource`.
#[derive(Clone, PartialEq, Eq, Deserialize)]
pub struct GetResource {
    /// `v1` for the core group, `group/version` for others.
    pub api_version: String,
    /// The kind, as in manifests.
    pub kind: String,
    /// The name of the object.
    pub name: String,
    /// The object's namespace; `None` for cluster-wide kinds.
    pub namespace: Option<String>,
    /// Whether the answer must be newer than the 5 seconds for which a PolicyServer keeps answers.
    pub disable_cache: bool,
    /// The wanted fields, as dotted paths; `None` or an empty list for all.
    pub field_masks: Option<BTreeSet<String>>,
}

impl fmt::Debug for GetResource {
    /// As Kubewarden prints it: policies see it in the error for a session that does not fit.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KubernetesGetResource")
            .field("api_version", &self.api_version)
            .field("kind", &self.kind)
            .field("name", &self.name)
            .field("namespace", &self.namespace)
            .field("disable_cache", &self.disable_cache)
            .field("field_masks", &self.field_masks)
            .finish()
    }
}
