//! Why no federated identity credential matches a token.

use std::collections::BTreeSet;
use std::mem::discriminant;

use azure_workload_identity_policy::messages::Excerpt;
use azure_workload_identity_policy::values::DEFAULT_AUDIENCE;

use super::diagnosis::{Judgement, quoted};
use super::evidence::{Evidence, Pod};
use crate::commands::preview::names::shortened;
use crate::entra::comparison::{Comparison, Difference, Status, compare};
use crate::entra::credential::{Credential, Subject};
use crate::entra::existing::{Holders, tells_of_credentials};
use crate::entra::issuer::{is_in_cluster, is_nearly};
use crate::entra::refusal::{Part, Presented};
use crate::kubewarden::service_accounts::DEFAULT_ACCOUNT;

/// The audiences of other clouds than the public one.
const OTHER_AUDIENCES: [&str; 2] = [
    "api://AzureADTokenExchangeUSGov",
    "api://AzureADTokenExchangeChina",
];

/// The audience of AKS's identity bindings.
const BINDING_AUDIENCE: &str = "api://AKSIdentityBinding";

/// What writes the commands that make and mend credentials.
pub fn how(issuer: Option<&str>) -> String {
    let issuer = quoted(issuer.unwrap_or("ISSUER"), "ISSUER");
    format!(
        "azwi-policy credentials --issuer {issuer} --existing FILE -o az PATH writes the commands"
    )
}

/// An audience as messages name it.
fn shown_audience(audience: &str) -> String {
    let shown = Excerpt::new(audience);
    match OTHER_AUDIENCES.contains(&audience) {
        true => format!("{shown} (that of another cloud)"),
        false => shown.to_string(),
    }
}

/// Why no credential matches.
pub fn judge(part: Part, presented: &Presented, evidence: &Evidence) -> Judgement {
    of_issuer(presented, evidence)
        .or_else(|| of_subject(presented))
        .or_else(|| of_binding(presented))
        .or_else(|| of_credentials(part, presented, evidence))
        .or_else(|| of_account(presented, evidence))
        .or_else(|| of_audience(presented, evidence))
        .or_else(|| of_client(presented, evidence))
        .unwrap_or_else(|| next(part, presented, evidence))
}

/// Whether it is an issuer of Entra itself.
pub fn is_of_entra(issuer: &str) -> bool {
    let host = issuer.split('/').nth(2).unwrap_or_default();
    let hosts = [
        "login.microsoftonline.com",
        "login.microsoftonline.us",
        "login.partner.microsoftonline.cn",
        "login.windows.net",
        "login.microsoft.com",
        "sts.windows.net",
    ];
    hosts.iter().any(|known| host.eq_ignore_ascii_case(known))
}

/// What is said of a cluster without an issuer that Entra can reach.
pub fn in_cluster(issuer: &str) -> Judgement {
    Judgement::cause(
        "issuer-in-cluster",
        format!(
            "the cluster issues its tokens as {}, the Kubernetes API within the cluster, which Microsoft Entra ID cannot reach: \
             it has no OIDC issuer",
            Excerpt::new(issuer)
        ),
        &[
            "enable the OIDC issuer: az aks update --name CLUSTER --resource-group GROUP --enable-oidc-issuer; a cluster of your \
             own needs --service-account-issuer with a public https URL",
            "create the credential with the new issuer, and restart the pods",
        ],
    )
}

/// What is said of a token that Entra has made itself.
pub fn of_entra() -> Judgement {
    Judgement::cause(
        "entra-token",
        "the application presents a token of Microsoft Entra ID, not the one that Kubernetes has made for the pod: such a \
         token cannot be exchanged for that of another application or managed identity",
        &[
            "let the SDK read the file that AZURE_FEDERATED_TOKEN_FILE names, with WorkloadIdentityCredential",
            "give the application or managed identity that is wanted in the end a credential for the pod's ServiceAccount, instead \
             of a chain of identities",
        ],
    )
}

fn of_issuer(presented: &Presented, evidence: &Evidence) -> Option<Judgement> {
    let issuer = presented.issuer.as_deref()?;
    if is_in_cluster(issuer) {
        return Some(in_cluster(issuer));
    }
    if is_of_entra(issuer) {
        return Some(of_entra());
    }
    let own = evidence.issuer.as_deref().filter(|own| *own != issuer)?;
    let (found, expected) = (Excerpt::new(issuer), Excerpt::new(own));
    if is_nearly(issuer, own) {
        return Some(Judgement::cause(
            "issuer-spelling",
            format!(
                "the token's issuer is {found}, and that of --issuer is {expected}: they differ by {}",
                nearness(issuer, own)
            ),
            &[
                "the token is right: give its issuer to the letter, to the credential too",
                &how(Some(issuer)),
            ],
        ));
    }
    Some(Judgement::cause(
        "other-issuer",
        format!(
            "the token is of another issuer, {found}, than that of --issuer, {expected}: of another cluster, or of this one before \
             its issuer was changed"
        ),
        &[
            "create a credential for each cluster that the pod runs in",
            "restart the pods if the issuer was changed",
        ],
    ))
}

/// By what two texts differ that are nearly the same.
fn nearness(one: &str, other: &str) -> &'static str {
    let has_slash = |text: &str| text.ends_with('/');
    if has_slash(one) != has_slash(other) {
        "the final slash"
    } else if one.trim() != one || other.trim() != other {
        "white space"
    } else {
        "upper and lower case"
    }
}

fn of_subject(presented: &Presented) -> Option<Judgement> {
    let subject = presented.subject.as_deref()?;
    Subject::parse(subject).is_none().then(|| {
        Judgement::cause(
            "other-subject",
            format!(
                "the token is not that of a pod: its subject is {}, and not system:serviceaccount:NAMESPACE:NAME",
                Excerpt::new(subject)
            ),
            &["give the identity a credential with this issuer and subject, if this is the one that is to have it"],
        )
    })
}

fn of_binding(presented: &Presented) -> Option<Judgement> {
    (presented.audience.as_deref()? == BINDING_AUDIENCE).then(|| {
        Judgement::cause(
            "identity-binding",
            format!(
                "the token is for an identity binding of AKS (audience {}), and was sent to Microsoft Entra ID instead of AKS's \
                 own token endpoint: the SDK does not know of the binding",
                Excerpt::new(BINDING_AUDIENCE)
            ),
            &[
                "use WorkloadIdentityCredential, not DefaultAzureCredential, of a version that knows identity bindings, with the \
                 option that turns them on",
                "or remove annotation azure.workload.identity/use-identity-binding from the pod, and use a federated identity \
                 credential",
            ],
        )
    })
}

/// What the credentials that exist say.
fn of_credentials(part: Part, presented: &Presented, evidence: &Evidence) -> Option<Judgement> {
    if !tells_of_credentials(&evidence.holders) {
        return None;
    }
    let issuer = presented.issuer.as_deref().or(evidence.issuer.as_deref());
    let wanted = wanted(presented, evidence, issuer.unwrap_or_default());
    let holders = match issuer {
        Some(_) => evidence.holders.clone(),
        None => without_issuers(&evidence.holders),
    };
    let comparisons = compare(
        wanted,
        &holders,
        true,
        issuer.unwrap_or_default(),
        &BTreeSet::new(),
    );
    let mut found: Vec<(&Comparison, &Credential, &Status)> = Vec::new();
    for comparison in &comparisons {
        let wanted = comparison.wanted.iter();
        found.extend(wanted.map(|(credential, status)| (comparison, credential, status)));
    }
    let rank = |status: &Status| match status {
        Status::Differs { difference, .. } if is_about(part, difference) => 0,
        // It is another pod's, unless the error says whose the token is.
        Status::Differs { .. } if presented.subject.is_none() && part != Part::Any => 4,
        Status::Differs { .. } => 1,
        Status::Missing => 2,
        Status::Exists(_) => 3,
        Status::Unknown => 5,
    };
    found.sort_by_key(|(_, _, status)| rank(status));
    let (comparison, credential, status) = found.first()?;
    let client_id = &comparison.client_id;
    let holder = evidence.name_of(client_id);
    match status {
        Status::Unknown => None,
        Status::Exists(name) => Some(exists(name, &holder, presented)),
        Status::Missing => of_account(presented, evidence).or_else(|| {
            Some(Judgement::cause(
                "credential-missing",
                format!(
                    "{holder} has no credential for subject {}",
                    Excerpt::new(&credential.subject.to_string())
                ),
                &[
                    &format!("create it: {}", how(issuer)),
                    "a credential that was created a moment ago may take some minutes until Entra ID knows it everywhere: wait and \
                     try again",
                ],
            ))
        }),
        Status::Differs { name, difference } => {
            let of_account = of_account(presented, evidence);
            let of_account = of_account.filter(|_| !difference.is_mended_by_update());
            let like = found.iter().skip(1).filter_map(|(_, _, status)| match status {
                Status::Differs { name, difference: other } => {
                    (discriminant(other) == discriminant(difference)).then(|| Excerpt::new(name).to_string())
                }
                _ => None,
            });
            let like: BTreeSet<_> = like.filter(|other| *other != Excerpt::new(name).to_string()).collect();
            let like: Vec<_> = like.into_iter().collect();
            let judgement = of_account.unwrap_or_else(|| differs(name, &holder, credential, difference));
            Some(match like.as_slice() {
                [] => judgement,
                like => judgement.and(format!("the same is wrong with credential {}", shortened(like))),
            })
        }
    }
}

/// Whether a difference is of the part that an error names.
fn is_about(part: Part, difference: &Difference) -> bool {
    let own = match difference {
        Difference::Audience(_) => Part::Audience,
        Difference::IssuerNearly(_) | Difference::IssuerInCluster(_) | Difference::Issuer(_) => {
            Part::Issuer
        }
        Difference::Namespace(_) | Difference::SubjectNearly(_) => Part::Subject,
    };
    part == Part::Any || part == own
}

/// Credentials of which it counts as unknown which issuer they have.
fn without_issuers(holders: &Holders) -> Holders {
    let mut holders = holders.clone();
    let known = holders
        .values_mut()
        .flat_map(|holder| &mut holder.credentials);
    known
        .flatten()
        .for_each(|credential| credential.issuer = None);
    holders
}

/// The credentials that the token needs: those of all pods that may have presented it.
fn wanted(presented: &Presented, evidence: &Evidence, issuer: &str) -> Vec<Credential> {
    let subject = presented.subject.as_deref().and_then(Subject::parse);
    let client_id = presented.client_id.as_deref().map(str::to_lowercase);
    let is_meant = |pod: &&Pod| {
        subject
            .as_ref()
            .is_none_or(|subject| *subject == pod.account)
            && client_id
                .as_ref()
                .is_none_or(|own| pod.client_ids().contains(own))
    };
    let mut wanted = Vec::new();
    for pod in evidence.resolved().filter(is_meant) {
        let audience = pod
            .identity
            .resolved
            .as_ref()
            .map(|identity| identity.audience.as_str());
        let audience = presented.audience.as_deref().or(audience);
        for own in pod.client_ids() {
            if client_id.as_ref().is_none_or(|client_id| *client_id == own) {
                wanted.push(Credential {
                    client_id: own,
                    subject: pod.account.clone(),
                    audience: audience.unwrap_or(DEFAULT_AUDIENCE).to_owned(),
                    issuer: issuer.to_owned(),
                });
            }
        }
    }
    // The subject of a pod that is not among the manifests.
    if let (true, Some(subject)) = (wanted.is_empty(), subject) {
        let told = evidence
            .holders
            .iter()
            .filter(|(_, holder)| holder.credentials.is_some());
        let mut told = told.map(|(client_id, _)| client_id.clone());
        let only = told.next().filter(|_| told.next().is_none());
        wanted.extend(client_id.or(only).map(|client_id| {
            Credential {
                client_id,
                subject,
                audience: presented
                    .audience
                    .as_deref()
                    .unwrap_or(DEFAULT_AUDIENCE)
                    .to_owned(),
                issuer: issuer.to_owned(),
            }
        }));
    }
    wanted
}

/// What is said if the credential is there.
fn exists(name: &str, holder: &str, presented: &Presented) -> Judgement {
    let mut judgement = Judgement::unknown(&[&format!(
        "credential {} of {holder} is what the token needs; if it was created or changed a moment ago, it may take some minutes until \
         Entra ID knows it everywhere: wait and try again",
        Excerpt::new(name)
    )]);
    if presented.client_id.is_none() {
        judgement = judgement.and(
            "whether the pod asks with this client ID: kubectl get pod NAME -o yaml has AZURE_CLIENT_ID; a pod that was created before \
             its ServiceAccount was changed has the old one, until it is restarted",
        );
    }
    judgement
}

/// What is said of a credential that is nearly what the token needs.
fn differs(name: &str, holder: &str, wanted: &Credential, difference: &Difference) -> Judgement {
    let name = Excerpt::new(name);
    let how = how(Some(&wanted.issuer)
        .filter(|issuer| !issuer.is_empty())
        .map(String::as_str));
    let update = format!("update credential {name}: {how}");
    match difference {
        Difference::Audience(found) => {
            let listed: Vec<_> = found.iter().map(|one| shown_audience(one)).collect();
            Judgement::cause(
                "audience",
                format!(
                    "the token is for audience {}, and credential {name} of {holder} takes {}",
                    shown_audience(&wanted.audience),
                    listed.join(", ")
                ),
                &[
                    &update,
                    "or change the policy's setting audience, and restart the pods",
                ],
            )
        }
        Difference::IssuerNearly(found) => Judgement::cause(
            "issuer-spelling",
            format!(
                "the token's issuer is {}, and credential {name} of {holder} has {}: they differ by {}",
                Excerpt::new(&wanted.issuer),
                Excerpt::new(found),
                nearness(&wanted.issuer, found)
            ),
            &[&update],
        ),
        Difference::IssuerInCluster(found) => Judgement::cause(
            "credential-in-cluster",
            format!(
                "credential {name} of {holder} has issuer {}, the Kubernetes API within the cluster, and the token's is {}",
                Excerpt::new(found),
                Excerpt::new(&wanted.issuer)
            ),
            &[&update],
        ),
        Difference::Issuer(found) => Judgement::cause(
            "other-issuer",
            format!(
                "the token's issuer is {}, and credential {name} of {holder} is for the same ServiceAccount with issuer {}: that of \
                 another cluster, or of one that was made anew",
                Excerpt::new(&wanted.issuer),
                Excerpt::new(found)
            ),
            &[&format!("create a credential for this cluster: {how}")],
        ),
        Difference::Namespace(found) => Judgement::cause(
            "other-namespace",
            format!(
                "the token is that of ServiceAccount {}/{}, and credential {name} of {holder} is for the one in namespace {}",
                Excerpt::new(&wanted.subject.namespace).bare(),
                Excerpt::new(&wanted.subject.name).bare(),
                Excerpt::new(found)
            ),
            &[
                &format!("create a credential for this namespace: {how}"),
                "or run the pod in that namespace",
            ],
        ),
        Difference::SubjectNearly(found) => Judgement::cause(
            "subject-spelling",
            format!(
                "the token's subject is {}, and credential {name} of {holder} has {}: they differ by {}",
                Excerpt::new(&wanted.subject.to_string()),
                Excerpt::new(found),
                nearness(&wanted.subject.to_string(), found)
            ),
            &[&update],
        ),
    }
}

/// What is said of a pod that runs as `default`, unless that is meant to have an identity.
pub fn of_default(subject: &Subject, evidence: &Evidence) -> Option<Judgement> {
    if subject.name != DEFAULT_ACCOUNT || evidence.names_client_id(subject) {
        return None;
    }
    let others = evidence.accounts.iter();
    let others = others.filter(|(account, _)| account.namespace == subject.namespace);
    let others: Vec<_> = others.map(|(account, _)| account.name.clone()).collect();
    let pods = evidence.pods.iter().filter(|pod| pod.account == *subject);
    let pods: BTreeSet<_> = pods.map(|pod| pod.title.clone()).collect();
    let pods: Vec<_> = pods.into_iter().collect();
    let whose = match pods.as_slice() {
        [] => "the pod".to_owned(),
        pods => shortened(pods),
    };
    let name = match others.as_slice() {
        [] => "NAME".to_owned(),
        others => shortened(others),
    };
    Some(Judgement::cause(
        "default-service-account",
        format!(
            "{whose} runs as ServiceAccount \"default\" of namespace {}, as a pod template without serviceAccountName does",
            Excerpt::new(&subject.namespace)
        ),
        &[&format!(
            "set spec.serviceAccountName in the pod template: {name} (in a workload, spec.template.spec.serviceAccountName)"
        )],
    ))
}

/// What the name of the ServiceAccount and the manifests say.
fn of_account(presented: &Presented, evidence: &Evidence) -> Option<Judgement> {
    let subject = presented.subject.as_deref().and_then(Subject::parse)?;
    let of_default = of_default(&subject, evidence);
    let has_account = evidence.names_client_id(&subject);
    if of_default.is_some() {
        return of_default;
    }
    let is_there = has_account || evidence.pods.iter().any(|pod| pod.account == subject);
    if is_there {
        return None;
    }
    let same_name = evidence
        .resolved()
        .find(|pod| pod.account.name == subject.name);
    if let Some(pod) = same_name {
        return Some(Judgement::cause(
            "other-namespace",
            format!(
                "the token is that of ServiceAccount {}/{}, and the manifests have it in namespace {} ({})",
                Excerpt::new(&subject.namespace).bare(),
                Excerpt::new(&subject.name).bare(),
                Excerpt::new(&pod.account.namespace),
                pod.title
            ),
            &[
                "run the pod in that namespace, or create a credential for the one that it runs in",
                "-n NAMESPACE says which namespace manifests without one are for",
            ],
        ));
    }
    let in_namespace: Vec<_> = evidence
        .resolved()
        .filter(|pod| pod.account.namespace == subject.namespace)
        .collect();
    let pod = in_namespace.first()?;
    Some(Judgement::cause(
        "other-service-account",
        format!(
            "the token is that of ServiceAccount {}/{}, which no pod among the manifests has: {} has {}",
            Excerpt::new(&subject.namespace).bare(),
            Excerpt::new(&subject.name).bare(),
            pod.title,
            Excerpt::new(&pod.account.name)
        ),
        &[
            "if the pod was created before its ServiceAccount was changed, restart it: kubectl rollout restart",
            "else set serviceAccountName in its template, or create a credential for the one that it has",
        ],
    ))
}

fn of_audience(presented: &Presented, evidence: &Evidence) -> Option<Judgement> {
    let found = presented.audience.as_deref()?;
    let subject = presented.subject.as_deref().and_then(Subject::parse);
    let mut pods = evidence.resolved();
    let pod = pods.find(|pod| subject.as_ref().is_none_or(|own| *own == pod.account));
    let expected = pod.and_then(|pod| pod.identity.resolved.as_ref());
    let expected = expected.map_or(DEFAULT_AUDIENCE, |identity| &identity.audience);
    let (shown, wanted) = (shown_audience(found), shown_audience(expected));
    if found != expected {
        let from = if pod.is_some() {
            "and the policy gives pods one for"
        } else {
            "and credentials usually take"
        };
        return Some(Judgement::cause(
            "audience",
            format!("the token is for audience {shown}, {from} {wanted}"),
            &[
                "let the pod have the policy's token: a volume of its own, or a token that was asked for by hand, has the audience that is \
                 written there",
                "or give the credential this audience, if it is meant",
            ],
        ));
    }
    (found != DEFAULT_AUDIENCE).then(|| {
        Judgement::cause(
            "audience",
            format!(
                "the token is for audience {shown}, as the policy's setting audience says; a credential has {} unless it is made with \
                 another one",
                Excerpt::new(DEFAULT_AUDIENCE)
            ),
            &["give the credential this audience, or leave the setting out, and restart the pods"],
        )
    })
}

/// A client ID that is not the one of the manifests.
pub fn of_client(presented: &Presented, evidence: &Evidence) -> Option<Judgement> {
    let found = presented.client_id.as_deref()?;
    let subject = presented.subject.as_deref().and_then(Subject::parse);
    let pods = evidence.resolved();
    let pods = pods.filter(|pod| subject.as_ref().is_none_or(|own| *own == pod.account));
    let pods: Vec<_> = pods.filter(|pod| !pod.client_ids().is_empty()).collect();
    let client_ids: BTreeSet<_> = pods.iter().flat_map(|pod| pod.client_ids()).collect();
    if pods.is_empty() || client_ids.contains(&found.to_lowercase()) {
        return None;
    }
    let client_ids: Vec<_> = client_ids.into_iter().collect();
    Some(Judgement::cause(
        "other-client-id",
        format!(
            "the pod asked with client ID {}, and those of the manifests have {}: it was created before that was changed, or the \
             application has a client ID of its own",
            Excerpt::new(found),
            shortened(&client_ids)
        ),
        &[
            "restart the pod: kubectl rollout restart",
            "look for the client ID in the application's own configuration",
        ],
    ))
}

/// What to look at if nothing is known.
fn next(part: Part, presented: &Presented, evidence: &Evidence) -> Judgement {
    let mut judgement = Judgement::default();
    let named = |label: &str, value: &Option<String>| match value {
        Some(value) => format!("{label} {}", Excerpt::new(value)),
        None => format!("the {label}"),
    };
    let compared = match part {
        Part::Any => "issuer, subject and audience of the token".to_owned(),
        Part::Issuer => named("issuer", &presented.issuer),
        Part::Subject => named("subject", &presented.subject),
        Part::Audience => named("audience", &presented.audience),
    };
    if tells_of_credentials(&evidence.holders) {
        judgement = judgement.and(
            "whose credentials these should be: give the manifests, or CLIENT_ID=FILE for --existing",
        );
    } else {
        judgement = judgement
            .and(format!(
                "compare {compared} to the letter with the credentials that exist: az identity federated-credential list \
                 --identity-name NAME --resource-group GROUP, or az ad app federated-credential list --id CLIENT_ID"
            ))
            .and("give what they print with --existing FILE, and this program compares");
    }
    if evidence.pods.is_empty() {
        judgement = judgement.and("give the manifests of the pod and its ServiceAccount");
    }
    if evidence.issuer.is_none() && presented.issuer.is_none() {
        judgement = judgement.and("give the cluster's issuer with --issuer URL");
    }
    judgement.and(
        "a credential that was created a moment ago may take some minutes until Entra ID knows it everywhere",
    )
}
