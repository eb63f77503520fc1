//! The plan in goose's terms.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures_util::future::BoxFuture;
use goose::client::GooseClientBuilder;
use goose::config::GooseConfiguration;
use goose::goose::{GooseUser, Scenario, Transaction, TransactionResult};
use goose::{GooseAttack, GooseError};

use crate::stop::{Running, stopped};
use crate::{Lane, OPENS_PER_S_MAX, OPENS_PER_S_MIN, Plan, SchedulerError, Summary};

/// Goose calls a user's transaction again and again until its Exit message arrives. One that returned at once each time
/// would take the whole processor, so every call that has nothing to do lasts at least this long.
const PAUSE_BEFORE_EXIT: Duration = Duration::from_millis(50);
/// Goose resets its kill switch while it starts; the stop is told again this often until it is heard.
const STOP_REPEAT: Duration = Duration::from_millis(100);

pub(crate) fn run(plan: Plan) -> BoxFuture<'static, Result<Summary, SchedulerError>> {
    let running = Running::take();
    Box::pin(async move {
        let _running = running.ok_or(SchedulerError::AlreadyRunning)?;
        let started: Vec<Arc<AtomicUsize>> = plan.lanes.iter().map(|_| Arc::default()).collect();
        let attack = prepare(&plan, &started)?;
        tokio::select! {
            result = attack.execute() => { result?; }
            () = repeat_stop() => {}
        }
        let started = started.iter().map(|it| it.load(Ordering::Relaxed));
        Ok(Summary {
            started: started.collect(),
        })
    })
}

/// Tells goose again and again that the run is stopped, once it is. Never returns.
async fn repeat_stop() {
    let reason = stopped().await;
    loop {
        goose::trigger_killswitch(&reason);
        tokio::time::sleep(STOP_REPEAT).await;
    }
}

fn prepare(plan: &Plan, started: &[Arc<AtomicUsize>]) -> Result<GooseAttack, SchedulerError> {
    if !(plan.opens_per_s.is_finite() && plan.opens_per_s > 0.0) {
        return Err(SchedulerError::BadRate(plan.opens_per_s));
    }
    let users: usize = plan.lanes.iter().map(|lane| lane.users).sum();
    if users == 0 {
        return Err(SchedulerError::NoUsers);
    }
    crate::quiet::silence();
    let mut attack = GooseAttack::initialize_with_config(configuration(plan, users)?)?
        // One client for all users. Nothing is sent through it; without this call goose builds one for each.
        .set_client_builder_without_cookies(
            GooseClientBuilder::new().without_cookies().gzip(false),
        )?;
    for (lane, started) in plan.lanes.iter().zip(started) {
        if lane.users > 0 {
            attack = attack.register_scenario(scenario(lane, Arc::clone(started))?);
        }
    }
    Ok(attack)
}

/// Goose is configured by the arguments of its own command line.
fn configuration(plan: &Plan, users: usize) -> Result<GooseConfiguration, GooseError> {
    let rate = plan.opens_per_s.clamp(OPENS_PER_S_MIN, OPENS_PER_S_MAX);
    let (users, rate) = (users.to_string(), rate.to_string());
    let arguments = [
        "--host",
        &plan.host,
        "--users",
        &users,
        "--increase-rate",
        &rate,
        "--no-telnet",
        "--no-print-metrics",
        "--no-scenario-metrics",
        "--no-transaction-metrics",
        "-qq",
    ];
    GooseConfiguration::parse_args_default(&arguments).map_err(|error| GooseError::InvalidOption {
        option: "command line".to_owned(),
        value: arguments.join(" "),
        detail: error.to_string(),
    })
}

/// A lane: its weight is its number of users, and the number of users in all is the sum of the weights, so that goose
/// deals each scenario exactly its own number.
fn scenario(lane: &Lane, started: Arc<AtomicUsize>) -> Result<Scenario, GooseError> {
    let body = Arc::clone(&lane.body);
    let transaction = Transaction::new(Arc::new(move |user: &mut GooseUser| {
        let (body, started) = (Arc::clone(&body), Arc::clone(&started));
        Box::pin(async move {
            if user.get_session_data::<HasRun>().is_none() {
                user.set_session_data(HasRun);
                body(started.fetch_add(1, Ordering::Relaxed)).await;
            }
            stopped().await;
            tokio::time::sleep(PAUSE_BEFORE_EXIT).await;
            TransactionResult::Ok(())
        })
    }));
    Scenario::new(&lane.name)
        .set_weight(lane.users)
        .map(|scenario| scenario.register_transaction(transaction))
}

/// Marks a user that has run its body.
#[derive(Clone)]
struct HasRun;
