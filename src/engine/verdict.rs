//! Verdicts, and why a check has none.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::catalog::Level;

/// What a check found.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// The requirement was exercised and held.
    Pass,
    /// A SHOULD or a practice was violated, or something that the catalogue calls a warning.
    Warn,
    /// A MUST was violated.
    Fail,
    /// It could not be exercised; never green, never red.
    Skip,
    /// The suite itself failed; never the target's fault.
    Error,
}

impl Verdict {
    /// Its word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Warn => "warn",
            Self::Fail => "fail",
            Self::Skip => "skip",
            Self::Error => "error",
        }
    }

    /// What a violation of a rule of `level` is.
    pub const fn of_violation(level: Level, warns: bool) -> Self {
        if level.is_mandatory() && !warns {
            Self::Fail
        } else {
            Self::Warn
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// Why a requirement was not exercised. The list is closed: reports count by it.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum SkipReason {
    /// The rule does not hold at this revision or over this transport.
    NotApplicable,
    /// The target does not declare the capability.
    CapabilityNotDeclared,
    /// No tool that is known to be safe has the role; `--fixtures` or `--allow-tool` can name one.
    ToolNotOffered,
    /// The target hands out no session ids.
    NoSessionId,
    /// The target opens no session stream.
    NoStream,
    /// The scenario took another branch.
    StepSkipped,
    /// An earlier step, or the positive control, did not go through.
    PrerequisiteFailed,
    /// What the check looks at did not occur.
    NothingToJudge,
    /// The run was interrupted.
    Cancelled,
    /// No check of this version covers the requirement.
    NoCheck,
}

impl SkipReason {
    /// Its word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NotApplicable => "not-applicable",
            Self::CapabilityNotDeclared => "capability-not-declared",
            Self::ToolNotOffered => "tool-not-offered",
            Self::NoSessionId => "no-session-id",
            Self::NoStream => "no-stream",
            Self::StepSkipped => "step-skipped",
            Self::PrerequisiteFailed => "prerequisite-failed",
            Self::NothingToJudge => "nothing-to-judge",
            Self::Cancelled => "cancelled",
            Self::NoCheck => "no-check",
        }
    }
}

impl fmt::Display for SkipReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// A skip with its circumstances.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Skip {
    /// The reason.
    pub reason: SkipReason,
    /// What exactly, for a person.
    pub detail: String,
}

impl Skip {
    /// A skip.
    pub fn new(reason: SkipReason, detail: impl Into<String>) -> Self {
        Self {
            reason,
            detail: detail.into(),
        }
    }
}

/// What became of one check.
#[derive(Clone, Debug, PartialEq)]
pub struct CheckResult {
    /// `<scenario>#<slug>`.
    pub id: String,
    /// The requirement that it was judged by.
    pub requirement: Option<String>,
    /// How binding that is.
    pub level: Level,
    /// What was found.
    pub verdict: Verdict,
    /// Why it was skipped, if it was.
    pub skip: Option<Skip>,
    /// What should have been, unless it was skipped.
    pub expected: Option<String>,
    /// What was, unless it was skipped.
    pub got: Option<String>,
    /// Numbers of the wire records that show it.
    pub evidence: Vec<u32>,
    /// A command that sends the same request.
    pub curl: Option<String>,
    /// The scenario file, if one asked for it.
    pub file: Option<String>,
}
