//! Sessions of Streamable HTTP (2025-11-25 basic/transports#session-management) and of HTTP+SSE, where one lasts
//! as long as its stream.

use std::collections::{HashMap, VecDeque};
use std::fmt::Write as _;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use axum::body::Body;
use serde_json::Value;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::fanout::PeerKey;
use crate::faults::{Fault, FaultSet};
use crate::features::client::ClientFeatures;
use crate::features::lifecycle::LATEST;
use crate::interest::Interest;
use crate::jsonrpc::{Params, RequestId};
use crate::lock::lock;
use crate::outstanding::Outstanding;
use crate::revision::Revision;
use crate::wire::EventLog;

/// Session ids that `session-id-reused` hands out again.
const REUSED_MAX: usize = 2;
/// Answers whose events one session keeps.
const ANSWERS_KEPT: usize = 16;
/// Requests that one session may have running at a time: more than one batch can have.
const RUNNING_MAX: usize = 128;

/// What `initialize` agreed on.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Agreement {
    pub(crate) revision: Revision,
    pub(crate) client: ClientFeatures,
}

impl Agreement {
    /// Reads it from the two halves of the handshake. `None` if the result names no revision.
    pub(crate) fn read(params: &Params, result: &Value) -> Option<Self> {
        let revision = result.get("protocolVersion")?.as_str()?.parse().ok()?;
        Some(Self {
            revision,
            client: ClientFeatures::read(params, revision),
        })
    }
}

/// One client's session.
#[derive(Debug)]
pub(crate) struct Session {
    pub(crate) id: Arc<str>,
    pub(crate) interest: Arc<Interest>,
    /// What the server asked this client.
    pub(crate) outstanding: Outstanding,
    /// Cancelled when the session ends; what runs for it stops then.
    pub(crate) ended: CancellationToken,
    agreement: OnceLock<Agreement>,
    opened: Instant,
    /// When it was used last, in milliseconds since it was opened.
    used: AtomicU64,
    initialized: AtomicBool,
    /// Whether the server ever asked for the roots.
    pub(crate) roots_known: AtomicBool,
    /// Set by defects only.
    stuck: AtomicBool,
    running: Mutex<HashMap<RequestId, CancellationToken>>,
    /// The latest answers that are event streams, for a client that comes back.
    answers: Mutex<VecDeque<Arc<EventLog>>>,
}

impl Session {
    fn new(id: Arc<str>) -> Self {
        Self {
            id,
            interest: Arc::default(),
            outstanding: Outstanding::default(),
            ended: CancellationToken::new(),
            agreement: OnceLock::new(),
            opened: Instant::now(),
            used: AtomicU64::new(0),
            initialized: AtomicBool::new(false),
            roots_known: AtomicBool::new(false),
            stuck: AtomicBool::new(false),
            running: Mutex::default(),
            answers: Mutex::default(),
        }
    }

    /// A session that no registry knows, ready for use. Only defects need it.
    pub(crate) fn unregistered(id: &str) -> Arc<Self> {
        let session = Self::new(id.into());
        session.set_initialized();
        Arc::new(session)
    }

    pub(crate) fn key(&self) -> PeerKey {
        PeerKey::Session(Arc::clone(&self.id))
    }

    /// Notes the outcome of `initialize`. `false` if that was noted before: a session is initialized once.
    pub(crate) fn agree(&self, agreement: Agreement) -> bool {
        self.agreement.set(agreement).is_ok()
    }

    /// Whether `initialize` had an outcome.
    pub(crate) fn has_agreed(&self) -> bool {
        self.agreement.get().is_some()
    }

    /// The revision that `initialize` agreed on; before that, the latest.
    pub(crate) fn revision(&self) -> Revision {
        self.agreement
            .get()
            .map_or(LATEST, |agreed| agreed.revision)
    }

    /// What the client declared; before `initialize`, nothing.
    pub(crate) fn client(&self) -> ClientFeatures {
        self.agreement
            .get()
            .map(|agreed| agreed.client)
            .unwrap_or_default()
    }

    /// The client used the session.
    pub(crate) fn touch(&self) {
        let now = self.opened.elapsed().as_millis();
        self.used
            .store(u64::try_from(now).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    /// Whether nothing was asked for so long and nothing runs.
    fn is_idle(&self, idle: Duration) -> bool {
        let used = Duration::from_millis(self.used.load(Ordering::Relaxed));
        self.opened.elapsed().saturating_sub(used) >= idle && lock(&self.running).is_empty()
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

    /// Another answer than the one with that event. Only a defect reads so.
    pub(crate) fn resume_foreign(&self, event_id: &str) -> Option<Body> {
        let answers = lock(&self.answers);
        let mut newest_first = answers.iter().rev();
        newest_first.find_map(|answer| answer.foreign_to(event_id))
    }

    /// Notes that a request is running, so that the client can cancel it.
    ///
    /// `None` if the id is in use or too many are running.
    pub(crate) fn begin(self: &Arc<Self>, id: &RequestId) -> Option<Running> {
        let mut running = lock(&self.running);
        if running.len() >= RUNNING_MAX || running.contains_key(id) {
            return None;
        }
        let cancelled = self.ended.child_token();
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
    pub(crate) fn open(&self) -> Option<Arc<Session>> {
        let id = self.next_id()?;
        let session = Arc::new(Session::new(Arc::clone(&id)));
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
        if let Some(ended) = &ended {
            ended.ended.cancel();
        }
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
        let ended: Vec<_> = lock(&self.by_id).drain().collect();
        let end = |(_, session): (Arc<str>, Arc<Session>)| {
            session.ended.cancel();
            session.key()
        };
        ended.into_iter().map(end).collect()
    }

    /// Ends those that were not used for so long, run nothing and are not `exempt`.
    pub(crate) fn end_idle(
        &self,
        idle: Duration,
        exempt: impl Fn(&PeerKey) -> bool,
    ) -> Vec<PeerKey> {
        let candidates: Vec<_> = lock(&self.by_id)
            .values()
            .filter(|session| session.is_idle(idle))
            .cloned()
            .collect();
        let mut ended = Vec::new();
        for session in candidates {
            let key = session.key();
            if !exempt(&key) {
                self.end(&session.id);
                ended.push(key);
            }
        }
        ended
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
        let one = sessions.open().unwrap();
        let two = sessions.open().unwrap();
        assert_ne!(one.id, two.id);
        assert_eq!(one.id.len(), 32);
        assert!(one.id.bytes().all(|byte| byte.is_ascii_hexdigit()));
        assert!(sessions.open().is_none());
    }

    #[test]
    fn idle_sessions_end_unless_they_work_or_are_exempt() {
        let sessions = Sessions::new(9, FaultSet::default());
        let (idle, reading, working) = (
            sessions.open().unwrap(),
            sessions.open().unwrap(),
            sessions.open().unwrap(),
        );
        let id = RequestId::read(&serde_json::json!(1)).unwrap();
        let running = working.begin(&id).unwrap();
        let exempt = |key: &PeerKey| *key == reading.key();
        assert!(
            sessions
                .end_idle(Duration::from_secs(60), exempt)
                .is_empty()
        );
        assert_eq!(sessions.end_idle(Duration::ZERO, exempt), [idle.key()]);
        assert!(idle.ended.is_cancelled() && !working.ended.is_cancelled());
        sessions.end(&working.id);
        assert!(running.cancelled.is_cancelled());
    }

    #[test]
    fn an_ended_session_is_not_found() {
        let sessions = Sessions::new(2, FaultSet::default());
        let session = sessions.open().unwrap();
        assert!(sessions.find(&session.id).is_some());
        sessions.end(&session.id);
        assert!(sessions.find(&session.id).is_none());
        assert_eq!(sessions.len(), 0);
    }
}
