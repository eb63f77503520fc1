//! Faults in what a server demands of a request.

use mcp_plumb_reference_server::{Fault, FaultSet};
use serde_json::{Value, json};

use super::client::{CAPABILITIES, INFO, Modern, Post, VERSION};
use crate::client::server_with;

/// Whether a request is answered by a result.
async fn served(post: Post) -> bool {
    let answer = post.send().await;
    answer.status == 200 && answer.json()["result"].is_object()
}

/// `None` for a fault that is tested elsewhere.
pub(crate) async fn shows(fault: Fault, faults: FaultSet) -> Option<bool> {
    let server = server_with(faults).await;
    let client = Modern::new(&server);
    if let Some(verdict) = parameters(fault, &client).await {
        return Some(verdict);
    }
    if let Some(verdict) = errors(fault, &client).await {
        return Some(verdict);
    }
    let list = client.post("prompts/list", json!({}));
    let echo = client.call("echo", json!({"message": "x"}));
    let named = |name: &str| echo.clone().with("mcp-name", name);
    Some(match fault {
        Fault::StatelessMetaNotRequired => {
            let mut bare = list.clone();
            bare.body["params"] = json!({});
            served(bare).await
        }
        Fault::StatelessMetaVersionNotRequired => served(list.without_meta(VERSION)).await,
        Fault::StatelessCapabilitiesNotRequired => served(list.without_meta(CAPABILITIES)).await,
        Fault::StatelessClientInfoRequired => {
            list.without_meta(INFO).refusal().await == (400, -32602)
        }
        Fault::StatelessTraceContextRefused => {
            let trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
            !served(list.meta("traceparent", json!(trace))).await
        }
        Fault::StatelessVersionNotChecked => {
            let old = list.with("mcp-protocol-version", "1900-01-01");
            served(old.meta(VERSION, json!("1900-01-01"))).await
        }
        Fault::StatelessVersionHeaderNotRequired => {
            served(list.without("mcp-protocol-version")).await
        }
        Fault::StatelessVersionMismatchServed => {
            served(list.with("mcp-protocol-version", "2025-11-25")).await
        }
        Fault::StatelessMethodHeaderNotRequired => served(list.without("mcp-method")).await,
        Fault::StatelessMethodMismatchServed => served(list.with("mcp-method", "tools/list")).await,
        Fault::StatelessMethodAnyCase => served(list.with("mcp-method", "Prompts/List")).await,
        Fault::StatelessNameNotRequired => served(echo.clone().without("mcp-name")).await,
        Fault::StatelessNameMismatchServed => served(named("other")).await,
        Fault::StatelessUriMismatchServed => {
            let read = client.read("plumb://readme");
            served(read.with("mcp-name", "plumb://board")).await
        }
        Fault::StatelessNameAnyCase => served(named("ECHO")).await,
        Fault::StatelessNameLiteral => !served(named("=?base64?ZWNobw==?=")).await,
        Fault::StatelessBase64Unverified => served(named("=?base64?b3RoZXI=?=")).await,
        Fault::StatelessBase64MarkerAnyCase => served(named("=?BASE64?ZWNobw==?=")).await,
        Fault::StatelessBase64MalformedServed => served(named("=?base64?%%?=")).await,
        Fault::StatelessHalfSentinelDecoded => {
            let locate = client.call("locate", json!({"place": "=?base64?YQ=="}));
            !served(locate.with("mcp-param-place", "=?base64?YQ==")).await
        }
        Fault::StatelessPingServed => served(client.post("ping", json!({}))).await,
        Fault::StatelessInitializeServed => {
            let params = json!({
                "protocolVersion": "2025-11-25", "capabilities": {},
                "clientInfo": {"name": "a", "version": "1"},
            });
            served(client.post("initialize", params)).await
        }
        Fault::StatelessDiscoverMissing => client.discover().refusal().await == (404, -32601),
        Fault::StatelessListenMissing => {
            let listen = client.post("subscriptions/listen", json!({"notifications": []}));
            listen.refusal().await == (404, -32601)
        }
        Fault::StatelessListenFilterOptional => {
            let listen = client.post("subscriptions/listen", json!({}));
            let response = listen.builder().send().await.unwrap();
            response.status() == 200
        }
        Fault::StatelessNotificationAnswered => {
            let body = json!({"jsonrpc": "2.0", "method": "notifications/none"});
            let answer = list.send_text(body.to_string()).await;
            answer.status == 200 && answer.body.contains("result")
        }
        Fault::StatelessSessionIdMinted => list.send().await.session.is_some(),
        _ => return None,
    })
}

async fn parameters(fault: Fault, client: &Modern) -> Option<bool> {
    let locate = |arguments: Value| client.call("locate", arguments);
    let place = |place: &str| locate(json!({"place": place}));
    Some(match fault {
        Fault::StatelessParamMismatchServed => {
            served(place("a").with("mcp-param-place", "b")).await
        }
        Fault::StatelessParamMissingServed => served(place("a")).await,
        Fault::StatelessParamNullNeedsHeader => {
            !served(locate(
                json!({"place": null, "floor": null, "open": null, "shelf": {"row": null}}),
            ))
            .await
        }
        Fault::StatelessParamAbsentNeedsHeader => !served(locate(json!({}))).await,
        Fault::StatelessParamWithoutArgumentServed => {
            served(locate(json!({})).with("mcp-param-place", "a")).await
        }
        Fault::StatelessParamLiteral => {
            !served(place("größe").with("mcp-param-place", "=?base64?Z3LDtsOfZQ==?=")).await
        }
        Fault::StatelessParamBooleanCapitalised => {
            !served(locate(json!({"open": true})).with("mcp-param-open", "true")).await
        }
        Fault::StatelessParamNestedIgnored => {
            served(locate(json!({"shelf": {"row": "a"}})).with("mcp-param-row", "b")).await
        }
        Fault::StatelessParamIntegerAsText => {
            !served(locate(json!({"floor": 42})).with("mcp-param-floor", "42.0")).await
        }
        _ => return None,
    })
}

async fn errors(fault: Fault, client: &Modern) -> Option<bool> {
    let list = client.post("prompts/list", json!({}));
    let old = || {
        let old = list.clone().with("mcp-protocol-version", "1900-01-01");
        old.meta(VERSION, json!("1900-01-01"))
    };
    let data = async || old().send().await.json()["error"]["data"].clone();
    let unnamed = list.clone().without("mcp-method");
    let ask = client.call("ask_roots", json!({}));
    Some(match fault {
        Fault::StatelessMetaRefusedBy200 => {
            list.without_meta(CAPABILITIES).refusal().await == (200, -32602)
        }
        Fault::StatelessVersionRefusedBy200 => old().refusal().await == (200, -32022),
        Fault::StatelessVersionSupportedMissing => data().await["supported"].is_null(),
        Fault::StatelessVersionRequestedMissing => data().await["requested"].is_null(),
        Fault::StatelessVersionListDiffers => {
            let discovered = client.result("server/discover", json!({})).await;
            data().await["supported"] != discovered["supportedVersions"]
        }
        Fault::StatelessHeaderRefusedBy200 => unnamed.refusal().await == (200, -32020),
        Fault::StatelessHeaderWrongCode => unnamed.refusal().await == (400, -32600),
        Fault::StatelessUnknownMethodBy200 => {
            client.post("none", json!({})).refusal().await == (200, -32601)
        }
        Fault::StatelessErrorsStreamed => {
            let answer = unnamed.send().await;
            answer.status == 200 && answer.media_type == "text/event-stream"
        }
        Fault::StatelessReservedCode => client.call("none", json!({})).refusal().await.1 == -32050,
        Fault::StatelessResourceNotFoundRetired => {
            client.read("plumb://none").refusal().await.1 == -32002
        }
        Fault::StatelessResourceNotFoundEmpty => {
            let answer = client.read("plumb://none").send().await.json();
            answer["result"]["contents"] == json!([])
        }
        Fault::StatelessCapabilityRefusedBy200 => ask.refusal().await == (200, -32021),
        Fault::StatelessCapabilityUnnamed => ask.send().await.json()["error"]["data"].is_null(),
        _ => return None,
    })
}
