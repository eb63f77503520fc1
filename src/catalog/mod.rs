//! The requirement catalogues: what a server owes its clients, by stable ids.
//!
//! The catalogues are data (`scenarios/requirements/*.yaml`), embedded in the binary. Every check names an entry.

mod requirement;

use std::collections::BTreeMap;
use std::sync::OnceLock;

pub use requirement::{Level, Observable, Requirement};

use crate::protocol::{Revision, Transport};

const SOURCES: [(&str, &str); 3] = [
    (
        "stateful.yaml",
        include_str!("../../scenarios/requirements/stateful.yaml"),
    ),
    (
        "2026-07-28.yaml",
        include_str!("../../scenarios/requirements/2026-07-28.yaml"),
    ),
    (
        "practice.yaml",
        include_str!("../../scenarios/requirements/practice.yaml"),
    ),
];

/// All requirements, by id.
#[derive(Debug)]
pub struct Catalog {
    entries: BTreeMap<String, Requirement>,
}

impl Catalog {
    /// The embedded catalogue. The first call parses it.
    pub fn embedded() -> &'static Self {
        static CATALOG: OnceLock<Catalog> = OnceLock::new();
        CATALOG.get_or_init(|| {
            let mut entries = BTreeMap::new();
            for (file, text) in SOURCES {
                // The files are part of the binary, and a test reads them: a fault here cannot reach a user.
                let parsed: Vec<Requirement> = crate::yaml::parse(text)
                    .unwrap_or_else(|error| unreachable!("{file} is embedded and tested: {error}"));
                entries.extend(parsed.into_iter().map(|entry| (entry.id.clone(), entry)));
            }
            Self { entries }
        })
    }

    /// The requirement with that id.
    pub fn get(&self, id: &str) -> Option<&Requirement> {
        self.entries.get(id)
    }

    /// Every requirement, in the order of ids.
    pub fn iter(&self) -> impl Iterator<Item = &Requirement> {
        self.entries.values()
    }

    /// The first of `ids` that holds over `transport` at `revision`.
    pub fn first_applicable<'a>(
        &self,
        mut ids: impl Iterator<Item = &'a str>,
        transport: Transport,
        revision: Revision,
    ) -> Option<&Requirement> {
        ids.find_map(|id| {
            self.get(id)
                .filter(|entry| entry.applies(transport, revision))
        })
    }

    /// The requirements that hold for a server spoken to over `transport` at `revision`.
    pub fn applicable(
        &self,
        transport: Transport,
        revision: Revision,
    ) -> impl Iterator<Item = &Requirement> {
        self.iter()
            .filter(move |entry| entry.applies(transport, revision))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_catalogues_hold_what_their_readme_counts() {
        let catalog = Catalog::embedded();
        let count = |revision: &str| {
            catalog
                .iter()
                .filter(|entry| {
                    entry.level != Level::Practice && entry.revisions.iter().any(|r| r == revision)
                })
                .count()
        };
        assert_eq!(count("2025-11-25"), 316);
        assert_eq!(count("hybrid"), 79);
        assert_eq!(count("2026-07-28"), 373);
        assert_eq!(
            catalog
                .iter()
                .filter(|entry| entry.level == Level::Practice)
                .count(),
            17
        );
    }

    #[test]
    fn ids_are_unique_over_all_files() {
        let total: usize = SOURCES
            .iter()
            .map(|(_, text)| {
                text.lines()
                    .filter(|line| line.starts_with("- id: "))
                    .count()
            })
            .sum();
        assert_eq!(Catalog::embedded().entries.len(), total);
    }
}
