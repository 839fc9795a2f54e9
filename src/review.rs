//! The decision on one admission request.

mod pod;
mod service_account;
mod workload;

use crate::message::ObjectName;
use crate::metadata::Metadata;
use crate::request::{Request, Subject};
use crate::service_account::ServiceAccounts;
use crate::settings::Settings;
use crate::verdict::{Outcome, Verdict};

/// Decides on the payload of a `validate` call.
///
/// A pure function of the payload and of what `service_accounts` answers.
pub fn review<'a>(payload: &'a [u8], service_accounts: &dyn ServiceAccounts) -> Verdict<'a> {
    let Ok(payload) = std::str::from_utf8(payload) else {
        return Verdict::reject("expected an admission request, found bytes that are no UTF-8");
    };
    let mut request = match Request::read(payload) {
        Ok(request) => request,
        Err(fault) => return Verdict::reject(fault.to_string()),
    };
    match request.subject() {
        Some(subject) => decide(&mut request, subject, service_accounts),
        None => Verdict::unchanged(),
    }
}

/// Decides on a request about `subject`.
///
/// The steps of a review have frames of their own, and large values a box, so that the stack stays within one page: each
/// page that an instance touches is handed out anew, which takes its time. Hence `inline(never)`, here and on the steps themselves.
#[inline(never)]
fn decide<'a>(
    request: &mut Request<'a>,
    subject: Subject,
    service_accounts: &dyn ServiceAccounts,
) -> Verdict<'a> {
    let settings = match Settings::read(request.settings) {
        Ok(settings) => settings,
        Err(faults) => {
            return Verdict::new(Outcome::Refused {
                message: format!("the policy's settings are not valid: {}", faults.join("; ")),
                code: 500,
            });
        }
    };
    let verdict = match subject {
        Subject::Pod => pod::review(request, &settings, service_accounts),
        Subject::ServiceAccount => service_account::review(request, &settings),
        Subject::Workload(kind) => workload::review(request, &settings, kind, service_accounts),
    };
    verdict.unwrap_or_else(|fault| {
        let fault = fault.in_path("request.object");
        Verdict::reject(fault.to_string())
    })
}

/// The name of the object of a request for messages.
fn object_name(kind: &'static str, request: &Request<'_>, metadata: &Metadata<'_>) -> ObjectName {
    let Metadata {
        name,
        generate_name,
        ..
    } = metadata;
    ObjectName::generated(kind, &request.namespace, name, generate_name)
}

#[cfg(test)]
mod tests;
