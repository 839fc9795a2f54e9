//! The decision on an object of a kind that setting `podTemplates` describes: whether its pods would be accepted.

use std::borrow::Cow;
use std::cell::Cell;

use super::pod::PodReview;
use super::reasons::Observer;
use super::stray_keys::{self, Role, Template};
use crate::findings::{About, Findings, PodName};
use crate::identity::kubernetes_api::KubernetesApi;
use crate::injection::Purpose;
use crate::json::{Fault, Reader, field};
use crate::objects::{Annotated, Metadata, Object, Pod, PodSpec, Request};
use crate::pod_paths::{self, FoundPod, PODS, PodPaths};
use crate::settings::pod_templates::PodTemplates;
use crate::settings::{Freshness, Settings};
use crate::verdict::Verdict;

/// Decides on an object of a kind that the policy does not know by itself. It is never mutated, as workloads are not.
///
/// Without the setting, or if it does not describe the kind, nothing else of the settings is read.
///
/// # Errors
///
/// A [`Fault`] if something that is read has the wrong type.
#[inline(never)]
pub fn review<'a>(
    request: &Request<'a>,
    kubernetes: &dyn KubernetesApi,
    observer: &mut impl Observer,
) -> Result<Verdict<'a>, Fault> {
    let paths = match PodTemplates::in_settings(request.settings) {
        Some(templates) => templates.paths_of(&request.group, &request.kind),
        None => return Ok(Verdict::unchanged()),
    };
    if paths.is_empty() {
        return Ok(Verdict::unchanged());
    }
    let settings = match Settings::read(request.settings) {
        Ok(settings) => settings,
        Err(findings) => return Ok(Verdict::of(findings)),
    };
    let kubernetes = Remembering {
        kubernetes,
        answers: Cell::default(),
    };
    decide(request, &settings, &paths, &kubernetes, observer)
}

fn decide<'a>(
    request: &Request<'a>,
    settings: &Settings<'_>,
    paths: &[PodPaths<'_>],
    kubernetes: &dyn KubernetesApi,
    observer: &mut impl Observer,
) -> Result<Verdict<'a>, Fault> {
    let metadata = request.object.metadata("an object")?;
    if metadata.is_being_deleted {
        return Ok(Verdict::unchanged());
    }
    let found = find(paths, request.object.json())?;
    let old = request.old_object.metadata("an object");
    if old.is_ok_and(|old| metadata.has_same_ours(&old))
        && find(paths, request.old_object.json()).is_ok_and(|old| old == found)
    {
        return Ok(Verdict::unchanged());
    }
    let fields: Vec<_> = found.iter().map(Fields::of).collect();
    let mut pods = Vec::with_capacity(found.len());
    for (found, fields) in found.iter().zip(&fields) {
        pods.push(pod(found, fields)?);
    }
    let kind = request.kind.clone().into_owned();
    let object = metadata.object_name(kind, &request.namespace);
    let mut findings = Findings::default();
    let templates: Vec<_> = found
        .iter()
        .zip(&pods)
        .map(|(found, (pod, _))| Template {
            labels: found.home_of_labels(),
            annotations: found.home_of_annotations(),
            metadata: &pod.metadata,
        })
        .collect();
    if !templates.is_empty() && !found.iter().any(FoundPod::has_labels_of_object) {
        let annotated = Annotated {
            about: &About::Object(object.clone()),
            metadata: &metadata,
        };
        let role = Role::Workload(&templates);
        stray_keys::warn(settings, role, annotated, &mut findings);
    }
    let mut audit_annotations = Vec::new();
    for (found, (pod, knows_account)) in found.iter().zip(&pods) {
        let about = About::Pod(PodName {
            object: object.clone(),
            template: Some(found.path().to_owned().into()),
        });
        // An object without a namespace has its pods somewhere else.
        if !knows_account || request.namespace.is_empty() {
            let annotated = Annotated {
                about: &about,
                metadata: &pod.metadata,
            };
            let mut of_pod = Findings::default();
            stray_keys::warn(settings, Role::Pod, annotated, &mut of_pod);
            findings.append_new(of_pod);
            continue;
        }
        let review = PodReview {
            settings,
            purpose: Purpose::Check,
            about,
            namespace: &request.namespace,
            pod,
            kubernetes,
        };
        let verdict = review.verdict(Findings::default(), observer);
        if audit_annotations.is_empty() {
            audit_annotations = verdict.audit_annotations;
        }
        findings.append_new(verdict.findings);
    }
    Ok(Verdict {
        object: Some(object),
        audit_annotations,
        ..Verdict::of(findings)
    })
}

/// What an object says of its pods, as far as it is looked at.
fn find<'a>(paths: &[PodPaths<'_>], object: &'a str) -> Result<Vec<FoundPod<'a>>, Fault> {
    let mut found = pod_paths::find(paths, object)?;
    found.truncate(PODS);
    Ok(found)
}

/// The paths of fields of a pod.
struct Fields {
    spec: String,
    service_account_name: String,
}

impl Fields {
    fn of(found: &FoundPod<'_>) -> Self {
        let of_parts = match found {
            FoundPod::Template(_) => None,
            FoundPod::Parts {
                service_account_name,
                ..
            } => service_account_name.as_ref(),
        };
        let spec = [found.path(), ".spec"].concat();
        Self {
            service_account_name: match of_parts {
                Some(part) => part.path.clone(),
                None => [&*spec, ".serviceAccountName"].concat(),
            },
            spec,
        }
    }
}

/// The pod, and whether it is known which ServiceAccount it has.
fn pod<'p>(found: &FoundPod<'p>, fields: &'p Fields) -> Result<(Pod<'p>, bool), Fault> {
    match found {
        FoundPod::Template(template) => {
            let pod = whole_pod(template.json, fields);
            Ok((pod.map_err(|fault| fault.in_path(&template.path))?, true))
        }
        FoundPod::Parts {
            labels,
            annotations,
            service_account_name,
        } => {
            let annotations = annotations.as_ref();
            let annotations = annotations.map_or(("", "null"), |part| (&*part.path, part.json));
            let metadata = Metadata::of((&labels.path, labels.json), annotations)?;
            let mut name = None;
            if let Some(part) = service_account_name {
                let read = Reader::new(part.json).optional_string("a name");
                name = read.map_err(|fault| fault.in_path(&part.path))?;
            }
            let spec = PodSpec::partial(&fields.service_account_name, name);
            Ok((Pod::partial(metadata, spec), service_account_name.is_some()))
        }
    }
}

/// The pod that a template describes. What other kinds have as a template may lack containers, or their names.
fn whole_pod<'p>(json: &'p str, fields: &'p Fields) -> Result<Pod<'p>, Fault> {
    let object = Object::read_pod(&mut Reader::new(json), &fields.spec)?;
    let pod = Pod::template(object, &fields.spec)?;
    if !pod.spec().is_err_and(|fault| fault.is_missing()) {
        return Ok(pod);
    }
    let spec = field(json, "spec")?.unwrap_or("null");
    let name = |key| -> Result<Option<Cow<'p, str>>, Fault> {
        let name = field(spec, key)?.unwrap_or("null");
        Reader::new(name).optional_string("a name")
    };
    let name = match name("serviceAccountName")? {
        Some(name) if !name.is_empty() => Some(name),
        _ => name("serviceAccount")?,
    };
    let spec = PodSpec::partial(&fields.service_account_name, name);
    Ok(Pod::partial(pod.metadata, spec))
}

/// The Kubernetes API, which is asked each question once: pods of one object often have the same ServiceAccount.
struct Remembering<'k> {
    kubernetes: &'k dyn KubernetesApi,
    answers: Cell<Vec<(String, Answer)>>,
}

type Answer = Result<Vec<u8>, String>;

impl Remembering<'_> {
    fn answer(&self, question: &str, ask: &dyn Fn() -> Answer) -> Answer {
        let mut answers = self.answers.take();
        let known = answers.iter().find(|(asked, _)| asked == question);
        let answer = match known {
            Some((_, answer)) => answer.clone(),
            None => {
                let answer = ask();
                answers.push((question.to_owned(), answer.clone()));
                answer
            }
        };
        self.answers.set(answers);
        answer
    }
}

impl KubernetesApi for Remembering<'_> {
    fn service_account(&self, namespace: &str, name: &str, freshness: Freshness) -> Answer {
        let ask = || self.kubernetes.service_account(namespace, name, freshness);
        self.answer(name, &ask)
    }

    fn can_i(&self, request: &str) -> Answer {
        self.answer(request, &|| self.kubernetes.can_i(request))
    }
}
