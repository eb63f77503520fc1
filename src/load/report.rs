//! The report of a load run, as it is written.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use super::curve::{Curve, CurvePoint, Operation};
use super::ledger::Counts;
use super::recorders::Snapshot;
pub use super::series::{Sample, SamplePhase};

/// What a target held.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct LoadReport {
    /// The streams.
    pub streams: Streams,
    /// The ledger of all streams together.
    pub deliveries: Deliveries,
    /// How arrivals were matched with publishes; nothing where none was published.
    #[serde(default)]
    pub correlation: Option<CorrelationReport>,
    /// What a target emitted by itself, where nothing was triggered.
    #[serde(default)]
    pub passive: Option<PassiveReport>,
    /// Latencies of the measure phase, in microseconds.
    pub latency_us: Latencies,
    /// The same latencies in full; none where nothing was recorded.
    #[serde(default)]
    pub curves: Vec<Curve>,
    /// How the run went over time: about one sample a second, and of a long run at most 3,600, each for more time.
    #[serde(default)]
    pub series: Vec<Sample>,
    /// Events per second that arrived on all streams in the measure phase, and in the drain that is owed to it, per
    /// second of the measure phase.
    pub events_per_s: f64,
    /// The generator itself.
    pub generator: Generator,
    /// How long each phase lasted.
    pub phases: Phases,
    /// Calls made beside the streams.
    pub calls: Calls,
    /// What went wrong and how often, by kind.
    pub errors: BTreeMap<String, u64>,
    /// Each threshold and what came of it.
    pub thresholds: Vec<ThresholdResult>,
    /// Whether the target died in the run: no stream was left open, and it took no new connection.
    pub target_died: bool,
    /// Why deliveries were not measured, if they were not.
    pub not_exercised: Option<String>,
}

/// The streams of a run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Streams {
    /// How many were to be held.
    pub asked: u64,
    /// How many were opened at least once.
    pub opened: u64,
    /// How often the target ended an open stream.
    pub dropped: u64,
    /// How often a dropped stream was opened again.
    pub reconnects: u64,
}

/// What was published and what arrived.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Deliveries {
    /// Deliveries that were owed, or that arrived without being owed.
    pub expected: u64,
    /// Distinct deliveries that arrived.
    pub received: u64,
    /// Deliveries that were owed and did not arrive.
    pub lost: u64,
    /// Arrivals of what that stream had already received.
    pub duplicate: u64,
    /// Deliveries that arrived after one that was published later than their acknowledgement.
    pub reordered: u64,
    /// Arrivals of what this run did not publish.
    pub foreign: u64,
    /// The publishes.
    pub publishes: PublishCounts,
}

impl Deliveries {
    /// The ledger's counts with those of the publisher.
    pub fn new(counts: Counts, publishes: PublishCounts) -> Self {
        Self {
            expected: counts.expected,
            received: counts.received,
            lost: counts.lost,
            duplicate: counts.duplicate,
            reordered: counts.reordered,
            foreign: counts.foreign,
            publishes,
        }
    }
}

/// How arrivals were matched with publishes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CorrelationReport {
    /// By what.
    pub by: CorrelatedBy,
    /// By order: the method of the notifications that were counted.
    pub notification: Option<String>,
    /// By order: the resource, where the method is `notifications/resources/updated`.
    pub uri: Option<String>,
    /// What that means for the figures, where it means anything.
    pub meaning: Option<String>,
}

/// By what an arrival is matched with its publish.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum CorrelatedBy {
    /// By the token that it carries.
    Token,
    /// By the run and the number that it carries, in the form that the user gave them.
    Pattern,
    /// By its place: the n-th notification on a stream belongs to the n-th publish.
    Order,
}

/// What matching by order means for the figures.
pub const ORDER_MEANS: &str = "the n-th notification on a stream counts as the n-th publish: lost is publishes minus arrivals and \
    duplicate what came beyond them; after a loss in the middle the latencies that follow are those of the wrong publish; a \
    server may join several updates into one, which counts as a loss; reordered and foreign cannot be told";

/// What a target emitted by itself in the measure phase.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PassiveReport {
    /// Events that arrived on all streams; requests and responses of the server do not count.
    pub events: u64,
    /// Streams on which none arrived.
    pub silent_streams: u64,
    /// The times that the events carried, where any were looked for.
    pub timestamps: Option<TimestampReport>,
}

/// Times of the wall clock that events carried.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TimestampReport {
    /// Where they were looked for.
    pub path: String,
    /// What they were taken for, guessed from the first one; nothing if none was read.
    pub unit: Option<String>,
    /// Events with such a time.
    pub read: u64,
    /// Events without one that can be read.
    pub missing: u64,
    /// Times that were later than the arrival. The clocks differ, and these are in no latency.
    pub negative: u64,
}

/// The publishes of a run. What is neither acknowledged nor refused nor not sent got no reply that says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PublishCounts {
    /// How many the plan had; a run that ends early leaves the rest undone.
    pub planned: u64,
    /// How many were sent.
    pub sent: u64,
    /// How many the target said it did.
    pub acknowledged: u64,
    /// How many the target said it did not.
    pub refused: u64,
    /// How many were left out because too many were still without a reply.
    pub not_sent: u64,
}

/// The latencies of a run, in microseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Latencies {
    /// From the time at which a publish was due to its arrival on each stream; where nothing was triggered, from the time
    /// that the event carried, on the wall clock.
    pub fanout: Latency,
    /// Where nothing was triggered: between two arrivals on one stream.
    #[serde(default)]
    pub gap: Latency,
    /// From the time at which a call was due to its response.
    pub call: Latency,
    /// From the first byte of a session's handshake to its open stream.
    pub connect: Latency,
}

/// Percentiles of one latency, in microseconds, from a histogram of three significant digits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Latency {
    /// Half are at most this.
    pub p50: u64,
    /// 90 % are.
    pub p90: u64,
    /// 99 % are.
    pub p99: u64,
    /// 99.9 % are.
    pub p99_9: u64,
    /// The longest.
    pub max: u64,
    /// How many there are.
    pub count: u64,
}

impl From<Snapshot> for Latency {
    fn from(snapshot: Snapshot) -> Self {
        Self {
            p50: snapshot.p50,
            p90: snapshot.p90,
            p99: snapshot.p99,
            p99_9: snapshot.p99_9,
            max: snapshot.max,
            count: snapshot.count,
        }
    }
}

/// The generator: whether the figures say more of it than of the target.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Generator {
    /// The generator was the bottleneck; latencies are upper bounds.
    pub saturated: bool,
    /// Why it counts as that.
    pub reasons: Vec<String>,
    /// Processor seconds of this process during the run, where they are known.
    pub cpu_s: Option<f64>,
    /// The largest resident memory of this process, in bytes, where it is known.
    pub rss_bytes_max: Option<u64>,
    /// How late this process's own ticks were, 99th percentile, in microseconds.
    pub canary_p99_us: u64,
    /// How late publishes were sent, 99th percentile, in microseconds.
    pub publisher_lateness_p99_us: u64,
}

/// How long each phase lasted, in seconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Phases {
    /// Opening the streams.
    pub ramp_s: f64,
    /// Waiting for calm, with the control publish.
    pub settle_s: f64,
    /// Publishing and measuring.
    pub measure_s: f64,
    /// Waiting for what was still owed.
    pub drain_s: f64,
}

/// Calls made beside the streams.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Calls {
    /// The method, and the tool where it is `tools/call`; nothing where no calls were asked for.
    pub method: Option<String>,
    /// The tool's name, where the method is `tools/call`.
    pub tool: Option<String>,
    /// How many were made.
    pub sent: u64,
    /// How many got no result.
    pub errors: u64,
}

/// One threshold and what came of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ThresholdResult {
    /// The threshold as it was given.
    pub expression: String,
    /// What was measured, in the threshold's own unit.
    pub observed: Option<String>,
    /// Whether it holds.
    pub verdict: ThresholdVerdict,
}

/// Whether a threshold holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ThresholdVerdict {
    /// It holds.
    Pass,
    /// It does not.
    Fail,
    /// What it is about was not measured.
    NotExercised,
}
