//! Fixed reports for tests.

use super::document::{Comparison, Kind};
use super::latency::Tolerance;
use super::read::{Saved, SavedCheck, SavedLoad, SavedRun, SavedTarget};
use super::slices::{Sliced, order};
use crate::compare::slices::Side;
use crate::engine::Verdict;
use crate::load::report::{
    Calls, Deliveries, Latencies, Latency, Phases, PublishCounts, Streams, ThresholdResult,
    ThresholdVerdict,
};

pub(crate) fn check(id: &str, verdict: Verdict) -> SavedCheck {
    SavedCheck {
        id: id.to_owned(),
        requirement: Some(id.replace(['/', '#'], ".")),
        verdict,
    }
}

pub(crate) fn run(revision: &str, checks: Vec<SavedCheck>) -> SavedRun {
    SavedRun {
        transport: Some("streamable-http".to_owned()),
        revision: Some(revision.to_owned()),
        outcome: "tested".to_owned(),
        server: Some("example-server 1.2.0".to_owned()),
        checks,
    }
}

pub(crate) fn saved(runs: Vec<SavedRun>) -> Saved {
    Saved {
        started_unix_s: 1_764_000_000,
        target: SavedTarget {
            url: "http://127.0.0.1:8080/mcp".to_owned(),
        },
        runs,
        ..Saved::default()
    }
}

fn latency(p50: u64) -> Latency {
    Latency {
        p50,
        p90: p50 * 2,
        p99: p50 * 5,
        p99_9: p50 * 20,
        max: p50 * 50,
        count: 1_000,
    }
}

/// A load of ten seconds in which nothing was lost.
pub(crate) fn load(p50: u64) -> SavedLoad {
    SavedLoad {
        streams: Streams {
            asked: 100,
            opened: 100,
            ..Streams::default()
        },
        deliveries: Deliveries {
            expected: 10_000,
            received: 10_000,
            publishes: PublishCounts {
                planned: 100,
                sent: 100,
                acknowledged: 100,
                ..PublishCounts::default()
            },
            ..Deliveries::default()
        },
        latency_us: Latencies {
            fanout: latency(p50),
            call: latency(p50),
            connect: latency(p50),
            ..Latencies::default()
        },
        phases: Phases {
            measure_s: 10.0,
            ..Phases::default()
        },
        calls: Calls {
            sent: 20,
            ..Calls::default()
        },
        thresholds: vec![ThresholdResult {
            expression: "lost==0".to_owned(),
            observed: Some("0".to_owned()),
            verdict: ThresholdVerdict::Pass,
        }],
        ..SavedLoad::default()
    }
}

/// A baseline.
pub(crate) fn before() -> Saved {
    let checks = vec![
        check("tools/list#names-are-unique", Verdict::Pass),
        check("tools/call#result-has-shape", Verdict::Pass),
        check("messages/errors#unknown-method", Verdict::Fail),
        check("messages/ping#is-answered", Verdict::Skip),
        check("sessions/end#is-acknowledged", Verdict::Pass),
    ];
    Saved {
        load: Some(load(400)),
        ..saved(vec![run("2025-11-25", checks)])
    }
}

/// A change of each kind since.
pub(crate) fn after() -> Saved {
    let checks = vec![
        check("tools/list#names-are-unique", Verdict::Fail),
        check("tools/call#result-has-shape", Verdict::Skip),
        check("messages/errors#unknown-method", Verdict::Pass),
        check("messages/ping#is-answered", Verdict::Pass),
        check("sessions/end#stream-is-closed", Verdict::Pass),
    ];
    let mut gone = run("2025-06-18", Vec::new());
    gone.outcome = "not-offered".to_owned();
    let mut load = load(1_000);
    load.latency_us.connect = latency(380);
    load.deliveries.lost = 7;
    load.deliveries.received -= 7;
    if let Some(threshold) = load.thresholds.first_mut() {
        threshold.observed = Some("7".to_owned());
        threshold.verdict = ThresholdVerdict::Fail;
    }
    Saved {
        started_unix_s: 1_764_086_400,
        load: Some(load),
        ..saved(vec![run("2025-11-25", checks), gone])
    }
}

/// Another server.
pub(crate) fn other() -> Saved {
    let checks = vec![
        check("tools/list#names-are-unique", Verdict::Pass),
        check("tools/call#result-has-shape", Verdict::Warn),
        check("messages/errors#unknown-method", Verdict::Fail),
    ];
    let mut run = run("2025-06-18", checks);
    run.transport = Some("hybrid".to_owned());
    run.server = Some("another-server 0.3.1".to_owned());
    let mut saved = saved(vec![run]);
    saved.target.url = "http://127.0.0.1:9090/mcp".to_owned();
    saved
}

/// Six pairs in which the target is slower at fan-out, as fast to connect, and calls are unclear.
pub(crate) fn sliced() -> Sliced {
    let mut sliced = Sliced {
        pairs_asked: 6,
        slice_s: 2.0,
        streams: 100,
        rate: 10.0,
        target_call: Some("tools/call echo".to_owned()),
        reference_call: Some("tools/call echo".to_owned()),
        ..Sliced::default()
    };
    let noise = [0, 3, 1, 4, 2, 5];
    for (pair, noise) in noise.into_iter().enumerate() {
        for side in order(pair) {
            let mut slice = load(400 + noise * 2);
            if side == Side::Target {
                slice.latency_us.fanout = latency(900 + noise * 10);
                slice.latency_us.call = latency(350 + noise * 60);
            }
            sliced.add(pair, side, &slice);
        }
    }
    sliced
}

fn fixed(mut comparison: Comparison) -> Comparison {
    comparison.version = "0.1.0".to_owned();
    comparison.started_unix_s = 1_764_100_000;
    comparison
}

fn named(reports: Vec<(&str, Saved)>) -> Vec<(String, Saved)> {
    reports
        .into_iter()
        .map(|(name, saved)| (name.to_owned(), saved))
        .collect()
}

/// Two reports of one target.
pub(crate) fn changed() -> Comparison {
    let reports = named(vec![("main.json", before()), ("branch.json", after())]);
    fixed(Comparison::of_saved(&reports, Tolerance(0.1), false))
}

/// The same report twice.
pub(crate) fn unchanged() -> Comparison {
    let reports = named(vec![("first.json", before()), ("second.json", before())]);
    fixed(Comparison::of_saved(&reports, Tolerance(0.1), false))
}

/// Reports of several targets.
pub(crate) fn several() -> Comparison {
    let reports = named(vec![
        ("one.json", before()),
        ("two.json", after()),
        ("three.json", other()),
    ]);
    fixed(Comparison::of_saved(&reports, Tolerance(0.1), false))
}

/// A target beside the reference server.
pub(crate) fn beside() -> Comparison {
    let mut reference = before();
    for check in &mut reference.runs[0].checks {
        check.verdict = Verdict::Pass;
    }
    reference.runs[0].server = Some("mcp-plumb-reference-server 0.1.0".to_owned());
    reference.target.url = "http://127.0.0.1:40000/mcp".to_owned();
    let mut comparison = fixed(Comparison::beside_reference(
        &reference,
        &before(),
        Some(sliced()),
        Tolerance(0.1),
        false,
    ));
    comparison.elapsed_ms = 61_000;
    assert_eq!(comparison.kind, Kind::Reference);
    comparison
}
