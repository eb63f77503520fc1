//! Starts a server, counts what it does, and ends it.

use std::collections::BTreeSet;
use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::serve::Listener as _;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::config::{Config, TransportChoice};
use crate::connection::Loopback;
use crate::fanout::{Hub, PeerKey};
use crate::faults::{Fault, FaultSet};
use crate::features::input::Seal;
use crate::features::misfits::Swap;
use crate::features::resources::Board;
use crate::jsonrpc::RequestId;
use crate::lock::lock;
use crate::negotiated::Negotiated;
use crate::session::Sessions;
use crate::wire;

/// How long shutdown lets clients read the ends of their streams before it cuts the connections.
const GRACE: Duration = Duration::from_secs(3);
/// How long cut connections may take to close.
const CUT_MAX: Duration = Duration::from_secs(2);

/// How often idle sessions are looked for, at most and at least.
const SWEEP_MIN: Duration = Duration::from_millis(5);
const SWEEP_MAX: Duration = Duration::from_secs(30);

/// What all handlers share.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) config: Config,
    pub(crate) hub: Arc<Hub>,
    /// Those of Streamable HTTP.
    pub(crate) sessions: Sessions,
    /// Those of HTTP+SSE.
    pub(crate) sse_sessions: Sessions,
    /// What the clients of hybrid negotiated.
    pub(crate) hybrid_revisions: Negotiated,
    pub(crate) board: Board,
    /// How often tools were listed, for the defect that changes the list.
    pub(crate) tool_lists: AtomicU64,
    /// The ids of subscriptions, which only a defect remembers.
    pub(crate) listen_ids: Mutex<BTreeSet<String>>,
    /// Set when a defect makes the server give up.
    pub(crate) gave_up: AtomicBool,
    /// For the defect that swaps published messages.
    pub(crate) swap: Swap,
    /// Numbers the streams with event ids, so that these are unique.
    pub(crate) stream_numbers: AtomicU64,
    /// The calls that run beside their connections.
    pub(crate) calls: TaskTracker,
    /// Protects what the stateless dialect hands out and takes back.
    pub(crate) seal: Seal,
    /// Cancelled when the server shuts down.
    pub(crate) stop: CancellationToken,
}

impl Shared {
    fn new(config: Config) -> Self {
        let hub = Hub::new(config.faults, config.queue_per_stream, config.streams_max);
        Self {
            hub: Arc::new(hub),
            sessions: Sessions::new(config.sessions_max, config.faults),
            // The defects of session ids are about the header that carries them elsewhere.
            sse_sessions: Sessions::new(config.sessions_max, FaultSet::default()),
            hybrid_revisions: Negotiated::new(config.revision),
            board: Board::default(),
            tool_lists: AtomicU64::new(0),
            listen_ids: Mutex::default(),
            gave_up: AtomicBool::new(false),
            swap: Swap::default(),
            stream_numbers: AtomicU64::new(1),
            calls: TaskTracker::new(),
            seal: Seal::default(),
            stop: CancellationToken::new(),
            config,
        }
    }

    /// Remembers the id of a subscription, which only a defect looks at.
    pub(crate) fn remember(&self, id: &RequestId) {
        // Those that clients count up from one stay free, so that little else breaks.
        let is_large = id.to_value().as_i64().is_some_and(|id| id >= 1000);
        if is_large && self.faults().has(Fault::StatelessListenIdsRemembered) {
            lock(&self.listen_ids).insert(id.to_value().to_string());
        }
    }

    /// Whether a defect wants an id to be used only once, and a subscription had it.
    pub(crate) fn used_before(&self, id: &RequestId) -> bool {
        self.faults().has(Fault::StatelessListenIdsRemembered)
            && lock(&self.listen_ids).contains(&id.to_value().to_string())
    }

    pub(crate) fn faults(&self) -> FaultSet {
        self.config.faults
    }

    /// Ends the sessions that nobody uses, until the server stops.
    async fn end_idle_sessions(self: Arc<Self>) {
        let idle = self.config.session_idle;
        let pause = (idle / 4).clamp(SWEEP_MIN, SWEEP_MAX);
        loop {
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                () = self.stop.cancelled() => return,
            }
            let reads = |key: &PeerKey| self.hub.has_stream(key);
            for key in self.sessions.end_idle(idle, reads) {
                self.hub.end_peer(&key);
            }
        }
    }

    fn end_streams(&self) {
        self.stop.cancel();
        self.hub.shut();
        self.calls.close();
    }
}

/// What a server did since its start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counters {
    /// Streams that are open now.
    pub streams_open: u64,
    /// Streams opened since the start.
    pub streams_total: u64,
    /// Sessions of Streamable HTTP and HTTP+SSE that have not ended.
    pub sessions_open: u64,
    /// Events queued on streams, counted once per stream.
    pub deliveries: u64,
    /// Deliveries left out by `fanout-drop-1-in-100`.
    pub dropped_by_fault: u64,
    /// Deliveries made twice by `fanout-double-1-in-100`.
    pub doubled_by_fault: u64,
    /// Deliveries lost because a reader was too slow; the stream of each ended.
    pub dropped_slow_reader: u64,
}

/// Why a server did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The port is taken or may not be used.
    #[error("cannot listen on 127.0.0.1:{port}: {source}")]
    Listen {
        /// The port that was asked for.
        port: u16,
        /// What the system said.
        source: io::Error,
    },
}

/// A server that runs until it is shut down, or breaks off when it is dropped.
#[derive(Debug)]
pub struct RunningServer {
    addr: SocketAddr,
    shared: Arc<Shared>,
    /// Ends when every connection has ended.
    connections: JoinHandle<io::Result<()>>,
    /// Cancelled to break connections off.
    cut: CancellationToken,
}

/// Starts a server on 127.0.0.1. It is ready when this returns.
///
/// # Errors
/// [`StartError::Listen`] if the port cannot be had.
pub async fn start(config: Config) -> Result<RunningServer, StartError> {
    let port = config.port;
    let cut = CancellationToken::new();
    let (listener, addr) = Loopback::bind(port, cut.clone())
        .and_then(|listener| listener.local_addr().map(|addr| (listener, addr)))
        .map_err(|source| StartError::Listen { port, source })?;
    let shared = Arc::new(Shared::new(config));
    let calls = shared.calls.clone();
    calls.spawn(Arc::clone(&shared).end_idle_sessions());
    let router = wire::router(Arc::clone(&shared));
    let stopped = shared.stop.clone().cancelled_owned();
    let serving = axum::serve(listener, router).with_graceful_shutdown(stopped);
    Ok(RunningServer {
        addr,
        shared,
        connections: tokio::spawn(serving.into_future()),
        cut,
    })
}

impl RunningServer {
    /// Where the server listens.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// The endpoint of Streamable HTTP, if it is served.
    pub fn streamable_url(&self) -> Option<String> {
        match self.shared.config.transport {
            TransportChoice::All | TransportChoice::StreamableHttp => {
                Some(format!("http://{}/mcp", self.addr))
            }
            TransportChoice::Sse | TransportChoice::Hybrid => None,
        }
    }

    /// The stream of HTTP+SSE, if it is served. Its first event says where to POST.
    pub fn sse_url(&self) -> Option<String> {
        match self.shared.config.transport {
            TransportChoice::All | TransportChoice::Sse => {
                Some(format!("http://{}/sse", self.addr))
            }
            TransportChoice::StreamableHttp | TransportChoice::Hybrid => None,
        }
    }

    /// The POST endpoint of hybrid, if it is served. `/sse` and `/health` lie beside it.
    pub fn hybrid_url(&self) -> Option<String> {
        match self.shared.config.transport {
            TransportChoice::All => Some(format!("http://{}/hybrid/mcp", self.addr)),
            TransportChoice::StreamableHttp | TransportChoice::Sse => None,
            TransportChoice::Hybrid => Some(format!("http://{}/mcp", self.addr)),
        }
    }

    /// What the server did so far.
    pub fn counters(&self) -> Counters {
        let shared = &self.shared;
        let (of_sessions, of_clients) = shared.hub.connected();
        let tally = &shared.hub.tally;
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Counters {
            streams_open: (of_sessions + of_clients + shared.hub.listening()) as u64,
            streams_total: read(&tally.streams_total),
            sessions_open: (shared.sessions.len() + shared.sse_sessions.len()) as u64,
            deliveries: read(&tally.deliveries),
            dropped_by_fault: read(&tally.dropped_by_fault),
            doubled_by_fault: read(&tally.doubled_by_fault),
            dropped_slow_reader: read(&tally.dropped_slow_reader),
        }
    }

    /// Ends all streams and calls and waits for the connections to close. Clients that have not read the
    /// ends of their streams after 3 s are cut off.
    pub async fn shutdown(mut self) {
        self.shared.end_streams();
        let graceful = async {
            self.shared.calls.wait().await;
            // Serving has no error of its own to report.
            drop((&mut self.connections).await);
        };
        if tokio::time::timeout(GRACE, graceful).await.is_err() {
            self.cut.cancel();
            drop(tokio::time::timeout(CUT_MAX, &mut self.connections).await);
        }
    }
}

impl Drop for RunningServer {
    /// Without a shutdown, every connection breaks off at once.
    fn drop(&mut self) {
        self.shared.end_streams();
        self.cut.cancel();
        self.connections.abort();
    }
}
