//! The permission to use an identity, of which Kubernetes' RBAC is asked.

use super::kubernetes_api::KubernetesApi;
use super::lookup::gist;
use crate::findings::{self, PermissionError};
use crate::json::{Fault, Reader, each_field, string};
use crate::messages::Excerpt;
use crate::settings::Freshness;
use crate::settings::authorization::Authorization;
use crate::values::mentions;

/// Whose permission it is, in the terms of a SubjectAccessReview.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    /// The name.
    pub name: String,
    /// The groups, as JSON: a list of strings, or null.
    pub groups: String,
}

impl User {
    /// A ServiceAccount as the API server knows it.
    pub fn of_service_account(namespace: &str, name: &str) -> Self {
        let of_namespace = ["system:serviceaccounts:", namespace].concat();
        Self {
            name: ["system:serviceaccount:", namespace, ":", name].concat(),
            groups: [
                r#"["system:serviceaccounts","#,
                &string(&of_namespace),
                r#","system:authenticated"]"#,
            ]
            .concat(),
        }
    }

    /// The user who makes a request, of the JSON of its `userInfo`.
    ///
    /// # Errors
    ///
    /// A [`Fault`] if it is not an object.
    pub fn of_request(user_info: &str) -> Result<Self, Fault> {
        let mut user = Self {
            name: String::new(),
            groups: "null".to_owned(),
        };
        each_field(user_info, &mut |key, value| match key {
            "username" => user.name = text(value),
            "groups" => user.groups = value.to_owned(),
            _ => {}
        })?;
        Ok(user)
    }
}

/// What an authorizer answers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Answer {
    /// Whether the user has the permission.
    pub is_allowed: bool,
    /// What is said of it.
    pub reason: Option<Excerpt>,
}

/// The permission to use a client ID, for messages.
pub fn of(authorization: &Authorization<'_>, client_id: &str) -> Box<findings::Permission> {
    Box::new(findings::Permission {
        verb: Excerpt::new(&authorization.verb),
        client_id: Excerpt::new(&resource(client_id)),
        group: Excerpt::new(&authorization.group),
    })
}

/// Asks whether a user may use a client ID, anywhere in the cluster.
///
/// # Errors
///
/// A [`PermissionError`] if there is no answer.
pub fn ask(
    kubernetes: &dyn KubernetesApi,
    authorization: &Authorization<'_>,
    user: &User,
    client_id: &str,
    freshness: Freshness,
) -> Result<Answer, PermissionError> {
    let request = request(authorization, user, client_id, freshness);
    let answer = kubernetes
        .can_i(&request)
        .map_err(|error| kind_of(&error))?;
    let answer = String::from_utf8(answer)
        .map_err(|_| PermissionError::NotAnAnswer(Fault::new("JSON", "invalid UTF-8")))?;
    read(&answer).map_err(PermissionError::NotAnAnswer)
}

/// What the host is asked, a `CanIRequest` of the policy SDK.
fn request(
    authorization: &Authorization<'_>,
    user: &User,
    client_id: &str,
    freshness: Freshness,
) -> String {
    [
        r#"{"subject_access_review":{"groups":"#,
        &user.groups,
        r#","resource_attributes":{"group":"#,
        &string(&authorization.group),
        r#","name":null,"namespace":null,"resource":"#,
        &string(&resource(client_id)),
        r#","subresource":null,"verb":"#,
        &string(&authorization.verb),
        r#","version":null},"user":"#,
        &string(&user.name),
        r#"},"disable_cache":"#,
        if freshness == Freshness::Fresh {
            "true"
        } else {
            "false"
        },
        "}",
    ]
    .concat()
}

/// The resource that a client ID is: RBAC compares resources as they are written.
fn resource(client_id: &str) -> String {
    client_id.to_ascii_lowercase()
}

/// Reads a `SubjectAccessReviewStatus`.
fn read(json: &str) -> Result<Answer, Fault> {
    let mut reason = String::new();
    let mut verdict = "";
    each_field(json, &mut |key, value| match key {
        "allowed" => verdict = value,
        "reason" | "evaluationError" if reason.is_empty() => reason = text(value),
        _ => {}
    })?;
    if !matches!(verdict, "true" | "false") {
        let fault = Reader::new(verdict).fault("true or false");
        return Err(fault.in_field("allowed"));
    }
    Ok(Answer {
        is_allowed: verdict == "true",
        reason: (!reason.is_empty()).then(|| Excerpt::new(&reason)),
    })
}

/// A string; what is something else counts as empty.
fn text(json: &str) -> String {
    let text = Reader::new(json).string("a string");
    text.unwrap_or_default().into_owned()
}

/// What the host's error means. Errors differ in their text only.
fn kind_of(error: &str) -> PermissionError {
    if mentions(error, " is forbidden: ") {
        PermissionError::Forbidden
    } else if mentions(error, "access to the 'kubernetes/can_i' host capability") {
        PermissionError::NoHostCapability
    } else if mentions(error, "kube::Client was not initialized") {
        PermissionError::NoCluster
    } else {
        PermissionError::Other(Excerpt::new(gist(error)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use kubewarden_policy_sdk::host_capabilities::kubernetes::{
        CanIRequest, ResourceAttributes, SubjectAccessReview,
    };

    const CLIENT_ID: &str = "8F1C2A7E-5d3b-4c59-9a57-0b6f4f0f9d11";

    #[test]
    fn the_request_is_that_of_the_sdk() {
        let authorization = Authorization::default();
        let service_account = User::of_service_account("web", "a\"b");
        let person =
            User::of_request(r#"{"username":"jane","uid":"1","extra":{},"groups":["ops"]}"#);
        let alone = User::of_request(r#"{"username":"jane","groups":null}"#);
        let groups = |names: &[&str]| Some(names.iter().map(ToString::to_string).collect());
        for (user, name, groups, freshness) in [
            (
                service_account,
                "system:serviceaccount:web:a\"b",
                groups(&[
                    "system:serviceaccounts",
                    "system:serviceaccounts:web",
                    "system:authenticated",
                ]),
                Freshness::Fresh,
            ),
            (
                person.expect("a user"),
                "jane",
                groups(&["ops"]),
                Freshness::Cached,
            ),
            (alone.expect("a user"), "jane", None, Freshness::Cached),
        ] {
            let of_sdk = CanIRequest {
                subject_access_review: SubjectAccessReview {
                    groups,
                    resource_attributes: ResourceAttributes {
                        group: Some("cid.wi.aks.azure.com".to_owned()),
                        resource: CLIENT_ID.to_lowercase(),
                        verb: "use-managed-identity".to_owned(),
                        ..ResourceAttributes::default()
                    },
                    user: name.to_owned(),
                },
                disable_cache: freshness == Freshness::Fresh,
            };
            assert_eq!(
                request(&authorization, &user, CLIENT_ID, freshness),
                serde_json::to_string(&of_sdk).expect("JSON")
            );
        }
    }

    /// An API server that gives one answer.
    struct ApiServer(Result<&'static str, &'static str>);

    impl KubernetesApi for ApiServer {
        fn service_account(&self, _: &str, _: &str, _: Freshness) -> Result<Vec<u8>, String> {
            Err("not asked".to_owned())
        }

        fn can_i(&self, _: &str) -> Result<Vec<u8>, String> {
            self.0.map(Into::into).map_err(ToOwned::to_owned)
        }
    }

    fn answer(answer: Result<&'static str, &'static str>) -> Result<Answer, PermissionError> {
        let user = User::of_service_account("web", "api");
        let authorization = Authorization::default();
        ask(
            &ApiServer(answer),
            &authorization,
            &user,
            CLIENT_ID,
            Freshness::Fresh,
        )
    }

    #[test]
    fn reads_the_answer() {
        let reason = |text| Some(Excerpt::new(text));
        for (json, is_allowed, reason) in [
            (r#"{"allowed":true}"#, true, None),
            (r#"{"allowed":false,"reason":""}"#, false, None),
            (
                r#"{"allowed":false,"denied":true,"reason":"no"}"#,
                false,
                reason("no"),
            ),
            (
                r#"{"allowed":false,"evaluationError":"no role","reason":null}"#,
                false,
                reason("no role"),
            ),
        ] {
            assert_eq!(
                answer(Ok(json)),
                Ok(Answer { is_allowed, reason }),
                "{json}"
            );
        }
        for (json, why) in [
            ("", "expected an object, found nothing"),
            ("{}", "allowed: expected true or false, found nothing"),
            (
                r#"{"allowed":1}"#,
                "allowed: expected true or false, found a number",
            ),
        ] {
            match answer(Ok(json)) {
                Err(PermissionError::NotAnAnswer(fault)) => assert_eq!(fault.to_string(), why),
                other => panic!("{json}: expected a fault, found {other:?}"),
            }
        }
    }

    #[test]
    fn each_error_of_the_host_is_recognised() {
        for (error, expected) in [
            (
                r#"Host error: Callback evaluation failure: ApiError: subjectaccessreviews.authorization.k8s.io is forbidden: User "u" cannot create resource "subjectaccessreviews""#,
                PermissionError::Forbidden,
            ),
            (
                "Host error: Policy has not been granted access to the 'kubernetes/can_i' host capability. The violation has been reported.",
                PermissionError::NoHostCapability,
            ),
            (
                "Host error: Callback evaluation failure: kube::Client was not initialized properly",
                PermissionError::NoCluster,
            ),
            (
                "Host error: Callback evaluation failure: connection reset\n\nStack backtrace:\n 0: x",
                PermissionError::Other(Excerpt::new("connection reset")),
            ),
        ] {
            assert_eq!(answer(Err(error)), Err(expected), "{error}");
        }
    }
}
