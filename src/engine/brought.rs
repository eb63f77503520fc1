//! What a step brought, and what a condition on it comes to.

use serde_json::Value;

use crate::scenario::model::Nth;
use crate::scenario::words::Path;
use crate::transport::exchange::SseBlock;
use crate::transport::{Arrival, BodyEnd, Exchange};

/// What a step brought.
#[derive(Clone, Debug)]
pub enum Brought {
    /// A request and its reply.
    Exchange(Box<Exchange>),
    /// Messages on a stream.
    Messages(Messages),
}

/// What an `await` or a `quiet` saw.
#[derive(Clone, Debug)]
pub struct Messages {
    /// The events that count.
    pub arrivals: Vec<Arrival>,
    /// How the stream ended, if it has.
    pub end: Option<BodyEnd>,
}

impl Brought {
    /// The exchange, if it is one.
    pub fn exchange(&self) -> Option<&Exchange> {
        match self {
            Self::Exchange(exchange) => Some(exchange),
            Self::Messages(_) => None,
        }
    }

    /// The numbers of the wire records that show it.
    pub fn records(&self) -> Vec<u32> {
        match self {
            Self::Exchange(exchange) => exchange.records.clone(),
            Self::Messages(messages) => messages
                .arrivals
                .iter()
                .map(|arrival| arrival.record)
                .collect(),
        }
    }

    /// The JSON documents that a path looks into.
    pub(super) fn documents(&self) -> Vec<&Value> {
        match self {
            Self::Exchange(exchange) => exchange
                .response()
                .or_else(|| exchange.reply()?.json.as_ref())
                .into_iter()
                .collect(),
            Self::Messages(messages) => messages
                .arrivals
                .iter()
                .filter_map(|arrival| arrival.message.as_ref())
                .collect(),
        }
    }

    /// One line that says what it is.
    pub fn describe(&self) -> String {
        match self {
            Self::Exchange(exchange) => exchange.describe(),
            Self::Messages(messages) => match &messages.end {
                Some(end) => format!(
                    "{} events, and the stream ended ({end:?})",
                    messages.arrivals.len()
                ),
                None => format!("{} events", messages.arrivals.len()),
            },
        }
    }

    /// The blocks of the event stream in it, in order.
    pub(super) fn blocks(&self) -> Vec<&SseBlock> {
        match self {
            Self::Exchange(exchange) => exchange
                .reply()
                .map_or(&[][..], |reply| &reply.blocks)
                .iter()
                .collect(),
            Self::Messages(messages) => messages
                .arrivals
                .iter()
                .map(|arrival| &arrival.block)
                .collect(),
        }
    }

    /// The id of the first or last block that has one.
    pub(super) fn event_id(&self, nth: Nth) -> Option<String> {
        let blocks = self.blocks();
        let mut ids = blocks.iter().filter_map(|block| block.id());
        match nth {
            Nth::First => ids.next(),
            Nth::Last => ids.next_back(),
        }
        .map(str::to_owned)
    }

    /// The first values that a path finds.
    pub fn find(&self, path: &Path) -> Option<Value> {
        self.documents()
            .into_iter()
            .find_map(|document| path.find(document).first().map(|value| (*value).clone()))
    }
}

/// What a condition comes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It holds.
    Holds,
    /// It does not; with what was got instead.
    Violated(String),
    /// What it looks at did not occur.
    Nothing(String),
}

impl Outcome {
    /// Holds if `truth`, else violated with what was got.
    pub fn of(truth: bool, got: impl FnOnce() -> String) -> Self {
        if truth {
            Self::Holds
        } else {
            Self::Violated(got())
        }
    }
}
