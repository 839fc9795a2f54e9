//! `azwi-policy test`: whether policies do to manifests what test cases expect.

mod case;
mod verdict;

use std::collections::BTreeSet;
use std::path::PathBuf;

use anyhow::{Result, bail};
use clap::Args;

use crate::commands::preview::args::{Detail, ReviewArgs};
use crate::commands::preview::names::shortened_to;
use crate::commands::preview::{self, LazyModule, Preview};
use crate::input::{fields, files};
use crate::kubewarden::host_calls::LogSink;
use case::{Case, Policies};
pub use verdict::Failure;

/// How many objects a message lists.
const LISTED: usize = 10;

const AFTER_HELP: &str = "A test case is a document in a file azwi-test.yaml. It names policies or settings, and manifests; \
paths are relative to the file. The policies are applied as azwi-policy preview does.

  policies: [policy.yaml]
  manifests: [workload.yaml]
  expect:
  - kind: Deployment
    name: quick-start
    outcome: mutated
    warnings: []

Exit status: 0 if all is as expected; 1 if something is not; 2 if arguments, cases, settings, module or manifests are wrong.

Examples:
  All cases in a directory and below:
    azwi-policy test manifests/
  One case:
    azwi-policy test manifests/shop/azwi-test.yaml";

/// The arguments of `azwi-policy test`.
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub struct TestArgs {
    /// Another policy module than that of this program's version.
    #[arg(long, value_name = "FILE")]
    pub module: Option<PathBuf>,
    /// Directories with files azwi-test.yaml in them or below, or such files, whatever they are called.
    #[arg(value_name = "PATH", required = true)]
    pub paths: Vec<PathBuf>,
}

/// How a test case ends.
#[derive(Debug, PartialEq)]
pub struct Tested {
    /// The file of the case and, if there are several in it, the document.
    pub title: String,
    /// What is not as expected, or else why the case cannot be tested.
    pub result: Result<Vec<Failure>, Vec<String>>,
    /// What is good to know.
    pub notes: Vec<String>,
}

/// Tests each case, and hands the result to `show`.
///
/// # Errors
///
/// Paths without a case, and what `show` reports.
pub fn test(
    args: &TestArgs,
    log: impl Fn() -> Option<LogSink>,
    mut show: impl FnMut(Tested) -> Result<()>,
) -> Result<()> {
    let module = preview::module(args.module.as_deref());
    for file in files_with_cases(&args.paths)? {
        let cases = case::read(&file);
        let cases = cases.unwrap_or_else(|error| vec![(file.display().to_string(), Err(error))]);
        for (title, case) in cases {
            let tested = match case {
                Ok(case) => run(&case, &module, log()),
                Err(error) => Tested {
                    title,
                    result: Err(vec![error.to_string()]),
                    notes: Vec::new(),
                },
            };
            show(tested)?;
        }
    }
    Ok(())
}

/// The files that are named, and those in directories that are.
fn files_with_cases(paths: &[PathBuf]) -> Result<Vec<PathBuf>> {
    let mut all = Vec::<PathBuf>::new();
    for path in paths {
        if !path.is_dir() {
            all.push(path.clone());
            continue;
        }
        let (found, errors) = files::test_cases(path)?;
        if let Some(error) = errors.into_iter().next() {
            return Err(error.into());
        }
        if found.is_empty() {
            let [name, _] = files::TEST_CASES;
            let path = path.display();
            bail!("{path}: expected a file {name} in the directory or below, found none");
        }
        all.extend(found);
    }
    let mut seen = BTreeSet::new();
    all.retain(|file| seen.insert(file.canonicalize().unwrap_or_else(|_| file.clone())));
    Ok(all)
}

fn run(case: &Case, module: &LazyModule<'_>, log: Option<LogSink>) -> Tested {
    let mut notes = Vec::new();
    let result =
        previews(case, module, log, &mut notes).and_then(|previews| failures(case, &previews));
    Tested {
        title: case.title.clone(),
        result,
        notes,
    }
}

/// What the policies do with the objects of a case.
fn previews(
    case: &Case,
    module: &LazyModule<'_>,
    log: Option<LogSink>,
    notes: &mut Vec<String>,
) -> Result<Vec<Preview>, Vec<String>> {
    let in_case = |error: String| format!("{}: {error}", case.title);
    let whole = |error: anyhow::Error| vec![in_case(format!("{error:#}"))];
    let args = args_of(case);
    let mut previews = Vec::new();
    let remarks = preview::preview(&args, &Detail::default(), module, log, |preview| {
        previews.push(preview);
        Ok(())
    });
    let remarks = remarks.map_err(whole)?;
    notes.extend(remarks.notes);
    if remarks.errors.is_empty() {
        Ok(previews)
    } else {
        Err(remarks.errors.into_iter().map(in_case).collect())
    }
}

/// The preview that a case asks for.
fn args_of(case: &Case) -> ReviewArgs {
    let mut args = ReviewArgs::default();
    match &case.policies {
        Policies::Manifests(paths) => args.policy.clone_from(paths),
        Policies::SettingsFile(path) => args.settings.settings_path = Some(path.clone()),
        Policies::Settings(json) => args.settings.settings_json = Some(json.clone()),
    }
    args.set.clone_from(&case.set);
    args.namespace.clone_from(&case.namespace);
    args.as_user.clone_from(&case.as_user);
    args.as_group.clone_from(&case.as_groups);
    args.strict = case.strict;
    args.paths.clone_from(&case.manifests);
    args.kustomize.clone_from(&case.kustomize);
    args.helm.clone_from(&case.helm);
    args.values.clone_from(&case.values);
    args
}

/// What is not as expected.
///
/// # Errors
///
/// Objects that are expected, and not there.
fn failures(case: &Case, previews: &[Preview]) -> Result<Vec<Failure>, Vec<String>> {
    let mut failures = Vec::new();
    let mut errors = Vec::new();
    for expectation in &case.expectations {
        let title = expectation.title();
        let meant = previews.iter().filter(|preview| preview.title() == title);
        let meant: Vec<_> = meant.collect();
        for preview in &meant {
            let are_several = meant.len() > 1;
            failures.extend(verdict::failures_of(
                case,
                expectation,
                preview,
                are_several,
            ));
        }
        if meant.is_empty() {
            let path = &expectation.path;
            let help = there_are(&title, previews);
            let error = format!("{path}: {title} is not among the objects that are reviewed{help}");
            errors.push(case.error(path, error).to_string());
        }
    }
    if case.exactly {
        let is_listed = |preview: &&Preview| {
            let title = preview.title();
            let mut expectations = case.expectations.iter();
            expectations.any(|expectation| expectation.title() == title)
        };
        let others = previews.iter().filter(|preview| !is_listed(preview));
        failures.extend(others.map(|preview| verdict::unexpected(case, preview)));
    }
    if errors.is_empty() {
        Ok(failures)
    } else {
        Err(errors)
    }
}

/// Advice for an object that is not there: the one that is meant, or those that are there.
fn there_are(title: &str, previews: &[Preview]) -> String {
    let titles: Vec<_> = previews.iter().map(Preview::title).collect();
    let meant = fields::did_you_mean(title, titles.iter().map(String::as_str));
    if !meant.is_empty() {
        return meant;
    }
    format!("; help: these are: {}", shortened_to(LISTED, &titles))
}
