//! Finds out which transport and revision a URL speaks, in at most four requests, and says what it saw and why.
//!
//! The order of the questions matters: `initialize` first, in the form of Streamable HTTP, which every stateful server
//! understands; then what only one of the candidates answers in its own way.

use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use url::Url;

use crate::protocol::dialect::Hybrid;
use crate::protocol::{Dialect, HttpRequest, Revision, Transport};
use crate::transport::session::OpenSessions;
use crate::transport::{
    EventStream, Exchange, Failure, HttpClient, Link, Recorder, Session, Special,
};

/// The revision that is asked for when the user names none.
pub const NEWEST: Revision = Revision::V2025_11_25;

/// What the user fixed; what is left open is found out.
#[derive(Clone, Copy, Debug, Default)]
pub struct Wish {
    /// The transport.
    pub transport: Option<Transport>,
    /// The revision.
    pub revision: Option<Revision>,
}

/// How requests of the detection are sent and recorded.
#[derive(Clone, Debug)]
pub struct Means {
    /// Sends them.
    pub client: HttpClient,
    /// Records them.
    pub recorder: Arc<Recorder>,
    /// The longest wait for each.
    pub timeout: Duration,
}

impl Means {
    /// The way to a target by a dialect.
    pub fn link(&self, dialect: Box<dyn Dialect>, revision: Revision) -> Arc<Link> {
        Arc::new(Link {
            client: self.client.clone(),
            dialect,
            revision,
            timeout: self.timeout,
            stream_end_grace: STREAM_END_GRACE,
            recorder: Arc::clone(&self.recorder),
            open: OpenSessions::default(),
        })
    }
}

/// How long a stream of 2024-11-05 has to send the `endpoint` event, which comes first on it.
const ENDPOINT_EVENT_WAIT: Duration = Duration::from_secs(1);
/// How long a server has to end a stream after the response on it.
const STREAM_END_GRACE: Duration = Duration::from_millis(500);

/// What a URL speaks.
#[derive(Debug)]
pub struct Detected {
    /// The transport.
    pub transport: Transport,
    /// The revision that the run is judged by.
    pub revision: Revision,
    /// The way to the target.
    pub link: Arc<Link>,
    /// What was seen, and why it means this.
    pub notes: Vec<String>,
}

/// Why nothing can be run.
#[derive(Debug, thiserror::Error)]
pub enum DetectError {
    /// No answer at all.
    #[error("{url} cannot be reached: {why}")]
    Unreachable {
        /// The URL.
        url: String,
        /// What happened.
        why: String,
    },
    /// It answers, but nothing that can be tested.
    #[error("nothing at {url} can be exercised: {why}")]
    NothingToExercise {
        /// The URL.
        url: String,
        /// What was seen.
        why: String,
        /// Everything that was seen.
        notes: Vec<String>,
    },
}

/// Finds out what `url` speaks. Sessions that this opens are ended.
///
/// # Errors
/// If the target cannot be reached, or speaks nothing that can be tested.
pub async fn detect(url: &Url, wish: Wish, means: &Means) -> Result<Detected, DetectError> {
    let revision = wish.revision.unwrap_or(NEWEST);
    let mut looking = Looking {
        url,
        means,
        revision,
        notes: Vec::new(),
    };
    if !revision.has_handshake()
        || revision < Revision::V2025_03_26 && wish.transport != Some(Transport::Hybrid)
    {
        return Err(looking.nothing(format!(
            "this version tests 2025-03-26, 2025-06-18 and 2025-11-25 over streamable-http, and hybrid; not {revision}"
        )));
    }
    let (transport, initialize) = match wish.transport {
        Some(transport) => looking.by_order(transport).await?,
        None => looking.by_looking().await?,
    };
    looking.settle(transport, &initialize, wish)
}

struct Looking<'a> {
    url: &'a Url,
    means: &'a Means,
    revision: Revision,
    notes: Vec<String>,
}

impl Looking<'_> {
    fn shown_url(&self) -> String {
        self.means.recorder.redactor().url(self.url)
    }

    fn note(&mut self, note: impl Into<String>) {
        self.notes
            .push(self.means.recorder.redactor().text(&note.into()));
    }

    fn nothing(&mut self, why: impl Into<String>) -> DetectError {
        DetectError::NothingToExercise {
            url: self.shown_url(),
            why: self.means.recorder.redactor().text(&why.into()),
            notes: std::mem::take(&mut self.notes),
        }
    }

    fn session(&self, transport: Transport) -> Session {
        let dialect = transport.dialect(self.url, self.revision);
        Session::new(self.means.link(dialect, self.revision))
    }

    /// Sends `initialize`; a target that gives no answer cannot be reached.
    async fn initialize(&mut self, session: &Session) -> Result<Exchange, DetectError> {
        let params = Session::initialize_params(self.revision);
        let exchange = session
            .request("initialize", Some(params), Special::default())
            .await;
        let why = match &exchange.outcome {
            Ok(_) => {
                let post = &session.link().dialect.endpoints().post;
                self.note(format!(
                    "POST {} initialize: {}",
                    post.path(),
                    exchange.describe()
                ));
                return Ok(exchange);
            }
            Err(Failure::NoAnswer(_)) => {
                format!("it accepts the connection, and {}", exchange.describe())
            }
            Err(_) => exchange.describe(),
        };
        Err(DetectError::Unreachable {
            url: self.shown_url(),
            why,
        })
    }

    async fn by_order(
        &mut self,
        transport: Transport,
    ) -> Result<(Transport, Exchange), DetectError> {
        self.note(format!("{transport}, because --transport says so"));
        let session = self.session(transport);
        let exchange = self.initialize(&session).await?;
        session.end().await;
        Ok((transport, exchange))
    }

    async fn by_looking(&mut self) -> Result<(Transport, Exchange), DetectError> {
        let session = self.session(Transport::StreamableHttp);
        let initialize = self.initialize(&session).await?;
        let found = self.decide(&session, &initialize).await;
        session.end().await;
        match found {
            Found::Streamable(why) => {
                self.note(format!("streamable-http, because {why}"));
                Ok((Transport::StreamableHttp, initialize))
            }
            Found::Hybrid => {
                self.note("hybrid, because GET …/sse?client_id= opens an event stream beside a POST that answers JSON");
                Ok((Transport::Hybrid, initialize))
            }
            Found::HybridNearby => {
                let session = self.session(Transport::Hybrid);
                let initialize = self.initialize(&session).await?;
                self.note("hybrid, because its POST and stream stand beside this URL");
                Ok((Transport::Hybrid, initialize))
            }
            Found::Nothing(why) => Err(self.nothing(why)),
        }
    }

    async fn decide(&mut self, session: &Session, initialize: &Exchange) -> Found {
        let Some(reply) = initialize.reply() else {
            return Found::Nothing(initialize.describe());
        };
        if reply.is_event_stream() {
            return Found::Streamable("initialize is answered by an event stream".to_owned());
        }
        if reply.headers.get("mcp-session-id").is_some() {
            return Found::Streamable("initialize is answered with a session id".to_owned());
        }
        let response = initialize.response();
        if response.is_some_and(|response| response.get("result").is_some()) {
            if self.opens_hybrid_stream(session).await {
                return Found::Hybrid;
            }
            return Found::Streamable(
                "initialize is answered by JSON, and there is no hybrid stream".to_owned(),
            );
        }
        if let Some(error) = response.and_then(|response| response.get("error")) {
            return self.decide_on_error(session, error).await;
        }
        if (200..300).contains(&reply.status) {
            // It says that all is well and brings no JSON-RPC: that is for the checks to judge.
            return Found::Streamable(
                "it answers a POST with success, though not with JSON-RPC".to_owned(),
            );
        }
        self.decide_without_endpoint(session, initialize).await
    }

    async fn decide_on_error(&mut self, session: &Session, error: &Value) -> Found {
        if error.get("code").and_then(Value::as_i64) == Some(-32022) {
            let supported = error.pointer("/data/supported").unwrap_or(&Value::Null);
            return Found::Nothing(format!(
                "it is a stateless server (error -32022, supported {supported}); this version tests revisions up to {NEWEST}"
            ));
        }
        if self.opens_hybrid_stream(session).await {
            return Found::Hybrid;
        }
        Found::Streamable("initialize is answered by a JSON-RPC error".to_owned())
    }

    /// Nothing takes a POST here. What else may stand here, or beside it?
    async fn decide_without_endpoint(&mut self, session: &Session, initialize: &Exchange) -> Found {
        if Hybrid::new(self.url).endpoints().post != *self.url
            && self.opens_hybrid_stream(session).await
        {
            return Found::HybridNearby;
        }
        let get = HttpRequest::new("GET", self.url.clone()).header("Accept", "text/event-stream");
        let (exchange, stream) = session.listen_with(get).await;
        self.note(format!("GET {}: {}", self.url.path(), exchange.describe()));
        if let Some(stream) = stream
            && begins_with_endpoint_event(&stream, self.means.timeout).await
        {
            return Found::Nothing(
                "it speaks HTTP+SSE of 2024-11-05 (an 'endpoint' event), which this version does not test".to_owned(),
            );
        }
        let location = initialize
            .reply()
            .and_then(|reply| reply.headers.get("location"));
        if let (Some(300..400), Some(location)) = (initialize.status(), location) {
            return Found::Nothing(format!(
                "it redirects to {}; give that URL, if you trust it",
                crate::excerpt::quote(location)
            ));
        }
        if matches!(initialize.status(), Some(401 | 403)) {
            return Found::Nothing(format!(
                "it wants authorization ({}); give it with --header 'Authorization: …'",
                initialize.describe()
            ));
        }
        Found::Nothing(format!(
            "it does not take an MCP message by POST ({}); is the path of the URL right?",
            initialize.describe()
        ))
    }

    /// Whether the stream of a hybrid server stands beside the URL. That of 2024-11-05 looks the same until it sends its
    /// `endpoint` event; the health endpoint tells sooner.
    async fn opens_hybrid_stream(&mut self, session: &Session) -> bool {
        let hybrid = Hybrid::new(self.url);
        let (exchange, stream) = session
            .listen_with(hybrid.open_stream(&session.state()))
            .await;
        let path = hybrid.endpoints().stream.path().to_owned();
        self.note(format!("GET {path}?client_id=…: {}", exchange.describe()));
        let Some(stream) = stream else { return false };
        if let Some(health) = &hybrid.endpoints().health {
            let health = session
                .send_raw(HttpRequest::new("GET", health.clone()), None)
                .await;
            self.note(format!("GET health: {}", health.describe()));
            let counts = health
                .reply()
                .and_then(|reply| reply.json.as_ref()?.get("connected_clients"));
            if counts.is_some() {
                return true;
            }
        }
        if begins_with_endpoint_event(&stream, ENDPOINT_EVENT_WAIT.min(self.means.timeout)).await {
            self.note("that stream is the one of 2024-11-05: it sends an 'endpoint' event");
            return false;
        }
        true
    }

    /// Fixes the revision: the one that the user wants, or the one that the target chose.
    fn settle(
        mut self,
        transport: Transport,
        initialize: &Exchange,
        wish: Wish,
    ) -> Result<Detected, DetectError> {
        let chosen = initialize
            .result()
            .and_then(|result| result.get("protocolVersion")?.as_str())
            .map(str::to_owned);
        let revision = match (wish.revision, chosen.as_deref()) {
            (Some(wanted), Some(chosen)) if chosen != wanted.as_str() => {
                return Err(self.nothing(format!(
                    "it does not speak {wanted}: asked for it, it offers {chosen:?}"
                )));
            }
            (Some(wanted), _) => wanted,
            (None, None) => self.revision,
            (None, Some(chosen)) => match chosen.parse::<Revision>() {
                Ok(known) if known.has_handshake() => known,
                _ => {
                    self.note(format!(
                        "it chose the unknown revision {chosen:?}; judged by {NEWEST}"
                    ));
                    self.revision
                }
            },
        };
        if revision != self.revision {
            self.note(format!(
                "revision {revision}, which it offers in place of {}",
                self.revision
            ));
        }
        Ok(Detected {
            transport,
            revision,
            link: self
                .means
                .link(transport.dialect(self.url, revision), revision),
            notes: self.notes,
        })
    }
}

enum Found {
    Streamable(String),
    Hybrid,
    HybridNearby,
    Nothing(String),
}

/// Whether the first event of a stream is the `endpoint` event of 2024-11-05 (basic/transports#http-with-sse).
async fn begins_with_endpoint_event(stream: &EventStream, patience: Duration) -> bool {
    let first = stream
        .next_where(0, patience, |arrival| arrival.block.event().is_some())
        .await;
    first.is_some_and(|(_, arrival)| {
        let event = arrival.block.event();
        event.is_some_and(|event| event.event == "endpoint")
    })
}
