//! What did not hold, in full: violations first, then warnings, then failures of our own.

use anstyle::Style as Paint;

use super::pen::Pen;
use crate::catalog::Catalog;
use crate::engine::Verdict;
use crate::report::document::{Check, Document};

/// Writes every check that is neither passed nor skipped. Warnings are written in full with `strict`, since they then
/// fail the run.
pub(super) fn write(pen: &mut Pen, document: &Document) {
    let of = |verdict| {
        document
            .checks
            .iter()
            .filter(move |check| check.verdict == verdict)
    };
    for check in of(Verdict::Fail) {
        pen.gap();
        in_full(pen, check);
    }
    for (place, check) in of(Verdict::Warn).enumerate() {
        if pen.style.strict || place == 0 {
            pen.gap();
        }
        if pen.style.strict {
            in_full(pen, check);
        } else {
            warning(pen, check);
        }
    }
    for check in of(Verdict::Error) {
        pen.gap();
        own_error(pen, check);
    }
}

fn head(pen: &mut Pen, check: &Check, rest: &str) {
    let word = format!("{:5}", check.verdict.as_str().to_uppercase());
    let word = pen.verdict(&word, check.verdict);
    let id = pen.paint(&pen.foreign(&check.id), Paint::new().bold());
    pen.line(&format!("{word} {id}{rest}"));
}

fn in_full(pen: &mut Pen, check: &Check) {
    head(pen, check, "");
    if let Some(rule) = rule(check) {
        pen.field("rule", &rule);
    }
    optional(pen, "expected", check.expected.as_deref());
    optional(pen, "got", check.got.as_deref());
    optional(pen, "reason", check.reason.as_deref());
    records(pen, check);
    if let Some(curl) = &check.curl {
        pen.command(curl);
    }
    optional(pen, "file", check.file.as_deref());
}

fn warning(pen: &mut Pen, check: &Check) {
    let requirement = check.requirement.as_deref().unwrap_or("no requirement");
    let rest = format!("  ({} {})", check.level, pen.foreign(requirement));
    head(pen, check, &rest);
    optional(pen, "expected", check.expected.as_deref());
    optional(pen, "got", check.got.as_deref());
    records(pen, check);
}

fn own_error(pen: &mut Pen, check: &Check) {
    head(pen, check, "  (mcp-plumb failed here, not the target)");
    optional(pen, "expected", check.expected.as_deref());
    optional(pen, "got", check.got.as_deref());
    optional(pen, "reason", check.reason.as_deref());
    records(pen, check);
    optional(pen, "file", check.file.as_deref());
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
