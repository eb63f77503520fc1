//! Three prompts (2025-11-25 server/prompts).

use serde_json::{Value, json};

use super::{Caller, by_revision, pages, resources};
use crate::jsonrpc::{Params, RpcError};

const NAMES: [&str; 4] = ["Ada", "Alan", "Barbara", "Grace"];
const STYLES: [&str; 3] = ["brief", "friendly", "thorough"];

fn declared() -> [Value; 3] {
    [
        json!({
            "name": "greet",
            "title": "Greeting",
            "description": "Asks for a greeting.",
            "arguments": [{"name": "name", "description": "Who is greeted.", "required": true}],
        }),
        json!({
            "name": "review",
            "title": "Review",
            "description": "Asks for a review of a text.",
            "arguments": [
                {"name": "text", "description": "What is reviewed.", "required": true},
                {"name": "style", "description": "How: brief, friendly or thorough.", "required": false},
            ],
        }),
        json!({
            "name": "board",
            "title": "Board",
            "description": "Asks what the board says, which comes with the question.",
        }),
    ]
}

/// `prompts/list`.
pub(super) fn list(params: &Params, caller: &Caller<'_>) -> Result<Value, RpcError> {
    let fitted = declared()
        .iter()
        .map(|prompt| by_revision::fit(prompt, caller.revision))
        .collect();
    pages::page("prompts", fitted, params, caller.shared.faults())
}

/// `prompts/get`.
pub(super) fn get(params: &Params, caller: &Caller<'_>) -> Result<Value, RpcError> {
    let name = params
        .get("name")
        .and_then(Value::as_str)
        .ok_or_else(|| RpcError::params("name has to be a string"))?;
    let given = params.get("arguments");
    let (description, content) = match name {
        "greet" => {
            let name = required(given, "name")?;
            let text = format!("Please greet {name} in one friendly sentence.");
            ("Asks for a greeting.", text_content(&text))
        }
        "review" => {
            let text = required(given, "text")?;
            let style = argument(given, "style")?.unwrap_or("brief");
            if !STYLES.contains(&style) {
                let why = "the argument style is none of brief, friendly and thorough";
                return Err(RpcError::params(why));
            }
            let text = format!("Please give a {style} review of this text: {text}");
            ("Asks for a review of a text.", text_content(&text))
        }
        "board" => {
            let resource = resources::board(&caller.shared.board);
            let content = json!({"type": "resource", "resource": resource});
            ("Asks what the board says.", content)
        }
        _ => return Err(RpcError::params("there is no such prompt")),
    };
    Ok(json!({
        "description": description,
        "messages": [{"role": "user", "content": content}],
    }))
}

/// What an argument may be; `None` if there is no such prompt or argument.
pub(super) fn candidates(prompt: &str, argument: &str) -> Option<Vec<String>> {
    let values: &[&str] = match (prompt, argument) {
        ("greet", "name") => &NAMES,
        ("review", "style") => &STYLES,
        ("review", "text") => &[],
        _ => return None,
    };
    Some(values.iter().map(|value| (*value).to_owned()).collect())
}

fn text_content(text: &str) -> Value {
    json!({"type": "text", "text": text})
}

fn required<'a>(given: Option<&'a Value>, name: &str) -> Result<&'a str, RpcError> {
    argument(given, name)?
        .ok_or_else(|| RpcError::params(format!("the argument {name} is missing")))
}

/// The values of arguments are strings (2025-11-25 schema#getpromptrequestparams).
fn argument<'a>(given: Option<&'a Value>, name: &str) -> Result<Option<&'a str>, RpcError> {
    match given.and_then(|given| given.get(name)) {
        None => Ok(None),
        Some(Value::String(value)) => Ok(Some(value)),
        Some(_) => {
            let why = format!("the argument {name} has to be a string");
            Err(RpcError::params(why))
        }
    }
}
