//! A small target for the engine's tests that misdeals deliveries on purpose, and dies when told to.

use std::collections::{BTreeMap, HashMap};
use std::convert::Infallible;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use futures_util::stream;
use serde_json::{Value, json};
use tokio::sync::mpsc;
use url::Url;

/// What goes wrong. Publish 0 is the engine's control publish; stream "first" is the one opened first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    None,
    /// No publish reaches any stream, and each is acknowledged.
    Silent,
    /// Publish 2 does not reach the first stream.
    Lose,
    /// Publish 2 reaches the first stream twice.
    Duplicate,
    /// With publish 2 the first stream gets one of another run.
    Foreign,
    /// Publish 1 reaches the first stream after publish 10.
    Reorder,
    /// Publish 2 is refused and delivered nowhere.
    Refuse,
    /// Publish 2 is refused and delivered everywhere.
    RefuseAndDeliver,
    /// The first stream ends in place of publish 2.
    Drop,
    /// After publish 2 the first stream gets a line without an end.
    EndlessLine,
    /// Publishes arrive as notifications without a payload, and every third does not reach the first stream.
    BareLose,
    /// As before, and publishes 3 and 6 reach the first stream twice instead.
    BareDouble,
    /// Publishes arrive with their payload, and beside each comes a notification without one.
    BareBeside,
    /// Every stream gets an event with the time every 20 ms, and a response and a request, which count as none.
    Emit,
    /// As before, and the times are an hour ahead.
    EmitAhead,
    /// Every `notifications/initialized` is refused.
    RefuseInitialized,
}

impl Fault {
    fn is_bare(self) -> bool {
        matches!(self, Self::BareLose | Self::BareDouble)
    }

    fn emits(self) -> bool {
        matches!(self, Self::Emit | Self::EmitAhead)
    }
}

struct Listener {
    number: usize,
    sender: mpsc::UnboundedSender<Bytes>,
}

#[derive(Default)]
struct Inner {
    listeners: BTreeMap<usize, Listener>,
    streams: usize,
    publishes: usize,
    sessions: HashMap<String, bool>,
    held_back: Option<Bytes>,
    /// `Authorization` of each request to `/emit`.
    credentials: Vec<Option<String>>,
}

struct Shared {
    fault: Fault,
    inner: Mutex<Inner>,
}

/// The target, on a runtime of its own so that its death closes every connection.
pub(super) struct Target {
    runtime: Mutex<Option<tokio::runtime::Runtime>>,
    shared: Arc<Shared>,
    address: std::net::SocketAddr,
}

impl Target {
    pub(super) fn start(fault: Fault) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::new(Shared {
            fault,
            inner: Mutex::default(),
        });
        let app = Router::new()
            .route("/mcp", post(message).get(open).delete(end))
            .route("/sse", get(open))
            .route("/emit", post(emit))
            .route("/moved", post(moved))
            .with_state(Arc::clone(&shared));
        if fault.emits() {
            runtime.spawn(tick(Arc::clone(&shared)));
        }
        runtime.spawn(async move {
            let listener = tokio::net::TcpListener::from_std(listener).unwrap();
            axum::serve(listener, app).await
        });
        Self {
            runtime: Mutex::new(Some(runtime)),
            shared,
            address,
        }
    }

    pub(super) fn url(&self) -> Url {
        Url::parse(&format!("http://{}/mcp", self.address)).unwrap()
    }

    /// Sessions that were begun, and how many of them were ended.
    pub(super) fn sessions(&self) -> (usize, usize) {
        let inner = self.shared.inner.lock().unwrap();
        let ended = inner.sessions.values().filter(|ended| **ended).count();
        (inner.sessions.len(), ended)
    }

    /// An address beside the one of the protocol.
    pub(super) fn beside(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// `Authorization` of each request to `/emit`.
    pub(super) fn credentials(&self) -> Vec<Option<String>> {
        self.shared.inner.lock().unwrap().credentials.clone()
    }

    /// Publishes that were asked for, the control publish with them.
    pub(super) fn publishes(&self) -> usize {
        self.shared.inner.lock().unwrap().publishes
    }

    /// Closes every connection and the port.
    pub(super) fn die(&self) {
        if let Some(runtime) = self.runtime.lock().unwrap().take() {
            runtime.shutdown_background();
        }
    }
}

impl Drop for Target {
    fn drop(&mut self) {
        self.die();
    }
}

async fn message(State(shared): State<Arc<Shared>>, body: Bytes) -> Response {
    let message: Value = serde_json::from_slice(&body).unwrap();
    let method = message["method"].as_str().unwrap_or_default();
    let Some(id) = message.get("id") else {
        let refused = shared.fault == Fault::RefuseInitialized;
        let status = if refused {
            StatusCode::BAD_REQUEST
        } else {
            StatusCode::ACCEPTED
        };
        return status.into_response();
    };
    let mut headers = HeaderMap::new();
    headers.insert(header::CONTENT_TYPE, "application/json".parse().unwrap());
    let result = match method {
        "initialize" => {
            let mut inner = shared.inner.lock().unwrap();
            let name = format!("session-{}", inner.sessions.len());
            headers.insert("mcp-session-id", name.parse().unwrap());
            inner.sessions.insert(name, false);
            json!({"protocolVersion": "2025-11-25", "capabilities": {"tools": {}}, "serverInfo": {"name": "t", "version": "1"}})
        }
        "tools/call" => {
            let payload = message["params"]["arguments"]["payload"].as_str().unwrap();
            let refused = !shared.publish(payload);
            json!({"content": [], "isError": refused})
        }
        _ => json!({}),
    };
    let answer = json!({"jsonrpc": "2.0", "id": id, "result": result});
    (headers, answer.to_string()).into_response()
}

/// An HTTP request that publishes the member `payload` of its body.
async fn emit(State(shared): State<Arc<Shared>>, headers: HeaderMap, body: Bytes) -> StatusCode {
    let body: Value = serde_json::from_slice(&body).unwrap();
    let credentials = headers
        .get(header::AUTHORIZATION)
        .map(|value| value.to_str().unwrap().to_owned());
    shared.inner.lock().unwrap().credentials.push(credentials);
    if shared.publish(body["payload"].as_str().unwrap()) {
        StatusCode::ACCEPTED
    } else {
        StatusCode::CONFLICT
    }
}

async fn moved() -> impl IntoResponse {
    (
        StatusCode::TEMPORARY_REDIRECT,
        [(header::LOCATION, "/emit")],
    )
}

/// Emits the time to every stream, for as long as the target lives.
async fn tick(shared: Arc<Shared>) {
    let ahead_ms = if shared.fault == Fault::EmitAhead {
        3_600_000
    } else {
        0
    };
    let mut ticks = tokio::time::interval(std::time::Duration::from_millis(20));
    loop {
        ticks.tick().await;
        let now = std::time::UNIX_EPOCH.elapsed().unwrap().as_millis();
        let data = json!({"ts": u64::try_from(now).unwrap() + ahead_ms});
        let messages = [
            json!({"jsonrpc": "2.0", "id": 1, "result": {}}),
            json!({"jsonrpc": "2.0", "id": "p", "method": "ping"}),
            json!({"jsonrpc": "2.0", "method": "notifications/message", "params": {"data": data}}),
        ];
        let inner = shared.inner.lock().unwrap();
        for listener in inner.listeners.values() {
            for message in &messages {
                let _gone = listener.sender.send(framed(message));
            }
        }
    }
}

fn event(payload: &str) -> Bytes {
    let params = json!({"level": "info", "data": {"payload": payload}});
    framed(&json!({"jsonrpc": "2.0", "method": "notifications/message", "params": params}))
}

fn framed(message: &Value) -> Bytes {
    Bytes::from(format!("event: message\ndata: {message}\n\n"))
}

fn bare_event() -> Bytes {
    framed(&json!({"jsonrpc": "2.0", "method": "notifications/tools/list_changed"}))
}

impl Shared {
    /// Whether the publish is acknowledged.
    fn publish(&self, payload: &str) -> bool {
        let mut inner = self.inner.lock().unwrap();
        let number = inner.publishes;
        inner.publishes += 1;
        let inner = &mut *inner;
        if self.fault == Fault::Silent {
            return true;
        }
        if self.fault == Fault::Refuse && number == 2 {
            return false;
        }
        let event = if self.fault.is_bare() {
            bare_event()
        } else {
            event(payload)
        };
        if self.fault == Fault::BareBeside {
            for listener in inner.listeners.values() {
                let _gone = listener.sender.send(bare_event());
            }
        }
        for listener in inner.listeners.values().filter(|it| it.number > 0) {
            let _gone = listener.sender.send(event.clone());
        }
        if let Some(first) = inner.listeners.get(&0) {
            let dealt = deal(self.fault, number, event, &mut inner.held_back);
            for event in dealt.into_iter().flatten() {
                let _gone = first.sender.send(event);
            }
        }
        if self.fault == Fault::Drop && number == 2 {
            inner.listeners.remove(&0);
        }
        !(self.fault == Fault::RefuseAndDeliver && number == 2)
    }
}

/// What the first stream gets for a publish.
fn deal(fault: Fault, number: usize, event: Bytes, held: &mut Option<Bytes>) -> [Option<Bytes>; 2] {
    match (fault, number) {
        (Fault::Lose | Fault::Drop, 2) => [None, None],
        (Fault::BareLose, 3 | 6 | 9) => [None, None],
        (Fault::BareDouble, 3 | 6) => [Some(event.clone()), Some(event)],
        (Fault::Duplicate, 2) => [Some(event.clone()), Some(event)],
        (Fault::Foreign, 2) => {
            let other = self::event("x plumb.0000000000000001.1.1. y");
            [Some(event), Some(other)]
        }
        (Fault::EndlessLine, 2) => {
            let line = "data: ".to_owned() + &"x".repeat(2 * 1024 * 1024);
            [Some(event), Some(Bytes::from(line))]
        }
        (Fault::Reorder, 1) => {
            *held = Some(event);
            [None, None]
        }
        (Fault::Reorder, 10) => [Some(event), held.take()],
        _ => [Some(event), None],
    }
}

async fn open(
    State(shared): State<Arc<Shared>>,
    Query(query): Query<HashMap<String, String>>,
    headers: HeaderMap,
) -> Response {
    if !query.contains_key("client_id") && !headers.contains_key("mcp-session-id") {
        return StatusCode::BAD_REQUEST.into_response();
    }
    let (sender, receiver) = mpsc::unbounded_channel();
    // A request of the server and a comment, which no ledger may count.
    let ping = json!({"jsonrpc": "2.0", "id": "p", "method": "ping"});
    sender
        .send(Bytes::from(format!(": hello\n\ndata: {ping}\n\n")))
        .unwrap();
    {
        let mut inner = shared.inner.lock().unwrap();
        let number = inner.streams;
        inner.streams += 1;
        inner.listeners.insert(number, Listener { number, sender });
    }
    let events = stream::unfold(receiver, |mut receiver| async move {
        let bytes = receiver.recv().await?;
        Some((Ok::<_, Infallible>(bytes), receiver))
    });
    (
        [(header::CONTENT_TYPE, "text/event-stream")],
        Body::from_stream(events),
    )
        .into_response()
}

async fn end(State(shared): State<Arc<Shared>>, headers: HeaderMap) -> StatusCode {
    let name = headers["mcp-session-id"].to_str().unwrap().to_owned();
    shared.inner.lock().unwrap().sessions.insert(name, true);
    StatusCode::NO_CONTENT
}
