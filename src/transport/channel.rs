//! The stream of a session whose replies do not come in answer to the POST but on that stream: HTTP+SSE of 2024-11-05
//! (basic/transports#http-with-sse).

use std::time::{Duration, Instant};

use serde_json::Value;
use url::Url;

use super::client::Failure;
use super::exchange::{BodyEnd, Exchange};
use super::stream::{Arrival, EventStream};
use crate::protocol::MessageKind;
use crate::protocol::dialect::HttpSse;
use crate::protocol::jsonrpc::same_id;

/// An open stream that named its endpoint.
#[derive(Clone, Debug)]
pub struct Channel {
    /// The exchange that opened it.
    pub opening: Exchange,
    /// What comes on it.
    pub stream: EventStream,
}

impl Channel {
    /// Waits for the `endpoint` event, for at most `patience`.
    ///
    /// # Errors
    /// The exchange that opened the stream, with the reason as its failure.
    pub(super) async fn endpoint(&self, patience: Duration) -> Result<Url, Box<Exchange>> {
        let is_event = |arrival: &Arrival| arrival.block.event().is_some();
        let fail = |failure| {
            Box::new(Exchange {
                outcome: Err(failure),
                ..self.opening.clone()
            })
        };
        let first = self.stream.next_where(0, patience, is_event).await;
        let Some((_, arrival)) = first else {
            return Err(fail(match self.stream.end() {
                Some(end) => Failure::NoEndpoint(format!(
                    "the stream ended before an 'endpoint' event ({end:?})"
                )),
                None => Failure::NoEndpoint(format!(
                    "the stream brought no 'endpoint' event within {} ms",
                    patience.as_millis()
                )),
            }));
        };
        match arrival.block.event() {
            Some(event) if event.event == "endpoint" => {
                HttpSse::endpoint(&self.opening.request.url, &event.data)
                    .map_err(|error| fail(Failure::NoEndpoint(error.to_string())))
            }
            _ => Err(fail(Failure::NoEndpoint(
                "the first event of the stream is no 'endpoint' event".to_owned(),
            ))),
        }
    }

    /// Waits for the response to the request that `posted` carried, from position `from` on, and adds it to what the POST
    /// itself brought. One that came with the POST is left to be judged as what it is.
    pub(super) async fn add_reply(&self, posted: &mut Exchange, from: usize, patience: Duration) {
        let Some(id) = posted.id.clone() else { return };
        let accepted = posted
            .status()
            .is_some_and(|status| (200..300).contains(&status));
        if !accepted || posted.response().is_some() {
            return;
        }
        let begun = Instant::now();
        let answers = |message: &Value| {
            MessageKind::of(message) == MessageKind::Response
                && message.get("id").is_some_and(|got| same_id(got, &id))
        };
        let left = patience.saturating_sub(posted.elapsed);
        let found = self
            .stream
            .next_where(from, left, |arrival| {
                arrival.message.as_ref().is_some_and(answers)
            })
            .await;
        posted.elapsed += begun.elapsed();
        let Ok(reply) = &mut posted.outcome else {
            return;
        };
        match found {
            Some((_, arrival)) => {
                posted.records.push(arrival.record);
                reply.messages.extend(arrival.message);
            }
            None => {
                reply.end = match self.stream.end() {
                    Some(end) => BodyEnd::Broken(format!("the session's stream ended: {end:?}")),
                    None => BodyEnd::TimedOut,
                };
            }
        }
    }
}
