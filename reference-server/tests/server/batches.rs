//! Batches over Streamable HTTP: at 2025-03-26 and at no other revision.

use mcp_plumb_reference_server::{AnswerStyle, Config, start};
use serde_json::{Value, json};

use crate::client::{Client, call, request, server};
use crate::sse_client::{initialize_with, messages, session_with};

fn ping(id: impl Into<Value>) -> Value {
    request(id, "ping", json!({}))
}

fn notice() -> Value {
    json!({"jsonrpc": "2.0", "method": "notifications/x"})
}

/// The ids of the responses, as text in order.
fn ids(responses: &[Value]) -> Vec<String> {
    let mut ids: Vec<String> = responses
        .iter()
        .map(|response| response["id"].to_string())
        .collect();
    ids.sort();
    ids
}

#[tokio::test]
async fn each_request_gets_one_response_and_nothing_else_gets_any() {
    let server = server().await;
    let client = session_with(&server, "2025-03-26", json!({})).await;
    let response = json!({"jsonrpc": "2.0", "id": "server-1", "result": {}});
    for (batch, expected) in [
        (json!([ping(1)]), &["1"][..]),
        (json!([ping(1), ping("b"), notice()]), &["\"b\"", "1"]),
        (json!([response, ping(3)]), &["3"]),
        (json!([ping(1), ping(1)]), &["1", "1"]),
        (
            json!([7, ping(1), {"jsonrpc": "2.0", "id": 9, "method": 1}, []]),
            &["1", "9", "null", "null"],
        ),
        (json!([null]), &["null"]),
    ] {
        let answer = client.post(&batch).await;
        assert_eq!(answer.status, 200, "{batch}");
        let responses = answer.json();
        assert_eq!(ids(responses.as_array().unwrap()), expected, "{batch}");
    }
    for batch in [
        json!([notice()]),
        json!([response, response]),
        json!([notice(), response]),
    ] {
        let answer = client.post(&batch).await;
        assert_eq!((answer.status.as_u16(), answer.body.as_str()), (202, ""));
    }
}

#[tokio::test]
async fn batches_that_may_not_be_are_refused_whole() {
    let server = server().await;
    let client = session_with(&server, "2025-03-26", json!({})).await;
    let fresh = Client::new(server.streamable_url());
    let hello = initialize_with("2025-03-26", json!({}));
    let many = Value::Array(vec![ping(1); 101]);
    for (client, batch) in [
        (&client, json!([])),
        (&client, many),
        (&client, json!([hello, ping(2)])),
        (&fresh, json!([hello])),
        (&fresh, json!([ping(1)])),
    ] {
        let answer = client.post(&batch).await;
        assert_eq!(answer.status, 400, "{answer:?}");
        assert_eq!(answer.error_code(), -32600);
    }
    for version in ["2024-11-05", "2025-06-18", "2025-11-25"] {
        let client = session_with(&server, version, json!({})).await;
        let answer = client.post(&json!([ping(1)])).await;
        assert_eq!(
            (answer.status.as_u16(), answer.error_code()),
            (400, json!(-32600))
        );
        assert_eq!(client.post(&ping(1)).await.status, 200);
    }
    assert_eq!(client.post(&ping(1)).await.status, 200);
}

#[tokio::test]
async fn a_batch_with_a_call_that_reports_is_answered_by_a_stream() {
    let server = server().await;
    let client = session_with(&server, "2025-03-26", json!({})).await;
    let mut progress = call("progress", json!({"steps": 2}));
    progress["params"]["_meta"] = json!({"progressToken": 5});
    let answer = client.post(&json!([ping(1), progress, 7])).await;
    assert_eq!(answer.media_type, "text/event-stream");
    let (reports, responses): (Vec<Value>, Vec<Value>) = messages(&answer)
        .into_iter()
        .partition(|message| message["method"].is_string());
    assert_eq!(reports.len(), 2);
    assert_eq!(ids(&responses), ["1", "7", "null"]);
    assert!(
        !answer.body.contains("data:\n"),
        "no priming before 2025-11-25"
    );
}

#[tokio::test]
async fn streams_can_be_the_style_of_all_answers() {
    let config = Config {
        answer: AnswerStyle::Sse,
        ..Config::default()
    };
    let server = start(config).await.unwrap();
    let client = session_with_stream_answer(&server).await;
    let answer = client.post(&json!([ping(1), ping(2)])).await;
    assert_eq!(ids(&messages(&answer)), ["1", "2"]);
}

/// Like the other sessions, but the answer to `initialize` is a stream.
async fn session_with_stream_answer(server: &mcp_plumb_reference_server::RunningServer) -> Client {
    let mut client = Client::new(server.streamable_url());
    let answer = client.post(&initialize_with("2025-03-26", json!({}))).await;
    assert_eq!(
        messages(&answer)[0]["result"]["protocolVersion"],
        "2025-03-26"
    );
    client.session = answer.session;
    client.initialized().await;
    client
}
