//! HTTP+SSE as 2024-11-05 has it: a stream that carries everything the server says, and an address to POST to,
//! which the stream names first (2024-11-05 basic/transports#http-with-sse).
//!
//! A session lasts as long as its stream. As with the common SDKs, `initialize` negotiates any revision with sessions.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use axum::Router;
use axum::body::Body;
use axum::extract::{Query, Request, State};
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use axum::response::Response;
use axum::routing::any;
use bytes::Bytes;
use futures_util::Stream;
use serde::Deserialize;
use serde_json::{Value, json};

use super::events::event_stream;
use super::headers::{accepts, takes_body};
use super::notices::notice;
use super::{
    Refusal, answer, empty, malformed, method_not_allowed, no_stream, read_body, refusal,
    stream_media_type,
};
use crate::faults::{Fault, FaultSet};
use crate::features::logging::Level;
use crate::features::{self, Caller, Dialect, Sink};
use crate::jsonrpc::{self, INVALID_REQUEST, Incoming, Malformed, Message, RpcError};
use crate::outbox::StreamBody;
use crate::revision::Revision;
use crate::server::Shared;
use crate::session::{Agreement, Running, Session};
use crate::sse;

const STREAM_PATH: &str = "/sse";
const MESSAGES_PATH: &str = "/messages";

pub(super) fn routes() -> Router<Arc<Shared>> {
    Router::new()
        .route(STREAM_PATH, any(stream))
        .route(MESSAGES_PATH, any(messages))
}

/// What stands in the query of the address that the stream named.
#[derive(Debug, Deserialize)]
struct Address {
    session_id: Option<String>,
}

async fn stream(State(shared): State<Arc<Shared>>, request: Request) -> Response {
    if request.method() != Method::GET {
        return method_not_allowed("GET", shared.faults());
    }
    open_stream(&shared, request.headers()).unwrap_or_else(|refusal| *refusal)
}

/// Opens a session and its stream, whose first event says where to POST.
fn open_stream(shared: &Arc<Shared>, headers: &HeaderMap) -> Result<Response, Refusal> {
    if !accepts(headers, "text", "event-stream") {
        let why = "Accept has to admit text/event-stream";
        return Err(refusal(StatusCode::NOT_ACCEPTABLE, why));
    }
    let Some(session) = shared.sse_sessions.open() else {
        let why = "too many sessions are open";
        return Err(refusal(StatusCode::SERVICE_UNAVAILABLE, why));
    };
    let address = format!("{MESSAGES_PATH}?session_id={}", session.id);
    let opening = opening(&address, shared.faults());
    let interest = Arc::clone(&session.interest);
    let body = match shared.hub.open(session.key(), interest, Some(opening)) {
        Ok(body) => body,
        Err(why) => {
            shared.sse_sessions.end(&session.id);
            return Err(no_stream(why));
        }
    };
    let body = SessionStream {
        body,
        session,
        shared: Arc::clone(shared),
    };
    Ok(event_stream(
        Body::from_stream(body),
        stream_media_type(shared),
    ))
}

/// The event that names the address to POST to.
fn opening(address: &str, faults: FaultSet) -> Bytes {
    if faults.has(Fault::SseEndpointAsJson) {
        sse::endpoint(&Value::from(address).to_string())
    } else if faults.has(Fault::SseEndpointElsewhere) {
        sse::endpoint(&format!("http://elsewhere.example{address}"))
    } else if faults.has(Fault::SseEndpointNamedMessage) {
        sse::named("message", &Value::from(address))
    } else {
        sse::endpoint(address)
    }
}

/// A stream whose end is the end of its session.
struct SessionStream {
    body: StreamBody,
    session: Arc<Session>,
    shared: Arc<Shared>,
}

impl Stream for SessionStream {
    type Item = <StreamBody as Stream>::Item;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        Pin::new(&mut self.body).poll_next(cx)
    }
}

impl Drop for SessionStream {
    fn drop(&mut self) {
        if !self.shared.faults().has(Fault::SseSessionSurvivesStream) {
            self.shared.sse_sessions.end(&self.session.id);
        }
    }
}

async fn messages(State(shared): State<Arc<Shared>>, request: Request) -> Response {
    if request.method() != Method::POST {
        return method_not_allowed("POST", shared.faults());
    }
    post(&shared, request)
        .await
        .unwrap_or_else(|refusal| *refusal)
}

async fn post(shared: &Arc<Shared>, request: Request) -> Result<Response, Refusal> {
    let faults = shared.faults();
    let (parts, body) = request.into_parts();
    let session = match session_of(shared, &parts.uri) {
        Err(_) if faults.has(Fault::SseUnknownSessionAccepted) => {
            return Ok(empty(StatusCode::ACCEPTED));
        }
        session => session?,
    };
    if !takes_body(&parts.headers, faults) {
        let why = "the body has to be application/json";
        return Err(refusal(StatusCode::UNSUPPORTED_MEDIA_TYPE, why));
    }
    let body = read_body(body).await?;
    let incoming =
        jsonrpc::parse_any(&body, faults).map_err(|broken| malformed(broken, true, faults))?;
    match incoming {
        Incoming::One(Message::Request(request)) if faults.has(Fault::SseResponseInBody) => {
            return Ok(answer_in_body(shared, &session, request).await);
        }
        Incoming::One(message) => take(shared, &session, message),
        Incoming::Batch(members) if session.revision() == Revision::V2025_03_26 => {
            for member in members {
                match member {
                    Ok(message) => take(shared, &session, message),
                    Err(broken) => reply(shared, &session, &error_about(broken, shared)),
                }
            }
        }
        Incoming::Batch(_) => return Err(malformed(Malformed::batch(), true, faults)),
    }
    Ok(empty(StatusCode::ACCEPTED))
}

fn session_of(shared: &Shared, uri: &Uri) -> Result<Arc<Session>, Refusal> {
    let address = Query::<Address>::try_from_uri(uri).ok();
    let id = address.and_then(|Query(address)| address.session_id);
    let Some(id) = id.filter(|id| !id.is_empty()) else {
        let why = "session_id is missing: the stream names the address to POST to";
        return Err(refusal(StatusCode::BAD_REQUEST, why));
    };
    shared.sse_sessions.find(&id).ok_or_else(|| {
        let why = "there is no such session, or its stream has ended";
        refusal(StatusCode::NOT_FOUND, why)
    })
}

fn error_about(broken: Malformed, shared: &Shared) -> Value {
    match broken.id {
        Some(id) => jsonrpc::response(&id, Err(broken.error), shared.faults()),
        None => jsonrpc::error_without_id(&broken.error, true),
    }
}

/// Takes a message in. What it leads to comes over the stream.
fn take(shared: &Arc<Shared>, session: &Arc<Session>, message: Message) {
    match message {
        Message::Request(request) => match begin(shared, session, &request) {
            Err(error) => reply(shared, session, &error),
            Ok(running) => {
                let (shared, session) = (Arc::clone(shared), Arc::clone(session));
                let calls = shared.calls.clone();
                calls.spawn(async move {
                    if let Some(response) = run(&shared, &session, &request, &running).await {
                        // The id is free again when the client reads the response.
                        drop(running);
                        reply(&shared, &session, &response);
                    }
                });
            }
        },
        Message::Notification { method, params } => {
            notice(shared, session, &method, &params);
            if method.ends_with("unknown") && shared.faults().has(Fault::SseNotificationAnswered) {
                let response = json!({"jsonrpc": "2.0", "id": null, "result": {}});
                reply(shared, session, &response);
            }
        }
        Message::Response { id, outcome } => session.outstanding.settle(&id, outcome),
    }
}

/// Notes that a request is running, or makes the error response why it may not.
fn begin(
    shared: &Shared,
    session: &Arc<Session>,
    request: &jsonrpc::Request,
) -> Result<Running, Value> {
    let faults = shared.faults();
    let refuse = |why: &str| {
        let error = RpcError::new(INVALID_REQUEST, why);
        jsonrpc::response(&request.id, Err(error), faults)
    };
    match request.method.as_str() {
        "initialize" if session.has_agreed() => {
            return Err(refuse("this session is already initialized"));
        }
        "initialize" | "ping" => {}
        _ if session.is_initialized() => {}
        _ => {
            let why = "notifications/initialized has to come before this request";
            return Err(refuse(why));
        }
    }
    let why = "this id is in use, or too many requests are running";
    session.begin(&request.id).ok_or_else(|| refuse(why))
}

/// The response; `None` if the request was cancelled.
async fn run(
    shared: &Shared,
    session: &Session,
    request: &jsonrpc::Request,
    running: &Running,
) -> Option<Value> {
    let (method, params) = (&request.method, &request.params);
    let caller = Caller::of(shared, Dialect::HttpSse, session);
    let key = session.key();
    let sink = Sink::Peer(&shared.hub, &key);
    let mut outcome = tokio::select! {
        outcome = features::answer(method, params, &caller, &sink) => outcome,
        () = running.cancelled.cancelled() => return None,
        () = shared.stop.cancelled() => return None,
    };
    if method == "initialize"
        && let Some(agreement) = outcome
            .as_ref()
            .ok()
            .and_then(|result| Agreement::read(params, result))
        && !session.agree(agreement)
    {
        let why = "this session is already initialized";
        outcome = Err(RpcError::new(INVALID_REQUEST, why));
    }
    Some(jsonrpc::response(&request.id, outcome, shared.faults()))
}

fn reply(shared: &Shared, session: &Session, message: &Value) {
    let faults = shared.faults();
    let event: Bytes = if faults.has(Fault::SseEventNamedResponse) {
        sse::named("response", message)
    } else {
        sse::event(message)
    };
    if faults.has(Fault::SseRepliesToEveryone) && message["id"].is_string() {
        shared.hub.broadcast(&event, Level::Emergency);
    } else {
        shared.hub.reply(&session.key(), &event);
    }
    if faults.has(Fault::SseStreamEndsAfterResponse) {
        shared.hub.end_peer(&session.key());
    }
}

/// The defect that answers in the exchange.
async fn answer_in_body(
    shared: &Shared,
    session: &Arc<Session>,
    request: jsonrpc::Request,
) -> Response {
    let response = match begin(shared, session, &request) {
        Err(error) => Some(error),
        Ok(running) => run(shared, session, &request, &running).await,
    };
    match response {
        Some(response) => answer(&response, shared.faults()),
        None => empty(StatusCode::ACCEPTED),
    }
}
