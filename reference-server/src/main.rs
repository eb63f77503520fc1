//! Runs the reference server until Ctrl-C.

use std::process::ExitCode;

use clap::Parser;
use mcp_plumb_reference_server::Fault;
use mcp_plumb_reference_server::command::ServeOptions;

/// An MCP server over HTTP and SSE that keeps every rule, or breaks the ones it is told to
#[derive(Debug, Parser)]
#[command(version)]
struct Options {
    #[command(flatten)]
    serve: ServeOptions,
    /// Print every fault with what it does, and exit.
    #[arg(long)]
    list_faults: bool,
}

#[tokio::main]
async fn main() -> ExitCode {
    let options = Options::parse();
    if options.list_faults {
        for info in Fault::ALL {
            println!("{:38} {}", info.id, info.summary);
        }
        return ExitCode::SUCCESS;
    }
    let interrupted = async {
        // Where Ctrl-C cannot be waited for, the process ends by the signal itself.
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    };
    match options.serve.serve(interrupted).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::from(2)
        }
    }
}
