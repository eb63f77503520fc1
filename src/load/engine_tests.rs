//! Whole runs against a target that misdeals on purpose: the ledger gives exact counts, and every run ends.

use std::sync::Mutex;
use std::time::{Duration, Instant};

use tokio_util::sync::CancellationToken;

use super::clock::Phase;
use super::correlation::Correlate;
use super::engine::{LoadObserver, Progress, Unobserved, run};
use super::outcome::LoadOutcome;
use super::passive::Passive;
use super::plan::{Call, LoadPlan, Source};
use super::report::{CorrelatedBy, ThresholdVerdict};
use super::test_target::{Fault, Target};
use super::trigger::{HttpTrigger, ToolTrigger, Trigger};
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
    for transport in [Transport::StreamableHttp, Transport::Hybrid] {
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
        source: Source::Unknown,
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

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn notifications_without_a_payload_are_counted_by_order_to_the_number() {
    let _turn = TURN.lock().await;
    // (what goes wrong, lost, duplicate, the threshold that is missed)
    let cases = [
        (Fault::BareLose, 3, 0, "lost==0"),
        (Fault::BareDouble, 0, 2, "duplicate==0"),
    ];
    for (fault, lost, duplicate, missed) in cases {
        for correlate in [Correlate::Auto, Correlate::Order] {
            let target = Target::start(fault);
            let plan = LoadPlan {
                correlate,
                drain_max: Duration::from_millis(300),
                ..plan(&target, Transport::StreamableHttp)
            };
            let outcome = outcome(plan, &Unobserved).await;
            let report = &outcome.report;
            let correlation = report.correlation.as_ref().unwrap();
            assert_eq!(correlation.by, CorrelatedBy::Order, "{report:#?}");
            assert_eq!(
                correlation.notification.as_deref(),
                Some("notifications/tools/list_changed")
            );
            assert!(
                correlation
                    .meaning
                    .as_ref()
                    .unwrap()
                    .contains("wrong publish")
            );
            let it = report.deliveries;
            assert_eq!(
                (it.expected, it.received, it.lost, it.duplicate),
                (50, 50 - lost, lost, duplicate),
                "{fault:?} {correlate:?}"
            );
            assert_eq!((it.reordered, it.foreign), (0, 0));
            // A loss is the last publish of that stream, as far as can be told; a second arrival has no latency.
            let latencies = report.latency_us.fanout.count;
            assert!(
                latencies <= 50 && latencies >= 50 - lost - duplicate,
                "{report:#?}"
            );
            assert_eq!(verdict(&outcome, missed), ThresholdVerdict::Fail);
            for unknown in ["reordered==0", "foreign==0"] {
                assert_eq!(verdict(&outcome, unknown), ThresholdVerdict::NotExercised);
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_that_arrives_is_the_better_witness() {
    let _turn = TURN.lock().await;
    let target = Target::start(Fault::BareBeside);
    let report = outcome(plan(&target, Transport::StreamableHttp), &Unobserved)
        .await
        .report;
    assert_eq!(report.correlation.unwrap().by, CorrelatedBy::Token);
    assert_eq!(
        (report.deliveries.received, report.deliveries.duplicate),
        (50, 0)
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_asked_for_and_does_not_arrive_is_not_made_up_for() {
    let _turn = TURN.lock().await;
    // (the target, how arrivals are to be matched, why nothing was measured)
    let cases = [
        (Fault::BareLose, Correlate::Token, "no room for a token"),
        (Fault::None, Correlate::Order, "counted by order"),
        (Fault::Silent, Correlate::Auto, "reached none of 5"),
    ];
    for (fault, correlate, why) in cases {
        let target = Target::start(fault);
        let plan = LoadPlan {
            correlate,
            ..plan(&target, Transport::StreamableHttp)
        };
        let report = outcome(plan, &Unobserved).await.report;
        let reason = report.not_exercised.unwrap();
        assert!(reason.contains(why), "{fault:?}: {reason}");
        assert_eq!((report.deliveries.expected, report.correlation), (0, None));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_publish_is_found_by_the_pattern_that_the_user_wrote() {
    let _turn = TURN.lock().await;
    let target = Target::start(Fault::Lose);
    let arguments = serde_json::json!({"payload": "<\"{run}\"> no. {seq}"});
    let trigger = ToolTrigger {
        tool: "publish".to_owned(),
        arguments: arguments.as_object().unwrap().clone(),
    };
    let plan = LoadPlan {
        source: Source::Trigger(Trigger::Tool(trigger)),
        drain_max: Duration::from_millis(300),
        ..plan(&target, Transport::StreamableHttp)
    };
    let report = outcome(plan, &Unobserved).await.report;
    assert_eq!(report.correlation.unwrap().by, CorrelatedBy::Pattern);
    let it = report.deliveries;
    assert_eq!((it.expected, it.received, it.lost), (50, 49, 1));
    assert_eq!((it.duplicate, it.reordered, it.foreign), (0, 0, 0));
}

fn http(target: &Target, path: &str) -> Source {
    let request = format!(
        "POST {} {{\"payload\": \"{{token}}\"}}",
        target.beside(path)
    );
    Source::Trigger(Trigger::Http(HttpTrigger::parse(&request).unwrap()))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_http_request_publishes_and_its_status_says_whether_it_did() {
    let _turn = TURN.lock().await;
    for (fault, expected, refused) in [(Fault::None, 50, 0), (Fault::Refuse, 45, 1)] {
        let target = Target::start(fault);
        let mut headers = crate::protocol::Headers::new();
        headers.push("Authorization", "Bearer key");
        let plan = LoadPlan {
            source: http(&target, "/emit"),
            headers,
            ..plan(&target, Transport::StreamableHttp)
        };
        let report = outcome(plan, &Unobserved).await.report;
        assert_eq!(report.not_exercised, None, "{report:#?}");
        assert_eq!(report.deliveries.received, expected, "{report:#?}");
        assert_eq!(report.deliveries.lost, 0);
        assert_eq!(report.deliveries.publishes.refused, refused);
        // Five streams; an HTTP trigger needs no session.
        assert_eq!(target.sessions(), (5, 5));
        let key = Some("Bearer key".to_owned());
        assert_eq!(target.credentials(), vec![key; 11]);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_http_trigger_gives_nothing_away_and_goes_nowhere_else() {
    let _turn = TURN.lock().await;
    let (target, other) = (Target::start(Fault::None), Target::start(Fault::None));
    let mut headers = crate::protocol::Headers::new();
    headers.push("Authorization", "Bearer key");
    // (where the trigger goes, why nothing was measured)
    let gone = Target::start(Fault::None);
    gone.die();
    let cases = [
        (http(&other, "/emit"), "reached none of 5"),
        (http(&target, "/moved"), "a redirect is not followed"),
        (http(&target, "/nowhere"), "status 404"),
        (http(&gone, "/emit"), "cannot connect"),
    ];
    for (source, why) in cases {
        let plan = LoadPlan {
            source,
            headers: headers.clone(),
            ..plan(&target, Transport::StreamableHttp)
        };
        let report = outcome(plan, &Unobserved).await.report;
        let reason = report.not_exercised.unwrap();
        assert!(reason.contains(why), "{reason}");
        assert!(!report.target_died);
    }
    assert_eq!(other.credentials(), [None]);
    assert_eq!(target.publishes(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_target_that_emits_by_itself_is_timed_by_its_own_clock() {
    let _turn = TURN.lock().await;
    for (fault, path, measured) in [
        (Fault::Emit, Some("$.params.data.ts"), true),
        (Fault::EmitAhead, Some("$.params.data.ts"), true),
        (Fault::Emit, None, true),
        (Fault::Emit, Some("$.params.at"), false),
        (Fault::None, None, false),
    ] {
        let target = Target::start(fault);
        let plan = LoadPlan {
            source: Source::Passive(Passive {
                timestamp: path.map(|path| path.parse().unwrap()),
            }),
            thresholds: vec![
                "gap.max<60s".parse().unwrap(),
                "fanout.max<60s".parse().unwrap(),
            ],
            ..plan(&target, Transport::StreamableHttp)
        };
        let outcome = outcome(plan, &Unobserved).await;
        let report = &outcome.report;
        assert_eq!(report.not_exercised.is_none(), measured, "{report:#?}");
        assert_eq!(
            (report.deliveries.publishes.planned, target.publishes()),
            (0, 0)
        );
        let passive = report.passive.as_ref().unwrap();
        let fanout = report.latency_us.fanout.count;
        let judged = |metric| verdict(&outcome, metric) == ThresholdVerdict::Pass;
        if fault == Fault::None {
            assert_eq!((passive.events, passive.silent_streams), (0, 5));
            assert!(!judged("gap.max<60s"));
            continue;
        }
        // On each stream 25 in half a second, if nobody is late.
        assert!(
            passive.events >= 5 && passive.silent_streams == 0,
            "{passive:?}"
        );
        let gaps = report.latency_us.gap.count;
        assert!(
            gaps >= passive.events - 5 && gaps <= passive.events,
            "{report:#?}"
        );
        assert!(judged("gap.max<60s") && report.events_per_s > 0.0);
        match (&passive.timestamps, path) {
            (None, None) => assert_eq!(fanout, 0),
            (Some(times), Some(_)) => {
                assert_eq!(times.read + times.missing, passive.events);
                assert_eq!(times.unit.is_some(), measured);
                assert_eq!(fanout, times.read - times.negative);
                let ahead = fault == Fault::EmitAhead;
                assert_eq!(times.negative > 0, ahead, "{times:?}");
                assert_eq!(judged("fanout.max<60s"), measured && !ahead);
            }
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_that_did_not_come_to_be_open_is_ended() {
    let _turn = TURN.lock().await;
    let target = Target::start(Fault::RefuseInitialized);
    let plan = LoadPlan {
        callers: 1,
        timeout: Duration::from_millis(500),
        ..plan(&target, Transport::StreamableHttp)
    };
    let report = outcome(plan, &Unobserved).await.report;
    assert_eq!(report.streams.opened, 0);
    let (begun, ended) = target.sessions();
    assert!(begun >= 6, "{begun}");
    // A user that is stopped while its session begins leaves it behind.
    assert!(ended + 6 >= begun, "{ended} of {begun}");
}

/// Serves one connection after the other: answers the first request of each, reads the second and hangs up.
fn hang_up_on_second(listener: &std::net::TcpListener, seen: &Mutex<Vec<String>>) {
    use std::io::{Read, Write};
    for connection in listener.incoming() {
        let mut connection = connection.unwrap();
        for answers in [true, false] {
            let mut request = String::new();
            let mut byte = [0];
            while !request.ends_with("\r\n\r\n") && connection.read(&mut byte).unwrap_or(0) == 1 {
                request.push(char::from(byte[0]));
            }
            let Some(target) = request.split(' ').nth(1) else {
                break;
            };
            seen.lock().unwrap().push(target.to_owned());
            if answers {
                connection
                    .write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
                    .unwrap();
            }
        }
        if seen.lock().unwrap().iter().any(|target| target == "/end") {
            return;
        }
    }
}

#[tokio::test]
async fn what_a_target_may_have_seen_is_not_sent_again() {
    use crate::protocol::HttpRequest;
    use crate::transport::{ClientOptions, Failure, HttpClient};
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let seen = std::sync::Arc::new(Mutex::new(Vec::new()));
    let served = {
        let seen = seen.clone();
        std::thread::spawn(move || hang_up_on_second(&listener, &seen))
    };
    let client = HttpClient::new(ClientOptions {
        keep_alive: true,
        ..ClientOptions::default()
    });
    let client = client.unwrap();
    let mut outcomes = Vec::new();
    for path in ["/1", "/2", "/3", "/end"] {
        let request = HttpRequest {
            method: "POST".to_owned(),
            url: url::Url::parse(&format!("http://{address}{path}")).unwrap(),
            headers: crate::protocol::Headers::new(),
            body: None,
        };
        let opened = client.open(&request, PATIENCE).await;
        outcomes.push(opened.map(|response| response.status().as_u16()));
    }
    drop(client);
    served.join().unwrap();
    assert!(
        matches!(
            outcomes.as_slice(),
            [
                Ok(200),
                Err(Failure::Broken(_)),
                Ok(200),
                Err(Failure::Broken(_))
            ]
        ),
        "{outcomes:?}"
    );
    assert_eq!(*seen.lock().unwrap(), ["/1", "/2", "/3", "/end"]);
}
