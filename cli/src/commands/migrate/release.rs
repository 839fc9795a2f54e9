//! What the releases of the webhook differ in.

use std::fmt;

use anyhow::{Result, bail};
use azure_workload_identity_policy::layout::Layout;
use azure_workload_identity_policy::messages::Excerpt;
use azure_workload_identity_policy::settings::OptIn;

/// A release of the webhook.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Release {
    major: u32,
    minor: u32,
    patch: u32,
}

/// The first release with the labels and annotations of today.
const FIRST: Release = Release::new(0, 4, 0);

/// The first release whose webhook is sent only pods with the label.
const FIRST_STABLE: Release = Release::new(1, 0, 0);

/// The latest release that this program knows.
const LATEST: Release = Release::new(1, 6, 3);

impl Release {
    const fn new(major: u32, minor: u32, patch: u32) -> Self {
        Self {
            major,
            minor,
            patch,
        }
    }

    /// Reads a release such as `v1.5.1`; what follows after a hyphen does not matter.
    ///
    /// # Errors
    ///
    /// What is no release, and releases whose labels and annotations had other names.
    pub fn read(text: &str) -> Result<Self> {
        let found = Excerpt::new(text);
        let number = text.strip_prefix('v').unwrap_or(text);
        let number = number.split(['-', '+']).next().unwrap_or_default();
        let parts: Vec<Option<u32>> = number.split('.').map(|part| part.parse().ok()).collect();
        let [Some(major), Some(minor), Some(patch)] = *parts.as_slice() else {
            bail!("expected a release of the webhook such as v1.5.1, found {found}");
        };
        let release = Self::new(major, minor, patch);
        if release < FIRST {
            bail!(
                "expected a release of the webhook from {FIRST} on, found {found}, whose labels and annotations had other names; \
                 help: update the webhook to v0.7.0 first"
            );
        }
        Ok(release)
    }

    /// What makes a pod get its identity.
    pub fn opt_in(self) -> OptIn {
        if self < Self::new(0, 15, 0) {
            OptIn::ServiceAccountLabel
        } else if self < FIRST_STABLE {
            OptIn::Either
        } else {
            OptIn::PodLabel
        }
    }

    /// Name and paths of the token volume.
    pub fn layout(self) -> Layout {
        if self < Self::new(0, 8, 0) {
            Layout::V0_7
        } else if self < Self::new(1, 6, 0) {
            Layout::V1_5
        } else if self < Self::new(1, 6, 1) {
            Layout::V1_6_0
        } else {
            Layout::V1_6_1
        }
    }

    /// Whether a pod is let through if the webhook cannot be asked.
    pub fn lets_through(self) -> bool {
        self < FIRST_STABLE
    }

    /// Whether its proxy is always an ordinary container.
    pub fn has_ordinary_proxy(self) -> bool {
        self < Self::new(1, 5, 0)
    }

    /// Whether it is newer than all that is known.
    pub fn is_unknown(self) -> bool {
        self > LATEST
    }
}

impl fmt::Display for Release {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            major,
            minor,
            patch,
        } = self;
        write!(f, "v{major}.{minor}.{patch}")
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn later_releases_are_like_the_latest() {
        for (text, is_unknown) in [("v1.6.3", false), ("v1.6.4", true), ("v2.0.0", true)] {
            let release = Release::read(text).unwrap();
            let found = (release.opt_in(), release.layout(), release.is_unknown());
            assert_eq!(found, (OptIn::PodLabel, Layout::V1_6_1, is_unknown));
        }
    }

    #[test]
    fn the_documentation_says_the_same() {
        let path = concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/../docs/migrating-from-the-webhook.md"
        );
        let docs = fs::read_to_string(path).unwrap();
        let (_, table) = docs
            .split_once("| release | `optIn` | `layout` |\n")
            .unwrap();
        let mut rows = 0;
        for row in table.lines().skip(1).take_while(|row| row.starts_with('|')) {
            let cells: Vec<_> = row.split('|').map(str::trim).collect();
            let bounds = cells[1].replace(" to ", " ");
            for bound in bounds.split(' ').filter(|word| word.starts_with('v')) {
                let dots = bound.matches('.').count();
                let release = Release::read(&format!("{bound}{}", ".0".repeat(2 - dots))).unwrap();
                let expected = format!("`{}`", release.layout().name());
                assert!(cells[3].starts_with(&expected), "{row}");
                let expected = format!("`{}`", release.opt_in().name());
                assert!(cells[2].starts_with(&expected), "{row}");
                rows += 1;
            }
        }
        assert_eq!(rows, 9);
    }

    #[test]
    fn tags_may_have_more() {
        for (text, expected) in [
            ("1.5.1", "v1.5.1"),
            ("v1.5.1-2", "v1.5.1"),
            ("v1.6.0-beta.1+abc", "v1.6.0"),
        ] {
            assert_eq!(Release::read(text).unwrap().to_string(), expected);
        }
    }

    #[test]
    fn says_what_is_no_release() {
        for text in ["", "latest", "v1.5", "v1.5.1.2", "v1.x.0"] {
            let expected =
                format!("expected a release of the webhook such as v1.5.1, found \"{text}\"");
            assert_eq!(Release::read(text).unwrap_err().to_string(), expected);
        }
        assert_eq!(
            Release::read("v0.3.0").unwrap_err().to_string(),
            "expected a release of the webhook from v0.4.0 on, found \"v0.3.0\", whose labels and annotations had other names; help: \
             update the webhook to v0.7.0 first"
        );
    }
}
