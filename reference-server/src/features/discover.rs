//! The stateless methods' own parts: `server/discover`, and what every result of 2026-07-28 carries
//! (2026-07-28 server/discover, basic/index#results, server/utilities/caching).

use serde_json::{Map, Value, json};

use crate::revision::Revision;
use crate::server::Shared;
use crate::wire::Eras;

const DISCOVERY_TTL_MS: u64 = 600_000;
const LIST_TTL_MS: u64 = 60_000;
const SERVER_INFO: &str = "io.modelcontextprotocol/serverInfo";
/// A tool that asks the client for a ping, which this revision does not have.
const SESSIONS_ONLY: &[&str] = &["ask_ping"];

/// The revisions that the server speaks, newest first. Those before 2026-07-28 are reached by `initialize`.
pub(crate) fn supported(shared: &Shared) -> Vec<&'static str> {
    let newest_first = Revision::NAMES.iter().rev();
    let all = Eras::of(&shared.config) == Eras::Both;
    newest_first
        .filter(|(_, revision)| all || *revision == Revision::V2026_07_28)
        .map(|(name, _)| *name)
        .collect()
}

/// `server/discover`.
pub(crate) fn discover(shared: &Shared) -> Value {
    json!({
        "supportedVersions": supported(shared),
        "capabilities": {
            "tools": {"listChanged": true},
            "prompts": {"listChanged": true},
            "resources": {"subscribe": true, "listChanged": true},
            "completions": {},
            "logging": {},
        },
        "instructions": "Measure other servers against this one.",
    })
}

/// Adds what every result has: its type, who answers, and how long it may be kept.
pub(crate) fn finish(method: &str, result: Value, shared: &Shared) -> Value {
    let Value::Object(mut members) = result else {
        return result;
    };
    if method == "tools/list"
        && let Some(tools) = members.get_mut("tools").and_then(Value::as_array_mut)
    {
        tools.retain(|tool| {
            let name = tool["name"].as_str().unwrap_or_default();
            !SESSIONS_ONLY.contains(&name)
        });
    }
    let kind = members.remove("resultType").unwrap_or(json!("complete"));
    let is_complete = kind == "complete";
    let mut whole = Map::new();
    whole.insert("resultType".to_owned(), kind);
    whole.append(&mut members);
    if let Some(ttl_ms) = lifetime_ms(method).filter(|_| is_complete) {
        // Behind a token, what one client reads is not everybody's.
        let scope = match shared.config.auth_token {
            Some(_) => "private",
            None => "public",
        };
        whole.insert("ttlMs".to_owned(), json!(ttl_ms));
        whole.insert("cacheScope".to_owned(), json!(scope));
    }
    let info = json!({"name": env!("CARGO_PKG_NAME"), "version": env!("CARGO_PKG_VERSION")});
    let meta = whole.entry("_meta").or_insert_with(|| json!({}));
    if let Some(meta) = meta.as_object_mut() {
        meta.insert(SERVER_INFO.to_owned(), info);
    }
    Value::Object(whole)
}

/// How long the result of a method stays true; `None` where the revision knows no such hint.
fn lifetime_ms(method: &str) -> Option<u64> {
    match method {
        "server/discover" => Some(DISCOVERY_TTL_MS),
        "tools/list" | "prompts/list" | "resources/list" | "resources/templates/list" => {
            Some(LIST_TTL_MS)
        }
        // The board changes with every publication.
        "resources/read" => Some(0),
        _ => None,
    }
}

/// Whether a tool is for sessions alone.
pub(crate) fn is_for_sessions(tool: &str) -> bool {
    SESSIONS_ONLY.contains(&tool)
}
