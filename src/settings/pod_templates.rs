//! Setting `podTemplates`: kinds that are not built into Kubernetes, and where each says what its pods are.

use std::borrow::Cow;
use std::collections::HashMap;

use super::entries;
use super::faults::{Faults, Setting};
use super::shape::{Fields, Shape, field};
use crate::findings::{Found, Problem};
use crate::json::{Fault, Reader, each_item};
use crate::pod_paths::{PodPaths, split};
use crate::values;

/// The name of the setting.
pub const NAME: &str = "podTemplates";

/// The descriptions, as JSON: a list with one entry at least.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PodTemplates<'s>(&'s str);

const API_GROUP: &str = "apiGroup";
const KIND: &str = "kind";
const TEMPLATE: &str = "template";
const LABELS: &str = "labels";
const ANNOTATIONS: &str = "annotations";
const SERVICE_ACCOUNT_NAME: &str = "serviceAccountName";

/// The maximum number of entries of one kind.
const ENTRIES: usize = 8;

/// The kinds that the policy knows by itself, each behind its API group.
const KNOWN: [(&str, &str); 9] = [
    ("", "Pod"),
    ("", "ServiceAccount"),
    ("", "ReplicationController"),
    ("apps", "Deployment"),
    ("apps", "ReplicaSet"),
    ("apps", "StatefulSet"),
    ("apps", "DaemonSet"),
    ("batch", "Job"),
    ("batch", "CronJob"),
];

const SHAPE: Shape = Shape::List(&Shape::Object(
    &[
        (API_GROUP, Shape::Text(values::any_api_group)),
        (KIND, Shape::Text(values::kind)),
        (TEMPLATE, Shape::Text(values::list_path)),
        (LABELS, Shape::Text(values::field_path)),
        (ANNOTATIONS, Shape::Text(values::field_path)),
        (SERVICE_ACCOUNT_NAME, Shape::Text(values::field_path)),
    ],
    check_entry,
));

/// Takes the setting as it is; `None` if it has no entries.
pub fn read<'s>(faults: &mut Faults, setting: Setting<'s>) -> Option<PodTemplates<'s>> {
    entries::list(faults, setting).map(PodTemplates::new)
}

/// Notes everything that is wrong with the setting.
pub fn check(faults: &mut Faults, setting: Setting<'_>) {
    let before = faults.count();
    SHAPE.check(faults, setting);
    if faults.count() == before {
        check_repeats(faults, setting);
    }
}

/// An entry says of which kind it is, and has one of the two forms.
fn check_entry(faults: &mut Faults, entry: Fields<'_>) {
    entries::check_entry(faults, entry, &[]);
    if entry.object.value == "null" {
        return;
    }
    for (name, expected) in [
        (API_GROUP, "an API group such as example.com"),
        (KIND, "a kind such as Rollout"),
    ] {
        if entry.get(name).is_none() {
            faults.missing(entry.prefix, name, expected, None);
        }
    }
    let text = |name| entry.get(name).unwrap_or_default().trim_matches('"');
    if KNOWN.contains(&(text(API_GROUP), text(KIND))) && entry.get(API_GROUP).is_some() {
        let setting = entry.setting(KIND, entry.get(KIND).unwrap_or_default());
        faults.expected(setting, "a kind that the policy does not know by itself");
    }
    let labels = entry.get(LABELS);
    let parts = [LABELS, ANNOTATIONS, SERVICE_ACCOUNT_NAME];
    if entry.get(TEMPLATE).is_some() {
        for name in parts {
            if let Some(value) = entry.get(name) {
                let setting = entry.setting(name, value);
                faults.expected(setting, "nothing, because template is set");
            }
        }
        return;
    }
    for name in [ANNOTATIONS, SERVICE_ACCOUNT_NAME] {
        let Some(value) = entry.get(name) else {
            continue;
        };
        if labels.is_none() {
            faults.missing(entry.prefix, LABELS, values::FIELD_PATH, Some(name));
            return;
        }
        let (lists, _) = split(value.trim_matches('"'));
        if !lists.is_empty() && lists != split(text(LABELS)).0 {
            let expected = "a path through the same lists as that of the labels, or through none";
            faults.expected(entry.setting(name, value), expected);
        }
    }
    if labels.is_none() {
        let problem = Problem::SettingMissing {
            expected: "one of template and labels",
            because: None,
        };
        faults.add(entry.object.about(), problem);
    }
}

/// Notes an entry that says the same as one before it, and more of one kind than are read.
fn check_repeats(faults: &mut Faults, list: Setting<'_>) {
    let path = &list.path();
    let mut kinds = Vec::new();
    let mut places = Vec::new();
    let _: Result<_, _> = each_item(&mut Reader::new(list.value), &mut |_, reader| {
        let entry = reader.raw()?;
        let text = |name| field(entry, name).unwrap_or_default();
        let kind = [text(API_GROUP), text(KIND)].concat();
        places.push([&*kind, text(TEMPLATE), " ", text(LABELS)].concat());
        kinds.push(kind);
        Ok(true)
    });
    entries::note_repeats(faults, path, &places);
    let mut counts = HashMap::<&str, usize>::new();
    for (index, kind) in kinds.iter().enumerate() {
        let count = counts.entry(kind).or_insert(0);
        *count = count.saturating_add(1);
        if *count > ENTRIES {
            faults.add_item(path, index, || Problem::SettingMalformed {
                expected: "at most 8 entries of one kind".into(),
                found: Found::Kind("one more"),
                hint: None,
            });
        }
    }
}

impl<'s> PodTemplates<'s> {
    /// The descriptions that this list has.
    pub fn new(list: &'s str) -> Self {
        Self(list)
    }

    /// Those of settings in JSON, whatever else is in them.
    pub fn in_settings(settings: &'s str) -> Option<Self> {
        field(settings, NAME).map(Self)
    }

    /// Where objects of a kind say what their pods are.
    pub fn paths_of(self, group: &str, kind: &str) -> Vec<PodPaths<'s>> {
        let mut found = Vec::new();
        // Of a list that cannot be read, what was read of it counts.
        let _: Result<_, _> = each_item(&mut Reader::new(self.0), &mut |_, reader| {
            let paths = paths(reader, group, kind)?;
            if found.len() < ENTRIES {
                found.extend(paths);
            }
            Ok(true)
        });
        found
    }
}

/// The paths in the entry that `reader` is in front of, if it is about this kind.
fn paths<'s>(
    reader: &mut Reader<'s>,
    group: &str,
    kind: &str,
) -> Result<Option<PodPaths<'s>>, Fault> {
    let mut is_about = true;
    let mut template = None;
    let mut labels = None;
    let mut annotations = None;
    let mut service_account_name = None;
    reader.object("an object", |key, reader| {
        let Some(text) = reader.optional_string("a string")? else {
            return Ok(());
        };
        match key {
            API_GROUP => is_about &= text == group,
            KIND => is_about &= text == kind,
            // How deep a search goes, the path says.
            _ if values::list_path(&text).is_err() => is_about = false,
            TEMPLATE => template = Some(text),
            LABELS => labels = Some(text),
            ANNOTATIONS => annotations = Some(text),
            SERVICE_ACCOUNT_NAME => service_account_name = Some(text),
            _ => is_about = false,
        }
        Ok(())
    })?;
    let parts = |labels: Cow<'s, str>| PodPaths::Parts {
        labels,
        annotations,
        service_account_name,
    };
    let paths = template.map(PodPaths::Template).or(labels.map(parts));
    Ok(paths.filter(|_| is_about))
}

#[cfg(test)]
mod tests {
    use super::super::tests::{accepts_one, rejects_members};
    use super::*;
    use crate::objects::WorkloadKind;

    const PATH: &str = values::FIELD_PATH;
    const TEMPLATES: &str = values::LIST_PATH;

    #[track_caller]
    fn rejects(entries: &str, faults: &[String]) {
        let faults: Vec<_> = faults
            .iter()
            .map(|fault| format!("setting podTemplates{fault}"))
            .collect();
        rejects_members(&format!(r#""podTemplates":{entries}"#), &faults);
    }

    #[test]
    fn lists_without_a_fault_are_accepted() {
        for entries in [
            "null",
            "[]",
            r#"[{"apiGroup":"argoproj.io","kind":"Rollout","template":"spec.template"}]"#,
            r#"[{"apiGroup":"","kind":"PodTemplate","template":"template","labels":null}]"#,
            r#"[{"apiGroup":"a.b","kind":"K","labels":"metadata.labels"}]"#,
            r#"[{"apiGroup":"a.b","kind":"K8sThing","template":"a_b.c-d[].e[]"},{"apiGroup":"a.b","kind":"K8sThing","template":"a_b"}]"#,
            r#"[{"apiGroup":"a.b","kind":"K","labels":"a[].b[].labels","annotations":"a[].b[].annotations","serviceAccountName":"spec.sa"}]"#,
            r#"[{"apiGroup":"a.b","kind":"K","template":"a.b.c.d.e.f.g.h.i.j.k.l"},{"apiGroup":"c.b","kind":"K","template":"a.b.c.d.e.f.g.h.i.j.k.l"}]"#,
        ] {
            accepts_one(&format!(r#""podTemplates":{entries}"#));
        }
    }

    #[test]
    fn every_fault_has_its_place() {
        rejects("{}", &[": expected a list, found an object".to_owned()]);
        rejects(
            r#"[null,"a",{},{"apiGroup":"argoproj.io","kind":"Rollout","template":"spec..template"},{"apigroup":"a.b","kind":"K","template":"a"},{"apiGroup":"A","kind":"rollout","template":5}]"#,
            &[
                "[0]: expected an object, found null".to_owned(),
                "[1]: expected an object, found a string".to_owned(),
                "[2].apiGroup: required: expected an API group such as example.com, found nothing"
                    .to_owned(),
                "[2].kind: required: expected a kind such as Rollout, found nothing".to_owned(),
                "[2]: required: expected one of template and labels, found nothing".to_owned(),
                format!(r#"[3].template: expected {TEMPLATES}, found "spec..template""#),
                "[4].apigroup: there is no such setting; help: did you mean podTemplates[4].apiGroup?".to_owned(),
                r#"[5].apiGroup: expected an API group such as example.com, or an empty string for the core group, found "A""#.to_owned(),
                r#"[5].kind: expected a kind such as Rollout, found "rollout""#.to_owned(),
                format!("[5].template: expected {TEMPLATES}, found 5"),
            ],
        );
    }

    #[test]
    fn paths_are_plain_and_short() {
        let long = ["a"; 13].join(".");
        for path in [
            "", ".", "a.", ".a", "a..b", "[]", "a.[]", "a[0]", "a[", "a[]b", "a/b", "a b", "$.a",
            "a[][]", "é", &long,
        ] {
            rejects(
                &format!(r#"[{{"apiGroup":"a.b","kind":"K","template":"{path}"}}]"#),
                &[format!(
                    "[0].template: expected {TEMPLATES}, found \"{path}\""
                )],
            );
        }
        rejects(
            r#"[{"apiGroup":"a.b","kind":"K","labels":"a.labels[]"}]"#,
            &[format!(
                r#"[0].labels: expected {PATH}, found "a.labels[]""#
            )],
        );
        rejects(
            r#"[{"apiGroup":"a.b","kind":"K","template":" a"}]"#,
            &[format!(
                r#"[0].template: expected {TEMPLATES}, found " a"; help: remove the white space around it"#
            )],
        );
    }

    #[test]
    fn an_entry_has_one_form() {
        rejects(
            r#"[{"apiGroup":"a.b","kind":"K","template":"t","labels":"l","annotations":"a","serviceAccountName":"s"}]"#,
            &[
                r#"[0].labels: expected nothing, because template is set, found "l""#.to_owned(),
                r#"[0].annotations: expected nothing, because template is set, found "a""#
                    .to_owned(),
                r#"[0].serviceAccountName: expected nothing, because template is set, found "s""#
                    .to_owned(),
            ],
        );
        rejects(
            r#"[{"apiGroup":"a.b","kind":"K","annotations":"a","serviceAccountName":"s"}]"#,
            &[format!(
                "[0].labels: required: expected {PATH}, because annotations is set, found nothing"
            )],
        );
        let lists = "expected a path through the same lists as that of the labels, or through none";
        rejects(
            r#"[{"apiGroup":"a.b","kind":"K","labels":"a[].labels","annotations":"b[].a","serviceAccountName":"a[].b[].c"}]"#,
            &[
                format!(r#"[0].annotations: {lists}, found "b[].a""#),
                format!(r#"[0].serviceAccountName: {lists}, found "a[].b[].c""#),
            ],
        );
    }

    #[test]
    fn kinds_that_the_policy_knows_are_not_described() {
        for (group, kind) in KNOWN {
            assert!(
                WorkloadKind::find(group, kind).is_some()
                    || ["Pod", "ServiceAccount"].contains(&kind),
                "{kind}"
            );
            rejects(
                &format!(r#"[{{"apiGroup":"{group}","kind":"{kind}","template":"t"}}]"#),
                &[format!(
                    r#"[0].kind: expected a kind that the policy does not know by itself, found "{kind}""#
                )],
            );
            accepts_one(&format!(
                r#""podTemplates":[{{"apiGroup":"other.io","kind":"{kind}","template":"t"}}]"#
            ));
        }
        assert_eq!(crate::objects::KINDS.len() + 2, KNOWN.len());
    }

    #[test]
    fn what_is_there_twice_or_too_often_is_a_fault() {
        rejects(
            r#"[{"apiGroup":"a.b","kind":"K","template":"t"},{"apiGroup":"a.b","kind":"K","labels":"t"},{"apiGroup":"a.b","kind":"L","template":"t"},{"apiGroup":"a.b","kind":"K","template":"t"}]"#,
            &["[3]: is the same as podTemplates[0]; help: remove one of them".to_owned()],
        );
        let entries: Vec<_> = (0..9)
            .map(|index| format!(r#"{{"apiGroup":"a.b","kind":"K","template":"t{index}"}}"#))
            .collect();
        rejects(
            &format!("[{}]", entries.join(",")),
            &["[8]: expected at most 8 entries of one kind, found one more".to_owned()],
        );
    }

    #[test]
    fn the_paths_are_those_of_the_kind() {
        let list = r#"[{"apiGroup":"a.b","kind":"K","template":"t"},{"apiGroup":"a.b","kind":"L","template":"u"},{"apiGroup":"a.b","kind":"K","labels":"l","annotations":null,"serviceAccountName":"s"},{"apiGroup":"a.b","kind":"K"},{"apiGroup":"a.b","kind":"K","template":"v","unknown":"w"}]"#;
        let paths = PodTemplates::new(list).paths_of("a.b", "K");
        assert_eq!(
            paths,
            [
                PodPaths::Template("t".into()),
                PodPaths::Parts {
                    labels: "l".into(),
                    annotations: None,
                    service_account_name: Some("s".into()),
                },
            ]
        );
        assert_eq!(PodTemplates::new(list).paths_of("", "K"), []);
        let deep = format!(
            r#"[{{"apiGroup":"a.b","kind":"K","template":"{}"}}]"#,
            ["a"; 13].join(".")
        );
        assert_eq!(PodTemplates::new(&deep).paths_of("a.b", "K"), []);
        assert_eq!(PodTemplates::new("5").paths_of("a.b", "K"), []);
        let settings = format!(r#"{{"azureTenantID":"x","podTemplates":{list}}}"#);
        assert_eq!(
            PodTemplates::in_settings(&settings),
            Some(PodTemplates::new(list))
        );
        assert_eq!(PodTemplates::in_settings("{}"), None);
    }
}
