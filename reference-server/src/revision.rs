//! The dated revisions of the protocol.

use std::fmt;
use std::str::FromStr;

use crate::config::UnknownName;

/// A revision of the protocol. Older ones are less than newer ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Revision {
    /// 2024-11-05: the HTTP+SSE transport.
    V2024_11_05,
    /// 2025-03-26: Streamable HTTP, with batches.
    V2025_03_26,
    /// 2025-06-18: no batches, the version header, elicitation, structured output.
    V2025_06_18,
    /// 2025-11-25: the newest with sessions.
    V2025_11_25,
    /// 2026-07-28: without sessions.
    V2026_07_28,
}

impl Revision {
    /// Every revision with its name, from the oldest to the newest.
    pub const NAMES: &'static [(&'static str, Self)] = &[
        ("2024-11-05", Self::V2024_11_05),
        ("2025-03-26", Self::V2025_03_26),
        ("2025-06-18", Self::V2025_06_18),
        ("2025-11-25", Self::V2025_11_25),
        ("2026-07-28", Self::V2026_07_28),
    ];

    /// The date, as it stands in messages.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::V2024_11_05 => "2024-11-05",
            Self::V2025_03_26 => "2025-03-26",
            Self::V2025_06_18 => "2025-06-18",
            Self::V2025_11_25 => "2025-11-25",
            Self::V2026_07_28 => "2026-07-28",
        }
    }
}

impl fmt::Display for Revision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Revision {
    type Err = UnknownName;

    fn from_str(name: &str) -> Result<Self, UnknownName> {
        crate::config::find(name, Self::NAMES)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_back_in_the_order_of_time() {
        for (name, revision) in Revision::NAMES {
            assert_eq!(name.parse(), Ok(*revision));
            assert_eq!(revision.as_str(), *name);
        }
        assert!(Revision::NAMES.is_sorted_by_key(|(_, revision)| *revision));
        for unknown in ["", "2025-11-26", "2025-11-25 ", "latest"] {
            assert!(unknown.parse::<Revision>().is_err(), "{unknown}");
        }
    }
}
