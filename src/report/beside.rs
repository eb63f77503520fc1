//! Several runs beside each other: what they are called, the areas of their checks, and findings that are told once.

use std::collections::HashMap;

use super::document::Document;
use super::run::{Check, Run};
use crate::engine::Verdict;

/// A label for each run: its revision, and its transport too where there are several, each as `show` shows it. No labels
/// where there are not several runs to tell apart.
pub(super) fn labels(document: &Document, show: impl Fn(&str) -> String) -> Vec<String> {
    if document.runs.len() < 2 {
        return Vec::new();
    }
    let first = document.runs.iter().find_map(|run| run.transport.as_ref());
    let alike = |run: &Run| run.transport.is_none() || run.transport.as_ref() == first;
    let of_one_transport = document.runs.iter().all(alike);
    let label = |run: &Run| {
        let revision = show(run.revision.as_deref().unwrap_or("unknown"));
        match &run.transport {
            Some(transport) if !of_one_transport => format!("{revision} {}", show(transport)),
            _ => revision,
        }
    };
    document.runs.iter().map(label).collect()
}

/// The areas of all checks, in the order in which the document first has them.
pub(super) fn areas(document: &Document) -> Vec<&str> {
    let mut areas = Vec::new();
    for area in document.checks().map(Check::area) {
        if !areas.contains(&area) {
            areas.push(area);
        }
    }
    areas
}

/// A check with one verdict at some revisions.
pub(super) struct Finding<'a> {
    /// Where, in the order of the document: the number of the run, and its check; never empty.
    pub(super) at: Vec<(usize, &'a Check)>,
    /// A label for each run, where there are several.
    pub(super) labels: &'a [String],
}

impl<'a> Finding<'a> {
    /// The check as it is shown: that of the last run, which is the newest revision.
    pub(super) fn check(&self) -> Option<&'a Check> {
        self.at.last().map(|(_, check)| *check)
    }

    pub(super) fn label(&self, run: usize) -> &'a str {
        self.labels.get(run).map_or("", String::as_str)
    }

    /// What was got, once for all runs in which it was the same.
    pub(super) fn got(&self) -> Vec<(Vec<&'a str>, &'a str)> {
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
pub(super) fn findings<'a>(
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
