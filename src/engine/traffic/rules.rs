//! The rules that hold on all traffic, and how each is judged.

use serde_json::Value;

use crate::excerpt::quote;
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
        arrivals: &'a [Arrival],
        end: Option<&'a BodyEnd>,
        unterminated: bool,
    },
}

impl<'a> Seen<'a> {
    fn exchange(&self) -> Option<&'a Exchange> {
        match self.what {
            What::Exchange(exchange) => Some(exchange),
            What::Stream { .. } => None,
        }
    }

    /// The messages in it, in order.
    fn messages(&self) -> Vec<&'a Value> {
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

/// A rule: the check's slug, the requirement behind it, and how something that was seen is judged.
pub(super) struct Rule {
    pub(super) slug: &'static str,
    pub(super) requirement: &'static str,
    pub(super) expected: &'static str,
    pub(super) judge: fn(&Seen<'_>) -> Judgement,
}

/// Every rule.
pub(super) const RULES: [Rule; 19] = [
    Rule {
        slug: "every-request-answered-once",
        requirement: "jsonrpc.exactly-one-response",
        expected: "one response to every request",
        judge: answered_once,
    },
    Rule {
        slug: "jsonrpc-is-2-0",
        requirement: "jsonrpc.version-member-2.0",
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
        requirement: "jsonrpc.response.id-echo-integer",
        expected: "the id of the request, with value and type",
        judge: id_echoed,
    },
    Rule {
        slug: "result-or-error",
        requirement: "jsonrpc.response.result-xor-error",
        expected: "exactly one of result and error in every response",
        judge: |seen| {
            all_messages(seen, is_response, |message| {
                message.get("result").is_some() != message.get("error").is_some()
            })
        },
    },
    Rule {
        slug: "results-are-objects",
        requirement: "jsonrpc.response.result-is-object",
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
        requirement: "jsonrpc.error.code-integer",
        expected: "an integer as error.code",
        judge: |seen| {
            all_messages(seen, is_error, |message| {
                message.pointer("/error/code").is_some_and(Value::is_i64)
            })
        },
    },
    Rule {
        slug: "error-messages-are-strings",
        requirement: "jsonrpc.error.message-string",
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
        requirement: "jsonrpc.notification-never-answered",
        expected: "no JSON-RPC response to a notification",
        judge: notification_unanswered,
    },
    Rule {
        slug: "json-labelled-as-json",
        requirement: "http.json-response-content-type",
        expected: "media type application/json on a JSON-RPC body",
        judge: json_labelled,
    },
    Rule {
        slug: "post-answers-json-or-sse",
        requirement: "streamable.post.request-json-or-sse",
        expected: "application/json or text/event-stream in answer to a request",
        judge: json_or_sse,
    },
    Rule {
        slug: "no-server-errors",
        requirement: "http.client-error-not-5xx",
        expected: "no 5xx status and no dropped connection",
        judge: no_server_error,
    },
    Rule {
        slug: "events-end-with-blank-line",
        requirement: "sse.event-ends-with-blank-line",
        expected: "a blank line after the last event",
        judge: terminated,
    },
    Rule {
        slug: "event-streams-are-utf-8",
        requirement: "sse.stream-utf8",
        expected: "UTF-8",
        judge: |seen| all_blocks(seen, |_| true, |block| !block.block.findings.invalid_utf8),
    },
    Rule {
        slug: "event-data-is-one-message",
        requirement: "sse.data-one-json-message",
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
        requirement: "sse.retry-digits-only",
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
        requirement: "streamable.post.sse-only-own-response",
        expected: "no response to another request in the answer to a POST",
        judge: own_response_only,
    },
    Rule {
        slug: "post-stream-ends-after-response",
        requirement: "streamable.post.sse-closed-after-response",
        expected: "the stream ends after the response",
        judge: ends_after_response,
    },
    Rule {
        slug: "no-response-on-session-stream",
        requirement: "streamable.get.no-responses",
        expected: "no response on the session's stream",
        judge: |seen| no_response_on_stream(seen),
    },
    Rule {
        slug: "no-response-on-notification-stream",
        requirement: "hybrid.post.response-not-on-stream",
        expected: "no response on the notification stream",
        judge: |seen| no_response_on_stream(seen),
    },
];

/// The message that an exchange's request carries, if it is one.
fn sent_message(exchange: &Exchange) -> Option<Value> {
    serde_json::from_slice(exchange.request.body.as_deref()?).ok()
}

pub(super) fn is_initialize(exchange: &Exchange) -> bool {
    sent_message(exchange)
        .is_some_and(|message| message.get("method") == Some(&Value::from("initialize")))
}

fn is_response(message: &Value) -> bool {
    MessageKind::of(message) == MessageKind::Response
}

fn is_error(message: &Value) -> bool {
    is_response(message) && message.get("error").is_some()
}

fn succeeded(status: u16) -> bool {
    (200..300).contains(&status)
}

/// Judges every message that `about` picks; streams of `hybrid` may carry other objects, which are not messages.
fn all_messages(
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

fn all_blocks(
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

fn clip(message: &Value) -> String {
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
    let foreign = responses
        .iter()
        .find(|message| message.get("id").is_none_or(|got| !same_id(got, id)))
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
    let What::Stream { arrivals, .. } = seen.what else {
        return None;
    };
    let response = arrivals
        .iter()
        .filter_map(|arrival| arrival.message.as_ref())
        .find(|message| is_response(message));
    Some(response.map_or(Ok(()), |message| Err(clip(message))))
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
