//! `azwi-policy inject`: the manifests with the identity in their pod templates.

mod change;
mod nodes;
mod writing;
mod edits;
mod texts;
mod pods;
mod stream;
mod files;

use std::collections::BTreeSet;

use anyhow::{Result, bail};
use clap::Args;
use similar::TextDiff;

use crate::commands::preview::args::{Detail, ReviewArgs};
use crate::commands::preview::{self, Kind, Preview, PreviewOutcome, Problem, Remarks};
use crate::input::found::Text;
use crate::input::manifests::ManifestError;
use crate::kubewarden::host_calls::LogSink;
use texts::Wanted;

const AFTER_HELP: &str = "For pods that no policy in the cluster is asked about: in namespaces that webhooks do not reach, or in clusters \
without Kubewarden. What a pod would get at its creation is written into the template that it is made from. Comments and \
the order of everything stay, and what lacks nothing stays as it is.

The values are those of now. After a change of a ServiceAccount or of the settings, inject into the manifests as they were \
again; with the setting mark, also into those that have the identity. The ServiceAccount must exist in the cluster: the \
token is issued for it.

Exit status: 0; 1 if an object is rejected or cannot be changed, which stays as it is then, or if an object lacks \
something and --check is given; 2 if arguments, settings, module or manifests are wrong, and then nothing is written.

Examples:
  To the cluster:
    azwi-policy inject -s settings.yaml manifests/ | kubectl apply -f -
  A chart, and a kustomization:
    azwi-policy inject -s settings.yaml --helm charts/shop --values production.yaml > shop.yaml
    azwi-policy inject -s settings.yaml -k overlays/production | kubectl apply -f -
  The files themselves, as for GitOps, after a look at what would change:
    azwi-policy inject -s settings.yaml --diff manifests/
    azwi-policy inject -s settings.yaml --in-place manifests/
  A check in CI that nothing was forgotten:
    azwi-policy inject -s settings.yaml --check manifests/";

/// The arguments of `azwi-policy inject`.
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub struct InjectArgs {
    /// Rewrite the files, those that change, and print nothing.
    #[arg(short, long, conflicts_with_all = ["kustomize", "helm"])]
    pub in_place: bool,
    /// Write no manifests, and exit with status 1 if an object lacks something.
    #[arg(long, conflicts_with = "in_place")]
    pub check: bool,
    /// Write no manifests, and print what would change, as a unified diff.
    #[arg(long, conflicts_with = "in_place")]
    pub diff: bool,
    /// What is injected into, and by which policies.
    #[command(flatten)]
    pub review: ReviewArgs,
}

/// What was read, and what it is with the identity in it.
#[derive(Debug)]
pub struct Injected {
    /// The texts, in the order in which they were read.
    texts: Vec<Rewritten>,
    /// The objects that have what they lacked, as messages name them.
    pub objects: Vec<String>,
    /// Why others do not have it: the policy rejects them, or it cannot be written.
    pub refused: Vec<String>,
    /// What else people should know of the objects.
    pub said: Vec<(Kind, String)>,
    /// What there is to say of all.
    pub remarks: Remarks,
}

/// A text before and after.
#[derive(Debug)]
struct Rewritten {
    before: Text,
    after: String,
    /// Whether all of it could be read.
    is_well_formed: bool,
}

/// Reads what the arguments name, and injects into the objects there. Nothing is written.
///
/// # Errors
///
/// Nothing to read, policies that cannot be read, a module that does not run, and settings that the policy rejects.
pub fn inject(args: &InjectArgs, log: Option<LogSink>) -> Result<Injected> {
    let mut input = preview::read(&args.review)?;
    if args.in_place
        && let Some(other) = input.found.texts.iter().find(|text| text.path.is_none())
    {
        bail!(
            "--in-place: expected files, found {}; help: leave --in-place out to print the manifests",
            other.name
        );
    }
    // Whatever else is there stays as it is.
    let errors = &mut input.found.errors;
    errors.retain(|error| !matches!(error, ManifestError::NoObject { .. }));
    let mut wanted = Vec::new();
    let mut refused = Vec::new();
    let mut said = Vec::new();
    let module = preview::module(args.review.module.as_deref());
    let mut remarks = preview::review(
        &args.review,
        &Detail::default(),
        &input,
        &module,
        log,
        |manifest, preview| {
            let problems = preview.problems.iter();
            for (kind, text) in problems.map(|problem| in_words(&preview, problem)) {
                match kind {
                    Kind::Rejection => refused.push(text),
                    kind => said.push((kind, text)),
                }
            }
            if matches!(preview.outcome(), PreviewOutcome::Rejected { .. }) {
                return Ok(());
            }
            match pods::changes(&preview) {
                Ok(changes) if changes.is_empty() => {}
                Ok(changes) => wanted.push(Wanted {
                    title: preview.title(),
                    origin: manifest.origin.clone(),
                    path: manifest.path.clone(),
                    changes,
                }),
                Err(why) => {
                    let (title, origin) = (preview.title(), &manifest.origin);
                    refused.push(format!("{title} ({origin}): not injected: {why}"));
                }
            }
            Ok(())
        },
    )?;
    if !remarks.injects {
        remarks.notes.push(NO_INJECTION.to_owned());
    }
    let found = &input.found;
    let broken: BTreeSet<_> = found.passed_over.iter().filter_map(broken_file).collect();
    let mut injected = Injected {
        texts: Vec::new(),
        objects: Vec::new(),
        refused,
        said,
        remarks,
    };
    let are_blank = found.texts.iter().all(|text| text.text.trim().is_empty());
    if are_blank && injected.remarks.errors.is_empty() {
        let named = args.review.named(preview::is_piped());
        let error = format!("{named}: expected manifests, found none");
        injected.remarks.errors.push(error);
    }
    for text in &found.texts {
        let own: Vec<_> = wanted
            .iter()
            .filter(|wanted| wanted.origin.file == text.name)
            .collect();
        let rewritten = texts::rewrite(text, &own);
        injected.objects.extend(rewritten.injected);
        injected.refused.extend(rewritten.refused);
        injected.texts.push(Rewritten {
            before: text.clone(),
            after: rewritten.text,
            is_well_formed: !broken.contains(&*text.name),
        });
    }
    Ok(injected)
}

/// What is said if no policy is there to inject.
const NO_INJECTION: &str = "nothing is injected: no policy has mode Inject and may change pods; help: use --set mode=Inject, or \
settings in place of policies";

/// The file that cannot be read to its end.
fn broken_file(error: &ManifestError) -> Option<&str> {
    match error {
        ManifestError::Syntax { origin, .. } => Some(&origin.file),
        _ => None,
    }
}

/// A problem in words, with its object and place.
fn in_words(preview: &Preview, problem: &Problem) -> (Kind, String) {
    let title = preview.title();
    let title = match &problem.text {
        text if text.starts_with(&title) => String::new(),
        _ => format!("{title}: "),
    };
    let place = &problem.place;
    let text = format!(
        "{}, line {}: {title}{}",
        place.file, place.line, problem.text
    );
    (problem.kind, text)
}

impl Injected {
    /// All that was read, as one text.
    ///
    /// # Errors
    ///
    /// Files that cannot be put one behind the other.
    pub fn stream(&self) -> Result<String> {
        let texts = self.texts.iter().filter(|text| text.is_well_formed);
        let texts = texts.map(|text| (text.before.name.as_str(), text.after.as_str()));
        stream::joined(&texts.collect::<Vec<_>>())
    }

    /// The texts that change.
    fn changed(&self) -> impl Iterator<Item = &Rewritten> {
        let texts = self.texts.iter();
        texts.filter(|text| *text.after != *text.before.text)
    }

    /// What changes, as unified diffs of the files.
    pub fn diff(&self) -> String {
        let diffs = self.changed().map(|text| {
            let name = &text.before.name;
            let diff = TextDiff::from_lines(&*text.before.text, &text.after);
            diff.unified_diff().header(name, name).to_string()
        });
        diffs.collect()
    }

    /// Rewrites the files that change.
    ///
    /// # Errors
    ///
    /// The first file that cannot be written; those after it stay as they are.
    pub fn write(&self) -> Result<()> {
        self.changed().try_for_each(|text| match &text.before.path {
            Some(path) => files::replace(path, &text.before.text, &text.after),
            None => Ok(()),
        })
    }
}
