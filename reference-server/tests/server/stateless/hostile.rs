//! Input that no client in its senses sends. The server answers by 4xx and goes on.

use std::time::Duration;

use mcp_plumb_reference_server::BODY_BYTES_MAX;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::client::{CAPABILITIES, INFO, Modern, VERSION};
use crate::client::{DEADLINE, server};

#[tokio::test]
async fn large_and_deep_messages_are_refused() {
    let server = server().await;
    let client = Modern::new(&server);
    let post = client.discover();
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    let nested = post.body.to_string().replacen("{}", &deep, 1);
    for (body, expected) in [
        (deep, 400),
        (nested, 400),
        ("{\"a\":".repeat(200), 400),
        (" ".repeat(BODY_BYTES_MAX + 1), 413),
        ("\u{feff}{}".to_owned(), 400),
        ("\u{0}".to_owned(), 400),
    ] {
        assert_eq!(post.send_text(body).await.status, expected);
    }
    assert_eq!(post.send().await.status, 200);
}

#[tokio::test]
async fn wrong_types_anywhere_get_4xx() {
    let server = server().await;
    let client = Modern::new(&server);
    let wrong = [
        json!(null),
        json!(true),
        json!(1e300),
        json!("\u{0}\u{202e}"),
        json!([[[]]]),
        json!({"": {}}),
    ];
    for value in &wrong {
        for key in [VERSION, CAPABILITIES, INFO, "progressToken"] {
            let is_legal = key == CAPABILITIES && value.is_object()
                || key == "progressToken" && value.is_string();
            let status = client
                .discover()
                .meta(key, value.clone())
                .send()
                .await
                .status;
            assert_eq!(status.is_success(), is_legal, "{key}: {value}");
            assert!(!status.is_server_error(), "{key}: {value}");
        }
        for (method, member) in [
            ("tools/call", "name"),
            ("tools/call", "arguments"),
            ("resources/read", "uri"),
            ("prompts/get", "name"),
            ("prompts/get", "arguments"),
            ("tools/list", "cursor"),
            ("subscriptions/listen", "notifications"),
            ("completion/complete", "ref"),
        ] {
            let params = json!({"name": "echo", "uri": "plumb://readme"});
            let post = client.post(method, params).param(member, value.clone());
            // The answer may be a stream that stays open.
            let post = post.with("mcp-name", "echo").builder();
            let status = post.send().await.unwrap().status();
            assert!(!status.is_server_error(), "{method} {member}: {value}");
        }
    }
}

#[tokio::test]
async fn arguments_of_every_shape_pass_the_header_gate_without_harm() {
    let server = server().await;
    let client = Modern::new(&server);
    for arguments in [
        json!({"place": {"a": 1}}),
        json!({"place": [1, 2]}),
        json!({"floor": 1e308}),
        json!({"floor": -0.0}),
        json!({"shelf": "row"}),
        json!({"shelf": {"row": {"row": "x"}}}),
        json!({"shelf": [{"row": "x"}]}),
    ] {
        let post = client.call("locate", arguments.clone());
        for post in [
            post.clone(),
            post.with("mcp-param-place", "x").with("mcp-param-row", "x"),
        ] {
            let answer = post.send().await;
            let status = answer.status.as_u16();
            assert!(status == 200 || status == 400, "{arguments}: {answer:?}");
        }
    }
}

/// Writes raw bytes and returns what came back before the server closed.
async fn raw(address: &str, bytes: &[u8]) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    // The server may have answered and closed before everything was written.
    drop(stream.write_all(bytes).await);
    let mut answer = Vec::new();
    let reading = stream.read_to_end(&mut answer);
    drop(
        tokio::time::timeout(DEADLINE, reading)
            .await
            .expect("an end in time"),
    );
    String::from_utf8_lossy(&answer).into_owned()
}

#[tokio::test]
async fn headers_of_any_size_and_bytes_do_no_harm() {
    let server = server().await;
    let client = Modern::new(&server);
    let address = server.addr().to_string();
    let body = client.discover().body.to_string();
    let head = |method: &str, more: &str| {
        format!(
            "POST /mcp HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\
             content-type: application/json\r\naccept: */*\r\nmcp-protocol-version: 2026-07-28\r\n\
             MCP-METHOD:{method}\r\n{more}content-length: {}\r\n\r\n{body}",
            body.len()
        )
    };
    let served = raw(&address, head("  server/discover \t", "").as_bytes()).await;
    assert!(served.starts_with("HTTP/1.1 200"), "{served}");
    let huge = format!("x-filler: {}\r\n", "a".repeat(1024 * 1024));
    let many: String = (0..500).map(|n| format!("mcp-param-{n}: x\r\n")).collect();
    for bytes in [
        head("server/discover\u{e9}", "").into_bytes(),
        head("server/\u{1}discover", "").into_bytes(),
        head("server/discover", &huge).into_bytes(),
        head("server/discover", &many).into_bytes(),
    ] {
        let answer = raw(&address, &bytes).await;
        let refused = answer.is_empty() || answer.starts_with("HTTP/1.1 4");
        assert!(refused, "{}", answer.chars().take(200).collect::<String>());
    }
    let alive = tokio::time::timeout(Duration::from_secs(20), client.discover().send()).await;
    assert_eq!(alive.unwrap().status, 200);
}

#[tokio::test]
async fn ids_of_any_kind_come_back_as_they_were() {
    let server = server().await;
    let client = Modern::new(&server);
    for id in [
        json!(0),
        json!(-1),
        json!(9007199254740991_u64),
        json!(""),
        json!("\u{1F980}\n"),
    ] {
        assert_eq!(
            client.discover().id(id.clone()).send().await.json()["id"],
            id
        );
        let refused = client.post("none", json!({})).id(id.clone()).send().await;
        assert_eq!(refused.json()["id"], id);
    }
    for id in [json!(1.5), Value::Null, json!([]), json!({})] {
        assert_eq!(client.discover().id(id).refusal().await, (400, -32600));
    }
}
