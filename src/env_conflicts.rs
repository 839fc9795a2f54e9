//! A container's own environment variables that are not what would be injected.

use crate::additions::NewEnvVar;
use crate::findings::Findings;
use crate::identity::{Identity, Source};
use crate::keys;
use crate::message::ObjectName;
use crate::pod::Container;

/// Warns about each of a container's own values that keeps the pod's identity out of it.
///
/// The container's value stays, and is not told: it may be secret. One that comes from elsewhere cannot be compared.
pub fn warn(
    pod: &ObjectName,
    container: &Container<'_>,
    env: &[NewEnvVar<'_>],
    identity: &Identity<'_>,
    findings: &mut Findings,
) {
    for own in &container.env.items {
        let Some(new) = env.iter().find(|new| new.name == own.name) else {
            continue;
        };
        let Some(source) = source(new, identity) else {
            continue;
        };
        if own.value().is_some_and(|value| value != new.value) {
            findings.warn(
                pod,
                format!(
                    "container {}: env {} keeps the value that the container sets, not that of {source}",
                    container.name, new.name
                ),
            );
            // The ServiceAccount may say the same by now.
            findings.blames_service_account = true;
        }
    }
}

/// Where a variable's value would come from; `None` for those that users set for good reasons.
fn source(new: &NewEnvVar<'_>, identity: &Identity<'_>) -> Option<&'static str> {
    match new.name {
        keys::AZURE_CLIENT_ID => Some("the ServiceAccount"),
        keys::AZURE_TENANT_ID => Some(match identity.tenant_id.source {
            Source::Setting => "setting azureTenantID",
            Source::ServiceAccount => "the ServiceAccount",
        }),
        keys::AZURE_FEDERATED_TOKEN_FILE => Some("the token volume's mount"),
        _ => None,
    }
}
