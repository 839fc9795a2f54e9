//! Valid settings.

use arbitrary::{Result, Unstructured};
use serde_json::{Value, json};

use super::metadata::{CLIENT_ID, TENANT_ID};
use super::text::{maybe, one_in, one_of};

pub const OTHER_ID: &str = "3b9d6f0a-1c2e-4d7b-8a90-5e4f3a2b1c0d";

/// Settings of any layout, way of opting in and severity, with and without custom token endpoint.
pub fn settings(u: &mut Unstructured<'_>) -> Result<Value> {
    let mut settings = json!({"azureTenantID": one_of(u, &[TENANT_ID, "contoso.com"])?});
    layout(u, &mut settings)?;
    maybe(u, 4, &mut settings, "optIn", |u| {
        Ok(one_of(u, &["Either", "ServiceAccountLabel", "PodLabel"])?.into())
    })?;
    maybe(u, 2, &mut settings, "onMalformed", |u| {
        Ok(one_of(u, &["Warn", "Reject"])?.into())
    })?;
    maybe(u, 16, &mut settings, "mode", |_| Ok("Verify".into()))?;
    maybe(u, 8, &mut settings, "requireClientID", |u| {
        Ok(u.arbitrary::<bool>()?.into())
    })?;
    maybe(u, 6, &mut settings, "azureEnvironment", |u| {
        Ok(one_of(u, &["AzureChinaCloud", "azurepubliccloud"])?.into())
    })?;
    maybe(u, 6, &mut settings, "azureAuthorityHost", |_| {
        Ok("https://login.example:8443/a(b)&c%22".into())
    })?;
    maybe(
        u,
        6,
        &mut settings,
        "audience",
        |_| Ok("api://\"x\\".into()),
    )?;
    maybe(u, 6, &mut settings, "defaultTokenExpirationSeconds", |u| {
        Ok(u.int_in_range(3600..=86400)?.into())
    })?;
    maybe(u, 2, &mut settings, "proxy", proxy)?;
    maybe(u, 2, &mut settings, "customTokenEndpoint", token_endpoint)?;
    Ok(settings)
}

/// Sometimes a layout.
pub fn layout(u: &mut Unstructured<'_>, settings: &mut Value) -> Result<()> {
    maybe(u, 2, settings, "layout", |u| {
        Ok(one_of(u, &["v1.6.1", "v1.6.0", "v0.7", "v1.5"])?.into())
    })
}

/// Adds settings about later containers, the mark, further variables and the paths of older layouts.
pub fn whole_pod(u: &mut Unstructured<'_>, settings: &mut Value) -> Result<()> {
    maybe(u, 3, settings, "mark", |_| Ok(true.into()))?;
    maybe(u, 2, settings, "handOver", |_| Ok(json!(["Dapr"])))?;
    maybe(u, 3, settings, "reinvocationPolicy", |u| {
        Ok(one_of(u, &["IfNeeded", "Never"])?.into())
    })?;
    maybe(u, 4, settings, "onDrift", |u| {
        Ok(one_of(u, &["Warn", "Reject"])?.into())
    })?;
    maybe(u, 3, settings, "extraEnv", |u| {
        let mut list = Vec::new();
        for index in 0..u.int_in_range(0..=3)? {
            let start = one_of(u, &["EXTRA_", "EXTRA-", "EXTRA."])?;
            let mut variable = json!({"name": format!("{start}{index}")});
            if u.arbitrary()? {
                let parts = [
                    "ClientID",
                    "TenantID",
                    "AuthorityHost",
                    "TokenFile",
                    "Audience",
                ];
                variable["from"] = one_of(u, &parts)?.into();
            } else {
                variable["value"] = one_of(u, &["a", "$(A)", "a,B=b", " a=", "é\""])?.into();
            }
            list.push(variable);
        }
        maybe(u, 2, settings_of(&mut list), "preset", |u| {
            Ok(one_of(u, &["Terraform", "AzureSDK"])?.into())
        })?;
        list.retain(|entry| entry != &json!({}));
        Ok(list.into())
    })?;
    let own = settings.get("layout").cloned().unwrap_or("v1.5".into());
    maybe(u, 3, settings, "alsoMountAs", |u| {
        let all = ["v0.7", "v1.5"];
        let mut older: Vec<_> = all.into_iter().filter(|layout| own != *layout).collect();
        older.truncate(u.int_in_range(0..=2)?);
        Ok(older.into())
    })
}

/// A new entry of a list.
fn settings_of(list: &mut Vec<Value>) -> &mut Value {
    list.push(json!({}));
    list.last_mut().expect("an entry")
}

/// Adds settings about who may use which identity.
pub fn identities(u: &mut Unstructured<'_>, settings: &mut Value) -> Result<()> {
    maybe(u, 3, settings, "identityMap", |u| list(u, map_entry))?;
    maybe(u, 3, settings, "allowedIdentities", |u| list(u, allowed))?;
    maybe(u, 4, settings, "onDisallowed", |u| {
        Ok(one_of(u, &["Warn", "Reject"])?.into())
    })?;
    maybe(u, 3, settings, "authorization", |u| {
        let mode = one_of(u, &["ServiceAccountAndUser", "ServiceAccount", "Off"])?;
        let mut authorization = json!({"mode": mode});
        maybe(u, 4, &mut authorization, "verb", |_| Ok("use".into()))?;
        maybe(u, 4, &mut authorization, "exemptUsers", |_| {
            Ok(json!(["o*"]))
        })?;
        Ok(authorization)
    })?;
    maybe(u, 4, settings, "onAuthorizationError", |u| {
        Ok(one_of(u, &["Warn", "Reject"])?.into())
    })
}

/// Says where Rollouts have their pods: in a whole template, or in parts of it.
pub fn rollouts(u: &mut Unstructured<'_>, settings: &mut Value) -> Result<()> {
    let mut whole =
        json!({"template": one_of(u, &["spec.template", "spec.groups[].template", "spec"])?});
    let mut parts = json!({"labels": "spec.template.metadata.labels"});
    maybe(u, 2, &mut parts, "annotations", |_| {
        Ok("spec.template.metadata.annotations".into())
    })?;
    maybe(u, 2, &mut parts, "serviceAccountName", |_| {
        Ok("spec.template.spec.serviceAccountName".into())
    })?;
    for entry in [&mut whole, &mut parts] {
        entry["apiGroup"] = "argoproj.io".into();
        entry["kind"] = "Rollout".into();
    }
    settings["podTemplates"] = match u.int_in_range(0..=2)? {
        0 => json!([whole]),
        1 => json!([parts]),
        _ => json!([whole, parts]),
    };
    Ok(())
}

fn list(
    u: &mut Unstructured<'_>,
    entry: fn(&mut Unstructured<'_>) -> Result<Value>,
) -> Result<Value> {
    let count = u.int_in_range(0..=3)?;
    let entries: Result<Vec<_>> = (0..count).map(|_| entry(u)).collect();
    Ok(entries?.into())
}

fn scope(u: &mut Unstructured<'_>) -> Result<Value> {
    let mut scope = json!({});
    maybe(u, 2, &mut scope, "namespaces", |u| {
        Ok(json!([one_of(
            u,
            &["default", "def*", "team-a", "?efault"]
        )?]))
    })?;
    maybe(u, 2, &mut scope, "serviceAccounts", |u| {
        Ok(json!([one_of(u, &["fed-sa", "*", "a.*", "default"])?, "x"]))
    })?;
    Ok(scope)
}

fn map_entry(u: &mut Unstructured<'_>) -> Result<Value> {
    let mut entry = scope(u)?;
    entry["clientID"] = one_of(u, &[CLIENT_ID, OTHER_ID])?.into();
    maybe(u, 3, &mut entry, "tenantID", |_| Ok("contoso.com".into()))?;
    maybe(u, 3, &mut entry, "tokenExpirationSeconds", |_| {
        Ok(7200.into())
    })?;
    for name in ["optIn", "override", "lookup"] {
        maybe(u, 2, &mut entry, name, |u| {
            Ok(u.arbitrary::<bool>()?.into())
        })?;
    }
    Ok(entry)
}

fn allowed(u: &mut Unstructured<'_>) -> Result<Value> {
    let mut entry = scope(u)?;
    maybe(u, 2, &mut entry, "clientIDs", |u| {
        Ok(json!([one_of(u, &[CLIENT_ID, OTHER_ID])?]))
    })?;
    maybe(u, 3, &mut entry, "tenantIDs", |u| {
        Ok(json!([one_of(u, &[TENANT_ID, "contoso.com"])?]))
    })?;
    Ok(entry)
}

fn proxy(u: &mut Unstructured<'_>) -> Result<Value> {
    let mut proxy = json!({});
    maybe(u, 2, &mut proxy, "nativeSidecar", |u| {
        Ok(u.arbitrary::<bool>()?.into())
    })?;
    maybe(u, 4, &mut proxy, "image", |_| {
        Ok("registry.example/proxy:2".into())
    })?;
    maybe(u, 4, &mut proxy, "logLevel", |_| Ok("trace".into()))?;
    for (resources, security_context) in [
        ("resources", "securityContext"),
        ("initResources", "initSecurityContext"),
    ] {
        maybe(u, 3, &mut proxy, resources, |u| {
            let all = [
                json!({"limits": {"memory": "64Mi"}, "requests": {"cpu": "0.1"}}),
                json!({"requests": {"cpu": "50m", "memory": "1Mi"}, "limits": {"cpu": 1, "memory": "64M"}}),
                json!({"limits": {"example.com/gpu": 1, "hugepages-2Mi": "2Mi", "cpu": "10m"}}),
                json!({"requests": {}, "limits": null}),
            ];
            Ok(u.choose(&all)?.clone())
        })?;
        maybe(u, 4, &mut proxy, security_context, |u| {
            let all = [
                json!({"capabilities": {"add": ["NET_ADMIN"]}, "runAsUser": 0}),
                json!({"runAsNonRoot": true, "runAsUser": 1501, "runAsGroup": 0, "procMount": "Default"}),
                json!({"privileged": true, "seccompProfile": {"type": "RuntimeDefault"}}),
                json!({"appArmorProfile": {"type": "Localhost", "localhostProfile": "proxy"}, "seLinuxOptions": {"level": "s0"}}),
                json!({"seccompProfile": {"type": "Localhost", "localhostProfile": "proxy.json"}}),
                json!({}),
            ];
            Ok(u.choose(&all)?.clone())
        })?;
    }
    Ok(proxy)
}

fn token_endpoint(u: &mut Unstructured<'_>) -> Result<Value> {
    let mut endpoint = json!({
        "annotationSuffix": "identity-binding",
        "audience": "api://AKSIdentityBinding",
    });
    maybe(u, 2, &mut endpoint, "azureKubernetesTokenProxy", |_| {
        Ok("https://token-proxy.example:6443".into())
    })?;
    maybe(u, 3, &mut endpoint, "azureKubernetesSniName", |_| {
        Ok("abc.ests.aks".into())
    })?;
    match u.int_in_range(0..=3)? {
        0 => {}
        1 => {
            endpoint["azureKubernetesCaData"] =
                "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n".into();
        }
        2 => endpoint["azureKubernetesCAConfigMapName"] = "ib-ca".into(),
        _ => {
            endpoint["azureKubernetesCACTBSignerName"] = "example.com/signer".into();
            maybe(
                u,
                2,
                &mut endpoint,
                "azureKubernetesCACTBLabelSelector",
                |u| {
                    let all = [
                        json!({"matchLabels": {"a": "b", "example.com/c": ""}}),
                        json!({"matchExpressions": [{"key": "a", "operator": "NotIn", "values": ["b"]}, {"key": "a", "operator": "Exists"}]}),
                        json!({"matchExpressions": [], "matchLabels": null}),
                        json!({}),
                    ];
                    Ok(u.choose(&all)?.clone())
                },
            )?;
        }
    }
    Ok(endpoint)
}

/// Replaces one of the settings with a value that no pod may get.
pub fn spoil(u: &mut Unstructured<'_>, settings: &mut Value) -> Result<()> {
    let unfit = [
        json!({"azureTenantID": one_of(u, &["10.0.0.1", "common", "1.2"])?}),
        json!({"azureAuthorityHost": one_of(u, &["https://host:+443/", "https://host/\"", "https://host/$(X)", "http://host/"])?}),
        json!({"audience": one_of(u, &["\u{200b}", "https://kubernetes.default.svc", "", "$(X)"])?}),
        json!({"proxy": {"image": one_of(u, &["a:b:c", "a//b", "a@sha256:zz", "http://a/b"])?}}),
        json!({"proxy": {"securityContext": {"runAsUser": "0"}}}),
        json!({"proxy": {"securityContext": {"runAsUser": -1}}}),
        json!({"proxy": {"securityContext": {"privileged": "yes"}}}),
        json!({"proxy": {"securityContext": {"privileged": true, "allowPrivilegeEscalation": false}}}),
        json!({"proxy": {"securityContext": {"capabilities": "ALL"}}}),
        json!({"proxy": {"initSecurityContext": {"capabilities": {"ad": ["X"]}}}}),
        json!({"proxy": {"initSecurityContext": {"procMount": "x"}}}),
        json!({"proxy": {"initSecurityContext": {"windowsOptions": {}}}}),
        json!({"proxy": {"resources": {"limits": {"memory": "64Mi"}, "requests": {"memory": "128Mi"}}}}),
        json!({"proxy": {"resources": {"limits": {one_of(u, &["", "a b"])?: 1}}}}),
        json!({"proxy": {"initResources": {"limits": {"nvidia.com/gpu": 1.5}}}}),
        json!({"proxy": {"resources": {"claims": [{"name": "gpu"}]}}}),
    ];
    let selectors = [
        json!({"matchLabels": 5}),
        json!({"matchLabels": {"a": 1}}),
        json!({"matchExpressions": [{"key": "a", "operator": "Bogus"}]}),
        json!({"matchExpressions": {}}),
    ];
    if one_in(u, 4)? {
        let mut endpoint = json!({
            "annotationSuffix": "identity-binding",
            "audience": one_of(u, &["api://AKSIdentityBinding", "api://azureadtokenexchange"])?,
            "azureKubernetesCACTBSignerName": one_of(u, &["example.com/signer", "a.b/c/d"])?,
        });
        maybe(
            u,
            2,
            &mut endpoint,
            "azureKubernetesCACTBLabelSelector",
            |u| Ok(u.choose(&selectors)?.clone()),
        )?;
        maybe(
            u,
            4,
            &mut endpoint,
            "azureKubernetesCAConfigMapName",
            |_| Ok("ib-ca".into()),
        )?;
        settings["customTokenEndpoint"] = endpoint;
        return Ok(());
    }
    let setting = u.choose(&unfit)?.as_object().expect("a setting");
    for (name, value) in setting {
        settings[name] = value.clone();
    }
    Ok(())
}
