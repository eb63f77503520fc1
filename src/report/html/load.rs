//! What the target holds, as the page shows it.

use super::chart::{Chart, Line, Scale, Unit};
use super::{Row, Text};
use crate::load::report::{Latency, LoadReport, Operation, Sample, ThresholdVerdict};
use crate::report::units;

/// The most points of a line: more are not seen, and the page stays small.
const POINTS_MAX: usize = 400;
/// The most kinds of errors, reasons and thresholds that are shown of each.
const ROWS_MAX: usize = 64;

/// The load section.
pub(super) struct Load {
    pub(super) notes: Vec<String>,
    pub(super) thresholds: Vec<Threshold>,
    pub(super) latencies: Vec<Latencies>,
    pub(super) charts: Vec<Drawn>,
    pub(super) ledger: Vec<Row>,
    pub(super) generator: Vec<Row>,
    pub(super) saturated: bool,
    pub(super) reasons: Vec<String>,
}

/// A threshold and what came of it.
pub(super) struct Threshold {
    pub(super) class: &'static str,
    pub(super) word: &'static str,
    pub(super) expression: String,
    pub(super) observed: String,
}

/// A row of figures.
pub(super) struct Latencies {
    pub(super) name: String,
    pub(super) figures: Vec<String>,
}

/// A drawing with its key. `svg` is our own markup.
pub(super) struct Drawn {
    pub(super) title: &'static str,
    pub(super) svg: String,
    pub(super) key: Vec<(&'static str, &'static str)>,
}

impl Load {
    pub(super) fn new(load: &LoadReport, reference: Option<&LoadReport>, text: &mut Text) -> Self {
        Self {
            notes: notes(load, text),
            thresholds: thresholds(load, text),
            latencies: latencies(load, reference),
            charts: charts(load, reference),
            ledger: ledger(load, text),
            generator: generator(load),
            saturated: load.generator.saturated,
            reasons: load
                .generator
                .reasons
                .iter()
                .take(ROWS_MAX)
                .map(|reason| text.field(reason))
                .collect(),
        }
    }
}

fn notes(load: &LoadReport, text: &mut Text) -> Vec<String> {
    let mut notes = Vec::new();
    if let Some(reason) = &load.not_exercised {
        notes.push(format!("Not all was measured: {}", text.field(reason)));
    }
    if load.target_died {
        notes.push(
            "The target died: no stream was left open, and it took no new connection.".to_owned(),
        );
    }
    if let Some(meaning) = load.correlation.as_ref().and_then(|it| it.meaning.as_ref()) {
        notes.push(format!("Matched by order: {}", text.field(meaning)));
    }
    notes
}

fn thresholds(load: &LoadReport, text: &mut Text) -> Vec<Threshold> {
    let shown = |threshold: &crate::load::report::ThresholdResult| {
        let (class, word) = match threshold.verdict {
            ThresholdVerdict::Pass => ("pass", "held"),
            ThresholdVerdict::Fail => ("fail", "missed"),
            ThresholdVerdict::NotExercised => ("skip", "not measured"),
        };
        Threshold {
            class,
            word,
            expression: text.field(&threshold.expression),
            observed: threshold
                .observed
                .as_ref()
                .map_or_else(|| "–".to_owned(), |observed| text.field(observed)),
        }
    };
    load.thresholds.iter().take(ROWS_MAX).map(shown).collect()
}

fn latencies(load: &LoadReport, reference: Option<&LoadReport>) -> Vec<Latencies> {
    let of = |report: &LoadReport| {
        let all = report.latency_us;
        [all.connect, all.fanout, all.gap, all.call]
    };
    let mut rows = Vec::new();
    let beside = reference.map(of);
    let names = ["connect", "fan-out", "gap", "call"];
    for (place, (name, latency)) in names.into_iter().zip(of(load)).enumerate() {
        if latency.count > 0 {
            rows.push(figures(name.to_owned(), latency));
        }
        let beside = beside.as_ref().and_then(|beside| beside.get(place));
        if let Some(beside) = beside.filter(|beside| beside.count > 0) {
            rows.push(figures(format!("{name}, reference server"), *beside));
        }
    }
    rows
}

fn figures(name: String, latency: Latency) -> Latencies {
    let Latency {
        p50,
        p90,
        p99,
        p99_9,
        max,
        count,
    } = latency;
    let times = [p50, p90, p99, p99_9, max].map(|us| units::micros(us, true));
    let mut figures = times.to_vec();
    figures.push(count.to_string());
    Latencies { name, figures }
}

fn row(name: &'static str, value: impl ToString) -> Row {
    Row {
        name: name.to_owned(),
        value: value.to_string(),
    }
}

fn ledger(load: &LoadReport, text: &mut Text) -> Vec<Row> {
    let (streams, owed) = (load.streams, load.deliveries);
    let publishes = owed.publishes;
    let mut rows = vec![
        row(
            "streams",
            format!(
                "{} asked, {} opened, {} dropped, {} reconnects",
                streams.asked, streams.opened, streams.dropped, streams.reconnects
            ),
        ),
        row("events per second", format!("{:.1}", load.events_per_s)),
    ];
    if let Some(passive) = &load.passive {
        rows.push(row("emitted by itself", passive.events));
        rows.push(row("silent streams", passive.silent_streams));
    } else {
        rows.extend([
            row("expected", owed.expected),
            row("received", owed.received),
            row("lost", owed.lost),
            row("duplicate", owed.duplicate),
            row("reordered", owed.reordered),
            row("foreign", owed.foreign),
            row(
                "publishes",
                format!(
                    "{} planned, {} sent, {} acknowledged, {} refused, {} not sent",
                    publishes.planned,
                    publishes.sent,
                    publishes.acknowledged,
                    publishes.refused,
                    publishes.not_sent
                ),
            ),
        ]);
    }
    if let Some(method) = &load.calls.method {
        let tool = load.calls.tool.as_deref().unwrap_or_default();
        let what = text.field(&format!("{method} {tool}"));
        let calls = load.calls.clone();
        rows.push(row(
            "calls",
            format!(
                "{what}: {} sent, {} without a result",
                calls.sent, calls.errors
            ),
        ));
    }
    for (kind, count) in load.errors.iter().take(ROWS_MAX) {
        rows.push(row("errors", format!("{count} {}", text.field(kind))));
    }
    rows
}

fn generator(load: &LoadReport) -> Vec<Row> {
    let own = &load.generator;
    let unknown = || "unknown".to_owned();
    let phases = load.phases;
    vec![
        row(
            "processor time",
            own.cpu_s.map_or_else(unknown, |s| format!("{s:.2} s")),
        ),
        row(
            "memory at most",
            own.rss_bytes_max.map_or_else(unknown, units::bytes),
        ),
        row(
            "own ticks late, p99",
            units::micros(own.canary_p99_us, true),
        ),
        row(
            "publishes late, p99",
            units::micros(own.publisher_lateness_p99_us, true),
        ),
        row(
            "phases",
            format!(
                "ramp {:.1} s, settle {:.1} s, measure {:.1} s, drain {:.1} s",
                phases.ramp_s, phases.settle_s, phases.measure_s, phases.drain_s
            ),
        ),
    ]
}

fn charts(load: &LoadReport, reference: Option<&LoadReport>) -> Vec<Drawn> {
    let mut charts = vec![percentiles(load, reference)];
    charts.extend(series(load));
    charts.into_iter().flatten().collect()
}

/// Latency over the share of latencies that are at most this long; each further nine takes the same room.
fn percentiles(load: &LoadReport, reference: Option<&LoadReport>) -> Option<Drawn> {
    let beside = reference.iter().flat_map(|load| &load.curves);
    let beside = beside.filter(|curve| curve.operation == Operation::Fanout);
    let own = load.curves.iter().map(|curve| (curve, false));
    let mut lines = Vec::new();
    for (curve, is_reference) in own.chain(beside.map(|curve| (curve, true))) {
        let (name, class) = match (curve.operation, is_reference) {
            (_, true) => ("fan-out, reference server", "reference"),
            (Operation::Fanout, _) => ("fan-out", "a"),
            (Operation::Connect, _) => ("connect", "b"),
            (Operation::Call, _) => ("call", "c"),
            (Operation::Gap, _) => ("gap", "d"),
        };
        let points = curve.points.iter().filter(|point| point.quantile < 1.0);
        // The longest has no place on this axis; the table tells it.
        let points = points.take(POINTS_MAX).map(|point| {
            #[expect(clippy::cast_precision_loss, reason = "a place on a chart")]
            let us = point.us as f64;
            (-(1.0 - point.quantile).log10(), Some(us))
        });
        lines.push(Line {
            name,
            class,
            points: points.collect(),
        });
    }
    let most = lines.iter().flat_map(|line| &line.points);
    let most = most.map(|(at, _)| *at).fold(1.0, f64::max);
    let marks = [
        (0.0, "0"),
        (1.0, "90 %"),
        (2.0, "99 %"),
        (3.0, "99.9 %"),
        (4.0, "99.99 %"),
        (5.0, "99.999 %"),
        (6.0, "99.9999 %"),
    ];
    let marks = marks.into_iter().filter(|(at, _)| *at <= most);
    drawn(
        "Latency by percentile",
        Chart {
            title: "Latency by percentile",
            below: "share of latencies at most this long",
            marks: marks.map(|(at, label)| (at, label.to_owned())).collect(),
            band: None,
            scale: Scale::Log,
            unit: Unit::Micros,
            lines,
        },
    )
}

fn series(load: &LoadReport) -> Vec<Option<Drawn>> {
    let samples = &load.series;
    let thinned: Vec<Sample> = samples
        .iter()
        .step_by(samples.len().div_ceil(POINTS_MAX).max(1))
        .copied()
        .collect();
    let line = |name, class, value: &dyn Fn(&Sample) -> Option<f64>| Line {
        name,
        class,
        // Nothing is known at the begin, which only has its place on the axis.
        points: std::iter::once((0.0, None))
            .chain(thinned.iter().map(|it| (it.t_s, value(it))))
            .collect(),
    };
    #[expect(clippy::cast_precision_loss, reason = "a place on a chart")]
    let number = |value: u64| value as f64;
    let over_time = |title, scale, unit, lines| {
        drawn(
            title,
            Chart {
                title,
                below: "seconds since the run began; shaded: measured",
                marks: seconds(&thinned),
                band: measured(load),
                scale,
                unit,
                lines,
            },
        )
    };
    if thinned.len() < 2 {
        return Vec::new();
    }
    vec![
        over_time(
            "Fan-out latency over time",
            Scale::Log,
            Unit::Micros,
            vec![
                line("p50", "a", &|it| it.fanout_p50_us.map(number)),
                line("p99", "b", &|it| it.fanout_p99_us.map(number)),
            ],
        ),
        over_time(
            "Events per second",
            Scale::Linear,
            Unit::Count,
            vec![line("events per second", "a", &|it| Some(it.events_per_s))],
        ),
        over_time(
            "Open streams",
            Scale::Linear,
            Unit::Count,
            vec![line("streams", "c", &|it| Some(number(it.streams)))],
        ),
        over_time(
            "Generator: processors in use",
            Scale::Linear,
            Unit::Count,
            vec![line("processors of mcp-plumb", "d", &|it| it.own_cpu)],
        ),
        over_time(
            "Generator: memory",
            Scale::Linear,
            Unit::Bytes,
            vec![line("memory of mcp-plumb", "d", &|it| {
                it.own_rss_bytes.map(number)
            })],
        ),
    ]
}

fn drawn(title: &'static str, chart: Chart<'_>) -> Option<Drawn> {
    let svg = chart.svg()?;
    let key = chart.lines.iter();
    Some(Drawn {
        title,
        svg,
        key: key.map(|line| (line.class, line.name)).collect(),
    })
}

/// At most nine round marks, from the begin of the run on.
fn seconds(samples: &[Sample]) -> Vec<(f64, String)> {
    let span = samples.last().map_or(1.0, |last| last.t_s.max(1.0));
    let steps = [
        1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 300.0, 600.0, 1_800.0, 3_600.0,
    ];
    let step = steps.into_iter().find(|step| span / step <= 8.0);
    let step = step.unwrap_or(span / 6.0);
    (0..=8_u32)
        .map(|place| f64::from(place) * step)
        .take_while(|at| *at <= span)
        .map(|at| (at, units::three_digits(at)))
        .collect()
}

/// When the measure phase was, in seconds since the run began.
fn measured(load: &LoadReport) -> Option<(f64, f64)> {
    let from = load.phases.ramp_s + load.phases.settle_s;
    (load.phases.measure_s > 0.0).then_some((from, from + load.phases.measure_s))
}
