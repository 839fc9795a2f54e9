//! The two documents of an OpenID issuer.

use std::collections::BTreeSet;

use anyhow::{Result, bail};
use azure_workload_identity_policy::messages::Excerpt;
use fluent_uri::Uri;
use serde_json::{Value, json};

use super::keys::Key;

/// Where the discovery document is, below the issuer's URL.
pub const DISCOVERY: &str = ".well-known/openid-configuration";

/// Where the key set is, below the issuer's URL, as in the API server.
pub const KEY_SET: &str = "openid/v1/jwks";

/// The field of the discovery document with the issuer's URL, which is in tokens.
pub const ISSUER: &str = "issuer";

/// The field of the discovery document with the URL of the key set.
pub const JWKS_URI: &str = "jwks_uri";

/// The field of the discovery document with the algorithms of signatures.
pub const ALGORITHMS: &str = "id_token_signing_alg_values_supported";

/// The field of a key set.
pub const KEYS: &str = "keys";

/// The documents of an issuer.
#[derive(Debug, PartialEq)]
pub struct Documents {
    /// What the issuer is, and where its keys are.
    pub discovery: Value,
    /// The keys.
    pub key_set: Value,
}

impl Documents {
    /// The documents of the issuer `url`, whose tokens are signed with one of `keys`.
    ///
    /// # Errors
    ///
    /// A URL that an issuer cannot have.
    pub fn new(url: &str, keys: &[Key]) -> Result<Self> {
        check(url)?;
        let algorithms: BTreeSet<_> = keys.iter().map(|key| key.algorithm).collect();
        let keys: Vec<_> = keys.iter().map(Key::as_json).collect();
        Ok(Self {
            discovery: json!({
                ISSUER: url,
                // A slash at the end of the issuer is not doubled.
                JWKS_URI: format!("{}/{KEY_SET}", url.trim_end_matches('/')),
                "response_types_supported": ["id_token"],
                "subject_types_supported": ["public"],
                ALGORITHMS: algorithms,
            }),
            key_set: json!({KEYS: keys}),
        })
    }
}

/// Whether an issuer can have this URL.
fn check(url: &str) -> Result<()> {
    const EXPECTED: &str = "--url: expected https://HOST or https://HOST/PATH, the --service-account-issuer of the API server";
    let found = Excerpt::new(url);
    let Ok(uri) = Uri::parse(url) else {
        bail!("{EXPECTED}, found {found}");
    };
    let authority = uri.authority();
    let has_host = authority.is_some_and(|authority| !authority.host().is_empty());
    let has_user = authority.is_some_and(|authority| authority.userinfo().is_some());
    let reason = match uri.scheme().as_str() {
        "https" if !has_host => "no host",
        "https" if has_user => "a user in it",
        "https" if uri.query().is_some() => "a query, after ?",
        "https" if uri.fragment().is_some() => "a fragment, after #",
        "https" => return Ok(()),
        "http" => "http, from which Entra ID gets no keys",
        _ => "another scheme; write https:// in lower case",
    };
    bail!("{EXPECTED}, found {found}: {reason}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_issuer_is_an_https_url_and_stays_as_it_is() {
        for (url, key_set) in [
            ("https://example.com", "https://example.com/openid/v1/jwks"),
            ("https://example.com/", "https://example.com/openid/v1/jwks"),
            (
                "https://example.com:8443/a/b/",
                "https://example.com:8443/a/b/openid/v1/jwks",
            ),
            (
                "https://example.blob.core.windows.net/$web/",
                "https://example.blob.core.windows.net/$web/openid/v1/jwks",
            ),
        ] {
            let Documents { discovery, .. } = Documents::new(url, &[]).unwrap();
            let expected = json!({
                "issuer": url,
                "jwks_uri": key_set,
                "response_types_supported": ["id_token"],
                "subject_types_supported": ["public"],
                "id_token_signing_alg_values_supported": [],
            });
            assert_eq!(discovery, expected);
        }
    }

    #[test]
    fn rejects_what_no_issuer_is() {
        for (url, reason) in [
            ("", ""),
            ("example.com", ""),
            ("https://exa mple.com", ""),
            ("https://", ": no host"),
            ("https:///a", ": no host"),
            (
                "http://example.com",
                ": http, from which Entra ID gets no keys",
            ),
            (
                "HTTPS://example.com",
                ": another scheme; write https:// in lower case",
            ),
            (
                "kubernetes:svc",
                ": another scheme; write https:// in lower case",
            ),
            ("https://me@example.com", ": a user in it"),
            ("https://example.com/?a=b", ": a query, after ?"),
            ("https://example.com/#a", ": a fragment, after #"),
        ] {
            let error = Documents::new(url, &[]).unwrap_err().to_string();
            let expected = format!(
                "--url: expected https://HOST or https://HOST/PATH, the --service-account-issuer of the API server, found \"{url}\"{reason}"
            );
            assert_eq!(error, expected);
        }
    }
}
