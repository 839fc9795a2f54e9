//! `azwi-policy migrate`: what the webhook has injected stays as it is, and what had its identity of AAD Pod Identity gets it.

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

mod module;
#[path = "../../tests/vector_files/mod.rs"]
mod vector_files;

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::sync::Arc;

use azwi_policy::commands::migrate::{self, MigrateArgs, Migrated};
use azwi_policy::commands::preview::args::{Detail, ReviewArgs};
use azwi_policy::commands::preview::{self, LazyModule, Preview, PreviewOutcome};
use proptest::prelude::*;
use serde_json::{Value, json};
use tempfile::TempDir;

use vector_files::Outcome;

/// Writes `objects` into a file of the directory.
fn file(directory: &TempDir, name: &str, objects: &[Value]) -> PathBuf {
    let path = directory.path().join(name);
    let list = json!({"apiVersion": "v1", "kind": "List", "items": objects});
    fs::write(&path, list.to_string()).unwrap();
    path
}

fn migrated(files: Vec<PathBuf>, set: Vec<String>, dump: Vec<PathBuf>) -> Migrated {
    let args = MigrateArgs {
        files,
        release: None,
        set,
        module: (!dump.is_empty()).then(|| module::file().into()),
        dump,
        proxy: false,
        namespace: "default".to_owned(),
    };
    migrate::migrate(&args, None).unwrap()
}

/// All releases that have a chart or a manifest, and some that came later: opt-in, layout, and what happens without an answer.
const RELEASES: [(&str, &str, &str, &str); 28] = [
    ("v0.4.0", "ServiceAccountLabel", "v0.7", "Ignore"),
    ("v0.5.0", "ServiceAccountLabel", "v0.7", "Ignore"),
    ("v0.6.0", "ServiceAccountLabel", "v0.7", "Ignore"),
    ("v0.7.0", "ServiceAccountLabel", "v0.7", "Ignore"),
    ("v0.8.0", "ServiceAccountLabel", "v1.5", "Ignore"),
    ("v0.9.0", "ServiceAccountLabel", "v1.5", "Ignore"),
    ("v0.10.0", "ServiceAccountLabel", "v1.5", "Ignore"),
    ("v0.11.0", "ServiceAccountLabel", "v1.5", "Ignore"),
    ("v0.12.0", "ServiceAccountLabel", "v1.5", "Ignore"),
    ("v0.13.0", "ServiceAccountLabel", "v1.5", "Ignore"),
    ("v0.14.0", "ServiceAccountLabel", "v1.5", "Ignore"),
    ("v0.15.0", "Either", "v1.5", "Ignore"),
    ("v1.0.0-alpha.0", "PodLabel", "v1.5", "Fail"),
    ("v1.0.0-beta.0", "PodLabel", "v1.5", "Fail"),
    ("v1.0.0-rc.0", "PodLabel", "v1.5", "Fail"),
    ("v1.0.0", "PodLabel", "v1.5", "Fail"),
    ("v1.1.0", "PodLabel", "v1.5", "Fail"),
    ("v1.2.0", "PodLabel", "v1.5", "Fail"),
    ("v1.2.1", "PodLabel", "v1.5", "Fail"),
    ("v1.2.2", "PodLabel", "v1.5", "Fail"),
    ("v1.3.0", "PodLabel", "v1.5", "Fail"),
    ("v1.4.0", "PodLabel", "v1.5", "Fail"),
    ("v1.4.1", "PodLabel", "v1.5", "Fail"),
    ("v1.5.0", "PodLabel", "v1.5", "Fail"),
    ("v1.5.1", "PodLabel", "v1.5", "Fail"),
    ("v1.6.0", "PodLabel", "v1.6.0", "Fail"),
    ("v1.6.1", "PodLabel", "v1.6.1", "Fail"),
    ("v1.6.3", "PodLabel", "v1.6.1", "Fail"),
];

/// Values of the chart as helm prints them, and objects as the manifests have them, before and after they are filled in.
fn inputs(release: &str, is_stable: bool) -> [String; 4] {
    let values =
        json!({"azureTenantID": "contoso.com", "image": {"release": release}, "replicaCount": 2});
    let objects = |tenant: &str, arguments: Value| {
        let image = format!("mcr.microsoft.com/oss/azure/workload-identity/webhook:{release}");
        let container = json!({
            "name": "manager", "image": image, "command": ["/manager"], "args": arguments,
            "envFrom": [{"configMapRef": {"name": "azure-wi-webhook-config"}}],
        });
        let mut webhook = json!({
            "name": "mutation.azure-workload-identity.io",
            "failurePolicy": if is_stable { "Fail" } else { "Ignore" },
            "rules": [{"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["pods"]}],
        });
        if is_stable {
            webhook["objectSelector"] =
                json!({"matchLabels": {"azure.workload.identity/use": "true"}});
        }
        let object = |version: &str, kind: &str, name: &str, rest: Value| {
            let mut object =
                json!({"apiVersion": version, "kind": kind, "metadata": {"name": name}});
            object
                .as_object_mut()
                .unwrap()
                .extend(rest.as_object().unwrap().clone());
            format!("---\n{object}\n")
        };
        object(
            "apps/v1",
            "Deployment",
            "azure-wi-webhook-controller-manager",
            json!({"spec": {"template": {"spec": {"containers": [container]}}}}),
        ) + &object(
            "v1",
            "ConfigMap",
            "azure-wi-webhook-config",
            json!({"data": {"AZURE_ENVIRONMENT": "${AZURE_ENVIRONMENT:-AzurePublicCloud}", "AZURE_TENANT_ID": tenant}}),
        ) + &object(
            "admissionregistration.k8s.io/v1",
            "MutatingWebhookConfiguration",
            "azure-wi-webhook-mutating-webhook-configuration",
            json!({"webhooks": [webhook]}),
        )
    };
    [
        values.to_string(),
        format!("COMPUTED VALUES:\n{values}"),
        objects("contoso.com", json!(["--log-level=info"])),
        objects(
            "<replace with tenant>",
            json!(["--arc-cluster=${ARC_CLUSTER:-false}"]),
        ),
    ]
}

/// Each release, by each form of input, becomes the three policies that do what it does.
#[test]
fn each_release_becomes_the_policies_that_do_the_same() {
    let directory = tempfile::tempdir().unwrap();
    for (release, opt_in, layout, failure_policy) in RELEASES {
        for (number, input) in inputs(release, failure_policy == "Fail")
            .into_iter()
            .enumerate()
        {
            let path = directory.path().join(format!("{release}-{number}.yaml"));
            fs::write(&path, &input).unwrap();
            let migrated = migrated(
                vec![path],
                vec!["azureTenantID=contoso.com".to_owned()],
                Vec::new(),
            );
            assert_eq!(migrated.remarks.warnings, Vec::<String>::new(), "{input}");
            let policies: Vec<Value> = migrated
                .text
                .split("---\n")
                .skip(1)
                .map(|policy| yaml_serde::from_str(policy).unwrap())
                .collect();
            let is_by_label = opt_in == "PodLabel";
            let of = |policy: usize, field: &str| policies[policy]["spec"].get(field).is_some();
            assert_eq!(policies.len(), 3);
            for (policy, mode) in policies
                .iter()
                .zip([Value::Null, Value::Null, "Verify".into()])
            {
                let settings = &policy["spec"]["settings"];
                let found = [
                    &settings["optIn"],
                    &settings["layout"],
                    &settings["azureTenantID"],
                    &settings["mode"],
                ];
                assert_eq!(
                    found,
                    [&json!(opt_in), &json!(layout), &json!("contoso.com"), &mode],
                    "{input}"
                );
            }
            assert_eq!(policies[0]["spec"]["failurePolicy"], failure_policy);
            let selected = [
                of(0, "objectSelector"),
                of(1, "matchConditions"),
                of(2, "objectSelector"),
            ];
            assert_eq!(selected, [is_by_label; 3], "{input}");
        }
    }
}

/// The release that has a layout.
fn release(layout: &str) -> &'static str {
    match layout {
        "v0.7" => "v0.7.0",
        "v1.5" => "v1.5.1",
        "v1.6.0" => "v1.6.0",
        "v1.6.1" => "v1.6.3",
        other => panic!("{other}"),
    }
}

/// Pods as the webhook leaves them, of each layout and with many settings, do not change.
#[test]
fn what_the_webhook_has_injected_stays_as_it_is() {
    let directory = tempfile::tempdir().unwrap();
    // Those with the same settings are in one cluster, each in a namespace of its own.
    let mut clusters = BTreeMap::<String, Vec<Value>>::new();
    let mut pods = 0;
    for (index, vector) in vector_files::all().into_iter().enumerate() {
        let is_of_webhook =
            vector.file.starts_with("webhook-") || vector.file.starts_with("layouts/");
        let Outcome::Mutated(mut pod) = vector.expected.outcome else {
            continue;
        };
        let is_injected = vector.settings.get("mode").is_none() && pod["kind"] == "Pod";
        if !is_of_webhook || !is_injected {
            continue;
        }
        let namespace = json!(format!("n{index}"));
        let mut account = vector.service_account;
        pod["metadata"]["namespace"] = namespace.clone();
        account["metadata"]["namespace"] = namespace;
        account["metadata"]["labels"]["azure.workload.identity/use"] = "true".into();
        let mut settings = vector.settings;
        settings.as_object_mut().unwrap().remove("optIn");
        clusters
            .entry(settings.to_string())
            .or_default()
            .extend([pod, account]);
        pods += 1;
    }
    assert!(
        pods > 40 && clusters.len() > 5,
        "{pods} pods, {} clusters",
        clusters.len()
    );
    for (number, (settings, objects)) in clusters.into_iter().enumerate() {
        let mut settings: Value = serde_json::from_str(&settings).unwrap();
        let layout = settings.as_object_mut().unwrap().remove("layout");
        let layout = layout.unwrap_or_else(|| "v1.5".into());
        let values = json!({"image": {"release": release(layout.as_str().unwrap())}});
        let path = directory.path().join(format!("{number}.yaml"));
        fs::write(&path, values.to_string()).unwrap();
        let set = settings.as_object().unwrap().iter();
        let set = set.map(|(key, value)| format!("{key}={value}")).collect();
        let dump = file(&directory, &format!("{number}.json"), &objects);
        let pods = objects.iter().filter(|object| object["kind"] == "Pod");
        let pods = match pods.count() {
            1 => "1 pod".to_owned(),
            count => format!("{count} pods"),
        };
        let migrated = migrated(vec![path], set, vec![dump]);
        assert_eq!(migrated.differences, Vec::<String>::new(), "{settings}");
        let note = format!("--dump: {pods}: all would stay as they are");
        assert!(
            migrated.remarks.notes.contains(&note),
            "{:?}",
            migrated.remarks
        );
    }
}

/// A workload and how it is called: its identity, if it has one, and its ServiceAccount, if it names one.
#[derive(Debug, Clone)]
struct Case {
    kind: &'static str,
    identity: usize,
    namespace: usize,
    account: Option<&'static str>,
}

fn cases() -> impl Strategy<Value = Vec<Case>> {
    let kind = prop::sample::select(vec!["Deployment", "StatefulSet", "DaemonSet", "CronJob"]);
    let account = prop::sample::select(vec![None, Some("default"), Some("own")]);
    let case = (kind, 0_usize..4, 0_usize..3, account);
    let case = case.prop_map(|(kind, identity, namespace, account)| Case {
        kind,
        identity,
        namespace,
        account,
    });
    prop::collection::vec(case, 1..12)
}

fn client_id(namespace: usize, identity: usize) -> String {
    format!("8f1c2a7e-5d3b-4c59-9a57-0000000000{namespace}{identity}")
}

/// A cluster with three namespaces, three identities in each, and these workloads; that with identity 3 has no binding.
fn cluster(cases: &[Case]) -> Vec<Value> {
    let mut objects = Vec::new();
    let pod_identity = |kind: &str, name: &str, namespace: usize, spec: Value| {
        json!({
            "apiVersion": "aadpodidentity.k8s.io/v1", "kind": kind,
            "metadata": {"name": name, "namespace": format!("n{namespace}")}, "spec": spec,
        })
    };
    for namespace in 0..3 {
        for identity in 0..3 {
            let name = format!("identity-{identity}");
            let spec = json!({"type": 0, "clientID": client_id(namespace, identity)});
            objects.push(pod_identity("AzureIdentity", &name, namespace, spec));
            let spec = json!({"azureIdentity": name, "selector": format!("s{identity}")});
            objects.push(pod_identity("AzureIdentityBinding", &name, namespace, spec));
        }
    }
    for (index, case) in cases.iter().enumerate() {
        let mut spec = json!({"containers": [{"name": "app", "image": "example.com/app"}]});
        match case.account {
            // Each workload has one of its own, so that none has two identities.
            Some("own") => spec["serviceAccountName"] = format!("own-{index}").into(),
            Some(name) => spec["serviceAccountName"] = name.into(),
            None => {}
        }
        let labels = json!({"app": "a", "aadpodidbinding": format!("s{}", case.identity)});
        let template = json!({"metadata": {"labels": labels}, "spec": spec});
        let (version, spec) = match case.kind {
            "CronJob" => (
                "batch/v1",
                json!({"jobTemplate": {"spec": {"template": template}}}),
            ),
            _ => ("apps/v1", json!({"template": template})),
        };
        objects.push(json!({
            "apiVersion": version, "kind": case.kind,
            "metadata": {"name": format!("w{index}"), "namespace": format!("n{}", case.namespace)},
            "spec": spec,
        }));
    }
    objects
}

/// The value of a variable in the only container of the pod that a workload creates.
fn variable(preview: &Preview, name: &str) -> Option<String> {
    let (_, pod) = preview.mutated()?;
    let variables = pod.pointer("/spec/containers/0/env")?.as_array()?;
    let variable = variables.iter().find(|variable| variable["name"] == name)?;
    Some(variable["value"].as_str()?.to_owned())
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(24) })]

    /// Each workload with an identity is in the result, and its pods get that identity, in a cluster that has nothing else.
    #[test]
    fn what_had_its_identity_of_pod_identity_gets_it(cases in cases()) {
        thread_local! {
            static LOADED: LazyModule<'static> =
                LazyModule::new(module::file(), || Ok(Arc::new(module::MODULE.clone())));
        }
        let directory = tempfile::tempdir().unwrap();
        let input = file(&directory, "cluster.json", &cluster(&cases));
        let migrated = migrated(vec![input], Vec::new(), Vec::new());
        let result = directory.path().join("result.yaml");
        fs::write(&result, &migrated.text).unwrap();
        let mut found = BTreeMap::new();
        if !migrated.text.is_empty() {
            let args = ReviewArgs {
                set: vec!["azureTenantID=contoso.com".to_owned()],
                strict: true,
                paths: vec![result],
                ..ReviewArgs::default()
            };
            let remarks = LOADED.with(|loaded| {
                preview::preview(&args, &Detail::default(), loaded, None, |preview| {
                    if preview.kind != "ServiceAccount" {
                        let is_mutated = preview.outcome() == PreviewOutcome::Mutated;
                        found.insert(preview.title(), (is_mutated, variable(&preview, "AZURE_CLIENT_ID")));
                    }
                    Ok(())
                })
            });
            prop_assert_eq!(remarks.unwrap().errors, Vec::<String>::new());
        }
        let expected: BTreeMap<_, _> = cases
            .iter()
            .enumerate()
            .filter(|(_, case)| case.identity < 3)
            .map(|(index, case)| {
                let title = format!("{} n{}/w{index}", case.kind, case.namespace);
                (title, (true, Some(client_id(case.namespace, case.identity))))
            })
            .collect();
        prop_assert_eq!(found, expected, "{}", migrated.text);
    }
}
