//! Comparison: a target beside the reference server, or saved reports beside each other.
//!
//! Pure: nothing here does I/O. What is read from a file is bounded and tolerant of members that this version does not
//! know ([`read`]); what is written is one versioned [`Comparison`].

pub mod against;
pub mod bootstrap;
pub mod document;
pub mod latency;
pub mod ledger;
pub mod read;
pub mod regression;
pub mod slices;
pub mod verdicts;

pub use against::against;
pub use document::{Comparison, SCHEMA};
pub use latency::{Tolerance, ratio};
pub use read::{READS, ReadError, Saved};
pub use regression::Regression;

#[cfg(test)]
pub(crate) mod samples;
