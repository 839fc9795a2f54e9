//! Kubernetes objects, as far as the policy reads them.

mod metadata;
mod metadata_places;
mod annotated;
mod named;
mod volume;
mod container;
mod windows;
mod pod_spec;
mod object;
mod pod;
mod workload;
mod request;

pub use annotated::Annotated;
pub use container::{Container, EnvVar, VolumeMount};
pub use metadata::Metadata;
pub use metadata_places::MetadataPlaces;
pub use object::Object;
pub use pod::Pod;
pub use pod_spec::{ContainerPlace, PodSpec};
pub use request::{Request, Target};
pub use volume::{ProjectedToken, Volume};
pub use workload::{JOB_TEMPLATE, KINDS, Workload, WorkloadKind};
