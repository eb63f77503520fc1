//! One request and all that answers it, read to a bound.

use std::time::{Duration, Instant};

use serde_json::Value;

use super::client::{Failure, HttpClient, headers_of, root_cause};
use super::json::{self, STREAM_VALUES_MAX, Unparsed, VALUES_MAX};
use super::recorder::{Direction, Draft, RecordKind, Recorder};
use super::sse::{Block, Decoded, Event, FrameError, Item, SseReader};
use crate::excerpt::quote;
use crate::protocol::jsonrpc::{self, MessageKind, same_id};
use crate::protocol::{Headers, HttpRequest};

/// The largest response body that is read, event stream or not, in bytes.
const BODY_BYTES_MAX: usize = 8 * 1024 * 1024;
/// The largest number of blocks that one response stream may hold.
const BLOCKS_MAX: usize = 10_000;

/// After a response with another id: how long the right one may still take.
const OWN_RESPONSE_WAIT: Duration = Duration::from_secs(1);

/// How long to wait for an exchange.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// From the start to the end of the exchange.
    pub total: Duration,
    /// After the response to our request arrived on an event stream: how long the server has to end that stream.
    pub after_response: Duration,
}

/// How the body of a response ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BodyEnd {
    /// The server ended it.
    Complete,
    /// We stopped reading: the response was in, and the server kept the stream open.
    LeftOpen,
    /// Nothing more came in time.
    TimedOut,
    /// The connection broke.
    Broken(String),
    /// It grew past a bound, which is named.
    TooLarge(String),
}

/// A response.
#[derive(Clone, Debug)]
pub struct Reply {
    /// The status code.
    pub status: u16,
    /// The header fields.
    pub headers: Headers,
    /// The body as it came, unless it was an event stream.
    pub body: Vec<u8>,
    /// The body as JSON, if it is JSON.
    pub json: Option<Value>,
    /// The blocks of the event stream, if it was one.
    pub blocks: Vec<SseBlock>,
    /// Whether the event stream ended in an event that lacks only its blank line, which clients drop.
    pub unterminated: bool,
    /// The JSON-RPC messages in the body or the stream, in order; a batch counts as its members.
    pub messages: Vec<Value>,
    /// How the body ended.
    pub end: BodyEnd,
    /// From the start of the exchange to the response head.
    pub head_after: Duration,
}

impl Reply {
    /// Whether the body was labelled as an event stream.
    pub fn is_event_stream(&self) -> bool {
        self.headers.media_type().as_deref() == Some("text/event-stream")
    }
}

/// One block of an event stream, and what it comes to.
#[derive(Clone, Debug)]
pub struct SseBlock {
    /// The block as received.
    pub block: Block,
    /// What it means.
    pub decoded: Decoded,
}

impl SseBlock {
    /// The bytes as received, each line ended by one LF.
    pub fn raw(&self) -> &[u8] {
        &self.block.raw
    }

    /// The event, if the block is one.
    pub fn event(&self) -> Option<&Event> {
        match &self.decoded {
            Decoded::Event(event) => Some(event),
            Decoded::NoEvent { .. } => None,
        }
    }

    /// The `id` field of the block.
    pub fn id(&self) -> Option<&str> {
        match &self.decoded {
            Decoded::Event(event) => event.id.as_deref(),
            Decoded::NoEvent { id, .. } => id.as_deref(),
        }
    }

    /// How many values the data of the event holds at most, were it JSON.
    pub(super) fn values(&self) -> usize {
        self.event()
            .map_or(0, |event| json::marks(event.data.as_bytes()))
    }

    /// The messages that the data of the event holds: one, or the members of a batch (2025-03-26).
    pub fn messages(&self) -> Vec<Value> {
        let data = self
            .event()
            .and_then(|event| json::parse(event.data.as_bytes()).ok());
        match data {
            Some(message @ Value::Object(_)) => vec![message],
            Some(Value::Array(batch)) => batch.into_iter().filter(Value::is_object).collect(),
            _ => Vec::new(),
        }
    }

    /// The data of the event as a JSON object, if it is one.
    pub fn message(&self) -> Option<Value> {
        json::parse(self.event()?.data.as_bytes())
            .ok()
            .filter(Value::is_object)
    }
}

/// The blocks that a chunk completes, and the bound that it passed, if it did.
pub(super) fn read_blocks(
    reader: &mut SseReader,
    chunk: &[u8],
    at: u64,
) -> (Vec<SseBlock>, Option<FrameError>) {
    let mut blocks = Vec::new();
    let mut broken = None;
    for item in reader.push(chunk, at) {
        match item {
            Item::Block { block, decoded } => blocks.push(SseBlock { block, decoded }),
            Item::Broken(error) => broken = Some(error),
        }
    }
    (blocks, broken)
}

/// One request and all that answered it.
#[derive(Clone, Debug)]
pub struct Exchange {
    /// The request as it was sent.
    pub request: HttpRequest,
    /// The id of the JSON-RPC request in it, if it holds one.
    pub id: Option<Value>,
    /// Numbers of the wire records.
    pub records: Vec<u32>,
    /// The reply, or why there is none.
    pub outcome: Result<Reply, Failure>,
    /// From the first byte sent to the end of reading.
    pub elapsed: Duration,
}

impl Exchange {
    /// The reply, if there is one.
    pub fn reply(&self) -> Option<&Reply> {
        self.outcome.as_ref().ok()
    }

    /// The status, if there is a reply.
    pub fn status(&self) -> Option<u16> {
        self.reply().map(|reply| reply.status)
    }

    /// The JSON-RPC response to the request, by the rule of [`jsonrpc::response_to`].
    pub fn response(&self) -> Option<&Value> {
        let messages = &self.reply()?.messages;
        match &self.id {
            Some(id) => jsonrpc::response_to(messages, id),
            None => messages
                .iter()
                .find(|message| MessageKind::of(message) == MessageKind::Response),
        }
    }

    /// `result` of the response.
    pub fn result(&self) -> Option<&Value> {
        self.response()?.get("result")
    }

    /// Where to read on, if the server ended the answer's stream before the response and gave events ids: the last event
    /// id, and how long it wants the client to wait (2025-11-25, basic/transports#sending-messages-to-the-server).
    pub(super) fn resumption(&self) -> Option<(String, Duration)> {
        let reply = self.reply().filter(|reply| reply.is_event_stream())?;
        let ended = matches!(reply.end, BodyEnd::Complete | BodyEnd::Broken(_));
        if !ended || self.id.is_none() || self.response().is_some() {
            return None;
        }
        let fields = |block: &SseBlock| match &block.decoded {
            Decoded::Event(event) => (event.id.clone(), event.retry_ms),
            Decoded::NoEvent { id, retry_ms, .. } => (id.clone(), *retry_ms),
        };
        let last_id = reply
            .blocks
            .iter()
            .rev()
            .find_map(|block| fields(block).0)?;
        let retry = reply.blocks.iter().rev().find_map(|block| fields(block).1);
        (!last_id.is_empty()).then(|| (last_id, Duration::from_millis(retry.unwrap_or(0))))
    }

    /// Adds what a resumption brought.
    pub(super) fn absorb(&mut self, more: Self) {
        self.records.extend(more.records);
        self.elapsed += more.elapsed;
        if let (Ok(reply), Ok(rest)) = (&mut self.outcome, more.outcome)
            && rest.is_event_stream()
        {
            reply.blocks.extend(rest.blocks);
            reply.messages.extend(rest.messages);
            reply.unterminated |= rest.unterminated;
            reply.end = rest.end;
        }
    }

    /// One line that says what came back, for a person.
    pub fn describe(&self) -> String {
        let reply = match &self.outcome {
            Err(failure) => return failure.to_string(),
            Ok(reply) => reply,
        };
        let head = match reply.headers.media_type() {
            Some(media_type) => format!("status {} {media_type}", reply.status),
            None => format!("status {}", reply.status),
        };
        let body = match (self.response(), &reply.end) {
            (Some(response), _) => describe_response(response),
            (None, _) if self.id.is_none() && reply.is_event_stream() => {
                "an event stream".to_owned()
            }
            (None, BodyEnd::TimedOut) => "no response message in time".to_owned(),
            (None, BodyEnd::Broken(why)) => format!("the body broke off: {why}"),
            (None, BodyEnd::TooLarge(what)) => format!("the body passed the bound: {what}"),
            (None, _) if reply.is_event_stream() && reply.blocks.is_empty() => {
                "a stream that ended before a whole event".to_owned()
            }
            (None, _) if reply.body.is_empty() && reply.blocks.is_empty() => {
                "an empty body".to_owned()
            }
            (None, _) if reply.is_event_stream() => format!(
                "a stream of {} blocks without a response",
                reply.blocks.len()
            ),
            (None, _) => format!("body {}", quote(&String::from_utf8_lossy(&reply.body))),
        };
        format!("{head}, {body}")
    }
}

fn describe_response(response: &Value) -> String {
    match response.get("error") {
        Some(error) => format!(
            "error {} {}",
            error.get("code").unwrap_or(&Value::Null),
            quote(error.get("message").and_then(Value::as_str).unwrap_or(""))
        ),
        None => "a result".to_owned(),
    }
}

/// What to do with each message as it arrives, before the exchange is over.
pub(super) type OnMessage<'a> = &'a mut (dyn FnMut(&Value) + Send);

/// Sends a request and reads all that answers it.
pub(super) async fn exchange(
    client: &HttpClient,
    recorder: &Recorder,
    request: HttpRequest,
    id: Option<Value>,
    patience: Patience,
    on_message: OnMessage<'_>,
) -> Exchange {
    let started = Instant::now();
    let request = client.complete(request);
    let number = recorder.next_exchange();
    let mut records = vec![recorder.request(number, &request)];
    let outcome = match client.open(&request, patience.total).await {
        Err(failure) => {
            records.push(record_failure(recorder, number, &failure));
            Err(failure)
        }
        Ok(response) => {
            let mut reading = Reading {
                recorder,
                number,
                records: &mut records,
                id: id.as_ref(),
                deadline: started + patience.total,
                after_response: patience.after_response,
                on_message,
            };
            Ok(reading.read(response, started.elapsed()).await)
        }
    };
    Exchange {
        request,
        id,
        records,
        outcome,
        elapsed: started.elapsed(),
    }
}

pub(super) fn record_failure(recorder: &Recorder, exchange: u32, failure: &Failure) -> u32 {
    recorder.record(Draft {
        exchange,
        direction: Direction::In,
        kind: RecordKind::Failure,
        head: failure.to_string(),
        headers: None,
        body: None,
    })
}

pub(super) fn record_head(
    recorder: &Recorder,
    exchange: u32,
    version: reqwest::Version,
    reply: &Reply,
) -> u32 {
    recorder.record(Draft {
        exchange,
        direction: Direction::In,
        kind: RecordKind::Response,
        head: format!("{version:?} {}", reply.status),
        headers: Some(&reply.headers),
        body: None,
    })
}

pub(super) fn record_block(recorder: &Recorder, exchange: u32, raw: &[u8]) -> u32 {
    recorder.record(Draft {
        exchange,
        direction: Direction::In,
        kind: RecordKind::SseBlock,
        head: String::new(),
        headers: None,
        body: Some(raw),
    })
}

pub(super) fn record_end(recorder: &Recorder, exchange: u32, how: String) -> u32 {
    recorder.record(Draft {
        exchange,
        direction: Direction::In,
        kind: RecordKind::End,
        head: how,
        headers: None,
        body: None,
    })
}

struct Reading<'a, 'm> {
    recorder: &'a Recorder,
    number: u32,
    records: &'a mut Vec<u32>,
    id: Option<&'a Value>,
    deadline: Instant,
    after_response: Duration,
    on_message: OnMessage<'m>,
}

impl Reading<'_, '_> {
    async fn read(&mut self, response: reqwest::Response, head_after: Duration) -> Reply {
        let mut reply = Reply {
            status: response.status().as_u16(),
            headers: headers_of(&response),
            body: Vec::new(),
            json: None,
            blocks: Vec::new(),
            unterminated: false,
            messages: Vec::new(),
            end: BodyEnd::Complete,
            head_after,
        };
        self.records.push(record_head(
            self.recorder,
            self.number,
            response.version(),
            &reply,
        ));
        if reply.is_event_stream() {
            self.read_stream(response, &mut reply).await;
        } else {
            self.read_body(response, &mut reply).await;
        }
        if reply.end != BodyEnd::Complete {
            let how = format!("{:?}", reply.end);
            self.records
                .push(record_end(self.recorder, self.number, how));
        }
        reply
    }

    async fn read_body(&mut self, mut response: reqwest::Response, reply: &mut Reply) {
        reply.end = loop {
            match tokio::time::timeout_at(self.deadline.into(), response.chunk()).await {
                Err(_elapsed) => break BodyEnd::TimedOut,
                Ok(Err(error)) => break BodyEnd::Broken(root_cause(&error)),
                Ok(Ok(None)) => break BodyEnd::Complete,
                Ok(Ok(Some(chunk))) => reply.body.extend_from_slice(&chunk),
            }
            if reply.body.len() > BODY_BYTES_MAX {
                break BodyEnd::TooLarge(format!("{BODY_BYTES_MAX} bytes"));
            }
        };
        if !reply.body.is_empty() {
            self.records.push(self.recorder.record(Draft {
                exchange: self.number,
                direction: Direction::In,
                kind: RecordKind::Body,
                head: String::new(),
                headers: None,
                body: Some(&reply.body),
            }));
        }
        if matches!(reply.end, BodyEnd::TooLarge(_)) {
            // What was cut off is no JSON, and trying takes memory.
            return;
        }
        reply.json = match json::parse(&reply.body) {
            Ok(value) => Some(value),
            Err(Unparsed::NotJson) => None,
            Err(Unparsed::TooMany) => {
                reply.end = BodyEnd::TooLarge(format!("{VALUES_MAX} JSON values"));
                None
            }
        };
        let messages = match &reply.json {
            Some(Value::Array(batch)) => batch.clone(),
            Some(single @ Value::Object(_)) => vec![single.clone()],
            _ => Vec::new(),
        };
        for message in messages {
            (self.on_message)(&message);
            reply.messages.push(message);
        }
    }

    async fn read_stream(&mut self, mut response: reqwest::Response, reply: &mut Reply) {
        let mut reader = SseReader::default();
        if self.id.is_none() {
            // Nothing is owed on it: a stream that should not have been opened is only sampled.
            self.deadline = self.deadline.min(Instant::now() + self.after_response);
        }
        let mut answered = Answered::No;
        let opened = Instant::now();
        let (mut bytes, mut values) = (0, 0);
        reply.end = loop {
            match tokio::time::timeout_at(self.deadline.into(), response.chunk()).await {
                Err(_elapsed) if answered != Answered::No => break BodyEnd::LeftOpen,
                Err(_elapsed) => break BodyEnd::TimedOut,
                Ok(Err(error)) => break BodyEnd::Broken(root_cause(&error)),
                Ok(Ok(None)) => break BodyEnd::Complete,
                Ok(Ok(Some(chunk))) => {
                    let at = u64::try_from(opened.elapsed().as_nanos()).unwrap_or(u64::MAX);
                    bytes += chunk.len();
                    let (blocks, broken) = read_blocks(&mut reader, &chunk, at);
                    for block in blocks {
                        values += block.values();
                        answered = answered.max(self.take_block(block, reply));
                    }
                    if let Some(error) = broken {
                        break BodyEnd::TooLarge(error.to_string());
                    }
                    if reply.blocks.len() > BLOCKS_MAX {
                        break BodyEnd::TooLarge(format!("{BLOCKS_MAX} events"));
                    }
                    if bytes > BODY_BYTES_MAX {
                        break BodyEnd::TooLarge(format!("{BODY_BYTES_MAX} bytes"));
                    }
                    if values > STREAM_VALUES_MAX {
                        break BodyEnd::TooLarge(format!("{STREAM_VALUES_MAX} JSON values"));
                    }
                    let rest = match answered {
                        Answered::No => continue,
                        Answered::WithAnotherId => self.after_response.max(OWN_RESPONSE_WAIT),
                        Answered::Yes => self.after_response,
                    };
                    self.deadline = self.deadline.min(Instant::now() + rest);
                }
            }
        };
        reply.unterminated = reader
            .finish()
            .is_some_and(|tail| tail.lacks_only_blank_line);
    }

    /// Keeps a block and says whether it holds a response.
    fn take_block(&mut self, block: SseBlock, reply: &mut Reply) -> Answered {
        self.records
            .push(record_block(self.recorder, self.number, block.raw()));
        let messages = block.messages();
        reply.blocks.push(block);
        let mut answered = Answered::No;
        for message in messages {
            (self.on_message)(&message);
            answered = answered.max(self.answers(&message));
            reply.messages.push(message);
        }
        answered
    }

    fn answers(&self, message: &Value) -> Answered {
        match (MessageKind::of(message), self.id) {
            (MessageKind::Response, Some(id))
                if message.get("id").is_some_and(|got| same_id(got, id)) =>
            {
                Answered::Yes
            }
            (MessageKind::Response, _) => Answered::WithAnotherId,
            _ => Answered::No,
        }
    }
}

/// Whether a stream has brought a response yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Answered {
    No,
    WithAnotherId,
    Yes,
}
