//! The payload of a `validate` call: an admission request and the policy's settings.

use std::borrow::Cow;

use super::{Object, WorkloadKind};
use crate::json::{Fault, Reader};

/// An admission request, as far as the policy reads it, and the settings beside it.
#[derive(Clone, Debug, Default)]
pub struct Request<'a> {
    /// `request.kind.group`, empty for the core group.
    pub group: Cow<'a, str>,
    /// `request.kind.kind`.
    pub kind: Cow<'a, str>,
    /// `request.operation`; `None` if there is none.
    pub operation: Option<Operation>,
    /// `request.namespace`; pods created by controllers have no namespace of their own.
    pub namespace: Cow<'a, str>,
    /// `request.object`; null if there is none, as for a DELETE.
    pub object: Object<'a>,
    /// `request.oldObject`; null if there is none, as for a CREATE.
    pub old_object: Object<'a>,
    /// The JSON of `request.userInfo`: who makes the request.
    pub user_info: &'a str,
    /// The JSON of `settings`, and what comes behind it.
    pub settings: &'a str,
}

impl<'a> Request<'a> {
    /// Reads a payload.
    ///
    /// # Errors
    ///
    /// A [`Fault`] if it is not an admission request.
    // Else the stack takes two pages: see `review::decide`.
    #[inline(never)]
    pub fn read(payload: &'a str) -> Result<Self, Fault> {
        let mut request = Self {
            user_info: "null",
            settings: "null",
            ..Self::default()
        };
        let mut has_request = false;
        Reader::new(payload).object("an object", |key, reader| {
            match key {
                "request" => {
                    request.read_request(reader)?;
                    has_request = true;
                }
                "settings" => {
                    request.settings = reader.rest();
                    // Kubewarden sorts keys, so they come last: however long they are, who reads them finds their end.
                    let whole = request.settings.trim_end().strip_suffix('}');
                    if let Some(settings) =
                        whole.filter(|_| has_request && request.target().is_some())
                    {
                        request.settings = settings;
                        reader.pass(settings.len());
                        return Ok(());
                    }
                    reader.skip()?;
                }
                _ => {
                    reader.skip()?;
                }
            }
            Ok(())
        })?;
        if request.kind.is_empty() || request.operation.is_none() {
            let fault = Fault::new(
                "an admission request with kind and operation",
                "one without",
            );
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
                "operation" => self.operation = Operation::of(&text(reader)?),
                "namespace" => self.namespace = text(reader)?,
                // Kubewarden sorts keys, so `kind` comes first; in another order this is only slower.
                "object" if self.kind == "Pod" => self.object = Object::read_pod(reader, "spec")?,
                "object" => self.object = Object::read(reader)?,
                "userInfo" => self.user_info = reader.raw()?,
                "oldObject" => self.old_object = Object::read(reader)?,
                _ => {
                    reader.skip()?;
                }
            }
            Ok(())
        })?;
        Ok(())
    }

    /// Whether an object is created or updated of a kind that the policy does not know by itself.
    pub fn is_of_another_kind(&self) -> bool {
        let is_known = self.group.is_empty() && matches!(&*self.kind, "Pod" | "ServiceAccount");
        let operation = self.operation.unwrap_or(Operation::Other);
        !is_known && operation != Operation::Other && self.target().is_none()
    }

    /// What the request is about; `None` if it is not the policy's business.
    pub fn target(&self) -> Option<Target> {
        let operation = self.operation?;
        match (&*self.group, &*self.kind) {
            ("", "Pod") => (operation == Operation::Create).then_some(Target::Pod),
            _ if operation == Operation::Other => None,
            ("", "ServiceAccount") => Some(Target::ServiceAccount),
            (group, kind) => WorkloadKind::find(group, kind).map(Target::Workload),
        }
    }
}

/// What is to be done to an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    /// It is created.
    Create,
    /// It is updated.
    Update,
    /// Something else.
    Other,
}

impl Operation {
    /// The operation of this name; `None` if the name is empty.
    fn of(name: &str) -> Option<Self> {
        match name {
            "" => None,
            "CREATE" => Some(Self::Create),
            "UPDATE" => Some(Self::Update),
            _ => Some(Self::Other),
        }
    }
}

/// What a request is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// A pod that is created.
    Pod,
    /// A ServiceAccount that is created or updated.
    ServiceAccount,
    /// A workload that is created or updated.
    Workload(WorkloadKind),
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
            (&*request.group, &*request.kind, request.operation),
            ("", "Pod", Some(Operation::Create))
        );
        assert_eq!(
            (&*request.namespace, request.settings.get(..7)),
            ("ns", Some(r#"{"a":1}"#))
        );
        assert_eq!(request.object.json(), r#"{"spec":{}}"#);
        assert_eq!(request.old_object.json(), r#"{"a":1}"#);
    }

    #[test]
    fn absent_parts_are_null_or_empty() {
        let payload =
            r#"{"request":{"operation":"DELETE","namespace":null,"kind":{"kind":"Pod"}}}"#;
        let request = Request::read(payload).expect("a request");
        assert_eq!(request.target(), None);
        assert_eq!((request.object.json(), request.settings), ("null", "null"));
        assert_eq!(request.old_object.json(), "null");
        assert_eq!(request.namespace, "");
    }

    #[test]
    fn group_kind_and_operation_tell_the_target() {
        let workload = |group, kind| WorkloadKind::find(group, kind).map(Target::Workload);
        for (group, kind, operation, target) in [
            ("", "Pod", "CREATE", Some(Target::Pod)),
            ("", "Pod", "UPDATE", None),
            ("", "Binding", "CREATE", None),
            ("metrics.k8s.io", "Pod", "CREATE", None),
            ("", "ServiceAccount", "CREATE", Some(Target::ServiceAccount)),
            ("", "ServiceAccount", "UPDATE", Some(Target::ServiceAccount)),
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
                operation: Operation::of(operation),
                ..Request::default()
            };
            assert_eq!(request.target(), target, "{group} {kind} {operation}");
        }
        assert!(workload("apps", "Deployment").is_some());
    }

    #[test]
    fn rejects_what_is_not_an_admission_request() {
        for (payload, fault) in [
            ("", "expected an object, found nothing"),
            ("[]", "expected an object, found a list"),
            (
                "{}",
                "request: expected an admission request with kind and operation, found one without",
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
