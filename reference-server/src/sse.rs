//! Events as they stand on the wire (WHATWG HTML server-sent-events#event-stream-interpretation).

use bytes::Bytes;
use serde_json::Value;

use crate::faults::{Fault, FaultSet};

/// The media type of an event stream.
pub(crate) const EVENT_STREAM: &str = "text/event-stream";

/// How long a client is to wait before it comes back, in milliseconds.
const RETRY_MS: u32 = 500;

/// The comment that opens a stream, so that proxies and clients see bytes at once.
const OPENING: Bytes = Bytes::from_static(b": open\n\n");

/// What opens a stream: a comment, unless a defect wants something else.
pub(crate) fn opening(faults: FaultSet) -> Bytes {
    if faults.has(Fault::StreamInvalidUtf8) {
        return Bytes::from_static(b": \xff\n\n");
    }
    if faults.has(Fault::StreamRetryNotANumber) {
        return Bytes::from_static(b"retry: soon\n\n");
    }
    OPENING
}

/// One message event. JSON text has no raw line breaks, so that one `data` line holds it.
pub(crate) fn event(data: &Value) -> Bytes {
    Bytes::from(format!("event: message\ndata: {data}\n\n"))
}

/// One message event with an id. The id is made by the server and has no line break.
pub(crate) fn event_with_id(id: &str, data: &Value) -> Bytes {
    Bytes::from(format!("id: {id}\nevent: message\ndata: {data}\n\n"))
}

/// The event that gives a client an id to resume from before there is any message, and says when to come back
/// (2025-11-25 basic/transports#sending-messages-to-the-server).
pub(crate) fn priming(id: &str) -> Bytes {
    Bytes::from(format!("id: {id}\nretry: {RETRY_MS}\ndata:\n\n"))
}

/// The event that names the address to POST to (2024-11-05 basic/transports#http-with-sse).
pub(crate) fn endpoint(address: &str) -> Bytes {
    Bytes::from(format!("event: endpoint\ndata: {address}\n\n"))
}

/// A message under another name than events have.
pub(crate) fn named(name: &str, data: &Value) -> Bytes {
    Bytes::from(format!("event: {name}\ndata: {data}\n\n"))
}

/// The same event without the blank line that completes it.
pub(crate) fn without_blank_line(mut event: Bytes) -> Bytes {
    if event.ends_with(b"\n\n") {
        event.truncate(event.len() - 1);
    }
    event
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn line_breaks_in_a_payload_do_not_break_the_event() {
        let framed = event(&json!({"text": "a\nb\r\nc\u{0}", "data: x": "\n\n"}));
        let text = std::str::from_utf8(&framed).unwrap();
        assert_eq!(text.lines().count(), 3);
        assert!(text.ends_with("\n\n"));
        assert!(!text.contains('\r'));
    }

    #[test]
    fn only_the_blank_line_is_cut() {
        assert_eq!(
            without_blank_line(priming("1")),
            "id: 1\nretry: 500\ndata:\n"
        );
        assert_eq!(without_blank_line(Bytes::from_static(b"x")), "x");
    }
}
