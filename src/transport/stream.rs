//! A session's event stream: one task reads it into a bounded inbox, readers wait on the inbox.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use serde_json::Value;
use tokio::sync::Notify;
use tokio::task::JoinHandle;

use super::client::root_cause;
use super::exchange::{BodyEnd, SseBlock, read_blocks, record_block, record_end};
use super::json::STREAM_VALUES_MAX;
use super::recorder::Recorder;
use super::sse::SseReader;

/// How much of a stream is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Retention {
    /// All of it, within bounds; the stream is closed when it passes them.
    All,
    /// What came last. For long runs, in which only the next reply is waited for.
    Latest,
}

/// The largest number of blocks that one stream's inbox holds.
const INBOX_BLOCKS_MAX: usize = 20_000;
/// The largest number of bytes that a stream may bring of which all is kept.
const INBOX_BYTES_MAX: usize = 8 * 1024 * 1024;
/// How many blocks are kept of a stream of which only the latest are.
const LATEST_BLOCKS: usize = 4_096;

/// One block of a stream, as it arrived.
#[derive(Clone, Debug)]
pub struct Arrival {
    /// The number of its wire record.
    pub record: u32,
    /// From the opening of the stream to its arrival.
    pub after: Duration,
    /// The block.
    pub block: SseBlock,
    /// Its data as a JSON object, if it is one.
    pub message: Option<Value>,
}

#[derive(Debug, Default)]
struct Inbox {
    arrivals: VecDeque<Arrival>,
    /// How many arrivals were dropped before the first of these.
    dropped: usize,
    end: Option<BodyEnd>,
    unterminated: bool,
}

impl Inbox {
    fn drop_oldest(&mut self) {
        let surplus = self.arrivals.len().saturating_sub(LATEST_BLOCKS);
        self.arrivals.drain(..surplus);
        self.dropped += surplus;
    }
}

#[derive(Debug, Default)]
struct Shared {
    inbox: Mutex<Inbox>,
    changed: Notify,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Inbox> {
        self.inbox.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until `ready` gives something, for at most `patience`.
    async fn wait<T>(
        &self,
        patience: Duration,
        mut ready: impl FnMut(&Inbox) -> Option<T>,
    ) -> Option<T> {
        let deadline = tokio::time::Instant::now() + patience;
        loop {
            // Registered before looking, so that a change between the look and the wait wakes us.
            let changed = self.changed.notified();
            tokio::pin!(changed);
            changed.as_mut().enable();
            if let Some(found) = ready(&self.lock()) {
                return Some(found);
            }
            if tokio::time::timeout_at(deadline, changed).await.is_err() {
                return ready(&self.lock());
            }
        }
    }
}

/// An open event stream. Clones share it; dropping the last one closes the connection.
#[derive(Clone, Debug)]
pub struct EventStream {
    shared: Arc<Shared>,
    _reading: Arc<Reading>,
}

/// Reads for as long as somebody listens.
#[derive(Debug)]
struct Reading(JoinHandle<()>);

impl Drop for Reading {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl EventStream {
    pub(super) fn spawn(
        response: reqwest::Response,
        recorder: Arc<Recorder>,
        exchange: u32,
        retention: Retention,
        on_message: impl Fn(&Value) + Send + 'static,
    ) -> Self {
        let shared = Arc::new(Shared::default());
        let inbox = Arc::clone(&shared);
        let task = tokio::spawn(async move {
            let end = read(response, &recorder, exchange, &inbox, retention, on_message).await;
            record_end(&recorder, exchange, format!("{end:?}"));
            inbox.lock().end = Some(end);
            inbox.changed.notify_waiters();
        });
        Self {
            shared,
            _reading: Arc::new(Reading(task)),
        }
    }

    /// Everything that arrived so far and is kept.
    pub fn arrivals(&self) -> Vec<Arrival> {
        self.shared.lock().arrivals.iter().cloned().collect()
    }

    /// The position after all that arrived so far.
    pub fn position(&self) -> usize {
        let inbox = self.shared.lock();
        inbox.dropped + inbox.arrivals.len()
    }

    /// How the stream ended, if it has.
    pub fn end(&self) -> Option<BodyEnd> {
        self.shared.lock().end.clone()
    }

    /// Whether the stream ended in an event that lacks only its blank line, which clients drop.
    pub fn unterminated(&self) -> bool {
        self.shared.lock().unterminated
    }

    /// The first arrival from position `from` on that `wanted` accepts, and the position after it. Waits for it for at
    /// most `patience`, and not past the end of the stream.
    pub async fn next_where(
        &self,
        from: usize,
        patience: Duration,
        wanted: impl Fn(&Arrival) -> bool,
    ) -> Option<(usize, Arrival)> {
        self.shared
            .wait(patience, |inbox| {
                let found = inbox
                    .arrivals
                    .iter()
                    .enumerate()
                    .skip(from.saturating_sub(inbox.dropped))
                    .find(|(_, arrival)| wanted(arrival))
                    .map(|(at, arrival)| (inbox.dropped + at + 1, arrival.clone()));
                match (found, &inbox.end) {
                    (Some(found), _) => Some(Some(found)),
                    (None, Some(_)) => Some(None),
                    (None, None) => None,
                }
            })
            .await
            .flatten()
    }

    /// Waits for the end of the stream, for at most `patience`.
    pub async fn wait_end(&self, patience: Duration) -> Option<BodyEnd> {
        self.shared.wait(patience, |inbox| inbox.end.clone()).await
    }
}

async fn read(
    mut response: reqwest::Response,
    recorder: &Recorder,
    exchange: u32,
    shared: &Shared,
    retention: Retention,
    on_message: impl Fn(&Value),
) -> BodyEnd {
    let opened = Instant::now();
    let mut reader = SseReader::default();
    let (mut bytes, mut values) = (0, 0);
    let end = loop {
        let chunk = match response.chunk().await {
            Err(error) => break BodyEnd::Broken(root_cause(&error)),
            Ok(None) => break BodyEnd::Complete,
            Ok(Some(chunk)) => chunk,
        };
        bytes += chunk.len();
        let after = opened.elapsed();
        let at = u64::try_from(after.as_nanos()).unwrap_or(u64::MAX);
        let (blocks, broken) = read_blocks(&mut reader, &chunk, at);
        let mut arrivals = VecDeque::with_capacity(blocks.len());
        for block in blocks {
            values += block.values();
            let message = block.message();
            if let Some(message) = &message {
                on_message(message);
            }
            arrivals.push_back(Arrival {
                record: record_block(recorder, exchange, block.raw()),
                after,
                block,
                message,
            });
        }
        let full = {
            let mut inbox = shared.lock();
            inbox.arrivals.append(&mut arrivals);
            if retention == Retention::Latest {
                inbox.drop_oldest();
            }
            inbox.arrivals.len() > INBOX_BLOCKS_MAX
        };
        shared.changed.notify_waiters();
        if let Some(error) = broken {
            break BodyEnd::TooLarge(error.to_string());
        }
        if full {
            break BodyEnd::TooLarge(format!("{INBOX_BLOCKS_MAX} events"));
        }
        if retention == Retention::Latest {
            continue;
        }
        if bytes > INBOX_BYTES_MAX {
            break BodyEnd::TooLarge(format!("{INBOX_BYTES_MAX} bytes"));
        }
        if values > STREAM_VALUES_MAX {
            break BodyEnd::TooLarge(format!("{STREAM_VALUES_MAX} JSON values"));
        }
    };
    shared.lock().unterminated = reader
        .finish()
        .is_some_and(|tail| tail.lacks_only_blank_line);
    end
}
