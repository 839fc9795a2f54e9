//! Requests made of the bytes by the generators of the properties: no panic, nothing private in what is told, nothing
//! lost, no rule of Kubernetes broken, twice is once.

#![no_main]

#[path = "../../tests/generators/mod.rs"]
mod generators;
#[path = "../../tests/rules/mod.rs"]
mod rules;

use arbitrary::Unstructured;
use azure_workload_identity_policy::log;
use azure_workload_identity_policy::verdict::Outcome;
use generators::{Case, PRIVATE};
use libfuzzer_sys::fuzz_target;
use serde_json::Value;

fuzz_target!(|bytes: &[u8]| {
    let Ok(case) = Case::any(&mut Unstructured::new(bytes)) else {
        return;
    };
    let mut verdict = case.review();
    let line = log::line(&verdict).expect("JSON").unwrap_or_default();
    let line = String::from_utf8(line).expect("text");
    assert!(!line.contains(PRIVATE), "{line}");
    if let Outcome::Mutated(text) = &verdict.outcome {
        let pod: Value = serde_json::from_str(text).expect("JSON");
        let before = case.object();
        let new: Vec<_> = rules::broken(&pod)
            .difference(&rules::broken(before))
            .cloned()
            .collect();
        assert_eq!(new, Vec::<String>::new(), "{pod}");
        let found = rules::differences(before, &rules::without_new_proxy(before, pod.clone()));
        assert_eq!(found, Vec::<String>::new(), "{pod}");
        let again = case.with_object(pod).review();
        assert_eq!(again.outcome, Outcome::Unchanged);
        verdict.outcome = Outcome::Unchanged;
    }
    let told = format!("{verdict:?}");
    assert!(!told.contains(PRIVATE), "{told}");
});
