//! The policies that replace the webhook.

use anyhow::{Context, Result};
use azure_workload_identity_policy::settings::OptIn;
use serde_json::{Map, Value};

use super::webhook::Plan;
use crate::input::manifests;
use crate::kubewarden::policy_manifest::PolicyManifest;
use crate::kubewarden::service_accounts::DEFAULT_NAMESPACE;

/// The policies of the examples: the one that injects, the one that checks workloads, and the one that verifies pods.
const INJECT: &str = include_str!("../../../../examples/policies/inject.yaml");
const CHECK: &str = include_str!("../../../../examples/policies/check.yaml");
const VERIFY: &str = include_str!("../../../../examples/policies/verify.yaml");

/// The policies that do what the webhook does.
///
/// # Errors
///
/// Selectors and conditions that a policy cannot have.
pub fn policies(plan: &Plan) -> Result<Vec<Value>> {
    let inject = policy(INJECT, plan, |spec| {
        select_pods(spec, plan);
        spec.insert("failurePolicy".to_owned(), plan.failure_policy.into());
        if let Some(conditions) = &plan.match_conditions {
            spec.insert("matchConditions".to_owned(), conditions.clone());
        }
        if let Some(seconds) = plan.timeout {
            spec.insert("timeoutSeconds".to_owned(), seconds.into());
        }
    })?;
    let check = policy(CHECK, plan, |spec| {
        // Its conditions are on labels that a workload then need not have.
        if plan.opt_in != OptIn::PodLabel {
            spec.shift_remove("matchConditions");
        }
    })?;
    let verify = policy(VERIFY, plan, |spec| {
        select_pods(spec, plan);
        if let Some(settings) = spec.get_mut("settings").and_then(Value::as_object_mut) {
            settings.insert("mode".to_owned(), "Verify".into());
        }
    })?;
    let policies = vec![inject, check, verify];
    for policy in &policies {
        let text = serde_json::to_string(policy)?;
        for manifest in manifests::read_text("the result", &text)? {
            PolicyManifest::from_manifest(&manifest, DEFAULT_NAMESPACE)?;
        }
    }
    Ok(policies)
}

fn policy(example: &str, plan: &Plan, edit: impl FnOnce(&mut Map<String, Value>)) -> Result<Value> {
    let mut policy: Value = yaml_serde::from_str(example)?;
    let spec = policy.get_mut("spec").and_then(Value::as_object_mut);
    let spec = spec.context("an example without spec")?;
    spec.insert("settings".to_owned(), plan.settings.clone().into());
    if let Some(selector) = &plan.namespace_selector {
        spec.insert("namespaceSelector".to_owned(), selector.clone());
    }
    edit(spec);
    Ok(policy)
}

/// Lets a policy be sent the pods that the webhook is sent.
fn select_pods(spec: &mut Map<String, Value>, plan: &Plan) {
    match &plan.object_selector {
        Some(selector) => {
            spec.insert("objectSelector".to_owned(), selector.clone());
        }
        None if plan.opt_in == OptIn::PodLabel => {}
        None => {
            spec.shift_remove("objectSelector");
        }
    }
}
