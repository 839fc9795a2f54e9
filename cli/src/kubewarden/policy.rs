//! A policy: a module, its settings, and the host that answers its calls.

use std::mem;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::Deserialize;
use serde_json::{Value, json};
use thiserror::Error;

use crate::input::settings::SettingsValue;
use crate::kubewarden::guest::{CallError, Guest};
use crate::kubewarden::host_calls::HostCalls;
use crate::kubewarden::question::Exchange;
use crate::kubewarden::request::AdmissionRequest;
use crate::kubewarden::response::{AdmissionResponse, ValidationResponse};

/// Why settings cannot be used.
#[derive(Debug, Error)]
pub enum SettingsCheckError {
    /// The policy rejects them; the text says why.
    #[error("{0}")]
    Invalid(String),
    /// The policy fails on them.
    #[error("Error invoking settings validation callback: GuestCallFailure({0:?})")]
    Failed(String),
    /// The module does not run at all.
    #[error(transparent)]
    Call(CallError),
}

/// A module that does not say which protocol it speaks.
#[derive(Debug, Error)]
pub enum ProtocolError {
    /// The module does not answer.
    #[error("cannot ask the module for its protocol version: {0}")]
    Call(CallError),
    /// The module answers something else than `"v1"`.
    #[error("expected the module's protocol version to be \"v1\", found {0}")]
    Version(String),
}

/// A policy, ready to review requests.
pub struct Policy {
    module: Box<dyn Guest>,
    settings: SettingsValue,
    host: Arc<HostCalls>,
}

/// One review.
#[derive(Debug, Clone, PartialEq)]
pub struct Review {
    /// What the API server gets.
    pub response: AdmissionResponse,
    /// What the policy was asked.
    pub payload: Vec<u8>,
    /// What the policy itself answered; `None` if it failed.
    pub answer: Option<Vec<u8>>,
    /// What it asked of the Kubernetes API, in its order.
    pub exchanges: Vec<Exchange>,
}

/// The answer of a policy's `validate_settings`.
#[derive(Deserialize)]
struct SettingsValidation {
    valid: bool,
    message: Option<String>,
}

impl Policy {
    /// A policy of these parts.
    pub fn new<Module: Guest + Clone + 'static>(
        module: &Module,
        settings: SettingsValue,
        host: HostCalls,
    ) -> Self {
        Self {
            module: Box::new(module.clone()),
            settings,
            host: Arc::new(host),
        }
    }

    /// The host that answers this policy's calls.
    pub fn host(&self) -> &HostCalls {
        &self.host
    }

    /// Asks the policy whether its settings are valid.
    ///
    /// # Errors
    ///
    /// [`SettingsCheckError`].
    pub fn check_settings(&self) -> Result<(), SettingsCheckError> {
        let invalid = |message| Err(SettingsCheckError::Invalid(message));
        let settings = match serde_json::to_vec(&self.settings) {
            Ok(settings) => settings,
            Err(error) => return invalid(format!("could not marshal settings: {error}")),
        };
        match self.module.call("validate_settings", &settings, &self.host) {
            Ok(answer) => match serde_json::from_slice::<SettingsValidation>(&answer) {
                Ok(SettingsValidation { valid: true, .. }) => Ok(()),
                Ok(SettingsValidation { message, .. }) => invalid(message.unwrap_or_default()),
                Err(error) => invalid(format!("error: InvalidResponseWithError({error:?})")),
            },
            Err(CallError::Failed(error)) => Err(SettingsCheckError::Failed(error)),
            Err(error) => Err(SettingsCheckError::Call(error)),
        }
    }

    /// Asks the policy about `request`, which it gets with sorted keys, as from a PolicyServer.
    ///
    /// A policy that fails rejects, as in a cluster.
    pub fn review(&self, request: &AdmissionRequest) -> Review {
        self.review_with(&self.settings, request)
    }

    /// What [`Policy::review`] would give if a setting had another value.
    pub fn review_if(&self, setting: &str, value: Value, request: &AdmissionRequest) -> Review {
        self.review_with(&self.settings.clone().with_value(setting, value), request)
    }

    fn review_with(&self, settings: &SettingsValue, request: &AdmissionRequest) -> Review {
        let mut payload = json!({"request": request, "settings": settings});
        payload.sort_all_objects();
        let payload = payload.to_string().into_bytes();
        let noted = Arc::new(Mutex::new(Vec::new()));
        let host = Arc::clone(&self.host);
        let notes = Arc::clone(&noted);
        let outcome = self.module.call_answered_by(
            "validate",
            &payload,
            Box::new(move |binding, namespace, operation, payload| {
                host.answer_noting(binding, namespace, operation, payload, &|exchange| {
                    locked(&notes).push(exchange);
                })
            }),
        );
        let exchanges = mem::take(&mut *locked(&noted));
        let (response, answer) = match outcome {
            Ok(answer) => (Self::response(request, &answer), Some(answer)),
            Err(error @ CallError::TimedOut) => {
                let message = error.to_string();
                let uid = &request.uid;
                (AdmissionResponse::rejection(uid, message, Some(500)), None)
            }
            Err(error) => {
                let error = error.to_string();
                let uid = &request.uid;
                (AdmissionResponse::internal_server_error(uid, &error), None)
            }
        };
        Review {
            response,
            payload,
            answer,
            exchanges,
        }
    }

    /// What Kubewarden makes of the policy's answer.
    fn response(request: &AdmissionRequest, answer: &[u8]) -> AdmissionResponse {
        let uid = &request.uid;
        match serde_json::from_slice::<ValidationResponse>(answer) {
            Ok(verdict) => AdmissionResponse::from_verdict(uid, request.object.as_ref(), &verdict),
            Err(error) => {
                let error = format!("invalid response from policy: {error}");
                AdmissionResponse::internal_server_error(uid, &error)
            }
        }
    }
}

/// Nothing leaves the list half changed, not even a panic.
fn locked(exchanges: &Mutex<Vec<Exchange>>) -> MutexGuard<'_, Vec<Exchange>> {
    exchanges.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Asks `module` for the version of the protocol that it speaks, which is `v1`.
///
/// # Errors
///
/// [`ProtocolError`].
pub fn protocol_version(module: &impl Guest, host: HostCalls) -> Result<String, ProtocolError> {
    let answer = module
        .call("protocol_version", &[], &Arc::new(host))
        .map_err(ProtocolError::Call)?;
    match serde_json::from_slice::<String>(&answer) {
        Ok(version) if version == "v1" => Ok(version),
        _ => Err(ProtocolError::Version(
            String::from_utf8_lossy(&answer).into_owned(),
        )),
    }
}
