//! Labels and annotations of our prefix that are misspelt, or on the wrong object, or the wrong one of the two.

use crate::findings::{Findings, Place, Problem, Severity};
use crate::keys::{self, Form, Home, PREFIX};
use crate::messages::{Excerpt, nearest};
use crate::objects::{Annotated, Metadata};
use crate::settings::{OptIn, Settings};

/// What an object is to a pod.
#[derive(Clone, Copy, Debug)]
pub enum Role<'m> {
    /// A pod, or a pod template.
    Pod,
    /// A ServiceAccount.
    ServiceAccount,
    /// A pod's ServiceAccount. What it says of opting in is reported when it is itself reviewed.
    ServiceAccountOfPod,
    /// A workload, by what it says of its pods.
    Workload(&'m [Template<'m>]),
}

/// What a workload says of its pods.
#[derive(Clone, Copy, Debug)]
pub struct Template<'m> {
    /// Where labels belong.
    pub labels: &'m str,
    /// Where annotations belong.
    pub annotations: &'m str,
    /// The metadata that the pods get.
    pub metadata: &'m Metadata<'m>,
}

/// Warns about each stray key of an object, and gives the known keys that are probably meant by unknown ones.
pub fn warn(
    settings: &Settings,
    role: Role<'_>,
    object: Annotated<'_>,
    findings: &mut Findings,
) -> Vec<&'static str> {
    let mut meant = Vec::new();
    for (form, key, value) in object.metadata.ours() {
        if keys::is_same(key, keys::USE) && matches!(role, Role::ServiceAccountOfPod) {
            continue;
        }
        let homes = homes(settings, key);
        let problem = if homes.clone().next().is_none() {
            let has_room = findings.has_room_for(Severity::Warn);
            let nearest = has_room.then(|| nearest_key(key)).flatten();
            meant.extend(nearest);
            Some(unknown(settings, role, form, key, nearest))
        } else {
            misplaced(role, form, key, homes)
        };
        let problem = problem.or_else(|| useless_value(settings, role, form, key, value));
        if let Some(problem) = problem {
            findings.warn(object.about, problem);
        }
    }
    meant
}

/// Where a key belongs, and what it is there; nothing for an unknown one.
fn homes(settings: &Settings, key: &str) -> impl Iterator<Item = (Form, Home)> + Clone {
    let endpoint = settings.token_endpoint.as_ref();
    let of_endpoint = endpoint
        .filter(|endpoint| keys::is_same(&endpoint.annotation, key))
        .map(|_| (Form::Annotation, Home::Pod));
    let only_pods = keys::is_same(key, keys::USE) && settings.opt_in == OptIn::PodLabel;
    let known = keys::ALL
        .iter()
        .filter(move |(known, _, home)| {
            keys::is_same(known, key) && (!only_pods || *home == Home::Pod)
        })
        .map(|(_, form, home)| (*form, *home));
    of_endpoint.into_iter().chain(known)
}

fn nearest_key(key: &str) -> Option<&'static str> {
    let name = key.strip_prefix(PREFIX).unwrap_or(key);
    let names = keys::ALL
        .iter()
        .filter_map(|(known, ..)| known.strip_prefix(PREFIX));
    let nearest = nearest(name, names)?;
    keys::ALL
        .iter()
        .map(|(known, ..)| *known)
        .find(|known| known.strip_prefix(PREFIX) == Some(nearest))
}

fn unknown(
    settings: &Settings,
    role: Role<'_>,
    form: Form,
    key: &str,
    meant: Option<&'static str>,
) -> Problem {
    let is_of_endpoint = key
        .strip_prefix(keys::USE)
        .is_some_and(|suffix| suffix.starts_with('-'));
    if meant.is_none() && is_of_endpoint {
        let key = Excerpt::new(key);
        return Problem::UnknownSuffix { form, key };
    }
    let home = meant.and_then(|meant| {
        let mut homes = homes(settings, meant);
        let is_here = homes.clone().any(|(_, home)| is_at_home(role, home));
        let (form, home) = homes.next().filter(|_| !is_here)?;
        Some((form, place(role, form, home)))
    });
    Problem::UnknownKey {
        form,
        key: Excerpt::new(key),
        meant,
        home,
    }
}

/// What is wrong with a known key that is not where it belongs; `None` if it is.
fn misplaced(
    role: Role<'_>,
    form: Form,
    key: &str,
    mut homes: impl Iterator<Item = (Form, Home)> + Clone,
) -> Option<Problem> {
    let here = |(its_form, home)| its_form == form && is_at_home(role, home);
    if homes.clone().any(here) {
        return None;
    }
    let has_key = |template: &Template<'_>| {
        let mut ours = template.metadata.ours();
        ours.any(|(_, its_key, _)| keys::is_same(its_key, key))
    };
    if let Role::Workload(templates) = role
        && templates.iter().any(has_key)
    {
        return None;
    }
    let (expected, home) = homes
        .clone()
        .find(|(_, home)| is_at_home(role, *home))
        .or_else(|| homes.next())?;
    let key = Excerpt::new(key);
    Some(if is_at_home(role, home) {
        Problem::WrongForm {
            form,
            key,
            expected,
        }
    } else {
        Problem::WrongObject {
            form,
            key,
            expected,
            home: place(role, expected, home),
        }
    })
}

fn is_at_home(role: Role<'_>, home: Home) -> bool {
    matches!(
        (role, home),
        (Role::Pod, Home::Pod)
            | (
                Role::ServiceAccount | Role::ServiceAccountOfPod,
                Home::ServiceAccount
            )
    )
}

fn place(role: Role<'_>, form: Form, home: Home) -> Place {
    match (role, home) {
        (Role::Workload([template, ..]), Home::Pod) => {
            let path = match form {
                Form::Label => template.labels,
                Form::Annotation => template.annotations,
            };
            Place::Template(path.to_owned().into())
        }
        (_, Home::Pod) => Place::Pod,
        (_, Home::ServiceAccount) => Place::ServiceAccount,
    }
}

/// What is wrong with a value of the opt-in that does not do what it seems to.
fn useless_value(
    settings: &Settings,
    role: Role<'_>,
    form: Form,
    key: &str,
    value: &str,
) -> Option<Problem> {
    if !keys::is_same(key, keys::USE) {
        return None;
    }
    match role {
        Role::Pod if settings.opt_in != OptIn::ServiceAccountLabel => {
            // "false" is a way to say no.
            let wrong = form == Form::Label && !matches!(value, keys::OPTED_IN | "false");
            wrong.then(|| Problem::LabelNotTrue {
                found: Excerpt::new(value),
            })
        }
        Role::ServiceAccount if value == "false" => Some(Problem::FalseOptsIn { form }),
        _ => None,
    }
}
