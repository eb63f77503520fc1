//! The ledger of one stream: which publishes it owed, and which arrived.
//!
//! A stream owes each publish that was *acknowledged* and that was *sent* after the stream was open. A stream that the
//! target dropped goes on owing, also while it is down. We close none before the account is made. What arrives without
//! being owed (its reply was lost, or the stream opened in between) counts as expected and received.
//!
//! A delivery is *reordered* only if the target cannot have been misled by us: its publish had been replied to before
//! another one was sent, and that other one arrived first.
//!
//! Where an arrival does not say which publish it belongs to, it is matched by order: numbers are compared, and no more.

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
    /// A bit per sequence that arrived.
    arrived: Vec<u64>,
    /// The latest time of sending among the publishes that arrived.
    latest_sent_ns: Option<u64>,
    received: u64,
    duplicate: u64,
    reordered: u64,
    foreign: u64,
    /// Arrivals that are matched by order.
    in_order: u64,
    /// The first sequence that the next of these may belong to.
    next_in_order: u32,
}

impl Ledger {
    /// The stream is open; opening it again after a drop changes nothing.
    pub fn note_open(&mut self, now_ns: u64) {
        self.opened_ns.get_or_insert(now_ns);
    }

    /// Something arrived that carries the token of another run, or one that this run never sent.
    pub fn note_foreign(&mut self) {
        self.foreign += 1;
    }

    /// A publish of this run arrived: `sequence` with the due time that it carried, if it carried one.
    pub fn note_arrival(
        &mut self,
        publishes: &Publishes,
        sequence: u32,
        carried_ns: Option<u64>,
    ) -> Arrived {
        let sent = publishes.sent_ns(sequence).zip(publishes.due_ns(sequence));
        let Some((sent_ns, due_ns)) =
            sent.filter(|(_, due_ns)| carried_ns.is_none_or(|carried| carried == *due_ns))
        else {
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

    /// Something arrived that does not say which publish it belongs to: it is taken for the first one, in order, that this
    /// stream may be owed and that no arrival was taken for.
    pub fn note_in_order(&mut self, publishes: &Publishes) -> Arrived {
        self.in_order += 1;
        // What is passed over was sent, or left out, for good before what is in the table after it.
        for sequence in self.next_in_order..publishes.sent_end() {
            self.next_in_order = sequence + 1;
            if self.may_be_owed(publishes, sequence)
                && let Some(due_ns) = publishes.due_ns(sequence)
            {
                return Arrived::First { due_ns };
            }
        }
        Arrived::Duplicate
    }

    /// As [`is_waiting`](Self::is_waiting), where arrivals are matched by order.
    pub fn is_waiting_in_order(&self, publishes: &Publishes) -> bool {
        self.settle_in_order(publishes).lost > 0
    }

    /// The account at the end, where arrivals are matched by order: numbers are compared, and nothing is said of what came
    /// before what.
    pub fn settle_in_order(&self, publishes: &Publishes) -> Counts {
        let count = |is: fn(&Self, &Publishes, u32) -> bool| {
            let those = publishes.sequences().filter(|it| is(self, publishes, *it));
            those.count() as u64
        };
        let (owed, possible) = (count(Self::owes), count(Self::may_be_owed));
        let received = self.in_order.min(possible);
        let lost = owed.saturating_sub(received);
        Counts {
            expected: received + lost,
            received,
            lost,
            duplicate: self.in_order - received,
            reordered: 0,
            foreign: 0,
        }
    }

    fn owes(&self, publishes: &Publishes, sequence: u32) -> bool {
        publishes.outcome(sequence) == Outcome::Acknowledged
            && self.may_be_owed(publishes, sequence)
    }

    /// Whether the publish was sent while this stream was open, and not refused.
    fn may_be_owed(&self, publishes: &Publishes, sequence: u32) -> bool {
        let (Some(opened), Some(sent)) = (self.opened_ns, publishes.sent_ns(sequence)) else {
            return false;
        };
        opened <= sent && publishes.outcome(sequence) != Outcome::Refused
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
            ledger.note_arrival(publishes, *sequence, Some(u64::from(*sequence) * 10));
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
        late.note_arrival(&publishes, 2, Some(20));
        late.note_arrival(&publishes, 0, None);
        late.note_arrival(&publishes, 3, Some(30));
        let counts = late.settle(&publishes);
        assert_eq!((counts.expected, counts.received, counts.lost), (3, 3, 0));
        assert!(!late.is_waiting(&publishes));
    }

    #[test]
    fn a_forged_token_is_foreign() {
        let publishes = acknowledged(1);
        let mut ledger = Ledger::default();
        ledger.note_open(0);
        for (sequence, due) in [(0, 1), (1, 10), (u32::MAX, 0)] {
            assert_eq!(
                ledger.note_arrival(&publishes, sequence, Some(due)),
                Arrived::Foreign
            );
        }
        ledger.note_foreign();
        let counts = ledger.settle(&publishes);
        assert_eq!((counts.foreign, counts.received, counts.lost), (4, 0, 1));
    }

    #[test]
    fn by_order_only_numbers_are_compared() {
        use Outcome::{Acknowledged as Ack, Refused, Unknown};
        // (what became of the publishes, arrivals, expected, received, lost, duplicate)
        let cases: &[(&[Outcome], u64, [u64; 4])] = &[
            (&[], 0, [0, 0, 0, 0]),
            (&[], 2, [0, 0, 0, 2]),
            (&[Ack, Ack, Ack], 3, [3, 3, 0, 0]),
            (&[Ack, Ack, Ack], 1, [3, 1, 2, 0]),
            (&[Ack, Ack, Ack], 0, [3, 0, 3, 0]),
            (&[Ack, Ack, Ack], 5, [3, 3, 0, 2]),
            (&[Ack, Refused, Ack], 2, [2, 2, 0, 0]),
            (&[Ack, Refused, Ack], 3, [2, 2, 0, 1]),
            (&[Ack, Unknown], 1, [1, 1, 0, 0]),
            (&[Ack, Unknown], 2, [2, 2, 0, 0]),
            (&[Ack, Unknown], 3, [2, 2, 0, 1]),
        ];
        for (outcomes, arrivals, [expected, received, lost, duplicate]) in cases.iter().copied() {
            let publishes = Publishes::new(outcomes.len() as u64).unwrap();
            for (sequence, outcome) in (0_u32..).zip(outcomes) {
                let due = u64::from(sequence) * 10;
                publishes.note_sent(sequence, due, due + 1);
                publishes.note_outcome(sequence, *outcome, due + 5);
            }
            let mut ledger = Ledger::default();
            ledger.note_open(0);
            for _ in 0..arrivals {
                ledger.note_in_order(&publishes);
            }
            let counts = Counts {
                expected,
                received,
                lost,
                duplicate,
                ..Counts::default()
            };
            assert_eq!(
                ledger.settle_in_order(&publishes),
                counts,
                "{outcomes:?} {arrivals}"
            );
            assert_eq!(ledger.is_waiting_in_order(&publishes), lost > 0);
        }
    }

    #[test]
    fn by_order_an_arrival_is_taken_for_the_next_publish_that_the_stream_may_be_owed() {
        let publishes = Publishes::new(6).unwrap();
        let mut ledger = Ledger::default();
        ledger.note_open(15);
        // Nothing is sent yet, so it belongs to none, and to none of those that follow.
        assert_eq!(ledger.note_in_order(&publishes), Arrived::Duplicate);
        // Publish 0 is before the stream was open, 2 is refused, 3 is left out.
        for sequence in [0, 1, 2, 4] {
            let due = u64::from(sequence) * 10 + 10;
            publishes.note_sent(sequence, due, due);
        }
        publishes.note_outcome(2, Outcome::Refused, 35);
        for due_ns in [20, 50] {
            assert_eq!(ledger.note_in_order(&publishes), Arrived::First { due_ns });
        }
        assert_eq!(ledger.note_in_order(&publishes), Arrived::Duplicate);
        publishes.note_sent(5, 60, 60);
        assert_eq!(
            ledger.note_in_order(&publishes),
            Arrived::First { due_ns: 60 }
        );
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
                    ledger.note_arrival(&publishes, *sequence, Some(u64::from(*sequence) * 10));
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
