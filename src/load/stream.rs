//! One user of a load run: a stream, held until the end.
//!
//! The path of an event is short on purpose: the time is taken when a chunk arrives, before anything is read; the framer
//! cuts it in linear time; the publish is found in the raw bytes; JSON is parsed only where nothing is found in them.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use serde_json::Value;

use super::clock::Phase;
use super::correlation::Bare;
use super::feed::{ANSWERS_MAX, Feed, Subscriber};
use super::ledger::{Arrived, Ledger};
use super::passive::Watch;
use super::pattern::Found;
use super::publishes::CONTROL_FROM;
use super::shared::{BackOff, Shared, lock};
use super::timestamp;
use crate::protocol::MessageKind;
use crate::transport::sse::Block;

/// After a stream that lasted this long the next wait is the shortest again; a target that ends streams at once is not
/// asked ever faster.
const STEADY: Duration = Duration::from_secs(1);
/// An event in which no publish is found is not looked at if it is longer than this, in bytes.
const OTHER_EVENT_BYTES_MAX: usize = 64 * 1024;

/// Holds stream number `index` until the run closes.
pub(super) async fn hold(shared: Arc<Shared>, index: usize) {
    let Some(ledger) = shared.ledgers.get(index) else {
        return;
    };
    let mut user = User {
        shared: &shared,
        index,
        ledger,
        subscriber: Subscriber::new(&shared),
        was_open: false,
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
    user.subscriber.end().await;
}

struct User<'a> {
    shared: &'a Shared,
    index: usize,
    ledger: &'a std::sync::Mutex<Ledger>,
    subscriber: Subscriber<'a>,
    was_open: bool,
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
    /// Opens the stream and reads it to its end. Gives for how long it was open.
    async fn hold_once(&mut self) -> Duration {
        let shared = self.shared;
        let started = shared.clock.now_ns();
        let Some(feed) = self.subscriber.subscribe().await else {
            return Duration::ZERO;
        };
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
        let why = self.read(feed).await;
        // The closing of the run drops this future before here, so it was the target that ended the stream.
        shared.count(&shared.tally.dropped);
        shared.errors.add(format!("stream: {why}"));
        Duration::from_nanos(shared.clock.now_ns().saturating_sub(now))
    }

    /// Reads until the stream ends, and says how it did.
    async fn read(&mut self, mut feed: Feed) -> &'static str {
        let shared = self.shared;
        loop {
            let chunk = match feed.next(&shared.clock).await {
                Ok(chunk) => chunk,
                Err(end) => return end,
            };
            let mut requests = Vec::new();
            let taken = {
                let mut intake = Intake {
                    shared,
                    index: self.index,
                    ledger: &mut lock(self.ledger),
                    now_ns: chunk.at_ns,
                    events: 0,
                    requests: &mut requests,
                };
                let taken = chunk.blocks(&mut |block| intake.take(block));
                intake.count_events();
                taken
            };
            for message in requests {
                self.subscriber.answer(&message);
            }
            if let Err(end) = taken {
                return end;
            }
        }
    }
}

/// Takes the events of one chunk.
struct Intake<'a> {
    shared: &'a Shared,
    index: usize,
    ledger: &'a mut Ledger,
    /// When the chunk arrived.
    now_ns: u64,
    events: u64,
    /// Requests of the server that came between.
    requests: &'a mut Vec<Value>,
}

impl Intake<'_> {
    fn take(&mut self, block: &Block<&[u8]>) {
        let Some(data) = block.data_bytes() else {
            return;
        };
        let shared = self.shared;
        if let Some(watch) = &shared.watch {
            return self.watch(watch, &data);
        }
        let by_order = shared.correlation.order().is_some();
        let finder = shared.correlation.finder.as_ref().filter(|_| !by_order);
        match finder.and_then(|finder| finder.find(&data)) {
            Some(found) => self.take_found(found),
            None => self.take_other(&data),
        }
    }

    fn take_found(&mut self, found: Found) {
        let shared = self.shared;
        if found.run != shared.id {
            self.ledger.note_foreign();
        } else if found.sequence >= CONTROL_FROM {
            shared.count(&shared.tally.control_seen);
        } else {
            self.events += 1;
            let arrived = self
                .ledger
                .note_arrival(&shared.publishes, found.sequence, found.due_ns);
            self.record(arrived);
        }
    }

    fn record(&self, arrived: Arrived) {
        if let Arrived::First { due_ns } = arrived {
            let latency = self.now_ns.saturating_sub(due_ns);
            self.shared.recorders.fanout.record_ns(latency);
        }
    }

    /// Takes what carries nothing of a publish: a request of the server, or a notification that has no room for it.
    fn take_other(&mut self, data: &[u8]) {
        let Some(message) = parse(data) else {
            return;
        };
        let shared = self.shared;
        if MessageKind::of(&message) == MessageKind::Request {
            return self.take_request(message);
        }
        let Some(kind) = Bare::of(&message) else {
            return;
        };
        match shared.correlation.order() {
            // What arrives before the measure phase is the control publish, on the streams that it reaches last.
            Some(order) if *order == kind && shared.clock.phase() >= Phase::Measure => {
                self.events += 1;
                let arrived = self.ledger.note_in_order(&shared.publishes);
                self.record(arrived);
            }
            Some(_) => {}
            None => {
                shared.correlation.note(kind);
                shared.changed.notify_waiters();
            }
        }
    }

    fn take_request(&mut self, message: Value) {
        if self.requests.len() < ANSWERS_MAX {
            self.requests.push(message);
        }
    }

    /// Takes what a target emits by itself: everything but requests and responses.
    fn watch(&mut self, watch: &Watch, data: &[u8]) {
        let shared = self.shared;
        let message = parse(data);
        match message.as_ref().map(MessageKind::of) {
            Some(MessageKind::Request) => {
                return message.into_iter().for_each(|it| self.take_request(it));
            }
            Some(MessageKind::Response) => return,
            _ => {}
        }
        if shared.clock.phase() != Phase::Measure {
            return;
        }
        self.events += 1;
        watch.note(self.index, self.now_ns, &shared.recorders.gap);
        if let Some(times) = &watch.timestamps {
            // The chunk arrived a moment ago; that moment is taken off again.
            let since = shared.clock.now_ns().saturating_sub(self.now_ns);
            let arrived = timestamp::wall_ns() - i128::from(since);
            if let Some(latency) = times.latency_ns(message.as_ref(), arrived) {
                shared.recorders.fanout.record_ns(latency);
            }
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

/// The message in an event, if it is short enough to be looked at.
fn parse(data: &[u8]) -> Option<Value> {
    (data.len() <= OTHER_EVENT_BYTES_MAX)
        .then(|| serde_json::from_slice(data).ok())
        .flatten()
}
