//! Whether the generator itself was the bottleneck. If it was, latencies are upper bounds and say little of the target.
//!
//! The limits are proposals that have proved useful; they are not calibrated.

/// A canary later than this at the 99th percentile, in microseconds, is a sign of saturation.
const CANARY_P99_US_MAX: u64 = 5_000;
/// So is one later than this share of the reported 99th percentile, which it then makes up a good part of. The larger of
/// the two limits counts.
const CANARY_SHARE_MAX: f64 = 0.25;
/// The share of the allowed cores that this process may use.
const OWN_CPU_SHARE_MAX: f64 = 0.85;
/// The share of the machine that all processes may use.
const MACHINE_BUSY_MAX: f64 = 0.90;
/// How late publishes may be at the 99th percentile, in microseconds.
const LATENESS_P99_US_MAX: u64 = 5_000;
/// At a paced rate events come about one at a time; more in one read means that they waited for us.
const EVENTS_PER_CHUNK_MAX: f64 = 4.0;

/// What the verdict is made from, all of the measure phase.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Signs {
    /// The canary's lateness, 99th percentile, in microseconds.
    pub canary_p99_us: u64,
    /// The reported fan-out latency, 99th percentile, in microseconds; zero if there is none.
    pub reported_p99_us: u64,
    /// The share of the allowed cores that this process used.
    pub own_cpu_share: Option<f64>,
    /// The share of the machine that was in use.
    pub machine_busy: Option<f64>,
    /// The publisher's lateness, 99th percentile, in microseconds.
    pub lateness_p99_us: u64,
    /// Events that came in one read of a stream, on average.
    pub events_per_chunk: f64,
}

impl Signs {
    /// Why the generator counts as saturated; empty if it does not.
    pub fn reasons(&self) -> Vec<String> {
        let mut reasons = Vec::new();
        #[expect(
            clippy::cast_precision_loss,
            reason = "microseconds of a run are far below 2^52"
        )]
        let share = self.canary_p99_us as f64 > CANARY_SHARE_MAX * self.reported_p99_us as f64;
        if self.canary_p99_us > CANARY_P99_US_MAX && share {
            reasons.push(format!(
                "a tick of this process was {} µs late (p99)",
                self.canary_p99_us
            ));
        }
        if let Some(used) = self.own_cpu_share.filter(|used| *used > OWN_CPU_SHARE_MAX) {
            reasons.push(format!(
                "this process used {:.0} % of its processor cores",
                used * 100.0
            ));
        }
        if let Some(busy) = self.machine_busy.filter(|busy| *busy > MACHINE_BUSY_MAX) {
            reasons.push(format!("the machine was {:.0} % busy", busy * 100.0));
        }
        if self.lateness_p99_us > LATENESS_P99_US_MAX {
            reasons.push(format!(
                "publishes were sent {} µs late (p99)",
                self.lateness_p99_us
            ));
        }
        if self.events_per_chunk > EVENTS_PER_CHUNK_MAX {
            reasons.push(format!(
                "{:.1} events waited in each read of a stream",
                self.events_per_chunk
            ));
        }
        reasons
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_sign_alone_is_a_reason_only_above_its_limit() {
        let calm = Signs {
            canary_p99_us: 5_000,
            reported_p99_us: 1_000,
            own_cpu_share: Some(0.85),
            machine_busy: Some(0.9),
            lateness_p99_us: 5_000,
            events_per_chunk: 4.0,
        };
        assert_eq!(calm.reasons(), Vec::<String>::new());
        assert_eq!(Signs::default().reasons(), Vec::<String>::new());
        let cases = [
            (
                Signs {
                    canary_p99_us: 5_001,
                    ..calm
                },
                "tick",
            ),
            (
                Signs {
                    own_cpu_share: Some(0.86),
                    ..calm
                },
                "86 % of its",
            ),
            (
                Signs {
                    machine_busy: Some(0.95),
                    ..calm
                },
                "95 % busy",
            ),
            (
                Signs {
                    lateness_p99_us: 5_001,
                    ..calm
                },
                "publishes",
            ),
            (
                Signs {
                    events_per_chunk: 4.1,
                    ..calm
                },
                "events waited",
            ),
        ];
        for (signs, word) in cases {
            let reasons = signs.reasons();
            assert_eq!(reasons.len(), 1, "{reasons:?}");
            assert!(reasons[0].contains(word), "{reasons:?}");
        }
    }

    #[test]
    fn a_late_canary_is_forgiven_where_the_target_is_much_later() {
        let signs = Signs {
            canary_p99_us: 20_000,
            reported_p99_us: 100_000,
            ..Signs::default()
        };
        assert!(signs.reasons().is_empty());
    }
}
