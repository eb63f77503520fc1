//! Faults in the list of tools and in what calls return.

use mcp_plumb_reference_server::{Fault, FaultSet};
use serde_json::{Value, json};

use crate::client::{Client, initialize, request, server_with};
use crate::faults::{called, tool_names};

/// Whether a server with these faults behaves as the fault says; `None` for a fault that is tested elsewhere.
pub(crate) async fn shows(fault: Fault, faults: FaultSet) -> Option<bool> {
    let server = server_with(faults).await;
    let hybrid = Client::hybrid(&server);
    let list = request(1, "tools/list", json!({}));
    let any_name = async |fits: fn(&String) -> bool| tool_names(&hybrid).await.iter().any(fits);
    Some(match fault {
        Fault::ToolsListNull => hybrid.post(&list).await.json()["result"]["tools"].is_null(),
        Fault::ToolsNameTooLong => any_name(|name| name.len() == 200).await,
        Fault::ToolsNameWithBlank => any_name(|name| name.contains(' ')).await,
        Fault::ToolsInputSchemaInvalid => {
            misfit(&hybrid).await["inputSchema"]["properties"]["x"]["type"] == 7
        }
        Fault::ToolsOutputSchemaArray => misfit(&hybrid).await["outputSchema"]["type"] == "array",
        Fault::ToolsAnnotationsAsText => {
            misfit(&hybrid).await["annotations"]["readOnlyHint"].is_string()
        }
        Fault::ToolsUnknownWrongCode => {
            called(&hybrid, "none", json!({})).await["error"]["code"] == -32601
        }
        Fault::ToolsMissingNameServed => named(&hybrid, json!({})).await["result"].is_object(),
        Fault::ToolsNumericNameServed => {
            named(&hybrid, json!({"name": 5})).await["result"].is_object()
        }
        Fault::ToolsStructuredArray => {
            let result = called(&hybrid, "add", json!({"a": 1, "b": 2})).await;
            result["result"]["structuredContent"] == json!([3])
        }
        Fault::ContentTypeUnknown => echo(&hybrid).await[0]["type"] == "markdown",
        Fault::ContentTextMissing => echo(&hybrid).await[0]["text"].is_null(),
        Fault::ContentAudioAt20241105 => {
            agreed(&hybrid).await == "2024-11-05" && echo(&hybrid).await[1]["type"] == "audio"
        }
        Fault::ContentLinkAt20250326 => {
            agreed(&hybrid).await == "2025-03-26"
                && echo(&hybrid).await[1]["type"] == "resource_link"
        }
        _ => return None,
    })
}

/// The listed tool that a fault adds, or null.
async fn misfit(client: &Client) -> Value {
    let listed = client
        .post(&request(1, "tools/list", json!({})))
        .await
        .json();
    let tools = listed["result"]["tools"].as_array().unwrap();
    let misfit = tools.iter().find(|tool| tool["name"] == "misfit");
    misfit.cloned().unwrap_or_default()
}

async fn named(client: &Client, params: Value) -> Value {
    client.post(&request(1, "tools/call", params)).await.json()
}

/// The content that `echo` returns.
async fn echo(client: &Client) -> Value {
    called(client, "echo", json!({"message": "x"})).await["result"]["content"].clone()
}

/// The revision that a client which knows the newest is offered.
async fn agreed(client: &Client) -> Value {
    let answer = client.post(&initialize("2025-11-25")).await.json();
    answer["result"]["protocolVersion"].clone()
}

#[tokio::test]
async fn bad_arguments_are_told_in_the_form_of_the_revision() {
    let server = server_with(FaultSet::default()).await;
    for (revision, as_protocol_error) in [("2025-06-18", true), ("2025-11-25", false)] {
        let mut client = Client::new(server.streamable_url());
        client.session = client.post(&initialize(revision)).await.session;
        client.initialized().await;
        let answer = called(&client, "add", json!({"a": "x"})).await;
        assert_eq!(
            answer["error"]["code"] == -32602,
            as_protocol_error,
            "{revision}: {answer}"
        );
        assert_eq!(answer["result"]["isError"] == true, !as_protocol_error);
    }
    let hybrid = Client::hybrid(&server);
    hybrid.post(&initialize("2024-11-05")).await;
    let answer = called(&hybrid, "add", json!({"a": "x"})).await;
    assert_eq!(answer["result"]["isError"], true);
}
