//! What a URL speaks is found out in few requests, and what it names is not followed to somebody else.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use mcp_plumb::detect::{DetectError, Detected, Wish, detect};
use mcp_plumb::protocol::{Revision, Transport};
use serde_json::{Value, json};
use url::Url;

use super::peer::{Answer, Asked, Peer, event, initialized, response, stream_head};
use super::support::means;

/// A kind of server that stands on the net, by how it answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Sessions,
    SessionsAnsweringBySse,
    NoSessions,
    NoSessionsWithoutAnswerToDiscover,
    Stateless,
    DualEra,
    DualEraThatListsBoth,
    RefusesInitialize,
    LosesHeaders,
    Hybrid,
    HybridWithoutHealth,
    SseTakingNoPost,
    SseWithNothingElse,
    SseBesideTheUrl,
}

fn not_found() -> Answer {
    response("404 Not Found", "text/html", "<html></html>")
}

fn answer(asked: &Asked, status: &str, members: Value) -> Answer {
    let mut body = json!({"jsonrpc": "2.0", "id": asked.id()});
    for (name, value) in members.as_object().unwrap() {
        body[name.as_str()] = value.clone();
    }
    response(status, "application/json", &body.to_string())
}

fn refused(asked: &Asked, status: &str, code: i64, data: Value) -> Answer {
    let error = json!({"code": code, "message": "no", "data": data});
    answer(asked, status, json!({"error": error}))
}

fn with_session(asked: &Asked) -> Answer {
    let body = json!({"jsonrpc": "2.0", "id": asked.id(), "result": initialized(&json!("x"))});
    let body = body.to_string();
    let head = format!(
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nMcp-Session-Id: s1\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
        body.len()
    );
    Answer::Bytes([head.into_bytes(), body.into_bytes()].concat())
}

fn stream(first: &str) -> Answer {
    Answer::Hold([&stream_head(), first.as_bytes()].concat())
}

fn endpoint() -> Answer {
    stream("event: endpoint\ndata: /messages?s=1\n\n")
}

fn discovered(asked: &Asked, versions: Value) -> Answer {
    let result =
        json!({"resultType": "complete", "supportedVersions": versions, "capabilities": {}});
    answer(asked, "200 OK", json!({"result": result}))
}

fn script(kind: Kind, asked: &Asked) -> Answer {
    let path = asked.target.split('?').next().unwrap_or_default();
    let unknown = |asked: &Asked| refused(asked, "200 OK", -32601, Value::Null);
    match (kind, asked.method.as_str(), path, asked.rpc()) {
        (_, "DELETE", ..) => response("204 No Content", "text/plain", ""),
        (Kind::Sessions, "POST", "/mcp", "initialize") => with_session(asked),
        (Kind::Sessions, "POST", "/mcp", _) => {
            response("400 Bad Request", "text/plain", "no session")
        }
        (Kind::SessionsAnsweringBySse, "POST", "/mcp", "initialize") => {
            let body =
                json!({"jsonrpc": "2.0", "id": asked.id(), "result": initialized(&json!("x"))});
            Answer::Bytes([stream_head(), event(&body).into_bytes()].concat())
        }
        (Kind::NoSessionsWithoutAnswerToDiscover, "POST", "/mcp", "server/discover") => {
            Answer::Hold(Vec::new())
        }
        (
            Kind::NoSessions
            | Kind::NoSessionsWithoutAnswerToDiscover
            | Kind::Hybrid
            | Kind::HybridWithoutHealth
            | Kind::DualEra
            | Kind::DualEraThatListsBoth,
            "POST",
            "/mcp",
            "initialize",
        ) => answer(asked, "200 OK", json!({"result": initialized(&json!("x"))})),
        (Kind::Stateless | Kind::DualEra, "POST", "/mcp", "server/discover") => {
            discovered(asked, json!(["2026-07-28"]))
        }
        (Kind::DualEraThatListsBoth, "POST", "/mcp", "server/discover") => {
            discovered(asked, json!(["2025-11-25", "2099-01-01", "2026-07-28", 7]))
        }
        (Kind::Stateless | Kind::RefusesInitialize, "POST", "/mcp", "initialize") => refused(
            asked,
            "400 Bad Request",
            -32022,
            json!({"supported": ["2026-07-28"]}),
        ),
        (Kind::LosesHeaders, "POST", "/mcp", "server/discover") => {
            refused(asked, "400 Bad Request", -32020, Value::Null)
        }
        (Kind::Hybrid | Kind::HybridWithoutHealth, "GET", "/sse", _) => stream(": hello\n\n"),
        (Kind::Hybrid, "GET", "/health", _) => {
            response("200 OK", "application/json", r#"{"connected_clients": 1}"#)
        }
        (Kind::SseTakingNoPost, "POST", "/mcp", _) => {
            response("405 Method Not Allowed", "text/plain", "")
        }
        (Kind::SseTakingNoPost | Kind::SseWithNothingElse, "GET", "/mcp", _)
        | (Kind::SseBesideTheUrl, "GET", "/sse", _) => endpoint(),
        (_, "POST", "/mcp", "server/discover")
            if !matches!(kind, Kind::SseWithNothingElse | Kind::SseBesideTheUrl) =>
        {
            unknown(asked)
        }
        _ => not_found(),
    }
}

/// A server of that kind, and how often it was asked, endings of sessions and messages of HTTP+SSE aside.
async fn peer(kind: Kind) -> (Peer, Arc<AtomicUsize>) {
    let count = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&count);
    let peer = Peer::start(move |asked| {
        if asked.method != "DELETE" && !asked.target.starts_with("/messages") {
            counter.fetch_add(1, Ordering::Relaxed);
        }
        script(kind, asked)
    })
    .await;
    (peer, count)
}

async fn look(peer: &Peer, wish: Wish) -> Result<Detected, DetectError> {
    let url = Url::parse(&peer.url()).unwrap();
    detect(&url, wish, &means()).await
}

#[tokio::test(flavor = "multi_thread")]
async fn each_kind_of_server_is_known_in_four_requests() {
    let http = Transport::StreamableHttp;
    let cases = [
        (Kind::Sessions, http, "2025-11-25"),
        (Kind::SessionsAnsweringBySse, http, "2025-11-25"),
        (Kind::NoSessions, http, "2025-11-25"),
        (Kind::NoSessionsWithoutAnswerToDiscover, http, "2025-11-25"),
        (Kind::Stateless, http, "2026-07-28"),
        (Kind::DualEra, http, "2026-07-28"),
        (Kind::DualEraThatListsBoth, http, "2026-07-28"),
        (Kind::RefusesInitialize, http, "2026-07-28"),
        (Kind::LosesHeaders, http, "2026-07-28"),
        (Kind::Hybrid, Transport::Hybrid, "2025-11-25"),
        (Kind::HybridWithoutHealth, Transport::Hybrid, "2025-11-25"),
    ];
    for (kind, transport, revision) in cases {
        let (peer, count) = peer(kind).await;
        let detected = look(&peer, Wish::default()).await.unwrap();
        assert_eq!(detected.transport, transport, "{kind:?}: {detected:?}");
        assert_eq!(detected.revision.as_str(), revision, "{kind:?}");
        let dual = matches!(kind, Kind::DualEra | Kind::DualEraThatListsBoth);
        let also = dual.then_some(Revision::V2025_11_25);
        assert_eq!(detected.also, also, "{kind:?}");
        let asked = count.load(Ordering::Relaxed);
        assert!(asked <= 4, "{kind:?}: {asked} requests");
        let reason = format!("{transport}");
        let told = |note: &String| note.starts_with(&reason) && note.contains("because");
        assert!(detected.notes.iter().any(told), "{:?}", detected.notes);
    }
}

/// Over HTTP+SSE the handshake follows; here it is refused, and what was seen is told.
#[tokio::test(flavor = "multi_thread")]
async fn an_endpoint_event_is_http_sse_wherever_it_stands() {
    for kind in [
        Kind::SseTakingNoPost,
        Kind::SseWithNothingElse,
        Kind::SseBesideTheUrl,
    ] {
        let (peer, count) = peer(kind).await;
        let detected = look(&peer, Wish::default()).await.unwrap();
        assert_eq!(detected.transport, Transport::Sse, "{kind:?}");
        let beside = kind == Kind::SseBesideTheUrl;
        let path = if beside { "/sse" } else { "/mcp" };
        assert_eq!(detected.url.path(), path, "{kind:?}");
        // The last one opens the stream of the handshake.
        let asked = count.load(Ordering::Relaxed);
        assert!(asked <= 5, "{kind:?}: {asked} requests");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fixed_revision_is_the_only_one_that_is_asked_for() {
    for (kind, wanted, offered) in [
        (Kind::Stateless, Revision::V2025_06_18, None),
        (Kind::Sessions, Revision::V2026_07_28, None),
        (
            Kind::NoSessions,
            Revision::V2025_06_18,
            Some(Revision::V2025_11_25),
        ),
    ] {
        let (peer, _count) = peer(kind).await;
        let wish = Wish {
            transport: None,
            revision: Some(wanted),
        };
        match look(&peer, wish).await {
            Err(DetectError::NotOffered {
                revision,
                offered: got,
                ..
            }) => {
                assert_eq!((revision, got), (wanted, offered), "{kind:?}");
            }
            other => panic!("{kind:?}: {other:?}"),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_endpoint_of_another_origin_is_told_and_not_spoken_to() {
    let other = Peer::start(|asked| script(Kind::NoSessions, asked)).await;
    let url = other.url();
    let peer = Peer::start(move |asked| match asked.method.as_str() {
        "GET" => stream(&format!("event: endpoint\ndata: {url}\n\n")),
        _ => response("405 Method Not Allowed", "text/plain", ""),
    })
    .await;
    let detected = look(&peer, Wish::default()).await.unwrap();
    assert_eq!(detected.transport, Transport::Sse);
    let notes = detected.notes.join("\n");
    assert!(notes.contains("of another origin"), "{notes}");
    assert_eq!(other.connections(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn streams_that_are_no_http_sse_are_told_as_what_they_are() {
    for (first, told) in [
        ("event: message\ndata: {}\n\n", "no 'endpoint' event"),
        ("event: endpoint\ndata: http://[\n\n", "holds no URL"),
    ] {
        let peer = Peer::start(move |asked| match asked.method.as_str() {
            "GET" => stream(first),
            _ => not_found(),
        })
        .await;
        let wish = Wish {
            transport: Some(Transport::Sse),
            revision: None,
        };
        // What is wrong with it is for the checks to judge.
        let notes = look(&peer, wish).await.unwrap().notes.join("\n");
        assert!(notes.contains(told), "{notes}");
    }
}
