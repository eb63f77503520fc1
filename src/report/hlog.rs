//! The load's histograms as an HdrHistogram interval log: a line for each operation, tagged with its name, in
//! microseconds. <https://hdrhistogram.org> has readers for many languages. It holds no text of the target.

use std::time::{Duration, UNIX_EPOCH};

use hdrhistogram::serialization::V2DeflateSerializer;
use hdrhistogram::serialization::interval_log::{IntervalLogWriterBuilder, Tag};

use super::document::Document;
use crate::load::report::{LoadReport, Operation};

/// Maxima of the log are written in milliseconds, as its readers expect them.
const US_PER_MS: f64 = 1_000.0;

/// The log. Without load it has a head only.
pub fn render(document: &Document) -> String {
    let mut bytes = Vec::new();
    write(document, &mut bytes);
    // Numbers, our own words and base64.
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Writing to memory does not fail; what cannot be written is left out.
fn write(document: &Document, bytes: &mut Vec<u8>) {
    let mut serializer = V2DeflateSerializer::new();
    let begun = UNIX_EPOCH + Duration::from_secs(document.started_unix_s);
    let log = IntervalLogWriterBuilder::new()
        .add_comment("mcp-plumb load, latencies in microseconds")
        .with_start_time(begun)
        .with_base_time(begun)
        .with_max_value_divisor(US_PER_MS)
        .begin_log_with(bytes, &mut serializer);
    let Ok(mut log) = log else { return };
    let sides = [("", &document.load), ("reference-", &document.reference)];
    for (side, load) in sides {
        let Some(load) = load else { continue };
        for curve in &load.curves {
            let name = format!("{side}{}", curve.operation.as_str());
            let (Some(tag), Some(histogram)) = (Tag::new(&name), curve.histogram()) else {
                continue;
            };
            let (start, length) = span(load, curve.operation);
            let _left_out = log.write_histogram(&histogram, start, length, Some(tag));
        }
    }
}

/// Since the run's begin: when the first of these latencies could be recorded, and for how long.
fn span(load: &LoadReport, operation: Operation) -> (Duration, Duration) {
    let phases = load.phases;
    let before = phases.ramp_s + phases.settle_s;
    let during = phases.measure_s + phases.drain_s;
    let (start, length) = match operation {
        Operation::Connect => (0.0, before + during),
        _ => (before, during),
    };
    let seconds = |value| Duration::try_from_secs_f64(value).unwrap_or_default();
    (seconds(start), seconds(length))
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;
    use hdrhistogram::Histogram;
    use hdrhistogram::serialization::Deserializer;
    use hdrhistogram::serialization::interval_log::{IntervalLogIterator, LogEntry};

    use super::*;
    use crate::report::samples;

    #[test]
    fn the_standard_reader_reads_back_what_was_recorded() {
        let document = samples::load();
        let log = render(&document);
        let mut read = Vec::new();
        for entry in IntervalLogIterator::new(log.as_bytes()) {
            let LogEntry::Interval(interval) = entry.unwrap() else {
                continue;
            };
            let bytes = STANDARD.decode(interval.encoded_histogram()).unwrap();
            let histogram: Histogram<u64> = Deserializer::new()
                .deserialize(&mut bytes.as_slice())
                .unwrap();
            let tag = interval.tag().unwrap().as_str().to_owned();
            read.push((tag, interval.start_timestamp().as_secs(), histogram));
        }
        let names: Vec<(&str, u64)> = read
            .iter()
            .map(|(tag, start, _)| (tag.as_str(), *start))
            .collect();
        assert_eq!(
            names,
            [
                ("connect", 0),
                ("fanout", 3),
                ("reference-connect", 0),
                ("reference-fanout", 3)
            ]
        );
        let curves = &document.load.as_ref().unwrap().curves;
        let fanout = &read[1].2;
        assert_eq!(Some(fanout), curves[1].histogram().as_ref());
        assert_eq!(Some(fanout.max()), curves[1].points.last().map(|it| it.us));
    }

    #[test]
    fn without_load_the_log_is_empty_and_well_formed() {
        let log = render(&samples::red());
        let entries: Result<Vec<_>, _> = IntervalLogIterator::new(log.as_bytes()).collect();
        let is_interval = |entry: &LogEntry| matches!(entry, LogEntry::Interval(_));
        assert!(!entries.unwrap().iter().any(is_interval));
    }
}
