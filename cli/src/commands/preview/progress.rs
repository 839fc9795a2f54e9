//! How far a preview has come, on a terminal.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::kubewarden::host_calls::LogSink;

/// How often the bar is drawn at most, in times a second.
const REDRAWS: u8 = 10;

/// How often a bar that stands still is drawn.
const TICK: Duration = Duration::from_millis(250);

/// The bar: `[####----] 512/1000 objects`.
const BAR: &str = "[{bar:30}] {pos}/{len} objects";

/// What is shown while nothing can be counted.
const SPINNER: &str = "{spinner} {msg}";

/// A bar on standard error that disappears when the preview ends; nothing if that is not a terminal.
pub struct Progress(ProgressBar);

impl Progress {
    /// The bar of a preview that reads manifests.
    pub fn new() -> Self {
        let target = ProgressDrawTarget::stderr_with_hz(REDRAWS);
        let bar = ProgressBar::with_draw_target(None, target);
        if let Ok(style) = ProgressStyle::with_template(SPINNER) {
            bar.set_style(style);
        }
        bar.set_message("reading manifests");
        bar.enable_steady_tick(TICK);
        Self(bar)
    }

    /// Tells that the module is compiled.
    pub fn compiling(&self) {
        self.0.set_message("compiling the policy");
    }

    /// Tells that this many objects are reviewed.
    pub fn reviewing(&self, objects: usize) {
        if let Ok(style) = ProgressStyle::with_template(BAR) {
            self.0.set_style(style.progress_chars("##-"));
        }
        self.0
            .set_length(u64::try_from(objects).unwrap_or(u64::MAX));
    }

    /// Does `work`, which may write to the terminal.
    pub fn suspend<T>(&self, work: impl FnOnce() -> T) -> T {
        self.0.suspend(work)
    }

    /// A receiver of log messages that writes them to the terminal as `log` does.
    pub fn beside(&self, log: LogSink) -> LogSink {
        let bar = self.0.clone();
        Box::new(move |line| bar.suspend(|| log(line)))
    }

    /// Tells that one more object is done.
    pub fn step(&self) {
        self.0.inc(1);
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}
