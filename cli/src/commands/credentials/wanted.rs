//! The credentials that the pods of manifests need.

use std::collections::{BTreeMap, BTreeSet};

use azure_workload_identity_policy::messages::Excerpt;
use azure_workload_identity_policy::values;

use crate::commands::complaints::Complaint;
use crate::commands::preview::{PodIdentity, Preview, ResolvedIdentity, source_in_words};
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
    issuer: &'i str,
    /// What uses each.
    pub uses: BTreeMap<Credential, Use>,
    /// What is wrong.
    pub complaints: Vec<Complaint>,
    /// What is good to know.
    pub notes: Vec<String>,
}

impl<'i> Wanted<'i> {
    /// None yet.
    pub fn new(issuer: &'i str) -> Self {
        Self {
            issuer,
            uses: BTreeMap::new(),
            complaints: Vec::new(),
            notes: Vec::new(),
        }
    }

    /// Adds those of one object.
    pub fn add(&mut self, preview: &Preview) {
        let asks_for_binding = |identity: &ResolvedIdentity| {
            identity.is_for_token_endpoint && preview.asks_for(BINDING)
        };
        for pod in preview.pod_identities().filter(|pod| pod.opts_in) {
            let title = preview.title();
            let account = format!("{}/{}", preview.namespace, pod.service_account);
            let account = Excerpt::new(&account);
            if let Some(reason) = &pod.rejection {
                let reason = reason.lines().next().unwrap_or_default();
                self.complain(Complaint::error(format!(
                    "{title} is rejected, so that the credential of ServiceAccount {account} is left out: {reason}"
                )));
                continue;
            }
            let Some(identity) = &pod.resolved else {
                continue;
            };
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
        let account = format!("{}/{}", subject.namespace, subject.name);
        let account = Excerpt::new(&account);
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
            .filter(|container| container.has_identity())
        {
            let own = container
                .own_client_id()
                .filter(|_| !container.has_credential);
            if let Some(own) = own {
                let own = credential(&own);
                if !credentials.iter().any(|(known, _)| *known == own) {
                    let name = Excerpt::new(&container.name);
                    credentials.push((own, format!("variable of container {name}")));
                }
            }
        }
        if credentials.is_empty() && complaint.is_none() {
            complaint = Some(Complaint::warning(format!(
                "ServiceAccount {account} names no client ID, so that its pods need no credential, and get no token from \
                 Microsoft Entra ID by themselves; help: annotate it with azure.workload.identity/client-id"
            )));
        }
        complaint
            .into_iter()
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
