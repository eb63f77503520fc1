//! What did not hold, with everything that shows it.

use super::text::Text;
use crate::catalog::{Catalog, Requirement};
use crate::engine::Verdict;
use crate::protocol::Revision;
use crate::report::beside::{self, Finding};
use crate::report::document::Document;
use crate::report::wire;
use crate::transport::Record;

/// How many findings of one kind are shown.
const FINDINGS_MAX: usize = 300;
/// How many records of one finding are shown.
const RECORDS_MAX: usize = 24;
/// Where the specification is.
const SPECIFICATION: &str = "https://modelcontextprotocol.io/specification";
/// The parts of the specification; sources that begin otherwise are no pages of it.
const PARTS: [&str; 4] = ["basic", "server", "client", "schema"];

/// Findings of one verdict.
pub(super) struct Group {
    pub(super) title: &'static str,
    pub(super) class: &'static str,
    pub(super) count: usize,
    pub(super) findings: Vec<Found>,
}

/// One finding.
pub(super) struct Found {
    pub(super) id: String,
    pub(super) level: &'static str,
    pub(super) at: String,
    pub(super) rule: Option<Rule>,
    pub(super) expected: Option<String>,
    /// What was got, with the revisions at which it was, where they differ.
    pub(super) got: Vec<String>,
    pub(super) reason: Option<String>,
    pub(super) curl: Option<String>,
    pub(super) file: Option<String>,
    pub(super) records: Vec<Shown>,
    /// The numbers of all records.
    pub(super) numbers: String,
}

/// The rule that was violated.
pub(super) struct Rule {
    pub(super) id: String,
    pub(super) summary: String,
    pub(super) source: String,
    /// Where the source can be read.
    pub(super) link: Option<String>,
}

/// A wire record.
pub(super) struct Shown {
    pub(super) title: String,
    pub(super) text: String,
}

/// Violations, then warnings, then failures of our own.
pub(super) fn groups(document: &Document, labels: &[String], text: &mut Text) -> Vec<Group> {
    let mut groups = Vec::new();
    for (verdict, title) in [
        (Verdict::Fail, "Violations"),
        (Verdict::Warn, "Warnings"),
        (
            Verdict::Error,
            "Errors of mcp-plumb itself, not of the target",
        ),
    ] {
        let all = beside::findings(document, labels, verdict);
        if all.is_empty() {
            continue;
        }
        let mut shown = Vec::new();
        for finding in all.iter().take(FINDINGS_MAX) {
            if text.is_full() {
                break;
            }
            shown.extend(found(document, finding, text));
        }
        groups.push(Group {
            title,
            class: verdict.as_str(),
            count: all.len(),
            findings: shown,
        });
    }
    groups
}

fn found(document: &Document, finding: &Finding<'_>, text: &mut Text) -> Option<Found> {
    let (run, check) = finding.at.last()?;
    let at: Vec<&str> = finding
        .at
        .iter()
        .map(|(run, _)| finding.label(*run))
        .collect();
    let revision = document
        .runs
        .get(*run)
        .and_then(|run| run.revision.as_deref());
    let all = finding.got();
    let differ = all.len() > 1;
    let got = all.iter().map(|(labels, got)| match differ {
        true => format!("{}: {}", labels.join(", "), text.field(got)),
        false => text.field(got),
    });
    let got = got.collect();
    let numbers: Vec<String> = check.evidence.iter().map(u32::to_string).collect();
    let optional = |part: &Option<String>, text: &mut Text| part.as_ref().map(|it| text.field(it));
    Some(Found {
        id: text.name(&check.id),
        level: check.level.as_str(),
        at: if finding.labels.is_empty() {
            String::new()
        } else {
            at.join(", ")
        },
        rule: check
            .requirement
            .as_ref()
            .map(|id| rule(id, revision, text)),
        expected: optional(&check.expected, text),
        got,
        reason: optional(&check.reason, text),
        curl: check.curl.as_ref().map(|curl| text.long(curl)),
        file: optional(&check.file, text),
        records: records(document, &check.evidence, text),
        numbers: text.field(&numbers.join(", ")),
    })
}

fn rule(id: &str, revision: Option<&str>, text: &mut Text) -> Rule {
    let entry = Catalog::embedded().get(id);
    Rule {
        id: text.name(id),
        summary: entry.map_or_else(String::new, |entry| entry.summary.clone()),
        source: entry.map_or_else(String::new, |entry| entry.source.clone()),
        link: entry.and_then(|entry| link(entry, revision)),
    }
}

/// The page of the specification, at the revision of the run where the rule is listed for it; else at the last one that it
/// is listed for. No word of the target's is in it.
fn link(entry: &Requirement, revision: Option<&str>) -> Option<String> {
    let part = entry.source.split(['/', '#']).next()?;
    let is_whole = !entry.source.contains(char::is_whitespace);
    if !PARTS.contains(&part) || !is_whole {
        return None;
    }
    let listed = |revision: &&Revision| entry.revisions.iter().any(|it| it == revision.as_str());
    let of_run = Revision::ALL
        .iter()
        .find(|it| Some(it.as_str()) == revision);
    let revision = of_run
        .filter(listed)
        .or_else(|| Revision::ALL.iter().rfind(listed))?;
    Some(format!("{SPECIFICATION}/{revision}/{}", entry.source))
}

fn records(document: &Document, evidence: &[u32], text: &mut Text) -> Vec<Shown> {
    let records = evidence.iter().filter_map(|n| {
        // Records are in the order of their numbers.
        let at = document.records.binary_search_by_key(n, |record| record.n);
        document.records.get(at.ok()?)
    });
    let mut shown = Vec::new();
    for record in records.take(RECORDS_MAX) {
        if text.is_full() {
            break;
        }
        shown.extend(record_shown(record, text));
    }
    shown
}

fn record_shown(record: &Record, text: &mut Text) -> Option<Shown> {
    let title = text.field(&wire::title(record));
    let details = text.block(wire::details(record))?;
    Some(Shown {
        title,
        text: details,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sources_in_the_specification_have_a_link_at_a_revision_that_lists_the_rule() {
        let of = |id: &str, revision| link(Catalog::embedded().get(id).unwrap(), revision);
        let rule = "streamable.post.notification-202";
        let at = of(rule, Some("2025-06-18")).unwrap();
        assert!(
            at.starts_with(&format!("{SPECIFICATION}/2025-06-18/basic/transports#")),
            "{at}"
        );
        // Nothing that a target may say gets into it.
        let at = of(rule, Some("javascript:alert(1)")).unwrap();
        assert!(
            at.starts_with(SPECIFICATION) && !at.contains("alert"),
            "{at}"
        );
        for entry in Catalog::embedded().iter() {
            let link = link(entry, None);
            assert!(
                link.is_none_or(|link| !link.contains([' ', '"', '<'])),
                "{}",
                entry.source
            );
        }
    }
}
