//! The pod, as the injection needs to know it.

use super::proxy::Proxy;
use super::skip_containers::Skip;
use crate::findings::About;
use crate::objects::{Container, ContainerPlace, Metadata, PodSpec};

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
