//! The time of a run: nanoseconds since its start on a monotonic clock, and the phases.

use std::sync::atomic::{AtomicU8, Ordering};
use std::time::{Duration, Instant};

/// A part of a run. Only what was due in [`Phase::Measure`] is reported.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Phase {
    /// Streams are opened.
    Ramp,
    /// All that will open have opened; a control publish shows that publishes arrive at all.
    Settle,
    /// Publishes and calls are made and measured.
    Measure,
    /// Nothing new is sent; what is owed may still arrive.
    Drain,
    /// Streams and sessions are closed.
    End,
}

/// The clock of one run. All times within a run are readings of this one clock.
#[derive(Debug)]
pub struct RunClock {
    started: Instant,
    phase: AtomicU8,
}

impl Default for RunClock {
    fn default() -> Self {
        Self::start()
    }
}

impl RunClock {
    /// Starts the clock, in [`Phase::Ramp`].
    pub fn start() -> Self {
        Self {
            started: Instant::now(),
            phase: AtomicU8::new(Phase::Ramp as u8),
        }
    }

    /// Nanoseconds since the start.
    pub fn now_ns(&self) -> u64 {
        nanoseconds(self.started.elapsed())
    }

    /// The moment that is `ns` nanoseconds after the start, to sleep until.
    pub fn at(&self, ns: u64) -> tokio::time::Instant {
        tokio::time::Instant::from_std(self.started + Duration::from_nanos(ns))
    }

    /// The phase now.
    pub fn phase(&self) -> Phase {
        match self.phase.load(Ordering::Acquire) {
            0 => Phase::Ramp,
            1 => Phase::Settle,
            2 => Phase::Measure,
            3 => Phase::Drain,
            _ => Phase::End,
        }
    }

    /// Moves on to `phase`; never back.
    pub fn enter(&self, phase: Phase) {
        self.phase.fetch_max(phase as u8, Ordering::AcqRel);
    }
}

/// A duration in whole nanoseconds, which lasts for 584 years.
pub fn nanoseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn phases_only_go_forward() {
        let clock = RunClock::start();
        for phase in [
            Phase::Ramp,
            Phase::Settle,
            Phase::Measure,
            Phase::Drain,
            Phase::End,
        ] {
            clock.enter(phase);
            assert_eq!(clock.phase(), phase);
        }
        clock.enter(Phase::Settle);
        assert_eq!(clock.phase(), Phase::End);
    }

    #[test]
    fn readings_and_moments_are_of_one_clock() {
        let clock = RunClock::start();
        let before = clock.now_ns();
        let moment = clock.at(before);
        assert!(moment <= tokio::time::Instant::now());
        assert!(clock.now_ns() >= before);
        assert_eq!(nanoseconds(Duration::MAX), u64::MAX);
    }
}
