//! Tools that ask the client, and the requests that they send: elicitation, sampling, roots, ping
//! (2025-11-25 client/elicitation, client/sampling, client/roots, basic/utilities/ping).

use std::sync::Arc;
use std::sync::atomic::Ordering;

use serde_json::{Value, json};

use super::tools::{failure, text};
use super::{Caller, Sink, arguments};
use crate::faults::{Fault, FaultSet};
use crate::jsonrpc::{self, Params, notification};
use crate::revision::Revision;
use crate::server::Shared;
use crate::session::{Session, random_hex};

/// Tokens that a model may answer with.
pub(super) const TOKENS_MAX: u32 = 200;
const NO_WAY_BACK: &str = "this transport has no way to ask the client";

/// Whether a tool is one of these.
pub(super) fn asks(tool: &str) -> bool {
    matches!(tool, "ask_user" | "ask_model" | "ask_roots" | "ask_ping")
}

/// Runs one of the tools that ask. What goes wrong on the way is told in the result.
pub(super) async fn call(
    tool: &str,
    given: &Params,
    caller: &Caller<'_>,
    sink: &Sink<'_>,
) -> Value {
    let Some(session) = caller.session else {
        return failure(NO_WAY_BACK);
    };
    let asking = Asking {
        shared: caller.shared,
        session,
        sink,
    };
    let answer = match tool {
        "ask_user" => asking.user(given).await,
        "ask_model" => asking.model(given).await,
        "ask_roots" => asking.roots().await,
        _ => asking.ping().await,
    };
    match answer {
        Ok(answer) => text(&answer.to_string()),
        Err(why) => failure(&why),
    }
}

/// Asks for the roots again if they were asked for before and the session has a stream
/// (2025-11-25 client/roots#root-list-changes).
pub(crate) fn refresh_roots(shared: &Arc<Shared>, session: &Arc<Session>) {
    let key = session.key();
    if !session.roots_known.load(Ordering::Relaxed) || !shared.hub.has_stream(&key) {
        return;
    }
    let (shared, session) = (Arc::clone(shared), Arc::clone(session));
    let calls = shared.calls.clone();
    calls.spawn(async move {
        let asking = Asking {
            shared: &shared,
            session: &session,
            sink: &Sink::Peer(&shared.hub, &key),
        };
        tokio::select! {
            // Nobody waits for the answer: that the server asks is all there is to see.
            _ = asking.roots() => {}
            () = session.ended.cancelled() => {}
            () = shared.stop.cancelled() => {}
        }
    });
}

/// The form that users are asked to fill in.
pub(super) fn form() -> Value {
    json!({
        "type": "object",
        "properties": {
            "name": {"type": "string", "title": "Name"},
            "age": {"type": "integer", "minimum": 0, "maximum": 150},
            "colour": {"type": "string", "enum": ["red", "green", "blue"]},
            "subscribe": {"type": "boolean"},
        },
        "required": ["name"],
    })
}

/// One tool call that asks one client.
struct Asking<'a> {
    shared: &'a Shared,
    session: &'a Session,
    sink: &'a Sink<'a>,
}

impl Asking<'_> {
    fn faults(&self) -> FaultSet {
        self.shared.faults()
    }

    async fn user(&self, given: &Params) -> Result<Value, String> {
        let message = given.get("message").and_then(Value::as_str);
        let message = message.unwrap_or("Who are you?");
        if given.get("mode").and_then(Value::as_str) == Some("url") {
            self.user_by_page(message).await
        } else {
            self.user_by_form(message).await
        }
    }

    async fn user_by_form(&self, message: &str) -> Result<Value, String> {
        let client = self.session.client();
        if !client.elicitation_form {
            return Err(undeclared("elicitation (form)"));
        }
        let mut schema = form();
        if self.faults().has(Fault::ElicitationSchemaNested)
            && let Some(Value::Object(properties)) = schema.get_mut("properties")
        {
            let address = json!({"type": "object", "properties": {"city": {"type": "string"}}});
            properties.insert("address".to_owned(), address);
        }
        let mut params = json!({"message": message, "requestedSchema": schema});
        if self.session.revision() >= Revision::V2025_11_25
            && let Some(members) = params.as_object_mut()
        {
            members.insert("mode".to_owned(), json!("form"));
        }
        let answer = self.ask("elicitation/create", Some(params)).await?;
        check_form(&answer, &schema)?;
        Ok(answer)
    }

    /// Sends the user to a page. What happens there the server would learn by itself; here nothing does.
    async fn user_by_page(&self, message: &str) -> Result<Value, String> {
        let client = self.session.client();
        let undeclared_anyway =
            client.elicitation_form && self.faults().has(Fault::ElicitationUrlUndeclared);
        if !client.elicitation_url && !undeclared_anyway {
            return Err(undeclared("elicitation (url)"));
        }
        let id = random_hex().ok_or("the machine has no randomness to give")?;
        let params = json!({
            "mode": "url",
            "message": message,
            "elicitationId": id,
            "url": format!("https://example.com/questions/{id}"),
        });
        let answer = self.ask("elicitation/create", Some(params)).await?;
        if check_action(&answer)? == "accept" {
            let params = json!({"elicitationId": id});
            let complete = notification("notifications/elicitation/complete", params);
            self.sink.send(&complete);
        }
        Ok(answer)
    }

    async fn model(&self, given: &Params) -> Result<Value, String> {
        if !self.session.client().sampling {
            return Err(undeclared("sampling"));
        }
        let prompt = given.get("prompt").and_then(Value::as_str);
        let content = json!({"type": "text", "text": prompt.unwrap_or_default()});
        let mut params = json!({"messages": [{"role": "user", "content": content}]});
        if !self.faults().has(Fault::SamplingWithoutMaxTokens)
            && let Some(members) = params.as_object_mut()
        {
            members.insert("maxTokens".to_owned(), json!(TOKENS_MAX));
        }
        let answer = self.ask("sampling/createMessage", Some(params)).await?;
        let fits = answer.get("content").is_some() && answer.get("model").is_some();
        fits.then_some(answer)
            .ok_or_else(|| "the client answered without content or model".to_owned())
    }

    async fn roots(&self) -> Result<Value, String> {
        let declared = self.session.client().roots;
        if !declared && !self.faults().has(Fault::RootsAskedUndeclared) {
            return Err(undeclared("roots"));
        }
        self.session.roots_known.store(true, Ordering::Relaxed);
        let answer = self.ask("roots/list", None).await?;
        let fits = answer.get("roots").is_some_and(Value::is_array);
        fits.then_some(answer)
            .ok_or_else(|| "the client answered without roots".to_owned())
    }

    async fn ping(&self) -> Result<Value, String> {
        self.ask("ping", None).await
    }

    /// Sends a request and waits for the result; the error says why there is none. A request that took too
    /// long is cancelled (2025-11-25 basic/lifecycle#timeouts).
    async fn ask(&self, method: &str, params: Option<Value>) -> Result<Value, String> {
        let outstanding = &self.session.outstanding;
        let mut question = outstanding
            .begin()
            .ok_or("too many requests wait for this client")?;
        let id = if self.faults().has(Fault::ServerRequestIdNull) {
            Value::Null
        } else {
            question.id.to_value()
        };
        if !self
            .sink
            .request(&jsonrpc::request(id.clone(), method, params))
        {
            return Err(NO_WAY_BACK.to_owned());
        }
        let deadline = self.shared.config.client_timeout;
        match tokio::time::timeout(deadline, question.answer()).await {
            Ok(Some(Ok(result))) => Ok(result),
            Ok(Some(Err(error))) => {
                let message = error.get("message").and_then(Value::as_str);
                Err(format!(
                    "the client refused: {}",
                    message.unwrap_or("it did not say why")
                ))
            }
            Ok(None) => Err("the session ended".to_owned()),
            Err(_) => {
                let params = json!({"requestId": id, "reason": "no answer in time"});
                let cancelled = notification("notifications/cancelled", params);
                self.sink.send(&cancelled);
                Err("the client did not answer in time".to_owned())
            }
        }
    }
}

fn undeclared(capability: &str) -> String {
    format!("the client did not declare the capability {capability}")
}

/// What the user did: accept, decline or cancel.
pub(super) fn check_action(answer: &Value) -> Result<&str, String> {
    answer
        .get("action")
        .and_then(Value::as_str)
        .filter(|action| matches!(*action, "accept" | "decline" | "cancel"))
        .ok_or_else(|| "the client answered without accept, decline or cancel".to_owned())
}

/// Content that was accepted has to fit what was asked for (2025-11-25 client/elicitation#security-considerations).
pub(super) fn check_form(answer: &Value, schema: &Value) -> Result<(), String> {
    if check_action(answer)? != "accept" {
        return Ok(());
    }
    let content = answer
        .get("content")
        .and_then(Value::as_object)
        .ok_or("the client accepted without content")?;
    match arguments::violation(schema, content) {
        Some(violation) => Err(format!("the answer does not fit: {violation}")),
        None => Ok(()),
    }
}
