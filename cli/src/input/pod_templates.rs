//! Kinds that are not built into Kubernetes, and the pods that their objects would have.

use std::fs;
use std::path::Path;

use azure_workload_identity_policy::keys;
use azure_workload_identity_policy::pod_paths::{FoundPod, Part, find};
use azure_workload_identity_policy::settings::Settings;
use azure_workload_identity_policy::settings::pod_templates::{self, PodTemplates};
use azure_workload_identity_policy::values;
use serde_json::{Map, Value, json};
use thiserror::Error;

use crate::input::found::Text;
use crate::input::manifests::Manifest;
use crate::input::workload::{Naming, pod_of};

/// The kinds that the program knows.
const BUILT_IN: &str = include_str!("pod_templates/built_in.yaml");

/// The API group of Knative, whose containers may have no names, and what it calls them then.
const KNATIVE: &str = "serving.knative.dev";
const KNATIVE_CONTAINER: &str = "user-container";

/// A file with descriptions of kinds that cannot be used.
#[derive(Debug, Error)]
pub enum DescriptionError {
    /// The file cannot be read.
    #[error("cannot read {file}: {error}")]
    Read {
        /// The file, as it was named.
        file: String,
        /// What the operating system says.
        error: std::io::Error,
    },
    /// The text is not YAML.
    #[error("{file}: {error}")]
    Syntax {
        /// The file, as it was named.
        file: String,
        /// What the parser says, with the place.
        error: String,
    },
    /// The descriptions are not as they should be; what is wrong, a line each.
    #[error("{0}")]
    Faults(String),
}

/// Descriptions of kinds, as the policy's setting `podTemplates` has them. What comes first counts.
#[derive(Debug, Clone)]
pub struct Descriptions(Vec<Value>);

/// A pod that an object of such a kind would have.
#[derive(Debug, Clone, PartialEq)]
pub struct DescribedPod {
    /// The pod, as far as the object says.
    pub pod: Value,
    /// The path of its template in the object, or of what stands for one.
    pub path: String,
    /// Where its labels are.
    pub labels: String,
    /// The path of the field that names its ServiceAccount, if that is not in a whole template.
    pub service_account: Option<String>,
    /// Whether it is all of the pod; else its containers are not known.
    pub is_whole: bool,
}

/// The pods of an object of such a kind.
#[derive(Debug, Clone, PartialEq)]
pub struct DescribedPods {
    /// Those that can be reviewed.
    pub pods: Vec<DescribedPod>,
    /// Whether the object has any, however little is known of it.
    pub has_any: bool,
}

impl Default for Descriptions {
    /// The kinds that the program knows.
    fn default() -> Self {
        // A test reads it, so this is never empty.
        Self(yaml_serde::from_str(BUILT_IN).unwrap_or_default())
    }
}

impl Descriptions {
    /// The text of the file `path`.
    ///
    /// # Errors
    ///
    /// [`DescriptionError::Read`].
    pub fn text_of(path: &Path) -> Result<Text, DescriptionError> {
        let name = path.display().to_string();
        match fs::read_to_string(path) {
            Ok(text) => Ok(Text {
                name,
                path: Some(path.to_owned()),
                text: text.into(),
            }),
            Err(error) => Err(DescriptionError::Read { file: name, error }),
        }
    }

    /// These descriptions, and before them those of a text in YAML or JSON.
    ///
    /// # Errors
    ///
    /// [`DescriptionError::Syntax`] and [`DescriptionError::Faults`]; each names the text's file.
    pub fn with_text(self, text: &Text) -> Result<Self, DescriptionError> {
        let file = &text.name;
        match yaml_serde::from_str(&text.text) {
            Ok(value) => self.with_list(file, value),
            Err(error) => Err(DescriptionError::Syntax {
                file: file.clone(),
                error: error.to_string(),
            }),
        }
    }

    fn with_list(self, file: &str, mut list: Value) -> Result<Self, DescriptionError> {
        list.sort_all_objects();
        let settings = json!({"azureTenantID": "contoso.com", pod_templates::NAME: list});
        if let Err(findings) = Settings::validate(&settings.to_string()) {
            let faults = findings.shown().iter().map(|finding| {
                let text = finding.to_string();
                let text = text.strip_prefix("setting ").unwrap_or(&text);
                format!("{file}: {text}")
            });
            let faults: Vec<_> = faults.collect();
            return Err(DescriptionError::Faults(faults.join("\n")));
        }
        Ok(self.with(Some(&list)))
    }

    /// These descriptions, and before them those of a setting.
    pub fn with(self, setting: Option<&Value>) -> Self {
        let list = setting.and_then(Value::as_array);
        let mut entries = list.cloned().unwrap_or_default();
        let others = self.0.into_iter();
        let kind = |entry: &Value| (entry.get("apiGroup").cloned(), entry.get("kind").cloned());
        let others: Vec<_> = others
            .filter(|other| !entries.iter().any(|entry| kind(entry) == kind(other)))
            .collect();
        entries.extend(others);
        Self(entries)
    }

    /// The setting that says the same.
    pub fn as_setting(&self) -> Value {
        let mut setting = Value::from(self.0.clone());
        setting.sort_all_objects();
        setting
    }

    /// The API groups and kinds that are described.
    pub fn kinds(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().filter_map(|entry| {
            let group = entry.get("apiGroup")?.as_str()?;
            Some((group, entry.get("kind")?.as_str()?))
        })
    }

    /// The pods of an object, and whether there are any; `None` if nothing describes its kind. Those of which nobody knows the
    /// ServiceAccount are left out.
    ///
    /// # Errors
    ///
    /// What is wrong with the object, with the path.
    pub fn pods(&self, manifest: &Manifest) -> Result<Option<DescribedPods>, String> {
        let group = manifest.group();
        if !self.kinds().any(|kind| kind == (group, &*manifest.kind)) {
            return Ok(None);
        }
        let list = self.as_setting().to_string();
        let paths = PodTemplates::new(&list).paths_of(group, &manifest.kind);
        if paths.is_empty() {
            return Ok(None);
        }
        let object = manifest.object.to_string();
        let found = find(&paths, &object).map_err(|fault| fault.to_string())?;
        let opts_in = found
            .iter()
            .any(|found| labels_of(found).is_some_and(opted_in));
        let mut pods = Vec::new();
        for found in &found {
            let naming = Naming::with_prefix(manifest);
            let pod = match found {
                FoundPod::Template(template) => whole_pod(group, template, naming)?,
                // Another part opts the pods in.
                FoundPod::Parts { .. } if opts_in && !labels_of(found).is_some_and(opted_in) => {
                    continue;
                }
                FoundPod::Parts { .. } => match partial_pod(found, naming) {
                    Some(pod) => (pod, false),
                    None => continue,
                },
            };
            let (pod, is_whole) = pod;
            pods.push(DescribedPod {
                pod,
                path: found.path().to_owned(),
                labels: found.home_of_labels().to_owned(),
                service_account: match found {
                    FoundPod::Template(_) => None,
                    FoundPod::Parts {
                        service_account_name,
                        ..
                    } => service_account_name.as_ref().map(|part| part.path.clone()),
                },
                is_whole,
            });
        }
        Ok(Some(DescribedPods {
            has_any: !found.is_empty(),
            pods,
        }))
    }
}

fn value(part: &Part<'_>) -> Value {
    serde_json::from_str(part.json).unwrap_or_default()
}

/// The labels, if only parts are known.
fn labels_of(found: &FoundPod<'_>) -> Option<Value> {
    match found {
        FoundPod::Template(_) => None,
        FoundPod::Parts { labels, .. } => Some(value(labels)),
    }
}

fn opted_in(labels: Value) -> bool {
    labels
        .get(keys::USE)
        .is_some_and(|value| value == keys::OPTED_IN)
}

/// The pod of a template, and whether that is all of it.
fn whole_pod(group: &str, template: &Part<'_>, naming: Naming) -> Result<(Value, bool), String> {
    let mut object = value(template);
    if let Some(fields) = object.as_object_mut() {
        fields.entry("spec").or_insert_with(|| json!({}));
    }
    let pod = pod_of(&object, &template.path, naming);
    let mut pod = pod.map_err(|error| error.to_string())?;
    let containers = pod.pointer_mut("/spec/containers");
    let containers = containers.and_then(Value::as_array_mut);
    let mut is_whole = false;
    if let Some(containers) = containers {
        if group == KNATIVE {
            name_containers(containers);
        }
        is_whole = !containers.is_empty()
            && containers
                .iter()
                .all(|container| container.get("name").is_some_and(Value::is_string));
    }
    if !is_whole {
        let containers = containers_of(pod.pointer("/metadata/annotations"));
        if let Some(spec) = pod.get_mut("spec").and_then(Value::as_object_mut) {
            spec.insert("containers".to_owned(), containers);
        }
    }
    Ok((pod, is_whole))
}

/// Gives containers of Knative without a name the one that Knative gives them.
fn name_containers(containers: &mut [Value]) {
    let count = containers.len();
    for (index, container) in containers.iter_mut().enumerate() {
        if let Some(fields) = container.as_object_mut() {
            let name = match count {
                1 => KNATIVE_CONTAINER.to_owned(),
                _ => format!("{KNATIVE_CONTAINER}-{index}"),
            };
            fields.entry("name").or_insert_with(|| name.into());
        }
    }
}

/// A pod of these parts; `None` if nobody knows its ServiceAccount.
fn partial_pod(found: &FoundPod<'_>, naming: Naming) -> Option<Value> {
    let FoundPod::Parts {
        labels,
        annotations,
        service_account_name: Some(name),
    } = found
    else {
        return None;
    };
    let mut metadata = naming.metadata();
    let annotations = annotations.as_ref().map(value).unwrap_or_default();
    let mut spec = Map::new();
    for (field, value) in [
        ("serviceAccountName", value(name)),
        ("containers", containers_of(Some(&annotations))),
    ] {
        if !value.is_null() {
            spec.insert(field.to_owned(), value);
        }
    }
    for (field, value) in [("labels", value(labels)), ("annotations", annotations)] {
        if !value.is_null() {
            metadata.insert(field.to_owned(), value);
        }
    }
    Some(json!({"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}))
}

/// The containers of which no more is known than that an annotation names them.
fn containers_of(annotations: Option<&Value>) -> Value {
    let annotation = annotations.and_then(|annotations| annotations.get(keys::SKIP_CONTAINERS));
    let names = annotation.and_then(Value::as_str).unwrap_or_default();
    let mut known: Vec<&str> = Vec::new();
    for name in values::container_names(names) {
        if !known.contains(&name) {
            known.push(name);
        }
    }
    known.iter().map(|name| json!({"name": name})).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::input::manifests::read_text;

    fn pods(object: &Value) -> Result<Option<Vec<DescribedPod>>, String> {
        let manifests = read_text("f", &object.to_string()).unwrap();
        let pods = Descriptions::default().pods(&manifests[0])?;
        Ok(pods.map(|pods| pods.pods))
    }

    #[test]
    fn what_is_built_in_is_a_valid_setting() {
        let built_in = Descriptions::default();
        assert!(built_in.0.len() > 40);
        let read = Descriptions(Vec::new()).with_list("built_in.yaml", built_in.as_setting());
        assert!(read.is_ok(), "{read:?}");
    }

    #[test]
    fn the_documentation_has_what_is_built_in() {
        let document = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/preview.md");
        let document = fs::read_to_string(document).unwrap();
        let (_, section) = document.split_once("## Other kinds\n").unwrap();
        let (section, _) = section.split_once("\n## ").unwrap();
        let rows: Vec<_> = section
            .lines()
            .filter_map(|line| line.strip_prefix("| "))
            .skip(1)
            .collect();
        let mut documented = 0;
        for row in &rows {
            let cells: Vec<_> = row.split(" | ").collect();
            documented += cells[1].split(", ").count() * cells[2].split(", ").count();
        }
        let built_in = Descriptions::default();
        for entry in &built_in.0 {
            let text = |field: &str| entry[field].as_str().unwrap_or_default().to_owned();
            let group = match text("apiGroup").as_str() {
                "" => "core".to_owned(),
                group => format!("`{group}`"),
            };
            let labels = text("labels");
            let labels = labels.strip_suffix(".labels").unwrap_or(&labels);
            let labels = labels.strip_suffix(".metadata").unwrap_or(labels);
            let path = match (text("template"), entry.get("serviceAccountName")) {
                (template, _) if !template.is_empty() => format!("`{template}`"),
                (_, Some(_)) => format!("`{labels}` (parts)"),
                (_, None) => format!("`{labels}` (labels)"),
            };
            let kind = text("kind");
            let is_documented = rows.iter().any(|row| {
                let cells: Vec<_> = row.split(" | ").collect();
                cells[0] == group
                    && cells[1].split(", ").any(|cell| cell == kind)
                    && cells[2].split(", ").any(|cell| cell == path)
            });
            assert!(is_documented, "{group} {kind} {path}");
        }
        assert_eq!(documented, built_in.0.len());
    }

    #[test]
    fn what_comes_first_counts() {
        let entry = |kind: &str, template: &str| json!({"apiGroup": "argoproj.io", "kind": kind, "template": template});
        let of_file = json!([entry("Rollout", "spec.a"), entry("Rollout", "spec.b")]);
        let of_setting = json!([entry("Rollout", "spec.c"), entry("Other", "spec.d")]);
        let descriptions = Descriptions::default()
            .with(Some(&of_setting))
            .with_list("f", of_file)
            .unwrap();
        let setting = descriptions.as_setting();
        let templates: Vec<_> = setting
            .as_array()
            .unwrap()
            .iter()
            .filter(|entry| entry["kind"] == "Rollout" || entry["kind"] == "Other")
            .map(|entry| entry["template"].as_str().unwrap())
            .collect();
        assert_eq!(templates, ["spec.a", "spec.b", "spec.d"]);
    }

    #[test]
    fn faults_name_the_file_and_the_entry() {
        let list = json!([{"apiGroup": "a.b", "kind": "K", "template": "a..b"}, {"kind": "K"}]);
        let error = Descriptions::default().with_list("own.yaml", list);
        assert_eq!(
            error.unwrap_err().to_string(),
            "own.yaml: podTemplates[0].template: expected a path of at most 12 fields, such as spec.template or spec.groups[].template, found \"a..b\"\n\
             own.yaml: podTemplates[1].apiGroup: required: expected an API group such as example.com, found nothing\n\
             own.yaml: podTemplates[1]: required: expected one of template and labels, found nothing"
        );
    }

    #[test]
    fn a_whole_template_is_a_pod() {
        let spec = json!({"containers": [{"name": "a"}]});
        let rollout = json!({
            "apiVersion": "argoproj.io/v1alpha1", "kind": "Rollout", "metadata": {"name": "web"},
            "spec": {"template": {"metadata": {"name": "x", "labels": {"a": "b"}}, "spec": spec}},
        });
        let expected = DescribedPod {
            pod: json!({
                "apiVersion": "v1", "kind": "Pod",
                "metadata": {"generateName": "web-", "labels": {"a": "b"}}, "spec": spec,
            }),
            service_account: None,
            path: "spec.template".to_owned(),
            labels: "spec.template".to_owned(),
            is_whole: true,
        };
        assert_eq!(pods(&rollout), Ok(Some(vec![expected])));
    }

    #[test]
    fn containers_that_are_not_known_are_made_up_only_if_an_annotation_names_them() {
        for (api_version, kind, containers, expected, is_whole) in [
            (
                "serving.knative.dev/v1",
                "Service",
                json!([{"image": "i"}]),
                json!([{"image": "i", "name": "user-container"}]),
                true,
            ),
            (
                "serving.knative.dev/v1",
                "Service",
                json!([{"image": "i"}, {"name": "own"}]),
                json!([{"image": "i", "name": "user-container-0"}, {"name": "own"}]),
                true,
            ),
            (
                "argoproj.io/v1alpha1",
                "Rollout",
                json!([{"image": "i"}]),
                json!([{"name": "a"}, {"name": "b"}]),
                false,
            ),
            (
                "argoproj.io/v1alpha1",
                "Rollout",
                Value::Null,
                json!([{"name": "a"}, {"name": "b"}]),
                false,
            ),
        ] {
            let annotations = json!({keys::SKIP_CONTAINERS: "a; b;a;"});
            let template = json!({"metadata": {"annotations": annotations}, "spec": {"containers": containers}});
            let object = json!({
                "apiVersion": api_version, "kind": kind, "metadata": {"name": "web"},
                "spec": {"template": template},
            });
            let pods = pods(&object).unwrap().unwrap();
            assert_eq!(pods[0].pod["spec"]["containers"], expected, "{containers}");
            assert_eq!(pods[0].is_whole, is_whole, "{containers}");
        }
    }

    #[test]
    fn parts_make_a_pod_without_containers() {
        let workflow = |spec: Value| json!({"apiVersion": "argoproj.io/v1alpha1", "kind": "Workflow", "metadata": {"generateName": "build-"}, "spec": spec});
        let spec = json!({"serviceAccountName": "robot", "podMetadata": {"labels": {"a": "b"}}});
        let expected = DescribedPod {
            pod: json!({
                "apiVersion": "v1", "kind": "Pod",
                "metadata": {"generateName": "build-", "labels": {"a": "b"}},
                "spec": {"serviceAccountName": "robot", "containers": []},
            }),
            service_account: Some("spec.serviceAccountName".to_owned()),
            path: "spec.podMetadata".to_owned(),
            labels: "spec.podMetadata".to_owned(),
            is_whole: false,
        };
        assert_eq!(pods(&workflow(spec)), Ok(Some(vec![expected])));
        // A step opts its pods in, and nobody knows the ServiceAccount of a step.
        let steps = json!([{"metadata": {"labels": {keys::USE: "true"}}}]);
        assert_eq!(
            pods(&workflow(json!({"templates": steps}))),
            Ok(Some(Vec::new()))
        );
    }

    #[test]
    fn what_is_of_another_type_is_named_with_its_path() {
        for (spec, fault) in [
            (json!([]), "spec: expected an object, found a list"),
            (
                json!({"template": []}),
                "expected spec.template to be an object, found a list",
            ),
            (
                json!({"template": {"spec": 5}}),
                "expected spec.template.spec to be an object, found a number",
            ),
        ] {
            let rollout =
                json!({"apiVersion": "argoproj.io/v1alpha1", "kind": "Rollout", "spec": spec});
            assert_eq!(pods(&rollout), Err(fault.to_owned()));
        }
        let service = json!({"apiVersion": "v1", "kind": "Service"});
        assert_eq!(pods(&service), Ok(None));
    }
}
