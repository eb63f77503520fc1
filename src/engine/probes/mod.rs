//! Checks that no condition of a scenario file can say. One function each; the table gives them their names.

mod order;
mod schemas;
mod structured;

use super::brought::{Brought, Outcome};
use crate::scenario::template::Variables;

/// A probe: looks at what a step brought.
type Probe = fn(&Brought, &Variables) -> Outcome;

/// Every probe, by name; the name says what holds.
const PROBES: [(&str, Probe); 9] = [
    (
        "structured-content-conforms-to-output-schema",
        structured::conforms,
    ),
    (
        "structured-content-repeated-as-text",
        structured::repeated_as_text,
    ),
    (
        "tool-schemas-valid-in-their-dialect",
        schemas::valid_in_their_dialect,
    ),
    ("same-tool-names-as-before", schemas::same_tool_names),
    ("event-data-is-one-object", order::data_is_one_object),
    ("progress-was-sent", order::progress_was_sent),
    (
        "events-in-order-of-publication",
        order::in_order_of_publication,
    ),
    ("one-client-more-than-before", order::one_client_more),
    ("no-more-clients-than-before", order::no_more_clients),
];

/// The names of all probes.
pub fn names() -> Vec<&'static str> {
    PROBES.iter().map(|(name, _)| *name).collect()
}

/// Runs the probe with that name.
pub fn run(name: &str, brought: &Brought, variables: &Variables) -> Outcome {
    match PROBES.iter().find(|(known, _)| *known == name) {
        Some((_, probe)) => probe(brought, variables),
        None => Outcome::Nothing(format!("there is no probe '{name}'")),
    }
}
