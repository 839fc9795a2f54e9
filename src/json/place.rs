//! Places of values in a text.

/// The place of a value in the text: offsets in bytes, the end exclusive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// Offset of the first byte.
    pub start: usize,
    /// Offset after the last byte.
    pub end: usize,
}

/// An object or a list as a place to add to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Collection {
    /// Its place, brackets included.
    pub span: Span,
    /// Whether there is nothing between its brackets.
    pub is_empty: bool,
}

/// A list in an object: its items, and where more can be added.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct List<T> {
    /// The items.
    pub items: Vec<T>,
    /// The place of the list.
    pub place: Place,
}

/// The place of a list in its object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// The object has no such field.
    Missing,
    /// The field is null.
    Null(Span),
    /// The field is a list.
    Present(Collection),
}

impl<T> Default for List<T> {
    fn default() -> Self {
        Self {
            items: Vec::new(),
            place: Place::Missing,
        }
    }
}
