//! The decision on a workload: whether its pods would be accepted.

use super::pod::PodReview;
use super::reasons::Observer;
use super::stray_keys::{self, Role, Template};
use crate::findings::{About, Findings, PodName};
use crate::identity::kubernetes_api::KubernetesApi;
use crate::injection::Purpose;
use crate::json::Fault;
use crate::objects::{Annotated, JOB_TEMPLATE, Request, Workload, WorkloadKind};
use crate::settings::Settings;
use crate::verdict::Verdict;

/// Decides on a workload that is created or updated. It is never mutated: the tool that applied it would see a drift.
///
/// An update that leaves the template alone is accepted, whatever it says: controllers must be able to scale and roll.
///
/// # Errors
///
/// A [`Fault`] if something that is read has the wrong type.
// Else the stack takes two pages: see `review::decide`.
#[inline(never)]
pub fn review<'a>(
    request: &Request<'a>,
    settings: &Settings,
    kind: WorkloadKind,
    kubernetes: &dyn KubernetesApi,
    observer: &mut impl Observer,
) -> Result<Verdict<'a>, Fault> {
    let mut workload = Workload::read(kind, &request.object)?;
    if workload.metadata.is_being_deleted {
        return Ok(Verdict::unchanged());
    }
    if Workload::read_old(kind, &request.old_object).is_ok_and(|old| workload.has_same_pods(&old)) {
        return Ok(Verdict::unchanged());
    }
    let Some(template) = workload.take_template()? else {
        return Ok(Verdict::unchanged());
    };
    let object = workload.metadata.object_name(kind.name, &request.namespace);
    let mut findings = Findings::default();
    for (about, metadata) in [
        (&About::Object(object.clone()), &workload.metadata),
        (
            &About::JobTemplate(object.clone(), JOB_TEMPLATE),
            &workload.job_metadata,
        ),
    ] {
        let templates = [Template {
            labels: kind.template,
            annotations: kind.template,
            metadata: &template.metadata,
        }];
        let role = Role::Workload(&templates);
        let annotated = Annotated { about, metadata };
        stray_keys::warn(settings, role, annotated, &mut findings);
    }
    let review = PodReview {
        settings,
        purpose: Purpose::Check,
        about: About::Pod(PodName {
            object,
            template: Some(kind.template.into()),
        }),
        namespace: &request.namespace,
        pod: &template,
        kubernetes,
    };
    Ok(review.verdict(findings, observer))
}
