//! Any bytes as the payload of a `validate` call: no panic, JSON for JSON, and a second run changes nothing.

#![no_main]

use azure_workload_identity_policy_fuzz::cluster::Cluster;
use azure_workload_identity_policy_fuzz::generators::Decision;
use libfuzzer_sys::fuzz_target;
use serde_json::Value;

fuzz_target!(|payload: &[u8]| {
    let decide = |payload: &[u8]| Decision::on(payload, &Cluster::default());
    let decision = decide(payload);
    let Ok(input) = serde_json::from_slice::<Value>(payload) else {
        return;
    };
    serde_json::from_slice::<Value>(&decision.answer).expect("JSON for JSON");
    // Of a duplicate key, the first or the last one is read: no host writes such a payload.
    if let Some(pod) = decide(input.to_string().as_bytes()).mutated {
        let mut input = input;
        input["request"]["object"] = serde_json::from_str(&pod).expect("JSON for JSON");
        let again = decide(input.to_string().as_bytes());
        assert!(again.is_unchanged(), "{again:?} of {input}");
    }
});
