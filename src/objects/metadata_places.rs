//! The places of a pod's labels and annotations, for the few pods in which they are changed.

use std::borrow::Cow;

use crate::json::{Collection, Edits, Fault, Fields, Place, Reader, Span, string};

/// Where labels and annotations are, and can be added.
#[derive(Clone, Debug)]
pub struct MetadataPlaces<'a> {
    object: Collection,
    labels: Entries<'a>,
    annotations: Entries<'a>,
}

/// How many bytes all annotations of an object may have in Kubernetes.
const LARGEST_ANNOTATIONS: usize = 262_144;

/// The labels or the annotations that are looked for.
#[derive(Clone, Debug)]
struct Entries<'a> {
    place: Place,
    found: Vec<Entry<'a>>,
}

/// A label or annotation: its key, its value as JSON, and the place of that.
type Entry<'a> = (String, &'a str, Span);

impl<'a> MetadataPlaces<'a> {
    /// Finds the places in metadata, and the entries with these keys.
    ///
    /// # Errors
    ///
    /// A [`Fault`] if it is not an object with labels and annotations.
    #[inline(never)]
    pub fn read(reader: &mut Reader<'a>, keys: &[&str]) -> Result<Self, Fault> {
        let none = || Entries {
            place: Place::Missing,
            found: Vec::new(),
        };
        let (mut labels, mut annotations) = (none(), none());
        let object = reader.object("an object", |key, reader| {
            match key {
                "labels" => labels = Entries::read(reader, keys)?,
                "annotations" => annotations = Entries::read(reader, keys)?,
                _ => {
                    reader.skip()?;
                }
            }
            Ok(())
        })?;
        Ok(Self {
            object: object.ok_or_else(|| Fault::new("an object", "null"))?,
            labels,
            annotations,
        })
    }

    /// Whether the entries can be set: they are strings, and the annotations stay as small as Kubernetes allows if they grow by so
    /// many bytes.
    pub fn can_grow_by(&self, bytes: usize) -> bool {
        if !self.labels.are_strings() || !self.annotations.are_strings() {
            return false;
        }
        let length = match self.annotations.place {
            Place::Present(object) => object.span.end.saturating_sub(object.span.start),
            Place::Missing | Place::Null(_) => 0,
        };
        length.saturating_add(bytes) <= LARGEST_ANNOTATIONS
    }

    /// The value of an annotation that was looked for.
    pub fn annotation(&self, key: &str) -> Option<Cow<'a, str>> {
        let (_, value, _) = self.annotations.entry(key)?;
        Some(text(value))
    }

    /// Sets labels and annotations, each given by its key and value.
    #[inline(never)]
    pub fn set(&self, labels: &[(&str, &str)], annotations: &[(&str, &str)], edits: &mut Edits) {
        let mut new_fields = Fields::default();
        self.labels.set("labels", labels, edits, &mut new_fields);
        self.annotations
            .set("annotations", annotations, edits, &mut new_fields);
        edits.add_fields(self.object, new_fields);
    }
}

impl<'a> Entries<'a> {
    #[inline(never)]
    fn read(reader: &mut Reader<'a>, keys: &[&str]) -> Result<Self, Fault> {
        if let Some(span) = reader.null() {
            return Ok(Self {
                place: Place::Null(span),
                found: Vec::new(),
            });
        }
        let mut found = Vec::new();
        let object = reader.object("an object of strings", |key, reader| {
            if !keys.contains(&key) {
                return reader.skip().map(|_| ());
            }
            let span = reader.clone().skip()?;
            found.push((key.to_owned(), reader.raw()?, span));
            Ok(())
        })?;
        Ok(Self {
            place: object.map_or(Place::Missing, Place::Present),
            found,
        })
    }

    /// Whether those that were looked for are strings, or null.
    fn are_strings(&self) -> bool {
        let mut found = self.found.iter();
        found.all(|(_, value, _)| value.starts_with('"') || Reader::new(value).null().is_some())
    }

    /// The entry of this key: of two, the last one counts.
    fn entry(&self, key: &str) -> Option<&Entry<'a>> {
        self.found.iter().rev().find(|(found, ..)| found == key)
    }

    fn set(&self, key: &str, entries: &[(&str, &str)], edits: &mut Edits, new_fields: &mut Fields) {
        let mut new = Fields::default();
        for (key, value) in entries {
            match self.entry(key) {
                Some((_, old, _)) if is_text(old, value) => {}
                Some((.., span)) => edits.replace(*span, string(value)),
                None => new.set_string(key, value),
            }
        }
        match self.place {
            _ if new.is_empty() => {}
            Place::Present(object) => edits.add_fields(object, new),
            Place::Null(span) => edits.replace(span, new.into_object()),
            Place::Missing => new_fields.set_object(key, new),
        }
    }
}

/// A string that is given as JSON; empty if it is none, which is Kubernetes' business.
fn text(json: &str) -> Cow<'_, str> {
    Reader::new(json).string("a string").unwrap_or_default()
}

/// Whether JSON is this string. One that is much longer is not read.
fn is_text(json: &str, expected: &str) -> bool {
    /// The length of the longest escape of a byte.
    const ESCAPE: usize = 6;
    let longest = expected.len().saturating_mul(ESCAPE).saturating_add(2);
    json.len() <= longest && json.starts_with('"') && text(json) == expected
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::Edited;

    fn set(text: &str) -> String {
        let places =
            MetadataPlaces::read(&mut Reader::new(text), &["a/b", "c", "d"]).expect("places");
        let mut edits = Edits::default();
        places.set(&[("c", "1")], &[("a/b", "\"2\""), ("d", "3")], &mut edits);
        let span = Span {
            start: 0,
            end: text.len(),
        };
        let mut out = Vec::new();
        Edited::new(text, span, edits).write_to(&mut out);
        String::from_utf8(out).expect("text")
    }

    #[test]
    fn what_is_not_there_is_added_and_the_rest_replaced() {
        for (text, expected) in [
            (
                "{}",
                r#"{"labels":{"c":"1"},"annotations":{"a/b":"\"2\"","d":"3"}}"#,
            ),
            (
                r#"{"annotations":null,"labels":{},"name":"x"}"#,
                r#"{"annotations":{"a/b":"\"2\"","d":"3"},"labels":{"c":"1"},"name":"x"}"#,
            ),
            (
                r#"{"annotations":{"a/b": "x" ,"y":1},"labels":{"c":"1"}}"#,
                r#"{"annotations":{"a/b": "\"2\"" ,"y":1,"d":"3"},"labels":{"c":"1"}}"#,
            ),
            (
                r#"{"labels":{"c":null,"c":"0"},"annotations":{"d":"3"}}"#,
                r#"{"labels":{"c":null,"c":"1"},"annotations":{"d":"3","a/b":"\"2\""}}"#,
            ),
        ] {
            assert_eq!(set(text), expected);
        }
    }

    #[test]
    fn they_grow_if_they_are_strings_and_there_is_room() {
        for (text, bytes, expected) in [
            ("{}", LARGEST_ANNOTATIONS, true),
            ("{}", LARGEST_ANNOTATIONS + 1, false),
            (
                r#"{"annotations": {"x":[]}}"#,
                LARGEST_ANNOTATIONS - 8,
                true,
            ),
            (
                r#"{"annotations": {"x":[]}}"#,
                LARGEST_ANNOTATIONS - 7,
                false,
            ),
            (
                r#"{"labels":{"c": null },"annotations":{"d": "1"}}"#,
                9,
                true,
            ),
            (r#"{"labels":{"c":1}}"#, 9, false),
            (r#"{"annotations":{"a/b": ["1"]}}"#, 9, false),
        ] {
            let places = MetadataPlaces::read(&mut Reader::new(text), &["a/b", "c", "d"]);
            assert_eq!(
                places.expect("places").can_grow_by(bytes),
                expected,
                "{text}"
            );
        }
    }

    #[test]
    fn what_has_another_shape_is_a_fault() {
        for text in ["null", "[]", r#"{"labels":[]}"#] {
            assert!(
                MetadataPlaces::read(&mut Reader::new(text), &["c"]).is_err(),
                "{text}"
            );
        }
    }
}
