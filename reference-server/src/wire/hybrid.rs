//! The hybrid dialect: requests are answered in the same exchange, and a stream chosen by `client_id`
//! carries notifications beside them. There are no sessions and no version header.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{Query, Request, State};
use axum::http::{Method, StatusCode, Uri};
use axum::response::Response;
use axum::routing::any;
use serde::Deserialize;
use serde_json::{Value, json};

use super::events::event_stream;
use super::headers::{accept_disliked, takes_body};
use super::{
    Refusal, answer, empty, json, label_as_text, malformed, method_not_allowed, no_stream,
    read_body, refusal, stream_media_type,
};
use crate::fanout::PeerKey;
use crate::faults::Fault;
use crate::features::{self, Caller, Dialect, Sink};
use crate::jsonrpc::{self, Message};
use crate::server::Shared;
use crate::session::{Agreement, random_hex};
use crate::sse;

/// How long `stream-headers-late` waits for an event.
const HEADERS_LATE: Duration = Duration::from_secs(3);
/// How long `hybrid-stream-ends` leaves a stream open.
const ENDS_AFTER: Duration = Duration::from_millis(400);
/// Longest `client_id`, in bytes.
const CLIENT_ID_BYTES_MAX: usize = 256;

pub(super) fn routes(prefix: &str) -> Router<Arc<Shared>> {
    Router::new()
        .route(&format!("{prefix}/mcp"), any(calls))
        .route(&format!("{prefix}/sse"), any(stream))
        .route(&format!("{prefix}/health"), any(health))
}

/// What may stand in the query of a URL.
#[derive(Debug, Deserialize)]
struct Client {
    client_id: Option<String>,
}

async fn calls(State(shared): State<Arc<Shared>>, request: Request) -> Response {
    let faults = shared.faults();
    let served = match *request.method() {
        Method::POST => true,
        Method::PUT => faults.has(Fault::PutServedAsPost),
        Method::GET if faults.has(Fault::HybridPostTakesGet) => {
            return json(StatusCode::OK, &json!({}));
        }
        _ => false,
    };
    if !served {
        return method_not_allowed("POST", faults);
    }
    post(&shared, request)
        .await
        .unwrap_or_else(|refusal| *refusal)
}

async fn post(shared: &Shared, request: Request) -> Result<Response, Refusal> {
    let faults = shared.faults();
    let client = named_client(request.uri())?;
    let (parts, body) = request.into_parts();
    if !takes_body(&parts.headers, faults) {
        let why = "the body has to be application/json";
        return Err(refusal(StatusCode::UNSUPPORTED_MEDIA_TYPE, why));
    }
    if accept_disliked(&parts.headers, faults) {
        let why = "Accept has to name application/json";
        return Err(refusal(StatusCode::NOT_ACCEPTABLE, why));
    }
    let body = read_body(body).await?;
    match jsonrpc::parse(&body, faults) {
        Ok(Message::Request(request))
            if request.method == "ping"
                && faults.has(Fault::HybridSessionHeaderRequired)
                && !parts.headers.contains_key("mcp-session-id") =>
        {
            let why = "Mcp-Session-Id is missing";
            Err(refusal(StatusCode::BAD_REQUEST, why))
        }
        Ok(Message::Request(request)) => Ok(serve(shared, client, request).await),
        Ok(Message::Notification { .. }) if faults.has(Fault::NotificationAnswered200) => {
            let answer = json!({"jsonrpc": "2.0", "id": null, "result": {}});
            Ok(json(StatusCode::OK, &answer))
        }
        Ok(Message::Notification { .. } | Message::Response { .. }) => {
            Ok(empty(StatusCode::ACCEPTED))
        }
        Err(unreadable) => Err(malformed(unreadable, true, faults)),
    }
}

async fn serve(shared: &Shared, client: Option<PeerKey>, request: jsonrpc::Request) -> Response {
    let mut caller = Caller::stranger(shared, Dialect::Hybrid);
    caller.revision = shared.hybrid_revisions.of(client.as_ref());
    let sink = match &client {
        Some(key) => Sink::Peer(&shared.hub, key),
        None => Sink::Nowhere,
    };
    let outcome = features::answer(&request.method, &request.params, &caller, &sink).await;
    if request.method == "initialize"
        && let Some(agreed) = outcome
            .as_ref()
            .ok()
            .and_then(|result| Agreement::read(&request.params, result))
    {
        shared
            .hybrid_revisions
            .note(client.as_ref(), agreed.revision);
    }
    let response = jsonrpc::response(&request.id, outcome, shared.faults());
    repeat(shared, &response);
    answer(&response, shared.faults())
}

/// The defect that sends a response twice. A POST does not say whose it is, so that every client gets it.
fn repeat(shared: &Shared, response: &Value) {
    let is_empty = response["result"] == json!({});
    if is_empty && shared.faults().has(Fault::ResponseOnSessionStream) {
        shared.hub.send_to_clients(&sse::event(response));
    }
}

/// The client that a request names in its query, decoded.
fn named_client(uri: &Uri) -> Result<Option<PeerKey>, Refusal> {
    let refuse = |why| Err(refusal(StatusCode::BAD_REQUEST, why));
    let Ok(Query(client)) = Query::<Client>::try_from_uri(uri) else {
        return refuse("the query cannot be read");
    };
    match client.client_id {
        Some(id) if id.len() > CLIENT_ID_BYTES_MAX => refuse("client_id is longer than 256 bytes"),
        Some(id) if !id.is_empty() => Ok(Some(PeerKey::Client(id.into()))),
        _ => Ok(None),
    }
}

async fn stream(State(shared): State<Arc<Shared>>, request: Request) -> Response {
    if request.method() == Method::POST && shared.faults().has(Fault::HybridStreamTakesPost) {
        return post(&shared, request)
            .await
            .unwrap_or_else(|refusal| *refusal);
    }
    if request.method() != Method::GET {
        return method_not_allowed("GET", shared.faults());
    }
    open_stream(&shared, request.uri())
        .await
        .unwrap_or_else(|refusal| *refusal)
}

async fn open_stream(shared: &Arc<Shared>, uri: &Uri) -> Result<Response, Refusal> {
    let faults = shared.faults();
    let key = match named_client(uri)? {
        Some(PeerKey::Client(id))
            if faults.has(Fault::ClientIdReservedRefused) && !is_unreserved(&id) =>
        {
            let why = "client_id could not be read";
            return Err(refusal(StatusCode::INTERNAL_SERVER_ERROR, why));
        }
        Some(key) => key,
        None if faults.has(Fault::ClientIdRequired) => {
            return Err(refusal(StatusCode::BAD_REQUEST, "client_id is missing"));
        }
        None => made_up_client()?,
    };
    let late = faults.has(Fault::StreamHeadersLate);
    let opening = (!late).then(|| sse::opening(faults));
    let body = shared
        .hub
        .open(key.clone(), Arc::default(), opening)
        .map_err(no_stream)?;
    if faults.has(Fault::HybridStreamEnds) {
        end_soon(shared, key);
    }
    if late {
        tokio::time::sleep(HEADERS_LATE).await;
    }
    Ok(event_stream(
        Body::from_stream(body),
        stream_media_type(shared),
    ))
}

fn is_unreserved(id: &str) -> bool {
    id.bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'~'))
}

/// The defect that ends a stream which its client still reads.
fn end_soon(shared: &Shared, key: PeerKey) {
    let (hub, stop) = (Arc::clone(&shared.hub), shared.stop.clone());
    shared.calls.spawn(async move {
        tokio::select! {
            () = tokio::time::sleep(ENDS_AFTER) => hub.end_peer(&key),
            () = stop.cancelled() => {}
        }
    });
}

fn made_up_client() -> Result<PeerKey, Refusal> {
    let id = random_hex().ok_or_else(|| {
        let why = "the machine has no randomness to give";
        refusal(StatusCode::SERVICE_UNAVAILABLE, why)
    })?;
    Ok(PeerKey::Client(id.into()))
}

async fn health(State(shared): State<Arc<Shared>>, request: Request) -> Response {
    if request.method() != Method::GET && request.method() != Method::HEAD {
        return method_not_allowed("GET, HEAD", shared.faults());
    }
    let faults = shared.faults();
    let (_, clients) = shared.hub.connected();
    let clients = if faults.has(Fault::HealthCountConstant) {
        json!(0)
    } else if faults.has(Fault::HealthCountAsString) {
        json!(clients.to_string())
    } else {
        json!(clients)
    };
    let transport = if faults.has(Fault::HealthWrongTransport) {
        "sse"
    } else {
        "http+sse"
    };
    let status = if faults.has(Fault::HealthStatusUp) {
        "up"
    } else {
        "healthy"
    };
    let health = json!({
        "status": status, "connected_clients": clients, "transport": transport,
    });
    let mut answer = json(StatusCode::OK, &health);
    if faults.has(Fault::HealthAsText) {
        label_as_text(&mut answer);
    }
    answer
}
