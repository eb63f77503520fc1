//! Runs a request and answers it as JSON, or as a stream that carries progress and log messages before the response.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};

use axum::body::Body;
use axum::http::StatusCode;
use axum::response::Response;
use bytes::Bytes;
use futures_util::Stream;
use serde_json::Value;

use super::super::events::event_stream;
use super::super::{Refusal, json};
use super::meta::RequestMeta;
use super::misfits;
use crate::config::AnswerStyle;
use crate::faults::{Fault, FaultSet};
use crate::features::{self, tools};
use crate::jsonrpc::{
    self, CAPABILITY_MISSING, HEADER_MISMATCH, INVALID_PARAMS, INVALID_REQUEST, METHOD_NOT_FOUND,
    Request, RequestId, RpcError, VERSION_UNSUPPORTED,
};
use crate::lock::lock;
use crate::server::Shared;
use crate::sse::{self, EVENT_STREAM};

/// The status that goes with an error. The revision leaves it open for all but the first row and the -3202x
/// (2026-07-28 basic/transports/streamable-http#server-validation).
fn status(code: i64) -> StatusCode {
    match code {
        METHOD_NOT_FOUND => StatusCode::NOT_FOUND,
        HEADER_MISMATCH | CAPABILITY_MISSING | VERSION_UNSUPPORTED | INVALID_PARAMS
        | INVALID_REQUEST => StatusCode::BAD_REQUEST,
        _ => StatusCode::OK,
    }
}

/// The answer to a request that is not run, or fails.
pub(super) fn refused(id: &RequestId, error: RpcError, faults: FaultSet) -> Refusal {
    let error = misfits::error(error, faults);
    let status = misfits::status(status(error.code), &error, faults);
    let response = if faults.has(Fault::StatelessErrorIdNull) {
        jsonrpc::error_without_id(&error, true)
    } else {
        jsonrpc::response(id, Err(error), faults)
    };
    if status != StatusCode::OK && faults.has(Fault::StatelessErrorsStreamed) {
        return Box::new(event_stream(
            Body::from(sse::event(&response)),
            EVENT_STREAM,
        ));
    }
    Box::new(json(status, &response))
}

/// Runs a request, and lets defects have their way with what comes out.
async fn run(
    request: &Request,
    meta: &RequestMeta,
    shared: &Shared,
    own: Option<&OwnStream>,
) -> Result<Value, RpcError> {
    let faults = shared.faults();
    if request.params.contains_key("cursor") && faults.has(Fault::StatelessCursorsRefused) {
        return Err(RpcError::params("this cursor was never handed out"));
    }
    if shared.used_before(&request.id) {
        return Err(RpcError::new(INVALID_REQUEST, "this id was used before"));
    }
    let outcome = features::stateless(request, meta, shared, own).await;
    let mut outcome = misfits::outcome(&request.method, outcome, faults);
    if let Ok(result) = &mut outcome {
        misfits::unstable(request, result, shared);
    }
    outcome
}

/// Runs a request that passed the gates.
pub(super) async fn respond(
    shared: &Arc<Shared>,
    request: Request,
    meta: RequestMeta,
) -> Result<Response, Refusal> {
    let faults = shared.faults();
    let style = shared.config.answer;
    let reports = meta.progress || meta.log_level.is_some();
    let named = request.params.get("name").and_then(Value::as_str);
    let has_steps = request.method == "tools/call" && named == Some(tools::PROGRESS);
    if has_steps && (reports || style == AnswerStyle::Sse) {
        return Ok(run_on_stream(shared, request, meta));
    }
    let outcome = run(&request, &meta, shared, None).await;
    let result = outcome.map_err(|error| refused(&request.id, error, faults))?;
    let response = jsonrpc::response(&request.id, Ok(result), faults);
    Ok(match style {
        AnswerStyle::Json if faults.has(Fault::StatelessResults201) => {
            json(StatusCode::CREATED, &response)
        }
        AnswerStyle::Json => super::super::answer(&response, faults),
        AnswerStyle::Sse => event_stream(Body::from(sse::event(&response)), EVENT_STREAM),
    })
}

/// The messages about one request that wait for its stream to be read.
#[derive(Debug, Default)]
pub(crate) struct OwnStream(Mutex<VecDeque<Bytes>>);

impl OwnStream {
    /// Sends a message that is not the last.
    pub(crate) fn message(&self, message: &Value) {
        lock(&self.0).push_back(sse::event(message));
    }

    fn next(&self) -> Option<Bytes> {
        lock(&self.0).pop_front()
    }
}

/// The body of such a stream. It runs the request itself, only when it is read, and drops it when the connection closes, which is
/// how a client cancels (2026-07-28 basic/patterns/cancellation#streamable-http).
struct Running {
    own: Arc<OwnStream>,
    /// Queues the response at its end.
    request: Option<Pin<Box<dyn Future<Output = ()> + Send>>>,
}

impl fmt::Debug for Running {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Running").field("own", &self.own).finish()
    }
}

impl Stream for Running {
    type Item = Result<Bytes, Infallible>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = &mut *self;
        loop {
            if let Some(event) = this.own.next() {
                return Poll::Ready(Some(Ok(event)));
            }
            let Some(request) = &mut this.request else {
                return Poll::Ready(None);
            };
            if request.as_mut().poll(cx).is_ready() {
                this.request = None;
            } else if lock(&this.own.0).is_empty() {
                return Poll::Pending;
            }
        }
    }
}

fn run_on_stream(shared: &Arc<Shared>, request: Request, meta: RequestMeta) -> Response {
    let own = Arc::new(OwnStream::default());
    lock(&own.0).push_back(sse::opening(shared.faults()));
    let (shared, sink) = (Arc::clone(shared), Arc::clone(&own));
    let run = async move {
        let faults = shared.faults();
        misfits::before(&sink, faults);
        let outcome = tokio::select! {
            outcome = run(&request, &meta, &shared, Some(&sink)) => outcome,
            () = shared.stop.cancelled() => return,
        };
        let outcome = outcome.map_err(|error| misfits::error(error, faults));
        let response = jsonrpc::response(&request.id, outcome, faults);
        lock(&sink.0).push_back(misfits::last(sse::event(&response), faults));
        misfits::after(&sink, &response, faults);
    };
    let body = Running {
        own,
        request: Some(Box::pin(run)),
    };
    event_stream(Body::from_stream(body), EVENT_STREAM)
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::{FutureExt, StreamExt};
    use serde_json::json;

    #[tokio::test]
    async fn the_request_runs_while_its_stream_is_read_and_is_dropped_with_it() {
        let own = Arc::new(OwnStream::default());
        let (held, dropped) = tokio::sync::oneshot::channel::<()>();
        let sink = Arc::clone(&own);
        let run = async move {
            let _held = held;
            sink.message(&json!(1));
            sink.message(&json!(2));
            std::future::pending::<()>().await;
        };
        let mut body = Running {
            own,
            request: Some(Box::pin(run)),
        };
        for number in 1..=2 {
            let event = body.next().await.unwrap().unwrap();
            assert_eq!(event, format!("event: message\ndata: {number}\n\n"));
        }
        assert!(body.next().now_or_never().is_none());
        drop(body);
        assert!(dropped.await.is_err());
    }

    #[tokio::test]
    async fn what_is_queued_at_the_end_is_still_sent() {
        let own = Arc::new(OwnStream::default());
        let sink = Arc::clone(&own);
        let body = Running {
            own,
            request: Some(Box::pin(async move { sink.message(&json!("last")) })),
        };
        assert_eq!(body.count().await, 1);
    }
}
