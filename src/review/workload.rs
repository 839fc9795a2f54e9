//! The decision on a workload: would its pods be accepted.

use super::object_name;
use super::pod::{PodReview, Purpose};
use crate::findings::Findings;
use crate::identity::Named;
use crate::lens::Fault;
use crate::request::Request;
use crate::service_account::ServiceAccounts;
use crate::settings::Settings;
use crate::stray_keys::{self, Role};
use crate::verdict::Verdict;
use crate::workload::{JOB_TEMPLATE, Kind, Workload};

/// Decides on a workload that is created or updated. It is never mutated: the tool that applied it would see a drift.
///
/// An update that leaves the template alone is accepted, whatever it says: controllers must be able to scale and roll.
///
/// # Errors
/// A [`Fault`] where something that is read has the wrong type.
#[inline(never)]
pub fn review<'a>(
    request: &Request<'a>,
    settings: &Settings,
    kind: Kind,
    service_accounts: &dyn ServiceAccounts,
) -> Result<Verdict<'a>, Fault> {
    let workload = Workload::read(kind, &request.object)?;
    if workload.metadata.is_being_deleted {
        return Ok(Verdict::unchanged());
    }
    if Workload::read(kind, &request.old_object).is_ok_and(|old| workload.has_same_pods(&old)) {
        return Ok(Verdict::unchanged());
    }
    let Some(template) = workload.template()? else {
        return Ok(Verdict::unchanged());
    };
    let object = object_name(kind.name, request, &workload.metadata);
    let mut findings = Findings::default();
    for (object, metadata) in [
        (&object, &workload.metadata),
        (&object.template(JOB_TEMPLATE), &workload.job_metadata),
    ] {
        let role = Role::Workload(kind.template, &template.metadata);
        stray_keys::warn(settings, role, Named { object, metadata }, &mut findings);
    }
    let review = PodReview {
        settings,
        purpose: Purpose::Check,
        object: &object.template(kind.template),
        pod: &template,
        service_accounts,
    };
    Ok(review.verdict(findings))
}
