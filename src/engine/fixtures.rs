//! Which tools of the target may be called, and with what: what the user says, and what the target itself calls read-only.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::scenario::ToolRole;
use crate::suggest;
use crate::yaml;

/// A fixtures file: roles, and the tools of the target that play them.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Fixtures {
    /// A tool for each role. Naming a tool here allows calling it.
    #[serde(default)]
    pub tools: BTreeMap<ToolRole, ToolCall>,
    /// Further tools that may be called, by name.
    #[serde(default)]
    pub allow: Vec<String>,
}

/// A tool and what it is called with.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ToolCall {
    /// The name of the tool.
    pub name: String,
    /// Its arguments. In those of `publishes`, `${payload}` stands for what is to be delivered.
    pub arguments: Option<Value>,
    /// For `publishes`: the URI of the resource that a call changes.
    pub changes: Option<String>,
}

/// Names of presets.
pub const PRESETS: [&str; 1] = ["reference"];

/// Why fixtures could not be read.
#[derive(Debug, thiserror::Error)]
pub enum FixturesError {
    /// Neither a preset nor a file.
    #[error("'{word}' is neither a preset ({}) nor a file{hint}", PRESETS.join(", "))]
    Unknown {
        /// The word.
        word: String,
        /// The nearest preset.
        hint: String,
    },
    /// The file cannot be read.
    #[error("cannot read {path}: {source}")]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The file holds no fixtures.
    #[error("{path}: {message}")]
    Invalid {
        /// The file.
        path: PathBuf,
        /// Line, column and excerpt.
        message: String,
    },
}

impl Fixtures {
    /// A preset by name, or a file by path.
    ///
    /// # Errors
    /// If it is neither, or no fixtures.
    pub fn load(word: &str) -> Result<Self, FixturesError> {
        if word == "reference" {
            return Ok(Self::reference());
        }
        let path = Path::new(word);
        if !path.exists() {
            return Err(FixturesError::Unknown {
                word: word.to_owned(),
                hint: suggest::hint(word, PRESETS),
            });
        }
        let text = std::fs::read_to_string(path).map_err(|source| FixturesError::Read {
            path: path.to_owned(),
            source,
        })?;
        yaml::parse(&text).map_err(|error| FixturesError::Invalid {
            path: path.to_owned(),
            message: error.to_string(),
        })
    }

    /// The tools of the bundled reference server.
    pub fn reference() -> Self {
        let call = |name: &str, arguments: Value| ToolCall {
            name: name.to_owned(),
            arguments: Some(arguments),
            changes: None,
        };
        Self {
            tools: BTreeMap::from([
                (
                    ToolRole::Succeeds,
                    call("echo", json!({"message": "plumb"})),
                ),
                (ToolRole::Structured, call("add", json!({"a": 2, "b": 3}))),
                (
                    ToolRole::TakesArguments,
                    call("add", json!({"a": 2, "b": 3})),
                ),
                (ToolRole::Fails, call("fail", json!({}))),
                (
                    ToolRole::Publishes,
                    ToolCall {
                        changes: Some("plumb://board".to_owned()),
                        ..call("publish", json!({"payload": "${payload}"}))
                    },
                ),
                (
                    ToolRole::Progresses,
                    call("progress", json!({"steps": 3, "delay_ms": 10})),
                ),
                (
                    ToolRole::ChangesTools,
                    call("announce", json!({"kind": "tools"})),
                ),
                (
                    ToolRole::AsksUser,
                    call("ask_user", json!({"message": "mcp-plumb"})),
                ),
                (
                    ToolRole::AsksModel,
                    call("ask_model", json!({"prompt": "mcp-plumb"})),
                ),
                (ToolRole::AsksRoots, call("ask_roots", json!({}))),
                (
                    ToolRole::AnnotatedHeader,
                    call(
                        "locate",
                        json!({"place": "plumb", "floor": 2, "open": true, "shelf": {"row": "a"}}),
                    ),
                ),
            ]),
            allow: Vec::new(),
        }
    }

    /// Whether the user allows calling that tool.
    pub fn allows(&self, name: &str) -> bool {
        self.allow.iter().any(|allowed| allowed == name)
            || self.tools.values().any(|call| call.name == name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn presets_and_files_are_read() {
        assert!(Fixtures::load("reference").unwrap().allows("publish"));
        let error = Fixtures::load("refrence").unwrap_err().to_string();
        assert!(error.contains("did you mean 'reference'"), "{error}");
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("fixtures.yaml");
        std::fs::write(&path, "tools:\n  succeeds: { name: hello }\nallow: [bye]\n").unwrap();
        let fixtures = Fixtures::load(path.to_str().unwrap()).unwrap();
        assert!(fixtures.allows("hello") && fixtures.allows("bye") && !fixtures.allows("other"));
        std::fs::write(&path, "tools:\n  sucseeds: { name: hello }\n").unwrap();
        let error = Fixtures::load(path.to_str().unwrap())
            .unwrap_err()
            .to_string();
        assert!(error.contains("sucseeds"), "{error}");
    }
}
