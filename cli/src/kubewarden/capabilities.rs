//! The host capabilities that Kubewarden knows, and which of them a policy may use.

use thiserror::Error;

/// Every host capability, as `namespace/operation`.
pub const KNOWN: [&str; 11] = [
    "crypto/v1/is_certificate_trusted",
    "kubernetes/can_i",
    "kubernetes/get_resource",
    "kubernetes/list_resources_all",
    "kubernetes/list_resources_by_namespace",
    "net/v1/dns_lookup_host",
    "oci/v1/manifest_digest",
    "oci/v1/oci_manifest",
    "oci/v1/oci_manifest_config",
    "oci/v1/verify",
    "oci/v2/verify",
];

/// A pattern that is not a capability, or not one that Kubewarden knows.
#[derive(Debug, Error, PartialEq, Eq)]
#[error(
    "expected a host capability such as 'kubernetes/get_resource', 'oci/*' or '*', found '{0}'"
)]
pub struct UnknownCapability(String);

/// The capabilities that a policy may use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Capabilities(Vec<String>);

impl Capabilities {
    /// All capabilities: kwctl's default.
    pub fn all() -> Self {
        Self(vec!["*".to_owned()])
    }

    /// The capabilities that match one of `patterns`: `*`, a prefix such as `oci/*` or `oci/v1/*`, or a full name.
    ///
    /// # Errors
    ///
    /// The first pattern that matches no capability.
    pub fn new<S: AsRef<str>>(patterns: &[S]) -> Result<Self, UnknownCapability> {
        patterns
            .iter()
            .map(|pattern| pattern.as_ref().trim())
            .map(|pattern| {
                let mut known = KNOWN.iter();
                if known.any(|capability| matches(pattern, capability)) {
                    Ok(pattern.to_owned())
                } else {
                    Err(UnknownCapability(pattern.to_owned()))
                }
            })
            .collect::<Result<_, _>>()
            .map(Self)
    }

    /// Whether `capability`, as `namespace/operation`, may be used.
    pub fn allow(&self, capability: &str) -> bool {
        self.0.iter().any(|pattern| matches(pattern, capability))
    }
}

/// Whether `capability` is the one that `pattern` names, or one below the path before its `/*`.
fn matches(pattern: &str, capability: &str) -> bool {
    match pattern.strip_suffix('*') {
        Some("") => true,
        Some(prefix) => prefix.ends_with('/') && capability.starts_with(prefix),
        None => pattern == capability,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn allows_what_the_patterns_cover() {
        let cases: [(&[&str], &str, bool); 9] = [
            (&[], "oci/v1/verify", false),
            (&["*"], "kubernetes/get_resource", true),
            (&["*"], "unknown/operation", true),
            (
                &["kubernetes/get_resource"],
                "kubernetes/get_resource",
                true,
            ),
            (&["kubernetes/get_resource"], "kubernetes/can_i", false),
            (&["oci/*"], "oci/v2/verify", true),
            (&["oci/v1/*"], "oci/v2/verify", false),
            (
                &["oci/v1/oci_manifest"],
                "oci/v1/oci_manifest_config",
                false,
            ),
            (
                &["oci/*", "net/v1/dns_lookup_host"],
                "net/v1/dns_lookup_host",
                true,
            ),
        ];
        for (patterns, capability, expected) in cases {
            let capabilities = Capabilities::new(patterns).unwrap();
            assert_eq!(
                capabilities.allow(capability),
                expected,
                "{patterns:?} {capability}"
            );
        }
    }

    #[test]
    fn refuses_patterns_that_match_nothing() {
        for pattern in [
            "",
            "oci",
            "oci*",
            "oci/v1/oci_*",
            "*/verify",
            "oci/v9/*",
            "unknown/*",
            "kubernetes/get",
        ] {
            assert_eq!(
                Capabilities::new(&[pattern]),
                Err(UnknownCapability(pattern.to_owned()))
            );
        }
    }
}
