//! Sends what a trigger comes to, and says what the target made of it.

use std::sync::Arc;

use super::feed;
use super::publishes::Outcome;
use super::shared::Shared;
use super::token::Token;
use super::trigger::{HttpTrigger, ToolTrigger, Trigger};
use crate::protocol::Headers;
use crate::transport::session::Special;
use crate::transport::{ClientOptions, Exchange, HttpClient, Session};

/// How much of a reply to an HTTP trigger is read so that its connection can be used again, in bytes.
const REPLY_BYTES_MAX: usize = 64 * 1024;

/// Sends publishes in the way of one trigger.
pub(super) enum Sender {
    /// In a session of its own.
    Tool(Box<Session>, ToolTrigger),
    /// Without one.
    Http(HttpClient, HttpTrigger),
}

/// What the target said of a publish.
pub(super) struct Reply {
    pub(super) outcome: Outcome,
    /// For a person.
    pub(super) words: String,
    bad: Bad,
}

/// What is counted if it was not acknowledged.
enum Bad {
    Exchange(Box<Exchange>),
    Failure(crate::transport::Failure),
    Status(u16),
}

impl Sender {
    /// Opens what is needed to publish.
    ///
    /// # Errors
    /// Why that could not be, for a person.
    pub(super) async fn connect(shared: &Shared, trigger: &Trigger) -> Result<Self, String> {
        match trigger {
            Trigger::Tool(tool) => {
                let session = Session::new(Arc::clone(&shared.link));
                match feed::connect(shared, &session).await {
                    Ok(()) => Ok(Self::Tool(Box::new(session), tool.clone())),
                    Err(error) => {
                        shared.note_bad_exchange("publisher", &error.exchange);
                        Err(format!("the publisher could not connect: {error}"))
                    }
                }
            }
            Trigger::Http(http) => {
                let plan = &shared.plan;
                // What opens the target's doors is shown to nobody else.
                let headers = if http.origin() == plan.url.origin() {
                    plan.headers.clone()
                } else {
                    Headers::new()
                };
                let options = ClientOptions {
                    keep_alive: true,
                    connect_timeout: plan.timeout,
                    headers,
                    ..ClientOptions::default()
                };
                let client = HttpClient::new(options).map_err(|error| error.to_string())?;
                Ok(Self::Http(client, http.clone()))
            }
        }
    }

    /// Makes one publish and waits for what the target says of it.
    pub(super) async fn publish(&self, shared: &Shared, token: Token) -> Reply {
        match self {
            Self::Tool(session, tool) => {
                let params = tool.params(token);
                let exchange = session
                    .request("tools/call", Some(params), Special::default())
                    .await;
                Reply {
                    outcome: outcome_of(&exchange),
                    words: exchange.describe(),
                    bad: Bad::Exchange(Box::new(exchange)),
                }
            }
            Self::Http(client, http) => post(shared, client, http, token).await,
        }
    }

    /// Ends the session, if there is one.
    pub(super) async fn end(&self, shared: &Shared) {
        if let Self::Tool(session, _) = self {
            feed::end(shared, session).await;
        }
    }
}

impl Reply {
    /// Counts a publish that was not acknowledged.
    pub(super) fn note_bad(&self, shared: &Shared, what: &str) {
        match &self.bad {
            Bad::Exchange(exchange) => shared.note_bad_exchange(what, exchange),
            // The address of an HTTP trigger need not be the target's: that nobody is there says nothing of the target.
            Bad::Failure(failure) => shared.errors.add(format!("{what}: {}", failure.kind())),
            Bad::Status(status) => shared.errors.add(format!("{what}: status {status}")),
        }
    }
}

async fn post(shared: &Shared, client: &HttpClient, http: &HttpTrigger, token: Token) -> Reply {
    let Some(request) = http.request(token) else {
        let failure = crate::transport::Failure::Unsendable("no URL".to_owned());
        return failed(failure);
    };
    let patience = shared.plan.timeout;
    let mut response = match client.open(&client.complete(request), patience).await {
        Ok(response) => response,
        Err(failure) => return failed(failure),
    };
    let status = response.status().as_u16();
    // Its head says it all; the rest is read within bounds, since a connection with something left in it is lost.
    let rest = async {
        let mut left = REPLY_BYTES_MAX;
        while let Ok(Some(chunk)) = response.chunk().await {
            left = left.saturating_sub(chunk.len());
            if left == 0 {
                return;
            }
        }
    };
    let _given_up = tokio::time::timeout(patience, rest).await;
    let hint = if (300..400).contains(&status) {
        "; a redirect is not followed"
    } else {
        ""
    };
    Reply {
        outcome: match status {
            200..=299 => Outcome::Acknowledged,
            400..=499 => Outcome::Refused,
            _ => Outcome::Unknown,
        },
        words: format!("status {status}{hint}"),
        bad: Bad::Status(status),
    }
}

fn failed(failure: crate::transport::Failure) -> Reply {
    Reply {
        outcome: Outcome::Unknown,
        words: failure.to_string(),
        bad: Bad::Failure(failure),
    }
}

/// What the target said of a call. A tool that failed, an error response and a status 4xx say that it was not done.
fn outcome_of(exchange: &Exchange) -> Outcome {
    if let Some(result) = exchange.result() {
        let failed = result.get("isError").and_then(serde_json::Value::as_bool);
        return match failed {
            Some(true) => Outcome::Refused,
            _ => Outcome::Acknowledged,
        };
    }
    let refused = exchange.response().is_some()
        || exchange
            .status()
            .is_some_and(|status| (400..500).contains(&status));
    if refused {
        Outcome::Refused
    } else {
        Outcome::Unknown
    }
}
