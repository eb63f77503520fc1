//! The list of deliberate defects.
//!
//! Each is implemented where the behaviour lives, as `if faults.has(Fault::X)`, and breaks as little
//! beside its own rule as it can. `breaks` names the catalogue requirements that a checker must find red.

#[macro_use]
mod stateless;
mod list;

use std::fmt;
use std::str::FromStr;

pub use self::list::Fault;

/// One row of the list: a defect, its name, what it does and which rules it breaks.
#[derive(Debug, Clone, Copy)]
pub struct FaultInfo {
    /// The defect.
    pub fault: Fault,
    /// Its name on the command line, in kebab case. Never reused for another defect.
    pub id: &'static str,
    /// What the server then does, in one sentence.
    pub summary: &'static str,
    /// Ids of the requirements that the defect violates. Empty for defects that only a load run can see.
    pub breaks: &'static [&'static str],
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.id())
    }
}

/// A name that no fault has.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("no fault is called `{given}`; the nearest name is `{nearest}`")]
pub struct UnknownFault {
    /// What was asked for.
    pub given: String,
    /// The id with the fewest differing characters.
    pub nearest: &'static str,
}

impl FromStr for Fault {
    type Err = UnknownFault;

    fn from_str(given: &str) -> Result<Self, UnknownFault> {
        if let Some(info) = Self::ALL.iter().find(|info| info.id == given) {
            return Ok(info.fault);
        }
        let nearest = Self::ALL
            .iter()
            .map(|info| info.id)
            .min_by_key(|id| edit_distance(given, id))
            .unwrap_or_default();
        Err(UnknownFault {
            given: given.chars().take(80).collect(),
            nearest,
        })
    }
}

/// Levenshtein distance over at most the first 80 characters of `given`.
fn edit_distance(given: &str, known: &str) -> usize {
    let given: Vec<char> = given.chars().take(80).collect();
    let mut row: Vec<usize> = (0..=given.len()).collect();
    for (line, known_char) in known.chars().enumerate() {
        let mut next = vec![line + 1];
        let mut left = line + 1;
        for ((given_char, diagonal), above) in given.iter().zip(&row).zip(row.iter().skip(1)) {
            let substituted = diagonal + usize::from(*given_char != known_char);
            left = substituted.min(above + 1).min(left + 1);
            next.push(left);
        }
        row = next;
    }
    row.last().copied().unwrap_or_default()
}

/// A set of faults, small enough to be copied into every handler.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct FaultSet([u64; WORDS]);

/// Words of 64 faults each.
const WORDS: usize = 8;

const _: () = assert!(Fault::ALL.len() <= WORDS * 64, "FaultSet has 512 bits");

impl FaultSet {
    /// Whether the server shows this defect.
    pub const fn has(self, fault: Fault) -> bool {
        let (word, bit) = place(fault);
        self.0[word] & bit != 0
    }

    /// Whether the server is conforming.
    pub const fn is_empty(self) -> bool {
        let mut word = 0;
        while word < WORDS {
            if self.0[word] != 0 {
                return false;
            }
            word += 1;
        }
        true
    }

    /// The set with one more defect.
    #[must_use]
    pub const fn with(mut self, fault: Fault) -> Self {
        let (word, bit) = place(fault);
        self.0[word] |= bit;
        self
    }

    /// The defects in the set, in the order of [`Fault::ALL`].
    pub fn iter(self) -> impl Iterator<Item = Fault> {
        Fault::ALL
            .iter()
            .map(|info| info.fault)
            .filter(move |fault| self.has(*fault))
    }
}

/// The word of a fault, which is below [`WORDS`], and its bit there.
const fn place(fault: Fault) -> (usize, u64) {
    let number = fault as usize;
    (number / 64, 1 << (number % 64))
}

impl FromIterator<Fault> for FaultSet {
    fn from_iter<I: IntoIterator<Item = Fault>>(faults: I) -> Self {
        faults.into_iter().fold(Self::default(), Self::with)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn ids_round_trip_and_are_unique() {
        let mut seen = HashSet::new();
        for info in Fault::ALL {
            assert_eq!(info.id.parse::<Fault>(), Ok(info.fault));
            assert_eq!(info.fault.to_string(), info.id);
            assert!(seen.insert(info.id), "{} is listed twice", info.id);
        }
    }

    #[test]
    fn an_unknown_id_is_told_the_nearest() {
        for (given, nearest) in [
            ("ping-result-nul", "ping-result-null"),
            ("tool-duplicate-names", "tools-duplicate-name"),
            ("cors", "cors-missing"),
        ] {
            assert_eq!(given.parse::<Fault>().unwrap_err().nearest, nearest);
        }
        let hostile = "\u{1F980}".repeat(100_000);
        let error = hostile.parse::<Fault>().unwrap_err();
        assert!(error.to_string().len() < 500);
        assert!("".parse::<Fault>().is_err());
    }

    #[test]
    fn a_set_holds_what_was_put_in() {
        let set: FaultSet = [Fault::PingResultNull, Fault::ClientIdRequired]
            .into_iter()
            .collect();
        assert!(set.has(Fault::PingResultNull));
        assert!(!set.has(Fault::CorsMissing));
        assert_eq!(
            set.iter().collect::<Vec<_>>(),
            [Fault::PingResultNull, Fault::ClientIdRequired]
        );
        assert!(FaultSet::default().is_empty() && !set.is_empty());
    }

    #[test]
    fn a_full_set_holds_every_fault_once() {
        let every = || Fault::ALL.iter().map(|info| info.fault);
        let set: FaultSet = every().collect();
        assert!(set.iter().eq(every()));
        for fault in every() {
            assert!(FaultSet::default().with(fault).iter().eq([fault]));
        }
    }
}
