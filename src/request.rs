//! The payload of a `validate` call: an admission request and the policy's settings.

use std::borrow::Cow;

use crate::lens::{Fault, Reader};
use crate::object::Object;
use crate::workload::Kind;

/// An admission request, as far as the policy reads it, and the settings beside it.
#[derive(Clone, Debug, Default)]
pub struct Request<'a> {
    /// `request.kind.group`, empty for the core group.
    pub group: Cow<'a, str>,
    /// `request.kind.kind`.
    pub kind: Cow<'a, str>,
    /// `request.operation`.
    pub operation: Cow<'a, str>,
    /// `request.namespace`; pods made by controllers carry none of their own.
    pub namespace: Cow<'a, str>,
    /// `request.object`; null where there is none, as for a DELETE.
    pub object: Object<'a>,
    /// `request.oldObject`; null where there is none, as for a CREATE.
    pub old_object: Object<'a>,
    /// The JSON of `settings`.
    pub settings: &'a str,
}

impl<'a> Request<'a> {
    /// Reads a payload.
    ///
    /// # Errors
    /// A [`Fault`] where it has not the form of an admission request.
    #[inline(never)]
    pub fn read(payload: &'a str) -> Result<Self, Fault> {
        let mut request = Self {
            settings: "null",
            ..Self::default()
        };
        Reader::new(payload).object("an object", |key, reader| {
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
        reader.object("an admission request", |key, reader| {
            match key {
                "kind" => {
                    reader.object("a group, version and kind", |key, reader| {
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
                // The host writes the kind first; were it otherwise, it would only be slower.
                "object" if self.kind == "Pod" => self.object = Object::read_pod(reader)?,
                "object" => self.object = Object::read(reader)?,
                "oldObject" => self.old_object = Object::read(reader)?,
                _ => {
                    reader.skip()?;
                }
            }
            Ok(())
        })?;
        Ok(())
    }

    /// What the request is about; `None` for what is none of the policy's business.
    pub fn subject(&self) -> Option<Subject> {
        let creates = self.operation == "CREATE";
        match (&*self.group, &*self.kind) {
            ("", "Pod") => creates.then_some(Subject::Pod),
            _ if !creates && self.operation != "UPDATE" => None,
            ("", "ServiceAccount") => Some(Subject::ServiceAccount),
            (group, kind) => Kind::find(group, kind).map(Subject::Workload),
        }
    }
}

/// What a request is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subject {
    /// A pod that is created.
    Pod,
    /// A ServiceAccount that is created or updated.
    ServiceAccount,
    /// A workload that is created or updated.
    Workload(Kind),
}

fn text<'a>(reader: &mut Reader<'a>) -> Result<Cow<'a, str>, Fault> {
    Ok(reader.optional_string("a string")?.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_is_needed_in_any_order() {
        let payload = r#"{"settings":{"a":1},"request":{"uid":"u","object":{"spec":{}},"oldObject":{"a":1},"namespace":"ns","operation":"CREATE","kind":{"kind":"Pod","version":"v1","group":""}}}"#;
        let request = Request::read(payload).expect("a request");
        assert_eq!(
            (&*request.group, &*request.kind, &*request.operation),
            ("", "Pod", "CREATE")
        );
        assert_eq!(
            (&*request.namespace, request.settings),
            ("ns", r#"{"a":1}"#)
        );
        assert_eq!(request.object.json(), r#"{"spec":{}}"#);
        assert_eq!(request.old_object.json(), r#"{"a":1}"#);
    }

    #[test]
    fn absent_parts_are_null_or_empty() {
        let payload =
            r#"{"request":{"operation":"DELETE","namespace":null,"kind":{"kind":"Pod"}}}"#;
        let request = Request::read(payload).expect("a request");
        assert_eq!(request.subject(), None);
        assert_eq!((request.object.json(), request.settings), ("null", "null"));
        assert_eq!(request.old_object.json(), "null");
        assert_eq!(request.namespace, "");
    }

    #[test]
    fn the_subject_is_told_by_group_kind_and_operation() {
        let workload = |group, kind| Kind::find(group, kind).map(Subject::Workload);
        for (group, kind, operation, subject) in [
            ("", "Pod", "CREATE", Some(Subject::Pod)),
            ("", "Pod", "UPDATE", None),
            ("", "Binding", "CREATE", None),
            ("metrics.k8s.io", "Pod", "CREATE", None),
            (
                "",
                "ServiceAccount",
                "CREATE",
                Some(Subject::ServiceAccount),
            ),
            (
                "",
                "ServiceAccount",
                "UPDATE",
                Some(Subject::ServiceAccount),
            ),
            ("", "ServiceAccount", "DELETE", None),
            (
                "apps",
                "Deployment",
                "UPDATE",
                workload("apps", "Deployment"),
            ),
            ("apps", "Deployment", "CONNECT", None),
            ("batch", "CronJob", "CREATE", workload("batch", "CronJob")),
            (
                "",
                "ReplicationController",
                "CREATE",
                workload("", "ReplicationController"),
            ),
            ("", "Deployment", "CREATE", None),
        ] {
            let request = Request {
                group: group.into(),
                kind: kind.into(),
                operation: operation.into(),
                ..Request::default()
            };
            assert_eq!(request.subject(), subject, "{group} {kind} {operation}");
        }
        assert!(workload("apps", "Deployment").is_some());
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
