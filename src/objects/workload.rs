//! Workloads, the objects that create pods, and the pod template in each.

use super::{Metadata, Object, Pod};
use crate::json::Fault;

/// A kind of workload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WorkloadKind {
    /// Its API group, empty for the core group.
    pub group: &'static str,
    /// Its name.
    pub name: &'static str,
    /// The path of its pod template.
    pub template: &'static str,
    /// The path of its pod's spec.
    spec: &'static str,
    /// Whether its pod template is within a job template.
    has_job_template: bool,
}

/// Every kind whose pod template is checked.
pub const KINDS: [WorkloadKind; 7] = [
    in_spec("apps", "Deployment"),
    in_spec("apps", "ReplicaSet"),
    in_spec("apps", "StatefulSet"),
    in_spec("apps", "DaemonSet"),
    in_spec("batch", "Job"),
    WorkloadKind {
        group: "batch",
        name: "CronJob",
        template: "spec.jobTemplate.spec.template",
        spec: "spec.jobTemplate.spec.template.spec",
        has_job_template: true,
    },
    in_spec("", "ReplicationController"),
];

const fn in_spec(group: &'static str, name: &'static str) -> WorkloadKind {
    WorkloadKind {
        group,
        name,
        template: "spec.template",
        spec: "spec.template.spec",
        has_job_template: false,
    }
}

impl WorkloadKind {
    /// The kind of this group and name, if it is a workload.
    pub fn find(group: &str, name: &str) -> Option<Self> {
        KINDS
            .into_iter()
            .find(|kind| kind.group == group && kind.name == name)
    }
}

/// The path of a job template, which holds the pod template of a CronJob and has metadata of its own.
pub const JOB_TEMPLATE: &str = "spec.jobTemplate";

/// A workload, as far as the policy reads it.
#[derive(Clone, Debug)]
pub struct Workload<'a> {
    kind: WorkloadKind,
    /// Its own metadata.
    pub metadata: Metadata<'a>,
    /// That of its job template, at [`JOB_TEMPLATE`]; empty if there is none.
    pub job_metadata: Metadata<'a>,
    template: Option<Object<'a>>,
}

impl<'a> Workload<'a> {
    /// Reads a workload's metadata and finds its pod template.
    ///
    /// # Errors
    ///
    /// A [`Fault`] if something that is read has the wrong type.
    pub fn read(kind: WorkloadKind, object: &Object<'a>) -> Result<Self, Fault> {
        Self::read_with(kind, object, Some(kind.spec))
    }

    /// As [`read`](Self::read), for one that is only compared with another.
    ///
    /// # Errors
    ///
    /// As [`read`](Self::read).
    pub fn read_old(kind: WorkloadKind, object: &Object<'a>) -> Result<Self, Fault> {
        Self::read_with(kind, object, None)
    }

    fn read_with(
        kind: WorkloadKind,
        object: &Object<'a>,
        pod_spec_path: Option<&'static str>,
    ) -> Result<Self, Fault> {
        let metadata = object.metadata("an object")?;
        let mut job_metadata = Metadata::default();
        let template = if kind.has_job_template {
            let job = find(object, "jobTemplate", None)?.filter(|job| job.json() != "null");
            let read = |job: Object<'a>| {
                job_metadata = job.metadata("an object")?;
                find(&job, "template", pod_spec_path)
            };
            let template = job.map(read).transpose();
            template
                .map_err(|fault| fault.in_path(JOB_TEMPLATE))?
                .flatten()
        } else {
            find(object, "template", pod_spec_path)?
        };
        Ok(Self {
            kind,
            metadata,
            job_metadata,
            template,
        })
    }

    /// Takes its pod template; `None` if it has none, which Kubernetes rejects.
    ///
    /// # Errors
    ///
    /// A [`Fault`] if the template's metadata is malformed.
    pub fn take_template(&mut self) -> Result<Option<Pod<'a>>, Fault> {
        let read = |object| Pod::template(object, self.kind.spec);
        let template = self.template.take().map(read).transpose();
        template.map_err(|fault| fault.in_path(self.kind.template))
    }

    /// Whether another one has the same template and the same labels and annotations of ours.
    pub fn has_same_pods(&self, other: &Workload<'_>) -> bool {
        let template = self.template.as_ref().map(Object::json);
        self.metadata.has_same_ours(&other.metadata)
            && self.job_metadata.has_same_ours(&other.job_metadata)
            && template == other.template.as_ref().map(Object::json)
    }
}

/// Finds the field `key` of an object's spec; with `pod_spec_path`, it is a pod template.
fn find<'a>(
    object: &Object<'a>,
    key: &str,
    pod_spec_path: Option<&'static str>,
) -> Result<Option<Object<'a>>, Fault> {
    let mut found = None;
    let Some(mut spec) = object.spec() else {
        return Ok(found);
    };
    let read = spec.object("an object", |name, reader| {
        if name != key {
            return reader.skip().map(|_| ());
        }
        found = Some(match pod_spec_path {
            Some(path) => Object::read_pod(reader, path)?,
            None => Object::read(reader)?,
        });
        Ok(())
    });
    read.map(|_| found).map_err(|fault| fault.in_field("spec"))
}
