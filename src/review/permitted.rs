//! Whether Kubernetes' RBAC permits the use of an identity, if setting `authorization` asks for that.

use super::reasons::{Observer, Reason};
use crate::findings::{About, Findings, Problem, Severity};
use crate::identity::Identity;
use crate::identity::kubernetes_api::KubernetesApi;
use crate::identity::permission::{self, User};
use crate::messages::Excerpt;
use crate::settings::Settings;
use crate::settings::authorization::AuthorizationMode;
use crate::values::LONGEST;

/// The check of a permission.
#[derive(Clone, Copy)]
pub struct Check<'r> {
    /// What answers.
    pub kubernetes: &'r dyn KubernetesApi,
    /// The policy's settings.
    pub settings: &'r Settings<'r>,
    /// Whether nothing is rejected: the permission may come later.
    pub only_warns: bool,
}

impl Check<'_> {
    /// Adds to the findings about a pod's ServiceAccount if it may not use the identity.
    ///
    /// If setting `authorization.mode` is not set, only pods with the custom token endpoint are looked into, whose tokens
    /// depend on the permission, and nothing is rejected.
    pub fn service_account(
        mut self,
        about: &About,
        user: impl FnOnce() -> User,
        identity: &Identity<'_>,
        findings: &mut Findings,
        observer: &mut impl Observer,
    ) {
        match self.settings.authorization.mode {
            Some(AuthorizationMode::Off) => return,
            None if identity.token_endpoint.is_none() => return,
            None => self.only_warns = true,
            Some(_) => {}
        }
        // A longer one is rejected.
        if let Some(client_id) = identity.client_id.filter(|id| id.value.len() <= LONGEST) {
            self.ask(about, &user(), false, client_id.value, findings, observer);
        }
    }

    /// Adds to the findings about a ServiceAccount if the user who gives it a client ID may not use that.
    pub fn user(self, user: &User, about: &About, client_id: &str, findings: &mut Findings) {
        // The audit scanner does not say who it is that made the object.
        let is_known = !user.name.is_empty() || user.groups.len() > "null".len();
        let is_exempt = self.settings.authorization.exempts(&user.name);
        if is_known && !is_exempt && client_id.len() <= LONGEST {
            self.ask(about, user, true, client_id, findings, &mut ());
        }
    }

    fn ask(
        self,
        about: &About,
        user: &User,
        is_named: bool,
        client_id: &str,
        findings: &mut Findings,
        observer: &mut impl Observer,
    ) {
        let settings = self.settings;
        let authorization = &settings.authorization;
        let freshness = settings.service_account_lookup;
        let answer = permission::ask(self.kubernetes, authorization, user, client_id, freshness);
        observer.note(|| Reason::Permission {
            permission: *permission::of(authorization, client_id),
            answer: answer.clone(),
        });
        let user = is_named.then(|| Excerpt::new(&user.name));
        let (severity, problem) = match answer {
            Ok(answer) if answer.is_allowed => return,
            Ok(answer) => {
                let problem = Problem::NotPermitted {
                    user,
                    permission: permission::of(authorization, client_id),
                    reason: answer.reason,
                };
                (Severity::Reject, problem)
            }
            Err(error) => {
                let problem = Problem::PermissionUnknown {
                    user,
                    client_id: Excerpt::new(client_id),
                    error,
                };
                (settings.on_authorization_error, problem)
            }
        };
        let severity = if self.only_warns {
            Severity::Warn
        } else {
            severity
        };
        findings.add(about, severity, problem);
    }
}
