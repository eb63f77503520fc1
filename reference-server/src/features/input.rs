//! Tools that need something from the client, in the way of 2026-07-28: the result says what is asked, and the client calls again
//! with the answers (2026-07-28 basic/patterns/mrtr).
//!
//! Nothing is kept here between the rounds. What was answered before travels in `requestState`, sealed with a key of this process
//! and bound to the tool and its arguments.

use std::fmt;
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Map, Value, json};
use sha2::Sha256;

use super::asking;
use super::tools::text;
use crate::faults::{Fault, FaultSet};
use crate::jsonrpc::{CAPABILITY_MISSING, Params, RpcError};
use crate::server::Shared;
use crate::wire::RequestMeta;

/// How long a client may take for one round.
const STATE_LIFETIME: Duration = Duration::from_secs(600);
/// Rounds that one call may have.
const ROUNDS_MAX: u64 = 3;
/// Bytes of answers that are carried from round to round.
const ANSWERS_BYTES_MAX: usize = 64 * 1024;
const MAC_BYTES: usize = 32;

/// What a tool asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Question {
    Form,
    Url,
    Model,
    Roots,
}

/// Whether a tool asks its client.
pub(crate) fn asks(tool: &str) -> bool {
    matches!(tool, "ask_user" | "ask_model" | "ask_roots")
}

/// Runs such a tool as far as it gets: to its next question, or to its end.
///
/// # Errors
/// -32021 if the client did not declare what has to be asked for, -32602 if the answers or the state are not what was asked for.
pub(crate) fn call(
    tool: &str,
    params: &Params,
    meta: &RequestMeta,
    shared: &Shared,
) -> Result<Value, RpcError> {
    let faults = shared.faults();
    let none = Map::new();
    let arguments = match params.get("arguments") {
        None => &none,
        Some(Value::Object(arguments)) => arguments,
        Some(_) => return Err(RpcError::params("arguments has to be an object")),
    };
    let question = question(tool, arguments);
    let rounds = match arguments.get("rounds").and_then(Value::as_u64) {
        Some(rounds) => rounds.clamp(1, ROUNDS_MAX),
        None => 1,
    };
    let origin = origin(tool, arguments);
    let mut answers = match params.get("requestState") {
        None => Vec::new(),
        Some(Value::String(state)) => shared.seal.open(state, &origin, faults)?,
        Some(_) => return Err(RpcError::params("requestState has to be a string")),
    };
    let key = key(answers.len());
    let is_odd = params
        .get("inputResponses")
        .is_some_and(|given| !given.is_object());
    if is_odd && faults.has(Fault::StatelessInputAnyType) {
        return Ok(text("whatever that was"));
    }
    let lacks_one = params
        .get("inputResponses")
        .is_some_and(|given| given.get(&key).is_none());
    if lacks_one && faults.has(Fault::StatelessAnswersMissingRefused) {
        return Err(RpcError::params("an answer is missing"));
    }
    if let Some(given) = given(params, &key)? {
        check_answer(question, given)?;
        if let Some(refusal) = refusal(question, given) {
            return Ok(text(&format!("the user chose to {refusal}")));
        }
        answers.push(given.clone());
    }
    let never_done = faults.has(Fault::StatelessInputNeverDone);
    if answers.len() as u64 >= rounds && !never_done {
        return Ok(text(&json!(answers).to_string()));
    }
    if !faults.has(Fault::StatelessInputUndeclared) {
        require(question, meta)?;
    }
    let key = self::key(answers.len());
    let state = shared.seal.close(&answers, &origin)?;
    Ok(ask(question, &key, arguments, &state, faults))
}

/// What this round asks for, by the number of answers that are there.
fn key(answers: usize) -> String {
    format!("answer-{}", answers + 1)
}

fn question(tool: &str, arguments: &Params) -> Question {
    match tool {
        "ask_model" => Question::Model,
        "ask_roots" => Question::Roots,
        _ if arguments.get("mode").and_then(Value::as_str) == Some("url") => Question::Url,
        _ => Question::Form,
    }
}

/// The answer to one question, if it is there. Answers to others are ignored.
fn given<'a>(params: &'a Params, key: &str) -> Result<Option<&'a Value>, RpcError> {
    match params.get("inputResponses") {
        None => Ok(None),
        Some(Value::Object(responses)) => Ok(responses.get(key)),
        Some(_) => Err(RpcError::params("inputResponses has to be an object")),
    }
}

/// # Errors
/// -32021, with what would have to be declared.
fn require(question: Question, meta: &RequestMeta) -> Result<(), RpcError> {
    let client = &meta.client;
    let (declared, wanted) = match question {
        Question::Form => (
            client.elicitation_form,
            json!({"elicitation": {"form": {}}}),
        ),
        Question::Url => (client.elicitation_url, json!({"elicitation": {"url": {}}})),
        Question::Model => (client.sampling, json!({"sampling": {}})),
        Question::Roots => (client.roots, json!({"roots": {}})),
    };
    if declared {
        return Ok(());
    }
    let why = "this tool needs a capability that the client did not declare";
    Err(RpcError::new(CAPABILITY_MISSING, why).with_data(json!({"requiredCapabilities": wanted})))
}

fn ask(question: Question, key: &str, arguments: &Params, state: &str, faults: FaultSet) -> Value {
    let worded = |name: &str, default: &str| {
        let given = arguments.get(name).and_then(Value::as_str);
        given.unwrap_or(default).to_owned()
    };
    let request = match question {
        Question::Form => json!({"method": "elicitation/create", "params": {
            "mode": "form",
            "message": worded("message", "Who are you?"),
            "requestedSchema": asking::form(),
        }}),
        Question::Url => json!({"method": "elicitation/create", "params": {
            "mode": "url",
            "message": worded("message", "Please confirm on this page."),
            "url": "https://example.com/confirm",
            "elicitationId": key,
        }}),
        Question::Model => json!({"method": "sampling/createMessage", "params": {
            "messages": [{"role": "user", "content": {
                "type": "text",
                "text": worded("prompt", "Say one friendly word."),
            }}],
            "maxTokens": asking::TOKENS_MAX,
        }}),
        Question::Roots => json!({"method": "roots/list", "params": {}}),
    };
    let state = if faults.has(Fault::StatelessStateNotText) {
        json!({"state": state})
    } else {
        json!(state)
    };
    if faults.has(Fault::StatelessInputEmpty) {
        return json!({"resultType": "input_required"});
    }
    let request = match request {
        mut wordless if faults.has(Fault::StatelessQuestionWordless) => {
            if let Some(params) = wordless["params"].as_object_mut() {
                params.remove("message");
            }
            wordless
        }
        mut nested if faults.has(Fault::ElicitationSchemaNested) && question == Question::Form => {
            nested["params"]["requestedSchema"]["properties"]["answer"] =
                json!({"type": "object", "properties": {"a": {"type": "string"}}});
            nested
        }
        Value::Object(_)
            if faults.has(Fault::ElicitationUrlUndeclared) && question == Question::Form =>
        {
            json!({"method": "elicitation/create", "params": {
                "mode": "url",
                "message": "Please confirm on this page.",
                "url": "https://example.com/confirm",
                "elicitationId": key,
            }})
        }
        request => request,
    };
    let requests = if faults.has(Fault::StatelessInputAsList) {
        json!([request])
    } else {
        json!({key: request})
    };
    let mut result =
        json!({"resultType": "input_required", "inputRequests": requests, "requestState": state});
    if faults.has(Fault::StatelessInputCached) {
        result["ttlMs"] = json!(0);
        result["cacheScope"] = json!("private");
    }
    result
}

/// # Errors
/// -32602 if the answer has not the form of one to this question.
fn check_answer(question: Question, given: &Value) -> Result<(), RpcError> {
    let text = |value: &Value, name: &str| value.get(name).is_some_and(Value::is_string);
    let fits = match question {
        Question::Form => asking::check_form(given, &asking::form()).is_ok(),
        Question::Url => asking::check_action(given).is_ok(),
        Question::Model => {
            given.get("role").and_then(Value::as_str) == Some("assistant")
                && text(given, "model")
                && given
                    .get("content")
                    .is_some_and(|content| content.is_object() || content.is_array())
        }
        Question::Roots => given
            .get("roots")
            .and_then(Value::as_array)
            .is_some_and(|roots| roots.iter().all(|root| text(root, "uri"))),
    };
    if fits {
        return Ok(());
    }
    let why = "an input response does not fit what was asked for";
    Err(RpcError::params(why))
}

/// What the user chose instead of an answer.
fn refusal(question: Question, given: &Value) -> Option<&str> {
    let elicited = matches!(question, Question::Form | Question::Url);
    let action = given.get("action").and_then(Value::as_str);
    action.filter(|action| elicited && *action != "accept")
}

/// What a state belongs to: the tool and its arguments, whose members a client may write in any order.
fn origin(tool: &str, arguments: &Params) -> String {
    let mut arguments = Value::Object(arguments.clone());
    arguments.sort_all_objects();
    json!([tool, arguments]).to_string()
}

/// Protects `requestState` by a key that is made at start and never leaves the process.
pub(crate) struct Seal {
    key: Option<[u8; 32]>,
    start: Instant,
}

impl fmt::Debug for Seal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Seal").finish_non_exhaustive()
    }
}

impl Default for Seal {
    fn default() -> Self {
        let mut key = [0_u8; 32];
        Self {
            key: getrandom::fill(&mut key).is_ok().then_some(key),
            start: Instant::now(),
        }
    }
}

impl Seal {
    /// # Errors
    /// -32603 if the machine had no randomness for a key, or the answers are too long to be carried on.
    fn close(&self, answers: &[Value], origin: &str) -> Result<String, RpcError> {
        let expires = (self.start.elapsed() + STATE_LIFETIME).as_secs();
        let body = json!([expires, answers]).to_string();
        if body.len() > ANSWERS_BYTES_MAX {
            return Err(RpcError::params("the answers are longer than 64 KiB"));
        }
        let mac = self
            .mac(body.as_bytes(), origin)
            .ok_or_else(|| RpcError::new(-32603, "no key could be made"))?;
        let mut sealed = mac.finalize().into_bytes().to_vec();
        sealed.extend_from_slice(body.as_bytes());
        Ok(URL_SAFE_NO_PAD.encode(sealed))
    }

    /// The answers of earlier rounds.
    ///
    /// # Errors
    /// -32602 if the state was changed, belongs to another call or process, or is too old.
    fn open(&self, state: &str, origin: &str, faults: FaultSet) -> Result<Vec<Value>, RpcError> {
        let answers = self.verified(state, origin);
        if faults.has(Fault::StatelessStateNotVerified) {
            return Ok(answers.unwrap_or_default());
        }
        let why = "this requestState is not one of this call, or too old";
        answers.ok_or_else(|| RpcError::params(why))
    }

    fn verified(&self, state: &str, origin: &str) -> Option<Vec<Value>> {
        let sealed = URL_SAFE_NO_PAD.decode(state).ok()?;
        let (tag, body) = sealed.split_at_checked(MAC_BYTES)?;
        self.mac(body, origin)?.verify_slice(tag).ok()?;
        let (expires, answers) = serde_json::from_slice::<(u64, Vec<Value>)>(body).ok()?;
        (self.start.elapsed().as_secs() <= expires).then_some(answers)
    }

    fn mac(&self, body: &[u8], origin: &str) -> Option<Hmac<Sha256>> {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.key?).ok()?;
        // The length keeps one part from being taken for the other.
        mac.update(&(origin.len() as u64).to_be_bytes());
        mac.update(origin.as_bytes());
        mac.update(body);
        Some(mac)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NO_FAULTS: fn() -> FaultSet = FaultSet::default;

    #[test]
    fn a_state_is_good_for_its_own_call_and_process_only() {
        let seal = Seal::default();
        let own = origin("ask_user", &Params::new());
        let answers = vec![json!({"action": "accept", "content": {"name": "x"}})];
        let state = seal.close(&answers, &own).unwrap();
        assert_eq!(seal.open(&state, &own, NO_FAULTS()).unwrap(), answers);
        let foreign = origin("ask_model", &Params::new());
        assert_eq!(
            seal.open(&state, &foreign, NO_FAULTS()).unwrap_err().code,
            -32602
        );
        assert!(Seal::default().open(&state, &own, NO_FAULTS()).is_err());
        assert!(!format!("{seal:?}").contains("key"));
    }

    #[test]
    fn every_changed_character_is_noticed() {
        let seal = Seal::default();
        let state = seal.close(&[json!("x")], "o").unwrap();
        for position in 0..state.len() {
            let mut changed = state.clone().into_bytes();
            changed[position] = if changed[position] == b'A' {
                b'B'
            } else {
                b'A'
            };
            let changed = String::from_utf8(changed).unwrap();
            assert!(seal.open(&changed, "o", NO_FAULTS()).is_err(), "{position}");
        }
        for hostile in ["", "A", "%%", "\u{1F980}", &"A".repeat(100_000)] {
            assert!(seal.open(hostile, "o", NO_FAULTS()).is_err());
        }
    }

    #[test]
    fn arguments_bind_a_state_in_any_order() {
        let read = |text: &str| serde_json::from_str::<Params>(text).unwrap();
        let origin = |text: &str| super::origin("t", &read(text));
        assert_eq!(
            origin(r#"{"a":1,"b":{"c":2,"d":3}}"#),
            origin(r#"{"b":{"d":3,"c":2},"a":1}"#)
        );
        assert_ne!(origin(r#"{"a":1}"#), origin(r#"{"a":2}"#));
    }

    #[test]
    fn answers_are_checked_against_their_questions() {
        for (question, given, fits) in [
            (
                Question::Form,
                json!({"action": "accept", "content": {"name": "x"}}),
                true,
            ),
            (
                Question::Form,
                json!({"action": "accept", "content": {"name": 1}}),
                false,
            ),
            (Question::Form, json!({"action": "accept"}), false),
            (Question::Form, json!({"action": "decline"}), true),
            (Question::Form, json!({"action": "maybe"}), false),
            (Question::Form, json!("accept"), false),
            (Question::Url, json!({"action": "accept"}), true),
            (Question::Url, json!({"action": 1}), false),
            (
                Question::Model,
                json!({"role": "assistant", "model": "m", "content": {"type": "text", "text": "x"}}),
                true,
            ),
            (
                Question::Model,
                json!({"role": "user", "model": "m", "content": {}}),
                false,
            ),
            (Question::Model, json!([]), false),
            (Question::Roots, json!({"roots": []}), true),
            (
                Question::Roots,
                json!({"roots": [{"uri": "file:///x"}]}),
                true,
            ),
            (Question::Roots, json!({"roots": [1]}), false),
            (Question::Roots, json!(null), false),
        ] {
            assert_eq!(
                check_answer(question, &given).is_ok(),
                fits,
                "{question:?} {given}"
            );
        }
    }
}
