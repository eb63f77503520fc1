//! JSON-RPC 2.0 messages, kept as the JSON that was sent: a typed view would hide what a target did wrong.

use serde_json::{Value, json};

/// What a message is, judged by the members that decide it (jsonrpc#4, jsonrpc#5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MessageKind {
    /// Has `method` and `id`.
    Request,
    /// Has `method` and no `id`.
    Notification,
    /// Has `result` or `error` and no `method`.
    Response,
    /// None of these.
    Other,
}

impl MessageKind {
    /// Classifies a message.
    pub fn of(message: &Value) -> Self {
        let has = |member| message.get(member).is_some();
        match (has("method"), has("id"), has("result") || has("error")) {
            (true, true, _) => Self::Request,
            (true, false, _) => Self::Notification,
            (false, _, true) => Self::Response,
            (false, _, false) => Self::Other,
        }
    }
}

/// A request message. `params` is left out when it is `None`.
pub fn request(id: &Value, method: &str, params: Option<&Value>) -> Value {
    let mut message = json!({"jsonrpc": "2.0", "id": id, "method": method});
    add_params(&mut message, params);
    message
}

/// A notification message. `params` is left out when it is `None`.
pub fn notification(method: &str, params: Option<&Value>) -> Value {
    let mut message = json!({"jsonrpc": "2.0", "method": method});
    add_params(&mut message, params);
    message
}

fn add_params(message: &mut Value, params: Option<&Value>) {
    if let (Some(object), Some(params)) = (message.as_object_mut(), params) {
        object.insert("params".to_owned(), params.clone());
    }
}

/// How this client calls itself (basic/lifecycle#initialization).
pub fn client_info() -> Value {
    json!({"name": "mcp-plumb", "version": env!("CARGO_PKG_VERSION")})
}

/// Whether two ids are the same in value and JSON type. Numbers compare by value: `1` and `1.0` are the same number.
pub fn same_id(a: &Value, b: &Value) -> bool {
    a == b
        || match (a, b) {
            (Value::Number(a), Value::Number(b)) => match (a.as_i64(), b.as_i64()) {
                (Some(a), Some(b)) => a == b,
                _ => a.as_f64() == b.as_f64(),
            },
            _ => false,
        }
}

/// The response to `id` among `messages`: the one with exactly that id, or else the only response there is. The second
/// case lets a check go on when the target got the id wrong; that it did is a finding of its own.
pub fn response_to<'a>(messages: &'a [Value], id: &Value) -> Option<&'a Value> {
    let responses = || {
        messages
            .iter()
            .filter(|message| MessageKind::of(message) == MessageKind::Response)
    };
    let exact = responses().find(|message| message.get("id").is_some_and(|got| same_id(got, id)));
    exact.or_else(|| {
        let mut rest = responses();
        rest.next().filter(|_| rest.next().is_none())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds() {
        let cases = [
            (json!({"id": 1, "method": "ping"}), MessageKind::Request),
            (json!({"id": null, "method": "ping"}), MessageKind::Request),
            (json!({"method": "x"}), MessageKind::Notification),
            (json!({"id": 1, "result": {}}), MessageKind::Response),
            (json!({"error": {"code": 1}}), MessageKind::Response),
            (json!({"type": "hello"}), MessageKind::Other),
            (json!([]), MessageKind::Other),
            (json!(null), MessageKind::Other),
        ];
        for (message, kind) in cases {
            assert_eq!(MessageKind::of(&message), kind, "{message}");
        }
    }

    #[test]
    fn ids_compare_by_value_and_type() {
        assert!(same_id(&json!(0), &json!(0)));
        assert!(!same_id(&json!(1), &json!("1")));
        assert!(!same_id(
            &json!(9_007_199_254_740_991_i64),
            &json!(9_007_199_254_740_990_i64)
        ));
        assert!(!same_id(&json!(0), &json!(null)));
        assert!(same_id(&json!(1), &json!(1.0)));
        assert!(!same_id(&json!(1), &json!(1.5)));
    }

    #[test]
    fn a_wrong_id_is_still_found_when_it_is_the_only_response() {
        let wrong = json!({"id": "7", "result": {}});
        assert_eq!(
            response_to(std::slice::from_ref(&wrong), &json!(7)),
            Some(&wrong)
        );
        let both = [wrong.clone(), json!({"id": 7, "result": {}})];
        assert_eq!(response_to(&both, &json!(7)), both.get(1));
        assert_eq!(response_to(&[wrong.clone(), wrong], &json!(7)), None);
    }
}
