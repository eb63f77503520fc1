//! One look at a target: what is asked, in which order, and what the answers mean.

use std::time::Duration;

use serde_json::Value;
use url::Url;

use super::{
    DetectError, Detected, Means, NEWEST, NEWEST_WITH_HANDSHAKE, UNSUPPORTED_VERSION,
    known_revisions,
};
use crate::excerpt::quote;
use crate::protocol::dialect::{HttpSse, Hybrid};
use crate::protocol::{Dialect, HttpRequest, Revision, Transport};
use crate::transport::challenge;
use crate::transport::tls::asks_for_tls;
use crate::transport::{EventStream, Exchange, Failure, Session, Special};

/// How long a stream of 2024-11-05 has to send the `endpoint` event, which comes first on it.
const ENDPOINT_EVENT_WAIT: Duration = Duration::from_secs(1);
/// How long the question that only newer servers understand may go unanswered; some older ones leave it at that.
const DISCOVER_WAIT: Duration = Duration::from_secs(2);

/// How many requests transport and era may take.
const REQUESTS_MAX: usize = 4;

/// What was found, before the revision is settled.
pub(super) struct Found {
    url: Url,
    transport: Transport,
    /// The revision that the target chose, as it wrote it.
    chosen: Option<String>,
    also: Option<Revision>,
}

/// What `server/discover` says of the era.
enum Modern {
    /// It is answered as it should be, with the newest revision that is known here.
    Yes(Revision),
    /// It is refused in a way that only a server of this era knows, though our request is in order.
    Broken(String),
    No,
    /// Nothing takes a POST here.
    NoPost,
}

/// What stream stands beside a URL.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Beside {
    Hybrid,
    Sse,
    Nothing,
}

pub(super) struct Looking<'a> {
    url: &'a Url,
    means: &'a Means,
    wanted: Option<Revision>,
    notes: Vec<String>,
    /// How many requests were sent.
    requests: usize,
}

impl<'a> Looking<'a> {
    pub(super) fn new(url: &'a Url, means: &'a Means, wanted: Option<Revision>) -> Self {
        Self {
            url,
            means,
            wanted,
            notes: Vec::new(),
            requests: 0,
        }
    }

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

    fn not_offered(&mut self, revision: Revision, why: impl Into<String>) -> DetectError {
        DetectError::NotOffered {
            url: self.shown_url(),
            revision,
            why: self.means.recorder.redactor().text(&why.into()),
            offered: None,
            notes: std::mem::take(&mut self.notes),
        }
    }

    /// The revision that a handshake asks for.
    fn asked(&self) -> Revision {
        self.wanted
            .filter(|revision| revision.has_handshake())
            .unwrap_or(NEWEST_WITH_HANDSHAKE)
    }

    fn session(&self, transport: Transport, url: &Url, revision: Revision) -> Session {
        Session::new(self.means.link(transport.dialect(url, revision), revision))
    }

    /// Asks what a user fixed the transport of.
    pub(super) async fn by_order(&mut self, transport: Transport) -> Result<Found, DetectError> {
        self.note(format!("{transport}, because --transport says so"));
        if let Some(wanted) = self.wanted.filter(|wanted| !transport.carries(*wanted)) {
            return Err(self.not_offered(wanted, format!("there is no {wanted} over {transport}")));
        }
        if transport == Transport::StreamableHttp
            && let Some(found) = self.stateless().await?
        {
            return Ok(found);
        }
        self.handshake(transport, &self.url.clone()).await
    }

    /// Finds out transport and era.
    pub(super) async fn by_looking(&mut self) -> Result<Found, DetectError> {
        let asks_discover = self.wanted.is_none_or(|wanted| !wanted.has_handshake());
        let modern = if asks_discover {
            self.discover().await?
        } else {
            Modern::No
        };
        match (self.wanted, &modern) {
            (_, Modern::Yes(revision)) => return self.is_stateless(*revision).await,
            (Some(wanted), Modern::Broken(why)) if !wanted.has_handshake() => {
                self.note(format!("streamable-http, because {why}"));
                return Ok(self.found(Transport::StreamableHttp, None));
            }
            (Some(wanted), _) if !wanted.has_handshake() => {
                return Err(self.not_offered(
                    wanted,
                    "it does not answer server/discover as a server of that revision does",
                ));
            }
            _ => {}
        }
        let session = self.session(Transport::StreamableHttp, self.url, self.asked());
        if matches!(modern, Modern::NoPost) {
            return self.without_endpoint(&session, None).await;
        }
        let initialize = self.initialize(&session).await?;
        let found = self.decide(&session, &initialize, modern).await;
        session.end().await;
        found
    }

    /// With `streamable-http` fixed: the stateless era, if it is wanted or nothing else is and it is there.
    async fn stateless(&mut self) -> Result<Option<Found>, DetectError> {
        if self.wanted.is_some_and(Revision::has_handshake) {
            return Ok(None);
        }
        match (self.discover().await?, self.wanted) {
            (Modern::Yes(revision), _) => self.is_stateless(revision).await.map(Some),
            (_, Some(_)) => {
                self.note("judged by 2026-07-28, because --revision says so");
                Ok(Some(self.found(Transport::StreamableHttp, None)))
            }
            _ => Ok(None),
        }
    }

    fn found(&self, transport: Transport, chosen: Option<String>) -> Found {
        Found {
            url: self.url.clone(),
            transport,
            chosen,
            also: None,
        }
    }

    /// A stateless server; unless the user wants just that, whether it has the older era too.
    async fn is_stateless(&mut self, revision: Revision) -> Result<Found, DetectError> {
        self.note(format!(
            "streamable-http {revision}, because server/discover is answered"
        ));
        let mut found = self.found(
            Transport::StreamableHttp,
            Some(revision.as_str().to_owned()),
        );
        if self.wanted.is_none() {
            let session = self.session(Transport::StreamableHttp, self.url, self.asked());
            let initialize = self.initialize(&session).await?;
            session.end().await;
            found.also = chosen_by(&initialize).and_then(|chosen| chosen.parse().ok());
            if let Some(also) = found.also {
                self.note(format!(
                    "dual-era: initialize is answered too, with {also}; --revision {also} tests that"
                ));
            }
        }
        Ok(found)
    }

    /// Asks in the way of 2026-07-28.
    async fn discover(&mut self) -> Result<Modern, DetectError> {
        let session = self.session(Transport::StreamableHttp, self.url, NEWEST);
        let special = Special {
            timeout: Some(DISCOVER_WAIT.min(self.means.timeout)),
            ..Special::default()
        };
        self.requests += 1;
        let exchange = session.request("server/discover", None, special).await;
        self.note(format!(
            "POST {} server/discover: {}",
            self.url.path(),
            exchange.describe()
        ));
        if let Err(failure @ (Failure::Connect(_) | Failure::Unsendable(_))) = &exchange.outcome {
            return Err(self.unreachable(failure.to_string()));
        }
        if let Some(result) = exchange.result() {
            let supported = result.get("supportedVersions");
            let newest = known_revisions(supported)
                .into_iter()
                .find(|revision| !revision.has_handshake());
            return Ok(match (result.get("resultType"), newest) {
                (_, Some(newest)) => Modern::Yes(newest),
                (Some(_), None) => {
                    self.note("server/discover names no revision of its era that is known here");
                    Modern::No
                }
                (None, None) => Modern::No,
            });
        }
        let error = exchange
            .response()
            .and_then(|response| response.get("error"));
        let code = error.and_then(|error| error.get("code")?.as_i64());
        let supported = error.and_then(|error| error.pointer("/data/supported"));
        Ok(match code {
            Some(UNSUPPORTED_VERSION) if known_revisions(supported).contains(&NEWEST) => {
                Modern::Broken(format!(
                    "server/discover is refused with {UNSUPPORTED_VERSION}, which names {NEWEST} as supported"
                ))
            }
            Some(code @ (-32020 | -32021)) => Modern::Broken(format!(
                "server/discover is refused with {code}, an error of {NEWEST}, though header fields and _meta are in order; is there a proxy that drops fields?"
            )),
            _ if exchange.status() == Some(405) => Modern::NoPost,
            _ => Modern::No,
        })
    }

    fn unreachable(&self, why: String) -> DetectError {
        DetectError::Unreachable {
            url: self.shown_url(),
            why,
        }
    }

    /// Sends `initialize`; a target that gives no answer cannot be reached.
    async fn initialize(&mut self, session: &Session) -> Result<Exchange, DetectError> {
        let revision = session.link().revision;
        let params = Session::initialize_params(revision, &session.state().capabilities);
        self.requests += 1;
        let exchange = session
            .request("initialize", Some(params), Special::default())
            .await;
        let why = match &exchange.outcome {
            Ok(_) => {
                self.note(format!(
                    "POST {} initialize: {}",
                    exchange.request.url.path(),
                    exchange.describe()
                ));
                return Ok(exchange);
            }
            Err(Failure::NoAnswer(_)) => {
                format!("it accepts the connection, and {}", exchange.describe())
            }
            // What is wrong with its endpoint, the checks tell.
            Err(Failure::NoEndpoint(why)) => {
                let why = why.clone();
                self.note(why);
                return Ok(exchange);
            }
            Err(Failure::Unusable(why)) => {
                let why = why.clone();
                return Err(self.nothing(why));
            }
            Err(_) => exchange.describe(),
        };
        Err(self.unreachable(why))
    }

    /// The handshake over a transport that is settled.
    async fn handshake(&mut self, transport: Transport, url: &Url) -> Result<Found, DetectError> {
        let session = self.session(transport, url, self.asked());
        let initialize = self.initialize(&session).await?;
        session.end().await;
        Ok(Found {
            url: url.clone(),
            ..self.found(transport, chosen_by(&initialize))
        })
    }

    async fn decide(
        &mut self,
        session: &Session,
        initialize: &Exchange,
        modern: Modern,
    ) -> Result<Found, DetectError> {
        let Some(reply) = initialize.reply() else {
            return Err(self.nothing(initialize.describe()));
        };
        let chosen = chosen_by(initialize);
        let session_id = reply.headers.get("mcp-session-id").is_some();
        if reply.is_event_stream() || session_id {
            self.note(if session_id {
                "streamable-http, because initialize is answered with a session id"
            } else {
                "streamable-http, because initialize is answered by an event stream"
            });
            return Ok(self.found(Transport::StreamableHttp, chosen));
        }
        let error = initialize
            .response()
            .and_then(|response| response.get("error"));
        if let Some(error) = error
            && error.get("code").and_then(Value::as_i64) == Some(UNSUPPORTED_VERSION)
        {
            return self.refused_as_stateless(error);
        }
        if let (Modern::Broken(why), None) = (&modern, &chosen) {
            self.note(format!("streamable-http {NEWEST}, because {why}"));
            return Ok(self.found(Transport::StreamableHttp, Some(NEWEST.as_str().to_owned())));
        }
        let stands_elsewhere = error.is_some() && matches!(reply.status, 404 | 405);
        if initialize.response().is_some() && !stands_elsewhere {
            if self.stream_beside(session).await == Beside::Hybrid {
                self.note("hybrid, because GET …/sse?client_id= opens an event stream beside a POST that answers JSON");
                return Ok(self.found(Transport::Hybrid, chosen));
            }
            self.note("streamable-http, because initialize is answered by JSON, and there is no hybrid stream");
            return Ok(self.found(Transport::StreamableHttp, chosen));
        }
        if (200..300).contains(&reply.status) {
            // It says that all is well and brings no JSON-RPC: that is for the checks to judge.
            self.note(
                "streamable-http, because it answers a POST with success, though not with JSON-RPC",
            );
            return Ok(self.found(Transport::StreamableHttp, chosen));
        }
        self.without_endpoint(session, Some(initialize)).await
    }

    /// `initialize` was refused by a server that has no handshake.
    fn refused_as_stateless(&mut self, error: &Value) -> Result<Found, DetectError> {
        let supported = error.pointer("/data/supported").unwrap_or(&Value::Null);
        let why =
            format!("it refuses initialize with {UNSUPPORTED_VERSION}, supported {supported}");
        if let Some(wanted) = self.wanted {
            return Err(self.not_offered(wanted, why));
        }
        if !known_revisions(Some(supported)).contains(&NEWEST) {
            return Err(self.nothing(why));
        }
        self.note(format!("streamable-http {NEWEST}, because {why}"));
        Ok(self.found(Transport::StreamableHttp, Some(NEWEST.as_str().to_owned())))
    }

    /// Nothing takes a POST here. What else may stand here, or beside it?
    async fn without_endpoint(
        &mut self,
        session: &Session,
        initialize: Option<&Exchange>,
    ) -> Result<Found, DetectError> {
        if self.has_endpoint_event(session, self.url).await {
            let url = self.url.clone();
            return self.handshake(Transport::Sse, &url).await;
        }
        match self.stream_beside(session).await {
            Beside::Hybrid => {
                self.note("hybrid, because its stream stands beside this URL");
                return self.handshake(Transport::Hybrid, &self.url.clone()).await;
            }
            Beside::Sse => {
                let url = Hybrid::new(self.url).endpoints().stream.clone();
                self.note(format!(
                    "sse, because a stream that begins with an 'endpoint' event stands at {}",
                    url.path()
                ));
                return self.handshake(Transport::Sse, &url).await;
            }
            Beside::Nothing => {}
        }
        let Some(initialize) = initialize else {
            return Err(self.nothing("it takes no POST (405), and opens no event stream"));
        };
        let why = self.why_no_endpoint(initialize);
        Err(self.nothing(why))
    }

    /// What the refusal of a POST says, for a person.
    fn why_no_endpoint(&mut self, refused: &Exchange) -> String {
        let described = refused.describe();
        let Some(reply) = refused.reply() else {
            return described;
        };
        match (reply.status, reply.headers.get("location")) {
            (300..=399, Some(location)) => format!(
                "it redirects to {}; give that URL, if you trust it",
                quote(location)
            ),
            (401 | 403, _) => {
                for line in challenge::describe(&reply.headers, self.url) {
                    self.note(line);
                }
                format!(
                    "it wants authorization ({described}); give it with --bearer-env, --bearer-file or --header-env"
                )
            }
            (status, _) if asks_for_tls(status, &reply.body) => {
                format!("it wants TLS ({described}); is the URL https://?")
            }
            _ => format!(
                "it does not take an MCP message by POST ({described}); is the path of the URL right?"
            ),
        }
    }

    /// Whether a GET opens a stream that begins with the `endpoint` event.
    async fn has_endpoint_event(&mut self, session: &Session, url: &Url) -> bool {
        let dialect = HttpSse::new(url.clone());
        let get: HttpRequest = dialect.open_stream(&session.state(), &Value::Null);
        self.requests += 1;
        let (exchange, stream) = session.listen_with(get).await;
        self.note(format!("GET {}: {}", url.path(), exchange.describe()));
        let Some(stream) = stream else { return false };
        let begins = begins_with_endpoint_event(&stream, self.means.timeout).await;
        if begins {
            self.note("sse, because that stream begins with an 'endpoint' event");
        }
        begins
    }

    /// Whether the stream of a hybrid server stands beside the URL. That of 2024-11-05 looks the same until it sends its
    /// `endpoint` event; the health endpoint tells sooner.
    async fn stream_beside(&mut self, session: &Session) -> Beside {
        let hybrid = Hybrid::new(self.url);
        let request = hybrid.open_stream(&session.state(), &Value::Null);
        self.requests += 1;
        let (exchange, stream) = session.listen_with(request).await;
        let path = hybrid.endpoints().stream.path().to_owned();
        self.note(format!("GET {path}?client_id=…: {}", exchange.describe()));
        let Some(stream) = stream else {
            return Beside::Nothing;
        };
        if let Some(health) = &hybrid.endpoints().health
            && self.requests < REQUESTS_MAX
        {
            self.requests += 1;
            let health = session
                .send_raw(HttpRequest::new("GET", health.clone()), None)
                .await;
            self.note(format!("GET health: {}", health.describe()));
            let counts = health
                .reply()
                .and_then(|reply| reply.json.as_ref()?.get("connected_clients"));
            // Its answer took long enough for an 'endpoint' event, if one is sent.
            if counts.is_some() && !begins_with_endpoint_event(&stream, Duration::ZERO).await {
                return Beside::Hybrid;
            }
        }
        if begins_with_endpoint_event(&stream, ENDPOINT_EVENT_WAIT.min(self.means.timeout)).await {
            self.note("that stream is the one of 2024-11-05: it sends an 'endpoint' event");
            return Beside::Sse;
        }
        Beside::Hybrid
    }

    /// Fixes the revision: the one that the user wants, or the one that the target chose.
    pub(super) fn settle(mut self, found: Found) -> Result<Detected, DetectError> {
        let revision = match (self.wanted, found.chosen.as_deref()) {
            (Some(wanted), Some(chosen)) if chosen != wanted.as_str() => {
                let mut error =
                    self.not_offered(wanted, format!("asked for it, it offers {chosen:?}"));
                if let DetectError::NotOffered { offered, .. } = &mut error {
                    *offered = chosen.parse().ok();
                }
                return Err(error);
            }
            (Some(wanted), _) => wanted,
            (None, None) => self.asked(),
            (None, Some(chosen)) => match chosen.parse::<Revision>() {
                Ok(known) => known,
                Err(_) => {
                    let asked = self.asked();
                    self.note(format!(
                        "it chose the unknown revision {chosen:?}; judged by {asked}"
                    ));
                    asked
                }
            },
        };
        if revision.has_handshake() && revision != self.asked() {
            let asked = self.asked();
            self.note(format!(
                "revision {revision}, which it offers in place of {asked}"
            ));
        }
        let dialect = found.transport.dialect(&found.url, revision);
        Ok(Detected {
            url: found.url,
            transport: found.transport,
            revision,
            also: found.also,
            link: self.means.link(dialect, revision),
            notes: self.notes,
        })
    }
}

/// The revision that the reply to `initialize` names.
fn chosen_by(initialize: &Exchange) -> Option<String> {
    let version = initialize.result()?.get("protocolVersion")?.as_str()?;
    Some(version.to_owned())
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
