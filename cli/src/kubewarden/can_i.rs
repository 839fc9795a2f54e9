//! The question for a permission.

use std::fmt;

use serde::Deserialize;

/// The payload of `kubernetes/can_i`.
#[derive(Clone, PartialEq, Eq, Deserialize)]
pub struct CanI {
    /// Who wants to do what.
    pub subject_access_review: SubjectAccessReview,
    /// Whether the answer must be newer than the 5 seconds for which a PolicyServer keeps answers.
    pub disable_cache: bool,
}

/// Who wants to do what.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct SubjectAccessReview {
    /// The groups that the user is in.
    pub groups: Option<Vec<String>>,
    /// What the user wants to do.
    pub resource_attributes: ResourceAttributes,
    /// The user; a ServiceAccount is `system:serviceaccount:NAMESPACE:NAME`.
    pub user: String,
}

/// An action on a resource.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct ResourceAttributes {
    /// The API group; `None` or empty for the core group.
    pub group: Option<String>,
    /// The object's name; `None` or empty for all.
    pub name: Option<String>,
    /// The object's namespace; `None` or empty for the whole cluster.
    pub namespace: Option<String>,
    /// The resource, in the plural as in URLs.
    pub resource: String,
    /// The part of the object, such as `status`; `None` or empty for the object itself.
    pub subresource: Option<String>,
    /// The action.
    pub verb: String,
    /// The version of the API group, which permissions do not depend on.
    pub version: Option<String>,
}

impl ResourceAttributes {
    /// The object's namespace; empty for the whole cluster.
    pub fn namespace(&self) -> &str {
        self.namespace.as_deref().unwrap_or_default()
    }
}

impl fmt::Debug for CanI {
    /// As Kubewarden prints it: policies see it in the error for a session that does not fit.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KubernetesCanI")
            .field("request", &self.subject_access_review)
            .field("disable_cache", &self.disable_cache)
            .finish()
    }
}
