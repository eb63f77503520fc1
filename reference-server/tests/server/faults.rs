//! Each fault shows, and shows only when it is asked for.

use std::time::{Duration, Instant};

use futures_util::StreamExt;
use mcp_plumb_reference_server::{Fault, FaultSet};
use reqwest::Method;
use serde_json::{Value, json};

use crate::client::{Client, call, initialize, only, request, send, server_with};
use crate::{
    faults_http, faults_messages, faults_stateful, faults_streams, faults_tools, stateless,
};

/// Whether a server with these faults behaves as the fault says.
async fn shows(fault: Fault, faults: FaultSet) -> bool {
    if let Some(verdict) = shows_basic(fault, faults).await {
        return verdict;
    }
    if let Some(verdict) = faults_tools::shows(fault, faults).await {
        return verdict;
    }
    if let Some(verdict) = faults_messages::shows(fault, faults).await {
        return verdict;
    }
    if let Some(verdict) = faults_stateful::shows(fault, faults).await {
        return verdict;
    }
    if let Some(verdict) = faults_http::shows(fault, faults).await {
        return verdict;
    }
    // Last, since it opens a session, which some of the other faults prevent.
    let verdict = faults_streams::shows(fault, faults).await;
    verdict.unwrap_or_else(|| panic!("{fault} has no test"))
}

/// `None` for a fault that is tested elsewhere.
async fn shows_basic(fault: Fault, faults: FaultSet) -> Option<bool> {
    let server = server_with(faults).await;
    let mut fresh = Client::new(server.streamable_url());
    let hybrid = Client::hybrid(&server);
    let ping = request(5, "ping", json!({}));
    let list = request(5, "tools/list", json!({}));
    Some(match fault {
        Fault::InitializeNoServerInfo => {
            let result = fresh.post(&initialize("2025-11-25")).await.json();
            result["result"]["serverInfo"].is_null()
        }
        Fault::InitializeVersionNotEchoed => {
            let streamable = fresh.post(&initialize("2025-11-25")).await.json();
            let hybrid = hybrid.post(&initialize("2025-11-25")).await.json();
            streamable["result"]["protocolVersion"] == "2025-06-18"
                && hybrid["result"]["protocolVersion"] == "2024-11-05"
        }
        Fault::InitializeUnknownVersionRefused => {
            fresh.post(&initialize("1999-01-01")).await.error_code() == -32602
        }
        Fault::ResponseIdAsString => hybrid.post(&ping).await.json()["id"] == "5",
        Fault::NotificationAnswered200 => {
            let mut client = fresh.clone();
            client.session = fresh.post(&initialize("2025-11-25")).await.session;
            let streamable = client.initialized().await;
            let hybrid = hybrid.initialized().await;
            streamable.status == 200 && streamable.body == "{}" && hybrid.body.contains("result")
        }
        Fault::NotificationBodyNotEmpty => {
            let mut client = fresh.clone();
            client.session = fresh.post(&initialize("2025-11-25")).await.session;
            let answer = client.initialized().await;
            answer.status == 202 && answer.body == "{}"
        }
        Fault::OriginNotChecked => {
            let foreign = hybrid.request(Method::POST).json(&ping);
            send(foreign.header("origin", "http://evil.example"))
                .await
                .status
                == 200
        }
        Fault::VersionHeaderNotChecked => {
            let client = Client::session(&server).await;
            let odd = client.request(Method::POST).json(&ping);
            send(odd.header("mcp-protocol-version", "x")).await.status == 200
        }
        Fault::SessionHeaderNotRequired => fresh.post(&list).await.status == 200,
        Fault::UnknownSessionServed => {
            fresh.session = Some("0".repeat(32));
            fresh.post(&list).await.status == 200
        }
        Fault::UnknownMethodEmptyResult => {
            let answer = hybrid.post(&request(1, "no/such", json!({}))).await;
            answer.json()["result"] == json!({})
        }
        Fault::ParseError500 => {
            let both = (fresh.post_text("{").await, hybrid.post_text("{").await);
            both.0.status == 500 && both.1.media_type.starts_with("text/plain")
        }
        Fault::PingResultNull => hybrid.post(&ping).await.body.contains("\"result\":null"),
        Fault::ToolsDuplicateName => tool_names(&hybrid)
            .await
            .starts_with(&["echo".into(), "echo".into()]),
        Fault::ToolsInputSchemaMissing => {
            let listed = hybrid.post(&list).await.json();
            let tools = listed["result"]["tools"].as_array().cloned().unwrap();
            tools.iter().any(|tool| tool["inputSchema"].is_null())
        }
        Fault::ToolsCallNoContent => {
            let result = called(&hybrid, "echo", json!({"message": "x"})).await;
            result["result"].is_object() && result["result"]["content"].is_null()
        }
        Fault::ToolsUnknownAsResult => {
            called(&hybrid, "none", json!({})).await["result"]["isError"] == true
        }
        Fault::ToolsStructuredMissing => sum(&hybrid).await["sum"].is_null(),
        Fault::ToolsStructuredNonconforming => sum(&hybrid).await["sum"] == "3",
        Fault::ToolsFailureAsProtocolError => {
            called(&hybrid, "fail", json!({})).await["error"]["code"] == -32603
        }
        Fault::ToolsArgumentsNotValidated => {
            let result = called(&hybrid, "add", json!({"a": "x"})).await;
            result["result"]["structuredContent"]["sum"] == 0.0
        }
        Fault::ToolsListUnstable => tool_names(&hybrid).await != tool_names(&hybrid).await,
        Fault::StreamContentTypeWrong => {
            let client = Client::session(&server).await;
            let streams = [client.stream().await, hybrid.client_stream("").await];
            let wrong = |value: &str| value == "text/plain";
            streams
                .iter()
                .all(|stream| wrong(stream.response.headers()["content-type"].to_str().unwrap()))
        }
        Fault::StreamHeadersLate => {
            let start = Instant::now();
            let stream = hybrid.client_stream("").await;
            drop(stream);
            start.elapsed() >= Duration::from_secs(3)
        }
        Fault::EventNotTerminated => {
            let client = Client::session(&server).await;
            let mut stream = client.stream().await;
            let progress = client.post(&call("progress", json!({"steps": 1}))).await;
            client.delete().await;
            while stream.block().await.is_some() {}
            stream.rest.contains("data: {") && !progress.body.ends_with("\n\n")
        }
        Fault::LogWithoutLevel => {
            let mut stream = hybrid.client_stream("").await;
            hybrid.publish(json!(1)).await;
            stream.message().await.unwrap()["params"]["level"].is_null()
        }
        Fault::StreamBroadcast => {
            let client = Client::session(&server).await;
            let _streams = (client.stream().await, client.stream().await);
            client.publish(json!(1)).await == 2
        }
        Fault::ResponseOnSessionStream => {
            let client = Client::session(&server).await;
            let mut streams = (client.stream().await, hybrid.client_stream("").await);
            client.post(&ping).await;
            hybrid.post(&ping).await;
            client.publish(json!(1)).await;
            let response = |message: Option<Value>| message.unwrap()["result"] == json!({});
            response(streams.0.message().await) && response(streams.1.message().await)
        }
        Fault::FanoutDrop1In100 => hundred_deliveries(&hybrid).await == ["99", "end"],
        Fault::FanoutDouble1In100 => hundred_deliveries(&hybrid).await == ["99", "100", "100"],
        Fault::FanoutSwap1In100 => hundred_deliveries(&hybrid).await == ["99", "end", "100"],
        Fault::FanoutDelay10ms => {
            let mut stream = hybrid.client_stream("").await;
            let mut fastest = Duration::MAX;
            for _ in 0..10 {
                let start = Instant::now();
                hybrid.publish(json!(1)).await;
                stream.payload().await;
                fastest = fastest.min(start.elapsed());
            }
            fastest >= Duration::from_millis(10)
        }
        Fault::SessionSurvivesDelete => {
            let client = Client::session(&server).await;
            let mut stream = client.stream().await;
            client.delete().await;
            while stream.block().await.is_some() {}
            client.post(&ping).await.status == 200
        }
        Fault::StreamSurvivesDelete => {
            let client = Client::session(&server).await;
            let _stream = client.stream().await;
            client.delete().await;
            assert_eq!(client.post(&ping).await.status, 404);
            server.counters().streams_open == 1
        }
        Fault::ClosedStreamNotForgotten => {
            let mut closed = hybrid.client_stream("?client_id=a").await;
            let mut replacing = hybrid.client_stream("?client_id=b").await;
            drop(hybrid.client_stream("?client_id=b").await);
            // The end of the replaced stream shows that its closing was dealt with.
            while replacing.block().await.is_some() {}
            while closed.block().await.as_deref() != Some(": open") {}
            drop(closed);
            drop(replacing);
            let forgotten =
                tokio::time::timeout(Duration::from_millis(500), hybrid.until_connected(0));
            forgotten.await.is_err()
        }
        Fault::DeleteEndsAllSessions => {
            let (one, two) = (
                Client::session(&server).await,
                Client::session(&server).await,
            );
            one.delete().await;
            let after_own = two.post(&ping).await.status;
            let mut foreign = one.clone();
            foreign.session = Some("never-opened".to_owned());
            foreign.delete().await;
            after_own == 200 && two.post(&ping).await.status == 404
        }
        Fault::HealthWrongTransport => hybrid.health().await["transport"] == "sse",
        Fault::HealthCountAsString => hybrid.health().await["connected_clients"] == "0",
        Fault::CorsMissing => {
            let request = hybrid.request(Method::POST).json(&ping);
            let response = request
                .header("origin", "http://localhost")
                .send()
                .await
                .unwrap();
            !response
                .headers()
                .contains_key("access-control-allow-origin")
        }
        Fault::ClientIdRequired => {
            let request = hybrid.http.get(hybrid.beside("/sse"));
            request.send().await.unwrap().status() == 400
        }
        _ => return None,
    })
}

pub(crate) async fn tool_names(client: &Client) -> Vec<String> {
    let listed = client
        .post(&request(1, "tools/list", json!({})))
        .await
        .json();
    let tools = listed["result"]["tools"].as_array().unwrap();
    tools
        .iter()
        .map(|tool| tool["name"].as_str().unwrap().to_owned())
        .collect()
}

pub(crate) async fn called(client: &Client, tool: &str, arguments: Value) -> Value {
    client.post(&call(tool, arguments)).await.json()
}

async fn sum(client: &Client) -> Value {
    let result = called(client, "add", json!({"a": 1, "b": 2})).await;
    assert!(result["result"]["content"].is_array());
    result["result"]["structuredContent"].clone()
}

/// Publishes 1 to 100 and then `end` to one stream, and returns the payloads from the 99th on, three at most.
async fn hundred_deliveries(client: &Client) -> Vec<String> {
    let mut stream = client.client_stream("").await;
    for number in 1..=100 {
        client.publish(json!(number.to_string())).await;
    }
    client.publish(json!("end")).await;
    client.publish(json!("rest")).await;
    let mut arrived = Vec::new();
    loop {
        let payload = stream.payload().await.as_str().unwrap().to_owned();
        if payload == "rest" {
            break;
        }
        arrived.push(payload);
    }
    let from = arrived.iter().position(|payload| payload == "99").unwrap();
    arrived.drain(..from);
    arrived.truncate(3);
    arrived
}

/// How many faults are tried beside each other: many do nothing but wait.
const SIDE_BY_SIDE: usize = 4;

/// The faults that do not show as they should.
async fn wrong(expected: bool, faults: fn(Fault) -> FaultSet) -> Vec<&'static str> {
    let here = Fault::ALL
        .iter()
        .filter(|info| !stateless::is_of_it(info.fault));
    futures_util::stream::iter(here)
        .map(|info| async move {
            let shown = shows(info.fault, faults(info.fault)).await;
            (shown != expected).then_some(info.id)
        })
        .buffer_unordered(SIDE_BY_SIDE)
        .filter_map(|wrong| async move { wrong })
        .collect()
        .await
}

#[tokio::test]
async fn a_conforming_server_shows_no_fault() {
    assert_eq!(wrong(false, |_| FaultSet::default()).await, [""; 0]);
}

#[tokio::test]
async fn each_fault_shows() {
    assert_eq!(wrong(true, only).await, [""; 0]);
}
