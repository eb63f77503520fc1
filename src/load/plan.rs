//! What a load run is to do, and why one cannot start.

use std::sync::Arc;
use std::time::Duration;

use mcp_plumb_load_scheduler::SchedulerError;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;
use url::Url;

use super::correlation::Correlate;
use super::limits::{self, TooMany};
use super::passive::Passive;
use super::pattern::{Finder, PatternError};
use super::publishes::TooManyPublishes;
use super::threshold::Threshold;
use super::trigger::Trigger;
use crate::protocol::{Headers, Known, Revision, dialect::Transport};
use crate::transport::TlsOptions;
use crate::transport::client::ClientError;

/// Where a trigger's texts have this, each publish has its token.
pub const TOKEN_PLACE: &str = "{token}";

/// Deliveries that one run may have to remember, a bit each on every stream.
const DELIVERIES_MAX: u64 = 4_000_000_000;

/// Streams start at this rate where nothing else is said, in streams per second.
pub const OPENS_PER_S_DEFAULT: f64 = 200.0;

/// What makes the target notify its streams.
#[derive(Clone, Debug)]
pub enum Source {
    /// It is made to, again and again.
    Trigger(Trigger),
    /// It does so by itself.
    Passive(Passive),
    /// Nothing is known; streams are held and deliveries are not exercised.
    Unknown,
}

/// A request that callers send again and again; it must change nothing on the target.
#[derive(Clone, Debug, PartialEq)]
pub struct Call {
    /// The method.
    pub method: String,
    /// Its parameters.
    pub params: Option<Value>,
}

impl Call {
    /// `ping`, which every server answers (basic/utilities/ping).
    pub fn ping() -> Self {
        Self {
            method: "ping".to_owned(),
            params: None,
        }
    }

    /// A request that every server of `revision` answers: `ping`, or `server/discover` where there is none.
    pub fn harmless(revision: Revision) -> Self {
        if revision.has_handshake() {
            return Self::ping();
        }
        Self {
            method: "server/discover".to_owned(),
            params: None,
        }
    }

    /// A call of a tool that only reads.
    pub fn tool(name: &str, arguments: &Value) -> Self {
        Self {
            method: "tools/call".to_owned(),
            params: Some(json!({"name": name, "arguments": arguments})),
        }
    }

    /// The tool's name, if it is a call of one.
    pub fn tool_name(&self) -> Option<&str> {
        (self.method == "tools/call").then(|| self.params.as_ref()?.get("name")?.as_str())?
    }
}

/// A load run.
#[derive(Clone, Debug)]
pub struct LoadPlan {
    /// The target.
    pub url: Url,
    /// How it is spoken to.
    pub transport: Transport,
    /// The revision that `initialize` asks for.
    pub revision: Revision,
    /// What is known of the target already.
    pub known: Arc<Known>,
    /// Header fields added to every request.
    pub headers: Headers,
    /// How an encrypted target is known.
    pub tls: TlsOptions,
    /// The longest wait for one exchange.
    pub timeout: Duration,
    /// How many sessions with a stream each are held.
    pub streams: usize,
    /// How many users start in a second.
    pub opens_per_s: f64,
    /// What makes the target notify its streams.
    pub source: Source,
    /// How arrivals are matched with publishes.
    pub correlate: Correlate,
    /// Publishes per second.
    pub rate: f64,
    /// How long the measure phase lasts.
    pub duration: Duration,
    /// How many sessions make calls beside the streams.
    pub callers: usize,
    /// Calls per second of each caller.
    pub calls_per_s: f64,
    /// What they call.
    pub call: Call,
    /// What must hold; those of [`DEFAULTS`](super::threshold::DEFAULTS) are added.
    pub thresholds: Vec<Threshold>,
    /// From the last stream's opening to the control publish.
    pub settle: Duration,
    /// How long what is owed may take to arrive after the measure phase.
    pub drain_max: Duration,
    /// Ends the run early, with a report of what was measured until then.
    pub stop: CancellationToken,
}

impl LoadPlan {
    /// A plan for `url` with the ordinary values: 100 streams, one publish a second for ten seconds by a tool `publish`
    /// with an argument `payload`, no callers.
    pub fn new(url: Url, transport: Transport, revision: Revision) -> Self {
        Self {
            url,
            transport,
            revision,
            known: Arc::default(),
            headers: Headers::new(),
            tls: TlsOptions::default(),
            timeout: Duration::from_secs(5),
            streams: 100,
            opens_per_s: OPENS_PER_S_DEFAULT,
            source: Source::Trigger(Trigger::with_argument("publish", "payload")),
            correlate: Correlate::default(),
            rate: 1.0,
            duration: Duration::from_secs(10),
            callers: 0,
            calls_per_s: 1.0,
            call: Call::ping(),
            thresholds: Vec::new(),
            settle: Duration::from_millis(500),
            drain_max: Duration::from_secs(5),
            stop: CancellationToken::new(),
        }
    }

    /// How many publishes are due in the measure phase: number i at i / rate, before its end.
    pub fn publishes_planned(&self) -> u64 {
        if !matches!(self.source, Source::Trigger(_)) {
            return 0;
        }
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "the cast saturates, and the table refuses what is too much"
        )]
        let planned = (self.rate * self.duration.as_secs_f64()).ceil() as u64;
        planned
    }

    /// What finds the publishes in what arrives; `None` where they are matched by order, or there are none.
    ///
    /// # Errors
    /// If they are to be found and nothing tells them apart.
    pub fn finder(&self) -> Result<Option<Finder>, LoadError> {
        match &self.source {
            Source::Trigger(trigger) if self.correlate != Correlate::Order => trigger
                .finder()
                .map(Some)
                .map_err(|why| LoadError::NotToldApart {
                    trigger: trigger.to_string(),
                    why,
                }),
            _ => Ok(None),
        }
    }

    /// Whether the run can start.
    ///
    /// # Errors
    /// Says what does not fit.
    pub fn check(&self) -> Result<(), LoadError> {
        for (name, rate) in [
            ("rate", self.rate),
            ("opens per second", self.opens_per_s),
            ("calls per second", self.calls_per_s),
        ] {
            if !(rate.is_finite() && rate > 0.0) {
                return Err(LoadError::BadRate { name, rate });
            }
        }
        if self.streams == 0 {
            return Err(LoadError::NoStreams);
        }
        self.finder()?;
        let deliveries = self.publishes_planned().saturating_mul(self.streams as u64);
        if deliveries > DELIVERIES_MAX {
            return Err(LoadError::TooManyDeliveries(deliveries));
        }
        Ok(limits::check(self.streams.saturating_add(self.callers))?)
    }
}

/// Why a load run did not start.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// A rate that is no positive number.
    #[error("use {rate} as {name}: expected a number above 0")]
    BadRate {
        /// Which one.
        name: &'static str,
        /// What was given.
        rate: f64,
    },
    /// Nothing to hold.
    #[error("hold 0 streams: expected at least 1")]
    NoStreams,
    /// Deliveries could not be told apart.
    #[error("trigger publishes by {trigger}: {why}")]
    NotToldApart {
        /// By what.
        trigger: String,
        /// What is missing.
        why: PatternError,
    },
    /// The ledger would not fit.
    #[error(
        "account for {0} deliveries: at most {DELIVERIES_MAX} fit one run (lower --streams, --rate or --duration)"
    )]
    TooManyDeliveries(u64),
    /// Too many publishes.
    #[error(transparent)]
    Publishes(#[from] TooManyPublishes),
    /// This machine does not allow it.
    #[error(transparent)]
    Limits(#[from] TooMany),
    /// No HTTP client.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// No randomness for the run's id.
    #[error("find a random run id: {0}")]
    Random(#[from] getrandom::Error),
    /// The scheduler failed.
    #[error(transparent)]
    Scheduler(#[from] SchedulerError),
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::load::trigger::ToolTrigger;

    fn plan() -> LoadPlan {
        LoadPlan::new(
            Url::parse("http://127.0.0.1:9/mcp").unwrap(),
            Transport::StreamableHttp,
            Revision::V2025_11_25,
        )
    }

    #[test]
    fn publishes_are_due_before_the_end() {
        let cases = [
            (5.0, 20_000, 100),
            (1.0, 500, 1),
            (0.5, 3_000, 2),
            (3.0, 1_100, 4),
        ];
        for (rate, ms, planned) in cases {
            let plan = LoadPlan {
                rate,
                duration: Duration::from_millis(ms),
                ..plan()
            };
            assert_eq!(plan.publishes_planned(), planned, "{rate} {ms}");
        }
        assert_eq!(
            LoadPlan {
                source: Source::Unknown,
                ..plan()
            }
            .publishes_planned(),
            0
        );
    }

    #[test]
    fn what_cannot_work_is_refused_with_a_reason() {
        assert!(plan().check().is_ok());
        let no_place = Trigger::Tool(ToolTrigger {
            tool: "publish".to_owned(),
            arguments: serde_json::Map::new(),
        });
        let by_order = LoadPlan {
            source: Source::Trigger(no_place.clone()),
            correlate: Correlate::Order,
            ..plan()
        };
        assert!(by_order.check().is_ok());
        let cases = [
            (
                LoadPlan {
                    rate: 0.0,
                    ..plan()
                },
                "as rate",
            ),
            (
                LoadPlan {
                    opens_per_s: f64::NAN,
                    ..plan()
                },
                "as opens per second",
            ),
            (
                LoadPlan {
                    calls_per_s: -1.0,
                    ..plan()
                },
                "as calls per second",
            ),
            (
                LoadPlan {
                    streams: 0,
                    ..plan()
                },
                "0 streams",
            ),
            (
                LoadPlan {
                    streams: 1 << 40,
                    rate: 1e-9,
                    ..plan()
                },
                "lower --streams",
            ),
            (
                LoadPlan {
                    rate: 1e12,
                    ..plan()
                },
                "lower --streams, --rate",
            ),
            (
                LoadPlan {
                    source: Source::Trigger(no_place),
                    ..plan()
                },
                "by the tool 'publish': no text in it holds {token}",
            ),
        ];
        for (plan, words) in cases {
            let error = plan.check().unwrap_err().to_string();
            assert!(error.contains(words), "{error}");
        }
    }

    #[test]
    fn a_call_knows_its_tool() {
        assert_eq!(Call::ping().tool_name(), None);
        assert_eq!(Call::tool("echo", &json!({})).tool_name(), Some("echo"));
    }
}
