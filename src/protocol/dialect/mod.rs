//! Wire dialects: how one message, the session's stream and the session's end look on the wire.
//!
//! A dialect is pure. It is given the session's state and says which HTTP request to send; `learn` tells it what came
//! back. Adding a dialect is one file here and one arm in [`Transport::dialect`].

mod hybrid;
mod sse;
mod stateless;
mod streamable;

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde_json::{Map, Value};
use url::Url;

use super::http::{Headers, HttpRequest};
use super::revision::Revision;
use crate::suggest;

pub use hybrid::Hybrid;
pub use sse::{EndpointError, HttpSse};
pub use stateless::{MirroredArgument, ParamHeaders, Stateless, base64};
pub use streamable::Streamable;
pub(crate) use streamable::VERSION_HEADER;

/// The transports, by the names that the command line, reports and scenario files use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Transport {
    /// One endpoint (2025-03-26 and later, basic/transports#streamable-http): for POST, GET and DELETE with sessions, and
    /// from 2026-07-28 on for POST alone.
    StreamableHttp,
    /// HTTP+SSE of 2024-11-05 (basic/transports#http-with-sse): a stream names the endpoint for POST and brings the replies.
    Sse,
    /// `POST /mcp` answers JSON, `GET /sse?client_id=` streams notifications, `GET /health` counts clients.
    Hybrid,
}

impl Transport {
    /// Every transport that can be spoken.
    pub const ALL: [Self; 3] = [Self::StreamableHttp, Self::Sse, Self::Hybrid];

    /// Its name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::StreamableHttp => "streamable-http",
            Self::Sse => "sse",
            Self::Hybrid => "hybrid",
        }
    }

    /// The dialect of this transport for `revision`, with its endpoints derived from the URL that the user gave.
    pub fn dialect(self, url: &Url, revision: Revision) -> Box<dyn Dialect> {
        match self {
            Self::StreamableHttp if revision.has_handshake() => {
                Box::new(Streamable::new(url.clone(), revision))
            }
            Self::StreamableHttp => Box::new(Stateless::new(url.clone(), revision)),
            Self::Sse => Box::new(HttpSse::new(url.clone())),
            Self::Hybrid => Box::new(Hybrid::new(url)),
        }
    }

    /// Whether `revision` can be spoken over it. The transport of 2024-11-05 is older than the revisions that deployed
    /// servers negotiate over it; there is none over it or `hybrid` that has no handshake.
    pub fn carries(self, revision: Revision) -> bool {
        self == Self::StreamableHttp || revision.has_handshake()
    }
}

impl fmt::Display for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A word that names no transport.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("'{word}' is no transport{hint}; transports are streamable-http, sse and hybrid")]
pub struct UnknownTransport {
    word: String,
    hint: String,
}

impl FromStr for Transport {
    type Err = UnknownTransport;

    fn from_str(word: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|transport| transport.as_str() == word)
            .ok_or_else(|| UnknownTransport {
                word: word.to_owned(),
                hint: suggest::hint(word, Self::ALL.iter().map(|transport| transport.as_str())),
            })
    }
}

/// The URLs of a target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoints {
    /// Where messages are posted.
    pub post: Url,
    /// Where the session's stream is opened.
    pub stream: Url,
    /// Where the server tells of its health, in the dialects that have it.
    pub health: Option<Url>,
}

/// What a session knows that its messages depend on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SessionState {
    /// The name that this client gives itself on its stream (`client_id` of `hybrid`); random, URL-safe.
    pub client_id: String,
    /// The session id that the server handed out.
    pub session_id: Option<String>,
    /// The revision that the server chose in the handshake, as it wrote it.
    pub negotiated: Option<String>,
    /// Where the `endpoint` event said that messages go.
    pub post_url: Option<Url>,
    /// What this client declares that it can do.
    pub capabilities: Map<String, Value>,
    /// What is known of the server from outside this session.
    pub known: Arc<Known>,
}

/// What was learnt of a server and shapes the messages of all sessions.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Known {
    /// Which arguments of which tools are repeated in header fields.
    pub param_headers: ParamHeaders,
    /// What a stream of 2026-07-28 asks for: the `notifications` of `subscriptions/listen`.
    pub notifications: Map<String, Value>,
}

/// Where the response to a posted request arrives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReplyChannel {
    /// In the body of the POST, as JSON or as an event stream.
    Exchange,
    /// On the session's own stream; the POST is only acknowledged.
    SessionStream,
}

/// What a message is handed to a dialect as.
pub struct Outgoing<'a> {
    /// The JSON-RPC message.
    pub message: &'a Value,
    /// Its text, which may be deliberately malformed.
    pub text: String,
}

/// How a dialect puts things on the wire.
pub trait Dialect: fmt::Debug + Send + Sync {
    /// The transport that this is a dialect of.
    fn transport(&self) -> Transport;

    /// The URLs in use.
    fn endpoints(&self) -> &Endpoints;

    /// Where responses arrive.
    fn reply_channel(&self) -> ReplyChannel {
        ReplyChannel::Exchange
    }

    /// Adds to a message what the dialect wants in every message of its kind.
    fn dress(&self, _state: &SessionState, message: Value) -> Value {
        message
    }

    /// The POST that carries one message.
    fn post(&self, state: &SessionState, outgoing: Outgoing<'_>) -> HttpRequest;

    /// The request that opens the session's stream; `id` is for dialects in which that is a JSON-RPC request.
    fn open_stream(&self, state: &SessionState, id: &Value) -> HttpRequest;

    /// The request that ends the session, if there is a session to end.
    fn end(&self, state: &SessionState) -> Option<HttpRequest>;

    /// Takes from the reply to the opening request (`initialize`, `server/discover`) what later messages need.
    fn learn(&self, state: &mut SessionState, headers: &Headers, result: &Value);
}

/// The negotiated revision, as the server wrote it.
fn negotiated(result: &Value) -> Option<String> {
    result.get("protocolVersion")?.as_str().map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_read_back_and_slips_are_named() {
        for transport in Transport::ALL {
            assert_eq!(transport.as_str().parse(), Ok(transport));
        }
        let error = "streamable".parse::<Transport>().unwrap_err().to_string();
        assert!(error.contains("did you mean 'streamable-http'"), "{error}");
    }
}
