//! The containers of a pod.

use std::borrow::Cow;

use super::named::read_named;
use crate::json::{Collection, Fault, List, Reader};
use crate::values::is_same;

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
    /// Its `restartPolicy`, as JSON: an init container with `Always` keeps running.
    restart_policy: Option<&'a str>,
    ports: Option<&'a str>,
    volume_devices: Option<&'a str>,
    /// Its `resources`, as JSON.
    pub resources: Option<&'a str>,
}

/// An environment variable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EnvVar<'a> {
    /// Its name.
    pub name: Cow<'a, str>,
    value: Option<&'a str>,
    /// Whether its value may refer to other variables: there is a dollar sign in it.
    pub may_refer: bool,
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
    /// Whether it is mounted read-only.
    pub is_read_only: bool,
}

impl<'a> Container<'a> {
    /// Reads a container.
    pub(super) fn read(_: usize, reader: &mut Reader<'a>) -> Result<Self, Fault> {
        let mut name = None;
        let mut env = List::default();
        let mut volume_mounts = List::default();
        let mut ports = None;
        let mut restart_policy = None;
        let mut volume_devices = None;
        let mut resources = None;
        let object = reader.object("a container", |key, reader| {
            match key {
                "name" => name = Some(reader.string("a name")?),
                "env" => env = reader.items("a list of environment variables", EnvVar::read)?,
                "ports" => ports = Some(reader.raw()?),
                "resources" => resources = Some(reader.raw()?),
                "restartPolicy" => restart_policy = Some(reader.raw()?),
                "volumeDevices" => volume_devices = Some(reader.raw()?),
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
            name: name.ok_or_else(|| Fault::missing("a name").in_field("name"))?,
            env,
            volume_mounts,
            restart_policy,
            ports,
            volume_devices,
            resources,
        })
    }

    /// Its environment variable of this name, whatever the value comes from: the last one, which counts.
    pub fn env_var(&self, name: &str) -> Option<&EnvVar<'a>> {
        self.env
            .items
            .iter()
            .rev()
            .find(|env| is_same(&env.name, name))
    }

    /// Whether it has an environment variable of this name.
    pub fn has_env(&self, name: &str) -> bool {
        self.env.items.iter().any(|env| is_same(&env.name, name))
    }

    /// Whether it keeps running beside the containers, if it is an init container.
    pub fn is_native_sidecar(&self) -> bool {
        let policy = self.restart_policy.map(Reader::new);
        policy
            .is_some_and(|mut policy| policy.string("a policy").is_ok_and(|text| text == "Always"))
    }

    /// The TCP ports that it says it listens on.
    ///
    /// # Errors
    ///
    /// A [`Fault`] if `ports` is not a list of ports.
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
            if protocol.is_none_or(|protocol| protocol.is_empty() || protocol == "TCP") {
                ports.extend(port);
            }
            Ok(())
        });
        read.map(|_| ports).map_err(|fault| fault.in_field("ports"))
    }

    /// Where it has block devices.
    ///
    /// # Errors
    ///
    /// A [`Fault`] if `volumeDevices` is not a list of devices.
    pub fn device_paths(&self) -> Result<Vec<Cow<'a, str>>, Fault> {
        let mut paths = Vec::new();
        let mut reader = Reader::new(self.volume_devices.unwrap_or("null"));
        let read = reader.list("a list of devices", |_, reader| {
            reader.object("a device", |key, reader| {
                if key != "devicePath" {
                    return reader.skip().map(|_| ());
                }
                paths.extend(reader.optional_string("a path")?);
                Ok(())
            })?;
            Ok(())
        });
        read.map(|_| paths)
            .map_err(|fault| fault.in_field("volumeDevices"))
    }
}

impl<'a> EnvVar<'a> {
    fn read(_: usize, reader: &mut Reader<'a>) -> Result<Self, Fault> {
        let mut value = None;
        let mut has_source = false;
        let mut may_refer = false;
        let name = read_named(reader, "an environment variable", |key, reader| {
            let text = reader.raw_noting_dollars(&mut may_refer)?;
            match key {
                "value" if text != "null" => value = Some(text),
                "valueFrom" => has_source |= text != "null",
                _ => {}
            }
            Ok(())
        })?;
        // Kubernetes leaves an empty value out.
        let value = value.or((!has_source).then_some("\"\""));
        Ok(Self {
            name,
            value,
            may_refer,
        })
    }

    /// Its value, if the pod itself has it.
    pub fn value(&self) -> Option<Cow<'a, str>> {
        Reader::new(self.value?).string("a string").ok()
    }

    /// Whether its value is empty.
    pub fn is_empty(&self) -> bool {
        self.value == Some("\"\"")
    }
}

impl<'a> VolumeMount<'a> {
    fn read(_: usize, reader: &mut Reader<'a>) -> Result<Self, Fault> {
        let mut mount_path = None;
        let mut is_part = false;
        let mut is_read_only = false;
        let name = read_named(reader, "a volume mount", |key, reader| {
            match key {
                "mountPath" => mount_path = Some(reader.string("a path")?),
                "subPath" | "subPathExpr" => {
                    let sub_path = reader.optional_string("a path")?;
                    is_part |= sub_path.is_some_and(|path| !path.is_empty());
                }
                "readOnly" => is_read_only = reader.boolean("true or false")?,
                _ => {
                    reader.skip()?;
                }
            }
            Ok(())
        })?;
        Ok(Self {
            name,
            mount_path: mount_path.ok_or_else(|| Fault::missing("a path").in_field("mountPath"))?,
            is_part,
            is_read_only,
        })
    }
}
