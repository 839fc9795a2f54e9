//! The playground: what a page makes of texts, as `azwi-policy preview` and `azwi-policy credentials` do of files.
//!
//! Text goes in and text comes out, both JSON; the page brings the engine that runs the module. Whatever is wrong with the
//! input is part of the answer.

mod place;

use std::sync::Arc;

use anyhow::Result;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::commands::credentials::{Credentials, Wanted};
use crate::commands::preview::args::{Detail, ReviewArgs};
use crate::commands::preview::{
    self, Given, Input as Reviewed, LazyModule, Preview, PreviewOutcome, Remarks, Unwatched,
};
use crate::entra::existing::Holders;
use crate::entra::issuer;
use crate::input::found::{Found, Text};
use crate::input::manifests;
use crate::input::settings::SettingsValue;
use crate::kubewarden::guest::Guest;
use crate::output::failure::FailOn;
use crate::output::{self, Summary};
use place::place_of;

/// What messages call the text with settings or policies.
const SETTINGS: &str = "settings";

/// What messages call the text that describes other kinds.
const POD_TEMPLATES: &str = "podTemplates";

/// What messages call the module.
const MODULE: &str = "of this page";

/// What stands for the issuer of the cluster if it is not given.
pub const NO_ISSUER: &str = "https://OIDC-ISSUER.example/";

/// What is said if the policy needs settings and none are given.
const NO_SETTINGS: &str = "; help: write azureTenantID: TENANT into the settings";

/// What a page asks.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Input {
    /// The manifests.
    pub files: Vec<File>,
    /// Settings of the policy, or manifests of policies; blank if there are none, so that policies among the manifests count.
    #[serde(default)]
    pub settings: String,
    /// The namespace of objects that name none.
    pub namespace: Option<String>,
    /// Whether ServiceAccounts that are not among the manifests do not exist.
    #[serde(default)]
    pub strict: bool,
    /// Who applies the manifests.
    pub r#as: Option<String>,
    /// That user's groups.
    #[serde(default)]
    pub as_group: Vec<String>,
    /// Changes of single settings.
    #[serde(default)]
    pub set: Vec<String>,
    /// Descriptions of other kinds of objects.
    pub pod_templates: Option<String>,
    /// The issuer of the cluster's tokens.
    pub issuer: Option<String>,
}

/// A text with manifests.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct File {
    /// Its name: it is JSON if that ends in `.json`, else YAML.
    pub name: String,
    /// What is written there.
    pub text: String,
}

/// What a page gets.
#[derive(Debug, Default, Serialize)]
pub struct Output {
    /// What `azwi-policy preview -o json --explain` prints of each object.
    pub lines: Vec<Value>,
    /// The same objects, for people.
    pub objects: Vec<Object>,
    /// The line at the end of the text that `azwi-policy preview` prints; empty if there are no objects.
    pub summary: String,
    /// What `azwi-policy credentials -o json` prints, if the manifests can be reviewed and the issuer can be one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub credentials: Option<Value>,
    /// What is good to know.
    pub notes: Vec<String>,
    /// What is wrong with the input.
    pub errors: Vec<Fault>,
}

/// An object.
#[derive(Debug, Serialize)]
pub struct Object {
    /// Kind, namespace and name.
    pub title: String,
    /// The text that it is in.
    pub file: String,
    /// The line that it begins on, counted from 1.
    pub line: usize,
    /// `mutated`, `unchanged` or `rejected`.
    pub outcome: &'static str,
    /// The pods that are changed, as YAML, before the change.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub before: Option<String>,
    /// The same after the change.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after: Option<String>,
}

/// Something that is wrong with the input.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct Fault {
    /// What it is wrong with.
    pub source: Source,
    /// Which of the manifests, if it is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// The line in the text, counted from 1, if it is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<usize>,
    /// What it is, and what to do.
    pub message: String,
}

/// A part of the input.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Source {
    /// The manifests.
    Manifests,
    /// Settings, policies, and what else says how the manifests are reviewed.
    Settings,
}

/// Answers `input`, which is an [`Input`] as JSON, with an [`Output`] as JSON.
pub fn answer(module: &Arc<dyn Guest>, input: &str) -> String {
    let output = match serde_json::from_str(input) {
        Ok(input) => run(module, &input),
        Err(error) => Output {
            errors: vec![Fault::in_settings(format!(
                "expected the input of a playground: {error}"
            ))],
            ..Output::default()
        },
    };
    // There is no key in it that is no string, and no number that JSON has not.
    serde_json::to_string(&output).unwrap_or_default()
}

/// Reviews `input` by `module`.
pub fn run(module: &Arc<dyn Guest>, input: &Input) -> Output {
    let mut output = Output::default();
    if let Err(error) = review(module, input, &mut output) {
        output.errors.push(Fault::new(format!("{error:#}"), input));
    }
    output
}

/// Adds to `output` what there is to say of `input`.
///
/// # Errors
///
/// What keeps all of it from being reviewed.
fn review(module: &Arc<dyn Guest>, input: &Input, output: &mut Output) -> Result<()> {
    let mut args = input.args()?;
    let issuer = given(input.issuer.as_deref()).unwrap_or(NO_ISSUER);
    // Somebody may be typing it: the reviews do not depend on it.
    let is_issuer = match issuer::checked("issuer", issuer) {
        Ok(_) => true,
        Err(error) => {
            output.errors.push(Fault::in_settings(error.to_string()));
            false
        }
    };
    let given = input.given()?;
    let has_settings = given.policies.is_some() || given.settings.is_some() || !args.set.is_empty();
    if given.policies.is_some() {
        args.policy.push(SETTINGS.into());
    }
    let mut found = Found::default();
    for File { name, text } in &input.files {
        let contents = manifests::contents_from(name, text.as_bytes());
        found.add_named(name.clone(), contents);
    }
    let reviewed = Reviewed {
        found,
        given,
        said: Remarks::default(),
        help: if has_settings { "" } else { NO_SETTINGS },
        watch: Box::new(Unwatched),
    };
    let detail = Detail {
        explain: true,
        ..Detail::default()
    };
    let module = LazyModule::new(MODULE.to_owned(), || Ok(Arc::clone(module)));
    let mut summary = Summary::default();
    let mut wanted = Wanted::new(issuer);
    let mut remarks = preview::review(&args, &detail, &reviewed, &module, None, |_, preview| {
        summary.count(&preview, FailOn::default());
        wanted.add(&preview);
        let mut line = Vec::new();
        output::json::write(&mut line, &preview)?;
        output.lines.push(serde_json::from_slice(&line)?);
        output.objects.push(Object::new(&preview)?);
        Ok(())
    })?;
    if summary.has_any() {
        output.summary = summary.line();
    } else if output.errors.is_empty() {
        let names: Vec<_> = input.files.iter().map(|file| file.name.as_str()).collect();
        remarks.found_nothing(&names.join(", "));
    }
    output.notes = remarks.notes.clone();
    let errors = remarks.errors.iter();
    output
        .errors
        .extend(errors.map(|error| Fault::new(error.clone(), input)));
    if !is_issuer {
        return Ok(());
    }
    let credentials = Credentials::new(wanted, Holders::default(), remarks);
    let mut document = Vec::new();
    output::credentials::machine::write(&mut document, &credentials)?;
    output.credentials = Some(serde_json::from_slice(&document)?);
    Ok(())
}

/// A field of a form, if something is written there.
fn given(field: Option<&str>) -> Option<&str> {
    field.map(str::trim).filter(|field| !field.is_empty())
}

impl Input {
    /// The arguments that say the same.
    fn args(&self) -> Result<ReviewArgs> {
        let mut args = ReviewArgs::default();
        if let Some(namespace) = given(self.namespace.as_deref()) {
            args.namespace = namespace.to_owned();
        }
        args.as_user = given(self.r#as.as_deref()).map(str::to_owned);
        args.as_group.clone_from(&self.as_group);
        if args.as_user.is_none() && !args.as_group.is_empty() {
            anyhow::bail!("asGroup: expected a user as well; help: name the user");
        }
        args.set.clone_from(&self.set);
        args.strict = self.strict;
        Ok(args)
    }

    /// What the manifests are reviewed with.
    fn given(&self) -> Result<Given> {
        let mut given = Given::default();
        if !self.settings.trim().is_empty() {
            let documents = manifests::documents_of(SETTINGS, &self.settings.as_str().into())?;
            // No setting is called so.
            if documents.iter().any(|one| one.value.get("kind").is_some()) {
                let contents = manifests::contents_from(SETTINGS, self.settings.as_bytes());
                let mut found = Found::default();
                found.add_named(SETTINGS.to_owned(), contents);
                given.policies = Some(found);
            } else {
                given.settings = Some(SettingsValue::from_text(SETTINGS, &self.settings)?);
            }
        }
        given.pod_templates = self
            .pod_templates
            .as_deref()
            .filter(|text| !text.trim().is_empty())
            .map(|text| Text {
                name: POD_TEMPLATES.to_owned(),
                path: None,
                text: text.into(),
            });
        Ok(given)
    }
}

impl Object {
    fn new(preview: &Preview) -> Result<Self> {
        let changed: Vec<_> = preview
            .reviews
            .iter()
            .filter(|reviewed| reviewed.is_whole)
            .filter_map(|reviewed| Some((reviewed, reviewed.mutated()?)))
            .collect();
        let are_several = changed.len() > 1;
        let yaml = |title: &str, object: &Value| -> Result<String> {
            let yaml = output::yaml(object)?;
            Ok(if are_several {
                format!("---\n# {title}\n{yaml}")
            } else {
                yaml
            })
        };
        let before = changed
            .iter()
            .map(|(reviewed, _)| yaml(&reviewed.title, &reviewed.object));
        let after = changed
            .iter()
            .map(|(reviewed, mutated)| yaml(&reviewed.title, mutated));
        let before: String = before.collect::<Result<_>>()?;
        let after: String = after.collect::<Result<_>>()?;
        Ok(Self {
            title: preview.title(),
            file: preview.origin.file.clone(),
            line: preview.line,
            outcome: match preview.outcome() {
                PreviewOutcome::Mutated => "mutated",
                PreviewOutcome::Unchanged => "unchanged",
                PreviewOutcome::Rejected { .. } => "rejected",
            },
            before: (!changed.is_empty()).then_some(before),
            after: (!changed.is_empty()).then_some(after),
        })
    }
}

impl Fault {
    /// What `message` says, with its place in the input.
    fn new(message: String, input: &Input) -> Self {
        for File { name, text } in &input.files {
            if let Some(line) = place_of(&message, name, text) {
                return Self {
                    source: Source::Manifests,
                    file: Some(name.clone()),
                    line,
                    message,
                };
            }
        }
        Self {
            line: place_of(&message, SETTINGS, &input.settings).flatten(),
            ..Self::in_settings(message)
        }
    }

    fn in_settings(message: String) -> Self {
        Self {
            source: Source::Settings,
            file: None,
            line: None,
            message,
        }
    }
}
