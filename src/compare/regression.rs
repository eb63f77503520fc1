//! What counts as a regression, for `--fail-on regression`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::against::Against;
use super::latency::Judgement;
use super::verdicts::{Change, VerdictChange};
use crate::engine::Verdict;

/// How many things became worse.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Regression {
    /// Checks: new violations of a MUST (with `--strict`: of anything), and checks that held and are not exercised any
    /// more; and runs that were tested and cannot be any more.
    pub verdicts: usize,
    /// Latencies and counts that are worse beyond the tolerance, thresholds that do not hold any more, a target that died.
    pub load: usize,
}

impl Regression {
    /// Counts what became worse. With `strict`, warnings count.
    pub fn of(against: &Against, strict: bool) -> Self {
        let counts = |change: &&VerdictChange| match change.change {
            Change::NewRed => change.this == Some(Verdict::Fail) || strict,
            // A skip is never green.
            Change::NoLongerExercised => change.baseline == Some(Verdict::Pass),
            _ => false,
        };
        let checks = against.verdicts.iter().filter(counts).count();
        let runs = against
            .runs
            .iter()
            .filter(|run| run.is_regression())
            .count();
        let is_worse = |judgement: Judgement| judgement == Judgement::Worse;
        let load = [
            against
                .latencies
                .iter()
                .filter(|it| is_worse(it.judgement))
                .count(),
            against
                .counts
                .iter()
                .filter(|it| is_worse(it.judgement))
                .count(),
            against
                .thresholds
                .iter()
                .filter(|it| it.is_regression())
                .count(),
            usize::from(against.died),
        ];
        Self {
            verdicts: checks + runs,
            load: load.iter().sum(),
        }
    }

    /// The sum of both.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self {
            verdicts: self.verdicts + other.verdicts,
            load: self.load + other.load,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::against;
    use super::super::latency::Tolerance;
    use super::super::read::Saved;
    use super::super::samples::{before, load};
    use super::*;

    #[test]
    fn what_became_worse_is_counted_and_what_became_better_is_not() {
        type Spoil = fn(&mut Saved);
        let cases: [(Spoil, usize, usize); 7] = [
            (|_| {}, 0, 0),
            (|it| it.runs[0].checks[0].verdict = Verdict::Fail, 1, 0),
            (|it| it.runs[0].checks[0].verdict = Verdict::Skip, 1, 0),
            (|it| it.runs[0].checks[2].verdict = Verdict::Pass, 0, 0),
            (|it| it.runs[0].outcome = "unreachable".to_owned(), 1, 0),
            (|it| it.load.as_mut().unwrap().target_died = true, 0, 1),
            (
                |it| {
                    // Slower at all four figures of connect and fan-out, and of calls.
                    it.load = Some(load(1_000));
                    it.load.as_mut().unwrap().deliveries.lost = 4;
                },
                0,
                7,
            ),
        ];
        for (number, (change, verdicts, held)) in cases.into_iter().enumerate() {
            let mut now = before();
            change(&mut now);
            let found = against(&before(), &now, 1, Tolerance(0.1));
            let regression = Regression::of(&found, false);
            assert_eq!(
                (regression.verdicts, regression.load),
                (verdicts, held),
                "{number}: {found:?}"
            );
        }
    }

    #[test]
    fn new_warnings_count_where_strict() {
        let mut now = before();
        now.runs[0].checks[0].verdict = Verdict::Warn;
        let found = against(&before(), &now, 1, Tolerance(0.1));
        assert_eq!(Regression::of(&found, false), Regression::default());
        assert_eq!(Regression::of(&found, true).verdicts, 1);
    }
}
