//! The requests that the server sent to one client and that are not answered yet.

use std::collections::HashMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use serde_json::{Value, json};
use tokio::sync::oneshot;

use crate::jsonrpc::RequestId;
use crate::lock::lock;

/// Requests that may wait for one client at a time.
const WAITING_MAX: usize = 64;

/// A result, or the error object of a client that refused.
pub(crate) type Outcome = Result<Value, Value>;

/// All that wait for one client. Ids are unique within its session.
#[derive(Debug, Default)]
pub(crate) struct Outstanding {
    numbers: AtomicU64,
    waiting: Mutex<HashMap<RequestId, oneshot::Sender<Outcome>>>,
}

impl Outstanding {
    /// Makes room for one more request; `None` if too many wait.
    pub(crate) fn begin(&self) -> Option<Question<'_>> {
        let number = self.numbers.fetch_add(1, Ordering::Relaxed) + 1;
        let id = RequestId::read(&json!(format!("server-{number}")))?;
        let mut waiting = lock(&self.waiting);
        if waiting.len() >= WAITING_MAX {
            return None;
        }
        let (sender, answer) = oneshot::channel();
        waiting.insert(id.clone(), sender);
        Some(Question {
            all: self,
            id,
            answer,
        })
    }

    /// Hands the answer to whoever waits for it. An answer that nobody waits for is dropped: it may be late.
    pub(crate) fn settle(&self, id: &RequestId, outcome: Outcome) {
        let waiting = lock(&self.waiting).remove(id);
        if let Some(waiting) = waiting {
            // Who asked may have given up in the meantime.
            drop(waiting.send(outcome));
        }
    }
}

/// One request that waits. Dropping it means that the answer is no longer wanted.
#[derive(Debug)]
pub(crate) struct Question<'a> {
    all: &'a Outstanding,
    pub(crate) id: RequestId,
    answer: oneshot::Receiver<Outcome>,
}

impl Question<'_> {
    /// Waits for the client. The caller sets the deadline. `None` if the session ends.
    pub(crate) async fn answer(&mut self) -> Option<Outcome> {
        (&mut self.answer).await.ok()
    }
}

impl Drop for Question<'_> {
    fn drop(&mut self) {
        lock(&self.all.waiting).remove(&self.id);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn an_answer_reaches_who_asked_and_nobody_else() {
        let outstanding = Outstanding::default();
        let mut one = outstanding.begin().unwrap();
        let two = outstanding.begin().unwrap();
        assert_ne!(one.id, two.id);
        outstanding.settle(&RequestId::read(&json!("foreign")).unwrap(), Ok(json!(0)));
        outstanding.settle(&two.id, Ok(json!(2)));
        outstanding.settle(&one.id, Ok(json!(1)));
        outstanding.settle(&one.id, Ok(json!("again")));
        assert_eq!(one.answer().await, Some(Ok(json!(1))));
    }

    #[test]
    fn there_is_a_limit_and_dropping_makes_room() {
        let outstanding = Outstanding::default();
        let mut all: Vec<Question<'_>> = (0..WAITING_MAX)
            .map(|_| outstanding.begin().unwrap())
            .collect();
        assert!(outstanding.begin().is_none());
        all.pop();
        assert!(outstanding.begin().is_some());
    }
}
