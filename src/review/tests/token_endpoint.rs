//! The custom token endpoint.

use super::*;

const ANNOTATION: &str = "azure.workload.identity/use-identity-binding";
const AUDIENCE: &str = "api://AKSIdentityBinding";
const RESERVED: &str = "azure-workload-identity-reserved-2a97516c354b68848cdbd8f54a226a";

fn endpoint(ca: Value) -> Case {
    let mut settings = json!({
        "annotationSuffix": "identity-binding",
        "audience": AUDIENCE,
        "azureKubernetesTokenProxy": "https://token-proxy.example:6443",
        "azureKubernetesSniName": "abc.ests.aks",
    });
    for (key, value) in ca.as_object().expect("an object") {
        settings[key] = value.clone();
    }
    case()
        .set("customTokenEndpoint", settings)
        .annotate(ANNOTATION, "true")
}

fn with_config_map() -> Case {
    endpoint(json!({"azureKubernetesCAConfigMapName": "ib-ca"}))
}

fn endpoint_env(directory: &str, token: &str) -> Value {
    let mut env = env(&format!("{directory}/{token}"));
    let of_endpoint = json!([
        {"name": "AZURE_KUBERNETES_TOKEN_PROXY", "value": "https://token-proxy.example:6443"},
        {"name": "AZURE_KUBERNETES_SNI_NAME", "value": "abc.ests.aks"},
        {"name": "AZURE_KUBERNETES_CA_FILE", "value": format!("{directory}/ca-cert/ca.crt")},
    ]);
    let of_endpoint = of_endpoint.as_array().expect("a list").clone();
    env.as_array_mut().expect("a list").extend(of_endpoint);
    env
}

fn token(path: &str, audience: &str) -> Value {
    json!({"serviceAccountToken": {"audience": audience, "expirationSeconds": 3600, "path": path}})
}

fn config_map() -> Value {
    json!({"configMap": {
        "name": "ib-ca",
        "items": [{"key": "ca.crt", "path": "ca-cert/ca.crt"}],
        "optional": false,
    }})
}

#[test]
fn every_layout_gets_env_audience_and_certificates() {
    for (layout, directory, path) in [
        ("v0.7", "/var/run/secrets/tokens", "azure-identity-token"),
        (
            "v1.5",
            "/var/run/secrets/azure/tokens",
            "azure-identity-token",
        ),
        (
            "v1.6.0",
            "/var/run/secrets/azure/wi",
            "token/azure-identity-token",
        ),
        (
            "v1.6.1",
            "/var/run/secrets/azure/wi/2a97516c354b68848cdbd8f54a226a",
            "token/azure-identity-token",
        ),
    ] {
        let mut case = with_config_map().set("layout", layout);
        let pod = case.mutates_silently();
        let env = &pod["spec"]["containers"][0]["env"];
        assert_eq!(*env, endpoint_env(directory, path), "{layout}");
        let sources = &pod["spec"]["volumes"][0]["projected"]["sources"];
        let expected = json!([token(path, AUDIENCE), config_map()]);
        assert_eq!(*sources, expected, "{layout}");
        *case.object() = pod;
        case.unchanged();
    }
}

#[test]
fn the_certificates_come_from_trust_bundles_too() {
    let signer = json!({"azureKubernetesCACTBSignerName": "example.com/signer"});
    let pod = endpoint(signer).mutates_silently();
    let bundle = json!({"clusterTrustBundle": {
        "signerName": "example.com/signer", "path": "ca-cert/ca.crt", "optional": false,
    }});
    let sources = &pod["spec"]["volumes"][0]["projected"]["sources"];
    assert_eq!(sources[1], bundle);
    let selected = json!({
        "azureKubernetesCACTBSignerName": "example.com/signer",
        "azureKubernetesCACTBLabelSelector": {"matchLabels": {"a": "b"}},
    });
    let mut case = endpoint(selected);
    let pod = case.mutates_silently();
    let bundle = json!({"clusterTrustBundle": {
        "signerName": "example.com/signer",
        "labelSelector": {"matchLabels": {"a": "b"}},
        "path": "ca-cert/ca.crt",
        "optional": false,
    }});
    let sources = &pod["spec"]["volumes"][0]["projected"]["sources"];
    assert_eq!(sources[1], bundle);
    *case.object() = pod;
    case.unchanged();
}

#[test]
fn the_certificates_may_stand_in_the_settings() {
    let pem = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n";
    let pod = endpoint(json!({"azureKubernetesCaData": pem})).mutates_silently();
    let mut expected = endpoint_env("/var/run/secrets/azure/tokens", "azure-identity-token");
    let data = json!({"name": "AZURE_KUBERNETES_CA_DATA", "value": pem});
    let expected_env = expected.as_array_mut().expect("a list");
    expected_env.pop();
    expected_env.push(data);
    assert_eq!(pod["spec"]["containers"][0]["env"], expected);
    let sources = &pod["spec"]["volumes"][0]["projected"]["sources"];
    assert_eq!(*sources, json!([token("azure-identity-token", AUDIENCE)]));
}

#[test]
fn the_proxy_gets_it_too() {
    let pod = with_config_map()
        .annotate(keys::INJECT_PROXY_SIDECAR, "true")
        .mutates_silently();
    let expected = endpoint_env("/var/run/secrets/azure/tokens", "azure-identity-token");
    assert_eq!(pod["spec"]["initContainers"][1]["env"], expected);
}

#[test]
fn the_annotation_turns_it_on_in_any_case_and_off_otherwise() {
    let on = |text| {
        with_config_map()
            .annotate(ANNOTATION, text)
            .mutates_silently()
    };
    assert_eq!(on("TRUE")["spec"], on("true")["spec"]);
    let plain = case().mutates_silently();
    for off in ["false", "False", ""] {
        assert_eq!(on(off)["spec"], plain["spec"]);
    }
    let case = with_config_map().annotate(ANNOTATION, "on");
    let message = r#"Pod default/demo: annotation azure.workload.identity/use-identity-binding: expected "true" or "false", found "on""#;
    case.rejects(message);
    let (pod, warnings) = case.set("onMalformed", "Warn").mutates();
    assert_eq!(warnings, [message]);
    assert_eq!(pod["spec"], plain["spec"]);
}

#[test]
fn a_reserved_volume_is_brought_up_to_date() {
    let before = json!([{
        "name": RESERVED,
        "projected": {"sources": [token("token/azure-identity-token", "api://AzureADTokenExchange")]},
    }]);
    let mut case = with_config_map()
        .set("layout", "v1.6.0")
        .spec("volumes", before);
    let pod = case.mutates_silently();
    let after = json!([{
        "name": RESERVED,
        "projected": {"sources": [token("token/azure-identity-token", AUDIENCE), config_map()]},
    }]);
    assert_eq!(pod["spec"]["volumes"], after);
    *case.object() = pod;
    case.unchanged();
}

#[test]
fn another_token_volume_must_serve_it_if_it_has_the_name() {
    let message = "Pod default/demo: spec.volumes[0]: expected a token for the audience of the custom token endpoint and its certificates, as annotation azure.workload.identity/use-identity-binding asks for, found another token; help: remove this volume, and the policy adds its own";
    for sources in [
        json!([
            token("azure-identity-token", "api://AzureADTokenExchange"),
            config_map()
        ]),
        json!([token("azure-identity-token", AUDIENCE)]),
    ] {
        let volume = |name: &str| json!({"name": name, "projected": {"sources": sources}});
        let case = with_config_map().spec("volumes", json!([volume("azure-identity-token")]));
        case.rejects(message);
        let pod = case
            .spec("volumes", json!([volume("mine")]))
            .mutates_silently();
        assert_eq!(pod["spec"]["volumes"][0], volume("mine"));
        assert_eq!(pod["spec"]["volumes"][1]["name"], "azure-identity-token");
    }
    let sources = json!([token("azure-identity-token", AUDIENCE), config_map()]);
    let volumes = json!([{"name": "mine", "projected": {"sources": sources}}]);
    let pod = with_config_map()
        .spec("volumes", volumes.clone())
        .mutates_silently();
    assert_eq!(pod["spec"]["volumes"], volumes);
}
