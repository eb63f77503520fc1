//! The report document: the one source of every output. It is versioned, and its JSON Schema is in `reports/schema/`.

use schemars::JsonSchema;
use serde::Serialize;

use super::run::{Check, Outcome, Run, Summary};
use crate::engine::Verdict;
use crate::load::LoadReport;
use crate::transport::Record;

/// The name and version of the format.
pub const SCHEMA: &str = "mcp-plumb/report/2";

/// Everything that was found about a target.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Document {
    /// The format: `mcp-plumb/report/2`.
    pub schema: &'static str,
    /// What wrote it.
    pub tool: Tool,
    /// When it began, in seconds since 1970 (UTC).
    pub started_unix_s: u64,
    /// How long it took, in milliseconds.
    pub elapsed_ms: u64,
    /// What was looked at.
    pub target: Target,
    /// A run for each transport and revision that was asked for, in the order of asking.
    pub runs: Vec<Run>,
    /// How many checks of all runs came to what.
    pub summary: Summary,
    /// The wire records that checks which did not pass point at. Their numbers are unique in the document.
    pub records: Vec<Record>,
    /// Everything that crossed the wire, as far as it was kept; only the wire transcript is made from it.
    #[serde(skip)]
    pub transcript: Vec<Record>,
    /// What the target holds.
    pub load: Option<LoadReport>,
    /// The same load on the bundled reference server, in the same run.
    pub reference: Option<LoadReport>,
    /// Whether it was cut short; what is here was known by then.
    pub interrupted: bool,
    /// Why nothing could be exercised, if nothing could.
    pub not_exercised: Option<String>,
    /// The exit code.
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
    /// Whether its certificate was not verified (`--insecure`), so that anybody may have answered.
    pub unverified: bool,
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
            runs: Vec::new(),
            summary: Summary::default(),
            records: Vec::new(),
            transcript: Vec::new(),
            load: None,
            reference: None,
            interrupted: false,
            not_exercised: None,
            exit_code: 0,
        }
    }

    /// Adds a run.
    pub fn add_run(&mut self, run: Run) {
        self.summary = self.summary.and(run.summary);
        self.runs.push(run);
    }

    /// Keeps `records` as the transcript, and as evidence those that checks which did not pass point at.
    pub fn keep_evidence(&mut self, records: Vec<Record>) {
        let mut wanted: Vec<u32> = self
            .checks()
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
        self.transcript = records;
    }

    /// The checks of all runs.
    pub fn checks(&self) -> impl Iterator<Item = &Check> {
        self.runs.iter().flat_map(|run| &run.checks)
    }

    /// Whether a run came to `outcome`.
    pub fn any(&self, outcome: Outcome) -> bool {
        self.runs.iter().any(|run| run.outcome == outcome)
    }
}
