//! `policy-host preview`: what the policy does to the pods of plain Kubernetes manifests.

use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use clap::{Args, ValueEnum};
use serde_json::Value;

use crate::{
    engine::{Engine, Module},
    host_calls::{Answers, HostCalls, LogSink},
    manifests::{self, Manifest, Origin},
    policy::{Policy, Review},
    policy_manifest::PolicyManifest,
    request::AdmissionRequest,
    response::{AdmissionResponse, ValidationResponse},
    run::SettingsArgs,
    service_accounts::{DEFAULT_NAMESPACE, ServiceAccounts},
    workload,
};

/// The arguments of `policy-host preview`.
#[derive(Debug, Args)]
#[command(
    after_help = "ServiceAccounts among the manifests answer the policy's lookups, and a bare one called \
'default' exists in each namespace.

Exit status: 0 if all objects are accepted, 1 if one is refused, 2 if arguments, settings or manifests are wrong.

Examples:
  policy-host preview examples/workload.yaml
  policy-host preview --settings-json '{\"azureTenantID\": \"...\"}' manifests/
  policy-host preview --policy examples/policy.yaml --namespace web pod.yaml
  kubectl get deployment,serviceaccount -n web -o yaml | policy-host preview -"
)]
pub struct PreviewArgs {
    /// The policy module.
    #[arg(long, value_name = "FILE", default_value = "annotated-policy.wasm")]
    pub module: PathBuf,
    /// Where the policy's settings come from.
    #[command(flatten)]
    pub settings: SettingsArgs,
    /// The manifest of a ClusterAdmissionPolicy or AdmissionPolicy with the settings and rights to use.
    #[arg(long, value_name = "FILE", conflicts_with = "SettingsArgs")]
    pub policy: Option<PathBuf>,
    /// The namespace of objects that name none.
    #[arg(short, long, value_name = "NAMESPACE", default_value = DEFAULT_NAMESPACE)]
    pub namespace: String,
    /// Whether to use colours; auto uses them on a terminal where NO_COLOR is not set.
    #[arg(long, value_name = "WHEN", value_enum, default_value_t)]
    pub color: Color,
    /// Manifest files, directories of them, or - for standard input.
    #[arg(value_name = "PATH", required = true)]
    pub paths: Vec<PathBuf>,
}

/// When to use colours.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum Color {
    /// On a terminal.
    #[default]
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// What the policy does with one object.
#[derive(Debug, Clone, PartialEq)]
pub struct Preview {
    /// The object's kind, namespace and name, as `Deployment default/app`.
    pub title: String,
    /// Where the object stands.
    pub origin: Origin,
    /// What happens to its pod.
    pub outcome: Outcome,
    /// What the user is warned of.
    pub warnings: Vec<String>,
}

/// What happens to a pod.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    /// It is changed.
    Mutated {
        /// The pod as it comes.
        before: Value,
        /// The pod as the policy wants it.
        after: Value,
    },
    /// It is accepted as it is.
    Unchanged,
    /// It is refused.
    Refused {
        /// Why.
        message: String,
    },
}

/// Previews the objects in the manifests, and hands each to `show` as it comes.
///
/// # Errors
///
/// Manifests that cannot be read or hold no pod, a module that does not run, settings that the policy refuses, and
/// what `show` reports.
pub fn preview(
    args: &PreviewArgs,
    log: Option<LogSink>,
    mut show: impl FnMut(Preview) -> Result<()>,
) -> Result<()> {
    let manifests = manifests::read(&args.paths)?;
    let pods = pods(&manifests)?;
    if pods.is_empty() {
        bail!("expected a pod or a workload in the manifests, found none");
    }
    let deployed = args
        .policy
        .as_ref()
        .map(|path| PolicyManifest::one_in(path))
        .transpose()?;
    let settings = match &deployed {
        Some(deployed) => deployed.settings.clone(),
        None => args.settings.read()?,
    };
    let module = Module::from_file(&Engine::new()?, &args.module)?;
    let policy = Policy::new(
        &module,
        settings,
        host(&manifests, &args.namespace, deployed.as_ref(), log),
    );
    policy
        .check_settings()
        .context("the policy does not accept the settings")?;

    for (manifest, pod) in pods {
        let namespace = manifest.namespace().unwrap_or(&args.namespace);
        let request = AdmissionRequest::pod_creation(namespace, pod);
        let Review { response, verdict } = policy.review_as_written(&request);
        let response = match &deployed {
            Some(deployed) => deployed.constrain(response),
            None => response,
        };
        show(Preview {
            title: title(manifest, namespace),
            origin: manifest.origin.clone(),
            warnings: response.warnings.clone().unwrap_or_default(),
            outcome: outcome(request, response, verdict),
        })?;
    }
    Ok(())
}

/// The pods of all workloads among `manifests`, each with its workload.
fn pods(manifests: &[Manifest]) -> Result<Vec<(&Manifest, Value)>> {
    let mut pods = Vec::new();
    for manifest in manifests {
        if let Some(pod) = workload::pod(manifest).with_context(|| manifest.origin.to_string())? {
            pods.push((manifest, pod));
        }
    }
    Ok(pods)
}

/// A host that answers from the ServiceAccounts among `manifests`.
fn host(
    manifests: &[Manifest],
    namespace: &str,
    deployed: Option<&PolicyManifest>,
    log: Option<LogSink>,
) -> HostCalls {
    let mut accounts = ServiceAccounts::default().with_default_in_each_namespace();
    for manifest in manifests
        .iter()
        .filter(|manifest| manifest.is("v1", "ServiceAccount"))
    {
        accounts.insert(manifest.object.clone(), namespace);
    }
    let host = HostCalls::new(Answers::ServiceAccounts(accounts));
    let host = match deployed {
        Some(deployed) => deployed
            .context_aware_resources
            .iter()
            .fold(host, |host, resource| {
                host.grant(&resource.api_version, &resource.kind)
            }),
        None => host.grant("v1", "ServiceAccount"),
    };
    match log {
        Some(log) => host.with_log(log),
        None => host,
    }
}

/// What `response` does to the pod in `request`; the policy's own `verdict` has the pod's keys in people's order.
fn outcome(
    request: AdmissionRequest,
    response: AdmissionResponse,
    verdict: Option<ValidationResponse>,
) -> Outcome {
    if !response.allowed {
        let message = response.status.and_then(|status| status.message);
        return Outcome::Refused {
            message: message.unwrap_or_else(|| "the policy gives no reason".to_owned()),
        };
    }
    match (
        response.patch,
        request.object,
        verdict.and_then(|verdict| verdict.mutated_object),
    ) {
        (Some(_), Some(before), Some(after)) => Outcome::Mutated { before, after },
        _ => Outcome::Unchanged,
    }
}

fn title(manifest: &Manifest, namespace: &str) -> String {
    let generated = manifest.object["metadata"]["generateName"].as_str();
    let name = manifest.name().or(generated).unwrap_or("(no name)");
    format!("{} {namespace}/{name}", manifest.kind)
}
