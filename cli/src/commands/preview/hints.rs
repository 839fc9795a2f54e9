//! What no policy says: it is not sent the object, or it does not look that far.

use std::sync::atomic::{AtomicBool, Ordering};

use azure_workload_identity_policy::keys;
use azure_workload_identity_policy::messages::{Excerpt, nearest};
use azure_workload_identity_policy::review::Reason;
use azure_workload_identity_policy::settings::OptIn;
use serde_json::Value;

use super::accounts::{Accounts, directory};
use super::decision::{Decision, Message};
use super::outcome::{Kind, Problem};
use crate::input::lines::ValuePath;
use crate::input::manifests::{Manifest, name_of_type};
use crate::input::pod_templates::DescribedPod;
use crate::kubewarden::service_accounts::{DEFAULT_ACCOUNT, named_in};

/// The annotation of an object, or of its pod template, that lists rules of hints which are not wanted.
pub const IGNORE: &str = "azwi-policy/ignore-hints";

/// What is reviewed: an object of a manifest, or the pod that it would create.
#[derive(Clone, Copy)]
pub struct Subject<'r> {
    /// The manifest.
    pub manifest: &'r Manifest,
    /// The pod that it would create, if that is what is reviewed.
    pub pod: Option<&'r DescribedPod>,
    /// Its namespace.
    pub namespace: &'r str,
    /// The object or pod.
    pub object: &'r Value,
}

impl Subject<'_> {
    fn is_pod(self) -> bool {
        self.object.get("kind").is_some_and(|kind| kind == "Pod")
    }

    /// The way to the object in the manifest: to the pod template, if it is a workload's pod.
    fn path(self) -> ValuePath {
        ValuePath::new(self.pod.map_or("", |pod| &pod.path))
    }

    /// Where labels and annotations of the pod are.
    fn place(self) -> String {
        self.pod.map_or("the pod", |pod| &pod.labels).to_owned()
    }

    /// The name of the pod's ServiceAccount, and the path of the field that names it in the manifest.
    fn service_account(self) -> (String, String) {
        let named = self.object.get("spec").and_then(named_in);
        let (field, name) = named.unwrap_or(("serviceAccountName", DEFAULT_ACCOUNT));
        let path = match self.pod {
            None => format!("spec.{field}"),
            Some(DescribedPod {
                service_account: Some(path),
                ..
            }) => path.clone(),
            Some(pod) => format!("{}.spec.{field}", pod.path),
        };
        (name.to_owned(), path)
    }
}

/// What the policies leave unsaid of an object that they decided on, or would decide on, in this way.
pub fn of(subject: Subject<'_>, decision: &Decision, accounts: &Accounts<'_>) -> Vec<Message> {
    let mut hints = Vec::new();
    hints.extend(idle_identity(subject, decision, accounts));
    hints.extend(account_not_found(subject, decision, accounts));
    if decision.opts_in() {
        secrets(subject, decision, &mut hints);
    }
    hints
}

/// What is wrong with labels and annotations that no policy takes for its own.
pub fn of_keys(subject: Subject<'_>) -> Vec<Message> {
    let mut hints = Vec::new();
    let object = subject.object;
    for (form, map) in [("label", "labels"), ("annotation", "annotations")] {
        let fields = object
            .pointer("/metadata")
            .and_then(|metadata| metadata.get(map));
        let fields = fields.and_then(Value::as_object).into_iter().flatten();
        for (key, value) in fields {
            let hint = nested_key(map, key, value)
                .or_else(|| misspelt_prefix(form, key))
                .or_else(|| aad_pod_identity(form, key));
            hints.extend(hint.map(|(rule, text)| {
                let path = subject.path().key("metadata").key(map).key(key);
                Message::of_preview(rule, path, text)
            }));
        }
    }
    hints
}

/// The rule of the hint that a pod does not opt in.
pub const IDLE_IDENTITY: &str = "idle-identity";

/// A hint that a pod does not opt in, although its ServiceAccount names an identity.
///
/// The policy does not look the ServiceAccount of such a pod up. Some pods are right: External Secrets and the CSI
/// driver read such ServiceAccounts for others. A label `use: "false"` says that it is on purpose.
fn idle_identity(
    subject: Subject<'_>,
    decision: &Decision,
    accounts: &Accounts<'_>,
) -> Option<Message> {
    let says_nothing = |reason: &Reason| {
        matches!(
            reason,
            Reason::OptIn {
                rule: OptIn::PodLabel,
                pod_label: None,
                by: None,
                ..
            }
        )
    };
    if !subject.is_pod() || !decision.reasons.iter().any(says_nothing) {
        return None;
    }
    let (name, _) = subject.service_account();
    let directory = directory(&subject.manifest.origin.file);
    let account = accounts.get(subject.namespace, &name, directory)?;
    let annotations = account.object().pointer("/metadata/annotations")?;
    let client_id = annotations.get(keys::CLIENT_ID)?.as_str()?;
    let text = format!(
        "ServiceAccount {}/{name} names a client ID, but the pod does not opt in; help: add label {}: {:?} to {}, or \
         \"false\" if the pod is to have no identity",
        subject.namespace,
        keys::USE,
        keys::OPTED_IN,
        subject.place()
    );
    (!client_id.is_empty()).then(|| {
        let path = subject.path().key("metadata").key("labels");
        Message::of_preview(IDLE_IDENTITY, path, text)
    })
}

/// The ServiceAccounts, by namespace and name, that were looked up and are not among the manifests, so that those without
/// annotations were taken in their place.
pub fn assumed<'d>(
    subject: Subject<'d>,
    decision: &'d Decision,
    accounts: &'d Accounts<'_>,
) -> impl Iterator<Item = (&'d str, &'d str)> {
    let directory = directory(&subject.manifest.origin.file);
    let looked_up = decision.reasons.iter().filter_map(|reason| match reason {
        Reason::ServiceAccount {
            namespace,
            name,
            is_looked_up: true,
            not_found: None,
            ..
        } => Some((namespace.as_str(), name.as_str())),
        _ => None,
    });
    looked_up.filter(move |(namespace, name)| {
        *name != DEFAULT_ACCOUNT && accounts.get(namespace, name, directory).is_none()
    })
}

/// A hint that the ServiceAccount of a pod that opts in is not among the manifests.
fn account_not_found(
    subject: Subject<'_>,
    decision: &Decision,
    accounts: &Accounts<'_>,
) -> Option<Message> {
    let (namespace, name) = assumed(subject, decision, accounts).next()?;
    if !subject.is_pod() {
        return None;
    }
    let similar = nearest(name, accounts.names_in(namespace));
    let (_, field) = subject.service_account();
    let path = ValuePath::new(&field);
    let help = match (similar, accounts.namespace_with(name)) {
        (Some(similar), _) => {
            format!("did you mean {similar:?}? Else correct {field}, or add the manifest")
        }
        (None, Some(other)) => {
            format!(
                "one of that name is in namespace {other:?}; add the one of this namespace, or correct it"
            )
        }
        (None, None) => format!("add its manifest, or correct {field}"),
    };
    let text = format!(
        "ServiceAccount {namespace}/{name} is not among the manifests, so what it says is not known; help: {help}"
    );
    Some(Message::of_preview(ACCOUNT_NOT_FOUND, path, text))
}

/// The rule of that hint.
const ACCOUNT_NOT_FOUND: &str = "service-account-not-found";

/// A hint that a pod opts in, and no policy that injects is sent it.
pub fn not_sent(subject: Subject<'_>, decision: &Decision, exclusion: &str) -> Option<Message> {
    decision.opts_in().then(|| {
        let text = format!(
            "the pod opts in, but is not sent to the policy, {exclusion}; help: correct the policy, or the pod's labels and namespace"
        );
        let path = subject.path().key("metadata").key("labels");
        Message::of_preview("not-sent", path, text)
    })
}

/// Variables with the secrets of other credentials, which the Azure SDKs' default credential tries first.
const SECRETS: [&str; 3] = [
    "AZURE_CLIENT_SECRET",
    "AZURE_CLIENT_CERTIFICATE_PATH",
    "AZURE_PASSWORD",
];

/// Hints that containers have another credential beside the identity.
fn secrets(subject: Subject<'_>, decision: &Decision, hints: &mut Vec<Message>) {
    if !subject.is_pod() {
        return;
    }
    for list in ["initContainers", "containers"] {
        let containers = subject.object.get("spec").and_then(|spec| spec.get(list));
        let containers = containers.and_then(Value::as_array).into_iter().flatten();
        for (index, container) in containers.enumerate() {
            let text = |value: &Value| value.get("name").and_then(Value::as_str).map(str::to_owned);
            let env = container.get("env").and_then(Value::as_array);
            let names = env.into_iter().flatten().filter_map(text);
            let found: Vec<_> = names
                .filter(|name| SECRETS.contains(&name.as_str()))
                .collect();
            let name = text(container).unwrap_or_default();
            if found.is_empty() || is_skipped(decision, &name) {
                continue;
            }
            let container = Excerpt::new(&name);
            let text = format!(
                "container {container}: env {}: the default credential of Azure's SDKs takes this secret before the pod's \
                 identity; help: remove it, or use the workload identity credential by name",
                found.join(", ")
            );
            let path = subject.path().key("spec").key(list).item(index).key("env");
            hints.push(Message::of_preview("secret-beside-identity", path, text));
        }
    }
}

/// Whether a container gets no identity, because an annotation says so.
fn is_skipped(decision: &Decision, name: &str) -> bool {
    let containers = decision.reasons.iter().filter_map(|reason| match reason {
        Reason::Containers(containers) => Some(containers),
        _ => None,
    });
    let mut containers = containers.flatten();
    containers.any(|container| container.is_skipped && container.name == name)
}

/// Rule and text of a hint.
type Hint = (&'static str, String);

fn misspelt_prefix(form: &str, key: &str) -> Option<Hint> {
    let right = keys::PREFIX.trim_end_matches('/');
    let (prefix, rest) = match key.split_once('/') {
        Some(parts) => parts,
        // A dot in place of the slash, or nothing behind it.
        None => (
            key.get(..right.len())?,
            key.get(right.len()..)?.trim_start_matches('.'),
        ),
    };
    let bare = |text: &str| text.to_ascii_lowercase().replace(['.', '-', '_'], "");
    let is_right = prefix == right && key.contains('/');
    let is_near = !is_right && nearest(&bare(prefix), [bare(right).as_str()]).is_some();
    is_near.then(|| {
        let known = keys::ALL.iter().map(|(known, ..)| *known);
        let names = known.filter_map(|known| known.strip_prefix(keys::PREFIX));
        let name = match (nearest(rest, names), rest) {
            (Some(name), _) => name,
            (None, "") => "use",
            (None, rest) => rest,
        };
        let text = format!(
            "{form} {} has no effect: expected the prefix {right}; help: did you mean {right}/{name}?",
            Excerpt::new(key)
        );
        ("misspelt-prefix", text)
    })
}

/// A key of ours that was taken apart at its dots or its slash.
fn nested_key(map: &str, key: &str, value: &Value) -> Option<Hint> {
    if !value.is_object() || !keys::PREFIX.starts_with(key) || key.is_empty() {
        return None;
    }
    let text = format!(
        "metadata.{map}.{key}: expected a string, found {}; help: write the key in one piece, as in {}: {:?}",
        name_of_type(value),
        keys::USE,
        keys::OPTED_IN
    );
    Some(("nested-key", text))
}

/// The label of AAD Pod Identity.
pub const POD_IDENTITY_LABEL: &str = "aadpodidbinding";

fn aad_pod_identity(form: &str, key: &str) -> Option<Hint> {
    (key == POD_IDENTITY_LABEL).then(|| {
        let text = format!(
            "{form} {key} is of AAD Pod Identity, which workload identity replaces; help: name the identity in annotation {} of \
             the pod's ServiceAccount, and use label {}: {:?} in place of this one",
            keys::CLIENT_ID,
            keys::USE,
            keys::OPTED_IN
        );
        ("aad-pod-identity", text)
    })
}

/// Which hints are not wanted.
#[derive(Debug, Default)]
pub struct Ignored {
    flags: Vec<Flag>,
}

/// One value of the flag.
#[derive(Debug)]
struct Flag {
    rule: String,
    /// The object, if it is for one only.
    object: Option<String>,
    /// Whether there was such a hint.
    is_used: AtomicBool,
}

impl Ignored {
    /// By the values of the flag: a rule, or `RULE=KIND/NAMESPACE/NAME`.
    pub fn new(flags: &[String]) -> Self {
        let flags = flags.iter().map(|flag| {
            let (rule, object) = match flag.split_once('=') {
                Some((rule, object)) => (rule, Some(object.replacen('/', " ", 1))),
                None => (flag.as_str(), None),
            };
            Flag {
                rule: rule.to_owned(),
                object,
                is_used: AtomicBool::new(false),
            }
        });
        Self {
            flags: flags.collect(),
        }
    }

    /// A note on each flag that left nothing out, which may be misspelt.
    pub fn unused(&self) -> impl Iterator<Item = String> {
        let flags = self.flags.iter();
        let unused = flags.filter(|flag| !flag.is_used.load(Ordering::Relaxed));
        unused.map(|Flag { rule, object, .. }| match object {
            None => format!("--ignore-hint: there is no hint {rule:?}"),
            Some(object) => format!("--ignore-hint: there is no hint {rule:?} on {object:?}"),
        })
    }

    /// Whether a problem with the object of a manifest is a hint that is not wanted.
    pub fn covers(
        &self,
        problem: &Problem,
        manifest: &Manifest,
        template: Option<&str>,
        title: &str,
    ) -> bool {
        if problem.kind != Kind::Hint {
            return false;
        }
        let is_meant = |flag: &&Flag| {
            let object = flag.object.as_ref();
            flag.rule == problem.rule && object.is_none_or(|object| object == title)
        };
        let flag = self.flags.iter().find(is_meant);
        let is_flagged = flag.is_some_and(|flag| {
            flag.is_used.store(true, Ordering::Relaxed);
            true
        });
        is_flagged || listed(&manifest.object, template).any(|rule| rule == problem.rule)
    }
}

/// The rules that the annotations of an object and of its pod template list.
fn listed<'o>(object: &'o Value, template: Option<&str>) -> impl Iterator<Item = &'o str> {
    let template = template.and_then(|template| ValuePath::new(template).value(object));
    let metadata = [Some(object), template].into_iter().flatten();
    let lists = metadata.filter_map(|object| {
        let annotations = object.get("metadata")?.get("annotations")?;
        annotations.get(IGNORE)?.as_str()
    });
    lists.flat_map(|list| list.split(',').map(str::trim))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::input::manifests::read_text;

    fn manifest(metadata: &Value) -> Manifest {
        let object = json!({"apiVersion": "v1", "kind": "Pod", "metadata": metadata});
        read_text("f", &object.to_string()).unwrap().remove(0)
    }

    /// Rules and texts of the hints on the keys of a pod.
    fn of_metadata(metadata: &Value) -> Vec<(&'static str, String)> {
        let manifest = manifest(metadata);
        let subject = Subject {
            manifest: &manifest,
            pod: None,
            namespace: "web",
            object: &manifest.object,
        };
        let hints = of_keys(subject).into_iter();
        hints.map(|hint| (hint.rule.unwrap(), hint.text)).collect()
    }

    #[test]
    fn prefixes_that_are_nearly_ours_are_told() {
        let right = "azure.workload.identity";
        for (key, meant) in [
            ("azure.workload-identity/use", Some("use")),
            ("azure.workloads.identity/client-id", Some("client-id")),
            ("azure.workloadidentity/cliend-id", Some("client-id")),
            ("Azure.Workload.Identity/other", Some("other")),
            ("azure.workload.identiy/use", Some("use")),
            ("azure.workload.identity.use", Some("use")),
            ("azure.workload.identity", Some("use")),
            ("azure.workload.identity/use", None),
            ("azure.workload", None),
            ("workload.example.com/use", None),
            ("app.kubernetes.io/name", None),
        ] {
            let expected = meant.map(|meant| {
                let text = format!(
                    "label \"{key}\" has no effect: expected the prefix {right}; help: did you mean {right}/{meant}?"
                );
                ("misspelt-prefix", text)
            });
            let hints = of_metadata(&json!({"labels": {key: "true"}}));
            assert_eq!(hints, Vec::from_iter(expected), "{key}");
        }
    }

    #[test]
    fn keys_that_are_taken_apart_are_told() {
        for (key, is_told) in [
            ("azure", true),
            ("azure.workload", true),
            ("azure.workload.identity", true),
            ("azure.workload.identity/", true),
            ("az", true),
            ("other", false),
            ("", false),
        ] {
            let hints = of_metadata(&json!({"annotations": {key: {"workload": {}}}}));
            let expected = format!(
                "metadata.annotations.{key}: expected a string, found an object; help: write the key in one piece, as in \
                 azure.workload.identity/use: \"true\""
            );
            let expected = is_told.then_some(("nested-key", expected));
            assert_eq!(hints, Vec::from_iter(expected), "{key}");
        }
    }

    #[test]
    fn hints_are_left_out_by_flags_and_annotations() {
        let problem = |kind| Problem {
            kind,
            policy: None,
            text: String::new(),
            place: crate::commands::preview::Place {
                file: "f".to_owned(),
                line: 1,
            },
            rule: "nested-key".to_owned(),
        };
        let plain = manifest(&json!({"name": "a"}));
        let annotated = manifest(&json!({"annotations": {IGNORE: "idle-identity , nested-key"}}));
        let title = "Pod web/a";
        for (flags, manifest, kind, is_covered) in [
            (&[][..], &plain, Kind::Hint, false),
            (&["nested-key"], &plain, Kind::Hint, true),
            (&["nested-key"], &plain, Kind::Warning, false),
            (&["other"], &plain, Kind::Hint, false),
            (&["other", "nested-key=Pod/web/a"], &plain, Kind::Hint, true),
            (&["nested-key=Pod/web/b"], &plain, Kind::Hint, false),
            (&[], &annotated, Kind::Hint, true),
            (&[], &annotated, Kind::Rejection, false),
        ] {
            let flags: Vec<_> = flags.iter().map(ToString::to_string).collect();
            let ignored = Ignored::new(&flags);
            let covers = ignored.covers(&problem(kind), manifest, None, title);
            assert_eq!(covers, is_covered, "{flags:?} {kind:?}");
        }
        let deployment = json!({
            "apiVersion": "apps/v1", "kind": "Deployment",
            "spec": {"template": {"metadata": {"annotations": {IGNORE: "nested-key"}}}},
        });
        let deployment = read_text("f", &deployment.to_string()).unwrap().remove(0);
        let ignored = Ignored::default();
        let problem = problem(Kind::Hint);
        assert!(ignored.covers(&problem, &deployment, Some("spec.template"), title));
        assert!(!ignored.covers(&problem, &deployment, None, title));
    }
}
