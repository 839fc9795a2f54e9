//! A Kubernetes object, as far as it is known when it has been passed over once.

use crate::lens::{Edited, Edits, Fault, Reader, Span};
use crate::metadata::Metadata;

/// An object in a text: where it stands, and where its parts do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Object<'a> {
    text: &'a str,
    span: Span,
    is_object: bool,
    kind: Option<Span>,
    metadata: Option<Span>,
    spec: Option<Span>,
}

impl Default for Object<'_> {
    fn default() -> Self {
        Self {
            text: "null",
            span: Span { start: 0, end: 4 },
            is_object: false,
            kind: None,
            metadata: None,
            spec: None,
        }
    }
}

impl<'a> Object<'a> {
    /// Passes over a value, which may be no object: that matters only where it is asked for its parts.
    ///
    /// # Errors
    /// A [`Fault`] where the text is no JSON.
    pub fn read(reader: &mut Reader<'a>) -> Result<Self, Fault> {
        let text = reader.text();
        let mut object = Self {
            text,
            ..Self::default()
        };
        let mut parts = reader.clone();
        if !parts.is_object() {
            object.span = reader.skip()?;
            return Ok(object);
        }
        let read = parts.object("an object", &mut |key, reader| {
            let span = Some(reader.skip()?);
            match key {
                "kind" => object.kind = span,
                "metadata" => object.metadata = span,
                "spec" => object.spec = span,
                _ => {}
            }
            Ok(())
        })?;
        object.is_object = true;
        if let Some(collection) = read {
            object.span = collection.span;
        }
        *reader = parts;
        Ok(object)
    }

    /// Its JSON.
    pub fn json(&self) -> &'a str {
        let Span { start, end } = self.span;
        self.text.get(start..end).unwrap_or_default()
    }

    /// Its kind; `None` where it names none.
    ///
    /// # Errors
    /// A [`Fault`] where that is no string.
    pub fn kind(&self, expected: &'static str) -> Result<Option<std::borrow::Cow<'a, str>>, Fault> {
        let reader = self.kind.map(|span| Reader::at(self.text, span));
        reader
            .map(|mut reader| reader.string(expected))
            .transpose()
            .map_err(|fault| fault.in_field("kind"))
    }

    /// Its metadata; none of it where it has none.
    ///
    /// # Errors
    /// A [`Fault`] where the value is no object, which is then what was `expected`, or its metadata not what it should be.
    pub fn metadata(&self, expected: &'static str) -> Result<Metadata<'a>, Fault> {
        if !self.is_object {
            return Err(Reader::at(self.text, self.span).fault(expected));
        }
        let reader = self.metadata.map(|span| Reader::at(self.text, span));
        let metadata = reader.map(|mut reader| Metadata::read(&mut reader));
        let metadata = metadata.transpose();
        Ok(metadata
            .map_err(|fault| fault.in_field("metadata"))?
            .unwrap_or_default())
    }

    /// Whether it has metadata at all.
    pub fn has_metadata(&self) -> bool {
        self.metadata.is_some()
    }

    /// A reader in front of its spec, if it has one.
    pub fn spec(&self) -> Option<Reader<'a>> {
        self.spec.map(|span| Reader::at(self.text, span))
    }

    /// The object with changes at places that readers of its parts gave.
    pub fn edited(&self, edits: Edits) -> Edited<'a> {
        Edited::new(self.text, self.span, edits)
    }
}
