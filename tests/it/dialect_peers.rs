//! `check` and `load` against peers that misbehave in ways that only the newer and the older dialects have room for.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::{Value, json};

use super::peer::{Answer, Asked, Peer, event, initialized, response, stream_head};
use super::program::{Ended, start_with_report};

/// No run against a peer may take more memory.
const PEAK_MIB_MAX: u64 = 200;

async fn check(peer: &Peer, more: &[&str]) -> Ended {
    let url = peer.url();
    let args = [&["check", url.as_str()], more].concat();
    let ended = start_with_report(&args).ended().await;
    assert!(ended.peak_mib < PEAK_MIB_MAX, "{} MiB", ended.peak_mib);
    assert_eq!(ended.count("/summary/errors"), 0);
    ended
}

fn answer(asked: &Asked, result: &Value) -> Answer {
    let body = json!({"jsonrpc": "2.0", "id": asked.id(), "result": result});
    response("200 OK", "application/json", &body.to_string())
}

fn discovered() -> Value {
    json!({
        "resultType": "complete",
        "supportedVersions": ["2026-07-28"],
        "capabilities": {"tools": {"listChanged": true}},
        "ttlMs": 0,
        "cacheScope": "private",
    })
}

/// A server of 2026-07-28 with one tool, which `call` answers.
fn stateless(asked: &Asked, call: impl Fn(&Asked) -> Answer) -> Answer {
    match asked.rpc() {
        "server/discover" => answer(asked, &discovered()),
        "tools/list" => {
            let tool = json!({"name": "t", "inputSchema": {"type": "object"},
                "annotations": {"readOnlyHint": true}});
            answer(
                asked,
                &json!({"resultType": "complete", "tools": [tool], "ttlMs": 0, "cacheScope": "private"}),
            )
        }
        "tools/call" => call(asked),
        _ => {
            let error = json!({"code": -32601, "message": "no"});
            let body = json!({"jsonrpc": "2.0", "id": asked.id(), "error": error});
            response("404 Not Found", "application/json", &body.to_string())
        }
    }
}

/// A stream of HTTP+SSE that begins as it should and goes on like this; what is posted is accepted.
async fn sse(after_endpoint: Answer) -> Peer {
    let endpoint = "event: endpoint\ndata: /messages\n\n";
    let after = Arc::new(after_endpoint);
    Peer::start(move |asked| match (asked.method.as_str(), &*after) {
        ("GET", Answer::Flood(first, piece)) => Answer::Flood(
            [&stream_head(), endpoint.as_bytes(), first].concat(),
            piece.clone(),
        ),
        ("GET", Answer::Bytes(bytes) | Answer::Hold(bytes)) => {
            Answer::Hold([&stream_head(), endpoint.as_bytes(), bytes].concat())
        }
        ("POST", _) if asked.target.starts_with("/messages") => {
            response("202 Accepted", "text/plain", "Accepted")
        }
        _ => response("404 Not Found", "text/plain", ""),
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn endless_endpoint_events_are_bounded() {
    let piece = b"event: endpoint\ndata: /messages\n\n".repeat(4_000);
    let peer = sse(Answer::Flood(Vec::new(), piece)).await;
    let ended = check(&peer, &["--timeout", "2s"]).await;
    assert!(matches!(ended.code, Some(1 | 4)), "{}", ended.stderr);
}

#[tokio::test(flavor = "multi_thread")]
async fn replies_that_never_come_on_the_stream_are_told() {
    // What does come answers requests that nobody sent.
    let foreign = event(&json!({"jsonrpc": "2.0", "id": "nobody's", "result": {}}));
    let peer = sse(Answer::Hold(foreign.repeat(100).into_bytes())).await;
    let ended = check(&peer, &["--timeout", "500ms"]).await;
    ended.expect(1);
    let run = &ended.report()["runs"][0];
    assert_eq!(run["transport"], "sse");
    let doubt = run["doubt"].as_str().unwrap();
    assert!(doubt.contains("no response message in time"), "{doubt}");
}

#[tokio::test(flavor = "multi_thread")]
async fn input_that_is_asked_for_again_and_again_is_given_a_few_times() {
    let calls = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&calls);
    let peer = Peer::start(move |asked| {
        stateless(asked, |asked| {
            count.fetch_add(1, Ordering::Relaxed);
            answer(
                asked,
                &json!({"resultType": "input_required", "requestState": "again",
                    "inputRequests": {"a": {"method": "roots/list"}}}),
            )
        })
    })
    .await;
    let ended = check(&peer, &[]).await;
    assert!(matches!(ended.code, Some(0 | 1)), "{}", ended.stderr);
    let calls = calls.load(Ordering::Relaxed);
    assert!((1..200).contains(&calls), "{calls} calls");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_discovery_of_a_million_versions_is_read_to_a_bound() {
    let versions: Vec<String> = (0..200_000).map(|n| format!("2026-{n}")).collect();
    let peer = Peer::start(move |asked| match asked.rpc() {
        "server/discover" => answer(
            asked,
            &json!({"resultType": "complete", "supportedVersions": versions, "capabilities": {}}),
        ),
        "initialize" => answer(asked, &initialized(&json!("x"))),
        _ => stateless(asked, |asked| answer(asked, &json!({}))),
    })
    .await;
    let ended = check(&peer, &[]).await;
    // Nothing in it is known, so the older era is what is judged.
    assert_eq!(ended.report()["runs"][0]["revision"], "2025-11-25");
}

#[tokio::test(flavor = "multi_thread")]
async fn streams_that_are_never_acknowledged_are_not_counted_as_open() {
    let peer = Peer::start(|asked| match asked.rpc() {
        "subscriptions/listen" => Answer::Hold([stream_head(), b": wait\n\n".to_vec()].concat()),
        _ => stateless(asked, |asked| {
            answer(asked, &json!({"resultType": "complete", "content": []}))
        }),
    })
    .await;
    let url = peer.url();
    let args = ["load", &url, "--streams", "3", "--duration", "1s"];
    let more = ["--timeout", "300ms", "--trigger", "none"];
    let ended = start_with_report(&[args.as_slice(), &more].concat())
        .ended()
        .await;
    assert_eq!(ended.count("/load/streams/opened"), 0);
    let errors = ended.report()["load"]["errors"].to_string();
    assert!(errors.contains("no acknowledgement"), "{errors}");
}
