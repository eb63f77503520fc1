//! The report document: the one source of every output. It is versioned, and its JSON Schema is in `reports/schema/`.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Serialize;

use crate::catalog::{Catalog, Level, Observable};
use crate::engine::{CheckResult, Facts, SkipReason, Verdict};
use crate::load::LoadReport;
use crate::protocol::{Revision, Transport};
use crate::transport::{Record, Redactor};

/// The name and version of the format.
pub const SCHEMA: &str = "mcp-plumb/report/1";

/// Everything that a run found.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Document {
    /// The format: `mcp-plumb/report/1`.
    pub schema: &'static str,
    /// What wrote it.
    pub tool: Tool,
    /// When the run began, in seconds since 1970 (UTC).
    pub started_unix_s: u64,
    /// How long it took, in milliseconds.
    pub elapsed_ms: u64,
    /// What was looked at.
    pub target: Target,
    /// Every check, in a stable order; empty where only load was run.
    pub checks: Vec<Check>,
    /// How many checks came to what.
    pub summary: Summary,
    /// How much of the catalogue was exercised.
    pub coverage: Option<Coverage>,
    /// The wire records that checks which did not pass point at.
    pub records: Vec<Record>,
    /// What the target holds.
    pub load: Option<LoadReport>,
    /// The same load on the bundled reference server, in the same run.
    pub reference: Option<LoadReport>,
    /// Whether the run was cut short; what is here was known by then.
    pub interrupted: bool,
    /// Why nothing could be exercised, if nothing could.
    pub not_exercised: Option<String>,
    /// The exit code of the run.
    pub exit_code: u8,
}

/// What wrote the document.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Tool {
    /// `mcp-plumb`.
    pub name: &'static str,
    /// Its version.
    pub version: &'static str,
}

impl Default for Tool {
    fn default() -> Self {
        Self {
            name: env!("CARGO_PKG_NAME"),
            version: env!("CARGO_PKG_VERSION"),
        }
    }
}

/// What was looked at.
#[derive(Clone, Debug, Default, Serialize, JsonSchema)]
pub struct Target {
    /// Its URL, without secrets.
    pub url: String,
    /// The transport, by name; absent if none was recognised.
    pub transport: Option<String>,
    /// The revision that checks were judged by.
    pub revision: Option<String>,
    /// Name and version, as the server gives them.
    pub server: Option<String>,
    /// How transport and revision were found out.
    pub detection: Vec<String>,
}

/// One check.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Check {
    /// `<scenario>#<slug>`; stable.
    pub id: String,
    /// The requirement of the catalogue.
    pub requirement: Option<String>,
    /// How binding it is.
    pub level: Level,
    /// The revision that it was judged by.
    pub revision: String,
    /// What was found.
    pub verdict: Verdict,
    /// Why it was skipped: a word of a closed list.
    pub skip_reason: Option<SkipReason>,
    /// Why it was skipped, for a person.
    pub reason: Option<String>,
    /// What should have been.
    pub expected: Option<String>,
    /// What was.
    pub got: Option<String>,
    /// Numbers of wire records.
    pub evidence: Vec<u32>,
    /// A command that sends the same request.
    pub curl: Option<String>,
    /// The scenario file that holds the check.
    pub file: Option<String>,
}

impl Check {
    /// A result as it is reported.
    pub fn new(result: CheckResult, revision: Revision) -> Self {
        let (skip_reason, reason) = match result.skip {
            Some(skip) => (Some(skip.reason), Some(skip.detail)),
            None => (None, None),
        };
        Self {
            id: result.id,
            requirement: result.requirement,
            level: result.level,
            revision: revision.to_string(),
            verdict: result.verdict,
            skip_reason,
            reason,
            expected: result.expected,
            got: result.got,
            evidence: result.evidence,
            curl: result.curl,
            file: result.file,
        }
    }

    /// The scenario: the id up to `#`.
    pub fn scenario(&self) -> &str {
        self.id.split('#').next().unwrap_or(&self.id)
    }
}

/// How many checks came to what.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Summary {
    /// Violations of a MUST or MUST NOT.
    pub must_failed: usize,
    /// Violations of a SHOULD, a SHOULD NOT or a practice, and what the catalogue calls a warning.
    pub warned: usize,
    /// Checks that held.
    pub passed: usize,
    /// Checks that could not be exercised.
    pub skipped: usize,
    /// Failures of mcp-plumb itself.
    pub errors: usize,
}

impl Summary {
    /// Counts checks.
    pub fn of(checks: &[Check]) -> Self {
        let count = |verdict| {
            checks
                .iter()
                .filter(|check| check.verdict == verdict)
                .count()
        };
        Self {
            must_failed: count(Verdict::Fail),
            warned: count(Verdict::Warn),
            passed: count(Verdict::Pass),
            skipped: count(Verdict::Skip),
            errors: count(Verdict::Error),
        }
    }

    /// How many checks gave a verdict on the target.
    pub fn exercised(&self) -> usize {
        self.must_failed + self.warned + self.passed
    }
}

/// How much of the catalogue was exercised.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Coverage {
    /// Requirements that hold for the target's transport and revision.
    pub requirements: usize,
    /// Of these, those that can be seen from outside.
    pub testable: usize,
    /// Of these, those that a check gave a verdict on.
    pub exercised: usize,
    /// The testable ones without a verdict, counted by reason.
    pub not_exercised: BTreeMap<String, usize>,
}

impl Coverage {
    /// Counts the catalogue against the checks of a run.
    pub fn of(checks: &[Check], transport: Transport, revision: Revision) -> Self {
        let mut coverage = Self {
            requirements: 0,
            testable: 0,
            exercised: 0,
            not_exercised: BTreeMap::new(),
        };
        for entry in Catalog::embedded().applicable(transport, revision) {
            coverage.requirements += 1;
            if entry.observable == Observable::Never {
                continue;
            }
            coverage.testable += 1;
            let of_entry = || {
                checks
                    .iter()
                    .filter(|check| check.requirement.as_deref() == Some(&entry.id))
            };
            if of_entry()
                .any(|check| matches!(check.verdict, Verdict::Pass | Verdict::Warn | Verdict::Fail))
            {
                coverage.exercised += 1;
                continue;
            }
            let reason = match of_entry().find_map(|check| check.skip_reason) {
                Some(reason) => reason,
                None if of_entry().next().is_some() => SkipReason::PrerequisiteFailed,
                None => SkipReason::NoCheck,
            };
            *coverage
                .not_exercised
                .entry(reason.to_string())
                .or_default() += 1;
        }
        coverage
    }
}

impl Document {
    /// A document about a target of which nothing is known yet.
    pub fn new(target: Target) -> Self {
        let started = std::time::SystemTime::now()
            .duration_since(std::time::UNIX_EPOCH)
            .map_or(0, |since| since.as_secs());
        Self {
            schema: SCHEMA,
            tool: Tool::default(),
            started_unix_s: started,
            elapsed_ms: 0,
            target,
            checks: Vec::new(),
            summary: Summary::default(),
            coverage: None,
            records: Vec::new(),
            load: None,
            reference: None,
            interrupted: false,
            not_exercised: None,
            exit_code: 0,
        }
    }

    /// Adds what was learnt of the target, which may send secrets back in any of it.
    pub fn add_facts(&mut self, facts: &Facts, redactor: &Redactor) {
        self.target.server = facts.server().map(|server| redactor.text(&server));
    }

    /// Adds the checks of a run, and the wire records that those which did not pass point at.
    pub fn add_checks(
        &mut self,
        checks: Vec<Check>,
        transport: Transport,
        revision: Revision,
        records: &[Record],
    ) {
        self.checks.extend(checks);
        self.summary = Summary::of(&self.checks);
        self.coverage = Some(Coverage::of(&self.checks, transport, revision));
        let mut wanted: Vec<u32> = self
            .checks
            .iter()
            .filter(|check| check.verdict != Verdict::Pass)
            .flat_map(|check| check.evidence.iter().copied())
            .collect();
        wanted.sort_unstable();
        wanted.dedup();
        self.records = records
            .iter()
            .filter(|record| wanted.binary_search(&record.n).is_ok())
            .cloned()
            .collect();
    }
}
