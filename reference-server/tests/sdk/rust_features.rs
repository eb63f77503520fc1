//! What the Rust SDK finds at every revision.
//!
//! The SDK hands each notification to a task of its own. They stay in order because `tokio::test` runs all tasks on
//! one thread, first come, first served.

use rmcp::model::{
    CallToolRequest, ClientRequest, CompletionInfo, ErrorCode, GetPromptRequestParams,
    PaginatedRequestParams, ProtocolVersion, ReadResourceRequestParams, ResourceContents,
};
use rmcp::service::PeerRequestOptions;
use serde_json::{Value, json};

use crate::rust::{REVISIONS, Seen, code, everywhere, request, soon, text};

#[tokio::test]
async fn each_revision_is_agreed_on() {
    everywhere(REVISIONS, async |_, client, revision| {
        assert_eq!(client.revision(), *revision);
        let peer = client.service.peer_info().expect("a peer");
        let capabilities = &peer.capabilities;
        assert!(capabilities.tools.is_some() && capabilities.resources.is_some());
        assert!(capabilities.prompts.is_some());
        let server = peer.server_info.as_ref().expect("serverInfo");
        assert_eq!(server.name, "mcp-plumb-reference-server");
    })
    .await;
}

#[tokio::test]
async fn tools_are_listed_and_called() {
    everywhere(REVISIONS, async |_, client, revision| {
        let tools = soon(client.service.list_all_tools()).await.unwrap();
        for name in ["echo", "add", "fail", "progress", "publish"] {
            let found = tools.iter().filter(|tool| tool.name == name).count();
            assert_eq!(found, 1, "{name}");
        }
        let add = tools.iter().find(|tool| tool.name == "add").unwrap();
        let is_structured = *revision >= ProtocolVersion::V_2025_06_18;
        assert_eq!(add.output_schema.is_some(), is_structured, "{revision}");

        let echoed = client
            .call("echo", json!({"message": "häßlich \u{1f980}\n"}))
            .await;
        assert_eq!(text(&echoed), "häßlich \u{1f980}\n");
        assert_ne!(echoed.is_error, Some(true));

        let sum = client.call("add", json!({"a": 2, "b": 40})).await;
        let repeated: Value = serde_json::from_str(text(&sum)).unwrap();
        assert_eq!(repeated, json!({"sum": 42}));
        assert_eq!(sum.structured_content, is_structured.then_some(repeated));

        assert_eq!(client.call("fail", json!({})).await.is_error, Some(true));
        let unknown = client.try_call("no such tool", json!({})).await;
        assert_eq!(code(unknown), ErrorCode::INVALID_PARAMS);

        // A model can correct what a result tells it; before 2025-11-25 this was a protocol error.
        let wrong = client.try_call("echo", json!({"message": 7})).await;
        if *revision < ProtocolVersion::V_2025_11_25 {
            assert_eq!(code(wrong), ErrorCode::INVALID_PARAMS);
        } else {
            assert_eq!(wrong.unwrap().is_error, Some(true));
        }
    })
    .await;
}

#[tokio::test]
async fn progress_comes_in_order_before_the_result() {
    everywhere(REVISIONS, async |_, client, _| {
        // The SDK puts a progress token into each request.
        let done = client.call("progress", json!({"steps": 3})).await;
        assert_eq!(text(&done), "3 steps done");
        for step in [1.0, 2.0, 3.0] {
            let expected = Seen::Progress {
                progress: step,
                total: Some(3.0),
            };
            assert_eq!(client.next().await, expected);
        }
    })
    .await;
}

#[tokio::test]
async fn resources_are_listed_and_read() {
    everywhere(REVISIONS, async |_, client, revision| {
        let resources = soon(client.service.list_all_resources()).await.unwrap();
        let templates = soon(client.service.list_all_resource_templates())
            .await
            .unwrap();
        for uri in ["plumb://readme", "plumb://board"] {
            assert!(resources.iter().any(|resource| resource.uri == uri));
        }
        let items = "plumb://items/{id}";
        assert!(templates.iter().any(|found| found.uri_template == items));

        let read = |uri| {
            soon(
                client
                    .service
                    .read_resource(ReadResourceRequestParams::new(uri)),
            )
        };
        client.call("publish", json!({"payload": [1]})).await;
        for (uri, expected) in [
            ("plumb://readme", "A server to measure others against."),
            ("plumb://board", "[1]"),
            ("plumb://items/7", "This is item 7."),
        ] {
            let contents = read(uri).await.unwrap().contents;
            let [
                ResourceContents::TextResourceContents {
                    uri: named, text, ..
                },
            ] = &contents[..]
            else {
                panic!("not one text: {contents:?}")
            };
            assert_eq!((named.as_str(), text.as_str()), (uri, expected));
        }
        let missing = read("plumb://nothing").await;
        let expected = if revision.has_initialize() {
            ErrorCode::RESOURCE_NOT_FOUND
        } else {
            ErrorCode::INVALID_PARAMS
        };
        assert_eq!(code(missing), expected);
    })
    .await;
}

#[tokio::test]
async fn prompts_are_listed_and_filled_in() {
    everywhere(REVISIONS, async |_, client, _| {
        let prompts = soon(client.service.list_all_prompts()).await.unwrap();
        let greet = prompts
            .iter()
            .find(|prompt| prompt.name == "greet")
            .unwrap();
        let arguments = greet.arguments.as_ref().expect("arguments");
        assert_eq!(arguments[0].required, Some(true));

        let get = |params| soon(client.service.get_prompt(params));
        let Value::Object(ada) = json!({"name": "Ada"}) else {
            unreachable!()
        };
        let filled = get(GetPromptRequestParams::new("greet").with_arguments(ada))
            .await
            .unwrap();
        let said = filled.messages[0].content.as_text().expect("a text");
        assert!(said.text.contains("Ada"), "{}", said.text);
        for name in ["greet", "no such prompt"] {
            let refused = get(GetPromptRequestParams::new(name)).await;
            assert_eq!(code(refused), ErrorCode::INVALID_PARAMS, "{name}");
        }
    })
    .await;
}

#[tokio::test]
async fn a_call_that_is_given_up_leaves_the_connection_in_order() {
    everywhere(REVISIONS, async |_, client, _| {
        let call =
            CallToolRequest::new(request("progress", json!({"steps": 100, "delay_ms": 100})));
        let options = PeerRequestOptions::no_options();
        let running = client
            .service
            .send_cancellable_request(ClientRequest::CallToolRequest(call), options);
        let running = soon(running).await.unwrap();
        // It is under way once it reports.
        assert!(matches!(client.next().await, Seen::Progress { .. }));
        soon(running.cancel(Some("enough".to_owned())))
            .await
            .unwrap();
        let echoed = client.call("echo", json!({"message": "still here"})).await;
        assert_eq!(text(&echoed), "still here");
    })
    .await;
}

#[tokio::test]
async fn lists_come_in_pages() {
    everywhere(REVISIONS, async |_, client, _| {
        let page = |cursor| {
            let params = PaginatedRequestParams::default().with_cursor(cursor);
            soon(client.service.list_tools(Some(params)))
        };
        let all = soon(client.service.list_all_tools()).await.unwrap();
        let first = page(None).await.unwrap();
        assert!(first.tools.len() < all.len());
        let rest = page(first.next_cursor).await.unwrap();
        assert_eq!([first.tools, rest.tools].concat(), all);
        let never_given = page(Some("never handed out".to_owned())).await;
        assert_eq!(code(never_given), ErrorCode::INVALID_PARAMS);
    })
    .await;
}

#[tokio::test]
async fn what_is_typed_is_completed() {
    everywhere(REVISIONS, async |_, client, _| {
        let service = &client.service;
        let names = soon(service.complete_prompt_simple("greet", "name", "A")).await;
        assert_eq!(names.unwrap(), ["Ada", "Alan"]);
        let items = "plumb://items/{id}";
        let ids = soon(service.complete_resource_argument(items, "id", "", None)).await;
        let ids = ids.unwrap();
        assert_eq!(ids.values.len(), CompletionInfo::MAX_VALUES);
        assert_eq!((ids.total, ids.has_more), (Some(250), Some(true)));
        let unknown = soon(service.complete_prompt_simple("no such prompt", "name", "")).await;
        assert_eq!(code(unknown), ErrorCode::INVALID_PARAMS);
    })
    .await;
}
