//! Edits of a text, and the edited text.

use super::place::{Collection, Place, Span};
use super::reader::item_spans;
use super::writer::{Fields, joined};

/// Edits of a text, each at a place that a [`Reader`](super::Reader) gave, in the order of the text.
///
/// Each place can be edited once: a second addition to an empty collection would not know of the first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Edits(Vec<(Span, String)>);

/// Where new items go in a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// Before the others.
    Front,
    /// After the others.
    Back,
}

impl Edits {
    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Adds fields after the last one of an object.
    pub fn add_fields(&mut self, object: Collection, fields: Fields) {
        if let Some(fields) = fields.without_bracket() {
            self.add(object, End::Back, &[fields]);
        }
    }

    /// Adds items, each as JSON, to a list.
    ///
    /// If its object has no such list, the field `key` with the list is added to `new_fields` instead.
    pub fn add_items(
        &mut self,
        place: Place,
        key: &str,
        end: End,
        items: &[&str],
        new_fields: &mut Fields,
    ) {
        if items.is_empty() {
            return;
        }
        match place {
            Place::Present(list) => self.add(list, end, items),
            Place::Null(span) => self.replace(span, joined("[", items, "]")),
            Place::Missing => new_fields.set_list(key, items),
        }
    }

    /// Adds items or fields.
    fn add(&mut self, collection: Collection, end: End, members: &[&str]) {
        let at = match end {
            End::Front => collection.span.start.saturating_add(1),
            End::Back => collection.span.end.saturating_sub(1),
        };
        let (open, close) = match end {
            _ if collection.is_empty => ("", ""),
            End::Front => ("", ","),
            End::Back => (",", ""),
        };
        self.replace(Span { start: at, end: at }, joined(open, members, close));
    }

    /// Replaces or removes items of a list, each given by its index, in order, and its new JSON; and gives the list as a place
    /// to add to then.
    ///
    /// It works beside edits within other items.
    #[inline(never)]
    pub fn change_items(
        &mut self,
        text: &str,
        place: Place,
        changes: &[(usize, Option<&str>)],
    ) -> Place {
        let Place::Present(list) = place else {
            return place;
        };
        if changes.is_empty() {
            return place;
        }
        let spans = item_spans(text, list.span);
        let mut changes = changes.iter().peekable();
        let mut is_empty = true;
        for (index, span) in spans.iter().enumerate() {
            let change = changes.next_if(|(at, _)| *at == index);
            let Some((_, None)) = change else {
                is_empty = false;
                if let Some((_, Some(json))) = change {
                    self.replace(*span, (*json).to_owned());
                }
                continue;
            };
            let previous = index.checked_sub(1).and_then(|index| spans.get(index));
            let removed = match previous.filter(|_| !is_empty) {
                Some(previous) => Span {
                    start: previous.end,
                    end: span.end,
                },
                None => Span {
                    start: span.start,
                    end: spans
                        .get(index.saturating_add(1))
                        .map_or(span.end, |next| next.start),
                },
            };
            self.replace(removed, String::new());
        }
        Place::Present(Collection { is_empty, ..list })
    }

    /// Puts `text` in the place of the value at `span`.
    pub fn replace(&mut self, span: Span, text: String) {
        // Most edits come in the order of the text.
        let at = self
            .0
            .partition_point(|(other, _)| other.start <= span.start);
        debug_assert!(
            self.0
                .get(at.wrapping_sub(1))
                .is_none_or(|(other, _)| other.end <= span.start && *other != span),
            "an edit that overlaps another, or a place that is edited twice"
        );
        debug_assert!(
            self.0
                .get(at)
                .is_none_or(|(other, _)| span.end <= other.start),
            "an edit that overlaps another"
        );
        self.0.insert(at, (span, text));
    }
}

/// A text and edits to it. They are applied while it is written, so that the text is copied once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edited<'a> {
    text: &'a str,
    edits: Vec<(Span, String)>,
}

impl<'a> Edited<'a> {
    /// The part of `text` at `span`, with the edits applied. Edits outside of `span` are ignored.
    pub fn new(text: &'a str, span: Span, mut edits: Edits) -> Self {
        let Span { start, end } = span;
        let is_inside = |(span, _): &(Span, String)| start <= span.start && span.end <= end;
        debug_assert!(edits.0.iter().all(is_inside), "an edit outside of the text");
        edits.0.retain(is_inside);
        for (span, _) in &mut edits.0 {
            span.start = span.start.saturating_sub(start);
            span.end = span.end.saturating_sub(start);
        }
        Self {
            text: text.get(start..end).unwrap_or_default(),
            edits: edits.0,
        }
    }

    /// Its length in bytes at most: what edits replace is counted too.
    pub fn length_at_most(&self) -> usize {
        let added = self.edits.iter().map(|(_, text)| text.len()).sum();
        self.text.len().saturating_add(added)
    }

    /// Writes it.
    pub fn write_to(&self, out: &mut Vec<u8>) {
        let bytes = self.text.as_bytes();
        let mut done = 0;
        for (span, text) in &self.edits {
            let Some(kept) = bytes.get(done..span.start) else {
                continue;
            };
            out.extend_from_slice(kept);
            out.extend_from_slice(text.as_bytes());
            done = span.end;
        }
        out.extend_from_slice(bytes.get(done..).unwrap_or_default());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::Reader;

    fn applied(text: &str, edits: Edits) -> String {
        let span = Span {
            start: 0,
            end: text.len(),
        };
        let edited = Edited::new(text, span, edits);
        let mut out = Vec::new();
        edited.write_to(&mut out);
        assert!(out.len() <= edited.length_at_most());
        String::from_utf8(out).expect("text")
    }

    #[test]
    fn a_part_of_a_text_is_edited_by_places_in_the_whole() {
        let mut edits = Edits::default();
        edits.replace(Span { start: 5, end: 6 }, "x".to_owned());
        let edited = Edited::new("012345678", Span { start: 3, end: 8 }, edits);
        let mut out = Vec::new();
        edited.write_to(&mut out);
        assert_eq!(out, b"34x67");
    }

    #[test]
    fn edits_leave_everything_else_as_it_was() {
        let text = r#"{ "empty": [ ], "some":[1.0, 2 ],"first":[ 1],"null":null , "x":{"y":1},"first of none":[ ],"e":{ }}"#;
        let mut edits = Edits::default();
        let mut fields = Fields::default();
        let items = ["8", "9"];
        Reader::new(text)
            .object("an object", |key, reader| {
                let end = if key.starts_with("first") {
                    End::Front
                } else {
                    End::Back
                };
                if key == "x" || key == "e" {
                    let mut new = Fields::default();
                    new.set_string("z", "2");
                    new.set_json("w", "3");
                    let object =
                        reader.object("an object", |_, reader| reader.skip().map(|_| ()))?;
                    edits.add_fields(object.expect("an object"), new);
                    return Ok(());
                }
                let list = reader.items("a list", |_, reader| reader.skip())?;
                edits.add_items(list.place, key, end, &items, &mut fields);
                Ok(())
            })
            .expect("an object");
        edits.add_items(Place::Missing, "new", End::Front, &items, &mut fields);
        edits.add_items(Place::Missing, "none", End::Back, &[], &mut fields);
        assert!(!edits.is_empty());
        assert_eq!(fields.into_object(), r#"{"new":[8,9]}"#);
        assert_eq!(
            applied(text, edits),
            r#"{ "empty": [ 8,9], "some":[1.0, 2 ,8,9],"first":[8,9, 1],"null":[8,9] , "x":{"y":1,"z":"2","w":3},"first of none":[8,9 ],"e":{ "z":"2","w":3}}"#
        );
    }

    #[test]
    fn adding_no_fields_changes_nothing() {
        let mut edits = Edits::default();
        let span = Span { start: 0, end: 2 };
        let is_empty = true;
        edits.add_fields(Collection { span, is_empty }, Fields::default());
        assert!(edits.is_empty());
    }

    #[test]
    #[should_panic(expected = "an edit outside of the text")]
    fn an_edit_outside_of_the_text_is_a_mistake() {
        let mut edits = Edits::default();
        edits.replace(Span { start: 90, end: 99 }, "x".to_owned());
        applied("[1]", edits);
    }

    #[test]
    #[should_panic(expected = "edited twice")]
    fn a_collection_that_is_added_to_twice_is_a_mistake() {
        let collection = Collection {
            span: Span { start: 0, end: 2 },
            is_empty: true,
        };
        let mut edits = Edits::default();
        edits.add(collection, End::Back, &["1"]);
        edits.add(collection, End::Back, &["2"]);
    }

    #[test]
    #[should_panic(expected = "overlaps")]
    fn edits_that_overlap_are_a_mistake() {
        let mut edits = Edits::default();
        edits.replace(Span { start: 5, end: 9 }, "x".to_owned());
        edits.replace(Span { start: 2, end: 6 }, "y".to_owned());
    }

    #[test]
    fn items_are_replaced_and_removed_beside_other_edits() {
        for (changes, expected) in [
            (&[][..], r#"[ 1, "x" ,[3] ,9]"#),
            (&[(0, None)], r#"[ "x" ,[3] ,9]"#),
            (&[(1, None)], r#"[ 1 ,[3] ,9]"#),
            (&[(2, None)], r#"[ 1, "x" ,9]"#),
            (&[(0, None), (1, None)], r#"[ [3] ,9]"#),
            (&[(1, None), (2, None)], r#"[ 1 ,9]"#),
            (&[(0, None), (2, None)], r#"[ "x" ,9]"#),
            (&[(0, Some("5")), (2, None)], r#"[ 5, "x" ,9]"#),
            (&[(0, None), (2, Some("5"))], r#"[ "x" ,5 ,9]"#),
            (&[(0, None), (1, None), (2, None)], r#"[  9]"#),
        ] {
            let text = r#"[ 1, "a" ,[3] ]"#;
            let list = Collection {
                span: Span {
                    start: 0,
                    end: text.len(),
                },
                is_empty: false,
            };
            let mut edits = Edits::default();
            let place = edits.change_items(text, Place::Present(list), changes);
            if !changes.iter().any(|(index, _)| *index == 1) {
                edits.replace(Span { start: 5, end: 8 }, r#""x""#.to_owned());
            }
            edits.add_items(place, "", End::Back, &["9"], &mut Fields::default());
            assert_eq!(applied(text, edits), expected);
        }
        let mut edits = Edits::default();
        let place = edits.change_items("", Place::Missing, &[(0, None)]);
        assert_eq!((place, edits.is_empty()), (Place::Missing, true));
    }
}
