//! The last lines: the verdict in words.

use anstyle::Style as Paint;

use super::pen::Pen;
use crate::report::conclusion;
use crate::report::document::Document;

/// Writes what limits the findings, and the verdict with the exit code.
pub(super) fn write(pen: &mut Pen, document: &Document) {
    pen.gap();
    if document.interrupted {
        pen.paragraph(
            "",
            "interrupted: what is above was known by then, and the rest was not looked at",
            Paint::new(),
        );
    }
    doubts(pen, document);
    if let Some(reason) = &document.not_exercised {
        let line = format!("nothing was exercised: {}", pen.foreign(reason));
        pen.paragraph("", &line, Paint::new());
    }
    let (word, verdict) = conclusion::word(document);
    let word = pen.verdict(word, verdict);
    let line = format!(
        "{word}: {} (exit {})",
        conclusion::counts(document, pen.style.strict),
        document.exit_code
    );
    pen.line(&line);
}

/// Says what may be wrong with the guesses; once where several runs say the same.
fn doubts(pen: &mut Pen, document: &Document) {
    for (doubt, revisions) in conclusion::doubts(document) {
        let at = match document.runs.len() {
            1 => String::new(),
            _ => format!(" at {}", pen.foreign(&revisions.join(", "))),
        };
        let line = format!("DOUBT{at}: {}", pen.foreign(doubt));
        pen.paragraph("", &line, Paint::new().bold());
    }
}
