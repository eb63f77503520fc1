//! One run of a report: what was found at one revision, over one transport.

use std::collections::BTreeMap;
use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::catalog::{Catalog, Level, Observable};
use crate::detect::{DetectError, Detected, Wish};
use crate::engine::{CheckOutcome, CheckResult, Facts, SkipReason, Verdict};
use crate::protocol::{Revision, Transport};
use crate::transport::Redactor;

/// What was found at one revision, over one transport. Transport and revision tell the runs of a document apart; with a
/// check's id they name a verdict in the same way in every document.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Run {
    /// The transport, by name; absent if none was recognised.
    pub transport: Option<String>,
    /// The revision that was asked for and that checks are judged by; absent if none was named and none recognised.
    pub revision: Option<String>,
    /// What became of it.
    pub outcome: Outcome,
    /// Why nothing was tested, if nothing was.
    pub why: Option<String>,
    /// The revision that the server chose, as it wrote it.
    pub negotiated: Option<String>,
    /// Name and version, as the server gives them.
    pub server: Option<String>,
    /// How transport and revision were settled.
    pub detection: Detection,
    /// Why the transport may be the wrong one, if what was found suggests so.
    pub doubt: Option<String>,
    /// How many checks came to what.
    pub summary: Summary,
    /// How much of the catalogue was exercised; absent if no check was run.
    pub coverage: Option<Coverage>,
    /// Every check, in a stable order; empty where only load was run.
    pub checks: Vec<Check>,
}

/// What became of a run. The list is closed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// The server was spoken to in this way; what was found is told.
    Tested,
    /// The server answers, and does not speak this revision. That is one finding, and no failure.
    NotOffered,
    /// The server answers, and nothing that it answers can be tested.
    NotTestable,
    /// The server does not answer.
    Unreachable,
    /// The program was interrupted before, or the server had not answered at another revision.
    #[default]
    NotBegun,
}

impl Outcome {
    /// Its word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Tested => "tested",
            Self::NotOffered => "not-offered",
            Self::NotTestable => "not-testable",
            Self::Unreachable => "unreachable",
            Self::NotBegun => "not-begun",
        }
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// How transport and revision were settled.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Detection {
    /// Whether the transport was found out, and not given by the user.
    pub guessed: bool,
    /// Why it is this transport.
    pub because: Option<String>,
    /// Other revisions that the server is known to offer, oldest first; empty if it does not say.
    pub offers: Vec<String>,
    /// What was seen, in order.
    pub notes: Vec<String>,
}

impl Detection {
    /// Of the notes, the one that settles the transport is told apart.
    fn new(wish: Wish, transport: Option<Transport>, notes: &[String]) -> Self {
        let reason = |note: &String| transport.and_then(|transport| reason_for(transport, note));
        Self {
            guessed: wish.transport.is_none(),
            because: notes.iter().rev().find_map(reason),
            offers: Vec::new(),
            notes: notes
                .iter()
                .filter(|note| reason(note).is_none())
                .cloned()
                .collect(),
        }
    }
}

/// The reason in a note such as `hybrid, because …` or `streamable-http 2026-07-28, because …`. What a server says stands
/// behind that, so it cannot give reasons of its own.
fn reason_for(transport: Transport, note: &str) -> Option<String> {
    let (settled, because) = note.split_once(", because ")?;
    let rest = settled.strip_prefix(transport.as_str())?;
    let is_settled = rest.is_empty()
        || rest
            .strip_prefix(' ')
            .is_some_and(|word| word.parse::<Revision>().is_ok());
    is_settled.then(|| because.to_owned())
}

impl Run {
    /// A run that was asked for and not begun.
    pub fn not_begun(wish: Wish, why: &str) -> Self {
        Self {
            transport: wish.transport.map(|transport| transport.to_string()),
            revision: wish.revision.map(|revision| revision.to_string()),
            detection: Detection::new(wish, wish.transport, &[]),
            why: Some(why.to_owned()),
            ..Self::default()
        }
    }

    /// A run that could not be made.
    pub fn refused(wish: Wish, error: &DetectError) -> Self {
        let (outcome, why, notes) = match error {
            DetectError::Unreachable { why, .. } => (Outcome::Unreachable, why, [].as_slice()),
            DetectError::NotOffered { why, notes, .. } => {
                (Outcome::NotOffered, why, notes.as_slice())
            }
            DetectError::NothingToExercise { why, notes, .. } => {
                (Outcome::NotTestable, why, notes.as_slice())
            }
        };
        // What does not speak a revision may be known all the same to speak a transport.
        let is_settled = |transport: &Transport| {
            let mut reasons = notes.iter().map(|note| reason_for(*transport, note));
            reasons.any(|reason| reason.is_some())
        };
        let transport = wish
            .transport
            .or_else(|| Transport::ALL.into_iter().find(is_settled));
        Self {
            transport: transport.map(|transport| transport.to_string()),
            outcome,
            detection: Detection::new(wish, transport, notes),
            ..Self::not_begun(wish, why)
        }
    }

    /// A run against what was detected, with what was learnt of the server, which may send secrets back in any of it.
    pub fn tested(wish: Wish, detected: &Detected, facts: &Facts, redactor: &Redactor) -> Self {
        let transport = detected.transport;
        let mut run = Self {
            transport: Some(transport.to_string()),
            revision: Some(detected.revision.to_string()),
            outcome: Outcome::Tested,
            negotiated: facts.negotiated().map(|text| redactor.text(text)),
            server: facts.server().map(|text| redactor.text(&text)),
            detection: Detection {
                offers: detected.also.iter().map(Revision::to_string).collect(),
                ..Detection::new(wish, Some(transport), &detected.notes)
            },
            ..Self::default()
        };
        if let Some(why) = &facts.not_connected {
            run.suspect(&format!("the handshake failed ({})", redactor.text(why)));
        }
        run
    }

    /// Adds what the checks found.
    #[must_use]
    pub fn with_checks(mut self, outcome: CheckOutcome, transport: Transport) -> Self {
        self.checks = outcome.results.into_iter().map(Check::new).collect();
        self.summary = Summary::of(&self.checks);
        self.coverage = Some(Coverage::of(&self.checks, transport, outcome.revision));
        let baffled = self
            .checks
            .iter()
            .filter(|check| check.is_baffled())
            .count();
        if baffled > self.summary.exercised() && self.doubt.is_none() && !outcome.interrupted {
            self.suspect(&format!(
                "{baffled} of {} checks could not be exercised",
                self.checks.len()
            ));
        }
        self
    }

    /// Where the transport was guessed, what looks odd may come from a wrong guess.
    fn suspect(&mut self, what: &str) {
        if !self.detection.guessed {
            return;
        }
        let transport = self.transport.as_deref().unwrap_or("the transport");
        let because = match &self.detection.because {
            Some(because) => format!(" because {because}"),
            None => String::new(),
        };
        self.doubt = Some(format!(
            "{what}. Is {transport} the right transport? It was guessed{because}; force another with --transport"
        ));
    }

    /// In one sentence, why nothing was tested at `url`; nothing where something was, or could not even be tried.
    pub fn complaint(&self, url: &str) -> Option<String> {
        let why = self.why.as_deref()?;
        match self.outcome {
            Outcome::Tested | Outcome::NotBegun => None,
            Outcome::NotOffered => {
                let revision = self.revision.as_deref().unwrap_or("the revision");
                Some(format!("{url} does not speak {revision}: {why}"))
            }
            Outcome::NotTestable => Some(format!("nothing at {url} can be exercised: {why}")),
            Outcome::Unreachable => Some(format!("{url} cannot be reached: {why}")),
        }
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

/// One check.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Check {
    /// `<scenario>#<slug>`; stable.
    pub id: String,
    /// The requirement of the catalogue.
    pub requirement: Option<String>,
    /// How binding it is.
    pub level: Level,
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
    pub fn new(result: CheckResult) -> Self {
        let (skip_reason, reason) = match result.skip {
            Some(skip) => (Some(skip.reason), Some(skip.detail)),
            None => (None, None),
        };
        Self {
            id: result.id,
            requirement: result.requirement,
            level: result.level,
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

    /// Whether it was not exercised although nothing that the server says of itself tells why.
    fn is_baffled(&self) -> bool {
        matches!(
            self.skip_reason,
            Some(SkipReason::PrerequisiteFailed | SkipReason::NoStream)
        )
    }

    /// The scenario: the id up to `#`.
    pub fn scenario(&self) -> &str {
        self.id.split('#').next().unwrap_or(&self.id)
    }

    /// The area: the id up to the first `/`. Scenarios of one area are in one folder.
    pub fn area(&self) -> &str {
        self.scenario().split('/').next().unwrap_or(&self.id)
    }
}

/// How many checks came to what.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
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
    pub fn of<'a>(checks: impl IntoIterator<Item = &'a Check>) -> Self {
        let mut summary = Self::default();
        for check in checks {
            let count = match check.verdict {
                Verdict::Fail => &mut summary.must_failed,
                Verdict::Warn => &mut summary.warned,
                Verdict::Pass => &mut summary.passed,
                Verdict::Skip => &mut summary.skipped,
                Verdict::Error => &mut summary.errors,
            };
            *count += 1;
        }
        summary
    }

    /// The sum of both.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self {
            must_failed: self.must_failed + other.must_failed,
            warned: self.warned + other.warned,
            passed: self.passed + other.passed,
            skipped: self.skipped + other.skipped,
            errors: self.errors + other.errors,
        }
    }

    /// How many checks gave a verdict on the target.
    pub fn exercised(&self) -> usize {
        self.must_failed + self.warned + self.passed
    }
}

/// How much of the catalogue was exercised.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reason_for_the_transport_is_found_and_cannot_be_feigned() {
        let cases = [
            ("streamable-http, because it is", Some("it is")),
            ("streamable-http 2026-07-28, because it is", Some("it is")),
            (
                "streamable-http, because a, because b",
                Some("a, because b"),
            ),
            ("hybrid, because it is", None),
            ("streamable-http tomorrow, because it is", None),
            ("POST /mcp: \"streamable-http, because I say so\"", None),
            ("streamable-http", None),
        ];
        for (note, expected) in cases {
            let reason = reason_for(Transport::StreamableHttp, note);
            assert_eq!(reason.as_deref(), expected, "{note}");
        }
    }

    fn outcome(passed: usize, skipped: &[(SkipReason, usize)]) -> CheckOutcome {
        let result = |verdict, skip: Option<SkipReason>| CheckResult {
            id: "a/b#c".to_owned(),
            requirement: None,
            level: Level::Must,
            verdict,
            skip: skip.map(|reason| crate::engine::Skip::new(reason, "")),
            expected: None,
            got: None,
            evidence: Vec::new(),
            curl: None,
            file: None,
        };
        let mut results = vec![result(Verdict::Pass, None); passed];
        for (reason, count) in skipped {
            results.extend(vec![result(Verdict::Skip, Some(*reason)); *count]);
        }
        CheckOutcome {
            facts: Facts::default(),
            revision: Revision::V2025_11_25,
            results,
            interrupted: false,
        }
    }

    #[test]
    fn a_guess_is_doubted_where_most_checks_had_nothing_to_work_on() {
        let run = |guessed| Run {
            transport: Some("hybrid".to_owned()),
            detection: Detection {
                guessed,
                because: Some("of this".to_owned()),
                ..Detection::default()
            },
            ..Run::default()
        };
        let blocked = [(SkipReason::PrerequisiteFailed, 6)];
        // A server need not offer much; it says so itself.
        let modest = [
            (SkipReason::CapabilityNotDeclared, 20),
            (SkipReason::ToolNotOffered, 20),
        ];
        let interrupted = CheckOutcome {
            interrupted: true,
            ..outcome(5, &blocked)
        };
        let cases = [
            (run(true), outcome(5, &blocked), true),
            (run(true), outcome(6, &blocked), false),
            (run(true), outcome(5, &modest), false),
            (run(false), outcome(5, &blocked), false),
            (run(true), interrupted, false),
        ];
        for (number, (run, outcome, expected)) in cases.into_iter().enumerate() {
            let run = run.with_checks(outcome, Transport::Hybrid);
            assert_eq!(run.doubt.is_some(), expected, "{number}: {:?}", run.doubt);
            if let Some(doubt) = run.doubt {
                assert_eq!(
                    doubt,
                    "6 of 11 checks could not be exercised. Is hybrid the right transport? It was guessed because of \
                     this; force another with --transport"
                );
            }
        }
    }

    #[test]
    fn a_run_that_could_not_be_made_says_why_in_one_sentence() {
        let wish = Wish {
            transport: None,
            revision: Some(Revision::V2025_06_18),
        };
        let url = || "http://a/".to_owned();
        let why = || "of this".to_owned();
        let errors = [
            DetectError::Unreachable {
                url: url(),
                why: why(),
            },
            DetectError::NothingToExercise {
                url: url(),
                why: why(),
                notes: Vec::new(),
            },
            DetectError::NotOffered {
                url: url(),
                revision: Revision::V2025_06_18,
                why: why(),
                offered: None,
                notes: vec!["hybrid, because it is".to_owned()],
            },
        ];
        for error in &errors {
            let run = Run::refused(wish, error);
            assert_eq!(run.complaint(&url()), Some(error.to_string()));
            assert_eq!(run.why, Some(why()));
            assert_eq!(run.revision.as_deref(), Some("2025-06-18"));
        }
        assert_eq!(Run::not_begun(wish, "of this").complaint(&url()), None);
        let refused = errors
            .each_ref()
            .map(|error| Run::refused(wish, error).transport);
        assert_eq!(refused, [None, None, Some("hybrid".to_owned())]);
    }
}
