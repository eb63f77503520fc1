//! Every refusal, each beside the twin that is served.

use mcp_plumb_reference_server::{Config, Revision, start};
use reqwest::Method;
use serde_json::{Value, json};

use super::client::{CAPABILITIES, Modern, Post, VERSION};
use crate::client::{Client, initialize, request, send, server};

/// Sends the twin and then the broken request, and compares status and code.
async fn refused(twin: &Post, broken: &Post, expected: (u16, i64), what: &str) {
    let control = twin.send().await;
    assert_eq!(control.status, 200, "the twin of {what}: {control:?}");
    assert!(control.json()["result"].is_object(), "{control:?}");
    let answer = broken.send().await;
    let got = (answer.status.as_u16(), answer.error_code());
    assert_eq!(got, (expected.0, json!(expected.1)), "{what}: {answer:?}");
    assert_eq!(answer.json()["id"], broken.body["id"], "{what}");
    assert!(answer.session.is_none(), "{what}");
}

#[tokio::test]
async fn meta_and_versions_are_checked() {
    let server = server().await;
    let client = Modern::new(&server);
    let twin = client.discover().id(json!("d-1"));
    let mut bare = twin.clone();
    bare.body["params"] = json!({});
    let mut without_params = twin.clone();
    without_params
        .body
        .as_object_mut()
        .unwrap()
        .remove("params");
    let old = "1900-01-01";
    let unsupported = twin.clone().with("mcp-protocol-version", old);
    for (what, broken, expected) in [
        ("no _meta", bare, (400, -32602)),
        ("no params", without_params, (400, -32602)),
        (
            "no version",
            twin.clone().without_meta(VERSION),
            (400, -32602),
        ),
        (
            "no capabilities",
            twin.clone().without_meta(CAPABILITIES),
            (400, -32602),
        ),
        (
            "capabilities as list",
            twin.clone().able(json!([])),
            (400, -32602),
        ),
        (
            "version as number",
            twin.clone().meta(VERSION, json!(20260728)),
            (400, -32602),
        ),
        (
            "_meta as list",
            twin.clone().param("_meta", json!([])),
            (400, -32602),
        ),
        (
            "another version",
            unsupported.clone().meta(VERSION, json!(old)),
            (400, -32022),
        ),
        ("differing versions", unsupported, (400, -32020)),
        (
            "session version",
            twin.clone().with("mcp-protocol-version", "2025-11-25"),
            (400, -32020),
        ),
    ] {
        refused(&twin, &broken, expected, what).await;
    }
    let answer = twin
        .clone()
        .with("mcp-protocol-version", old)
        .meta(VERSION, json!(old))
        .send()
        .await
        .json();
    let supported = [
        "2026-07-28",
        "2025-11-25",
        "2025-06-18",
        "2025-03-26",
        "2024-11-05",
    ];
    assert_eq!(
        answer["error"]["data"],
        json!({"supported": supported, "requested": old})
    );
    for optional in ["io.modelcontextprotocol/clientInfo", "none"] {
        assert_eq!(twin.clone().without_meta(optional).send().await.status, 200);
    }
}

#[tokio::test]
async fn standard_headers_are_checked() {
    let server = server().await;
    let client = Modern::new(&server);
    let list = client.post("tools/list", json!({}));
    for (what, broken) in [
        ("no version", list.clone().without("mcp-protocol-version")),
        ("no method", list.clone().without("mcp-method")),
        (
            "another method",
            list.clone().with("mcp-method", "tools/call"),
        ),
        (
            "method in capitals",
            list.clone().with("mcp-method", "Tools/List"),
        ),
        ("method twice", list.clone().and("mcp-method", "tools/list")),
        (
            "version twice",
            list.clone().and("mcp-protocol-version", "2026-07-28"),
        ),
        (
            "method beyond ASCII",
            list.clone().with("mcp-method", "tools/lïst"),
        ),
    ] {
        refused(&list, &broken, (400, -32020), what).await;
    }
    let spaced = list.clone().with("mcp-method", " tools/list\t");
    assert_eq!(spaced.send().await.status, 200);
    let named = list.clone().and("mcp-name", "unused");
    assert_eq!(named.send().await.status, 200);
}

#[tokio::test]
async fn names_are_mirrored_and_may_be_encoded() {
    let server = server().await;
    let client = Modern::new(&server);
    let echo = client.call("echo", json!({"message": "x"}));
    let prompt = client.post(
        "prompts/get",
        json!({"name": "greet", "arguments": {"name": "A"}}),
    );
    let read = client.read("plumb://readme");
    for twin in [&echo, &prompt, &read] {
        for (what, broken) in [
            ("no name", twin.clone().without("mcp-name")),
            ("another name", twin.clone().with("mcp-name", "other")),
            ("name twice", twin.clone().and("mcp-name", "echo")),
            (
                "broken base64",
                twin.clone().with("mcp-name", "=?base64?%%?="),
            ),
            (
                "other base64",
                twin.clone().with("mcp-name", "=?base64?b3RoZXI=?="),
            ),
        ] {
            refused(twin, &broken, (400, -32020), what).await;
        }
    }
    let capitals = echo.clone().with("mcp-name", "Echo");
    refused(&echo, &capitals, (400, -32020), "name in capitals").await;
    let marker = echo.clone().with("mcp-name", "=?BASE64?ZWNobw==?=");
    refused(&echo, &marker, (400, -32020), "marker in capitals").await;
    let encoded = echo.clone().with("mcp-name", "=?base64?ZWNobw==?=");
    assert_eq!(encoded.send().await.status, 200);
}

#[tokio::test]
async fn a_call_that_is_refused_for_its_headers_does_nothing() {
    let server = server().await;
    let client = Modern::new(&server);
    assert_eq!(client.publish(json!("kept")).await, 0);
    let publish = client.call("publish", json!({"payload": "lost"}));
    assert_eq!(
        publish.clone().with("mcp-name", "echo").refusal().await,
        (400, -32020)
    );
    let board = client.read("plumb://board").send().await.json();
    assert_eq!(board["result"]["contents"][0]["text"], "\"kept\"");
}

#[tokio::test]
async fn parameter_headers_mirror_their_arguments() {
    let server = server().await;
    let client = Modern::new(&server);
    let locate = |arguments: Value| client.call("locate", arguments);
    for (arguments, headers, served) in [
        (json!({}), &[][..], true),
        (json!({"place": null}), &[], true),
        (
            json!({"place": "north"}),
            &[("Mcp-Param-Place", "north")],
            true,
        ),
        (
            json!({"place": "north"}),
            &[("mcp-param-PLACE", "north")],
            true,
        ),
        (
            json!({"place": "größe"}),
            &[("mcp-param-place", "=?base64?Z3LDtsOfZQ==?=")],
            true,
        ),
        (
            json!({"place": "=?base64?x"}),
            &[("mcp-param-place", "=?base64?x")],
            true,
        ),
        (json!({"place": ""}), &[("mcp-param-place", "")], true),
        (json!({"floor": 42}), &[("mcp-param-floor", "42")], true),
        (json!({"floor": 42}), &[("mcp-param-floor", "42.0")], true),
        (json!({"open": true}), &[("mcp-param-open", "true")], true),
        (
            json!({"shelf": {"row": "a"}}),
            &[("mcp-param-row", "a")],
            true,
        ),
        (json!({}), &[("mcp-param-unknown", "x")], true),
        (json!({"place": "north"}), &[], false),
        (
            json!({"place": "north"}),
            &[("mcp-param-place", "south")],
            false,
        ),
        (
            json!({"place": "north"}),
            &[("mcp-param-place", "North")],
            false,
        ),
        (
            json!({"place": "a"}),
            &[("mcp-param-place", "a"), ("mcp-param-place", "a")],
            false,
        ),
        (
            json!({"place": "a"}),
            &[("mcp-param-place", "=?base64?Yg==?=")],
            false,
        ),
        (
            json!({"place": "a"}),
            &[("mcp-param-place", "=?base64?%?=")],
            false,
        ),
        (json!({"place": "ä"}), &[("mcp-param-place", "ä")], false),
        (json!({}), &[("mcp-param-place", "north")], false),
        (
            json!({"place": null}),
            &[("mcp-param-place", "north")],
            false,
        ),
        (json!({"floor": 42}), &[("mcp-param-floor", "43")], false),
        (json!({"floor": 42}), &[("mcp-param-floor", "many")], false),
        (json!({"open": true}), &[("mcp-param-open", "True")], false),
        (json!({"shelf": {"row": "a"}}), &[], false),
        (
            json!({"shelf": {"row": "a"}}),
            &[("mcp-param-row", "b")],
            false,
        ),
    ] {
        let post = headers
            .iter()
            .fold(locate(arguments.clone()), |post, (name, value)| {
                post.and(name, value)
            });
        let expected = if served { (200, 0) } else { (400, -32020) };
        assert_eq!(post.refusal().await, expected, "{arguments} {headers:?}");
    }
}

#[tokio::test]
async fn methods_of_other_revisions_are_unknown() {
    let server = server().await;
    let client = Modern::new(&server);
    let twin = client.post("prompts/list", json!({}));
    for method in [
        "x-test/none",
        "ping",
        "initialize",
        "logging/setLevel",
        "resources/subscribe",
        "resources/unsubscribe",
        "notifications/cancelled",
        "",
    ] {
        let unknown = client.post(method, json!({"level": "info", "uri": "plumb://board"}));
        refused(&twin, &unknown, (404, -32601), method).await;
    }
}

#[tokio::test]
async fn bodies_that_are_no_request_are_refused_or_dropped() {
    let server = server().await;
    let client = Modern::new(&server);
    let post = client.discover();
    let request = post.body.to_string();
    for (body, expected, id) in [
        ("{".to_owned(), -32700, json!(null)),
        (String::new(), -32700, json!(null)),
        (format!("[{request}]"), -32600, json!(null)),
        ("[]".to_owned(), -32600, json!(null)),
        ("7".to_owned(), -32600, json!(null)),
        (
            r#"{"jsonrpc":"2.0","method":5}"#.to_owned(),
            -32600,
            json!(null),
        ),
        (
            r#"{"jsonrpc":"1.0","id":3,"method":"server/discover"}"#.to_owned(),
            -32600,
            json!(3),
        ),
        (
            r#"{"jsonrpc":"2.0","id":null,"method":"server/discover"}"#.to_owned(),
            -32600,
            json!(null),
        ),
        (
            r#"{"jsonrpc":"2.0","id":3,"result":{}}"#.to_owned(),
            -32600,
            json!(null),
        ),
    ] {
        let answer = post.send_text(body.as_str()).await;
        assert_eq!(
            (
                answer.status.as_u16(),
                answer.error_code(),
                answer.json()["id"].clone()
            ),
            (400, json!(expected), id),
            "{body}"
        );
    }
    for method in ["notifications/cancelled", "notifications/none"] {
        let body = json!({"jsonrpc": "2.0", "method": method, "params": {"requestId": "none"}});
        let answer = post
            .clone()
            .with("mcp-method", method)
            .send_text(body.to_string())
            .await;
        assert_eq!((answer.status.as_u16(), answer.body.as_str()), (202, ""));
    }
    assert_eq!(post.send().await.status, 200);
}

#[tokio::test]
async fn labels_and_origins_are_checked() {
    let server = server().await;
    let client = Modern::new(&server);
    let post = client.discover();
    for (name, value, expected) in [
        ("origin", "http://localhost:3000", 200),
        ("origin", "http://evil.example", 403),
        ("content-type", "text/plain", 415),
        ("accept", "text/html", 406),
        ("last-event-id", "7", 200),
        ("mcp-session-id", "none", 200),
    ] {
        let answer = post.clone().with(name, value).send().await;
        assert_eq!(answer.status, expected, "{name}: {value}");
        assert!(!answer.body.contains("-3200"), "{answer:?}");
        assert!(answer.session.is_none());
    }
}

#[tokio::test]
async fn both_eras_are_served_at_one_address() {
    let server = server().await;
    let modern = Modern::new(&server);
    let session = Client::session(&server).await;
    let listed = session
        .post(&request(2, "tools/list", json!({})))
        .await
        .json();
    assert!(listed["result"]["resultType"].is_null());
    // The headers of a session do not make a stateless message one of the session.
    let body = modern.post("tools/list", json!({})).body;
    let mixed = session.request(Method::POST).json(&body);
    let mixed = send(mixed.header("mcp-protocol-version", "2025-11-25")).await;
    assert_eq!(mixed.error_code(), -32020, "{mixed:?}");
    // A message of a session with a stateless header lacks what such messages have.
    let early = session
        .request(Method::POST)
        .json(&initialize("2025-11-25"));
    let early = send(early.header("mcp-method", "initialize")).await;
    assert_eq!(
        (early.status.as_u16(), early.error_code()),
        (400, json!(-32020))
    );
    assert_eq!(
        session.post(&request(3, "ping", json!({}))).await.status,
        200
    );
}

#[tokio::test]
async fn alone_it_knows_no_sessions() {
    let config = Config {
        revision: Some(Revision::V2026_07_28),
        ..Config::default()
    };
    let server = start(config).await.unwrap();
    let modern = Modern::new(&server);
    let discovered = modern.result("server/discover", json!({})).await;
    assert_eq!(discovered["supportedVersions"], json!(["2026-07-28"]));
    let client = Client::new(server.streamable_url());
    let answer = client.post(&initialize("2025-11-25")).await;
    assert_eq!(
        (answer.status.as_u16(), answer.error_code()),
        (400, json!(-32022))
    );
    assert_eq!(
        answer.json()["error"]["data"],
        json!({"supported": ["2026-07-28"], "requested": "2025-11-25"})
    );
    let list = client.post(&request(2, "tools/list", json!({}))).await;
    assert_eq!(
        (list.status.as_u16(), list.error_code()),
        (400, json!(-32020))
    );
    for method in [Method::GET, Method::DELETE, Method::PUT] {
        let answer = client.request(method).send().await.unwrap();
        assert_eq!(answer.status(), 405);
        assert_eq!(answer.headers()["allow"], "POST");
    }
}

#[tokio::test]
async fn another_revision_alone_knows_no_stateless_request() {
    let config = Config {
        revision: Some(Revision::V2025_11_25),
        ..Config::default()
    };
    let server = start(config).await.unwrap();
    let answer = Modern::new(&server).discover().send().await;
    assert_eq!(answer.status, 400);
    assert!(answer.json()["result"].is_null());
}
