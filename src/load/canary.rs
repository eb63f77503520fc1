//! A task that only ticks: how late its ticks are is how late everything in this process is.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::clock::{Phase, RunClock};
use super::recorders::LatencyRecorder;

/// The time between ticks. tokio's timers are exact to about 1 ms, which is the floor of what this measures.
pub const TICK: Duration = Duration::from_millis(10);

/// Records the lateness of each tick in the measure phase, until `stop`.
pub async fn watch(clock: &RunClock, lateness: &LatencyRecorder, stop: &CancellationToken) {
    let mut due = tokio::time::Instant::now() + TICK;
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep_until(due) => {}
        }
        let now = tokio::time::Instant::now();
        if clock.phase() == Phase::Measure {
            lateness.record(now.duration_since(due));
        }
        due = next_tick(due, now);
    }
}

/// The tick after `due`; after a stall that ate ticks, one interval from `now`, so that a stall is counted once.
fn next_tick(due: tokio::time::Instant, now: tokio::time::Instant) -> tokio::time::Instant {
    let next = due + TICK;
    if now > next { now + TICK } else { next }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn ticks_of_the_measure_phase_are_recorded_until_the_stop() {
        let (clock, lateness) = (RunClock::start(), LatencyRecorder::default());
        let stop = CancellationToken::new();
        clock.enter(Phase::Measure);
        let recorded = async {
            while lateness.snapshot().count < 3 {
                tokio::time::sleep(TICK).await;
            }
            stop.cancel();
        };
        tokio::time::timeout(Duration::from_secs(10), async {
            tokio::join!(watch(&clock, &lateness, &stop), recorded)
        })
        .await
        .unwrap();
        assert!(lateness.snapshot().count >= 3);
    }

    #[test]
    fn a_stall_moves_the_ticks_and_a_little_lateness_does_not() {
        let due = tokio::time::Instant::now();
        assert_eq!(next_tick(due, due + TICK / 2), due + TICK);
        assert_eq!(next_tick(due, due + TICK * 7), due + TICK * 8);
    }
}
