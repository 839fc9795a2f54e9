//! What the API server's audit log says of a mutated or refused request.
//!
//! The API server puts the policy's name in front of the keys.

use crate::identity::{Identity, Source};
use crate::inject::Plan;
use crate::message::{ObjectName, excerpt};

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
pub fn service_account(object: &ObjectName) -> (&'static str, String) {
    (
        SERVICE_ACCOUNT,
        format!("{}/{}", object.namespace, object.name),
    )
}

/// The audit annotations that name an identity.
pub fn identity(identity: &Identity<'_>) -> Vec<(&'static str, String)> {
    let mut annotations = Vec::new();
    if let Some(client_id) = &identity.client_id {
        annotations.push((CLIENT_ID, excerpt(client_id.value)));
        annotations.push((CLIENT_ID_SOURCE, source(client_id.source)));
    }
    annotations.push((TENANT_ID, excerpt(identity.tenant_id.value)));
    annotations.push((TENANT_ID_SOURCE, source(identity.tenant_id.source)));
    annotations
}

fn source(source: Source) -> String {
    match source {
        Source::ServiceAccount => "ServiceAccount annotation",
        Source::Setting => "setting",
    }
    .to_owned()
}

/// The audit annotations that name containers.
pub fn containers(plan: &Plan<'_, '_>) -> Vec<(&'static str, String)> {
    [
        (INJECTED, plan.injected_containers()),
        (SKIPPED, plan.skipped_containers()),
    ]
    .into_iter()
    .filter(|(_, names)| !names.is_empty())
    .map(|(key, names)| (key, names.join(",")))
    .collect()
}
