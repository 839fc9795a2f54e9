//! Where in a file the fault is that a problem is about.

use std::collections::BTreeMap;

use azure_workload_identity_policy::findings::{
    About, Finding, IdSource, LookupError, PodName, Problem,
};
use azure_workload_identity_policy::keys::{self, Form};
use azure_workload_identity_policy::messages::ObjectName;

use super::accounts::{Accounts, directory};
use crate::input::lines::{Lines, ValuePath};
use crate::input::manifests::Manifest;

/// A line in a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The file, as it was named.
    pub file: String,
    /// The line, counted from 1.
    pub line: usize,
}

/// Finds places. Keeps the lines of each document that was looked into, because many objects are in one.
#[derive(Default)]
pub struct Places {
    /// By file and document; `None` where they are not known.
    lines: BTreeMap<String, BTreeMap<usize, Option<Lines>>>,
}

impl Places {
    /// The place that `path` leads to in an object.
    pub fn at(&mut self, manifest: &Manifest, path: ValuePath) -> Place {
        let origin = &manifest.origin;
        if !self.lines.contains_key(&origin.file) {
            self.lines.insert(origin.file.clone(), BTreeMap::new());
        }
        let of_file = self.lines.get_mut(&origin.file);
        let lines = of_file.and_then(|of_file| {
            let lines = of_file.entry(origin.document);
            lines.or_insert_with(|| manifest.document.lines()).as_ref()
        });
        let path = manifest.path.clone().join(path);
        let line = match lines {
            Some(lines) => lines.line(&path),
            None => manifest.document.first_line(),
        };
        Place {
            file: origin.file.clone(),
            line,
        }
    }
}

/// The manifest with the fault that a finding about an object of `manifest` is about, and the way to it.
///
/// `template` is the path of the pod template in the manifest, if it has one.
pub fn target<'m>(
    finding: &Finding,
    manifest: &'m Manifest,
    template: Option<&str>,
    namespace: &str,
    accounts: &Accounts<'m>,
) -> (&'m Manifest, ValuePath) {
    let path = path(finding, template);
    let account = match &finding.about {
        About::ServiceAccount(ObjectName { name, .. }) if !manifest.is("v1", "ServiceAccount") => {
            let directory = directory(&manifest.origin.file);
            accounts.get(namespace, &name.text(), directory)
        }
        _ => None,
    };
    (account.map_or(manifest, |account| account.manifest), path)
}

/// The way to what is wrong.
fn path(finding: &Finding, template: Option<&str>) -> ValuePath {
    let pod_of = |pod: &PodName| {
        let own = pod.template.as_deref();
        ValuePath::new(own.or(template).unwrap_or_default())
    };
    let base = match &finding.about {
        About::Pod(pod) | About::Container { pod, .. } => pod_of(pod),
        About::JobTemplate(_, path) => ValuePath::new(path),
        About::Object(object) if object.kind == "Pod" => {
            ValuePath::new(template.unwrap_or_default())
        }
        _ => ValuePath::default(),
    };
    let container = match &finding.about {
        About::Container { list, index, .. } => base.clone().key("spec").key(list).item(*index),
        _ => base.clone().key("spec"),
    };
    let metadata = |form: Form, key: &str| {
        let map = match form {
            Form::Label => "labels",
            Form::Annotation => "annotations",
        };
        base.clone().key("metadata").key(map).key(key)
    };
    let annotation = |key: &str| metadata(Form::Annotation, key);
    let spec = |field: &str| base.clone().key("spec").key(field);
    match &finding.problem {
        Problem::Shape(fault) => {
            let inner = ValuePath::new(fault.path());
            match &finding.about {
                About::Pod(_) | About::Container { .. } => container.join(inner),
                _ => base.join(inner),
            }
        }
        Problem::Lookup(LookupError::NotAServiceAccount(fault)) => ValuePath::new(fault.path()),
        Problem::Malformed {
            annotation: key, ..
        } => annotation(key),
        Problem::DiffersFromMap {
            annotation: key, ..
        }
        | Problem::Disallowed {
            source: IdSource::Annotation(key),
            ..
        } => annotation(key),
        Problem::Disallowed {
            source: IdSource::Env(name),
            ..
        } => container.key("env").named(name),
        Problem::ListedTwice { .. } | Problem::NoSuchContainer { .. } => {
            annotation(keys::SKIP_CONTAINERS)
        }
        Problem::ClientIdRequired
        | Problem::ClientIdNotSet { .. }
        | Problem::NotPermitted { .. }
        | Problem::PermissionUnknown { .. } => annotation(keys::CLIENT_ID),
        Problem::ServiceAccountName { field, .. } | Problem::ServiceAccountMissing { field } => {
            // In a workload, it is the whole path.
            let template = template.filter(|template| !field.starts_with(template));
            ValuePath::new(template.unwrap_or_default()).join(ValuePath::new(field))
        }
        Problem::VolumeNameTaken { index, .. }
        | Problem::NotForTokenEndpoint { index, .. }
        | Problem::OtherAudience { index, .. }
        | Problem::NoAudience { index } => spec("volumes").item(*index),
        Problem::ReadOnlyParent { .. } | Problem::MountInTheWay { .. } => {
            container.key("volumeMounts")
        }
        Problem::DeviceInTheWay { .. } => container.key("volumeDevices"),
        Problem::RefersToLater { env, .. } => container.key("env").named(&env.text()),
        Problem::Drifted { env, .. } => container.key("env").named(&env.text()),
        Problem::HandOverValue { .. } => metadata(Form::Annotation, "dapr.io/env"),
        Problem::HandOverMount { .. } => metadata(Form::Annotation, "dapr.io/volume-mounts"),
        Problem::KeepsOwn { env, .. } => container.key("env").named(&env.text()),
        Problem::HostNetwork => spec("hostNetwork"),
        Problem::Windows { field } => base.join(ValuePath::new(&format!("spec.{field}"))),
        Problem::PortTaken { .. } => container.key("ports"),
        Problem::UnknownKey { form, key, .. }
        | Problem::UnknownSuffix { form, key }
        | Problem::WrongForm { form, key, .. }
        | Problem::WrongObject { form, key, .. } => metadata(*form, &key.text()),
        Problem::NoOptIn { form, key } => metadata(*form, key),
        Problem::FalseOptsIn { form } => metadata(*form, keys::USE),
        Problem::LabelNotTrue { .. }
        | Problem::FalseDoesNotOptOut { .. }
        | Problem::LabelDoesNotCount { .. } => metadata(Form::Label, keys::USE),
        _ => match &finding.about {
            About::Container { .. } => container,
            _ => base,
        },
    }
}
