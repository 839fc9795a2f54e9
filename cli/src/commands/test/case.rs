//! Test cases as they are written.

use std::fmt::Display;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Result, anyhow, bail};
use serde::Deserialize;
use serde_json::Value;

use crate::commands::preview::names::title;
use crate::input::fields;
use crate::input::lines::ValuePath;
use crate::input::manifests::{self, Document, Written, name_of_type};
use crate::kubewarden::service_accounts::DEFAULT_NAMESPACE;

/// A test case: policies and manifests, and what is expected of them.
#[derive(Debug)]
pub struct Case {
    /// The file and, if there are several documents in it, which of them.
    pub title: String,
    /// The manifests of the policies, or else the settings of one.
    pub policies: Policies,
    /// Changes of single settings, as the values of `--set`.
    pub set: Vec<String>,
    /// What is reviewed, and what it needs.
    pub manifests: Vec<PathBuf>,
    /// A kustomization that makes more of it.
    pub kustomize: Option<PathBuf>,
    /// A chart that makes more of it.
    pub helm: Option<String>,
    /// Files with values of the chart.
    pub values: Vec<PathBuf>,
    /// The namespace of objects that name none.
    pub namespace: String,
    /// Who applies the manifests.
    pub as_user: Option<String>,
    /// That user's groups.
    pub as_groups: Vec<String>,
    /// Whether ServiceAccounts that are not among the manifests do not exist.
    pub strict: bool,
    /// Whether every object that is reviewed must be among the expectations.
    pub exactly: bool,
    /// What is expected.
    pub expectations: Vec<Expectation>,
    file: String,
    document: Document,
}

/// Where a case has its policies from.
#[derive(Debug)]
pub enum Policies {
    /// Manifests of policies.
    Manifests(Vec<PathBuf>),
    /// A file with settings.
    SettingsFile(PathBuf),
    /// The settings themselves, as JSON.
    Settings(String),
}

/// What is expected of one object.
#[derive(Debug)]
pub struct Expectation {
    /// The object's kind.
    pub kind: String,
    /// Its name; if the API server generates it, how it starts and a `*`.
    pub name: String,
    /// Its namespace.
    pub namespace: String,
    /// What happens to it.
    pub outcome: Outcome,
    /// Parts of the reasons of the rejection.
    pub messages: Option<Vec<String>>,
    /// Parts of the warnings.
    pub warnings: Option<Vec<String>>,
    /// Parts of the hints.
    pub hints: Option<Vec<String>>,
    /// The patch.
    pub patch: Option<Value>,
    /// A part of the pod as it is created.
    pub pod: Option<Value>,
    /// The way to it in the case.
    pub path: ValuePath,
}

/// What happens to an object, as a case says it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// It or its pod is changed.
    Mutated,
    /// It is accepted as it is.
    Unchanged,
    /// It or its pod is rejected.
    Rejected,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Wire {
    policies: Option<Vec<String>>,
    settings: Option<Value>,
    #[serde(default)]
    set: Vec<String>,
    #[serde(default)]
    manifests: Vec<String>,
    kustomize: Option<String>,
    helm: Option<String>,
    #[serde(default)]
    values: Vec<String>,
    namespace: Option<String>,
    r#as: Option<String>,
    #[serde(default)]
    as_groups: Vec<String>,
    #[serde(default)]
    strict: bool,
    #[serde(default)]
    exactly: bool,
    expect: Vec<WireExpectation>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WireExpectation {
    kind: String,
    name: String,
    namespace: Option<String>,
    outcome: Outcome,
    messages: Option<Vec<String>>,
    warnings: Option<Vec<String>>,
    hints: Option<Vec<String>>,
    patch: Option<Value>,
    pod: Option<Value>,
}

/// Reads the cases in the file `path`, one in each document, with their titles.
///
/// # Errors
///
/// A file that is not YAML or empty; of each document, what is wrong with it.
pub fn read(path: &Path) -> Result<Vec<(String, Result<Case>)>> {
    let documents = manifests::documents_in(path)?;
    if documents.is_empty() {
        bail!("{}: expected a test case, found nothing", path.display());
    }
    let are_several = documents.len() > 1;
    let directory = path.parent().unwrap_or(Path::new(""));
    let cases = documents.into_iter();
    let cases = cases.map(|written| {
        let Written {
            origin,
            document,
            value,
        } = written;
        let title = if are_several {
            origin.to_string()
        } else {
            origin.file.clone()
        };
        let source = Source {
            file: origin.file,
            directory,
            document,
        };
        let case = Case::from_value(title.clone(), source, &value);
        (title, case)
    });
    Ok(cases.collect())
}

/// Where a case is written.
struct Source<'d> {
    file: String,
    directory: &'d Path,
    document: Document,
}

impl Source<'_> {
    fn error(&self, path: &ValuePath, error: impl Display) -> anyhow::Error {
        error_at(&self.file, &self.document, path, error)
    }

    /// What a case calls `path`: it is relative to the case's file.
    fn path(&self, path: &str) -> PathBuf {
        // Without the "." in the middle that a directory's own name leaves.
        self.directory.join(path).components().collect()
    }

    /// What is written at `path`: in the case itself, if it is a `wanted`, or in the file that is named there.
    fn inline_or_file(
        &self,
        path: &ValuePath,
        value: Value,
        wanted: &'static str,
    ) -> Result<Value> {
        let expect = |value: Value, place: &dyn Fn(String) -> anyhow::Error| {
            let found = name_of_type(&value);
            if found == wanted {
                Ok(value)
            } else {
                Err(place(format!("expected {wanted}, found {found}")))
            }
        };
        let Value::String(file) = value else {
            return expect(value, &|error| {
                self.error(
                    path,
                    format!("{path}: {error}; help: give it, or the name of a file with it"),
                )
            });
        };
        let file = self.path(&file);
        let text = fs::read_to_string(&file).map_err(|error| {
            let file = file.display();
            self.error(path, format!("{path}: cannot read {file}: {error}"))
        })?;
        let value = yaml_serde::from_str(&text).map_err(|error| {
            let file = file.display();
            self.error(path, format!("{path}: {file}: {error}"))
        })?;
        expect(value, &|error| {
            let file = file.display();
            self.error(path, format!("{path}: {file}: {error}"))
        })
    }
}

fn error_at(
    file: &str,
    document: &Document,
    path: &ValuePath,
    error: impl Display,
) -> anyhow::Error {
    anyhow!("{file}, line {}: {error}", document.line_of(path))
}

impl Case {
    fn from_value(title: String, source: Source<'_>, value: &Value) -> Result<Self> {
        if !value.is_object() {
            let found = name_of_type(value);
            let error = format!("expected a test case with the field expect, found {found}");
            return Err(source.error(&ValuePath::default(), error));
        }
        if let (Some(kind), true) = (value.get("kind"), value.get("apiVersion").is_some()) {
            let error = format!(
                "expected a test case with the field expect, found a Kubernetes object: {kind}"
            );
            return Err(source.error(&ValuePath::default(), error));
        }
        let wire: Wire = serde_path_to_error::deserialize(value).map_err(|error| {
            let (path, error) = fields::fault(&error);
            source.error(&path, error)
        })?;
        let at = |field: &str| ValuePath::default().key(field);
        let paths = |paths: &[String]| paths.iter().map(|path| source.path(path)).collect();
        let policies = match (wire.policies, wire.settings) {
            (Some(_), Some(_)) => {
                let error = "settings: expected policies or settings, found both; \
                             help: the settings are those in the manifests of the policies";
                return Err(source.error(&at("settings"), error));
            }
            (Some(files), None) if files.is_empty() => {
                let error = "policies: expected files or directories with policies, found none";
                return Err(source.error(&at("policies"), error));
            }
            (Some(files), None) => Policies::Manifests(paths(&files)),
            (None, Some(Value::String(file))) => Policies::SettingsFile(source.path(&file)),
            (None, Some(settings)) => {
                let settings = source.inline_or_file(&at("settings"), settings, "an object")?;
                Policies::Settings(settings.to_string())
            }
            (None, None) => {
                let error = "policies: required, but not set; help: name files with policies, or give settings";
                return Err(source.error(&at("policies"), error));
            }
        };
        if wire.manifests.iter().any(|path| path == "-") {
            let error = "manifests: expected files and directories, found standard input";
            return Err(source.error(&at("manifests"), error));
        }
        let is_rendered = wire.kustomize.is_some() || wire.helm.is_some();
        if wire.manifests.is_empty() && !is_rendered {
            let error = "manifests: expected files or directories with manifests, found none; help: or give kustomize or helm";
            return Err(source.error(&at("manifests"), error));
        }
        if !wire.as_groups.is_empty() && wire.r#as.is_none() {
            let error = "asGroups: expected a user as well; help: name the user in the field as";
            return Err(source.error(&at("asGroups"), error));
        }
        if wire.expect.is_empty() {
            let error = "expect: expected what happens to an object, found nothing";
            return Err(source.error(&at("expect"), error));
        }
        let namespace = wire
            .namespace
            .unwrap_or_else(|| DEFAULT_NAMESPACE.to_owned());
        let mut expectations = Vec::<Expectation>::new();
        for (index, wire) in wire.expect.into_iter().enumerate() {
            let path = at("expect").item(index);
            let expectation = Expectation::from_wire(&source, path, &namespace, wire)?;
            let title = expectation.title();
            if expectations.iter().any(|other| other.title() == title) {
                let path = &expectation.path;
                return Err(source.error(path, format!("{path}: {title} is there already")));
            }
            expectations.push(expectation);
        }
        Ok(Self {
            title,
            policies,
            set: wire.set,
            manifests: paths(&wire.manifests),
            kustomize: wire.kustomize.map(|directory| source.path(&directory)),
            // A chart is a directory, unless it is of a repository.
            helm: wire.helm.map(|chart| {
                let path = source.path(&chart);
                if path.exists() {
                    path.display().to_string()
                } else {
                    chart
                }
            }),
            values: paths(&wire.values),
            namespace,
            as_user: wire.r#as,
            as_groups: wire.as_groups,
            strict: wire.strict,
            exactly: wire.exactly,
            expectations,
            file: source.file,
            document: source.document,
        })
    }

    /// The line that `path` leads to.
    pub fn line(&self, path: &ValuePath) -> usize {
        self.document.line_of(path)
    }

    /// An error at the end of `path`.
    pub fn error(&self, path: &ValuePath, error: impl Display) -> anyhow::Error {
        error_at(&self.file, &self.document, path, error)
    }
}

impl Expectation {
    fn from_wire(
        source: &Source<'_>,
        path: ValuePath,
        namespace: &str,
        wire: WireExpectation,
    ) -> Result<Self> {
        let at = |field: &str| path.clone().key(field);
        let is_rejected = wire.outcome == Outcome::Rejected;
        for (field, is_there, fits, why) in [
            (
                "messages",
                wire.messages.is_some(),
                is_rejected,
                "only what is rejected has messages",
            ),
            (
                "patch",
                wire.patch.is_some(),
                wire.outcome == Outcome::Mutated,
                "only what is mutated has a patch",
            ),
            (
                "pod",
                wire.pod.is_some(),
                !is_rejected,
                "no pod is created if it is rejected",
            ),
        ] {
            if is_there && !fits {
                let path = at(field);
                let error = format!("{path}: {why}; help: remove it, or change outcome");
                return Err(source.error(&path, error));
            }
        }
        let part = |field, value: Option<Value>, wanted| {
            value
                .map(|value| source.inline_or_file(&at(field), value, wanted))
                .transpose()
        };
        Ok(Self {
            kind: wire.kind,
            name: wire.name,
            namespace: wire.namespace.unwrap_or_else(|| namespace.to_owned()),
            outcome: wire.outcome,
            messages: wire.messages,
            warnings: wire.warnings,
            hints: wire.hints,
            patch: part("patch", wire.patch, "a list")?,
            pod: part("pod", wire.pod, "an object")?,
            path,
        })
    }

    /// The object as messages name it.
    pub fn title(&self) -> String {
        title(&self.kind, &self.namespace, &self.name)
    }
}

impl Outcome {
    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Mutated => "mutated",
            Self::Unchanged => "unchanged",
            Self::Rejected => "rejected",
        }
    }
}
