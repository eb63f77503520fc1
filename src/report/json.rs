//! The document as JSON, and the JSON Schema that it follows.

use std::fmt::Write as _;

use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::document::{Document, SCHEMA};
use super::text;
use crate::compare::{self, Comparison};

/// The document as indented JSON with a line feed at the end.
///
/// Characters that steer a terminal or the direction of writing are escaped, since this may be printed on one.
///
/// # Errors
/// Only if the document holds what JSON cannot say; no document of this version does.
pub fn render<T: Serialize>(document: &T) -> Result<String, serde_json::Error> {
    let mut json = escaped(&serde_json::to_string_pretty(document)?);
    json.push('\n');
    Ok(json)
}

/// `json` with unsafe characters as `\uXXXX`. Line feeds stay: in JSON text they occur only between values, and the
/// other characters that are unsafe only inside of strings.
pub(super) fn escaped(json: &str) -> String {
    let mut escaped = String::with_capacity(json.len());
    for c in json.chars() {
        if c != '\n' && text::is_unsafe(c) {
            for unit in c.encode_utf16(&mut [0; 2]) {
                // Writing to a string cannot fail.
                let _ = write!(escaped, "\\u{unit:04x}");
            }
        } else {
            escaped.push(c);
        }
    }
    escaped
}

/// The JSON Schema (2020-12) of the document, as `reports/schema/report.schema.json` has it.
pub fn schema() -> Value {
    schema_of::<Document>(SCHEMA, "mcp-plumb report")
}

/// The JSON Schema (2020-12) of a comparison, as `reports/schema/compare.schema.json` has it.
pub fn comparison_schema() -> Value {
    schema_of::<Comparison>(compare::SCHEMA, "mcp-plumb comparison")
}

fn schema_of<T: JsonSchema>(version: &str, title: &str) -> Value {
    let mut generated = SchemaSettings::draft2020_12()
        .for_serialize()
        .into_generator()
        .into_root_schema_for::<T>()
        .to_value();
    if let Some(name) = generated.pointer_mut("/properties/schema") {
        // Readers tell versions apart by this one word.
        name["const"] = json!(version);
    }
    // What the schema is comes first in the file.
    let mut schema = Map::new();
    for key in ["$schema", "title", "description"] {
        if let Some(value) = generated.get(key) {
            schema.insert(key.to_owned(), value.clone());
        }
    }
    schema.insert("title".to_owned(), json!(title));
    if let Value::Object(rest) = generated {
        for (key, value) in rest {
            schema.entry(key).or_insert(value);
        }
    }
    Value::Object(schema)
}
