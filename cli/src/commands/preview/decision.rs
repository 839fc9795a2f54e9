//! The decision that this program's own version of the policy comes to, as data.
//!
//! The module answers in text. Its findings and reasons as values are those of the library, asked the very same: if the
//! answers are the same to the byte, so are the findings behind them.

use azure_workload_identity_policy::findings::{Finding, LookupError, Problem, Severity};
use azure_workload_identity_policy::identity::kubernetes_api::KubernetesApi;
use azure_workload_identity_policy::review::{Reason, review};
use azure_workload_identity_policy::settings::Freshness;

use crate::input::lines::ValuePath;
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
    /// Whether the ServiceAccount is not among the manifests, so that a bare one was taken in its place.
    pub is_account_assumed: bool,
}

/// What a policy says, or a preview.
#[derive(Debug, Clone, PartialEq)]
pub struct Message {
    /// Its words.
    pub text: String,
    /// The finding behind it, if it is known.
    pub finding: Option<Finding>,
    /// The name of what is wrong, if it is a preview that says so.
    pub rule: Option<&'static str>,
    /// The way to it in the manifest, if a preview knows.
    pub path: ValuePath,
}

impl Message {
    /// One of a policy, of which no more is known.
    pub fn unknown(text: &str) -> Self {
        Self {
            text: text.to_owned(),
            finding: None,
            rule: None,
            path: ValuePath::default(),
        }
    }

    /// One of a policy, with the finding behind it.
    pub fn of_finding(text: String, finding: Finding) -> Self {
        Self {
            text,
            finding: Some(finding),
            rule: None,
            path: ValuePath::default(),
        }
    }

    /// One of a preview itself, about what `path` leads to in the manifest.
    pub fn of_preview(rule: &'static str, path: ValuePath, text: String) -> Self {
        Self {
            text,
            finding: None,
            rule: Some(rule),
            path,
        }
    }

    /// Whether another message says the same, whether about a workload's pod template or about its pod.
    pub fn repeats(&self, other: &Self) -> bool {
        match (&self.finding, &other.finding) {
            (Some(finding), Some(other)) => finding.repeats(other),
            _ => self.text == other.text,
        }
    }

    /// The name of what is wrong, the same for all messages of this sort: that of the problem, as in `port-taken`.
    pub fn rule(&self) -> String {
        let Some(finding) = &self.finding else {
            return self.rule.unwrap_or("policy").to_owned();
        };
        let problem = format!("{:?}", finding.problem);
        let mut rule = String::new();
        for letter in problem.chars().take_while(char::is_ascii_alphanumeric) {
            if letter.is_ascii_uppercase() && !rule.is_empty() {
                rule.push('-');
            }
            rule.push(letter.to_ascii_lowercase());
        }
        rule
    }
}

impl Decision {
    /// Whether the pod opts in.
    pub fn opts_in(&self) -> bool {
        let opts_in = |reason: &Reason| matches!(reason, Reason::OptIn { by: Some(_), .. });
        self.reasons.iter().any(opts_in)
    }

    /// The decision behind a review.
    pub fn behind(review_of_module: &Review) -> Self {
        let mut reasons = Vec::new();
        let replay = Replay(&review_of_module.exchanges);
        let native = review(&review_of_module.payload, &replay, &mut reasons);
        let response = &review_of_module.response;
        let message = response.message();
        let warnings = response.warnings.clone().unwrap_or_default();
        let answers = review_of_module.answer.is_some();
        if review_of_module.answer.as_ref() != Some(&native.to_json()) {
            return Self {
                rejections: message.iter().map(|text| Message::unknown(text)).collect(),
                warnings: warnings.iter().map(|text| Message::unknown(text)).collect(),
                // A module that fails decides nothing, whatever its version.
                reasons: if answers { reasons } else { Vec::new() },
                is_of_another_version: answers,
                is_account_assumed: false,
            };
        }
        // The last one may say only how many more there are.
        let known = |text: &str, finding: Option<&Finding>| match finding {
            Some(finding) => Message::of_finding(in_preview(text, finding), finding.clone()),
            None => Message::unknown(text),
        };
        let lines = message.iter().flat_map(|message| message.lines());
        let (mut rejected, _) = native.findings.of(Severity::Reject);
        let (mut warned, _) = native.findings.of(Severity::Warn);
        Self {
            rejections: lines.map(|text| known(text, rejected.next())).collect(),
            warnings: warnings
                .iter()
                .map(|text| known(text, warned.next()))
                .collect(),
            reasons,
            is_of_another_version: false,
            is_account_assumed: false,
        }
    }
}

/// The words for a finding, which are those of the policy but where these lead to PolicyServer, which a preview has not.
fn in_preview(text: &str, finding: &Finding) -> String {
    let Problem::Lookup(LookupError::NotAServiceAccount(fault)) = &finding.problem else {
        return text.to_owned();
    };
    let account = Finding {
        problem: Problem::Shape(fault.clone()),
        ..finding.clone()
    };
    account.to_string()
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
