//! Makes the target publish, each time when it is due. Replies never slow it down: a publish for which too many others
//! are still without a reply is left out and counted, and the next one keeps its time.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::correlation::{Bare, Correlate};
use super::plan::Source;
use super::publishes::{CONTROL_FROM, Outcome};
use super::sender::Sender;
use super::shared::Shared;
use super::token::Token;
use super::trigger::Trigger;

/// Publishes without a reply at one time.
const IN_FLIGHT_MAX: usize = 256;
/// How long the control publish may take to reach a stream after its reply.
const CONTROL_WAIT: Duration = Duration::from_secs(2);
/// After a notification that carries nothing: how long one that does may still come, which is the better witness.
const TOKEN_GRACE: Duration = Duration::from_millis(200);

/// Triggers publishes. It holds no stream: what the target sends to the caller of a tool goes to the reply of that call
/// and into no ledger.
pub(super) struct Publisher {
    shared: Arc<Shared>,
    sender: Arc<Sender>,
    trigger: Trigger,
    /// Publishes that are under way.
    tasks: JoinSet<()>,
}

impl Publisher {
    /// Makes ready to publish.
    ///
    /// # Errors
    /// Why there is no publisher, for a person.
    pub(super) async fn connect(shared: &Arc<Shared>) -> Result<Self, String> {
        let Source::Trigger(trigger) = &shared.plan.source else {
            return Err("no tool is known that makes the target publish".to_owned());
        };
        Ok(Self {
            shared: Arc::clone(shared),
            sender: Arc::new(Sender::connect(shared, trigger).await?),
            trigger: trigger.clone(),
            tasks: JoinSet::new(),
        })
    }

    /// Publishes once outside the ledger, to see that publishes reach streams at all, and what arrivals carry.
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
        shared.correlation.forget();
        let reply = self.sender.publish(shared, token).await;
        if reply.outcome != Outcome::Acknowledged {
            reply.note_bad(shared, "control publish");
            return Err(format!("{} did not publish: {}", self.trigger, reply.words));
        }
        match self.witness().await {
            Witness::Token => Ok(()),
            Witness::Bare(kind) => {
                shared.correlation.choose_order(kind);
                Ok(())
            }
            Witness::None => Err(self.unseen()),
        }
    }

    /// Waits for the control publish. By order it must reach every open stream, so that none takes it for a later one.
    async fn witness(&self) -> Witness {
        let shared = &self.shared;
        let wish = shared.plan.correlate;
        let end = Instant::now() + CONTROL_WAIT;
        let mut bare_since = None;
        loop {
            let changed = shared.changed.notified();
            let now = Instant::now();
            if wish != Correlate::Order && shared.tally.control_seen.load(Ordering::Relaxed) > 0 {
                return Witness::Token;
            }
            let bare = shared.correlation.most_seen();
            let mut wake = end;
            if let Some((kind, count)) = bare.filter(|_| wish != Correlate::Token) {
                let decided = *bare_since.get_or_insert(now) + TOKEN_GRACE;
                let everywhere = count >= shared.tally.open.load(Ordering::Relaxed);
                if now >= end || (everywhere && now >= decided) {
                    return Witness::Bare(kind);
                }
                if now < decided {
                    wake = decided.min(end);
                }
            }
            if now >= end {
                return Witness::None;
            }
            tokio::select! {
                () = changed => {}
                () = tokio::time::sleep_until(wake) => {}
            }
        }
    }

    /// Why the control publish counts as not arrived.
    fn unseen(&self) -> String {
        let (shared, trigger) = (&self.shared, &self.trigger);
        let open = shared.tally.open.load(Ordering::Relaxed);
        let seconds = CONTROL_WAIT.as_secs();
        match (shared.plan.correlate, shared.correlation.most_seen()) {
            (Correlate::Token, Some((kind, _))) => format!(
                "a publish by {trigger} arrived as {}, which has no room for a token (--correlate order counts these)",
                kind.method
            ),
            (Correlate::Order, _) => format!(
                "a publish by {trigger} reached none of {open} open streams within {seconds} s as a notification that can be counted by order"
            ),
            _ => format!(
                "a publish by {trigger} reached none of {open} open streams within {seconds} s"
            ),
        }
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
            let (sender, shared) = (Arc::clone(&self.sender), Arc::clone(&shared));
            self.tasks.spawn(async move {
                let token = Token {
                    run: shared.id,
                    sequence,
                    due_ns,
                };
                let reply = sender.publish(&shared, token).await;
                let now = shared.clock.now_ns();
                shared.publishes.note_outcome(sequence, reply.outcome, now);
                match reply.outcome {
                    Outcome::Acknowledged => shared.count(&shared.tally.acknowledged),
                    Outcome::Refused => shared.count(&shared.tally.refused),
                    Outcome::Unknown | Outcome::Pending => {}
                }
                if reply.outcome != Outcome::Acknowledged {
                    reply.note_bad(&shared, "publish");
                }
                drop(permit);
            });
        }
    }

    /// Waits for the replies that are still to come. To be dropped at the end of the drain, which gives up on the rest.
    pub(super) async fn replies(&mut self) {
        while self.tasks.join_next().await.is_some() {}
    }

    /// Gives up what is under way, and ends the publisher's session.
    pub(super) async fn end(mut self) {
        self.tasks.shutdown().await;
        self.sender.end(&self.shared).await;
    }
}

/// What the control publish arrived as.
enum Witness {
    /// With what its texts made.
    Token,
    /// As a notification that carries nothing.
    Bare(Bare),
    /// Not at all.
    None,
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
