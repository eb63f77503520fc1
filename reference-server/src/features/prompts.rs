//! One prompt (2025-11-25 server/prompts).

use serde_json::{Value, json};

use crate::jsonrpc::{Params, RpcError};

/// `prompts/list`.
pub(crate) fn list(params: &Params) -> Result<Value, RpcError> {
    super::first_page(params)?;
    Ok(json!({"prompts": [{
        "name": "greet",
        "description": "Asks for a greeting.",
        "arguments": [{"name": "name", "description": "Who is greeted.", "required": true}],
    }]}))
}

/// `prompts/get`.
pub(crate) fn get(params: &Params) -> Result<Value, RpcError> {
    match params.get("name").and_then(Value::as_str) {
        Some("greet") => {}
        Some(_) => return Err(RpcError::params("there is no such prompt")),
        None => return Err(RpcError::params("name has to be a string")),
    }
    let name = params
        .get("arguments")
        .and_then(|arguments| arguments.get("name"))
        .and_then(Value::as_str)
        .ok_or_else(|| RpcError::params("the argument name has to be a string"))?;
    Ok(json!({
        "description": "Asks for a greeting.",
        "messages": [{
            "role": "user",
            "content": {"type": "text", "text": format!("Please greet {name} in one friendly sentence.")},
        }],
    }))
}
