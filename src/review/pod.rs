//! The decision on a pod, and on the pod template of a workload.

use super::object_name;
use crate::audit;
use crate::findings::Findings;
use crate::identity::{Identity, Named};
use crate::inject::{Plan, Target};
use crate::keys::{self, Home};
use crate::lens::Fault;
use crate::message::ObjectName;
use crate::metadata::Metadata;
use crate::pod::{Pod, PodSpec};
use crate::proxy::Proxy;
use crate::request::Request;
use crate::service_account::{self, Freshness, ServiceAccounts, Unreadable};
use crate::settings::{Mode, OptIn, Settings};
use crate::skip_containers;
use crate::stray_keys::{self, Role};
use crate::token_endpoint;
use crate::verdict::{Outcome, Verdict};

/// Decides on a pod that is created.
///
/// # Errors
/// A [`Fault`] where the object is no pod.
#[inline(never)]
pub fn review<'a>(
    request: &mut Request<'a>,
    settings: &Settings,
    service_accounts: &dyn ServiceAccounts,
) -> Result<Verdict<'a>, Fault> {
    let pod = Pod::read(std::mem::take(&mut request.object))?;
    if pod.metadata.is_mirror {
        // Kubernetes lets no mirror pod have a ServiceAccount token.
        return Ok(Verdict::unchanged());
    }
    let review = PodReview {
        settings,
        purpose: match settings.mode {
            Mode::Inject => Purpose::Inject,
            Mode::Verify => Purpose::Verify,
        },
        object: &object_name("Pod", request, &pod.metadata),
        pod: &pod,
        service_accounts,
    };
    Ok(review.verdict(Findings::default()))
}

/// What a pod is reviewed for.
#[derive(Clone, Copy, Debug)]
pub enum Purpose {
    /// It gets what it lacks.
    Inject,
    /// It is refused where it lacks something.
    Verify,
    /// It is the template of pods to come.
    Check,
}

/// A pod or a pod template, and all that the decision on it turns on.
pub struct PodReview<'r, 'a> {
    /// The policy's settings.
    pub settings: &'r Settings,
    /// What it is reviewed for.
    pub purpose: Purpose,
    /// Its name for messages.
    pub object: &'r ObjectName,
    /// The pod.
    pub pod: &'r Pod<'a>,
    /// Where ServiceAccounts come from.
    pub service_accounts: &'r dyn ServiceAccounts,
}

/// A verdict that may turn on an answer of the host's cache.
struct Answer<'a> {
    verdict: Verdict<'a>,
    /// Whether something is held against the ServiceAccount that it may not deserve any more.
    look_again: bool,
}

impl<'a> PodReview<'_, 'a> {
    /// The decision; `findings` are what was found before.
    pub fn verdict(&self, mut findings: Findings) -> Verdict<'a> {
        let metadata = &self.pod.metadata;
        let by_label = self.settings.opt_in != OptIn::ServiceAccountLabel
            && metadata.label(keys::USE) == Some(keys::OPTED_IN);
        stray_keys::warn(self.settings, Role::Pod, self.named(), &mut findings);
        if self.settings.opt_in == OptIn::PodLabel && !by_label {
            self.warn_of_idle_annotation(&mut findings);
            return self.without_identity(findings);
        }
        if self.object.namespace.is_empty() {
            let refusal = "request.namespace: expected the pod's namespace, found nothing";
            findings.refusals.push(refusal.to_owned());
            return self.without_identity(findings);
        }
        let spec = match self.pod.spec() {
            Ok(spec) => spec,
            Err(fault) => {
                findings.refuse(self.object, fault.to_string());
                return self.without_identity(findings);
            }
        };
        let cached = self.answer(&spec, by_label, Freshness::Cached, findings.clone());
        if cached.look_again {
            return self
                .answer(&spec, by_label, Freshness::Fresh, findings)
                .verdict;
        }
        cached.verdict
    }

    fn answer(
        &self,
        spec: &PodSpec<'_>,
        by_label: bool,
        freshness: Freshness,
        mut findings: Findings,
    ) -> Answer<'a> {
        let object =
            service_account::object_name(&self.object.namespace, &spec.service_account_name);
        let json = service_account::look_up(
            self.service_accounts,
            &object,
            format_args!("{}.serviceAccountName", spec.path),
            freshness,
        );
        let found = match &json {
            Ok(json) => service_account::metadata(json, &object),
            Err(unreadable) => Err(unreadable.clone()),
        };
        let found = match (found, self.purpose) {
            (Ok(metadata), _) => Some(metadata),
            (Err(unreadable), Purpose::Check) => {
                // It may come before the pods do, and a check that cannot be made must not hold up a rollout. Without it,
                // nobody knows whether it would opt them in.
                match unreadable {
                    Unreadable::Missing(_) if !by_label => {}
                    Unreadable::Missing(message) | Unreadable::Failed(message) => {
                        findings.warnings.push(message);
                    }
                }
                if !by_label {
                    return self.concluded(findings, &object);
                }
                None
            }
            (Err(Unreadable::Missing(message) | Unreadable::Failed(message)), _) => {
                findings.refusals.push(message);
                return self.concluded(findings, &object);
            }
        };
        if let Some(metadata) = found.as_ref().filter(|found| !by_label && !opts_in(found)) {
            self.warn_of_idle_identity(&object, metadata, &mut findings);
            return self.concluded(findings, &object);
        }
        let is_missing = found.is_none();
        let metadata = found.unwrap_or_default();
        let service_account = Named {
            object: &object,
            metadata: &metadata,
        };
        self.decide(spec, service_account, is_missing, findings)
    }

    /// The answer for a pod that opts in. Of a ServiceAccount that is missing yet, nothing is held against it.
    fn decide(
        &self,
        spec: &PodSpec<'_>,
        service_account: Named<'_>,
        is_missing: bool,
        mut findings: Findings,
    ) -> Answer<'a> {
        let settings = self.settings;
        let pod = self.named();
        let proxy = Proxy::asked_for(settings, pod, spec, &mut findings);
        let skip = skip_containers::read(
            pod,
            spec,
            proxy.as_ref(),
            settings.on_malformed,
            &mut findings,
        );
        let token_endpoint = token_endpoint::asked_for(settings, pod, &mut findings);
        let mut held_against = Findings::default();
        let identity = Identity::resolve(
            settings,
            pod,
            service_account,
            token_endpoint,
            &mut findings,
            &mut held_against,
        );
        let target = Target {
            object: self.object,
            metadata: pod.metadata,
            spec,
            skip: &skip,
            proxy,
        };
        let plan = match Plan::new(target, settings.layout, &identity, &mut findings) {
            Ok(plan) => plan,
            Err(error) => {
                findings.refuse(self.object, cannot_be_written(&error));
                return self.concluded(findings, service_account.object);
            }
        };
        let role = Role::ServiceAccountOfPod;
        let meant = stray_keys::warn(settings, role, service_account, &mut held_against);
        let is_misspelt = meant.contains(&keys::CLIENT_ID);
        if plan.lacks_client_id() && !settings.require_client_id && !is_misspelt {
            held_against.warn(
                service_account.object,
                format!(
                    "annotation {} is not set, so {} is not injected",
                    keys::CLIENT_ID,
                    keys::AZURE_CLIENT_ID
                ),
            );
        }
        if !is_missing {
            findings.take_from_service_account(held_against);
        }
        let look_again = findings.blames_service_account && !is_missing;
        let mut verdict = self.outcome(&plan, findings);
        if verdict.outcome != Outcome::Unchanged {
            let mut annotations = Vec::with_capacity(7);
            annotations.push(audit::service_account(service_account.object));
            if !is_missing {
                annotations.extend(audit::identity(&identity));
            }
            if matches!(verdict.outcome, Outcome::Mutated(_)) {
                annotations.extend(audit::containers(&plan));
            }
            verdict.audit_annotations = annotations;
        }
        Answer {
            verdict,
            look_again,
        }
    }

    fn outcome(&self, plan: &Plan<'_, '_>, mut findings: Findings) -> Verdict<'a> {
        let mut mutated = None;
        match self.purpose {
            Purpose::Inject if findings.refusals.is_empty() => match plan.edits() {
                Ok(edits) if edits.is_empty() => {}
                Ok(edits) => mutated = Some(self.pod.edited(edits)),
                Err(error) => findings.refuse(self.object, cannot_be_written(&error)),
            },
            Purpose::Verify => {
                let missing = plan.missing();
                if !missing.is_empty() {
                    findings.refuse(
                        self.object,
                        format!(
                            "is not fully injected: {}; delete it, so that it is made anew while the policy that injects is in place",
                            missing.join("; ")
                        ),
                    );
                }
            }
            Purpose::Inject | Purpose::Check => {}
        }
        let mut verdict = self.without_identity(findings);
        if let Some(mutated) = mutated {
            verdict.outcome = Outcome::Mutated(mutated);
        }
        verdict
    }

    /// The verdict on a pod whose identity is not known, or that has none.
    fn without_identity(&self, findings: Findings) -> Verdict<'a> {
        Verdict {
            subject: Some(self.object.clone()),
            ..findings.into_verdict()
        }
    }

    /// The answer where no more than the name of the ServiceAccount is known, or it opts nothing in.
    fn concluded(&self, findings: Findings, service_account: &ObjectName) -> Answer<'a> {
        let look_again = findings.blames_service_account;
        let mut verdict = self.without_identity(findings);
        if verdict.is_refusal() {
            verdict.audit_annotations = vec![audit::service_account(service_account)];
        }
        Answer {
            verdict,
            look_again,
        }
    }

    fn named(&self) -> Named<'_> {
        Named {
            object: self.object,
            metadata: &self.pod.metadata,
        }
    }

    /// Warns about an annotation that does nothing because the pod does not opt in.
    ///
    /// Where the pod says anything about opting in, that is told already, or wanted.
    fn warn_of_idle_annotation(&self, findings: &mut Findings) {
        let mut ours = self.pod.metadata.ours();
        if ours.any(|(_, key, _)| key == keys::USE) {
            return;
        }
        let mut ours = self.pod.metadata.ours();
        let at_home = |form, key| keys::ALL.contains(&(key, form, Home::Pod));
        if let Some((form, key, _)) = ours.find(|(form, key, _)| at_home(*form, key)) {
            let object = self.object.metadata();
            findings.warn(
                object,
                format!(
                    "{form} {key} has no effect without label {}: \"{}\"",
                    keys::USE,
                    keys::OPTED_IN
                ),
            );
        }
    }

    /// Warns that a pod gets no identity, where something on it or on its ServiceAccount says that it should.
    fn warn_of_idle_identity(
        &self,
        service_account: &ObjectName,
        metadata: &Metadata<'_>,
        findings: &mut Findings,
    ) {
        match self.pod.metadata.label(keys::USE) {
            Some(keys::OPTED_IN) => findings.warn(
                self.object.metadata(),
                format!(
                    "label {} has no effect by setting optIn; label {service_account} with it",
                    keys::USE
                ),
            ),
            None if metadata.has_ours() && self.settings.opt_in != OptIn::Either => findings.warn(
                self.object.metadata(),
                format!(
                    "gets no identity: {service_account} has no label {}",
                    keys::USE
                ),
            ),
            None if metadata.has_ours() => findings.warn(
                self.object.metadata(),
                format!(
                    "gets no identity: neither it nor {service_account} has label {}",
                    keys::USE
                ),
            ),
            _ => return,
        }
        findings.blames_service_account = true;
    }
}

fn cannot_be_written(error: &serde_json::Error) -> String {
    format!("cannot be written: {error}")
}

/// Whether a ServiceAccount opts its pods in: by the label, whatever its value, or by an annotation of that name.
fn opts_in(service_account: &Metadata<'_>) -> bool {
    service_account.label(keys::USE).is_some()
        || service_account.written_annotation(keys::USE).is_some()
}
