//! What is behind an error, by what it says and what else is known.

use std::collections::{BTreeMap, BTreeSet};

use azure_workload_identity_policy::messages::Excerpt;
use azure_workload_identity_policy::values;
use jiff::Timestamp;

use super::diagnosis::{Diagnosis, Fact, Judgement, quoted};
use super::evidence::{Evidence, Pod};
use super::federation;
use crate::commands::preview::names::shortened;
use crate::commands::preview::source_in_words;
use crate::entra::refusal::{Kind, Part, Presented, Refusal};

/// What is behind an error.
pub fn diagnose(refusal: Refusal, evidence: &Evidence) -> Diagnosis {
    let Refusal {
        kind,
        name,
        presented,
        others,
    } = refusal;
    Diagnosis {
        error: name,
        meaning: kind.meaning().to_owned(),
        presented: facts(&presented),
        expected: match kind {
            Kind::Forbidden | Kind::Person | Kind::Unavailable => Vec::new(),
            _ => evidence.expected(&presented),
        },
        judgement: judge(kind, &presented, evidence),
        others,
    }
}

/// What was presented, for people.
fn facts(presented: &Presented) -> Vec<Fact> {
    let Presented {
        issuer,
        subject,
        audience,
        client_id,
        tenant_id,
        token_file,
        time,
        not_before,
        expires,
        resource,
        object_id,
        action,
        scope,
    } = presented;
    let facts = [
        ("issuer", issuer),
        ("subject", subject),
        ("audience", audience),
        ("client ID", client_id),
        ("tenant", tenant_id),
        ("token file", token_file),
        ("presented at", time),
        ("valid from", not_before),
        ("valid until", expires),
        ("resource", resource),
        ("object ID", object_id),
        ("action", action),
        ("scope", scope),
    ];
    let known = facts.into_iter();
    known
        .filter_map(|(label, value)| Some(Fact::new(label, value.as_ref()?)))
        .collect()
}

fn judge(kind: Kind, presented: &Presented, evidence: &Evidence) -> Judgement {
    match kind {
        Kind::NoMatch(part) => federation::judge(part, presented, evidence),
        Kind::CaseDiffers => case_differs(presented, evidence),
        Kind::NoCredentials => no_credentials(presented, evidence),
        Kind::EntraToken => federation::of_entra(),
        Kind::UnknownApplication => unknown_application(presented, evidence),
        Kind::UnknownTenant => unknown_tenant(presented, evidence),
        Kind::OutsideTime => outside_time(presented),
        Kind::IssuerUnreachable => unreachable_issuer(presented, evidence),
        Kind::ClientSecret => client_secret(evidence),
        Kind::Forbidden => forbidden(presented),
        Kind::UnsetClientId
        | Kind::UnsetTenantId
        | Kind::UnsetTokenFile
        | Kind::Unset
        | Kind::NoTokenFile
        | Kind::NoClientId
        | Kind::NoAssertion
        | Kind::ManagedIdentity => not_configured(kind, presented, evidence),
        Kind::LongLived
        | Kind::DisabledApplication
        | Kind::OtherCloud
        | Kind::BadSignature
        | Kind::KeysUnreadable
        | Kind::ConditionalAccess
        | Kind::UnknownResource
        | Kind::NoConsent
        | Kind::Person
        | Kind::Throttled
        | Kind::Unavailable
        | Kind::UnreadableTokenFile
        | Kind::NoNetwork => plain(kind),
    }
}

/// Errors that say themselves what the cause is.
fn plain(kind: Kind) -> Judgement {
    match kind {
        Kind::LongLived => long_lived(),
        Kind::DisabledApplication => Judgement::cause(
            "application-disabled",
            "somebody has disabled the application in this tenant",
            &["let it be enabled: az ad sp update --id CLIENT_ID --set accountEnabled=true"],
        ),
        Kind::OtherCloud => Judgement::cause(
            "other-cloud",
            "the pod asks the cloud that the setting azureEnvironment or azureAuthorityHost names, and the application is in another one",
            &["set azureEnvironment to the cloud that the tenant is in, and restart the pods"],
        ),
        Kind::BadSignature => Judgement::cause(
            "signing-key",
            "the issuer publishes other keys than the one that the token is signed with: they were changed, or another cluster has \
             this issuer",
            &[
                "compare the keys at ISSUER/openid/v1/jwks with those of the cluster: kubectl get --raw /openid/v1/jwks",
                "publish all keys that the API server signs with, also the old one while tokens of it are valid; Entra ID reads new ones \
                 within minutes to hours",
                "if the application has a certificate of its own, it is that one which Entra ID does not know",
            ],
        ),
        Kind::KeysUnreadable => Judgement::cause(
            "issuer-keys",
            "ISSUER/openid/v1/jwks holds something else than keys that Entra ID can read",
            &["publish what kubectl get --raw /openid/v1/jwks prints, as it is"],
        ),
        Kind::ConditionalAccess => Judgement::cause(
            "conditional-access",
            "a Conditional Access policy for workload identities blocks this one: because of where the pod's requests come from, or of \
             a risk",
            &[
                "the sign-in logs of service principals in Microsoft Entra ID name the policy",
                "let its administrator add the cluster's outbound addresses to a named location, or exclude the identity",
            ],
        ),
        Kind::UnknownResource => Judgement::cause(
            "unknown-resource",
            "the scope that the application asks for names a resource that the tenant does not have: it is misspelt, or the tenant is not \
             the right one",
            &[
                "ask for a scope such as https://vault.azure.net/.default, which ends in /.default",
                "az ad sp list --filter \"appId eq 'APPLICATION_ID'\" tells whether the tenant has it",
            ],
        ),
        Kind::NoConsent => Judgement::cause(
            "no-consent",
            "the application asks for permissions that nobody has consented to",
            &[
                "let an administrator consent: az ad app permission admin-consent --id CLIENT_ID",
                "a pod needs application permissions (app roles) and a scope that ends in /.default; delegated ones are for people",
            ],
        ),
        Kind::Person => Judgement::cause(
            "person",
            "the application signs a person in, with a browser, a password or what is cached, instead of presenting the pod's token",
            &[
                "use WorkloadIdentityCredential, or DefaultAzureCredential without AZURE_USERNAME and AZURE_PASSWORD",
            ],
        ),
        Kind::Throttled => Judgement::cause(
            "throttled",
            "the identity asks for tokens, or uses the resource, too often",
            &[
                "keep one credential object for the life of the process: the SDKs keep its access token until shortly before it expires",
                "wait as long as the header Retry-After says, and try again",
            ],
        ),
        Kind::UnreadableTokenFile => Judgement::cause(
            "token-file-permission",
            "the process runs as a user that may not read the file",
            &[
                "let the container run as that user from the start (runAsUser), or name a group (fsGroup) in the pod's securityContext",
            ],
        ),
        Kind::NoNetwork => Judgement::cause(
            "no-network",
            "the name or the address of login.microsoftonline.com is not reached from the pod: DNS, a firewall or a NetworkPolicy",
            &[
                "let the pod reach the authority host that AZURE_AUTHORITY_HOST names, on port 443, and the cluster's DNS",
            ],
        ),
        // The rest passes by itself.
        _ => Judgement::cause(
            "unavailable",
            "Microsoft Entra ID could not answer, whatever was presented",
            &[
                "wait and try again",
                "look at https://azure.status.microsoft if it lasts",
            ],
        ),
    }
}

/// What is said of a token that is valid for more than a day.
pub fn long_lived() -> Judgement {
    Judgement::cause(
        "long-lived-token",
        "the application reads another token than the one for Microsoft Entra ID: that of the Kubernetes API, or one of a Secret",
        &[
            "let it read the file that AZURE_FEDERATED_TOKEN_FILE names, not /var/run/secrets/kubernetes.io/serviceaccount/token",
        ],
    )
}

fn case_differs(presented: &Presented, evidence: &Evidence) -> Judgement {
    let judgement = federation::judge(Part::Subject, presented, evidence);
    if judgement.cause.is_some() {
        return judgement;
    }
    let part = presented
        .subject
        .as_ref()
        .map(|subject| format!(" {}", Excerpt::new(subject)));
    Judgement::cause(
        "subject-spelling",
        format!(
            "a credential of the identity has the token's subject{} in other letters: Entra ID tells upper from lower case",
            part.unwrap_or_default()
        ),
        &["update the credential: names of namespaces and ServiceAccounts are in lower case"],
    )
}

fn no_credentials(presented: &Presented, evidence: &Evidence) -> Judgement {
    let client_id = presented.client_id.as_deref().map(str::to_lowercase);
    let only = Some(evidence.client_ids()).filter(|all| all.len() == 1);
    let is_client_id = |text: &String| values::client_id(text).is_ok();
    let client_id = client_id
        .filter(is_client_id)
        .or(only.and_then(|all| all.first().cloned()));
    let holder = client_id
        .as_ref()
        .and_then(|client_id| evidence.holders.get(client_id));
    let credentials = holder.and_then(|holder| holder.credentials.as_ref());
    if let (Some(credentials), Some(client_id)) =
        (credentials.filter(|all| !all.is_empty()), &client_id)
    {
        return Judgement::unknown(&[&format!(
            "{} holds {} by now: wait some minutes until Entra ID knows them everywhere, and try again",
            evidence.name_of(client_id),
            match credentials.len() {
                1 => "1 credential".to_owned(),
                count => format!("{count} credentials"),
            }
        )]);
    }
    if let Some(judgement) = federation::of_client(presented, evidence) {
        return judgement;
    }
    let whose = match (&client_id, &presented.client_id) {
        (Some(client_id), _) => evidence.name_of(client_id),
        (None, Some(name)) => Excerpt::new(name).to_string(),
        (None, None) => "the application or managed identity".to_owned(),
    };
    Judgement::cause(
        "no-credentials",
        format!(
            "{whose} has never been given a federated identity credential, or is not the one that has it"
        ),
        &[
            &format!("create it: {}", federation::how(evidence.issuer.as_deref())),
            "if another identity has one, annotate the ServiceAccount with the client ID of that one",
        ],
    )
}

/// Where a client ID or a tenant of the manifests comes from.
fn places(evidence: &Evidence, is_meant: impl Fn(&Pod) -> Option<String>) -> String {
    let places: BTreeSet<String> = evidence.resolved().filter_map(is_meant).collect();
    let places: Vec<_> = places.into_iter().collect();
    match places.as_slice() {
        [] => String::new(),
        places => format!(" (from {})", shortened(places)),
    }
}

/// Where this client ID comes from.
fn place_of_client(evidence: &Evidence, client_id: &str) -> String {
    places(evidence, |pod| {
        let resolved = pod.identity.resolved.as_ref()?.client_id.as_ref()?;
        let is_it = resolved.value.eq_ignore_ascii_case(client_id);
        let account = &pod.account;
        is_it.then(|| {
            format!(
                "{} {}/{}",
                source_in_words(resolved.source),
                Excerpt::new(&account.namespace).bare(),
                Excerpt::new(&account.name).bare()
            )
        })
    })
}

/// Where this tenant comes from.
fn place_of_tenant(evidence: &Evidence, tenant_id: &str) -> String {
    places(evidence, |pod| {
        let resolved = &pod.identity.resolved.as_ref()?.tenant_id;
        let is_it = resolved.value.eq_ignore_ascii_case(tenant_id);
        is_it.then(|| format!("{} of {}", source_in_words(resolved.source), pod.title))
    })
}

fn unknown_application(presented: &Presented, evidence: &Evidence) -> Judgement {
    let Some(found) = presented.client_id.as_deref() else {
        return Judgement::unknown(&[
            "the error does not repeat the client ID: compare AZURE_CLIENT_ID and AZURE_TENANT_ID of the container with what az ad sp \
             show --id CLIENT_ID prints",
        ]);
    };
    let shown = Excerpt::new(found);
    let from = place_of_client(evidence, found);
    if let Err(malformed) = values::client_id(found) {
        let hint = malformed
            .hint
            .unwrap_or("use the clientId that az identity show prints");
        return Judgement::cause(
            "no-client-id",
            format!(
                "{shown}{from} is no client ID: expected {}",
                malformed.expected
            ),
            &[hint],
        );
    }
    let lower = found.to_lowercase();
    for (client_id, holder) in &evidence.holders {
        let whose = holder.name().unwrap_or(client_id);
        let what = if holder.principal_id.as_deref() == Some(&lower) {
            "principalId"
        } else if holder
            .object_id
            .as_deref()
            .is_some_and(|id| id.eq_ignore_ascii_case(found))
        {
            "object ID"
        } else {
            continue;
        };
        return Judgement::cause(
            "object-id",
            format!("{shown}{from} is the {what} of {whose}, not its client ID"),
            &[&format!("use its client ID: {client_id}")],
        );
    }
    let tenant = presented.tenant_id.as_deref();
    if tenant.is_some_and(|tenant| tenant.eq_ignore_ascii_case(found)) {
        return Judgement::cause(
            "tenant-as-client-id",
            format!("{shown}{from} is the tenant's ID, not a client ID"),
            &["use the clientId that az identity show prints"],
        );
    }
    let asked = tenant.filter(|tenant| values::client_id(tenant).is_ok());
    if let Some(holder) = evidence.holders.get(&lower) {
        let asked = asked.map(str::to_lowercase);
        let asked = asked.or_else(|| {
            evidence
                .resolved()
                .find(|pod| pod.client_ids().contains(&lower))?
                .tenant_id()
        });
        return match (&holder.tenant_id, asked) {
            (Some(own), Some(asked)) if *own != asked => Judgement::cause(
                "wrong-tenant",
                format!(
                    "{} is in tenant {own}, and the pod asks tenant {asked}{}",
                    evidence.name_of(&lower),
                    place_of_tenant(evidence, &asked)
                ),
                &[&format!(
                    "set annotation azure.workload.identity/tenant-id of the ServiceAccount, or the setting azureTenantID, to {own}"
                )],
            ),
            _ => Judgement::unknown(&[
                &format!(
                    "{} exists, by --existing: it was created a moment ago, or deleted since",
                    evidence.name_of(&lower)
                ),
                &format!("az ad sp show --id {found} tells whether the tenant has it"),
            ]),
        };
    }
    if let Some(judgement) = federation::of_client(presented, evidence) {
        return judgement;
    }
    let known: Vec<_> = evidence
        .holders
        .keys()
        .map(|client_id| evidence.name_of(client_id))
        .collect();
    if !known.is_empty() {
        return Judgement::cause(
            "unknown-client-id",
            format!(
                "{shown}{from} is none of the client IDs that --existing tells of: {}",
                shortened(&known)
            ),
            &[
                "if the identity was made anew, it has a new client ID: annotate the ServiceAccount with it, and restart the pods",
            ],
        );
    }
    let other_tenant = |pod: &Pod| {
        let own = pod.tenant_id()?;
        let asked = asked?;
        let is_other = pod.client_ids().contains(&lower)
            && values::client_id(&own).is_ok()
            && !own.eq_ignore_ascii_case(asked);
        is_other.then_some((own, pod.title.clone()))
    };
    if let (Some((own, title)), Some(asked)) = (evidence.resolved().find_map(other_tenant), asked) {
        return Judgement::cause(
            "wrong-tenant",
            format!(
                "the pod asked tenant {asked}, and {title} is to ask {own}: it was created before that was changed"
            ),
            &["restart the pod: kubectl rollout restart"],
        );
    }
    Judgement::unknown(&[
        "whether it is the client ID: an object ID or principal ID looks the same; az identity list and az ad app list, given with \
         --existing FILE, tell them apart",
        &format!("whether it is in the tenant: az ad sp show --id {found}"),
        "whether the tenant is the right one: annotation tenant-id on the ServiceAccount, else the setting azureTenantID",
    ])
}

fn unknown_tenant(presented: &Presented, evidence: &Evidence) -> Judgement {
    let Some(found) = presented.tenant_id.as_deref() else {
        return Judgement::unknown(&[
            "the error does not repeat the tenant: compare AZURE_TENANT_ID of the container with what az account show --query tenantId \
             prints",
        ]);
    };
    let shown = Excerpt::new(found);
    let from = place_of_tenant(evidence, found);
    let lower = found.to_lowercase();
    if evidence.client_ids().contains(&lower) || evidence.holders.contains_key(&lower) {
        return Judgement::cause(
            "client-id-as-tenant",
            format!("{shown}{from} is a client ID, not a tenant"),
            &["use what az account show --query tenantId prints"],
        );
    }
    let tenants: BTreeSet<_> = evidence
        .holders
        .values()
        .filter_map(|holder| holder.tenant_id.clone())
        .collect();
    let tenants: Vec<_> = tenants.into_iter().collect();
    let use_this = match tenants.as_slice() {
        [] => "use what az account show --query tenantId prints: in annotation tenant-id of the ServiceAccount, else in the setting \
               azureTenantID"
            .to_owned(),
        tenants => format!(
            "use the tenant of the identities in --existing: {}; in annotation tenant-id of the ServiceAccount, else in the setting \
             azureTenantID",
            shortened(tenants)
        ),
    };
    Judgement::cause(
        "unknown-tenant",
        format!(
            "{shown}{from} is no tenant of the cloud that is asked: it is misspelt, or in another cloud"
        ),
        &[
            &use_this,
            "a tenant of another cloud needs the setting azureEnvironment",
        ],
    )
}

fn outside_time(presented: &Presented) -> Judgement {
    let time = |text: &Option<String>| text.as_ref()?.parse::<Timestamp>().ok();
    let now = time(&presented.time);
    match (now, time(&presented.not_before), time(&presented.expires)) {
        (Some(now), Some(not_before), _) if now < not_before => not_yet_valid(),
        (Some(now), _, Some(expires)) if now >= expires => expired(),
        _ => Judgement::unknown(&[
            "whether the token is an old one: the application must read the file again each time; current Azure SDKs do",
            "whether the clock of the node is right",
            "azwi-policy diagnose --token FILE compares the times of the token that the pod has now",
        ]),
    }
}

/// What is said of an error because a token has expired.
fn expired() -> Judgement {
    Judgement::cause(
        "expired-token",
        "the application presents an old token: the kubelet writes a new one into the file long before the old one expires",
        &[
            "let the application read the file again each time; current Azure SDKs do",
            "until then, restart the pod: kubectl rollout restart",
        ],
    )
}

/// What is said of a token that is not valid yet.
pub fn not_yet_valid() -> Judgement {
    Judgement::cause(
        "clock",
        "the token is valid from a later time on: the clock of the API server, which issues it, is ahead",
        &["set the clocks of the control plane and of the nodes by NTP"],
    )
}

fn unreachable_issuer(presented: &Presented, evidence: &Evidence) -> Judgement {
    let issuer = presented.issuer.as_deref().or(evidence.issuer.as_deref());
    let issuer = issuer.unwrap_or("ISSUER").trim_end_matches('/');
    let [configuration, keys] = [".well-known/openid-configuration", "openid/v1/jwks"]
        .map(|path| quoted(&format!("{issuer}/{path}"), "ISSUER"));
    Judgement::cause(
        "issuer-unreachable",
        "the cluster's issuer does not answer from the internet, which Entra ID reads its keys from",
        &[
            &format!("both must answer from outside: curl {configuration} and curl {keys}"),
            "if it is new or was restarted a moment ago, wait some minutes and try again",
        ],
    )
}

fn client_secret(evidence: &Evidence) -> Judgement {
    let mut containers = BTreeSet::new();
    for pod in &evidence.pods {
        for container in pod
            .identity
            .containers
            .iter()
            .filter(|container| container.has_credential)
        {
            containers.insert(format!(
                "container {} of {}",
                Excerpt::new(&container.name),
                pod.title
            ));
        }
    }
    let containers: Vec<_> = containers.into_iter().collect();
    let whose = match containers.as_slice() {
        [] => "the application".to_owned(),
        containers => shortened(containers),
    };
    Judgement::cause(
        "client-secret",
        format!("{whose} presents a client secret, which SDKs take before the pod's token"),
        &[
            "remove AZURE_CLIENT_SECRET, and secrets in the application's own configuration: with workload identity it needs none",
        ],
    )
}

fn forbidden(presented: &Presented) -> Judgement {
    let assignee = presented
        .object_id
        .as_deref()
        .or(presented.client_id.as_deref());
    let assignee = quoted(assignee.unwrap_or("CLIENT_ID"), "CLIENT_ID");
    let scope = presented
        .scope
        .as_deref()
        .filter(|scope| scope.starts_with('/'));
    Judgement::cause(
        "role-missing",
        "nothing is wrong with the token: the identity has no role assignment that allows this, on this resource or above it",
        &[
            &format!("see what it has: az role assignment list --assignee {assignee} --all"),
            &format!(
                "assign a role: az role assignment create --assignee {assignee} --role ROLE --scope {}",
                quoted(scope.unwrap_or("RESOURCE_ID"), "RESOURCE_ID")
            ),
            "a role that was assigned a moment ago may take some minutes; a Key Vault with access policies needs one of those instead",
        ],
    )
}

/// What can keep a pod from having the variables.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Trouble {
    NotOptedIn,
    Rejected,
    NoClientId,
    WithoutVariables,
}

fn not_configured(kind: Kind, presented: &Presented, evidence: &Evidence) -> Judgement {
    if evidence.pods.is_empty() {
        return Judgement::unknown(&[
            "give the manifests of the pod and its ServiceAccount: this program says what is missing in them",
            "see whether the pod itself, not the Deployment, has label azure.workload.identity/use: \"true\": kubectl get pod NAME \
             --show-labels",
            "see whether it was created after the policy: pods are not changed later; kubectl rollout restart",
        ]);
    }
    let mut troubles: BTreeMap<Trouble, Vec<(String, String)>> = BTreeMap::new();
    for pod in &evidence.pods {
        if let Some((trouble, text)) = trouble(pod) {
            let of_trouble = troubles.entry(trouble).or_default();
            let entry = (pod.title.clone(), text);
            if !of_trouble.contains(&entry) {
                of_trouble.push(entry);
            }
        }
    }
    let Some((trouble, found)) = troubles.first_key_value() else {
        return configured(kind, presented, evidence);
    };
    let texts: Vec<_> = found.iter().map(|(_, text)| text.clone()).collect();
    let texts = shortened(&texts);
    match trouble {
        Trouble::NotOptedIn => Judgement::cause(
            "not-opted-in",
            texts,
            &[
                "add label azure.workload.identity/use: \"true\" to the pod template (in a workload, spec.template.metadata.labels)",
            ],
        ),
        Trouble::Rejected => Judgement::cause("rejected", texts, &["mend what the policy rejects"]),
        Trouble::NoClientId => of_default(evidence).unwrap_or_else(|| Judgement::cause(
            "no-client-id",
            texts,
            &[
                "annotate the ServiceAccount with azure.workload.identity/client-id, and restart the pods",
            ],
        )),
        Trouble::WithoutVariables => Judgement::cause(
            "container-skipped",
            texts,
            &["take the container out of annotation azure.workload.identity/skip-containers"],
        ),
    }
}

/// What is said if pods without a client ID run as `default`, and another ServiceAccount names one.
fn of_default(evidence: &Evidence) -> Option<Judgement> {
    let mut pods = evidence
        .resolved()
        .filter(|pod| pod.client_ids().is_empty());
    let pod = pods.find(|pod| {
        let mut accounts = evidence.accounts.iter();
        accounts.any(|(account, _)| account.namespace == pod.account.namespace)
    })?;
    federation::of_default(&pod.account, evidence)
}

/// What keeps a pod from being configured.
fn trouble(pod: &Pod) -> Option<(Trouble, String)> {
    let title = &pod.title;
    let identity = &pod.identity;
    if let Some(reason) = &identity.rejection {
        let reason = reason.lines().next().unwrap_or_default();
        return Some((Trouble::Rejected, format!("{title} is rejected: {reason}")));
    }
    if !identity.opts_in {
        let said = pod.problems.first();
        let said = said.map(|said| said.split("; help: ").next().unwrap_or_default());
        let said = said.map_or_else(String::new, |said| format!(": {said}"));
        return Some((
            Trouble::NotOptedIn,
            format!("{title}: the pod does not opt in{said}"),
        ));
    }
    let resolved = identity.resolved.as_ref()?;
    if resolved.client_id.is_none() {
        let account = format!(
            "ServiceAccount {}/{}",
            Excerpt::new(&pod.account.namespace).bare(),
            Excerpt::new(&pod.account.name).bare()
        );
        let text = if resolved.is_account_known {
            format!("{title}: {account} names no client ID")
        } else {
            format!(
                "{title}: {account} is not among the manifests, so that its client ID is not known"
            )
        };
        return Some((Trouble::NoClientId, text));
    }
    let (with, without): (Vec<_>, Vec<_>) = identity
        .containers
        .iter()
        .filter(|container| !container.is_init)
        .partition(|container| container.has_identity());
    let without: Vec<_> = without
        .into_iter()
        .map(|container| Excerpt::new(&container.name).to_string())
        .collect();
    // One that is left out beside others is meant to be.
    (with.is_empty() && !without.is_empty()).then(|| {
        let names = shortened(&without);
        (
            Trouble::WithoutVariables,
            format!("{title}: container {names} is left out"),
        )
    })
}

/// What is said if nothing keeps the pods from being configured.
fn configured(kind: Kind, presented: &Presented, evidence: &Evidence) -> Judgement {
    let skipped = evidence.pods.iter().find_map(|pod| {
        let mut containers = pod.identity.containers.iter();
        let container = containers.find(|container| !container.has_identity())?;
        let name = Excerpt::new(&container.name);
        Some(format!(
            "see whether the error is of a container that annotation azure.workload.identity/skip-containers leaves out, such as {name} of {}",
            pod.title
        ))
    });
    let created =
        "see when the pod was created: pods are not changed later; kubectl rollout restart";
    match kind {
        Kind::NoTokenFile => Judgement::cause(
            "token-path",
            format!(
                "the path {} is built into the application, or the layout is a different one: the policy gives the pods the path that \
                 AZURE_FEDERATED_TOKEN_FILE has",
                Excerpt::new(presented.token_file.as_deref().unwrap_or("of the file"))
            ),
            &[
                "let the application read AZURE_FEDERATED_TOKEN_FILE, or choose the setting layout with this path",
                "a pod that was created before the policy has no token: kubectl rollout restart",
            ],
        ),
        kind => {
            let last = if kind == Kind::ManagedIdentity {
                "see whether the application asks with ManagedIdentityCredential: it does not know workload identity, use \
                 WorkloadIdentityCredential or DefaultAzureCredential"
            } else {
                "see whether the policy is active and the request reaches it: kubectl get clusteradmissionpolicies"
            };
            let first = "the policy would give the pods of these manifests what they need";
            let next = [first, created].into_iter().chain(skipped.as_deref());
            Judgement::unknown(&next.chain([last]).collect::<Vec<_>>())
        }
    }
}
