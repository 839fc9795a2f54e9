//! What a pod lacks of its identity, and how it gets it.

mod plan;
mod token_volume;
mod items;
mod wanted;
mod needs;
mod way;
mod mark;
mod new_mark;
mod hand_over;
mod later;
mod paths;
mod places;
mod env_conflicts;
mod skip_containers;
mod proxy;
mod pod_resources;
mod injected_pod;
mod token_endpoint;

pub use hand_over::ANNOTATIONS as HAND_OVER_ANNOTATIONS;
pub use injected_pod::{InjectedPod, Purpose, ReviewOf};
pub use later::{Fate, LaterContainer};
pub use mark::Mark;
pub use plan::{ContainerOutcome, Plan};
pub use pod_resources::reject_shortage as reject_shortage_of_resources;
pub use proxy::Proxy;
pub use skip_containers::{Skip, read as read_skip_containers};
pub use token_endpoint::asked_for as token_endpoint_asked_for;
pub use token_volume::TokenVolumeState;
