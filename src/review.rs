//! The decision on one admission request.

use crate::findings::Findings;
use crate::identity::{Identity, Named};
use crate::inject::{Plan, Target};
use crate::keys;
use crate::message::ObjectName;
use crate::metadata::Metadata;
use crate::pod::{Pod, PodSpec};
use crate::proxy::Proxy;
use crate::request::Request;
use crate::service_account::{self, Freshness, ServiceAccounts};
use crate::settings::{OptIn, Settings};
use crate::skip_containers;
use crate::token_endpoint;
use crate::verdict::Verdict;

/// Decides on the payload of a `validate` call.
///
/// A pure function of the payload and of what `service_accounts` answers.
pub fn review(payload: &[u8], service_accounts: &dyn ServiceAccounts) -> Verdict {
    let Ok(payload) = std::str::from_utf8(payload) else {
        return Verdict::reject("expected an admission request, found bytes that are no UTF-8");
    };
    match Request::read(payload) {
        Ok(request) if request.creates_pod() => {
            review_pod(&request, service_accounts).unwrap_or_else(|refusal| refusal)
        }
        Ok(_) => Verdict::unchanged(),
        Err(fault) => Verdict::reject(fault.to_string()),
    }
}

/// A pod that is to be created, and what is asked of it.
struct PodReview<'r> {
    settings: &'r Settings,
    namespace: &'r str,
    object: &'r ObjectName,
    text: &'r str,
    pod: &'r Pod<'r>,
    spec: &'r PodSpec<'r>,
    service_accounts: &'r dyn ServiceAccounts,
}

fn review_pod(
    request: &Request<'_>,
    service_accounts: &dyn ServiceAccounts,
) -> Result<Verdict, Verdict> {
    let settings = Settings::read(request.settings).map_err(|faults| Verdict::Reject {
        message: format!("the policy's settings are not valid: {}", faults.join("; ")),
        code: 500,
        warnings: Vec::new(),
    })?;
    let pod = Pod::read(request.object).map_err(|fault| {
        Verdict::reject(fault.in_field("object").in_field("request").to_string())
    })?;
    let by_label = settings.opt_in != OptIn::ServiceAccountLabel
        && pod.metadata.label(keys::USE) == Some(keys::OPTED_IN);
    if settings.opt_in == OptIn::PodLabel && !by_label {
        return Ok(Verdict::unchanged());
    }
    if request.namespace.is_empty() {
        return Err(Verdict::reject(
            "request.namespace: expected the pod's namespace, found nothing",
        ));
    }
    let object = pod.object_name(&request.namespace);
    let spec = pod
        .spec()
        .map_err(|fault| Verdict::reject(format!("{object}: {fault}")))?;
    let review = PodReview {
        settings: &settings,
        namespace: &request.namespace,
        object: &object,
        text: request.object,
        pod: &pod,
        spec: &spec,
        service_accounts,
    };
    let answer = review.inject(by_label, Freshness::Cached)?;
    if answer.look_again {
        return Ok(review.inject(by_label, Freshness::Fresh)?.verdict);
    }
    Ok(answer.verdict)
}

/// A verdict that may turn on an answer of the host's cache.
struct Answer {
    verdict: Verdict,
    /// Whether something is held against the ServiceAccount that it may not deserve any more.
    look_again: bool,
}

impl PodReview<'_> {
    fn inject(&self, by_label: bool, freshness: Freshness) -> Result<Answer, Verdict> {
        let name = &*self.spec.service_account_name;
        let service_account =
            service_account::look_up(self.service_accounts, self.namespace, name, freshness)
                .map_err(Verdict::reject)?;
        if !by_label && !opts_in(&service_account) {
            let verdict = Verdict::unchanged();
            return Ok(Answer {
                verdict,
                look_again: false,
            });
        }
        let mut findings = Findings::default();
        let pod = Named {
            object: self.object,
            metadata: &self.pod.metadata,
        };
        let proxy = Proxy::asked_for(self.settings, pod, self.spec, &mut findings);
        let skip = skip_containers::read(
            self.object,
            &self.pod.metadata,
            self.spec,
            proxy.as_ref(),
            self.settings.on_malformed,
            &mut findings,
        );
        let token_endpoint = token_endpoint::asked_for(self.settings, pod, &mut findings);
        let service_account_object = service_account::object_name(self.namespace, name);
        let identity = Identity::resolve(
            self.settings,
            pod,
            Named {
                object: &service_account_object,
                metadata: &service_account,
            },
            token_endpoint,
            &mut findings,
        );
        let target = Target {
            object: self.object,
            metadata: &self.pod.metadata,
            spec: self.spec,
            skip: &skip,
            proxy,
        };
        let plan = Plan::new(target, self.settings.layout, &identity, &mut findings);
        if plan.lacks_client_id() && !self.settings.require_client_id {
            let mut of_service_account = Findings::default();
            of_service_account.warn(
                &service_account_object,
                format!(
                    "annotation {} is not set, so {} is not injected",
                    keys::CLIENT_ID,
                    keys::AZURE_CLIENT_ID
                ),
            );
            findings.take_from_service_account(of_service_account);
        }
        let look_again = findings.blames_service_account;
        let verdict = self.verdict(&plan, findings);
        Ok(Answer {
            verdict,
            look_again,
        })
    }

    fn verdict(&self, plan: &Plan<'_, '_>, findings: Findings) -> Verdict {
        let Findings {
            refusals, warnings, ..
        } = findings;
        if !refusals.is_empty() {
            return Verdict::Reject {
                message: refusals.join("; "),
                code: 400,
                warnings,
            };
        }
        match plan.apply(self.text) {
            Ok(mutated) => Verdict::Accept { mutated, warnings },
            Err(error) => Verdict::reject(format!("{}: cannot be written: {error}", self.object)),
        }
    }
}

/// Whether a ServiceAccount opts its pods in: by the label, whatever its value, or by an annotation of that name.
fn opts_in(service_account: &Metadata<'_>) -> bool {
    service_account.label(keys::USE).is_some()
        || service_account.written_annotation(keys::USE).is_some()
}

#[cfg(test)]
mod tests;
