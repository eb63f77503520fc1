//! What results carry, and the streams of single requests.

use mcp_plumb_reference_server::{AnswerStyle, Config, start};
use serde_json::{Value, json};

use super::client::{CAPABILITIES, LOG_LEVEL, Modern};
use crate::client::{Client, Events, server};

#[tokio::test]
async fn every_result_says_what_it_is_and_who_sends_it() {
    let server = server().await;
    let client = Modern::new(&server);
    for (method, params, cached) in [
        ("server/discover", json!({}), true),
        ("tools/list", json!({}), true),
        ("prompts/list", json!({}), true),
        ("resources/list", json!({}), true),
        ("resources/templates/list", json!({}), true),
        ("resources/read", json!({"uri": "plumb://readme"}), true),
        (
            "tools/call",
            json!({"name": "echo", "arguments": {"message": "x"}}),
            false,
        ),
        ("tools/call", json!({"name": "fail"}), false),
        (
            "prompts/get",
            json!({"name": "greet", "arguments": {"name": "A"}}),
            false,
        ),
    ] {
        let result = client.result(method, params).await;
        assert_eq!(result["resultType"], "complete", "{method}: {result}");
        assert_eq!(result["ttlMs"].is_u64(), cached, "{method}");
        assert_eq!(result["cacheScope"] == "public", cached, "{method}");
        let info = &result["_meta"]["io.modelcontextprotocol/serverInfo"];
        assert!(info["name"].is_string() && info["version"].is_string());
    }
}

#[tokio::test]
async fn discovery_needs_nothing_before_it() {
    let server = server().await;
    let client = Modern::new(&server);
    let answer = client.discover().id(json!("d-1")).send().await.json();
    assert_eq!(answer["id"], "d-1");
    let result = &answer["result"];
    assert_eq!(result["supportedVersions"].as_array().unwrap().len(), 5);
    for name in ["tools", "prompts", "resources", "completions", "logging"] {
        assert!(result["capabilities"][name].is_object(), "{name}");
    }
    assert!(result["instructions"].is_string() && result["serverInfo"].is_null());
}

#[tokio::test]
async fn lists_are_the_same_each_time_and_come_in_pages() {
    let server = server().await;
    for method in [
        "tools/list",
        "prompts/list",
        "resources/list",
        "resources/templates/list",
    ] {
        let (first, second) = (pages(&server, method).await, pages(&server, method).await);
        assert_eq!(first, second, "{method}");
        let bad = Modern::new(&server).post(method, json!({"cursor": "none"}));
        assert_eq!(bad.refusal().await, (400, -32602), "{method}");
    }
    let tools = pages(&server, "tools/list").await.join(" ");
    assert!(tools.contains("locate") && !tools.contains("ask_ping"));
}

/// All pages of a list, each over a connection of its own.
async fn pages(server: &mcp_plumb_reference_server::RunningServer, method: &str) -> Vec<String> {
    let mut pages = Vec::new();
    let mut params = json!({});
    loop {
        let page = Modern::new(server).result(method, params).await;
        pages.push(page.to_string());
        assert!(pages.len() < 100);
        match page["nextCursor"].as_str() {
            Some(cursor) => params = json!({"cursor": cursor}),
            None => return pages,
        }
    }
}

#[tokio::test]
async fn what_is_unknown_is_refused_by_32602() {
    let server = server().await;
    let client = Modern::new(&server);
    for post in [
        client.read("plumb://none"),
        client.read("plumb://items/../readme"),
        client.read("file:///etc/passwd"),
        client.read("readme"),
        client.call("none", json!({})),
        client.call("ask_ping", json!({})),
        client.post("prompts/get", json!({"name": "none"})),
        client.post("prompts/get", json!({"name": "greet"})),
    ] {
        assert_eq!(post.refusal().await, (400, -32602), "{}", post.body);
    }
    let result = client.call("add", json!({"a": "x"})).send().await.json();
    assert_eq!(result["result"]["isError"], true);
}

#[tokio::test]
async fn progress_and_logs_come_only_if_asked_for() {
    let server = server().await;
    let client = Modern::new(&server);
    let steps = client.call("progress", json!({"steps": 3}));
    let plain = steps.send().await;
    assert_eq!(plain.media_type, "application/json");
    let count = |messages: &[Value], method: &str| {
        messages
            .iter()
            .filter(|message| message["method"] == method)
            .count()
    };
    for (token, level, progress, logs) in [
        (Some(json!("t")), None, 3, 0),
        (Some(json!(7)), None, 3, 0),
        (None, Some("info"), 0, 1),
        (None, Some("debug"), 0, 4),
        (Some(json!(0)), Some("warning"), 3, 0),
    ] {
        let mut post = steps.clone();
        if let Some(token) = &token {
            post = post.meta("progressToken", token.clone());
        }
        if let Some(level) = level {
            post = post.meta(LOG_LEVEL, json!(level));
        }
        let messages = post.messages().await;
        assert_eq!(
            count(&messages, "notifications/progress"),
            progress,
            "{messages:?}"
        );
        assert_eq!(
            count(&messages, "notifications/message"),
            logs,
            "{messages:?}"
        );
        assert_eq!(messages.len(), progress + logs + 1);
        assert_eq!(messages.last().unwrap()["result"]["resultType"], "complete");
        for message in &messages {
            assert!(message["id"].is_null() || message["method"].is_null());
            let given = &message["params"]["progressToken"];
            assert!(given.is_null() || Some(given) == token.as_ref());
        }
    }
    let loud = steps.clone().meta(LOG_LEVEL, json!("loud"));
    assert_eq!(loud.refusal().await, (400, -32602));
}

#[tokio::test]
async fn streams_have_their_headers_and_no_event_ids() {
    let server = server().await;
    let client = Modern::new(&server);
    let post = client
        .call("progress", json!({"steps": 1}))
        .meta("progressToken", json!(1));
    let mut events = Events::open(post.builder()).await;
    let headers = events.response.headers();
    assert_eq!(headers["content-type"], "text/event-stream");
    assert_eq!(headers["x-accel-buffering"], "no");
    while let Some(block) = events.block().await {
        assert!(!block.contains("\nid:") && !block.starts_with("id:") && !block.contains("retry"));
    }
}

#[tokio::test]
async fn a_call_whose_client_leaves_does_not_hold_the_server() {
    let server = server().await;
    let client = Modern::new(&server);
    let post = client
        .call("progress", json!({"steps": 100, "delay_ms": 5000}))
        .meta(LOG_LEVEL, json!("info"));
    let mut events = Events::open(post.builder()).await;
    assert_eq!(
        events.message().await.unwrap()["method"],
        "notifications/message"
    );
    drop(events);
    assert_eq!(client.discover().send().await.status, 200);
    server.shutdown().await;
}

#[tokio::test]
async fn answers_may_always_be_streams_but_refusals_never_are() {
    let config = Config {
        answer: AnswerStyle::Sse,
        ..Config::default()
    };
    let server = start(config).await.unwrap();
    let client = Modern::new(&server);
    for post in [
        client.discover(),
        client.call("progress", json!({"steps": 2})),
        client.call("echo", json!({"message": "x"})),
    ] {
        let messages = post.messages().await;
        assert_eq!(messages.len(), 1);
        assert_eq!(messages[0]["result"]["resultType"], "complete");
    }
    for (post, expected) in [
        (client.discover().without_meta(CAPABILITIES), (400, -32602)),
        (client.post("none", json!({})), (404, -32601)),
        (client.call("none", json!({})), (400, -32602)),
        (client.call("ask_roots", json!({})), (400, -32021)),
    ] {
        assert_eq!(post.refusal().await, expected);
    }
}

#[tokio::test]
async fn sessions_hear_nothing_new() {
    let server = server().await;
    let session = Client::session(&server).await;
    let mut stream = session.stream().await;
    let modern = Modern::new(&server);
    let (_listening, _) = modern
        .listen(
            json!(1),
            json!({"resourceSubscriptions": ["plumb://board"]}),
        )
        .await;
    assert_eq!(modern.publish(json!(1)).await, 2);
    let message = stream.message().await.unwrap();
    assert_eq!(message["method"], "notifications/message");
    assert!(message["params"]["_meta"].is_null());
}
