//! The command line: parses, runs one subcommand, and says how it ended.

mod access;
mod annotations;
mod args;
mod check;
mod compare;
mod completions;
mod config;
mod exit;
mod explain;
mod list;
mod load;
mod man;
mod outcome;
mod progress;
mod ready;
mod run;
mod schema;
mod serve;
mod start;
mod target;
mod wait;

use std::io::Write;

use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};
use tokio_util::sync::CancellationToken;

pub use exit::Exit;

use crate::report::text;

/// Tells whether an MCP server reached over HTTP and Server-Sent Events is right, and what it holds.
#[derive(Debug, Parser)]
#[command(
    name = "mcp-plumb",
    version,
    max_term_width = 100,
    disable_help_subcommand = true
)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// The main job in one go: conformance, a short load, and the verdict beside the reference server.
    Run(run::RunArgs),
    /// Runs the scenarios against a server and gives a verdict per requirement, with evidence.
    Check(check::CheckArgs),
    /// Holds many event streams, publishes at a fixed rate, and accounts for every delivery.
    Load(load::LoadArgs),
    /// Sets a server beside the reference server, in alternating slices, or saved JSON reports beside each other.
    Compare(compare::CompareArgs),
    /// Starts the bundled reference server, which can also break rules on purpose.
    Serve(serve::ServeArgs),
    /// Lists scenarios, checks, requirements or faults.
    List(list::ListArgs),
    /// Explains a requirement, a check or a fault by its id.
    Explain(explain::ExplainArgs),
    /// Prints a JSON Schema.
    Schema(schema::SchemaArgs),
    /// Prints a completion script for a shell.
    Completions(completions::CompletionsArgs),
    /// Prints the manual page, or writes those of all commands to a folder.
    Man(man::ManArgs),
}

/// A command that could not be carried out: one line for the user, and whose matter it is.
#[derive(Debug)]
struct Refusal {
    exit: Exit,
    message: String,
}

impl Refusal {
    /// The user can mend it.
    fn usage(message: impl ToString) -> Self {
        Self {
            exit: Exit::Usage,
            message: message.to_string(),
        }
    }

    /// Something of ours, or of this machine, failed.
    fn ours(message: impl ToString) -> Self {
        Self {
            exit: Exit::OurBug,
            message: message.to_string(),
        }
    }
}

/// Parses the process's arguments and does what they say.
pub fn main() -> Exit {
    std::panic::set_hook(Box::new(|panic| {
        let place = panic
            .location()
            .map(ToString::to_string)
            .unwrap_or_default();
        let what = panic.payload_as_str().unwrap_or("unknown");
        complain(&format!(
            "this is a bug of mcp-plumb, please report it: {what} ({place})"
        ));
    }));
    let cli = match Cli::read() {
        Ok(cli) => cli,
        Err(stop) => return stopped(stop),
    };
    // What a panic leaves behind is looked at by nobody.
    let dispatched = std::panic::AssertUnwindSafe(|| dispatch(cli));
    std::panic::catch_unwind(dispatched).unwrap_or(Exit::OurBug)
}

impl Cli {
    /// The command line as it can be typed, and by variables of the environment.
    fn typed() -> clap::Command {
        config::with_variables(Self::command())
    }

    /// What the process was given on its command line, by its environment and by a file.
    fn read() -> Result<Self, config::Stop> {
        let matches = config::parse(&Self::typed(), std::env::args_os())?;
        Ok(Self::from_arg_matches(&matches)?)
    }
}

/// Says why nothing is run.
fn stopped(stop: config::Stop) -> Exit {
    match stop {
        config::Stop::Typed(error) => {
            // Help and version are no errors: they go to stdout and end with 0.
            let exit = if error.use_stderr() {
                Exit::Usage
            } else {
                Exit::Ok
            };
            let _ = error.print();
            exit
        }
        config::Stop::Shown(text) => {
            print(&text);
            Exit::Ok
        }
        config::Stop::Refused(refusal) => {
            complain(&refusal.message);
            refusal.exit
        }
    }
}

fn dispatch(cli: Cli) -> Exit {
    let outcome = match cli.command {
        Command::Run(args) => interruptible(|stop| {
            ready::with(args.target.clone(), stop.clone(), run::run(args, stop))
        }),
        Command::Check(args) => interruptible(|stop| {
            ready::with(args.target.clone(), stop.clone(), check::run(args, stop))
        }),
        Command::Load(args) => interruptible(|stop| {
            ready::with(args.target.clone(), stop.clone(), load::run(args, stop))
        }),
        Command::Compare(args) => compare::dispatch(args),
        Command::Serve(args) => interruptible(|stop| serve::run(args, stop)),
        Command::List(args) => list::run(&args),
        Command::Explain(args) => explain::run(&args),
        Command::Schema(args) => schema::run(&args),
        Command::Completions(args) => completions::run(&args),
        Command::Man(args) => man::run(&args),
    };
    outcome.unwrap_or_else(|refusal| {
        complain(&refusal.message);
        refusal.exit
    })
}

/// Runs a future that ends early, with what it knows, when the process is interrupted. A second interruption ends the
/// process at once.
fn interruptible<F>(run: impl FnOnce(CancellationToken) -> F) -> Result<Exit, Refusal>
where
    F: Future<Output = Result<Exit, Refusal>>,
{
    let stop = CancellationToken::new();
    let handler = {
        let stop = stop.clone();
        move || {
            if stop.is_cancelled() {
                start::kill_now();
                std::process::exit(i32::from(Exit::Interrupted.code()));
            }
            stop.cancel();
        }
    };
    ctrlc::set_handler(handler)
        .map_err(|error| Refusal::ours(format!("cannot listen for Ctrl-C: {error}")))?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| Refusal::ours(format!("cannot start: {error}")))?;
    let outcome = runtime.block_on(run(stop));
    // What a target keeps open must not keep us.
    runtime.shutdown_timeout(std::time::Duration::from_secs(1));
    outcome
}

/// One line on stderr. It may quote the target, which must not steer the terminal by it; excerpts of files have lines.
fn complain(message: &str) {
    let mut shown = String::with_capacity(message.len());
    for c in message.chars() {
        if c != '\n' && text::is_unsafe(c) {
            shown.extend(c.escape_unicode());
        } else {
            shown.push(c);
        }
    }
    let _ = writeln!(std::io::stderr(), "mcp-plumb: {shown}");
}

/// Writes to stdout. A reader that has gone away is no error of ours.
fn print(text: &str) {
    let mut stdout = anstream::AutoStream::auto(std::io::stdout());
    let _ = stdout.write_all(text.as_bytes());
    let _ = stdout.flush();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::typed().debug_assert();
    }
}
