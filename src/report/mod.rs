//! Reports: one versioned document, and one file for each output made from it.
//!
//! No output adds a finding: what a report says is in the [`Document`], and the same document always gives the same
//! bytes.

pub mod badge;
mod beside;
mod conclusion;
pub mod csv;
pub mod document;
pub mod hlog;
pub mod html;
pub mod json;
pub mod junit;
pub mod markdown;
pub mod ndjson;
pub mod run;
mod spec;
pub mod terminal;
pub(crate) mod text;
mod units;
pub mod wire;
mod write;

#[cfg(test)]
mod hostile;
#[cfg(test)]
mod samples;

pub use document::{Document, Target};
pub use run::{Coverage, Outcome, Run, Summary};
pub use spec::{Destination, Format, ReportSpec, ReportSpecError};
pub use write::{ReportError, append_summary, write, write_comparison};
