//! The whole of a conformance run: survey, scenarios beside each other, the checks on all traffic, and one last look.

use std::sync::Arc;
use std::time::Duration;

use futures_util::{Stream, StreamExt};
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

use super::context::Run;
use super::fixtures::Fixtures;
use super::run::{begins_with_handshake, failed_scenario, is_throttled, run_scenario, skipped};
use super::survey::{Facts, survey};
use super::traffic::Traffic;
use super::verdict::{CheckResult, Skip, SkipReason, Verdict};
use crate::catalog::{Catalog, Level};
use crate::protocol::Revision;
use crate::scenario::{Library, Loaded};
use crate::transport::curl::curl;
use crate::transport::{Link, Session, Special};

/// How many scenarios run beside each other at most.
const SIDE_BY_SIDE_MAX: u128 = 8;
/// Requests of scenarios that run beside each other may hold each other up so long, were the target to serve one at a time.
const HOLD_UP_MS_MAX: u128 = 1_000;
/// How long the ending of what an interruption left open may take.
const ENDING_MAX: Duration = Duration::from_secs(2);

/// The check that the target still serves when all is done: id, requirements, and what is expected.
pub const LIVENESS: (&str, &[&str], &str) = (
    "wire/liveness#serves-at-the-end",
    &[
        "http.survives-malformed-input",
        "stateless.cancel.server-stays-healthy",
    ],
    "a fresh client is served after everything else",
);

/// What to run against what.
#[derive(Debug)]
pub struct CheckPlan {
    /// The way to the target.
    pub link: Arc<Link>,
    /// The scenarios.
    pub library: Library,
    /// The tools that may be called.
    pub fixtures: Fixtures,
    /// Ends the run early; what is known by then is reported.
    pub cancel: CancellationToken,
}

/// Told how far a run is.
pub trait Observer: Send + Sync {
    /// The target has been looked at; so many scenarios follow.
    fn surveyed(&self, facts: &Facts, scenarios: usize);
    /// A scenario has ended.
    fn scenario_done(&self, id: &str, results: &[CheckResult]);
}

/// An observer that does not care.
impl Observer for () {
    fn surveyed(&self, _facts: &Facts, _scenarios: usize) {}
    fn scenario_done(&self, _id: &str, _results: &[CheckResult]) {}
}

/// What a run found.
#[derive(Debug)]
pub struct CheckOutcome {
    /// What the target is and offers.
    pub facts: Facts,
    /// The revision that the checks were judged by.
    pub revision: Revision,
    /// A result for every check, in a stable order.
    pub results: Vec<CheckResult>,
    /// Whether the run was cut short.
    pub interrupted: bool,
}

/// Runs everything. Checks are judged by the revision that the link asks for.
pub async fn check(plan: CheckPlan, observer: &dyn Observer) -> CheckOutcome {
    let traffic = Traffic::new(Arc::clone(&plan.link.recorder), plan.link.revision);
    let surveyed = survey(&plan.link, &plan.fixtures, &traffic);
    let facts = match plan.cancel.run_until_cancelled(surveyed).await {
        Some(facts) => facts,
        None => Facts {
            not_connected: Some("the run was interrupted".to_owned()),
            ..Facts::default()
        },
    };
    let run = Arc::new(Run {
        revision: plan.link.revision,
        run_id: crate::transport::session::random_name(),
        link: plan.link,
        facts,
        traffic,
        cancel: plan.cancel,
    });
    let all: Vec<&Loaded> = plan.library.iter().collect();
    observer.surveyed(&run.facts, all.len());
    let (alone, together): (Vec<_>, Vec<_>) = all
        .iter()
        .enumerate()
        .partition(|(_, loaded)| loaded.scenario.exclusive);
    let mut results: Vec<(usize, Vec<CheckResult>)> = Vec::with_capacity(all.len());
    // Exclusive scenarios come last, one after the other.
    for (group, width) in [(together, side_by_side(&run.facts)), (alone, 1)] {
        let mut running = futures_util::stream::iter(group)
            .map(|(at, loaded)| {
                let run = Arc::clone(&run);
                let loaded = (**loaded).clone();
                async move { (at, one(run, loaded, at).await) }
            })
            .buffer_unordered(width);
        while let Some((at, done)) = next_unless_cancelled(&mut running, &run.cancel).await {
            if let Some(loaded) = all.get(at) {
                observer.scenario_done(&loaded.scenario.scenario, &done);
            }
            results.push((at, done));
        }
    }
    for (at, loaded) in all.iter().enumerate() {
        if !results.iter().any(|(done, _)| *done == at) {
            let skip = Skip::new(SkipReason::Cancelled, "the run was interrupted");
            results.push((at, skipped(&run, loaded, &skip)));
        }
    }
    if run.cancel.is_cancelled() {
        run.link.end_all(ENDING_MAX).await;
    }
    results.sort_by_key(|(at, _)| *at);
    let mut results: Vec<CheckResult> = results.into_iter().flat_map(|(_, done)| done).collect();
    let alive = liveness(&run).await;
    results.extend(run.traffic.results(run.link.dialect.transport()));
    results.push(alive);
    // What holds only elsewhere is nobody's to exercise here.
    results.retain(|result| {
        let skip = result.skip.as_ref();
        skip.is_none_or(|skip| skip.reason != SkipReason::NotApplicable)
    });
    CheckOutcome {
        facts: run.facts.clone(),
        revision: run.revision,
        results,
        interrupted: run.cancel.is_cancelled(),
    }
}

/// How many scenarios run beside each other: fewer on a target that is slow to answer, so that it is not our own crowd that
/// makes it late.
fn side_by_side(facts: &Facts) -> usize {
    let answer_ms = facts.usual_answer.as_millis().max(1);
    usize::try_from((HOLD_UP_MS_MAX / answer_ms).clamp(1, SIDE_BY_SIDE_MAX)).unwrap_or(1)
}

/// The next scenario that ends; nothing once the run is interrupted, whatever still hangs.
async fn next_unless_cancelled<T>(
    running: &mut (impl Stream<Item = T> + Unpin),
    cancel: &CancellationToken,
) -> Option<T> {
    tokio::select! {
        biased;
        next = running.next() => next,
        () = cancel.cancelled() => None,
    }
}

/// Runs one scenario in a task of its own, so that a fault of ours stays its own.
async fn one(run: Arc<Run>, loaded: Loaded, at: usize) -> Vec<CheckResult> {
    // Ended by a hyphen, so that no scenario's word is the beginning of another's.
    let token = format!("{}-{at}-", run.run_id);
    if let (Some(why), true) = (
        &run.facts.not_connected,
        begins_with_handshake(&loaded.scenario),
    ) {
        let skip = Skip::new(
            SkipReason::PrerequisiteFailed,
            format!("no session could be opened: {why}"),
        );
        return skipped(&run, &loaded, &skip);
    }
    // Aborted when the run is interrupted and this future dropped.
    let task = {
        let (run, loaded) = (Arc::clone(&run), loaded.clone());
        AbortOnDropHandle::new(tokio::spawn(async move {
            run_scenario(&run, &loaded, &token).await
        }))
    };
    match task.await {
        Ok(results) => results,
        Err(error) => failed_scenario(&run, &loaded, &error.to_string()),
    }
}

/// After all that was asked of it: does the target still serve a fresh session?
async fn liveness(run: &Run) -> CheckResult {
    let ids = LIVENESS.1.iter().copied();
    let entry =
        Catalog::embedded().first_applicable(ids, run.link.dialect.transport(), run.revision);
    let mut result = CheckResult {
        id: LIVENESS.0.to_owned(),
        requirement: entry.map(|entry| entry.id.clone()),
        level: entry.map_or(Level::Must, |entry| entry.level),
        verdict: Verdict::Pass,
        skip: None,
        expected: Some(LIVENESS.2.to_owned()),
        got: None,
        evidence: Vec::new(),
        curl: None,
        file: None,
    };
    let unjudged = if run.cancel.is_cancelled() {
        Some(Skip::new(SkipReason::Cancelled, "the run was interrupted"))
    } else {
        let why = run.facts.not_connected.as_ref();
        why.map(|_| {
            Skip::new(
                SkipReason::PrerequisiteFailed,
                "no session could be opened at the beginning",
            )
        })
    };
    if let Some(skip) = unjudged {
        return not_judged(result, skip);
    }
    let session = Session::new(Arc::clone(&run.link));
    let exchange = match session.connect().await {
        // Without a handshake there is no ping either.
        Ok(connected) if connected.initialized.is_none() => connected.opening,
        Ok(_) => session.request("ping", None, Special::default()).await,
        Err(error) => *error.exchange,
    };
    session.end().await;
    if is_throttled(&exchange) {
        return not_judged(
            result,
            Skip::new(SkipReason::PrerequisiteFailed, exchange.describe()),
        );
    }
    let redactor = run.link.recorder.redactor();
    result.got = Some(redactor.text(&exchange.describe()));
    result.evidence.clone_from(&exchange.records);
    if exchange.result().is_none() {
        result.verdict = Verdict::Fail;
        result.curl = Some(curl(&exchange.request, redactor));
    }
    result
}

fn not_judged(mut result: CheckResult, skip: Skip) -> CheckResult {
    result.verdict = Verdict::Skip;
    result.expected = None;
    result.skip = Some(skip);
    result
}
