//! Whole runs against a target that misdeals on purpose: the ledger gives exact counts, and every run ends.

use std::sync::Mutex;
use std::time::{Duration, Instant};

use tokio_util::sync::CancellationToken;

use super::clock::Phase;
use super::engine::{LoadObserver, Progress, Unobserved, run};
use super::outcome::LoadOutcome;
use super::plan::{Call, LoadPlan};
use super::report::ThresholdVerdict;
use super::test_target::{Fault, Target};
use crate::protocol::Revision;
use crate::protocol::dialect::Transport;

/// Goose runs one load at a time in a process.
static TURN: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());
/// No run here may take longer, however busy the machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// Ten publishes in half a second on five streams.
fn plan(target: &Target, transport: Transport) -> LoadPlan {
    LoadPlan {
        streams: 5,
        rate: 20.0,
        duration: Duration::from_millis(500),
        settle: Duration::from_millis(50),
        opens_per_s: 500.0,
        ..LoadPlan::new(target.url(), transport, Revision::V2025_11_25)
    }
}

async fn outcome(plan: LoadPlan, observer: &dyn LoadObserver) -> LoadOutcome {
    let run = tokio::time::timeout(PATIENCE, run(plan, observer));
    run.await.unwrap().unwrap()
}

fn verdict(outcome: &LoadOutcome, expression: &str) -> ThresholdVerdict {
    let found = outcome
        .report
        .thresholds
        .iter()
        .find(|it| it.expression == expression);
    found.unwrap().verdict
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_good_target_delivers_all_in_both_dialects_and_every_session_is_ended() {
    let _turn = TURN.lock().await;
    for transport in Transport::ALL {
        let target = Target::start(Fault::None);
        let plan = LoadPlan {
            callers: 2,
            calls_per_s: 10.0,
            call: Call::ping(),
            thresholds: vec![
                "connect.max<60s".parse().unwrap(),
                "call.error_rate==0".parse().unwrap(),
            ],
            ..plan(&target, transport)
        };
        let outcome = outcome(plan, &Unobserved).await;
        let report = &outcome.report;
        assert_eq!(report.not_exercised, None, "{report:#?}");
        let streams = report.streams;
        assert_eq!(
            (
                streams.asked,
                streams.opened,
                streams.dropped,
                streams.reconnects
            ),
            (5, 5, 0, 0)
        );
        let publishes = report.deliveries.publishes;
        assert_eq!(
            (publishes.planned, publishes.sent, publishes.acknowledged),
            (10, 10, 10)
        );
        assert_eq!((publishes.refused, publishes.not_sent), (0, 0));
        let deliveries = report.deliveries;
        assert_eq!(
            (deliveries.expected, deliveries.received),
            (50, 50),
            "{report:#?}"
        );
        assert_eq!((deliveries.lost, deliveries.duplicate), (0, 0));
        assert_eq!((deliveries.reordered, deliveries.foreign), (0, 0));
        assert_eq!(report.latency_us.fanout.count, 50);
        assert_eq!(report.latency_us.connect.count, 5);
        assert_eq!(
            (report.calls.sent, report.calls.errors),
            (10, 0),
            "{report:#?}"
        );
        assert_eq!(report.latency_us.call.count, 10);
        assert!(report.events_per_s > 0.0 && report.phases.measure_s >= 0.5);
        assert!(
            report
                .thresholds
                .iter()
                .all(|it| it.verdict == ThresholdVerdict::Pass),
            "{report:#?}"
        );
        assert!(!outcome.is_missed() && outcome.is_exercised());
        assert!(report.errors.is_empty(), "{:?}", report.errors);
        if transport == Transport::StreamableHttp {
            // Five streams, two callers, the publisher.
            assert_eq!(target.sessions(), (8, 8));
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_fault_is_counted_exactly_and_misses_its_threshold() {
    let _turn = TURN.lock().await;
    // (fault, expected, lost, duplicate, reordered, foreign, refused, the threshold that is missed)
    let cases = [
        (Fault::Lose, 50, 1, 0, 0, 0, 0, Some("lost==0")),
        (Fault::Duplicate, 50, 0, 1, 0, 0, 0, Some("duplicate==0")),
        (Fault::Foreign, 50, 0, 0, 0, 1, 0, Some("foreign==0")),
        (Fault::Reorder, 50, 0, 0, 1, 0, 0, Some("reordered==0")),
        (Fault::Refuse, 45, 0, 0, 0, 0, 1, None),
        (Fault::RefuseAndDeliver, 50, 0, 0, 0, 0, 1, None),
    ];
    for (fault, expected, lost, duplicate, reordered, foreign, refused, missed) in cases {
        let target = Target::start(fault);
        let plan = LoadPlan {
            drain_max: Duration::from_millis(300),
            ..plan(&target, Transport::StreamableHttp)
        };
        let outcome = outcome(plan, &Unobserved).await;
        let it = outcome.report.deliveries;
        let counts = (it.expected, it.lost, it.duplicate, it.reordered, it.foreign);
        assert_eq!(
            counts,
            (expected, lost, duplicate, reordered, foreign),
            "{fault:?}"
        );
        assert_eq!(it.received, expected - lost, "{fault:?}");
        assert_eq!(it.publishes.refused, refused, "{fault:?}");
        for expression in super::threshold::DEFAULTS {
            let wanted = if Some(expression) == missed {
                ThresholdVerdict::Fail
            } else {
                ThresholdVerdict::Pass
            };
            assert_eq!(
                verdict(&outcome, expression),
                wanted,
                "{fault:?} {expression}"
            );
        }
        assert_eq!(outcome.is_missed(), missed.is_some(), "{fault:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dropped_stream_comes_back_and_still_owes() {
    let _turn = TURN.lock().await;
    // (fault, how the stream ended, deliveries that must be lost)
    let cases = [
        (Fault::Drop, "stream: ended", 1),
        (Fault::EndlessLine, "stream: too large", 0),
    ];
    for (fault, kind, lost_min) in cases {
        let target = Target::start(fault);
        let plan = LoadPlan {
            // Longer than the first wait before a reconnect.
            duration: Duration::from_secs(1),
            rate: 10.0,
            drain_max: Duration::from_millis(300),
            ..plan(&target, Transport::StreamableHttp)
        };
        let report = outcome(plan, &Unobserved).await.report;
        let streams = report.streams;
        assert_eq!(
            (streams.opened, streams.dropped, streams.reconnects),
            (5, 1, 1),
            "{report:#?}"
        );
        assert!(report.deliveries.lost >= lost_min, "{report:#?}");
        assert_eq!(report.deliveries.expected, 50, "{fault:?}");
        assert_eq!(report.errors[kind], 1, "{fault:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_its_positive_control_nothing_about_deliveries_is_green() {
    let _turn = TURN.lock().await;
    let target = Target::start(Fault::Silent);
    let silent = outcome(plan(&target, Transport::StreamableHttp), &Unobserved).await;
    let without_trigger = LoadPlan {
        trigger: None,
        ..plan(&target, Transport::StreamableHttp)
    };
    let without_trigger = outcome(without_trigger, &Unobserved).await;
    for (outcome, why) in [
        (silent, "reached none of 5"),
        (without_trigger, "no tool is known"),
    ] {
        let report = &outcome.report;
        assert!(
            report.not_exercised.as_ref().unwrap().contains(why),
            "{report:#?}"
        );
        assert_eq!(report.deliveries.publishes.sent, 0);
        assert_eq!(report.streams.opened, 5);
        for expression in super::threshold::DEFAULTS {
            assert_eq!(
                verdict(&outcome, expression),
                ThresholdVerdict::NotExercised
            );
        }
    }
}

/// Acts once, when deliveries arrive in the measure phase.
struct OnFirstDelivery<F>(Mutex<Option<F>>);

impl<F: FnOnce() + Send> LoadObserver for OnFirstDelivery<F> {
    fn progress(&self, progress: &Progress) {
        if progress.phase == Phase::Measure
            && progress.events > 0
            && let Some(act) = self.0.lock().unwrap().take()
        {
            act();
        }
    }
}

/// A run that would take minutes.
fn long_plan(target: &Target) -> LoadPlan {
    LoadPlan {
        duration: Duration::from_secs(300),
        ..plan(target, Transport::StreamableHttp)
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stop_from_outside_ends_the_run_with_what_is_known() {
    let _turn = TURN.lock().await;
    let target = Target::start(Fault::None);
    let plan = long_plan(&target);
    let stop: CancellationToken = plan.stop.clone();
    let observer = OnFirstDelivery(Mutex::new(Some(move || stop.cancel())));
    let outcome = outcome(plan, &observer).await;
    assert!(outcome.interrupted && !outcome.report.target_died);
    let deliveries = outcome.report.deliveries;
    assert!(
        deliveries.received > 0 && deliveries.lost == 0,
        "{deliveries:?}"
    );
    assert!(outcome.report.phases.measure_s < 60.0);
    assert_eq!(target.sessions(), (6, 6));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stop_before_the_start_ends_the_run_at_once() {
    let _turn = TURN.lock().await;
    let target = Target::start(Fault::None);
    let plan = long_plan(&target);
    plan.stop.cancel();
    let outcome = outcome(plan, &Unobserved).await;
    assert!(outcome.interrupted);
    assert!(outcome.report.not_exercised.is_some());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_death_of_the_target_ends_the_run_with_what_is_known() {
    let _turn = TURN.lock().await;
    let target = std::sync::Arc::new(Target::start(Fault::None));
    let died_at = std::sync::Arc::new(Mutex::new(None));
    let observer = {
        let (target, died_at) = (target.clone(), died_at.clone());
        OnFirstDelivery(Mutex::new(Some(move || {
            target.die();
            *died_at.lock().unwrap() = Some(Instant::now());
        })))
    };
    let outcome = outcome(long_plan(&target), &observer).await;
    let after = died_at.lock().unwrap().unwrap().elapsed();
    assert!(after < Duration::from_secs(8), "{after:?}");
    assert!(outcome.report.target_died && !outcome.interrupted);
    let report = outcome.report;
    assert_eq!(report.streams.dropped, 5, "{report:#?}");
    assert!(report.deliveries.received > 0);
    assert!(
        report.errors["open stream: connect"] > 0,
        "{:?}",
        report.errors
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn where_nothing_listens_the_run_ends_soon_and_says_so() {
    let _turn = TURN.lock().await;
    let target = Target::start(Fault::None);
    target.die();
    let outcome = outcome(long_plan(&target), &Unobserved).await;
    assert!(outcome.report.target_died && !outcome.is_exercised());
    let why = outcome.report.not_exercised.unwrap();
    assert!(why.contains("could not be reached"), "{why}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_run_at_the_same_time_is_refused_and_leaves_the_first_alone() {
    let _turn = TURN.lock().await;
    let target = Target::start(Fault::None);
    let (first, second) = (plan(&target, Transport::StreamableHttp), long_plan(&target));
    let both = async { tokio::join!(run(first, &Unobserved), run(second, &Unobserved)) };
    let (first, second) = tokio::time::timeout(PATIENCE, both).await.unwrap();
    assert!(matches!(second, Err(super::LoadError::Scheduler(_))));
    assert_eq!(first.unwrap().report.deliveries.received, 50);
}
