//! Fixed documents for tests, and the files in `reports/` that are made from code.

use std::fs;
use std::path::Path;

use hdrhistogram::Histogram;

use crate::catalog::Level;
use crate::compare::{READS, Saved, samples as compare};
use crate::engine::{SkipReason, Verdict};
use crate::load::LoadReport;
use crate::load::report::{
    Calls, Curve, Deliveries, Generator, Latencies, Latency, Operation, Phases, PublishCounts,
    Sample, SamplePhase, Streams, ThresholdResult, ThresholdVerdict,
};
use crate::transport::recorder::{Direction, Record, RecordKind};

use super::document::{Document, Target, Tool};
use super::run::{Check, Coverage, Detection, Outcome, Run, Summary};
use super::{badge, csv, hlog, html, json, junit, markdown, ndjson, terminal, wire};

/// A document about a target of which nothing became known.
pub(super) fn minimal() -> Document {
    let mut document = Document::new(Target {
        url: "http://127.0.0.1:8080/mcp".to_owned(),
        unverified: false,
    });
    document.tool = Tool {
        name: "mcp-plumb",
        version: "0.1.0",
    };
    document.started_unix_s = 1_764_000_000;
    document
}

/// A run of which all is known but what its checks found.
fn run(revision: &str) -> Run {
    Run {
        transport: Some("streamable-http".to_owned()),
        revision: Some(revision.to_owned()),
        outcome: Outcome::Tested,
        negotiated: Some(revision.to_owned()),
        server: Some("example-server 1.2.0".to_owned()),
        detection: Detection {
            guessed: true,
            because: Some("initialize is answered with a session id".to_owned()),
            offers: vec!["2025-06-18".to_owned(), "2025-11-25".to_owned()],
            notes: vec!["POST /mcp initialize: status 200 application/json, a result".to_owned()],
        },
        ..Run::default()
    }
}

/// A run that could not be made.
fn untested(revision: &str, outcome: Outcome, why: &str) -> Run {
    Run {
        transport: None,
        revision: Some(revision.to_owned()),
        outcome,
        why: Some(why.to_owned()),
        ..Run::default()
    }
}

fn identified(run: Run) -> Document {
    let mut document = minimal();
    document.elapsed_ms = 2_345;
    document.add_run(run);
    document
}

/// A check with nothing optional but its requirement.
pub(super) fn check(id: &str, requirement: &str, level: Level, verdict: Verdict) -> Check {
    Check {
        id: id.to_owned(),
        requirement: Some(requirement.to_owned()),
        level,
        verdict,
        skip_reason: None,
        reason: None,
        expected: None,
        got: None,
        evidence: Vec::new(),
        curl: None,
        file: None,
    }
}

fn passing() -> Vec<Check> {
    vec![
        check(
            "jsonrpc/errors#unknown-method",
            "jsonrpc.method-not-found-32601",
            Level::Must,
            Verdict::Pass,
        ),
        check(
            "tools/list#names-are-unique",
            "tools.list.name-unique",
            Level::Should,
            Verdict::Pass,
        ),
        check(
            "tools/list#entries-have-shape",
            "tools.list.entry-shape",
            Level::Must,
            Verdict::Pass,
        ),
    ]
}

fn skipped() -> Check {
    Check {
        skip_reason: Some(SkipReason::ToolNotOffered),
        reason: Some("no tool is known to be safe to call: name one with --allow-tool".to_owned()),
        ..check(
            "tools/call#result-has-shape",
            "tools.call.result-shape",
            Level::Must,
            Verdict::Skip,
        )
    }
}

fn with_checks(mut run: Run, checks: Vec<Check>, exercised: usize) -> Run {
    run.summary = Summary::of(&checks);
    run.checks = checks;
    run.coverage = Some(Coverage {
        requirements: 316,
        testable: 214,
        exercised,
        not_exercised: [
            ("no-check", 214 - exercised - 21),
            ("capability-not-declared", 20),
            ("tool-not-offered", 1),
        ]
        .map(|(reason, count)| (reason.to_owned(), count))
        .into(),
    });
    run
}

/// A run in which everything that could be exercised held.
pub(super) fn green() -> Document {
    let mut checks = passing();
    checks.push(skipped());
    identified(with_checks(run("2025-11-25"), checks, 3))
}

/// Checks of every verdict.
fn mixed() -> Vec<Check> {
    let mut checks = passing();
    checks.extend([
        Check {
            expected: Some("status 202 with no body".to_owned()),
            got: Some("status 200 with a body of 17 bytes".to_owned()),
            evidence: vec![3, 4],
            curl: Some(
                "curl -sS -X POST -H 'content-type: application/json' --data \
                 '{\"jsonrpc\":\"2.0\",\"method\":\"notifications/initialized\"}' http://127.0.0.1:8080/mcp"
                    .to_owned(),
            ),
            file: Some("scenarios/streamable/post.yaml".to_owned()),
            ..check(
                "streamable/post#notification-is-accepted",
                "streamable.post.notification-202",
                Level::Must,
                Verdict::Fail,
            )
        },
        Check {
            expected: Some("names of at most 128 characters".to_owned()),
            got: Some("a name of 140 characters".to_owned()),
            evidence: vec![9],
            ..check(
                "tools/list#names-are-short",
                "tools.list.name-length",
                Level::Should,
                Verdict::Warn,
            )
        },
        skipped(),
        Check {
            requirement: None,
            got: Some("the template ${tool.unknown} names nothing".to_owned()),
            ..check("own/scenario#step-1", "", Level::Practice, Verdict::Error)
        },
    ]);
    checks
}

/// A run with a check of every verdict.
pub(super) fn red() -> Document {
    let mut document = identified(with_checks(run("2025-11-25"), mixed(), 5));
    document.records = vec![
        record(3, Direction::Out, RecordKind::Request, "POST /mcp HTTP/1.1"),
        record(4, Direction::In, RecordKind::Response, "HTTP/1.1 200"),
    ];
    document.exit_code = 1;
    document
}

/// All revisions asked for: two that the server speaks, and what it finds to be wrong at one or at both.
pub(super) fn matrix() -> Document {
    let mut document = minimal();
    document.elapsed_ms = 4_567;
    let why = "this version does not test it";
    document.add_run(untested("2024-11-05", Outcome::NotTestable, why));
    let why = "asked for it, it offers \"2025-11-25\"";
    document.add_run(untested("2025-03-26", Outcome::NotOffered, why));
    let mut older = mixed();
    older.retain(|check| check.verdict != Verdict::Error);
    for check in &mut older {
        if check.verdict == Verdict::Warn {
            check.got = Some("a name of 130 characters".to_owned());
        }
    }
    let mut newer = older.clone();
    older.push(Check {
        expected: Some("an error with code -32601".to_owned()),
        got: Some("a result".to_owned()),
        evidence: vec![12],
        ..check(
            "messages/errors#unknown-method",
            "jsonrpc.method-not-found-32601",
            Level::Must,
            Verdict::Fail,
        )
    });
    for check in &mut newer {
        if check.verdict == Verdict::Warn {
            check.got = Some("a name of 140 characters".to_owned());
        }
    }
    document.add_run(with_checks(run("2025-06-18"), older, 6));
    document.add_run(with_checks(run("2025-11-25"), newer, 5));
    let why = "asked for it, it answers with error -32601";
    document.add_run(untested("2026-07-28", Outcome::NotOffered, why));
    document.exit_code = 1;
    document
}

/// A server of which little could be exercised over a transport that was guessed.
pub(super) fn doubtful() -> Document {
    let mut run = run("2025-11-25");
    run.doubt = Some(
        "the handshake failed (status 404). Is streamable-http the right transport? It was guessed because it answers a \
         POST with success; force another with --transport"
            .to_owned(),
    );
    let mut document = identified(with_checks(run, vec![skipped()], 0));
    document.exit_code = 4;
    document
}

fn record(n: u32, direction: Direction, kind: RecordKind, head: &str) -> Record {
    Record {
        n,
        t_us: u64::from(n) * 1000,
        exchange: 2,
        direction,
        kind,
        head: head.to_owned(),
        headers: vec![("content-type".to_owned(), "application/json".to_owned())],
        body: Some("{\"jsonrpc\":\"2.0\"}".to_owned()),
        bytes: Some(17),
    }
}

fn latency(p50: u64) -> Latency {
    Latency {
        p50,
        p90: p50 * 2,
        p99: p50 * 5,
        p99_9: p50 * 20,
        max: p50 * 50,
        count: 20_000,
    }
}

/// `count` latencies with the percentiles of [`latency`].
fn curve(operation: Operation, p50: u32, count: u32) -> Curve {
    // At so many nines the latency is so many times the median.
    let course = [
        (0.0, 0.5),
        (0.301, 1.0),
        (1.0, 2.0),
        (2.0, 5.0),
        (3.0, 20.0),
        (4.0, 50.0),
    ];
    let times = |nines: f64| {
        let above = course
            .iter()
            .position(|(at, _)| *at >= nines)
            .unwrap_or(5)
            .max(1);
        let ((from, low), (to, high)) = (course[above - 1], course[above]);
        let share = ((nines - from) / (to - from)).clamp(0.0, 1.0);
        low * f64::powf(high / low, share)
    };
    let mut histogram = Histogram::new_with_bounds(1, 60_000_000, 3).unwrap();
    for n in 1..=count {
        let nines = -(1.0 - (f64::from(n) - 0.5) / f64::from(count)).log10();
        let us = f64::from(p50) * times(nines);
        histogram.record(us.round() as u64).unwrap();
    }
    Curve::of_histogram(operation, &histogram).unwrap()
}

/// The course of a run with a stall in the middle.
fn series(p50: u32) -> Vec<Sample> {
    let sample = |t_s: u32| {
        let phase = match t_s {
            1 | 2 => SamplePhase::Ramp,
            3 => SamplePhase::Settle,
            4..=13 => SamplePhase::Measure,
            _ => SamplePhase::Drain,
        };
        let measures = phase == SamplePhase::Measure;
        let stall = if t_s == 8 { 6 } else { 1 };
        let us = u64::from(p50 * stall + t_s % 3 * 40);
        Sample {
            // The drain took half a second.
            t_s: f64::from(t_s).min(13.5),
            phase,
            streams: if t_s == 1 {
                120
            } else {
                200 - u64::from(t_s == 8) * 2
            },
            events_per_s: if measures {
                2_000.0 - f64::from(stall * 60) + f64::from(t_s * 7)
            } else {
                0.0
            },
            fanout_p50_us: measures.then_some(us),
            fanout_p99_us: measures.then_some(us * 5),
            own_cpu: Some(0.05 + f64::from(t_s % 4) * 0.03 + if measures { 0.25 } else { 0.0 }),
            own_rss_bytes: Some((30 + u64::from(t_s)) * 1024 * 1024),
        }
    };
    (1..=14).map(sample).collect()
}

fn load_report(fanout_p50: u32) -> LoadReport {
    LoadReport {
        streams: Streams {
            asked: 200,
            opened: 200,
            dropped: 2,
            reconnects: 2,
        },
        deliveries: Deliveries {
            expected: 20_000,
            received: 19_998,
            lost: 2,
            duplicate: 0,
            reordered: 1,
            foreign: 0,
            publishes: PublishCounts {
                planned: 100,
                sent: 100,
                acknowledged: 99,
                refused: 1,
                not_sent: 0,
            },
        },
        latency_us: Latencies {
            fanout: latency(fanout_p50.into()),
            call: Latency::default(),
            connect: latency(12_345),
            ..Latencies::default()
        },
        curves: vec![
            curve(Operation::Connect, 12_345, 20_000),
            curve(Operation::Fanout, fanout_p50, 19_998),
        ],
        series: series(fanout_p50),
        events_per_s: 1_999.8,
        generator: Generator {
            saturated: true,
            reasons: vec!["own ticks were 80 ms late at the 99th percentile".to_owned()],
            cpu_s: Some(3.21),
            rss_bytes_max: Some(48 * 1024 * 1024),
            canary_p99_us: 80_000,
            publisher_lateness_p99_us: 900,
        },
        phases: Phases {
            ramp_s: 2.0,
            settle_s: 1.0,
            measure_s: 10.0,
            drain_s: 0.5,
        },
        calls: Calls {
            method: Some("tools/call".to_owned()),
            tool: Some("echo".to_owned()),
            sent: 12,
            errors: 1,
        },
        errors: [("connect refused".to_owned(), 3)].into(),
        thresholds: vec![
            ThresholdResult {
                expression: "fanout.p99<5ms".to_owned(),
                observed: Some("4.25 ms".to_owned()),
                verdict: ThresholdVerdict::Pass,
            },
            ThresholdResult {
                expression: "lost==0".to_owned(),
                observed: Some("2".to_owned()),
                verdict: ThresholdVerdict::Fail,
            },
            ThresholdResult {
                expression: "call.p99<1s".to_owned(),
                observed: None,
                verdict: ThresholdVerdict::NotExercised,
            },
        ],
        target_died: false,
        not_exercised: None,
        ..LoadReport::default()
    }
}

/// Load beside the reference server, with every verdict that a threshold has.
pub(super) fn load() -> Document {
    let mut document = identified(run("2025-11-25"));
    document.load = Some(load_report(850));
    document.reference = Some(load_report(400));
    document.exit_code = 5;
    document
}

/// A run that was cut short before anything was exercised.
pub(super) fn interrupted() -> Document {
    let mut document = minimal();
    document.add_run(untested(
        "2025-11-25",
        Outcome::NotBegun,
        "the run was interrupted before",
    ));
    document.interrupted = true;
    document.not_exercised = Some("no scenario had ended".to_owned());
    document.load = Some(LoadReport {
        not_exercised: Some("the control publish did not arrive".to_owned()),
        ..LoadReport::default()
    });
    document.exit_code = 130;
    document
}

/// A document that has every optional part.
pub(super) fn full() -> Document {
    let mut document = Document {
        load: load().load,
        reference: load().reference,
        not_exercised: Some("for the schema".to_owned()),
        interrupted: true,
        ..red()
    };
    for run in matrix().runs.into_iter().chain(doubtful().runs) {
        document.add_run(run);
    }
    document
}

const PLAIN: terminal::Style = terminal::Style {
    colour: false,
    unicode: true,
    strict: false,
    width: 100,
};

/// Every generated file under `reports/`, with what it holds.
fn generated() -> Vec<(&'static str, String)> {
    let pretty = |value: serde_json::Value| format!("{value:#}\n");
    vec![
        ("schema/report.schema.json", pretty(json::schema())),
        (
            "schema/compare.schema.json",
            pretty(json::comparison_schema()),
        ),
        (
            "schema/scenario.schema.json",
            pretty(crate::scenario::json_schema()),
        ),
        ("samples/check.json", json::render(&red()).unwrap()),
        ("samples/check.xml", junit::render(&red(), false).unwrap()),
        ("samples/check.txt", terminal::render(&red(), PLAIN)),
        ("samples/check-green.txt", terminal::render(&green(), PLAIN)),
        ("samples/matrix.json", json::render(&matrix()).unwrap()),
        (
            "samples/matrix.xml",
            junit::render(&matrix(), false).unwrap(),
        ),
        ("samples/matrix.txt", terminal::render(&matrix(), PLAIN)),
        ("samples/doubtful.txt", terminal::render(&doubtful(), PLAIN)),
        ("samples/load.json", json::render(&load()).unwrap()),
        ("samples/load.xml", junit::render(&load(), false).unwrap()),
        ("samples/load.txt", terminal::render(&load(), PLAIN)),
        ("samples/check.html", html::render(&red(), false).unwrap()),
        ("samples/check.md", markdown::render(&red(), false)),
        ("samples/check.ndjson", ndjson::render(&red()).unwrap()),
        ("samples/check.wire.txt", wire::render(&red())),
        ("samples/badge.json", badge::render(&red())),
        (
            "samples/matrix.html",
            html::render(&matrix(), false).unwrap(),
        ),
        ("samples/matrix.md", markdown::render(&matrix(), false)),
        ("samples/load.html", html::render(&load(), false).unwrap()),
        ("samples/load.md", markdown::render(&load(), false)),
        ("samples/load.ndjson", ndjson::render(&load()).unwrap()),
        ("samples/load.csv", csv::render(&load())),
        ("samples/load.hlog", hlog::render(&load())),
        (
            "samples/compare.json",
            json::render(&compare::changed()).unwrap(),
        ),
        (
            "samples/compare.txt",
            terminal::render_comparison(&compare::changed(), PLAIN),
        ),
        (
            "samples/compare-same.txt",
            terminal::render_comparison(&compare::unchanged(), PLAIN),
        ),
        (
            "samples/compare-several.txt",
            terminal::render_comparison(&compare::several(), PLAIN),
        ),
        (
            "samples/compare-reference.txt",
            terminal::render_comparison(&compare::beside(), PLAIN),
        ),
        (
            "samples/interrupted.txt",
            terminal::render(&interrupted(), PLAIN),
        ),
    ]
}

#[test]
fn generated_files_are_as_committed() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("reports");
    let updates = std::env::var_os("UPDATE_SCHEMAS").is_some_and(|value| value == "1");
    let mut drifted = Vec::new();
    for (name, text) in generated() {
        let path = root.join(name);
        if updates {
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, text).unwrap();
        } else if fs::read_to_string(&path).ok().as_ref() != Some(&text) {
            drifted.push(name);
        }
    }
    assert!(
        drifted.is_empty(),
        "differ from what the code makes: {drifted:?}. To write them again, run \
         `UPDATE_SCHEMAS=1 cargo test -p mcp-plumb generated_files` and read the diff"
    );
}

#[test]
fn the_same_document_gives_the_same_bytes() {
    assert_eq!(generated(), generated());
}

#[test]
fn documents_follow_the_schema() {
    let schema = jsonschema::validator_for(&json::schema()).unwrap();
    for document in [
        minimal(),
        green(),
        red(),
        matrix(),
        doubtful(),
        load(),
        interrupted(),
        full(),
    ] {
        let value: serde_json::Value =
            serde_json::from_str(&json::render(&document).unwrap()).unwrap();
        let faults: Vec<String> = schema
            .iter_errors(&value)
            .map(|error| error.to_string())
            .collect();
        assert_eq!(faults, Vec::<String>::new());
    }
}

#[test]
fn runs_read_back_from_json_as_they_were() {
    for document in [red(), matrix(), doubtful(), interrupted(), full()] {
        let json = json::render(&document).unwrap();
        let mut value: serde_json::Value = serde_json::from_str(&json).unwrap();
        let runs: Vec<Run> = serde_json::from_value(value["runs"].take()).unwrap();
        assert_eq!(runs, document.runs);
        let summaries = runs.iter().map(|run| run.summary);
        assert_eq!(
            summaries.fold(Summary::default(), Summary::and),
            document.summary
        );
    }
}

#[test]
fn comparisons_follow_their_schema() {
    let schema = jsonschema::validator_for(&json::comparison_schema()).unwrap();
    for comparison in [
        compare::changed(),
        compare::unchanged(),
        compare::several(),
        compare::beside(),
    ] {
        let value = serde_json::to_value(comparison).unwrap();
        assert!(schema.is_valid(&value), "{value:#}");
    }
}

#[test]
fn reports_are_read_by_compare() {
    assert_eq!(READS, super::document::SCHEMA);
    for document in [minimal(), red(), matrix(), load(), interrupted(), full()] {
        let json = json::render(&document).unwrap();
        let saved = Saved::parse(json.as_bytes()).unwrap();
        assert_eq!(saved.target.url, document.target.url);
        let checks = saved.runs.iter().map(|run| run.checks.len()).sum::<usize>();
        assert_eq!(checks, document.checks().count());
        assert_eq!(saved.load.is_some(), document.load.is_some());
    }
}

#[test]
fn the_schema_refuses_what_is_no_report() {
    let schema = jsonschema::validator_for(&json::schema()).unwrap();
    let good = serde_json::to_value(red()).unwrap();
    let cases = [
        ("/schema", serde_json::json!("mcp-plumb/report/1")),
        ("/exit_code", serde_json::json!(256)),
        ("/runs/0/checks/0/verdict", serde_json::json!("maybe")),
        ("/runs/0/checks/0/level", serde_json::json!("must")),
        ("/runs/0/outcome", serde_json::json!("untested")),
        ("/target/url", serde_json::Value::Null),
    ];
    for (pointer, value) in cases {
        let mut bad = good.clone();
        *bad.pointer_mut(pointer).unwrap() = value;
        assert!(!schema.is_valid(&bad), "{pointer}");
    }
}

#[test]
fn the_schemas_are_titled_and_of_2020_12() {
    for schema in [json::schema(), crate::scenario::json_schema()] {
        assert_eq!(
            schema["$schema"],
            "https://json-schema.org/draft/2020-12/schema"
        );
        assert!(schema["title"].is_string());
        jsonschema::meta::validate(&schema).unwrap();
    }
}
