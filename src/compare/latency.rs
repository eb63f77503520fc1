//! Latencies side by side: ratios, and when one counts as worse.

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::bootstrap::{Interval, geometric_mean, interval};
use crate::load::report::{Latencies, Latency};

/// A latency that is compared: its name, and how it is found.
type Metric = (&'static str, fn(&Latencies) -> (Latency, u64));

/// What is compared, in the order in which it is told.
const METRICS: [Metric; 8] = [
    ("connect p50", |of| (of.connect, of.connect.p50)),
    ("connect p99", |of| (of.connect, of.connect.p99)),
    ("fan-out p50", |of| (of.fanout, of.fanout.p50)),
    ("fan-out p99", |of| (of.fanout, of.fanout.p99)),
    ("gap p50", |of| (of.gap, of.gap.p50)),
    ("gap p99", |of| (of.gap, of.gap.p99)),
    ("call p50", |of| (of.call, of.call.p50)),
    ("call p99", |of| (of.call, of.call.p99)),
];

/// `ours` as a multiple of `theirs`; nothing where that has no meaning.
pub fn ratio(ours: u64, theirs: u64) -> Option<f64> {
    #[expect(clippy::cast_precision_loss, reason = "three digits are shown")]
    let ratio = ours as f64 / theirs as f64;
    (theirs > 0).then_some(ratio)
}

/// How much longer a latency may be before it counts as worse, as a share.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Tolerance(pub f64);

impl Tolerance {
    /// Where slices give an interval.
    pub const OF_SLICES: Self = Self(0.10);
    /// Where two single measurements are all there is, made at different times.
    pub const OF_SINGLE_RUNS: Self = Self(0.50);
    /// The largest that can be asked for: a hundred times.
    const MAX: f64 = 100.0;

    fn is_exceeded_by(self, ratio: f64) -> bool {
        ratio > 1.0 + self.0
    }

    /// Faster by as much: twice as fast is as far away as half as fast.
    fn is_undercut_by(self, ratio: f64) -> bool {
        ratio < 1.0 / (1.0 + self.0)
    }
}

impl fmt::Display for Tolerance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Four decimals of a percentage are more than anybody asks for.
        let percent = (self.0 * 1e6).round() / 1e4;
        write!(f, "{percent} %")
    }
}

impl FromStr for Tolerance {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (number, factor) = match text.strip_suffix('%') {
            Some(number) => (number.trim_end(), 0.01),
            None => (text, 1.0),
        };
        match number.parse::<f64>() {
            Ok(number) if (0.0..=Self::MAX).contains(&(number * factor)) => {
                Ok(Self(number * factor))
            }
            _ => Err("a tolerance is a share from 0, such as 10% or 0.1".to_owned()),
        }
    }
}

/// What a ratio of latencies means.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Judgement {
    /// Shorter, beyond the tolerance.
    Better,
    /// Within the tolerance.
    Same,
    /// Longer, beyond the tolerance.
    Worse,
    /// It cannot be told: the interval reaches over the tolerance, or something else may have caused the difference.
    Unclear,
}

impl Judgement {
    /// Its word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Better => "better",
            Self::Same => "same",
            Self::Worse => "worse",
            Self::Unclear => "unclear",
        }
    }

    /// Of a ratio alone.
    fn of_ratio(ratio: f64, tolerance: Tolerance) -> Self {
        if tolerance.is_exceeded_by(ratio) {
            Self::Worse
        } else if tolerance.is_undercut_by(ratio) {
            Self::Better
        } else {
            Self::Same
        }
    }

    /// Of an interval: what holds at both of its ends.
    fn of_interval(interval: Interval, tolerance: Tolerance) -> Self {
        let low = Self::of_ratio(interval.low, tolerance);
        if low == Self::of_ratio(interval.high, tolerance) {
            low
        } else {
            Self::Unclear
        }
    }
}

/// One latency side by side.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct LatencyChange {
    /// What: `connect p50`, `fan-out p99` and so on.
    pub metric: String,
    /// The baseline's, in microseconds; with slices, the geometric mean of theirs.
    pub baseline_us: u64,
    /// This one's, in microseconds; with slices, the geometric mean of theirs.
    pub this_us: u64,
    /// This one's as a multiple of the baseline's.
    pub ratio: f64,
    /// The 95 % confidence interval of the ratio, where there are slices enough.
    pub interval: Option<Interval>,
    /// How many ratios of slices it comes from; 1 for saved reports.
    pub pairs: usize,
    /// How much longer the same latency of the reference server was beside this one than beside the baseline, as a
    /// multiple, where both reports have it: that is the machine and not the target.
    pub machine: Option<f64>,
    /// What it means.
    pub judgement: Judgement,
    /// Why it is not clear, where it is not.
    pub why: Option<String>,
}

/// The latencies of a report, and of the reference server beside it.
#[derive(Clone, Copy, Debug)]
pub struct Measured<'a> {
    /// The target's.
    pub target: &'a Latencies,
    /// The reference server's, in the same report.
    pub reference: Option<&'a Latencies>,
}

/// Latencies of two single measurements. `doubt` says why they cannot be judged, if they cannot.
pub fn of_single_runs(
    baseline: Measured<'_>,
    this: Measured<'_>,
    tolerance: Tolerance,
    doubt: Option<&str>,
) -> Vec<LatencyChange> {
    let changes = METRICS.iter().filter_map(|(metric, of)| {
        let (baseline_us, this_us, ratio) = both(of, baseline.target, this.target)?;
        let machine = match (baseline.reference, this.reference) {
            (Some(before), Some(now)) => both(of, before, now).map(|(_, _, ratio)| ratio),
            _ => None,
        };
        let mut change = LatencyChange {
            metric: (*metric).to_owned(),
            baseline_us,
            this_us,
            ratio,
            interval: None,
            pairs: 1,
            machine,
            judgement: Judgement::of_ratio(ratio, tolerance),
            why: None,
        };
        let explained = machine.is_some_and(|machine| {
            Judgement::of_ratio(ratio / machine, tolerance) != change.judgement
        });
        if change.judgement != Judgement::Same && explained {
            change.judgement = Judgement::Unclear;
            change.why = Some("the reference server beside it changed as much".to_owned());
        } else if let Some(doubt) = doubt.filter(|_| change.judgement != Judgement::Same) {
            change.judgement = Judgement::Unclear;
            change.why = Some(doubt.to_owned());
        }
        Some(change)
    });
    changes.collect()
}

/// Latencies of slices, each pair measured one right after the other: the baseline's first.
pub fn of_slices(pairs: &[(Latencies, Latencies)], tolerance: Tolerance) -> Vec<LatencyChange> {
    let changes = METRICS.iter().filter_map(|(metric, of)| {
        let both: Vec<(u64, u64, f64)> = pairs
            .iter()
            .filter_map(|(baseline, this)| both(of, baseline, this))
            .filter(|(_, _, ratio)| *ratio > 0.0)
            .collect();
        let ratios: Vec<f64> = both.iter().map(|(_, _, ratio)| *ratio).collect();
        let ratio = geometric_mean(&ratios)?;
        let interval = interval(&ratios);
        // Two servers that are the same differ severalfold in a pair or two, where the machine is busy.
        let (judgement, why) = match interval {
            None => (Judgement::Unclear, Some("too few pairs for an interval")),
            Some(interval) => match Judgement::of_interval(interval, tolerance) {
                Judgement::Unclear => (
                    Judgement::Unclear,
                    Some("the interval reaches over the tolerance"),
                ),
                clear => (clear, None),
            },
        };
        Some(LatencyChange {
            metric: (*metric).to_owned(),
            baseline_us: mean_us(both.iter().map(|(baseline, _, _)| *baseline)),
            this_us: mean_us(both.iter().map(|(_, this, _)| *this)),
            ratio,
            interval,
            pairs: ratios.len(),
            machine: None,
            judgement,
            why: why.map(str::to_owned),
        })
    });
    changes.collect()
}

/// The figures of a metric and their ratio, where both were measured.
fn both(
    of: &fn(&Latencies) -> (Latency, u64),
    baseline: &Latencies,
    this: &Latencies,
) -> Option<(u64, u64, f64)> {
    let ((theirs, theirs_us), (ours, ours_us)) = (of(baseline), of(this));
    if theirs.count == 0 || ours.count == 0 {
        return None;
    }
    Some((theirs_us, ours_us, ratio(ours_us, theirs_us)?))
}

#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "three digits are shown"
)]
fn mean_us(values: impl Iterator<Item = u64>) -> u64 {
    let values: Vec<f64> = values.map(|us| us.max(1) as f64).collect();
    geometric_mean(&values).map_or(0, |mean| mean.round() as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fanout(p50: u64) -> Latencies {
        Latencies {
            fanout: Latency {
                p50,
                p99: p50 * 3,
                count: 100,
                ..Latency::default()
            },
            ..Latencies::default()
        }
    }

    fn single(p50: u64, this: u64, references: Option<(u64, u64)>) -> LatencyChange {
        let (before, now) = (fanout(p50), fanout(this));
        let beside = references.map(|(before, now)| (fanout(before), fanout(now)));
        let changes = of_single_runs(
            Measured {
                target: &before,
                reference: beside.as_ref().map(|(before, _)| before),
            },
            Measured {
                target: &now,
                reference: beside.as_ref().map(|(_, now)| now),
            },
            Tolerance(0.1),
            None,
        );
        // What was not measured is not told.
        let metrics: Vec<&str> = changes.iter().map(|it| it.metric.as_str()).collect();
        assert_eq!(metrics, ["fan-out p50", "fan-out p99"]);
        changes.into_iter().next().unwrap()
    }

    #[test]
    fn a_single_ratio_is_judged_by_the_tolerance() {
        use Judgement::{Better, Same, Worse};
        for (before, now, expected) in [
            (100, 100, Same),
            (100, 110, Same),
            (100, 111, Worse),
            (110, 100, Same),
            (111, 100, Better),
        ] {
            assert_eq!(single(before, now, None).judgement, expected, "{now}");
        }
    }

    #[test]
    fn what_the_machine_did_is_not_the_targets_fault() {
        use Judgement::{Better, Same, Unclear, Worse};
        for (now, references, expected) in [
            (300, (50, 50), Worse),
            (300, (50, 150), Unclear),
            (300, (50, 100), Worse),
            (30, (50, 15), Unclear),
            (30, (50, 50), Better),
            // As long as it was, on a machine that was slower.
            (100, (50, 150), Same),
        ] {
            let change = single(100, now, Some(references));
            assert_eq!(change.judgement, expected, "{now} {references:?}");
            assert_eq!(change.why.is_some(), expected == Unclear);
        }
    }

    #[test]
    fn slices_are_judged_by_both_ends_of_the_interval() {
        use Judgement::{Better, Same, Unclear, Worse};
        let sample = |these: &[u64]| -> LatencyChange {
            let pairs: Vec<_> = these
                .iter()
                .map(|us| (fanout(1_000), fanout(*us)))
                .collect();
            of_slices(&pairs, Tolerance(0.1)).remove(0)
        };
        for (these, expected) in [
            (vec![2_000, 2_100, 1_900, 2_050, 1_950], Worse),
            (vec![500, 510, 490, 505, 495], Better),
            (vec![1_000, 1_010, 990, 1_005, 995], Same),
            (vec![900, 1_500, 1_000, 1_300, 1_000], Unclear),
            // Too few for an interval.
            (vec![2_000, 2_000], Unclear),
        ] {
            let change = sample(&these);
            assert_eq!(change.judgement, expected, "{change:?}");
            assert_eq!(change.interval.is_some(), these.len() >= 5);
            assert_eq!(change.pairs, these.len());
            assert_eq!(change.baseline_us, 1_000);
        }
        assert!(of_slices(&[], Tolerance(0.1)).is_empty());
    }

    #[test]
    fn tolerances_as_people_write_them() {
        for (text, expected, shown) in [
            ("10%", Some(0.1), "10 %"),
            ("0.25", Some(0.25), "25 %"),
            ("0", Some(0.0), "0 %"),
            ("12.5 %", Some(0.125), "12.5 %"),
            ("-1%", None, ""),
            ("NaN", None, ""),
            ("inf", None, ""),
            ("10001%", None, ""),
            ("%", None, ""),
            ("", None, ""),
        ] {
            let read = text.parse::<Tolerance>().ok();
            assert_eq!(read.map(|it| it.0), expected, "{text}");
            if let Some(read) = read {
                assert_eq!(read.to_string(), shown);
            }
        }
    }
}
