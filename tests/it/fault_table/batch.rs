//! What each fault turns red over Streamable HTTP of 2025-03-26, as far as it breaks what holds there and not at 2025-11-25.

use super::Row;

/// Over Streamable HTTP of 2025-03-26.
pub(super) const ROWS: &[Row] = &[
    (
        "batch-answered-in-part",
        &[
            "fail messages/batch#one-response-for-each-request",
            "warn messages/batch#invalid-member-answered-apart",
        ],
    ),
    (
        "batch-empty-accepted",
        &["fail messages/batch#empty-batch-refused"],
    ),
    (
        "batch-initialize-served",
        &["warn messages/batch#initialize-in-a-batch-refused"],
    ),
    (
        "batch-invalid-member-fatal",
        &["warn messages/batch#invalid-member-answered-apart"],
    ),
    (
        "batch-notices-answered",
        &["fail messages/batch#batch-of-notifications-is-202"],
    ),
    ("batch-refused", &["fail messages/batch#batch-is-taken"]),
    (
        "content-link-at-2025-03-26",
        &["fail tools/call#content-types-2025-03-26"],
    ),
    (
        "origin-not-checked-at-2025-06-18",
        &[
            "fail initialize/origin#foreign-origin-refused",
            "fail initialize/origin#foreign-origin-refused-on-stream",
        ],
    ),
    (
        "version-header-refused-on-ping",
        &["warn initialize/version-header-early#version-header-does-no-harm"],
    ),
];
