//! Server-sent events: from the bytes of a response body to events.
//!
//! Two steps, neither of which does any I/O. The [`Framer`] cuts the bytes into blocks, bounds them, and notes
//! everything that a decoder drops without a word (comments, blocks without data, bad fields, an unfinished end).
//! The [`Decoder`] turns each whole block into an event with the `eventsource-stream` crate. [`SseReader`] is both.
//!
//! The rules are those of the WHATWG HTML standard, server-sent-events.html#parsing-an-event-stream and
//! #event-stream-interpretation.

mod decoder;
mod framer;
mod line;

pub use decoder::{Decoded, Decoder, Event, Item, SseReader};
pub use framer::{Block, Findings, FrameError, Framer, Limits, LineCounts, Tail};
pub use line::Line;

#[cfg(test)]
mod grammar_tests;
#[cfg(test)]
mod property_tests;
