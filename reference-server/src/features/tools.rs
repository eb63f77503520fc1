//! The tools: what `tools/list` declares and `tools/call` does (2025-11-25 server/tools).

mod declared;

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use bytes::Bytes;
use serde_json::{Map, Value, json};

use self::declared::{DECLARED, object};
use super::lifecycle::LATEST;
use super::listen::Change;
use super::logging::{self, Level};
use super::{Caller, Sink, arguments, asking, by_revision, misfits, pages, resources};
use crate::faults::{Fault, FaultSet};
use crate::jsonrpc::{INVALID_PARAMS, METHOD_NOT_FOUND, Params, RpcError, notification};
use crate::revision::Revision;
use crate::server::Shared;
use crate::sse;

/// The tool whose calls report progress and are answered by a stream for that.
pub(crate) const PROGRESS: &str = "progress";

const STEPS_MAX: u64 = 100;
const DELAY_MS_MAX: u64 = 5000;
/// How long `publication-repeated` waits.
const REPEATED_AFTER: Duration = Duration::from_millis(250);

/// What a tool takes, if there is such a tool.
pub(crate) fn input_schema(name: &str) -> Option<&'static Value> {
    let tool = DECLARED.iter().find(|tool| tool["name"] == name)?;
    tool.get("inputSchema")
}

/// `tools/list`.
pub(crate) fn list(params: &Params, caller: &Caller<'_>) -> Result<Value, RpcError> {
    let faults = caller.shared.faults();
    let fit = |tool| by_revision::fit_tool(tool, caller.revision);
    let mut tools: Vec<Value> = DECLARED.iter().map(fit).collect();
    if faults.has(Fault::ToolsInputSchemaMissing)
        && let Some(Value::Object(fail)) = tools.iter_mut().find(|tool| tool["name"] == "fail")
    {
        fail.remove("inputSchema");
    }
    // What a defect adds comes first, so that it stands on the first page.
    let mut added = misfits::tools(faults);
    if faults.has(Fault::ToolsDuplicateName) {
        added.extend(tools.first().cloned());
    }
    if faults.has(Fault::ToolsListUnstable) {
        let nth = caller.shared.tool_lists.fetch_add(1, Ordering::Relaxed);
        added.push(json!({
            "name": format!("volatile-{nth}"),
            "inputSchema": object(json!({}), &[]),
        }));
    }
    if faults.has(Fault::ToolsListNull) && !params.contains_key("cursor") {
        return Ok(json!({"tools": null}));
    }
    added.append(&mut tools);
    pages::page("tools", added, params, faults)
}

/// `tools/call`.
///
/// Arguments that break the schema are reported in the result, so that a model can correct itself
/// (2025-11-25 server/tools#error-handling). Sessions of older revisions get a protocol error instead
/// (2025-06-18 server/tools#error-handling).
pub(crate) async fn call(
    params: &Params,
    caller: &Caller<'_>,
    sink: &Sink<'_>,
) -> Result<Value, RpcError> {
    let faults = caller.shared.faults();
    let name = match params.get("name") {
        Some(Value::String(name)) => name.as_str(),
        None if faults.has(Fault::ToolsMissingNameServed) => return Ok(text("nothing to do")),
        Some(Value::Number(_)) if faults.has(Fault::ToolsNumericNameServed) => {
            return Ok(text("nothing to do"));
        }
        _ => return Err(RpcError::params("name has to be a string")),
    };
    let empty = Map::new();
    let given = match params.get("arguments") {
        None => &empty,
        Some(Value::Object(given)) => given,
        Some(_) => return Err(RpcError::params("arguments has to be an object")),
    };
    let Some(tool) = DECLARED.iter().find(|tool| tool["name"] == name) else {
        if faults.has(Fault::ToolsUnknownAsResult) {
            return Ok(finish(failure("there is no such tool"), faults));
        }
        let code = if faults.has(Fault::ToolsUnknownWrongCode) {
            METHOD_NOT_FOUND
        } else {
            INVALID_PARAMS
        };
        return Err(RpcError::new(code, "there is no such tool"));
    };
    if !faults.has(Fault::ToolsArgumentsNotValidated)
        && let Some(violation) = arguments::violation(&tool["inputSchema"], given)
    {
        if caller.revision < LATEST {
            return Err(RpcError::params(violation));
        }
        return Ok(finish(failure(&violation), faults));
    }
    let result = match name {
        "echo" => {
            let message = given.get("message").and_then(Value::as_str);
            misfits::content(text(message.unwrap_or_default()), faults)
        }
        "add" => add(given, faults),
        "locate" => text(&Value::Object(given.clone()).to_string()),
        "fail" if faults.has(Fault::ToolsFailureAsProtocolError) => {
            return Err(RpcError::new(-32603, "the tool failed, as it always does"));
        }
        "fail" => failure("the tool failed, as it always does"),
        PROGRESS => progress(given, params, caller, sink).await,
        "publish" => publish(given, caller),
        "announce" => announce(given, caller),
        "link" => link(caller),
        asking => asking::call(asking, given, caller, sink).await,
    };
    let result = by_revision::fit(&result, caller.revision);
    Ok(finish(result, faults))
}

/// Whether a call asks for a tool that sends more than its response, so that it is answered by a stream.
pub(crate) fn streams(method: &str, params: &Params) -> bool {
    let name = params.get("name").and_then(Value::as_str);
    method == "tools/call" && name.is_some_and(|name| name == PROGRESS || asking::asks(name))
}

fn finish(mut result: Value, faults: FaultSet) -> Value {
    if faults.has(Fault::ToolsCallNoContent)
        && let Some(members) = result.as_object_mut()
    {
        members.remove("content");
    }
    result
}

pub(super) fn text(text: &str) -> Value {
    json!({"content": [{"type": "text", "text": text}]})
}

pub(super) fn failure(why: &str) -> Value {
    json!({"content": [{"type": "text", "text": why}], "isError": true})
}

fn add(given: &Params, faults: FaultSet) -> Value {
    let number = |name: &str| given.get(name);
    let integer = |name: &str| number(name).and_then(Value::as_i64);
    let float = |name: &str| number(name).and_then(Value::as_f64).unwrap_or_default();
    let exact = integer("a")
        .zip(integer("b"))
        .and_then(|(a, b)| a.checked_add(b));
    let sum = match exact {
        Some(sum) => json!(sum),
        None => json!(float("a") + float("b")),
    };
    if sum.is_null() {
        return failure("the sum is beyond the range of numbers");
    }
    let structured = if faults.has(Fault::ToolsStructuredNonconforming) {
        json!({"sum": sum.to_string()})
    } else if faults.has(Fault::ToolsStructuredArray) {
        json!([sum])
    } else {
        json!({"sum": sum})
    };
    let mut result = text(&structured.to_string());
    if !faults.has(Fault::ToolsStructuredMissing)
        && let Some(members) = result.as_object_mut()
    {
        members.insert("structuredContent".to_owned(), structured);
    }
    result
}

/// Reports each step under the token of the request (2025-11-25 basic/utilities/progress).
async fn progress(given: &Params, params: &Params, caller: &Caller<'_>, sink: &Sink<'_>) -> Value {
    let shared = caller.shared;
    let whole = |name: &str| given.get(name).and_then(Value::as_f64).unwrap_or_default() as u64;
    let steps = whole("steps").min(STEPS_MAX);
    let delay = Duration::from_millis(whole("delay_ms").min(DELAY_MS_MAX));
    let token = params
        .get("_meta")
        .and_then(|meta| meta.get("progressToken"))
        .filter(|token| token.is_string() || token.is_i64() || token.is_u64());
    sink.log(
        Level::Info,
        PROGRESS,
        json!({"steps": steps}),
        shared.faults(),
    );
    for step in 1..=steps {
        sink.log(
            Level::Debug,
            PROGRESS,
            json!({"step": step}),
            shared.faults(),
        );
        if !delay.is_zero() {
            tokio::time::sleep(delay).await;
        }
        if let Some(token) = token {
            let own = matches!(sink, Sink::Own(..));
            let stalls = own && shared.faults().has(Fault::StatelessProgressStalls);
            let as_text = own && shared.faults().has(Fault::StatelessProgressTokenAsText);
            let params = json!({
                "progressToken": if as_text { json!(token.to_string()) } else { token.clone() },
                "progress": if stalls { 1 } else { step },
                "total": steps,
                "message": format!("step {step} of {steps}"),
            });
            let message = notification("notifications/progress", params);
            if shared.faults().has(Fault::ProgressBroadcast) {
                let event = sse::event(&message);
                shared.hub.broadcast(&event, Level::Emergency);
            }
            sink.send(&message);
        }
    }
    text(&format!("{steps} steps done"))
}

fn publish(given: &Params, caller: &Caller<'_>) -> Value {
    let shared = caller.shared;
    let faults = shared.faults();
    let payload = given.get("payload").cloned().unwrap_or_default();
    let message = logging::message(Level::Info, "publish", json!({"payload": payload}), faults);
    let change = Change::Updated {
        uri: resources::BOARD,
        payload: &payload,
    };
    let listeners = shared.hub.announce(&change);
    shared.board.set(payload);
    let event = if faults.has(Fault::PublicationAsList) {
        sse::event(&json!([message]))
    } else {
        sse::event(&message)
    };
    if faults.has(Fault::PublicationRepeated) {
        repeat_later(shared, event.clone());
    }
    let swapped = caller.session.is_none() && faults.has(Fault::PublicationSwapped);
    let due = if swapped {
        shared.swap.due(event)
    } else {
        vec![event]
    };
    let streams: usize = due
        .iter()
        .map(|event| shared.hub.broadcast(event, Level::Info))
        .sum();
    if !faults.has(Fault::ResourceUpdateNotSent) {
        let params = json!({"uri": resources::BOARD});
        let updated = sse::event(&notification("notifications/resources/updated", params));
        shared.hub.send_to_subscribers(&updated, resources::BOARD);
    }
    text(&json!({"streams": streams + listeners}).to_string())
}

/// Tells every client that a list has changed, whether or not it has.
fn announce(given: &Params, caller: &Caller<'_>) -> Value {
    let kind = given.get("kind").and_then(Value::as_str);
    let method = format!("notifications/{}/list_changed", kind.unwrap_or("tools"));
    let event = sse::event(&json!({"jsonrpc": "2.0", "method": method}));
    // No level keeps it back: it is no log message.
    let streams = caller.shared.hub.broadcast(&event, Level::Emergency);
    let change = match kind {
        Some("prompts") => Change::Prompts,
        Some("resources") => Change::Resources,
        _ => Change::Tools,
    };
    let listeners = caller.shared.hub.announce(&change);
    text(&json!({"streams": streams + listeners}).to_string())
}

/// Leads to a resource: by a link since 2025-06-18, before that by the resource itself.
fn link(caller: &Caller<'_>) -> Value {
    if caller.revision < Revision::V2025_06_18 {
        let resource = resources::board(&caller.shared.board);
        return json!({"content": [{"type": "resource", "resource": resource}]});
    }
    json!({"content": [{
        "type": "resource_link", "uri": resources::BOARD, "name": "board",
        "mimeType": "application/json",
    }]})
}

/// The defect that publishes a message twice, the second time when nobody expects it any more.
fn repeat_later(shared: &Shared, event: Bytes) {
    let (hub, stop) = (Arc::clone(&shared.hub), shared.stop.clone());
    shared.calls.spawn(async move {
        tokio::select! {
            () = tokio::time::sleep(REPEATED_AFTER) => { hub.broadcast(&event, Level::Info); }
            () = stop.cancelled() => {}
        }
    });
}
