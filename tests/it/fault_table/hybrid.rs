//! What each fault turns red over hybrid.

use super::Row;

/// Over hybrid.
pub(super) const ROWS: &[Row] = &[
    (
        "accept-wildcard-refused",
        &["warn messages/http#accept-not-needed"],
    ),
    (
        "allow-header-missing",
        &[
            "fail messages/http#status-405-names-allowed-methods",
            "warn notifications/hybrid-stream#post-endpoint-takes-no-get",
        ],
    ),
    (
        "client-id-required",
        &["fail notifications/hybrid-stream#client-id-is-optional"],
    ),
    (
        "client-id-reserved-refused",
        &[
            "warn notifications/hybrid-stream#client-id-with-reserved-characters",
            "warn wire/traffic#no-server-errors",
        ],
    ),
    (
        "closed-stream-not-forgotten",
        &["fail cleanup/closed-stream#closed-stream-deregistered"],
    ),
    (
        "content-audio-at-2024-11-05",
        &[
            "fail tools/call#content-types-2024-11-05",
            "warn tools/invalid-arguments#missing-argument-is-protocol-error",
        ],
    ),
    (
        "content-link-at-2025-03-26",
        &[
            "fail tools/call#content-types-2025-03-26",
            "warn tools/invalid-arguments#missing-argument-is-protocol-error",
        ],
    ),
    ("content-text-missing", &["fail tools/call#content-members"]),
    (
        "content-type-case-sensitive",
        &["fail messages/http#content-type-in-other-case"],
    ),
    (
        "content-type-not-checked",
        &["warn messages/http#wrong-content-type-refused-415"],
    ),
    (
        "content-type-parameters-refused",
        &["fail messages/http#content-type-with-parameter"],
    ),
    ("content-type-unknown", &["fail tools/call#content-types"]),
    (
        "cors-missing",
        &[
            "fail messages/cors#allow-origin",
            "fail messages/cors#preflight-answered",
            "warn messages/cors#allow-origin-on-errors",
        ],
    ),
    (
        "cors-wildcard-with-credentials",
        &["fail messages/cors#no-wildcard-with-credentials"],
    ),
    (
        "digit-id-as-number",
        &["fail messages/ids#id-text-of-digits"],
    ),
    (
        "empty-params-refused",
        &["fail messages/requests#params-may-be-empty"],
    ),
    (
        "error-code-as-text",
        &[
            "fail wire/traffic#error-codes-are-integers",
            "warn messages/malformed#invalid-request-is-32600",
        ],
    ),
    (
        "error-message-missing",
        &["fail wire/traffic#error-messages-are-strings"],
    ),
    ("error-with-result", &["fail wire/traffic#result-or-error"]),
    (
        "extra-params-refused",
        &["fail messages/requests#extra-members-tolerated"],
    ),
    ("health-as-text", &["fail cleanup/health#health-is-json"]),
    (
        "health-count-as-string",
        &["fail cleanup/health#count-is-a-number"],
    ),
    (
        "health-count-constant",
        &["fail cleanup/closed-stream#count-rises"],
    ),
    (
        "health-status-up",
        &["fail cleanup/health#status-is-healthy"],
    ),
    (
        "health-wrong-transport",
        &["fail cleanup/health#transport-is-named"],
    ),
    (
        "hybrid-post-takes-get",
        &["fail notifications/hybrid-stream#post-endpoint-takes-no-get"],
    ),
    (
        "hybrid-session-header-required",
        &[
            "fail initialize/handshake#handshake-over-post",
            "fail initialize/handshake#ping-answered-with-empty-result",
            "fail initialize/handshake#ping-before-initialized",
            "fail initialize/handshake#served-without-session-header",
            "fail wire/liveness#serves-at-the-end",
        ],
    ),
    (
        "hybrid-stream-ends",
        &["fail notifications/hybrid-stream#stream-stays-open"],
    ),
    (
        "hybrid-stream-takes-post",
        &["fail notifications/hybrid-stream#stream-takes-no-post"],
    ),
    (
        "initialize-capabilities-as-flags",
        &["fail initialize/handshake#capabilities-typed"],
    ),
    (
        "initialize-instructions-null",
        &["fail initialize/handshake#optional-members-typed"],
    ),
    (
        "initialize-no-server-info",
        &["fail initialize/handshake#result-shape"],
    ),
    (
        "initialize-params-not-checked",
        &["warn initialize/negotiation#missing-params-refused"],
    ),
    (
        "initialize-strict-client-version",
        &[
            "fail initialize/handshake#initialize-answered",
            "fail initialize/negotiation#unknown-client-capabilities-tolerated",
            "fail initialize/negotiation#unknown-version-gets-counter-offer",
        ],
    ),
    (
        "initialize-unknown-capability-refused",
        &["fail initialize/negotiation#unknown-client-capabilities-tolerated"],
    ),
    (
        "initialize-unknown-version-refused",
        &["fail initialize/negotiation#unknown-version-gets-counter-offer"],
    ),
    (
        "initialize-version-not-echoed",
        &[
            "fail initialize/negotiation#offered-version-echoed",
            "warn tools/invalid-arguments#missing-argument-is-protocol-error",
        ],
    ),
    (
        "initialize-version-swapped",
        &[
            "fail initialize/handshake#version-echoed",
            "fail initialize/negotiation#offered-version-echoed",
            "warn tools/invalid-arguments#missing-argument-is-protocol-error",
        ],
    ),
    (
        "invalid-request-id-lost",
        &["warn messages/malformed#invalid-request-keeps-id"],
    ),
    (
        "invalid-request-wrong-code",
        &["fail messages/malformed#invalid-request-is-32600"],
    ),
    (
        "json-as-text",
        &[
            "fail initialize/handshake#answered-in-the-exchange",
            "fail tools/call#answered-in-the-exchange",
            "fail wire/traffic#json-labelled-as-json",
        ],
    ),
    (
        "jsonrpc-version-wrong",
        &["fail wire/traffic#jsonrpc-is-2-0"],
    ),
    ("letter-id-in-capitals", &["fail messages/ids#id-text"]),
    (
        "log-level-unknown",
        &["fail notifications/delivery#log-message-shape"],
    ),
    (
        "log-with-id",
        &["fail notifications/delivery#notification-without-id"],
    ),
    (
        "log-without-level",
        &["fail notifications/delivery#log-message-members"],
    ),
    (
        "notification-answered-200",
        &[
            "fail initialize/handshake#notification-without-response",
            "fail wire/traffic#notifications-unanswered",
        ],
    ),
    ("null-id-answered", &["warn messages/ids#id-null-refused"]),
    (
        "origin-required",
        &[
            "fail cleanup/health#count-is-a-number",
            "fail cleanup/health#health-is-json",
            "fail cleanup/health#status-is-healthy",
            "fail cleanup/health#transport-is-named",
            "fail initialize/handshake#answered-in-the-exchange",
            "fail initialize/handshake#initialize-answered",
            "fail initialize/negotiation#unknown-client-capabilities-tolerated",
            "fail initialize/negotiation#unknown-version-gets-counter-offer",
            "warn initialize/negotiation#missing-params-refused",
        ],
    ),
    (
        "parse-error-500",
        &[
            "fail messages/malformed#broken-json-is-parse-error",
            "warn messages/malformed#broken-json-without-server-error",
            "warn wire/traffic#no-server-errors",
        ],
    ),
    (
        "ping-result-null",
        &[
            "fail initialize/handshake#ping-answered-with-empty-result",
            "fail wire/traffic#results-are-objects",
        ],
    ),
    (
        "publication-late",
        &[
            "fail notifications/delivery#published-events-arrive-in-order",
            "warn notifications/delivery#published-events-arrive",
        ],
    ),
    (
        "publication-repeated",
        &["fail notifications/delivery#nothing-after-the-last"],
    ),
    (
        "publication-swapped",
        &["fail notifications/delivery#published-events-arrive-in-order"],
    ),
    (
        "put-served-as-post",
        &["warn messages/http#unsupported-method-refused"],
    ),
    (
        "response-id-as-string",
        &[
            "fail messages/ids#id-large",
            "fail messages/ids#id-negative",
            "fail messages/ids#id-zero",
            "fail wire/traffic#ids-come-back",
        ],
    ),
    (
        "response-on-session-stream",
        &["fail wire/traffic#no-response-on-notification-stream"],
    ),
    (
        "stream-content-type-wrong",
        &[
            "fail notifications/hybrid-stream#client-id-is-optional",
            "fail notifications/hybrid-stream#stream-opens",
        ],
    ),
    (
        "stream-headers-late",
        &["fail notifications/hybrid-stream#headers-at-once"],
    ),
    (
        "stream-invalid-utf8",
        &["fail wire/traffic#event-streams-are-utf-8"],
    ),
    (
        "stream-retry-not-a-number",
        &["fail wire/traffic#retry-has-digits-only"],
    ),
    (
        "streams-mislabelled-later",
        &[
            "fail notifications/delivery#stream-content-type",
            "fail notifications/hybrid-stream#client-id-is-optional",
            "fail notifications/hybrid-stream#stream-opens",
        ],
    ),
    (
        "tools-annotations-as-text",
        &["fail tools/list#annotations-typed"],
    ),
    (
        "tools-arguments-not-validated",
        &[
            "fail tools/invalid-arguments#missing-argument-refused",
            "warn tools/invalid-arguments#missing-argument-is-tool-error",
        ],
    ),
    (
        "tools-call-no-content",
        &[
            "fail tools/call#result-shape",
            "warn tools/failure#failure-is-in-the-result",
            "warn tools/structured#structured-content-repeated-as-text",
        ],
    ),
    (
        "tools-duplicate-name",
        &["warn tools/list#names-are-unique"],
    ),
    (
        "tools-failure-as-protocol-error",
        &["warn tools/failure#failure-is-in-the-result"],
    ),
    (
        "tools-input-schema-invalid",
        &["fail tools/list#schemas-are-valid"],
    ),
    (
        "tools-input-schema-missing",
        &["fail tools/list#entry-shape"],
    ),
    ("tools-list-null", &["fail tools/list#list-answered"]),
    ("tools-list-unstable", &["warn tools/list#list-is-stable"]),
    (
        "tools-missing-name-served",
        &[
            "fail tools/refusals#invalid-params-is-32602",
            "fail tools/refusals#missing-name-is-32602",
        ],
    ),
    ("tools-name-too-long", &["warn tools/list#name-length"]),
    (
        "tools-name-with-blank",
        &["warn tools/list#name-characters"],
    ),
    (
        "tools-numeric-name-served",
        &["fail tools/refusals#numeric-name-is-32602"],
    ),
    (
        "tools-output-schema-array",
        &["fail tools/list#output-schema-is-object"],
    ),
    (
        "tools-structured-array",
        &[
            "fail tools/structured#structured-content-conforms",
            "fail tools/structured#structured-content-is-object",
        ],
    ),
    (
        "tools-structured-missing",
        &["fail tools/structured#structured-content-present"],
    ),
    (
        "tools-structured-nonconforming",
        &["fail tools/structured#structured-content-conforms"],
    ),
    (
        "tools-unknown-as-result",
        &["warn tools/refusals#unknown-tool-is-protocol-error"],
    ),
    (
        "tools-unknown-wrong-code",
        &["warn tools/refusals#unknown-tool-is-32602"],
    ),
    ("unicode-id-garbled", &["fail messages/ids#id-unicode"]),
    (
        "unknown-method-empty-result",
        &[
            "fail messages/requests#method-names-are-case-sensitive",
            "fail messages/requests#unknown-method-is-32601",
        ],
    ),
    (
        "publication-as-list",
        &["fail notifications/delivery#data-is-one-object"],
    ),
];
