//! What `tools/list` says of each tool, for the newest revision.

use std::sync::LazyLock;

use serde_json::{Value, json};

use super::{DELAY_MS_MAX, PROGRESS, STEPS_MAX};

/// An empty picture, which no client has to fetch.
const ICON: &str =
    "data:image/svg+xml;base64,PHN2ZyB4bWxucz0iaHR0cDovL3d3dy53My5vcmcvMjAwMC9zdmciLz4=";

/// Every tool. Those that clients look for first stand on the first page.
pub(super) static DECLARED: LazyLock<Vec<Value>> = LazyLock::new(|| {
    let hints = |read_only: bool, open_world: bool| {
        json!({
            "readOnlyHint": read_only, "destructiveHint": false,
            "idempotentHint": read_only, "openWorldHint": open_world,
        })
    };
    let tool = |name: &str, title: &str, description: &str, schema: Value, annotations: Value| {
        json!({
            "name": name, "title": title, "description": description,
            "inputSchema": schema, "annotations": annotations,
        })
    };
    let none = || object(json!({}), &[]);
    let numbers = json!({"a": {"type": "number"}, "b": {"type": "number"}});
    let mut add = tool(
        "add",
        "Add",
        "Returns the sum of two numbers.",
        object(numbers, &["a", "b"]),
        hints(true, false),
    );
    if let Some(members) = add.as_object_mut() {
        let sum = object(json!({"sum": {"type": "number"}}), &["sum"]);
        members.insert("outputSchema".to_owned(), sum);
    }
    let mut echo = tool(
        "echo",
        "Echo",
        "Returns the message.",
        object(json!({"message": {"type": "string"}}), &["message"]),
        hints(true, false),
    );
    if let Some(members) = echo.as_object_mut() {
        let icon = json!({"src": ICON, "mimeType": "image/svg+xml", "sizes": ["any"]});
        members.insert("icons".to_owned(), json!([icon]));
    }
    let steps = json!({
        "steps": {"type": "integer", "minimum": 1, "maximum": STEPS_MAX},
        "delay_ms": {"type": "integer", "minimum": 0, "maximum": DELAY_MS_MAX, "default": 0},
    });
    let kinds = json!({"kind": {"type": "string", "enum": ["tools", "prompts", "resources"]}});
    let place = json!({
        "place": {"type": "string", "x-mcp-header": "Place"},
        "floor": {"type": "integer", "x-mcp-header": "Floor"},
        "open": {"type": "boolean", "x-mcp-header": "Open"},
        "shelf": {
            "type": "object",
            "properties": {"row": {"type": "string", "x-mcp-header": "Row"}},
        },
    });
    let question = json!({
        "message": {"type": "string"},
        "mode": {"type": "string", "enum": ["form", "url"], "default": "form"},
        "rounds": {
            "type": "integer", "minimum": 1, "maximum": 3, "default": 1,
            "description": "How often to ask. A client with a session is asked once.",
        },
    });
    vec![
        echo,
        add,
        tool(
            "fail",
            "Fail",
            "Always fails, and says so in its result.",
            none(),
            hints(true, false),
        ),
        tool(
            PROGRESS,
            "Progress",
            "Works in steps and reports progress if a token is given.",
            object(steps, &["steps"]),
            hints(true, false),
        ),
        tool(
            "publish",
            "Publish",
            "Sends the payload as a log message to every client that has a stream open.",
            object(json!({"payload": {}}), &["payload"]),
            hints(false, false),
        ),
        tool(
            "announce",
            "Announce",
            "Tells every client that has a stream open that a list has changed.",
            object(kinds, &["kind"]),
            hints(false, false),
        ),
        tool(
            "link",
            "Link",
            "Returns a link to the board.",
            none(),
            hints(true, false),
        ),
        tool(
            "ask_user",
            "Ask the user",
            "Asks the user through the client, by a form or on a page, and returns the answer.",
            object(question, &[]),
            hints(true, true),
        ),
        tool(
            "ask_model",
            "Ask the model",
            "Asks the model of the client and returns what it says.",
            object(json!({"prompt": {"type": "string"}}), &["prompt"]),
            hints(true, true),
        ),
        tool(
            "ask_roots",
            "Ask for the roots",
            "Asks the client for its roots and returns them.",
            none(),
            hints(true, false),
        ),
        tool(
            "ask_ping",
            "Ping the client",
            "Pings the client and says that it answered.",
            none(),
            hints(true, false),
        ),
        tool(
            "locate",
            "Locate",
            "Repeats where something is. Clients of 2026-07-28 mirror its arguments in headers.",
            object(place, &[]),
            hints(true, false),
        ),
    ]
});

/// A schema of an object.
pub(super) fn object(properties: Value, required: &[&str]) -> Value {
    json!({"type": "object", "properties": properties, "required": required})
}
