//! `schema`: the JSON Schemas of what is written and read.

use clap::{Args, ValueEnum};

use super::{Exit, Refusal, print};
use crate::report::json;
use crate::scenario;

/// Arguments of `schema`.
#[derive(Debug, Args)]
pub(super) struct SchemaArgs {
    /// Of what.
    what: What,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum What {
    /// The JSON report.
    Report,
    /// The JSON report of 'compare'.
    Compare,
    /// A scenario file.
    Scenario,
}

pub(super) fn run(args: &SchemaArgs) -> Result<Exit, Refusal> {
    let schema = match args.what {
        What::Report => json::schema(),
        What::Compare => json::comparison_schema(),
        What::Scenario => scenario::json_schema(),
    };
    print(&format!("{schema:#}\n"));
    Ok(Exit::Ok)
}
