//! How a run goes over time: a sample about each second.

use std::sync::atomic::Ordering;
use std::time::Duration;

use hdrhistogram::Histogram;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::clock::{Phase, nanoseconds};
use super::self_usage;
use super::shared::Shared;

/// The time between samples, until there are too many.
const EVERY: Duration = Duration::from_secs(1);
/// The most samples that are kept; then two become one, and from there on each is for twice the time.
const SAMPLES_MAX: usize = 3_600;

/// What a run was like between the sample before and this one.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Sample {
    /// When it was taken, in seconds since the run began.
    pub t_s: f64,
    /// The phase in which it was taken.
    pub phase: SamplePhase,
    /// Streams that were open.
    pub streams: u64,
    /// Events that arrived on all streams, per second.
    pub events_per_s: f64,
    /// The median fan-out latency of what was recorded since, in microseconds; where two samples were joined, the longer of
    /// both.
    pub fanout_p50_us: Option<u64>,
    /// Its 99th percentile, in the same way.
    pub fanout_p99_us: Option<u64>,
    /// Processor seconds that this process (not the target) used per second, where they are known.
    pub own_cpu: Option<f64>,
    /// Resident memory of this process, in bytes, where it is known.
    pub own_rss_bytes: Option<u64>,
}

/// The phase of a sample.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum SamplePhase {
    /// Streams are opened.
    Ramp,
    /// The target comes to rest, and a control publish arrives.
    Settle,
    /// Publishes and calls are measured.
    Measure,
    /// What is owed may still arrive.
    Drain,
}

impl SamplePhase {
    /// Its word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ramp => "ramp",
            Self::Settle => "settle",
            Self::Measure => "measure",
            Self::Drain => "drain",
        }
    }
}

impl From<Phase> for SamplePhase {
    fn from(phase: Phase) -> Self {
        match phase {
            Phase::Ramp => Self::Ramp,
            Phase::Settle => Self::Settle,
            Phase::Measure => Self::Measure,
            Phase::Drain | Phase::End => Self::Drain,
        }
    }
}

/// What had been counted at the last sample.
#[derive(Debug, Default)]
struct Before {
    at_ns: u64,
    events: u64,
    cpu_s: Option<f64>,
    fanout: Option<Histogram<u64>>,
}

/// Takes samples.
#[derive(Debug)]
pub(super) struct Series {
    samples: Vec<Sample>,
    every_ns: u64,
    due_ns: u64,
    before: Before,
}

impl Default for Series {
    fn default() -> Self {
        let every_ns = nanoseconds(EVERY);
        Self {
            samples: Vec::new(),
            every_ns,
            due_ns: every_ns,
            before: Before {
                cpu_s: self_usage::cpu_seconds(),
                ..Before::default()
            },
        }
    }
}

impl Series {
    /// Takes a sample if one is due.
    pub(super) fn look(&mut self, shared: &Shared) {
        let now_ns = shared.clock.now_ns();
        if now_ns < self.due_ns {
            return;
        }
        self.take(shared, now_ns);
        // A sample that came late does not make the next ones late; those that were missed are not made up for.
        let missed = (now_ns - self.due_ns) / self.every_ns;
        self.due_ns += (missed + 1) * self.every_ns;
    }

    /// Takes the last sample, at the end of the drain, if anything but a moment passed since the one before.
    pub(super) fn last(&mut self, shared: &Shared) {
        let now_ns = shared.clock.now_ns();
        if now_ns.saturating_sub(self.before.at_ns) >= self.every_ns / 10 {
            self.take(shared, now_ns);
        }
    }

    /// The samples, in order.
    pub(super) fn finish(self) -> Vec<Sample> {
        self.samples
    }

    fn take(&mut self, shared: &Shared, now_ns: u64) {
        let passed = Duration::from_nanos(now_ns.saturating_sub(self.before.at_ns)).as_secs_f64();
        let now = Before {
            at_ns: now_ns,
            events: shared.tally.events.load(Ordering::Relaxed),
            cpu_s: self_usage::cpu_seconds(),
            fanout: shared.recorders.fanout.merged(),
        };
        let fanout = recent(now.fanout.as_ref(), self.before.fanout.as_ref());
        let at = |quantile: f64| fanout.as_ref().map(|of| of.value_at_quantile(quantile));
        let per_s = |value: f64| if passed > 0.0 { value / passed } else { 0.0 };
        #[expect(clippy::cast_precision_loss, reason = "counts are far below 2^52")]
        let events = now.events.saturating_sub(self.before.events) as f64;
        let cpu = now.cpu_s.zip(self.before.cpu_s);
        self.push(Sample {
            t_s: Duration::from_nanos(now_ns).as_secs_f64(),
            phase: shared.clock.phase().into(),
            streams: shared.tally.open.load(Ordering::Relaxed),
            events_per_s: per_s(events),
            fanout_p50_us: at(0.5),
            fanout_p99_us: at(0.99),
            own_cpu: cpu.map(|(now, before)| per_s((now - before).max(0.0))),
            own_rss_bytes: self_usage::rss_bytes(),
        });
        self.before = now;
    }

    fn push(&mut self, sample: Sample) {
        if self.samples.len() >= SAMPLES_MAX {
            self.samples = self.samples.chunks(2).filter_map(join).collect();
            self.every_ns = self.every_ns.saturating_mul(2);
        }
        self.samples.push(sample);
    }
}

/// What was recorded since; `None` if nothing was.
fn recent(now: Option<&Histogram<u64>>, before: Option<&Histogram<u64>>) -> Option<Histogram<u64>> {
    let mut recent = now?.clone();
    if let Some(before) = before {
        // Counts only grow, so there is always enough to take away from.
        recent.subtract(before).ok()?;
    }
    (!recent.is_empty()).then_some(recent)
}

/// Two samples as one: rates in the mean, the longer latency so that no peak is lost, and the rest as it was last.
fn join(pair: &[Sample]) -> Option<Sample> {
    let (first, last) = (pair.first()?, pair.last()?);
    Some(Sample {
        events_per_s: (first.events_per_s + last.events_per_s) / 2.0,
        fanout_p50_us: first.fanout_p50_us.max(last.fanout_p50_us),
        fanout_p99_us: first.fanout_p99_us.max(last.fanout_p99_us),
        own_cpu: match (first.own_cpu, last.own_cpu) {
            (Some(first), Some(last)) => Some((first + last) / 2.0),
            (first, last) => first.or(last),
        },
        ..*last
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(t_s: u32) -> Sample {
        Sample {
            t_s: f64::from(t_s),
            phase: SamplePhase::Measure,
            streams: 7,
            events_per_s: f64::from(t_s),
            fanout_p50_us: Some(1),
            fanout_p99_us: (t_s == 1).then_some(99),
            own_cpu: Some(0.5),
            own_rss_bytes: None,
        }
    }

    #[test]
    fn a_long_run_has_fewer_samples_for_more_time_and_keeps_its_peaks() {
        let mut series = Series::default();
        for t_s in 1..=3_601 {
            series.push(sample(t_s));
        }
        assert_eq!(series.every_ns, 2_000_000_000);
        let samples = series.finish();
        assert_eq!(samples.len(), SAMPLES_MAX / 2 + 1);
        let first = samples[0];
        assert_eq!(
            (first.t_s, first.events_per_s, first.fanout_p99_us),
            (2.0, 1.5, Some(99))
        );
        assert_eq!(samples.last(), Some(&sample(3_601)));
    }

    #[test]
    fn only_what_came_since_the_last_sample_counts() {
        let of = |values: &[u64]| {
            let mut histogram = Histogram::<u64>::new_with_bounds(1, 1_000_000, 3).unwrap();
            values
                .iter()
                .for_each(|value| histogram.record(*value).unwrap());
            histogram
        };
        let (before, now) = (of(&[5, 900]), of(&[5, 900, 40, 41]));
        let since = recent(Some(&now), Some(&before)).unwrap();
        assert_eq!((since.len(), since.max()), (2, 41));
        assert!(recent(Some(&now), Some(&now)).is_none());
        assert!(recent(Some(&now), None).is_some_and(|all| all.len() == 4));
    }
}
