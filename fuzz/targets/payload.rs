//! Any bytes as the payload of a `validate` call: no panic, JSON for JSON, and twice is once.

#![no_main]

mod cluster;

use azure_workload_identity_policy::review::review;
use azure_workload_identity_policy::verdict::Outcome;
use libfuzzer_sys::fuzz_target;
use serde_json::Value;

fuzz_target!(|payload: &[u8]| {
    let verdict = review(payload, &cluster::Cluster::default());
    let answer = verdict.to_json().expect("an answer");
    let Ok(input) = serde_json::from_slice::<Value>(payload) else {
        return;
    };
    serde_json::from_slice::<Value>(&answer).expect("JSON for JSON");
    // A key that stands twice is read as the first one or as the last one: no host writes such a payload.
    let input = input.to_string();
    let verdict = review(input.as_bytes(), &cluster::Cluster::default());
    if let Outcome::Mutated(pod) = verdict.outcome {
        let mut input: Value = serde_json::from_str(&input).expect("JSON");
        input["request"]["object"] = serde_json::from_str(&pod).expect("JSON for JSON");
        let again = review(input.to_string().as_bytes(), &cluster::Cluster::default());
        assert_eq!(again.outcome, Outcome::Unchanged, "{input}");
    }
});
