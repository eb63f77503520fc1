//! What `tools/list` says of tools (server/tools#tool).

use std::collections::BTreeSet;

use serde_json::Value;

use super::super::brought::{Brought, Outcome};
use crate::scenario::template::Variables;

/// Each `inputSchema` and `outputSchema` is valid in the dialect that it declares, 2020-12 if it declares none.
pub(super) fn valid_in_their_dialect(brought: &Brought, _variables: &Variables) -> Outcome {
    let tools = brought
        .exchange()
        .and_then(|exchange| exchange.result()?.get("tools")?.as_array());
    let Some(tools) = tools.filter(|tools| !tools.is_empty()) else {
        return Outcome::Nothing("no tool is listed".to_owned());
    };
    for tool in tools {
        for member in ["inputSchema", "outputSchema"] {
            let Some(schema) = tool.get(member).filter(|schema| schema.is_object()) else {
                continue;
            };
            if let Err(problem) = valid(schema) {
                let name = tool.get("name").unwrap_or(&Value::Null);
                return Outcome::Violated(format!("{member} of tool {name}: {problem}"));
            }
        }
    }
    Outcome::Holds
}

fn valid(schema: &Value) -> Result<(), String> {
    // A dialect that we do not know cannot be judged.
    let Ok(validator) = jsonschema::meta::validator_for(schema) else {
        return Ok(());
    };
    match validator.validate(schema) {
        Ok(()) => Ok(()),
        Err(error) => Err(format!("at '{}' {error}", error.instance_path())),
    }
}

/// The names are in the order of the captured `tools`; where the set itself has changed there is no order to compare.
pub(super) fn same_tool_order(brought: &Brought, variables: &Variables) -> Outcome {
    let names = |tools: &Value| -> Option<Vec<Value>> {
        let names = tools.as_array()?.iter().map(|tool| tool.get("name"));
        names.map(Option::<&Value>::cloned).collect()
    };
    let now = brought
        .exchange()
        .and_then(|exchange| names(exchange.result()?.get("tools")?));
    match (now, variables.get("tools").and_then(names)) {
        (Some(now), Some(before))
            if now.len() == before.len() && now.iter().all(|name| before.contains(name)) =>
        {
            Outcome::of(now == before, || "the order has changed".to_owned())
        }
        _ => Outcome::Nothing("there are not two lists of the same tools".to_owned()),
    }
}

/// The names are those of the captured `tools`, in whatever order.
pub(super) fn same_tool_names(brought: &Brought, variables: &Variables) -> Outcome {
    let names = |tools: &Value| -> Option<BTreeSet<String>> {
        let names = tools
            .as_array()?
            .iter()
            .filter_map(|tool| tool.get("name")?.as_str());
        Some(names.map(str::to_owned).collect())
    };
    let now = brought
        .exchange()
        .and_then(|exchange| names(exchange.result()?.get("tools")?));
    match (now, variables.get("tools").and_then(names)) {
        (Some(now), Some(before)) => {
            let odd: Vec<&String> = now.symmetric_difference(&before).collect();
            Outcome::of(odd.is_empty(), || {
                format!("only in one of two lists: {odd:?}")
            })
        }
        _ => Outcome::Nothing("there are not two lists".to_owned()),
    }
}
