//! What Microsoft Entra ID knows of a cluster: federated identity credentials, and why a token is refused.

#[cfg(feature = "native")]
pub mod redaction;
#[cfg(feature = "native")]
pub mod claims;
#[cfg(feature = "native")]
pub mod refusal;
pub mod credential;
pub mod issuer;
pub mod existing;
pub mod comparison;
