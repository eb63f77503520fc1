//! The events of a stream, their order, and counts that move.

use serde_json::Value;

use super::super::brought::{Brought, Outcome};
use crate::excerpt::quote;
use crate::protocol::MessageKind;
use crate::scenario::model::Nth;
use crate::scenario::template::Variables;
use crate::transport::Exchange;

/// Events hold the payloads `….1`, `….2`, … of `tool.publishes.payload` in the order in which they were published.
pub(super) fn in_order_of_publication(brought: &Brought, variables: &Variables) -> Outcome {
    let Brought::Messages(messages) = brought else {
        return Outcome::Nothing("the step saw no stream".to_owned());
    };
    let Some(payload) = variables
        .get("tool.publishes.payload")
        .and_then(Value::as_str)
    else {
        return Outcome::Nothing("nothing was published".to_owned());
    };
    let marker = format!("{payload}.");
    let order: Vec<u32> = messages
        .arrivals
        .iter()
        .filter_map(|arrival| {
            let data = &arrival.block.event()?.data;
            let (_, after) = data.split_once(marker.as_str())?;
            let digits: String = after.chars().take_while(char::is_ascii_digit).collect();
            digits.parse().ok()
        })
        .collect();
    if order.len() < 2 {
        return Outcome::Nothing(format!("{} of the published events arrived", order.len()));
    }
    Outcome::of(order.is_sorted(), || {
        format!("they arrived in the order {order:?}")
    })
}

/// The data of every event is one JSON object.
pub(super) fn data_is_one_object(brought: &Brought, _variables: &Variables) -> Outcome {
    let Brought::Messages(messages) = brought else {
        return Outcome::Nothing("the step saw no stream".to_owned());
    };
    if messages.arrivals.is_empty() {
        return Outcome::Nothing("no event arrived".to_owned());
    }
    let odd = messages
        .arrivals
        .iter()
        .find(|arrival| arrival.message.is_none());
    Outcome::of(odd.is_none(), || {
        let data = odd.and_then(|arrival| arrival.block.event());
        quote(data.map_or("", |event| event.data.as_str()))
    })
}

/// The answer to a call brought progress notifications before the result.
pub(super) fn progress_was_sent(brought: &Brought, _variables: &Variables) -> Outcome {
    let messages = brought
        .exchange()
        .and_then(Exchange::reply)
        .map(|reply| &reply.messages);
    let is_progress =
        |message: &Value| message.get("method") == Some(&Value::from("notifications/progress"));
    let sent = messages.is_some_and(|messages| messages.iter().any(is_progress));
    Outcome::of(sent, || "no progress notification".to_owned())
}

/// The first event id is not the captured `first_event`, the first one of another stream.
pub(super) fn first_event_id_is_new(brought: &Brought, variables: &Variables) -> Outcome {
    let earlier = variables.get("first_event").and_then(Value::as_str);
    match (brought.event_id(Nth::First), earlier) {
        (Some(id), Some(earlier)) => Outcome::of(id != earlier, || {
            format!("both streams begin with the id {}", quote(earlier))
        }),
        _ => Outcome::Nothing("the events have no ids".to_owned()),
    }
}

/// What was brought holds no request of the server but `ping`, which is always allowed.
pub(super) fn no_request_to_the_client(brought: &Brought, _variables: &Variables) -> Outcome {
    let messages = match brought {
        Brought::Exchange(exchange) => match exchange.reply() {
            Some(reply) => reply.messages.iter().collect(),
            None => return Outcome::Nothing(exchange.describe()),
        },
        Brought::Messages(_) => brought.documents(),
    };
    let asks = |message: &&&Value| {
        MessageKind::of(message) == MessageKind::Request
            && message.get("method") != Some(&Value::from("ping"))
    };
    let request = messages.iter().find(asks);
    Outcome::of(request.is_none(), || {
        crate::excerpt::clip(&request.map(ToString::to_string).unwrap_or_default(), 200)
    })
}

/// `connected_clients` is one more than the captured `clients_before`.
pub(super) fn one_client_more(brought: &Brought, variables: &Variables) -> Outcome {
    compare_clients(brought, variables, |now, before| now == before + 1)
}

/// `connected_clients` is at most the captured `clients_before`.
pub(super) fn no_more_clients(brought: &Brought, variables: &Variables) -> Outcome {
    compare_clients(brought, variables, |now, before| now <= before)
}

fn compare_clients(
    brought: &Brought,
    variables: &Variables,
    holds: impl Fn(i64, i64) -> bool,
) -> Outcome {
    let now = brought.exchange().and_then(|exchange| {
        exchange
            .reply()?
            .json
            .as_ref()?
            .get("connected_clients")?
            .as_i64()
    });
    match (now, variables.get("clients_before").and_then(Value::as_i64)) {
        (Some(now), Some(before)) => {
            Outcome::of(holds(now, before), || format!("{now}, and {before} before"))
        }
        _ => Outcome::Nothing("connected_clients is no integer".to_owned()),
    }
}
