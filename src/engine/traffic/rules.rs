//! The rules that hold on all traffic, and how each is judged.

use serde_json::Value;

use crate::excerpt::quote;
use crate::protocol::dialect::VERSION_HEADER;
use crate::protocol::jsonrpc::same_id;
use crate::protocol::{MessageKind, Revision};
use crate::transport::exchange::SseBlock;
use crate::transport::{Arrival, BodyEnd, Exchange, Failure};

/// Something that was seen, at a revision.
pub(super) struct Seen<'a> {
    pub(super) revision: Revision,
    pub(super) what: What<'a>,
}

/// Things that are judged.
pub(super) enum What<'a> {
    /// A request and its reply.
    Exchange(&'a Exchange),
    /// A session's stream, from its opening to its end.
    Stream {
        /// Whether it goes on with an earlier stream, also one that answered a request.
        resumes: bool,
        arrivals: &'a [Arrival],
        end: Option<&'a BodyEnd>,
        unterminated: bool,
    },
}

impl<'a> Seen<'a> {
    pub(super) fn exchange(&self) -> Option<&'a Exchange> {
        match self.what {
            What::Exchange(exchange) => Some(exchange),
            What::Stream { .. } => None,
        }
    }

    /// The messages in it, in order.
    pub(super) fn messages(&self) -> Vec<&'a Value> {
        match self.what {
            What::Exchange(exchange) => exchange
                .reply()
                .map_or(&[][..], |reply| &reply.messages)
                .iter()
                .collect(),
            What::Stream { arrivals, .. } => arrivals
                .iter()
                .filter_map(|arrival| arrival.message.as_ref())
                .collect(),
        }
    }

    /// The blocks of the event stream in it, in order.
    fn blocks(&self) -> Vec<&'a SseBlock> {
        match self.what {
            What::Exchange(exchange) => exchange
                .reply()
                .map_or(&[][..], |reply| &reply.blocks)
                .iter()
                .collect(),
            What::Stream { arrivals, .. } => {
                arrivals.iter().map(|arrival| &arrival.block).collect()
            }
        }
    }
}

/// `Some(Ok)` for something that holds, `Some(Err(got))` for a violation, `None` for what the rule is not about.
pub(super) type Judgement = Option<Result<(), String>>;

/// A rule: the check's slug, the requirements behind it, each for its revisions, and how something that was seen is judged.
pub(super) struct Rule {
    pub(super) slug: &'static str,
    pub(super) requirements: &'static [&'static str],
    pub(super) expected: &'static str,
    pub(super) judge: fn(&Seen<'_>) -> Judgement,
}

/// Every rule.
pub(super) const RULES: [Rule; 25] = [
    Rule {
        slug: "every-request-answered-once",
        requirements: &[
            "jsonrpc.exactly-one-response",
            "stateless.jsonrpc.one-response-per-request",
        ],
        expected: "one response to every request",
        judge: answered_once,
    },
    Rule {
        slug: "jsonrpc-is-2-0",
        requirements: &[
            "jsonrpc.version-member-2.0",
            "stateless.jsonrpc.envelope-version-2-0",
        ],
        expected: "jsonrpc equal to \"2.0\" in every message",
        judge: |seen| {
            all_messages(
                seen,
                |_| true,
                |message| message.get("jsonrpc") == Some(&Value::from("2.0")),
            )
        },
    },
    Rule {
        slug: "ids-come-back",
        requirements: &[
            "jsonrpc.response.id-echo-integer",
            "stateless.jsonrpc.result-id-echoed",
        ],
        expected: "the id of the request, with value and type",
        judge: id_echoed,
    },
    Rule {
        slug: "result-or-error",
        requirements: &[
            "jsonrpc.response.result-xor-error",
            "stateless.jsonrpc.result-xor-error",
        ],
        expected: "exactly one of result and error in every response",
        judge: |seen| {
            all_messages(seen, is_response, |message| {
                message.get("result").is_some() != message.get("error").is_some()
            })
        },
    },
    Rule {
        slug: "results-are-objects",
        requirements: &[
            "jsonrpc.response.result-is-object",
            "stateless.jsonrpc.result-is-object",
        ],
        expected: "an object as result",
        judge: |seen| {
            let has_result =
                |message: &Value| is_response(message) && message.get("result").is_some();
            all_messages(seen, has_result, |message| {
                message.get("result").is_some_and(Value::is_object)
            })
        },
    },
    Rule {
        slug: "error-codes-are-integers",
        requirements: &[
            "jsonrpc.error.code-integer",
            "stateless.jsonrpc.error-code-integer",
        ],
        expected: "an integer as error.code",
        judge: |seen| {
            all_messages(seen, is_error, |message| {
                message.pointer("/error/code").is_some_and(Value::is_i64)
            })
        },
    },
    Rule {
        slug: "error-messages-are-strings",
        requirements: &[
            "jsonrpc.error.message-string",
            "stateless.jsonrpc.error-object-shape",
        ],
        expected: "a string as error.message",
        judge: |seen| {
            all_messages(seen, is_error, |message| {
                message
                    .pointer("/error/message")
                    .is_some_and(Value::is_string)
            })
        },
    },
    Rule {
        slug: "notifications-unanswered",
        requirements: &[
            "jsonrpc.notification-never-answered",
            "stateless.jsonrpc.no-response-to-notification",
        ],
        expected: "no JSON-RPC response to a notification",
        judge: notification_unanswered,
    },
    Rule {
        slug: "json-labelled-as-json",
        requirements: &["http.json-response-content-type"],
        expected: "media type application/json on a JSON-RPC body",
        judge: json_labelled,
    },
    Rule {
        slug: "post-answers-json-or-sse",
        requirements: &[
            "streamable.post.request-json-or-sse",
            "stateless.http.response-content-type",
        ],
        expected: "application/json or text/event-stream in answer to a request",
        judge: json_or_sse,
    },
    Rule {
        slug: "no-server-errors",
        requirements: &["http.client-error-not-5xx"],
        expected: "no 5xx status and no dropped connection",
        judge: no_server_error,
    },
    Rule {
        slug: "events-end-with-blank-line",
        requirements: &["sse.event-ends-with-blank-line"],
        expected: "a blank line after the last event",
        judge: terminated,
    },
    Rule {
        slug: "event-streams-are-utf-8",
        requirements: &["sse.stream-utf8", "stateless.jsonrpc.utf8-encoded"],
        expected: "UTF-8",
        judge: |seen| all_blocks(seen, |_| true, |block| !block.block.findings.invalid_utf8),
    },
    Rule {
        slug: "event-data-is-one-message",
        requirements: &["sse.data-one-json-message", "stateless.sse.framing-valid"],
        expected: "one JSON-RPC message as the data of every event",
        judge: |seen| {
            // An event with empty data is a priming event, and events of other names are not messages.
            let carries_message = |block: &SseBlock| {
                block
                    .event()
                    .is_some_and(|event| event.event == "message" && !event.data.is_empty())
            };
            let batches = seen.revision == Revision::V2025_03_26;
            all_blocks(seen, carries_message, |block| holds_message(block, batches))
        },
    },
    Rule {
        slug: "retry-has-digits-only",
        requirements: &["sse.retry-digits-only"],
        expected: "digits only in retry",
        judge: |seen| {
            all_blocks(
                seen,
                |block| block.block.lines.retry > 0,
                |block| !block.block.findings.bad_retry,
            )
        },
    },
    Rule {
        slug: "post-stream-has-own-response-only",
        requirements: &[
            "streamable.post.sse-only-own-response",
            "stateless.sse.concurrent-streams-isolated",
        ],
        expected: "no response to another request in the answer to a POST",
        judge: own_response_only,
    },
    Rule {
        slug: "post-stream-ends-after-response",
        requirements: &[
            "streamable.post.sse-closed-after-response",
            "stateless.sse.final-response-ends-stream",
        ],
        expected: "the stream ends after the response",
        judge: ends_after_response,
    },
    Rule {
        slug: "no-response-on-session-stream",
        requirements: &["streamable.get.no-responses"],
        expected: "no response on the session's stream",
        judge: |seen| no_response_on_stream(seen),
    },
    Rule {
        slug: "no-response-on-notification-stream",
        requirements: &["hybrid.post.response-not-on-stream"],
        expected: "no response on the notification stream",
        judge: |seen| no_response_on_stream(seen),
    },
    Rule {
        slug: "messages-are-events-named-message",
        requirements: &["sse2024.message-event-name", "sse.event-name-message"],
        expected: "no other event name than message where the data is a JSON-RPC message",
        judge: |seen| {
            let carries_message = |block: &SseBlock| {
                let is_message = |message: &Value| MessageKind::of(message) != MessageKind::Other;
                block.messages().iter().any(is_message)
            };
            let is_named_so =
                |block: &SseBlock| block.event().is_some_and(|event| event.event == "message");
            all_blocks(seen, carries_message, is_named_so)
        },
    },
    Rule {
        slug: "bodies-are-single-messages",
        requirements: &["batch.server-never-sends-arrays"],
        expected: "one message, and no array of them, as a JSON body",
        judge: single_message,
    },
    Rule {
        slug: "answers-begin-with-a-priming-event",
        requirements: &["streamable.post.sse-priming-event"],
        expected: "an id and empty data as the first event of a stream that answers a request",
        judge: primed,
    },
    Rule {
        slug: "server-requests-have-ids",
        requirements: &["jsonrpc.server-request.id-non-null"],
        expected: "a string or an integer as the id of a request to the client",
        judge: |seen| {
            all_messages(
                seen,
                |message| MessageKind::of(message) == MessageKind::Request,
                |message| {
                    let id = message.get("id");
                    id.is_some_and(|id| id.is_string() || id.is_i64() || id.is_u64())
                },
            )
        },
    },
    Rule {
        slug: "sampling-requests-are-complete",
        requirements: &["sampling.request-shape"],
        expected: "messages of user and assistant, and a number as maxTokens, in sampling/createMessage",
        judge: |seen| all_messages(seen, is_request("sampling/createMessage"), asks_model_well),
    },
    Rule {
        slug: "elicitation-schemas-are-flat",
        requirements: &[
            "elicitation.request-shape",
            "elicitation.form-request-shape",
        ],
        expected: "a message, and an object of plain values as requestedSchema, in elicitation/create",
        judge: |seen| all_messages(seen, is_form, asks_user_well),
    },
];

/// The message that an exchange's request carries, if it is one.
pub(super) fn sent_message(exchange: &Exchange) -> Option<Value> {
    serde_json::from_slice(exchange.request.body.as_deref()?).ok()
}

pub(super) fn is_initialize(exchange: &Exchange) -> bool {
    sent_message(exchange)
        .is_some_and(|message| message.get("method") == Some(&Value::from("initialize")))
}

pub(super) fn is_response(message: &Value) -> bool {
    MessageKind::of(message) == MessageKind::Response
}

pub(super) fn is_error(message: &Value) -> bool {
    is_response(message) && message.get("error").is_some()
}

fn succeeded(status: u16) -> bool {
    (200..300).contains(&status)
}

/// Judges every message that `about` picks; streams of `hybrid` may carry other objects, which are not messages.
pub(super) fn all_messages(
    seen: &Seen<'_>,
    about: impl Fn(&Value) -> bool,
    holds: impl Fn(&Value) -> bool,
) -> Judgement {
    let mut judged = seen
        .messages()
        .into_iter()
        .filter(|message| MessageKind::of(message) != MessageKind::Other && about(message))
        .map(|message| {
            if holds(message) {
                Ok(())
            } else {
                Err(clip(message))
            }
        })
        .peekable();
    judged.peek()?;
    Some(judged.collect())
}

pub(super) fn all_blocks(
    seen: &Seen<'_>,
    about: impl Fn(&SseBlock) -> bool,
    holds: impl Fn(&SseBlock) -> bool,
) -> Judgement {
    let mut judged = seen
        .blocks()
        .into_iter()
        .filter(|block| about(block))
        .map(|block| {
            if holds(block) {
                Ok(())
            } else {
                Err(quote(&String::from_utf8_lossy(block.raw())))
            }
        })
        .peekable();
    judged.peek()?;
    Some(judged.collect())
}

pub(super) fn clip(message: &Value) -> String {
    crate::excerpt::clip(&message.to_string(), 200)
}

fn answered_once(seen: &Seen<'_>) -> Judgement {
    let exchange = seen.exchange()?;
    let id = exchange.id.as_ref()?;
    let reply = match &exchange.outcome {
        Ok(reply) => reply,
        Err(Failure::NoAnswer(_) | Failure::Broken(_)) => return Some(Err(exchange.describe())),
        Err(_) => return None,
    };
    let responses = reply.messages.iter().filter(|message| is_response(message));
    let own = responses
        .clone()
        .filter(|message| message.get("id").is_some_and(|got| same_id(got, id)))
        .count();
    if own > 1 {
        return Some(Err(format!("{own} responses to one request")));
    }
    // What 2026-07-28 answers to a subscription is the stream itself, and its response comes at the end of that.
    let is_subscription = || {
        sent_message(exchange).is_some_and(|message| {
            message.get("method") == Some(&Value::from("subscriptions/listen"))
        })
    };
    if reply.is_event_stream() && is_subscription() {
        return None;
    }
    // A refusal by status alone is an answer, and a response with a wrong id is another rule's matter.
    let unanswered = succeeded(reply.status) && responses.count() == 0;
    Some(if unanswered {
        Err(exchange.describe())
    } else {
        Ok(())
    })
}

fn id_echoed(seen: &Seen<'_>) -> Judgement {
    let exchange = seen.exchange()?;
    let id = exchange
        .id
        .as_ref()
        .filter(|id| id.is_i64() || id.is_u64())?;
    let response = exchange.response()?;
    let got = response.get("id");
    // The error in a refusal by status need not be about the request: it may not have been read.
    let refused = !exchange.status().is_some_and(succeeded);
    if response.get("error").is_some() && (refused || got.is_none_or(Value::is_null)) {
        return None;
    }
    Some(match got {
        Some(got) if same_id(got, id) => Ok(()),
        got => Err(format!("id {} for {id}", got.unwrap_or(&Value::Null))),
    })
}

fn notification_unanswered(seen: &Seen<'_>) -> Judgement {
    let exchange = seen.exchange()?;
    let message = sent_message(exchange)?;
    if MessageKind::of(&message) != MessageKind::Notification {
        return None;
    }
    let reply = exchange.reply()?;
    let answered = succeeded(reply.status) && reply.messages.iter().any(is_response);
    Some(if answered {
        Err(exchange.describe())
    } else {
        Ok(())
    })
}

fn json_labelled(seen: &Seen<'_>) -> Judgement {
    let exchange = seen.exchange()?;
    let reply = exchange.reply()?;
    let is_message = |message: &Value| MessageKind::of(message) != MessageKind::Other;
    let is_json = reply.json.is_some() && reply.messages.iter().any(is_message);
    if !succeeded(reply.status) || !is_json {
        return None;
    }
    Some(match reply.headers.media_type().as_deref() {
        Some("application/json") => Ok(()),
        _ => Err(format!(
            "content type {:?}",
            reply.headers.get("content-type").unwrap_or("")
        )),
    })
}

fn json_or_sse(seen: &Seen<'_>) -> Judgement {
    let exchange = seen.exchange()?;
    let reply = exchange.reply()?;
    if exchange.id.is_none() || !succeeded(reply.status) {
        return None;
    }
    Some(match reply.headers.media_type().as_deref() {
        Some("application/json" | "text/event-stream") => Ok(()),
        _ => Err(exchange.describe()),
    })
}

fn no_server_error(seen: &Seen<'_>) -> Judgement {
    let exchange = seen.exchange()?;
    Some(match &exchange.outcome {
        // 501 and 503 say that the server knows what it does.
        Ok(reply) if reply.status >= 500 && ![501, 503].contains(&reply.status) => {
            Err(exchange.describe())
        }
        Ok(_) => Ok(()),
        Err(Failure::Broken(_)) => Err(exchange.describe()),
        Err(_) => return None,
    })
}

fn terminated(seen: &Seen<'_>) -> Judgement {
    let verdict = |unterminated| {
        Some(if unterminated {
            Err("the stream ended in an event without its blank line".to_owned())
        } else {
            Ok(())
        })
    };
    match seen.what {
        What::Exchange(exchange) => {
            let reply = exchange.reply()?;
            let ended = matches!(reply.end, BodyEnd::Complete | BodyEnd::Broken(_));
            // Of a stream that neither brought a block nor an unfinished one there is nothing to say.
            (reply.is_event_stream() && ended && (reply.unterminated || !reply.blocks.is_empty()))
                .then(|| verdict(reply.unterminated))?
        }
        What::Stream {
            arrivals,
            end,
            unterminated,
            ..
        } => (end.is_some() && (unterminated || !arrivals.is_empty()))
            .then(|| verdict(unterminated))?,
    }
}

fn own_response_only(seen: &Seen<'_>) -> Judgement {
    let exchange = seen.exchange()?;
    let id = exchange.id.as_ref()?;
    let responses: Vec<&Value> = exchange
        .reply()?
        .messages
        .iter()
        .filter(|message| is_response(message))
        .collect();
    // With a single response a wrong id is a wrong echo; a foreign one is seen beside the right one or twice.
    let asked = match sent_message(exchange) {
        // What answers a member that is no message has no id to name.
        Some(Value::Array(batch)) => batch
            .iter()
            .filter_map(|member| member.get("id").cloned())
            .chain([Value::Null])
            .collect(),
        _ => vec![id.clone()],
    };
    let is_own = |message: &Value| {
        let got = message.get("id");
        got.is_some_and(|got| asked.iter().any(|id| same_id(got, id)))
    };
    let foreign = responses
        .iter()
        .find(|message| !is_own(message))
        .filter(|_| responses.len() > 1);
    match foreign {
        Some(message) => Some(Err(clip(message))),
        None if responses.is_empty() => None,
        None => Some(Ok(())),
    }
}

fn ends_after_response(seen: &Seen<'_>) -> Judgement {
    let exchange = seen.exchange()?;
    let reply = exchange.reply()?;
    if !reply.is_event_stream() || exchange.id.is_none() || !reply.messages.iter().any(is_response)
    {
        return None;
    }
    Some(match reply.end {
        BodyEnd::LeftOpen => Err("the stream was still open a while after the response".to_owned()),
        _ => Ok(()),
    })
}

fn no_response_on_stream(seen: &Seen<'_>) -> Judgement {
    let What::Stream {
        arrivals,
        resumes: false,
        ..
    } = seen.what
    else {
        return None;
    };
    let response = arrivals
        .iter()
        .filter_map(|arrival| arrival.message.as_ref())
        .find(|message| is_response(message));
    Some(response.map_or(Ok(()), |message| Err(clip(message))))
}

fn single_message(seen: &Seen<'_>) -> Judgement {
    let exchange = seen.exchange()?;
    let body = exchange.reply()?.json.as_ref()?;
    let is_message = |value: &Value| MessageKind::of(value) != MessageKind::Other;
    match body {
        Value::Array(members) => members
            .iter()
            .any(is_message)
            .then(|| Err(exchange.describe())),
        single => is_message(single).then_some(Ok(())),
    }
}

fn primed(seen: &Seen<'_>) -> Judgement {
    let exchange = seen.exchange()?;
    let reply = exchange.reply()?;
    // Before it knows what was negotiated, a server cannot know that the client expects one.
    let version = exchange.request.headers.get(VERSION_HEADER);
    let is_request = exchange.request.method == "POST" && exchange.id.is_some();
    if !is_request || version != Some(seen.revision.as_str()) || !reply.is_event_stream() {
        return None;
    }
    // Comments may come before it.
    let first = reply
        .blocks
        .iter()
        .find(|block| block.event().is_some() || block.id().is_some())?;
    let is_empty = first.event().is_some_and(|event| event.data.is_empty());
    Some(if is_empty && first.id().is_some() {
        Ok(())
    } else {
        Err(quote(&String::from_utf8_lossy(first.raw())))
    })
}

fn is_request(method: &'static str) -> impl Fn(&Value) -> bool {
    move |message| {
        MessageKind::of(message) == MessageKind::Request
            && message.get("method") == Some(&Value::from(method))
    }
}

/// Whether a `sampling/createMessage` has what its schema requires (client/sampling).
fn asks_model_well(message: &Value) -> bool {
    let is_turn = |turn: &Value| {
        let role = turn.get("role").and_then(Value::as_str);
        let content = turn.get("content");
        matches!(role, Some("user" | "assistant"))
            && content.is_some_and(|content| content.is_object() || content.is_array())
    };
    let messages = message
        .pointer("/params/messages")
        .and_then(Value::as_array);
    let tokens = message.pointer("/params/maxTokens");
    messages.is_some_and(|turns| turns.iter().all(is_turn)) && tokens.is_some_and(Value::is_number)
}

/// An elicitation by a form, which is what one without a mode is.
fn is_form(message: &Value) -> bool {
    let mode = message.pointer("/params/mode").and_then(Value::as_str);
    is_request("elicitation/create")(message) && matches!(mode, None | Some("form"))
}

/// Whether an elicitation by a form has what its schema requires: plain values, and of arrays only choices among texts
/// (client/elicitation#requested-schema).
fn asks_user_well(message: &Value) -> bool {
    let is_plain = |property: &Value| {
        let has = |member: &str| property.get(member).is_some();
        match property.get("type").and_then(Value::as_str) {
            Some("string" | "number" | "integer" | "boolean") => true,
            Some("array") => property.get("items").is_some_and(Value::is_object),
            _ => has("enum") || has("oneOf"),
        }
    };
    let schema = message.pointer("/params/requestedSchema");
    let properties = schema
        .and_then(|schema| schema.get("properties"))
        .and_then(Value::as_object);
    message
        .pointer("/params/message")
        .is_some_and(Value::is_string)
        && schema.and_then(|schema| schema.get("type")) == Some(&Value::from("object"))
        && properties.is_some_and(|properties| properties.values().all(is_plain))
}

/// One message, or a batch of them where the revision has batches (2025-03-26, basic/transports#streamable-http).
fn holds_message(block: &SseBlock, batches: bool) -> bool {
    let is_message = |value: &Value| MessageKind::of(value) != MessageKind::Other;
    let data = block
        .event()
        .and_then(|event| serde_json::from_str(&event.data).ok());
    match data {
        Some(Value::Array(batch)) => batches && !batch.is_empty() && batch.iter().all(is_message),
        Some(single) => is_message(&single),
        None => false,
    }
}
