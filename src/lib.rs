//! A Kubewarden policy that gives pods their Azure identity.
//!
//! [`review`](review::review) decides, from nothing but the request, the settings and the ServiceAccount.
//!
//! The rooms, from the ground up; a room knows only those before it:
//!
//! - [`keys`], [`layout`], [`injectors`], [`values`], [`messages`] and [`json`] know nothing of the policy;
//! - [`pod_paths`] is where objects of other kinds say what their pods are;
//! - [`findings`] is all that can be wrong, [`settings`] and [`objects`] are what is read;
//! - [`identity`] is whose identity a pod gets, [`injection`] what it lacks of it;
//! - [`verdict`] is the answer, and [`review`] comes to it;
//! - `guest` is the boundary around it.

#![cfg_attr(
    test,
    allow(
        clippy::arithmetic_side_effects,
        clippy::expect_used,
        clippy::indexing_slicing,
        clippy::panic,
        clippy::string_slice,
        clippy::unreachable,
        reason = "a test fails by panicking"
    )
)]

pub mod keys;
pub mod layout;
pub mod injectors;
pub mod values;
pub mod messages;
mod json;
pub mod pod_paths;
pub mod findings;
pub mod settings;
pub mod objects;
pub mod identity;
pub mod injection;
pub mod verdict;
pub mod review;
#[cfg(not(target_os = "unknown"))]
mod guest;
