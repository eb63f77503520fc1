//! What is wrong with a scenario that reads well: names that nothing sets, ids that stand twice.

use std::collections::{BTreeMap, BTreeSet};

use super::condition::Condition;
use super::model::{Scenario, Step, ToolRole, When};
use super::template;
use super::verbs::{INPUT_VARIABLES, MAIN_SESSION, Verb};
use crate::suggest;

/// Something wrong, and a word near which it stands.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Finding {
    message: String,
    near: String,
}

impl Finding {
    fn new(near: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            near: near.into(),
        }
    }

    /// The message with the line on which its word stands.
    pub(super) fn located(&self, text: &str) -> String {
        let place = text
            .lines()
            .enumerate()
            .find(|(_, line)| line.contains(&self.near));
        match place {
            Some((at, line)) => format!("line {}: {}\n  | {}", at + 1, self.message, line),
            None => format!("line 1: {}", self.message),
        }
    }
}

/// Names that the engine sets before the first step.
fn given_variables() -> BTreeSet<String> {
    let mut names = BTreeSet::from(["run.id", "revision", "harmless", "meta"].map(str::to_owned));
    for part in [
        "header",
        "value",
        "value.base64",
        "arguments.null",
        "arguments.absent",
    ] {
        let role = ToolRole::AnnotatedHeader.as_str();
        names.insert(format!("tool.{role}.{part}"));
    }
    names.insert(format!("tool.{}.changes", ToolRole::Publishes.as_str()));
    for role in ToolRole::ALL {
        for part in [
            "name",
            "name.base64",
            "name.other-case",
            "arguments",
            "payload",
        ] {
            names.insert(format!("tool.{}.{part}", role.as_str()));
        }
        // The same with a payload that tells its order.
        for n in 1..=super::PUBLICATIONS {
            names.insert(format!("tool.{}.arguments.{n}", role.as_str()));
        }
    }
    names
}

/// Checks a scenario that was read from a file whose path says that its id is `id`.
pub(super) fn lint(scenario: &Scenario, id: &str, known_probes: &[&str]) -> Result<(), Finding> {
    if scenario.scenario != id {
        return Err(Finding::new(
            &scenario.scenario,
            format!(
                "the path of the file says that this is scenario '{id}', not '{}'",
                scenario.scenario
            ),
        ));
    }
    let mut seen = Seen {
        variables: given_variables(),
        ..Seen::default()
    };
    for step in scenario.steps.iter().chain(&scenario.cleanup) {
        seen.step(step, known_probes)?;
    }
    Ok(())
}

#[derive(Default)]
struct Seen {
    steps: BTreeSet<String>,
    checks: BTreeSet<String>,
    sessions: BTreeSet<String>,
    streams: BTreeSet<String>,
    variables: BTreeSet<String>,
}

impl Seen {
    fn step(&mut self, step: &Step, known_probes: &[&str]) -> Result<(), Finding> {
        let id = step.id.as_str();
        if !self.steps.insert(id.to_owned()) {
            return Err(Finding::new(
                format!("id: {id}"),
                format!("two steps have the id '{id}'"),
            ));
        }
        self.when(step.when.as_ref())?;
        self.verb(&step.verb)?;
        for check in &step.expect {
            let slug = check.check.as_str();
            if !self.checks.insert(slug.to_owned()) {
                return Err(Finding::new(
                    slug,
                    format!("two checks have the slug '{slug}'"),
                ));
            }
            self.when(check.when.as_ref())?;
        }
        let captured = step
            .capture
            .values()
            .filter_map(|capture| capture.holds.as_ref());
        let conditions = step
            .require
            .iter()
            .chain(step.expect.iter().map(|check| &check.that))
            .chain(
                step.expect
                    .iter()
                    .filter_map(|check| check.tolerated.as_ref()),
            )
            .chain(captured);
        for condition in conditions {
            self.condition(condition, known_probes)?;
        }
        for (name, capture) in &step.capture {
            let sources = [
                capture.path.is_some(),
                capture.header.is_some(),
                capture.holds.is_some(),
                capture.event_id.is_some(),
            ];
            if sources.iter().filter(|given| **given).count() != 1 {
                return Err(Finding::new(
                    name,
                    format!("capture '{name}' takes one of path, header, holds or event_id"),
                ));
            }
        }
        self.variables.extend(step.capture.keys().cloned());
        Ok(())
    }

    fn verb(&mut self, verb: &Verb) -> Result<(), Finding> {
        match verb {
            Verb::Connect(connect) => {
                self.sessions.insert(connect.name.to_string());
                Ok(())
            }
            Verb::Listen(listen) => {
                self.streams.insert(listen.name.to_string());
                self.session(listen.session.as_str())?;
                self.headers(&listen.headers)?;
                self.value(listen.notifications.as_ref())
            }
            Verb::Await(wait) => {
                self.stream(wait.on.as_str())?;
                self.texts(wait.containing.as_ref())
            }
            Verb::Quiet(quiet) => {
                self.stream(quiet.on.as_str())?;
                self.texts(quiet.containing.as_ref())
            }
            Verb::Close(close) => self.stream(close.stream.as_str()),
            Verb::Request(request) => {
                if request.method == "initialize" {
                    self.sessions.insert(request.session.to_string());
                }
                self.session(request.session.as_str())?;
                if request.answer_input {
                    let set = INPUT_VARIABLES.map(|(name, _)| name.to_owned());
                    self.variables.extend(set);
                }
                self.texts([&request.method])?;
                self.value(request.params.as_ref())?;
                self.headers(&request.headers)
            }
            Verb::Notify(notify) => {
                self.session(notify.session.as_str())?;
                self.value(notify.params.as_ref())
            }
            Verb::Http(http) => {
                let opens = |body: &serde_json::Value| {
                    body.get("method")
                        .is_some_and(|method| method == "initialize")
                };
                let batch = http.json.as_ref().and_then(serde_json::Value::as_array);
                if batch.is_some_and(|batch| batch.iter().any(opens)) {
                    self.sessions.insert(http.session.to_string());
                }
                self.session(http.session.as_str())?;
                self.value(http.json.as_ref())?;
                self.headers(&http.headers)
            }
            Verb::End(end) => self.session(end.session.as_str()),
        }
    }

    /// A session that nothing opens is a slip of the pen; `main` alone may be used without a handshake.
    fn session(&self, name: &str) -> Result<(), Finding> {
        if name == MAIN_SESSION || self.sessions.contains(name) {
            return Ok(());
        }
        let hint = suggest::hint(name, self.sessions.iter().map(String::as_str));
        Err(Finding::new(
            name,
            format!("no earlier 'connect' or 'initialize' opens a session named '{name}'{hint}"),
        ))
    }

    fn stream(&self, name: &str) -> Result<(), Finding> {
        if self.streams.contains(name) {
            return Ok(());
        }
        let hint = suggest::hint(name, self.streams.iter().map(String::as_str));
        Err(Finding::new(
            name,
            format!("no earlier 'listen' opens a stream named '{name}'{hint}"),
        ))
    }

    fn when(&self, when: Option<&When>) -> Result<(), Finding> {
        when.map_or(Ok(()), |when| self.variable(&when.name))
    }

    fn value(&self, value: Option<&serde_json::Value>) -> Result<(), Finding> {
        let mut names = Vec::new();
        if let Some(value) = value {
            template::names(value, &mut names);
        }
        names.iter().try_for_each(|name| self.variable(name))
    }

    fn headers(&self, headers: &BTreeMap<String, Option<String>>) -> Result<(), Finding> {
        self.texts(headers.keys())?;
        self.texts(headers.values().flatten())
    }

    fn texts<'t>(&self, texts: impl IntoIterator<Item = &'t String>) -> Result<(), Finding> {
        let mut names = Vec::new();
        for text in texts {
            template::names_in_text(text, &mut names);
        }
        names.iter().try_for_each(|name| self.variable(name))
    }

    fn variable(&self, name: &str) -> Result<(), Finding> {
        if self.variables.contains(name) {
            return Ok(());
        }
        let hint = suggest::hint(name, self.variables.iter().map(String::as_str));
        Err(Finding::new(
            name,
            format!("no earlier step captures ${{{name}}}{hint}"),
        ))
    }

    fn condition(&self, condition: &Condition, known_probes: &[&str]) -> Result<(), Finding> {
        match condition {
            Condition::Probe(name) if !known_probes.contains(&name.as_str()) => {
                let hint = suggest::hint(name.as_str(), known_probes.iter().copied());
                Err(Finding::new(
                    name.as_str(),
                    format!("there is no probe '{name}'{hint}"),
                ))
            }
            Condition::AnyOf(all) | Condition::AllOf(all) => all
                .iter()
                .try_for_each(|condition| self.condition(condition, known_probes)),
            Condition::Not(inner) => self.condition(inner, known_probes),
            Condition::Header { test, .. } | Condition::Path { test, .. } => {
                self.value(test.equals.as_ref())?;
                self.value(test.not_equals.as_ref())?;
                self.texts(test.contains.as_ref())
            }
            _ => Ok(()),
        }
    }
}
