//! The decision on a pod, and on the pod template of a workload.

use super::reasons::{Observer, OptedInBy, Reason};
use super::stray_keys::{self, Role};
use crate::findings::{About, Findings, Named, PodName, Problem};
use crate::identity::Identity;
use crate::identity::kubernetes_api::KubernetesApi;
use crate::identity::lookup;
use crate::injection::{
    InjectedPod, Plan, Proxy, read_skip_containers, reject_shortage_of_resources,
    token_endpoint_asked_for,
};
use crate::json::Fault;
use crate::keys::{self, Form, Home};
use crate::messages::ObjectName;
use crate::objects::{Annotated, Metadata, Pod, PodSpec, Request};
use crate::settings::{Mode, OptIn, Settings};
use crate::verdict::{Outcome, Verdict, audit};

/// Decides on a pod that is created.
///
/// # Errors
///
/// A [`Fault`] if the object is not a pod.
pub fn review<'a>(
    request: &mut Request<'a>,
    settings: &Settings,
    kubernetes: &dyn KubernetesApi,
    observer: &mut impl Observer,
) -> Result<Verdict<'a>, Fault> {
    let pod = Pod::read(&mut request.object)?;
    if pod.metadata.is_mirror {
        // Kubernetes lets no mirror pod have a ServiceAccount token.
        observer.note(|| Reason::MirrorPod);
        return Ok(Verdict::unchanged());
    }
    let review = PodReview {
        settings,
        purpose: match settings.mode {
            Mode::Inject => Purpose::Inject,
            Mode::Verify => Purpose::Verify,
        },
        about: About::Pod(PodName {
            object: pod.metadata.object_name("Pod", &request.namespace),
            template: None,
        }),
        namespace: &request.namespace,
        pod: &pod,
        kubernetes,
    };
    Ok(review.verdict(Findings::default(), observer))
}

/// What a pod is reviewed for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// It gets what it lacks.
    Inject,
    /// It is rejected if it lacks something.
    Verify,
    /// It is the template of pods to come.
    Check,
}

/// A pod or a pod template, and all that the decision on it depends on.
pub struct PodReview<'r, 'a> {
    /// The policy's settings.
    pub settings: &'r Settings,
    /// What it is reviewed for.
    pub purpose: Purpose,
    /// Its name for messages.
    pub about: About,
    /// The namespace of the request.
    pub namespace: &'r str,
    /// The pod.
    pub pod: &'r Pod<'a>,
    /// What answers the policy's questions.
    pub kubernetes: &'r dyn KubernetesApi,
}

impl<'a> PodReview<'_, 'a> {
    /// The decision; `findings` are what was found before.
    pub fn verdict(&self, mut findings: Findings, observer: &mut impl Observer) -> Verdict<'a> {
        let metadata = &self.pod.metadata;
        let by_label = self.settings.opt_in != OptIn::ServiceAccountLabel
            && metadata.label(keys::USE) == Some(keys::OPTED_IN);
        stray_keys::warn(self.settings, Role::Pod, self.annotated(), &mut findings);
        if self.settings.opt_in == OptIn::PodLabel && !by_label {
            observer.note(|| self.opt_in(None, None));
            self.warn_of_idle_annotation(&mut findings);
            return self.verdict_of(findings);
        }
        if self.namespace.is_empty() {
            let fault = Fault::new("the pod's namespace", "nothing");
            let problem = Problem::Shape(fault.in_path("request.namespace"));
            findings.reject(&About::Request, problem);
            return self.verdict_of(findings);
        }
        match self.pod.spec() {
            Ok(spec) => self.look_up(&spec, by_label, findings, observer),
            Err(fault) => {
                findings.reject(&self.about, Problem::Shape(fault));
                self.verdict_of(findings)
            }
        }
    }

    /// The decision on a pod for which the ServiceAccount matters.
    fn look_up(
        &self,
        spec: &PodSpec<'_>,
        by_label: bool,
        mut findings: Findings,
        observer: &mut impl Observer,
    ) -> Verdict<'a> {
        if by_label {
            observer.note(|| self.opt_in(None, Some(OptedInBy::PodLabel)));
        }
        let (namespace, name) = (self.namespace, &*spec.service_account_name);
        let object = lookup::object_name(namespace, name);
        let freshness = self.settings.service_account_lookup;
        let mut not_found = None;
        let json = lookup::look_up(self.kubernetes, namespace, spec, freshness)
            .map_err(|error| not_found = Some(error))
            .ok();
        let metadata = json.as_deref().and_then(|json| {
            lookup::parse_answer(json, namespace, name)
                .map_err(|error| not_found = Some(error))
                .ok()
        });
        observer.note(|| Reason::ServiceAccount {
            namespace: namespace.to_owned(),
            name: name.to_owned(),
            named_by: spec.named_by,
            not_found: not_found.clone(),
        });
        if let Some(not_found) = not_found {
            self.report(not_found, by_label, &object, &mut findings);
            // Without the ServiceAccount, nobody knows whether it would opt its pods in.
            if self.purpose != Purpose::Check || !by_label {
                return self.stop_here(findings, &object);
            }
        }
        let says = metadata.as_ref().and_then(Metadata::opt_in);
        let by = if by_label {
            Some(OptedInBy::PodLabel)
        } else {
            says.map(|_| OptedInBy::ServiceAccount)
        };
        if !by_label {
            observer.note(|| self.opt_in(says, by));
        }
        if by == Some(OptedInBy::ServiceAccount)
            && self.settings.opt_in == OptIn::Either
            && self.pod.metadata.label(keys::USE) == Some("false")
        {
            let service_account = object.clone();
            let problem = Problem::FalseDoesNotOptOut { service_account };
            findings.warn(&self.about, problem);
        }
        if let Some(metadata) = metadata.as_ref().filter(|_| by.is_none()) {
            self.warn_of_idle_identity(&object, metadata, &mut findings);
            return self.stop_here(findings, &object);
        }
        self.decide(spec, &object, metadata, findings, observer)
    }

    /// Adds what is wrong with a ServiceAccount that was not found.
    ///
    /// A workload's may come before its pods do, and a check that cannot be made must not hold up a rollout.
    fn report(
        &self,
        problem: Problem,
        by_label: bool,
        object: &ObjectName,
        findings: &mut Findings,
    ) {
        let about = match &problem {
            // The name is the pod's.
            Problem::ServiceAccountName { .. } => self.about.clone(),
            Problem::ServiceAccountMissing { .. }
                if self.purpose == Purpose::Check && !by_label =>
            {
                return;
            }
            _ => About::ServiceAccount(object.clone()),
        };
        match self.purpose {
            Purpose::Inject | Purpose::Verify => findings.reject(&about, problem),
            Purpose::Check => findings.warn(&about, problem),
        }
    }

    /// The decision on a pod that opts in; a ServiceAccount that does not exist yet is not blamed.
    fn decide(
        &self,
        spec: &PodSpec<'_>,
        object: &ObjectName,
        metadata: Option<Metadata<'_>>,
        mut findings: Findings,
        observer: &mut impl Observer,
    ) -> Verdict<'a> {
        let settings = self.settings;
        let exists = metadata.is_some();
        let metadata = metadata.unwrap_or_default();
        let service_account = Annotated {
            about: &About::ServiceAccount(object.clone()),
            metadata: &metadata,
        };
        let pod = self.annotated();
        let windows = spec.windows().unwrap_or_else(|fault| {
            findings.reject(pod.about, Problem::Shape(fault));
            None
        });
        let proxy = Proxy::asked_for(settings, pod, spec, windows, &mut findings);
        let skip = read_skip_containers(
            pod,
            spec,
            proxy.as_ref(),
            settings.on_malformed,
            &mut findings,
        );
        let token_endpoint = token_endpoint_asked_for(settings, pod, &mut findings);
        let mut of_service_account = Findings::default();
        let identity = Identity::resolve(
            settings,
            pod,
            service_account,
            token_endpoint,
            &mut findings,
            &mut of_service_account,
        );
        let pod = InjectedPod {
            about: &self.about,
            metadata: pod.metadata,
            spec,
            skip: &skip,
            proxy,
            is_windows: windows.is_some(),
            bytes: self.pod.length(),
        };
        let plan = Plan::new(pod, settings.layout, &identity, &mut findings);
        observer.note(|| Reason::identity(&identity, plan.token_volume()));
        observer.note(|| Reason::Containers(plan.container_outcomes()));
        let role = Role::ServiceAccountOfPod;
        let meant = stray_keys::warn(settings, role, service_account, &mut of_service_account);
        let is_misspelt = meant.contains(&keys::CLIENT_ID);
        if plan.lacks_client_id() && !settings.require_client_id && !is_misspelt {
            let problem = Problem::ClientIdNotSet {
                is_empty: metadata.written_annotation(keys::CLIENT_ID).is_some(),
                unnamed_in: (spec.named_by == Named::Default).then_some(spec.path),
            };
            of_service_account.warn(service_account.about, problem);
        }
        if exists {
            findings.append(of_service_account);
        }
        let is_too_large = plan.reject_excess(&mut findings);
        if let Some(proxy) = pod.proxy.filter(|_| !is_too_large) {
            reject_shortage_of_resources(proxy, &self.about, spec, &mut findings);
        }
        let mut verdict = self.apply(&plan, findings);
        if verdict.outcome != Outcome::Unchanged {
            let mut annotations = Vec::with_capacity(7);
            annotations.push(audit::service_account(object));
            if exists {
                annotations.extend(audit::identity(&identity));
            }
            if matches!(verdict.outcome, Outcome::Mutated(_)) {
                annotations.extend(audit::containers(&plan));
            }
            verdict.audit_annotations = annotations;
        }
        verdict
    }

    fn apply(&self, plan: &Plan<'_, '_>, mut findings: Findings) -> Verdict<'a> {
        let mut mutated = None;
        match self.purpose {
            Purpose::Inject => {
                if !findings.reject_request() {
                    let edits = plan.edits();
                    mutated = (!edits.is_empty()).then(|| self.pod.edited(edits));
                }
            }
            Purpose::Verify => plan.reject_missing(&mut findings),
            Purpose::Check => {}
        }
        let mut verdict = self.verdict_of(findings);
        if let Some(mutated) = mutated {
            verdict.outcome = Outcome::Mutated(mutated);
        }
        verdict
    }

    /// The verdict on a pod that is not mutated.
    fn verdict_of(&self, findings: Findings) -> Verdict<'a> {
        Verdict {
            object: self.about.object().cloned(),
            ..Verdict::of(findings)
        }
    }

    /// The verdict if no more than the name of the ServiceAccount matters.
    fn stop_here(&self, findings: Findings, service_account: &ObjectName) -> Verdict<'a> {
        let mut verdict = self.verdict_of(findings);
        if verdict.is_rejection() {
            verdict.audit_annotations = vec![audit::service_account(service_account)];
        }
        verdict
    }

    fn annotated(&self) -> Annotated<'_> {
        Annotated {
            about: &self.about,
            metadata: &self.pod.metadata,
        }
    }

    fn opt_in(&self, service_account: Option<(Form, &str)>, by: Option<OptedInBy>) -> Reason {
        let label = self.pod.metadata.label(keys::USE);
        Reason::OptIn {
            rule: self.settings.opt_in,
            pod_label: label.map(str::to_owned),
            service_account: service_account.map(|(form, value)| (form, value.to_owned())),
            by,
        }
    }

    /// Warns about an annotation that does nothing because the pod does not opt in.
    ///
    /// If the pod says anything about opting in, that was reported already, or is intended.
    fn warn_of_idle_annotation(&self, findings: &mut Findings) {
        let mut ours = self.pod.metadata.ours();
        if ours.any(|(_, key, _)| key == keys::USE) {
            return;
        }
        let idle = self.pod.metadata.ours().find_map(|(form, key, _)| {
            let mut known = keys::ALL.iter();
            known.find(|known| **known == (key, form, Home::Pod))
        });
        if let Some(&(key, form, _)) = idle {
            findings.warn(&self.about, Problem::NoOptIn { form, key });
        }
    }

    /// Warns that a pod gets no identity, although something on it or on its ServiceAccount says that it should.
    fn warn_of_idle_identity(
        &self,
        service_account: &ObjectName,
        metadata: &Metadata<'_>,
        findings: &mut Findings,
    ) {
        let service_account = service_account.clone();
        let problem = match self.pod.metadata.label(keys::USE) {
            Some(keys::OPTED_IN) => Problem::LabelDoesNotCount { service_account },
            None if metadata.has_ours() => Problem::NotOptedIn {
                service_account,
                pod_label_counts: self.settings.opt_in == OptIn::Either,
            },
            _ => return,
        };
        findings.warn(&self.about, problem);
    }
}
