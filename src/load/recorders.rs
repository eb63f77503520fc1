//! Latency histograms that many tasks write at once.

use std::cell::Cell;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use hdrhistogram::Histogram;

/// The shortest latency that is told apart, in microseconds.
pub const LATENCY_US_MIN: u64 = 1;
/// The longest, in microseconds; anything longer counts as this and as clamped.
pub const LATENCY_US_MAX: u64 = 60_000_000;
const SIGNIFICANT_DIGITS: u8 = 3;
/// Enough for two writers per core on small machines; one histogram is about 140 KB.
const SHARDS: usize = 8;

thread_local! {
    static SLOT: Cell<Option<usize>> = const { Cell::new(None) };
}

/// This thread's shard: threads take turns.
fn slot() -> usize {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    SLOT.with(|slot| {
        let taken = slot.get();
        let number = taken.unwrap_or_else(|| NEXT.fetch_add(1, Ordering::Relaxed));
        slot.set(Some(number));
        number % SHARDS
    })
}

/// What a histogram comes to, in microseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Snapshot {
    /// Half of all latencies are at most this.
    pub p50: u64,
    /// 90 % are.
    pub p90: u64,
    /// 95 % are.
    pub p95: u64,
    /// 99 % are.
    pub p99: u64,
    /// 99.9 % are.
    pub p99_9: u64,
    /// The longest.
    pub max: u64,
    /// How many there are.
    pub count: u64,
    /// How many were longer than [`LATENCY_US_MAX`] and count as that.
    pub clamped: u64,
}

/// One latency, recorded from any number of tasks. Histograms are per thread, so that the locks are in effect free.
#[derive(Debug)]
pub struct LatencyRecorder {
    shards: Vec<Mutex<Option<Histogram<u64>>>>,
    clamped: AtomicU64,
}

impl Default for LatencyRecorder {
    fn default() -> Self {
        Self {
            shards: std::iter::repeat_with(Mutex::default)
                .take(SHARDS)
                .collect(),
            clamped: AtomicU64::new(0),
        }
    }
}

/// An empty histogram; `None` cannot happen with these constant bounds.
fn histogram() -> Option<Histogram<u64>> {
    Histogram::new_with_bounds(LATENCY_US_MIN, LATENCY_US_MAX, SIGNIFICANT_DIGITS).ok()
}

impl LatencyRecorder {
    /// Records one latency.
    pub fn record(&self, latency: Duration) {
        self.record_us(u64::try_from(latency.as_micros()).unwrap_or(u64::MAX));
    }

    /// Records one latency given in nanoseconds.
    pub fn record_ns(&self, ns: u64) {
        self.record_us(ns / 1_000);
    }

    fn record_us(&self, us: u64) {
        if us > LATENCY_US_MAX {
            self.clamped.fetch_add(1, Ordering::Relaxed);
        }
        if let Some(shard) = self.shards.get(slot()) {
            let mut shard = shard.lock().unwrap_or_else(PoisonError::into_inner);
            if shard.is_none() {
                *shard = histogram();
            }
            if let Some(histogram) = shard.as_mut() {
                histogram.saturating_record(us.clamp(LATENCY_US_MIN, LATENCY_US_MAX));
            }
        }
    }

    /// The histograms of all shards as one; `None` cannot happen.
    pub(super) fn merged(&self) -> Option<Histogram<u64>> {
        let mut all = histogram()?;
        for shard in &self.shards {
            let shard = shard.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(shard) = shard.as_ref() {
                // Equal bounds, so nothing is too large to be added.
                let _same_bounds = all.add(shard);
            }
        }
        Some(all)
    }

    /// All shards together.
    pub fn snapshot(&self) -> Snapshot {
        let Some(all) = self.merged() else {
            return Snapshot::default();
        };
        let at = |quantile: f64| all.value_at_quantile(quantile);
        Snapshot {
            p50: at(0.5),
            p90: at(0.9),
            p95: at(0.95),
            p99: at(0.99),
            p99_9: at(0.999),
            max: all.max(),
            count: all.len(),
            clamped: self.clamped.load(Ordering::Relaxed),
        }
    }
}

/// The latencies of a run.
#[derive(Debug, Default)]
pub struct Recorders {
    /// From the due time of a publish to its arrival on a stream; where nothing is triggered, from the time that a message
    /// carries.
    pub fanout: LatencyRecorder,
    /// Between two arrivals on one stream, where nothing is triggered.
    pub gap: LatencyRecorder,
    /// From the intended start of a call to its response.
    pub call: LatencyRecorder,
    /// From the first byte of a session to its open stream.
    pub connect: LatencyRecorder,
    /// How late the canary's tick was.
    pub canary: LatencyRecorder,
    /// How late publishes were sent.
    pub lateness: LatencyRecorder,
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn nothing_recorded_is_all_zero() {
        assert_eq!(LatencyRecorder::default().snapshot(), Snapshot::default());
    }

    #[test]
    fn shards_of_several_threads_come_together() {
        let recorder = LatencyRecorder::default();
        std::thread::scope(|scope| {
            for thread in 0..4_u64 {
                let recorder = &recorder;
                scope.spawn(move || {
                    for us in 1..=250 {
                        recorder.record(Duration::from_micros(thread * 250 + us));
                    }
                });
            }
        });
        let snapshot = recorder.snapshot();
        assert_eq!(
            (snapshot.count, snapshot.p50, snapshot.p90),
            (1_000, 500, 900)
        );
        assert_eq!(
            (snapshot.p99, snapshot.max, snapshot.clamped),
            (990, 1_000, 0)
        );
    }

    #[test]
    fn what_is_out_of_range_is_clamped_and_counted() {
        let recorder = LatencyRecorder::default();
        recorder.record_ns(1);
        recorder.record(Duration::from_secs(61));
        recorder.record(Duration::MAX);
        let snapshot = recorder.snapshot();
        assert_eq!((snapshot.count, snapshot.clamped), (3, 2));
        // Three digits: within 0.1 %.
        assert!(snapshot.max.abs_diff(LATENCY_US_MAX) <= LATENCY_US_MAX / 1_000);
    }

    proptest! {
        #[test]
        fn percentiles_are_within_a_thousandth(mut values in prop::collection::vec(1_u64..LATENCY_US_MAX, 1..300)) {
            let recorder = LatencyRecorder::default();
            values.iter().for_each(|us| recorder.record(Duration::from_micros(*us)));
            values.sort_unstable();
            let snapshot = recorder.snapshot();
            let exact = values[(values.len() * 99).div_ceil(100) - 1];
            prop_assert!(snapshot.p99.abs_diff(exact) <= exact / 1_000 + 1, "{} {exact}", snapshot.p99);
        }
    }
}
