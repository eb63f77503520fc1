//! The stateless dialect of 2026-07-28: one POST for each request, which says everything about itself in its headers and
//! `_meta`; no session, no GET (2026-07-28 basic/transports/streamable-http).
//!
//! A request passes these gates in this order: JSON, message, `MCP-Protocol-Version` and `Mcp-Method`, `_meta`, version, method,
//! `Mcp-Name`, `Mcp-Param-*`. The revision fixes no order; a request with one defect is answered the same in any.

mod answer;
mod gates;
mod headers;
mod listen;
mod meta;
mod misfits;
mod params;

use std::sync::Arc;

use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use serde_json::{Value, json};

pub(crate) use self::answer::OwnStream;
use self::answer::{refused, respond};
pub(crate) use self::meta::RequestMeta;
use super::headers::{accept_disliked, accepts, takes_body};
use super::{Refusal, empty, json, malformed, refusal};
use crate::faults::Fault;
use crate::jsonrpc::{self, INVALID_REQUEST, Malformed, Message, Request, RpcError};
use crate::server::Shared;

/// The one revision of this dialect.
pub(crate) const REVISION: &str = "2026-07-28";
pub(super) const PROTOCOL_VERSION: &str = "mcp-protocol-version";
pub(super) const METHOD: &str = "mcp-method";
pub(super) const VERSION_KEY: &str = "io.modelcontextprotocol/protocolVersion";

/// Answers one POST.
pub(super) async fn post(shared: &Arc<Shared>, headers: &HeaderMap, body: &[u8]) -> Response {
    let mut response = match take(shared, headers, body).await {
        Ok(response) => response,
        Err(refusal) => *refusal,
    };
    misfits::headers(response.headers_mut(), shared.faults());
    response
}

async fn take(shared: &Arc<Shared>, headers: &HeaderMap, body: &[u8]) -> Result<Response, Refusal> {
    let faults = shared.faults();
    if !takes_body(headers, faults) {
        let why = "the body has to be application/json";
        return Err(refusal(StatusCode::UNSUPPORTED_MEDIA_TYPE, why));
    }
    let accepted = accepts(headers, "application", "json")
        && accepts(headers, "text", "event-stream")
        && !accept_disliked(headers, faults);
    if !accepted {
        let why = "Accept has to admit application/json and text/event-stream";
        return Err(refusal(StatusCode::NOT_ACCEPTABLE, why));
    }
    let message = match jsonrpc::parse(body, faults) {
        Err(_) if faults.has(Fault::StatelessMalformedTaken) => {
            return Ok(json(StatusCode::OK, &json!({})));
        }
        parsed => parsed.map_err(|found| malformed(found, true, faults))?,
    };
    match message {
        Message::Request(request) => serve(shared, headers, request).await,
        // There is no notification that a client of this revision has to send: all are taken and dropped.
        Message::Notification { .. } => Ok(if faults.has(Fault::StatelessNotificationsFatal) {
            empty(StatusCode::INTERNAL_SERVER_ERROR)
        } else if faults.has(Fault::NotificationAnswered200) {
            json(StatusCode::OK, &json!({}))
        } else if faults.has(Fault::NotificationBodyNotEmpty) {
            json(StatusCode::ACCEPTED, &json!({}))
        } else if faults.has(Fault::StatelessNotificationAnswered) {
            json(
                StatusCode::OK,
                &json!({"jsonrpc": "2.0", "id": Value::Null, "result": {}}),
            )
        } else {
            empty(StatusCode::ACCEPTED)
        }),
        Message::Response { .. } if faults.has(Fault::StatelessResponsesTaken) => {
            Ok(empty(StatusCode::ACCEPTED))
        }
        Message::Response { .. } => {
            let error = RpcError::new(INVALID_REQUEST, "the server asks nothing that this answers");
            Err(malformed(Malformed { error, id: None }, true, faults))
        }
    }
}

async fn serve(
    shared: &Arc<Shared>,
    headers: &HeaderMap,
    request: Request,
) -> Result<Response, Refusal> {
    match gates::pass(shared, headers, &request) {
        Ok(_) if request.method == listen::METHOD => listen::open(shared, &request),
        Ok(meta) => respond(shared, request, meta).await,
        Err(error) => Err(refused(&request.id, error, shared.faults())),
    }
}
