//! Valid settings.

use arbitrary::{Result, Unstructured};
use serde_json::{Value, json};

use super::metadata::TENANT_ID;
use super::text::{maybe, one_of};

/// Settings of any layout, way of opting in and severity, with and without custom token endpoint.
pub fn settings(u: &mut Unstructured<'_>) -> Result<Value> {
    let mut settings = json!({"azureTenantID": one_of(u, &[TENANT_ID, "contoso.com"])?});
    maybe(u, 2, &mut settings, "layout", |u| {
        Ok(one_of(u, &["v1.6.1", "v1.6.0", "v0.7", "v1.5"])?.into())
    })?;
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

fn proxy(u: &mut Unstructured<'_>) -> Result<Value> {
    let mut proxy = json!({});
    maybe(u, 2, &mut proxy, "nativeSidecar", |u| {
        Ok(u.arbitrary::<bool>()?.into())
    })?;
    maybe(u, 4, &mut proxy, "image", |_| {
        Ok("registry.example/proxy:2".into())
    })?;
    maybe(u, 4, &mut proxy, "logLevel", |_| Ok("trace".into()))?;
    maybe(u, 4, &mut proxy, "resources", |_| {
        Ok(json!({"limits": {"memory": "64Mi"}, "requests": {"cpu": "0.1"}}))
    })?;
    maybe(u, 4, &mut proxy, "initSecurityContext", |_| {
        Ok(json!({"capabilities": {"add": ["NET_ADMIN"]}, "runAsUser": 0}))
    })?;
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
                |_| Ok(json!({"matchLabels": {"a": "b"}})),
            )?;
        }
    }
    Ok(endpoint)
}
