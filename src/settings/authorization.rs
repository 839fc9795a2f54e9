//! Setting `authorization`: whether Kubernetes' RBAC is asked who may use an identity.

use std::borrow::Cow;

use super::entries;
use super::faults::{Faults, Setting};
use super::shape::{Shape, field};
use crate::json::Reader;
use crate::values;

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

const PREFIX: &str = "authorization.";
const EXEMPT_USERS: &str = "exemptUsers";

const NAMES: [(&str, Name); 4] = [
    ("mode", Name::Mode),
    ("verb", Name::Verb),
    ("group", Name::Group),
    (EXEMPT_USERS, Name::ExemptUsers),
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
const CONTROLLERS: &str = r#"["system:serviceaccount:kube-system:*"]"#;

/// Reads the settings under `authorization`.
pub fn read<'s>(faults: &mut Faults, setting: Setting<'s>) -> Authorization<'s> {
    let mut authorization = Authorization::default();
    let object = Setting {
        prefix: PREFIX,
        ..setting
    };
    faults.fields(object, &NAMES, |faults, name, setting| match name {
        // What kubectl makes of Off without quotes, by YAML 1.1.
        Name::Mode if setting.value == "false" => {
            authorization.mode = Some(AuthorizationMode::Off);
        }
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
        Name::ExemptUsers => authorization.exempt_users = Some(setting.value),
    });
    authorization
}

/// Notes what is wrong with the list under `authorization`.
pub fn check(faults: &mut Faults, setting: Setting<'_>) {
    if let Some(value) = field(setting.value, EXEMPT_USERS) {
        let setting = Setting {
            prefix: PREFIX,
            key: EXEMPT_USERS,
            value,
        };
        Shape::List(&Shape::Text(values::user_pattern)).check(faults, setting);
    }
}

impl Authorization<'_> {
    /// Whether a user needs no permission to give a ServiceAccount its client ID.
    pub fn exempts(&self, user: &str) -> bool {
        let patterns = self.exempt_users.unwrap_or(CONTROLLERS);
        entries::has_match(&mut Reader::new(patterns), user).unwrap_or(false)
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::rejects_members;
    use super::*;

    #[test]
    fn controllers_are_exempt_unless_users_are_set() {
        let by = |exempt_users| Authorization {
            exempt_users,
            ..Authorization::default()
        };
        for (patterns, user, is_exempt) in [
            (
                None,
                "system:serviceaccount:kube-system:job-controller",
                true,
            ),
            (None, "system:serviceaccount:argocd:controller", false),
            (None, "jane", false),
            (
                Some("[]"),
                "system:serviceaccount:kube-system:job-controller",
                false,
            ),
            (
                Some(r#"["*@example.com","ops-?"]"#),
                "jane@example.com",
                true,
            ),
            (Some(r#"["*@example.com","ops-?"]"#), "ops-1", true),
            (Some(r#"["*@example.com","ops-?"]"#), "ops-10", false),
        ] {
            assert_eq!(by(patterns).exempts(user), is_exempt, "{patterns:?} {user}");
        }
    }

    #[test]
    fn off_without_quotes_is_off() {
        for value in ["\"Off\"", "false"] {
            let mut faults = Faults::default();
            let json = format!(r#"{{"mode":{value}}}"#);
            let setting = Setting {
                prefix: "",
                key: "authorization",
                value: &json,
            };
            let authorization = read(&mut faults, setting);
            assert_eq!(authorization.mode, Some(AuthorizationMode::Off));
            assert_eq!(faults.count(), 0);
        }
    }

    #[test]
    fn every_fault_has_its_place() {
        for (members, fault) in [
            (
                r#""mode":"serviceAccount""#,
                r#"mode: expected one of Off, ServiceAccount, ServiceAccountAndUser, found "serviceAccount"; help: did you mean ServiceAccount?"#,
            ),
            (
                r#""mode":true"#,
                "mode: expected one of Off, ServiceAccount, ServiceAccountAndUser, found true",
            ),
            (
                r#""verb":"*""#,
                r#"verb: expected a verb such as use-managed-identity, found "*""#,
            ),
            (
                r#""group":"""#,
                r#"group: expected an API group such as example.com, found """#,
            ),
            (
                r#""exemptUsers":"a""#,
                r#"exemptUsers: expected a list, found "a""#,
            ),
            (
                r#""exemptUsers":["a b"]"#,
                r#"exemptUsers[0]: expected a user name of visible ASCII characters, with * and ? for others, found "a b""#,
            ),
            (
                r#""verbs":"use""#,
                "verbs: there is no such setting; help: did you mean authorization.verb?",
            ),
        ] {
            let fault = format!("setting authorization.{fault}");
            rejects_members(&format!(r#""authorization":{{{members}}}"#), &[fault]);
        }
    }
}
