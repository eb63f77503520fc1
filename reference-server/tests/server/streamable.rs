//! Streamable HTTP without faults.

use mcp_plumb_reference_server::{AnswerStyle, BODY_BYTES_MAX, Config, start};
use reqwest::Method;
use serde_json::{Value, json};

use crate::client::{Client, DEADLINE, call, initialize, request, send, server};

#[tokio::test]
async fn a_session_is_opened_used_and_ended() {
    let server = server().await;
    let mut client = Client::new(server.streamable_url());
    let answer = client.post(&initialize("2025-11-25")).await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.json()["result"]["protocolVersion"], "2025-11-25");
    client.session = answer.session;
    assert!(client.session.is_some());

    let early = client.post(&request(2, "tools/list", json!({}))).await;
    assert_eq!(
        (early.status.as_u16(), early.error_code()),
        (400, json!(-32600))
    );
    let ping = client.post(&request(3, "ping", json!({}))).await;
    assert_eq!(
        ping.json(),
        json!({"jsonrpc": "2.0", "id": 3, "result": {}})
    );

    let accepted = client.initialized().await;
    assert_eq!(
        (accepted.status.as_u16(), accepted.body.as_str()),
        (202, "")
    );
    let list = client.post(&request(4, "tools/list", json!({}))).await;
    assert_eq!(list.json()["result"]["tools"].as_array().unwrap().len(), 8);

    let mut stream = client.stream().await;
    assert_eq!(stream.block().await.as_deref(), Some(": open"));
    let priming = stream.block().await.unwrap();
    assert!(
        priming.starts_with("id: ") && priming.ends_with("\ndata:"),
        "{priming}"
    );
    assert_eq!(client.delete().await.status, 204);
    assert_eq!(stream.block().await, None);
    for status in [
        client.post(&request(5, "ping", json!({}))).await.status,
        client.delete().await.status,
        send(client.request(Method::GET)).await.status,
    ] {
        assert_eq!(status, 404);
    }
    assert_eq!(server.counters().sessions_open, 0);
}

#[tokio::test]
async fn ids_come_back_as_they_were() {
    let server = server().await;
    let client = Client::session(&server).await;
    for id in [
        json!(0),
        json!(-1),
        json!(9_007_199_254_740_991_u64),
        json!(""),
        json!("5"),
        json!("\u{1F980}e\u{301}"),
    ] {
        let known = client.post(&request(id.clone(), "ping", json!({}))).await;
        assert_eq!(known.json()["id"], id);
        let unknown = client
            .post(&request(id.clone(), "no/such", json!({})))
            .await;
        assert_eq!(
            (unknown.json()["id"].clone(), unknown.error_code()),
            (id, json!(-32601))
        );
    }
}

#[tokio::test]
async fn malformed_bodies_get_400_and_harm_nothing() {
    let server = server().await;
    let client = Client::session(&server).await;
    for (body, code, id) in [
        ("{", -32700, None),
        ("", -32700, None),
        ("\u{feff}{}", -32700, None),
        (
            r#"[{"jsonrpc":"2.0","id":1,"method":"ping"}]"#,
            -32600,
            None,
        ),
        ("[]", -32600, None),
        ("7", -32600, None),
        (
            r#"{"jsonrpc":"2.0","id":null,"method":"ping"}"#,
            -32600,
            None,
        ),
        (
            r#"{"jsonrpc":"2.0","id":1.5,"method":"ping"}"#,
            -32600,
            None,
        ),
        (
            r#"{"jsonrpc":"2.0","id":9,"method":1}"#,
            -32600,
            Some(json!(9)),
        ),
        (r#"{"id":"x","method":"ping"}"#, -32600, Some(json!("x"))),
    ] {
        let answer = client.post_text(body).await;
        assert_eq!(
            (answer.status.as_u16(), answer.error_code()),
            (400, json!(code)),
            "{body}"
        );
        assert_eq!(answer.json().get("id").cloned(), id, "{body}");
        assert_eq!(answer.media_type, "application/json");
    }
    assert_eq!(
        client.post_text("[".repeat(200_000)).await.error_code(),
        -32700
    );
    assert_eq!(
        client.post_text(vec![b'"', 0xff, b'"']).await.error_code(),
        -32700
    );
    assert_eq!(
        client.post(&request(1, "ping", json!({}))).await.status,
        200
    );
}

#[tokio::test]
async fn a_body_beyond_the_limit_is_refused() {
    let server = server().await;
    let client = Client::session(&server).await;
    let fits = format!("\"{}\"", "x".repeat(BODY_BYTES_MAX - 2));
    assert_eq!(client.post_text(fits).await.status, 400);
    let request = client
        .request(Method::POST)
        .header("content-type", "application/json")
        .body(vec![b' '; BODY_BYTES_MAX + 1]);
    // The server may close the connection before the client has sent everything.
    let refused = tokio::time::timeout(DEADLINE, request.send())
        .await
        .unwrap();
    assert!(refused.is_ok_and(|response| response.status() == 413));
}

#[tokio::test]
async fn headers_decide_whether_a_message_is_looked_at() {
    let server = server().await;
    let client = Client::session(&server).await;
    let ping = request(1, "ping", json!({})).to_string();
    for (header, value, status) in [
        ("content-type", "text/plain", 415),
        ("content-type", "Application/JSON; charset=utf-8", 200),
        ("accept", "application/json", 406),
        ("accept", "text/html", 406),
        ("accept", "*/*", 200),
        ("accept", "text/event-stream;q=0.9,application/*", 200),
        ("mcp-protocol-version", "garbage", 400),
        ("mcp-protocol-version", "1999-01-01", 400),
        ("mcp-protocol-version", "", 400),
        ("MCP-PROTOCOL-VERSION", "2025-11-25", 200),
        ("mcp-session-id", "0123456789abcdef0123456789abcdef", 404),
        ("mcp-session-id", "\u{e9}", 404),
        ("origin", "http://evil.example", 403),
        ("origin", "null", 403),
        ("origin", "http://localhost:3000", 200),
        ("host", "evil.example", 403),
        ("host", "localhost:99", 200),
    ] {
        let defaults = [
            ("content-type", "application/json"),
            ("accept", "application/json, text/event-stream"),
            ("mcp-session-id", client.session.as_deref().unwrap()),
        ];
        let mut request = client.http.post(&client.url).body(ping.clone());
        for (name, default) in defaults.into_iter().filter(|(name, _)| *name != header) {
            request = request.header(name, default);
        }
        let answer = send(request.header(header, value)).await;
        assert_eq!(answer.status, status, "{header}: {value}");
    }
}

#[tokio::test]
async fn every_method_needs_the_session_and_a_known_origin() {
    let server = server().await;
    let client = Client::session(&server).await;
    let stranger = Client::new(server.streamable_url());
    for method in [Method::POST, Method::GET, Method::DELETE] {
        let body = request(1, "ping", json!({}));
        let without = send(stranger.request(method.clone()).json(&body)).await;
        assert_eq!(without.status, 400, "{method} without a session");
        let foreign = client
            .request(method.clone())
            .header("origin", "http://evil.example");
        assert_eq!(send(foreign.json(&body)).await.status, 403, "{method}");
    }
    let response = client.request(Method::PUT).send().await.unwrap();
    assert_eq!(response.status(), 405);
    assert_eq!(response.headers()["allow"], "GET, POST, DELETE");
    assert_eq!(send(client.request(Method::HEAD)).await.status, 405);
    let json_only = client
        .http
        .get(&client.url)
        .header("accept", "application/json");
    assert_eq!(send(json_only).await.status, 406);
    assert_eq!(
        send(client.http.get(format!("{}/x", client.url)))
            .await
            .status,
        404
    );
}

#[tokio::test]
async fn parameters_are_checked_by_every_feature() {
    let server = server().await;
    let client = Client::session(&server).await;
    for (method, params, code) in [
        ("tools/list", json!({"cursor": "x"}), -32602),
        ("tools/list", json!({"cursor": 1}), -32602),
        ("resources/list", json!({"cursor": "x"}), -32602),
        ("prompts/list", json!({"cursor": "x"}), -32602),
        ("tools/call", json!({}), -32602),
        ("tools/call", json!({"name": 1}), -32602),
        ("tools/call", json!({"name": "Echo"}), -32602),
        (
            "tools/call",
            json!({"name": "echo", "arguments": []}),
            -32602,
        ),
        ("resources/read", json!({"uri": "plumb://none"}), -32002),
        ("prompts/get", json!({"name": "none"}), -32602),
        ("prompts/get", json!({"name": "greet"}), -32602),
        ("logging/setLevel", json!({"level": "loud"}), -32602),
        ("completion/complete", json!({}), -32602),
        (
            "resources/subscribe",
            json!({"uri": "plumb://none"}),
            -32002,
        ),
        ("resources/subscribe", json!({"uri": 7}), -32602),
        ("resources/unsubscribe", json!({}), -32602),
        ("no/such/method", json!({}), -32601),
    ] {
        let answer = client.post(&request(1, method, params.clone())).await;
        assert_eq!(answer.error_code(), code, "{method} {params}");
    }
    for (tool, arguments) in [
        ("echo", json!({})),
        ("echo", json!({"message": 1})),
        ("add", json!({"a": 1, "b": "2"})),
        ("progress", json!({"steps": 101})),
        ("fail", json!({})),
    ] {
        let answer = client.post(&call(tool, arguments.clone())).await.body;
        assert!(
            answer.contains("\"isError\":true"),
            "{tool} {arguments}: {answer}"
        );
    }
    let sum = client
        .post(&call("add", json!({"a": 2, "b": 3})))
        .await
        .json();
    assert_eq!(sum["result"]["structuredContent"], json!({"sum": 5}));
}

#[tokio::test]
async fn progress_comes_before_the_response_and_the_stream_ends() {
    let server = server().await;
    let client = Client::session(&server).await;
    let params = json!({
        "name": "progress", "arguments": {"steps": 3}, "_meta": {"progressToken": 17},
    });
    let answer = client.post(&request("p", "tools/call", params)).await;
    assert_eq!(answer.media_type, "text/event-stream");
    let blocks: Vec<&str> = answer.body.split_terminator("\n\n").collect();
    assert_eq!(blocks.len(), 5);
    assert!(blocks[0].starts_with("id: ") && blocks[0].ends_with("\ndata:"));
    for (step, block) in blocks[1..4].iter().enumerate() {
        let data: Value = serde_json::from_str(block.split_once("data: ").unwrap().1).unwrap();
        assert_eq!(data["params"]["progressToken"], 17);
        assert_eq!(data["params"]["progress"], step + 1);
    }
    assert!(blocks[4].contains("\"id\":\"p\",\"result\""));
    assert!(answer.body.ends_with("\n\n"));
}

#[tokio::test]
async fn an_answer_whose_stream_broke_is_read_on() {
    let server = server().await;
    let client = Client::session(&server).await;
    let params = json!({
        "name": "progress", "arguments": {"steps": 3, "delay_ms": 50}, "_meta": {"progressToken": 1},
    });
    let message = request("p", "tools/call", params);
    let mut broken = crate::client::Events::open(client.request(Method::POST).json(&message)).await;
    broken.block().await.expect("the priming event");
    let first = broken.block().await.expect("the first progress");
    let id = first
        .lines()
        .find_map(|line| line.strip_prefix("id: "))
        .unwrap()
        .to_owned();
    drop(broken);
    let resume = |id: String| {
        client
            .request(Method::GET)
            .header("accept", "text/event-stream")
            .header("last-event-id", id)
    };
    let mut rest = crate::client::Events::open(resume(id)).await;
    let mut steps = Vec::new();
    let response = loop {
        let message = rest.message().await.expect("the response comes");
        if message.get("id").is_some() {
            break message;
        }
        steps.push(message["params"]["progress"].clone());
    };
    assert_eq!(steps, [json!(2), json!(3)]);
    assert_eq!(response["id"], "p");
    assert!(
        rest.block().await.is_none(),
        "the stream ends after the response"
    );
    // Another session cannot read it.
    let other = Client::session(&server).await;
    let foreign = other
        .request(Method::GET)
        .header("accept", "text/event-stream")
        .header("last-event-id", "0-0");
    let mut foreign = crate::client::Events::open(foreign).await;
    assert_eq!(foreign.block().await.as_deref(), Some(": open"));
}

#[tokio::test]
async fn a_cancelled_call_gets_no_response_and_ping_is_answered_meanwhile() {
    let server = server().await;
    let client = Client::session(&server).await;
    let long = call("progress", json!({"steps": 100, "delay_ms": 5000}));
    let mut stream = crate::client::Events::open(client.request(Method::POST).json(&long)).await;
    assert!(stream.block().await.is_some());
    assert_eq!(
        client.post(&request(8, "ping", json!({}))).await.status,
        200
    );
    for wrong in [json!("7"), json!(99), json!(null)] {
        let params = json!({"requestId": wrong});
        let cancel =
            json!({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": params});
        assert_eq!(client.post(&cancel).await.status, 202);
    }
    assert_eq!(
        client.post(&long).await.error_code(),
        -32600,
        "the call still runs"
    );
    let cancel = json!({
        "jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": 7},
    });
    assert_eq!(client.post(&cancel).await.status, 202);
    assert_eq!(stream.block().await, None);
}

#[tokio::test]
async fn the_answer_style_can_be_streams() {
    let config = Config {
        answer: AnswerStyle::Sse,
        ..Config::default()
    };
    let server = start(config).await.unwrap();
    let client = Client::session(&server).await;
    let answer = client.post(&request(1, "tools/list", json!({}))).await;
    assert_eq!(answer.media_type, "text/event-stream");
    assert!(answer.body.contains("\"tools\":["));
}

#[tokio::test]
async fn a_message_goes_to_one_stream_of_each_session_that_wants_its_level() {
    let server = server().await;
    let (one, two) = (
        Client::session(&server).await,
        Client::session(&server).await,
    );
    let mut first = one.stream().await;
    let mut second = one.stream().await;
    let mut other = two.stream().await;
    assert_eq!(one.publish(json!(1)).await, 2);
    assert_eq!(first.payload().await, 1);
    assert_eq!(other.payload().await, 1);

    let quiet = request(2, "logging/setLevel", json!({"level": "warning"}));
    assert_eq!(two.post(&quiet).await.json()["result"], json!({}));
    assert_eq!(one.publish(json!(2)).await, 1);
    let loud = request(3, "logging/setLevel", json!({"level": "debug"}));
    two.post(&loud).await;
    drop(first);
    one.until_connected(2).await;
    assert_eq!(one.publish(json!(3)).await, 2);
    assert_eq!(second.payload().await, 3, "the open stream takes over");
    assert_eq!(other.payload().await, 3, "2 was below the level");
}

#[tokio::test]
async fn sessions_and_streams_are_bounded() {
    let config = Config {
        sessions_max: 1,
        streams_max: 1,
        ..Config::default()
    };
    let server = start(config).await.unwrap();
    let client = Client::session(&server).await;
    let second = Client::new(server.streamable_url());
    assert_eq!(second.post(&initialize("2025-11-25")).await.status, 503);
    let _stream = client.stream().await;
    assert_eq!(send(client.request(Method::GET)).await.status, 503);
}
