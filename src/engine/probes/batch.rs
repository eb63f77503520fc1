//! What answers a batch (2025-03-26, basic/transports#sending-messages-to-the-server; JSON-RPC 2.0, 6).

use serde_json::Value;

use super::super::brought::{Brought, Outcome};
use crate::protocol::MessageKind;
use crate::protocol::jsonrpc::same_id;
use crate::scenario::template::Variables;

/// A batch that was sent, and all messages that came back.
struct Batch {
    /// The ids of the requests in it.
    asked: Vec<Value>,
    responses: Vec<Value>,
}

impl Batch {
    fn of(brought: &Brought) -> Option<Self> {
        let exchange = brought.exchange()?;
        let body: Value = serde_json::from_slice(exchange.request.body.as_deref()?).ok()?;
        let asked = body.as_array()?.iter();
        let is_response = |message: &&Value| MessageKind::of(message) == MessageKind::Response;
        Some(Self {
            asked: asked
                .filter(|member| MessageKind::of(member) == MessageKind::Request)
                .filter_map(|member| member.get("id").cloned())
                .collect(),
            responses: exchange
                .reply()?
                .messages
                .iter()
                .filter(is_response)
                .cloned()
                .collect(),
        })
    }

    fn answers_to(&self, id: &Value) -> usize {
        let own = |response: &&Value| response.get("id").is_some_and(|got| same_id(got, id));
        self.responses.iter().filter(own).count()
    }
}

fn judged(brought: &Brought, judge: impl FnOnce(&Batch) -> Outcome) -> Outcome {
    match Batch::of(brought) {
        Some(batch) => judge(&batch),
        None => Outcome::Nothing(brought.describe()),
    }
}

/// At least one of the requests in the batch is answered by its id: the batch was taken as one.
pub(super) fn is_answered(brought: &Brought, _variables: &Variables) -> Outcome {
    judged(brought, |batch| {
        let answered = batch.asked.iter().any(|id| batch.answers_to(id) > 0);
        Outcome::of(answered, || brought.describe())
    })
}

/// Where the batch was taken: one response to each request, and none to anything else.
pub(super) fn one_response_each(brought: &Brought, _variables: &Variables) -> Outcome {
    judged(brought, |batch| {
        let counts: Vec<usize> = batch.asked.iter().map(|id| batch.answers_to(id)).collect();
        let own: usize = counts.iter().sum();
        if own == 0 {
            return Outcome::Nothing("no request of the batch is answered".to_owned());
        }
        let each = counts.iter().all(|count| *count == 1) && own == batch.responses.len();
        Outcome::of(each, || {
            format!(
                "{} responses, of which {own} answer one of {} requests",
                batch.responses.len(),
                batch.asked.len()
            )
        })
    })
}

/// Each request in the batch has a result, and what is no message an error -32600 of its own.
pub(super) fn valid_and_invalid(brought: &Brought, _variables: &Variables) -> Outcome {
    judged(brought, |batch| {
        let answered = batch.asked.iter().all(|id| batch.answers_to(id) == 1);
        let refused = batch
            .responses
            .iter()
            .any(|response| response.pointer("/error/code") == Some(&Value::from(-32600)));
        Outcome::of(answered && refused, || brought.describe())
    })
}
