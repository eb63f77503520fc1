//! `completion/complete`: how the arguments of prompts and the variables of templates may go on
//! (2025-11-25 server/utilities/completion).

use serde_json::{Value, json};

use super::{Caller, prompts, resources};
use crate::faults::Fault;
use crate::jsonrpc::{Params, RpcError};

/// Values that one result may have.
const VALUES_MAX: usize = 100;

/// The values that begin with what was typed so far.
pub(super) fn complete(params: &Params, caller: &Caller<'_>) -> Result<Value, RpcError> {
    let faults = caller.shared.faults();
    let (argument, typed) = read_argument(params)?;
    if let Some(context) = params.get("context")
        && !context.is_object()
    {
        return Err(RpcError::params("context has to be an object"));
    }
    let candidates = match candidates(params, argument) {
        Err(_) if faults.has(Fault::CompletionUnknownPromptEmpty) => Vec::new(),
        candidates => candidates?,
    };
    let fitting: Vec<String> = candidates
        .into_iter()
        .filter(|value| value.starts_with(typed))
        .collect();
    let shown = if faults.has(Fault::CompletionTooMany) {
        fitting.len()
    } else {
        fitting.len().min(VALUES_MAX)
    };
    let total = if faults.has(Fault::CompletionTotalTooSmall) {
        shown.saturating_sub(1)
    } else {
        fitting.len()
    };
    let values: Vec<Value> = fitting
        .iter()
        .take(shown)
        .map(|value| {
            if faults.has(Fault::CompletionValuesAsObjects) {
                json!({"value": value})
            } else {
                json!(value)
            }
        })
        .collect();
    let has_more = fitting.len() > shown;
    Ok(json!({"completion": {"values": values, "total": total, "hasMore": has_more}}))
}

/// The name of the argument, and what was typed of its value.
fn read_argument(params: &Params) -> Result<(&str, &str), RpcError> {
    let text = |name: &str| params.get("argument")?.get(name)?.as_str();
    text("name")
        .zip(text("value"))
        .ok_or_else(|| RpcError::params("argument has to have the strings name and value"))
}

/// Everything that the argument may be.
fn candidates(params: &Params, argument: &str) -> Result<Vec<String>, RpcError> {
    let reference = |name: &str| params.get("ref")?.get(name)?.as_str();
    let found = match reference("type") {
        Some("ref/prompt") => {
            let name = reference("name")
                .ok_or_else(|| RpcError::params("ref has to have the string name"))?;
            prompts::candidates(name, argument)
        }
        Some("ref/resource") => {
            let uri = reference("uri")
                .ok_or_else(|| RpcError::params("ref has to have the string uri"))?;
            resources::candidates(uri, argument)
        }
        _ => {
            let why = "ref has to have the type ref/prompt or ref/resource";
            return Err(RpcError::params(why));
        }
    };
    found.ok_or_else(|| RpcError::params("ref or argument names nothing that there is"))
}
