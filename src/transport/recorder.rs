//! The wire record: everything that crosses the wire, numbered, timed, redacted and bounded.

use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use schemars::JsonSchema;
use serde::Serialize;

use super::redact::Redactor;
use crate::excerpt::clip;
use crate::protocol::{Headers, HttpRequest};

/// How much of one body is kept, in bytes.
const BODY_BYTES_KEPT: usize = 16 * 1024;
/// A secret longer than this may show its beginning where a body is cut.
const SECRET_BYTES_MAX: usize = 1024;
/// How much text all records keep together; after that only sizes are recorded.
const TOTAL_BYTES_KEPT: usize = 64 * 1024 * 1024;
/// How many records are kept; numbers go on after that.
const RECORDS_KEPT: usize = 200_000;

/// Whether a record was sent or received.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// Sent to the target.
    Out,
    /// Received from the target.
    In,
}

/// What a record holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RecordKind {
    /// A request line, its header fields and body.
    Request,
    /// The HTTP version, the status and the header fields.
    Response,
    /// A whole response body.
    Body,
    /// One block of an event stream, comments included.
    SseBlock,
    /// The end of a body or stream, with how it ended.
    End,
    /// The exchange failed before a response.
    Failure,
}

/// One thing that crossed the wire.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Record {
    /// Its number, from 1, in the order of recording.
    pub n: u32,
    /// Microseconds since the run began.
    pub t_us: u64,
    /// The exchange (one request and all that answers it) that it belongs to.
    pub exchange: u32,
    /// Sent or received.
    pub direction: Direction,
    /// What it holds.
    pub kind: RecordKind,
    /// The method and URL of a request, the HTTP version and status of a response (`HTTP/1.1 200`), or how a stream ended.
    pub head: String,
    /// Header fields, redacted.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub headers: Vec<(String, String)>,
    /// The text of the body or block, redacted, cut after 16 KiB.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub body: Option<String>,
    /// The size of the body or block on the wire, in bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bytes: Option<u64>,
}

/// Collects the records of a run. Cheap to share; numbers are unique within the run.
#[derive(Debug)]
pub struct Recorder {
    started: Instant,
    redactor: Redactor,
    keeps: bool,
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    records: Vec<Record>,
    count: u32,
    exchanges: u32,
    text_bytes: usize,
}

/// A record before it has its number and time.
pub(super) struct Draft<'a> {
    pub(super) exchange: u32,
    pub(super) direction: Direction,
    pub(super) kind: RecordKind,
    pub(super) head: String,
    pub(super) headers: Option<&'a Headers>,
    pub(super) body: Option<&'a [u8]>,
}

impl Recorder {
    /// A recorder that keeps what it is given.
    pub fn new(redactor: Redactor) -> Self {
        Self {
            started: Instant::now(),
            redactor,
            keeps: true,
            inner: Mutex::default(),
        }
    }

    /// A recorder that only counts, for load.
    pub fn off() -> Self {
        Self {
            keeps: false,
            ..Self::new(Redactor::default())
        }
    }

    /// The redactor of this run.
    pub fn redactor(&self) -> &Redactor {
        &self.redactor
    }

    /// Everything recorded so far, in order.
    pub fn records(&self) -> Vec<Record> {
        self.lock().records.clone()
    }

    /// A number for a new exchange.
    pub(super) fn next_exchange(&self) -> u32 {
        let mut inner = self.lock();
        inner.exchanges = inner.exchanges.saturating_add(1);
        inner.exchanges
    }

    /// Records a request about to be sent.
    pub(super) fn request(&self, exchange: u32, request: &HttpRequest) -> u32 {
        self.record(Draft {
            exchange,
            direction: Direction::Out,
            kind: RecordKind::Request,
            head: format!("{} {}", request.method, self.redactor.url(&request.url)),
            headers: Some(&request.headers),
            body: request.body.as_deref(),
        })
    }

    /// Adds a record and returns its number.
    pub(super) fn record(&self, draft: Draft<'_>) -> u32 {
        let mut inner = self.lock();
        // Read under the lock, so that times rise with numbers.
        let t_us = u64::try_from(self.started.elapsed().as_micros()).unwrap_or(u64::MAX);
        inner.count = inner.count.saturating_add(1);
        let n = inner.count;
        if !self.keeps || inner.records.len() >= RECORDS_KEPT {
            return n;
        }
        let body = draft
            .body
            .filter(|_| inner.text_bytes < TOTAL_BYTES_KEPT)
            .map(|bytes| self.shown(bytes));
        inner.text_bytes += body.as_ref().map_or(0, String::len);
        inner.records.push(Record {
            n,
            t_us,
            exchange: draft.exchange,
            direction: draft.direction,
            kind: draft.kind,
            head: self.redactor.text(&draft.head),
            headers: draft.headers.map_or_else(Vec::new, |headers| {
                self.redactor
                    .headers(headers)
                    .iter()
                    .map(|(name, value)| (name.to_owned(), value.to_owned()))
                    .collect()
            }),
            body,
            bytes: draft.body.map(|bytes| bytes.len() as u64),
        });
        n
    }

    /// Redacts a little more than is kept, so that the cut cannot leave the first half of a secret standing.
    fn shown(&self, bytes: &[u8]) -> String {
        let read = bytes
            .get(..BODY_BYTES_KEPT + SECRET_BYTES_MAX)
            .unwrap_or(bytes);
        let text = self.redactor.text(&String::from_utf8_lossy(read));
        clip(&text, BODY_BYTES_KEPT)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use url::Url;

    use super::*;

    #[test]
    fn records_are_numbered_redacted_and_cut() {
        let headers = [("Authorization", "Bearer top-secret")]
            .into_iter()
            .collect();
        let recorder = Recorder::new(Redactor::new(&headers));
        let request = HttpRequest::new("POST", Url::parse("http://h/mcp").unwrap())
            .header("Authorization", "Bearer top-secret")
            .body(format!("top-secret{}", "x".repeat(BODY_BYTES_KEPT)));
        let exchange = recorder.next_exchange();
        assert_eq!(recorder.request(exchange, &request), 1);
        assert_eq!(recorder.request(exchange, &request), 2);
        let records = recorder.records();
        assert_eq!(records.len(), 2);
        let written = serde_json::to_string(&records).unwrap();
        assert!(!written.contains("top-secret"), "{}", clip(&written, 300));
        assert_eq!(records[0].bytes, Some(10 + BODY_BYTES_KEPT as u64));
        assert!(records[0].body.as_ref().unwrap().len() <= BODY_BYTES_KEPT + 16);
    }

    #[test]
    fn a_recorder_that_is_off_counts_only() {
        let recorder = Recorder::off();
        let request = HttpRequest::new("GET", Url::parse("http://h/").unwrap());
        assert_eq!(recorder.request(1, &request), 1);
        assert!(recorder.records().is_empty());
    }
}
