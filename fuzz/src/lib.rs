//! What the targets share: the generators and rules of the properties, and a cluster.

pub mod cluster;
#[path = "../../tests/generators/mod.rs"]
pub mod generators;
#[path = "../../tests/rules/mod.rs"]
pub mod rules;
