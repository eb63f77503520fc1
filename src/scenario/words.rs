//! The small words of a scenario file, each parsed where it stands so that an error has a line.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use regex::Regex;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json_path::JsonPath;

use crate::catalog::{Catalog, Requirement};
use crate::protocol::{Revision, Transport};
use crate::suggest;

/// A word that cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct WordError(String);

/// A name in lower-case kebab case: the slug of a check, the name of a step, stream or session.
#[derive(
    Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(try_from = "String")]
#[schemars(with = "String")]
pub struct Slug(String);

impl Slug {
    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Slug {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for Slug {
    type Error = WordError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        if text.is_empty() || !text.chars().all(fits) {
            return Err(WordError(format!(
                "'{text}' is no name: use lower-case letters, digits and hyphens"
            )));
        }
        Ok(Self(text))
    }
}

/// A span of time: a whole number with `ms`, `s` or `min`, at most ten minutes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(try_from = "String")]
#[schemars(with = "String")]
pub struct Span(Duration);

impl Span {
    /// The longest span.
    pub const MAX: Duration = Duration::from_secs(600);

    /// The span as a duration.
    pub const fn get(self) -> Duration {
        self.0
    }
}

impl FromStr for Span {
    type Err = WordError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = || {
            WordError(format!(
                "'{text}' is no span of time: write for instance 500ms, 2s or 1min"
            ))
        };
        let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
        let number: u64 = digits.parse().map_err(|_| wrong())?;
        let unit_ms = match text.strip_prefix(digits) {
            Some("ms") => 1,
            Some("s") => 1_000,
            Some("min") => 60_000,
            _ => return Err(wrong()),
        };
        let span = Duration::from_millis(number.saturating_mul(unit_ms));
        if span > Self::MAX {
            return Err(WordError(format!("'{text}' is more than ten minutes")));
        }
        Ok(Self(span))
    }
}

impl TryFrom<String> for Span {
    type Error = WordError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

/// The id of a requirement in the embedded catalogues.
#[derive(
    Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(try_from = "String")]
#[schemars(with = "String")]
pub struct RequirementId(String);

impl RequirementId {
    /// The id.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for RequirementId {
    type Error = WordError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        if Catalog::embedded().get(&text).is_some() {
            return Ok(Self(text));
        }
        let ids = Catalog::embedded().iter().map(|entry| entry.id.as_str());
        let hint = suggest::hint(&text, ids);
        Err(WordError(format!(
            "no requirement has the id '{text}'{hint}"
        )))
    }
}

/// One requirement, or several that say the same for different revisions: a check is judged by the one that holds where
/// the target is.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(try_from = "OneOrSeveral")]
#[schemars(with = "OneOrSeveral")]
pub struct RequirementIds(Vec<RequirementId>);

/// An id, or a list of ids.
#[derive(Deserialize, JsonSchema)]
#[serde(untagged)]
#[schemars(rename = "RequirementIds")]
enum OneOrSeveral {
    /// The id of a requirement.
    One(String),
    /// Ids of requirements, of which the first that holds counts.
    Several(Vec<String>),
}

impl TryFrom<OneOrSeveral> for RequirementIds {
    type Error = WordError;

    fn try_from(ids: OneOrSeveral) -> Result<Self, Self::Error> {
        let ids = match ids {
            OneOrSeveral::One(id) => vec![id],
            OneOrSeveral::Several(ids) => ids,
        };
        if ids.is_empty() {
            return Err(WordError("name at least one requirement".to_owned()));
        }
        ids.into_iter()
            .map(RequirementId::try_from)
            .collect::<Result<_, _>>()
            .map(Self)
    }
}

impl RequirementIds {
    /// The ids, in the order of the file.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(RequirementId::as_str)
    }

    /// The first that holds over `transport` at `revision`.
    pub fn applicable(
        &self,
        transport: Transport,
        revision: Revision,
    ) -> Option<&'static Requirement> {
        Catalog::embedded().first_applicable(self.iter(), transport, revision)
    }
}

/// A JSONPath query (RFC 9535).
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(try_from = "String")]
#[schemars(with = "String")]
pub struct Path {
    text: String,
    query: JsonPath,
}

impl Path {
    /// The query as it was written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// What it finds, in order.
    pub fn find<'a>(&self, value: &'a serde_json::Value) -> Vec<&'a serde_json::Value> {
        self.query.query(value).all()
    }
}

impl TryFrom<String> for Path {
    type Error = WordError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let query = JsonPath::parse(&text)
            .map_err(|error| WordError(format!("'{text}' is no JSONPath: {error}")))?;
        Ok(Self { text, query })
    }
}

/// A regular expression; it matches anywhere unless it is anchored.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(try_from = "String")]
#[schemars(with = "String")]
pub struct Pattern(Regex);

impl Pattern {
    /// Whether it matches somewhere in `text`.
    pub fn is_match(&self, text: &str) -> bool {
        self.0.is_match(text)
    }

    /// What its first group matches in `text`; all that it matches, if it has no group.
    pub fn part<'t>(&self, text: &'t str) -> Option<&'t str> {
        let captures = self.0.captures(text)?;
        captures
            .get(1)
            .or_else(|| captures.get(0))
            .map(|part| part.as_str())
    }

    /// The expression as it was written.
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }
}

impl TryFrom<String> for Pattern {
    type Error = WordError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Regex::new(&text)
            .map(Self)
            .map_err(|error| WordError(format!("'{text}' is no regular expression: {error}")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans() {
        let cases = [
            ("500ms", Some(500)),
            ("2s", Some(2_000)),
            ("1min", Some(60_000)),
            ("10min", Some(600_000)),
            ("11min", None),
            ("2", None),
            ("s", None),
            ("-1s", None),
            ("1.5s", None),
            ("99999999999999999999s", None),
            ("18446744073709551615min", None),
        ];
        for (text, ms) in cases {
            assert_eq!(
                text.parse::<Span>().ok().map(Span::get),
                ms.map(Duration::from_millis),
                "{text}"
            );
        }
    }

    #[test]
    fn a_wrong_requirement_names_the_nearest() {
        let error = RequirementId::try_from("tools.list.entry-shapes".to_owned()).unwrap_err();
        assert!(
            error
                .to_string()
                .contains("did you mean 'tools.list.entry-shape'"),
            "{error}"
        );
    }

    #[test]
    fn slugs_are_kebab_case() {
        for (text, fits) in [
            ("a-b2", true),
            ("A", false),
            ("", false),
            ("a b", false),
            ("ä", false),
        ] {
            assert_eq!(Slug::try_from(text.to_owned()).is_ok(), fits, "{text}");
        }
    }
}
