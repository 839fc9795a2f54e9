//! What is known of an installation of the webhook.

use anyhow::{Result, bail};
use azure_workload_identity_policy::keys;
use azure_workload_identity_policy::layout::Layout;
use azure_workload_identity_policy::messages::Excerpt;
use azure_workload_identity_policy::settings::{OptIn, Settings};
use serde_json::{Map, Value, json};

use super::release::Release;
use super::remarks::{MigrationRemarks, Place};
use crate::input::manifests::name_of_type;
use crate::input::settings::SettingsValue;

/// Where the webhook has a setting of the policy; empty where it has not.
#[derive(Debug, Clone, Copy)]
pub struct Source {
    /// In the values of its chart.
    pub value: &'static str,
    /// In its environment, and in its ConfigMap.
    pub variable: &'static str,
    /// In its arguments.
    pub flag: &'static str,
    /// What it is here.
    pub setting: &'static str,
}

/// A setting with the same name in the chart.
const fn same(name: &'static str, variable: &'static str, flag: &'static str) -> Source {
    Source {
        value: name,
        variable,
        flag,
        setting: name,
    }
}

/// A setting that the chart does not have.
const fn beside(setting: &'static str, variable: &'static str, flag: &'static str) -> Source {
    Source {
        value: "",
        variable,
        flag,
        setting,
    }
}

/// The tenant.
const TENANT: &str = "azureTenantID";

/// The cloud.
const CLOUD: &str = "azureEnvironment";

/// The setting that comes in place of the cloud.
const AUTHORITY_HOST: &str = "azureAuthorityHost";

/// An object here, and JSON in a string there.
const LABEL_SELECTOR: &str = "customTokenEndpoint.azureKubernetesCACTBLabelSelector";

/// All settings that the webhook has too.
pub const SOURCES: [Source; 13] = [
    same(TENANT, "AZURE_TENANT_ID", ""),
    same(CLOUD, "AZURE_ENVIRONMENT", ""),
    beside("audience", "", "--audience"),
    beside("proxy.image", "PROXY_IMAGE", ""),
    beside("proxy.initImage", "PROXY_INIT_IMAGE", ""),
    same(
        "customTokenEndpoint.annotationSuffix",
        "",
        "--custom-token-endpoint-annotation-suffix",
    ),
    same(
        "customTokenEndpoint.audience",
        "",
        "--custom-token-endpoint-audience",
    ),
    same(
        "customTokenEndpoint.azureKubernetesTokenProxy",
        "AZURE_KUBERNETES_TOKEN_PROXY",
        "",
    ),
    same(
        "customTokenEndpoint.azureKubernetesSniName",
        "AZURE_KUBERNETES_SNI_NAME",
        "",
    ),
    same(
        "customTokenEndpoint.azureKubernetesCaData",
        "AZURE_KUBERNETES_CA_DATA",
        "",
    ),
    same(
        "customTokenEndpoint.azureKubernetesCAConfigMapName",
        "AZURE_KUBERNETES_CA_CONFIGMAP_NAME",
        "",
    ),
    same(
        "customTokenEndpoint.azureKubernetesCACTBSignerName",
        "AZURE_KUBERNETES_CA_CTB_SIGNER_NAME",
        "",
    ),
    same(LABEL_SELECTOR, "AZURE_KUBERNETES_CA_CTB_LABEL_SELECTOR", ""),
];

/// What the API server does about a pod if it gets no answer.
const FAILURE_POLICIES: [&str; 2] = ["Fail", "Ignore"];

/// An installation of the webhook, as far as the input says it.
#[derive(Debug, Default)]
pub struct Webhook {
    /// What `--set` gives settings, as it is written there.
    assigned: Vec<String>,
    release: Option<Release>,
    settings: Map<String, Value>,
    failure_policy: Option<&'static str>,
    namespace_selector: Option<Value>,
    object_selector: Option<Value>,
    match_conditions: Option<Value>,
    timeout: Option<u64>,
    /// Whether it is AKS's.
    is_managed: bool,
}

/// What the policies are made of.
#[derive(Debug, PartialEq)]
pub struct Plan {
    /// The settings, without those of a single policy.
    pub settings: Map<String, Value>,
    /// What makes a pod get its identity.
    pub opt_in: OptIn,
    /// What the API server does about a pod if it gets no answer.
    pub failure_policy: &'static str,
    /// Which namespaces the policies are for; `None` for all.
    pub namespace_selector: Option<Value>,
    /// Which pods they are for, besides what opts in by its label.
    pub object_selector: Option<Value>,
    /// Conditions that a request must meet.
    pub match_conditions: Option<Value>,
    /// How long the API server waits, in seconds.
    pub timeout: Option<u64>,
}

impl Webhook {
    /// An installation of which nothing is known, with settings as in `--set`.
    pub fn new(assigned: &[String]) -> Self {
        Self {
            assigned: assigned.to_vec(),
            ..Self::default()
        }
    }

    fn is_assigned(&self, name: &str) -> bool {
        let mut assigned = self.assigned.iter();
        assigned.any(|text| text.split_once('=').is_some_and(|(key, _)| key == name))
    }

    /// Takes the release from `text`, if there is one in it.
    pub fn take_release(&mut self, place: &Place<'_>, text: &str, remarks: &mut MigrationRemarks) {
        match Release::read(text) {
            Ok(release) => {
                if self.release.is_some_and(|other| other != release) {
                    remarks.warn(
                        place,
                        "is of another release than before; the last one counts",
                    );
                }
                self.release = Some(release);
                let (opt_in, layout) = (release.opt_in().name(), release.layout().name());
                let text = format!("release {release}: optIn {opt_in}, layout {layout}");
                remarks.note(place, &text);
            }
            Err(error) => remarks.warn(place, &error.to_string()),
        }
    }

    /// Takes a setting, which is empty where it is not set.
    pub fn take(
        &mut self,
        place: &Place<'_>,
        source: &Source,
        value: &Value,
        remarks: &mut MigrationRemarks,
    ) {
        let name = source.setting;
        if self.is_assigned(name) {
            return remarks.leave(place, "not needed: --set gives another value");
        }
        let text = match value {
            Value::Null => String::new(),
            Value::String(text) => text.clone(),
            Value::Number(_) | Value::Bool(_) => value.to_string(),
            other => {
                let text = format!("expected a string, found {}", name_of_type(other));
                return remarks.warn(place, &text);
            }
        };
        let Some(text) = expanded(&text) else {
            let text = format!(
                "a place for a value, found {}; help: give --set {name}=VALUE",
                Excerpt::new(&text)
            );
            return remarks.warn(place, &text);
        };
        if text.is_empty() {
            return remarks.leave(place, "not set");
        }
        let value = if name == LABEL_SELECTOR {
            match serde_json::from_str(&text) {
                Ok(value) => value,
                Err(error) => {
                    let text = format!("expected a label selector as JSON: {error}");
                    return remarks.warn(place, &text);
                }
            }
        } else {
            Value::String(text)
        };
        let (object, key) = match name.split_once('.') {
            Some((parent, key)) => {
                let parent = self.settings.entry(parent).or_insert_with(|| json!({}));
                (parent.as_object_mut(), key)
            }
            None => (Some(&mut self.settings), name),
        };
        let before = object.and_then(|object| object.insert(key.to_owned(), value.clone()));
        if before.is_some_and(|before| before != value) {
            remarks.warn(
                place,
                "differs from what was read before; the last one counts",
            );
        }
        remarks.note(place, &format!("setting {name}"));
    }

    /// Takes what happens to pods if the webhook does not answer.
    pub fn take_failure_policy(
        &mut self,
        place: &Place<'_>,
        value: &Value,
        remarks: &mut MigrationRemarks,
    ) {
        let known = FAILURE_POLICIES.into_iter();
        let mut known = known.filter(|known| value.as_str() == Some(known));
        match known.next() {
            Some(policy) => {
                self.failure_policy = Some(policy);
                remarks.note(place, "failurePolicy of the policy that injects");
            }
            None => remarks.warn(place, "expected Fail or Ignore"),
        }
    }

    /// Takes the namespaces that the webhook is for.
    pub fn take_namespaces(
        &mut self,
        place: &Place<'_>,
        value: &Value,
        remarks: &mut MigrationRemarks,
    ) {
        if is_empty(value) {
            return remarks.note(place, "not set: all namespaces");
        }
        // Kubewarden does not pass on labels.
        let labels = value.get("matchLabels").and_then(Value::as_object);
        let labels = labels
            .into_iter()
            .flatten()
            .map(|(key, value)| json!({"key": key, "operator": "In", "values": [value]}));
        let expressions = value.get("matchExpressions").and_then(Value::as_array);
        let all: Vec<_> = labels
            .chain(expressions.into_iter().flatten().cloned())
            .collect();
        self.namespace_selector = Some(json!({"matchExpressions": all}));
        remarks.note(place, "namespaceSelector of the three policies");
    }

    /// Takes the pods that the webhook is sent.
    pub fn take_objects(
        &mut self,
        place: &Place<'_>,
        value: &Value,
        remarks: &mut MigrationRemarks,
    ) {
        self.object_selector = Some(value.clone());
        let text = match is_empty(value) {
            true => "not set: all pods",
            false => "objectSelector of the policies for pods",
        };
        remarks.note(place, text);
    }

    /// Takes the conditions that a request must meet.
    pub fn take_conditions(
        &mut self,
        place: &Place<'_>,
        value: &Value,
        remarks: &mut MigrationRemarks,
    ) {
        self.match_conditions = Some(value.clone());
        remarks.note(
            place,
            "matchConditions of the policy that injects; the audit scanner knows none",
        );
    }

    /// Takes how long the API server waits.
    pub fn take_timeout(
        &mut self,
        place: &Place<'_>,
        value: &Value,
        remarks: &mut MigrationRemarks,
    ) {
        match value.as_u64() {
            // The default of Kubernetes and Kubewarden.
            Some(10) => remarks.leave(place, "not needed: the default"),
            // Kubewarden accepts no less than 2.
            Some(seconds @ 2..=30) => {
                self.timeout = Some(seconds);
                remarks.note(place, "timeoutSeconds of the policy that injects");
            }
            _ => remarks.warn(
                place,
                "expected 2 to 30 seconds, as Kubewarden does; left out",
            ),
        }
    }

    /// Remembers that AKS manages it.
    pub fn is_of_aks(&mut self) {
        self.is_managed = true;
    }

    /// Whether AKS manages it.
    pub fn is_managed(&self) -> bool {
        self.is_managed
    }

    /// What the policies are made of, with `release` if it is given.
    ///
    /// # Errors
    ///
    /// No release, and settings that the policy would not accept.
    pub fn plan(&self, release: Option<&str>, remarks: &mut MigrationRemarks) -> Result<Plan> {
        let given = release.map(|text| {
            let release = Release::read(text);
            release.map_err(|error| anyhow::anyhow!("--release: {error}"))
        });
        let Some(release) = given.transpose()?.or(self.release) else {
            bail!(
                "expected the release of the webhook, found none; help: give its Deployment, all its values with helm get values \
                 --all, or --release VERSION"
            );
        };
        if release.is_unknown() {
            let place = release.to_string();
            let text = "is newer than this program; help: compare with a running pod by --dump";
            remarks.warn(&Place::whole(&place), text);
        }
        let (opt_in, object_selector) = self.selected(release, remarks);
        let settings = self.settings(release.layout(), opt_in)?;
        if release.has_ordinary_proxy() {
            remarks.notes.push(
                "the webhook runs the proxy as an ordinary container, the policy as a native sidecar: set proxy.nativeSidecar=false \
                 before Kubernetes 1.29"
                    .to_owned(),
            );
        }
        let by_release = usize::from(release.lets_through());
        let by_release = FAILURE_POLICIES.into_iter().nth(by_release);
        Ok(Plan {
            settings,
            opt_in,
            failure_policy: self.failure_policy.or(by_release).unwrap_or_default(),
            namespace_selector: self.namespace_selector.clone(),
            object_selector,
            match_conditions: self.match_conditions.clone(),
            timeout: self.timeout,
        })
    }

    /// What opts a pod in, and what else the API server asks of it.
    fn selected(&self, release: Release, remarks: &mut MigrationRemarks) -> (OptIn, Option<Value>) {
        let opt_in = release.opt_in();
        let Some(selector) = &self.object_selector else {
            return (opt_in, None);
        };
        let labels = selector.get("matchLabels").and_then(Value::as_object);
        let asks_for_label =
            labels.and_then(|labels| labels.get(keys::USE)) == Some(&Value::from(keys::OPTED_IN));
        let opt_in = match opt_in {
            OptIn::Either if asks_for_label => {
                remarks.notes.push(format!(
                    "objectSelector asks for the label {}: optIn {}",
                    keys::USE,
                    OptIn::PodLabel.name()
                ));
                OptIn::PodLabel
            }
            OptIn::PodLabel if !asks_for_label => {
                remarks.warnings.push(format!(
                    "objectSelector does not ask for the label {}: the webhook injects pods without it, the policy does not",
                    keys::USE
                ));
                OptIn::PodLabel
            }
            opt_in => opt_in,
        };
        (opt_in, (!is_empty(selector)).then(|| selector.clone()))
    }

    fn settings(&self, layout: Layout, opt_in: OptIn) -> Result<Map<String, Value>> {
        let mut settings = self.settings.clone();
        if self.is_assigned(AUTHORITY_HOST) {
            settings.remove(CLOUD);
        }
        settings.insert("optIn".to_owned(), opt_in.name().into());
        settings.insert("layout".to_owned(), layout.name().into());
        let settings = SettingsValue::from_value("settings", Value::Object(settings))?;
        let mut assigned = self.assigned.iter().map(String::as_str);
        let settings = assigned.try_fold(settings, SettingsValue::with)?;
        if settings.get(TENANT).is_none() {
            bail!("expected a tenant in the input, found none; help: give --set {TENANT}=TENANT");
        }
        let settings = serde_json::to_value(&settings)?;
        if let Err(findings) = Settings::validate(&settings.to_string()) {
            let faults: Vec<_> = findings.shown().iter().map(ToString::to_string).collect();
            bail!("{}", faults.join("\n"));
        }
        match settings {
            Value::Object(settings) => Ok(settings),
            _ => Ok(Map::new()),
        }
    }
}

/// Whether a selector selects everything.
fn is_empty(selector: &Value) -> bool {
    match selector {
        Value::Object(fields) => fields.values().all(|value| match value {
            Value::Object(labels) => labels.is_empty(),
            Value::Array(expressions) => expressions.is_empty(),
            _ => value.is_null(),
        }),
        other => other.is_null(),
    }
}

/// A value as the manifests have it before it is filled in: `${NAME:-DEFAULT}` is its default, and `${NAME}` and `<words>` are not
/// known.
pub fn expanded(text: &str) -> Option<String> {
    if text.starts_with('<') {
        return None;
    }
    let inner = text
        .strip_prefix("${")
        .and_then(|rest| rest.strip_suffix('}'));
    match inner {
        Some(inner) => inner
            .split_once(":-")
            .map(|(_, default)| default.to_owned()),
        None => Some(text.to_owned()),
    }
}
