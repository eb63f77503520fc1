//! `load`: what a server holds.

mod trigger;

use std::time::{Duration, Instant};

use clap::Args;
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
use crate::load::correlation::Correlate;
use crate::load::plan::{Call, LoadPlan};
use crate::load::report::ThresholdVerdict;
use crate::load::threshold::Threshold;
use crate::load::timestamp::TimestampPath;
use crate::load::{self, LoadReport};
use crate::protocol::Revision;
use crate::report::Run;
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
    /// What makes the server notify all streams: tool=NAME or tool=NAME:{json arguments} calls a tool, 'http=METHOD URL
    /// BODY' sends a request, and with 'none' the server emits by itself. Arguments, URL and body may hold {token}, or
    /// {run} with {seq}, and {due_ns}. Without it the tool 'publish' is called if the server has one.
    #[arg(long, value_name = "TRIGGER")]
    pub(super) trigger: Option<String>,
    /// How arrivals are matched with publishes: by what they carry (token), by order, or as the first one shows (auto).
    #[arg(long, value_name = "auto|token|order")]
    pub(super) correlate: Option<Correlate>,
    /// With '--trigger none': where in a message the server says when it made it, for instance $.params.data.ts.
    #[arg(long, value_name = "JSONPATH")]
    pub(super) timestamp: Option<TimestampPath>,
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
    trigger::check(&args.profile, args.i_own_this_target)?;
    let subject = Subject::find(&args.target).await?;
    let mut document = subject.document();
    let wish = args.target.wish(args.revision);
    let looked = stop.run_until_cancelled(async {
        let detected = detect(&subject.url, wish, &subject.means).await?;
        let facts = survey::look(&detected.link, &fixtures).await;
        Ok((detected, facts))
    });
    match looked.await {
        None => {
            document.interrupted = true;
            document.add_run(Run::not_begun(wish, "the run was interrupted before"));
        }
        Some(Ok((detected, facts))) => {
            let redactor = subject.means.recorder.redactor();
            document.add_run(Run::tested(wish, &detected, &facts, redactor));
            let plan = plan(&Basis {
                args: &args,
                detected: &detected,
                facts: &facts,
                fixtures: &fixtures,
                consent: Consent::Given,
                stop: &stop,
            })?;
            let (report, interrupted) = execute(plan).await?;
            document.interrupted = interrupted;
            document.load = Some(report);
        }
        Some(Err(error)) => document.add_run(Run::refused(wish, &error)),
    }
    document.keep_evidence(subject.means.recorder.records());
    subject.finish().await;
    document.elapsed_ms = elapsed_ms(begun);
    let mut exit = settle(&mut document, args.report.strict);
    if exit == Exit::Ok
        && let Some(load) = &document.load
        && let Some(why) = unmeasured(load, &args.profile)
    {
        exit = Exit::NothingExercised;
        complain(&why);
    }
    deliver(&mut document, exit, &args.report)
}

/// Why a run in which nothing was missed is none to rely on. Streams that were held in silence are no proof of delivery,
/// unless they were to be held only.
fn unmeasured(load: &LoadReport, profile: &ProfileArgs) -> Option<String> {
    let why = load.not_exercised.as_ref()?;
    if load.passive.is_none() {
        return Some(
            "deliveries were not measured: say with --trigger what makes the server notify all streams, or watch what it emits by itself with --trigger none"
                .to_owned(),
        );
    }
    let named = |expression: &str| {
        let mut given = profile.thresholds.iter().map(Threshold::to_string);
        given.any(|given| given == expression)
    };
    let asked_in_vain = load
        .thresholds
        .iter()
        .any(|it| it.verdict == ThresholdVerdict::NotExercised && named(&it.expression));
    (profile.timestamp.is_some() || asked_in_vain)
        .then(|| format!("what was asked for was not measured: {why}"))
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

/// What a plan is made from.
#[derive(Clone, Copy)]
pub(super) struct Basis<'a> {
    /// What the user asked for.
    pub(super) args: &'a LoadArgs,
    /// How it is spoken to.
    pub(super) detected: &'a Detected,
    /// What it offers.
    pub(super) facts: &'a Facts,
    /// What the user says of it.
    pub(super) fixtures: &'a Fixtures,
    /// Whether its tool `publish` may be called.
    pub(super) consent: Consent,
    /// Ends the run.
    pub(super) stop: &'a CancellationToken,
}

/// The plan of a run against what was detected.
pub(super) fn plan(basis: &Basis<'_>) -> Result<LoadPlan, Refusal> {
    let (args, profile, detected) = (basis.args, &basis.args.profile, basis.detected);
    let client = detected.link.client.options();
    trigger::check(profile, args.i_own_this_target)?;
    Ok(LoadPlan {
        headers: client.headers.clone(),
        tls: client.tls.clone(),
        timeout: args.target.timeout.0,
        streams: profile.streams as usize,
        opens_per_s: profile.opens_per_s.0,
        source: trigger::source(profile, basis.facts, basis.fixtures, basis.consent)?,
        correlate: profile.correlate.unwrap_or_default(),
        rate: profile.rate.0,
        duration: profile.duration.0,
        callers: profile.callers as usize,
        call: call(basis.facts, detected.revision),
        thresholds: profile.thresholds.clone(),
        stop: basis.stop.clone(),
        known: detected.link.known.get(),
        ..LoadPlan::new(detected.url.clone(), detected.transport, detected.revision)
    })
}

/// What callers call: a tool that is known to succeed and to change nothing, or ping.
fn call(facts: &Facts, revision: Revision) -> Call {
    facts.tools.get(&ToolRole::Succeeds).map_or_else(
        || Call::harmless(revision),
        |tool| Call::tool(&tool.name, &tool.arguments),
    )
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
            correlate: None,
            timestamp: None,
            thresholds: Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
}
