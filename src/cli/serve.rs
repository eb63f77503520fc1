//! `serve`: the bundled reference server.

use clap::Args;
use mcp_plumb_reference_server::command::ServeOptions;
use tokio_util::sync::CancellationToken;

use super::{Exit, Refusal};

/// Arguments of `serve`.
#[derive(Debug, Args)]
pub(super) struct ServeArgs {
    #[command(flatten)]
    options: ServeOptions,
}

pub(super) async fn run(args: ServeArgs, stop: CancellationToken) -> Result<Exit, Refusal> {
    args.options
        .serve(stop.cancelled())
        .await
        .map_err(|error| Refusal::usage(format!("{error}; --port 0 takes a free port")))?;
    Ok(Exit::Ok)
}
