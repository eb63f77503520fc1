//! Tools that ask their client, over one round and over several.

use serde_json::{Value, json};

use super::client::{Modern, Post};
use crate::client::server;

/// The question of a result that asks for input: its key, what is asked, and the state.
fn asked(result: &Value) -> (String, Value, Value) {
    assert_eq!(result["resultType"], "input_required", "{result}");
    assert!(result["ttlMs"].is_null());
    let requests = result["inputRequests"].as_object().unwrap();
    assert_eq!(requests.len(), 1);
    let (key, request) = requests.iter().next().unwrap();
    assert!(request["jsonrpc"].is_null() && request["id"].is_null());
    (key.clone(), request.clone(), result["requestState"].clone())
}

async fn result(post: &Post) -> Value {
    let answer = post.send().await;
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.json()["result"].clone()
}

fn retry(post: &Post, responses: Value, state: &Value) -> Post {
    post.clone()
        .id(json!("retry"))
        .param("inputResponses", responses)
        .param("requestState", state.clone())
}

fn accepted(answer: &str) -> Value {
    json!({"action": "accept", "content": {"name": answer}})
}

#[tokio::test]
async fn each_tool_asks_and_completes_on_another_connection() {
    let server = server().await;
    let model = json!({
        "role": "assistant", "model": "m", "stopReason": "endTurn",
        "content": {"type": "text", "text": "hello"},
    });
    let url = json!({"mode": "url", "message": "m"});
    for (tool, arguments, able, method, answer, said) in [
        (
            "ask_user",
            json!({"message": "m"}),
            json!({"elicitation": {}}),
            "elicitation/create",
            accepted("blue"),
            "blue",
        ),
        (
            "ask_user",
            json!({"message": "m"}),
            json!({"elicitation": {"form": {}}}),
            "elicitation/create",
            accepted("red"),
            "red",
        ),
        (
            "ask_user",
            url,
            json!({"elicitation": {"url": {}}}),
            "elicitation/create",
            json!({"action": "accept"}),
            "accept",
        ),
        (
            "ask_user",
            json!({"message": "m"}),
            json!({"elicitation": {}}),
            "elicitation/create",
            json!({"action": "decline"}),
            "decline",
        ),
        (
            "ask_user",
            json!({"message": "m"}),
            json!({"elicitation": {}}),
            "elicitation/create",
            json!({"action": "cancel"}),
            "cancel",
        ),
        (
            "ask_model",
            json!({"prompt": "p"}),
            json!({"sampling": {}}),
            "sampling/createMessage",
            model,
            "hello",
        ),
        (
            "ask_roots",
            json!({}),
            json!({"roots": {}}),
            "roots/list",
            json!({"roots": [{"uri": "file:///x"}]}),
            "file:///x",
        ),
    ] {
        let post = Modern::new(&server)
            .call(tool, arguments.clone())
            .able(able.clone());
        let (key, request, state) = asked(&result(&post).await);
        assert_eq!(request["method"], method);
        assert!(state.is_string());
        let post = Modern::new(&server).call(tool, arguments).able(able);
        let done = result(&retry(&post, json!({key: answer, "extra": 1}), &state)).await;
        assert_eq!(done["resultType"], "complete");
        let text = done["content"][0]["text"].as_str().unwrap();
        assert!(text.contains(said), "{text}");
    }
}

#[tokio::test]
async fn what_was_not_declared_is_not_asked_for() {
    let server = server().await;
    let client = Modern::new(&server);
    let url = json!({"mode": "url", "message": "m"});
    let form = json!({"message": "m"});
    for (tool, arguments, able, required) in [
        (
            "ask_user",
            form.clone(),
            json!({}),
            json!({"elicitation": {"form": {}}}),
        ),
        (
            "ask_user",
            form,
            json!({"elicitation": {"url": {}}}),
            json!({"elicitation": {"form": {}}}),
        ),
        (
            "ask_user",
            url.clone(),
            json!({"elicitation": {}}),
            json!({"elicitation": {"url": {}}}),
        ),
        (
            "ask_user",
            url,
            json!({"elicitation": {"form": {}}}),
            json!({"elicitation": {"url": {}}}),
        ),
        (
            "ask_model",
            json!({"prompt": "p"}),
            json!({"sampling": true}),
            json!({"sampling": {}}),
        ),
        (
            "ask_roots",
            json!({}),
            json!({"sampling": {}}),
            json!({"roots": {}}),
        ),
    ] {
        let answer = client.call(tool, arguments).able(able).send().await;
        assert_eq!(
            (answer.status.as_u16(), answer.error_code()),
            (400, json!(-32021))
        );
        let data = &answer.json()["error"]["data"];
        assert_eq!(*data, json!({"requiredCapabilities": required}));
    }
}

#[tokio::test]
async fn rounds_carry_the_answers_of_those_before() {
    let server = server().await;
    let post = Modern::new(&server)
        .call("ask_user", json!({"message": "m", "rounds": 2}))
        .able(json!({"elicitation": {}}));
    let (first, _, state) = asked(&result(&post).await);
    let (second, _, later) = asked(
        &result(&retry(
            &post,
            json!({first.as_str(): accepted("one")}),
            &state,
        ))
        .await,
    );
    assert_ne!(first, second);
    // An answer to the first question again is no answer to the second.
    let again = result(&retry(&post, json!({first: accepted("one")}), &later)).await;
    assert_eq!(asked(&again).0, second);
    let done = result(&retry(&post, json!({second: accepted("two")}), &later)).await;
    let text = done["content"][0]["text"].as_str().unwrap();
    assert!(text.contains("one") && text.contains("two"), "{text}");
}

#[tokio::test]
async fn missing_answers_are_asked_for_again_and_bad_ones_refused() {
    let server = server().await;
    let post = Modern::new(&server)
        .call("ask_user", json!({"message": "m"}))
        .able(json!({"elicitation": {}}));
    let (key, _, state) = asked(&result(&post).await);
    for responses in [json!({}), json!({"other": accepted("x")})] {
        assert_eq!(
            asked(&result(&retry(&post, responses, &state)).await).0,
            key
        );
    }
    for responses in [
        json!([1]),
        json!("x"),
        json!({key.as_str(): "x"}),
        json!({key.as_str(): null}),
        json!({key.as_str(): {"action": "accept", "content": {"name": 7}}}),
        json!({key.as_str(): {"action": "perhaps"}}),
    ] {
        let post = retry(&post, responses.clone(), &state);
        assert_eq!(post.refusal().await, (400, -32602), "{responses}");
    }
    let unasked = Modern::new(&server)
        .call("echo", json!({"message": "x"}))
        .param("inputResponses", json!({"a": 1}));
    assert_eq!(result(&unasked).await["resultType"], "complete");
}

#[tokio::test]
async fn states_are_good_for_their_own_call_only() {
    let server = server().await;
    let client = Modern::new(&server);
    let able = json!({"elicitation": {}, "roots": {}});
    let post = client
        .call("ask_user", json!({"message": "m"}))
        .able(able.clone());
    let (key, _, state) = asked(&result(&post).await);
    let responses = json!({key: accepted("x")});
    let text = state.as_str().unwrap();
    let mut changed = text.to_owned();
    let last = if text.ends_with('A') { 'B' } else { 'A' };
    changed.pop();
    changed.push(last);
    for state in [
        json!(changed),
        json!(""),
        json!(text.repeat(2)),
        json!("\u{1F980}"),
        json!(7),
        json!({}),
    ] {
        let post = retry(&post, responses.clone(), &state);
        assert_eq!(post.refusal().await, (400, -32602), "{state}");
    }
    for foreign in [
        client
            .call("ask_user", json!({"message": "other"}))
            .able(able.clone()),
        client.call("ask_roots", json!({})).able(able),
    ] {
        let post = retry(&foreign, responses.clone(), &state);
        assert_eq!(post.refusal().await, (400, -32602));
    }
    assert_eq!(
        result(&retry(&post, responses, &state)).await["resultType"],
        "complete"
    );
}
