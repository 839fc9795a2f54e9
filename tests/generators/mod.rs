//! Test cases made from bytes: admission requests, settings and ServiceAccounts, as they are in clusters, and broken ones.
//!
//! A case that runs out of bytes is plain in the rest, so that a failing case shrinks with its bytes. Properties supply
//! random bytes, fuzzing supplies bytes that reach new code.

#![allow(
    dead_code,
    reason = "each crate that includes this needs another part of it"
)]

mod broken;
mod container;
mod decision;
mod metadata;
mod pod;
mod settings;
mod text;
mod volume;

use std::cell::RefCell;

use arbitrary::{Result, Unstructured};
use azure_workload_identity_policy::identity::kubernetes_api::KubernetesApi;
use azure_workload_identity_policy::settings::Freshness;
use serde_json::{Value, json};

pub use decision::Decision;
pub use text::PRIVATE;
use text::one_in;

/// The kinds of workloads: group, name, and the path of the pod template.
const WORKLOADS: [(&str, &str, &[&str]); 7] = [
    ("apps", "Deployment", &["spec", "template"]),
    ("apps", "ReplicaSet", &["spec", "template"]),
    ("apps", "StatefulSet", &["spec", "template"]),
    ("apps", "DaemonSet", &["spec", "template"]),
    ("batch", "Job", &["spec", "template"]),
    (
        "batch",
        "CronJob",
        &["spec", "jobTemplate", "spec", "template"],
    ),
    ("", "ReplicationController", &["spec", "template"]),
];

/// One admission request, and everything that its verdict may depend on.
#[derive(Clone, Debug)]
pub struct Case {
    /// The policy's settings.
    pub settings: Value,
    /// The AdmissionRequest.
    pub request: Value,
    /// The ServiceAccount; `None` if it does not exist.
    pub service_account: Option<Value>,
    /// The answer to each question for a permission; `None` if there is none.
    pub permission: Option<bool>,
}

impl Case {
    /// The creation of a pod as it is in clusters, usually one that opts in.
    pub fn pod(u: &mut Unstructured<'_>) -> Result<Self> {
        let service_account = metadata::service_account(u)?;
        let settings = settings::settings(u)?;
        let pod = pod::pod(u, &service_account)?;
        let request = request(u, "", "Pod", pod)?;
        let mut settings = settings;
        settings::identities(u, &mut settings)?;
        settings::whole_pod(u, &mut settings)?;
        Ok(Self {
            request,
            settings,
            service_account: Some(service_account),
            permission: *u.choose(&[Some(true), Some(true), Some(false), None])?,
        })
    }

    /// Any request, valid or broken, about any object that the policy knows and some that it does not.
    pub fn any(u: &mut Unstructured<'_>) -> Result<Self> {
        let mut case = Self::pod(u)?;
        if one_in(u, 4)? {
            case.become_another_kind(u)?;
        }
        if one_in(u, 2)? {
            broken::break_it(u, &mut case.request["object"], PRIVATE)?;
        }
        if one_in(u, 16)? {
            settings::spoil(u, &mut case.settings)?;
        }
        if one_in(u, 8)? {
            broken::break_it(u, &mut case.settings, "broken")?;
        }
        if one_in(u, 8)? {
            broken::break_it(u, &mut case.request, PRIVATE)?;
        }
        if one_in(u, 6)? {
            case.service_account = match u.int_in_range(0..=2)? {
                0 => None,
                _ => {
                    let mut broken = case.service_account.unwrap_or_default();
                    broken::break_it(u, &mut broken, PRIVATE)?;
                    Some(broken)
                }
            };
        }
        Ok(case)
    }

    /// Puts the pod into a workload, or replaces it with another object.
    fn become_another_kind(&mut self, u: &mut Unstructured<'_>) -> Result<()> {
        let pod = self.request["object"].take();
        let (group, kind, object) = match u.int_in_range(0..=WORKLOADS.len() + 4)? {
            0 => ("", "ServiceAccount", metadata::service_account(u)?),
            1 => ("", "ConfigMap", pod),
            2 => ("example.com", "Pod", pod),
            3 | 4 => {
                settings::rollouts(u, &mut self.settings)?;
                let template = json!({"template": pod});
                let groups = vec![template; u.int_in_range(0..=2)?];
                let mut rollout = json!({"metadata": metadata::of_workload(u)?});
                rollout["spec"] = json!({"template": pod, "groups": groups});
                ("argoproj.io", "Rollout", rollout)
            }
            index => {
                let (group, kind, path) = WORKLOADS[index - 5];
                let mut workload = json!({"apiVersion": "v1", "kind": kind});
                workload["metadata"] = metadata::of_workload(u)?;
                let mut place = &mut workload;
                for step in path {
                    place = &mut place[*step];
                }
                *place = pod;
                (group, kind, workload)
            }
        };
        let old = object.clone();
        self.request = request(u, group, kind, object)?;
        if self.settings["authorization"]["mode"] == "ServiceAccountAndUser" {
            // Whoever asks is told who it is that lacks the permission.
            self.request["userInfo"] =
                json!({"username": text::name(u, &["jane"])?, "groups": ["ops"]});
        }
        if one_in(u, 3)? {
            self.request["operation"] = "UPDATE".into();
            self.request["oldObject"] = old;
            if u.arbitrary()? {
                broken::break_it(u, &mut self.request["oldObject"], PRIVATE)?;
            }
        }
        Ok(())
    }

    /// The payload of the call `validate`.
    pub fn payload(&self) -> Vec<u8> {
        json!({"request": self.request, "settings": self.settings})
            .to_string()
            .into_bytes()
    }

    /// The decision, made natively.
    pub fn review(&self) -> Decision {
        Decision::on(&self.payload(), &self.cluster())
    }

    /// The host's answer to a question for a permission.
    pub fn permission(&self) -> std::result::Result<Vec<u8>, String> {
        let error = || "connection reset by peer".to_owned();
        let is_allowed = self.permission.ok_or_else(error)?;
        Ok(json!({"allowed": is_allowed}).to_string().into_bytes())
    }

    /// The cluster around it.
    pub fn cluster(&self) -> Cluster {
        Cluster {
            service_account: self.service_account.clone(),
            permission: self.permission(),
            asked: RefCell::default(),
        }
    }

    /// The pod, or whatever is in its place.
    pub fn object(&self) -> &Value {
        &self.request["object"]
    }

    /// The same request with another object.
    pub fn with_object(&self, object: Value) -> Self {
        let mut case = self.clone();
        case.request["object"] = object;
        case
    }

    /// The same request when the settings and the ServiceAccount say something else of the identity.
    pub fn with_another_identity(&self, u: &mut Unstructured<'_>) -> Result<Self> {
        let mut case = self.clone();
        for name in [
            "layout",
            "alsoMountAs",
            "extraEnv",
            "audience",
            "azureTenantID",
        ] {
            if let Some(settings) = case.settings.as_object_mut() {
                settings.remove(name);
            }
        }
        case.settings["azureTenantID"] = text::one_of(u, &["other.example", "contoso.com"])?.into();
        settings::layout(u, &mut case.settings)?;
        settings::whole_pod(u, &mut case.settings)?;
        case.settings["mark"] = true.into();
        if let Some(account) = &mut case.service_account {
            let key = "azure.workload.identity/client-id";
            match u.int_in_range(0..=2)? {
                0 => {}
                1 => account["metadata"]["annotations"][key] = settings::OTHER_ID.into(),
                _ => {
                    if let Some(annotations) = account["metadata"]["annotations"].as_object_mut() {
                        annotations.remove(key);
                    }
                }
            }
        }
        Ok(case)
    }

    /// Adds the annotation that asks for the proxy.
    pub fn ask_for_proxy(&mut self) {
        let annotations = &mut self.request["object"]["metadata"]["annotations"];
        annotations["azure.workload.identity/inject-proxy-sidecar"] = "true".into();
    }
}

/// A mark that somebody wrote: with values and names that the pods of test cases have, or broken.
pub fn forged_mark(u: &mut Unstructured<'_>) -> Result<String> {
    let mut mark = json!({"env": {}, "mounts": {}, "containers": {}});
    for name in [
        "AZURE_CLIENT_ID",
        "AZURE_TENANT_ID",
        "AZURE_FEDERATED_TOKEN_FILE",
        "X",
    ] {
        text::maybe(u, 2, &mut mark["env"], name, |u| {
            let values = [
                metadata::CLIENT_ID,
                settings::OTHER_ID,
                metadata::TENANT_ID,
                "mine",
                "",
            ];
            Ok(text::one_of(u, &values)?.into())
        })?;
    }
    for path in [
        "/var/run/secrets/azure/tokens",
        "/var/run/secrets/tokens",
        "/data",
    ] {
        text::maybe(u, 2, &mut mark["mounts"], path, |u| {
            Ok(text::one_of(u, &["azure-identity-token", "volume-0", "volume-1"])?.into())
        })?;
    }
    for container in ["app-0", "app-1", "init-0", "late", "debug-0"] {
        text::maybe(u, 2, &mut mark["containers"], container, |u| {
            let kept: &[&str] = u.choose(&[&[][..], &["AZURE_CLIENT_ID"]])?;
            Ok(json!(kept))
        })?;
    }
    mark["volumes"] = json!(["azure-identity-token", "volume-0"]);
    mark["audience"] = "api://AzureADTokenExchange".into();
    mark["expirationSeconds"] = 3600.into();
    if one_in(u, 4)? {
        broken::break_it(u, &mut mark, "broken")?;
    }
    let mut text = mark.to_string();
    if one_in(u, 8)? {
        text.truncate(u.int_in_range(0..=text.len())?);
    }
    Ok(text)
}

/// A cluster with at most one ServiceAccount, which records the lookups.
pub struct Cluster {
    service_account: Option<Value>,
    permission: std::result::Result<Vec<u8>, String>,
    /// The lookups, in order.
    pub asked: RefCell<Vec<(String, String, Freshness)>>,
}

impl KubernetesApi for Cluster {
    fn service_account(
        &self,
        namespace: &str,
        name: &str,
        freshness: Freshness,
    ) -> std::result::Result<Vec<u8>, String> {
        let asked = (namespace.to_owned(), name.to_owned(), freshness);
        self.asked.borrow_mut().push(asked);
        answer(self.service_account.as_ref(), name)
    }

    fn can_i(&self, _: &str) -> std::result::Result<Vec<u8>, String> {
        self.permission.clone()
    }
}

/// The host's answer to a lookup of the ServiceAccount `name`: the one that exists, under that name, unless its own name is
/// broken.
pub fn answer(service_account: Option<&Value>, name: &str) -> std::result::Result<Vec<u8>, String> {
    let Some(mut object) = service_account.cloned() else {
        return Err(format!(
            "Cannot find v1/ServiceAccount named '{name}' inside of namespace 'Some(\"default\")'"
        ));
    };
    let own = object.pointer_mut("/metadata/name");
    if let Some(own) = own.filter(|own| metadata::NAMES.iter().any(|name| own == name)) {
        *own = name.into();
    }
    Ok(object.to_string().into_bytes())
}

/// The creation of an object.
fn request(u: &mut Unstructured<'_>, group: &str, kind: &str, object: Value) -> Result<Value> {
    let mut request = json!({
        "uid": "705ab4f5-6393-11e8-b7cc-42010a800002",
        "kind": {"group": group, "version": "v1", "kind": kind},
        "resource": {"group": group, "version": "v1", "resource": format!("{}s", kind.to_lowercase())},
        "name": object["metadata"]["name"].as_str().unwrap_or_default(),
        "namespace": "default",
        "operation": "CREATE",
        "userInfo": {"username": text::private(u)?},
        "object": object,
    });
    if u.arbitrary()? {
        request["dryRun"] = u.arbitrary::<bool>()?.into();
        request["options"] = json!({"apiVersion": "meta.k8s.io/v1", "kind": "CreateOptions"});
    }
    Ok(request)
}
