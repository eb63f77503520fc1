//! How a user of a load run comes to an open stream, and what an open stream yields. All that differs between
//! transports is here.

use std::sync::Arc;

use serde_json::Value;
use tokio::task::JoinSet;

use super::clock::RunClock;
use super::shared::Shared;
use crate::protocol::dialect::{HttpSse, ReplyChannel};
use crate::protocol::{Headers, client};
use crate::transport::client::headers_of;
use crate::transport::sse::{Block, Framer, Line};
use crate::transport::{ConnectError, Exchange, Failure, Session, Special};

/// How many requests of the server one session answers at a time; the others go without an answer.
pub(super) const ANSWERS_MAX: usize = 16;
/// Within this time of the run's end all sessions are ended, or given up.
const END_MAX: std::time::Duration = std::time::Duration::from_secs(3);

/// The id of the request that opens a session whose replies are read here; no request of [`Session`] has it.
const HANDSHAKE_ID: &str = "handshake";

/// A client that holds one stream at a time, in one session while that lasts.
pub(super) struct Subscriber<'a> {
    shared: &'a Shared,
    session: Session,
    has_session: bool,
    /// Answers to requests of the server that are under way.
    answers: JoinSet<()>,
}

/// An open stream.
pub(super) struct Feed {
    response: reqwest::Response,
    framer: Framer,
}

impl<'a> Subscriber<'a> {
    pub(super) fn new(shared: &'a Shared) -> Self {
        Self {
            shared,
            session: Session::new(Arc::clone(&shared.link)),
            has_session: false,
            answers: JoinSet::new(),
        }
    }

    /// Opens the stream, and before it a session where there is none. What fails is counted.
    pub(super) async fn subscribe(&mut self) -> Option<Feed> {
        let link = &self.shared.link;
        if link.dialect.reply_channel() == ReplyChannel::SessionStream {
            return self.subscribe_and_connect().await;
        }
        if !link.revision.has_handshake() {
            let mut feed = self.open().await?;
            return self.acknowledged(&mut feed).await.then_some(feed);
        }
        if !self.has_session {
            if let Err(error) = connect(self.shared, &self.session).await {
                self.shared.note_bad_exchange(error.step, &error.exchange);
                return None;
            }
            self.has_session = true;
        }
        self.open().await
    }

    /// Over HTTP+SSE the stream comes first, and the handshake's replies come on it; it lasts as long as the stream.
    async fn subscribe_and_connect(&mut self) -> Option<Feed> {
        let shared = self.shared;
        self.session = Session::new(Arc::clone(&shared.link));
        let mut feed = self.open().await?;
        let stream = &shared.link.dialect.endpoints().stream;
        let endpoint = |block: &Block<&[u8]>| {
            let data = block.data_bytes().filter(|_| is_endpoint_event(block))?;
            HttpSse::endpoint(stream, std::str::from_utf8(&data).ok()?).ok()
        };
        let Some(endpoint) = self.first(&mut feed, endpoint).await else {
            shared.errors.add("open stream: no usable 'endpoint' event");
            return None;
        };
        self.session.post_only(endpoint).await;
        let revision = shared.link.revision;
        let params = Session::initialize_params(revision, &self.session.state().capabilities);
        let id = Value::from(HANDSHAKE_ID);
        let special = Special {
            id: Some(id.clone()),
            ..Special::default()
        };
        let accepted = self
            .session
            .request("initialize", Some(params), special)
            .await;
        if !is_accepted(&accepted) {
            shared.note_bad_exchange("initialize", &accepted);
            return None;
        }
        let response = |block: &Block<&[u8]>| {
            let message: Value = serde_json::from_slice(&block.data_bytes()?).ok()?;
            (message.get("id") == Some(&id)).then(|| message.get("result").cloned())
        };
        let Some(Some(result)) = self.first(&mut feed, response).await else {
            shared.errors.add("initialize: no result on the stream");
            return None;
        };
        self.session.learn_from(&Headers::new(), &result);
        let initialized = self.session.notify("notifications/initialized", None).await;
        if !is_accepted(&initialized) {
            shared.note_bad_exchange("notifications/initialized", &initialized);
            return None;
        }
        Some(feed)
    }

    /// Waits for the acknowledgement, which a server sends first (2026-07-28, basic/patterns/subscriptions).
    async fn acknowledged(&self, feed: &mut Feed) -> bool {
        let acknowledgement = |block: &Block<&[u8]>| {
            let message: Value = serde_json::from_slice(&block.data_bytes()?).ok()?;
            (message.get("method")? == "notifications/subscriptions/acknowledged").then_some(())
        };
        let came = self.first(feed, acknowledgement).await.is_some();
        if !came {
            self.shared
                .errors
                .add("open stream: no acknowledgement of the subscription");
        }
        came
    }

    /// The first thing on a stream that is not yet held for which `wanted` gives something, in time.
    async fn first<T>(
        &self,
        feed: &mut Feed,
        wanted: impl Fn(&Block<&[u8]>) -> Option<T>,
    ) -> Option<T> {
        let look = async {
            loop {
                let mut found = None;
                let chunk = feed.next(&self.shared.clock).await.ok()?;
                chunk
                    .blocks(&mut |block| found = found.take().or_else(|| wanted(block)))
                    .ok()?;
                if found.is_some() {
                    return found;
                }
            }
        };
        tokio::time::timeout(self.shared.plan.timeout, look)
            .await
            .ok()?
    }

    async fn open(&mut self) -> Option<Feed> {
        let shared = self.shared;
        let request = shared.streams.complete(self.session.stream_request());
        let opened = shared.streams.open(&request, shared.plan.timeout).await;
        let response = match opened {
            Ok(response) => response,
            Err(failure) => {
                shared.note_failure("open stream", &failure);
                return None;
            }
        };
        shared.note_answered();
        let status = response.status().as_u16();
        if status == 200 && is_event_stream(&headers_of(&response)) {
            return Some(Feed {
                response,
                framer: Framer::default(),
            });
        }
        shared.errors.add(match status {
            200 => "open stream: no event stream".to_owned(),
            _ => format!("open stream: status {status}"),
        });
        // The server may have forgotten the session; the next attempt makes a new one.
        if status == 404 {
            self.has_session = false;
            self.session = Session::new(Arc::clone(&shared.link));
        }
        None
    }

    /// Answers a request of the server; a server may close a session whose `ping` goes unanswered
    /// (basic/utilities/ping).
    pub(super) fn answer(&mut self, message: &Value) {
        while self.answers.try_join_next().is_some() {}
        if self.answers.len() >= ANSWERS_MAX {
            return;
        }
        if let Some(answer) = client::answer(message, &self.session.state().capabilities) {
            let link = Arc::clone(&self.shared.link);
            let request = link.client.complete(self.session.post(&answer));
            self.answers.spawn(async move {
                // No answer is expected but `202 Accepted`; what comes instead changes nothing here.
                let _head: Result<_, Failure> = link.client.open(&request, link.timeout).await;
            });
        }
    }

    /// Ends the session, if there is one.
    pub(super) async fn end(mut self) {
        self.answers.abort_all();
        if self.has_session {
            end(self.shared, &self.session).await;
        }
    }
}

/// What came at once.
pub(super) struct Chunk<'a, B> {
    bytes: B,
    /// When it came, in nanoseconds since the start of the run.
    pub(super) at_ns: u64,
    framer: &'a mut Framer,
}

impl Feed {
    /// Waits for what comes next.
    ///
    /// # Errors
    /// How the stream ended.
    pub(super) async fn next(
        &mut self,
        clock: &RunClock,
    ) -> Result<Chunk<'_, impl AsRef<[u8]> + use<>>, &'static str> {
        match self.response.chunk().await {
            Ok(Some(bytes)) => Ok(Chunk {
                bytes,
                at_ns: clock.now_ns(),
                framer: &mut self.framer,
            }),
            Ok(None) => Err("ended"),
            Err(_broken) => Err("broken"),
        }
    }
}

impl<B: AsRef<[u8]>> Chunk<'_, B> {
    /// Takes the blocks that it completes.
    ///
    /// # Errors
    /// If the stream passed a bound and cannot be read on.
    pub(super) fn blocks(self, take: &mut dyn FnMut(&Block<&[u8]>)) -> Result<(), &'static str> {
        self.framer
            .push_borrowed(self.bytes.as_ref(), self.at_ns, &mut |block| take(&block))
            .map_err(|_bound| "too large")
    }
}

/// Whether it is the event that names the endpoint for messages (2024-11-05, basic/transports#http-with-sse).
fn is_endpoint_event(block: &Block<&[u8]>) -> bool {
    block
        .iter_lines()
        .any(|line| matches!(line, Line::Event(b"endpoint")))
}

fn is_accepted(exchange: &Exchange) -> bool {
    exchange
        .status()
        .is_some_and(|status| (200..300).contains(&status))
}

fn is_event_stream(headers: &Headers) -> bool {
    headers.media_type().as_deref() == Some("text/event-stream")
}

/// Opens a session. One that exists and did not come to be open is ended.
///
/// # Errors
/// As [`Session::connect`]; the caller counts it.
pub(super) async fn connect(shared: &Shared, session: &Session) -> Result<(), ConnectError> {
    match session.connect().await {
        Ok(_connected) => {
            shared.note_answered();
            Ok(())
        }
        Err(error) => {
            end(shared, session).await;
            Err(error)
        }
    }
}

/// Ends a session, in its turn and within the time that all have together. A target that refuses connections has none.
pub(super) async fn end(shared: &Shared, session: &Session) {
    if shared.refused_for_ns() > 0 {
        return;
    }
    let ended = tokio::time::timeout(END_MAX, async {
        let _turn = shared.endings.acquire().await;
        session.end().await
    })
    .await;
    match ended {
        Err(_elapsed) => shared.errors.add("end: not in time"),
        Ok(Some(exchange)) => {
            // A server may answer 405: it does not let clients end sessions (basic/transports#session-management).
            let fine = |status: u16| (200..300).contains(&status) || status == 405;
            if !exchange.status().is_some_and(fine) {
                shared.note_bad_exchange("end", &exchange);
            }
        }
        Ok(None) => {}
    }
}
