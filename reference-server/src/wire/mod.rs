//! The dialects, one file each, over the same features. This file holds what they share: routing, the
//! guard in front of every route, bodies, and answers.

mod auth;
mod era;
mod events;
mod headers;
mod http_sse;
mod hybrid;
mod notices;
mod stateless;
mod streamable;

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::Response;
use bytes::{Bytes, BytesMut};
use futures_util::StreamExt;
use serde_json::Value;

pub(crate) use self::era::Eras;
pub(crate) use self::events::{EventLog, EventWriter};
pub(crate) use self::stateless::{OwnStream, RequestMeta};
use crate::config::{BODY_BYTES_MAX, TransportChoice};
use crate::cors;
use crate::fanout::NoStream;
use crate::faults::{Fault, FaultSet};
use crate::jsonrpc::{self, INVALID_REQUEST, Malformed, PARSE_ERROR, REFUSED, RpcError};
use crate::origin;
use crate::server::Shared;
use crate::sse::EVENT_STREAM;

/// How long a request body may take to arrive.
const BODY_TIME_MAX: Duration = Duration::from_secs(30);
/// Where hybrid is served when it shares the port.
const HYBRID_PREFIX: &str = "/hybrid";

/// The routes of all dialects that the configuration asks for.
pub(crate) fn router(shared: Arc<Shared>) -> Router {
    let endpoint = || {
        let split = middleware::from_fn_with_state(Arc::clone(&shared), era::split);
        streamable::routes().route_layer(split)
    };
    let routes = match shared.config.transport {
        TransportChoice::All => endpoint()
            .merge(http_sse::routes())
            .merge(hybrid::routes(HYBRID_PREFIX)),
        TransportChoice::Sse => http_sse::routes(),
        TransportChoice::StreamableHttp => endpoint(),
        TransportChoice::Hybrid => hybrid::routes(""),
    };
    let routes = match shared.config.auth_token {
        Some(_) => routes.merge(auth::routes()),
        None => routes,
    };
    routes
        .fallback(async || refuse(StatusCode::NOT_FOUND, "there is nothing at this path"))
        .layer(middleware::from_fn_with_state(
            Arc::clone(&shared),
            auth::check,
        ))
        .layer(middleware::from_fn_with_state(Arc::clone(&shared), guard))
        .with_state(shared)
}

/// Looks at `Host` and `Origin` before anything else, and adds CORS headers after everything else.
async fn guard(State(shared): State<Arc<Shared>>, request: Request, next: Next) -> Response {
    let faults = shared.faults();
    let policy = &shared.config.cors;
    let headers = request.headers();
    if !origin::names_loopback_host(headers, request.uri()) {
        return refuse(StatusCode::FORBIDDEN, "this host is not served here");
    }
    let Some(given) = headers.get(header::ORIGIN).cloned() else {
        if faults.has(Fault::OriginRequired) {
            return refuse(StatusCode::FORBIDDEN, "this request names no origin");
        }
        return next.run(request).await;
    };
    let accepted = given
        .to_str()
        .is_ok_and(|given| origin::is_accepted(given, policy));
    let unchecked =
        faults.has(Fault::OriginNotChecked) || faults.has(Fault::OriginNotCheckedAt20250618);
    if !accepted && !unchecked {
        return refuse(StatusCode::FORBIDDEN, "this origin is not served here");
    }
    let is_hybrid = match shared.config.transport {
        TransportChoice::All => request.uri().path().starts_with(HYBRID_PREFIX),
        TransportChoice::StreamableHttp | TransportChoice::Sse => false,
        TransportChoice::Hybrid => true,
    };
    let allowed = cors::allowed(&given, policy, is_hybrid)
        .filter(|_| !(is_hybrid && faults.has(Fault::CorsMissing)));
    let Some(allowed) = allowed else {
        return next.run(request).await;
    };
    let mut response = if cors::is_preflight(request.method(), headers) {
        cors::preflight()
    } else {
        next.run(request).await
    };
    cors::allow(&mut response, allowed);
    if is_hybrid && faults.has(Fault::CorsWildcardWithCredentials) {
        cors::allow_everything(&mut response);
    }
    response
}

/// Reads a request body within the bounds of size and time.
async fn read_body(body: Body) -> Result<Bytes, Refusal> {
    let reading = async {
        let mut chunks = body.into_data_stream();
        let mut whole = BytesMut::new();
        while let Some(chunk) = chunks.next().await {
            let Ok(chunk) = chunk else {
                return Err(refusal(StatusCode::BAD_REQUEST, "the body broke off"));
            };
            if whole.len() + chunk.len() > BODY_BYTES_MAX {
                let why = "the body is longer than 4 MiB";
                return Err(refusal(StatusCode::PAYLOAD_TOO_LARGE, why));
            }
            whole.extend_from_slice(&chunk);
        }
        Ok(whole.freeze())
    };
    tokio::time::timeout(BODY_TIME_MAX, reading)
        .await
        .unwrap_or_else(|_| {
            let why = "the body did not arrive in time";
            Err(refusal(StatusCode::REQUEST_TIMEOUT, why))
        })
}

/// An answer with a JSON body.
fn json(status: StatusCode, value: &Value) -> Response {
    let mut response = Response::new(Body::from(value.to_string()));
    *response.status_mut() = status;
    let media_type = HeaderValue::from_static("application/json");
    response
        .headers_mut()
        .insert(header::CONTENT_TYPE, media_type);
    response
}

/// A JSON-RPC response as the body of an answer.
fn answer(response: &Value, faults: FaultSet) -> Response {
    let mut answer = json(StatusCode::OK, response);
    if faults.has(Fault::JsonAsText) {
        label_as_text(&mut answer);
    }
    answer
}

fn label_as_text(response: &mut Response) {
    let media_type = HeaderValue::from_static("text/plain");
    response
        .headers_mut()
        .insert(header::CONTENT_TYPE, media_type);
}

/// Refuses a body that is no message. `null_id` says how an id that is not known is written.
fn malformed(malformed: Malformed, null_id: bool, faults: FaultSet) -> Refusal {
    let Malformed { mut error, mut id } = malformed;
    if error.code == PARSE_ERROR && faults.has(Fault::ParseError500) {
        return Box::new(crash());
    }
    let mut status = StatusCode::BAD_REQUEST;
    if id.is_some() && error.code == INVALID_REQUEST {
        if faults.has(Fault::InvalidRequestWrongCode) {
            status = StatusCode::OK;
            error.code = REFUSED;
        }
        id = id.filter(|_| !faults.has(Fault::InvalidRequestIdLost));
    }
    let error = match &id {
        Some(id) => jsonrpc::response(id, Err(error), faults),
        None => jsonrpc::error_without_id(&error, null_id),
    };
    Box::new(json(status, &error))
}

/// The media type of the stream that was opened last.
fn stream_media_type(shared: &Shared) -> &'static str {
    let faults = shared.faults();
    let later = shared.hub.tally.streams_total.load(Ordering::Relaxed) > 1;
    if faults.has(Fault::StreamContentTypeWrong)
        || later && faults.has(Fault::StreamsMislabelledLater)
    {
        return "text/plain";
    }
    EVENT_STREAM
}

/// An answer without a body.
fn empty(status: StatusCode) -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = status;
    response
}

/// Refuses a request before its message is looked at, by a JSON-RPC error without id.
fn refuse(status: StatusCode, why: &str) -> Response {
    let code = match status {
        StatusCode::NOT_FOUND | StatusCode::SERVICE_UNAVAILABLE => REFUSED,
        // Codes above -32020 are not for new servers (2026-07-28 basic/index#error-codes).
        _ => INVALID_REQUEST,
    };
    json(
        status,
        &jsonrpc::error_without_id(&RpcError::new(code, why), false),
    )
}

/// An answer that ends the handling of a request early. Boxed, since it is rare and large.
type Refusal = Box<Response>;

fn refusal(status: StatusCode, why: &str) -> Refusal {
    Box::new(refuse(status, why))
}

/// Refuses a method and names those that are served.
fn method_not_allowed(allow: &'static str, faults: FaultSet) -> Response {
    let mut response = refuse(
        StatusCode::METHOD_NOT_ALLOWED,
        "this method is not served here",
    );
    if !faults.has(Fault::AllowHeaderMissing) {
        let allow = HeaderValue::from_static(allow);
        response.headers_mut().insert(header::ALLOW, allow);
    }
    response
}

fn no_stream(why: NoStream) -> Refusal {
    let why = match why {
        NoStream::TooMany => "too many streams are open",
        NoStream::ShuttingDown => "the server is shutting down",
    };
    refusal(StatusCode::SERVICE_UNAVAILABLE, why)
}

/// What a server says to a body that is not JSON when it is badly written.
fn crash() -> Response {
    let mut response = Response::new(Body::from("Internal Server Error"));
    *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
    let media_type = HeaderValue::from_static("text/plain; charset=utf-8");
    response
        .headers_mut()
        .insert(header::CONTENT_TYPE, media_type);
    response
}
