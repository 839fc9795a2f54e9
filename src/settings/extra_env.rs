//! Setting `extraEnv`: further environment variables with the same identity, for tools that have names of their own.

use std::borrow::Cow;

use super::entries;
use super::faults::{Faults, Setting};
use super::shape::{Fields, Shape, field as field_of};
use crate::findings::{Found, Problem};
use crate::json::{Reader, each_item};
use crate::keys;
use crate::messages::Excerpt;
use crate::values;

/// The name of the setting.
pub const NAME: &str = "extraEnv";

/// The variables, as JSON: a list with one entry at least.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ExtraEnv<'s>(&'s str);

/// A further environment variable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExtraVar<'s> {
    /// Its name.
    pub name: Cow<'s, str>,
    /// Its value.
    pub value: ExtraValue<'s>,
}

/// What a further variable says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ExtraValue<'s> {
    /// Always the same.
    Text(Cow<'s, str>),
    /// A part of the identity.
    Of(IdentityPart),
}

/// A part of an identity that a variable can have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IdentityPart {
    /// The client ID.
    ClientId,
    /// The tenant ID.
    TenantId,
    /// The URL of the cloud's Entra endpoint.
    AuthorityHost,
    /// The path of the token in the container.
    TokenFile,
    /// The audience of the token.
    Audience,
}

const VARIABLE: &str = "name";
const VALUE: &str = "value";
const FROM: &str = "from";
const PRESET: &str = "preset";

const PARTS: [(&str, IdentityPart); 5] = [
    ("ClientID", IdentityPart::ClientId),
    ("TenantID", IdentityPart::TenantId),
    ("AuthorityHost", IdentityPart::AuthorityHost),
    ("TokenFile", IdentityPart::TokenFile),
    ("Audience", IdentityPart::Audience),
];

/// The maximum number of variables: each is looked for in each container.
const VARIABLES: usize = 32;

const fn of(part: IdentityPart) -> ExtraValue<'static> {
    ExtraValue::Of(part)
}

const fn text(text: &'static str) -> ExtraValue<'static> {
    ExtraValue::Text(Cow::Borrowed(text))
}

#[allow(
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    reason = "it runs when the code is compiled"
)]
const fn names<T, const N: usize>(all: &[(&'static str, T); N]) -> [&'static str; N] {
    let mut names = [""; N];
    let mut index = 0;
    while index < N {
        names[index] = all[index].0;
        index += 1;
    }
    names
}

type Variables = [(&'static str, ExtraValue<'static>)];

/// What tools read, by their documentation, which docs/variables.md names.
const PRESETS: [(&str, &Variables); 5] = [
    (
        "Terraform",
        &[
            ("ARM_USE_OIDC", text("true")),
            ("ARM_CLIENT_ID", of(IdentityPart::ClientId)),
            ("ARM_TENANT_ID", of(IdentityPart::TenantId)),
            ("ARM_OIDC_TOKEN_FILE_PATH", of(IdentityPart::TokenFile)),
        ],
    ),
    ("Ansible", &[("AZURE_TENANT", of(IdentityPart::TenantId))]),
    ("AzureSDK", &[("AZURE_TOKEN_CREDENTIALS", text("prod"))]),
    ("AzCopy", &[("AZCOPY_AUTO_LOGIN_TYPE", text("WORKLOAD"))]),
    (
        "Kubelogin",
        &[("AAD_LOGIN_METHOD", text("workloadidentity"))],
    ),
];

const SHAPE: Shape = Shape::List(&Shape::Object(
    &[
        (VARIABLE, Shape::Text(values::env_name)),
        (VALUE, Shape::Text(values::env_value)),
        (FROM, Shape::OneOf(&names(&PARTS))),
        (PRESET, Shape::OneOf(&names(&PRESETS))),
    ],
    check_entry,
));

/// Takes the setting as it is; `None` if it has no entries.
pub fn read<'s>(faults: &mut Faults, setting: Setting<'s>) -> Option<ExtraEnv<'s>> {
    entries::list(faults, setting).map(ExtraEnv::new)
}

/// Notes everything that is wrong with the setting.
pub fn check(faults: &mut Faults, setting: Setting<'_>) {
    let before = faults.count();
    SHAPE.check(faults, setting);
    if faults.count() == before {
        check_names(faults, setting);
    }
}

/// An entry is a preset, or a name with one source of its value.
fn check_entry(faults: &mut Faults, entry: Fields<'_>) {
    if entry.object.value == "null" {
        faults.expected(entry.object, "an object");
        return;
    }
    let has = |name| entry.get(name).is_some();
    if has(PRESET) {
        for name in [VARIABLE, VALUE, FROM] {
            if let Some(value) = entry.get(name) {
                faults.expected(
                    entry.setting(name, value),
                    "nothing, because preset says which variables there are",
                );
            }
        }
        return;
    }
    if !has(VARIABLE) {
        faults.missing(entry.prefix, VARIABLE, values::ENV_NAME, None);
    }
    if has(VALUE) == has(FROM) {
        let problem = Problem::SettingMissing {
            expected: "either value or from",
            because: None,
        };
        match entry.get(FROM) {
            Some(value) => faults.expected(
                entry.setting(FROM, value),
                "nothing, because value says it all",
            ),
            None => faults.add(entry.object.about(), problem),
        }
    }
}

/// Notes variables that the policy injects anyway, or that are there twice, and too many of them.
fn check_names(faults: &mut Faults, setting: Setting<'_>) {
    let path = setting.path();
    let mut all = Vec::new();
    let mut entries = Vec::new();
    let _: Result<_, _> = each_item(&mut Reader::new(setting.value), &mut |index, reader| {
        add_variables(reader.raw()?, &mut all);
        entries.resize(all.len(), index);
        Ok(all.len() <= VARIABLES)
    });
    for (place, (ExtraVar { name, .. }, index)) in all.iter().zip(&entries).enumerate() {
        if keys::ENV.contains(&&**name) || name == keys::PROXY_PORT {
            let problem = Problem::SettingMalformed {
                expected: "a name of your own: the policy injects this one already".into(),
                found: Found::Text(Excerpt::new(name)),
                hint: None,
            };
            faults.add_at(&path, &format!("[{index}].{VARIABLE}"), problem);
        }
        let first = all.iter().take(place).position(|known| known.name == *name);
        if let Some(first) = first.and_then(|first| entries.get(first)) {
            faults.add_item(&path, *index, || Problem::SettingNamesAgain {
                name: Excerpt::new(name),
                first: Excerpt::new(&format!("{path}[{first}]")),
            });
        }
    }
    if all.len() > VARIABLES {
        faults.expected_but(setting, "at most 32 variables", "more");
    }
}

impl<'s> ExtraEnv<'s> {
    /// The variables that this list has.
    pub fn new(list: &'s str) -> Self {
        Self(list)
    }

    /// The variables, in order.
    pub fn variables(self) -> Vec<ExtraVar<'s>> {
        let mut all = Vec::new();
        // Of a list that cannot be read, what was read of it counts.
        let _: Result<_, _> = each_item(&mut Reader::new(self.0), &mut |_, reader| {
            add_variables(reader.raw()?, &mut all);
            Ok(all.len() < VARIABLES)
        });
        all.truncate(VARIABLES);
        all
    }
}

/// Adds the variables of an entry.
#[inline(never)]
fn add_variables<'s>(entry: &'s str, all: &mut Vec<ExtraVar<'s>>) {
    let text = |field: &str| {
        let value = field_of(entry, field)?;
        Reader::new(value).string("a string").ok()
    };
    if let Some(preset) = text(PRESET).and_then(|name| named(&PRESETS, &name)) {
        all.extend(preset.iter().map(|(name, value)| ExtraVar {
            name: Cow::Borrowed(name),
            value: value.clone(),
        }));
        return;
    }
    let part = || text(FROM).and_then(|name| named(&PARTS, &name));
    let value = match text(VALUE) {
        Some(value) => Some(ExtraValue::Text(value)),
        None => part().map(ExtraValue::Of),
    };
    if let Some((name, value)) = text(VARIABLE).zip(value) {
        all.push(ExtraVar { name, value });
    }
}

fn named<T: Copy>(all: &[(&str, T)], name: &str) -> Option<T> {
    let found = all.iter().find(|(known, _)| *known == name);
    found.map(|(_, meaning)| *meaning)
}

#[cfg(test)]
mod tests {
    use super::super::tests::{accepts_one, rejects_members};
    use super::*;

    #[track_caller]
    fn rejects(entries: &str, faults: &[&str]) {
        let faults: Vec<_> = faults
            .iter()
            .map(|fault| format!("setting {fault}"))
            .collect();
        rejects_members(&format!(r#""extraEnv":{entries}"#), &faults);
    }

    #[test]
    fn lists_without_a_fault_are_accepted() {
        for entries in [
            "null",
            "[]",
            r#"[{"name":"ARM_USE_OIDC","value":"true"}]"#,
            r#"[{"name":"a.b-c_D1","from":"ClientID","value":null,"preset":null}]"#,
            r#"[{"preset":"Terraform"},{"preset":"Ansible"},{"preset":"AzureSDK"},{"preset":"AzCopy"},{"preset":"Kubelogin"}]"#,
            r#"[{"name":"A","from":"TenantID"},{"name":"B","from":"AuthorityHost"},{"name":"C","from":"TokenFile"},{"name":"D","from":"Audience"},{"name":"a","value":"$(A)"}]"#,
        ] {
            accepts_one(&format!(r#""extraEnv":{entries}"#));
        }
    }

    #[test]
    fn every_fault_has_its_place() {
        let name = "the name of an environment variable: at most 253 letters, digits, underscores, hyphens and dots, no digit first";
        rejects("{}", &["extraEnv: expected a list, found an object"]);
        rejects("[null]", &["extraEnv[0]: expected an object, found null"]);
        rejects(
            r#"[{}, {"name": "A"}, {"value": "a"}]"#,
            &[
                &format!("extraEnv[0].name: required: expected {name}, found nothing"),
                "extraEnv[0]: required: expected either value or from, found nothing",
                "extraEnv[1]: required: expected either value or from, found nothing",
                &format!("extraEnv[2].name: required: expected {name}, found nothing"),
            ],
        );
        rejects(
            r#"[{"name": "1A", "value": "a\nb"}, {"name": "A", "value": "b", "from": "ClientID"}, {"preset": "terraform", "name": "B"}, {"name": "C", "fom": "ClientID"}]"#,
            &[
                &format!("extraEnv[0].name: expected {name}, found \"1A\""),
                "extraEnv[0].value: expected a text of 1 to 253 characters, none of them a control character, found \"a\\nb\"",
                "extraEnv[1].from: expected nothing, because value says it all, found \"ClientID\"",
                "extraEnv[2].preset: expected one of Terraform, Ansible, AzureSDK, AzCopy, Kubelogin, found \"terraform\"; help: did you mean Terraform?",
                "extraEnv[2].name: expected nothing, because preset says which variables there are, found \"B\"",
                "extraEnv[3].fom: there is no such setting; help: did you mean extraEnv[3].from?",
                "extraEnv[3]: required: expected either value or from, found nothing",
            ],
        );
    }

    #[test]
    fn each_name_is_there_once_and_not_one_of_ours() {
        rejects(
            r#"[{"name": "AZURE_CLIENT_ID", "from": "ClientID"}, {"preset": "Terraform"}, {"name": "ARM_CLIENT_ID", "value": "a"}]"#,
            &[
                "extraEnv[0].name: expected a name of your own: the policy injects this one already, found \"AZURE_CLIENT_ID\"",
                "extraEnv[2]: expected each variable once, found ARM_CLIENT_ID in extraEnv[1] too",
            ],
        );
        let many = |count: usize| {
            let entries: Vec<_> = (0..count)
                .map(|index| format!(r#"{{"name":"A{index}","value":"a"}}"#))
                .collect();
            format!("[{}]", entries.join(","))
        };
        accepts_one(&format!(r#""extraEnv":{}"#, many(32)));
        rejects(
            &many(33),
            &["extraEnv: expected at most 32 variables, found more"],
        );
    }

    #[test]
    fn a_preset_is_its_variables() {
        let list =
            r#"[{"preset":"Terraform"},{"from":"Audience","name":"A"},{"value":"b","name":"B"}]"#;
        let found: Vec<_> = ExtraEnv::new(list)
            .variables()
            .into_iter()
            .map(|var| (var.name.into_owned(), var.value))
            .collect();
        let part = |name: &str, part| (name.to_owned(), ExtraValue::Of(part));
        assert_eq!(
            found,
            [
                ("ARM_USE_OIDC".to_owned(), ExtraValue::Text("true".into())),
                part("ARM_CLIENT_ID", IdentityPart::ClientId),
                part("ARM_TENANT_ID", IdentityPart::TenantId),
                part("ARM_OIDC_TOKEN_FILE_PATH", IdentityPart::TokenFile),
                part("A", IdentityPart::Audience),
                ("B".to_owned(), ExtraValue::Text("b".into())),
            ]
        );
    }
}
