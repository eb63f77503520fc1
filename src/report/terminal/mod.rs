//! The document for a person at a terminal.
//!
//! What matters comes at the end, where the eye is when the run is over: the verdict in words is the last line. Text
//! from the target is escaped and cut, so nothing that it sends can move the cursor or hide a line.

mod failures;
mod load;
mod pen;
mod units;
mod verdict;

use anstyle::Style as Paint;
use tabled::builder::Builder;
use tabled::settings::object::{Columns, Object as _, Rows};
use tabled::settings::{Alignment, Style as Lines};

use super::document::{Check, Coverage, Document};
use crate::catalog::Level;
use crate::engine::{SkipReason, Verdict};
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
    head(&mut pen, document);
    failures::write(&mut pen, document);
    if !document.checks.is_empty() {
        levels(&mut pen, &document.checks);
    }
    if let Some(coverage) = &document.coverage {
        pen.gap();
        coverage_line(&mut pen, coverage);
        way_to_more(&mut pen, &document.checks);
    }
    if let Some(measured) = &document.load {
        load::write(&mut pen, measured, document.reference.as_ref());
    }
    verdict::write(&mut pen, document);
    pen.text
}

/// What was looked at, and how that was found out.
fn head(pen: &mut Pen, document: &Document) {
    let target = &document.target;
    let unknown = |what: &str| format!("{what} unknown");
    let parts = [
        pen.foreign(&target.url),
        match &target.server {
            Some(server) => pen.foreign(server),
            None => unknown("server"),
        },
        match &target.transport {
            Some(transport) => pen.foreign(transport),
            None => unknown("transport"),
        },
        match &target.revision {
            Some(revision) => pen.foreign(revision),
            None => unknown("revision"),
        },
    ];
    let line = pen.paint(&parts.join("  "), Paint::new().bold());
    pen.line(&line);
    for found in &target.detection {
        let found = pen.foreign(found);
        pen.paragraph("  ", &found, dim());
    }
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
fn way_to_more(pen: &mut Pen, checks: &[Check]) {
    let lacking = checks
        .iter()
        .filter(|check| check.skip_reason == Some(SkipReason::ToolNotOffered))
        .find_map(|check| check.reason.as_deref());
    if let Some(reason) = lacking {
        let line = format!("to exercise more: {}", pen.foreign(reason));
        pen.paragraph("", &line, dim());
    }
}
