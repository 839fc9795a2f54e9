//! The guest of waPC, which is the policy's module, as its host sees it: something to call, whichever engine runs it.

use std::sync::Arc;

use thiserror::Error;

use crate::kubewarden::host_calls::HostCalls;

/// Answers a host call, which has a binding, a namespace, an operation and a payload; or says why not.
pub type HostAnswer = Box<dyn Fn(&str, &str, &str, &[u8]) -> Result<Vec<u8>, String> + Send + Sync>;

/// Why a module could not be started or called.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum CallError {
    /// No instance of the module could be made: it lacks waPC's exports, or its initialisation failed.
    #[error("cannot build Wapc host: {0}")]
    Start(String),
    /// The call took longer than it may.
    #[error("Policy execution interrupted because it exceeded the allowed execution time")]
    TimedOut,
    /// The module reported an error, or trapped.
    #[error("Guest call failure: {0}")]
    Failed(String),
    /// The module broke the calling convention, for example with an address outside of its memory.
    #[error("the module broke the waPC calling convention: {0}")]
    Convention(String),
}

/// A module that is ready to be called.
pub trait Guest: Send + Sync {
    /// Calls the waPC function `operation` of a fresh instance with `payload`, and gives its answer back. The instance's own
    /// calls go to `answer`.
    ///
    /// # Errors
    ///
    /// [`CallError`]. No module, however broken, makes this panic.
    fn call_answered_by(
        &self,
        operation: &str,
        payload: &[u8],
        answer: HostAnswer,
    ) -> Result<Vec<u8>, CallError>;

    /// As [`Guest::call_answered_by`], answered by `host`.
    ///
    /// # Errors
    ///
    /// As [`Guest::call_answered_by`].
    fn call(
        &self,
        operation: &str,
        payload: &[u8],
        host: &Arc<HostCalls>,
    ) -> Result<Vec<u8>, CallError> {
        let host = Arc::clone(host);
        let answer = move |binding: &str, namespace: &str, operation: &str, payload: &[u8]| {
            host.answer(binding, namespace, operation, payload)
        };
        self.call_answered_by(operation, payload, Box::new(answer))
    }
}

impl Guest for Arc<dyn Guest> {
    fn call_answered_by(
        &self,
        operation: &str,
        payload: &[u8],
        answer: HostAnswer,
    ) -> Result<Vec<u8>, CallError> {
        (**self).call_answered_by(operation, payload, answer)
    }
}
