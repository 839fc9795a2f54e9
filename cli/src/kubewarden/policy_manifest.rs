//! Policies as they are deployed: manifests of kind ClusterAdmissionPolicy and AdmissionPolicy.

use std::path::Path;

use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::Value;
use thiserror::Error;

use crate::input::fields;
use crate::input::lines::ValuePath;
use crate::input::manifests::{self, Manifest, ManifestError};
use crate::input::settings::{SettingsError, SettingsValue};
use crate::kubewarden::match_conditions::{FailurePolicy, MatchCondition, MatchConditions};
use crate::kubewarden::policy_metadata::ContextAwareResource;
use crate::kubewarden::response::{AdmissionResponse, Cause, Details, Status};
use crate::kubewarden::scope::{Rule, Scope, Selector};
use crate::kubewarden::service_accounts::DEFAULT_NAMESPACE;

/// The `apiVersion` of policies.
const API_VERSION: &str = "policies.kubewarden.io/v1";

/// The kind of policies for all namespaces.
const CLUSTER_WIDE: &str = "ClusterAdmissionPolicy";

/// The kinds of policies.
const KINDS: [&str; 2] = [CLUSTER_WIDE, "AdmissionPolicy"];

/// A file that does not describe policies.
#[derive(Debug, Error)]
pub enum PolicyManifestError {
    /// The file holds no manifests.
    #[error(transparent)]
    Manifest(#[from] ManifestError),
    /// A manifest is of another kind.
    #[error(
        "{place}: expected a ClusterAdmissionPolicy or AdmissionPolicy of {API_VERSION}, found {api_version} {kind}"
    )]
    Kind {
        /// The document.
        place: String,
        /// What it is.
        api_version: String,
        /// What it is.
        kind: String,
    },
    /// A field of the policy is missing, unknown or of another type.
    #[error("{place}: {error}")]
    Field {
        /// The document and the line.
        place: String,
        /// What is wrong.
        error: String,
    },
    /// The settings are no object.
    #[error(transparent)]
    SettingsValue(#[from] SettingsError),
}

/// What a policy's verdicts are used for, its `mode`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Enforcement {
    /// They count.
    #[default]
    Protect,
    /// They are recorded only.
    Monitor,
}

/// A policy as it is deployed.
#[derive(Debug, PartialEq)]
pub struct PolicyManifest {
    /// The file and the document that it is in.
    pub place: String,
    /// Its name.
    pub name: String,
    /// Where its module is, usually `registry://...`.
    pub module: String,
    /// Its settings.
    pub settings: SettingsValue,
    /// Whether it may change objects.
    pub mutating: bool,
    /// What its verdicts are used for.
    pub enforcement: Enforcement,
    /// The message that users get in place of its own.
    pub message: Option<String>,
    /// The kinds that it may read; empty for an AdmissionPolicy.
    pub context_aware_resources: Vec<ContextAwareResource>,
    /// Which requests it gets to see.
    pub scope: Scope,
    /// Whether it selects namespaces in a way that Kubewarden does not pass on.
    pub has_ignored_labels: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Wire {
    #[serde(rename = "apiVersion")]
    _api_version: IgnoredAny,
    #[serde(rename = "kind")]
    _kind: IgnoredAny,
    #[serde(default)]
    metadata: WireMetadata,
    spec: WireSpec,
    /// What a cluster adds.
    #[serde(rename = "status")]
    _status: Option<IgnoredAny>,
}

#[derive(Default, Deserialize)]
struct WireMetadata {
    name: Option<String>,
    namespace: Option<String>,
}

/// All fields that the kind has. Those that begin with `_` do not matter for a review, but must have their type.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct WireSpec {
    module: String,
    mutating: bool,
    #[serde(default)]
    settings: Value,
    mode: Option<Enforcement>,
    message: Option<String>,
    context_aware_resources: Option<Vec<ContextAwareResource>>,
    rules: Option<Vec<Rule>>,
    object_selector: Option<Selector>,
    namespace_selector: Option<Selector>,
    match_conditions: Option<Vec<MatchCondition>>,
    failure_policy: Option<FailurePolicy>,
    #[serde(rename = "policyServer")]
    _policy_server: Option<String>,
    #[serde(rename = "backgroundAudit")]
    _background_audit: Option<bool>,
    #[serde(rename = "matchPolicy")]
    _match_policy: Option<MatchPolicy>,
    #[serde(rename = "sideEffects")]
    _side_effects: Option<SideEffects>,
    #[serde(rename = "timeoutSeconds")]
    _timeout_seconds: Option<u32>,
    #[serde(rename = "timeoutEvalSeconds")]
    _timeout_eval_seconds: Option<u32>,
    #[serde(rename = "allowInsideAdmissionControllerNamespace")]
    _allow_inside_admission_controller_namespace: Option<bool>,
}

#[derive(Deserialize)]
enum MatchPolicy {
    Equivalent,
    Exact,
}

#[derive(Deserialize)]
enum SideEffects {
    None,
    NoneOnDryRun,
}

impl PolicyManifest {
    /// Reads all policies in the file `path`, which may hold nothing else.
    ///
    /// # Errors
    ///
    /// [`PolicyManifestError`].
    pub fn all_in(path: &Path) -> Result<Vec<Self>, PolicyManifestError> {
        manifests::read_file(path)?
            .iter()
            .map(|manifest| Self::from_manifest(manifest, DEFAULT_NAMESPACE))
            .collect()
    }

    /// Whether a manifest is one of a policy, in whatever version.
    pub fn is_in(manifest: &Manifest) -> bool {
        let group = API_VERSION.split_once('/').map(|(group, _)| group);
        group == Some(manifest.group()) && KINDS.contains(&manifest.kind.as_str())
    }

    /// Reads the policy in a manifest, in `default_namespace` if it is in one and names none.
    ///
    /// # Errors
    ///
    /// All of [`PolicyManifestError`] but [`PolicyManifestError::Manifest`].
    pub fn from_manifest(
        manifest: &Manifest,
        default_namespace: &str,
    ) -> Result<Self, PolicyManifestError> {
        if !Self::is_in(manifest) || manifest.api_version != API_VERSION {
            return Err(PolicyManifestError::Kind {
                place: manifest.origin.to_string(),
                api_version: manifest.api_version.clone(),
                kind: manifest.kind.clone(),
            });
        }
        let Wire { metadata, spec, .. } = serde_path_to_error::deserialize(&manifest.object)
            .map_err(|error| {
                let (path, error) = fields::fault(&error);
                error_at(manifest, path, error)
            })?;
        let is_cluster_wide = manifest.kind == CLUSTER_WIDE;
        // Fields of a ClusterAdmissionPolicy alone.
        for (field, is_there) in [
            (
                "contextAwareResources",
                spec.context_aware_resources.is_some(),
            ),
            ("namespaceSelector", spec.namespace_selector.is_some()),
        ] {
            if is_there && !is_cluster_wide {
                let error = format!(
                    "spec.{field}: an AdmissionPolicy has no such field; help: make it a {CLUSTER_WIDE}, or remove the field"
                );
                let path = ValuePath::new("spec").key(field);
                return Err(error_at(manifest, path, error));
            }
        }
        let mut namespace_selector = spec.namespace_selector.unwrap_or_default();
        let has_ignored_labels = namespace_selector.drop_labels();
        let match_conditions = MatchConditions::new(
            spec.match_conditions.unwrap_or_default(),
            spec.failure_policy.unwrap_or_default(),
        )
        .map_err(|(index, why)| {
            let path = ValuePath::new("spec.matchConditions")
                .item(index)
                .key("expression");
            let error = format!("{path}: {why}");
            error_at(manifest, path, error)
        })?;
        let policy = Self {
            place: manifest.origin.to_string(),
            name: metadata
                .name
                .unwrap_or_else(|| "crd-without-name".to_owned()),
            module: spec.module,
            settings: SettingsValue::from_value(&manifest.origin.to_string(), spec.settings)?,
            mutating: spec.mutating,
            enforcement: spec.mode.unwrap_or_default(),
            message: spec.message,
            context_aware_resources: spec.context_aware_resources.unwrap_or_default(),
            scope: Scope {
                namespace: (!is_cluster_wide).then(|| {
                    metadata
                        .namespace
                        .unwrap_or_else(|| default_namespace.to_owned())
                }),
                rules: spec.rules.unwrap_or_default(),
                object_selector: spec.object_selector.unwrap_or_default(),
                namespace_selector,
                match_conditions,
            },
            has_ignored_labels,
        };
        Ok(policy)
    }

    /// How the webhook that Kubewarden makes of it is called, by which the API server orders those that mutate.
    pub fn webhook(&self) -> String {
        match &self.scope.namespace {
            None => format!("clusterwide-{}", self.name),
            Some(namespace) => format!("namespaced-{namespace}-{}", self.name),
        }
    }

    /// What the API server gets in place of `response`, given this policy's mode, `mutating` and `message`. `id` is what the host
    /// calls the policy.
    pub fn constrain(&self, id: &str, response: AdmissionResponse) -> AdmissionResponse {
        match self.enforcement {
            Enforcement::Monitor => AdmissionResponse {
                allowed: true,
                patch_type: None,
                patch: None,
                status: None,
                ..response
            },
            Enforcement::Protect => self.enforce(id, response),
        }
    }

    /// As [`PolicyManifest::constrain`], if the mode were `protect`.
    pub fn enforce(&self, id: &str, response: AdmissionResponse) -> AdmissionResponse {
        let response = if !self.mutating && response.patch.is_some() {
            let message = format!(
                "Request rejected by policy {id}. The policy attempted to mutate the request, \
                 but it is currently configured to not allow mutations."
            );
            AdmissionResponse {
                allowed: false,
                patch_type: None,
                patch: None,
                status: Some(Status {
                    message: Some(message),
                    ..Status::default()
                }),
                ..response
            }
        } else {
            response
        };
        match &self.message {
            Some(message) if !response.allowed => {
                let status = response.status.unwrap_or_default();
                let causes = vec![Cause::new(status.message.unwrap_or_default())];
                let status = Status {
                    message: Some(message.clone()),
                    details: Some(Details { causes }),
                    ..status
                };
                AdmissionResponse {
                    status: Some(status),
                    ..response
                }
            }
            _ => response,
        }
    }
}

fn error_at(manifest: &Manifest, path: ValuePath, error: String) -> PolicyManifestError {
    let line = manifest.line(path);
    PolicyManifestError::Field {
        place: format!("{}, line {line}", manifest.origin),
        error,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Vec<PolicyManifest>, String> {
        let manifests = manifests::read_text("f", text).unwrap();
        let policies = manifests
            .iter()
            .map(|manifest| PolicyManifest::from_manifest(manifest, "default"));
        policies
            .collect::<Result<_, _>>()
            .map_err(|error| error.to_string())
    }

    fn policy(kind: &str, spec: &str) -> String {
        format!(
            "apiVersion: policies.kubewarden.io/v1\nkind: {kind}\nmetadata: {{name: p}}\nspec: {spec}\n"
        )
    }

    const SPEC: &str =
        "{module: 'registry://m', mutating: true, settings: {a: 1}, mode: monitor, message: no}";

    #[test]
    fn reads_both_kinds() {
        let resources = ", contextAwareResources: [{apiVersion: v1, kind: ServiceAccount}], namespaceSelector: {}}";
        let resource = ContextAwareResource {
            api_version: "v1".to_owned(),
            kind: "ServiceAccount".to_owned(),
        };
        for (kind, spec, context_aware_resources, webhook) in [
            (
                "ClusterAdmissionPolicy",
                SPEC.trim_end_matches('}').to_owned() + resources,
                vec![resource],
                "clusterwide-p",
            ),
            (
                "AdmissionPolicy",
                SPEC.to_owned(),
                Vec::new(),
                "namespaced-default-p",
            ),
        ] {
            let expected = PolicyManifest {
                place: "f, document 1".to_owned(),
                name: "p".to_owned(),
                module: "registry://m".to_owned(),
                settings: SettingsValue::from_json(r#"{"a": 1}"#).unwrap(),
                mutating: true,
                enforcement: Enforcement::Monitor,
                message: Some("no".to_owned()),
                context_aware_resources,
                scope: Scope {
                    namespace: (kind == "AdmissionPolicy").then(|| "default".to_owned()),
                    ..Scope::default()
                },
                has_ignored_labels: false,
            };
            let policies = read(&policy(kind, &spec)).unwrap();
            assert_eq!(policies, [expected]);
            assert_eq!(policies[0].webhook(), webhook);
        }
    }

    #[test]
    fn names_what_is_wrong() {
        for (text, expected) in [
            (
                "apiVersion: v1\nkind: Pod\n".to_owned(),
                "f, document 1: expected a ClusterAdmissionPolicy or AdmissionPolicy of policies.kubewarden.io/v1, \
                 found v1 Pod",
            ),
            (
                policy("AdmissionPolicy", "{mutating: true}"),
                "f, document 1, line 4: spec.module: required, but not set",
            ),
            (
                policy("AdmissionPolicy", "{module: m}"),
                "f, document 1, line 4: spec.mutating: required, but not set",
            ),
            (
                policy(
                    "AdmissionPolicy",
                    "{module: m, mutating: true, settings: [1]}",
                ),
                "f, document 1: expected the settings to be an object or nothing, found a list",
            ),
            (
                policy(
                    "AdmissionPolicy",
                    "{module: m, mutating: true, mode: Monitor}",
                ),
                "f, document 1, line 4: spec.mode: expected one of protect, monitor, found \"Monitor\"; help: did you mean monitor?",
            ),
            (
                policy("AdmissionPolicy", "{module: m, mutating: \"true\"}"),
                "f, document 1, line 4: spec.mutating: expected a boolean, found string \"true\"",
            ),
            (
                policy(
                    "AdmissionPolicy",
                    "\n  module: m\n  mutating: true\n  rulez:\n  - {}",
                ),
                "f, document 1, line 7: spec.rulez: there is no such field; help: did you mean rules?",
            ),
            (
                policy(
                    "AdmissionPolicy",
                    "\n  module: m\n  mutating: true\n  rules:\n  - apiGroup: ['']\n    resources: [pods]",
                ),
                "f, document 1, line 8: spec.rules[0].apiGroup: there is no such field; help: did you mean apiGroups?",
            ),
            (
                policy(
                    "AdmissionPolicy",
                    "\n  module: m\n  mutating: true\n  rules:\n  - resources: [pods]\n    operations: [CREATE, Update]",
                ),
                "f, document 1, line 9: spec.rules[0].operations[1]: expected one of CREATE, UPDATE, DELETE, CONNECT, *, \
                 found \"Update\"; help: did you mean UPDATE?",
            ),
            (
                policy(
                    "AdmissionPolicy",
                    "{module: m, mutating: true, namespaceSelector: {}}",
                ),
                "f, document 1, line 4: spec.namespaceSelector: an AdmissionPolicy has no such field; \
                 help: make it a ClusterAdmissionPolicy, or remove the field",
            ),
            (
                policy(
                    "ClusterAdmissionPolicy",
                    "{module: m, mutating: true, failurePolicy: 5}",
                ),
                "f, document 1, line 4: spec.failurePolicy: expected string or map, found integer `5`",
            ),
            (
                policy("ClusterAdmissionPolicy", "{module: m, mutating: true}") + "extra: 1\n",
                "f, document 1, line 5: extra: there is no such field",
            ),
        ] {
            assert_eq!(read(&text), Err(expected.to_owned()));
        }
    }

    #[test]
    fn constrains_as_a_policy_server_does() {
        let patched = AdmissionResponse {
            uid: "u".to_owned(),
            allowed: true,
            patch_type: Some("JSONPatch"),
            patch: Some("W10=".to_owned()),
            ..AdmissionResponse::default()
        };
        let rejected = AdmissionResponse::rejection("u", "why".to_owned(), Some(403));
        let tail = r#","auditAnnotations":null,"warnings":null}"#;
        let allowed = r#"{"uid":"u","allowed":true"#;
        let denied = r#"{"uid":"u","allowed":false,"status":{"message":"#;
        let not_allowed = "\"Request rejected by policy p. The policy attempted to mutate the request, \
                           but it is currently configured to not allow mutations.\"}";
        for (spec, response, expected) in [
            (
                "mutating: true",
                &patched,
                format!(r#"{allowed},"patchType":"JSONPatch","patch":"W10=""#),
            ),
            (
                "mutating: true, mode: monitor",
                &patched,
                allowed.to_owned(),
            ),
            (
                "mutating: true, mode: monitor, message: no",
                &rejected,
                allowed.to_owned(),
            ),
            (
                "mutating: false",
                &patched,
                format!("{denied}{not_allowed}"),
            ),
            (
                "mutating: false",
                &rejected,
                format!(r#"{denied}"why","code":403}}"#),
            ),
            (
                "mutating: true, message: no",
                &rejected,
                format!(
                    r#"{denied}"no","details":{{"causes":[{{"reason":null,"message":"why","field":null}}]}},"code":403}}"#
                ),
            ),
        ] {
            let text = policy("ClusterAdmissionPolicy", &format!("{{module: m, {spec}}}"));
            let policy = read(&text).unwrap().remove(0);
            let response = serde_json::to_string(&policy.constrain("p", response.clone())).unwrap();
            assert_eq!(response, format!("{expected}{tail}"), "{spec}");
        }
    }
}
