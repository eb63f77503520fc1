//! Coming back to a stream whose connection broke, and the ends of sessions.

use std::collections::HashSet;
use std::time::Duration;

use mcp_plumb_reference_server::{Config, RunningServer, start};
use reqwest::Method;
use serde_json::json;

use crate::client::{Client, DEADLINE, Events, call, request, send, server};
use crate::sse_client::session_with;

/// The id and the payload of the next published message.
async fn published(events: &mut Events) -> (String, serde_json::Value) {
    loop {
        let block = events.block().await.expect("a message before the end");
        let line = |name: &str| block.lines().find_map(|line| line.strip_prefix(name));
        if let Some(data) = line("data: ") {
            let message: serde_json::Value = serde_json::from_str(data).unwrap();
            let payload = message["params"]["data"]["payload"].clone();
            return (line("id: ").unwrap().to_owned(), payload);
        }
    }
}

async fn come_back(client: &Client, id: &str) -> Events {
    Events::open(client.request(Method::GET).header("last-event-id", id)).await
}

async fn until_streams(server: &RunningServer, count: u64) {
    let polling = async {
        while server.counters().streams_open != count {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(DEADLINE, polling)
        .await
        .unwrap_or_else(|_| panic!("not {count} streams in time"));
}

#[tokio::test]
async fn a_client_that_comes_back_misses_nothing() {
    let server = server().await;
    for version in ["2025-03-26", "2025-06-18", "2025-11-25"] {
        let client = session_with(&server, version, json!({})).await;
        let other = session_with(&server, version, json!({})).await;
        let mut events = client.stream().await;
        for number in 1..=3 {
            client.publish(json!(number)).await;
        }
        let (first, payload) = published(&mut events).await;
        assert_eq!(payload, 1);
        drop(events);
        until_streams(&server, 0).await;
        client.publish(json!(4)).await;

        // The id belongs to a session: to another it says nothing.
        let mut foreign = come_back(&other, &first).await;
        let mut events = come_back(&client, &first).await;
        client.publish(json!(5)).await;
        for expected in 2..=5 {
            assert_eq!(published(&mut events).await.1, expected);
        }
        assert_eq!(published(&mut foreign).await.1, 5);

        // Who comes back again takes the stream over from the connection that still reads it.
        let mut again = come_back(&client, &first).await;
        while events.block().await.is_some() {}
        for expected in 2..=5 {
            assert_eq!(published(&mut again).await.1, expected);
        }
        client.delete().await;
        while again.block().await.is_some() {}
        other.delete().await;
        until_streams(&server, 0).await;
    }
}

#[tokio::test]
async fn ids_are_unique_in_a_session_and_lead_to_their_own_stream() {
    let server = server().await;
    let client = Client::session(&server).await;
    let (mut one, mut two) = (client.stream().await, client.stream().await);
    let mut ids = HashSet::new();
    client.publish(json!("to the older")).await;
    let (of_one, _) = published(&mut one).await;
    let priming = two.block().await.unwrap();
    assert_eq!(priming, ": open");
    let priming = two.block().await.unwrap();
    let of_two = priming
        .lines()
        .next()
        .unwrap()
        .strip_prefix("id: ")
        .unwrap();
    let answer = client.post(&call("progress", json!({"steps": 1}))).await;
    let of_answer = answer
        .body
        .lines()
        .filter_map(|line| line.strip_prefix("id: "));
    for id in of_answer.chain([of_one.as_str(), of_two]) {
        assert!(ids.insert(id.to_owned()), "{id} twice");
    }
    // The second stream had no message, so that its beginning leads to nothing that the first had.
    let mut back = come_back(&client, of_two).await;
    while two.block().await.is_some() {}
    drop(one);
    until_streams(&server, 1).await;
    client.publish(json!("next")).await;
    assert_eq!(published(&mut back).await.1, "next");
}

#[tokio::test]
async fn ids_that_are_none_start_afresh() {
    let server = server().await;
    let client = Client::session(&server).await;
    let mut first = client.stream().await;
    client.publish(json!("old")).await;
    let (id, _) = published(&mut first).await;
    drop(first);
    until_streams(&server, 0).await;
    let stream = id.split('-').next().unwrap();
    let too_new = format!("{stream}-99");
    for id in [
        "",
        "x",
        "1",
        "-",
        "999-1",
        "18446744073709551616-0",
        too_new.as_str(),
    ] {
        let mut events = come_back(&client, id).await;
        client.publish(json!("new")).await;
        assert_eq!(published(&mut events).await.1, "new", "{id}");
        drop(events);
        until_streams(&server, 0).await;
    }
}

#[tokio::test]
async fn a_stream_remembers_its_latest_events_only() {
    let server = server().await;
    let client = Client::session(&server).await;
    let mut events = client.stream().await;
    events.block().await;
    let priming = events.block().await.unwrap();
    assert!(priming.contains("retry: "), "{priming}");
    let start = priming
        .lines()
        .next()
        .unwrap()
        .strip_prefix("id: ")
        .unwrap();
    drop(events);
    until_streams(&server, 0).await;
    for number in 0..100 {
        assert_eq!(client.publish(json!(number)).await, 0);
    }
    let mut events = come_back(&client, start).await;
    for expected in 68..100 {
        assert_eq!(published(&mut events).await.1, expected);
    }
}

#[tokio::test]
async fn the_end_of_a_session_stops_what_runs_for_it() {
    let server = server().await;
    let client = Client::session(&server).await;
    let long = call("progress", json!({"steps": 100, "delay_ms": 5000}));
    let mut running = Events::open(client.request(Method::POST).json(&long)).await;
    running.block().await;
    assert_eq!(client.delete().await.status, 204);
    assert_eq!(running.block().await, None);
    assert_eq!(server.counters().sessions_open, 0);
}

#[tokio::test]
async fn a_session_that_nobody_uses_ends() {
    let config = Config {
        session_idle: Duration::from_millis(100),
        ..Config::default()
    };
    let server = start(config).await.unwrap();
    let (reading, idle) = (
        session_with(&server, "2025-11-25", json!({})),
        session_with(&server, "2025-11-25", json!({})),
    );
    let reading = reading.await;
    let mut stream = reading.stream().await;
    let idle = idle.await;
    let polling = async {
        while server.counters().sessions_open != 1 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(DEADLINE, polling).await.unwrap();
    assert_eq!(idle.post(&request(1, "ping", json!({}))).await.status, 404);
    assert_eq!(send(idle.request(Method::GET)).await.status, 404);
    let ping = reading.post(&request(1, "ping", json!({}))).await;
    assert_eq!(ping.status, 200);
    reading.publish(json!("still here")).await;
    assert_eq!(published(&mut stream).await.1, "still here");
}
