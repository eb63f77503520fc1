//! Streamable HTTP from 2025-03-26 to 2025-11-25: one endpoint, sessions, answers as JSON or as
//! a stream, and a stream for everything else (2025-11-25 basic/transports#streamable-http).
//!
//! 2024-11-05 is negotiated too, since clients of that revision reach servers by this transport as well.

mod batch;
mod calls;
mod streams;

use std::sync::Arc;
use std::sync::atomic::Ordering;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode};
use axum::response::Response;
use axum::routing::{any, get};
use serde_json::json;

use self::calls::new_writer;
use super::events::event_stream;
use super::headers::{accept_disliked, accepts, takes_body};
use super::notices::notice;
use super::{Refusal, answer, empty, json, malformed, method_not_allowed, read_body, refusal};
use crate::config::AnswerStyle;
use crate::faults::Fault;
use crate::features::lifecycle::{LATEST, NEGOTIABLE};
use crate::features::{self, Caller, Dialect, Sink};
use crate::jsonrpc::{self, INVALID_REQUEST, Incoming, Message, PARSE_ERROR, REFUSED, RpcError};
use crate::revision::Revision;
use crate::server::Shared;
use crate::session::{Agreement, Session};
use crate::sse::EVENT_STREAM;

const SESSION_ID: &str = "mcp-session-id";
const PROTOCOL_VERSION: &str = "mcp-protocol-version";

pub(super) fn routes() -> Router<Arc<Shared>> {
    Router::new()
        .route("/mcp", any(endpoint))
        .route("/health", get(health))
}

async fn endpoint(State(shared): State<Arc<Shared>>, request: Request) -> Response {
    let faults = shared.faults();
    let outcome = match *request.method() {
        Method::PUT if faults.has(Fault::PutServedAsPost) => post(&shared, request).await,
        Method::POST => post(&shared, request).await,
        Method::GET => streams::open(&shared, request.headers()).await,
        Method::DELETE => streams::end_session(&shared, request.headers()),
        _ => {
            if faults.has(Fault::PutLeavesSessionStuck) {
                get_stuck(&shared, request.headers());
            }
            Ok(method_not_allowed("GET, POST, DELETE", faults))
        }
    };
    outcome.unwrap_or_else(|refusal| *refusal)
}

async fn health(State(shared): State<Arc<Shared>>) -> Response {
    let (streams, _) = shared.hub.connected();
    let health = json!({
        "status": "healthy", "connected_clients": streams, "transport": "streamable-http",
    });
    json(StatusCode::OK, &health)
}

async fn post(shared: &Arc<Shared>, request: Request) -> Result<Response, Refusal> {
    let faults = shared.faults();
    if shared.gave_up.load(Ordering::Relaxed) {
        return Ok(empty(StatusCode::SERVICE_UNAVAILABLE));
    }
    let (parts, body) = request.into_parts();
    let headers = &parts.headers;
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
    let body = read_body(body).await?;
    let incoming = jsonrpc::parse_any(&body, faults).map_err(|unreadable| {
        let fatal = match unreadable.error.code {
            PARSE_ERROR => Fault::SessionStuckAfterBrokenJson,
            _ => Fault::SessionStuckAfterInvalidRequest,
        };
        if faults.has(fatal) {
            get_stuck(shared, headers);
        }
        malformed(unreadable, writes_null_ids(shared, headers), faults)
    })?;
    match incoming {
        Incoming::One(message) => take(shared, headers, message).await,
        Incoming::Batch(members) => batch::take(shared, headers, members).await,
    }
}

async fn take(
    shared: &Arc<Shared>,
    headers: &HeaderMap,
    message: Message,
) -> Result<Response, Refusal> {
    let faults = shared.faults();
    match message {
        Message::Request(request) if request.method == "initialize" => {
            initialize(shared, headers, request).await
        }
        Message::Request(request) => {
            let session = session_of(shared, headers)?;
            if let Some(refusal) = refused_by_defect(shared, headers, &session, &request.method) {
                return Err(refusal);
            }
            calls::serve(shared, &session, request).await
        }
        Message::Notification { method, params } => {
            let session = session_of(shared, headers)?;
            let unwelcome = notice(shared, &session, &method, &params);
            if unwelcome && faults.has(Fault::SessionEndsAfterCancellation) {
                shared.sessions.end(&session.id);
            } else if unwelcome {
                let why = "this notification is unwelcome";
                return Err(refusal(StatusCode::BAD_REQUEST, why));
            }
            Ok(if faults.has(Fault::NotificationAnswered200) {
                json(StatusCode::OK, &json!({}))
            } else if faults.has(Fault::NotificationBodyNotEmpty) {
                json(StatusCode::ACCEPTED, &json!({}))
            } else {
                empty(StatusCode::ACCEPTED)
            })
        }
        Message::Response { id, outcome } => {
            let session = session_of(shared, headers)?;
            session.outstanding.settle(&id, outcome);
            Ok(empty(StatusCode::ACCEPTED))
        }
    }
}

/// Whether an id that is not known is written as null: the schema of 2025-11-25 makes it optional and non-null.
fn writes_null_ids(shared: &Shared, headers: &HeaderMap) -> bool {
    let id = headers.get(SESSION_ID).and_then(|id| id.to_str().ok());
    id.and_then(|id| shared.sessions.find(id))
        .is_some_and(|session| session.revision() < LATEST)
}

/// Finds the session that a request names and checks its version header, which came with 2025-06-18.
fn session_of(shared: &Shared, headers: &HeaderMap) -> Result<Arc<Session>, Refusal> {
    let faults = shared.faults();
    let session = match headers.get(SESSION_ID) {
        None if faults.has(Fault::SessionHeaderNotRequired) => Session::unregistered("none"),
        None => {
            let why = "Mcp-Session-Id is missing: send initialize first";
            return Err(refusal(StatusCode::BAD_REQUEST, why));
        }
        Some(id) => {
            let id = id.to_str().unwrap_or_default();
            match shared.sessions.find(id) {
                Some(session) => session,
                None if faults.has(Fault::UnknownSessionServed) => Session::unregistered(id),
                None => {
                    let why = "there is no such session, or it has ended";
                    return Err(refusal(StatusCode::NOT_FOUND, why));
                }
            }
        }
    };
    session.touch();
    let known = |version: &HeaderValue| {
        NEGOTIABLE
            .iter()
            .any(|revision| version.as_bytes() == revision.as_str().as_bytes())
    };
    let version_fits = session.revision() < Revision::V2025_06_18
        || headers.get_all(PROTOCOL_VERSION).iter().all(known);
    if !version_fits && !faults.has(Fault::VersionHeaderNotChecked) {
        let why = "MCP-Protocol-Version names a version that is not supported";
        return Err(refusal(StatusCode::BAD_REQUEST, why));
    }
    Ok(session)
}

/// Refuses requests that are in order, as some defects do.
fn refused_by_defect(
    shared: &Shared,
    headers: &HeaderMap,
    session: &Session,
    method: &str,
) -> Option<Refusal> {
    let faults = shared.faults();
    if session.is_stuck() {
        let why = "this session is stuck";
        return Some(refusal(StatusCode::INTERNAL_SERVER_ERROR, why));
    }
    let is_ping = method == "ping";
    let has_version = headers.contains_key(PROTOCOL_VERSION);
    if is_ping && has_version && faults.has(Fault::VersionHeaderRefusedOnPing) {
        let why = "a ping takes no MCP-Protocol-Version";
        return Some(refusal(StatusCode::BAD_REQUEST, why));
    }
    if !has_version && faults.has(Fault::VersionHeaderRequired) {
        let why = "MCP-Protocol-Version is missing";
        return Some(refusal(StatusCode::BAD_REQUEST, why));
    }
    let beside_stream = is_ping && faults.has(Fault::PingRefusedBesideStream);
    if beside_stream && shared.hub.has_stream(&session.key()) {
        let why = "the session is busy with its stream";
        return Some(refusal(StatusCode::SERVICE_UNAVAILABLE, why));
    }
    None
}

/// The defect that leaves a session of no use after its client made a mistake.
fn get_stuck(shared: &Shared, headers: &HeaderMap) {
    let id = headers.get(SESSION_ID).and_then(|id| id.to_str().ok());
    if let Some(session) = id.and_then(|id| shared.sessions.find(id)) {
        session.get_stuck();
    }
}

/// Opens a session. A request that already names one is refused: a session is initialized once.
async fn initialize(
    shared: &Arc<Shared>,
    headers: &HeaderMap,
    request: jsonrpc::Request,
) -> Result<Response, Refusal> {
    let faults = shared.faults();
    if headers.contains_key(SESSION_ID) {
        session_of(shared, headers)?;
        let error = RpcError::new(INVALID_REQUEST, "this session is already initialized");
        let error = jsonrpc::response(&request.id, Err(error), faults);
        return Err(Box::new(json(StatusCode::BAD_REQUEST, &error)));
    }
    if faults.has(Fault::VersionHeaderRequiredOnInitialize)
        && !headers.contains_key(PROTOCOL_VERSION)
    {
        let why = "MCP-Protocol-Version is missing";
        return Err(refusal(StatusCode::BAD_REQUEST, why));
    }
    let caller = Caller::stranger(shared, Dialect::Streamable);
    let outcome = features::answer(&request.method, &request.params, &caller, &Sink::Nowhere).await;
    let agreement = outcome
        .as_ref()
        .ok()
        .and_then(|result| Agreement::read(&request.params, result));
    let response = jsonrpc::response(&request.id, outcome, faults);
    let revision = agreement.map_or(LATEST, |agreed| agreed.revision);
    let session = match agreement.map(|agreed| (agreed, shared.sessions.open())) {
        None => None,
        Some((agreed, Some(session))) => {
            session.agree(agreed);
            HeaderValue::from_str(&session.id).ok()
        }
        Some((_, None)) => {
            let error = RpcError::new(REFUSED, "too many sessions are open");
            let error = jsonrpc::response(&request.id, Err(error), faults);
            return Err(Box::new(json(StatusCode::SERVICE_UNAVAILABLE, &error)));
        }
    };
    let mut reply = match shared.config.answer {
        AnswerStyle::Json => answer(&response, faults),
        AnswerStyle::Sse => {
            let (writer, body) = new_writer(shared, revision);
            writer.response(&response);
            event_stream(body, EVENT_STREAM)
        }
    };
    if let Some(session) = session {
        reply.headers_mut().insert(SESSION_ID, session);
    }
    Ok(reply)
}
