//! ServiceAccounts in place of those of a cluster.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde_json::{Value, json};

use crate::kubewarden::get_resource::GetResource;

/// The namespace of objects that do not name one.
pub const DEFAULT_NAMESPACE: &str = "default";

/// The ServiceAccount that Kubernetes keeps in each namespace.
pub const DEFAULT_ACCOUNT: &str = "default";

/// The ServiceAccount that a pod's spec names, behind the field that names it. As for the API server, an empty name is none.
pub fn named_in(spec: &Value) -> Option<(&'static str, &str)> {
    let fields = ["serviceAccountName", "serviceAccount"].into_iter();
    let mut named = fields.filter_map(|field| Some((field, spec.get(field)?.as_str()?)));
    named.find(|(_, name)| !name.is_empty())
}

/// The fields of an object that Kubewarden hands over whatever the field masks say.
const ALWAYS_KEPT: [&str; 3] = ["apiVersion", "kind", "metadata"];

/// ServiceAccounts by namespace and name.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ServiceAccounts {
    accounts: BTreeMap<(String, String), Arc<Value>>,
    others: Others,
}

/// Which ServiceAccounts there are besides those that were added. They are bare: without labels and annotations.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Others {
    /// None.
    #[default]
    None,
    /// `default` in each namespace, as in a cluster.
    Defaults,
    /// All that are asked for.
    All,
}

impl ServiceAccounts {
    /// The ServiceAccounts `objects`, of which one without a namespace is in `default`.
    ///
    /// Of two with the same namespace and name the later one counts, as if both were applied to a cluster.
    pub fn new(objects: impl IntoIterator<Item = Value>) -> Self {
        objects
            .into_iter()
            .fold(Self::default(), |mut accounts, object| {
                accounts.insert(Arc::new(object), DEFAULT_NAMESPACE);
                accounts
            })
    }

    /// Adds the ServiceAccount `object`, in `namespace` if it does not name one.
    pub fn insert(&mut self, object: Arc<Value>, namespace: &str) {
        let text = |field: &str| {
            let text = object.get("metadata")?.get(field)?.as_str()?;
            Some(text.to_owned())
        };
        let name = text("name").unwrap_or_default();
        let namespace = text("namespace").unwrap_or_else(|| namespace.to_owned());
        self.accounts.insert((namespace, name), object);
    }

    /// Lets other ServiceAccounts exist, too.
    #[must_use]
    pub fn with_others(self, others: Others) -> Self {
        Self { others, ..self }
    }

    /// The ServiceAccount that `wanted` names, as JSON.
    ///
    /// # Errors
    ///
    /// Kubewarden's text for an object that does not exist: every object but these ServiceAccounts.
    pub fn get(&self, wanted: &GetResource) -> Result<Vec<u8>, String> {
        let object = match (
            wanted.api_version.as_str(),
            wanted.kind.as_str(),
            &wanted.namespace,
        ) {
            ("v1", "ServiceAccount", Some(namespace)) => self.find(namespace, &wanted.name),
            _ => None,
        };
        let mut object = object.ok_or_else(|| {
            format!(
                "Cannot find {}/{} named '{}' inside of namespace '{:?}'",
                wanted.api_version, wanted.kind, wanted.name, wanted.namespace
            )
        })?;
        if let (Some(masks), Some(fields)) = (&wanted.field_masks, object.as_object_mut()) {
            let masks: Vec<Vec<&str>> =
                masks.iter().map(|mask| mask.split('.').collect()).collect();
            let masks: Vec<&[&str]> = masks.iter().map(Vec::as_slice).collect();
            retain(fields, &masks, &ALWAYS_KEPT);
        }
        serde_json::to_vec(&object).map_err(|error| error.to_string())
    }

    fn find(&self, namespace: &str, name: &str) -> Option<Value> {
        self.accounts
            .get(&(namespace.to_owned(), name.to_owned()))
            .map(|account| in_namespace(account, namespace))
            .or_else(|| {
                let exists = match self.others {
                    Others::None => false,
                    Others::Defaults => name == DEFAULT_ACCOUNT,
                    Others::All => true,
                };
                exists.then(|| {
                    json!({
                        "apiVersion": "v1",
                        "kind": "ServiceAccount",
                        "metadata": {"name": name, "namespace": namespace},
                    })
                })
            })
    }
}

/// The object as a cluster has it, with its namespace.
fn in_namespace(account: &Value, namespace: &str) -> Value {
    let mut account = account.clone();
    if let Some(metadata) = account.get_mut("metadata").and_then(Value::as_object_mut) {
        metadata.insert("namespace".to_owned(), namespace.into());
    }
    account
}

/// Removes the fields that no mask covers, except those in `always`.
///
/// A mask that ends at a field covers all below it, and lists are looked through.
fn retain(fields: &mut serde_json::Map<String, Value>, masks: &[&[&str]], always: &[&str]) {
    if masks.is_empty() {
        return;
    }
    fields.retain(|name, value| {
        if always.contains(&name.as_str()) {
            return true;
        }
        let below: BTreeSet<&[&str]> = masks
            .iter()
            .filter_map(|mask| {
                mask.split_first()
                    .filter(|(first, _)| **first == name)
                    .map(|(_, rest)| rest)
            })
            .collect();
        // Where one mask covers all and another a part, the part wins, as in Kubewarden.
        let parts: Vec<&[&str]> = below
            .iter()
            .copied()
            .filter(|rest| !rest.is_empty())
            .collect();
        retain_in(value, &parts);
        !below.is_empty()
    });
}

fn retain_in(value: &mut Value, masks: &[&[&str]]) {
    match value {
        Value::Object(fields) => retain(fields, masks, &[]),
        Value::Array(items) => items.iter_mut().for_each(|item| retain_in(item, masks)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wanted(
        kind: &str,
        namespace: Option<&str>,
        name: &str,
        masks: Option<&[&str]>,
    ) -> GetResource {
        GetResource {
            api_version: "v1".to_owned(),
            kind: kind.to_owned(),
            name: name.to_owned(),
            namespace: namespace.map(str::to_owned),
            disable_cache: false,
            field_masks: masks.map(|masks| masks.iter().map(|mask| (*mask).to_owned()).collect()),
        }
    }

    fn account(name: &str, namespace: Option<&str>, label: &str) -> Value {
        let mut account =
            json!({"kind": "ServiceAccount", "metadata": {"name": name, "labels": {"is": label}}});
        if let Some(namespace) = namespace {
            account["metadata"]["namespace"] = namespace.into();
        }
        account
    }

    #[track_caller]
    fn finds(accounts: &ServiceAccounts, wanted: &GetResource, expected: Value) {
        assert_eq!(
            serde_json::from_slice::<Value>(&accounts.get(wanted).unwrap()).unwrap(),
            expected
        );
    }

    #[test]
    fn finds_by_namespace_and_name() {
        let accounts = ServiceAccounts::new([
            account("a", None, "first"),
            account("a", Some("web"), "other namespace"),
            account("b", Some("web"), "earlier"),
            account("b", Some("web"), "later"),
        ]);
        let get = |namespace, name| wanted("ServiceAccount", Some(namespace), name, None);
        finds(
            &accounts,
            &get("default", "a"),
            account("a", Some("default"), "first"),
        );
        finds(
            &accounts,
            &get("web", "a"),
            account("a", Some("web"), "other namespace"),
        );
        finds(
            &accounts,
            &get("web", "b"),
            account("b", Some("web"), "later"),
        );
        for (wanted, expected) in [
            (
                get("web", "c"),
                "Cannot find v1/ServiceAccount named 'c' inside of namespace 'Some(\"web\")'",
            ),
            (
                get("web", "default"),
                "Cannot find v1/ServiceAccount named 'default' inside of namespace 'Some(\"web\")'",
            ),
            (
                wanted("Secret", Some("web"), "a", None),
                "Cannot find v1/Secret named 'a' inside of namespace 'Some(\"web\")'",
            ),
            (
                wanted("ServiceAccount", None, "a", None),
                "Cannot find v1/ServiceAccount named 'a' inside of namespace 'None'",
            ),
        ] {
            assert_eq!(accounts.get(&wanted), Err(expected.to_owned()));
        }
    }

    #[test]
    fn a_default_account_exists_where_asked_for() {
        let accounts = ServiceAccounts::new([account("default", Some("web"), "own")])
            .with_others(Others::Defaults);
        finds(
            &accounts,
            &wanted("ServiceAccount", Some("web"), "default", None),
            account("default", Some("web"), "own"),
        );
        finds(
            &accounts,
            &wanted("ServiceAccount", Some("other"), "default", None),
            json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "default", "namespace": "other"}}),
        );
    }

    #[test]
    fn field_masks_leave_kind_and_metadata() {
        let accounts = ServiceAccounts::new([json!({
            "kind": "ServiceAccount",
            "metadata": {"name": "a", "namespace": "web", "labels": {"x": "y"}},
            "secrets": [{"name": "s", "kind": "Secret"}],
            "imagePullSecrets": [{"name": "p"}],
        })]);
        let metadata = json!({"name": "a", "namespace": "web", "labels": {"x": "y"}});
        let cases: [(&[&str], Value); 4] = [
            (
                &["metadata.name"],
                json!({"kind": "ServiceAccount", "metadata": metadata}),
            ),
            (
                &["secrets.name"],
                json!({"kind": "ServiceAccount", "metadata": metadata, "secrets": [{"name": "s"}]}),
            ),
            (
                &["secrets"],
                json!({"kind": "ServiceAccount", "metadata": metadata, "secrets": [{"name": "s", "kind": "Secret"}]}),
            ),
            (
                &[],
                json!({
                    "kind": "ServiceAccount",
                    "metadata": metadata,
                    "secrets": [{"name": "s", "kind": "Secret"}],
                    "imagePullSecrets": [{"name": "p"}],
                }),
            ),
        ];
        for (masks, expected) in cases {
            finds(
                &accounts,
                &wanted("ServiceAccount", Some("web"), "a", Some(masks)),
                expected,
            );
        }
    }
}
