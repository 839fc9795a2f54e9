//! What holds for every request, on the built module: it decides as the native code does, for which the policy's own
//! properties are shown with many more cases, and it never traps.
//!
//! `PROPTEST_CASES` says how many cases. The input of a trap is kept in `target/trapped`.

#![allow(
    clippy::arithmetic_side_effects,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::string_slice,
    clippy::unreachable,
    clippy::unwrap_used,
    reason = "a test fails by panicking"
)]

mod everywhere;
#[path = "../../tests/generators/mod.rs"]
mod generators;
mod module;
#[path = "../../tests/rules/mod.rs"]
mod rules;
#[path = "../../tests/strategies/mod.rs"]
mod strategies;

use std::env;
use std::fs;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use arbitrary::Unstructured;
use azure_workload_identity_policy::settings::Settings as NativeSettings;
use azure_workload_identity_policy::verdict::message;
use azwi_policy::input::settings::SettingsValue;
use azwi_policy::kubewarden::guest::Guest;
use azwi_policy::kubewarden::host_calls::{Answers, HostCalls};
use azwi_policy::kubewarden::policy::{Policy, Review};
use azwi_policy::kubewarden::question::Question;
use azwi_policy::kubewarden::request::AdmissionRequest;
use azwi_policy::kubewarden::response::{ValidationResponse, diff, patched};
use proptest::{collection::vec, prelude::*};
use serde_json::{Value, json};

use generators::{Case, PRIVATE};
use module::MODULE;
use strategies::{any_request, pods};

/// Cases of each property, unless `PROPTEST_CASES` says otherwise.
const CASES: u32 = 300;

/// The host of a case, and the lines that the module logs.
fn host(case: &Case) -> (HostCalls, Arc<Mutex<Vec<String>>>) {
    let service_account = case.service_account.clone();
    let permission = case.permission();
    let source = Answers::Source(Box::new(move |question| match question {
        Question::Object(wanted) => generators::answer(service_account.as_ref(), &wanted.name),
        Question::Permission(_) => permission.clone(),
    }));
    let lines = Arc::new(Mutex::new(Vec::new()));
    let sink = Arc::clone(&lines);
    let host = HostCalls::new(source)
        .grant("v1", "ServiceAccount")
        .with_log(Box::new(move |line| {
            sink.lock().expect("lines").push(line.to_owned());
        }));
    (host, lines)
}

/// Calls the module. If it traps or takes too long, the payload is kept.
fn call(operation: &str, payload: &[u8], host: HostCalls) -> Result<Vec<u8>, String> {
    MODULE
        .call(operation, payload, &Arc::new(host))
        .map_err(|error| format!("{error}; the input is kept in {}", keep(payload).display()))
}

fn keep(payload: &[u8]) -> PathBuf {
    let directory = concat!(env!("CARGO_MANIFEST_DIR"), "/../target/trapped");
    fs::create_dir_all(directory).expect("a directory for the input");
    let file = PathBuf::from(directory).join(format!("{}-bytes.json", payload.len()));
    fs::write(&file, payload).expect("a file for the input");
    file
}

fn validate(payload: &[u8], case: &Case) -> Result<ValidationResponse, String> {
    let answer = call("validate", payload, host(case).0)?;
    serde_json::from_slice(&answer).map_err(|error| error.to_string())
}

fn review(case: &Case) -> Review {
    let settings = SettingsValue::from_value("settings", case.settings.clone()).expect("an object");
    let request = AdmissionRequest::from_value(case.request.clone()).expect("a request");
    Policy::new(&*MODULE, settings, host(case).0).review(&request)
}

proptest! {
    #![proptest_config(strategies::config(CASES))]

    #[test]
    fn the_module_decides_as_the_native_code_does(case in any_request()) {
        let (host, lines) = host(&case);
        let answer = call("validate", &case.payload(), host).map_err(TestCaseError::fail)?;
        let native = case.review();
        prop_assert_eq!(String::from_utf8(answer), String::from_utf8(native.answer));
        let logs = usize::from(native.log.is_some());
        prop_assert_eq!(lines.lock().expect("lines").len(), logs);
    }

    #[test]
    fn twice_is_once_and_nothing_is_removed(mut case in pods(), with_proxy in any::<bool>(), is_renamed in any::<bool>()) {
        if with_proxy {
            case.ask_for_proxy();
        }
        if let Some(mut pod) = patched(case.object(), &review(&case).response) {
            // In front of the other containers, the proxy makes the patch a row of replacements and removals.
            let without_proxy = rules::without_new_proxy(case.object(), pod.clone());
            for operation in diff(case.object(), &without_proxy).0 {
                let is_removal = matches!(operation, json_patch::PatchOperation::Remove(_));
                prop_assert!(!is_removal, "{}", operation);
            }
            if is_renamed {
                pod["metadata"]["name"] = "named-by-now".into();
            }
            let again = review(&case.with_object(pod)).response;
            prop_assert_eq!((again.allowed, again.patch), (true, None));
        }
    }

    #[test]
    fn nothing_private_is_shown(case in any_request()) {
        let (host, lines) = host(&case);
        let answer = call("validate", &case.payload(), host).map_err(TestCaseError::fail)?;
        let mut answer: Value = serde_json::from_slice(&answer).expect("JSON");
        answer["mutated_object"].take();
        let told = format!("{answer}\n{}", lines.lock().expect("lines").join("\n"));
        prop_assert!(!told.contains(PRIVATE), "{}", told);
    }

    #[test]
    fn no_bytes_make_it_trap(case in any_request(), cut in any::<prop::sample::Index>(), change in vec(any::<(prop::sample::Index, u8)>(), 0..4)) {
        let mut payload = case.payload();
        for (index, byte) in change {
            let index = index.index(payload.len());
            payload[index] = byte;
        }
        call("validate", &payload, host(&case).0).map_err(TestCaseError::fail)?;
        payload.truncate(cut.index(payload.len()));
        let answer = validate(&payload, &case).map_err(TestCaseError::fail)?;
        prop_assert!(!answer.accepted, "{:?}", answer);
    }

    #[test]
    fn settings_are_checked_as_by_the_native_code(case in any_request(), cut in any::<prop::sample::Index>(), whole in any::<bool>()) {
        let mut settings = case.settings.to_string().into_bytes();
        if !whole {
            settings.truncate(cut.index(settings.len()));
        }
        let answer = call("validate_settings", &settings, host(&case).0).map_err(TestCaseError::fail)?;
        let expected = match std::str::from_utf8(&settings) {
            Ok(text) => NativeSettings::validate(text).err().map(|faults| message(&faults, "\n")),
            Err(_) => Some("settings: expected an object, found invalid UTF-8".to_owned()),
        };
        let expected = match expected {
            Some(message) => json!({"valid": false, "message": message}),
            None => json!({"valid": true}),
        };
        prop_assert_eq!(serde_json::from_slice::<Value>(&answer).expect("JSON"), expected);
    }
}

#[track_caller]
fn answers_everywhere(text: &str) {
    let case = Case::pod(&mut Unstructured::new(&[])).expect("a case");
    for payload in everywhere::with_everywhere(text) {
        if let Err(error) = call("validate", &payload, host(&case).0) {
            panic!("{error}");
        }
    }
}

#[test]
fn deep_nesting_does_not_exhaust_the_stack() {
    for (open, close) in [
        ("[", "]"),
        (r#"{"a":"#, "}"),
        (r#"[{"name":"#, "}]"),
        (r#"{"spec":{"template":"#, "}}"),
    ] {
        let depth = 100_000;
        answers_everywhere(&format!("{}1{}", open.repeat(depth), close.repeat(depth)));
        answers_everywhere(&open.repeat(depth));
    }
}
