//! What is wrong with a token, by its claims.

use azure_workload_identity_policy::messages::Excerpt;
use azure_workload_identity_policy::values;
use jiff::Timestamp;

use super::diagnosis::{Diagnosis, Fact, Judgement};
use super::evidence::Evidence;
use super::{federation, refused};
use crate::entra::claims::{Claims, SECRET_ISSUER};
use crate::entra::issuer::is_in_cluster;
use crate::entra::refusal::{Part, Presented};

/// What is wrong with a token at a time.
pub fn diagnose(claims: &Claims, now: Timestamp, evidence: &Evidence) -> Diagnosis {
    let presented = presented(claims, evidence);
    let mut facts = Vec::new();
    let of = |label, value: &Option<String>| value.as_ref().map(|value| Fact::new(label, value));
    facts.extend(of("issuer", &claims.issuer));
    facts.extend(of("subject", &claims.subject));
    let audiences = claims.audiences.iter();
    facts.extend(audiences.map(|audience| Fact::new("audience", audience)));
    let time =
        |label, time: Option<Timestamp>| time.map(|time| Fact::new(label, &time.to_string()));
    facts.extend(time("valid from", claims.not_before));
    facts.extend(time("valid until", claims.expires));
    facts.extend(of("pod", &claims.pod));
    Diagnosis {
        error: "token".to_owned(),
        meaning: "what Microsoft Entra ID would find in it; its signature is not checked"
            .to_owned(),
        presented: facts,
        expected: evidence.expected(&presented),
        judgement: judge(claims, &presented, now, evidence),
        others: Vec::new(),
    }
}

/// The token as an error would repeat it: of several audiences, the one that is expected.
fn presented(claims: &Claims, evidence: &Evidence) -> Presented {
    let mut audiences = claims.audiences.iter();
    let is_expected = |audience: &&String| {
        let mut pods = evidence.resolved();
        let of_pods = pods.any(|pod| {
            let resolved = pod.identity.resolved.as_ref();
            resolved.is_some_and(|identity| identity.audience == **audience)
        });
        of_pods || *audience == values::DEFAULT_AUDIENCE
    };
    Presented {
        issuer: claims.issuer.clone(),
        subject: claims.subject.clone(),
        audience: audiences
            .find(is_expected)
            .or(claims.audiences.first())
            .cloned(),
        ..Presented::default()
    }
}

fn judge(claims: &Claims, presented: &Presented, now: Timestamp, evidence: &Evidence) -> Judgement {
    let issuer = claims.issuer.as_deref().unwrap_or_default();
    if issuer == SECRET_ISSUER {
        return Judgement::cause(
            "secret-token",
            "this is the token of a Secret of type kubernetes.io/service-account-token: it has neither an audience nor an end, and Entra \
             ID does not take it",
            &[
                "use the file that AZURE_FEDERATED_TOKEN_FILE names in the pod, or ask for one: kubectl create token NAME --namespace \
               NAMESPACE --audience api://AzureADTokenExchange",
            ],
        );
    }
    if federation::is_of_entra(issuer) {
        return federation::of_entra();
    }
    if is_for_api_server(claims) {
        return Judgement::cause(
            "api-server-token",
            format!(
                "the token is for the Kubernetes API (audience {}), not for Microsoft Entra ID",
                Excerpt::new(&claims.audiences.join(", "))
            ),
            &[
                "use the file that AZURE_FEDERATED_TOKEN_FILE names, not /var/run/secrets/kubernetes.io/serviceaccount/token",
            ],
        );
    }
    if let Some(expires) = claims.expires.filter(|expires| now >= *expires) {
        return Judgement::cause(
            "expired-token",
            format!("the token expired at {expires}, and it is {now}"),
            &[
                "take the one that the file has now: the kubelet writes a new one into it long before the old one expires",
                "an application that presents this one must read the file again each time; current Azure SDKs do",
            ],
        );
    }
    if claims.not_before.is_some_and(|not_before| now < not_before) {
        return refused::not_yet_valid();
    }
    if let Some(missing) = missing(claims) {
        return Judgement::cause(
            "incomplete-token",
            format!(
                "the token has no claim {missing}: it is not one that Kubernetes has made for a pod"
            ),
            &["use the file that AZURE_FEDERATED_TOKEN_FILE names in the pod"],
        );
    }
    let of_credentials = federation::judge(Part::Any, presented, evidence);
    match of_credentials.cause {
        Some(_) => of_credentials,
        None => Judgement {
            help: [
                vec!["nothing is wrong with these claims as far as they are known".to_owned()],
                of_credentials.help,
            ]
            .concat(),
            cause: None,
        },
    }
}

/// A claim that each token of a pod has.
fn missing(claims: &Claims) -> Option<&'static str> {
    let claims = [
        ("iss", claims.issuer.is_none()),
        ("sub", claims.subject.is_none()),
        ("aud", claims.audiences.is_empty()),
        ("exp", claims.expires.is_none()),
    ];
    let mut missing = claims.into_iter().filter(|(_, is_missing)| *is_missing);
    missing.next().map(|(name, _)| name)
}

/// Whether the token is for the API server alone: its audience is that, or the issuer.
fn is_for_api_server(claims: &Claims) -> bool {
    let is_own = |audience: &String| {
        is_in_cluster(audience) || Some(audience) == claims.issuer.as_ref() || audience == "k3s"
    };
    let is_of_azure = |audience: &String| audience.starts_with("api://");
    claims.audiences.iter().any(is_own) && !claims.audiences.iter().any(is_of_azure)
}
