//! Where tools mark arguments that header fields repeat (2026-07-28,
//! basic/transports/streamable-http#custom-headers-from-tool-parameters).

use std::collections::BTreeSet;

use serde_json::Value;

use super::super::brought::{Brought, Outcome};
use crate::scenario::template::Variables;

/// How deep schemas are searched.
const DEPTH_MAX: usize = 16;

/// An `x-mcp-header`, and whether its argument is reached through `properties` alone.
struct Annotation<'a> {
    header: &'a Value,
    is_reachable: bool,
}

/// Every annotation stands at an argument that is reached through `properties` alone.
pub(super) fn reachable(brought: &Brought, _variables: &Variables) -> Outcome {
    judge(brought, |annotations| {
        let misplaced = annotations.iter().find(|found| !found.is_reachable)?;
        Some(format!(
            "{} stands where no client looks for it",
            misplaced.header
        ))
    })
}

/// The annotations of one tool differ, letter case aside.
pub(super) fn unique(brought: &Brought, _variables: &Variables) -> Outcome {
    judge(brought, |annotations| {
        let mut seen = BTreeSet::new();
        let mut names = annotations.iter().filter_map(|found| found.header.as_str());
        let twice = names.find(|name| !seen.insert(name.to_ascii_lowercase()))?;
        Some(format!("{twice:?} stands twice"))
    })
}

/// Judges the annotations of each tool by what `violation` says of them.
fn judge(brought: &Brought, violation: impl Fn(&[Annotation<'_>]) -> Option<String>) -> Outcome {
    let tools = brought
        .exchange()
        .and_then(|exchange| exchange.result()?.get("tools")?.as_array());
    let mut any = false;
    for tool in tools.into_iter().flatten() {
        let mut found = Vec::new();
        if let Some(schema) = tool.get("inputSchema") {
            search(schema, true, 0, &mut found);
        }
        any |= !found.is_empty();
        if let Some(got) = violation(&found) {
            let name = tool.get("name").unwrap_or(&Value::Null);
            return Outcome::Violated(format!("tool {name}: {got}"));
        }
    }
    if any {
        Outcome::Holds
    } else {
        Outcome::Nothing("no tool has an x-mcp-header".to_owned())
    }
}

fn search<'a>(
    schema: &'a Value,
    is_reachable: bool,
    depth: usize,
    found: &mut Vec<Annotation<'a>>,
) {
    let Some(members) = schema.as_object().filter(|_| depth < DEPTH_MAX) else {
        return;
    };
    if let Some(header) = members.get("x-mcp-header") {
        found.push(Annotation {
            header,
            is_reachable,
        });
    }
    for (keyword, value) in members {
        let is_reachable = is_reachable && keyword == "properties";
        // Values that are data and no schemas (default, const, enum, examples) are not looked into.
        match (keyword.as_str(), value) {
            (
                "properties" | "patternProperties" | "$defs" | "definitions" | "dependentSchemas",
                Value::Object(schemas),
            ) => {
                for schema in schemas.values() {
                    search(schema, is_reachable, depth + 1, found);
                }
            }
            ("oneOf" | "anyOf" | "allOf" | "prefixItems" | "items", Value::Array(schemas)) => {
                for schema in schemas {
                    search(schema, is_reachable, depth + 1, found);
                }
            }
            (
                "items" | "contains" | "additionalProperties" | "not" | "if" | "then" | "else",
                Value::Object(_),
            ) => search(value, is_reachable, depth + 1, found),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn annotations_are_found_in_schemas_and_not_in_data() {
        let cases = [
            (
                json!({"properties": {"a": {"x-mcp-header": "A"}}}),
                vec![true],
            ),
            (
                json!({"properties": {"a": {"properties": {"b": {"x-mcp-header": "B"}}}}}),
                vec![true],
            ),
            (
                json!({"properties": {"a": {"items": {"x-mcp-header": "A"}}}}),
                vec![false],
            ),
            (
                json!({"anyOf": [{"properties": {"a": {"x-mcp-header": "A"}}}]}),
                vec![false],
            ),
            (
                json!({"properties": {"a": {"default": {"x-mcp-header": "A"}}}}),
                vec![],
            ),
        ];
        for (schema, expected) in cases {
            let mut found = Vec::new();
            search(&schema, true, 0, &mut found);
            let reachable: Vec<bool> = found.iter().map(|found| found.is_reachable).collect();
            assert_eq!(reachable, expected, "{schema}");
        }
    }
}
