//! Any bytes as the payload of a `validate` call: no panic, JSON for JSON, and twice is once.

#![no_main]

mod cluster;
#[path = "../../tests/generators/mod.rs"]
mod generators;

use cluster::Cluster;
use generators::Decision;
use libfuzzer_sys::fuzz_target;
use serde_json::Value;

fuzz_target!(|payload: &[u8]| {
    let decide = |payload: &[u8]| Decision::on(payload, &Cluster::default());
    let decision = decide(payload);
    let Ok(input) = serde_json::from_slice::<Value>(payload) else {
        return;
    };
    serde_json::from_slice::<Value>(&decision.answer).expect("JSON for JSON");
    // A key that stands twice is read as the first one or as the last one: no host writes such a payload.
    if let Some(pod) = decide(input.to_string().as_bytes()).mutated {
        let mut input = input;
        input["request"]["object"] = serde_json::from_str(&pod).expect("JSON for JSON");
        let again = decide(input.to_string().as_bytes());
        assert!(again.is_unchanged(), "{again:?} of {input}");
    }
});
