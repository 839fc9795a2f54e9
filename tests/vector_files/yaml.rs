//! The policy's own vectors, which state what differs from `defaults.yaml`.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use json_patch::merge;
use serde::Deserialize;
use serde::de::{DeserializeOwned, IgnoredAny};
use serde_json::{Value, json};

use super::{Outcome, Response, Vector, directory, read};

/// What a vector has unless it sets something else.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Defaults {
    settings: Value,
    service_account: Value,
    permission: Value,
    request: Value,
    /// The objects of requests, by kind.
    objects: BTreeMap<String, Value>,
    audit: Value,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Theme {
    /// A place for anchors.
    #[serde(default, rename = "snippets")]
    _snippets: IgnoredAny,
    vectors: Vec<Written>,
}

/// A vector as it is written. What it changes is merged over the defaults as a JSON Merge Patch: null removes.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Written {
    name: String,
    #[serde(default = "no_change")]
    settings: Value,
    #[serde(default = "no_change")]
    service_account: Value,
    permission: Option<Value>,
    #[serde(default = "no_change")]
    request: Value,
    operation: Option<String>,
    #[serde(default = "no_change")]
    object: Value,
    old_object: Option<Value>,
    expected: Expected,
}

/// A response as it is written, with one of `unchanged`, `mutated` and `rejected`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Expected {
    #[serde(default)]
    unchanged: bool,
    /// What is merged over the request's object.
    mutated: Option<Value>,
    /// The message.
    rejected: Option<String>,
    code: Option<u16>,
    /// One a line.
    #[serde(default)]
    warnings: String,
    /// What is merged over the default audit annotations; there are none without it.
    audit: Option<Value>,
}

/// The responses of the policy that are not the webhook's.
pub struct Differences {
    defaults: Defaults,
    by_name: BTreeMap<String, Difference>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenDifferences {
    #[serde(default, rename = "snippets")]
    _snippets: IgnoredAny,
    differences: BTreeMap<String, Difference>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Difference {
    /// Why the responses differ.
    #[serde(rename = "reason")]
    _reason: String,
    expected: Expected,
}

fn no_change() -> Value {
    json!({})
}

fn merged(base: &Value, patch: &Value) -> Value {
    let mut merged = base.clone();
    merge(&mut merged, patch);
    merged
}

fn parse<T: DeserializeOwned>(file: &Path) -> T {
    yaml_serde::from_str(&read(file)).unwrap_or_else(|error| panic!("{}: {error}", file.display()))
}

/// The vectors of each theme, which are the files of the folders.
pub fn vectors() -> Vec<Vector> {
    let root = directory();
    let defaults = Defaults::read();
    let folders = entries(&root).into_iter().filter(|path| path.is_dir());
    let mut vectors = Vec::new();
    for file in folders.flat_map(|folder| entries(&folder)) {
        let theme: Theme = parse(&file);
        let name = file.strip_prefix(&root).expect("a file below the root");
        for written in theme.vectors {
            vectors.push(written.vector(name.display().to_string(), &defaults));
        }
    }
    vectors
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).expect("a folder");
    let mut paths: Vec<_> = entries
        .map(|entry| entry.expect("an entry").path())
        .collect();
    paths.sort();
    paths
}

impl Defaults {
    fn read() -> Self {
        parse(&directory().join("defaults.yaml"))
    }
}

impl Differences {
    /// Reads them.
    pub fn read() -> Self {
        let written: WrittenDifferences = parse(&directory().join("differences.yaml"));
        Self {
            defaults: Defaults::read(),
            by_name: written.differences,
        }
    }

    /// Takes the expected response for the vector `name` and `object`, if it is not the webhook's.
    pub fn take(&mut self, name: &str, object: &Value) -> Option<Response> {
        let difference = self.by_name.remove(name)?;
        Some(difference.expected.response(name, object, &self.defaults))
    }

    /// The names of vectors that were not taken.
    pub fn names(&self) -> Vec<&String> {
        self.by_name.keys().collect()
    }
}

impl Written {
    fn vector(self, file: String, defaults: &Defaults) -> Vector {
        let kind = self.object["kind"].as_str().unwrap_or("Pod");
        let Some(default) = defaults.objects.get(kind) else {
            panic!(
                "{file}: {}: defaults.yaml has no object of kind {kind}",
                self.name
            );
        };
        let object = merged(default, &self.object);
        let mut request = merged(&defaults.request, &self.request);
        name_object(&mut request, &object);
        if let Some(operation) = self.operation {
            request["operation"] = operation.into();
        }
        if let Some(old) = &self.old_object {
            request["oldObject"] = merged(default, old);
        }
        let expected = self.expected.response(&self.name, &object, defaults);
        request["object"] = object;
        Vector {
            file,
            name: self.name,
            settings: merged(&defaults.settings, &self.settings),
            service_account: merged(&defaults.service_account, &self.service_account),
            permission: self.permission.unwrap_or(defaults.permission.clone()),
            request,
            expected,
        }
    }
}

/// Sets in a request what its object is.
fn name_object(request: &mut Value, object: &Value) {
    let text = |value: &Value| value.as_str().expect("a string").to_owned();
    let api_version = text(&object["apiVersion"]);
    let (group, version) = api_version.split_once('/').unwrap_or(("", &api_version));
    let kind = text(&object["kind"]);
    let resource = format!("{}s", kind.to_lowercase());
    let kind = json!({"group": group, "version": version, "kind": kind});
    let resource = json!({"group": group, "version": version, "resource": resource});
    request["kind"] = kind.clone();
    request["resource"] = resource.clone();
    request["requestKind"] = kind;
    request["requestResource"] = resource;
    if let Some(name) = object["metadata"].get("name") {
        request["name"] = name.clone();
    }
}

impl Expected {
    /// The response to the request of the vector `name` for `object`.
    fn response(self, name: &str, object: &Value, defaults: &Defaults) -> Response {
        let is_rejected = self.rejected.is_some();
        assert!(
            is_rejected || self.code.is_none(),
            "{name}: there is a code, but no rejection"
        );
        let outcome = match (self.unchanged, self.mutated, self.rejected) {
            (true, None, None) => Outcome::Unchanged,
            (false, Some(patch), None) => Outcome::Mutated(merged(object, &patch)),
            (false, None, Some(message)) => Outcome::Rejected {
                code: self.code.unwrap_or(400),
                message: message.strip_suffix('\n').unwrap_or(&message).to_owned(),
            },
            _ => panic!("{name}: expected one of unchanged, mutated and rejected"),
        };
        Response {
            outcome,
            warnings: self.warnings.lines().map(str::to_owned).collect(),
            audit: Some(self.audit.map_or_else(BTreeMap::new, |patch| {
                serde_json::from_value(merged(&defaults.audit, &patch))
                    .expect("an object of strings")
            })),
        }
    }
}
