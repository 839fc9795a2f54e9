//! Objects with a name, as the lists of a pod hold them.

use std::borrow::Cow;

use crate::json::{Fault, Reader};

/// Reads an object that has a `name`, and passes its other fields to `each`.
///
/// # Errors
///
/// A [`Fault`] if it is not an object or has no name, or as `each` gives it.
pub fn read_named<'a>(
    reader: &mut Reader<'a>,
    expected: &'static str,
    mut each: impl FnMut(&str, &mut Reader<'a>) -> Result<(), Fault>,
) -> Result<Cow<'a, str>, Fault> {
    let mut name = None;
    reader.object(expected, |key, reader| {
        if key == "name" {
            name = Some(reader.string("a name")?);
            return Ok(());
        }
        each(key, reader)
    })?;
    name.ok_or_else(|| Fault::missing("a name").in_field("name"))
}
