//! What the policy asks of the Kubernetes API.

use crate::settings::Freshness;

/// The Kubernetes API, as far as the policy asks it.
pub trait KubernetesApi {
    /// The JSON of a ServiceAccount.
    ///
    /// # Errors
    ///
    /// The source's own words on why there is no answer.
    fn service_account(
        &self,
        namespace: &str,
        name: &str,
        freshness: Freshness,
    ) -> Result<Vec<u8>, String>;

    /// Whether someone is permitted something: a `SubjectAccessReviewStatus` as JSON.
    ///
    /// `request` is a `CanIRequest` of the policy SDK.
    ///
    /// # Errors
    ///
    /// The source's own words on why there is no answer.
    fn can_i(&self, request: &str) -> Result<Vec<u8>, String>;
}
