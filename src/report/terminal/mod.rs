//! The document for a person at a terminal.
//!
//! What matters comes at the end, where the eye is when the run is over: the verdict in words is the last line. Text
//! from the target is escaped and cut, so nothing that it sends can move the cursor or hide a line.

mod compare;
mod failures;
mod head;
mod load;
mod matrix;
mod pen;
mod verdict;

use tabled::builder::Builder;
use tabled::settings::formatting::AlignmentStrategy;
use tabled::settings::object::{Columns, Object as _, Rows};
use tabled::settings::{Alignment, Style as Lines};

use super::document::Document;
use super::run::{Check, Coverage};
use crate::catalog::Level;
use crate::engine::{SkipReason, Verdict};
pub use compare::render_comparison;
use pen::{Pen, dim};

/// How the report is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Style {
    /// Whether colour codes are written. Every word that is coloured also says what its colour says.
    pub colour: bool,
    /// Whether characters beyond ASCII are written.
    pub unicode: bool,
    /// Whether warnings fail the run, so that they are shown in full.
    pub strict: bool,
    /// The width in characters at which sentences are broken; 0 for never. Tables and commands keep their own width.
    pub width: usize,
}

/// The report as text, with a line feed at the end.
pub fn render(document: &Document, style: Style) -> String {
    let mut pen = Pen::new(style);
    let labels = matrix::labels(&pen, document);
    head::write(&mut pen, document);
    match document.runs.as_slice() {
        [] => {}
        [run] => {
            failures::write(&mut pen, document, &labels);
            if !run.checks.is_empty() {
                levels(&mut pen, &run.checks);
            }
            if let Some(coverage) = &run.coverage {
                pen.gap();
                coverage_line(&mut pen, coverage);
                way_to_more(&mut pen, document);
            }
        }
        _ => {
            matrix::write(&mut pen, document, &labels);
            way_to_more(&mut pen, document);
            failures::write(&mut pen, document, &labels);
        }
    }
    if let Some(measured) = &document.load {
        load::write(&mut pen, measured, document.reference.as_ref());
    }
    verdict::write(&mut pen, document);
    pen.text
}

/// The rows of the table: keywords that bind alike are one.
const ROWS: [(&str, [Level; 2]); 4] = [
    ("MUST", [Level::Must, Level::MustNot]),
    ("SHOULD", [Level::Should, Level::ShouldNot]),
    ("MAY", [Level::May, Level::May]),
    ("PRACTICE", [Level::Practice, Level::Practice]),
];

/// How many checks of each level came to what.
fn levels(pen: &mut Pen, checks: &[Check]) {
    let mut columns = vec![Verdict::Pass, Verdict::Warn, Verdict::Fail, Verdict::Skip];
    if checks.iter().any(|check| check.verdict == Verdict::Error) {
        columns.push(Verdict::Error);
    }
    let mut table = Builder::default();
    let names = columns
        .iter()
        .map(|verdict| pen.verdict(verdict.as_str(), *verdict));
    table.push_record(std::iter::once("level".to_owned()).chain(names));
    for (name, members) in ROWS {
        let counts = columns.iter().map(|verdict| {
            let count = checks
                .iter()
                .filter(|check| check.verdict == *verdict && members.contains(&check.level))
                .count();
            if count == 0 {
                "0".to_owned()
            } else {
                pen.verdict(&count.to_string(), *verdict)
            }
        });
        table.push_record(std::iter::once(name.to_owned()).chain(counts));
    }
    pen.gap();
    write_table(pen, table);
}

/// Writes a table whose first column has names and whose other columns have numbers.
fn write_table(pen: &mut Pen, table: Builder) {
    let mut table = table.build();
    if pen.style.unicode {
        table.with(Lines::rounded());
    } else {
        table.with(Lines::psql());
    }
    table.modify(
        Rows::new(0..).intersect(Columns::new(1..)),
        Alignment::right(),
    );
    table.with(AlignmentStrategy::PerLine);
    for line in table.to_string().lines() {
        pen.line(line);
    }
}

fn coverage_line(pen: &mut Pen, coverage: &Coverage) {
    let mut line = format!(
        "{} of {} testable requirements exercised",
        coverage.exercised, coverage.testable
    );
    // The largest number first; where two are equal, by name, which is the order of the map.
    let mut reasons: Vec<_> = coverage.not_exercised.iter().collect();
    reasons.sort_by_key(|(_, count)| std::cmp::Reverse(**count));
    for (place, (reason, count)) in reasons.into_iter().enumerate() {
        let before = if place == 0 {
            "; not exercised: "
        } else {
            ", "
        };
        line.push_str(&format!("{before}{count} {}", pen.foreign(reason)));
    }
    // One line whatever the width, so that it can be searched for.
    pen.line(&line);
}

/// What the user can give so that more is exercised, in the words of the first check that lacks it.
fn way_to_more(pen: &mut Pen, document: &Document) {
    let lacking = document
        .checks()
        .filter(|check| check.skip_reason == Some(SkipReason::ToolNotOffered))
        .find_map(|check| check.reason.as_deref());
    if let Some(reason) = lacking {
        let line = format!("to exercise more: {}", pen.foreign(reason));
        pen.paragraph("", &line, dim());
    }
}
