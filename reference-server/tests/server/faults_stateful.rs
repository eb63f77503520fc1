//! Faults of HTTP+SSE, batches, subscriptions, completion, pages, questions to the client, resumption and tokens.

use mcp_plumb_reference_server::{Config, Fault, FaultSet, RunningServer, start};
use reqwest::Method;
use serde_json::{Value, json};

use crate::client::{Client, Events, call, http, request, send, server_with};
use crate::sse_client::{SseClient, initialize_with, messages, session_with};

/// Whether a server with these faults behaves as the fault says; `None` for a fault that is tested elsewhere.
pub(crate) async fn shows(fault: Fault, faults: FaultSet) -> Option<bool> {
    let shown = match fault.id() {
        id if id.starts_with("sse-") => of_http_sse(fault, faults).await,
        id if id.starts_with("batch-") => of_batches(fault, faults).await,
        id if id.starts_with("auth-") => of_tokens(fault, faults).await,
        _ => None,
    };
    if shown.is_some() {
        return shown;
    }
    let server = server_with(faults).await;
    if let Some(shown) = of_features(fault, &server).await {
        return Some(shown);
    }
    if let Some(shown) = of_offers(fault, &server).await {
        return Some(shown);
    }
    of_asking_and_resuming(fault, &server).await
}

async fn of_http_sse(fault: Fault, faults: FaultSet) -> Option<bool> {
    let server = server_with(faults).await;
    let initialize = initialize_with("2024-11-05", json!({}));
    let ping = request(2, "ping", json!({}));
    Some(match fault {
        Fault::SseEndpointAsJson => {
            let mut stream = Events::open(http().get(server.sse_url().unwrap())).await;
            stream.block().await.unwrap().contains("data: \"/messages")
        }
        Fault::SseEndpointElsewhere | Fault::SseEndpointNamedMessage => {
            let mut stream = Events::open(http().get(server.sse_url().unwrap())).await;
            let first = stream.block().await.unwrap();
            first.contains("http://elsewhere.example/") || first.starts_with("event: message")
        }
        Fault::SseRepliesToEveryone => {
            let mut one = SseClient::open(&server).await;
            let mut other = SseClient::open(&server).await;
            one.ask(&json!({"jsonrpc": "2.0", "id": "text", "method": "ping"}))
                .await;
            other.ask(&ping).await["id"] == "text"
        }
        Fault::SseNotificationAnswered => {
            let mut client = SseClient::open(&server).await;
            let notice = json!({"jsonrpc": "2.0", "method": "notifications/unknown"});
            client.post(&notice).await;
            client.ask(&ping).await["id"].is_null()
        }
        Fault::SseResponseInBody => {
            let client = SseClient::open(&server).await;
            client.post(&initialize).await.body.contains("serverInfo")
        }
        Fault::SseEventNamedResponse => {
            let mut client = SseClient::open(&server).await;
            client.post(&ping).await;
            let block = client.events.block().await.unwrap();
            block.starts_with("event: response\n")
        }
        Fault::SseStreamEndsAfterResponse => {
            let mut client = SseClient::open(&server).await;
            client.ask(&ping).await;
            client.post(&ping).await;
            client.events.block().await.is_none()
        }
        Fault::SseUnknownSessionAccepted => {
            let mut client = SseClient::open(&server).await;
            client.endpoint.push('0');
            client.post(&ping).await.status == 202
        }
        Fault::SseSessionSurvivesStream => {
            let client = SseClient::open(&server).await;
            let counted = server.counters();
            drop(client.events);
            while server.counters().streams_open == counted.streams_open {
                tokio::task::yield_now().await;
            }
            let post = client.http.post(&client.endpoint).json(&ping);
            send(post).await.status == 202
        }
        _ => return None,
    })
}

async fn of_batches(fault: Fault, faults: FaultSet) -> Option<bool> {
    let server = server_with(faults).await;
    let client = session_with(&server, "2025-03-26", json!({})).await;
    let pings = json!([request(2, "ping", json!({})), request(3, "ping", json!({}))]);
    Some(match fault {
        Fault::BatchEmptyAccepted => client.post(&json!([])).await.status == 202,
        Fault::BatchInvalidMemberFatal => {
            let batch = json!([1, request(2, "ping", json!({}))]);
            client.post(&batch).await.status == 400
        }
        Fault::BatchRefused => client.post(&pings).await.status == 400,
        Fault::BatchAnsweredInPart => {
            let responses = client.post(&pings).await.json();
            responses.as_array().unwrap().len() == 1
        }
        Fault::BatchNoticesAnswered => {
            let notice = json!([{"jsonrpc": "2.0", "method": "notifications/x"}]);
            client.post(&notice).await.body == "[]"
        }
        Fault::BatchInitializeServed => {
            let batch = json!([initialize_with("2025-03-26", json!({}))]);
            let fresh = Client::new(server.streamable_url());
            fresh.post(&batch).await.status == 200
        }
        Fault::BatchServedLater => {
            let later = session_with(&server, "2025-11-25", json!({})).await;
            later.post(&pings).await.status == 200
        }
        _ => return None,
    })
}

async fn of_tokens(fault: Fault, faults: FaultSet) -> Option<bool> {
    let config = Config {
        faults,
        auth_token: Some("secret".to_owned()),
        ..Config::default()
    };
    let server = start(config).await.unwrap();
    let client = Client::new(server.streamable_url());
    let hello = initialize_with("2025-11-25", json!({}));
    let post = || client.request(Method::POST).json(&hello);
    Some(match fault {
        Fault::AuthChallengeMissing => {
            let response = post().send().await.unwrap();
            response.status() == 401 && !response.headers().contains_key("www-authenticate")
        }
        Fault::AuthMetadataProtected => {
            let url = client.beside("/.well-known/oauth-protected-resource");
            send(client.http.get(url)).await.status == 401
        }
        Fault::AuthSessionReplacesToken => {
            let opened = send(post().bearer_auth("secret")).await;
            let ping = request(2, "ping", json!({}));
            let ping = client.request(Method::POST).json(&ping);
            let session = opened.session.unwrap();
            send(ping.header("mcp-session-id", session)).await.status == 200
        }
        Fault::AuthInvalidTokenServed => send(post().bearer_auth("wrong")).await.status == 200,
        Fault::AuthQueryTokenTaken => {
            let url = format!("{}?access_token=secret", client.url);
            let request = client.http.post(url).json(&hello);
            let accept = "application/json, text/event-stream";
            send(request.header("accept", accept)).await.status == 200
        }
        _ => return None,
    })
}

async fn of_features(fault: Fault, server: &RunningServer) -> Option<bool> {
    let result = async |method: &str, params: Value| {
        let client = Client::hybrid(server);
        let answer = client.post(&request(2, method, params)).await;
        answer.json()["result"].clone()
    };
    let of_items = json!({
        "ref": {"type": "ref/resource", "uri": "plumb://items/{id}"},
        "argument": {"name": "id", "value": ""},
    });
    Some(match fault {
        Fault::SubscribeResultNull => {
            let client = session_with(server, "2025-11-25", json!({})).await;
            let params = json!({"uri": "plumb://board"});
            let subscribe = request(2, "resources/subscribe", params);
            let answer = client.post(&subscribe).await;
            answer.body.contains("\"result\":null")
        }
        Fault::ResourceUpdateNotSent => {
            let client = session_with(server, "2025-11-25", json!({})).await;
            let params = json!({"uri": "plumb://board"});
            client
                .post(&request(2, "resources/subscribe", params))
                .await;
            let mut stream = client.stream().await;
            client.publish(json!(1)).await;
            client.publish(json!(2)).await;
            stream.payload().await;
            stream.message().await.unwrap()["method"] == "notifications/message"
        }
        Fault::ResourceUpdatedToEveryone => {
            let client = session_with(server, "2025-11-25", json!({})).await;
            let mut stream = client.stream().await;
            client.publish(json!(1)).await;
            client.publish(json!(2)).await;
            stream.payload().await;
            stream.message().await.unwrap()["method"] == "notifications/resources/updated"
        }
        Fault::CompletionTooMany => {
            let result = result("completion/complete", of_items).await;
            result["completion"]["values"].as_array().unwrap().len() == 250
        }
        Fault::CompletionValuesAsObjects => {
            let result = result("completion/complete", of_items).await;
            result["completion"]["values"][0].is_object()
        }
        Fault::CompletionTotalTooSmall => {
            let result = result("completion/complete", of_items).await;
            result["completion"]["total"] == 99
        }
        Fault::CompletionUnknownPromptEmpty => {
            let params = json!({
                "ref": {"type": "ref/prompt", "name": "none"},
                "argument": {"name": "x", "value": ""},
            });
            result("completion/complete", params).await.is_object()
        }
        Fault::PaginationCursorNull => {
            let result = result("prompts/list", json!({})).await;
            result.get("nextCursor") == Some(&Value::Null)
        }
        Fault::PaginationNeverEnds => {
            let result = result("prompts/list", json!({})).await;
            result["nextCursor"].is_string()
        }
        Fault::PaginationCursorAsNumber => {
            let result = result("tools/list", json!({})).await;
            result["nextCursor"].is_number()
        }
        Fault::PaginationPagesOverlap | Fault::PaginationPageChanges => {
            let first = result("tools/list", json!({})).await;
            let cursor = json!({"cursor": first["nextCursor"]});
            let second = result("tools/list", cursor.clone()).await;
            let overlaps = first["tools"][7]["name"] == second["tools"][0]["name"];
            let changes = second != result("tools/list", cursor).await;
            (overlaps, changes)
                == (
                    fault == Fault::PaginationPagesOverlap,
                    fault != Fault::PaginationPagesOverlap,
                )
        }
        Fault::PaginationNumericCursorServed => {
            let result = result("tools/list", json!({"cursor": 5})).await;
            result.is_object()
        }
        Fault::PaginationBadCursorIgnored => {
            let result = result("tools/list", json!({"cursor": "x"})).await;
            result.is_object()
        }
        _ => return None,
    })
}

async fn of_offers(fault: Fault, server: &RunningServer) -> Option<bool> {
    let ask = async |method: &str, params: Value| {
        let client = Client::hybrid(server);
        client.post(&request(2, method, params)).await.json()
    };
    let resources = async || ask("resources/list", json!({})).await["result"]["resources"].clone();
    let prompts = async || ask("prompts/list", json!({})).await["result"]["prompts"].clone();
    let read = async |uri: &str| ask("resources/read", json!({"uri": uri})).await;
    let get = async |name: &str| ask("prompts/get", json!({"name": name})).await;
    Some(match fault {
        Fault::ResourceNameMissing => resources().await[0]["name"].is_null(),
        Fault::ResourceUriRelative => resources().await[2]["uri"] == "items/1",
        Fault::ResourceListedTwice => resources().await[0] == resources().await[8],
        Fault::TemplateUriMissing => {
            let answer = ask("resources/templates/list", json!({})).await;
            let template = &answer["result"]["resourceTemplates"][0];
            template["name"].is_string() && template["uriTemplate"].is_null()
        }
        Fault::ResourceNotReadable => read("plumb://readme").await["error"].is_object(),
        Fault::ResourceWithoutContent => {
            let answer = read("plumb://readme").await;
            let contents = &answer["result"]["contents"][0];
            contents.is_object() && contents["text"].is_null()
        }
        Fault::ResourceUnknownWrongCode => read("plumb://none").await["error"]["code"] == -32603,
        Fault::ResourceInvalidUriServed => read("not a uri").await["result"].is_object(),
        Fault::PromptArgumentsAsObject => prompts().await[0]["arguments"].is_object(),
        Fault::PromptListedTwice => prompts().await[0] == prompts().await[3],
        Fault::PromptRoleSystem => get("board").await["result"]["messages"][0]["role"] == "system",
        Fault::PromptUnknownWrongCode => get("none").await["error"]["code"] == -32603,
        Fault::PromptWithoutArgumentsServed => get("greet").await["result"].is_object(),
        Fault::CompletionContextRefused | Fault::CompletionWithoutArgumentServed => {
            let prompt = json!({"type": "ref/prompt", "name": "greet"});
            let argument = json!({"name": "name", "value": ""});
            let refused = fault == Fault::CompletionContextRefused;
            let params = if refused {
                json!({"ref": prompt, "argument": argument, "context": {"arguments": {}}})
            } else {
                json!({"ref": prompt})
            };
            let answer = ask("completion/complete", params).await;
            answer["error"].is_object() == refused
        }
        _ => return None,
    })
}

async fn of_asking_and_resuming(fault: Fault, server: &RunningServer) -> Option<bool> {
    // The first message of the answer, which is enough: what follows waits for the client.
    let asked = async |tool: &str, arguments: Value, capabilities: Value| {
        let client = session_with(server, "2025-11-25", capabilities).await;
        let request = client.request(Method::POST).json(&call(tool, arguments));
        Events::open(request).await.message().await.unwrap()
    };
    Some(match fault {
        Fault::RootsAskedUndeclared => {
            asked("ask_roots", json!({}), json!({})).await["method"] == "roots/list"
        }
        Fault::SamplingWithoutMaxTokens => {
            let sampling = json!({"sampling": {}});
            let request = asked("ask_model", json!({"prompt": "x"}), sampling).await;
            request["params"]["messages"].is_array() && request["params"]["maxTokens"].is_null()
        }
        Fault::ElicitationSchemaNested => {
            let elicitation = json!({"elicitation": {}});
            let request = asked("ask_user", json!({}), elicitation).await;
            request["params"]["requestedSchema"]["properties"]["address"]["type"] == "object"
        }
        Fault::ElicitationUrlUndeclared => {
            let elicitation = json!({"elicitation": {}});
            let request = asked("ask_user", json!({"mode": "url"}), elicitation).await;
            request["params"]["mode"] == "url"
        }
        Fault::ServerRequestIdNull => {
            asked("ask_ping", json!({}), json!({})).await.get("id") == Some(&Value::Null)
        }
        Fault::EventIdsRepeated => {
            let client = session_with(server, "2025-11-25", json!({})).await;
            let progress = call("progress", json!({"steps": 1}));
            let answers = (client.post(&progress).await, client.post(&progress).await);
            answers.0.body == answers.1.body
        }
        Fault::ResumeReplaysForeign => {
            let client = session_with(server, "2025-11-25", json!({})).await;
            let (one, two) = (
                client.post(&call("progress", json!({"steps": 1}))).await,
                client.post(&call("progress", json!({"steps": 2}))).await,
            );
            let id = one.body.lines().next().unwrap().strip_prefix("id: ");
            let resumed = client.request(Method::GET);
            let resumed = send(resumed.header("last-event-id", id.unwrap())).await;
            messages(&resumed) == messages(&two)
        }
        Fault::ResumeUnknownId500 => {
            let client = session_with(server, "2025-11-25", json!({})).await;
            let unknown = client.request(Method::GET).header("last-event-id", "x");
            unknown.send().await.unwrap().status() == 500
        }
        Fault::AnswerNotPrimed => {
            let client = session_with(server, "2025-11-25", json!({})).await;
            let answer = client.post(&call("progress", json!({"steps": 1}))).await;
            !answer.body.contains("data:\n")
        }
        _ => return None,
    })
}
