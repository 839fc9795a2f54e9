//! Test cases made of bytes: admission requests, settings and ServiceAccounts, as clusters have them, and broken ones.
//!
//! Whoever runs out of bytes gets the plainest case, so that a failing case shrinks with its bytes. Properties feed
//! random bytes, fuzzing feeds bytes that reach new code.

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
use azure_workload_identity_policy::service_account::{Freshness, ServiceAccounts};
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

/// One admission request, and everything that its verdict may turn on.
#[derive(Clone, Debug)]
pub struct Case {
    /// The policy's settings.
    pub settings: Value,
    /// The AdmissionRequest.
    pub request: Value,
    /// What the host's cache has of the ServiceAccount; none where there is none.
    pub cached: Option<Value>,
    /// What the API server has of it.
    pub fresh: Option<Value>,
}

impl Case {
    /// The creation of a pod as clusters have it, most often one that opts in.
    pub fn pod(u: &mut Unstructured<'_>) -> Result<Self> {
        let service_account = metadata::service_account(u)?;
        let settings = settings::settings(u)?;
        let pod = pod::pod(u, &service_account)?;
        Ok(Self {
            request: request(u, "", "Pod", pod)?,
            settings,
            cached: Some(service_account.clone()),
            fresh: Some(service_account),
        })
    }

    /// Any request, on any object that the policy knows and some that it does not, of any quality.
    pub fn any(u: &mut Unstructured<'_>) -> Result<Self> {
        let mut case = Self::pod(u)?;
        if one_in(u, 4)? {
            case.become_another_kind(u)?;
        }
        if one_in(u, 2)? {
            broken::break_it(u, &mut case.request["object"], PRIVATE)?;
        }
        if one_in(u, 8)? {
            broken::break_it(u, &mut case.settings, "broken")?;
        }
        if one_in(u, 8)? {
            broken::break_it(u, &mut case.request, PRIVATE)?;
        }
        if one_in(u, 6)? {
            case.fresh = match u.int_in_range(0..=2)? {
                0 => None,
                1 => Some(metadata::service_account(u)?),
                _ => {
                    let mut broken = case.fresh.unwrap_or_default();
                    broken::break_it(u, &mut broken, PRIVATE)?;
                    Some(broken)
                }
            };
        }
        if one_in(u, 6)? {
            case.cached.clone_from(&case.fresh);
        }
        Ok(case)
    }

    /// Puts the pod into a workload, or another object into its place.
    fn become_another_kind(&mut self, u: &mut Unstructured<'_>) -> Result<()> {
        let pod = self.request["object"].take();
        let (group, kind, object) = match u.int_in_range(0..=WORKLOADS.len() + 2)? {
            0 => ("", "ServiceAccount", metadata::service_account(u)?),
            1 => ("", "ConfigMap", pod),
            2 => ("example.com", "Pod", pod),
            index => {
                let (group, kind, path) = WORKLOADS[index - 3];
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

    /// The cluster around it.
    pub fn cluster(&self) -> Cluster {
        let answer = |object: &Option<Value>| object.as_ref().map(|object| object.to_string());
        Cluster {
            cached: answer(&self.cached),
            fresh: answer(&self.fresh),
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

    /// Adds the annotation that asks for the proxy.
    pub fn ask_for_proxy(&mut self) {
        let annotations = &mut self.request["object"]["metadata"]["annotations"];
        annotations["azure.workload.identity/inject-proxy-sidecar"] = "true".into();
    }
}

/// A cluster with at most one ServiceAccount, which notes what it is asked.
pub struct Cluster {
    cached: Option<String>,
    fresh: Option<String>,
    /// What it was asked, in order.
    pub asked: RefCell<Vec<(String, String, Freshness)>>,
}

impl ServiceAccounts for Cluster {
    fn get(
        &self,
        namespace: &str,
        name: &str,
        freshness: Freshness,
    ) -> std::result::Result<Vec<u8>, String> {
        let asked = (namespace.to_owned(), name.to_owned(), freshness);
        self.asked.borrow_mut().push(asked);
        let object = match freshness {
            Freshness::Cached => &self.cached,
            Freshness::Fresh => &self.fresh,
        };
        object.clone().map(String::into_bytes).ok_or_else(|| {
            format!(
                "Cannot find v1/ServiceAccount named '{name}' inside of namespace 'Some({namespace:?})'"
            )
        })
    }
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
