//! What may be mounted near the token volume.

use super::*;

const DIRECTORY: &str = "/var/run/secrets/azure/tokens";

fn mounted(path: &str, volume: Value) -> Case {
    let mut volume = volume;
    volume["name"] = "data".into();
    case()
        .spec("volumes", json!([volume]))
        .app("volumeMounts", json!([{"name": "data", "mountPath": path}]))
}

fn rejection(path: &str, directory: &str) -> String {
    let where_to = if path == directory {
        String::new()
    } else {
        format!(" ({directory:?})")
    };
    format!(
        "Pod default/demo: container \"app\": spec.containers[0].volumeMounts: volume \"data\" is mounted at {path:?}, where the token volume goes{where_to}; help: mount it elsewhere, or list the container in annotation azure.workload.identity/skip-containers"
    )
}

#[test]
fn nothing_else_is_mounted_at_the_token_directory_or_over_the_token() {
    let v1_6 = "/var/run/secrets/azure/wi";
    for (layout, directory, path) in [
        ("v1.5", DIRECTORY, DIRECTORY),
        ("v1.5", DIRECTORY, "/var/run//secrets/azure/./tokens/"),
        ("v1.5", DIRECTORY, "var/run/secrets/azure/tokens"),
        ("v1.5", DIRECTORY, "/run/secrets/azure/tokens"),
        ("v1.5", DIRECTORY, "/var/run/../run/secrets/azure/tokens"),
        (
            "v1.5",
            DIRECTORY,
            "/var/run/secrets/azure/tokens/azure-identity-token",
        ),
        ("v0.7", "/var/run/secrets/tokens", "/var/run/secrets/tokens"),
        ("v1.6.0", v1_6, "/var/run/secrets/azure/wi/token"),
        (
            "v1.6.0",
            v1_6,
            "/var/run/secrets/azure/wi/token/azure-identity-token",
        ),
    ] {
        mounted(path, json!({"emptyDir": {}}))
            .set("layout", layout)
            .rejects(&rejection(path, directory));
    }
}

#[test]
fn what_is_mounted_beside_or_inside_is_fine() {
    for path in [
        "/var/run/secrets/azure",
        "/var/run/secrets/azure/tokens2",
        "/var/run/secrets/azure/tokens/extra",
        "/var/run/secrets/azure/tokens/ca-cert",
        "/var/run/secrets/azure/tokens/..",
        "/",
    ] {
        mounted(path, json!({"emptyDir": {}})).mutates_silently();
    }
}

#[test]
fn the_certificates_of_the_token_endpoint_are_not_covered_either() {
    let endpoint = |path: &str| {
        mounted(path, json!({"emptyDir": {}}))
            .set(
                "customTokenEndpoint",
                json!({
                    "annotationSuffix": "identity-binding",
                    "audience": "api://AKSIdentityBinding",
                    "azureKubernetesCAConfigMapName": "ib-ca",
                }),
            )
            .annotate("azure.workload.identity/use-identity-binding", "true")
    };
    for path in [
        "/var/run/secrets/azure/tokens/ca-cert",
        "/var/run/secrets/azure/tokens/ca-cert/ca.crt",
    ] {
        endpoint(path).rejects(&rejection(path, DIRECTORY));
    }
    endpoint("/var/run/secrets/azure/tokens/ca-certificates").mutates_silently();
}

#[test]
fn the_tokens_own_file_may_be_mounted_at_its_own_place() {
    let part = json!({"name": "azure-identity-token", "mountPath": format!("{DIRECTORY}/azure-identity-token"), "subPath": "azure-identity-token"});
    let app = &case()
        .spec("volumes", json!([v1_5_volume()]))
        .app("volumeMounts", json!([part]))
        .mutates_silently()["spec"]["containers"][0];
    assert_eq!(app["volumeMounts"], json!([part, v1_5_mount()]));
}

#[test]
fn a_read_only_parent_must_be_one_that_the_kubelet_makes_mount_points_in() {
    let parent = "/var/run/secrets/azure";
    for (volume, read_only, is_rejected) in [
        (
            json!({"csi": {"driver": "secrets-store.csi.k8s.io", "readOnly": true}}),
            false,
            true,
        ),
        (json!({"csi": {"driver": "x"}}), true, true),
        (json!({"csi": {"driver": "x"}}), false, false),
        (json!({"emptyDir": {}}), true, true),
        (json!({"emptyDir": {}}), false, false),
        (
            json!({"persistentVolumeClaim": {"claimName": "x"}}),
            true,
            true,
        ),
        (
            json!({"persistentVolumeClaim": {"claimName": "x", "readOnly": true}}),
            false,
            true,
        ),
        (json!({"hostPath": {"path": "/x"}}), true, true),
        (json!({"image": {"reference": "x"}}), false, true),
        (json!({"secret": {"secretName": "x"}}), true, false),
        (json!({"configMap": {"name": "x"}}), true, false),
        (json!({"downwardAPI": {}}), true, false),
        (json!({"projected": {"sources": []}}), true, false),
    ] {
        let mount = json!({"name": "data", "mountPath": parent, "readOnly": read_only});
        let case = mounted(parent, volume.clone()).app("volumeMounts", json!([mount]));
        if is_rejected {
            case.rejects("Pod default/demo: container \"app\": spec.containers[0].volumeMounts: volume \"data\" is mounted read-only at \"/var/run/secrets/azure\", so the token volume cannot be mounted at \"/var/run/secrets/azure/tokens\"; help: mount it elsewhere, or list the container in annotation azure.workload.identity/skip-containers");
        } else {
            case.mutates_silently();
        }
    }
}

#[test]
fn windows_paths_are_compared_as_windows_does() {
    let windows = |path: &str| {
        mounted(path, json!({"emptyDir": {}}))
            .spec("nodeSelector", json!({"kubernetes.io/os": "windows"}))
    };
    for path in [
        r"C:\var\run\secrets\azure\tokens",
        r"c:\VAR\run\secrets\azure\Tokens",
    ] {
        windows(path).rejects(&rejection(path, DIRECTORY));
    }
    windows("/run/secrets/azure/tokens").mutates_silently();
    windows(r"C:\data").mutates_silently();
}

#[test]
fn a_device_is_not_where_the_token_volume_goes() {
    let device =
        |path: &str| case().app("volumeDevices", json!([{"name": "x", "devicePath": path}]));
    device(DIRECTORY).rejects("Pod default/demo: container \"app\": spec.containers[0].volumeDevices: a device is at \"/var/run/secrets/azure/tokens\", where the token volume goes; help: put it elsewhere");
    device("/dev/xvda").mutates_silently();
    case().app("volumeDevices", json!(5)).rejects("Pod default/demo: container \"app\": spec.containers[0].volumeDevices: expected a list of devices, found a number");
}
