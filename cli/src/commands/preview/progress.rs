//! How far a long preview has come, on a terminal.

use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::kubewarden::host_calls::LogSink;

/// How long a preview may take before its progress is shown.
const PATIENCE: Duration = Duration::from_secs(1);

/// The bar: `[####----] 512/1000 objects`.
const TEMPLATE: &str = "[{bar:30}] {pos}/{len} objects";

/// A bar on standard error that appears if the preview takes long, and disappears when it ends.
pub struct Progress {
    bar: ProgressBar,
    started: Instant,
}

impl Progress {
    /// A bar for `objects` objects, hidden as yet.
    pub fn new(objects: usize) -> Self {
        let bar = ProgressBar::with_draw_target(
            u64::try_from(objects).ok(),
            ProgressDrawTarget::hidden(),
        );
        if let Ok(style) = ProgressStyle::with_template(TEMPLATE) {
            bar.set_style(style.progress_chars("##-"));
        }
        Self {
            bar,
            started: Instant::now(),
        }
    }

    /// Does `work`, which may write to the terminal.
    pub fn suspend<T>(&self, work: impl FnOnce() -> T) -> T {
        self.bar.suspend(work)
    }

    /// A receiver of log messages that writes them to the terminal as `log` does.
    pub fn beside(&self, log: LogSink) -> LogSink {
        let bar = self.bar.clone();
        Box::new(move |line| bar.suspend(|| log(line)))
    }

    /// Tells that one more object is done.
    pub fn step(&mut self) {
        self.bar.inc(1);
        let is_last = self.bar.length() == Some(self.bar.position());
        if self.bar.is_hidden() && !is_last && self.started.elapsed() > PATIENCE {
            // If standard error is not a terminal, this one is hidden, too.
            self.bar.set_draw_target(ProgressDrawTarget::stderr());
            self.bar.tick();
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}
