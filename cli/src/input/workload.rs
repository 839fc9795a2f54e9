//! The pod that a workload would create.

use azure_workload_identity_policy::objects::WorkloadKind;
use serde_json::{Map, Value, json};
use thiserror::Error;

use crate::input::manifests::{Manifest, name_of_type};

/// What Deployments put between their name and a pod's random ending, as an example.
const POD_TEMPLATE_HASH: &str = "7d9c6b9c5d";

/// What CronJobs put between their name and a pod's random ending: minutes since 1970, as an example.
const SCHEDULED_MINUTE: &str = "28000000";

/// The metadata of a template that controllers copy into pods, besides the name.
const COPIED_METADATA: [&str; 3] = ["labels", "annotations", "finalizers"];

/// A workload without a pod in it.
#[derive(Debug, Error, PartialEq, Eq)]
#[error("expected {path} to be an object, found {found}")]
pub struct WorkloadError {
    path: String,
    found: &'static str,
}

/// How a controller names its pods.
#[derive(Debug, Clone)]
pub enum Naming {
    /// With this name.
    Name(String),
    /// With this and a random ending.
    Prefix(String),
}

/// The pod that `manifest` is or would create; `None` if it is neither a Pod nor a workload of Kubernetes.
///
/// A controller's pod has no namespace in its metadata, as in the requests of controllers.
///
/// # Errors
///
/// A workload whose template is missing or no object.
pub fn pod(manifest: &Manifest) -> Result<Option<Value>, WorkloadError> {
    let name = manifest.name().unwrap_or_default();
    let group = manifest.group();
    if manifest.is("v1", "Pod") {
        return Ok(Some(manifest.object.clone()));
    }
    let Some(kind) = WorkloadKind::find(group, &manifest.kind) else {
        return Ok(None);
    };
    let naming = match kind.name {
        _ if name.is_empty() => Naming::with_prefix(manifest),
        "Deployment" => Naming::Prefix(format!("{name}-{POD_TEMPLATE_HASH}-")),
        "StatefulSet" => Naming::Name(format!("{name}-0")),
        "CronJob" => Naming::Prefix(format!("{name}-{SCHEDULED_MINUTE}-")),
        _ => Naming::with_prefix(manifest),
    };
    let template: Vec<_> = kind.template.split('.').collect();
    instantiate(&manifest.object, &template, naming).map(Some)
}

fn instantiate(
    workload: &Value,
    template: &[&str],
    naming: Naming,
) -> Result<Value, WorkloadError> {
    let mut at = workload;
    let mut path = String::new();
    for field in template {
        at = field_of(at, field);
        let dot = if path.is_empty() { "" } else { "." };
        path = format!("{path}{dot}{field}");
        expect_object(at, || path.clone())?;
    }
    pod_of(at, &path, naming)
}

impl Naming {
    /// The object's name, and a random ending.
    pub fn with_prefix(manifest: &Manifest) -> Self {
        let generate_name = manifest.object.pointer("/metadata/generateName");
        let generate_name = generate_name.and_then(Value::as_str);
        Self::Prefix(match manifest.name() {
            Some(name) if !name.is_empty() => format!("{name}-"),
            // More of the name is not known.
            _ => generate_name.unwrap_or_default().to_owned(),
        })
    }

    /// Metadata with no more than the name.
    pub fn metadata(self) -> Map<String, Value> {
        let (field, name) = match self {
            Self::Name(name) => ("name", name),
            Self::Prefix(prefix) => ("generateName", prefix),
        };
        Map::from_iter([(field.to_owned(), name.into())])
    }
}

/// The pod of the template that is at a path of its object.
///
/// # Errors
///
/// A template that is no object, or has none as metadata or spec.
pub fn pod_of(template: &Value, path: &str, naming: Naming) -> Result<Value, WorkloadError> {
    expect_object(template, || path.to_owned())?;
    let spec = field_of(template, "spec");
    expect_object(spec, || format!("{path}.spec"))?;
    let mut metadata = naming.metadata();
    match field_of(template, "metadata") {
        Value::Null => {}
        Value::Object(fields) => {
            let copied = fields
                .iter()
                .filter(|(field, _)| COPIED_METADATA.contains(&field.as_str()));
            metadata.extend(copied.map(|(field, value)| (field.clone(), value.clone())));
        }
        other => expect_object(other, || format!("{path}.metadata"))?,
    }
    Ok(json!({"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}))
}

/// The field of an object; null if it is missing.
fn field_of<'v>(object: &'v Value, field: &str) -> &'v Value {
    object.get(field).unwrap_or(&Value::Null)
}

fn expect_object(value: &Value, path: impl Fn() -> String) -> Result<(), WorkloadError> {
    if value.is_object() {
        return Ok(());
    }
    Err(WorkloadError {
        path: path(),
        found: name_of_type(value),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::input::manifests::read_text;

    fn pod_of(object: &Value) -> Result<Option<Value>, WorkloadError> {
        pod(&read_text("f", &object.to_string()).unwrap()[0])
    }

    #[test]
    fn each_kind_names_its_pods() {
        let template = json!({
            "metadata": {
                "name": "ignored", "namespace": "ignored", "annotations": {"c": "d"}, "labels": {"a": "b"},
                "creationTimestamp": null,
            },
            "spec": {"containers": []},
        });
        let spec = json!({"replicas": 2, "template": template});
        let cron =
            json!({"schedule": "* * * * *", "jobTemplate": {"spec": {"template": template}}});
        for (api_version, kind, spec, field, value) in [
            (
                "apps/v1",
                "Deployment",
                &spec,
                "generateName",
                "app-7d9c6b9c5d-",
            ),
            (
                "apps/v1beta1",
                "Deployment",
                &spec,
                "generateName",
                "app-7d9c6b9c5d-",
            ),
            ("apps/v1", "ReplicaSet", &spec, "generateName", "app-"),
            ("apps/v1", "DaemonSet", &spec, "generateName", "app-"),
            ("apps/v1", "StatefulSet", &spec, "name", "app-0"),
            ("batch/v1", "Job", &spec, "generateName", "app-"),
            (
                "batch/v1",
                "CronJob",
                &cron,
                "generateName",
                "app-28000000-",
            ),
            ("v1", "ReplicationController", &spec, "generateName", "app-"),
        ] {
            let workload = json!({
                "apiVersion": api_version, "kind": kind,
                "metadata": {"name": "app", "namespace": "web"}, "spec": spec,
            });
            let expected = json!({
                "apiVersion": "v1", "kind": "Pod",
                "metadata": {field: value, "annotations": {"c": "d"}, "labels": {"a": "b"}},
                "spec": {"containers": []},
            });
            let pod = pod_of(&workload).unwrap().unwrap();
            assert_eq!(pod.to_string(), expected.to_string(), "{kind}");
        }
    }

    #[test]
    fn a_pod_is_itself() {
        let pod = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a", "namespace": "web"}});
        assert_eq!(pod_of(&pod), Ok(Some(pod)));
    }

    #[test]
    fn other_kinds_are_none() {
        for (api_version, kind) in [
            ("v1", "Service"),
            ("example.com/v1", "Deployment"),
            ("apps/v1", "Pod"),
        ] {
            assert_eq!(
                pod_of(&json!({"apiVersion": api_version, "kind": kind})),
                Ok(None),
                "{kind}"
            );
        }
    }

    #[test]
    fn names_what_is_missing() {
        for (object, expected) in [
            (
                json!({"apiVersion": "apps/v1", "kind": "Deployment"}),
                "expected spec to be an object, found nothing",
            ),
            (
                json!({"apiVersion": "apps/v1", "kind": "Deployment", "spec": {"template": [1]}}),
                "expected spec.template to be an object, found a list",
            ),
            (
                json!({"apiVersion": "apps/v1", "kind": "Deployment", "spec": {"template": {"spec": "x"}}}),
                "expected spec.template.spec to be an object, found a string",
            ),
            (
                json!({"apiVersion": "batch/v1", "kind": "Job", "spec": {"template": {"spec": {}, "metadata": 1}}}),
                "expected spec.template.metadata to be an object, found a number",
            ),
            (
                json!({"apiVersion": "batch/v1", "kind": "CronJob", "spec": {"jobTemplate": {"spec": {}}}}),
                "expected spec.jobTemplate.spec.template to be an object, found nothing",
            ),
        ] {
            assert_eq!(pod_of(&object).unwrap_err().to_string(), expected);
        }
    }
}
