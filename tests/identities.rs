//! Who may have which identity, and which one: the settings `allowedIdentities` and `identityMap`, held against a reference
//! that is written to be read.

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

use azure_workload_identity_policy::identity::kubernetes_api::KubernetesApi;
use azure_workload_identity_policy::keys;
use azure_workload_identity_policy::review::review;
use azure_workload_identity_policy::settings::{Freshness, Settings};
use azure_workload_identity_policy::verdict::Outcome;
use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use proptest::strategy::ValueTree as _;
use proptest::test_runner::TestRunner;
use regex::Regex;
use serde_json::{Value, json};

const NAMES: [&str; 5] = ["a", "ab", "team-a", "team-b", "dev"];
const PATTERNS: [&str; 9] = [
    "*", "a", "a*", "?b", "team-?", "team-*", "*-a", "d?v", "??*",
];
const CLIENT_IDS: [&str; 4] = [
    "11111111-aaaa-4bbb-8ccc-555555555555",
    "11111111-AAAA-4bbb-8ccc-555555555555",
    "22222222-aaaa-4bbb-8ccc-555555555555",
    "33333333-aaaa-4bbb-8ccc-555555555555",
];
const TENANT_IDS: [&str; 3] = ["contoso.com", "Contoso.com", "fabrikam.com"];

/// The reference.
mod reference {
    use super::*;

    /// Whether a list has the text by `is_same`; a list that is missing has any.
    fn has(list: &Value, text: &str, is_same: fn(&str, &str) -> bool) -> bool {
        match list.as_array() {
            None => true,
            Some(list) => list
                .iter()
                .any(|item| is_same(item.as_str().expect("a string"), text)),
        }
    }

    fn matches(pattern: &str, name: &str) -> bool {
        fn bytes(pattern: &[u8], name: &[u8]) -> bool {
            match (pattern, name) {
                ([b'*', behind @ ..], _) if bytes(behind, name) => true,
                ([b'*', ..], [_, name @ ..]) => bytes(pattern, name),
                ([b'?', pattern @ ..], [_, name @ ..]) => bytes(pattern, name),
                ([wanted, pattern @ ..], [byte, name @ ..]) => {
                    wanted == byte && bytes(pattern, name)
                }
                (pattern, name) => pattern.is_empty() && name.is_empty(),
            }
        }
        bytes(pattern.as_bytes(), name.as_bytes())
    }

    fn is_about(entry: &Value, namespace: &str, name: &str) -> bool {
        has(&entry["namespaces"], namespace, matches)
            && has(&entry["serviceAccounts"], name, matches)
    }

    pub fn allows(
        entries: &[Value],
        namespace: &str,
        name: &str,
        client: &str,
        tenant: &str,
    ) -> bool {
        entries.is_empty()
            || entries.iter().any(|entry| {
                is_about(entry, namespace, name)
                    && has(&entry["clientIDs"], client, str::eq_ignore_ascii_case)
                    && has(&entry["tenantIDs"], tenant, str::eq_ignore_ascii_case)
            })
    }

    pub fn entry<'e>(entries: &'e [Value], namespace: &str, name: &str) -> Option<&'e Value> {
        entries
            .iter()
            .find(|entry| is_about(entry, namespace, name))
    }
}

/// A cluster with one ServiceAccount.
struct Cluster(Value);

impl KubernetesApi for Cluster {
    fn service_account(&self, _: &str, _: &str, _: Freshness) -> Result<Vec<u8>, String> {
        Ok(self.0.to_string().into_bytes())
    }

    fn can_i(&self, _: &str) -> Result<Vec<u8>, String> {
        panic!("nobody should ask")
    }
}

fn list<T: Clone + 'static + std::fmt::Debug>(
    items: &'static [T],
) -> impl Strategy<Value = Option<Vec<T>>> {
    prop::option::of(subsequence(items, 0..=items.len().min(3)))
}

/// An object without the fields that are null.
fn object(fields: Value) -> Value {
    let fields = fields.as_object().expect("an object").clone();
    fields
        .into_iter()
        .filter(|(_, value)| !value.is_null())
        .collect()
}

fn allowed() -> impl Strategy<Value = Vec<Value>> {
    let entry = (
        list(&PATTERNS),
        list(&PATTERNS),
        list(&CLIENT_IDS),
        list(&TENANT_IDS),
    );
    let entry = entry.prop_map(|(namespaces, names, clients, tenants)| {
        object(json!({
            "namespaces": namespaces, "serviceAccounts": names,
            "clientIDs": clients, "tenantIDs": tenants,
        }))
    });
    prop::collection::vec(entry, 0..5)
}

fn map() -> impl Strategy<Value = Vec<Value>> {
    let id = prop::option::of(select(&CLIENT_IDS[..]));
    let tenant = prop::option::of(select(&TENANT_IDS[..]));
    let flags = (any::<bool>(), any::<bool>(), any::<bool>());
    let entry = (list(&PATTERNS), list(&PATTERNS), id, tenant, flags);
    let entry = entry.prop_map(|(namespaces, names, id, tenant, (opts_in, overrides, looks_up))| {
        object(json!({
            "namespaces": namespaces, "serviceAccounts": names, "clientID": id, "tenantID": tenant,
            "optIn": opts_in, "override": overrides, "lookup": looks_up || id.is_none(),
        }))
    });
    prop::collection::vec(entry, 0..5)
}

/// The settings and an identity, as an annotation has it.
#[derive(Debug)]
struct Case {
    allowed: Vec<Value>,
    map: Vec<Value>,
    namespace: &'static str,
    name: &'static str,
    client: Option<&'static str>,
    tenant: Option<&'static str>,
    opt_in: &'static str,
    pod_label: Option<&'static str>,
    is_account_labelled: bool,
}

fn cases() -> impl Strategy<Value = Case> {
    let names = (select(&NAMES[..]), select(&NAMES[..]));
    let ids = (
        prop::option::of(select(&CLIENT_IDS[..])),
        prop::option::of(select(&TENANT_IDS[..])),
    );
    let labels = (
        select(&["PodLabel", "PodLabel", "Either", "ServiceAccountLabel"][..]),
        select(&[None, Some("true"), Some("true"), Some("false")][..]),
        any::<bool>(),
    );
    (allowed(), map(), names, ids, labels).prop_map(
        |(
            allowed,
            map,
            (namespace, name),
            (client, tenant),
            (opt_in, pod_label, is_account_labelled),
        )| Case {
            allowed,
            map,
            namespace,
            name,
            client,
            tenant,
            opt_in,
            pod_label,
            is_account_labelled,
        },
    )
}

/// What a pod gets.
#[derive(Debug, PartialEq)]
enum Gets {
    /// It does not opt in.
    Nothing,
    /// Its identity is not allowed.
    Rejection,
    /// This client ID and this tenant.
    Identity(Option<String>, String),
}

const DEFAULT_TENANT: &str = "contoso.com";

impl Case {
    fn settings(&self) -> Value {
        json!({"azureTenantID": DEFAULT_TENANT, "allowedIdentities": self.allowed, "identityMap": self.map, "optIn": self.opt_in})
    }

    fn service_account(&self) -> Value {
        let annotations =
            object(json!({keys::CLIENT_ID: self.client, keys::TENANT_ID: self.tenant}));
        let labels = object(json!({keys::USE: self.is_account_labelled.then_some("")}));
        let metadata = json!({
            "name": self.name, "namespace": self.namespace, "annotations": annotations, "labels": labels,
        });
        json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": metadata})
    }

    fn request(&self, kind: &str, object: Value) -> Vec<u8> {
        let mut payload = json!({
            "settings": self.settings(),
            "request": {
                "uid": "u", "operation": "CREATE", "namespace": self.namespace,
                "kind": {"group": "", "version": "v1", "kind": kind}, "object": object,
            },
        });
        // As the host does.
        payload.sort_all_objects();
        payload.to_string().into_bytes()
    }

    /// What the policy decides on a pod.
    fn gets(&self) -> Gets {
        let labels = object(json!({keys::USE: self.pod_label}));
        let pod = json!({
            "metadata": {"name": "demo", "labels": labels},
            "spec": {"serviceAccountName": self.name, "containers": [{"name": "app"}]},
        });
        let payload = self.request("Pod", pod);
        let verdict = review(&payload, &Cluster(self.service_account()), &mut ());
        match &verdict.outcome {
            Outcome::Unchanged => Gets::Nothing,
            Outcome::Rejected => Gets::Rejection,
            Outcome::Mutated(edited) => {
                let mut json = Vec::new();
                edited.write_to(&mut json);
                let pod: Value = serde_json::from_slice(&json).expect("JSON");
                let env = pod["spec"]["containers"][0]["env"]
                    .as_array()
                    .expect("variables");
                let value = |name: &str| {
                    let variable = env.iter().find(|variable| variable["name"] == name)?;
                    Some(variable["value"].as_str()?.to_owned())
                };
                let tenant = value(keys::AZURE_TENANT_ID).expect("a tenant");
                Gets::Identity(value(keys::AZURE_CLIENT_ID), tenant)
            }
        }
    }

    /// What it should decide.
    fn should_get(&self) -> Gets {
        let entry = reference::entry(&self.map, self.namespace, self.name);
        let is = |name: &str| entry.is_some_and(|entry| entry[name] == true);
        let is_looked_up = entry.is_none() || is("lookup");
        let by_label = self.opt_in != "ServiceAccountLabel" && self.pod_label == Some("true");
        let by_map = is("optIn") && self.pod_label != Some("false");
        let by_account = self.opt_in != "PodLabel" && self.is_account_labelled && is_looked_up;
        if !by_label && !by_map && !by_account {
            return Gets::Nothing;
        }
        let of_entry = |name: &str| entry.and_then(|entry| entry[name].as_str());
        let pick = |annotation: Option<&'static str>, name: &str| {
            let annotation = annotation.filter(|_| is_looked_up);
            let of_entry = of_entry(name).map(str::to_owned);
            let annotation = annotation.map(str::to_owned);
            if is("override") {
                of_entry.or(annotation)
            } else {
                annotation.or(of_entry)
            }
        };
        let (client, tenant) = (pick(self.client, "clientID"), pick(self.tenant, "tenantID"));
        let names_something = client.is_some() || tenant.is_some();
        let tenant = tenant.unwrap_or(DEFAULT_TENANT.to_owned());
        // A client ID that is not known may be any that some entry names.
        let is_allowed = match &client {
            Some(client) => {
                reference::allows(&self.allowed, self.namespace, self.name, client, &tenant)
            }
            None => CLIENT_IDS.iter().any(|client| {
                reference::allows(&self.allowed, self.namespace, self.name, client, &tenant)
            }),
        };
        if names_something && !is_allowed {
            return Gets::Rejection;
        }
        Gets::Identity(client, tenant)
    }
}

const CASES: u32 = 2000;

#[test]
fn there_are_enough_cases_of_everything() {
    let mut runner = TestRunner::deterministic();
    let mut counts = [0; 4];
    for _ in 0..CASES {
        let case = cases().new_tree(&mut runner).expect("a case").current();
        counts[match case.should_get() {
            Gets::Nothing => 0,
            Gets::Rejection => 1,
            Gets::Identity(None, _) => 2,
            Gets::Identity(Some(_), _) => 3,
        }] += 1;
    }
    assert!(counts.iter().all(|count| *count >= 100), "{counts:?}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(CASES))]

    #[test]
    fn a_pod_gets_what_the_reference_says(case in cases()) {
        prop_assert_eq!(case.gets(), case.should_get());
    }

    /// What is reported of a ServiceAccount is what its pods will be told.
    #[test]
    fn a_service_account_is_rejected_if_its_pods_would_be(case in cases()) {
        let payload = case.request("ServiceAccount", case.service_account());
        let verdict = review(&payload, &Cluster(Value::Null), &mut ());
        let case = Case { opt_in: "PodLabel", pod_label: Some("true"), ..case };
        // One without annotations or labels of ours is none of the policy's business.
        if case.client.is_some() || case.tenant.is_some() || case.is_account_labelled {
            prop_assert_eq!(verdict.is_rejection(), case.should_get() == Gets::Rejection);
        }
    }

    /// An entry that is there again is reported.
    #[test]
    fn entries_that_are_there_again_are_reported(case in cases(), index in any::<prop::sample::Index>()) {
        let is_full = |entry: &Value| {
            let is_empty = |name| entry[name].as_array().is_some_and(Vec::is_empty);
            !is_empty("namespaces") && !is_empty("serviceAccounts")
        };
        let mut map: Vec<Value> = case.map.into_iter().filter(is_full).collect();
        prop_assume!(!map.is_empty());
        let again = index.get(&map).clone();
        let last = map.len();
        map.push(again);
        let settings = json!({"azureTenantID": DEFAULT_TENANT, "identityMap": map}).to_string();
        let findings = Settings::validate(&settings).expect_err("a fault");
        let faults: Vec<String> = findings.shown().iter().map(ToString::to_string).collect();
        let start = format!("setting identityMap[{last}]: never counts, because identityMap[");
        prop_assert!(faults.iter().any(|fault| fault.starts_with(&start)), "{:?}", faults);
    }

    /// An entry that is reported never to count can be left out.
    #[test]
    fn entries_that_never_count_can_be_left_out(case in cases()) {
        let settings = json!({"azureTenantID": DEFAULT_TENANT, "identityMap": case.map}).to_string();
        let Err(findings) = Settings::validate(&settings) else {
            return Ok(());
        };
        let faults: Vec<String> = findings.shown().iter().map(ToString::to_string).collect();
        let index = Regex::new(r"identityMap\[(\d+)\]: ").expect("a pattern");
        let mut map = case.map.clone();
        for fault in faults.iter().rev().filter(|fault| fault.contains("never counts")) {
            let index = index.captures(fault).expect("a place")[1].parse::<usize>().expect("a number");
            map.remove(index);
        }
        for namespace in NAMES {
            for name in NAMES {
                prop_assert_eq!(
                    reference::entry(&map, namespace, name),
                    reference::entry(&case.map, namespace, name)
                );
            }
        }
    }
}
