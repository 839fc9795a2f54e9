//! What a finding is about.

use std::borrow::Cow;
use std::fmt;

use crate::messages::{Excerpt, ObjectName};

/// What a finding is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum About {
    /// The request as a whole, whose object has no name yet.
    Request,
    /// A pod or the pod template of a workload.
    Pod(PodName),
    /// A container of a pod or pod template.
    Container {
        /// The pod.
        pod: PodName,
        /// The list that has the container: `containers` or `initContainers`.
        list: &'static str,
        /// Its index there.
        index: usize,
        /// Its name.
        name: Excerpt,
    },
    /// An object as a whole: a workload itself, or an object of the wrong shape.
    Object(ObjectName),
    /// The job template of a CronJob, at this path.
    JobTemplate(ObjectName, &'static str),
    /// A ServiceAccount.
    ServiceAccount(ObjectName),
    /// The settings as a whole.
    Settings,
    /// A setting, by its path.
    Setting(Excerpt),
}

/// A pod, or the pod template of a workload, as messages name it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PodName {
    /// The pod, or the workload.
    pub object: ObjectName,
    /// The path of the pod template in the workload, or of what stands for one; `None` for a pod.
    pub template: Option<Cow<'static, str>>,
}

impl PodName {
    /// The path of the spec.
    fn spec(&self) -> String {
        match &self.template {
            Some(template) => format!("{template}.spec"),
            None => "spec".to_owned(),
        }
    }

    /// Whether the other is the same, a pod template and the pod made of it being the same.
    fn is_same(&self, other: &Self) -> bool {
        self.template.is_none() || other.template.is_none() || self.template == other.template
    }
}

impl About {
    /// The object, if there is one.
    pub fn object(&self) -> Option<&ObjectName> {
        match self {
            Self::Pod(pod) | Self::Container { pod, .. } => Some(&pod.object),
            Self::Object(object) | Self::JobTemplate(object, _) | Self::ServiceAccount(object) => {
                Some(object)
            }
            Self::Request | Self::Settings | Self::Setting(_) => None,
        }
    }

    /// A container of the pod.
    pub fn container(&self, list: &'static str, index: usize, name: &str) -> Self {
        match self {
            Self::Pod(pod) => Self::Container {
                pod: pod.clone(),
                list,
                index,
                name: Excerpt::new(name),
            },
            other => other.clone(),
        }
    }

    /// The path of the container or of the pod's spec; nothing for something else.
    pub fn path(&self) -> String {
        match self {
            Self::Pod(pod) => pod.spec(),
            Self::Container {
                pod, list, index, ..
            } => {
                format!("{}.{list}[{index}]", pod.spec())
            }
            _ => String::new(),
        }
    }

    /// What precedes a label or annotation: for a pod template, its path and a colon.
    pub fn metadata(&self) -> String {
        match self {
            Self::Pod(PodName {
                template: Some(path),
                ..
            }) => format!("{path}: "),
            _ => String::new(),
        }
    }

    /// Whether the policy's settings are at fault.
    pub fn is_settings(&self) -> bool {
        matches!(self, Self::Settings | Self::Setting(_))
    }

    /// Whether the other is the same, a pod template and the pod made of it being the same.
    pub fn is_same(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Pod(pod), Self::Pod(other)) => pod.is_same(other),
            (
                Self::Container {
                    pod,
                    list,
                    index,
                    name,
                },
                Self::Container {
                    pod: other,
                    list: other_list,
                    index: other_index,
                    name: other_name,
                },
            ) => pod.is_same(other) && (list, index, name) == (other_list, other_index, other_name),
            _ => self == other,
        }
    }
}

impl fmt::Display for About {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Request => Ok(()),
            Self::Pod(pod) => pod.object.fmt(f),
            Self::Container { pod, name, .. } => {
                pod.object.fmt(f)?;
                f.write_str(": container ")?;
                name.fmt(f)
            }
            Self::Object(object) | Self::ServiceAccount(object) => object.fmt(f),
            Self::JobTemplate(object, path) => {
                object.fmt(f)?;
                write!(f, ": {path}")
            }
            Self::Settings => f.write_str("settings"),
            Self::Setting(path) => {
                f.write_str("setting ")?;
                path.bare().fmt(f)
            }
        }
    }
}
