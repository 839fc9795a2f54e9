//! Texts without the tokens and secrets in them.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use regex::{Captures, Regex, RegexBuilder};

/// What stands for a token or a secret.
const HIDDEN: &str = "(hidden)";

/// How long a text without a space is that may be a piece of a token.
const LONG: usize = 40;

/// The text without tokens and secrets: JWTs, pieces of them, and what names of parameters say to be secret.
pub fn without_tokens(text: &str) -> String {
    // Every JSON object with a field begins like this in base64.
    let jwt = r"[A-Za-z0-9_.~+/=%-]*(?-i:eyJ)[A-Za-z0-9_.~+/=%-]*";
    let named = r#"\b(?:client_assertion|access_token|refresh_token|id_token|client_secret|password)["']*\s*(?:=|:|%3D)\s*["']*([^\s"'&,;]+)"#;
    let carried = r#"(?:--federated-token|\bbearer)[\s=]+["']?([^\s"'&,;]+)"#;
    let text = pattern(jwt).replace_all(text, HIDDEN);
    let text = pattern(named).replace_all(&text, hidden);
    let text = pattern(carried).replace_all(&text, hidden);
    // The rest of a token that is cut off at its beginning.
    let run = pattern(r"[A-Za-z0-9_.-]+");
    let text = run.replace_all(&text, |found: &Captures<'_>| {
        let run = found.get(0).map_or("", |run| run.as_str());
        if is_random(run) { HIDDEN } else { run }.to_owned()
    });
    text.into_owned()
}

/// What was found, with the secret at its end hidden.
fn hidden(found: &Captures<'_>) -> String {
    let part = |index| found.get(index).map_or("", |part| part.as_str());
    let name = part(0).strip_suffix(part(1)).unwrap_or_default();
    format!("{name}{HIDDEN}")
}

/// Whether it looks like base64, of which names and hosts have not all kinds of characters.
fn is_random(run: &str) -> bool {
    let has = |kind: fn(&u8) -> bool| run.as_bytes().iter().any(kind);
    run.len() >= LONG
        && has(u8::is_ascii_uppercase)
        && has(u8::is_ascii_lowercase)
        && has(u8::is_ascii_digit)
}

/// A pattern of this program, which takes upper for lower case. It is compiled once.
#[expect(
    clippy::unwrap_used,
    reason = "patterns are written here, and tests use each"
)]
pub(super) fn pattern(text: &str) -> Regex {
    static COMPILED: Mutex<BTreeMap<String, Regex>> = Mutex::new(BTreeMap::new());
    let mut compiled = COMPILED.lock().unwrap_or_else(PoisonError::into_inner);
    let compile = || {
        let mut builder = RegexBuilder::new(text);
        builder.case_insensitive(true).build().unwrap()
    };
    compiled
        .entry(text.to_owned())
        .or_insert_with(compile)
        .clone()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_hidden_and_the_rest_is_not() {
        let rest = "cCI6MTc2NDE1MDAwMH0.c2lnbmF0dXJlLW9mLXRoZS10b2tlbi0xMjM0NTY3ODkw";
        for (text, expected) in [
            (
                "a eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJ4In0.c2ln b",
                "a (hidden) b",
            ),
            ("'eyJhbG'", "'(hidden)'"),
            (rest, "(hidden)"),
            (
                "client_assertion=abc&client_id=d",
                "client_assertion=(hidden)&client_id=d",
            ),
            (
                "\"client_secret\": \"s3cr~t\"",
                "\"client_secret\": \"(hidden)\"",
            ),
            (
                "Authorization: Bearer abc",
                "Authorization: Bearer (hidden)",
            ),
            (
                "az login --federated-token abc -u d",
                "az login --federated-token (hidden) -u d",
            ),
            (
                "client_assertion_type=urn:ietf",
                "client_assertion_type=urn:ietf",
            ),
            (
                "issuer 'https://westeurope.oic.prod-aks.azure.com/aaaabbbb-0000-cccc-1111-dddd2222eeee/'",
                "issuer 'https://westeurope.oic.prod-aks.azure.com/aaaabbbb-0000-cccc-1111-dddd2222eeee/'",
            ),
            (
                "https://oidc.eks.eu-west-1.amazonaws.com/id/EXAMPLED539D4633E53DE1B71EXAMPLE",
                "https://oidc.eks.eu-west-1.amazonaws.com/id/EXAMPLED539D4633E53DE1B71EXAMPLE",
            ),
            (
                "'client_assertion' or 'client_secret'. Trace",
                "'client_assertion' or 'client_secret'. Trace",
            ),
        ] {
            assert_eq!(without_tokens(text), expected);
        }
    }
}
