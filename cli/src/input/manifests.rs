//! Reads Kubernetes manifests: YAML and JSON, from files, directories and standard input.

use std::collections::BTreeSet;
use std::fmt;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::Value;
use thiserror::Error;
use walkdir::WalkDir;

/// The path that means standard input.
const STANDARD_INPUT: &str = "-";

/// The endings of manifest files in directories.
const ENDINGS: [&str; 3] = ["yaml", "yml", "json"];

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

/// A Kubernetes object and where it comes from.
#[derive(Debug, Clone, PartialEq)]
pub struct Manifest {
    /// Where it was found.
    pub origin: Origin,
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

    /// The namespace in its metadata, if it has one.
    pub fn namespace(&self) -> Option<&str> {
        self.object.pointer("/metadata/namespace")?.as_str()
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

/// Reads all manifests in `paths`, in their order: files, directories with all below them, and `-`.
///
/// Directories are read in the order of names, and links are followed. A file that is met twice is read once. In a
/// directory, a file whose first document is an object with neither `apiVersion` nor `kind` is skipped.
///
/// # Errors
///
/// The first [`ManifestError`].
pub fn read(paths: &[PathBuf]) -> Result<Vec<Manifest>, ManifestError> {
    let mut manifests = Vec::new();
    let mut seen = BTreeSet::new();
    for path in paths {
        if path == Path::new(STANDARD_INPUT) {
            let file = "standard input";
            let mut bytes = Vec::new();
            io::stdin()
                .read_to_end(&mut bytes)
                .map_err(|error| unreadable(file, error))?;
            manifests.extend(read_text(file, &text_of(file, bytes)?)?);
            continue;
        }
        let is_directory = path.is_dir();
        let files = if is_directory {
            files_below(path)?
        } else {
            vec![path.clone()]
        };
        for file in files {
            // What cannot be resolved cannot be read either, and is an error then.
            if file.canonicalize().is_ok_and(|real| !seen.insert(real)) {
                continue;
            }
            match read_file(&file) {
                // Repositories have other files too.
                Err(ManifestError::NoObject { origin, found })
                    if is_directory && origin.document == 1 && found == NEITHER => {}
                read => manifests.extend(read?),
            }
        }
    }
    Ok(manifests)
}

/// Reads the manifests in the file `path`.
///
/// # Errors
///
/// The first [`ManifestError`].
pub fn read_file(path: &Path) -> Result<Vec<Manifest>, ManifestError> {
    let file = path.display().to_string();
    let bytes = std::fs::read(path).map_err(|error| unreadable(&file, error))?;
    read_text(&file, &text_of(&file, bytes)?)
}

/// Reads the manifests in `text`, which is JSON if the name `file` ends in `.json`, else YAML.
///
/// # Errors
///
/// The first [`ManifestError::Syntax`] or [`ManifestError::NoObject`].
pub fn read_text(file: &str, text: &str) -> Result<Vec<Manifest>, ManifestError> {
    let text = text.trim_start_matches('\u{feff}');
    let documents = if file.ends_with(".json") {
        json_documents(file, text)?
    } else {
        yaml_documents(file, text).map_err(|error| with_hint(error, text))?
    };
    let mut manifests = Vec::new();
    for (index, document) in documents.into_iter().enumerate() {
        let origin = Origin {
            file: file.to_owned(),
            document: index.saturating_add(1),
            item: None,
        };
        match document {
            Value::Null => {}
            mut document => match items_of(&mut document) {
                Some(items) => {
                    for (index, item) in items.into_iter().enumerate() {
                        let item_origin = Origin {
                            item: Some(index.saturating_add(1)),
                            ..origin.clone()
                        };
                        manifests.push(manifest(item_origin, item)?);
                    }
                }
                None => manifests.push(manifest(origin, document)?),
            },
        }
    }
    Ok(manifests)
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

fn text_of(file: &str, bytes: Vec<u8>) -> Result<String, ManifestError> {
    String::from_utf8(bytes).map_err(|_| {
        unreadable(
            file,
            io::Error::new(io::ErrorKind::InvalidData, "expected text in UTF-8"),
        )
    })
}

/// The manifest files in `directory` and below.
fn files_below(directory: &Path) -> Result<Vec<PathBuf>, ManifestError> {
    let mut files = Vec::new();
    for entry in WalkDir::new(directory)
        .follow_links(true)
        .sort_by_file_name()
    {
        let path = match entry {
            Ok(entry) if !entry.file_type().is_file() => continue,
            Ok(entry) => entry.into_path(),
            Err(error) => match unreadable_entry(error) {
                Some(error) => return Err(error),
                None => continue,
            },
        };
        if is_manifest(&path) {
            files.push(path);
        }
    }
    Ok(files)
}

/// What is wrong with an entry of a directory; `None` for a broken link that is not named like a manifest.
fn unreadable_entry(error: walkdir::Error) -> Option<ManifestError> {
    let path = error.path().unwrap_or(Path::new("")).to_owned();
    let file = path.display().to_string();
    if let Some(ancestor) = error.loop_ancestor() {
        let ancestor = ancestor.display().to_string();
        return Some(ManifestError::Loop { file, ancestor });
    }
    let error = error
        .into_io_error()
        .unwrap_or_else(|| io::Error::other("the directory cannot be walked"));
    (!path.is_symlink() || is_manifest(&path)).then_some(ManifestError::Read { file, error })
}

fn is_manifest(path: &Path) -> bool {
    path.extension()
        .is_some_and(|ending| ENDINGS.iter().any(|known| ending == *known))
}

fn yaml_documents(file: &str, text: &str) -> Result<Vec<Value>, ManifestError> {
    let documents =
        yaml_serde::Deserializer::from_str(text)
            .enumerate()
            .map(|(index, document)| {
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
            });
    documents.collect()
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

/// Says what to do about a Helm template, which is not YAML.
fn with_hint(error: ManifestError, text: &str) -> ManifestError {
    match error {
        ManifestError::Syntax {
            origin,
            place,
            error,
        } if text.contains("{{") => ManifestError::Syntax {
            origin,
            place,
            error: format!(
                "{error}; if this is a template of Helm, render it first: helm template CHART | azwi-policy preview -"
            ),
        },
        other => other,
    }
}

fn place(line: usize, column: usize) -> String {
    format!(", line {line}, column {column}")
}

/// A parser's message `text` without the place, which is given before it.
fn without_place(text: &str, line: usize, column: usize) -> String {
    text.replacen(&format!(" at line {line} column {column}"), "", 1)
}

fn json_documents(file: &str, text: &str) -> Result<Vec<Value>, ManifestError> {
    let documents = serde_json::Deserializer::from_str(text)
        .into_iter()
        .enumerate();
    let documents = documents.map(|(index, document)| {
        document.map_err(|error| {
            let (line, column) = (error.line(), error.column());
            ManifestError::Syntax {
                origin: Origin {
                    file: file.to_owned(),
                    document: index.saturating_add(1),
                    item: None,
                },
                place: place(line, column),
                error: without_place(&error.to_string(), line, column),
            }
        })
    });
    documents.collect()
}

/// The items of a `List`, and of a `PodList` and the like, whose items need not have a kind; `None` for other objects.
fn items_of(document: &mut Value) -> Option<Vec<Value>> {
    let kind = document["kind"].as_str()?.strip_suffix("List")?.to_owned();
    let api_version = document["apiVersion"].clone();
    let Value::Array(items) = document.get_mut("items")?.take() else {
        return None;
    };
    let named = items.into_iter().map(|mut item| {
        if let Some(fields) = item.as_object_mut().filter(|_| !kind.is_empty()) {
            fields.entry("apiVersion").or_insert(api_version.clone());
            fields.entry("kind").or_insert(kind.clone().into());
        }
        item
    });
    let flat = named.flat_map(|mut item| items_of(&mut item).unwrap_or_else(|| vec![item]));
    Some(flat.collect())
}

fn manifest(origin: Origin, object: Value) -> Result<Manifest, ManifestError> {
    let text = |field: &str| {
        object
            .get(field)
            .and_then(Value::as_str)
            .filter(|text| !text.is_empty())
    };
    match (text("apiVersion"), text("kind")) {
        (Some(api_version), Some(kind)) => Ok(Manifest {
            origin,
            api_version: api_version.to_owned(),
            kind: kind.to_owned(),
            object,
        }),
        (api_version, kind) => {
            let found = match (&object, api_version, kind) {
                (Value::Object(_), None, None) => NEITHER,
                (Value::Object(_), None, _) => "no apiVersion",
                (Value::Object(_), _, _) => "no kind",
                (other, _, _) => name_of_type(other),
            };
            Err(ManifestError::NoObject {
                origin,
                found: found.to_owned(),
            })
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

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
        let cases: [(&str, &[&str]); 8] = [
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
        ];
        for (text, expected) in cases {
            assert_eq!(listed("f", text), expected, "{text}");
        }
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

    #[test]
    fn reads_directories_in_the_order_of_names() {
        let root = tempfile::tempdir().unwrap();
        // JSON is YAML as well.
        let manifest = |name: &str| {
            format!(r#"{{"apiVersion": "v1", "kind": "Pod", "metadata": {{"name": "{name}"}}}}"#)
        };
        fs::create_dir_all(root.path().join("b/deep")).unwrap();
        for (file, name) in [
            ("c.json", "four"),
            ("b/x.yml", "three"),
            ("b/deep/x.yaml", "two"),
            ("a.yaml", "one"),
        ] {
            fs::write(root.path().join(file), manifest(name)).unwrap();
        }
        fs::write(root.path().join("notes.txt"), "no manifest").unwrap();
        let names = |path: PathBuf| -> Vec<String> {
            read(&[path])
                .unwrap()
                .iter()
                .filter_map(Manifest::name)
                .map(str::to_owned)
                .collect()
        };
        assert_eq!(
            names(root.path().to_owned()),
            ["one", "two", "three", "four"]
        );
        assert_eq!(names(root.path().join("a.yaml")), ["one"]);
        let twice = [root.path().join("c.json"), root.path().to_owned()];
        assert_eq!(read(&twice).unwrap().len(), 4);
        let missing = read(&["/no/such/file.yaml".into()])
            .unwrap_err()
            .to_string();
        assert_eq!(
            missing,
            "cannot read /no/such/file.yaml: No such file or directory (os error 2)"
        );
    }

    #[cfg(unix)]
    #[test]
    fn follows_links_and_refuses_circles() {
        use std::os::unix::fs::symlink;

        let root = tempfile::tempdir().unwrap();
        let at = |name: &str| root.path().join(name);
        fs::create_dir(at("d")).unwrap();
        fs::write(at("d/a.yaml"), "{apiVersion: v1, kind: Pod}").unwrap();
        symlink(at("d"), at("e")).unwrap();
        symlink(at("nowhere"), at("notes")).unwrap();
        assert_eq!(read(&[root.path().to_owned()]).unwrap().len(), 1);

        let refuses = |expected: String| {
            let error = read(&[root.path().to_owned()]).unwrap_err();
            assert_eq!(error.to_string(), expected);
        };
        let show = |name: &str| at(name).display().to_string();
        symlink(at("d"), at("d/loop")).unwrap();
        refuses(format!(
            "cannot read {}: expected a file or directory, found a link back to {}; remove the link",
            show("d/loop"),
            show("d"),
        ));
        fs::remove_file(at("d/loop")).unwrap();
        symlink(at("b.yaml"), at("b.yaml")).unwrap();
        refuses(format!(
            "cannot read {}: Too many levels of symbolic links (os error 40)",
            show("b.yaml")
        ));
        fs::remove_file(at("b.yaml")).unwrap();
        symlink(at("nowhere"), at("b.yaml")).unwrap();
        refuses(format!(
            "cannot read {}: No such file or directory (os error 2)",
            show("b.yaml")
        ));
    }
}
