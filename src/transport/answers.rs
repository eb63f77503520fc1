//! Answers what the server asks, each in a task of its own so that the stream is read on.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::Value;
use tokio::task::JoinSet;

use super::exchange;
use super::link::Link;
use crate::protocol::dialect::{Outgoing, SessionState};
use crate::protocol::{MessageKind, client};

/// How many answers of one session to requests of the server may be under way; what comes beyond is not answered.
const AT_ONCE_MAX: usize = 100;
/// How many requests of the server one session answers in all. A server has few reasons to ask, and a flood of requests is
/// not to be turned into a flood of answers.
const ANSWERS_MAX: usize = 500;

/// The answers of one session.
#[derive(Debug)]
pub(super) struct Answers {
    link: Arc<Link>,
    state: Arc<Mutex<SessionState>>,
    tasks: Mutex<JoinSet<()>>,
    given: AtomicUsize,
}

impl Answers {
    pub(super) fn new(link: Arc<Link>, state: Arc<Mutex<SessionState>>) -> Self {
        Self {
            link,
            state,
            tasks: Mutex::default(),
            given: AtomicUsize::new(0),
        }
    }

    /// Sends the answer to a message that wants one.
    pub(super) fn give(&self, message: &Value) {
        if MessageKind::of(message) != MessageKind::Request {
            return;
        }
        let request = {
            let state = super::session::lock(&self.state);
            let Some(answer) = client::answer(message, &state.capabilities) else {
                return;
            };
            let outgoing = Outgoing {
                message: &answer,
                text: answer.to_string(),
            };
            self.link.dialect.post(&state, outgoing)
        };
        let mut tasks = self.tasks.lock().unwrap_or_else(PoisonError::into_inner);
        while tasks.try_join_next().is_some() {}
        let given = self.given.fetch_add(1, Ordering::Relaxed);
        if tasks.len() >= AT_ONCE_MAX || given >= ANSWERS_MAX {
            return;
        }
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
