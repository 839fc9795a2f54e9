//! Values of the webhook's Helm chart.

use serde_json::Value;

use super::remarks::{MigrationRemarks, OF_LOG, OF_METRICS, OF_SERVER, OF_WEBHOOK, Place};
use super::webhook::{SOURCES, Webhook};
use crate::input::fields::did_you_mean;

/// The name of the chart, under which another chart has its values.
const CHART: &str = "workload-identity-webhook";

/// What helm prints before values.
pub const HEADERS: [&str; 2] = ["USER-SUPPLIED VALUES:", "COMPUTED VALUES:"];

/// Values that become nothing, each with the reason.
const NOT_NEEDED: [(&str, &str); 24] = [
    ("affinity", OF_SERVER),
    ("arcCluster", "not needed: see --arc-cluster"),
    ("extraVolumeMounts", OF_SERVER),
    ("extraVolumes", OF_SERVER),
    ("image.pullPolicy", OF_SERVER),
    ("image.repository", OF_SERVER),
    ("imagePullSecrets", OF_SERVER),
    ("labels", OF_SERVER),
    ("logEncoder", OF_LOG),
    ("logLevel", OF_LOG),
    ("metricsAddr", OF_METRICS),
    ("metricsBackend", OF_METRICS),
    ("mutatingWebhookAnnotations", OF_WEBHOOK),
    ("nodeSelector", OF_SERVER),
    ("podAnnotations", OF_SERVER),
    ("podDisruptionBudget", OF_SERVER),
    ("podLabels", OF_SERVER),
    ("priorityClassName", OF_SERVER),
    ("replicaCount", OF_SERVER),
    ("resources", OF_SERVER),
    ("revisionHistoryLimit", OF_SERVER),
    ("service", OF_SERVER),
    ("tolerations", OF_SERVER),
    ("topologySpreadConstraints", OF_SERVER),
];

const RELEASE: &str = "image.release";
const ARC: &str = "arcCluster";
const EXTRA_ENV: &str = "extraEnv";
const NAMESPACES: &str = "mutatingWebhookNamespaceSelector";
const OBJECTS: &str = "mutatingWebhookObjectSelector";
const FAILURE_POLICY: &str = "mutatingWebhookFailurePolicy";

/// Values that hold others.
const PARENTS: [&str; 2] = ["image", "customTokenEndpoint"];

/// The names of all values.
fn known() -> impl Iterator<Item = &'static str> {
    let own = [RELEASE, EXTRA_ENV, NAMESPACES, OBJECTS, FAILURE_POLICY];
    let not_needed = NOT_NEEDED.iter().map(|(name, _)| *name);
    let sources = SOURCES.iter().map(|source| source.value);
    let named = not_needed.chain(sources).chain(own);
    named.filter(|name| !name.is_empty())
}

/// Whether `document` holds values of the chart, by at least one of their names.
pub fn are_in(document: &Value) -> bool {
    let own = own(document).as_object();
    let mut names = own.into_iter().flatten().map(|(name, _)| name.as_str());
    names.any(|name| PARENTS.contains(&name) || known().any(|known| known == name))
}

/// The values of the chart itself, if another chart contains it.
fn own(document: &Value) -> &Value {
    document
        .get(CHART)
        .filter(|values| values.is_object())
        .unwrap_or(document)
}

/// Reads the values in `document` of `file`.
pub fn read(file: &str, document: &Value, webhook: &mut Webhook, remarks: &mut MigrationRemarks) {
    for (name, value) in own(document).as_object().into_iter().flatten() {
        if let (true, Value::Object(values)) = (PARENTS.contains(&name.as_str()), value) {
            for (inner, value) in values {
                read_one(file, &format!("{name}.{inner}"), value, webhook, remarks);
            }
        } else if PARENTS.contains(&name.as_str()) && value.is_null() {
            remarks.leave(&Place::new(file, name), "not set");
        } else {
            read_one(file, name, value, webhook, remarks);
        }
    }
}

fn read_one(
    file: &str,
    name: &str,
    value: &Value,
    webhook: &mut Webhook,
    remarks: &mut MigrationRemarks,
) {
    let place = &Place::new(file, name);
    if let Some(source) = SOURCES.iter().find(|source| source.value == name) {
        return webhook.take(place, source, value, remarks);
    }
    match name {
        RELEASE => webhook.take_release(place, value.as_str().unwrap_or_default(), remarks),
        NAMESPACES => webhook.take_namespaces(place, value, remarks),
        OBJECTS if value.as_object().is_some_and(|object| !object.is_empty()) => {
            webhook.take_objects(place, value, remarks);
        }
        OBJECTS => remarks.leave(place, "not set"),
        FAILURE_POLICY => webhook.take_failure_policy(place, value, remarks),
        ARC if *value == Value::Bool(true) => remarks.warn(place, ARC_CLUSTER),
        EXTRA_ENV => match value.as_array().map(Vec::as_slice) {
            None | Some([]) => remarks.leave(place, "not set"),
            Some(variables) => {
                for variable in variables {
                    read_variable(file, variable, webhook, remarks);
                }
            }
        },
        _ => match NOT_NEEDED.iter().find(|(known, _)| *known == name) {
            Some((_, reason)) => remarks.leave(place, reason),
            None => {
                let help = did_you_mean(name, known());
                remarks.warn(place, &format!("the chart has no such value{help}"));
            }
        },
    }
}

/// What is said of a cluster whose tokens came from Arc.
pub const ARC_CLUSTER: &str = "the webhook mounts a Secret that Azure Arc fills, localtoken-SERVICEACCOUNT; the policy adds a token \
                               of Kubernetes, for which the cluster needs an OIDC issuer: az connectedk8s update --enable-oidc-issuer";

/// Reads a variable of the webhook's container, as a pod has it.
pub fn read_variable(
    whole: &str,
    variable: &Value,
    webhook: &mut Webhook,
    remarks: &mut MigrationRemarks,
) {
    let name = variable.get("name").and_then(Value::as_str);
    let name = name.unwrap_or_default();
    let place = &Place::new(whole, name);
    let sources = SOURCES.iter().filter(|source| !source.variable.is_empty());
    match sources.clone().find(|source| source.variable == name) {
        Some(source) if variable.get("valueFrom").is_some() => {
            let setting = source.setting;
            let text = format!("the value is in another object; help: give --set {setting}=VALUE");
            remarks.warn(place, &text);
        }
        Some(source) => {
            let value = variable.get("value").unwrap_or(&Value::Null);
            webhook.take(place, source, value, remarks);
        }
        None if name == "POD_NAMESPACE" => remarks.leave(place, OF_SERVER),
        None => {
            let help = did_you_mean(name, sources.map(|source| source.variable));
            remarks.warn(place, &format!("the webhook knows no such variable{help}"));
        }
    }
}
