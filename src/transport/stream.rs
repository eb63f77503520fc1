//! A session's event stream: one task reads it into a bounded inbox, readers wait on the inbox.

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

/// The largest number of blocks that one stream's inbox holds; the stream is closed after that.
const INBOX_BLOCKS_MAX: usize = 20_000;
/// The largest number of bytes that one stream may bring; it is closed after that. Its blocks are kept until it is dropped.
const INBOX_BYTES_MAX: usize = 8 * 1024 * 1024;

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
    arrivals: Vec<Arrival>,
    end: Option<BodyEnd>,
    unterminated: bool,
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

/// An open event stream. Dropping it closes the connection.
#[derive(Debug)]
pub struct EventStream {
    shared: Arc<Shared>,
    task: JoinHandle<()>,
}

impl EventStream {
    pub(super) fn spawn(
        response: reqwest::Response,
        recorder: Arc<Recorder>,
        exchange: u32,
        on_message: impl Fn(&Value) + Send + 'static,
    ) -> Self {
        let shared = Arc::new(Shared::default());
        let inbox = Arc::clone(&shared);
        let task = tokio::spawn(async move {
            let end = read(response, &recorder, exchange, &inbox, on_message).await;
            record_end(&recorder, exchange, format!("{end:?}"));
            inbox.lock().end = Some(end);
            inbox.changed.notify_waiters();
        });
        Self { shared, task }
    }

    /// Everything that arrived so far.
    pub fn arrivals(&self) -> Vec<Arrival> {
        self.shared.lock().arrivals.clone()
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
                    .skip(from)
                    .find(|(_, arrival)| wanted(arrival))
                    .map(|(at, arrival)| (at + 1, arrival.clone()));
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

impl Drop for EventStream {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn read(
    mut response: reqwest::Response,
    recorder: &Recorder,
    exchange: u32,
    shared: &Shared,
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
        let mut arrivals = Vec::with_capacity(blocks.len());
        for block in blocks {
            values += block.values();
            let message = block.message();
            if let Some(message) = &message {
                on_message(message);
            }
            arrivals.push(Arrival {
                record: record_block(recorder, exchange, block.raw()),
                after,
                block,
                message,
            });
        }
        let full = {
            let mut inbox = shared.lock();
            inbox.arrivals.append(&mut arrivals);
            inbox.arrivals.len() > INBOX_BLOCKS_MAX
        };
        shared.changed.notify_waiters();
        if let Some(error) = broken {
            break BodyEnd::TooLarge(error.to_string());
        }
        if full {
            break BodyEnd::TooLarge(format!("{INBOX_BLOCKS_MAX} events"));
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
