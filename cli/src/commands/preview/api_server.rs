//! What the API server rejects whatever the policy says, as far as it concerns a pod and its labels.

use serde_json::Value;

use super::decision::Message;
use crate::input::lines::ValuePath;
use crate::input::manifests::{Manifest, name_of_type};

/// The rule of these hints.
const RULE: &str = "invalid-object";

/// Why the API server would reject the object of a manifest, of which `template` is the path of the pod template.
pub fn rejections(manifest: &Manifest, template: Option<&str>) -> Vec<Message> {
    let object = &manifest.object;
    let mut faults = Faults::default();
    let metadata = ValuePath::new("metadata");
    let generated = metadata.clone().key("generateName");
    let generated = generated.value(object).and_then(Value::as_str);
    if generated.is_none_or(str::is_empty) {
        faults.name(object, metadata.clone().key("name"));
    }
    faults.strings(object, &ValuePath::default());
    let pod = ValuePath::new(template.unwrap_or_default());
    if template.is_some() {
        faults.strings(object, &pod);
    }
    let spec = pod.key("spec");
    for list in ["initContainers", "containers"] {
        let list = spec.clone().key(list);
        let containers = list.value(object).and_then(Value::as_array);
        for (index, container) in containers.into_iter().flatten().enumerate() {
            faults.container(container, &list.clone().item(index));
        }
    }
    faults.0
}

#[derive(Default)]
struct Faults(Vec<Message>);

impl Faults {
    fn add(&mut self, path: ValuePath, fault: &str) {
        let text = format!("{path}: {fault}; the API server rejects the object");
        self.0.push(Message::of_preview(RULE, path, text));
    }

    fn name(&mut self, object: &Value, path: ValuePath) {
        self.name_of(path.value(object), path);
    }

    /// A name is a string, and must be set.
    fn name_of(&mut self, name: Option<&Value>, path: ValuePath) {
        match name {
            Some(Value::String(name)) if !name.is_empty() => {}
            None | Some(Value::Null | Value::String(_)) => self.add(path, "required, but not set"),
            Some(other) => {
                let found = name_of_type(other);
                let fault =
                    format!("expected a string, found {found}; help: quote it: \"{other}\"");
                self.add(path, &fault);
            }
        }
    }

    /// Labels and annotations are strings. Of those that the policy reads, it says so itself.
    fn strings(&mut self, object: &Value, at: &ValuePath) {
        for map in ["labels", "annotations"] {
            let map = at.clone().key("metadata").key(map);
            let fields = map.value(object).and_then(Value::as_object);
            for (key, value) in fields.into_iter().flatten() {
                let is_ours = key.starts_with(azure_workload_identity_policy::keys::PREFIX);
                if is_ours || value.is_string() || value.is_null() || value.is_object() {
                    continue;
                }
                let found = name_of_type(value);
                let fault =
                    format!("expected a string, found {found}; help: quote it: \"{value}\"");
                self.add(map.clone().key(key), &fault);
            }
        }
    }

    fn container(&mut self, container: &Value, at: &ValuePath) {
        self.name_of(container.get("name"), at.clone().key("name"));
        for name in ["requests", "limits"] {
            let list = at.clone().key("resources").key(name);
            let resources = ValuePath::new("resources").key(name);
            let resources = resources.value(container).and_then(Value::as_object);
            for (resource, amount) in resources.into_iter().flatten() {
                let is_amount = match amount {
                    Value::String(text) => is_quantity(text),
                    other => other.is_number() || other.is_null(),
                };
                if !is_amount {
                    let fault = format!("expected a quantity such as 100m or 1Gi, found {amount}");
                    self.add(list.clone().key(resource), &fault);
                }
            }
        }
    }
}

/// The suffixes of quantities.
const SUFFIXES: [&str; 16] = [
    "", "n", "u", "m", "k", "M", "G", "T", "P", "E", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei",
];

/// Whether it is an amount of a resource: a decimal number with a suffix or an exponent.
fn is_quantity(text: &str) -> bool {
    let text = text.strip_prefix(['+', '-']).unwrap_or(text);
    let end = text
        .find(|letter: char| !letter.is_ascii_digit() && letter != '.')
        .unwrap_or(text.len());
    let (number, suffix) = text.split_at(end);
    let has_digits = number.bytes().any(|byte| byte.is_ascii_digit());
    let has_one_point = number.matches('.').count() <= 1;
    let is_exponent = suffix
        .strip_prefix(['e', 'E'])
        .is_some_and(|exponent| exponent.parse::<i32>().is_ok());
    has_digits && has_one_point && (SUFFIXES.contains(&suffix) || is_exponent)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::input::manifests::read_text;

    #[test]
    fn tells_what_the_api_server_rejects() {
        let text = "apiVersion: apps/v1
kind: Deployment
metadata: {labels: {a: 1, azure.workload.identity/use: true}}
spec:
  template:
    metadata: {annotations: {b: true, c: d}}
    spec:
      initContainers: [{name: 1, resources: {limits: {cpu: 100m, memory: 1GB}}}]
      containers: [{resources: {requests: {cpu: [1], memory: 5}}}]
";
        let manifest = &read_text("f", text).unwrap()[0];
        let texts: Vec<_> = rejections(manifest, Some("spec.template"))
            .into_iter()
            .map(|message| {
                message
                    .text
                    .replace("; the API server rejects the object", "!")
            })
            .collect();
        assert_eq!(
            texts,
            [
                "metadata.name: required, but not set!",
                "metadata.labels.a: expected a string, found a number; help: quote it: \"1\"!",
                "spec.template.metadata.annotations.b: expected a string, found a boolean; help: quote it: \"true\"!",
                "spec.template.spec.initContainers[0].name: expected a string, found a number; help: quote it: \"1\"!",
                "spec.template.spec.initContainers[0].resources.limits.memory: expected a quantity such as 100m or 1Gi, found \"1GB\"!",
                "spec.template.spec.containers[0].name: required, but not set!",
                "spec.template.spec.containers[0].resources.requests.cpu: expected a quantity such as 100m or 1Gi, found [1]!",
            ]
        );
        let fine = "{apiVersion: v1, kind: Pod, metadata: {generateName: a-, labels: null}, spec: {containers: [{name: a}]}}";
        assert_eq!(rejections(&read_text("f", fine).unwrap()[0], None), []);
    }

    #[test]
    fn knows_quantities() {
        for text in [
            "1", "0.5", ".5", "5.", "-1", "100m", "1Gi", "1e3", "1E-3", "2E", "0",
        ] {
            assert!(is_quantity(text), "{text}");
        }
        for text in ["", "1GB", "1gi", "m", "1 Gi", "1.2.3", "e3", "1ee3", "."] {
            assert!(!is_quantity(text), "{text}");
        }
    }
}
