//! Makes the target publish, each time when it is due. Replies never slow it down: a publish for which too many others
//! are still without a reply is left out and counted, and the next one keeps its time.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use super::plan::Trigger;
use super::publishes::{CONTROL_FROM, Outcome};
use super::shared::Shared;
use super::token::Token;
use crate::transport::session::Special;
use crate::transport::{Exchange, Session};

/// Publishes without a reply at one time.
const IN_FLIGHT_MAX: usize = 256;
/// How long the control publish may take to reach a stream after its reply.
const CONTROL_WAIT: Duration = Duration::from_secs(2);

/// A session of its own that triggers publishes. It holds no stream: what the target sends to the caller of the tool
/// goes to the reply of that call and into no ledger.
pub(super) struct Publisher {
    shared: Arc<Shared>,
    session: Arc<Session>,
    trigger: Trigger,
    /// Publishes that are under way.
    tasks: JoinSet<()>,
}

impl Publisher {
    /// Opens the publisher's session.
    ///
    /// # Errors
    /// Why there is none, for a person.
    pub(super) async fn connect(shared: &Arc<Shared>) -> Result<Self, String> {
        let trigger = shared.plan.trigger.clone();
        let trigger = trigger.ok_or("no tool is known that makes the target publish")?;
        let session = Session::new(Arc::clone(&shared.link));
        if let Err(error) = session.connect().await {
            shared.note_bad_exchange("publisher", &error.exchange);
            return Err(format!("the publisher could not connect: {error}"));
        }
        Ok(Self {
            shared: Arc::clone(shared),
            session: Arc::new(session),
            trigger,
            tasks: JoinSet::new(),
        })
    }

    /// Publishes once outside the ledger, to see that publishes reach streams at all.
    ///
    /// # Errors
    /// Why deliveries cannot be exercised, for a person.
    pub(super) async fn control(&self) -> Result<(), String> {
        let shared = &self.shared;
        let token = Token {
            run: shared.id,
            sequence: CONTROL_FROM,
            due_ns: shared.clock.now_ns(),
        };
        let exchange = publish(&self.session, &self.trigger, token).await;
        if outcome_of(&exchange) != Outcome::Acknowledged {
            shared.note_bad_exchange("control publish", &exchange);
            return Err(format!(
                "the tool '{}' did not publish: {}",
                self.trigger.tool,
                exchange.describe()
            ));
        }
        let seen = async {
            loop {
                let changed = shared.changed.notified();
                if shared.tally.control_seen.load(Ordering::Relaxed) > 0 {
                    return;
                }
                changed.await;
            }
        };
        tokio::time::timeout(CONTROL_WAIT, seen)
            .await
            .map_err(|_elapsed| {
                format!(
                    "a publish by the tool '{}' reached none of {} open streams within {} s",
                    self.trigger.tool,
                    shared.tally.open.load(Ordering::Relaxed),
                    CONTROL_WAIT.as_secs()
                )
            })
    }

    /// Publishes all that is planned, counted from `from_ns`, until the run ends.
    pub(super) async fn publish_all(&mut self, from_ns: u64) {
        let shared = Arc::clone(&self.shared);
        let in_flight = Arc::new(Semaphore::new(IN_FLIGHT_MAX));
        for sequence in shared.publishes.sequences() {
            let due_ns = from_ns.saturating_add(due_after_ns(sequence, shared.plan.rate));
            tokio::select! {
                biased;
                () = shared.ending.cancelled() => return,
                () = tokio::time::sleep_until(shared.clock.at(due_ns)) => {}
            }
            while self.tasks.try_join_next().is_some() {}
            let Ok(permit) = Arc::clone(&in_flight).try_acquire_owned() else {
                shared.count(&shared.tally.not_sent);
                continue;
            };
            let now = shared.clock.now_ns();
            let lateness = now.saturating_sub(due_ns);
            shared.recorders.lateness.record_ns(lateness);
            shared.publishes.note_sent(sequence, due_ns, now);
            shared.count(&shared.tally.sent);
            let (session, trigger) = (Arc::clone(&self.session), self.trigger.clone());
            let shared = Arc::clone(&shared);
            self.tasks.spawn(async move {
                let run = shared.id;
                let token = Token {
                    run,
                    sequence,
                    due_ns,
                };
                let exchange = publish(&session, &trigger, token).await;
                note_reply(&shared, sequence, &exchange);
                drop(permit);
            });
        }
    }

    /// Waits for the replies that are still to come. To be dropped at the end of the drain, which gives up on the rest.
    pub(super) async fn replies(&mut self) {
        while self.tasks.join_next().await.is_some() {}
    }

    /// Ends the publisher's session.
    pub(super) async fn end(mut self) {
        self.tasks.shutdown().await;
        super::stream::end(&self.shared, &self.session).await;
    }
}

/// When publish number `sequence` is due after the start of the measure phase, in nanoseconds.
fn due_after_ns(sequence: u32, rate: f64) -> u64 {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "not negative, and the cast saturates"
    )]
    let due = (f64::from(sequence) * 1e9 / rate) as u64;
    due
}

async fn publish(session: &Session, trigger: &Trigger, token: Token) -> Exchange {
    let params = trigger.params(&token.to_string());
    session
        .request("tools/call", Some(params), Special::default())
        .await
}

fn note_reply(shared: &Shared, sequence: u32, exchange: &Exchange) {
    let outcome = outcome_of(exchange);
    shared
        .publishes
        .note_outcome(sequence, outcome, shared.clock.now_ns());
    match outcome {
        Outcome::Acknowledged => shared.count(&shared.tally.acknowledged),
        Outcome::Refused => {
            shared.count(&shared.tally.refused);
            shared.note_bad_exchange("publish", exchange);
        }
        Outcome::Unknown | Outcome::Pending => shared.note_bad_exchange("publish", exchange),
    }
}

/// What the target said of a publish. A tool that failed, an error response and a status 4xx say that it was not done.
fn outcome_of(exchange: &Exchange) -> Outcome {
    if let Some(result) = exchange.result() {
        let failed = result.get("isError").and_then(serde_json::Value::as_bool);
        return match failed {
            Some(true) => Outcome::Refused,
            _ => Outcome::Acknowledged,
        };
    }
    let refused = exchange.response().is_some()
        || exchange
            .status()
            .is_some_and(|status| (400..500).contains(&status));
    if refused {
        Outcome::Refused
    } else {
        Outcome::Unknown
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn due_times_follow_the_rate_exactly() {
        assert_eq!(due_after_ns(0, 5.0), 0);
        assert_eq!(due_after_ns(7, 5.0), 1_400_000_000);
        assert_eq!(due_after_ns(3, 0.5), 6_000_000_000);
        assert_eq!(due_after_ns(u32::MAX, 1e-12), u64::MAX);
    }
}
