//! `subscriptions/listen` with one stream and with many.

use mcp_plumb_reference_server::{Config, RunningServer, start};
use serde_json::{Value, json};

use super::client::{Modern, SUBSCRIPTION};
use crate::client::{DEADLINE, Events, server};

const PAYLOAD: &str = "io.github.mcp-plumb/payload";

fn board() -> Value {
    json!({"resourceSubscriptions": ["plumb://board"]})
}

#[tokio::test]
async fn the_acknowledgement_comes_first_and_names_what_is_honoured() {
    let server = server().await;
    let client = Modern::new(&server);
    for id in [json!("sub-1"), json!(0), json!("größe"), json!("\"}")] {
        let asked = json!({
            "toolsListChanged": true, "promptsListChanged": false,
            "resourceSubscriptions": ["plumb://board", "plumb://none"], "unknown": true,
        });
        let (events, first) = client.listen(id.clone(), asked).await;
        assert_eq!(first["method"], "notifications/subscriptions/acknowledged");
        assert!(first["id"].is_null());
        assert_eq!(
            first["params"],
            json!({
                "_meta": {SUBSCRIPTION: id},
                "notifications": {
                    "toolsListChanged": true, "resourceSubscriptions": ["plumb://board"],
                },
            })
        );
        assert_eq!(events.response.headers()["x-accel-buffering"], "no");
    }
    let (_events, first) = client.listen(json!(1), json!({})).await;
    assert_eq!(first["params"]["notifications"], json!({}));
}

#[tokio::test]
async fn each_stream_gets_what_it_asked_for_under_its_own_id() {
    let server = server().await;
    let client = Modern::new(&server);
    let (mut one, _) = client.listen(json!(1), board()).await;
    let (mut two, _) = client.listen(json!("two"), board()).await;
    let (mut twin, _) = client.listen(json!(1), board()).await;
    let readme = json!({"toolsListChanged": true, "resourceSubscriptions": ["plumb://readme"]});
    let (mut other, _) = client.listen(json!("other"), readme).await;
    for number in 0..3 {
        let payload = json!({"n": number, "text": "a\nb\u{2028}"});
        assert_eq!(client.publish(payload.clone()).await, 3);
        for (events, id) in [
            (&mut one, json!(1)),
            (&mut two, json!("two")),
            (&mut twin, json!(1)),
        ] {
            let message = events.message().await.unwrap();
            assert_eq!(message["method"], "notifications/resources/updated");
            assert_eq!(message["params"]["uri"], "plumb://board");
            let meta = json!({SUBSCRIPTION: id, PAYLOAD: payload});
            assert_eq!(message["params"]["_meta"], meta);
        }
    }
    // Nothing came to the stream that asked for other things: the next that it reads is the end.
    drop((one, two, twin));
    let (_, end) = tokio::join!(server.shutdown(), other.message());
    assert_eq!(end.unwrap()["id"], "other");
}

#[tokio::test]
async fn a_stream_that_the_server_ends_gets_its_result() {
    let server = server().await;
    let client = Modern::new(&server);
    let (mut events, _) = client.listen(json!(7), board()).await;
    let (_, end) = tokio::join!(server.shutdown(), events.message());
    let end = end.unwrap();
    assert_eq!(
        (&end["id"], &end["result"]["resultType"]),
        (&json!(7), &json!("complete"))
    );
    assert_eq!(end["result"]["_meta"][SUBSCRIPTION], 7);
    assert_eq!(events.message().await, None);
}

#[tokio::test]
async fn filters_that_cannot_be_read_are_refused() {
    let server = server().await;
    let client = Modern::new(&server);
    drop(client.listen(json!(1), board()).await);
    for asked in [
        json!(null),
        json!([]),
        json!("all"),
        json!({"toolsListChanged": 1}),
        json!({"resourceSubscriptions": {}}),
        json!({"resourceSubscriptions": [{}]}),
    ] {
        let post = client.post("subscriptions/listen", json!({"notifications": asked}));
        assert_eq!(post.refusal().await, (400, -32602), "{asked}");
    }
    let missing = client.post("subscriptions/listen", json!({}));
    assert_eq!(missing.refusal().await, (400, -32602));
    let long = client.post("subscriptions/listen", json!({"notifications": {}}));
    assert_eq!(
        long.id(json!("x".repeat(1000))).refusal().await,
        (400, -32600)
    );
}

async fn until_open(server: &RunningServer, streams: u64) {
    let polling = async {
        while server.counters().streams_open != streams {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(DEADLINE, polling)
        .await
        .expect("in time");
}

#[tokio::test]
async fn a_stream_that_is_closed_is_forgotten() {
    let server = server().await;
    let client = Modern::new(&server);
    let (first, _) = client.listen(json!(1), board()).await;
    let (mut second, _) = client.listen(json!(2), board()).await;
    assert_eq!(server.counters().streams_open, 2);
    drop(first);
    until_open(&server, 1).await;
    assert_eq!(client.publish(json!("x")).await, 1);
    assert_eq!(
        second.message().await.unwrap()["params"]["_meta"][PAYLOAD],
        "x"
    );
}

#[tokio::test]
async fn no_more_streams_than_there_may_be() {
    let config = Config {
        streams_max: 2,
        ..Config::default()
    };
    let server = start(config).await.unwrap();
    let client = Modern::new(&server);
    let _open = [
        client.listen(json!(1), json!({})).await,
        client.listen(json!(2), json!({})).await,
    ];
    let third = client
        .post("subscriptions/listen", json!({"notifications": {}}))
        .send()
        .await;
    assert_eq!(third.status, 503);
}

#[tokio::test]
async fn a_slow_reader_loses_its_stream_without_a_result() {
    let config = Config {
        queue_per_stream: 4,
        ..Config::default()
    };
    let server = start(config).await.unwrap();
    let client = Modern::new(&server);
    let (mut slow, _) = client.listen(json!(1), board()).await;
    // More than the socket and the queue hold.
    let payload = json!("x".repeat(1024 * 1024));
    let flooding = async {
        while server.counters().dropped_slow_reader == 0 {
            client.publish(payload.clone()).await;
        }
    };
    tokio::time::timeout(DEADLINE, flooding)
        .await
        .expect("in time");
    assert_eq!(server.counters().streams_open, 0);
    while let Some(message) = slow.message().await {
        assert!(message["result"].is_null());
    }
}

#[tokio::test]
async fn many_streams_hear_the_same() {
    let server = server().await;
    let client = Modern::new(&server);
    let mut streams: Vec<Events> = Vec::new();
    for number in 0..50 {
        streams.push(client.listen(json!(number), board()).await.0);
    }
    assert_eq!(client.publish(json!("all")).await, 50);
    for (number, events) in streams.iter_mut().enumerate() {
        let message = events.message().await.unwrap();
        assert_eq!(
            message["params"]["_meta"],
            json!({SUBSCRIPTION: number, PAYLOAD: "all"})
        );
    }
    assert_eq!(server.counters().deliveries, 50);
}
