//! The rules of 2026-07-28 that hold on all traffic. Only what answers a request in good form is judged: one that names its
//! revision in header and `_meta`, as a client of that revision does.

use serde_json::{Map, Value};

use super::meta;
use super::rules::{
    Judgement, Rule, Seen, What, all_blocks, all_messages, clip, is_error, is_response,
    sent_message,
};
use crate::protocol::MessageKind;
use crate::transport::Exchange;

/// Error codes that this revision defines in its own range (basic/index#error-codes).
const DEFINED_CODES: [i64; 3] = [-32020, -32021, -32022];
/// Methods that this revision defines; what a server answers to others is its own affair.
const METHODS: [&str; 10] = [
    "server/discover",
    "tools/list",
    "tools/call",
    "prompts/list",
    "prompts/get",
    "resources/list",
    "resources/templates/list",
    "resources/read",
    "completion/complete",
    LISTEN,
];
/// Methods whose result may ask for input (basic/patterns/mrtr).
const MAY_ASK: [&str; 3] = ["tools/call", "prompts/get", "resources/read"];
/// Severities of log messages, the least first (server/utilities/logging).
const LEVELS: [&str; 8] = [
    "debug",
    "info",
    "notice",
    "warning",
    "error",
    "critical",
    "alert",
    "emergency",
];
const LISTEN: &str = "subscriptions/listen";
const LOG: &str = "notifications/message";
const PROGRESS: &str = "notifications/progress";
const CANCELLED: &str = "notifications/cancelled";
const ACKNOWLEDGED: &str = "notifications/subscriptions/acknowledged";

/// Rules of which the catalogue says that a violation is no more than a warning.
pub(super) const NEVER_FAILED: [&str; 1] = ["reserved-meta-keys-are-known"];

/// Every rule.
pub(super) const RULES: [Rule; 33] = [
    Rule {
        slug: "results-name-their-kind",
        requirements: &["stateless.result.result-type-present"],
        expected: "a string as resultType of every result",
        judge: |seen| {
            all_results(seen, |_, result| {
                result.get("resultType").is_some_and(Value::is_string)
            })
        },
    },
    Rule {
        slug: "kinds-of-results-are-known",
        requirements: &["stateless.result.result-type-known"],
        expected: "complete or input_required as resultType, since this client declares no extension",
        judge: |seen| {
            all_results(seen, |_, result| {
                let kind = result.get("resultType").and_then(Value::as_str);
                kind.is_none_or(|kind| ["complete", "input_required"].contains(&kind))
            })
        },
    },
    Rule {
        slug: "input-asked-where-it-may-be",
        requirements: &["stateless.mrtr.only-on-supported-methods"],
        expected: "input_required in answer to tools/call, prompts/get and resources/read only",
        judge: |seen| {
            all_results(seen, |method, result| {
                MAY_ASK.contains(&method) || !asks_input(result)
            })
        },
    },
    Rule {
        slug: "results-name-the-server",
        requirements: &["stateless.result.server-info-in-meta"],
        expected: "io.modelcontextprotocol/serverInfo in _meta of every result",
        judge: |seen| all_results(seen, |_, result| server_info(result).is_some()),
    },
    Rule {
        slug: "server-info-shape",
        requirements: &["stateless.result.server-info-shape"],
        expected: "an object with the strings name and version",
        judge: |seen| {
            all_results(seen, |_, result| {
                let is_string = |info: &Value, name| {
                    info.get(name)
                        .is_some_and(|value: &Value| value.is_string())
                };
                server_info(result)
                    .is_none_or(|info| is_string(info, "name") && is_string(info, "version"))
            })
        },
    },
    Rule {
        slug: "meta-keys-well-formed",
        requirements: &["stateless.meta.key-names-valid"],
        expected: "keys of _meta with an optional prefix of labels and a name",
        judge: |seen| {
            all_meta(seen, |meta| {
                meta.keys().all(|key| meta::is_well_formed(key))
            })
        },
    },
    Rule {
        slug: "reserved-meta-keys-are-known",
        requirements: &["stateless.meta.reserved-prefix-not-squatted"],
        expected: "no key of its own under a prefix that the protocol reserves",
        judge: |seen| all_meta(seen, |meta| !meta.keys().any(|key| meta::is_squatted(key))),
    },
    Rule {
        slug: "traceparent-well-formed",
        requirements: &["stateless.meta.trace-context-format"],
        expected: "traceparent in the form of W3C Trace Context",
        judge: |seen| {
            let mut found = meta::all(&seen.messages())
                .into_iter()
                .filter_map(|meta| meta.get("traceparent"))
                .map(|value| match value.as_str() {
                    Some(text) if meta::is_traceparent(text) => Ok(()),
                    _ => Err(clip(value)),
                })
                .peekable();
            found.peek()?;
            Some(found.collect())
        },
    },
    Rule {
        slug: "no-undefined-reserved-codes",
        requirements: &["stateless.errors.reserved-undefined-codes-not-emitted"],
        expected: "of the codes -32020 to -32099 those that the revision defines",
        judge: |seen| {
            all_codes(seen, |code| {
                !(-32099..=-32020).contains(&code) || DEFINED_CODES.contains(&code)
            })
        },
    },
    Rule {
        slug: "no-retired-code-32002",
        requirements: &["stateless.errors.no-32002"],
        expected: "no error -32002",
        judge: |seen| all_codes(seen, |code| code != -32002),
    },
    Rule {
        slug: "no-retired-code-32042",
        requirements: &["stateless.errors.no-32042"],
        expected: "no error -32042",
        judge: |seen| all_codes(seen, |code| code != -32042),
    },
    Rule {
        slug: "header-errors-are-400",
        requirements: &["stateless.headers.rejection-status-400"],
        expected: "status 400 with the error -32020",
        judge: |seen| {
            let exchange = seen.exchange()?;
            let code = exchange.response()?.pointer("/error/code")?.as_i64()?;
            (code == -32020).then(|| match exchange.status() {
                Some(400) => Ok(()),
                _ => Err(exchange.describe()),
            })
        },
    },
    Rule {
        slug: "refusals-are-not-streamed",
        requirements: &["stateless.sse.early-errors-not-streamed"],
        expected: "no event stream for an error that has a status of its own",
        judge: |seen| {
            let exchange = seen.exchange()?;
            let reply = exchange.reply()?;
            let code = exchange.response()?.pointer("/error/code")?.as_i64()?;
            [-32020, -32022, -32601].contains(&code).then(|| {
                if reply.status == 200 && reply.is_event_stream() {
                    Err(exchange.describe())
                } else {
                    Ok(())
                }
            })
        },
    },
    Rule {
        slug: "results-have-status-200",
        requirements: &["stateless.http.success-status-200"],
        expected: "status 200 with every result",
        judge: |seen| {
            let exchange = modern(seen)?;
            exchange.result()?;
            Some(match exchange.status() {
                Some(200) => Ok(()),
                _ => Err(exchange.describe()),
            })
        },
    },
    Rule {
        slug: "ttl-is-a-whole-number",
        requirements: &["stateless.caching.ttl-non-negative-integer"],
        expected: "a whole number not below zero as ttlMs",
        judge: |seen| {
            all_members(seen, "ttlMs", |value| {
                value
                    .as_f64()
                    .is_some_and(|ttl| ttl >= 0.0 && ttl.fract() == 0.0)
            })
        },
    },
    Rule {
        slug: "cache-scope-is-known",
        requirements: &["stateless.caching.scope-enum"],
        expected: "public or private as cacheScope",
        judge: |seen| {
            all_members(seen, "cacheScope", |value| {
                ["public", "private"].map(Value::from).contains(value)
            })
        },
    },
    Rule {
        slug: "cursors-are-text",
        requirements: &["stateless.pagination.next-cursor-string"],
        expected: "a string as nextCursor",
        judge: |seen| all_members(seen, "nextCursor", Value::is_string),
    },
    Rule {
        slug: "no-requests-from-the-server",
        requirements: &["stateless.jsonrpc.no-server-initiated-requests"],
        expected: "no request from the server",
        judge: |seen| {
            streamed(
                seen,
                |_| true,
                |message| MessageKind::of(message) != MessageKind::Request || is_notice(message),
            )
        },
    },
    Rule {
        slug: "notifications-without-id",
        requirements: &["stateless.jsonrpc.server-notifications-have-no-id"],
        expected: "no id in a notification",
        judge: |seen| streamed(seen, is_notice, |message| message.get("id").is_none()),
    },
    Rule {
        slug: "answers-carry-own-notifications",
        requirements: &["stateless.sse.only-request-related-notifications"],
        expected: "progress and log messages only before the response of a request",
        judge: |seen| {
            let message = sent_message(modern(seen)?)?;
            if method_of(&message) == LISTEN {
                return None;
            }
            // Cancellations are another rule's matter.
            streamed(
                seen,
                |message| is_notice(message) && method_of(message) != CANCELLED,
                |message| [PROGRESS, LOG].contains(&method_of(message)),
            )
        },
    },
    Rule {
        slug: "server-cancels-nothing",
        requirements: &["stateless.cancel.no-server-cancelled-notifications"],
        expected: "no notifications/cancelled on the answer to a request",
        judge: |seen| {
            modern(seen)?;
            streamed(seen, |_| true, |message| method_of(message) != CANCELLED)
        },
    },
    Rule {
        slug: "streams-forbid-buffering",
        requirements: &["stateless.sse.x-accel-buffering"],
        expected: "X-Accel-Buffering: no on an event stream",
        judge: |seen| {
            let reply = modern(seen)?.reply()?;
            let value = reply.headers.get("x-accel-buffering");
            reply.is_event_stream().then(|| match value {
                Some(value) if value.trim().eq_ignore_ascii_case("no") => Ok(()),
                value => Err(format!("X-Accel-Buffering {}", value.unwrap_or("absent"))),
            })
        },
    },
    Rule {
        slug: "events-have-no-id",
        requirements: &["stateless.sse.no-resumption-ids"],
        expected: "neither id nor retry in events, since no stream can be resumed",
        judge: |seen| {
            if matches!(seen.what, What::Exchange(_)) {
                modern(seen)?;
            }
            all_blocks(
                seen,
                |_| true,
                |block| block.block.lines.id == 0 && block.block.lines.retry == 0,
            )
        },
    },
    Rule {
        slug: "no-session-ids",
        requirements: &["stateless.core.no-session-id-minted"],
        expected: "no Mcp-Session-Id",
        judge: |seen| {
            let reply = modern(seen)?.reply()?;
            Some(match reply.headers.get("mcp-session-id") {
                None => Ok(()),
                Some(_) => Err("an Mcp-Session-Id".to_owned()),
            })
        },
    },
    Rule {
        slug: "log-messages-only-where-asked-for",
        requirements: &["stateless.logging.silent-without-log-level"],
        expected: "no log message without io.modelcontextprotocol/logLevel in the request",
        judge: |seen| {
            let silent =
                requested_meta(modern(seen)?, "io.modelcontextprotocol/logLevel").is_none();
            silent
                .then(|| streamed(seen, |_| true, |message| method_of(message) != LOG))
                .flatten()
        },
    },
    Rule {
        slug: "log-levels-kept",
        requirements: &["stateless.logging.level-threshold"],
        expected: "no log message below the level that was asked for",
        judge: |seen| {
            let asked = requested_meta(modern(seen)?, "io.modelcontextprotocol/logLevel")?;
            let least = severity(&asked)?;
            let severity_of = |message: &Value| message.pointer("/params/level").and_then(severity);
            streamed(
                seen,
                |message| method_of(message) == LOG && severity_of(message).is_some(),
                |message| severity_of(message) >= Some(least),
            )
        },
    },
    Rule {
        slug: "log-message-shape",
        requirements: &["stateless.logging.message-shape"],
        expected: "a known level, data, and a string as logger if there is one",
        judge: |seen| {
            streamed(
                seen,
                |message| method_of(message) == LOG,
                |message| {
                    let member = |name: &str| message.get("params")?.get(name);
                    member("level").and_then(severity).is_some()
                        && member("data").is_some()
                        && member("logger").is_none_or(Value::is_string)
                },
            )
        },
    },
    Rule {
        slug: "progress-only-where-asked-for",
        requirements: &["stateless.progress.none-without-token"],
        expected: "no progress for a request without progressToken",
        judge: |seen| {
            let silent = requested_meta(modern(seen)?, "progressToken").is_none();
            silent
                .then(|| streamed(seen, |_| true, |message| method_of(message) != PROGRESS))
                .flatten()
        },
    },
    Rule {
        slug: "progress-token-comes-back",
        requirements: &["stateless.progress.token-type-preserved"],
        expected: "the progressToken of the request, with value and type",
        judge: |seen| {
            let asked = requested_meta(modern(seen)?, "progressToken")?;
            streamed(
                seen,
                |message| method_of(message) == PROGRESS,
                |message| message.pointer("/params/progressToken") == Some(&asked),
            )
        },
    },
    Rule {
        slug: "progress-shape",
        requirements: &["stateless.progress.shape"],
        expected: "a number as progress, and as total if there is one, and a string as message",
        judge: |seen| {
            streamed(
                seen,
                |message| method_of(message) == PROGRESS,
                |message| {
                    let member = |name: &str| message.get("params")?.get(name);
                    member("progress").is_some_and(Value::is_number)
                        && member("total").is_none_or(Value::is_number)
                        && member("message").is_none_or(Value::is_string)
                },
            )
        },
    },
    Rule {
        slug: "progress-grows",
        requirements: &["stateless.progress.strictly-increasing"],
        expected: "a greater progress in every notification",
        judge: |seen| {
            modern(seen)?;
            let steps: Vec<f64> = seen
                .messages()
                .into_iter()
                .filter(|message| method_of(message) == PROGRESS)
                .filter_map(|message| message.pointer("/params/progress")?.as_f64())
                .collect();
            (steps.len() > 1).then(|| {
                if steps.is_sorted_by(|before, after| before < after) {
                    Ok(())
                } else {
                    Err(format!("{steps:?}"))
                }
            })
        },
    },
    Rule {
        slug: "subscriptions-carry-no-progress-or-log",
        requirements: &["stateless.subscriptions.no-request-scoped-notifications"],
        expected: "neither progress nor log messages on the stream of subscriptions/listen",
        judge: |seen| {
            on_subscription(seen, is_notice, |message| {
                ![PROGRESS, LOG].contains(&method_of(message))
            })
        },
    },
    Rule {
        slug: "subscriptions-tag-all-notifications",
        requirements: &["stateless.subscriptions.all-notifications-tagged"],
        expected: "io.modelcontextprotocol/subscriptionId in _meta of every notification",
        judge: |seen| {
            // The acknowledgement has a rule of its own, and requests of the server as well.
            on_subscription(
                seen,
                |message| {
                    is_notice(message)
                        && ![ACKNOWLEDGED, PROGRESS, LOG].contains(&method_of(message))
                },
                |message| {
                    message
                        .pointer("/params/_meta/io.modelcontextprotocol~1subscriptionId")
                        .is_some()
                },
            )
        },
    },
];

/// The exchange, if its request is one that a client of this revision sends.
fn modern<'a>(seen: &Seen<'a>) -> Option<&'a Exchange> {
    let exchange = seen.exchange()?;
    let version = exchange.request.headers.get("mcp-protocol-version")?;
    let named = requested_meta(exchange, "io.modelcontextprotocol/protocolVersion")?;
    (version == seen.revision.as_str() && named == version).then_some(exchange)
}

/// A member of `_meta` of the request.
fn requested_meta(exchange: &Exchange, name: &str) -> Option<Value> {
    let message = sent_message(exchange)?;
    message.get("params")?.get("_meta")?.get(name).cloned()
}

fn method_of(message: &Value) -> &str {
    message
        .get("method")
        .and_then(Value::as_str)
        .unwrap_or_default()
}

/// A notification, also one that has an id by mistake.
fn is_notice(message: &Value) -> bool {
    method_of(message).starts_with("notifications/")
}

fn asks_input(result: &Value) -> bool {
    result.get("resultType") == Some(&Value::from("input_required"))
}

fn server_info(result: &Value) -> Option<&Value> {
    result
        .get("_meta")?
        .get("io.modelcontextprotocol/serverInfo")
}

fn severity(level: &Value) -> Option<usize> {
    let level = level.as_str()?;
    LEVELS.iter().position(|known| *known == level)
}

/// Judges the result of a request in good form, by its method, where the revision defines that.
fn all_results(seen: &Seen<'_>, holds: impl Fn(&str, &Value) -> bool) -> Judgement {
    let exchange = modern(seen)?;
    let result = exchange.result().filter(|result| result.is_object())?;
    let message = sent_message(exchange)?;
    let method = method_of(&message);
    METHODS.contains(&method).then(|| {
        if holds(method, result) {
            Ok(())
        } else {
            Err(format!("{} to {method}", clip(result)))
        }
    })
}

/// Judges a member of results wherever it stands.
fn all_members(seen: &Seen<'_>, name: &str, holds: impl Fn(&Value) -> bool) -> Judgement {
    let hint = modern(seen)?.result()?.get(name)?;
    Some(if holds(hint) {
        Ok(())
    } else {
        Err(format!("{name} {}", clip(hint)))
    })
}

fn all_codes(seen: &Seen<'_>, holds: impl Fn(i64) -> bool) -> Judgement {
    modern(seen)?;
    let code_of = |message: &Value| message.pointer("/error/code").and_then(Value::as_i64);
    all_messages(seen, is_error, |message| {
        code_of(message).is_none_or(&holds)
    })
}

fn all_meta(seen: &Seen<'_>, holds: impl Fn(&Map<String, Value>) -> bool) -> Judgement {
    if matches!(seen.what, What::Exchange(_)) {
        modern(seen)?;
    }
    let mut judged = meta::all(&seen.messages())
        .into_iter()
        .map(|meta| {
            if holds(meta) {
                Ok(())
            } else {
                Err(clip(&Value::Object(meta.clone())))
            }
        })
        .peekable();
    judged.peek()?;
    Some(judged.collect())
}

/// Judges messages of an event stream: of the answer to a request in good form, or of a subscription.
fn streamed(
    seen: &Seen<'_>,
    about: impl Fn(&Value) -> bool,
    holds: impl Fn(&Value) -> bool,
) -> Judgement {
    if matches!(seen.what, What::Exchange(_)) {
        let streams = modern(seen)?.reply()?.is_event_stream();
        streams.then_some(())?;
    }
    all_messages(seen, about, holds)
}

/// Judges messages of a subscription.
fn on_subscription(
    seen: &Seen<'_>,
    about: impl Fn(&Value) -> bool,
    holds: impl Fn(&Value) -> bool,
) -> Judgement {
    match seen.what {
        What::Exchange(_) => None,
        What::Stream { .. } => all_messages(
            seen,
            |message| !is_response(message) && about(message),
            holds,
        ),
    }
}
