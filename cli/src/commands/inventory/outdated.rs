//! Running pods whose identity is not the one that they would get today.

use azure_workload_identity_policy::messages::Excerpt;

use super::objects::Key;
use crate::commands::preview::{ContainerIdentity, PodIdentity, Variable};

/// A pod that is out of date.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outdated {
    /// Its name.
    pub pod: String,
    /// What is out of date, for people.
    pub reasons: Vec<String>,
}

/// Gives one of a container's variables.
type VariableOf = fn(&ContainerIdentity) -> &Option<Variable>;

/// What is out of date with a pod that runs. Values that the pod template of its workload sets are meant to be so.
pub fn reasons(pod: &PodIdentity, template: Option<&PodIdentity>) -> Vec<String> {
    let Some(identity) = &pod.resolved else {
        return Vec::new();
    };
    if pod.rejection.is_some() {
        return Vec::new();
    }
    let mut reasons = Vec::new();
    if let Some(template) =
        template.filter(|template| template.service_account != pod.service_account)
    {
        let own = Excerpt::new(&pod.service_account);
        let wanted = Excerpt::new(&template.service_account);
        reasons.push(format!("has ServiceAccount {own} instead of {wanted}"));
    }
    for (own, wanted) in pod.own_containers.iter().zip(&pod.containers) {
        let name = Excerpt::new(&own.name);
        if wanted.has_identity() && !own.has_identity() {
            reasons.push(format!("container {name} lacks the identity"));
            continue;
        }
        if !own.has_identity() {
            continue;
        }
        let in_template = template.and_then(|template| {
            let mut containers = template.own_containers.iter();
            containers.find(|container| container.name == own.name)
        });
        let client_id = identity.client_id.as_ref();
        let client_id = client_id.map(|client_id| client_id.value.as_str());
        let tenant_id = Some(identity.tenant_id.value.as_str());
        let values: [(&str, Option<&str>, VariableOf); 2] = [
            ("client ID", client_id, |container| &container.client_id),
            ("tenant", tenant_id, |container| &container.tenant_id),
        ];
        for (what, wanted, of) in values {
            let is_meant = in_template.is_some_and(|container| of(container).is_some());
            let has = match of(own) {
                Some(Variable::Value(value)) => Some(value.as_str()),
                Some(Variable::FromElsewhere) => continue,
                None => None,
            };
            let is_same = match (has, wanted) {
                (Some(has), Some(wanted)) => has.eq_ignore_ascii_case(wanted),
                // It would keep its own.
                (Some(_), None) => true,
                (None, wanted) => wanted.is_none(),
            };
            if is_same || is_meant || wanted.is_some() && !identity.is_account_known {
                continue;
            }
            let has = has.map_or_else(|| "none".to_owned(), |has| Excerpt::new(has).to_string());
            let wanted = Excerpt::new(wanted.unwrap_or_default());
            reasons.push(format!(
                "container {name} has {what} {has} instead of {wanted}"
            ));
        }
    }
    let has_any = pod.containers.iter().any(ContainerIdentity::has_identity);
    if reasons.is_empty() && has_any && !identity.has_volume {
        reasons.push("the token volume is not as it would be".to_owned());
    }
    reasons
}

/// What brings the pods of a workload up to date: a command, or what to do.
pub fn mend(top: &Key) -> String {
    let (kind, namespace, name) = top;
    let name = quoted(name);
    let namespace = quoted(namespace);
    match kind.as_str() {
        "Deployment" | "StatefulSet" | "DaemonSet" => {
            let kind = kind.to_lowercase();
            format!("kubectl rollout restart {kind} {name} --namespace {namespace}")
        }
        "Rollout" => format!("kubectl argo rollouts restart {name} --namespace {namespace}"),
        "Pod" => "create the pod again".to_owned(),
        "Job" => "create the Job again".to_owned(),
        "CronJob" => "its next Job has the identity of today".to_owned(),
        kind => format!("have {kind} create its pods again"),
    }
}

/// A name that a shell takes as it is.
fn quoted(name: &str) -> String {
    shlex::try_quote(name).unwrap_or_default().into_owned()
}
