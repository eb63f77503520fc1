//! Conducts a load run through its phases: ramp, settle, measure, drain, end.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use mcp_plumb_load_scheduler as scheduler;
use tokio_util::sync::CancellationToken;

use super::canary;
use super::clock::{Phase, nanoseconds};
use super::outcome::{self, LoadOutcome, Usage};
use super::plan::{LoadError, LoadPlan, Source};
use super::publisher::Publisher;
use super::report::{Phases, Sample};
use super::series::Series;
use super::shared::{Shared, lock};

/// With no stream open and every connection refused for this long, the target is dead.
const DEAD_AFTER: Duration = Duration::from_secs(3);
/// The drain after an interruption; whoever pressed Ctrl-C wants the end.
const INTERRUPTED_DRAIN_MAX: Duration = Duration::from_secs(1);
/// How often the conductor looks, and reports progress.
const LOOK: Duration = Duration::from_millis(100);
/// How often the drain looks whether anything is still owed.
const DRAIN_LOOK: Duration = Duration::from_millis(20);
/// Once nothing is owed: how long the drain still listens, for what arrives a second time.
const DRAIN_QUIET: Duration = Duration::from_millis(200);

/// How far a run is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// The phase.
    pub phase: Phase,
    /// Streams that are to be held.
    pub asked: u64,
    /// Streams that are open.
    pub open: u64,
    /// Publishes that are planned.
    pub planned: u64,
    /// Publishes that were sent.
    pub sent: u64,
    /// Deliveries that arrived.
    pub events: u64,
    /// Errors so far.
    pub errors: u64,
}

/// Is told of a run's progress, about ten times a second.
pub trait LoadObserver: Sync {
    /// The run is this far.
    fn progress(&self, progress: &Progress);
}

/// Watches nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct Unobserved;

impl LoadObserver for Unobserved {
    fn progress(&self, _progress: &Progress) {}
}

/// Runs a load and reports what the target held.
///
/// Ends after the planned time, soon after `plan.stop`, or within 5 s of the death of the target; whatever was measured
/// until then is reported. One run at a time in a process.
///
/// # Errors
/// If the run cannot start, or the scheduler failed.
pub async fn run(plan: LoadPlan, observer: &dyn LoadObserver) -> Result<LoadOutcome, LoadError> {
    let shared = Arc::new(Shared::new(plan)?);
    // Should this future be dropped, the users, which are tasks of goose, still close.
    let _close = shared.closing.clone().drop_guard();
    let usage = Usage::start();
    let users = scheduler::run(users(&shared));
    let scheduler_ended = AtomicBool::new(false);
    let scheduled = async {
        let result = users.await;
        // Where the scheduler fails, nobody is left to wait for.
        scheduler_ended.store(true, Ordering::Release);
        shared.ending.cancel();
        shared.closing.cancel();
        result
    };
    let conduct = async {
        let conducted = Conductor {
            shared: &shared,
            observer,
            phases: Phases::default(),
            series: Series::default(),
            died: false,
        }
        .conduct()
        .await;
        // A run that the scheduler refused must not stop the one that it was refused for.
        if !scheduler_ended.load(Ordering::Acquire) {
            scheduler::stop("the run is over");
        }
        conducted
    };
    let (scheduled, conducted) = tokio::join!(scheduled, conduct);
    scheduled?;
    Ok(outcome::assemble(&shared, &usage, conducted))
}

fn users(shared: &Arc<Shared>) -> scheduler::Plan {
    let plan = &shared.plan;
    let (streams, callers) = (Arc::clone(shared), Arc::clone(shared));
    scheduler::Plan {
        host: plan.url.to_string(),
        opens_per_s: plan.opens_per_s,
        lanes: vec![
            scheduler::Lane {
                name: "stream".to_owned(),
                users: plan.streams,
                body: Arc::new(move |index| {
                    Box::pin(super::stream::hold(Arc::clone(&streams), index))
                }),
            },
            scheduler::Lane {
                name: "caller".to_owned(),
                users: plan.callers,
                body: Arc::new(move |index| {
                    Box::pin(super::caller::call_through(Arc::clone(&callers), index))
                }),
            },
        ],
    }
}

/// What the phases came to.
#[derive(Debug, Default)]
pub(super) struct Conducted {
    pub(super) phases: Phases,
    pub(super) series: Vec<Sample>,
    pub(super) measured: super::outcome::Measured,
    pub(super) counts: super::ledger::Counts,
    pub(super) not_exercised: Option<String>,
    pub(super) interrupted: bool,
    pub(super) died: bool,
}

struct Conductor<'a> {
    shared: &'a Arc<Shared>,
    observer: &'a dyn LoadObserver,
    phases: Phases,
    series: Series,
    died: bool,
}

impl Conductor<'_> {
    async fn conduct(mut self) -> Conducted {
        let shared = self.shared;
        let mut conducted = Conducted::default();
        self.phases.ramp_s = self.ramp().await;
        let settled = self.settle().await;
        self.phases.settle_s = settled.0;
        let mut publisher = match settled.1 {
            Ok(publisher) => publisher,
            Err(why) => {
                conducted.not_exercised = Some(why);
                None
            }
        };
        let interrupted = || shared.plan.stop.is_cancelled();
        if !shared.ending.is_cancelled() {
            conducted.measured = self.measure(publisher.as_mut()).await;
            self.phases.measure_s = conducted.measured.seconds;
        }
        conducted.interrupted = interrupted();
        // Whoever is not connected by now need not try any more.
        shared.ending.cancel();
        self.phases.drain_s = self.drain(publisher.as_mut()).await;
        self.series.last(shared);
        // The account is made before anything is closed, so that no stream is blamed for our closing it.
        for ledger in &shared.ledgers {
            let ledger = lock(ledger);
            conducted.counts += if shared.correlation.order().is_some() {
                ledger.settle_in_order(&shared.publishes)
            } else {
                ledger.settle(&shared.publishes)
            };
        }
        shared.clock.enter(Phase::End);
        self.tell();
        shared.closing.cancel();
        if let Some(publisher) = publisher {
            publisher.end().await;
        }
        conducted.phases = self.phases;
        conducted.series = self.series.finish();
        conducted.died = self.died;
        conducted
    }

    /// Until every stream is open, or has had its time to open.
    async fn ramp(&mut self) -> f64 {
        let plan = &self.shared.plan;
        #[expect(
            clippy::cast_precision_loss,
            reason = "there are far fewer than 2^52 users"
        )]
        let start = (plan.streams + plan.callers) as f64
            / plan
                .opens_per_s
                .clamp(scheduler::OPENS_PER_S_MIN, scheduler::OPENS_PER_S_MAX);
        let longest = Duration::try_from_secs_f64(start)
            .unwrap_or(Duration::MAX)
            .saturating_add(plan.timeout * 2);
        let asked = plan.streams as u64;
        let shared = self.shared;
        self.enter_for(Phase::Ramp, longest, LOOK, || {
            shared.tally.opened.load(Ordering::Relaxed) >= asked
        })
        .await
    }

    /// Lets the target come to rest, then shows that publishes arrive. There is no publisher where the target emits by
    /// itself.
    async fn settle(&mut self) -> (f64, Result<Option<Publisher>, String>) {
        let shared = self.shared;
        let mut seconds = self
            .enter_for(Phase::Settle, shared.plan.settle, LOOK, || false)
            .await;
        if shared.ending.is_cancelled() {
            let why = if self.died {
                "the target could not be reached"
            } else {
                "the run ended before anything was published"
            };
            return (seconds, Err(why.to_owned()));
        }
        if shared.tally.open.load(Ordering::Relaxed) == 0 {
            return (seconds, Err("no stream could be opened".to_owned()));
        }
        if matches!(shared.plan.source, Source::Passive(_)) {
            return (seconds, Ok(None));
        }
        let started = shared.clock.now_ns();
        let controlled = async {
            let publisher = Publisher::connect(shared).await?;
            match publisher.control().await {
                Ok(()) => Ok(Some(publisher)),
                Err(why) => {
                    publisher.end().await;
                    Err(why)
                }
            }
        };
        let publisher = tokio::select! {
            publisher = controlled => publisher,
            () = shared.ending.cancelled() => {
                Err("the run ended before anything was published".to_owned())
            }
        };
        seconds += seconds_between(started, shared.clock.now_ns());
        (seconds, publisher)
    }

    async fn measure(&mut self, publisher: Option<&mut Publisher>) -> super::outcome::Measured {
        let shared = self.shared;
        let before = Usage::start();
        let canary_stop = CancellationToken::new();
        let from_ns = shared.clock.now_ns();
        shared.clock.enter(Phase::Measure);
        shared.begin_measure(from_ns);
        let publishing = async {
            if let Some(publisher) = publisher {
                publisher.publish_all(from_ns).await;
            }
        };
        let duration = shared.plan.duration;
        let phase = async {
            let seconds = self
                .enter_for(Phase::Measure, duration, LOOK, || false)
                .await;
            canary_stop.cancel();
            if let Some(watch) = &shared.watch {
                watch.close(shared.clock.now_ns(), &shared.recorders.gap);
            }
            seconds
        };
        let (seconds, (), ()) = tokio::join!(
            phase,
            publishing,
            canary::watch(&shared.clock, &shared.recorders.canary, &canary_stop)
        );
        super::outcome::Measured {
            seconds,
            own_cpu_share: before.own_cpu_share(),
            machine_busy: before.machine_busy(),
        }
    }

    /// Until nothing is owed any more, and a moment longer.
    async fn drain(&mut self, publisher: Option<&mut Publisher>) -> f64 {
        let shared = self.shared;
        let started = shared.clock.now_ns();
        shared.clock.enter(Phase::Drain);
        self.tell();
        let longest = if shared.plan.stop.is_cancelled() {
            shared.plan.drain_max.min(INTERRUPTED_DRAIN_MAX)
        } else {
            shared.plan.drain_max
        };
        let _given_up = tokio::time::timeout(longest, async {
            let Some(publisher) = publisher else { return };
            publisher.replies().await;
            while self.is_owed() {
                tokio::time::sleep(DRAIN_LOOK).await;
            }
            if shared.tally.events.load(Ordering::Relaxed) > 0 {
                tokio::time::sleep(DRAIN_QUIET).await;
            }
        })
        .await;
        seconds_between(started, shared.clock.now_ns())
    }

    /// Whether a stream is open that waits for something.
    fn is_owed(&self) -> bool {
        let shared = self.shared;
        shared.tally.open.load(Ordering::Relaxed) > 0
            && shared.ledgers.iter().any(|ledger| {
                let ledger = lock(ledger);
                if shared.correlation.order().is_some() {
                    ledger.is_waiting_in_order(&shared.publishes)
                } else {
                    ledger.is_waiting(&shared.publishes)
                }
            })
    }

    /// Spends a phase: until `done`, for `longest`, or until the run ends early. Gives its length in seconds.
    async fn enter_for(
        &mut self,
        phase: Phase,
        longest: Duration,
        look: Duration,
        done: impl Fn() -> bool,
    ) -> f64 {
        let shared = self.shared;
        let started = shared.clock.now_ns();
        shared.clock.enter(phase);
        let end_ns = started.saturating_add(nanoseconds(longest));
        loop {
            self.tell();
            self.series.look(shared);
            self.look_for_death();
            let now = shared.clock.now_ns();
            if done() || now >= end_ns || shared.ending.is_cancelled() {
                return seconds_between(started, now);
            }
            let wait = look.min(Duration::from_nanos(end_ns - now));
            tokio::select! {
                () = shared.ending.cancelled() => {}
                () = tokio::time::sleep(wait) => {}
            }
        }
    }

    fn look_for_death(&mut self) {
        let shared = self.shared;
        let gone = shared.tally.open.load(Ordering::Relaxed) == 0
            && shared.refused_for_ns() >= nanoseconds(DEAD_AFTER);
        if gone && !shared.ending.is_cancelled() {
            self.died = true;
            shared.errors.add("target: gone");
            shared.ending.cancel();
        }
    }

    fn tell(&self) {
        let (shared, tally) = (self.shared, &self.shared.tally);
        self.observer.progress(&Progress {
            phase: shared.clock.phase(),
            asked: shared.plan.streams as u64,
            open: tally.open.load(Ordering::Relaxed),
            planned: shared.publishes.len() as u64,
            sent: tally.sent.load(Ordering::Relaxed),
            events: tally.events.load(Ordering::Relaxed),
            errors: shared.errors.total(),
        });
    }
}

fn seconds_between(from_ns: u64, to_ns: u64) -> f64 {
    Duration::from_nanos(to_ns.saturating_sub(from_ns)).as_secs_f64()
}
