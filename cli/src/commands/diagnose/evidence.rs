//! What is known beside the error: manifests, the cluster's issuer, and what exists in Microsoft Entra ID.

use std::collections::BTreeSet;

use super::diagnosis::Fact;
use crate::commands::preview::names::shortened;
use crate::commands::preview::{PodIdentity, Preview, source_in_words};
use crate::entra::credential::Subject;
use crate::entra::existing::Holders;
use crate::entra::refusal::Presented;

/// A pod of the manifests.
#[derive(Debug, Clone)]
pub struct Pod {
    /// The object of the manifests that is or creates it, as messages name it.
    pub title: String,
    /// Its ServiceAccount.
    pub account: Subject,
    /// Its identity.
    pub identity: PodIdentity,
    /// What a preview says of it.
    pub problems: Vec<String>,
}

impl Pod {
    /// The client IDs that its containers ask with, in lower case.
    pub fn client_ids(&self) -> BTreeSet<String> {
        let resolved = self.identity.resolved.as_ref();
        let resolved = resolved.and_then(|identity| identity.client_id.as_ref());
        let resolved = resolved.map(|client_id| client_id.value.to_lowercase());
        let containers = self.identity.containers.iter();
        let own = containers
            .filter(|container| container.has_identity())
            .filter_map(|container| container.own_client_id());
        resolved.into_iter().chain(own).collect()
    }

    /// Its tenant, in lower case.
    pub fn tenant_id(&self) -> Option<String> {
        let resolved = self.identity.resolved.as_ref()?;
        Some(resolved.tenant_id.value.to_lowercase())
    }
}

/// What is known beside the error.
#[derive(Debug, Default)]
pub struct Evidence {
    /// The pods of the manifests.
    pub pods: Vec<Pod>,
    /// The ServiceAccounts among the manifests that name a client ID, each with it.
    pub accounts: Vec<(Subject, String)>,
    /// The cluster's issuer.
    pub issuer: Option<String>,
    /// What exists.
    pub holders: Holders,
}

impl Evidence {
    /// Adds what a preview says of an object.
    pub fn add(&mut self, preview: &Preview) {
        let pods = preview.pod_identities().map(|identity| Pod {
            title: preview.title(),
            account: Subject {
                namespace: preview.namespace.clone(),
                name: identity.service_account.clone(),
            },
            identity,
            problems: preview
                .problems
                .iter()
                .map(|problem| problem.text.clone())
                .collect(),
        });
        self.pods.extend(pods);
    }

    /// The pods that have an identity.
    pub fn resolved(&self) -> impl Iterator<Item = &Pod> {
        let pods = self.pods.iter();
        pods.filter(|pod| pod.identity.resolved.is_some())
    }

    /// Whether this ServiceAccount is among the manifests, and names a client ID.
    pub fn names_client_id(&self, subject: &Subject) -> bool {
        self.accounts.iter().any(|(account, _)| account == subject)
    }

    /// All client IDs of the manifests.
    pub fn client_ids(&self) -> BTreeSet<String> {
        let of_accounts = self.accounts.iter().map(|(_, client_id)| client_id.clone());
        let of_pods = self.resolved().flat_map(Pod::client_ids);
        of_accounts.chain(of_pods).collect()
    }

    /// What the pods that may have presented this should present.
    pub fn expected(&self, presented: &Presented) -> Vec<Fact> {
        let mut facts = Vec::new();
        let issuer = self.issuer.as_ref();
        facts.extend(issuer.map(|issuer| Fact::new("issuer", issuer).from("--issuer")));
        let subject = presented.subject.as_deref().and_then(Subject::parse);
        let pods = self.resolved();
        let all: Vec<_> = pods.filter(|pod| !pod.client_ids().is_empty()).collect();
        let with_subject = |pod: &&Pod| subject.as_ref().is_some_and(|own| *own == pod.account);
        let with_client_id = |pod: &&Pod| {
            let client_id = presented.client_id.as_ref();
            client_id.is_some_and(|own| pod.client_ids().contains(&own.to_lowercase()))
        };
        let mut pods: Vec<_> = all.iter().copied().filter(with_subject).collect();
        if pods.is_empty() && subject.is_none() {
            pods = all.iter().copied().filter(with_client_id).collect();
        }
        if pods.is_empty() {
            let accounts: BTreeSet<_> = all.iter().map(|pod| &pod.account).collect();
            pods = if accounts.len() == 1 { all } else { Vec::new() };
        }
        let Some(pod) = pods.first() else {
            return facts;
        };
        let alike = pods.iter().filter(|other| other.account == pod.account);
        let titles: BTreeSet<_> = alike.map(|pod| pod.title.clone()).collect();
        let titles: Vec<_> = titles.into_iter().collect();
        facts.push(Fact::new("subject", &pod.account.to_string()).from(shortened(&titles)));
        if let Some(resolved) = &pod.identity.resolved {
            let audience = if resolved.is_for_token_endpoint {
                "of the custom token endpoint"
            } else {
                "setting audience"
            };
            facts.push(Fact::new("audience", &resolved.audience).from(audience));
            if let Some(client_id) = &resolved.client_id {
                let source = source_in_words(client_id.source);
                facts.push(Fact::new("client ID", &client_id.value).from(source));
            }
            let tenant = &resolved.tenant_id;
            facts.push(Fact::new("tenant", &tenant.value).from(source_in_words(tenant.source)));
        }
        facts
    }

    /// The name of an application or managed identity for people.
    pub fn name_of(&self, client_id: &str) -> String {
        let holder = self.holders.get(client_id);
        match holder.and_then(|holder| holder.name()) {
            Some(name) => format!("{name} ({client_id})"),
            None => client_id.to_owned(),
        }
    }
}
