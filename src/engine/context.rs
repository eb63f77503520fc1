//! What all scenarios of a run share.

use std::sync::Arc;

use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use super::judge::USUAL_ANSWER_MS;
use super::survey::Facts;
use super::traffic::Traffic;
use crate::protocol::dialect::base64;
use crate::protocol::{Revision, jsonrpc};
use crate::scenario::template::{self, Variables};
use crate::scenario::{PUBLICATIONS, ToolRole};
use crate::transport::{Link, Session};

/// What all scenarios of a run share.
#[derive(Debug)]
pub(super) struct Run {
    pub(super) link: Arc<Link>,
    pub(super) facts: Facts,
    pub(super) revision: Revision,
    pub(super) run_id: String,
    pub(super) traffic: Traffic,
    pub(super) cancel: CancellationToken,
}

impl Run {
    /// Variables that every scenario begins with; `token` is found nowhere else.
    pub(super) fn variables(&self, token: &str) -> Variables {
        let mut variables = Variables::from([
            ("run.id".to_owned(), json!(self.run_id)),
            ("revision".to_owned(), json!(self.revision.as_str())),
            ("harmless".to_owned(), json!(harmless(self.revision))),
            ("meta".to_owned(), meta(&self.link)),
            (
                STREAM_URL.to_owned(),
                json!(self.link.dialect.endpoints().stream.as_str()),
            ),
            (
                USUAL_ANSWER_MS.to_owned(),
                json!(self.facts.usual_answer.as_millis() as u64),
            ),
        ]);
        for (role, tool) in &self.facts.tools {
            let prefix = format!("tool.{}", role.as_str());
            let with_payload = |payload: String| {
                let payload = Variables::from([("payload".to_owned(), json!(payload))]);
                template::render(&tool.arguments, &payload)
                    .unwrap_or_else(|_unset| tool.arguments.clone())
            };
            variables.insert(format!("{prefix}.name"), json!(tool.name));
            variables.insert(format!("{prefix}.name.base64"), json!(base64(&tool.name)));
            // Without a letter there is no other case to send.
            let other_case = other_case(&tool.name);
            if other_case != tool.name {
                variables.insert(format!("{prefix}.name.other-case"), json!(other_case));
            }
            variables.insert(format!("{prefix}.definition"), tool.definition.clone());
            variables.insert(
                format!("{prefix}.arguments"),
                with_payload(token.to_owned()),
            );
            variables.insert(format!("{prefix}.payload"), json!(token));
            if let Some(uri) = &tool.changes {
                variables.insert(format!("{prefix}.changes"), json!(uri));
            }
            for n in 1..=PUBLICATIONS {
                variables.insert(
                    format!("{prefix}.arguments.{n}"),
                    with_payload(format!("{token}.{n}")),
                );
            }
        }
        variables.extend(self.mirrored());
        variables
    }

    /// What is said of the argument that a header field repeats, for the role that is about it.
    fn mirrored(&self) -> Variables {
        let role = ToolRole::AnnotatedHeader;
        let Some(tool) = self.facts.tools.get(&role) else {
            return Variables::new();
        };
        let known = self.link.known.get();
        let Some(field) = known.param_headers.first_of(&tool.name, &tool.arguments) else {
            return Variables::new();
        };
        let changed = |value: Option<Value>| tool.arguments_with(&field.path, value);
        [
            ("header", json!(field.header)),
            ("value", json!(field.value)),
            ("value.base64", json!(base64(&field.value))),
            ("arguments.null", changed(Some(Value::Null))),
            ("arguments.absent", changed(None)),
        ]
        .into_iter()
        .map(|(part, value)| (format!("tool.{}.{part}", role.as_str()), value))
        .collect()
    }
}

/// A text with small letters for capitals and capitals for small ones.
fn other_case(text: &str) -> String {
    let swapped = |c: char| match c {
        'a'..='z' => c.to_ascii_uppercase(),
        _ => c.to_ascii_lowercase(),
    };
    text.chars().map(swapped).collect()
}

/// The variable that holds the URL of the target's stream, for probes.
pub(super) const STREAM_URL: &str = "run.stream_url";

/// A request that changes nothing, at every revision: `ping`, or `server/discover` where there is none.
fn harmless(revision: Revision) -> &'static str {
    if revision.has_handshake() {
        "ping"
    } else {
        "server/discover"
    }
}

/// What the dialect puts into `_meta` of a request.
fn meta(link: &Arc<Link>) -> Value {
    let message = jsonrpc::request(&json!(0), harmless(link.revision), None);
    let dressed = Session::new(Arc::clone(link)).dressed(message);
    let meta = dressed.pointer("/params/_meta");
    meta.cloned().unwrap_or_else(|| json!({}))
}
