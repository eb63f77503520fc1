//! `subscriptions/listen`: what a client wants to hear of, and how it is told
//! (2026-07-28 basic/patterns/subscriptions).

use std::collections::BTreeSet;

use bytes::Bytes;
use serde_json::{Map, Value, json};

use super::resources;
use crate::jsonrpc::{INVALID_REQUEST, Params, RequestId, RpcError};

/// The key that every message of a subscription carries.
pub(crate) const SUBSCRIPTION_ID: &str = "io.modelcontextprotocol/subscriptionId";
/// Where `publish` puts its payload. The prefix is this project's own.
const PAYLOAD: &str = "io.github.mcp-plumb/payload";
/// Bytes that the id of a subscription may have: it is repeated in every message.
const ID_BYTES_MAX: usize = 256;
/// Resources that one subscription may name.
const URIS_MAX: usize = 1000;

/// Something that subscribers may want to hear of.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Change<'a> {
    Tools,
    Prompts,
    Resources,
    /// A resource has a new content.
    Updated {
        uri: &'a str,
        payload: &'a Value,
    },
}

/// What a subscription asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Filter {
    tools: bool,
    prompts: bool,
    resources: bool,
    uris: BTreeSet<String>,
}

impl Filter {
    /// Reads the parameters of `subscriptions/listen`. Kinds that are unknown here are left out, which the acknowledgement shows.
    ///
    /// # Errors
    /// -32602 if `notifications` is missing, or one of its known members has the wrong type or is too long.
    pub(crate) fn read(params: &Params) -> Result<Self, RpcError> {
        let asked = params
            .get("notifications")
            .and_then(Value::as_object)
            .ok_or_else(|| RpcError::params("notifications has to be an object"))?;
        let flag = |name: &str| match asked.get(name) {
            None => Ok(false),
            Some(Value::Bool(wanted)) => Ok(*wanted),
            Some(_) => Err(RpcError::params(format!("{name} has to be a boolean"))),
        };
        Ok(Self {
            tools: flag("toolsListChanged")?,
            prompts: flag("promptsListChanged")?,
            resources: flag("resourcesListChanged")?,
            uris: read_uris(asked.get("resourceSubscriptions"))?,
        })
    }

    /// The filter as the acknowledgement has it: no more than was asked for, and nothing that is never sent.
    pub(crate) fn to_json(&self) -> Value {
        let mut members = Map::new();
        for (name, wanted) in [
            ("toolsListChanged", self.tools),
            ("promptsListChanged", self.prompts),
            ("resourcesListChanged", self.resources),
        ] {
            if wanted {
                members.insert(name.to_owned(), json!(true));
            }
        }
        if !self.uris.is_empty() {
            members.insert("resourceSubscriptions".to_owned(), json!(self.uris));
        }
        Value::Object(members)
    }

    pub(crate) fn wants(&self, change: &Change<'_>) -> bool {
        match change {
            Change::Tools => self.tools,
            Change::Prompts => self.prompts,
            Change::Resources => self.resources,
            Change::Updated { uri, .. } => self.uris.contains(*uri),
        }
    }

    pub(crate) fn names_resources(&self) -> bool {
        !self.uris.is_empty()
    }
}

/// The resources that are named and exist.
fn read_uris(uris: Option<&Value>) -> Result<BTreeSet<String>, RpcError> {
    let Some(uris) = uris else {
        return Ok(BTreeSet::new());
    };
    let why = "resourceSubscriptions has to be an array of at most 1000 strings";
    let uris = uris
        .as_array()
        .filter(|uris| uris.len() <= URIS_MAX)
        .ok_or_else(|| RpcError::params(why))?;
    let mut known = BTreeSet::new();
    for uri in uris {
        let uri = uri.as_str().ok_or_else(|| RpcError::params(why))?;
        if resources::exists(uri) {
            known.insert(uri.to_owned());
        }
    }
    Ok(known)
}

/// The id of a subscription as it stands in its messages.
///
/// # Errors
/// -32600 if it is longer than is fit to be repeated in every message.
pub(crate) fn id_text(id: &RequestId) -> Result<String, RpcError> {
    let text = id.to_value().to_string();
    if text.len() > ID_BYTES_MAX {
        let why = "the id of a subscription may have at most 256 bytes";
        return Err(RpcError::new(INVALID_REQUEST, why));
    }
    Ok(text)
}

/// An event that is the same for all subscriptions but for their ids, so that it is encoded once for all of them.
#[derive(Debug)]
pub(crate) struct Tagged {
    before: String,
    after: String,
}

impl Tagged {
    /// The event about a change.
    pub(crate) fn about(change: &Change<'_>) -> Self {
        let list_changed = |kind: &str| Self {
            before: begin(&format!("notifications/{kind}/list_changed")),
            after: "}}}\n\n".to_owned(),
        };
        match change {
            Change::Tools => list_changed("tools"),
            Change::Prompts => list_changed("prompts"),
            Change::Resources => list_changed("resources"),
            Change::Updated { uri, payload } => Self {
                before: begin("notifications/resources/updated"),
                after: format!(",\"{PAYLOAD}\":{payload}}},\"uri\":{}}}}}\n\n", json!(uri)),
            },
        }
    }

    /// The event for one subscription. `id` is JSON.
    pub(crate) fn with_id(&self, id: &str) -> Bytes {
        let mut event = Vec::with_capacity(self.before.len() + id.len() + self.after.len());
        for part in [&self.before, id, &self.after] {
            event.extend_from_slice(part.as_bytes());
        }
        Bytes::from(event)
    }

    /// The defect that sends the event without an id.
    pub(crate) fn without_id(&self) -> Bytes {
        let before = self.before.replace(&format!("\"{SUBSCRIPTION_ID}\":"), "");
        let after = self.after.strip_prefix(',').unwrap_or(&self.after);
        Bytes::from(format!("{before}{after}"))
    }
}

/// Everything up to the id.
fn begin(method: &str) -> String {
    format!(
        "event: message\ndata: {{\"jsonrpc\":\"2.0\",\"method\":\"{method}\",\
         \"params\":{{\"_meta\":{{\"{SUBSCRIPTION_ID}\":"
    )
}

/// The first message of a subscription.
pub(crate) fn acknowledgement(id: &RequestId, filter: &Filter) -> Value {
    json!({
        "jsonrpc": "2.0",
        "method": "notifications/subscriptions/acknowledged",
        "params": {"_meta": {SUBSCRIPTION_ID: id.to_value()}, "notifications": filter.to_json()},
    })
}

/// The result of a subscription that the server ends.
pub(crate) fn end(id: &RequestId) -> Value {
    json!({"resultType": "complete", "_meta": {SUBSCRIPTION_ID: id.to_value()}})
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(notifications: Value) -> Result<Filter, i64> {
        let params = Params::from_iter([("notifications".to_owned(), notifications)]);
        Filter::read(&params).map_err(|error| error.code)
    }

    #[test]
    fn the_acknowledgement_names_what_was_asked_for_and_can_be_had() {
        for (asked, acknowledged) in [
            (json!({}), json!({})),
            (json!({"toolsListChanged": false}), json!({})),
            (
                json!({"toolsListChanged": true, "x": 1}),
                json!({"toolsListChanged": true}),
            ),
            (
                json!({"resourceSubscriptions": ["plumb://board", "plumb://none", "plumb://board"]}),
                json!({"resourceSubscriptions": ["plumb://board"]}),
            ),
            (json!({"resourceSubscriptions": []}), json!({})),
            (
                json!({"promptsListChanged": true, "resourcesListChanged": true}),
                json!({"promptsListChanged": true, "resourcesListChanged": true}),
            ),
        ] {
            assert_eq!(
                read(asked.clone()).unwrap().to_json(),
                acknowledged,
                "{asked}"
            );
        }
    }

    #[test]
    fn hostile_filters_are_refused() {
        let many: Vec<String> = (0..=URIS_MAX)
            .map(|n| format!("plumb://items/{n}"))
            .collect();
        for asked in [
            json!(null),
            json!([]),
            json!({"toolsListChanged": "yes"}),
            json!({"resourceSubscriptions": "plumb://board"}),
            json!({"resourceSubscriptions": [1]}),
            json!({"resourceSubscriptions": many}),
        ] {
            assert_eq!(read(asked.clone()), Err(-32602), "{asked}");
        }
        assert_eq!(Filter::read(&Params::new()).unwrap_err().code, -32602);
    }

    #[test]
    fn spliced_events_are_json_with_the_id_of_each() {
        let payload = json!({"n": "a\nb"});
        let updated = Change::Updated {
            uri: "plumb://board",
            payload: &payload,
        };
        for (change, method) in [
            (Change::Tools, "notifications/tools/list_changed"),
            (Change::Prompts, "notifications/prompts/list_changed"),
            (Change::Resources, "notifications/resources/list_changed"),
            (updated, "notifications/resources/updated"),
        ] {
            let tagged = Tagged::about(&change);
            for (event, id) in [
                (tagged.with_id("7"), json!(7)),
                (tagged.with_id("\"s-1\""), json!("s-1")),
                (tagged.without_id(), Value::Null),
            ] {
                let text = std::str::from_utf8(&event).unwrap();
                let data = text.strip_prefix("event: message\ndata: ").unwrap();
                let message: Value = serde_json::from_str(data).unwrap();
                assert_eq!(message["method"], method);
                assert_eq!(message["params"]["_meta"][SUBSCRIPTION_ID], id);
                assert!(
                    text.ends_with("\n\n") && text.lines().count() == 3,
                    "{text}"
                );
                if matches!(change, Change::Updated { .. }) {
                    assert_eq!(message["params"]["uri"], "plumb://board");
                    assert_eq!(message["params"]["_meta"][PAYLOAD], payload);
                }
            }
        }
    }

    #[test]
    fn long_ids_are_refused() {
        let id = |length: usize| RequestId::read(&json!("x".repeat(length))).unwrap();
        assert_eq!(id_text(&id(3)).unwrap(), "\"xxx\"");
        assert!(id_text(&id(254)).is_ok());
        assert_eq!(id_text(&id(255)).unwrap_err().code, -32600);
    }
}
