//! `compare`: a server beside the reference server, or saved reports beside each other.

mod live;
mod reference;

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use tokio_util::sync::CancellationToken;

use super::args::{Rate, ReportArgs, TargetArgs, Timeout};
use super::exit::Exit;
use super::outcome::{check_paths, style};
use super::{Refusal, interruptible, print, ready};
use crate::compare::{Comparison, Saved, Tolerance};
use crate::load::correlation::Correlate;
use crate::protocol::Revision;
use crate::report::{self, Destination, Format, terminal};

/// How many reports are compared at once.
const REPORTS_MAX: usize = 26;

/// Arguments of `compare`.
#[derive(Debug, Args)]
#[command(mut_arg("url", |url| url.index(1).value_name("URL|REPORT").help(
    "The URL of the server's MCP endpoint, or the first of several JSON reports, which is the baseline. Without it, the \
     reference server is compared with itself, which shows what the machine alone does"
)))]
pub(super) struct CompareArgs {
    #[command(flatten)]
    pub(super) target: TargetArgs,
    /// The reports to set beside the first.
    #[arg(index = 2, value_name = "REPORT")]
    pub(super) others: Vec<PathBuf>,
    /// With a URL: the revision to ask for; without it, the newest that the server offers.
    #[arg(long, value_name = "DATE")]
    pub(super) revision: Option<Revision>,
    /// With a URL: how many sessions are held in a slice, each with its own event stream.
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..))]
    pub(super) streams: u32,
    /// With a URL: how many notifications are triggered per second.
    #[arg(long, default_value = "10")]
    pub(super) rate: Rate,
    /// With a URL: how many more sessions call a read-only tool, or ping, once a second each.
    #[arg(long, default_value_t = 10)]
    pub(super) callers: u32,
    /// With a URL: how many slices each of the two servers gets; 5 are needed for a confidence interval.
    #[arg(long, value_name = "N", default_value_t = 8, value_parser = clap::value_parser!(u16).range(1..=200))]
    pub(super) slices: u16,
    /// With a URL: how long each slice is measured.
    #[arg(long, default_value = "2s", value_name = "TIME")]
    pub(super) slice_time: Timeout,
    /// With a URL: what makes the server notify all streams, as for 'load'.
    #[arg(long, value_name = "TRIGGER")]
    pub(super) trigger: Option<String>,
    /// With a URL: how arrivals are matched with publishes, as for 'load'.
    #[arg(long, value_name = "auto|token|order")]
    pub(super) correlate: Option<Correlate>,
    /// Load a server that is not on this machine: it is yours, and it may be loaded.
    #[arg(long)]
    pub(super) i_own_this_target: bool,
    /// How much longer a latency may be before it counts as worse: 10% with slices, 50% between single reports.
    #[arg(long, value_name = "SHARE")]
    pub(super) tolerance: Option<Tolerance>,
    /// Ends with 1 if a check became worse, or with 5 if the load did.
    #[arg(long, value_name = "WHAT")]
    pub(super) fail_on: Option<FailOn>,
    #[command(flatten)]
    pub(super) report: ReportArgs,
}

/// What ends a comparison with a code other than 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum FailOn {
    /// Anything that became worse.
    Regression,
}

/// Compares what the arguments name.
pub(super) fn dispatch(args: CompareArgs) -> Result<Exit, Refusal> {
    check_paths(&args.report)?;
    if let Some(spec) = args
        .report
        .reports
        .iter()
        .find(|it| it.format != Format::Json)
    {
        return Err(Refusal::usage(format!(
            "--report: a comparison is written as json, not as {}",
            spec.format
        )));
    }
    let is_file = |word: &str| !word.contains("://") && Path::new(word).exists();
    match &args.target.url {
        Some(first) if !args.others.is_empty() => {
            let first = PathBuf::from(first);
            let files: Vec<&PathBuf> = std::iter::once(&first).chain(&args.others).collect();
            saved(&files, &args)
        }
        Some(only) if is_file(only) => Err(Refusal::usage(format!(
            "'{only}' is one report: name a second one to compare it with"
        ))),
        _ => interruptible(|stop: CancellationToken| {
            ready::with(args.target.clone(), stop.clone(), live::run(args, stop))
        }),
    }
}

/// Compares saved reports.
fn saved(files: &[&PathBuf], args: &CompareArgs) -> Result<Exit, Refusal> {
    if files.len() > REPORTS_MAX {
        return Err(Refusal::usage(format!(
            "at most {REPORTS_MAX} reports are compared at once"
        )));
    }
    let mut reports = Vec::new();
    for file in files {
        let name = file.display().to_string();
        if name.contains("://") {
            return Err(Refusal::usage(format!(
                "'{name}' is a URL: one URL is compared with the reference server, and several reports with each other"
            )));
        }
        let report =
            Saved::open(file).map_err(|error| Refusal::usage(format!("'{name}' {error}")))?;
        reports.push((name, report));
    }
    let tolerance = args.tolerance.unwrap_or(Tolerance::OF_SINGLE_RUNS);
    let mut comparison = Comparison::of_saved(&reports, tolerance, args.report.strict);
    let exit = if comparison.has_compared() {
        exit_of(&comparison, args)
    } else {
        Exit::NothingExercised
    };
    deliver(&mut comparison, exit, args)
}

/// The exit code that a comparison calls for.
fn exit_of(comparison: &Comparison, args: &CompareArgs) -> Exit {
    let regressions = comparison.regressions;
    if comparison.interrupted {
        Exit::Interrupted
    } else if args.fail_on.is_none() {
        Exit::Ok
    } else if regressions.verdicts > 0 {
        Exit::TargetFailed
    } else if regressions.load > 0 {
        Exit::ThresholdMissed
    } else {
        Exit::Ok
    }
}

/// Writes the comparison. With a report on stdout the text goes to stderr.
fn deliver(comparison: &mut Comparison, exit: Exit, args: &CompareArgs) -> Result<Exit, Refusal> {
    comparison.exit_code = exit.code();
    let reports = &args.report.reports;
    let strict = args.report.strict;
    if reports.iter().any(|it| it.path == Destination::Stdout) {
        let style = style(anstream::AutoStream::choice(&std::io::stderr()), strict);
        anstream::eprint!("{}", terminal::render_comparison(comparison, style));
    } else {
        let style = style(anstream::AutoStream::choice(&std::io::stdout()), strict);
        print(&terminal::render_comparison(comparison, style));
    }
    for spec in reports {
        report::write_comparison(comparison, &spec.path).map_err(Refusal::usage)?;
    }
    Ok(exit)
}
