//! Several runs beside each other: areas by revisions.

use tabled::builder::Builder;

use super::pen::Pen;
use super::write_table;
use crate::engine::Verdict;
use crate::report::beside::{self, areas};
use crate::report::document::Document;
use crate::report::run::{Outcome, Run, Summary};
use crate::report::text;

/// The width that the matrix keeps to, in characters.
const WIDTH_MAX: usize = 100;
/// A cell is never narrower: room for one count with its word.
const CELL_WIDTH_MIN: usize = 8;
/// What a table spends on each column for lines and spaces.
const COLUMN_FRAME: usize = 3;

/// A label for each run that is short enough for a cell.
pub(super) fn labels(pen: &Pen, document: &Document) -> Vec<String> {
    beside::labels(document, |text| pen.short(text))
}

/// Writes a row for each area and a column for each run, and below it a line for each run that was not made.
pub(super) fn write(pen: &mut Pen, document: &Document, labels: &[String]) {
    if document.any(Outcome::Tested) {
        pen.gap();
        table(pen, document, labels);
    }
    untested(pen, document, labels);
}

fn table(pen: &mut Pen, document: &Document, labels: &[String]) {
    let areas = areas(document);
    let names: Vec<String> = areas.iter().map(|area| pen.short(area)).collect();
    let first = names.iter().map(|name| name.chars().count()).max();
    let width = cell_width(pen, document, first.unwrap_or(0).max(TOTALS.len()));
    let mut table = Builder::default();
    let heads = labels.iter().map(|label| label.replace(' ', "\n"));
    table.push_record(std::iter::once("area".to_owned()).chain(heads));
    for (area, name) in areas.iter().zip(names) {
        let cells = document.runs.iter().map(|run| {
            let checks = run.checks.iter().filter(|check| check.area() == *area);
            cell(pen, run, Summary::of(checks), width)
        });
        table.push_record(std::iter::once(name).chain(cells));
    }
    let sums = document
        .runs
        .iter()
        .map(|run| cell(pen, run, run.summary, width));
    table.push_record(std::iter::once("all".to_owned()).chain(sums));
    let covered = document.runs.iter().map(|run| match &run.coverage {
        Some(of) => format!("{} of {}", of.exercised, of.testable),
        None => "-".to_owned(),
    });
    table.push_record(std::iter::once(TOTALS.to_owned()).chain(covered));
    write_table(pen, table);
}

/// The name of the last row: how many of the testable requirements were exercised.
const TOTALS: &str = "requirements";

/// How wide a cell may be, so that the columns of all runs that were made fit beside each other.
fn cell_width(pen: &Pen, document: &Document, first: usize) -> usize {
    let (tested, others): (Vec<&Run>, Vec<&Run>) = document
        .runs
        .iter()
        .partition(|run| run.outcome == Outcome::Tested);
    let width = match pen.style.width {
        0 => WIDTH_MAX,
        width => width.min(WIDTH_MAX),
    };
    // A revision is ten characters wide.
    let taken = first + COLUMN_FRAME + 1 + others.len() * (10 + COLUMN_FRAME);
    let each = width.saturating_sub(taken) / tested.len().max(1);
    each.saturating_sub(COLUMN_FRAME).max(CELL_WIDTH_MIN)
}

/// `41 ok 2 fail 1 warn 3 skip`, broken between counts where it is too wide; `-` where nothing was to be judged.
fn cell(pen: &Pen, run: &Run, summary: Summary, width: usize) -> String {
    let parts = [
        (summary.passed, "ok", Verdict::Pass),
        (summary.must_failed, "fail", Verdict::Fail),
        (summary.errors, "error", Verdict::Error),
        (summary.warned, "warn", Verdict::Warn),
        (summary.skipped, "skip", Verdict::Skip),
    ];
    let mut cell = String::new();
    let mut column = 0;
    for (count, word, verdict) in parts {
        if count == 0 || run.outcome != Outcome::Tested {
            continue;
        }
        let part = format!("{count} {word}");
        let length = part.chars().count();
        if column > 0 && column + 1 + length > width {
            cell.push('\n');
            column = 0;
        } else if column > 0 {
            cell.push(' ');
            column += 1;
        }
        column += length;
        cell.push_str(&pen.verdict(&part, verdict));
    }
    if cell.is_empty() {
        return "-".to_owned();
    }
    cell
}

/// A line for each run that was not made, with its reason.
fn untested(pen: &mut Pen, document: &Document, labels: &[String]) {
    for (run, label) in document.runs.iter().zip(labels) {
        if run.outcome == Outcome::Tested {
            continue;
        }
        let why = pen.foreign(run.why.as_deref().unwrap_or("no reason is known"));
        let begin = format!("{label}  ");
        let set_in = begin.chars().count();
        let width = pen.style.width.saturating_sub(set_in);
        let said = format!("{}: {why}", run.outcome);
        for (place, part) in text::wrap(&said, width).iter().enumerate() {
            let begin = if place == 0 { begin.as_str() } else { "" };
            pen.line(&format!("{begin:set_in$}{part}"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::Style;
    use super::*;
    use crate::catalog::Level;
    use crate::protocol::Revision;
    use crate::report::samples;

    fn pen(width: usize) -> Pen {
        Pen::new(Style {
            colour: false,
            unicode: true,
            strict: false,
            width,
        })
    }

    /// Every revision tested, with hundreds of checks of each verdict in each of two areas.
    fn crowded() -> Document {
        let mut document = samples::minimal();
        for revision in Revision::ALL {
            let mut run = Run {
                transport: Some("streamable-http".to_owned()),
                revision: Some(revision.to_string()),
                outcome: Outcome::Tested,
                ..Run::default()
            };
            for area in ["notifications", "an-area-of-someone-else"] {
                for verdict in [Verdict::Pass, Verdict::Fail, Verdict::Warn, Verdict::Skip] {
                    let id = format!("{area}/scenario#check");
                    let one = samples::check(&id, "", Level::Must, verdict);
                    run.checks.extend(std::iter::repeat_n(one, 200));
                }
            }
            run.summary = Summary::of(&run.checks);
            document.add_run(run);
        }
        document
    }

    fn written(document: &Document, width: usize) -> String {
        let mut pen = pen(width);
        let labels = labels(&pen, document);
        write(&mut pen, document, &labels);
        pen.text
    }

    #[test]
    fn five_crowded_revisions_fit_the_width() {
        let document = crowded();
        // Six columns of names alone are wider than 80.
        for (given, most) in [(0, 100), (80, 85), (100, 100), (120, 100)] {
            let text = written(&document, given);
            let widest = text.lines().map(|line| line.chars().count()).max();
            assert!(
                widest.is_some_and(|widest| widest <= most),
                "{given}:\n{text}"
            );
            assert!(text.contains("200 fail"), "{text}");
            assert!(text.contains("400 fail"), "{text}");
            assert!(text.contains("an-area-of-some…"), "{text}");
        }
    }

    #[test]
    fn the_transport_is_named_only_where_it_tells_runs_apart() {
        let mut document = samples::matrix();
        let labelled = |document: &Document| labels(&pen(100), document).join(", ");
        assert_eq!(
            labelled(&document),
            "2024-11-05, 2025-03-26, 2025-06-18, 2025-11-25, 2026-07-28"
        );
        document.runs[2].transport = Some("hybrid".to_owned());
        assert_eq!(
            labelled(&document),
            "2024-11-05, 2025-03-26, 2025-06-18 hybrid, 2025-11-25 streamable-http, 2026-07-28"
        );
        assert!(written(&document, 100).contains("2025-06-18"));
        document.runs.truncate(1);
        assert_eq!(labelled(&document), "");
    }

    #[test]
    fn where_nothing_was_tested_there_is_no_table() {
        let mut document = samples::matrix();
        document.runs.retain(|run| run.outcome != Outcome::Tested);
        assert_eq!(
            written(&document, 100),
            "2024-11-05  not-testable: this version does not test it\n\
             2025-03-26  not-offered: asked for it, it offers \"2025-11-25\"\n\
             2026-07-28  not-offered: asked for it, it answers with error -32601\n"
        );
    }
}
