//! Reads Kubernetes manifests: YAML and JSON, from files, directories and standard input.

use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::Value;
use thiserror::Error;

use crate::input::lines::{Lines, ValuePath};

/// The size of the longest file that is read, in bytes.
const LARGEST: u64 = 64 << 20;

/// What was found of `apiVersion` and `kind`, if an object has neither.
const NEITHER: &str = "neither";

/// Where a manifest was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    /// The file, as it was named.
    pub file: String,
    /// The document in the file, counted from 1.
    pub document: usize,
    /// The item in a document that is a `List`, counted from 1.
    pub item: Option<usize>,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, document {}", self.file, self.document)?;
        self.item.map_or(Ok(()), |item| write!(f, ", item {item}"))
    }
}

/// A document as it is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Document {
    /// The text of the file.
    text: Arc<str>,
    /// The part of it that is the document.
    range: Range<usize>,
    /// The line that it begins on, counted from 1.
    line: usize,
}

impl Document {
    /// Which part of the text of its file it is.
    pub fn range(&self) -> Range<usize> {
        self.range.clone()
    }

    /// The lines of its parts; `None` if the line that it begins on is all that is known.
    pub fn lines(&self) -> Option<Lines> {
        Lines::of(self.text.get(self.range.clone())?, self.line)
    }

    /// The line that it begins on, counted from 1.
    pub fn first_line(&self) -> usize {
        self.line
    }

    /// The line that `path` leads to in it.
    pub fn line_of(&self, path: &ValuePath) -> usize {
        let lines = self.lines();
        lines.map_or(self.line, |lines| lines.line(path))
    }
}

/// A Kubernetes object and where it comes from.
#[derive(Debug, Clone, PartialEq)]
pub struct Manifest {
    /// Where it was found.
    pub origin: Origin,
    /// The document that it is in.
    pub document: Document,
    /// The way to it in the document, if that is a list.
    pub path: ValuePath,
    /// Its `apiVersion`.
    pub api_version: String,
    /// Its `kind`.
    pub kind: String,
    /// The whole object, keys in the order they were written in.
    pub object: Value,
}

impl Manifest {
    /// The name in its metadata, if it has one.
    pub fn name(&self) -> Option<&str> {
        self.object.pointer("/metadata/name")?.as_str()
    }

    /// Its API group, empty for the core group.
    pub fn group(&self) -> &str {
        let version = self.api_version.split_once('/');
        version.map_or("", |(group, _)| group)
    }

    /// The namespace in its metadata, if it has one.
    pub fn namespace(&self) -> Option<&str> {
        self.object.pointer("/metadata/namespace")?.as_str()
    }

    /// The line that `path` leads to in the object.
    pub fn line(&self, path: ValuePath) -> usize {
        self.document.line_of(&self.path.clone().join(path))
    }

    /// Whether it is of this kind.
    pub fn is(&self, api_version: &str, kind: &str) -> bool {
        self.api_version == api_version && self.kind == kind
    }
}

/// Input that cannot be read as manifests.
#[derive(Debug, Error)]
pub enum ManifestError {
    /// A file or directory cannot be read.
    #[error("cannot read {file}: {error}")]
    Read {
        /// The file or directory.
        file: String,
        /// What the operating system says.
        error: io::Error,
    },
    /// A directory leads back to itself.
    #[error(
        "cannot read {file}: expected a file or directory, found a link back to {ancestor}; remove the link"
    )]
    Loop {
        /// The link.
        file: String,
        /// The directory above it that it leads to.
        ancestor: String,
    },
    /// A document is not well-formed.
    #[error("{origin}{place}: {error}")]
    Syntax {
        /// The document.
        origin: Origin,
        /// `, line L, column C`, if the parser knows.
        place: String,
        /// What the parser says.
        error: String,
    },
    /// A document is not a Kubernetes object.
    #[error("{origin}: expected a Kubernetes object with apiVersion and kind, found {found}")]
    NoObject {
        /// The document.
        origin: Origin,
        /// What was found instead.
        found: String,
    },
}

/// What a file holds.
#[derive(Debug, Default)]
pub struct Contents {
    /// The text, as it is written; `None` if it cannot be read.
    pub text: Option<Arc<str>>,
    /// The manifests, as far as they could be read.
    pub manifests: Vec<Manifest>,
    /// What is wrong with other documents, in their order. Nothing behind one that is not well-formed can be read.
    pub errors: Vec<ManifestError>,
}

impl Contents {
    fn error(error: ManifestError) -> Self {
        Self {
            errors: vec![error],
            ..Self::default()
        }
    }

    fn add(&mut self, manifest: Result<Manifest, ManifestError>) {
        match manifest {
            Ok(manifest) => self.manifests.push(manifest),
            Err(error) => self.errors.push(error),
        }
    }

    /// The manifests, if there is nothing else.
    ///
    /// # Errors
    ///
    /// The first of the errors.
    pub fn manifests_only(self) -> Result<Vec<Manifest>, ManifestError> {
        match self.errors.into_iter().next() {
            Some(error) => Err(error),
            None => Ok(self.manifests),
        }
    }
}

/// Reads the manifests in the file `path`.
///
/// # Errors
///
/// The first [`ManifestError`].
pub fn read_file(path: &Path) -> Result<Vec<Manifest>, ManifestError> {
    contents_of(path).manifests_only()
}

/// Reads the file `path`.
pub fn contents_of(path: &Path) -> Contents {
    let name = path.display().to_string();
    match File::open(path) {
        Ok(file) => contents_from(&name, file),
        Err(error) => Contents::error(unreadable(&name, error)),
    }
}

/// Reads everything from `source`, whose name is `file`.
pub fn contents_from(file: &str, source: impl Read) -> Contents {
    match text_from(file, source) {
        Ok(text) => contents(file, text.into()),
        Err(error) => Contents::error(error),
    }
}

/// Reads the manifests in `text`, which is JSON if the name `file` ends in `.json`, else YAML.
///
/// # Errors
///
/// The first [`ManifestError::Syntax`] or [`ManifestError::NoObject`].
pub fn read_text(file: &str, text: &str) -> Result<Vec<Manifest>, ManifestError> {
    contents(file, text.into()).manifests_only()
}

/// A document of a file, whatever it is.
#[derive(Debug, Clone, PartialEq)]
pub struct Written {
    /// Where it was found.
    pub origin: Origin,
    /// What is written there.
    pub document: Document,
    /// Its value, keys in the order they were written in.
    pub value: Value,
}

/// Reads the documents in the file `path`, which need not be objects of Kubernetes; empty ones are left out.
///
/// # Errors
///
/// The first [`ManifestError::Read`] or [`ManifestError::Syntax`].
pub fn documents_in(path: &Path) -> Result<Vec<Written>, ManifestError> {
    let name = path.display().to_string();
    let file = File::open(path).map_err(|error| unreadable(&name, error))?;
    let text = text_from(&name, file)?;
    documents_of(&name, &text.into())
}

/// Reads the documents in `text`, which is that of `file`; empty ones are left out.
///
/// # Errors
///
/// The first [`ManifestError::Syntax`].
pub fn documents_of(file: &str, text: &Arc<str>) -> Result<Vec<Written>, ManifestError> {
    match documents(file, text) {
        (_, Some(error)) => Err(error),
        (documents, None) => Ok(documents),
    }
}

/// The byte order mark.
const MARK: char = '\u{feff}';

/// A text without the byte order marks in it, and where they were in what is left. Files that were put one behind the other
/// begin with a mark each.
pub fn without_marks(text: &Arc<str>) -> (Arc<str>, Vec<usize>) {
    if !text.contains(MARK) {
        return (Arc::clone(text), Vec::new());
    }
    let mut rest = String::with_capacity(text.len());
    let mut marks = Vec::new();
    for line in text.split_inclusive('\n') {
        let mut own = line;
        while let Some(unmarked) = own.strip_prefix(MARK) {
            marks.push(rest.len());
            own = unmarked;
            // Only at the very beginning there may be several.
            if !rest.is_empty() {
                break;
            }
        }
        rest.push_str(own);
    }
    (rest.into(), marks)
}

/// The documents in `text`, and what ends them early.
fn documents(file: &str, text: &Arc<str>) -> (Vec<Written>, Option<ManifestError>) {
    let (text, _) = without_marks(text);
    // Taken one by one: after an error the parser finds the same error without end.
    let documents: Box<dyn Iterator<Item = _>> = if is_json_file(file, &text) {
        Box::new(json_documents(file, &text))
    } else {
        let mut sections = sections(&text);
        let unknown = (text.len()..text.len(), 1);
        Box::new(yaml_documents(file, &text).map(move |document| {
            let (range, line) = sections.next().unwrap_or_else(|| unknown.clone());
            document.map(|document| (document, range, line))
        }))
    };
    let mut written = Vec::new();
    for (index, document) in documents.enumerate() {
        match document {
            Ok((Value::Null, ..)) => {}
            Ok((value, range, line)) => {
                let text = Arc::clone(&text);
                written.push(Written {
                    origin: Origin {
                        file: file.to_owned(),
                        document: index.saturating_add(1),
                        item: None,
                    },
                    document: Document { text, range, line },
                    value,
                });
            }
            Err(error) => return (written, Some(with_hint(error, &text))),
        }
    }
    (written, None)
}

fn contents(file: &str, text: Arc<str>) -> Contents {
    let (documents, error) = documents(file, &text);
    let mut contents = Contents {
        text: Some(text),
        ..Contents::default()
    };
    for written in documents {
        let Written {
            origin,
            document,
            mut value,
        } = written;
        let Some(items) = items_of(&mut value, &ValuePath::default()) else {
            let path = ValuePath::default();
            contents.add(manifest(origin, document, path, value));
            continue;
        };
        for (index, (path, item)) in items.into_iter().enumerate() {
            let item_origin = Origin {
                item: Some(index.saturating_add(1)),
                ..origin.clone()
            };
            contents.add(manifest(item_origin, document.clone(), path, item));
        }
    }
    contents.errors.extend(error);
    contents
}

/// What a JSON value is, in the words of people who write YAML.
pub fn name_of_type(value: &Value) -> &'static str {
    match value {
        Value::Null => "nothing",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

fn unreadable(file: &str, error: io::Error) -> ManifestError {
    ManifestError::Read {
        file: file.to_owned(),
        error,
    }
}

/// Everything from `source`, whose name is `file`.
///
/// # Errors
///
/// [`ManifestError::Read`], also of what is no text or too long.
pub fn text_from(file: &str, source: impl Read) -> Result<String, ManifestError> {
    let mut bytes = Vec::new();
    let read = source
        .take(LARGEST.saturating_add(1))
        .read_to_end(&mut bytes);
    read.map_err(|error| unreadable(file, error))?;
    text_of(file, bytes)
}

fn text_of(file: &str, bytes: Vec<u8>) -> Result<String, ManifestError> {
    let invalid = |expected: &str| {
        let error = io::Error::new(io::ErrorKind::InvalidData, expected.to_owned());
        Err(unreadable(file, error))
    };
    if u64::try_from(bytes.len()).is_ok_and(|length| length > LARGEST) {
        return invalid("expected at most 64 MB, found more");
    }
    if matches!(bytes.as_slice(), [0xff, 0xfe, ..] | [0xfe, 0xff, ..]) {
        return invalid("expected text in UTF-8, found UTF-16; help: save it as UTF-8");
    }
    String::from_utf8(bytes).or_else(|_| invalid("expected text in UTF-8"))
}

fn yaml_documents(file: &str, text: &str) -> impl Iterator<Item = Result<Value, ManifestError>> {
    yaml_serde::Deserializer::from_str(text)
        .enumerate()
        .map(move |(index, document)| {
            let origin = || Origin {
                file: file.to_owned(),
                document: index.saturating_add(1),
                item: None,
            };
            // By way of a YAML value, which knows merge keys and rejects duplicate ones.
            let mut value = yaml_serde::Value::deserialize(document)
                .map_err(|error| yaml_error(origin(), &error))?;
            value
                .apply_merge()
                .map_err(|error| yaml_error(origin(), &error))?;
            serde_json::to_value(value).map_err(|error| ManifestError::Syntax {
                origin: origin(),
                place: String::new(),
                error: error.to_string(),
            })
        })
}

/// The documents of a YAML file: which part each is, and the line that it begins on.
///
/// Three hyphens at the beginning of a line are always a boundary. What comes before the first is a document only if it is
/// more than comments and directives.
fn sections(text: &str) -> impl Iterator<Item = (Range<usize>, usize)> {
    let mut starts = vec![(0, 1)];
    let mut is_blank = true;
    let mut is_behind_boundary = false;
    let mut at = 0_usize;
    for (index, line) in text.split_inclusive('\n').enumerate() {
        let rest = line.strip_prefix("---");
        let is_boundary =
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with([' ', '\t', '\r', '\n']));
        if is_boundary {
            if is_blank && !is_behind_boundary {
                starts.clear();
            }
            is_behind_boundary = true;
            starts.push((at, index.saturating_add(1)));
        } else if !line.trim().is_empty()
            && !line.trim_start().starts_with('#')
            && !line.starts_with('%')
        {
            is_blank = false;
        }
        at = at.saturating_add(line.len());
    }
    let ends: Vec<_> = starts.iter().skip(1).map(|(start, _)| *start).collect();
    let ends = ends.into_iter().chain([text.len()]);
    let sections = starts.into_iter().zip(ends);
    sections.map(|((start, line), end)| (start..end, line))
}

fn yaml_error(origin: Origin, error: &yaml_serde::Error) -> ManifestError {
    let text = error.to_string();
    let Some(location) = error.location() else {
        return ManifestError::Syntax {
            origin,
            place: String::new(),
            error: text,
        };
    };
    let (line, column) = (location.line(), location.column());
    ManifestError::Syntax {
        origin,
        place: place(line, column),
        error: without_place(&text, line, column),
    }
}

/// What is said of a template of Helm, which is often not YAML.
const HELM: &str =
    "if this is a template of Helm, render it first: helm template CHART | azwi-policy preview -";

/// Says what to do about what is often not YAML: templates of Helm, and tabs.
fn with_hint(error: ManifestError, text: &str) -> ManifestError {
    let ManifestError::Syntax {
        origin,
        place,
        error,
    } = error
    else {
        return error;
    };
    let has_long_separator = || {
        let mut lines = text.lines().map(str::trim_end);
        lines.any(|line| line.len() > 3 && line.bytes().all(|byte| byte == b'-'))
    };
    let hint = if text.contains("{{") {
        Some(HELM)
    } else if error.contains("cannot start any token") && text.contains('\t') {
        Some("YAML allows no tabs in front of a line: use spaces")
    } else if has_long_separator() {
        Some("documents are separated by a line of exactly three hyphens")
    } else {
        None
    };
    let hint = hint.map_or_else(String::new, |hint| format!("; {hint}"));
    ManifestError::Syntax {
        origin,
        place,
        error: format!("{error}{hint}"),
    }
}

fn place(line: usize, column: usize) -> String {
    format!(", line {line}, column {column}")
}

/// A parser's message `text` without the place, which is given before it.
fn without_place(text: &str, line: usize, column: usize) -> String {
    text.replacen(&format!(" at line {line} column {column}"), "", 1)
}

/// Whether a file is read as JSON.
pub fn is_json_file(file: &str, text: &str) -> bool {
    file.ends_with(".json") || is_json(text)
}

/// Whether all of it is JSON, whatever the file is called: several documents in a row are no YAML.
fn is_json(text: &str) -> bool {
    let mut documents = serde_json::Deserializer::from_str(text).into_iter::<IgnoredAny>();
    text.trim_start().starts_with(['{', '[']) && documents.all(|document| document.is_ok())
}

/// A document, which part of the text it is, and the line that it begins on.
type Section = (Value, Range<usize>, usize);

fn json_documents(file: &str, text: &str) -> impl Iterator<Item = Result<Section, ManifestError>> {
    let mut documents = serde_json::Deserializer::from_str(text).into_iter();
    let mut index = 0_usize;
    let mut line = 1_usize;
    std::iter::from_fn(move || {
        let before = documents.byte_offset();
        let document = documents.next()?;
        index = index.saturating_add(1);
        // What comes first is white space behind the document before.
        let behind = text.get(before..).unwrap_or_default();
        let start = before.saturating_add(behind.len().saturating_sub(behind.trim_start().len()));
        line = line.saturating_add(breaks(text.get(before..start)));
        let document = document.map_err(|error| {
            let (line, column) = (error.line(), error.column());
            ManifestError::Syntax {
                origin: Origin {
                    file: file.to_owned(),
                    document: index,
                    item: None,
                },
                place: place(line, column),
                error: without_place(&error.to_string(), line, column),
            }
        });
        let range = start..documents.byte_offset();
        let first = line;
        line = line.saturating_add(breaks(text.get(range.clone())));
        Some(document.map(|document| (document, range, first)))
    })
}

/// How many lines end in a text.
fn breaks(text: Option<&str>) -> usize {
    text.unwrap_or_default().matches('\n').count()
}

/// The items of a list of objects, of a `List`, of a `PodList` and the like, whose items need not have a kind, and of a
/// `Template` of OpenShift, each with the way to it, which begins with `path`; `None` for other objects.
fn items_of(document: &mut Value, path: &ValuePath) -> Option<Vec<(ValuePath, Value)>> {
    if let Value::Array(items) = document {
        let is_object =
            |item: &Value| item.get("apiVersion").is_some() && item.get("kind").is_some();
        let are_objects = items.iter().all(is_object);
        return are_objects.then(|| flat(items.drain(..), path));
    }
    let kind = document.get("kind")?.as_str()?.to_owned();
    let (field, kind) = match kind.as_str() {
        "Template" => ("objects", ""),
        kind => ("items", kind.strip_suffix("List")?),
    };
    let api_version = document.get("apiVersion").cloned().unwrap_or_default();
    let is_list = |items: &Value| {
        items
            .as_array()
            .is_some_and(|items| items.iter().all(Value::is_object))
    };
    // Not every kind that is called so is a list of objects.
    if !document.get(field).is_some_and(is_list) && !kind.is_empty() {
        return None;
    }
    let Value::Array(items) = document.get_mut(field)?.take() else {
        return None;
    };
    let items = items.into_iter().map(|mut item| {
        if let Some(fields) = item.as_object_mut().filter(|_| !kind.is_empty()) {
            fields.entry("apiVersion").or_insert(api_version.clone());
            fields.entry("kind").or_insert(kind.into());
        }
        item
    });
    Some(flat(items, &path.clone().key(field)))
}

/// The items, with the items of lists among them in their place.
fn flat(items: impl Iterator<Item = Value>, path: &ValuePath) -> Vec<(ValuePath, Value)> {
    let flat = items.enumerate().flat_map(|(index, mut item)| {
        let path = path.clone().item(index);
        items_of(&mut item, &path).unwrap_or_else(|| vec![(path, item)])
    });
    flat.collect()
}

fn manifest(
    origin: Origin,
    document: Document,
    path: ValuePath,
    object: Value,
) -> Result<Manifest, ManifestError> {
    let text = |field: &str| {
        object
            .get(field)
            .and_then(Value::as_str)
            .filter(|text| !text.is_empty())
    };
    match (text("apiVersion"), text("kind")) {
        (Some(api_version), Some(kind)) => Ok(Manifest {
            origin,
            document,
            path,
            api_version: api_version.to_owned(),
            kind: kind.to_owned(),
            object,
        }),
        (api_version, kind) => {
            let found = match (&object, api_version, kind) {
                (Value::Object(_), None, None) => NEITHER,
                (Value::Object(_), None, _) => "no apiVersion",
                (Value::Object(_), _, _) => "no kind",
                (Value::Array(items), _, _) if items.iter().any(is_patch) => "a list of patches",
                (other, _, _) => name_of_type(other),
            };
            Err(ManifestError::NoObject {
                origin,
                found: found.to_owned(),
            })
        }
    }
}

/// Whether it is an operation of a JSON patch.
fn is_patch(item: &Value) -> bool {
    item.get("op").is_some() && item.get("path").is_some()
}

impl ManifestError {
    /// Whether it is a file of another kind, and not a Kubernetes object with something wrong: neither `apiVersion` nor `kind`
    /// is in its first document.
    pub fn is_of_others(&self) -> bool {
        matches!(self, Self::NoObject { origin, found } if origin.document == 1 && found == NEITHER)
    }

    /// The file, and in brackets why it holds no manifests.
    pub fn brief(&self) -> String {
        let (file, why) = self.in_brief();
        format!("{file} ({why})")
    }

    /// The file, and in a few words why it holds no manifests.
    pub fn in_brief(&self) -> (&str, String) {
        match self {
            Self::Read { file, error } => (file, format!("cannot be read: {error}")),
            Self::Loop { file, ancestor } => (file, format!("a link back to {ancestor}")),
            Self::Syntax { origin, error, .. } if error.ends_with(HELM) => {
                (&origin.file, "a template of Helm".to_owned())
            }
            Self::Syntax { origin, place, .. } => {
                let language = if origin.file.ends_with(".json") {
                    "JSON"
                } else {
                    "YAML"
                };
                (&origin.file, format!("not {language}{place}"))
            }
            Self::NoObject { origin, found } => (&origin.file, found.clone()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The manifests in `text` as `origin: apiVersion kind name`.
    fn listed(file: &str, text: &str) -> Vec<String> {
        let manifests = read_text(file, text).unwrap();
        manifests.iter().map(listing).collect()
    }

    fn listing(manifest: &Manifest) -> String {
        let name = manifest.name().unwrap_or("-");
        format!(
            "{}: {} {} {name}",
            manifest.origin, manifest.api_version, manifest.kind
        )
    }

    #[test]
    fn reads_documents_and_lists() {
        let cases: [(&str, &[&str]); 11] = [
            ("", &[]),
            ("# nothing\n---\n---\n", &[]),
            (
                "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\n",
                &["f, document 1: v1 Pod a"],
            ),
            (
                "---\napiVersion: v1\nkind: Pod\n---\n---\napiVersion: apps/v1\nkind: Deployment\n",
                &[
                    "f, document 1: v1 Pod -",
                    "f, document 3: apps/v1 Deployment -",
                ],
            ),
            (
                "apiVersion: v1\nkind: List\nitems:\n- {apiVersion: v1, kind: Pod}\n- {apiVersion: v1, kind: Secret}\n",
                &[
                    "f, document 1, item 1: v1 Pod -",
                    "f, document 1, item 2: v1 Secret -",
                ],
            ),
            (
                "apiVersion: apps/v1\nkind: DeploymentList\nitems:\n- {metadata: {name: a}}\n- {kind: Other}\n",
                &[
                    "f, document 1, item 1: apps/v1 Deployment a",
                    "f, document 1, item 2: apps/v1 Other -",
                ],
            ),
            (
                "apiVersion: v1\nkind: List\nitems:\n- {kind: List, items: [{apiVersion: v1, kind: Pod}]}\n\
                 - {apiVersion: v1, kind: Secret}\n",
                &[
                    "f, document 1, item 1: v1 Pod -",
                    "f, document 1, item 2: v1 Secret -",
                ],
            ),
            (
                "a: &a {kind: Pod}\n<<: *a\napiVersion: v1\n",
                &["f, document 1: v1 Pod -"],
            ),
            (
                "- {apiVersion: v1, kind: Pod}\n- {kind: List, apiVersion: v1, items: [{apiVersion: v1, kind: Secret}]}\n",
                &[
                    "f, document 1, item 1: v1 Pod -",
                    "f, document 1, item 2: v1 Secret -",
                ],
            ),
            (
                "apiVersion: template.openshift.io/v1\nkind: Template\nobjects: [{apiVersion: v1, kind: Pod}]\n",
                &["f, document 1, item 1: v1 Pod -"],
            ),
            (
                "\u{feff}kind: Pod\napiVersion: v1\n---\n\u{feff}kind: Secret\napiVersion: v1\n",
                &["f, document 1: v1 Pod -", "f, document 2: v1 Secret -"],
            ),
        ];
        for (text, expected) in cases {
            assert_eq!(listed("f", text), expected, "{text}");
        }
        assert_eq!(
            listed(
                "standard input",
                "{\"apiVersion\":\"v1\",\"kind\":\"Pod\"}\n{\"apiVersion\":\"v1\",\"kind\":\"Secret\"}\n"
            ),
            [
                "standard input, document 1: v1 Pod -",
                "standard input, document 2: v1 Secret -"
            ]
        );
        assert_eq!(
            listed(
                "f.json",
                r#"{"apiVersion":"v1","kind":"Pod"} {"apiVersion":"v1","kind":"Secret"}"#
            ),
            [
                "f.json, document 1: v1 Pod -",
                "f.json, document 2: v1 Secret -"
            ]
        );
    }

    #[test]
    fn knows_the_lines_of_each_manifest() {
        let line = |manifest: &Manifest, path: &str| manifest.line(ValuePath::new(path));
        let text = "  # comment\n---\napiVersion: v1\nkind: Pod\nmetadata:\n  name: a\n--- # next\nkind: List\n\
                    apiVersion: v1\nitems:\n- kind: Pod\n  apiVersion: v1\n- apiVersion: v1\n  kind: Secret\n---\n\
                    ---\nkind: Pod\napiVersion: v1\n";
        let manifests = read_text("f", text).unwrap();
        let lines: Vec<_> = manifests
            .iter()
            .map(|manifest| (line(manifest, ""), line(manifest, "kind")))
            .collect();
        assert_eq!(lines, [(3, 4), (11, 11), (13, 14), (17, 17)]);
        assert_eq!(line(&manifests[0], "metadata.name"), 6);
        let text = "\n{\"apiVersion\": \"v1\",\n\"kind\": \"Pod\"}\n\n[{\"kind\": \"Pod\",\n\"apiVersion\": \"v1\"}]";
        let manifests = read_text("f.json", text).unwrap();
        assert_eq!(line(&manifests[0], "kind"), 3);
        assert_eq!(line(&manifests[1], "apiVersion"), 6);
        assert_eq!(line(&manifests[1], ""), 5);
        let text =
            "%YAML 1.2\n---\nkind: Pod\napiVersion: v1\n...\n---\nkind: Pod\napiVersion: v1\n";
        let manifests = read_text("f", text).unwrap();
        let lines: Vec<_> = manifests
            .iter()
            .map(|manifest| line(manifest, "kind"))
            .collect();
        assert_eq!(lines, [3, 7]);
        let text =
            "---\n---\n# nothing\n---\nkind: Pod\napiVersion: v1\n---\nkind: Pod\napiVersion: v1\n";
        let manifests = read_text("f", text).unwrap();
        let lines: Vec<_> = manifests
            .iter()
            .map(|manifest| line(manifest, "kind"))
            .collect();
        assert_eq!(lines, [5, 8]);
    }

    #[test]
    fn keeps_the_order_of_keys() {
        let manifests = read_text("f", "kind: Pod\nspec: {z: 1, a: 2}\napiVersion: v1\n").unwrap();
        assert_eq!(
            manifests[0].object.to_string(),
            r#"{"kind":"Pod","spec":{"z":1,"a":2},"apiVersion":"v1"}"#
        );
    }

    #[test]
    fn names_the_place_of_an_error() {
        for (text, expected) in [
            (
                "apiVersion: v1\nkind: Pod\n---\nkind: [\n",
                "f, document 2, line 5, column 1: did not find expected node content, while parsing a flow node",
            ),
            (
                "kind: Pod\nkind: Pod\n",
                "f, document 1, line 1, column 1: duplicate entry with key \"kind\"",
            ),
            (
                "hello",
                "f, document 1: expected a Kubernetes object with apiVersion and kind, found a string",
            ),
            (
                "- a",
                "f, document 1: expected a Kubernetes object with apiVersion and kind, found a list",
            ),
            (
                "a: b",
                "f, document 1: expected a Kubernetes object with apiVersion and kind, found neither",
            ),
            (
                "kind: Pod",
                "f, document 1: expected a Kubernetes object with apiVersion and kind, found no apiVersion",
            ),
            (
                "apiVersion: v1",
                "f, document 1: expected a Kubernetes object with apiVersion and kind, found no kind",
            ),
            (
                "{apiVersion: v1, kind: List, items: [1]}",
                "f, document 1, item 1: expected a Kubernetes object with apiVersion and kind, found a number",
            ),
            ("? [a]\n: b\n", "f, document 1: key must be a string"),
        ] {
            assert_eq!(
                read_text("f", text).unwrap_err().to_string(),
                expected,
                "{text}"
            );
        }
        let error = read_text("f.json", "{\"kind\": }").unwrap_err().to_string();
        assert_eq!(
            error,
            "f.json, document 1, line 1, column 10: expected value"
        );
    }
}
