//! What a preview tells of the identities of pods: which each gets, from where, and which containers have it.

use azure_workload_identity_policy::identity::{Source, Sourced};
use azure_workload_identity_policy::injection::TokenVolumeState;
use azure_workload_identity_policy::keys;
use azure_workload_identity_policy::review::Reason;
use azure_workload_identity_policy::values;
use serde_json::Value;

use super::outcome::{Kind, Preview, Reviewed};
use crate::commands::complaints::Complaint;
use crate::kubewarden::service_accounts::{DEFAULT_ACCOUNT, named_in};

/// A pod, and the identity that it gets or has.
#[derive(Debug, Clone, PartialEq)]
pub struct PodIdentity {
    /// The pod as messages name it; a workload that is rejected stands for its pods.
    pub title: String,
    /// Its ServiceAccount, by name.
    pub service_account: String,
    /// Whether it opts in, for a policy that is sent it.
    pub opts_in: bool,
    /// The identity that the policy resolves; `None` if the pod does not opt in, or is rejected before.
    pub resolved: Option<ResolvedIdentity>,
    /// Why the pod is rejected, if it is.
    pub rejection: Option<String>,
    /// Whether the pod is changed.
    pub is_mutated: bool,
    /// Its containers as they would be; none if they are not known.
    pub containers: Vec<ContainerIdentity>,
    /// Its containers as they come.
    pub own_containers: Vec<ContainerIdentity>,
}

/// The identity that the policy resolves for a pod.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResolvedIdentity {
    /// The client ID; `None` if the ServiceAccount names none.
    pub client_id: Option<Sourced<String>>,
    /// Whether the ServiceAccount is among the manifests, or is not needed; else its client ID is not known.
    pub is_account_known: bool,
    /// The tenant.
    pub tenant_id: Sourced<String>,
    /// The cloud's Entra endpoint.
    pub authority_host: String,
    /// The audience of the token.
    pub audience: String,
    /// Whether the token is for a custom token endpoint.
    pub is_for_token_endpoint: bool,
    /// Whether the pod has the token volume, as it should be.
    pub has_volume: bool,
}

/// What a container has of an identity.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContainerIdentity {
    /// Its name.
    pub name: String,
    /// Whether it is an init container.
    pub is_init: bool,
    /// The value of `AZURE_CLIENT_ID`.
    pub client_id: Option<Variable>,
    /// The value of `AZURE_TENANT_ID`.
    pub tenant_id: Option<Variable>,
    /// Whether it is told where the token is.
    pub has_token_file: bool,
    /// Whether it has a secret or certificate of an application as well, which SDKs take first.
    pub has_credential: bool,
}

/// The value of a variable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Variable {
    /// This one.
    Value(String),
    /// One that comes from elsewhere, such as a Secret.
    FromElsewhere,
}

impl PodIdentity {
    /// Whether a container gets the identity, or may, because the containers are not known.
    fn gets_identity(&self) -> bool {
        let has_any = self.containers.iter().any(ContainerIdentity::has_identity);
        let may = has_any || self.containers.is_empty();
        self.rejection.is_none() && self.resolved.is_some() && may
    }
}

impl ContainerIdentity {
    /// Whether it has the identity.
    pub fn has_identity(&self) -> bool {
        self.has_token_file
    }

    /// The client ID that it names, in lower case, if it is one.
    pub fn own_client_id(&self) -> Option<String> {
        match &self.client_id {
            Some(Variable::Value(value)) => values::client_id(value).ok().map(str::to_lowercase),
            _ => None,
        }
    }
}

/// Workloads that stand for themselves, whatever made them.
const STANDING: [&str; 5] = [
    "Deployment",
    "StatefulSet",
    "DaemonSet",
    "CronJob",
    "ReplicationController",
];

/// The variables by which a container has an application's own secret or certificate.
const CREDENTIALS: [&str; 2] = ["AZURE_CLIENT_SECRET", "AZURE_CLIENT_CERTIFICATE_PATH"];

impl Preview {
    /// The pods that the object is or would create, with their identities. A workload that is rejected stands for its pods.
    pub fn pod_identities(&self) -> impl Iterator<Item = PodIdentity> {
        let is_rejected_workload = self.reviews.len() == 1 && self.kind != "ServiceAccount";
        let reviews = self.reviews.iter();
        reviews
            .filter(move |reviewed| {
                reviewed.is_pod() || is_rejected_workload && reviewed.rejection().is_some()
            })
            .map(Reviewed::pod_identity)
    }

    /// What is rejected, warned about, held back or hinted at, if none of the object's `pods` gets an identity; each is an error or
    /// a warning. Nothing of ServiceAccounts.
    pub fn complaints_if_without(&self, pods: &[PodIdentity]) -> Vec<Complaint> {
        let has_any = pods.iter().any(PodIdentity::gets_identity);
        let is_account = self.kind == "ServiceAccount";
        let problems = self.problems.iter().filter(|_| !has_any && !is_account);
        problems
            .map(|problem| {
                let title = self.title();
                let text = match &problem.text {
                    text if text.starts_with(&title) => text.clone(),
                    text => format!("{title}: {text}"),
                };
                match problem.kind {
                    Kind::Rejection => Complaint::error(text),
                    _ => Complaint::warning(text),
                }
            })
            .collect()
    }

    /// Whether it is a pod that is over, or is about to be.
    pub fn is_over(&self) -> bool {
        let object = self.object();
        let phase = object.pointer("/status/phase").and_then(Value::as_str);
        let is_going = object.pointer("/metadata/deletionTimestamp").is_some();
        self.kind == "Pod" && (is_going || matches!(phase, Some("Succeeded" | "Failed")))
    }

    /// Whether it is a pod of a cluster that runs or is about to.
    pub fn runs(&self) -> bool {
        let paths = ["/spec/nodeName", "/status/phase"];
        let mut signs = paths.iter().map(|path| self.object().pointer(path));
        self.kind == "Pod" && !self.is_over() && signs.any(|sign| sign.is_some())
    }

    /// The object that controls it, by kind, namespace and name. A Deployment is known by the ReplicaSet of its pods.
    pub fn owner(&self) -> Option<(String, String, String)> {
        if STANDING.contains(&&*self.kind) {
            return None;
        }
        let object = self.object();
        let owners = object.pointer("/metadata/ownerReferences")?.as_array()?;
        let owner = owners
            .iter()
            .find(|owner| owner.get("controller").and_then(Value::as_bool) == Some(true))?;
        let kind = owner.get("kind")?.as_str()?;
        let name = owner.get("name")?.as_str()?;
        let labels = object.pointer("/metadata/labels");
        let hash = labels.and_then(|labels| labels.get("pod-template-hash"));
        let deployment = hash.and_then(Value::as_str).and_then(|hash| {
            let name = name.strip_suffix(hash)?.strip_suffix('-')?;
            (kind == "ReplicaSet").then_some(name)
        });
        let (kind, name) = match deployment {
            Some(name) => ("Deployment", name),
            None => (kind, name),
        };
        Some((kind.to_owned(), self.namespace.clone(), name.to_owned()))
    }

    /// The object as it comes.
    pub fn object(&self) -> &Value {
        self.reviews
            .first()
            .map_or(&Value::Null, |first| &first.object)
    }

    /// Whether the object or a pod that it would create has this annotation, with the value `true`.
    pub fn asks_for(&self, annotation: &str) -> bool {
        let mut objects = self.reviews.iter().map(|reviewed| &reviewed.object);
        objects.any(|object| {
            let metadata = object.get("metadata");
            let annotations = metadata.and_then(|metadata| metadata.get("annotations"));
            annotations.and_then(|annotations| annotations.get(annotation))
                == Some(&Value::from("true"))
        })
    }
}

impl Reviewed {
    /// Whether the object is a pod.
    fn is_pod(&self) -> bool {
        self.object.get("kind").is_some_and(|kind| kind == "Pod")
    }

    fn pod_identity(&self) -> PodIdentity {
        let rejection = self.rejection();
        let rejection = rejection.map(|answer| answer.response.message().unwrap_or_default());
        // The policy that injects has decided first.
        let mut decided = self.answers.iter().map(|answer| &answer.decision);
        let decision = decided.find(|decision| decision.opts_in());
        let reasons = decision.map_or(&[][..], |decision| &decision.reasons);
        let named = reasons.iter().find_map(|reason| match reason {
            Reason::ServiceAccount {
                name,
                is_looked_up,
                not_found,
                ..
            } => Some((name.as_str(), !is_looked_up || not_found.is_none())),
            _ => None,
        });
        let (service_account, is_known) = named.unwrap_or_else(|| {
            // Of a workload that is rejected, it is in the template.
            let paths = [
                "/spec/jobTemplate/spec/template/spec",
                "/spec/template/spec",
                "/spec",
            ];
            let mut specs = paths.iter().filter_map(|path| self.object.pointer(path));
            let named = specs.find_map(named_in).map(|(_, name)| name);
            (named.unwrap_or(DEFAULT_ACCOUNT), false)
        });
        let is_assumed = decision.is_some_and(|decision| decision.is_account_assumed);
        let resolved = reasons.iter().find_map(|reason| match reason {
            Reason::Identity {
                client_id,
                tenant_id,
                authority_host,
                audience,
                is_for_token_endpoint,
                volume_state,
                ..
            } => Some(ResolvedIdentity {
                client_id: client_id.clone(),
                is_account_known: is_known && !is_assumed,
                tenant_id: tenant_id.clone(),
                authority_host: authority_host.clone(),
                audience: audience.clone(),
                is_for_token_endpoint: *is_for_token_endpoint,
                has_volume: *volume_state == TokenVolumeState::Present,
            }),
            _ => None,
        });
        let pod = self
            .accepted_pod()
            .or(self.is_whole.then_some(&self.object));
        PodIdentity {
            title: self.title.clone(),
            service_account: service_account.to_owned(),
            opts_in: decision.is_some(),
            resolved,
            rejection: rejection.map(str::to_owned),
            is_mutated: self.is_mutated(),
            containers: pod.map(containers).unwrap_or_default(),
            own_containers: containers(&self.object),
        }
    }
}

/// What the containers of a pod have.
fn containers(pod: &Value) -> Vec<ContainerIdentity> {
    let of_list = |list: &str, is_init: bool| {
        let containers = pod.get("spec").and_then(|spec| spec.get(list));
        let containers = containers.and_then(Value::as_array).into_iter().flatten();
        let containers = containers.map(|container| container_identity(container, is_init));
        containers.collect::<Vec<_>>()
    };
    let mut all = of_list("initContainers", true);
    all.extend(of_list("containers", false));
    all
}

fn container_identity(container: &Value, is_init: bool) -> ContainerIdentity {
    let name = container.get("name").and_then(Value::as_str);
    let env = container.get("env").and_then(Value::as_array);
    let variable = |name: &str| {
        let mut named = env.into_iter().flatten();
        // Of several of one name, the last counts.
        let entry = named.rfind(|entry| entry.get("name").is_some_and(|own| own == name))?;
        let value = entry.get("value").and_then(Value::as_str);
        Some(match (value, entry.get("valueFrom")) {
            (_, Some(source)) if !source.is_null() => Variable::FromElsewhere,
            (value, _) => Variable::Value(value.unwrap_or_default().to_owned()),
        })
    };
    ContainerIdentity {
        name: name.unwrap_or_default().to_owned(),
        is_init,
        client_id: variable(keys::AZURE_CLIENT_ID),
        tenant_id: variable(keys::AZURE_TENANT_ID),
        has_token_file: variable(keys::AZURE_FEDERATED_TOKEN_FILE).is_some(),
        has_credential: CREDENTIALS.iter().any(|name| variable(name).is_some()),
    }
}

/// Where a value comes from, in words.
pub fn source_in_words(source: Source) -> String {
    match source {
        Source::Pod => "annotation of the pod".to_owned(),
        Source::ServiceAccount => "annotation of the ServiceAccount".to_owned(),
        Source::IdentityMap(index) => format!("setting identityMap[{index}]"),
        Source::Setting => "setting".to_owned(),
    }
}
