//! What did not hold, in full: violations first, then warnings, then failures of our own. What did not hold at several
//! revisions is written once.

use anstyle::Style as Paint;

use super::pen::Pen;
use crate::catalog::Catalog;
use crate::engine::Verdict;
use crate::report::beside::{Finding, findings};
use crate::report::document::Document;
use crate::report::run::Check;

/// Writes every check that is neither passed nor skipped. Warnings are written in full with `strict`, since they then
/// fail the run.
pub(super) fn write(pen: &mut Pen, document: &Document, labels: &[String]) {
    for finding in findings(document, labels, Verdict::Fail) {
        pen.gap();
        in_full(pen, &finding);
    }
    for (place, finding) in findings(document, labels, Verdict::Warn).iter().enumerate() {
        if pen.style.strict || place == 0 {
            pen.gap();
        }
        if pen.style.strict {
            in_full(pen, finding);
        } else {
            warning(pen, finding);
        }
    }
    for finding in findings(document, labels, Verdict::Error) {
        pen.gap();
        own_error(pen, &finding);
    }
}

fn head(pen: &mut Pen, check: &Check, rest: &str) {
    let word = format!("{:5}", check.verdict.as_str().to_uppercase());
    let word = pen.verdict(&word, check.verdict);
    let id = pen.paint(&pen.foreign(&check.id), Paint::new().bold());
    pen.line(&format!("{word} {id}{rest}"));
}

fn in_full(pen: &mut Pen, finding: &Finding) {
    let Some(check) = finding.check() else { return };
    head(pen, check, "");
    places(pen, finding);
    if let Some(rule) = rule(check) {
        pen.field("rule", &rule);
    }
    optional(pen, "expected", check.expected.as_deref());
    got(pen, finding);
    optional(pen, "reason", check.reason.as_deref());
    records(pen, check);
    if let Some(curl) = &check.curl {
        pen.command(curl);
    }
    optional(pen, "file", check.file.as_deref());
}

fn warning(pen: &mut Pen, finding: &Finding) {
    let Some(check) = finding.check() else { return };
    let requirement = check.requirement.as_deref().unwrap_or("no requirement");
    let requirement = pen.foreign(requirement);
    let rest = format!("  ({} {requirement})", check.level);
    head(pen, check, &rest);
    places(pen, finding);
    optional(pen, "expected", check.expected.as_deref());
    got(pen, finding);
    records(pen, check);
}

fn own_error(pen: &mut Pen, finding: &Finding) {
    let Some(check) = finding.check() else { return };
    head(pen, check, "  (mcp-plumb failed here, not the target)");
    places(pen, finding);
    optional(pen, "expected", check.expected.as_deref());
    got(pen, finding);
    optional(pen, "reason", check.reason.as_deref());
    records(pen, check);
    optional(pen, "file", check.file.as_deref());
}

/// At which revisions it was found, where there is a choice.
fn places(pen: &mut Pen, finding: &Finding) {
    if !finding.labels.is_empty() {
        let labels: Vec<&str> = finding
            .at
            .iter()
            .map(|(run, _)| finding.label(*run))
            .collect();
        pen.field("at", &labels.join(", "));
    }
}

fn got(pen: &mut Pen, finding: &Finding) {
    let all = finding.got();
    let differ = all.len() > 1;
    for (labels, got) in all {
        if differ {
            pen.field("got", &format!("{}: {got}", labels.join(", ")));
        } else {
            pen.field("got", got);
        }
    }
}

/// `MUST some.requirement: what it says`.
fn rule(check: &Check) -> Option<String> {
    let id = check.requirement.as_deref()?;
    Some(match Catalog::embedded().get(id) {
        Some(entry) => format!("{} {id}: {}", check.level, entry.summary),
        None => format!("{} {id}", check.level),
    })
}

fn optional(pen: &mut Pen, name: &str, text: Option<&str>) {
    if let Some(text) = text {
        pen.field(name, text);
    }
}

fn records(pen: &mut Pen, check: &Check) {
    if !check.evidence.is_empty() {
        let numbers: Vec<String> = check.evidence.iter().map(u32::to_string).collect();
        pen.field("records", &numbers.join(", "));
    }
}
