//! Thresholds: what a target must hold for the run to count as good, such as `fanout.p99<50ms` or `lost==0`.

use std::fmt;
use std::str::FromStr;

use super::ledger::Counts;
use super::recorders::Snapshot;
use super::report::{ThresholdResult, ThresholdVerdict};
use crate::suggest;

/// The thresholds of a run for which the user named none of their metrics. What became of a publish that the target did
/// not answer cannot be accounted for, so that counts as much as a loss.
pub const DEFAULTS: [&str; 5] = [
    "lost==0",
    "duplicate==0",
    "foreign==0",
    "reordered==0",
    "unanswered==0",
];

/// The longest expression that is read, in bytes.
const EXPRESSION_BYTES_MAX: usize = 100;

/// What can be judged.
const METRICS: [&str; 34] = [
    "lost",
    "duplicate",
    "foreign",
    "reordered",
    "dropped",
    "not_sent",
    "refused",
    "unanswered",
    "events_per_s",
    "call.error_rate",
    "fanout.p50",
    "fanout.p90",
    "fanout.p95",
    "fanout.p99",
    "fanout.p99_9",
    "fanout.max",
    "gap.p50",
    "gap.p90",
    "gap.p95",
    "gap.p99",
    "gap.p99_9",
    "gap.max",
    "call.p50",
    "call.p90",
    "call.p95",
    "call.p99",
    "call.p99_9",
    "call.max",
    "connect.p50",
    "connect.p90",
    "connect.p95",
    "connect.p99",
    "connect.p99_9",
    "connect.max",
];

/// Why an expression is no threshold.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ThresholdError {
    /// It has no comparison.
    #[error(
        "'{0}' is no threshold: expected METRIC COMPARISON VALUE, such as 'fanout.p99<50ms' or 'lost==0' (comparisons are < <= > >= ==)"
    )]
    Shape(String),
    /// The metric is unknown.
    #[error("'{word}' is no metric{hint}; metrics are {}", METRICS.join(", "))]
    Metric {
        /// What was given.
        word: String,
        /// The nearest right word, as a phrase.
        hint: String,
    },
    /// The value is no number with a unit of that metric.
    #[error("'{value}' is no value for {metric}: expected {expected}")]
    Value {
        /// The metric.
        metric: String,
        /// What was given.
        value: String,
        /// What would do.
        expected: &'static str,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Comparison {
    Below,
    AtMost,
    Above,
    AtLeast,
    Equal,
}

/// Longest first, so that `<=` is not read as `<`.
const COMPARISONS: [(&str, Comparison); 5] = [
    ("<=", Comparison::AtMost),
    (">=", Comparison::AtLeast),
    ("==", Comparison::Equal),
    ("<", Comparison::Below),
    (">", Comparison::Above),
];

impl Comparison {
    fn holds(self, observed: f64, limit: f64) -> bool {
        match self {
            Self::Below => observed < limit,
            Self::AtMost => observed <= limit,
            Self::Above => observed > limit,
            Self::AtLeast => observed >= limit,
            // Counts, which are whole and exact as floating-point numbers.
            Self::Equal => (observed - limit).abs() < f64::EPSILON,
        }
    }
}

/// What a metric is measured in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Unit {
    Microseconds,
    Milliseconds,
    Seconds,
    Percent,
    Plain,
}

impl Unit {
    /// How many of the metric's base unit (microseconds, or a share of 1) it is.
    fn factor(self) -> f64 {
        match self {
            Self::Microseconds | Self::Plain => 1.0,
            Self::Milliseconds => 1e3,
            Self::Seconds => 1e6,
            Self::Percent => 0.01,
        }
    }

    fn suffix(self) -> &'static str {
        match self {
            Self::Microseconds => "us",
            Self::Milliseconds => "ms",
            Self::Seconds => "s",
            Self::Percent => "%",
            Self::Plain => "",
        }
    }
}

/// One threshold.
#[derive(Clone, Debug, PartialEq)]
pub struct Threshold {
    expression: String,
    metric: String,
    comparison: Comparison,
    /// In the metric's base unit.
    limit: f64,
    unit: Unit,
}

impl fmt::Display for Threshold {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.expression)
    }
}

impl FromStr for Threshold {
    type Err = ThresholdError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let shape = || ThresholdError::Shape(text.chars().take(EXPRESSION_BYTES_MAX).collect());
        if text.len() > EXPRESSION_BYTES_MAX {
            return Err(shape());
        }
        let (metric, comparison, value) = split(text).ok_or_else(shape)?;
        let metric = metric.replace("p99.9", "p99_9");
        if !METRICS.contains(&metric.as_str()) {
            return Err(ThresholdError::Metric {
                hint: suggest::hint(&metric, METRICS),
                word: metric,
            });
        }
        let (limit, unit) = read_value(&metric, value)?;
        Ok(Self {
            expression: text.split_whitespace().collect(),
            metric,
            comparison,
            limit,
            unit,
        })
    }
}

fn split(text: &str) -> Option<(&str, Comparison, &str)> {
    let at = text.find(['<', '>', '='])?;
    let (metric, rest) = text.split_at_checked(at)?;
    let (comparison, value) = COMPARISONS
        .iter()
        .find_map(|(sign, comparison)| Some((*comparison, rest.strip_prefix(sign)?)))?;
    let (metric, value) = (metric.trim(), value.trim());
    (!metric.is_empty() && !value.is_empty()).then_some((metric, comparison, value))
}

/// A limit in the metric's base unit, and the unit in which it was given.
fn read_value(metric: &str, value: &str) -> Result<(f64, Unit), ThresholdError> {
    let (units, expected): (&[Unit], _) = if is_latency(metric) {
        // `ms` and `us` before `s`, which they end in.
        (
            &[Unit::Milliseconds, Unit::Microseconds, Unit::Seconds],
            "a number with us, ms or s, such as 50ms",
        )
    } else if metric == "call.error_rate" {
        (&[Unit::Percent, Unit::Plain], "a share such as 1% or 0.01")
    } else {
        (&[Unit::Plain], "a plain number")
    };
    let read = units.iter().find_map(|unit| {
        let number = value.strip_suffix(unit.suffix())?.trim_end();
        let plain = number
            .bytes()
            .all(|byte| byte.is_ascii_digit() || byte == b'.');
        let number: f64 = number.parse().ok().filter(|_| plain)?;
        Some((number * unit.factor(), *unit))
    });
    read.ok_or_else(|| ThresholdError::Value {
        metric: metric.to_owned(),
        value: value.to_owned(),
        expected,
    })
}

fn is_latency(metric: &str) -> bool {
    metric != "call.error_rate" && metric.contains('.')
}

/// What a run measured; `None` where it did not.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Observations {
    /// The ledger, where a publish was acknowledged and so something could have been lost.
    pub deliveries: Option<Counts>,
    /// Deliveries out of order, where the order can be told.
    pub reordered: Option<u64>,
    /// Arrivals of what the run did not publish, where a stream was open for any to arrive.
    pub foreign: Option<u64>,
    /// How often the target dropped a stream, where one was opened.
    pub dropped: Option<u64>,
    /// Publishes left out, where any were due.
    pub not_sent: Option<u64>,
    /// Publishes refused, where any were sent.
    pub refused: Option<u64>,
    /// Publishes without a reply that says what became of them, where any were sent.
    pub unanswered: Option<u64>,
    /// Events per second, where anything could have arrived.
    pub events_per_s: Option<f64>,
    /// The share of calls without a result, where calls were made.
    pub call_error_rate: Option<f64>,
    /// Latencies, each measured if its count is not zero.
    pub fanout: Snapshot,
    /// As `fanout`.
    pub gap: Snapshot,
    /// As `fanout`.
    pub call: Snapshot,
    /// As `fanout`.
    pub connect: Snapshot,
}

impl Observations {
    #[expect(
        clippy::cast_precision_loss,
        reason = "counts and microseconds of a run are far below 2^52"
    )]
    fn value(&self, metric: &str) -> Option<f64> {
        let count = |value: u64| value as f64;
        let counts = |pick: fn(Counts) -> u64| self.deliveries.map(pick).map(count);
        match metric {
            "lost" => counts(|it| it.lost),
            "duplicate" => counts(|it| it.duplicate),
            "foreign" => self.foreign.map(count),
            "reordered" => self.reordered.map(count),
            "dropped" => self.dropped.map(count),
            "not_sent" => self.not_sent.map(count),
            "refused" => self.refused.map(count),
            "unanswered" => self.unanswered.map(count),
            "events_per_s" => self.events_per_s,
            "call.error_rate" => self.call_error_rate,
            _ => self.latency(metric).map(count),
        }
    }

    fn latency(&self, metric: &str) -> Option<u64> {
        let (which, percentile) = metric.split_once('.')?;
        let snapshot = match which {
            "fanout" => self.fanout,
            "gap" => self.gap,
            "call" => self.call,
            _ => self.connect,
        };
        let value = match percentile {
            "p50" => snapshot.p50,
            "p90" => snapshot.p90,
            "p95" => snapshot.p95,
            "p99" => snapshot.p99,
            "p99_9" => snapshot.p99_9,
            _ => snapshot.max,
        };
        (snapshot.count > 0).then_some(value)
    }
}

impl Threshold {
    /// Judges what was measured.
    pub fn judge(&self, observations: &Observations) -> ThresholdResult {
        let observed = observations.value(&self.metric);
        let verdict = match observed {
            None => ThresholdVerdict::NotExercised,
            Some(value) if self.comparison.holds(value, self.limit) => ThresholdVerdict::Pass,
            Some(_) => ThresholdVerdict::Fail,
        };
        ThresholdResult {
            expression: self.expression.clone(),
            observed: observed.map(|value| self.show(value)),
            verdict,
        }
    }

    fn show(&self, value: f64) -> String {
        let number = format!("{:.3}", value / self.unit.factor());
        let number = number.trim_end_matches('0').trim_end_matches('.');
        format!("{number}{}", self.unit.suffix())
    }
}

/// The user's thresholds, and before them those of [`DEFAULTS`] whose metric the user does not name.
pub fn with_defaults(given: &[Threshold]) -> Vec<Threshold> {
    DEFAULTS
        .iter()
        .filter_map(|text| text.parse::<Threshold>().ok())
        .filter(|default| given.iter().all(|it| it.metric != default.metric))
        .chain(given.iter().cloned())
        .collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn observations() -> Observations {
        Observations {
            deliveries: Some(Counts {
                expected: 100,
                received: 99,
                lost: 1,
                ..Counts::default()
            }),
            reordered: Some(0),
            foreign: Some(0),
            dropped: Some(0),
            not_sent: Some(0),
            refused: None,
            unanswered: Some(3),
            events_per_s: Some(99.5),
            call_error_rate: Some(0.005),
            fanout: Snapshot {
                p50: 900,
                p95: 2_000,
                p99: 49_999,
                p99_9: 60_000,
                max: 70_000,
                count: 99,
                ..Snapshot::default()
            },
            gap: Snapshot {
                p99: 1_500_000,
                count: 3,
                ..Snapshot::default()
            },
            call: Snapshot::default(),
            connect: Snapshot {
                p99: 1_000_000,
                count: 1,
                ..Snapshot::default()
            },
        }
    }

    #[test]
    fn thresholds_are_judged_in_their_own_units() {
        use ThresholdVerdict::{Fail, NotExercised, Pass};
        let cases = [
            ("fanout.p99<50ms", Pass, Some("49.999ms")),
            ("fanout.p99 < 49999us", Fail, Some("49999us")),
            ("fanout.p99<=49999us", Pass, Some("49999us")),
            ("fanout.p99.9<=0.06s", Pass, Some("0.06s")),
            ("fanout.p99_9<60ms", Fail, Some("60ms")),
            ("fanout.p50>0.8ms", Pass, Some("0.9ms")),
            ("fanout.p95<1s", Pass, Some("0.002s")),
            ("fanout.max<70ms", Fail, Some("70ms")),
            ("lost==0", Fail, Some("1")),
            ("lost<=1", Pass, Some("1")),
            ("duplicate==0", Pass, Some("0")),
            ("dropped==0", Pass, Some("0")),
            ("events_per_s>100", Fail, Some("99.5")),
            ("events_per_s>=99.5", Pass, Some("99.5")),
            ("call.error_rate<1%", Pass, Some("0.5%")),
            ("call.error_rate<0.005", Fail, Some("0.005")),
            ("connect.p99<1s", Fail, Some("1s")),
            ("gap.p99<2s", Pass, Some("1.5s")),
            ("gap.p99<1000ms", Fail, Some("1500ms")),
            ("call.p95<1s", NotExercised, None),
            ("refused==0", NotExercised, None),
            ("unanswered==0", Fail, Some("3")),
        ];
        for (text, verdict, observed) in cases {
            let result = text.parse::<Threshold>().unwrap().judge(&observations());
            assert_eq!(
                (result.verdict, result.observed.as_deref()),
                (verdict, observed),
                "{text}"
            );
        }
    }

    #[test]
    fn nothing_measured_is_never_green() {
        for metric in METRICS {
            let value = if is_latency(metric) { "1s" } else { "1" };
            let threshold: Threshold = format!("{metric}<={value}").parse().unwrap();
            let result = threshold.judge(&Observations::default());
            assert_eq!(result.verdict, ThresholdVerdict::NotExercised, "{metric}");
        }
    }

    #[test]
    fn errors_say_what_is_wrong_and_what_would_be_right() {
        let cases = [
            ("", "METRIC COMPARISON VALUE"),
            ("lost", "METRIC COMPARISON VALUE"),
            ("lost=0", "METRIC COMPARISON VALUE"),
            ("==0", "METRIC COMPARISON VALUE"),
            ("lost==", "METRIC COMPARISON VALUE"),
            ("fanuot.p99<1s", "did you mean 'fanout.p99'?"),
            ("lots==0", "did you mean 'lost'?"),
            ("fanout.p99<50", "50ms"),
            ("fanout.p99<50%", "50ms"),
            ("fanout.p99<-1ms", "50ms"),
            ("fanout.p99<infs", "50ms"),
            ("lost==0ms", "a plain number"),
            ("lost==NaN", "a plain number"),
            ("call.error_rate<1ms", "1%"),
        ];
        for (text, words) in cases {
            let error = text.parse::<Threshold>().unwrap_err().to_string();
            assert!(error.contains(words), "{text}: {error}");
        }
        let long = "x".repeat(5_000).parse::<Threshold>().unwrap_err();
        assert!(long.to_string().len() < 400);
    }

    #[test]
    fn a_default_gives_way_to_the_users_word_on_the_same_metric() {
        let given = ["lost<=5".parse().unwrap(), "fanout.p99<1s".parse().unwrap()];
        let all: Vec<String> = with_defaults(&given)
            .iter()
            .map(Threshold::to_string)
            .collect();
        assert_eq!(
            all,
            [
                "duplicate==0",
                "foreign==0",
                "reordered==0",
                "unanswered==0",
                "lost<=5",
                "fanout.p99<1s"
            ]
        );
        assert_eq!(with_defaults(&[]).len(), DEFAULTS.len());
    }

    proptest! {
        #[test]
        fn no_text_is_too_strange(text in "\\PC{0,40}") {
            let _either_is_fine = text.parse::<Threshold>();
        }
    }
}
