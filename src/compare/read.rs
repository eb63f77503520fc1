//! Saved reports, of which only what is compared is read.
//!
//! A report may come from somebody else. So a file is read to a bound, its nesting is bounded before it is parsed, and so
//! is how much of it is kept. Members that this version does not know are passed over: the version in `schema` says
//! whether the rest means what it should.

use std::fmt;
use std::io::{self, Read};
use std::marker::PhantomData;
use std::path::Path;

use serde::de::{DeserializeOwned, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};

use crate::engine::Verdict;
use crate::load::LoadReport;
use crate::load::report::{Calls, Deliveries, Latencies, Phases, Streams, ThresholdResult};

/// The version of reports that is read.
pub const READS: &str = "mcp-plumb/report/2";
/// The largest file, in bytes. Wire records, which are most of a report, are bounded at about this.
pub const BYTES_MAX: u64 = 128 * 1024 * 1024;
/// How deep values may be nested; a report of this version is eight deep.
pub const DEPTH_MAX: usize = 64;
/// How many runs, checks of a run, and thresholds are kept.
pub const ENTRIES_MAX: usize = 20_000;
/// The most characters of foreign text in a complaint.
const QUOTED_CHARS_MAX: usize = 200;

/// Why a file is no report that can be compared.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The system does not give it.
    #[error("cannot be read: {0}")]
    Io(#[from] io::Error),
    /// It is larger than [`BYTES_MAX`].
    #[error("is larger than {} MiB", BYTES_MAX / (1024 * 1024))]
    TooLarge,
    /// It is nested deeper than [`DEPTH_MAX`].
    #[error("is nested more than {DEPTH_MAX} deep")]
    TooDeep,
    /// It is no report of mcp-plumb.
    #[error("is no JSON report of mcp-plumb (one is written with --report json=PATH)")]
    NotAReport,
    /// It is a report of another version.
    #[error("is of the format '{0}', and this version reads {READS}")]
    Version(String),
    /// It says that it is a report, and does not read as one.
    #[error("does not follow {READS}: {0}")]
    Invalid(String),
}

/// A saved report, as far as it is compared.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
pub struct Saved {
    /// When it began, in seconds since 1970 (UTC).
    #[serde(default)]
    pub started_unix_s: u64,
    /// What was looked at.
    pub target: SavedTarget,
    /// Its runs.
    #[serde(deserialize_with = "bounded")]
    pub runs: Vec<SavedRun>,
    /// What the target held.
    #[serde(default)]
    pub load: Option<SavedLoad>,
    /// What the reference server beside it held.
    #[serde(default)]
    pub reference: Option<SavedLoad>,
    /// Whether it was cut short.
    #[serde(default)]
    pub interrupted: bool,
}

/// What a report is about.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct SavedTarget {
    /// Its URL.
    pub url: String,
}

/// A run of a saved report.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct SavedRun {
    /// The transport.
    #[serde(default)]
    pub transport: Option<String>,
    /// The revision.
    #[serde(default)]
    pub revision: Option<String>,
    /// What became of it: `tested`, or why not.
    pub outcome: String,
    /// The server's name and version.
    #[serde(default)]
    pub server: Option<String>,
    /// Its checks.
    #[serde(deserialize_with = "bounded")]
    pub checks: Vec<SavedCheck>,
}

impl SavedRun {
    /// Whether its server was spoken to.
    pub fn is_tested(&self) -> bool {
        self.outcome == "tested"
    }

    /// `<transport> <revision>`, as far as they are known.
    pub fn name(&self) -> String {
        let parts = [self.transport.as_deref(), self.revision.as_deref()];
        let parts: Vec<&str> = parts.into_iter().flatten().collect();
        if parts.is_empty() {
            return "no transport".to_owned();
        }
        parts.join(" ")
    }
}

/// A check of a saved report.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct SavedCheck {
    /// `<scenario>#<slug>`.
    pub id: String,
    /// The requirement.
    #[serde(default)]
    pub requirement: Option<String>,
    /// What was found.
    pub verdict: Verdict,
}

impl SavedCheck {
    /// The area: the id up to the first `/`.
    pub fn area(&self) -> &str {
        let scenario = self.id.split('#').next().unwrap_or(&self.id);
        scenario.split('/').next().unwrap_or(&self.id)
    }
}

/// A load of a saved report.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
pub struct SavedLoad {
    /// The streams.
    pub streams: Streams,
    /// The ledger.
    pub deliveries: Deliveries,
    /// Latencies, in microseconds.
    pub latency_us: Latencies,
    /// Whether the generator was the bottleneck.
    #[serde(default)]
    pub generator: SavedGenerator,
    /// How long each phase lasted.
    pub phases: Phases,
    /// Calls beside the streams.
    pub calls: Calls,
    /// Thresholds.
    #[serde(deserialize_with = "bounded")]
    pub thresholds: Vec<ThresholdResult>,
    /// Whether the target died.
    #[serde(default)]
    pub target_died: bool,
    /// Why deliveries were not measured, if they were not.
    #[serde(default)]
    pub not_exercised: Option<String>,
}

/// The generator of a saved load.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct SavedGenerator {
    /// It was the bottleneck.
    pub saturated: bool,
}

impl SavedLoad {
    /// Whether deliveries were accounted for.
    pub fn has_ledger(&self) -> bool {
        self.not_exercised.is_none() || self.deliveries.expected > 0
    }

    /// How many publishes were planned per second of the measure phase.
    pub fn rate(&self) -> f64 {
        if self.phases.measure_s > 0.0 {
            #[expect(clippy::cast_precision_loss, reason = "there are at most a million")]
            let planned = self.deliveries.publishes.planned as f64;
            planned / self.phases.measure_s
        } else {
            0.0
        }
    }
}

impl From<&LoadReport> for SavedLoad {
    fn from(load: &LoadReport) -> Self {
        Self {
            streams: load.streams,
            deliveries: load.deliveries,
            latency_us: load.latency_us,
            generator: SavedGenerator {
                saturated: load.generator.saturated,
            },
            phases: load.phases,
            calls: load.calls.clone(),
            thresholds: load.thresholds.clone(),
            target_died: load.target_died,
            not_exercised: load.not_exercised.clone(),
        }
    }
}

/// The little that any report has.
#[derive(Deserialize)]
struct Head {
    schema: String,
}

impl Saved {
    /// Reads a file.
    ///
    /// # Errors
    /// If it is too large or too deep, no report, or one of another version.
    pub fn open(path: &Path) -> Result<Self, ReadError> {
        let mut bytes = Vec::new();
        std::fs::File::open(path)?
            .take(BYTES_MAX + 1)
            .read_to_end(&mut bytes)?;
        if bytes.len() as u64 > BYTES_MAX {
            return Err(ReadError::TooLarge);
        }
        Self::parse(&bytes)
    }

    /// Reads a report from its JSON.
    ///
    /// # Errors
    /// If it is too deep, no report, or one of another version.
    pub fn parse(bytes: &[u8]) -> Result<Self, ReadError> {
        if depth(bytes) > DEPTH_MAX {
            return Err(ReadError::TooDeep);
        }
        let head: Head = serde_json::from_slice(bytes).map_err(|_| ReadError::NotAReport)?;
        if head.schema != READS {
            return Err(if head.schema.starts_with("mcp-plumb/") {
                ReadError::Version(quoted(&head.schema))
            } else {
                ReadError::NotAReport
            });
        }
        serde_json::from_slice(bytes)
            .map_err(|error| ReadError::Invalid(quoted(&error.to_string())))
    }

    /// Whether a server was spoken to.
    pub fn is_tested(&self) -> bool {
        self.runs.iter().any(SavedRun::is_tested)
    }
}

/// Foreign text on one line, and not too much of it.
fn quoted(text: &str) -> String {
    text.chars()
        .take(QUOTED_CHARS_MAX)
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect()
}

/// How deep brackets outside of strings are nested.
fn depth(json: &[u8]) -> usize {
    let (mut depth, mut deepest, mut in_string, mut escaped) = (0_usize, 0, false, false);
    for byte in json {
        match (in_string, byte) {
            (true, _) if escaped => escaped = false,
            (true, b'\\') => escaped = true,
            (_, b'"') => in_string = !in_string,
            (false, b'[' | b'{') => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            (false, b']' | b'}') => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    deepest
}

/// A list of at most [`ENTRIES_MAX`] entries.
fn bounded<'de, D, T>(deserializer: D) -> Result<Vec<T>, D::Error>
where
    D: Deserializer<'de>,
    T: DeserializeOwned,
{
    struct Entries<T>(PhantomData<T>);

    impl<'de, T: DeserializeOwned> Visitor<'de> for Entries<T> {
        type Value = Vec<T>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            write!(f, "a list of at most {ENTRIES_MAX} entries")
        }

        fn visit_seq<A: SeqAccess<'de>>(self, mut entries: A) -> Result<Vec<T>, A::Error> {
            let mut kept = Vec::new();
            while let Some(entry) = entries.next_element()? {
                if kept.len() == ENTRIES_MAX {
                    return Err(serde::de::Error::invalid_length(kept.len() + 1, &self));
                }
                kept.push(entry);
            }
            Ok(kept)
        }
    }

    deserializer.deserialize_seq(Entries(PhantomData))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn report() -> Value {
        json!({
            "schema": READS,
            "started_unix_s": 1,
            "target": {"url": "http://a/"},
            "runs": [{
                "transport": "hybrid",
                "revision": "2025-06-18",
                "outcome": "tested",
                "server": null,
                "checks": [{"id": "a/b#c", "requirement": "r", "verdict": "pass"}],
            }],
            "load": null,
        })
    }

    fn read(value: &Value) -> Result<Saved, ReadError> {
        Saved::parse(value.to_string().as_bytes())
    }

    #[test]
    fn what_is_not_known_is_passed_over() {
        let plain = read(&report()).unwrap();
        assert_eq!(plain.runs[0].name(), "hybrid 2025-06-18");
        assert_eq!(plain.runs[0].checks[0].area(), "a");
        let mut newer = report();
        newer["of_a_later_minor_version"] = json!([{"deep": {"er": [1, 2]}}]);
        newer["runs"][0]["more"] = json!("x");
        newer["runs"][0]["checks"][0]["more"] = json!({});
        newer["target"]["more"] = json!(1);
        assert_eq!(read(&newer).unwrap(), plain);
    }

    #[test]
    fn what_is_no_report_of_this_version_is_refused() {
        let with = |pointer: &str, value: Value| {
            let mut report = report();
            *report.pointer_mut(pointer).unwrap() = value;
            report.to_string()
        };
        let many = vec![json!({"id": "a", "verdict": "pass"}); ENTRIES_MAX + 1];
        let cases = [
            (String::new(), "is no JSON report"),
            ("<html>".to_owned(), "is no JSON report"),
            ("[]".to_owned(), "is no JSON report"),
            ("{}".to_owned(), "is no JSON report"),
            (with("/schema", json!(2)), "is no JSON report"),
            (
                with("/schema", json!("other/report/2")),
                "is no JSON report",
            ),
            (
                with("/schema", json!("mcp-plumb/report/1")),
                "is of the format 'mcp-plumb/report/1'",
            ),
            (
                with("/schema", json!("mcp-plumb/report/3")),
                "this version reads mcp-plumb/report/2",
            ),
            (
                with("/schema", json!("mcp-plumb/\u{1b}[2J\nforged")),
                "'mcp-plumb/ [2J forged'",
            ),
            (with("/runs", json!({})), "does not follow"),
            (with("/runs/0/checks/0/verdict", json!("maybe")), "maybe"),
            (
                with("/runs/0/checks/0/verdict", json!("x".repeat(1_000_000))),
                "unknown variant",
            ),
            (with("/runs/0/checks", json!(many)), "at most 20000 entries"),
            (with("/load", json!({"streams": -1})), "does not follow"),
            (
                format!("{{\"schema\":\"{READS}\",\"schema\":\"{READS}\"}}"),
                "is no JSON report",
            ),
            ("[".repeat(1_000_000), "nested more than 64"),
            (
                with("/runs", json!(0)).replace('0', &"{\"a\":".repeat(100)),
                "nested more than 64",
            ),
        ];
        for (text, part) in cases {
            let error = Saved::parse(text.as_bytes()).unwrap_err().to_string();
            assert!(error.contains(part), "{part}: {error}");
            assert!(error.len() < 400 && !error.contains('\n'), "{error}");
        }
        assert!(Saved::parse(b"\xff\xfe").is_err());
    }

    #[test]
    fn brackets_in_strings_nest_nothing() {
        for (json, expected) in [
            ("{\"a\": [1, {}]}", 3),
            ("\"[[[[\"", 0),
            ("\"\\\"[[[\"", 0),
            ("]]]][", 1),
        ] {
            assert_eq!(depth(json.as_bytes()), expected, "{json}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_file_without_end_is_refused_at_the_bound() {
        let error = Saved::open(Path::new("/dev/zero")).unwrap_err();
        assert!(matches!(error, ReadError::TooLarge), "{error}");
        assert!(Saved::open(Path::new("/none/here.json")).is_err());
        assert!(Saved::open(Path::new("/")).is_err());
    }
}
