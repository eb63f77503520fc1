//! The published revisions of the Model Context Protocol, by their date.

use std::fmt;
use std::str::FromStr;

use crate::suggest;

/// A published revision of the protocol. Revisions are ordered by date.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Revision {
    /// 2024-11-05: HTTP+SSE, two endpoints.
    V2024_11_05,
    /// 2025-03-26: Streamable HTTP, batches.
    V2025_03_26,
    /// 2025-06-18: no batches, the `MCP-Protocol-Version` header.
    V2025_06_18,
    /// 2025-11-25: priming events, polling, tasks.
    V2025_11_25,
    /// 2026-07-28: stateless.
    V2026_07_28,
}

impl Revision {
    /// Every published revision, oldest first.
    pub const ALL: [Self; 5] = [
        Self::V2024_11_05,
        Self::V2025_03_26,
        Self::V2025_06_18,
        Self::V2025_11_25,
        Self::V2026_07_28,
    ];

    /// The date, as it stands in `protocolVersion`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::V2024_11_05 => "2024-11-05",
            Self::V2025_03_26 => "2025-03-26",
            Self::V2025_06_18 => "2025-06-18",
            Self::V2025_11_25 => "2025-11-25",
            Self::V2026_07_28 => "2026-07-28",
        }
    }

    /// Whether a client opens a session with `initialize` (all revisions before 2026-07-28).
    pub fn has_handshake(self) -> bool {
        self < Self::V2026_07_28
    }

    /// Whether requests after the handshake carry `MCP-Protocol-Version`
    /// (2025-06-18, basic/transports#protocol-version-header).
    pub fn has_version_header(self) -> bool {
        self >= Self::V2025_06_18
    }
}

impl fmt::Display for Revision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A word that names no published revision.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error(
    "'{word}' is no MCP revision{hint}; revisions are 2024-11-05, 2025-03-26, 2025-06-18, 2025-11-25 and 2026-07-28"
)]
pub struct UnknownRevision {
    word: String,
    hint: String,
}

impl FromStr for Revision {
    type Err = UnknownRevision;

    fn from_str(word: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|revision| revision.as_str() == word)
            .ok_or_else(|| UnknownRevision {
                word: word.to_owned(),
                hint: suggest::hint(word, Self::ALL.iter().map(|revision| revision.as_str())),
            })
    }
}

/// A range of revisions as scenario files write it: comparisons parted by blanks that must all hold,
/// for instance `>=2025-03-26 <2026-07-28`. A bare date means exactly that revision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RevisionRange(Vec<(Comparison, Revision)>);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Comparison {
    Exactly,
    AtLeast,
    Above,
    AtMost,
    Below,
}

impl RevisionRange {
    /// Whether `revision` lies in the range.
    pub fn contains(&self, revision: Revision) -> bool {
        self.0.iter().all(|(comparison, bound)| match comparison {
            Comparison::Exactly => revision == *bound,
            Comparison::AtLeast => revision >= *bound,
            Comparison::Above => revision > *bound,
            Comparison::AtMost => revision <= *bound,
            Comparison::Below => revision < *bound,
        })
    }
}

impl FromStr for RevisionRange {
    type Err = UnknownRevision;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.split_whitespace()
            .map(|term| {
                let (comparison, date) = if let Some(date) = term.strip_prefix(">=") {
                    (Comparison::AtLeast, date)
                } else if let Some(date) = term.strip_prefix("<=") {
                    (Comparison::AtMost, date)
                } else if let Some(date) = term.strip_prefix('>') {
                    (Comparison::Above, date)
                } else if let Some(date) = term.strip_prefix('<') {
                    (Comparison::Below, date)
                } else {
                    (Comparison::Exactly, term)
                };
                Ok((comparison, date.parse()?))
            })
            .collect::<Result<_, _>>()
            .map(Self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_date_reads_back() {
        for revision in Revision::ALL {
            assert_eq!(revision.as_str().parse(), Ok(revision));
        }
    }

    #[test]
    fn an_unknown_date_names_the_nearest() {
        let error = "2025-11-26".parse::<Revision>().unwrap_err().to_string();
        assert!(error.contains("did you mean '2025-11-25'"), "{error}");
    }

    #[test]
    fn ranges_bound_both_sides() {
        let cases = [
            (">=2025-03-26 <2026-07-28", "2025-11-25", true),
            (">=2025-03-26 <2026-07-28", "2026-07-28", false),
            (">=2025-03-26", "2024-11-05", false),
            ("2025-06-18", "2025-06-18", true),
            ("2025-06-18", "2025-11-25", false),
            ("<=2025-06-18", "2025-06-18", true),
            (">2025-06-18", "2025-06-18", false),
            ("", "2024-11-05", true),
        ];
        for (range, date, expected) in cases {
            let range: RevisionRange = range.parse().unwrap();
            assert_eq!(
                range.contains(date.parse().unwrap()),
                expected,
                "{range:?} {date}"
            );
        }
        assert!(">=2025".parse::<RevisionRange>().is_err());
    }
}
