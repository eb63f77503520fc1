//! Ledgers and thresholds side by side.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::latency::{Judgement, Tolerance};
use super::read::SavedLoad;
use crate::load::report::{ThresholdResult, ThresholdVerdict};

/// A count that should be zero, as it is on both sides.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CountChange {
    /// What: `lost`, `duplicate`, `reordered`, `foreign`, `unanswered`, `refused`, `dropped` or `failed calls`.
    pub count: String,
    /// The baseline's.
    pub baseline: u64,
    /// Of how many.
    pub baseline_of: u64,
    /// This one's.
    pub this: u64,
    /// Of how many.
    pub this_of: u64,
    /// What the shares mean: worse if this one is larger beyond the tolerance, or there was none before.
    pub judgement: Judgement,
}

/// A threshold that did not come to the same on both sides.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ThresholdChange {
    /// The threshold as it was given.
    pub expression: String,
    /// What came of it in the baseline, if it had it.
    pub baseline: Option<ThresholdVerdict>,
    /// What came of it here, if it was given here.
    pub this: Option<ThresholdVerdict>,
    /// What was measured here.
    pub observed: Option<String>,
}

impl ThresholdChange {
    /// Whether it is missed now and was not before. What is measured no longer holds no longer.
    pub fn is_regression(&self) -> bool {
        use ThresholdVerdict::{Fail, NotExercised, Pass};
        matches!(
            (self.baseline, self.this),
            (Some(Pass | NotExercised), Some(Fail)) | (Some(Pass), Some(NotExercised))
        )
    }
}

/// A count and of how many, by name. What is zero of nothing was not measured.
type Counts = [(&'static str, u64, u64); 8];

fn counts(load: &SavedLoad) -> Counts {
    let owed = load.deliveries;
    let publishes = owed.publishes;
    let answered = publishes.acknowledged.saturating_add(publishes.refused);
    let arrived = owed.received;
    [
        ("lost", owed.lost, owed.expected),
        ("duplicate", owed.duplicate, arrived),
        ("reordered", owed.reordered, arrived),
        ("foreign", owed.foreign, arrived),
        (
            "unanswered",
            publishes.sent.saturating_sub(answered),
            publishes.sent,
        ),
        ("refused", publishes.refused, publishes.sent),
        ("dropped", load.streams.dropped, load.streams.opened),
        ("failed calls", load.calls.errors, load.calls.sent),
    ]
}

/// The counts that are not zero on both sides, of what was measured on both.
pub fn compare(baseline: &SavedLoad, this: &SavedLoad, tolerance: Tolerance) -> Vec<CountChange> {
    let pairs = counts(baseline).into_iter().zip(counts(this));
    let changes = pairs.filter_map(|((count, before, before_of), (_, now, now_of))| {
        let measured = before_of > 0 && now_of > 0;
        let change = CountChange {
            count: count.to_owned(),
            baseline: before,
            baseline_of: before_of,
            this: now,
            this_of: now_of,
            judgement: judge((before, before_of), (now, now_of), tolerance),
        };
        (measured && (before > 0 || now > 0)).then_some(change)
    });
    changes.collect()
}

#[expect(clippy::cast_precision_loss, reason = "shares, judged by a tolerance")]
fn judge(before: (u64, u64), now: (u64, u64), tolerance: Tolerance) -> Judgement {
    let share = |(count, of): (u64, u64)| count as f64 / of.max(1) as f64;
    if share(now) > share(before) * (1.0 + tolerance.0) {
        Judgement::Worse
    } else if share(now) * (1.0 + tolerance.0) < share(before) {
        Judgement::Better
    } else {
        Judgement::Same
    }
}

/// The thresholds that differ: by expression, in the order of this one and then of the baseline.
pub fn thresholds(baseline: &SavedLoad, this: &SavedLoad) -> Vec<ThresholdChange> {
    let find = |load: &SavedLoad, expression: &str| {
        let mut all = load.thresholds.iter();
        all.find(|it| it.expression == expression)
            .map(|it| it.verdict)
    };
    let mut changes = Vec::new();
    let mut add = |result: &ThresholdResult, observed: Option<&String>| {
        let change = ThresholdChange {
            expression: result.expression.clone(),
            baseline: find(baseline, &result.expression),
            this: find(this, &result.expression),
            observed: observed.cloned(),
        };
        if change.baseline != change.this {
            changes.push(change);
        }
    };
    for result in &this.thresholds {
        add(result, result.observed.as_ref());
    }
    for result in &baseline.thresholds {
        if find(this, &result.expression).is_none() {
            add(result, None);
        }
    }
    changes
}

#[cfg(test)]
mod tests {
    use super::super::samples::load;
    use super::*;

    #[test]
    fn a_count_is_worse_by_its_share() {
        use Judgement::{Better, Same, Worse};
        for (before, now, expected) in [
            ((0, 100), (0, 100), Same),
            ((0, 100), (1, 100), Worse),
            ((100, 1_000), (109, 1_000), Same),
            ((100, 1_000), (111, 1_000), Worse),
            ((10, 100), (20, 200), Same),
            ((10, 100), (5, 100), Better),
            ((10, 100), (0, 100), Better),
        ] {
            let found = judge(before, now, Tolerance(0.1));
            assert_eq!(found, expected, "{before:?} {now:?}");
        }
    }

    #[test]
    fn counts_that_are_zero_on_both_sides_are_not_told() {
        let clean = load(400);
        assert_eq!(compare(&clean, &clean, Tolerance(0.1)), []);
        let mut leaky = load(400);
        leaky.deliveries.lost = 3;
        leaky.calls.errors = 1;
        let told: Vec<_> = compare(&clean, &leaky, Tolerance(0.1))
            .into_iter()
            .map(|it| (it.count, it.baseline, it.this, it.judgement))
            .collect();
        let expected = [
            ("lost".to_owned(), 0, 3, Judgement::Worse),
            ("failed calls".to_owned(), 0, 1, Judgement::Worse),
        ];
        assert_eq!(told, expected);
        let mended = compare(&leaky, &clean, Tolerance(0.1));
        assert_eq!(mended[0].judgement, Judgement::Better);
        // Where nothing was owed, nothing was lost and nothing found to hold.
        leaky.deliveries.expected = 0;
        let told = compare(&clean, &leaky, Tolerance(0.1));
        assert_eq!(told[0].count, "failed calls");
    }

    #[test]
    fn thresholds_are_joined_by_what_was_written() {
        use ThresholdVerdict::{Fail, NotExercised, Pass};
        let with = |thresholds: &[(&str, ThresholdVerdict)]| {
            let mut load = load(400);
            load.thresholds = thresholds
                .iter()
                .map(|(expression, verdict)| ThresholdResult {
                    expression: (*expression).to_owned(),
                    observed: None,
                    verdict: *verdict,
                })
                .collect();
            load
        };
        let before = with(&[("a", Pass), ("b", Pass), ("c", Fail), ("d", Pass)]);
        let now = with(&[("a", Fail), ("b", NotExercised), ("c", Pass), ("e", Fail)]);
        let told: Vec<_> = thresholds(&before, &now)
            .into_iter()
            .map(|it| (it.expression.clone(), it.is_regression()))
            .collect();
        let expected = [
            ("a", true),
            ("b", true),
            ("c", false),
            ("e", false),
            ("d", false),
        ];
        assert_eq!(told, expected.map(|(name, bad)| (name.to_owned(), bad)));
        assert_eq!(thresholds(&now, &now), []);
    }
}
