//! `azwi-policy migrate`: what replaces the azure-workload-identity webhook, or AAD Pod Identity.

mod differences;
mod objects;
mod pod_identity;
mod policies;
mod release;
mod remarks;
mod values;
mod webhook;
mod workloads;
mod yaml;

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use azure_workload_identity_policy::settings::OptIn;
use clap::Args;
use serde_json::Value;

use crate::input::files::{STANDARD_INPUT, STANDARD_INPUT_NAME};
use crate::input::manifests::{self, Manifest, ManifestError};
use crate::kubewarden::host_calls::LogSink;
use crate::kubewarden::service_accounts::DEFAULT_NAMESPACE;
use pod_identity::PodIdentity;
pub use remarks::MigrationRemarks;
use webhook::Webhook;
use workloads::Target;

const AFTER_HELP: &str = "Of the webhook: its chart's values, as in values.yaml or as helm get values prints them (with --all also \
their defaults, of which the release is one), and the objects that it consists of in a cluster: Deployment, ConfigMap, \
MutatingWebhookConfiguration. The output is the three policies that replace it. Of AAD Pod Identity: AzureIdentity, \
AzureIdentityBinding, and the workloads with the label aadpodidbinding and their ServiceAccounts. The output is these \
ServiceAccounts and workloads, changed, as whole objects.

The output is for kubectl apply, and for --policy and the manifests of azwi-policy preview. What became of each value is said on \
standard error.

Exit status: 0; 1 if --dump finds that something would not stay as it is; 2 if arguments or input are wrong.

Examples:
  What replaces the chart:
    helm get values --all -n azure-workload-identity-system workload-identity-webhook > values.yaml
    azwi-policy migrate values.yaml > policies.yaml
  What replaces AKS's managed add-on, and whether all pods stay as they are:
    kubectl get -n kube-system deploy/azure-wi-webhook-controller-manager cm/azure-wi-webhook-config -o yaml > webhook.yaml
    kubectl get mutatingwebhookconfigurations azure-wi-webhook-mutating-webhook-configuration -o yaml > config.yaml
    kubectl get pods,serviceaccounts -A -o yaml > cluster.yaml
    azwi-policy migrate webhook.yaml config.yaml --dump cluster.yaml > policies.yaml
  From AAD Pod Identity:
    kubectl get azureidentities,azureidentitybindings,deploy,sts,ds,cronjobs,sa -A -o yaml | azwi-policy migrate -";

/// The arguments of `azwi-policy migrate`.
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub struct MigrateArgs {
    /// Files with values or objects; - for standard input.
    #[arg(value_name = "FILE", required = true)]
    pub files: Vec<PathBuf>,
    /// The release of the webhook, such as v1.5.1, if the files do not say it.
    #[arg(long, value_name = "VERSION")]
    pub release: Option<String>,
    /// Change one setting of the policies, as in azureTenantID=contoso.com; may be given several times.
    #[arg(long, value_name = "KEY=VALUE")]
    pub set: Vec<String>,
    /// Review what runs in a cluster with the policies, and list what would not stay as it is.
    #[arg(long, value_name = "FILE", num_args = 1..)]
    pub dump: Vec<PathBuf>,
    /// Another policy module than that of this program's version, for --dump.
    #[arg(long, value_name = "FILE", requires = "dump")]
    pub module: Option<PathBuf>,
    /// Give workloads of AAD Pod Identity the proxy, for applications that ask the instance metadata service.
    #[arg(long)]
    pub proxy: bool,
    /// The namespace of objects that name none.
    #[arg(short, long, value_name = "NAMESPACE", default_value = DEFAULT_NAMESPACE)]
    pub namespace: String,
}

/// What the command has made.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Migrated {
    /// Objects in YAML, each after a line `---`.
    pub text: String,
    /// What became of the input.
    pub remarks: MigrationRemarks,
    /// What of the dump would not stay as it is.
    pub differences: Vec<String>,
}

/// What is read.
#[derive(Debug, Default)]
struct Input {
    /// Documents that are no objects of Kubernetes, each with its file.
    values: Vec<(String, Value)>,
    manifests: Vec<Manifest>,
}

/// Makes what replaces the input.
///
/// # Errors
///
/// Input that cannot be read or holds nothing to replace, and settings that the policy would not accept.
pub fn migrate(args: &MigrateArgs, log: Option<LogSink>) -> Result<Migrated> {
    let mut input = Input::default();
    for path in &args.files {
        let (file, text) = read(path)?;
        sort(&file, &text, &mut input)?;
    }
    let mut remarks = MigrationRemarks::default();
    let Replacement { policies, objects } = replacement(&input, args, &mut remarks)?;
    let policies = text_of(&policies)?;
    let mut differences = Vec::new();
    if !args.dump.is_empty() {
        if policies.is_empty() {
            bail!("--dump: expected values or objects of the webhook, found none");
        }
        let policies = manifests::read_text("the result", &policies)?;
        let module = args.module.clone();
        differences = differences::differences(policies, &args.dump, module, log, &mut remarks)?;
    }
    remarks.finish();
    Ok(Migrated {
        text: policies + &text_of(&objects)?,
        remarks,
        differences,
    })
}

/// What replaces the input.
struct Replacement {
    /// In place of the webhook.
    policies: Vec<Value>,
    /// ServiceAccounts and workloads.
    objects: Vec<Value>,
}

fn replacement(
    input: &Input,
    args: &MigrateArgs,
    remarks: &mut MigrationRemarks,
) -> Result<Replacement> {
    let webhook = webhook_in(input, &args.set, remarks);
    let pod_identity = pod_identity_in(input, &args.namespace, remarks);
    if webhook.is_none() && pod_identity.is_empty() {
        let files: Vec<_> = args
            .files
            .iter()
            .map(|path| path.display().to_string())
            .collect();
        bail!(
            "{}: expected values or objects of the azure-workload-identity webhook, or an AzureIdentity, found none",
            files.join(", ")
        );
    }
    let plan = webhook.map(|webhook| {
        if webhook.is_managed() {
            remarks.warnings.push(OF_AKS.to_owned());
        }
        webhook.plan(args.release.as_deref(), remarks)
    });
    let plan = plan.transpose()?;
    let policies = plan.as_ref().map(policies::policies).transpose()?;
    let target = Target {
        opt_in: plan.map_or(OptIn::PodLabel, |plan| plan.opt_in),
        with_proxy: args.proxy,
        default_namespace: &args.namespace,
    };
    let objects = if pod_identity.is_empty() {
        Vec::new()
    } else {
        workloads::migrated(&input.manifests, &pod_identity, target, remarks)
    };
    if !objects.is_empty() {
        remarks.notes.push(NEEDS_CREDENTIALS.to_owned());
    }
    Ok(Replacement {
        policies: policies.unwrap_or_default(),
        objects,
    })
}

/// What is said of AKS's managed add-on.
const OF_AKS: &str = "the webhook is AKS's managed add-on, which AKS restores: switch it off with az aks update --resource-group \
                      GROUP --name CLUSTER --disable-workload-identity; the OIDC issuer stays, and must stay";

/// What has to be done before workloads can sign in.
const NEEDS_CREDENTIALS: &str = "each ServiceAccount needs a federated identity credential of its identity before the workloads \
                                 are applied: azwi-policy credentials --issuer URL with the output";

/// Reads a file or standard input; gives its name and its text.
fn read(path: &Path) -> Result<(String, String)> {
    let (file, source): (String, Box<dyn Read>) = if path.as_os_str() == STANDARD_INPUT {
        (STANDARD_INPUT_NAME.to_owned(), Box::new(io::stdin()))
    } else {
        let file = path.display().to_string();
        let source = File::open(path).with_context(|| format!("cannot read {file}"))?;
        (file, Box::new(source))
    };
    let text = manifests::text_from(&file, source)?;
    Ok((file, text))
}

/// Sorts the documents of a file.
fn sort(file: &str, text: &str, input: &mut Input) -> Result<()> {
    let text = text.trim_start();
    // What helm prints first is no part of the values.
    let headers = values::HEADERS.into_iter();
    let without = headers
        .filter_map(|header| text.strip_prefix(header))
        .next();
    let text = without.unwrap_or(text);
    let documents = manifests::documents_of(file, &text.into())?;
    let is_object = |value: &Value| value.get("kind").is_some() || value.is_array();
    let values = documents
        .into_iter()
        .filter(|written| !is_object(&written.value));
    let mut origins = Vec::new();
    for written in values {
        if !values::are_in(&written.value) {
            bail!(
                "{}: expected values of the chart workload-identity-webhook or an object of Kubernetes, found neither",
                written.origin
            );
        }
        origins.push(written.origin);
        input.values.push((file.to_owned(), written.value));
    }
    // No values are values too.
    if without.is_some() && origins.is_empty() {
        input.values.push((file.to_owned(), Value::Null));
    }
    let contents = manifests::contents_from(file, text.as_bytes());
    let mut errors = contents.errors.into_iter();
    let is_of_values = |error: &ManifestError| matches!(error, ManifestError::NoObject { origin, .. } if origins.contains(origin));
    if let Some(error) = errors.find(|error| !is_of_values(error)) {
        return Err(error.into());
    }
    input.manifests.extend(contents.manifests);
    Ok(())
}

/// What the input says of the webhook, if anything.
fn webhook_in(
    input: &Input,
    assigned: &[String],
    remarks: &mut MigrationRemarks,
) -> Option<Webhook> {
    let mut webhook = Webhook::new(assigned);
    let parts = input
        .manifests
        .iter()
        .filter(|manifest| objects::is_part(manifest));
    let parts: Vec<_> = parts.collect();
    for (file, document) in &input.values {
        values::read(file, document, &mut webhook, remarks);
    }
    for part in &parts {
        objects::read(part, &mut webhook, remarks);
    }
    let is_there = !parts.is_empty() || !input.values.is_empty();
    is_there.then_some(webhook)
}

/// What the input says of AAD Pod Identity.
fn pod_identity_in(
    input: &Input,
    default_namespace: &str,
    remarks: &mut MigrationRemarks,
) -> PodIdentity {
    let mut found = PodIdentity::default();
    let parts = input
        .manifests
        .iter()
        .filter(|manifest| pod_identity::is_part(manifest));
    parts.for_each(|part| found.read(part, default_namespace, remarks));
    found
}

/// The objects in YAML.
fn text_of(objects: &[Value]) -> Result<String> {
    let mut text = String::new();
    for object in objects {
        text += &format!("---\n{}", yaml::yaml(object)?);
    }
    Ok(text)
}
