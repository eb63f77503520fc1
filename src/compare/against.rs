//! One report against the baseline.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::latency::{self, Judgement, LatencyChange, Measured, Tolerance};
use super::ledger::{self, CountChange, ThresholdChange};
use super::read::{Saved, SavedLoad};
use super::verdicts::{self, RunChange, VerdictChange};

/// Rates that differ by less are the same rate: the measure phase is never exactly as long as planned.
const RATE_SLACK: f64 = 0.05;

/// What is different from the baseline.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Against {
    /// The place of this one among the columns.
    pub column: usize,
    /// Runs that are not in both, or did not come to the same.
    pub runs: Vec<RunChange>,
    /// Checks that changed their verdict, the worst first.
    pub verdicts: Vec<VerdictChange>,
    /// How many checks did not.
    pub unchanged: usize,
    /// Every latency that both measured.
    pub latencies: Vec<LatencyChange>,
    /// Counts of what should not be, where either has any.
    pub counts: Vec<CountChange>,
    /// Thresholds that did not come to the same.
    pub thresholds: Vec<ThresholdChange>,
    /// The target died here, and not in the baseline.
    pub died: bool,
    /// What limits the comparison.
    pub notes: Vec<String>,
}

impl Against {
    /// Whether nothing changed: no run, verdict or threshold, and no latency or count beyond the tolerance.
    pub fn is_no_change(&self) -> bool {
        let moved =
            |judgement: Judgement| matches!(judgement, Judgement::Better | Judgement::Worse);
        self.runs.is_empty()
            && self.verdicts.is_empty()
            && self.thresholds.is_empty()
            && !self.died
            && !self.latencies.iter().any(|it| moved(it.judgement))
            && !self.counts.iter().any(|it| moved(it.judgement))
    }

    /// Whether there was anything to compare.
    pub fn has_compared(&self) -> bool {
        self.unchanged > 0
            || !self.verdicts.is_empty()
            || !self.runs.is_empty()
            || !self.latencies.is_empty()
    }
}

/// Compares the report at the place `column` with the baseline.
pub fn against(baseline: &Saved, this: &Saved, column: usize, tolerance: Tolerance) -> Against {
    let verdicts = verdicts::compare(baseline, this);
    let mut found = Against {
        column,
        runs: verdicts.runs,
        verdicts: verdicts.checks,
        unchanged: verdicts.unchanged,
        ..Against::default()
    };
    if baseline.interrupted || this.interrupted {
        let whose = match (baseline.interrupted, this.interrupted) {
            (true, true) => "both reports were",
            (true, false) => "the baseline was",
            _ => "this report was",
        };
        found.notes.push(format!(
            "{whose} cut short: what is missing was not reached"
        ));
    }
    match (&baseline.load, &this.load) {
        (Some(before), Some(now)) => {
            found.add_load(
                (before, baseline.reference.as_ref()),
                (now, this.reference.as_ref()),
                tolerance,
            );
        }
        (Some(_), None) => found.notes.push("this report has no load".to_owned()),
        (None, Some(_)) => found.notes.push("the baseline has no load".to_owned()),
        (None, None) => {}
    }
    found
}

impl Against {
    fn add_load(
        &mut self,
        (before, reference_before): (&SavedLoad, Option<&SavedLoad>),
        (now, reference_now): (&SavedLoad, Option<&SavedLoad>),
        tolerance: Tolerance,
    ) {
        self.died = now.target_died && !before.target_died;
        self.counts = ledger::compare(before, now, tolerance);
        self.thresholds = ledger::thresholds(before, now);
        if let Some(difference) = difference(before, now) {
            self.notes.push(format!(
                "the loads differ ({difference}): latencies are not compared"
            ));
            return;
        }
        let saturated = before.generator.saturated || now.generator.saturated;
        let doubt = saturated.then_some("the generator was saturated: figures are upper bounds");
        self.latencies = latency::of_single_runs(
            Measured {
                target: &before.latency_us,
                reference: reference_before.map(|load| &load.latency_us),
            },
            Measured {
                target: &now.latency_us,
                reference: reference_now.map(|load| &load.latency_us),
            },
            tolerance,
            doubt,
        );
    }
}

/// How the loads differ, if they do.
fn difference(before: &SavedLoad, now: &SavedLoad) -> Option<String> {
    let (streams, these) = (before.streams.asked, now.streams.asked);
    if streams != these {
        return Some(format!("{these} streams against {streams}"));
    }
    let (rate, this) = (before.rate(), now.rate());
    if (rate - this).abs() > RATE_SLACK * rate.max(this) {
        return Some(format!("{this:.1} publishes per second against {rate:.1}"));
    }
    None
}

#[cfg(test)]
mod tests {
    use super::super::samples::{before, load, saved};
    use super::*;

    const TOLERANCE: Tolerance = Tolerance(0.1);

    #[test]
    fn the_same_again_is_no_change() {
        let mut again = before();
        assert!(against(&before(), &again, 1, TOLERANCE).is_no_change());
        // A little slower, and begun at another time, is no change either.
        again.started_unix_s += 60;
        again.load.as_mut().unwrap().latency_us.fanout.p50 += 5;
        let found = against(&before(), &again, 1, TOLERANCE);
        assert!(found.is_no_change() && found.has_compared(), "{found:?}");
        assert_eq!(found.latencies.len(), 6);
    }

    #[test]
    fn each_kind_of_change_is_one() {
        let changes: [fn(&mut Saved); 6] = [
            |it| it.runs[0].checks[0].verdict = crate::engine::Verdict::Skip,
            |it| it.runs[0].outcome = "unreachable".to_owned(),
            |it| it.load = Some(load(1_000)),
            |it| it.load.as_mut().unwrap().deliveries.lost = 1,
            |it| it.load.as_mut().unwrap().target_died = true,
            |it| it.load.as_mut().unwrap().thresholds.clear(),
        ];
        for (number, change) in changes.into_iter().enumerate() {
            let mut now = before();
            change(&mut now);
            let found = against(&before(), &now, 1, TOLERANCE);
            assert!(!found.is_no_change(), "{number}: {found:?}");
        }
    }

    #[test]
    fn what_cannot_be_compared_is_said() {
        type Spoil = fn(&mut Saved);
        let cases: [(Spoil, &str); 5] = [
            (|it| it.interrupted = true, "this report was cut short"),
            (|it| it.load = None, "this report has no load"),
            (
                |it| it.load.as_mut().unwrap().streams.asked = 7,
                "7 streams against 100",
            ),
            (
                |it| it.load.as_mut().unwrap().deliveries.publishes.planned = 20,
                "2.0 publishes per second against 10.0",
            ),
            (
                |it| it.load.as_mut().unwrap().phases.measure_s = 0.0,
                "0.0 publishes per second against 10.0",
            ),
        ];
        for (change, part) in cases {
            let mut now = before();
            change(&mut now);
            let found = against(&before(), &now, 1, TOLERANCE);
            assert_eq!(found.notes.len(), 1, "{part}: {:?}", found.notes);
            assert!(found.notes[0].contains(part), "{part}: {:?}", found.notes);
        }
        assert!(!against(&saved(vec![]), &saved(vec![]), 1, TOLERANCE).has_compared());
    }

    #[test]
    fn a_saturated_generator_leaves_latencies_unclear() {
        let mut now = before();
        let slow = now.load.insert(load(1_000));
        slow.generator.saturated = true;
        let found = against(&before(), &now, 1, TOLERANCE);
        assert!(found.is_no_change(), "{found:?}");
        let unclear = found
            .latencies
            .iter()
            .filter(|it| it.judgement == Judgement::Unclear);
        assert!(unclear.count() > 0);
    }
}
