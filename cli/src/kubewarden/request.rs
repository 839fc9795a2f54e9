//! The AdmissionRequest, as Kubewarden reads it and hands it on.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use thiserror::Error;

/// JSON that is not an admission request.
#[derive(Debug, Error)]
pub enum RequestError {
    /// The text is not JSON.
    #[error("expected an AdmissionRequest in JSON: {0}")]
    Syntax(serde_json::Error),
    /// The JSON is not an object.
    #[error("expected an AdmissionRequest, found no JSON object")]
    NoObject,
    /// An AdmissionReview without its request.
    #[error("expected a request in the AdmissionReview, found none")]
    EmptyReview,
    /// A field is missing or of another type.
    #[error("expected an AdmissionRequest: {0}")]
    Fields(serde_json::Error),
}

/// An AdmissionRequest of Kubernetes' `admission.k8s.io/v1`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AdmissionRequest {
    /// Identifies the request; the response repeats it.
    pub uid: String,
    /// The kind of the object.
    pub kind: GroupVersionKind,
    /// The resource that the object belongs to.
    pub resource: GroupVersionResource,
    /// The subresource, such as `status`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sub_resource: Option<String>,
    /// The kind as the API server's client named it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request_kind: Option<GroupVersionKind>,
    /// The resource as the API server's client named it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request_resource: Option<GroupVersionResource>,
    /// The subresource as the API server's client named it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request_sub_resource: Option<String>,
    /// The name of the object; `None` if the API server is to generate it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The namespace of the object.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    /// `CREATE`, `UPDATE`, `DELETE` or `CONNECT`.
    pub operation: String,
    /// Who asks.
    pub user_info: UserInfo,
    /// The object; `None` if it is deleted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub object: Option<Value>,
    /// The object before an update or deletion.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub old_object: Option<Value>,
    /// Whether nothing will be stored.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dry_run: Option<bool>,
    /// The options of the operation.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub options: Option<Value>,
}

/// A kind of object.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GroupVersionKind {
    /// The API group; empty for the core group.
    pub group: String,
    /// The version in that group.
    pub version: String,
    /// The kind.
    pub kind: String,
}

/// A resource, which is a kind's name in URLs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GroupVersionResource {
    /// The API group; empty for the core group.
    pub group: String,
    /// The version in that group.
    pub version: String,
    /// The resource, in the plural.
    pub resource: String,
}

/// The user behind a request.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct UserInfo {
    /// What the authenticator adds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub extra: Option<BTreeMap<String, Vec<String>>>,
    /// The groups that the user is in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub groups: Option<Vec<String>>,
    /// Tells users of the same name apart.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub uid: Option<String>,
    /// The user's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub username: Option<String>,
}

/// The user of requests that nobody made. It could be anyone.
pub const ANYONE: &str = "azwi-policy";

/// The group of all ServiceAccounts.
const SERVICE_ACCOUNTS: &str = "system:serviceaccounts";

/// The group of everyone whom Kubernetes knows.
const AUTHENTICATED: &str = "system:authenticated";

/// The namespace and name of the ServiceAccount that `user` is, if it is one.
pub fn service_account(user: &str) -> Option<(&str, &str)> {
    user.strip_prefix("system:serviceaccount:")?.split_once(':')
}

impl UserInfo {
    /// The user `name`, in the groups that Kubernetes adds to `groups` if someone acts as this user.
    pub fn named(name: &str, groups: &[String]) -> Self {
        let mut groups = groups.to_vec();
        if let Some((namespace, _)) = service_account(name)
            && groups.is_empty()
        {
            groups.push(SERVICE_ACCOUNTS.to_owned());
            groups.push(format!("{SERVICE_ACCOUNTS}:{namespace}"));
        }
        if !groups.iter().any(|group| group == AUTHENTICATED) {
            groups.push(AUTHENTICATED.to_owned());
        }
        Self {
            username: Some(name.to_owned()),
            groups: Some(groups),
            ..Self::default()
        }
    }
}

impl AdmissionRequest {
    /// Reads `text`: a bare AdmissionRequest, or an AdmissionReview around one.
    ///
    /// # Errors
    ///
    /// [`RequestError`].
    pub fn from_json(text: &str) -> Result<Self, RequestError> {
        serde_json::from_str(text)
            .map_err(RequestError::Syntax)
            .and_then(Self::from_value)
    }

    /// Reads `value`: a bare AdmissionRequest, or an AdmissionReview around one.
    ///
    /// # Errors
    ///
    /// All of [`RequestError`] but [`RequestError::Syntax`].
    pub fn from_value(value: Value) -> Result<Self, RequestError> {
        let Value::Object(mut fields) = value else {
            return Err(RequestError::NoObject);
        };
        let request = match fields.get("kind").and_then(Value::as_str) {
            Some("AdmissionReview") => fields.remove("request").ok_or(RequestError::EmptyReview)?,
            _ => Value::Object(fields),
        };
        serde_json::from_value(request).map_err(RequestError::Fields)
    }

    /// The request that the API server makes of the creation of `pod` in `namespace`, as a dry run.
    pub fn pod_creation(namespace: &str, pod: Value) -> Self {
        Self::creation_of("v1", "Pod", namespace, pod)
    }

    /// The request that the API server makes of the creation of `object` in `namespace`, as a dry run.
    ///
    /// The resource is the plural of the kind, in lower case: `pods`, `networkpolicies`, `sandboxes`.
    pub fn creation(namespace: &str, object: Value) -> Self {
        let text = |field: &str| {
            let text = object.get(field).and_then(Value::as_str);
            text.unwrap_or_default().to_owned()
        };
        Self::creation_of(&text("apiVersion"), &text("kind"), namespace, object)
    }

    fn creation_of(api_version: &str, kind: &str, namespace: &str, object: Value) -> Self {
        let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
        let kind = GroupVersionKind {
            group: group.to_owned(),
            version: version.to_owned(),
            kind: kind.to_owned(),
        };
        let resource = GroupVersionResource {
            group: group.to_owned(),
            version: version.to_owned(),
            resource: plural(&kind.kind.to_lowercase()),
        };
        Self {
            uid: "00000000-0000-0000-0000-000000000000".to_owned(),
            request_kind: Some(kind.clone()),
            kind,
            request_resource: Some(resource.clone()),
            resource,
            sub_resource: None,
            request_sub_resource: None,
            name: object
                .pointer("/metadata/name")
                .and_then(Value::as_str)
                .map(str::to_owned),
            namespace: Some(namespace.to_owned()),
            operation: "CREATE".to_owned(),
            user_info: UserInfo {
                username: Some(ANYONE.to_owned()),
                ..UserInfo::default()
            },
            object: Some(object),
            old_object: None,
            dry_run: Some(true),
            options: Some(json!({"apiVersion": "meta.k8s.io/v1", "kind": "CreateOptions"})),
        }
    }
}

/// The plural of a noun in lower case, as names of resources have it.
fn plural(noun: &str) -> String {
    if noun.ends_with(['s', 'x']) || noun.ends_with("ch") || noun.ends_with("sh") {
        return format!("{noun}es");
    }
    match noun.strip_suffix('y') {
        Some(stem) if !stem.ends_with(['a', 'e', 'o', 'u']) => format!("{stem}ies"),
        _ => format!("{noun}s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request() -> Value {
        json!({
            "uid": "1",
            "kind": {"group": "", "version": "v1", "kind": "Pod"},
            "resource": {"group": "", "version": "v1", "resource": "pods"},
            "operation": "DELETE",
            "userInfo": {"username": "u", "unknown": true, "groups": null},
            "object": null,
            "unknown": 1,
        })
    }

    #[test]
    fn keeps_what_kubewarden_keeps() {
        let expected = json!({
            "uid": "1",
            "kind": {"group": "", "version": "v1", "kind": "Pod"},
            "resource": {"group": "", "version": "v1", "resource": "pods"},
            "operation": "DELETE",
            "userInfo": {"username": "u"},
        });
        for value in [
            request(),
            json!({"kind": "AdmissionReview", "request": request()}),
        ] {
            let request = AdmissionRequest::from_value(value).unwrap();
            assert_eq!(serde_json::to_value(request).unwrap(), expected);
        }
    }

    #[test]
    fn names_what_is_missing() {
        let without = |field: &str| {
            let mut request = request();
            request.as_object_mut().unwrap().remove(field);
            request.to_string()
        };
        for (text, expected) in [
            (
                without("uid"),
                "expected an AdmissionRequest: missing field `uid`",
            ),
            (
                without("kind"),
                "expected an AdmissionRequest: missing field `kind`",
            ),
            (
                without("resource"),
                "expected an AdmissionRequest: missing field `resource`",
            ),
            (
                without("operation"),
                "expected an AdmissionRequest: missing field `operation`",
            ),
            (
                without("userInfo"),
                "expected an AdmissionRequest: missing field `userInfo`",
            ),
            (
                r#"{"kind":"AdmissionReview"}"#.to_owned(),
                "expected a request in the AdmissionReview, found none",
            ),
            (
                "[]".to_owned(),
                "expected an AdmissionRequest, found no JSON object",
            ),
            (
                "".to_owned(),
                "expected an AdmissionRequest in JSON: EOF while parsing a value at line 1 column 0",
            ),
        ] {
            assert_eq!(
                AdmissionRequest::from_json(&text).unwrap_err().to_string(),
                expected
            );
        }
    }

    #[test]
    fn a_user_is_in_the_groups_that_kubernetes_adds() {
        for (name, groups, expected) in [
            ("jane", &[][..], &["system:authenticated"][..]),
            (
                "jane",
                &["ops", "system:authenticated"],
                &["ops", "system:authenticated"],
            ),
            (
                "system:serviceaccount:web:api",
                &[],
                &[
                    "system:serviceaccounts",
                    "system:serviceaccounts:web",
                    "system:authenticated",
                ],
            ),
            (
                "system:serviceaccount:web:api",
                &["ops"],
                &["ops", "system:authenticated"],
            ),
        ] {
            let groups: Vec<_> = groups.iter().map(|group| (*group).to_owned()).collect();
            assert_eq!(
                serde_json::to_value(UserInfo::named(name, &groups)).unwrap(),
                json!({"username": name, "groups": expected})
            );
        }
    }

    #[test]
    fn a_pod_is_created_in_its_namespace() {
        let request = AdmissionRequest::pod_creation("web", json!({"metadata": {"name": "a"}}));
        assert_eq!(
            serde_json::to_value(request).unwrap(),
            json!({
                "uid": "00000000-0000-0000-0000-000000000000",
                "kind": {"group": "", "version": "v1", "kind": "Pod"},
                "resource": {"group": "", "version": "v1", "resource": "pods"},
                "requestKind": {"group": "", "version": "v1", "kind": "Pod"},
                "requestResource": {"group": "", "version": "v1", "resource": "pods"},
                "name": "a",
                "namespace": "web",
                "operation": "CREATE",
                "userInfo": {"username": "azwi-policy"},
                "object": {"metadata": {"name": "a"}},
                "dryRun": true,
                "options": {"apiVersion": "meta.k8s.io/v1", "kind": "CreateOptions"},
            })
        );
    }
}
