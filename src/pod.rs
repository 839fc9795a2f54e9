//! The pod, as far as the policy reads it.

use std::borrow::Cow;

use crate::lens::{Collection, Edited, Edits, Fault, List, Place, Reader, Span};
use crate::metadata::Metadata;
use crate::object::Object;

/// A pod, or a pod template: its metadata is read, its spec only where [`spec`](Self::spec) is called.
#[derive(Clone, Debug)]
pub struct Pod<'a> {
    object: Object<'a>,
    /// Its metadata.
    pub metadata: Metadata<'a>,
    spec: Option<Box<PodSpec<'a>>>,
    spec_path: &'static str,
}

/// The parts of a pod's spec that matter here.
#[derive(Clone, Debug)]
pub struct PodSpec<'a> {
    /// The path of the spec in its object, for messages.
    pub path: &'static str,
    /// The place of the spec itself.
    pub object: Collection,
    /// `serviceAccountName`, `default` where it is not set.
    pub service_account_name: Cow<'a, str>,
    /// `initContainers`.
    pub init_containers: List<Container<'a>>,
    /// `containers`.
    pub containers: List<Container<'a>>,
    /// `volumes`.
    pub volumes: List<Volume<'a>>,
    /// `hostNetwork`.
    pub host_network: bool,
    /// `os.name`, empty where it is not set.
    pub os: Cow<'a, str>,
}

/// A container or init container.
#[derive(Clone, Debug)]
pub struct Container<'a> {
    /// The place of the container itself.
    pub object: Collection,
    /// Its name.
    pub name: Cow<'a, str>,
    /// Its environment variables, whatever their values come from.
    pub env: List<EnvVar<'a>>,
    /// Its volume mounts.
    pub volume_mounts: List<VolumeMount<'a>>,
    ports: Option<&'a str>,
}

/// An environment variable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EnvVar<'a> {
    /// Its name.
    pub name: Cow<'a, str>,
    value: Option<&'a str>,
}

/// A volume mount.
#[derive(Clone, Debug)]
pub struct VolumeMount<'a> {
    /// Name of the volume.
    pub name: Cow<'a, str>,
    /// Where it is mounted.
    pub mount_path: Cow<'a, str>,
    /// Whether only a part of the volume is mounted.
    pub is_part: bool,
}

/// A volume.
#[derive(Clone, Debug)]
pub struct Volume<'a> {
    /// Its name.
    pub name: Cow<'a, str>,
    /// The ServiceAccount tokens that it projects.
    pub tokens: Vec<ProjectedToken<'a>>,
    /// Where the list of what it projects stands, if it is projected.
    pub sources: Place,
    /// The paths of the certificates and of the named keys of ConfigMaps that it projects.
    pub other_paths: Vec<Cow<'a, str>>,
}

/// A `serviceAccountToken` source of a projected volume.
#[derive(Clone, Debug)]
pub struct ProjectedToken<'a> {
    /// Path of the token within the volume.
    pub path: Cow<'a, str>,
    /// The token's audience and where it stands, if it is set.
    pub audience: Option<(Cow<'a, str>, Span)>,
    /// The token's expiration in seconds, as it is written, and where it stands, if it is set.
    pub expiration_seconds: Option<(&'a str, Span)>,
}

impl<'a> Pod<'a> {
    /// Reads a pod's metadata.
    ///
    /// # Errors
    /// A [`Fault`] where there is no object with metadata of the right types.
    pub fn read(mut object: Object<'a>) -> Result<Self, Fault> {
        let (metadata, spec) = match object.take_read_ahead() {
            Some((metadata, spec)) => (metadata, Some(spec)),
            None => (object.metadata("a Pod")?, None),
        };
        Ok(Self {
            object,
            metadata,
            spec,
            spec_path: "spec",
        })
    }

    /// Reads a pod template's metadata; `spec_path` is the path of its spec in the workload.
    ///
    /// # Errors
    /// A [`Fault`] where there is no object with metadata of the right types.
    pub fn template(object: Object<'a>, spec_path: &'static str) -> Result<Self, Fault> {
        Ok(Self {
            metadata: object.metadata("a pod template")?,
            object,
            spec: None,
            spec_path,
        })
    }

    /// The pod with changes at places that its spec gave.
    pub fn edited(&self, edits: Edits) -> Edited<'a> {
        self.object.edited(edits)
    }

    /// The pod's spec.
    ///
    /// # Errors
    /// A [`Fault`] where it is missing, or something that is read has the wrong type.
    pub fn spec(&self) -> Result<Cow<'_, PodSpec<'a>>, Fault> {
        if let Some(spec) = &self.spec {
            return Ok(Cow::Borrowed(spec));
        }
        let spec = self.object.spec();
        spec.ok_or_else(|| missing("an object"))
            .and_then(|mut reader| PodSpec::read(&mut reader, self.spec_path))
            .map(|spec| Cow::Owned(*spec))
            .map_err(|fault| fault.in_path(self.spec_path))
    }
}

impl<'a> PodSpec<'a> {
    /// Reads a spec, which stands at `path` of its object.
    ///
    /// # Errors
    /// A [`Fault`] where something that is read is missing or has the wrong type.
    #[inline(never)]
    pub fn read(reader: &mut Reader<'a>, path: &'static str) -> Result<Box<Self>, Fault> {
        let mut name = None;
        let mut deprecated_name = None;
        let mut init_containers = List::default();
        let mut containers = None;
        let mut volumes = List::default();
        let mut host_network = false;
        let mut os = None;
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
                "os" => os = os_name(reader)?,
                _ => {
                    reader.skip()?;
                }
            }
            Ok(())
        })?;
        let set = |name: &Cow<'_, str>| !name.is_empty();
        Ok(Box::new(Self {
            path,
            object: object.ok_or_else(|| Fault::new("an object", "null"))?,
            service_account_name: name
                .filter(set)
                .or(deprecated_name.filter(set))
                .unwrap_or(Cow::Borrowed("default")),
            init_containers,
            containers: containers.ok_or_else(|| missing(CONTAINERS).in_field("containers"))?,
            volumes,
            host_network,
            os: os.unwrap_or_default(),
        }))
    }

    /// Every init container and container, in the pod's order, each with its path for messages.
    pub fn all_containers(&self) -> impl Iterator<Item = (ContainerPath, &Container<'a>)> {
        let spec = self.path;
        let in_list = |list, containers: &'_ List<Container<'a>>| {
            let path = move |index| ContainerPath { spec, list, index };
            (0..containers.items.len()).map(path)
        };
        in_list("initContainers", &self.init_containers)
            .chain(in_list("containers", &self.containers))
            .zip(
                self.init_containers
                    .items
                    .iter()
                    .chain(&self.containers.items),
            )
    }
}

/// Where a container stands in its pod.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ContainerPath {
    spec: &'static str,
    list: &'static str,
    index: usize,
}

impl std::fmt::Display for ContainerPath {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{}[{}]", self.spec, self.list, self.index)
    }
}

const CONTAINERS: &str = "a list of containers";

impl<'a> Container<'a> {
    fn read(_: usize, reader: &mut Reader<'a>) -> Result<Self, Fault> {
        let mut name = None;
        let mut env = List::default();
        let mut volume_mounts = List::default();
        let mut ports = None;
        let object = reader.object("a container", |key, reader| {
            match key {
                "name" => name = Some(reader.string("a name")?),
                "env" => env = reader.items("a list of environment variables", EnvVar::read)?,
                "ports" => ports = Some(reader.raw()?),
                "volumeMounts" => {
                    volume_mounts = reader.items("a list of volume mounts", VolumeMount::read)?;
                }
                _ => {
                    reader.skip()?;
                }
            }
            Ok(())
        })?;
        Ok(Self {
            object: object.ok_or_else(|| Fault::new("a container", "null"))?,
            name: name.ok_or_else(|| missing("a name").in_field("name"))?,
            env,
            volume_mounts,
            ports,
        })
    }

    /// Whether it has an environment variable of this name, whatever its value comes from.
    pub fn has_env(&self, name: &str) -> bool {
        self.env.items.iter().any(|env| env.name == name)
    }

    /// The TCP ports that it says it listens on.
    ///
    /// # Errors
    /// A [`Fault`] where `ports` is no list of ports.
    pub fn tcp_ports(&self) -> Result<Vec<&'a str>, Fault> {
        let mut ports = Vec::new();
        let mut reader = Reader::new(self.ports.unwrap_or("null"));
        let read = reader.list("a list of ports", |_, reader| {
            let mut port = None;
            let mut protocol = None;
            reader.object("a port", |key, reader| {
                match key {
                    "containerPort" => port = Some(reader.raw()?),
                    "protocol" => protocol = reader.optional_string("a protocol")?,
                    _ => {
                        reader.skip()?;
                    }
                }
                Ok(())
            })?;
            if protocol.is_none_or(|protocol| protocol == "TCP") {
                ports.extend(port);
            }
            Ok(())
        });
        read.map(|_| ports).map_err(|fault| fault.in_field("ports"))
    }
}

impl<'a> EnvVar<'a> {
    fn read(_: usize, reader: &mut Reader<'a>) -> Result<Self, Fault> {
        let mut value = None;
        let mut has_source = false;
        let name = required_name(reader, "an environment variable", |key, reader| {
            let text = reader.raw()?;
            match key {
                "value" if text != "null" => value = Some(text),
                "valueFrom" => has_source |= text != "null",
                _ => {}
            }
            Ok(())
        })?;
        // Kubernetes leaves an empty value out.
        let value = value.or((!has_source).then_some("\"\""));
        Ok(Self { name, value })
    }

    /// Its value, if that stands in the pod itself.
    pub fn value(&self) -> Option<Cow<'a, str>> {
        Reader::new(self.value?).string("a string").ok()
    }
}

fn os_name<'a>(reader: &mut Reader<'a>) -> Result<Option<Cow<'a, str>>, Fault> {
    let mut name = None;
    reader.object("an operating system", |key, reader| {
        if key != "name" {
            return reader.skip().map(|_| ());
        }
        name = reader.optional_string("a name")?;
        Ok(())
    })?;
    Ok(name)
}

/// Reads an object that has a `name`, and passes its other fields to `each`.
fn required_name<'a>(
    reader: &mut Reader<'a>,
    expected: &'static str,
    mut each: impl FnMut(&str, &mut Reader<'a>) -> Result<(), Fault>,
) -> Result<Cow<'a, str>, Fault> {
    let mut name = None;
    reader.object(expected, |key, reader| {
        if key == "name" {
            name = Some(reader.string("a name")?);
            return Ok(());
        }
        each(key, reader)
    })?;
    name.ok_or_else(|| missing("a name").in_field("name"))
}

impl<'a> VolumeMount<'a> {
    fn read(_: usize, reader: &mut Reader<'a>) -> Result<Self, Fault> {
        let mut mount_path = None;
        let mut is_part = false;
        let name = required_name(reader, "a volume mount", |key, reader| {
            match key {
                "mountPath" => mount_path = Some(reader.string("a path")?),
                "subPath" | "subPathExpr" => {
                    let sub_path = reader.optional_string("a path")?;
                    is_part |= sub_path.is_some_and(|path| !path.is_empty());
                }
                _ => {
                    reader.skip()?;
                }
            }
            Ok(())
        })?;
        Ok(Self {
            name,
            mount_path: mount_path.ok_or_else(|| missing("a path").in_field("mountPath"))?,
            is_part,
        })
    }
}

impl<'a> Volume<'a> {
    fn read(_: usize, reader: &mut Reader<'a>) -> Result<Self, Fault> {
        let mut volume = Self {
            name: Cow::Borrowed(""),
            tokens: Vec::new(),
            sources: Place::Missing,
            other_paths: Vec::new(),
        };
        volume.name = required_name(reader, "a volume", |key, reader| {
            if key != "projected" {
                return reader.skip().map(|_| ());
            }
            volume.read_projected(reader)
        })?;
        Ok(volume)
    }

    fn read_projected(&mut self, reader: &mut Reader<'a>) -> Result<(), Fault> {
        reader.object("a projected volume source", |key, reader| {
            if key != "sources" {
                return reader.skip().map(|_| ());
            }
            let sources = reader.list("a list of sources", |_, reader| {
                reader.object("a source", |key, reader| {
                    match key {
                        "serviceAccountToken" if reader.null().is_some() => {}
                        "serviceAccountToken" => self.tokens.push(ProjectedToken::read(reader)?),
                        "clusterTrustBundle" => self.read_path(reader)?,
                        "configMap" => self.read_config_map(reader)?,
                        _ => {
                            reader.skip()?;
                        }
                    }
                    Ok(())
                })?;
                Ok(())
            })?;
            self.sources = sources.map_or(Place::Missing, Place::Present);
            Ok(())
        })?;
        Ok(())
    }

    fn read_config_map(&mut self, reader: &mut Reader<'a>) -> Result<(), Fault> {
        reader.object("a ConfigMap projection", |key, reader| {
            if key != "items" {
                return reader.skip().map(|_| ());
            }
            reader.list("a list of keys", |_, reader| self.read_path(reader))?;
            Ok(())
        })?;
        Ok(())
    }

    fn read_path(&mut self, reader: &mut Reader<'a>) -> Result<(), Fault> {
        reader.object("an object with a path", |key, reader| {
            if key != "path" {
                return reader.skip().map(|_| ());
            }
            self.other_paths.extend(reader.optional_string("a path")?);
            Ok(())
        })?;
        Ok(())
    }
}

impl<'a> ProjectedToken<'a> {
    fn read(reader: &mut Reader<'a>) -> Result<Self, Fault> {
        let mut path = None;
        let mut audience = None;
        let mut expiration_seconds = None;
        reader.object("a ServiceAccount token", |key, reader| {
            let mut at = reader.clone();
            match key {
                "path" => path = reader.optional_string("a path")?,
                "audience" => {
                    let text = reader.optional_string("an audience")?;
                    audience = text.zip(at.skip().ok());
                }
                "expirationSeconds" if reader.null().is_some() => {}
                "expirationSeconds" => expiration_seconds = Some((reader.raw()?, at.skip()?)),
                _ => {
                    reader.skip()?;
                }
            }
            Ok(())
        })?;
        Ok(Self {
            path: path.ok_or_else(|| missing("a path").in_field("path"))?,
            audience,
            expiration_seconds,
        })
    }
}

fn missing(expected: &'static str) -> Fault {
    Fault::new(expected, "nothing")
}
