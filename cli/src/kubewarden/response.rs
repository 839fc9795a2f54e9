//! What a policy answers, and the AdmissionResponse that Kubewarden makes of it.

use std::collections::BTreeMap;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use json_patch::Patch;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The answer of a policy's `validate`.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct ValidationResponse {
    /// Whether the request may pass.
    pub accepted: bool,
    /// Why it is rejected.
    pub message: Option<String>,
    /// The HTTP status of a rejection.
    pub code: Option<u16>,
    /// The whole object as the policy wants it; `None` to leave it as it is.
    pub mutated_object: Option<Value>,
    /// For the API server's audit log.
    pub audit_annotations: Option<BTreeMap<String, String>>,
    /// For the user.
    pub warnings: Option<Vec<String>>,
}

/// An AdmissionResponse of Kubernetes' `admission.k8s.io/v1`, which serialises to kwctl's output.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct AdmissionResponse {
    /// The request's.
    pub uid: String,
    /// Whether the request may pass.
    pub allowed: bool,
    /// `JSONPatch` if there is a patch.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub patch_type: Option<&'static str>,
    /// The changes as an RFC 6902 patch, in base64; `None` if nothing changes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub patch: Option<String>,
    /// Why the request is rejected.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<Status>,
    /// For the API server's audit log.
    pub audit_annotations: Option<BTreeMap<String, String>>,
    /// For the user.
    pub warnings: Option<Vec<String>>,
}

/// Why a request is rejected.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Status {
    /// For people.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// What is behind a message that does not come from the policy.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub details: Option<Details>,
    /// The HTTP status.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<u16>,
}

/// What is behind a message that does not come from the policy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Details {
    /// The policy's own messages.
    pub causes: Vec<Cause>,
}

/// One message of the policy's own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Cause {
    /// Always none: Kubewarden prints it.
    reason: Option<()>,
    /// The message.
    pub message: Option<String>,
    /// Always none: Kubewarden prints it.
    field: Option<()>,
}

impl Cause {
    /// The cause that `message` describes.
    pub fn new(message: String) -> Self {
        Self {
            reason: None,
            message: Some(message),
            field: None,
        }
    }
}

/// The object as a response changes it, its keys in their own order; `None` if the response changes nothing.
pub fn patched(object: &Value, response: &AdmissionResponse) -> Option<Value> {
    let patch = STANDARD.decode(response.patch.as_ref()?).ok()?;
    let patch: Patch = serde_json::from_slice(&patch).ok()?;
    let mut patched = object.clone();
    json_patch::patch(&mut patched, &patch).ok()?;
    Some(patched)
}

impl AdmissionResponse {
    /// The acceptance of an object as it is.
    pub fn acceptance(uid: &str) -> Self {
        Self {
            uid: uid.to_owned(),
            allowed: true,
            ..Self::default()
        }
    }

    /// Why the request is rejected, if it says.
    pub fn message(&self) -> Option<&str> {
        self.status.as_ref()?.message.as_deref()
    }

    /// A rejection with a message and an HTTP status.
    pub fn rejection(uid: &str, message: String, code: Option<u16>) -> Self {
        let status = Status {
            message: Some(message),
            details: None,
            code,
        };
        Self {
            uid: uid.to_owned(),
            status: Some(status),
            ..Self::default()
        }
    }

    /// The rejection that Kubewarden makes of a policy that fails.
    pub fn internal_server_error(uid: &str, error: &str) -> Self {
        Self::rejection(uid, format!("internal server error: {error}"), Some(500))
    }

    /// What Kubewarden makes of the policy's answer on the request `uid` for `object`.
    pub fn from_verdict(uid: &str, object: Option<&Value>, verdict: &ValidationResponse) -> Self {
        let patch = match (object, &verdict.mutated_object) {
            (_, None) => None,
            (Some(object), Some(mutated)) => match encode(&diff(object, mutated)) {
                Ok(patch) => patch,
                Err(error) => {
                    return Self::internal_server_error(
                        uid,
                        &format!("invalid response format: {error}"),
                    );
                }
            },
            (None, Some(_)) => {
                let message = "Incoming object is null, which happens only with DELETE operations, \
                               but the policy is attempting a mutation. This is not allowed";
                return Self::rejection(uid, message.to_owned(), None);
            }
        };
        let status = (verdict.message.is_some() || verdict.code.is_some()).then(|| Status {
            message: verdict.message.clone(),
            details: None,
            code: verdict.code,
        });
        Self {
            uid: uid.to_owned(),
            allowed: verdict.accepted,
            patch_type: patch.as_ref().map(|_| "JSONPatch"),
            patch,
            status,
            audit_annotations: verdict.audit_annotations.clone(),
            warnings: verdict.warnings.clone(),
        }
    }
}

/// The patch from `object` to `mutated`, in the order of operations that Kubewarden gives.
///
/// Kubewarden holds objects with their keys sorted, and the order of keys decides the order of operations.
pub fn diff(object: &Value, mutated: &Value) -> Patch {
    json_patch::diff(&sorted(object), &sorted(mutated))
}

fn sorted(value: &Value) -> Value {
    let mut value = value.clone();
    value.sort_all_objects();
    value
}

fn encode(patch: &Patch) -> Result<Option<String>, serde_json::Error> {
    if patch.is_empty() {
        return Ok(None);
    }
    serde_json::to_vec(patch).map(|patch| Some(STANDARD.encode(patch)))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn verdict(value: Value) -> ValidationResponse {
        serde_json::from_value(value).unwrap()
    }

    #[track_caller]
    fn prints(object: Option<Value>, answer: Value, expected: &str) {
        let response = AdmissionResponse::from_verdict("u", object.as_ref(), &verdict(answer));
        assert_eq!(serde_json::to_string(&response).unwrap(), expected);
    }

    #[test]
    fn prints_as_kwctl_does() {
        prints(
            Some(json!({})),
            json!({"accepted": true}),
            r#"{"uid":"u","allowed":true,"auditAnnotations":null,"warnings":null}"#,
        );
        prints(
            Some(json!({"a": 1})),
            json!({"accepted": true, "mutated_object": {"a": 1}}),
            r#"{"uid":"u","allowed":true,"auditAnnotations":null,"warnings":null}"#,
        );
        prints(
            Some(json!({"a": 1})),
            json!({
                "accepted": true, "mutated_object": {"a": 1, "b": 2},
                "warnings": ["w"], "audit_annotations": {"k": "v"},
            }),
            concat!(
                r#"{"uid":"u","allowed":true,"patchType":"JSONPatch","#,
                r#""patch":"W3sib3AiOiJhZGQiLCJwYXRoIjoiL2IiLCJ2YWx1ZSI6Mn1d","#,
                r#""auditAnnotations":{"k":"v"},"warnings":["w"]}"#,
            ),
        );
        prints(
            Some(json!({})),
            json!({"accepted": false, "message": "no", "code": 403}),
            concat!(
                r#"{"uid":"u","allowed":false,"status":{"message":"no","code":403},"#,
                r#""auditAnnotations":null,"warnings":null}"#,
            ),
        );
        prints(
            None,
            json!({"accepted": true, "mutated_object": {}}),
            concat!(
                r#"{"uid":"u","allowed":false,"status":{"message":"Incoming object is null, which happens only with "#,
                r#"DELETE operations, but the policy is attempting a mutation. This is not allowed"},"#,
                r#""auditAnnotations":null,"warnings":null}"#,
            ),
        );
    }

    #[test]
    fn the_order_of_keys_does_not_change_the_patch() {
        let before = json!({"z": {"y": 1, "x": 2}});
        let after = json!({"n": 1, "z": {"b": {"d": 1, "c": 2}, "y": 1, "x": 2, "a": 3}, "m": 2});
        assert_eq!(
            serde_json::to_string(&diff(&before, &after)).unwrap(),
            concat!(
                r#"[{"op":"add","path":"/m","value":2},{"op":"add","path":"/n","value":1},"#,
                r#"{"op":"add","path":"/z/a","value":3},{"op":"add","path":"/z/b","value":{"c":2,"d":1}}]"#,
            )
        );
    }

    #[test]
    fn failures_are_refusals() {
        let response = AdmissionResponse::internal_server_error("u", "no such thing");
        assert_eq!(
            serde_json::to_string(&response).unwrap(),
            concat!(
                r#"{"uid":"u","allowed":false,"status":{"message":"internal server error: no such thing","#,
                r#""code":500},"auditAnnotations":null,"warnings":null}"#,
            )
        );
    }
}
