//! The tools: what `tools/list` declares and `tools/call` does (2025-11-25 server/tools).

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use bytes::Bytes;
use serde_json::{Map, Value, json};

use super::lifecycle::LATEST;
use super::logging::{self, Level};
use super::{Caller, Sink, arguments, misfits};
use crate::faults::{Fault, FaultSet};
use crate::jsonrpc::{INVALID_PARAMS, METHOD_NOT_FOUND, Params, RpcError, notification};
use crate::server::Shared;
use crate::sse;

/// The tool whose calls report progress and are answered by a stream for that.
pub(crate) const PROGRESS: &str = "progress";

const STEPS_MAX: u64 = 100;
const DELAY_MS_MAX: u64 = 5000;
/// How long `publication-repeated` waits.
const REPEATED_AFTER: Duration = Duration::from_millis(250);

/// Every tool as it is declared.
fn declared() -> Vec<Value> {
    let read_only = json!({
        "readOnlyHint": true, "destructiveHint": false, "idempotentHint": true, "openWorldHint": false,
    });
    vec![
        json!({
            "name": "echo",
            "description": "Returns the message.",
            "inputSchema": object(json!({"message": {"type": "string"}}), &["message"]),
            "annotations": read_only,
        }),
        json!({
            "name": "add",
            "description": "Returns the sum of two numbers.",
            "inputSchema": object(json!({"a": {"type": "number"}, "b": {"type": "number"}}), &["a", "b"]),
            "outputSchema": object(json!({"sum": {"type": "number"}}), &["sum"]),
            "annotations": read_only,
        }),
        json!({
            "name": "fail",
            "description": "Always fails, and says so in its result.",
            "inputSchema": object(json!({}), &[]),
            "annotations": read_only,
        }),
        json!({
            "name": PROGRESS,
            "description": "Works in steps and reports progress if a token is given.",
            "inputSchema": object(
                json!({
                    "steps": {"type": "integer", "minimum": 1, "maximum": STEPS_MAX},
                    "delay_ms": {"type": "integer", "minimum": 0, "maximum": DELAY_MS_MAX, "default": 0},
                }),
                &["steps"],
            ),
            "annotations": read_only,
        }),
        json!({
            "name": "publish",
            "description": "Sends the payload as a log message to every client that has a stream open.",
            "inputSchema": object(json!({"payload": {}}), &["payload"]),
            "annotations": {
                "readOnlyHint": false, "destructiveHint": false, "idempotentHint": false, "openWorldHint": false,
            },
        }),
    ]
}

fn object(properties: Value, required: &[&str]) -> Value {
    json!({"type": "object", "properties": properties, "required": required})
}

/// `tools/list`.
pub(crate) fn list(params: &Params, caller: &Caller<'_>) -> Result<Value, RpcError> {
    super::first_page(params)?;
    let faults = caller.shared.faults();
    let mut tools = declared();
    if faults.has(Fault::ToolsInputSchemaMissing)
        && let Some(Value::Object(fail)) = tools.get_mut(2)
    {
        fail.remove("inputSchema");
    }
    if faults.has(Fault::ToolsDuplicateName) {
        tools.extend(tools.first().cloned());
    }
    tools.extend(misfits::tools(faults));
    if faults.has(Fault::ToolsListUnstable) {
        let nth = caller.shared.tool_lists.fetch_add(1, Ordering::Relaxed);
        tools.push(json!({
            "name": format!("volatile-{nth}"),
            "inputSchema": object(json!({}), &[]),
        }));
    }
    if faults.has(Fault::ToolsListNull) {
        return Ok(json!({"tools": null}));
    }
    Ok(json!({"tools": tools}))
}

/// `tools/call`.
///
/// Arguments that break the schema are reported in the result, so that a model can correct itself
/// (2025-11-25 server/tools#error-handling). Sessions of older revisions get a protocol error instead
/// (2025-06-18 server/tools#error-handling); where no session says which revision holds, the newest does.
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
    let tools = declared();
    let Some(tool) = tools.iter().find(|tool| tool["name"] == name) else {
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
        if caller
            .session
            .is_some_and(|session| session.revision() < LATEST)
        {
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
        "fail" if faults.has(Fault::ToolsFailureAsProtocolError) => {
            return Err(RpcError::new(-32603, "the tool failed, as it always does"));
        }
        "fail" => failure("the tool failed, as it always does"),
        PROGRESS => progress(given, params, caller, sink).await,
        _ => publish(given, caller),
    };
    Ok(finish(result, faults))
}

/// Whether a call asks for the tool that is answered by a stream.
pub(crate) fn streams(method: &str, params: &Params) -> bool {
    method == "tools/call" && params.get("name").and_then(Value::as_str) == Some(PROGRESS)
}

fn finish(mut result: Value, faults: FaultSet) -> Value {
    if faults.has(Fault::ToolsCallNoContent)
        && let Some(members) = result.as_object_mut()
    {
        members.remove("content");
    }
    result
}

fn text(text: &str) -> Value {
    json!({"content": [{"type": "text", "text": text}]})
}

fn failure(why: &str) -> Value {
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
    for step in 1..=steps {
        if !delay.is_zero() {
            tokio::time::sleep(delay).await;
        }
        if let Some(token) = token {
            let params = json!({
                "progressToken": token,
                "progress": step,
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
    text(&json!({"streams": streams}).to_string())
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
