//! HTTP+SSE, the transport of 2024-11-05 (basic/transports#http-with-sse): a GET opens the stream, its first event
//! names the URL for messages, and all that the server has to say comes on the stream.

use serde_json::Value;
use url::Url;

use super::streamable::VERSION_HEADER;
use super::{Dialect, Endpoints, Outgoing, ReplyChannel, SessionState, Transport, negotiated};
use crate::excerpt::quote;
use crate::protocol::http::{Headers, HttpRequest};
use crate::protocol::revision::Revision;

/// A stream, and the endpoint that it names.
#[derive(Debug)]
pub struct HttpSse {
    endpoints: Endpoints,
}

/// Why the URL of an `endpoint` event is not used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EndpointError {
    /// It is none.
    #[error("the 'endpoint' event holds no URL: {0}")]
    NoUrl(String),
    /// It would send what we say, credentials included, to somebody else.
    #[error("the 'endpoint' event names {0}, of another origin; it is not followed")]
    ForeignOrigin(String),
}

impl HttpSse {
    /// The dialect of the stream at `url`.
    pub fn new(url: Url) -> Self {
        Self {
            endpoints: Endpoints {
                // Until the stream says where, nothing is posted.
                post: url.clone(),
                stream: url,
                health: None,
            },
        }
    }

    /// The URL for messages that an `endpoint` event on the stream at `stream` names: absolute or relative to the stream,
    /// and of the same origin (2024-11-05, basic/transports#http-with-sse).
    ///
    /// # Errors
    /// If it is no URL, or one of another origin.
    pub fn endpoint(stream: &Url, data: &str) -> Result<Url, EndpointError> {
        // Joined, JSON would pass for an odd path.
        if data.trim_start().starts_with(['"', '{', '[']) {
            return Err(EndpointError::NoUrl(quote(data)));
        }
        let url = stream
            .join(data.trim())
            .map_err(|_error| EndpointError::NoUrl(quote(data)))?;
        if url.origin() != stream.origin() {
            return Err(EndpointError::ForeignOrigin(quote(url.as_str())));
        }
        Ok(url)
    }
}

impl Dialect for HttpSse {
    fn transport(&self) -> Transport {
        Transport::Sse
    }

    fn endpoints(&self) -> &Endpoints {
        &self.endpoints
    }

    fn reply_channel(&self) -> ReplyChannel {
        ReplyChannel::SessionStream
    }

    fn post(&self, state: &SessionState, outgoing: Outgoing<'_>) -> HttpRequest {
        let url = state.post_url.as_ref().unwrap_or(&self.endpoints.post);
        let request = HttpRequest::new("POST", url.clone())
            .header("Content-Type", "application/json")
            .body(outgoing.text);
        match &state.negotiated {
            // Over HTTP later revisions want it on every request, whatever the transport.
            Some(version) if later_revision(version) => {
                request.header(VERSION_HEADER, version.clone())
            }
            _ => request,
        }
    }

    fn open_stream(&self, _state: &SessionState, _id: &Value) -> HttpRequest {
        HttpRequest::new("GET", self.endpoints.stream.clone()).header("Accept", "text/event-stream")
    }

    fn end(&self, _state: &SessionState) -> Option<HttpRequest> {
        None
    }

    fn learn(&self, state: &mut SessionState, _headers: &Headers, result: &Value) {
        state.negotiated = negotiated(result);
    }
}

fn later_revision(version: &str) -> bool {
    version
        .parse::<Revision>()
        .is_ok_and(Revision::has_version_header)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_endpoint_is_of_the_same_origin_or_not_used() {
        let stream = Url::parse("http://h:1/a/sse?x=1").unwrap();
        let cases = [
            ("/messages?s=1", Some("http://h:1/messages?s=1")),
            ("messages", Some("http://h:1/a/messages")),
            ("?s=1", Some("http://h:1/a/sse?s=1")),
            ("http://h:1/m", Some("http://h:1/m")),
            (" /m ", Some("http://h:1/m")),
            ("//evil.example/m", None),
            ("https://h:1/m", None),
            ("http://h:2/m", None),
            ("http://h.evil.example:1/m", None),
            ("http://[", None),
            ("file:///etc/passwd", None),
            ("data:text/plain,x", None),
        ];
        for (data, expected) in cases {
            let got = HttpSse::endpoint(&stream, data).ok();
            assert_eq!(got.as_ref().map(Url::as_str), expected, "{data}");
        }
    }

    #[test]
    fn messages_go_where_the_stream_said() {
        let dialect = HttpSse::new(Url::parse("http://h:1/sse").unwrap());
        let message = json!({"jsonrpc": "2.0", "id": 1, "method": "ping"});
        for (negotiated, header) in [
            (None, None),
            (Some("2024-11-05"), None),
            (Some("2025-06-18"), Some("2025-06-18")),
        ] {
            let state = SessionState {
                post_url: Url::parse("http://h:1/m?s=1").ok(),
                negotiated: negotiated.map(str::to_owned),
                ..SessionState::default()
            };
            let outgoing = Outgoing {
                message: &message,
                text: message.to_string(),
            };
            let request = dialect.post(&state, outgoing);
            assert_eq!(request.url.as_str(), "http://h:1/m?s=1");
            assert_eq!(request.headers.get(VERSION_HEADER), header);
            assert!(dialect.end(&state).is_none());
        }
    }
}
