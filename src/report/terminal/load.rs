//! What the target holds.

use anstyle::Style as Paint;
use tabled::builder::Builder;

use super::pen::Pen;
use super::write_table;
use crate::compare;
use crate::engine::Verdict;
use crate::load::report::{
    CorrelatedBy, Latency, LoadReport, PassiveReport, ThresholdResult, ThresholdVerdict,
};
use crate::report::units;

/// Writes the load section, beside the reference server's figures where they are known.
pub(super) fn write(pen: &mut Pen, load: &LoadReport, reference: Option<&LoadReport>) {
    pen.heading("Load");
    if let Some(reason) = &load.not_exercised {
        let what = match load.passive {
            Some(_) => "not all was measured",
            None => "deliveries were not measured",
        };
        let line = format!("{what}: {}", pen.foreign(reason));
        pen.paragraph("  ", &line, Paint::new());
    }
    if load.target_died {
        let line = "the target died: no stream was left open, and it took no new connection";
        pen.paragraph("  ", line, Paint::new());
    }
    streams(pen, load);
    latencies(pen, load, reference);
    rates(pen, load, reference);
    match &load.passive {
        Some(passive) => watched(pen, passive),
        None => ledger(pen, load),
    }
    calls(pen, load);
    errors(pen, load);
    generator(pen, load);
    for threshold in &load.thresholds {
        write_threshold(pen, threshold);
    }
}

/// Writes a line that begins with the name of what it is about.
fn named(pen: &mut Pen, name: &str, text: &str) {
    pen.line(&format!("  {name:10} {text}"));
}

fn streams(pen: &mut Pen, load: &LoadReport) {
    let streams = load.streams;
    let line = format!(
        "{} asked, {} opened, {} dropped, {} reconnects",
        streams.asked, streams.opened, streams.dropped, streams.reconnects
    );
    named(pen, "streams", &line);
}

fn latencies(pen: &mut Pen, load: &LoadReport, reference: Option<&LoadReport>) {
    let of = |report: &LoadReport| {
        let latencies = report.latency_us;
        [
            latencies.connect,
            latencies.fanout,
            latencies.gap,
            latencies.call,
        ]
    };
    let mut table = Builder::default();
    table.push_record(["latency", "p50", "p90", "p99", "p99.9", "max", "count"]);
    let beside = reference.map(of);
    for (place, (name, latency)) in ["connect", "fan-out", "gap", "call"]
        .into_iter()
        .zip(of(load))
        .enumerate()
        // Gaps are there only where the target emits by itself.
        .filter(|(_, (name, _))| *name != "gap" || load.passive.is_some())
    {
        table.push_record(row(pen, name, latency));
        if let Some(beside) = beside.as_ref().and_then(|beside| beside.get(place)) {
            table.push_record(row(pen, "  reference server", *beside));
            if latency.count > 0 && beside.count > 0 {
                table.push_record(ratios(pen, latency, *beside));
            }
        }
    }
    write_table(pen, table);
}

fn percentiles(latency: Latency) -> [u64; 5] {
    [
        latency.p50,
        latency.p90,
        latency.p99,
        latency.p99_9,
        latency.max,
    ]
}

/// A latency that was never measured has no figures: 0 would read as a very good one.
fn row(pen: &Pen, name: &str, latency: Latency) -> Vec<String> {
    let mut row = vec![name.to_owned()];
    if latency.count == 0 {
        row.push("not measured".to_owned());
        row.resize(7, String::new());
    } else {
        let shown = |us| units::micros(us, pen.style.unicode);
        row.extend(percentiles(latency).map(shown));
        row.push(latency.count.to_string());
    }
    row
}

fn ratios(pen: &Pen, latency: Latency, reference: Latency) -> Vec<String> {
    let times = if pen.style.unicode { "×" } else { "x" };
    let mut row = vec!["  ratio".to_owned()];
    for (ours, theirs) in percentiles(latency).into_iter().zip(percentiles(reference)) {
        let ratio = compare::ratio(ours, theirs);
        row.push(ratio.map_or_else(String::new, |ratio| {
            format!("{}{times}", units::three_digits(ratio))
        }));
    }
    row.resize(7, String::new());
    row
}

fn rates(pen: &mut Pen, load: &LoadReport, reference: Option<&LoadReport>) {
    let measured = match &load.passive {
        Some(passive) => passive.events > 0,
        None => load.not_exercised.is_none(),
    };
    let mut line = if !measured {
        "not measured".to_owned()
    } else {
        format!("{:.1} per second", load.events_per_s)
    };
    if let Some(reference) = reference.filter(|reference| reference.not_exercised.is_none()) {
        line.push_str(&format!(
            " (reference server: {:.1})",
            reference.events_per_s
        ));
    }
    named(pen, "events", &line);
}

fn ledger(pen: &mut Pen, load: &LoadReport) {
    let owed = load.deliveries;
    if load.not_exercised.is_some() && owed.expected == 0 {
        named(pen, "ledger", "not measured");
    } else {
        let line = format!(
            "{} expected, {} received, {} lost, {} duplicate, {} reordered, {} foreign",
            owed.expected, owed.received, owed.lost, owed.duplicate, owed.reordered, owed.foreign
        );
        named(pen, "ledger", &line);
    }
    let publishes = owed.publishes;
    let line = format!(
        "{} planned, {} sent, {} acknowledged, {} refused, {} not sent",
        publishes.planned,
        publishes.sent,
        publishes.acknowledged,
        publishes.refused,
        publishes.not_sent
    );
    named(pen, "publishes", &line);
    correlation(pen, load);
}

/// Says how arrivals were matched, where that bears on the figures.
fn correlation(pen: &mut Pen, load: &LoadReport) {
    let Some(correlation) = &load.correlation else {
        return;
    };
    let by = match (correlation.by, &correlation.notification) {
        (CorrelatedBy::Token, _) => return,
        (CorrelatedBy::Pattern, _) => "by the pattern of the trigger's texts".to_owned(),
        (CorrelatedBy::Order, kind) => {
            let kind = kind.as_deref().unwrap_or("notification");
            let uri = correlation.uri.as_ref();
            let uri = uri.map_or_else(String::new, |uri| format!(" of {}", pen.foreign(uri)));
            format!("by order, each {}{uri}", pen.foreign(kind))
        }
    };
    named(pen, "matched", &by);
    if let Some(meaning) = &correlation.meaning {
        let meaning = pen.foreign(meaning);
        pen.paragraph("    ", &meaning, Paint::new());
    }
}

/// What a target emitted by itself.
fn watched(pen: &mut Pen, passive: &PassiveReport) {
    let line = format!(
        "nothing was triggered; {} events arrived, {} streams had none",
        passive.events, passive.silent_streams
    );
    named(pen, "emitted", &line);
    if let Some(times) = &passive.timestamps {
        let unit = match &times.unit {
            Some(unit) => format!("read as {}", pen.foreign(unit)),
            None => "never read".to_owned(),
        };
        let line = format!("{} {unit}", pen.foreign(&times.path));
        named(pen, "times", &line);
        let line = format!(
            "{} read, {} events without one, {} later than the arrival (clock skew, in no latency)",
            times.read, times.missing, times.negative
        );
        pen.paragraph("    ", &line, Paint::new());
    }
}

fn calls(pen: &mut Pen, load: &LoadReport) {
    if let Some(method) = &load.calls.method {
        let tool = load.calls.tool.as_ref();
        let tool = tool.map_or_else(String::new, |tool| format!(" {}", pen.foreign(tool)));
        let line = format!(
            "{}{tool}: {} sent, {} without a result",
            pen.foreign(method),
            load.calls.sent,
            load.calls.errors
        );
        named(pen, "calls", &line);
    }
}

fn errors(pen: &mut Pen, load: &LoadReport) {
    if load.errors.is_empty() {
        named(pen, "errors", "none");
    }
    for (kind, count) in &load.errors {
        let line = format!("{count} {}", pen.foreign(kind));
        named(pen, "errors", &line);
    }
}

fn generator(pen: &mut Pen, load: &LoadReport) {
    let own = &load.generator;
    let cpu = own.cpu_s.map_or_else(
        || "CPU unknown".to_owned(),
        |seconds| format!("{seconds:.2} s CPU"),
    );
    let memory = own.rss_bytes_max.map_or_else(
        || "memory unknown".to_owned(),
        |size| format!("{} memory at most", units::bytes(size)),
    );
    named(pen, "generator", &format!("{cpu}, {memory}"));
    if own.saturated {
        let line = "generator saturated; figures are upper bounds";
        let line = pen.verdict(line, Verdict::Warn);
        pen.line(&format!("  {line}"));
        for reason in &own.reasons {
            let reason = pen.foreign(reason);
            pen.paragraph("    ", &reason, Paint::new());
        }
    }
}

fn write_threshold(pen: &mut Pen, threshold: &ThresholdResult) {
    let (word, verdict) = match threshold.verdict {
        ThresholdVerdict::Pass => ("PASS ", Verdict::Pass),
        ThresholdVerdict::Fail => ("FAIL ", Verdict::Fail),
        ThresholdVerdict::NotExercised => ("SKIP ", Verdict::Skip),
    };
    let word = pen.verdict(word, verdict);
    let observed = threshold.observed.as_ref().map_or_else(
        || "not measured".to_owned(),
        |observed| format!("observed {}", pen.foreign(observed)),
    );
    let expression = pen.foreign(&threshold.expression);
    pen.line(&format!("{word} threshold {expression}: {observed}"));
}
