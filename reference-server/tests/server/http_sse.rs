//! HTTP+SSE: an address on the stream, POST to it, everything else comes over the stream.

use mcp_plumb_reference_server::{Config, TransportChoice, start};
use reqwest::Method;
use serde_json::{Value, json};

use crate::client::{Client, Events, call, request, send, server};
use crate::sse_client::{SseClient, initialize_with};

/// Waits until so many sessions are left.
async fn until_sessions(server: &mcp_plumb_reference_server::RunningServer, count: u64) {
    let polling = async {
        while server.counters().sessions_open != count {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(crate::client::DEADLINE, polling)
        .await
        .unwrap_or_else(|_| panic!("not {count} sessions in time"));
}

#[tokio::test]
async fn every_revision_with_sessions_is_spoken() {
    let server = server().await;
    for (asked, agreed) in [
        ("2024-11-05", "2024-11-05"),
        ("2025-03-26", "2025-03-26"),
        ("2025-06-18", "2025-06-18"),
        ("2025-11-25", "2025-11-25"),
        ("2026-07-28", "2025-11-25"),
        ("x", "2025-11-25"),
    ] {
        let mut client = SseClient::open(&server).await;
        let early = client.ask(&request(1, "tools/list", json!({}))).await;
        assert_eq!(early["error"]["code"], -32600);
        let result = client.ask(&initialize_with(asked, json!({}))).await;
        assert_eq!(result["result"]["protocolVersion"], agreed);
        let ping = client.ask(&request("p", "ping", json!({}))).await;
        assert_eq!(ping, json!({"jsonrpc": "2.0", "id": "p", "result": {}}));
        client.initialized().await;
        let again = client.ask(&initialize_with(asked, json!({}))).await;
        assert_eq!(again["error"]["code"], -32600);
        let list = client.ask(&request(3, "tools/list", json!({}))).await;
        assert!(list["result"]["tools"].is_array());
    }
}

#[tokio::test]
async fn messages_that_are_none_and_addresses_that_are_none_are_refused() {
    let server = server().await;
    let mut client = SseClient::session(&server, "2024-11-05").await;
    let ping = request(2, "ping", json!({}));
    let base = client.endpoint.split('?').next().unwrap().to_owned();
    let unknown = format!("{base}?session_id={}", "0".repeat(32));
    for (address, status) in [
        (base.clone(), 400),
        (format!("{base}?session_id="), 400),
        (format!("{base}?session=1"), 400),
        (format!("{base}?session_id=%ff&session_id=2"), 400),
        (format!("{base}?session_id={}", "9".repeat(5000)), 404),
        (unknown, 404),
    ] {
        let answer = send(client.http.post(&address).json(&ping)).await;
        assert_eq!(answer.status, status, "{address:.80}");
    }
    for (body, status) in [
        ("{", 400),
        ("[]", 400),
        (r#"[{"jsonrpc":"2.0","id":1,"method":"ping"}]"#, 400),
        (r#"{"jsonrpc":"2.0","id":null,"method":"ping"}"#, 400),
        ("\"\u{feff}\"", 400),
    ] {
        let post = client.http.post(&client.endpoint).body(body);
        let answer = send(post.header("content-type", "application/json")).await;
        assert_eq!(
            (answer.status.as_u16(), answer.json()["id"].clone()),
            (status, Value::Null)
        );
    }
    let plain = client.http.post(&client.endpoint).body("{}");
    assert_eq!(
        send(plain.header("content-type", "text/plain"))
            .await
            .status,
        415
    );
    let foreign = client.http.post(&client.endpoint).json(&ping);
    assert_eq!(
        send(foreign.header("origin", "http://evil.example"))
            .await
            .status,
        403
    );
    for (method, url) in [
        (Method::GET, client.endpoint.clone()),
        (Method::DELETE, client.endpoint.clone()),
        (Method::POST, server.sse_url().unwrap()),
    ] {
        let answer = send(client.http.request(method, url)).await;
        assert_eq!(answer.status, 405);
    }
    let notice = json!({"jsonrpc": "2.0", "method": "notifications/unknown"});
    assert_eq!(client.post(&notice).await.status, 202);
    // After all that, the stream holds the answer to the next request and nothing else.
    assert_eq!(client.ask(&ping).await["id"], 2);
}

#[tokio::test]
async fn each_stream_gets_its_own_and_its_end_is_the_end_of_the_session() {
    let server = server().await;
    let mut one = SseClient::session(&server, "2024-11-05").await;
    let mut two = SseClient::session(&server, "2025-11-25").await;
    assert_ne!(one.endpoint, two.endpoint);
    let streamable = Client::session(&server).await;
    one.post(&call("echo", json!({"message": "to one"}))).await;
    two.post(&call("echo", json!({"message": "to two"}))).await;
    for (client, text) in [(&mut one, "to one"), (&mut two, "to two")] {
        assert_eq!(client.message().await["result"]["content"][0]["text"], text);
    }
    assert_eq!(streamable.publish(json!("all")).await, 2);
    for client in [&mut one, &mut two] {
        assert_eq!(client.events.payload().await, "all");
    }

    let mut foreign = streamable.clone();
    let id = one.endpoint.split_once('=').unwrap().1;
    foreign.session = Some(id.to_owned());
    let ping = request(1, "ping", json!({}));
    assert_eq!(
        foreign.post(&ping).await.status,
        404,
        "a session of another transport"
    );

    // A call that runs when its client leaves stops with the session.
    one.post(&call("progress", json!({"steps": 100, "delay_ms": 5000})))
        .await;
    drop(one.events);
    until_sessions(&server, 2).await;
    let gone = send(one.http.post(&one.endpoint).json(&ping)).await;
    assert_eq!(gone.status, 404);
    assert_eq!(two.ask(&ping).await["result"], json!({}));
    SseClient::session(&server, "2024-11-05").await;
}

#[tokio::test]
async fn progress_and_cancellation_work_over_the_stream() {
    let server = server().await;
    let mut client = SseClient::session(&server, "2024-11-05").await;
    let mut long = call("progress", json!({"steps": 100, "delay_ms": 5000}));
    long["id"] = json!("long");
    client.post(&long).await;
    let mut twin = request("long", "ping", json!({}));
    assert_eq!(client.ask(&twin).await["error"]["code"], -32600);
    let params = json!({"requestId": "long"});
    client
        .post(&json!({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": params}))
        .await;
    let mut short = call("progress", json!({"steps": 2}));
    short["params"]["_meta"] = json!({"progressToken": "t"});
    client.post(&short).await;
    for step in 1..=2 {
        let message = client.message().await;
        assert_eq!(message["method"], "notifications/progress");
        assert_eq!(message["params"]["progress"], step);
    }
    assert_eq!(client.message().await["id"], 7);
    // The id of the cancelled call can be used again once its task has seen the cancellation.
    twin["id"] = json!("other");
    assert_eq!(client.ask(&twin).await["result"], json!({}));
}

#[tokio::test]
async fn batches_are_taken_where_2025_03_26_was_negotiated() {
    let server = server().await;
    let mut client = SseClient::session(&server, "2025-03-26").await;
    let batch = json!([
        request(2, "ping", json!({})),
        7,
        request(3, "ping", json!({}))
    ]);
    assert_eq!(client.post(&batch).await.status, 202);
    let mut ids: Vec<String> = Vec::new();
    for _ in 0..3 {
        ids.push(client.message().await["id"].to_string());
    }
    ids.sort();
    assert_eq!(ids, ["2", "3", "null"]);
}

#[tokio::test]
async fn each_transport_can_be_served_alone() {
    for (transport, streamable, sse, hybrid) in [
        (TransportChoice::All, true, true, true),
        (TransportChoice::StreamableHttp, true, false, false),
        (TransportChoice::Sse, false, true, false),
        (TransportChoice::Hybrid, false, false, true),
    ] {
        let config = Config {
            transport,
            ..Config::default()
        };
        let server = start(config).await.unwrap();
        let urls = (
            server.streamable_url().is_some(),
            server.sse_url().is_some(),
            server.hybrid_url().is_some(),
        );
        assert_eq!(urls, (streamable, sse, hybrid));
        if sse {
            SseClient::session(&server, "2024-11-05").await;
        }
        let messages = format!("http://{}/messages", server.addr());
        let answer = send(crate::client::http().post(messages)).await;
        assert_eq!(answer.status, if sse { 400 } else { 404 });
    }
}

#[tokio::test]
async fn sessions_are_bounded_and_free_when_the_stream_could_not_be_opened() {
    let config = Config {
        sessions_max: 2,
        streams_max: 1,
        ..Config::default()
    };
    let server = start(config).await.unwrap();
    let one = SseClient::session(&server, "2024-11-05").await;
    let url = server.sse_url().unwrap();
    for _ in 0..3 {
        assert_eq!(send(one.http.get(&url)).await.status, 503);
    }
    assert_eq!(server.counters().sessions_open, 1);
    drop(one);
    until_sessions(&server, 0).await;
    Events::open(crate::client::http().get(&url)).await;
}
