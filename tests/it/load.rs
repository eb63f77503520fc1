//! `load` against the reference server: every delivery is accounted for, and the verdict follows.

use std::time::Duration;

use mcp_plumb::protocol::Transport;
use mcp_plumb_reference_server::{Config, Counters, Fault, RunningServer};

use super::program::{Ended, start_with_report};
use super::support::server;

const STREAMS: u64 = 30;
const PUBLISHES: u64 = 60;

/// A short load on the server, to its end.
async fn load(url: &str, more: &[&str]) -> Ended {
    let profile = ["--streams", "30", "--rate", "30", "--duration", "2s"];
    let args = [&["load", url], profile.as_slice(), more].concat();
    start_with_report(&args).ended().await
}

async fn load_faulty(fault: Fault) -> (Ended, Counters) {
    let config = Config {
        faults: [fault].into_iter().collect(),
        ..Config::default()
    };
    let (server, url) = server(config, Transport::StreamableHttp).await;
    let ended = load(url.as_str(), &[]).await;
    let counters = server.counters();
    server.shutdown().await;
    (ended, counters)
}

fn verdict(ended: &Ended, threshold: &str) -> String {
    let report = ended.report();
    let thresholds = report["load"]["thresholds"].as_array().unwrap();
    let found = thresholds
        .iter()
        .find(|result| result["expression"] == threshold);
    let found = found.unwrap_or_else(|| panic!("no threshold {threshold}: {thresholds:?}"));
    found["verdict"].as_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_conforming_server_delivers_everything_once() {
    for (transport, revision) in [
        (Transport::StreamableHttp, "2025-03-26"),
        (Transport::StreamableHttp, "2025-11-25"),
        (Transport::StreamableHttp, "2026-07-28"),
        (Transport::Sse, "2025-11-25"),
        (Transport::Hybrid, "2025-11-25"),
    ] {
        let (server, url) = server(Config::default(), transport).await;
        let ended = load(url.as_str(), &["--revision", revision]).await;
        ended.expect(0);
        let run = &ended.report()["runs"][0];
        assert_eq!(run["transport"], transport.to_string());
        assert_eq!(run["revision"], revision);
        let due = STREAMS * PUBLISHES;
        for (pointer, expected) in [
            ("/load/streams/asked", STREAMS),
            ("/load/streams/opened", STREAMS),
            ("/load/streams/dropped", 0),
            ("/load/deliveries/publishes/planned", PUBLISHES),
            ("/load/deliveries/publishes/acknowledged", PUBLISHES),
            ("/load/deliveries/expected", due),
            ("/load/deliveries/received", due),
            ("/load/deliveries/lost", 0),
            ("/load/deliveries/duplicate", 0),
            ("/load/deliveries/reordered", 0),
            ("/load/deliveries/foreign", 0),
            ("/load/latency_us/fanout/count", due),
            ("/load/latency_us/connect/count", STREAMS),
            ("/load/calls/errors", 0),
        ] {
            assert_eq!(ended.count(pointer), expected, "{transport} {pointer}");
        }
        assert!(ended.count("/load/calls/sent") > 0, "{transport}");
        assert!(
            ended.count("/load/latency_us/fanout/p50") > 0,
            "{transport}"
        );
        server.shutdown().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_server_drops_is_lost_to_the_number() {
    let (ended, counters) = load_faulty(Fault::FanoutDrop1In100).await;
    ended.expect(5);
    assert!(counters.dropped_by_fault > 0);
    let lost = ended.count("/load/deliveries/lost");
    // The publishes that the run settles by fan out too, and are nobody's loss.
    assert_eq!(lost, counters.dropped_by_fault);
    assert_eq!(
        ended.count("/load/deliveries/received") + lost,
        ended.count("/load/deliveries/expected")
    );
    assert_eq!(verdict(&ended, "lost==0"), "fail");
    assert_eq!(verdict(&ended, "duplicate==0"), "pass");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_server_sends_twice_is_duplicate_to_the_number() {
    let (ended, counters) = load_faulty(Fault::FanoutDouble1In100).await;
    ended.expect(5);
    assert!(counters.doubled_by_fault > 0);
    assert_eq!(
        ended.count("/load/deliveries/duplicate"),
        counters.doubled_by_fault
    );
    assert_eq!(ended.count("/load/deliveries/lost"), 0);
    assert_eq!(verdict(&ended, "duplicate==0"), "fail");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_server_swaps_is_reordered() {
    let (ended, _) = load_faulty(Fault::FanoutSwap1In100).await;
    ended.expect(5);
    assert!(ended.count("/load/deliveries/reordered") > 0);
    assert_eq!(ended.count("/load/deliveries/duplicate"), 0);
    assert_eq!(verdict(&ended, "reordered==0"), "fail");
}

#[tokio::test(flavor = "multi_thread")]
async fn thresholds_decide() {
    let (server, url) = server(Config::default(), Transport::StreamableHttp).await;
    let ended = load(
        url.as_str(),
        &["--threshold", "fanout.p99<1us", "--threshold", "lost==0"],
    )
    .await;
    ended.expect(5);
    assert_eq!(verdict(&ended, "fanout.p99<1us"), "fail");
    assert_eq!(verdict(&ended, "lost==0"), "pass");
    server.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_trigger_nothing_is_published_and_nothing_is_claimed() {
    let (server, url) = server(Config::default(), Transport::StreamableHttp).await;
    // Held in silence, as was asked for; or asked for what silence cannot give.
    let cases: [(&[&str], u8); 3] = [
        (&[], 0),
        (&["--threshold", "gap.p99<1s"], 4),
        (&["--timestamp", "$.params.data.ts"], 4),
    ];
    for (more, code) in cases {
        let args = [&["--trigger", "none"], more].concat();
        let ended = load(url.as_str(), &args).await;
        ended.expect(code);
        assert_eq!(ended.count("/load/deliveries/expected"), 0);
        assert_eq!(ended.count("/load/streams/opened"), STREAMS);
        assert_eq!(ended.count("/load/passive/silent_streams"), STREAMS);
        assert_ne!(verdict(&ended, "lost==0"), "pass", "{}", ended.stdout);
    }
    server.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_publish_is_recognised_by_the_users_own_text() {
    let (server, url) = server(Config::default(), Transport::StreamableHttp).await;
    let trigger = r#"tool=publish:{"payload": "order \"{run}\" / {seq}"}"#;
    let ended = load(url.as_str(), &["--trigger", trigger]).await;
    ended.expect(0);
    assert_eq!(ended.report()["load"]["correlation"]["by"], "pattern");
    assert_eq!(
        ended.count("/load/deliveries/received"),
        STREAMS * PUBLISHES
    );
    assert!(ended.stdout.contains("by the pattern"), "{}", ended.stdout);
    server.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_does_not_fit_together_is_refused() {
    let (server, url) = server(Config::default(), Transport::StreamableHttp).await;
    // (arguments, a word of the reason)
    let cases: [(&[&str], &str); 9] = [
        (&["--timestamp", "$.ts"], "--trigger none"),
        (&["--timestamp", "ts", "--trigger", "none"], "no JSONPath"),
        (
            &["--correlate", "order", "--trigger", "none"],
            "there are none",
        ),
        (&["--correlate", "luck"], "auto, token or order"),
        (
            &["--trigger", "http=POST http://10.0.0.1/ {token}"],
            "--i-own-this-target",
        ),
        (&["--trigger", "http=POST http://127.0.0.1:9/"], "{token}"),
        (
            &["--trigger", "http=POST http://127.0.0.1:{seq}/"],
            "not before",
        ),
        (
            &["--trigger", r#"publish:{"payload": "{seq}"}"#],
            "{run} and {seq}",
        ),
        (
            &["--trigger", r#"publish:{"payload": "{seq}{run}"}"#],
            "no digit",
        ),
    ];
    for (more, word) in cases {
        let args = [&["load", url.as_str()], more].concat();
        let ended = super::program::start(&args).ended().await;
        assert_eq!(ended.code, Some(2), "{more:?}: {}", ended.stderr);
        assert!(ended.stderr.contains(word), "{more:?}: {}", ended.stderr);
    }
    server.shutdown().await;
}

/// Waits until the server has made so many deliveries.
async fn delivered(server: &RunningServer, count: u64) {
    let reached = async {
        while server.counters().deliveries < count {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    let wait = tokio::time::timeout(Duration::from_secs(30), reached);
    wait.await.expect("deliveries are made");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_dies_in_the_middle_ends_the_run() {
    let (server, url) = server(Config::default(), Transport::StreamableHttp).await;
    let args = [
        "load",
        url.as_str(),
        "--streams",
        "30",
        "--rate",
        "30",
        "--duration",
        "50s",
    ];
    let running = start_with_report(&args);
    delivered(&server, 10 * STREAMS).await;
    server.shutdown().await;
    let died = std::time::Instant::now();
    let ended = running.ended().await;
    assert!(
        died.elapsed() < Duration::from_secs(15),
        "{:?}",
        died.elapsed()
    );
    ended.expect(5);
    assert_eq!(ended.count("/load/streams/dropped"), STREAMS);
    assert!(ended.stdout.contains("the target died"), "{}", ended.stdout);
}
