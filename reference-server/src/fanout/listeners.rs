//! The streams of `subscriptions/listen`. Each has a filter and an id of its own, so that several may be open for one client, and an
//! event goes to every one that asked for it (2026-07-28 basic/patterns/subscriptions).

use std::sync::Arc;
use std::sync::atomic::Ordering;

use bytes::Bytes;

use super::{Hub, NoStream, Peer, PeerKey, forget_all};
use crate::faults::Fault;
use crate::features::listen::{Change, Filter, Tagged};
use crate::lock::lock;
use crate::outbox::{Offered, Outbox, StreamBody};

/// The first of the keys of listeners, which come behind those of all other peers.
pub(super) const FIRST: PeerKey = PeerKey::Listener(0);

/// What one stream is for.
#[derive(Debug)]
pub(crate) struct Subscription {
    pub(crate) filter: Filter,
    /// The id of the request, as JSON.
    pub(crate) id: String,
}

impl Hub {
    /// Opens a stream that begins with `opening`, and ends with `farewell` if the server ends it.
    pub(crate) fn listen(
        self: &Arc<Self>,
        subscription: Subscription,
        opening: Bytes,
        farewell: Bytes,
    ) -> Result<StreamBody, NoStream> {
        let mut registry = lock(&self.registry);
        self.admit(&registry)?;
        let key = PeerKey::Listener(self.tally.streams_total.fetch_add(1, Ordering::Relaxed));
        let outbox = Arc::new(Outbox::new(self.queue_per_stream, Some(opening), None));
        let peer = Peer {
            interest: Arc::default(),
            streams: vec![Arc::clone(&outbox)],
            subscription: Some(subscription),
            dormant: None,
        };
        registry.peers.insert(key.clone(), peer);
        registry.listeners += 1;
        drop(registry);
        Ok(StreamBody::new(
            outbox,
            Arc::clone(self),
            key,
            Some(farewell),
        ))
    }

    /// Tells everybody who asked for it of a change, and returns how many streams that were.
    pub(crate) fn announce(&self, change: &Change<'_>) -> usize {
        let (registry, mut lost) = (lock(&self.registry), Vec::new());
        let tagged = Tagged::about(change);
        let first_id = registry
            .peers
            .range(FIRST..)
            .find_map(|(_, peer)| peer.subscription.as_ref())
            .map(|subscription| subscription.id.clone());
        let mut meant_for = 0;
        for (key, peer) in registry.peers.range(FIRST..) {
            let Some(subscription) = &peer.subscription else {
                continue;
            };
            if !self.is_told(subscription, change) {
                continue;
            }
            let event = if self.faults.has(Fault::StatelessListenUntagged) {
                tagged.without_id()
            } else if self.faults.has(Fault::StatelessListenForeignId) {
                tagged.with_id(first_id.as_ref().unwrap_or(&subscription.id))
            } else {
                tagged.with_id(&subscription.id)
            };
            for outbox in &peer.streams {
                meant_for += 1;
                if self.deliver(outbox, &event) == Offered::ReaderTooSlow {
                    lost.push((key.clone(), Arc::clone(outbox)));
                }
            }
        }
        forget_all(registry, lost);
        meant_for
    }

    fn is_told(&self, subscription: &Subscription, change: &Change<'_>) -> bool {
        let filter = &subscription.filter;
        let unasked = match change {
            Change::Updated { .. } => {
                self.faults.has(Fault::StatelessListenAllResources) && filter.names_resources()
            }
            _ => self.faults.has(Fault::StatelessListenUnrequested),
        };
        filter.wants(change) || unasked
    }

    /// How many streams of subscriptions are open.
    pub(crate) fn listening(&self) -> usize {
        lock(&self.registry).listeners
    }
}
