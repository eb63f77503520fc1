//! What a load run is to do, and why one cannot start.

use std::time::Duration;

use mcp_plumb_load_scheduler::SchedulerError;
use serde_json::{Map, Value, json};
use tokio_util::sync::CancellationToken;
use url::Url;

use super::limits::{self, TooMany};
use super::publishes::TooManyPublishes;
use super::threshold::Threshold;
use crate::protocol::{Headers, Revision, dialect::Transport};
use crate::transport::client::ClientError;

/// Where a trigger's arguments have this text, each publish has its token.
pub const TOKEN_PLACE: &str = "{{token}}";

/// Deliveries that one run may have to remember, a bit each on every stream.
const DELIVERIES_MAX: u64 = 4_000_000_000;

/// Streams start at this rate where nothing else is said, in streams per second.
pub const OPENS_PER_S_DEFAULT: f64 = 200.0;

/// The tool whose call makes the target publish to all streams.
#[derive(Clone, Debug, PartialEq)]
pub struct Trigger {
    /// The tool's name.
    pub tool: String,
    /// Its arguments, with [`TOKEN_PLACE`] in at least one text.
    pub arguments: Map<String, Value>,
}

impl Trigger {
    /// A tool that publishes the text in one of its arguments.
    pub fn with_argument(tool: impl Into<String>, argument: impl Into<String>) -> Self {
        Self {
            tool: tool.into(),
            arguments: [(argument.into(), Value::from(TOKEN_PLACE))]
                .into_iter()
                .collect(),
        }
    }

    /// The parameters of `tools/call` with `token` in its place.
    pub fn params(&self, token: &str) -> Value {
        let mut arguments = Value::Object(self.arguments.clone());
        put_token(&mut arguments, token);
        json!({"name": self.tool, "arguments": arguments})
    }

    fn has_place(&self) -> bool {
        const PROBE: &str = "\u{0}";
        let mut arguments = Value::Object(self.arguments.clone());
        put_token(&mut arguments, PROBE);
        arguments != Value::Object(self.arguments.clone())
    }
}

fn put_token(value: &mut Value, token: &str) {
    match value {
        Value::String(text) if text.contains(TOKEN_PLACE) => {
            *text = text.replace(TOKEN_PLACE, token);
        }
        Value::Array(items) => items.iter_mut().for_each(|item| put_token(item, token)),
        Value::Object(fields) => fields
            .values_mut()
            .for_each(|field| put_token(field, token)),
        _ => {}
    }
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
    /// Header fields added to every request.
    pub headers: Headers,
    /// The longest wait for one exchange.
    pub timeout: Duration,
    /// How many sessions with a stream each are held.
    pub streams: usize,
    /// How many users start in a second.
    pub opens_per_s: f64,
    /// How the target is made to publish; without it deliveries are not exercised.
    pub trigger: Option<Trigger>,
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
            headers: Headers::new(),
            timeout: Duration::from_secs(5),
            streams: 100,
            opens_per_s: OPENS_PER_S_DEFAULT,
            trigger: Some(Trigger::with_argument("publish", "payload")),
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
        if self.trigger.is_none() {
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
        if let Some(trigger) = self.trigger.as_ref().filter(|it| !it.has_place()) {
            return Err(LoadError::NoTokenPlace(trigger.tool.clone()));
        }
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
    #[error("trigger publishes with '{0}': no argument holds {TOKEN_PLACE}")]
    NoTokenPlace(String),
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

    fn plan() -> LoadPlan {
        LoadPlan::new(
            Url::parse("http://127.0.0.1:9/mcp").unwrap(),
            Transport::StreamableHttp,
            Revision::V2025_11_25,
        )
    }

    #[test]
    fn the_token_goes_where_the_arguments_say() {
        let trigger = Trigger::with_argument("publish", "payload");
        assert_eq!(
            trigger.params("t."),
            json!({"name": "publish", "arguments": {"payload": "t."}})
        );
        let deep = Trigger {
            tool: "send".to_owned(),
            arguments: json!({"n": 1, "a": [{"b": "x {{token}} y"}]})
                .as_object()
                .unwrap()
                .clone(),
        };
        assert!(deep.has_place());
        assert_eq!(deep.params("t.")["arguments"]["a"][0]["b"], "x t. y");
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
                trigger: None,
                ..plan()
            }
            .publishes_planned(),
            0
        );
    }

    #[test]
    fn what_cannot_work_is_refused_with_a_reason() {
        assert!(plan().check().is_ok());
        let no_place = Trigger {
            tool: "publish".to_owned(),
            arguments: Map::new(),
        };
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
                    trigger: Some(no_place),
                    ..plan()
                },
                "{{token}}",
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
