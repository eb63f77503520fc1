//! Sessions of Streamable HTTP (2025-11-25 basic/transports#session-management).

use std::collections::{HashMap, VecDeque};
use std::fmt::Write as _;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use axum::body::Body;
use tokio_util::sync::CancellationToken;

use crate::fanout::PeerKey;
use crate::faults::{Fault, FaultSet};
use crate::features::lifecycle::LATEST;
use crate::features::logging::Threshold;
use crate::jsonrpc::RequestId;
use crate::lock::lock;
use crate::wire::EventLog;

/// Session ids that `session-id-reused` hands out again.
const REUSED_MAX: usize = 2;
/// Answers whose events one session keeps.
const ANSWERS_KEPT: usize = 16;
/// Requests that one session may have running at a time.
const RUNNING_MAX: usize = 64;

/// One client's session.
#[derive(Debug)]
pub(crate) struct Session {
    pub(crate) id: Arc<str>,
    pub(crate) threshold: Arc<Threshold>,
    /// What `initialize` agreed on.
    revision: Box<str>,
    initialized: AtomicBool,
    /// Set by defects only.
    stuck: AtomicBool,
    running: Mutex<HashMap<RequestId, CancellationToken>>,
    /// The latest answers that are event streams, for a client that comes back.
    answers: Mutex<VecDeque<Arc<EventLog>>>,
}

impl Session {
    fn new(id: Arc<str>, revision: &str) -> Self {
        Self {
            id,
            threshold: Arc::default(),
            revision: revision.into(),
            initialized: AtomicBool::new(false),
            stuck: AtomicBool::new(false),
            running: Mutex::default(),
            answers: Mutex::default(),
        }
    }

    /// A session that no registry knows, ready for use. Only defects need it.
    pub(crate) fn unregistered(id: &str) -> Arc<Self> {
        let session = Self::new(id.into(), LATEST);
        session.set_initialized();
        Arc::new(session)
    }

    pub(crate) fn key(&self) -> PeerKey {
        PeerKey::Session(Arc::clone(&self.id))
    }

    /// The revision that `initialize` agreed on. Revisions compare like dates.
    pub(crate) fn revision(&self) -> &str {
        &self.revision
    }

    /// The client sent `notifications/initialized`.
    pub(crate) fn set_initialized(&self) {
        self.initialized.store(true, Ordering::Release);
    }

    pub(crate) fn is_initialized(&self) -> bool {
        self.initialized.load(Ordering::Acquire)
    }

    /// From now on the session is of no use. Only defects need it.
    pub(crate) fn get_stuck(&self) {
        self.stuck.store(true, Ordering::Release);
    }

    pub(crate) fn is_stuck(&self) -> bool {
        self.stuck.load(Ordering::Acquire)
    }

    /// Keeps the events of an answer; the oldest ones make room.
    pub(crate) fn keep(&self, answer: Arc<EventLog>) {
        let mut answers = lock(&self.answers);
        if answers.len() >= ANSWERS_KEPT {
            answers.pop_front();
        }
        answers.push_back(answer);
    }

    /// What follows the event with that id, if it is kept.
    pub(crate) fn resume(&self, event_id: &str) -> Option<Body> {
        lock(&self.answers)
            .iter()
            .find_map(|answer| answer.resume(event_id))
    }

    /// Notes that a request is running, so that the client can cancel it.
    ///
    /// `None` if the id is in use or too many are running.
    pub(crate) fn begin(self: &Arc<Self>, id: &RequestId) -> Option<Running> {
        let mut running = lock(&self.running);
        if running.len() >= RUNNING_MAX || running.contains_key(id) {
            return None;
        }
        let cancelled = CancellationToken::new();
        running.insert(id.clone(), cancelled.clone());
        Some(Running {
            session: Arc::clone(self),
            id: id.clone(),
            cancelled,
        })
    }

    /// Cancels a running request; an unknown id is ignored (2025-11-25 basic/utilities/cancellation#error-handling).
    ///
    /// Tells whether there was one.
    pub(crate) fn cancel(&self, id: &RequestId) -> bool {
        let running = lock(&self.running);
        let found = running.get(id);
        if let Some(running) = found {
            running.cancel();
        }
        found.is_some()
    }
}

/// A request that is being worked on. Dropping it takes it off the list.
#[derive(Debug)]
pub(crate) struct Running {
    session: Arc<Session>,
    id: RequestId,
    pub(crate) cancelled: CancellationToken,
}

impl Drop for Running {
    fn drop(&mut self) {
        lock(&self.session.running).remove(&self.id);
    }
}

/// All sessions that have not ended.
#[derive(Debug)]
pub(crate) struct Sessions {
    max: usize,
    faults: FaultSet,
    by_id: Mutex<HashMap<Arc<str>, Arc<Session>>>,
    /// Ids that `session-id-reused` may hand out again, and how many it took so far.
    used: Mutex<(Option<Arc<str>>, usize)>,
}

impl Sessions {
    pub(crate) fn new(max: usize, faults: FaultSet) -> Self {
        Self {
            max,
            faults,
            by_id: Mutex::default(),
            used: Mutex::default(),
        }
    }

    /// Opens a session with an id of 128 random bits in hex.
    ///
    /// `None` if there are too many, or the machine has no randomness to give.
    pub(crate) fn open(&self, revision: &str) -> Option<Arc<Session>> {
        let id = self.next_id()?;
        let session = Arc::new(Session::new(Arc::clone(&id), revision));
        let mut by_id = lock(&self.by_id);
        if by_id.len() >= self.max {
            return None;
        }
        by_id.insert(id, Arc::clone(&session));
        Some(session)
    }

    pub(crate) fn find(&self, id: &str) -> Option<Arc<Session>> {
        lock(&self.by_id).get(id).cloned()
    }

    fn next_id(&self) -> Option<Arc<str>> {
        if let Some(used) = lock(&self.used).0.take() {
            return Some(used);
        }
        let mut id = random_hex()?;
        if self.faults.has(Fault::SessionIdWithBlank) {
            id.replace_range(8..9, " ");
        }
        Some(id.into())
    }

    pub(crate) fn end(&self, id: &str) {
        let ended = lock(&self.by_id).remove(id);
        let Some(ended) = ended.filter(|_| self.faults.has(Fault::SessionIdReused)) else {
            return;
        };
        let mut used = lock(&self.used);
        if used.1 < REUSED_MAX {
            *used = (Some(Arc::clone(&ended.id)), used.1 + 1);
        }
    }

    /// Ends all of them and returns who they were.
    pub(crate) fn end_all(&self) -> Vec<PeerKey> {
        lock(&self.by_id)
            .drain()
            .map(|(_, session)| session.key())
            .collect()
    }

    pub(crate) fn len(&self) -> usize {
        lock(&self.by_id).len()
    }
}

/// 128 random bits as 32 hex digits.
pub(crate) fn random_hex() -> Option<String> {
    let mut bits = [0_u8; 16];
    getrandom::fill(&mut bits).ok()?;
    let mut text = String::with_capacity(32);
    for byte in bits {
        write!(text, "{byte:02x}").ok()?;
    }
    Some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_differ_and_are_visible_ascii() {
        let sessions = Sessions::new(2, FaultSet::default());
        let one = sessions.open(LATEST).unwrap();
        let two = sessions.open(LATEST).unwrap();
        assert_ne!(one.id, two.id);
        assert_eq!(one.id.len(), 32);
        assert!(one.id.bytes().all(|byte| byte.is_ascii_hexdigit()));
        assert!(sessions.open(LATEST).is_none());
    }

    #[test]
    fn an_ended_session_is_not_found() {
        let sessions = Sessions::new(2, FaultSet::default());
        let session = sessions.open(LATEST).unwrap();
        assert!(sessions.find(&session.id).is_some());
        sessions.end(&session.id);
        assert!(sessions.find(&session.id).is_none());
        assert_eq!(sessions.len(), 0);
    }
}
