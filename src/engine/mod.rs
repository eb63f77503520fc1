//! Runs scenarios against a target and judges what comes back. It knows no report and no command line: it gives results,
//! and tells an [`Observer`] how far it is.

mod brought;
pub mod check;
mod context;
mod equal;
pub mod fixtures;
mod judge;
pub mod probes;
mod run;
mod steps;
pub mod survey;
mod traffic;
pub mod verdict;

pub use check::{CheckOutcome, CheckPlan, LIVENESS, Observer, check};
pub use fixtures::Fixtures;
pub use survey::Facts;
pub use traffic::traffic_checks;
pub use verdict::{CheckResult, Skip, SkipReason, Verdict};
