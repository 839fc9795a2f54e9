//! The two documents of an OpenID issuer.

use std::collections::BTreeSet;

use anyhow::Result;
use serde_json::{Value, json};

use super::keys::Key;
use crate::entra::issuer;

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
        issuer::checked("--url", url)?;
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
}
