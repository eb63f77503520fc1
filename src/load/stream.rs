//! One user of a load run: a session with its stream, held until the end.
//!
//! The path of an event is short on purpose: the time is taken when a chunk arrives, before anything is read; the framer
//! cuts it in linear time; the token is found in the raw bytes; JSON is parsed only where there is no token.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use serde_json::Value;
use tokio::task::JoinSet;

use super::ledger::{Arrived, Ledger};
use super::publishes::CONTROL_FROM;
use super::shared::{BackOff, Shared, lock};
use super::token::Token;
use crate::protocol::{Headers, MessageKind, jsonrpc};
use crate::transport::client::headers_of;
use crate::transport::sse::{Block, Framer};
use crate::transport::{Failure, Session};

/// Within this time of the run's end all sessions are ended, or given up.
const END_MAX: Duration = Duration::from_secs(3);
/// After a stream that lasted this long the next wait is the shortest again; a target that ends streams at once is not
/// asked ever faster.
const STEADY: Duration = Duration::from_secs(1);
/// How many requests of the server one session answers at a time; the others go without an answer.
const ANSWERS_MAX: usize = 16;
/// An event without a token that is longer than this is not looked at, in bytes.
const OTHER_EVENT_BYTES_MAX: usize = 64 * 1024;

/// Holds stream number `index` until the run closes.
pub(super) async fn hold(shared: Arc<Shared>, index: usize) {
    let Some(ledger) = shared.ledgers.get(index) else {
        return;
    };
    let mut user = User {
        shared: &shared,
        ledger,
        session: Session::new(Arc::clone(&shared.link)),
        has_session: false,
        was_open: false,
        answers: JoinSet::new(),
    };
    let mut back_off = BackOff::default();
    while !shared.closing.is_cancelled() {
        tokio::select! {
            () = shared.closing.cancelled() => break,
            held = user.hold_once() => if held >= STEADY { back_off.reset() },
        }
        tokio::select! {
            () = shared.closing.cancelled() => break,
            () = tokio::time::sleep(back_off.next()) => {}
        }
    }
    user.answers.abort_all();
    if user.has_session {
        end(&shared, &user.session).await;
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

struct User<'a> {
    shared: &'a Shared,
    ledger: &'a std::sync::Mutex<Ledger>,
    session: Session,
    has_session: bool,
    was_open: bool,
    /// Answers to requests of the server that are under way.
    answers: JoinSet<()>,
}

/// Counts a stream as open for as long as it lives.
struct OpenStream<'a>(&'a Shared);

impl<'a> OpenStream<'a> {
    fn new(shared: &'a Shared) -> Self {
        shared.count(&shared.tally.open);
        Self(shared)
    }
}

impl Drop for OpenStream<'_> {
    fn drop(&mut self) {
        self.0.tally.open.fetch_sub(1, Ordering::Relaxed);
        self.0.changed.notify_waiters();
    }
}

impl User<'_> {
    /// Opens session and stream and reads it to its end. Gives for how long the stream was open.
    async fn hold_once(&mut self) -> Duration {
        let started = self.shared.clock.now_ns();
        if !self.has_session && !self.connect().await {
            return Duration::ZERO;
        }
        let Some(response) = self.open().await else {
            return Duration::ZERO;
        };
        let shared = self.shared;
        let now = shared.clock.now_ns();
        lock(self.ledger).note_open(now);
        if self.was_open {
            shared.count(&shared.tally.reconnects);
        } else {
            self.was_open = true;
            shared
                .recorders
                .connect
                .record_ns(now.saturating_sub(started));
            shared.count(&shared.tally.opened);
        }
        let _open = OpenStream::new(shared);
        let why = self.read(response).await;
        // The closing of the run drops this future before here, so it was the target that ended the stream.
        shared.count(&shared.tally.dropped);
        shared.errors.add(format!("stream: {why}"));
        Duration::from_nanos(shared.clock.now_ns().saturating_sub(now))
    }

    async fn connect(&mut self) -> bool {
        match self.session.connect().await {
            Ok(_connected) => {
                self.shared.note_answered();
                self.has_session = true;
                true
            }
            Err(error) => {
                self.shared.note_bad_exchange(error.step, &error.exchange);
                false
            }
        }
    }

    async fn open(&mut self) -> Option<reqwest::Response> {
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
            return Some(response);
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

    /// Reads until the stream ends, and says how it did.
    async fn read(&mut self, mut response: reqwest::Response) -> &'static str {
        let shared = self.shared;
        let mut framer = Framer::default();
        loop {
            let chunk = match response.chunk().await {
                Ok(Some(chunk)) => chunk,
                Ok(None) => return "ended",
                Err(_broken) => return "broken",
            };
            let now = shared.clock.now_ns();
            let mut others = Vec::new();
            let framed = {
                let mut intake = Intake {
                    shared,
                    ledger: &mut lock(self.ledger),
                    events: 0,
                    others: &mut others,
                };
                let framed =
                    framer.push_borrowed(&chunk, now, &mut |block| intake.take(&block, now));
                intake.count_events();
                framed
            };
            for message in others {
                self.answer(&message);
            }
            if framed.is_err() {
                return "too large";
            }
        }
    }

    /// Answers a request of the server; a server may close a session whose `ping` goes unanswered
    /// (basic/utilities/ping).
    fn answer(&mut self, message: &Value) {
        while self.answers.try_join_next().is_some() {}
        if self.answers.len() >= ANSWERS_MAX {
            return;
        }
        if let Some(answer) = jsonrpc::answer_to_server_request(message) {
            let shared_link = Arc::clone(&self.shared.link);
            let request = shared_link.client.complete(self.session.post(&answer));
            self.answers.spawn(async move {
                let patience = shared_link.timeout;
                // No answer is expected but `202 Accepted`; what comes instead changes nothing here.
                let _head: Result<_, Failure> = shared_link.client.open(&request, patience).await;
            });
        }
    }
}

fn is_event_stream(headers: &Headers) -> bool {
    headers.media_type().as_deref() == Some("text/event-stream")
}

/// Takes the events of one chunk.
struct Intake<'a> {
    shared: &'a Shared,
    ledger: &'a mut Ledger,
    events: u64,
    /// Requests of the server that came between.
    others: &'a mut Vec<Value>,
}

impl Intake<'_> {
    fn take(&mut self, block: &Block<&[u8]>, now_ns: u64) {
        let Some(data) = block.data_bytes() else {
            return;
        };
        match Token::find(&data) {
            Some(token) => self.take_token(token, now_ns),
            None => self.take_other(&data),
        }
    }

    fn take_token(&mut self, token: Token, now_ns: u64) {
        let shared = self.shared;
        if token.run != shared.id {
            self.ledger.note_foreign();
        } else if token.sequence >= CONTROL_FROM {
            shared.count(&shared.tally.control_seen);
        } else {
            self.events += 1;
            let arrived = self
                .ledger
                .note_arrival(&shared.publishes, token.sequence, token.due_ns);
            if let Arrived::First { due_ns } = arrived {
                let latency = now_ns.saturating_sub(due_ns);
                shared.recorders.fanout.record_ns(latency);
            }
        }
    }

    fn take_other(&mut self, data: &[u8]) {
        if data.len() > OTHER_EVENT_BYTES_MAX || self.others.len() >= ANSWERS_MAX {
            return;
        }
        if let Ok(message) = serde_json::from_slice::<Value>(data)
            && MessageKind::of(&message) == MessageKind::Request
        {
            self.others.push(message);
        }
    }

    fn count_events(&self) {
        if self.events > 0 {
            let tally = &self.shared.tally;
            tally.events.fetch_add(self.events, Ordering::Relaxed);
            tally.chunks.fetch_add(1, Ordering::Relaxed);
        }
    }
}
