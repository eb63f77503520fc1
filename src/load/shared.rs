//! What all tasks of a run share.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, Semaphore};
use tokio_util::sync::CancellationToken;

use super::clock::RunClock;
use super::correlation::Correlation;
use super::ledger::Ledger;
use super::passive::Watch;
use super::plan::{LoadError, LoadPlan, Source};
use super::publishes::Publishes;
use super::recorders::Recorders;
use super::token::RunId;
use crate::transport::{
    ClientOptions, Exchange, Failure, HttpClient, KnownServer, Link, OpenSessions, Recorder,
    Retention,
};

/// The kinds of errors that are told apart; any more count as `other`.
const ERROR_KINDS_MAX: usize = 64;
/// How many sessions are ended at once.
const ENDINGS_AT_ONCE: usize = 64;
/// After a response came on an event stream, how long the server has to end that stream. Short, since the time counts
/// into the latency of a call where a server leaves the stream open.
const STREAM_END_GRACE: Duration = Duration::from_millis(20);
const UNSET: u64 = u64::MAX;

/// Errors by kind.
#[derive(Debug, Default)]
pub(super) struct ErrorCounts(Mutex<BTreeMap<String, u64>>);

impl ErrorCounts {
    pub(super) fn add(&self, kind: impl Into<String>) {
        let mut counts = lock(&self.0);
        let mut kind = kind.into();
        if counts.len() >= ERROR_KINDS_MAX && !counts.contains_key(&kind) {
            "other".clone_into(&mut kind);
        }
        *counts.entry(kind).or_default() += 1;
    }

    pub(super) fn counts(&self) -> BTreeMap<String, u64> {
        lock(&self.0).clone()
    }

    pub(super) fn total(&self) -> u64 {
        lock(&self.0).values().sum()
    }
}

/// Plain counts. All but `open` only grow.
#[derive(Debug, Default)]
pub(super) struct Tally {
    /// Streams that are open now.
    pub(super) open: AtomicU64,
    /// Streams that were open at least once.
    pub(super) opened: AtomicU64,
    pub(super) dropped: AtomicU64,
    pub(super) reconnects: AtomicU64,
    /// Events with a token of the ledger.
    pub(super) events: AtomicU64,
    /// Chunks that brought at least one such event.
    pub(super) chunks: AtomicU64,
    pub(super) sent: AtomicU64,
    pub(super) acknowledged: AtomicU64,
    pub(super) refused: AtomicU64,
    pub(super) not_sent: AtomicU64,
    pub(super) calls: AtomicU64,
    pub(super) call_errors: AtomicU64,
    /// Arrivals of the control publish.
    pub(super) control_seen: AtomicU64,
}

/// One run.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) plan: LoadPlan,
    pub(super) id: RunId,
    pub(super) clock: RunClock,
    /// Sends everything but the streams, over kept connections.
    pub(super) link: Arc<Link>,
    /// Opens the streams; its connections are never reused.
    pub(super) streams: HttpClient,
    pub(super) publishes: Publishes,
    /// How arrivals are matched with publishes.
    pub(super) correlation: Correlation,
    /// What arrives, where the target emits by itself.
    pub(super) watch: Option<Watch>,
    /// One per stream.
    pub(super) ledgers: Vec<Mutex<Ledger>>,
    pub(super) recorders: Recorders,
    pub(super) tally: Tally,
    pub(super) errors: ErrorCounts,
    /// Something was opened, dropped or arrived that the conductor may be waiting for.
    pub(super) changed: Notify,
    /// When the measure phase began, for the callers.
    measure_from: tokio::sync::watch::Sender<Option<u64>>,
    /// Since when every connection was refused.
    refused_since: AtomicU64,
    /// Nothing new is begun: the user stopped the run, the target died, or the measure phase is over.
    pub(super) ending: CancellationToken,
    /// Streams and sessions close.
    pub(super) closing: CancellationToken,
    /// The right to end a session.
    pub(super) endings: Semaphore,
}

impl Shared {
    pub(super) fn new(plan: LoadPlan) -> Result<Self, LoadError> {
        plan.check()?;
        let client = |keep_alive| {
            HttpClient::new(ClientOptions {
                keep_alive,
                connect_timeout: plan.timeout,
                headers: plan.headers.clone(),
                tls: plan.tls.clone(),
                ..ClientOptions::default()
            })
        };
        let link = Link {
            client: client(true)?,
            dialect: plan.transport.dialect(&plan.url, plan.revision),
            revision: plan.revision,
            timeout: plan.timeout,
            stream_end_grace: STREAM_END_GRACE,
            retention: Retention::Latest,
            open: OpenSessions::default(),
            known: KnownServer::new(Arc::clone(&plan.known)),
            recorder: Arc::new(Recorder::off()),
        };
        Ok(Self {
            id: RunId::random()?,
            clock: RunClock::start(),
            link: Arc::new(link),
            streams: client(false)?,
            publishes: Publishes::new(plan.publishes_planned())?,
            correlation: Correlation::new(plan.finder()?),
            watch: match &plan.source {
                Source::Passive(passive) => Some(Watch::new(passive, plan.streams)),
                _ => None,
            },
            ledgers: std::iter::repeat_with(Mutex::default)
                .take(plan.streams)
                .collect(),
            recorders: Recorders::default(),
            tally: Tally::default(),
            errors: ErrorCounts::default(),
            changed: Notify::new(),
            measure_from: tokio::sync::watch::Sender::new(None),
            refused_since: AtomicU64::new(UNSET),
            ending: plan.stop.child_token(),
            closing: CancellationToken::new(),
            endings: Semaphore::new(ENDINGS_AT_ONCE),
            plan,
        })
    }

    pub(super) fn count(&self, counter: &AtomicU64) {
        counter.fetch_add(1, Ordering::Relaxed);
        self.changed.notify_waiters();
    }

    /// Counts an exchange that did not give what it was made for, and notes whether the target was there at all.
    pub(super) fn note_bad_exchange(&self, what: &str, exchange: &Exchange) {
        match &exchange.outcome {
            Err(failure) => self.note_failure(what, failure),
            Ok(reply) => {
                self.note_answered();
                let response_error = exchange.response().and_then(|it| it.get("error"));
                self.errors.add(match (reply.status, response_error) {
                    (200..=299, Some(_)) => format!("{what}: error response"),
                    (200..=299, None) => format!("{what}: no usable response"),
                    (status, _) => format!("{what}: status {status}"),
                });
            }
        }
    }

    /// Counts a request without an answer.
    pub(super) fn note_failure(&self, what: &str, failure: &Failure) {
        self.errors.add(format!("{what}: {}", failure.kind()));
        if matches!(failure, Failure::Connect(_)) {
            let now = self.clock.now_ns();
            // Only the first of a row counts.
            let _already = self.refused_since.compare_exchange(
                UNSET,
                now,
                Ordering::AcqRel,
                Ordering::Acquire,
            );
        }
    }

    /// The target answered something.
    pub(super) fn note_answered(&self) {
        self.refused_since.store(UNSET, Ordering::Release);
    }

    /// For how long every connection was refused, in nanoseconds; zero if the last one was not.
    pub(super) fn refused_for_ns(&self) -> u64 {
        match self.refused_since.load(Ordering::Acquire) {
            UNSET => 0,
            since => self.clock.now_ns().saturating_sub(since),
        }
    }

    /// Lets the callers begin.
    pub(super) fn begin_measure(&self, now_ns: u64) {
        self.measure_from.send_replace(Some(now_ns));
    }

    /// Waits for the measure phase and gives its start; `None` if the run ends before.
    pub(super) async fn measure_begun(&self) -> Option<u64> {
        let mut from = self.measure_from.subscribe();
        tokio::select! {
            () = self.ending.cancelled() => None,
            from = from.wait_for(Option::is_some) => from.ok().and_then(|from| *from),
        }
    }
}

pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Waits between attempts: 50 ms, doubling to 5 s, each between half and all of it so that clients do not come in step.
#[derive(Debug)]
pub(super) struct BackOff {
    next: Duration,
}

impl Default for BackOff {
    fn default() -> Self {
        Self { next: Self::FIRST }
    }
}

impl BackOff {
    const FIRST: Duration = Duration::from_millis(50);
    const LAST: Duration = Duration::from_secs(5);

    pub(super) fn reset(&mut self) {
        self.next = Self::FIRST;
    }

    pub(super) fn next(&mut self) -> Duration {
        let whole = self.next;
        self.next = (whole * 2).min(Self::LAST);
        // Without randomness the clients come in step, which is no error.
        let share = getrandom::u32().map_or(1.0, |random| {
            0.5 + 0.5 * f64::from(random) / f64::from(u32::MAX)
        });
        whole.mul_f64(share)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_of_errors_are_bounded() {
        let errors = ErrorCounts::default();
        for kind in 0..ERROR_KINDS_MAX + 10 {
            errors.add(format!("kind {kind}"));
        }
        errors.add("kind 0");
        let counts = errors.counts();
        assert_eq!(counts.len(), ERROR_KINDS_MAX + 1);
        assert_eq!((counts["other"], counts["kind 0"]), (10, 2));
        assert_eq!(errors.total(), ERROR_KINDS_MAX as u64 + 11);
    }

    #[test]
    fn waits_double_up_to_a_bound_and_begin_again() {
        let mut back_off = BackOff::default();
        for whole in [50, 100, 200, 400, 800, 1_600, 3_200, 5_000, 5_000] {
            let wait = back_off.next();
            let whole = Duration::from_millis(whole);
            assert!(wait >= whole / 2 && wait <= whole, "{wait:?} {whole:?}");
        }
        back_off.reset();
        assert!(back_off.next() <= BackOff::FIRST);
    }
}
