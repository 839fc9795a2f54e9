//! The reading of what the arguments of a preview name: files, directories, standard input, and what other programs make.

use std::io::{self, IsTerminal};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Result, anyhow, bail};

use super::args::{Detail, ReviewArgs};
use super::lazy_module::LazyModule;
use super::policies::Given;
use super::progress::Progress;
use super::{Input, Preview, Remarks, is_account, review};
use crate::input::files::{self, STANDARD_INPUT, STANDARD_INPUT_NAME};
use crate::input::found::Found;
use crate::input::pod_templates::Descriptions;
use crate::input::rendered::{self, RenderError, Rendered};
use crate::kubewarden::engine::{Engine, EngineError};
use crate::kubewarden::guest::Guest;
use crate::kubewarden::host_calls::LogSink;
use crate::kubewarden::own_module;

/// What is said if the policy needs settings and none are given.
const NO_SETTINGS: &str =
    "; help: give settings with --policy FILE, --settings-path FILE or --set azureTenantID=TENANT";

/// What is said if the policy does not accept a value that may be one of the chart.
const SET_OF_CHART: &str = "; help: --set changes settings of the policy; for values of the chart, use --values, or pipe helm template --set";

/// Previews the objects in the manifests, and hands each to `show` in their order. The `module` is loaded if
/// there is something to review.
///
/// # Errors
///
/// Policies that cannot be read, a module that does not run, settings that the policy rejects, and what `show` reports.
pub fn preview(
    args: &ReviewArgs,
    detail: &Detail,
    module: &LazyModule<'_>,
    log: Option<LogSink>,
    mut show: impl FnMut(Preview) -> Result<()>,
) -> Result<Remarks> {
    let input = read(args)?;
    let mut has_any = false;
    let mut remarks = review(args, detail, &input, module, log, |_, preview| {
        has_any = true;
        show(preview)
    })?;
    if !has_any {
        remarks.found_nothing(&args.named(is_piped()));
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
        &module(args.module.as_deref()),
        log,
        |_, preview| {
            has_any = true;
            show(&preview);
            Ok(())
        },
    )?;
    let mut manifests = input.found.manifests.iter();
    if !has_any && !manifests.any(is_account) {
        remarks.found_nothing(&args.named(is_piped()));
    }
    Ok((input, remarks))
}

/// Whether something is piped into standard input.
pub fn is_piped() -> bool {
    !io::stdin().is_terminal()
}

/// Reads what the arguments name.
///
/// # Errors
///
/// Nothing to read, patterns that are none, and files with settings or descriptions of kinds that cannot be read.
pub fn read(args: &ReviewArgs) -> Result<Input> {
    let watch = Box::new(Progress::new());
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
    let given = given(args)?;
    let has_settings = given.policies.is_some() || given.settings.is_some() || !args.set.is_empty();
    let help = if !has_settings {
        NO_SETTINGS
    } else if args.helm.is_some() && !args.set.is_empty() {
        SET_OF_CHART
    } else {
        ""
    };
    Ok(Input {
        found,
        given,
        said,
        help,
        watch,
    })
}

/// What the arguments give beside the manifests.
fn given(args: &ReviewArgs) -> Result<Given> {
    let policies = if !args.made_policies.is_empty() {
        Some(Found::of(args.made_policies.clone()))
    } else if !args.policy.is_empty() {
        Some(files::find(&args.policy, &[])?)
    } else {
        None
    };
    let pod_templates = args.pod_templates.as_deref();
    Ok(Given {
        policies,
        settings: args.settings.read()?,
        pod_templates: pod_templates.map(Descriptions::text_of).transpose()?,
    })
}

/// The module in the file `path`, or this project's.
pub fn module(path: Option<&Path>) -> LazyModule<'_> {
    LazyModule::new(own_module::name(path), move || {
        let module = own_module::module(&Engine::with_cache()?, path);
        let module = module.map_err(|error| match error {
            EngineError::Read { .. } => {
                anyhow!("{error}; help: build it with make annotated-policy.wasm, or name another with --module FILE")
            }
            other => other.into(),
        })?;
        let module: Arc<dyn Guest> = Arc::new(module);
        Ok(module)
    })
}

impl ReviewArgs {
    /// The files and directories that are named, or standard input if nothing is and `is_piped`.
    ///
    /// # Errors
    ///
    /// Nothing to read.
    pub fn paths(&self, is_piped: bool) -> Result<Vec<PathBuf>> {
        let named: Vec<_> = self.filename.iter().chain(&self.paths).cloned().collect();
        let is_rendered = self.kustomize.is_some() || self.helm.is_some();
        match (named.as_slice(), is_piped) {
            ([], _) if is_rendered => Ok(named),
            ([], true) => self.manifests_in(vec![STANDARD_INPUT.into()]),
            ([], false) => {
                bail!("expected files or directories with manifests, or - for standard input")
            }
            _ => self.manifests_in(named),
        }
    }

    /// What is read, by name.
    pub fn named(&self, is_piped: bool) -> String {
        let paths = self.paths(is_piped).unwrap_or_default();
        let paths = paths.iter().map(|path| match path.as_os_str() {
            path if path == STANDARD_INPUT => STANDARD_INPUT_NAME.to_owned(),
            _ => path.display().to_string(),
        });
        let kustomize = self.kustomize.iter();
        let kustomize = kustomize.map(|directory| format!("kustomize {}", directory.display()));
        let helm = self.helm.iter().map(|chart| format!("helm {chart}"));
        paths
            .chain(kustomize)
            .chain(helm)
            .collect::<Vec<_>>()
            .join(", ")
    }

    /// The paths, if nothing else is to come from standard input.
    fn manifests_in(&self, paths: Vec<PathBuf>) -> Result<Vec<PathBuf>> {
        let is_input = |path: &PathBuf| path.as_os_str() == STANDARD_INPUT;
        if paths.iter().any(is_input) && self.policy.iter().any(is_input) {
            bail!(
                "expected policies or manifests from standard input, not both; help: leave --policy out to use the policies among \
                 the manifests"
            );
        }
        Ok(paths)
    }

    /// The manifests that other programs make of what is named.
    pub fn rendered(&self) -> impl Iterator<Item = Result<Rendered, RenderError>> {
        let kustomize = self.kustomize.iter();
        let kustomize = kustomize.map(|directory| rendered::kustomize(directory));
        let helm = self.helm.iter();
        let helm = helm.map(|chart| rendered::helm(chart, &self.values, &self.namespace));
        kustomize.chain(helm)
    }
}
