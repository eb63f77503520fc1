//! A target beside the reference server: the same checks, then the same load in alternating slices.

use std::time::{Duration, Instant};

use tokio_util::sync::CancellationToken;

use super::reference::Reference;
use super::{CompareArgs, deliver, exit_of};
use crate::cli::access::AccessArgs;
use crate::cli::args::{TargetArgs, Timeout, TransportChoice};
use crate::cli::check::{Suite, elapsed_ms, library, settle};
use crate::cli::config::ConfigArgs;
use crate::cli::exit::Exit;
use crate::cli::load::{self, Basis, Consent, LoadArgs, ProfileArgs};
use crate::cli::ready::ReadyArgs;
use crate::cli::target::Subject;
use crate::cli::{Refusal, complain};
use crate::compare::read::SavedLoad;
use crate::compare::slices::{Side, Sliced, order};
use crate::compare::{Comparison, Saved, Tolerance};
use crate::detect::{Detected, Wish};
use crate::engine::{Facts, Fixtures};
use crate::load::LoadReport;
use crate::load::plan::{Call, LoadPlan};
use crate::protocol::Transport;
use crate::report::{Document, json};

/// How long the slice that warms a server up is measured, at most: code that is compiled as it runs is slow at first.
const WARM_UP_MAX: Duration = Duration::from_secs(1);

/// One of the two servers, after its checks.
struct Checked {
    document: Document,
    spoken: Option<(Detected, Facts)>,
    fixtures: Fixtures,
}

pub(super) async fn run(mut args: CompareArgs, stop: CancellationToken) -> Result<Exit, Refusal> {
    let begun = Instant::now();
    if let Some(url) = args.target.url()? {
        load::permit(&url, args.i_own_this_target)?;
    }
    // Without a target, a second reference server is the target, in a process of its own too.
    let _second = match &args.target.url {
        Some(_) => None,
        None => {
            let transport = args.target.transport.0.unwrap_or(Transport::StreamableHttp);
            let server = Reference::start(transport).await?;
            args.target.url = Some(server.url.to_string());
            args.target.transport = TransportChoice(Some(transport));
            args.target.fixtures = Some("reference".to_owned());
            Some(server)
        }
    };
    let wish = args.target.wish(args.revision);
    let mut target = check(&args.target, wish, "target: ", &stop).await?;
    let tolerance = args.tolerance.unwrap_or(Tolerance::OF_SLICES);
    let failed = settle(&mut target.document, false);
    let Some((detected, _)) = &target.spoken else {
        // There is nothing to set beside anything; why is told.
        let nothing = saved(&target.document)?;
        let empty = Saved::default();
        let mut comparison =
            Comparison::beside_reference(&empty, &nothing, None, tolerance, args.report.strict);
        comparison.against.clear();
        comparison.elapsed_ms = elapsed_ms(begun);
        return deliver(&mut comparison, failed, &args);
    };
    let (transport, revision) = (detected.transport, detected.revision);
    let server = Reference::start(transport).await?;
    let beside = TargetArgs {
        url: Some(server.url.to_string()),
        transport: TransportChoice(Some(transport)),
        access: AccessArgs::default(),
        ready: ReadyArgs::default(),
        config: ConfigArgs::default(),
        fixtures: Some("reference".to_owned()),
        allowed_tools: Vec::new(),
        ..args.target.clone()
    };
    let wish = Wish {
        transport: Some(transport),
        revision: Some(revision),
    };
    let reference = check(&beside, wish, "reference server: ", &stop).await?;
    if reference.spoken.is_none() && !stop.is_cancelled() {
        let why = reference
            .document
            .runs
            .first()
            .and_then(|run| run.why.as_deref());
        return Err(Refusal::ours(format!(
            "the reference server cannot be tested: {}",
            why.unwrap_or("no reason is known")
        )));
    }
    let mut sliced = None;
    if !stop.is_cancelled() {
        match plans(&args, &target, &beside, &reference, &stop) {
            Ok((ours, theirs)) => {
                let (made, interrupted) = slices(&args, &ours, &theirs).await?;
                target.document.interrupted |= interrupted;
                sliced = Some(made);
            }
            Err(refusal) => complain(&format!("no load: {}", refusal.message)),
        }
    }
    target.document.interrupted |= stop.is_cancelled();
    let (ours, theirs) = (saved(&target.document)?, saved(&reference.document)?);
    let mut comparison =
        Comparison::beside_reference(&theirs, &ours, sliced, tolerance, args.report.strict);
    comparison.elapsed_ms = elapsed_ms(begun);
    comparison.started_unix_s = target.document.started_unix_s;
    let errors = target.document.summary.errors + reference.document.summary.errors;
    let exit = match exit_of(&comparison, &args) {
        _ if errors > 0 => Exit::OurBug,
        Exit::Ok if !comparison.has_compared() => Exit::NothingExercised,
        exit => exit,
    };
    deliver(&mut comparison, exit, &args)
}

/// Runs the checks on one of the two.
async fn check(
    target: &TargetArgs,
    wish: Wish,
    name: &str,
    stop: &CancellationToken,
) -> Result<Checked, Refusal> {
    let library = library(&[])?;
    let fixtures = target.fixtures()?;
    let subject = Subject::find(target).await?;
    let mut document = subject.document();
    let suite = Suite {
        library: &library,
        fixtures: &fixtures,
        subject: &subject,
        stop,
    };
    let spoken = suite.check(wish, name, &mut document).await;
    subject.finish().await;
    Ok(Checked {
        document,
        spoken,
        fixtures,
    })
}

/// A document as it would be read from a file.
fn saved(document: &Document) -> Result<Saved, Refusal> {
    let json = json::render(document).map_err(Refusal::ours)?;
    Saved::parse(json.as_bytes()).map_err(Refusal::ours)
}

/// The load of a slice, for the target and for the reference server: the same, but for what triggers it and which tool is
/// called.
fn plans(
    args: &CompareArgs,
    target: &Checked,
    beside: &TargetArgs,
    reference: &Checked,
    stop: &CancellationToken,
) -> Result<(LoadPlan, LoadPlan), Refusal> {
    let profile = ProfileArgs {
        streams: args.streams,
        rate: args.rate,
        duration: args.slice_time,
        callers: args.callers,
        trigger: args.trigger.clone(),
        correlate: args.correlate,
        ..ProfileArgs::default()
    };
    let asked = |target: &TargetArgs, profile: ProfileArgs| LoadArgs {
        target: target.clone(),
        revision: args.revision,
        profile,
        i_own_this_target: args.i_own_this_target,
        report: args.report.clone(),
    };
    let own = ProfileArgs {
        trigger: None,
        correlate: None,
        ..profile.clone()
    };
    let ours = plan_of(&asked(&args.target, profile), target, stop)?;
    let mut theirs = plan_of(&asked(beside, own), reference, stop)?;
    // A tool's work beside a ping would not be the same load.
    if ours.call.tool_name().is_none() {
        theirs.call = Call::harmless(theirs.revision);
    }
    Ok((ours, theirs))
}

fn plan_of(
    args: &LoadArgs,
    checked: &Checked,
    stop: &CancellationToken,
) -> Result<LoadPlan, Refusal> {
    let Some((detected, facts)) = &checked.spoken else {
        return Err(Refusal::ours("the reference server could not be spoken to"));
    };
    load::plan(&Basis {
        args,
        detected,
        facts,
        fixtures: &checked.fixtures,
        consent: Consent::Given,
        stop,
    })
}

/// Warms both up, then measures them in turn. Gives what was measured, and whether that was cut short.
async fn slices(
    args: &CompareArgs,
    target: &LoadPlan,
    reference: &LoadPlan,
) -> Result<(Sliced, bool), Refusal> {
    let Timeout(slice) = args.slice_time;
    let mut sliced = Sliced {
        pairs_asked: usize::from(args.slices),
        slice_s: slice.as_secs_f64(),
        streams: u64::from(args.streams),
        rate: args.rate.0,
        target_call: Some(named(&target.call)),
        reference_call: Some(named(&reference.call)),
        ..Sliced::default()
    };
    for plan in [target, reference] {
        let warm_up = LoadPlan {
            duration: slice.min(WARM_UP_MAX),
            ..plan.clone()
        };
        let (report, interrupted) = load::execute(warm_up).await?;
        if interrupted || report.target_died {
            return Ok((sliced, interrupted));
        }
    }
    for pair in 0..sliced.pairs_asked {
        for side in order(pair) {
            let plan = match side {
                Side::Target => target,
                Side::Reference => reference,
            };
            let (report, interrupted) = load::execute(plan.clone()).await?;
            if interrupted {
                return Ok((sliced, true));
            }
            keep(&mut sliced, pair, side, &report);
            if report.target_died {
                complain("the server died under the load; no further slices are made");
                return Ok((sliced, false));
            }
        }
    }
    Ok((sliced, false))
}

fn keep(sliced: &mut Sliced, pair: usize, side: Side, report: &LoadReport) {
    if side == Side::Target && sliced.not_exercised.is_none() {
        sliced.not_exercised.clone_from(&report.not_exercised);
    }
    sliced.add(pair, side, &SavedLoad::from(report));
}

/// What callers call, for a person.
fn named(call: &Call) -> String {
    match call.tool_name() {
        Some(tool) => format!("{} {tool}", call.method),
        None => call.method.clone(),
    }
}
