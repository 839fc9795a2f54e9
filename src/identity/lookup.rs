//! The lookup of a pod's ServiceAccount.

use super::kubernetes_api::KubernetesApi;
use crate::findings::{LookupError, Problem};
use crate::json::{Fault, Fields, Reader};
use crate::messages::{Excerpt, ObjectName};
use crate::objects::{Metadata, Object, PodSpec};
use crate::settings::Freshness;
use crate::values::{self, mentions};

const KIND: &str = "ServiceAccount";

/// What the host is asked, a `GetResourceRequest` of the policy SDK.
pub fn request(namespace: &str, name: &str, freshness: Freshness) -> String {
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

/// Looks a pod's ServiceAccount up and gives its JSON.
///
/// # Errors
///
/// A [`Problem`]: the name cannot be that of a ServiceAccount, there is none of that name, or it cannot be read.
#[inline(never)]
pub fn look_up(
    kubernetes: &dyn KubernetesApi,
    namespace: &str,
    spec: &PodSpec<'_>,
    freshness: Freshness,
) -> Result<String, Problem> {
    let name = &spec.service_account_name;
    // The host puts the name into a URL as it is.
    if values::object_name(name).is_err() {
        return Err(Problem::ServiceAccountName {
            field: spec.service_account_field(),
            found: Excerpt::new(name),
        });
    }
    let json = kubernetes.service_account(namespace, name, freshness);
    let json = json.map_err(|error| not_found(&error, spec))?;
    String::from_utf8(json).map_err(|_| {
        let fault = Fault::new("JSON", "invalid UTF-8");
        Problem::Lookup(LookupError::NotAServiceAccount(fault))
    })
}

/// The metadata of the ServiceAccount that was looked up.
///
/// # Errors
///
/// [`Problem::Lookup`] if the JSON is not that of the ServiceAccount that was asked for.
#[inline(never)]
pub fn parse_answer<'a>(
    json: &'a str,
    namespace: &str,
    name: &str,
) -> Result<Metadata<'a>, Problem> {
    let metadata = Object::read(&mut Reader::new(json))
        .and_then(|service_account| metadata_of(&service_account))
        .map_err(|fault| Problem::Lookup(LookupError::NotAServiceAccount(fault)))?;
    if metadata.name != name || metadata.namespace != namespace {
        let found = object_name(&metadata.namespace, &metadata.name);
        return Err(Problem::Lookup(LookupError::AnotherOne(found)));
    }
    Ok(metadata)
}

/// The metadata of a ServiceAccount.
///
/// # Errors
///
/// A [`Fault`] if the object is not a ServiceAccount, or if its metadata is malformed.
pub fn metadata_of<'a>(object: &Object<'a>) -> Result<Metadata<'a>, Fault> {
    let metadata = object.metadata("an object")?;
    if object.kind(KIND)?.is_some_and(|kind| kind != KIND) {
        return Err(Fault::new(KIND, "another kind").in_field("kind"));
    }
    if !object.has_metadata() {
        return Err(Fault::new("an object", "nothing").in_field("metadata"));
    }
    Ok(metadata)
}

/// What the host's error means. Errors differ in their text only.
fn not_found(error: &str, spec: &PodSpec<'_>) -> Problem {
    if mentions(error, "Cannot find v1/ServiceAccount named") {
        return Problem::ServiceAccountMissing {
            field: spec.service_account_field(),
        };
    }
    Problem::Lookup(if mentions(error, " is forbidden: ") {
        LookupError::Forbidden
    } else if mentions(error, "access to Kubernetes v1/ServiceAccount resources") {
        LookupError::NoContextAwareAccess
    } else if mentions(
        error,
        "access to the 'kubernetes/get_resource' host capability",
    ) {
        LookupError::NoHostCapability
    } else if mentions(error, "kube::Client was not initialized") {
        LookupError::NoCluster
    } else {
        LookupError::Other(Excerpt::new(gist(error)))
    })
}

/// The first line of an error, without what the layers between wrote in front of it.
pub fn gist(error: &str) -> &str {
    let end = error.bytes().position(|byte| byte == b'\n');
    let mut gist = error.get(..end.unwrap_or(error.len())).unwrap_or_default();
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

    impl KubernetesApi for Answer {
        fn service_account(&self, _: &str, _: &str, _: Freshness) -> Result<Vec<u8>, String> {
            match self.0 {
                Ok(json) => Ok(json.into()),
                Err(error) => Err(error.to_owned()),
            }
        }

        fn can_i(&self, _: &str) -> Result<Vec<u8>, String> {
            Err("not asked".to_owned())
        }
    }

    fn spec(text: &str) -> Box<PodSpec<'_>> {
        PodSpec::read(&mut Reader::new(text), "spec").expect("a spec")
    }

    /// The client ID that is found.
    fn find(answer: Result<&'static str, &'static str>) -> Result<Option<String>, Problem> {
        let spec = spec(r#"{"serviceAccountName":"fed-sa","containers":[]}"#);
        let json = look_up(&Answer(answer), "default", &spec, Freshness::Fresh)?;
        let metadata = parse_answer(&json, "default", "fed-sa")?;
        Ok(metadata.annotation(keys::CLIENT_ID).map(str::to_owned))
    }

    #[test]
    fn reads_the_metadata() {
        let json = r#"{"kind":"ServiceAccount","secrets":[{"name":"x"}],"metadata":{"name":"fed-sa","namespace":"default","annotations":{"azure.workload.identity/client-id":"a"}}}"#;
        assert_eq!(find(Ok(json)), Ok(Some("a".to_owned())));
    }

    #[test]
    fn each_error_of_the_host_is_recognised() {
        let missing = Problem::ServiceAccountMissing {
            field: "spec.serviceAccountName".to_owned(),
        };
        let other = |text| LookupError::Other(Excerpt::new(text));
        for (error, expected) in [
            (
                r#"Host error: Callback evaluation failure: Cannot find v1/ServiceAccount named 'fed-sa' inside of namespace 'Some("default")'"#,
                missing,
            ),
            (
                r#"Host error: Callback evaluation failure: ApiError: serviceaccounts "fed-sa" is forbidden: User "u" cannot get resource "serviceaccounts""#,
                Problem::Lookup(LookupError::Forbidden),
            ),
            (
                "Host error: Policy has not been granted access to Kubernetes v1/ServiceAccount resources. The violation has been reported.",
                Problem::Lookup(LookupError::NoContextAwareAccess),
            ),
            (
                "Host error: Policy has not been granted access to the 'kubernetes/get_resource' host capability. The violation has been reported.",
                Problem::Lookup(LookupError::NoHostCapability),
            ),
            (
                "Host error: Callback evaluation failure: kube::Client was not initialized properly",
                Problem::Lookup(LookupError::NoCluster),
            ),
            (
                "Host error: Callback evaluation failure: connection reset\n\nStack backtrace:\n 0: x",
                Problem::Lookup(other("connection reset")),
            ),
            ("", Problem::Lookup(other(""))),
        ] {
            assert_eq!(find(Err(error)), Err(expected), "{error}");
        }
    }

    #[test]
    fn an_answer_that_is_not_a_service_account_is_an_error() {
        for (json, why) in [
            (
                "",
                "expected JSON with a value at byte 0, found the end of the input",
            ),
            ("[]", "expected an object, found a list"),
            ("{}", "metadata: expected an object, found nothing"),
            (
                r#"{"metadata":{"annotations":{"a"#,
                "metadata: expected JSON with a closing bracket at byte 30, found the end of the input",
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
            match find(Ok(json)) {
                Err(Problem::Lookup(LookupError::NotAServiceAccount(fault))) => {
                    assert_eq!(fault.to_string(), why)
                }
                other => panic!("{json}: expected a fault, found {other:?}"),
            }
        }
    }
}
