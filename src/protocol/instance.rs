//! An instance of a JSON Schema, made from nothing but the schema: arguments for a tool, the content of a form.

use serde_json::{Map, Value, json};

/// How deep a schema is followed.
const DEPTH_MAX: usize = 6;
/// How many schemas are looked at in all: nesting multiplies, whatever the bounds on depth and length.
const SCHEMAS_MAX: usize = 1_000;
/// The longest text or list that is made to satisfy a lower bound.
const LENGTH_MAX: u64 = 64;

/// An object that is valid against the schema, with required members only; `None` where that could not be done.
pub fn minimal(schema: &Value) -> Option<Value> {
    let arguments = Building {
        root: schema,
        left: SCHEMAS_MAX,
    }
    .build(schema, 0)?;
    let validator = jsonschema::validator_for(schema).ok()?;
    (arguments.is_object() && validator.is_valid(&arguments)).then_some(arguments)
}

/// Arguments that break the schema in one place only: the first required member is left out.
pub fn without_first_required(schema: &Value, valid: &Value) -> Option<Value> {
    let first = schema.get("required")?.as_array()?.first()?.as_str()?;
    let mut arguments = valid.as_object()?.clone();
    arguments.remove(first)?;
    let arguments = Value::Object(arguments);
    let validator = jsonschema::validator_for(schema).ok()?;
    (!validator.is_valid(&arguments)).then_some(arguments)
}

/// A construction under way, with what is left of its budget.
struct Building<'a> {
    root: &'a Value,
    left: usize,
}

impl Building<'_> {
    fn build(&mut self, schema: &Value, depth: usize) -> Option<Value> {
        self.left = self.left.checked_sub(1)?;
        if depth > DEPTH_MAX {
            return None;
        }
        if schema == &Value::Bool(true) {
            return Some(json!("plumb"));
        }
        let schema = schema.as_object()?;
        if let Some(reference) = schema.get("$ref").and_then(Value::as_str) {
            let pointer = reference.strip_prefix('#')?;
            return self.build(self.root.pointer(pointer)?, depth + 1);
        }
        for key in ["const", "default"] {
            if let Some(value) = schema.get(key) {
                return Some(value.clone());
            }
        }
        for key in ["enum", "examples"] {
            let values = schema.get(key).and_then(Value::as_array);
            if let Some(first) = values.and_then(|values| values.first()) {
                return Some(first.clone());
            }
        }
        for key in ["oneOf", "anyOf"] {
            if let Some(options) = schema.get(key).and_then(Value::as_array) {
                return options
                    .iter()
                    .find_map(|option| self.build(option, depth + 1));
            }
        }
        match type_of(schema)? {
            "object" => self.object(schema, depth),
            "array" => self.array(schema, depth),
            "string" => build_text(schema),
            "integer" => Some(json!(lower_bound(schema).ceil() as i64)),
            "number" => {
                let number = lower_bound(schema);
                let whole = number.fract() == 0.0;
                Some(if whole {
                    json!(number as i64)
                } else {
                    json!(number)
                })
            }
            "boolean" => Some(json!(false)),
            "null" => Some(Value::Null),
            _ => None,
        }
    }

    fn array(&mut self, schema: &Map<String, Value>, depth: usize) -> Option<Value> {
        let count = schema.get("minItems").and_then(Value::as_u64).unwrap_or(0);
        if count > LENGTH_MAX {
            return None;
        }
        let item = schema.get("items").unwrap_or(&Value::Bool(true));
        (0..count).map(|_| self.build(item, depth + 1)).collect()
    }

    fn object(&mut self, schema: &Map<String, Value>, depth: usize) -> Option<Value> {
        let mut object = Map::new();
        let required = schema.get("required").and_then(Value::as_array);
        for name in required.into_iter().flatten().filter_map(Value::as_str) {
            let member = schema
                .get("properties")
                .and_then(|members| members.get(name));
            let value = self.build(member.unwrap_or(&Value::Bool(true)), depth + 1)?;
            object.insert(name.to_owned(), value);
        }
        Some(Value::Object(object))
    }
}

fn type_of(schema: &Map<String, Value>) -> Option<&str> {
    match schema.get("type") {
        Some(Value::String(name)) => Some(name),
        Some(Value::Array(names)) => names
            .iter()
            .filter_map(Value::as_str)
            .find(|name| *name != "null"),
        _ if schema.contains_key("properties") => Some("object"),
        _ => Some("string"),
    }
}

fn build_text(schema: &Map<String, Value>) -> Option<Value> {
    let text = match schema.get("format").and_then(Value::as_str) {
        Some("uri" | "url") => "https://example.com/",
        Some("email") => "a@example.com",
        Some("date") => "2026-01-31",
        Some("date-time") => "2026-01-31T12:00:00Z",
        Some("time") => "12:00:00Z",
        Some("uuid") => "00000000-0000-4000-8000-000000000000",
        Some("ipv4") => "127.0.0.1",
        Some("hostname") => "example.com",
        _ => "plumb",
    };
    let min = schema.get("minLength").and_then(Value::as_u64).unwrap_or(0);
    let max = schema
        .get("maxLength")
        .and_then(Value::as_u64)
        .unwrap_or(u64::MAX);
    if min > LENGTH_MAX {
        return None;
    }
    let mut text: String = text
        .chars()
        .take(usize::try_from(max).unwrap_or(usize::MAX))
        .collect();
    while (text.chars().count() as u64) < min {
        text.push('x');
    }
    Some(Value::String(text))
}

/// The least number that a schema allows, at least 1 where it says nothing.
fn lower_bound(schema: &Map<String, Value>) -> f64 {
    let number = |key: &str| schema.get(key).and_then(Value::as_f64);
    let least = match (number("minimum"), number("exclusiveMinimum")) {
        (Some(minimum), _) => minimum,
        (None, Some(above)) => above.floor() + 1.0,
        (None, None) => 1.0,
    };
    let most =
        number("maximum").or_else(|| number("exclusiveMaximum").map(|below| below.ceil() - 1.0));
    most.map_or(least, |most| {
        if number("minimum").is_none() {
            least.min(most)
        } else {
            least
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn schemas_of_many_kinds() {
        let cases = [
            (json!({"type": "object"}), Some(json!({}))),
            (
                json!({"type": "object", "properties": {"a": {"type": "string"}}}),
                Some(json!({})),
            ),
            (
                json!({"type": "object", "properties": {"a": {"type": "string", "minLength": 7}}, "required": ["a"]}),
                Some(json!({"a": "plumbxx"})),
            ),
            (
                json!({"type": "object", "properties": {"n": {"type": "integer", "minimum": 3}}, "required": ["n"]}),
                Some(json!({"n": 3})),
            ),
            (
                json!({"type": "object", "properties": {"n": {"type": "number", "maximum": -4}}, "required": ["n"]}),
                Some(json!({"n": -4})),
            ),
            (
                json!({"type": "object", "properties": {"e": {"enum": ["x", "y"]}}, "required": ["e"]}),
                Some(json!({"e": "x"})),
            ),
            (
                json!({"type": "object", "required": ["o"], "properties": {"o": {"$ref": "#/$defs/O"}},
                    "$defs": {"O": {"type": "object", "required": ["u"], "properties": {"u": {"type": "string", "format": "uri"}}}}}),
                Some(json!({"o": {"u": "https://example.com/"}})),
            ),
            (
                json!({"type": "object", "required": ["o"], "properties": {"o": {"anyOf": [{"type": "null"}, {"type": "string"}]}}}),
                Some(json!({"o": null})),
            ),
            (
                json!({"type": "object", "required": ["p"], "properties": {"p": {"type": "string", "pattern": "^[0-9]{4}$"}}}),
                None,
            ),
            (
                json!({"type": "object", "required": ["s"], "properties": {"s": {"$ref": "#"}}}),
                None,
            ),
            (json!({"type": 7}), None),
            (json!(null), None),
        ];
        for (schema, expected) in cases {
            assert_eq!(minimal(&schema), expected, "{schema}");
        }
    }

    #[test]
    fn a_schema_that_explodes_is_given_up() {
        let mut arrays = json!({"type": "string"});
        for _ in 0..5 {
            arrays = json!({"type": "array", "minItems": 64, "items": arrays});
        }
        let bomb = json!({"type": "object", "required": ["a"], "properties": {"a": arrays}});
        assert_eq!(minimal(&bomb), None);
        let options: Vec<Value> = (0..2_000).map(|_| json!({"$ref": "#/$defs/A"})).collect();
        let choices = json!({"type": "object", "required": ["a"], "properties": {"a": {"$ref": "#/$defs/A"}},
            "$defs": {"A": {"anyOf": options}}});
        assert_eq!(minimal(&choices), None);
    }

    #[test]
    fn one_required_member_is_left_out() {
        let schema = json!({"type": "object", "properties": {"a": {"type": "number"}, "b": {"type": "number"}}, "required": ["a", "b"]});
        let valid = minimal(&schema).unwrap();
        assert_eq!(
            without_first_required(&schema, &valid),
            Some(json!({"b": 1}))
        );
        assert_eq!(
            without_first_required(&json!({"type": "object"}), &json!({})),
            None
        );
    }
}
