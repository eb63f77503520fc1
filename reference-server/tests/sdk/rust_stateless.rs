//! What the Rust SDK finds at 2026-07-28 only, and how it chooses between that and a session.

use mcp_plumb_reference_server::{Config, Revision, RunningServer, start};
use rmcp::ClientLifecycleMode;
use rmcp::model::{GetMeta as _, ProtocolVersion, ServerNotification, SubscriptionFilter};
use rmcp::service::{Subscription, SubscriptionEnd};
use serde_json::json;

use crate::rust::{Client, soon, text, until};

const BOARD: &str = "plumb://board";
const MODERN: ProtocolVersion = ProtocolVersion::V_2026_07_28;

async fn server(revision: Option<Revision>) -> RunningServer {
    let config = Config {
        revision,
        ..Config::default()
    };
    start(config).await.unwrap()
}

#[tokio::test]
async fn a_client_that_speaks_both_finds_what_the_server_speaks() {
    for (served, expected) in [
        (None, MODERN),
        (Some(Revision::V2026_07_28), MODERN),
        (Some(Revision::V2025_11_25), ProtocolVersion::V_2025_11_25),
        (Some(Revision::V2025_06_18), ProtocolVersion::V_2025_06_18),
    ] {
        let server = server(served).await;
        let newest_session = ProtocolVersion::LATEST_WITH_INITIALIZE;
        let lifecycle = ClientLifecycleMode::Auto {
            preferred_versions: vec![MODERN],
            legacy_version: Some(newest_session.clone()),
        };
        let client = Client::begin(&server, &newest_session, lifecycle).await;
        assert_eq!(client.revision(), expected, "{served:?}");
        let sessions = u64::from(expected.has_initialize());
        assert_eq!(server.counters().sessions_open, sessions, "{served:?}");
        let echoed = client.call("echo", json!({"message": "here"})).await;
        assert_eq!(text(&echoed), "here");
        client.close().await;
        server.shutdown().await;
    }
}

async fn next(subscription: &mut Subscription) -> ServerNotification {
    let next = soon(subscription.next()).await.expect("a stream in order");
    next.expect("a notification before the end")
}

#[tokio::test]
async fn each_subscription_gets_what_it_asked_for() {
    let server = server(None).await;
    let client = Client::connect(&server, &MODERN).await;
    let listen = |filter| soon(client.service.listen(filter));
    let board = SubscriptionFilter::builder().resource_subscriptions([BOARD]);
    let lists = SubscriptionFilter::builder().tools_list_changed();
    let mut board = listen(board.build()).await.unwrap();
    let mut lists = listen(lists.build()).await.unwrap();
    let named = board.acknowledged().resource_subscriptions.clone();
    assert_eq!(named, Some(vec![BOARD.to_owned()]));
    assert_eq!(board.acknowledged().tools_list_changed, None);
    assert_eq!(lists.acknowledged().tools_list_changed, Some(true));
    assert_ne!(board.id(), lists.id());

    for n in 0..3 {
        client.call("publish", json!({"payload": {"n": n}})).await;
        let updated = next(&mut board).await;
        let payload = updated.get_meta()["io.github.mcp-plumb/payload"].clone();
        assert_eq!(payload, json!({"n": n}));
        let ServerNotification::ResourceUpdatedNotification(updated) = updated else {
            panic!("not an update: {updated:?}")
        };
        assert_eq!(updated.params.uri, BOARD);
    }
    client.call("announce", json!({"kind": "tools"})).await;
    let changed = next(&mut lists).await;
    assert!(matches!(
        changed,
        ServerNotification::ToolListChangedNotification(_)
    ));

    soon(board.cancel()).await.unwrap();
    assert!(matches!(board.end(), Some(SubscriptionEnd::Cancelled)));
    until(|| server.counters().streams_open == 1).await;
    let ending = tokio::spawn(server.shutdown());
    assert!(soon(lists.next()).await.unwrap().is_none());
    assert!(matches!(lists.end(), Some(SubscriptionEnd::Graceful(_))));
    client.close().await;
    soon(ending).await.unwrap();
}

#[tokio::test]
async fn questions_are_answered_in_rounds() {
    let server = server(None).await;
    let client = Client::connect(&server, &MODERN).await;
    // The SDK answers what the result asks for and calls again, with the state that it was given.
    for (tool, arguments, answer) in [
        ("ask_user", json!({}), "Ada"),
        ("ask_model", json!({"prompt": "Well?"}), "forty-two"),
        ("ask_roots", json!({}), "file:///srv"),
    ] {
        let answered = client.call(tool, arguments).await;
        assert_ne!(answered.is_error, Some(true), "{tool}: {answered:?}");
        assert!(text(&answered).contains(answer), "{tool}: {answered:?}");
    }
    client.close().await;
    server.shutdown().await;
}
