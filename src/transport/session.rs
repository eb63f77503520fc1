//! A client's session with the target: the handshake, requests with fresh ids, the stream, and the end.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::task::JoinSet;

use super::client::{HttpClient, headers_of};
use super::exchange::{self, BodyEnd, Exchange, Patience, Reply};
use super::recorder::Recorder;
use super::stream::EventStream;
use crate::protocol::dialect::{Outgoing, SessionState};
use crate::protocol::{Dialect, HttpRequest, MessageKind, Revision, jsonrpc};

/// How many answers of one session to requests of the server may be under way; what comes beyond is not answered.
const ANSWERS_AT_ONCE_MAX: usize = 100;
/// How many requests of the server one session answers in all. A server has few reasons to ask, and a flood of requests is
/// not to be turned into a flood of answers.
const ANSWERS_MAX: usize = 500;

/// How often a client comes back for the rest of one answer.
const RESUMPTIONS_MAX: usize = 5;
/// The least time for the rest of an answer.
const RESUMPTION_PATIENCE_MIN: Duration = Duration::from_millis(50);

/// What all sessions of a run share.
#[derive(Debug)]
pub struct Link {
    /// Sends the requests.
    pub client: HttpClient,
    /// How they look on the wire.
    pub dialect: Box<dyn Dialect>,
    /// The revision that `initialize` asks for.
    pub revision: Revision,
    /// The longest wait for one exchange.
    pub timeout: Duration,
    /// After the response arrived on an event stream: how long the server has to end that stream.
    pub stream_end_grace: Duration,
    /// Where everything is recorded.
    pub recorder: Arc<Recorder>,
    /// The sessions that were opened and not ended, by their id.
    pub open: OpenSessions,
}

/// Sessions that are open on the target.
#[derive(Debug, Default)]
pub struct OpenSessions(Mutex<BTreeMap<String, SessionState>>);

impl OpenSessions {
    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, SessionState>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn opened(&self, state: &SessionState) {
        if let Some(id) = &state.session_id {
            self.lock().insert(id.clone(), state.clone());
        }
    }

    fn ended(&self, state: &SessionState) {
        if let Some(id) = &state.session_id {
            self.lock().remove(id);
        }
    }
}

impl Link {
    /// Ends every session that is still open, all at once, as an interrupted run does.
    pub async fn end_all(&self, patience: Duration) {
        let left = std::mem::take(&mut *self.open.lock());
        let endings = left
            .values()
            .filter_map(|state| self.dialect.end(state))
            .map(|request| async move {
                let request = self.client.complete(request);
                // Whether it was ended shows nowhere; the run is over.
                drop(self.client.open(&request, patience).await);
            });
        futures_util::future::join_all(endings).await;
    }

    fn patience(&self) -> Patience {
        Patience {
            total: self.timeout,
            after_response: self.stream_end_grace,
        }
    }
}

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
    /// The exchange of `initialize`.
    pub initialize: Exchange,
    /// The exchange of `notifications/initialized`.
    pub initialized: Exchange,
}

impl Connected {
    /// The result of `initialize`.
    pub fn result(&self) -> &Value {
        self.initialize.result().unwrap_or(&Value::Null)
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

/// A client with at most one session on the server.
#[derive(Debug)]
pub struct Session {
    link: Arc<Link>,
    state: Arc<Mutex<SessionState>>,
    ids: AtomicU64,
    answers: Arc<Answers>,
}

impl Session {
    /// A client that has not said anything yet.
    pub fn new(link: Arc<Link>) -> Self {
        let state = Arc::new(Mutex::new(SessionState {
            client_id: random_name(),
            ..SessionState::default()
        }));
        Self {
            answers: Arc::new(Answers {
                link: Arc::clone(&link),
                state: Arc::clone(&state),
                tasks: Mutex::default(),
                given: AtomicUsize::new(0),
            }),
            link,
            state,
            ids: AtomicU64::new(1),
        }
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
    pub fn initialize_params(revision: Revision) -> Value {
        json!({
            "protocolVersion": revision.as_str(),
            "capabilities": {},
            "clientInfo": {"name": "mcp-plumb", "version": env!("CARGO_PKG_VERSION")},
        })
    }

    /// Opens the session: `initialize`, then `notifications/initialized`
    /// (basic/lifecycle#initialization).
    ///
    /// # Errors
    /// If the target did not answer the first with a result, or refused the second.
    pub async fn connect(&self) -> Result<Connected, ConnectError> {
        let params = Self::initialize_params(self.link.revision);
        let initialize = self
            .request("initialize", Some(params), Special::default())
            .await;
        if initialize.result().is_none() {
            return Err(ConnectError {
                step: "initialize",
                why: initialize.describe(),
                exchange: Box::new(initialize),
            });
        }
        let initialized = self.notify("notifications/initialized", None).await;
        if !initialized
            .status()
            .is_some_and(|status| (200..300).contains(&status))
        {
            return Err(ConnectError {
                step: "notifications/initialized",
                why: initialized.describe(),
                exchange: Box::new(initialized),
            });
        }
        Ok(Connected {
            initialize,
            initialized,
        })
    }

    /// Sends a request and waits for what answers it. The reply to `initialize` is learnt from.
    pub async fn request(&self, method: &str, params: Option<Value>, special: Special) -> Exchange {
        let id = special.id.unwrap_or_else(|| self.next_id());
        let message = jsonrpc::request(&id, method, params.as_ref());
        let mut patience = self.link.patience();
        if let Some(timeout) = special.timeout {
            patience.total = timeout;
        }
        let exchange = self.send(self.post(&message), Some(id), patience).await;
        if method == "initialize" {
            self.learn(&exchange);
        }
        exchange
    }

    /// Takes from the reply to an `initialize` what later messages need, its session id above all.
    pub fn learn(&self, initialize: &Exchange) {
        if let (Some(reply), Some(result)) = (initialize.reply(), initialize.result()) {
            let mut state = lock(&self.state);
            self.link.dialect.learn(&mut state, &reply.headers, result);
            self.link.open.opened(&state);
        }
    }

    /// Sends a notification.
    pub async fn notify(&self, method: &str, params: Option<Value>) -> Exchange {
        let message = jsonrpc::notification(method, params.as_ref());
        self.send(self.post(&message), None, self.link.patience())
            .await
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
        self.link.dialect.open_stream(&lock(&self.state))
    }

    /// Sends any request; `id` is the id of the JSON-RPC request in it, if there is one.
    pub async fn send_raw(&self, request: HttpRequest, id: Option<Value>) -> Exchange {
        self.send(request, id, self.link.patience()).await
    }

    /// Sends a request and reads all that answers it, also where the server has the client come back for the rest.
    async fn send(&self, request: HttpRequest, id: Option<Value>, patience: Patience) -> Exchange {
        let mut exchange = self.exchange(request, id.clone(), patience).await;
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

    /// Opens the session's stream. Without a stream, the exchange says why.
    pub async fn listen(&self) -> (Exchange, Option<EventStream>) {
        self.listen_with(self.stream_request()).await
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
            reply.status,
            &reply.headers,
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
            move |message| {
                answers.give(message);
            },
        );
        (exchange, Some(stream))
    }

    /// Ends the session where the dialect has a way to; `None` where there is nothing to end.
    pub async fn end(&self) -> Option<Exchange> {
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

/// Answers the requests that the server sends, each in a task of its own so that the stream is read on.
#[derive(Debug)]
struct Answers {
    link: Arc<Link>,
    state: Arc<Mutex<SessionState>>,
    tasks: Mutex<JoinSet<()>>,
    given: AtomicUsize,
}

impl Answers {
    fn give(self: &Arc<Self>, message: &Value) {
        if MessageKind::of(message) != MessageKind::Request {
            return;
        }
        let Some(answer) = jsonrpc::answer_to_server_request(message) else {
            return;
        };
        let mut tasks = self.tasks.lock().unwrap_or_else(PoisonError::into_inner);
        while tasks.try_join_next().is_some() {}
        let given = self.given.fetch_add(1, Ordering::Relaxed);
        if tasks.len() >= ANSWERS_AT_ONCE_MAX || given >= ANSWERS_MAX {
            return;
        }
        let outgoing = Outgoing {
            message: &answer,
            text: answer.to_string(),
        };
        let request = self.link.dialect.post(&lock(&self.state), outgoing);
        let link = Arc::clone(&self.link);
        tasks.spawn(async move {
            exchange::exchange(
                &link.client,
                &link.recorder,
                request,
                None,
                link.patience(),
                &mut |_| {},
            )
            .await;
        });
    }
}

fn lock(state: &Mutex<SessionState>) -> MutexGuard<'_, SessionState> {
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
