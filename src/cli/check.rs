//! `check`: the scenarios against a server.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use clap::Args;
use tokio_util::sync::CancellationToken;

use super::args::{ReportArgs, RevisionChoice, TargetArgs};
use super::exit::Exit;
use super::outcome::{check_paths, deliver, exit_of};
use super::progress::CheckProgress;
use super::target::Subject;
use super::{Refusal, complain};
use crate::detect::{DetectError, Detected, detect};
use crate::engine::{self, CheckPlan, Fixtures, probes};
use crate::protocol::Revision;
use crate::report::Document;
use crate::report::document::Check;
use crate::scenario::Library;

/// Arguments of `check`.
#[derive(Debug, Args)]
pub(super) struct CheckArgs {
    #[command(flatten)]
    pub(super) target: TargetArgs,
    /// The revision to ask for, or all; without it, the newest that the server offers.
    #[arg(long, value_name = "DATE|all")]
    pub(super) revision: Option<RevisionChoice>,
    /// A folder of scenario files to run beside the built-in ones. May be given several times.
    #[arg(long = "scenarios", value_name = "DIR")]
    pub(super) scenarios: Vec<PathBuf>,
    #[command(flatten)]
    pub(super) report: ReportArgs,
}

pub(super) async fn run(args: CheckArgs, stop: CancellationToken) -> Result<Exit, Refusal> {
    let begun = Instant::now();
    let library = library(&args.scenarios)?;
    check_paths(&args.report)?;
    let fixtures = args.target.fixtures()?;
    let subject = Subject::find(&args.target).await?;
    let mut document = subject.document();
    let revisions: Vec<Option<Revision>> = match args.revision {
        None => vec![None],
        Some(RevisionChoice::One(revision)) => vec![Some(revision)],
        Some(RevisionChoice::All) => tested_revisions().map(Some).collect(),
    };
    let mut failure = None;
    for revision in revisions {
        let wish = args.target.wish(revision);
        let found = stop.run_until_cancelled(detect(&subject.url, wish, &subject.means));
        match found.await {
            None => document.interrupted = true,
            Some(Ok(detected)) => {
                check_detected(
                    &detected,
                    &library,
                    &fixtures,
                    &stop,
                    &mut document,
                    &subject,
                )
                .await;
            }
            Some(Err(error)) => failure = Some(error),
        }
    }
    subject.finish().await;
    document.elapsed_ms = elapsed_ms(begun);
    let exit = settle(&mut document, failure, args.report.strict);
    deliver(&mut document, exit, &args.report)
}

/// The revisions that can be asked for over the transports of this version.
fn tested_revisions() -> impl Iterator<Item = Revision> {
    Revision::ALL
        .into_iter()
        .filter(|revision| revision.has_handshake())
}

/// The exit code, where the target may not have been found at all. That one of several revisions is not spoken is no
/// failure.
pub(super) fn settle(document: &mut Document, failure: Option<DetectError>, strict: bool) -> Exit {
    match failure {
        Some(error) if document.checks.is_empty() && !document.interrupted => {
            let (exit, notes) = match &error {
                DetectError::Unreachable { .. } => (Exit::Unreachable, Vec::new()),
                DetectError::NothingToExercise { notes, .. } => {
                    (Exit::NothingExercised, notes.clone())
                }
            };
            document.target.detection = notes;
            document.not_exercised = Some(error.to_string());
            complain(&error.to_string());
            exit
        }
        other => {
            if let Some(error) = other {
                document.target.detection.push(error.to_string());
            }
            exit_of(document, strict)
        }
    }
}

/// The built-in scenarios and those of the user.
pub(super) fn library(folders: &[PathBuf]) -> Result<Library, Refusal> {
    let known = probes::names();
    let mut library = Library::embedded(&known).map_err(Refusal::ours)?;
    for folder in folders {
        library
            .add_folder(folder, &known)
            .map_err(|error| Refusal::usage(format!("--scenarios: {error}")))?;
    }
    Ok(library)
}

/// Runs the checks on what was detected, and adds what they found to the document.
pub(super) async fn check_detected(
    detected: &Detected,
    library: &Library,
    fixtures: &Fixtures,
    stop: &CancellationToken,
    document: &mut Document,
    subject: &Subject,
) -> engine::Facts {
    let progress = CheckProgress::new();
    let plan = CheckPlan {
        link: Arc::clone(&detected.link),
        library: library.clone(),
        fixtures: fixtures.clone(),
        cancel: stop.clone(),
    };
    let outcome = engine::check(plan, &progress).await;
    progress.finish();
    document.target.transport = Some(detected.transport.to_string());
    document.target.revision = Some(outcome.revision.to_string());
    document
        .target
        .detection
        .extend(detected.notes.iter().cloned());
    document.add_facts(&outcome.facts, subject.means.recorder.redactor());
    document.interrupted |= outcome.interrupted;
    let checks = outcome
        .results
        .into_iter()
        .map(|result| Check::new(result, outcome.revision))
        .collect();
    let records = subject.means.recorder.records();
    document.add_checks(checks, detected.transport, outcome.revision, &records);
    outcome.facts
}

pub(super) fn elapsed_ms(begun: Instant) -> u64 {
    u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX)
}
