//! What the Rust SDK finds in sessions only, at every revision that begins with `initialize`.

use mcp_plumb_reference_server::{Config, start};
use rmcp::ClientLifecycleMode;
use rmcp::model::{
    ClientRequest, CustomRequest, ErrorCode, LoggingLevel, PingRequest, ProtocolVersion,
    ServerResult, SetLevelRequestParams, SubscribeRequestParams, UnsubscribeRequestParams,
};
use serde_json::json;

use crate::rust::{Client, SESSIONS, Seen, code, everywhere, soon, text, until};

#[tokio::test]
async fn what_is_published_reaches_those_that_want_it() {
    everywhere(SESSIONS, async |server, client, revision| {
        let mut other = Client::connect(server, revision).await;
        until(|| server.counters().streams_open == 2).await;
        client.call("publish", json!({"payload": {"n": 1}})).await;
        set_level(client, LoggingLevel::Warning).await;
        client.call("publish", json!({"payload": {"n": 2}})).await;
        set_level(client, LoggingLevel::Debug).await;
        other.call("publish", json!({"payload": {"n": 3}})).await;

        for (receiver, payloads) in [(&mut *client, vec![1, 3]), (&mut other, vec![1, 2, 3])] {
            for n in payloads {
                let expected = Seen::Log {
                    logger: Some("publish".to_owned()),
                    data: json!({"payload": {"n": n}}),
                };
                assert_eq!(receiver.next().await, expected);
            }
        }
        other.close().await;
    })
    .await;
}

#[tokio::test]
async fn a_session_that_subscribed_is_told_until_it_had_enough() {
    everywhere(SESSIONS, async |server, client, _| {
        const BOARD: &str = "plumb://board";
        until(|| server.counters().streams_open == 1).await;
        let service = &client.service;
        let subscribed = service.subscribe(SubscribeRequestParams::new(BOARD));
        soon(subscribed).await.unwrap();
        client.call("publish", json!({"payload": 1})).await;
        let both = [client.next().await, client.next().await];
        let updated = Seen::Updated {
            uri: BOARD.to_owned(),
        };
        assert!(both.contains(&updated), "{both:?}");

        let service = &client.service;
        let unsubscribed = service.unsubscribe(UnsubscribeRequestParams::new(BOARD));
        soon(unsubscribed).await.unwrap();
        client.call("publish", json!({"payload": 2})).await;
        client.call("announce", json!({"kind": "tools"})).await;
        assert!(matches!(client.next().await, Seen::Log { .. }));
        assert_eq!(client.next().await, Seen::ToolsChanged);
    })
    .await;
}

#[tokio::test]
async fn changed_lists_are_announced() {
    everywhere(SESSIONS, async |server, client, _| {
        until(|| server.counters().streams_open == 1).await;
        for (kind, expected) in [
            ("tools", Seen::ToolsChanged),
            ("prompts", Seen::PromptsChanged),
            ("resources", Seen::ResourcesChanged),
        ] {
            client.call("announce", json!({"kind": kind})).await;
            assert_eq!(client.next().await, expected);
        }
    })
    .await;
}

#[tokio::test]
async fn the_client_is_asked_in_the_middle_of_a_call() {
    everywhere(SESSIONS, async |_, client, revision| {
        let has_elicitation = *revision >= ProtocolVersion::V_2025_06_18;
        for (tool, arguments, answer) in [
            ("ask_user", json!({}), has_elicitation.then_some("Ada")),
            // The client declares forms only.
            ("ask_user", json!({"mode": "url"}), None),
            ("ask_model", json!({"prompt": "Well?"}), Some("forty-two")),
            ("ask_roots", json!({}), Some("file:///srv")),
            ("ask_ping", json!({}), Some("{}")),
        ] {
            let answered = client.call(tool, arguments).await;
            let failed = answered.is_error == Some(true);
            assert_eq!(failed, answer.is_none(), "{tool} {revision}: {answered:?}");
            let answer = answer.unwrap_or("capability");
            assert!(text(&answered).contains(answer), "{tool}: {answered:?}");
        }
    })
    .await;
}

async fn set_level(client: &Client, level: LoggingLevel) {
    let params = SetLevelRequestParams::new(level);
    soon(client.service.set_level(params)).await.unwrap();
}

#[tokio::test]
async fn a_ping_is_answered_and_an_unknown_method_refused() {
    everywhere(SESSIONS, async |_, client, _| {
        let ask = |request| soon(client.service.send_request(request));
        let pong = ask(ClientRequest::PingRequest(PingRequest::default())).await;
        assert!(matches!(pong, Ok(ServerResult::EmptyResult(_))), "{pong:?}");
        let unknown = CustomRequest::new("no/such/method", None);
        let refused = ask(ClientRequest::CustomRequest(unknown)).await;
        assert_eq!(code(refused), ErrorCode::METHOD_NOT_FOUND);
    })
    .await;
}

#[tokio::test]
async fn many_sessions_at_once_each_get_everything() {
    const CLIENTS: usize = 20;
    let server = start(Config::default()).await.unwrap();
    let mut clients = Vec::new();
    for _ in 0..CLIENTS {
        clients.push(Client::connect(&server, &ProtocolVersion::V_2025_11_25).await);
    }
    until(|| server.counters().streams_open == CLIENTS as u64).await;
    for (n, client) in clients.iter().enumerate().take(10) {
        client.call("publish", json!({"payload": n})).await;
    }
    for client in &mut clients {
        for n in 0..10 {
            let Seen::Log { data, .. } = client.next().await else {
                panic!("not a log message")
            };
            assert_eq!(data, json!({"payload": n}));
        }
    }
    for client in clients {
        client.close().await;
    }
    until(|| server.counters().sessions_open == 0).await;
    server.shutdown().await;
}

#[tokio::test]
async fn a_token_is_asked_for_and_taken() {
    let config = Config {
        auth_token: Some("let-me-in".to_owned()),
        ..Config::default()
    };
    let server = start(config).await.unwrap();
    for revision in SESSIONS {
        let begin = async |token| {
            let lifecycle = ClientLifecycleMode::Initialize;
            Client::try_begin(&server, revision, lifecycle, token).await
        };
        for token in [None, Some("let-me-out")] {
            let refused = begin(token).await.err().expect("a refusal");
            let challenge = refused.auth_challenge().expect("a challenge");
            assert!(challenge.contains("resource_metadata="), "{challenge}");
        }
        let mut client = begin(Some("let-me-in")).await.unwrap();
        until(|| server.counters().streams_open == 1).await;
        client.call("publish", json!({"payload": 1})).await;
        assert!(matches!(client.next().await, Seen::Log { .. }));
        client.close().await;
        until(|| server.counters().sessions_open == 0).await;
    }
    server.shutdown().await;
}
