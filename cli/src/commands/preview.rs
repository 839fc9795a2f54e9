//! `azwi-policy preview`: what the policy does to the objects in plain Kubernetes manifests.

mod accounts;
mod api_server;
pub mod args;
mod batch;
mod decision;
mod explain;
mod hints;
mod identities;
mod lazy_module;
pub mod names;
mod other_kinds;
mod outcome;
mod places;
mod policies;
#[cfg(feature = "native")]
mod progress;
#[cfg(feature = "native")]
mod reading;
mod review;
mod watch;

use std::collections::BTreeSet;
use std::sync::Arc;

use anyhow::Result;
use azure_workload_identity_policy::keys;
use azure_workload_identity_policy::settings::pod_templates;

use crate::input::found::Found;
use crate::input::manifests::{Manifest, ManifestError};
use crate::input::pod_templates::Descriptions;
use crate::kubewarden::host_calls::LogSink;
use crate::kubewarden::rbac::Rbac;
use crate::kubewarden::scope::Namespaces;
use crate::kubewarden::service_accounts::Others;
use accounts::Accounts;
use args::{Detail, ReviewArgs};
pub use explain::Step;
use hints::Ignored;
pub use hints::POD_IDENTITY_LABEL;
pub use identities::{ContainerIdentity, PodIdentity, ResolvedIdentity, Variable, source_in_words};
pub use lazy_module::LazyModule;
use names::shortened;
pub use outcome::{Answer, Kind, Preview, PreviewOutcome, Problem, Reviewed};
pub use places::Place;
use places::Places;
pub use policies::Given;
use policies::{Deployed, Policies};
#[cfg(feature = "native")]
pub use reading::{is_piped, module, pods, preview, read};
use review::{Reviewable, Run};
pub use watch::{Unwatched, Watch};

/// What there is to say beside the previews.
#[derive(Debug, Default)]
pub struct Remarks {
    /// Whether one of the policies gives pods their identity.
    pub injects: bool,
    /// What is wrong with what was named: files, kustomizations and charts that cannot be read, or that hold nothing to review.
    pub errors: Vec<String>,
    /// What is good to know.
    pub notes: Vec<String>,
}

impl Remarks {
    /// Adds an error if there is none yet, because there is nothing to review in what is `named`.
    pub fn found_nothing(&mut self, named: &str) {
        if self.errors.is_empty() {
            let error =
                format!("{named}: expected a pod, a workload or a ServiceAccount, found none");
            self.errors.push(error);
        }
    }
}

/// How many objects are reviewed before the first of them is shown.
const BATCH: usize = 256;

/// What is reviewed, as it was read.
pub struct Input {
    /// The manifests, and the texts that they are in.
    pub found: Found,
    /// What they are reviewed with.
    pub given: Given,
    /// What is said of manifests that other programs make.
    pub said: Remarks,
    /// What is said after a policy's own words if it does not accept its settings.
    pub help: &'static str,
    /// Who sees how far the review has come.
    pub watch: Box<dyn Watch>,
}

impl Input {
    /// The ServiceAccounts that name a client ID, by namespace, which is `default_namespace` if they name none, and name.
    pub fn accounts_with_identity(
        &self,
        default_namespace: &str,
    ) -> impl Iterator<Item = ((String, String), String)> {
        let accounts = self.found.manifests.iter().filter(|one| is_account(one));
        accounts.filter_map(move |manifest| {
            let annotations = manifest.object.pointer("/metadata/annotations")?;
            let client_id = annotations.get(keys::CLIENT_ID)?.as_str()?;
            let namespace = manifest.namespace().unwrap_or(default_namespace);
            let name = manifest.name().unwrap_or_default();
            Some((
                (namespace.to_owned(), name.to_owned()),
                client_id.to_owned(),
            ))
        })
    }
}

/// Whether a manifest is that of a ServiceAccount.
fn is_account(manifest: &Manifest) -> bool {
    manifest.is("v1", "ServiceAccount")
}

/// Previews the objects in what was read, and hands each to `show` with its manifest, in their order.
///
/// # Errors
///
/// Policies that cannot be read, a module that does not run, settings that the policy rejects, and what `show` reports.
pub fn review(
    args: &ReviewArgs,
    detail: &Detail,
    input: &Input,
    module: &LazyModule<'_>,
    log: Option<LogSink>,
    mut show: impl FnMut(&Manifest, Preview) -> Result<()>,
) -> Result<Remarks> {
    let Input {
        found,
        given,
        said,
        help,
        watch,
    } = input;
    let manifests = &found.manifests;
    let accounts = Accounts::among(manifests, &args.namespace);
    let mut remarks = Remarks {
        errors: found
            .errors
            .iter()
            .map(|error| with_help(error, args))
            .collect(),
        notes: accounts.doubled().collect(),
        injects: false,
    };
    remarks.errors.extend(said.errors.iter().cloned());
    remarks.notes.extend(said.notes.iter().cloned());
    let mut passed_over: Vec<_> = found.passed_over.iter().map(ManifestError::brief).collect();
    let deployed = policies::deployed(args, given, manifests, &mut remarks.notes)?;
    remarks.injects = deployed.iter().any(Deployed::injects);
    let descriptions = deployed
        .iter()
        .fold(Descriptions::default(), |known, deployed| {
            known.with(deployed.settings.get(pod_templates::NAME))
        });
    let descriptions = match &given.pod_templates {
        Some(text) => descriptions.with_text(text)?,
        None => descriptions,
    };
    let mut reviewable = Vec::new();
    let mut strangers = Vec::new();
    for manifest in manifests {
        let Manifest { origin, kind, .. } = manifest;
        let namespace = manifest.namespace().unwrap_or(&args.namespace);
        match Reviewable::of(manifest, namespace, &descriptions) {
            Ok(Some(_)) if detail.leaves_accounts && is_account(manifest) => {}
            Ok(Some(object)) => reviewable.push(object),
            Ok(None) => strangers.extend(other_kinds::stranger(manifest, namespace)),
            Err(error) if found.is_named(&origin.file) => {
                remarks.errors.push(format!("{origin}: {error}"));
            }
            Err(error) => {
                passed_over.push(format!("{} (a part of a {kind}: {error})", origin.file))
            }
        }
    }
    remarks.notes.extend(note_of(&passed_over));
    if !found.kustomizations.is_empty() {
        remarks.notes.push(format!(
            "read as they are, without their kustomizations: {}; help: preview what each makes with --kustomize DIR",
            shortened(&found.kustomizations)
        ));
    }
    remarks.notes.extend(other_kinds::note_of(&strangers));
    if reviewable.is_empty() {
        return Ok(remarks);
    }
    watch.loading();
    let guest = module.get()?;
    let log = log.map(|log| watch.beside(log));
    let rbac = Rbac::among(manifests, &args.namespace);
    let others = if args.strict {
        Others::Defaults
    } else {
        Others::All
    };
    let policies = Policies::new(
        guest,
        &deployed,
        &accounts,
        rbac,
        others,
        &descriptions,
        log.map(Arc::from),
    );
    // Policies among the manifests bring their settings.
    let have_settings = deployed.iter().any(|each| each.manifest.is_some());
    let help = if have_settings && args.set.is_empty() {
        ""
    } else {
        help
    };
    policies.check_settings(module.name(), help)?;
    let namespaces = Namespaces::among(manifests);
    for policy in deployed
        .iter()
        .filter_map(|deployed| deployed.manifest.as_ref())
    {
        let named = reviewable.iter().map(|object| object.manifest.namespace());
        let named = named.map(|namespace| namespace.unwrap_or(&args.namespace));
        let assumed: BTreeSet<_> = named
            .filter(|namespace| policy.scope.assumes(namespace, &namespaces))
            .collect();
        if !assumed.is_empty() {
            let assumed: Vec<_> = assumed.into_iter().map(str::to_owned).collect();
            remarks.notes.push(format!(
                "policy {}: its namespaceSelector counts as met by namespaces that are not among the manifests: {}",
                policy.name,
                shortened(&assumed)
            ));
        }
    }
    let run = Run {
        explainers: detail.explain.then(|| policies.explainers()),
        policies,
        namespaces,
        default_namespace: &args.namespace,
        user: args.user(),
        ignored: Ignored::new(&detail.ignore_hint),
    };
    watch.reviewing(reviewable.len());
    let mut places = Places::default();
    for batch in reviewable.chunks(BATCH) {
        let preview = |object: &Reviewable<'_>| {
            let preview = run.preview(object);
            watch.step();
            preview
        };
        let mut objects = batch.iter().zip(batch::map(batch, preview));
        watch.suspend(&mut || {
            objects.try_for_each(|(object, preview)| {
                show(object.manifest, run.place(object, preview, &mut places))
            })
        })?;
    }
    remarks.notes.extend(run.ignored.unused());
    Ok(remarks)
}

/// An error, with help for those who give the values of a chart as kubectl's and helm's flag.
fn with_help(error: &ManifestError, args: &ReviewArgs) -> String {
    let help = if args.helm.is_some() && error.is_of_others() {
        "; help: name files with the chart's values by --values"
    } else {
        ""
    };
    format!("{error}{help}")
}

/// A note on files that are passed over, if there are any.
fn note_of(passed_over: &[String]) -> Option<String> {
    let files = match passed_over.len() {
        0 => return None,
        1 => "1 file".to_owned(),
        count => format!("{count} files"),
    };
    Some(format!("passed over {files}: {}", shortened(passed_over)))
}
