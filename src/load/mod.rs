//! What a target holds: many streams at once, publishes at a fixed rate, and a ledger of every delivery.
//!
//! The model is open: a publish is due at its own time whatever became of those before it, and a latency is counted from
//! when it was due. So a target that stalls is charged for the whole stall.

mod caller;
pub mod canary;
pub mod clock;
pub mod correlation;
pub mod curve;
pub mod engine;
mod feed;
pub mod ledger;
pub mod limits;
pub mod outcome;
pub mod passive;
pub mod pattern;
pub mod placeholder;
pub mod plan;
mod publisher;
pub mod publishes;
pub mod recorders;
pub mod report;
pub mod saturation;
pub mod self_usage;
mod sender;
pub mod series;
mod shared;
mod stream;
pub mod threshold;
pub mod timestamp;
pub mod token;
pub mod trigger;

pub use engine::{LoadObserver, Progress, Unobserved, run};
pub use outcome::LoadOutcome;
pub use plan::{Call, LoadError, LoadPlan, Source};
pub use report::LoadReport;
pub use threshold::Threshold;
pub use trigger::Trigger;

#[cfg(test)]
mod engine_tests;
#[cfg(test)]
mod test_target;
