//! What the API server's audit log says of a mutated or rejected request.
//!
//! The API server puts the policy's name in front of the keys.

use std::borrow::Cow;

use crate::identity::{Identity, Source, Sourced};
use crate::injection::Plan;
use crate::messages::{Excerpt, ObjectName};

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

/// The length of the longest list of containers, in bytes.
const LIST_LENGTH: usize = 1024;

/// The audit annotation that names a ServiceAccount.
pub fn service_account(object: &ObjectName) -> Annotation {
    let name = [object.namespace.text(), object.name.text()].join("/");
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

fn sourced(id: Sourced<&str>, key: &'static str, source_key: &'static str) -> [Annotation; 2] {
    let source = match id.source {
        Source::Pod => Cow::Borrowed("Pod annotation"),
        Source::ServiceAccount => Cow::Borrowed("ServiceAccount annotation"),
        Source::IdentityMap(index) => Cow::Owned(format!("setting identityMap[{index}]")),
        Source::Setting => Cow::Borrowed("setting"),
    };
    let value = Excerpt::new(id.value).text().into_owned();
    [(key, value.into()), (source_key, source)]
}

/// The audit annotations that name containers.
pub fn containers(plan: &Plan<'_, '_>) -> impl Iterator<Item = Annotation> {
    [
        (INJECTED, plan.injected_containers()),
        (SKIPPED, plan.skipped_containers()),
    ]
    .into_iter()
    .filter(|(_, names)| !names.is_empty())
    .map(|(key, names)| (key, list(&names).into()))
}

/// Names with commas between them, as many as fit; the rest are counted.
fn list(names: &[&str]) -> String {
    let mut list = String::new();
    for (index, name) in names.iter().enumerate() {
        let name = Excerpt::new(name);
        let name = name.text();
        if list.len().saturating_add(name.len()) > LIST_LENGTH {
            let left_out = names.len().saturating_sub(index);
            list.push_str(&format!(",... and {left_out} more"));
            break;
        }
        if index > 0 {
            list.push(',');
        }
        list.push_str(&name);
    }
    list
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_of_names_has_a_limit() {
        assert_eq!(list(&["a"]), "a");
        assert_eq!(list(&["a", "b\n\u{1b}"]), "a,b\\n\\u{1b}");
        let name = "n".repeat(63);
        let names = vec![name.as_str(); 100];
        let expected = vec![name.as_str(); 16].join(",");
        assert_eq!(list(&names), format!("{expected},... and 84 more"));
        let long = "n".repeat(5000);
        assert_eq!(
            list(&[&long, &long, &long, &long, &long]).len(),
            4 * 253 + 3 + ",... and 1 more".len()
        );
    }
}
