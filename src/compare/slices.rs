//! Slices: the same load on two servers in turn, so that what drifts meets both.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::latency::{LatencyChange, Tolerance, of_slices};
use super::read::SavedLoad;
use crate::load::report::{Deliveries, Latencies, PublishCounts};

/// Who is measured in a slice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Side {
    /// The target.
    Target,
    /// The reference server.
    Reference,
}

/// One slice.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Slice {
    /// Whose.
    pub side: Side,
    /// Which pair of slices, made one right after the other, it is of.
    pub pair: usize,
    /// What was published and what arrived.
    pub deliveries: Deliveries,
    /// Latencies, in microseconds.
    pub latency_us: Latencies,
    /// Whether the generator was the bottleneck.
    pub saturated: bool,
}

/// The load of a comparison with the reference server.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Sliced {
    /// How many pairs were asked for.
    pub pairs_asked: usize,
    /// How long each slice was measured, in seconds.
    pub slice_s: f64,
    /// How many streams were held in each.
    pub streams: u64,
    /// How many publishes were due per second.
    pub rate: f64,
    /// What the target was asked beside that.
    pub target_call: Option<String>,
    /// What the reference server was asked beside that.
    pub reference_call: Option<String>,
    /// Why the target's deliveries were not measured, if they were not.
    pub not_exercised: Option<String>,
    /// The slices in the order in which they were made. That of the two which are in no pair, and warm up, is left out.
    pub slices: Vec<Slice>,
}

/// The order of a pair of slices: A B, then B A, then A B. So each side comes first as often as second, and what grows or
/// shrinks steadily cancels out over two pairs.
pub const fn order(pair: usize) -> [Side; 2] {
    if pair.is_multiple_of(2) {
        [Side::Target, Side::Reference]
    } else {
        [Side::Reference, Side::Target]
    }
}

impl Sliced {
    /// Adds the two slices of a pair, in any order.
    pub fn add(&mut self, pair: usize, side: Side, load: &SavedLoad) {
        self.slices.push(Slice {
            side,
            pair,
            deliveries: load.deliveries,
            latency_us: load.latency_us,
            saturated: load.generator.saturated,
        });
    }

    /// How many pairs are whole.
    pub fn pairs(&self) -> usize {
        self.of_pairs().len()
    }

    /// How many slices had a saturated generator.
    pub fn saturated(&self) -> usize {
        self.slices.iter().filter(|slice| slice.saturated).count()
    }

    /// The ratios of target to reference server.
    pub fn latencies(&self, tolerance: Tolerance) -> Vec<LatencyChange> {
        of_slices(&self.of_pairs(), tolerance)
    }

    /// The latencies of the reference server and of the target, pair by pair.
    fn of_pairs(&self) -> Vec<(Latencies, Latencies)> {
        let find = |pair, side| {
            let mut all = self.slices.iter();
            all.find(|slice| slice.pair == pair && slice.side == side)
                .map(|slice| slice.latency_us)
        };
        (0..self.pairs_asked)
            .filter_map(|pair| Some((find(pair, Side::Reference)?, find(pair, Side::Target)?)))
            .collect()
    }

    /// The ledger of all slices of a side together.
    pub fn deliveries(&self, side: Side) -> Deliveries {
        let own = self.slices.iter().filter(|slice| slice.side == side);
        own.map(|slice| slice.deliveries)
            .fold(Deliveries::default(), sum)
    }
}

/// The sum of two ledgers.
fn sum(one: Deliveries, other: Deliveries) -> Deliveries {
    let (these, those) = (one.publishes, other.publishes);
    Deliveries {
        expected: one.expected + other.expected,
        received: one.received + other.received,
        lost: one.lost + other.lost,
        duplicate: one.duplicate + other.duplicate,
        reordered: one.reordered + other.reordered,
        foreign: one.foreign + other.foreign,
        publishes: PublishCounts {
            planned: these.planned + those.planned,
            sent: these.sent + those.sent,
            acknowledged: these.acknowledged + those.acknowledged,
            refused: these.refused + those.refused,
            not_sent: these.not_sent + those.not_sent,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::super::latency::Judgement;
    use super::super::samples::{load, sliced};
    use super::*;

    #[test]
    fn steady_drift_cancels_out() {
        // Each slice is 3 % slower than the one before it, whosever it is.
        let mut sliced = Sliced {
            pairs_asked: 8,
            ..Sliced::default()
        };
        let mut factor = 1.0_f64;
        for pair in 0..8 {
            for side in order(pair) {
                sliced.add(pair, side, &load((10_000.0 * factor).round() as u64));
                factor *= 1.03;
            }
        }
        let drifted = &sliced.latencies(Tolerance(0.1))[0];
        assert!((drifted.ratio - 1.0).abs() < 0.001, "{drifted:?}");
        assert_eq!(drifted.judgement, Judgement::Same, "{drifted:?}");
        assert_eq!(drifted.pairs, 8);
    }

    #[test]
    fn a_slice_without_its_other_is_in_no_ratio() {
        let mut sliced = sliced();
        let whole = sliced.pairs();
        sliced.pairs_asked += 1;
        sliced.add(whole, Side::Target, &load(1_000_000));
        assert_eq!(sliced.pairs(), whole);
        let latencies = sliced.latencies(Tolerance(0.1));
        assert!(
            latencies
                .iter()
                .all(|it| it.pairs == whole && it.ratio < 10.0)
        );
    }

    #[test]
    fn ledgers_of_slices_add_up() {
        let sliced = sliced();
        let each = load(400).deliveries;
        let all = sliced.deliveries(Side::Target);
        let pairs = sliced.pairs() as u64;
        assert_eq!(all.expected, each.expected * pairs);
        assert_eq!(all.publishes.sent, each.publishes.sent * pairs);
    }
}
