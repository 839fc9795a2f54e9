//! What Microsoft Entra ID knows of a cluster: federated identity credentials, and why a token is refused.

pub mod redaction;
pub mod claims;
pub mod refusal;
pub mod credential;
pub mod issuer;
pub mod existing;
pub mod comparison;
