//! What Kubewarden does around a policy: PolicyServer's side of a review, and the resources that deploy a policy.

pub mod capabilities;
pub mod get_resource;
pub mod can_i;
pub mod question;
pub mod request;
pub mod service_accounts;
pub mod rbac;
pub mod cluster;
pub mod session;
pub mod host_calls;
pub mod guest;
pub mod sections;
#[cfg(feature = "native")]
pub mod engine;
#[cfg(feature = "native")]
pub mod own_module;
pub mod response;
pub mod policy;
pub mod policy_metadata;
pub mod match_conditions;
pub mod scope;
pub mod policy_manifest;
