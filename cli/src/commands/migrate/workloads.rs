//! Workloads that had their identity of AAD Pod Identity, and the ServiceAccounts that give it to them now.

use std::collections::BTreeMap;

use azure_workload_identity_policy::keys;
use azure_workload_identity_policy::messages::Excerpt;
use azure_workload_identity_policy::objects::WorkloadKind;
use azure_workload_identity_policy::settings::OptIn;
use serde_json::{Map, Value, json};

use super::pod_identity::{LABEL, Match, PodIdentity};
use super::remarks::{MigrationRemarks, Place};
use crate::commands::preview::names::title;
use crate::input::manifests::Manifest;
use crate::kubewarden::service_accounts::{DEFAULT_ACCOUNT, named_in};

/// Where the workloads go.
#[derive(Debug, Clone, Copy)]
pub struct Target<'t> {
    /// What makes a pod get its identity.
    pub opt_in: OptIn,
    /// Whether pods get the proxy.
    pub with_proxy: bool,
    /// The namespace of objects that name none.
    pub default_namespace: &'t str,
}

/// An annotation that kubectl keeps the last applied object in.
const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";

/// Fields of metadata that only the API server sets.
const OF_SERVER: [&str; 6] = [
    "creationTimestamp",
    "generation",
    "managedFields",
    "resourceVersion",
    "selfLink",
    "uid",
];

/// Where labels are.
const LABELS: [&str; 2] = ["metadata", "labels"];

/// Where annotations are.
const ANNOTATIONS: [&str; 2] = ["metadata", "annotations"];

/// A ServiceAccount by namespace and name.
type AccountName = (String, String);

/// An annotation's value, and the identity that it is from.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Wanted {
    client_id: String,
    tenant_id: Option<String>,
    from: String,
}

/// A ServiceAccount that workloads use.
#[derive(Debug, Default)]
struct Account {
    /// The identities that its workloads have.
    wanted: Vec<Wanted>,
    /// Whether it is made for workloads that have had the default one.
    is_new: bool,
}

/// The ServiceAccounts, then the workloads: whole objects, to be applied.
pub fn migrated(
    manifests: &[Manifest],
    pod_identity: &PodIdentity,
    target: Target<'_>,
    remarks: &mut MigrationRemarks,
) -> Vec<Value> {
    let existing = existing_accounts(manifests, target.default_namespace);
    let mut accounts = BTreeMap::<AccountName, Account>::new();
    let mut workloads = Vec::new();
    let mut labels = Vec::new();
    for manifest in manifests {
        let Some(template) = template_of(manifest) else {
            continue;
        };
        let namespace = manifest.namespace().unwrap_or(target.default_namespace);
        let title = title(
            &manifest.kind,
            namespace,
            manifest.name().unwrap_or_default(),
        );
        let place = Place::whole(&title);
        let pod = template
            .iter()
            .try_fold(&manifest.object, |at, field| at.get(field));
        let Some(pod) = pod else { continue };
        let label = pod.pointer(&format!("/metadata/labels/{LABEL}"));
        let Some(label) = label.and_then(Value::as_str) else {
            continue;
        };
        labels.push(label.to_owned());
        if let Some(owner) = owner(manifest) {
            if WorkloadKind::find(owner.0, owner.1).is_none() {
                let text = format!(
                    "its owner is {} {}: change that in the same way",
                    owner.1, owner.2
                );
                remarks.warn(&place, &text);
            }
            continue;
        }
        let matches = pod_identity.of(namespace, label);
        if matches.is_empty() {
            let text = format!(
                "no AzureIdentityBinding in the input selects its label {LABEL}={label}; left out"
            );
            remarks.warn(&place, &text);
            continue;
        }
        let wanted = wanted(&place, namespace, &matches, remarks);
        let spec = pod.get("spec").unwrap_or(&Value::Null);
        let named = named_in(spec).map(|(_, name)| name);
        let name = match named {
            Some(name) if name != DEFAULT_ACCOUNT => name.to_owned(),
            _ => {
                let base = match matches.as_slice() {
                    [only] => only.identity.name.as_str(),
                    _ => manifest.name().unwrap_or_default(),
                };
                let name = new_name(namespace, base, wanted.as_ref(), &existing, &accounts);
                let text = format!(
                    "gets the new ServiceAccount {name} in place of {DEFAULT_ACCOUNT}, which all pods of the namespace share; roles \
                     that are bound to {DEFAULT_ACCOUNT} are not bound to it"
                );
                remarks.note(&place, &text);
                let key = (namespace.to_owned(), name.clone());
                accounts.entry(key).or_default().is_new = true;
                name
            }
        };
        let account = accounts.entry((namespace.to_owned(), name.clone()));
        let account = account.or_default();
        account
            .wanted
            .extend(wanted.filter(|wanted| !account.wanted.contains(wanted)));
        if matches!(manifest.kind.as_str(), "Pod" | "Job") {
            let text = "has to be deleted and created again: Kubernetes does not allow the change";
            remarks.warn(&place, text);
        }
        workloads.push(with_identity(manifest, &template, &name, target));
    }
    pod_identity.tell_unused(&labels, remarks);
    let accounts = accounts.into_iter();
    let accounts = accounts.map(|(name, account)| {
        let object = existing.get(&name).copied();
        let default = (name.0.clone(), DEFAULT_ACCOUNT.to_owned());
        let default = existing.get(&default).copied();
        account_object(&name, &account, object, default, target, remarks)
    });
    let accounts: Vec<_> = accounts.collect();
    accounts.into_iter().chain(workloads).collect()
}

/// The ServiceAccounts in the input.
fn existing_accounts<'m>(
    manifests: &'m [Manifest],
    default_namespace: &str,
) -> BTreeMap<AccountName, &'m Value> {
    let accounts = manifests
        .iter()
        .filter(|manifest| manifest.is("v1", "ServiceAccount"));
    let accounts = accounts.map(|manifest| {
        let namespace = manifest.namespace().unwrap_or(default_namespace);
        let name = manifest.name().unwrap_or_default();
        ((namespace.to_owned(), name.to_owned()), &manifest.object)
    });
    accounts.collect()
}

/// The way to the pod, or to the template of pods; `None` if it has neither.
fn template_of(manifest: &Manifest) -> Option<Vec<&'static str>> {
    if manifest.is("v1", "Pod") {
        return Some(Vec::new());
    }
    let kind = WorkloadKind::find(manifest.group(), &manifest.kind)?;
    Some(kind.template.split('.').collect())
}

/// Group, kind and name of the controller that has made an object.
fn owner(manifest: &Manifest) -> Option<(&str, &str, &str)> {
    let owners = manifest.object.pointer("/metadata/ownerReferences")?;
    let owner = owners.as_array()?.iter().find(|owner| {
        let is_controller = owner.get("controller").and_then(Value::as_bool);
        is_controller == Some(true)
    })?;
    let text = |field: &str| owner.get(field).and_then(Value::as_str).unwrap_or_default();
    let version = text("apiVersion");
    let group = version.split_once('/').map_or("", |(group, _)| group);
    Some((group, text("kind"), text("name")))
}

/// What the ServiceAccount of a workload names: nothing if there is a choice.
fn wanted(
    place: &Place<'_>,
    namespace: &str,
    matches: &[Match<'_>],
    remarks: &mut MigrationRemarks,
) -> Option<Wanted> {
    for found in matches.iter().filter(|found| found.is_foreign) {
        let text = format!(
            "has {} of another namespace, unless AAD Pod Identity is in namespaced mode; the identity needs a credential for the \
             namespace {namespace} too",
            found.identity
        );
        remarks.warn(place, &text);
    }
    let [only] = matches else {
        let all: Vec<_> = matches
            .iter()
            .map(|found| {
                let id = found.identity.client_id.as_deref();
                format!("{} ({})", found.identity, id.unwrap_or("no client ID"))
            })
            .collect();
        let text = format!(
            "has several identities, of which a ServiceAccount names one: {}; help: annotate it with the client ID that the \
             application uses most, and let the application name the others itself",
            all.join(", ")
        );
        remarks.warn(place, &text);
        return None;
    };
    Some(Wanted {
        client_id: only.identity.client_id.clone()?,
        tenant_id: only.identity.tenant_id.clone(),
        from: only.identity.to_string(),
    })
}

/// A name for a new ServiceAccount: of one that was made for the same identity, or else one that nobody has.
fn new_name(
    namespace: &str,
    base: &str,
    wanted: Option<&Wanted>,
    existing: &BTreeMap<AccountName, &Value>,
    accounts: &BTreeMap<AccountName, Account>,
) -> String {
    let mut name = base.to_owned();
    for number in 2_usize.. {
        let key = (namespace.to_owned(), name.clone());
        let is_free = !existing.contains_key(&key);
        let is_ours = accounts.get(&key).is_none_or(|account| {
            account.is_new && account.wanted.iter().all(|other| Some(other) == wanted)
        });
        if is_free && is_ours {
            break;
        }
        name = format!("{base}-{number}");
    }
    name
}

fn account_object(
    (namespace, name): &AccountName,
    account: &Account,
    existing: Option<&Value>,
    default: Option<&Value>,
    target: Target<'_>,
    remarks: &mut MigrationRemarks,
) -> Value {
    let title = title("ServiceAccount", namespace, name);
    let place = Place::whole(&title);
    let mut object = existing.cloned().unwrap_or_else(|| {
        json!({
            "apiVersion": "v1",
            "kind": "ServiceAccount",
            "metadata": {"name": name, "namespace": namespace},
        })
    });
    without_state(&mut object);
    if let Some(secrets) = default.and_then(|default| default.get("imagePullSecrets"))
        && account.is_new
        && let Some(fields) = object.as_object_mut()
    {
        fields.insert("imagePullSecrets".to_owned(), secrets.clone());
    }
    let annotation = object
        .pointer("/metadata/annotations")
        .and_then(|all| all.get(keys::CLIENT_ID)?.as_str())
        .map(str::to_owned);
    match (account.wanted.as_slice(), annotation) {
        ([], _) => {}
        ([wanted], None) => {
            let id = wanted.client_id.clone().into();
            put(&mut object, &ANNOTATIONS, keys::CLIENT_ID, id);
            if let Some(tenant) = wanted.tenant_id.clone() {
                put(&mut object, &ANNOTATIONS, keys::TENANT_ID, tenant.into());
            }
        }
        ([wanted], Some(found)) if found.eq_ignore_ascii_case(&wanted.client_id) => {}
        ([wanted], Some(found)) => {
            let text = format!(
                "keeps the client ID {}, which is not that of {}, {}",
                Excerpt::new(&found),
                wanted.from,
                wanted.client_id
            );
            remarks.warn(&place, &text);
        }
        (several, _) => {
            let all: Vec<_> = several.iter().map(|wanted| wanted.from.as_str()).collect();
            let text = format!(
                "gets no client ID, because its workloads have different identities: {}; help: give each workload a ServiceAccount \
                 of its own",
                all.join(", ")
            );
            remarks.warn(&place, &text);
        }
    }
    if target.opt_in != OptIn::PodLabel {
        put(&mut object, &LABELS, keys::USE, keys::OPTED_IN.into());
    }
    object
}

/// The workload, which opts in and has the ServiceAccount `account`.
fn with_identity(
    manifest: &Manifest,
    template: &[&str],
    account: &str,
    target: Target<'_>,
) -> Value {
    let mut object = manifest.object.clone();
    without_state(&mut object);
    let mut put_in = |path: &[&str], key: &str, value: &str| {
        put(&mut object, &[template, path].concat(), key, value.into());
    };
    put_in(&LABELS, keys::USE, keys::OPTED_IN);
    if target.with_proxy {
        put_in(&ANNOTATIONS, keys::INJECT_PROXY_SIDECAR, "true");
    }
    put_in(&["spec"], "serviceAccountName", account);
    // The older name of the field, which the API server sets to the same.
    let pod = template
        .iter()
        .try_fold(&mut object, |at, field| at.get_mut(field));
    let spec = pod.and_then(|pod| pod.get_mut("spec")?.as_object_mut());
    if let Some(spec) = spec {
        spec.shift_remove("serviceAccount");
    }
    object
}

/// Takes away what only the API server sets, and what kubectl remembers.
fn without_state(object: &mut Value) {
    if let Some(fields) = object.as_object_mut() {
        fields.shift_remove("status");
    }
    let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut) else {
        return;
    };
    for field in OF_SERVER {
        metadata.shift_remove(field);
    }
    if let Some(annotations) = metadata
        .get_mut("annotations")
        .and_then(Value::as_object_mut)
    {
        annotations.shift_remove(LAST_APPLIED);
    }
}

/// Puts a field into the object that `path` leads to; what is no object on the way becomes one.
fn put(object: &mut Value, path: &[&str], key: &str, value: Value) {
    let mut at = object;
    for field in path.iter().chain([&key]) {
        if !at.is_object() {
            *at = Value::Object(Map::new());
        }
        let Some(map) = at.as_object_mut() else {
            return;
        };
        at = map.entry(*field).or_insert(Value::Null);
    }
    *at = value;
}
