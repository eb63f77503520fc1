//! Scenario files: the model, reading them, checking them before anything is sent, and the embedded set.

pub mod condition;
mod library;
mod lint;
pub mod model;
pub mod template;
pub mod verbs;
pub mod words;

pub use condition::Condition;
pub use library::{Library, LoadError, Loaded};
pub use model::{Check, Rule, Scenario, Step, ToolRole};
pub use verbs::Verb;

/// How many publications of one scenario can be told apart: `${tool.publishes.arguments.1}` and so on.
pub const PUBLICATIONS: usize = 5;

/// The JSON Schema of a scenario file.
pub fn json_schema() -> serde_json::Value {
    schemars::schema_for!(Scenario).to_value()
}
