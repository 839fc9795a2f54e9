//! The examples are what Kubewarden, Kubernetes and the built module take.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use azure_workload_identity_policy::objects::KINDS;
use azwi_policy::input::files::find;
use azwi_policy::input::manifests::Manifest;
use azwi_policy::input::settings::SettingsValue;
use azwi_policy::kubewarden::host_calls::{Answers, HostCalls};
use azwi_policy::kubewarden::policy::Policy;
use k8s_openapi::{
    NamespaceResourceScope, Resource,
    api::{
        admissionregistration::v1::RuleWithOperations,
        apps::v1::{DaemonSet, Deployment, ReplicaSet, StatefulSet},
        batch::v1::{CronJob, Job},
        core::v1::{Pod, ReplicationController, ServiceAccount},
        rbac::v1::{ClusterRole, ClusterRoleBinding},
    },
    serde::de::DeserializeOwned,
};
use kubewarden_policy_sdk::crd::policies::{
    admission_policy::{AdmissionPolicy, AdmissionPolicySpec},
    cluster_admission_policy::{ClusterAdmissionPolicy, ClusterAdmissionPolicySpec},
    common::{BackgroundAudit, ContextAwareResource, FailurePolicy, PolicyMode},
};
use serde_json::{Value, json};

use super::{document, files, module::MODULE, root, text};

/// The manifests under examples of this kind, each with its file, relative to the root.
fn of_kind(kind: &str) -> Vec<(String, Manifest)> {
    // Of a directory, files that hold no manifests are left out, such as settings.
    let found: Vec<_> = find(&[root().join("examples")], &[])
        .expect("manifests")
        .manifests
        .into_iter()
        .filter(|manifest| manifest.kind == kind)
        .map(|manifest| {
            let file = Path::new(&manifest.origin.file);
            let file = file.strip_prefix(root()).expect("a file of the repository");
            (file.to_str().expect("a path in UTF-8").to_owned(), manifest)
        })
        .collect();
    assert_ne!(found.len(), 0, "{kind}");
    found
}

/// The manifest as the type that its API has for it; a field that the type does not have is an error.
#[track_caller]
fn typed<T: DeserializeOwned + k8s_openapi::serde::Serialize>(file: &str, object: &Value) -> T {
    let typed: T =
        serde_json::from_value(object.clone()).unwrap_or_else(|error| panic!("{file}: {error}"));
    let again = serde_json::to_value(&typed).expect("JSON");
    assert_eq!(lost(object, &again), Vec::<String>::new(), "{file}");
    typed
}

/// The paths in `before` that are not in `after`.
fn lost(before: &Value, after: &Value) -> Vec<String> {
    let join = |key: String, inner: &Value, after: &Value| -> Vec<String> {
        let inner = lost(inner, after);
        inner.iter().map(|path| format!("/{key}{path}")).collect()
    };
    match (before, after) {
        (Value::Object(before), Value::Object(_)) => before
            .iter()
            .flat_map(|(key, inner)| join(key.clone(), inner, &after[key]))
            .collect(),
        (Value::Array(before), Value::Array(list)) => before
            .iter()
            .enumerate()
            .flat_map(|(index, inner)| {
                join(
                    index.to_string(),
                    inner,
                    list.get(index).unwrap_or(&Value::Null),
                )
            })
            .collect(),
        (before, after) if before == after => Vec::new(),
        _ => vec![String::new()],
    }
}

/// The policies for the whole cluster: file, name and spec of each.
fn cluster_wide() -> Vec<(String, String, ClusterAdmissionPolicySpec)> {
    of_kind("ClusterAdmissionPolicy")
        .into_iter()
        .map(|(file, manifest)| {
            assert_eq!(manifest.api_version, "policies.kubewarden.io/v1", "{file}");
            let policy: ClusterAdmissionPolicy = typed(&file, &manifest.object);
            let name = policy.metadata.name.expect("a name");
            (file, name, policy.spec.expect("a spec"))
        })
        .collect()
}

/// The policies of one namespace. Their type has no contextAwareResources.
fn namespaced() -> Vec<(String, AdmissionPolicySpec)> {
    of_kind("AdmissionPolicy")
        .into_iter()
        .map(|(file, manifest)| {
            assert_eq!(manifest.api_version, "policies.kubewarden.io/v1", "{file}");
            let policy: AdmissionPolicy = typed(&file, &manifest.object);
            assert!(policy.metadata.namespace.is_some(), "{file}");
            (file, policy.spec.expect("a spec"))
        })
        .collect()
}

/// What both kinds of policies have.
struct Common {
    file: String,
    settings: Value,
    rules: Vec<RuleWithOperations>,
    is_mutating: bool,
}

/// All policies.
fn policies() -> Vec<Common> {
    let cluster_wide = cluster_wide()
        .into_iter()
        .map(|(file, _, spec)| (file, spec.settings, spec.rules, spec.mutating));
    let namespaced = namespaced()
        .into_iter()
        .map(|(file, spec)| (file, spec.settings, spec.rules, spec.mutating));
    cluster_wide
        .chain(namespaced)
        .map(|(file, settings, rules, is_mutating)| Common {
            settings: settings.0,
            rules: rules.unwrap_or_else(|| panic!("{file}: expected rules")),
            file,
            is_mutating,
        })
        .collect()
}

/// What rules match, one entry for each combination.
fn matches(rules: &[RuleWithOperations]) -> BTreeSet<[String; 4]> {
    let list = |list: &Option<Vec<String>>| list.clone().unwrap_or_default();
    let mut matches = BTreeSet::new();
    for rule in rules {
        for group in list(&rule.api_groups) {
            for version in list(&rule.api_versions) {
                for resource in list(&rule.resources) {
                    for operation in list(&rule.operations) {
                        matches
                            .insert([&group, &version, &resource, &operation].map(String::clone));
                    }
                }
            }
        }
    }
    matches
}

/// What the module has a say in, as its code has it: the pods that are created, and each creation and update of what it checks.
fn rules_of_the_module() -> BTreeSet<[String; 4]> {
    let mut reviewed = BTreeSet::from([["", "v1", "pods", "CREATE"].map(str::to_owned)]);
    let workloads = KINDS.iter().map(|kind| (kind.group, kind.name));
    for (group, kind) in workloads.chain([("", "ServiceAccount")]) {
        // The plural of each of these kinds.
        let resource = format!("{}s", kind.to_lowercase());
        for operation in ["CREATE", "UPDATE"] {
            reviewed.insert([group, "v1", &resource, operation].map(str::to_owned));
        }
    }
    reviewed
}

/// `kwctl scaffold manifest` makes one policy of the metadata, mutating and with failurePolicy Fail: it must see no more than the
/// policy that mutates.
#[test]
fn the_metadata_has_the_rules_of_the_policy_that_mutates() {
    let metadata = document("policy-metadata.yml");
    let rules = serde_json::from_value::<Vec<RuleWithOperations>>(metadata["rules"].clone());
    let of_the_metadata = matches(&rules.expect("rules"));
    let mut mutating = policies();
    mutating.retain(|policy| policy.file == "examples/policies/inject.yaml");
    let [inject] = &mutating[..] else {
        panic!("expected one policy");
    };
    assert!(inject.is_mutating);
    assert_eq!(metadata["mutating"], true);
    assert_eq!(of_the_metadata, matches(&inject.rules));
}

#[test]
fn each_policy_has_settings_that_the_module_accepts() {
    for Common { file, settings, .. } in policies() {
        assert_eq!(checked(&file, with_a_tenant(settings)), None, "{file}");
    }
}

#[test]
fn no_policy_is_accepted_before_it_has_the_tenant_of_the_user() {
    let expected = "setting azureTenantID: expected a tenant ID, a UUID or a verified domain name, \
                    found \"YOUR-TENANT-ID\"; help: put your tenant ID here";
    for Common { file, settings, .. } in policies() {
        let found = checked(&file, settings);
        assert_eq!(found.as_deref(), Some(expected), "{file}");
    }
}

/// What the module has against settings, if anything.
fn checked(file: &str, settings: Value) -> Option<String> {
    let settings = SettingsValue::from_value(file, settings).expect("an object");
    let host = HostCalls::new(Answers::Cluster(Arc::default()));
    let checked = Policy::new(&*MODULE, settings, host).check_settings();
    checked.err().map(|error| error.to_string())
}

/// The settings as a user fills them in.
fn with_a_tenant(mut settings: Value) -> Value {
    settings["azureTenantID"] = "contoso.com".into();
    settings
}

#[test]
fn each_cluster_wide_policy_may_read_service_accounts() {
    let service_accounts = ContextAwareResource {
        api_version: "v1".to_owned(),
        kind: "ServiceAccount".to_owned(),
    };
    for (file, _, spec) in cluster_wide() {
        assert_eq!(
            spec.context_aware_resources,
            std::slice::from_ref(&service_accounts),
            "{file}"
        );
    }
}

#[test]
fn each_policy_has_rules_of_the_module() {
    let of_the_module = rules_of_the_module();
    for Common { file, rules, .. } in policies() {
        let rules = matches(&rules);
        assert_ne!(rules.len(), 0, "{file}");
        let others: Vec<_> = rules.difference(&of_the_module).collect();
        assert_eq!(others, Vec::<&[String; 4]>::new(), "{file}");
    }
}

/// Group, version and plural of a resource that is in a namespace.
fn in_namespaces<R: Resource<Scope = NamespaceResourceScope>>() -> [String; 3] {
    [R::GROUP, R::VERSION, R::URL_PATH_SEGMENT].map(str::to_owned)
}

#[test]
fn each_rule_of_a_namespaced_policy_is_about_what_is_in_namespaces() {
    let in_namespaces = [
        in_namespaces::<Pod>(),
        in_namespaces::<ServiceAccount>(),
        in_namespaces::<ReplicationController>(),
        in_namespaces::<Deployment>(),
        in_namespaces::<ReplicaSet>(),
        in_namespaces::<StatefulSet>(),
        in_namespaces::<DaemonSet>(),
        in_namespaces::<Job>(),
        in_namespaces::<CronJob>(),
    ];
    for (file, spec) in namespaced() {
        for rule in spec.rules.expect("rules") {
            assert_ne!(rule.scope.as_deref(), Some("Cluster"), "{file}");
            for [group, version, resource, _] in matches(&[rule]) {
                let found = [group, version, resource];
                assert!(in_namespaces.contains(&found), "{file}: {found:?}");
            }
        }
    }
}

#[test]
fn the_policies_of_the_base_cover_the_rules_of_the_module() {
    let of_the_base: BTreeSet<_> = policies()
        .into_iter()
        .filter(|policy| policy.file.starts_with("examples/policies/"))
        .flat_map(|policy| matches(&policy.rules))
        .collect();
    assert_eq!(of_the_base, rules_of_the_module());
}

#[test]
fn the_module_changes_what_a_mutating_policy_says_and_no_more() {
    for policy in policies() {
        let rules = matches(&policy.rules);
        let is_for_pods = rules.iter().all(|[.., resource, _]| resource == "pods");
        let verifies = policy.settings["mode"] == "Verify";
        assert_eq!(
            policy.is_mutating,
            is_for_pods && !verifies,
            "{}",
            policy.file
        );
    }
}

#[test]
fn each_policy_of_the_base_does_its_part() {
    let part = |name: &str| {
        let (_, _, spec) = cluster_wide()
            .into_iter()
            .find(|(file, found, _)| file.starts_with("examples/policies/") && found == name)
            .unwrap_or_else(|| panic!("expected the policy {name}"));
        json!({
            "mutating": spec.mutating,
            "backgroundAudit": spec.background_audit,
            "failurePolicy": spec.failure_policy,
            "mode": spec.mode.unwrap_or_default(),
            "selects": spec.object_selector.and_then(|selector| selector.match_labels),
            "matchConditions": spec.match_conditions.map(|conditions| conditions.len()),
            "verifies": spec.settings.0["mode"] == "Verify",
        })
    };
    let expected = |audit: BackgroundAudit, failure: FailurePolicy, mode: PolicyMode| json!({"backgroundAudit": audit, "failurePolicy": failure, "mode": mode});
    let audit = |audit: bool| serde_json::from_value::<BackgroundAudit>(json!(audit)).expect("it");
    let opted_in = json!({"azure.workload.identity/use": "true"});
    for (name, mut expected, rest) in [
        (
            "azure-workload-identity",
            expected(audit(false), FailurePolicy::Fail, PolicyMode::Protect),
            json!({"mutating": true, "selects": opted_in, "matchConditions": null, "verifies": false}),
        ),
        (
            "azure-workload-identity-check",
            expected(audit(true), FailurePolicy::Ignore, PolicyMode::Protect),
            json!({"mutating": false, "selects": null, "matchConditions": 1, "verifies": false}),
        ),
        (
            "azure-workload-identity-verify",
            expected(audit(true), FailurePolicy::Ignore, PolicyMode::Monitor),
            json!({"mutating": false, "selects": opted_in, "matchConditions": null, "verifies": true}),
        ),
    ] {
        let fields = expected.as_object_mut().expect("an object");
        fields.extend(rest.as_object().expect("an object").clone());
        assert_eq!(part(name), expected, "{name}");
    }
}

/// Kubewarden puts its own namespace into namespaceSelector, and keeps no more of a policy's own than matchExpressions.
#[test]
fn no_policy_selects_namespaces_by_match_labels() {
    for (file, _, spec) in cluster_wide() {
        let labels = spec
            .namespace_selector
            .and_then(|selector| selector.match_labels);
        assert_eq!(labels, None, "{file}");
    }
}

/// k8s-openapi's oldest Kubernetes does not have the type, so the whole object is here.
#[test]
fn the_policy_that_mutates_pods_and_no_other_is_called_again() {
    let name = "azure-workload-identity-later-containers";
    let configurations: Vec<_> = cluster_wide()
        .into_iter()
        .filter(|(file, _, spec)| file.starts_with("examples/policies/") && spec.mutating)
        .map(|(_, policy, _)| format!("clusterwide-{policy}"))
        .collect();
    let objects = |kind: &str| -> Vec<Value> {
        let found = of_kind(kind).into_iter();
        found.map(|(_, manifest)| manifest.object).collect()
    };
    assert_eq!(
        objects("MutatingAdmissionPolicy"),
        [json!({
            "apiVersion": "admissionregistration.k8s.io/v1",
            "kind": "MutatingAdmissionPolicy",
            "metadata": {"name": name},
            "spec": {
                "failurePolicy": "Ignore",
                "reinvocationPolicy": "Never",
                "matchConstraints": {"resourceRules": [{
                    "apiGroups": ["admissionregistration.k8s.io"],
                    "apiVersions": ["v1"],
                    "operations": ["CREATE", "UPDATE"],
                    "resources": ["mutatingwebhookconfigurations"],
                    "resourceNames": configurations,
                }]},
                "mutations": [{
                    "patchType": "ApplyConfiguration",
                    "applyConfiguration": {"expression": "Object{\n  webhooks: object.webhooks.map(webhook, Object.webhooks{name: webhook.name, reinvocationPolicy: \"IfNeeded\"})\n}"},
                }],
            },
        })]
    );
    assert_eq!(
        objects("MutatingAdmissionPolicyBinding"),
        [json!({
            "apiVersion": "admissionregistration.k8s.io/v1",
            "kind": "MutatingAdmissionPolicyBinding",
            "metadata": {"name": name},
            "spec": {"policyName": name},
        })]
    );
}

#[test]
fn policy_server_may_read_service_accounts_and_ask_for_permissions() {
    for (file, manifest) in of_kind("ClusterRole") {
        let role: ClusterRole = typed(&file, &manifest.object);
        let rules = serde_json::to_value(role.rules).expect("JSON");
        assert_eq!(
            rules,
            json!([
                {"apiGroups": [""], "resources": ["serviceaccounts"], "verbs": ["get", "list", "watch"]},
                {"apiGroups": ["authorization.k8s.io"], "resources": ["subjectaccessreviews"], "verbs": ["create"]},
            ]),
            "{file}"
        );
    }
    for (file, manifest) in of_kind("ClusterRoleBinding") {
        let binding: ClusterRoleBinding = typed(&file, &manifest.object);
        assert_eq!(
            binding.role_ref.name, "azure-workload-identity-policy",
            "{file}"
        );
    }
}

#[test]
fn workloads_are_what_kubernetes_takes() {
    for (file, manifest) in of_kind("Deployment") {
        typed::<Deployment>(&file, &manifest.object);
    }
    for (file, manifest) in of_kind("ServiceAccount") {
        typed::<ServiceAccount>(&file, &manifest.object);
    }
}

#[test]
fn the_examples_are_tested_and_do_what_their_tests_say() {
    let tests = files("examples", "azwi-test.yaml");
    let tested = ["identities", "january-2022", "policies", "quick-start"];
    assert_eq!(
        tests,
        tested.map(|directory| format!("examples/{directory}/azwi-test.yaml"))
    );
    let program = Command::new(env!("CARGO_BIN_EXE_azwi-policy"))
        .args(["test", "examples"])
        .current_dir(root())
        .output()
        .expect("the program");
    let printed = String::from_utf8_lossy(&program.stdout);
    assert!(program.status.success(), "{printed}");
    for file in tests {
        assert!(printed.contains(&file), "{file}: {printed}");
    }
}

#[test]
fn each_kustomization_names_files_that_are_there_and_all_of_them() {
    let kustomizations: Vec<_> = files("examples", "kustomization.yaml");
    assert_eq!(
        kustomizations,
        [
            "examples/kustomization.yaml",
            "examples/later-containers/kustomization.yaml",
            "examples/monitoring/kustomization.yaml",
            "examples/policies/kustomization.yaml",
            "examples/policy-server/kustomization.yaml",
        ]
    );
    for file in kustomizations {
        let directory = file
            .strip_suffix("/kustomization.yaml")
            .expect("a directory");
        let document = document(&file);
        let resources: BTreeSet<_> = document["resources"]
            .as_array()
            .expect("a list")
            .iter()
            .map(|resource| resource.as_str().expect("a name").to_owned())
            .collect();
        for resource in &resources {
            let path = root().join(directory).join(resource);
            let file = if path.is_dir() {
                path.join("kustomization.yaml")
            } else {
                path
            };
            assert!(file.is_file(), "{}", file.display());
        }
        let beside: BTreeSet<_> = files(directory, ".yaml")
            .iter()
            .filter_map(|file| file.strip_prefix(directory)?.strip_prefix('/'))
            .filter(|file| !file.contains('/'))
            .filter(|file| !["kustomization.yaml", "azwi-test.yaml"].contains(file))
            .map(str::to_owned)
            .collect();
        assert!(beside.is_subset(&resources), "{file}: {beside:?}");
    }
}

#[test]
fn the_page_about_tests_shows_the_test_of_the_quick_start() {
    let page = text("docs/testing-your-manifests.md");
    let (_, block) = page.split_once("```yaml\n").expect("a block");
    let (block, _) = block.split_once("```").expect("the end of the block");
    let case = text("examples/quick-start/azwi-test.yaml");
    // The first line names this page.
    let (_, case) = case.split_once('\n').expect("lines");
    assert_eq!(block, case);
}
