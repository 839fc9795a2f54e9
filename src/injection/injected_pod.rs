//! The pod, as the injection needs to know it.

use super::mark::Mark;
use super::proxy::Proxy;
use super::skip_containers::Skip;
use crate::findings::{About, Severity};
use crate::objects::{Container, ContainerPlace, Metadata, MetadataPlaces, PodSpec};

/// A pod, as the injection needs to know it.
#[derive(Clone, Copy, Debug)]
pub struct InjectedPod<'p, 'a> {
    /// What findings about it are about.
    pub about: &'p About,
    /// Its metadata.
    pub metadata: &'p Metadata<'a>,
    /// Its spec.
    pub spec: &'p PodSpec<'a>,
    /// The containers to leave alone.
    pub skip: &'p Skip<'p>,
    /// The proxy, if the pod asks for it.
    pub proxy: Option<Proxy<'p>>,
    /// Whether it is for Windows nodes.
    pub is_windows: bool,
    /// How many bytes of JSON it has.
    pub bytes: usize,
    /// How it is reviewed.
    pub review: &'p ReviewOf<'p, 'a>,
}

/// How a pod is reviewed.
#[derive(Clone, Copy, Debug)]
pub struct ReviewOf<'p, 'a> {
    /// The text from the start of which the pod's places count.
    pub text: &'a str,
    /// What the pod is reviewed for.
    pub purpose: Purpose,
    /// Its mark, if it has one that counts.
    pub mark: Option<&'p Mark<'p>>,
    /// Where its labels and annotations are, if they may be changed.
    pub places: Option<&'p MetadataPlaces<'a>>,
}

impl<'p> ReviewOf<'p, '_> {
    /// The mark, if what it tells of is brought up to date.
    pub fn renewed_mark(&self) -> Option<&'p Mark<'p>> {
        self.mark.filter(|_| self.purpose == Purpose::Inject)
    }

    /// The mark by which a volume that was injected is told from others, if it is to be brought up to date or reported.
    pub fn volume_mark(&self) -> Option<&'p Mark<'p>> {
        self.mark
            .filter(|_| self.purpose != Purpose::Verify { on_drift: None })
    }
}

/// What a pod is reviewed for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// It gets what it lacks.
    Inject,
    /// It is rejected if it lacks something.
    Verify {
        /// What is done if what was injected is out of date; `None` if nobody looks.
        on_drift: Option<Severity>,
    },
    /// It is the template of pods to come.
    Check,
}

impl InjectedPod<'_, '_> {
    /// What findings about one of its containers are about.
    pub fn container(&self, place: ContainerPlace, container: &Container<'_>) -> About {
        self.about
            .container(place.list, place.index, &container.name)
    }

    /// The containers of the proxy that are to be added.
    pub fn new_containers(&self) -> impl Iterator<Item = &'static str> {
        self.proxy.iter().flat_map(Proxy::new_containers)
    }
}
