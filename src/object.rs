//! A Kubernetes object, as far as it is known when it has been passed over once.

use std::borrow::Cow;

use crate::keys;
use crate::lens::{Edited, Edits, Fault, Reader, Span};
use crate::metadata::Metadata;
use crate::pod::PodSpec;

/// An object in a text: where it stands, and where its parts do.
#[derive(Clone, Debug)]
pub struct Object<'a> {
    text: &'a str,
    span: Span,
    is_object: bool,
    kind: Option<Span>,
    metadata: Option<Span>,
    spec: Option<Span>,
    /// Metadata and spec of a pod, where they have been read on the way.
    read_ahead: Option<(Metadata<'a>, Box<PodSpec<'a>>)>,
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
            read_ahead: None,
        }
    }
}

impl<'a> Object<'a> {
    /// Passes over a value, which may be no object: that matters only where it is asked for its parts.
    ///
    /// # Errors
    /// A [`Fault`] where the text is no JSON.
    pub fn read(reader: &mut Reader<'a>) -> Result<Self, Fault> {
        Self::read_with(reader, false)
    }

    /// As [`read`](Self::read), for what should be a pod. The metadata and spec of one that opts in by its label are read on
    /// the way, since they will most likely be needed.
    ///
    /// # Errors
    /// As [`read`](Self::read).
    pub fn read_pod(reader: &mut Reader<'a>) -> Result<Self, Fault> {
        Self::read_with(reader, true)
    }

    fn read_with(reader: &mut Reader<'a>, is_pod: bool) -> Result<Self, Fault> {
        let mut object = Self {
            text: reader.text(),
            ..Self::default()
        };
        if !reader.is_object() {
            object.span = reader.skip()?;
            return Ok(object);
        }
        object.is_object = true;
        let read = reader.object("an object", |key, reader| {
            let span = match key {
                "spec" if is_pod => object.read_ahead(reader)?,
                _ => reader.skip()?,
            };
            match key {
                "kind" => object.kind = Some(span),
                "metadata" => {
                    object.metadata = Some(span);
                    object.read_ahead = None;
                }
                "spec" => object.spec = Some(span),
                _ => {}
            }
            Ok(())
        })?;
        object.span = read.map_or(object.span, |collection| collection.span);
        Ok(object)
    }

    /// Passes over the spec of a pod, and reads it where the pod opts in by its label. What is wrong with the pod is told
    /// when it is asked for its parts.
    fn read_ahead(&mut self, reader: &mut Reader<'a>) -> Result<Span, Fault> {
        self.read_ahead = None;
        let metadata = self
            .metadata("")
            .ok()
            .filter(|metadata| metadata.label(keys::USE) == Some(keys::OPTED_IN));
        let mut ahead = reader.clone();
        let spec = metadata
            .is_some()
            .then(|| PodSpec::read(&mut ahead, "spec"));
        let Some((metadata, Ok(spec))) = metadata.zip(spec) else {
            return reader.skip();
        };
        *reader = ahead;
        let span = spec.object.span;
        self.read_ahead = Some((metadata, spec));
        Ok(span)
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
    pub fn kind(&self, expected: &'static str) -> Result<Option<Cow<'a, str>>, Fault> {
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

    /// The metadata and spec of the pod that it is, where they have been read already.
    pub fn take_read_ahead(&mut self) -> Option<(Metadata<'a>, Box<PodSpec<'a>>)> {
        self.read_ahead.take()
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
