//! Resources, a template, and subscriptions (2025-11-25 server/resources).

use std::sync::Mutex;

use serde_json::{Value, json};

use super::{Caller, by_revision, pages};
use crate::faults::Fault;
use crate::jsonrpc::{METHOD_NOT_FOUND, Params, REFUSED, RESOURCE_NOT_FOUND, RpcError};
use crate::lock::lock;

const README: &str = "plumb://readme";
/// Changes whenever something is published.
pub(crate) const BOARD: &str = "plumb://board";
const ITEM: &str = "plumb://items/";
const ITEM_TEMPLATE: &str = "plumb://items/{id}";
/// Items that are listed, so that the list has a second page.
const ITEMS_LISTED: usize = 8;
/// Items that completion offers, more than one result may hold.
const ITEMS: usize = 250;

/// The payload that was published last.
#[derive(Debug, Default)]
pub(crate) struct Board(Mutex<Value>);

impl Board {
    pub(crate) fn set(&self, payload: Value) {
        *lock(&self.0) = payload;
    }

    fn text(&self) -> String {
        lock(&self.0).to_string()
    }
}

/// `resources/list`.
pub(super) fn list(params: &Params, caller: &Caller<'_>) -> Result<Value, RpcError> {
    let mut resources = vec![
        json!({
            "uri": README, "name": "readme", "title": "Read me",
            "description": "What this server is for.", "mimeType": "text/plain",
        }),
        json!({
            "uri": BOARD, "name": "board", "title": "Board",
            "description": "The payload that was published last.", "mimeType": "application/json",
        }),
    ];
    resources.extend((1..=ITEMS_LISTED).map(|id| {
        json!({"uri": format!("{ITEM}{id}"), "name": format!("item-{id}"), "mimeType": "text/plain"})
    }));
    let fitted = resources
        .iter()
        .map(|resource| by_revision::fit(resource, caller.revision))
        .collect();
    pages::page("resources", fitted, params, caller.shared.faults())
}

/// `resources/templates/list`.
pub(super) fn templates(params: &Params, caller: &Caller<'_>) -> Result<Value, RpcError> {
    let template = json!({
        "uriTemplate": ITEM_TEMPLATE, "name": "item", "title": "Item",
        "description": "An item by its id.", "mimeType": "text/plain",
    });
    let fitted = vec![by_revision::fit(&template, caller.revision)];
    pages::page("resourceTemplates", fitted, params, caller.shared.faults())
}

/// What a variable of a template may be; `None` if there is no such template or variable.
pub(super) fn candidates(template: &str, variable: &str) -> Option<Vec<String>> {
    let known = template == ITEM_TEMPLATE && variable == "id";
    known.then(|| (1..=ITEMS).map(|id| id.to_string()).collect())
}

/// `resources/read`.
pub(crate) fn read(params: &Params, board: &Board) -> Result<Value, RpcError> {
    let uri = uri(params)?;
    Ok(json!({"contents": [contents(uri, board)?]}))
}

/// The board as it stands in a result.
pub(super) fn board(board: &Board) -> Value {
    json!({"uri": BOARD, "mimeType": "application/json", "text": board.text()})
}

fn contents(uri: &str, of_board: &Board) -> Result<Value, RpcError> {
    let text = match uri {
        BOARD => return Ok(board(of_board)),
        README => "A server to measure others against.".to_owned(),
        _ => item(uri)?,
    };
    Ok(json!({"uri": uri, "mimeType": "text/plain", "text": text}))
}

fn uri(params: &Params) -> Result<&str, RpcError> {
    let uri = params
        .get("uri")
        .and_then(Value::as_str)
        .ok_or_else(|| RpcError::params("uri has to be a string"))?;
    if !is_absolute(uri) {
        return Err(RpcError::params("uri has to be an absolute URI"));
    }
    Ok(uri)
}

/// `resources/subscribe`. Without a session there is nobody to remember.
pub(super) fn subscribe(params: &Params, caller: &Caller<'_>) -> Result<Value, RpcError> {
    let session = caller.session.ok_or_else(no_such_method)?;
    let uri = uri(params)?;
    contents(uri, &caller.shared.board)?;
    if !session.interest.subscribe(uri) {
        let why = "this session has too many subscriptions";
        return Err(RpcError::new(REFUSED, why));
    }
    Ok(subscription_result(caller))
}

/// `resources/unsubscribe`. Ending a subscription that is not there changes nothing.
pub(super) fn unsubscribe(params: &Params, caller: &Caller<'_>) -> Result<Value, RpcError> {
    let session = caller.session.ok_or_else(no_such_method)?;
    session.interest.unsubscribe(uri(params)?);
    Ok(subscription_result(caller))
}

fn subscription_result(caller: &Caller<'_>) -> Value {
    if caller.shared.faults().has(Fault::SubscribeResultNull) {
        return Value::Null;
    }
    json!({})
}

fn no_such_method() -> RpcError {
    RpcError::new(METHOD_NOT_FOUND, "there is no such method")
}

/// Whether there is such a resource.
pub(crate) fn exists(uri: &str) -> bool {
    matches!(uri, README | BOARD) || item(uri).is_ok()
}

fn item(uri: &str) -> Result<String, RpcError> {
    let legal = |id: &&str| {
        let simple = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
        (1..=64).contains(&id.len()) && id.bytes().all(simple)
    };
    uri.strip_prefix(ITEM)
        .filter(legal)
        .map(|id| format!("This is item {id}."))
        .ok_or_else(|| RpcError::new(RESOURCE_NOT_FOUND, "there is no such resource"))
}

/// Whether a scheme and something after it are there, without blanks or control characters.
fn is_absolute(uri: &str) -> bool {
    let scheme_fits = |scheme: &str| {
        scheme.starts_with(|first: char| first.is_ascii_alphabetic())
            && scheme
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte))
    };
    let visible = uri.bytes().all(|byte| (0x21..=0x7e).contains(&byte));
    visible
        && uri
            .split_once(':')
            .is_some_and(|(scheme, rest)| scheme_fits(scheme) && !rest.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_uris_are_read_and_others_refused() {
        let board = Board::default();
        board.set(json!({"n": 1}));
        for (uri, expected) in [
            (
                json!("plumb://readme"),
                Ok("A server to measure others against."),
            ),
            (json!("plumb://board"), Ok("{\"n\":1}")),
            (json!("plumb://items/a-7"), Ok("This is item a-7.")),
            (json!("plumb://items/"), Err(-32002)),
            (json!("plumb://items/../readme"), Err(-32002)),
            (json!("file:///etc/passwd"), Err(-32002)),
            (json!("readme"), Err(-32602)),
            (json!("plumb://items/a b"), Err(-32602)),
            (json!(""), Err(-32602)),
            (json!(7), Err(-32602)),
        ] {
            let params = Params::from_iter([("uri".to_owned(), uri.clone())]);
            let got = read(&params, &board).map_err(|error| error.code);
            match (got, expected) {
                (Ok(result), Ok(text)) => assert_eq!(result["contents"][0]["text"], text),
                (got, expected) => assert_eq!(got.err(), expected.err(), "{uri}"),
            }
        }
    }
}
