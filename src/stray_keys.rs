//! Labels and annotations of our prefix that are misspelt, or on the wrong object, or the wrong one of the two.

use crate::findings::Findings;
use crate::identity::Named;
use crate::keys::{self, Home, PREFIX};
use crate::message::{excerpt, join, quote};
use crate::metadata::{Form, Metadata};
use crate::nearest::nearest;
use crate::settings::{OptIn, Settings};
use crate::verdict::WARNINGS;

/// Which part an object plays.
#[derive(Clone, Copy, Debug)]
pub enum Role<'m> {
    /// A pod, or a pod template.
    Pod,
    /// A ServiceAccount.
    ServiceAccount,
    /// A pod's ServiceAccount. How it opts in is told when it is itself reviewed.
    ServiceAccountOfPod,
    /// What pods are made by, at this path of which their template with this metadata stands.
    Workload(&'static str, &'m Metadata<'m>),
}

/// Warns about each stray key of an object, and gives the known keys that unknown ones probably stand for.
pub fn warn(
    settings: &Settings,
    role: Role<'_>,
    object: Named<'_>,
    findings: &mut Findings,
) -> Vec<&'static str> {
    let mut meant = Vec::new();
    for (form, key, value) in object.metadata.ours() {
        if key == keys::USE && matches!(role, Role::ServiceAccountOfPod) {
            continue;
        }
        let homes = homes(settings, key);
        let text = if homes.clone().next().is_none() {
            // A suggestion takes time, and nobody would get to read it behind so many warnings.
            let is_told = findings.warnings.len() < WARNINGS;
            let nearest = is_told.then(|| nearest_key(key)).flatten();
            meant.extend(nearest);
            Some(unknown(settings, role, key, nearest))
        } else {
            misplaced(role, form, key, homes)
        };
        let text = text.or_else(|| useless_value(settings, role, form, key, value));
        if let Some(text) = text {
            let key = excerpt(key);
            findings.warn(object.object.metadata(), format!("{form} {key} {text}"));
        }
    }
    meant
}

/// Where a key belongs, and what it is there; nothing for one that is not known.
fn homes(settings: &Settings, key: &str) -> impl Iterator<Item = (Form, Home)> + Clone {
    let endpoint = settings.token_endpoint.as_ref();
    let of_endpoint = endpoint
        .filter(|endpoint| endpoint.annotation == key)
        .map(|_| (Form::Annotation, Home::Pod));
    let only_pods = key == keys::USE && settings.opt_in == OptIn::PodLabel;
    let known = keys::ALL
        .iter()
        .filter(move |(known, _, home)| *known == key && (!only_pods || *home == Home::Pod))
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
    key: &str,
    nearest: Option<&'static str>,
) -> String {
    let short = |key: &'static str| key.strip_prefix(PREFIX).unwrap_or(key);
    if let Some(nearest) = nearest {
        let mut homes = homes(settings, nearest);
        let is_here = homes.clone().any(|(_, home)| is_at_home(role, home));
        let name = short(nearest);
        return match homes.next() {
            Some((form, home)) if !is_here => {
                let home = describe(role, home);
                format!("is unknown; did you mean {name}, as {form} of {home}?")
            }
            _ => format!("is unknown; did you mean {name}?"),
        };
    }
    if key.starts_with(keys::USE) {
        return "is unknown; no custom token endpoint is configured under that suffix".to_owned();
    }
    let mut names: Vec<_> = keys::ALL.iter().map(|(key, ..)| short(key)).collect();
    names.dedup();
    format!("is unknown; expected one of {}", join(names))
}

/// What to say of a known key where it is not where it belongs; `None` where it is.
fn misplaced(
    role: Role<'_>,
    form: Form,
    key: &str,
    mut homes: impl Iterator<Item = (Form, Home)> + Clone,
) -> Option<String> {
    let here = |(its_form, home)| its_form == form && is_at_home(role, home);
    if homes.clone().any(here) {
        return None;
    }
    if let Role::Workload(_, template) = role
        && template.ours().any(|(_, its_key, _)| its_key == key)
    {
        return None;
    }
    let (its_form, home) = homes
        .clone()
        .find(|(_, home)| is_at_home(role, *home))
        .or_else(|| homes.next())?;
    if is_at_home(role, home) {
        return Some(format!(
            "has no effect; make it {} {its_form}",
            article(its_form)
        ));
    }
    let home = describe(role, home);
    Some(format!(
        "has no effect here; make it {} {its_form} of {home}",
        article(its_form)
    ))
}

fn article(form: Form) -> &'static str {
    match form {
        Form::Label => "a",
        Form::Annotation => "an",
    }
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

fn describe(role: Role<'_>, home: Home) -> &'static str {
    match (role, home) {
        (Role::Workload(template, _), Home::Pod) => template,
        (_, Home::Pod) => "the pod",
        (_, Home::ServiceAccount) => "the ServiceAccount",
    }
}

/// What to say of a value of the opt-in that does not do what it seems to.
fn useless_value(
    settings: &Settings,
    role: Role<'_>,
    form: Form,
    key: &str,
    value: &str,
) -> Option<String> {
    if key != keys::USE {
        return None;
    }
    match role {
        Role::Pod if settings.opt_in != OptIn::ServiceAccountLabel => {
            // "false" is a way to say no.
            let wrong = form == Form::Label && !matches!(value, keys::OPTED_IN | "false");
            wrong.then(|| format!("has no effect: expected \"true\", found {}", quote(value)))
        }
        Role::ServiceAccount if value == "false" => {
            Some("opts its pods in whatever its value: found \"false\"; remove it".to_owned())
        }
        _ => None,
    }
}
