//! The comparison as it is written. It is versioned on its own, and its JSON Schema is in `reports/schema/`.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::against::{Against, against};
use super::latency::Tolerance;
use super::ledger;
use super::read::{Saved, SavedCheck, SavedLoad, SavedRun};
use super::regression::Regression;
use super::slices::{Side, Sliced};
use crate::engine::Verdict;
use crate::load::report::Streams;

/// The name and version of the format.
pub const SCHEMA: &str = "mcp-plumb/compare/1";

/// Reports, or a target and the reference server, beside each other.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Comparison {
    /// The format: `mcp-plumb/compare/1`.
    pub schema: String,
    /// The version of mcp-plumb that wrote it.
    pub version: String,
    /// When it began, in seconds since 1970 (UTC).
    pub started_unix_s: u64,
    /// How long it took, in milliseconds.
    pub elapsed_ms: u64,
    /// What is compared with what.
    pub kind: Kind,
    /// What is compared. The first is the baseline.
    pub columns: Vec<Column>,
    /// How much longer a latency, or how much larger a count, may be before it counts as worse, as a share.
    pub tolerance: Tolerance,
    /// Each column but the first against the first, in their order.
    pub against: Vec<Against>,
    /// Every check that has not the same verdict in all columns, in the order in which the columns first have them.
    pub checks: Vec<Row>,
    /// The load, where it was made for this comparison.
    pub sliced: Option<Sliced>,
    /// What became worse, over all columns.
    pub regressions: Regression,
    /// Whether it was cut short; what is here was known by then.
    pub interrupted: bool,
    /// The exit code.
    pub exit_code: u8,
}

/// What is compared with what.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// A target with the bundled reference server, in turn, now.
    Reference,
    /// Saved reports with the first of them.
    Saved,
}

/// One of those that are compared.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Column {
    /// Its name: the file, or `reference` and `target`.
    pub name: String,
    /// The target's URL, without secrets.
    pub url: String,
    /// Name and version of the servers, as they give them.
    pub server: Option<String>,
    /// Its runs, `<transport> <revision>`, that were tested.
    pub tested: Vec<String>,
    /// When it began, in seconds since 1970 (UTC).
    pub started_unix_s: u64,
    /// How many checks came to what, by area; in `all`, of all areas.
    pub areas: BTreeMap<String, Tally>,
    /// The sum of all areas.
    pub all: Tally,
}

/// How many checks came to what.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Tally {
    /// Violations of a MUST or MUST NOT.
    pub must_failed: usize,
    /// Other violations.
    pub warned: usize,
    /// Checks that held.
    pub passed: usize,
    /// Checks that could not be exercised.
    pub skipped: usize,
    /// Failures of mcp-plumb itself.
    pub errors: usize,
}

impl Tally {
    fn add(&mut self, verdict: Verdict) {
        let count = match verdict {
            Verdict::Fail => &mut self.must_failed,
            Verdict::Warn => &mut self.warned,
            Verdict::Pass => &mut self.passed,
            Verdict::Skip => &mut self.skipped,
            Verdict::Error => &mut self.errors,
        };
        *count += 1;
    }
}

/// A check that has not the same verdict in all columns.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Row {
    /// The check.
    pub check: String,
    /// Its verdict in each column, the worst of all runs there; nothing where a column has no such check.
    pub verdicts: Vec<Option<Verdict>>,
}

impl Comparison {
    fn new(kind: Kind, tolerance: Tolerance) -> Self {
        let started = std::time::SystemTime::now()
            .duration_since(std::time::UNIX_EPOCH)
            .map_or(0, |since| since.as_secs());
        Self {
            schema: SCHEMA.to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            started_unix_s: started,
            elapsed_ms: 0,
            kind,
            columns: Vec::new(),
            tolerance,
            against: Vec::new(),
            checks: Vec::new(),
            sliced: None,
            regressions: Regression::default(),
            interrupted: false,
            exit_code: 0,
        }
    }

    /// Saved reports, each with its name; the first is the baseline. With `strict`, new warnings are regressions.
    pub fn of_saved(reports: &[(String, Saved)], tolerance: Tolerance, strict: bool) -> Self {
        let mut comparison = Self::new(Kind::Saved, tolerance);
        if let Some(((_, baseline), others)) = reports.split_first() {
            for (place, (_, this)) in others.iter().enumerate() {
                let found = against(baseline, this, place + 1, tolerance);
                comparison.against.push(found);
            }
        }
        let parts: Vec<_> = reports.iter().map(|(name, saved)| (name, saved)).collect();
        comparison.set_columns(&parts, strict);
        comparison
    }

    /// A target beside the reference server: what a report of each has for checks, and the load in slices.
    pub fn beside_reference(
        reference: &Saved,
        target: &Saved,
        sliced: Option<Sliced>,
        tolerance: Tolerance,
        strict: bool,
    ) -> Self {
        let mut comparison = Self::new(Kind::Reference, tolerance);
        let without_load = |saved: &Saved| Saved {
            load: None,
            reference: None,
            ..saved.clone()
        };
        let (reference, target) = (without_load(reference), without_load(target));
        let mut found = against(&reference, &target, 1, tolerance);
        if let Some(sliced) = &sliced {
            found.latencies = sliced.latencies(tolerance);
            let of = |side| SavedLoad {
                deliveries: sliced.deliveries(side),
                streams: Streams::default(),
                ..SavedLoad::default()
            };
            found.counts = ledger::compare(&of(Side::Reference), &of(Side::Target), tolerance);
        }
        comparison.against.push(found);
        comparison.sliced = sliced;
        let names = ["reference".to_owned(), "target".to_owned()];
        let [first, second] = &names;
        comparison.set_columns(&[(first, &reference), (second, &target)], strict);
        comparison
    }

    fn set_columns(&mut self, reports: &[(&String, &Saved)], strict: bool) {
        self.columns = reports
            .iter()
            .map(|(name, saved)| Column::new(name, saved))
            .collect();
        self.checks = rows(reports);
        self.interrupted =
            self.kind == Kind::Reference && reports.iter().any(|(_, saved)| saved.interrupted);
        let each = self.against.iter().map(|it| Regression::of(it, strict));
        self.regressions = each.fold(Regression::default(), Regression::and);
    }

    /// Whether nothing changed from the baseline to any other.
    pub fn is_no_change(&self) -> bool {
        self.against.iter().all(Against::is_no_change)
    }

    /// Whether there was anything to compare.
    pub fn has_compared(&self) -> bool {
        self.against.iter().any(Against::has_compared)
    }
}

impl Column {
    fn new(name: &str, saved: &Saved) -> Self {
        let tested = || saved.runs.iter().filter(|run| run.is_tested());
        let mut servers: Vec<&str> = Vec::new();
        for server in tested().filter_map(|run| run.server.as_deref()) {
            if !servers.contains(&server) {
                servers.push(server);
            }
        }
        let mut column = Self {
            name: name.to_owned(),
            url: saved.target.url.clone(),
            server: (!servers.is_empty()).then(|| servers.join(", ")),
            tested: tested().map(SavedRun::name).collect(),
            started_unix_s: saved.started_unix_s,
            ..Self::default()
        };
        for check in saved.runs.iter().flat_map(|run| &run.checks) {
            column.all.add(check.verdict);
            let area = column.areas.entry(check.area().to_owned());
            area.or_default().add(check.verdict);
        }
        column
    }
}

/// How bad a verdict is, for the worst of several.
fn badness(verdict: Verdict) -> u8 {
    match verdict {
        Verdict::Skip => 0,
        Verdict::Pass => 1,
        Verdict::Warn => 2,
        Verdict::Fail => 3,
        Verdict::Error => 4,
    }
}

/// The checks that differ between reports.
fn rows(reports: &[(&String, &Saved)]) -> Vec<Row> {
    let worst: Vec<BTreeMap<&str, Verdict>> = reports
        .iter()
        .map(|(_, saved)| worst_by_id(saved))
        .collect();
    let mut told = std::collections::BTreeSet::new();
    let checks = reports
        .iter()
        .flat_map(|(_, saved)| saved.runs.iter().flat_map(|run| &run.checks));
    let rows = checks.filter_map(|SavedCheck { id, .. }| {
        if !told.insert(id.as_str()) {
            return None;
        }
        let verdicts: Vec<Option<Verdict>> = worst
            .iter()
            .map(|by_id| by_id.get(id.as_str()).copied())
            .collect();
        let first = verdicts.first().copied().flatten();
        let differs = verdicts.iter().any(|verdict| *verdict != first);
        differs.then(|| Row {
            check: id.clone(),
            verdicts,
        })
    });
    rows.collect()
}

fn worst_by_id(saved: &Saved) -> BTreeMap<&str, Verdict> {
    let mut worst = BTreeMap::new();
    for check in saved.runs.iter().flat_map(|run| &run.checks) {
        let found = worst.entry(check.id.as_str()).or_insert(check.verdict);
        if badness(check.verdict) > badness(*found) {
            *found = check.verdict;
        }
    }
    worst
}

#[cfg(test)]
mod tests {
    use super::super::samples::{beside, changed, several, unchanged};
    use super::*;

    #[test]
    fn the_same_report_twice_is_no_change() {
        let found = unchanged();
        assert!(found.is_no_change() && found.has_compared());
        assert_eq!(found.regressions, Regression::default());
        assert_eq!(found.checks, []);
    }

    #[test]
    fn the_matrix_has_the_checks_that_differ() {
        let found = several();
        assert!(!found.is_no_change());
        let ids: Vec<&str> = found.checks.iter().map(|row| row.check.as_str()).collect();
        // All but none: the third has fewer.
        assert_eq!(ids.len(), 6, "{ids:?}");
        assert!(found.checks.iter().all(|row| row.verdicts.len() == 3));
        assert_eq!(found.columns[2].tested, ["hybrid 2025-06-18"]);
        assert_eq!(found.columns[0].areas["tools"].passed, 2);
        assert_eq!(found.columns[0].all.must_failed, 1);
    }

    #[test]
    fn beside_the_reference_server_the_load_comes_from_the_slices() {
        use crate::compare::latency::Judgement;
        let found = beside();
        let judged: Vec<_> = found.against[0]
            .latencies
            .iter()
            .map(|it| (it.metric.as_str(), it.judgement))
            .collect();
        assert!(
            judged.contains(&("connect p50", Judgement::Same)),
            "{judged:?}"
        );
        assert!(
            judged.contains(&("fan-out p99", Judgement::Worse)),
            "{judged:?}"
        );
        assert!(
            judged.contains(&("call p50", Judgement::Unclear)),
            "{judged:?}"
        );
        assert_eq!(changed().regressions.verdicts, 2);
    }

    #[test]
    fn a_comparison_reads_back_as_it_was() {
        for comparison in [changed(), unchanged(), several(), beside()] {
            let json = serde_json::to_string(&comparison).unwrap();
            let read: Comparison = serde_json::from_str(&json).unwrap();
            assert_eq!(read.columns, comparison.columns);
            assert_eq!(read.regressions, comparison.regressions);
        }
    }
}
