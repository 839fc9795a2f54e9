//! Requests made to be as much work as their length allows, one for each way that is known.

use serde_json::{Value, json};

/// A request, and the ServiceAccount that every lookup gives.
pub struct Heavy {
    /// What is heavy in it.
    pub name: String,
    /// The payload of the call.
    pub payload: Vec<u8>,
    /// The ServiceAccount.
    pub service_account: Value,
}

/// What is heavy: its name, and what makes it of about so many bytes.
type Kind = (&'static str, fn(usize) -> Parts);

/// What differs from a plain request.
struct Parts {
    annotations: Value,
    settings: Value,
    service_account: Value,
    generate_name: String,
    spec: Value,
}

impl Default for Parts {
    fn default() -> Self {
        Self {
            annotations: json!({}),
            settings: json!({}),
            service_account: json!({"azure.workload.identity/client-id": CLIENT_ID}),
            generate_name: "app-".to_owned(),
            spec: json!({"containers": [{"name": "app", "image": "x"}]}),
        }
    }
}

const CLIENT_ID: &str = "3c1e7a52-0d7f-4a0b-9c61-5f2f0d1b7e11";
const SKIP: &str = "azure.workload.identity/skip-containers";
const PROXY: &str = "azure.workload.identity/inject-proxy-sidecar";
const MARK: &str = "azure-workload-identity-policy.github.io/injected";
const DAPR: &str = "dapr.io/enabled";
const TOKENS: &str = "/var/run/secrets/azure/tokens";
const KINDS: &[Kind] = &[
    ("containers", |bytes| containers(bytes, short)),
    ("containers with long names", |bytes| {
        containers(bytes, of_63_letters)
    }),
    ("containers and init containers", |bytes| Parts {
        spec: json!({
            "initContainers": many(bytes / 2, |index| json!({"name": format!("i{index}"), "image": "x"})),
            "containers": many(bytes / 2, |index| json!({"name": format!("c{index}"), "image": "x"})),
        }),
        ..Parts::default()
    }),
    ("containers beside the proxy", |bytes| Parts {
        annotations: json!({PROXY: "true"}),
        ..containers(bytes, short)
    }),
    ("containers with all that settings add", |bytes| Parts {
        settings: whole_pod(),
        ..containers(bytes, short)
    }),
    ("a forged mark of many containers", |bytes| {
        let mut containers = json!({});
        let mut env = json!({});
        for index in 0..bytes / 62 {
            containers[format!("c{index}")] = json!([]);
            env[format!("A{index}")] = "old".into();
        }
        Parts {
            annotations: json!({MARK: json!({"env": env, "containers": containers}).to_string()}),
            settings: whole_pod(),
            spec: json!({"containers": many(bytes / 2, |index| json!({
                "name": format!("c{index}"),
                "image": "x",
                "env": [{"name": "A0", "value": "old"}, {"name": "A1", "value": "old"}],
            }))}),
            ..Parts::default()
        }
    }),
    (
        "a forged mark of one container with many variables",
        |bytes| Parts {
            annotations: json!({MARK: json!({"env": {"A": "old"}, "mounts": {TOKENS: "v"}, "containers": {"app": []}}).to_string()}),
            settings: whole_pod(),
            ..variables(bytes, |_| json!({"name": "A", "value": "old"}))
        },
    ),
    ("a forged mark of one container with many mounts", |bytes| {
        Parts {
            annotations: json!({MARK: json!({"mounts": {"/old": "v"}, "containers": {"app": []}}).to_string()}),
            settings: whole_pod(),
            ..mounts(
                bytes,
                |_| json!({"name": "v", "mountPath": "/old", "readOnly": true}),
            )
        }
    }),
    ("a forged mark of many volumes", |bytes| {
        let mark =
            json!({"volumes": ["v"], "audience": "a", "expirationSeconds": 3600, "containers": {}});
        let token = json!({"serviceAccountToken": {"path": "x", "audience": "a", "expirationSeconds": 3600}});
        Parts {
            annotations: json!({MARK: mark.to_string()}),
            settings: whole_pod(),
            spec: json!({
                "containers": many(bytes / 2, |index| json!({"name": format!("c{index}"), "image": "x"})),
                "volumes": many(bytes / 2, |_| json!({"name": "v", "projected": {"sources": [token]}})),
            }),
            ..Parts::default()
        }
    }),
    ("variables in Dapr's annotation", |bytes| Parts {
        annotations: json!({DAPR: "true", "dapr.io/env": list(bytes, |index| format!("A{index}=1,"))}),
        settings: whole_pod(),
        ..Parts::default()
    }),
    ("commas in Dapr's annotations", |bytes| Parts {
        annotations: json!({DAPR: "true", "dapr.io/env": ",".repeat(bytes / 2), "dapr.io/volume-mounts": ",".repeat(bytes / 2)}),
        settings: whole_pod(),
        ..Parts::default()
    }),
    ("mounts in Dapr's annotation", |bytes| Parts {
        annotations: json!({DAPR: "true", "dapr.io/volume-mounts": list(bytes, |index| format!("v:/{index},"))}),
        settings: whole_pod(),
        ..Parts::default()
    }),
    ("containers to verify", |bytes| Parts {
        settings: json!({"mode": "Verify"}),
        ..containers(bytes, of_63_letters)
    }),
    ("a large pod that can be injected", |bytes| Parts {
        spec: json!({"containers": [
            {"name": "app", "image": "x", "args": [".".repeat(bytes.min(1_400_000))]},
            {"name": "b", "image": ".".repeat(bytes.saturating_sub(1_400_000))},
        ]}),
        ..Parts::default()
    }),
    (
        "containers for a long client ID with onMalformed: Warn",
        |bytes| Parts {
            settings: json!({"onMalformed": "Warn"}),
            service_account: json!({"azure.workload.identity/client-id": "x".repeat(250_000)}),
            ..containers(bytes, short)
        },
    ),
    ("a long ServiceAccount", |bytes| Parts {
        service_account: json!({"example.com/text": "x".repeat(1_400_000), "azure.workload.identity/client-id": CLIENT_ID}),
        ..containers(bytes, short)
    }),
    ("unknown keys of a ServiceAccount", |bytes| Parts {
        service_account: unknown_keys(250_000),
        ..variables(
            bytes,
            |index| json!({"name": format!("A{index}"), "value": "x"}),
        )
    }),
    ("certificates for each container", |bytes| Parts {
        annotations: json!({"azure.workload.identity/use-id": "true"}),
        settings: json!({"customTokenEndpoint": {
            "annotationSuffix": "id",
            "audience": "api://endpoint",
            "azureKubernetesTokenProxy": "https://endpoint.example",
            "azureKubernetesCaData": format!("-----BEGIN CERTIFICATE-----\n{}-----END CERTIFICATE-----\n", "MIIBMIIBMIIBMIIB\n".repeat(3800)),
        }}),
        ..containers(bytes, short)
    }),
    ("a skipped name near one long name", |bytes| Parts {
        annotations: json!({SKIP: unknown_names(10)}),
        spec: json!({"containers": [{"name": "c".repeat(bytes), "image": "x"}]}),
        ..Parts::default()
    }),
    ("skipped names near many names", |bytes| Parts {
        annotations: json!({SKIP: unknown_names(12)}),
        ..containers(bytes, of_63_letters)
    }),
    ("a list of skipped names that is too long", |bytes| Parts {
        annotations: json!({SKIP: list(bytes, |index| format!("a{index};"))}),
        ..Parts::default()
    }),
    ("unknown skipped names", |bytes| Parts {
        annotations: json!({SKIP: list(bytes / 32, |index| format!("a{index};"))}),
        ..containers(bytes * 31 / 32, of_63_letters)
    }),
    ("malformed skipped names", |bytes| Parts {
        annotations: json!({SKIP: list(bytes / 32, |index| format!("A{index};"))}),
        ..containers(bytes * 31 / 32, of_63_letters)
    }),
    ("skipped names of containers", |bytes| Parts {
        annotations: json!({SKIP: list(bytes / 32, |index| format!("c{index};"))}),
        ..containers(bytes * 31 / 32, short)
    }),
    ("one skipped name again and again", |bytes| Parts {
        annotations: json!({SKIP: "app;".repeat(bytes / 32)}),
        ..variables(
            bytes * 7 / 8,
            |index| json!({"name": format!("A{index}"), "value": "x"}),
        )
    }),
    ("containers, none of them skipped", |bytes| Parts {
        annotations: json!({SKIP: "app"}),
        ..containers(bytes, short)
    }),
    ("unknown annotations", |bytes| Parts {
        annotations: unknown_keys(bytes),
        ..Parts::default()
    }),
    ("a long annotation of the proxy", |bytes| Parts {
        annotations: json!({PROXY: " ".repeat(bytes)}),
        ..Parts::default()
    }),
    ("a long token expiration", |bytes| Parts {
        annotations: json!({"azure.workload.identity/service-account-token-expiration": "0".repeat(bytes)}),
        ..Parts::default()
    }),
    ("a long generateName", |bytes| Parts {
        generate_name: "\n\u{1b}x".repeat(bytes / 9),
        ..Parts::default()
    }),
    ("a long ServiceAccount name", |bytes| Parts {
        spec: json!({"serviceAccountName": "x".repeat(bytes), "containers": [{"name": "app"}]}),
        ..Parts::default()
    }),
    ("long names in the way", |bytes| {
        let long = "x".repeat(bytes / 4);
        Parts {
            spec: json!({
                "containers": [{"name": long, "volumeMounts": [{"name": long, "mountPath": format!("{TOKENS}/{}", "./".repeat(bytes / 8))}]}],
                "volumes": [{"name": long, "emptyDir": {}}],
            }),
            ..Parts::default()
        }
    }),
    ("a long variable", |bytes| {
        Parts::default().with_env(json!([{"name": "A", "value": "x".repeat(bytes)}]))
    }),
    ("references in a variable", |bytes| {
        Parts::default()
            .with_env(json!([{"name": "A", "value": "$(AZURE_CLIENT_ID".repeat(bytes / 17)}]))
    }),
    ("variables", |bytes| {
        variables(
            bytes,
            |index| json!({"name": format!("A{index}"), "value": "x"}),
        )
    }),
    ("variables that refer to others", |bytes| {
        variables(
            bytes,
            |index| json!({"name": format!("A{index}"), "value": "$(AZURE_TENANT_ID)"}),
        )
    }),
    ("the same variable", |bytes| {
        variables(bytes, |_| json!({"name": "AZURE_CLIENT_ID", "value": "x"}))
    }),
    ("ports beside the proxy", |bytes| Parts {
        annotations: json!({PROXY: "true"}),
        spec: json!({"containers": [{"name": "app", "ports": many(bytes, |index| json!({"containerPort": index % 7000}))}]}),
        ..Parts::default()
    }),
    ("pod-level resources beside the proxy", |bytes| Parts {
        spec: json!({
            "containers": [{"name": "app", "resources": {"requests": resources(bytes / 2)}}],
            "resources": {"requests": resources(bytes / 2)},
        }),
        ..with_proxy_resources()
    }),
    ("resources of containers beside the proxy", |bytes| Parts {
        spec: json!({
            "containers": many(bytes, |index| json!({"name": format!("c{index}"), "resources": {"limits": {"cpu": "1m"}}})),
            "resources": {"requests": {"cpu": "1"}},
        }),
        ..with_proxy_resources()
    }),
    ("mounts", |bytes| {
        mounts(
            bytes,
            |index| json!({"name": "v", "mountPath": format!("/m{index}")}),
        )
    }),
    ("mounts of climbing paths", |bytes| {
        mounts(
            bytes,
            |_| json!({"name": "v", "mountPath": "/var/run/secrets/a/../b/./../azure/x/.."}),
        )
    }),
    ("a long path", |bytes| {
        Parts::default().with_mounts(json!([{"name": "v", "mountPath": "/a/..".repeat(bytes / 5)}]))
    }),
    (
        "mounts above the token directory, of many volumes",
        |bytes| Parts {
            spec: json!({
                "containers": [{"name": "app", "volumeMounts": many(bytes / 2, |_| json!({"name": "last", "mountPath": "/"}))}],
                "volumes": with_last(many(bytes / 2, |index| json!({"name": format!("v{index}"), "secret": {}})), json!({"name": "last", "secret": {}})),
            }),
            ..Parts::default()
        },
    ),
    ("read-only mounts above the token directory", |bytes| {
        mounts(
            bytes,
            |_| json!({"name": "v", "mountPath": "/var/run", "readOnly": true}),
        )
    }),
    ("devices", |bytes| Parts {
        spec: json!({"containers": [{"name": "app", "volumeDevices": many(bytes, |index| json!({"name": "v", "devicePath": format!("/dev/{index}")}))}]}),
        ..Parts::default()
    }),
    ("volumes", |bytes| Parts {
        spec: json!({
            "containers": [{"name": "app"}],
            "volumes": many(bytes, |index| json!({"name": format!("v{index}"), "emptyDir": {}})),
        }),
        ..Parts::default()
    }),
    ("token volumes, and mounts of another", |bytes| Parts {
        spec: json!({
            "containers": [{"name": "app", "volumeMounts": many(bytes / 2, |index| json!({"name": "v", "mountPath": format!("/m{index}")}))}],
            "volumes": many(bytes / 2, |index| token_volume(&format!("t{index}"))),
        }),
        ..Parts::default()
    }),
    ("sources of a volume", |bytes| Parts {
        spec: json!({
            "containers": [{"name": "app"}],
            "volumes": [{"name": "azure-identity-token", "projected": {"sources": many(bytes, |_| json!({"configMap": {"name": "a", "items": [{"key": "a", "path": "ca-cert/ca.crt"}]}}))}}],
        }),
        ..Parts::default()
    }),
    // The settings are part of an object of the API server, and so at most half as long as a request.
    ("allowed identities", |bytes| Parts {
        settings: json!({"allowedIdentities": with_last(many(bytes / 2, allowed), json!({"namespaces": ["sh?p"]}))}),
        ..containers(bytes / 2, short)
    }),
    ("an identity that is not allowed", |bytes| Parts {
        settings: json!({"allowedIdentities": many(bytes / 2, |index| json!({"namespaces": ["sh*"], "clientIDs": [client_id(index)]}))}),
        ..containers(bytes / 2, short)
    }),
    ("an identity that no entry is about", |bytes| Parts {
        settings: json!({"allowedIdentities": many(bytes / 2, allowed)}),
        ..containers(bytes / 2, short)
    }),
    ("a tenant that is not allowed", |bytes| Parts {
        settings: json!({"allowedIdentities": many(bytes / 2, |index| json!({"tenantIDs": [format!("t{index}.com")]}))}),
        ..containers(bytes / 2, short)
    }),
    ("allowed identities for a long name", |bytes| {
        let mut parts = containers(bytes / 2, short);
        parts.settings = json!({"allowedIdentities": many(bytes / 2, allowed)});
        parts.spec["serviceAccountName"] = ("a-".repeat(126) + "a").into();
        parts
    }),
    ("identities that containers set themselves", |bytes| Parts {
        settings: json!({"allowedIdentities": with_last(many(bytes / 2, allowed), json!({"serviceAccounts": ["default"]}))}),
        spec: json!({"containers": many(bytes / 2, |index| json!({
            "name": format!("c{index}"),
            "env": [{"name": "AZURE_CLIENT_ID", "value": client_id(index)}],
        }))}),
        ..Parts::default()
    }),
    ("ten identities that are not allowed", |bytes| {
        let mut parts = containers(bytes / 2, short);
        parts.settings = json!({"allowedIdentities": many(bytes / 2, |index| json!({"clientIDs": [client_id(index)], "tenantIDs": ["contoso.com"]}))});
        for index in 0..10 {
            parts.spec["containers"][index]["env"] =
                json!([{"name": "AZURE_CLIENT_ID", "value": client_id(index)}]);
        }
        parts
    }),
    ("an identity map", |bytes| Parts {
        settings: json!({"identityMap": with_last(many(bytes / 2, map_entry), json!({"optIn": true, "clientID": CLIENT_ID}))}),
        ..containers(bytes / 2, short)
    }),
    ("a permission for a pod with many containers", |bytes| {
        Parts {
            settings: json!({"authorization": {"mode": "ServiceAccount"}}),
            ..containers(bytes, short)
        }
    }),
    ("node selector terms", |bytes| Parts {
        annotations: json!({PROXY: "true"}),
        spec: json!({
            "containers": [{"name": "app"}],
            "affinity": {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": many(bytes, |_| {
                json!({"matchExpressions": [{"key": "kubernetes.io/os", "operator": "In", "values": ["linux"]}]})
            })}}},
        }),
        ..Parts::default()
    }),
];

/// What is heavy about kinds that setting `podTemplates` describes: its name, the setting, and the object's spec.
type Described = (&'static str, fn(usize) -> (Value, Value));

const DESCRIBED: &[Described] = &[
    ("templates in a list", |bytes| {
        let setting = json!([entry(json!({"template": "spec.groups[].template"}))]);
        let groups = many(bytes, |index| json!({"template": template(index)}));
        (setting, json!({"groups": groups}))
    }),
    ("a long list beside the templates", |bytes| {
        let setting: Vec<_> = (0..8)
            .map(|index| entry(json!({"template": format!("spec.groups[].t{index}")})))
            .collect();
        let groups = json!([{"t0": template(0), "t7": template(7)}]);
        let others = many(bytes, |index| json!(format!("x{index}")));
        (setting.into(), json!({"groups": groups, "others": others}))
    }),
    ("a deep object with a long list in it", |bytes| {
        let path = |last: &str| format!("spec.{}{last}", "a.".repeat(10));
        let setting: Vec<_> = (0..8)
            .map(|index| {
                entry(json!({
                    "labels": path(&format!("labels{index}")),
                    "annotations": path("annotations"),
                    "serviceAccountName": path("name"),
                }))
            })
            .collect();
        let mut spec = json!({"z": many(bytes, |index| json!(index))});
        for _ in 0..10 {
            spec = json!({"a": spec});
        }
        (setting.into(), spec)
    }),
    ("a large template", |bytes| {
        let setting = json!([entry(json!({"template": "spec.template"}))]);
        let mut template = template(0);
        template["spec"]["containers"] = many(
            bytes,
            |index| json!({"name": format!("c{index}"), "image": "x"}),
        );
        (setting, json!({"template": template}))
    }),
    ("a long setting", |bytes| {
        let setting = many(
            bytes,
            |index| json!({"apiGroup": format!("g{index}.example"), "kind": "Kind", "template": "spec.template"}),
        );
        let last = entry(json!({"template": "spec.template"}));
        (with_last(setting, last), json!({"template": template(0)}))
    }),
];

/// An entry of setting `podTemplates` with these paths.
fn entry(mut paths: Value) -> Value {
    paths["apiGroup"] = "example.com".into();
    paths["kind"] = "Heavy".into();
    paths
}

/// A pod template that opts in.
fn template(index: usize) -> Value {
    json!({
        "metadata": {
            "labels": {"azure.workload.identity/use": "true"},
            "annotations": {SKIP: format!("x{index}")},
        },
        "spec": {"containers": [{"name": format!("c{index}"), "image": "x"}]},
    })
}

/// The creation of an object of a kind that setting `podTemplates` describes.
fn described(name: &str, pod_templates: &Value, spec: &Value) -> Heavy {
    let request = json!({
        "uid": "u",
        "kind": {"group": "example.com", "version": "v1", "kind": "Heavy"},
        "namespace": "shop",
        "operation": "CREATE",
        "object": {"metadata": {"name": "app"}, "spec": spec},
    });
    let settings = json!({
        "azureTenantID": "8a6d4f7e-2f41-4f0e-b3a5-6f2b9e1c0d22",
        "podTemplates": pod_templates,
    });
    let mut payload = json!({"request": request, "settings": settings});
    payload.sort_all_objects();
    Heavy {
        name: format!("{name} of another kind"),
        payload: payload.to_string().into_bytes(),
        service_account: json!({"metadata": {"name": "default", "namespace": "shop"}}),
    }
}

impl Parts {
    fn with_env(mut self, env: Value) -> Self {
        self.spec["containers"][0]["env"] = env;
        self
    }

    fn with_mounts(mut self, mounts: Value) -> Self {
        self.spec["containers"][0]["volumeMounts"] = mounts;
        self
    }

    fn into_heavy(self, name: &str, is_template: bool) -> Heavy {
        let metadata = json!({
            "generateName": self.generate_name,
            "labels": {"azure.workload.identity/use": "true"},
            "annotations": self.annotations,
        });
        let pod = json!({"metadata": metadata, "spec": self.spec});
        let (group, kind, object) = if is_template {
            let object = json!({"metadata": {"name": "app"}, "spec": {"template": pod}});
            ("apps", "Deployment", object)
        } else {
            ("", "Pod", pod)
        };
        let mut settings = json!({"azureTenantID": "8a6d4f7e-2f41-4f0e-b3a5-6f2b9e1c0d22"});
        for (key, value) in self.settings.as_object().into_iter().flatten() {
            settings[key] = value.clone();
        }
        let request = json!({
            "uid": "u",
            "kind": {"group": group, "version": "v1", "kind": kind},
            "namespace": "shop",
            "operation": "CREATE",
            "object": object,
        });
        let mut payload = json!({"request": request, "settings": settings});
        payload.sort_all_objects();
        let service_account = json!({"metadata": {
            "name": self.spec["serviceAccountName"].as_str().unwrap_or("default"),
            "namespace": "shop",
            "annotations": self.service_account,
        }});
        Heavy {
            name: format!("{name} of a {kind}"),
            payload: payload.to_string().into_bytes(),
            service_account,
        }
    }
}

/// Every kind, as a pod and as the template of a Deployment, of about so many bytes.
pub fn all(bytes: usize) -> Vec<Heavy> {
    let mut all = Vec::new();
    for (name, of) in KINDS {
        for is_template in [false, true] {
            all.push(of(bytes).into_heavy(name, is_template));
        }
    }
    for (name, of) in DESCRIBED {
        let (pod_templates, spec) = of(bytes);
        all.push(described(name, &pod_templates, &spec));
    }
    all
}

/// So many items that their JSON has about `bytes` bytes.
fn many(bytes: usize, item: impl Fn(usize) -> Value) -> Value {
    let mut items = Vec::new();
    let mut length = 0;
    while length < bytes {
        let item = item(items.len());
        length += item.to_string().len() + 1;
        items.push(item);
    }
    items.into()
}

fn list(bytes: usize, item: impl Fn(usize) -> String) -> String {
    let mut list = String::new();
    let mut index = 0;
    while list.len() < bytes {
        list.push_str(&item(index));
        index += 1;
    }
    list
}

fn with_last(mut items: Value, last: Value) -> Value {
    items
        .as_array_mut()
        .into_iter()
        .for_each(|items| items.push(last.clone()));
    items
}

fn containers(bytes: usize, name: fn(usize) -> String) -> Parts {
    Parts {
        spec: json!({"containers": many(bytes, |index| json!({"name": name(index), "image": "x"}))}),
        ..Parts::default()
    }
}

fn variables(bytes: usize, variable: impl Fn(usize) -> Value) -> Parts {
    Parts::default().with_env(many(bytes, variable))
}

fn mounts(bytes: usize, mount: impl Fn(usize) -> Value) -> Parts {
    let mut parts = Parts::default().with_mounts(many(bytes, mount));
    parts.spec["volumes"] = json!([{"name": "v", "configMap": {"name": "a"}}]);
    parts
}

fn with_proxy_resources() -> Parts {
    let resources = json!({"requests": {"cpu": "50m", "memory": "64Mi"}, "limits": {"cpu": 1, "memory": "64Mi"}});
    Parts {
        annotations: json!({PROXY: "true"}),
        settings: json!({"proxy": {"resources": resources, "initResources": resources}}),
        ..Parts::default()
    }
}

fn resources(bytes: usize) -> Value {
    let mut resources = json!({"cpu": "1"});
    let mut length = 0;
    let mut index = 0;
    while length < bytes {
        let name = format!("example.com/{index}");
        length += name.len() + 6;
        resources[name] = "1".into();
        index += 1;
    }
    resources
}

fn token_volume(name: &str) -> Value {
    json!({"name": name, "projected": {"sources": [{"serviceAccountToken": {
        "audience": "api://AzureADTokenExchange",
        "path": "azure-identity-token",
    }}]}})
}

/// Settings with all that follows a pod beyond the four variables, as much of it as can be.
fn whole_pod() -> Value {
    let variable = |index| json!({"name": format!("EXTRA_{index}"), "value": "x".repeat(20)});
    json!({
        "layout": "v1.6.1",
        "alsoMountAs": ["v0.7", "v1.5"],
        "extraEnv": (0..32).map(variable).collect::<Vec<_>>(),
        "handOver": ["Dapr"],
        "mark": true,
    })
}

fn allowed(index: usize) -> Value {
    json!({
        "namespaces": [format!("team-{index}-*")],
        "serviceAccounts": [format!("*-a-{index}")],
        "clientIDs": [client_id(index)],
    })
}

fn map_entry(index: usize) -> Value {
    json!({
        "namespaces": ["sh*"],
        "serviceAccounts": [format!("*-a-{index}")],
        "clientID": client_id(index),
    })
}

/// One of many, each of which begins differently, as random ones do.
fn client_id(index: usize) -> String {
    let begin = (index as u32).wrapping_mul(2_654_435_761);
    format!("{begin:08x}-0d7f-4a0b-9c61-5f2f0d1b7e11")
}

fn short(index: usize) -> String {
    format!("c{index}")
}

fn of_63_letters(index: usize) -> String {
    format!("{index:a>63}")
}

fn unknown_names(count: usize) -> String {
    (0..count).map(|index| format!("{index:c>63};")).collect()
}

fn unknown_keys(bytes: usize) -> Value {
    let mut keys = json!({"azure.workload.identity/client-id": CLIENT_ID});
    let mut length = 0;
    let mut index = 0;
    while length < bytes {
        let key = format!("azure.workload.identity/client-i{index}");
        length += key.len() + 6;
        keys[key] = "".into();
        index += 1;
    }
    keys
}
