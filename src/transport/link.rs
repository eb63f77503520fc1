//! The way to a target: what all sessions of a run share.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::client::HttpClient;
use super::exchange::Patience;
use super::recorder::Recorder;
use super::stream::Retention;
use crate::protocol::{Dialect, Known, Revision, SessionState};

/// What all sessions of a run share.
#[derive(Debug)]
pub struct Link {
    /// Sends the requests.
    pub client: HttpClient,
    /// How they look on the wire.
    pub dialect: Box<dyn Dialect>,
    /// The revision that is asked for.
    pub revision: Revision,
    /// The longest wait for one exchange.
    pub timeout: Duration,
    /// After the response arrived on an event stream: how long the server has to end that stream.
    pub stream_end_grace: Duration,
    /// Where everything is recorded.
    pub recorder: Arc<Recorder>,
    /// How much of each session's stream is kept.
    pub retention: Retention,
    /// The sessions that were opened and not ended, by their id.
    pub open: OpenSessions,
    /// What is known of the server.
    pub known: KnownServer,
}

/// What is known of the server so far; each new session takes a copy of the state of knowledge.
#[derive(Debug, Default)]
pub struct KnownServer(Mutex<Arc<Known>>);

impl KnownServer {
    /// Knows this already.
    pub fn new(known: Arc<Known>) -> Self {
        Self(Mutex::new(known))
    }

    /// What is known.
    pub fn get(&self) -> Arc<Known> {
        Arc::clone(&self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Replaces it, for sessions that begin from now on.
    pub fn set(&self, known: Known) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Arc::new(known);
    }
}

/// Sessions that are open on the target.
#[derive(Debug, Default)]
pub struct OpenSessions(Mutex<BTreeMap<String, SessionState>>);

impl OpenSessions {
    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, SessionState>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn opened(&self, state: &SessionState) {
        if let Some(id) = &state.session_id {
            self.lock().insert(id.clone(), state.clone());
        }
    }

    pub(super) fn ended(&self, state: &SessionState) {
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

    pub(super) fn patience(&self) -> Patience {
        Patience {
            total: self.timeout,
            after_response: self.stream_end_grace,
        }
    }
}
