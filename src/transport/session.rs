//! A client's session with the target: the handshake, requests with fresh ids, the stream, and the end.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use serde_json::{Map, Value, json};
use url::Url;

use super::answers::Answers;
use super::channel::Channel;
use super::client::{Failure, headers_of};
use super::exchange::{self, BodyEnd, Exchange, Patience, Reply};
use super::link::Link;
use super::stream::EventStream;
use crate::protocol::dialect::{Outgoing, ReplyChannel, SessionState};
use crate::protocol::{Headers, HttpRequest, Revision, client, jsonrpc};

/// How often a client comes back for the rest of one answer.
const RESUMPTIONS_MAX: usize = 5;
/// The least time for the rest of an answer.
const RESUMPTION_PATIENCE_MIN: Duration = Duration::from_millis(50);
/// How often a request is repeated with the input that its result asked for.
const INPUT_ROUNDS_MAX: usize = 4;

/// What a request may have that is out of the ordinary.
#[derive(Clone, Debug, Default)]
pub struct Special {
    /// An id instead of a fresh one.
    pub id: Option<Value>,
    /// The longest wait, instead of the run's timeout.
    pub timeout: Option<Duration>,
}

/// A handshake that went through.
#[derive(Clone, Debug)]
pub struct Connected {
    /// The exchange of the opening request: `initialize`, or `server/discover` where there is no handshake.
    pub opening: Exchange,
    /// The exchange of `notifications/initialized`, where there is a handshake.
    pub initialized: Option<Exchange>,
}

impl Connected {
    /// The result of the opening request.
    pub fn result(&self) -> &Value {
        self.opening.result().unwrap_or(&Value::Null)
    }
}

/// A handshake that did not go through.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{step}: {why}")]
pub struct ConnectError {
    /// The method that was not accepted.
    pub step: &'static str,
    /// What came instead.
    pub why: String,
    /// The exchange.
    pub exchange: Box<Exchange>,
}

impl ConnectError {
    fn new(step: &'static str, exchange: Exchange) -> Self {
        Self {
            step,
            why: exchange.describe(),
            exchange: Box::new(exchange),
        }
    }
}

/// A client with at most one session on the server.
#[derive(Debug)]
pub struct Session {
    link: Arc<Link>,
    state: Arc<Mutex<SessionState>>,
    ids: AtomicU64,
    answers: Arc<Answers>,
    /// The stream that replies come on, in the dialects that have it; held while it is being opened.
    channel: tokio::sync::Mutex<Replies>,
}

/// Where the replies that do not come in answer to the POST are read.
#[derive(Debug, Default)]
enum Replies {
    /// The stream is not open yet, or there is none.
    #[default]
    NotYet,
    /// Here.
    Here(Box<Channel>),
    /// By whoever holds the session; requests only see that they were accepted.
    Elsewhere,
}

impl Replies {
    fn here(&self) -> Option<&Channel> {
        match self {
            Self::Here(channel) => Some(channel),
            Self::NotYet | Self::Elsewhere => None,
        }
    }
}

impl Session {
    /// A client that has not said anything yet.
    pub fn new(link: Arc<Link>) -> Self {
        let state = Arc::new(Mutex::new(SessionState {
            client_id: random_name(),
            known: link.known.get(),
            ..SessionState::default()
        }));
        Self {
            answers: Arc::new(Answers::new(Arc::clone(&link), Arc::clone(&state))),
            link,
            state,
            ids: AtomicU64::new(1),
            channel: tokio::sync::Mutex::default(),
        }
    }

    /// Declares what this client can do; before the handshake.
    pub fn declare(&self, capabilities: Map<String, Value>) {
        lock(&self.state).capabilities = capabilities;
    }

    /// What all sessions of the run share.
    pub fn link(&self) -> &Arc<Link> {
        &self.link
    }

    /// A copy of what later messages depend on.
    pub fn state(&self) -> SessionState {
        lock(&self.state).clone()
    }

    /// The parameters of an ordinary `initialize`.
    pub fn initialize_params(revision: Revision, capabilities: &Map<String, Value>) -> Value {
        json!({
            "protocolVersion": revision.as_str(),
            "capabilities": capabilities,
            "clientInfo": jsonrpc::client_info(),
        })
    }

    /// Opens the session: `initialize`, then `notifications/initialized` (basic/lifecycle#initialization). Where there is
    /// no session, asks what there is instead: `server/discover` (2026-07-28, server/discover).
    ///
    /// # Errors
    /// If the target did not answer the first with a result, or refused the second.
    pub async fn connect(&self) -> Result<Connected, ConnectError> {
        if !self.link.revision.has_handshake() {
            let opening = self
                .request("server/discover", None, Special::default())
                .await;
            if opening.result().is_none() {
                return Err(ConnectError::new("server/discover", opening));
            }
            return Ok(Connected {
                opening,
                initialized: None,
            });
        }
        let params = Self::initialize_params(self.link.revision, &self.state().capabilities);
        let opening = self
            .request("initialize", Some(params), Special::default())
            .await;
        if opening.result().is_none() {
            return Err(ConnectError::new("initialize", opening));
        }
        let initialized = self.notify("notifications/initialized", None).await;
        if !initialized
            .status()
            .is_some_and(|status| (200..300).contains(&status))
        {
            return Err(ConnectError::new("notifications/initialized", initialized));
        }
        Ok(Connected {
            opening,
            initialized: Some(initialized),
        })
    }

    /// Opens the stream that replies come on, in the dialects that have it. To be called before a request is made up that
    /// is not sent by [`request`](Self::request) or [`notify`](Self::notify).
    ///
    /// # Errors
    /// The exchange that failed to open it.
    pub async fn ready(&self) -> Result<(), Box<Exchange>> {
        self.channel().await.map(drop)
    }

    async fn channel(&self) -> Result<Option<Channel>, Box<Exchange>> {
        if self.link.dialect.reply_channel() == ReplyChannel::Exchange {
            return Ok(None);
        }
        let mut held = self.channel.lock().await;
        match &*held {
            Replies::NotYet => {}
            Replies::Here(channel) => return Ok(Some(channel.as_ref().clone())),
            Replies::Elsewhere => return Ok(None),
        }
        let (mut opening, stream) = self.listen_with(self.stream_request()).await;
        let Some(stream) = stream else {
            // What was asked for is a stream that names an endpoint; without it there is nothing to post to.
            let why = format!(
                "the stream for replies does not open: {}",
                opening.describe()
            );
            match opening.status() {
                // It is there, and not what it should be.
                Some(200) => opening.outcome = Err(Failure::NoEndpoint(why)),
                Some(_) => opening.outcome = Err(Failure::Unusable(why)),
                None => {}
            }
            return Err(Box::new(opening));
        };
        let channel = Channel { opening, stream };
        let url = channel.endpoint(self.link.timeout).await?;
        lock(&self.state).post_url = Some(url);
        *held = Replies::Here(Box::new(channel.clone()));
        Ok(Some(channel))
    }

    /// Gives up the stream that replies come on, if there is one; once all its clones are dropped, it is closed.
    pub async fn hang_up(&self) -> Option<Channel> {
        let replies = std::mem::take(&mut *self.channel.lock().await);
        match replies {
            Replies::Here(channel) => {
                lock(&self.state).post_url = None;
                Some(*channel)
            }
            Replies::NotYet | Replies::Elsewhere => None,
        }
    }

    /// Posts to `endpoint` from now on and leaves the replies to the caller, who reads the stream that named it.
    pub async fn post_only(&self, endpoint: Url) {
        *self.channel.lock().await = Replies::Elsewhere;
        lock(&self.state).post_url = Some(endpoint);
    }

    /// Sends a request and waits for what answers it. The reply to the opening request is learnt from.
    pub async fn request(&self, method: &str, params: Option<Value>, special: Special) -> Exchange {
        let id = special.id.unwrap_or_else(|| self.next_id());
        let message = jsonrpc::request(&id, method, params.as_ref());
        let mut patience = self.link.patience();
        if let Some(timeout) = special.timeout {
            patience.total = timeout;
        }
        if let Err(unopened) = self.ready().await {
            return Exchange {
                id: Some(id),
                ..*unopened
            };
        }
        let exchange = self
            .send(self.post(&self.dressed(message)), Some(id), patience)
            .await;
        if matches!(method, "initialize" | "server/discover") {
            self.learn(&exchange);
        }
        exchange
    }

    /// Sends a request, and as long as its result asks for input that this client declared, repeats it with that input
    /// (2026-07-28, basic/patterns/mrtr). The exchanges, of which the last is the answer.
    pub async fn request_through(&self, method: &str, params: Option<Value>) -> Vec<Exchange> {
        let mut exchanges = Vec::new();
        let mut next = params;
        for _ in 0..INPUT_ROUNDS_MAX {
            let exchange = self.request(method, next.clone(), Special::default()).await;
            let repeated = exchange.result().and_then(|result| {
                let responses = client::input_responses(result, &self.state().capabilities)?;
                Some(with_input(
                    next.take(),
                    responses,
                    result.get("requestState"),
                ))
            });
            exchanges.push(exchange);
            match repeated {
                Some(params) => next = Some(params),
                None => break,
            }
        }
        exchanges
    }

    /// Takes from the reply to an opening request what later messages need, its session id above all.
    pub fn learn(&self, opening: &Exchange) {
        if let (Some(reply), Some(result)) = (opening.reply(), opening.result()) {
            self.learn_from(&reply.headers, result);
        }
    }

    /// The same, where the result came on another way than the reply.
    pub fn learn_from(&self, headers: &Headers, result: &Value) {
        let mut state = lock(&self.state);
        self.link.dialect.learn(&mut state, headers, result);
        self.link.open.opened(&state);
    }

    /// Sends a notification.
    pub async fn notify(&self, method: &str, params: Option<Value>) -> Exchange {
        if let Err(unopened) = self.ready().await {
            return *unopened;
        }
        let message = jsonrpc::notification(method, params.as_ref());
        self.send(
            self.post(&self.dressed(message)),
            None,
            self.link.patience(),
        )
        .await
    }

    /// A message with all that the dialect adds to it.
    pub fn dressed(&self, message: Value) -> Value {
        self.link.dialect.dress(&lock(&self.state), message)
    }

    /// An id that no request of this session had.
    pub fn next_id(&self) -> Value {
        json!(self.ids.fetch_add(1, Ordering::Relaxed))
    }

    /// The request that would end the session, if there is one to end.
    pub fn end_request(&self) -> Option<HttpRequest> {
        self.link.dialect.end(&lock(&self.state))
    }

    /// The POST that would carry `message` in this session.
    pub fn post(&self, message: &Value) -> HttpRequest {
        let outgoing = Outgoing {
            message,
            text: message.to_string(),
        };
        self.link.dialect.post(&lock(&self.state), outgoing)
    }

    /// The request that would open the session's stream.
    pub fn stream_request(&self) -> HttpRequest {
        self.stream_request_for(None, None)
    }

    /// The same with an id and a filter of its own, in the dialects in which it is a JSON-RPC request.
    pub fn stream_request_for(
        &self,
        id: Option<Value>,
        notifications: Option<Value>,
    ) -> HttpRequest {
        let id = id.unwrap_or_else(|| self.next_id());
        let mut state = self.state();
        if let Some(Value::Object(wanted)) = notifications {
            Arc::make_mut(&mut state.known).notifications = wanted;
        }
        self.link.dialect.open_stream(&state, &id)
    }

    /// Sends any request; `id` is the id of the JSON-RPC request in it, if there is one.
    pub async fn send_raw(&self, request: HttpRequest, id: Option<Value>) -> Exchange {
        self.send(request, id, self.link.patience()).await
    }

    /// Sends a request and reads all that answers it, also where the server has the client come back for the rest.
    async fn send(&self, request: HttpRequest, id: Option<Value>, patience: Patience) -> Exchange {
        let channel = self.channel.lock().await.here().cloned();
        let from = channel.as_ref().map(|channel| channel.stream.position());
        let mut exchange = self.exchange(request, id.clone(), patience).await;
        if let (Some(channel), Some(from)) = (channel, from) {
            channel.add_reply(&mut exchange, from, patience.total).await;
            return exchange;
        }
        for _ in 0..RESUMPTIONS_MAX {
            let left = patience.total.saturating_sub(exchange.elapsed);
            let Some((last_id, retry)) = exchange.resumption().filter(|_| !left.is_zero()) else {
                break;
            };
            let pause = retry.min(left);
            tokio::time::sleep(pause).await;
            let patience = Patience {
                total: left.saturating_sub(pause).max(RESUMPTION_PATIENCE_MIN),
                ..patience
            };
            let request = self.stream_request().header("Last-Event-ID", last_id);
            let rest = self.exchange(request, id.clone(), patience).await;
            exchange.elapsed += pause;
            exchange.absorb(rest);
        }
        exchange
    }

    async fn exchange(
        &self,
        request: HttpRequest,
        id: Option<Value>,
        patience: Patience,
    ) -> Exchange {
        let mut answer = |message: &Value| self.answers.give(message);
        exchange::exchange(
            &self.link.client,
            &self.link.recorder,
            request,
            id,
            patience,
            &mut answer,
        )
        .await
    }

    /// Opens the session's stream, or gives the one that replies come on. Without a stream, the exchange says why.
    pub async fn listen(&self) -> (Exchange, Option<EventStream>) {
        match self.channel().await {
            Ok(None) => self.listen_with(self.stream_request()).await,
            Ok(Some(channel)) => (channel.opening, Some(channel.stream)),
            Err(unopened) => (*unopened, None),
        }
    }

    /// Opens an event stream by any request.
    pub async fn listen_with(&self, request: HttpRequest) -> (Exchange, Option<EventStream>) {
        let link = &self.link;
        let started = Instant::now();
        let request = link.client.complete(request);
        let number = link.recorder.next_exchange();
        let mut exchange = Exchange {
            records: vec![link.recorder.request(number, &request)],
            request,
            id: None,
            outcome: Ok(Reply::head_only(0, Default::default(), Duration::ZERO)),
            elapsed: Duration::ZERO,
        };
        let response = match link.client.open(&exchange.request, link.timeout).await {
            Ok(response) => response,
            Err(failure) => {
                exchange
                    .records
                    .push(exchange::record_failure(&link.recorder, number, &failure));
                exchange.outcome = Err(failure);
                exchange.elapsed = started.elapsed();
                return (exchange, None);
            }
        };
        exchange.elapsed = started.elapsed();
        let reply = Reply::head_only(
            response.status().as_u16(),
            headers_of(&response),
            exchange.elapsed,
        );
        exchange.records.push(exchange::record_head(
            &link.recorder,
            number,
            response.version(),
            &reply,
        ));
        let streams = reply.status == 200 && reply.is_event_stream();
        exchange.outcome = Ok(reply);
        if !streams {
            return (exchange, None);
        }
        let answers = Arc::clone(&self.answers);
        let stream = EventStream::spawn(
            response,
            Arc::clone(&link.recorder),
            number,
            link.retention,
            move |message| {
                answers.give(message);
            },
        );
        (exchange, Some(stream))
    }

    /// Ends the session: by a request where the dialect has one, else by closing its stream. `None` where nothing is sent.
    pub async fn end(&self) -> Option<Exchange> {
        self.hang_up().await;
        let request = self.end_request()?;
        let exchange = self.send_raw(request, None).await;
        let mut state = lock(&self.state);
        self.link.open.ended(&state);
        state.session_id = None;
        drop(state);
        Some(exchange)
    }
}

impl Reply {
    pub(super) fn head_only(
        status: u16,
        headers: crate::protocol::Headers,
        head_after: Duration,
    ) -> Self {
        Self {
            status,
            headers,
            body: Vec::new(),
            json: None,
            blocks: Vec::new(),
            unterminated: false,
            messages: Vec::new(),
            end: BodyEnd::LeftOpen,
            head_after,
        }
    }
}

/// The parameters of a request that is repeated with input.
fn with_input(params: Option<Value>, responses: Value, state: Option<&Value>) -> Value {
    let mut params = params.filter(Value::is_object).unwrap_or_else(|| json!({}));
    params["inputResponses"] = responses;
    if let Some(state) = state {
        params["requestState"] = state.clone();
    }
    params
}

pub(super) fn lock(state: &Mutex<SessionState>) -> MutexGuard<'_, SessionState> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A name that no other client has: 128 random bits in hexadecimal.
pub fn random_name() -> String {
    let mut bytes = [0_u8; 16];
    if getrandom::fill(&mut bytes).is_err() {
        // Without a random source a name unique within this process must do.
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        return format!("plumb-{}-{count}", std::process::id());
    }
    let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("plumb-{hex}")
}
