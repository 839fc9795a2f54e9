//! Objects that the webhook consists of in a cluster.

use serde_json::Value;

use super::remarks::{MigrationRemarks, OF_LOG, OF_METRICS, OF_SERVER, OF_WEBHOOK, Place};
use super::values::{ARC_CLUSTER, read_variable};
use super::webhook::{SOURCES, Webhook, expanded};
use crate::input::fields::did_you_mean;
use crate::input::manifests::Manifest;

/// What the names of the objects start with.
const NAME: &str = "azure-wi-webhook-";

/// A label of all of them.
const LABEL: &str = "azure-workload-identity.io/system";

/// What the image is called, in whatever registry.
const IMAGE: &str = "workload-identity/webhook";

/// The ConfigMap with the webhook's settings.
const CONFIG_MAP: &str = "azure-wi-webhook-config";

/// The webhook in its configuration.
const WEBHOOK: &str = "mutation.azure-workload-identity.io";

/// The namespace of the managed add-on.
const AKS_NAMESPACE: &str = "kube-system";

/// Labels by which AKS marks what it manages, with the value if only that one does.
const AKS_LABELS: [(&str, Option<&str>); 2] = [
    ("kubernetes.azure.com/managedby", Some("aks")),
    ("addonmanager.kubernetes.io/mode", None),
];

/// The release of Helm that the managed add-on is.
const AKS_RELEASE: &str = "aks-managed-workload-identity";

/// Flags that become nothing, each with the reason.
const FLAGS: [(&str, &str); 9] = [
    (
        "--arc-cluster",
        "not needed: the token is one of Kubernetes",
    ),
    ("--disable-cert-rotation", OF_SERVER),
    ("--health-addr", OF_SERVER),
    ("--log-level", OF_LOG),
    ("--metrics-addr", OF_METRICS),
    ("--metrics-backend", OF_METRICS),
    ("--tls-min-version", OF_SERVER),
    ("--version", OF_SERVER),
    ("--webhook-cert-dir", OF_SERVER),
];

/// Whether the webhook consists of it, among others.
pub fn is_part(manifest: &Manifest) -> bool {
    let has_name = |prefix| manifest.name().is_some_and(|name| name.starts_with(prefix));
    let has_label = || label(manifest, LABEL).is_some();
    has_name(NAME) || has_label()
}

fn label<'m>(manifest: &'m Manifest, key: &str) -> Option<&'m str> {
    let labels = manifest.object.pointer("/metadata/labels")?;
    labels.get(key)?.as_str()
}

/// Reads an object that the webhook consists of.
pub fn read(manifest: &Manifest, webhook: &mut Webhook, remarks: &mut MigrationRemarks) {
    let Manifest {
        origin,
        kind,
        object,
        ..
    } = manifest;
    let name = manifest.name().unwrap_or_default();
    let place = format!("{}: {kind} {name}", origin.file);
    if is_of_aks(manifest) {
        webhook.is_of_aks();
    }
    match kind.as_str() {
        "Deployment" => read_deployment(&place, object, webhook, remarks),
        "ConfigMap" if name == CONFIG_MAP => {
            let data = object.get("data").and_then(Value::as_object);
            for (key, value) in data.into_iter().flatten() {
                let variable = serde_json::json!({"name": key, "value": value});
                read_variable(&place, &variable, webhook, remarks);
            }
        }
        "MutatingWebhookConfiguration" => read_configuration(&place, object, webhook, remarks),
        _ => remarks.leave(
            &Place::new(&origin.file, &format!("{kind} {name}")),
            "not needed: it goes with the webhook",
        ),
    }
}

fn is_of_aks(manifest: &Manifest) -> bool {
    let mut labels = AKS_LABELS.into_iter();
    let is_marked = labels.any(|(key, expected)| match label(manifest, key) {
        Some(value) => expected.is_none_or(|expected| expected == value),
        None => false,
    });
    let annotations = manifest.object.pointer("/metadata/annotations");
    let release = annotations.and_then(|all| all.get("meta.helm.sh/release-name"));
    is_marked
        || manifest.namespace() == Some(AKS_NAMESPACE)
        || release.and_then(Value::as_str) == Some(AKS_RELEASE)
}

fn read_deployment(
    place: &str,
    object: &Value,
    webhook: &mut Webhook,
    remarks: &mut MigrationRemarks,
) {
    let containers = object.pointer("/spec/template/spec/containers");
    let containers = containers.and_then(Value::as_array);
    let image_of = |container: &Value| {
        let image = container.get("image").and_then(Value::as_str);
        image.unwrap_or_default().to_owned()
    };
    let mut all = containers.into_iter().flatten();
    let is_own = |container: &&Value| {
        image_of(container).contains(IMAGE) || container.get("name") == Some(&"manager".into())
    };
    let Some(container) = all.find(is_own) else {
        return remarks.warn(
            &Place::whole(place),
            "expected a container with the image of the webhook, found none",
        );
    };
    let image = image_of(container);
    let tag = image.split('@').next().unwrap_or_default();
    let tag = tag.rsplit('/').next().unwrap_or_default();
    match tag.split_once(':') {
        Some((_, tag)) => webhook.take_release(&Place::new(place, "image"), tag, remarks),
        None => remarks.warn(
            &Place::new(place, "image"),
            "expected a tag, found none; help: give --release VERSION",
        ),
    }
    let arguments = ["command", "args"]
        .into_iter()
        .filter_map(|field| container.get(field)?.as_array())
        .flatten()
        .filter_map(Value::as_str);
    read_arguments(place, &arguments.collect::<Vec<_>>(), webhook, remarks);
    let variables = container.get("env").and_then(Value::as_array);
    for variable in variables.into_iter().flatten() {
        read_variable(place, variable, webhook, remarks);
    }
    let sources = container.get("envFrom").and_then(Value::as_array);
    for source in sources.into_iter().flatten() {
        let name = source.pointer("/configMapRef/name").and_then(Value::as_str);
        if name != Some(CONFIG_MAP) {
            remarks.warn(
                &Place::new(place, "envFrom"),
                &format!(
                    "its variables are not read; help: give --set for what is not in {CONFIG_MAP}"
                ),
            );
        }
    }
    let rest = Place::new(place, "replicas, resources and the like");
    remarks.leave(&rest, OF_SERVER);
}

fn read_arguments(
    place: &str,
    arguments: &[&str],
    webhook: &mut Webhook,
    remarks: &mut MigrationRemarks,
) {
    let mut arguments = arguments.iter().peekable();
    while let Some(argument) = arguments.next() {
        let Some(name) = argument.strip_prefix('-') else {
            continue;
        };
        // Go takes one hyphen and two.
        let name = format!("--{}", name.trim_start_matches('-'));
        let (flag, value) = match name.split_once('=') {
            Some((flag, value)) => (flag.to_owned(), Some(value.to_owned())),
            None => {
                let value = arguments.next_if(|next| !next.starts_with('-'));
                (name, value.map(|value| (*value).to_owned()))
            }
        };
        let place = &Place::new(place, &flag);
        let sources = SOURCES.iter().filter(|source| !source.flag.is_empty());
        if let Some(source) = sources.clone().find(|source| source.flag == flag) {
            let value = value.map_or(Value::Null, Value::String);
            webhook.take(place, source, &value, remarks);
            continue;
        }
        // A switch is on without a value.
        let value = value.map_or(Some("true".to_owned()), |value| expanded(&value));
        match FLAGS.iter().find(|(known, _)| *known == flag) {
            Some(("--arc-cluster", _)) if value.as_deref() == Some("true") => {
                remarks.warn(place, ARC_CLUSTER);
            }
            Some((_, reason)) => remarks.leave(place, reason),
            None => {
                let known = FLAGS.iter().map(|(known, _)| *known);
                let help = did_you_mean(&flag, known.chain(sources.map(|source| source.flag)));
                remarks.warn(place, &format!("the webhook knows no such flag{help}"));
            }
        }
    }
}

fn read_configuration(
    place: &str,
    object: &Value,
    webhook: &mut Webhook,
    remarks: &mut MigrationRemarks,
) {
    let all = object.get("webhooks").and_then(Value::as_array);
    for entry in all.into_iter().flatten() {
        let name = entry
            .get("name")
            .and_then(Value::as_str)
            .unwrap_or_default();
        if name != WEBHOOK {
            let text = format!("expected the webhook {WEBHOOK}; left out");
            remarks.warn(&Place::new(place, name), &text);
            continue;
        }
        for (field, value) in entry.as_object().into_iter().flatten() {
            read_field(&Place::new(place, field), value, webhook, remarks);
        }
        // All pods.
        if entry.get("objectSelector").is_none() {
            webhook.take_objects(&Place::new(place, "objectSelector"), &Value::Null, remarks);
        }
    }
}

fn read_field(
    place: &Place<'_>,
    value: &Value,
    webhook: &mut Webhook,
    remarks: &mut MigrationRemarks,
) {
    match place.part {
        "failurePolicy" => webhook.take_failure_policy(place, value, remarks),
        "namespaceSelector" => webhook.take_namespaces(place, value, remarks),
        "objectSelector" => webhook.take_objects(place, value, remarks),
        "matchConditions" => webhook.take_conditions(place, value, remarks),
        "timeoutSeconds" => webhook.take_timeout(place, value, remarks),
        "reinvocationPolicy" if value.as_str() == Some("IfNeeded") => remarks.note(
            place,
            "Kubewarden sets none: see docs/later-containers.md for containers that other webhooks add later",
        ),
        "rules" if !is_creation_of_pods(value) => remarks.warn(
            place,
            "expected the creation of pods alone, found other rules; the policy has those of the creation of pods",
        ),
        // The certificate in clientConfig is the webhook's own.
        "admissionReviewVersions" | "clientConfig" | "matchPolicy" | "name"
        | "reinvocationPolicy" | "rules" | "sideEffects" => {
            remarks.leave(place, OF_WEBHOOK);
        }
        _ => remarks.warn(place, "there is no such field in a webhook; left out"),
    }
}

fn is_creation_of_pods(rules: &Value) -> bool {
    let Some([rule]) = rules.as_array().map(Vec::as_slice) else {
        return false;
    };
    let has = |field: &str, value: &str| {
        let list = rule.get(field).and_then(Value::as_array);
        list.is_some_and(|list| list.contains(&value.into()))
    };
    has("resources", "pods") && has("operations", "CREATE")
}
