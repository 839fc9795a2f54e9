//! How far a preview has come, on a terminal.

use std::time::Duration;

use anyhow::Result;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::watch::Watch;
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
}

impl Watch for Progress {
    fn loading(&self) {
        self.0.set_message("compiling the policy");
    }

    fn reviewing(&self, objects: usize) {
        if let Ok(style) = ProgressStyle::with_template(BAR) {
            self.0.set_style(style.progress_chars("##-"));
        }
        self.0
            .set_length(u64::try_from(objects).unwrap_or(u64::MAX));
    }

    fn suspend(&self, work: &mut dyn FnMut() -> Result<()>) -> Result<()> {
        self.0.suspend(work)
    }

    fn beside(&self, log: LogSink) -> LogSink {
        let bar = self.0.clone();
        Box::new(move |line| bar.suspend(|| log(line)))
    }

    fn step(&self) {
        self.0.inc(1);
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}
