//! The stream of HTTP+SSE and the `endpoint` event with which it begins (2024-11-05, basic/transports#http-with-sse).

use serde_json::Value;
use url::Url;

use super::super::brought::{Brought, Outcome};
use super::super::context::STREAM_URL;
use crate::excerpt::quote;
use crate::protocol::MessageKind;
use crate::scenario::template::Variables;
use crate::transport::sse::Event;

const ENDPOINT: &str = "endpoint";

/// The events that were seen, in order.
fn events(brought: &Brought) -> Vec<&Event> {
    let blocks = brought.blocks();
    blocks
        .into_iter()
        .filter_map(|block| block.event())
        .collect()
}

/// The first event is an `endpoint` event.
pub(super) fn first_event(brought: &Brought, _variables: &Variables) -> Outcome {
    match events(brought).first() {
        Some(event) => Outcome::of(event.event == ENDPOINT, || {
            format!("the first event is named {}", quote(&event.event))
        }),
        None => Outcome::Nothing("no event came".to_owned()),
    }
}

/// One of the events is an `endpoint` event.
pub(super) fn is_sent(brought: &Brought, _variables: &Variables) -> Outcome {
    let events = events(brought);
    let sent = events.iter().any(|event| event.event == ENDPOINT);
    Outcome::of(sent, || {
        let names: Vec<String> = events.iter().map(|event| quote(&event.event)).collect();
        match names.is_empty() {
            true => "no event".to_owned(),
            false => format!("events named {}", names.join(", ")),
        }
    })
}

/// The data of the `endpoint` event is a URI reference, with a scheme of HTTP when resolved against the stream's URL.
pub(super) fn is_uri(brought: &Brought, variables: &Variables) -> Outcome {
    let (data, stream) = match named(brought, variables) {
        Ok(named) => named,
        Err(nothing) => return nothing,
    };
    let legal = |byte: u8| byte.is_ascii_graphic() && !b"\"<>\\^`{|}".contains(&byte);
    let resolves = stream
        .join(data)
        .is_ok_and(|url| matches!(url.scheme(), "http" | "https"));
    let is_uri = !data.is_empty() && data.bytes().all(legal) && resolves;
    Outcome::of(is_uri, || quote(data))
}

/// The `endpoint` event names a URL of the stream's origin.
pub(super) fn is_of_same_origin(brought: &Brought, variables: &Variables) -> Outcome {
    let (data, stream) = match named(brought, variables) {
        Ok(named) => named,
        Err(nothing) => return nothing,
    };
    match stream.join(data) {
        Ok(url) => Outcome::of(url.origin() == stream.origin(), || quote(url.as_str())),
        Err(_) => Outcome::Nothing(format!("{} is no URL", quote(data))),
    }
}

/// The data of the `endpoint` event, and the URL that it is relative to.
fn named<'a>(brought: &'a Brought, variables: &Variables) -> Result<(&'a str, Url), Outcome> {
    let events = events(brought);
    let data = events
        .iter()
        .find(|event| event.event == ENDPOINT)
        .map(|event| event.data.as_str())
        .ok_or_else(|| Outcome::Nothing("no 'endpoint' event came".to_owned()))?;
    let stream = variables
        .get(STREAM_URL)
        .and_then(Value::as_str)
        .and_then(|url| Url::parse(url).ok())
        .ok_or_else(|| Outcome::Nothing("this transport has no stream".to_owned()))?;
    Ok((data, stream))
}

/// No response came that belongs to no request, as one to a notification would.
pub(super) fn no_response_without_id(brought: &Brought, _variables: &Variables) -> Outcome {
    let belongs_to_none = |message: &&&Value| {
        MessageKind::of(message) == MessageKind::Response
            && message.get("id").is_none_or(Value::is_null)
    };
    let documents = brought.documents();
    let response = documents.iter().find(belongs_to_none);
    Outcome::of(response.is_none(), || {
        crate::excerpt::clip(&response.map(ToString::to_string).unwrap_or_default(), 200)
    })
}

/// The body that answers the POST holds no response: that comes on the stream.
pub(super) fn no_response_in_body(brought: &Brought, _variables: &Variables) -> Outcome {
    let Some(reply) = brought.exchange().and_then(|exchange| exchange.reply()) else {
        return Outcome::Nothing("there is no reply".to_owned());
    };
    let is_response = |body: &Value| MessageKind::of(body) == MessageKind::Response;
    let holds = reply.json.as_ref().is_some_and(is_response) || !reply.blocks.is_empty();
    Outcome::of(!holds, || brought.describe())
}
