//! One requirement, as the catalogues write it.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::protocol::{Revision, Transport};

/// How binding a requirement is: the keywords of RFC 2119, and good practice beyond the letter.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
pub enum Level {
    /// A violation fails the run.
    #[serde(rename = "MUST")]
    Must,
    /// A violation fails the run.
    #[serde(rename = "MUST NOT")]
    MustNot,
    /// A violation is a warning, and fails the run with `--strict`.
    #[serde(rename = "SHOULD")]
    Should,
    /// A violation is a warning, and fails the run with `--strict`.
    #[serde(rename = "SHOULD NOT")]
    ShouldNot,
    /// A violation is a warning where the catalogue says so.
    #[serde(rename = "MAY")]
    May,
    /// Advice: a warning, and fails the run with `--strict`.
    #[serde(rename = "PRACTICE")]
    Practice,
}

impl Level {
    /// The keyword.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Must => "MUST",
            Self::MustNot => "MUST NOT",
            Self::Should => "SHOULD",
            Self::ShouldNot => "SHOULD NOT",
            Self::May => "MAY",
            Self::Practice => "PRACTICE",
        }
    }

    /// Whether a violation fails the run without `--strict`.
    pub const fn is_mandatory(self) -> bool {
        matches!(self, Self::Must | Self::MustNot)
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// From where a violation can be seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Observable {
    /// Any server shows it.
    Always,
    /// Only where a condition is met.
    Conditional,
    /// Not visible from outside.
    Never,
}

/// One entry of a catalogue. The fields are explained in `scenarios/requirements/README.md`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Requirement {
    /// Stable dotted name; the first segment is the area.
    pub id: String,
    /// How binding it is.
    pub level: Level,
    /// Revisions (and `hybrid`) where it holds.
    pub revisions: Vec<String>,
    /// Page and anchor in the specification, or the RFC.
    pub source: String,
    /// The obligation in one sentence.
    pub summary: String,
    /// Whether it can be seen from outside.
    pub observable: Observable,
    /// The condition under which it can be seen.
    pub needs: Option<String>,
    /// What to send and what to look at.
    pub probe: String,
    /// What counts as pass, warning, failure and skip.
    pub verdict: String,
    /// Traps and legal variants.
    pub pitfalls: Option<String>,
    /// What a check of it needs (2026-07-28 only).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tier: Option<String>,
    /// How a server of both eras may differ (2026-07-28 only).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dual_era: Option<String>,
    /// The extension that it belongs to (2026-07-28 only).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub extension: Option<String>,
}

/// Areas that say how a transport works. `hybrid` is another transport, so of these only entries that name it hold there;
/// all other areas follow the revision that was agreed in `initialize`.
const HTTP_SSE_AREA: &str = "sse2024";
const TRANSPORT_AREAS: [&str; 8] = [
    "auth",
    "batch",
    "hybrid",
    "http",
    "sse",
    "sse2024",
    "streamable",
    "transport",
];

impl Requirement {
    /// The area: the first segment of the id.
    pub fn area(&self) -> &str {
        self.id.split('.').next().unwrap_or(&self.id)
    }

    /// Whether it holds for a server spoken to over `transport` at `revision`.
    pub fn applies(&self, transport: Transport, revision: Revision) -> bool {
        let lists = |name: &str| self.revisions.iter().any(|listed| listed == name);
        match transport {
            Transport::StreamableHttp => lists(revision.as_str()) && self.area() != HTTP_SSE_AREA,
            Transport::Hybrid => {
                lists(Transport::Hybrid.as_str())
                    || (lists(revision.as_str()) && !TRANSPORT_AREAS.contains(&self.area()))
            }
            // Servers negotiate later revisions over it; how it works stays as it was. That includes Origin, which it has
            // validated without a certain status, and authorization, which no page ever joined with it.
            Transport::Sse => match self.area() {
                HTTP_SSE_AREA => true,
                // That revision has batches in its messages, and this transport is not in it: nobody says what holds.
                "batch" if revision == Revision::V2025_03_26 => false,
                area if TRANSPORT_AREAS.contains(&area) => {
                    lists(Revision::V2024_11_05.as_str()) && area != "streamable"
                }
                _ => lists(revision.as_str()),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::catalog::Catalog;

    use super::*;

    #[test]
    fn hybrid_takes_method_rules_from_the_revision_and_transport_rules_only_by_name() {
        let cases = [
            ("tools.list.entry-shape", true),
            ("hybrid.health.json", true),
            ("jsonrpc.method-not-found-32601", true),
            ("lifecycle.version.unknown-gets-counter-offer", true),
            ("streamable.post.notification-202", false),
            ("transport.origin-invalid-403", false),
            ("http.accept-wildcards-honoured", false),
        ];
        for (id, expected) in cases {
            let entry = Catalog::embedded().get(id).unwrap();
            assert_eq!(
                entry.applies(Transport::Hybrid, Revision::V2025_11_25),
                expected,
                "{id}"
            );
        }
    }

    #[test]
    fn over_http_with_sse_transport_rules_are_those_of_2024_11_05() {
        let cases = [
            ("sse2024.endpoint-event-sent", Revision::V2025_11_25, true),
            ("tools.list.name-length", Revision::V2025_11_25, true),
            ("tools.list.name-length", Revision::V2024_11_05, false),
            ("transport.origin-validated", Revision::V2025_11_25, true),
            ("transport.origin-invalid-403", Revision::V2025_11_25, false),
            ("http.405-carries-allow", Revision::V2025_11_25, true),
            (
                "http.accept-wildcards-honoured",
                Revision::V2025_11_25,
                false,
            ),
            ("sse.data-one-json-message", Revision::V2025_11_25, true),
            ("sse.event-name-message", Revision::V2025_11_25, false),
            ("auth.missing-token-401", Revision::V2025_11_25, false),
            ("batch.receive-supported", Revision::V2025_03_26, false),
            (
                "batch.server-never-sends-arrays",
                Revision::V2025_03_26,
                false,
            ),
            (
                "batch.server-never-sends-arrays",
                Revision::V2025_11_25,
                true,
            ),
            ("streamable.get.no-responses", Revision::V2025_11_25, false),
            ("hybrid.health.json", Revision::V2024_11_05, false),
        ];
        for (id, revision, expected) in cases {
            let entry = Catalog::embedded().get(id).unwrap();
            assert_eq!(
                entry.applies(Transport::Sse, revision),
                expected,
                "{id} at {revision}"
            );
        }
    }

    #[test]
    fn what_names_hybrid_alone_holds_there_alone() {
        let health = Catalog::embedded().get("hybrid.health.json").unwrap();
        assert!(!health.applies(Transport::StreamableHttp, Revision::V2025_11_25));
    }
}
