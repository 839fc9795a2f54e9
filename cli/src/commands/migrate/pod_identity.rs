//! Objects of AAD Pod Identity.

use std::fmt;

use azure_workload_identity_policy::messages::Excerpt;
use azure_workload_identity_policy::values;
use serde_json::Value;

use super::remarks::{MigrationRemarks, Place};
use crate::input::manifests::Manifest;

/// Their API group.
const GROUP: &str = "aadpodidentity.k8s.io";

/// The label of pods that a binding selects.
pub use crate::commands::preview::POD_IDENTITY_LABEL as LABEL;

/// The annotation that keeps an identity in its namespace, and its value.
const BEHAVIOR: (&str, &str) = ("aadpodidentity.k8s.io/Behavior", "namespaced");

/// An AzureIdentity.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// Its client ID, if it has one that can be used.
    pub client_id: Option<String>,
    /// The tenant of a service principal.
    pub tenant_id: Option<String>,
    /// Whether pods of other namespaces cannot use it.
    is_namespaced: bool,
}

impl fmt::Display for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "AzureIdentity {}/{}", self.namespace, self.name)
    }
}

/// An AzureIdentityBinding.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Binding {
    namespace: String,
    name: String,
    identity: String,
    selector: String,
}

/// The objects of AAD Pod Identity in a cluster.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct PodIdentity {
    identities: Vec<Identity>,
    bindings: Vec<Binding>,
}

/// An identity that a pod has, and whether it is in another namespace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Match<'p> {
    /// The identity.
    pub identity: &'p Identity,
    /// Whether it is in another namespace.
    pub is_foreign: bool,
}

/// Whether `manifest` is an object of AAD Pod Identity.
pub fn is_part(manifest: &Manifest) -> bool {
    manifest.group() == GROUP
}

impl PodIdentity {
    /// Whether there is nothing.
    pub fn is_empty(&self) -> bool {
        self.identities.is_empty() && self.bindings.is_empty()
    }

    /// Reads an object, in `default_namespace` if it names none.
    pub fn read(
        &mut self,
        manifest: &Manifest,
        default_namespace: &str,
        remarks: &mut MigrationRemarks,
    ) {
        let namespace = manifest.namespace().unwrap_or(default_namespace).to_owned();
        let name = manifest.name().unwrap_or_default().to_owned();
        let title = format!("{} {namespace}/{name}", manifest.kind);
        let place = Place::whole(&title);
        let spec = manifest.object.get("spec").unwrap_or(&Value::Null);
        match manifest.kind.as_str() {
            "AzureIdentity" => {
                let identity = identity(manifest, namespace, name, spec, &place, remarks);
                self.identities.extend(identity);
            }
            "AzureIdentityBinding" => {
                let binding = Binding {
                    namespace,
                    name,
                    identity: text(spec, "azureIdentity"),
                    selector: text(spec, "selector"),
                };
                if binding.selector.is_empty() {
                    remarks.warn(&place, "expected a selector, found none; left out");
                    return;
                }
                self.bindings.push(binding);
            }
            "AzurePodIdentityException" => remarks.note(
                &place,
                "not needed: the policy does not stand between pods and the instance metadata service",
            ),
            "AzureAssignedIdentity" => remarks.note(&place, "not needed: a state of AAD Pod Identity"),
            _ => remarks.warn(&place, "there is no such kind in AAD Pod Identity; left out"),
        }
    }

    /// The identities of a pod in `namespace` whose label has this value. Those of its own namespace, or else those of others.
    pub fn of(&self, namespace: &str, label: &str) -> Vec<Match<'_>> {
        let bindings = self
            .bindings
            .iter()
            .filter(|binding| binding.selector == label);
        let mut matches = Vec::<Match>::new();
        for binding in bindings {
            let identity = self.identity_of(binding);
            let Some(identity) = identity else { continue };
            let is_foreign = binding.namespace != namespace;
            let is_new = !matches.iter().any(|found| found.identity == identity);
            if is_new && !(is_foreign && identity.is_namespaced) {
                matches.push(Match {
                    identity,
                    is_foreign,
                });
            }
        }
        if matches.iter().any(|found| !found.is_foreign) {
            matches.retain(|found| !found.is_foreign);
        }
        matches
    }

    /// The identity of a binding, which is in its namespace.
    fn identity_of(&self, binding: &Binding) -> Option<&Identity> {
        let mut all = self.identities.iter();
        all.find(|identity| {
            identity.namespace == binding.namespace && identity.name == binding.identity
        })
    }

    /// Says which bindings lead nowhere, and which identities and bindings nothing of `labels` uses.
    pub fn tell_unused(&self, labels: &[String], remarks: &mut MigrationRemarks) {
        for binding in &self.bindings {
            let Binding {
                namespace,
                name,
                identity,
                selector,
            } = binding;
            let title = format!("AzureIdentityBinding {namespace}/{name}");
            let place = Place::whole(&title);
            if self.identity_of(binding).is_none() {
                let text = format!(
                    "expected AzureIdentity {namespace}/{identity}, found none in the input"
                );
                remarks.warn(&place, &text);
            } else if !labels.contains(selector) {
                let text = format!("no workload in the input has the label {LABEL}={selector}");
                remarks.note(&place, &text);
            }
        }
        for identity in &self.identities {
            let is_bound = |binding: &Binding| self.identity_of(binding) == Some(identity);
            if !self.bindings.iter().any(is_bound) {
                remarks.note(
                    &Place::whole(&identity.to_string()),
                    "no AzureIdentityBinding in the input names it",
                );
            }
        }
    }
}

fn identity(
    manifest: &Manifest,
    namespace: String,
    name: String,
    spec: &Value,
    place: &Place<'_>,
    remarks: &mut MigrationRemarks,
) -> Option<Identity> {
    let password = field(spec, "clientPassword");
    let secret = |field: &str| password.and_then(|password| password.get(field)?.as_str());
    let secret = match (secret("namespace"), secret("name")) {
        (Some(namespace), Some(name)) => format!(", Secret {namespace}/{name},"),
        _ => String::new(),
    };
    let of_application = |what: &str| {
        format!(
            "an application, which gets the federated identity credentials; its {what}{secret} is not needed any more once all pods \
             sign in with their token"
        )
    };
    // As for Go, nothing is 0.
    let number = field(spec, "type").map_or(Some(0), Value::as_u64);
    let text_of_kind = match number {
        Some(0) => {
            let what = "a managed identity, which gets the federated identity credentials";
            match text(spec, "resourceID").as_str() {
                "" => what.to_owned(),
                id => format!("{what}: {id}"),
            }
        }
        Some(1) => of_application("client secret"),
        Some(2) => of_application("certificate"),
        _ => {
            remarks.warn(place, "type: expected 0, 1 or 2; left out");
            return None;
        }
    };
    remarks.note(place, &text_of_kind);
    let mut checked = |name: &str, check: fn(&str) -> Result<&str, values::Malformed>| {
        let text = text(spec, name);
        match check(&text) {
            _ if text.is_empty() => None,
            Ok(value) => Some(value.to_owned()),
            Err(malformed) => {
                let found = Excerpt::new(&text);
                let expected = malformed.expected;
                remarks.warn(
                    place,
                    &format!("{name}: expected {expected}, found {found}; left out"),
                );
                None
            }
        }
    };
    let client_id = checked("clientID", values::client_id);
    // Managed identities are in the cluster's own tenant.
    let tenant_id = match number {
        Some(0) => None,
        _ => checked("tenantID", values::tenant_id),
    };
    if client_id.is_none() {
        remarks.warn(
            place,
            "no client ID; help: annotate its ServiceAccounts with what az identity show --query clientId prints",
        );
    }
    let annotations = manifest.object.pointer("/metadata/annotations");
    let behavior = annotations.and_then(|all| all.get(BEHAVIOR.0)?.as_str());
    Some(Identity {
        namespace,
        name,
        client_id,
        tenant_id,
        is_namespaced: behavior == Some(BEHAVIOR.1),
    })
}

/// A field, whose name older versions write otherwise, such as `clientid` and `ClientID`.
fn field<'v>(spec: &'v Value, name: &str) -> Option<&'v Value> {
    let mut fields = spec.as_object()?.iter();
    let found = fields.find(|(key, _)| key.eq_ignore_ascii_case(name));
    found.map(|(_, value)| value)
}

fn text(spec: &Value, name: &str) -> String {
    let text = field(spec, name).and_then(Value::as_str);
    text.unwrap_or_default().to_owned()
}
