//! The credentials that the pods of manifests need.

use std::collections::{BTreeMap, BTreeSet};

use azure_workload_identity_policy::keys;
use azure_workload_identity_policy::messages::Excerpt;
use azure_workload_identity_policy::values;

use crate::commands::complaints::Complaint;
use crate::commands::preview::names::title;
use crate::commands::preview::{
    ContainerIdentity, PodIdentity, Preview, ResolvedIdentity, Variable, source_in_words,
};
use crate::entra::credential::{Credential, Subject};

/// The annotation by which a pod asks for AKS's own token endpoint, behind the policy's prefix and `use-`.
const BINDING: &str = "azure.workload.identity/use-identity-binding";

/// What uses a credential.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Use {
    /// The tenants of the identity, of which there should be one.
    pub tenant_ids: BTreeSet<String>,
    /// Where the client ID comes from, in words.
    pub sources: BTreeSet<String>,
    /// The pods and workloads, as messages name them.
    pub objects: BTreeSet<String>,
}

/// Collects the credentials.
pub struct Wanted<'i> {
    /// The issuer of the cluster's tokens.
    pub issuer: &'i str,
    /// What uses each.
    pub uses: BTreeMap<Credential, Use>,
    /// What is wrong.
    pub complaints: Vec<Complaint>,
    /// What is good to know.
    pub notes: Vec<String>,
    /// The ServiceAccounts of pods that may need credentials of which nothing is known.
    pub spared: BTreeSet<Subject>,
}

impl<'i> Wanted<'i> {
    /// None yet.
    pub fn new(issuer: &'i str) -> Self {
        Self {
            issuer,
            uses: BTreeMap::new(),
            complaints: Vec::new(),
            notes: Vec::new(),
            spared: BTreeSet::new(),
        }
    }

    /// Adds those of one object.
    pub fn add(&mut self, preview: &Preview) {
        let asks_for_binding = |identity: &ResolvedIdentity| {
            identity.is_for_token_endpoint && preview.asks_for(BINDING)
        };
        let pods: Vec<_> = preview.pod_identities().collect();
        let complaints = preview.complaints_if_without(&pods);
        let is_complained_of = !complaints.is_empty();
        for complaint in complaints {
            self.complain(complaint);
        }
        let title = match preview.owner() {
            Some((kind, namespace, name)) => title(&kind, &namespace, &name),
            None => preview.title(),
        };
        for pod in pods {
            let subject = Subject {
                namespace: preview.namespace.clone(),
                name: pod.service_account.clone(),
            };
            let account = format!("{}/{}", subject.namespace, subject.name);
            let account = Excerpt::new(&account);
            let account = account.bare();
            if pod.rejection.is_some() {
                let complaint = Complaint::error(format!(
                    "{title} is rejected, so that the credential of ServiceAccount {account} is left out"
                ));
                if pod.opts_in {
                    self.complain(complaint);
                }
                self.spared.insert(subject);
                continue;
            }
            let Some(identity) = &pod.resolved else {
                // It brings its own, or is meant to get one.
                let has_own = pod.containers.iter().any(ContainerIdentity::has_identity);
                if has_own || is_complained_of {
                    self.spared.insert(subject);
                }
                continue;
            };
            if !identity.is_account_known {
                self.spared.insert(subject);
            }
            if asks_for_binding(identity) {
                self.note(format!(
                    "ServiceAccount {account}: its pods use an identity binding, whose one credential AKS makes for the whole \
                     identity: az aks identity-binding create"
                ));
                continue;
            }
            let credentials = self.credentials(preview, &pod, identity);
            for (credential, source) in credentials {
                let entry = self.uses.entry(credential).or_default();
                entry
                    .tenant_ids
                    .insert(identity.tenant_id.value.to_lowercase());
                entry.sources.insert(source);
                entry.objects.insert(title.clone());
            }
        }
    }

    /// The credentials that a pod needs, each with where its client ID comes from.
    fn credentials(
        &mut self,
        preview: &Preview,
        pod: &PodIdentity,
        identity: &ResolvedIdentity,
    ) -> Vec<(Credential, String)> {
        let subject = Subject {
            namespace: preview.namespace.clone(),
            name: pod.service_account.clone(),
        };
        let credential = |client_id: &str| Credential {
            client_id: client_id.to_lowercase(),
            subject: subject.clone(),
            audience: identity.audience.clone(),
            issuer: self.issuer.to_owned(),
        };
        let mut credentials = Vec::new();
        let mut complaint = None;
        let mut others = Vec::new();
        let title = preview.title();
        let account = format!("{}/{}", subject.namespace, subject.name);
        let account = Excerpt::new(&account);
        let account = account.bare();
        match &identity.client_id {
            Some(client_id) => match values::client_id(&client_id.value) {
                Ok(value) => {
                    let source = source_in_words(client_id.source);
                    credentials.push((credential(value), source));
                }
                Err(malformed) => {
                    let found = Excerpt::new(&client_id.value);
                    complaint = Some(Complaint::error(format!(
                        "ServiceAccount {account}: expected {}, found {found}, so that its credential is left out",
                        malformed.expected
                    )));
                }
            },
            None if !identity.is_account_known => {
                complaint = Some(Complaint::warning(format!(
                    "ServiceAccount {account} is not among the manifests, so that its client ID is not known; help: add its manifest"
                )));
            }
            None => {}
        }
        for container in pod
            .containers
            .iter()
            .filter(|container| container.has_identity() && !container.has_credential)
        {
            let name = Excerpt::new(&container.name);
            let own = match &container.client_id {
                Some(Variable::Value(own)) => values::client_id(own)
                    .err()
                    .map(|_| Excerpt::new(own).to_string()),
                Some(Variable::FromElsewhere) => Some("a value from elsewhere".to_owned()),
                None => None,
            };
            let is_of_account = match (&container.client_id, &identity.client_id) {
                (Some(Variable::Value(own)), Some(client_id)) => *own == client_id.value,
                _ => false,
            };
            if let Some(found) = own.filter(|_| !is_of_account) {
                others.push(Complaint::warning(format!(
                    "{title}: container {name}: expected AZURE_CLIENT_ID to be a UUID, found {found}, so that its credential is not known"
                )));
            }
            let own = container.own_client_id();
            if let Some(own) = own {
                let own = credential(&own);
                if !credentials.iter().any(|(known, _)| *known == own) {
                    credentials.push((own, format!("variable of container {name}")));
                }
            }
        }
        if credentials.is_empty() && complaint.is_none() {
            complaint = Some(Complaint::warning(format!(
                "ServiceAccount {account} names no client ID, so that its pods need no credential, and get no token from \
                 Microsoft Entra ID by themselves; help: annotate it with {}",
                keys::CLIENT_ID
            )));
        }
        complaint
            .into_iter()
            .chain(others)
            .for_each(|complaint| self.complain(complaint));
        credentials
    }

    fn complain(&mut self, complaint: Complaint) {
        if !self.complaints.contains(&complaint) {
            self.complaints.push(complaint);
        }
    }

    fn note(&mut self, note: String) {
        if !self.notes.contains(&note) {
            self.notes.push(note);
        }
    }
}
