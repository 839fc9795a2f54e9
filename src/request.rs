//! The payload of a `validate` call: an admission request and the policy's settings.

use std::borrow::Cow;

use crate::lens::{Fault, Reader};

/// An admission request, as far as the policy reads it, and the settings beside it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Request<'a> {
    /// `request.kind.group`, empty for the core group.
    pub group: Cow<'a, str>,
    /// `request.kind.kind`.
    pub kind: Cow<'a, str>,
    /// `request.operation`.
    pub operation: Cow<'a, str>,
    /// `request.namespace`; pods made by controllers carry none of their own.
    pub namespace: Cow<'a, str>,
    /// The JSON of `request.object`; `null` where there is none, as for a DELETE.
    pub object: &'a str,
    /// The JSON of `settings`.
    pub settings: &'a str,
}

impl<'a> Request<'a> {
    /// Reads a payload.
    ///
    /// # Errors
    /// A [`Fault`] where it has not the form of an admission request.
    pub fn read(payload: &'a str) -> Result<Self, Fault> {
        let mut request = Self {
            object: "null",
            settings: "null",
            ..Self::default()
        };
        Reader::new(payload).object("an object", &mut |key, reader| {
            match key {
                "request" => request.read_request(reader)?,
                "settings" => request.settings = reader.raw()?,
                _ => {
                    reader.skip()?;
                }
            }
            Ok(())
        })?;
        if request.kind.is_empty() || request.operation.is_empty() {
            let fault = Fault::new("an admission request with kind and operation", "none");
            return Err(fault.in_field("request"));
        }
        Ok(request)
    }

    fn read_request(&mut self, reader: &mut Reader<'a>) -> Result<(), Fault> {
        reader.object("an admission request", &mut |key, reader| {
            match key {
                "kind" => {
                    reader.object("a group, version and kind", &mut |key, reader| {
                        match key {
                            "group" => self.group = text(reader)?,
                            "kind" => self.kind = text(reader)?,
                            _ => {
                                reader.skip()?;
                            }
                        }
                        Ok(())
                    })?;
                }
                "operation" => self.operation = text(reader)?,
                "namespace" => self.namespace = text(reader)?,
                "object" => self.object = reader.raw()?,
                _ => {
                    reader.skip()?;
                }
            }
            Ok(())
        })?;
        Ok(())
    }

    /// Whether a pod is to be created.
    pub fn creates_pod(&self) -> bool {
        self.operation == "CREATE" && self.kind == "Pod" && self.group.is_empty()
    }
}

fn text<'a>(reader: &mut Reader<'a>) -> Result<Cow<'a, str>, Fault> {
    Ok(reader.optional_string("a string")?.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_is_needed_in_any_order() {
        let payload = r#"{"settings":{"a":1},"request":{"uid":"u","object":{"spec":{}},"namespace":"ns","operation":"CREATE","kind":{"kind":"Pod","version":"v1","group":""}}}"#;
        let request = Request {
            group: "".into(),
            kind: "Pod".into(),
            operation: "CREATE".into(),
            namespace: "ns".into(),
            object: r#"{"spec":{}}"#,
            settings: r#"{"a":1}"#,
        };
        assert!(request.creates_pod());
        assert_eq!(Request::read(payload), Ok(request));
    }

    #[test]
    fn absent_parts_are_null_or_empty() {
        let payload =
            r#"{"request":{"operation":"DELETE","namespace":null,"kind":{"kind":"Pod"}}}"#;
        let request = Request::read(payload).expect("a request");
        assert!(!request.creates_pod());
        assert_eq!((request.object, request.settings), ("null", "null"));
        assert_eq!(request.namespace, "");
    }

    #[test]
    fn only_the_core_group_has_pods() {
        for (group, kind, operation, creates_pod) in [
            ("", "Pod", "CREATE", true),
            ("", "Pod", "UPDATE", false),
            ("", "Binding", "CREATE", false),
            ("metrics.k8s.io", "Pod", "CREATE", false),
        ] {
            let request = Request {
                group: group.into(),
                kind: kind.into(),
                operation: operation.into(),
                ..Request::default()
            };
            assert_eq!(
                request.creates_pod(),
                creates_pod,
                "{group} {kind} {operation}"
            );
        }
    }

    #[test]
    fn rejects_what_is_no_admission_request() {
        for (payload, fault) in [
            ("", "expected an object, found nothing"),
            ("[]", "expected an object, found a list"),
            (
                "{}",
                "request: expected an admission request with kind and operation, found none",
            ),
            (
                r#"{"request":5}"#,
                "request: expected an admission request, found a number",
            ),
            (
                r#"{"request":{"kind":{"kind":7}}}"#,
                "request.kind.kind: expected a string, found a number",
            ),
        ] {
            let found = Request::read(payload).expect_err(payload);
            assert_eq!(found.to_string(), fault, "{payload}");
        }
    }
}
