//! The decision on one admission request.
//!
//! # Invariants
//!
//! - The decision is a pure function of the payload and of what the Kubernetes API is asked: for each pod or pod template at
//!   most one ServiceAccount, and at most one permission.
//! - All findings are reported at once, not only the first.
//! - Only a pod that is created is ever mutated.
//! - Whatever the payload, there is a verdict: nothing here panics.

mod allowed;
mod permitted;
mod other_kinds;
mod pod;
mod reasons;
mod service_account;
mod stray_keys;
mod workload;

use std::borrow::Cow;

use crate::findings::{About, Findings, Problem};
use crate::identity::kubernetes_api::KubernetesApi;
use crate::json::Fault;
use crate::messages::ObjectName;
use crate::objects::{Request, Target};
use crate::settings::Settings;
use crate::verdict::Verdict;

pub use reasons::{Observer, OptedInBy, Reason};

/// Decides on the payload of a `validate` call, and tells `observer` the reasons.
pub fn review<'a>(
    payload: &'a [u8],
    kubernetes: &dyn KubernetesApi,
    observer: &mut impl Observer,
) -> Verdict<'a> {
    let Ok(payload) = std::str::from_utf8(payload) else {
        return Verdict::malformed(Fault::new("an admission request", "invalid UTF-8"));
    };
    let mut request = match Request::read(payload) {
        Ok(request) => request,
        Err(fault) => return Verdict::malformed(fault),
    };
    match request.target() {
        Some(target) => decide(&mut request, target, kubernetes, observer),
        None if request.is_of_another_kind() => {
            let verdict = other_kinds::review(&request, kubernetes, observer);
            verdict.unwrap_or_else(|fault| misshapen(&request, request.kind.clone(), fault))
        }
        None => Verdict::unchanged(),
    }
}

/// Decides on a request about `target`.
///
/// Each request gets a fresh instance, and each page that it touches is a page fault. To keep the stack within one page,
/// large values are boxed, and two steps have frames of their own (`inline(never)`); `cli/tests/work.rs` counts the pages.
fn decide<'a>(
    request: &mut Request<'a>,
    target: Target,
    kubernetes: &dyn KubernetesApi,
    observer: &mut impl Observer,
) -> Verdict<'a> {
    let settings = match Settings::read(request.settings) {
        Ok(settings) => settings,
        Err(findings) => return Verdict::of(findings),
    };
    let verdict = match target {
        Target::Pod => pod::review(request, &settings, kubernetes, observer),
        Target::ServiceAccount => service_account::review(request, &settings, kubernetes, observer),
        Target::Workload(kind) => workload::review(request, &settings, kind, kubernetes, observer),
    };
    verdict.unwrap_or_else(|fault| {
        let kind = match target {
            Target::Pod => "Pod",
            Target::ServiceAccount => "ServiceAccount",
            Target::Workload(kind) => kind.name,
        };
        misshapen(request, kind.into(), fault)
    })
}

/// Rejection of an object that does not have the shape that it should have.
#[cold]
fn misshapen<'a>(request: &Request<'_>, kind: Cow<'_, str>, fault: Fault) -> Verdict<'a> {
    let (name, generate_name) = request.object.names();
    let kind = kind.into_owned();
    let object = ObjectName::generated(kind, &request.namespace, &name, &generate_name);
    let mut findings = Findings::default();
    findings.reject(&About::Object(object.clone()), Problem::Shape(fault));
    Verdict {
        object: Some(object),
        ..Verdict::of(findings)
    }
}

#[cfg(test)]
mod tests;
