//! Objects in place of a cluster.

use std::sync::Arc;

use crate::kubewarden::question::Question;
use crate::kubewarden::rbac::Rbac;
use crate::kubewarden::request::ANYONE;
use crate::kubewarden::service_accounts::ServiceAccounts;

/// ServiceAccounts and the permissions that there are. Nothing else exists.
#[derive(Debug, Clone, Default)]
pub struct Cluster {
    /// The ServiceAccounts.
    pub service_accounts: ServiceAccounts,
    /// Who is permitted what.
    pub rbac: Rbac,
}

impl Cluster {
    /// The answer to a question, as JSON.
    ///
    /// # Errors
    ///
    /// Kubewarden's text for an object that does not exist, and why it is not known what is permitted.
    pub fn answer(&self, question: &Question) -> Result<Vec<u8>, String> {
        match question {
            Question::Object(wanted) => self.service_accounts.get(wanted),
            Question::Permission(wanted) if wanted.subject_access_review.user == ANYONE => {
                Err("who applies the manifests is not known; give --as USER".to_owned())
            }
            Question::Permission(wanted) => {
                let status = self.rbac.review(&wanted.subject_access_review)?;
                serde_json::to_vec(&status).map_err(|error| error.to_string())
            }
        }
    }
}

impl From<ServiceAccounts> for Arc<Cluster> {
    fn from(service_accounts: ServiceAccounts) -> Self {
        Self::new(Cluster {
            service_accounts,
            rbac: Rbac::default(),
        })
    }
}
