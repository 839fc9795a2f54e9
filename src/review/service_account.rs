//! The decision on a ServiceAccount: whether pods can use the values of its annotations.

use super::allowed::{self, Ids};
use super::permitted;
use super::reasons::Observer;
use super::stray_keys::{self, Role};
use crate::findings::{About, Findings, Problem};
use crate::identity::kubernetes_api::KubernetesApi;
use crate::identity::permission::User;
use crate::identity::{self, lookup};
use crate::json::Fault;
use crate::keys;
use crate::objects::{Annotated, Metadata, Request};
use crate::settings::authorization::AuthorizationMode;
use crate::settings::{OptIn, Settings};
use crate::verdict::{Verdict, audit};

/// Decides on a ServiceAccount that is created or updated.
///
/// An update that leaves our labels and annotations alone is accepted, whatever they say: others must be able to go on.
///
/// # Errors
///
/// A [`Fault`] if the object is not a ServiceAccount.
pub fn review(
    request: &Request<'_>,
    settings: &Settings<'_>,
    kubernetes: &dyn KubernetesApi,
    observer: &mut impl Observer,
) -> Result<Verdict<'static>, Fault> {
    let metadata = lookup::metadata_of(&request.object)?;
    if !metadata.has_ours() {
        return Ok(Verdict::unchanged());
    }
    let old = lookup::metadata_of(&request.old_object).ok();
    // One that is being deleted must be able to go. Pods can still be made for it, so its identity must not change.
    let is_same = |old: &Metadata<'_>| {
        metadata.has_same_ours(old)
            || metadata.is_being_deleted && metadata.has_same_annotations(old)
    };
    if old.as_ref().is_some_and(is_same) {
        return Ok(Verdict::unchanged());
    }
    let object = metadata.object_name("ServiceAccount", &request.namespace);
    let service_account = Annotated {
        about: &About::ServiceAccount(object.clone()),
        metadata: &metadata,
    };
    let mut findings = Findings::default();
    let namespace = &*request.namespace;
    let name = match &*metadata.name {
        "" => &*metadata.generate_name,
        name => name,
    };
    let map = settings.identity_map;
    let entry = map.and_then(|map| map.entry_for(namespace, name));
    let entry = entry.as_deref();
    let severity = settings.on_malformed;
    let client_id = identity::client_id(service_account, entry, severity, &mut findings);
    if client_id.is_none() {
        warn_of_missing_client_id(service_account, settings, &mut findings);
    }
    let tenant_id = identity::tenant_id(service_account, entry, settings, &mut findings);
    identity::token_expiration(service_account, &mut findings);
    let role = Role::ServiceAccount;
    stray_keys::warn(settings, role, service_account, &mut findings);
    if let Some(check) = allowed::Check::new(settings, namespace, name) {
        let tenant_id = Some(tenant_id);
        let ids = Ids {
            client_id,
            tenant_id,
        };
        check.service_account(service_account.about, ids, &mut findings, observer);
    }
    if settings.authorization.mode == Some(AuthorizationMode::ServiceAccountAndUser)
        && let Some(client_id) = metadata.annotation(keys::CLIENT_ID)
        && !old.is_some_and(|old| {
            let old = old.annotation(keys::CLIENT_ID);
            old.is_some_and(|old| old.eq_ignore_ascii_case(client_id))
        })
    {
        let user = User::of_request(request.user_info)
            .map_err(|fault| fault.in_path("request.userInfo"))?;
        let about = service_account.about;
        let check = permitted::Check {
            kubernetes,
            settings,
            only_warns: false,
        };
        check.user(&user, about, client_id, &mut findings);
    }
    let mut verdict = Verdict::of(findings);
    if verdict.is_rejection() {
        verdict.audit_annotations = vec![audit::service_account(&object)];
    }
    verdict.object = Some(object);
    Ok(verdict)
}

/// Warns if pods of the ServiceAccount will lack a client ID: because it is empty, or because pods are rejected without one.
/// It may be set later, so it is not rejected.
fn warn_of_missing_client_id(
    service_account: Annotated<'_>,
    settings: &Settings,
    findings: &mut Findings,
) {
    let is_empty = service_account
        .metadata
        .written_annotation(keys::CLIENT_ID)
        .is_some();
    let opts_in = settings.opt_in != OptIn::PodLabel && service_account.metadata.opt_in().is_some();
    if settings.require_client_id && (opts_in || is_empty) {
        findings.warn(service_account.about, Problem::ClientIdRequired);
    } else if is_empty {
        let problem = Problem::ClientIdNotSet {
            is_empty,
            unnamed: None,
        };
        findings.warn(service_account.about, problem);
    }
}
