//! One caller of a load run: a session that makes calls on its own schedule.

use std::sync::Arc;

use serde_json::Value;

use super::clock::nanoseconds;
use super::feed;
use super::shared::{BackOff, Shared};
use crate::transport::Session;
use crate::transport::session::Special;

/// Makes calls through the measure phase, then ends its session.
pub(super) async fn call_through(shared: Arc<Shared>, index: usize) {
    let session = Session::new(Arc::clone(&shared.link));
    if connect(&shared, &session).await {
        if let Some(from_ns) = shared.measure_begun().await {
            make_calls(&shared, &session, index, from_ns).await;
        }
        shared.closing.cancelled().await;
        feed::end(&shared, &session).await;
    }
}

/// Tries until the session is open or the run ends.
async fn connect(shared: &Shared, session: &Session) -> bool {
    let mut back_off = BackOff::default();
    loop {
        tokio::select! {
            () = shared.ending.cancelled() => return false,
            connected = feed::connect(shared, session) => match connected {
                Ok(()) => return true,
                Err(error) => shared.note_bad_exchange("caller", &error.exchange),
            }
        }
        tokio::select! {
            () = shared.ending.cancelled() => return false,
            () = tokio::time::sleep(back_off.next()) => {}
        }
    }
}

/// Call number k of this caller is due k periods after its own start, whenever the one before it ended. The starts of
/// all callers are spread over one period.
async fn make_calls(shared: &Shared, session: &Session, index: usize, from_ns: u64) {
    let plan = &shared.plan;
    let period_ns = 1e9 / plan.calls_per_s;
    #[expect(
        clippy::cast_precision_loss,
        reason = "there are far fewer than 2^52 callers"
    )]
    let offset = index as f64 / plan.callers.max(1) as f64;
    let length = nanoseconds(plan.duration);
    for number in 0_u32.. {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "not negative, and the cast saturates"
        )]
        let after = ((f64::from(number) + offset) * period_ns) as u64;
        if after >= length {
            return;
        }
        let due_ns = from_ns.saturating_add(after);
        tokio::select! {
            biased;
            () = shared.ending.cancelled() => return,
            () = tokio::time::sleep_until(shared.clock.at(due_ns)) => {}
        }
        call(shared, session, due_ns).await;
    }
}

async fn call(shared: &Shared, session: &Session, due_ns: u64) {
    let call = &shared.plan.call;
    shared.count(&shared.tally.calls);
    let request = session.request(&call.method, call.params.clone(), Special::default());
    let exchange = tokio::select! {
        exchange = request => exchange,
        // The run is over; a call without a response by now counts as one.
        () = shared.closing.cancelled() => {
            shared.count(&shared.tally.call_errors);
            shared.errors.add("call: no response before the end");
            return;
        }
    };
    let failed = |result: &Value| result.get("isError") == Some(&Value::Bool(true));
    match exchange.result() {
        Some(result) if !failed(result) => {
            shared.note_answered();
            let latency = shared.clock.now_ns().saturating_sub(due_ns);
            shared.recorders.call.record_ns(latency);
        }
        _ => {
            shared.count(&shared.tally.call_errors);
            shared.note_bad_exchange("call", &exchange);
        }
    }
}
