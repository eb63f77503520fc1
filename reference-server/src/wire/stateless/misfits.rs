//! What defects do to messages of this dialect that are right until then.

use std::sync::atomic::Ordering;

use axum::http::{HeaderMap, HeaderValue, StatusCode};
use bytes::Bytes;
use serde_json::{Map, Value, json};

use super::answer::OwnStream;
use super::listen;
use crate::faults::{Fault, FaultSet};
use crate::features::listen::SUBSCRIPTION_ID;
use crate::jsonrpc::{
    CAPABILITY_MISSING, HEADER_MISMATCH, INVALID_PARAMS, INVALID_REQUEST, Request, RequestId,
    RpcError, VERSION_UNSUPPORTED,
};
use crate::server::Shared;
use crate::sse;

/// Headers of every answer.
pub(super) fn headers(headers: &mut HeaderMap, faults: FaultSet) {
    if faults.has(Fault::StatelessSessionIdMinted) {
        headers.insert("mcp-session-id", HeaderValue::from_static("needless"));
    }
    if faults.has(Fault::StatelessBufferingAllowed) {
        headers.remove("x-accel-buffering");
    }
}

/// The status of an error.
pub(super) fn status(status: StatusCode, error: &RpcError, faults: FaultSet) -> StatusCode {
    let about_meta = error.code == INVALID_PARAMS && error.message.contains("_meta");
    let taken_for_success = about_meta && faults.has(Fault::StatelessMetaRefusedBy200)
        || error.code == VERSION_UNSUPPORTED && faults.has(Fault::StatelessVersionRefusedBy200)
        || error.code == HEADER_MISMATCH && faults.has(Fault::StatelessHeaderRefusedBy200)
        || error.code == CAPABILITY_MISSING && faults.has(Fault::StatelessCapabilityRefusedBy200)
        || status == StatusCode::NOT_FOUND && faults.has(Fault::StatelessUnknownMethodBy200);
    if taken_for_success {
        StatusCode::OK
    } else {
        status
    }
}

/// An error before it is sent.
pub(super) fn error(mut error: RpcError, faults: FaultSet) -> RpcError {
    match error.code {
        HEADER_MISMATCH if faults.has(Fault::StatelessHeaderWrongCode) => {
            error.code = INVALID_REQUEST;
        }
        CAPABILITY_MISSING if faults.has(Fault::StatelessUrlCodeRetired) => error.code = -32042,
        CAPABILITY_MISSING if faults.has(Fault::StatelessCapabilityUnnamed) => error.data = None,
        VERSION_UNSUPPORTED => {
            if let Some(Value::Object(data)) = error.data.as_deref_mut() {
                spoil_versions(data, faults);
            }
        }
        INVALID_PARAMS
            if error.message.contains("no such tool")
                && faults.has(Fault::StatelessReservedCode) =>
        {
            error.code = -32050;
        }
        INVALID_PARAMS
            if error.message.contains("no such resource")
                && faults.has(Fault::StatelessResourceNotFoundRetired) =>
        {
            error.code = -32002;
        }
        _ => {}
    }
    error
}

fn spoil_versions(data: &mut Map<String, Value>, faults: FaultSet) {
    if faults.has(Fault::StatelessVersionSupportedMissing) {
        data.remove("supported");
    }
    if faults.has(Fault::StatelessVersionRequestedMissing) {
        data.remove("requested");
    }
    if faults.has(Fault::StatelessVersionListDiffers) {
        data.insert("supported".to_owned(), json!(["2026-07-28", "2099-01-01"]));
    }
}

/// What came of a request before it is sent.
pub(super) fn outcome(
    method: &str,
    outcome: Result<Value, RpcError>,
    faults: FaultSet,
) -> Result<Value, RpcError> {
    let is_list = matches!(method, "tools/list" | "prompts/list" | "resources/list");
    if is_list && faults.has(Fault::StatelessUndeclaredMisrefused) {
        return Err(RpcError::params("there is nothing to list"));
    }
    match outcome {
        Ok(value) => Ok(result(method, value, faults)),
        Err(_)
            if method == "resources/read" && faults.has(Fault::StatelessResourceNotFoundEmpty) =>
        {
            Ok(
                json!({"resultType": "complete", "contents": [], "ttlMs": 0, "cacheScope": "public"}),
            )
        }
        Err(mut error)
            if method == "prompts/get" && faults.has(Fault::StatelessPromptUnknownInternal) =>
        {
            error.code = -32603;
            Err(error)
        }
        Err(error) => Err(error),
    }
}

/// What changes from one request to the next.
pub(super) fn unstable(request: &Request, result: &mut Value, shared: &Shared) {
    let faults = shared.faults();
    let is_odd = request.id.to_value().as_i64().is_some_and(|id| id % 2 == 1);
    match request.method.as_str() {
        "server/discover" if faults.has(Fault::StatelessDiscoverUnstable) => {
            let nth = shared.tool_lists.fetch_add(1, Ordering::Relaxed);
            result["capabilities"]["experimental"] = json!({format!("nth-{nth}"): {}});
        }
        "tools/list" if faults.has(Fault::StatelessToolsOrderUnstable) && is_odd => {
            if let Some(tools) = result.get_mut("tools").and_then(Value::as_array_mut) {
                tools.reverse();
            }
        }
        _ => {}
    }
}

/// Entries of results that lack something.
fn spoil_entries(method: &str, members: &mut Map<String, Value>, faults: FaultSet) {
    let (fault, list, member) = match method {
        "prompts/list" => (Fault::StatelessPromptNameless, "prompts", "name"),
        "resources/list" => (Fault::StatelessResourceNameless, "resources", "name"),
        "resources/read" => (Fault::StatelessContentsBare, "contents", "text"),
        "resources/templates/list" => (
            Fault::StatelessTemplateBare,
            "resourceTemplates",
            "uriTemplate",
        ),
        "prompts/get" => (Fault::StatelessPromptRoleUnknown, "messages", "role"),
        _ => return,
    };
    if method == "resources/list" && faults.has(Fault::StatelessResourcesNull) {
        members.insert("resources".to_owned(), Value::Null);
    }
    let entries = members.get_mut(list).and_then(Value::as_array_mut);
    let last = entries.and_then(|entries| entries.last_mut()?.as_object_mut());
    if let Some(last) = last.filter(|_| faults.has(fault)) {
        match member {
            "role" => drop(last.insert(member.to_owned(), json!("system"))),
            _ => drop(last.remove(member)),
        }
    }
}

fn result(method: &str, result: Value, faults: FaultSet) -> Value {
    let Value::Object(mut members) = result else {
        return result;
    };
    if faults.has(Fault::StatelessResultTypeMissing) {
        members.remove("resultType");
    }
    if faults.has(Fault::StatelessResultTypeUnknown) {
        members.insert("resultType".to_owned(), json!("done"));
    }
    if method == "prompts/list" && faults.has(Fault::StatelessInputOnList) {
        return json!({"resultType": "input_required", "requestState": "x"});
    }
    spoil_entries(method, &mut members, faults);
    spoil_meta(&mut members, faults);
    spoil_hints(method, &mut members, faults);
    match method {
        "server/discover" => spoil_discovery(&mut members, faults),
        // On the first page only, so that no tool is there twice.
        "tools/list" if members.contains_key("nextCursor") => {
            if let Some(tools) = members.get_mut("tools").and_then(Value::as_array_mut) {
                tools.extend(misannotated(faults));
            }
        }
        "resources/list" if faults.has(Fault::StatelessResourceUriRelative) => {
            if let Some(resource) = members.get_mut("resources").and_then(|all| all.get_mut(0)) {
                resource["uri"] = json!("not a uri");
            }
        }
        _ => {}
    }
    Value::Object(members)
}

fn spoil_meta(members: &mut Map<String, Value>, faults: FaultSet) {
    const INFO: &str = "io.modelcontextprotocol/serverInfo";
    let Some(meta) = members.get_mut("_meta").and_then(Value::as_object_mut) else {
        return;
    };
    if faults.has(Fault::StatelessServerInfoMissing) {
        meta.remove(INFO);
    }
    if faults.has(Fault::StatelessServerInfoAsText) {
        meta.insert(INFO.to_owned(), json!("mcp-plumb"));
    }
    if faults.has(Fault::StatelessMetaKeyInvalid) {
        meta.insert("bad key/".to_owned(), json!(1));
    }
    if faults.has(Fault::StatelessMetaKeySquatted) {
        meta.insert("io.modelcontextprotocol/plumb".to_owned(), json!(1));
    }
    if faults.has(Fault::StatelessTraceparentInvalid) {
        meta.insert("traceparent".to_owned(), json!("here"));
    }
}

fn spoil_hints(method: &str, members: &mut Map<String, Value>, faults: FaultSet) {
    if !members.contains_key("ttlMs") {
        return;
    }
    let missing = match method {
        "server/discover" => Fault::StatelessDiscoverNoHints,
        "tools/list" => Fault::StatelessToolsNoHints,
        "prompts/list" => Fault::StatelessPromptsNoHints,
        "resources/list" => Fault::StatelessResourcesNoHints,
        "resources/templates/list" => Fault::StatelessTemplatesNoHints,
        _ => Fault::StatelessReadNoHints,
    };
    if faults.has(missing) {
        members.remove("ttlMs");
        members.remove("cacheScope");
        return;
    }
    if faults.has(Fault::StatelessTtlNegative) {
        members.insert("ttlMs".to_owned(), json!(-1));
    }
    if faults.has(Fault::StatelessScopeUnknown) {
        members.insert("cacheScope".to_owned(), json!("shared"));
    }
    if faults.has(Fault::StatelessScopeChanges) && !members.contains_key("nextCursor") {
        members.insert("cacheScope".to_owned(), json!("private"));
    }
}

fn spoil_discovery(members: &mut Map<String, Value>, faults: FaultSet) {
    let versions = members
        .get("supportedVersions")
        .and_then(Value::as_array)
        .cloned()
        .unwrap_or_default();
    let mut set = |name: &str, value: Value| {
        members.insert(name.to_owned(), value);
    };
    if faults.has(Fault::StatelessDiscoverVersionsAsText) {
        set("supportedVersions", json!("2026-07-28"));
    }
    if faults.has(Fault::StatelessDiscoverServedVersionMissing) {
        let others = versions.iter().filter(|version| **version != "2026-07-28");
        set("supportedVersions", others.cloned().collect());
    }
    if faults.has(Fault::StatelessDiscoverVersionNotServed) {
        let mut more = versions.clone();
        more.insert(0, json!("2027-01-01"));
        set("supportedVersions", Value::Array(more));
    }
    if faults.has(Fault::StatelessDiscoverInstructionsNull) {
        set("instructions", Value::Null);
    }
    if faults.has(Fault::StatelessDiscoverInfoInBody) {
        set("serverInfo", json!({"name": "x", "version": "1"}));
    }
    if faults.has(Fault::StatelessDiscoverNoCapabilities) {
        members.remove("capabilities");
    }
    let undeclared = [
        (Fault::StatelessToolsUndeclared, "tools"),
        (Fault::StatelessPromptsUndeclared, "prompts"),
        (Fault::StatelessResourcesUndeclared, "resources"),
        (Fault::StatelessCompletionsUndeclared, "completions"),
        (Fault::StatelessLoggingUndeclared, "logging"),
        (Fault::StatelessUndeclaredMisrefused, "tools"),
        (Fault::StatelessUndeclaredMisrefused, "prompts"),
        (Fault::StatelessUndeclaredMisrefused, "resources"),
    ];
    let Some(capabilities) = members
        .get_mut("capabilities")
        .and_then(Value::as_object_mut)
    else {
        return;
    };
    for (fault, name) in undeclared {
        if faults.has(fault) {
            capabilities.remove(name);
        }
    }
    if faults.has(Fault::StatelessExtensionWithoutPrefix) {
        capabilities.insert("extensions".to_owned(), json!({"plumb": {}}));
    }
}

/// Tools whose `x-mcp-header` breaks one rule. They are listed only: nothing calls them.
fn misannotated(faults: FaultSet) -> Vec<Value> {
    let text = |header: &str| json!({"type": "string", "x-mcp-header": header});
    let all = [
        (Fault::StatelessAnnotationEmpty, json!({"a": text("")})),
        (
            Fault::StatelessAnnotationWithBlank,
            json!({"a": text("two words")}),
        ),
        (
            Fault::StatelessAnnotationTwice,
            json!({"a": text("Place"), "b": text("PLACE")}),
        ),
        (
            Fault::StatelessAnnotationOnNumber,
            json!({"a": {"type": "number", "x-mcp-header": "Place"}}),
        ),
        (
            Fault::StatelessAnnotationInItems,
            json!({"a": {"type": "array", "items": text("Place")}}),
        ),
    ];
    all.into_iter()
        .filter(|(fault, _)| faults.has(*fault))
        .map(|(_, properties)| {
            json!({
                "name": "misfit",
                "inputSchema": {"type": "object", "properties": properties},
            })
        })
        .collect()
}

/// What comes on a stream before the messages of its request.
pub(super) fn before(own: &OwnStream, faults: FaultSet) {
    if faults.has(Fault::StatelessRequestOnStream) {
        own.message(&json!({"jsonrpc": "2.0", "id": "ask", "method": "roots/list"}));
    }
    if faults.has(Fault::StatelessForeignNotification) {
        own.message(&json!({"jsonrpc": "2.0", "method": "notifications/tools/list_changed"}));
    }
    if faults.has(Fault::StatelessProgressUnasked) {
        own.message(&json!({
            "jsonrpc": "2.0",
            "method": "notifications/progress",
            "params": {"progressToken": "unasked", "progress": "one"},
        }));
    }
    if faults.has(Fault::StatelessCancelledSent) {
        own.message(&json!({
            "jsonrpc": "2.0",
            "method": "notifications/cancelled",
            "params": {"requestId": "none"},
        }));
    }
}

/// The event of the response.
pub(super) fn last(event: Bytes, faults: FaultSet) -> Bytes {
    if faults.has(Fault::EventNotTerminated) {
        return sse::without_blank_line(event);
    }
    if faults.has(Fault::StatelessEventIds) {
        let mut whole = b"id: 1\n".to_vec();
        whole.extend_from_slice(&event);
        return Bytes::from(whole);
    }
    event
}

/// What comes after the response.
pub(super) fn after(own: &OwnStream, response: &Value, faults: FaultSet) {
    if faults.has(Fault::StatelessResponseTwice) {
        own.message(response);
    }
}

/// The acknowledgement of a subscription.
pub(super) fn acknowledgement(mut message: Value, faults: FaultSet) -> Value {
    let params = &mut message["params"];
    if faults.has(Fault::StatelessAcknowledgedWithoutId) {
        params["_meta"] = json!({});
    }
    if faults.has(Fault::StatelessAcknowledgedWithoutFilter)
        && let Some(params) = params.as_object_mut()
    {
        params.remove("notifications");
    }
    if faults.has(Fault::StatelessAcknowledgedTooMuch) {
        params["notifications"] = json!({
            "toolsListChanged": true, "promptsListChanged": true, "resourcesListChanged": true,
            "resourceSubscriptions": ["plumb://readme"],
        });
    }
    if faults.has(Fault::StatelessSubscriptionIdAsText) {
        let id = &params["_meta"][SUBSCRIPTION_ID];
        let text = id.as_str().map_or_else(|| id.to_string(), str::to_owned);
        params["_meta"][SUBSCRIPTION_ID] = json!(text);
    }
    message
}

/// The id in the events of a subscription. JSON.
pub(super) fn subscription_id(id: String, faults: FaultSet) -> String {
    if faults.has(Fault::StatelessSubscriptionIdAsText) && !id.starts_with('"') {
        return json!(id).to_string();
    }
    id
}

/// The messages that a subscription begins with.
pub(super) fn opening(acknowledgement: &Value, id: &RequestId, faults: FaultSet) -> Vec<Value> {
    if faults.has(Fault::StatelessNeverAcknowledged) {
        return Vec::new();
    }
    if faults.has(Fault::StatelessAcknowledgedLate) {
        let early = json!({
            "jsonrpc": "2.0",
            "method": "notifications/tools/list_changed",
            "params": {"_meta": {SUBSCRIPTION_ID: id.to_value()}},
        });
        return vec![early, acknowledgement.clone()];
    }
    if faults.has(Fault::StatelessListenWithLog) {
        let progress = json!({
            "jsonrpc": "2.0",
            "method": "notifications/progress",
            "params": {"progressToken": "none", "progress": 1},
        });
        return vec![acknowledgement.clone(), listen::stray(), progress];
    }
    vec![acknowledgement.clone()]
}
