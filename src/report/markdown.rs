//! The document as Markdown, for the summary of a job or a comment. It stays far below the 1 MiB that a job may show.
//!
//! Text from outside stands in code spans, where nothing is markup, a link or a mention; where it must be short, every
//! character that Markdown or HTML may read is a reference.

use std::fmt::Write as _;

use super::beside::{Finding, areas, findings, labels};
use super::conclusion;
use super::document::Document;
use super::run::{Check, Outcome, Summary};
use super::text::Shown;
use super::units;
use crate::catalog::Catalog;
use crate::engine::{SkipReason, Verdict};
use crate::load::report::{Latency, LoadReport, ThresholdVerdict};

/// The most characters of one field.
const FIELD: Shown = Shown {
    max_chars: 500,
    unicode: true,
};
/// The most characters of a name.
const NAME: Shown = Shown {
    max_chars: 80,
    unicode: true,
};
/// The most characters of a command.
const COMMAND: Shown = Shown {
    max_chars: 2_000,
    unicode: true,
};
/// How many findings are told of each kind; the rest is counted.
const FINDINGS_MAX: usize = 20;
/// The most rows of a table or lines of a list.
const ROWS_MAX: usize = 40;

/// The summary. With `strict`, warnings fail the run.
pub fn render(document: &Document, strict: bool) -> String {
    let mut page = Page {
        text: String::new(),
        labels: labels(document, |text| plain(&NAME.line(text))),
    };
    page.head(document, strict);
    page.matrix(document);
    page.findings(document, Verdict::Fail, "Violations");
    page.findings(document, Verdict::Warn, "Warnings");
    page.findings(document, Verdict::Error, "Errors of mcp-plumb itself");
    page.coverage(document);
    if let Some(load) = &document.load {
        page.load(load, document.reference.as_ref());
    }
    page.text
}

struct Page {
    text: String,
    /// Safe to write as they are.
    labels: Vec<String>,
}

impl Page {
    fn line(&mut self, line: &str) {
        self.text.push_str(line);
        self.text.push('\n');
    }

    fn head(&mut self, document: &Document, strict: bool) {
        let (word, _) = conclusion::word(document);
        let counts = conclusion::counts(document, strict);
        self.line(&format!("## mcp-plumb: {word}\n"));
        self.line(&format!("{counts} (exit {})\n", document.exit_code));
        let mut about = code(FIELD, &document.target.url);
        if let [run] = document.runs.as_slice() {
            if let Some(server) = &run.server {
                let _ = write!(about, ", {}", code(FIELD, server));
            }
            let _ = write!(about, ", {}", code(FIELD, &run.name()));
        }
        self.line(&about);
        if document.target.unverified {
            self.line("\nIts certificate was not verified (`--insecure`).");
        }
        if document.interrupted {
            self.line("\nInterrupted: what is here was known by then.");
        }
        for (doubt, _) in conclusion::doubts(document).into_iter().take(ROWS_MAX) {
            self.line(&format!("\n**Doubt:** {}", code(FIELD, doubt)));
        }
        if let Some(reason) = &document.not_exercised {
            self.line(&format!("\nNothing was exercised: {}", code(FIELD, reason)));
        }
    }

    fn matrix(&mut self, document: &Document) {
        if document.checks().next().is_none() {
            return self.untested(document);
        }
        let labels = match self.labels.as_slice() {
            [] => vec!["checks".to_owned()],
            labels => labels.to_vec(),
        };
        self.line(&format!("\n| area | {} |", labels.join(" | ")));
        self.line(&format!("| --- |{}", " --- |".repeat(labels.len())));
        let areas = areas(document);
        for area in areas.iter().take(ROWS_MAX) {
            let cells = document.runs.iter().map(|run| {
                let checks = run.checks.iter().filter(|check| check.area() == *area);
                cell(Summary::of(checks))
            });
            let cells: Vec<String> = cells.collect();
            let name = plain(&NAME.line(area));
            self.line(&format!("| {name} | {} |", cells.join(" | ")));
        }
        let all: Vec<String> = document.runs.iter().map(|run| cell(run.summary)).collect();
        self.line(&format!("| **all** | {} |", all.join(" | ")));
        self.untested(document);
    }

    fn untested(&mut self, document: &Document) {
        let made = |outcome| outcome == Outcome::Tested;
        for (place, run) in document.runs.iter().enumerate() {
            if made(run.outcome) {
                continue;
            }
            let own = plain(&NAME.line(&run.name()));
            let name = self.labels.get(place).unwrap_or(&own);
            let why = run.why.as_deref().unwrap_or("no reason is known");
            let line = format!("\n- {name}: {}, {}", run.outcome, code(FIELD, why));
            self.line(&line);
        }
    }

    fn findings(&mut self, document: &Document, verdict: Verdict, title: &str) {
        let labels = self.labels.clone();
        let all = findings(document, &labels, verdict);
        if all.is_empty() {
            return;
        }
        self.line(&format!("\n### {title}"));
        for finding in all.iter().take(FINDINGS_MAX) {
            self.finding(finding);
        }
        if all.len() > FINDINGS_MAX {
            let more = all.len() - FINDINGS_MAX;
            self.line(&format!("\n{more} more are in the other reports."));
        }
    }

    fn finding(&mut self, finding: &Finding<'_>) {
        let Some(check) = finding.check() else { return };
        self.line(&format!(
            "\n- **{}** {}",
            check.level,
            code(NAME, &check.id)
        ));
        if let Some(rule) = &check.requirement {
            let said = Catalog::embedded().get(rule);
            let said = said.map_or_else(String::new, |rule| format!(": {}", plain(&rule.summary)));
            self.line(&format!("  - rule {}{said}", code(NAME, rule)));
        }
        if !finding.labels.is_empty() {
            let at = finding.at.iter().map(|(run, _)| finding.label(*run));
            let at: Vec<&str> = at.collect();
            self.line(&format!("  - at {}", at.join(", ")));
        }
        if let Some(expected) = &check.expected {
            self.line(&format!("  - expected {}", code(FIELD, expected)));
        }
        let all = finding.got();
        for (labels, got) in &all {
            let at = match all.len() {
                1 => String::new(),
                _ => format!(" ({})", labels.join(", ")),
            };
            self.line(&format!("  - got{at} {}", code(FIELD, got)));
        }
        if let Some(curl) = &check.curl {
            self.line(&format!("  - {}", code(COMMAND, curl)));
        }
    }

    fn coverage(&mut self, document: &Document) {
        for (place, run) in document.runs.iter().enumerate() {
            let Some(of) = &run.coverage else { continue };
            let at = self.labels.get(place);
            let at = at.map_or_else(String::new, |label| format!(" at {label}"));
            let mut line = format!(
                "\n{} of {} testable requirements exercised{at}",
                of.exercised, of.testable
            );
            for (reason, count) in of.not_exercised.iter().take(ROWS_MAX) {
                let _ = write!(line, "; {count} {}", plain(&NAME.line(reason)));
            }
            self.line(&line);
        }
        let lacks = |check: &&Check| check.skip_reason == Some(SkipReason::ToolNotOffered);
        let lacking = document
            .checks()
            .filter(lacks)
            .find_map(|it| it.reason.as_ref());
        if let Some(reason) = lacking {
            self.line(&format!("\nTo exercise more: {}", code(FIELD, reason)));
        }
    }

    fn load(&mut self, load: &LoadReport, reference: Option<&LoadReport>) {
        self.line("\n### Load\n");
        for threshold in load.thresholds.iter().take(ROWS_MAX) {
            let word = match threshold.verdict {
                ThresholdVerdict::Pass => "held",
                ThresholdVerdict::Fail => "**missed**",
                ThresholdVerdict::NotExercised => "not measured",
            };
            let observed = threshold.observed.as_ref();
            let observed = observed.map_or_else(String::new, |observed| {
                format!(", observed {}", code(NAME, observed))
            });
            let expression = code(NAME, &threshold.expression);
            self.line(&format!("- {word}: {expression}{observed}"));
        }
        if let Some(reason) = &load.not_exercised {
            self.line(&format!("- not all was measured: {}", code(FIELD, reason)));
        }
        if load.target_died {
            self.line("- **the target died**");
        }
        self.line("\n| latency | p50 | p90 | p99 | p99.9 | max | count |");
        self.line("| --- | ---: | ---: | ---: | ---: | ---: | ---: |");
        self.latencies(load, "");
        if let Some(reference) = reference {
            self.latencies(reference, " (reference server)");
        }
        let (streams, owed) = (load.streams, load.deliveries);
        self.line(&format!(
            "\n{} of {} streams opened, {} dropped; {:.1} events per second; {} expected, {} received, {} lost, {} duplicate, {} \
             reordered, {} foreign",
            streams.opened, streams.asked, streams.dropped, load.events_per_s, owed.expected, owed.received,
            owed.lost, owed.duplicate, owed.reordered, owed.foreign
        ));
        if load.generator.saturated {
            self.line("\n**The generator was the bottleneck; latencies are upper bounds.**");
            for reason in load.generator.reasons.iter().take(ROWS_MAX) {
                self.line(&format!("- {}", code(FIELD, reason)));
            }
        }
    }

    fn latencies(&mut self, load: &LoadReport, of: &str) {
        let all = load.latency_us;
        for (name, latency) in [
            ("connect", all.connect),
            ("fan-out", all.fanout),
            ("gap", all.gap),
            ("call", all.call),
        ] {
            if latency.count > 0 {
                self.line(&format!("| {name}{of} | {} |", figures(latency)));
            }
        }
    }
}

fn figures(latency: Latency) -> String {
    let Latency {
        p50,
        p90,
        p99,
        p99_9,
        max,
        count,
    } = latency;
    let times = [p50, p90, p99, p99_9, max].map(|us| units::micros(us, true));
    format!("{} | {count}", times.join(" | "))
}

/// `41 ok, 2 fail`; `-` where nothing was to be judged.
fn cell(summary: Summary) -> String {
    let parts = [
        (summary.passed, "ok"),
        (summary.must_failed, "**fail**"),
        (summary.errors, "error"),
        (summary.warned, "warn"),
        (summary.skipped, "skip"),
    ];
    let parts = parts.iter().filter(|(count, _)| *count > 0);
    let parts: Vec<String> = parts
        .map(|(count, word)| format!("{count} {word}"))
        .collect();
    if parts.is_empty() {
        return "-".to_owned();
    }
    parts.join(", ")
}

/// Text from outside as a code span: its fence is longer than any row of backticks in it.
fn code(shown: Shown, text: &str) -> String {
    let text = shown.line(text);
    if text.trim().is_empty() {
        return "(empty)".to_owned();
    }
    let longest = text.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(longest + 1);
    // A space on each side is taken away by the reader.
    let pad = if text.starts_with(['`', ' ']) || text.ends_with(['`', ' ']) {
        " "
    } else {
        ""
    };
    format!("{fence}{pad}{text}{pad}{fence}")
}

/// Text on one line that is shown as it is: characters that could be markup are references, which never are.
fn plain(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_ascii_punctuation() && !matches!(c, '-' | '/' | ',' | '(' | ')') {
            let _ = write!(safe, "&#{};", u32::from(c));
        } else {
            safe.push(c);
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::samples;

    #[test]
    fn text_stays_inside_of_its_code_span() {
        let cases = [
            ("plain", "`plain`"),
            ("", "(empty)"),
            ("a`b", "``a`b``"),
            ("`", "`` ` ``"),
            ("``` <b>", "```` ``` <b> ````"),
            (" a ", "`  a  `"),
            ("a\n# b", "`a\\n# b`"),
        ];
        for (text, expected) in cases {
            assert_eq!(code(FIELD, text), expected, "{text:?}");
        }
    }

    #[test]
    fn plain_text_has_no_markup_link_or_mention() {
        assert_eq!(
            plain("[a](b) *c* | <d> @e www.f.g"),
            "&#91;a&#93;(b) &#42;c&#42; &#124; &#60;d&#62; &#64;e www&#46;f&#46;g"
        );
        assert_eq!(plain("2025-11-25"), "2025-11-25");
    }

    #[test]
    fn the_verdict_comes_first_and_each_finding_once() {
        let text = render(&samples::matrix(), false);
        assert!(text.starts_with("## mcp-plumb: FAIL\n"), "{text}");
        let id = "`streamable/post#notification-is-accepted`";
        assert_eq!(text.matches(id).count(), 1, "{text}");
        assert!(
            text.contains("\n| area | 2024-11-05 | 2025-03-26 |"),
            "{text}"
        );
    }
}
