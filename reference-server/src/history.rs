//! The latest events of one stream, for a client that comes back with `Last-Event-ID`
//! (2025-11-25 basic/transports#resumability-and-redelivery).

use std::collections::VecDeque;

use bytes::Bytes;

/// Events that one stream keeps. The oldest make room; who comes back later than that misses them.
const KEPT_MAX: usize = 32;

/// The place of an event: the stream, and the number in it. Written `STREAM-NUMBER`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct EventId {
    pub(crate) stream: u64,
    pub(crate) number: u64,
}

impl EventId {
    /// Reads what a client sends back. `None` if it was never handed out in this form.
    pub(crate) fn read(text: &str) -> Option<Self> {
        let (stream, number) = text.split_once('-')?;
        let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
        if !digits(stream) || !digits(number) {
            return None;
        }
        Some(Self {
            stream: stream.parse().ok()?,
            number: number.parse().ok()?,
        })
    }

    /// The line that gives an event this id.
    pub(crate) fn line(self) -> String {
        format!("id: {}-{}\n", self.stream, self.number)
    }
}

/// The numbers and latest events of one stream.
#[derive(Debug)]
pub(crate) struct History {
    pub(crate) stream: u64,
    /// The number of the next event. Zero is the place before all of them.
    next: u64,
    kept: VecDeque<Bytes>,
}

impl History {
    pub(crate) fn new(stream: u64) -> Self {
        Self {
            stream,
            next: 1,
            kept: VecDeque::new(),
        }
    }

    /// Numbers an event and keeps it.
    pub(crate) fn note(&mut self, event: &Bytes) -> EventId {
        if self.kept.len() >= KEPT_MAX {
            self.kept.pop_front();
        }
        self.kept.push_back(event.clone());
        let number = self.next;
        self.next += 1;
        EventId {
            stream: self.stream,
            number,
        }
    }

    /// Whether an event of this stream has that number, or the priming event, which is zero.
    pub(crate) fn knows(&self, number: u64) -> bool {
        number < self.next
    }

    /// What is kept of the events after that one, in order.
    pub(crate) fn after(&self, number: u64) -> impl Iterator<Item = (EventId, Bytes)> {
        let first = self.next - self.kept.len() as u64;
        let numbered = self.kept.iter().zip(first..);
        numbered
            .filter(move |(_, place)| *place > number)
            .map(|(event, place)| {
                let id = EventId {
                    stream: self.stream,
                    number: place,
                };
                (id, event.clone())
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_latest_events_are_kept_under_their_numbers() {
        let mut history = History::new(7);
        assert!(history.knows(0) && !history.knows(1));
        for number in 1..=40_u64 {
            let id = history.note(&Bytes::from(number.to_string()));
            assert_eq!(id.line(), format!("id: 7-{number}\n"));
        }
        let after = |number| -> Vec<u64> {
            let kept = history.after(number);
            kept.inspect(|(id, event)| assert_eq!(id.number.to_string(), *event))
                .map(|(id, _)| id.number)
                .collect()
        };
        assert_eq!(after(38), [39, 40]);
        assert_eq!(after(40), [0; 0]);
        assert_eq!(after(0).len(), KEPT_MAX);
        assert_eq!(after(0).first(), Some(&9));
    }

    #[test]
    fn only_ids_in_our_form_are_read() {
        let id = EventId {
            stream: 3,
            number: 12,
        };
        assert_eq!(EventId::read("3-12"), Some(id));
        for foreign in [
            "",
            "3",
            "-",
            "3-",
            "-1",
            "+3-1",
            "3-1-1",
            "a-b",
            "3--1",
            " 3-1",
            "3-18446744073709551616",
        ] {
            assert_eq!(EventId::read(foreign), None, "{foreign}");
        }
    }
}
