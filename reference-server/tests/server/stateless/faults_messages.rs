//! Faults in results.

use mcp_plumb_reference_server::{Fault, FaultSet};
use serde_json::{Value, json};

use super::client::Modern;
use crate::client::server_with;

const INFO: &str = "io.modelcontextprotocol/serverInfo";

/// `None` for a fault that is tested elsewhere.
pub(crate) async fn shows(fault: Fault, faults: FaultSet) -> Option<bool> {
    let server = server_with(faults).await;
    let client = Modern::new(&server);
    if let Some(verdict) = discovery(fault, &client).await {
        return Some(verdict);
    }
    if let Some(verdict) = annotations(fault, &client).await {
        return Some(verdict);
    }
    if let Some(verdict) = input(fault, &client).await {
        return Some(verdict);
    }
    let list = |method: &'static str| client.result(method, json!({}));
    let hintless = async |method: &'static str| list(method).await["ttlMs"].is_null();
    let meta = async || list("tools/list").await["_meta"].clone();
    Some(match fault {
        Fault::StatelessResultTypeMissing => list("tools/list").await["resultType"].is_null(),
        Fault::StatelessResultTypeUnknown => list("tools/list").await["resultType"] == "done",
        Fault::StatelessServerInfoMissing => meta().await[INFO].is_null(),
        Fault::StatelessServerInfoAsText => meta().await[INFO].is_string(),
        Fault::StatelessMetaKeyInvalid => meta().await["bad key/"] == 1,
        Fault::StatelessMetaKeySquatted => meta().await["io.modelcontextprotocol/plumb"] == 1,
        Fault::StatelessTraceparentInvalid => meta().await["traceparent"] == "here",
        Fault::StatelessDiscoverNoHints => hintless("server/discover").await,
        Fault::StatelessToolsNoHints => hintless("tools/list").await,
        Fault::StatelessPromptsNoHints => hintless("prompts/list").await,
        Fault::StatelessResourcesNoHints => hintless("resources/list").await,
        Fault::StatelessTemplatesNoHints => hintless("resources/templates/list").await,
        Fault::StatelessReadNoHints => {
            let read = client.read("plumb://readme").send().await.json();
            read["result"]["ttlMs"].is_null()
        }
        Fault::StatelessTtlNegative => list("tools/list").await["ttlMs"] == -1,
        Fault::StatelessScopeUnknown => list("tools/list").await["cacheScope"] == "shared",
        Fault::StatelessScopeChanges => {
            scopes(&client).await.windows(2).any(|two| two[0] != two[1])
        }
        Fault::StatelessResourceUriRelative => {
            list("resources/list").await["resources"][0]["uri"] == "not a uri"
        }
        Fault::StatelessInputOnList => list("prompts/list").await["resultType"] == "input_required",
        _ => return None,
    })
}

/// The scope of each page of the list of tools.
async fn scopes(client: &Modern) -> Vec<Value> {
    let mut scopes = Vec::new();
    let mut params = json!({});
    loop {
        let page = client.result("tools/list", params).await;
        scopes.push(page["cacheScope"].clone());
        match page["nextCursor"].as_str() {
            Some(cursor) => params = json!({"cursor": cursor}),
            None => return scopes,
        }
    }
}

async fn discovery(fault: Fault, client: &Modern) -> Option<bool> {
    let found = client.result("server/discover", json!({})).await;
    let undeclared = |name: &str| found["capabilities"][name].is_null();
    let versions = found["supportedVersions"]
        .as_array()
        .cloned()
        .unwrap_or_default();
    Some(match fault {
        Fault::StatelessDiscoverVersionsAsText => found["supportedVersions"].is_string(),
        Fault::StatelessDiscoverServedVersionMissing => !versions.contains(&json!("2026-07-28")),
        Fault::StatelessDiscoverVersionNotServed => versions.contains(&json!("2027-01-01")),
        Fault::StatelessDiscoverNoCapabilities => found["capabilities"].is_null(),
        Fault::StatelessDiscoverInstructionsNull => found["instructions"].is_null(),
        Fault::StatelessDiscoverInfoInBody => found["serverInfo"].is_object(),
        Fault::StatelessToolsUndeclared => undeclared("tools"),
        Fault::StatelessPromptsUndeclared => undeclared("prompts"),
        Fault::StatelessResourcesUndeclared => undeclared("resources"),
        Fault::StatelessCompletionsUndeclared => undeclared("completions"),
        Fault::StatelessLoggingUndeclared => undeclared("logging"),
        Fault::StatelessExtensionWithoutPrefix => {
            found["capabilities"]["extensions"]["plumb"].is_object()
        }
        _ => return None,
    })
}

async fn annotations(fault: Fault, client: &Modern) -> Option<bool> {
    const ANNOTATION: &str = "x-mcp-header";
    let listed = client.result("tools/list", json!({})).await;
    let tools = listed["tools"].as_array().cloned().unwrap_or_default();
    let misfit = tools.iter().find(|tool| tool["name"] == "misfit");
    let properties = misfit.map(|tool| tool["inputSchema"]["properties"].clone());
    let properties = properties.unwrap_or_default();
    Some(match fault {
        Fault::StatelessAnnotationEmpty => properties["a"][ANNOTATION] == "",
        Fault::StatelessAnnotationWithBlank => properties["a"][ANNOTATION] == "two words",
        Fault::StatelessAnnotationTwice => properties["b"][ANNOTATION] == "PLACE",
        Fault::StatelessAnnotationOnNumber => properties["a"]["type"] == "number",
        Fault::StatelessAnnotationInItems => properties["a"]["items"][ANNOTATION] == "Place",
        _ => return None,
    })
}

async fn input(fault: Fault, client: &Modern) -> Option<bool> {
    let post = client
        .call("ask_roots", json!({}))
        .able(json!({"roots": {}}));
    let asked = async || post.send().await.json()["result"].clone();
    let retry = |state: Value| {
        post.clone()
            .param("inputResponses", json!({"answer-1": {"roots": []}}))
            .param("requestState", state)
    };
    Some(match fault {
        Fault::StatelessInputUndeclared => {
            let undeclared = client.call("ask_roots", json!({})).send().await.json();
            undeclared["result"]["resultType"] == "input_required"
        }
        Fault::StatelessStateNotText => asked().await["requestState"].is_object(),
        Fault::StatelessStateNotVerified => {
            retry(json!("AAAA")).send().await.json()["result"].is_object()
        }
        Fault::StatelessInputEmpty => {
            let asked = asked().await;
            asked["inputRequests"].is_null() && asked["requestState"].is_null()
        }
        Fault::StatelessInputAsList => asked().await["inputRequests"].is_array(),
        Fault::StatelessInputNeverDone => {
            let state = asked().await["requestState"].clone();
            let again = retry(state).send().await.json();
            again["result"]["resultType"] == "input_required"
        }
        _ => return None,
    })
}
