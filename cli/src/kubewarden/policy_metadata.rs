//! A policy's metadata: what it says about itself, in a file and in its module.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use semver::Version;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::kubewarden::capabilities;
use crate::kubewarden::sections::{self, SectionError};

/// The custom section of a module that holds its metadata as JSON.
pub const SECTION: &str = "io.kubewarden.metadata";

/// The annotation that says how a policy is used: its README.
pub const USAGE: &str = "io.kubewarden.policy.usage";

/// The annotation that says which version of the tool wrote the metadata.
pub const TOOL_VERSION: &str = "io.kubewarden.kwctl";

/// Metadata that Kubewarden would not take.
#[derive(Debug, Error)]
pub enum MetadataError {
    /// A field is missing or of another type.
    #[error("{0}")]
    Fields(String),
    /// Fields have values that they cannot have.
    #[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
    Values(Vec<Finding>),
    /// The module cannot be read.
    #[error(transparent)]
    Section(#[from] SectionError),
}

/// What is wrong with the value of one field.
#[derive(Debug, PartialEq, Eq)]
pub struct Finding {
    field: String,
    problem: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.field, self.problem)
    }
}

/// A policy's metadata.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PolicyMetadata {
    /// The version of the protocol between policy and host, which the module is asked for.
    pub protocol_version: Option<String>,
    /// The requests that the policy wants to see.
    pub rules: Vec<Rule>,
    /// Title, author, usage and so on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub annotations: Option<BTreeMap<String, String>>,
    /// Whether the policy changes objects.
    pub mutating: bool,
    /// Whether the policy can judge objects that exist already.
    #[serde(default = "yes")]
    pub background_audit: bool,
    /// The calling convention.
    #[serde(default)]
    pub execution_mode: ExecutionMode,
    /// What the policy judges.
    #[serde(default)]
    pub policy_type: PolicyType,
    /// The kinds that the policy reads from the API server.
    #[serde(default)]
    pub context_aware_resources: BTreeSet<ContextAwareResource>,
    /// The host capabilities that the policy uses.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub host_capabilities: Option<BTreeSet<String>>,
    /// The oldest Kubewarden that can run the policy.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub minimum_kubewarden_version: Option<Version>,
}

/// Requests that a policy wants to see.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Rule {
    /// API groups, or `*`.
    pub api_groups: Vec<String>,
    /// API versions, or `*`.
    pub api_versions: Vec<String>,
    /// Resources and subresources.
    pub resources: Vec<String>,
    /// Operations, or `*`.
    pub operations: Vec<Operation>,
}

/// An operation on objects.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Operation {
    /// A new object.
    Create,
    /// A changed object.
    Update,
    /// A removed object.
    Delete,
    /// A connection to an object.
    Connect,
    /// All of them.
    #[serde(rename = "*")]
    All,
}

/// A calling convention between host and policy.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum ExecutionMode {
    /// waPC, the only one that this crate runs.
    #[default]
    #[serde(rename = "kubewarden-wapc")]
    Wapc,
    /// Rego for Open Policy Agent.
    #[serde(rename = "opa")]
    Opa,
    /// Rego for Gatekeeper.
    #[serde(rename = "gatekeeper")]
    Gatekeeper,
    /// A WASI program.
    #[serde(rename = "wasi")]
    Wasi,
}

/// What a policy judges.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PolicyType {
    /// AdmissionRequests.
    #[default]
    Kubernetes,
    /// Any JSON.
    Raw,
}

/// A kind of object that a policy reads from the API server.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ContextAwareResource {
    /// `v1` for the core group, `group/version` for others.
    pub api_version: String,
    /// The kind.
    pub kind: String,
}

impl PolicyMetadata {
    /// Reads the YAML `text`.
    ///
    /// # Errors
    ///
    /// [`MetadataError::Fields`].
    pub fn from_yaml(text: &str) -> Result<Self, MetadataError> {
        yaml_serde::from_str(text).map_err(|error| MetadataError::Fields(error.to_string()))
    }

    /// Reads the metadata in `module`, if it has any.
    ///
    /// # Errors
    ///
    /// [`MetadataError::Section`] and [`MetadataError::Fields`].
    pub fn from_module(module: &[u8]) -> Result<Option<Self>, MetadataError> {
        sections::custom_section(module, SECTION)?
            .map(|json| {
                serde_json::from_slice(json)
                    .map_err(|error| MetadataError::Fields(error.to_string()))
            })
            .transpose()
    }

    /// Checks what Kubewarden checks of a waPC policy's metadata.
    ///
    /// # Errors
    ///
    /// [`MetadataError::Values`] with all that is wrong.
    pub fn validate(&self) -> Result<(), MetadataError> {
        let mut findings = Vec::new();
        let mut find = |field: String, problem: &str| {
            findings.push(Finding {
                field,
                problem: problem.to_owned(),
            })
        };
        if self.execution_mode != ExecutionMode::Wapc {
            find("executionMode".to_owned(), "expected kubewarden-wapc");
        }
        if self.policy_type != PolicyType::Kubernetes {
            find("policyType".to_owned(), "expected kubernetes");
        }
        for (index, rule) in self.rules.iter().enumerate() {
            let place = |field: &str| format!("rules[{index}].{field}");
            for (field, values) in [
                ("apiGroups", &rule.api_groups),
                ("apiVersions", &rule.api_versions),
            ] {
                check_list(values, &"*".to_owned())
                    .unwrap_or_else(|problem| find(place(field), problem));
            }
            check_list(&rule.operations, &Operation::All)
                .unwrap_or_else(|problem| find(place("operations"), problem));
            check_resources(&rule.resources)
                .unwrap_or_else(|problem| find(place("resources"), problem));
        }
        for (index, resource) in self.context_aware_resources.iter().enumerate() {
            for (field, value) in [
                ("apiVersion", &resource.api_version),
                ("kind", &resource.kind),
            ] {
                if value.is_empty() {
                    find(
                        format!("contextAwareResources[{index}].{field}"),
                        "expected a name, found nothing",
                    );
                }
            }
        }
        if findings.is_empty() {
            Ok(())
        } else {
            Err(MetadataError::Values(findings))
        }
    }
}

const fn yes() -> bool {
    true
}

fn check_list<T: PartialEq>(values: &[T], all: &T) -> Result<(), &'static str> {
    match values {
        [] => Err("expected at least one, found none"),
        values if values.len() > 1 && values.contains(all) => Err("expected '*' to stand alone"),
        _ => Ok(()),
    }
}

/// The rules that the API server has for the resources of a webhook.
fn check_resources(resources: &[String]) -> Result<(), &'static str> {
    if resources.is_empty() {
        return Err("expected at least one, found none");
    }
    if resources.iter().any(String::is_empty) {
        return Err("expected names, found an empty one");
    }
    if resources.len() > 1 && resources.iter().any(|resource| resource == "*/*") {
        return Err("expected '*/*' to stand alone");
    }
    let mut plain = resources.iter().filter(|resource| !resource.contains('/'));
    if resources.iter().any(|resource| resource == "*") && plain.any(|resource| resource != "*") {
        return Err("expected '*' to be the only one without a subresource");
    }
    let pairs = || {
        resources
            .iter()
            .enumerate()
            .filter_map(|(index, text)| Some((index, text.split_once('/')?)))
    };
    let covered = pairs().any(|(index, (resource, subresource))| {
        pairs()
            .filter(|(other, _)| *other < index)
            .any(|(_, (earlier, of_earlier))| {
                (of_earlier == "*" && earlier == resource)
                    || (earlier == "*" && of_earlier == subresource)
            })
    });
    if covered {
        return Err("expected no subresource that an earlier wildcard covers");
    }
    Ok(())
}

/// The host capabilities whose names are in the data of `module`.
///
/// # Errors
///
/// [`SectionError`].
pub fn used_capabilities(module: &[u8]) -> Result<BTreeSet<String>, SectionError> {
    let segments = sections::data_segments(module)?;
    let names = capabilities::KNOWN
        .iter()
        .filter_map(|name| Some((*name, name.split_once('/')?)));
    let used = names.filter(|(_, (namespace, operation))| {
        segments
            .iter()
            .any(|data| positions(data, namespace).next().is_some())
            && segments.iter().any(|data| stands_alone(data, operation))
    });
    Ok(used.map(|(name, _)| name.to_owned()).collect())
}

/// Whether `operation` is somewhere in `data` and not the start of a longer operation's name.
fn stands_alone(data: &[u8], operation: &str) -> bool {
    let longer = || {
        let operations = capabilities::KNOWN
            .iter()
            .filter_map(|name| name.split_once('/'));
        operations
            .map(|(_, other)| other)
            .filter(|other| *other != operation && other.starts_with(operation))
    };
    positions(data, operation).any(|at| {
        longer().all(|other| {
            !data
                .get(at..)
                .is_some_and(|rest| rest.starts_with(other.as_bytes()))
        })
    })
}

/// Where `text` is in `data`.
fn positions<'a>(data: &'a [u8], text: &'a str) -> impl Iterator<Item = usize> {
    data.windows(text.len())
        .enumerate()
        .filter(move |(_, window)| *window == text.as_bytes())
        .map(|(at, _)| at)
}

#[cfg(test)]
mod tests {
    use super::*;

    const METADATA: &str = r#"
rules:
- apiGroups: [""]
  apiVersions: [v1]
  resources: [pods]
  operations: [CREATE]
mutating: true
"#;

    #[test]
    fn prints_in_the_order_of_kwctl() {
        let metadata = PolicyMetadata::from_yaml(&format!(
            "{METADATA}minimumKubewardenVersion: 1.36.0\nannotations: {{b: c, a: d}}\nhostCapabilities: [y, x]\n\
             contextAwareResources: [{{apiVersion: v1, kind: ServiceAccount}}]\nunknown: 1\n"
        ))
        .unwrap();
        assert_eq!(
            serde_json::to_string(&metadata).unwrap(),
            concat!(
                r#"{"protocolVersion":null,"rules":[{"apiGroups":[""],"apiVersions":["v1"],"resources":["pods"],"#,
                r#""operations":["CREATE"]}],"annotations":{"a":"d","b":"c"},"mutating":true,"backgroundAudit":true,"#,
                r#""executionMode":"kubewarden-wapc","policyType":"kubernetes","contextAwareResources":"#,
                r#"[{"apiVersion":"v1","kind":"ServiceAccount"}],"hostCapabilities":["x","y"],"#,
                r#""minimumKubewardenVersion":"1.36.0"}"#,
            )
        );
        let module = sections::with_custom_section(
            &wat::parse_str("(module)").unwrap(),
            SECTION,
            &serde_json::to_vec(&metadata).unwrap(),
        );
        assert_eq!(
            PolicyMetadata::from_module(&module.unwrap()).unwrap(),
            Some(metadata)
        );
    }

    #[track_caller]
    fn refused(from: &str, to: &str, expected: &str) {
        assert!(METADATA.contains(from));
        let error = PolicyMetadata::from_yaml(&METADATA.replace(from, to))
            .and_then(|metadata| metadata.validate());
        assert_eq!(error.unwrap_err().to_string(), expected);
    }

    #[test]
    fn refuses_what_kubewarden_refuses() {
        PolicyMetadata::from_yaml(METADATA)
            .unwrap()
            .validate()
            .unwrap();
        refused(
            "mutating: true\n",
            "",
            "missing field `rules` at line 1 column 1"
                .replace("rules", "mutating")
                .replace("line 1", "line 2")
                .as_str(),
        );
        refused(
            "mutating: true",
            "mutating: perhaps",
            "mutating: invalid type: string \"perhaps\", expected a boolean at line 7 column 11",
        );
        refused(
            "mutating: true",
            "mutating: true\nexecutionMode: opa",
            "executionMode: expected kubewarden-wapc",
        );
        refused(
            "mutating: true",
            "mutating: true\npolicyType: raw",
            "policyType: expected kubernetes",
        );
        refused(
            "[CREATE]",
            "[]",
            "rules[0].operations: expected at least one, found none",
        );
        refused(
            "[CREATE]",
            "[CREATE, '*']",
            "rules[0].operations: expected '*' to stand alone",
        );
        refused(
            "[v1]",
            "[v1, '*']",
            "rules[0].apiVersions: expected '*' to stand alone",
        );
        refused(
            "[pods]",
            "[]",
            "rules[0].resources: expected at least one, found none",
        );
        refused(
            "[pods]",
            "['']",
            "rules[0].resources: expected names, found an empty one",
        );
        refused(
            "[pods]",
            "[pods, '*']",
            "rules[0].resources: expected '*' to be the only one without a subresource",
        );
        refused(
            "[pods]",
            "['*/*', pods]",
            "rules[0].resources: expected '*/*' to stand alone",
        );
        refused(
            "[pods]",
            "['pods/*', pods/status]",
            "rules[0].resources: expected no subresource that an earlier wildcard covers",
        );
        refused(
            "[pods]",
            "['*/status', pods/status]",
            "rules[0].resources: expected no subresource that an earlier wildcard covers",
        );
        refused(
            "mutating: true",
            "mutating: true\ncontextAwareResources: [{apiVersion: v1, kind: ''}]",
            "contextAwareResources[0].kind: expected a name, found nothing",
        );
        refused(
            "[CREATE]\nmutating",
            "[]\nexecutionMode: wasi\nmutating",
            "executionMode: expected kubewarden-wapc; rules[0].operations: expected at least one, found none",
        );
    }

    #[test]
    fn finds_the_capabilities_in_a_module() {
        for (strings, expected) in [
            ("kubewarden", &[][..]),
            (
                "kuberneteskubewardenget_resource",
                &["kubernetes/get_resource"],
            ),
            ("get_resource", &[]),
            (
                "oci v1/oci_manifest_config",
                &["oci/v1/oci_manifest_config"],
            ),
            (
                "oci v1/oci_manifest_config v1/oci_manifest",
                &["oci/v1/oci_manifest", "oci/v1/oci_manifest_config"],
            ),
        ] {
            let module = wat::parse_str(format!(
                r#"(module (memory 1) (data (i32.const 0) "{strings}"))"#
            ))
            .unwrap();
            let expected: BTreeSet<String> =
                expected.iter().map(|name| (*name).to_owned()).collect();
            assert_eq!(used_capabilities(&module).unwrap(), expected, "{strings}");
        }
    }
}
