//! Progress on stderr, and only where a person looks at it.

use std::io::IsTerminal;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::engine::{CheckResult, Facts, Observer, Verdict};
use crate::load::engine::{LoadObserver, Progress};

/// Whether stderr is a terminal that a person watches.
fn is_watched() -> bool {
    std::io::stderr().is_terminal() && std::env::var_os("CI").is_none()
}

fn bar(template: &str) -> ProgressBar {
    let target = if is_watched() {
        ProgressDrawTarget::stderr()
    } else {
        ProgressDrawTarget::hidden()
    };
    let bar = ProgressBar::with_draw_target(None, target);
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style);
    }
    bar.enable_steady_tick(Duration::from_millis(120));
    bar
}

/// Scenarios done, and failures so far.
pub(super) struct CheckProgress {
    bar: ProgressBar,
    failed: AtomicUsize,
}

impl CheckProgress {
    /// Progress of a run; `name` tells it from others.
    pub(super) fn new(name: &str) -> Self {
        Self {
            bar: bar("{spinner} checking {prefix}{pos}/{len} scenarios {msg}")
                .with_prefix(name.to_owned()),
            failed: AtomicUsize::new(0),
        }
    }

    pub(super) fn finish(&self) {
        self.bar.finish_and_clear();
    }
}

impl Observer for CheckProgress {
    fn surveyed(&self, _facts: &Facts, scenarios: usize) {
        self.bar.set_length(scenarios as u64);
    }

    fn scenario_done(&self, _id: &str, results: &[CheckResult]) {
        let failed = results
            .iter()
            .filter(|result| result.verdict == Verdict::Fail)
            .count();
        let failed = self.failed.fetch_add(failed, Ordering::Relaxed) + failed;
        self.bar.inc(1);
        if failed > 0 {
            self.bar.set_message(format!("({failed} failed)"));
        }
    }
}

/// Phase, streams, events.
pub(super) struct LoadProgress {
    bar: ProgressBar,
}

impl LoadProgress {
    pub(super) fn new() -> Self {
        Self {
            bar: bar("{spinner} {msg}"),
        }
    }

    pub(super) fn finish(&self) {
        self.bar.finish_and_clear();
    }
}

impl LoadObserver for LoadProgress {
    fn progress(&self, progress: &Progress) {
        self.bar.set_message(format!(
            "{:?}: {}/{} streams open, {}/{} published, {} events, {} errors",
            progress.phase,
            progress.open,
            progress.asked,
            progress.sent,
            progress.planned,
            progress.events,
            progress.errors
        ));
    }
}
