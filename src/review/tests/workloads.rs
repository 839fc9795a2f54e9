//! Workloads on CREATE and UPDATE: their templates are checked as their pods will be.

use super::*;
use crate::objects::KINDS;

fn workload(group: &str, kind: &str, template: Value) -> Case {
    let mut case = case();
    case.request["kind"] = json!({"group": group, "version": "v1", "kind": kind});
    let spec = if kind == "CronJob" {
        json!({"jobTemplate": {"spec": {"template": template}}})
    } else {
        json!({"template": template})
    };
    case.request["object"] = json!({"kind": kind, "metadata": {"name": "web"}, "spec": spec});
    case
}

fn template(labels: Value, annotations: Value) -> Value {
    json!({
        "metadata": {"labels": labels, "annotations": annotations},
        "spec": {"serviceAccountName": "fed-sa", "containers": [{"name": "app"}]},
    })
}

fn deployment(labels: Value, annotations: Value) -> Case {
    workload("apps", "Deployment", template(labels, annotations))
}

fn opted_in() -> Value {
    json!({keys::USE: "true"})
}

const KIND_GROUPS: [(&str, &str); 7] = [
    ("apps", "Deployment"),
    ("apps", "ReplicaSet"),
    ("apps", "StatefulSet"),
    ("apps", "DaemonSet"),
    ("batch", "Job"),
    ("batch", "CronJob"),
    ("", "ReplicationController"),
];

#[test]
fn every_kind_is_checked_and_never_mutated() {
    assert_eq!(
        KINDS.map(|kind| kind.name),
        KIND_GROUPS.map(|(_, kind)| kind)
    );
    for (group, kind) in KIND_GROUPS {
        let path = if kind == "CronJob" {
            "spec.jobTemplate.spec.template"
        } else {
            "spec.template"
        };
        workload(group, kind, template(opted_in(), json!({}))).unchanged();
        let bad = template(opted_in(), json!({keys::TOKEN_EXPIRATION: "1h"}));
        for operation in ["CREATE", "UPDATE"] {
            let mut case = workload(group, kind, bad.clone());
            case.request["operation"] = operation.into();
            case.rejects(&format!(
                r#"{kind} default/web: {path}: annotation azure.workload.identity/service-account-token-expiration: expected a whole number of seconds from 3600 to 86400, found "1h""#
            ));
        }
        let mut broken = template(opted_in(), json!({}));
        broken["spec"]["containers"] = json!([{"name": 5}]);
        workload(group, kind, broken).rejects(&format!(
            "{kind} default/web: {path}.spec.containers[0].name: expected a name, found a number"
        ));
        workload("example.com", kind, bad.clone()).unchanged();
    }
}

#[test]
fn collisions_have_the_path_in_the_template() {
    let mut template = template(opted_in(), json!({keys::INJECT_PROXY_SIDECAR: "true"}));
    template["spec"]["containers"][0]["volumeMounts"] =
        json!([{"name": "x", "mountPath": "/var/run/secrets/azure/tokens"}]);
    template["spec"]["containers"][0]["ports"] = json!([{"containerPort": 8000}]);
    template["spec"]["volumes"] = json!([{"name": "azure-identity-token", "emptyDir": {}}]);
    template["spec"]["hostNetwork"] = json!(true);
    workload("apps", "Deployment", template).rejects(concat!(
        "Deployment default/web: spec.template.spec.hostNetwork: expected false, found true: the proxy would redirect the node's own traffic; help: set it to false, or remove annotation azure.workload.identity/inject-proxy-sidecar\n",
        "Deployment default/web: container \"app\": spec.template.spec.containers[0].ports: port 8000 is already used by this container, and the proxy needs it; help: choose another port with annotation azure.workload.identity/proxy-sidecar-port\n",
        "Deployment default/web: spec.template.spec.volumes[0]: volume \"azure-identity-token\" has the name of the token volume, but does not hold the token alone; help: rename it and its mounts\n",
        "Deployment default/web: container \"app\": spec.template.spec.containers[0].volumeMounts: volume \"x\" is mounted at \"/var/run/secrets/azure/tokens\", where the token volume goes; help: mount it elsewhere, or list the container in annotation azure.workload.identity/skip-containers",
    ));
}

#[test]
fn a_service_account_that_is_missing_yet_is_a_warning() {
    let missing =
        r#"Cannot find v1/ServiceAccount named 'fed-sa' inside of namespace 'Some("default")'"#;
    let warning = "ServiceAccount default/fed-sa: does not exist; help: create it, or correct spec.template.spec.serviceAccountName";
    let mut case = deployment(opted_in(), json!({}));
    case.cluster.answer = Err(missing.to_owned());
    case.warns(&[warning]);
    case.asked(&[("fed-sa", Freshness::Fresh)]);

    let mut strict = deployment(opted_in(), json!({})).set("requireClientID", true);
    strict.cluster.answer = Err(missing.to_owned());
    strict.warns(&[warning]);

    let mut bad = deployment(opted_in(), json!({keys::PROXY_SIDECAR_PORT: "0"}));
    bad.cluster.answer = Err(missing.to_owned());
    bad.rejects_and_warns(
        r#"Deployment default/web: spec.template: annotation azure.workload.identity/proxy-sidecar-port: expected a port from 1 to 65535, found "0""#,
        &[warning],
    );

    let mut unlabelled = deployment(json!({}), json!({})).set("optIn", "Either");
    unlabelled.cluster.answer = Err(missing.to_owned());
    unlabelled.unchanged();
}

#[test]
fn a_service_account_that_cannot_be_read_is_a_warning() {
    let mut case = deployment(opted_in(), json!({}));
    case.cluster.answer = Err("kube::Client was not initialized properly".to_owned());
    case.warns(&["ServiceAccount default/fed-sa: cannot be read: the host has no connection to a cluster; help: see PolicyServer's log (kwctl: give a kubeconfig or --replay-host-capabilities-interactions)"]);
}

#[test]
fn what_is_wrong_with_the_service_account_is_warned_about() {
    deployment(opted_in(), json!({}))
        .service_account(json!({}), json!({}))
        .warns(&["ServiceAccount default/fed-sa: annotation azure.workload.identity/client-id is not set, so AZURE_CLIENT_ID is not injected; help: set the annotation, or set the variable in the containers that need it"]);
}

#[test]
fn keys_on_a_job_template_that_belong_on_its_pods_are_warned_about() {
    let mut case = workload("batch", "CronJob", template(json!({}), json!({})));
    case.object()["spec"]["jobTemplate"]["metadata"] = json!({
        "labels": {keys::USE: "true"},
        "annotations": {"azure.workload.identity/tenantid": "contoso.com"},
    });
    let warnings = [
        "CronJob default/web: spec.jobTemplate: label azure.workload.identity/use has no effect here; help: make it a label of spec.jobTemplate.spec.template",
        "CronJob default/web: spec.jobTemplate: annotation azure.workload.identity/tenantid is unknown; help: did you mean azure.workload.identity/tenant-id, as an annotation of the ServiceAccount?",
    ];
    case.warns(&warnings);

    let old = case.object().clone();
    case.request["operation"] = "UPDATE".into();
    case.request["oldObject"] = old;
    case.unchanged();
    case.request["oldObject"]["spec"]["jobTemplate"]["metadata"] = Value::Null;
    case.warns(&warnings);

    let mut both = workload("batch", "CronJob", template(opted_in(), json!({})));
    both.object()["spec"]["jobTemplate"]["metadata"] = json!({"labels": {keys::USE: "true"}});
    both.unchanged();
}

#[test]
fn a_job_template_of_the_wrong_type_is_rejected_with_its_path() {
    let with = |job_template: Value| {
        let mut case = workload("batch", "CronJob", json!({}));
        case.object()["spec"]["jobTemplate"] = job_template;
        case
    };
    for nothing in [Value::Null, json!({}), json!({"spec": null})] {
        with(nothing).unchanged();
    }
    for (job_template, fault) in [
        (
            json!(5),
            "CronJob default/web: spec.jobTemplate: expected an object, found a number",
        ),
        (
            json!({"spec": []}),
            "CronJob default/web: spec.jobTemplate.spec: expected an object, found a list",
        ),
        (
            json!({"metadata": {"labels": {keys::USE: true}}}),
            r#"CronJob default/web: spec.jobTemplate.metadata.labels["azure.workload.identity/use"]: expected a string, found a boolean; help: put the value in quotes"#,
        ),
    ] {
        with(job_template).rejects(fault);
    }
}

#[test]
fn keys_on_the_workload_that_belong_on_its_template_are_warned_about() {
    let mut case = deployment(json!({}), json!({}));
    case.object()["metadata"]["labels"] = json!({keys::USE: "true"});
    case.object()["metadata"]["annotations"] =
        json!({keys::CLIENT_ID: CLIENT_ID, "azure.workload.identity/skip_containers": "app"});
    case.warns(&[
        "Deployment default/web: label azure.workload.identity/use has no effect here; help: make it a label of spec.template",
        "Deployment default/web: annotation azure.workload.identity/client-id has no effect here; help: make it an annotation of the ServiceAccount",
        "Deployment default/web: annotation azure.workload.identity/skip_containers is unknown; help: did you mean azure.workload.identity/skip-containers, as an annotation of spec.template?",
    ]);
    case.asked(&[]);
}

#[test]
fn keys_on_both_the_workload_and_its_template_are_fine() {
    let mut case = deployment(opted_in(), json!({}));
    case.object()["metadata"]["labels"] = opted_in();
    case.unchanged();
}

#[test]
fn stray_keys_of_the_template_are_warned_about() {
    deployment(json!({keys::USE: "True"}), json!({})).warns(&[
        r#"Deployment default/web: spec.template: label azure.workload.identity/use has no effect: expected "true", found "True"; help: set it to "true" to opt in, or to "false" to opt out"#,
    ]);
}

#[test]
fn an_update_that_leaves_the_template_alone_is_accepted() {
    let mut case = deployment(opted_in(), json!({keys::TOKEN_EXPIRATION: "1h"}));
    case.request["operation"] = "UPDATE".into();
    case.request["oldObject"] = case.request["object"].clone();
    case.object()["spec"]["replicas"] = json!(3);
    case.unchanged();
    case.request["oldObject"]["spec"]["template"]["metadata"]["annotations"] = json!({});
    assert!(case.review().is_rejection());
}

#[test]
fn a_workload_that_is_being_deleted_is_accepted() {
    let mut case = deployment(opted_in(), json!({keys::TOKEN_EXPIRATION: "1h"}));
    case.object()["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z".into();
    case.unchanged();
}

#[test]
fn a_workload_without_template_is_left_to_kubernetes() {
    let mut case = deployment(json!({}), json!({}));
    case.object()["spec"] = json!({});
    case.unchanged();
    case.object()["spec"] = Value::Null;
    case.unchanged();
}

#[test]
fn a_workload_of_the_wrong_shape_is_rejected_with_the_path() {
    let mut case = deployment(json!({}), json!({}));
    case.object()["spec"] = json!(5);
    case.rejects("Deployment default/web: spec: expected an object, found a number");
    case.object()["spec"] = json!({"template": []});
    case.rejects("Deployment default/web: spec.template: expected a pod template, found a list");
    case.object()["spec"] = json!({"template": {"metadata": 5}});
    case.rejects(
        "Deployment default/web: spec.template.metadata: expected an object, found a number",
    );
}

#[test]
fn verify_mode_checks_templates_as_ever() {
    deployment(opted_in(), json!({}))
        .set("mode", "Verify")
        .unchanged();
}
