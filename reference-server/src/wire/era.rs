//! Which half of the server takes a request at `/mcp`: the sessions of 2025, or the stateless dialect of 2026-07-28.
//!
//! A POST is stateless if its `MCP-Protocol-Version` is 2026-07-28, if it has `Mcp-Method`, or if the `_meta` of its message names a
//! version: sessions know none of these. The mixed cases follow from that:
//!
//! - Headers of one era with the `_meta` of the other go to the stateless half, which refuses what does not agree. Serving them
//!   by a session would ignore what the client said in `_meta`.
//! - `Mcp-Session-Id` beside any of the marks has no effect (2026-07-28 basic/index#statelessness).
//! - An unknown version in the header alone is a request of a session, and refused there.
//! - A body that is no JSON goes where its headers point, so that each half can word its error.
//! - GET and DELETE belong to sessions. Where there are none they are refused with 405.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, Method, StatusCode};
use axum::middleware::Next;
use axum::response::Response;
use serde_json::Value;

use super::stateless::{self, METHOD, PROTOCOL_VERSION, REVISION, VERSION_KEY};
use super::{empty, method_not_allowed, read_body};
use crate::config::Config;
use crate::faults::Fault;
use crate::revision::Revision;
use crate::server::Shared;

/// The only path at which two eras meet.
const ENDPOINT: &str = "/mcp";

/// Which eras a server speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Eras {
    Both,
    SessionsAlone,
    StatelessAlone,
}

impl Eras {
    pub(crate) fn of(config: &Config) -> Self {
        match config.revision {
            None => Self::Both,
            Some(Revision::V2026_07_28) => Self::StatelessAlone,
            Some(_) => Self::SessionsAlone,
        }
    }
}

/// Takes the requests of the stateless dialect and leaves the others to the routes behind it.
pub(super) async fn split(
    State(shared): State<Arc<Shared>>,
    request: Request,
    next: Next,
) -> Response {
    let eras = Eras::of(&shared.config);
    if request.uri().path() != ENDPOINT || eras == Eras::SessionsAlone {
        return next.run(request).await;
    }
    if request.method() != Method::POST {
        return match eras {
            Eras::StatelessAlone if shared.faults().has(Fault::StatelessGetServed) => {
                empty(StatusCode::OK)
            }
            Eras::StatelessAlone => method_not_allowed("POST", shared.faults()),
            _ => next.run(request).await,
        };
    }
    let (parts, body) = request.into_parts();
    let body = match read_body(body).await {
        Ok(body) => body,
        Err(refusal) => return *refusal,
    };
    let modern = headers_name_it(&parts.headers) || message_names_a_version(&body);
    if modern || eras == Eras::StatelessAlone {
        return stateless::post(&shared, &parts.headers, &body).await;
    }
    next.run(Request::from_parts(parts, Body::from(body))).await
}

fn headers_name_it(headers: &HeaderMap) -> bool {
    let named = |version: &axum::http::HeaderValue| version.as_bytes() == REVISION.as_bytes();
    headers.contains_key(METHOD) || headers.get_all(PROTOCOL_VERSION).iter().any(named)
}

/// Whether the message has a version in its `_meta`. Most bodies of sessions are told apart without being parsed twice.
fn message_names_a_version(body: &[u8]) -> bool {
    // The end of the key: its slash may be written with an escape.
    const MARK: &[u8] = b"protocolVersion\"";
    if !body.windows(MARK.len()).any(|window| window == MARK) {
        return false;
    }
    serde_json::from_slice::<Value>(body)
        .is_ok_and(|message| message["params"]["_meta"].get(VERSION_KEY).is_some())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_in_meta_is_the_mark_of_a_message() {
        for (body, stateless) in [
            (
                r#"{"params":{"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28"}}}"#,
                true,
            ),
            (
                r#"{"params":{"_meta":{"io.modelcontextprotocol\/protocolVersion":"1900-01-01"}}}"#,
                true,
            ),
            (
                r#"{"params":{"_meta":{"io.modelcontextprotocol/protocolVersion":7}}}"#,
                true,
            ),
            (r#"{"params":{"protocolVersion":"2025-11-25"}}"#, false),
            (
                r#"{"params":{"_meta":["io.modelcontextprotocol/protocolVersion"]}}"#,
                false,
            ),
            (
                r#"{"params":{"_meta":{"protocolVersion":"2026-07-28"}}}"#,
                false,
            ),
            (
                r#"[{"params":{"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28"}}}]"#,
                false,
            ),
            (r#"{"protocolVersion""#, false),
            ("", false),
        ] {
            assert_eq!(
                message_names_a_version(body.as_bytes()),
                stateless,
                "{body}"
            );
        }
    }
}
