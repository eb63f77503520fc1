//! JSON-RPC 2.0 messages as MCP narrows them: reading what a client sent, writing what it gets.
//!
//! MCP forbids null and fractional request ids and, since 2025-06-18, batches
//! (2025-11-25 basic/index#messages).

use serde_json::{Map, Value, json};

use crate::faults::{Fault, FaultSet};

/// The body is not JSON.
pub(crate) const PARSE_ERROR: i64 = -32700;
/// The body is JSON but no request, notification or response.
pub(crate) const INVALID_REQUEST: i64 = -32600;
/// The server has no such method.
pub(crate) const METHOD_NOT_FOUND: i64 = -32601;
/// The parameters do not fit the method.
pub(crate) const INVALID_PARAMS: i64 = -32602;
/// Something went wrong in the server.
pub(crate) const INTERNAL_ERROR: i64 = -32603;
/// The server has no such resource (2025-11-25 server/resources#error-handling).
pub(crate) const RESOURCE_NOT_FOUND: i64 = -32002;
/// A header is missing, malformed or differs from the body (2026-07-28 basic/transports/streamable-http#headers).
pub(crate) const HEADER_MISMATCH: i64 = -32020;
/// The client did not declare a capability that the request needs (2026-07-28 basic/index#error-codes).
pub(crate) const CAPABILITY_MISSING: i64 = -32021;
/// The server does not speak the version of the request (2026-07-28 basic/versioning#protocol-version-negotiation).
pub(crate) const VERSION_UNSUPPORTED: i64 = -32022;
/// The server is at one of its limits, or refuses the request before it is read.
pub(crate) const REFUSED: i64 = -32000;

/// The members of `params`.
pub(crate) type Params = Map<String, Value>;

/// What goes into the `error` member of a response.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct RpcError {
    pub(crate) code: i64,
    pub(crate) message: String,
    /// What a program may read about the error. Boxed, since it is rare and large.
    pub(crate) data: Option<Box<Value>>,
}

impl RpcError {
    pub(crate) fn new(code: i64, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            data: None,
        }
    }

    pub(crate) fn with_data(self, data: Value) -> Self {
        Self {
            data: Some(Box::new(data)),
            ..self
        }
    }

    pub(crate) fn params(message: impl Into<String>) -> Self {
        Self::new(INVALID_PARAMS, message)
    }
}

/// One message from a client.
#[derive(Debug)]
pub(crate) enum Message {
    Request(Request),
    Notification {
        method: String,
        params: Params,
    },
    /// What the client answers to a request of the server: a result, or the error object.
    Response {
        id: RequestId,
        outcome: Result<Value, Value>,
    },
}

/// What one body holds.
#[derive(Debug)]
pub(crate) enum Incoming {
    One(Message),
    /// An array that is not empty, each member read for itself (2025-03-26 basic/index#batching).
    Batch(Vec<Result<Message, Malformed>>),
}

/// A message that wants a response.
#[derive(Debug)]
pub(crate) struct Request {
    pub(crate) id: RequestId,
    pub(crate) method: String,
    pub(crate) params: Params,
}

/// A string or an integer, kept as it was written so that it is echoed unchanged.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct RequestId(Value);

impl RequestId {
    /// `None` for anything that is no legal id.
    pub(crate) fn read(value: &Value) -> Option<Self> {
        let legal = value.is_string() || value.is_i64() || value.is_u64();
        legal.then(|| Self(value.clone()))
    }

    /// The id as it stands in a message.
    pub(crate) fn to_value(&self) -> Value {
        self.0.clone()
    }
}

/// A body that is no legal message, with the id as far as it could be read.
#[derive(Debug)]
pub(crate) struct Malformed {
    pub(crate) error: RpcError,
    pub(crate) id: Option<RequestId>,
}

impl Malformed {
    /// An invalid request without an id.
    fn invalid(message: &str) -> Self {
        Self {
            error: RpcError::new(INVALID_REQUEST, message),
            id: None,
        }
    }

    /// An array where the revision has no batches.
    pub(crate) fn batch() -> Self {
        Self::invalid("batches are not supported: send one message per request")
    }
}

/// Messages that one batch may have.
const BATCH_MAX: usize = 100;

/// Reads one message and refuses batches.
pub(crate) fn parse(body: &[u8], faults: FaultSet) -> Result<Message, Malformed> {
    match parse_any(body, faults)? {
        Incoming::One(message) => Ok(message),
        Incoming::Batch(_) => Err(Malformed::batch()),
    }
}

/// Reads one message or a batch. Nesting is bounded by the parser at 128 levels.
pub(crate) fn parse_any(body: &[u8], faults: FaultSet) -> Result<Incoming, Malformed> {
    let value: Value = serde_json::from_slice(body).map_err(|error| Malformed {
        error: RpcError::new(PARSE_ERROR, format!("the body is not JSON: {error}")),
        id: None,
    })?;
    let Value::Array(members) = value else {
        return read(value, faults).map(Incoming::One);
    };
    if members.is_empty() && !faults.has(Fault::BatchEmptyAccepted) {
        return Err(Malformed::invalid("a batch has at least one message"));
    }
    if members.len() > BATCH_MAX {
        return Err(Malformed::invalid("a batch has at most 100 messages"));
    }
    let read = |member| read(member, faults);
    Ok(Incoming::Batch(members.into_iter().map(read).collect()))
}

fn read(value: Value, faults: FaultSet) -> Result<Message, Malformed> {
    let Value::Object(mut members) = value else {
        return Err(Malformed::invalid("a message is a JSON object"));
    };
    let id = members.get("id").and_then(|id| {
        let null = id.is_null() && faults.has(Fault::NullIdAnswered);
        RequestId::read(id).or_else(|| null.then(|| RequestId(Value::Null)))
    });
    if faults.has(Fault::EmptyParamsRefused)
        && members.get("method").is_some_and(|method| method == "ping")
        && members
            .get("params")
            .is_some_and(|params| *params == json!({}))
    {
        return Err(Malformed {
            error: RpcError::params("params may not be empty"),
            id,
        });
    }
    classify(&mut members, id.clone()).map_err(|error| Malformed { error, id })
}

fn classify(members: &mut Map<String, Value>, id: Option<RequestId>) -> Result<Message, RpcError> {
    let invalid = |message: &str| RpcError::new(INVALID_REQUEST, message);
    if members.get("jsonrpc").and_then(Value::as_str) != Some("2.0") {
        return Err(invalid("jsonrpc has to be \"2.0\""));
    }
    if members.contains_key("id") && id.is_none() {
        return Err(invalid("id has to be a string or an integer"));
    }
    let method = match members.remove("method") {
        Some(Value::String(method)) => method,
        Some(_) => return Err(invalid("method has to be a string")),
        None => return classify_response(members, id),
    };
    let params = match members.remove("params") {
        None => Params::new(),
        Some(Value::Object(params)) => params,
        Some(Value::Array(_)) => return Err(RpcError::params("params has to be an object")),
        Some(_) => return Err(invalid("params has to be an object")),
    };
    Ok(match id {
        Some(id) => Message::Request(Request { id, method, params }),
        None => Message::Notification { method, params },
    })
}

fn classify_response(
    members: &mut Map<String, Value>,
    id: Option<RequestId>,
) -> Result<Message, RpcError> {
    let outcome = match (members.remove("result"), members.remove("error")) {
        (Some(result), None) => Some(Ok(result)),
        (None, Some(error)) => Some(Err(error)),
        _ => None,
    };
    match (id, outcome) {
        (Some(id), Some(outcome)) => Ok(Message::Response { id, outcome }),
        _ => Err(RpcError::new(
            INVALID_REQUEST,
            "a message has a method, or an id and either result or error",
        )),
    }
}

/// The response to one request.
pub(crate) fn response(
    id: &RequestId,
    outcome: Result<Value, RpcError>,
    faults: FaultSet,
) -> Value {
    let id = match &id.0 {
        Value::Number(number) if faults.has(Fault::ResponseIdAsString) => json!(number.to_string()),
        Value::String(text) => string_id(text, faults),
        id => id.clone(),
    };
    let version = if faults.has(Fault::JsonrpcVersionWrong) {
        "1.0"
    } else {
        "2.0"
    };
    match outcome {
        Ok(result) => json!({"jsonrpc": version, "id": id, "result": result}),
        Err(error) => {
            let error = error_object(&error, faults);
            let mut response = json!({"jsonrpc": version, "id": id, "error": error});
            if faults.has(Fault::ErrorWithResult)
                && let Some(members) = response.as_object_mut()
            {
                members.insert("result".to_owned(), json!({}));
            }
            response
        }
    }
}

/// A string id as it is echoed: unchanged, but for the defects that take it for something else.
fn string_id(text: &str, faults: FaultSet) -> Value {
    let letters = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphabetic());
    if letters && faults.has(Fault::LetterIdInCapitals) {
        return json!(text.to_ascii_uppercase());
    }
    if faults.has(Fault::UnicodeIdGarbled) {
        return json!(text.replace(|character: char| !character.is_ascii(), "?"));
    }
    match text.parse::<u64>() {
        Ok(number) if faults.has(Fault::DigitIdAsNumber) => json!(number),
        _ => json!(text),
    }
}

fn error_object(error: &RpcError, faults: FaultSet) -> Value {
    let code = if error.code == INVALID_REQUEST && faults.has(Fault::ErrorCodeAsText) {
        json!(error.code.to_string())
    } else {
        json!(error.code)
    };
    if faults.has(Fault::ErrorMessageMissing) {
        return json!({"code": code});
    }
    let mut object = json!({"code": code, "message": error.message});
    if let (Some(data), Some(members)) = (&error.data, object.as_object_mut()) {
        members.insert("data".to_owned(), Value::clone(data));
    }
    object
}

/// An error about a message whose id could not be read, or had none.
///
/// The schema of 2025-11-25 makes `id` optional and non-null; older texts and plain JSON-RPC want null.
pub(crate) fn error_without_id(error: &RpcError, null_id: bool) -> Value {
    let mut message = json!({
        "jsonrpc": "2.0",
        "error": {"code": error.code, "message": error.message},
    });
    if null_id && let Some(members) = message.as_object_mut() {
        members.insert("id".to_owned(), Value::Null);
    }
    message
}

/// A request of the server. `id` is null only under a defect.
pub(crate) fn request(id: Value, method: &str, params: Option<Value>) -> Value {
    let mut message = json!({"jsonrpc": "2.0", "id": id, "method": method});
    if let (Some(members), Some(params)) = (message.as_object_mut(), params) {
        members.insert("params".to_owned(), params);
    }
    message
}

/// A message that wants no response.
pub(crate) fn notification(method: &str, params: Value) -> Value {
    json!({"jsonrpc": "2.0", "method": method, "params": params})
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(body: &str) -> String {
        match parse(body.as_bytes(), FaultSet::default()) {
            Ok(Message::Request(request)) => format!("request {}", request.id.0),
            Ok(Message::Notification { method, .. }) => format!("notification {method}"),
            Ok(Message::Response { .. }) => "response".to_owned(),
            Err(malformed) => match malformed.id {
                Some(id) => format!("{} id {}", malformed.error.code, id.0),
                None => malformed.error.code.to_string(),
            },
        }
    }

    #[test]
    fn messages_are_told_apart() {
        for (body, expected) in [
            (r#"{"jsonrpc":"2.0","id":0,"method":"ping"}"#, "request 0"),
            (
                r#"{"jsonrpc":"2.0","id":"","method":"ping"}"#,
                "request \"\"",
            ),
            (
                r#"{"jsonrpc":"2.0","id":9007199254740991,"method":"ping"}"#,
                "request 9007199254740991",
            ),
            (r#"{"jsonrpc":"2.0","id":-3,"method":"ping"}"#, "request -3"),
            (r#"{"jsonrpc":"2.0","method":"a/b"}"#, "notification a/b"),
            (r#"{"jsonrpc":"2.0","id":1,"result":{}}"#, "response"),
            (
                r#"{"jsonrpc":"2.0","id":1,"error":{"code":1,"message":""}}"#,
                "response",
            ),
            (
                r#"{"jsonrpc":"2.0","id":1,"error":{},"result":{}}"#,
                "-32600 id 1",
            ),
            (r#"{"jsonrpc":"2.0","result":{}}"#, "-32600"),
            (r#"{"jsonrpc":"2.0","id":null,"method":"ping"}"#, "-32600"),
            (r#"{"jsonrpc":"2.0","id":1.5,"method":"ping"}"#, "-32600"),
            (r#"{"jsonrpc":"2.0","id":[1],"method":"ping"}"#, "-32600"),
            (r#"{"jsonrpc":"1.0","id":7,"method":"ping"}"#, "-32600 id 7"),
            (r#"{"id":7,"method":"ping"}"#, "-32600 id 7"),
            (
                r#"{"jsonrpc":"2.0","id":"x","method":7}"#,
                "-32600 id \"x\"",
            ),
            (
                r#"{"jsonrpc":"2.0","id":3,"method":"a","params":"b"}"#,
                "-32600 id 3",
            ),
            (
                r#"{"jsonrpc":"2.0","id":3,"method":"a","params":[]}"#,
                "-32602 id 3",
            ),
            (r#"[{"jsonrpc":"2.0","id":1,"method":"ping"}]"#, "-32600"),
            ("[]", "-32600"),
            ("{}", "-32600"),
            ("null", "-32600"),
            ("", "-32700"),
            ("{\"jsonrpc\":", "-32700"),
            ("\u{feff}{}", "-32700"),
            (
                r#"{"jsonrpc":"2.0","id":"\ud800","method":"ping"}"#,
                "-32700",
            ),
        ] {
            assert_eq!(kind(body), expected, "{body}");
        }
    }

    #[test]
    fn the_members_of_a_batch_are_read_each_for_itself() {
        let read = |body: &str| parse_any(body.as_bytes(), FaultSet::default());
        let ping = r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#;
        let Ok(Incoming::Batch(members)) = read(&format!("[{ping}, 1, [], {ping}]")) else {
            panic!("no batch");
        };
        let fit: Vec<bool> = members.iter().map(Result::is_ok).collect();
        assert_eq!(fit, [true, false, false, true]);
        let many = |count: usize| format!("[{}]", vec![ping; count].join(","));
        assert!(matches!(read(&many(100)), Ok(Incoming::Batch(_))));
        for refused in [many(101), "[]".to_owned()] {
            assert_eq!(read(&refused).unwrap_err().error.code, INVALID_REQUEST);
        }
        assert!(matches!(read(ping), Ok(Incoming::One(_))));
    }

    #[test]
    fn deep_nesting_and_bad_utf8_are_parse_errors() {
        assert_eq!(kind(&"[".repeat(100_000)), "-32700");
        assert!(
            matches!(parse(b"\"\xff\"", FaultSet::default()), Err(malformed) if malformed.error.code == PARSE_ERROR)
        );
    }
}
