//! The security contexts of the proxy's containers.

use super::faults::Faults;
use super::shape::{Fields, Shape, field};
use crate::values;

/// A container's `SecurityContext`.
pub const SHAPE: Shape = Shape::Object(
    &[
        ("allowPrivilegeEscalation", Shape::Boolean),
        (
            "appArmorProfile",
            Shape::Object(
                &[
                    ("type", PROFILE_TYPES),
                    ("localhostProfile", Shape::Text(values::apparmor_profile)),
                ],
                check_profile,
            ),
        ),
        (
            "capabilities",
            Shape::Object(
                &[
                    ("add", Shape::List(&Shape::Text(values::capability))),
                    ("drop", Shape::List(&Shape::Text(values::capability))),
                ],
                |_, _| {},
            ),
        ),
        ("privileged", Shape::Boolean),
        ("procMount", Shape::Text(values::proc_mount)),
        ("readOnlyRootFilesystem", Shape::Boolean),
        ("runAsGroup", Shape::Id),
        ("runAsNonRoot", Shape::Boolean),
        ("runAsUser", Shape::Id),
        (
            "seLinuxOptions",
            Shape::Object(
                &[
                    ("user", Shape::Text(values::plain_string)),
                    ("role", Shape::Text(values::plain_string)),
                    ("type", Shape::Text(values::plain_string)),
                    ("level", Shape::Text(values::plain_string)),
                ],
                |_, _| {},
            ),
        ),
        (
            "seccompProfile",
            Shape::Object(
                &[
                    ("type", PROFILE_TYPES),
                    ("localhostProfile", Shape::Text(values::seccomp_profile)),
                ],
                check_profile,
            ),
        ),
        (
            "windowsOptions",
            Shape::Nothing("the proxy's images run on Linux only"),
        ),
    ],
    check,
);

const PROFILE_TYPES: Shape = Shape::OneOf(&["RuntimeDefault", "Localhost", "Unconfined"]);

/// What Kubernetes and the kubelet want of the fields together.
fn check(faults: &mut Faults, context: Fields<'_>) {
    if context.get("allowPrivilegeEscalation") == Some("false") {
        let setting = context.setting("allowPrivilegeEscalation", "false");
        if context.get("privileged") == Some("true") {
            faults.expected(setting, "true, because privileged is true");
        }
        let added = context
            .get("capabilities")
            .and_then(|capabilities| field(capabilities, "add"));
        if added.is_some_and(|added| values::mentions(added, "\"CAP_SYS_ADMIN\"")) {
            faults.expected(setting, "true, because CAP_SYS_ADMIN is added");
        }
    }
    if context.get("runAsNonRoot") == Some("true") && context.get("runAsUser") == Some("0") {
        let setting = context.setting("runAsUser", "0");
        faults.expected(
            setting,
            "another user than root, because runAsNonRoot is true",
        );
    }
}

/// A seccomp or AppArmor profile has a type, and the name of a profile only with one of the types.
fn check_profile(faults: &mut Faults, profile: Fields<'_>) {
    let name = "localhostProfile";
    match (profile.get("type"), profile.get(name)) {
        (None, _) => {
            faults.missing(
                profile.prefix,
                "type",
                "RuntimeDefault, Localhost or Unconfined",
                None,
            );
        }
        (Some("\"Localhost\""), None) => {
            let because = Some("type Localhost");
            faults.missing(profile.prefix, name, "a profile of the node", because);
        }
        (Some("\"RuntimeDefault\"" | "\"Unconfined\""), Some(value)) => {
            let setting = profile.setting(name, value);
            faults.expected(setting, "nothing, because type is not Localhost");
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests;

    #[track_caller]
    fn accepts(context: &str) {
        for name in ["securityContext", "initSecurityContext"] {
            tests::accepts_one(&format!(r#""proxy":{{"{name}":{context}}}"#));
        }
    }

    /// The faults, each without the words that are the same in all of them.
    #[track_caller]
    fn rejects(context: &str, faults: &[&str]) {
        for name in ["securityContext", "initSecurityContext"] {
            let faults: Vec<_> = faults
                .iter()
                .map(|fault| format!("setting proxy.{name}.{}", fault.replace("NAME", name)))
                .collect();
            tests::rejects_members(&format!(r#""proxy":{{"{name}":{context}}}"#), &faults);
        }
    }

    #[test]
    fn contexts_are_those_that_kubernetes_accepts() {
        for context in [
            "{}",
            r#"{"allowPrivilegeEscalation":false,"privileged":false,"readOnlyRootFilesystem":true,"runAsNonRoot":true,"runAsUser":1501,"runAsGroup":0}"#,
            r#"{"runAsUser":2147483647,"runAsGroup":2147483647}"#,
            r#"{"runAsNonRoot":false,"runAsUser":0}"#,
            r#"{"privileged":true,"allowPrivilegeEscalation":true}"#,
            r#"{"capabilities":{"add":["NET_ADMIN","CAP_NET_RAW"],"drop":["ALL"]}}"#,
            r#"{"capabilities":{"add":["CAP_SYS_ADMIN"]}}"#,
            r#"{"capabilities":{"drop":["CAP_SYS_ADMIN"]},"allowPrivilegeEscalation":false}"#,
            r#"{"capabilities":{"add":null,"drop":[]},"procMount":"Default"}"#,
            r#"{"seLinuxOptions":{"user":"","role":"r","type":"t","level":"s0:c1,c2"}}"#,
            r#"{"seccompProfile":{"type":"RuntimeDefault"},"appArmorProfile":{"type":"Unconfined"}}"#,
            r#"{"seccompProfile":{"type":"Localhost","localhostProfile":"a/b..c.json"}}"#,
            r#"{"appArmorProfile":{"type":"Localhost","localhostProfile":"/usr/../bin a"}}"#,
            r#"{"seccompProfile":{"type":"Unconfined","localhostProfile":null}}"#,
            r#"{"runAsUser":null,"privileged":null,"capabilities":null,"seccompProfile":null,"windowsOptions":null}"#,
        ] {
            accepts(context);
        }
    }

    #[test]
    fn every_field_has_its_type() {
        for name in [
            "allowPrivilegeEscalation",
            "privileged",
            "readOnlyRootFilesystem",
            "runAsNonRoot",
        ] {
            for (value, found) in [
                ("\"yes\"", "\"yes\""),
                ("0", "0"),
                ("{}", "an object"),
                ("[]", "a list"),
            ] {
                rejects(
                    &format!(r#"{{"{name}":{value}}}"#),
                    &[&format!("{name}: expected true or false, found {found}")],
                );
            }
        }
        for name in ["runAsUser", "runAsGroup"] {
            for value in [
                "\"0\"",
                "-1",
                "1.5",
                "1000.0",
                "1e3",
                "2147483648",
                "99999999999999999999",
                "true",
            ] {
                rejects(
                    &format!(r#"{{"{name}":{value}}}"#),
                    &[&format!(
                        "{name}: expected a whole number from 0 to 2147483647, found {value}"
                    )],
                );
            }
        }
        rejects(
            r#"{"capabilities":{"add":["NET_ADMIN",5,"",null,"A B"],"drop":"ALL"}}"#,
            &[
                "capabilities.add[1]: expected a capability such as NET_ADMIN, found 5",
                r#"capabilities.add[2]: expected a capability such as NET_ADMIN, found """#,
                "capabilities.add[3]: expected a capability such as NET_ADMIN, found null",
                r#"capabilities.add[4]: expected a capability such as NET_ADMIN, found "A B""#,
                r#"capabilities.drop: expected a list, found "ALL""#,
            ],
        );
        rejects(
            r#"{"capabilities":"ALL"}"#,
            &["capabilities: expected an object, found a string"],
        );
        rejects(
            r#"{"seLinuxOptions":{"user":5,"role":true,"type":[],"level":"a\n"}}"#,
            &[
                "seLinuxOptions.user: expected a string without control characters, found 5",
                "seLinuxOptions.role: expected a string without control characters, found true",
                "seLinuxOptions.type: expected a string without control characters, found a list",
                r#"seLinuxOptions.level: expected a string without control characters, found "a\n"; help: remove the white space around it"#,
            ],
        );
        rejects(
            r#"{"windowsOptions":{"runAsUserName":"x"}}"#,
            &[
                "windowsOptions: expected nothing, found an object; help: the proxy's images run on Linux only",
            ],
        );
    }

    #[test]
    fn unknown_fields_get_the_nearest_name() {
        rejects(
            r#"{"runAsUsr":0,"capabilities":{"ad":["X"]},"seLinuxOptions":{"lvel":"x"},"seccompProfile":{"typ":"Localhost"}}"#,
            &[
                "runAsUsr: there is no such setting; help: did you mean proxy.NAME.runAsUser?",
                "capabilities.ad: there is no such setting; help: did you mean proxy.NAME.capabilities.add?",
                "seLinuxOptions.lvel: there is no such setting; help: did you mean proxy.NAME.seLinuxOptions.level?",
                "seccompProfile.typ: there is no such setting; help: did you mean proxy.NAME.seccompProfile.type?",
            ],
        );
    }

    #[test]
    fn proc_is_mounted_as_by_default() {
        rejects(
            r#"{"procMount":"Unmasked"}"#,
            &[
                r#"procMount: expected Default, found "Unmasked"; help: Unmasked needs a pod with hostUsers: false"#,
            ],
        );
        rejects(
            r#"{"procMount":"default"}"#,
            &[r#"procMount: expected Default, found "default""#],
        );
    }

    #[test]
    fn profiles_have_a_type_and_a_name_if_it_is_localhost() {
        for profile in ["seccompProfile", "appArmorProfile"] {
            for (value, fault) in [
                (
                    "{}",
                    ".type: required: expected RuntimeDefault, Localhost or Unconfined, found nothing",
                ),
                (
                    r#"{"type":"localhost"}"#,
                    r#".type: expected one of RuntimeDefault, Localhost, Unconfined, found "localhost"; help: did you mean Localhost?"#,
                ),
                (
                    r#"{"type":"Localhost"}"#,
                    ".localhostProfile: required: expected a profile of the node, because type Localhost is set, found nothing",
                ),
                (
                    r#"{"type":"Unconfined","localhostProfile":"a"}"#,
                    r#".localhostProfile: expected nothing, because type is not Localhost, found "a""#,
                ),
            ] {
                rejects(
                    &format!(r#"{{"{profile}":{value}}}"#),
                    &[&format!("{profile}{fault}")],
                );
            }
        }
        for path in ["", "/a", "../a", "a/.."] {
            rejects(
                &format!(
                    r#"{{"seccompProfile":{{"type":"Localhost","localhostProfile":"{path}"}}}}"#
                ),
                &[&format!(
                    r#"seccompProfile.localhostProfile: expected a relative path without "..", found "{path}""#
                )],
            );
        }
        rejects(
            r#"{"appArmorProfile":{"type":"Localhost","localhostProfile":" a"}}"#,
            &[
                r#"appArmorProfile.localhostProfile: expected the name of a profile, found " a"; help: remove the white space around it"#,
            ],
        );
        let long = "a".repeat(4096);
        let shown = format!("{}...{}", "a".repeat(29), "a".repeat(28));
        rejects(
            &format!(r#"{{"appArmorProfile":{{"type":"Localhost","localhostProfile":"{long}"}}}}"#),
            &[&format!(
                r#"appArmorProfile.localhostProfile: expected the name of a profile, found "{shown}""#
            )],
        );
    }

    #[test]
    fn fields_do_not_contradict_each_other() {
        rejects(
            r#"{"privileged":true,"allowPrivilegeEscalation":false,"capabilities":{"add":["CAP_SYS_ADMIN"]}}"#,
            &[
                "allowPrivilegeEscalation: expected true, because privileged is true, found false",
                "allowPrivilegeEscalation: expected true, because CAP_SYS_ADMIN is added, found false",
            ],
        );
        rejects(
            r#"{"runAsNonRoot":true,"runAsUser":0}"#,
            &["runAsUser: expected another user than root, because runAsNonRoot is true, found 0"],
        );
    }
}
