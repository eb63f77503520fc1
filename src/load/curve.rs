//! Latencies in full: a curve to draw, and the histogram that it is made from.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hdrhistogram::Histogram;
use hdrhistogram::serialization::{Deserializer, Serializer as _, V2DeflateSerializer};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::recorders::{LatencyRecorder, Recorders};

/// Points for each further nine of a curve.
const POINTS_PER_NINE: u32 = 8;
/// Curves end at 99.9999 %, or where a further nine would be less than one latency.
const NINES_MAX: u32 = 6;

/// What takes the time that a curve tells of.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Operation {
    /// Opening a session and its stream.
    Connect,
    /// From the due time of a publish to its arrival on a stream.
    Fanout,
    /// Between two arrivals on a stream, where nothing is triggered.
    Gap,
    /// From the due time of a call to its response.
    Call,
}

impl Operation {
    /// Its word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Connect => "connect",
            Self::Fanout => "fanout",
            Self::Gap => "gap",
            Self::Call => "call",
        }
    }
}

/// All latencies of one operation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Curve {
    /// What was timed.
    pub operation: Operation,
    /// From the shortest to the longest, at most 50 points, eight for each further nine.
    pub points: Vec<CurvePoint>,
    /// The histogram, in microseconds, as HdrHistogram tools read it: format V2, compressed, base64
    /// (<https://hdrhistogram.org>).
    pub histogram: String,
}

/// A point of a curve.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CurvePoint {
    /// The share of latencies that are at most this long, from 0 to 1.
    pub quantile: f64,
    /// How long, in microseconds.
    pub us: u64,
}

impl Curve {
    fn of(operation: Operation, recorder: &LatencyRecorder) -> Option<Self> {
        let histogram = recorder.merged().filter(|all| !all.is_empty())?;
        Self::of_histogram(operation, &histogram)
    }

    /// The curve of a histogram in microseconds; nothing if it cannot be written, which memory always can.
    pub(crate) fn of_histogram(operation: Operation, histogram: &Histogram<u64>) -> Option<Self> {
        let mut bytes = Vec::new();
        V2DeflateSerializer::new()
            .serialize(histogram, &mut bytes)
            .ok()?;
        Some(Self {
            operation,
            points: points(histogram),
            histogram: STANDARD.encode(bytes),
        })
    }

    /// The histogram read back; `None` where the text is none.
    pub fn histogram(&self) -> Option<Histogram<u64>> {
        let bytes = STANDARD.decode(&self.histogram).ok()?;
        Deserializer::new().deserialize(&mut bytes.as_slice()).ok()
    }
}

fn points(histogram: &Histogram<u64>) -> Vec<CurvePoint> {
    #[expect(clippy::cast_precision_loss, reason = "counts are far below 2^52")]
    let finest = 1.0 / histogram.len() as f64;
    let mut points: Vec<CurvePoint> = (0..=NINES_MAX * POINTS_PER_NINE)
        .map(|step| 10_f64.powf(-f64::from(step) / f64::from(POINTS_PER_NINE)))
        .take_while(|rest| *rest >= finest)
        .map(|rest| CurvePoint {
            quantile: 1.0 - rest,
            us: histogram.value_at_quantile(1.0 - rest),
        })
        .collect();
    points.push(CurvePoint {
        quantile: 1.0,
        us: histogram.max(),
    });
    points
}

/// The curves of everything that was recorded.
pub(super) fn of(recorders: &Recorders) -> Vec<Curve> {
    [
        (Operation::Connect, &recorders.connect),
        (Operation::Fanout, &recorders.fanout),
        (Operation::Gap, &recorders.gap),
        (Operation::Call, &recorders.call),
    ]
    .into_iter()
    .filter_map(|(operation, recorder)| Curve::of(operation, recorder))
    .collect()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_curve_rises_to_the_longest_and_its_histogram_reads_back() {
        let recorders = Recorders::default();
        for us in 1..=1_000 {
            recorders.fanout.record(Duration::from_micros(us));
        }
        let curves = of(&recorders);
        let [curve] = curves.as_slice() else {
            panic!("{curves:?}")
        };
        assert_eq!(curve.operation, Operation::Fanout);
        // Three nines and the end.
        assert_eq!(curve.points.len(), 3 * POINTS_PER_NINE as usize + 2);
        let rises =
            |pair: &[CurvePoint]| pair[0].quantile < pair[1].quantile && pair[0].us <= pair[1].us;
        assert!(curve.points.windows(2).all(rises), "{:?}", curve.points);
        assert_eq!(curve.points.last().map(|point| point.us), Some(1_000));
        let read = curve.histogram().unwrap();
        assert_eq!((read.len(), read.value_at_quantile(0.5)), (1_000, 500));
    }

    #[test]
    fn what_is_no_histogram_is_none() {
        for text in ["", "HISTFAAA", "!", "AAAA"] {
            let curve = Curve {
                operation: Operation::Call,
                points: Vec::new(),
                histogram: text.to_owned(),
            };
            assert!(curve.histogram().is_none(), "{text}");
        }
    }

    #[test]
    fn nothing_recorded_has_no_curve() {
        assert_eq!(of(&Recorders::default()), Vec::new());
    }
}
