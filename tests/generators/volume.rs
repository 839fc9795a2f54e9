//! Volumes of every kind, some of them with a token as the policy projects it.

use arbitrary::{Result, Unstructured};
use serde_json::{Value, json};

use super::pod::unknown;
use super::text::{maybe, name, one_in, one_of, private};

/// The name of a volume that is a block device.
pub const BLOCK: &str = "block";

/// Names that token volumes have in one of the layouts; the second is that of a pod called demo.
const NAMES_OF_OURS: [&str; 4] = [
    "azure-identity-token",
    "azure-workload-identity-reserved-2a97516c354b68848cdbd8f54a226a",
    "azure-workload-identity-reserved-000000000000000000000000000000",
    "azure-workload-identity-reserved-",
];

/// Where the token is in its volume.
const TOKEN_PATHS: [&str; 3] = [
    "azure-identity-token",
    "token/azure-identity-token",
    "vault-token",
];

/// The audiences of tokens; without one, a token is for the Kubernetes API.
const AUDIENCES: [Option<&str>; 6] = [
    Some("api://AzureADTokenExchange"),
    Some("api://AzureADTokenExchange"),
    Some("api://AKSIdentityBinding"),
    Some("vault"),
    Some(""),
    None,
];

/// Up to four volumes with different names; those with our names usually have a token of ours.
pub fn volumes(u: &mut Unstructured<'_>) -> Result<Value> {
    let mut volumes: Vec<Value> = Vec::new();
    for index in 0..u.int_in_range(0..=4)? {
        let is_ours = one_in(u, 4)?;
        let mut volume = match is_ours != one_in(u, 6)? {
            true => token(u)?,
            false => other(u)?,
        };
        let name = match is_ours {
            true => one_of(u, &NAMES_OF_OURS)?,
            false => name(u, &[&format!("volume-{index}")])?,
        };
        if !volumes.iter().any(|volume| volume["name"] == *name) {
            volume["name"] = name.into();
            volumes.push(volume);
        }
    }
    if one_in(u, 12)? {
        volumes.push(json!({"name": BLOCK, "persistentVolumeClaim": {"claimName": "disk"}}));
    }
    Ok(Value::Array(volumes))
}

/// A volume with a token, for this identity or another one, in any state.
fn token(u: &mut Unstructured<'_>) -> Result<Value> {
    let mut token = json!({"path": one_of(u, &TOKEN_PATHS)?});
    if !one_in(u, 8)? {
        token["audience"] = u.choose(&AUDIENCES)?.map_or(Value::Null, Value::from);
    }
    maybe(u, 2, &mut token, "expirationSeconds", |u| {
        Ok(
            u.choose(&[json!(3600), json!(600), json!(86400), json!(1), Value::Null])?
                .clone(),
        )
    })?;
    let mut sources = vec![json!({"serviceAccountToken": token})];
    if one_in(u, 3)? {
        for _ in 0..u.int_in_range(1..=2)? {
            let source = source(u)?;
            sources.insert(u.int_in_range(0..=1)?, source);
        }
    }
    let mut volume = json!({"projected": {"sources": sources}});
    maybe(u, 4, &mut volume["projected"], "defaultMode", |_| {
        Ok(420.into())
    })?;
    Ok(volume)
}

/// What a projected volume may hold beside the token, often at a path that the policy uses, too.
fn source(u: &mut Unstructured<'_>) -> Result<Value> {
    let path = match u.int_in_range(0..=5)? {
        0..=3 => "ca-cert/ca.crt".to_owned(),
        4 => "other".to_owned(),
        _ => one_of(u, &TOKEN_PATHS)?,
    };
    let text = private(u)?;
    let sources = [
        json!({"configMap": {"name": "ib-ca", "items": [{"key": "ca.crt", "path": path}]}}),
        json!({"clusterTrustBundle": {"signerName": "a.b/c", "labelSelector": {}, "path": path}}),
        json!({"clusterTrustBundle": {"name": "c", "optional": true, "path": path}}),
        json!({"secret": {"name": text, "items": [{"key": "k", "path": path}]}}),
        json!({"downwardAPI": {"items": [{"path": path, "fieldRef": {"fieldPath": "metadata.labels"}}]}}),
        json!({"serviceAccountToken": {"path": path, "audience": "vault"}}),
        json!({"serviceAccountToken": {"path": path}}),
        json!({"podCertificate": {"signerName": "a.b/c", "keyType": "ED25519", "credentialBundlePath": path}}),
        json!({"configMap": {"name": text}}),
        json!({"secret": {"name": text, "items": []}}),
        json!({"futureSource": unknown(u)?}),
        json!({}),
    ];
    Ok(u.choose(&sources)?.clone())
}

/// A volume of any kind that Kubernetes has, usually a common one.
fn other(u: &mut Unstructured<'_>) -> Result<Value> {
    let text = private(u)?;
    const COMMON: usize = 13;
    let kinds = [
        json!({"emptyDir": {}}),
        json!({"emptyDir": {"medium": "Memory", "sizeLimit": "1Gi"}}),
        json!({"secret": {"secretName": text, "items": [{"key": text, "path": "a", "mode": 256}]}}),
        json!({"configMap": {"name": text, "optional": true}}),
        json!({"downwardAPI": {"items": [{"path": "labels", "fieldRef": {"fieldPath": "metadata.labels"}}]}}),
        json!({"projected": {"sources": [{"secret": {"name": text}}, {"configMap": {"name": text}}]}}),
        json!({"projected": {"sources": null}}),
        json!({"projected": {}}),
        json!({"persistentVolumeClaim": {"claimName": text, "readOnly": true}}),
        json!({"persistentVolumeClaim": {"claimName": text}}),
        json!({"ephemeral": {"volumeClaimTemplate": {"spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}}}}),
        json!({"csi": {"driver": "secrets-store.csi.k8s.io", "readOnly": true, "volumeAttributes": {"secretProviderClass": text}, "nodePublishSecretRef": {"name": text}}}),
        json!({"hostPath": {"path": "/var/lib", "type": "Directory"}}),
        json!({"image": {"reference": text, "pullPolicy": "Always"}}),
        json!({"nfs": {"server": text, "path": "/"}}),
        json!({"azureDisk": {"diskName": text, "diskURI": text}}),
        json!({"azureFile": {"secretName": text, "shareName": text}}),
        json!({"awsElasticBlockStore": {"volumeID": text}}),
        json!({"gcePersistentDisk": {"pdName": text}}),
        json!({"cephfs": {"monitors": [text], "secretRef": {"name": text}}}),
        json!({"cinder": {"volumeID": text}}),
        json!({"fc": {"targetWWNs": [text], "lun": 0}}),
        json!({"flexVolume": {"driver": text, "options": {"k": text}}}),
        json!({"flocker": {"datasetName": text}}),
        json!({"gitRepo": {"repository": text}}),
        json!({"glusterfs": {"endpoints": text, "path": "p"}}),
        json!({"iscsi": {"targetPortal": text, "iqn": text, "lun": 0}}),
        json!({"photonPersistentDisk": {"pdID": text}}),
        json!({"portworxVolume": {"volumeID": text}}),
        json!({"quobyte": {"registry": text, "volume": text}}),
        json!({"rbd": {"monitors": [text], "image": text, "keyring": text}}),
        json!({"scaleIO": {"gateway": text, "system": text, "secretRef": {"name": text}}}),
        json!({"storageos": {"volumeName": text}}),
        json!({"vsphereVolume": {"volumePath": text}}),
        json!({"futureKind": unknown(u)?}),
    ];
    let count = if one_in(u, 2)? { kinds.len() } else { COMMON };
    Ok(u.choose(&kinds[..count])?.clone())
}
