//! The manifests that were found, with the texts that they are in.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::input::manifests::{Contents, Manifest, ManifestError};

/// The text of something that was read.
#[derive(Debug, Clone, PartialEq)]
pub struct Text {
    /// The name of the file, or of what else it is.
    pub name: String,
    /// The file; `None` for standard input, and for what another program made.
    pub path: Option<PathBuf>,
    /// What is written there.
    pub text: Arc<str>,
}

/// What was found.
#[derive(Debug, Default)]
pub struct Found {
    /// The texts, in the order of the paths.
    pub texts: Vec<Text>,
    /// The manifests, in the order of the paths.
    pub manifests: Vec<Manifest>,
    /// What is wrong with files that were named.
    pub errors: Vec<ManifestError>,
    /// What is wrong with files in directories: they may be something else.
    pub passed_over: Vec<ManifestError>,
    /// Directories with a kustomization: what is in them is only a part of what it makes.
    pub kustomizations: Vec<String>,
    /// The files that were named, not found in a directory.
    named: BTreeSet<String>,
}

impl Found {
    /// These manifests, whose texts do not matter.
    pub fn of(manifests: Vec<Manifest>) -> Self {
        Self {
            manifests,
            ..Self::default()
        }
    }

    /// Whether a file was named, and not found in a directory.
    pub fn is_named(&self, file: &str) -> bool {
        self.named.contains(file)
    }

    /// Adds what `file` holds, which was named, and is none of the files that people keep.
    pub fn add_named(&mut self, file: String, contents: Contents) {
        self.add(file, None, contents);
    }

    /// Adds what the file `path` holds, which was named `file`.
    pub fn add(&mut self, file: String, path: Option<&Path>, contents: Contents) {
        self.add_text(&file, path, &contents);
        self.named.insert(file);
        self.manifests.extend(contents.manifests);
        self.errors.extend(contents.errors);
    }

    /// Adds the text of a file, whose manifests are added apart from it.
    pub fn add_text(&mut self, name: &str, path: Option<&Path>, contents: &Contents) {
        if let Some(text) = &contents.text {
            self.texts.push(Text {
                name: name.to_owned(),
                path: path.map(Path::to_owned),
                text: Arc::clone(text),
            });
        }
    }
}
