//! Checks arguments against the few schema keywords that the tools here use.

use serde_json::{Map, Value};

/// What is wrong with the arguments, or `None`.
pub(crate) fn violation(schema: &Value, given: &Map<String, Value>) -> Option<String> {
    let missing = schema
        .get("required")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .find(|name| !given.contains_key(*name));
    if let Some(name) = missing {
        return Some(format!("the argument {name} is missing"));
    }
    let properties = schema.get("properties").and_then(Value::as_object)?;
    properties.iter().find_map(|(name, rule)| {
        let value = given.get(name)?;
        broken_rule(rule, value).map(|rule| format!("the argument {name} {rule}"))
    })
}

fn broken_rule(rule: &Value, value: &Value) -> Option<String> {
    let fits = match rule.get("type").and_then(Value::as_str) {
        Some("string") => value.is_string(),
        Some("boolean") => value.is_boolean(),
        Some("object") => value.is_object(),
        Some("number") => value.is_number(),
        // JSON Schema counts 3.0 as an integer.
        Some("integer") => value.as_f64().is_some_and(|number| number.fract() == 0.0),
        _ => true,
    };
    if !fits {
        return Some(format!("has to be of type {}", rule.get("type")?));
    }
    if let Some(Value::Array(allowed)) = rule.get("enum")
        && !allowed.contains(value)
    {
        let allowed: Vec<&str> = allowed.iter().filter_map(Value::as_str).collect();
        return Some(format!("has to be one of {}", allowed.join(", ")));
    }
    let number = value.as_f64()?;
    let limit = |name: &str| rule.get(name).and_then(Value::as_f64);
    if let Some(minimum) = limit("minimum").filter(|minimum| number < *minimum) {
        return Some(format!("has to be at least {minimum}"));
    }
    let maximum = limit("maximum").filter(|maximum| number > *maximum)?;
    Some(format!("has to be at most {maximum}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn each_keyword_is_checked() {
        let schema = json!({
            "type": "object",
            "properties": {
                "text": {"type": "string"},
                "count": {"type": "integer", "minimum": 1, "maximum": 3},
                "any": {},
                "flag": {"type": "boolean"},
                "word": {"type": "string", "enum": ["a", "b"]},
            },
            "required": ["text"],
        });
        for (given, fits) in [
            (json!({"text": ""}), true),
            (json!({"text": "", "any": null, "unknown": []}), true),
            (json!({"text": "", "count": 3.0}), true),
            (json!({"text": "", "word": "b", "flag": false}), true),
            (json!({"text": "", "word": "c"}), false),
            (json!({"text": "", "flag": "true"}), false),
            (json!({}), false),
            (json!({"text": null}), false),
            (json!({"text": 1}), false),
            (json!({"text": "", "count": 0}), false),
            (json!({"text": "", "count": 4}), false),
            (json!({"text": "", "count": 1.5}), false),
            (json!({"text": "", "count": "1"}), false),
        ] {
            let found = violation(&schema, given.as_object().unwrap());
            assert_eq!(found.is_none(), fits, "{given}: {found:?}");
        }
    }
}
