//! Batches, which 2025-03-26 alone has: several messages in one body, answered together
//! (2025-03-26 basic/index#batching).

use std::sync::Arc;

use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use futures_util::future::join_all;
use serde_json::{Value, json};

use super::calls::{Call, new_writer, streams};
use super::session_of;
use crate::faults::Fault;
use crate::features::Sink;
use crate::jsonrpc::{self, INVALID_REQUEST, Malformed, Message, RpcError};
use crate::revision::Revision;
use crate::server::Shared;
use crate::session::Session;
use crate::sse::EVENT_STREAM;
use crate::wire::events::{EventWriter, event_stream};
use crate::wire::notices::notice;
use crate::wire::{Refusal, empty, json, malformed};

/// Takes the messages of a batch and answers its requests, each by one response in no certain order.
pub(super) async fn take(
    shared: &Arc<Shared>,
    headers: &HeaderMap,
    members: Vec<Result<Message, Malformed>>,
) -> Result<Response, Refusal> {
    let faults = shared.faults();
    let initializes = members.iter().any(is_initialize);
    if initializes && !faults.has(Fault::BatchInitializeServed) {
        let error = RpcError::new(INVALID_REQUEST, "initialize may not be part of a batch");
        let error = Malformed { error, id: None };
        return Err(malformed(error, true, faults));
    }
    if initializes {
        let result = json!([{"jsonrpc": "2.0", "id": 1, "result": {}}]);
        return Ok(json(StatusCode::OK, &result));
    }
    if faults.has(Fault::BatchInvalidMemberFatal) && members.iter().any(Result::is_err) {
        let error = RpcError::new(INVALID_REQUEST, "a member of the batch is no message");
        let error = Malformed { error, id: None };
        return Err(malformed(error, true, faults));
    }
    let session = session_of(shared, headers)?;
    let has_batches = session.revision() == Revision::V2025_03_26
        && !faults.has(Fault::BatchRefused)
        || faults.has(Fault::BatchServedLater);
    if !has_batches {
        let null_id = super::writes_null_ids(shared, headers);
        return Err(malformed(Malformed::batch(), null_id, faults));
    }
    let sorted = Sorted::new(shared, &session, members);
    if sorted.calls.is_empty() && sorted.refused.is_empty() {
        return Ok(if faults.has(Fault::BatchNoticesAnswered) {
            json(StatusCode::OK, &json!([]))
        } else {
            empty(StatusCode::ACCEPTED)
        });
    }
    if sorted
        .calls
        .iter()
        .any(|call| streams(shared, &call.request))
    {
        let (writer, body) = new_writer(shared, session.revision());
        session.keep(writer.log());
        shared.calls.spawn(sorted.run_on_stream(writer));
        return Ok(event_stream(body, EVENT_STREAM));
    }
    let mut responses = sorted.responses().await;
    if faults.has(Fault::BatchAnsweredInPart) {
        responses.truncate(1);
    }
    Ok(json(StatusCode::OK, &Value::Array(responses)))
}

fn is_initialize(member: &Result<Message, Malformed>) -> bool {
    matches!(member, Ok(Message::Request(request)) if request.method == "initialize")
}

/// What a batch leaves to do after its notifications and responses were taken.
struct Sorted {
    calls: Vec<Call>,
    /// Errors about what is no message, or may not run.
    refused: Vec<Value>,
}

impl Sorted {
    fn new(
        shared: &Arc<Shared>,
        session: &Arc<Session>,
        members: Vec<Result<Message, Malformed>>,
    ) -> Self {
        let faults = shared.faults();
        let (mut calls, mut refused) = (Vec::new(), Vec::new());
        for member in members {
            match member {
                Ok(Message::Request(request)) => match Call::begin(shared, session, request) {
                    Ok(call) => calls.push(call),
                    Err(error) => refused.push(error),
                },
                Ok(Message::Notification { method, params }) => {
                    notice(shared, session, &method, &params);
                }
                Ok(Message::Response { id, outcome }) => session.outstanding.settle(&id, outcome),
                Err(Malformed {
                    error,
                    id: Some(id),
                }) => refused.push(jsonrpc::response(&id, Err(error), faults)),
                Err(Malformed { error, id: None }) => {
                    refused.push(jsonrpc::error_without_id(&error, true));
                }
            }
        }
        Self { calls, refused }
    }

    async fn responses(self) -> Vec<Value> {
        let answers = self.calls.iter().map(|call| call.answer(&Sink::Nowhere));
        let answers = join_all(answers).await;
        self.refused
            .into_iter()
            .chain(answers.into_iter().flatten())
            .collect()
    }

    /// Each response is an event of its own, sent as soon as it is there.
    async fn run_on_stream(self, writer: EventWriter) {
        for error in &self.refused {
            writer.response(error);
        }
        let (writer, sink) = (&writer, &Sink::Response(&writer));
        let answers = self.calls.iter().map(|call| async move {
            if let Some(response) = call.answer(sink).await {
                writer.response(&response);
            }
        });
        join_all(answers).await;
    }
}
