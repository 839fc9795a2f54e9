//! `azwi-policy diagnose` names the cause of each error that people have reported, and no part of a token gets into what it says,
//! wherever the token is and whatever is left of it.

#![allow(
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::string_slice,
    clippy::unwrap_used,
    reason = "a test fails by panicking"
)]

use std::fs::File;
use std::path::Path;
use std::process::Command;

use azwi_policy::commands::diagnose::{Diagnosis, Evidence, Format, of_claims, of_refusal};
use azwi_policy::entra::claims::Claims;
use azwi_policy::entra::refusal;
use azwi_policy::output;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use proptest::prelude::*;
use serde_json::{Value, json};

/// How much of a token may be in an output by accident.
const SHORT: usize = 12;

/// Errors with places for a token.
const FORMS: [&str; 10] = [
    "AADSTS70021: No matching federated identity record found for presented assertion. Assertion Issuer: '@'. Assertion Subject: '@'. \
     Assertion Audience: '@'.",
    "AADSTS700213: No matching federated identity record found for presented assertion subject '@'.",
    "POST https://login.microsoftonline.com/@/oauth2/v2.0/token client_id=@&client_assertion=@&scope=x AADSTS700016: Application with \
     identifier '@' was not found in the directory '@'.",
    "@ AADSTS700024: Client assertion is not within its valid time range. Current time: @, assertion valid from @, expiry time of \
     assertion @.",
    "AADSTS90002: Tenant '@' not found. Authorization: Bearer @",
    "{\"error\":\"invalid_client\",\"error_description\":\"AADSTS500011: The resource principal named @ was not found in the tenant named \
     @.\",\"client_assertion\":\"@\"}",
    "WorkloadIdentityCredential: open /var/run/secrets/@/token: no such file or directory @",
    "AuthorizationFailed: The client '@' with object id '@' does not have authorization to perform action '@' over scope '/@'",
    "AADSTS70025: The client '@'(@) has no configured federated identity credentials. AADSTS@",
    "az login --service-principal --federated-token @ ERROR: AADSTS700212: No matching federated identity record found for presented \
     assertion audience '@'.",
];

/// All that is printed of a diagnosis.
fn printed(diagnosis: &Diagnosis) -> String {
    let mut output = Vec::new();
    for format in [Format::Text, Format::Json] {
        output::diagnosis::write(&mut output, diagnosis, format, None).unwrap();
    }
    String::from_utf8(output).unwrap()
}

/// A piece of the token that is in the text.
fn leaked<'t>(token: &'t str, text: &str) -> Option<&'t str> {
    let starts = 0..token.len().saturating_sub(SHORT - 1);
    starts
        .map(|start| &token[start..start + SHORT])
        .find(|piece| text.contains(piece))
}

fn token() -> impl Strategy<Value = String> {
    let claims = (any::<u32>(), "[a-z]{1,12}", "[a-zA-Z0-9]{20,60}");
    (claims, any::<[u8; 32]>(), any::<[u8; 32]>()).prop_map(|((time, name, id), one, two)| {
        let part = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        let header = json!({"alg": "RS256", "kid": id}).to_string();
        let payload = json!({
            "aud": ["api://AzureADTokenExchange"],
            "exp": time,
            "iss": "https://oidc.example.com/",
            "jti": id,
            "sub": format!("system:serviceaccount:shop:{name}"),
        });
        let signature = [one, two].concat();
        let payload = payload.to_string();
        [
            part(header.as_bytes()),
            part(payload.as_bytes()),
            part(&signature),
        ]
        .join(".")
    })
}

/// What a log may keep of a token: all, its beginning, or the end with at least its last 60 characters.
fn rest() -> impl Strategy<Value = (String, String)> {
    (token(), 0..3_u8, any::<prop::sample::Index>()).prop_map(|(token, kind, index)| {
        let end = token.len();
        let kept = match kind {
            0 => token.clone(),
            1 => token[..3 + index.index(end - 3)].to_owned(),
            _ => token[index.index(end - 60)..].to_owned(),
        };
        (token, kept)
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn no_token_in_an_error_is_printed((token, kept) in rest(), form in 0..FORMS.len(), escapes in 0..3_u8) {
        let mut text = FORMS[form].replace('@', &kept);
        for _ in 0..escapes {
            text = text.replace('\\', "\\\\").replace('"', "\\\"");
        }
        let said = match refusal::read(&text) {
            Ok(refusal) => printed(&of_refusal(refusal, &Evidence::default())),
            Err(codes) => format!("{codes:?}"),
        };
        prop_assert_eq!(leaked(&token, &said), None, "{}", said);
    }

    #[test]
    fn no_part_of_a_token_whose_claims_are_read_is_printed((token, kept) in rest(), now in any::<u32>()) {
        let said = match Claims::read(&kept) {
            Ok(claims) => {
                let now = Timestamp::from_second(now.into()).unwrap();
                printed(&of_claims(&claims, now, &Evidence::default()))
            }
            Err(error) => error.to_string(),
        };
        prop_assert_eq!(leaked(&token, &said), None, "{}", said);
    }

    #[test]
    fn any_text_is_read_without_a_panic(text in "(?s).{0,300}", words in prop::sample::select(FORMS.to_vec())) {
        let _ = refusal::read(&text);
        let text = words.replace('@', &text);
        if let Ok(refusal) = refusal::read(&text) {
            prop_assert!(!printed(&of_refusal(refusal, &Evidence::default())).is_empty());
        }
    }
}

#[test]
fn a_leak_would_be_found() {
    let token = "abcdefghijklmnop";
    assert_eq!(leaked(token, "x bcdefghijklm x"), Some("bcdefghijklm"));
    assert_eq!(leaked(token, "x bcdefghijkl x"), None);
    let claims = Claims {
        subject: Some(token.to_owned()),
        ..Claims::default()
    };
    let said = printed(&of_claims(
        &claims,
        Timestamp::UNIX_EPOCH,
        &Evidence::default(),
    ));
    assert_eq!(leaked(token, &said), Some("abcdefghijkl"));
}

/// The texts of errors, in the forms of what people have reported, with what they had, and the cause.
const REPORTED: [(&str, &str, &[&str], &str); 14] = [
    (
        "azure-workload-identity#340",
        "final-slash",
        &[
            "--existing",
            "shop-issuers.json",
            "--existing",
            "identities.json",
            "shop.yaml",
        ],
        "issuer-spelling",
    ),
    (
        "azure-workload-identity#616",
        "in-cluster",
        &["shop.yaml"],
        "issuer-in-cluster",
    ),
    (
        "azure-workload-identity#977",
        "default-account",
        &["bare.yaml"],
        "default-service-account",
    ),
    (
        "azure-workload-identity#1200",
        "issuer",
        &[
            "--existing",
            "shop-issuers.json",
            "--existing",
            "identities.json",
            "shop.yaml",
        ],
        "issuer-spelling",
    ),
    (
        "azure-workload-identity#1363",
        "chained",
        &["shop.yaml"],
        "entra-token",
    ),
    (
        "azure-workload-identity#1675",
        "audience",
        &["shop.yaml"],
        "audience",
    ),
    (
        "external-secrets#2783",
        "no-credential",
        &[
            "--existing",
            "8f1c2a7e-5d3b-4c59-9a57-0b6f4f0f9d11=shop.json",
        ],
        "credential-missing",
    ),
    (
        "AKS#3616",
        "namespace",
        &[
            "--existing",
            "shop-wrong.json",
            "--existing",
            "identities.json",
            "shop.yaml",
        ],
        "other-namespace",
    ),
    (
        "keda#4597",
        "other-account",
        &[
            "--existing",
            "shop.json",
            "--existing",
            "identities.json",
            "shop.yaml",
        ],
        "other-service-account",
    ),
    (
        "AADSTS700016",
        "object-id",
        &["--existing", "identities.json", "object-id.yaml"],
        "object-id",
    ),
    (
        "AADSTS700016",
        "wrong-tenant",
        &["--existing", "identities.json", "shop.yaml"],
        "wrong-tenant",
    ),
    ("AADSTS700024", "expired", &["shop.yaml"], "expired-token"),
    (
        "AADSTS90061",
        "unreachable",
        &["shop.yaml"],
        "issuer-unreachable",
    ),
    (
        "azure-workload-identity#751",
        "not-configured",
        &["idle.yaml"],
        "not-opted-in",
    ),
];

/// The policy, as built by make annotated-policy.wasm.
const MODULE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../annotated-policy.wasm");

#[test]
fn each_reported_error_has_its_one_cause() {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("../test_data/preview/entra");
    for (report, error, arguments, rule) in REPORTED {
        let text = directory.join("errors").join(format!("{error}.txt"));
        let run = Command::new(env!("CARGO_BIN_EXE_azwi-policy"))
            .args([
                "diagnose",
                "-o",
                "json",
                "-s",
                "settings.yaml",
                "--module",
                MODULE,
            ])
            .args(arguments)
            .current_dir(&directory)
            .stdin(File::open(text).unwrap())
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&run.stderr);
        assert_eq!(run.status.code(), Some(0), "{report}: {said}");
        let diagnosis: Value = serde_json::from_slice(&run.stdout).unwrap();
        assert_eq!(diagnosis["cause"]["rule"], rule, "{report}: {diagnosis:#}");
    }
}
