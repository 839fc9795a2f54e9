//! The commands of the program, each with its arguments.

#[cfg(feature = "native")]
pub mod annotate;
pub mod arguments;
pub mod complaints;
pub mod credentials;
#[cfg(feature = "native")]
pub mod diagnose;
#[cfg(feature = "native")]
pub mod grant;
#[cfg(feature = "native")]
pub mod inject;
#[cfg(feature = "native")]
pub mod inventory;
#[cfg(feature = "native")]
pub mod issuer;
#[cfg(feature = "native")]
pub mod migrate;
pub mod preview;
#[cfg(feature = "native")]
pub mod run;
pub mod settings;
#[cfg(feature = "native")]
pub mod test;
