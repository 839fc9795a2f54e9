//! Objects of kinds that setting `podTemplates` describes.

use super::*;

fn rollout_setting() -> Value {
    json!([{"apiGroup": "argoproj.io", "kind": "Rollout", "template": "spec.template"}])
}

fn template(labels: Value, annotations: Value) -> Value {
    json!({
        "metadata": {"labels": labels, "annotations": annotations},
        "spec": {"serviceAccountName": "fed-sa", "containers": [{"name": "app"}]},
    })
}

fn opted_in() -> Value {
    json!({keys::USE: "true"})
}

fn bad() -> Value {
    json!({keys::TOKEN_EXPIRATION: "1h"})
}

fn object(group: &str, kind: &str, setting: Value, spec: Value) -> Case {
    let mut case = case().set("podTemplates", setting);
    case.request["kind"] = json!({"group": group, "version": "v1", "kind": kind});
    case.request["object"] = json!({"kind": kind, "metadata": {"name": "web"}, "spec": spec});
    case
}

fn rollout(labels: Value, annotations: Value) -> Case {
    let spec = json!({"template": template(labels, annotations)});
    object("argoproj.io", "Rollout", rollout_setting(), spec)
}

const EXPIRATION: &str = r#"annotation azure.workload.identity/service-account-token-expiration: expected a whole number of seconds from 3600 to 86400, found "1h""#;

#[test]
fn a_whole_template_is_reviewed_as_that_of_a_workload() {
    rollout(opted_in(), json!({})).unchanged();
    rollout(opted_in(), bad())
        .rejects(&format!("Rollout default/web: spec.template: {EXPIRATION}"));
    let mut broken = rollout(opted_in(), json!({}));
    broken.object()["spec"]["template"]["spec"]["containers"] = json!([{"name": 5}]);
    broken.rejects(
        "Rollout default/web: spec.template.spec.containers[0].name: expected a name, found a number",
    );
    let mut missing = rollout(opted_in(), json!({}));
    missing.cluster.answer = Err(
        r#"Cannot find v1/ServiceAccount named 'fed-sa' inside of namespace 'Some("default")'"#
            .to_owned(),
    );
    missing.warns(&["ServiceAccount default/fed-sa: does not exist; help: create it, or correct spec.template.spec.serviceAccountName"]);
    let mut named = rollout(opted_in(), json!({}));
    named.object()["spec"]["template"]["spec"]["serviceAccountName"] = "A".into();
    named.warns(&[r#"Rollout default/web: spec.template.spec.serviceAccountName: expected an object name: lower-case letters, digits, and inner hyphens and dots, found "A""#]);
}

#[test]
fn kinds_that_are_not_described_are_left_alone() {
    let mut other = rollout(opted_in(), bad());
    for setting in [Value::Null, json!([])] {
        other.settings["podTemplates"] = setting;
        other.unchanged();
    }
    other.settings["podTemplates"] = rollout_setting();
    for (group, kind) in [
        ("argoproj.io", "Workflow"),
        ("", "Rollout"),
        ("example.com", "Rollout"),
    ] {
        other.request["kind"] = json!({"group": group, "version": "v1", "kind": kind});
        other.unchanged();
    }
    other.request["kind"] = json!({"group": "argoproj.io", "version": "v1", "kind": "Rollout"});
    other.request["operation"] = "DELETE".into();
    other.unchanged();
    other.asked(&[]);
    let mut pod = case().set("podTemplates", json!([{"apiGroup": "", "kind": "Pod"}]));
    pod.request["operation"] = "UPDATE".into();
    pod.unchanged();
}

#[test]
fn settings_that_are_not_valid_reject_only_what_they_are_about() {
    let mut case = rollout(opted_in(), json!({})).set("optIn", 5);
    let verdict = case.review();
    assert_eq!(
        verdict.message().as_deref(),
        Some("setting optIn: expected one of PodLabel, ServiceAccountLabel, Either, found 5")
    );
    assert_eq!(verdict.code(), 500);
    case.settings["podTemplates"] = Value::Null;
    case.unchanged();
}

#[test]
fn keys_on_the_object_that_belong_on_its_template_are_warned_about() {
    let mut case = rollout(json!({}), json!({}));
    case.object()["metadata"]["labels"] = opted_in();
    case.object()["metadata"]["annotations"] = json!({keys::SKIP_CONTAINERS: "app"});
    case.warns(&[
        "Rollout default/web: label azure.workload.identity/use has no effect here; help: make it a label of spec.template",
        "Rollout default/web: annotation azure.workload.identity/skip-containers has no effect here; help: make it an annotation of spec.template",
    ]);
    case.object()["spec"]["template"]["metadata"]["labels"] = opted_in();
    case.object()["metadata"]["annotations"] = Value::Null;
    case.unchanged();
}

#[test]
fn an_update_that_leaves_the_pods_alone_is_accepted() {
    let mut case = rollout(opted_in(), bad());
    case.request["operation"] = "UPDATE".into();
    case.request["oldObject"] = case.request["object"].clone();
    case.object()["spec"]["replicas"] = json!(3);
    case.unchanged();
    case.request["oldObject"]["spec"]["template"]["metadata"]["annotations"] = json!({});
    assert!(case.review().is_rejection());
    case.request["oldObject"]["spec"] = json!(5);
    assert!(case.review().is_rejection());
    case.object()["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z".into();
    case.unchanged();

    let mut spark = spark(json!({"labels": opted_in(), "annotations": bad()}));
    spark.request["operation"] = "UPDATE".into();
    spark.request["oldObject"] = spark.request["object"].clone();
    spark.object()["spec"]["image"] = "spark:2".into();
    spark.unchanged();
    spark.object()["spec"]["driver"]["serviceAccount"] = "other".into();
    assert!(spark.review().is_rejection());
}

#[test]
fn an_object_of_the_wrong_shape_is_rejected_with_the_path() {
    for (spec, fault) in [
        (json!(5), "spec: expected an object, found a number"),
        (
            json!({"template": []}),
            "spec.template: expected a pod template, found a list",
        ),
        (
            json!({"template": {"metadata": 5}}),
            "spec.template.metadata: expected an object, found a number",
        ),
        (
            json!({"template": {"metadata": {"labels": {keys::USE: true}}}}),
            r#"spec.template.metadata.labels["azure.workload.identity/use"]: expected a string, found a boolean; help: put the value in quotes"#,
        ),
        (
            json!({"template": {"metadata": {"labels": opted_in()}, "spec": []}}),
            "spec.template.spec: expected an object, found a list",
        ),
    ] {
        object("argoproj.io", "Rollout", rollout_setting(), spec)
            .rejects(&format!("Rollout default/web: {fault}"));
    }
    for nothing in [Value::Null, json!({}), json!({"template": null})] {
        object("argoproj.io", "Rollout", rollout_setting(), nothing).unchanged();
    }
    for (driver, fault) in [
        (json!([]), "spec.driver: expected an object, found a list"),
        (
            json!({"labels": [], "serviceAccount": "a"}),
            "spec.driver.labels: expected an object of strings, found a list",
        ),
        (
            json!({"annotations": {keys::SKIP_CONTAINERS: 5}}),
            r#"spec.driver.annotations["azure.workload.identity/skip-containers"]: expected a string, found a number; help: put the value in quotes"#,
        ),
        (
            json!({"serviceAccount": {}}),
            "spec.driver.serviceAccount: expected a name, found an object",
        ),
    ] {
        spark(driver).rejects(&format!("SparkApplication default/web: {fault}"));
    }
}

#[test]
fn what_is_no_whole_pod_is_not_blamed_for_it() {
    for pod in [
        json!({"serviceAccountName": "fed-sa"}),
        json!({"serviceAccount": "fed-sa"}),
        json!({"serviceAccountName": "fed-sa", "containers": null}),
        json!({"serviceAccountName": "fed-sa", "containers": [{"image": "i"}]}),
    ] {
        let mut case = rollout(opted_in(), json!({keys::SKIP_CONTAINERS: "proxy"}));
        case.object()["spec"]["template"]["spec"] = pod;
        case.unchanged();
        case.asked(&[("fed-sa", Freshness::Fresh)]);
    }
    let mut case = rollout(opted_in(), json!({}));
    case.object()["spec"]["template"]
        .as_object_mut()
        .expect("an object")
        .remove("spec");
    let case = case.service_account(json!({}), json!({}));
    case.warns(&["ServiceAccount default/default: annotation azure.workload.identity/client-id is not set, so AZURE_CLIENT_ID is not injected; the pod names no ServiceAccount; help: set spec.template.spec.serviceAccountName"]);
    rollout(opted_in(), bad())
        .set("mode", "Verify")
        .rejects(&format!("Rollout default/web: spec.template: {EXPIRATION}"));
}

fn spark(driver: Value) -> Case {
    let setting = json!([{
        "apiGroup": "sparkoperator.k8s.io",
        "kind": "SparkApplication",
        "labels": "spec.driver.labels",
        "annotations": "spec.driver.annotations",
        "serviceAccountName": "spec.driver.serviceAccount",
    }]);
    let spec = json!({"driver": driver});
    object("sparkoperator.k8s.io", "SparkApplication", setting, spec)
}

#[test]
fn parts_of_a_pod_are_reviewed_as_far_as_they_go() {
    spark(json!({})).unchanged();
    spark(json!({"labels": opted_in(), "serviceAccount": "fed-sa"})).unchanged();
    spark(json!({"labels": opted_in(), "annotations": bad(), "serviceAccount": "fed-sa"})).rejects(
        &format!("SparkApplication default/web: spec.driver: {EXPIRATION}"),
    );
    spark(json!({"labels": {keys::USE: "True"}})).warns(&[
        r#"SparkApplication default/web: spec.driver: label azure.workload.identity/use has no effect: expected "true", found "True"; help: set it to "true" to opt in, or to "false" to opt out"#,
    ]);
    // Nobody knows which containers there will be.
    spark(json!({"labels": opted_in(), "annotations": {keys::SKIP_CONTAINERS: "a"}})).unchanged();
    spark(json!({"labels": opted_in()}))
        .set("mode", "Verify")
        .unchanged();
    let mut missing = spark(json!({"labels": opted_in(), "serviceAccount": "fed-sa"}));
    missing.cluster.answer = Err(
        r#"Cannot find v1/ServiceAccount named 'fed-sa' inside of namespace 'Some("default")'"#
            .to_owned(),
    );
    missing.warns(&["ServiceAccount default/fed-sa: does not exist; help: create it, or correct spec.driver.serviceAccount"]);
    spark(json!({"labels": opted_in()}))
        .service_account(json!({}), json!({}))
        .warns(&["ServiceAccount default/default: annotation azure.workload.identity/client-id is not set, so AZURE_CLIENT_ID is not injected; the pod names no ServiceAccount; help: set spec.driver.serviceAccount"]);
    spark(json!({"labels": opted_in(), "serviceAccount": "fed-sa"}))
        .service_account(json!({}), json!({}))
        .warns(&["ServiceAccount default/fed-sa: annotation azure.workload.identity/client-id is not set, so AZURE_CLIENT_ID is not injected; help: set the annotation, or set the variable in the containers that need it"]);
    let mut stray = spark(json!({}));
    stray.object()["metadata"]["labels"] = opted_in();
    stray.object()["metadata"]["annotations"] = json!({keys::SKIP_CONTAINERS: "a"});
    stray.warns(&[
        "SparkApplication default/web: label azure.workload.identity/use has no effect here; help: make it a label of spec.driver",
        "SparkApplication default/web: annotation azure.workload.identity/skip-containers has no effect here; help: make it an annotation of spec.driver",
    ]);
}

#[test]
fn without_the_service_account_only_keys_are_reviewed() {
    let setting = json!([{
        "apiGroup": "postgresql.cnpg.io",
        "kind": "Cluster",
        "labels": "spec.inheritedMetadata.labels",
        "annotations": "spec.inheritedMetadata.annotations",
    }]);
    let metadata = json!({"labels": {keys::USE: "true", "azure.workload.identity/usee": "true"}, "annotations": bad()});
    let spec = json!({"inheritedMetadata": metadata});
    let case = object("postgresql.cnpg.io", "Cluster", setting, spec);
    case.warns(&[
        "Cluster default/web: spec.inheritedMetadata: label azure.workload.identity/usee is unknown; help: did you mean azure.workload.identity/use?",
    ]);
    case.asked(&[]);
    // Its pods are in namespaces that it does not name.
    let mut cluster_wide = rollout(opted_in(), bad());
    cluster_wide.request["namespace"] = Value::Null;
    cluster_wide.unchanged();
    cluster_wide.asked(&[]);
}

#[test]
fn labels_of_the_object_can_be_those_of_its_pods() {
    let setting = json!([{
        "apiGroup": "tekton.dev",
        "kind": "TaskRun",
        "labels": "metadata.labels",
        "annotations": "metadata.annotations",
        "serviceAccountName": "spec.serviceAccountName",
    }]);
    let spec = json!({"serviceAccountName": "fed-sa"});
    let mut case = object("tekton.dev", "TaskRun", setting, spec);
    case.object()["metadata"]["labels"] = opted_in();
    case.unchanged();
    case.asked(&[("fed-sa", Freshness::Fresh)]);
    case.object()["metadata"]["annotations"] = bad();
    case.rejects(&format!("TaskRun default/web: metadata: {EXPIRATION}"));
}

#[test]
fn each_template_of_an_object_is_reviewed_and_each_account_looked_up_once() {
    let setting = json!([
        {"apiGroup": "ray.io", "kind": "RayCluster", "template": "spec.headGroupSpec.template"},
        {"apiGroup": "ray.io", "kind": "RayCluster", "template": "spec.workerGroupSpecs[].template"},
    ]);
    let spec = json!({
        "headGroupSpec": {"template": template(opted_in(), json!({}))},
        "workerGroupSpecs": [
            {"template": template(opted_in(), bad())},
            {"template": template(json!({keys::USE: "yes"}), json!({}))},
            {"template": template(opted_in(), bad())},
        ],
    });
    let mut case = object("ray.io", "RayCluster", setting, spec);
    case.object()["metadata"]["labels"] = opted_in();
    let case = case.service_account(json!({}), json!({}));
    case.rejects_and_warns(
        &format!(
            "RayCluster default/web: spec.workerGroupSpecs[0].template: {EXPIRATION}\n\
             RayCluster default/web: spec.workerGroupSpecs[2].template: {EXPIRATION}"
        ),
        &[
            "ServiceAccount default/fed-sa: annotation azure.workload.identity/client-id is not set, so AZURE_CLIENT_ID is not injected; help: set the annotation, or set the variable in the containers that need it",
            r#"RayCluster default/web: spec.workerGroupSpecs[1].template: label azure.workload.identity/use has no effect: expected "true", found "yes"; help: set it to "true" to opt in, or to "false" to opt out"#,
        ],
    );
    case.asked(&[("fed-sa", Freshness::Fresh)]);
    let audit = case.review().audit_annotations;
    assert_eq!(
        audit.first().map(|(_, name)| &**name),
        Some("default/fed-sa")
    );
}
