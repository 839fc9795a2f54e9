//! Why a pod was decided as it was, as data.

use crate::findings::{Named, Permission, PermissionError, Problem};
use crate::identity::permission::Answer;
use crate::identity::{Identity, Sourced};
use crate::injection::{ContainerOutcome, LaterContainer, TokenVolumeState};
use crate::keys::Form;
use crate::settings::OptIn;

/// Takes note of the reasons of a decision as they come up.
///
/// Reasons are made only if the observer wants them: `()` wants none, and costs nothing.
pub trait Observer {
    /// Takes note of a reason.
    fn note(&mut self, reason: impl FnOnce() -> Reason);
}

impl Observer for () {
    fn note(&mut self, _: impl FnOnce() -> Reason) {}
}

impl Observer for Vec<Reason> {
    fn note(&mut self, reason: impl FnOnce() -> Reason) {
        self.push(reason());
    }
}

/// A reason of a decision. Texts in it are as the request has them: whoever shows them must escape them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reason {
    /// The pod is a mirror pod, which cannot have a ServiceAccount token.
    MirrorPod,
    /// Whether the pod opts in.
    OptIn {
        /// The rule.
        rule: OptIn,
        /// The value of the pod's label.
        pod_label: Option<String>,
        /// What the ServiceAccount says: whether by label or annotation, and the value; `None` if it says nothing, or was
        /// not asked.
        service_account: Option<(Form, String)>,
        /// What opts the pod in; `None` if nothing does.
        by: Option<OptedInBy>,
    },
    /// The ServiceAccount was looked up.
    ServiceAccount {
        /// Its namespace.
        namespace: String,
        /// Its name.
        name: String,
        /// The field of the pod that names it.
        named_by: Named,
        /// Whether it was looked up.
        is_looked_up: bool,
        /// Why it was not found, if it was not.
        not_found: Option<Problem>,
    },
    /// The identity, and where it comes from.
    Identity {
        /// The client ID.
        client_id: Option<Sourced<String>>,
        /// The tenant.
        tenant_id: Sourced<String>,
        /// The authority host.
        authority_host: String,
        /// The audience of the token.
        audience: String,
        /// Whether the audience is that of the custom token endpoint.
        is_for_token_endpoint: bool,
        /// How long the token is valid, in seconds.
        token_expiration_seconds: Sourced<u32>,
        /// The name of the token volume.
        volume: String,
        /// Whether the token volume was there.
        volume_state: TokenVolumeState,
    },
    /// The ServiceAccount has an entry in setting `identityMap`.
    MapEntry {
        /// Its index.
        index: usize,
        /// Whether it comes before the annotations of the ServiceAccount.
        overrides: bool,
    },
    /// Whether setting `allowedIdentities` allows the identity.
    Allowed {
        /// The index of the entry that does; `None` if none does.
        entry: Option<usize>,
    },
    /// Whether the ServiceAccount is permitted the use of its identity.
    Permission {
        /// The permission.
        permission: Permission,
        /// What the API server says.
        answer: Result<Answer, PermissionError>,
    },
    /// What each container gets and has.
    Containers(Vec<ContainerOutcome>),
    /// What becomes of the containers that other webhooks add later.
    LaterContainers(Vec<LaterContainer>),
}

/// What opts a pod in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OptedInBy {
    /// Its label.
    PodLabel,
    /// A label or an annotation of its ServiceAccount.
    ServiceAccount,
    /// The entry of setting `identityMap` with this index.
    IdentityMap(usize),
}

impl Reason {
    /// The reason that an identity is.
    pub(super) fn identity(
        identity: &Identity<'_>,
        (volume, volume_state): (&str, TokenVolumeState),
    ) -> Self {
        let owned = |id: Sourced<&str>| Sourced {
            value: id.value.to_owned(),
            source: id.source,
        };
        Self::Identity {
            client_id: identity.client_id.map(owned),
            tenant_id: owned(identity.tenant_id),
            authority_host: identity.authority_host.to_owned(),
            audience: identity.audience.to_owned(),
            is_for_token_endpoint: identity.token_endpoint.is_some(),
            token_expiration_seconds: identity.token_expiration_seconds,
            volume: volume.to_owned(),
            volume_state,
        }
    }
}
