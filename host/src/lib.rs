//! Runs a Kubewarden policy module outside of a cluster, in the engine that Kubewarden itself uses.
//!
//! The layers, from the bottom:
//!
//! - [`engine`] compiles a module and calls it, a fresh instance for each call;
//! - [`host_calls`] answers what the module asks of its host, from [`service_accounts`] or a recorded [`session`];
//! - [`policy`] puts a module, its [`settings`] and its host together and reviews [`request`]s into [`response`]s;
//! - [`manifests`], [`workload`], [`policy_manifest`] and [`scope`] turn what people keep in files into requests and
//!   settings;
//! - [`sections`] and [`metadata`] read and write what a module says about itself;
//! - [`cli`] and its commands [`preview`] (whose output is in [`report`]), [`run`] and [`annotate`] are the program.
//!
//! ```no_run
//! use policy_host::{
//!     engine::{Engine, Module},
//!     host_calls::{Answers, HostCalls},
//!     policy::Policy,
//!     request::AdmissionRequest,
//!     service_accounts::ServiceAccounts,
//!     settings::Settings,
//! };
//! use serde_json::json;
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let module = Module::from_file(&Engine::new()?, "policy.wasm".as_ref())?;
//! let accounts = ServiceAccounts::new([json!({
//!     "apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "app", "namespace": "default"},
//! })]);
//! let host = HostCalls::new(Answers::ServiceAccounts(accounts)).grant("v1", "ServiceAccount");
//! let policy = Policy::new(&module, Settings::default(), host);
//! policy.check_settings()?;
//! let pod = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "app"}, "spec": {"containers": []}});
//! let review = policy.review(&AdmissionRequest::pod_creation("default", pod));
//! println!("{}", serde_json::to_string(&review.response)?);
//! # Ok(())
//! # }
//! ```

#![deny(missing_docs)]

pub mod annotate;
pub mod capabilities;
pub mod cli;
pub mod engine;
pub mod host_calls;
pub mod manifests;
pub mod metadata;
pub mod policy;
pub mod policy_manifest;
pub mod preview;
pub mod report;
pub mod request;
pub mod response;
pub mod run;
pub mod scope;
pub mod sections;
pub mod service_accounts;
pub mod session;
pub mod settings;
pub mod workload;
