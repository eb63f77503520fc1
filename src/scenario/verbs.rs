//! What a step can do, and with what.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::words::{Slug, Span};

/// What a step does.
#[derive(Clone, Debug)]
pub enum Verb {
    /// Opens a session: the whole handshake.
    Connect(Connect),
    /// Sends a JSON-RPC request and waits for the response.
    Request(Request),
    /// Sends a JSON-RPC notification.
    Notify(Notify),
    /// Sends any HTTP request.
    Http(Http),
    /// Opens an event stream that is read beside the steps that follow.
    Listen(Listen),
    /// Waits for messages on a stream, or for its end.
    Await(Await),
    /// Watches a stream on which nothing should come.
    Quiet(Quiet),
    /// Closes a stream from our side.
    Close(Close),
    /// Ends a session.
    End(End),
}

impl Verb {
    /// Its name in files.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Connect(_) => "connect",
            Self::Request(_) => "request",
            Self::Notify(_) => "notify",
            Self::Http(_) => "http",
            Self::Listen(_) => "listen",
            Self::Await(_) => "await",
            Self::Quiet(_) => "quiet",
            Self::Close(_) => "close",
            Self::End(_) => "end",
        }
    }
}

/// The name of the session that a verb uses when it names none.
pub const MAIN_SESSION: &str = "main";

/// The session that a verb uses when it names none.
fn main_session() -> Slug {
    // Cannot fail: the word is a slug.
    Slug::try_from(MAIN_SESSION.to_owned()).unwrap_or_else(|error| unreachable!("{error}"))
}

/// Opens a session.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Connect {
    /// The name of the session for later steps.
    #[serde(default = "main_session", rename = "as")]
    pub name: Slug,
    /// What this client declares that it can do, from now on; nothing if it is left out.
    pub capabilities: Option<Map<String, Value>>,
}

/// Sends a request.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Request {
    /// The method, which may hold `${…}`.
    pub method: String,
    /// The parameters, which may hold `${…}`.
    pub params: Option<Value>,
    /// The id, instead of a fresh number.
    #[serde(default, deserialize_with = "present")]
    #[schemars(with = "Option<Value>")]
    pub id: Option<Value>,
    /// The session; one that is new to the scenario begins without a handshake.
    #[serde(default = "main_session")]
    pub session: Slug,
    /// Header fields to set, or to remove (`null`); names and values may hold `${…}`.
    #[serde(default)]
    pub headers: BTreeMap<String, Option<String>>,
    /// What this client declares that it can do, from now on.
    pub capabilities: Option<Map<String, Value>>,
    /// Whether the request is repeated with the input that its result asks for, as far as this client declared that it can
    /// give it; what the step brings is the last answer.
    #[serde(default)]
    pub answer_input: bool,
}

/// What is set by a request with `answer_input`: variables, and where their values stand in the last request of its rounds.
pub const INPUT_VARIABLES: [(&str, &str); 2] = [
    ("input.responses", "/params/inputResponses"),
    ("input.state", "/params/requestState"),
];

/// A member that is `null` is there all the same: `id: null` is an id.
fn present<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<Value>, D::Error> {
    Value::deserialize(deserializer).map(Some)
}

/// Sends a notification.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Notify {
    /// The method.
    pub method: String,
    /// The parameters, which may hold `${…}`.
    pub params: Option<Value>,
    /// The session.
    #[serde(default = "main_session")]
    pub session: Slug,
}

/// Sends any HTTP request. It begins as the dialect would send it, and is changed from there.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Http {
    /// The method token.
    pub method: String,
    /// The endpoint.
    #[serde(default)]
    pub endpoint: Endpoint,
    /// Query members, instead of those that the dialect adds.
    pub query: Option<BTreeMap<String, String>>,
    /// A JSON body, which may hold `${…}`.
    pub json: Option<Value>,
    /// A body as text, sent as it stands.
    pub text: Option<String>,
    /// The session whose header fields are sent.
    #[serde(default = "main_session")]
    pub session: Slug,
    /// Header fields to set, or to remove (`null`); names and values may hold `${…}`.
    #[serde(default)]
    pub headers: BTreeMap<String, Option<String>>,
}

/// The endpoints of a target.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Endpoint {
    /// Where messages are posted.
    #[default]
    Post,
    /// Where messages were posted before the session's stream was closed (HTTP+SSE).
    FormerPost,
    /// Where messages are posted, with another session of the same shape in its query (HTTP+SSE).
    UnknownPost,
    /// Where the session's stream is opened.
    Stream,
    /// Where the server tells of its health.
    Health,
}

/// Opens an event stream.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Listen {
    /// The name of the stream for later steps.
    #[serde(rename = "as")]
    pub name: Slug,
    /// The session.
    #[serde(default = "main_session")]
    pub session: Slug,
    /// Query members, instead of those that the dialect adds.
    pub query: Option<BTreeMap<String, String>>,
    /// What the stream is asked for (2026-07-28), instead of all that the target offers; may hold `${…}`.
    pub notifications: Option<Value>,
    /// The id of the request for the stream (2026-07-28), instead of a fresh number.
    pub id: Option<Value>,
    /// A stream of its own, read from its first event, where the session has one already that replies come on (HTTP+SSE).
    #[serde(default)]
    pub apart: bool,
    /// Header fields to set, or to remove (`null`); names and values may hold `${…}`.
    #[serde(default)]
    pub headers: BTreeMap<String, Option<String>>,
}

/// Waits on a stream.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Await {
    /// The stream.
    pub on: Slug,
    /// The method of the messages that count.
    pub method: Option<String>,
    /// Text that the data of the events that count holds; may hold `${…}`.
    pub containing: Option<String>,
    /// How many to wait for.
    #[serde(default = "one")]
    pub count: usize,
    /// Wait for the end of the stream instead.
    #[serde(default)]
    pub end: bool,
    /// The longest wait.
    pub within: Span,
}

const fn one() -> usize {
    1
}

/// Watches a stream on which nothing should come.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Quiet {
    /// The stream.
    pub on: Slug,
    /// The method of the messages that count.
    pub method: Option<String>,
    /// Text that the data of the events that count holds; may hold `${…}`.
    pub containing: Option<String>,
    /// Whether events count that came before this step as well.
    #[serde(default)]
    pub from_start: bool,
    /// How long it is watched.
    #[serde(rename = "for")]
    pub span: Span,
}

/// Closes a stream from our side.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Close {
    /// The stream.
    pub stream: Slug,
}

/// Ends a session.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct End {
    /// The session.
    #[serde(default = "main_session")]
    pub session: Slug,
}
