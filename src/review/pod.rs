//! The decision on a pod, and on the pod template of a workload.

use std::borrow::Cow;

use super::allowed::{self, Ids};
use super::permitted;
use super::reasons::{Observer, OptedInBy, Reason};
use super::stray_keys::{self, Role};
use crate::findings::{About, Findings, Named, PodName, Problem};
use crate::identity::Identity;
use crate::identity::kubernetes_api::KubernetesApi;
use crate::identity::lookup;
use crate::identity::permission::User;
use crate::injection::{
    HAND_OVER_ANNOTATIONS, InjectedPod, Mark, Plan, Proxy, Purpose, ReviewOf, read_skip_containers,
    reject_shortage_of_resources, token_endpoint_asked_for,
};
use crate::json::Fault;
use crate::keys::{self, Form, Home};
use crate::messages::ObjectName;
use crate::objects::{Annotated, Metadata, MetadataPlaces, Pod, PodSpec, Request};
use crate::settings::identity_map::MapEntry;
use crate::settings::{Mode, OptIn, Settings};
use crate::verdict::{Outcome, Verdict, audit};

/// Decides on a pod that is created.
///
/// # Errors
///
/// A [`Fault`] if the object is not a pod.
pub fn review<'a>(
    request: &mut Request<'a>,
    settings: &Settings<'_>,
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
            Mode::Verify => Purpose::Verify {
                on_drift: settings.on_drift,
            },
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

/// A pod or a pod template, and all that the decision on it depends on.
pub struct PodReview<'r, 'a> {
    /// The policy's settings.
    pub settings: &'r Settings<'r>,
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
        let map = self.settings.identity_map;
        if self.settings.opt_in == OptIn::PodLabel && !by_label && map.is_none() {
            return self.not_opted_in(findings, observer);
        }
        if self.namespace.is_empty() {
            let fault = Fault::new("the pod's namespace", "nothing");
            let problem = Problem::Shape(fault.in_path("request.namespace"));
            findings.reject(&About::Request, problem);
            return self.verdict_of(findings);
        }
        let spec = match self.pod.spec() {
            Ok(spec) => spec,
            Err(fault) => {
                findings.reject(&self.about, Problem::Shape(fault));
                return self.verdict_of(findings);
            }
        };
        let Some(map) = map else {
            return self.look_up(&spec, by_label, None, findings, observer);
        };
        let name = &spec.service_account_name;
        let entry = map.entry_for(self.namespace, name);
        let entry = entry.as_deref();
        let opts_in = entry.is_some_and(|entry| entry.opts_in) && !self.stays_out();
        if self.settings.opt_in == OptIn::PodLabel && !by_label && !opts_in {
            return self.not_opted_in(findings, observer);
        }
        self.look_up(&spec, by_label, entry, findings, observer)
    }

    /// Whether the pod's label says that it is to have no identity.
    fn stays_out(&self) -> bool {
        self.pod.metadata.label(keys::USE) == Some("false")
    }

    /// The verdict on a pod that does not opt in, whatever its ServiceAccount says.
    fn not_opted_in(&self, mut findings: Findings, observer: &mut impl Observer) -> Verdict<'a> {
        observer.note(|| self.opt_in(None, None));
        self.warn_of_idle_annotation(&mut findings);
        self.check_own_identities(&mut findings);
        self.verdict_of(findings)
    }

    /// Adds to the findings if a pod that gets no identity sets one that is not allowed.
    fn check_own_identities(&self, findings: &mut Findings) {
        if self.settings.allowed_identities.is_none() {
            return;
        }
        // A spec that cannot be read is Kubernetes' business.
        let Ok(spec) = self.pod.spec() else {
            return;
        };
        let (namespace, name) = (self.namespace, &spec.service_account_name);
        if let Some(check) = allowed::Check::new(self.settings, namespace, name) {
            let ids = Ids {
                client_id: None,
                tenant_id: None,
            };
            check.containers(&self.about, &spec, ids, &|_, _| false, findings);
        }
    }

    /// The decision on a pod for which the ServiceAccount matters.
    fn look_up(
        &self,
        spec: &PodSpec<'_>,
        by_label: bool,
        entry: Option<&MapEntry<'_>>,
        mut findings: Findings,
        observer: &mut impl Observer,
    ) -> Verdict<'a> {
        if by_label {
            observer.note(|| self.opt_in(None, Some(OptedInBy::PodLabel)));
        }
        let (namespace, name) = (self.namespace, &*spec.service_account_name);
        let object = lookup::object_name(namespace, name);
        let freshness = self.settings.service_account_lookup;
        let is_looked_up = entry.is_none_or(|entry| entry.looks_up);
        let mut not_found = None;
        let json = if is_looked_up {
            lookup::look_up(self.kubernetes, namespace, spec, freshness)
                .map_err(|error| not_found = Some(error))
                .ok()
        } else {
            None
        };
        let metadata = json.as_deref().and_then(|json| {
            lookup::parse_answer(json, namespace, name)
                .map_err(|error| not_found = Some(error))
                .ok()
        });
        observer.note(|| Reason::ServiceAccount {
            namespace: namespace.to_owned(),
            name: name.to_owned(),
            named_by: spec.named_by,
            is_looked_up,
            not_found: not_found.clone(),
        });
        if let Some(entry) = entry {
            observer.note(|| Reason::MapEntry {
                index: entry.index,
                overrides: entry.overrides,
            });
        }
        let by_map = entry.filter(|entry| entry.opts_in && !self.stays_out());
        let is_decided = by_label || by_map.is_some();
        if let Some(not_found) = not_found {
            self.report(not_found, is_decided, &object, &mut findings);
            // Without the ServiceAccount, nobody knows whether it would opt its pods in.
            if self.purpose != Purpose::Check || !is_decided {
                self.check_own_identities(&mut findings);
                return self.stop_here(findings, &object);
            }
        }
        let says = metadata.as_ref().and_then(Metadata::opt_in);
        let by = match by_map {
            _ if by_label => Some(OptedInBy::PodLabel),
            Some(entry) => Some(OptedInBy::IdentityMap(entry.index)),
            None => says.map(|_| OptedInBy::ServiceAccount),
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
        if by.is_none() {
            if let Some(metadata) = &metadata {
                self.warn_of_idle_identity(&object, metadata, &mut findings);
            }
            self.check_own_identities(&mut findings);
            return self.stop_here(findings, &object);
        }
        self.decide(spec, object, metadata, entry, findings, observer)
    }

    /// Adds what is wrong with a ServiceAccount that was not found.
    ///
    /// A workload's may come before its pods do, and a check that cannot be made must not hold up a rollout.
    fn report(
        &self,
        problem: Problem,
        opts_in: bool,
        object: &ObjectName,
        findings: &mut Findings,
    ) {
        let about = match &problem {
            // The name is the pod's.
            Problem::ServiceAccountName { .. } => self.about.clone(),
            Problem::ServiceAccountMissing { .. } if self.purpose == Purpose::Check && !opts_in => {
                return;
            }
            _ => About::ServiceAccount(object.clone()),
        };
        match self.purpose {
            Purpose::Inject | Purpose::Verify { .. } => findings.reject(&about, problem),
            Purpose::Check => findings.warn(&about, problem),
        }
    }

    /// The decision on a pod that opts in; a ServiceAccount that does not exist yet is not blamed.
    fn decide(
        &self,
        spec: &PodSpec<'_>,
        object: ObjectName,
        metadata: Option<Metadata<'_>>,
        entry: Option<&MapEntry<'_>>,
        mut findings: Findings,
        observer: &mut impl Observer,
    ) -> Verdict<'a> {
        let settings = self.settings;
        // If it is not looked up, the API server has seen to it.
        let exists = metadata.is_some() || entry.is_some_and(|entry| !entry.looks_up);
        let metadata = metadata.unwrap_or_default();
        let about = About::ServiceAccount(object);
        let service_account = Annotated {
            about: &about,
            metadata: &metadata,
        };
        let pod = self.annotated();
        let windows = spec.windows().unwrap_or_else(|fault| {
            findings.reject(pod.about, Problem::Shape(fault));
            None
        });
        let proxy = Proxy::asked_for(settings, pod, spec, windows, &mut findings);
        let skip = read_skip_containers(pod, spec, proxy.as_ref(), settings, &mut findings);
        let token_endpoint = token_endpoint_asked_for(settings, pod, &mut findings);
        let mut of_service_account = Findings::default();
        let identity = Identity::resolve(
            settings,
            pod,
            service_account,
            token_endpoint,
            entry,
            &mut findings,
            &mut of_service_account,
        );
        let mark = self.mark();
        let mut mark = mark.as_deref().and_then(Mark::parse).map(Box::new);
        if let Some(mark) = &mut mark {
            mark.forget_others_of(&spec.volumes.items);
        }
        let places = self.places();
        let review = ReviewOf {
            text: self.pod.text(),
            purpose: self.purpose,
            mark: mark.as_deref(),
            places: places.as_deref(),
        };
        let pod = InjectedPod {
            about: &self.about,
            metadata: pod.metadata,
            spec,
            skip: &skip,
            proxy,
            is_windows: windows.is_some(),
            bytes: self.pod.length(),
            review: &review,
        };
        let plan = Plan::new(pod, settings, &identity, &mut findings);
        observer.note(|| Reason::identity(&identity, plan.token_volume()));
        if let Some(check) =
            allowed::Check::new(settings, self.namespace, &spec.service_account_name)
        {
            let ids = Ids {
                client_id: identity.client_id,
                tenant_id: Some(identity.tenant_id),
            };
            let about = service_account.about;
            check.service_account(about, ids, &mut of_service_account, observer);
            let renews = |place, name: &str| plan.renews(place, name);
            check.containers(&self.about, spec, ids, &renews, &mut findings);
        }
        observer.note(|| Reason::Containers(plan.container_outcomes()));
        observer.note(|| Reason::LaterContainers(plan.later_containers().to_vec()));
        let role = Role::ServiceAccountOfPod;
        let meant = stray_keys::warn(settings, role, service_account, &mut of_service_account);
        let is_misspelt = meant.contains(&keys::CLIENT_ID);
        if plan.lacks_client_id() && !settings.require_client_id && !is_misspelt {
            let problem = Problem::ClientIdNotSet {
                is_empty: metadata.written_annotation(keys::CLIENT_ID).is_some(),
                unnamed: (spec.named_by == Named::Default).then(|| spec.service_account_field()),
            };
            of_service_account.warn(service_account.about, problem);
        }
        if exists {
            let check = permitted::Check {
                kubernetes: self.kubernetes,
                settings,
                only_warns: self.purpose == Purpose::Check,
            };
            let user = || User::of_service_account(self.namespace, &spec.service_account_name);
            check.service_account(&about, user, &identity, &mut of_service_account, observer);
            findings.append(of_service_account);
        }
        let is_too_large = plan.reject_excess(&mut findings);
        if let Some(proxy) = pod.proxy.filter(|_| !is_too_large) {
            reject_shortage_of_resources(proxy, &self.about, spec, &mut findings);
        }
        let mut verdict = self.apply(&plan, findings);
        if verdict.outcome != Outcome::Unchanged {
            let mut annotations = Vec::with_capacity(7);
            annotations.extend(about.object().map(audit::service_account));
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

    /// The mark of the pod, if it counts: that of a template is that of another pod.
    fn mark(&self) -> Option<Cow<'a, str>> {
        let counts = match self.purpose {
            Purpose::Inject => self.settings.mark,
            Purpose::Verify { on_drift } => self.settings.mark || on_drift.is_some(),
            Purpose::Check => false,
        };
        counts.then(|| self.pod.metadata.mark())?
    }

    /// Where the pod's labels and annotations are, if they may be changed or are read.
    fn places(&self) -> Option<Box<MetadataPlaces<'a>>> {
        let settings = self.settings;
        let marks = settings.mark && self.purpose == Purpose::Inject;
        let hands_over =
            !settings.hand_over.is_empty() && !self.pod.metadata.injectors().is_empty();
        (marks || hands_over).then(|| {
            let mut keys = vec![keys::MARK, keys::MARKED_CLIENT_ID];
            keys.extend(HAND_OVER_ANNOTATIONS);
            self.pod.metadata_places(&keys).map(Box::new)
        })?
    }

    // With a frame of its own: see `review::decide`.
    #[inline(never)]
    fn apply(&self, plan: &Plan<'_, '_>, mut findings: Findings) -> Verdict<'a> {
        let mut mutated = None;
        match self.purpose {
            Purpose::Inject => {
                if !findings.reject_request() {
                    let edits = plan.edits();
                    mutated = (!edits.is_empty()).then(|| self.pod.edited(edits));
                }
            }
            Purpose::Verify { .. } => plan.reject_missing(&mut findings),
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
