//! What each fault turns red over HTTP+SSE, as far as it breaks what holds there and not at 2025-11-25.

use super::Row;

/// Over HTTP+SSE.
pub(super) const ROWS: &[Row] = &[
    (
        "content-audio-at-2024-11-05",
        &["fail tools/call#content-types-2024-11-05"],
    ),
    (
        "origin-not-checked-at-2025-06-18",
        &[
            "fail initialize/origin#foreign-origin-refused",
            "fail initialize/origin#foreign-origin-refused-on-stream",
        ],
    ),
    (
        "roots-asked-undeclared",
        &["warn client/undeclared#not-asked-on-the-stream"],
    ),
    (
        "sse-endpoint-as-json",
        &["fail initialize/sse-endpoint#endpoint-is-a-uri"],
    ),
    (
        "sse-endpoint-elsewhere",
        &["warn initialize/sse-endpoint#endpoint-of-the-same-origin"],
    ),
    (
        "sse-endpoint-named-message",
        &[
            "fail initialize/sse-endpoint#endpoint-event-sent",
            "fail wire/traffic#event-data-is-one-message",
            "warn initialize/sse-endpoint#endpoint-event-first",
        ],
    ),
    (
        "sse-event-named-response",
        &["fail wire/traffic#messages-are-events-named-message"],
    ),
    (
        "sse-notification-answered",
        &["fail messages/sse-post#notification-without-response"],
    ),
    (
        "sse-replies-to-everyone",
        &[
            "fail messages/sse-isolation#first-client-gets-its-own-error",
            "fail messages/sse-isolation#first-client-gets-its-own-response",
            "fail messages/sse-isolation#second-client-gets-its-own-response",
            "fail messages/sse-isolation#second-client-gets-its-own-result",
        ],
    ),
    (
        "sse-response-in-body",
        &[
            "fail messages/sse-post#response-on-the-stream",
            "warn messages/sse-post#no-response-in-the-body",
            "warn messages/sse-post#post-accepted-202",
        ],
    ),
    (
        "sse-session-survives-stream",
        &["warn cleanup/sse-disconnect#endpoint-refused-after-disconnect"],
    ),
    (
        "sse-stream-ends-after-response",
        &[
            "fail initialize/handshake#initialized-accepted",
            "fail initialize/handshake#ping-answered-with-empty-result",
            "fail initialize/handshake#ping-before-initialized",
            "fail initialize/sse-stream#stream-stays-open",
        ],
    ),
    (
        "sse-unknown-session-accepted",
        &[
            "warn cleanup/sse-disconnect#endpoint-refused-after-disconnect",
            "warn messages/sse-post#unknown-session-refused",
        ],
    ),
    (
        "stream-content-type-wrong",
        &["fail initialize/sse-endpoint#stream-opens"],
    ),
];
