//! What must hold: a subject, and tests on it.

use std::fmt;

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

use super::words::{Path, Pattern, Slug, Span};

/// What must hold of what a step brought. Exactly one subject.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(try_from = "RawCondition")]
#[schemars(with = "RawCondition")]
pub enum Condition {
    /// The HTTP status is one of these.
    Status(Vec<u16>),
    /// The JSON-RPC response is of this kind.
    Answer(AnswerKind),
    /// The JSON-RPC response is an error with one of these codes.
    ErrorCode(Vec<i64>),
    /// The media type is one of these.
    MediaType(Vec<String>),
    /// The body has no bytes (or, if false, has some).
    EmptyBody(bool),
    /// A header field.
    Header {
        /// Its name.
        name: String,
        /// What must hold of its value.
        test: ValueTest,
    },
    /// Values found by a JSONPath in the JSON-RPC message, or in the JSON body where it is none.
    Path {
        /// Where they stand.
        path: Path,
        /// What must hold of each.
        test: ValueTest,
        /// Whether finding nothing leaves nothing to judge, instead of being a violation.
        if_present: bool,
    },
    /// The number of messages that an `await` or a `quiet` saw.
    Count(Bounds),
    /// Whether the stream has ended.
    Ended(bool),
    /// The head of the reply came within this time.
    AnsweredWithin(Span),
    /// What a function in `probes` says.
    Probe(Slug),
    /// One of them holds.
    AnyOf(Vec<Condition>),
    /// All of them hold.
    AllOf(Vec<Condition>),
    /// It does not hold.
    Not(Box<Condition>),
}

/// Kinds of JSON-RPC response.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum AnswerKind {
    /// A response with `result`.
    Result,
    /// A response with `error`.
    Error,
    /// A response of either kind.
    Any,
    /// No response at all.
    None,
}

/// JSON types.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[expect(missing_docs, reason = "the names are JSON's own")]
pub enum JsonType {
    Object,
    Array,
    String,
    Number,
    Integer,
    Boolean,
    Null,
}

impl JsonType {
    /// Whether a value is of that type.
    pub fn holds(self, value: &Value) -> bool {
        match self {
            Self::Object => value.is_object(),
            Self::Array => value.is_array(),
            Self::String => value.is_string(),
            Self::Number => value.is_number(),
            Self::Integer => value.as_f64().is_some_and(|number| number.fract() == 0.0),
            Self::Boolean => value.is_boolean(),
            Self::Null => value.is_null(),
        }
    }
}

/// A number with a lower and an upper bound.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Bounds {
    /// At least this many.
    pub min: Option<usize>,
    /// At most this many.
    pub max: Option<usize>,
}

impl Bounds {
    /// Whether a number lies within.
    pub fn contain(self, number: usize) -> bool {
        self.min.is_none_or(|min| number >= min) && self.max.is_none_or(|max| number <= max)
    }
}

/// Tests on a value; all that are given must hold.
#[derive(Clone, Debug, Default)]
pub struct ValueTest {
    /// Whether there is one.
    pub exists: Option<bool>,
    /// Equals this, which may hold `${…}`.
    pub equals: Option<Value>,
    /// Differs from this, which may hold `${…}`.
    pub not_equals: Option<Value>,
    /// Equals one of these.
    pub one_of: Option<Vec<Value>>,
    /// As text, begins with this.
    pub starts_with: Option<String>,
    /// As text, holds this, which may hold `${…}`.
    pub contains: Option<String>,
    /// As text, matches this regular expression.
    pub matches: Option<Pattern>,
    /// Has this JSON type.
    pub is: Option<JsonType>,
    /// The values found differ from each other.
    pub unique: bool,
    /// Is valid against this JSON Schema (2020-12).
    pub schema: Option<Value>,
}

/// A condition as a file writes it.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename = "Condition")]
struct RawCondition {
    /// Subject: the HTTP status is one of these.
    status: Option<Vec<u16>>,
    /// Subject: the kind of the JSON-RPC response.
    answer: Option<AnswerKind>,
    /// Subject: the response is an error with one of these codes.
    error_code: Option<Vec<i64>>,
    /// Subject: the media type of the reply is one of these.
    media_type: Option<Vec<String>>,
    /// Subject: whether the body is empty.
    empty_body: Option<bool>,
    /// Subject: a header field, by name. Needs tests.
    header: Option<String>,
    /// Subject: a JSONPath into the JSON-RPC message. Needs tests.
    path: Option<Path>,
    /// Subject: how many messages an `await` or `quiet` saw.
    count: Option<Bounds>,
    /// Subject: whether the stream has ended.
    ended: Option<bool>,
    /// Subject: the head of the reply came within this time.
    answered_within: Option<Span>,
    /// Subject: a probe, by name.
    probe: Option<Slug>,
    /// Combinator: one of these holds.
    any_of: Option<Vec<Condition>>,
    /// Combinator: all of these hold.
    all_of: Option<Vec<Condition>>,
    /// Combinator: this does not hold.
    not: Option<Box<Condition>>,
    /// With `path`: finding nothing leaves nothing to judge.
    #[serde(default)]
    if_present: bool,
    /// Test: whether there is a value.
    exists: Option<bool>,
    /// Test: equals this.
    equals: Option<Value>,
    /// Test: differs from this.
    not_equals: Option<Value>,
    /// Test: equals one of these.
    one_of: Option<Vec<Value>>,
    /// Test: text that begins with this.
    starts_with: Option<String>,
    /// Test: text that holds this.
    contains: Option<String>,
    /// Test: text that matches this regular expression.
    matches: Option<Pattern>,
    /// Test: has this JSON type.
    is: Option<JsonType>,
    /// Test: the values found differ from each other.
    #[serde(default)]
    unique: bool,
    /// Test: valid against this JSON Schema.
    schema: Option<Value>,
}

/// A condition that cannot be understood.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ConditionError {
    /// Not exactly one subject.
    #[error(
        "a condition has one subject (status, answer, error_code, media_type, empty_body, header, path, count, ended, answered_within, probe, any_of, all_of or not); this one has {0}"
    )]
    Subjects(usize),
    /// `header` or `path` without a test.
    #[error(
        "'{0}' needs a test beside it: exists, equals, not_equals, one_of, starts_with, contains, matches, is, unique or schema"
    )]
    NoTest(&'static str),
    /// A test beside a subject that takes none.
    #[error("tests go with 'header' and 'path' only")]
    StrayTest,
    /// `if_present` without `path`.
    #[error("'if_present' goes with 'path' only")]
    StrayIfPresent,
    /// `schema` is no JSON Schema.
    #[error("'schema' is no JSON Schema: {0}")]
    Schema(String),
}

impl TryFrom<RawCondition> for Condition {
    type Error = ConditionError;

    fn try_from(raw: RawCondition) -> Result<Self, Self::Error> {
        let test = ValueTest {
            exists: raw.exists,
            equals: raw.equals,
            not_equals: raw.not_equals,
            one_of: raw.one_of,
            starts_with: raw.starts_with,
            contains: raw.contains,
            matches: raw.matches,
            is: raw.is,
            unique: raw.unique,
            schema: raw.schema,
        };
        if let Some(schema) = &test.schema {
            jsonschema::validator_for(schema)
                .map_err(|error| ConditionError::Schema(error.to_string()))?;
        }
        if raw.if_present && raw.path.is_none() {
            return Err(ConditionError::StrayIfPresent);
        }
        let takes_test = raw.header.is_some() || raw.path.is_some();
        let has_test = !test.is_empty();
        let mut subjects: Vec<Self> = [
            raw.status.map(Self::Status),
            raw.answer.map(Self::Answer),
            raw.error_code.map(Self::ErrorCode),
            raw.media_type.map(Self::MediaType),
            raw.empty_body.map(Self::EmptyBody),
            raw.count.map(Self::Count),
            raw.ended.map(Self::Ended),
            raw.answered_within.map(Self::AnsweredWithin),
            raw.probe.map(Self::Probe),
            raw.any_of.map(Self::AnyOf),
            raw.all_of.map(Self::AllOf),
            raw.not.map(Self::Not),
            raw.header.map(|name| Self::Header {
                name,
                test: test.clone(),
            }),
            raw.path.map(|path| Self::Path {
                path,
                test: test.clone(),
                if_present: raw.if_present,
            }),
        ]
        .into_iter()
        .flatten()
        .collect();
        match (subjects.len(), subjects.pop()) {
            (1, Some(Self::Header { .. })) if !has_test => Err(ConditionError::NoTest("header")),
            (1, Some(Self::Path { .. })) if !has_test => Err(ConditionError::NoTest("path")),
            (1, Some(_)) if has_test && !takes_test => Err(ConditionError::StrayTest),
            (1, Some(subject)) => Ok(subject),
            (count, _) => Err(ConditionError::Subjects(count)),
        }
    }
}

impl ValueTest {
    fn is_empty(&self) -> bool {
        self.to_string().is_empty()
    }
}

impl fmt::Display for ValueTest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut parts: Vec<String> = Vec::new();
        if let Some(exists) = self.exists {
            parts.push(if exists { "is present" } else { "is absent" }.to_owned());
        }
        if let Some(value) = &self.equals {
            parts.push(format!("equals {value}"));
        }
        if let Some(value) = &self.not_equals {
            parts.push(format!("differs from {value}"));
        }
        if let Some(values) = &self.one_of {
            let values: Vec<String> = values.iter().map(Value::to_string).collect();
            parts.push(format!("is one of {}", values.join(", ")));
        }
        if let Some(text) = &self.starts_with {
            parts.push(format!("begins with '{text}'"));
        }
        if let Some(text) = &self.contains {
            parts.push(format!("contains '{text}'"));
        }
        if let Some(pattern) = &self.matches {
            parts.push(format!("matches /{}/", pattern.as_str()));
        }
        if let Some(kind) = self.is {
            parts.push(format!("is of type {}", format!("{kind:?}").to_lowercase()));
        }
        if self.unique {
            parts.push("has no value twice".to_owned());
        }
        if let Some(schema) = &self.schema {
            parts.push(format!("is valid against {schema}"));
        }
        f.write_str(&parts.join(" and "))
    }
}

impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Status(codes) => write!(f, "status {}", alternatives(codes)),
            Self::Answer(AnswerKind::Result) => f.write_str("a JSON-RPC result"),
            Self::Answer(AnswerKind::Error) => f.write_str("a JSON-RPC error"),
            Self::Answer(AnswerKind::Any) => f.write_str("a JSON-RPC response"),
            Self::Answer(AnswerKind::None) => f.write_str("no JSON-RPC response"),
            Self::ErrorCode(codes) => {
                write!(f, "a JSON-RPC error with code {}", alternatives(codes))
            }
            Self::MediaType(types) => write!(f, "media type {}", alternatives(types)),
            Self::EmptyBody(true) => f.write_str("an empty body"),
            Self::EmptyBody(false) => f.write_str("a body"),
            Self::Header { name, test } => write!(f, "header {name} {test}"),
            Self::Path { path, test, .. } => write!(f, "{} {test}", path.as_str()),
            Self::Count(Bounds { min, max }) => match (min, max) {
                (Some(min), Some(max)) if min == max => write!(f, "exactly {min}"),
                (Some(min), Some(max)) => write!(f, "{min} to {max}"),
                (Some(min), None) => write!(f, "at least {min}"),
                (None, Some(max)) => write!(f, "at most {max}"),
                (None, None) => f.write_str("any number"),
            },
            Self::Ended(true) => f.write_str("the stream has ended"),
            Self::Ended(false) => f.write_str("the stream is open"),
            Self::AnsweredWithin(span) => {
                write!(f, "an answer within {} ms", span.get().as_millis())
            }
            Self::Probe(name) => write!(f, "{}", name.as_str().replace('-', " ")),
            Self::AnyOf(all) => f.write_str(&joined(all, " or ")),
            Self::AllOf(all) => f.write_str(&joined(all, " and ")),
            Self::Not(inner) => write!(f, "not ({inner})"),
        }
    }
}

fn alternatives<T: ToString>(values: &[T]) -> String {
    values
        .iter()
        .map(T::to_string)
        .collect::<Vec<_>>()
        .join(" or ")
}

fn joined(conditions: &[Condition], with: &str) -> String {
    let texts: Vec<String> = conditions
        .iter()
        .map(|condition| match condition {
            Condition::AnyOf(_) | Condition::AllOf(_) => format!("({condition})"),
            _ => condition.to_string(),
        })
        .collect();
    texts.join(with)
}

#[cfg(test)]
mod tests {
    use crate::yaml::parse as yaml;

    use super::*;

    #[test]
    fn conditions_read_as_sentences() {
        let cases = [
            ("{ status: [400, 404] }", "status 400 or 404"),
            ("{ answer: error }", "a JSON-RPC error"),
            (
                "{ error_code: [-32602] }",
                "a JSON-RPC error with code -32602",
            ),
            (
                "{ path: $.result.tools, is: array }",
                "$.result.tools is of type array",
            ),
            (
                "{ header: allow, contains: POST }",
                "header allow contains 'POST'",
            ),
            ("{ count: { min: 1, max: 1 } }", "exactly 1"),
            (
                "{ any_of: [{ status: [405] }, { all_of: [{ status: [202] }, { empty_body: true }] }] }",
                "status 405 or (status 202 and an empty body)",
            ),
            ("{ not: { ended: true } }", "not (the stream has ended)"),
        ];
        for (text, sentence) in cases {
            let condition: Condition = yaml(text).unwrap();
            assert_eq!(condition.to_string(), sentence, "{text}");
        }
    }

    #[test]
    fn mistakes_are_named() {
        let cases = [
            ("{}", "this one has 0"),
            ("{ status: [200], answer: result }", "this one has 2"),
            ("{ path: $.x }", "'path' needs a test"),
            ("{ header: allow }", "'header' needs a test"),
            ("{ status: [200], equals: 1 }", "tests go with"),
            ("{ answer: result, if_present: true }", "'if_present'"),
            ("{ path: '$.[', is: array }", "is no JSONPath"),
            ("{ path: $.x, matches: '(' }", "is no regular expression"),
            ("{ path: $.x, schema: { type: 7 } }", "is no JSON Schema"),
            ("{ stats: [200] }", "unknown field"),
            ("{ answer: maybe }", "maybe"),
        ];
        for (text, part) in cases {
            let error = yaml::<Condition>(text).unwrap_err().to_string();
            assert!(error.contains(part), "{text}: {error}");
        }
    }
}
