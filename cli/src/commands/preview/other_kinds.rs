//! What becomes of objects whose kind is not one that the policy and Kubernetes know under this name.

use azure_workload_identity_policy::keys;
use azure_workload_identity_policy::messages::nearest;
use azure_workload_identity_policy::objects::{KINDS, WorkloadKind};
use serde_json::Value;

use super::decision::Message;
use super::names::{name, shortened, title};
use crate::input::lines::ValuePath;
use crate::input::manifests::Manifest;
use crate::input::pod_templates::Descriptions;

/// API versions that current Kubernetes does not serve, and those that it serves instead of them.
const OLD_VERSIONS: [(&str, &str, &[&str]); 5] = [
    (
        "extensions/v1beta1",
        "apps/v1",
        &["Deployment", "DaemonSet", "ReplicaSet"],
    ),
    ("apps/v1beta1", "apps/v1", &["Deployment", "StatefulSet"]),
    (
        "apps/v1beta2",
        "apps/v1",
        &["Deployment", "DaemonSet", "ReplicaSet", "StatefulSet"],
    ),
    ("batch/v1beta1", "batch/v1", &["CronJob"]),
    ("batch/v2alpha1", "batch/v1", &["CronJob"]),
];

/// API groups of Kubernetes itself: it is known which of their kinds have pods.
const OF_KUBERNETES: [&str; 24] = [
    "",
    "apps",
    "autoscaling",
    "batch",
    "extensions",
    "policy",
    "admissionregistration.k8s.io",
    "apiextensions.k8s.io",
    "apiregistration.k8s.io",
    "authentication.k8s.io",
    "authorization.k8s.io",
    "certificates.k8s.io",
    "coordination.k8s.io",
    "discovery.k8s.io",
    "events.k8s.io",
    "flowcontrol.apiserver.k8s.io",
    "internal.apiserver.k8s.io",
    "networking.k8s.io",
    "node.k8s.io",
    "rbac.authorization.k8s.io",
    "resource.k8s.io",
    "scheduling.k8s.io",
    "storage.k8s.io",
    "storagemigration.k8s.io",
];

/// Fields that choose objects by their labels, and give none any.
const SELECTORS: [&str; 2] = ["matchLabels", "selector"];

/// An object of an API version that Kubernetes does not serve any more: what it is now, and what to say about it.
pub fn renewed(manifest: &Manifest, namespace: &str) -> Option<(Manifest, Message)> {
    let kind = manifest.kind.as_str();
    let old = manifest.api_version.as_str();
    let known = OLD_VERSIONS.iter();
    let mut known = known.filter(|(version, _, kinds)| *version == old && kinds.contains(&kind));
    let is_workload = WorkloadKind::find(manifest.group(), kind).is_some();
    let new = match (known.next(), manifest.group()) {
        (Some((_, new, _)), _) => new,
        // A version that there never was.
        (None, "apps") if is_workload && old != "apps/v1" => &"apps/v1",
        (None, "batch") if is_workload && old != "batch/v1" => &"batch/v1",
        (None, _) => return None,
    };
    let mut renewed = manifest.clone();
    renewed.api_version = (*new).to_owned();
    if let Some(version) = renewed.object.get_mut("apiVersion") {
        *version = Value::from(*new);
    }
    let title = title(&manifest.kind, namespace, &name(&manifest.object));
    let hint =
        format!("{title}: apiVersion {old}: current Kubernetes does not serve it; help: use {new}");
    let path = ValuePath::new("apiVersion");
    Some((renewed, Message::of_preview("old-api-version", path, hint)))
}

/// What to say about a kind that is not there, but nearly.
pub fn wrong_kind(manifest: &Manifest, descriptions: &Descriptions) -> Option<Message> {
    let kind = manifest.kind.as_str();
    let group = manifest.group();
    let of_kubernetes = KINDS.iter().map(|known| (known.group, known.name));
    let of_core = [("", "Pod"), ("", "ServiceAccount")];
    let of_kubernetes = of_core.into_iter().chain(of_kubernetes);
    let old = OLD_VERSIONS.iter().flat_map(|(version, _, kinds)| {
        let group = version.split_once('/').map_or("", |(group, _)| group);
        kinds.iter().map(move |kind| (group, *kind))
    });
    let known: Vec<_> = of_kubernetes
        .clone()
        .chain(old)
        .chain(descriptions.kinds())
        .collect();
    let in_group = known.iter().filter(|(known, _)| *known == group);
    let mut in_group = in_group.map(|(_, name)| *name);
    let in_path = ValuePath::new("kind");
    if let Some(meant) = in_group
        .clone()
        .find(|name| name.eq_ignore_ascii_case(kind))
    {
        let hint = format!(
            "kind {kind:?}: Kubernetes' kinds are case-sensitive; help: did you mean {meant:?}?"
        );
        if meant != kind {
            return Some(Message::of_preview("case-of-kind", in_path, hint));
        }
        let hint = format!(
            "apiVersion {:?}: Kubernetes has no {kind} there; help: use \"v1\"",
            manifest.api_version
        );
        let is_core = group.is_empty() && manifest.api_version != "v1";
        let path = ValuePath::new("apiVersion");
        return is_core.then(|| Message::of_preview("unknown-kind", path, hint));
    }
    if !OF_KUBERNETES.contains(&group) || !has_ours(&manifest.object) {
        return None;
    }
    let mut of_kubernetes = of_kubernetes;
    if let Some((right, _)) = of_kubernetes.find(|(_, name)| *name == kind) {
        let right = match right {
            "" => "v1".to_owned(),
            right => format!("{right}/v1"),
        };
        let hint = format!(
            "apiVersion {:?}: Kubernetes has no {kind} there; help: use {right:?}",
            manifest.api_version
        );
        let path = ValuePath::new("apiVersion");
        return Some(Message::of_preview("unknown-kind", path, hint));
    }
    let meant = nearest(kind, in_group.by_ref())?;
    let hint =
        format!("kind {kind:?}: Kubernetes has none of this name; help: did you mean {meant:?}?");
    Some(Message::of_preview("unknown-kind", in_path, hint))
}

/// What to say about an object whose kind is known, but which has no pod where such objects have them.
pub fn without_pods(manifest: &Manifest, has_pods: bool) -> Option<Message> {
    (!has_pods && has_ours(&manifest.object)).then(|| {
        let hint = format!(
            "no pod template is where a {} has one, so labels and annotations of workload identity have no effect on it; help: \
             set them on the object that has the template, or correct --pod-templates",
            manifest.kind
        );
        Message::of_preview("no-pod-template", ValuePath::default(), hint)
    })
}

/// An object with keys of ours of which nobody knows whether it has pods, by its name and place.
pub fn stranger(manifest: &Manifest, namespace: &str) -> Option<String> {
    let is_stranger = !OF_KUBERNETES.contains(&manifest.group()) && has_ours(&manifest.object);
    is_stranger.then(|| {
        let title = title(&manifest.kind, namespace, &name(&manifest.object));
        format!("{title} ({})", manifest.origin)
    })
}

/// Whether a key of ours is anywhere in a value, but for selectors.
pub fn has_ours(value: &Value) -> bool {
    let mut left = vec![value];
    while let Some(value) = left.pop() {
        match value {
            Value::Array(items) => left.extend(items),
            Value::Object(fields) => {
                if fields.keys().any(|key| key.starts_with(keys::PREFIX)) {
                    return true;
                }
                let fields = fields.iter();
                let fields = fields.filter(|(key, _)| !SELECTORS.contains(&key.as_str()));
                left.extend(fields.map(|(_, value)| value));
            }
            _ => {}
        }
    }
    false
}

/// A note on such objects, if there are any.
pub fn note_of(strangers: &[String]) -> Option<String> {
    let count = strangers.len();
    let named = shortened(strangers);
    let prefix = keys::PREFIX.trim_end_matches('/');
    let subject = match count {
        0 => return None,
        1 => format!("1 object of a kind that preview does not know names {prefix}"),
        _ => format!("{count} objects of kinds that preview does not know name {prefix}"),
    };
    Some(format!(
        "{subject}: {named}; help: describe where their pods are with --pod-templates FILE"
    ))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::input::manifests::read_text;

    fn manifest(api_version: &str, kind: &str, spec: Value) -> Manifest {
        let object = json!({"apiVersion": api_version, "kind": kind, "metadata": {"name": "a"}, "spec": spec});
        read_text("f", &object.to_string()).unwrap().remove(0)
    }

    #[test]
    fn old_versions_are_renewed() {
        for (version, kind, expected) in [
            ("extensions/v1beta1", "Deployment", Some("apps/v1")),
            ("apps/v1beta1", "StatefulSet", Some("apps/v1")),
            ("apps/v1beta2", "DaemonSet", Some("apps/v1")),
            ("batch/v2alpha1", "CronJob", Some("batch/v1")),
            ("apps/v1beta3", "Deployment", Some("apps/v1")),
            ("batch/v2", "Job", Some("batch/v1")),
            ("extensions/v1beta1", "Ingress", None),
            ("apps/v1", "Deployment", None),
        ] {
            let renewed = renewed(&manifest(version, kind, json!({})), "web");
            let found = renewed.as_ref().map(|(manifest, _)| {
                assert_eq!(manifest.object["apiVersion"], *manifest.api_version);
                manifest.api_version.as_str()
            });
            assert_eq!(found, expected, "{version} {kind}");
            if let (Some((_, hint)), Some(new)) = (renewed, expected) {
                let hint_expected = format!(
                    "{kind} web/a: apiVersion {version}: current Kubernetes does not serve it; help: use {new}"
                );
                assert_eq!(hint.text, hint_expected);
            }
        }
    }

    #[test]
    fn kinds_in_the_wrong_case_are_told() {
        let descriptions = Descriptions::default();
        for (version, kind, meant) in [
            ("apps/v1", "deployment", Some("Deployment")),
            ("batch/v1", "Cronjob", Some("CronJob")),
            ("v1", "pod", Some("Pod")),
            ("v1", "Serviceaccount", Some("ServiceAccount")),
            ("extensions/v1beta1", "Daemonset", Some("DaemonSet")),
            ("argoproj.io/v1alpha1", "rollout", Some("Rollout")),
            ("apps/v1", "Deployment", None),
            ("v1", "deployment", None),
            ("v1", "service", None),
        ] {
            let hint = wrong_kind(&manifest(version, kind, json!({})), &descriptions);
            let expected = meant.map(|meant| {
                format!("kind \"{kind}\": Kubernetes' kinds are case-sensitive; help: did you mean \"{meant}\"?")
            });
            assert_eq!(hint.map(|hint| hint.text), expected, "{version} {kind}");
        }
    }

    #[test]
    fn kinds_that_are_nearly_there_are_told() {
        let descriptions = Descriptions::default();
        let ours =
            json!({"template": {"metadata": {"labels": {"azure.workload.identity/use": "true"}}}});
        for (version, kind, expected) in [
            (
                "v1",
                "Deployment",
                Some(
                    "apiVersion \"v1\": Kubernetes has no Deployment there; help: use \"apps/v1\"",
                ),
            ),
            (
                "apps/v1",
                "Pod",
                Some("apiVersion \"apps/v1\": Kubernetes has no Pod there; help: use \"v1\""),
            ),
            (
                "apps/v1",
                "Deploymnet",
                Some(
                    "kind \"Deploymnet\": Kubernetes has none of this name; help: did you mean \"Deployment\"?",
                ),
            ),
            (
                "v1beta1",
                "ServiceAccount",
                Some(
                    "apiVersion \"v1beta1\": Kubernetes has no ServiceAccount there; help: use \"v1\"",
                ),
            ),
            ("example.com/v1", "Deployment", None),
            ("v1", "Secret", None),
        ] {
            let hint = wrong_kind(&manifest(version, kind, ours.clone()), &descriptions);
            assert_eq!(
                hint.map(|hint| hint.text).as_deref(),
                expected,
                "{version} {kind}"
            );
            let plain = wrong_kind(&manifest(version, kind, json!({})), &descriptions);
            assert_eq!(plain.is_some(), version == "v1beta1");
        }
    }

    #[test]
    fn strangers_have_keys_of_ours() {
        let ours = json!({"azure.workload.identity/use": "true"});
        for (version, spec, is_stranger) in [
            (
                "example.com/v1",
                json!({"values": [{"podLabels": ours}]}),
                true,
            ),
            ("example.com/v1", json!({"podLabels": {"app": "a"}}), false),
            (
                "example.com/v1",
                json!({"note": "azure.workload.identity/use"}),
                false,
            ),
            (
                "example.com/v1",
                json!({"selector": {"matchLabels": ours}}),
                false,
            ),
            ("networking.k8s.io/v1", json!({"labels": ours}), false),
            ("v1", json!({"labels": ours}), false),
        ] {
            let found = stranger(&manifest(version, "Thing", spec.clone()), "web");
            let expected = is_stranger.then(|| "Thing web/a (f, document 1)".to_owned());
            assert_eq!(found, expected, "{version} {spec}");
        }
    }

    #[test]
    fn the_note_names_some_of_them() {
        let strangers = |count: usize| -> Vec<_> {
            (1..=count).map(|number| format!("K a/{number}")).collect()
        };
        let help = "; help: describe where their pods are with --pod-templates FILE";
        assert_eq!(note_of(&[]), None);
        assert_eq!(
            note_of(&strangers(1)),
            Some(format!(
                "1 object of a kind that preview does not know names azure.workload.identity: K a/1{help}"
            ))
        );
        assert_eq!(
            note_of(&strangers(2)),
            Some(format!(
                "2 objects of kinds that preview does not know name azure.workload.identity: K a/1, K a/2{help}"
            ))
        );
        let many = note_of(&strangers(25)).unwrap();
        assert!(
            many.ends_with(&format!("K a/20 and 5 more{help}")),
            "{many}"
        );
    }
}
