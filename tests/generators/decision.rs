//! A verdict, independent of the payload that it was made for.

use azure_workload_identity_policy::log;
use azure_workload_identity_policy::review::review;
use azure_workload_identity_policy::service_account::ServiceAccounts;
use azure_workload_identity_policy::verdict::Outcome;

/// What a request comes to, and all that is told about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    /// The object that is to be in the place of the request's, as JSON.
    pub mutated: Option<String>,
    /// Whether the request is refused.
    pub is_refused: bool,
    /// The answer on the wire.
    pub answer: Vec<u8>,
    /// The warnings, before they are cut to what Kubernetes passes on.
    pub warnings: Vec<String>,
    /// What is logged.
    pub log: Option<String>,
}

impl Decision {
    /// The decision on a payload, made natively.
    pub fn on(payload: &[u8], service_accounts: &dyn ServiceAccounts) -> Self {
        let verdict = review(payload, service_accounts);
        let text = |bytes| String::from_utf8(bytes).expect("text");
        let mutated = match &verdict.outcome {
            Outcome::Mutated(object) => {
                let mut json = Vec::new();
                object.write_to(&mut json);
                Some(text(json))
            }
            Outcome::Unchanged | Outcome::Refused { .. } => None,
        };
        Self {
            mutated,
            is_refused: verdict.is_refusal(),
            answer: verdict.to_json(),
            log: log::line(&verdict).map(text),
            warnings: verdict.warnings,
        }
    }

    /// Whether the object may pass as it is.
    pub fn is_unchanged(&self) -> bool {
        self.mutated.is_none() && !self.is_refused
    }

    /// All that anybody but the API server gets to read. Warnings are in it whole: their being cut must not be what keeps
    /// a secret.
    pub fn told(&self) -> String {
        let answer = str::from_utf8(&self.answer).expect("text");
        let answer = match &self.mutated {
            Some(object) => answer.replacen(object, "", 1),
            None => answer.to_owned(),
        };
        format!("{answer}\n{:?}\n{:?}", self.warnings, self.log)
    }
}
