//! Requests made of the bytes by the generators of the properties: no panic, nothing private in what is told, nothing
//! lost, no rule of Kubernetes broken, twice is once.

#![no_main]

#[path = "../../tests/generators/mod.rs"]
mod generators;
#[path = "../../tests/rules/mod.rs"]
mod rules;

use arbitrary::Unstructured;
use generators::{Case, PRIVATE};
use libfuzzer_sys::fuzz_target;
use serde_json::Value;

fuzz_target!(|bytes: &[u8]| {
    let Ok(mut case) = Case::any(&mut Unstructured::new(bytes)) else {
        return;
    };
    // An answer that changes between two runs is another input.
    if bytes.len() % 2 == 0 {
        case.fresh.clone_from(&case.cached);
    }
    let decision = case.review();
    let told = decision.told();
    assert!(!told.contains(PRIVATE), "{told}");
    if let Some(text) = decision.mutated {
        let pod: Value = serde_json::from_str(&text).expect("JSON");
        let before = case.object();
        let new: Vec<_> = rules::broken(&pod)
            .difference(&rules::broken(before))
            .cloned()
            .collect();
        assert_eq!(new, Vec::<String>::new(), "{pod}");
        let found = rules::differences(before, &rules::without_new_proxy(before, pod.clone()));
        assert_eq!(found, Vec::<String>::new(), "{pod}");
        if case.fresh == case.cached {
            let again = case.with_object(pod).review();
            assert!(again.is_unchanged(), "{again:?}");
        }
    }
});
