//! From what was counted to what is reported.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use super::curve;
use super::engine::Conducted;
use super::passive::Watch;
use super::pattern::Finder;
use super::report::{
    Calls, CorrelatedBy, CorrelationReport, Deliveries, Generator, Latencies, LoadReport,
    ORDER_MEANS, PassiveReport, PublishCounts, Streams, ThresholdVerdict,
};
use super::saturation::Signs;
use super::self_usage::{self, MachineTime};
use super::shared::Shared;
use super::threshold::{self, Observations};

/// What a load run came to.
#[derive(Clone, Debug, PartialEq)]
pub struct LoadOutcome {
    /// What was measured.
    pub report: LoadReport,
    /// The run was stopped from outside; the report covers the time until then.
    pub interrupted: bool,
}

impl LoadOutcome {
    /// Whether a threshold was missed.
    pub fn is_missed(&self) -> bool {
        let missed = |verdict| verdict == ThresholdVerdict::Fail;
        self.report.thresholds.iter().any(|it| missed(it.verdict))
    }

    /// Whether anything was exercised: a stream was opened or a call was made.
    pub fn is_exercised(&self) -> bool {
        self.report.streams.opened > 0 || self.report.calls.sent > self.report.calls.errors
    }
}

/// The measure phase as a whole.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Measured {
    pub(super) seconds: f64,
    pub(super) own_cpu_share: Option<f64>,
    pub(super) machine_busy: Option<f64>,
}

/// What had been used at some moment.
#[derive(Debug)]
pub(super) struct Usage {
    at: Instant,
    cpu_s: Option<f64>,
    machine: Option<MachineTime>,
}

impl Usage {
    pub(super) fn start() -> Self {
        Self {
            at: Instant::now(),
            cpu_s: self_usage::cpu_seconds(),
            machine: MachineTime::now(),
        }
    }

    /// Processor seconds of this process since.
    fn own_cpu_s(&self) -> Option<f64> {
        Some(self_usage::cpu_seconds()? - self.cpu_s?)
    }

    /// The share of the allowed cores that this process used since.
    pub(super) fn own_cpu_share(&self) -> Option<f64> {
        let cores = std::thread::available_parallelism().ok()?.get();
        let cores = f64::from(u32::try_from(cores).ok()?);
        let elapsed = self.at.elapsed().as_secs_f64();
        (elapsed > 0.0).then(|| self.own_cpu_s().map(|used| used / (elapsed * cores)))?
    }

    /// The share of the machine in use since.
    pub(super) fn machine_busy(&self) -> Option<f64> {
        MachineTime::now()?.busy_since(self.machine.as_ref()?)
    }
}

pub(super) fn assemble(shared: &Shared, usage: &Usage, conducted: Conducted) -> LoadOutcome {
    let recorders = &shared.recorders;
    let tally = &shared.tally;
    let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
    let publishes = PublishCounts {
        planned: shared.publishes.len() as u64,
        sent: count(&tally.sent),
        acknowledged: count(&tally.acknowledged),
        refused: count(&tally.refused),
        not_sent: count(&tally.not_sent),
    };
    let passive = shared.watch.as_ref().map(Watch::report);
    let not_exercised = conducted.not_exercised.or_else(|| match &passive {
        Some(passive) => nothing_watched(passive),
        None => {
            let nothing = publishes.acknowledged == 0 && conducted.counts.received == 0;
            nothing.then(|| "no publish was acknowledged".to_owned())
        }
    });
    let by_order = shared.correlation.order().is_some();
    let owing = not_exercised.is_none() && passive.is_none();
    let events = per_second(count(&tally.events), conducted.measured.seconds);
    let observations = Observations {
        deliveries: owing.then_some(conducted.counts),
        reordered: (owing && !by_order).then_some(conducted.counts.reordered),
        // What arrives unasked counts against the target even where nothing could be published.
        foreign: (owing && !by_order || conducted.counts.foreign > 0)
            .then_some(conducted.counts.foreign),
        dropped: measured(count(&tally.opened), count(&tally.dropped)),
        not_sent: measured(publishes.sent + publishes.not_sent, publishes.not_sent),
        refused: measured(publishes.sent, publishes.refused),
        unanswered: measured(
            publishes.sent,
            publishes
                .sent
                .saturating_sub(publishes.acknowledged + publishes.refused),
        ),
        events_per_s: (owing || count(&tally.events) > 0).then_some(events),
        call_error_rate: share(count(&tally.call_errors), count(&tally.calls)),
        fanout: recorders.fanout.snapshot(),
        gap: recorders.gap.snapshot(),
        call: recorders.call.snapshot(),
        connect: recorders.connect.snapshot(),
    };
    let thresholds = threshold::with_defaults(&shared.plan.thresholds)
        .iter()
        .map(|threshold| threshold.judge(&observations))
        .collect();
    let report = LoadReport {
        streams: Streams {
            asked: shared.plan.streams as u64,
            opened: count(&tally.opened),
            dropped: count(&tally.dropped),
            reconnects: count(&tally.reconnects),
        },
        deliveries: Deliveries::new(conducted.counts, publishes),
        correlation: (publishes.sent > 0).then(|| correlation(shared)),
        passive,
        latency_us: Latencies {
            fanout: observations.fanout.into(),
            gap: observations.gap.into(),
            call: observations.call.into(),
            connect: observations.connect.into(),
        },
        curves: curve::of(recorders),
        series: conducted.series,
        events_per_s: events,
        generator: generator(shared, usage, &conducted.measured, observations.fanout.p99),
        phases: conducted.phases,
        calls: calls(shared),
        errors: shared.errors.counts(),
        thresholds,
        target_died: conducted.died,
        not_exercised,
    };
    LoadOutcome {
        report,
        interrupted: conducted.interrupted,
    }
}

/// Why a run in which the target was to emit by itself did not measure what was asked for.
fn nothing_watched(passive: &PassiveReport) -> Option<String> {
    if passive.events == 0 {
        return Some("the target emitted nothing in the measure phase".to_owned());
    }
    let times = passive.timestamps.as_ref().filter(|it| it.read == 0)?;
    Some(format!(
        "none of {} events has a time at {}",
        passive.events, times.path
    ))
}

fn correlation(shared: &Shared) -> CorrelationReport {
    let order = shared.correlation.order();
    CorrelationReport {
        by: match (order, &shared.correlation.finder) {
            (None, Some(Finder::Patterns(_))) => CorrelatedBy::Pattern,
            (None, _) => CorrelatedBy::Token,
            (Some(_), _) => CorrelatedBy::Order,
        },
        notification: order.map(|kind| kind.method.to_owned()),
        uri: order.and_then(|kind| kind.uri.clone()),
        meaning: order.map(|_| ORDER_MEANS.to_owned()),
    }
}

fn measured(of: u64, value: u64) -> Option<u64> {
    (of > 0).then_some(value)
}

#[expect(
    clippy::cast_precision_loss,
    reason = "counts of a run are far below 2^52"
)]
fn share(part: u64, whole: u64) -> Option<f64> {
    (whole > 0).then(|| part as f64 / whole as f64)
}

#[expect(
    clippy::cast_precision_loss,
    reason = "counts of a run are far below 2^52"
)]
fn per_second(count: u64, seconds: f64) -> f64 {
    if seconds > 0.0 {
        count as f64 / seconds
    } else {
        0.0
    }
}

fn calls(shared: &Shared) -> Calls {
    if shared.plan.callers == 0 {
        return Calls::default();
    }
    let call = &shared.plan.call;
    Calls {
        method: Some(call.method.clone()),
        tool: call.tool_name().map(str::to_owned),
        sent: shared.tally.calls.load(Ordering::Relaxed),
        errors: shared.tally.call_errors.load(Ordering::Relaxed),
    }
}

fn generator(shared: &Shared, usage: &Usage, measured: &Measured, fanout_p99: u64) -> Generator {
    let tally = &shared.tally;
    let canary_p99_us = shared.recorders.canary.snapshot().p99;
    let lateness_p99_us = shared.recorders.lateness.snapshot().p99;
    let reasons = Signs {
        canary_p99_us,
        reported_p99_us: fanout_p99,
        own_cpu_share: measured.own_cpu_share,
        machine_busy: measured.machine_busy,
        lateness_p99_us,
        // A target that emits by itself may well do so in bursts.
        events_per_chunk: share(
            tally.events.load(Ordering::Relaxed),
            tally.chunks.load(Ordering::Relaxed),
        )
        .filter(|_| shared.watch.is_none())
        .unwrap_or_default(),
    }
    .reasons();
    Generator {
        saturated: !reasons.is_empty(),
        reasons,
        cpu_s: usage.own_cpu_s(),
        rss_bytes_max: self_usage::rss_bytes_max(),
        canary_p99_us,
        publisher_lateness_p99_us: lateness_p99_us,
    }
}
