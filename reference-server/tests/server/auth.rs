//! Protected mode: no request without the token, but for the metadata.

use mcp_plumb_reference_server::{Config, RunningServer, start};
use reqwest::Method;
use serde_json::json;

use crate::client::{Client, http, initialize, request, send, server};

const TOKEN: &str = "not-so-secret";
const METADATA: &str = "/.well-known/oauth-protected-resource";

async fn protected() -> RunningServer {
    let config = Config {
        auth_token: Some(TOKEN.to_owned()),
        ..Config::default()
    };
    start(config).await.unwrap()
}

#[tokio::test]
async fn the_token_opens_every_transport_and_its_lack_none() {
    let server = protected().await;
    let ping = request(1, "ping", json!({}));
    let hello = initialize("2025-11-25");
    let (mcp, sse, hybrid) = (
        server.streamable_url().unwrap(),
        server.sse_url().unwrap(),
        server.hybrid_url().unwrap(),
    );
    let client = http();
    for request in [
        client.post(&mcp).json(&hello),
        client.post(&hybrid).json(&ping),
    ] {
        let right = request.try_clone().unwrap().bearer_auth(TOKEN);
        assert_eq!(send(right).await.status, 200);
        let right = request.try_clone().unwrap();
        let right = right.header("authorization", format!("bEARER {TOKEN}"));
        assert_eq!(send(right).await.status, 200);
        for wrong in [
            "",
            "Bearer",
            "Bearer ",
            "Bearer not-so-secre",
            "Bearer not-so-secret2",
            "Bearer NOT-SO-SECRET",
            "Basic not-so-secret",
            "not-so-secret",
        ] {
            let request = request.try_clone().unwrap();
            let answer = send(request.header("authorization", wrong)).await;
            assert_eq!(answer.status, 401, "{wrong}");
            assert!(!answer.body.contains(TOKEN));
        }
    }
    let health = mcp.replace("/mcp", "/health");
    let messages = mcp.replace("/mcp", "/messages?session_id=x");
    for (method, url) in [
        (Method::GET, sse),
        (Method::GET, mcp.clone()),
        (Method::DELETE, mcp.clone()),
        (Method::PUT, mcp.clone()),
        (Method::GET, health),
        (Method::POST, messages),
        (Method::POST, format!("{mcp}?access_token={TOKEN}")),
    ] {
        let answer = send(client.request(method.clone(), &url)).await;
        assert_eq!(answer.status, 401, "{method} {url}");
    }
}

#[tokio::test]
async fn each_request_of_a_session_needs_the_token() {
    let server = protected().await;
    let mut client = Client::new(server.streamable_url());
    let hello = client.request(Method::POST).json(&initialize("2025-11-25"));
    client.session = send(hello.bearer_auth(TOKEN)).await.session;
    let ping = request(1, "ping", json!({}));
    let right = client.request(Method::POST).json(&ping);
    assert_eq!(send(right.bearer_auth(TOKEN)).await.status, 200);
    assert_eq!(client.post(&ping).await.status, 401);
    assert_eq!(client.delete().await.status, 401);
}

#[tokio::test]
async fn the_challenge_leads_to_metadata_that_anyone_may_read() {
    let server = protected().await;
    for url in [
        server.streamable_url().unwrap(),
        server.sse_url().unwrap(),
        server.hybrid_url().unwrap(),
    ] {
        let refused = http().post(&url).send().await.unwrap();
        let challenge = refused.headers()["www-authenticate"].to_str().unwrap();
        let address = challenge
            .strip_prefix("Bearer resource_metadata=\"")
            .unwrap()
            .strip_suffix('"')
            .unwrap();
        let metadata = send(http().get(address)).await;
        assert_eq!(
            (metadata.status.as_u16(), metadata.media_type.as_str()),
            (200, "application/json")
        );
        let metadata = metadata.json();
        assert_eq!(metadata["resource"], url);
        assert!(
            metadata["authorization_servers"][0]
                .as_str()
                .unwrap()
                .starts_with("https://")
        );
        assert_eq!(metadata["bearer_methods_supported"], json!(["header"]));
    }
    let origin = format!("http://{}", server.addr());
    let at_root = send(http().get(format!("{origin}{METADATA}"))).await.json();
    assert_eq!(at_root["resource"], origin);
    for (path, status) in [
        ("/none", 404),
        ("/mcp/../../health", 401),
        ("x", 401),
        ("/%2e%2e/mcp", 404),
    ] {
        let url = format!("{origin}{METADATA}{path}");
        let answer = send(http().get(&url)).await;
        assert_ne!(answer.status, 200, "{url} {status}");
    }
    let invalid = http()
        .post(server.streamable_url().unwrap())
        .bearer_auth("x");
    let refused = invalid.send().await.unwrap();
    let challenge = refused.headers()["www-authenticate"].to_str().unwrap();
    assert!(
        challenge.ends_with("error=\"invalid_token\""),
        "{challenge}"
    );
}

#[tokio::test]
async fn an_open_server_has_no_metadata_and_asks_for_no_token() {
    let server = server().await;
    let url = format!("http://{}{METADATA}", server.addr());
    assert_eq!(send(http().get(url)).await.status, 404);
    let client = Client::new(server.streamable_url());
    let odd = client.request(Method::POST).json(&initialize("2025-11-25"));
    assert_eq!(send(odd.bearer_auth("x")).await.status, 200);
}

#[test]
fn the_token_is_not_shown_with_the_configuration() {
    let config = Config {
        auth_token: Some(TOKEN.to_owned()),
        ..Config::default()
    };
    assert!(!format!("{config:?}").contains(TOKEN));
}
