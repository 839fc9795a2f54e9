//! What pods are made by: Deployments and their like, and the pod template in each.

use crate::lens::{Fault, Reader};
use crate::metadata::Metadata;
use crate::object::Object;
use crate::pod::Pod;

/// A kind of workload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kind {
    /// Its API group, empty for the core group.
    group: &'static str,
    /// Its name.
    pub name: &'static str,
    /// The path of its pod template.
    pub template: &'static str,
    /// The path of its pod's spec.
    spec: &'static str,
}

/// Every kind whose template is checked.
pub const KINDS: [Kind; 7] = [
    in_spec("apps", "Deployment"),
    in_spec("apps", "ReplicaSet"),
    in_spec("apps", "StatefulSet"),
    in_spec("apps", "DaemonSet"),
    in_spec("batch", "Job"),
    Kind {
        group: "batch",
        name: "CronJob",
        template: "spec.jobTemplate.spec.template",
        spec: "spec.jobTemplate.spec.template.spec",
    },
    in_spec("", "ReplicationController"),
];

const fn in_spec(group: &'static str, name: &'static str) -> Kind {
    Kind {
        group,
        name,
        template: "spec.template",
        spec: "spec.template.spec",
    }
}

impl Kind {
    /// The kind of this group and name, if it is one.
    pub fn find(group: &str, name: &str) -> Option<Self> {
        KINDS
            .into_iter()
            .find(|kind| kind.group == group && kind.name == name)
    }
}

/// A workload, as far as the policy reads it.
#[derive(Clone, Debug)]
pub struct Workload<'a> {
    kind: Kind,
    /// Its own metadata.
    pub metadata: Metadata<'a>,
    template: Option<Object<'a>>,
}

impl<'a> Workload<'a> {
    /// Reads a workload's metadata and finds its pod template.
    ///
    /// # Errors
    /// A [`Fault`] where something that is read has the wrong type.
    pub fn read(kind: Kind, object: &Object<'a>) -> Result<Self, Fault> {
        let mut template = None;
        let metadata = object.metadata("an object")?;
        if let Some(mut spec) = object.spec() {
            let path = kind.template.strip_prefix("spec.").unwrap_or_default();
            find(&mut spec, path, &mut template).map_err(|fault| fault.in_field("spec"))?;
        }
        Ok(Self {
            kind,
            metadata,
            template,
        })
    }

    /// Its pod template; `None` where it has none, which Kubernetes refuses.
    ///
    /// # Errors
    /// A [`Fault`] where the template's metadata is not what it should be.
    pub fn template(&self) -> Result<Option<Pod<'a>>, Fault> {
        let read = |object| Pod::template(object, self.kind.spec);
        let template = self.template.clone().map(read).transpose();
        template.map_err(|fault| fault.in_path(self.kind.template))
    }

    /// Whether another one has the very same template and the same labels and annotations of ours.
    pub fn has_same_pods(&self, other: &Workload<'_>) -> bool {
        let template = self.template.as_ref().map(Object::json);
        self.metadata.has_same_ours(&other.metadata)
            && template == other.template.as_ref().map(Object::json)
    }
}

/// Finds the value at a path of keys with dots between them.
fn find<'a>(
    reader: &mut Reader<'a>,
    path: &str,
    found: &mut Option<Object<'a>>,
) -> Result<(), Fault> {
    let (first, rest) = path.split_once('.').unwrap_or((path, ""));
    reader.object("an object", |key, reader| {
        if key != first {
            return reader.skip().map(|_| ());
        }
        if rest.is_empty() {
            *found = Some(Object::read(reader)?);
            return Ok(());
        }
        find(reader, rest, found)
    })?;
    Ok(())
}
