//! The keys of `_meta` (2026-07-28, basic/index#meta).

use serde_json::{Map, Value};

/// Keys that the specification and its official extensions define under prefixes that they reserve.
const DEFINED: [&str; 8] = [
    "io.modelcontextprotocol/protocolVersion",
    "io.modelcontextprotocol/clientInfo",
    "io.modelcontextprotocol/clientCapabilities",
    "io.modelcontextprotocol/serverInfo",
    "io.modelcontextprotocol/subscriptionId",
    "io.modelcontextprotocol/logLevel",
    "io.modelcontextprotocol/related-task",
    "io.modelcontextprotocol/model-immediate-response",
];

/// Every `_meta` that stands where the protocol has one: of results and parameters, and of the entries of their lists.
pub(super) fn all<'a>(messages: &[&'a Value]) -> Vec<&'a Map<String, Value>> {
    let bodies = messages
        .iter()
        .filter_map(|message| message.get("result").or_else(|| message.get("params")));
    bodies
        .flat_map(|body| {
            let entries = body
                .as_object()
                .into_iter()
                .flat_map(Map::values)
                .filter_map(Value::as_array)
                .flatten();
            entries.chain([body])
        })
        .filter_map(|holder| holder.get("_meta")?.as_object())
        .collect()
}

/// Whether a key is a name, or a prefix of labels between dots, a slash and a name, which may then be empty.
pub(super) fn is_well_formed(key: &str) -> bool {
    match key.split_once('/') {
        None => is_name(key),
        Some((prefix, name)) => {
            prefix.split('.').all(is_label) && (name.is_empty() || is_name(name))
        }
    }
}

fn is_label(label: &str) -> bool {
    let inner = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
    label.starts_with(|c: char| c.is_ascii_alphabetic())
        && label.ends_with(|c: char| c.is_ascii_alphanumeric())
        && label.bytes().all(inner)
}

fn is_name(name: &str) -> bool {
    let inner = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    let outer = |c: char| c.is_ascii_alphanumeric();
    name.starts_with(outer) && name.ends_with(outer) && name.bytes().all(inner)
}

/// Whether a key stands under a reserved prefix, one whose second label is `modelcontextprotocol` or `mcp`, and is not
/// defined there.
pub(super) fn is_squatted(key: &str) -> bool {
    let second = key
        .split_once('/')
        .and_then(|(prefix, _)| prefix.split('.').nth(1));
    matches!(second, Some("modelcontextprotocol" | "mcp")) && !DEFINED.contains(&key)
}

/// Whether a text is a `traceparent` (W3C Trace Context, 3.2).
pub(super) fn is_traceparent(text: &str) -> bool {
    let hex = |part: &str, digits: usize| {
        part.len() == digits
            && part
                .bytes()
                .all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
    };
    let parts: Vec<&str> = text.split('-').collect();
    match parts.as_slice() {
        [version, trace, parent, flags] => {
            let is_zero = |part: &str| part.bytes().all(|byte| byte == b'0');
            hex(version, 2)
                && *version != "ff"
                && hex(trace, 32)
                && hex(parent, 16)
                && hex(flags, 2)
                && !is_zero(trace)
                && !is_zero(parent)
        }
        // Later versions may have more parts.
        [version, ..] => *version != "00" && hex(version, 2),
        [] => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn keys_are_names_with_an_optional_prefix() {
        for (key, good) in [
            ("progressToken", true),
            ("traceparent", true),
            ("io.modelcontextprotocol/serverInfo", true),
            ("com.example/", true),
            ("com.example-2/a.b_c-d", true),
            ("", false),
            ("a b", false),
            ("-a", false),
            ("/a", false),
            ("com..example/a", false),
            ("2com/a", false),
            ("com.example/a/b", false),
            ("größe", false),
        ] {
            assert_eq!(is_well_formed(key), good, "{key}");
        }
    }

    #[test]
    fn reserved_prefixes_have_defined_keys_only() {
        for (key, squatted) in [
            ("io.modelcontextprotocol/serverInfo", false),
            ("io.modelcontextprotocol/invented", true),
            ("dev.mcp/x", true),
            ("com.example.mcp/x", false),
            ("mcp/x", false),
            ("invented", false),
        ] {
            assert_eq!(is_squatted(key), squatted, "{key}");
        }
    }

    #[test]
    fn trace_parents() {
        for (text, good) in [
            (
                "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
                true,
            ),
            (
                "00-0AF7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
                false,
            ),
            (
                "00-00000000000000000000000000000000-b7ad6b7169203331-01",
                false,
            ),
            (
                "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331",
                false,
            ),
            ("none", false),
        ] {
            assert_eq!(is_traceparent(text), good, "{text}");
        }
    }

    #[test]
    fn meta_is_found_in_results_parameters_and_entries() {
        let message = json!({"result": {
            "_meta": {"a": 1},
            "tools": [{"name": "x", "_meta": {"b": 1}}, {"name": "y"}],
            "structuredContent": {"_meta": {"not": "ours"}},
        }});
        assert_eq!(all(&[&message]).len(), 2);
    }
}
