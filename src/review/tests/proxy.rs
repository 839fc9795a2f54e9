//! The proxy containers.

use super::*;

const MOUNT: &str = "/var/run/secrets/azure/tokens";

fn with_proxy() -> Case {
    case().annotate(keys::INJECT_PROXY_SIDECAR, "true")
}

fn proxy(port: u16, native: bool) -> Value {
    let mut container = json!({
        "name": "azwi-proxy",
        "image": "mcr.microsoft.com/oss/azure/workload-identity/proxy:v1.6.0",
        "imagePullPolicy": "IfNotPresent",
        "args": [format!("--proxy-port={port}"), "--log-level=info"],
        "ports": [{"containerPort": port}],
        "lifecycle": {"postStart": {"exec": {"command": ["/proxy", format!("--proxy-port={port}"), "--probe", "--log-level=info"]}}},
        "env": env(V1_5_TOKEN_FILE),
        "securityContext": {
            "allowPrivilegeEscalation": false,
            "capabilities": {"drop": ["ALL"]},
            "privileged": false,
            "readOnlyRootFilesystem": true,
            "runAsNonRoot": true,
            "runAsUser": 1501,
        },
        "volumeMounts": [v1_5_mount()],
    });
    if native {
        container["restartPolicy"] = "Always".into();
    }
    container
}

fn proxy_init(port: u16) -> Value {
    let mut all = env(V1_5_TOKEN_FILE);
    let port = json!({"name": "PROXY_PORT", "value": port.to_string()});
    all.as_array_mut().expect("a list").insert(0, port);
    json!({
        "name": "azwi-proxy-init",
        "image": "mcr.microsoft.com/oss/azure/workload-identity/proxy-init:v1.6.0",
        "imagePullPolicy": "IfNotPresent",
        "env": all,
        "securityContext": {
            "capabilities": {"add": ["NET_ADMIN"], "drop": ["ALL"]},
            "privileged": true,
            "runAsNonRoot": false,
            "runAsUser": 0,
        },
        "volumeMounts": [v1_5_mount()],
    })
}

fn injected(name: &str) -> Value {
    json!({"name": name, "env": env(V1_5_TOKEN_FILE), "volumeMounts": [v1_5_mount()]})
}

#[test]
fn as_native_sidecar_it_runs_before_the_pods_own_init_containers() {
    let mut case = with_proxy().spec("initContainers", json!([{"name": "migrate"}]));
    let pod = case.mutates_silently();
    let expected = json!([proxy_init(8000), proxy(8000, true), injected("migrate")]);
    assert_eq!(pod["spec"]["initContainers"], expected);
    assert_eq!(pod["spec"]["containers"], json!([injected("app")]));
    assert_eq!(pod["spec"]["volumes"], json!([v1_5_volume()]));
    *case.object() = pod;
    case.unchanged();
}

#[test]
fn as_ordinary_sidecar_it_is_the_first_container_and_its_init_container_the_last() {
    let mut case = with_proxy()
        .set("proxy", json!({"nativeSidecar": false}))
        .annotate(keys::PROXY_SIDECAR_PORT, "8080")
        .spec("initContainers", json!([{"name": "migrate"}]));
    let pod = case.mutates_silently();
    let expected = json!([injected("migrate"), proxy_init(8080)]);
    assert_eq!(pod["spec"]["initContainers"], expected);
    let expected = json!([proxy(8080, false), injected("app")]);
    assert_eq!(pod["spec"]["containers"], expected);
    *case.object() = pod;
    case.unchanged();
}

#[test]
fn a_missing_list_of_init_containers_is_added() {
    for empty in [None, Some(Value::Null), Some(json!([]))] {
        let mut case = with_proxy();
        if let Some(empty) = empty {
            case = case.spec("initContainers", empty);
        }
        let expected = json!([proxy_init(8000), proxy(8000, true)]);
        assert_eq!(case.mutates_silently()["spec"]["initContainers"], expected);
    }
}

#[test]
fn the_settings_say_how_it_looks() {
    let pod = with_proxy()
        .set(
            "proxy",
            json!({
                "image": "registry.example/proxy:2",
                "initImage": "registry.example/proxy-init:2",
                "logLevel": "debug",
                "resources": {"limits": {"memory": "64Mi"}},
                "initResources": {"requests": {"cpu": "10m"}},
                "securityContext": {"runAsUser": 1000},
                "initSecurityContext": {"runAsUser": 0},
            }),
        )
        .mutates_silently();
    let mut init = proxy_init(8000);
    init["image"] = "registry.example/proxy-init:2".into();
    init["resources"] = json!({"requests": {"cpu": "10m"}});
    init["securityContext"] = json!({"runAsUser": 0});
    let mut proxy = proxy(8000, true);
    proxy["image"] = "registry.example/proxy:2".into();
    proxy["resources"] = json!({"limits": {"memory": "64Mi"}});
    proxy["securityContext"] = json!({"runAsUser": 1000});
    proxy["args"][1] = "--log-level=debug".into();
    proxy["lifecycle"]["postStart"]["exec"]["command"][3] = "--log-level=debug".into();
    assert_eq!(pod["spec"]["initContainers"], json!([init, proxy]));
}

#[test]
fn what_is_there_by_hand_is_left_alone() {
    for list in ["initContainers", "containers"] {
        let mut names = vec![json!({"name": "azwi-proxy", "ports": [{"containerPort": 8000}]})];
        if list == "containers" {
            names.push(json!({"name": "app"}));
        }
        let pod = with_proxy().spec(list, json!(names)).mutates_silently();
        let mut found = injected("azwi-proxy");
        found["ports"] = json!([{"containerPort": 8000}]);
        assert_eq!(
            pod["spec"]["initContainers"][0]["name"], "azwi-proxy-init",
            "{list}"
        );
        let index = usize::from(list == "initContainers");
        assert_eq!(pod["spec"][list][index], found);
    }
}

#[test]
fn it_is_skipped_by_name() {
    let pod = with_proxy()
        .annotate(keys::SKIP_CONTAINERS, "azwi-proxy;azwi-proxy-init")
        .mutates_silently();
    let mut init = proxy_init(8000);
    init["env"] = json!([{"name": "PROXY_PORT", "value": "8000"}]);
    let mut proxy = proxy(8000, true);
    for container in [&mut init, &mut proxy] {
        container
            .as_object_mut()
            .expect("an object")
            .remove("volumeMounts");
    }
    proxy.as_object_mut().expect("an object").remove("env");
    assert_eq!(pod["spec"]["initContainers"], json!([init, proxy]));
}

#[test]
fn false_and_no_annotation_are_a_no() {
    let plain = case().mutates_silently();
    let mut rejected = case().annotate(keys::INJECT_PROXY_SIDECAR, "false");
    let mut pod = rejected.mutates_silently();
    let metadata = pod["metadata"].as_object_mut().expect("an object");
    metadata.remove("annotations");
    assert_eq!(pod, plain);
    *rejected.object() = plain;
    rejected.unchanged();
}

#[test]
fn what_is_neither_true_nor_false_is_malformed() {
    for (text, hint) in [
        ("yes", ""),
        ("", ""),
        ("True", ""),
        (" true", "; help: remove the white space around it"),
    ] {
        let case = case().annotate(keys::INJECT_PROXY_SIDECAR, text);
        let message = format!(
            r#"annotation azure.workload.identity/inject-proxy-sidecar: expected "true" or "false", found {text:?}{hint}"#
        );
        let message = format!("Pod default/demo: {message}");
        case.rejects(&message);
        let (pod, warnings) = case.set("onMalformed", "Warn").mutates();
        assert_eq!(warnings, [message]);
        assert_eq!(pod["spec"]["initContainers"][1], proxy(8000, true));
    }
}

#[test]
fn an_invalid_port_is_rejected_whatever_the_setting() {
    for text in ["http", "0", "65536"] {
        for asked in ["true", "false"] {
            let case = case()
                .set("onMalformed", "Warn")
                .annotate(keys::INJECT_PROXY_SIDECAR, asked)
                .annotate(keys::PROXY_SIDECAR_PORT, text);
            case.rejects(&format!(
                "Pod default/demo: annotation azure.workload.identity/proxy-sidecar-port: expected a port from 1 to 65535, found {text:?}"
            ));
        }
    }
}

#[test]
fn a_port_that_is_taken_is_rejected() {
    with_proxy()
        .app("ports", json!([{"containerPort": 80}, {"name": "x", "containerPort": 8000, "protocol": "TCP"}]))
        .rejects("Pod default/demo: container \"app\": spec.containers[0].ports: port 8000 is already used by this container, and the proxy needs it; help: choose another port with annotation azure.workload.identity/proxy-sidecar-port");
    with_proxy()
        .app("ports", json!([{"containerPort": 8000, "protocol": "UDP"}]))
        .mutates_silently();
    with_proxy().app("ports", json!(5)).rejects(
        "Pod default/demo: container \"app\": spec.containers[0].ports: expected a list of ports, found a number",
    );
}

#[test]
fn a_port_of_an_init_container_is_free_by_the_time_an_ordinary_sidecar_starts() {
    let init = |policy: Value| json!([{"name": "init", "restartPolicy": policy, "ports": [{"containerPort": 8000}]}]);
    for (native, policy, is_rejected) in [
        (true, Value::Null, true),
        (true, json!("Always"), true),
        (false, json!("Always"), true),
        (false, Value::Null, false),
    ] {
        let case = with_proxy()
            .set("proxy", json!({"nativeSidecar": native}))
            .spec("initContainers", init(policy.clone()));
        assert_eq!(
            case.review().is_rejection(),
            is_rejected,
            "{native} {policy}"
        );
    }
}

#[test]
fn pods_that_it_cannot_serve_are_rejected() {
    with_proxy().spec("hostNetwork", json!(true)).rejects(
        "Pod default/demo: spec.hostNetwork: expected false, found true: the proxy would redirect the node's own traffic; help: set it to false, or remove annotation azure.workload.identity/inject-proxy-sidecar",
    );
    with_proxy().spec("os", json!({"name": "windows"})).rejects(
        "Pod default/demo: spec.os.name: expected linux, found windows: the proxy's images run on Linux only; help: remove annotation azure.workload.identity/inject-proxy-sidecar, and use the Azure SDK's workload identity credential",
    );
    with_proxy()
        .spec("nodeSelector", json!({"kubernetes.io/os": "windows"}))
        .rejects("Pod default/demo: spec.nodeSelector[\"kubernetes.io/os\"]: expected linux, found windows: the proxy's images run on Linux only; help: remove annotation azure.workload.identity/inject-proxy-sidecar, and use the Azure SDK's workload identity credential");
    with_proxy()
        .spec("os", json!({"name": "linux"}))
        .mutates_silently();
    case().spec("hostNetwork", json!(true)).mutates_silently();
}

#[test]
fn each_layout_reaches_it() {
    let pod = with_proxy().set("layout", "v0.7").mutates_silently();
    let proxy = &pod["spec"]["initContainers"][1];
    assert_eq!(
        proxy["volumeMounts"][0]["mountPath"],
        "/var/run/secrets/tokens"
    );
    assert_ne!(proxy["volumeMounts"][0]["mountPath"], MOUNT);
    let token_file = "/var/run/secrets/tokens/azure-identity-token";
    assert_eq!(proxy["env"], env(token_file));
}

#[test]
fn a_missing_client_id_is_warned_about_the_first_time_too() {
    let own = json!([{"name": "AZURE_CLIENT_ID", "value": OTHER_ID}]);
    let mut case = with_proxy()
        .service_account(json!({}), json!({}))
        .app("env", own);
    let expected = "ServiceAccount default/fed-sa: annotation azure.workload.identity/client-id is not set, so AZURE_CLIENT_ID is not injected; help: set the annotation, or set the variable in the containers that need it";
    let (pod, warnings) = case.mutates();
    assert_eq!(warnings, [expected]);
    *case.object() = pod;
    case.warns(&[expected]);
}

#[test]
fn pod_level_resources_must_be_enough_for_the_proxy_too() {
    let resources = |cpu: &str| json!({"requests": {"cpu": cpu}});
    let limits = |cpu: &str| json!({"limits": {"cpu": cpu}});
    let app = |resources: Value| json!([{"name": "app", "resources": resources}]);
    let proxy = json!({"resources": {"requests": {"cpu": "50m"}, "limits": {"cpu": "500m"}}, "initResources": {"requests": {"cpu": 0.3}}});
    for (is_native, pod, containers, init, is_enough) in [
        (
            true,
            resources("300m"),
            app(resources("250m")),
            json!([]),
            true,
        ),
        (
            true,
            resources("299m"),
            app(resources("10m")),
            json!([]),
            false,
        ),
        (
            true,
            resources("300m"),
            app(resources("251m")),
            json!([]),
            false,
        ),
        (
            true,
            resources("300m"),
            app(limits("251m")),
            json!([]),
            false,
        ),
        (
            true,
            limits("300m"),
            app(resources("251m")),
            json!([]),
            false,
        ),
        // Its own limit counts if it is an ordinary container.
        (
            true,
            limits("400m"),
            app(resources("250m")),
            json!([]),
            true,
        ),
        (
            false,
            limits("400m"),
            app(resources("250m")),
            json!([]),
            false,
        ),
        (
            false,
            limits("500m"),
            app(resources("450m")),
            json!([]),
            true,
        ),
        (
            false,
            limits("500m"),
            app(resources("451m")),
            json!([]),
            false,
        ),
        (
            true,
            json!({"limits": {"memory": "1Gi"}}),
            app(resources("2")),
            json!([]),
            true,
        ),
        (
            true,
            resources("1"),
            app(resources("10m")),
            app(resources("950m")),
            true,
        ),
        (
            true,
            resources("1"),
            app(resources("10m")),
            app(resources("951m")),
            false,
        ),
    ] {
        let mut proxy = proxy.clone();
        proxy["nativeSidecar"] = is_native.into();
        let case = with_proxy()
            .set("proxy", proxy)
            .spec("resources", pod.clone())
            .spec("containers", containers.clone())
            .spec("initContainers", init);
        let message = case.review().message();
        let expected = (!is_enough).then(|| {
            "Pod default/demo: spec.resources: \"cpu\": expected enough for the proxy's containers too; help: raise it by what settings proxy.resources and proxy.initResources say".to_owned()
        });
        assert_eq!(message, expected, "{pod} {containers}");
    }
}
