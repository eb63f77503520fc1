//! Runs one scenario: decides whether it applies, takes its steps in order, judges its checks.

use std::time::{Duration, Instant};

use super::brought::{Brought, Outcome};
use super::context::Run;
use super::judge::judge;
use super::steps::{RETRY_PAUSE, Steps};
use super::verdict::{CheckResult, Skip, SkipReason, Verdict};
use crate::catalog::Level;
use crate::protocol::Transport;
use crate::scenario::model::{Applies, Capture, When};
use crate::scenario::template;
use crate::scenario::{Check, Condition, Loaded, Rule, Scenario, Step, Verb};
use crate::transport::curl::curl;
use crate::transport::{Exchange, Failure, Reply};

/// Before a scenario that needs the target to itself: how long the target has to take in that the streams of the others
/// are closed.
const CALM_BEFORE_EXCLUSIVE: Duration = Duration::from_millis(250);

/// A result for each check of the scenario, in the order of the file.
pub(super) async fn run_scenario(run: &Run, loaded: &Loaded, token: &str) -> Vec<CheckResult> {
    let scenario = &loaded.scenario;
    let mut results = Results {
        run,
        loaded,
        done: Vec::new(),
    };
    let about_nothing = !scenario.checks().any(|check| results.applies(check));
    if about_nothing {
        let skip = Skip::new(SkipReason::NotApplicable, "none of its rules holds here");
        return skipped(run, loaded, &skip);
    }
    if let Some(skip) = inapplicable(&scenario.applies, run) {
        return skipped(run, loaded, &skip);
    }
    if scenario.exclusive {
        tokio::time::sleep(CALM_BEFORE_EXCLUSIVE).await;
    }
    let variables = run.variables(token);
    let mut steps = Steps::new(&run.link, &run.traffic, variables);
    let mut blocked: Option<Skip> = None;
    for step in &scenario.steps {
        if run.cancel.is_cancelled() {
            blocked = Some(Skip::new(SkipReason::Cancelled, "the run was interrupted"));
        }
        if let Some(skip) = &blocked {
            for check in &step.expect {
                results.skip(check, skip);
            }
            continue;
        }
        blocked = take_step(step, &mut steps, &mut results).await;
    }
    for step in &scenario.cleanup {
        // Cleanup never changes a verdict.
        let _ = steps.perform(&step.verb).await;
    }
    steps.finish().await;
    results.done
}

/// Results for a scenario that could not be run through because of a fault of ours.
pub(super) fn failed_scenario(run: &Run, loaded: &Loaded, what: &str) -> Vec<CheckResult> {
    let results = Results {
        run,
        loaded,
        done: Vec::new(),
    };
    let failed = |check| CheckResult {
        verdict: Verdict::Error,
        got: Some(format!("mcp-plumb failed: {what}")),
        ..results.blank(check)
    };
    loaded.scenario.checks().map(failed).collect()
}

/// Results for a scenario that was not begun.
pub(super) fn skipped(run: &Run, loaded: &Loaded, skip: &Skip) -> Vec<CheckResult> {
    let mut results = Results {
        run,
        loaded,
        done: Vec::new(),
    };
    for check in loaded.scenario.checks() {
        results.skip(check, skip);
    }
    results.done
}

/// Takes a step; gives why what follows cannot be judged, if so.
async fn take_step(step: &Step, steps: &mut Steps<'_>, results: &mut Results<'_>) -> Option<Skip> {
    if !decided(step.when.as_ref(), steps) {
        let skip = Skip::new(
            SkipReason::StepSkipped,
            format!("step '{}' did not apply", step.id),
        );
        for check in &step.expect {
            results.skip(check, &skip);
        }
        return None;
    }
    let block = |detail: String| {
        Skip::new(
            SkipReason::PrerequisiteFailed,
            format!("step '{}': {detail}", step.id),
        )
    };
    let skip_all = |results: &mut Results<'_>, skip: Skip| {
        for check in &step.expect {
            results.skip(check, &skip);
        }
        Some(skip)
    };
    let brought = match perform(step, steps).await {
        Ok(Some(brought)) => brought,
        Ok(None) => return None,
        Err(why) => return skip_all(results, block(why)),
    };
    if let Some(failure) = brought.exchange().and_then(told_elsewhere) {
        return skip_all(results, block(failure.to_string()));
    }
    if let Some(exchange) = brought.exchange().filter(|exchange| is_throttled(exchange)) {
        return skip_all(
            results,
            block(format!("it wants fewer requests: {}", exchange.describe())),
        );
    }
    for condition in &step.require {
        if let Outcome::Violated(got) | Outcome::Nothing(got) =
            judge(condition, &brought, &steps.variables)
        {
            return skip_all(results, block(format!("expected {condition}, got {got}")));
        }
    }
    for check in &step.expect {
        if decided(check.when.as_ref(), steps) {
            results.judge(check, &brought, steps);
        } else {
            results.skip(
                check,
                &Skip::new(SkipReason::StepSkipped, "its condition did not apply"),
            );
        }
    }
    for (name, capture) in &step.capture {
        if let Err(why) = take(name, capture, &brought, steps) {
            return Some(block(why));
        }
    }
    None
}

/// A failure that is not this step's to judge: that a JSON-RPC request has no answer is told once, by the checks on all
/// traffic, and that nothing listens any more by the last look at the target.
fn told_elsewhere(exchange: &Exchange) -> Option<&Failure> {
    match &exchange.outcome {
        Err(failure @ (Failure::Connect(_) | Failure::Unsendable(_))) => Some(failure),
        Err(failure) if exchange.id.is_some() => Some(failure),
        _ => None,
    }
}

/// Whether the target asks to be spared: that is no violation of anything (RFC 6585, 4).
pub(super) fn is_throttled(exchange: &Exchange) -> bool {
    let has_pause = |reply: &Reply| reply.headers.get("retry-after").is_some();
    match exchange.reply() {
        Some(reply) => reply.status == 429 || (reply.status == 503 && has_pause(reply)),
        None => false,
    }
}

/// How long the target wants us to wait, within bounds.
fn wanted_pause(exchange: &Exchange) -> Duration {
    let seconds = exchange
        .reply()
        .and_then(|reply| reply.headers.get("retry-after")?.parse().ok());
    seconds
        .map_or(THROTTLED_PAUSE, Duration::from_secs)
        .min(THROTTLED_PAUSE_MAX)
}

/// How often a request is repeated that the target did not want yet.
const THROTTLINGS_MAX: usize = 3;
/// The pause before that, where the target names none.
const THROTTLED_PAUSE: Duration = Duration::from_millis(500);
/// The longest pause, whatever the target names.
const THROTTLED_PAUSE_MAX: Duration = Duration::from_secs(2);

/// Performs the verb, again and again while `retry_for` lasts and not all conditions hold.
async fn perform(step: &Step, steps: &mut Steps<'_>) -> Result<Option<Brought>, String> {
    let begun = Instant::now();
    let mut throttlings = 0;
    loop {
        let brought = steps.perform(&step.verb).await?;
        let throttled = brought
            .as_ref()
            .and_then(Brought::exchange)
            .filter(|exchange| is_throttled(exchange));
        if let Some(exchange) = throttled
            && throttlings < THROTTLINGS_MAX
        {
            throttlings += 1;
            tokio::time::sleep(wanted_pause(exchange)).await;
            continue;
        }
        let patience = step.retry_for.map(|span| span.get());
        let (Some(patience), Some(seen)) = (patience, &brought) else {
            return Ok(brought);
        };
        let conditions = step
            .require
            .iter()
            .chain(step.expect.iter().map(|check| &check.that));
        let settled =
            |condition: &Condition| judge(condition, seen, &steps.variables) == Outcome::Holds;
        if conditions.clone().all(settled) || begun.elapsed() >= patience {
            return Ok(brought);
        }
        tokio::time::sleep(RETRY_PAUSE).await;
    }
}

fn decided(when: Option<&When>, steps: &Steps<'_>) -> bool {
    when.is_none_or(|when| {
        let truth = match steps.variables.get(&when.name) {
            None | Some(serde_json::Value::Null | serde_json::Value::Bool(false)) => false,
            Some(_) => true,
        };
        truth != when.negated
    })
}

fn take(
    name: &str,
    capture: &Capture,
    brought: &Brought,
    steps: &mut Steps<'_>,
) -> Result<(), String> {
    let value = if let Some(path) = &capture.path {
        let found = brought.find(path);
        match &capture.part {
            Some(pattern) => {
                found.and_then(|text| pattern.part(text.as_str()?).map(serde_json::Value::from))
            }
            None => found,
        }
    } else if let Some(nth) = capture.event_id {
        brought.event_id(nth).map(serde_json::Value::from)
    } else if let Some(header) = &capture.header {
        let reply = brought.exchange().and_then(|exchange| exchange.reply());
        reply
            .and_then(|reply| reply.headers.get(header))
            .map(serde_json::Value::from)
    } else {
        let holds = capture
            .holds
            .as_ref()
            .is_some_and(|condition| judge(condition, brought, &steps.variables) == Outcome::Holds);
        Some(holds.into())
    };
    match value {
        None if !capture.optional => Err(format!("nothing to capture as '{name}'")),
        value => {
            steps
                .variables
                .insert(name.to_owned(), value.unwrap_or_default());
            Ok(())
        }
    }
}

/// Why a scenario makes no sense for the target, if it makes none.
fn inapplicable(applies: &Applies, run: &Run) -> Option<Skip> {
    let skip = |reason, detail: String| Some(Skip::new(reason, detail));
    let transport = run.link.dialect.transport();
    if !applies.transports.is_empty() && !applies.transports.iter().any(|name| name.0 == transport)
    {
        return skip(SkipReason::NotApplicable, format!("not over {transport}"));
    }
    if applies
        .revisions
        .as_ref()
        .is_some_and(|range| !range.contains(run.revision))
    {
        return skip(
            SkipReason::NotApplicable,
            format!("not at {}", run.revision),
        );
    }
    let needs_session = applies.session_id
        || applies.stream
        || !applies.capabilities.is_empty()
        || !applies.tools.is_empty();
    if let (true, Some(why)) = (needs_session, &run.facts.not_connected) {
        return skip(
            SkipReason::PrerequisiteFailed,
            format!("no session could be opened: {why}"),
        );
    }
    if let Some(missing) = applies
        .capabilities
        .iter()
        .find(|name| !run.facts.declares(name))
    {
        return skip(
            SkipReason::CapabilityNotDeclared,
            format!("'{missing}' is not declared"),
        );
    }
    if applies.session_id && !run.facts.session_id {
        return skip(
            SkipReason::NoSessionId,
            "the target hands out no session ids".to_owned(),
        );
    }
    if let (true, Some(why)) = (applies.stream, &run.facts.no_stream) {
        return skip(
            SkipReason::NoStream,
            format!("the target opens no session stream: {why}"),
        );
    }
    let missing = applies
        .tools
        .iter()
        .find(|role| !run.facts.tools.contains_key(role))?;
    let why = run
        .facts
        .tools_missing
        .get(missing)
        .cloned()
        .unwrap_or_default();
    skip(SkipReason::ToolNotOffered, why)
}

/// Whether a scenario begins with the ordinary handshake, which is pointless where none went through.
pub(super) fn begins_with_handshake(scenario: &Scenario) -> bool {
    scenario
        .steps
        .first()
        .is_some_and(|step| matches!(step.verb, Verb::Connect(_)))
}

struct Results<'a> {
    run: &'a Run,
    loaded: &'a Loaded,
    done: Vec<CheckResult>,
}

impl Results<'_> {
    fn blank(&self, check: &Check) -> CheckResult {
        let (requirement, level) = match &check.rule {
            Rule::Requirement(ids) => {
                let entry = ids.applicable(self.transport(), self.run.revision);
                let id = entry.map(|entry| entry.id.as_str()).or(ids.iter().next());
                (
                    id.map(str::to_owned),
                    entry.map_or(Level::Must, |entry| entry.level),
                )
            }
            Rule::Level(level) => (None, *level),
        };
        CheckResult {
            id: self.loaded.scenario.check_id(check),
            requirement,
            level,
            verdict: Verdict::Skip,
            skip: None,
            expected: None,
            got: None,
            evidence: Vec::new(),
            curl: None,
            file: Some(self.loaded.file.clone()),
        }
    }

    fn transport(&self) -> Transport {
        self.run.link.dialect.transport()
    }

    /// Whether the check is about a rule that holds here.
    fn applies(&self, check: &Check) -> bool {
        match &check.rule {
            Rule::Requirement(ids) => ids
                .applicable(self.transport(), self.run.revision)
                .is_some(),
            Rule::Level(_) => true,
        }
    }

    fn skip(&mut self, check: &Check, skip: &Skip) {
        let mut result = self.blank(check);
        let reason = if self.applies(check) {
            skip.reason
        } else {
            SkipReason::NotApplicable
        };
        result.skip = Some(Skip {
            reason,
            detail: self.run.link.recorder.redactor().text(&skip.detail),
        });
        self.done.push(result);
    }

    fn judge(&mut self, check: &Check, brought: &Brought, steps: &Steps<'_>) {
        let mut result = self.blank(check);
        if !self.applies(check) {
            let detail = format!(
                "the rule does not hold over {} at {}",
                self.transport(),
                self.run.revision
            );
            return self.skip(check, &Skip::new(SkipReason::NotApplicable, detail));
        }
        let redactor = self.run.link.recorder.redactor();
        match judge(&check.that, brought, &steps.variables) {
            Outcome::Nothing(why) => {
                return self.skip(check, &Skip::new(SkipReason::NothingToJudge, why));
            }
            Outcome::Holds => {
                result.verdict = Verdict::Pass;
                result.got = Some(redactor.text(&brought.describe()));
            }
            Outcome::Violated(got) => {
                let tolerated = check.tolerated.as_ref().is_some_and(|condition| {
                    judge(condition, brought, &steps.variables) == Outcome::Holds
                });
                result.verdict = Verdict::of_violation(result.level, tolerated);
                result.got = Some(redactor.text(&got));
                result.curl = brought
                    .exchange()
                    .map(|exchange| curl(&exchange.request, redactor));
            }
        }
        let expected = check.that.to_string();
        let expected = template::render_text(&expected, &steps.variables).unwrap_or(expected);
        result.expected = Some(redactor.text(&expected));
        result.evidence = brought.records();
        self.done.push(result);
    }
}
