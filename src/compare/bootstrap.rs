//! A confidence interval for a ratio, by bootstrap.
//!
//! The sample is a list of ratios, each from two slices that were measured one right after the other. Its figure is the
//! geometric mean, which treats twice and half alike. Resampling the ratios with replacement, many times, shows how far
//! the figure might have come out elsewhere; the interval is between two percentiles of what it came to (Efron's percentile
//! interval). The numbers are drawn from a fixed seed, so the same sample always has the same interval.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// With fewer ratios there is no interval: five values have 126 distinct resamples, four only 35.
pub const PAIRS_MIN: usize = 5;
/// The share of the interval: 95 %.
pub const CONFIDENCE: f64 = 0.95;
/// How often is resampled.
const RESAMPLES: usize = 4_000;
/// Where the numbers begin; any would do.
const SEED: u64 = 0x6d63_702d_706c_756d;

/// A confidence interval of a ratio.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Interval {
    /// Its lower end.
    pub low: f64,
    /// Its upper end.
    pub high: f64,
}

/// The geometric mean of ratios above zero; nothing where there are none.
pub fn geometric_mean(ratios: &[f64]) -> Option<f64> {
    let logarithms: Vec<f64> = ratios.iter().map(|ratio| ratio.ln()).collect();
    let mean = mean(&logarithms)?.exp();
    mean.is_finite().then_some(mean)
}

/// The interval of the geometric mean; nothing where there are fewer than [`PAIRS_MIN`] ratios.
pub fn interval(ratios: &[f64]) -> Option<Interval> {
    if ratios.len() < PAIRS_MIN {
        return None;
    }
    let logarithms: Vec<f64> = ratios.iter().map(|ratio| ratio.ln()).collect();
    let mut random = SplitMix(SEED);
    let mut means: Vec<f64> = (0..RESAMPLES)
        .filter_map(|_| {
            let drawn: Vec<f64> = (0..logarithms.len())
                .filter_map(|_| logarithms.get(random.below(logarithms.len())).copied())
                .collect();
            mean(&drawn)
        })
        .collect();
    means.sort_by(f64::total_cmp);
    let tail = (1.0 - CONFIDENCE) / 2.0;
    let interval = Interval {
        low: percentile(&means, tail)?.exp(),
        high: percentile(&means, 1.0 - tail)?.exp(),
    };
    (interval.low.is_finite() && interval.high.is_finite()).then_some(interval)
}

#[expect(clippy::cast_precision_loss, reason = "there are few values")]
fn mean(values: &[f64]) -> Option<f64> {
    (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
}

/// The nearest of `sorted` at a share of its length.
#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "an index into a short list"
)]
fn percentile(sorted: &[f64], share: f64) -> Option<f64> {
    let last = sorted.len().checked_sub(1)?;
    sorted.get((share * last as f64).round() as usize).copied()
}

/// Steele, Lea, Flood: "Fast splittable pseudorandom number generators" (2014). Small, and good enough to draw indices.
struct SplitMix(u64);

impl SplitMix {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `end`, by the high half of a product. `end` is a length, far below 2^32, so no number is
    /// noticeably likelier than another.
    fn below(&mut self, end: usize) -> usize {
        let product = u128::from(self.next()) * (end as u128);
        usize::try_from(product >> 64).unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Standard normal numbers, as sums of twelve uniform ones.
    fn normal(random: &mut SplitMix) -> f64 {
        (0..12)
            .map(|_| random.below(1 << 20) as f64 / f64::from(1 << 20))
            .sum::<f64>()
            - 6.0
    }

    #[test]
    fn twice_and_half_cancel_out() {
        assert_eq!(geometric_mean(&[]), None);
        for (ratios, expected) in [
            (vec![2.0, 0.5], 1.0),
            (vec![3.0], 3.0),
            (vec![1.0, 4.0, 2.0], 2.0),
        ] {
            let mean = geometric_mean(&ratios).unwrap();
            assert!((mean - expected).abs() < 1e-9, "{ratios:?}: {mean}");
        }
        assert_eq!(geometric_mean(&[0.0]), Some(0.0));
        assert_eq!(geometric_mean(&[f64::INFINITY]), None);
    }

    #[test]
    fn there_is_no_interval_of_few_and_none_of_width_of_equals() {
        assert_eq!(interval(&[1.0; PAIRS_MIN - 1]), None);
        let of_equals = interval(&[2.0; PAIRS_MIN]).unwrap();
        assert!((of_equals.low - 2.0).abs() < 1e-9 && (of_equals.high - 2.0).abs() < 1e-9);
        assert_eq!(interval(&[0.0; PAIRS_MIN]).map(|it| it.high), Some(0.0));
        assert_eq!(interval(&[f64::INFINITY; PAIRS_MIN]), None);
    }

    #[test]
    fn the_same_sample_has_the_same_interval_in_any_order_of_size() {
        let sample = [1.1, 0.9, 1.3, 1.0, 1.2, 0.8];
        let once = interval(&sample).unwrap();
        assert_eq!(interval(&sample), Some(once));
        let mean = geometric_mean(&sample).unwrap();
        assert!(once.low < mean && mean < once.high, "{once:?} {mean}");
        assert!(0.8 <= once.low && once.high <= 1.3, "{once:?}");
        // The inverse ratios have the inverse interval, as nearly as resampling tells.
        let inverse = interval(&sample.map(f64::recip)).unwrap();
        assert!((inverse.low * once.high - 1.0).abs() < 0.03, "{inverse:?}");
    }

    /// What `docs/compare.md` says of how often the interval holds the truth.
    #[test]
    fn the_interval_holds_the_truth_about_as_often_as_documented() {
        for (pairs, least, most) in [(5, 0.80, 0.88), (8, 0.86, 0.93), (16, 0.90, 0.96)] {
            let mut random = SplitMix(7);
            let trials = 200;
            let held = (0..trials)
                .filter(|_| {
                    let sample: Vec<f64> = (0..pairs)
                        .map(|_| (0.3 * normal(&mut random)).exp())
                        .collect();
                    let it = interval(&sample).unwrap();
                    it.low <= 1.0 && 1.0 <= it.high
                })
                .count();
            let share = held as f64 / f64::from(trials);
            assert!(least <= share && share <= most, "{pairs} pairs: {share}");
        }
    }
}
