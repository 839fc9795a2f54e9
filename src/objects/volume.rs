//! The volumes of a pod.

use std::borrow::Cow;

use super::named::read_named;
use crate::json::{Fault, Place, Reader, Span};

/// A volume.
#[derive(Clone, Debug)]
pub struct Volume<'a> {
    /// Its name.
    pub name: Cow<'a, str>,
    /// The ServiceAccount tokens that it projects.
    pub tokens: Vec<ProjectedToken<'a>>,
    /// The place of the list of its sources, if it is projected.
    pub sources: Place,
    /// The paths of the certificates and of the named keys of ConfigMaps that it projects.
    pub certificate_paths: Vec<Cow<'a, str>>,
    /// Whether it projects anything else.
    pub has_other_sources: bool,
    /// Whether another volume can be mounted in it even if it is mounted read-only: the kubelet makes the mount point.
    pub can_hold_mounts: bool,
    /// Whether every mount of it is read-only.
    pub is_read_only: bool,
}

/// A `serviceAccountToken` source of a projected volume.
#[derive(Clone, Debug)]
pub struct ProjectedToken<'a> {
    /// Path of the token within the volume.
    pub path: Cow<'a, str>,
    /// The token's audience and its place, if it is set.
    pub audience: Option<(Cow<'a, str>, Span)>,
    /// The token's expiration in seconds, as it is written, and its place, if it is set.
    pub expiration_seconds: Option<(&'a str, Span)>,
}

impl<'a> Volume<'a> {
    /// Reads a volume.
    pub(super) fn read(_: usize, reader: &mut Reader<'a>) -> Result<Self, Fault> {
        let mut volume = Self {
            name: Cow::Borrowed(""),
            tokens: Vec::new(),
            sources: Place::Missing,
            certificate_paths: Vec::new(),
            has_other_sources: false,
            can_hold_mounts: false,
            is_read_only: false,
        };
        volume.name = read_named(reader, "a volume", |key, reader| {
            if reader.null().is_some() {
                return Ok(());
            }
            match key {
                "projected" => volume.read_projected(reader)?,
                "secret" | "configMap" | "downwardAPI" => {
                    volume.can_hold_mounts = true;
                    reader.skip()?;
                }
                "image" => {
                    volume.is_read_only = true;
                    reader.skip()?;
                }
                _ => volume.read_other(reader)?,
            }
            Ok(())
        })?;
        Ok(volume)
    }

    fn read_projected(&mut self, reader: &mut Reader<'a>) -> Result<(), Fault> {
        self.can_hold_mounts = true;
        reader.object("a projected volume source", |key, reader| {
            if key != "sources" {
                return reader.skip().map(|_| ());
            }
            let sources = reader.list("a list of sources", |_, reader| {
                reader.object("a source", |key, reader| {
                    if reader.null().is_some() {
                        return Ok(());
                    }
                    match key {
                        "serviceAccountToken" => self.tokens.push(ProjectedToken::read(reader)?),
                        "clusterTrustBundle" => self.read_path(reader)?,
                        "configMap" => self.read_config_map(reader)?,
                        _ => {
                            self.has_other_sources = true;
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

    /// Reads a volume source of another kind, which may say that it is read-only.
    fn read_other(&mut self, reader: &mut Reader<'a>) -> Result<(), Fault> {
        if !reader.is_object() {
            return reader.skip().map(|_| ());
        }
        reader.object("a volume source", |key, reader| {
            self.is_read_only |= reader.raw()? == "true" && key == "readOnly";
            Ok(())
        })?;
        Ok(())
    }

    fn read_config_map(&mut self, reader: &mut Reader<'a>) -> Result<(), Fault> {
        let mut has_items = false;
        reader.object("a ConfigMap projection", |key, reader| {
            if key != "items" {
                return reader.skip().map(|_| ());
            }
            reader.list("a list of keys", |_, reader| {
                has_items = true;
                self.read_path(reader)
            })?;
            Ok(())
        })?;
        // Without items, all its keys are projected.
        self.has_other_sources |= !has_items;
        Ok(())
    }

    fn read_path(&mut self, reader: &mut Reader<'a>) -> Result<(), Fault> {
        reader.object("an object with a path", |key, reader| {
            if key != "path" {
                return reader.skip().map(|_| ());
            }
            self.certificate_paths
                .extend(reader.optional_string("a path")?);
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
            path: path.ok_or_else(|| Fault::missing("a path").in_field("path"))?,
            audience,
            expiration_seconds,
        })
    }
}
