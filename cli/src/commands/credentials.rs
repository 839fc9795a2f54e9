//! `azwi-policy credentials`: which federated identity credentials Microsoft Entra ID must hold.

mod complain;
#[cfg(feature = "native")]
mod reading;
mod wanted;

use std::collections::BTreeMap;

use azure_workload_identity_policy::messages::Excerpt;
use clap::{Args, ValueEnum};

use crate::commands::complaints::Complaint;
use crate::commands::preview::Remarks;
use crate::commands::preview::args::ReviewArgs;
use crate::entra::comparison::{Comparison, Status, compare};
use crate::entra::credential::Credential;
use crate::entra::existing::{self, Holder, Holders};
#[cfg(feature = "native")]
pub use reading::credentials;
pub use wanted::{Use, Wanted};

const AFTER_HELP: &str = "One credential for each ServiceAccount that a pod which opts in uses, and each client ID. Nothing \
is sent anywhere: the output is for az, Bicep, Terraform, Azure Service Operator or Crossplane to apply.

With --existing, what exists is compared with what there should be. Each FILE has what one of these prints, as JSON or YAML:
  az identity federated-credential list --identity-name NAME --resource-group GROUP
  az ad app federated-credential list --id CLIENT_ID
  az identity list
  kubectl get federatedidentitycredentials,userassignedidentities -A -o yaml
Where nothing in it says whose the credentials are, CLIENT_ID=FILE does.

Exit status: 0; 1 if an object is rejected, if an identity would hold more than 20 credentials, if something is missing, wrong or superfluous, or with \
--fail-on-warning if there is a warning; 2 if arguments, settings, module, manifests or files are wrong.

Examples:
  The credentials of all manifests in a directory:
    azwi-policy credentials --issuer \"$ISSUER\" --policy policy.yaml manifests/
  As commands to run:
    azwi-policy credentials --issuer \"$ISSUER\" --policy policy.yaml -o az manifests/ > credentials.sh
  What a cluster needs, compared with what is there:
    az identity federated-credential list --identity-name shop --resource-group shop > shop.json
    kubectl get pods,serviceaccounts -A -o yaml | azwi-policy credentials --issuer \"$ISSUER\" -s settings.yaml \\
        --existing 8f1c2a7e-5d3b-4c59-9a57-0b6f4f0f9d11=shop.json
  The issuer of an AKS cluster:
    ISSUER=$(az aks show --name CLUSTER --resource-group GROUP --query oidcIssuerProfile.issuerUrl --output tsv)";

/// The arguments of `azwi-policy credentials`.
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub struct CredentialsArgs {
    /// The issuer of the cluster's tokens, to the letter.
    #[arg(long, value_name = "URL")]
    pub issuer: String,
    /// What to print.
    #[arg(short, long, value_name = "FORMAT", value_enum, default_value_t)]
    pub output: Format,
    /// A file with credentials and identities that exist; may be given several times.
    #[arg(long, value_name = "[CLIENT_ID=]FILE")]
    pub existing: Vec<String>,
    /// The client ID of an application, as others count as managed identities; may be given several times.
    #[arg(long, value_name = "CLIENT_ID")]
    pub application: Vec<String>,
    /// Exit with status 1 also if there is a warning.
    #[arg(long)]
    pub fail_on_warning: bool,
    /// What is reviewed.
    #[command(flatten)]
    pub review: ReviewArgs,
}

/// What to print.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// A line for each credential, for people.
    #[default]
    Table,
    /// One JSON object with all that is known.
    Json,
    /// Commands of the Azure CLI, for sh.
    Az,
    /// A Bicep file.
    Bicep,
    /// A Terraform configuration for the providers azurerm and azuread.
    Terraform,
    /// Objects of Azure Service Operator.
    Aso,
    /// Objects of Crossplane's Azure providers.
    Crossplane,
}

/// The credentials that there should be, and what is to say of them.
#[derive(Debug)]
pub struct Credentials {
    /// The issuer.
    pub issuer: String,
    /// By identity, in the order of client IDs.
    pub comparisons: Vec<Comparison>,
    /// What uses each credential.
    pub uses: BTreeMap<Credential, Use>,
    /// What is known of the applications and managed identities.
    pub holders: Holders,
    /// Whether there is something to compare with.
    pub compares: bool,
    /// What is wrong.
    pub complaints: Vec<Complaint>,
    /// What else there is to say.
    pub remarks: Remarks,
}

impl Credentials {
    /// The credentials that are wanted, compared with those that their holders have. The previews behind them have led to
    /// these remarks.
    pub fn new(wanted: Wanted<'_>, holders: Holders, mut remarks: Remarks) -> Self {
        let Wanted {
            issuer,
            uses,
            mut complaints,
            notes,
            spared,
        } = wanted;
        let compares = existing::tells_of_credentials(&holders);
        let comparisons = compare(
            uses.keys().cloned().collect(),
            &holders,
            compares,
            issuer,
            &spared,
        );
        complaints.extend(complain::of(&comparisons, compares, issuer));
        remarks.notes.extend(notes);
        let known = holders.values().flat_map(|holder| &holder.credentials);
        let uncompared = known
            .flatten()
            .filter(|existing| existing.issuer.is_none() && existing.subject.is_some());
        remarks.notes.extend(uncompared.map(|existing| {
            let name = Excerpt::new(&existing.name);
            format!("credential {name}: its issuer comes from elsewhere, and is not compared")
        }));
        Self {
            issuer: issuer.to_owned(),
            comparisons,
            uses,
            holders,
            compares,
            complaints,
            remarks,
        }
    }

    /// The credentials of an identity, each with the name that it has or gets, and what becomes of it.
    pub fn named<'c>(
        &'c self,
        comparison: &'c Comparison,
    ) -> impl Iterator<Item = (&'c Credential, String, &'c Status)> {
        comparison.wanted.iter().map(|(credential, status)| {
            let name = match status {
                Status::Exists(name) => name.clone(),
                // One for another ServiceAccount stays as it is.
                Status::Differs { name, difference } if difference.is_mended_by_update() => {
                    name.clone()
                }
                _ => credential.name(),
            };
            (credential, name, status)
        })
    }

    /// What is known of an identity.
    pub fn holder(&self, client_id: &str) -> Holder {
        self.holders.get(client_id).cloned().unwrap_or_default()
    }
}
