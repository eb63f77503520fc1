//! `load`: what a server holds.

use std::time::{Duration, Instant};

use clap::Args;
use serde_json::{Map, Value, json};
use tokio_util::sync::CancellationToken;
use url::Url;

use super::args::{Rate, ReportArgs, TargetArgs, Timeout};
use super::check::{elapsed_ms, settle};
use super::exit::Exit;
use super::outcome::{check_paths, deliver};
use super::progress::LoadProgress;
use super::target::Subject;
use super::{Refusal, complain};
use crate::detect::{Detected, detect};
use crate::engine::{Facts, Fixtures, survey};
use crate::load::plan::{Call, LoadPlan, TOKEN_PLACE, Trigger};
use crate::load::threshold::Threshold;
use crate::load::{self, LoadReport};
use crate::protocol::Revision;
use crate::scenario::ToolRole;

/// Arguments of `load`.
#[derive(Debug, Args)]
pub(super) struct LoadArgs {
    #[command(flatten)]
    pub(super) target: TargetArgs,
    /// The revision to ask for; without it, the newest that the server offers.
    #[arg(long, value_name = "DATE")]
    pub(super) revision: Option<Revision>,
    #[command(flatten)]
    pub(super) profile: ProfileArgs,
    /// Load a server that is not on this machine: it is yours, and it may be loaded.
    #[arg(long)]
    pub(super) i_own_this_target: bool,
    #[command(flatten)]
    pub(super) report: ReportArgs,
}

/// How much load, of which kind.
#[derive(Clone, Debug, Args)]
pub(super) struct ProfileArgs {
    /// How many sessions are held, each with its own event stream.
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..))]
    pub(super) streams: u32,
    /// How many notifications are triggered per second.
    #[arg(long, default_value = "1")]
    pub(super) rate: Rate,
    /// How long is measured, for instance 20s.
    #[arg(long, default_value = "10s", value_name = "TIME")]
    pub(super) duration: Timeout,
    /// How many more sessions call a read-only tool, or ping, once a second each.
    #[arg(long, default_value_t = 2)]
    pub(super) callers: u32,
    /// How many users start per second.
    #[arg(long, default_value = "200")]
    pub(super) opens_per_s: Rate,
    /// The tool whose call makes the server notify all streams: NAME, or NAME:{json arguments} with {{token}} where the
    /// payload goes; 'none' publishes nothing. Without it the tool 'publish' is called if the server has one.
    #[arg(long, value_name = "TOOL[:ARGS]")]
    pub(super) trigger: Option<String>,
    /// What must hold, for instance 'fanout.p99<50ms' or 'lost==0'. May be given several times.
    #[arg(long = "threshold", value_name = "EXPR")]
    pub(super) thresholds: Vec<Threshold>,
}

pub(super) async fn run(args: LoadArgs, stop: CancellationToken) -> Result<Exit, Refusal> {
    let begun = Instant::now();
    check_paths(&args.report)?;
    let fixtures = args.target.fixtures()?;
    if let Some(url) = args.target.url()? {
        permit(&url, args.i_own_this_target)?;
    }
    let subject = Subject::find(&args.target).await?;
    let mut document = subject.document();
    let looked = stop.run_until_cancelled(async {
        let wish = args.target.wish(args.revision);
        let detected = detect(&subject.url, wish, &subject.means).await?;
        let facts = survey::look(&detected.link, &fixtures).await;
        Ok((detected, facts))
    });
    let failure = match looked.await {
        None => {
            document.interrupted = true;
            None
        }
        Some(Ok((detected, facts))) => {
            document.add_facts(&facts, subject.means.recorder.redactor());
            document.target.transport = Some(detected.transport.to_string());
            document.target.revision = Some(detected.revision.to_string());
            document.target.detection.clone_from(&detected.notes);
            let plan = plan(
                &args,
                &subject,
                &detected,
                &facts,
                &fixtures,
                Consent::Given,
                stop.clone(),
            )?;
            let (report, interrupted) = execute(plan).await?;
            document.interrupted = interrupted;
            document.load = Some(report);
            None
        }
        Some(Err(error)) => Some(error),
    };
    subject.finish().await;
    document.elapsed_ms = elapsed_ms(begun);
    let mut exit = settle(&mut document, failure, args.report.strict);
    let holds_only = args.profile.trigger.as_deref() == Some("none");
    let measured = document
        .load
        .as_ref()
        .is_none_or(|load| load.not_exercised.is_none());
    if exit == Exit::Ok && !measured && !holds_only {
        // Streams that were held in silence are no proof of delivery.
        exit = Exit::NothingExercised;
        complain(
            "deliveries were not measured: name the tool that notifies all streams with --trigger, or hold streams only with --trigger none",
        );
    }
    deliver(&mut document, exit, &args.report)
}

/// Load goes to this machine only, unless the user vouches for the target.
pub(super) fn permit(url: &Url, vouched: bool) -> Result<(), Refusal> {
    let loopback = match url.host() {
        Some(url::Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    };
    if loopback || vouched {
        return Ok(());
    }
    Err(Refusal::usage(format!(
        "{} is not on this machine; if it is yours and may be loaded, add --i-own-this-target",
        url.host_str().unwrap_or_default()
    )))
}

/// Whether a tool named `publish` may be called although nobody named it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Consent {
    /// The user asked for load, which triggers notifications.
    Given,
    /// The user did not ask for load by name.
    Withheld,
}

/// The plan of a run against what was detected.
pub(super) fn plan(
    args: &LoadArgs,
    subject: &Subject,
    detected: &Detected,
    facts: &Facts,
    fixtures: &Fixtures,
    consent: Consent,
    stop: CancellationToken,
) -> Result<LoadPlan, Refusal> {
    let profile = &args.profile;
    Ok(LoadPlan {
        headers: args.target.headers(),
        timeout: args.target.timeout.0,
        streams: profile.streams as usize,
        opens_per_s: profile.opens_per_s.0,
        trigger: trigger(profile.trigger.as_deref(), facts, fixtures, consent)?,
        rate: profile.rate.0,
        duration: profile.duration.0,
        callers: profile.callers as usize,
        call: call(facts),
        thresholds: profile.thresholds.clone(),
        stop,
        ..LoadPlan::new(subject.url.clone(), detected.transport, detected.revision)
    })
}

/// What makes the server publish.
fn trigger(
    word: Option<&str>,
    facts: &Facts,
    fixtures: &Fixtures,
    consent: Consent,
) -> Result<Option<Trigger>, Refusal> {
    match word {
        Some("none") => Ok(None),
        Some(word) => named_trigger(word, facts).map(Some),
        None => {
            if let Some(tool) = facts.tools.get(&ToolRole::Publishes)
                && fixtures.tools.contains_key(&ToolRole::Publishes)
            {
                let arguments = with_token_place(&tool.arguments);
                return Ok(Some(Trigger {
                    tool: tool.name.clone(),
                    arguments,
                }));
            }
            let publish = listed(facts, "publish").filter(|_| consent == Consent::Given);
            Ok(publish.and_then(|tool| {
                text_argument(tool).map(|argument| Trigger::with_argument("publish", argument))
            }))
        }
    }
}

fn named_trigger(word: &str, facts: &Facts) -> Result<Trigger, Refusal> {
    let word = word.strip_prefix("tool=").unwrap_or(word);
    let (name, arguments) = match word.split_once(':') {
        Some((name, json)) => (name, Some(json)),
        None => (word, None),
    };
    let Some(tool) = listed(facts, name) else {
        let names = facts
            .tools_listed
            .iter()
            .filter_map(|tool| tool.get("name")?.as_str());
        let hint = crate::suggest::hint(name, names);
        return Err(Refusal::usage(format!(
            "--trigger: the target lists no tool '{name}'{hint}"
        )));
    };
    let arguments = match arguments {
        Some(json) => serde_json::from_str::<Map<String, Value>>(json).map_err(|error| {
            Refusal::usage(format!(
                "--trigger: the arguments are no JSON object: {error}"
            ))
        })?,
        None => {
            let argument = text_argument(tool).ok_or_else(|| {
                Refusal::usage(format!(
                    "--trigger: say which argument of '{name}' takes the payload, for instance '{name}:{{\"text\": \"{TOKEN_PLACE}\"}}'"
                ))
            })?;
            return Ok(Trigger::with_argument(name, argument));
        }
    };
    Ok(Trigger {
        tool: name.to_owned(),
        arguments,
    })
}

fn listed<'a>(facts: &'a Facts, name: &str) -> Option<&'a Value> {
    facts
        .tools_listed
        .iter()
        .find(|tool| tool.get("name").and_then(Value::as_str) == Some(name))
}

/// The argument that takes a text: the only required one, or else the only one. One without a type takes anything.
fn text_argument(tool: &Value) -> Option<String> {
    let properties = tool.pointer("/inputSchema/properties")?.as_object()?;
    let is_text = |name: &str| match properties.get(name).map(|schema| schema.get("type")) {
        Some(Some(Value::Array(types))) => types.contains(&json!("string")),
        Some(Some(only)) => *only == json!("string"),
        Some(None) => true,
        None => false,
    };
    let required: Vec<&str> = tool
        .pointer("/inputSchema/required")
        .and_then(Value::as_array)
        .map_or_else(Vec::new, |names| {
            names.iter().filter_map(Value::as_str).collect()
        });
    let candidates: Vec<&str> = if required.is_empty() {
        properties.keys().map(String::as_str).collect()
    } else {
        required
    };
    match candidates.as_slice() {
        [only] if is_text(only) => Some((*only).to_owned()),
        _ => None,
    }
}

/// Fixtures write `${payload}` where the token goes.
fn with_token_place(arguments: &Value) -> Map<String, Value> {
    let text = arguments.to_string().replace("${payload}", TOKEN_PLACE);
    serde_json::from_str(&text).unwrap_or_default()
}

/// What callers call: a tool that is known to succeed and to change nothing, or ping.
fn call(facts: &Facts) -> Call {
    facts
        .tools
        .get(&ToolRole::Succeeds)
        .map_or_else(Call::ping, |tool| Call::tool(&tool.name, &tool.arguments))
}

/// Runs a plan under a progress line.
pub(super) async fn execute(plan: LoadPlan) -> Result<(LoadReport, bool), Refusal> {
    let progress = LoadProgress::new();
    let outcome = load::engine::run(plan, &progress).await;
    progress.finish();
    let outcome =
        outcome.map_err(|error| Refusal::usage(format!("the load cannot start: {error}")))?;
    Ok((outcome.report, outcome.interrupted))
}

impl Default for ProfileArgs {
    /// The short load of `run`.
    fn default() -> Self {
        Self {
            streams: 100,
            rate: Rate(5.0),
            duration: Timeout(Duration::from_secs(5)),
            callers: 4,
            opens_per_s: Rate(200.0),
            trigger: None,
            thresholds: Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts(tools: Value) -> Facts {
        Facts {
            tools_listed: tools.as_array().cloned().unwrap_or_default(),
            ..Facts::default()
        }
    }

    fn publish() -> Facts {
        facts(json!([{"name": "publish", "inputSchema": {"type": "object",
            "properties": {"payload": {"type": "string"}}, "required": ["payload"]}}]))
    }

    #[test]
    fn load_stays_on_this_machine_unless_told_otherwise() {
        for (url, allowed) in [
            ("http://127.0.0.1:1/", true),
            ("http://127.9.9.9:1/", true),
            ("http://[::1]:1/", true),
            ("http://localhost:1/", true),
            ("http://localhost.example.com/", false),
            ("http://10.0.0.1/", false),
            ("https://example.com/", false),
        ] {
            let url = Url::parse(url).unwrap();
            assert_eq!(permit(&url, false).is_ok(), allowed, "{url}");
            assert!(permit(&url, true).is_ok());
        }
    }

    #[test]
    fn an_argument_takes_a_text_unless_its_type_says_otherwise() {
        for (schema, takes) in [
            (json!({"type": "string"}), true),
            (json!({"type": ["string", "null"]}), true),
            (json!({}), true),
            (json!({"type": "object"}), false),
            (json!({"type": ["number", "null"]}), false),
        ] {
            let tool = json!({"name": "publish", "inputSchema": {"type": "object",
                "properties": {"payload": schema}, "required": ["payload"]}});
            assert_eq!(text_argument(&tool).is_some(), takes, "{tool}");
        }
    }

    #[test]
    fn publish_is_called_only_with_consent() {
        let fixtures = Fixtures::default();
        let given = trigger(None, &publish(), &fixtures, Consent::Given).unwrap();
        assert_eq!(given, Some(Trigger::with_argument("publish", "payload")));
        assert_eq!(
            trigger(None, &publish(), &fixtures, Consent::Withheld).unwrap(),
            None
        );
        assert_eq!(
            trigger(Some("none"), &publish(), &fixtures, Consent::Given).unwrap(),
            None
        );
        let named = trigger(Some("publish"), &publish(), &fixtures, Consent::Withheld).unwrap();
        assert_eq!(named, given);
    }

    #[test]
    fn a_wrong_trigger_is_refused_with_the_nearest_word() {
        let fixtures = Fixtures::default();
        let refused = |word| {
            trigger(Some(word), &publish(), &fixtures, Consent::Given)
                .unwrap_err()
                .message
        };
        assert!(
            refused("publsh").contains("did you mean 'publish'"),
            "{}",
            refused("publsh")
        );
        assert!(
            refused("publish:{").contains("no JSON object"),
            "{}",
            refused("publish:{")
        );
    }
}
