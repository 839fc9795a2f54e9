//! The commands of the program, each with its arguments.

pub mod annotate;
pub mod arguments;
pub mod complaints;
pub mod credentials;
pub mod diagnose;
pub mod grant;
pub mod inject;
pub mod inventory;
pub mod issuer;
pub mod migrate;
pub mod preview;
pub mod run;
pub mod test;
