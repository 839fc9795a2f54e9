//! Why a pod gets its identity or not, step by step: the reasons of the decision, in words.

use std::fmt;

use azure_workload_identity_policy::findings::{About, Finding, Named, Problem};
use azure_workload_identity_policy::identity::{Source, Sourced};
use azure_workload_identity_policy::injection::{
    ContainerOutcome, Fate, LaterContainer, TokenVolumeState,
};
use azure_workload_identity_policy::keys;
use azure_workload_identity_policy::review::{OptedInBy, Reason};
use azure_workload_identity_policy::settings::OptIn;

use super::accounts::{Accounts, directory};
use super::decision::{Decision, Message};
use crate::input::settings::SettingsValue;
use crate::kubewarden::service_accounts::DEFAULT_ACCOUNT;

/// One step: what it is about, and what was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    subject: String,
    finding: String,
}

impl Step {
    /// A step.
    pub fn new(subject: impl Into<String>, finding: impl Into<String>) -> Self {
        Self {
            subject: subject.into(),
            finding: finding.into(),
        }
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.subject, self.finding)
    }
}

/// What happens to a pod in the end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Result {
    /// It is injected.
    Mutated,
    /// It stays as it is.
    Unchanged,
    /// It is rejected.
    Rejected,
}

/// What explanations of all pods have in common.
#[derive(Debug)]
pub struct Explainer<'m> {
    /// The settings as they were given.
    pub given: SettingsValue,
    /// The ServiceAccounts among the manifests.
    pub accounts: &'m Accounts<'m>,
    /// Whether the policy's mode is Verify: nothing is injected.
    pub verifies: bool,
}

/// Said of a ServiceAccount that is not there.
const NOT_FOUND: &str = "not among the manifests";

/// What a step is about, so that a rejection finds its step.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Topic {
    OptIn,
    ServiceAccount,
    ClientId,
    Tenant,
    Expiration,
    Allowed,
    Permission,
    TokenVolume,
    Container(String),
    Other,
}

impl Explainer<'_> {
    /// The steps of a decision with this result; a policy in mode `monitor` lets the pod through whatever it is.
    ///
    /// `file` is where the object is: of ServiceAccounts with one name, the nearest counts.
    pub fn steps(
        &self,
        decision: &Decision,
        result: Result,
        is_monitored: bool,
        file: &str,
    ) -> Vec<Step> {
        let mut steps = Vec::new();
        if decision.is_of_another_version {
            let finding = format!(
                "answers differently than version {} of the policy, whose reasons these are",
                env!("CARGO_PKG_VERSION")
            );
            steps.push((Topic::Other, Step::new("module", finding)));
        }
        let is_injected = result == Result::Mutated && !is_monitored;
        let entry = decision.reasons.iter().find_map(|reason| match reason {
            Reason::MapEntry { index, .. } => Some(*index),
            _ => None,
        });
        for reason in &decision.reasons {
            self.reason(reason, is_injected, entry, file, &mut steps);
        }
        let mut failed = Vec::new();
        for Message { text, finding, .. } in &decision.rejections {
            let topic = finding.as_ref().map_or(Topic::Other, topic);
            let mut own = steps.iter().map(|(topic, _)| topic);
            let index = match own.position(|own| *own == topic && topic != Topic::Other) {
                Some(index) => {
                    let is_malformed = finding.as_ref().is_some_and(|finding| {
                        matches!(finding.problem, Problem::Malformed { .. })
                    });
                    if let Some((_, step)) = steps.get_mut(index).filter(|_| is_malformed) {
                        // It has no value: the one in the reasons is only what keeps the review going.
                        step.finding.clone_from(text);
                    }
                    index
                }
                None => {
                    let step = Step::new("problem", text);
                    steps.push((topic, step));
                    steps.len().saturating_sub(1)
                }
            };
            failed.push(index.saturating_add(1));
        }
        failed.sort_unstable();
        failed.dedup();
        let opts_in = decision.opts_in();
        let is_mirror = decision.reasons.contains(&Reason::MirrorPod);
        let finding = match result {
            Result::Mutated => "injected".to_owned(),
            Result::Rejected => rejected_at(&failed),
            Result::Unchanged if is_mirror => "unchanged, a mirror pod is left alone".to_owned(),
            Result::Unchanged if opts_in => "unchanged, nothing is missing".to_owned(),
            Result::Unchanged => "unchanged, the pod does not opt in".to_owned(),
        };
        let finding = if is_monitored && result != Result::Unchanged {
            format!("would be {finding}, but mode monitor lets the pod through as it is")
        } else {
            finding
        };
        steps.push((Topic::Other, Step::new("result", finding)));
        steps.into_iter().map(|(_, step)| step).collect()
    }

    /// Adds the steps of a reason; `entry` is the index of the entry in setting `identityMap`.
    fn reason(
        &self,
        reason: &Reason,
        is_injected: bool,
        entry: Option<usize>,
        file: &str,
        steps: &mut Vec<(Topic, Step)>,
    ) {
        match reason {
            Reason::MirrorPod => steps.push((
                Topic::Other,
                Step::new(
                    "mirror pod",
                    "a copy of a static pod, which can have no ServiceAccount token",
                ),
            )),
            Reason::OptIn {
                rule,
                pod_label,
                service_account,
                by,
            } => {
                let rule_text = match rule {
                    OptIn::PodLabel => "PodLabel",
                    OptIn::ServiceAccountLabel => "ServiceAccountLabel",
                    OptIn::Either => "Either",
                };
                let default = if self.given.get("optIn").is_some() {
                    ""
                } else {
                    ", the default"
                };
                let label = match pod_label {
                    Some(value) if value == keys::OPTED_IN => {
                        format!("the pod has label {}: {value:?}", keys::USE)
                    }
                    Some(value) => format!(
                        "the pod has label {}: {value:?}, expected {:?}",
                        keys::USE,
                        keys::OPTED_IN
                    ),
                    None => format!("the pod has no label {}", keys::USE),
                };
                let account = match service_account {
                    Some((form, value)) => {
                        format!("the ServiceAccount has {form} {}: {value:?}", keys::USE)
                    }
                    None => format!("the ServiceAccount has no label {}", keys::USE),
                };
                let finding = match (rule, by) {
                    (_, Some(OptedInBy::IdentityMap(index))) => {
                        format!("{label}, but setting identityMap[{index}] opts it in")
                    }
                    (OptIn::PodLabel, _) | (OptIn::Either, Some(OptedInBy::PodLabel)) => label,
                    (OptIn::ServiceAccountLabel, _) => account,
                    (OptIn::Either, _) => format!("{label}; {account}"),
                };
                let finding = format!("{finding} (optIn: {rule_text}{default})");
                steps.push((Topic::OptIn, Step::new("opt-in", finding)));
            }
            Reason::ServiceAccount {
                namespace,
                name,
                named_by,
                is_looked_up,
                not_found,
            } => {
                let named = match named_by {
                    Named::ServiceAccountName | Named::ServiceAccount => {
                        format!("spec.{}", named_by.field())
                    }
                    Named::Default => "the pod names none".to_owned(),
                };
                let found = if *is_looked_up {
                    self.found(namespace, name, file, not_found.as_ref())
                } else {
                    "which is not looked up, as setting identityMap says".to_owned()
                };
                let finding = format!("{namespace}/{name} ({named}), {found}");
                let step = Step::new("ServiceAccount", finding);
                steps.push((Topic::ServiceAccount, step));
            }
            Reason::Identity {
                client_id,
                tenant_id,
                authority_host,
                audience,
                is_for_token_endpoint,
                token_expiration_seconds,
                volume,
                volume_state,
            } => {
                let is_known = !steps.iter().any(|(topic, step)| {
                    *topic == Topic::ServiceAccount && step.finding.ends_with(NOT_FOUND)
                });
                let client_id = match client_id {
                    None if !is_known => {
                        "not known, the ServiceAccount is not among the manifests".to_owned()
                    }
                    Some(client_id) => self.value(client_id, keys::CLIENT_ID, &["requireClientID"]),
                    None => {
                        let nor = entry.map_or_else(String::new, |index| {
                            format!(", and setting identityMap[{index}] has no clientID")
                        });
                        format!(
                            "none, the ServiceAccount has no annotation {}{nor}",
                            keys::CLIENT_ID
                        )
                    }
                };
                steps.push((Topic::ClientId, Step::new("client ID", client_id)));
                let tenant = self.value(tenant_id, keys::TENANT_ID, &["azureTenantID"]);
                steps.push((Topic::Tenant, Step::new("tenant", tenant)));
                let source = self.setting(&["azureAuthorityHost", "azureEnvironment"]);
                let step = Step::new("authority host", format!("{authority_host}, from {source}"));
                steps.push((Topic::Other, step));
                let source = if *is_for_token_endpoint {
                    "setting customTokenEndpoint".to_owned()
                } else {
                    self.setting(&["audience"])
                };
                let step = Step::new("audience", format!("{audience}, from {source}"));
                steps.push((Topic::Other, step));
                let expiration = self.value(
                    token_expiration_seconds,
                    keys::TOKEN_EXPIRATION,
                    &["defaultTokenExpirationSeconds"],
                );
                let step = Step::new("token expiration", expiration);
                steps.push((Topic::Expiration, step));
                let state = match volume_state {
                    TokenVolumeState::Missing if self.verifies => "missing",
                    TokenVolumeState::Outdated if self.verifies => "out of date",
                    TokenVolumeState::Missing if is_injected => "added",
                    TokenVolumeState::Missing => "would be added",
                    TokenVolumeState::Outdated if is_injected => "brought up to date",
                    TokenVolumeState::Outdated => "would be brought up to date",
                    TokenVolumeState::Present => "there already",
                };
                let layout = self.setting(&["layout"]);
                let step = Step::new("token volume", format!("{volume}, {state} ({layout})"));
                steps.push((Topic::TokenVolume, step));
            }
            Reason::MapEntry { index, overrides } => {
                let before = if *overrides {
                    ", which comes before the ServiceAccount's annotations"
                } else {
                    ""
                };
                let finding = format!("setting identityMap[{index}]{before}");
                steps.push((Topic::Other, Step::new("entry", finding)));
            }
            Reason::Allowed { entry } => {
                let finding = match entry {
                    Some(index) => format!("yes, by setting allowedIdentities[{index}]"),
                    None => "no, by no entry of setting allowedIdentities".to_owned(),
                };
                steps.push((Topic::Allowed, Step::new("allowed", finding)));
            }
            Reason::Permission { permission, answer } => {
                let finding = match answer {
                    Ok(answer) => {
                        let verb = if answer.is_allowed { "has" } else { "lacks" };
                        let reason = answer.reason.as_ref();
                        let reason = reason
                            .map_or_else(String::new, |reason| format!(": {}", reason.text()));
                        format!("the ServiceAccount {verb} {permission}{reason}")
                    }
                    Err(error) => {
                        format!("nobody knows whether the ServiceAccount has {permission}: {error}")
                    }
                };
                steps.push((Topic::Permission, Step::new("permission", finding)));
            }
            Reason::Containers(containers) => {
                steps.extend(
                    containers
                        .iter()
                        .map(|container| self.container(container, is_injected)),
                );
            }
            Reason::LaterContainers(containers) => {
                steps.extend(
                    containers
                        .iter()
                        .map(|later| later_container(later, is_injected)),
                );
            }
        }
    }

    fn found(
        &self,
        namespace: &str,
        name: &str,
        file: &str,
        not_found: Option<&Problem>,
    ) -> String {
        let account = self.accounts.get(namespace, name, directory(file));
        match (not_found, account) {
            (None, Some(account)) => format!("found in {}", account.origin()),
            (None, None) if name == DEFAULT_ACCOUNT => "the one that each namespace has".to_owned(),
            (None, None) => NOT_FOUND.to_owned(),
            (Some(Problem::ServiceAccountMissing { .. }), _) => NOT_FOUND.to_owned(),
            (Some(Problem::Lookup(error)), _) => format!("cannot be read: {error}"),
            (Some(_), _) => "which is not a valid name".to_owned(),
        }
    }

    /// A value and its source, which is an annotation or one of the settings.
    fn value(
        &self,
        value: &Sourced<impl fmt::Display>,
        annotation: &str,
        settings: &[&str],
    ) -> String {
        let source = match value.source {
            Source::Pod => format!("annotation {annotation} of the pod"),
            Source::ServiceAccount => format!("annotation {annotation} of the ServiceAccount"),
            Source::IdentityMap(index) => format!("setting identityMap[{index}]"),
            Source::Setting => self.setting(settings),
        };
        format!("{}, from {source}", value.value)
    }

    /// The one of these settings that is given, else the default of the first.
    fn setting(&self, settings: &[&str]) -> String {
        let given = settings.iter().find(|key| self.given.get(key).is_some());
        match (given, settings.first()) {
            (Some(key), _) => format!("setting {key}"),
            (None, Some(key)) => format!("the default of setting {key}"),
            (None, None) => String::new(),
        }
    }

    fn container(&self, container: &ContainerOutcome, is_injected: bool) -> (Topic, Step) {
        let subject = if container.is_init {
            format!("init container {}", container.name)
        } else {
            format!("container {}", container.name)
        };
        let mut gets = container.gets_env.clone();
        let mounts = container.gets_mounts.iter();
        gets.extend(mounts.map(|path| format!("the token at {path}")));
        let renewed = container.renews_env.iter();
        gets.extend(renewed.map(|name| format!("{name} anew")));
        let verb = if self.verifies {
            "lacks"
        } else if is_injected {
            "gets"
        } else {
            "would get"
        };
        let finding = if container.is_added {
            let added = if self.verifies {
                "missing"
            } else if is_injected {
                "added by the policy"
            } else {
                "would be added by the policy"
            };
            let skipped = if container.is_skipped {
                ", without an identity, as annotation skip-containers says"
            } else {
                ""
            };
            format!("{added}{skipped}")
        } else if container.is_skipped {
            format!("skipped, annotation {} lists it", keys::SKIP_CONTAINERS)
        } else if gets.is_empty() {
            "has all of it already".to_owned()
        } else if container.keeps_env.is_empty() {
            format!("{verb} {}", gets.join(", "))
        } else {
            let keeps = container.keeps_env.join(", ");
            format!("{verb} {}; keeps its own {keeps}", gets.join(", "))
        };
        (
            Topic::Container(container.name.clone()),
            Step::new(subject, finding),
        )
    }
}

/// What becomes of a container that another webhook adds later.
fn later_container(later: &LaterContainer, is_injected: bool) -> (Topic, Step) {
    let LaterContainer {
        injector,
        name,
        fate,
    } = later;
    let fate = match fate {
        Fate::Skipped => format!("skipped, annotation {} lists it", keys::SKIP_CONTAINERS),
        Fate::HandedOver if is_injected => {
            "gets the identity from the pod's annotations".to_owned()
        }
        Fate::HandedOver => "would get the identity from the pod's annotations".to_owned(),
        Fate::CalledAgain => {
            "gets the identity when the policy is called again (reinvocationPolicy)".to_owned()
        }
        Fate::LeftOut => "will not have the identity".to_owned(),
    };
    (
        Topic::Container((*name).to_owned()),
        Step::new(
            format!("container {name}"),
            format!("added later by {injector}, {fate}"),
        ),
    )
}

fn rejected_at(failed: &[usize]) -> String {
    let numbers: Vec<_> = failed.iter().map(ToString::to_string).collect();
    match numbers.as_slice() {
        [] => "rejected".to_owned(),
        [number] => format!("rejected because of step {number}"),
        [numbers @ .., last] => {
            format!(
                "rejected because of steps {} and {last}",
                numbers.join(", ")
            )
        }
    }
}

/// The step that a finding is about.
fn topic(finding: &Finding) -> Topic {
    match (&finding.problem, &finding.about) {
        (
            Problem::ServiceAccountName { .. }
            | Problem::ServiceAccountMissing { .. }
            | Problem::Lookup(_),
            _,
        ) => Topic::ServiceAccount,
        (Problem::ClientIdRequired, _) => Topic::ClientId,
        (Problem::Disallowed { .. }, About::ServiceAccount(_)) => Topic::Allowed,
        (Problem::NotPermitted { .. } | Problem::PermissionUnknown { .. }, _) => Topic::Permission,
        (Problem::Malformed { annotation, .. }, _) => match &**annotation {
            keys::CLIENT_ID => Topic::ClientId,
            keys::TENANT_ID => Topic::Tenant,
            keys::TOKEN_EXPIRATION => Topic::Expiration,
            _ => Topic::Other,
        },
        (
            Problem::VolumeNameTaken { .. }
            | Problem::NotForTokenEndpoint { .. }
            | Problem::OtherAudience { .. }
            | Problem::NoAudience { .. }
            | Problem::VolumeMissing { .. }
            | Problem::VolumeOutdated { .. },
            _,
        ) => Topic::TokenVolume,
        (Problem::ContainerMissing { name }, _) => Topic::Container((*name).to_owned()),
        (Problem::Lacks { .. }, About::Container { name, .. }) => {
            Topic::Container(name.text().into_owned())
        }
        _ => Topic::Other,
    }
}
