//! Every publish of a run: when it was due, sent and replied to, and with what outcome. Written by the publisher, read by
//! every stream, without a lock.

use std::sync::atomic::{AtomicU8, AtomicU32, AtomicU64, Ordering};

/// The most publishes that one run may make (32 bytes each).
pub const PUBLISHES_MAX: usize = 1_000_000;

/// Sequences from here on are control publishes, which no ledger counts.
pub const CONTROL_FROM: u32 = 1 << 31;

const UNSET: u64 = u64::MAX;

/// What became of a publish.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Outcome {
    /// Not sent, or no reply yet.
    Pending,
    /// The target said that it did it; every stream is owed a delivery.
    Acknowledged,
    /// The target said that it did not.
    Refused,
    /// Sent, and no reply came: the target may have done it or not.
    Unknown,
}

/// Too many publishes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "plan {planned} publishes; at most {PUBLISHES_MAX} fit one run (lower --rate or --duration)"
)]
pub struct TooManyPublishes {
    /// How many were asked for.
    pub planned: u64,
}

#[derive(Debug)]
struct Publish {
    due: AtomicU64,
    sent: AtomicU64,
    replied: AtomicU64,
    outcome: AtomicU8,
}

impl Publish {
    fn new() -> Self {
        Self {
            due: AtomicU64::new(UNSET),
            sent: AtomicU64::new(UNSET),
            replied: AtomicU64::new(UNSET),
            outcome: AtomicU8::new(Outcome::Pending as u8),
        }
    }
}

/// The table of all publishes of the measure phase, by sequence. Times are nanoseconds since the start of the run.
#[derive(Debug)]
pub struct Publishes {
    rows: Box<[Publish]>,
    sent_end: AtomicU32,
}

impl Publishes {
    /// A table for sequences below `planned`.
    ///
    /// # Errors
    /// If that is more than [`PUBLISHES_MAX`].
    pub fn new(planned: u64) -> Result<Self, TooManyPublishes> {
        let rows = usize::try_from(planned)
            .ok()
            .filter(|rows| *rows <= PUBLISHES_MAX)
            .ok_or(TooManyPublishes { planned })?;
        Ok(Self {
            rows: std::iter::repeat_with(Publish::new).take(rows).collect(),
            sent_end: AtomicU32::new(0),
        })
    }

    /// How many publishes the table has room for.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether it has room for none.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    fn row(&self, sequence: u32) -> Option<&Publish> {
        self.rows.get(usize::try_from(sequence).ok()?)
    }

    /// Notes that a publish is about to be sent. To be called in the order of the sequences, and before any byte of it
    /// is on the wire.
    pub fn note_sent(&self, sequence: u32, due_ns: u64, sent_ns: u64) {
        if let Some(row) = self.row(sequence) {
            row.due.store(due_ns, Ordering::Release);
            row.sent.store(sent_ns, Ordering::Release);
            self.sent_end
                .fetch_max(sequence.saturating_add(1), Ordering::AcqRel);
        }
    }

    /// One more than the last sequence that was sent; what is below and was not sent was left out.
    pub fn sent_end(&self) -> u32 {
        self.sent_end.load(Ordering::Acquire)
    }

    /// Notes the reply, or that none came.
    pub fn note_outcome(&self, sequence: u32, outcome: Outcome, replied_ns: u64) {
        if let Some(row) = self.row(sequence) {
            row.replied.store(replied_ns, Ordering::Release);
            row.outcome.store(outcome as u8, Ordering::Release);
        }
    }

    /// When the publish was due; `None` if it was not sent.
    pub fn due_ns(&self, sequence: u32) -> Option<u64> {
        set(&self.row(sequence)?.due)
    }

    /// When it was sent; `None` if it was not.
    pub fn sent_ns(&self, sequence: u32) -> Option<u64> {
        set(&self.row(sequence)?.sent)
    }

    /// When its reply came; `None` if none came yet.
    pub fn replied_ns(&self, sequence: u32) -> Option<u64> {
        set(&self.row(sequence)?.replied)
    }

    /// What became of it.
    pub fn outcome(&self, sequence: u32) -> Outcome {
        match self
            .row(sequence)
            .map(|row| row.outcome.load(Ordering::Acquire))
        {
            Some(1) => Outcome::Acknowledged,
            Some(2) => Outcome::Refused,
            Some(3) => Outcome::Unknown,
            _ => Outcome::Pending,
        }
    }

    /// Every sequence of the table.
    pub fn sequences(&self) -> std::ops::Range<u32> {
        0..u32::try_from(self.rows.len()).unwrap_or(u32::MAX)
    }
}

fn set(cell: &AtomicU64) -> Option<u64> {
    Some(cell.load(Ordering::Acquire)).filter(|value| *value != UNSET)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_publish_is_known_once_it_is_sent_and_judged_once_it_is_replied_to() {
        let publishes = Publishes::new(2).unwrap();
        assert_eq!(publishes.due_ns(1), None);
        assert_eq!(publishes.outcome(1), Outcome::Pending);
        publishes.note_sent(1, 10, 12);
        assert_eq!(
            (publishes.due_ns(1), publishes.sent_ns(1)),
            (Some(10), Some(12))
        );
        assert_eq!(publishes.replied_ns(1), None);
        assert_eq!(publishes.sent_end(), 2);
        for outcome in [Outcome::Refused, Outcome::Unknown, Outcome::Acknowledged] {
            publishes.note_outcome(1, outcome, 20);
            assert_eq!(publishes.outcome(1), outcome);
        }
        assert_eq!(publishes.replied_ns(1), Some(20));
        assert_eq!(publishes.sequences(), 0..2);
    }

    #[test]
    fn what_is_outside_the_table_is_ignored() {
        let publishes = Publishes::new(0).unwrap();
        assert!(publishes.is_empty());
        for sequence in [0, CONTROL_FROM, u32::MAX] {
            publishes.note_sent(sequence, 1, 1);
            publishes.note_outcome(sequence, Outcome::Acknowledged, 1);
            assert_eq!(publishes.due_ns(sequence), None);
            assert_eq!(publishes.outcome(sequence), Outcome::Pending);
        }
        let error = Publishes::new(u64::MAX).unwrap_err();
        assert!(error.to_string().contains("lower --rate"), "{error}");
    }
}
