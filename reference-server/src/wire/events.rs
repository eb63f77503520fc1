//! Responses that are event streams: those that answer a request, and the headers of all.
//!
//! The events of an answer are kept, so that a client whose connection broke can read on by GET with `Last-Event-ID`
//! (2025-11-25 basic/transports#resumability-and-redelivery).

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};

use axum::body::Body;
use axum::http::{HeaderValue, header};
use axum::response::Response;
use bytes::Bytes;
use futures_util::Stream;
use serde_json::Value;

use crate::faults::{Fault, FaultSet};
use crate::lock::lock;
use crate::sse;

/// Events that one answer may have beside its responses: more than any one call sends. What comes beyond is left out.
const EVENTS_MAX: usize = 256;

/// The events of one answer, from the priming event to the response.
///
/// Event ids are `STREAM-POSITION`: unique on the server, and enough to find the stream again.
#[derive(Debug)]
pub(crate) struct EventLog {
    stream: u64,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    events: Vec<Bytes>,
    ended: bool,
    /// Counts readers; only the latest one reads on, since a message goes to one stream only.
    readers: u64,
    waiting: Option<Waker>,
}

impl State {
    fn wake(&mut self) {
        if let Some(waiting) = self.waiting.take() {
            waiting.wake();
        }
    }
}

impl EventLog {
    fn append(&self, limit: usize, frame: impl FnOnce(&str) -> Bytes) {
        let mut state = lock(&self.state);
        let position = state.events.len();
        if position < limit {
            state
                .events
                .push(frame(&format!("{}-{position}", self.stream)));
            state.wake();
        }
    }

    fn end(&self) {
        let mut state = lock(&self.state);
        state.ended = true;
        state.wake();
    }

    /// A body with what follows the event `id`, if that is an event of this log. The reader before it comes to its end.
    pub(crate) fn resume(self: &Arc<Self>, id: &str) -> Option<Body> {
        let (stream, position) = id.split_once('-')?;
        if stream.parse() != Ok(self.stream) {
            return None;
        }
        let position: usize = position.parse().ok()?;
        let is_known = position < lock(&self.state).events.len();
        is_known.then(|| self.read_from(position + 1))
    }

    /// Everything from the beginning, if the event is of another log. Only a defect reads so.
    pub(crate) fn foreign_to(self: &Arc<Self>, id: &str) -> Option<Body> {
        let (stream, _) = id.split_once('-')?;
        (stream.parse() != Ok(self.stream)).then(|| self.read_from(0))
    }

    fn read_from(self: &Arc<Self>, position: usize) -> Body {
        let mut state = lock(&self.state);
        state.readers += 1;
        state.wake();
        Body::from_stream(Reader {
            log: Arc::clone(self),
            position,
            number: state.readers,
        })
    }
}

/// A response body that follows a log.
#[derive(Debug)]
struct Reader {
    log: Arc<EventLog>,
    position: usize,
    number: u64,
}

impl Stream for Reader {
    type Item = Result<Bytes, Infallible>;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let reader = self.get_mut();
        let mut state = lock(&reader.log.state);
        if state.readers != reader.number {
            return Poll::Ready(None);
        }
        if let Some(event) = state.events.get(reader.position) {
            reader.position += 1;
            return Poll::Ready(Some(Ok(event.clone())));
        }
        if state.ended {
            return Poll::Ready(None);
        }
        state.waiting = Some(context.waker().clone());
        Poll::Pending
    }
}

/// Writes the stream that answers one request, and ends it when it is dropped. A client that left may come back, since
/// leaving is not cancelling (2025-11-25 basic/transports#sending-messages-to-the-server).
#[derive(Debug)]
pub(crate) struct EventWriter {
    log: Arc<EventLog>,
    faults: FaultSet,
}

impl EventWriter {
    /// The writer, and the body that a client reads. The priming event is already in it.
    pub(crate) fn new(stream: u64, faults: FaultSet) -> (Self, Body) {
        let (writer, body) = Self::unprimed(stream, faults);
        writer.log.append(EVENTS_MAX, sse::priming);
        (writer, body)
    }

    /// The same without a priming event.
    pub(crate) fn unprimed(stream: u64, faults: FaultSet) -> (Self, Body) {
        let log = Arc::new(EventLog {
            stream,
            state: Mutex::default(),
        });
        let body = log.read_from(0);
        (Self { log, faults }, body)
    }

    /// The events, for a client that comes back.
    pub(crate) fn log(&self) -> Arc<EventLog> {
        Arc::clone(&self.log)
    }

    /// Sends a message that is not the last.
    pub(crate) fn message(&self, message: &Value) {
        self.log
            .append(EVENTS_MAX, |id| sse::event_with_id(id, message));
    }

    /// Sends the response, or one of those to a batch. Their number is bounded by that of the requests.
    pub(crate) fn response(&self, response: &Value) {
        self.log.append(usize::MAX, |id| {
            let event = sse::event_with_id(id, response);
            if self.faults.has(Fault::EventNotTerminated) {
                sse::without_blank_line(event)
            } else {
                event
            }
        });
    }
}

impl Drop for EventWriter {
    fn drop(&mut self) {
        self.log.end();
    }
}

/// An event stream with the headers that keep proxies from holding it back.
pub(crate) fn event_stream(body: Body, media_type: &'static str) -> Response {
    let mut response = Response::new(body);
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(media_type));
    headers.insert(
        header::CACHE_CONTROL,
        HeaderValue::from_static("no-cache, no-transform"),
    );
    headers.insert("x-accel-buffering", HeaderValue::from_static("no"));
    response
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    async fn text(body: Body) -> String {
        let bytes = axum::body::to_bytes(body, 1024 * 1024).await.unwrap();
        String::from_utf8(bytes.to_vec()).unwrap()
    }

    #[tokio::test]
    async fn who_comes_back_gets_the_rest_and_who_was_before_comes_to_an_end() {
        let (writer, first) = EventWriter::new(3, FaultSet::default());
        writer.message(&json!({"n": 1}));
        writer.message(&json!({"n": 2}));
        let log = writer.log();
        let second = log.resume("3-1").unwrap();
        // The first reader is told off before it has read anything.
        assert_eq!(text(first).await, "");
        writer.response(&json!({"r": 1}));
        drop(writer);
        let rest = text(second).await;
        assert!(
            !rest.contains("\"n\":1") && rest.contains("\"n\":2") && rest.contains("\"r\":1"),
            "{rest}"
        );
        assert!(rest.contains("id: 3-3"), "{rest}");
        assert_eq!(text(log.resume("3-3").unwrap()).await, "");
    }

    #[tokio::test]
    async fn foreign_event_ids_are_not_resumed() {
        let (writer, _body) = EventWriter::new(3, FaultSet::default());
        for id in [
            "",
            "3",
            "4-0",
            "3-1",
            "3-",
            "-0",
            "3--1",
            "3-0-0",
            "x-y",
            "3-99999999999999999999",
        ] {
            assert!(writer.log().resume(id).is_none(), "{id}");
        }
    }
}
