//! What a policy asks of the Kubernetes API.

use std::fmt;

use crate::kubewarden::can_i::CanI;
use crate::kubewarden::get_resource::GetResource;

/// A question for the Kubernetes API.
#[derive(Clone, PartialEq, Eq)]
pub enum Question {
    /// What an object is.
    Object(GetResource),
    /// Whether someone is permitted something.
    Permission(CanI),
}

/// A question and its answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exchange {
    /// The question.
    pub question: Question,
    /// The object or a `SubjectAccessReviewStatus`, as JSON, or the text of the error.
    pub answer: Result<Vec<u8>, String>,
}

impl fmt::Debug for Question {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Object(wanted) => wanted.fmt(f),
            Self::Permission(wanted) => wanted.fmt(f),
        }
    }
}
