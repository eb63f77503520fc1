//! Faults in what a server refuses needlessly, takes needlessly, or leaves out.

use mcp_plumb_reference_server::{Config, Fault, FaultSet, Revision, start};
use serde_json::{Value, json};

use super::client::{CAPABILITIES, LOG_LEVEL, Modern};
use crate::client::http;

/// `None` for a fault that is tested elsewhere.
pub(crate) async fn shows(fault: Fault, faults: FaultSet) -> Option<bool> {
    let server = start(Config {
        faults,
        revision: Some(Revision::V2026_07_28),
        ..Config::default()
    })
    .await
    .unwrap();
    let client = Modern::new(&server);
    if let Some(verdict) = entries(fault, &client).await {
        return Some(verdict);
    }
    if let Some(verdict) = input(fault, &client).await {
        return Some(verdict);
    }
    let discover = client.discover();
    let text = |body: &str| {
        let post = client.discover();
        let body = body.to_owned();
        async move { post.send_text(body).await.status }
    };
    Some(match fault {
        Fault::StatelessSessionIdRefused => {
            discover.and("mcp-session-id", "x").send().await.status == 400
        }
        Fault::StatelessLastEventIdRefused => {
            discover.and("last-event-id", "x").send().await.status == 400
        }
        Fault::StatelessErrorIdNull => {
            let answer = client.post("none", json!({})).send().await;
            answer.json()["id"].is_null()
        }
        Fault::StatelessGetServed => http().get(&client.url).send().await.unwrap().status() == 200,
        Fault::StatelessResponsesTaken => {
            text(r#"{"jsonrpc":"2.0","id":1,"result":{}}"#).await == 202
        }
        Fault::StatelessMalformedTaken => text("{}").await == 200,
        Fault::StatelessNotificationsFatal => {
            text(r#"{"jsonrpc":"2.0","method":"notifications/x"}"#).await == 500
        }
        Fault::StatelessHandshakeUnexplained => {
            let body = json!({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {}});
            let bare = discover.without("mcp-method");
            bare.send_text(body.to_string()).await.json()["error"]["data"].is_null()
        }
        Fault::StatelessUnknownCapabilityRefused => {
            discover.able(json!({"x-odd": {}})).send().await.status == 400
        }
        Fault::StatelessCapabilitiesAnyType => {
            discover.meta(CAPABILITIES, json!([])).send().await.status == 200
        }
        Fault::StatelessCompletionMissing => {
            let post = client.post("completion/complete", json!({}));
            post.refusal().await == (404, -32601)
        }
        Fault::StatelessUndeclaredMisrefused => {
            client.post("tools/list", json!({})).send().await.status == 400
        }
        Fault::StatelessParamUnknownRefused => {
            let locate = client.call("locate", json!({}));
            let post = locate.and("mcp-param-conformance-unknown", "1");
            post.send().await.status == 400
        }
        Fault::StatelessDiscoverUnstable => {
            let capabilities = async || {
                let result = client.result("server/discover", json!({})).await;
                result["capabilities"].clone()
            };
            capabilities().await != capabilities().await
        }
        Fault::StatelessToolsOrderUnstable => {
            let first = async |id: i32| {
                let answer = client
                    .post("tools/list", json!({}))
                    .id(json!(id))
                    .send()
                    .await;
                answer.json()["result"]["tools"][0].clone()
            };
            first(1).await != first(2).await
        }
        Fault::StatelessListenIdsRemembered => {
            let (_events, _) = client.listen(json!(1000), json!({})).await;
            discover.id(json!(1000)).send().await.status == 400
        }
        Fault::StatelessListenEmptyRefused => {
            let post = client.post("subscriptions/listen", json!({"notifications": {}}));
            let response = post.builder().send().await.unwrap();
            response.status() == 400
        }
        Fault::StatelessNeverAcknowledged => {
            let params = json!({"notifications": {}});
            let listening = client.post("subscriptions/listen", params);
            let response = listening.builder().send().await.unwrap();
            // What comes is read to its end, which is that of the server.
            server.shutdown().await;
            !response.text().await.unwrap().contains("acknowledged")
        }
        Fault::StatelessListenEnds => {
            let (mut events, _) = client.listen(json!(1), json!({})).await;
            // A sound stream is silent here until the server stops.
            server.shutdown().await;
            events.message().await.is_none()
        }
        Fault::StatelessResults201 => discover.send().await.status == 201,
        Fault::StatelessLevelUnchecked => {
            discover.meta(LOG_LEVEL, json!("loud")).send().await.status == 200
        }
        Fault::StatelessCursorsRefused => {
            let page = client.result("tools/list", json!({})).await;
            let params = json!({"cursor": page["nextCursor"]});
            client.post("tools/list", params).send().await.status == 400
        }
        Fault::StatelessProgressUnasked => {
            let call = client.call("progress", json!({"steps": 1}));
            let messages = call.meta("progressToken", json!(1)).messages().await;
            messages[0]["params"]["progressToken"] == "unasked"
        }
        _ => return None,
    })
}

async fn entries(fault: Fault, client: &Modern) -> Option<bool> {
    let last = async |method: &str, list: &str| {
        let result = client.result(method, json!({})).await;
        let entries = result[list].as_array().cloned().unwrap_or_default();
        entries.last().cloned().unwrap_or_default()
    };
    Some(match fault {
        Fault::StatelessPromptNameless => last("prompts/list", "prompts").await["name"].is_null(),
        Fault::StatelessResourceNameless => {
            last("resources/list", "resources").await["name"].is_null()
        }
        Fault::StatelessTemplateBare => {
            let template = last("resources/templates/list", "resourceTemplates").await;
            template["uriTemplate"].is_null()
        }
        Fault::StatelessResourcesNull => {
            client.result("resources/list", json!({})).await["resources"].is_null()
        }
        Fault::StatelessContentsBare => {
            let answer = client.read("plumb://readme").send().await.json();
            answer["result"]["contents"][0]["text"].is_null()
        }
        Fault::StatelessPromptRoleUnknown => {
            let prompts = client.result("prompts/list", json!({})).await;
            let prompts = prompts["prompts"].as_array().unwrap();
            let plain = prompts
                .iter()
                .find(|prompt| prompt.get("arguments").is_none());
            let name = plain.map_or(json!("none"), |prompt| prompt["name"].clone());
            let post = client.post("prompts/get", json!({"name": name}));
            let answer = post.send().await.json();
            answer["result"]["messages"][0]["role"] == "system"
        }
        Fault::StatelessPromptUnknownInternal => {
            let post = client.post("prompts/get", json!({"name": "none"}));
            post.send().await.json()["error"]["code"] == -32603
        }
        _ => return None,
    })
}

async fn input(fault: Fault, client: &Modern) -> Option<bool> {
    let ask = client.call("ask_user", json!({}));
    let able = || ask.clone().able(json!({"elicitation": {}}));
    let asked = async || able().send().await.json()["result"].clone();
    Some(match fault {
        Fault::StatelessUrlCodeRetired => ask.refusal().await.1 == -32042,
        Fault::StatelessQuestionWordless => {
            let requests = asked().await["inputRequests"].clone();
            let request = requests.as_object().unwrap().values().next().cloned();
            request.unwrap_or(Value::Null)["params"]["message"].is_null()
        }
        Fault::StatelessAnswersMissingRefused => {
            let answer = able().param("inputResponses", json!({})).send().await;
            answer.status == 400
        }
        Fault::StatelessInputCached => asked().await["ttlMs"] == 0,
        Fault::StatelessInputAnyType => {
            let answer = able().param("inputResponses", json!("x")).send().await;
            answer.status == 200
        }
        _ => return None,
    })
}
