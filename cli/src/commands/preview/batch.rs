//! The work on many objects, on all cores where there are threads.

#[cfg(feature = "native")]
use rayon::prelude::*;

/// What `work` makes of each of the `items`, in their order.
#[cfg(feature = "native")]
pub fn map<T: Sync, R: Send>(items: &[T], work: impl Fn(&T) -> R + Send + Sync) -> Vec<R> {
    items.par_iter().map(work).collect()
}

/// What `work` makes of each of the `items`, in their order.
#[cfg(not(feature = "native"))]
pub fn map<T, R>(items: &[T], work: impl Fn(&T) -> R) -> Vec<R> {
    items.iter().map(work).collect()
}
