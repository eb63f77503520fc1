//! The notifications of clients with sessions.

use std::sync::Arc;

use crate::faults::Fault;
use crate::features::asking;
use crate::jsonrpc::{Params, RequestId};
use crate::server::Shared;
use crate::session::Session;

/// Takes note of a notification. Unknown ones are dropped, so that newer clients can use the session.
///
/// Tells whether a defect takes offence at it.
pub(super) fn notice(
    shared: &Arc<Shared>,
    session: &Arc<Session>,
    method: &str,
    params: &Params,
) -> bool {
    let faults = shared.faults();
    match method {
        "notifications/roots/list_changed" => {
            asking::refresh_roots(shared, session);
            false
        }
        "notifications/initialized" => {
            session.set_initialized();
            faults.has(Fault::InitializedRefused)
        }
        "notifications/cancelled" => {
            let id = params.get("requestId").and_then(RequestId::read);
            let running = id.is_some_and(|id| session.cancel(&id));
            let offended = faults.has(Fault::CancellationRefused)
                || faults.has(Fault::SessionEndsAfterCancellation);
            !running && offended
        }
        _ => faults.has(Fault::UnknownNotificationRefused),
    }
}
