//! `azwi-policy preview`: what the policy does to the objects in plain Kubernetes manifests.

mod accounts;
mod api_server;
pub mod args;
mod decision;
mod explain;
mod hints;
mod identities;
pub mod names;
mod other_kinds;
mod outcome;
mod places;
mod policies;
mod progress;
mod review;

use std::cell::OnceCell;
use std::collections::BTreeSet;
use std::io::{self, IsTerminal};
use std::path::Path;
use std::sync::Arc;

use anyhow::{Result, anyhow};
use azure_workload_identity_policy::keys;
use azure_workload_identity_policy::settings::pod_templates;
use rayon::prelude::*;

use crate::input::files::{self, Found};
use crate::input::manifests::{Manifest, ManifestError};
use crate::input::pod_templates::Descriptions;
use crate::kubewarden::engine::{Engine, EngineError, Module};
use crate::kubewarden::host_calls::LogSink;
use crate::kubewarden::own_module;
use crate::kubewarden::rbac::Rbac;
use crate::kubewarden::scope::Namespaces;
use crate::kubewarden::service_accounts::Others;
use accounts::Accounts;
use args::{Detail, ReviewArgs};
pub use explain::Step;
use hints::Ignored;
pub use hints::POD_IDENTITY_LABEL;
pub use identities::{ContainerIdentity, PodIdentity, ResolvedIdentity, Variable, source_in_words};
use names::shortened;
pub use outcome::{Answer, Kind, Preview, PreviewOutcome, Problem, Reviewed};
pub use places::Place;
use places::Places;
use policies::{Deployed, Policies};
use progress::Progress;
use review::{Reviewable, Run};

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
    /// Adds an error if there is none yet, because there is nothing to review.
    fn found_nothing(&mut self, args: &ReviewArgs) {
        if self.errors.is_empty() {
            let named = args.named(is_piped());
            let error =
                format!("{named}: expected a pod, a workload or a ServiceAccount, found none");
            self.errors.push(error);
        }
    }
}

/// How many objects are reviewed before the first of them is shown.
const BATCH: usize = 256;

/// What the arguments name, as it was read.
pub struct Input {
    /// The manifests, and the texts that they are in.
    pub found: Found,
    /// What is said of those that other programs make.
    said: Remarks,
    progress: Progress,
}

/// Previews the objects in the manifests, and hands each to `show` in their order. The module of `args` is loaded when it is
/// needed, unless an earlier preview has left it in `loaded`.
///
/// # Errors
///
/// Policies that cannot be read, a module that does not run, settings that the policy rejects, and what `show` reports.
pub fn preview(
    args: &ReviewArgs,
    detail: &Detail,
    loaded: &OnceCell<Module>,
    log: Option<LogSink>,
    mut show: impl FnMut(Preview) -> Result<()>,
) -> Result<Remarks> {
    let input = read(args)?;
    let mut has_any = false;
    let mut remarks = review(args, detail, &input, loaded, log, |_, preview| {
        has_any = true;
        show(preview)
    })?;
    if !has_any {
        remarks.found_nothing(args);
    }
    Ok(remarks)
}

/// Previews the pods and workloads among the manifests, as [`preview`] does, and leaves ServiceAccounts alone: they are only
/// looked up. Gives back what was read as well.
///
/// # Errors
///
/// Those of [`preview`].
pub fn pods(
    args: &ReviewArgs,
    log: Option<LogSink>,
    mut show: impl FnMut(&Preview),
) -> Result<(Input, Remarks)> {
    let input = read(args)?;
    let mut has_any = false;
    let detail = Detail::of_pods();
    let mut remarks = review(
        args,
        &detail,
        &input,
        &OnceCell::new(),
        log,
        |_, preview| {
            has_any = true;
            show(&preview);
            Ok(())
        },
    )?;
    let mut manifests = input.found.manifests.iter();
    if !has_any && !manifests.any(is_account) {
        remarks.found_nothing(args);
    }
    Ok((input, remarks))
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

/// Whether something is piped into standard input.
pub fn is_piped() -> bool {
    !io::stdin().is_terminal()
}

/// Reads what the arguments name.
///
/// # Errors
///
/// Nothing to read, and patterns that are none.
pub fn read(args: &ReviewArgs) -> Result<Input> {
    let progress = Progress::new();
    let mut found = files::find(&args.paths(is_piped())?, &args.ignore)?;
    let mut said = Remarks::default();
    for rendered in args.rendered() {
        match rendered {
            Ok(rendered) => {
                found.add_named(rendered.name, rendered.contents);
                said.notes.extend(rendered.said);
            }
            Err(error) => said.errors.push(error.to_string()),
        }
    }
    Ok(Input {
        found,
        said,
        progress,
    })
}

/// Previews the objects in what was read, as [`preview`] does, and hands each to `show` with its manifest.
///
/// # Errors
///
/// Those of [`preview`], but for what cannot be read.
pub fn review(
    args: &ReviewArgs,
    detail: &Detail,
    input: &Input,
    loaded: &OnceCell<Module>,
    log: Option<LogSink>,
    mut show: impl FnMut(&Manifest, Preview) -> Result<()>,
) -> Result<Remarks> {
    let Input {
        found,
        said,
        progress,
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
    let deployed = policies::deployed(args, manifests, &mut remarks.notes)?;
    remarks.injects = deployed.iter().any(Deployed::injects);
    let descriptions = deployed
        .iter()
        .fold(Descriptions::default(), |known, deployed| {
            known.with(deployed.settings.get(pod_templates::NAME))
        });
    let descriptions = match &args.pod_templates {
        Some(path) => descriptions.with_file(path)?,
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
    progress.compiling();
    let path = args.module.as_deref();
    let module = match loaded.get() {
        Some(module) => module,
        None => {
            let module = load(path)?;
            loaded.get_or_init(|| module)
        }
    };
    let log = log.map(|log| progress.beside(log));
    let rbac = Rbac::among(manifests, &args.namespace);
    let others = if args.strict {
        Others::Defaults
    } else {
        Others::All
    };
    let policies = Policies::new(
        module,
        &deployed,
        &accounts,
        rbac,
        others,
        &descriptions,
        log.map(Arc::from),
    );
    let help = if !args.has_settings() {
        NO_SETTINGS
    } else if args.helm.is_some() && !args.set.is_empty() {
        "; help: --set changes settings of the policy; for values of the chart, use --values, or pipe helm template --set"
    } else {
        ""
    };
    policies.check_settings(&own_module::name(path), help)?;
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
    progress.reviewing(reviewable.len());
    let mut places = Places::default();
    for batch in reviewable.chunks(BATCH) {
        let preview = |object| {
            let preview = run.preview(object);
            progress.step();
            preview
        };
        let previews: Vec<_> = batch.par_iter().map(preview).collect();
        progress.suspend(|| {
            let mut objects = batch.iter().zip(previews);
            objects.try_for_each(|(object, preview)| {
                show(object.manifest, run.place(object, preview, &mut places))
            })
        })?;
    }
    remarks.notes.extend(run.ignored.unused());
    Ok(remarks)
}

/// The module in the file `path`, or this project's.
fn load(path: Option<&Path>) -> Result<Module> {
    own_module::module(&Engine::with_cache()?, path).map_err(|error| match error {
        EngineError::Read { .. } => {
            anyhow!("{error}; help: build it with make annotated-policy.wasm, or name another with --module FILE")
        }
        other => other.into(),
    })
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

/// What is said if the policy needs settings and none are given.
const NO_SETTINGS: &str =
    "; help: give settings with --policy FILE, --settings-path FILE or --set azureTenantID=TENANT";

/// A note on files that are passed over, if there are any.
fn note_of(passed_over: &[String]) -> Option<String> {
    let files = match passed_over.len() {
        0 => return None,
        1 => "1 file".to_owned(),
        count => format!("{count} files"),
    };
    Some(format!("passed over {files}: {}", shortened(passed_over)))
}
