//! Recorded sessions: host calls and their answers, in the files that `kwctl run` records and replays.

use std::collections::VecDeque;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde::Deserialize;
use thiserror::Error;

use crate::kubewarden::can_i::{CanI, SubjectAccessReview};
use crate::kubewarden::get_resource::GetResource;
use crate::kubewarden::question::{Exchange, Question};

/// A session file that cannot be replayed.
#[derive(Debug, Error)]
pub enum SessionError {
    /// The file cannot be read.
    #[error("cannot read the session {file}: {error}")]
    Read {
        /// The file, as it was named.
        file: String,
        /// What the operating system says.
        error: std::io::Error,
    },
    /// The file is not a list of exchanges.
    #[error("{file}: expected a list of recorded exchanges: {error}")]
    Syntax {
        /// The file, as it was named.
        file: String,
        /// What the YAML parser says, with the place.
        error: yaml_serde::Error,
    },
    /// The request of an exchange is not one that this host knows.
    #[error(
        "{file}, exchange {number}: expected a !KubernetesGetResource or !KubernetesCanI request: {error}"
    )]
    Request {
        /// The file, as it was named.
        file: String,
        /// The exchange, counted from 1.
        number: usize,
        /// What the YAML parser says.
        error: yaml_serde::Error,
    },
}

/// Exchanges that are replayed in their order, each once.
#[derive(Debug)]
pub struct Session(Mutex<VecDeque<Exchange>>);

/// An exchange as files have it: the request is YAML inside of YAML.
#[derive(Deserialize)]
struct Entry {
    request: String,
    response: Response,
}

#[derive(Deserialize)]
enum Request {
    KubernetesGetResource(GetResource),
    /// Of a permission, a session has another form than a host call.
    KubernetesCanI {
        request: SubjectAccessReview,
        disable_cache: bool,
    },
}

#[derive(Deserialize)]
#[serde(tag = "type")]
enum Response {
    Success { payload: String },
    Error { message: String },
}

impl Entry {
    fn exchange(self) -> Result<Exchange, yaml_serde::Error> {
        let question = match yaml_serde::from_str(&self.request)? {
            Request::KubernetesGetResource(wanted) => Question::Object(wanted),
            Request::KubernetesCanI {
                request,
                disable_cache,
            } => Question::Permission(CanI {
                subject_access_review: request,
                disable_cache,
            }),
        };
        let answer = match self.response {
            Response::Success { payload } => Ok(payload.into_bytes()),
            Response::Error { message } => Err(message),
        };
        Ok(Exchange { question, answer })
    }
}

impl Session {
    /// Reads the session in the file `path`.
    ///
    /// # Errors
    ///
    /// [`SessionError`]; each names the file.
    pub fn from_file(path: &Path) -> Result<Self, SessionError> {
        let file = path.display().to_string();
        match std::fs::read_to_string(path) {
            Ok(text) => Self::from_text(&file, &text),
            Err(error) => Err(SessionError::Read { file, error }),
        }
    }

    /// Reads the session `text`; `file` is its name in errors.
    ///
    /// # Errors
    ///
    /// [`SessionError::Syntax`] and [`SessionError::Request`].
    pub fn from_text(file: &str, text: &str) -> Result<Self, SessionError> {
        let file = || file.to_owned();
        let entries: Vec<Entry> =
            yaml_serde::from_str(text).map_err(|error| SessionError::Syntax {
                file: file(),
                error,
            })?;
        let exchanges = entries.into_iter().enumerate().map(|(index, entry)| {
            entry.exchange().map_err(|error| SessionError::Request {
                file: file(),
                number: index.saturating_add(1),
                error,
            })
        });
        exchanges
            .collect::<Result<_, _>>()
            .map(Mutex::new)
            .map(Self)
    }

    /// The answer to `question`, which uses the next exchange up whether it fits or not.
    ///
    /// # Errors
    ///
    /// The recorded error, or kwctl's text for a request that differs from the recorded one or comes after the last.
    pub fn replay(&self, question: &Question) -> Result<Vec<u8>, String> {
        let exchange = self
            .exchanges()
            .pop_front()
            .ok_or_else(|| "the list of recorded responses is empty".to_owned())?;
        if exchange.question != *question {
            return Err(format!(
                "Replay error: unexpected request. Was expecting {:?}, got {question:?} instead",
                exchange.question
            ));
        }
        exchange.answer
    }

    /// How many exchanges are left.
    pub fn left(&self) -> usize {
        self.exchanges().len()
    }

    fn exchanges(&self) -> MutexGuard<'_, VecDeque<Exchange>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SESSION: &str = r#"
- type: Exchange
  request: |
    !KubernetesGetResource
    api_version: v1
    kind: ServiceAccount
    name: fed-sa
    namespace: default
    disable_cache: false
  response:
    type: Success
    payload: '{"kind":"ServiceAccount"}'
- type: Exchange
  request: |
    !KubernetesGetResource
    api_version: v1
    kind: ServiceAccount
    name: other
    namespace: default
    disable_cache: true
    field_masks: [metadata.name]
  response:
    type: Error
    message: Cannot find it
"#;

    const PERMISSION: &str = r#"
- type: Exchange
  request: |
    !KubernetesCanI
    request:
      groups: [system:authenticated]
      resource_attributes: {group: g, resource: id, verb: use}
      user: system:serviceaccount:web:api
    disable_cache: true
  response:
    type: Success
    payload: '{"allowed":true}'
"#;

    /// The question in [`PERMISSION`], but for the group.
    fn permission(group: &str) -> Question {
        let payload = serde_json::json!({
            "subject_access_review": {
                "groups": ["system:authenticated"],
                "resource_attributes": {"group": group, "name": null, "resource": "id", "verb": "use"},
                "user": "system:serviceaccount:web:api",
            },
            "disable_cache": true,
        });
        Question::Permission(serde_json::from_value(payload).unwrap())
    }

    fn wanted(name: &str, disable_cache: bool, field_masks: Option<&str>) -> Question {
        Question::Object(GetResource {
            api_version: "v1".to_owned(),
            kind: "ServiceAccount".to_owned(),
            name: name.to_owned(),
            namespace: Some("default".to_owned()),
            disable_cache,
            field_masks: field_masks.map(|mask| [mask.to_owned()].into()),
        })
    }

    #[test]
    fn replays_in_order() {
        let session = Session::from_text("s.yml", SESSION).unwrap();
        assert_eq!(session.left(), 2);
        assert_eq!(
            session.replay(&wanted("fed-sa", false, None)),
            Ok(br#"{"kind":"ServiceAccount"}"#.to_vec())
        );
        assert_eq!(
            session.replay(&wanted("other", true, Some("metadata.name"))),
            Err("Cannot find it".to_owned())
        );
        assert_eq!(session.left(), 0);
        assert_eq!(
            session.replay(&wanted("fed-sa", false, None)),
            Err("the list of recorded responses is empty".to_owned())
        );
    }

    #[test]
    fn a_request_that_differs_is_an_error() {
        let session = Session::from_text("s.yml", SESSION).unwrap();
        assert_eq!(
            session.replay(&wanted("fed-sa", true, None)),
            Err(concat!(
                "Replay error: unexpected request. Was expecting KubernetesGetResource { api_version: \"v1\", ",
                "kind: \"ServiceAccount\", name: \"fed-sa\", namespace: Some(\"default\"), disable_cache: false, ",
                "field_masks: None }, got KubernetesGetResource { api_version: \"v1\", kind: \"ServiceAccount\", ",
                "name: \"fed-sa\", namespace: Some(\"default\"), disable_cache: true, field_masks: None } instead",
            )
            .to_owned())
        );
        assert_eq!(session.left(), 1);
    }

    #[test]
    fn replays_permissions() {
        let replay = |text: &str, question| {
            let session = Session::from_text("s.yml", text).unwrap();
            session.replay(&question)
        };
        assert_eq!(
            replay(PERMISSION, permission("g")),
            Ok(br#"{"allowed":true}"#.to_vec())
        );
        let printed = |group: &str| {
            format!(
                "KubernetesCanI {{ request: SubjectAccessReview {{ groups: Some([\"system:authenticated\"]), \
                 resource_attributes: ResourceAttributes {{ group: Some({group:?}), name: None, namespace: None, \
                 resource: \"id\", subresource: None, verb: \"use\", version: None }}, \
                 user: \"system:serviceaccount:web:api\" }}, disable_cache: true }}"
            )
        };
        let lookup = "KubernetesGetResource { api_version: \"v1\", kind: \"ServiceAccount\", name: \"fed-sa\", \
                      namespace: Some(\"default\"), disable_cache: false, field_masks: None }";
        for (text, question, expected, found) in [
            (PERMISSION, permission("G"), printed("g"), printed("G")),
            (SESSION, permission("g"), lookup.to_owned(), printed("g")),
            (
                PERMISSION,
                wanted("fed-sa", false, None),
                printed("g"),
                lookup.to_owned(),
            ),
        ] {
            assert_eq!(
                replay(text, question),
                Err(format!(
                    "Replay error: unexpected request. Was expecting {expected}, got {found} instead"
                ))
            );
        }
    }

    #[test]
    fn names_what_is_wrong_in_a_file() {
        for (text, expected) in [
            (
                "type: Exchange",
                "s.yml: expected a list of recorded exchanges: invalid type: map, expected a sequence",
            ),
            (
                "- type: Exchange",
                "s.yml: expected a list of recorded exchanges: .[0]: missing field `request` at line 1 column 3",
            ),
            (
                "- {request: '!OciManifest {image: a}', response: {type: Success, payload: ''}}",
                "s.yml, exchange 1: expected a !KubernetesGetResource or !KubernetesCanI request: \
                 unknown variant `OciManifest`, expected `KubernetesGetResource` or `KubernetesCanI`",
            ),
            (
                "- {request: '!KubernetesCanI {disable_cache: true}', response: {type: Error, message: ''}}",
                "s.yml, exchange 1: expected a !KubernetesGetResource or !KubernetesCanI request: \
                 missing field `request`",
            ),
        ] {
            assert_eq!(
                Session::from_text("s.yml", text).unwrap_err().to_string(),
                expected
            );
        }
        let missing = Session::from_file(Path::new("/no/such/file.yml"))
            .unwrap_err()
            .to_string();
        assert_eq!(
            missing,
            "cannot read the session /no/such/file.yml: No such file or directory (os error 2)"
        );
    }
}
