//! Where options come from: the command line before the environment before `mcp-plumb.toml` before the defaults.
//!
//! The file's values become the defaults of the parser, so that they are read and judged by the same code as what is
//! typed, and what is typed goes before them without a rule of our own.

mod file;
mod shown;

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use clap::parser::ValueSource;
use clap::{Arg, ArgAction, ArgMatches, Args, Command};

use super::Refusal;
use file::{ConfigFile, Setting};

/// The file that is read from the current directory.
const FILE_NAME: &str = "mcp-plumb.toml";
/// What the name of an option is prefixed with to give a variable of the environment.
const VARIABLE_PREFIX: &str = "MCP_PLUMB_";
/// Options that say where the others come from. They stand in no file.
const OWN: [&str; 3] = ["config", "no_config", "print_config"];

/// Where the options come from that are not typed.
#[derive(Clone, Debug, Default, Args)]
#[command(
    after_help = "Every option may also be given by the environment variable MCP_PLUMB_… (its name in capitals, _ for -), or by mcp-plumb.toml in the current directory (its name). The command line goes before the environment, and that before the file."
)]
pub(super) struct ConfigArgs {
    /// Reads options from this file instead of mcp-plumb.toml in the current directory.
    #[arg(long, help_heading = "Configuration", value_name = "FILE")]
    config: Option<PathBuf>,
    /// Reads no file of options.
    #[arg(long, help_heading = "Configuration", conflicts_with = "config")]
    no_config: bool,
    /// Prints every option with its value and where that came from, and does nothing else.
    #[arg(long, help_heading = "Configuration")]
    print_config: bool,
}

impl ConfigArgs {
    fn of(matches: &ArgMatches) -> Self {
        Self {
            config: matches.get_one::<PathBuf>("config").cloned(),
            no_config: matches.get_flag("no_config"),
            print_config: matches.get_flag("print_config"),
        }
    }

    /// The file, if one is asked for or stands in the current directory.
    fn file(&self) -> Result<Option<ConfigFile>, Refusal> {
        let path = match &self.config {
            _ if self.no_config => return Ok(None),
            Some(path) => path,
            None if Path::new(FILE_NAME).is_file() => Path::new(FILE_NAME),
            None => return Ok(None),
        };
        ConfigFile::read(path).map(Some).map_err(Refusal::usage)
    }
}

/// Why there is nothing to run.
pub(super) enum Stop {
    /// What is typed is wrong, or asks for help or the version.
    Typed(Box<clap::Error>),
    /// The file is wrong.
    Refused(Refusal),
    /// The options were asked for; this is what they are.
    Shown(String),
}

impl From<clap::Error> for Stop {
    fn from(error: clap::Error) -> Self {
        Self::Typed(Box::new(error))
    }
}

impl From<Refusal> for Stop {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

/// Reads a command line, with what the environment and the file add to it.
pub(super) fn parse(
    command: &Command,
    line: impl IntoIterator<Item = OsString>,
) -> Result<ArgMatches, Stop> {
    let line: Vec<OsString> = line.into_iter().collect();
    let typed = command.clone().try_get_matches_from(&line)?;
    let Some((name, options)) = typed.subcommand() else {
        return Ok(typed);
    };
    let Some(subcommand) = command
        .find_subcommand(name)
        .filter(|subcommand| is_configurable(subcommand))
    else {
        return Ok(typed);
    };
    let config = ConfigArgs::of(options);
    let mut settings = Vec::new();
    let mut path = None;
    if let Some(file) = config.file()? {
        settings = file.settings(command, subcommand).map_err(Refusal::usage)?;
        settings.retain(|setting| !is_overruled(subcommand, setting, options));
        path = Some(file.path);
    }
    let shows = config.print_config;
    let name = name.to_owned();
    let matches = with_defaults(command.clone(), &name, &settings).try_get_matches_from(&line)?;
    if shows && let Some((_, options)) = matches.subcommand() {
        let shown = shown::Shown {
            path: path.as_deref(),
            settings: &settings,
            matches: options,
        };
        return Err(Stop::Shown(shown.of(subcommand)));
    }
    Ok(matches)
}

/// The command line with a variable of the environment for every option that a file may set, and for the file.
pub(super) fn with_variables(command: Command) -> Command {
    command.mut_subcommands(|subcommand| {
        if !is_configurable(&subcommand) {
            return subcommand;
        }
        subcommand.mut_args(|arg| {
            if is_fixed(&arg) && arg.get_id() != "config" {
                return arg;
            }
            let variable = variable_of(&arg);
            arg.env(variable).hide_env(true)
        })
    })
}

/// The settings as the defaults of a subcommand.
fn with_defaults(command: Command, name: &str, settings: &[Setting]) -> Command {
    command.mut_subcommand(name, |subcommand| {
        settings.iter().fold(subcommand, |subcommand, setting| {
            subcommand.mut_arg(&setting.id, |arg| {
                arg.default_values(setting.given.values())
            })
        })
    })
}

/// Whether an option that was typed, or that the environment gives, excludes a setting of the file.
fn is_overruled(subcommand: &Command, setting: &Setting, typed: &ArgMatches) -> bool {
    let is_given = |arg: &Arg| {
        matches!(
            typed.value_source(arg.get_id().as_str()),
            Some(ValueSource::CommandLine | ValueSource::EnvVariable)
        )
    };
    let excludes = |one: &Arg, other: &str| {
        let mut excluded = subcommand.get_arg_conflicts_with(one).into_iter();
        excluded.any(|arg| arg.get_id() == other)
    };
    let Some(own) = find(subcommand, &setting.id) else {
        return false;
    };
    options(subcommand)
        .filter(|arg| is_given(arg))
        .any(|arg| excludes(arg, &setting.id) || excludes(own, arg.get_id().as_str()))
}

/// Whether a file can set options of this subcommand.
fn is_configurable(subcommand: &Command) -> bool {
    find(subcommand, "config").is_some()
}

fn find<'a>(subcommand: &'a Command, id: &str) -> Option<&'a Arg> {
    subcommand.get_arguments().find(|arg| arg.get_id() == id)
}

/// Whether neither a file nor the environment sets it.
fn is_fixed(arg: &Arg) -> bool {
    OWN.contains(&arg.get_id().as_str())
        || matches!(
            arg.get_action(),
            ArgAction::Help | ArgAction::HelpShort | ArgAction::HelpLong | ArgAction::Version
        )
}

/// The options that a file may set.
fn options(subcommand: &Command) -> impl Iterator<Item = &Arg> {
    subcommand.get_arguments().filter(|arg| !is_fixed(arg))
}

/// The name of an option in a file: as it is typed, without dashes.
fn key_of(arg: &Arg) -> &str {
    arg.get_long().unwrap_or(arg.get_id().as_str())
}

fn variable_of(arg: &Arg) -> String {
    let name = key_of(arg).replace('-', "_").to_ascii_uppercase();
    format!("{VARIABLE_PREFIX}{name}")
}

fn is_flag(arg: &Arg) -> bool {
    matches!(arg.get_action(), ArgAction::SetTrue | ArgAction::SetFalse)
}

fn is_list(arg: &Arg) -> bool {
    matches!(arg.get_action(), ArgAction::Append)
}
