//! Tools and results that no conforming server shows. Only defects need them.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use serde_json::{Value, json};

use crate::faults::{Fault, FaultSet};
use crate::lock::lock;

/// The tools that defects add to the list. They are listed only: nothing calls them.
pub(crate) fn tools(faults: FaultSet) -> Vec<Value> {
    let schema = json!({"type": "object"});
    let all = [
        (
            Fault::ToolsNameTooLong,
            json!({"name": "n".repeat(200), "inputSchema": schema}),
        ),
        (
            Fault::ToolsNameWithBlank,
            json!({"name": "two words", "inputSchema": schema}),
        ),
        (
            Fault::ToolsInputSchemaInvalid,
            json!({
                "name": "misfit",
                "inputSchema": {"type": "object", "properties": {"x": {"type": 7}}},
            }),
        ),
        (
            Fault::ToolsOutputSchemaArray,
            json!({"name": "misfit", "inputSchema": schema, "outputSchema": {"type": "array"}}),
        ),
        (
            Fault::ToolsAnnotationsAsText,
            json!({
                "name": "misfit", "inputSchema": schema,
                "annotations": {"readOnlyHint": "false", "destructiveHint": "yes"},
            }),
        ),
    ];
    all.into_iter()
        .filter(|(fault, _)| faults.has(*fault))
        .map(|(_, tool)| tool)
        .collect()
}

/// Spoils the content of the tool `echo`.
pub(crate) fn content(mut result: Value, faults: FaultSet) -> Value {
    let Some(content) = result.get_mut("content").and_then(Value::as_array_mut) else {
        return result;
    };
    if let Some(Value::Object(first)) = content.first_mut() {
        if faults.has(Fault::ContentTypeUnknown) {
            first.insert("type".to_owned(), json!("markdown"));
        }
        if faults.has(Fault::ContentTextMissing) {
            first.remove("text");
        }
    }
    if faults.has(Fault::ContentAudioAt20241105) {
        content.push(json!({"type": "audio", "data": "", "mimeType": "audio/wav"}));
    }
    if faults.has(Fault::ContentLinkAt20250326) {
        content.push(json!({"type": "resource_link", "uri": "plumb://board", "name": "board"}));
    }
    result
}

/// Holds the second of all events back until the third was sent.
#[derive(Debug, Default)]
pub(crate) struct Swap {
    seen: AtomicU64,
    held_back: Mutex<Option<Bytes>>,
}

impl Swap {
    /// The events that are to be sent now.
    pub(crate) fn due(&self, event: Bytes) -> Vec<Bytes> {
        let mut held_back = lock(&self.held_back);
        if self.seen.fetch_add(1, Ordering::Relaxed) == 1 {
            *held_back = Some(event);
            return Vec::new();
        }
        [Some(event), held_back.take()]
            .into_iter()
            .flatten()
            .collect()
    }
}
