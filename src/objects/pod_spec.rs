//! The spec of a pod, as far as the policy reads it.

use std::borrow::Cow;

use super::windows;
use super::{Container, Volume};
use crate::findings::Named;
use crate::json::{Collection, Fault, List, Reader, Span};

/// The parts of a pod's spec that matter here.
#[derive(Clone, Debug)]
pub struct PodSpec<'a> {
    /// The path of the spec in its object, for messages.
    pub path: &'a str,
    /// The place of the spec itself.
    pub object: Collection,
    /// The ServiceAccount, `default` if the pod names none.
    pub service_account_name: Cow<'a, str>,
    /// The field that names it.
    pub named_by: Named,
    /// `initContainers`.
    pub init_containers: List<Container<'a>>,
    /// Whether it is known which containers there are.
    pub knows_containers: bool,
    /// `containers`.
    pub containers: List<Container<'a>>,
    /// `volumes`.
    pub volumes: List<Volume<'a>>,
    /// `hostNetwork`.
    pub host_network: bool,
    /// `resources`, as JSON.
    pub resources: Option<&'a str>,
    os: Option<&'a str>,
    node_selector: Option<&'a str>,
    affinity: Option<&'a str>,
    /// The path of the field that names the ServiceAccount, if it is not in the spec.
    account_field: Option<&'a str>,
}

impl<'a> PodSpec<'a> {
    /// Reads a spec, which is at `path` of its object.
    ///
    /// # Errors
    ///
    /// A [`Fault`] if something that is read is missing or has the wrong type.
    pub fn read(reader: &mut Reader<'a>, path: &'a str) -> Result<Box<Self>, Fault> {
        let mut name = None;
        let mut deprecated_name = None;
        let mut init_containers = List::default();
        let mut containers = None;
        let mut volumes = List::default();
        let mut host_network = false;
        let mut resources = None;
        let mut os = None;
        let mut node_selector = None;
        let mut affinity = None;
        let object = reader.object("an object", |key, reader| {
            match key {
                "serviceAccountName" => name = reader.optional_string("a name")?,
                "serviceAccount" => deprecated_name = reader.optional_string("a name")?,
                "initContainers" => init_containers = reader.items(CONTAINERS, Container::read)?,
                "containers" if reader.null().is_some() => {
                    return Err(Fault::new(CONTAINERS, "null"));
                }
                "containers" => containers = Some(reader.items(CONTAINERS, Container::read)?),
                "volumes" => volumes = reader.items("a list of volumes", Volume::read)?,
                "hostNetwork" => host_network = reader.boolean("true or false")?,
                "resources" => resources = Some(reader.raw()?),
                "os" => os = Some(reader.raw()?),
                "nodeSelector" => node_selector = Some(reader.raw()?),
                "affinity" => affinity = Some(reader.raw()?),
                _ => {
                    reader.skip()?;
                }
            }
            Ok(())
        })?;
        let set = |name: &Cow<'_, str>| !name.is_empty();
        // As in the API server's conversion.
        let (service_account_name, named_by) = match (name.filter(set), deprecated_name.filter(set))
        {
            (Some(name), _) => (name, Named::ServiceAccountName),
            (None, Some(name)) => (name, Named::ServiceAccount),
            (None, None) => (Cow::Borrowed(DEFAULT), Named::Default),
        };
        Ok(Box::new(Self {
            path,
            object: object.ok_or_else(|| Fault::new("an object", "null"))?,
            service_account_name,
            named_by,
            init_containers,
            knows_containers: true,
            account_field: None,
            containers: containers
                .ok_or_else(|| Fault::missing(CONTAINERS).in_field("containers"))?,
            volumes,
            host_network,
            resources,
            os,
            node_selector,
            affinity,
        }))
    }

    /// The spec of a pod of which no more is known than its ServiceAccount, which the field at this path names.
    pub fn partial(account_field: &'a str, name: Option<Cow<'a, str>>) -> Box<Self> {
        let name = name.filter(|name| !name.is_empty());
        Box::new(Self {
            path: "spec",
            object: Collection {
                span: Span { start: 0, end: 0 },
                is_empty: true,
            },
            named_by: if name.is_some() {
                Named::ServiceAccountName
            } else {
                Named::Default
            },
            service_account_name: name.unwrap_or(Cow::Borrowed(DEFAULT)),
            init_containers: List::default(),
            knows_containers: false,
            containers: List::default(),
            volumes: List::default(),
            host_network: false,
            resources: None,
            os: None,
            node_selector: None,
            affinity: None,
            account_field: Some(account_field),
        })
    }

    /// The path of the field that names the ServiceAccount, or should.
    pub fn service_account_field(&self) -> String {
        match self.account_field {
            Some(field) => field.to_owned(),
            None => [self.path, ".", self.named_by.field()].concat(),
        }
    }

    /// The field that says that the pod is for Windows nodes, if one does.
    ///
    /// # Errors
    ///
    /// A [`Fault`] if one of these fields has the wrong type.
    pub fn windows(&self) -> Result<Option<&'static str>, Fault> {
        windows::field(self.os, self.node_selector, self.affinity)
    }

    /// Every init container and container, in the pod's order, each with its place.
    pub fn all_containers(&self) -> impl Iterator<Item = (ContainerPlace, &Container<'a>)> {
        let in_list = |list, containers: &List<Container<'a>>| {
            let place = move |index| ContainerPlace { list, index };
            (0..containers.items.len()).map(place)
        };
        in_list(INIT_CONTAINERS, &self.init_containers)
            .chain(in_list("containers", &self.containers))
            .zip(
                self.init_containers
                    .items
                    .iter()
                    .chain(&self.containers.items),
            )
    }
}

/// The place of a container in its pod.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ContainerPlace {
    /// The list that has it: `containers` or `initContainers`.
    pub list: &'static str,
    /// Its index there.
    pub index: usize,
}

impl ContainerPlace {
    /// Whether it is that of an init container.
    pub fn is_init(self) -> bool {
        self.list == INIT_CONTAINERS
    }
}

const INIT_CONTAINERS: &str = "initContainers";

const CONTAINERS: &str = "a list of containers";

/// The ServiceAccount of pods that name none.
const DEFAULT: &str = "default";
