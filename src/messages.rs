//! How messages name things: objects, pieces of users' texts, and the known word that is nearest to an unknown one.
//!
//! # Invariants
//!
//! - What came from outside gets into a message only as an [`Excerpt`]: cut, and without control characters.

mod excerpt;
mod object_name;
mod nearest;

pub use excerpt::Excerpt;
pub use nearest::nearest;
pub use object_name::ObjectName;
