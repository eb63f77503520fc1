//! What a server is asked to be: where it listens, which dialects it speaks, what it breaks.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use crate::faults::FaultSet;
use crate::revision::Revision;

/// Largest request body that is read, in bytes. A longer one is refused with 413.
pub const BODY_BYTES_MAX: usize = 4 * 1024 * 1024;

/// Everything that shapes one server.
///
/// `Config::default()` is a conforming server on a free loopback port that speaks all dialects.
#[derive(Clone)]
pub struct Config {
    /// The TCP port on 127.0.0.1; 0 takes any free one.
    pub port: u16,
    /// Which dialects are served.
    pub transport: TransportChoice,
    /// The one revision that is served, or all that the dialects have. Where `initialize` negotiates, a client that asks for
    /// another is offered this one.
    pub revision: Option<Revision>,
    /// The bearer token that every request has to bring, or none. Never written to a log or an answer.
    pub auth_token: Option<String>,
    /// The defects to show. Empty means conforming.
    pub faults: FaultSet,
    /// Which browser origins may call, and whether CORS headers say so.
    pub cors: CorsPolicy,
    /// How a request is answered where the protocol leaves the choice to the server.
    pub answer: AnswerStyle,
    /// How many events may wait on one stream. The stream of a reader that falls further behind ends.
    pub queue_per_stream: usize,
    /// After how long without any use or open stream a session of Streamable HTTP ends.
    pub session_idle: Duration,
    /// How long a tool that asks the client waits for the answer.
    pub client_timeout: Duration,
    /// How many sessions may exist at a time; beyond, `initialize` is refused with 503.
    pub sessions_max: usize,
    /// How many streams may be open at a time; beyond, a GET is refused with 503.
    pub streams_max: usize,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            port: 0,
            transport: TransportChoice::All,
            revision: None,
            auth_token: None,
            faults: FaultSet::default(),
            cors: CorsPolicy::Closed,
            answer: AnswerStyle::Json,
            queue_per_stream: 4096,
            session_idle: Duration::from_secs(30 * 60),
            client_timeout: Duration::from_secs(10),
            sessions_max: 100_000,
            streams_max: 50_000,
        }
    }
}

impl fmt::Debug for Config {
    /// Everything but the token.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Config")
            .field("port", &self.port)
            .field("transport", &self.transport)
            .field("revision", &self.revision)
            .field("auth", &self.auth_token.is_some())
            .field("faults", &self.faults)
            .field("cors", &self.cors)
            .field("answer", &self.answer)
            .field("queue_per_stream", &self.queue_per_stream)
            .field("session_idle", &self.session_idle)
            .field("client_timeout", &self.client_timeout)
            .field("sessions_max", &self.sessions_max)
            .field("streams_max", &self.streams_max)
            .finish()
    }
}

/// Which dialects a server speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum TransportChoice {
    /// Streamable HTTP at `/mcp`, HTTP+SSE at `/sse` and `/messages`, hybrid under `/hybrid/`.
    #[default]
    All,
    /// Streamable HTTP at `/mcp` alone.
    StreamableHttp,
    /// HTTP+SSE of 2024-11-05 alone, at `/sse` and `/messages`.
    Sse,
    /// Hybrid alone, at its literal paths `/mcp`, `/sse` and `/health`.
    Hybrid,
}

impl TransportChoice {
    /// Every choice with its name on the command line.
    pub const NAMES: &'static [(&'static str, Self)] = &[
        ("all", Self::All),
        ("streamable-http", Self::StreamableHttp),
        ("sse", Self::Sse),
        ("hybrid", Self::Hybrid),
    ];
}

impl FromStr for TransportChoice {
    type Err = UnknownName;

    fn from_str(name: &str) -> Result<Self, UnknownName> {
        find(name, Self::NAMES)
    }
}

/// How a request is answered where the protocol leaves the choice to the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum AnswerStyle {
    /// One JSON object, except where progress is reported on the way.
    #[default]
    Json,
    /// Always an event stream that ends after the response.
    Sse,
}

impl AnswerStyle {
    /// Every style with its name on the command line.
    pub const NAMES: &'static [(&'static str, Self)] = &[("json", Self::Json), ("sse", Self::Sse)];
}

impl FromStr for AnswerStyle {
    type Err = UnknownName;

    fn from_str(name: &str) -> Result<Self, UnknownName> {
        find(name, Self::NAMES)
    }
}

/// Which origins besides loopback ones are served, and whether answers carry CORS headers.
///
/// A request from any other origin is refused with 403
/// (2025-11-25 basic/transports#security-warning).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum CorsPolicy {
    /// Loopback origins only. Streamable HTTP sends no CORS headers; hybrid, whose clients are
    /// browser pages, names the loopback origin.
    #[default]
    Closed,
    /// Every origin, answered by `*`.
    Any,
    /// Loopback origins and these, each as `scheme://host[:port]`.
    Origins(Vec<String>),
}

/// A word that is not among the names of a choice.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{given}` is none of {names}")]
pub struct UnknownName {
    given: String,
    names: String,
}

pub(crate) fn find<T: Copy>(given: &str, names: &[(&str, T)]) -> Result<T, UnknownName> {
    names
        .iter()
        .find(|(name, _)| *name == given)
        .map(|(_, value)| *value)
        .ok_or_else(|| UnknownName {
            given: given.to_owned(),
            names: names
                .iter()
                .map(|(name, _)| *name)
                .collect::<Vec<_>>()
                .join(", "),
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_read_back() {
        for (name, choice) in TransportChoice::NAMES {
            assert_eq!(name.parse::<TransportChoice>().as_ref(), Ok(choice));
        }
        for (name, style) in AnswerStyle::NAMES {
            assert_eq!(name.parse::<AnswerStyle>().as_ref(), Ok(style));
        }
    }

    #[test]
    fn an_unknown_name_is_told_the_known_ones() {
        let error = "stdio".parse::<TransportChoice>().unwrap_err();
        assert_eq!(
            error.to_string(),
            "`stdio` is none of all, streamable-http, sse, hybrid"
        );
    }
}
