//! The hybrid dialect without faults.

use mcp_plumb_reference_server::{Config, CorsPolicy, TransportChoice, start};
use reqwest::Method;
use serde_json::json;

use crate::client::{Client, call, initialize, request, send, server};

#[tokio::test]
async fn requests_are_answered_without_session_stream_or_accept() {
    let server = server().await;
    let client = Client::hybrid(&server);
    for version in ["2025-11-25", "2025-06-18", "2025-03-26", "2024-11-05"] {
        let answer = client.post(&initialize(version)).await;
        assert_eq!(answer.json()["result"]["protocolVersion"], version);
        assert_eq!(answer.session, None);
    }
    let answer = client.post(&initialize("1999-01-01")).await;
    assert_eq!(answer.json()["result"]["protocolVersion"], "2025-11-25");
    let accepted = client.initialized().await;
    assert_eq!(
        (accepted.status.as_u16(), accepted.body.as_str()),
        (202, "")
    );
    let plain = client
        .http
        .post(&client.url)
        .json(&call("echo", json!({"message": "hi"})));
    assert_eq!(
        send(plain).await.json()["result"]["content"][0]["text"],
        "hi"
    );
    let progress = client.post(&call("progress", json!({"steps": 2}))).await;
    assert_eq!(progress.media_type, "application/json");
}

#[tokio::test]
async fn malformed_bodies_get_400_with_the_id_or_null() {
    let server = server().await;
    let client = Client::hybrid(&server);
    for (body, code, id) in [
        ("{", -32700, json!(null)),
        ("[]", -32600, json!(null)),
        (r#"{"id":4,"method":"ping"}"#, -32600, json!(4)),
    ] {
        let answer = client.post_text(body).await;
        assert_eq!(
            (answer.status.as_u16(), answer.error_code()),
            (400, json!(code))
        );
        assert_eq!(answer.json()["id"], id);
        assert!(answer.json().get("id").is_some());
    }
    let text = client.http.post(&client.url).body("{}");
    assert_eq!(send(text).await.status, 415);
}

#[tokio::test]
async fn clients_are_counted_replaced_and_forgotten() {
    let server = server().await;
    let client = Client::hybrid(&server);
    let a = client.client_stream("?client_id=a%20b%2Fc%26d").await;
    let made_up = client.client_stream("").await;
    let mut old = client.client_stream("?client_id=x").await;
    assert_eq!(client.health().await["connected_clients"], 3);
    let mut new = client.client_stream("?client_id=x").await;
    assert_eq!(client.health().await["connected_clients"], 3);
    assert_eq!(old.message().await, None, "the replaced stream ends");
    drop(old);
    assert_eq!(client.publish(json!("n")).await, 3);
    assert_eq!(new.payload().await, "n");
    drop((a, made_up));
    client.until_connected(1).await;
    drop(new);
    client.until_connected(0).await;
    let mut again = client.client_stream("?client_id=x").await;
    client.publish(json!("later")).await;
    assert_eq!(
        again.payload().await,
        "later",
        "nothing was kept from before"
    );
}

#[tokio::test]
async fn events_are_named_message_and_progress_goes_to_the_named_client_alone() {
    let server = server().await;
    let mut client = Client::hybrid(&server);
    let mut a = client.client_stream("?client_id=a").await;
    let mut b = client.client_stream("?client_id=b").await;
    let plain = client.url.clone();
    client.url = format!("{plain}?client_id=a");
    let params = json!({
        "name": "progress", "arguments": {"steps": 1}, "_meta": {"progressToken": "t"},
    });
    client.post(&request(1, "tools/call", params)).await;
    client.url = plain;
    client.publish(json!(1)).await;
    assert_eq!(a.message().await.unwrap()["params"]["progressToken"], "t");
    assert_eq!(a.payload().await, 1);
    assert_eq!(b.block().await.as_deref(), Some(": open"));
    let block = b.block().await.unwrap();
    assert!(block.starts_with("event: message\ndata: {"), "{block}");
}

#[tokio::test]
async fn other_methods_are_refused_with_allow() {
    let server = server().await;
    let client = Client::hybrid(&server);
    for (path, method, allow) in [
        ("/mcp", Method::GET, "POST"),
        ("/mcp", Method::DELETE, "POST"),
        ("/mcp", Method::PUT, "POST"),
        ("/sse", Method::POST, "GET"),
        ("/health", Method::POST, "GET, HEAD"),
    ] {
        let request = client.http.request(method, client.beside(path));
        let response = request.send().await.unwrap();
        assert_eq!(response.status(), 405, "{path}");
        assert_eq!(response.headers()["allow"], allow);
    }
}

#[tokio::test]
async fn hostile_client_ids_are_plain_text_or_refused() {
    let server = server().await;
    let client = Client::hybrid(&server);
    let _stream = client
        .client_stream("?client_id=%00%0d%0a%3Cb%3E&x=1")
        .await;
    client.until_connected(1).await;
    let long = format!("/sse?client_id={}", "x".repeat(300));
    for path in [long.as_str(), "/sse?client_id=a&client_id=b"] {
        assert_eq!(
            send(client.http.get(client.beside(path))).await.status,
            400,
            "{path}"
        );
    }
}

#[tokio::test]
async fn every_answer_to_an_accepted_origin_carries_cors_headers() {
    let config = Config {
        transport: TransportChoice::Hybrid,
        ..Config::default()
    };
    let server = start(config).await.unwrap();
    assert_eq!(server.streamable_url(), None);
    let client = Client::hybrid(&server);
    assert_eq!(client.health().await["transport"], "http+sse");
    let origin = "http://localhost:5173";
    for (method, path, status) in [
        (Method::GET, "/health", 200),
        (Method::GET, "/sse", 200),
        (Method::GET, "/mcp", 405),
        (Method::POST, "/mcp", 415),
        (Method::GET, "/nowhere", 404),
        (Method::OPTIONS, "/mcp", 204),
    ] {
        let request = client.http.request(method.clone(), client.beside(path));
        let response = request
            .header("origin", origin)
            .header("access-control-request-method", "POST")
            .header("access-control-request-headers", "content-type")
            .send()
            .await
            .unwrap();
        assert_eq!(response.status(), status, "{path}");
        assert_eq!(response.headers()["access-control-allow-origin"], origin);
        if method == Method::OPTIONS {
            let headers = response.headers();
            let list = |name: &str| headers[name].to_str().unwrap().to_owned();
            assert!(list("access-control-allow-methods").contains("POST"));
            assert!(list("access-control-allow-headers").contains("content-type"));
        }
    }
    let foreign = client.http.get(client.beside("/health"));
    let foreign = foreign
        .header("origin", "http://evil.example")
        .send()
        .await
        .unwrap();
    assert_eq!(foreign.status(), 403);
    assert!(
        !foreign
            .headers()
            .contains_key("access-control-allow-origin")
    );
}

#[tokio::test]
async fn cors_policies_open_what_they_name() {
    let listed = CorsPolicy::Origins(vec!["https://app.example".to_owned()]);
    for (cors, origin, allowed) in [
        (CorsPolicy::Any, "https://app.example", Some("*")),
        (
            listed.clone(),
            "https://app.example",
            Some("https://app.example"),
        ),
        (listed, "https://other.example", None),
        (CorsPolicy::Closed, "http://localhost", None),
    ] {
        let config = Config {
            cors,
            ..Config::default()
        };
        let server = start(config).await.unwrap();
        let client = Client::new(server.streamable_url());
        let request = client.request(Method::POST).header("origin", origin);
        let response = request
            .json(&initialize("2025-11-25"))
            .send()
            .await
            .unwrap();
        let header = response.headers().get("access-control-allow-origin");
        assert_eq!(
            header.map(|value| value.to_str().unwrap()),
            allowed,
            "{origin}"
        );
    }
}
