//! Goose runs the plan: exact numbers of users, an end on the stop, several runs in one process.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use mcp_plumb_load_scheduler::{Body, Lane, Plan, SchedulerError, Summary, run, stop};
use tokio::sync::{Mutex, Notify, Semaphore};

/// Goose's stop is one for the process, so the tests take turns.
static TURN: Mutex<()> = Mutex::const_new(());
/// Longer than any run here takes; a run that hangs fails instead of hanging the tests.
const PATIENCE: Duration = Duration::from_secs(30);

fn lane(name: &str, users: usize, body: Body) -> Lane {
    Lane {
        name: name.to_owned(),
        users,
        body,
    }
}

fn plan(lanes: Vec<Lane>) -> Plan {
    Plan {
        host: "http://127.0.0.1:9".to_owned(),
        opens_per_s: 500.0,
        lanes,
    }
}

/// A body that adds its index to `seen` and returns at once.
fn note(seen: &Arc<std::sync::Mutex<Vec<usize>>>, arrived: &Arc<Semaphore>) -> Body {
    let (seen, arrived) = (Arc::clone(seen), Arc::clone(arrived));
    Arc::new(move |index| {
        seen.lock().unwrap().push(index);
        arrived.add_permits(1);
        Box::pin(std::future::ready(()))
    })
}

async fn finish(
    run: tokio::task::JoinHandle<Result<Summary, SchedulerError>>,
) -> Result<Summary, SchedulerError> {
    tokio::time::timeout(PATIENCE, run).await.unwrap().unwrap()
}

/// Starts `seven` and `three`, stops once all ten have run, and checks that each ran once.
async fn ten_users() {
    let arrived = Arc::new(Semaphore::new(0));
    let (seven, three) = (Arc::default(), Arc::default());
    let running = tokio::spawn(run(plan(vec![
        lane("sessions", 7, note(&seven, &arrived)),
        lane("empty", 0, note(&three, &arrived)),
        lane("callers", 3, note(&three, &arrived)),
    ])));
    let all = tokio::time::timeout(PATIENCE, arrived.acquire_many(10)).await;
    drop(all.unwrap().unwrap());
    stop("all have run");
    let summary = finish(running).await.unwrap();
    assert_eq!(summary.started, [7, 0, 3]);
    for (seen, users) in [(seven, 7), (three, 3)] {
        let mut seen = seen.lock().unwrap().clone();
        seen.sort_unstable();
        assert_eq!(seen, (0..users).collect::<Vec<_>>());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_lane_gets_exactly_its_users_in_two_runs_one_after_the_other() {
    let _turn = TURN.lock().await;
    ten_users().await;
    ten_users().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_run_waits_for_bodies_that_end_after_the_stop() {
    let _turn = TURN.lock().await;
    let (begun, release, ended) = (
        Arc::new(Notify::new()),
        Arc::new(Notify::new()),
        Arc::new(AtomicUsize::new(0)),
    );
    let body: Body = {
        let (begun, release, ended) = (begun.clone(), release.clone(), ended.clone());
        Arc::new(move |_| {
            let (begun, release, ended) = (begun.clone(), release.clone(), ended.clone());
            Box::pin(async move {
                begun.notify_one();
                release.notified().await;
                ended.fetch_add(1, Ordering::SeqCst);
            })
        })
    };
    let mut running = tokio::spawn(run(plan(vec![lane("slow", 1, body)])));
    begun.notified().await;
    stop("told to");
    // Goose looks at its kill switch twice a second; a run that does not wait for the body ends within that.
    let early = tokio::time::timeout(Duration::from_millis(1_500), &mut running).await;
    assert!(early.is_err(), "ended before the body: {early:?}");
    release.notify_one();
    finish(running).await.unwrap();
    assert_eq!(ended.load(Ordering::SeqCst), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stop_before_the_first_user_is_not_lost() {
    let _turn = TURN.lock().await;
    let body: Body = Arc::new(|_| Box::pin(std::future::ready(())));
    let slow = Plan {
        opens_per_s: 0.5,
        ..plan(vec![lane("many", 50, body)])
    };
    let future = run(slow);
    stop("before it was polled");
    let summary = finish(tokio::spawn(future)).await.unwrap();
    assert!(summary.started[0] < 50, "{summary:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_run_at_the_same_time_and_bad_plans_are_refused() {
    let _turn = TURN.lock().await;
    let body: Body = Arc::new(|_| Box::pin(std::future::ready(())));
    let first = run(plan(vec![lane("one", 1, body.clone())]));
    let second = run(plan(vec![lane("two", 1, body.clone())])).await;
    assert!(matches!(second, Err(SchedulerError::AlreadyRunning)));
    stop("enough");
    finish(tokio::spawn(first)).await.unwrap();

    let nobody = run(plan(vec![lane("nobody", 0, body.clone())])).await;
    assert!(matches!(nobody, Err(SchedulerError::NoUsers)));
    for rate in [0.0, -1.0, f64::NAN, f64::INFINITY] {
        let bad = Plan {
            opens_per_s: rate,
            ..plan(vec![lane("one", 1, body.clone())])
        };
        assert!(
            matches!(run(bad).await, Err(SchedulerError::BadRate(_))),
            "{rate}"
        );
    }
    stop("nothing is running; must not panic or reach a later run");
}
