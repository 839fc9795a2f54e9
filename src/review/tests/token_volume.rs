//! Which volume counts as the token volume.

use super::*;

const RESERVED: &str = "azure-workload-identity-reserved-000000000000000000000000000000";

#[test]
fn a_mounted_token_volume_is_used_where_it_is_mounted() {
    let mount = json!({"name": "azure-identity-token", "mountPath": "/tokens/"});
    let app = &case()
        .app("volumeMounts", json!([mount]))
        .mutates_silently()["spec"]["containers"][0];
    assert_eq!(app["volumeMounts"], json!([mount]));
    assert_eq!(app["env"], env("/tokens/azure-identity-token"));
}

#[test]
fn a_part_of_the_token_volume_is_not_the_token_volume() {
    let part = json!({"name": "azure-identity-token", "mountPath": "/token", "subPath": "azure-identity-token"});
    let app =
        &case().app("volumeMounts", json!([part])).mutates_silently()["spec"]["containers"][0];
    assert_eq!(app["volumeMounts"], json!([part, v1_5_mount()]));
    assert_eq!(app["env"], env(V1_5_TOKEN_FILE));
}

#[test]
fn from_v1_6_on_only_a_reserved_volume_is_the_token_volume_and_it_is_kept_up_to_date() {
    let path = "token/azure-identity-token";
    let own = volume("own", path, 3600);
    let spec = &case()
        .set("layout", "v1.6.0")
        .spec("volumes", json!([own]))
        .mutates_silently()["spec"];
    assert_eq!(spec["volumes"].as_array().map(Vec::len), Some(2));

    let name = "azure-workload-identity-reserved-0123456789abcdef0123456789abcd";
    let mut case = case()
        .set("layout", "v1.6.0")
        .set("audience", "api://other")
        .annotate(keys::TOKEN_EXPIRATION, "7200")
        .spec("volumes", json!([volume(name, path, 3600)]));
    let pod = case.mutates_silently();
    let mut expected = volume(name, path, 7200);
    expected["projected"]["sources"][0]["serviceAccountToken"]["audience"] = "api://other".into();
    assert_eq!(pod["spec"]["volumes"], json!([expected]));
    *case.object() = pod;
    case.unchanged();
}

#[test]
fn of_two_reserved_volumes_the_first_counts_whatever_the_pods_name() {
    const FIRST: &str = "azure-workload-identity-reserved-000000000000000000000000000000";
    const USUAL: &str = "azure-workload-identity-reserved-2a97516c354b68848cdbd8f54a226a";
    let path = "token/azure-identity-token";
    let volumes = json!([volume(FIRST, path, 3600), volume(USUAL, path, 3600)]);
    let mut case = case()
        .set("layout", "v1.6.1")
        .spec("volumes", volumes.clone());
    let mut pod = case.mutates_silently();
    assert_eq!(pod["spec"]["volumes"], volumes);
    let directory = "/var/run/secrets/azure/wi/000000000000000000000000000000";
    assert_eq!(
        pod["spec"]["containers"][0]["volumeMounts"],
        json!([{"name": FIRST, "mountPath": directory, "readOnly": true}])
    );
    pod["metadata"]["name"] = "named-by-now".into();
    *case.object() = pod;
    case.unchanged();
}

/// A volume with a token at the usual path and further sources.
fn with_sources(name: &str, audience: Value, others: &[Value]) -> Value {
    let mut volume = v1_5_volume();
    volume["name"] = name.into();
    let sources = &mut volume["projected"]["sources"];
    sources[0]["serviceAccountToken"]["audience"] = audience;
    let sources = sources.as_array_mut().expect("a list");
    sources.extend(others.iter().cloned());
    volume
}

fn usual_audience() -> Value {
    json!("api://AzureADTokenExchange")
}

#[test]
fn a_volume_with_the_token_alone_is_used_whatever_its_name() {
    let own = with_sources("own", usual_audience(), &[]);
    let spec = &case().spec("volumes", json!([own])).mutates_silently()["spec"];
    assert_eq!(spec["volumes"], json!([own]));
    let mount =
        json!({"name": "own", "mountPath": "/var/run/secrets/azure/tokens", "readOnly": true});
    assert_eq!(spec["containers"][0]["volumeMounts"], json!([mount]));
}

#[test]
fn a_volume_that_holds_anything_else_is_left_to_those_who_mount_it() {
    for other in [
        json!({"secret": {"name": "db-password"}}),
        json!({"configMap": {"name": "x"}}),
        json!({"configMap": {"name": "x", "items": [{"key": "a", "path": "a"}]}}),
        json!({"downwardAPI": {"items": []}}),
        json!({"serviceAccountToken": {"path": "other", "audience": "vault"}}),
        json!({"futureSource": {}}),
    ] {
        let creds = with_sources("creds", usual_audience(), std::slice::from_ref(&other));
        let sidecar =
            json!({"name": "sidecar", "volumeMounts": [{"name": "creds", "mountPath": "/creds"}]});
        let spec = &case()
            .spec("containers", json!([{"name": "app"}, sidecar]))
            .spec("volumes", json!([creds]))
            .mutates_silently()["spec"];
        assert_eq!(spec["volumes"], json!([creds, v1_5_volume()]), "{other}");
        let mounts = |index: usize| spec["containers"][index]["volumeMounts"].clone();
        assert_eq!(mounts(0), json!([v1_5_mount()]));
        assert_eq!(
            mounts(1),
            json!([{"name": "creds", "mountPath": "/creds"}, v1_5_mount()])
        );
    }
}

#[test]
fn a_token_for_somebody_else_stays_beside_the_policys_own() {
    for audience in [json!("https://vault.example"), json!(""), Value::Null] {
        let own = with_sources("own", audience, &[]);
        let pod = case().spec("volumes", json!([own])).mutates_silently();
        assert_eq!(pod["spec"]["volumes"], json!([own, v1_5_volume()]));
    }
}

#[test]
fn a_volume_of_the_token_volumes_name_must_be_one() {
    const NAME: &str = "azure-identity-token";
    const REMOVE: &str = "help: remove this volume, and the policy adds its own";
    const NOT_ALONE: &str = "volume \"azure-identity-token\" has the name of the token volume, but does not hold the token alone; help: rename it and its mounts";
    const API: &str = "expected a token with an audience, found one for the Kubernetes API";
    const OTHER: &str = "expected a token for audience \"api://AzureADTokenExchange\", found one for another audience";
    let secret = json!({"secret": {"name": "x"}});
    for (volume, problem) in [
        (json!({"name": NAME, "emptyDir": {}}), NOT_ALONE.to_owned()),
        (volume(NAME, "token", 3600), NOT_ALONE.to_owned()),
        (
            with_sources(NAME, usual_audience(), &[secret]),
            NOT_ALONE.to_owned(),
        ),
        (
            with_sources(NAME, Value::Null, &[]),
            format!("{API}; {REMOVE}"),
        ),
        (
            with_sources(NAME, json!(""), &[]),
            format!("{API}; {REMOVE}"),
        ),
        (
            with_sources(NAME, json!("vault"), &[]),
            format!("{OTHER}; {REMOVE}"),
        ),
    ] {
        case()
            .spec("volumes", json!([{"name": "data"}, volume]))
            .rejects(&format!("Pod default/demo: spec.volumes[1]: {problem}"));
    }
}

#[test]
fn of_several_tokens_that_with_the_right_audience_counts_and_best_a_mounted_one() {
    let vault = with_sources("a", json!("vault"), &[]);
    let unused = with_sources("b", usual_audience(), &[]);
    let mounted = with_sources("c", usual_audience(), &[]);
    let mount = json!({"name": "c", "mountPath": "/var/run/secrets/azure/tokens"});
    let volumes = json!([vault, unused, mounted]);
    let pod = case()
        .spec("volumes", volumes.clone())
        .app("volumeMounts", json!([mount]))
        .mutates_silently();
    assert_eq!(pod["spec"]["volumes"], volumes);
    assert_eq!(pod["spec"]["containers"][0]["volumeMounts"], json!([mount]));
    let usual = v1_5_volume();
    let pod = case()
        .spec("volumes", json!([unused, usual]))
        .mutates_silently();
    assert_eq!(pod["spec"]["volumes"], json!([unused, usual]));
    assert_eq!(
        pod["spec"]["containers"][0]["volumeMounts"],
        json!([v1_5_mount()])
    );
}

#[test]
fn a_reserved_volume_must_hold_the_token_alone_with_an_audience() {
    let path = "token/azure-identity-token";
    let good = volume(RESERVED, path, 3600);
    let secret =
        json!({"secret": {"name": "x", "items": [{"key": "a", "path": "ca-cert/ca.crt"}]}});
    let mut with_secret = good.clone();
    let sources = with_secret["projected"]["sources"].as_array_mut();
    sources.expect("a list").push(secret);
    let mut without_audience = good.clone();
    without_audience["projected"]["sources"][0]["serviceAccountToken"]["audience"].take();
    let mut empty_audience = good.clone();
    empty_audience["projected"]["sources"][0]["serviceAccountToken"]["audience"] = "".into();
    let not_alone = format!(
        "volume \"{RESERVED}\" has the name of the token volume, but does not hold the token alone; help: rename it and its mounts"
    );
    let api = "expected a token with an audience, found one for the Kubernetes API; help: remove this volume, and the policy adds its own".to_owned();
    for (volume, problem) in [
        (json!({"name": RESERVED, "emptyDir": {}}), &not_alone),
        (with_secret, &not_alone),
        (without_audience, &api),
        (empty_audience, &api),
    ] {
        for layout in ["v1.6.0", "v1.6.1"] {
            case()
                .set("layout", layout)
                .spec("volumes", json!([volume]))
                .rejects(&format!("Pod default/demo: spec.volumes[0]: {problem}"));
        }
    }
}
