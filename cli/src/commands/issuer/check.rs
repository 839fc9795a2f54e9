//! Documents that an issuer has, compared with those that it should have.

use anyhow::{Result, bail};
use azure_workload_identity_policy::messages::Excerpt;
use serde_json::Value;

use super::documents::{ALGORITHMS, Documents, ISSUER, JWKS_URI, KEYS};
use super::keys::Key;
use crate::input::manifests::name_of_type;

/// What Entra ID says of a token whose key is not in the key set.
const KEY_NOT_FOUND: &str = "AADSTS7000272";

/// Members of a JSON Web Key that only private keys and shared secrets have.
const PRIVATE: [&str; 7] = ["d", "p", "q", "dp", "dq", "qi", "k"];

/// What a comparison finds.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Compared {
    /// What must be changed.
    pub differences: Vec<String>,
    /// What may be as it is.
    pub notes: Vec<String>,
}

/// Compares the document `text` of `file` with what it should be: a discovery document or a key set, whichever it is.
///
/// # Errors
///
/// A text that is neither.
pub fn compare(file: &str, text: &str, expected: &Documents, keys: &[Key]) -> Result<Compared> {
    const EXPECTED: &str =
        "expected a discovery document with issuer and jwks_uri, or a key set with keys";
    let found: Value = match serde_json::from_str(text) {
        Ok(value) => value,
        Err(_) if text.trim_start().starts_with('<') => {
            bail!("{file}: {EXPECTED}, found HTML or XML; help: fetch it with curl --fail")
        }
        Err(error) => bail!("{file}: {EXPECTED}, found what is not JSON: {error}"),
    };
    let mut compared = Compared::default();
    if let Some(found) = found.get(KEYS) {
        let Some(found) = found.as_array() else {
            let name = name_of_type(found);
            bail!("{file}: keys: expected a list, found {name}");
        };
        compare_keys(found, keys, &mut compared);
    } else if [ISSUER, JWKS_URI]
        .iter()
        .any(|field| found.get(field).is_some())
    {
        compared.differences = differences_of_discovery(&found, &expected.discovery);
    } else {
        bail!("{file}: {EXPECTED}, found {}", name_of_type(&found));
    }
    Ok(compared)
}

fn differences_of_discovery(found: &Value, expected: &Value) -> Vec<String> {
    let mut differences = Vec::new();
    for field in [ISSUER, JWKS_URI] {
        let expected = expected.get(field).and_then(Value::as_str);
        let expected = expected.unwrap_or_default();
        let wanted = Excerpt::new(expected);
        let help = match field {
            ISSUER => "it must be the iss of tokens, byte for byte",
            _ => "Entra ID gets the keys from there",
        };
        differences.extend(match found.get(field) {
            None => Some(format!("{field}: expected {wanted}, found nothing; {help}")),
            Some(Value::String(found)) if found == expected => None,
            Some(Value::String(found)) => {
                let is_slash = found.trim_end_matches('/') == expected.trim_end_matches('/');
                let slash = if is_slash {
                    ", which differs in the slash at the end"
                } else {
                    ""
                };
                let found = Excerpt::new(found);
                Some(format!(
                    "{field}: expected {wanted}, found {found}{slash}; {help}"
                ))
            }
            Some(other) => {
                let found = name_of_type(other);
                Some(format!("{field}: expected {wanted}, found {found}; {help}"))
            }
        });
    }
    for field in [
        "response_types_supported",
        "subject_types_supported",
        ALGORITHMS,
    ] {
        let list = |of: &Value| of.get(field).and_then(Value::as_array).cloned();
        let found = list(found).unwrap_or_default();
        let missing = list(expected).unwrap_or_default();
        let missing = missing.iter().filter(|value| !found.contains(value));
        differences.extend(
            missing.map(|value| format!("{field}: expected {value} in it, found only others")),
        );
    }
    differences
}

fn compare_keys(found: &[Value], keys: &[Key], compared: &mut Compared) {
    let id_of = |key: &Value| key.get("kid").and_then(Value::as_str).map(str::to_owned);
    for key in keys {
        let Key { file, id, .. } = key;
        let expected = key.as_json();
        let own = found
            .iter()
            .filter(|found| id_of(found).as_ref() == Some(id));
        let own: Vec<_> = own.collect();
        for found in &own {
            let members = expected.as_object().into_iter().flatten();
            let differing: Vec<_> = members
                .filter(|(name, value)| found.get(name) != Some(value))
                // These two may be left out.
                .filter(|(name, _)| {
                    !(["use", "alg"].contains(&name.as_str()) && found.get(name).is_none())
                })
                .map(|(name, _)| name.as_str())
                .collect();
            if !differing.is_empty() {
                compared.differences.push(format!(
                    "key {id}: {} not as in {file}: tokens that this key signs are refused",
                    are(&differing)
                ));
            }
        }
        if own.is_empty() {
            let is_same = |found: &&Value| {
                let members = ["kty", "n", "e", "crv", "x", "y"];
                members
                    .iter()
                    .all(|name| found.get(name) == expected.get(name))
            };
            let instead = match found.iter().find(is_same).map(id_of) {
                Some(Some(other)) => format!("is there as {}", Excerpt::new(&other)),
                Some(None) => "is there without kid".to_owned(),
                None => "is missing".to_owned(),
            };
            compared.differences.push(format!(
                "key {id} of {file} {instead}: tokens that it signs are refused with {KEY_NOT_FOUND}"
            ));
        }
    }
    for (index, found) in found.iter().enumerate() {
        let id = id_of(found);
        let name = match &id {
            Some(id) => Excerpt::new(id).to_string(),
            None => format!("number {}", index.saturating_add(1)),
        };
        let private: Vec<_> = PRIVATE
            .into_iter()
            .filter(|member| found.get(member).is_some())
            .collect();
        if !private.is_empty() {
            compared.differences.push(format!(
                "key {name}: has {}, parts of a private key: whoever reads the document can sign tokens; help: replace the key pair",
                private.join(", ")
            ));
        }
        if !keys.iter().any(|key| Some(&key.id) == id.as_ref()) {
            compared.notes.push(format!(
                "key {name} is in none of the files: it has to stay while tokens that it signed are valid, up to 24 hours by the \
                 policy, and should go then"
            ));
        }
    }
}

/// `n is` or `n and e are`.
fn are(names: &[&str]) -> String {
    match names {
        [one] => format!("{one} is"),
        several => format!("{} are", several.join(" and ")),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::keys;
    use super::*;

    const URL: &str = "https://example.com/a";

    const ID: &str = "MrHPv4siuOhMICD1vtCuvJ8dB75Z8rabv-xWoDTlv40";

    fn key() -> Key {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../test_data/issuer/sa.pub");
        let text = std::fs::read_to_string(path).unwrap();
        keys::in_file("sa.pub", &text).unwrap().remove(0)
    }

    fn compared(found: &Value) -> Compared {
        let keys = [key()];
        let documents = Documents::new(URL, &keys).unwrap();
        compare("f", &found.to_string(), &documents, &keys).unwrap()
    }

    /// `of` with another value of one field, or without the field.
    fn with(mut of: Value, field: &str, value: Option<Value>) -> Value {
        let object = of.as_object_mut().unwrap();
        match value {
            Some(value) => object.insert(field.to_owned(), value),
            None => object.remove(field),
        };
        of
    }

    #[test]
    fn finds_what_differs_in_a_discovery_document() {
        let right = Documents::new(URL, &[key()]).unwrap().discovery;
        assert_eq!(compared(&right), Compared::default());
        let more = with(right.clone(), "claims_supported", Some(json!(["sub"])));
        assert_eq!(compared(&more), Compared::default());
        const ISS: &str = "it must be the iss of tokens, byte for byte";
        for (field, value, expected) in [
            (
                "issuer",
                Some(json!("https://example.com/a/")),
                format!(
                    "issuer: expected \"https://example.com/a\", found \"https://example.com/a/\", which differs in the slash at the \
                     end; {ISS}"
                ),
            ),
            (
                "issuer",
                Some(json!("https://example.com/b")),
                format!("issuer: expected \"https://example.com/a\", found \"https://example.com/b\"; {ISS}"),
            ),
            (
                "issuer",
                None,
                format!("issuer: expected \"https://example.com/a\", found nothing; {ISS}"),
            ),
            (
                "jwks_uri",
                Some(json!(5)),
                "jwks_uri: expected \"https://example.com/a/openid/v1/jwks\", found a number; Entra ID gets the keys from there"
                    .to_owned(),
            ),
            (
                "id_token_signing_alg_values_supported",
                Some(json!(["ES256"])),
                "id_token_signing_alg_values_supported: expected \"RS256\" in it, found only others".to_owned(),
            ),
            (
                "subject_types_supported",
                None,
                "subject_types_supported: expected \"public\" in it, found only others".to_owned(),
            ),
        ] {
            let expected = Compared {
                differences: vec![expected],
                notes: Vec::new(),
            };
            assert_eq!(compared(&with(right.clone(), field, value)), expected);
        }
    }

    #[test]
    fn finds_what_differs_in_a_key_set() {
        let right = key().as_json();
        let old = with(right.clone(), "kid", Some(json!("old")));
        let old = with(old, "n", Some(json!("AQ")));
        let stays = |name: &str| {
            format!(
                "key {name} is in none of the files: it has to stay while tokens that it signed are valid, up to 24 hours by the \
                 policy, and should go then"
            )
        };
        let refused = "tokens that it signs are refused with AADSTS7000272";
        let private = "parts of a private key: whoever reads the document can sign tokens; help: replace the key pair";
        for (keys, differences, notes) in [
            (vec![right.clone()], vec![], vec![]),
            (
                vec![with(with(right.clone(), "use", None), "alg", None)],
                vec![],
                vec![],
            ),
            (
                vec![right.clone(), old.clone()],
                vec![],
                vec![stays("\"old\"")],
            ),
            (
                vec![],
                vec![format!("key {ID} of sa.pub is missing: {refused}")],
                vec![],
            ),
            (
                vec![with(right.clone(), "kid", Some(json!("other")))],
                vec![format!(
                    "key {ID} of sa.pub is there as \"other\": {refused}"
                )],
                vec![stays("\"other\"")],
            ),
            (
                vec![with(right.clone(), "kid", None)],
                vec![format!(
                    "key {ID} of sa.pub is there without kid: {refused}"
                )],
                vec![stays("number 1")],
            ),
            (
                vec![with(right.clone(), "n", Some(json!("AQ")))],
                vec![format!(
                    "key {ID}: n is not as in sa.pub: tokens that this key signs are refused"
                )],
                vec![],
            ),
            (
                vec![with(with(right.clone(), "n", Some(json!("AQ"))), "e", None)],
                vec![format!(
                    "key {ID}: n and e are not as in sa.pub: tokens that this key signs are refused"
                )],
                vec![],
            ),
            (
                vec![with(right.clone(), "d", Some(json!("secret")))],
                vec![format!("key \"{ID}\": has d, {private}")],
                vec![],
            ),
        ] {
            let expected = Compared { differences, notes };
            assert_eq!(compared(&json!({"keys": keys})), expected);
        }
    }

    #[test]
    fn says_what_is_neither_document() {
        const EXPECTED: &str = "f: expected a discovery document with issuer and jwks_uri, or a key set with keys, found";
        for (text, expected) in [
            ("{}", format!("{EXPECTED} an object")),
            ("[]", format!("{EXPECTED} a list")),
            (
                "<html>",
                format!("{EXPECTED} HTML or XML; help: fetch it with curl --fail"),
            ),
            (
                "",
                format!(
                    "{EXPECTED} what is not JSON: EOF while parsing a value at line 1 column 0"
                ),
            ),
            (
                r#"{"keys": {}}"#,
                "f: keys: expected a list, found an object".to_owned(),
            ),
        ] {
            let documents = Documents::new(URL, &[]).unwrap();
            let error = compare("f", text, &documents, &[]).unwrap_err().to_string();
            assert_eq!(error, expected);
        }
    }
}
