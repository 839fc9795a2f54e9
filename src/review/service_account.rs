//! The decision on a ServiceAccount: are the values of our annotations what pods can use.

use super::object_name;
use crate::audit;
use crate::findings::Findings;
use crate::identity::{self, Named};
use crate::lens::Fault;
use crate::request::Request;
use crate::service_account;
use crate::settings::Settings;
use crate::stray_keys::{self, Role};
use crate::verdict::Verdict;

/// Decides on a ServiceAccount that is created or updated.
///
/// An update that leaves our labels and annotations alone is accepted, whatever they say: others must be able to go on.
///
/// # Errors
/// A [`Fault`] where the object is no ServiceAccount.
pub fn review(request: &Request<'_>, settings: &Settings) -> Result<Verdict<'static>, Fault> {
    let metadata = service_account::read(&request.object)?;
    if metadata.is_being_deleted || !metadata.has_ours() {
        return Ok(Verdict::unchanged());
    }
    if service_account::read(&request.old_object).is_ok_and(|old| metadata.has_same_ours(&old)) {
        return Ok(Verdict::unchanged());
    }
    let object = object_name("ServiceAccount", request, &metadata);
    let named = Named {
        object: &object,
        metadata: &metadata,
    };
    let mut findings = Findings::default();
    identity::client_id(named, settings.on_malformed, &mut findings);
    identity::tenant_id(named, settings.on_malformed, &mut findings);
    identity::token_expiration(named, &mut findings);
    stray_keys::warn(settings, Role::ServiceAccount, named, &mut findings);
    let mut verdict = findings.into_verdict();
    if verdict.is_refusal() {
        verdict.audit_annotations = vec![audit::service_account(&object)];
    }
    verdict.subject = Some(object);
    Ok(verdict)
}
