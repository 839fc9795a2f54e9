//! Who sees how far a preview has come.

use anyhow::Result;

use crate::kubewarden::host_calls::LogSink;

/// Sees how far a preview has come; by default, nothing is shown.
pub trait Watch: Sync {
    /// The module is loaded.
    fn loading(&self) {}

    /// This many objects are reviewed.
    fn reviewing(&self, _objects: usize) {}

    /// One more object is done.
    fn step(&self) {}

    /// Does `work`, which may write to the terminal.
    ///
    /// # Errors
    ///
    /// Those of `work`.
    fn suspend(&self, work: &mut dyn FnMut() -> Result<()>) -> Result<()> {
        work()
    }

    /// A receiver of log messages that writes them as `log` does.
    fn beside(&self, log: LogSink) -> LogSink {
        log
    }
}

/// Nobody.
pub struct Unwatched;

impl Watch for Unwatched {}
