//! Policies as they are deployed: manifests of kind ClusterAdmissionPolicy and AdmissionPolicy.

use std::path::Path;

use serde::Deserialize;
use serde_json::Value;
use thiserror::Error;

use crate::input::manifests::{self, Manifest, ManifestError};
use crate::input::settings::{SettingsError, SettingsValue};
use crate::kubewarden::policy_metadata::ContextAwareResource;
use crate::kubewarden::response::{AdmissionResponse, Cause, Details, Status};
use crate::kubewarden::scope::Scope;
use crate::kubewarden::service_accounts::DEFAULT_NAMESPACE;

/// The `apiVersion` of policies.
const API_VERSION: &str = "policies.kubewarden.io/v1";

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
    /// A field of the policy is missing or of another type.
    #[error("{place}: {error}")]
    Fields {
        /// The document.
        place: String,
        /// What the parser says.
        error: serde_json::Error,
    },
    /// The settings are no object.
    #[error(transparent)]
    SettingsValue(#[from] SettingsError),
    /// One policy is wanted, and the file does not hold exactly one.
    #[error("{file}: expected one ClusterAdmissionPolicy or AdmissionPolicy, found {found}")]
    NotOne {
        /// The file.
        file: String,
        /// How many there are.
        found: usize,
    },
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
#[derive(Debug, Clone, PartialEq)]
pub struct PolicyManifest {
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
}

#[derive(Deserialize)]
struct Wire {
    #[serde(default)]
    metadata: WireMetadata,
    spec: WireSpec,
}

#[derive(Default, Deserialize)]
struct WireMetadata {
    name: Option<String>,
    namespace: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireSpec {
    module: String,
    mutating: bool,
    #[serde(default)]
    settings: Value,
    mode: Option<Enforcement>,
    message: Option<String>,
    #[serde(default)]
    context_aware_resources: Vec<ContextAwareResource>,
    #[serde(flatten)]
    scope: Scope,
}

impl PolicyManifest {
    /// Reads all policies in the file `path`, which may hold nothing else.
    ///
    /// # Errors
    ///
    /// All of [`PolicyManifestError`] but [`PolicyManifestError::NotOne`].
    pub fn all_in(path: &Path) -> Result<Vec<Self>, PolicyManifestError> {
        manifests::read_file(path)?
            .iter()
            .map(Self::from_manifest)
            .collect()
    }

    /// Reads the one policy in the file `path`, which may hold manifests of other kinds.
    ///
    /// # Errors
    ///
    /// [`PolicyManifestError`].
    pub fn one_in(path: &Path) -> Result<Self, PolicyManifestError> {
        let manifests = manifests::read_file(path)?;
        let policies: Vec<&Manifest> = manifests
            .iter()
            .filter(|manifest| is_policy(manifest))
            .collect();
        match policies.as_slice() {
            [policy] => Self::from_manifest(policy),
            others => Err(PolicyManifestError::NotOne {
                file: path.display().to_string(),
                found: others.len(),
            }),
        }
    }

    fn from_manifest(manifest: &Manifest) -> Result<Self, PolicyManifestError> {
        let place = manifest.origin.to_string();
        if !is_policy(manifest) {
            let Manifest {
                api_version, kind, ..
            } = manifest.clone();
            return Err(PolicyManifestError::Kind {
                place,
                api_version,
                kind,
            });
        }
        let Wire { metadata, spec } =
            serde_json::from_value(manifest.object.clone()).map_err(|error| {
                PolicyManifestError::Fields {
                    place: place.clone(),
                    error,
                }
            })?;
        Ok(Self {
            name: metadata
                .name
                .unwrap_or_else(|| "crd-without-name".to_owned()),
            module: spec.module,
            settings: SettingsValue::from_value(&place, spec.settings)?,
            mutating: spec.mutating,
            enforcement: spec.mode.unwrap_or_default(),
            message: spec.message,
            context_aware_resources: match manifest.kind.as_str() {
                "ClusterAdmissionPolicy" => spec.context_aware_resources,
                _ => Vec::new(),
            },
            scope: Scope {
                namespace: (manifest.kind == "AdmissionPolicy").then(|| {
                    metadata
                        .namespace
                        .unwrap_or_else(|| DEFAULT_NAMESPACE.to_owned())
                }),
                ..spec.scope
            },
        })
    }

    /// What the API server gets in place of `response`, given this policy's mode, `mutating` and `message`.
    pub fn constrain(&self, response: AdmissionResponse) -> AdmissionResponse {
        let response = match self.enforcement {
            Enforcement::Monitor => AdmissionResponse {
                allowed: true,
                patch_type: None,
                patch: None,
                status: None,
                ..response
            },
            Enforcement::Protect if !self.mutating && response.patch.is_some() => {
                let message = format!(
                    "Request rejected by policy {}. The policy attempted to mutate the request, \
                     but it is currently configured to not allow mutations.",
                    self.name
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
            }
            Enforcement::Protect => response,
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

fn is_policy(manifest: &Manifest) -> bool {
    ["ClusterAdmissionPolicy", "AdmissionPolicy"]
        .iter()
        .any(|kind| manifest.is(API_VERSION, kind))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Vec<PolicyManifest>, String> {
        let manifests = manifests::read_text("f", text).unwrap();
        let policies = manifests.iter().map(PolicyManifest::from_manifest);
        policies
            .collect::<Result<_, _>>()
            .map_err(|error| error.to_string())
    }

    fn policy(kind: &str, spec: &str) -> String {
        format!(
            "apiVersion: policies.kubewarden.io/v1\nkind: {kind}\nmetadata: {{name: p}}\nspec: {spec}\n"
        )
    }

    const SPEC: &str = "{module: 'registry://m', mutating: true, settings: {a: 1}, mode: monitor, message: no, \
                        contextAwareResources: [{apiVersion: v1, kind: ServiceAccount}]}";

    #[test]
    fn reads_both_kinds() {
        let resource = ContextAwareResource {
            api_version: "v1".to_owned(),
            kind: "ServiceAccount".to_owned(),
        };
        for (kind, context_aware_resources) in [
            ("ClusterAdmissionPolicy", vec![resource]),
            ("AdmissionPolicy", Vec::new()),
        ] {
            let expected = PolicyManifest {
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
            };
            assert_eq!(read(&policy(kind, SPEC)), Ok(vec![expected]));
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
                "f, document 1: missing field `module`",
            ),
            (
                policy("AdmissionPolicy", "{module: m}"),
                "f, document 1: missing field `mutating`",
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
                    "{module: m, mutating: true, mode: other}",
                ),
                "f, document 1: unknown variant `other`, expected `protect` or `monitor`",
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
            let response = serde_json::to_string(&policy.constrain(response.clone())).unwrap();
            assert_eq!(response, format!("{expected}{tail}"), "{spec}");
        }
    }
}
