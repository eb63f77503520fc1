//! What each fault turns red over Streamable HTTP.

use super::Row;

/// Over Streamable HTTP.
pub(super) const ROWS: &[Row] = &[
    (
        "accept-weights-refused",
        &["warn messages/http#accept-with-q-values"],
    ),
    (
        "accept-wildcard-refused",
        &["warn messages/http#accept-any-type"],
    ),
    (
        "allow-header-missing",
        &["fail messages/http#status-405-names-allowed-methods"],
    ),
    (
        "answer-not-primed",
        &["warn wire/traffic#answers-begin-with-a-priming-event"],
    ),
    (
        "answer-stream-foreign-response",
        &["fail wire/traffic#post-stream-has-own-response-only"],
    ),
    (
        "answer-stream-left-open",
        &["warn wire/traffic#post-stream-ends-after-response"],
    ),
    (
        "batch-served-later",
        &[
            "fail wire/traffic#bodies-are-single-messages",
            "warn messages/batch-refused#array-refused",
        ],
    ),
    (
        "cancellation-refused",
        &["warn messages/requests#cancellation-of-nothing-ignored"],
    ),
    (
        "completion-context-refused",
        &["fail completion/prompt#context-accepted"],
    ),
    (
        "completion-too-many",
        &["fail completion/template#at-most-100-values"],
    ),
    (
        "completion-total-too-small",
        &["warn completion/prompt#total-is-consistent"],
    ),
    (
        "completion-unknown-prompt-empty",
        &["warn completion/prompt#unknown-prompt-is-32602"],
    ),
    (
        "completion-values-as-objects",
        &["fail completion/prompt#completion-shape"],
    ),
    (
        "completion-without-argument-served",
        &["warn completion/prompt#missing-argument-is-32602"],
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
        "delete-ends-all-sessions",
        &["fail cleanup/foreign-delete#other-sessions-live-on"],
    ),
    (
        "delete-refused",
        &["warn cleanup/delete#delete-accepted-or-405"],
    ),
    (
        "digit-id-as-number",
        &["fail messages/ids#id-text-of-digits"],
    ),
    (
        "elicitation-schema-nested",
        &["fail wire/traffic#elicitation-schemas-are-flat"],
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
        "event-ids-repeated",
        &["fail resumption/answers#event-ids-are-unique"],
    ),
    (
        "event-not-terminated",
        &[
            "fail client/asked#call-answered-after-its-question",
            "fail wire/traffic#events-end-with-blank-line",
            "fail wire/traffic#every-request-answered-once",
        ],
    ),
    (
        "extra-params-refused",
        &["fail messages/requests#extra-members-tolerated"],
    ),
    (
        "foreign-delete-fatal",
        &[
            "fail cleanup/foreign-delete#other-sessions-live-on",
            "fail wire/liveness#serves-at-the-end",
        ],
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
            "fail initialize/second-client#second-client-welcome",
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
        &["fail initialize/negotiation#offered-version-echoed"],
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
        "initialized-refused",
        &[
            "fail initialize/handshake#initialized-accepted",
            "fail initialize/handshake#notification-answered-202",
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
            "fail wire/traffic#json-labelled-as-json",
            "fail wire/traffic#post-answers-json-or-sse",
        ],
    ),
    (
        "jsonrpc-version-wrong",
        &["fail wire/traffic#jsonrpc-is-2-0"],
    ),
    ("letter-id-in-capitals", &["fail messages/ids#id-text"]),
    (
        "log-level-ignored",
        &["warn notifications/level#lower-levels-are-silent"],
    ),
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
        &["fail initialize/handshake#notification-answered-202"],
    ),
    (
        "notification-body-not-empty",
        &["fail initialize/handshake#notification-body-empty"],
    ),
    ("null-id-answered", &["warn messages/ids#id-null-refused"]),
    (
        "origin-not-checked",
        &[
            "fail initialize/origin#foreign-origin-refused-403",
            "fail initialize/origin#foreign-origin-refused-403-in-session",
            "fail initialize/origin#foreign-origin-refused-403-on-stream",
        ],
    ),
    (
        "origin-not-checked-at-2025-06-18",
        &[
            "fail initialize/origin#foreign-origin-refused",
            "fail initialize/origin#foreign-origin-refused-on-stream",
        ],
    ),
    (
        "origin-required",
        &[
            "fail initialize/handshake#initialize-answered",
            "fail initialize/negotiation#unknown-client-capabilities-tolerated",
            "fail initialize/negotiation#unknown-version-gets-counter-offer",
            "warn initialize/handshake#origin-absent-accepted",
            "warn initialize/negotiation#missing-params-refused",
        ],
    ),
    (
        "pagination-bad-cursor-ignored",
        &[
            "warn pagination/resources#invalid-cursor-is-32602",
            "warn pagination/tools#invalid-cursor-is-32602",
        ],
    ),
    (
        "pagination-cursor-as-number",
        &[
            "fail pagination/resources#next-cursor-is-text",
            "fail pagination/tools#next-cursor-is-text",
        ],
    ),
    (
        "pagination-cursor-null",
        &[
            "fail pagination/resources#next-cursor-is-text-or-absent-at-the-end",
            "fail pagination/tools#next-cursor-is-text-or-absent-at-the-end",
        ],
    ),
    (
        "pagination-never-ends",
        &[
            "warn pagination/resources#third-page-is-new",
            "warn pagination/tools#third-page-is-new",
        ],
    ),
    (
        "pagination-numeric-cursor-served",
        &[
            "warn pagination/resources#numeric-cursor-is-32602",
            "warn pagination/tools#numeric-cursor-is-32602",
        ],
    ),
    (
        "pagination-page-changes",
        &[
            "warn pagination/resources#cursor-is-stable",
            "warn pagination/tools#cursor-is-stable",
        ],
    ),
    (
        "pagination-pages-overlap",
        &[
            "warn pagination/resources#second-page-is-new",
            "warn pagination/tools#second-page-is-new",
        ],
    ),
    (
        "parse-error-500",
        &[
            "fail messages/malformed#broken-json-is-parse-error",
            "warn messages/malformed#broken-json-refused-400",
            "warn wire/traffic#no-server-errors",
        ],
    ),
    (
        "ping-early-refused",
        &["fail initialize/handshake#ping-before-initialized"],
    ),
    (
        "ping-refused-beside-stream",
        &["fail notifications/session-stream#served-beside-the-stream"],
    ),
    (
        "ping-result-null",
        &[
            "fail initialize/handshake#ping-answered-with-empty-result",
            "fail wire/traffic#results-are-objects",
        ],
    ),
    (
        "progress-broadcast",
        &["fail notifications/progress#bystander-sees-no-progress"],
    ),
    (
        "prompt-arguments-as-object",
        &["fail prompts/list#entry-shape"],
    ),
    (
        "prompt-listed-twice",
        &["warn prompts/list#names-are-unique"],
    ),
    ("prompt-role-system", &["fail prompts/list#messages-shape"]),
    (
        "prompt-unknown-wrong-code",
        &["warn prompts/list#unknown-prompt-is-32602"],
    ),
    (
        "prompt-without-arguments-served",
        &["warn prompts/list#missing-argument-is-32602"],
    ),
    (
        "publication-as-list",
        &["fail wire/traffic#event-data-is-one-message"],
    ),
    (
        "publication-late",
        &[
            "warn notifications/delivery#published-events-arrive",
            "warn resources/updated#update-is-announced",
        ],
    ),
    (
        "put-leaves-session-stuck",
        &[
            "fail messages/http#survives-odd-requests",
            "warn wire/traffic#no-server-errors",
        ],
    ),
    (
        "put-served-as-post",
        &["warn messages/http#unsupported-method-refused"],
    ),
    (
        "resource-invalid-uri-served",
        &["fail resources/list#invalid-uri-refused"],
    ),
    (
        "resource-listed-twice",
        &["warn resources/list#uris-are-unique"],
    ),
    (
        "resource-name-missing",
        &["fail resources/list#entry-shape"],
    ),
    (
        "resource-not-readable",
        &["warn resources/list#listed-is-readable"],
    ),
    (
        "resource-unknown-wrong-code",
        &["warn resources/list#unknown-uri-is-32002"],
    ),
    (
        "resource-update-not-sent",
        &["warn resources/updated#update-is-announced"],
    ),
    (
        "resource-updated-to-everyone",
        &[
            "warn resources/updated#no-update-after-unsubscribe",
            "warn resources/updated#no-update-without-subscription",
        ],
    ),
    (
        "resource-uri-relative",
        &["fail resources/list#uris-are-absolute"],
    ),
    (
        "resource-without-content",
        &["fail resources/list#contents-shape"],
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
        &["fail wire/traffic#no-response-on-session-stream"],
    ),
    (
        "resume-replays-foreign",
        &["fail resumption/answers#no-events-of-another-answer"],
    ),
    (
        "resume-unknown-id-500",
        &[
            "warn resumption/answers#unknown-event-id-is-no-failure",
            "warn wire/traffic#no-server-errors",
        ],
    ),
    (
        "roots-asked-undeclared",
        &["fail client/undeclared#not-asked-in-the-answer"],
    ),
    (
        "sampling-without-max-tokens",
        &["fail wire/traffic#sampling-requests-are-complete"],
    ),
    (
        "server-request-id-null",
        &[
            "fail client/asked#call-answered-after-its-question",
            "fail wire/traffic#every-request-answered-once",
            "fail wire/traffic#server-requests-have-ids",
        ],
    ),
    (
        "session-ends-after-cancellation",
        &[
            "fail initialize/handshake#ping-answered-with-empty-result",
            "fail messages/requests#session-survives-unknown-notification",
        ],
    ),
    (
        "session-header-not-required",
        &[
            "warn initialize/session-header#missing-session-refused-400",
            "warn initialize/session-header#stream-without-session-refused-400",
        ],
    ),
    (
        "session-id-reused",
        &["fail wire/traffic#session-ids-differ"],
    ),
    (
        "session-id-with-blank",
        &["fail wire/traffic#session-id-is-visible-ascii"],
    ),
    (
        "session-stuck-after-broken-json",
        &[
            "fail messages/malformed#survives-broken-json",
            "warn wire/traffic#no-server-errors",
        ],
    ),
    (
        "session-stuck-after-invalid-request",
        &[
            "fail messages/malformed#survives-invalid-request",
            "warn wire/traffic#no-server-errors",
        ],
    ),
    (
        "session-survives-delete",
        &[
            "fail cleanup/delete#ended-session-is-404",
            "fail cleanup/delete#ended-session-is-404-on-stream",
        ],
    ),
    (
        "set-level-result-null",
        &[
            "fail notifications/level#set-level-answered",
            "fail wire/traffic#results-are-objects",
        ],
    ),
    (
        "set-level-unknown-accepted",
        &["warn notifications/level#invalid-level-is-32602"],
    ),
    (
        "stream-accept-not-checked",
        &["warn notifications/session-stream#stream-only-for-those-who-accept-it"],
    ),
    (
        "stream-broadcast",
        &["fail notifications/one-stream-only#not-on-both-streams"],
    ),
    (
        "stream-content-type-wrong",
        &["fail notifications/session-stream#stream-or-405"],
    ),
    (
        "stream-headers-late",
        &["fail notifications/session-stream#headers-at-once"],
    ),
    (
        "stream-invalid-utf8",
        &["fail wire/traffic#event-streams-are-utf-8"],
    ),
    (
        "stream-not-found",
        &[
            "fail notifications/session-stream#one-path-for-post-and-get",
            "fail notifications/session-stream#stream-or-405",
        ],
    ),
    (
        "stream-retry-not-a-number",
        &["fail wire/traffic#retry-has-digits-only"],
    ),
    (
        "stream-survives-delete",
        &["warn cleanup/delete-ends-stream#stream-ends-with-session"],
    ),
    (
        "streams-mislabelled-later",
        &[
            "fail notifications/delivery#stream-content-type",
            "fail notifications/session-stream#stream-or-405",
        ],
    ),
    (
        "subscribe-result-null",
        &[
            "fail resources/subscribe#subscribe-answered",
            "fail resources/subscribe#unsubscribe-answered",
            "fail wire/traffic#results-are-objects",
        ],
    ),
    (
        "template-uri-missing",
        &["fail resources/list#template-shape"],
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
            "fail messages/requests#unknown-method-body-is-jsonrpc",
            "fail messages/requests#unknown-method-is-32601",
        ],
    ),
    (
        "unknown-notification-refused",
        &["warn messages/requests#unknown-notification-tolerated"],
    ),
    (
        "unknown-session-served",
        &[
            "fail cleanup/delete#ended-session-is-404",
            "fail cleanup/delete#ended-session-is-404-on-stream",
            "warn cleanup/foreign-delete#delete-of-unknown-session-refused",
            "warn initialize/session-header#unknown-session-refused-404",
        ],
    ),
    (
        "version-header-not-checked",
        &[
            "fail initialize/version-header#future-version-refused-400",
            "fail initialize/version-header#garbage-version-refused-400",
            "fail initialize/version-header#past-version-refused-400",
        ],
    ),
    (
        "version-header-refused-on-ping",
        &[
            "fail initialize/handshake#ping-answered-with-empty-result",
            "fail initialize/handshake#ping-before-initialized",
            "fail initialize/version-header#negotiated-version-accepted",
            "fail notifications/session-stream#served-beside-the-stream",
            "fail wire/liveness#serves-at-the-end",
        ],
    ),
    (
        "version-header-required",
        &["warn initialize/version-header#missing-version-tolerated"],
    ),
    (
        "version-header-required-on-initialize",
        &[
            "fail initialize/handshake#initialize-answered",
            "fail initialize/handshake#initialize-without-version-header",
            "fail initialize/negotiation#unknown-client-capabilities-tolerated",
            "fail initialize/negotiation#unknown-version-gets-counter-offer",
        ],
    ),
];
