//! The decision that this program's own version of the policy comes to, as data.
//!
//! The module answers in text. Its findings and reasons as values are those of the library, asked the very same: if the
//! answers are the same to the byte, so are the findings behind them.

use azure_workload_identity_policy::findings::{Finding, Severity};
use azure_workload_identity_policy::identity::kubernetes_api::KubernetesApi;
use azure_workload_identity_policy::review::{Reason, review};
use azure_workload_identity_policy::settings::Freshness;
use azure_workload_identity_policy::verdict;

use crate::kubewarden::can_i::CanI;
use crate::kubewarden::policy::Review;
use crate::kubewarden::question::{Exchange, Question};

/// What a module says of one object, with the findings behind it as far as they are known.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Decision {
    /// Why the object is rejected.
    pub rejections: Vec<Message>,
    /// What the user is warned about.
    pub warnings: Vec<Message>,
    /// The reasons, by this program's version of the policy; none if the module fails.
    pub reasons: Vec<Reason>,
    /// Whether the module is of another version than this program: it answers differently.
    pub is_of_another_version: bool,
}

/// What a policy says.
#[derive(Debug, Clone, PartialEq)]
pub struct Message {
    /// Its words.
    pub text: String,
    /// The finding behind it, if it is known.
    pub finding: Option<Finding>,
}

impl Message {
    /// Whether another message says the same, whether about a workload's pod template or about its pod.
    pub fn repeats(&self, other: &Self) -> bool {
        match (&self.finding, &other.finding) {
            (Some(finding), Some(other)) => finding.repeats(other),
            _ => self.text == other.text,
        }
    }
}

impl Decision {
    /// The decision behind a review, for which the module asked this of the Kubernetes API.
    pub fn behind(review_of_module: &Review, exchanges: &[Exchange]) -> Self {
        let mut reasons = Vec::new();
        let native = review(&review_of_module.payload, &Replay(exchanges), &mut reasons);
        let response = &review_of_module.response;
        let message = response
            .status
            .as_ref()
            .and_then(|status| status.message.clone());
        let warnings = response.warnings.clone().unwrap_or_default();
        let answers = review_of_module.answer.is_some();
        if review_of_module.answer.as_ref() != Some(&native.to_json()) {
            let unknown = |text| Message {
                text,
                finding: None,
            };
            return Self {
                rejections: message.into_iter().map(unknown).collect(),
                warnings: warnings.into_iter().map(unknown).collect(),
                // A module that fails decides nothing, whatever its version.
                reasons: if answers { reasons } else { Vec::new() },
                is_of_another_version: answers,
            };
        }
        let (rejections, _) = native.findings.of(Severity::Reject);
        let known = |finding: &Finding| Message {
            text: verdict::line(finding),
            finding: Some(finding.clone()),
        };
        let (findings, _) = native.findings.of(Severity::Warn);
        let mut findings = findings.cloned();
        Self {
            rejections: rejections.map(known).collect(),
            // The last warning may say only how many more there are.
            warnings: warnings
                .into_iter()
                .map(|text| Message {
                    text,
                    finding: findings.next(),
                })
                .collect(),
            reasons,
            is_of_another_version: false,
        }
    }
}

/// The answers that a module got.
struct Replay<'e>(&'e [Exchange]);

impl Replay<'_> {
    fn answer(&self, is_asked: impl Fn(&Question) -> bool) -> Result<Vec<u8>, String> {
        let mut exchanges = self.0.iter();
        match exchanges.find(|exchange| is_asked(&exchange.question)) {
            Some(exchange) => exchange.answer.clone(),
            None => Err("the module did not ask".to_owned()),
        }
    }
}

impl KubernetesApi for Replay<'_> {
    fn service_account(
        &self,
        namespace: &str,
        name: &str,
        _: Freshness,
    ) -> Result<Vec<u8>, String> {
        self.answer(|question| match question {
            Question::Object(asked) => {
                asked.namespace.as_deref() == Some(namespace) && asked.name == name
            }
            Question::Permission(_) => false,
        })
    }

    fn can_i(&self, request: &str) -> Result<Vec<u8>, String> {
        let wanted: CanI = serde_json::from_str(request).map_err(|error| error.to_string())?;
        self.answer(|question| match question {
            Question::Object(_) => false,
            Question::Permission(asked) => *asked == wanted,
        })
    }
}
