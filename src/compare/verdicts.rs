//! Which checks changed their verdict.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::read::{Saved, SavedCheck, SavedRun};
use crate::engine::Verdict;

/// How a verdict changed. The list is closed.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Change {
    /// Red now and not before, or worse: a warning that became a failure.
    NewRed,
    /// It gave a verdict before and gives none now.
    NoLongerExercised,
    /// Red before and not now: it holds, or a failure became a warning.
    Fixed,
    /// It gave no verdict before, and holds now.
    NewlyExercised,
    /// The baseline has no such check in this run.
    OnlyHere,
    /// Only the baseline has it in this run.
    OnlyInBaseline,
}

impl Change {
    /// Its word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NewRed => "new red",
            Self::NoLongerExercised => "no longer exercised",
            Self::Fixed => "fixed",
            Self::NewlyExercised => "newly exercised",
            Self::OnlyHere => "only here",
            Self::OnlyInBaseline => "only in the baseline",
        }
    }

    fn of(before: Option<Verdict>, now: Option<Verdict>) -> Option<Self> {
        let (before, now) = match (before, now) {
            (Some(before), Some(now)) => (severity(before), severity(now)),
            (None, Some(_)) => return Some(Self::OnlyHere),
            (Some(_), None) => return Some(Self::OnlyInBaseline),
            (None, None) => return None,
        };
        match (before, now) {
            (Some(_), None) => Some(Self::NoLongerExercised),
            (None, Some(0)) => Some(Self::NewlyExercised),
            (before, Some(now)) if now > before.unwrap_or(0) => Some(Self::NewRed),
            (Some(before), Some(now)) if now < before => Some(Self::Fixed),
            _ => None,
        }
    }
}

/// How red a verdict is; nothing where it is none on the target.
fn severity(verdict: Verdict) -> Option<u8> {
    match verdict {
        Verdict::Pass => Some(0),
        Verdict::Warn => Some(1),
        Verdict::Fail => Some(2),
        Verdict::Skip | Verdict::Error => None,
    }
}

/// A check whose verdict is another than the baseline's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct VerdictChange {
    /// The run, `<transport> <revision>`.
    pub run: String,
    /// The check.
    pub check: String,
    /// The requirement.
    pub requirement: Option<String>,
    /// The baseline's verdict, if it has the check.
    pub baseline: Option<Verdict>,
    /// This one's, if it has the check.
    pub this: Option<Verdict>,
    /// What that comes to.
    pub change: Change,
}

/// A run that is not in both, or that did not come to the same.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RunChange {
    /// The run, `<transport> <revision>`.
    pub run: String,
    /// What became of it in the baseline, if it is there.
    pub baseline: Option<String>,
    /// What became of it here, if it is here.
    pub this: Option<String>,
}

impl RunChange {
    /// Whether the baseline was tested at it, and this one asked for it in vain.
    pub fn is_regression(&self) -> bool {
        let tested = |outcome: &Option<String>| outcome.as_deref() == Some("tested");
        tested(&self.baseline) && self.this.is_some() && !tested(&self.this)
    }
}

/// What two reports make of the checks of the runs that both have.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Verdicts {
    /// Runs that differ.
    pub runs: Vec<RunChange>,
    /// Checks that differ: the worst first, then in the order of the reports.
    pub checks: Vec<VerdictChange>,
    /// How many checks have the same verdict.
    pub unchanged: usize,
}

/// Joins two reports by transport and revision of the run and id of the check.
pub fn compare(baseline: &Saved, this: &Saved) -> Verdicts {
    let mut found = Verdicts::default();
    let by_key = |saved: &'_ Saved| -> BTreeMap<(Option<String>, Option<String>), usize> {
        let keyed = saved.runs.iter().enumerate().rev();
        keyed
            .map(|(place, run)| ((run.transport.clone(), run.revision.clone()), place))
            .collect()
    };
    let (before, now) = (by_key(baseline), by_key(this));
    for (key, place) in &before {
        let old = baseline.runs.get(*place);
        let new = now.get(key).and_then(|place| this.runs.get(*place));
        if let Some(old) = old {
            found.add_run(Some(old), new);
        }
    }
    for (key, place) in &now {
        if !before.contains_key(key) {
            found.add_run(None, this.runs.get(*place));
        }
    }
    found.checks.sort_by_key(|change| change.change);
    found
}

impl Verdicts {
    fn add_run(&mut self, baseline: Option<&SavedRun>, this: Option<&SavedRun>) {
        let outcome = |run: Option<&SavedRun>| run.map(|run| run.outcome.clone());
        if outcome(baseline) != outcome(this) {
            self.runs.push(RunChange {
                run: baseline.or(this).map(SavedRun::name).unwrap_or_default(),
                baseline: outcome(baseline),
                this: outcome(this),
            });
            return;
        }
        let (Some(baseline), Some(this)) = (baseline, this) else {
            return;
        };
        // A load has runs without checks; that is no change of any check.
        if baseline.checks.is_empty() || this.checks.is_empty() {
            return;
        }
        let name = this.name();
        let before = by_id(baseline);
        let now = by_id(this);
        for check in &this.checks {
            self.add_check(&name, before.get(check.id.as_str()).copied(), Some(check));
        }
        for check in &baseline.checks {
            if !now.contains_key(check.id.as_str()) {
                self.add_check(&name, Some(check), None);
            }
        }
    }

    fn add_check(&mut self, run: &str, baseline: Option<&SavedCheck>, this: Option<&SavedCheck>) {
        let (before, now) = (baseline.map(|it| it.verdict), this.map(|it| it.verdict));
        let (Some(change), Some(check)) = (Change::of(before, now), this.or(baseline)) else {
            self.unchanged += 1;
            return;
        };
        self.checks.push(VerdictChange {
            run: run.to_owned(),
            check: check.id.clone(),
            requirement: check.requirement.clone(),
            baseline: before,
            this: now,
            change,
        });
    }
}

fn by_id(run: &SavedRun) -> BTreeMap<&str, &SavedCheck> {
    run.checks
        .iter()
        .map(|check| (check.id.as_str(), check))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::super::samples::{check, run, saved};
    use super::*;

    #[test]
    fn every_pair_of_verdicts_has_its_word() {
        use Verdict::{Error, Fail, Pass, Skip, Warn};
        let cases = [
            (Pass, Pass, None),
            (Skip, Skip, None),
            (Skip, Error, None),
            (Fail, Fail, None),
            (Pass, Fail, Some(Change::NewRed)),
            (Pass, Warn, Some(Change::NewRed)),
            (Warn, Fail, Some(Change::NewRed)),
            (Skip, Fail, Some(Change::NewRed)),
            (Error, Warn, Some(Change::NewRed)),
            (Fail, Pass, Some(Change::Fixed)),
            (Fail, Warn, Some(Change::Fixed)),
            (Skip, Pass, Some(Change::NewlyExercised)),
            (Pass, Skip, Some(Change::NoLongerExercised)),
            (Fail, Error, Some(Change::NoLongerExercised)),
        ];
        for (before, now, expected) in cases {
            let change = Change::of(Some(before), Some(now));
            assert_eq!(change, expected, "{before} {now}");
        }
        assert_eq!(Change::of(None, Some(Fail)), Some(Change::OnlyHere));
        assert_eq!(Change::of(Some(Pass), None), Some(Change::OnlyInBaseline));
        assert_eq!(Change::of(None, None), None);
    }

    #[test]
    fn checks_are_joined_by_run_and_id_whatever_their_order() {
        let one = saved(vec![
            run("2025-06-18", vec![check("a/b#1", Verdict::Pass)]),
            run(
                "2025-11-25",
                vec![check("a/b#1", Verdict::Pass), check("a/b#2", Verdict::Fail)],
            ),
        ]);
        let other = saved(vec![
            run(
                "2025-11-25",
                vec![
                    check("a/b#2", Verdict::Pass),
                    check("a/b#1", Verdict::Fail),
                    check("a/b#3", Verdict::Pass),
                ],
            ),
            run("2025-06-18", vec![check("a/b#1", Verdict::Pass)]),
        ]);
        let found = compare(&one, &other);
        assert_eq!(found.runs, []);
        assert_eq!(found.unchanged, 1);
        let told: Vec<_> = found
            .checks
            .iter()
            .map(|it| (it.run.as_str(), it.check.as_str(), it.change))
            .collect();
        let name = "streamable-http 2025-11-25";
        assert_eq!(
            told,
            [
                (name, "a/b#1", Change::NewRed),
                (name, "a/b#2", Change::Fixed),
                (name, "a/b#3", Change::OnlyHere),
            ]
        );
        let same = compare(&one, &one);
        assert_eq!((same.checks.len(), same.unchanged), (0, 3));
    }

    #[test]
    fn runs_that_came_to_something_else_are_told_once() {
        let mut gone = run("2025-06-18", Vec::new());
        gone.outcome = "not-offered".to_owned();
        let before = saved(vec![
            run("2025-06-18", vec![check("a/b#1", Verdict::Pass)]),
            run("2025-11-25", Vec::new()),
        ]);
        let found = compare(&before, &saved(vec![gone, run("2026-07-28", Vec::new())]));
        assert_eq!(found.checks, []);
        let told: Vec<_> = found
            .runs
            .iter()
            .map(|it| {
                (
                    it.baseline.as_deref(),
                    it.this.as_deref(),
                    it.is_regression(),
                )
            })
            .collect();
        assert_eq!(
            told,
            [
                (Some("tested"), Some("not-offered"), true),
                (Some("tested"), None, false),
                (None, Some("tested"), false),
            ]
        );
    }
}
