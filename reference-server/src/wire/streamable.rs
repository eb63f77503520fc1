//! Streamable HTTP as 2025-11-25 and 2025-06-18 have it: one endpoint, sessions, answers as JSON or as
//! a stream, and a stream for everything else (2025-11-25 basic/transports#streamable-http).

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode};
use axum::response::Response;
use axum::routing::{any, get};
use serde_json::{Value, json};

use super::events::{EventWriter, event_stream};
use super::headers::{accept_disliked, accepts, takes_body};
use super::{
    Refusal, answer, empty, json, malformed, method_not_allowed, no_stream, read_body, refusal,
    stream_media_type,
};
use crate::config::AnswerStyle;
use crate::faults::{Fault, FaultSet};
use crate::features::lifecycle::STREAMABLE_REVISIONS;
use crate::features::{self, Caller, Dialect, Sink, tools};
use crate::jsonrpc::{self, INVALID_REQUEST, Message, PARSE_ERROR, Params, REFUSED, RpcError};
use crate::server::Shared;
use crate::session::{Running, Session};
use crate::sse::{self, EVENT_STREAM};

const SESSION_ID: &str = "mcp-session-id";
const PROTOCOL_VERSION: &str = "mcp-protocol-version";
const LAST_EVENT_ID: &str = "last-event-id";
const DIALECT: Dialect = Dialect {
    revisions: STREAMABLE_REVISIONS,
    misfit: "2025-06-18",
};
/// How long `stream-headers-late` waits for an event.
const HEADERS_LATE: Duration = Duration::from_secs(3);

/// How long `answer-stream-left-open` keeps a stream.
const LEFT_OPEN: Duration = Duration::from_secs(3);

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
        Method::GET => open_stream(&shared, request.headers()).await,
        Method::DELETE => end_session(&shared, request.headers()),
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
    let message = jsonrpc::parse(&body, faults).map_err(|unreadable| {
        let fatal = match unreadable.error.code {
            PARSE_ERROR => Fault::SessionStuckAfterBrokenJson,
            _ => Fault::SessionStuckAfterInvalidRequest,
        };
        if faults.has(fatal) {
            get_stuck(shared, headers);
        }
        malformed(unreadable, false, faults)
    })?;
    match message {
        Message::Request(request) if request.method == "initialize" => {
            initialize(shared, headers, request).await
        }
        Message::Request(request) => {
            let session = session_of(shared, headers)?;
            if let Some(refusal) = refused_by_defect(shared, headers, &session, &request.method) {
                return Err(refusal);
            }
            serve(shared, &session, request).await
        }
        Message::Notification { method, params } => {
            let session = session_of(shared, headers)?;
            let unwelcome = notice(&session, &method, &params, faults);
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
        Message::Response => {
            session_of(shared, headers)?;
            Ok(empty(StatusCode::ACCEPTED))
        }
    }
}

/// Finds the session that a request names and checks its version header.
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
    let known = |version: &HeaderValue| {
        STREAMABLE_REVISIONS
            .iter()
            .any(|revision| version.as_bytes() == revision.as_bytes())
    };
    let version_fits = headers.get_all(PROTOCOL_VERSION).iter().all(known);
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
    let caller = Caller {
        shared,
        dialect: DIALECT,
        session: None,
    };
    let outcome = features::answer(&request.method, &request.params, &caller, &Sink::Nowhere).await;
    let agreed = outcome.as_ref().ok().and_then(|result| {
        let version = result.get("protocolVersion")?;
        version.as_str().map(str::to_owned)
    });
    let response = jsonrpc::response(&request.id, outcome, faults);
    let session = match agreed.map(|revision| shared.sessions.open(&revision)) {
        None => None,
        Some(Some(session)) => HeaderValue::from_str(&session.id).ok(),
        Some(None) => {
            let error = RpcError::new(REFUSED, "too many sessions are open");
            let error = jsonrpc::response(&request.id, Err(error), faults);
            return Err(Box::new(json(StatusCode::SERVICE_UNAVAILABLE, &error)));
        }
    };
    let mut reply = match shared.config.answer {
        AnswerStyle::Json => answer(&response, faults),
        AnswerStyle::Sse => {
            let (writer, body) = new_writer(shared);
            writer.response(&response);
            event_stream(body, EVENT_STREAM)
        }
    };
    if let Some(session) = session {
        reply.headers_mut().insert(SESSION_ID, session);
    }
    Ok(reply)
}

async fn serve(
    shared: &Arc<Shared>,
    session: &Arc<Session>,
    request: jsonrpc::Request,
) -> Result<Response, Refusal> {
    let faults = shared.faults();
    let refuse = |why: &str| {
        let error = RpcError::new(INVALID_REQUEST, why);
        let error = jsonrpc::response(&request.id, Err(error), faults);
        Err(Box::new(json(StatusCode::BAD_REQUEST, &error)))
    };
    let early = request.method == "ping" && !faults.has(Fault::PingEarlyRefused);
    if !session.is_initialized() && !early {
        let why = "notifications/initialized has to come before this request";
        return refuse(why);
    }
    let Some(running) = session.begin(&request.id) else {
        let why = "this id is in use, or too many requests are running";
        return refuse(why);
    };
    let as_stream = shared.config.answer == AnswerStyle::Sse
        || tools::streams(&request.method, &request.params);
    if as_stream {
        let (writer, body) = new_writer(shared);
        session.keep(writer.log());
        let call = Call {
            shared: Arc::clone(shared),
            session: Arc::clone(session),
            request,
            running,
        };
        shared.calls.spawn(call.run_on_stream(writer));
        return Ok(event_stream(body, EVENT_STREAM));
    }
    let caller = caller(shared, session);
    let outcome = features::answer(&request.method, &request.params, &caller, &Sink::Nowhere).await;
    let response = jsonrpc::response(&request.id, outcome, faults);
    repeat(shared, session, &response);
    Ok(answer(&response, faults))
}

fn new_writer(shared: &Shared) -> (EventWriter, Body) {
    let number = shared.answer_streams.fetch_add(1, Ordering::Relaxed);
    EventWriter::new(number, shared.faults())
}

fn caller<'a>(shared: &'a Shared, session: &'a Session) -> Caller<'a> {
    Caller {
        shared,
        dialect: DIALECT,
        session: Some(session),
    }
}

/// The defect that sends a response twice.
fn repeat(shared: &Shared, session: &Session, response: &Value) {
    if shared.faults().has(Fault::ResponseOnSessionStream) {
        shared.hub.send(&session.key(), &sse::event(response));
    }
}

/// A call that goes on when its connection breaks.
struct Call {
    shared: Arc<Shared>,
    session: Arc<Session>,
    request: jsonrpc::Request,
    running: Running,
}

impl Call {
    /// A cancelled call gets no response (2025-11-25 basic/utilities/cancellation#behavior-requirements).
    async fn run_on_stream(self, writer: EventWriter) {
        let faults = self.shared.faults();
        if faults.has(Fault::AnswerStreamForeignResponse) {
            let foreign = json!({"jsonrpc": "2.0", "id": "foreign", "result": {}});
            writer.message(&foreign);
        }
        let caller = caller(&self.shared, &self.session);
        let sink = Sink::Response(&writer);
        let request = &self.request;
        let outcome = tokio::select! {
            outcome = features::answer(&request.method, &request.params, &caller, &sink) => outcome,
            () = self.running.cancelled.cancelled() => return,
            () = self.shared.stop.cancelled() => return,
        };
        let response = jsonrpc::response(&request.id, outcome, faults);
        repeat(&self.shared, &self.session, &response);
        writer.response(&response);
        if faults.has(Fault::AnswerStreamLeftOpen) {
            drop(self.running);
            tokio::select! {
                () = tokio::time::sleep(LEFT_OPEN) => {}
                () = self.shared.stop.cancelled() => {}
            }
        }
        drop(writer);
    }
}

/// Takes note of a notification. Unknown ones are dropped, so that newer clients can use the session.
///
/// Tells whether a defect takes offence at it.
fn notice(session: &Session, method: &str, params: &Params, faults: FaultSet) -> bool {
    match method {
        "notifications/initialized" => {
            session.set_initialized();
            faults.has(Fault::InitializedRefused)
        }
        "notifications/cancelled" => {
            let id = params.get("requestId").and_then(jsonrpc::RequestId::read);
            let running = id.is_some_and(|id| session.cancel(&id));
            let offended = faults.has(Fault::CancellationRefused)
                || faults.has(Fault::SessionEndsAfterCancellation);
            !running && offended
        }
        _ => faults.has(Fault::UnknownNotificationRefused),
    }
}

/// Opens the session's stream, or with `Last-Event-ID` the rest of an answer whose stream broke. The session's own stream has
/// no event ids, so there is nothing else to come back to; an unknown id gets a stream that starts afresh.
async fn open_stream(shared: &Arc<Shared>, headers: &HeaderMap) -> Result<Response, Refusal> {
    let faults = shared.faults();
    let accepted = accepts(headers, "text", "event-stream");
    if !accepted && !faults.has(Fault::StreamAcceptNotChecked) {
        let why = "Accept has to admit text/event-stream";
        return Err(refusal(StatusCode::NOT_ACCEPTABLE, why));
    }
    let session = session_of(shared, headers)?;
    if faults.has(Fault::StreamNotFound) {
        let why = "there is nothing at this path";
        return Err(refusal(StatusCode::NOT_FOUND, why));
    }
    let rest = headers
        .get(LAST_EVENT_ID)
        .and_then(|id| session.resume(id.to_str().ok()?));
    if let Some(rest) = rest {
        return Ok(event_stream(rest, EVENT_STREAM));
    }
    let late = faults.has(Fault::StreamHeadersLate);
    let opening = (!late).then(|| sse::opening(faults));
    let threshold = Arc::clone(&session.threshold);
    let body = shared
        .hub
        .open(session.key(), threshold, opening)
        .map_err(no_stream)?;
    if late {
        // Whichever comes first, an event or the deadline, the headers go out.
        drop(tokio::time::timeout(HEADERS_LATE, body.anything()).await);
    }
    Ok(event_stream(
        Body::from_stream(body),
        stream_media_type(shared),
    ))
}

fn end_session(shared: &Shared, headers: &HeaderMap) -> Result<Response, Refusal> {
    let faults = shared.faults();
    if faults.has(Fault::ForeignDeleteFatal) && names_foreign_session(headers) {
        shared.gave_up.store(true, Ordering::Relaxed);
    }
    if faults.has(Fault::DeleteEndsAllSessions) && names_foreign_session(headers) {
        for key in shared.sessions.end_all() {
            shared.hub.end_peer(&key);
        }
    }
    let session = session_of(shared, headers)?;
    if faults.has(Fault::DeleteRefused) {
        let why = "sessions end by themselves";
        return Err(refusal(StatusCode::BAD_REQUEST, why));
    }
    if !faults.has(Fault::SessionSurvivesDelete) {
        shared.sessions.end(&session.id);
    }
    if !faults.has(Fault::StreamSurvivesDelete) {
        shared.hub.end_peer(&session.key());
    }
    Ok(empty(StatusCode::NO_CONTENT))
}

/// Whether a request names a session id that was never handed out here. An id of a session that ended does
/// not count, since clients may end a session twice.
fn names_foreign_session(headers: &HeaderMap) -> bool {
    headers
        .get(SESSION_ID)
        .is_some_and(|id| id.len() != 32 || !id.as_bytes().iter().all(u8::is_ascii_hexdigit))
}
