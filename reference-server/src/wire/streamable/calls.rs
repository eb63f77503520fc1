//! Requests within a session, answered as JSON or as a stream.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use axum::body::Body;
use axum::http::StatusCode;
use axum::response::Response;
use serde_json::{Value, json};

use crate::config::AnswerStyle;
use crate::faults::Fault;
use crate::features::{self, Caller, Dialect, Sink, tools};
use crate::jsonrpc::{self, INVALID_REQUEST, REFUSED, Request, RpcError};
use crate::revision::Revision;
use crate::server::Shared;
use crate::session::{Running, Session};
use crate::sse::{self, EVENT_STREAM};
use crate::wire::events::{EventWriter, event_stream};
use crate::wire::{Refusal, answer, json};

/// How long `answer-stream-left-open` keeps a stream.
const LEFT_OPEN: Duration = Duration::from_secs(3);

/// Answers one request.
pub(super) async fn serve(
    shared: &Arc<Shared>,
    session: &Arc<Session>,
    request: Request,
) -> Result<Response, Refusal> {
    let as_stream = streams(shared, &request);
    let call = Call::begin(shared, session, request)
        .map_err(|error| Box::new(json(StatusCode::BAD_REQUEST, &error)))?;
    if as_stream {
        let (writer, body) = new_writer(shared, session.revision());
        session.keep(writer.log());
        shared.calls.spawn(call.run_on_stream(writer));
        return Ok(event_stream(body, EVENT_STREAM));
    }
    let response = call.answer(&Sink::Nowhere).await.unwrap_or_else(|| {
        let error = RpcError::new(REFUSED, "the request was cancelled");
        jsonrpc::response(&call.request.id, Err(error), shared.faults())
    });
    call.repeat(&response);
    Ok(answer(&response, shared.faults()))
}

/// Whether a request is answered by a stream.
pub(super) fn streams(shared: &Shared, request: &Request) -> bool {
    shared.config.answer == AnswerStyle::Sse || tools::streams(&request.method, &request.params)
}

/// The writer of a new stream that answers, and what the client reads. Its first event gives the client an id
/// to come back with (2025-11-25 basic/transports#sending-messages-to-the-server); older clients may take an
/// event without data for a message.
pub(super) fn new_writer(shared: &Shared, revision: Revision) -> (EventWriter, Body) {
    let faults = shared.faults();
    let number = stream_number(shared);
    if revision >= Revision::V2025_11_25 && !faults.has(Fault::AnswerNotPrimed) {
        EventWriter::new(number, faults)
    } else {
        EventWriter::unprimed(number, faults)
    }
}

/// The number of a new stream, by which its event ids differ from those of all others.
pub(super) fn stream_number(shared: &Shared) -> u64 {
    let number = shared.stream_numbers.fetch_add(1, Ordering::Relaxed);
    if shared.faults().has(Fault::EventIdsRepeated) {
        return 0;
    }
    number
}

/// A call that goes on when its connection breaks.
pub(super) struct Call {
    shared: Arc<Shared>,
    session: Arc<Session>,
    pub(super) request: Request,
    running: Running,
}

impl Call {
    /// Notes that the request is running.
    ///
    /// # Errors
    /// The error response, if the session is not ready for it or its id is in use.
    pub(super) fn begin(
        shared: &Arc<Shared>,
        session: &Arc<Session>,
        request: Request,
    ) -> Result<Self, Value> {
        let faults = shared.faults();
        let refuse = |why: &str| {
            let error = RpcError::new(INVALID_REQUEST, why);
            Err(jsonrpc::response(&request.id, Err(error), faults))
        };
        let early = request.method == "ping" && !faults.has(Fault::PingEarlyRefused);
        if !session.is_initialized() && !early {
            return refuse("notifications/initialized has to come before this request");
        }
        let Some(running) = session.begin(&request.id) else {
            return refuse("this id is in use, or too many requests are running");
        };
        Ok(Self {
            shared: Arc::clone(shared),
            session: Arc::clone(session),
            request,
            running,
        })
    }

    /// The response. A cancelled call has none (2025-11-25 basic/utilities/cancellation#behavior-requirements).
    pub(super) async fn answer(&self, sink: &Sink<'_>) -> Option<Value> {
        let caller = Caller::of(&self.shared, Dialect::Streamable, &self.session);
        let request = &self.request;
        let outcome = tokio::select! {
            outcome = features::answer(&request.method, &request.params, &caller, sink) => outcome,
            () = self.running.cancelled.cancelled() => return None,
            () = self.shared.stop.cancelled() => return None,
        };
        Some(jsonrpc::response(
            &request.id,
            outcome,
            self.shared.faults(),
        ))
    }

    /// The defect that sends a response twice.
    pub(super) fn repeat(&self, response: &Value) {
        let is_empty = response["result"] == json!({});
        if is_empty && self.shared.faults().has(Fault::ResponseOnSessionStream) {
            let hub = &self.shared.hub;
            hub.send(&self.session.key(), &sse::event(response));
        }
    }

    async fn run_on_stream(self, writer: EventWriter) {
        let faults = self.shared.faults();
        if faults.has(Fault::AnswerStreamForeignResponse) {
            let foreign = json!({"jsonrpc": "2.0", "id": "foreign", "result": {}});
            writer.message(&foreign);
        }
        let Some(response) = self.answer(&Sink::Response(&writer)).await else {
            return;
        };
        self.repeat(&response);
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
