//! What a document comes to, in words that every output uses.

use super::document::Document;
use super::run::{Outcome, Run};
use super::units::counted;
use crate::engine::Verdict;
use crate::load::report::ThresholdVerdict;

/// What may be wrong with the guesses, with the revisions that say it; once where several say the same.
pub(super) fn doubts(document: &Document) -> Vec<(&str, Vec<&str>)> {
    let mut doubts: Vec<(&str, Vec<&str>)> = Vec::new();
    for run in &document.runs {
        let Some(doubt) = &run.doubt else { continue };
        let revision = run.revision.as_deref().unwrap_or("unknown");
        match doubts.iter_mut().find(|(said, _)| said == doubt) {
            Some((_, revisions)) => revisions.push(revision),
            None => doubts.push((doubt, vec![revision])),
        }
    }
    doubts
}

/// The word for the exit code, and the verdict whose colour it has.
pub(super) fn word(document: &Document) -> (&'static str, Verdict) {
    match document.exit_code {
        0 => ("PASS", Verdict::Pass),
        1 => ("FAIL", Verdict::Fail),
        3 => ("UNREACHABLE", Verdict::Error),
        4 => ("NOT EXERCISED", Verdict::Skip),
        5 => ("FAIL", Verdict::Fail),
        130 | 143 => ("INTERRUPTED", Verdict::Error),
        _ => ("ERROR", Verdict::Error),
    }
}

/// What there is to count, the worst first; with `strict`, warnings fail the run.
pub(super) fn counts(document: &Document, strict: bool) -> String {
    let summary = &document.summary;
    let mut parts = Vec::new();
    let mut count = |number, one, many| {
        if number > 0 {
            parts.push(counted(number, one, many));
        }
    };
    count(summary.must_failed, "MUST violated", "MUST violated");
    let thresholds = |verdict| {
        document.load.as_ref().map_or(0, |load| {
            let of = load.thresholds.iter().filter(|one| one.verdict == verdict);
            of.count()
        })
    };
    count(
        thresholds(ThresholdVerdict::Fail),
        "threshold missed",
        "thresholds missed",
    );
    count(
        thresholds(ThresholdVerdict::NotExercised),
        "threshold not measured",
        "thresholds not measured",
    );
    if strict {
        count(summary.warned, "warning (strict)", "warnings (strict)");
    } else {
        count(summary.warned, "warning", "warnings");
    }
    count(
        summary.errors,
        "error of mcp-plumb itself",
        "errors of mcp-plumb itself",
    );
    count(summary.passed, "passed", "passed");
    count(
        thresholds(ThresholdVerdict::Pass),
        "threshold held",
        "thresholds held",
    );
    count(summary.skipped, "skipped", "skipped");
    let runs = document.runs.len();
    if runs > 1 && !parts.is_empty() {
        let tested = |run: &&Run| run.outcome == Outcome::Tested;
        let tested = document.runs.iter().filter(tested).count();
        parts.push(format!("{tested} of {runs} revisions tested"));
    }
    if parts.is_empty() {
        let measured = document
            .load
            .as_ref()
            .is_some_and(|load| load.not_exercised.is_none());
        let nothing = if measured {
            "no thresholds were given"
        } else {
            "nothing was exercised"
        };
        parts.push(nothing.to_owned());
    }
    parts.join(", ")
}
