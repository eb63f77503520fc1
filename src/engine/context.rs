//! What all scenarios of a run share.

use std::sync::Arc;

use serde_json::json;
use tokio_util::sync::CancellationToken;

use super::judge::USUAL_ANSWER_MS;
use super::survey::Facts;
use super::traffic::Traffic;
use crate::protocol::Revision;
use crate::scenario::PUBLICATIONS;
use crate::scenario::template::{self, Variables};
use crate::transport::Link;

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
            variables.insert(format!("{prefix}.definition"), tool.definition.clone());
            variables.insert(
                format!("{prefix}.arguments"),
                with_payload(token.to_owned()),
            );
            variables.insert(format!("{prefix}.payload"), json!(token));
            for n in 1..=PUBLICATIONS {
                variables.insert(
                    format!("{prefix}.arguments.{n}"),
                    with_payload(format!("{token}.{n}")),
                );
            }
        }
        variables
    }
}
