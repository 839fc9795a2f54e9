//! Where objects of kinds that are not built in say what their pods are, and what is found there.

use std::borrow::Cow;

use crate::json::{Fault, Reader};
use crate::values::EACH_ITEM;

/// The maximum number of items of a list, and of pods of an object, that are looked at.
pub const PODS: usize = 16;

/// Where objects of a kind say what some of their pods are: paths of fields. A step may go through a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PodPaths<'s> {
    /// There is a whole pod template.
    Template(Cow<'s, str>),
    /// There are parts of one.
    Parts {
        /// The labels.
        labels: Cow<'s, str>,
        /// The annotations.
        annotations: Option<Cow<'s, str>>,
        /// The name of the ServiceAccount.
        service_account_name: Option<Cow<'s, str>>,
    },
}

/// What an object says of some of its pods, as JSON, each part with its path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FoundPod<'a> {
    /// A whole pod template.
    Template(Part<'a>),
    /// Parts of one, which may be missing.
    Parts {
        /// The labels.
        labels: Part<'a>,
        /// The annotations; nothing if nobody says where they are.
        annotations: Option<Part<'a>>,
        /// The name of the ServiceAccount; nothing if nobody says where it is.
        service_account_name: Option<Part<'a>>,
    },
}

/// A value and its path.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Part<'a> {
    /// The path, with the indices of items.
    pub path: String,
    /// The value, as JSON; null if it is missing.
    pub json: &'a str,
}

/// What an object says at all of these paths, which is read once: nothing about templates that are missing.
///
/// # Errors
///
/// A [`Fault`] if something on the way is not an object or a list, as the path has it.
pub fn find<'a>(paths: &[PodPaths<'_>], object: &'a str) -> Result<Vec<FoundPod<'a>>, Fault> {
    let mut wanted = Vec::new();
    for paths in paths {
        match paths {
            PodPaths::Template(path) => wanted.push(&**path),
            PodPaths::Parts {
                labels,
                annotations,
                service_account_name,
            } => {
                let others = [annotations, service_account_name];
                let (lists, _) = split(labels);
                wanted.extend([lists, labels]);
                wanted.extend(others.into_iter().flatten().map(|path| &**path));
            }
        }
    }
    let all = wanted.iter().copied().enumerate();
    let steps: Vec<_> = all.filter(|(_, path)| !path.is_empty()).collect();
    let mut search = Search::default();
    search.object(&mut Reader::new(object), "", &steps)?;
    let mut pods = Vec::new();
    let mut next: usize = 0;
    let mut index = || {
        next = next.saturating_add(1);
        next.saturating_sub(1)
    };
    for paths in paths {
        match paths {
            PodPaths::Template(_) => {
                let templates = search.take(index());
                let templates = templates.into_iter().filter(|part| part.json != NULL);
                pods.extend(templates.map(FoundPod::Template));
            }
            PodPaths::Parts {
                labels,
                annotations,
                service_account_name,
            } => {
                let (lists, _) = split(labels);
                let mut items = search.take(index());
                if lists.is_empty() {
                    items = vec![Part::default()];
                }
                let mut parts = |path: &str| (search.take(index()), path.to_owned());
                let labels = parts(labels);
                let annotations = annotations.as_deref().map(&mut parts);
                let service_account_name = service_account_name.as_deref().map(&mut parts);
                for item in items {
                    let part = |(found, path): &(Vec<Part<'a>>, String)| {
                        let (own_lists, rest) = split(path);
                        let path = match own_lists {
                            "" => path.clone(),
                            _ => joined(&item.path, rest),
                        };
                        let part = found.iter().rev().find(|part| part.path == path);
                        part.cloned().unwrap_or(Part { path, json: NULL })
                    };
                    pods.push(FoundPod::Parts {
                        labels: part(&labels),
                        annotations: annotations.as_ref().map(part),
                        service_account_name: service_account_name.as_ref().map(part),
                    });
                }
            }
        }
    }
    Ok(pods)
}

/// What is wanted: its index, and the rest of its path.
type Wanted<'p> = (usize, &'p str);

/// A search for values at several paths.
#[derive(Default)]
struct Search<'a> {
    /// The index of what was wanted, and what was found.
    found: Vec<(usize, Part<'a>)>,
}

impl<'a> Search<'a> {
    /// Reads an object with something in it that is wanted. How deep this goes, the paths say, not the object.
    fn object(
        &mut self,
        reader: &mut Reader<'a>,
        path: &str,
        wanted: &[Wanted<'_>],
    ) -> Result<(), Fault> {
        let read = reader.object("an object", |key, reader| {
            let mut fields = Vec::new();
            let mut items = Vec::new();
            for (index, path) in wanted {
                let (step, rest) = path.split_once('.').unwrap_or((path, ""));
                if step == key {
                    fields.push((*index, rest));
                } else if step.strip_suffix(EACH_ITEM) == Some(key) {
                    items.push((*index, rest));
                }
            }
            if !fields.is_empty() || !items.is_empty() {
                let path = joined(path, key);
                if !items.is_empty() {
                    self.items(&mut reader.clone(), &path, &items)?;
                }
                if !fields.is_empty() {
                    return self.value(reader, path, &fields);
                }
            }
            reader.skip().map(|_| ())
        });
        read.map(|_| ())
    }

    /// Reads the first items of a list.
    fn items(
        &mut self,
        reader: &mut Reader<'a>,
        path: &str,
        wanted: &[Wanted<'_>],
    ) -> Result<(), Fault> {
        let mut count: usize = 0;
        let read = reader.list("a list", |index, reader| {
            if count >= PODS {
                return reader.skip().map(|_| ());
            }
            if reader.null().is_some() {
                return Ok(());
            }
            count = count.saturating_add(1);
            self.value(reader, format!("{path}[{index}]"), wanted)
        });
        read.map(|_| ())
    }

    /// Reads a value that is wanted, or has something in it that is.
    fn value(
        &mut self,
        reader: &mut Reader<'a>,
        path: String,
        wanted: &[Wanted<'_>],
    ) -> Result<(), Fault> {
        let mut inner = Vec::new();
        for (index, rest) in wanted {
            if !rest.is_empty() {
                inner.push((*index, *rest));
            }
        }
        let mut ahead = reader.clone();
        if inner.len() < wanted.len() {
            let json = reader.raw()?;
            for (index, _) in wanted.iter().filter(|(_, rest)| rest.is_empty()) {
                let same = self.found.iter().filter(|(other, _)| other == index);
                if same.count() < PODS {
                    let path = path.clone();
                    self.found.push((*index, Part { path, json }));
                }
            }
            if inner.is_empty() {
                return Ok(());
            }
            return self.object(&mut ahead, &path, &inner);
        }
        self.object(reader, &path, &inner)
    }

    /// What was found of one that was wanted.
    fn take(&mut self, index: usize) -> Vec<Part<'a>> {
        let mut taken = Vec::new();
        for (other, part) in &mut self.found {
            if *other == index {
                taken.push(std::mem::take(part));
            }
        }
        taken
    }
}

/// A path in an object that is at another path.
fn joined(path: &str, step: &str) -> String {
    let dot = if path.is_empty() { "" } else { "." };
    [path, dot, step].concat()
}

impl FoundPod<'_> {
    /// The path of the template, or the one that the parts have in common.
    pub fn path(&self) -> &str {
        let (labels, annotations) = match self {
            Self::Template(template) => return &template.path,
            Self::Parts {
                labels,
                annotations,
                ..
            } => (&*labels.path, annotations.as_ref()),
        };
        let Some(annotations) = annotations else {
            return owner(labels, LABELS);
        };
        if owner(labels, LABELS) == owner(&annotations.path, ANNOTATIONS) {
            return owner(labels, LABELS);
        }
        let mut common: usize = 0;
        for (step, other) in labels.split('.').zip(annotations.path.split('.')) {
            if step != other {
                break;
            }
            common = common.saturating_add(step.len()).saturating_add(1);
        }
        // Without the dot behind it.
        let common = labels.get(..common.saturating_sub(1));
        common.filter(|path| !path.is_empty()).unwrap_or(labels)
    }

    /// What labels belong to.
    pub fn home_of_labels(&self) -> &str {
        match self {
            Self::Template(template) => &template.path,
            Self::Parts { labels, .. } => owner(&labels.path, LABELS),
        }
    }

    /// What annotations belong to.
    pub fn home_of_annotations(&self) -> &str {
        match self {
            Self::Parts {
                annotations: Some(annotations),
                ..
            } => owner(&annotations.path, ANNOTATIONS),
            _ => self.path(),
        }
    }

    /// Whether the labels are those of the object itself.
    pub fn has_labels_of_object(&self) -> bool {
        matches!(self, Self::Parts { labels, .. } if labels.path == "metadata.labels")
    }
}

const NULL: &str = "null";
const LABELS: &str = ".labels";
const ANNOTATIONS: &str = ".annotations";

/// What has these labels or annotations, if their path says so: that of a pod template is shown without its metadata.
fn owner<'p>(path: &'p str, field: &str) -> &'p str {
    match path.strip_suffix(field) {
        Some(owner) => owner.strip_suffix(".metadata").unwrap_or(owner),
        None => path,
    }
}

/// The part of a path up to its last list, empty if it goes through none, and the rest.
pub fn split(path: &str) -> (&str, &str) {
    let (mut end, mut at): (usize, usize) = (0, 0);
    for step in path.split('.') {
        at = at.saturating_add(step.len());
        if step.ends_with(EACH_ITEM) {
            end = at;
        }
        at = at.saturating_add(1);
    }
    let (lists, rest) = path.split_at_checked(end).unwrap_or(("", path));
    (lists, rest.strip_prefix('.').unwrap_or(rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn template(path: &str) -> PodPaths<'_> {
        PodPaths::Template(path.into())
    }

    fn parts<'s>(
        labels: &'s str,
        annotations: Option<&'s str>,
        service_account_name: Option<&'s str>,
    ) -> PodPaths<'s> {
        PodPaths::Parts {
            labels: labels.into(),
            annotations: annotations.map(Cow::Borrowed),
            service_account_name: service_account_name.map(Cow::Borrowed),
        }
    }

    /// Each part that is found, as text.
    fn found(paths: &PodPaths<'_>, object: &str) -> Result<Vec<String>, String> {
        let shown = |part: Part<'_>| format!("{}={}", part.path, part.json);
        let paths = std::slice::from_ref(paths);
        let found = find(paths, object).map_err(|fault| fault.to_string())?;
        let shown = found.into_iter().map(|pod| match pod {
            FoundPod::Template(template) => shown(template),
            FoundPod::Parts {
                labels,
                annotations,
                service_account_name,
            } => {
                let parts = [Some(labels), annotations, service_account_name];
                let parts: Vec<_> = parts.into_iter().flatten().map(shown).collect();
                parts.join(" ")
            }
        });
        Ok(shown.collect())
    }

    #[test]
    fn a_path_leads_through_objects_and_lists() {
        let object = r#"{"spec":{"template":{"a":1},"groups":[{"t":1},null,{"t":null},{"t":{"x":[{"y":5},{"y":6}]}}],"none":null,"empty":[]}}"#;
        for (path, expected) in [
            ("spec.template", vec![r#"spec.template={"a":1}"#]),
            ("spec.other", vec![]),
            ("spec.other.template", vec![]),
            ("spec.other[].template", vec![]),
            ("spec.none", vec![]),
            ("spec.none.template", vec![]),
            ("spec.none[].template", vec![]),
            ("spec.empty[].template", vec![]),
            (
                "spec.groups[].t",
                vec![
                    "spec.groups[0].t=1",
                    r#"spec.groups[3].t={"x":[{"y":5},{"y":6}]}"#,
                ],
            ),
            (
                "spec.groups[]",
                vec![
                    r#"spec.groups[0]={"t":1}"#,
                    r#"spec.groups[2]={"t":null}"#,
                    r#"spec.groups[3]={"t":{"x":[{"y":5},{"y":6}]}}"#,
                ],
            ),
        ] {
            let found = found(&template(path), object).expect(path);
            assert_eq!(found, expected, "{path}");
        }
        let nested = r#"{"a":[{"b":[{"c":1},{"c":2}]},{"b":null},{"b":[{"c":3}]}]}"#;
        assert_eq!(
            found(&template("a[].b[].c"), nested),
            Ok(vec![
                "a[0].b[0].c=1".to_owned(),
                "a[0].b[1].c=2".to_owned(),
                "a[2].b[0].c=3".to_owned(),
            ])
        );
    }

    #[test]
    fn a_value_of_another_type_on_the_way_is_a_fault_with_its_path() {
        for (path, object, fault) in [
            ("a.b", "[]", "expected an object, found a list"),
            ("a.b", r#"{"a":5}"#, "a: expected an object, found a number"),
            (
                "a[].b",
                r#"{"a":{}}"#,
                "a: expected a list, found an object",
            ),
            (
                "a[].b.c",
                r#"{"a":[{"b":{}},{"b":"x"}]}"#,
                "a[1].b: expected an object, found a string",
            ),
            (
                "a[].b",
                r#"{"a":[[]]}"#,
                "a[0]: expected an object, found a list",
            ),
        ] {
            assert_eq!(
                found(&template(path), object),
                Err(fault.to_owned()),
                "{path}"
            );
        }
    }

    #[test]
    fn parts_belong_to_the_same_item_or_to_the_object() {
        let object = r#"{"spec":{"sa":"all","groups":[{"labels":{"a":"b"},"sa":"x"},{"meta":{"annotations":{}}}]}}"#;
        assert_eq!(
            found(
                &parts(
                    "spec.groups[].labels",
                    Some("spec.groups[].meta.annotations"),
                    Some("spec.groups[].sa")
                ),
                object
            ),
            Ok(vec![
                r#"spec.groups[0].labels={"a":"b"} spec.groups[0].meta.annotations=null spec.groups[0].sa="x""#.to_owned(),
                "spec.groups[1].labels=null spec.groups[1].meta.annotations={} spec.groups[1].sa=null".to_owned(),
            ])
        );
        assert_eq!(
            found(
                &parts("spec.groups[].labels", None, Some("spec.sa")),
                object
            ),
            Ok(vec![
                r#"spec.groups[0].labels={"a":"b"} spec.sa="all""#.to_owned(),
                r#"spec.groups[1].labels=null spec.sa="all""#.to_owned(),
            ])
        );
        assert_eq!(
            found(&parts("spec.labels", None, None), "{}"),
            Ok(vec!["spec.labels=null".to_owned()])
        );
    }

    #[test]
    fn the_path_of_parts_is_what_they_have_in_common() {
        for (labels, annotations, path, of_labels, of_annotations) in [
            (
                "spec.driver.labels",
                Some("spec.driver.annotations"),
                "spec.driver",
                "spec.driver",
                "spec.driver",
            ),
            (
                "spec.driver.labels",
                None,
                "spec.driver",
                "spec.driver",
                "spec.driver",
            ),
            (
                "spec.podLabels",
                None,
                "spec.podLabels",
                "spec.podLabels",
                "spec.podLabels",
            ),
            (
                "spec.pod.podLabels",
                Some("spec.pod.podAnnotations"),
                "spec.pod",
                "spec.pod.podLabels",
                "spec.pod.podAnnotations",
            ),
            (
                "spec.template.metadata.labels",
                Some("spec.template.metadata.annotations"),
                "spec.template",
                "spec.template",
                "spec.template",
            ),
            (
                "metadata.labels",
                Some("metadata.annotations"),
                "metadata",
                "metadata",
                "metadata",
            ),
            (
                "metadata.labels",
                Some("spec.annotations"),
                "metadata.labels",
                "metadata",
                "spec",
            ),
        ] {
            let paths = parts(labels, annotations, None);
            let found = find(&[paths], "{}").expect("parts");
            let pod = found.first().expect("a pod");
            assert_eq!(
                (pod.path(), pod.home_of_labels(), pod.home_of_annotations()),
                (path, of_labels, of_annotations),
                "{labels}"
            );
        }
    }

    #[test]
    fn no_more_than_sixteen_items_are_looked_at() {
        let list = vec![r#"{"t":{"u":[1,2]}}"#; 100].join(",");
        let object = format!(r#"{{"a":[{list}]}}"#);
        for path in ["a[].t", "a[]", "a[].t.u[]"] {
            let found = found(&template(path), &object).expect("templates");
            assert_eq!(found.len(), PODS, "{path}");
        }
    }
}
