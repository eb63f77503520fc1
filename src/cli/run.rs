//! `run`: conformance, a short load, and the same load on the reference server beside it.

use std::time::Instant;

use clap::Args;
use tokio_util::sync::CancellationToken;

use super::access::AccessArgs;
use super::args::{Rate, ReportArgs, TargetArgs};
use super::check::{Suite, elapsed_ms, library, settle};
use super::config::ConfigArgs;
use super::exit::Exit;
use super::load::{self, Basis, Consent, LoadArgs, ProfileArgs};
use super::outcome::{check_paths, deliver};
use super::ready::ReadyArgs;
use super::target::{Subject, embedded_server};
use super::{Refusal, complain};
use crate::detect::{Detected, Wish, detect};
use crate::engine::{Facts, Fixtures, survey};
use crate::load::LoadReport;
use crate::protocol::Revision;
use crate::report::Document;

/// Arguments of `run`.
#[derive(Debug, Args)]
pub(super) struct RunArgs {
    #[command(flatten)]
    pub(super) target: TargetArgs,
    /// The revision to ask for; without it, the newest that the server offers.
    #[arg(long, value_name = "DATE")]
    revision: Option<Revision>,
    /// How many sessions are held during the short load.
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..))]
    streams: u32,
    /// How long the short load is measured.
    #[arg(long, default_value = "5s", value_name = "TIME")]
    duration: super::args::Timeout,
    /// How many notifications are triggered per second.
    #[arg(long, default_value = "5")]
    rate: Rate,
    /// The tool whose call makes the server notify all streams, as for 'load'. Without it, or fixtures that name one, a
    /// server that you point at is not made to publish.
    #[arg(long, value_name = "TOOL[:ARGS]")]
    trigger: Option<String>,
    /// Load a server that is not on this machine: it is yours, and it may be loaded.
    #[arg(long)]
    i_own_this_target: bool,
    #[command(flatten)]
    report: ReportArgs,
}

pub(super) async fn run(args: RunArgs, stop: CancellationToken) -> Result<Exit, Refusal> {
    let begun = Instant::now();
    let library = library(&[])?;
    check_paths(&args.report)?;
    let fixtures = args.target.fixtures()?;
    let may_load = match args.target.url()? {
        Some(url) => load::permit(&url, args.i_own_this_target),
        None => Ok(()),
    };
    let subject = Subject::find(&args.target).await?;
    let mut document = subject.document();
    let load_args = LoadArgs {
        target: args.target.clone(),
        revision: args.revision,
        profile: ProfileArgs {
            streams: args.streams,
            duration: args.duration,
            rate: args.rate,
            trigger: args.trigger.clone(),
            ..ProfileArgs::default()
        },
        i_own_this_target: args.i_own_this_target,
        report: args.report.clone(),
    };
    let wish = args.target.wish(args.revision);
    let suite = Suite {
        library: &library,
        fixtures: &fixtures,
        subject: &subject,
        stop: &stop,
    };
    let mut refused = None;
    let target = suite.check(wish, "", &mut document).await;
    document.keep_evidence(subject.means.recorder.records());
    if let Some((detected, facts)) = target {
        match may_load {
            _ if document.interrupted || facts.not_connected.is_some() => {}
            Err(refusal) => complain(&format!("no load: {}", refusal.message)),
            Ok(()) => {
                let target = Loaded {
                    detected: &detected,
                    facts: &facts,
                    fixtures: &fixtures,
                };
                // What was checked is reported, whatever comes of the load.
                refused = add_load(&load_args, &target, &mut document, &stop)
                    .await
                    .err();
            }
        }
    }
    subject.finish().await;
    document.elapsed_ms = elapsed_ms(begun);
    let mut exit = settle(&mut document, args.report.strict);
    if let Some(refusal) = refused {
        complain(&format!("no load: {}", refusal.message));
        if exit == Exit::Ok {
            exit = refusal.exit;
        }
    }
    deliver(&mut document, exit, &args.report)
}

/// A target that was checked and is to be loaded.
struct Loaded<'a> {
    detected: &'a Detected,
    facts: &'a Facts,
    fixtures: &'a Fixtures,
}

/// Adds the load of the target, and the same on a reference server.
async fn add_load(
    args: &LoadArgs,
    target: &Loaded<'_>,
    document: &mut Document,
    stop: &CancellationToken,
) -> Result<(), Refusal> {
    let plan = load::plan(&Basis {
        args,
        detected: target.detected,
        facts: target.facts,
        fixtures: target.fixtures,
        consent: Consent::Withheld,
        stop,
    })?;
    let (report, interrupted) = load::execute(plan).await?;
    document.load = Some(report);
    document.interrupted |= interrupted;
    if !interrupted {
        document.reference = Some(reference(args, target.detected, stop).await?);
    }
    Ok(())
}

/// The same load on a reference server of its own, spoken to in the same way.
async fn reference(
    args: &LoadArgs,
    spoken: &Detected,
    stop: &CancellationToken,
) -> Result<LoadReport, Refusal> {
    let transport = spoken.transport;
    let (url, server) = embedded_server(transport).await?;
    let target = TargetArgs {
        url: Some(url.to_string()),
        transport: super::args::TransportChoice(Some(transport)),
        access: AccessArgs::default(),
        ready: ReadyArgs::default(),
        config: ConfigArgs::default(),
        fixtures: None,
        allowed_tools: Vec::new(),
        ..args.target.clone()
    };
    let args = LoadArgs {
        target,
        revision: None,
        profile: ProfileArgs {
            trigger: None,
            ..args.profile.clone()
        },
        i_own_this_target: false,
        report: args.report.clone(),
    };
    let subject = Subject::find(&args.target).await?;
    let wish = Wish {
        transport: Some(transport),
        revision: Some(spoken.revision),
    };
    let detected = detect(&subject.url, wish, &subject.means)
        .await
        .map_err(Refusal::ours)?;
    let fixtures = Fixtures::reference();
    let facts = survey::look(&detected.link, &fixtures).await;
    let plan = load::plan(&Basis {
        args: &args,
        detected: &detected,
        facts: &facts,
        fixtures: &fixtures,
        consent: Consent::Given,
        stop,
    })?;
    let (report, _) = load::execute(plan).await?;
    server.shutdown().await;
    Ok(report)
}
