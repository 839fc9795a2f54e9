//! Roles and bindings, as Kubernetes reads and accepts them.

use azure_workload_identity_policy::values;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};
use serde_json::Value;

use crate::input::manifests::Manifest;

/// The API group of roles and bindings.
pub const GROUP: &str = "rbac.authorization.k8s.io";

/// Their `apiVersion`.
pub const API_VERSION: &str = "rbac.authorization.k8s.io/v1";

/// A ClusterRole or Role.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Role {
    #[serde(default, deserialize_with = "nullable")]
    pub rules: Vec<Rule>,
    /// From which other roles a cluster takes the rules.
    pub aggregation_rule: Option<Value>,
}

/// What is permitted.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Rule {
    #[serde(default, deserialize_with = "nullable")]
    pub verbs: Vec<String>,
    #[serde(default, deserialize_with = "nullable")]
    pub api_groups: Vec<String>,
    #[serde(default, deserialize_with = "nullable")]
    pub resources: Vec<String>,
    #[serde(default, deserialize_with = "nullable")]
    pub resource_names: Vec<String>,
    #[serde(default, deserialize_with = "nullable", rename = "nonResourceURLs")]
    pub non_resource_urls: Vec<String>,
}

/// A ClusterRoleBinding or RoleBinding.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Binding {
    pub role_ref: RoleRef,
    #[serde(default, deserialize_with = "nullable")]
    pub subjects: Vec<Subject>,
}

/// The role that a binding gives.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RoleRef {
    #[serde(default, deserialize_with = "nullable")]
    api_group: String,
    #[serde(default, deserialize_with = "nullable")]
    pub kind: String,
    #[serde(default, deserialize_with = "nullable")]
    pub name: String,
}

/// Whom a binding gives its role.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Subject {
    #[serde(default, deserialize_with = "nullable")]
    api_group: String,
    #[serde(default, deserialize_with = "nullable")]
    pub kind: String,
    #[serde(default, deserialize_with = "nullable")]
    pub name: String,
    #[serde(default, deserialize_with = "nullable")]
    pub namespace: String,
}

/// The role in a manifest.
///
/// # Errors
///
/// Why Kubernetes would reject it.
pub fn role(manifest: &Manifest) -> Result<Role, String> {
    let role: Role = read(manifest)?;
    let is_namespaced = manifest.kind == "Role";
    for (index, rule) in role.rules.iter().enumerate() {
        rule.check(is_namespaced)
            .map_err(|fault| format!("rules[{index}].{fault}"))?;
    }
    Ok(role)
}

/// The binding in a manifest.
///
/// # Errors
///
/// Why Kubernetes would reject it.
pub fn binding(manifest: &Manifest) -> Result<Binding, String> {
    let binding: Binding = read(manifest)?;
    let is_namespaced = manifest.kind == "RoleBinding";
    let role = &binding.role_ref;
    role.check(is_namespaced)
        .map_err(|fault| format!("roleRef.{fault}"))?;
    for (index, subject) in binding.subjects.iter().enumerate() {
        subject
            .check(is_namespaced)
            .map_err(|fault| format!("subjects[{index}].{fault}"))?;
    }
    Ok(binding)
}

/// Whether a role or a binding can have this name: Kubernetes allows more than in other names.
pub fn is_name(text: &str) -> bool {
    !matches!(text, "" | "." | "..") && !text.contains(['/', '%'])
}

/// The manifest as what its kind says.
fn read<T: DeserializeOwned>(manifest: &Manifest) -> Result<T, String> {
    check_name("metadata.name", manifest.name().unwrap_or_default())?;
    T::deserialize(&manifest.object).map_err(|error| error.to_string())
}

fn nullable<'de, D: Deserializer<'de>, T: Default + Deserialize<'de>>(
    deserializer: D,
) -> Result<T, D::Error> {
    Option::deserialize(deserializer).map(Option::unwrap_or_default)
}

impl Rule {
    fn check(&self, is_namespaced: bool) -> Result<(), String> {
        let some = |field, list: &[String]| {
            if list.is_empty() {
                Err(format!("{field}: expected one at least, found none"))
            } else {
                Ok(())
            }
        };
        some("verbs", &self.verbs)?;
        if self.non_resource_urls.is_empty() {
            some("apiGroups", &self.api_groups)?;
            return some("resources", &self.resources);
        }
        let resources = [&self.api_groups, &self.resources, &self.resource_names];
        let beside = if is_namespaced {
            "in a Role"
        } else if resources.iter().any(|list| !list.is_empty()) {
            "beside resources"
        } else {
            return Ok(());
        };
        Err(format!(
            "nonResourceURLs: expected none {beside}, found one at least"
        ))
    }
}

impl RoleRef {
    fn check(&self, is_namespaced: bool) -> Result<(), String> {
        check_group(&self.api_group, GROUP)?;
        match (self.kind.as_str(), is_namespaced) {
            ("ClusterRole", _) | ("Role", true) => check_name("name", &self.name),
            (other, true) => Err(format!(
                "kind: expected ClusterRole or Role, found {other:?}"
            )),
            (other, false) => Err(format!("kind: expected ClusterRole, found {other:?}")),
        }
    }
}

impl Subject {
    fn check(&self, is_namespaced: bool) -> Result<(), String> {
        match self.kind.as_str() {
            "ServiceAccount" => {
                let name = &self.name;
                values::object_name(name).map_err(|malformed| {
                    format!("name: expected {}, found {name:?}", malformed.expected)
                })?;
                if !is_namespaced && self.namespace.is_empty() {
                    return Err("namespace: expected a namespace, found none".to_owned());
                }
                check_group(&self.api_group, "")
            }
            "User" | "Group" => {
                if self.name.is_empty() {
                    return Err("name: expected a name, found none".to_owned());
                }
                check_group(&self.api_group, GROUP)
            }
            other => Err(format!(
                "kind: expected ServiceAccount, User or Group, found {other:?}"
            )),
        }
    }
}

/// Checks an API group, for which the default `expected` stands if it is not given.
fn check_group(group: &str, expected: &str) -> Result<(), String> {
    if group.is_empty() || group == expected {
        return Ok(());
    }
    Err(format!("apiGroup: expected {expected:?}, found {group:?}"))
}

fn check_name(field: &str, name: &str) -> Result<(), String> {
    if is_name(name) {
        return Ok(());
    }
    Err(format!(
        "{field}: expected a name without \"/\" and \"%\", found {name:?}"
    ))
}

#[cfg(test)]
mod tests {
    use crate::input::manifests;

    use super::*;

    /// Why Kubernetes would reject the manifest.
    fn fault(text: &str) -> Option<String> {
        let text = text.replacen('{', &format!("{{apiVersion: {API_VERSION}, "), 1);
        let manifests = manifests::read_text("f", &text).unwrap();
        let manifest = &manifests[0];
        if manifest.kind.ends_with("Binding") {
            binding(manifest).err()
        } else {
            role(manifest).err()
        }
    }

    #[test]
    fn accepts_what_kubernetes_accepts() {
        for text in [
            "{kind: ClusterRole, metadata: {name: 'a:b c'}}",
            "{kind: ClusterRole, metadata: {name: a}, rules: null, aggregationRule: {clusterRoleSelectors: [{}]}}",
            "{kind: ClusterRole, metadata: {name: a}, rules: [{verbs: [x], apiGroups: [''], resources: [y], resourceNames: null}]}",
            "{kind: ClusterRole, metadata: {name: a}, rules: [{verbs: [x], nonResourceURLs: [/y]}]}",
            "{kind: Role, metadata: {name: a}, rules: [{verbs: [x], apiGroups: [''], resources: [y], unknown: 1}]}",
            "{kind: ClusterRoleBinding, metadata: {name: a}, roleRef: {kind: ClusterRole, name: b}}",
            "{kind: ClusterRoleBinding, metadata: {name: a}, roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: b}, subjects: null}",
            "{kind: ClusterRoleBinding, metadata: {name: a}, roleRef: {kind: ClusterRole, name: b}, subjects: [{kind: User, name: c}, {apiGroup: rbac.authorization.k8s.io, kind: Group, name: d}, {kind: ServiceAccount, name: e, namespace: f}]}",
            "{kind: RoleBinding, metadata: {name: a}, roleRef: {kind: Role, name: b}, subjects: [{kind: ServiceAccount, name: c}]}",
        ] {
            assert_eq!(fault(text), None, "{text}");
        }
    }

    #[test]
    fn says_why_kubernetes_rejects_it() {
        let role = |kind: &str, rule: &str| {
            format!(
                "{{kind: {kind}, metadata: {{name: a}}, rules: [{{verbs: [x], apiGroups: [''], resources: [y]}}, {rule}]}}"
            )
        };
        let binding =
            |kind: &str, rest: &str| format!("{{kind: {kind}, metadata: {{name: a}}, {rest}}}");
        let subject = |subject: &str| {
            binding(
                "ClusterRoleBinding",
                &format!(
                    "roleRef: {{kind: ClusterRole, name: b}}, subjects: [{{kind: User, name: c}}, {subject}]"
                ),
            )
        };
        for (text, expected) in [
            (
                "{kind: ClusterRole}".to_owned(),
                r#"metadata.name: expected a name without "/" and "%", found """#,
            ),
            (
                "{kind: ClusterRoleBinding, metadata: {name: a/b}}".to_owned(),
                r#"metadata.name: expected a name without "/" and "%", found "a/b""#,
            ),
            (
                "{kind: Role, metadata: {name: a}, rules: x}".to_owned(),
                r#"invalid type: string "x", expected a sequence"#,
            ),
            (
                role(
                    "ClusterRole",
                    "{verbs: [], apiGroups: [''], resources: [y]}",
                ),
                "rules[1].verbs: expected one at least, found none",
            ),
            (
                role("ClusterRole", "{verbs: [x], resources: [y]}"),
                "rules[1].apiGroups: expected one at least, found none",
            ),
            (
                role("Role", "{verbs: [x], apiGroups: [y]}"),
                "rules[1].resources: expected one at least, found none",
            ),
            (
                role("Role", "{verbs: [x], nonResourceURLs: [/y]}"),
                "rules[1].nonResourceURLs: expected none in a Role, found one at least",
            ),
            (
                role(
                    "ClusterRole",
                    "{verbs: [x], nonResourceURLs: [/y], resources: [z]}",
                ),
                "rules[1].nonResourceURLs: expected none beside resources, found one at least",
            ),
            (
                binding("ClusterRoleBinding", "subjects: []"),
                "missing field `roleRef`",
            ),
            (
                binding("ClusterRoleBinding", "roleRef: {kind: Role, name: b}"),
                r#"roleRef.kind: expected ClusterRole, found "Role""#,
            ),
            (
                binding("RoleBinding", "roleRef: {name: b}"),
                r#"roleRef.kind: expected ClusterRole or Role, found """#,
            ),
            (
                binding("RoleBinding", "roleRef: {kind: Role}"),
                r#"roleRef.name: expected a name without "/" and "%", found """#,
            ),
            (
                binding(
                    "RoleBinding",
                    "roleRef: {apiGroup: v1, kind: Role, name: b}",
                ),
                r#"roleRef.apiGroup: expected "rbac.authorization.k8s.io", found "v1""#,
            ),
            (
                subject("{kind: user, name: d}"),
                r#"subjects[1].kind: expected ServiceAccount, User or Group, found "user""#,
            ),
            (
                subject("{kind: Group}"),
                "subjects[1].name: expected a name, found none",
            ),
            (
                subject("{kind: Group, apiGroup: v1, name: d}"),
                r#"subjects[1].apiGroup: expected "rbac.authorization.k8s.io", found "v1""#,
            ),
            (
                subject("{kind: ServiceAccount, name: d}"),
                "subjects[1].namespace: expected a namespace, found none",
            ),
            (
                subject(
                    "{kind: ServiceAccount, apiGroup: rbac.authorization.k8s.io, name: d, namespace: e}",
                ),
                r#"subjects[1].apiGroup: expected "", found "rbac.authorization.k8s.io""#,
            ),
            (
                subject("{kind: ServiceAccount, name: d_e, namespace: f}"),
                "subjects[1].name: expected an object name: lower-case letters, digits, and inner hyphens and dots, found \"d_e\"",
            ),
        ] {
            assert_eq!(fault(&text).as_deref(), Some(expected), "{text}");
        }
    }
}
