//! The client against a server that gives whole bodies: what is sent, what is read, and when it gives up.

use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use url::Url;
use wiremock::matchers::{header, method, path};
use wiremock::{Mock, MockServer, Request, ResponseTemplate};

use super::client::{ClientOptions, Failure, HttpClient};
use super::exchange::{BodyEnd, Exchange};
use super::link::{KnownServer, Link, OpenSessions};
use super::recorder::{RecordKind, Recorder};
use super::redact::Redactor;
use super::session::{Session, Special};
use super::stream::Retention;
use crate::protocol::{Headers, Revision, Transport};

/// A session with a server of this answer, which may take so long.
async fn session(
    answer: ResponseTemplate,
    headers: Headers,
    timeout: Duration,
) -> (MockServer, Session) {
    let server = MockServer::start().await;
    Mock::given(method("POST"))
        .respond_with(answer)
        .mount(&server)
        .await;
    let url = Url::parse(&format!("{}/mcp", server.uri())).unwrap();
    let link = Link {
        client: HttpClient::new(ClientOptions {
            headers: headers.clone(),
            ..ClientOptions::default()
        })
        .unwrap(),
        dialect: Transport::StreamableHttp.dialect(&url, Revision::V2025_11_25),
        revision: Revision::V2025_11_25,
        timeout,
        stream_end_grace: Duration::from_millis(500),
        retention: Retention::All,
        open: OpenSessions::default(),
        known: KnownServer::default(),
        recorder: Arc::new(Recorder::new(Redactor::new(&headers))),
    };
    (server, Session::new(Arc::new(link)))
}

/// A ping with the id 7, answered like this.
async fn ping(answer: ResponseTemplate) -> (Exchange, Session) {
    let (_server, session) = session(answer, Headers::new(), Duration::from_secs(10)).await;
    let special = Special {
        id: Some(json!(7)),
        ..Special::default()
    };
    (session.request("ping", None, special).await, session)
}

fn with_type(status: u16, media_type: &str, body: impl Into<Vec<u8>>) -> ResponseTemplate {
    ResponseTemplate::new(status).set_body_raw(body, media_type)
}

fn answer(id: Value) -> Value {
    json!({"jsonrpc": "2.0", "id": id, "result": {"for": id}})
}

#[tokio::test]
async fn bodies_are_read_for_the_response_in_them() {
    let json = "application/json";
    let own = answer(json!(7));
    let cases = [
        (with_type(200, json, own.to_string()), 1, Some(&own)),
        // A batch counts as its members, and the id finds the right one.
        (
            with_type(200, json, json!([answer(json!(6)), own]).to_string()),
            2,
            Some(&own),
        ),
        (with_type(400, json, own.to_string()), 1, Some(&own)),
        (with_type(200, json, "[]"), 0, None),
        (
            with_type(200, json, "{\"jsonrpc\": \"2.0\", \"id\": 7, "),
            0,
            None,
        ),
        (with_type(200, json, "7"), 0, None),
        (with_type(200, json, ""), 0, None),
        (with_type(200, "text/html", "<html></html>"), 0, None),
        (with_type(500, "text/plain", "no"), 0, None),
    ];
    for (number, (reply, messages, response)) in cases.into_iter().enumerate() {
        let (exchange, _) = ping(reply).await;
        let reply = exchange.reply().unwrap();
        assert_eq!(reply.messages.len(), messages, "case {number}");
        assert_eq!(exchange.response(), response, "case {number}");
        assert_eq!(reply.end, BodyEnd::Complete, "case {number}");
        assert!(reply.blocks.is_empty(), "case {number}");
    }
}

#[tokio::test]
async fn what_came_is_described_for_a_person() {
    let error =
        json!({"jsonrpc": "2.0", "id": 7, "error": {"code": -32601, "message": "no\u{1b}[2J"}});
    for (reply, parts) in [
        (
            with_type(200, "application/json", answer(json!(7)).to_string()),
            ["200 application/json", "a result"],
        ),
        (
            with_type(404, "application/json", error.to_string()),
            ["404", r#"error -32601 "no\u{1b}[2J""#],
        ),
        (
            with_type(502, "text/html; charset=x", "<h1>Bad\nGateway</h1>"),
            ["502 text/html", r#""<h1>Bad\nGateway</h1>""#],
        ),
        (ResponseTemplate::new(202), ["202", "an empty body"]),
        (
            with_type(200, "text/event-stream", ": hello\n\n"),
            ["text/event-stream", "1 blocks without a response"],
        ),
    ] {
        let (exchange, _) = ping(reply).await;
        let described = exchange.describe();
        for part in parts {
            assert!(described.contains(part), "{part}: {described}");
        }
        assert!(!described.contains(char::is_control), "{described:?}");
    }
}

#[tokio::test]
async fn an_event_stream_in_one_piece_is_read_for_its_messages() {
    let progress = json!({"jsonrpc": "2.0", "method": "notifications/progress", "params": {}});
    let own = answer(json!(7));
    let body = format!(
        "\u{feff}: hello\n\nid: 1\ndata: {progress}\n\ndata: {}\n\nevent: message\ndata: {own}\n\ndata: cut off",
        answer(json!("7")),
    );
    let (exchange, session) = ping(with_type(200, "text/event-stream", body)).await;
    let reply = exchange.reply().unwrap();
    assert_eq!(reply.messages, [progress, answer(json!("7")), own.clone()]);
    assert_eq!(exchange.response(), Some(&own));
    assert_eq!(reply.blocks.len(), 4);
    assert_eq!(reply.end, BodyEnd::Complete);
    assert!(reply.body.is_empty() && reply.json.is_none());
    let kinds: Vec<RecordKind> = session
        .link()
        .recorder
        .records()
        .iter()
        .map(|it| it.kind)
        .collect();
    let block = RecordKind::SseBlock;
    assert_eq!(
        kinds,
        [
            RecordKind::Request,
            RecordKind::Response,
            block,
            block,
            block,
            block
        ]
    );
    assert_eq!(exchange.records, [1, 2, 3, 4, 5, 6]);
}

#[tokio::test]
async fn fields_of_the_user_are_added_and_those_of_the_protocol_kept() {
    let user: Headers = [
        ("X-Tenant", "a"),
        ("Accept", "text/html"),
        ("X-Tenant", "b"),
    ]
    .into_iter()
    .collect();
    let reply = with_type(200, "application/json", answer(json!(7)).to_string());
    let (server, session) = session(reply, user, Duration::from_secs(10)).await;
    session.request("ping", None, Special::default()).await;
    let received: Vec<Request> = server.received_requests().await.unwrap();
    let [request] = received.as_slice() else {
        panic!("{received:?}")
    };
    let values = |name: &str| -> Vec<&str> {
        let values = request.headers.get_all(name).iter();
        values.map(|value| value.to_str().unwrap()).collect()
    };
    assert_eq!(values("x-tenant"), ["a", "b"]);
    assert_eq!(values("accept"), ["application/json, text/event-stream"]);
    assert_eq!(values("content-type"), ["application/json"]);
    assert!(values("accept-encoding").is_empty());
    assert!(values("user-agent")[0].starts_with("mcp-plumb/"));
}

#[tokio::test]
async fn fields_of_a_response_keep_their_order_and_repetitions() {
    let reply = ResponseTemplate::new(200)
        .append_header("X-B", "1")
        .append_header("X-A", "2")
        .append_header("X-B", "3");
    let (exchange, _) = ping(reply).await;
    let headers = &exchange.reply().unwrap().headers;
    let own: Vec<_> = headers
        .iter()
        .filter(|(name, _)| name.starts_with("x-"))
        .collect();
    assert_eq!(
        own.iter()
            .filter(|(name, _)| *name == "x-b")
            .map(|(_, value)| *value)
            .collect::<Vec<_>>(),
        ["1", "3"]
    );
    assert_eq!(headers.get("X-A"), Some("2"));
    assert_eq!(own.len(), 3);
}

#[tokio::test]
async fn a_redirect_is_an_answer_like_any_other() {
    for status in [301, 302, 303, 307, 308] {
        let server = MockServer::start().await;
        Mock::given(path("/elsewhere"))
            .respond_with(ResponseTemplate::new(200))
            .expect(0)
            .mount(&server)
            .await;
        let location = format!("{}/elsewhere", server.uri());
        let reply = ResponseTemplate::new(status).insert_header("Location", location.as_str());
        let (exchange, _) = ping(reply).await;
        assert_eq!(exchange.status(), Some(status));
        assert_eq!(
            exchange.reply().unwrap().headers.get("location"),
            Some(location.as_str())
        );
        server.verify().await;
    }
}

#[tokio::test]
async fn an_answer_that_takes_too_long_is_not_waited_for() {
    let reply = ResponseTemplate::new(200).set_delay(Duration::from_secs(60));
    let (_server, session) = session(reply, Headers::new(), Duration::from_secs(60)).await;
    let patience = Duration::from_millis(100);
    let special = Special {
        timeout: Some(patience),
        ..Special::default()
    };
    let begun = Instant::now();
    let exchange = session.request("ping", None, special).await;
    assert_eq!(
        exchange.outcome.as_ref().unwrap_err(),
        &Failure::NoAnswer(patience)
    );
    assert!(exchange.elapsed >= patience);
    assert!(
        begun.elapsed() < Duration::from_secs(30),
        "{:?}",
        begun.elapsed()
    );
    assert_eq!(exchange.describe(), "no answer within 100 ms");
    let records = session.link().recorder.records();
    assert_eq!(records.last().unwrap().kind, RecordKind::Failure);
}

#[tokio::test]
async fn the_session_id_is_learnt_and_sent_on_and_ended() {
    let result = json!({"protocolVersion": "2025-11-25", "capabilities": {}, "serverInfo": {"name": "x", "version": "1"}});
    let first = json!({"jsonrpc": "2.0", "id": 1, "result": result});
    let reply = with_type(200, "application/json", first.to_string())
        .insert_header("Mcp-Session-Id", "abc");
    let (server, session) = session(reply, Headers::new(), Duration::from_secs(10)).await;
    Mock::given(method("DELETE"))
        .and(header("mcp-session-id", "abc"))
        .and(header("mcp-protocol-version", "2025-11-25"))
        .respond_with(ResponseTemplate::new(204))
        .expect(1)
        .mount(&server)
        .await;
    let connected = session.connect().await.unwrap();
    assert_eq!(connected.result(), &result);
    assert_eq!(session.state().session_id.as_deref(), Some("abc"));
    let ended = session.end().await.unwrap();
    assert_eq!(ended.status(), Some(204));
    assert!(
        session.end().await.is_none(),
        "there is nothing left to end"
    );
    let received = server.received_requests().await.unwrap();
    let sent: Vec<bool> = received
        .iter()
        .map(|it| it.headers.contains_key("mcp-session-id"))
        .collect();
    assert_eq!(sent, [false, true, true]);
}

#[tokio::test]
async fn a_response_that_is_no_event_stream_opens_no_stream() {
    for (status, media_type) in [
        (200, "application/json"),
        (404, "text/event-stream"),
        (405, "text/plain"),
    ] {
        let (server, session) = session(
            ResponseTemplate::new(202),
            Headers::new(),
            Duration::from_secs(10),
        )
        .await;
        Mock::given(method("GET"))
            .respond_with(with_type(status, media_type, "data: x\n\n"))
            .mount(&server)
            .await;
        let (exchange, stream) = session.listen().await;
        assert!(stream.is_none(), "{status} {media_type}");
        assert_eq!(exchange.status(), Some(status));
    }
}

#[tokio::test]
async fn a_session_stream_brings_its_messages_and_its_end() {
    let (server, session) = session(
        ResponseTemplate::new(202),
        Headers::new(),
        Duration::from_secs(10),
    )
    .await;
    let note = json!({"jsonrpc": "2.0", "method": "notifications/message", "params": {"data": 1}});
    let body = format!(": hello\n\ndata: {note}\n\ndata: not JSON\n\n");
    Mock::given(method("GET"))
        .respond_with(with_type(200, "text/event-stream", body))
        .mount(&server)
        .await;
    let (exchange, stream) = session.listen().await;
    let stream = stream.unwrap();
    assert_eq!(exchange.status(), Some(200));
    let patience = Duration::from_secs(10);
    let found = stream
        .next_where(0, patience, |arrival| arrival.message.is_some())
        .await;
    assert_eq!(found.unwrap().1.message, Some(note));
    assert_eq!(stream.wait_end(patience).await, Some(BodyEnd::Complete));
    let arrivals = stream.arrivals();
    assert_eq!(arrivals.len(), 3);
    assert!(arrivals.is_sorted_by_key(|arrival| arrival.record));
    let none = stream.next_where(3, patience, |_| true).await;
    assert!(none.is_none(), "nothing comes after the end");
}

#[tokio::test]
async fn a_request_that_cannot_be_sent_is_our_own_fault() {
    let (_server, session) = session(
        ResponseTemplate::new(200),
        Headers::new(),
        Duration::from_secs(10),
    )
    .await;
    let bad = session.stream_request().header("X-Bad", "a\nb");
    let exchange = session.send_raw(bad, None).await;
    assert_eq!(exchange.outcome.unwrap_err().kind(), "unsendable");
}
