//! What did not hold, in full: violations first, then warnings, then failures of our own. What did not hold at several
//! revisions is written once.

use std::collections::HashMap;

use anstyle::Style as Paint;

use super::pen::Pen;
use crate::catalog::Catalog;
use crate::engine::Verdict;
use crate::report::document::Document;
use crate::report::run::Check;

/// A check with one verdict at some revisions.
struct Finding<'a> {
    /// Where, in the order of the document: the number of the run, and its check; never empty.
    at: Vec<(usize, &'a Check)>,
    /// A label for each run, where there are several.
    labels: &'a [String],
}

impl<'a> Finding<'a> {
    /// The check as it is shown: that of the last run, which is the newest revision.
    fn check(&self) -> Option<&'a Check> {
        self.at.last().map(|(_, check)| *check)
    }

    fn label(&self, run: usize) -> &'a str {
        self.labels.get(run).map_or("", String::as_str)
    }

    /// What was got, once for all runs in which it was the same.
    fn got(&self) -> Vec<(Vec<&'a str>, &'a str)> {
        let mut all: Vec<(Vec<&str>, &str)> = Vec::new();
        for (run, check) in &self.at {
            let Some(got) = check.got.as_deref() else {
                continue;
            };
            match all.iter_mut().find(|(_, said)| *said == got) {
                Some((labels, _)) => labels.push(self.label(*run)),
                None => all.push((vec![self.label(*run)], got)),
            }
        }
        all
    }
}

/// The findings with `verdict`, in the order in which the document first has them.
fn findings<'a>(
    document: &'a Document,
    labels: &'a [String],
    verdict: Verdict,
) -> Vec<Finding<'a>> {
    let mut findings: Vec<Finding> = Vec::new();
    let mut known: HashMap<&str, usize> = HashMap::new();
    for (number, run) in document.runs.iter().enumerate() {
        for check in run.checks.iter().filter(|check| check.verdict == verdict) {
            let same = known.get(check.id.as_str());
            let same = same.and_then(|at| findings.get_mut(*at));
            // Within one run, two checks of one id are two findings.
            match same.filter(|same| same.at.last().is_some_and(|(run, _)| *run != number)) {
                Some(finding) => finding.at.push((number, check)),
                None => {
                    known.insert(&check.id, findings.len());
                    findings.push(Finding {
                        at: vec![(number, check)],
                        labels,
                    });
                }
            }
        }
    }
    findings
}

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
