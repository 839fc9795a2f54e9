//! Objects whose labels and annotations are read.

use super::Metadata;
use crate::findings::About;

/// The labels and annotations of an object, and what findings about them are about.
#[derive(Clone, Copy, Debug)]
pub struct Annotated<'m> {
    /// The object.
    pub about: &'m About,
    /// Its metadata.
    pub metadata: &'m Metadata<'m>,
}
