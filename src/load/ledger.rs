//! The ledger of one stream: which publishes it owed, and which arrived.
//!
//! A stream owes each publish that was *acknowledged* and that was *sent* after the stream was open. A stream that the
//! target dropped goes on owing, also while it is down; one that we closed before the end of the drain owes nothing. What
//! arrives without being owed (its reply was lost, or the stream opened in between) counts as expected and received.
//!
//! A delivery is *reordered* only if the target cannot have been misled by us: its publish had been replied to before
//! another one was sent, and that other one arrived first.

use std::ops::AddAssign;

use super::publishes::{Outcome, Publishes};

/// Counts of deliveries. Those of several streams add up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Deliveries that were owed, or arrived without being owed.
    pub expected: u64,
    /// Distinct deliveries that arrived.
    pub received: u64,
    /// Deliveries that were owed and did not arrive.
    pub lost: u64,
    /// Arrivals of what that stream had already received.
    pub duplicate: u64,
    /// Distinct deliveries that arrived after one that happened later.
    pub reordered: u64,
    /// Arrivals that this run did not publish.
    pub foreign: u64,
}

impl AddAssign for Counts {
    fn add_assign(&mut self, other: Self) {
        self.expected += other.expected;
        self.received += other.received;
        self.lost += other.lost;
        self.duplicate += other.duplicate;
        self.reordered += other.reordered;
        self.foreign += other.foreign;
    }
}

/// What an arrival was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arrived {
    /// The first arrival of a publish, which was due at that time (nanoseconds since the start of the run).
    First {
        /// When the publish was due.
        due_ns: u64,
    },
    /// One more arrival of the same.
    Duplicate,
    /// Nothing that this run published.
    Foreign,
}

/// The ledger of one stream. A bit per publish, constant work per arrival.
#[derive(Debug, Default)]
pub struct Ledger {
    /// When the stream was first open.
    opened_ns: Option<u64>,
    closed_by_us: bool,
    /// A bit per sequence that arrived.
    arrived: Vec<u64>,
    /// The latest time of sending among the publishes that arrived.
    latest_sent_ns: Option<u64>,
    received: u64,
    duplicate: u64,
    reordered: u64,
    foreign: u64,
}

impl Ledger {
    /// The stream is open; opening it again after a drop changes nothing.
    pub fn note_open(&mut self, now_ns: u64) {
        self.opened_ns.get_or_insert(now_ns);
    }

    /// We closed the stream before the end of the drain.
    pub fn note_closed_by_us(&mut self) {
        self.closed_by_us = true;
    }

    /// Something arrived that carries the token of another run, or one that this run never sent.
    pub fn note_foreign(&mut self) {
        self.foreign += 1;
    }

    /// A publish of this run arrived: `sequence` with the due time that it carried.
    pub fn note_arrival(&mut self, publishes: &Publishes, sequence: u32, due_ns: u64) -> Arrived {
        let sent_ns = publishes.sent_ns(sequence);
        let (Some(sent_ns), true) = (sent_ns, publishes.due_ns(sequence) == Some(due_ns)) else {
            self.note_foreign();
            return Arrived::Foreign;
        };
        if !self.mark(sequence) {
            self.duplicate += 1;
            return Arrived::Duplicate;
        }
        self.received += 1;
        if let (Some(replied), Some(latest)) = (publishes.replied_ns(sequence), self.latest_sent_ns)
            && replied < latest
        {
            self.reordered += 1;
        }
        self.latest_sent_ns = self.latest_sent_ns.max(Some(sent_ns));
        Arrived::First { due_ns }
    }

    /// Whether an owed publish has not arrived yet.
    pub fn is_waiting(&self, publishes: &Publishes) -> bool {
        publishes
            .sequences()
            .any(|sequence| self.owes(publishes, sequence) && !self.has(sequence))
    }

    /// The account at the end.
    pub fn settle(&self, publishes: &Publishes) -> Counts {
        let lost = publishes
            .sequences()
            .filter(|sequence| self.owes(publishes, *sequence) && !self.has(*sequence))
            .count() as u64;
        Counts {
            expected: self.received + lost,
            received: self.received,
            lost,
            duplicate: self.duplicate,
            reordered: self.reordered,
            foreign: self.foreign,
        }
    }

    fn owes(&self, publishes: &Publishes, sequence: u32) -> bool {
        let (Some(opened), Some(sent)) = (self.opened_ns, publishes.sent_ns(sequence)) else {
            return false;
        };
        !self.closed_by_us && opened <= sent && publishes.outcome(sequence) == Outcome::Acknowledged
    }

    fn has(&self, sequence: u32) -> bool {
        let (word, bit) = position(sequence);
        self.arrived.get(word).is_some_and(|word| word & bit != 0)
    }

    /// Sets the bit of `sequence`; whether it was not set before.
    fn mark(&mut self, sequence: u32) -> bool {
        let (at, bit) = position(sequence);
        if self.arrived.len() <= at {
            self.arrived.resize(at + 1, 0);
        }
        let Some(word) = self.arrived.get_mut(at) else {
            return false;
        };
        let new = *word & bit == 0;
        *word |= bit;
        new
    }
}

fn position(sequence: u32) -> (usize, u64) {
    ((sequence / 64) as usize, 1 << (sequence % 64))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Sequence `i` is due at `10 i`, sent at `10 i + 1` and acknowledged at `10 i + 5`.
    fn acknowledged(count: u32) -> Publishes {
        let publishes = Publishes::new(u64::from(count)).unwrap();
        for sequence in 0..count {
            let due = u64::from(sequence) * 10;
            publishes.note_sent(sequence, due, due + 1);
            publishes.note_outcome(sequence, Outcome::Acknowledged, due + 5);
        }
        publishes
    }

    fn account(publishes: &Publishes, arrivals: &[u32]) -> Counts {
        let mut ledger = Ledger::default();
        ledger.note_open(0);
        for sequence in arrivals {
            ledger.note_arrival(publishes, *sequence, u64::from(*sequence) * 10);
        }
        ledger.settle(publishes)
    }

    #[test]
    fn each_kind_of_fault_is_counted_as_itself() {
        let publishes = acknowledged(4);
        // (arrivals, received, lost, duplicate, reordered)
        let cases: &[(&[u32], u64, u64, u64, u64)] = &[
            (&[0, 1, 2, 3], 4, 0, 0, 0),
            (&[0, 1, 3], 3, 1, 0, 0),
            (&[], 0, 4, 0, 0),
            (&[0, 1, 1, 2, 3, 3], 4, 0, 2, 0),
            (&[0, 2, 1, 3], 4, 0, 0, 1),
            (&[3, 2, 1, 0], 4, 0, 0, 3),
            (&[1, 2, 3, 1], 3, 1, 1, 0),
        ];
        for (arrivals, received, lost, duplicate, reordered) in cases.iter().copied() {
            let counts = Counts {
                expected: received + lost,
                received,
                lost,
                duplicate,
                reordered,
                foreign: 0,
            };
            assert_eq!(account(&publishes, arrivals), counts, "{arrivals:?}");
        }
    }

    #[test]
    fn overtaking_on_our_own_connections_is_not_reordering() {
        let publishes = Publishes::new(2).unwrap();
        publishes.note_sent(0, 0, 1);
        publishes.note_sent(1, 10, 11);
        publishes.note_outcome(0, Outcome::Acknowledged, 20);
        publishes.note_outcome(1, Outcome::Acknowledged, 15);
        assert_eq!(account(&publishes, &[1, 0]).reordered, 0);
    }

    #[test]
    fn only_what_was_acknowledged_while_the_stream_was_open_is_owed() {
        let publishes = Publishes::new(4).unwrap();
        for (sequence, outcome) in [
            (0, Outcome::Acknowledged),
            (1, Outcome::Refused),
            (2, Outcome::Unknown),
            (3, Outcome::Acknowledged),
        ] {
            let due = u64::from(sequence) * 10;
            publishes.note_sent(sequence, due, due);
            publishes.note_outcome(sequence, outcome, due + 5);
        }
        let mut late = Ledger::default();
        assert_eq!(late.settle(&publishes), Counts::default());
        late.note_open(5);
        late.note_open(50);
        assert_eq!(
            (late.settle(&publishes).lost, late.is_waiting(&publishes)),
            (1, true)
        );
        // The reply to the third was lost, and the first was sent before this stream was open: received, not owed.
        late.note_arrival(&publishes, 2, 20);
        late.note_arrival(&publishes, 0, 0);
        late.note_arrival(&publishes, 3, 30);
        let counts = late.settle(&publishes);
        assert_eq!((counts.expected, counts.received, counts.lost), (3, 3, 0));
        assert!(!late.is_waiting(&publishes));

        let mut closed = Ledger::default();
        closed.note_open(0);
        closed.note_closed_by_us();
        assert_eq!(closed.settle(&publishes), Counts::default());
    }

    #[test]
    fn a_forged_token_is_foreign() {
        let publishes = acknowledged(1);
        let mut ledger = Ledger::default();
        ledger.note_open(0);
        for (sequence, due) in [(0, 1), (1, 10), (u32::MAX, 0)] {
            assert_eq!(
                ledger.note_arrival(&publishes, sequence, due),
                Arrived::Foreign
            );
        }
        ledger.note_foreign();
        let counts = ledger.settle(&publishes);
        assert_eq!((counts.foreign, counts.received, counts.lost), (4, 0, 1));
    }

    /// The rules as the module's documentation has them, without any economy.
    fn naive(publishes: &Publishes, opened: u64, arrivals: &[u32]) -> Counts {
        let mut counts = Counts::default();
        for (at, sequence) in arrivals.iter().enumerate() {
            let before = arrivals.get(..at).unwrap();
            if before.contains(sequence) {
                counts.duplicate += 1;
                continue;
            }
            counts.received += 1;
            let replied = publishes.replied_ns(*sequence);
            let overtaken =
                |other: &u32| replied.is_some_and(|it| it < publishes.sent_ns(*other).unwrap());
            counts.reordered += u64::from(before.iter().any(overtaken));
        }
        for sequence in publishes.sequences() {
            let owed = publishes.outcome(sequence) == Outcome::Acknowledged
                && publishes
                    .sent_ns(sequence)
                    .is_some_and(|sent| sent >= opened);
            counts.lost += u64::from(owed && !arrivals.contains(&sequence));
        }
        counts.expected = counts.received + counts.lost;
        counts
    }

    fn outcomes() -> impl Strategy<Value = Outcome> {
        prop_oneof![
            Just(Outcome::Acknowledged),
            Just(Outcome::Refused),
            Just(Outcome::Unknown),
            Just(Outcome::Pending)
        ]
    }

    proptest! {
        #[test]
        fn agrees_with_the_naive_model_and_adds_up(
            rows in prop::collection::vec((outcomes(), 0_u64..60), 1..150),
            streams in prop::collection::vec((0_u64..2_000, prop::collection::vec(0_usize..1_000, 0..200)), 1..4),
        ) {
            let publishes = Publishes::new(rows.len() as u64).unwrap();
            for (sequence, (outcome, took)) in (0_u32..).zip(&rows) {
                let due = u64::from(sequence) * 10;
                publishes.note_sent(sequence, due, due + 1);
                if *outcome != Outcome::Pending {
                    publishes.note_outcome(sequence, *outcome, due + 1 + took);
                }
            }
            let (mut sum, mut naive_sum) = (Counts::default(), Counts::default());
            for (opened, picks) in &streams {
                let arrivals: Vec<u32> = picks.iter().map(|pick| (pick % rows.len()) as u32).collect();
                let mut ledger = Ledger::default();
                ledger.note_open(*opened);
                for sequence in &arrivals {
                    ledger.note_arrival(&publishes, *sequence, u64::from(*sequence) * 10);
                }
                let counts = ledger.settle(&publishes);
                prop_assert_eq!(counts, naive(&publishes, *opened, &arrivals));
                prop_assert_eq!(counts.lost > 0, ledger.is_waiting(&publishes));
                prop_assert_eq!(counts.expected, counts.received + counts.lost);
                sum += counts;
                naive_sum += naive(&publishes, *opened, &arrivals);
            }
            prop_assert_eq!(sum, naive_sum);
        }
    }
}
