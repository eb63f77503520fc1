//! What a step can do, and with what.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

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
}

/// Sends a request.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Request {
    /// The method.
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
    /// Header fields to set, or to remove (`null`).
    #[serde(default)]
    pub headers: BTreeMap<String, Option<String>>,
}

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
    /// Header fields to set, or to remove (`null`).
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
