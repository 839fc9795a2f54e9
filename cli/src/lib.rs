//! Runs a Kubewarden policy module outside of a cluster, in the engine that Kubewarden itself uses.
//!
//! The rooms, from the ground up; a room knows only those before it:
//!
//! - [`input`] reads what people keep in files: manifests and settings;
//! - [`kubewarden`] is what Kubewarden does around a policy: the [engine](kubewarden::engine) that runs a module, the
//!   [answers](kubewarden::host_calls) to its calls, [requests](kubewarden::request) and
//!   [responses](kubewarden::response), the [manifests](kubewarden::policy_manifest) that deploy it;
//! - [`entra`] is what Microsoft Entra ID knows of a cluster: federated identity credentials;
//! - [`commands`] are the commands of the program, [`output`] is what they print, and [`command_line`] is the program;
//! - [`playground`] is what a page in a browser makes of texts.
//!
//! ```no_run
//! use azwi_policy::input::settings::SettingsValue;
//! use azwi_policy::kubewarden::engine::{Engine, Module};
//! use azwi_policy::kubewarden::host_calls::{Answers, HostCalls};
//! use azwi_policy::kubewarden::policy::Policy;
//! use azwi_policy::kubewarden::request::AdmissionRequest;
//! use azwi_policy::kubewarden::service_accounts::ServiceAccounts;
//! use serde_json::json;
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let module = Module::from_file(&Engine::new()?, "policy.wasm".as_ref())?;
//! let accounts = ServiceAccounts::new([json!({
//!     "apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "app", "namespace": "default"},
//! })]);
//! let host = HostCalls::new(Answers::Cluster(accounts.into())).grant("v1", "ServiceAccount");
//! let policy = Policy::new(&module, SettingsValue::default(), host);
//! policy.check_settings()?;
//! let pod = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "app"}, "spec": {"containers": []}});
//! let review = policy.review(&AdmissionRequest::pod_creation("default", pod));
//! println!("{}", serde_json::to_string(&review.response)?);
//! # Ok(())
//! # }
//! ```

#![cfg_attr(
    test,
    allow(
        clippy::arithmetic_side_effects,
        clippy::expect_used,
        clippy::indexing_slicing,
        clippy::panic,
        clippy::string_slice,
        clippy::unreachable,
        clippy::unwrap_used,
        reason = "a test fails by panicking"
    )
)]

mod text;
pub mod input;
pub mod kubewarden;
pub mod entra;
pub mod commands;
pub mod output;
pub mod playground;
#[cfg(feature = "native")]
pub mod command_line;
