//! Judges a condition by what a step brought.

use std::collections::HashSet;
use std::time::Duration;

use serde_json::Value;

use super::brought::{Brought, Outcome};
use super::equal::same_json;
use super::probes;
use crate::protocol::MessageKind;
use crate::scenario::Condition;
use crate::scenario::condition::{AnswerKind, ValueTest};
use crate::scenario::template::{self, Variables};
use crate::scenario::words::Path;
use crate::transport::{BodyEnd, Exchange};

/// Judges `condition`.
pub(super) fn judge(condition: &Condition, brought: &Brought, variables: &Variables) -> Outcome {
    let on_exchange = |test: &dyn Fn(&Exchange) -> bool| match brought.exchange() {
        Some(exchange) => Outcome::of(test(exchange), || exchange.describe()),
        None => Outcome::Nothing("the step brought no reply".to_owned()),
    };
    match condition {
        Condition::Status(codes) => on_exchange(&|exchange| {
            exchange
                .status()
                .is_some_and(|status| codes.contains(&status))
        }),
        Condition::Answer(kind) => on_exchange(&|exchange| answers(exchange, *kind)),
        Condition::ErrorCode(codes) => on_exchange(&|exchange| {
            exchange
                .response()
                .and_then(|response| response.pointer("/error/code"))
                .and_then(Value::as_i64)
                .is_some_and(|code| codes.contains(&code))
        }),
        Condition::MediaType(types) => on_exchange(&|exchange| {
            exchange
                .reply()
                .and_then(|reply| reply.headers.media_type())
                .is_some_and(|media_type| types.contains(&media_type))
        }),
        Condition::EmptyBody(empty) => on_exchange(&|exchange| {
            exchange
                .reply()
                .is_some_and(|reply| (reply.body.is_empty() && reply.blocks.is_empty()) == *empty)
        }),
        Condition::Header { name, test } => match brought.exchange().and_then(Exchange::reply) {
            Some(reply) => {
                let value = reply
                    .headers
                    .get(name)
                    .map(|value| Value::String(value.to_owned()));
                let found: Vec<&Value> = value.iter().collect();
                judge_values(&format!("header {name}"), &found, test, variables)
            }
            None => Outcome::Nothing("there is no reply".to_owned()),
        },
        Condition::Path {
            path,
            test,
            if_present,
        } => judge_path(path, test, *if_present, brought, variables),
        Condition::Count(bounds) => match brought {
            Brought::Messages(messages) => {
                Outcome::of(bounds.contain(messages.arrivals.len()), || {
                    brought.describe()
                })
            }
            Brought::Exchange(_) => Outcome::Nothing("the step counts no messages".to_owned()),
        },
        Condition::Ended(ended) => match brought {
            Brought::Messages(messages) => Outcome::of(messages.end.is_some() == *ended, || {
                messages.end.as_ref().map_or_else(
                    || "the stream is open".to_owned(),
                    |end| format!("the stream ended ({end:?})"),
                )
            }),
            Brought::Exchange(exchange) => Outcome::of(
                exchange
                    .reply()
                    .is_some_and(|reply| (reply.end == BodyEnd::Complete) == *ended),
                || exchange.describe(),
            ),
        },
        // A target that is slow in everything is not late with this.
        Condition::AnsweredWithin(span) => {
            match brought.exchange().map(|exchange| &exchange.outcome) {
                Some(Ok(reply)) => Outcome::of(
                    reply.head_after <= span.get() + 2 * usual_answer(variables),
                    || format!("an answer after {} ms", reply.head_after.as_millis()),
                ),
                _ => Outcome::Violated(brought.describe()),
            }
        }
        Condition::Probe(name) => probes::run(name.as_str(), brought, variables),
        Condition::AnyOf(all) => any_of(
            all.iter()
                .map(|condition| judge(condition, brought, variables)),
        ),
        Condition::AllOf(all) => all
            .iter()
            .map(|condition| judge(condition, brought, variables))
            .find(|outcome| *outcome != Outcome::Holds)
            .unwrap_or(Outcome::Holds),
        // What an answer is not, only an answer can show.
        Condition::Not(_)
            if brought
                .exchange()
                .is_some_and(|exchange| exchange.reply().is_none()) =>
        {
            Outcome::Nothing(brought.describe())
        }
        Condition::Not(inner) => match judge(inner, brought, variables) {
            Outcome::Holds => Outcome::Violated(brought.describe()),
            Outcome::Violated(_) => Outcome::Holds,
            nothing @ Outcome::Nothing(_) => nothing,
        },
    }
}

/// Holds if one holds; else what the first violation says; else nothing.
fn any_of(outcomes: impl Iterator<Item = Outcome>) -> Outcome {
    let mut rest = None;
    for outcome in outcomes {
        match (&outcome, &rest) {
            (Outcome::Holds, _) => return Outcome::Holds,
            (Outcome::Violated(_), None | Some(Outcome::Nothing(_))) => rest = Some(outcome),
            (Outcome::Nothing(_), None) => rest = Some(outcome),
            _ => {}
        }
    }
    rest.unwrap_or_else(|| Outcome::Violated("none of no alternatives".to_owned()))
}

/// How long the target usually takes to answer, as the survey saw it.
fn usual_answer(variables: &Variables) -> Duration {
    let ms = variables.get(USUAL_ANSWER_MS).and_then(Value::as_u64);
    Duration::from_millis(ms.unwrap_or(0))
}

/// The variable that holds how long the target usually takes to answer, in milliseconds.
pub(super) const USUAL_ANSWER_MS: &str = "run.answer_ms";

fn answers(exchange: &Exchange, kind: AnswerKind) -> bool {
    let response = exchange
        .response()
        .filter(|response| MessageKind::of(response) == MessageKind::Response);
    let has = |member: &str| response.is_some_and(|response| response.get(member).is_some());
    match kind {
        AnswerKind::Result => has("result"),
        AnswerKind::Error => has("error"),
        AnswerKind::Any => response.is_some(),
        AnswerKind::None => response.is_none(),
    }
}

fn judge_path(
    path: &Path,
    test: &ValueTest,
    if_present: bool,
    brought: &Brought,
    variables: &Variables,
) -> Outcome {
    let documents = brought.documents();
    if documents.is_empty() {
        return match brought {
            _ if if_present => Outcome::Nothing("there is no message".to_owned()),
            Brought::Exchange(exchange) => Outcome::Violated(exchange.describe()),
            Brought::Messages(_) => Outcome::Nothing("no message to look into".to_owned()),
        };
    }
    let found: Vec<&Value> = documents
        .iter()
        .flat_map(|document| path.find(document))
        .collect();
    if found.is_empty() && if_present {
        return Outcome::Nothing(format!("there is nothing at {}", path.as_str()));
    }
    // An error in place of a result says more than that a member is missing.
    if found.is_empty()
        && let Some(exchange) = brought.exchange()
        && exchange
            .response()
            .is_some_and(|response| response.get("error").is_some())
    {
        return if test.exists == Some(false) {
            Outcome::Holds
        } else {
            Outcome::Violated(exchange.describe())
        };
    }
    judge_values(path.as_str(), &found, test, variables)
}

fn judge_values(what: &str, found: &[&Value], test: &ValueTest, variables: &Variables) -> Outcome {
    match (test.exists, found.first()) {
        (Some(false), None) => return Outcome::Holds,
        (Some(false), Some(value)) => {
            return Outcome::Violated(format!("{what} is {}", shown(value)));
        }
        (_, None) => return Outcome::Violated(format!("{what} is absent")),
        _ => {}
    }
    if test.unique {
        let mut seen = HashSet::new();
        if let Some(twice) = found.iter().find(|value| !seen.insert(value.to_string())) {
            return Outcome::Violated(format!("{what} holds {} twice", shown(twice)));
        }
    }
    let validator = match test
        .schema
        .as_ref()
        .map(jsonschema::validator_for)
        .transpose()
    {
        Ok(validator) => validator,
        Err(error) => {
            return Outcome::Nothing(format!("the schema of the check cannot be used: {error}"));
        }
    };
    for value in found {
        match violation(value, test, variables) {
            Ok(false) => {}
            Ok(true) => return Outcome::Violated(format!("{what} is {}", shown(value))),
            Err(unset) => return Outcome::Nothing(unset.to_string()),
        }
        if let Some(error) = validator
            .as_ref()
            .and_then(|validator| validator.iter_errors(value).next())
        {
            return Outcome::Violated(format!(
                "{what} is {}: at '{}' {}",
                shown(value),
                error.instance_path(),
                crate::excerpt::clip(&error.to_string(), 200)
            ));
        }
    }
    Outcome::Holds
}

/// Whether a value breaks a test (`unique` and `schema` aside).
fn violation(
    value: &Value,
    test: &ValueTest,
    variables: &Variables,
) -> Result<bool, template::Unset> {
    let differs = |wanted: &Value| Ok(!same_json(&template::render(wanted, variables)?, value));
    if let Some(wanted) = &test.equals
        && differs(wanted)?
    {
        return Ok(true);
    }
    if let Some(unwanted) = &test.not_equals
        && !differs(unwanted)?
    {
        return Ok(true);
    }
    let text = value.as_str();
    let holds_text = |holds: &dyn Fn(&str) -> bool| text.is_some_and(holds);
    if let Some(part) = &test.contains {
        let part = template::render_text(part, variables)?;
        if !holds_text(&|text| text.contains(&part)) {
            return Ok(true);
        }
    }
    let holds = test
        .one_of
        .as_ref()
        .is_none_or(|values| values.iter().any(|wanted| same_json(wanted, value)))
        && test.is.is_none_or(|kind| kind.holds(value))
        && test
            .starts_with
            .as_ref()
            .is_none_or(|start| holds_text(&|text| text.starts_with(start.as_str())))
        && test
            .matches
            .as_ref()
            .is_none_or(|pattern| holds_text(&|text| pattern.is_match(text)));
    Ok(!holds)
}

/// A value from a target, cut, on one line.
fn shown(value: &Value) -> String {
    crate::excerpt::clip(&value.to_string(), 160)
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use url::Url;

    use crate::protocol::{Headers, HttpRequest};
    use crate::transport::Reply;
    use crate::yaml::parse as yaml;

    use super::*;

    /// A reply with that status, media type and JSON body.
    pub(crate) fn reply(status: u16, media_type: &str, body: &Value) -> Brought {
        let text = if body.is_null() {
            String::new()
        } else {
            body.to_string()
        };
        let headers: Headers = [("Content-Type", media_type)].into_iter().collect();
        Brought::Exchange(Box::new(Exchange {
            request: HttpRequest::new("POST", Url::parse("http://h/mcp").unwrap()),
            id: Some(json!(1)),
            records: vec![1, 2],
            outcome: Ok(Reply {
                status,
                headers,
                body: text.into_bytes(),
                json: Some(body.clone()).filter(|body| !body.is_null()),
                blocks: Vec::new(),
                unterminated: false,
                messages: if body.is_object() {
                    vec![body.clone()]
                } else {
                    Vec::new()
                },
                end: BodyEnd::Complete,
                head_after: Duration::ZERO,
            }),
            elapsed: Duration::ZERO,
        }))
    }

    #[test]
    fn conditions_on_a_reply() {
        let good = reply(
            200,
            "application/json; charset=utf-8",
            &json!({"jsonrpc": "2.0", "id": 1, "result": {"tools": [{"name": "a"}, {"name": "b"}], "n": 3}}),
        );
        let refused = reply(
            400,
            "text/plain",
            &json!({"jsonrpc": "2.0", "id": 1, "error": {"code": -32600, "message": "no"}}),
        );
        let empty = reply(202, "", &Value::Null);
        let variables: Variables = [("first".to_owned(), json!("a"))].into_iter().collect();
        let cases: [(&str, &Brought, bool); 20] = [
            ("{ status: [200, 202] }", &good, true),
            ("{ status: [200] }", &empty, false),
            ("{ answer: result }", &good, true),
            ("{ answer: result }", &refused, false),
            ("{ answer: none }", &empty, true),
            ("{ error_code: [-32600] }", &refused, true),
            ("{ error_code: [-32601] }", &refused, false),
            ("{ media_type: [application/json] }", &good, true),
            ("{ empty_body: true }", &empty, true),
            ("{ empty_body: true }", &good, false),
            (
                "{ header: content-type, starts_with: application/json }",
                &good,
                true,
            ),
            ("{ header: allow, exists: false }", &good, true),
            ("{ header: allow, contains: POST }", &good, false),
            (
                "{ path: '$.result.tools[*].name', unique: true, is: string }",
                &good,
                true,
            ),
            (
                "{ path: '$.result.tools[0].name', equals: '${first}' }",
                &good,
                true,
            ),
            (
                "{ path: '$.result.tools[1].name', equals: '${first}' }",
                &good,
                false,
            ),
            (
                "{ path: '$.result.n', schema: { type: integer, minimum: 4 } }",
                &good,
                false,
            ),
            ("{ path: '$.result.x', exists: false }", &good, true),
            (
                "{ any_of: [{ status: [405] }, { answer: result }] }",
                &good,
                true,
            ),
            ("{ not: { answer: result } }", &good, false),
        ];
        for (text, brought, expected) in cases {
            let condition: Condition = yaml(text).unwrap();
            let outcome = judge(&condition, brought, &variables);
            assert_eq!(outcome == Outcome::Holds, expected, "{text}: {outcome:?}");
        }
    }

    #[test]
    fn what_did_not_occur_is_not_judged() {
        let good = reply(
            200,
            "application/json",
            &json!({"jsonrpc": "2.0", "id": 1, "result": {"tools": []}}),
        );
        let condition: Condition =
            yaml("{ path: '$.result.tools[*].title', is: string, if_present: true }").unwrap();
        assert!(matches!(
            judge(&condition, &good, &Variables::new()),
            Outcome::Nothing(_)
        ));
        let condition: Condition = yaml("{ path: '$.result.tools[*].name', is: string }").unwrap();
        assert!(matches!(
            judge(&condition, &good, &Variables::new()),
            Outcome::Violated(_)
        ));
    }

    #[test]
    fn duplicates_are_named() {
        let twice = reply(
            200,
            "application/json",
            &json!({"id": 1, "result": {"tools": [{"name": "a"}, {"name": "a"}]}}),
        );
        let condition: Condition =
            yaml("{ path: '$.result.tools[*].name', unique: true }").unwrap();
        assert_eq!(
            judge(&condition, &twice, &Variables::new()),
            Outcome::Violated("$.result.tools[*].name holds \"a\" twice".to_owned())
        );
    }
}
