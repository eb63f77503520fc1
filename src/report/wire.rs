//! Everything that crossed the wire, as text for a person.
//!
//! Lines of a body begin with `|`, so that no body can look like a record. Secrets and session ids were replaced when
//! the records were made.

use std::fmt::Write as _;

use super::document::Document;
use super::text::Shown;
use super::units;
use crate::transport::Record;
use crate::transport::recorder::{Direction, RecordKind};

/// One line of a header or a body.
const LINE: Shown = Shown {
    max_chars: 20_000,
    unicode: true,
};
/// The most text that is written; what follows is counted.
const BYTES_MAX: usize = 32 * 1024 * 1024;

/// The transcript; where it was not kept, the records that findings point at.
pub fn render(document: &Document) -> String {
    let records = if document.transcript.is_empty() {
        &document.records
    } else {
        &document.transcript
    };
    let mut text = format!(
        "# {} {} wire transcript\n# target {}\n# {}; > is sent, < is received; secrets are replaced, a body is cut after 16 KiB\n",
        document.tool.name,
        document.tool.version,
        LINE.line(&document.target.url),
        units::counted(records.len(), "record", "records"),
    );
    for (place, record) in records.iter().enumerate() {
        if text.len() > BYTES_MAX {
            let left_out = units::counted(records.len() - place, "more record", "more records");
            // Writing to a string cannot fail.
            let _ = writeln!(text, "\n# {left_out}: the transcript is cut after 32 MiB");
            break;
        }
        text.push('\n');
        text.push_str(&of_record(record));
    }
    text
}

/// One record: number, time, exchange and direction, then header fields and body.
fn of_record(record: &Record) -> String {
    format!("{}\n{}", title(record), details(record))
}

/// The header fields and the body of a record.
pub(super) fn details(record: &Record) -> String {
    let mut text = String::new();
    for (name, value) in &record.headers {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "  {}: {}", LINE.line(name), LINE.line(value));
    }
    let Some(body) = record.body.as_deref().filter(|body| !body.is_empty()) else {
        return text;
    };
    for line in body.split('\n') {
        let _ = writeln!(text, "  | {}", LINE.line(line.trim_end_matches('\r')));
    }
    text
}

/// `[3] 3 ms  exchange 2  > request POST http://…  (17 bytes)`.
pub(super) fn title(record: &Record) -> String {
    let arrow = match record.direction {
        Direction::Out => '>',
        Direction::In => '<',
    };
    let kind = match record.kind {
        RecordKind::Request => "request",
        RecordKind::Response => "response",
        RecordKind::Body => "body",
        RecordKind::SseBlock => "event",
        RecordKind::End => "end",
        RecordKind::Failure => "failure",
    };
    let mut title = format!(
        "[{}] {}  exchange {}  {arrow} {kind}",
        record.n,
        units::micros(record.t_us, true),
        record.exchange
    );
    if !record.head.is_empty() {
        let _ = write!(title, " {}", LINE.line(&record.head));
    }
    if let Some(bytes) = record.bytes {
        let _ = write!(title, "  ({bytes} bytes)");
    }
    title
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::samples;

    #[test]
    fn a_body_cannot_look_like_a_record() {
        let mut document = samples::red();
        document.records[1].body = Some("a\r\n[9] 1 ms  exchange 1  > request X\n".to_owned());
        let text = render(&document);
        let records = text.lines().filter(|line| line.starts_with('['));
        assert_eq!(records.count(), 2, "{text}");
        assert!(text.contains("\n  | a\n  | [9] 1 ms"), "{text}");
    }

    #[test]
    fn a_long_transcript_is_cut_and_says_so() {
        let mut document = samples::red();
        let mut record = document.records[0].clone();
        record.body = Some("x".repeat(16 * 1024));
        document.transcript = vec![record; 2_200];
        let text = render(&document);
        assert!(text.len() < BYTES_MAX + 64 * 1024);
        let last = text.lines().last().unwrap();
        assert!(
            last.ends_with("the transcript is cut after 32 MiB"),
            "{last}"
        );
    }
}
