//! What holds for every request, natively: each test is a claim, tested on many cases made from random bytes.
//!
//! `PROPTEST_CASES` sets how many. The program's tests of that name test the same on the built module.

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

mod generators;
mod rules;
mod strategies;

use azure_workload_identity_policy::settings::Freshness;
use json_patch::PatchOperation;
use k8s_openapi::api::core::v1::{Pod, ResourceRequirements, SecurityContext};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;
use kubewarden_policy_sdk::response::ValidationResponse;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::{RngAlgorithm, TestRng, TestRunner};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use generators::{Case, Decision, PRIVATE};
use strategies::{any_request, changed_identities, forged_marks, pods};

/// The number of cases of each property, unless `PROPTEST_CASES` sets another.
const CASES: u32 = 400;

fn config() -> ProptestConfig {
    ProptestConfig {
        max_global_rejects: u32::MAX,
        ..strategies::config(CASES)
    }
}

/// The mutated pod; `None` if the policy leaves the pod alone or rejects it.
fn mutated(case: &Case) -> Option<Value> {
    let text = case.review().mutated?;
    Some(serde_json::from_str(&text).expect("JSON"))
}

/// Whether Kubernetes' own types can read the parts of the settings that go into pods as they are.
fn hands_on_kubernetes_types(settings: &Value) -> bool {
    fn reads<T: DeserializeOwned>(value: Option<&Value>) -> bool {
        value.is_none_or(|value| value.is_null() || T::deserialize(value).is_ok())
    }
    let proxy = |field: &str| settings.get("proxy").and_then(|proxy| proxy.get(field));
    reads::<SecurityContext>(proxy("securityContext"))
        && reads::<SecurityContext>(proxy("initSecurityContext"))
        && reads::<ResourceRequirements>(proxy("resources"))
        && reads::<ResourceRequirements>(proxy("initResources"))
        && reads::<LabelSelector>(
            settings.pointer("/customTokenEndpoint/azureKubernetesCACTBLabelSelector"),
        )
}

/// The same JSON with some of the characters in its strings escaped.
fn escaped(json: &str, every: usize) -> String {
    let mut escaped = String::new();
    let mut is_string = false;
    let mut rest = json.chars().enumerate();
    while let Some((index, character)) = rest.next() {
        match character {
            '"' => is_string = !is_string,
            '\\' => {
                escaped.push(character);
                let (_, kind) = rest.next().expect("an escape");
                escaped.push(kind);
                let digits = if kind == 'u' { 4 } else { 0 };
                escaped.extend(rest.by_ref().take(digits).map(|(_, digit)| digit));
                continue;
            }
            _ => {}
        }
        if is_string && character != '"' && index % every == 0 {
            for unit in character.encode_utf16(&mut [0; 2]) {
                escaped.push_str(&format!("\\u{unit:04x}"));
            }
        } else {
            escaped.push(character);
        }
    }
    escaped
}

fn is_replacement(operation: &PatchOperation) -> bool {
    matches!(operation, PatchOperation::Replace(_))
}

/// The policy accepts a pod and has nothing more to change in it.
fn is_settled(case: &Case) -> Result<(), TestCaseError> {
    let decision = case.review();
    prop_assert!(
        decision.is_unchanged(),
        "{:?} of {}",
        decision,
        case.object()
    );
    Ok(())
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn twice_is_once(case in any_request()) {
        if let Some(pod) = mutated(&case) {
            is_settled(&case.with_object(pod))?;
        }
    }

    #[test]
    fn the_second_run_warns_of_the_same(mut case in pods(), with_proxy in any::<bool>()) {
        if with_proxy {
            case.ask_for_proxy();
        }
        if let Some(pod) = mutated(&case) {
            prop_assert_eq!(case.with_object(pod).review().warnings, case.review().warnings);
        }
    }

    #[test]
    fn twice_is_once_with_the_proxy_on(mut case in pods()) {
        case.ask_for_proxy();
        if let Some(pod) = mutated(&case) {
            let names = rules::container_names(&pod);
            for name in ["azwi-proxy", "azwi-proxy-init"] {
                let count = names.iter().filter(|found| *found == name).count();
                prop_assert_eq!(count, usize::from(case.settings["mode"] != "Verify"));
            }
            is_settled(&case.with_object(pod))?;
        }
    }

    /// The API server generates `metadata.name` from `generateName` between two calls of mutating webhooks.
    #[test]
    fn twice_is_once_when_the_pod_gets_its_name_in_between(case in pods()) {
        if let Some(mut pod) = mutated(&case) {
            pod["metadata"]["name"] = "named-by-now".into();
            is_settled(&case.with_object(pod))?;
        }
    }

    /// Another webhook adds a sidecar between two calls.
    #[test]
    fn a_container_that_is_added_in_between_is_all_that_changes(case in pods(), first in any::<bool>()) {
        // An annotation may list the new container to have it left alone, and a pod without the label stays as it is.
        if let Some(mut pod) = mutated(&case) {
            let sidecar = json!({"name": "late-sidecar", "image": "example.com/sidecar"});
            let containers = pod["spec"]["containers"].as_array_mut().expect("containers");
            let index = if first { 0 } else { containers.len() };
            containers.insert(index, sidecar.clone());
            let again = mutated(&case.with_object(pod.clone()));
            let again = again.ok_or_else(|| TestCaseError::fail("the new container got nothing"))?;
            let found = &again["spec"]["containers"][index];
            prop_assert!(found["env"].as_array().is_some_and(|env| env.len() >= 3), "{}", found);
            let mounts = found["volumeMounts"].as_array().map(Vec::len);
            let older = case.settings["alsoMountAs"].as_array().map_or(0, Vec::len);
            prop_assert_eq!(mounts, Some(1 + older), "{}", found);
            let mut expected = pod;
            expected["spec"]["containers"][index] = found.clone();
            if case.settings["mark"] == true {
                let mark = again["metadata"]["annotations"][rules::MARK].as_str();
                let mark = mark.unwrap_or_default();
                prop_assert!(mark.contains("\"late-sidecar\":[]"), "{}", mark);
                expected["metadata"] = again["metadata"].clone();
            }
            prop_assert_eq!(&again, &expected);
            is_settled(&case.with_object(again))?;
        }
    }

    #[test]
    fn a_template_of_another_kind_is_reviewed_as_that_of_a_deployment(case in pods(), in_list in any::<bool>()) {
        let pod = json!({"metadata": case.object()["metadata"], "spec": case.object()["spec"]});
        let workload = |group: &str, kind: &str, spec: Value| {
            let mut case = case.with_object(json!({"metadata": {"name": "web"}, "spec": spec}));
            case.request["kind"] = json!({"group": group, "version": "v1", "kind": kind});
            case
        };
        let expected = workload("apps", "Deployment", json!({"template": pod})).review();
        // The names are of the same length, because messages are cut.
        let (path, spec) = if in_list {
            ("spec.tmpl[]", json!({"tmpl": [pod]}))
        } else {
            ("spec.template", json!({"template": pod}))
        };
        let mut other = workload("example.com", "Depl0yment", spec);
        other.settings["podTemplates"] =
            json!([{"apiGroup": "example.com", "kind": "Depl0yment", "template": path}]);
        let found = other.review();
        prop_assert_eq!(found.is_rejected, expected.is_rejected);
        if !in_list {
            let text = |answer| String::from_utf8(answer).expect("text");
            let renamed = text(found.answer).replace("Depl0yment", "Deployment");
            prop_assert_eq!(renamed, text(expected.answer));
        }
    }

    #[test]
    fn what_inject_made_verify_accepts(case in pods()) {
        if let Some(pod) = mutated(&case) {
            let mut case = case.with_object(pod);
            case.settings["mode"] = "Verify".into();
            is_settled(&case)?;
        }
    }

    /// Whatever the identity was before: what is ours says what it is now, and the rest is as if it had always been that.
    #[test]
    fn what_was_injected_follows_the_identity((before, after) in changed_identities()) {
        if let Some(pod) = mutated(&before) {
            // What was there of a token before stays as it is.
            prop_assume!(!rules::has_token_elsewhere(before.object(), &pod));
            let again = after.with_object(pod.clone());
            let decision = again.review();
            let direct = after.review();
            prop_assert_eq!(decision.is_rejected, direct.is_rejected, "{:?}", (decision.findings, direct.findings));
            if let Some(expected) = direct.mutated {
                let expected: Value = serde_json::from_str(&expected).expect("JSON");
                let found = mutated(&again).unwrap_or(pod);
                prop_assert_eq!(rules::in_order(&found), rules::in_order(&expected));
                is_settled(&after.with_object(found))?;
            }
        }
    }

    /// A mark that anybody wrote.
    #[test]
    fn no_mark_lets_a_value_be_changed_that_it_does_not_tell(mut case in pods(), forged in forged_marks()) {
        case.settings["mark"] = true.into();
        let pod = &mut case.request["object"];
        prop_assume!(!pod["metadata"]["annotations"].is_null());
        pod["metadata"]["annotations"][rules::MARK] = forged.clone().into();
        let told = |name: &str| {
            let mark: Value = serde_json::from_str(&forged).unwrap_or_default();
            mark["env"][name].as_str().map(str::to_owned)
        };
        if let Some(after) = mutated(&case) {
            for (name, old) in rules::lost_env(case.object(), &after) {
                prop_assert_eq!(Some(old), told(&name), "{}", name);
            }
            for mount in rules::lost_mounts(case.object(), &after) {
                prop_assert!(forged.contains(&mount), "{}", mount);
            }
        }
    }

    /// A stand-in for Dapr's webhook, which reads its annotations as they are documented.
    #[test]
    fn the_container_that_dapr_adds_has_the_identity(mut case in pods()) {
        case.settings["handOver"] = json!(["Dapr"]);
        case.settings["mode"] = "Inject".into();
        // What the annotation had of its own may be another identity.
        case.settings["allowedIdentities"] = Value::Null;
        prop_assume!(!case.object()["metadata"]["annotations"].is_null());
        case.request["object"]["metadata"]["annotations"]["dapr.io/enabled"] = "true".into();
        let decision = case.review();
        let said = ["HandOver", "injector: \"Dapr\""];
        let is_handed_over = !said.iter().any(|said| decision.findings.contains(said));
        if let Some(mut pod) = mutated(&case).filter(|_| is_handed_over) {
            rules::add_daprd(&mut pod);
            let again = case.with_object(pod);
            // With the mark, a native sidecar or another order may change its text, but nothing else.
            if let Some(changed) = mutated(&again) {
                prop_assert_eq!(&changed["spec"], &again.object()["spec"]);
            }
            let mut verified = again;
            verified.settings["mode"] = "Verify".into();
            is_settled(&verified)?;
        }
    }

    /// The patch is the host's. The proxy goes in front of the other containers, which a patch by index shows as a series of
    /// replacements, so it is taken out first.
    #[test]
    fn nothing_is_removed_and_only_our_own_token_is_replaced(case in any_request()) {
        if let Some(pod) = mutated(&case) {
            let pod = rules::without_new_proxy(case.object(), pod);
            for operation in json_patch::diff(case.object(), &pod).0 {
                match &operation {
                    PatchOperation::Add(_) => {}
                    PatchOperation::Replace(replace) => {
                        let path = replace.path.to_string();
                        let old = case.object().pointer(&path).expect("what is replaced");
                        let is_longer = || {
                            let (old, new) = old.as_str().zip(replace.value.as_str())?;
                            rules::is_longer_for_dapr(&path, old, new).then_some(())
                        };
                        prop_assert!(
                            rules::is_of_our_token(case.object(), &path)
                                || rules::is_missing_list(&path, old)
                                || old.is_null() && path.starts_with("/metadata/")
                                || is_longer().is_some(),
                            "{}", operation
                        );
                    }
                    _ => return Err(TestCaseError::fail(operation.to_string())),
                }
            }
        }
    }

    #[test]
    fn every_value_of_the_input_is_in_the_output_at_the_same_place_and_only_ours_are_new(case in any_request()) {
        if let Some(pod) = mutated(&case) {
            let pod = rules::without_new_proxy(case.object(), pod);
            let found = rules::differences(case.object(), &pod);
            prop_assert_eq!(found, Vec::<String>::new());
        }
    }

    /// Numbers keep their digits, strings their escapes, objects their order.
    #[test]
    fn the_text_of_the_input_is_in_the_output(case in any_request()) {
        prop_assume!(case.request.is_object());
        let text = format!("{:#}", case.object()).replace('é', "\\u00e9").replace(": 420", ": 4.20e2");
        let mut request = case.request.clone();
        request["object"] = "the object".into();
        let request = request.to_string().replace("\"the object\"", &text);
        let payload = format!(r#"{{"settings":{},"request":{request}}}"#, case.settings);
        if let Some(mutated) = Decision::on(payload.as_bytes(), &case.cluster()).mutated {
            let pod: Value = serde_json::from_str(&mutated).expect("JSON");
            let pod = rules::without_new_proxy(case.object(), pod);
            if !json_patch::diff(case.object(), &pod).0.iter().any(is_replacement) {
                let mut rest = mutated.bytes();
                let kept = text.bytes().all(|byte| rest.any(|other| other == byte));
                prop_assert!(kept, "{} is not in {}", text, mutated);
            }
        }
    }

    /// The settings pass some objects on to the pod as they are: the policy knows their fields, but not what is in them.
    #[test]
    fn a_mutated_pod_is_still_kubernetes_typed_pod(case in any_request()) {
        if let Some(pod) = mutated(&case) {
            let before = serde_json::from_value::<Pod>(case.object().clone());
            if before.is_ok() && hands_on_kubernetes_types(&case.settings) {
                let after = serde_json::from_value::<Pod>(pod);
                prop_assert!(after.is_ok(), "{:?}", after.err());
            }
        }
    }

    #[test]
    fn a_mutated_pod_breaks_no_rule_of_kubernetes_that_it_kept_before(case in any_request()) {
        if let Some(pod) = mutated(&case) {
            let before = rules::broken(case.object());
            let new: Vec<_> = rules::broken(&pod).difference(&before).cloned().collect();
            prop_assert_eq!(new, Vec::<String>::new());
        }
    }

    #[test]
    fn only_pods_that_are_created_are_mutated(case in any_request()) {
        if mutated(&case).is_some() {
            let kind = &case.request["kind"];
            prop_assert_eq!(&kind["kind"], "Pod");
            prop_assert!(kind["group"].as_str().is_none_or(str::is_empty));
            prop_assert_eq!(&case.request["operation"], "CREATE");
        }
    }

    #[test]
    fn the_verdict_depends_on_nothing_but_request_settings_and_service_account(case in any_request()) {
        let first = case.review();
        prop_assert_eq!(&first, &case.review());
        // It does not matter how often it is asked, or what else is in the payload or in the cluster's answer; who asks matters
        // only if a setting says so.
        let mut other = case.clone();
        if let Some(request) = other.request.as_object_mut() {
            for field in ["uid", "resource", "requestKind", "dryRun", "options", "name", "future"] {
                request.insert(field.to_owned(), json!({"x": PRIVATE}));
            }
            if case.settings["authorization"]["mode"] != "ServiceAccountAndUser" {
                request.insert("userInfo".to_owned(), json!({"x": PRIVATE}));
            }
        }
        if let Some(fields) = other.service_account.as_mut().and_then(Value::as_object_mut) {
            fields.insert("secrets".to_owned(), json!([{"name": PRIVATE}]));
            fields.insert("futureField".to_owned(), Value::Null);
        }
        prop_assert_eq!(&first, &other.review());
        // Nor does the order of the payload's parts.
        let payload = format!(r#"{{"settings":{},"x":[],"request":{}}}"#, case.settings, case.request);
        let reordered = Decision::on(payload.as_bytes(), &case.cluster());
        prop_assert_eq!(&first, &reordered);
    }

    /// In JSON, any character of a string can be written as its number.
    #[test]
    fn a_string_is_the_same_however_it_is_escaped(case in pods(), every in 1..4_usize) {
        let payload = String::from_utf8(case.payload()).expect("text");
        let escaped = Decision::on(escaped(&payload, every).as_bytes(), &case.cluster());
        let decision = case.review();
        // The size of a pod is that of its text.
        prop_assume!(!decision.findings.contains("TooLarge"));
        prop_assert_eq!(escaped.is_rejected, decision.is_rejected);
        prop_assert_eq!(escaped.warnings, decision.warnings);
        prop_assert_eq!(escaped.log, decision.log);
        let object = |text: Option<String>| text.map(|text| serde_json::from_str::<Value>(&text).expect("JSON"));
        prop_assert_eq!(object(escaped.mutated), object(decision.mutated));
    }

    #[test]
    fn the_cluster_is_asked_for_one_service_account_once(mut case in any_request(), cached in any::<bool>()) {
        if cached && case.settings.is_object() {
            case.settings["serviceAccountLookup"] = "Cached".into();
        }
        let cluster = case.cluster();
        Decision::on(&case.payload(), &cluster);
        let asked = cluster.asked.into_inner();
        // A Rollout may have pods of two: its own, and one for which nothing names a ServiceAccount.
        let most = if case.request["kind"]["kind"] == "Rollout" { 2 } else { 1 };
        prop_assert!(asked.len() <= most, "{:?}", asked);
        prop_assert!(asked.first() != asked.get(1) || asked.is_empty(), "{:?}", asked);
        let expected = if cached { Freshness::Cached } else { Freshness::Fresh };
        prop_assert!(asked.iter().all(|(.., freshness)| *freshness == expected), "{:?}", asked);
    }

    #[test]
    fn nothing_private_is_shown(case in any_request()) {
        let told = case.review().told();
        prop_assert!(!told.contains(PRIVATE), "{}", told);
    }

    #[test]
    fn every_answer_is_one_that_the_host_reads(case in any_request()) {
        let answer = case.review().answer;
        let answer = serde_json::from_slice::<ValidationResponse>(&answer);
        let answer = answer.map_err(|error| TestCaseError::fail(error.to_string()))?;
        prop_assert_eq!(answer.accepted, answer.message.is_none());
        prop_assert_eq!(answer.accepted, answer.code.is_none());
        prop_assert!(answer.accepted || answer.mutated_object.is_none());
        let message = answer.message.unwrap_or_default();
        prop_assert!(message.len() <= 4096, "{}", message);
        let lines = message.split('\n').chain(answer.warnings.iter().flatten().map(String::as_str));
        prop_assert!(!lines.clone().any(|line| line.contains(char::is_control)), "{:?}", answer.warnings);
        for warning in answer.warnings.iter().flatten() {
            prop_assert!(warning.len() <= 256, "{}", warning);
        }
        for (key, text) in answer.audit_annotations.iter().flatten() {
            prop_assert!(text.len() <= 1100 && !text.contains(char::is_control), "{}: {}", key, text);
        }
    }

    #[test]
    fn no_bytes_make_it_panic(case in any_request(), cut in any::<prop::sample::Index>(), change in vec(any::<(prop::sample::Index, u8)>(), 0..4)) {
        let mut payload = case.payload();
        for (index, byte) in change {
            let index = index.index(payload.len());
            payload[index] = byte;
        }
        let whole = Decision::on(&payload, &case.cluster());
        let text = std::str::from_utf8(&payload).ok();
        if let (Some(pod), Some(Ok(_))) = (whole.mutated, text.map(serde_json::from_str::<Value>)) {
            prop_assert!(serde_json::from_str::<Value>(&pod).is_ok(), "{}", pod);
        }
        // A change may make it another kind, which is accepted without a look at the rest.
        payload.truncate(cut.index(payload.len()));
        let _ = Decision::on(&payload, &case.cluster());
        let mut payload = case.payload();
        payload.truncate(cut.index(payload.len()));
        let truncated = Decision::on(&payload, &case.cluster());
        prop_assert!(truncated.is_rejected, "{:?}", truncated);
    }
}

/// Cases that are always the same, to count their outcomes.
fn same_cases(strategy: impl Strategy<Value = Case>, count: usize) -> Vec<Case> {
    let rng = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    let mut runner = TestRunner::new_with_rng(ProptestConfig::default(), rng);
    let mut case = || strategy.new_tree(&mut runner).expect("a case").current();
    (0..count).map(|_| case()).collect()
}

/// A property that looks only at mutated pods needs enough of them.
#[test]
fn the_generators_make_enough_of_every_outcome() {
    for (name, cases, least) in [
        ("pods", same_cases(pods(), 1000), [350, 100, 100]),
        (
            "any request",
            same_cases(any_request(), 1000),
            [150, 150, 200],
        ),
    ] {
        let mut counts = [0; 3];
        for case in &cases {
            let decision = case.review();
            match (decision.mutated, decision.is_rejected) {
                (Some(_), _) => counts[0] += 1,
                (None, false) => counts[1] += 1,
                (None, true) => counts[2] += 1,
            }
        }
        for (count, least) in counts.iter().zip(least) {
            assert!(
                *count >= least,
                "{name}: mutated, unchanged, rejected: {counts:?}"
            );
        }
    }
    let typed = same_cases(pods(), 1000);
    let typed = typed
        .iter()
        .filter(|case| serde_json::from_value::<Pod>(case.object().clone()).is_ok());
    assert!(typed.count() >= 700);
}
