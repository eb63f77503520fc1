//! Faults in streams and in what they carry.

use std::time::{Duration, Instant};

use mcp_plumb_reference_server::{Fault, FaultSet};
use reqwest::Method;
use serde_json::{Value, json};

use crate::client::{Client, Events, call, request, send, server_with};

/// Whether a server with these faults behaves as the fault says; `None` for a fault that is tested elsewhere.
pub(crate) async fn shows(fault: Fault, faults: FaultSet) -> Option<bool> {
    let server = server_with(faults).await;
    let hybrid = Client::hybrid(&server);
    let client = Client::session(&server).await;
    let ping = request(5, "ping", json!({}));
    Some(match fault {
        Fault::StreamsMislabelledLater => {
            let media_type = |stream: &Events| stream.response.headers()["content-type"].clone();
            let (first, second) = (client.stream().await, hybrid.client_stream("").await);
            media_type(&first) == "text/event-stream" && media_type(&second) == "text/plain"
        }
        Fault::StreamInvalidUtf8 => {
            let mut response = client.request(Method::GET).send().await.unwrap();
            let first = response.chunk().await.unwrap().unwrap();
            std::str::from_utf8(&first).is_err()
        }
        Fault::StreamRetryNotANumber => {
            let mut stream = client.stream().await;
            stream.block().await.unwrap() == "retry: soon"
        }
        Fault::StreamAcceptNotChecked => {
            let get = client
                .http
                .get(&client.url)
                .header("accept", "application/json");
            let get = get.header("mcp-session-id", client.session.clone().unwrap());
            get.send().await.unwrap().status() == 200
        }
        Fault::StreamNotFound => {
            let get = client.request(Method::GET).send().await.unwrap();
            get.status() == 404
        }
        Fault::PingRefusedBesideStream => {
            let before = client.post(&ping).await.status;
            let _stream = client.stream().await;
            before == 200 && client.post(&ping).await.status == 503
        }
        Fault::PublicationLate => {
            let mut stream = hybrid.client_stream("").await;
            let start = Instant::now();
            hybrid.publish(json!(1)).await;
            stream.payload().await;
            start.elapsed() >= Duration::from_secs(5)
        }
        Fault::PublicationSwapped => {
            let mut stream = hybrid.client_stream("").await;
            for number in 1..=3 {
                hybrid.publish(json!(number)).await;
            }
            payloads(&mut stream, 3).await == [1, 3, 2]
        }
        Fault::PublicationRepeated => {
            let mut stream = hybrid.client_stream("").await;
            hybrid.publish(json!(1)).await;
            stream.payload().await;
            let again = tokio::time::timeout(Duration::from_secs(2), stream.payload());
            again.await.is_ok_and(|payload| payload == 1)
        }
        Fault::PublicationAsList => published(&hybrid).await.is_array(),
        Fault::LogLevelUnknown => published(&hybrid).await["params"]["level"] == "verbose",
        Fault::LogWithId => published(&hybrid).await["id"] == "log",
        Fault::LogLevelIgnored => {
            let level = request(1, "logging/setLevel", json!({"level": "error"}));
            client.post(&level).await;
            let _stream = client.stream().await;
            client.publish(json!(1)).await == 1
        }
        Fault::ProgressBroadcast => {
            let mut bystander = hybrid.client_stream("").await;
            let mut work = call("progress", json!({"steps": 1}));
            work["params"]["_meta"] = json!({"progressToken": "t"});
            client.post(&work).await;
            client.publish(json!(1)).await;
            let first = bystander.message().await.unwrap();
            first["method"] == "notifications/progress"
        }
        Fault::AnswerStreamForeignResponse => {
            let answer = client.post(&call("progress", json!({"steps": 1}))).await;
            answer.body.contains("\"id\":\"foreign\"")
        }
        Fault::AnswerStreamLeftOpen => {
            let start = Instant::now();
            let post = client.request(Method::POST);
            send(post.json(&call("progress", json!({"steps": 1})))).await;
            start.elapsed() >= Duration::from_secs(3)
        }
        Fault::HybridStreamEnds => {
            let mut stream = hybrid.client_stream("").await;
            let end = async { while stream.block().await.is_some() {} };
            tokio::time::timeout(Duration::from_secs(2), end)
                .await
                .is_ok()
        }
        _ => return None,
    })
}

/// What arrives when one message is published.
async fn published(client: &Client) -> Value {
    let mut stream = client.client_stream("").await;
    client.publish(json!(1)).await;
    stream.message().await.unwrap()
}

async fn payloads(stream: &mut Events, count: usize) -> Vec<Value> {
    let mut payloads = Vec::new();
    for _ in 0..count {
        payloads.push(stream.payload().await);
    }
    payloads
}
