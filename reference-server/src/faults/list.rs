//! The defects by name, summary and the rules that they break.

use super::FaultInfo;

macro_rules! faults {
    ($($name:ident $id:literal $summary:literal [$($breaks:literal),*];)+) => {
        /// A deliberate defect.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Fault {
            $(#[doc = $summary] $name,)+
        }

        impl Fault {
            /// Every defect, in the order in which help lists them.
            pub const ALL: &[FaultInfo] = &[
                $(FaultInfo { fault: Self::$name, id: $id, summary: $summary, breaks: &[$($breaks),*] },)+
            ];

            /// The name of the defect on the command line.
            pub const fn id(self) -> &'static str {
                match self { $(Self::$name => $id,)+ }
            }
        }
    };
}

with_stateless! { faults
    InitializeNoServerInfo "initialize-no-server-info"
        "The result of initialize lacks serverInfo."
        ["lifecycle.initialize.result-shape"];
    InitializeVersionNotEchoed "initialize-version-not-echoed"
        "A client that asks for 2025-11-25 gets 2025-06-18 (hybrid: 2024-11-05)."
        ["lifecycle.version.supported-echoed"];
    InitializeUnknownVersionRefused "initialize-unknown-version-refused"
        "A request for an unknown version is refused with -32602 instead of a counter-offer."
        ["lifecycle.version.unknown-gets-counter-offer"];
    ResponseIdAsString "response-id-as-string"
        "Integer request ids come back as strings."
        ["jsonrpc.response.id-echo-integer"];
    NotificationAnswered200 "notification-answered-200"
        "Notifications get 200 with the body {} (hybrid: with a JSON-RPC response)."
        ["streamable.post.notification-202", "streamable.post.notification-empty-body",
         "hybrid.post.notification-no-jsonrpc-body"];
    NotificationBodyNotEmpty "notification-body-not-empty"
        "Notifications get 202 with the body {}."
        ["streamable.post.notification-empty-body"];
    OriginNotChecked "origin-not-checked"
        "Requests from foreign origins are served."
        ["transport.origin-invalid-403"];
    VersionHeaderNotChecked "version-header-not-checked"
        "Any value of MCP-Protocol-Version is accepted."
        ["streamable.version-header.garbage-400", "streamable.version-header.unsupported-400"];
    SessionHeaderNotRequired "session-header-not-required"
        "Requests without Mcp-Session-Id are served although the server hands out sessions."
        ["streamable.session.missing-400"];
    UnknownSessionServed "unknown-session-served"
        "An unknown or ended session id is served as a fresh session."
        ["streamable.session.unknown-404", "streamable.session.terminated-404"];
    UnknownMethodEmptyResult "unknown-method-empty-result"
        "Unknown methods get the result {} instead of an error."
        ["jsonrpc.method-not-found-32601"];
    ParseError500 "parse-error-500"
        "A body that is not JSON gets 500 with plain text."
        ["http.client-error-not-5xx", "streamable.post.malformed-400", "hybrid.post.malformed-json"];
    PingResultNull "ping-result-null"
        "The result of ping is null."
        ["ping.empty-result", "jsonrpc.response.result-is-object"];

    ToolsDuplicateName "tools-duplicate-name"
        "tools/list names one tool twice."
        ["tools.list.name-unique"];
    ToolsInputSchemaMissing "tools-input-schema-missing"
        "One tool is listed without inputSchema."
        ["tools.list.entry-shape"];
    ToolsCallNoContent "tools-call-no-content"
        "Tool results lack content."
        ["tools.call.result-shape"];
    ToolsUnknownAsResult "tools-unknown-as-result"
        "A call of an unknown tool gets a result with isError instead of a JSON-RPC error."
        ["tools.call.unknown-tool-protocol-error"];
    ToolsStructuredMissing "tools-structured-missing"
        "The tool add declares outputSchema and returns no structuredContent."
        ["tools.structured.present"];
    ToolsStructuredNonconforming "tools-structured-nonconforming"
        "The tool add returns its sum as a string, against its outputSchema."
        ["tools.structured.conforms"];
    ToolsFailureAsProtocolError "tools-failure-as-protocol-error"
        "A failure inside a tool is reported as a JSON-RPC error."
        ["tools.call.execution-error-is-error"];
    ToolsArgumentsNotValidated "tools-arguments-not-validated"
        "Arguments that break the inputSchema run as if they were valid."
        ["tools.call.validates-input"];
    ToolsListUnstable "tools-list-unstable"
        "Every tools/list names one more tool, which no other names."
        ["tools.list.stable-across-calls"];

    StreamContentTypeWrong "stream-content-type-wrong"
        "Streams opened by GET are labelled text/plain."
        ["sse.content-type-event-stream", "sse2024.stream-content-type"];
    StreamHeadersLate "stream-headers-late"
        "A stream opened by GET sends its headers only with its first event, or after 3 s."
        ["streamable.get.headers-sent-at-once", "hybrid.stream.headers-at-once"];
    EventNotTerminated "event-not-terminated"
        "The last event before a stream ends lacks its blank line (a stream opened by GET sends one more event for that)."
        ["sse.event-ends-with-blank-line"];
    LogWithoutLevel "log-without-level"
        "Log messages have no level."
        ["logging.message.shape"];
    StreamBroadcast "stream-broadcast"
        "A message goes to every stream of its session instead of one."
        ["streamable.streams.no-broadcast"];
    ResponseOnSessionStream "response-on-session-stream"
        "Responses to POST whose result is empty are repeated on the stream opened by GET."
        ["streamable.get.no-responses", "jsonrpc.exactly-one-response", "hybrid.post.response-not-on-stream"];
    FanoutDrop1In100 "fanout-drop-1-in-100"
        "Every 100th delivery, counted over all streams since the start, is not made."
        [];
    FanoutDouble1In100 "fanout-double-1-in-100"
        "Every 100th delivery, counted over all streams since the start, is made twice."
        [];
    FanoutSwap1In100 "fanout-swap-1-in-100"
        "Every 100th delivery is held back until its successor on the stream is sent, for 1 s at most."
        [];
    FanoutDelay10ms "fanout-delay-10ms"
        "Every delivery waits 10 ms before it is sent."
        [];

    SessionSurvivesDelete "session-survives-delete"
        "DELETE ends the streams and answers 204, but the session goes on."
        ["streamable.session.terminated-404"];
    StreamSurvivesDelete "stream-survives-delete"
        "DELETE ends the session but leaves its streams open."
        ["streamable.session.delete-closes-streams"];
    ClosedStreamNotForgotten "closed-stream-not-forgotten"
        "A stream that its client closed still counts as connected."
        ["hybrid.cleanup.closed-stream-deregistered"];
    DeleteEndsAllSessions "delete-ends-all-sessions"
        "DELETE of a session that the server never opened ends all that it did."
        ["streamable.session.cross-session-isolation"];

    HealthWrongTransport "health-wrong-transport"
        "/health names the transport sse."
        ["hybrid.health.transport-name"];
    HealthCountAsString "health-count-as-string"
        "/health gives connected_clients as a string."
        ["hybrid.health.count-type"];
    CorsMissing "cors-missing"
        "Hybrid answers carry no CORS headers and preflights are not answered."
        ["hybrid.cors.allow-origin", "hybrid.cors.preflight", "hybrid.cors.error-responses-too"];
    ClientIdRequired "client-id-required"
        "A hybrid stream without client_id is refused with 400."
        ["hybrid.stream.client-id-optional"];

    InitializeVersionSwapped "initialize-version-swapped"
        "A client that asks for 2025-11-25 gets 2025-06-18, and the other way round."
        ["lifecycle.version.supported-echoed"];
    InitializeStrictClientVersion "initialize-strict-client-version"
        "A client whose version has no dot is refused with -32602."
        ["jsonrpc.base-protocol-supported", "streamable.session.initialize-needs-no-id"];
    InitializeCapabilitiesAsFlags "initialize-capabilities-as-flags"
        "Capabilities are declared as true instead of objects."
        ["lifecycle.initialize.capability-value-types"];
    InitializeInstructionsNull "initialize-instructions-null"
        "The result of initialize holds the instructions null."
        ["lifecycle.initialize.optional-info-types"];
    InitializeUnknownCapabilityRefused "initialize-unknown-capability-refused"
        "A client that declares an unknown capability is refused with -32602."
        ["lifecycle.initialize.unknown-client-capabilities-tolerated"];
    InitializeParamsNotChecked "initialize-params-not-checked"
        "An initialize without its required members is answered with a result."
        ["lifecycle.initialize.missing-params-rejected"];
    InitializedRefused "initialized-refused"
        "notifications/initialized takes effect, but is answered with 400."
        ["lifecycle.initialized.accepted"];
    PingEarlyRefused "ping-early-refused"
        "A ping before notifications/initialized is refused."
        ["ping.before-initialized"];
    OriginNotCheckedAt20250618 "origin-not-checked-at-2025-06-18"
        "Streamable HTTP speaks 2025-06-18 only, and serves foreign origins."
        ["transport.origin-validated"];
    OriginRequired "origin-required"
        "Requests without Origin are refused with 403."
        ["transport.origin-absent-accepted"];
    VersionHeaderRequiredOnInitialize "version-header-required-on-initialize"
        "An initialize without MCP-Protocol-Version is refused with 400."
        ["streamable.version-header.initialize-without"];
    VersionHeaderRefusedOnPing "version-header-refused-on-ping"
        "A ping with MCP-Protocol-Version is refused with 400, whatever it names."
        ["streamable.version-header.negotiated-accepted", "streamable.version-header.ignored-in-2025-03-26"];
    VersionHeaderRequired "version-header-required"
        "Requests without MCP-Protocol-Version are refused with 400."
        ["streamable.version-header.missing-tolerated"];
    HybridSessionHeaderRequired "hybrid-session-header-required"
        "A hybrid ping without Mcp-Session-Id is refused with 400."
        ["hybrid.post.no-session-header-needed", "hybrid.custom-transport-keeps-mcp",
         "hybrid.post.works-without-stream"];

    ContentTypeParametersRefused "content-type-parameters-refused"
        "A content type with parameters is refused with 415."
        ["http.content-type-parameters-accepted"];
    ContentTypeCaseSensitive "content-type-case-sensitive"
        "A content type that is not in lower case is refused with 415."
        ["http.content-type-parameters-accepted"];
    ContentTypeNotChecked "content-type-not-checked"
        "A JSON body of any content type is served."
        ["http.wrong-content-type-rejected"];
    AcceptWeightsRefused "accept-weights-refused"
        "An Accept header with weights is refused with 406."
        ["http.accept-wildcards-honoured"];
    AcceptWildcardRefused "accept-wildcard-refused"
        "An Accept header of */* is refused with 406."
        ["http.accept-wildcards-honoured", "hybrid.post.accept-not-needed"];
    PutServedAsPost "put-served-as-post"
        "PUT is served like POST."
        ["http.unsupported-method-rejected"];
    AllowHeaderMissing "allow-header-missing"
        "Answers of status 405 lack Allow."
        ["http.405-carries-allow", "hybrid.post.get-refused"];
    PutLeavesSessionStuck "put-leaves-session-stuck"
        "A PUT is refused, and the session that it names answers requests with 500 from then on."
        ["http.survives-malformed-input"];
    CorsWildcardWithCredentials "cors-wildcard-with-credentials"
        "Hybrid answers allow every origin, with credentials."
        ["hybrid.cors.no-wildcard-with-credentials"];
    JsonAsText "json-as-text"
        "Responses are JSON labelled text/plain."
        ["http.json-response-content-type", "streamable.post.request-json-or-sse",
         "hybrid.post.json-response", "hybrid.tools.call-in-body"];

    LetterIdInCapitals "letter-id-in-capitals"
        "A request id of ASCII letters comes back in capitals."
        ["jsonrpc.response.id-echo-string"];
    DigitIdAsNumber "digit-id-as-number"
        "A request id of digits in a string comes back as a number."
        ["jsonrpc.response.id-echo-string"];
    UnicodeIdGarbled "unicode-id-garbled"
        "Characters beyond ASCII in a request id come back as question marks."
        ["http.json-body-utf8"];
    NullIdAnswered "null-id-answered"
        "A request with the id null is answered with a result."
        ["jsonrpc.request.null-id-rejected"];
    SessionStuckAfterBrokenJson "session-stuck-after-broken-json"
        "After a body that is not JSON the session that it names answers requests with 500."
        ["http.survives-malformed-input"];
    SessionStuckAfterInvalidRequest "session-stuck-after-invalid-request"
        "After a body that is JSON but no message the session that it names answers requests with 500."
        ["http.survives-malformed-input"];
    InvalidRequestWrongCode "invalid-request-wrong-code"
        "What is no message but has an id gets status 200 and the code -32000."
        ["jsonrpc.invalid-request-32600"];
    InvalidRequestIdLost "invalid-request-id-lost"
        "The error about what is no message lacks the id that could be read."
        ["jsonrpc.invalid-request-id-kept"];
    UnknownNotificationRefused "unknown-notification-refused"
        "A notification that the server does not know is answered with 400."
        ["jsonrpc.unknown-notification-tolerated"];
    CancellationRefused "cancellation-refused"
        "notifications/cancelled about a request that does not run is answered with 400."
        ["cancel.unknown-id-ignored"];
    SessionEndsAfterCancellation "session-ends-after-cancellation"
        "notifications/cancelled about a request that does not run ends the session."
        ["http.survives-malformed-input"];
    EmptyParamsRefused "empty-params-refused"
        "A ping whose params are empty is refused."
        ["jsonrpc.params-member-optional"];
    ExtraParamsRefused "extra-params-refused"
        "A ping with unknown params is refused with -32602."
        ["jsonrpc.extra-members-tolerated"];
    JsonrpcVersionWrong "jsonrpc-version-wrong"
        "Responses say jsonrpc 1.0."
        ["jsonrpc.version-member-2.0"];
    ErrorWithResult "error-with-result"
        "Error responses hold an empty result beside the error."
        ["jsonrpc.response.result-xor-error"];
    ErrorCodeAsText "error-code-as-text"
        "The error code -32600 is written as a string."
        ["jsonrpc.error.code-integer"];
    ErrorMessageMissing "error-message-missing"
        "Errors about requests lack a message."
        ["jsonrpc.error.message-string"];

    StreamsMislabelledLater "streams-mislabelled-later"
        "All streams opened by GET but the first are labelled text/plain."
        ["sse.content-type-event-stream"];
    StreamInvalidUtf8 "stream-invalid-utf8"
        "Streams opened by GET begin with a comment that is not UTF-8."
        ["sse.stream-utf8"];
    StreamRetryNotANumber "stream-retry-not-a-number"
        "Streams opened by GET begin with the line retry: soon."
        ["sse.retry-digits-only"];
    StreamAcceptNotChecked "stream-accept-not-checked"
        "GET opens a stream for clients that do not accept event streams."
        ["streamable.get.without-accept"];
    StreamNotFound "stream-not-found"
        "GET on the endpoint is answered with 404."
        ["streamable.endpoint.single-path-post-get", "streamable.get.sse-or-405"];
    PingRefusedBesideStream "ping-refused-beside-stream"
        "A ping is refused with 503 while the session has a stream open."
        ["streamable.streams.parallel-posts"];
    PublicationLate "publication-late"
        "Published messages are sent 5 s late."
        ["sse.events-flushed-promptly", "logging.level-filter", "hybrid.event.fifo-order"];
    PublicationSwapped "publication-swapped"
        "The second message that is published over hybrid is sent after the third."
        ["hybrid.event.fifo-order"];
    PublicationRepeated "publication-repeated"
        "Every published message is sent again after 250 ms."
        ["hybrid.event.fifo-order"];
    PublicationAsList "publication-as-list"
        "The data of a published event is an array that holds the message."
        ["hybrid.event.data-json", "sse.data-one-json-message"];
    LogLevelUnknown "log-level-unknown"
        "Log messages have the level verbose."
        ["logging.message.shape"];
    LogWithId "log-with-id"
        "Log messages have an id."
        ["jsonrpc.server-notification-without-id"];
    LogLevelIgnored "log-level-ignored"
        "Log messages go to clients that asked for severer ones only."
        ["logging.level-filter"];
    SetLevelResultNull "set-level-result-null"
        "The result of logging/setLevel is null."
        ["logging.set-level.empty-result", "jsonrpc.response.result-is-object"];
    SetLevelUnknownAccepted "set-level-unknown-accepted"
        "logging/setLevel takes levels that do not exist."
        ["logging.set-level.invalid-32602"];
    ProgressBroadcast "progress-broadcast"
        "Progress notifications also go to the streams of all clients."
        ["streamable.session.cross-session-isolation"];
    AnswerStreamForeignResponse "answer-stream-foreign-response"
        "A stream that answers a request begins with a response to another."
        ["streamable.post.sse-only-own-response"];
    AnswerStreamLeftOpen "answer-stream-left-open"
        "A stream that answers a request stays open for 3 s after the response."
        ["streamable.post.sse-closed-after-response"];

    HybridStreamEnds "hybrid-stream-ends"
        "Hybrid streams end 400 ms after they were opened."
        ["hybrid.stream.stays-open"];
    HybridStreamTakesPost "hybrid-stream-takes-post"
        "POST to the path of the hybrid stream is served."
        ["hybrid.stream.post-refused"];
    HybridPostTakesGet "hybrid-post-takes-get"
        "GET of the hybrid POST endpoint is answered with 200."
        ["hybrid.post.get-refused"];
    ClientIdReservedRefused "client-id-reserved-refused"
        "A client_id with characters that are reserved in URLs is answered with 500."
        ["hybrid.stream.client-id-escaped"];
    HealthAsText "health-as-text"
        "/health is JSON labelled text/plain."
        ["hybrid.health.json"];
    HealthStatusUp "health-status-up"
        "/health gives the status up."
        ["hybrid.health.status-healthy"];
    HealthCountConstant "health-count-constant"
        "/health always counts no clients."
        ["hybrid.health.count-rises"];

    SessionIdWithBlank "session-id-with-blank"
        "Session ids hold a blank."
        ["streamable.session.id-visible-ascii"];
    SessionIdReused "session-id-reused"
        "The ids of the first two sessions that end are handed out again."
        ["streamable.session.id-nondeterministic"];
    ForeignDeleteFatal "foreign-delete-fatal"
        "After DELETE of a session that the server never opened, every POST gets 503 without a body."
        ["http.survives-malformed-input", "streamable.session.cross-session-isolation"];
    DeleteRefused "delete-refused"
        "DELETE of a live session is refused with 400."
        ["streamable.session.delete-supported-or-405"];

    ToolsListNull "tools-list-null"
        "The tools in the result of tools/list are null."
        ["tools.list.works-when-declared"];
    ToolsNameTooLong "tools-name-too-long"
        "A tool has a name of 200 characters."
        ["tools.list.name-length"];
    ToolsNameWithBlank "tools-name-with-blank"
        "A tool has a name with a blank."
        ["tools.list.name-charset"];
    ToolsInputSchemaInvalid "tools-input-schema-invalid"
        "A tool has an inputSchema that is no valid JSON Schema."
        ["tools.list.input-schema-valid"];
    ToolsOutputSchemaArray "tools-output-schema-array"
        "A tool has an outputSchema of the type array."
        ["tools.list.output-schema-object"];
    ToolsAnnotationsAsText "tools-annotations-as-text"
        "A tool has its hints as strings."
        ["tools.list.annotation-types"];
    ToolsUnknownWrongCode "tools-unknown-wrong-code"
        "A call of an unknown tool gets the code -32601."
        ["tools.call.unknown-tool-code-32602"];
    ToolsMissingNameServed "tools-missing-name-served"
        "A call without a name gets a result."
        ["tools.call.missing-name-32602", "jsonrpc.invalid-params-32602"];
    ToolsNumericNameServed "tools-numeric-name-served"
        "A call with a number as name gets a result."
        ["tools.call.missing-name-32602"];
    ToolsStructuredArray "tools-structured-array"
        "The tool add returns its structuredContent as an array."
        ["tools.structured.object", "tools.structured.conforms"];
    ContentTypeUnknown "content-type-unknown"
        "The tool echo returns content of the type markdown."
        ["tools.call.content-types-2025-06-18"];
    ContentTextMissing "content-text-missing"
        "The tool echo returns text content without text."
        ["content.item-required-members"];
    ContentAudioAt20241105 "content-audio-at-2024-11-05"
        "Hybrid speaks 2024-11-05 only, and the tool echo returns audio beside text."
        ["tools.call.content-types-2024-11-05"];
    ContentLinkAt20250326 "content-link-at-2025-03-26"
        "Hybrid speaks 2025-03-26 only, and the tool echo returns a resource_link beside text."
        ["tools.call.content-types-2025-03-26"];

    SseEndpointAsJson "sse-endpoint-as-json"
        "HTTP+SSE: the data of the endpoint event is a JSON string."
        ["sse2024.endpoint-data-is-uri"];
    SseResponseInBody "sse-response-in-body"
        "HTTP+SSE: responses come in the answer to the POST and not over the stream."
        ["sse2024.response-on-stream"];
    SseEventNamedResponse "sse-event-named-response"
        "HTTP+SSE: the events that carry responses are named response."
        ["sse2024.message-event-name"];
    SseStreamEndsAfterResponse "sse-stream-ends-after-response"
        "HTTP+SSE: the stream ends after the first response."
        ["sse2024.stream-stays-open"];
    SseUnknownSessionAccepted "sse-unknown-session-accepted"
        "HTTP+SSE: a POST to a session that does not exist gets 202."
        ["sse2024.post-unknown-session-4xx", "sse2024.disconnect-invalidates-endpoint"];
    SseSessionSurvivesStream "sse-session-survives-stream"
        "HTTP+SSE: a session takes messages after its stream has ended."
        ["sse2024.disconnect-invalidates-endpoint"];

    SseEndpointElsewhere "sse-endpoint-elsewhere"
        "HTTP+SSE: the endpoint event names a URL of another origin."
        ["sse2024.endpoint-same-origin"];
    SseEndpointNamedMessage "sse-endpoint-named-message"
        "HTTP+SSE: the event that names the URL is named message."
        ["sse2024.endpoint-event-sent"];
    SseRepliesToEveryone "sse-replies-to-everyone"
        "HTTP+SSE: responses to requests whose id is a text go to every client."
        ["sse2024.isolation-between-connections"];
    SseNotificationAnswered "sse-notification-answered"
        "HTTP+SSE: an unknown notification gets a response."
        ["sse2024.notification-silent"];

    BatchEmptyAccepted "batch-empty-accepted"
        "An empty batch is accepted."
        ["batch.empty-array-invalid-request"];
    BatchInvalidMemberFatal "batch-invalid-member-fatal"
        "A batch with a member that is no message is refused as a whole."
        ["batch.invalid-members-individual-errors"];
    BatchRefused "batch-refused"
        "Batches are refused although 2025-03-26 was negotiated."
        ["batch.receive-supported"];
    BatchAnsweredInPart "batch-answered-in-part"
        "Of the responses to a batch only the first is sent."
        ["batch.response-array-or-stream"];
    BatchNoticesAnswered "batch-notices-answered"
        "A batch of notifications alone gets 200 with an empty array."
        ["batch.all-notifications-202"];
    BatchInitializeServed "batch-initialize-served"
        "A batch with initialize in it gets a result."
        ["batch.initialize-inside-batch-refused"];
    BatchServedLater "batch-served-later"
        "Batches are served whatever revision was negotiated."
        ["batch.array-refused", "batch.server-never-sends-arrays"];

    SubscribeResultNull "subscribe-result-null"
        "The results of resources/subscribe and resources/unsubscribe are null."
        ["resources.subscribe.empty-result", "resources.unsubscribe.empty-result"];
    ResourceUpdateNotSent "resource-update-not-sent"
        "Clients that subscribed to a resource are not told when it changes."
        ["resources.subscribe.update-delivered"];
    ResourceUpdatedToEveryone "resource-updated-to-everyone"
        "Every client is told when a resource changes."
        ["resources.updated.only-when-subscribed"];

    CompletionTooMany "completion-too-many"
        "completion/complete returns all values, also more than 100."
        ["completion.max-100-values"];
    CompletionValuesAsObjects "completion-values-as-objects"
        "completion/complete returns its values as objects."
        ["completion.result-shape"];
    CompletionTotalTooSmall "completion-total-too-small"
        "The total of a completion is one less than the number of its values."
        ["completion.total-consistent"];
    CompletionUnknownPromptEmpty "completion-unknown-prompt-empty"
        "Completion for an unknown prompt returns no values instead of an error."
        ["completion.unknown-prompt-32602"];

    PaginationCursorNull "pagination-cursor-null"
        "The last page has nextCursor null."
        ["pagination.next-cursor-type"];
    PaginationNeverEnds "pagination-never-ends"
        "The last page leads back to the first."
        ["pagination.walk-terminates"];
    PaginationBadCursorIgnored "pagination-bad-cursor-ignored"
        "A cursor that was never handed out gets the first page."
        ["pagination.invalid-cursor-32602"];
    PaginationCursorAsNumber "pagination-cursor-as-number"
        "The cursor of the next page is a number."
        ["pagination.next-cursor-type"];
    PaginationPagesOverlap "pagination-pages-overlap"
        "A page begins with the last entry of the one before."
        ["pagination.walk-terminates"];
    PaginationPageChanges "pagination-page-changes"
        "The entries of later pages are described by how often they were asked for."
        ["pagination.cursor-stable"];
    PaginationNumericCursorServed "pagination-numeric-cursor-served"
        "A number as cursor gets the first page."
        ["pagination.cursor-wrong-type"];

    ResourceNameMissing "resource-name-missing"
        "The first resource of a page has no name."
        ["resources.list.entry-shape"];
    ResourceUriRelative "resource-uri-relative"
        "The third resource of a page has a relative URI."
        ["resources.uri-valid"];
    ResourceListedTwice "resource-listed-twice"
        "resources/list lists one resource twice."
        ["resources.uri-unique"];
    TemplateUriMissing "template-uri-missing"
        "The resource template has no uriTemplate."
        ["resources.templates.entry-shape"];
    ResourceNotReadable "resource-not-readable"
        "The first resource cannot be read."
        ["resources.read.listed-readable"];
    ResourceWithoutContent "resource-without-content"
        "What a resource contains has neither text nor blob."
        ["resources.read.shape"];
    ResourceUnknownWrongCode "resource-unknown-wrong-code"
        "Reading an unknown resource gets the code -32603."
        ["resources.read.not-found-32002"];
    ResourceInvalidUriServed "resource-invalid-uri-served"
        "Reading what is no URI gets a result."
        ["resources.read.invalid-uri-rejected"];
    PromptArgumentsAsObject "prompt-arguments-as-object"
        "The first prompt has its arguments as an object."
        ["prompts.list.entry-shape"];
    PromptListedTwice "prompt-listed-twice"
        "prompts/list lists one prompt twice."
        ["prompts.list.name-unique"];
    PromptRoleSystem "prompt-role-system"
        "The first message of a prompt has the role system."
        ["prompts.get.shape"];
    PromptUnknownWrongCode "prompt-unknown-wrong-code"
        "An unknown prompt gets the code -32603."
        ["prompts.get.unknown-name-32602"];
    PromptWithoutArgumentsServed "prompt-without-arguments-served"
        "A prompt without its required arguments gets a result."
        ["prompts.get.missing-argument-32602"];
    CompletionContextRefused "completion-context-refused"
        "A completion with context is refused."
        ["completion.context-accepted"];
    CompletionWithoutArgumentServed "completion-without-argument-served"
        "A completion without its argument gets a result."
        ["completion.missing-arguments-32602"];

    RootsAskedUndeclared "roots-asked-undeclared"
        "The tool ask_roots sends roots/list to clients that did not declare roots."
        ["roots.capability-checked"];
    SamplingWithoutMaxTokens "sampling-without-max-tokens"
        "sampling/createMessage lacks maxTokens."
        ["sampling.request-shape"];
    ElicitationSchemaNested "elicitation-schema-nested"
        "The schema of an elicitation has an object as property."
        ["elicitation.request-shape", "elicitation.form-request-shape"];
    ElicitationUrlUndeclared "elicitation-url-undeclared"
        "The tool ask_user sends elicitations of the mode url to clients that declared forms only."
        ["elicitation.mode-declared"];
    ServerRequestIdNull "server-request-id-null"
        "Requests to the client have the id null."
        ["jsonrpc.server-request.id-non-null"];

    EventIdsRepeated "event-ids-repeated"
        "Every stream of a session counts its events alike, so that ids repeat."
        ["streamable.resume.event-id-unique"];
    ResumeReplaysForeign "resume-replays-foreign"
        "A client that comes back to one answer gets the events of another."
        ["streamable.resume.no-foreign-replay"];
    ResumeUnknownId500 "resume-unknown-id-500"
        "An unknown Last-Event-ID is answered with 500."
        ["streamable.resume.unknown-event-id-graceful"];
    AnswerNotPrimed "answer-not-primed"
        "A stream that answers a request begins with its first message."
        ["streamable.post.sse-priming-event"];

    AuthChallengeMissing "auth-challenge-missing"
        "With a token set: 401 has no WWW-Authenticate."
        ["http.401-carries-www-authenticate", "auth.www-authenticate-resource-metadata"];
    AuthMetadataProtected "auth-metadata-protected"
        "With a token set: the metadata of the protected resource wants the token too."
        ["auth.resource-metadata-public", "auth.resource-metadata-discoverable"];
    AuthSessionReplacesToken "auth-session-replaces-token"
        "With a token set: a request that names a session needs no token."
        ["auth.every-request-checked"];
    AuthInvalidTokenServed "auth-invalid-token-served"
        "With a token set: any token is taken."
        ["auth.invalid-token-401"];
    AuthQueryTokenTaken "auth-query-token-taken"
        "With a token set: it is taken from the query too."
        ["auth.query-token-refused"];
}
