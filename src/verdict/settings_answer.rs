//! The answer to `validate_settings`.

use super::message;
use crate::findings::{About, Findings, Problem};
use crate::json::{Fault, Fields};
use crate::settings::Settings;

/// Checks settings, and gives the JSON that the host takes, a `SettingsValidationResponse` of the policy SDK.
pub fn settings_answer(settings: &[u8]) -> Vec<u8> {
    let findings = match std::str::from_utf8(settings) {
        Ok(settings) => Settings::validate(settings).err(),
        Err(_) => {
            let mut findings = Findings::default();
            let fault = Fault::new("an object", "invalid UTF-8");
            findings.reject(&About::Settings, Problem::Shape(fault));
            Some(findings)
        }
    };
    let mut answer = Fields::default();
    answer.set_bool("valid", findings.is_none());
    if let Some(findings) = findings {
        answer.set_string("message", &message(&findings, "\n"));
    }
    answer.into_object().into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;
    use kubewarden_policy_sdk::settings::SettingsValidationResponse;

    #[test]
    fn the_answer_is_that_of_the_sdk() {
        for (settings, message) in [
            (&br#"{"azureTenantID":"contoso.com"}"#[..], None),
            (
                b"\xff",
                Some("settings: expected an object, found invalid UTF-8"),
            ),
            (b"5", Some("settings: expected an object, found a number")),
            (
                br#"{"azureTenantID":5,"mode":"x"}"#,
                Some(
                    "setting azureTenantID: expected a tenant ID, a UUID or a verified domain name, found 5\nsetting mode: expected one of Inject, Verify, found \"x\"",
                ),
            ),
        ] {
            let answer = settings_answer(settings);
            let answer: SettingsValidationResponse =
                serde_json::from_slice(&answer).expect("an answer of the SDK");
            assert_eq!(answer.valid, message.is_none());
            assert_eq!(answer.message.as_deref(), message);
        }
    }
}
