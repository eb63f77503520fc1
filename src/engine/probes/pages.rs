//! Lists in pages (server/utilities/pagination).

use serde_json::Value;

use super::super::brought::{Brought, Outcome};
use crate::scenario::template::Variables;

/// The captured variable that holds the entries of an earlier page.
const EARLIER: &str = "entries";

/// What tells an entry from the others of its list.
fn key(entry: &Value) -> Option<&str> {
    ["uri", "uriTemplate", "name"]
        .iter()
        .find_map(|member| entry.get(member)?.as_str())
}

/// No entry of the page stands among the captured `entries`.
pub(super) fn entries_are_new(brought: &Brought, variables: &Variables) -> Outcome {
    let Some(Value::Array(earlier)) = variables.get(EARLIER) else {
        return Outcome::Nothing("there is no earlier page".to_owned());
    };
    let page = brought.exchange().and_then(|exchange| exchange.result());
    let listed = page
        .and_then(Value::as_object)
        .and_then(|members| members.values().find_map(Value::as_array));
    let Some(listed) = listed else {
        return Outcome::Nothing(brought.describe());
    };
    let known: Vec<&str> = earlier.iter().filter_map(key).collect();
    let again: Vec<&str> = listed
        .iter()
        .filter_map(key)
        .filter(|entry| known.contains(entry))
        .collect();
    Outcome::of(again.is_empty(), || {
        crate::excerpt::clip(&format!("again: {}", again.join(", ")), 200)
    })
}
