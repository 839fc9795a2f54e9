//! Setting `authorization`: whether Kubernetes' RBAC is asked who may use an identity.

use std::borrow::Cow;

use super::entries;
use super::faults::{Faults, Setting};
use super::shape::Shape;
use crate::values::{self, matches};

/// What Kubernetes' RBAC is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Authorization<'s> {
    /// Of whom; `None` if that is not set.
    pub mode: Option<AuthorizationMode>,
    /// The verb that is needed.
    pub verb: Cow<'static, str>,
    /// The API group of the client IDs, which are the resources.
    pub group: Cow<'static, str>,
    /// Patterns of the users who are not asked about, as JSON.
    pub exempt_users: Option<&'s str>,
}

/// Who needs the permission to use an identity.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AuthorizationMode {
    /// Nobody.
    Off,
    /// The pod's ServiceAccount.
    ServiceAccount,
    /// The pod's ServiceAccount, and whoever gives a ServiceAccount its client ID.
    ServiceAccountAndUser,
}

impl Default for Authorization<'_> {
    fn default() -> Self {
        Self {
            mode: None,
            // As for AKS identity bindings.
            verb: Cow::Borrowed("use-managed-identity"),
            group: Cow::Borrowed("cid.wi.aks.azure.com"),
            exempt_users: None,
        }
    }
}

/// A setting under `authorization`.
#[derive(Clone, Copy, Debug)]
enum Name {
    Mode,
    Verb,
    Group,
    ExemptUsers,
}

const NAMES: [(&str, Name); 4] = [
    ("mode", Name::Mode),
    ("verb", Name::Verb),
    ("group", Name::Group),
    ("exemptUsers", Name::ExemptUsers),
];

/// The names of the settings under `authorization`.
pub fn names() -> impl Iterator<Item = &'static str> {
    NAMES.iter().map(|(name, _)| *name)
}

const MODES: [(&str, AuthorizationMode); 3] = [
    ("Off", AuthorizationMode::Off),
    ("ServiceAccount", AuthorizationMode::ServiceAccount),
    (
        "ServiceAccountAndUser",
        AuthorizationMode::ServiceAccountAndUser,
    ),
];

/// The users who are not asked about unless the setting says otherwise: controllers, which act for others.
const EXEMPT_USERS: &str = r#"["system:serviceaccount:kube-system:*"]"#;

/// Reads the settings under `authorization`.
pub fn read<'s>(faults: &mut Faults, setting: Setting<'s>) -> Authorization<'s> {
    let mut authorization = Authorization::default();
    let object = Setting {
        prefix: "authorization.",
        ..setting
    };
    faults.fields(object, &NAMES, |faults, name, setting| match name {
        Name::Mode => authorization.mode = faults.one_of(setting, &MODES),
        Name::Verb => {
            if let Some(verb) = faults.text(setting, values::verb) {
                authorization.verb = Cow::Owned(verb);
            }
        }
        Name::Group => {
            if let Some(group) = faults.text(setting, values::api_group) {
                authorization.group = Cow::Owned(group);
            }
        }
        Name::ExemptUsers => {
            Shape::List(&Shape::Text(values::user_pattern)).check(faults, setting);
            authorization.exempt_users = Some(setting.value);
        }
    });
    authorization
}

impl Authorization<'_> {
    /// Whether a user needs no permission to give a ServiceAccount its client ID.
    pub fn exempts(&self, user: &str) -> bool {
        let patterns = self.exempt_users.unwrap_or(EXEMPT_USERS);
        entries::has(patterns, &|pattern| matches(pattern, user))
    }
}
