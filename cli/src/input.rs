//! What people keep in files: manifests, and the policy's settings.

pub mod lines;
pub mod fields;
pub mod manifests;
pub mod found;
#[cfg(feature = "native")]
pub mod rendered;
#[cfg(feature = "native")]
pub mod files;
pub mod settings;
pub mod workload;
pub mod pod_templates;
