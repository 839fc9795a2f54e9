//! Requests that the generators of the properties make from the bytes: no panic, nothing private is shown, nothing is lost,
//! no rule of Kubernetes is broken, and a second run changes nothing.

#![no_main]

use arbitrary::Unstructured;
use azure_workload_identity_policy_fuzz::generators::{Case, PRIVATE};
use azure_workload_identity_policy_fuzz::rules;
use libfuzzer_sys::fuzz_target;
use serde_json::Value;

fuzz_target!(|bytes: &[u8]| {
    let Ok(case) = Case::any(&mut Unstructured::new(bytes)) else {
        return;
    };
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
        let again = case.with_object(pod).review();
        assert!(again.is_unchanged(), "{again:?}");
    }
});
