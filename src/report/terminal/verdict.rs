//! The last lines: the verdict in words.

use anstyle::Style as Paint;

use super::pen::Pen;
use super::units::counted;
use crate::engine::Verdict;
use crate::load::report::ThresholdVerdict;
use crate::report::document::Document;
use crate::report::run::{Outcome, Run};

/// Writes what limits the findings, and the verdict with the exit code.
pub(super) fn write(pen: &mut Pen, document: &Document) {
    pen.gap();
    if document.interrupted {
        pen.paragraph(
            "",
            "interrupted: what is above was known by then, and the rest was not looked at",
            Paint::new(),
        );
    }
    doubts(pen, document);
    if let Some(reason) = &document.not_exercised {
        let line = format!("nothing was exercised: {}", pen.foreign(reason));
        pen.paragraph("", &line, Paint::new());
    }
    let (word, verdict) = word(document);
    let word = pen.verdict(word, verdict);
    let line = format!(
        "{word}: {} (exit {})",
        counts(pen, document),
        document.exit_code
    );
    pen.line(&line);
}

/// Says what may be wrong with the guesses; once where several runs say the same.
fn doubts(pen: &mut Pen, document: &Document) {
    let mut doubts: Vec<(&str, Vec<&str>)> = Vec::new();
    for run in &document.runs {
        let Some(doubt) = &run.doubt else { continue };
        let revision = run.revision.as_deref().unwrap_or("unknown");
        match doubts.iter_mut().find(|(said, _)| said == doubt) {
            Some((_, revisions)) => revisions.push(revision),
            None => doubts.push((doubt, vec![revision])),
        }
    }
    for (doubt, revisions) in doubts {
        let at = match document.runs.len() {
            1 => String::new(),
            _ => format!(" at {}", pen.foreign(&revisions.join(", "))),
        };
        let line = format!("DOUBT{at}: {}", pen.foreign(doubt));
        pen.paragraph("", &line, Paint::new().bold());
    }
}

/// The word for the exit code, and the verdict whose colour it has.
fn word(document: &Document) -> (&'static str, Verdict) {
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

/// What there is to count, the worst first.
fn counts(pen: &Pen, document: &Document) -> String {
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
    if pen.style.strict {
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
