//! The `hybrid` dialect: `POST /mcp` answers JSON in the same exchange, `GET /sse?client_id=` streams notifications,
//! `GET /health` counts the connected clients. It has no session header; a client is known by its `client_id`.

use serde_json::Value;
use url::Url;

use super::{Dialect, Endpoints, Outgoing, SessionState, Transport, negotiated};
use crate::protocol::http::{Headers, HttpRequest};

/// The three endpoints, siblings under one base path.
#[derive(Debug)]
pub struct Hybrid {
    endpoints: Endpoints,
}

impl Hybrid {
    /// The endpoints around `url`, which may name the POST path (`…/mcp`), the stream (`…/sse`) or their base.
    pub fn new(url: &Url) -> Self {
        Self {
            endpoints: Endpoints {
                post: sibling(url, "mcp"),
                stream: sibling(url, "sse"),
                health: Some(sibling(url, "health")),
            },
        }
    }
}

/// `url` with `name` as its last path segment, where `mcp`, `sse` and `health` are siblings of each other and anything
/// else is the base above them. Query and fragment are dropped.
fn sibling(url: &Url, name: &str) -> Url {
    let mut base = url.path().trim_end_matches('/');
    for known in ["/mcp", "/sse", "/health"] {
        if let Some(parent) = base.strip_suffix(known) {
            base = parent;
            break;
        }
    }
    let path = format!("{base}/{name}");
    let mut sibling = url.clone();
    sibling.set_path(&path);
    sibling.set_query(None);
    sibling.set_fragment(None);
    sibling
}

impl Dialect for Hybrid {
    fn transport(&self) -> Transport {
        Transport::Hybrid
    }

    fn endpoints(&self) -> &Endpoints {
        &self.endpoints
    }

    fn post(&self, _state: &SessionState, outgoing: Outgoing<'_>) -> HttpRequest {
        HttpRequest::new("POST", self.endpoints.post.clone())
            .header("Content-Type", "application/json")
            .header("Accept", "application/json")
            .body(outgoing.text)
    }

    fn open_stream(&self, state: &SessionState, _id: &Value) -> HttpRequest {
        let mut url = self.endpoints.stream.clone();
        url.query_pairs_mut()
            .append_pair("client_id", &state.client_id);
        HttpRequest::new("GET", url).header("Accept", "text/event-stream")
    }

    fn end(&self, _state: &SessionState) -> Option<HttpRequest> {
        None
    }

    fn learn(&self, state: &mut SessionState, _headers: &Headers, result: &Value) {
        state.negotiated = negotiated(result);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn endpoints_are_siblings_of_whatever_was_given() {
        for given in [
            "http://h:1",
            "http://h:1/",
            "http://h:1/mcp",
            "http://h:1/sse?client_id=x",
            "http://h:1/health#f",
        ] {
            let dialect = Hybrid::new(&Url::parse(given).unwrap());
            assert_eq!(
                dialect.endpoints().post.as_str(),
                "http://h:1/mcp",
                "{given}"
            );
            assert_eq!(
                dialect.endpoints().stream.as_str(),
                "http://h:1/sse",
                "{given}"
            );
            assert_eq!(
                dialect.endpoints().health.as_ref().unwrap().as_str(),
                "http://h:1/health",
                "{given}"
            );
        }
        let below = Hybrid::new(&Url::parse("http://h/a/b/mcp/").unwrap());
        assert_eq!(below.endpoints().stream.as_str(), "http://h/a/b/sse");
    }

    #[test]
    fn the_client_id_is_escaped() {
        let dialect = Hybrid::new(&Url::parse("http://h/mcp").unwrap());
        let state = SessionState {
            client_id: "a b&c".to_owned(),
            ..SessionState::default()
        };
        assert_eq!(
            dialect.open_stream(&state, &Value::Null).url.as_str(),
            "http://h/sse?client_id=a+b%26c"
        );
    }
}
