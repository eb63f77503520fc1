//! `completions`: scripts by which a shell completes our command line.

use clap::Args;
use clap_complete::Shell;

use super::{Cli, Exit, Refusal, print};

/// Arguments of `completions`.
#[derive(Debug, Args)]
pub(super) struct CompletionsArgs {
    /// Of which shell.
    shell: Shell,
}

pub(super) fn run(args: &CompletionsArgs) -> Result<Exit, Refusal> {
    print(&script(args.shell));
    Ok(Exit::Ok)
}

fn script(shell: Shell) -> String {
    let mut bytes = Vec::new();
    clap_complete::generate(shell, &mut Cli::typed(), "mcp-plumb", &mut bytes);
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use clap::ValueEnum;

    use super::*;

    #[test]
    fn every_shell_completes_every_command_and_always_in_the_same_way() {
        let command = Cli::typed();
        for shell in Shell::value_variants() {
            let text = script(*shell);
            for subcommand in command.get_subcommands() {
                let name = subcommand.get_name();
                assert!(text.contains(name), "{shell} lacks {name}");
            }
            assert!(text.contains("start-log"), "{shell}");
            assert_eq!(text, script(*shell), "{shell}");
        }
    }
}
