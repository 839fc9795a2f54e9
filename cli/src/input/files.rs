//! The manifests in what people name: files, directories with all below them, and standard input.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use ignore::WalkBuilder;
use ignore::overrides::OverrideBuilder;
use rayon::prelude::*;
use thiserror::Error;

use crate::input::found::Found;
use crate::input::manifests::{self, ManifestError};

/// The path that means standard input.
pub const STANDARD_INPUT: &str = "-";

/// What standard input is called in messages.
pub const STANDARD_INPUT_NAME: &str = "standard input";

/// The endings of manifest files in directories.
const ENDINGS: [&str; 3] = ["yaml", "yml", "json"];

/// What files with test cases are called, which are no manifests.
pub const TEST_CASES: [&str; 2] = ["azwi-test.yaml", "azwi-test.yml"];

/// A pattern of files that cannot be read.
#[derive(Debug, Error)]
#[error("--ignore: expected a pattern such as 'charts/**', found '{pattern}': {error}")]
pub struct PatternError {
    pattern: String,
    error: ignore::Error,
}

/// Finds the manifests in `paths`: files, directories, and `-`.
///
/// Directories are read in the order of names, and links are followed. Hidden files, and what `.gitignore` or one of the
/// patterns `ignored` names, are left out. A file that is met twice is read once.
///
/// # Errors
///
/// A [`PatternError`].
pub fn find(paths: &[PathBuf], ignored: &[String]) -> Result<Found, PatternError> {
    let mut found = Found::default();
    let mut seen = BTreeSet::new();
    for path in paths {
        if path == Path::new(STANDARD_INPUT) {
            let contents = manifests::contents_from(STANDARD_INPUT_NAME, io::stdin());
            found.add_named(STANDARD_INPUT_NAME.to_owned(), contents);
        } else if path.is_dir() {
            let mut files = files_below(path, ignored, &mut found)?;
            files.retain(|file| !is_test_case(file) && is_new(file, &mut seen));
            let contents: Vec<_> = files
                .par_iter()
                .map(|file| manifests::contents_of(file))
                .collect();
            for (file, contents) in files.iter().zip(contents) {
                if is_kustomization(file) {
                    let directory = file.parent().unwrap_or(path);
                    found.kustomizations.push(directory.display().to_string());
                }
                found.add_text(&file.display().to_string(), Some(file), &contents);
                found.manifests.extend(contents.manifests);
                let errors = contents.errors.into_iter();
                let errors = errors.filter(|error| !error.is_of_others());
                found.passed_over.extend(errors);
            }
        } else if is_new(path, &mut seen) {
            let contents = manifests::contents_of(path);
            found.add(path.display().to_string(), Some(path), contents);
        }
    }
    Ok(found)
}

/// The files with test cases in `directory` and below, in the order of names, and what is wrong with the directory.
///
/// # Errors
///
/// None but by the type: there are no patterns.
pub fn test_cases(directory: &Path) -> Result<(Vec<PathBuf>, Vec<ManifestError>), PatternError> {
    let mut found = Found::default();
    let mut files = files_below(directory, &[], &mut found)?;
    files.retain(|file| is_test_case(file));
    Ok((files, found.errors))
}

fn is_test_case(file: &Path) -> bool {
    TEST_CASES.iter().any(|name| file.ends_with(name))
}

/// Whether it says what kustomize makes of the other files in its directory.
fn is_kustomization(file: &Path) -> bool {
    ["kustomization.yaml", "kustomization.yml", "Kustomization"]
        .iter()
        .any(|name| file.ends_with(name))
}

/// Whether a file was not met before. What cannot be resolved cannot be read either, which is an error then.
fn is_new(file: &Path, seen: &mut BTreeSet<PathBuf>) -> bool {
    file.canonicalize().map_or(true, |real| seen.insert(real))
}

/// The manifest files in `directory` and below.
fn files_below(
    directory: &Path,
    ignored: &[String],
    found: &mut Found,
) -> Result<Vec<PathBuf>, PatternError> {
    let mut overrides = OverrideBuilder::new(directory);
    for pattern in ignored {
        overrides
            .add(&format!("!{pattern}"))
            .map_err(|error| PatternError {
                pattern: pattern.clone(),
                error,
            })?;
    }
    let overrides = overrides.build().map_err(|error| PatternError {
        pattern: ignored.join(", "),
        error,
    })?;
    let walk = WalkBuilder::new(directory)
        .follow_links(true)
        .ignore(false)
        .git_global(false)
        .require_git(false)
        .overrides(overrides)
        .sort_by_file_name(Ord::cmp)
        .build();
    let mut files = Vec::new();
    for entry in walk {
        match entry {
            Ok(entry) => {
                let is_file = entry.file_type().is_some_and(|kind| kind.is_file());
                if is_file && (is_manifest(entry.path()) || is_kustomization(entry.path())) {
                    files.push(entry.into_path());
                }
            }
            Err(error) => match unreadable(error, directory) {
                Some((path, error)) if path == directory => found.errors.push(error),
                Some((_, error)) => found.passed_over.push(error),
                None => {}
            },
        }
    }
    Ok(files)
}

/// What is wrong with an entry of a directory, and its path; `None` for a broken link that is not named like a manifest.
fn unreadable(error: ignore::Error, path: &Path) -> Option<(PathBuf, ManifestError)> {
    match error {
        ignore::Error::WithPath { path, err } => unreadable(*err, &path),
        ignore::Error::WithDepth { err, .. } => unreadable(*err, path),
        ignore::Error::Loop { ancestor, child } => {
            let file = child.display().to_string();
            let ancestor = ancestor.display().to_string();
            Some((child, ManifestError::Loop { file, ancestor }))
        }
        other => {
            let file = path.display().to_string();
            let is_meant = !path.is_symlink() || is_manifest(path);
            // What the walk says has the path in it, so the system is asked again.
            let error = fs::read_dir(path).err();
            let error = error.unwrap_or_else(|| io::Error::other(other));
            is_meant.then(|| (path.to_owned(), ManifestError::Read { file, error }))
        }
    }
}

fn is_manifest(path: &Path) -> bool {
    path.extension()
        .is_some_and(|ending| ENDINGS.iter().any(|known| ending == *known))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::input::manifests::Manifest;

    /// JSON is YAML as well.
    fn pod(name: &str) -> String {
        format!(r#"{{"apiVersion": "v1", "kind": "Pod", "metadata": {{"name": "{name}"}}}}"#)
    }

    /// The names of the manifests in `paths`.
    fn names(paths: &[PathBuf], ignored: &[&str]) -> Vec<String> {
        let ignored: Vec<_> = ignored.iter().map(ToString::to_string).collect();
        let found = find(paths, &ignored).unwrap();
        let names = found.manifests.iter().filter_map(Manifest::name);
        names.map(str::to_owned).collect()
    }

    fn briefs(errors: &[ManifestError], root: &Path) -> Vec<String> {
        let root = format!("{}/", root.display());
        let brief = |error: &ManifestError| {
            let (file, why) = error.in_brief();
            format!("{file}: {why}").replace(&root, "")
        };
        errors.iter().map(brief).collect()
    }

    #[test]
    fn a_kustomization_is_named_once_however_it_is_spelt() {
        let root = tempfile::tempdir().unwrap();
        for (directory, file) in [
            ("a", "kustomization.yaml"),
            ("b", "kustomization.yml"),
            ("c", "Kustomization"),
        ] {
            fs::create_dir_all(root.path().join(directory)).unwrap();
            let text = r#"{"resources": ["pod.yaml"]}"#;
            fs::write(root.path().join(directory).join(file), text).unwrap();
        }
        let below = root.path().join("b");
        let found = find(&[root.path().to_owned(), below], &[]).unwrap();
        let named = ["a", "b", "c"].map(|name| root.path().join(name).display().to_string());
        assert_eq!(found.kustomizations, named);
        assert_eq!(
            briefs(&found.passed_over, root.path()),
            Vec::<String>::new()
        );
    }

    #[test]
    fn reads_directories_in_the_order_of_names() {
        let root = tempfile::tempdir().unwrap();
        fs::create_dir_all(root.path().join("b/deep")).unwrap();
        fs::create_dir_all(root.path().join(".hidden")).unwrap();
        for (file, name) in [
            ("c.json", "four"),
            ("b/x.yml", "three"),
            ("b/deep/x.yaml", "two"),
            ("a.yaml", "one"),
            (".hidden/a.yaml", "hidden"),
            ("left-out.yaml", "left out"),
        ] {
            fs::write(root.path().join(file), pod(name)).unwrap();
        }
        fs::write(root.path().join("notes.txt"), "no manifest").unwrap();
        fs::write(root.path().join("b/azwi-test.yml"), pod("test case")).unwrap();
        fs::write(root.path().join("azwi-test.yaml"), "a: [").unwrap();
        fs::write(root.path().join(".gitignore"), "left-out.yaml\n").unwrap();
        let directory = [root.path().to_owned()];
        assert_eq!(names(&directory, &[]), ["one", "two", "three", "four"]);
        assert_eq!(names(&directory, &["b/**", "c.*"]), ["one"]);
        let (tests, errors) = test_cases(root.path()).unwrap();
        let at = |file: &str| root.path().join(file);
        assert_eq!(tests, [at("azwi-test.yaml"), at("b/azwi-test.yml")]);
        assert_eq!(briefs(&errors, root.path()), [""; 0]);
        let named = [root.path().join("left-out.yaml")];
        assert_eq!(names(&named, &[]), ["left out"]);
        assert_eq!(names(&[root.path().join(".hidden")], &[]), ["hidden"]);
        let twice = [root.path().join("c.json"), root.path().to_owned()];
        assert_eq!(names(&twice, &[]), ["four", "one", "two", "three"]);
        let error = find(&directory, &["a[".to_owned()]).unwrap_err();
        let expected = "--ignore: expected a pattern such as 'charts/**', found 'a[': ";
        assert!(error.to_string().starts_with(expected), "{error}");
    }

    #[test]
    fn goes_on_if_a_directory_has_something_else() {
        let root = tempfile::tempdir().unwrap();
        for (file, text) in [
            ("Chart.yaml", "apiVersion: v2\nname: x\n"),
            ("a.yaml", "{{- if .x }}\nkind: X\n{{- end }}\n"),
            ("b.yaml", "- {op: add, path: /a}\n"),
            ("c.json", "// comment\n{}"),
            ("d.yaml", "a: b\n"),
            (
                "e.yaml",
                "apiVersion: v1\nkind: Pod\nmetadata: {name: e}\n---\na: [\n",
            ),
            ("f.yaml", "a: b\n---\n5\n"),
        ] {
            fs::write(root.path().join(file), text).unwrap();
        }
        let found = find(&[root.path().to_owned()], &[]).unwrap();
        assert_eq!(briefs(&found.errors, root.path()), [""; 0]);
        assert_eq!(
            briefs(&found.passed_over, root.path()),
            [
                "Chart.yaml: no kind",
                "a.yaml: a template of Helm",
                "b.yaml: a list of patches",
                "c.json: not JSON, line 1, column 1",
                "e.yaml: not YAML, line 6, column 1",
                "f.yaml: a number",
            ]
        );
        assert_eq!(found.manifests.len(), 1);
        let named = [root.path().join("b.yaml"), "/no/such/file.yaml".into()];
        let found = find(&named, &[]).unwrap();
        assert_eq!(
            briefs(&found.errors, root.path()),
            [
                "b.yaml: a list of patches",
                "/no/such/file.yaml: cannot be read: No such file or directory (os error 2)",
            ]
        );
        assert!(found.is_named("/no/such/file.yaml"));
    }

    #[cfg(unix)]
    #[test]
    fn follows_links_and_passes_over_circles() {
        use std::os::unix::fs::symlink;

        let root = tempfile::tempdir().unwrap();
        let at = |name: &str| root.path().join(name);
        fs::create_dir(at("d")).unwrap();
        fs::write(at("d/a.yaml"), pod("a")).unwrap();
        symlink(at("d"), at("e")).unwrap();
        symlink(at("nowhere"), at("notes")).unwrap();
        let passed_over = || {
            let found = find(&[root.path().to_owned()], &[]).unwrap();
            assert_eq!(found.manifests.len(), 1);
            briefs(&found.passed_over, root.path())
        };
        assert_eq!(passed_over(), [""; 0]);
        symlink(at("d"), at("d/loop")).unwrap();
        assert_eq!(
            passed_over().first().map(String::as_str),
            Some("d/loop: a link back to d")
        );
        fs::remove_file(at("d/loop")).unwrap();
        symlink(at("nowhere"), at("b.yaml")).unwrap();
        assert_eq!(
            passed_over(),
            ["b.yaml: cannot be read: No such file or directory (os error 2)"]
        );
    }
}
