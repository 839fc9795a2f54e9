//! The lookup of a pod's ServiceAccount.

use std::fmt;

use crate::lens::{Fault, Fields, Reader};
use crate::message::{ObjectName, quote};
use crate::metadata::Metadata;
use crate::object::Object;

/// Where ServiceAccounts come from.
pub trait ServiceAccounts {
    /// The ServiceAccount's JSON.
    ///
    /// # Errors
    /// The source's own words on why there is none.
    fn get(&self, namespace: &str, name: &str, freshness: Freshness) -> Result<Vec<u8>, String>;
}

/// How old an answer may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Freshness {
    /// Up to 5 seconds: the host caches what it found.
    Cached,
    /// As the API server has it now.
    Fresh,
}

/// The cluster's ServiceAccounts, asked of the Kubewarden host.
#[derive(Clone, Copy, Debug)]
pub struct Host;

impl ServiceAccounts for Host {
    fn get(&self, namespace: &str, name: &str, freshness: Freshness) -> Result<Vec<u8>, String> {
        let request = request(namespace, name, freshness);
        wapc_guest::host_call(
            "kubewarden",
            "kubernetes",
            "get_resource",
            request.as_bytes(),
        )
        .map_err(|error| error.to_string())
    }
}

const KIND: &str = "ServiceAccount";

/// What the host is asked, a `GetResourceRequest` of the policy SDK, which would copy all the texts first.
fn request(namespace: &str, name: &str, freshness: Freshness) -> String {
    let mut request = Fields::with_capacity(160);
    request.set_string("api_version", "v1");
    request.set_string("kind", KIND);
    request.set_string("name", name);
    request.set_string("namespace", namespace);
    request.set_bool("disable_cache", freshness == Freshness::Fresh);
    request.set_json("field_masks", "null");
    request.into_object()
}

/// The name of a ServiceAccount for messages.
pub fn object_name(namespace: &str, name: &str) -> ObjectName {
    ObjectName::new(KIND, namespace, name)
}

/// Why a ServiceAccount cannot be read: which one, why, and what to check.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unreadable {
    /// There is none of this name.
    Missing(String),
    /// Something is in the way.
    Failed(String),
}

/// Looks a ServiceAccount up and gives its JSON; `named_by` is the path of the pod's field that names it.
///
/// # Errors
/// A message, by whether there is none of this name or something else is in the way.
pub fn look_up(
    source: &dyn ServiceAccounts,
    object: &ObjectName,
    named_by: impl fmt::Display,
    freshness: Freshness,
) -> Result<String, Unreadable> {
    let json = source
        .get(&object.namespace, &object.name, freshness)
        .map_err(|error| {
            if error.contains("Cannot find v1/ServiceAccount named") {
                return Unreadable::Missing(format!(
                    "{object}: does not exist; create it, or correct {named_by}"
                ));
            }
            Unreadable::Failed(format!("{object}: {}", explain(&error)))
        })?;
    String::from_utf8(json).map_err(|_| garbled(object, "expected UTF-8 text"))
}

/// The metadata of a ServiceAccount that was looked up.
///
/// # Errors
/// A message where the JSON is none of a ServiceAccount.
pub fn metadata<'a>(json: &'a str, object: &ObjectName) -> Result<Metadata<'a>, Unreadable> {
    Object::read(&mut Reader::new(json))
        .and_then(|service_account| read(&service_account))
        .map_err(|fault| garbled(object, &fault.to_string()))
}

fn garbled(object: &ObjectName, why: &str) -> Unreadable {
    Unreadable::Failed(format!(
        "{object}: cannot be read: the host's answer is no ServiceAccount: {why}; look at the log of PolicyServer"
    ))
}

/// Reads the metadata of a ServiceAccount.
///
/// # Errors
/// A [`Fault`] where the object is no ServiceAccount, or its metadata not what it should be.
pub fn read<'a>(object: &Object<'a>) -> Result<Metadata<'a>, Fault> {
    let metadata = object.metadata("an object")?;
    if object.kind(KIND)?.is_some_and(|kind| kind != KIND) {
        return Err(Fault::new(KIND, "another kind").in_field("kind"));
    }
    if !object.has_metadata() {
        return Err(Fault::new("an object", "nothing").in_field("metadata"));
    }
    Ok(metadata)
}

/// What the host's error means, and what to do about it: text is all that tells one error from another.
fn explain(error: &str) -> String {
    let (why, what_to_do) = if error.contains(" is forbidden: ") {
        (
            "PolicyServer may not read ServiceAccounts",
            "let the ServiceAccount of PolicyServer get, list and watch serviceaccounts, by a ClusterRole and a ClusterRoleBinding",
        )
    } else if error.contains("access to Kubernetes v1/ServiceAccount resources") {
        (
            "the policy has no access to ServiceAccounts",
            "list apiVersion v1, kind ServiceAccount under spec.contextAwareResources of the policy (kwctl: --allow-context-aware)",
        )
    } else if error.contains("access to the 'kubernetes/get_resource' host capability") {
        (
            "the policy has no access to the host capability kubernetes/get_resource",
            "grant it where PolicyServer or kwctl restricts host capabilities",
        )
    } else if error.contains("kube::Client was not initialized") {
        (
            "the host has no connection to a cluster",
            "look at the log of PolicyServer (kwctl: give a kubeconfig or --replay-host-capabilities-interactions)",
        )
    } else {
        return format!(
            "cannot be read: the host says {}; check that it exists, that PolicyServer may get, list and watch serviceaccounts, and that spec.contextAwareResources of the policy lists apiVersion v1, kind ServiceAccount",
            quote(gist(error))
        );
    };
    format!("cannot be read: {why}; {what_to_do}")
}

/// The first line of an error, without what the layers between wrote in front of it.
fn gist(error: &str) -> &str {
    let mut gist = error.lines().next().unwrap_or_default();
    for prefix in ["Host error: ", "Callback evaluation failure: "] {
        gist = gist.strip_prefix(prefix).unwrap_or(gist);
    }
    gist
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keys;
    use kubewarden_policy_sdk::host_capabilities::kubernetes::GetResourceRequest;

    #[test]
    fn the_request_is_that_of_the_sdk() {
        for (freshness, disable_cache) in [(Freshness::Cached, false), (Freshness::Fresh, true)] {
            let of_sdk = GetResourceRequest {
                api_version: "v1".to_owned(),
                kind: "ServiceAccount".to_owned(),
                name: "fed-sa".to_owned(),
                namespace: Some("a \"b\"".to_owned()),
                disable_cache,
                field_masks: None,
            };
            let of_sdk = serde_json::to_string(&of_sdk).expect("JSON");
            assert_eq!(request("a \"b\"", "fed-sa", freshness), of_sdk);
        }
    }

    /// A source that gives one answer.
    struct Answer(Result<&'static str, &'static str>);

    impl ServiceAccounts for Answer {
        fn get(&self, _: &str, _: &str, _: Freshness) -> Result<Vec<u8>, String> {
            match self.0 {
                Ok(json) => Ok(json.into()),
                Err(error) => Err(error.to_owned()),
            }
        }
    }

    /// The client ID that is found.
    fn find(answer: Result<&'static str, &'static str>) -> Result<Option<String>, Unreadable> {
        let object = object_name("default", "fed-sa");
        let named_by = "spec.serviceAccountName";
        let json = look_up(&Answer(answer), &object, named_by, Freshness::Cached)?;
        let metadata = metadata(&json, &object)?;
        Ok(metadata.annotation(keys::CLIENT_ID).map(str::to_owned))
    }

    #[track_caller]
    fn refuses(answer: Result<&'static str, &'static str>, message: &str) {
        assert_eq!(find(answer), Err(Unreadable::Failed(message.to_owned())));
    }

    #[test]
    fn reads_the_metadata() {
        let json = r#"{"kind":"ServiceAccount","secrets":[{"name":"x"}],"metadata":{"annotations":{"azure.workload.identity/client-id":"a"}}}"#;
        assert_eq!(find(Ok(json)), Ok(Some("a".to_owned())));
    }

    #[test]
    fn a_missing_one_is_told_apart() {
        let error = r#"Host error: Callback evaluation failure: Cannot find v1/ServiceAccount named 'fed-sa' inside of namespace 'Some("default")'"#;
        let message = "ServiceAccount default/fed-sa: does not exist; create it, or correct spec.serviceAccountName";
        assert_eq!(
            find(Err(error)),
            Err(Unreadable::Missing(message.to_owned()))
        );
    }

    #[test]
    fn each_error_of_the_host_is_explained() {
        for (error, message) in [
            (
                r#"Host error: Callback evaluation failure: ApiError: serviceaccounts "fed-sa" is forbidden: User "u" cannot get resource "serviceaccounts""#,
                "ServiceAccount default/fed-sa: cannot be read: PolicyServer may not read ServiceAccounts; let the ServiceAccount of PolicyServer get, list and watch serviceaccounts, by a ClusterRole and a ClusterRoleBinding",
            ),
            (
                "Host error: Policy has not been granted access to Kubernetes v1/ServiceAccount resources. The violation has been reported.",
                "ServiceAccount default/fed-sa: cannot be read: the policy has no access to ServiceAccounts; list apiVersion v1, kind ServiceAccount under spec.contextAwareResources of the policy (kwctl: --allow-context-aware)",
            ),
            (
                "Host error: Policy has not been granted access to the 'kubernetes/get_resource' host capability. The violation has been reported.",
                "ServiceAccount default/fed-sa: cannot be read: the policy has no access to the host capability kubernetes/get_resource; grant it where PolicyServer or kwctl restricts host capabilities",
            ),
            (
                "Host error: Callback evaluation failure: kube::Client was not initialized properly",
                "ServiceAccount default/fed-sa: cannot be read: the host has no connection to a cluster; look at the log of PolicyServer (kwctl: give a kubeconfig or --replay-host-capabilities-interactions)",
            ),
            (
                "Host error: Callback evaluation failure: connection reset\n\nStack backtrace:\n 0: x",
                r#"ServiceAccount default/fed-sa: cannot be read: the host says "connection reset"; check that it exists, that PolicyServer may get, list and watch serviceaccounts, and that spec.contextAwareResources of the policy lists apiVersion v1, kind ServiceAccount"#,
            ),
            (
                "",
                r#"ServiceAccount default/fed-sa: cannot be read: the host says ""; check that it exists, that PolicyServer may get, list and watch serviceaccounts, and that spec.contextAwareResources of the policy lists apiVersion v1, kind ServiceAccount"#,
            ),
        ] {
            refuses(Err(error), message);
        }
    }

    #[test]
    fn an_answer_that_is_no_service_account_is_refused() {
        for (json, why) in [
            ("", "expected JSON with a value at byte 0, found its end"),
            ("[]", "expected an object, found a list"),
            ("{}", "metadata: expected an object, found nothing"),
            (
                r#"{"metadata":{"annotations":{"a"#,
                "metadata: expected JSON with a closing bracket at byte 30, found its end",
            ),
            (
                r#"{"kind":"Secret","metadata":{}}"#,
                "kind: expected ServiceAccount, found another kind",
            ),
            (
                r#"{"metadata":{"labels":5}}"#,
                "metadata.labels: expected an object of strings, found a number",
            ),
        ] {
            refuses(
                Ok(json),
                &format!(
                    "ServiceAccount default/fed-sa: cannot be read: the host's answer is no ServiceAccount: {why}; look at the log of PolicyServer"
                ),
            );
        }
    }
}
