//! Paths in a container, compared as the kubelet and the container see them.

/// The directory of the token volume.
#[derive(Clone, Debug)]
pub struct Directory<'p> {
    steps: Vec<&'p str>,
    is_windows: bool,
}

/// What a path is to a directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Relation {
    /// The same directory.
    Same,
    /// A directory that the other one is in.
    Parent,
    /// In the directory, at this path.
    Within(String),
    /// None of these.
    Apart,
}

impl<'p> Directory<'p> {
    /// The directory at this absolute path.
    pub fn new(path: &'p str, is_windows: bool) -> Self {
        Self {
            steps: steps(path, is_windows),
            is_windows,
        }
    }

    /// What a path is to it. Only the cleaned paths matter: `.`, `..`, doubled and final slashes mean nothing, in most Linux
    /// images `/var/run` is `/run`, and on Windows neither case nor drive matters.
    pub fn relation(&self, path: &str) -> Relation {
        if !self.is_windows && is_outside_of_run(path) {
            return Relation::Apart;
        }
        let found = steps(path, self.is_windows);
        let same = |(one, other): (&&str, &&str)| {
            if self.is_windows {
                one.eq_ignore_ascii_case(other)
            } else {
                one == other
            }
        };
        if !found.iter().zip(&self.steps).all(same) {
            // On Linux, /var alone is a parent of /var/run, which is /run.
            let is_var = !self.is_windows && found == ["var"];
            return if is_var {
                Relation::Parent
            } else {
                Relation::Apart
            };
        }
        match found.get(self.steps.len()..) {
            Some([]) => Relation::Same,
            Some(rest) => Relation::Within(rest.join("/")),
            None => Relation::Parent,
        }
    }
}

/// Whether a file at `file` is at the path `covered`, or in it.
pub fn covers(covered: &str, file: &str) -> bool {
    file.strip_prefix(covered)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// Whether a path is neither in `/run` or `/var` nor one of the rare ones that must be cleaned to know: most paths are, and
/// are found to be so without an allocation.
fn is_outside_of_run(path: &str) -> bool {
    let Some(rest) = path.strip_prefix('/') else {
        return false;
    };
    let mut before = b'.';
    let is_rare = rest.bytes().any(|byte| {
        let is_climbing = byte == b'.' && before == b'.';
        before = byte;
        is_climbing
    });
    let step = rest.strip_prefix("var/").unwrap_or(rest);
    let is_inside = step.is_empty()
        || ["/", ".", "run", "var"]
            .iter()
            .any(|start| step.starts_with(start));
    !is_rare && !is_inside
}

/// The steps of a cleaned path, from the root.
fn steps(path: &str, is_windows: bool) -> Vec<&str> {
    let is_separator = |character| character == '/' || is_windows && character == '\\';
    let mut steps = Vec::new();
    for step in path.split(is_separator) {
        match step {
            "" | "." => {}
            ".." => {
                steps.pop();
            }
            drive if is_windows && steps.is_empty() && drive.ends_with(':') => {}
            step => steps.push(step),
        }
    }
    if !is_windows && steps.starts_with(&["var", "run"]) {
        steps.remove(0);
    }
    steps
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOKENS: &str = "/var/run/secrets/azure/tokens";

    #[test]
    fn paths_are_compared_as_the_container_sees_them() {
        let within = |rest: &str| Relation::Within(rest.to_owned());
        for (path, linux, windows) in [
            (TOKENS, Relation::Same, Relation::Same),
            (
                "/var/run//secrets/azure/./tokens/",
                Relation::Same,
                Relation::Same,
            ),
            (
                "var/run/secrets/azure/tokens",
                Relation::Same,
                Relation::Same,
            ),
            ("/run/secrets/azure/tokens", Relation::Same, Relation::Apart),
            (
                "/var/run/../run/secrets/azure/tokens",
                Relation::Same,
                Relation::Same,
            ),
            (
                "/etc/../run/secrets/azure/tokens",
                Relation::Same,
                Relation::Apart,
            ),
            (
                "/../../var/run/secrets/azure/tokens/x/..",
                Relation::Same,
                Relation::Same,
            ),
            (
                r"C:\var\run\secrets\azure\tokens",
                Relation::Apart,
                Relation::Same,
            ),
            (
                r"c:\VAR\run\secrets\azure\Tokens\",
                Relation::Apart,
                Relation::Same,
            ),
            (
                "/VAR/run/secrets/azure/tokens",
                Relation::Apart,
                Relation::Same,
            ),
            (
                "/var/run/secrets/azure/tokens/..",
                Relation::Parent,
                Relation::Parent,
            ),
            ("/var/run/secrets", Relation::Parent, Relation::Parent),
            ("/run", Relation::Parent, Relation::Apart),
            ("/var", Relation::Parent, Relation::Parent),
            ("/", Relation::Parent, Relation::Parent),
            ("", Relation::Parent, Relation::Parent),
            (r"C:\", Relation::Apart, Relation::Parent),
            (
                "/var/run/secrets/azure/tokens/a//b",
                within("a/b"),
                within("a/b"),
            ),
            (
                "/var/run/secrets/azure/tokens2",
                Relation::Apart,
                Relation::Apart,
            ),
            ("/var/lib", Relation::Apart, Relation::Apart),
            ("/data", Relation::Apart, Relation::Apart),
            ("/data/..", Relation::Parent, Relation::Parent),
        ] {
            assert_eq!(
                Directory::new(TOKENS, false).relation(path),
                linux,
                "{path}"
            );
            assert_eq!(
                Directory::new(TOKENS, true).relation(path),
                windows,
                "{path}"
            );
        }
    }

    #[test]
    fn a_file_is_covered_by_what_it_is_in() {
        for (covered, file, expected) in [
            ("token", "token/azure-identity-token", true),
            (
                "token/azure-identity-token",
                "token/azure-identity-token",
                true,
            ),
            ("tok", "token/azure-identity-token", false),
            (
                "token/azure-identity-token/x",
                "token/azure-identity-token",
                false,
            ),
            ("extra", "azure-identity-token", false),
        ] {
            assert_eq!(covers(covered, file), expected, "{covered} {file}");
        }
    }
}
