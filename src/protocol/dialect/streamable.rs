//! Streamable HTTP with sessions: 2025-03-26 to 2025-11-25 (basic/transports#streamable-http).

use serde_json::Value;
use url::Url;

use super::{Dialect, Endpoints, Outgoing, SessionState, Transport, negotiated};
use crate::protocol::http::{Headers, HttpRequest};
use crate::protocol::revision::Revision;

/// The session header (basic/transports#session-management).
pub(super) const SESSION_HEADER: &str = "Mcp-Session-Id";
/// The version header (2025-06-18, basic/transports#protocol-version-header).
pub(crate) const VERSION_HEADER: &str = "MCP-Protocol-Version";
pub(super) const BOTH_TYPES: &str = "application/json, text/event-stream";

/// One endpoint, an optional session, replies as JSON or as an event stream.
#[derive(Debug)]
pub struct Streamable {
    endpoints: Endpoints,
    revision: Revision,
}

impl Streamable {
    /// The dialect of `revision` at `url`.
    pub fn new(url: Url, revision: Revision) -> Self {
        Self {
            endpoints: Endpoints {
                post: url.clone(),
                stream: url,
                health: None,
            },
            revision,
        }
    }

    fn with_session(&self, mut request: HttpRequest, state: &SessionState) -> HttpRequest {
        if let Some(id) = &state.session_id {
            request = request.header(SESSION_HEADER, id.clone());
        }
        if let Some(version) = &state.negotiated
            && self.revision.has_version_header()
        {
            request = request.header(VERSION_HEADER, version.clone());
        }
        request
    }
}

impl Dialect for Streamable {
    fn transport(&self) -> Transport {
        Transport::StreamableHttp
    }

    fn endpoints(&self) -> &Endpoints {
        &self.endpoints
    }

    fn post(&self, state: &SessionState, outgoing: Outgoing<'_>) -> HttpRequest {
        let request = HttpRequest::new("POST", self.endpoints.post.clone())
            .header("Content-Type", "application/json")
            .header("Accept", BOTH_TYPES)
            .body(outgoing.text);
        self.with_session(request, state)
    }

    fn open_stream(&self, state: &SessionState, _id: &Value) -> HttpRequest {
        let request = HttpRequest::new("GET", self.endpoints.stream.clone())
            .header("Accept", "text/event-stream");
        self.with_session(request, state)
    }

    fn end(&self, state: &SessionState) -> Option<HttpRequest> {
        state.session_id.as_ref()?;
        let request = HttpRequest::new("DELETE", self.endpoints.post.clone());
        Some(self.with_session(request, state))
    }

    fn learn(&self, state: &mut SessionState, headers: &Headers, result: &Value) {
        state.session_id = headers.get(SESSION_HEADER).map(str::to_owned);
        state.negotiated = negotiated(result);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn learned(revision: Revision) -> (Streamable, SessionState) {
        let dialect = Streamable::new(Url::parse("http://h/mcp").unwrap(), revision);
        let mut state = SessionState::default();
        let headers = [("mcp-session-id", "s1")].into_iter().collect();
        dialect.learn(
            &mut state,
            &headers,
            &json!({"protocolVersion": revision.as_str()}),
        );
        (dialect, state)
    }

    #[test]
    fn a_session_is_carried_by_every_later_request() {
        let (dialect, state) = learned(Revision::V2025_11_25);
        let message = json!({"jsonrpc": "2.0", "id": 1, "method": "ping"});
        let outgoing = || Outgoing {
            message: &message,
            text: message.to_string(),
        };
        let first = dialect.post(&SessionState::default(), outgoing());
        assert_eq!(first.headers.get(SESSION_HEADER), None);
        assert_eq!(first.headers.get(VERSION_HEADER), None);
        for request in [
            dialect.post(&state, outgoing()),
            dialect.open_stream(&state, &Value::Null),
            dialect.end(&state).unwrap(),
        ] {
            assert_eq!(
                request.headers.get(SESSION_HEADER),
                Some("s1"),
                "{}",
                request.method
            );
            assert_eq!(
                request.headers.get(VERSION_HEADER),
                Some("2025-11-25"),
                "{}",
                request.method
            );
        }
    }

    #[test]
    fn the_version_header_came_with_2025_06_18() {
        let (dialect, state) = learned(Revision::V2025_03_26);
        assert_eq!(
            dialect
                .open_stream(&state, &Value::Null)
                .headers
                .get(VERSION_HEADER),
            None
        );
    }

    #[test]
    fn without_a_session_there_is_nothing_to_end() {
        let dialect = Streamable::new(Url::parse("http://h/mcp").unwrap(), Revision::V2025_11_25);
        assert_eq!(dialect.end(&SessionState::default()), None);
    }
}
