//! A scenario file: what it applies to, its steps in order, and what each must bring.

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::Deserialize;

use super::condition::Condition;
use super::verbs::{Await, Close, Connect, End, Http, Listen, Notify, Quiet, Request, Verb};
use super::words::{RequirementIds, Slug, Span};
use crate::catalog::Level;
use crate::protocol::{Revision, RevisionRange, Transport};

/// One scenario file.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Scenario {
    /// `<area>/<name>`; the path of the file without `.yaml`.
    pub scenario: String,
    /// What a conforming server does, in one line.
    pub title: String,
    /// What happens, for a person.
    pub about: Option<String>,
    /// Where the scenario makes sense.
    #[serde(default)]
    pub applies: Applies,
    /// Whether it needs the target to itself.
    #[serde(default)]
    pub exclusive: bool,
    /// The steps, in order.
    pub steps: Vec<Step>,
    /// Steps that run at the end whatever happened; they never change a verdict.
    #[serde(default)]
    pub cleanup: Vec<Step>,
}

impl Scenario {
    /// Every check, in order.
    pub fn checks(&self) -> impl Iterator<Item = &Check> {
        self.steps.iter().flat_map(|step| &step.expect)
    }

    /// The id of one of its checks: `<scenario>#<slug>`.
    pub fn check_id(&self, check: &Check) -> String {
        format!("{}#{}", self.scenario, check.check)
    }
}

/// Where a scenario makes sense. What is left out does not restrict.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Applies {
    /// Transports, by name.
    #[serde(default)]
    pub transports: Vec<TransportName>,
    /// Revisions, for instance `>=2025-03-26 <2026-07-28`.
    pub revisions: Option<Revisions>,
    /// Capabilities that the target must declare, dotted for members that must be true: `tools`, `tools.listChanged`.
    #[serde(default)]
    pub capabilities: Vec<String>,
    /// Tools that the target must offer, by role.
    #[serde(default)]
    pub tools: BTreeSet<ToolRole>,
    /// Whether the target must hand out session ids.
    #[serde(default)]
    pub session_id: bool,
    /// Whether the target must open a session stream.
    #[serde(default)]
    pub stream: bool,
}

/// What a tool is good for in a scenario.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ToolRole {
    /// Answers with a result that is no error.
    Succeeds,
    /// Declares an `outputSchema` and succeeds.
    Structured,
    /// Has a required argument.
    TakesArguments,
    /// Answers with `isError: true`.
    Fails,
    /// Sends its payload to every open stream.
    Publishes,
    /// Sends progress notifications.
    Progresses,
    /// Makes the server say that its list of tools has changed.
    ChangesTools,
    /// Asks the user for something (elicitation).
    AsksUser,
    /// Asks the client's model for something (sampling).
    AsksModel,
    /// Asks the client for its roots.
    AsksRoots,
    /// Has an argument that a header field repeats (`x-mcp-header`, 2026-07-28).
    AnnotatedHeader,
}

impl ToolRole {
    /// Every role.
    pub const ALL: [Self; 11] = [
        Self::Succeeds,
        Self::Structured,
        Self::TakesArguments,
        Self::Fails,
        Self::Publishes,
        Self::Progresses,
        Self::ChangesTools,
        Self::AsksUser,
        Self::AsksModel,
        Self::AsksRoots,
        Self::AnnotatedHeader,
    ];

    /// Its name in files.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Succeeds => "succeeds",
            Self::Structured => "structured",
            Self::TakesArguments => "takes-arguments",
            Self::Fails => "fails",
            Self::Publishes => "publishes",
            Self::Progresses => "progresses",
            Self::ChangesTools => "changes-tools",
            Self::AsksUser => "asks-user",
            Self::AsksModel => "asks-model",
            Self::AsksRoots => "asks-roots",
            Self::AnnotatedHeader => "annotated-header",
        }
    }
}

/// A transport, parsed where it stands.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(try_from = "String")]
#[schemars(with = "String")]
pub struct TransportName(pub Transport);

impl TryFrom<String> for TransportName {
    type Error = crate::protocol::dialect::UnknownTransport;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse().map(Self)
    }
}

/// A range of revisions, parsed where it stands.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(try_from = "String")]
#[schemars(with = "String")]
pub struct Revisions(RevisionRange);

impl Revisions {
    /// Whether a revision lies in the range.
    pub fn contains(&self, revision: Revision) -> bool {
        self.0.contains(revision)
    }
}

impl TryFrom<String> for Revisions {
    type Error = crate::protocol::revision::UnknownRevision;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse().map(Self)
    }
}

/// One step: a verb, what must come of it, and what is kept of it.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(try_from = "RawStep")]
#[schemars(with = "RawStep")]
pub struct Step {
    /// Its name within the scenario.
    pub id: Slug,
    /// What is done.
    pub verb: Verb,
    /// Whether it is done at all: a capture that must be true, or `!capture`.
    pub when: Option<When>,
    /// For how long the step is repeated until all its conditions hold.
    pub retry_for: Option<Span>,
    /// The positive control: where one of these does not hold, what follows is not judged.
    pub require: Vec<Condition>,
    /// What is judged.
    pub expect: Vec<Check>,
    /// What later steps use.
    pub capture: BTreeMap<String, Capture>,
}

/// A check: one sentence about the target, with a stable id.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(try_from = "RawCheck")]
#[schemars(with = "RawCheck")]
pub struct Check {
    /// The second half of its id; says what holds.
    pub check: Slug,
    /// What it is judged by.
    pub rule: Rule,
    /// What makes a violation a warning although the requirement is mandatory, because the catalogue's entry says so.
    pub tolerated: Option<Condition>,
    /// Whether it is judged at all.
    pub when: Option<When>,
    /// What must hold.
    pub that: Condition,
}

/// What a check is judged by.
#[derive(Clone, Debug)]
pub enum Rule {
    /// A requirement of the catalogues, which has a level; or several, for revisions that say it each in its own words.
    Requirement(RequirementIds),
    /// A level of its own, in users' scenarios.
    Level(Level),
}

/// A capture that decides whether something is done.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(from = "String")]
#[schemars(with = "String")]
pub struct When {
    /// The name of the capture.
    pub name: String,
    /// Whether it must be false.
    pub negated: bool,
}

impl From<String> for When {
    fn from(text: String) -> Self {
        match text.strip_prefix('!') {
            Some(name) => Self {
                name: name.to_owned(),
                negated: true,
            },
            None => Self {
                name: text,
                negated: false,
            },
        }
    }
}

/// What a step keeps for later steps.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Capture {
    /// The first value that a JSONPath finds in the JSON-RPC message or JSON body.
    pub path: Option<super::words::Path>,
    /// The value of a header field.
    pub header: Option<String>,
    /// Whether a condition holds, as a boolean.
    pub holds: Option<Condition>,
    /// The id of the first or the last event that has one.
    pub event_id: Option<Nth>,
    /// With `path`: of the text that is found, what the first group of this regular expression matches.
    pub part: Option<super::words::Pattern>,
    /// Whether finding nothing is fine; the capture is then `null`.
    #[serde(default)]
    pub optional: bool,
}

/// Which of several.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Nth {
    /// The first.
    First,
    /// The last.
    Last,
}

/// A step as a file writes it.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename = "Step")]
struct RawStep {
    /// Its name within the scenario.
    id: Slug,
    /// Verb: opens a session.
    connect: Option<Connect>,
    /// Verb: sends a request.
    request: Option<Request>,
    /// Verb: sends a notification.
    notify: Option<Notify>,
    /// Verb: sends any HTTP request.
    http: Option<Http>,
    /// Verb: opens an event stream.
    listen: Option<Listen>,
    /// Verb: waits on a stream.
    r#await: Option<Await>,
    /// Verb: watches a stream on which nothing should come.
    quiet: Option<Quiet>,
    /// Verb: closes a stream.
    close: Option<Close>,
    /// Verb: ends a session.
    end: Option<End>,
    /// Whether it is done at all: a capture, or `!capture`.
    when: Option<When>,
    /// For how long the step is repeated until all its conditions hold.
    retry_for: Option<Span>,
    /// The positive control: where one of these does not hold, what follows is not judged.
    #[serde(default)]
    require: Vec<Condition>,
    /// What is judged.
    #[serde(default)]
    expect: Vec<Check>,
    /// What later steps use.
    #[serde(default)]
    capture: BTreeMap<String, Capture>,
}

/// A step that cannot be understood.
#[derive(Debug, thiserror::Error)]
#[error(
    "a step has one verb (connect, request, notify, http, listen, await, quiet, close or end); step '{step}' has {count}"
)]
struct VerbCount {
    step: Slug,
    count: usize,
}

impl TryFrom<RawStep> for Step {
    type Error = VerbCount;

    fn try_from(raw: RawStep) -> Result<Self, Self::Error> {
        let mut verbs: Vec<Verb> = [
            raw.connect.map(Verb::Connect),
            raw.request.map(Verb::Request),
            raw.notify.map(Verb::Notify),
            raw.http.map(Verb::Http),
            raw.listen.map(Verb::Listen),
            raw.r#await.map(Verb::Await),
            raw.quiet.map(Verb::Quiet),
            raw.close.map(Verb::Close),
            raw.end.map(Verb::End),
        ]
        .into_iter()
        .flatten()
        .collect();
        let count = verbs.len();
        match verbs.pop() {
            Some(verb) if count == 1 => Ok(Self {
                id: raw.id,
                verb,
                when: raw.when,
                retry_for: raw.retry_for,
                require: raw.require,
                expect: raw.expect,
                capture: raw.capture,
            }),
            _ => Err(VerbCount {
                step: raw.id,
                count,
            }),
        }
    }
}

/// A check as a file writes it.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename = "Check")]
struct RawCheck {
    /// The second half of its id; says what holds.
    check: Slug,
    /// The requirement that it is judged by, or a list of which the first that holds counts. Either this or `level`.
    requirement: Option<RequirementIds>,
    /// A level of its own, where no requirement of the catalogues is meant.
    level: Option<Level>,
    /// What makes a violation a warning although the requirement is mandatory.
    tolerated: Option<Condition>,
    /// Whether it is judged at all: a capture, or `!capture`.
    when: Option<When>,
    /// What must hold.
    that: Condition,
}

/// A check that cannot be understood.
#[derive(Debug, thiserror::Error)]
#[error("check '{0}' needs either 'requirement' or 'level'")]
struct NoRule(Slug);

impl TryFrom<RawCheck> for Check {
    type Error = NoRule;

    fn try_from(raw: RawCheck) -> Result<Self, Self::Error> {
        let rule = match (raw.requirement, raw.level) {
            (Some(id), None) => Rule::Requirement(id),
            (None, Some(level)) => Rule::Level(level),
            _ => return Err(NoRule(raw.check)),
        };
        Ok(Self {
            check: raw.check,
            rule,
            tolerated: raw.tolerated,
            when: raw.when,
            that: raw.that,
        })
    }
}
