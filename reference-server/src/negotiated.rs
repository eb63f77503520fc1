//! What the clients of hybrid negotiated. Without sessions only a `client_id` tells them apart.

use std::collections::{HashMap, VecDeque};
use std::sync::Mutex;

use crate::fanout::PeerKey;
use crate::features::lifecycle::LATEST;
use crate::lock::lock;
use crate::revision::Revision;

/// Clients that are remembered. The oldest make room.
const CLIENTS_MAX: usize = 1024;

/// The revision of each client that named itself when it sent `initialize`.
#[derive(Debug)]
pub(crate) struct Negotiated {
    otherwise: Revision,
    clients: Mutex<Clients>,
}

#[derive(Debug, Default)]
struct Clients {
    revisions: HashMap<PeerKey, Revision>,
    oldest_first: VecDeque<PeerKey>,
}

impl Negotiated {
    /// `only` is the revision that the server is confined to; otherwise unknown clients count as up to date.
    pub(crate) fn new(only: Option<Revision>) -> Self {
        Self {
            otherwise: only.unwrap_or(LATEST).min(LATEST),
            clients: Mutex::default(),
        }
    }

    /// Remembers what a client negotiated; a client that does not name itself is not remembered.
    pub(crate) fn note(&self, client: Option<&PeerKey>, revision: Revision) {
        let Some(client) = client else { return };
        let mut clients = lock(&self.clients);
        if clients.revisions.insert(client.clone(), revision).is_none() {
            clients.oldest_first.push_back(client.clone());
        }
        if clients.oldest_first.len() > CLIENTS_MAX
            && let Some(oldest) = clients.oldest_first.pop_front()
        {
            clients.revisions.remove(&oldest);
        }
    }

    /// What a client negotiated.
    pub(crate) fn of(&self, client: Option<&PeerKey>) -> Revision {
        client
            .and_then(|client| lock(&self.clients).revisions.get(client).copied())
            .unwrap_or(self.otherwise)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_latest_clients_are_remembered() {
        let negotiated = Negotiated::new(None);
        let client = |name: usize| PeerKey::Client(name.to_string().into());
        for name in 0..=CLIENTS_MAX {
            negotiated.note(Some(&client(name)), Revision::V2024_11_05);
        }
        assert_eq!(negotiated.of(Some(&client(0))), LATEST);
        assert_eq!(negotiated.of(Some(&client(1))), Revision::V2024_11_05);
        negotiated.note(None, Revision::V2024_11_05);
        assert_eq!(negotiated.of(None), LATEST);
        negotiated.note(Some(&client(1)), Revision::V2025_03_26);
        assert_eq!(negotiated.of(Some(&client(1))), Revision::V2025_03_26);
    }
}
