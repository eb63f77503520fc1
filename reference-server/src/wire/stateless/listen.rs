//! `subscriptions/listen`: the answer is a stream that stays open
//! (2026-07-28 basic/patterns/subscriptions).

use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::Body;
use axum::http::StatusCode;
use axum::response::Response;
use bytes::{Bytes, BytesMut};
use futures_util::Stream;
use serde_json::{Value, json};
use tokio::time::{Instant, Sleep};

use super::super::events::event_stream;
use super::super::{Refusal, json as json_answer, no_stream};
use super::answer::refused;
use super::misfits;
use crate::fanout::Subscription;
use crate::faults::Fault;
use crate::features::discover;
use crate::features::listen::{self, Filter};
use crate::jsonrpc::{self, Request, RpcError};
use crate::server::Shared;
use crate::sse::{self, EVENT_STREAM};

pub(super) const METHOD: &str = "subscriptions/listen";
/// How long a stream may be silent before a comment shows that it is alive.
const SILENCE_MAX: Duration = Duration::from_secs(15);
const ALIVE: Bytes = Bytes::from_static(b": alive\n\n");

/// Opens a subscription.
pub(super) fn open(shared: &Arc<Shared>, request: &Request) -> Result<Response, Refusal> {
    let faults = shared.faults();
    let refuse = |error: RpcError| refused(&request.id, error, faults);
    let filter = match Filter::read(&request.params) {
        Err(_) if faults.has(Fault::StatelessListenFilterOptional) => Filter::default(),
        filter => filter.map_err(refuse)?,
    };
    if filter == Filter::default() && faults.has(Fault::StatelessListenEmptyRefused) {
        return Err(refuse(RpcError::params(
            "notifications has to name something",
        )));
    }
    if shared.used_before(&request.id) {
        return Err(refuse(RpcError::params("this id was used before")));
    }
    shared.remember(&request.id);
    let id = listen::id_text(&request.id).map_err(refuse)?;
    let acknowledgement = listen::acknowledgement(&request.id, &filter);
    let acknowledgement = misfits::acknowledgement(acknowledgement, faults);
    let end = discover::finish(METHOD, listen::end(&request.id), shared);
    let end = jsonrpc::response(&request.id, Ok(end), faults);
    if faults.has(Fault::StatelessListenAsJson) {
        return Ok(json_answer(StatusCode::OK, &end));
    }
    let mut opening = BytesMut::from(&sse::opening(faults)[..]);
    for message in misfits::opening(&acknowledgement, &request.id, faults) {
        opening.extend_from_slice(&sse::event(&message));
    }
    if faults.has(Fault::StatelessListenEnds) {
        return Ok(event_stream(Body::from(opening.freeze()), EVENT_STREAM));
    }
    let id = misfits::subscription_id(id, faults);
    let body = shared
        .hub
        .listen(
            Subscription { filter, id },
            opening.freeze(),
            sse::event(&end),
        )
        .map_err(no_stream)?;
    let body = Body::from_stream(KeptAlive::new(body, SILENCE_MAX));
    Ok(event_stream(body, EVENT_STREAM))
}

/// Fills the silence of a stream with comments, so that proxies do not cut it.
#[derive(Debug)]
struct KeptAlive<S> {
    events: S,
    silence_max: Duration,
    silence: Pin<Box<Sleep>>,
}

impl<S> KeptAlive<S> {
    fn new(events: S, silence_max: Duration) -> Self {
        Self {
            events,
            silence_max,
            silence: Box::pin(tokio::time::sleep(silence_max)),
        }
    }
}

impl<S: Stream<Item = Result<Bytes, Infallible>> + Unpin> Stream for KeptAlive<S> {
    type Item = Result<Bytes, Infallible>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = &mut *self;
        let polled = Pin::new(&mut this.events).poll_next(cx);
        let filled = match polled {
            Poll::Pending => this.silence.as_mut().poll(cx).map(|()| Some(Ok(ALIVE))),
            events => events,
        };
        if filled.is_ready() {
            this.silence
                .as_mut()
                .reset(Instant::now() + this.silence_max);
        }
        filled
    }
}

/// A message that belongs to no subscription. Only defects send it.
pub(super) fn stray() -> Value {
    json!({
        "jsonrpc": "2.0",
        "method": "notifications/message",
        "params": {"level": "info", "logger": "server", "data": "a client came"},
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::StreamExt;

    #[tokio::test]
    async fn silence_is_filled_with_comments_and_the_end_stays_the_end() {
        let (sender, receiver) = tokio::sync::oneshot::channel::<()>();
        let events = futures_util::stream::once(Box::pin(async move {
            drop(receiver.await);
            Ok(Bytes::from_static(b"data: 1\n\n"))
        }));
        let mut stream = KeptAlive::new(events, Duration::from_millis(5));
        for _ in 0..2 {
            assert_eq!(stream.next().await, Some(Ok(ALIVE)));
        }
        sender.send(()).unwrap();
        // Another comment may be due by now.
        let mut last = stream.next().await;
        while last == Some(Ok(ALIVE)) {
            last = stream.next().await;
        }
        assert_eq!(last, Some(Ok(Bytes::from_static(b"data: 1\n\n"))));
        assert_eq!(stream.next().await, None);
    }
}
