//! The events that wait on one stream, and the response body that sends them.
//!
//! An event is framed once and shared by all streams as [`Bytes`]. The body needs no task of its own:
//! the connection polls it, and it hands over everything that waits in one frame of up to 16 KiB.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use futures_util::Stream;
use tokio::time::{Instant, Sleep};

use crate::fanout::{Hub, PeerKey};
use crate::lock::lock;

/// Bytes that are gathered into one frame. A single event may be longer.
const FRAME_BYTES_MAX: usize = 16 * 1024;
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
    waker: Option<Waker>,
}

#[derive(Debug)]
struct Waiting {
    bytes: Bytes,
    /// `None` is at once, without a look at the clock.
    due: Option<Instant>,
}

impl Queue {
    fn release_held(&mut self) {
        self.waiting.extend(self.held.take());
    }

    /// Everything that is due, up to the size of a frame.
    fn take_frame(&mut self) -> Option<Bytes> {
        let first = self.take_due()?;
        let mut frame = BytesMut::new();
        while let Some(next) = self.waiting.front().map(|next| next.bytes.len()) {
            let so_far = if frame.is_empty() {
                first.len()
            } else {
                frame.len()
            };
            if so_far + next > FRAME_BYTES_MAX {
                break;
            }
            let Some(event) = self.take_due() else { break };
            if frame.is_empty() {
                frame.reserve(FRAME_BYTES_MAX.min((self.waiting.len() + 2) * event.len()));
                frame.extend_from_slice(&first);
            }
            frame.extend_from_slice(&event);
        }
        Some(if frame.is_empty() {
            first
        } else {
            frame.freeze()
        })
    }

    fn take_due(&mut self) -> Option<Bytes> {
        let due = self.waiting.front()?.due;
        if due.is_some_and(|due| due > Instant::now()) {
            return None;
        }
        self.waiting.pop_front().map(|event| event.bytes)
    }

    /// When something may become due without any call of ours.
    fn next_due(&self) -> Option<Instant> {
        let waiting = self.waiting.front().and_then(|event| event.due);
        let held = self.held.as_ref().and_then(|event| event.due);
        [waiting, held].into_iter().flatten().min()
    }
}

impl Outbox {
    pub(crate) fn new(capacity: usize, opening: Option<Bytes>) -> Self {
        let mut queue = Queue::default();
        queue
            .waiting
            .extend(opening.map(|bytes| Waiting { bytes, due: None }));
        Self {
            capacity,
            queue: Mutex::new(queue),
        }
    }

    /// Queues one event and wakes the connection.
    pub(crate) fn offer(&self, bytes: Bytes, pace: Pace) -> Offered {
        let mut queue = lock(&self.queue);
        if queue.ending {
            return Offered::Closed;
        }
        let taken = queue.waiting.len() < self.capacity;
        if !taken {
            queue.ending = true;
            queue.release_held();
        } else {
            match pace {
                Pace::Now => queue.waiting.push_back(Waiting { bytes, due: None }),
                Pace::After(delay) => queue.waiting.push_back(Waiting {
                    bytes,
                    due: Some(Instant::now() + delay),
                }),
                Pace::BehindItsSuccessor => {
                    queue.release_held();
                    queue.held = Some(Waiting {
                        bytes,
                        due: Some(Instant::now() + HOLD_MAX),
                    });
                }
            }
            if !matches!(pace, Pace::BehindItsSuccessor)
                && let Some(held) = queue.held.take()
            {
                let due = None;
                queue.waiting.push_back(Waiting { due, ..held });
            }
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

    /// Forgets what waits: nobody will read it.
    fn abandon(&self) {
        let mut queue = lock(&self.queue);
        *queue = Queue {
            ending: true,
            ..Queue::default()
        };
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

    fn poll_anything(&self, cx: &mut Context<'_>) -> Poll<()> {
        let mut queue = lock(&self.queue);
        if queue.ending || !queue.waiting.is_empty() {
            return Poll::Ready(());
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
    /// `farewell` is sent last when the server ends the stream.
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

    /// Waits until something is queued or the stream ends.
    pub(crate) async fn anything(&self) {
        poll_fn(|cx| self.outbox.poll_anything(cx)).await;
    }
}

impl Stream for StreamBody {
    type Item = Result<Bytes, Infallible>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = &mut *self;
        let frame = match this.outbox.poll_frame(cx, &mut this.timer) {
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
        let outbox = Outbox::new(100, None);
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
        let outbox = Outbox::new(100, None);
        let long = Bytes::from(vec![b'x'; 100_000]);
        outbox.offer(long.clone(), Pace::Now);
        outbox.offer(Bytes::from_static(b"y"), Pace::Now);
        let frames = drain(&outbox);
        assert_eq!(frames[0].as_ptr(), long.as_ptr());
        assert_eq!(frames[1], "y");
    }

    #[test]
    fn a_slow_reader_gets_what_waited_and_then_the_end() {
        let outbox = Outbox::new(2, None);
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
        let outbox = Outbox::new(10, None);
        outbox.offer(Bytes::from_static(b"1"), Pace::BehindItsSuccessor);
        outbox.offer(Bytes::from_static(b"2"), Pace::Now);
        outbox.offer(Bytes::from_static(b"3"), Pace::Now);
        assert_eq!(drain(&outbox), ["213"]);
    }

    #[tokio::test]
    async fn delayed_and_held_events_come_out_without_further_calls() {
        let outbox = Outbox::new(10, None);
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
