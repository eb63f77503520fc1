//! Checks that no condition of a scenario file can say. One function each; the table gives them their names.

mod annotations;
mod batch;
mod completion;
mod endpoint;
mod order;
mod pages;
mod schemas;
mod structured;
mod versions;

use super::brought::{Brought, Outcome};
use crate::scenario::template::Variables;

/// A probe: looks at what a step brought.
type Probe = fn(&Brought, &Variables) -> Outcome;

/// Every probe, by name; the name says what holds.
const PROBES: [(&str, Probe); 27] = [
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
    ("same-tool-order-as-before", schemas::same_tool_order),
    (
        "supported-versions-are-those-of-discover",
        versions::known_to_discover,
    ),
    ("header-annotations-reachable", annotations::reachable),
    ("header-annotations-unique", annotations::unique),
    ("error-names-a-version", versions::error_names_one),
    ("event-data-is-one-object", order::data_is_one_object),
    ("progress-was-sent", order::progress_was_sent),
    (
        "events-in-order-of-publication",
        order::in_order_of_publication,
    ),
    ("one-client-more-than-before", order::one_client_more),
    ("no-more-clients-than-before", order::no_more_clients),
    ("no-response-in-the-body", endpoint::no_response_in_body),
    ("no-response-without-id", endpoint::no_response_without_id),
    ("first-event-is-endpoint", endpoint::first_event),
    ("an-event-is-endpoint", endpoint::is_sent),
    ("endpoint-is-a-uri", endpoint::is_uri),
    ("endpoint-of-the-same-origin", endpoint::is_of_same_origin),
    ("batch-is-answered", batch::is_answered),
    (
        "batch-has-one-response-for-each-request",
        batch::one_response_each,
    ),
    (
        "batch-answers-valid-and-invalid-members",
        batch::valid_and_invalid,
    ),
    ("entries-are-new", pages::entries_are_new),
    (
        "completion-total-is-consistent",
        completion::total_is_consistent,
    ),
    ("first-event-id-is-new", order::first_event_id_is_new),
    ("no-request-to-the-client", order::no_request_to_the_client),
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
