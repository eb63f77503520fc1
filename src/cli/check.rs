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
use crate::detect::{Detected, Wish, detect};
use crate::engine::{self, CheckOutcome, CheckPlan, Facts, Fixtures, probes};
use crate::protocol::Revision;
use crate::report::{Document, Outcome, Run};
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
    let suite = Suite {
        library: &library,
        fixtures: &fixtures,
        subject: &subject,
        stop: &stop,
    };
    let revisions = asked_for(args.revision);
    for (place, revision) in revisions.iter().enumerate() {
        let wish = args.target.wish(*revision);
        if is_dead(&document) {
            let why = "the server had given no answer before";
            document.add_run(Run::not_begun(wish, why));
            continue;
        }
        let name = match revision {
            Some(revision) if revisions.len() > 1 => {
                format!("{revision} ({} of {}): ", place + 1, revisions.len())
            }
            _ => String::new(),
        };
        suite.check(wish, &name, &mut document).await;
    }
    document.keep_evidence(subject.means.recorder.records());
    subject.finish().await;
    document.elapsed_ms = elapsed_ms(begun);
    let exit = settle(&mut document, args.report.strict);
    deliver(&mut document, exit, &args.report)
}

/// The revisions to ask for, oldest first; nothing stands for the newest that the server offers.
fn asked_for(choice: Option<RevisionChoice>) -> Vec<Option<Revision>> {
    match choice {
        None => vec![None],
        Some(RevisionChoice::One(revision)) => vec![Some(revision)],
        Some(RevisionChoice::All) => Revision::ALL.into_iter().map(Some).collect(),
    }
}

/// Whether the server was asked and never answered: then it need not be asked again and again.
fn is_dead(document: &Document) -> bool {
    document.any(Outcome::Unreachable)
        && !document.any(Outcome::Tested)
        && !document.any(Outcome::NotOffered)
}

/// The exit code. Where no run could be made, the reason is told too; that one of several revisions is not spoken is no
/// failure.
pub(super) fn settle(document: &mut Document, strict: bool) -> Exit {
    if !document.any(Outcome::Tested) && !document.interrupted {
        let why = why_nothing(document);
        complain(&why);
        document.not_exercised = Some(why);
    }
    exit_of(document, strict)
}

/// Why no run could be made. That the server does not answer is told before all else; where each run has its own reason,
/// the report has them.
fn why_nothing(document: &Document) -> String {
    let url = &document.target.url;
    let dead = |run: &&Run| run.outcome == Outcome::Unreachable;
    if let Some(why) = document
        .runs
        .iter()
        .find(dead)
        .and_then(|run| run.complaint(url))
    {
        return why;
    }
    let mut reasons = document.runs.iter().filter_map(|run| run.complaint(url));
    match reasons.next() {
        Some(first) if reasons.all(|other| other == first) => first,
        _ => format!("nothing at {url} can be exercised at any revision that was asked for"),
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

/// What to run against whom.
pub(super) struct Suite<'a> {
    pub(super) library: &'a Library,
    pub(super) fixtures: &'a Fixtures,
    pub(super) subject: &'a Subject,
    pub(super) stop: &'a CancellationToken,
}

impl Suite<'_> {
    /// Finds out what the target speaks, runs the checks, and adds what they found to the document as one run, whatever
    /// comes of it. Gives what was detected and learnt, if anything was. Progress is shown under `name`.
    pub(super) async fn check(
        &self,
        wish: Wish,
        name: &str,
        document: &mut Document,
    ) -> Option<(Detected, Facts)> {
        let means = &self.subject.means;
        let looking = detect(&self.subject.url, wish, means);
        match self.stop.run_until_cancelled(looking).await {
            None => {
                document.interrupted = true;
                document.add_run(Run::not_begun(wish, "the run was interrupted before"));
                None
            }
            Some(Err(error)) => {
                document.add_run(Run::refused(wish, &error));
                None
            }
            Some(Ok(detected)) => {
                let outcome = self.run(&detected, name).await;
                let facts = outcome.facts.clone();
                document.interrupted |= outcome.interrupted;
                let run = Run::tested(wish, &detected, &facts, means.recorder.redactor());
                document.add_run(run.with_checks(outcome, detected.transport));
                Some((detected, facts))
            }
        }
    }

    async fn run(&self, detected: &Detected, name: &str) -> CheckOutcome {
        let progress = CheckProgress::new(name);
        let plan = CheckPlan {
            link: Arc::clone(&detected.link),
            library: self.library.clone(),
            fixtures: self.fixtures.clone(),
            cancel: self.stop.clone(),
        };
        let outcome = engine::check(plan, &progress).await;
        progress.finish();
        outcome
    }
}

pub(super) fn elapsed_ms(begun: Instant) -> u64 {
    u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX)
}
