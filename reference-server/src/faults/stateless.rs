//! The defects of the stateless dialect, 2026-07-28.

/// Hands rows to a macro, with those of the stateless dialect behind them.
macro_rules! with_stateless {
    ($then:ident $($rows:tt)*) => {
        $then! {
            $($rows)*

            StatelessMetaNotRequired "stateless-meta-not-required"
                "A stateless request without _meta is served."
                ["stateless.meta.missing-meta-rejected"];
            StatelessMetaVersionNotRequired "stateless-meta-version-not-required"
                "A stateless request is served although its _meta names no version."
                ["stateless.meta.missing-protocol-version-rejected"];
            StatelessCapabilitiesNotRequired "stateless-capabilities-not-required"
                "A stateless request is served although its _meta declares no capabilities."
                ["stateless.meta.missing-client-capabilities-rejected"];
            StatelessMetaRefusedBy200 "stateless-meta-refused-by-200"
                "Errors about _meta have the status 200."
                ["stateless.meta.missing-field-http-400"];
            StatelessClientInfoRequired "stateless-client-info-required"
                "A stateless request without clientInfo is refused with -32602."
                ["stateless.meta.client-info-optional"];
            StatelessTraceContextRefused "stateless-trace-context-refused"
                "A stateless request with a traceparent is refused with -32602."
                ["stateless.meta.trace-context-accepted"];
            StatelessMetaKeyInvalid "stateless-meta-key-invalid"
                "The _meta of results has a key with a blank and no name."
                ["stateless.meta.key-names-valid"];
            StatelessMetaKeySquatted "stateless-meta-key-squatted"
                "The _meta of results has an invented key under io.modelcontextprotocol."
                ["stateless.meta.reserved-prefix-not-squatted"];
            StatelessTraceparentInvalid "stateless-traceparent-invalid"
                "The _meta of results has a traceparent that is none."
                ["stateless.meta.trace-context-format"];
            StatelessVersionNotChecked "stateless-version-not-checked"
                "A stateless request of any version is served."
                ["stateless.versioning.unsupported-version-rejected"];
            StatelessVersionRefusedBy200 "stateless-version-refused-by-200"
                "The error -32022 has the status 200."
                ["stateless.versioning.unsupported-version-http-400"];
            StatelessVersionSupportedMissing "stateless-version-supported-missing"
                "The error -32022 does not say which versions are supported."
                ["stateless.versioning.unsupported-version-lists-supported"];
            StatelessVersionRequestedMissing "stateless-version-requested-missing"
                "The error -32022 does not say which version was requested."
                ["stateless.versioning.unsupported-version-echoes-requested"];
            StatelessVersionListDiffers "stateless-version-list-differs"
                "The error -32022 lists a version that server/discover does not."
                ["stateless.versioning.supported-list-matches-discover"];
            StatelessVersionHeaderNotRequired "stateless-version-header-not-required"
                "A stateless request without MCP-Protocol-Version is served."
                ["stateless.headers.protocol-version-missing-rejected"];
            StatelessVersionMismatchServed "stateless-version-mismatch-served"
                "A stateless request is served although its header and its _meta name different versions."
                ["stateless.headers.protocol-version-mismatch-rejected"];
            StatelessMethodHeaderNotRequired "stateless-method-header-not-required"
                "A stateless request without Mcp-Method is served."
                ["stateless.headers.method-missing-rejected"];
            StatelessMethodMismatchServed "stateless-method-mismatch-served"
                "A stateless request is served although Mcp-Method names another method."
                ["stateless.headers.method-mismatch-rejected", "stateless.headers.method-value-case-sensitive"];
            StatelessMethodAnyCase "stateless-method-any-case"
                "The value of Mcp-Method is compared without regard to case."
                ["stateless.headers.method-value-case-sensitive"];
            StatelessNameNotRequired "stateless-name-not-required"
                "A stateless request without Mcp-Name is served."
                ["stateless.headers.name-missing-rejected-tools-call", "stateless.headers.name-missing-rejected-prompts-get", "stateless.headers.name-missing-rejected-resources-read"];
            StatelessNameMismatchServed "stateless-name-mismatch-served"
                "A call or prompt is served although Mcp-Name names another."
                ["stateless.headers.name-mismatch-rejected", "stateless.headers.name-value-case-sensitive", "stateless.headers.name-base64-mismatch-rejected"];
            StatelessUriMismatchServed "stateless-uri-mismatch-served"
                "A resource is read although Mcp-Name names another."
                ["stateless.headers.name-mismatch-rejected-uri"];
            StatelessNameAnyCase "stateless-name-any-case"
                "Mcp-Name is compared to a name without regard to case."
                ["stateless.headers.name-value-case-sensitive"];
            StatelessNameLiteral "stateless-name-literal"
                "Mcp-Name is not decoded from base64."
                ["stateless.headers.name-base64-decoded"];
            StatelessBase64Unverified "stateless-base64-unverified"
                "A mirrored header in base64 is not compared to the body."
                ["stateless.headers.name-base64-mismatch-rejected"];
            StatelessBase64MarkerAnyCase "stateless-base64-marker-any-case"
                "The marker of base64 in a header counts in any letter case."
                ["stateless.headers.base64-marker-case-sensitive"];
            StatelessBase64MalformedServed "stateless-base64-malformed-served"
                "A mirrored header with broken base64 is served."
                ["stateless.headers.base64-malformed-rejected"];
            StatelessHalfSentinelDecoded "stateless-half-sentinel-decoded"
                "A mirrored header with the first marker of base64 alone is decoded."
                ["stateless.param-headers.literal-without-full-sentinel"];
            StatelessHeaderRefusedBy200 "stateless-header-refused-by-200"
                "The error -32020 has the status 200."
                ["stateless.headers.rejection-status-400"];
            StatelessHeaderWrongCode "stateless-header-wrong-code"
                "Errors about mirrored headers have the code -32600."
                ["stateless.headers.rejection-code-32020"];
            StatelessParamMismatchServed "stateless-param-mismatch-served"
                "A call is served although Mcp-Param-* differs from its argument."
                ["stateless.param-headers.mismatch-rejected"];
            StatelessParamMissingServed "stateless-param-missing-served"
                "A call is served although Mcp-Param-* is missing."
                ["stateless.param-headers.missing-rejected"];
            StatelessParamNullNeedsHeader "stateless-param-null-needs-header"
                "A null argument needs its Mcp-Param-*."
                ["stateless.param-headers.null-needs-no-header"];
            StatelessParamAbsentNeedsHeader "stateless-param-absent-needs-header"
                "An argument that is left out needs its Mcp-Param-*."
                ["stateless.param-headers.absent-needs-no-header"];
            StatelessParamWithoutArgumentServed "stateless-param-without-argument-served"
                "A call is served although Mcp-Param-* mirrors no argument."
                ["stateless.param-headers.header-without-argument"];
            StatelessParamLiteral "stateless-param-literal"
                "Mcp-Param-* is not decoded from base64."
                ["stateless.param-headers.base64-decoded"];
            StatelessParamBooleanCapitalised "stateless-param-boolean-capitalised"
                "Booleans in Mcp-Param-* have to be True or False."
                ["stateless.param-headers.boolean-lowercase"];
            StatelessParamNestedIgnored "stateless-param-nested-ignored"
                "Mcp-Param-* of nested arguments is not compared."
                ["stateless.param-headers.nested-property-path"];
            StatelessParamIntegerAsText "stateless-param-integer-as-text"
                "Integers in Mcp-Param-* are compared as text."
                ["stateless.param-headers.integer-compared-numerically"];
            StatelessAnnotationEmpty "stateless-annotation-empty"
                "A tool has an x-mcp-header that is empty."
                ["stateless.param-headers.annotation-non-empty"];
            StatelessAnnotationWithBlank "stateless-annotation-with-blank"
                "A tool has an x-mcp-header with a blank."
                ["stateless.param-headers.annotation-token-syntax"];
            StatelessAnnotationTwice "stateless-annotation-twice"
                "A tool has two x-mcp-header that differ in case only."
                ["stateless.param-headers.annotation-unique"];
            StatelessAnnotationOnNumber "stateless-annotation-on-number"
                "A tool has an x-mcp-header at an argument of the type number."
                ["stateless.param-headers.annotation-primitive-type"];
            StatelessAnnotationInItems "stateless-annotation-in-items"
                "A tool has an x-mcp-header at the items of an array."
                ["stateless.param-headers.annotation-statically-reachable"];
            StatelessNotificationAnswered "stateless-notification-answered"
                "Stateless notifications get 200 with a JSON-RPC result."
                ["stateless.jsonrpc.no-response-to-notification", "stateless.http.notification-accepted-202"];
            StatelessUnknownMethodBy200 "stateless-unknown-method-by-200"
                "The error -32601 has the status 200 in stateless answers."
                ["stateless.http.unknown-method-404"];
            StatelessPingServed "stateless-ping-served"
                "A stateless ping is answered with a result."
                ["stateless.http.removed-methods-404"];
            StatelessInitializeServed "stateless-initialize-served"
                "A stateless initialize is answered with a result."
                ["stateless.http.modern-initialize-404"];
            StatelessErrorsStreamed "stateless-errors-streamed"
                "Stateless errors come as an event stream of status 200."
                ["stateless.sse.early-errors-not-streamed"];
            StatelessReservedCode "stateless-reserved-code"
                "A stateless call of an unknown tool gets the code -32050."
                ["stateless.errors.reserved-undefined-codes-not-emitted"];
            StatelessResourceNotFoundRetired "stateless-resource-not-found-retired"
                "A stateless read of an unknown resource gets the code -32002."
                ["stateless.errors.no-32002", "stateless.resources.not-found-32602"];
            StatelessResourceNotFoundEmpty "stateless-resource-not-found-empty"
                "A stateless read of an unknown resource gets no contents instead of an error."
                ["stateless.resources.not-found-not-empty", "stateless.resources.not-found-32602"];
            StatelessResourceUriRelative "stateless-resource-uri-relative"
                "A resource is listed with a URI that is none."
                ["stateless.resources.uri-valid"];
            StatelessSessionIdMinted "stateless-session-id-minted"
                "Stateless answers have an Mcp-Session-Id."
                ["stateless.core.no-session-id-minted"];
            StatelessBufferingAllowed "stateless-buffering-allowed"
                "Stateless streams lack X-Accel-Buffering."
                ["stateless.sse.x-accel-buffering"];
            StatelessDiscoverMissing "stateless-discover-missing"
                "There is no server/discover."
                ["stateless.discover.implemented"];
            StatelessDiscoverVersionsAsText "stateless-discover-versions-as-text"
                "supportedVersions is a string."
                ["stateless.discover.supported-versions"];
            StatelessDiscoverServedVersionMissing "stateless-discover-served-version-missing"
                "supportedVersions lacks 2026-07-28."
                ["stateless.discover.includes-served-version"];
            StatelessDiscoverVersionNotServed "stateless-discover-version-not-served"
                "supportedVersions has a version that is not served."
                ["stateless.versioning.advertised-version-served"];
            StatelessDiscoverNoCapabilities "stateless-discover-no-capabilities"
                "The result of server/discover lacks capabilities."
                ["stateless.discover.capabilities-object"];
            StatelessDiscoverInstructionsNull "stateless-discover-instructions-null"
                "The instructions of server/discover are null."
                ["stateless.discover.instructions-string"];
            StatelessDiscoverInfoInBody "stateless-discover-info-in-body"
                "The result of server/discover has serverInfo beside _meta."
                ["stateless.discover.no-body-server-info"];
            StatelessToolsUndeclared "stateless-tools-undeclared"
                "server/discover does not declare tools."
                ["stateless.tools.capability-declared"];
            StatelessPromptsUndeclared "stateless-prompts-undeclared"
                "server/discover does not declare prompts."
                ["stateless.prompts.capability-declared"];
            StatelessResourcesUndeclared "stateless-resources-undeclared"
                "server/discover does not declare resources."
                ["stateless.resources.capability-declared"];
            StatelessCompletionsUndeclared "stateless-completions-undeclared"
                "server/discover does not declare completions."
                ["stateless.completion.capability-declared"];
            StatelessLoggingUndeclared "stateless-logging-undeclared"
                "server/discover does not declare logging."
                ["stateless.logging.capability-declared"];
            StatelessExtensionWithoutPrefix "stateless-extension-without-prefix"
                "server/discover declares an extension whose id has no prefix."
                ["stateless.versioning.extension-ids-well-formed"];
            StatelessResultTypeMissing "stateless-result-type-missing"
                "Stateless results lack resultType."
                ["stateless.result.result-type-present"];
            StatelessResultTypeUnknown "stateless-result-type-unknown"
                "Stateless results have an invented resultType."
                ["stateless.result.result-type-known"];
            StatelessServerInfoMissing "stateless-server-info-missing"
                "Stateless results do not say which server they are from."
                ["stateless.result.server-info-in-meta"];
            StatelessServerInfoAsText "stateless-server-info-as-text"
                "Stateless results name their server as a string."
                ["stateless.result.server-info-shape"];
            StatelessDiscoverNoHints "stateless-discover-no-hints"
                "server/discover has no cache hints."
                ["stateless.caching.hints-on-discover"];
            StatelessToolsNoHints "stateless-tools-no-hints"
                "tools/list has no cache hints."
                ["stateless.caching.hints-on-tools-list"];
            StatelessPromptsNoHints "stateless-prompts-no-hints"
                "prompts/list has no cache hints."
                ["stateless.caching.hints-on-prompts-list"];
            StatelessResourcesNoHints "stateless-resources-no-hints"
                "resources/list has no cache hints."
                ["stateless.caching.hints-on-resources-list"];
            StatelessTemplatesNoHints "stateless-templates-no-hints"
                "resources/templates/list has no cache hints."
                ["stateless.caching.hints-on-resource-templates-list"];
            StatelessReadNoHints "stateless-read-no-hints"
                "resources/read has no cache hints."
                ["stateless.caching.hints-on-resources-read"];
            StatelessTtlNegative "stateless-ttl-negative"
                "Cache hints have a negative ttlMs."
                ["stateless.caching.ttl-non-negative-integer"];
            StatelessScopeUnknown "stateless-scope-unknown"
                "Cache hints have an invented cacheScope."
                ["stateless.caching.scope-enum"];
            StatelessScopeChanges "stateless-scope-changes"
                "The last page of a list has another cacheScope than the first."
                ["stateless.caching.same-scope-on-all-pages"];
            StatelessRequestOnStream "stateless-request-on-stream"
                "A stateless answer stream begins with a request."
                ["stateless.jsonrpc.no-server-initiated-requests", "stateless.sse.no-requests-on-stream"];
            StatelessForeignNotification "stateless-foreign-notification"
                "A stateless answer stream begins with a notification about something else."
                ["stateless.sse.only-request-related-notifications"];
            StatelessCancelledSent "stateless-cancelled-sent"
                "A stateless answer stream begins with notifications/cancelled."
                ["stateless.cancel.no-server-cancelled-notifications", "stateless.sse.only-request-related-notifications"];
            StatelessResponseTwice "stateless-response-twice"
                "A stateless answer stream has the response twice."
                ["stateless.jsonrpc.one-response-per-request"];
            StatelessEventIds "stateless-event-ids"
                "The response on a stateless answer stream has an event id."
                ["stateless.sse.no-resumption-ids"];
            StatelessProgressStalls "stateless-progress-stalls"
                "The progress of a stateless request does not grow."
                ["stateless.progress.strictly-increasing"];
            StatelessProgressTokenAsText "stateless-progress-token-as-text"
                "Stateless progress has its token as a string."
                ["stateless.progress.token-type-preserved"];
            StatelessLogUnasked "stateless-log-unasked"
                "Stateless log messages are sent although no level was asked for."
                ["stateless.logging.silent-without-log-level"];
            StatelessLogLevelIgnored "stateless-log-level-ignored"
                "Stateless log messages below the level that was asked for are sent."
                ["stateless.logging.level-threshold"];
            StatelessListenMissing "stateless-listen-missing"
                "There is no subscriptions/listen."
                ["stateless.subscriptions.listen-implemented"];
            StatelessListenAsJson "stateless-listen-as-json"
                "subscriptions/listen is answered with a result at once."
                ["stateless.subscriptions.sse-response"];
            StatelessListenFilterOptional "stateless-listen-filter-optional"
                "subscriptions/listen without notifications is served."
                ["stateless.subscriptions.missing-filter-rejected"];
            StatelessListenWithLog "stateless-listen-with-log"
                "A subscription has a log message and progress."
                ["stateless.progress.on-request-stream-only", "stateless.subscriptions.no-request-scoped-notifications", "stateless.logging.only-on-own-stream"];
            StatelessListenUntagged "stateless-listen-untagged"
                "The messages of a subscription lack its id."
                ["stateless.subscriptions.all-notifications-tagged"];
            StatelessListenForeignId "stateless-listen-foreign-id"
                "The messages of all subscriptions have the id of the oldest."
                ["stateless.subscriptions.concurrent-isolated"];
            StatelessListenUnrequested "stateless-listen-unrequested"
                "List changes go to subscriptions that did not ask for them."
                ["stateless.subscriptions.unrequested-types-not-sent"];
            StatelessListenAllResources "stateless-listen-all-resources"
                "An updated resource is told to subscriptions that named others."
                ["stateless.subscriptions.updates-only-for-listed-uris"];
            StatelessAcknowledgedLate "stateless-acknowledged-late"
                "A subscription begins with a message before its acknowledgement."
                ["stateless.subscriptions.ack-first"];
            StatelessAcknowledgedWithoutId "stateless-acknowledged-without-id"
                "The acknowledgement of a subscription lacks its id."
                ["stateless.subscriptions.ack-has-subscription-id"];
            StatelessAcknowledgedWithoutFilter "stateless-acknowledged-without-filter"
                "The acknowledgement of a subscription lacks the filter."
                ["stateless.subscriptions.ack-filter-present"];
            StatelessAcknowledgedTooMuch "stateless-acknowledged-too-much"
                "The acknowledgement of a subscription names more than was asked for."
                ["stateless.subscriptions.ack-subset-of-request"];
            StatelessSubscriptionIdAsText "stateless-subscription-id-as-text"
                "An integer id of a subscription comes back as a string."
                ["stateless.subscriptions.id-equals-request-id"];
            StatelessInputOnList "stateless-input-on-list"
                "prompts/list asks for input."
                ["stateless.mrtr.only-on-supported-methods"];
            StatelessInputUndeclared "stateless-input-undeclared"
                "Input is asked for although the client did not declare that it can give it."
                ["stateless.mrtr.undeclared-capability-not-requested", "stateless.mrtr.missing-capability-32021"];
            StatelessCapabilityRefusedBy200 "stateless-capability-refused-by-200"
                "The error -32021 has the status 200."
                ["stateless.mrtr.missing-capability-http-400"];
            StatelessCapabilityUnnamed "stateless-capability-unnamed"
                "The error -32021 does not say which capability is missing."
                ["stateless.mrtr.missing-capability-names-it"];
            StatelessStateNotText "stateless-state-not-text"
                "requestState is an object."
                ["stateless.mrtr.request-state-string"];
            StatelessStateNotVerified "stateless-state-not-verified"
                "Any requestState is accepted."
                ["stateless.mrtr.tampered-state-rejected", "stateless.mrtr.state-bound-to-request"];
            StatelessInputEmpty "stateless-input-empty"
                "input_required comes without requests and state."
                ["stateless.mrtr.has-requests-or-state"];
            StatelessInputAsList "stateless-input-as-list"
                "inputRequests is an array."
                ["stateless.mrtr.input-requests-shape"];
            StatelessInputNeverDone "stateless-input-never-done"
                "A call with all answers is asked again."
                ["stateless.mrtr.retry-completes"];
            StatelessSessionIdRefused "stateless-session-id-refused"
                "A stateless request with an Mcp-Session-Id is refused."
                ["stateless.core.session-id-ignored"];
            StatelessLastEventIdRefused "stateless-last-event-id-refused"
                "A stateless request with Last-Event-ID is refused."
                ["stateless.http.last-event-id-ignored"];
            StatelessErrorIdNull "stateless-error-id-null"
                "Stateless errors have the id null."
                ["stateless.jsonrpc.error-id-echoed"];
            StatelessGetServed "stateless-get-served"
                "GET and DELETE are answered with 200 where no session is served."
                ["stateless.http.get-405", "stateless.http.delete-405"];
            StatelessResponsesTaken "stateless-responses-taken"
                "A stateless POST of a response is answered with 202."
                ["stateless.jsonrpc.posted-response-refused"];
            StatelessMalformedTaken "stateless-malformed-taken"
                "A stateless POST of what is no message is answered with 200."
                ["stateless.jsonrpc.invalid-request-rejected", "stateless.jsonrpc.batch-refused", "stateless.jsonrpc.parse-error-rejected", "stateless.http.notification-refused-with-error-status"];
            StatelessNotificationsFatal "stateless-notifications-fatal"
                "Stateless notifications get 500."
                ["stateless.cancel.notification-tolerated", "stateless.cancel.invalid-notification-ignored", "stateless.http.notification-accepted-202"];
            StatelessHandshakeUnexplained "stateless-handshake-unexplained"
                "The error to the initialize of an older client names no version."
                ["stateless.versioning.initialize-error-names-versions"];
            StatelessUnknownCapabilityRefused "stateless-unknown-capability-refused"
                "A stateless request that declares an unknown capability is refused with -32602."
                ["stateless.meta.unknown-client-capabilities-tolerated"];
            StatelessCapabilitiesAnyType "stateless-capabilities-any-type"
                "A stateless request is served although its capabilities are no object."
                ["stateless.meta.wrong-typed-fields-rejected"];
            StatelessCompletionMissing "stateless-completion-missing"
                "There is no completion/complete, although it is declared."
                ["stateless.completion.capability-declared"];
            StatelessUndeclaredMisrefused "stateless-undeclared-misrefused"
                "Lists are not declared, and refused with -32602."
                ["stateless.http.unadvertised-capability-method-not-found"];
            StatelessParamUnknownRefused "stateless-param-unknown-refused"
                "A call with an Mcp-Param-* that its tool does not declare is refused."
                ["stateless.param-headers.unknown-ignored"];
            StatelessDiscoverUnstable "stateless-discover-unstable"
                "Every server/discover declares another capability."
                ["stateless.discover.stable-across-requests"];
            StatelessToolsOrderUnstable "stateless-tools-order-unstable"
                "Every tools/list with an odd id is in the opposite order."
                ["stateless.tools.deterministic-order"];
            StatelessPromptNameless "stateless-prompt-nameless"
                "The last prompt is listed without a name."
                ["stateless.prompts.item-shape"];
            StatelessPromptRoleUnknown "stateless-prompt-role-unknown"
                "The messages of prompts have the role system."
                ["stateless.prompts.get-result-shape"];
            StatelessPromptUnknownInternal "stateless-prompt-unknown-internal"
                "A stateless prompts/get of an unknown prompt gets -32603."
                ["stateless.prompts.unknown-name-32602"];
            StatelessResourceNameless "stateless-resource-nameless"
                "The last resource is listed without a name."
                ["stateless.resources.item-shape"];
            StatelessContentsBare "stateless-contents-bare"
                "What resources/read returns has neither text nor blob."
                ["stateless.resources.read-result-shape"];
            StatelessTemplateBare "stateless-template-bare"
                "Resource templates are listed without uriTemplate."
                ["stateless.resources.templates-list-shape"];
            StatelessResourcesNull "stateless-resources-null"
                "The resources of resources/list are null."
                ["stateless.resources.list-served"];
            StatelessListenIdsRemembered "stateless-listen-ids-remembered"
                "The id of a subscription cannot be used again if it is 1000 or more."
                ["stateless.subscriptions.no-state-after-disconnect", "stateless.core.same-id-from-different-clients"];
            StatelessListenEmptyRefused "stateless-listen-empty-refused"
                "A subscription that asks for nothing is refused."
                ["stateless.subscriptions.empty-filter-accepted"];
            StatelessListenEnds "stateless-listen-ends"
                "A subscription ends after its acknowledgement."
                ["stateless.subscriptions.sse-response"];
            StatelessResults201 "stateless-results-201"
                "Stateless results have the status 201."
                ["stateless.http.success-status-200"];
            StatelessUrlCodeRetired "stateless-url-code-retired"
                "A missing capability gets the code -32042."
                ["stateless.errors.no-32042", "stateless.mrtr.missing-capability-32021"];
            StatelessProgressUnasked "stateless-progress-unasked"
                "A stateless answer stream begins with progress that nobody asked for, and that is no number."
                ["stateless.progress.none-without-token", "stateless.progress.shape", "stateless.progress.token-type-preserved"];
            StatelessQuestionWordless "stateless-question-wordless"
                "A question to the user has no message."
                ["stateless.elicitation.message-present"];
            StatelessInputCached "stateless-input-cached"
                "input_required has cache hints."
                ["stateless.caching.input-required-has-no-hints"];
            StatelessInputAnyType "stateless-input-any-type"
                "inputResponses that are no object are taken for an answer."
                ["stateless.mrtr.malformed-responses-error"];
            StatelessLevelUnchecked "stateless-level-unchecked"
                "A stateless request with an invented logLevel is served."
                ["stateless.logging.invalid-level-32602"];
            StatelessCursorsRefused "stateless-cursors-refused"
                "Cursors are refused, also those that were handed out."
                ["stateless.pagination.cursor-continues"];
            StatelessAnswersMissingRefused "stateless-answers-missing-refused"
                "A call whose inputResponses lack an answer is refused instead of asked again."
                ["stateless.mrtr.missing-response-re-requested"];
            StatelessNeverAcknowledged "stateless-never-acknowledged"
                "A subscription is not acknowledged."
                ["stateless.subscriptions.ack-first"];
        }
    };
}
