//! `structuredContent` of a tool result (server/tools#structured-content).

use serde_json::Value;

use super::super::brought::{Brought, Outcome};
use super::super::equal::same_json;
use crate::scenario::template::Variables;

/// The content is valid against the `outputSchema` that the tool declares.
pub(super) fn conforms(brought: &Brought, variables: &Variables) -> Outcome {
    let Some(content) = result(brought).and_then(|result| result.get("structuredContent")) else {
        return Outcome::Nothing("the result has no structuredContent".to_owned());
    };
    let Some(schema) = variables
        .get("tool.structured.definition")
        .and_then(|tool| tool.get("outputSchema"))
    else {
        return Outcome::Nothing("the tool declares no outputSchema".to_owned());
    };
    // Formats are annotations (JSON Schema 2020-12, 7.2.1), whatever the dialect.
    let validator = match jsonschema::options()
        .should_validate_formats(false)
        .build(schema)
    {
        Ok(validator) => validator,
        // An invalid schema is a finding of another check.
        Err(error) => return Outcome::Nothing(format!("the outputSchema cannot be used: {error}")),
    };
    match validator.iter_errors(content).next() {
        None => Outcome::Holds,
        Some(error) => Outcome::Violated(format!("at '{}': {error}", error.instance_path())),
    }
}

/// A text item holds the same JSON.
pub(super) fn repeated_as_text(brought: &Brought, _variables: &Variables) -> Outcome {
    let Some(result) = result(brought) else {
        return Outcome::Nothing("there is no result".to_owned());
    };
    let Some(content) = result.get("structuredContent") else {
        return Outcome::Nothing("the result has no structuredContent".to_owned());
    };
    let items = result.get("content").and_then(Value::as_array);
    let repeated = items
        .into_iter()
        .flatten()
        .filter_map(|item| item.get("text")?.as_str())
        .filter_map(|text| serde_json::from_str::<Value>(text).ok())
        .any(|json| same_json(&json, content));
    Outcome::of(repeated, || {
        "no text item holds the JSON of structuredContent".to_owned()
    })
}

fn result(brought: &Brought) -> Option<&Value> {
    brought.exchange()?.result()
}
