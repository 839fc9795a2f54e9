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
    pod_spec: Option<PodSpec<'a>>,
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
            pod_spec: None,
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

    /// As [`read`](Self::read), for what should be a pod. The spec of one that opts in by its label is read on the way, since
    /// it will most likely be needed.
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
        let read = reader.object("an object", &mut |key, reader| {
            if key == "spec" && is_pod && object.opts_in() {
                object.spec = Some(object.read_pod_spec(reader)?);
                return Ok(());
            }
            let span = Some(reader.skip()?);
            match key {
                "kind" => object.kind = span,
                "metadata" => object.metadata = span,
                "spec" => object.spec = span,
                _ => {}
            }
            Ok(())
        })?;
        object.span = read.map_or(object.span, |collection| collection.span);
        Ok(object)
    }

    fn opts_in(&self) -> bool {
        let metadata = self.metadata("");
        metadata.is_ok_and(|metadata| metadata.label(keys::USE) == Some(keys::OPTED_IN))
    }

    /// Reads the spec if that goes well; what is wrong with it is told when it is asked for.
    fn read_pod_spec(&mut self, reader: &mut Reader<'a>) -> Result<Span, Fault> {
        let mut ahead = reader.clone();
        if let Ok(spec) = PodSpec::read(&mut ahead, "spec") {
            let span = spec.object.span;
            self.pod_spec = Some(spec);
            *reader = ahead;
            return Ok(span);
        }
        reader.skip()
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

    /// The spec of the pod that it is, where that has been read.
    pub fn pod_spec(&self) -> Option<&PodSpec<'a>> {
        self.pod_spec.as_ref()
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
