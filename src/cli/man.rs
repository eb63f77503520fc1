//! `man`: the manual pages, made from the command line's own help.

use std::path::{Path, PathBuf};

use clap::Args;
use clap_mangen::Man;

use super::{Cli, Exit, Refusal, print};

/// Arguments of `man`.
#[derive(Debug, Args)]
pub(super) struct ManArgs {
    /// The folder to which the pages of all commands are written. Without it, the page of mcp-plumb goes to stdout.
    dir: Option<PathBuf>,
}

pub(super) fn run(args: &ManArgs) -> Result<Exit, Refusal> {
    match &args.dir {
        Some(dir) => write(dir)?,
        None => {
            let mut page = Vec::new();
            Man::new(Cli::typed())
                .render(&mut page)
                .map_err(Refusal::ours)?;
            print(&String::from_utf8_lossy(&page));
        }
    }
    Ok(Exit::Ok)
}

fn write(dir: &Path) -> Result<(), Refusal> {
    let refusal = |error| Refusal::usage(format!("cannot write to {}: {error}", dir.display()));
    std::fs::create_dir_all(dir).map_err(refusal)?;
    clap_mangen::generate_to(Cli::typed(), dir).map_err(refusal)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_command_has_a_page_and_always_the_same() {
        let (one, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        write(one.path()).unwrap();
        write(other.path()).unwrap();
        let command = Cli::typed();
        let pages = command
            .get_subcommands()
            .map(|subcommand| format!("mcp-plumb-{}.1", subcommand.get_name()))
            .chain(["mcp-plumb.1".to_owned()]);
        for page in pages {
            let text = std::fs::read_to_string(one.path().join(&page)).unwrap();
            assert!(text.contains(".SH NAME"), "{page}");
            let again = std::fs::read_to_string(other.path().join(&page)).unwrap();
            assert_eq!(text, again, "{page}");
        }
    }
}
