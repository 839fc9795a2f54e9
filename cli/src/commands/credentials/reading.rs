//! The credentials for what the arguments name.

use std::collections::BTreeSet;

use anyhow::{Context, Result};
use azure_workload_identity_policy::values;

use super::wanted::Wanted;
use super::{Credentials, CredentialsArgs};
use crate::commands::arguments::checked;
use crate::commands::preview;
use crate::entra::existing::{self, ExistingFile};
use crate::entra::issuer;
use crate::kubewarden::host_calls::LogSink;

/// Works the credentials out.
///
/// # Errors
///
/// Arguments and files that are wrong, and what [`preview::preview`] reports.
pub fn credentials(args: &CredentialsArgs, log: Option<LogSink>) -> Result<Credentials> {
    let issuer = issuer::checked("--issuer", &args.issuer)?;
    let applications = args.application.iter();
    let applications = applications.map(|client_id| {
        let checked = checked("--application", client_id, values::client_id)?;
        Ok(checked.to_lowercase())
    });
    let applications: BTreeSet<String> = applications.collect::<Result<_>>()?;
    let mut wanted = Wanted::new(issuer);
    let (_, remarks) = preview::pods(&args.review, log, |preview| wanted.add(preview))?;
    let client_ids = wanted.uses.keys();
    let client_ids = client_ids.map(|credential| credential.client_id.clone());
    let client_ids: BTreeSet<String> = client_ids.collect();
    let files: Vec<_> = args
        .existing
        .iter()
        .map(|file| ExistingFile::new(file))
        .collect();
    let mut holders = existing::read(&files, &client_ids).context("--existing")?;
    for client_id in applications {
        holders.entry(client_id).or_default().is_application = true;
    }
    Ok(Credentials::new(wanted, holders, remarks))
}
