//! What is wrong with a request or the settings, as data.
//!
//! # Invariants
//!
//! - A finding holds no finished prose: [`Finding`]'s `Display` is the one place where its text is made, and
//!   `docs/messages.md` is made from it.
//! - What is kept does not grow with the request: texts are [`Excerpt`](crate::messages::Excerpt)s, and
//!   [`Findings`] counts what goes beyond what an answer holds.

mod about;
mod problem;
mod finding;
mod collection;
#[cfg(test)]
mod manual;

pub use about::{About, PodName};
pub use collection::{Findings, REASONS, WARNINGS};
pub use finding::{Finding, Severity, fitted};
pub use problem::{
    CameLater, Found, IDENTITIES_OF_A_POD, IdSource, LARGEST_GROWTH, LARGEST_POD, LookupError,
    Named, Permission, PermissionError, Place, Problem,
};
