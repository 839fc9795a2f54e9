//! What the API server's audit log says of a mutated or refused request.
//!
//! The API server puts the policy's name in front of the keys.

use std::borrow::Cow;

use crate::identity::{Identity, Source, Sourced};
use crate::inject::Plan;
use crate::message::{ObjectName, excerpt};

/// A key and its text.
pub type Annotation = (&'static str, Cow<'static, str>);

/// Key: namespace and name of the pod's ServiceAccount.
pub const SERVICE_ACCOUNT: &str = "service-account";

/// Key: the client ID.
pub const CLIENT_ID: &str = "client-id";

/// Key: where the client ID comes from.
pub const CLIENT_ID_SOURCE: &str = "client-id-source";

/// Key: the tenant.
pub const TENANT_ID: &str = "tenant-id";

/// Key: where the tenant comes from.
pub const TENANT_ID_SOURCE: &str = "tenant-id-source";

/// Key: names of the containers that got something.
pub const INJECTED: &str = "injected";

/// Key: names of the containers that were left alone because the pod says so.
pub const SKIPPED: &str = "skipped";

/// The audit annotation that names a ServiceAccount.
pub fn service_account(object: &ObjectName) -> Annotation {
    let name = [&*object.namespace, &*object.name].join("/");
    (SERVICE_ACCOUNT, name.into())
}

/// The audit annotations that name an identity.
pub fn identity(identity: &Identity<'_>) -> impl Iterator<Item = Annotation> {
    let client_id = identity
        .client_id
        .map(|client_id| sourced(client_id, CLIENT_ID, CLIENT_ID_SOURCE));
    let tenant_id = sourced(identity.tenant_id, TENANT_ID, TENANT_ID_SOURCE);
    client_id.into_iter().chain([tenant_id]).flatten()
}

fn sourced(id: Sourced<'_>, key: &'static str, source_key: &'static str) -> [Annotation; 2] {
    let source = match id.source {
        Source::ServiceAccount => "ServiceAccount annotation",
        Source::Setting => "setting",
    };
    [(key, excerpt(id.value).into()), (source_key, source.into())]
}

/// The audit annotations that name containers.
pub fn containers(plan: &Plan<'_, '_>) -> impl Iterator<Item = Annotation> {
    [
        (INJECTED, plan.injected_containers()),
        (SKIPPED, plan.skipped_containers()),
    ]
    .into_iter()
    .filter(|(_, names)| !names.is_empty())
    .map(|(key, names)| (key, names.join(",").into()))
}
