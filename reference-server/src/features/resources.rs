//! Two resources and a template (2025-11-25 server/resources).

use std::sync::Mutex;

use serde_json::{Value, json};

use crate::jsonrpc::{Params, RESOURCE_NOT_FOUND, RpcError};
use crate::lock::lock;

const README: &str = "plumb://readme";
const BOARD: &str = "plumb://board";
const ITEM: &str = "plumb://items/";

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
pub(crate) fn list(params: &Params) -> Result<Value, RpcError> {
    super::first_page(params)?;
    Ok(json!({"resources": [
        {"uri": README, "name": "readme", "description": "What this server is for.", "mimeType": "text/plain"},
        {"uri": BOARD, "name": "board", "description": "The payload that was published last.",
         "mimeType": "application/json"},
    ]}))
}

/// `resources/templates/list`.
pub(crate) fn templates(params: &Params) -> Result<Value, RpcError> {
    super::first_page(params)?;
    Ok(json!({"resourceTemplates": [
        {"uriTemplate": "plumb://items/{id}", "name": "item", "description": "An item by its id.",
         "mimeType": "text/plain"},
    ]}))
}

/// `resources/read`.
pub(crate) fn read(params: &Params, board: &Board) -> Result<Value, RpcError> {
    let uri = params
        .get("uri")
        .and_then(Value::as_str)
        .ok_or_else(|| RpcError::params("uri has to be a string"))?;
    if !is_absolute(uri) {
        return Err(RpcError::params("uri has to be an absolute URI"));
    }
    let (mime_type, text) = match uri {
        README => (
            "text/plain",
            "A server to measure others against.".to_owned(),
        ),
        BOARD => ("application/json", board.text()),
        _ => ("text/plain", item(uri)?),
    };
    Ok(json!({"contents": [{"uri": uri, "mimeType": mime_type, "text": text}]}))
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
