//! Turns blocks into events.

use std::convert::Infallible;

use eventsource_stream::EventStream;
use futures_util::{FutureExt, StreamExt, stream};

use super::framer::{Block, FrameError, Framer, Limits, Tail};
use super::line::{self, Line, LineSlices};

/// An event as a client would see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// The `event` field; `message` if there is none or it is empty.
    pub event: String,
    /// The `data` fields joined by LF.
    pub data: String,
    /// The `id` field of this very block, which may be empty; None if it has none that counts.
    /// What a client would send when it reconnects is [`Decoder::last_event_id`].
    pub id: Option<String>,
    /// The `retry` field of this block in milliseconds, if it has one that counts.
    pub retry_ms: Option<u64>,
}

/// What a block comes to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decoded {
    /// An event.
    Event(Event),
    /// No event, since there is no `data` field: comments, a lone `id`, a lone `retry`.
    NoEvent {
        /// The `id` field, as in [`Event::id`]. It counts although there is no event.
        id: Option<String>,
        /// The `retry` field, as in [`Event::retry_ms`]. It counts although there is no event.
        retry_ms: Option<u64>,
        /// How many comment lines there are.
        comments: u32,
    },
}

/// Decodes blocks in their order, and keeps the last event id.
#[derive(Debug, Default)]
pub struct Decoder {
    last_event_id: String,
}

impl Decoder {
    /// A decoder for a stream that resumes after `last_event_id`; empty for a new stream.
    pub fn resuming(last_event_id: impl Into<String>) -> Self {
        Self {
            last_event_id: last_event_id.into(),
        }
    }

    /// What a client would send as `Last-Event-ID` now; empty means that it would send none. An id counts from the end
    /// of its block on, whether or not the block is an event.
    pub fn last_event_id(&self) -> &str {
        &self.last_event_id
    }

    /// Decodes a whole block. Bytes that are not UTF-8 become U+FFFD.
    pub fn decode<R: AsRef<[u8]>>(&mut self, block: &Block<R>) -> Decoded {
        let (id, retry_ms) = reconnection_fields(block);
        if let Some(id) = &id {
            self.last_event_id.clone_from(id);
        }
        match decode_event(block) {
            Some((event, data)) => Decoded::Event(Event {
                event,
                data,
                id,
                retry_ms,
            }),
            None => Decoded::NoEvent {
                id,
                retry_ms,
                comments: block.lines.comments,
            },
        }
    }
}

/// The `id` and `retry` that count, read here since `eventsource-stream` loses them where there is no data, cannot tell
/// an empty id from none, and takes `retry: +5`.
fn reconnection_fields<R: AsRef<[u8]>>(block: &Block<R>) -> (Option<String>, Option<u64>) {
    if block.lines.id == 0 && block.lines.retry == 0 {
        return (None, None);
    }
    let (mut id, mut retry_ms) = (None, None);
    for line in block.iter_lines() {
        match line {
            Line::Id(value) if line::id_counts(value) => id = Some(value),
            Line::Retry(value) => retry_ms = line::retry_ms(value).or(retry_ms),
            _ => {}
        }
    }
    (id.map(lossy), retry_ms)
}

fn lossy(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Name and data of the block's event, by `eventsource-stream`.
///
/// It gets one line at a time, since it moves all it has not read yet after each line; and first an empty comment, so
/// that a U+FEFF at the start of a later block, which is no byte order mark, is not taken for one (and does not make it
/// panic).
fn decode_event<R: AsRef<[u8]>>(block: &Block<R>) -> Option<(String, String)> {
    if block.lines.data == 0 {
        return None;
    }
    let text = String::from_utf8_lossy(block.raw.as_ref());
    let slices = std::iter::once(&b":\n"[..])
        .chain(LineSlices {
            rest: text.as_bytes(),
        })
        .chain(std::iter::once(&b"\n"[..]));
    let mut events = EventStream::new(stream::iter(slices.map(Ok::<_, Infallible>)));
    match events.next().now_or_never() {
        Some(Some(Ok(event))) => Some((event.event, event.data)),
        // Not reached: the text is UTF-8, every line is whole, nothing is pending, and a block with data is an event.
        // Should that crate change its mind, the event must still not be lost.
        _ => read_event(block),
    }
}

/// Name and data of the block's event, read by ourselves.
pub(super) fn read_event<R: AsRef<[u8]>>(block: &Block<R>) -> Option<(String, String)> {
    let data = block.data_bytes()?;
    let name = block.iter_lines().fold(&[][..], |name, line| match line {
        Line::Event(value) => value,
        _ => name,
    });
    let name = if name.is_empty() { b"message" } else { name };
    Some((lossy(name), lossy(&data)))
}

/// What came out of an event stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Item {
    /// A whole block, and what it comes to.
    Block {
        /// The block as received, with its times and findings.
        block: Block,
        /// What it means.
        decoded: Decoded,
    },
    /// The stream breaks a limit. Given once, as the last item.
    Broken(FrameError),
}

/// Framer and decoder in one.
#[derive(Debug, Default)]
pub struct SseReader {
    framer: Framer,
    decoder: Decoder,
    broken: bool,
}

impl SseReader {
    /// A reader at the start of a body, resuming after `last_event_id` (empty for a new stream).
    pub fn new(limits: Limits, last_event_id: impl Into<String>) -> Self {
        Self {
            framer: Framer::new(limits),
            decoder: Decoder::resuming(last_event_id),
            broken: false,
        }
    }

    /// Takes the next bytes of the body, which arrived `at` (nanoseconds on the caller's clock).
    pub fn push(&mut self, chunk: &[u8], at: u64) -> Vec<Item> {
        let mut items = Vec::new();
        if self.broken {
            return items;
        }
        let decoder = &mut self.decoder;
        let result = self.framer.push(chunk, at, &mut |block| {
            let decoded = decoder.decode(&block);
            items.push(Item::Block { block, decoded });
        });
        if let Err(error) = result {
            self.broken = true;
            items.push(Item::Broken(error));
        }
        items
    }

    /// Ends the body. Gives what was left of an unfinished block, if anything; its id does not count.
    pub fn finish(&mut self) -> Option<Tail> {
        self.framer.finish()
    }

    /// As [`Decoder::last_event_id`].
    pub fn last_event_id(&self) -> &str {
        self.decoder.last_event_id()
    }

    /// The framer, for what it has seen of the stream as a whole.
    pub fn framer(&self) -> &Framer {
        &self.framer
    }
}
