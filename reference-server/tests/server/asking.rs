//! Tools that ask the client, over each transport.

use std::time::Duration;

use mcp_plumb_reference_server::{Config, RunningServer, start};
use reqwest::Method;
use serde_json::{Value, json};

use crate::client::{Client, Events, call, request, server};
use crate::sse_client::{SseClient, initialize_with, session_with};

/// Calls a tool and answers the request that it sends. Returns that request and the text of the result.
async fn answered(
    client: &Client,
    tool: &str,
    arguments: Value,
    outcome: Value,
) -> (Value, Value, Vec<Value>) {
    let post = client.request(Method::POST).json(&call(tool, arguments));
    let mut events = Events::open(post).await;
    let asked = events.message().await.unwrap();
    let mut answer = json!({"jsonrpc": "2.0", "id": asked["id"]});
    answer
        .as_object_mut()
        .unwrap()
        .extend(outcome.as_object().unwrap().clone());
    assert_eq!(client.post(&answer).await.status, 202);
    let mut rest = Vec::new();
    while let Some(message) = events.message().await {
        rest.push(message);
    }
    let response = rest.pop().unwrap();
    (asked, response["result"].clone(), rest)
}

async fn everything(server: &RunningServer, version: &str) -> Client {
    let capabilities = json!({
        "roots": {"listChanged": true}, "sampling": {}, "elicitation": {"form": {}, "url": {}},
    });
    session_with(server, version, capabilities).await
}

#[tokio::test]
async fn what_the_client_says_comes_back_in_the_result() {
    let server = server().await;
    let client = everything(&server, "2025-11-25").await;
    let name = json!({"action": "accept", "content": {"name": "Ada", "age": 36}});
    let model = json!({
        "role": "assistant", "content": {"type": "text", "text": "hello"}, "model": "m",
    });
    let roots = json!({"roots": [{"uri": "file:///tmp/a", "name": "a"}]});
    for (tool, arguments, method, result) in [
        ("ask_user", json!({}), "elicitation/create", name),
        (
            "ask_user",
            json!({}),
            "elicitation/create",
            json!({"action": "decline"}),
        ),
        (
            "ask_model",
            json!({"prompt": "hi"}),
            "sampling/createMessage",
            model,
        ),
        ("ask_roots", json!({}), "roots/list", roots),
        ("ask_ping", json!({}), "ping", json!({})),
    ] {
        let outcome = json!({"result": result});
        let (asked, got, _) = answered(&client, tool, arguments, outcome).await;
        assert_eq!(asked["method"], method);
        assert!(asked["id"].is_string());
        let text = got["content"][0]["text"].as_str().unwrap();
        assert_eq!(
            serde_json::from_str::<Value>(text).unwrap(),
            result,
            "{tool}"
        );
        assert!(got["isError"].is_null());
    }
}

#[tokio::test]
async fn requests_have_the_shape_of_the_revision() {
    let server = server().await;
    let decline = json!({"result": {"action": "decline"}});
    let newer = everything(&server, "2025-11-25").await;
    let (form, ..) = answered(&newer, "ask_user", json!({}), decline.clone()).await;
    assert_eq!(form["params"]["mode"], "form");
    let older = everything(&server, "2025-06-18").await;
    let (form, ..) = answered(&older, "ask_user", json!({"message": "?"}), decline).await;
    assert!(form["params"]["mode"].is_null());
    assert_eq!(form["params"]["message"], "?");
    let schema = &form["params"]["requestedSchema"];
    assert_eq!(schema["type"], "object");
    for property in schema["properties"].as_object().unwrap().values() {
        assert!(["string", "integer", "boolean"].contains(&property["type"].as_str().unwrap()));
    }
    let model = json!({"result": {"content": {}, "model": "m", "role": "assistant"}});
    let (sampling, ..) = answered(&older, "ask_model", json!({"prompt": "x"}), model).await;
    assert!(sampling["params"]["maxTokens"].is_u64());
    assert_eq!(sampling["params"]["messages"][0]["role"], "user");
}

#[tokio::test]
async fn a_page_is_named_and_its_completion_told() {
    let server = server().await;
    let client = everything(&server, "2025-11-25").await;
    let url = || json!({"mode": "url"});
    let accept = json!({"result": {"action": "accept"}});
    let (asked, _, rest) = answered(&client, "ask_user", url(), accept.clone()).await;
    let id = &asked["params"]["elicitationId"];
    assert!(
        asked["params"]["url"]
            .as_str()
            .unwrap()
            .starts_with("https://")
    );
    assert_eq!(rest[0]["method"], "notifications/elicitation/complete");
    assert_eq!(&rest[0]["params"]["elicitationId"], id);
    let (again, ..) = answered(&client, "ask_user", url(), accept).await;
    assert_ne!(&again["params"]["elicitationId"], id);
    let cancel = json!({"result": {"action": "cancel"}});
    assert!(
        answered(&client, "ask_user", url(), cancel)
            .await
            .2
            .is_empty()
    );
}

#[tokio::test]
async fn answers_that_do_not_fit_are_told_in_the_result() {
    let server = server().await;
    let client = everything(&server, "2025-11-25").await;
    for (tool, arguments, outcome) in [
        (
            "ask_user",
            json!({}),
            json!({"error": {"code": -1, "message": "no"}}),
        ),
        ("ask_user", json!({}), json!({"error": "no"})),
        ("ask_user", json!({}), json!({"result": null})),
        (
            "ask_user",
            json!({}),
            json!({"result": {"action": "maybe"}}),
        ),
        (
            "ask_user",
            json!({}),
            json!({"result": {"action": "accept"}}),
        ),
        (
            "ask_user",
            json!({}),
            json!({"result": {"action": "accept", "content": {"age": 7}}}),
        ),
        (
            "ask_user",
            json!({}),
            json!({"result": {"action": "accept", "content": {"name": 7}}}),
        ),
        ("ask_user", json!({"mode": "url"}), json!({"result": []})),
        ("ask_model", json!({"prompt": "x"}), json!({"result": {}})),
        ("ask_roots", json!({}), json!({"result": {"roots": 7}})),
        ("ask_ping", json!({}), json!({"error": {}})),
    ] {
        let (_, got, _) = answered(&client, tool, arguments, outcome.clone()).await;
        assert_eq!(got["isError"], true, "{tool} {outcome}");
    }
    let ping = client.post(&request(2, "ping", json!({}))).await;
    assert_eq!(ping.json()["result"], json!({}));
}

#[tokio::test]
async fn what_was_not_declared_is_not_asked() {
    let server = server().await;
    for (version, capabilities, tool, arguments) in [
        ("2025-11-25", json!({}), "ask_user", json!({})),
        (
            "2025-11-25",
            json!({"elicitation": {"url": {}}}),
            "ask_user",
            json!({}),
        ),
        (
            "2025-11-25",
            json!({"elicitation": {}}),
            "ask_user",
            json!({"mode": "url"}),
        ),
        (
            "2025-06-18",
            json!({"elicitation": {"url": {}}}),
            "ask_user",
            json!({"mode": "url"}),
        ),
        (
            "2025-03-26",
            json!({"elicitation": {}}),
            "ask_user",
            json!({}),
        ),
        (
            "2025-11-25",
            json!({"sampling": true}),
            "ask_model",
            json!({"prompt": "x"}),
        ),
        ("2024-11-05", json!({}), "ask_roots", json!({})),
    ] {
        let client = session_with(&server, version, capabilities.clone()).await;
        let answer = client.post(&call(tool, arguments)).await;
        let sent = crate::sse_client::messages(&answer);
        assert_eq!(sent.len(), 1, "{version} {capabilities} {tool}: {sent:?}");
        assert_eq!(sent[0]["result"]["isError"], true);
        let text = sent[0]["result"]["content"][0]["text"].as_str().unwrap();
        assert!(text.contains("did not declare"), "{text}");
    }
    let hybrid = Client::hybrid(&server);
    for tool in ["ask_user", "ask_roots", "ask_ping"] {
        let answer = hybrid.post(&call(tool, json!({}))).await.json();
        assert_eq!(answer["result"]["isError"], true);
    }
}

#[tokio::test]
async fn over_http_sse_the_request_comes_on_the_stream() {
    let server = server().await;
    let mut client = SseClient::open(&server).await;
    let hello = initialize_with("2024-11-05", json!({"roots": {"listChanged": true}}));
    client.ask(&hello).await;
    client.initialized().await;
    let roots = json!({"roots": []});
    let changed = json!({"jsonrpc": "2.0", "method": "notifications/roots/list_changed"});
    // Nothing was asked yet, so that there is nothing to ask again.
    client.post(&changed).await;
    let asked = client.ask(&call("ask_roots", json!({}))).await;
    assert_eq!(asked["method"], "roots/list");
    let answer = json!({"jsonrpc": "2.0", "id": asked["id"], "result": roots});
    let response = client.ask(&answer).await;
    assert_eq!(
        (&response["id"], &response["result"]["content"][0]["text"]),
        (&json!(7), &json!("{\"roots\":[]}"))
    );
    let again = client.ask(&changed).await;
    assert_eq!(again["method"], "roots/list");
    assert_ne!(again["id"], asked["id"]);
}

#[tokio::test]
async fn a_client_that_does_not_answer_is_told_and_harms_nobody() {
    let config = Config {
        client_timeout: Duration::from_millis(50),
        ..Config::default()
    };
    let server = start(config).await.unwrap();
    let client = everything(&server, "2025-11-25").await;
    let other = everything(&server, "2025-11-25").await;
    let post = client
        .request(Method::POST)
        .json(&call("ask_ping", json!({})));
    let mut events = Events::open(post).await;
    let asked = events.message().await.unwrap();
    // An answer from another session is none.
    let answer = json!({"jsonrpc": "2.0", "id": asked["id"], "result": {}});
    assert_eq!(other.post(&answer).await.status, 202);
    let cancelled = events.message().await.unwrap();
    assert_eq!(cancelled["method"], "notifications/cancelled");
    assert_eq!(cancelled["params"]["requestId"], asked["id"]);
    let response = events.message().await.unwrap();
    assert_eq!(response["result"]["isError"], true);
    // Too late, and accepted all the same.
    assert_eq!(client.post(&answer).await.status, 202);
}
