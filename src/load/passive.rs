//! A target that emits by itself: what arrives is counted and timed, and nothing is owed.

use std::sync::Mutex;
use std::sync::atomic::Ordering;

use super::recorders::LatencyRecorder;
use super::report::{PassiveReport, TimestampReport};
use super::shared::lock;
use super::timestamp::{TimestampPath, Timestamps};

/// What is watched for where nothing is triggered.
#[derive(Clone, Debug, Default)]
pub struct Passive {
    /// Where a message says when it was made; without it there are no latencies.
    pub timestamp: Option<TimestampPath>,
}

/// When events arrived on one stream, in the measure phase.
#[derive(Clone, Copy, Debug, Default)]
struct Rhythm {
    events: u64,
    last_ns: Option<u64>,
    longest_ns: u64,
}

impl Rhythm {
    /// Notes an arrival and gives the time since the one before.
    fn note(&mut self, now_ns: u64) -> Option<u64> {
        self.events += 1;
        let last = self.last_ns.replace(now_ns)?;
        let gap = now_ns.saturating_sub(last);
        self.longest_ns = self.longest_ns.max(gap);
        Some(gap)
    }

    /// The silence before `end_ns`, if it is already longer than every gap before it: a target that falls silent must not
    /// look regular. One that is shorter may only have been cut by the end of the run.
    fn silence(&self, end_ns: u64) -> Option<u64> {
        let gap = end_ns.saturating_sub(self.last_ns?);
        (gap > self.longest_ns).then_some(gap)
    }
}

/// What is watched on all streams.
#[derive(Debug)]
pub(super) struct Watch {
    rhythms: Vec<Mutex<Rhythm>>,
    pub(super) timestamps: Option<Timestamps>,
}

impl Watch {
    pub(super) fn new(passive: &Passive, streams: usize) -> Self {
        Self {
            rhythms: std::iter::repeat_with(Mutex::default)
                .take(streams)
                .collect(),
            timestamps: passive.timestamp.clone().map(Timestamps::new),
        }
    }

    /// Notes an arrival on stream number `index`.
    pub(super) fn note(&self, index: usize, now_ns: u64, gaps: &LatencyRecorder) {
        let gap = self
            .rhythms
            .get(index)
            .and_then(|rhythm| lock(rhythm).note(now_ns));
        if let Some(gap) = gap {
            gaps.record_ns(gap);
        }
    }

    /// The measure phase is over.
    pub(super) fn close(&self, end_ns: u64, gaps: &LatencyRecorder) {
        for rhythm in &self.rhythms {
            if let Some(gap) = lock(rhythm).silence(end_ns) {
                gaps.record_ns(gap);
            }
        }
    }

    pub(super) fn report(&self) -> PassiveReport {
        let events = self.rhythms.iter().map(|rhythm| lock(rhythm).events);
        PassiveReport {
            events: events.clone().sum(),
            silent_streams: events.filter(|events| *events == 0).count() as u64,
            timestamps: self.timestamps.as_ref().map(|times| TimestampReport {
                path: times.path().to_string(),
                unit: times.unit().map(|unit| unit.to_string()),
                read: times.read.load(Ordering::Relaxed),
                missing: times.missing.load(Ordering::Relaxed),
                negative: times.negative.load(Ordering::Relaxed),
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gaps_are_between_arrivals_and_a_silence_counts_if_it_is_the_longest() {
        // (arrivals, end, gaps in all, the silence)
        let cases = [
            (vec![], 100, vec![], None),
            (vec![40], 100, vec![], Some(60)),
            (vec![10, 20, 40], 55, vec![10, 20], None),
            (vec![10, 20, 40], 61, vec![10, 20], Some(21)),
            (vec![10, 10], 10, vec![0], None),
        ];
        for (arrivals, end, gaps, silence) in cases {
            let mut rhythm = Rhythm::default();
            let found: Vec<u64> = arrivals.iter().filter_map(|at| rhythm.note(*at)).collect();
            assert_eq!(found, gaps, "{arrivals:?}");
            assert_eq!(rhythm.silence(end), silence, "{arrivals:?}");
        }
    }

    #[test]
    fn streams_are_counted_apart() {
        let watch = Watch::new(&Passive::default(), 3);
        let gaps = LatencyRecorder::default();
        for (index, at_us) in [(0, 1), (1, 2), (0, 5), (9, 6)] {
            watch.note(index, at_us * 1_000, &gaps);
        }
        watch.close(20_000, &gaps);
        let report = watch.report();
        assert_eq!((report.events, report.silent_streams), (3, 1));
        // 4 µs between two, and silences of 15 and 18 µs.
        let snapshot = gaps.snapshot();
        assert_eq!((snapshot.count, snapshot.max), (3, 18));
        assert_eq!(report.timestamps, None);
    }
}
