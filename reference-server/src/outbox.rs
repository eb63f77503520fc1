//! The events that wait on one stream, and the response body that sends them.
//!
//! An event is framed once and shared by all streams as [`Bytes`]. The body needs no task of its own:
//! the connection polls it, and it hands over everything that waits in one frame of up to 16 KiB.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use futures_util::Stream;
use tokio::time::{Instant, Sleep};

use crate::fanout::{Hub, PeerKey};
use crate::history::{EventId, History};
use crate::lock::lock;

/// Bytes that are gathered into one frame. A single event may be longer.
const FRAME_BYTES_MAX: usize = 16 * 1024;
/// Bytes that the line with an event id may take: two numbers of 20 digits and six characters.
const ID_LINE_MAX: usize = 46;
/// How long `fanout-swap-1-in-100` waits for the event that overtakes.
const HOLD_MAX: Duration = Duration::from_secs(1);

/// When an event may be sent. Anything but `Now` is a defect.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Pace {
    Now,
    After(Duration),
    BehindItsSuccessor,
}

/// What became of an event that was offered to a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Offered {
    Taken,
    /// The reader is too far behind: the event is lost, and the stream ends after what already waits.
    ReaderTooSlow,
    /// The client is gone or the stream is ending.
    Closed,
}

/// The queue of one stream.
#[derive(Debug)]
pub(crate) struct Outbox {
    capacity: usize,
    queue: Mutex<Queue>,
}

#[derive(Debug, Default)]
struct Queue {
    waiting: VecDeque<Waiting>,
    held: Option<Waiting>,
    ending: bool,
    /// An event was lost, which an orderly end would hide.
    overrun: bool,
    waker: Option<Waker>,
    /// Present where events have ids.
    history: Option<History>,
}

#[derive(Debug)]
struct Waiting {
    /// Written in front of the event. The event itself is shared by all streams.
    id: Option<EventId>,
    bytes: Bytes,
    /// `None` is at once, without a look at the clock.
    due: Option<Instant>,
}

impl Waiting {
    /// An event without an id that waits for nothing.
    fn at_once(bytes: Bytes) -> Self {
        Self {
            id: None,
            bytes,
            due: None,
        }
    }

    /// Bytes in a frame, at most.
    fn length(&self) -> usize {
        self.bytes.len() + self.id.map_or(0, |_| ID_LINE_MAX)
    }

    fn write(&self, frame: &mut BytesMut) {
        if let Some(id) = self.id {
            frame.extend_from_slice(id.line().as_bytes());
        }
        frame.extend_from_slice(&self.bytes);
    }
}

impl Queue {
    fn release_held(&mut self) {
        self.waiting.extend(self.held.take());
    }

    fn push(&mut self, bytes: Bytes, pace: Pace) {
        let id = self.history.as_mut().map(|history| history.note(&bytes));
        let event = |due| Waiting { id, bytes, due };
        match pace {
            Pace::Now => self.waiting.push_back(event(None)),
            Pace::After(delay) => self.waiting.push_back(event(Some(Instant::now() + delay))),
            Pace::BehindItsSuccessor => {
                self.release_held();
                self.held = Some(event(Some(Instant::now() + HOLD_MAX)));
                return;
            }
        }
        if let Some(held) = self.held.take() {
            self.waiting.push_back(Waiting { due: None, ..held });
        }
    }

    /// Everything that is due, up to the size of a frame. An event that fills a frame alone is not copied.
    fn take_frame(&mut self) -> Option<Bytes> {
        let first = self.take_due()?;
        let Some(mut next) = self.next_length() else {
            return Some(self.unaccompanied(first));
        };
        if first.length() + next > FRAME_BYTES_MAX {
            return Some(self.unaccompanied(first));
        }
        let events = self.waiting.len() + 1;
        let expected = events.saturating_mul(first.length().max(next));
        let mut frame = BytesMut::with_capacity(expected.min(FRAME_BYTES_MAX));
        first.write(&mut frame);
        while frame.len() + next <= FRAME_BYTES_MAX {
            let Some(event) = self.take_due() else { break };
            event.write(&mut frame);
            match self.next_length() {
                Some(length) => next = length,
                None => break,
            }
        }
        Some(frame.freeze())
    }

    /// A frame of one event; of a long one with an id, the id goes before it in a frame of its own.
    fn unaccompanied(&mut self, event: Waiting) -> Bytes {
        let Some(id) = event.id else {
            return event.bytes;
        };
        if event.bytes.len() > FRAME_BYTES_MAX {
            self.waiting.push_front(Waiting { id: None, ..event });
            return Bytes::from(id.line());
        }
        let mut frame = BytesMut::with_capacity(event.length());
        event.write(&mut frame);
        frame.freeze()
    }

    /// The length of the next event.
    fn next_length(&self) -> Option<usize> {
        self.waiting.front().map(Waiting::length)
    }

    fn take_due(&mut self) -> Option<Waiting> {
        let due = self.waiting.front()?.due;
        if due.is_some_and(|due| due > Instant::now()) {
            return None;
        }
        self.waiting.pop_front()
    }

    /// When something may become due without any call of ours.
    fn next_due(&self) -> Option<Instant> {
        let waiting = self.waiting.front().and_then(|event| event.due);
        let held = self.held.as_ref().and_then(|event| event.due);
        [waiting, held].into_iter().flatten().min()
    }
}

impl Outbox {
    pub(crate) fn new(capacity: usize, opening: Option<Bytes>, history: Option<History>) -> Self {
        let mut queue = Queue {
            history,
            ..Queue::default()
        };
        queue.waiting.extend(opening.map(Waiting::at_once));
        Self {
            capacity,
            queue: Mutex::new(queue),
        }
    }

    /// A stream that goes on where another broke off: `opening`, then what the client missed after that event.
    pub(crate) fn resumed(
        capacity: usize,
        opening: Option<Bytes>,
        history: History,
        after: u64,
    ) -> Self {
        let mut waiting: VecDeque<Waiting> = opening.map(Waiting::at_once).into_iter().collect();
        waiting.extend(history.after(after).map(|(id, bytes)| Waiting {
            id: Some(id),
            bytes,
            due: None,
        }));
        Self {
            capacity,
            queue: Mutex::new(Queue {
                waiting,
                history: Some(history),
                ..Queue::default()
            }),
        }
    }

    /// Ends the stream and gives its history away, if this is the stream and it had that event.
    pub(crate) fn give_up_history(&self, last: EventId) -> Option<History> {
        let mut queue = lock(&self.queue);
        let history = queue.history.as_ref()?;
        if history.stream != last.stream || !history.knows(last.number) {
            return None;
        }
        let history = queue.history.take();
        drop(queue);
        self.end();
        history
    }

    /// Whether a client may come back to this stream.
    pub(crate) fn is_resumable(&self) -> bool {
        lock(&self.queue).history.is_some()
    }

    /// Keeps an event for a client that may come back, though nobody reads now.
    pub(crate) fn remember(&self, event: &Bytes) {
        if let Some(history) = &mut lock(&self.queue).history {
            history.note(event);
        }
    }

    /// Queues one event and wakes the connection.
    pub(crate) fn offer(&self, bytes: Bytes, pace: Pace) -> Offered {
        let mut queue = lock(&self.queue);
        if queue.ending {
            return Offered::Closed;
        }
        let taken = queue.waiting.len() < self.capacity;
        if taken {
            queue.push(bytes, pace);
        } else {
            queue.ending = true;
            queue.overrun = true;
            queue.release_held();
        }
        let waker = queue.waker.take();
        drop(queue);
        if let Some(waker) = waker {
            waker.wake();
        }
        if taken {
            Offered::Taken
        } else {
            Offered::ReaderTooSlow
        }
    }

    /// Lets the stream end after what already waits.
    pub(crate) fn end(&self) {
        let mut queue = lock(&self.queue);
        queue.ending = true;
        queue.release_held();
        let waker = queue.waker.take();
        drop(queue);
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    /// Forgets what waits: nobody will read it here.
    fn abandon(&self) {
        let mut queue = lock(&self.queue);
        *queue = Queue {
            ending: true,
            history: queue.history.take(),
            ..Queue::default()
        };
    }

    fn is_overrun(&self) -> bool {
        lock(&self.queue).overrun
    }

    fn poll_frame(&self, cx: &mut Context<'_>, timer: &mut Timer) -> Poll<Option<Bytes>> {
        let mut queue = lock(&self.queue);
        loop {
            let overdue = |held: &Waiting| held.due.is_some_and(|due| due <= Instant::now());
            if queue.held.as_ref().is_some_and(overdue) {
                queue.release_held();
            }
            if let Some(frame) = queue.take_frame() {
                return Poll::Ready(Some(frame));
            }
            if queue.ending && queue.waiting.is_empty() {
                return Poll::Ready(None);
            }
            let Some(due) = queue.next_due() else { break };
            if timer.poll(cx, due).is_pending() {
                break;
            }
        }
        queue.waker = Some(cx.waker().clone());
        Poll::Pending
    }
}

/// A timer that only deliberate delays ever create.
#[derive(Debug, Default)]
struct Timer(Option<Pin<Box<Sleep>>>);

impl Timer {
    fn poll(&mut self, cx: &mut Context<'_>, due: Instant) -> Poll<()> {
        let sleep = self
            .0
            .get_or_insert_with(|| Box::pin(tokio::time::sleep_until(due)));
        if sleep.deadline() != due {
            sleep.as_mut().reset(due);
        }
        sleep.as_mut().poll(cx)
    }
}

/// The response body of one stream. Dropping it is how the server learns that the client left.
#[derive(Debug)]
pub(crate) struct StreamBody {
    outbox: Arc<Outbox>,
    hub: Arc<Hub>,
    key: PeerKey,
    timer: Timer,
    farewell: Option<Bytes>,
}

impl StreamBody {
    /// `farewell` is sent last when the server ends the stream, unless its reader lost an event.
    pub(crate) fn new(
        outbox: Arc<Outbox>,
        hub: Arc<Hub>,
        key: PeerKey,
        farewell: Option<Bytes>,
    ) -> Self {
        Self {
            outbox,
            hub,
            key,
            timer: Timer::default(),
            farewell,
        }
    }
}

impl Stream for StreamBody {
    type Item = Result<Bytes, Infallible>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = &mut *self;
        let frame = match this.outbox.poll_frame(cx, &mut this.timer) {
            Poll::Ready(None) if this.outbox.is_overrun() => Poll::Ready(None),
            Poll::Ready(None) => Poll::Ready(this.farewell.take()),
            other => other,
        };
        frame.map(|frame| frame.map(Ok))
    }
}

impl Drop for StreamBody {
    fn drop(&mut self) {
        self.outbox.abandon();
        self.hub.forget(&self.key, &self.outbox);
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use super::*;
    use futures_util::FutureExt;

    fn drain(outbox: &Outbox) -> Vec<Bytes> {
        let mut timer = Timer::default();
        let mut frames = Vec::new();
        while let Some(Some(frame)) = poll_fn(|cx| outbox.poll_frame(cx, &mut timer)).now_or_never()
        {
            frames.push(frame);
        }
        frames
    }

    #[test]
    fn what_waits_goes_out_in_one_frame_up_to_the_limit() {
        let outbox = Outbox::new(100, None, None);
        for _ in 0..5 {
            assert_eq!(
                outbox.offer(Bytes::from(vec![b'x'; 5000]), Pace::Now),
                Offered::Taken
            );
        }
        let sizes: Vec<usize> = drain(&outbox).iter().map(Bytes::len).collect();
        assert_eq!(sizes, [15_000, 10_000]);
    }

    #[test]
    fn a_long_event_is_a_frame_of_its_own_and_not_copied() {
        let outbox = Outbox::new(100, None, None);
        let long = Bytes::from(vec![b'x'; 100_000]);
        outbox.offer(long.clone(), Pace::Now);
        outbox.offer(Bytes::from_static(b"y"), Pace::Now);
        let frames = drain(&outbox);
        assert_eq!(frames[0].as_ptr(), long.as_ptr());
        assert_eq!(frames[1], "y");
    }

    #[test]
    fn events_get_ids_and_a_client_that_comes_back_gets_the_rest() {
        let outbox = Outbox::new(100, None, Some(History::new(4)));
        for event in ["a", "b", "c"] {
            outbox.offer(Bytes::from(format!("{event}\n")), Pace::Now);
        }
        assert_eq!(drain(&outbox), ["id: 4-1\na\nid: 4-2\nb\nid: 4-3\nc\n"]);
        outbox.offer(Bytes::from_static(b"d\n"), Pace::Now);
        outbox.abandon();
        outbox.remember(&Bytes::from_static(b"e\n"));
        let foreign = EventId {
            stream: 5,
            number: 1,
        };
        assert!(outbox.give_up_history(foreign).is_none());
        let last = EventId {
            stream: 4,
            number: 3,
        };
        let history = outbox.give_up_history(last).unwrap();
        assert!(!outbox.is_resumable());
        let resumed = Outbox::resumed(100, None, history, last.number);
        resumed.offer(Bytes::from_static(b"f\n"), Pace::Now);
        assert_eq!(drain(&resumed), ["id: 4-4\nd\nid: 4-5\ne\nid: 4-6\nf\n"]);
    }

    #[test]
    fn a_long_event_is_not_copied_for_its_id() {
        let outbox = Outbox::new(100, None, Some(History::new(4)));
        let long = Bytes::from(vec![b'x'; 100_000]);
        outbox.offer(long.clone(), Pace::Now);
        outbox.offer(Bytes::from_static(b"y"), Pace::Now);
        let frames = drain(&outbox);
        assert_eq!(frames[0], "id: 4-1\n");
        assert_eq!(frames[1].as_ptr(), long.as_ptr());
        assert_eq!(frames[2], "id: 4-2\ny");
    }

    #[test]
    fn a_slow_reader_gets_what_waited_and_then_the_end() {
        let outbox = Outbox::new(2, None, None);
        for expected in [
            Offered::Taken,
            Offered::Taken,
            Offered::ReaderTooSlow,
            Offered::Closed,
        ] {
            assert_eq!(outbox.offer(Bytes::from_static(b"x"), Pace::Now), expected);
        }
        assert_eq!(drain(&outbox), ["xx"]);
        let mut timer = Timer::default();
        let end = poll_fn(|cx| outbox.poll_frame(cx, &mut timer)).now_or_never();
        assert_eq!(end, Some(None));
    }

    #[test]
    fn a_held_event_follows_its_successor() {
        let outbox = Outbox::new(10, None, None);
        outbox.offer(Bytes::from_static(b"1"), Pace::BehindItsSuccessor);
        outbox.offer(Bytes::from_static(b"2"), Pace::Now);
        outbox.offer(Bytes::from_static(b"3"), Pace::Now);
        assert_eq!(drain(&outbox), ["213"]);
    }

    #[tokio::test]
    async fn delayed_and_held_events_come_out_without_further_calls() {
        let outbox = Outbox::new(10, None, None);
        let start = Instant::now();
        let mut timer = Timer::default();
        outbox.offer(
            Bytes::from_static(b"1"),
            Pace::After(Duration::from_millis(10)),
        );
        let frame = poll_fn(|cx| outbox.poll_frame(cx, &mut timer)).await;
        assert_eq!(frame.unwrap(), "1");
        assert!(start.elapsed() >= Duration::from_millis(10));
        outbox.offer(Bytes::from_static(b"2"), Pace::BehindItsSuccessor);
        let frame = poll_fn(|cx| outbox.poll_frame(cx, &mut timer)).await;
        assert_eq!(frame.unwrap(), "2");
        assert!(start.elapsed() >= HOLD_MAX);
    }
}
