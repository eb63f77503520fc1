//! The document as one page for a browser: everything in it, nothing fetched, no script.
//!
//! The page is `reports/templates/report.html`, which escapes every text; only the drawings, which hold no text of the
//! target, go in as markup. Its content policy forbids scripts and requests, so that even a fault here could do neither.

mod chart;
mod findings;
mod load;
mod text;

use askama::Template;

use super::beside::{areas, labels};
use super::conclusion;
use super::document::Document;
use super::run::{Check, Outcome, Run, Summary};
use crate::engine::{SkipReason, Verdict};
use findings::Group;
use load::Load;
use text::Text;

/// How many checks are listed; the rest is counted.
const CHECKS_MAX: usize = 6_000;
/// How many reasons are told of each kind of skip.
const REASONS_MAX: usize = 8;
/// How many rows a matrix may have, and how many lines a list.
const ROWS_MAX: usize = 64;

/// The page. With `strict`, warnings fail the run.
///
/// # Errors
/// Only if the template fails to write; writing to memory does not.
pub fn render(document: &Document, strict: bool) -> Result<String, askama::Error> {
    Page::new(document, strict).render()
}

#[derive(Template)]
#[template(path = "report.html")]
struct Page {
    word: &'static str,
    class: &'static str,
    counts: String,
    exit_code: u8,
    url: String,
    about: Vec<Row>,
    notes: Vec<String>,
    columns: Vec<Column>,
    matrix: Vec<MatrixRow>,
    untested: Vec<Row>,
    groups: Vec<Group>,
    coverage: Vec<String>,
    skips: Vec<Skipped>,
    checks: Vec<Listed>,
    checks_left_out: usize,
    load: Option<Load>,
    version: &'static str,
    is_cut: bool,
}

/// A name and what it has.
struct Row {
    name: String,
    value: String,
}

/// A column of the matrix. A phone has no room for those of runs that were not made; the page lists them anyway.
struct Column {
    label: String,
    is_untested: bool,
}

struct MatrixRow {
    area: String,
    cells: Vec<Cell>,
}

struct Cell {
    counts: Vec<Count>,
    is_untested: bool,
}

/// A count of checks with one verdict.
struct Count {
    class: &'static str,
    number: usize,
    word: &'static str,
}

/// Checks that were skipped for one reason.
struct Skipped {
    reason: String,
    count: usize,
    advice: &'static str,
    details: Vec<String>,
}

/// A check in the list of all.
struct Listed {
    class: &'static str,
    at: String,
    id: String,
    level: &'static str,
    note: String,
}

impl Page {
    fn new(document: &Document, strict: bool) -> Self {
        let mut text = Text::default();
        let (word, verdict) = conclusion::word(document);
        let labels = labels(document, Text::label);
        // What matters most comes first, should the room not be enough for all.
        let notes = notes(document, &mut text);
        let url = text.field(&document.target.url);
        let about = about(document, &mut text);
        let matrix = matrix(document, &mut text);
        let untested = untested(document, &labels, &mut text);
        let load = document.load.as_ref();
        let load = load.map(|load| Load::new(load, document.reference.as_ref(), &mut text));
        let groups = findings::groups(document, &labels, &mut text);
        let skips = skips(document, &mut text);
        let checks = listed(document, &labels, &mut text);
        Self {
            word,
            class: verdict.as_str(),
            counts: conclusion::counts(document, strict),
            exit_code: document.exit_code,
            url,
            about,
            notes,
            columns: columns(document, &labels),
            matrix,
            untested,
            groups,
            coverage: coverage(document, &labels, &mut text),
            skips,
            checks_left_out: document.checks().count() - checks.len(),
            checks,
            load,
            version: document.tool.version,
            is_cut: text.is_cut(),
        }
    }
}

fn notes(document: &Document, text: &mut Text) -> Vec<String> {
    let mut notes = Vec::new();
    if document.interrupted {
        notes.push("Interrupted: what is here was known by then.".to_owned());
    }
    if let Some(reason) = &document.not_exercised {
        notes.push(format!("Nothing was exercised: {}", text.field(reason)));
    }
    if document.target.unverified {
        notes.push("The certificate was not verified (--insecure).".to_owned());
    }
    for (doubt, revisions) in conclusion::doubts(document).into_iter().take(ROWS_MAX) {
        let at = text.field(&revisions.join(", "));
        notes.push(format!("Doubt at {at}: {}", text.field(doubt)));
    }
    notes
}

/// The server and how it was spoken to, where there is one run; and when.
fn about(document: &Document, text: &mut Text) -> Vec<Row> {
    let mut rows = Vec::new();
    let mut add = |name: &str, value: String| {
        rows.push(Row {
            name: name.to_owned(),
            value,
        });
    };
    if let [run] = document.runs.as_slice() {
        if let Some(server) = &run.server {
            add("server", text.field(server));
        }
        add("spoken to as", text.field(&run.name()));
        if let Some(because) = &run.detection.because {
            let word = match run.detection.guessed {
                true => "detected because",
                false => "given; seen that",
            };
            add(word, text.field(because));
        }
    } else if let Some(server) = document.runs.iter().rev().find_map(|it| it.server.as_ref()) {
        add("server", text.field(server));
    }
    add("begun", text::utc(document.started_unix_s));
    let elapsed = document.elapsed_ms.saturating_mul(1_000);
    add("took", super::units::micros(elapsed, true));
    rows
}

fn columns(document: &Document, labels: &[String]) -> Vec<Column> {
    let runs = document.runs.iter().enumerate();
    let column = |(place, run): (usize, &Run)| Column {
        label: labels
            .get(place)
            .map_or("checks", String::as_str)
            .to_owned(),
        is_untested: run.outcome != Outcome::Tested,
    };
    runs.map(column).collect()
}

fn cell(run: &Run, summary: Summary) -> Cell {
    Cell {
        counts: counts(summary),
        is_untested: run.outcome != Outcome::Tested,
    }
}

fn matrix(document: &Document, text: &mut Text) -> Vec<MatrixRow> {
    if document.checks().next().is_none() {
        return Vec::new();
    }
    let areas = areas(document);
    let mut rows: Vec<MatrixRow> = Vec::new();
    for area in areas.iter().take(ROWS_MAX) {
        let cells = document.runs.iter().map(|run| {
            let checks = run.checks.iter().filter(|check| check.area() == *area);
            cell(run, Summary::of(checks))
        });
        rows.push(MatrixRow {
            area: text.name(area),
            cells: cells.collect(),
        });
    }
    rows.push(MatrixRow {
        area: "all".to_owned(),
        cells: document
            .runs
            .iter()
            .map(|run| cell(run, run.summary))
            .collect(),
    });
    rows
}

fn counts(summary: Summary) -> Vec<Count> {
    [
        (summary.passed, "pass", "ok"),
        (summary.must_failed, "fail", "fail"),
        (summary.errors, "error", "error"),
        (summary.warned, "warn", "warn"),
        (summary.skipped, "skip", "skip"),
    ]
    .into_iter()
    .filter(|(number, ..)| *number > 0)
    .map(|(number, class, word)| Count {
        class,
        number,
        word,
    })
    .collect()
}

fn untested(document: &Document, labels: &[String], text: &mut Text) -> Vec<Row> {
    let runs = document.runs.iter().enumerate();
    runs.filter(|(_, run)| run.outcome != Outcome::Tested)
        .take(ROWS_MAX)
        .map(|(place, run)| {
            let why = text.field(run.why.as_deref().unwrap_or("no reason is known"));
            Row {
                name: match labels.get(place) {
                    Some(label) => label.clone(),
                    None => text.name(&run.name()),
                },
                value: format!("{}: {why}", run.outcome),
            }
        })
        .collect()
}

fn coverage(document: &Document, labels: &[String], text: &mut Text) -> Vec<String> {
    let mut lines = Vec::new();
    for (place, run) in document.runs.iter().enumerate() {
        let Some(of) = &run.coverage else { continue };
        let at = labels.get(place).map(|label| format!("{label}: "));
        let mut line = format!(
            "{}{} of {} testable requirements exercised",
            at.unwrap_or_default(),
            of.exercised,
            of.testable
        );
        for (reason, count) in of.not_exercised.iter().take(ROWS_MAX) {
            line.push_str(&format!(", {count} {}", text.name(reason)));
        }
        lines.push(line);
    }
    lines
}

/// Every reason for which checks were skipped, the most frequent first.
fn skips(document: &Document, text: &mut Text) -> Vec<Skipped> {
    let mut groups: Vec<(Option<SkipReason>, usize, Vec<&str>)> = Vec::new();
    for check in document.checks() {
        if check.verdict != Verdict::Skip {
            continue;
        }
        let at = groups
            .iter()
            .position(|(reason, ..)| *reason == check.skip_reason);
        let at = at.unwrap_or_else(|| {
            groups.push((check.skip_reason, 0, Vec::new()));
            groups.len() - 1
        });
        let Some((_, count, details)) = groups.get_mut(at) else {
            continue;
        };
        *count += 1;
        if let Some(detail) = check.reason.as_deref()
            && details.len() < REASONS_MAX
            && !details.contains(&detail)
        {
            details.push(detail);
        }
    }
    groups.sort_by_key(|(_, count, _)| std::cmp::Reverse(*count));
    let shown = |(reason, count, details): (Option<SkipReason>, usize, Vec<&str>)| Skipped {
        reason: reason.map_or_else(|| "not exercised".to_owned(), |reason| reason.to_string()),
        count,
        advice: reason.map_or("", advice),
        details: details.iter().map(|detail| text.field(detail)).collect(),
    };
    groups.into_iter().map(shown).collect()
}

/// What the user can give so that it is exercised.
const fn advice(reason: SkipReason) -> &'static str {
    match reason {
        SkipReason::NotApplicable => {
            "Nothing to do: the rule does not hold at this revision or over this transport."
        }
        SkipReason::CapabilityNotDeclared => {
            "Nothing to do if the server is not meant to offer it; otherwise let it declare the capability."
        }
        SkipReason::ToolNotOffered => {
            "Name a tool that is safe to call with --allow-tool NAME, or say with --fixtures FILE which tool plays which role."
        }
        SkipReason::NoSessionId => "Nothing to do if the server is meant to work without sessions.",
        SkipReason::NoStream => {
            "Nothing to do if the server is not meant to send by itself; otherwise let it open a stream for GET."
        }
        SkipReason::StepSkipped => {
            "Nothing to do: the scenario took another branch, as the server's answers called for."
        }
        SkipReason::PrerequisiteFailed => {
            "Look at the violations first: an earlier step, or its positive control, did not go through."
        }
        SkipReason::NothingToJudge => {
            "What the check looks at did not occur. A tool named with --allow-tool or --fixtures may bring it about."
        }
        SkipReason::Cancelled => "Run again, and let it come to its end.",
        SkipReason::NoCheck => {
            "This version has no check of it; a scenario of your own can be added with --scenarios DIR."
        }
    }
}

fn listed(document: &Document, labels: &[String], text: &mut Text) -> Vec<Listed> {
    let runs = document.runs.iter().enumerate();
    let checks = runs.flat_map(|(place, run)| run.checks.iter().map(move |check| (place, check)));
    let mut listed = Vec::new();
    for (place, check) in checks.take(CHECKS_MAX) {
        if text.is_full() {
            break;
        }
        listed.push(Listed {
            class: check.verdict.as_str(),
            at: labels.get(place).cloned().unwrap_or_default(),
            id: text.name(&check.id),
            level: check.level.as_str(),
            note: note(check, text),
        });
    }
    listed
}

/// The rule, and why it was skipped.
fn note(check: &Check, text: &mut Text) -> String {
    let rule = text.name(check.requirement.as_deref().unwrap_or("no requirement"));
    match check.skip_reason {
        Some(reason) => format!("{rule} ({reason})"),
        None => rule,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::samples;

    #[test]
    fn the_page_forbids_scripts_and_requests_and_has_none() {
        for document in [samples::full(), samples::load(), samples::minimal()] {
            let page = render(&document, true).unwrap();
            assert!(page.contains("content=\"default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'\""));
            for forbidden in [
                "<script", "<link", "<img", "<iframe", "@import", "url(", " src=",
            ] {
                assert!(!page.contains(forbidden), "{forbidden}");
            }
        }
    }

    #[test]
    fn the_verdict_comes_before_all_else_and_a_violation_has_its_evidence() {
        let page = render(&samples::red(), false).unwrap();
        let place = |text: &str| page.find(text).unwrap_or_else(|| panic!("no {text}"));
        assert!(place("1 MUST violated") < place("notification-is-accepted"));
        for part in [
            "status 202 with no body",
            "status 200 with a body of 17 bytes",
            "curl -sS -X POST",
            "https://modelcontextprotocol.io/specification/2025-11-25/basic/transports",
            "exchange 2",
            "--allow-tool",
        ] {
            place(part);
        }
    }

    #[test]
    fn load_has_its_curve_and_its_series() {
        let page = render(&samples::load(), false).unwrap();
        assert_eq!(page.matches("<svg").count(), 6);
        assert!(page.contains("fan-out, reference server"));
        let page = render(&samples::red(), false).unwrap();
        assert_eq!(page.matches("<svg").count(), 0);
    }

    #[test]
    fn a_huge_run_stays_below_five_megabytes_and_says_what_is_left_out() {
        let mut document = samples::matrix();
        let mut record = samples::red().records[0].clone();
        record.body = Some("<&>\"'".repeat(4_000));
        document.records = (1..=2_000)
            .map(|n| crate::transport::Record {
                n,
                ..record.clone()
            })
            .collect();
        for run in &mut document.runs {
            let mut check = samples::check("", "", crate::catalog::Level::Must, Verdict::Fail);
            check.got = Some("<".repeat(100_000));
            run.checks.extend((1..=2_000).map(|n| Check {
                id: format!("huge/one#{n}"),
                evidence: vec![n],
                ..check.clone()
            }));
        }
        let page = render(&document, false).unwrap();
        assert!(page.len() < 5_000_000, "{} bytes", page.len());
        assert!(page.contains("some of it was left out"));
    }
}
