//! What the defects of lists, reads and completions make of what the features answer.

use serde_json::{Value, json};

use crate::faults::{Fault, FaultSet};
use crate::jsonrpc::{INTERNAL_ERROR, INVALID_PARAMS, Params, RESOURCE_NOT_FOUND, RpcError};

type Outcome = Result<Value, RpcError>;

/// The outcome of a request after the defects.
pub(super) fn changed(
    method: &str,
    params: &Params,
    outcome: Outcome,
    faults: FaultSet,
) -> Outcome {
    match method {
        "resources/list" | "resources/templates/list" | "prompts/list" => {
            outcome.map(|page| list(page, faults))
        }
        "resources/read" => read(params, outcome, faults),
        "prompts/get" => get(params, outcome, faults),
        "completion/complete" => complete(params, outcome, faults),
        _ => outcome,
    }
}

fn list(mut page: Value, faults: FaultSet) -> Value {
    for (fault, list, entry, member, value) in [
        (Fault::ResourceNameMissing, "resources", 0, "name", None),
        // Not the first, which others read.
        (
            Fault::ResourceUriRelative,
            "resources",
            2,
            "uri",
            Some(json!("items/1")),
        ),
        (
            Fault::TemplateUriMissing,
            "resourceTemplates",
            0,
            "uriTemplate",
            None,
        ),
        (
            Fault::PromptArgumentsAsObject,
            "prompts",
            0,
            "arguments",
            Some(json!({})),
        ),
    ] {
        if faults.has(fault)
            && let Some(Value::Object(members)) = page.pointer_mut(&format!("/{list}/{entry}"))
        {
            match value {
                Some(value) => members.insert(member.to_owned(), value),
                None => members.remove(member),
            };
        }
    }
    for (fault, list) in [
        (Fault::ResourceListedTwice, "resources"),
        (Fault::PromptListedTwice, "prompts"),
    ] {
        if faults.has(fault)
            && let Some(Value::Array(entries)) = page.get_mut(list)
        {
            entries.extend(entries.first().cloned());
        }
    }
    page
}

fn read(params: &Params, outcome: Outcome, faults: FaultSet) -> Outcome {
    if faults.has(Fault::ResourceNotReadable) && params.get("uri") == Some(&json!("plumb://readme"))
    {
        return Err(RpcError::new(
            RESOURCE_NOT_FOUND,
            "there is no such resource",
        ));
    }
    match outcome {
        Ok(mut result) => {
            if faults.has(Fault::ResourceWithoutContent)
                && let Some(Value::Object(contents)) = result.pointer_mut("/contents/0")
            {
                contents.remove("text");
            }
            Ok(result)
        }
        Err(error)
            if error.code == RESOURCE_NOT_FOUND && faults.has(Fault::ResourceUnknownWrongCode) =>
        {
            Err(RpcError::new(INTERNAL_ERROR, error.message))
        }
        Err(error)
            if error.code == INVALID_PARAMS && faults.has(Fault::ResourceInvalidUriServed) =>
        {
            Ok(json!({"contents": []}))
        }
        refused => refused,
    }
}

fn get(params: &Params, outcome: Outcome, faults: FaultSet) -> Outcome {
    let name = params.get("name").and_then(Value::as_str);
    let is_known = matches!(name, Some("greet" | "review" | "board"));
    match outcome {
        Ok(mut result) => {
            if faults.has(Fault::PromptRoleSystem)
                && let Some(role) = result.pointer_mut("/messages/0/role")
            {
                *role = json!("system");
            }
            Ok(result)
        }
        Err(error) if !is_known && faults.has(Fault::PromptUnknownWrongCode) => {
            Err(RpcError::new(INTERNAL_ERROR, error.message))
        }
        Err(_) if is_known && faults.has(Fault::PromptWithoutArgumentsServed) => {
            Ok(json!({"messages": []}))
        }
        refused => refused,
    }
}

fn complete(params: &Params, outcome: Outcome, faults: FaultSet) -> Outcome {
    if faults.has(Fault::CompletionContextRefused) && params.contains_key("context") {
        return Err(RpcError::params("context is not known here"));
    }
    if faults.has(Fault::CompletionWithoutArgumentServed) && !params.contains_key("argument") {
        return Ok(json!({"completion": {"values": []}}));
    }
    outcome
}
