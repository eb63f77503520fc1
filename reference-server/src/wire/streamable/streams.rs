//! The stream beside the calls, coming back to any stream, and the end of a session.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use axum::body::Body;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use bytes::{Bytes, BytesMut};

use super::calls::stream_number;
use super::{SESSION_ID, session_of};
use crate::faults::Fault;
use crate::history::{EventId, History};
use crate::outbox::StreamBody;
use crate::revision::Revision;
use crate::server::Shared;
use crate::session::Session;
use crate::sse::{self, EVENT_STREAM};
use crate::wire::events::event_stream;
use crate::wire::headers::accepts;
use crate::wire::{Refusal, empty, no_stream, refusal, stream_media_type};

const LAST_EVENT_ID: &str = "last-event-id";
/// How long `stream-headers-late` waits for an event.
const HEADERS_LATE: Duration = Duration::from_secs(3);

/// Opens the session's stream, or with `Last-Event-ID` goes on with the stream that had that event. An id that
/// is not known gets a stream that starts afresh.
pub(super) async fn open(shared: &Arc<Shared>, headers: &HeaderMap) -> Result<Response, Refusal> {
    let faults = shared.faults();
    let accepted = accepts(headers, "text", "event-stream");
    if !accepted && !faults.has(Fault::StreamAcceptNotChecked) {
        let why = "Accept has to admit text/event-stream";
        return Err(refusal(StatusCode::NOT_ACCEPTABLE, why));
    }
    let session = session_of(shared, headers)?;
    if faults.has(Fault::StreamNotFound) {
        let why = "there is nothing at this path";
        return Err(refusal(StatusCode::NOT_FOUND, why));
    }
    let last = headers
        .get(LAST_EVENT_ID)
        .map(|id| id.to_str().unwrap_or_default());
    if let Some(last) = last {
        if let Some(rest) = resume(shared, &session, last)? {
            return Ok(rest);
        }
        if faults.has(Fault::ResumeUnknownId500) {
            let why = "this event was not found";
            return Err(refusal(StatusCode::INTERNAL_SERVER_ERROR, why));
        }
    }
    let late = faults.has(Fault::StreamHeadersLate);
    let number = stream_number(shared);
    let opening = (!late).then(|| opening(shared, &session, number));
    let interest = Arc::clone(&session.interest);
    let history = Some(History::new(number));
    let body = shared
        .hub
        .open_numbered(session.key(), interest, opening, history)
        .map_err(no_stream)?;
    if late {
        tokio::time::sleep(HEADERS_LATE).await;
    }
    Ok(unasked(shared, body))
}

fn unasked(shared: &Shared, body: StreamBody) -> Response {
    event_stream(Body::from_stream(body), stream_media_type(shared))
}

/// A comment, and since 2025-11-25 an event without data from whose id a client can come back.
fn opening(shared: &Shared, session: &Session, number: u64) -> Bytes {
    let opening = sse::opening(shared.faults());
    if session.revision() < Revision::V2025_11_25 {
        return opening;
    }
    let mut opening = BytesMut::from(&opening[..]);
    opening.extend_from_slice(&sse::priming(&format!("{number}-0")));
    opening.freeze()
}

/// The rest of the stream that had the event, be it one that answers or the one beside the calls.
fn resume(
    shared: &Arc<Shared>,
    session: &Session,
    last: &str,
) -> Result<Option<Response>, Refusal> {
    let faults = shared.faults();
    let rest = if faults.has(Fault::ResumeReplaysForeign) {
        session.resume_foreign(last)
    } else {
        session.resume(last)
    };
    if let Some(rest) = rest {
        return Ok(Some(event_stream(rest, EVENT_STREAM)));
    }
    let Some(last) = EventId::read(last) else {
        return Ok(None);
    };
    let opening = Some(sse::opening(faults));
    match shared.hub.resume(&session.key(), last, opening) {
        None => Ok(None),
        Some(body) => Ok(Some(unasked(shared, body.map_err(no_stream)?))),
    }
}

/// Ends a session, its streams and what runs for it.
pub(super) fn end_session(shared: &Shared, headers: &HeaderMap) -> Result<Response, Refusal> {
    let faults = shared.faults();
    if faults.has(Fault::ForeignDeleteFatal) && names_foreign_session(headers) {
        shared.gave_up.store(true, Ordering::Relaxed);
    }
    if faults.has(Fault::DeleteEndsAllSessions) && names_foreign_session(headers) {
        for key in shared.sessions.end_all() {
            shared.hub.end_peer(&key);
        }
    }
    let session = session_of(shared, headers)?;
    if faults.has(Fault::DeleteRefused) {
        let why = "sessions end by themselves";
        return Err(refusal(StatusCode::BAD_REQUEST, why));
    }
    if !faults.has(Fault::SessionSurvivesDelete) {
        shared.sessions.end(&session.id);
    }
    if !faults.has(Fault::StreamSurvivesDelete) {
        shared.hub.end_peer(&session.key());
    }
    Ok(empty(StatusCode::NO_CONTENT))
}

/// Whether a request names a session id that was never handed out here. An id of a session that ended does
/// not count, since clients may end a session twice.
fn names_foreign_session(headers: &HeaderMap) -> bool {
    headers
        .get(SESSION_ID)
        .is_some_and(|id| id.len() != 32 || !id.as_bytes().iter().all(u8::is_ascii_hexdigit))
}
