//! The stop of the run under way. Goose's kill switch is one for the whole process, hence so is this.

use std::sync::LazyLock;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::watch;

static STOPPED: LazyLock<watch::Sender<Option<String>>> =
    LazyLock::new(|| watch::Sender::new(None));
static RUNNING: AtomicBool = AtomicBool::new(false);

/// Ends the run that is under way: no more users start, and [`run`](crate::run) returns once all bodies have. Does
/// nothing when no run is under way. Callable from any thread, from a signal handler's thread too.
pub fn stop(reason: &str) {
    if !RUNNING.load(Ordering::Acquire) {
        return;
    }
    STOPPED.send_replace(Some(reason.to_owned()));
    goose::trigger_killswitch(reason);
}

/// Waits for the stop and gives its reason.
pub(crate) async fn stopped() -> String {
    let mut stopped = STOPPED.subscribe();
    let reason = stopped.wait_for(Option::is_some).await;
    // The sender is static, so the channel never closes.
    reason.map_or_else(|_closed| String::new(), |it| it.clone().unwrap_or_default())
}

/// The right to run, of which there is one in the process.
pub(crate) struct Running(());

impl Running {
    /// Takes the right and forgets the stop of the run before; `None` while another run has it.
    pub(crate) fn take() -> Option<Self> {
        if RUNNING.swap(true, Ordering::AcqRel) {
            return None;
        }
        STOPPED.send_replace(None);
        goose::reset_killswitch();
        Some(Self(()))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        RUNNING.store(false, Ordering::Release);
    }
}
