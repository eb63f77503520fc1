//! Which streams are open, and how a message reaches each peer on exactly one of them.
//!
//! A peer is a session or a client of hybrid. A message goes to the oldest open
//! stream of a peer, never to two (2025-11-25 basic/transports#multiple-connections). Where events have ids, a peer
//! without an open stream keeps the last one, so that its client can come back for what it missed.
//!
//! Drop policy: a stream whose reader falls more than [`crate::Config::queue_per_stream`] events
//! behind loses the event that does not fit, which is counted, and ends. Nothing is skipped silently,
//! and no other stream waits.

mod listeners;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use bytes::Bytes;

pub(crate) use self::listeners::Subscription;
use crate::faults::{Fault, FaultSet};
use crate::features::logging::{self, Level};
use crate::history::{EventId, History};
use crate::interest::Interest;
use crate::lock::lock;
use crate::outbox::{Offered, Outbox, Pace, StreamBody};
use crate::sse;

/// Who reads a stream.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum PeerKey {
    /// A session, by its id. One of Streamable HTTP may hold several streams, one of HTTP+SSE has exactly one.
    Session(Arc<str>),
    /// A client of hybrid, by its `client_id`. A new stream replaces the old one.
    Client(Arc<str>),
    /// A subscription of the stateless dialect, by its number. The last variant, so that all of them are one range of keys.
    Listener(u64),
}

/// Why no stream was opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NoStream {
    TooMany,
    ShuttingDown,
}

/// What the streams carried since the start.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    pub(crate) streams_total: AtomicU64,
    pub(crate) deliveries: AtomicU64,
    pub(crate) dropped_by_fault: AtomicU64,
    pub(crate) doubled_by_fault: AtomicU64,
    pub(crate) dropped_slow_reader: AtomicU64,
}

/// All open streams.
#[derive(Debug)]
pub(crate) struct Hub {
    faults: FaultSet,
    queue_per_stream: usize,
    streams_max: usize,
    registry: Mutex<Registry>,
    /// Deliveries begun, for the defects that hit every hundredth.
    begun: AtomicU64,
    pub(crate) tally: Tally,
}

#[derive(Debug, Default)]
struct Registry {
    peers: BTreeMap<PeerKey, Peer>,
    session_streams: usize,
    clients: usize,
    listeners: usize,
    shut: bool,
}

#[derive(Debug)]
struct Peer {
    interest: Arc<Interest>,
    streams: Vec<Arc<Outbox>>,
    /// What a listener asked for; other peers are told everything.
    subscription: Option<Subscription>,
    /// The stream that closed last. Its client may come back for what it misses meanwhile.
    dormant: Option<Arc<Outbox>>,
}

impl Registry {
    fn count(&mut self, key: &PeerKey) -> &mut usize {
        match key {
            PeerKey::Session(_) => &mut self.session_streams,
            PeerKey::Client(_) => &mut self.clients,
            PeerKey::Listener(_) => &mut self.listeners,
        }
    }

    /// How many streams are open.
    fn streams(&self) -> usize {
        self.session_streams + self.clients + self.listeners
    }

    fn remove_peer(&mut self, key: &PeerKey) {
        if let Some(peer) = self.peers.remove(key) {
            *self.count(key) -= peer.streams.len();
            for outbox in peer.streams {
                outbox.end();
            }
        }
    }

    fn remove_stream(&mut self, key: &PeerKey, outbox: &Arc<Outbox>) {
        let Some(peer) = self.peers.get_mut(key) else {
            return;
        };
        let before = peer.streams.len();
        peer.streams.retain(|other| !Arc::ptr_eq(other, outbox));
        let removed = before - peer.streams.len();
        if removed > 0 && peer.streams.is_empty() {
            if outbox.is_resumable() {
                peer.dormant = Some(Arc::clone(outbox));
            } else if peer.dormant.is_none() {
                self.peers.remove(key);
            }
        }
        *self.count(key) -= removed;
    }
}

impl Hub {
    pub(crate) fn new(faults: FaultSet, queue_per_stream: usize, streams_max: usize) -> Self {
        Self {
            faults,
            queue_per_stream: queue_per_stream.max(1),
            streams_max,
            registry: Mutex::default(),
            begun: AtomicU64::new(0),
            tally: Tally::default(),
        }
    }

    /// Opens a stream for a peer, which says what it wants to be sent.
    pub(crate) fn open(
        self: &Arc<Self>,
        key: PeerKey,
        interest: Arc<Interest>,
        opening: Option<Bytes>,
    ) -> Result<StreamBody, NoStream> {
        self.open_numbered(key, interest, opening, None)
    }

    /// Opens a stream whose events have ids if `history` is given.
    pub(crate) fn open_numbered(
        self: &Arc<Self>,
        key: PeerKey,
        interest: Arc<Interest>,
        opening: Option<Bytes>,
        history: Option<History>,
    ) -> Result<StreamBody, NoStream> {
        let mut registry = lock(&self.registry);
        self.admit(&registry)?;
        if matches!(key, PeerKey::Client(_)) {
            registry.remove_peer(&key);
        }
        let outbox = Arc::new(Outbox::new(self.queue_per_stream, opening, history));
        let peer = registry.peers.entry(key.clone()).or_insert_with(|| Peer {
            interest,
            streams: Vec::with_capacity(1),
            subscription: None,
            dormant: None,
        });
        peer.streams.push(Arc::clone(&outbox));
        *registry.count(&key) += 1;
        drop(registry);
        Ok(self.body(outbox, key))
    }

    /// Goes on with the stream of that event, if the peer has it; a connection that still reads it comes to its end.
    pub(crate) fn resume(
        self: &Arc<Self>,
        key: &PeerKey,
        last: EventId,
        opening: Option<Bytes>,
    ) -> Option<Result<StreamBody, NoStream>> {
        let mut registry = lock(&self.registry);
        if let Err(none) = self.admit(&registry) {
            return Some(Err(none));
        }
        let peer = registry.peers.get_mut(key)?;
        let open = peer
            .streams
            .iter()
            .enumerate()
            .find_map(|(place, outbox)| Some((place, outbox.give_up_history(last)?)));
        let (outbox, is_new) = match open {
            Some((place, history)) => {
                let outbox = self.resumed(opening, history, last);
                peer.streams.remove(place);
                peer.streams.insert(place, Arc::clone(&outbox));
                (outbox, false)
            }
            None => {
                let history = peer.dormant.as_ref()?.give_up_history(last)?;
                let outbox = self.resumed(opening, history, last);
                peer.dormant = None;
                peer.streams.insert(0, Arc::clone(&outbox));
                (outbox, true)
            }
        };
        *registry.count(key) += usize::from(is_new);
        drop(registry);
        Some(Ok(self.body(outbox, key.clone())))
    }

    fn resumed(&self, opening: Option<Bytes>, history: History, last: EventId) -> Arc<Outbox> {
        let capacity = self.queue_per_stream;
        Arc::new(Outbox::resumed(capacity, opening, history, last.number))
    }

    /// Whether one more stream may be opened.
    fn admit(&self, registry: &Registry) -> Result<(), NoStream> {
        if registry.shut {
            return Err(NoStream::ShuttingDown);
        }
        if registry.streams() >= self.streams_max {
            return Err(NoStream::TooMany);
        }
        Ok(())
    }

    fn body(self: &Arc<Self>, outbox: Arc<Outbox>, key: PeerKey) -> StreamBody {
        self.tally.streams_total.fetch_add(1, Ordering::Relaxed);
        let farewell = self.faults.has(Fault::EventNotTerminated).then(|| {
            let data = serde_json::json!("this stream ends");
            let message = logging::message(Level::Info, "server", data, self.faults);
            sse::without_blank_line(sse::event(&message))
        });
        StreamBody::new(outbox, Arc::clone(self), key, farewell)
    }

    /// Forgets a stream whose client left. Called once per stream, whoever ended it.
    pub(crate) fn forget(&self, key: &PeerKey, outbox: &Arc<Outbox>) {
        if !self.faults.has(Fault::ClosedStreamNotForgotten) {
            lock(&self.registry).remove_stream(key, outbox);
        }
    }

    /// Whether a peer has a stream open.
    pub(crate) fn has_stream(&self, key: &PeerKey) -> bool {
        let registry = lock(&self.registry);
        let peer = registry.peers.get(key);
        peer.is_some_and(|peer| !peer.streams.is_empty())
    }

    /// Ends the streams of one peer.
    pub(crate) fn end_peer(&self, key: &PeerKey) {
        lock(&self.registry).remove_peer(key);
    }

    /// Ends every stream and opens no more.
    pub(crate) fn shut(&self) {
        let mut registry = lock(&self.registry);
        registry.shut = true;
        let keys: Vec<PeerKey> = registry.peers.keys().cloned().collect();
        for key in keys {
            registry.remove_peer(&key);
        }
    }

    /// How many streams sessions hold, and how many clients of hybrid have one.
    pub(crate) fn connected(&self) -> (usize, usize) {
        let registry = lock(&self.registry);
        (registry.session_streams, registry.clients)
    }

    /// Sends an event to one stream of every peer that wants messages of this level.
    ///
    /// Returns the number of streams it was meant for. All streams see concurrent broadcasts in the same order.
    pub(crate) fn broadcast(&self, event: &Bytes, level: Level) -> usize {
        let (registry, mut lost) = (lock(&self.registry), Vec::new());
        let mut meant_for = 0;
        for (key, peer) in registry.peers.range(..listeners::FIRST) {
            if peer.interest.threshold.admits(level) || self.faults.has(Fault::LogLevelIgnored) {
                meant_for += self.send_to(key, peer, event, &mut lost);
            }
        }
        forget_all(registry, lost);
        meant_for
    }

    /// Sends an event to one stream of one peer, if it has any.
    pub(crate) fn send(&self, key: &PeerKey, event: &Bytes) {
        let (registry, mut lost) = (lock(&self.registry), Vec::new());
        if let Some(peer) = registry.peers.get(key) {
            self.send_to(key, peer, event, &mut lost);
        }
        forget_all(registry, lost);
    }

    /// Sends an event to the peers that subscribed to a resource; under a defect to all.
    pub(crate) fn send_to_subscribers(&self, event: &Bytes, uri: &str) {
        let (registry, mut lost) = (lock(&self.registry), Vec::new());
        let to_all = self.faults.has(Fault::ResourceUpdatedToEveryone);
        for (key, peer) in &registry.peers {
            let is_session = peer.subscription.is_none();
            if is_session && (peer.interest.is_subscribed(uri) || to_all) {
                self.send_to(key, peer, event, &mut lost);
            }
        }
        forget_all(registry, lost);
    }

    /// Sends what is no broadcast to the oldest stream of one peer. Defects of the fan-out leave it alone.
    pub(crate) fn reply(&self, key: &PeerKey, event: &Bytes) {
        let registry = lock(&self.registry);
        let stream = registry
            .peers
            .get(key)
            .and_then(|peer| peer.streams.first());
        let Some(outbox) = stream.cloned() else {
            return;
        };
        let lost = match self.offer(&outbox, event, Pace::Now) {
            Offered::ReaderTooSlow => vec![(key.clone(), outbox)],
            Offered::Taken | Offered::Closed => Vec::new(),
        };
        forget_all(registry, lost);
    }

    /// Sends an event to every client of hybrid.
    pub(crate) fn send_to_clients(&self, event: &Bytes) {
        let (registry, mut lost) = (lock(&self.registry), Vec::new());
        for (key, peer) in &registry.peers {
            if matches!(key, PeerKey::Client(_)) {
                self.send_to(key, peer, event, &mut lost);
            }
        }
        forget_all(registry, lost);
    }

    fn send_to(
        &self,
        key: &PeerKey,
        peer: &Peer,
        event: &Bytes,
        lost: &mut Vec<(PeerKey, Arc<Outbox>)>,
    ) -> usize {
        let streams_per_peer = if self.faults.has(Fault::StreamBroadcast) {
            usize::MAX
        } else {
            1
        };
        if let (true, Some(dormant)) = (peer.streams.is_empty(), &peer.dormant) {
            dormant.remember(event);
        }
        let mut meant_for = 0;
        for outbox in peer.streams.iter().take(streams_per_peer) {
            meant_for += 1;
            if self.deliver(outbox, event) == Offered::ReaderTooSlow {
                lost.push((key.clone(), Arc::clone(outbox)));
            }
        }
        meant_for
    }

    fn deliver(&self, outbox: &Outbox, event: &Bytes) -> Offered {
        let nth = self.begun.fetch_add(1, Ordering::Relaxed) + 1;
        let hundredth = nth.is_multiple_of(100);
        if hundredth && self.faults.has(Fault::FanoutDrop1In100) {
            self.tally.dropped_by_fault.fetch_add(1, Ordering::Relaxed);
            return Offered::Taken;
        }
        let pace = if hundredth && self.faults.has(Fault::FanoutSwap1In100) {
            Pace::BehindItsSuccessor
        } else if self.faults.has(Fault::FanoutDelay10ms) {
            Pace::After(Duration::from_millis(10))
        } else if self.faults.has(Fault::PublicationLate) {
            Pace::After(Duration::from_secs(5))
        } else {
            Pace::Now
        };
        let offered = self.offer(outbox, event, pace);
        if hundredth && self.faults.has(Fault::FanoutDouble1In100) && offered == Offered::Taken {
            self.tally.doubled_by_fault.fetch_add(1, Ordering::Relaxed);
            return self.offer(outbox, event, pace);
        }
        offered
    }

    fn offer(&self, outbox: &Outbox, event: &Bytes, pace: Pace) -> Offered {
        let offered = outbox.offer(event.clone(), pace);
        let counter = match offered {
            Offered::Taken => &self.tally.deliveries,
            Offered::ReaderTooSlow => &self.tally.dropped_slow_reader,
            Offered::Closed => return offered,
        };
        counter.fetch_add(1, Ordering::Relaxed);
        offered
    }
}

/// Forgets the streams whose readers were too slow.
fn forget_all(mut registry: MutexGuard<'_, Registry>, streams: Vec<(PeerKey, Arc<Outbox>)>) {
    for (key, outbox) in streams {
        registry.remove_stream(&key, &outbox);
    }
}
