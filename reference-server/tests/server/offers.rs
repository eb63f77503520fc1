//! What sessions are offered: pages, prompts, completion, subscriptions, announcements, by revision.

use mcp_plumb_reference_server::{Config, Revision, RunningServer, start};
use serde_json::{Value, json};

use crate::client::{Client, call, initialize, request, server};
use crate::sse_client::session_with;

async fn result(client: &Client, method: &str, params: Value) -> Value {
    let answer = client.post(&request(2, method, params)).await.json();
    assert!(answer["error"].is_null(), "{answer}");
    answer["result"].clone()
}

/// Every entry of a list with the pages that it took.
async fn walk(client: &Client, method: &str, list: &str) -> (Vec<Value>, usize) {
    let (mut entries, mut pages, mut params) = (Vec::new(), 0, json!({}));
    loop {
        let page = result(client, method, params.clone()).await;
        entries.extend(page[list].as_array().unwrap().clone());
        pages += 1;
        match page.get("nextCursor") {
            Some(cursor) => params = json!({"cursor": cursor}),
            None => return (entries, pages),
        }
    }
}

async fn session(server: &RunningServer) -> Client {
    session_with(server, "2025-11-25", json!({})).await
}

#[tokio::test]
async fn lists_are_walked_page_by_page() {
    let server = server().await;
    let client = session(&server).await;
    for (method, list, key, entries, pages) in [
        ("tools/list", "tools", "name", 12, 2),
        ("resources/list", "resources", "uri", 10, 2),
        (
            "resources/templates/list",
            "resourceTemplates",
            "name",
            1,
            1,
        ),
        ("prompts/list", "prompts", "name", 3, 1),
    ] {
        let (walked, took) = walk(&client, method, list).await;
        assert_eq!((walked.len(), took), (entries, pages), "{method}");
        let mut keys: Vec<&str> = walked
            .iter()
            .map(|entry| entry[key].as_str().unwrap())
            .collect();
        keys.sort_unstable();
        keys.dedup();
        assert_eq!(keys.len(), entries);
        if list == "resources" {
            for uri in keys {
                let read = result(&client, "resources/read", json!({"uri": uri})).await;
                assert_eq!(read["contents"][0]["uri"], uri);
            }
        }
        // A cursor of one list is none of another.
        let tools = result(&client, "tools/list", json!({})).await["nextCursor"].clone();
        if list != "tools" {
            let answer = client
                .post(&request(1, method, json!({"cursor": tools})))
                .await;
            assert_eq!(answer.error_code(), -32602);
        }
    }
}

#[tokio::test]
async fn prompts_are_filled_in() {
    let server = server().await;
    let client = session(&server).await;
    for (params, expected) in [
        (
            json!({"name": "greet", "arguments": {"name": "Ada"}}),
            Some("greet Ada"),
        ),
        (
            json!({"name": "review", "arguments": {"text": "x"}}),
            Some("brief review"),
        ),
        (
            json!({"name": "review", "arguments": {"text": "x", "style": "thorough"}}),
            Some("thorough review"),
        ),
        (json!({"name": "board"}), Some("plumb://board")),
        (
            json!({"name": "review", "arguments": {"style": "brief"}}),
            None,
        ),
        (
            json!({"name": "review", "arguments": {"text": "x", "style": "loud"}}),
            None,
        ),
        (
            json!({"name": "review", "arguments": {"text": "x", "style": 1}}),
            None,
        ),
        (json!({"name": "greet", "arguments": []}), None),
        (json!({"name": "greet", "arguments": {"name": null}}), None),
        (json!({"name": 1}), None),
    ] {
        let answer = client
            .post(&request(1, "prompts/get", params.clone()))
            .await;
        match expected {
            Some(text) => {
                let message = answer.json()["result"]["messages"][0].clone();
                assert_eq!(message["role"], "user");
                assert!(message["content"].to_string().contains(text), "{message}");
            }
            None => assert_eq!(answer.error_code(), -32602, "{params}"),
        }
    }
}

#[tokio::test]
async fn completion_gives_what_begins_as_was_typed() {
    let server = server().await;
    let client = session(&server).await;
    let item = json!({"type": "ref/resource", "uri": "plumb://items/{id}"});
    let greet = json!({"type": "ref/prompt", "name": "greet"});
    let review = json!({"type": "ref/prompt", "name": "review"});
    let asked = |reference: &Value, name: &str, value: &str| json!({"ref": reference, "argument": {"name": name, "value": value}});
    for (params, values, total, more) in [
        (asked(&item, "id", ""), 100, 250, true),
        (asked(&item, "id", "25"), 2, 2, false),
        (asked(&item, "id", "x"), 0, 0, false),
        (asked(&greet, "name", "A"), 2, 2, false),
        (asked(&review, "style", ""), 3, 3, false),
        (asked(&review, "text", "a"), 0, 0, false),
    ] {
        let completion = result(&client, "completion/complete", params.clone()).await;
        let completion = &completion["completion"];
        assert_eq!(
            completion["values"].as_array().unwrap().len(),
            values,
            "{params}"
        );
        assert_eq!(
            (&completion["total"], &completion["hasMore"]),
            (&json!(total), &json!(more))
        );
    }
    let mut with_context = asked(&review, "style", "b");
    with_context["context"] = json!({"arguments": {"text": "x"}});
    let completion = result(&client, "completion/complete", with_context.clone()).await;
    assert_eq!(completion["completion"]["values"], json!(["brief"]));
    with_context["context"] = json!("x");
    for params in [
        with_context,
        asked(&greet, "none", ""),
        asked(&item, "none", ""),
        asked(&json!({"type": "ref/prompt", "name": "none"}), "name", ""),
        asked(
            &json!({"type": "ref/resource", "uri": "plumb://none"}),
            "id",
            "",
        ),
        asked(&json!({"type": "ref/none", "name": "greet"}), "name", ""),
        asked(&json!({"type": "ref/prompt"}), "name", ""),
        asked(&json!("greet"), "name", ""),
        json!({"ref": greet}),
        json!({"ref": greet, "argument": {"name": "name"}}),
        json!({"ref": greet, "argument": {"name": 1, "value": ""}}),
        json!({"argument": {"name": "name", "value": ""}}),
    ] {
        let answer = client
            .post(&request(1, "completion/complete", params.clone()))
            .await;
        assert_eq!(answer.error_code(), -32602, "{params}");
    }
}

#[tokio::test]
async fn only_subscribers_are_told_that_the_board_changed() {
    let server = server().await;
    let (subscriber, other) = (session(&server).await, session(&server).await);
    let board = json!({"uri": "plumb://board"});
    for _ in 0..2 {
        let subscribed = result(&subscriber, "resources/subscribe", board.clone()).await;
        assert_eq!(subscribed, json!({}));
    }
    let readme = json!({"uri": "plumb://readme"});
    result(&other, "resources/subscribe", readme).await;
    let mut streams = [subscriber.stream().await, other.stream().await];
    other.publish(json!(1)).await;
    for unsubscribed in [json!({}), json!({})] {
        let got = result(&subscriber, "resources/unsubscribe", board.clone()).await;
        assert_eq!(got, unsubscribed);
    }
    other.publish(json!(2)).await;
    let mut methods = [Vec::new(), Vec::new()];
    for (stream, methods) in streams.iter_mut().zip(&mut methods) {
        loop {
            let message = stream.message().await.unwrap();
            methods.push(message["method"].as_str().unwrap().to_owned());
            if message["params"]["data"]["payload"] == 2 {
                break;
            }
            if message["method"] == "notifications/resources/updated" {
                assert_eq!(message["params"]["uri"], "plumb://board");
            }
        }
    }
    let log = "notifications/message";
    assert_eq!(methods[0], [log, "notifications/resources/updated", log]);
    assert_eq!(methods[1], [log, log]);
    let hybrid = Client::hybrid(&server);
    let refused = hybrid.post(&request(1, "resources/subscribe", board)).await;
    assert_eq!(refused.error_code(), -32601);
}

#[tokio::test]
async fn announcements_reach_every_stream_whatever_its_level() {
    let server = server().await;
    let client = session(&server).await;
    let level = json!({"level": "emergency"});
    result(&client, "logging/setLevel", level).await;
    let mut streams = [
        client.stream().await,
        Client::hybrid(&server).client_stream("").await,
    ];
    for kind in ["tools", "prompts", "resources"] {
        client.post(&call("announce", json!({"kind": kind}))).await;
        for stream in &mut streams {
            let message = stream.message().await.unwrap();
            assert_eq!(
                message["method"],
                format!("notifications/{kind}/list_changed")
            );
        }
    }
    let refused = client.post(&call("announce", json!({"kind": "all"}))).await;
    assert_eq!(refused.json()["result"]["isError"], true);
}

#[tokio::test]
async fn each_revision_gets_what_it_knows() {
    let server = server().await;
    let hybrid = |version: &'static str| {
        let mut client = Client::hybrid(&server);
        client.url = format!("{}?client_id=of-{version}", client.url);
        client
    };
    for (version, title, structured, annotations, link, arguments_error) in [
        ("2024-11-05", false, false, false, "resource", true),
        ("2025-03-26", false, false, true, "resource", true),
        ("2025-06-18", true, true, true, "resource_link", true),
        ("2025-11-25", true, true, true, "resource_link", false),
    ] {
        let by_client_id = hybrid(version);
        by_client_id.post(&initialize(version)).await;
        let session = session_with(&server, version, json!({})).await;
        for client in [by_client_id, session] {
            let list = result(&client, "tools/list", json!({})).await;
            let add = &list["tools"][1];
            assert_eq!(add["title"].is_string(), title, "{version}");
            let icons = list["tools"][0]["icons"].is_array();
            assert_eq!(icons, version == "2025-11-25");
            assert_eq!(add["outputSchema"].is_object(), structured);
            assert_eq!(add["annotations"].is_object(), annotations);
            let sum = client
                .post(&call("add", json!({"a": 1, "b": 2})))
                .await
                .json();
            assert_eq!(sum["result"]["structuredContent"].is_object(), structured);
            let linked = client.post(&call("link", json!({}))).await.json();
            assert_eq!(linked["result"]["content"][0]["type"], link);
            let bad = client.post(&call("add", json!({}))).await.json();
            assert_eq!(bad["error"]["code"] == -32602, arguments_error);
            assert_eq!(bad["result"]["isError"] == true, !arguments_error);
            let prompts = result(&client, "prompts/list", json!({})).await;
            assert_eq!(prompts["prompts"][0]["title"].is_string(), title);
        }
    }
}

#[tokio::test]
async fn a_server_can_be_confined_to_one_revision() {
    let config = Config {
        revision: Some(Revision::V2025_03_26),
        ..Config::default()
    };
    let server = start(config).await.unwrap();
    let client = Client::new(server.streamable_url());
    for asked in ["2025-11-25", "2025-03-26", "2024-11-05"] {
        for client in [&client, &Client::hybrid(&server)] {
            let answer = client.post(&initialize(asked)).await.json();
            assert_eq!(answer["result"]["protocolVersion"], "2025-03-26");
        }
    }
}

#[tokio::test]
async fn the_version_header_matters_since_it_exists() {
    let server = server().await;
    for (version, header, status) in [
        ("2025-03-26", "garbage", 200),
        ("2025-03-26", "2025-03-26", 200),
        ("2025-06-18", "garbage", 400),
        ("2025-06-18", "2025-06-18", 200),
        ("2025-11-25", "1999-01-01", 400),
    ] {
        let client = session_with(&server, version, json!({})).await;
        let ping = client
            .request(reqwest::Method::POST)
            .json(&request(1, "ping", json!({})));
        let answer = crate::client::send(ping.header("mcp-protocol-version", header)).await;
        assert_eq!(answer.status, status, "{version} {header}");
    }
    let older = session_with(&server, "2025-03-26", json!({})).await;
    assert_eq!(
        older.post_text("{").await.json().get("id"),
        Some(&Value::Null)
    );
    let newer = session(&server).await;
    assert_eq!(newer.post_text("{").await.json().get("id"), None);
}
