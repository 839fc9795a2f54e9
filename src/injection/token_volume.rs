//! The pod's token volume: which one it is, and what it lacks.

use std::borrow::Cow;

use super::injected_pod::InjectedPod;
use super::items;
use super::mark::Mark;
use super::places::places;
use super::token_endpoint::{self, CA_PATH};
use crate::findings::{Findings, Problem};
use crate::identity::Identity;
use crate::json::{self, Edits, End, Fields};
use crate::layout::Layout;
use crate::messages::Excerpt;
use crate::objects::{Metadata, PodSpec, ProjectedToken, Volume};

/// The pod's token volume.
///
/// A volume counts as one only if it holds nothing but the token and the certificates of the token endpoint: it is mounted
/// in every container, and a Secret in it would be, too.
#[derive(Clone, Debug)]
pub enum TokenVolume<'p, 'a> {
    /// It is to be added under this name.
    Missing {
        /// Its name.
        name: Cow<'static, str>,
        /// Its JSON.
        json: String,
    },
    /// It is there.
    Present(&'p Volume<'a>),
    /// It is there and the policy's own, but says something else than the identity.
    Outdated(&'p Volume<'a>, &'p ProjectedToken<'a>),
}

/// Whether a pod has its token volume.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenVolumeState {
    /// It is added.
    Missing,
    /// It is there.
    Present,
    /// It is there, and brought up to date.
    Outdated,
}

impl<'p, 'a> TokenVolume<'p, 'a> {
    /// The token volume of a pod; what is wrong with it is added to `findings`.
    ///
    /// In the layouts that reserve names for it, it is the first volume with such a name, since the usual name changes with
    /// the pod's. In the others, it is one with the right token: that with the usual name, else one that is mounted, else
    /// any. One that was injected, by the `mark`, can be brought up to date.
    pub fn of(
        pod: InjectedPod<'p, 'a>,
        layout: Layout,
        identity: &Identity<'_>,
        mark: Option<&Mark<'_>>,
        findings: &mut Findings,
    ) -> Self {
        let mut volume = Self::find(pod, layout, identity, mark, findings);
        if let Self::Missing { name, json } = &mut volume {
            *json = items::volume(name, identity, layout);
        }
        volume
    }

    /// As [`of`](Self::of), without the JSON. With a frame of its own: see `review::decide`.
    #[inline(never)]
    fn find(
        pod: InjectedPod<'p, 'a>,
        layout: Layout,
        identity: &Identity<'_>,
        mark: Option<&Mark<'_>>,
        findings: &mut Findings,
    ) -> Self {
        let Metadata {
            name,
            generate_name,
            ..
        } = pod.metadata;
        let usual_name = layout.volume_name(name, generate_name);
        let volumes = &pod.spec.volumes.items;
        if layout.reserves(&usual_name) {
            let mut volumes = volumes.iter().enumerate();
            let Some((index, volume)) = volumes.find(|(_, volume)| layout.reserves(&volume.name))
            else {
                return Self::missing(usual_name);
            };
            return match token_of(volume, layout) {
                Some(token) if is_up_to_date(volume, token, identity) => Self::Present(volume),
                Some(token) if has_any_audience(token) => Self::Outdated(volume, token),
                _ => {
                    reject(pod, index, volume, layout, identity, findings);
                    Self::Present(volume)
                }
            };
        }
        let fitting = volumes.iter().filter(|volume| {
            token_of(volume, layout).is_some_and(|token| serves(volume, token, identity))
        });
        let usual = fitting
            .clone()
            .find(|volume| volume.name == usual_name)
            .or_else(|| {
                let first = fitting.clone().next()?;
                let mounted = places(&mut mounted_names(pod.spec));
                let found = fitting
                    .clone()
                    .find(|volume| mounted.contains_key(&*volume.name));
                Some(found.unwrap_or(first))
            });
        let ours = |volume: &'p Volume<'a>| {
            let token = token_of(volume, layout)?;
            mark.filter(|mark| mark.gave_volume(volume))?;
            (!is_up_to_date(volume, token, identity)).then_some(Self::Outdated(volume, token))
        };
        if let Some(volume) = usual {
            return ours(volume).unwrap_or(Self::Present(volume));
        }
        let mut volumes = volumes.iter().enumerate();
        match volumes.find(|(_, volume)| volume.name == usual_name) {
            Some((index, volume)) => ours(volume).unwrap_or_else(|| {
                reject(pod, index, volume, layout, identity, findings);
                Self::Present(volume)
            }),
            None => Self::missing(usual_name),
        }
    }

    /// Its name.
    pub fn name(&self) -> &str {
        match self {
            Self::Missing { name, .. } => name,
            Self::Present(volume) | Self::Outdated(volume, _) => &volume.name,
        }
    }

    /// As [`name`](Self::name), of no shorter life than the pod.
    pub fn shared_name(&self) -> Cow<'p, str> {
        match self {
            Self::Missing { name, .. } => name.clone(),
            Self::Present(volume) | Self::Outdated(volume, _) => Cow::Borrowed(&volume.name),
        }
    }

    /// Whether it is there.
    pub fn state(&self) -> TokenVolumeState {
        match self {
            Self::Missing { .. } => TokenVolumeState::Missing,
            Self::Present(_) => TokenVolumeState::Present,
            Self::Outdated(..) => TokenVolumeState::Outdated,
        }
    }

    fn missing(name: Cow<'static, str>) -> Self {
        let json = String::new();
        Self::Missing { name, json }
    }

    /// How many bytes [`add`](Self::add) adds, about.
    pub fn growth(&self) -> usize {
        match self {
            Self::Missing { json, .. } => json.len(),
            Self::Present(_) | Self::Outdated(..) => 0,
        }
    }

    /// The volume, if it is there.
    pub fn present(&self) -> Option<&'p Volume<'a>> {
        match self {
            Self::Missing { .. } => None,
            Self::Present(volume) | Self::Outdated(volume, _) => Some(volume),
        }
    }

    /// Its JSON, if it is to be added.
    pub fn new_json(&self) -> Option<&str> {
        match self {
            Self::Missing { json, .. } => Some(json),
            Self::Present(_) | Self::Outdated(..) => None,
        }
    }

    /// Makes it say what the identity says, if it is there.
    pub fn update(&self, identity: &Identity<'_>, edits: &mut Edits) {
        if let Self::Outdated(volume, token) = self {
            update(volume, token, identity, edits);
        }
    }
}

/// The token of a volume that holds nothing but the token and the certificates of the token endpoint.
fn token_of<'v, 'a>(volume: &'v Volume<'a>, layout: Layout) -> Option<&'v ProjectedToken<'a>> {
    let certificates_only = volume.certificate_paths.iter().all(|path| path == CA_PATH);
    match &*volume.tokens {
        [token]
            if token.path == layout.token_path()
                && certificates_only
                && !volume.has_other_sources =>
        {
            Some(token)
        }
        _ => None,
    }
}

/// Adds why a volume cannot be the token volume, though it has the name.
#[cold]
#[inline(never)]
fn reject(
    pod: InjectedPod<'_, '_>,
    index: usize,
    volume: &Volume<'_>,
    layout: Layout,
    identity: &Identity<'_>,
    findings: &mut Findings,
) {
    let problem = match token_of(volume, layout) {
        Some(token) if !has_any_audience(token) => Problem::NoAudience { index },
        Some(_) => match identity.token_endpoint {
            Some(endpoint) => Problem::NotForTokenEndpoint {
                index,
                annotation: endpoint.annotation.clone().into(),
            },
            None => Problem::OtherAudience {
                index,
                expected: Excerpt::new(identity.audience),
            },
        },
        None => Problem::VolumeNameTaken {
            index,
            name: Excerpt::new(&volume.name),
        },
    };
    findings.reject(pod.about, problem);
}

/// The names of the volumes that containers mount whole.
fn mounted_names<'p>(spec: &'p PodSpec<'p>) -> impl Iterator<Item = &'p str> {
    let mounts = spec
        .all_containers()
        .flat_map(|(_, container)| &container.volume_mounts.items);
    mounts
        .filter(|mount| !mount.is_part)
        .map(|mount| &*mount.name)
}

/// Makes a token volume of ours say what the identity says.
fn update(
    volume: &Volume<'_>,
    token: &ProjectedToken<'_>,
    identity: &Identity<'_>,
    edits: &mut Edits,
) {
    if let Some((_, span)) = token
        .audience
        .as_ref()
        .filter(|_| !has_audience(token, identity))
    {
        edits.replace(*span, json::string(identity.audience));
    }
    if let Some((_, span)) = token
        .expiration_seconds
        .filter(|_| !has_expiration(token, identity))
    {
        edits.replace(span, identity.token_expiration_seconds.value.to_string());
    }
    let endpoint = identity
        .token_endpoint
        .filter(|_| volume.certificate_paths.is_empty());
    if let Some(source) = endpoint.and_then(token_endpoint::volume_source) {
        let place = volume.sources;
        edits.add_items(
            place,
            "sources",
            End::Back,
            &[&source],
            &mut Fields::default(),
        );
    }
}

/// Whether a token volume has the right audience, and the certificates of the token endpoint if the pod asks for that.
fn serves(volume: &Volume<'_>, token: &ProjectedToken<'_>, identity: &Identity<'_>) -> bool {
    let needs_certificates = identity
        .token_endpoint
        .is_some_and(token_endpoint::has_volume_source);
    has_audience(token, identity) && !(needs_certificates && volume.certificate_paths.is_empty())
}

/// Whether a volume has a token for the identity at this path.
pub fn serves_at(volume: &Volume<'_>, path: &str, identity: &Identity<'_>) -> bool {
    let mut tokens = volume.tokens.iter();
    tokens.any(|token| token.path == path && has_audience(token, identity))
}

/// Whether a token volume of ours says what the identity says.
fn is_up_to_date(volume: &Volume<'_>, token: &ProjectedToken<'_>, identity: &Identity<'_>) -> bool {
    serves(volume, token, identity)
        && (token.expiration_seconds.is_none() || has_expiration(token, identity))
}

/// Whether a token is for anything but the Kubernetes API.
fn has_any_audience(token: &ProjectedToken<'_>) -> bool {
    let audience = token.audience.as_ref();
    audience.is_some_and(|(audience, _)| !audience.is_empty())
}

fn has_audience(token: &ProjectedToken<'_>, identity: &Identity<'_>) -> bool {
    let audience = token.audience.as_ref();
    audience.is_some_and(|(audience, _)| audience == identity.audience)
}

fn has_expiration(token: &ProjectedToken<'_>, identity: &Identity<'_>) -> bool {
    token
        .expiration_seconds
        .is_some_and(|(seconds, _)| seconds.parse() == Ok(identity.token_expiration_seconds.value))
}
