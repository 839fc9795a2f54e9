//! A verdict, independent of the payload that it was made for.

use azure_workload_identity_policy::identity::kubernetes_api::KubernetesApi;
use azure_workload_identity_policy::review::review;
use azure_workload_identity_policy::verdict::{Outcome, log};

/// The outcome of a request, and everything that is said about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    /// The object that replaces the request's, as JSON.
    pub mutated: Option<String>,
    /// Whether the request is rejected.
    pub is_rejected: bool,
    /// The answer on the wire.
    pub answer: Vec<u8>,
    /// The warnings.
    pub warnings: Vec<String>,
    /// All findings, with everything that they hold, shown or not.
    pub findings: String,
    /// What is logged.
    pub log: Option<String>,
}

impl Decision {
    /// The decision on a payload, made natively.
    pub fn on(payload: &[u8], kubernetes: &dyn KubernetesApi) -> Self {
        let verdict = review(payload, kubernetes, &mut ());
        let text = |bytes| String::from_utf8(bytes).expect("text");
        let mutated = match &verdict.outcome {
            Outcome::Mutated(object) => {
                let mut json = Vec::new();
                object.write_to(&mut json);
                Some(text(json))
            }
            Outcome::Unchanged | Outcome::Rejected => None,
        };
        Self {
            mutated,
            is_rejected: verdict.is_rejection(),
            answer: verdict.to_json(),
            log: log::line(&verdict).map(text),
            warnings: verdict.warnings(),
            findings: format!("{:?}", verdict.findings),
        }
    }

    /// Whether the object is accepted as it is.
    pub fn is_unchanged(&self) -> bool {
        self.mutated.is_none() && !self.is_rejected
    }

    /// Everything that anybody but the API server can read, and everything that findings hold: a secret must not stay secret
    /// only because a string is cut.
    pub fn told(&self) -> String {
        let answer = str::from_utf8(&self.answer).expect("text");
        let answer = match &self.mutated {
            Some(object) => answer.replacen(object, "", 1),
            None => answer.to_owned(),
        };
        format!("{answer}\n{}\n{:?}", self.findings, self.log)
    }
}
