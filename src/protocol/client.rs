//! What this client answers when a server asks it: to a request on a stream (up to 2025-11-25), or to the input that a
//! result of 2026-07-28 asks for. It answers as a person in a hurry would: with the least that the schema allows.

use serde_json::{Map, Value, json};

use super::instance;
use super::jsonrpc::MessageKind;

/// How many inputs of one result are answered.
const INPUTS_MAX: usize = 32;

/// The answer to a request of the server. What was not declared is refused as an unknown method; `ping` is owed always
/// (basic/utilities/ping). `None` for messages that want no answer.
pub fn answer(message: &Value, declared: &Map<String, Value>) -> Option<Value> {
    if MessageKind::of(message) != MessageKind::Request {
        return None;
    }
    let id = message.get("id")?;
    let method = message
        .get("method")
        .and_then(Value::as_str)
        .unwrap_or_default();
    let result = if method == "ping" {
        Some(json!({}))
    } else {
        result_of(method, message.get("params"), declared)
    };
    Some(match result {
        Some(result) => json!({"jsonrpc": "2.0", "id": id, "result": result}),
        None => json!({"jsonrpc": "2.0", "id": id,
            "error": {"code": -32601, "message": "this client offers no such method"}}),
    })
}

/// The `inputResponses` to a result that asks for input, if it does and all of it was declared
/// (2026-07-28, basic/patterns/mrtr).
pub fn input_responses(result: &Value, declared: &Map<String, Value>) -> Option<Value> {
    if result.get("resultType")?.as_str()? != "input_required" {
        return None;
    }
    let empty = Map::new();
    let requests = match result.get("inputRequests") {
        None => &empty,
        Some(requests) => requests.as_object()?,
    };
    if requests.len() > INPUTS_MAX {
        return None;
    }
    requests
        .iter()
        .map(|(key, request)| {
            let method = request.get("method")?.as_str()?;
            let response = result_of(method, request.get("params"), declared)?;
            Some((key.clone(), response))
        })
        .collect::<Option<Map<_, _>>>()
        .map(Value::Object)
}

fn result_of(method: &str, params: Option<&Value>, declared: &Map<String, Value>) -> Option<Value> {
    let (capability, result) = match method {
        "roots/list" => (
            "roots",
            json!({"roots": [{"uri": "file:///mcp-plumb", "name": "mcp-plumb"}]}),
        ),
        "sampling/createMessage" => (
            "sampling",
            json!({
                "role": "assistant",
                "content": {"type": "text", "text": "mcp-plumb"},
                "model": "mcp-plumb",
                "stopReason": "endTurn",
            }),
        ),
        "elicitation/create" => ("elicitation", elicited(params)),
        _ => return None,
    };
    declared.contains_key(capability).then_some(result)
}

/// A form is filled in with the least that it allows; a page is not visited.
fn elicited(params: Option<&Value>) -> Value {
    let schema = params.and_then(|params| params.get("requestedSchema"));
    match schema.and_then(instance::minimal) {
        Some(content) => json!({"action": "accept", "content": content}),
        None => json!({"action": "decline"}),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn declared(names: &[&str]) -> Map<String, Value> {
        names
            .iter()
            .map(|name| ((*name).to_owned(), json!({})))
            .collect()
    }

    fn asked(method: &str, params: Value) -> Value {
        json!({"jsonrpc": "2.0", "id": "a", "method": method, "params": params})
    }

    #[test]
    fn only_ping_is_owed_always() {
        let nothing = declared(&[]);
        let ping = answer(&asked("ping", json!({})), &nothing).unwrap();
        assert_eq!(ping, json!({"jsonrpc": "2.0", "id": "a", "result": {}}));
        for method in [
            "roots/list",
            "sampling/createMessage",
            "elicitation/create",
            "x",
        ] {
            let refused = answer(&asked(method, json!({})), &nothing).unwrap();
            assert_eq!(
                refused.pointer("/error/code"),
                Some(&json!(-32601)),
                "{method}"
            );
        }
        assert_eq!(answer(&json!({"method": "ping"}), &nothing), None);
    }

    #[test]
    fn what_is_declared_is_answered() {
        let all = declared(&["roots", "sampling", "elicitation"]);
        let result =
            |method, params| answer(&asked(method, params), &all).unwrap()["result"].clone();
        assert!(result("roots/list", json!({}))["roots"].is_array());
        assert_eq!(
            result("sampling/createMessage", json!({}))["role"],
            "assistant"
        );
        let form = json!({"requestedSchema": {"type": "object",
            "properties": {"n": {"type": "integer", "minimum": 3}, "o": {"type": "string"}}, "required": ["n"]}});
        assert_eq!(
            result("elicitation/create", form),
            json!({"action": "accept", "content": {"n": 3}})
        );
        let page = json!({"mode": "url", "url": "http://h/"});
        assert_eq!(result("elicitation/create", page)["action"], "decline");
    }

    #[test]
    fn input_is_given_where_all_of_it_was_declared() {
        let result = json!({"resultType": "input_required", "inputRequests": {
            "a": {"method": "roots/list"}, "b": {"method": "sampling/createMessage", "params": {}}}});
        let both = input_responses(&result, &declared(&["roots", "sampling"])).unwrap();
        assert_eq!(both["b"]["model"], "mcp-plumb");
        assert_eq!(input_responses(&result, &declared(&["roots"])), None);
        let state_only = json!({"resultType": "input_required", "requestState": "s"});
        assert_eq!(
            input_responses(&state_only, &declared(&[])),
            Some(json!({}))
        );
        for odd in [
            json!({"resultType": "complete"}),
            json!({"resultType": "input_required", "inputRequests": []}),
            json!({"resultType": "input_required", "inputRequests": {"a": {"method": 7}}}),
            json!(null),
        ] {
            assert_eq!(input_responses(&odd, &declared(&["roots"])), None, "{odd}");
        }
    }
}
